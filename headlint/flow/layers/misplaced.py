"""A layer's constructor that is given the tensor which the layer itself should take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlint.flow.tensors import operation
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.facts import LayerGivenTensor
from headlint.flow.values.python_values import ListValue, TupleValue, Unknown, Value
from headlint.flow.values.tensor_values import Tensor, comes_from_layer
from headlint.frameworks.kinds import LayerKind

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
        if tensor is None and _is_no_option(kind, arguments, position, value):
            tensor = operation.tensor_of(machine, value)
        elif tensor is not None and not _is_data(kind, tensor):
            tensor = None
        if tensor is not None:
            machine.emit(LayerGivenTensor, machine.site(at), layer=kind, tensor=tensor, position=position)
            return True
    return False


def _tensor_in(machine: Machine, kind: LayerKind, value: Value) -> Tensor | None:
    """The tensor that an argument is; merging layers take a list of several."""
    match machine.state.narrow(value):
        case Tensor() as tensor:
            return tensor
        case TupleValue(items) | ListValue(items=items) if kind.effect in _MERGING and items:
            first = machine.state.narrow(items[0])
            return first if isinstance(first, Tensor) else None
        case _:
            return None


def _is_no_option(kind: LayerKind, arguments: Arguments, position: int, value: Value) -> bool:
    """Whether something unknown stands where a layer takes no option, or one that is also given by its name."""
    if not isinstance(value, Unknown) or kind.framework != "torch":
        return False
    if kind.short_name in _WITHOUT_OPTIONS:
        return True
    return position < len(kind.parameters) and kind.parameters[position] in arguments.named


_WITHOUT_OPTIONS = frozenset({"Sigmoid", "Tanh", "LogSigmoid", "Tanhshrink", "Softsign", "Softmax2d"})
"""Activations whose constructors take nothing, from ``torch/nn/modules/activation.py``."""


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
