"""Inputs that change nothing in what a Keras model gives."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy

from ..measuring.mentions import written_at
from ..measuring.outputs import Output, dtype_of
from ..measuring.suspects import Suspect
from .outputs import numbers

Run = Callable[[Any, bool], list[Output]]
"""One pass over given inputs, in training mode or not, always from the same random numbers."""


def ignored(model: Any, names: list[str], values: Any, run: Run) -> tuple[Suspect, ...]:
    """The inputs of floating-point numbers that have no effect while another one has; ``names`` in their order."""
    tensors = list(leaves(values))
    if len(tensors) < 2 or len(names) != len(tensors):
        return ()
    plain = [run(values, train) for train in (True, False)]
    if not any("float" in dtype_of(one.tensor) for one in plain[0]):
        return ()
    without = [
        name
        for number, (name, tensor) in enumerate(zip(names, tensors, strict=True))
        if is_varied(tensor) and same(plain, [run(rolled(values, number), train) for train in (True, False)])
    ]
    place = written_at(model, "call")
    return tuple(Suspect(name, "input", "input", 0, *place) for name in without) if len(without) < len(tensors) else ()


def leaves(values: Any) -> Iterator[Any]:
    """The inputs that are no group, in their order."""
    match values:
        case dict():
            for one in values.values():
                yield from leaves(one)
        case list() | tuple():
            for one in values:
                yield from leaves(one)
        case _:
            yield values


def is_varied(tensor: Any) -> bool:
    """Whether the samples of a tensor of floating-point numbers differ."""
    if not hasattr(tensor, "shape") or "float" not in dtype_of(tensor) or not tensor.shape:
        return False
    values = numbers(tensor)
    return bool((values != numpy.roll(values, 1, 0)).any())


def rolled(values: Any, number: int) -> Any:
    """The same inputs, one of them with its values exchanged between the samples and moved."""
    counter = itertools.count()

    def copied(one: Any) -> Any:
        match one:
            case dict():
                return {key: copied(part) for key, part in one.items()}
            case list() | tuple():
                return type(one)([copied(part) for part in one])
        if next(counter) != number:
            return one
        return keras.ops.convert_to_tensor(2 * numpy.roll(keras.ops.convert_to_numpy(one), 1, 0) + 1)

    return copied(values)


def same(plain: list[list[Output]], others: list[list[Output]]) -> bool:
    """Whether the outputs of all passes are the same."""
    pairs = [pair for one, other in zip(plain, others, strict=True) for pair in zip(one, other, strict=False)]
    return all(
        one.shape == other.shape and numpy.array_equal(numbers(one.tensor), numbers(other.tensor), equal_nan=True)
        for one, other in pairs
    )
