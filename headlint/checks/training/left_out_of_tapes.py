"""HL510 for TensorFlow: a model in line with the one whose variables a tape is asked for, and that nothing trains."""

from __future__ import annotations

from collections.abc import Iterator

from headlint.checks.diagnostic import Diagnostic, DiagnosticStep
from headlint.checks.evidence import Evidence
from headlint.checks.tensors import ancestors, constant
from headlint.checks.training.holding import called
from headlint.checks.training.reach import depends_on, tensors_in
from headlint.checks.training.tapes import COPYING, owner_of, parts_of
from headlint.flow.values.facts import Event, TrainingEvent
from headlint.flow.values.library_values import Layer, Model
from headlint.flow.values.python_values import DictValue, Instance, ListValue, Unknown, Value
from headlint.flow.values.tensor_values import Tensor

_TRAINED_OTHERWISE = frozenset(
    {Event.FITTED, Event.COMPILED, Event.RESTORED, Event.TRAINABLE_SET, Event.USED_BY_HAND}
    | {Event.CUT_SHORT, Event.LEFT_OUT, Event.STEPPED, Event.WRITTEN}
)
"""What may train or load a model, freeze it on purpose, or hide that something does."""


def model_left_out(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL510."""
    trained = _trained_by_tapes(evidence)
    if not trained or _is_trained_otherwise(evidence):
        return
    parts = {part for model in trained for part in parts_of(model)}
    reported: set[Value] = set()
    for run in evidence.runs:
        for asked in run.of(Event.DIFFERENTIATED) if run.whole else ():
            owner = owner_of(asked.given[0]) if asked.given else None
            for applied in run.round_of(asked) if owner is not None else ():
                model = applied.subject
                if model in reported or not _is_trained_in(evidence, applied, asked) or not _is_fresh(model, parts):
                    continue
                if not any(_are_in_line(applied, other) for other in run.round_of(asked) if other.subject is owner):
                    continue
                if any(model is value for event in evidence.events for value in event.given):
                    continue
                reported.add(model)
                yield Diagnostic(
                    "HL510",
                    asked.site,
                    "The loss also depends on a model whose variables no tape is asked for: it stays as it was initialised.",
                    "Ask the tape for the variables of both models, and give both to apply_gradients().",
                    False,
                    (
                        DiagnosticStep(applied.site, "applies a model with random weights", "event"),
                        DiagnosticStep(asked.site, "computes the gradients of another one only", "event"),
                    ),
                    subject=asked,
                )


def _trained_by_tapes(evidence: Evidence) -> list[Value]:
    """The models whose variables tapes are asked for; none where a tape is asked for others that are not known."""
    owners: list[Value] = []
    for event in evidence.events_of(Event.DIFFERENTIATED):
        asked = event.given[0] if event.given else None
        owner = owner_of(asked) if asked is not None else None
        if owner is None and not (event.by is not None and isinstance(asked, Tensor)):
            return []
        owners += [owner] if owner is not None else []
    return owners


def _is_trained_otherwise(evidence: Evidence) -> bool:
    """Whether anything but a tape may change weights."""
    return not all(run.whole for run in evidence.runs) or any(
        event.event in _TRAINED_OTHERWISE
        or (
            event.event is Event.HANDED_OVER and isinstance(event.subject, Unknown) and called(event.subject) in COPYING
        )
        for event in evidence.events
    )


def _is_trained_in(evidence: Evidence, applied: TrainingEvent, asked: TrainingEvent) -> bool:
    """Whether a model is applied as one that trains, and gives what the loss is computed from."""
    if applied.event is not Event.APPLIED or (applied.says_mode and not applied.training):
        return False
    outputs = [tensor for tensor in tensors_in(applied.by) if tensor.attached]
    return any(depends_on(evidence, asked.subject, output) for output in outputs)


def _is_fresh(model: Value, trained: set[Value]) -> bool:
    """Whether a model consists of layers that the program builds, and shares none with those that are trained."""
    if not isinstance(model, Model | Instance):
        return False
    parts = set(parts_of(model))
    layers = [part for part in parts if isinstance(part, Layer)]
    known = all(isinstance(part, Layer | Model | Instance | ListValue | DictValue) for part in parts)
    return (
        known
        and parts.isdisjoint(trained)
        and any(layer.has_weights for layer in layers)
        and not any(constant(layer, "trainable") is False or "weights" in layer.arguments for layer in layers)
    )


def _are_in_line(one: TrainingEvent, other: TrainingEvent) -> bool:
    """Whether one of two models is given what comes of the other's output; a teacher stands beside the one it teaches."""
    return other.event is Event.APPLIED and (_gives(one, other) or _gives(other, one))


def _gives(first: TrainingEvent, second: TrainingEvent) -> bool:
    outputs = {id(tensor) for tensor in tensors_in(first.by)}
    given = (tensor for value in second.given for tensor in tensors_in(value))
    return any(id(part) in outputs for tensor in given for part in ancestors(tensor) if part.attached)


RULES = (model_left_out,)
