"""Handles and their arrays, as Numba has to be told of them."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numba
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.imputils import lower_getattr_generic
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.extending import intrinsic, lower_builtin, models, overload, register_model
from numba.np.arrayobj import load_item, make_array, populate_array, store_item

from canbao.kernel.handle import LAYOUTS, WORDS, fetch
from canbao.kernel.state import WIDE

__all__ = ["handle_type"]


class _HandleType(types.Type):
    def __init__(self, arrays: type, wide: bool) -> None:
        super().__init__(name=f"canbao.{arrays.__name__}({'wide' if wide else 'narrow'})")
        self.layout, self.wide = LAYOUTS[arrays], wide


def handle_type(arrays: type, wide: bool) -> types.Type:
    """Give the type of a handle of a kind of tuple; with counters that are wide, if it is a World."""
    return _HandleType(arrays, wide)


@register_model(_HandleType)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, cgutils.intp_t)


class _ArrayType(types.Array):
    """An array of a tuple; its indices are never negative.

    An ordinary array looks at each index whether it counts from the end, which was a tenth of all instructions.
    """


register_model(_ArrayType)(models.ArrayModel)


@lower_builtin(operator.getitem, _ArrayType, types.Integer)
@lower_builtin(operator.getitem, _ArrayType, types.BaseTuple)
def _get_item(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    array_type, index_type = signature.args
    place = _place(context, builder, array_type, arguments[0], index_type, arguments[1])
    return load_item(context, builder, array_type, place)


@lower_builtin(operator.setitem, _ArrayType, types.Integer, types.Number)
@lower_builtin(operator.setitem, _ArrayType, types.BaseTuple, types.Number)
def _set_item(context: Any, builder: Any, signature: Any, arguments: Any) -> None:
    array_type, index_type, value_type = signature.args
    place = _place(context, builder, array_type, arguments[0], index_type, arguments[1])
    store_item(context, builder, array_type, context.cast(builder, arguments[2], value_type, array_type.dtype), place)


def _place(  # noqa: PLR0913, PLR0917 - two of the compiler's, and two arguments, each with its type
    context: Any, builder: Any, array_type: Any, array: Any, index_type: Any, index: Any
) -> Any:
    """Give the address of an element, by one index or by one for each dimension."""
    seen = make_array(array_type)(context, builder, array)
    kinds: Any = index_type if isinstance(index_type, types.BaseTuple) else [index_type]
    indices = cgutils.unpack_tuple(builder, index) if isinstance(index_type, types.BaseTuple) else [index]
    lengths = cgutils.unpack_tuple(builder, seen.shape)
    offset = cgutils.intp_t(0)
    for kind, number, length in zip(kinds, indices, lengths, strict=True):
        offset = builder.add(builder.mul(offset, length), context.cast(builder, number, kind, types.intp))
    return builder.gep(seen.data, [offset], inbounds=True)


@overload(fetch)
def _fetch(array: Any, index: Any) -> Callable[..., None]:
    def prefetch(array: Any, index: Any) -> None:
        _prefetch(array, index)  # type: ignore[call-arg] # the first argument is the compiler's

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


@infer_getattr
class _Attributes(AttributeTemplate):
    key = _HandleType

    def generic_resolve(self, value: Any, attr: str) -> Any:  # type: ignore[override]
        return _array(value, attr) if attr in value.layout else None


def _array(kind: _HandleType, name: str) -> _ArrayType:
    element, dimensions = kind.layout[name]
    if kind.wide and name == "counts":
        element = WIDE
    return _ArrayType(numba.from_dtype(element), dimensions, "C")


def _constant(builder: Any, place: Any) -> Any:
    """Load a number of the table, which does not change while the kernel runs, so that it is loaded only once."""
    number = builder.load(place)
    number.set_metadata("invariant.load", builder.module.add_metadata([]))
    return number


@lower_getattr_generic(_HandleType)
def _get(context: Any, builder: Any, kind: _HandleType, address: Any, name: str) -> Any:
    """Give the array of a name: its address and its shape stand in the table."""
    array_type, number = _array(kind, name), list(kind.layout).index(name)
    table = builder.inttoptr(address, cgutils.intp_t.as_pointer())
    places = [cgutils.intp_t(number * WORDS + word) for word in range(1 + array_type.ndim)]
    start, *shape = [_constant(builder, builder.gep(table, [place])) for place in places]
    element = context.get_data_type(array_type.dtype)
    strides = [cgutils.intp_t(context.get_abi_sizeof(element))]
    for length in reversed(shape[1:]):
        strides.insert(0, builder.mul(strides[0], length))
    array = make_array(array_type)(context, builder)
    data = builder.inttoptr(start, element.as_pointer())
    populate_array(array, data=data, shape=shape, strides=strides, itemsize=strides[-1], meminfo=None)
    return array._getvalue()
