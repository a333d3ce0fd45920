"""What training asks of a module: its parameters, its gradients, its mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlint.flow.machine.parts import things_of
from headlint.flow.training import optimizers, parameters
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.facts import Event
from headlint.flow.values.library_values import Backbone, Container, Layer, Part
from headlint.flow.values.python_values import Constant, HeapObject, Instance, Unknown, Value
from headlint.flow.values.training_values import Parameters

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

METHODS = frozenset(
    {"parameters", "named_parameters", "zero_grad", "requires_grad_", "train", "eval", "load_state_dict"}
)


_NAMES_OF_PARAMETERS = (
    *("weight", "bias", "bias_table", "token", "pos_embed", "pos_embedding", "positional_embedding", "layer_scale"),
    *("logit_scale", "gamma", "beta"),
)
"""How attributes of ready-made models are called that are parameters, in torchvision, timm, open_clip and transformers."""


def is_module(value: Value) -> bool:
    """Whether a value is a module of PyTorch, or may well be one of the program's own."""
    match value:
        case Layer():
            return value.kind.framework == "torch"
        case Container():
            return True
        case Backbone():
            return not value.name.startswith("keras.")
        case Part(backbone, (*_, str() as name)) if name.endswith(_NAMES_OF_PARAMETERS):
            return False
        case Part(backbone, _):
            return not backbone.name.startswith("keras.")
        case Instance():
            return not value.cls.framework_base().startswith("keras.")
        case _:
            return False


def call_method(machine: Machine, module: Value, name: str, arguments: Arguments, at: int) -> Value:
    """One of ``METHODS``, called on a module or on something unknown."""
    match name:
        case "zero_grad":
            machine.note_event(Event.CLEARED, machine.site(at), parameters.of_module(machine, module), by=module)
            return Constant(None)
        case "train" | "eval":
            _note_mode(machine, module, name, arguments, at)
            return module
        case "load_state_dict":
            machine.note_event(Event.RESTORED, machine.site(at), module)
            return machine.globals.child((module, name, "()"))
        case "requires_grad_":
            value = arguments.first("requires_grad") or Constant(True)
            found = parameters.of_module(machine, module)
            own = Parameters(found.members, found.complete, owners=frozenset({module}))
            parameters.set_trainable(machine, own, value)
            return module
        case _:
            found = parameters.of_module(machine, module)
            named = name == "named_parameters"
            return Parameters(found.members, found.complete, named=named, owners=frozenset({module}))


def note_copy(machine: Machine, value: Value) -> None:
    """A module is copied: what is done to the copy is no longer told from what is done to it."""
    for module in things_of(value):
        if is_module(module):
            machine.parts.copied.add(module)
            members = parameters.of_module(machine, module).members
            machine.parts.copied.update(member for member in members if isinstance(member, HeapObject))


def _note_mode(machine: Machine, module: Value, name: str, arguments: Arguments, at: int) -> None:
    mode = Constant(False) if name == "eval" else arguments.first("mode") or Constant(True)
    if _has_a_copy(machine, module):
        mode = Unknown()
    machine.note_event(Event.MODE_SET, machine.site(at), module, given=(mode,))


def _has_a_copy(machine: Machine, module: Value) -> bool:
    """Whether a module, or a part of it, was copied: the copy may be what is applied later."""
    copied = machine.parts.copied
    return bool(copied) and (module in copied or not copied.isdisjoint(parameters.of_module(machine, module).members))


def call_unknown(machine: Machine, owner: Unknown, name: str, arguments: Arguments, at: int) -> Value | None:
    """A method of something unknown, that tells it is a module or an optimizer."""
    if name in ("parameters", "named_parameters"):
        named = name == "named_parameters"
        return Parameters(frozenset({owner}), named=named, owners=frozenset({owner}))
    if name == "zero_grad":
        stored = optimizers.is_stored(machine, owner)
        machine.note_event(Event.CLEARED, machine.site(at), owner, stored=stored)
        return Constant(None)
    return None


def note_mode_of_unknown(machine: Machine, owner: Unknown, name: str, arguments: Arguments, at: int) -> None:
    """``model.train()`` and ``model.eval()`` of something unknown, where they are called as a module's are."""
    if name in ("train", "eval") and len(arguments) <= 1:
        _note_mode(machine, owner, name, arguments, at)
