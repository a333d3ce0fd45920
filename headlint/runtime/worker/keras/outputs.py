"""The tensors that a Keras model gives, and their summaries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy
from keras import ops

from .gradients import Tape
from .watch import Activation, Trace, activation_of

MOST_OUTPUTS = 12
DEPTH = 4


@dataclass(frozen=True)
class Output:
    """One tensor that the model gives. ``tensor`` is what the loss sees: the value after what the program applies."""

    name: str
    tensor: Any

    @property
    def activation(self) -> Activation | None:
        """The function that made it."""
        return activation_of(self.tensor)

    @property
    def shape(self) -> tuple[int, ...]:
        """Its sizes."""
        return tuple(int(size) for size in self.tensor.shape)


def outputs_of(value: Any, name: str = "", depth: int = DEPTH) -> Iterator[Output]:
    """Every tensor in what a model returns, named by its place: ``0``, ``scores``, ``head.0``."""
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        yield Output(name, value)
        return
    parts: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        parts = list(value.items())
    elif isinstance(value, (tuple, list)):
        parts = list(enumerate(value))
    for key, part in parts if depth else ():
        yield from outputs_of(part, f"{name}.{key}" if name else str(key), depth - 1)


def chosen(outputs: list[Output], wanted: str | int | None) -> int:
    """The index of the output that the loss takes: the one wanted, else the first that can be trained."""
    for index, output in enumerate(outputs):
        if wanted is not None and output.name == str(wanted):
            return index
    return next((index for index, output in enumerate(outputs) if "float" in dtype_of(output.tensor)), 0)


def dtype_of(tensor: Any) -> str:
    """``float32``, whatever the backend calls it."""
    dtype = tensor.dtype
    return str(getattr(dtype, "name", dtype)).removeprefix("torch.")


def class_axis(output: Output) -> int:
    """The axis over which the classes lie: that of the softmax, else the last one, as everywhere in Keras."""
    seen = output.activation
    if seen is not None and seen.axis:
        return seen.axis
    return max(len(output.shape) - 1, 0)


def numbers(tensor: Any) -> Any:
    """The values as an array of floating-point numbers."""
    return numpy.asarray(ops.convert_to_numpy(tensor), dtype="float64")


def summary(output: Output, trace: Trace, tape: Tape, again: Callable[[], Any]) -> dict[str, Any]:
    """The summary of one output as the protocol has it. ``again`` gives the same output for another batch."""
    values = numbers(output.tensor)
    rows = values[:, None] if values.ndim == 1 and len(values) == trace.batch else values
    axis = 1 if rows is not values else class_axis(output)
    differentiable, gradient = False, None
    if "float" in dtype_of(output.tensor):
        with tape.recording():
            scalar = projection(output.tensor)
        gradient = head_gradient(output, trace, tape, scalar)
        differentiable = any(one is not None for one in tape.gradients(scalar, trainable(trace)))
    return {
        "minimum": float(values.min()) if values.size else 0.0,
        "maximum": float(values.max()) if values.size else 0.0,
        "finite": bool(numpy.isfinite(values).all()),
        "row_sum_error": largest(rows.sum(axis=axis) - 1) if rows.ndim else None,
        "log_row_sum_error": largest(log_sum_of_exponentials(rows, axis)) if rows.ndim else None,
        "batch_sum_error": largest(values.sum(axis=0) - 1) if values.ndim else None,
        "constant": is_constant(values, again),
        "gradient": gradient,
        "zero_gradient": gradient == 0.0,
        "differentiable": differentiable,
    }


def trainable(trace: Trace) -> list[Any]:
    """The tensors of the weights that are trained."""
    return [variable.value for variable in trace.model.trainable_variables]


def log_sum_of_exponentials(values: Any, axis: int) -> Any:
    """The logarithm of the summed exponentials, safe for large values."""
    most = values.max(axis=axis, keepdims=True)
    return numpy.log(numpy.exp(values - most).sum(axis=axis)) + most.squeeze(axis=axis)


def largest(values: Any) -> float:
    """The largest distance from zero; 0 where there is nothing."""
    return float(numpy.abs(values).max()) if numpy.size(values) else 0.0


ROUNDING = 1e-6
"""What single precision makes of equal values, relative to the largest: a sum of a softmax is not exactly 1."""


def is_constant(values: Any, again: Callable[[], Any]) -> bool:
    """Whether the samples of a batch all give the same but for rounding, and another batch too."""
    rounding = ROUNDING * largest(values)
    if values.ndim and len(values) > 1 and not largest(values - values[:1]) <= rounding:
        return False
    other = again()
    if other is None:
        return False
    others = numbers(other)
    return others.shape == values.shape and largest(others - values) <= rounding


def projection(tensor: Any) -> Any:
    """A random weighted sum of a tensor, to ask for a gradient that does not vanish by symmetry."""
    weights = numpy.random.default_rng(7).standard_normal(tuple(tensor.shape)).astype(dtype_of(tensor))
    return ops.sum(ops.multiply(tensor, ops.convert_to_tensor(weights)))


def head_gradient(output: Output, trace: Trace, tape: Tape, scalar: Any) -> float | None:
    """The norm of the gradient of ``scalar`` where the last activation is entered, else at the last weights.

    None where no gradient comes through.
    """
    seen = output.activation
    places: list[Any] = list(seen.entering) if seen is not None else []
    if not places and trace.weighted is not None:
        places = [variable.value for variable in trace.weighted.trainable_variables[:1]]
    found = [one for one in tape.gradients(scalar, places or trainable(trace)[:1]) if one is not None]
    return float(sum(float((numbers(one) ** 2).sum()) for one in found) ** 0.5) if found else None
