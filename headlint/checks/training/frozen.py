"""HL514 for Keras: models that ``fit`` trains although every layer is frozen."""

from __future__ import annotations

from collections.abc import Iterator

from headlint.checks.diagnostic import Diagnostic, DiagnosticStep
from headlint.checks.evidence import Evidence
from headlint.checks.training.order import Run, always_with, together
from headlint.checks.training.tapes import parts_of
from headlint.flow.training.parameters import has_weights
from headlint.flow.values.facts import Event, TrainingEvent
from headlint.flow.values.library_values import Backbone, Layer, Model
from headlint.flow.values.python_values import Constant, Unknown, Value


def fitted_though_frozen(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL514."""
    for run in evidence.runs:
        for fitted in run.of(Event.FITTED):
            if not isinstance(fitted.subject, Model):
                continue
            freezing = _freezing(run, fitted, fitted.subject)
            if freezing is None:
                continue
            yield Diagnostic(
                "HL514",
                fitted.site,
                "Every layer of the model is frozen (trainable is False) when it is compiled: fit() trains nothing.",
                "Leave the layers that should learn trainable, or put new ones behind the frozen model.",
                not fitted.guards,
                (
                    DiagnosticStep(freezing.site, "freezes the model", "event"),
                    DiagnosticStep(fitted.site, "has nothing to train", "event"),
                ),
                subject=fitted,
            )


def _freezing(run: Run, fitted: TrainingEvent, model: Model) -> TrainingEvent | None:
    """What has frozen the last layer of a model before its last ``compile``, where nothing releases any layer."""
    before = run.events[: run.place(fitted)]
    if any(event.event is Event.TRAINABLE_SET and not _freezes(event) for event in run.events):
        return None
    if any(event.event is Event.HANDED_OVER and any(value is model for value in event.given) for event in before):
        return None
    compiled = [event for event in before if event.event is Event.COMPILED and event.subject is model]
    if not compiled or not together(compiled[-1], fitted):
        return None
    sets = [event for event in before[: run.place(compiled[-1])] if event.event is Event.TRAINABLE_SET]
    always = [event for event in sets if always_with(event, fitted)]
    whole = [event for event in always if event.subject is model and _is_whole(event.by, model)]
    if whole:
        return whole[-1]
    return always[-1] if always and _are_all_among({event.by for event in always}, model) else None


def _freezes(event: TrainingEvent) -> bool:
    return event.given == (Constant(False),)


def _is_whole(changed: Value | None, model: Model) -> bool:
    """Whether what is frozen is the model itself, or each of its layers in a loop over all."""
    match changed:
        case Unknown(key="element", parent=Unknown(key=(Model() as owner, "layers"))):
            return owner is model
        case _:
            return changed is model


def _are_all_among(frozen: set[Value | None], model: Model) -> bool:
    """Whether a ``Sequential`` is followed throughout, and each of its members that has weights is frozen."""
    if model.kind != "sequential" or model.approximate:
        return False
    members = [part for part in parts_of(model) if part is not model]
    known = all(isinstance(part, Layer | Backbone) for part in members)
    weighty = [part for part in members if has_weights(part)]
    return known and bool(weighty) and frozen.issuperset(weighty)


RULES = (fitted_though_frozen,)
