"""HL509, of gradients that are cleared before anything uses them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from headlint.checks.evidence import Evidence
from headlint.checks.tensors import ancestors, prediction
from headlint.checks.training.gathering import guards_of_choice
from headlint.checks.training.holding import (
    builds_an_optimizer,
    called,
    concerns_all_of,
    hands_over,
    held_by,
    is_optimizer,
    is_schedule,
    may_concern,
    may_train,
    only_shows,
)
from headlint.checks.training.order import Run, always_with, together
from headlint.checks.training.reach import behind, certainly_reaches, depends_on, may_reach
from headlint.flow.values.facts import Event, TrainingEvent
from headlint.flow.values.python_values import Constant, Unknown, Value
from headlint.flow.values.tensor_values import Tensor
from headlint.flow.values.training_values import Optimizer, Parameters


def cleared_unused(evidence: Evidence, run: Run, backward: TrainingEvent) -> Iterator[TrainingEvent]:
    """What clears the gradients of ``backward()`` before anything may use them, in its round or the next."""
    for clearing in run.round_of(backward):
        if clearing.event is Event.CLEARED and is_of_an_optimizer(evidence, clearing):
            if (
                _happens_with(evidence, clearing, backward)
                and _comes_before_any_use(evidence, run, backward, clearing)
                and not _has_steps(evidence, run, backward, clearing)
            ):
                yield clearing


def _comes_before_any_use(evidence: Evidence, run: Run, backward: TrainingEvent, clearing: TrainingEvent) -> bool:
    for neighbour in run.after(backward):
        event = neighbour.event
        match event.event:
            case Event.CLEARED if event is clearing or concerns_all_of(event.subject, clearing.subject):
                return True
            case Event.READ | Event.WRITTEN if only_limits(run, event):
                continue
            case Event.READ | Event.WRITTEN | Event.LEFT_OUT:
                return False
            case Event.HANDED_OVER if trains_apart(evidence, run, event, clearing.subject):
                return False
            case _:
                continue
    return False


def _holds_some_of(built: TrainingEvent, clearing: TrainingEvent, parameters: Parameters) -> bool:
    """Whether an optimizer holds what is cleared, or may: where it is built in the same run over what is not followed."""
    held = held_by(built.subject)
    if held is None:
        return concerns_all_of(parameters, built.subject)
    known = clearing.by in held.owners or bool(held.members & parameters.members)
    return known or (not held.complete and built.root == clearing.root)


def _held_by_others(evidence: Evidence) -> Iterator[Parameters]:
    """The parameters that optimizers of other packages are built over."""
    for event in evidence.events:
        if (
            event.event is Event.HANDED_OVER
            and isinstance(event.subject, Unknown)
            and builds_an_optimizer(event.subject)
        ):
            yield from (value for value in event.given if isinstance(value, Parameters))


_LIMITING = frozenset({"clamp_", "clamp_min_", "clamp_max_", "clip_", "nan_to_num_", "div_", "mul_", "scaled"})


def limits(event: TrainingEvent) -> bool:
    """Whether a program changes a gradient itself without clearing it: ``p.grad.clamp_(-1, 1)``."""
    match event.event, event.given:
        case Event.WRITTEN, (Constant(str() as name),):
            return name in _LIMITING
        case _:
            return False


def only_limits(run: Run, event: TrainingEvent) -> bool:
    """Whether a gradient is changed without being used, or is read for that, or to be shown."""
    if event.event is Event.WRITTEN:
        return limits(event)
    if _is_shown(run, event):
        return True
    later = (one for one in run.round_of(event) if run.place(one) > run.place(event))
    return limits(next((one for one in later if one.event is not Event.READ), event))


def _is_shown(run: Run, read: TrainingEvent) -> bool:
    """Whether a gradient is read in the arguments of a call that shows it: nodes are numbered from the outside inwards."""
    return any(
        event.event is Event.HANDED_OVER
        and event.site.path == read.site.path
        and event.site.at < read.site.at
        and run.place(event) > run.place(read)
        and only_shows(event)
        for event in run.round_of(read)
    )


def is_of_an_optimizer(evidence: Evidence, clearing: TrainingEvent) -> bool:
    """Whether gradients are those of an optimizer: it clears them, is called one, or is built over the module that does."""
    match clearing.subject:
        case Parameters() as parameters:
            built = evidence.events_of(Event.BUILT)
            return any(_holds_some_of(event, clearing, parameters) for event in built) or any(
                held.members & parameters.members for held in _held_by_others(evidence)
            )
        case Unknown(key=("call", _), parent=Unknown() as function):
            return is_optimizer(clearing.subject) or "optim" in called(function).lower()
        case Unknown() as module if any(_holds(event.subject, module) for event in evidence.events_of(Event.BUILT)):
            return True
        case _:
            return is_optimizer(clearing.subject)


def _holds(optimizer: Value, module: Unknown) -> bool:
    """Whether an optimizer is built over a module that is not followed."""
    held = held_by(optimizer)
    return held is not None and module in held.members


def _happens_with(evidence: Evidence, clearing: TrainingEvent, backward: TrainingEvent) -> bool:
    """Whether the gradients are cleared whenever some are computed, whichever optimizer an option has chosen."""
    return set(clearing.guards) <= {*backward.guards, *guards_of_choice(evidence, clearing)}


def cleared_for_others(evidence: Evidence, run: Run, backward: TrainingEvent) -> TrainingEvent | None:
    """What clears the gradients of one of several optimizers, which alone never steps.

    What it holds comes before what another one trains with this loss, or has a term of the loss for itself: behind what is
    trained may stand a judge that is not to learn.
    """
    others = [step for step in evidence.stepped if not is_schedule(step)]
    if not others or not all(isinstance(one, Optimizer) for one in others):
        return None
    if evidence.events_of(Event.READ, Event.WRITTEN, Event.LEFT_OUT, Event.CUT_SHORT):
        return None
    for event in run.round_of(backward):
        optimizer = event.subject
        if event.event is not Event.CLEARED or not isinstance(optimizer, Optimizer) or not always_with(event, backward):
            continue
        if any(hands_over(other, optimizer) for other in evidence.events) or any(
            may_concern(one, optimizer) for one in others
        ):
            continue
        if certainly_reaches(evidence, backward.subject, optimizer) and (
            _has_a_term(evidence, backward.subject, optimizer)
            or any(
                _comes_before(evidence, backward.subject, optimizer, one)
                for one in others
                if isinstance(one, Optimizer)
            )
        ):
            return event
    return None


def _has_a_term(evidence: Evidence, loss: Value, optimizer: Optimizer) -> bool:
    """Whether a term of a loss trains only what an optimizer holds."""
    for use in evidence.uses:
        if isinstance(use.result, Tensor) and use.result is not loss and depends_on(evidence, loss, use.result):
            term = behind(evidence, use.result)
            alone = term.complete and not term.sites and not term.weights
            weights = {layer for layer in term.layers if layer.has_weights}
            if alone and weights and weights <= optimizer.held.members:
                return True
    return False


def _comes_before(evidence: Evidence, loss: Value, optimizer: Optimizer, other: Optimizer) -> bool:
    """Whether a loss goes through a layer of one optimizer into one of another."""
    uses = (use for use in evidence.uses if isinstance(use.result, Tensor) and depends_on(evidence, loss, use.result))
    return any(
        before.attached and before.origin.layer in optimizer.held.members
        for use in uses
        for part in ancestors(prediction(use))
        if part.attached and part.origin.layer in other.held.members
        for before in ancestors(*part.inputs)
    )


def _has_steps(evidence: Evidence, run: Run, backward: TrainingEvent, clearing: TrainingEvent) -> bool:
    """Whether any step of the program uses the same parameters, or others that the loss may give gradients to."""
    apart = {
        step for one in evidence.runs for step in one.of(Event.STEPPED) if _is_of_another_loss(one, step, backward)
    }
    steps = {
        step.subject
        for step in evidence.events_of(Event.STEPPED)
        if step not in apart and not is_schedule(step.subject) and not _is_of_another_choice(run, step, backward)
    }
    if any(may_concern(one, clearing.subject) for one in steps):
        return True
    return any(may_reach(evidence, backward.subject, one) for one in steps - _never_using(run, backward))


def _never_using(run: Run, backward: TrainingEvent) -> set[Value]:
    """Optimizers that clear what ``backward()`` gives them before they step again."""
    after = [neighbour.event for neighbour in run.after(backward)]
    cleared: dict[Value, bool] = {}
    for number, step in enumerate(after):
        if step.event is Event.STEPPED and isinstance(step.subject, Optimizer):
            before = any(
                one.event is Event.CLEARED and concerns_all_of(one.subject, step.subject) and always_with(one, step)
                for one in after[:number]
            )
            cleared.setdefault(step.subject, before)
    return {optimizer for optimizer, before in cleared.items() if before}


def _is_of_another_loss(run: Run, step: TrainingEvent, backward: TrainingEvent) -> bool:
    """Whether a step stands in another loop, each round of which clears the gradients before it computes some of its own."""
    if not step.rounds or any(one in backward.rounds for one in step.rounds[-1:]):
        return False
    around = run.round_of(step)
    return backward not in around and any(
        event.event is Event.CLEARED
        and concerns_all_of(event.subject, step.subject)
        and always_with(event, step)
        and run.place(event) < run.place(step)
        for event in around
    )


def _is_of_another_choice(run: Run, step: TrainingEvent, backward: TrainingEvent) -> bool:
    """Whether an option decides that a step is not taken where this loss is differentiated, as in mixed precision alone."""
    return (
        run.has(step)
        and backward.rounds[0] in step.rounds
        and not together(step, backward)
        and run.chose_between(step, backward, backward.rounds[0].loop)
    )


def trains_apart(evidence: Evidence, run: Run, event: TrainingEvent, optimizer: Value) -> bool:
    """Whether a call may do a part of a step, and not only compute the loss that is differentiated."""
    return may_train(event, optimizer) and not only_computes_a_loss(evidence, run, event)


def only_computes_a_loss(evidence: Evidence, run: Run, event: TrainingEvent) -> bool:
    """Whether a call is that of a model's own method, and gives what a loss is computed from that is differentiated."""
    match event.subject:
        case Unknown(key=str(), parent=Unknown() as model) as method if event.event is Event.HANDED_OVER:
            result = method.child(("call", event.site))
            return (
                not _CHANGING.search(called(method))
                and model not in event.given[:-1]
                and any(depends_on(evidence, one.subject, result) for one in run.of(Event.DIFFERENTIATED))
            )
        case _:
            return False


_CHANGING = re.compile(
    r"train|fit|learn|updat|optim|step|zero|clear|reset|grad|backward|start|begin|prepare|hook", re.I
)
"""What the names of methods have in them that may do more to a model than to apply it."""
