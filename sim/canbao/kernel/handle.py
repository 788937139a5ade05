"""The world as machine code sees it: one pointer, behind which the addresses of all arrays stand.

A tuple of forty arrays would travel as three hundred numbers in every call: with it the kernel took two minutes to
compile and ran no faster than Python. A `Handle` travels as one, and `w.slots` means the same as for a `World`.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba.core import cgutils, types
from numba.core.imputils import lower_getattr_generic
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.extending import NativeValue, models, register_model, typeof_impl, unbox
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


def _element(name: str, wide: bool) -> np.dtype[Any]:
    return WIDE if wide and name == "counts" else LAYOUT[name][0]


_ARRAYS = {
    (name, wide): types.Array(numba.from_dtype(_element(name, wide)), dimensions, "C")
    for name, (_, dimensions) in LAYOUT.items()
    for wide in _TYPES
}
_NUMBERS = {name: number for number, name in enumerate(LAYOUT)}


@infer_getattr
class _Attributes(AttributeTemplate):
    key = _HandleType

    def generic_resolve(self, value: Any, attr: str) -> Any:  # type: ignore[override]
        return _ARRAYS.get((attr, value.wide))


def _constant(builder: Any, place: Any) -> Any:
    """Load a number of the table, which does not change while the kernel runs, so that it is loaded only once."""
    number = builder.load(place)
    number.set_metadata("invariant.load", builder.module.add_metadata([]))
    return number


@lower_getattr_generic(_HandleType)
def _get(context: Any, builder: Any, kind: _HandleType, address: Any, name: str) -> Any:
    """Give the array of a name: its address and its shape stand in the table."""
    array_type = _ARRAYS[name, kind.wide]
    table = builder.inttoptr(address, cgutils.intp_t.as_pointer())
    places = [cgutils.intp_t(_NUMBERS[name] * _WORDS + word) for word in range(1 + array_type.ndim)]
    start, *shape = [_constant(builder, builder.gep(table, [place])) for place in places]
    element = context.get_data_type(array_type.dtype)
    strides = [cgutils.intp_t(context.get_abi_sizeof(element))]
    for length in reversed(shape[1:]):
        strides.insert(0, builder.mul(strides[0], length))
    array = make_array(array_type)(context, builder)
    data = builder.inttoptr(start, element.as_pointer())
    populate_array(array, data=data, shape=shape, strides=strides, itemsize=strides[-1], meminfo=None)
    return array._getvalue()
