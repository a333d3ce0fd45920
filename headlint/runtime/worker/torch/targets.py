"""Targets drawn to fit a loss and what the model gives."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.nn import functional

from ..measuring.outputs import Output

TARGETS = {
    "crossentropyloss": "index", "nllloss": "index", "nllloss2d": "index", "multimarginloss": "index",
    "bceloss": "binary", "bcewithlogitsloss": "binary", "multilabelsoftmarginloss": "binary",
    "softmarginloss": "sign", "hingeembeddingloss": "sign", "kldivloss": "distribution",
    "mseloss": "like", "l1loss": "like", "smoothl1loss": "like", "huberloss": "like", "poissonnllloss": "count",
}  # fmt: skip
"""What the targets of a loss are, by its name without underscores, in the form of the class."""


def targets(kind: str, output: Output, axis: int) -> Any:
    """Targets that fit a loss and an output, spread evenly over the classes so that chance makes none the same."""
    tensor = output.tensor
    shape, device = tuple(tensor.shape), tensor.device
    classes = shape[axis] if shape else 1
    rest = tuple(size for index, size in enumerate(shape) if index != axis) if len(shape) > 1 else shape
    count = math.prod(rest)
    match TARGETS.get(kind.lower(), "index"):
        case "index":
            several = classes if len(shape) > 1 else 2
            return (torch.randperm(count) % several).reshape(rest).to(device)
        case "binary":
            if output.activation is not None and output.activation.kind == "softmax" and classes > 1:
                return one_hot(tensor, axis)
            return (torch.randperm(tensor.numel()) % 2).reshape(shape).to(tensor)
        case "sign":
            return (torch.randperm(tensor.numel()) % 2 * 2 - 1).reshape(shape).to(tensor)
        case "distribution":
            return torch.softmax(torch.randn(shape), dim=axis).to(tensor)
        case "count":
            return torch.randint(0, 5, shape).to(tensor)
    if output.activation is not None and output.activation.kind in ("softmax", "sigmoid") and classes > 1:
        return one_hot(tensor, axis)
    return torch.randn(shape).to(tensor)


def one_hot(tensor: Any, axis: int) -> Any:
    """Targets of ones and zeros, one one a sample."""
    shape = tuple(tensor.shape)
    rest = [size for index, size in enumerate(shape) if index != axis]
    index = (torch.randperm(math.prod(rest)) % shape[axis]).reshape(rest)
    return functional.one_hot(index, shape[axis]).movedim(-1, axis).to(tensor)


def arranged(value: Any, axis: int, kind: str) -> Any:
    """The value with its classes on axis 1, where the loss looks for them."""
    if TARGETS.get(kind.lower()) == "index" and value.dim() > 2 and axis != 1:
        return value.movedim(axis, 1)
    return value
