"""HL517 and HL518: what stands around a step, sums of losses and schedules of the learning rate."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from headlint.checks.diagnostic import Diagnostic, DiagnosticStep
from headlint.checks.evidence import Evidence
from headlint.checks.training.order import Run, together
from headlint.flow.values.facts import Event, TrainingEvent
from headlint.flow.values.python_values import FrameworkName, ListValue, TupleValue, Unknown, Value
from headlint.flow.values.tensor_values import Domain, Tensor
from headlint.flow.values.training_values import Optimizer, Scheduler

WITHOUT_WARNING = frozenset({"ReduceLROnPlateau"})
"""Schedules that need the result of an epoch, and do not care about the order."""


def loss_keeps_its_graph(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL517."""
    for run in evidence.beginnings:
        let_go = {event.site for event in run.of(Event.LET_GO) if _goes_with_a_step(run, event)}
        for kept in run.of(Event.KEPT):
            if kept.without_gradient or kept.site in let_go or _is_within_one_step(kept) or _is_no_tensor(kept):
                continue
            backward = _differentiated_in_this_round(run, kept)
            if backward is None or _is_of_batches_for_one_step(run, kept) or _is_summed_for_a_step(run, kept):
                continue
            yield Diagnostic(
                "HL517",
                kept.site,
                "The loss is kept with its graph, round after round: the graph of every batch stays in memory as long as the "
                "sum or list.",
                "Keep the number alone: loss.item(), or loss.detach() to stay on the device.",
                isinstance(kept.subject, Tensor) and not kept.guards,
                (
                    DiagnosticStep(backward.site, "differentiates the loss", "event"),
                    DiagnosticStep(kept.site, "keeps it with its graph", "event"),
                ),
                subject=kept,
            )


def _is_no_tensor(kept: TrainingEvent) -> bool:
    """Whether something else than a tensor takes this way, which no loss that is differentiated is."""
    return any(
        _has_no_gradient(guard.condition.operand) if guard.outcome else guard.condition.operand == _TENSOR
        for guard in kept.guards
        if guard.condition.operator == "isinstance"
    )


def _has_no_gradient(kind: Hashable) -> bool:
    match kind:
        case FrameworkName(path):
            return path in _WITHOUT_GRADIENT
        case TupleValue(kinds):
            return all(map(_has_no_gradient, kinds))
        case _:
            return False


_TENSOR = FrameworkName("torch.Tensor")
_WITHOUT_GRADIENT = frozenset({"numpy.ndarray", *(f"builtins.{one}" for one in ("int", "float", "list", "tuple"))})


def _goes_with_a_step(run: Run, let_go: TrainingEvent) -> bool:
    """Whether a sum is that of the batches whose gradients are gathered for a step, and begins anew with the step."""
    if any(_asks_for_a_step(guard.condition.subject) for guard in let_go.guards):
        return True
    steps = (event for event in run.round_of(let_go) if event.event is Event.STEPPED)
    return bool(let_go.guards) and any(set(let_go.guards) <= set(step.guards) for step in steps)


def _asks_for_a_step(subject: object) -> bool:
    """Whether a test asks an accelerator whether this batch is the last one before a step."""
    return isinstance(subject, Unknown) and subject.key == "sync_gradients"


def _is_within_one_step(kept: TrainingEvent) -> bool:
    """Whether a short loop of known length keeps a value: its few graphs are gone with the function, or the round around it."""
    if not kept.rounds:
        return False
    match kept.rounds[-1].loop.over:
        case TupleValue(items):
            return len(items) <= MOST_WITHIN_ONE_STEP
        case ListValue(items=items, approximate=False):
            return len(items) <= MOST_WITHIN_ONE_STEP
        case _:
            return False


def _is_of_batches_for_one_step(run: Run, kept: TrainingEvent) -> bool:
    """Whether no round of the loop takes a step, and one is taken behind it: the rounds gather the gradients of one step."""
    if not kept.rounds or any(event.event is Event.STEPPED for event in run.within(kept.rounds[-1].loop)):
        return False
    place = run.place(kept)
    return any(
        run.place(step) > place and step.rounds == kept.rounds[:-1] and step.calls == kept.calls[: len(step.calls)]
        for step in run.of(Event.STEPPED)
    )


