"""The tensors that a model gives, and their summaries."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from ..measuring.outputs import Output, Pass, found_in, largest, summary_of
from .watch import Trace


def outputs_of(value: Any) -> Iterator[Output]:
    """Every tensor in what a model returns, named by its place."""
    return found_in(value, torch.is_tensor, parts_of)


def parts_of(value: Any) -> list[tuple[Any, Any]]:
    """The named parts of a returned object: of a mapping, a named tuple, a data class, a distribution, a sequence."""
    if isinstance(value, dict):
        return list(value.items())
    if isinstance(value, nn.utils.rnn.PackedSequence):
        return [("data", value.data)]
    fields = getattr(value, "_fields", None)
    if isinstance(value, tuple) and fields is not None:
        return list(zip(fields, value, strict=True))
    if isinstance(value, (tuple, list)):
        return list(enumerate(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [(one.name, getattr(value, one.name, None)) for one in dataclasses.fields(value)]
    if isinstance(value, torch.distributions.Distribution):
        return [(key, vars(value)[key]) for key in value.arg_constraints if key in vars(value)]
    plain = getattr(value, "__dict__", None)
    return [(key, part) for key, part in plain.items() if not key.startswith("_")] if isinstance(plain, dict) else []


def class_axis(output: Output, weighted: nn.Module | None) -> int:
    """The axis over which the classes lie: that of the softmax, axis 1 of images and of what a convolution gives, else
    the last one. The batch is never taken for the classes."""
    rank = output.tensor.dim()
    seen = output.activation
    if seen is not None and seen.axis:
        return seen.axis
    if rank <= 2:
        return max(rank - 1, 0)
    if seen is not None and seen.kind in ("softmax", "log_softmax") and output.tensor.device.type != "meta":
        values = output.tensor.detach().float()
        sums = values.sum if seen.kind == "softmax" else values.logsumexp
        aim = 1.0 if seen.kind == "softmax" else 0.0
        return min(range(1, rank), key=lambda axis: largest(sums(dim=axis) - aim))
    return rank - 1 if isinstance(weighted, (nn.Linear, nn.LayerNorm)) and rank != 4 else 1


def summary(seen: Pass, index: int) -> dict[str, Any]:
    """The summary of one output as the protocol has it."""
    output = seen.outputs[index]
    axis = class_axis(output, seen.trace.weighted)
    found = summary_of(
        plain_values(output.tensor), seen.trace.batch, axis, torch.logsumexp, lambda: plain_or_none(seen.other(index))
    )
    scalar = projection(output.tensor)
    gradient = head_gradient(output, seen.trace, scalar)
    return found | {
        "gradient": gradient,
        "zero_gradient": gradient == 0.0 and (output.activation is not None or not moves(seen.trace.model, scalar)),
        "differentiable": bool(output.tensor.requires_grad),
    }


def plain_values(tensor: Any) -> Any:
    """The values as floating-point numbers, without their history."""
    values = tensor.detach()
    values = torch.view_as_real(values) if values.is_complex() else values
    return values if values.dtype == torch.float64 else values.float()


def plain_or_none(tensor: Any) -> Any:
    """The plain values of what is a tensor; None for anything else."""
    return plain_values(tensor) if isinstance(tensor, torch.Tensor) else None


def projection(tensor: Any) -> Any:
    """A random weighted sum of a tensor, to ask for a gradient that does not vanish by symmetry."""
    generator = torch.Generator().manual_seed(7)
    return (tensor * torch.randn(tensor.shape, generator=generator).to(tensor.device)).sum()


def head_gradient(output: Output, trace: Trace, scalar: Any) -> float | None:
    """The norm of the gradient of ``scalar`` where the last activation is entered, else at the last weights.

    None where no gradient comes through, or where the program changed a value in place that the gradient needs.
    """
    if not isinstance(scalar, torch.Tensor) or not scalar.requires_grad:
        return None
    places = gradient_places(output, trace)
    try:
        gradients = torch.autograd.grad(scalar, places, retain_graph=True, allow_unused=True)
    except RuntimeError:
        return None
    return float(sum(float(one.float().norm()) ** 2 for one in gradients if one is not None) ** 0.5)


def moves(model: nn.Module, scalar: Any) -> bool:
    """Whether any parameter has a gradient that is not zero: the last layer may stand in a branch that starts at zero."""
    weights = [one for one in model.parameters() if one.requires_grad and not nn.parameter.is_lazy(one)]
    found = torch.autograd.grad(scalar, weights, retain_graph=True, allow_unused=True)
    return any(one is not None and bool(one.any()) for one in found)


def gradient_places(output: Output, trace: Trace) -> list[Any]:
    """The tensors at which the gradient is taken."""
    seen = output.activation
    if seen is not None and not seen.in_place:
        entering = [tensor for tensor in seen.entering if tensor.requires_grad]
        if entering:
            return entering
    if trace.weighted is not None:
        weights = [parameter for parameter in trace.weighted.parameters() if parameter.requires_grad]
        if weights:
            return weights[:1]
    return [output.tensor]
