"""HL608: models that are trained in evaluation mode."""

from __future__ import annotations

from collections.abc import Iterator

from headlint.checks.diagnostic import Diagnostic, DiagnosticStep
from headlint.checks.evidence import Evidence
from headlint.checks.training.gathering import counts_rounds
from headlint.checks.training.holding import covers, have_parts_in_common, held_by, is_optimizer
from headlint.checks.training.order import Run, is_plain, is_settled, together
from headlint.checks.training.reach import depends_on, tensors_in
from headlint.checks.training.switching import depends_on_mode, leaves_its_mode, may_be_switched_by, mode_of
from headlint.flow.values.conditions import Condition, Guard
from headlint.flow.values.facts import Event, TrainingEvent
from headlint.flow.values.python_values import HeapObject, Unknown, Value
from headlint.flow.values.training_values import Loop, Parameters, Round


def trained_in_evaluation_mode(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL608."""
    for run in evidence.runs:
        for backward in run.of(Event.DIFFERENTIATED):
            if not is_plain(backward) or backward.without_gradient or not backward.rounds:
                continue
            for applied in _applied_for(evidence, run, backward):
                switch = _evaluation_before(run, applied, backward)
                if switch is None or _is_one_of_two(run, applied, switch, backward):
                    continue
                if _trains_what_is_not_frozen(run, switch, backward):
                    continue
                yield Diagnostic(
                    "HL608",
                    backward.site,
                    "The model is put into evaluation mode and not back before it is trained: dropout is off, and batch norm "
                    "neither uses nor collects the statistics of the batch.",
                    "Call model.train() at the start of each epoch.",
                    not isinstance(applied.subject, Unknown) and not backward.guards and not switch.guards,
                    (
                        DiagnosticStep(switch.site, "switches to evaluation mode", "event"),
                        DiagnosticStep(applied.site, "is applied in that mode", "event", "applied"),
                        DiagnosticStep(backward.site, "trains", "event"),
                    ),
                    subject=backward,
                )
                break


def _trains_what_is_not_frozen(run: Run, switch: TrainingEvent, backward: TrainingEvent) -> bool:
    """Whether the function that trains keeps the mode of a model of which its optimizer holds only what is not frozen."""
    if switch.calls != backward.calls:
        return False
    held = [held_by(event.subject) for event in run.round_of(backward) if event.event is Event.STEPPED]
    return bool(held) and all(one is not None and one.partial for one in held)


def _applied_for(evidence: Evidence, run: Run, backward: TrainingEvent) -> list[TrainingEvent]:
    """Applications of the models that a loss trains, in its round: those whose parameters a step there changes."""
    around = run.round_of(backward)
    steps = [event for event in around if event.event is Event.STEPPED and together(event, backward)]
    known = [step for step in steps if is_optimizer(step.subject) or _built_over(run, step.subject)]
    return [
        event
        for event in around
        if event.event in (Event.APPLIED, Event.HANDED_OVER)
        and not event.without_gradient
        and run.place(event) < run.place(backward)
        and together(event, backward)
        and (
            any(_holds(run, step.subject, _model_of(run, event)) for step in known)
            or any(_is_built_for(evidence, step.subject, _model_of(run, event)) for step in steps)
        )
        and depends_on_mode(evidence, _model_of(run, event))
        and any(depends_on(evidence, backward.subject, output) for output in _outputs(event))
    ]


def _model_of(run: Run, applied: TrainingEvent) -> Value:
    """The model that is applied, also by a method of its own: ``model.compute_loss(batch)``."""
    match applied.subject:
        case Unknown(key=str(), parent=Unknown() as model) if leaves_its_mode(applied, model):
            switched = any(event.subject is model for event in run.of(Event.MODE_SET))
            return model if switched else applied.subject
        case _:
            return applied.subject


def _outputs(applied: TrainingEvent) -> list[Value]:
    """What a model gave when it was applied."""
    if applied.event is Event.APPLIED:
        return [*tensors_in(applied.by)] or [applied.by or applied.subject]
    assert isinstance(applied.subject, Unknown)
    return [applied.subject.child(("call", applied.site))]


def _holds(run: Run, optimizer: Value, model: Value) -> bool:
    """Whether an optimizer trains a model; of what is unknown it does where the program clears the model's gradients."""
    if isinstance(model, Unknown) and any(event.subject is model for event in run.of(Event.CLEARED)):
        return True
    held = held_by(optimizer)
    if held is not None:
        of_parts = len(held.owners) > 1 and all(covers(model, owner) for owner in held.owners)
        within = any(covers(owner, model) for owner in held.owners)
        return within or of_parts or (_is_given(model) and model in held.members)
    if isinstance(model, Unknown):
        return isinstance(optimizer, Unknown)
    return any(model in parameters.owners for parameters in _built_over(run, optimizer))


def _is_given(model: Value) -> bool:
    """Whether a model is what callers give; an unknown layer would be the same in each pass through its model."""
    return isinstance(model, Unknown) and model.is_parameter


def _is_built_for(evidence: Evidence, optimizer: Value, model: Value) -> bool:
    """Whether what steps is what a function made that was given the model: ``build_optimizer(model, args)``."""
    match optimizer:
        case Unknown(key=("call", site)):
            built = (event for event in evidence.events_of(Event.HANDED_OVER) if event.site == site)
            return any(value is model for event in built for value in event.given)
        case _:
            return False


def _built_over(run: Run, optimizer: Value) -> list[Parameters]:
    """The parameters that an optimizer is built over of which only the class is unknown."""
    match optimizer:
        case Unknown(key=("call", site)):
            built = [event for event in run.of(Event.HANDED_OVER) if event.site == site]
            return [value for event in built for value in event.given if isinstance(value, Parameters)]
        case _:
            return []


def _evaluation_before(run: Run, applied: TrainingEvent, backward: TrainingEvent) -> TrainingEvent | None:
    """What has put the model into evaluation mode when it is applied, in the first round of the loops or a later one."""
    model = _model_of(run, applied)
    about = [event for event in run.of(Event.MODE_SET) if covers(event.subject, model)]
    switches = [event for event in about if together(event, backward)]
    as_made = isinstance(model, Unknown) and not any(mode_of(event) is True for event in run.of(Event.MODE_SET))
    place = run.place(applied)
    inner_first = list(reversed(applied.rounds))
    for one in [*inner_first, None]:
        inside = [event for event in switches if one is None or one in event.rounds]
        before = [event for event in inside if run.place(event) < place]
        if before:
            found = before[-1]
            lasts = mode_of(found) is False and not as_made and not _handed_between(run, found, applied)
            return found if lasts and not _is_decided(run, found, model) else None
        if one is not None and _is_replaced_in(run, applied, one.loop):
            return None
        whole = [event for event in about if one is not None and one in event.rounds and together(event, applied)]
        if whole and one is not None and all(mode_of(event) is False for event in whole):
            decided = run.decided_before(one.loop)
            lasting = next((it for it in reversed(whole) if _happens_again_and_again(it, applied, decided)), None)
            if lasting is not None:
                return lasting if not _handed_around(run, lasting, applied, one) else None
    return None


def _is_decided(run: Run, switch: TrainingEvent, model: Value) -> bool:
    """Whether a test decides between this mode and the other, of the model or some of its parts."""
    decisions = {(guard.condition, guard.outcome) for guard in switch.guards}
    return any(
        mode_of(other) is True
        and have_parts_in_common(other.subject, model)
        and other.calls[: len(switch.calls)] == switch.calls
        and other.rounds[: len(switch.rounds)] == switch.rounds
        and any((guard.condition, not guard.outcome) in decisions for guard in other.guards)
        for other in run.of(Event.MODE_SET)
    )


def _is_one_of_two(run: Run, applied: TrainingEvent, switch: TrainingEvent, backward: TrainingEvent) -> bool:
    """Whether a round sets the modes of two models apart, of which nothing says whose parameters the step changes."""
    return isinstance(_model_of(run, applied), Unknown) and any(
        event.event is Event.MODE_SET
        and mode_of(event) is True
        and event.subject is not switch.subject
        and together(event, backward)
        and switch in run.round_of(backward)
        for event in run.round_of(backward)
    )


def _is_replaced_in(run: Run, applied: TrainingEvent, loop: Loop) -> bool:
    """Whether rounds of a loop may each apply another model: one that they build, or that a condition chooses."""
    model, within = applied.subject, run.within(loop)
    began = min(one.began for event in within for one in event.rounds if one.loop is loop)
    if isinstance(model, HeapObject) and model.born > began:
        return True
    return any(
        event.event is applied.event and event.subject is not model and not run.chose_between(event, applied, loop)
        for event in within
        if (event.site, event.calls) == (applied.site, applied.calls)
    )


def _happens_again_and_again(switch: TrainingEvent, applied: TrainingEvent, decided: set[Condition]) -> bool:
    """Whether a switch is done in each round, or every so many rounds; another condition may hold in the last alone."""
    return all(
        counts_rounds(guard)
        or guard.condition in decided
        or is_settled(guard.condition.subject)
        or _holds_but_once(guard)
        or _is_positive(guard)
        for guard in set(switch.guards) - set(applied.guards)
        if guard.condition.subject is not applied.subject
    )


def _holds_but_once(guard: Guard) -> bool:
    """Whether a condition holds in all rounds but one: ``number != 0``."""
    return guard.condition.operator == "==" and guard.outcome is False


def _is_positive(guard: Guard) -> bool:
    """Whether a condition is that a number is above zero: an option, or what has counted a round."""
    match guard.condition, guard.outcome:
        case (Condition(operator=">", operand=0), True) | (Condition(operator="<=", operand=0), False):
            return True
        case (Condition(operator=">=", operand=1), True) | (Condition(operator="<", operand=1), False):
            return True
        case _:
            return False


def _handed_between(run: Run, first: TrainingEvent, last: TrainingEvent) -> bool:
    between = run.events[run.place(first) : run.place(last)]
    model = _model_of(run, last)
    return any(_may_switch(event, model) or _switches_a_part(event, model) for event in between)


def _handed_around(run: Run, switch: TrainingEvent, applied: TrainingEvent, one: Round) -> bool:
    """Whether something may switch the mode in the rest of a round, or in the next one before a model is applied."""
    left, needed = run.place(switch), run.place(applied)
    passed = (
        event for place, event in enumerate(run.events) if (place > left or place < needed) and one in event.rounds
    )
    return any(_may_switch(event, switch.subject) for event in passed)


def _switches_a_part(event: TrainingEvent, model: Value) -> bool:
    """Whether a part of a model is put into training mode, or something that may be one."""
    if event.event is not Event.MODE_SET or mode_of(event) is False or event.subject is model:
        return False
    return isinstance(event.subject, Unknown) or covers(model, event.subject)


def _may_switch(event: TrainingEvent, model: Value) -> bool:
    return may_be_switched_by(event, model) and not (isinstance(model, Unknown) and leaves_its_mode(event, model))


RULES = (trained_in_evaluation_mode,)
