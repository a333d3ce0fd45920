"""HL509, of gradients that are clipped where it does nothing, or while they are still scaled."""

from __future__ import annotations

from collections.abc import Iterator

from headlint.checks.diagnostic import Diagnostic, DiagnosticStep
from headlint.checks.evidence import Evidence
from headlint.checks.training.holding import concerns_all_of, may_concern, may_train
from headlint.checks.training.order import Run, is_option, together
from headlint.checks.training.reach import depends_on
from headlint.flow.training.automatic import AUTOMATIC
from headlint.flow.values.facts import Event, TrainingEvent
from headlint.flow.values.python_values import Unknown, Value
from headlint.flow.values.tensor_values import Tensor
from headlint.flow.values.training_values import Scaler

_OF_GRADIENTS = (Event.DIFFERENTIATED, Event.STEPPED, Event.CLEARED, Event.WRITTEN, Event.LEFT_OUT)


def useless_clipping(evidence: Evidence, run: Run, clipping: TrainingEvent) -> Iterator[Diagnostic]:
    """HL509, of gradients that are clipped where no step uses them any more."""
    losses = [one.event for one in run.after(clipping) if one.event.event is Event.DIFFERENTIATED]
    before = next(
        (
            one
            for one in run.before(clipping)
            if _matters(one.event, clipping.subject) and not _computes(evidence, one.event, losses)
        ),
        None,
    )
    if before is None or before.in_other_round:
        yield from _before_a_library_differentiates(run, clipping)
    if before is None or before.in_other_round or not _happens_with(before.event, clipping):
        return
    match before.event.event:
        case Event.STEPPED:
            after = _cleared_next(run, before.event, clipping)
            message = (
                "The gradients are clipped after the step that uses them, and cleared next: clipping has no effect."
            )
        case Event.CLEARED:
            after = _differentiated_next(run, clipping)
            message = "The gradients are clipped before backward() computes them: clipping has no effect."
        case _:
            return
    if after is None:
        return
    yield Diagnostic(
        "HL509",
        clipping.site,
        message,
        "Clip between backward() and step().",
        not clipping.guards and not before.event.guards,
        tuple(
            DiagnosticStep(event.site, _DOES.get(event.event, "clips the gradients"), "event")
            for event in (before.event, clipping, after)
        ),
        subject=clipping,
    )


def _before_a_library_differentiates(run: Run, clipping: TrainingEvent) -> Iterator[Diagnostic]:
    """HL509, in a method whose loss a library differentiates when it is over, and whose gradients it clears before that."""
    following = (one for one in run.after(clipping) if one.event.event in _OF_GRADIENTS)
    after = next(following, None)
    if after is None or after.in_other_round or AUTOMATIC not in after.event.given:
        return
    yield Diagnostic(
        "HL509",
        clipping.site,
        "The gradients are clipped before the library computes them, when this method is over: clipping has no effect.",
        "Give the Trainer gradient_clip_val, or clip in configure_gradient_clipping or on_before_optimizer_step.",
        not clipping.guards,
        (DiagnosticStep(clipping.site, "clips the gradients of the step before", "event"),),
        subject=clipping,
    )


def _computes(evidence: Evidence, event: TrainingEvent, losses: list[TrainingEvent]) -> bool:
    """Whether a call that cannot be read gives what a loss is computed from that is differentiated later."""
    if event.event is not Event.HANDED_OVER or not isinstance(event.subject, Unknown):
        return False
    result = event.subject.child(("call", event.site))
    return any(depends_on(evidence, loss.subject, result) for loss in losses)


def _happens_with(first: TrainingEvent, second: TrainingEvent) -> bool:
    """Whether the first happens wherever the second does, in runs with some options."""
    return {one for one in first.guards if not is_option(one.condition.subject)} <= set(second.guards)


def _cleared_next(run: Run, step: TrainingEvent, clipping: TrainingEvent) -> TrainingEvent | None:
    """What clears the gradients of a step behind clipping, before anything can use them; a call without the optimizer cannot."""
    if not may_concern(clipping.subject, step.subject):
        return None
    for neighbour in run.after(clipping):
        event = neighbour.event
        match event.event:
            case _ if not together(event, step):
                continue
            case Event.CLEARED if concerns_all_of(event.subject, step.subject):
                return event if _happens_with(event, clipping) or _happens_with(event, step) else None
            case Event.HANDED_OVER if any(value is step.subject for value in event.given):
                return None
            case Event.DIFFERENTIATED | Event.STEPPED | Event.CLEARED | Event.WRITTEN | Event.READ:
                return None
            case _:
                continue
    return None


def _differentiated_next(run: Run, clipping: TrainingEvent) -> TrainingEvent | None:
    """The ``backward()`` behind clipping in its round, before which nothing can compute gradients."""
    for neighbour in run.after(clipping):
        event = neighbour.event
        match event.event:
            case _ if neighbour.in_other_round:
                return None
            case Event.DIFFERENTIATED:
                return event
            case _ if _matters(event, clipping.subject):
                return None
    return None


_DOES = {
    Event.STEPPED: "uses the gradients",
    Event.CLEARED: "clears the gradients",
    Event.DIFFERENTIATED: "computes gradients",
}


def _matters(event: TrainingEvent, parameters: Value) -> bool:
    """Whether something does a part of a step, or may do one with some parameters."""
    if event.event is Event.HANDED_OVER:
        return may_train(event, parameters)
    return event.event in _OF_GRADIENTS


def clipping_of_scaled(run: Run, clipping: TrainingEvent) -> Iterator[Diagnostic]:
    """HL509, of gradients that a GradScaler has scaled and nothing has unscaled."""
    scaled: TrainingEvent | None = None
    for one in run.before(clipping):
        if one.event.event in (Event.UNSCALED, Event.WRITTEN, Event.LEFT_OUT) or (
            one.event.event is Event.HANDED_OVER and may_train(one.event, clipping.subject)
        ):
            return
        if one.event.event is Event.DIFFERENTIATED:
            scaled = one.event if _is_scaled(one.event.subject) and not one.in_other_round else None
            break
    if scaled is None:
        return
    step = next((one.event for one in run.after(clipping) if one.event.event is Event.STEPPED), None)
    if step is None or step.by is None or not together(step, clipping):
        return
    yield Diagnostic(
        "HL509",
        clipping.site,
        "The gradients are clipped while they are still multiplied by the GradScaler's factor, so far too much is cut.",
        "Call scaler.unscale_(optimizer) before clipping.",
        isinstance(step.by, Scaler) and not clipping.guards,
        (
            DiagnosticStep(scaled.site, "computes gradients of the scaled loss", "event"),
            DiagnosticStep(clipping.site, "clips them", "event"),
        ),
        subject=clipping,
    )


def _is_scaled(loss: Value) -> bool:
    match loss:
        case Tensor():
            return loss.origin.note == "scaled"
        case Unknown(key=("scaled", *_)):
            return True
        case Unknown(key=("call", _), parent=Unknown(key="scale", parent=Unknown() as owner)):
            return "scaler" in str(owner.key)
        case _:
            return False
