"""One tiny batch fitted both ways, so that people see what a mistake costs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from .gradients import Tape
from .losses import LossMeasurement, correction, targets
from .outputs import Output, numbers

LEARNING_RATE = 1e-2
"""Of Adam: high enough to show a difference within some dozens of steps on a small batch."""

Forward = Callable[[Any], tuple[Output, Tape]]
"""One pass in training mode over the same batch: the output that the loss takes, and the tape it was recorded on."""


def training(
    make: Callable[[], Any], forward: Forward, measured: LossMeasurement, steps: int, seconds: float
) -> dict[str, Any]:
    """The losses by step, as written and as fixed, from the same weights and on the same batch, in so many seconds."""
    model = make()
    forward(model)
    start = model.get_weights()
    share = seconds / 2 if measured.fixed else seconds
    written = fitted(model, forward, measured, steps, share, fix=False)
    if not measured.fixed:
        return {"steps": steps, "written": written, "fixed": None}
    model.set_weights(start)
    return {"steps": steps, "written": written, "fixed": fitted(model, forward, measured, steps, share, fix=True)}


def fitted(
    model: Any, forward: Forward, measured: LossMeasurement, steps: int, seconds: float, fix: bool
) -> list[float]:
    """The loss before the first step and after each; fewer where a step raises or the time is up."""
    optimizer = keras.optimizers.Adam(LEARNING_RATE)
    end = time.monotonic() + seconds
    losses: list[float] = []
    goal: Any = None
    while len(losses) <= steps and time.monotonic() < end:
        try:
            output, tape = forward(model)
            better = correction(measured.loss, output, measured.classes) if fix else None
            loss = better.loss if better is not None else measured.loss
            goal = targets(loss, output) if goal is None else goal
            with tape.recording():
                value = better.prepared(output) if better is not None else output.tensor
                scalar = ops.mean(loss.call(goal, value))
            losses.append(float(numbers(scalar)))
            variables = model.trainable_variables
            found = tape.gradients(scalar, [variable.value for variable in variables])
            pairs = [(one, variable) for one, variable in zip(found, variables, strict=True) if one is not None]
            if pairs:
                optimizer.apply_gradients(pairs)
        except (RuntimeError, ValueError, TypeError):
            break
    return losses
