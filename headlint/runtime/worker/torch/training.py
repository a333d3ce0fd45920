"""Steps on one batch, as the program writes its loss and as it would be when fixed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from ..measuring.fitting import LEARNING_RATE
from ..measuring.outputs import Output
from .losses import LossMeasurement, correction, made, scalar
from .outputs import class_axis
from .targets import arranged, targets
from .watch import Trace

Forward = Callable[[], tuple[Output, Trace]]
"""One pass in training mode over the same batch: the output that the loss takes."""


def steps(model: nn.Module, forward: Forward, measured: LossMeasurement, fix: bool) -> Iterator[float]:
    """The loss before each step; in the end the model is as it was."""
    state = [*model.parameters(), *model.buffers()]
    start = [one.detach().clone() for one in state]
    try:
        yield from fitted(model, forward, measured, fix)
    finally:
        with torch.no_grad():
            for one, value in zip(state, start, strict=True):
                one.copy_(value)


def fitted(model: nn.Module, forward: Forward, measured: LossMeasurement, fix: bool) -> Iterator[float]:
    """The loss before each step."""
    optimizer = torch.optim.Adam([one for one in model.parameters() if one.requires_grad], lr=LEARNING_RATE)
    goal: Any = None
    while True:
        output, trace = forward()
        axis = class_axis(output, trace.weighted)
        better = correction(measured.loss, output, measured.record.classes) if fix else None
        kind = better.kind if better is not None else measured.loss.kind
        call = made(kind) if better is not None and kind != measured.loss.kind else measured.loss.call
        value = better.prepared(output) if better is not None else output.tensor
        if goal is None:
            torch.manual_seed(0)
            goal = targets(kind, output, axis)
        loss = scalar(call(arranged(value, axis, kind), goal))
        yield float(loss.detach())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
