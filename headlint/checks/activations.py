"""HL120: a softmax or sigmoid of what is already probabilities."""

from __future__ import annotations

from collections.abc import Iterator

from headlint.checks.diagnostic import Diagnostic
from headlint.checks.evidence import Evidence
from headlint.checks.outputs import about_activation, softmax_axis
from headlint.checks.tensors import PROBABILITIES, ancestors, short, source_tensor
from headlint.flow.values.facts import Activation, LayerBuilt
from headlint.flow.values.tensor_values import Domain, Tensor

_NORMALISING = ("softmax", "log_softmax", "sigmoid", "log_sigmoid")
_YES_OR_NO = ("sigmoid", "log_sigmoid")
_LAST_AXES = ((1, -1), (-1, 1))


def softmax_twice(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL120."""
    for fact in evidence.of(Activation):
        given = fact.input
        if fact.effect not in _NORMALISING or not isinstance(given, Tensor) or given.domain not in PROBABILITIES:
            continue
        first = source_tensor(given)
        if first.origin.role != "activation" or not _over_the_same_classes(fact, first):
            continue
        if _two_options(evidence, fact, first):
            continue
        if not _weighs_inside(evidence, first, fact.output):
            message = (
                f"{_name(fact.output)} of what {_name(first)} has already turned into probabilities: {_effect(fact)}."
            )
            yield about_activation("HL120", fact, message, _advice(fact))


def _advice(fact: Activation) -> str:
    if fact.output.origin.name.startswith("torch.distributions."):
        return "Give the distribution raw scores, or pass the probabilities as probs=."
    return "Apply it once: remove the second one."


def _two_options(evidence: Evidence, fact: Activation, first: Tensor) -> bool:
    """Whether one option asks for the first and another for the second: whether anybody takes both is not known."""
    built = {one.layer.kind.name for one in evidence.of(LayerBuilt) if one.site == first.origin.built_at}
    if len(built) > 1:
        return True  # the layer is picked from several by what the program does not say
    of_first = {guard.condition for one in evidence.of(Activation) if one.output is first for guard in one.guards}
    return bool(of_first) and not {guard.condition for guard in fact.guards} <= of_first


def _name(tensor: Tensor) -> str:
    return short(tensor.origin.name) if not tensor.origin.name.startswith("keras.activations.") else tensor.origin.name


def _effect(fact: Activation) -> str:
    units = fact.output.shape.units
    if fact.effect in _YES_OR_NO:
        what = "probability" if fact.effect == "log_sigmoid" else "value"
        return f"every {what} ends between 0.5 and 0.73"
    if units is not None and units > 1:
        most = 2.718281828 / (2.718281828 + units - 1)
        return f"the largest of {units} probabilities is at most {most:.2f}, however certain the model is"
    return "they end close to each other, however certain the model is"


def _over_the_same_classes(fact: Activation, first: Tensor) -> bool:
    """Whether both compare the same numbers; a softmax over another axis is another question."""
    if fact.effect in _YES_OR_NO:
        return True
    if fact.output.shape.units == 1:
        return False
    axis = softmax_axis(fact)
    if first.domain is Domain.SIGMOID:
        return axis in (None, -1) or (axis == 1 and fact.output.shape.rank in (None, 2))
    return axis is None or first.axis is None or axis == first.axis or _same_axis(axis, first.axis, first.shape.rank)


def _same_axis(one: int, other: int, rank: int | None) -> bool:
    if rank is None:
        return (one, other) in _LAST_AXES
    return -rank <= min(one, other) and one % rank == other % rank


def _weighs_inside(evidence: Evidence, first: Tensor, second: Tensor) -> bool:
    """Whether the values are weights inside the model: of an attention, or of a gate that other layers follow."""
    if any(part.origin.note == "matmul" or short(part.origin.name) == "einsum" for part in ancestors(first)):
        return True
    return any(
        second is part
        for applied in evidence.applications()
        if applied.layer.kind.units or applied.layer.kind.features
        for part in ancestors(applied.input)
    )


RULES = (softmax_twice,)
