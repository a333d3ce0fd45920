"""HL509, of gradients that are cleared before anything uses them."""

from __future__ import annotations

from collections.abc import Iterator

from headlint.checks.evidence import Evidence
from headlint.checks.training.gathering import guards_of_choice
from headlint.checks.training.holding import called, concerns_all_of, held_by, is_optimizer, may_concern, may_train
from headlint.checks.training.order import Run
from headlint.checks.training.reach import may_reach
from headlint.flow.values.facts import Event, TrainingEvent
from headlint.flow.values.python_values import Unknown
from headlint.flow.values.training_values import Parameters


def cleared_unused(evidence: Evidence, run: Run, backward: TrainingEvent) -> Iterator[TrainingEvent]:
    """What clears the gradients of ``backward()`` before anything may use them, in its round or the next."""
    for clearing in run.round_of(backward):
        if clearing.event is Event.CLEARED and _is_of_an_optimizer(evidence, clearing):
            if (
                _happens_with(evidence, clearing, backward)
                and _comes_before_any_use(run, backward, clearing)
                and not _has_steps(evidence, backward, clearing)
            ):
                yield clearing


def _comes_before_any_use(run: Run, backward: TrainingEvent, clearing: TrainingEvent) -> bool:
    for neighbour in run.after(backward):
        event = neighbour.event
        match event.event:
            case Event.CLEARED if event is clearing or concerns_all_of(event.subject, clearing.subject):
                return True
            case Event.READ | Event.WRITTEN | Event.LEFT_OUT:
                return False
            case Event.HANDED_OVER if may_train(event, clearing.subject):
                return False
            case _:
                continue
    return False


def _is_of_an_optimizer(evidence: Evidence, clearing: TrainingEvent) -> bool:
    """Whether gradients are those of an optimizer: it clears them, is called one, or is built over the module that does."""
    match clearing.subject:
        case Parameters() as parameters:
            built = [event.subject for event in evidence.events if event.event is Event.BUILT]
            return any(concerns_all_of(parameters, optimizer) for optimizer in built) or any(
                held is not None and clearing.by in held.owners for held in map(held_by, built)
            )
        case Unknown(key=("call", _), parent=Unknown() as function):
            return is_optimizer(clearing.subject) or "optim" in called(function).lower()
        case _:
            return is_optimizer(clearing.subject)


def _happens_with(evidence: Evidence, clearing: TrainingEvent, backward: TrainingEvent) -> bool:
    """Whether the gradients are cleared whenever some are computed, whichever optimizer an option has chosen."""
    return set(clearing.guards) <= {*backward.guards, *guards_of_choice(evidence, clearing)}


def _has_steps(evidence: Evidence, backward: TrainingEvent, clearing: TrainingEvent) -> bool:
    """Whether any step of the program uses the same parameters, or others that the loss may give gradients to."""
    steps = {event.subject for event in evidence.events if event.event is Event.STEPPED}
    return any(may_concern(one, clearing.subject) or may_reach(evidence, backward.subject, one) for one in steps)
