"""Sizes solved from how two numbers that do not fit change with an input: one further pass for each axis."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace

from torch import nn

from ..measuring.places import lines_of
from ..measuring.specs import Inputs, TensorSpec
from ..program.conditions import sizes_compared
from .search import Failure, attempt

MOST_VISITS = 4
"""Tries that end at one line up to which the sizes are solved."""

LARGEST = 20_000

PAIRS = tuple(
    map(
        re.compile,
        (
            r"size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\)",
            r"\d+x(\d+) and (\d+)x\d+",
            r"[Ee]xpected size (\d+) but got size (\d+)",
            r"[Ee]xpected (\d+), got (\d+)",
            r"to have (\d+) channels, but got (\d+)",
            r"batch_size \((\d+)\) to match target batch_size \((\d+)\)",
            r"batch2 tensor to be: \[\d+, (\d+)\] but got: \[\d+, (\d+)\]",
            r"batch2 tensor to be: \[(\d+), \d+\] but got: \[(\d+), \d+\]",
        ),
    )
)
"""How PyTorch names two numbers that should be equal."""

VIEW = re.compile(r"shape '\[([\d, ]+)\]' is invalid for input of size (\d+)")

Axis = tuple[str, int]
"""An input and an axis of it."""


def solved_by_steps(failure: Failure, inputs: Inputs, model: nn.Module) -> Iterator[Inputs]:
    """The inputs with one axis as long as it must be for two numbers to be equal that the program wants equal: each is taken
    to grow evenly with it, as a second pass shows."""
    pair = unequal(failure)
    if pair is None or failure.visits >= MOST_VISITS:
        return
    for axes in axes_of(inputs):
        name, axis = axes[0]
        spec = inputs[name]
        assert isinstance(spec, TensorSpec)
        size = spec.shape[axis]
        second = attempt(model, on_axes(inputs, axes, size + 1), failure.device)
        if not isinstance(second, Failure) or lines_of(second.error) != lines_of(failure.error):
            if isinstance(second, Failure) and second.depth < failure.depth:
                failure.pinned.update(axes)
            continue
        changed = unequal(second)
        if changed is not None and (wanted := equal_at(pair, changed)) is not None and 0 < size + wanted <= LARGEST:
            yield on_axes(inputs, axes, size + wanted)


def unequal(failure: Failure) -> tuple[int, int] | None:
    """The two numbers that should be equal; None where the error names none."""
    for pattern in PAIRS:
        if (found := pattern.search(failure.message)) and found[1] != found[2]:
            return int(found[1]), int(found[2])
    if found := VIEW.search(failure.message):
        return math.prod(map(int, found[1].split(","))), int(found[2])
    return next(sizes_compared(failure.error), None)


def equal_at(pair: tuple[int, int], changed: tuple[int, int]) -> int | None:
    """How many steps of an axis make two numbers equal, which one step changes so; None where no whole number does."""
    slope = (changed[0] - pair[0]) - (changed[1] - pair[1])
    missing = pair[1] - pair[0]
    return missing // slope if slope and missing % slope == 0 else None


def axes_of(inputs: Inputs) -> Iterator[list[Axis]]:
    """Each axis of each input whose shape nobody has fixed; the samples of all are one."""
    free = [(name, spec) for name, spec in inputs.tensors() if spec.shape and not spec.fixed]
    for name, spec in free:
        yield from ([(name, axis)] for axis in range(len(spec.shape) - 1, 0, -1))
    samples = [(name, 0) for name, spec in free if spec.shape[0] == inputs.batch]
    if any(len(spec.shape) > 1 for _, spec in free):
        yield samples


def on_axes(inputs: Inputs, axes: list[Axis], size: int) -> Inputs:
    """The inputs with another size on some axes."""
    for name, axis in axes:
        spec = inputs[name]
        assert isinstance(spec, TensorSpec)
        inputs = inputs.with_spec(name, replace(spec, shape=(*spec.shape[:axis], size, *spec.shape[axis + 1 :])))
    return inputs
