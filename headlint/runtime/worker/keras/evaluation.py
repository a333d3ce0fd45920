"""What a Keras model does in evaluation mode that it should not: two answers to one input."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
from keras.src import backend

from ..measuring.outputs import ROUNDING, Output, largest
from ..measuring.places import running_line
from ..measuring.suspects import Suspect
from .outputs import numbers
from .watch import KERAS_OWN, running_trace

Run = Callable[[int], list[Output]]
"""One pass in evaluation mode over the same inputs, from the random numbers of a seed."""


def unrepeatable(run: Run) -> tuple[Suspect, ...]:
    """The dropouts that stay on in evaluation mode and do change what the model gives."""
    with seeing_dropouts() as found:
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


@contextmanager
def seeing_dropouts() -> Iterator[list[Suspect]]:
    """Notes the dropouts that no layer of Keras' own makes."""
    found: list[Suspect] = []
    places = [backend.random]
    if "tensorflow" in sys.modules:
        places.append(sys.modules["tensorflow"].nn)
    before = [(place, place.dropout) for place in places]

    def watched(dropout: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(dropout)
        def call(*arguments: Any, **keywords: Any) -> Any:
            trace = running_trace()
            inside = trace.inside if trace is not None else None
            own = type(inside).__module__.startswith(KERAS_OWN) and not isinstance(inside, keras.layers.Lambda)
            path, line = running_line(os.path.dirname(keras.__file__) + os.sep)
            if path and not (inside is not None and own):
                found.append(Suspect("", "dropout", "dropout", 0, path, line))
            return dropout(*arguments, **keywords)

        return call

    for place, dropout in before:
        place.dropout = watched(dropout)
    try:
        yield found
    finally:
        for place, dropout in before:
            place.dropout = dropout
