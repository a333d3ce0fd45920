"""Steps on one batch, as the program writes its loss and as it would be when fixed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import keras
from keras import ops

from ..measuring.fitting import LEARNING_RATE
from ..measuring.outputs import Output
from .gradients import Tape
from .losses import LossMeasurement, correction, targets
from .outputs import numbers

Forward = Callable[[], tuple[Output, Tape]]
"""One pass in training mode over the same batch: the output that the loss takes, and the tape it was recorded on."""


def steps(model: Any, forward: Forward, measured: LossMeasurement, fix: bool) -> Iterator[float]:
    """The loss before each step; in the end the model is as it was."""
    start = model.get_weights()
    try:
        yield from fitted(model, forward, measured, fix)
    finally:
        model.set_weights(start)


def fitted(model: Any, forward: Forward, measured: LossMeasurement, fix: bool) -> Iterator[float]:
    """The loss before each step."""
    optimizer = keras.optimizers.Adam(LEARNING_RATE)
    goal: Any = None
    while True:
        output, tape = forward()
        better = correction(measured.loss, output, measured.record.classes) if fix else None
        loss = better.loss if better is not None else measured.loss
        goal = targets(loss, output) if goal is None else goal
        with tape.recording():
            value = better.prepared(output) if better is not None else output.tensor
            scalar = ops.mean(loss.call(goal, value))
        yield float(numbers(scalar))
        variables = model.trainable_variables
        found = tape.gradients(scalar, [variable.value for variable in variables])
        pairs = [(one, variable) for one, variable in zip(found, variables, strict=True) if one is not None]
        if pairs:
            optimizer.apply_gradients(pairs)
