"""What happens inside a forward pass: which function made each value, and which layers were called in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from ..measuring.outputs import Activation, activation_of, joined

OVER_AN_AXIS = {"softmax": "softmax", "log_softmax": "log_softmax", "softmin": "softmin", "gumbel_softmax": "softmax"}
ELEMENTWISE = {
    "sigmoid": "sigmoid",
    "sigmoid_": "sigmoid",
    "expit": "sigmoid",
    "special_expit": "sigmoid",
    "logsigmoid": "log_sigmoid",
    "log_sigmoid": "log_sigmoid",
    "hardsigmoid": "hardsigmoid",
    "tanh_": "tanh",
    "relu_": "relu",
} | {
    name: name
    for name in (
        "relu", "tanh", "leaky_relu", "elu", "gelu", "selu", "celu", "silu", "mish", "softplus", "softsign", "relu6",
        "hardtanh", "hardswish", "prelu", "rrelu", "glu",
    )
}  # fmt: skip
"""The activations, by the name of the function that torch calls."""

CARRYING = frozenset(
    {
        "view", "reshape", "squeeze", "unsqueeze", "flatten", "unflatten", "permute", "transpose", "t", "contiguous",
        "clone", "to", "float", "double", "half", "type", "movedim", "swapaxes", "view_as", "reshape_as", "__getitem__",
        "squeeze_", "unsqueeze_", "ravel", "select", "narrow", "expand",
    }
)  # fmt: skip
"""Functions whose result holds the same values, perhaps in another shape."""

MOVING = frozenset({"permute", "transpose", "t", "movedim", "swapaxes"})
"""Those that may move an axis and leave the shape as it was."""

JOINING = frozenset({"cat", "stack", "concat", "concatenate", "hstack", "vstack"})


@dataclass
class Trace:
    """What was seen during one forward pass. ``weighted`` is the last layer called that has weights, ``batch`` the number
    of samples that the model was given."""

    model: nn.Module
    batch: int = 0
    layers: list[dict[str, Any]] = field(default_factory=list)
    weighted: nn.Module | None = None


class SeeActivations(TorchFunctionMode):
    """Notes on each result the activation that made it. One event for a module, a function and a method alike."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """The call as it is; its result is marked."""
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        if isinstance(result, torch.Tensor):
            seen = noted(getattr(func, "__name__", ""), result, args, kwargs)
            if seen is not None:
                result.headlint_activation = seen
            elif hasattr(result, "headlint_activation") and any(result is argument for argument in args):
                del result.headlint_activation
        return result


def noted(name: str, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Activation | None:
    """The activation behind the result of a call."""
    entering = args[0] if args else kwargs.get("input")
    if name in OVER_AN_AXIS and isinstance(entering, torch.Tensor):
        return Activation(OVER_AN_AXIS[name], softmax_axis(name, entering.dim(), args, kwargs), (entering,))
    if name in ELEMENTWISE and isinstance(entering, torch.Tensor):
        return Activation(ELEMENTWISE[name], None, (entering,), in_place=result is entering)
    if name in CARRYING and isinstance(entering, torch.Tensor):
        seen = activation_of(entering)
        if seen is None or (result.shape == entering.shape and name not in MOVING):
            return seen
        return Activation(seen.kind, None, seen.entering, seen.in_place, True)
    return joined(entering) if name in JOINING else None


def softmax_axis(name: str, rank: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int | None:
    """The axis of a softmax; without one torch takes axis 0 for ranks 0, 1 and 3, else axis 1."""
    axis = kwargs.get("dim")
    if axis is None and name != "gumbel_softmax":
        axis = next((argument for argument in args[1:2] if isinstance(argument, int)), None)
    if name == "gumbel_softmax" and axis is None:
        axis = -1
    if axis is None:
        axis = 0 if rank in (0, 1, 3) else 1
    return axis % rank if isinstance(axis, int) and rank else None


@contextmanager
def around_calls(before: Callable[..., None], after: Callable[..., None]) -> Iterator[None]:
    """Calls functions before and after each module that is called while it lasts."""
    handles = (
        nn.modules.module.register_module_forward_pre_hook(before),
        nn.modules.module.register_module_forward_hook(after),
    )
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def seeing(model: nn.Module, batch: int) -> Iterator[Trace]:
    """Notes activations and layers while it lasts."""
    trace = Trace(model, batch)
    names = {id(module): name for name, module in model.named_modules()}
    counted: set[int] = set()

    def after_layer(module: nn.Module, arguments: Any, result: Any) -> None:
        if id(module) not in names or not is_leaf(module):
            return
        if any(True for _ in nn.Module.parameters(module)):
            trace.weighted = module
        if len(trace.layers) < MOST_LAYERS:
            trace.layers.append(layer_row(names[id(module)], module, result, id(module) in counted))
            counted.add(id(module))

    handle = nn.modules.module.register_module_forward_hook(after_layer)
    try:
        with SeeActivations():
            yield trace
    finally:
        handle.remove()


MOST_LAYERS = 1000
"""Rows of the layer table; a loop over time steps may call a cell more often than that."""


def is_leaf(module: nn.Module) -> bool:
    """Whether a module is a layer of its own: it has no parts, or parts that it never calls."""
    return isinstance(module, nn.MultiheadAttention) or next(module.children(), None) is None


def layer_row(name: str, module: nn.Module, result: Any, again: bool) -> dict[str, Any]:
    """A row of the layer table. The parameters of a layer that is called again are counted once."""
    parameters = [parameter for parameter in module.parameters() if not nn.parameter.is_lazy(parameter)]
    return {
        "name": name or type(module).__name__,
        "kind": getattr(module, "original_name", type(module).__name__),
        "output": first_shape(result),
        "parameters": 0 if again else sum(parameter.numel() for parameter in parameters),
        "trainable": any(parameter.requires_grad for parameter in parameters),
        "bias": has_bias(module),
    }


def first_shape(result: Any) -> list[int] | None:
    """The shape of a layer's first output."""
    while isinstance(result, (tuple, list)) and result:
        result = result[0]
    return list(result.shape) if isinstance(result, torch.Tensor) else None


def has_bias(module: nn.Module) -> bool | None:
    """Whether a layer with weights has a bias; None where the kind of layer knows none."""
    match module:
        case nn.RNNBase() | nn.RNNCellBase():
            return bool(module.bias)
        case nn.MultiheadAttention():
            return module.in_proj_bias is not None
    if not isinstance(getattr(module, "weight", None), torch.Tensor) or not hasattr(module, "bias"):
        return None
    return module.bias is not None
