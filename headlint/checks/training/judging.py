"""HL607: models that are judged, or asked for a decision, in training mode."""

from __future__ import annotations

from collections.abc import Iterator

from headlint.checks.diagnostic import Diagnostic, DiagnosticStep
from headlint.checks.evidence import Evidence
from headlint.checks.tensors import ancestors
from headlint.checks.training.holding import covers, have_parts_in_common, held_by
from headlint.checks.training.order import Run, always_with, is_of_command_line, together
from headlint.checks.training.reach import depends_on, outputs_in, tensors_in
from headlint.checks.training.switching import (
    depends_on_mode,
    given_by_ready_made,
    may_be_switched_by,
    mode_of,
    taken_from,
)
from headlint.flow.torch_modules.parts import is_module
from headlint.flow.training import modules
from headlint.flow.training.automatic import AUTOMATIC
from headlint.flow.values.conditions import Choice
from headlint.flow.values.facts import Event, ForwardDone, LossUse, PredictionUse, TrainingEvent
from headlint.flow.values.library_values import Backbone, Container, Dataset, Part
from headlint.flow.values.python_values import Constant, Instance, Site, SliceValue, TupleValue, Unknown, Value
from headlint.flow.values.tensor_values import Tensor
from headlint.flow.values.training_values import Loop, Optimizer, Round

_TRAINING = (Event.DIFFERENTIATED, Event.STEPPED, Event.FITTED)


