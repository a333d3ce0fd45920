"""Sizes of axes that are not known as numbers, but known to be the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from headlint.flow.values.python_values import Constant, Unknown, Value
from headlint.flow.values.tensor_values import Tensor

Axis = tuple[Tensor, int]


def shape_of(names: Unknown, tensor: Tensor) -> Unknown:
    """The unknown shape of a tensor, a part of ``names``."""
    return names.child(("shape", tensor))


def size_of(names: Unknown, tensor: Tensor, axis: int) -> Unknown:
    """The unknown size of an axis."""
    return shape_of(names, tensor).child(("item", axis))


def product(left: Unknown, right: Unknown) -> Unknown:
    """The product of two values; that of two sizes of axes is itself such a size."""
    return left.child(("*", right)) if is_size(left) and is_size(right) else Unknown(key=("*", left, right))


def quotient(left: Unknown, right: Unknown, symbol: str = "//") -> Unknown:
    """A value divided by another one, of which only the two are known."""
    return Unknown(key=(symbol, left, right))


def divided(value: Value) -> tuple[Value, Value] | None:
    """What is divided by what, of a quotient without remainder."""
    match value:
        case Unknown(key=("//", Unknown() as left, Unknown() as right)):
            return left, right
        case Unknown(key="int", parent=Unknown(key=("/", Unknown() as left, Unknown() as right))):
            return left, right
        case Unknown(key="int", parent=Unknown(key=("/", ("int", int() as number)), parent=Unknown() as left)):
            return left, Constant(number)
        case Unknown(key=("//", "reversed", (_, int() as number)), parent=Unknown() as divisor):
            return Constant(number), divisor
        case Unknown(key=("//", (_, int() as number)), parent=Unknown() as left):
            return left, Constant(number)
        case _:
            return None


def factors(size: Value) -> tuple[Value, ...]:
    """What a size is the product of, as far as the program says it; ``k * (n // k)`` is ``n``."""
    match size:
        case Constant(1):
            return ()
        case Unknown(key=("*", Unknown() as left, Unknown() as right)):
            return multiplied((*factors(left), *factors(right)))
        case Unknown(key=("*", Unknown() as right), parent=Unknown() as left):
            return multiplied((*factors(left), *factors(right)))
        case Unknown(key=("*", ("int", int() as number)) | ("*", "reversed", ("int", int() as number)), parent=rest):
            return multiplied((*factors(rest), *factors(Constant(number)))) if rest is not None else (size,)
        case Unknown(key="int", parent=Unknown() as number):
            return factors(number)
        case _:
            return (size,)


def multiplied(product_of: Sequence[Value]) -> tuple[Value, ...]:
    """Factors, where a quotient and what it was divided by are one."""
    for one in product_of:
        whole, divisor = divided(one) or (None, None)
        others = list(product_of)
        others.remove(one)
        if whole is not None and divisor is not None and (rest := without(others, factors(divisor))) is not None:
            return (*rest, *factors(whole))
    return tuple(product_of)


def without(product_of: Sequence[Value], taken_out: Sequence[Value]) -> tuple[Value, ...] | None:
    """The factors that are left when others are taken out; None where one of these is not among them."""
    left = list(product_of)
    for factor in taken_out:
        found = next((number for number, one in enumerate(left) if same(one, factor)), None)
        if found is None:
            return None
        del left[found]
    return tuple(left)


def same(one: Value, other: Value) -> bool:
    """Whether two values are the same, also where both are divided anew each time."""
    match one, other:
        case Constant(), Constant():
            return one.value == other.value
        case _:
            first, second = divided(one), divided(other)
            if one is other or first is None or second is None:
                return one is other
            return same(first[0], second[0]) and same(first[1], second[1])


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


def is_one_number(value: Unknown) -> bool:
    """Whether a value is the same wherever it stands: a parameter, an item with a number, the size of an axis."""
    match value.key:
        case ("item", int()):
            return True
        case _:
            return value.is_parameter or is_size(value)


def is_size(value: Unknown) -> bool:
    """Whether it is the size of an axis, or a product of such sizes."""
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
        case Unknown(key="len", parent=Unknown() as owner):
            return ((tensor_of(owner), 0),)
        case Unknown(key=("*", Unknown() as right), parent=Unknown() as left):
            first, second = axes_of(left, tensor_of), axes_of(right, tensor_of)
            return (*first, *second) if first and second else ()
        case _:
            return ()
