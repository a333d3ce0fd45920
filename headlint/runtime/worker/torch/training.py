"""One tiny batch fitted both ways, so that people see what a mistake costs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from .losses import LossMeasurement, correction, made, scalar
from .outputs import Output, class_axis
from .targets import arranged, targets
from .watch import Trace

LEARNING_RATE = 1e-2
"""Of Adam: high enough to show a difference within some dozens of steps on a small batch."""

Forward = Callable[[nn.Module], tuple[Output, Trace]]
"""One pass in training mode over the same batch: the output that the loss takes."""


def training(
    model: nn.Module, forward: Forward, measured: LossMeasurement, steps: int, seconds: float
) -> dict[str, Any]:
    """The losses by step, as written and as fixed, from the same weights and on the same batch, in so many seconds."""
    forward(model)  # lazy layers have their weights from here on
    state = [*model.parameters(), *model.buffers()]
    start = [one.detach().clone() for one in state]
    share = seconds / 2 if measured.fixed else seconds
    written = fitted(model, forward, measured, steps, share, fix=False)
    if not measured.fixed:
        return {"steps": steps, "written": written, "fixed": None}
    with torch.no_grad():
        for one, value in zip(state, start, strict=True):
            one.copy_(value)
    return {"steps": steps, "written": written, "fixed": fitted(model, forward, measured, steps, share, fix=True)}


def fitted(
    model: nn.Module, forward: Forward, measured: LossMeasurement, steps: int, seconds: float, fix: bool
) -> list[float]:
    """The loss before the first step and after each; fewer where a step raises or the time is up."""
    optimizer = torch.optim.Adam([one for one in model.parameters() if one.requires_grad], lr=LEARNING_RATE)
    end = time.monotonic() + seconds
    losses: list[float] = []
    goal: Any = None
    while len(losses) <= steps and time.monotonic() < end:
        try:
            output, trace = forward(model)
            axis = class_axis(output, trace.weighted)
            better = correction(measured.loss, output, measured.classes) if fix else None
            kind = better.kind if better is not None else measured.loss.kind
            call = made(kind) if better is not None and kind != measured.loss.kind else measured.loss.call
            value = better.prepared(output) if better is not None else output.tensor
            if goal is None:
                torch.manual_seed(0)
                goal = targets(kind, output, axis)
            loss = scalar(call(arranged(value, axis, kind), goal))
            losses.append(float(loss.detach()))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        except (RuntimeError, ValueError, TypeError):
            break
    return losses
