"""HL510: layers that a loss trains, and that no optimizer holds."""

from __future__ import annotations

from collections.abc import Iterator

from headlint.checks.diagnostic import Diagnostic, DiagnosticStep
from headlint.checks.evidence import Evidence
from headlint.checks.modules import unregistered_layers
from headlint.checks.tensors import ancestors, prediction
from headlint.checks.training.held import optimizer_misses_parameters
from headlint.checks.training.holding import covers, only_shows
from headlint.checks.training.order import Run, together
from headlint.checks.training.reach import behind, depends_on, may_be_module
from headlint.checks.training.strangers import step_of_a_stranger
from headlint.flow.values.facts import Event, TrainingEvent
from headlint.flow.values.library_values import Layer
from headlint.flow.values.python_values import Instance, Unknown, Value
from headlint.flow.values.tensor_values import Tensor
from headlint.flow.values.training_values import TRAINABLE_SLOT, OneParameter, Optimizer, Parameters, Trainable
from headlint.frameworks.torch import FROZEN


def layer_left_out(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL510."""
    if not _known_throughout(evidence) or any(_others(evidence)):
        return
    reported: set[Value] = set()
    held = {member for optimizer in evidence.optimizers for member in optimizer.held.members}
    for run in evidence.runs:
        for backward in run.of(Event.DIFFERENTIATED) if run.whole else ():
            optimizers = [step.subject for step in _steps_behind(run, backward) if isinstance(step.subject, Optimizer)]
            youngest = max(optimizers, key=lambda one: one.born, default=None)
            if youngest is None or youngest in reported:
                continue
            left_out = [
                layer
                for layer in _to_be_trained(evidence, backward.subject, optimizers, held)
                if layer not in held | reported and layer.born < youngest.born and _is_fresh(evidence, layer, held)
            ]
            if not left_out:
                continue
            reported |= {youngest, *left_out}
            first = min(left_out, key=lambda layer: layer.born)
            yield Diagnostic(
                "HL510",
                youngest.site,
                f"The loss also depends on this {first.kind.short_name}, whose weights no optimizer holds and nothing loads: it "
                "stays as it was initialised.",
                "Give the optimizer these parameters too; where the layer is meant to stay, set requires_grad to False.",
                False,
                (
                    DiagnosticStep(first.site, "has random weights", "event"),
                    DiagnosticStep(youngest.site, "takes the parameters of others", "event"),
                    DiagnosticStep(backward.site, "computes gradients of both", "event"),
                ),
                subject=youngest,
            )


def weight_of_a_loss_left_out(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL510, of parameters that a module of the program makes itself, as losses with weights of their own do."""
    if not _known_throughout(evidence) or any(_others(evidence)):
        return
    held = {member for optimizer in evidence.optimizers for member in optimizer.held.members}
    reported: set[Value] = set()
    for run in evidence.runs:
        for backward in run.of(Event.DIFFERENTIATED) if run.whole else ():
            step = next(_steps_behind(run, backward), None)
            if step is None or not isinstance(step.subject, Optimizer):
                continue
            for applied in run.round_of(backward):
                module = applied.subject
                if applied.event is not Event.APPLIED or not isinstance(module, Instance) or module in reported:
                    continue
                weight = _trained_weight(evidence, backward.subject, module)
                if weight is None or weight in held or _holds_a_part(held, module):
                    continue
                reported.add(module)
                yield Diagnostic(
                    "HL510",
                    step.subject.site,
                    f"The loss also depends on a parameter of {module.cls.name}, which no optimizer holds: it stays as it was "
                    "initialised.",
                    "Give the optimizer the parameters of this module too.",
                    False,
                    (
                        DiagnosticStep(weight.origin.site or applied.site, "is a parameter", "event"),
                        DiagnosticStep(step.subject.site, "takes the parameters of others", "event"),
                        DiagnosticStep(backward.site, "computes gradients of both", "event"),
                    ),
                    subject=step.subject,
                )


def _trained_weight(evidence: Evidence, loss: Value, module: Instance) -> Tensor | None:
    """A parameter that a module made and gives the loss, unless it is frozen or loaded."""
    if module.slots.get(TRAINABLE_SLOT, Trainable(True)) != Trainable(True) or any(
        covers(event.subject, module) for event in evidence.events_of(Event.RESTORED, Event.USED_BY_HAND)
    ):
        return None
    if any(covers(value, module) for value in _handed_over(evidence)):
        return None
    weights = behind(evidence, loss).weights
    own = (value for value in module.slots.values() if isinstance(value, Tensor) and value.origin.note != FROZEN)
    return next((value for value in own if value in weights), None)


def _holds_a_part(held: set[Value], module: Instance) -> bool:
    """Whether an optimizer holds anything of a module: what it leaves out of the rest may be left out on purpose."""
    return any(covers(module, member) or member is module for member in held)


def _to_be_trained(evidence: Evidence, loss: Value, optimizers: list[Optimizer], held: set[Value]) -> Iterator[Layer]:
    """The layers behind a loss that nothing but training makes useful: none that may be a teacher."""
    uses = [use for use in evidence.uses if isinstance(use.result, Tensor) and depends_on(evidence, loss, use.result)]
    computed = [*map(prediction, uses), *([loss] if isinstance(loss, Tensor) else [])]
    for optimizer in optimizers:
        yield from _in_line_with(computed, optimizer)
    for use in uses:
        assert isinstance(use.result, Tensor)
        term = behind(evidence, use.result)
        if term.complete and not term.sites and not term.weights and held.isdisjoint(term.layers):
            yield from term.layers  # nothing that an optimizer holds gets a gradient from this term


def _in_line_with(computed: list[Tensor], optimizer: Optimizer) -> set[Layer]:
    """The layers that come before or behind one that an optimizer holds; a teacher stands beside it."""
    outputs = [part for part in ancestors(*computed) if part.attached and part.origin.layer is not None]
    found: set[Layer] = set()
    for output in outputs:
        before = {
            part.origin.layer for part in ancestors(*output.inputs) if part.attached and part.origin.layer is not None
        }
        if output.origin.layer in optimizer.held.members:
            found |= before
        elif before & optimizer.held.members and output.origin.layer is not None:
            found.add(output.origin.layer)
    return found


def _others(evidence: Evidence) -> Iterator[Diagnostic]:
    """What says more sharply that an optimizer holds the wrong parameters, or why a layer is none of its model's."""
    yield from unregistered_layers(evidence)
    yield from optimizer_misses_parameters(evidence)
    yield from step_of_a_stranger(evidence)


def _known_throughout(evidence: Evidence) -> list[Optimizer]:
    """The optimizers that step, if all of them are known with all that they hold, and nothing else may change a weight."""
    found: list[Optimizer] = []
    for event in evidence.events:
        match event.event, event.subject:
            case Event.STEPPED, Optimizer() as optimizer if optimizer.held.complete and not event.given:
                found.append(optimizer)
            case ((Event.STEPPED | Event.READ | Event.WRITTEN | Event.CUT_SHORT | Event.LEFT_OUT), _):
                return []
            case Event.HANDED_OVER, _ if any(
                isinstance(value, Parameters | OneParameter | Optimizer) for value in event.given
            ):
                return []
    if any(
        isinstance(member, Unknown) and may_be_module(member)
        for optimizer in found
        for member in optimizer.held.members
    ):
        return []
    return found


def _steps_behind(run: Run, backward: TrainingEvent) -> Iterator[TrainingEvent]:
    """The steps that follow ``backward()`` in its round, and use its gradients: before another loss is differentiated."""
    if backward.by is not None or not backward.rounds:
        return
    found = False
    for one in run.after(backward):
        if one.in_other_round or (found and one.event.event is Event.DIFFERENTIATED):
            return
        if one.event.event is Event.STEPPED and together(one.event, backward):
            found = True
            yield one.event


def _is_fresh(evidence: Evidence, layer: Layer, held: set[Value]) -> bool:
    """Whether a layer has the weights that it was built with: nothing loads, sets, freezes or hands them on."""
    if not layer.has_weights or {"weight", "bias"} & layer.slots.keys():
        return False
    if layer.slots.get(TRAINABLE_SLOT, Trainable(True)) != Trainable(True):
        return False
    if any(_restores_what_stays(evidence, event, layer, held) for event in evidence.events_of(Event.RESTORED)):
        return False
    by_hand = (event.subject for event in evidence.events_of(Event.USED_BY_HAND))
    return not any(covers(value, layer) for value in (*by_hand, *_handed_over(evidence)))


def _handed_over(evidence: Evidence) -> Iterator[Value]:
    """What calls get that are not followed, and may change it."""
    for event in evidence.events_of(Event.HANDED_OVER):
        if not only_shows(event):
            yield from event.given


def _restores_what_stays(evidence: Evidence, restored: TrainingEvent, layer: Layer, held: set[Value]) -> bool:
    """Whether saved weights of a layer are loaded that may be meant to stay.

    They are not where a program only goes on: it loads, in some runs, this module with several that are all trained.
    """
    if not covers(restored.subject, layer):
        return False
    others = [
        event.subject
        for event in evidence.events_of(Event.RESTORED)
        if event.guards == restored.guards and not covers(event.subject, layer)
    ]
    trained = all(any(covers(other, member) for member in held) for other in others)
    return not (restored.guards and len(set(others)) >= LEAST_RESUMED and trained)


LEAST_RESUMED = 2
"""Other networks that are trained and loaded together with one, from which on it is taken for one of them."""

RULES = (layer_left_out, weight_of_a_loss_left_out)
