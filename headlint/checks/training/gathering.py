"""HL508 and HL509: gradients of several batches that are gathered for one step."""

from __future__ import annotations

from collections.abc import Iterator

from headlint.checks.diagnostic import Diagnostic, DiagnosticStep
from headlint.checks.evidence import Evidence
from headlint.checks.training.holding import concerns_all_of, have_parts_in_common, held_by, may_train
from headlint.checks.training.order import Neighbour, Run
from headlint.checks.training.reach import may_reach
from headlint.flow.values.conditions import Guard
from headlint.flow.values.facts import Event, NothingDifferentiated, TrainingEvent
from headlint.flow.values.python_values import Unknown, Value
from headlint.flow.values.tensor_values import Tensor
from headlint.flow.values.training_values import Optimizer


def gathered_for(evidence: Evidence, run: Run, step: TrainingEvent) -> TrainingEvent | None:
    """The ``backward()`` before a step that is taken every so many batches, or of a loss that is divided."""
    gathered = [one for one in _backwards_before(run, step) if may_reach(evidence, one.event.subject, step.subject)]
    nearest = next((one.event for one in gathered if not one.in_other_round), None)
    if nearest is None or nearest.by is not None or nearest.without_gradient:
        return None
    allowed = {*nearest.guards, *guards_of_choice(evidence, step)}
    return nearest if all(counts_rounds(guard) for guard in set(step.guards) - allowed) else None


def _backwards_before(run: Run, step: TrainingEvent) -> Iterator[Neighbour]:
    return (one for one in run.before(step) if one.event.event is Event.DIFFERENTIATED)


def guards_of_choice(evidence: Evidence, step: TrainingEvent) -> tuple[Guard, ...]:
    """The conditions under which the optimizer of a step was built."""
    built = (event for event in evidence.events_of(Event.BUILT) if event.subject is step.subject)
    return tuple(guard for event in built for guard in event.guards)


def counts_rounds(guard: Guard) -> bool:
    """Whether a condition holds every so many rounds: ``number % every == 0``, also beside others."""
    subject = guard.condition.subject
    return any(map(_is_remainder, subject if isinstance(subject, tuple) else (subject,)))


def _is_remainder(value: object) -> bool:
    return isinstance(value, Unknown) and isinstance(value.key, tuple) and value.key[0] == "%"


def is_divided(loss: Value, depth: int = 8) -> bool:
    """Whether a loss is divided before it is differentiated, as one does who gathers gradients."""
    match loss:
        case Unknown(key="divided" | ("/", *_)):
            return True
        case Unknown(key=("scaled", _, Unknown() as inner)) | Unknown(parent=Unknown() as inner):
            return depth > 0 and is_divided(inner, depth - 1)
        case Tensor() if loss.origin.role == "operation":
            if loss.origin.name.rpartition(".")[2] in ("/", "div", "div_", "true_divide"):
                return not _is_mean_of_several(loss)
            return depth > 0 and any(is_divided(part, depth - 1) for part in loss.inputs)
        case _:
            return False


def _is_mean_of_several(loss: Tensor) -> bool:
    """Whether a division is that of a sum of losses by a small number: their mean, as in ``(real + fake) / 2``."""
    return any(part.origin.role == "operation" and part.origin.name == "+" for part in loss.inputs)


def thrown_away(evidence: Evidence, run: Run, step: TrainingEvent) -> Iterator[Diagnostic]:
    """HL509: gradients are cleared for each batch, and a step uses those of every so many batches only."""
    conditions = {guard for guard in step.guards if counts_rounds(guard)}
    if not conditions or not step.rounds or not isinstance(step.subject, Optimizer):
        return
    around = run.within(step.rounds[0].loop)
    if any(event.event is Event.STEPPED and event.subject is not step.subject for event in around):
        return
    before = [one.event for one in run.before(step) if not one.in_other_round and one.event.rounds == step.rounds]
    using = (Event.DIFFERENTIATED, Event.CLEARED, Event.READ, Event.WRITTEN, Event.HANDED_OVER, Event.LEFT_OUT)
    events = [event for event in before if event.event in using]
    if any(event.event in (Event.READ, Event.WRITTEN, Event.LEFT_OUT) for event in events):
        return
    backward = next((event for event in events if event.event is Event.DIFFERENTIATED), None)
    if backward is None or conditions & set(backward.guards) or not may_reach(evidence, backward.subject, step.subject):
        return
    cleared = next((event for event in events if event.event is Event.CLEARED), None)
    if cleared is None or cleared.guards != backward.guards or not concerns_all_of(cleared.subject, step.subject):
        return
    if run.place(cleared) > run.place(backward):
        return
    yield Diagnostic(
        "HL509",
        step.site,
        "The gradients are cleared for each batch, and this step is taken every so many batches: it uses those of the last "
        "one, the others are computed in vain.",
        "Clear the gradients right after the step, under the same condition.",
        False,
        (
            DiagnosticStep(cleared.site, "clears the gradients of each batch", "event"),
            DiagnosticStep(backward.site, "computes gradients for each batch", "event"),
            DiagnosticStep(step.site, "uses those of the last batch", "event"),
        ),
        subject=step,
    )


def step_without_any_gradient(evidence: Evidence, run: Run, step: TrainingEvent) -> Iterator[Diagnostic]:
    """HL509: a loop applies a model, clears its gradients and steps, and nothing at all computes any."""
    if not run.whole or not evidence.of(NothingDifferentiated) or not (step.rounds or is_of_a_method(evidence, step)):
        return
    around = run.round_of(step)
    cleared = [
        event for event in around if event.event is Event.CLEARED and concerns_all_of(event.subject, step.subject)
    ]
    applied = [event for event in around if run.place(event) < run.place(step) and _applies_for(event, step)]
    if not cleared or not (applied or _holds_own_tensors(step)):
        return
    if any(may_train(event, step.subject) for event in around if event not in applied):
        return
    yield Diagnostic(
        "HL509",
        step.site,
        "Nothing calls backward(): this step has no gradients to use, so it changes nothing.",
        "Call backward() of the loss before step().",
        False,
        (
            DiagnosticStep(cleared[0].site, "clears the gradients", "event"),
            *(DiagnosticStep(event.site, "applies the model", "event") for event in applied[-1:]),
            DiagnosticStep(step.site, "uses gradients that nothing has computed", "event"),
        ),
        subject=step,
    )


def is_of_a_method(evidence: Evidence, step: TrainingEvent) -> bool:
    """Whether something is done with an object's optimizer in a method that nothing here calls, and callers call for each batch."""
    built = (event for event in evidence.events_of(Event.BUILT) if event.subject is step.subject)
    return isinstance(step.subject, Optimizer) and any(event.root != step.root for event in built)


def _holds_own_tensors(step: TrainingEvent) -> bool:
    """Whether an optimizer trains nothing but tensors that the program has made itself, without a model."""
    held = held_by(step.subject)
    return held is not None and bool(held.members) and all(isinstance(member, Tensor) for member in held.members)


def _applies_for(event: TrainingEvent, step: TrainingEvent) -> bool:
    """Whether a model that an optimizer trains is applied; of an unknown optimizer any that the same callers give."""
    if event.event not in (Event.APPLIED, Event.HANDED_OVER) or event.without_gradient:
        return False
    held = held_by(step.subject)
    if held is not None:
        return any(have_parts_in_common(event.subject, owner) for owner in held.owners)
    return isinstance(event.subject, Unknown) and event.subject.is_parameter and isinstance(step.subject, Unknown)
