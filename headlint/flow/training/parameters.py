"""Which parameters belong to a module, and to what an optimizer is given."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from headlint.flow.machine.parts import possible_items
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.conditions import Choice
from headlint.flow.values.library_values import Backbone, Container, Layer, Loss, Part
from headlint.flow.values.python_values import (
    BoundMethod,
    ClassValue,
    Constant,
    DictValue,
    FrameworkMethod,
    FrameworkName,
    FunctionValue,
    Instance,
    ListValue,
    TupleValue,
    Unknown,
    Value,
)
from headlint.flow.values.tensor_values import Tensor
from headlint.flow.values.training_values import TRAINABLE_SLOT, OneParameter, Optimizer, Parameters, Trainable

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

NONE = Parameters(frozenset())

DEEPEST_MODULE = 12
"""Modules within modules that are looked into."""


def of_module(machine: Machine, module: Value, depth: int = DEEPEST_MODULE) -> Parameters:
    """What ``module.parameters()`` gives at this moment; a module that is asked has some, also where none are seen."""
    match module:
        case Part() | Backbone() | Container() | Choice() if depth <= 0:
            return Parameters(frozenset(), complete=False)
        case Part(backbone, steps):
            return _together(machine, (module,), _put_into(machine, backbone, steps), depth)
        case Layer():
            module.slots.setdefault(TRAINABLE_SLOT, Trainable(True))
            return Parameters(frozenset({module}))
        case Backbone():
            module.slots.setdefault(TRAINABLE_SLOT, Trainable(True))
            parts = (value for key in module.slots if (value := machine.read(module, key)) is not None)
            return _together(machine, (module,), parts, depth)
        case Container():
            known = isinstance(machine.read(module, "items"), TupleValue)
            within = _together(machine, (), possible_items(machine.state, module), depth)
            return Parameters(within.members, within.complete and known and not module.approximate)
        case Instance() if depth > 0:
            attributes = (value for key in module.slots if (value := machine.read(module, key)) is not None)
            within = _together(machine, (), attributes, depth)
            followed = module.whole and not module.cls.opaque and (bool(within.members) or depth < DEEPEST_MODULE)
            return Parameters(within.members, within.complete and followed)
        case Choice(options):
            within = _together(machine, (), (option.value for option in options), depth)
            return Parameters(within.members, within.complete)
        case Tensor() if module.origin.role == "variable":
            return Parameters(frozenset({module}))
        case Unknown():
            return Parameters(frozenset({module}))
        case Constant() | Tensor() | FunctionValue() | BoundMethod() | ClassValue() | FrameworkName() | Loss():
            return NONE
        case FrameworkMethod() | ListValue() | DictValue() | TupleValue() | Trainable():
            return NONE
        case _:
            return Parameters(frozenset({module}), complete=False)


def _put_into(machine: Machine, backbone: Backbone, steps: tuple[Hashable, ...]) -> Iterator[Value]:
    """What a program has put in the place of a part of a ready-made model, or of parts of that part."""
    for key in backbone.slots:
        if isinstance(key, tuple) and key[: len(steps)] == steps:
            value = machine.read(backbone, key)
            if value is not None:
                yield value


def _together(machine: Machine, own: tuple[Value, ...], parts: object, depth: int) -> Parameters:
    found = Parameters(frozenset(own))
    for part in parts:  # type: ignore[attr-defined]
        found = found.joined_with(of_module(machine, part, depth - 1))
    return found


def given_to_optimizer(machine: Machine, value: Value | None) -> Parameters:
    """The parameters in an optimizer's first argument: of modules, in lists, groups and sums of these."""
    match machine.state.narrow(value) if value is not None else None:
        case Parameters() as parameters:
            return parameters
        case OneParameter(of=several):
            return replace(several, partial=True)
        case Tensor() as tensor:
            return Parameters(frozenset({tensor}))
        case ListValue() as several:
            items = tuple(possible_items(machine.state, several))
            picked = all(isinstance(item, Parameters | OneParameter) for item in items)
            found = _given_in(machine, items)
            return replace(found, complete=found.complete and (picked or not several.approximate))
        case TupleValue(items):
            return _given_in(machine, items)
        case DictValue(slots=groups) if "params" in groups:
            return given_to_optimizer(machine, machine.read(value, "params"))
        case Choice(options):
            found = _given_in(machine, tuple(option.value for option in options))
            return replace(found, partial=True)
        case None:
            return Parameters(frozenset(), complete=False)
        case other:
            return Parameters(frozenset({other}), complete=False)


