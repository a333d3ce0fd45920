"""Running every rule over the facts, and letting the sharper of two findings about the same thing stand."""

from __future__ import annotations

from collections.abc import Sequence

from headlint.checks import (
    activations,
    amounts,
    api,
    axis,
    bias,
    counted_alike,
    fitting,
    gradient,
    labels,
    loss_input,
    modules,
    outputs,
    sequences,
    widths,
)
from headlint.checks.diagnostic import Diagnostic
from headlint.checks.evidence import Evidence
from headlint.checks.tensors import source_tensor
from headlint.checks.training import (
    around,
    compiled,
    copies,
    cut_outputs,
    data,
    decisions,
    frozen,
    held,
    judging,
    keras_modes,
    left_out,
    left_out_of_tapes,
    modes,
    nowhere,
    steps,
    strangers,
    tapes,
    terms,
    unread_models,
)
from headlint.flow.values.conditions import Guard
from headlint.flow.values.facts import Fact, LossUse
from headlint.flow.values.tensor_values import Domain, Tensor
from headlint.settings import Settings

FAMILIES = (
    loss_input,
    activations,
    amounts,
    outputs,
    fitting,
    sequences,
    widths,
    axis,
    counted_alike,
    bias,
    gradient,
    modules,
    steps,
    nowhere,
    held,
    left_out,
    strangers,
    left_out_of_tapes,
    tapes,
    terms,
    copies,
    cut_outputs,
    decisions,
    frozen,
    around,
    compiled,
    data,
    modes,
    judging,
    unread_models,
    keras_modes,
    labels,
    api,
)

RULES = tuple(rule for family in FAMILIES for rule in family.RULES)

_ABOUT_MEANING = frozenset(
    {*loss_input.RULES, gradient.argmax_before_loss, gradient.loss_arguments_swapped}
    | {outputs.single_unit_softmax_for_others, modules.dropout_that_stays_on, axis.softmax_without_dim}
)
"""Rules that ask what numbers mean or what a call is given, and no sizes.

They may judge what only callers who were not seen would do.
"""

_LOSS_INPUT = frozenset(f"HL{number}" for number in range(101, 113))

REPLACES = {
    **dict.fromkeys(("HL101", "HL103", "HL104", "HL109", "HL111"), frozenset({"HL120"})),
    "HL201": frozenset({"HL101", "HL102", "HL107", "HL108", "HL111", "HL202", "HL203", "HL109"}),
    "HL202": frozenset({"HL103", "HL106", "HL108", "HL112", "HL204", "HL109"}),
    "HL207": frozenset({"HL204"}),
    "HL107": frozenset({"HL116", "HL120", "HL203"}),
    "HL108": frozenset({"HL116", "HL120", "HL203"}),
    "HL114": frozenset({"HL113"}),
    "HL304": frozenset({"HL202", "HL204", "HL601"}),
    "HL501": _LOSS_INPUT | {"HL202"},
    "HL502": _LOSS_INPUT,
    "HL503": _LOSS_INPUT | {"HL202", "HL204", "HL601"},
}
"""A finding takes the place of these others about the same subject: it says more sharply what is wrong."""


def run(facts: Sequence[Fact], settings: Settings) -> list[Diagnostic]:
    """Every finding, before it is known which rules are selected."""
    everything = Evidence(facts, settings)
    seen = Evidence([fact for fact in facts if not fact.unseen], settings)
    diagnostics = [diagnostic for rule in RULES for diagnostic in rule(everything if rule in _ABOUT_MEANING else seen)]
    taken: set[tuple[str, object]] = set()
    for diagnostic in diagnostics:
        for code in REPLACES.get(diagnostic.code, ()):
            taken.update((code, subject) for subject in _subjects(diagnostic))
    return [
        diagnostic
        for diagnostic in diagnostics
        if not any((diagnostic.code, subject) in taken for subject in _subjects(diagnostic))
        and not _goes_past_all_names(diagnostic.subject)
        and not (isinstance(diagnostic.subject, LossUse) and _needs_two_settings(everything, diagnostic.subject))
    ]


def _goes_past_all_names(subject: object) -> bool:
    """Whether only a way is wrong that no name leads to which a chain of tests asks for: nobody means it."""
    return isinstance(subject, Fact) and any(guard.unnamed for guard in subject.guards)


def _needs_two_settings(evidence: Evidence, use: LossUse) -> bool:
    """Whether a setting names the loss, and another, which has no default, lets the model give it something else."""
    named = {
        guard for guard in use.guards if guard.outcome and guard.condition.asks_for_a_name and not _has_default(guard)
    }
    switches = {
        (guard.condition, not guard.outcome)
        for guard in use.guards
        if guard.condition.operator in _OF_SWITCHES and not _has_default(guard)
    }
    others = [other for other in evidence.of(LossUse) if named and switches and other.site == use.site]
    return any(
        named <= set(other.guards)
        and any((guard.condition, guard.outcome) in switches for guard in other.guards)
        and _domain(other) is not _domain(use)
        for other in others
    )


_OF_SWITCHES = frozenset({"truth", "contains", "is"})


def _has_default(guard: Guard) -> bool:
    return guard.expected is not None


def _domain(use: LossUse) -> Domain | None:
    return use.prediction.domain if isinstance(use.prediction, Tensor) else None


def _subjects(diagnostic: Diagnostic) -> list[object]:
    """What a finding is about: a loss's use, and the tensor whose meaning decides."""
    subject = diagnostic.subject
    match subject:
        case LossUse(prediction=Tensor() as tensor):
            return [("use", subject.site), ("tensor", id(source_tensor(tensor)))]
        case Tensor():
            return [("tensor", id(source_tensor(subject))), ("site", diagnostic.site)]
        case _:
            prediction = getattr(subject, "prediction", None)
            tensors = [("tensor", id(source_tensor(prediction)))] if isinstance(prediction, Tensor) else []
            return [("use", getattr(subject, "site", None)), *tensors]
