"""HL607 and HL608 for Keras: ``training=True`` where a model is judged, and none where it is trained."""

from __future__ import annotations

import re
from collections.abc import Iterator

from headlint.checks.diagnostic import Diagnostic, DiagnosticStep
from headlint.checks.evidence import Evidence
from headlint.checks.training.judging import goes_through_data
from headlint.checks.training.order import Run
from headlint.checks.training.reach import depends_on
from headlint.checks.training.switching import depends_on_mode
from headlint.checks.training.tapes import owner_of, parts_of
from headlint.flow.keras.own_steps import says_training
from headlint.flow.values.facts import Event, LossUse, PredictionUse, TrainingEvent
from headlint.flow.values.library_values import Layer, Model
from headlint.flow.values.python_values import Instance, Unknown, Value
from headlint.flow.values.tensor_values import Tensor
from headlint.flow.values.training_values import IN_TRAINING

_COMPARING = re.compile(r"update_state|acc|metric|loss|auc|precision|recall|score", re.I)

_TRAINING = (Event.DIFFERENTIATED, Event.FITTED)


def judged_with_training_true(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL607."""
    for run in evidence.runs:
        for applied in run.of(Event.APPLIED):
            if not applied.training or not _is_of_keras(applied.subject) or not applied.rounds:
                continue
            if not _is_trained_alone(evidence, applied.subject) or not _is_an_evaluation(run, applied):
                continue
            if not _drops_or_normalises(evidence, applied.subject) or not _is_judged(evidence, run, applied):
                continue
            yield Diagnostic(
                "HL607",
                applied.site,
                "The model is judged with training=True: dropout still drops units, and batch norm uses, and changes by, the "
                "statistics of this batch.",
                "Pass training=False in the evaluation.",
                not applied.guards,
                (DiagnosticStep(applied.site, "judges the model in training mode", "event"),),
                subject=applied,
            )


def _is_of_keras(model: Value) -> bool:
    return isinstance(model, Model | Instance)


def _is_trained_alone(evidence: Evidence, model: Value) -> bool:
    """Whether a model is trained, and not against another: a painter's dropout may be its only source of noise."""
    fitted = any(event.event is Event.FITTED and event.subject is model for event in evidence.events)
    steps = [
        (run, event)
        for run in evidence.runs
        for event in run.of(Event.DIFFERENTIATED)
        if any(owner_of(one) is model for one in event.given)
    ]
    return (fitted or bool(steps)) and not any(
        owner_of(one) not in (None, model)
        for run, event in steps
        for other in run.round_of(event)
        if other.event is Event.DIFFERENTIATED and other.calls == event.calls
        for one in other.given
    )


def _is_an_evaluation(run: Run, applied: TrainingEvent) -> bool:
    """Whether a model is applied once to each batch of a loop that trains nothing, and no loop around repeats that alone."""
    if not goes_through_data(applied) or any(event.event in _TRAINING for event in run.round_of(applied)):
        return False
    again = [event for event in run.round_of(applied) if event.event is Event.APPLIED and event is not applied]
    if any(event.subject is applied.subject for event in again):
        return False
    return all(any(event.event in _TRAINING for event in run.within(one.loop)) for one in applied.rounds[:-1])


def _drops_or_normalises(evidence: Evidence, model: Value) -> bool:
    return any(isinstance(part, Layer) and depends_on_mode(evidence, part) for part in parts_of(model))


def _is_judged(evidence: Evidence, run: Run, applied: TrainingEvent) -> bool:
    """Whether the output is compared with labels, or decided upon, right where it is computed."""
    output = applied.by
    if not isinstance(output, Tensor):
        return False
    for event in run.round_of(applied):
        if event.event is Event.HANDED_OVER and _is_metric(event.subject) and output in event.given[1:2]:
            return True
    decided = [(fact, fact.tensor) for fact in evidence.of(PredictionUse)]
    compared = [(use, use.prediction) for use in evidence.of(LossUse) if not _is_trained_with(evidence, use)]
    return any(
        fact.calls == applied.calls and depends_on(evidence, tensor, output) for fact, tensor in (*decided, *compared)
    )


def _is_metric(function: Value) -> bool:
    """Whether something compares labels with predictions: a method of a metric, or what has a name that says so."""
    match function:
        case Unknown(key=None):
            return True
        case Unknown(key=str() as name) | Unknown(key=(*_, str() as name)):
            return _COMPARING.search(name) is not None
        case _:
            return False


def _is_trained_with(evidence: Evidence, use: LossUse) -> bool:
    """Whether a loss is there to be differentiated; the output of a functional model is one value wherever it is called."""
    if use.compiled or use.result is None:
        return True
    return any(
        event.event is Event.DIFFERENTIATED and depends_on(evidence, event.subject, use.result)
        for event in evidence.events
    )


def trained_without_training(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL608."""
    for run in evidence.runs:
        for taken in run.of(Event.DIFFERENTIATED):
            model = owner_of(taken.given[0]) if taken.given and taken.by is not None else None
            if not isinstance(model, Model | Instance) or not _drops_or_normalises(evidence, model):
                continue
            applied = [event for event in run.round_of(taken) if _is_applied_for(evidence, event, model, taken)]
            if not applied or any(event.says_mode for event in applied) or _sets_its_own_mode(model):
                continue
            yield Diagnostic(
                "HL608",
                applied[0].site,
                "The model is trained in inference mode, as training=True is not passed: dropout is off, and batch norm "
                "neither uses nor collects the statistics of the batch.",
                "Pass training=True where the loss is computed that the tape differentiates.",
                False,
                (
                    DiagnosticStep(applied[0].site, "applies the model without a mode", "event", "applied"),
                    DiagnosticStep(taken.site, "computes the gradients of its variables", "event"),
                ),
                (("framework", "keras"),),
                subject=taken,
            )


def _is_applied_for(evidence: Evidence, event: TrainingEvent, model: Value, taken: TrainingEvent) -> bool:
    """Whether a model gives what the loss is computed from whose gradient is taken."""
    if event.event is not Event.APPLIED or event.subject is not model or not isinstance(event.by, Tensor):
        return False
    return depends_on(evidence, taken.subject, event.by)


def _sets_its_own_mode(model: Value) -> bool:
    """Whether a model says ``training=True`` to its layers, or one of one's own does by default."""
    if any(isinstance(part, Layer) and IN_TRAINING in part.slots for part in parts_of(model)):
        return True
    if not isinstance(model, Instance):
        return False
    return model.cls.opaque or says_training(model.cls)


RULES = (judged_with_training_true, trained_without_training)
