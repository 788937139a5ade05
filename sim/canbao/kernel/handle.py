"""The world as machine code sees it: one pointer, behind which the addresses of all arrays stand.

A tuple of forty arrays would travel as three hundred numbers in every call: with it the kernel took two minutes to
compile and ran no faster than Python. A `Handle` travels as one, and `w.slots` means the same as for a `World`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.imputils import lower_getattr_generic
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.extending import (
    NativeValue,
    intrinsic,
    lower_builtin,
    models,
    overload,
    register_model,
    typeof_impl,
    unbox,
)
from numba.np.arrayobj import load_item, make_array, populate_array, store_item

from canbao.arrays import IntArray
from canbao.kernel.compiling import JIT
from canbao.kernel.state import LAYOUT, WIDE, World

__all__ = ["Handle", "fetch", "handle"]

_MOST_DIMENSIONS = 3
_WORDS = 1 + _MOST_DIMENSIONS
"""What stands for each array: its address and its shape."""


class Handle:
    """The addresses and shapes of the arrays of a world, which it keeps alive.

    Parameters
    ----------
    world
        The arrays.
    before
        The handle of a world of which most arrays are the same: to look at all forty again took longer than what the
        kernel did between two calls.
    """

    def __init__(self, world: World, before: Handle | None = None) -> None:
        self.world = world
        self.table: IntArray = np.zeros((len(LAYOUT), _WORDS), dtype=np.int64) if before is None else before.table
        for number, (name, array) in enumerate(zip(LAYOUT, world, strict=True)):
            if before is None or array is not before.world[number]:
                self.table[number] = _words(name, array)
        self.address = self.table.ctypes.data
        self.wide = world.counts.dtype == WIDE


def _words(name: str, array: Any) -> list[int]:
    """Give the address and the shape of an array, after a look at whether it is what the kernel takes it for."""
    kind, dimensions = LAYOUT[name]
    kinds = (kind, WIDE) if name == "counts" else (kind,)
    fits = array.dtype in kinds and array.ndim == dimensions and array.flags.c_contiguous
    assert fits, f"{name}: {array.dtype}, {array.ndim} dimensions, where {kind}, {dimensions} are expected"
    return [array.ctypes.data, *array.shape, *(0,) * (_MOST_DIMENSIONS - dimensions)]


def handle(world: World, before: Any = None) -> Any:
    """Give what the functions of the kernel take: a handle for machine code, or the world itself for Python."""
    return Handle(world, before) if JIT else world


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


class _ArrayType(types.Array):
    """An array of a world; its indices are never negative.

    An ordinary array looks at each index whether it counts from the end, which was a tenth of all instructions.
    """


register_model(_ArrayType)(models.ArrayModel)


@lower_builtin(operator.getitem, _ArrayType, types.Integer)
@lower_builtin(operator.getitem, _ArrayType, types.UniTuple)
def _get_item(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    array_type, index_type = signature.args
    place = _place(context, builder, array_type, arguments[0], index_type, arguments[1])
    return load_item(context, builder, array_type, place)


@lower_builtin(operator.setitem, _ArrayType, types.Integer, types.Number)
@lower_builtin(operator.setitem, _ArrayType, types.UniTuple, types.Number)
def _set_item(context: Any, builder: Any, signature: Any, arguments: Any) -> None:
    array_type, index_type, value_type = signature.args
    place = _place(context, builder, array_type, arguments[0], index_type, arguments[1])
    store_item(context, builder, array_type, context.cast(builder, arguments[2], value_type, array_type.dtype), place)


def _place(  # noqa: PLR0913, PLR0917 - two of the compiler's, and two arguments, each with its type
    context: Any, builder: Any, array_type: Any, array: Any, index_type: Any, index: Any
) -> Any:
    """Give the address of an element, by one index or by one for each dimension."""
    seen = make_array(array_type)(context, builder, array)
    kinds = list(index_type) if isinstance(index_type, types.UniTuple) else [index_type]
    indices = cgutils.unpack_tuple(builder, index) if isinstance(index_type, types.UniTuple) else [index]
    lengths = cgutils.unpack_tuple(builder, seen.shape)
    offset = cgutils.intp_t(0)
    for kind, number, length in zip(kinds, indices, lengths, strict=True):
        offset = builder.add(builder.mul(offset, length), context.cast(builder, number, kind, types.intp))
    return builder.gep(seen.data, [offset], inbounds=True)


def fetch(array: Any, index: Any) -> None:
    """Have an element brought from memory while other things are done; it is there when it is needed."""


@overload(fetch)
def _fetch(array: Any, index: Any) -> Callable[..., None]:
    def prefetch(array: Any, index: Any) -> None:
        _prefetch(array, index)

    return prefetch


@intrinsic
def _prefetch(_: Any, array: Any, index: Any) -> Any:
    return types.void(array, index), _lower_prefetch


def _lower_prefetch(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    array_type, index_type = signature.args
    place = _place(context, builder, array_type, arguments[0], index_type, arguments[1])
    address, number = ir.IntType(8).as_pointer(), ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [address, number, number, number])
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
    to_read, near, data = number(0), number(3), number(1)
    builder.call(function, [builder.bitcast(place, address), to_read, near, data])
    return context.get_dummy_value()


_ARRAYS = {
    (name, wide): _ArrayType(numba.from_dtype(_element(name, wide)), dimensions, "C")
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
