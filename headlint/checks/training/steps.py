"""HL508 and HL509: what a step does with the gradients, and in which order."""

from __future__ import annotations

import re
from collections.abc import Iterator

from headlint.checks.diagnostic import Diagnostic, DiagnosticStep
from headlint.checks.evidence import Evidence
from headlint.checks.training.clipping import clipping_of_scaled, useless_clipping
from headlint.checks.training.gathering import (
    gathered_for,
    guards_of_choice,
    is_divided,
    step_without_any_gradient,
    thrown_away,
)
from headlint.checks.training.holding import (
    called,
    concerns_all_of,
    hands_over,
    is_optimizer,
    is_schedule,
    may_concern,
    may_train,
)
from headlint.checks.training.order import Run, always_with, is_of_command_line, is_option, is_plain, together
from headlint.checks.training.reach import certainly_reaches, may_reach
from headlint.checks.training.tapes import TRAINABLE
from headlint.checks.training.unused_gradients import (
    cleared_for_others,
    cleared_unused,
    is_of_an_optimizer,
    limits,
    only_computes_a_loss,
    only_limits,
    trains_apart,
)
from headlint.flow.machine.state import consistent
from headlint.flow.values.conditions import Guard
from headlint.flow.values.facts import Event, TrainingEvent
from headlint.flow.values.python_values import FunctionValue, Site, Unknown, Value
from headlint.flow.values.training_values import Optimizer, Parameters, Scaler
from headlint.frameworks import training


