"""The tensors that a Keras model gives, and their summaries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy
from keras import ops

from ..measuring.outputs import Output, Pass, dtype_of, found_in, summary_of
from .gradients import Tape
from .watch import Trace


def outputs_of(value: Any) -> Iterator[Output]:
    """Every tensor in what a model returns, named by its place."""
    return found_in(value, lambda one: hasattr(one, "shape") and hasattr(one, "dtype"), parts_of)


def parts_of(value: Any) -> list[tuple[Any, Any]]:
    """The named parts of a returned dictionary, tuple or list."""
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, (tuple, list)) else []


def class_axis(output: Output) -> int:
    """The axis over which the classes lie: that of the softmax, else the last one, as everywhere in Keras."""
    seen = output.activation
    if seen is not None and seen.axis:
        return seen.axis
    return max(len(output.shape) - 1, 0)


def numbers(tensor: Any) -> Any:
    """The values as an array of floating-point numbers."""
    return numpy.asarray(ops.convert_to_numpy(tensor), dtype="float64")


def summary(seen: Pass, index: int) -> dict[str, Any]:
    """The summary of one output as the protocol has it."""
    output = seen.outputs[index]

    def other() -> Any:
        found = seen.other(index)
        return numbers(found) if found is not None else None

    found = summary_of(numbers(output.tensor), seen.trace.batch, class_axis(output), log_sum_of_exponentials, other)
    differentiable, gradient, moves = False, None, False
    if "float" in dtype_of(output.tensor):
        with seen.tape.recording():
            scalar = projection(output.tensor)
        gradient = head_gradient(output, seen.trace, seen.tape, scalar)
        gradients = [one for one in seen.tape.gradients(scalar, trainable(seen.trace)) if one is not None]
        differentiable = bool(gradients)
        # The last layer may stand in a branch that starts at zero: any weight that moves will do.
        moves = output.activation is None and any(numbers(one).any() for one in gradients)
    zero = gradient == 0.0 and not moves
    return found | {"gradient": gradient, "zero_gradient": zero, "differentiable": differentiable}


def trainable(trace: Trace) -> list[Any]:
    """The tensors of the weights that are trained."""
    return [variable.value for variable in trace.model.trainable_variables]


def log_sum_of_exponentials(values: Any, axis: int) -> Any:
    """The logarithm of the summed exponentials, safe for large values."""
    most = values.max(axis=axis, keepdims=True)
    return numpy.log(numpy.exp(values - most).sum(axis=axis)) + most.squeeze(axis=axis)


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
