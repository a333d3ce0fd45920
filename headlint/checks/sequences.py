"""HL305: which axis of a sequence holds the batch."""

from __future__ import annotations

from collections.abc import Iterator

from headlint.checks.diagnostic import Diagnostic, DiagnosticStep
from headlint.checks.evidence import Evidence, is_proved
from headlint.flow.tensors.sequences import is_across_windows, is_batch, is_batch_first, is_of_sequences
from headlint.flow.values.conditions import Guard
from headlint.flow.values.facts import LayerApplied, PaddedStepTaken, SequencePacked, StatesGiven, StepTaken
from headlint.flow.values.library_values import Layer
from headlint.flow.values.python_values import Unknown

_OF_STEPS = ("last", "mean", "joined", "window")
_NOTES = {"joined": "joins all axes but the first", "window": "looks at neighbours along axis {axis}"}
_ORDER = {True: "(batch, time, features)", False: "(time, batch, features)"}


def batch_first_mismatch(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL305."""
    yield from _steps_taken(evidence)
    yield from _batches_given(evidence)
    yield from _states_given(evidence)
    yield from _packed(evidence)


def _steps_taken(evidence: Evidence) -> Iterator[Diagnostic]:
    """A step of time that is taken along the axis of the batch."""
    for fact in evidence.of(StepTaken):
        batch_first = is_batch_first(fact.layer)
        if batch_first is None or fact.axis != (0 if batch_first else 1) or not _is_meant_as_step(fact, batch_first):
            continue
        yield _about_layer(fact, fact.layer, batch_first, (_step(fact),))


def _step(fact: StepTaken | PaddedStepTaken) -> DiagnosticStep:
    what = "mean over time" if fact.taken == "mean" else f"{fact.taken} step"
    note = _NOTES.get(fact.taken, f"takes the {what} along axis {{axis}}").format(axis=fact.axis)
    return DiagnosticStep(fact.taken_at, note, "operation")


def _is_meant_as_step(fact: StepTaken, batch_first: bool) -> bool:
    """Whether what is taken along the axis of the batch is taken for a step of time."""
    if fact.input.shape.size(fact.axis) == 1:
        return False
    if batch_first:
        return fact.taken in ("last", "window") and (fact.input.shape.rank == 3 or is_batch(fact.input, 0))
    meant = ("first", *_OF_STEPS) if fact.layer.kind.effect == "hidden_same_shape" else _OF_STEPS
    return fact.input.shape.rank != 2 and fact.taken in meant


def _batches_given(evidence: Evidence) -> Iterator[Diagnostic]:
    """A batch of a loader whose samples stand on the axis that the layer takes for time."""
    for applied in evidence.applications():
        if not is_of_sequences(applied.layer) or applied.input.shape.rank not in (None, 3):
            continue
        batch_first = is_batch_first(applied.layer)
        if (
            batch_first is None
            or _attends_among_samples(applied, batch_first)
            or any(map(_asks_for_rank, applied.guards))
        ):
            continue
        if is_batch(applied.input, 1 if batch_first else 0) or is_across_windows(applied.input) is batch_first:
            yield _about_layer(applied, applied.layer, batch_first, ())


def _asks_for_rank(guard: Guard) -> bool:
    """Whether a condition asks how many axes something has: a single sequence is treated otherwise than a batch."""
    match guard.condition.subject:
        case Unknown(key="ndim") | Unknown(key="len", parent=Unknown(key="shape" | "size")):
            return True
        case Unknown(key=("call", *_), parent=Unknown(key="dim" | "ndimension")):
            return True
        case _:
            return False


def _attends_among_samples(applied: LayerApplied, batch_first: bool) -> bool:
    """Whether attention is given one sequence of all samples, as where they are meant to read each other."""
    attends = applied.layer.kind.effect != "recurrent"
    return attends and applied.input.shape.size(0 if batch_first else 1) == 1


def _states_given(evidence: Evidence) -> Iterator[Diagnostic]:
    """States for as many samples as there are along the axis that the layer takes for time."""
    for fact in evidence.of(StatesGiven):
        batch_first = is_batch_first(fact.layer)
        if batch_first is None or fact.axis != (1 if batch_first else 0) or fact.input.shape.rank not in (None, 3):
            continue
        note = f"makes states for as many samples as axis {fact.axis} of the input has"
        yield _about_layer(fact, fact.layer, batch_first, (DiagnosticStep(fact.made_at, note, "operation"),))


def _about_layer(
    fact: StepTaken | LayerApplied | StatesGiven, layer: Layer, batch_first: bool, steps: tuple[DiagnosticStep, ...]
) -> Diagnostic:
    name = layer.kind.short_name
    message = (
        f"{name} {'with' if batch_first else 'without'} batch_first=True takes {_ORDER[batch_first]}, but the batch "
        f"is {'not on axis 0' if batch_first else 'on axis 0'} here: time and samples change places, so samples read each other."
    )
    advice = (
        "Take the step along axis 1 (out[:, -1]), or leave batch_first out."
        if batch_first
        else f"Build {name} with batch_first=True, or transpose what it takes."
    )
    built = DiagnosticStep(layer.site, f"{name} takes {_ORDER[batch_first]}", "layer", layer.kind.name)
    details = (("batch_first", batch_first),)
    return Diagnostic("HL305", fact.site, message, advice, is_proved(fact), (built, *steps), details, subject=fact)


def _packed(evidence: Evidence) -> Iterator[Diagnostic]:
    """The same of what packs a batch of sequences, and of what unpacks it."""
    for packed in evidence.of(SequencePacked):
        if is_batch(packed.input, 1 if packed.batch_first else 0):
            yield _about_packing(packed, "pack_padded_sequence", "takes", packed.batch_first, ())
    for fact in evidence.of(PaddedStepTaken):
        taken = ("last", "window") if fact.batch_first else _OF_STEPS
        if fact.axis == (0 if fact.batch_first else 1) and fact.taken in taken:
            yield _about_packing(fact, "pad_packed_sequence", "gives", fact.batch_first, (_step(fact),))


def _about_packing(
    fact: SequencePacked | PaddedStepTaken, name: str, verb: str, batch_first: bool, steps: tuple[DiagnosticStep, ...]
) -> Diagnostic:
    how = "with" if batch_first else "without"
    message = (
        f"{name} {how} batch_first=True {verb} {_ORDER[batch_first]}, whatever the layer takes, but the batch is "
        f"{'not ' if batch_first else ''}on axis 0 here: steps and samples change places."
    )
    advice = f"Give {name} batch_first={not batch_first}, or transpose."
    here = DiagnosticStep(fact.site, f"{verb} {_ORDER[batch_first]}", "operation", name)
    return Diagnostic("HL305", fact.site, message, advice, is_proved(fact), (here, *steps), (), subject=fact)


RULES = (batch_first_mismatch,)
