"""Layers that a module builds in its ``forward``, so that each call has new ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from headlint.flow.machine.parts import Made, possible_items
from headlint.flow.torch_modules.parts import class_of, has_weights, held_by, is_module
from headlint.flow.values.facts import BuiltInForward
from headlint.flow.values.library_values import Container, Layer
from headlint.flow.values.modules import ModuleUnit
from headlint.flow.values.python_values import Constant, HeapObject, Instance
from headlint.syntax import ir

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine


def note(machine: Machine, unit: ModuleUnit) -> None:
    """Note the layers that a ``forward`` of a file builds and calls."""
    made = {thing: one for thing, one in machine.parts.made_in_forward.items() if thing in machine.parts.applied}
    if not made:
        return
    kept = _kept(machine)
    kept_at = {
        one.site
        for thing, one in made.items()
        if one.conditional and (thing in kept or thing in machine.parts.in_place_of)
    }
    inside = {member for thing in made if isinstance(thing, Container) for member in _members(machine, thing)}
    builds_a_graph = _builds_a_graph(unit)
    for thing, one in made.items():
        if one.site.path != unit.path or not _is_layer_or_module(one.forward) or _is_handled(machine, thing):
            continue
        if one.site in kept_at:
            continue  # what is kept under a condition takes the place of the one before
        if builds_a_graph and not is_module(one.forward):
            continue
        holders = kept.get(thing, set())
        if _is_dropout(thing) and not holders and not one.by_mode:
            machine.facts.append(_fact(thing, one, drops=True))
        elif thing not in inside and not one.without_gradient and _is_new_each_time(one, holders):
            if has_weights(machine, thing, one.since):
                machine.facts.append(_fact(thing, one, drops=False))


def _fact(thing: HeapObject, made: Made, drops: bool) -> BuiltInForward:
    return BuiltInForward(
        site=made.site,
        guards=made.guards,
        module=made.forward.cls.name,
        layer=class_of(thing),
        framework="torch" if is_module(made.forward) else "keras",
        drops=drops,
    )


def _kept(machine: Machine) -> dict[HeapObject, set[HeapObject]]:
    """What objects and modules' variables hold, with the objects that hold it."""
    kept: dict[HeapObject, set[HeapObject]] = {}
    scopes = [unit.scope for unit in machine.units.values() if unit is not None]
    for holder in (*machine.instances, *scopes):
        for thing in held_by(machine, holder):
            kept.setdefault(thing, set()).add(holder)
    return kept


def _builds_a_graph(unit: ModuleUnit) -> bool:
    """Whether a file runs ``model.call(inputs)`` by its name: once, to build the graph of a session, as no framework does."""
    return "call" in ir.attributes_in(unit.body) and any(
        isinstance(node, ir.Call)
        and isinstance(node.function, ir.Attribute)
        and node.function.name == "call"
        and isinstance(node.function.owner, ir.Name)
        and node.function.owner.name != "self"
        for node in ir.walk(unit.body)
    )


def _members(machine: Machine, container: Container) -> Iterator[HeapObject]:
    for member in possible_items(machine.state, container):
        if isinstance(member, HeapObject):
            yield member


def _is_layer_or_module(instance: Instance) -> bool:
    base = instance.cls.framework_base()
    return is_module(instance) or base.startswith("keras.layers.") or base in ("keras.Model", "keras.Sequential")


def _is_handled(machine: Machine, thing: HeapObject) -> bool:
    """Whether the program sets the weights or the mode of the layer itself, or hands it to something unknown."""
    parts = machine.parts
    if isinstance(thing, Layer) and ("weight" in thing.slots or "bias" in thing.slots):
        return True
    return thing in parts.by_hand or thing in parts.weights_touched or thing in parts.handed_on


def _is_new_each_time(made: Made, holders: set[HeapObject]) -> bool:
    """Whether it is built anew at each call: what is kept may be built at the first one only."""
    return not holders or (holders == {made.forward} and not made.conditional)


def _is_dropout(thing: HeapObject) -> bool:
    return (
        isinstance(thing, Layer)
        and thing.kind.framework == "torch"
        and thing.kind.effect == "dropout"
        and thing.arguments.get("p") not in (Constant(0), Constant(0.0))
    )