def _is_summed_for_a_step(run: Run, kept: TrainingEvent) -> bool:
    """Whether the sum itself is differentiated behind the loop, as where an option says that its terms are trained together;
    something of which nothing is known may be the sum."""
    return any(
        part is kept.by or (isinstance(part, Unknown) and part.key is None)
        for event in run.of(Event.DIFFERENTIATED)
        if event.rounds == kept.rounds[:-1]
        for part in _attached_parts(event.subject)
    )


MOST_WITHIN_ONE_STEP = 12
"""Rounds of a loop over several losses or networks, as against one over batches."""


def _differentiated_in_this_round(run: Run, kept: TrainingEvent) -> TrainingEvent | None:
    """Where the very loss that is kept is differentiated, and not the sum: nobody can differentiate that afterwards."""
    parts = list(_attached_parts(kept.subject))
    return next(
        (
            event
            for event in run.round_of(kept)
            if event.event is Event.DIFFERENTIATED
            and not event.given
            and not event.by_tensorflow
            and together(event, kept)
            and not any(part is kept.by for part in _attached_parts(event.subject))
            and (any(_unscaled(event.subject) is part for part in parts) or _is_a_term(kept.subject, event.subject))
        ),
        None,
    )


def _is_a_term(kept: Value, loss: Value) -> bool:
    """Whether a single number is one of those that a loss is the sum of."""
    single = isinstance(kept, Tensor) and kept.attached and (kept.domain is Domain.LOSS or kept.shape.rank == 0)
    return single and any(part is kept for part in _attached_parts(loss))


def _attached_parts(value: Value, depth: int = 4) -> Iterator[Value]:
    match value:
        case Tensor():
            if value.attached:
                yield value
                if depth > 0:
                    for part in value.inputs:
                        yield from _attached_parts(part, depth - 1)
        case Unknown(key=("*" | "/" | "+", *factors)) if depth > 0:
            yield value
            for factor in factors:
                if isinstance(factor, Tensor | Unknown):
                    yield from _attached_parts(factor, depth - 1)
        case Unknown():
            yield value


def _unscaled(loss: Value) -> Value:
    """The loss itself, where a ``GradScaler`` has scaled it."""
    match loss:
        case Unknown(key=("scaled", _, (Tensor() | Unknown()) as inner)):
            return inner
        case Tensor(inputs=(inner, *_)) if loss.origin.note == "scaled":
            return inner
        case _:
            return loss


def scheduler_before_optimizer(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL518."""
    for run in evidence.beginnings:
        seen: set[Value] = set()
        for event in run.of(Event.SCHEDULED, Event.STEPPED):
            if event.event is Event.STEPPED:
                seen.add(event.subject)
                continue
            schedule = event.by
            if event.subject in seen or not isinstance(schedule, Scheduler) or schedule.name in WITHOUT_WARNING:
                continue
            step = _step_in_the_same_loop(run, event)
            seen.add(event.subject)
            if step is None or event.given or not isinstance(event.subject, Optimizer | Unknown):
                continue
            yield Diagnostic(
                "HL518",
                event.site,
                "The schedule moves on before the optimizer's first step: the first value of the learning rate is never used.",
                "Call scheduler.step() behind the loop over the batches, at the end of the epoch.",
                not event.guards,
                (
                    DiagnosticStep(event.site, "changes the learning rate", "event"),
                    DiagnosticStep(step.site, "takes the first step", "event"),
                ),
                subject=event,
            )


def _step_in_the_same_loop(run: Run, scheduled: TrainingEvent) -> TrainingEvent | None:
    """A step that always follows a schedule's in the same round of a loop."""
    if not scheduled.rounds:
        return None
    return next(
        (
            one.event
            for one in run.after(scheduled)
            if one.event.event is Event.STEPPED
            and one.event.subject is scheduled.subject
            and not one.in_other_round
            and set(scheduled.guards) <= set(one.event.guards)
        ),
        None,
    )


RULES = (loss_keeps_its_graph, scheduler_before_optimizer)
