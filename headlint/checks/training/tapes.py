"""HL510 for TensorFlow: gradients of one model's variables that are applied to the variables of another."""

from __future__ import annotations

from collections.abc import Iterator

from headlint.checks.diagnostic import Diagnostic, DiagnosticStep
from headlint.checks.evidence import Evidence
from headlint.checks.tensors import ancestors
from headlint.checks.training.copies import copies_behind, is_of_a_model
from headlint.checks.training.holding import called
from headlint.checks.training.reach import depends_on, outputs_in
from headlint.flow.values.conditions import Choice
from headlint.flow.values.facts import Event, TrainingEvent
from headlint.flow.values.library_values import Backbone, Dataset, Layer, Model
from headlint.flow.values.python_values import (
    DictValue,
    HeapObject,
    Instance,
    ListValue,
    Site,
    TupleValue,
    Unknown,
    Value,
)
from headlint.flow.values.tensor_values import Tensor
from headlint.frameworks import training

TRAINABLE = ("trainable_variables", "trainable_weights")
DEEPEST = 8

COPYING = frozenset({"assign", "assign_add", "assign_sub", "set_weights", "get_weights", "load_weights", "restore"})
"""What may make two models hold the same numbers, so that the gradients of one are worth something for the other."""


def gradients_of_another_model(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL510."""
    for run in evidence.runs:
        for applying in run.of(Event.HANDED_OVER) if run.whole else ():
            given = _zipped(applying)
            if given is None:
                continue
            gradients, target = given
            taken = [event for event in run.of(Event.DIFFERENTIATED) if _is_taken_at(event, gradients)]
            sources = {owner_of(event.given[0]) for event in taken if event.given}
            source = next(iter(sources), None)
            if len(sources) != 1 or source is None or not _are_strangers(source, target):
                continue
            if _may_copy(evidence, source, target):
                continue
            yield Diagnostic(
                "HL510",
                applying.site,
                "The gradients belong to the variables of another model than the one whose variables they are applied to.",
                "Give zip() the variables that tape.gradient() was asked for, in the same order.",
                not applying.guards,
                (
                    DiagnosticStep(taken[0].site, "computes the gradients of one model's variables", "event"),
                    DiagnosticStep(applying.site, "applies them to another model's", "event"),
                ),
                subject=applying,
            )


def _zipped(event: TrainingEvent) -> tuple[Site, HeapObject] | None:
    """Of ``apply_gradients(zip(gradients, model.trainable_variables))``: where the gradients were taken, and the model."""
    if not isinstance(event.subject, Unknown) or event.subject.key != "apply_gradients" or not event.given:
        return None
    match event.given[0]:
        case Dataset(name="zip", item=TupleValue((gradient, variable))):
            pass
        case ListValue(items=(TupleValue((gradient, variable)),)):
            pass
        case _:
            return None
    match gradient, variable:
        case (
            Unknown(key="element", parent=Unknown(key=("call", Site() as site), parent=Unknown(key="gradient"))),
            Unknown(key="element", parent=Unknown() as variables),
        ):
            owner = owner_of(variables)
            return (site, owner) if owner is not None else None
        case _:
            return None


def _is_taken_at(event: TrainingEvent, site: Site) -> bool:
    match event.by:
        case Unknown(key=(training.TAPE, _)):
            return event.site == site
        case _:
            return False


def owner_of(variables: Value) -> HeapObject | None:
    """The model whose variables some are, when they are all that it trains."""
    match variables:
        case Unknown(key=(HeapObject() as owner, str() as name)) if name in TRAINABLE:
            return owner
        case _:
            return None


def _are_strangers(one: HeapObject, other: HeapObject) -> bool:
    """Whether two models are both followed, of two kinds, and have no layer in common."""
    if _are_of_one_kind(one, other):
        return False
    first, second = set(parts_of(one)), set(parts_of(other))
    return _has_layers(first) and _has_layers(second) and not first & second


def _are_of_one_kind(one: HeapObject, other: HeapObject) -> bool:
    """Whether two models come from one class or one function, as a worker's and the one that all workers share."""
    match one, other:
        case Instance(), Instance():
            return one.cls is other.cls
        case Model(), Model():
            return one.site == other.site
        case _:
            return False


def _has_layers(parts: set[Value]) -> bool:
    return any(isinstance(part, Layer | Backbone) for part in parts)


def parts_of(value: Value, depth: int = DEEPEST) -> Iterator[Value]:
    """A model and what it is made of; of ready-made and unknown parts the parts themselves."""
    match value:
        case Layer() | Backbone() | Unknown():
            yield value
        case Tensor():
            for tensor in ancestors(value):
                if tensor.origin.layer is not None:
                    yield tensor.origin.layer
        case Model() | Instance() | ListValue() | DictValue() if depth > 0:
            yield value
            for part in value.slots.values():
                yield from parts_of(part, depth - 1)
        case TupleValue(items):
            for item in items:
                yield from parts_of(item, depth)
        case Choice(options):
            for option in options:
                yield from parts_of(option.value, depth)


def _may_copy(evidence: Evidence, one: HeapObject, other: HeapObject) -> bool:
    """Whether a program may bring the weights of one model into the other, as workers and inner loops do."""
    models = (one, other)
    for event in evidence.events:
        match event.event:
            case Event.RESTORED if event.subject in models:
                return True
            case Event.HANDED_OVER if isinstance(event.subject, Unknown) and called(event.subject) in COPYING:
                return True
            case Event.HANDED_OVER if any(value is model for value in event.given for model in models):
                return True
            case _:
                continue
    return False


def copies_behind_the_tape(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL514."""
    for run in evidence.runs:
        for asked in run.of(Event.DIFFERENTIATED) if run.whole else ():
            if asked.by is None or not asked.given or owner_of(asked.given[0]) is None:
                continue
            behind = copies_behind(evidence, asked.subject) if isinstance(asked.subject, Tensor) else None
            cut = next((copy.cut for copy in behind or () if is_of_a_model(copy, or_unknown=False)), None)
            if cut is None:
                continue
            yield Diagnostic(
                "HL514",
                asked.site,
                "The loss is computed from a copy of the model's output without its graph: the tape gives None for every "
                "variable.",
                "Compute the loss from the output itself; .numpy() and stop_gradient are for reporting it.",
                not asked.guards,
                (
                    DiagnosticStep(cut, "takes the output without its graph", "event"),
                    DiagnosticStep(asked.site, "computes no gradient of the model", "event"),
                ),
                subject=asked,
            )


def computed_before_the_tape(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL514."""
    for run in evidence.runs:
        for asked in run.of(Event.DIFFERENTIATED) if run.whole else ():
            if asked.by is None or not asked.given or owner_of(asked.given[0]) is None:
                continue
            tapes = [event for event in run.of(Event.RECORDED) if event.subject is asked.by]
            opened = [event for event in tapes if event.rounds == asked.rounds and event.calls == asked.calls]
            if len(opened) != 1:
                continue
            began, ended = run.place(opened[0]), run.place(asked)
            applied = [event for event in run.of(Event.APPLIED) if _gives_to(evidence, event, asked.subject)]
            within = (Event.APPLIED, Event.HANDED_OVER, Event.LEFT_OUT)
            if not applied or any(
                event.event in within and not _only_watches(event) for event in run.events[began:ended]
            ):
                continue
            yield Diagnostic(
                "HL514",
                asked.site,
                "The model is applied before the tape begins to record: the tape knows nothing of it and gives None for every "
                "variable.",
                "Apply the model and compute the loss inside of `with tf.GradientTape() as tape:`.",
                not asked.guards,
                (
                    DiagnosticStep(applied[-1].site, "is applied without a tape", "event", "applied"),
                    DiagnosticStep(opened[0].site, "begins to record", "event"),
                    DiagnosticStep(asked.site, "computes no gradient of the model", "event"),
                ),
                subject=asked,
            )


def _gives_to(evidence: Evidence, applied: TrainingEvent, loss: Value) -> bool:
    """Whether a loss is computed from what a model gave."""
    return any(depends_on(evidence, loss, output, with_targets=True) for output in outputs_in(applied.by))


def _only_watches(event: TrainingEvent) -> bool:
    return isinstance(event.subject, Unknown) and event.subject.key == "watch"


RULES = (gradients_of_another_model, copies_behind_the_tape, computed_before_the_tape)
