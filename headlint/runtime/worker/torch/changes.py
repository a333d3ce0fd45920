"""Sizes solved from how two numbers that do not fit change with an input: one further pass for each axis."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from torch import nn

from ..measuring.places import lines_of
from ..measuring.specs import Inputs, TensorSpec
from ..program.conditions import sizes_compared
from .search import Emptied, Failure, attempt, origin_of

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

VIEW = re.compile(r"shape '\[([-\d, ]+)\]' is invalid for input of size (\d+)")
"""What PyTorch says of a shape that a value does not fit into; one size of it may be open."""

COARSE = 4
"""Places on an axis from which on one more may make no difference."""

FEW = 8
"""Steps up to which a size is sought at which a value can be divided into rows."""

Axis = tuple[str, int]
"""An input and an axis of it."""


def solved_by_steps(failure: Failure, inputs: Inputs, model: nn.Module) -> Iterator[Inputs]:
    """The inputs with one axis as long as it must be for two numbers to be equal that the program wants equal: each is taken
    to grow evenly with it, as a second pass shows."""
    pair = unequal(failure)
    if pair is None or failure.visits >= MOST_VISITS:
        return
    failure.unmoved = True
    made_of = {name for value in failure.operands if (origin := origin_of(value)) is not None for name in origin.names}
    for axes in axes_of(inputs, made_of or {name for name, _ in inputs.tensors()}):
        name, axis = axes[0]
        spec = inputs[name]
        assert isinstance(spec, TensorSpec)
        size = spec.shape[axis]
        second = attempt(model, on_axes(inputs, axes, size + 1), failure.device)
        ends_alike = is_like(second, failure)
        changed = unequal(second) if isinstance(second, Failure) and ends_alike else None
        if (not ends_alike or changed == pair) and size >= COARSE and len(spec.shape) > 2 and axis:
            double = attempt(model, on_axes(inputs, axes, 2 * size), failure.device)
            if (
                isinstance(double, Failure)
                and is_like(double, failure)
                and (grown := unequal(double)) not in (None, pair)
            ):
                assert grown is not None
                failure.unmoved = False
                yield from (on_axes(inputs, axes, wanted) for wanted in near(pair, grown, size))
                continue
        if not ends_alike:
            if isinstance(second, Failure) and second.depth < failure.depth:
                failure.pinned.update(axes)
            else:
                failure.unmoved = False
            continue
        failure.unmoved &= changed == pair
        for wanted in equal_at(pair, changed) if changed is not None else ():
            if 0 < size + wanted <= LARGEST:
                yield on_axes(inputs, axes, size + wanted)


def is_like(second: Failure | Emptied | None, failure: Failure) -> bool:
    """Whether a pass ended at the same line as another."""
    return isinstance(second, Failure) and lines_of(second.error) == lines_of(failure.error)


@dataclass(frozen=True)
class Pair:
    """Two numbers that should be equal; with ``rows`` the second should be any number of times the first."""

    one: int
    other: int
    rows: bool = False

    def fits(self, steps: int, changed: Pair) -> bool:
        """Whether they are so after some steps, of which one has changed them so."""
        one = self.one + steps * (changed.one - self.one)
        other = self.other + steps * (changed.other - self.other)
        return one > 0 and other > 0 and (other % one == 0 if self.rows else one == other)


def unequal(failure: Failure) -> Pair | None:
    """The two numbers that do not fit; None where the error names none."""
    for pattern in PAIRS:
        if (found := pattern.search(failure.message)) and found[1] != found[2]:
            return Pair(int(found[1]), int(found[2]))
    if found := VIEW.search(failure.message):
        sizes = [int(size) for size in found[1].split(",")]
        return Pair(math.prod(size for size in sizes if size > 0), int(found[2]), rows=-1 in sizes)
    return next((Pair(*sizes) for sizes in sizes_compared(failure.error)), None)


def equal_at(pair: Pair, changed: Pair) -> Iterator[int]:
    """After how many steps of an axis two numbers fit, which one step has changed so."""
    slope = (changed.one - pair.one) - (changed.other - pair.other)
    if pair.rows and slope:
        near = sorted(range(-FEW, FEW + 1), key=abs)
        yield from (steps for steps in near if pair.fits(steps, changed))
    elif slope and (pair.other - pair.one) % slope == 0:
        yield (pair.other - pair.one) // slope


def near(pair: Pair, changed: Pair, size: int) -> Iterator[int]:
    """The sizes of an axis at which two numbers fit about, which twice its size has changed so: what is pooled on the way
    changes only now and then."""
    slope = (changed.one - pair.one) - (changed.other - pair.other)
    if slope and not pair.rows:
        aim = size + math.ceil((pair.other - pair.one) * size / slope)
        yield from (one for one in (aim, aim + 1, aim - 1, aim + 2, aim + 4) if 0 < one <= LARGEST and one != size)


def axes_of(inputs: Inputs, names: set[str]) -> Iterator[list[Axis]]:
    """Each axis of each input of these names whose shape nobody has fixed; the samples of all are one."""
    free = [(name, spec) for name, spec in inputs.tensors() if spec.shape and not spec.fixed]
    for name, spec in free:
        if name not in names:
            continue
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
