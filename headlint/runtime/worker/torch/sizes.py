"""Other sizes for the inputs of a PyTorch model: scaled, matched with another size, or solved from two passes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import nn

from ..measuring.specs import BATCH, Inputs, TensorSpec
from .inputs import fresh_values
from .search import Failure, FollowInputs, mark, origin_of, sources

COMMON_SIDES = (28, 32, 64, 96, 112, 128, 224, 227, 256, 299, 384, 512)
LARGEST_SIDE = 700
LONGEST = 200_000
"""Steps of a sequence at most: some seconds of sound."""

MOST_NUMBERS = 2_000_000
"""Places of an image at most."""

MOST_SOUGHT = 2
"""Shapes of a flattened value for which further passes seek the sizes."""

MOST_PASSES = 8

MOST_PLACES = 512
"""Attributes of a module up to which they may be a number of places."""

NEAR = 5
"""From which distance on a usual size is none that is about as large."""
SIZE_NAME = re.compile(
    r"^(img|image|input|crop|patch)?_?(size|res|resolution|shape|dim|height|width|length|len)$|max_?len|block_size|seq_?len"
)


def with_size(spec: TensorSpec, axis: int, size: int) -> TensorSpec:
    """The same with one size changed."""
    return replace(spec, shape=(*spec.shape[:axis], size, *spec.shape[axis + 1 :]))


def with_batch(inputs: Inputs, size: int) -> Iterator[Inputs]:
    """The inputs with another number of samples."""
    changed = inputs
    for name, spec in inputs.tensors():
        if spec.shape and spec.shape[0] == BATCH and not spec.fixed:
            changed = changed.with_spec(name, with_size(spec, 0, size))
    if changed != inputs and 0 < size <= 512:
        yield changed.with_count_of(inputs.batch)


def scaled(inputs: Inputs, name: str, spec: TensorSpec, factor: float) -> Iterator[Inputs]:
    """The input with its free sizes changed so that a product over them changes by about ``factor``."""
    if spec.fixed or len(spec.shape) < 2:
        return
    free = list(sides_of(spec)) if len(spec.shape) >= 4 else list(range(1, len(spec.shape)))
    if len(spec.shape) == 3:
        yield from (inputs.with_spec(name, shape) for axis in (2, 1) for shape in resized(spec, (axis,), factor))
        return
    yield from (inputs.with_spec(name, shape) for shape in resized(spec, tuple(free), factor ** (1 / len(free))))
    if len(free) == 2:
        for axis in free:
            yield from (inputs.with_spec(name, shape) for shape in list(resized(spec, (axis,), factor))[:2])


def sides_of(spec: TensorSpec) -> tuple[int, ...]:
    """The axes of an image, or of a film, that are no channels: all behind the second, or with channels last all before it."""
    _, first, *others = spec.shape
    last = len(others) > 1 and others[-1] != first and {first, *others[:-1]} == {first}
    return tuple(range(1, len(spec.shape) - 1)) if last else tuple(range(2, len(spec.shape)))


HALVED = (64, 32)
"""Sides that can be halved so often, or many times such a side, fit when what was made smaller is made larger again."""

OFF_BY = 3
"""By how much two sides differ at most of which one was rounded."""


def halved_evenly(failure: Failure, inputs: Inputs) -> Iterator[Inputs]:
    """Images whose sides can be halved often, where two values that ought to be equally large differ by a little."""
    found = re.search(
        r"size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\)|[Ee]xpected size (\d+) but got size (\d+)",
        failure.message,
    )
    one, other = [int(size) for size in found.groups() if size] if found else (0, 0)
    if not 0 < abs(one - other) <= OFF_BY:
        return
    for name, spec in inputs.tensors():
        if len(spec.shape) < 4 or spec.fixed:
            continue
        for step in HALVED:
            whole = {axis: -(-spec.shape[axis] // step) * step for axis in sides_of(spec)}
            if max(whole.values()) <= LARGEST_SIDE and any(spec.shape[axis] != size for axis, size in whole.items()):
                yield inputs.with_spec(name, resized_on(spec, whole))


def resized(spec: TensorSpec, axes: tuple[int, ...], factor: float) -> Iterator[TensorSpec]:
    """The sizes on some axes times ``factor``: rounded, the nearest common ones, and the neighbours."""
    aim = spec.shape[axes[0]] * factor
    near = sorted(COMMON_SIDES, key=lambda side: abs(math.log(side / max(aim, 1.0))))[:2]
    rounded = max(round(aim), 1)
    for size in dict.fromkeys((rounded, *near, rounded + 1, rounded - 1, rounded + 2, rounded + 4, rounded - 2)):
        if 0 < size <= (LONGEST if len(spec.shape) < 4 else LARGEST_SIDE) and size != spec.shape[axes[0]]:
            shape = list(spec.shape)
            for axis in axes:
                shape[axis] = size
            yield replace(spec, shape=tuple(shape))


def matched(inputs: Inputs, got: int, wanted: int) -> Iterator[Inputs]:
    """Inputs in which a size that was ``got`` becomes ``wanted``."""
    for one, other in ((got, wanted), (wanted, got)):
        for name, spec in inputs.tensors():
            for axis in range(len(spec.shape) - 1, 0, -1):
                if spec.shape[axis] == one and not spec.fixed:
                    yield inputs.with_spec(name, with_size(spec, axis, other))
    for name, spec in inputs.tensors():
        if not spec.fixed and got > 1 and wanted > 1:
            yield from scaled(inputs, name, spec, wanted / got)
            yield from scaled(inputs, name, spec, (wanted - 1) / (got - 1))
    yield from with_batch(inputs, wanted)
    yield from with_batch(inputs, got)


NO_PLACE = (
    re.compile(r"padded input size per channel: \(([\dx ]+)\)\. Kernel size: \(([\dx ]+)\)"),
    re.compile(r"Given input size: \(\d+x([\dx]+)\)\. Calculated output size: \(\d+x([\dx-]+)\)"),
)
"""What PyTorch says of an image that a window does not fit into: its sides, and those of the window or how many places the
window has on each."""


def large_enough(failure: Failure, inputs: Inputs) -> Iterator[Inputs]:
    """Images that are larger only on the axes on which a window does not fit."""
    number, found = next(
        ((number, match) for number, pattern in enumerate(NO_PLACE) if (match := pattern.search(failure.message))),
        (0, None),
    )
    if found is None:
        return
    sides, others = ([int(size) for size in re.findall(r"-?\d+", group)] for group in found.groups())
    wanted = others if number == 0 else [side - places + 1 for side, places in zip(sides, others, strict=False)]
    small = {axis: want / side for axis, (side, want) in enumerate(zip(sides, wanted, strict=False)) if want > side > 0}
    for name in sources(failure, inputs):
        spec = inputs[name]
        if not isinstance(spec, TensorSpec) or spec.fixed or len(spec.shape) != len(sides) + 2:
            continue
        for more in (1, 2, 8) if small else ():
            larger = resized_on(
                spec, {axis + 2: math.ceil(times * more * spec.shape[axis + 2]) for axis, times in small.items()}
            )
            if math.prod(larger.shape[2:]) <= MOST_NUMBERS:
                yield inputs.with_spec(name, larger)


BEHIND_LAST = re.compile(r"index (\d+) is out of bounds for dimension (\d) with size (\d+)")
"""What PyTorch says of a place that an axis does not have."""


def longer(failure: Failure, inputs: Inputs) -> Iterator[Inputs]:
    """An input with more places on an axis, where the program reads one behind the last: as many as a running module says,
    else a few times as many."""
    found = BEHIND_LAST.search(failure.message)
    if found is None:
        return
    axis, size = int(found[2]), int(found[3])
    for value in failure.operands[:1]:
        origin = origin_of(value)
        if origin is None or not origin.direct or len(origin.names) != 1 or not axis:
            return
        (name,) = origin.names
        spec = inputs[name]
        if not isinstance(spec, TensorSpec) or spec.fixed or spec.shape[axis : axis + 1] != (size,):
            return
        own = (one for module in failure.running for one in vars(module).values() if type(one) is int)
        for more in dict.fromkeys([*(one for one in own if size < one <= MOST_PLACES), 2 * size, 4 * size, 16 * size]):
            yield inputs.with_spec(name, with_size(spec, axis, more))


def narrower(inputs: Inputs, names: list[str], surplus: int, axis: int) -> Iterator[Inputs]:
    """The inputs, one of them, all together, or all of one shape, with so many features less on an axis: they are put side by
    side."""
    free = [
        (name, spec)
        for name, spec in inputs.tensors()
        if name in names and len(spec.shape) > 1 and not spec.fixed and not spec.is_integer
    ]
    alike = [[one for one in free if one[1].shape == shape] for shape in dict.fromkeys(spec.shape for _, spec in free)]
    several = [group for group in ([free, *alike] if len(free) > 1 else []) if len(group) > 1]
    for changed in several + [[one] for one in free]:
        share = surplus // len(changed)
        if surplus % len(changed) == 0 and all(0 < spec.shape[axis] - share < 10_000 for _, spec in changed):
            narrow = inputs
            for name, spec in changed:
                narrow = narrow.with_spec(name, with_size(spec, axis % len(spec.shape), spec.shape[axis] - share))
            yield narrow


def declared_sizes(failure: Failure, inputs: Inputs) -> Iterator[Inputs]:
    """Sizes that the running modules hold in attributes such as ``img_size``."""
    found: dict[int, None] = {}
    for module in reversed(failure.running):
        for key, value in vars(module).items():
            first = value[0] if isinstance(value, (tuple, list)) and value else value
            if SIZE_NAME.search(key) and isinstance(first, int) and 1 < first <= 1024:
                found[first] = None
    for size in list(found)[:6]:
        yield from all_as_long(inputs, size)
        for name, spec in inputs.tensors():
            if spec.fixed:
                continue
            if len(spec.shape) >= 4:
                yield inputs.with_spec(name, replace(spec, shape=(*spec.shape[:2], *[size] * (len(spec.shape) - 2))))
            elif len(spec.shape) >= 2:
                yield inputs.with_spec(name, with_size(spec, 1, size))
                yield inputs.with_spec(name, with_size(spec, len(spec.shape) - 1, size))


def all_as_long(inputs: Inputs, size: int) -> Iterator[Inputs]:
    """The inputs with so many steps in all sequences, where there are several."""
    sequences = [(name, spec) for name, spec in inputs.tensors() if len(spec.shape) == 3 and not spec.fixed]
    changed = inputs
    for name, spec in sequences:
        changed = changed.with_spec(name, with_size(spec, 1, size))
    if len(sequences) > 1 and changed != inputs:
        yield changed


def usual_sides(inputs: Inputs) -> Iterator[Inputs]:
    """Each image with each usual side, for want of anything better."""
    for name, spec in inputs.tensors():
        for side in COMMON_SIDES if len(spec.shape) == 4 and not spec.fixed else ():
            yield inputs.with_spec(name, replace(spec, shape=(*spec.shape[:2], side, side)))


def solved(failure: Failure, inputs: Inputs, model: nn.Module) -> Iterator[Inputs]:
    """Sizes that give a linear layer the features it takes, where it is given a value flattened.

    A second pass with a larger input shows which axes of that value grow with which of the input, and how fast.
    """
    wanted = features_wanted(failure)
    if not wanted or not failure.unflattened:
        return
    for name in sources(failure, inputs):
        spec = inputs[name]
        if not isinstance(spec, TensorSpec) or spec.fixed or len(spec.shape) < 3:
            continue
        for axes in [sides_of(spec)] if len(spec.shape) > 3 else [(2,), (1,)]:

            def flattened(one: TensorSpec, name: str = name) -> tuple[int, ...]:
                return last_unflattened(model, inputs.with_spec(name, one), failure.device)

            solutions = Solutions(spec, axes, failure.unflattened, flattened)
            yield from (inputs.with_spec(name, one) for one in solutions.of(wanted, failure.visits == 0))


def features_wanted(failure: Failure) -> int:
    """How many features a linear layer, or a ``view`` in front of one, wants; 0 where neither failed."""
    text = failure.message
    if isinstance(failure.layer, nn.Linear) and "mat1 and mat2" in text:
        return int(failure.layer.in_features)
    if found := re.search(r"shape '\[-?\d+, (\d+)\]' is invalid", text):
        return int(found[1])
    if found := re.search(r"\(\d+x\d+ and (\d+)x\d+\)", text):
        return int(found[1])
    return 0


@dataclass(frozen=True)
class Solutions:
    """The sizes of some axes of an input at which a value that is flattened has as many features as a layer takes.
    ``small`` is its shape for the input as it is, ``flattened`` gives it for another one."""

    spec: TensorSpec
    axes: tuple[int, ...]
    small: tuple[int, ...]
    flattened: Callable[[TensorSpec], tuple[int, ...]]

    def of(self, wanted: int, exactly: bool) -> Iterator[TensorSpec]:
        """The squarest first. With ``exactly`` further passes seek the size of each axis: what is pooled on the way does not
        grow evenly with the input."""
        larger = resized_on(self.spec, {axis: 2 * self.spec.shape[axis] for axis in self.axes})
        large = self.flattened(larger)
        if len(self.small) != len(large):
            return
        grown = [axis for axis in range(1, len(large)) if self.small[axis] != large[axis]]
        kept = math.prod(self.small[axis] for axis in range(1, len(large)) if axis not in grown)
        if len(grown) != len(self.axes) or not kept or wanted % kept:
            return
        squarest = sorted(factorizations(wanted // kept, len(grown)), key=lambda one: max(one) / min(one))
        for number, factors in enumerate(squarest[:8]):
            lines = [
                Line(axis, other, factor, {self.spec.shape[axis]: self.small[other], larger.shape[axis]: large[other]})
                for axis, other, factor in zip(self.axes, grown, factors, strict=True)
            ]
            if exactly and number < MOST_SOUGHT and (found := self.sought(lines)) is not None:
                yield found
            for more in (0, 1, -1, 2):
                sizes = {line.axis: line.even + more for line in lines}
                if self.is_small_enough(sizes):
                    yield resized_on(self.spec, sizes)

    def sought(self, lines: list[Line]) -> TensorSpec | None:
        """The sizes at which every axis has as many places as wanted; None where no pass shows them."""
        for _ in range(MOST_PASSES):
            sizes = {line.axis: size for line in lines if (size := line.next_size()) is not None}
            if len(sizes) < len(lines) or not self.is_small_enough(sizes):
                return None
            one = resized_on(self.spec, sizes)
            shape = self.flattened(one)
            if len(shape) != len(self.small):
                return None
            if all(shape[line.other] == line.wanted for line in lines):
                return one
            for line in lines:
                line.places[sizes[line.axis]] = shape[line.other]
        return None

    def is_small_enough(self, sizes: dict[int, int]) -> bool:
        """Whether an input of these sizes is none that takes too long."""
        return all(0 < size <= LONGEST for size in sizes.values()) and math.prod(sizes.values()) <= MOST_NUMBERS


@dataclass(frozen=True)
class Line:
    """An axis of an input, the axis of the flattened value that grows with it, how many places that should have, and how many
    it has at the sizes that were tried."""

    axis: int
    other: int
    wanted: int
    places: dict[int, int]

    @property
    def even(self) -> int:
        """The size that does, where the places grow evenly with it."""
        (size, few), (double, many), *_ = self.places.items()
        return math.ceil(size + (self.wanted - few) * (double - size) / (many - few))

    def next_size(self) -> int | None:
        """The size to be tried next; None where none is left between those that give too few places and too many."""
        fitting = next((size for size, places in self.places.items() if places == self.wanted), None)
        if fitting is not None:
            return fitting
        below = max((size for size, places in self.places.items() if places < self.wanted), default=0)
        above = min((size for size, places in self.places.items() if places > self.wanted), default=None)
        if above is None:
            return self.even if self.even > below else 2 * below
        if above - below <= 1:
            return None
        few, many = self.places.get(below, 0), self.places[above]
        between = below + math.ceil((self.wanted - few) * (above - below) / (many - few))
        usual = min(COMMON_SIDES, key=lambda side: abs(side - between))
        return (
            usual if below < usual < above and abs(usual - between) < NEAR else min(max(between, below + 1), above - 1)
        )


def last_unflattened(model: nn.Module, inputs: Inputs, device: str) -> tuple[int, ...]:
    """The shape of the last value of a pass that has an axis beside samples and channels, however the pass ends."""
    followed = FollowInputs(whole=True)
    by_place, by_name = fresh_values(inputs, device)
    mark(inputs, by_place, by_name)
    try:
        with torch.no_grad(), followed:
            model(*by_place, **by_name)
    except Exception:  # whatever the user's code raises
        return followed.unflattened
    return followed.unflattened


def factorizations(number: int, parts: int) -> Iterator[tuple[int, ...]]:
    """The ways to write a number as a product of so many factors, in every order."""
    if parts <= 1:
        yield (number,)
        return
    small = [one for one in range(1, math.isqrt(number) + 1) if number % one == 0]
    for factor in sorted({*small, *(number // one for one in small)}):
        yield from ((factor, *rest) for rest in factorizations(number // factor, parts - 1))


def resized_on(spec: TensorSpec, sizes: dict[int, int]) -> TensorSpec:
    """The same with other sizes on some axes."""
    return replace(spec, shape=tuple(sizes.get(axis, size) for axis, size in enumerate(spec.shape)))
