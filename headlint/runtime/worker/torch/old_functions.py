"""What older versions of PyTorch took: functions with a gradient that are an object, whose methods are no static ones, as
before 1.3, and masks of bytes, as before 2.0."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.autograd import Function

from ..program.standins import GUESSED

OF_THE_CALL = frozenset(
    {
        "save_for_backward",
        "saved_tensors",
        "saved_variables",
        "needs_input_grad",
        "mark_dirty",
        "mark_non_differentiable",
    }
)
"""Attributes that belong to one call; all others are kept by the object."""


class Context:
    """The object as its own methods see it in one call."""

    def __init__(self, function: Any, call: Any) -> None:
        object.__setattr__(self, "_function", function)
        object.__setattr__(self, "_call", call)

    def __getattr__(self, name: str) -> Any:
        if name in OF_THE_CALL:
            return getattr(self._call, "saved_tensors" if name == "saved_variables" else name)
        return getattr(self._function, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._function, name, value)


MASKED = ("masked_fill", "masked_fill_", "masked_select", "masked_scatter", "masked_scatter_", "where")
"""Methods that take a mask first."""


def accept_old_functions() -> None:
    """For the rest of the process: such an object can be called, without a ``backward`` it gives values without a history; a
    mask may consist of bytes; what a loop over a tensor gives may be written to."""
    Function.__call__ = called
    torch.Tensor.__iter__ = parts_to_be_written
    torch.from_numpy = of_array_or_tensor(torch.from_numpy)
    for name in MASKED:
        setattr(torch.Tensor, name, with_byte_masks(getattr(torch.Tensor, name), 1))
        if hasattr(torch, name):
            setattr(torch, name, with_byte_masks(getattr(torch, name), 0 if name == "where" else 1))


def of_array_or_tensor(original: Callable[..., Any]) -> Callable[..., Any]:
    """``from_numpy``, which also takes what is a tensor already: a pass that is given arrays is asked with tensors."""

    @functools.wraps(original)
    def from_numpy(values: Any) -> Any:
        return values if isinstance(values, torch.Tensor) else original(values)

    return from_numpy


def parts_to_be_written(values: torch.Tensor) -> Iterator[torch.Tensor]:
    """What a loop over a tensor gives: views of which each has a history of its own."""
    if values.dim() == 0:
        raise TypeError("iteration over a 0-d tensor")
    return iter([values[place] for place in range(len(values))] if values.requires_grad else values.unbind(0))


def with_byte_masks(function: Callable[..., Any], place: int) -> Callable[..., Any]:
    """The same, where a mask of bytes, which stands at that place, is one of truth values."""

    @functools.wraps(function)
    def masked(*given: Any, **named: Any) -> Any:
        by_place = (truths(one) if number == place else one for number, one in enumerate(given))
        return function(*by_place, **{key: truths(one) if key == "mask" else one for key, one in named.items()})

    return masked


def truths(value: Any) -> Any:
    """Truth values in place of bytes; anything else as it is."""
    return value.bool() if isinstance(value, torch.Tensor) and value.dtype == torch.uint8 else value


def called(function: Any, *given: Any) -> Any:
    """What the object gives for some tensors."""
    kind = type(function)
    if isinstance(inspect.getattr_static(kind, "forward", None), staticmethod):
        return kind.apply(*given)
    own = inspect.getattr_static(kind, "backward", None)
    if own is inspect.getattr_static(Function, "backward", None) or isinstance(own, staticmethod):
        if (told := f"{kind.__name__} gives values without a history") not in GUESSED:
            GUESSED.append(told)
        with torch.no_grad():
            return kind.forward(function, *given)

    class Today(Function):
        """The same with methods as they are today."""

        @staticmethod
        def forward(ctx: Any, *tensors: Any) -> Any:
            """The values."""
            return kind.forward(Context(function, ctx), *tensors)

        @staticmethod
        def backward(ctx: Any, *gradients: Any) -> Any:
            """The gradients."""
            return kind.backward(Context(function, ctx), *gradients)

    return Today.apply(*given)
