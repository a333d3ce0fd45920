"""HL205: layers that cannot take what they are given."""

from __future__ import annotations

from collections.abc import Iterator

from headlint.checks.diagnostic import Diagnostic, DiagnosticStep
from headlint.checks.evidence import Evidence, is_proved
from headlint.checks.tensors import ancestors, assumptions_of, constant
from headlint.checks.trails import trail_of
from headlint.flow.values.conditions import Guard
from headlint.flow.values.facts import LayerApplied
from headlint.flow.values.library_values import Layer


def layers_do_not_fit(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL205."""
    of_other_options: set[int] = set()
    for fact in evidence.applications():
        problem = _misfit(fact)
        if problem and _fits_by_option(evidence, fact):
            of_other_options.add(id(fact.output))
        elif problem and not evidence.is_of_another_round(fact.input):
            if of_other_options and any(id(one) in of_other_options for one in ancestors(fact.input)):
                continue
            site = fact.layer.site if fact.in_container else fact.site
            before = trail_of(fact.input)
            here = DiagnosticStep(
                fact.layer.site, f"{fact.layer.kind.short_name} is built here", "layer", fact.layer.kind.name
            )
            advice = "Make the two sizes equal; print the shape of the tensor before the layer to see it."
            steps = (*before, here) if here not in before else before
            yield Diagnostic(
                "HL205", site, problem, advice, is_proved(fact), steps,
                assumptions=assumptions_of(fact.input), subject=fact.output,
            )  # fmt: skip


def _fits_by_option(evidence: Evidence, fact: LayerApplied) -> bool:
    """Whether an option picks this layer where another one, that the same input fits, may stand as well.

    Or it picks this input by its name, by what may be None or nothing (``classes > 0``), where another one may stand, that
    the layer may take.
    """
    if not fact.guards:
        return False
    by_name = any(_picks_what_is_given(guard) for guard in fact.guards)
    return any(
        (
            _other_layer(other, fact)
            if other.input is fact.input
            else by_name and other.site == fact.site and _other_input(other, fact)
        )
        and not _misfit(other)
        for other in evidence.applications()
    )


def _picks_what_is_given(guard: Guard) -> bool:
    condition = guard.condition
    return (
        condition.asks_for_a_name
        or (condition.operator == "is" and condition.operand is None)
        or (condition.operator in (">", ">=", "<", "<=", "==") and condition.operand in (0, 1))
    )


def _other_layer(other: LayerApplied, fact: LayerApplied) -> bool:
    """Whether another layer is applied to the same tensor, in the same place or by a model that has another name."""
    return other.layer is not fact.layer and (other.site == fact.site or _are_named_apart(other, fact))


def _are_named_apart(other: LayerApplied, fact: LayerApplied) -> bool:
    """Whether one name, which is not known, picks the two: of a table of models for example."""
    names = {guard.condition.subject: guard.condition.operand for guard in fact.guards if _names(guard)}
    return any(
        names.get(guard.condition.subject, guard.condition.operand) != guard.condition.operand
        for guard in other.guards
        if _names(guard)
    )


def _names(guard: Guard) -> bool:
    return guard.outcome and guard.condition.asks_for_a_name


def _other_input(other: LayerApplied, fact: LayerApplied) -> bool:
    """Whether the same call applies the same layer to another tensor."""
    return other.layer is fact.layer and other.input is not fact.input and other.calls == fact.calls


def _counts_no_channels(layer: Layer) -> bool:
    """Whether a layer takes any number of channels: an instance norm that keeps nothing for each only warns of another.

    Source: ``_InstanceNorm.forward`` in torch/nn/modules/instancenorm.py.
    """
    keeps = any(layer.constant(option) not in (None, False) for option in ("affine", "track_running_stats"))
    return layer.kind.short_name.startswith("InstanceNorm") and not keeps


def _misfit(fact: LayerApplied) -> str:
    layer, shape = fact.layer, fact.input.shape
    kind = layer.kind
    if not kind.features or kind.effect == "bilinear":
        return ""
    wanted = constant(layer, kind.features)
    if not isinstance(wanted, int):
        return ""
    if layer.rests_on_default(kind.features) or _counts_no_channels(layer):
        return ""
    if kind.effect in ("dense", "recurrent", "recurrent_cell", "recurrent_cell_pair"):
        given, what = shape.units, "values"
    elif shape.rank == kind.spatial + 2 or (kind.effect == "norm" and shape.rank == 2):
        given, what = shape.size(1), "channels" if shape.rank != 2 else "values"
    else:
        return ""
    if given is None or given == wanted or fact.input.origin.role == "input":
        return ""
    return f"{kind.short_name} expects {wanted} {what}, but gets {given}."


RULES = (layers_do_not_fit,)