def of_optimizer(optimizer: Value | None) -> Parameters:
    """What an optimizer holds, as far as it is known."""
    return optimizer.held if isinstance(optimizer, Optimizer) else Parameters(frozenset(), complete=False)


def trainable_only(machine: Machine, parameters: Parameters) -> Parameters:
    """The parameters without those that are certainly frozen."""
    left = frozenset(member for member in parameters.members if not is_frozen(machine, member))
    return replace(parameters, members=left, partial=True)


def set_trainable(machine: Machine, parameters: Parameters, value: Value) -> None:
    """``parameter.requires_grad = value`` for each of them."""
    trainable = Trainable(bool(value.value) if isinstance(value, Constant) and value.symbol is None else None)
    for owner in parameters.owners:
        if isinstance(owner, Instance):
            machine.state.write(owner, TRAINABLE_SLOT, trainable)
    for member in parameters.members:
        match member:
            case Layer() | Backbone():
                unsure = parameters.partial or member in machine.parts.copied
                machine.state.write(member, TRAINABLE_SLOT, Trainable(None) if unsure else trainable)
            case Part(backbone, _):
                machine.state.write(backbone, TRAINABLE_SLOT, Trainable(None))
            case Unknown() if trainable != Trainable(False):
                machine.parts.released_unknown = True


def is_frozen(machine: Machine, member: Value) -> bool:
    """Whether the parameters of a layer certainly get no gradient."""
    if machine.parts.released_unknown:
        return False
    match member:
        case Layer() | Backbone():
            return machine.read(member, TRAINABLE_SLOT) == Trainable(False)
        case Part(backbone, _):
            return machine.read(backbone, TRAINABLE_SLOT) == Trainable(False)
        case _:
            return False


def has_weights(member: Value) -> bool:
    """Whether a layer has parameters of its own."""
    return not isinstance(member, Layer) or member.has_weights


def are_all_frozen(machine: Machine, held: Parameters) -> bool:
    """Whether an optimizer has nothing to train."""
    members = [member for member in held.members if has_weights(member)]
    return held.complete and bool(members) and all(is_frozen(machine, member) for member in members)


def missing_from(machine: Machine, held: Parameters) -> frozenset[Value]:
    """Layers with weights that belong to a module now, but did not when its parameters were asked for."""
    now = NONE
    for owner in held.owners:
        now = now.joined_with(of_module(machine, owner))
    return frozenset(
        member
        for member in now.members - held.members
        if isinstance(member, Layer) and has_weights(member) and not is_frozen(machine, member)
    )


def collected(machine: Machine, path: str, arguments: Arguments) -> Parameters | None:
    """What Python's own functions make of parameters: ``filter(…)``, ``chain(…)``; None where they get none."""
    given = [machine.state.narrow(value) for value in arguments.positional]
    match path, given:
        case "builtins.filter", [_, Parameters() as parameters]:
            return trainable_only(machine, parameters)
        case "builtins.filter", [_, Choice(options) as either] if all(
            isinstance(option.value, Parameters) for option in options
        ):
            return trainable_only(machine, given_to_optimizer(machine, either))
        case (("itertools.chain" | "builtins.iter"), [*several]) if several and all(
            isinstance(one, Parameters | ListValue) for one in several
        ):
            found = NONE
            for one in several:
                found = found.joined_with(given_to_optimizer(machine, one))
            return found
        case _:
            return None


def _given_in(machine: Machine, items: tuple[Value, ...]) -> Parameters:
    found = NONE
    for item in items:
        found = found.joined_with(given_to_optimizer(machine, item))
    return found
