"""The world as machine code sees it: one pointer, behind which the addresses of all arrays stand.

A tuple of forty arrays would travel as three hundred numbers in every call: with it the kernel took two minutes to
compile and ran no faster than Python. A `Handle` travels as one, and `w.slots` means the same as for a `World`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba.core import cgutils, types
from numba.extending import NativeValue, intrinsic, models, overload_attribute, register_model, typeof_impl, unbox
from numba.np.arrayobj import make_array, populate_array

from canbao.kernel.compiling import JIT
from canbao.kernel.state import LAYOUT, WIDE, World

__all__ = ["Handle", "handle"]

_MOST_DIMENSIONS = 3
_WORDS = 1 + _MOST_DIMENSIONS
"""What stands for each array: its address and its shape."""


class Handle:
    """The addresses and shapes of the arrays of a world, which it keeps alive."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.table = np.zeros((len(LAYOUT), _WORDS), dtype=np.int64)
        for row, name, (kind, dimensions) in zip(self.table, LAYOUT, LAYOUT.values(), strict=True):
            array = getattr(world, name)
            fits = (
                array.dtype in ((kind, WIDE) if name == "counts" else (kind,))
                and array.ndim == dimensions
                and array.flags.c_contiguous
            )
            assert fits, f"{name}: {array.dtype}, {array.ndim} dimensions, where {kind}, {dimensions} are expected"
            row[0] = array.ctypes.data
            row[1 : 1 + dimensions] = array.shape
        self.address = self.table.ctypes.data
        self.wide = world.counts.dtype == WIDE


def handle(world: World) -> Any:
    """Give what the functions of the kernel take: a handle for machine code, or the world itself for Python."""
    return Handle(world) if JIT else world


class _HandleType(types.Type):
    def __init__(self, wide: bool) -> None:
        super().__init__(name=f"canbao.Handle({'wide' if wide else 'narrow'})")
        self.wide = wide


_TYPES = {wide: _HandleType(wide) for wide in (False, True)}


@typeof_impl.register(Handle)
def _typeof(value: Handle, context: object) -> _HandleType:
    return _TYPES[value.wide]


@register_model(_HandleType)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, cgutils.intp_t)


@unbox(_HandleType)
def _unbox(kind: Any, value: Any, context: Any) -> NativeValue:
    address = context.pyapi.object_getattr_string(value, "address")
    number = context.pyapi.number_as_ssize_t(address)
    context.pyapi.decref(address)
    return NativeValue(number, is_error=cgutils.is_not_null(context.builder, context.pyapi.err_occurred()))


def _view(number: int, kind: Any, dimensions: int) -> Callable[..., Any]:
    """Make the function that gives the array with a number, as machine code."""
    array_type = types.Array(kind, dimensions, "C")

    @intrinsic
    def view(typing_context: Any, w: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            table = builder.inttoptr(arguments[0], cgutils.intp_t.as_pointer())
            words = [
                builder.load(builder.gep(table, [cgutils.intp_t(number * _WORDS + word)])) for word in range(_WORDS)
            ]
            size = context.get_abi_sizeof(context.get_data_type(kind))
            shape, strides = words[1 : 1 + dimensions], [cgutils.intp_t(size)]
            for length in reversed(shape[1:]):
                strides.insert(0, builder.mul(strides[0], length))
            array = make_array(array_type)(context, builder)
            data = builder.inttoptr(words[0], context.get_data_type(kind).as_pointer())
            itemsize = context.get_constant(types.intp, size)
            populate_array(array, data=data, shape=shape, strides=strides, itemsize=itemsize, meminfo=None)
            return array._getvalue()

        return array_type(w), generate

    return view  # type: ignore[no-any-return]


def _define(name: str, number: int, kind: np.dtype[Any], dimensions: int) -> None:
    narrow_view = _view(number, numba.from_dtype(kind), dimensions)
    wide_view = _view(number, numba.from_dtype(WIDE), dimensions) if name == "counts" else narrow_view

    @overload_attribute(_HandleType, name)
    def attribute(w: Any) -> Callable[..., Any]:
        view = wide_view if w.wide else narrow_view

        def get(w: Any) -> Any:
            return view(w)

        return get


for _number, (_name, (_kind, _dimensions)) in enumerate(LAYOUT.items()):
    _define(_name, _number, _kind, _dimensions)
