"""HL510: steps of an optimizer behind the loss of another model, which nothing trains."""

from __future__ import annotations

from collections.abc import Iterator

from headlint.checks.diagnostic import Diagnostic, DiagnosticStep
from headlint.checks.evidence import Evidence
from headlint.checks.training.holding import concerns_all_of, may_concern, may_train
from headlint.checks.training.order import Run, always_with
from headlint.checks.training.reach import behind, reaches_none_of
from headlint.flow.training.parameters import has_weights
from headlint.flow.values.facts import Event, TrainingEvent
from headlint.flow.values.training_values import Optimizer


def step_of_a_stranger(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL510."""
    steps = evidence.events_of(Event.STEPPED)
    optimizers = [step.subject for step in steps if isinstance(step.subject, Optimizer)]
    if len(optimizers) != len(steps) or not all(optimizer.held.complete for optimizer in optimizers):
        return
    trained = {member for optimizer in optimizers for member in optimizer.held.members}
    reported: set[Optimizer] = set()
    for run in evidence.runs:
        for step in run.of(Event.STEPPED) if run.whole else ():
            optimizer = step.subject
            if not isinstance(optimizer, Optimizer) or optimizer in reported or step.given:
                continue
            backward = _only_loss_since_cleared(run, step, optimizer)
            if backward is None or not reaches_none_of(evidence, backward.subject, optimizer.held):
                continue
            learning = behind(evidence, backward.subject)
            weights = [layer for layer in learning.layers if has_weights(layer)]
            if not weights or learning.sites or learning.weights or all(layer in trained for layer in weights):
                continue
            if not _is_trained_at_all(evidence, optimizer):
                continue
            reported.add(optimizer)
            yield Diagnostic(
                "HL510",
                step.site,
                "This step uses an optimizer of another model: the loss before it depends on nothing that the optimizer holds, "
                "and no optimizer that steps holds all of what it trains.",
                "Step with the optimizer that is built over the parameters of the model that this loss trains.",
                not step.guards,
                (
                    DiagnosticStep(optimizer.site, "takes the parameters of one model", "event"),
                    DiagnosticStep(backward.site, "computes gradients of another", "event"),
                    DiagnosticStep(step.site, "changes the first", "event"),
                ),
                subject=step,
            )


def _is_trained_at_all(evidence: Evidence, optimizer: Optimizer) -> bool:
    """Whether another loss depends on what an optimizer holds."""
    losses = (event.subject for event in evidence.events_of(Event.DIFFERENTIATED))
    return any(not reaches_none_of(evidence, loss, optimizer.held) for loss in losses)


def _only_loss_since_cleared(run: Run, step: TrainingEvent, optimizer: Optimizer) -> TrainingEvent | None:
    """The one loss that is differentiated between the clearing of an optimizer's gradients and its step."""
    found: TrainingEvent | None = None
    for neighbour in run.before(step):
        event = neighbour.event
        match event.event:
            case _ if neighbour.in_other_round:
                return None
            case Event.CLEARED if concerns_all_of(event.subject, optimizer):
                return found
            case Event.DIFFERENTIATED if found is None and event.by is None and always_with(event, step):
                found = event
            case Event.DIFFERENTIATED | Event.WRITTEN | Event.READ:
                return None
            case Event.STEPPED if may_concern(event.subject, optimizer):
                return None
            case Event.HANDED_OVER if may_train(event, optimizer):
                return None
            case _:
                continue
    return None


RULES = (step_of_a_stranger,)
