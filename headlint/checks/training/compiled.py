"""HL515: layers that are frozen after a Keras model was compiled."""

from __future__ import annotations

from collections.abc import Iterator

from headlint.checks.diagnostic import Diagnostic, DiagnosticStep
from headlint.checks.evidence import Evidence
from headlint.checks.tensors import ancestors
from headlint.checks.training.order import Run, together
from headlint.flow.values.conditions import Choice
from headlint.flow.values.facts import Event, TrainingEvent
from headlint.flow.values.library_values import Backbone, Layer, Model
from headlint.flow.values.python_values import Constant, HeapObject, Instance, ListValue, TupleValue, Unknown, Value
from headlint.flow.values.tensor_values import Tensor

DEEPEST = 8


def trainable_changed_after_compile(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL515."""
    for run in evidence.runs:
        for fitted in run.of(Event.FITTED):
            compiled, changes = _changed_since_compile(_with_the_module(evidence, run), run, fitted)
            for change in changes if compiled is not None else ():
                yield Diagnostic(
                    "HL515",
                    change.site,
                    "The model was compiled before this, and compile() has already decided what is trained: the change has no "
                    "effect on fit().",
                    "Call compile() again after changing trainable.",
                    not change.guards and not fitted.guards,
                    tuple(
                        DiagnosticStep(event.site, note, "event")
                        for event, note in (
                            (compiled, "decides what is trained"),
                            (change, "comes too late"),
                            (fitted, "trains"),
                        )
                        if event is not None
                    ),
                    subject=change,
                )


def _with_the_module(evidence: Evidence, run: Run) -> tuple[TrainingEvent, ...]:
    """What happens in a run, behind what the module does at its top level."""
    first = evidence.runs[0]
    apart = run is first or not first.whole or first.events[0].root != 0
    return run.events if apart else (*first.events, *run.events)


def _changed_since_compile(
    events: tuple[TrainingEvent, ...], run: Run, fitted: TrainingEvent
) -> tuple[TrainingEvent | None, list[TrainingEvent]]:
    """The compile of the model that is fitted, and the changes of its layers after that."""
    model = fitted.subject
    changes: list[TrainingEvent] = []
    place = events.index(fitted)
    for event in reversed(events[:place]):
        if not together(event, fitted):
            continue
        match event.event:
            case Event.COMPILED if event.subject is model:
                real = [change for change in changes if run.has(change) and _changes_something(events, change)]
                return event, real
            case Event.COMPILED:
                return None, []  # what is frozen then may be meant for the other model, as in a GAN
            case Event.LEFT_OUT:
                return None, []
            case Event.HANDED_OVER if _may_compile(event, model):
                return None, []
            case Event.TRAINABLE_SET if _in_one_loop(event, fitted) and is_part(event.subject, model):
                return None, []  # switched to and fro in a loop, as in a GAN
            case Event.TRAINABLE_SET if is_part(event.subject, model):
                changes.append(event)
            case _:
                continue
    return None, []


def _in_one_loop(one: TrainingEvent, other: TrainingEvent) -> bool:
    """Whether one loop does both, in whichever of its rounds."""
    loops = {round_of.loop for round_of in one.rounds}
    return any(round_of.loop in loops for round_of in other.rounds)


def _changes_something(events: tuple[TrainingEvent, ...], change: TrainingEvent) -> bool:
    """Whether the value that is set is known, and is not the one that was there before."""
    match change.given:
        case (Constant(bool() as value, symbol=None),):
            before = [
                event
                for event in events[: events.index(change)]
                if event.event is Event.TRAINABLE_SET and (event.subject is change.subject)
            ]
            return (before[-1].given[0] != Constant(value)) if before else not value
        case _:
            return False


def _may_compile(event: TrainingEvent, model: Value) -> bool:
    called = event.subject.key if isinstance(event.subject, Unknown) else None
    return called == "compile" or any(value is model for value in event.given)


def is_part(part: Value, model: Value, depth: int = DEEPEST) -> bool:
    """Whether a layer or model belongs to a model."""
    if part is model:
        return True
    if depth == 0:
        return False
    match model:
        case Model() | Instance():
            return any(is_part(part, value, depth - 1) for value in model.slots.values())
        case TupleValue(items):
            return any(is_part(part, item, depth - 1) for item in items)
        case ListValue():
            return any(is_part(part, item, depth - 1) for item in model.items)
        case Choice(options):
            return any(is_part(part, option.value, depth - 1) for option in options)
        case Tensor():
            return isinstance(part, HeapObject) and any(_made_by(tensor, part) for tensor in ancestors(model))
        case _:
            return False


def _made_by(tensor: Tensor, part: HeapObject) -> bool:
    match part:
        case Layer():
            return tensor.origin.layer is part
        case Backbone():
            return tensor.origin.role == "layer" and tensor.origin.built_at == part.site
        case _:
            return False


RULES = (trainable_changed_after_compile,)
