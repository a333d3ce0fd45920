"""Sizes of axes that are not known as numbers, but known to be the same."""

from __future__ import annotations

from collections.abc import Callable

from headlint.flow.values.python_values import Unknown, Value
from headlint.flow.values.tensor_values import Tensor

Axis = tuple[Tensor, int]


def shape_of(names: Unknown, tensor: Tensor) -> Unknown:
    """The unknown shape of a tensor, a part of ``names``."""
    return names.child(("shape", tensor))


def size_of(names: Unknown, tensor: Tensor, axis: int) -> Unknown:
    """The unknown size of an axis."""
    return shape_of(names, tensor).child(("item", axis))


def product(left: Unknown, right: Unknown) -> Unknown | None:
    """The product of two sizes of axes; None where one of them is no such size."""
    return left.child(("*", right)) if _is_size(left) and _is_size(right) else None


def _is_size(value: Unknown) -> bool:
    return bool(axes_of(value, lambda _: Tensor()))


def axes_of(value: Value, tensor_of: Callable[[Unknown], Tensor]) -> tuple[Axis, ...]:
    """The axes whose sizes a value is the product of; none where it is something else.

    ``tensor_of`` gives something unknown as a tensor.
    """
    match value:
        case Unknown(key=("item", int() as axis), parent=Unknown(key=("shape", Tensor() as tensor))):
            return ((tensor, axis),)
        case Unknown(key=("item", int() as axis), parent=Unknown(key="shape", parent=Unknown() as owner)):
            return ((tensor_of(owner), axis),)
        case Unknown(key=("*", Unknown() as right), parent=Unknown() as left):
            first, second = axes_of(left, tensor_of), axes_of(right, tensor_of)
            return (*first, *second) if first and second else ()
        case _:
            return ()