def evaluated_in_training_mode(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL607."""
    for run in evidence.runs:
        for applied in run.of(Event.APPLIED):
            if not _may_be_an_evaluation(evidence, applied):
                continue
            if _is_judged_after_training(evidence, run, applied) or _is_judged_elsewhere(evidence, run, applied):
                done = "judged"
            elif _is_asked_with_saved_weights(evidence, run, applied):
                done = "asked"
            else:
                continue
            in_training, switch = _training_mode(evidence, run, applied)
            if not in_training or _is_sampled(run, applied) or _may_be_switched_elsewhere(evidence, run, applied):
                continue
            yield Diagnostic(
                "HL607",
                applied.site,
                f"The model is {done} in training mode: dropout still drops units, and batch norm uses, and changes by, the "
                "statistics of this batch.",
                "Call model.eval() before the evaluation, and model.train() before the next epoch."
                if done == "judged"
                else "Call model.eval() once the weights are loaded.",
                not applied.guards,
                (
                    *([DiagnosticStep(switch.site, "puts it into training mode", "event")] if switch else ()),
                    DiagnosticStep(
                        applied.site, f"{'judges' if done == 'judged' else 'asks'} it in that mode", "event"
                    ),
                ),
                (("beside_training", _trains_beside(run, applied)),),
                subject=applied,
            )


def _may_be_switched_elsewhere(evidence: Evidence, run: Run, applied: TrainingEvent) -> bool:
    """Whether something that is not followed may switch a model's mode: not what comes before all that is done with it."""
    model = applied.subject
    known = (run.place(event) for event in run.events if event.subject is model or model in event.given)
    first = min(known, default=0)
    early = {id(event) for event in run.events[:first]}
    trained_here = any(_trains(event, model) for event in run.of(Event.STEPPED))
    return any(
        may_be_switched_by(event, model)
        for event in evidence.events
        if id(event) not in early
        and not _comes_too_late(run, event, applied)
        and not (
            event.event is Event.LEFT_OUT
            and (not together(event, applied) or (trained_here and event.root != applied.root))
        )
    )


def _comes_too_late(run: Run, event: TrainingEvent, applied: TrainingEvent) -> bool:
    """Whether something happens behind an application, and no loop brings it before the next one."""
    return (
        run.has(event)
        and run.place(event) > run.place(applied)
        and not any(_share_a_loop(one, event) for one in applied.rounds)
    )


def _trains_beside(run: Run, applied: TrainingEvent) -> bool:
    """Whether the round of a loop in which a model is applied trains as well."""
    return bool(applied.rounds) and any(event.event in _TRAINING for event in run.round_of(applied))


def _may_be_an_evaluation(evidence: Evidence, applied: TrainingEvent) -> bool:
    model = applied.subject
    if not modules.is_module(model) or applied.in_comprehension:
        return False
    outputs = outputs_in(applied.by)
    tensors = tensors_in(applied.by)
    return (
        bool(outputs)
        and depends_on_mode(evidence, model, as_built=not tensors)
        and (not tensors or _went_through_its_mode(evidence, applied, tensors))
    )


def _went_through_its_mode(evidence: Evidence, applied: TrainingEvent, outputs: list[Tensor]) -> bool:
    """Whether layers on the way to a model's outputs depend on its mode: it may leave its dropout out by an argument.

    They are its own where they came between what it was given and what it gave, also if it was built anew since.
    """
    model = applied.subject
    if any(covers(model, module) for module in evidence.dropping_by_mode):
        return True
    before = {id(tensor) for one in applied.given for given in tensors_in(one) for tensor in ancestors(given)}
    made_by = [tensor.origin for tensor in ancestors(*outputs) if id(tensor) not in before]
    if any(taken_from(origin.factor) is not None or given_by_ready_made(origin.factor) for origin in made_by):
        return True
    return any(
        depends_on_mode(evidence, origin.layer)
        if origin.layer is not None
        else origin.role == "layer" and any(origin.built_at == site for site in _ready_made_in(model))
        for origin in made_by
    )


def _ready_made_in(model: Value, depth: int = 4) -> Iterator[Site]:
    match model:
        case Backbone() | Part(backbone=Backbone()):
            yield (model.backbone if isinstance(model, Part) else model).site
        case Container() | Instance() | TupleValue() if depth > 0:
            for part in model.items if isinstance(model, TupleValue) else model.slots.values():
                yield from _ready_made_in(part, depth - 1)
        case Choice(options):
            for option in options:
                yield from _ready_made_in(option.value, depth)


def _is_judged_after_training(evidence: Evidence, run: Run, applied: TrainingEvent) -> bool:
    """Whether a model that a run trains is judged there by something that trains nothing."""
    steps = [event for event in run.of(Event.STEPPED) if _trains(event, applied.subject)]
    if not steps:
        return False
    if not applied.rounds:
        return _is_behind(run, applied, steps) and _is_decided_upon_or_compared(evidence, run, applied)
    if _trains_beside(run, applied):
        compared = _is_compared(evidence, applied) or (
            applied.without_gradient and _is_decided_upon(evidence, applied, by_labels=True)
        )
        return compared and _is_beside_training(evidence, run, applied)
    return goes_through_data(applied) and (
        _is_decided_upon_or_compared(evidence, run, applied)
        or _is_summed_up(evidence, run, applied, behind=all(run.place(step) < run.place(applied) for step in steps))
    )


def _is_summed_up(evidence: Evidence, run: Run, applied: TrainingEvent, behind: bool) -> bool:
    """Whether a loop over data keeps something of each round: without gradients, behind all training, or apart from it."""
    kept = any(event.event is Event.KEPT and run.place(event) > run.place(applied) for event in run.round_of(applied))
    if not kept or applied.without_gradient:
        return kept
    apart = (behind and len(applied.rounds) == 1) or _is_put_into_training_mode(run, applied)
    return apart and not _is_trained_with(evidence, run, applied)


def _is_put_into_training_mode(run: Run, applied: TrainingEvent) -> bool:
    """Whether a program says in each round of the loop around, as at the start of an epoch, that the model trains now."""
    return any(
        event.subject is applied.subject
        and mode_of(event) is True
        and run.place(event) < run.place(applied)
        and event.rounds == applied.rounds[:-1] != ()
        for event in run.of(Event.MODE_SET)
    )


def _is_judged_elsewhere(evidence: Evidence, run: Run, applied: TrainingEvent) -> bool:
    """Whether a method or function that trains nothing judges a model that another trains, and nothing calls either."""
    if any(event.event in _TRAINING for event in run.events) or any(AUTOMATIC in e.given for e in evidence.events):
        return False
    steps = (event for event in evidence.events_of(Event.STEPPED) if event.root != applied.root)
    if not any(step.rounds and _trains(step, applied.subject) for step in steps):
        return False
    switched = evidence.events_of(Event.MODE_SET)
    if any(mode_of(event) is not True and _may_cover(event.subject, applied.subject, True) for event in switched):
        return False
    if not applied.without_gradient or not _is_decided_upon_or_compared(evidence, run, applied):
        return goes_through_data(applied) and _is_summed_up(evidence, run, applied, behind=True)
    return not applied.rounds or goes_through_data(applied)


def _is_behind(run: Run, applied: TrainingEvent, steps: list[TrainingEvent]) -> bool:
    """Whether a model is applied once its training is over."""
    return any(run.place(step) < run.place(applied) and step.rounds for step in steps)


def _is_beside_training(evidence: Evidence, run: Run, applied: TrainingEvent) -> bool:
    """Whether a round that trains a model applies it to something else too, and trains nothing with what that gives."""
    if _is_trained_with(evidence, run, applied):
        return False
    others = [
        event
        for event in run.of(Event.APPLIED)
        if event.subject is applied.subject and event is not applied and _is_trained_with(evidence, run, event)
    ]
    return bool(others) and not any(one is other for one in applied.given for event in others for other in event.given)


def _is_asked_with_saved_weights(evidence: Evidence, run: Run, applied: TrainingEvent) -> bool:
    """Whether a program decides upon what a model with saved weights gives, which it does not train."""
    if any(event.event in _TRAINING for event in evidence.events) and not _trains_others(evidence, run, applied):
        return False
    if _is_repeated_on_purpose(applied) or _is_part_of_a_module(evidence, applied):
        return False
    restored = [event for event in evidence.events_of(Event.RESTORED) if event.subject is applied.subject]
    return (
        any(
            event.root < applied.root or (run.has(event) and run.place(event) < run.place(applied))
            for event in restored
        )
        and depends_on_mode(evidence, applied.subject, as_built=True)
        and (
            _is_decided_upon(evidence, applied)
            or (_is_compared(evidence, applied) and applied.within is not applied.subject)
        )
    )


def _trains_others(evidence: Evidence, run: Run, applied: TrainingEvent) -> bool:
    """Whether all that a program trains is known, as other models that an option of the command line chooses to train."""
    steps = evidence.events_of(Event.STEPPED, Event.FITTED)
    apart = all(
        isinstance(step.subject, Optimizer)
        and step.subject.held.complete
        and not any(have_parts_in_common(owner, applied.subject) for owner in step.subject.held.owners)
        for step in steps
    )
    within = any(event.event in _TRAINING and together(event, applied) for event in run.events if event.rounds)
    asked = any(is_of_command_line(guard.condition.subject) for guard in applied.guards)
    return bool(steps) and apart and (asked or not within)


def _is_repeated_on_purpose(applied: TrainingEvent) -> bool:
    """Whether a loop over numbers may apply a model to the same again and again, as one does who samples its dropout."""
    return bool(applied.rounds) and applied.rounds[-1].loop.over is not None and not goes_through_data(applied)


def _is_sampled(run: Run, applied: TrainingEvent) -> bool:
    """Whether a loop over numbers has a program judge all data anew in each round, after it has said that the model trains,
    and nothing is trained in it: whoever does that samples the dropout."""
    said = [event for event in run.of(Event.MODE_SET) if covers(event.subject, applied.subject)]
    depth = next((len(event.rounds) for event in reversed(said) if run.place(event) < run.place(applied)), None)
    if depth is None or len(applied.rounds) < depth + 2 or not goes_through_data(applied):
        return False
    again = applied.rounds[depth].loop
    return _counts(again) and not any(event.event in _TRAINING for event in run.within(again))


def _counts(loop: Loop) -> bool:
    match loop.over:
        case Dataset(name="range"):
            return True
        case TupleValue(items):
            return all(isinstance(item, Constant) and isinstance(item.value, int) for item in items)
        case _:
            return False


def _is_part_of_a_module(evidence: Evidence, applied: TrainingEvent) -> bool:
    """Whether a module of the program has a model as its part, and may get its mode with it."""
    model, around = applied.subject, [fact.module for fact in evidence.of(ForwardDone)]
    if isinstance(applied.within, Instance) and is_module(applied.within):
        around.append(applied.within)
    return any(module is not model and covers(module, model) for module in around)


def _training_mode(evidence: Evidence, run: Run, applied: TrainingEvent) -> tuple[bool, TrainingEvent | None]:
    """Whether a model is certainly in training mode when it is applied, and what has put it there."""
    model = applied.subject
    switches = [
        event
        for event in evidence.events_of(Event.MODE_SET)
        if _may_cover(event.subject, model, event.root == applied.root)
    ]
    if all(mode_of(event) is True for event in switches):
        return bool(switches) or depends_on_mode(evidence, model, as_built=True), next(iter(switches), None)
    within = _training_within(run, applied)
    if within is not None:
        return True, within
    if any(mode_of(event) is not True and event.root != applied.root for event in switches):
        return False, None
    in_this_run = [event for event in switches if run.has(event) and together(event, applied)]
    return _last_mode(evidence, run, applied, in_this_run)


def _last_mode(
    evidence: Evidence, run: Run, applied: TrainingEvent, switches: list[TrainingEvent]
) -> tuple[bool, TrainingEvent | None]:
    """What the last switch before an application has done, in the first round of the loops and in later ones."""
    before = [event for event in switches if run.place(event) < run.place(applied)]
    last = before[-1] if before else None
    if last is not None and (
        mode_of(last) is not True or not always_with(last, applied) or not covers(last.subject, applied.subject)
    ):
        return False, None
    if last is None and not depends_on_mode(evidence, applied.subject, as_built=True):
        return False, None
    if any(_is_calm(run, other, switches) for other in run.of(Event.APPLIED) if _is_the_same(other, applied)):
        return False, None
    repeated = [one for one in applied.rounds if last is None or one not in last.rounds]
    if not _trains_beside(run, applied):
        repeated += applied.rounds[-1:]  # a round that only judges may do so in both modes, to compare them
    again = [event for event in switches if any(_share_a_loop(one, event) for one in repeated)]
    return all(mode_of(event) is True for event in again), last


def _is_the_same(other: TrainingEvent, applied: TrainingEvent) -> bool:
    """Whether one place in the program applies one model, in another call of the function around it."""
    return (other.site, other.subject) == (applied.site, applied.subject)


def _is_calm(run: Run, applied: TrainingEvent, switches: list[TrainingEvent]) -> bool:
    """Whether the last switch before an application was to evaluation mode."""
    before = [event for event in switches if run.place(event) < run.place(applied) and together(event, applied)]
    return bool(before) and mode_of(before[-1]) is False


def _share_a_loop(one: Round, event: TrainingEvent) -> bool:
    return any(one.loop is other.loop for other in event.rounds)


def _training_within(run: Run, applied: TrainingEvent) -> TrainingEvent | None:
    """What alone sets a mode in the loop without gradients in which a model is applied, and sets that of training."""
    if not applied.rounds:
        return None
    switches = [event for event in run.within(applied.rounds[-1].loop) if event.event is Event.MODE_SET]
    match switches:
        case [only] if (
            only.subject is applied.subject
            and mode_of(only) is True
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
    return have_parts_in_common(module, model)


def _trains(step: TrainingEvent, model: Value) -> bool:
    """Whether a step changes a model, or a part of it, or what it is a part of."""
    held = held_by(step.subject)
    return held is not None and any(have_parts_in_common(model, owner) for owner in held.owners)


def goes_through_data(applied: TrainingEvent) -> bool:
    """Whether the innermost loop goes through data, rather than through a number of attempts on the same."""
    if not applied.rounds:
        return False
    match applied.rounds[-1].loop.over:
        case Dataset(name="range"):
            return any(map(_is_picked_by_number, applied.given))
        case TupleValue() | None:
            return False
        case _:
            return True


def _is_picked_by_number(value: object, depth: int = 6) -> bool:
    """Whether a value is, or is made of, what the number of a loop picks: ``samples[start : start + size]``."""
    if depth == 0:
        return False
    match value:
        case Unknown(key=key, parent=whole):
            parts = (*(key if isinstance(key, tuple) else ()), whole)
            return value.is_range_number or any(_is_picked_by_number(part, depth - 1) for part in parts)
        case SliceValue(lower, upper):
            return _is_picked_by_number(lower, depth - 1) or _is_picked_by_number(upper, depth - 1)
        case Tensor():
            return any(_is_picked_by_number(part, depth - 1) for part in (*value.inputs, value.origin.factor))
        case _:
            return False


def _is_decided_upon_or_compared(evidence: Evidence, run: Run, applied: TrainingEvent) -> bool:
    """Whether the output is compared with labels or decided upon, and nothing is trained with it."""
    if not _is_decided_upon(evidence, applied) and not _is_compared(evidence, applied):
        return False
    return applied.without_gradient or not _is_trained_with(evidence, run, applied)


def _is_decided_upon(evidence: Evidence, applied: TrainingEvent, by_labels: bool = False) -> bool:
    """Whether something is decided upon an output, or also whether what is decided is compared with labels."""
    outputs = outputs_in(applied.by)
    uses = (fact for fact in evidence.of(PredictionUse) if not by_labels or fact.kind == "equality")
    return any(depends_on(evidence, fact.tensor, one) for fact in uses for one in outputs)


def _is_compared(evidence: Evidence, applied: TrainingEvent) -> bool:
    outputs = outputs_in(applied.by)
    return any(depends_on(evidence, use.prediction, one) for use in evidence.of(LossUse) for one in outputs)


def _is_trained_with(evidence: Evidence, run: Run, applied: TrainingEvent) -> bool:
    """Whether a loss that is differentiated depends on an output, or may: where it is not followed."""
    outputs = outputs_in(applied.by)
    losses = [event.subject for event in evidence.events_of(Event.DIFFERENTIATED)]
    if any(depends_on(evidence, loss, one, with_targets=True) for loss in losses for one in outputs):
        return True
    return any(not _is_followed(event.subject) for event in run.of(Event.DIFFERENTIATED))


def _is_followed(loss: Value) -> bool:
    match loss:
        case Tensor():
            return True
        case Unknown(key=("call", _)):
            return True
        case Unknown(key=("scaled", _, (Unknown() | Tensor()) as loss)):
            return _is_followed(loss)
        case Unknown(key=("/", (Unknown() | Tensor()) as divided, _)):
            return _is_followed(divided)
        case Unknown(key=("+", (Unknown() | Tensor()) as first, (Unknown() | Tensor()) as second)):
            return _is_followed(first) and _is_followed(second)
        case _:
            return False


RULES = (evaluated_in_training_mode,)
