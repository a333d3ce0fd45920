"""Sizes of axes that are not known as numbers, but known to be the same."""

from __future__ import annotations

from collections.abc import Callable

from headlint.flow.values.python_values import Constant, Unknown, Value
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


def quotient(left: Unknown, right: Unknown) -> Unknown:
    """A value divided by another one, of which only the two are known."""
    return Unknown(key=("//", left, right))


def divided(value: Value) -> tuple[Value, Value] | None:
    """What is divided by what, of a quotient without remainder."""
    match value:
        case Unknown(key=("//", Unknown() as left, Unknown() as right)):
            return left, right
        case Unknown(key=("//", "reversed", (_, int() as number)), parent=Unknown() as divisor):
            return Constant(number), divisor
        case Unknown(key=("//", (_, int() as number)), parent=Unknown() as left):
            return left, Constant(number)
        case _:
            return None


def least_rank(size: Value) -> int:
    """How many axes a tensor has at least, of whose sizes one is asked for: all those whose sizes the program reads."""
    match size:
        case Unknown(key=("*", Unknown() as right), parent=Unknown() as left):
            return max(least_rank(left), least_rank(right))
        case Unknown(key=("item", int()), parent=Unknown() as shape):
            read = [key[1] for key in shape.children if isinstance(key, tuple) and key[0] == "item"]
            return 1 + max(axis for axis in read if isinstance(axis, int))
        case _:
            return 0


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
