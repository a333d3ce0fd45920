"""HL607 and HL608: the mode in which a model is trained, and the one in which it is judged."""

from __future__ import annotations

from collections.abc import Iterator

from headlint.checks.diagnostic import Diagnostic, DiagnosticStep
from headlint.checks.evidence import Evidence
from headlint.checks.training.holding import called, held_by, is_optimizer
from headlint.checks.training.order import Run, always_with, together
from headlint.checks.training.reach import depends_on
from headlint.flow.values.conditions import Choice
from headlint.flow.values.facts import Event, LossUse, PredictionUse, TrainingEvent
from headlint.flow.values.library_values import Backbone, Container, Dataset, Layer, Part
from headlint.flow.values.python_values import Constant, HeapObject, Instance, TupleValue, Unknown, Value
from headlint.flow.values.tensor_values import Tensor
from headlint.flow.values.training_values import Loop, Parameters

DEEPEST_MODULE = 8


def trained_in_evaluation_mode(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL608."""
    for run in evidence.runs:
        for backward in run.of(Event.DIFFERENTIATED):
            if backward.by is not None or backward.given or backward.without_gradient or not backward.rounds:
                continue
            for applied in _applied_for(evidence, run, backward):
                switch = _evaluation_before(run, applied, backward)
                if switch is None:
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
                        DiagnosticStep(backward.site, "trains", "event"),
                    ),
                    subject=backward,
                )
                break


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
        and together(event, backward)
        and any(_holds(run, step.subject, event.subject) for step in known)
        and depends_on_mode(event.subject)
        and depends_on(evidence, backward.subject, _output(event))
    ]


def _output(applied: TrainingEvent) -> Value:
    """What a model gave when it was applied."""
    if applied.event is Event.APPLIED:
        return applied.by or applied.subject
    assert isinstance(applied.subject, Unknown)
    return applied.subject.child(("call", applied.site))


def _holds(run: Run, optimizer: Value, model: Value) -> bool:
    """Whether an optimizer trains a model."""
    held = held_by(optimizer)
    if held is not None:
        return model in held.owners
    if isinstance(model, Unknown):
        return isinstance(optimizer, Unknown)
    return any(model in parameters.owners for parameters in _built_over(run, optimizer))


def _built_over(run: Run, optimizer: Value) -> list[Parameters]:
    """The parameters that an optimizer is built over of which only the class is unknown."""
    match optimizer:
        case Unknown(key=("call", site)):
            built = [event for event in run.of(Event.HANDED_OVER) if event.site == site]
            return [value for event in built for value in event.given if isinstance(value, Parameters)]
        case _:
            return []


def depends_on_mode(model: Value, depth: int = DEEPEST_MODULE) -> bool:
    """Whether a model has layers that do something else in evaluation mode; of what is unknown that is likely."""
    match model:
        case Layer():
            return "BatchNorm" in model.kind.name or "Dropout" in model.kind.name
        case Backbone() | Part():
            return True
        case Unknown():
            return True
        case Container() | Instance() if depth > 0:
            return any(_may_depend(part, depth - 1) for part in model.slots.values())
        case _:
            return False


def _may_depend(part: Value, depth: int) -> bool:
    match part:
        case Choice(options):
            return any(_may_depend(option.value, depth) for option in options)
        case TupleValue(items):
            return any(_may_depend(item, depth) for item in items)
        case Unknown():
            return False
        case _:
            return depends_on_mode(part, depth)


def _evaluation_before(run: Run, applied: TrainingEvent, backward: TrainingEvent) -> TrainingEvent | None:
    """What has put the model into evaluation mode when it is applied, in the first round of the loops or a later one."""
    model = applied.subject
    about = [event for event in run.of(Event.MODE_SET) if covers(event.subject, model)]
    switches = [event for event in about if together(event, backward)]
    if isinstance(model, Unknown) and not any(_mode(event) is True for event in run.of(Event.MODE_SET)):
        return None
    place = run.place(applied)
    inner_first = list(reversed(applied.rounds))
    for one in [*inner_first, None]:
        inside = [event for event in switches if one is None or one in event.rounds]
        before = [event for event in inside if run.place(event) < place]
        if before:
            found = before[-1]
            return found if _mode(found) is False and not _handed_between(run, found, applied) else None
        if one is not None and _is_replaced_in(run, applied, one.loop):
            return None
        whole = [event for event in about if one is not None and one in event.rounds]
        if whole and one is not None and all(_mode(event) is False for event in whole):
            last = whole[-1]
            returns = _happens_again_and_again(last, applied) and not _handed_after(run, last, one)
            return last if returns else None
    return None


def _is_replaced_in(run: Run, applied: TrainingEvent, loop: Loop) -> bool:
    """Whether rounds of a loop may each apply another model: one that they build, or that a condition chooses."""
    model, within = applied.subject, run.within(loop)
    began = min(one.began for event in within for one in event.rounds if one.loop is loop)
    if isinstance(model, HeapObject) and model.born > began:
        return True
    return any(
        event.event is applied.event and event.subject is not model
        for event in within
        if (event.site, event.calls) == (applied.site, applied.calls)
    )


def _happens_again_and_again(switch: TrainingEvent, applied: TrainingEvent) -> bool:
    """Whether a switch is done in each round, or every so many rounds; another condition may hold in the last alone."""
    return all(
        isinstance(guard.condition.subject, Unknown)
        and isinstance(guard.condition.subject.key, tuple)
        and guard.condition.subject.key[0] == "%"
        for guard in set(switch.guards) - set(applied.guards)
    )


def covers(module: Value, model: Value, depth: int = DEEPEST_MODULE) -> bool:
    """Whether a switch of a module's mode switches a model's: it is the model, or has it as a part."""
    if module is model:
        return True
    match module:
        case Container() | Instance() if depth > 0:
            return any(covers(part, model, depth - 1) for part in module.slots.values())
        case TupleValue(items):
            return any(covers(item, model, depth) for item in items)
        case Choice(options):
            return any(covers(option.value, model, depth) for option in options)
        case _:
            return False


def _mode(event: TrainingEvent) -> bool | None:
    match event.given:
        case (Constant(bool() as mode, symbol=None),):
            return mode
        case _:
            return None


def _handed_between(run: Run, first: TrainingEvent, last: TrainingEvent) -> bool:
    between = run.events[run.place(first) : run.place(last)]
    return any(_gets(event, last.subject) for event in between)


def _handed_after(run: Run, switch: TrainingEvent, one: object) -> bool:
    later = [event for event in run.events[run.place(switch) :] if one in event.rounds]
    return any(_gets(event, switch.subject) for event in later)


def _gets(event: TrainingEvent, model: Value) -> bool:
    """Whether something that cannot be read gets a model, or an object that has it, and does more than to read it."""
    if event.event is not Event.HANDED_OVER:
        return False
    if isinstance(event.subject, Unknown) and called(event.subject) in _READING:
        return False
    return any(value is model or (isinstance(value, HeapObject) and _contains(value, model)) for value in event.given)


_READING = frozenset({"state_dict", "parameters", "named_parameters", "buffers", "children", "modules"})
"""Methods of a model that leave its mode as it is."""


def _contains(owner: HeapObject, model: Value) -> bool:
    return any(value is model for value in owner.slots.values())


def evaluated_in_training_mode(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL607."""
    for run in evidence.runs:
        for applied in run.of(Event.APPLIED):
            if not applied.without_gradient or not applied.rounds or isinstance(applied.subject, Unknown):
                continue
            if applied.in_comprehension:
                continue
            model = applied.subject
            switches = [event for event in evidence.events if event.event is Event.MODE_SET]
            modes = [event for event in switches if _may_cover(event.subject, model, event.root == applied.root)]
            if not depends_on_mode(model):
                continue
            if any(_mode(event) is not True for event in modes):
                switch = _training_within(run, applied)
                if switch is None:
                    continue
                modes = [switch]
            if not _is_trained(run, model) or not goes_through_data(applied) or not _is_judged(evidence, applied):
                continue
            if any(event.event is Event.DIFFERENTIATED for event in run.round_of(applied)):
                continue
            if any(_gets(event, model) for event in evidence.events):
                continue
            yield Diagnostic(
                "HL607",
                applied.site,
                "The model is judged in training mode: dropout still drops units, and batch norm uses, and changes by, the "
                "statistics of this batch.",
                "Call model.eval() before the evaluation, and model.train() before the next epoch.",
                not applied.guards,
                (
                    *(DiagnosticStep(event.site, "puts it into training mode", "event") for event in modes[:1]),
                    DiagnosticStep(applied.site, "judges it in that mode", "event"),
                ),
                subject=applied,
            )


def _training_within(run: Run, applied: TrainingEvent) -> TrainingEvent | None:
    """What alone sets a mode in the loop without gradients in which a model is applied, and sets that of training."""
    switches = [event for event in run.within(applied.rounds[-1].loop) if event.event is Event.MODE_SET]
    match switches:
        case [only] if (
            only.subject is applied.subject
            and _mode(only) is True
            and only.without_gradient
            and run.place(only) < run.place(applied)
            and always_with(only, applied)
        ):
            return only
        case _:
            return None


def _may_cover(module: Value, model: Value, in_same_run: bool) -> bool:
    """Whether a module that is switched may be the model, a part of it, or something around it."""
    if isinstance(module, Unknown):
        return in_same_run
    return covers(module, model) or covers(model, module)


def _is_trained(run: Run, model: Value) -> bool:
    return any(_holds(run, event.subject, model) for event in run.of(Event.STEPPED))


def goes_through_data(applied: TrainingEvent) -> bool:
    """Whether the innermost loop goes through data, rather than through a number of attempts on the same."""
    match applied.rounds[-1].loop.over:
        case Dataset(name="range") | TupleValue() | None:
            return False
        case _:
            return True


def _is_judged(evidence: Evidence, applied: TrainingEvent) -> bool:
    """Whether the output is compared with labels, or decided upon."""
    output = applied.by
    if not isinstance(output, Tensor):
        return False
    predictions = [fact.tensor for fact in evidence.of(PredictionUse)]
    predictions += [fact.prediction for fact in evidence.of(LossUse) if isinstance(fact.prediction, Tensor)]
    return any(depends_on(evidence, tensor, output) for tensor in predictions)


RULES = (trained_in_evaluation_mode, evaluated_in_training_mode)
