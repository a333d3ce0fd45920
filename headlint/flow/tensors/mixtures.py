"""Probabilities that are made of several: averages over models or steps, weighted sums, shares of one-hot rows.

They sum to one as those they are made of do. They are no softmax of any scores, though: nothing can take the softmax away
from them, and their logarithm cannot be computed in one step.
"""

from __future__ import annotations

from math import isclose

from headlint.flow.tensors.operation import ZEROS
from headlint.flow.values.python_values import Constant, Site, Unknown, Value
from headlint.flow.values.tensor_values import Domain, Origin, Shape, Tensor

MOST_PARTS = 12
DEEPEST_SUM = 12

Factor = float | Unknown | Tensor
"""What a part is multiplied with: a number, or something that is not known but may be known again."""


def mixed(shape: Shape, inputs: tuple[Tensor, ...], name: str, site: Site) -> Tensor:
    """Probabilities made of others."""
    attached = any(part.attached for part in inputs)
    return Tensor(Domain.SOFTMAX, shape, Origin("mixture", name, site), inputs, attached=attached, guarded=True)


def weighted_sum(tensor: Tensor, site: Site) -> Tensor:
    """The sum or multiple as it is, or as probabilities where the weights of its parts sum to one."""
    if tensor.domain is not Domain.UNKNOWN:
        return tensor
    factors = _factors(tensor, DEEPEST_SUM)
    if factors is None or not _sum_to_one(factors):
        return tensor
    return mixed(tensor.shape, tensor.inputs, tensor.origin.name, site)


def _factors(tensor: Tensor, depth: int) -> list[Factor] | None:
    """What each of the probabilities in a sum is multiplied with; None where something else is in it."""
    if tensor.domain is Domain.SOFTMAX:
        return [1.0]
    origin, parts = tensor.origin, tensor.inputs
    if depth == 0 or origin.role != "operation":
        return None
    match origin.note, parts:
        case "fresh", () if origin.name.endswith(ZEROS):
            return []
        case (("multiply" | "divide"), (part,)) if origin.factor is not None:
            return _scaled(_factors(part, depth - 1), origin.factor, origin.note)
        case "divide", (part, Tensor(origin=Origin(factor=Unknown() as count))):
            return _scaled(_factors(part, depth - 1), count, "divide")
        case "multiply", (one, other) if (one.domain is Domain.SOFTMAX) is not (other.domain is Domain.SOFTMAX):
            weight = other if one.domain is Domain.SOFTMAX else one
            return [weight.origin.factor if isinstance(weight.origin.factor, Unknown) else weight]
        case "add", (part,) if origin.factor == Constant(0):  # what a loop adds to begins with 0
            return _factors(part, depth - 1)
        case "add", (one, other):
            first, second = _factors(one, depth - 1), _factors(other, depth - 1)
            return None if first is None or second is None or len(first) >= MOST_PARTS else [*first, *second]
        case _:
            return None


def _scaled(factors: list[Factor] | None, by: Value, note: str) -> list[Factor] | None:
    match by:
        case Constant(int() | float() as number) if factors is not None and number and not isinstance(number, bool):
            times = float(number) if note == "multiply" else 1 / number
            return [factor * times for factor in factors if isinstance(factor, float)]
        case Unknown() if factors == [1.0] and note == "multiply":
            return [by]
        case Unknown(key="len") if factors == [1.0]:
            return [0.5, 0.5]  # the sum of as many as nobody knows, all alike, divided by their number
        case _:
            return None


def _sum_to_one(factors: list[Factor]) -> bool:
    match factors:
        case [float(), *_] if len(factors) > 1:
            known = [factor for factor in factors if isinstance(factor, float)]
            return len(known) == len(factors) and isclose(sum(known), 1, rel_tol=1e-3)
        case [one, other]:
            return _is_rest(one, other) or _is_rest(other, one)
        case _:
            return False


def _is_rest(one: Factor, other: Factor) -> bool:
    """Whether one number is 1 less the other."""
    match one:
        case Unknown(key=("-", "reversed", (_, 1))):
            return one.parent is other
        case Tensor(origin=Origin(note="subtract", factor=Constant(1)), inputs=(whole,)):
            return whole is other
        case _:
            return False


def survives_mean(tensor: Tensor, axis: int | None) -> bool:
    """Whether a mean over an axis leaves probabilities: the axis is not the one along which they sum to one."""
    if tensor.domain is not Domain.SOFTMAX or axis is None:
        return False
    if tensor.origin.note == "stack":
        return tensor.origin.factor == Constant(axis)
    rank, classes = tensor.shape.rank, tensor.axis
    if tensor.origin.role != "activation" or classes is None:
        return False
    if rank is None:
        return (axis < 0) is (classes < 0) and axis != classes
    return axis % rank != classes % rank


def shares_of_rows(weights: Tensor, rows: Tensor) -> bool:
    """Whether a product of matrices gives probabilities: shares of one-hot rows are shares of classes."""
    return weights.domain is Domain.SOFTMAX and rows.domain is Domain.ONE_HOT and not _is_turned(rows)


def _is_turned(tensor: Tensor) -> bool:
    return tensor.origin.name.rsplit(".", 1)[-1] in ("transpose", "permute", "t", "T", "swapaxes", "mT", "movedim")


def are_weighted_rows(product: Tensor, axis: int | None) -> bool:
    """Whether a sum over rows gives probabilities: one-hot rows were multiplied with one share each."""
    if product.origin.note != "multiply" or len(product.inputs) != 2 or axis is None:
        return False
    for weights, rows in (product.inputs, product.inputs[::-1]):
        if weights.domain is Domain.SOFTMAX and rows.domain is Domain.ONE_HOT and weights.shape.units == 1:
            rank = rows.shape.rank or product.shape.rank
            return axis != -1 and (rank is None or axis % rank != rank - 1)
    return False


CHOSEN = "picked"
"""The note of probabilities of which one-hot rows left one for each sample."""


def chosen_by_rows(product: Tensor, axis: int | None) -> Tensor | None:
    """The probabilities of which a sum over the classes leaves one each: they were multiplied with one-hot rows."""
    if product.origin.note != "multiply" or len(product.inputs) != 2 or axis is None:
        return None
    for weights, rows in (product.inputs, product.inputs[::-1]):
        rank = rows.shape.rank or weights.shape.rank
        if weights.domain is Domain.SOFTMAX and rows.domain is Domain.ONE_HOT and weights.shape.units != 1:
            return weights if axis == -1 or (rank is not None and axis == rank - 1) else None
    return None
