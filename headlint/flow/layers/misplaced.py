"""A layer's constructor that is given the tensor which the layer itself should take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlint.flow.python.attributes import find_in_class
from headlint.flow.tensors import operation
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.assumptions import Assumption, of_default
from headlint.flow.values.conditions import Choice
from headlint.flow.values.facts import LayerGivenTensor
from headlint.flow.values.python_values import (
    FrameworkName,
    FunctionValue,
    Instance,
    ListValue,
    TupleValue,
    Unknown,
    Value,
)
from headlint.flow.values.tensor_values import Tensor, comes_from_layer
from headlint.frameworks.kinds import LayerKind
from headlint.syntax import ir

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

FEWEST_AXES = 2
"""A tensor with fewer may be a number, such as a rate or a size that was computed."""

_MERGING = ("concatenate", "add", "merge")
_RATES = ("dropout", "dropout_noise")


def note_tensor(machine: Machine, kind: LayerKind, arguments: Arguments, at: int) -> bool:
    """Note the first positional argument that no option of a layer can be; whether there is one."""
    for position, value in enumerate(arguments.positional):
        tensor = _tensor_in(machine, kind, value)
        if tensor is None and _is_unknown_data(machine, kind, arguments, position, value):
            tensor = operation.tensor_of(machine, value)
        elif tensor is not None and not _takes_no_number(kind, arguments, position) and not _is_data(kind, tensor):
            tensor = None
        if tensor is not None:
            assumed = _defaults_called(machine, kind, at)
            machine.emit(
                LayerGivenTensor, machine.site(at), layer=kind, tensor=tensor, position=position, assumptions=assumed
            )
            return True
    return False


def _defaults_called(machine: Machine, kind: LayerKind, at: int) -> frozenset[Assumption]:
    """The default of a constructor that is called here, ``self.act(x)`` after ``self.act = act``: who builds may give a layer."""
    frame = machine.frames[-1]
    body = frame.definition.body if frame.definition is not None else ()
    calls = (node for node in ir.walk(body) if isinstance(node, ir.Call) and node.at == at)
    called = next((node.function for node in calls), None)
    if not isinstance(called, ir.Attribute) or not isinstance(frame.receiver, Instance):
        return frozenset()
    match find_in_class(machine, frame.receiver.cls, "__init__"):
        case FunctionValue(definition=init) as constructor, _:
            parameters = {parameter.name for parameter in init.parameters}
            given = {name for name, default in constructor.defaults if default == FrameworkName(kind.name)}
            kept = {
                node.value.name
                for node in ir.walk(init.body)
                if isinstance(node, ir.Assign) and isinstance(node.value, ir.Name)
                if any(isinstance(target, ir.Attribute) and target.name == called.name for target in node.targets)
            }
            if kept & parameters - given:
                return frozenset(machine.names_assumed.get(FrameworkName(kind.name), ()))  # another class hands it on
            return frozenset(of_default(constructor, name) for name in kept & given)
        case _:
            return frozenset()


def _tensor_in(machine: Machine, kind: LayerKind, value: Value) -> Tensor | None:
    """The tensor that an argument is, or one of those that it may be; merging layers take a list of several."""
    match machine.state.narrow(value):
        case Tensor() as tensor:
            return tensor
        case Choice(options):
            first, *others = [machine.state.narrow(option.value) for option in options]
            return first if isinstance(first, Tensor) and all(isinstance(one, Tensor) for one in others) else None
        case TupleValue(items) | ListValue(items=items) if kind.effect in _MERGING and items:
            first = machine.state.narrow(items[0])
            return first if isinstance(first, Tensor) else None
        case _:
            return None


def _takes_no_number(kind: LayerKind, arguments: Arguments, position: int) -> bool:
    """Whether a layer takes no number where an argument stands: no option, a switch, an axis, or one given by name too."""
    if kind.framework != "torch":
        return False
    if kind.short_name in _WITHOUT_OPTIONS or (kind.short_name in _WITHOUT_NUMBERS and position == 0):
        return True
    return _is_given_twice(kind, arguments, position)


def _is_unknown_data(machine: Machine, kind: LayerKind, arguments: Arguments, position: int, value: Value) -> bool:
    """Whether something unknown stands where nothing of its kind can be an option."""
    if not isinstance(value, Unknown) or not _takes_no_number(kind, arguments, position):
        return False
    return (
        _is_given_twice(kind, arguments, position) or kind.short_name in _WITHOUT_OPTIONS or _is_output(machine, value)
    )


def _is_given_twice(kind: LayerKind, arguments: Arguments, position: int) -> bool:
    return position < len(kind.parameters) and kind.parameters[position] in arguments.named


def _is_output(machine: Machine, value: Unknown) -> bool:
    """Whether a forward pass has it from an object that was made before, as a layer of a library that is not followed."""
    match value:
        case Unknown(key=("call", _), parent=Unknown(key=("call", _))):
            return getattr(machine.frames[-1].definition, "name", "") == "forward"
        case _:
            return False


_WITHOUT_OPTIONS = frozenset({"Sigmoid", "Tanh", "LogSigmoid", "Tanhshrink", "Softsign", "Softmax2d"})
"""Activations whose constructors take nothing, from ``torch/nn/modules/activation.py``."""

_WITHOUT_NUMBERS = frozenset(
    {"ReLU", "ReLU6", "SiLU", "Mish", "SELU", "Hardswish", "Hardsigmoid", "GELU", "Softmax", "LogSoftmax", "Softmin"}
)
"""Activations whose constructors first take a switch, an axis or a word."""


def _is_data(kind: LayerKind, tensor: Tensor) -> bool:
    """Whether a tensor is what flows through a model, and not a number or an array of settings."""
    rank = tensor.shape.rank
    if rank is not None and rank < FEWEST_AXES:
        return False
    if tensor.symbolic or tensor.origin.role in ("layer", "activation"):
        return True
    if kind.effect in ("activation", "flatten") and tensor.origin.role == "input" and tensor.origin.name:
        return True
    if kind.units or kind.features or kind.effect in _RATES:
        return rank is not None and comes_from_layer(tensor)
    return comes_from_layer(tensor)
