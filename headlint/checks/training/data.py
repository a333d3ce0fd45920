"""HL610: the order in which training data come."""

from __future__ import annotations

from collections.abc import Iterator

from headlint.checks.diagnostic import Diagnostic, DiagnosticStep
from headlint.checks.evidence import Evidence
from headlint.checks.tensors import CLASSIFYING, ancestors
from headlint.checks.training.order import together
from headlint.flow.values.facts import Event, LoaderInOrder, LossUse, TrainingEvent
from headlint.flow.values.library_values import Dataset
from headlint.flow.values.python_values import TupleValue, Value
from headlint.flow.values.tensor_values import Tensor


def training_data_in_order(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL610."""
    for made in evidence.of(LoaderInOrder):
        if not any(_is_about_classes(use, made) for use in evidence.uses):
            continue
        step = next((step for run in evidence.runs for step in run.of(Event.STEPPED) if _is_fed_by(step, made)), None)
        if step is None or not any(
            event.event is Event.DIFFERENTIATED and _is_fed_by(event, made) and together(event, step)
            for event in evidence.events
        ):
            continue
        yield Diagnostic(
            "HL610",
            made.site,
            "The images come one class after the other: every batch has one class, and the model forgets the others.",
            "Pass shuffle=True to the loader of the training data.",
            not made.guards,
            (
                DiagnosticStep(made.site, "keeps the order of the classes", "event"),
                DiagnosticStep(step.site, "trains on it", "event"),
            ),
            subject=made,
        )


def _is_about_classes(use: LossUse, made: LoaderInOrder) -> bool:
    """Whether a loss compares with the classes of the folder that a loader goes through."""
    match made.loader:
        case Dataset(slots={"dataset": Dataset(item=TupleValue((_, Tensor(origin=folder))))}):
            pass
        case _:
            return False
    return (
        use.in_training
        and use.loss.family in CLASSIFYING
        and isinstance(use.target, Tensor)
        and any(part.origin == folder for part in ancestors(use.target))
    )


def _is_fed_by(event: TrainingEvent, made: LoaderInOrder) -> bool:
    return any(_goes_through(one.loop.over, made.loader) for one in event.rounds)


def _goes_through(over: Value | None, loader: Value) -> bool:
    if over is loader:
        return True
    return isinstance(over, Dataset) and "of" in over.slots and _goes_through(over.slots["of"], loader)


RULES = (training_data_in_order,)
