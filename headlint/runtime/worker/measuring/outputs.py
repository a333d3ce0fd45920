"""The tensors that a model gives: found in what it returns, and summed up in the same words for every framework."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..reasons import Unmeasurable

MOST_OUTPUTS = 12
DEPTH = 4

MARK = "headlint_activation"
"""The attribute of a tensor that says which activation made it."""

ROUNDING = 1e-6
"""What single precision makes of equal values, relative to the largest: a sum of a softmax is not exactly 1."""


@dataclass(frozen=True)
class Activation:
    """The function that made a value; ``entering`` are the tensors that it was given, ``axis`` counts from 0.

    ``in_place`` says that what it was given is gone. ``reshaped`` says that the value has another shape since.
    """

    kind: str
    axis: int | None
    entering: tuple[Any, ...]
    in_place: bool = False
    reshaped: bool = False


def activation_of(tensor: Any) -> Activation | None:
    """The activation that made a tensor of the pass, or None."""
    return getattr(tensor, MARK, None)


def joined(values: Any) -> Activation | None:
    """The activation of several values put together: known where all of them come from the same."""
    parts = [activation_of(part) for part in values] if isinstance(values, (tuple, list)) else []
    known = [part for part in parts if part is not None]
    if not known or len(known) < len(parts) or len({part.kind for part in known}) > 1:
        return None
    entering = tuple(tensor for part in known for tensor in part.entering)
    return Activation(known[0].kind, None, entering, any(part.in_place for part in known), True)


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
    def kind(self) -> str:
        """The name of the function that made it; empty where none is known."""
        return self.activation.kind if self.activation is not None else ""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its sizes."""
        return tuple(int(size) for size in self.tensor.shape)


def found_in(
    value: Any,
    is_tensor: Callable[[Any], bool],
    parts_of: Callable[[Any], list[tuple[Any, Any]]],
    name: str = "",
    depth: int = DEPTH,
) -> Iterator[Output]:
    """Every tensor in what a model returns, named by its place: ``0``, ``logits``, ``aux.0``."""
    if is_tensor(value):
        yield Output(name, value)
        return
    for key, part in parts_of(value) if depth else ():
        yield from found_in(part, is_tensor, parts_of, f"{name}.{key}" if name else str(key), depth - 1)


def chosen(outputs: list[Output], wanted: str | int | None) -> int:
    """The index of the output that the loss takes: the one wanted, else the first that can be trained."""
    for index, output in enumerate(outputs):
        if wanted is not None and output.name in (str(wanted), f"{wanted}."):
            return index
    return next((index for index, output in enumerate(outputs) if "float" in dtype_of(output.tensor)), 0)


def dtype_of(tensor: Any) -> str:
    """``float32``, whatever the framework calls it."""
    dtype = tensor.dtype
    return str(getattr(dtype, "name", dtype)).removeprefix("torch.")


@dataclass
class Pass:
    """One pass: its outputs, what was seen, the tape where a framework needs one, and the way to the outputs of another
    batch."""

    outputs: list[Output]
    trace: Any
    again: Callable[[], list[Output]]
    tape: Any = None
    kept: list[list[Output]] = field(default_factory=list)

    def other(self, index: int) -> Any:
        """The same output for another batch; None where the pass fails."""
        if not self.kept:
            try:
                self.kept.append(self.again())
            except Unmeasurable:
                self.kept.append([])
        return self.kept[0][index].tensor if index < len(self.kept[0]) else None


def row_of(output: Output) -> dict[str, Any]:
    """An output as the protocol has it, before anything is said about its values."""
    seen = output.activation
    return {
        "name": output.name,
        "shape": list(output.shape),
        "dtype": dtype_of(output.tensor),
        "train": [],
        "eval": [],
        "activation": seen and {"kind": seen.kind, "axis": seen.axis},
    }


def summary_of(
    values: Any, batch: int, axis: int, log_sums: Callable[[Any, int], Any], other: Callable[[], Any]
) -> dict[str, Any]:
    """The summary of the values of an output, an array of any kind: its classes lie on ``axis``, ``log_sums`` gives the
    logarithms of the summed exponentials, ``other`` the values for another batch."""
    single = values.ndim == 1 and len(values) == batch
    rows = values[:, None] if single else values
    axis = 1 if single else axis
    size = math.prod(values.shape)
    return {
        "minimum": float(values.min()) if size else 0.0,
        "maximum": float(values.max()) if size else 0.0,
        "finite": bool((values - values == 0).all()),
        "row_sum_error": largest(rows.sum(axis=axis) - 1) if rows.ndim else None,
        "log_row_sum_error": largest(log_sums(rows, axis)) if rows.ndim else None,
        "batch_sum_error": largest(values.sum(axis=0) - 1) if values.ndim else None,
        "constant": is_constant(values, other),
    }


def largest(values: Any) -> float:
    """The largest distance from zero; 0 where there is nothing."""
    return float(abs(values).max()) if math.prod(values.shape) else 0.0


def is_constant(values: Any, other: Callable[[], Any]) -> bool:
    """Whether the samples of a batch all give the same but for rounding, and another batch too."""
    rounding = ROUNDING * largest(values)
    if values.ndim and len(values) > 1 and not largest(values - values[:1]) <= rounding:
        return False
    others = other()
    return others is not None and others.shape == values.shape and largest(others - values) <= rounding
