"""What a Keras model does in evaluation mode that it should not: samples that depend on each other, two answers to one input."""

from __future__ import annotations

import functools
import math
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy
from keras.src import backend

from ..measuring.outputs import ROUNDING, Output, dtype_of, largest
from ..measuring.places import running_line
from ..measuring.suspects import Suspect
from .outputs import numbers
from .watch import KERAS_OWN, noted, running_trace

KERAS = os.path.dirname(keras.__file__) + os.sep

Run = Callable[[int], list[Output]]
"""One pass in evaluation mode over the same inputs, from the random numbers of a seed."""


def unrepeatable(run: Run) -> tuple[Suspect, ...]:
    """The dropouts that stay on in evaluation mode and do change what the model gives."""
    with watching(("dropout",), dropping) as found:
        first = run(0)
    if not found:
        return ()
    return tuple(dict.fromkeys(found)) if differ(first, run(1)) else ()


def differ(first: list[Output], second: list[Output]) -> bool:
    """Whether two passes give something else, beyond rounding."""
    return len(first) == len(second) and any(
        one.shape == other.shape
        and largest(numbers(one.tensor) - numbers(other.tensor)) > ROUNDING * largest(numbers(one.tensor))
        for one, other in zip(first, second, strict=True)
    )


SAMPLE = 1
"""The sample that is changed to see whether the others notice."""


def mixed(run: Callable[[bool], list[Output]], batch: int) -> tuple[Suspect, ...]:
    """The softmaxes over the batch, and the reshapes, that let the output of one sample depend on the others. ``run``
    gives the outputs for the same inputs, on request with one sample changed."""
    if batch <= SAMPLE + 1:
        return ()
    with watching(("softmax", "log_softmax"), over_batch) as found, reshaping() as plain:
        first = run(False)
    if not found and not plain:
        return ()
    with reshaping() as changed:
        second = run(True)
    if not any(rows_change(*pair, batch) for pair in zip(first, second, strict=False)):
        return ()
    return tuple(dict.fromkeys([*found, *layouts(plain, changed, batch)]))


@dataclass(frozen=True)
class Reshape:
    """A call of ``reshape`` in the user's code: what it was given, what it gave, and where."""

    given: Any
    result: Any
    path: str
    line: int


@contextmanager
def reshaping() -> Iterator[list[Reshape]]:
    """Notes the calls of ``reshape`` in the user's own code."""
    found: list[Reshape] = []
    places = [backend.numpy, *([sys.modules["tensorflow"]] if "tensorflow" in sys.modules else [])]
    before = [(place, place.reshape) for place in places]

    def watched(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*arguments: Any, **keywords: Any) -> Any:
            result = function(*arguments, **keywords)
            given = arguments[0] if arguments else keywords.get("x", keywords.get("tensor"))
            path, line = running_line(KERAS)
            if path and hasattr(given, "shape") and len(found) < MOST_RESHAPES:
                found.append(Reshape(numbers(given), numbers(result), path, line))
            return result

        return call

    for place, function in before:
        place.reshape = watched(function)
    try:
        yield found
    finally:
        for place, function in before:
            place.reshape = function


MOST_RESHAPES = 100


def layouts(plain: list[Reshape], changed: list[Reshape], batch: int) -> Iterator[Suspect]:
    """The calls that put values of several samples into one row while the samples were apart before."""
    if [(one.path, one.line) for one in plain] != [(one.path, one.line) for one in changed]:
        return
    for one, other in zip(plain, changed, strict=True):
        if is_apart(one.given, other.given, batch) and is_apart(one.result, other.result, batch, whole=True) is False:
            yield Suspect("", "reshape", "layout", 0, one.path, one.line)


def is_apart(one: Any, other: Any, batch: int, whole: bool = False) -> bool | None:
    """Whether what differs lies at one place of an axis, as one sample does; None where nothing differs. With ``whole`` each
    sample must have as many places as any other."""
    if one.shape != other.shape:
        return None
    different = numpy.abs(one - other) > 1e-5 * max(largest(one), 1e-12)
    if not different.any():
        return None
    touched = [
        (size, int(different.any(axis=tuple(rest for rest in range(different.ndim) if rest != axis)).sum()))
        for axis, size in enumerate(different.shape)
    ]
    return any(
        size > 1 and count <= math.ceil(size / batch) and not (whole and size % batch) for size, count in touched
    )


def rows_change(one: Output, other: Output, batch: int) -> bool:
    """Whether an output of the other samples changes."""
    if one.shape[:1] != (batch,) or one.shape != other.shape or one.shape == (batch, batch):
        return False
    first, second = (numpy.delete(numbers(output.tensor), SAMPLE, 0) for output in (one, other))
    return largest(first - second) > 1e-5 * largest(first)


def over_batch(name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Suspect | None:
    """A softmax over the first axis."""
    seen = noted(name, arguments, keywords)
    path, line = running_line(KERAS)
    if seen is None or seen.axis != 0 or len(seen.entering[0].shape) < 2 or not path:
        return None
    return Suspect("", name, "softmax", 0, path, line)


def dropping(name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Suspect | None:
    """A dropout that no layer of Keras' own makes."""
    trace = running_trace()
    inside = trace.inside if trace is not None else None
    own = type(inside).__module__.startswith(KERAS_OWN) and not isinstance(inside, keras.layers.Lambda)
    path, line = running_line(KERAS)
    return Suspect("", name, "dropout", 0, path, line) if path and not own else None


@contextmanager
def watching(
    names: tuple[str, ...], judge: Callable[[str, tuple[Any, ...], dict[str, Any]], Suspect | None]
) -> Iterator[list[Suspect]]:
    """Lets the functions of those names, of the backend and of TensorFlow, be judged when they are called."""
    found: list[Suspect] = []
    places = [backend.random, backend.nn, *([sys.modules["tensorflow"].nn] if "tensorflow" in sys.modules else [])]
    before = [(place, name, getattr(place, name)) for place in places for name in names if hasattr(place, name)]

    def watched(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*arguments: Any, **keywords: Any) -> Any:
            suspect = judge(name, arguments, keywords)
            if suspect is not None:
                found.append(suspect)
            return function(*arguments, **keywords)

        return call

    for place, name, function in before:
        setattr(place, name, watched(name, function))
    try:
        yield found
    finally:
        for place, name, function in before:
            setattr(place, name, function)


def with_other_sample(values: Any, batch: int) -> Any:
    """The same values, one sample of the tensors that have so many replaced by another."""
    match values:
        case dict():
            return {key: with_other_sample(one, batch) for key, one in values.items()}
        case list() | tuple():
            return type(values)(with_other_sample(one, batch) for one in values)
    if not hasattr(values, "shape") or tuple(values.shape[:1]) != (batch,) or "str" in dtype_of(values):
        return values
    changed = numpy.array(keras.ops.convert_to_numpy(values))
    if changed.dtype.kind == "f":
        noise = numpy.random.default_rng(11).standard_normal(changed[SAMPLE].shape)
        changed[SAMPLE] = changed[SAMPLE] + max(changed.std(), 1e-3) * noise
    else:
        changed[SAMPLE] = changed[SAMPLE - 1]
    return keras.ops.convert_to_tensor(changed)
