"""Layers that never learn, because the ``forward`` around them cuts the gradient behind them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from headlint.flow.machine.parts import possible_items, tensors_of, things_of
from headlint.flow.python import iteration
from headlint.flow.torch_modules.parts import is_module
from headlint.flow.values.conditions import Choice
from headlint.flow.values.facts import (
    Backward,
    Event,
    ForwardDone,
    GradientCut,
    LayerApplied,
    LossUse,
    TrainingEvent,
)
from headlint.flow.values.library_values import MODULES, Container, Layer
from headlint.flow.values.modules import ModuleUnit
from headlint.flow.values.python_values import DictValue, HeapObject, Instance, ListValue, Site, Unknown, Value
from headlint.flow.values.tensor_values import Tensor

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

_CUTS = frozenset({"detach", "new tensor", "leaf"})
_BLOCK = "no_grad"
"""A block around some of the layers is put there on purpose: whether they are frozen too is said where they are trained."""


def note(machine: Machine, unit: ModuleUnit) -> None:
    """Note where modules cut the gradient between their layers: those of a file, and those that it trains."""
    forwards = [fact for fact in machine.facts if isinstance(fact, ForwardDone)]
    if not forwards or machine.overwhelmed or machine.cut_short:
        return
    graph = _Graph([fact for fact in machine.facts if isinstance(fact, LayerApplied) and fact.layer.has_weights])
    outputs = [tensor for forward in forwards for tensor in tensors_of(forward.output)]
    if not any(graph.stops(tensor) for tensor in graph.reached(outputs, through_cuts=True)):
        return
    in_losses = graph.reached(_losses(machine))
    learning = graph.reached(_kept(machine)) | in_losses
    learners = {fact.layer for tensor in learning if (fact := graph.made(tensor)) is not None}
    trained = _trained_from_the_start(machine)
    for forward in forwards:
        if is_module(forward.module):
            for cut, behind in _cuts(machine, forward, graph, learners, trained):
                here = forward.site.path == unit.path and cut.by != _BLOCK
                if here or behind.output in in_losses:
                    machine.facts.append(cut)


class _Graph:
    """The tensors of a program, and where the gradient does not pass."""

    def __init__(self, applied: list[LayerApplied]) -> None:
        self._made = {fact.output: fact for fact in applied}
        self._states = {(fact.layer, fact.input): fact for fact in applied}

    def made(self, tensor: Tensor) -> LayerApplied | None:
        """The application of a layer that gave a tensor; the states of a recurrent one are another that it gives."""
        layer, inputs = tensor.origin.layer, tensor.inputs
        if tensor.origin.note == "state" and layer is not None and inputs:
            return self._states.get((layer, inputs[0]))
        return self._made.get(tensor)

    def stops(self, tensor: Tensor) -> bool:
        """Whether no gradient goes back from a tensor to what it was computed from."""
        fact = self.made(tensor)
        return tensor.origin.note in _CUTS or (fact is not None and fact.without_gradient)

    def reached(self, ends: Iterable[Tensor], through_cuts: bool = False) -> dict[Tensor, None]:
        """The tensors that a gradient reaches from the ends, or that the ends were computed from, the last ones first."""
        found: dict[Tensor, None] = {}
        stack = list(ends)
        while stack:
            tensor = stack.pop()
            if tensor not in found and (through_cuts or not self.stops(tensor)):
                found[tensor] = None
                stack.extend(tensor.inputs)
        return found


def _losses(machine: Machine) -> Iterator[Tensor]:
    """What losses are computed from, and what is differentiated."""
    for fact in machine.facts:
        match fact:
            case LossUse(prediction=prediction, target=target):
                yield from tensors_of(prediction)
                yield from tensors_of(target) if target is not None else ()
            case Backward(loss=loss):
                yield loss


def _kept(machine: Machine) -> Iterator[Tensor]:
    """Other tensors that a loss may be computed from, as far as is seen."""
    yield from machine.parts.spent
    scopes = [unit.scope for unit in machine.units.values() if unit is not None]
    for holder in (*machine.instances, *scopes):
        for value in list(holder.slots.values()):
            yield from tensors_of(value)


def _cuts(
    machine: Machine, forward: ForwardDone, graph: _Graph, learners: set[Layer], trained: set[Value]
) -> Iterator[tuple[GradientCut, LayerApplied]]:
    outputs = list(tensors_of(forward.output))
    if _is_partly_unknown(forward.output):
        return
    if not any(graph.stops(tensor) for tensor in graph.reached(outputs, through_cuts=True)):
        return
    live = graph.reached(outputs)
    applied = (fact for tensor in live if (fact := graph.made(tensor)) is not None)
    in_order = sorted(applied, key=lambda fact: (fact.site.path, fact.site.at))
    own = _own_layers(machine, forward.module, trained)
    ends = [(behind, [behind.input]) for behind in in_order if behind.layer in own]
    found: set[Site] = set()
    for behind, given in (*ends, *((first, outputs) for first, _ in ends[:1])):
        before = {
            cut: graph.reached((cut,), through_cuts=True)
            for cut in graph.reached(given, through_cuts=True)
            if graph.stops(cut)
        }
        lost_by = {cut: _lost(graph, reached, own, learners) for cut, reached in before.items()}
        for cut, lost in lost_by.items():
            site, by = _place(graph, cut)
            beside = given is outputs
            if site in machine.parts.cut_on_demand or (beside and (site in found or by == _BLOCK)):
                continue
            if any(lost_by.get(one) == lost for one in before[cut] if one is not cut):
                continue  # ``detach().numpy()``: what cuts first is reported
            if site is not None and lost and not any(_is_handled(machine, layer) for layer in lost):
                cut_off = GradientCut(
                    site=site,
                    guards=behind.guards,
                    module=forward.module.cls.name,
                    by=by,
                    lost=lost,
                    trained=behind.layer,
                    beside=beside,
                )
                found.add(site)
                yield cut_off, behind


def _lost(graph: _Graph, before: Iterable[Tensor], own: set[HeapObject], learners: set[Layer]) -> tuple[Layer, ...]:
    """The layers of a module that get no gradient, of those that made what stands before a cut."""
    layers = (fact.layer for tensor in before if (fact := graph.made(tensor)) is not None)
    return tuple(dict.fromkeys(layer for layer in layers if layer in own and layer not in learners))


def _place(graph: _Graph, cut: Tensor) -> tuple[Site | None, str]:
    if cut.origin.note in _CUTS:
        return cut.origin.site, cut.origin.name.rsplit(".", 1)[-1]
    fact = graph.made(cut)
    return (fact.cut_at if fact is not None else None), _BLOCK


def _own_layers(machine: Machine, module: Instance, trained: set[Value]) -> set[HeapObject]:
    """The layers that a module built itself, or was given to train, and whose training it does not steer.

    They stand alone or within modules.
    """
    own: set[HeapObject] = set()
    stack = _children(machine, module)
    while stack:
        thing = stack.pop()
        is_own = thing.born > module.born or not isinstance(thing, Layer) or thing in trained
        if is_own and thing not in own and thing not in machine.parts.by_hand:
            own.add(thing)
            stack += _children(machine, thing)
    return own


def _trained_from_the_start(machine: Machine) -> set[Value]:
    """The layers that optimizers hold in a program that loads no weights: they are to learn, whoever built them."""
    if any(isinstance(fact, TrainingEvent) and fact.event is Event.RESTORED for fact in machine.facts):
        return set()
    return {member for optimizer in machine.set_up.optimizers for member in optimizer.held.members}


def _children(machine: Machine, thing: HeapObject) -> list[HeapObject]:
    """The modules and layers that a module or a container holds, in collections as well."""
    match thing:
        case Instance() if is_module(thing):
            values = [value for name in list(thing.slots) if (value := machine.read(thing, name)) is not None]
        case Container() | ListValue():
            values = list(possible_items(machine.state, thing))
        case DictValue():
            values = [value for _, value in iteration.entries(machine, thing)]
        case _:
            return []
    kinds = (*MODULES, ListValue, DictValue)
    return [one for value in values for one in things_of(value) if isinstance(one, kinds)]


def _is_handled(machine: Machine, layer: Layer) -> bool:
    parts = machine.parts
    written = "weight" in layer.slots or "bias" in layer.slots
    return written or layer in parts.weights_touched or layer in parts.by_hand or layer in parts.handed_on


def _is_partly_unknown(value: Value) -> bool:
    match value:
        case Unknown():
            return True
        case Choice(options):
            return any(_is_partly_unknown(option.value) for option in options)
        case _:
            return False
