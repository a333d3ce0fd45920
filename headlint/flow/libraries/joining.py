"""A model and a loss that are not seen to meet: handed on together, or all that a file sets up."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from headlint.flow.layers import losses
from headlint.flow.libraries import trainers
from headlint.flow.machine.parts import things_of
from headlint.flow.machine.set_up import Pair
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.conditions import Choice
from headlint.flow.values.facts import Event, LayerBuilt, LossUse, TrainingEvent
from headlint.flow.values.library_values import Backbone, Container, Layer, Loss, Model
from headlint.flow.values.modules import ModuleUnit
from headlint.flow.values.python_values import Constant, FrameworkName, HeapObject, Instance, Site, Unknown, Value
from headlint.frameworks import registry
from headlint.syntax import ir

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

_CHANGING = ("transform", "activation", "post", "adapter", "process", "teacher")
"""An argument with such a word in its name may change what the model gives before the loss takes it."""

_MODULES = ("torch.nn.Module", "keras.Model", "pytorch_lightning.LightningModule")


def note(machine: Machine, arguments: Arguments, at: int) -> None:
    """Something that cannot be read is called: if it is given one model and one loss, it will join them."""
    if not arguments.complete or any(word in name for name in arguments.named for word in _CHANGING):
        return
    given: list[tuple[int | str, Value]] = [*enumerate(arguments.positional), *arguments.named.items()]
    values = [(key, machine.state.narrow(value)) for key, value in given]
    models = [value for _, value in values if _is_module(value)]
    taken = [(key, value) for key, value in values if _is_loss(machine, value)]
    if len(models) == 1 and len(taken) == 1 and _is_model(machine, models[0]):
        key, loss = taken[0]
        call = machine.site(at)
        pair = Pair(models[0], loss, arguments.sites.get(key, call), call, machine.state.path)
        machine.set_up.pairs.append(pair)
    elif bool(models) != bool(taken):
        for _, value in values:
            if isinstance(value, Unknown):
                machine.note_open(value)  # callers in other files may hand on the one that is missing


def _is_loss(machine: Machine, value: Value) -> bool:
    return not isinstance(value, Constant) and losses.named(machine, value) is not None


def _is_module(value: Value) -> bool:
    """Whether a value is a module of any kind: a model, a part of one, or a loss of the program's own."""
    match value:
        case Instance():
            base = value.cls.framework_base()
            return base in _MODULES or (base in registry.CONTAINERS and base not in registry.LOSSES)
        case Container() | Backbone() | Model():
            return True
        case Choice(options):
            return any(_is_module(option.value) for option in options)
        case _:
            return False


def _is_model(machine: Machine, value: Value) -> bool:
    """Whether a module takes a batch: a loss of the program's own takes two things, and a list of modules none."""
    match value:
        case Instance():
            return value.cls.framework_base() in registry.CONTAINERS or _takes_a_batch(machine, value)
        case Container(kind=kind):
            return kind == "sequential"
        case Choice(options):
            return all(_is_module(option.value) and _is_model(machine, option.value) for option in options)
        case _:
            return True


def _takes_a_batch(machine: Machine, instance: Instance) -> bool:
    for name in ("forward", "call"):
        found = machine.method(instance, name)
        definition = getattr(getattr(found, "function", None), "definition", None)
        if isinstance(definition, ir.FunctionDefinition):
            needed = [one for one in definition.parameters if one.kind == "positional" and one.default is None]
            return len(needed) == 2
    return False


def finish(machine: Machine, unit: ModuleUnit) -> None:
    """Join what was not seen to meet, now that the whole file was read."""
    pairs = machine.set_up.pairs
    if not pairs and not any(isinstance(fact, LossUse) for fact in machine.facts):
        _join_all_there_is(machine, unit)
    for pair in pairs:
        if not _is_used(machine, pair.loss):
            machine.on_path(pair.guards, partial(_join, machine, pair.model, pair.loss, pair.site, pair.call.at))


def _join(machine: Machine, model: Value, loss: Value, site: Site, at: int) -> None:
    """Give the loss what the model gives; in which mode the program itself calls the model is not known."""
    before = len(machine.facts)
    machine.with_share(partial(trainers.join, machine, model, loss, site, at, certain=False))
    joined = machine.facts[before:]
    machine.facts[before:] = [
        fact for fact in joined if not (isinstance(fact, TrainingEvent) and fact.event is Event.APPLIED)
    ]


def _is_used(machine: Machine, loss: Value) -> bool:
    """Whether the program shows itself what the loss takes."""
    uses = [fact for fact in machine.facts if isinstance(fact, LossUse)]
    match loss:
        case Loss(site=site):
            return any(use.loss_site == site for use in uses)
        case FrameworkName(path):
            return any(use.loss.name == path for use in uses)
        case _:
            return False


def _join_all_there_is(machine: Machine, unit: ModuleUnit) -> None:
    """One model, one loss and an optimizer over the model, and no use of any of them."""
    here = [loss for loss in machine.set_up.losses if loss.site.path == unit.path]
    held = {owner for optimizer in machine.set_up.optimizers for owner in optimizer.held.owners}
    if len({loss.site for loss in here}) != 1 or len(held) != 1:
        return
    (model,) = held
    if not isinstance(model, HeapObject) or not _is_module(model) or not _is_model(machine, model):
        return
    if model not in machine.parts.applied and not _is_there_another(machine, unit, model):
        _join(machine, model, here[-1], here[-1].site, here[-1].site.at)


def _is_there_another(machine: Machine, unit: ModuleUnit, model: HeapObject) -> bool:
    """Whether the file builds a module or a layer that is no part of the model."""
    inside = {_built_at(part) for part in _parts_of(machine, model)}
    built: list[HeapObject] = [*machine.instances, *machine.sequences]
    built += [fact.layer for fact in machine.facts if isinstance(fact, LayerBuilt)]
    sites = {_built_at(thing) for thing in built if isinstance(thing, Layer) or _is_module(thing)}
    return any(site is not None and site.path == unit.path and site not in inside for site in sites)


def _built_at(thing: HeapObject) -> Site | None:
    match thing:
        case Instance(cls=cls, made_at=site) if site == Site(cls.unit.path, cls.definition.at):
            return None  # nothing in the program builds it
        case Instance(made_at=site) | Layer(site=site) | Container(site=site):
            return site
        case _:
            return None


def _parts_of(machine: Machine, module: HeapObject) -> set[HeapObject]:
    found: set[HeapObject] = set()
    stack = [module]
    while stack:
        thing = stack.pop()
        if thing not in found:
            found.add(thing)
            values = (machine.read(thing, key) for key in list(thing.slots))
            stack.extend(part for value in values if value is not None for part in things_of(value))
    return found
