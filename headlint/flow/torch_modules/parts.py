"""The parts of PyTorch modules, once everything was run: which layers their parameters, device and checkpoint include."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from headlint.flow.machine.parts import possible_items, things_of
from headlint.flow.python import attributes, items, iteration
from headlint.flow.torch_modules.written import is_own
from headlint.flow.values.facts import PartsKept
from headlint.flow.values.library_values import MODULES, Backbone, Container, Layer
from headlint.flow.values.modules import ModuleUnit
from headlint.flow.values.python_values import (
    ClassValue,
    DictValue,
    FunctionValue,
    HeapObject,
    Instance,
    ListValue,
    Site,
    TupleValue,
    Unknown,
    Value,
)
from headlint.flow.values.tensor_values import Tensor
from headlint.frameworks import registry, torch
from headlint.syntax import ir

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

Collection = ListValue | DictValue | TupleValue

OWN_BOOKKEEPING = (
    *("parameters", "named_parameters", "state_dict", "_apply", "to", "cuda", "train", "named_modules", "modules"),
    *("__setattr__", "__getattr__"),
)
"""Methods by which a module keeps account of its parts in its own way."""

DEEPEST_PART = 6
"""Modules within modules that are looked into for parameters."""


def note(machine: Machine, unit: ModuleUnit) -> None:
    """Note what the modules of a file keep in plain collections."""
    modules = [instance for instance in machine.instances if is_module(instance)]
    found: dict[Site, list[_Kept]] = {}
    for instance in modules:
        if instance.whole and not instance.cls.opaque and not machine.muted:
            for kept in _kept(machine, instance):
                if kept.site.path == unit.path and not _keeps_account(machine, instance, kept.attribute):
                    found.setdefault(kept.site, []).append(kept)
    if not found:
        return
    elsewhere = machine.parts.registered | machine.parts.by_hand | machine.parts.handed_on
    for instance in modules:
        elsewhere.update(_parts(machine, (machine.read(instance, name) for name in list(instance.slots))))
    for site, all_kept in found.items():
        kept = all_kept[0]
        machine.facts.append(
            PartsKept(
                site=site,
                module=kept.module.cls.name,
                attribute=kept.attribute,
                holder={ListValue: "list", DictValue: "dict", TupleValue: "tuple"}[type(kept.collection)],
                member=class_of(kept.layer),
                registered=any(
                    one.module in machine.parts.filled or any(thing in elsewhere for thing in one.things)
                    for one in all_kept
                ),
                plain=_is_plain(machine, kept.collection),
                only_drops=is_dropout(kept.layer),
            )
        )


class _Kept(Struct, frozen=True):
    """A collection of a module, with all that is in it and one of its layers."""

    site: Site
    module: Instance
    attribute: str
    collection: Collection
    things: tuple[Value, ...]
    layer: HeapObject


def is_module(instance: Instance) -> bool:
    """Whether an object is a PyTorch module."""
    return instance.cls.framework_base() in torch.MODULE_BASES


def has_weights(machine: Machine, value: Value, since: int = 0) -> bool:
    """Whether something is a layer or a module that is seen to have weights which were born after a moment."""
    match value:
        case Layer():
            return value.born > since and value.has_weights and not _has_fixed_weights(machine, value)
        case Container():
            return any(has_weights(machine, member, since) for member in _contained(machine, value))
        case Instance() if is_module(value):
            return any(
                has_weights(machine, part, since)
                for part in _own(machine, value)
                if isinstance(part, MODULES) and part.born > (since or value.born)
            )
        case Instance():
            kind = registry.LAYERS.get(value.cls.framework_base())
            return kind is not None and kind.framework == "torch" and kind.has_weights and value.born > since
        case _:
            return False


def _contained(machine: Machine, container: Container) -> Iterator[HeapObject]:
    """Every member that a container may have, on whatever path."""
    for item in possible_items(machine.state, container):
        yield from things_of(item)


def _has_fixed_weights(machine: Machine, layer: Layer) -> bool:
    """Whether a program has put weights into a layer that nothing is to train: ``Parameter(filter, requires_grad=False)``."""
    weight = machine.read(layer, "weight")
    return isinstance(weight, Tensor) and weight.origin.note == torch.FROZEN and "bias" not in layer.slots


def _own(machine: Machine, module: Instance) -> Iterator[Value]:
    """What a module keeps under its attributes, and what one that is a container itself holds."""
    for name in (*module.sites, items.CONTAINER_SLOT):
        value = machine.read(module, name)
        if value is not None:
            yield value


def is_dummy(name: str) -> bool:
    """Whether an attribute says by its name that what it holds is not there to learn."""
    return "dummy" in name


def is_dropout(value: Value) -> bool:
    """Whether something is a layer that drops values in training mode."""
    return isinstance(value, Layer) and "Dropout" in value.kind.name and value.constant("p") not in (0, 0.0)


def has_parameters(machine: Machine, value: Value, depth: int = DEEPEST_PART) -> bool:
    """Whether something is a module with parameters that it makes itself, or has such a module as a part."""
    match value:
        case Instance() if is_module(value) and depth > 0:
            return any(
                (isinstance(part, Tensor) and part.origin.name == torch.PARAMETER and part.origin.note != torch.FROZEN)
                or (
                    isinstance(part, Container | Instance)
                    and part.born > value.born
                    and has_parameters(machine, part, depth - 1)
                )
                or (isinstance(part, Collection) and _holds_weights(machine, part, value.born))
                for part in _own(machine, value)
            )
        case Container() if depth > 0:
            return any(has_parameters(machine, part, depth - 1) for part in _contained(machine, value))
        case _:
            return False


def _holds_weights(machine: Machine, value: Collection, since: int) -> bool:
    """Whether a collection, in which nothing is registered either, holds a layer with weights."""
    return any(has_weights(machine, one, since) for one in _members(machine, value))


def held_by(machine: Machine, holder: HeapObject) -> Iterator[HeapObject]:
    """What an object's attributes or a module's variables hold, also in containers and collections."""
    for name in list(holder.slots):
        value = machine.read(holder, name)
        if value is not None:
            yield from held_in(machine, value)


def held_in(machine: Machine, value: Value) -> Iterator[HeapObject]:
    """What a value is, on any path, and what containers and collections in it hold."""
    for thing in (*things_of(value), *_parts(machine, (value,))):
        yield thing
        if isinstance(thing, Collection):
            yield from _members(machine, thing)


def _parts(machine: Machine, values: Iterable[Value | None]) -> Iterator[HeapObject]:
    """The layers and modules that a module takes for its parts when they are assigned to it, and theirs."""
    for value in values:
        for thing in things_of(value) if value is not None and not isinstance(value, TupleValue) else ():
            if isinstance(thing, (*MODULES, Backbone)):
                yield thing
            if isinstance(thing, Container):
                yield from _parts(machine, possible_items(machine.state, thing))


def _keeps_account(machine: Machine, instance: Instance, attribute: str) -> bool:
    """Whether a module has a say of its own in what its parts are, or gives optimizers more than its parameters."""
    if any(attributes.find_in_class(machine, instance.cls, name) is not None for name in OWN_BOOKKEEPING):
        return True
    if any("exec" in ir.names_in(one.definition) for one in instance.cls.ancestors() if isinstance(one, ClassValue)):
        return True  # parts may be assigned in a text
    match attributes.find_in_class(machine, instance.cls, "configure_optimizers"):
        case None:
            return False
        case FunctionValue(definition=definition), _:
            return not _asks_only_for_parameters(definition.body, attribute)
        case _:
            return True


def _asks_only_for_parameters(body: object, attribute: str) -> bool:
    """Whether optimizers are given what ``parameters()`` of the whole module gives, and no collection beside it."""
    asked = set(_own_names(ir.walk(body)))
    called = set(_own_names(node.function for node in ir.walk(body) if isinstance(node, ir.Call)))
    return "parameters" in called and called <= {"parameters", "log"} and attribute not in asked


def _own_names(nodes: Iterable[object]) -> Iterator[str]:
    """The names of those nodes that are attributes of ``self``."""
    return (node.name for node in nodes if isinstance(node, ir.Attribute) and is_own(node, node.name))


def _kept(machine: Machine, instance: Instance) -> Iterator[_Kept]:
    """The collections of a module with layers that have weights and that it built itself, or that drop values."""
    for name, last in instance.sites.items():
        for option in machine.state.alternatives(machine.read(instance, name) or Unknown()):
            value = option.value
            if not isinstance(value, Collection) or _is_hidden(value):
                continue
            things = tuple(_members(machine, value))
            layers = (
                thing
                for thing in things
                if thing.born > instance.born
                and (has_weights(machine, thing, instance.born) or has_parameters(machine, thing))
            )
            layer = next(layers, None) or next(filter(is_dropout, things), None)
            if layer is not None:
                site = last if isinstance(value, TupleValue) else machine.parts.assigned.get(value, last)
                yield _Kept(site, instance, name, value, (value, *things), layer)


def _is_hidden(value: Collection) -> bool:
    """Whether it is written with a single item: a known way to keep a module from being a part of another."""
    match value:
        case ListValue():
            return len(value.items) == 1 and not value.approximate and bool(value.sites)
        case TupleValue(items):
            return len(items) == 1
        case _:
            return False


def _items(machine: Machine, value: Collection) -> tuple[Value, ...]:
    match value:
        case ListValue():
            return possible_items(machine.state, value)
        case DictValue():
            return (*(entry for _, entry in iteration.entries(machine, value)), *value.others)
        case TupleValue(items):
            return items


def _members(machine: Machine, value: Collection, depth: int = 3) -> Iterator[HeapObject]:
    """The things that a collection holds, and those that collections in it hold."""
    for item in _items(machine, value):
        for option in machine.state.alternatives(item):
            if isinstance(option.value, Collection):
                yield from _members(machine, option.value, depth - 1) if depth else ()
            elif isinstance(option.value, HeapObject):
                yield option.value


def _is_plain(machine: Machine, value: Collection) -> bool:
    texts = not isinstance(value, DictValue) or all(isinstance(key, str) for key in value.slots)
    return texts and all(isinstance(item, MODULES) for item in _items(machine, value))


def class_of(thing: HeapObject) -> str:
    """The name of a layer's, a module's or a container's class."""
    match thing:
        case Layer():
            return thing.kind.short_name
        case Instance():
            return thing.cls.name
        case _:
            return "Sequential"