def gradients_never_cleared(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL508."""
    for run in evidence.runs:
        for step in run.of(Event.STEPPED):
            if not (_is_plain_step(step) or _has_a_closure(step)) or not (
                _is_repeated(step) or _is_called_from_outside(evidence, run, step)
            ):
                continue
            possible = [event for event in run.events if not _excludes(event, step)]
            possible = [event for event in possible if not _belongs_to_another_step(run, event, step)]
            around = set(run.within(step.rounds[-1].loop)) if step.rounds else set(run.events)
            clearing = [event for event in possible if event in around and _may_clear(event, step.subject)]
            if not all(only_computes_a_loss(evidence, run, event) for event in clearing):
                continue
            cleared_outside = any(
                event.event is Event.CLEARED and may_concern(event.subject, step.subject) for event in possible
            )
            if (cleared_outside or not run.whole) and not isinstance(step.subject, Optimizer):
                continue
            backward = _backward_of(evidence, run, step)
            if backward is None and not cleared_outside and run.whole:
                backward = gathered_for(evidence, run, step)
            if backward is None or (not step.rounds and _is_parameter(backward.subject)):
                continue
            where = "only outside of this loop" if cleared_outside else "nowhere"
            yield Diagnostic(
                "HL508",
                step.site,
                f"The gradients are cleared {where}: backward() adds to them, so each step uses the sum of the gradients "
                "of all batches before it.",
                f"Call {_name(step.subject)}.zero_grad() once in each round of the loop, before backward().",
                _is_proved(step, backward) and bool(step.rounds),
                (
                    DiagnosticStep(backward.site, "adds to the gradients", "event"),
                    DiagnosticStep(step.site, "uses their sum", "event"),
                ),
                subject=step,
            )


def _has_a_closure(step: TrainingEvent) -> bool:
    """Whether an optimizer of PyTorch itself is given a function of the program, which computes the gradients."""
    given = [isinstance(one, FunctionValue) for one in step.given]
    return isinstance(step.subject, Optimizer) and bool(given) and all(given)


def _is_repeated(step: TrainingEvent) -> bool:
    return bool(step.rounds) and not _is_built_in_its_loop(step)


def _is_called_from_outside(evidence: Evidence, run: Run, step: TrainingEvent) -> bool:
    """Whether a method that nothing here calls steps with an optimizer of its object, which nothing here clears."""
    optimizer = step.subject
    if step.rounds or not isinstance(optimizer, Optimizer) or not run.whole or step.root in evidence.open_roots:
        return False
    about = [event for event in evidence.events if event.subject is optimizer]
    return any(event.event is Event.BUILT and event.root != step.root for event in about) and not any(
        _may_clear(event, optimizer)
        and _is_about(event, optimizer)
        and not (run.has(event) and only_computes_a_loss(evidence, run, event))
        for event in evidence.events
    )


def _is_parameter(loss: Value) -> bool:
    """Whether a loss comes from the callers: they compute it, and may clear the gradients before that."""
    return isinstance(loss, Unknown) and isinstance(loss.key, tuple) and loss.key[0] == "parameter"


def _is_about(event: TrainingEvent, optimizer: Optimizer) -> bool:
    """Whether an event is about an optimizer, or something that has it; not about what a function's callers give it."""
    match event.event, event.subject:
        case Event.CLEARED, Unknown(key=("parameter", _, _)):
            return False
        case Event.HANDED_OVER, _:
            return hands_over(event, optimizer)
        case _:
            return True


def _is_plain_step(step: TrainingEvent) -> bool:
    """Whether an optimizer steps by itself, or a GradScaler lets it, and no closure computes the loss anew."""
    known_by = step.by is None or isinstance(step.by, Scaler | Unknown)
    return known_by and not step.given and is_optimizer(step.subject)


def _is_built_in_its_loop(step: TrainingEvent) -> bool:
    optimizer = step.subject
    return isinstance(optimizer, Optimizer) and any(one.loop is step.rounds[-1].loop for one in optimizer.rounds)


def _backward_of(evidence: Evidence, run: Run, step: TrainingEvent) -> TrainingEvent | None:
    """The plain ``backward()`` before a step that always happens with it; None where there is none, or one that divides."""
    found: TrainingEvent | None = None
    for neighbour in run.before(step):
        event = neighbour.event
        if neighbour.in_other_round or event.event is not Event.DIFFERENTIATED:
            continue
        if event.by is not None or is_divided(event.subject) or not _follows_always(evidence, step, event):
            return None
        if not event.without_gradient and may_reach(evidence, event.subject, step.subject):
            found = found or event
    return found


def _follows_always(evidence: Evidence, step: TrainingEvent, backward: TrainingEvent) -> bool:
    """Whether a step happens wherever the gradients are computed, but where they or the loss are no numbers.

    An option that chooses among several optimizers does not count: each of them steps; nor one of the command line, which
    is the same in all rounds.
    """
    allowed = {*backward.guards, *guards_of_choice(evidence, step)}
    others = (guard for guard in step.guards if guard not in allowed)
    return all(_asks_for_numbers(guard) or is_of_command_line(guard.condition.subject) for guard in others)


def _asks_for_numbers(guard: Guard) -> bool:
    """Whether a path is taken by what is finite: ``if torch.isfinite(norm):``, ``if not math.isnan(loss.item()):``."""
    return guard.condition.operator == "truth" and guard.outcome is _FINITE.get(_asked(guard.condition.subject))


_FINITE = {"isfinite": True, "isnan": False, "isinf": False}
"""Questions whether something is a number, and the answer for one that is."""


def _asked(answer: object) -> str:
    """The name of the function or method that gave an answer, also where ``any()`` or ``all()`` sums it up."""
    match answer:
        case Unknown(key=("call", _), parent=Unknown(key="any" | "all" | "item", parent=Unknown() as several)):
            return _asked(several)
        case Unknown(key=("call", _), parent=Unknown(key=str() as method)):
            return method
        case Unknown(key=(str() as path, Site())):
            return path.rpartition(".")[2]
        case _:
            return ""


def _may_clear(event: TrainingEvent, optimizer: Value) -> bool:
    match event.event:
        case Event.CLEARED:
            return may_concern(event.subject, optimizer)
        case Event.WRITTEN:
            return not limits(event)
        case Event.LEFT_OUT:
            return True
        case Event.HANDED_OVER:
            return may_train(event, optimizer)
        case _:
            return False


def _excludes(event: TrainingEvent, step: TrainingEvent) -> bool:
    """Whether an option of the whole run, which no round of a loop changes, lets only one of the two happen."""
    options = tuple(guard for guard in (*event.guards, *step.guards) if is_option(guard.condition.subject))
    return not consistent(options)


def _belongs_to_another_step(run: Run, event: TrainingEvent, step: TrainingEvent) -> bool:
    """Whether a round clears the gradients for another step of the optimizer only, which it takes instead of this one."""
    return not together(event, step) and any(
        other.subject is step.subject
        and not together(other, step)
        and always_with(event, other)
        and run.place(event) < run.place(other)
        and other in run.round_of(step)
        for other in run.of(Event.STEPPED)
    )


def _is_proved(*events: TrainingEvent) -> bool:
    optimizers = [event.subject for event in events if event.event is Event.STEPPED]
    return all(isinstance(one, Optimizer) for one in optimizers) and not any(event.guards for event in events)


def _name(optimizer: Value) -> str:
    match optimizer:
        case Unknown(key=("parameter", _, str() as name)):
            return name
        case _:
            return "optimizer"


def step_out_of_order(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL509."""
    for run in evidence.beginnings:
        for step in run.of(Event.STEPPED):
            if _is_plain_step(step):
                if not _is_of_ones_own(step.subject):
                    yield from _step_without_gradients(run, step)
                yield from thrown_away(evidence, run, step)
        for clipping in run.of(Event.CLIPPED):
            yield from useless_clipping(evidence, run, clipping)
    for run in evidence.runs:
        for backward in filter(run.is_whole_for, run.of(Event.DIFFERENTIATED)):
            yield from _backward_without_step(evidence, run, backward)
        for clipping in run.of(Event.CLIPPED):
            yield from clipping_of_scaled(run, clipping)
        for step in run.of(Event.STEPPED):
            if _is_plain_step(step):
                yield from step_without_any_gradient(evidence, run, step)


def _is_of_ones_own(optimizer: Value) -> bool:
    """Whether the class of an optimizer is a program's own: its step may do more than to follow the gradients."""
    return isinstance(optimizer, Optimizer) and optimizer.name == "Optimizer"


def _step_without_gradients(run: Run, step: TrainingEvent) -> Iterator[Diagnostic]:
    cleared = _cleared_right_before(run, step)
    if cleared is None:
        return
    backwards = [event for event in run.round_of(step) if event.event is Event.DIFFERENTIATED and event.by is None]
    earlier = [event for event in run.before(cleared) if event.event in backwards and not event.in_other_round]
    if earlier:
        message = "The gradients are cleared between backward() and this step, so the step changes nothing."
        advice = "Clear the gradients before backward(), or behind the step."
    elif step.rounds and backwards:
        message = "The step comes before backward(): it uses gradients that were just cleared, so it changes nothing."
        advice = "The order is zero_grad(), the loss, backward(), step()."
    else:
        return
    trail = tuple(
        DiagnosticStep(event.site, note, "event")
        for event, note in sorted(
            [(cleared, "clears the gradients"), (backwards[-1], "computes gradients"), (step, "uses the gradients")],
            key=lambda pair: run.place(pair[0]),
        )
    )
    yield Diagnostic("HL509", step.site, message, advice, _is_proved(step, cleared), trail, subject=step)


def _cleared_right_before(run: Run, step: TrainingEvent) -> TrainingEvent | None:
    """What clears every gradient that a step would use, when nothing makes new ones in between."""
    for neighbour in run.before(step):
        event = neighbour.event
        match event.event:
            case Event.DIFFERENTIATED | Event.WRITTEN | Event.LEFT_OUT:
                return None
            case Event.HANDED_OVER if may_train(event, step.subject):
                return None
            case Event.CLEARED if concerns_all_of(event.subject, step.subject) and always_with(event, step):
                if neighbour.in_other_round and not run.happens_in_each_round(event):
                    return None
                return event
            case _:
                continue
    return None


def _backward_without_step(evidence: Evidence, run: Run, backward: TrainingEvent) -> Iterator[Diagnostic]:
    if backward.rounds and backward.by is not None:
        yield from _tape_without_step(run, backward)
    if not backward.rounds or not is_plain(backward):
        return
    yield from _never_stepped(evidence, run, backward)
    clearing = (
        next(cleared_unused(evidence, run, backward), None)
        or _cleared_without_steps(evidence, run, backward)
        or cleared_for_others(evidence, run, backward)
    )
    if clearing is None:
        return
    yield Diagnostic(
        "HL509",
        backward.site,
        "The gradients are computed and cleared again, and no step uses them: the parameters never change.",
        f"Call {_name(clearing.subject)}.step() behind backward().",
        isinstance(clearing.subject, Optimizer) and not backward.guards,
        (
            DiagnosticStep(clearing.site, "clears the gradients", "event"),
            DiagnosticStep(backward.site, "computes gradients", "event"),
        ),
        subject=backward,
    )


def _cleared_without_steps(evidence: Evidence, run: Run, backward: TrainingEvent) -> TrainingEvent | None:
    """What clears an optimizer's gradients in a loop around ``backward()``, when nothing in the whole run may use them."""
    for event in run.within(backward.rounds[0].loop):
        if event.event is Event.CLEARED and is_of_an_optimizer(evidence, event):
            if not _may_be_used(evidence, run, backward, event.subject):
                return event
    return None


def _may_be_used(evidence: Evidence, run: Run, backward: TrainingEvent, optimizer: Value) -> bool:
    """Whether anything may use the gradients that a loss gives the parameters of an optimizer: its step, or one of another."""
    if any(one is optimizer for one in evidence.stepped):
        return True
    if not any(_uses(run, event) or trains_apart(evidence, run, event, optimizer) for event in run.events):
        return isinstance(optimizer, Parameters) and any(may_concern(one, optimizer) for one in evidence.stepped)
    steps = [one for one in evidence.stepped if not is_schedule(one)]
    others = [event for event in run.events if event.event is not Event.STEPPED]
    return (
        not certainly_reaches(evidence, backward.subject, optimizer)
        or any(may_concern(one, optimizer) or may_reach(evidence, backward.subject, one) for one in steps)
        or any(_uses(run, event) or trains_apart(evidence, run, event, optimizer) for event in others)
    )


def _uses(run: Run, event: TrainingEvent) -> bool:
    """Whether gradients are used, by a step or by hand."""
    by_hand = event.event in (Event.READ, Event.WRITTEN) and not only_limits(run, event)
    return by_hand or (event.event is Event.STEPPED and not is_schedule(event.subject))


def _never_stepped(evidence: Evidence, run: Run, backward: TrainingEvent) -> Iterator[Diagnostic]:
    """An optimizer is built over what a loss trains, and nothing ever uses it."""
    built = evidence.events_of(Event.BUILT)
    using = (Event.STEPPED, Event.CLEARED, Event.SCHEDULED, Event.UNSCALED, Event.READ, Event.WRITTEN)
    if not built or any(event.event in using or may_train(event, backward.subject) for event in run.events):
        return
    for event in built:
        optimizer = event.subject
        used = any(
            (other.event in using and other.subject is optimizer) or hands_over(other, optimizer)
            for other in evidence.events
        )
        if used or not certainly_reaches(evidence, backward.subject, optimizer):
            continue
        yield Diagnostic(
            "HL509",
            backward.site,
            "The gradients are computed, and the optimizer that holds these parameters never steps: they never change.",
            "Call the optimizer's zero_grad() before and its step() behind backward().",
            not backward.guards,
            (
                DiagnosticStep(optimizer.site if isinstance(optimizer, Optimizer) else event.site, "is built", "event"),
                DiagnosticStep(backward.site, "computes gradients", "event"),
            ),
            subject=backward,
        )
        return


_APPLYING = re.compile(r"apply|minimize|assign|update(?!_state)|step|train")


def _tape_without_step(run: Run, taken: TrainingEvent) -> Iterator[Diagnostic]:
    """``tape.gradient(loss, model.trainable_variables)`` in a loop, after which no optimizer applies anything."""
    match taken.by, taken.given:
        case Unknown(key=(training.TAPE, _)), (Unknown(key=variables),):
            if (variables[-1] if isinstance(variables, tuple) else variables) not in TRAINABLE:
                return
        case _:
            return
    calls = [event.subject for event in run.events if event.event is Event.HANDED_OVER]
    if any(isinstance(one, Unknown) and _APPLYING.search(called(one)) for one in calls):
        return
    yield Diagnostic(
        "HL509",
        taken.site,
        "The gradients of the model's variables are computed, and no optimizer applies them: the variables never change.",
        "Call optimizer.apply_gradients(zip(gradients, model.trainable_variables)).",
        not taken.guards,
        (DiagnosticStep(taken.site, "computes gradients", "event"),),
        subject=taken,
    )


RULES = (gradients_never_cleared, step_out_of_order)
