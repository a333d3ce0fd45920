"""What calls of PyTorch's names, and of libraries of its models, do beyond the tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from headlint.flow.layers import library_models, recurrent
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.python_values import Constant, FrameworkName, Unknown, Value
from headlint.flow.values.tensor_values import ANY_SHAPE, Domain, Origin, Tensor

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine
    from headlint.flow.machine.semantics import Call


def _timm(machine: Machine, arguments: Arguments, at: int) -> Value:
    return library_models.timm(machine, "timm.create_model", arguments, at)


def _hub(machine: Machine, arguments: Arguments, at: int) -> Value:
    return library_models.hub(machine, "torch.hub.load", arguments, at)


def _set_grad_enabled(machine: Machine, arguments: Arguments, at: int) -> Value:
    match arguments.first("mode"):
        case Constant(bool() as enabled, symbol=None):
            return FrameworkName("torch.enable_grad" if enabled else "torch.no_grad")
        case _:
            return Unknown()


def _enable_grad(machine: Machine, arguments: Arguments, at: int) -> Value:
    return FrameworkName("torch.enable_grad")


def _parameter(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``nn.Parameter(data)``: a weight of one's own."""
    data = arguments.first("data")
    shape = data.shape if isinstance(data, Tensor) else ANY_SHAPE
    return Tensor(Domain.UNKNOWN, shape, Origin("variable", "torch.nn.Parameter", machine.site(at)))


CALLS: Mapping[str, Call] = {
    **recurrent.CALLS,
    "timm.create_model": _timm,
    "timm.models.create_model": _timm,
    "torch.hub.load": _hub,
    "torch.set_grad_enabled": _set_grad_enabled,
    "torch.enable_grad": _enable_grad,
    "torch.autograd.enable_grad": _enable_grad,
    "torch.nn.Parameter": _parameter,
}
