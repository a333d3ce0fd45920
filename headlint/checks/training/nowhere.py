"""HL508 and HL509: a part of a training step that a program mentions nowhere, also where not all of it is followed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from headlint.checks.diagnostic import Diagnostic, DiagnosticStep
from headlint.checks.evidence import Evidence
from headlint.checks.training.gathering import is_of_a_method
from headlint.checks.training.holding import called, is_optimizer, is_schedule, may_train
from headlint.checks.training.order import Run, always_with, is_plain, together
from headlint.checks.training.reach import may_reach
from headlint.checks.training.steps import gradients_never_cleared, step_out_of_order
from headlint.checks.training.unused_gradients import only_computes_a_loss
from headlint.flow.training.unreadable import name_of
from headlint.flow.values.facts import Event, NothingCleared, NothingStepped, TrainingEvent
from headlint.flow.values.python_values import Instance, Unknown, Value
from headlint.flow.values.training_values import Optimizer, Scaler


def cleared_nowhere(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL508, of a program that does not mention at all that gradients are cleared."""
    if not evidence.of(NothingCleared):
        return
    known = {found.site for found in gradients_never_cleared(evidence)}
    for run in evidence.beginnings:
        for step in run.of(Event.STEPPED):
            if step.site in known or not _is_repeated(evidence, step) or not _is_step_of_an_optimizer(step):
                continue
            backward = _backward_of(evidence, run, step)
            if backward is None or _may_be_done_elsewhere(evidence, run, step, step.subject):
                continue
            known.add(step.site)
            yield Diagnostic(
                "HL508",
                step.site,
                "The gradients are cleared nowhere: backward() adds to them, so each step uses the sum of the gradients "
                "of all batches before it.",
                "Call the optimizer's zero_grad() once for each batch, before backward().",
                False,
                (
                    DiagnosticStep(backward.site, "adds to the gradients", "event"),
                    DiagnosticStep(step.site, "uses their sum", "event"),
                ),
                subject=step,
            )


def stepped_nowhere(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL509, of a program that computes and clears gradients and does not mention a step at all."""
    if not evidence.of(NothingStepped):
        return
    known = {found.site for found in step_out_of_order(evidence)}
    for run in evidence.beginnings:
        for backward in run.of(Event.DIFFERENTIATED):
            if backward.site in known or not is_plain(backward) or backward.without_gradient:
                continue
            cleared = next((event for event in run.round_of(backward) if _clears(event, backward)), None)
            if cleared is None or not _is_repeated(evidence, cleared):
                continue
            if _may_be_done_elsewhere(evidence, run, backward, cleared.subject):
                continue
            known.add(backward.site)
            yield Diagnostic(
                "HL509",
                backward.site,
                "The gradients are computed and cleared again, and no step uses them: the parameters never change.",
                "Call the optimizer's step() behind backward().",
                False,
                (
                    DiagnosticStep(cleared.site, "clears the gradients", "event"),
                    DiagnosticStep(backward.site, "computes gradients", "event"),
                ),
                subject=backward,
            )


def _is_step_of_an_optimizer(step: TrainingEvent) -> bool:
    by_itself = step.by is None or isinstance(step.by, Scaler | Unknown)
    return by_itself and not step.given and _is_called_optimizer(step.subject)


def _is_called_optimizer(value: Value) -> bool:
    """Whether something is an optimizer, or has the name of one wherever it comes from."""
    match value:
        case Unknown(key=("call", _), parent=Unknown() as function) if _MAKING_ONE.search(called(function)):
            return True
        case Unknown() if not is_optimizer(value):
            return "optim" in name_of(value) and not is_schedule(value)
        case _:
            return is_optimizer(value)


_MAKING_ONE = re.compile(
    r"^(?:get|make|build|create|init|setup|configure|construct)_?(?:the_)?optim(?:i[sz]er)?$", re.I
)
"""Names of functions that make an optimizer."""


def _clears(event: TrainingEvent, backward: TrainingEvent) -> bool:
    return event.event is Event.CLEARED and _is_called_optimizer(event.subject) and always_with(event, backward)


def _is_repeated(evidence: Evidence, event: TrainingEvent) -> bool:
    """Whether something is done in a loop, or with an optimizer that a method finds, which callers call for each batch."""
    if event.rounds or event.stored:
        return True
    if event.root in evidence.open_roots:
        return False
    match event.subject:
        case Optimizer():
            return is_of_a_method(evidence, event)
        case Unknown(key=(Instance() as owner, *_)):
            return not owner.cls.opaque
        case _:
            return False


def _backward_of(evidence: Evidence, run: Run, step: TrainingEvent) -> TrainingEvent | None:
    """The ``backward()`` before a step that happens with it."""
    before = [one.event for one in run.before(step) if not one.in_other_round]
    losses = [event for event in before if event.event is Event.DIFFERENTIATED]
    if not all(map(is_plain, losses)):
        return None
    nearest = next(iter(losses), None)
    if nearest is None or nearest.without_gradient:
        return None
    if not step.rounds and isinstance(nearest.subject, Unknown) and nearest.subject.is_parameter:
        return None  # callers compute the loss, and may clear the gradients before that
    return nearest if may_reach(evidence, nearest.subject, step.subject) else None


def _may_be_done_elsewhere(evidence: Evidence, run: Run, event: TrainingEvent, optimizer: Value) -> bool:
    """Whether something that cannot be read may do the missing part, as far as its round is followed."""
    around = run.within(event.rounds[0].loop) if event.rounds else run.events
    return any(
        one.event is Event.HANDED_OVER
        and together(one, event)
        and may_train(one, optimizer)
        and not only_computes_a_loss(evidence, run, one)
        for one in around
    )


RULES = (cleared_nowhere, stepped_nowhere)
