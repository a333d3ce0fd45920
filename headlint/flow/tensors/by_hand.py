"""Softmaxes, sigmoids and cross entropies that a program writes out with exponentials, logarithms and sums."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from headlint.flow.tensors.operation import PROBABILITIES, Operation, activate, comes_from
from headlint.flow.values.facts import HandWrittenLoss, LossUse
from headlint.flow.values.python_values import Constant, Site
from headlint.flow.values.tensor_values import ANY_SHAPE, GIVEN, Domain, Origin, Tensor
from headlint.frameworks import by_hand as kinds

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

PICKED = "picked for each sample"
"""The note of probabilities, or logarithms, of which an index took one for each sample; the factor is labels, or None."""

DEEPEST_SUM = 6
"""Sums, signs and reductions around a product that are looked through."""


TRAINED = (Domain.LINEAR, Domain.SOFTMAX, Domain.SIGMOID, Domain.TANH, Domain.RECTIFIED)
"""What a head can give of which a squared error is taken."""


def quotient(machine: Machine, over: Tensor, under: Tensor, site: Site) -> Tensor | None:
    """``exp(x) / sum(exp(x))`` is a softmax, and probabilities divided by their sum stay probabilities."""
    total = _unreduced(under)
    if total is None:
        return None
    terms = total.inputs[0]
    if over.domain in (*PROBABILITIES, Domain.LINEAR) and _alike(over, terms):
        return over.derive(origin=Origin("operation", "/", site, note="normalise"))
    if over.origin.note != "exp" or not _alike(over, terms):
        return None
    scores = _unshifted(over.inputs[0])
    return activate(machine, scores, "softmax", site, "softmax", total.axis, axis_given=True)


def reciprocal(machine: Machine, under: Tensor, site: Site) -> Tensor | None:
    """``1 / (1 + exp(-x))`` is a sigmoid."""
    exponential = under.inputs[0] if under.origin.note == "add" and len(under.inputs) == 1 else None
    if exponential is None or exponential.origin.note != "exp":
        return None
    negative = exponential.inputs[0]
    if negative.origin.note != "negative":
        return None
    return activate(machine, negative.inputs[0], "sigmoid", site, "sigmoid")


def _unreduced(tensor: Tensor) -> Tensor | None:
    """The sum behind a denominator, which may have been reshaped or kept away from zero since."""
    while tensor.origin.note != "sum":
        if tensor.origin.role != "operation" or len(tensor.inputs) != 1 or tensor.origin.note in ("exp", "log"):
            return None
        tensor = tensor.inputs[0]
    return tensor


def _unshifted(tensor: Tensor) -> Tensor:
    """The scores behind ``x - max(x)``, which every careful softmax takes the exponential of."""
    if tensor.origin.note == "subtract" and len(tensor.inputs) == 2 and comes_from(tensor.inputs[1], tensor.inputs[0]):
        return tensor.inputs[0]
    return tensor


def _alike(one: Tensor, other: Tensor, depth: int = 6) -> bool:
    """Whether two tensors were computed in the same way from the same one."""
    if one is other:
        return True
    if depth == 0 or not one.inputs or len(one.inputs) != len(other.inputs):
        return False
    if (one.origin.role, one.origin.name, one.origin.note) != (other.origin.role, other.origin.name, other.origin.note):
        return False
    same_layer = one.origin.layer is other.origin.layer
    return same_layer and all(_alike(a, b, depth - 1) for a, b in zip(one.inputs, other.inputs, strict=True))


def notice_cross_entropy(machine: Machine, operation: Operation, tensor: Tensor) -> None:
    """A sum or mean over labels times the logarithm of what a model gives is a cross entropy."""
    terms = list(_terms(tensor, DEEPEST_SUM))
    products = [term for term in terms if term is not None]
    risky = next((log for log, _ in products if log.inputs[0].domain in PROBABILITIES and _is_trained(log)), None)
    if risky is not None and not _is_picked_afterwards(tensor, risky, DEEPEST_SUM):
        machine.emit(HandWrittenLoss, risky.origin.site or operation.site, log=risky, reduced=tensor)
    if products and len(products) == len(terms):
        _take(machine, operation, products)


def _is_picked_afterwards(tensor: Tensor, log: Tensor, depth: int) -> bool:
    """Whether labels pick from the logarithm of what an activation gives: HL113 says that, and writes it in one step."""
    if tensor.origin.note == PICKED:
        return tensor.inputs[0] is log and log.inputs[0].origin.role == "activation"
    return depth > 0 and any(_is_picked_afterwards(part, log, depth - 1) for part in tensor.inputs if part is not log)


def _is_trained(log: Tensor) -> bool:
    """Whether a framework takes the logarithm: NumPy differentiates nothing."""
    return log.origin.name.partition(".")[0] in kinds.LOSSES


def picked_by(picked: Tensor, several: Tensor, index: Tensor | None, name: str, site: Site) -> Tensor:
    """What an index took out of probabilities or their logarithms, one for each sample: ``p[range(n), labels]``."""
    logarithmic = several.origin.note == "log" or several.domain is Domain.LOG_SOFTMAX
    if index is None or not (logarithmic or several.domain in PROBABILITIES):
        return picked
    labels = index if _are_labels(index) else None
    return replace(picked, origin=Origin("operation", name, site, note=PICKED, factor=labels), inputs=(several,))


def _picking(tensor: Tensor) -> tuple[Tensor, Tensor] | None:
    """The logarithm of probabilities, of which one for each sample is picked by its label before or afterwards."""
    of_picked = tensor.origin.note == "log" and tensor.inputs[0].origin.note == PICKED
    pick = tensor.inputs[0] if of_picked else tensor
    log = tensor if of_picked else tensor.inputs[0] if tensor.origin.note == PICKED else tensor
    labels = pick.origin.factor
    return (
        (log, labels)
        if pick.origin.note == PICKED and log.origin.note == "log" and isinstance(labels, Tensor)
        else None
    )


def _terms(tensor: Tensor, depth: int) -> Iterator[tuple[Tensor, Tensor] | None]:
    """Each logarithm of a sum with what it is multiplied with, None for a part of the sum that is no such product."""
    note = tensor.origin.note if tensor.origin.role == "operation" else ""
    if note in ("log", PICKED):
        yield _picking(tensor)
    elif note == "multiply" and len(tensor.inputs) == 2:
        yield None if any(map(_is_picked, tensor.inputs)) else _product(*tensor.inputs) or _weighted(tensor, depth)
    elif depth and tensor.inputs and note in ("negative", "add", "subtract", "multiply", "divide"):
        for part in tensor.inputs:
            yield from _terms(part, depth - 1)
    else:
        yield None


def _is_picked(tensor: Tensor) -> bool:
    """Whether a factor is the logarithm of one probability for each sample: that of an action, which a reward weighs."""
    log = _unsigned(tensor)
    return PICKED in (log.origin.note, log.inputs[0].origin.note if log.origin.note == "log" else "")


def _unsigned(tensor: Tensor) -> Tensor:
    return tensor.inputs[0] if tensor.origin.note == "negative" else tensor


def _weighted(tensor: Tensor, depth: int) -> tuple[Tensor, Tensor] | None:
    """A product of labels and a logarithm, multiplied with weights for classes or samples."""
    if depth == 0:
        return None
    for part, weight in (tensor.inputs, tensor.inputs[::-1]):
        if weight.origin.role in ("input", "variable"):
            terms = list(_terms(part, depth - 1))
            return terms[0] if len(terms) == 1 else None
    return None


def _product(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor] | None:
    for log, weight in ((one, other), (other, one)):
        log = _unsigned(log)
        if log.origin.note == "log" and log.inputs and not comes_from(weight, log.inputs[0]):
            return log, weight
    return None


def _take(machine: Machine, operation: Operation, terms: list[tuple[Tensor, Tensor]]) -> None:
    """The cross entropy as the use of a loss, where the weights are labels and the logarithms are of one output."""
    outputs = [_probability_of(log) for log, _ in terms]
    log, weight = terms[0]
    prediction = outputs[0]
    kinds_here = kinds.LOSSES.get(log.origin.name.partition(".")[0])
    if kinds_here is None or any(output is not prediction for output in outputs):
        return
    if not all(_are_labels(weight) for _, weight in terms):
        return
    binary = len(terms) == 2 or prediction.shape.units == 1
    if len(terms) > 2 or (prediction.domain is Domain.SIGMOID and not binary):
        return
    kind = kinds_here["binary_cross_entropy" if binary else "cross_entropy"]
    site = log.origin.site or operation.site
    machine.emit(
        LossUse,
        site,
        loss=kind,
        prediction=prediction,
        target=weight,
        in_training=not machine.without_gradient,
        loss_site=site,
        result=Tensor(Domain.LOSS, ANY_SHAPE, Origin("loss", kind.name, site), (prediction,)),
    )


def squared_error(machine: Machine, operation: Operation, tensor: Tensor) -> tuple[Tensor, Tensor] | None:
    """Prediction and labels, where a tensor holds the squares, or the sizes, of their differences, and both are known."""
    origin = tensor.origin
    squared = origin.name == "**" and isinstance(origin.factor, Constant) and origin.factor.value == 2
    if not squared and origin.name.rsplit(".", 1)[-1] not in ("square", "abs"):
        return None
    if "." in operation.name and not operation.name.startswith(("torch.", "tensorflow.")):
        return None
    difference = tensor.inputs[0] if tensor.inputs else tensor
    if difference.origin.note != "subtract" or len(difference.inputs) != 2 or machine.without_gradient:
        return None
    for prediction, labels in (difference.inputs, difference.inputs[::-1]):
        if prediction.attached and prediction.domain in TRAINED and _may_be_labels(_unreshaped(labels)):
            return prediction, labels
    return None


def note_squared_error(machine: Machine, operation: Operation, pair: tuple[Tensor, Tensor], result: Tensor) -> None:
    """The mean, or the sum, of squared differences as the use of a loss."""
    prediction, labels = pair
    machine.emit(
        LossUse,
        operation.site,
        loss=kinds.SQUARED_ERROR,
        prediction=prediction,
        target=labels,
        in_training=True,
        loss_site=operation.site,
        result=result,
    )


def _unreshaped(tensor: Tensor) -> Tensor:
    while tensor.origin.role == "operation" and len(tensor.inputs) == 1 and tensor.labels is None:
        tensor = tensor.inputs[0]
    return tensor


def _probability_of(log: Tensor) -> Tensor:
    """``p`` of ``log(p)`` and of ``log(1 - p)``, which may be clipped."""
    tensor = log.inputs[0]
    complement = tensor
    while complement.origin.note in ("clamp", "add") and len(complement.inputs) == 1:
        complement = complement.inputs[0]
    if complement.origin.note == "subtract" and len(complement.inputs) == 1:
        tensor = complement.inputs[0]
    while tensor.origin.note in ("clamp", "add", PICKED) and len(tensor.inputs) == 1:
        tensor = tensor.inputs[0]
    return tensor


def _are_labels(weight: Tensor) -> bool:
    """Whether a weight is labels, or comes from outside as labels do."""
    while weight.origin.role == "operation" and len(weight.inputs) == 1 and not _known_as_labels(weight):
        weight = weight.inputs[0]
    given = weight.origin.role == "input" and (weight.symbolic or weight.origin.note == GIVEN)
    return _known_as_labels(weight) or (weight.domain is Domain.UNKNOWN and given)


def _may_be_labels(tensor: Tensor) -> bool:
    """Whether a tensor is labels, or what a graph is fed with."""
    fed = tensor.origin.role == "input" and tensor.origin.name.endswith(".placeholder")
    return fed or _known_as_labels(tensor)


def _known_as_labels(tensor: Tensor) -> bool:
    return (
        tensor.domain in (Domain.TARGET, Domain.ONE_HOT) or tensor.labels is not None or tensor.origin.note == "fresh"
    )
