"""The search for inputs that a model takes: tries, what the layer that fails wants, and the next tries."""

from __future__ import annotations

import heapq
import itertools
import math
import operator
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from ..measuring.places import is_further, lines_of
from ..measuring.specs import Bundle, Inputs, TensorSpec, leaves_of
from ..program.standins import find_stand_in, missing_package
from ..reasons import Unmeasurable, describe, failing_line
from .inputs import fresh_values
from .meta_messages import in_usual_words
from .watch import around_calls, is_leaf

MOST_TRIES = 120
MORE_TRIES = 6
"""Tries after one whose error no size of an input changes: the fault is rather one of the model's own sizes."""

CUTTING = frozenset({"__getitem__", "split", "chunk", "tensor_split", "narrow", "split_with_sizes"})
"""Functions that give a part of what they are given."""

FIRST = 1_000_000
"""Priority of a first guess: above every repair, however deep the try that it repairs came."""


@dataclass
class Failure:
    """How a forward pass ended. ``layer`` is the innermost module that was running, ``got`` the tensors it was given,
    ``depth`` the number of layers that were done before, ``unflattened`` the shape of the last value before that had
    an axis beside batch and channels."""

    error: Exception
    layer: nn.Module | None
    got: list[Any]
    depth: int
    running: list[nn.Module] = field(default_factory=list)
    unflattened: tuple[int, ...] = ()
    device: str = "cpu"
    emptied: Emptied | None = None
    step: int = 0
    """How many tries had come further than all before, where this one came as far as any."""
    visits: int = 0
    """How many tries had ended at the same line before."""
    unsqueezed: tuple[int, int] | None = None
    """The axis that was to be taken away, and its size, where that is not one."""
    unmoved: bool = False
    """Whether two sizes do not fit whatever the sizes of the inputs are."""
    operands: list[Any] = field(default_factory=list)
    """The tensors that the function of torch was given that raised the error."""
    pinned: set[tuple[str, int]] = field(default_factory=set)
    """The axes of inputs whose size what ran before needs as it is."""

    @property
    def rank(self) -> tuple[int, bool, int]:
        """How much it tells: the deeper the more; that a name is not defined is no fault of the inputs."""
        return self.depth, isinstance(self.error, NameError), self.step

    @property
    def message(self) -> str:
        """The text of the error, or the assertion that failed."""
        text = in_usual_words(str(self.error))
        return text or (self.line if isinstance(self.error, AssertionError) else "")

    @property
    def line(self) -> str:
        """The line of source that failed; empty where it is not known."""
        return failing_line(self.error)


@dataclass(frozen=True)
class Emptied:
    """An input of which nothing was left on an axis when the program cut it: it is wider in the program's own use."""

    name: str
    axis: int
    size: int


@dataclass(frozen=True)
class Origin:
    """The inputs that a value was made of; ``direct`` where no layer with weights stands between."""

    names: frozenset[str]
    direct: bool


def origin_of(value: Any) -> Origin | None:
    """Where a tensor of the pass came from."""
    return getattr(value, "headlint_origin", None)


class NoInputs(Unmeasurable):
    """No inputs were found; ``deepest`` are those that came deepest into the model."""

    def __init__(self, reason: str, detail: str, deepest: Inputs) -> None:
        super().__init__(reason, detail)
        self.deepest = deepest


NEEDS_VALUES = re.compile(
    r"cannot be called on meta tensors|on a meta tensor|meta tensors?\b.*no data|data-(in)?dependent", re.I
)
"""What PyTorch says on meta where the program asks for a number: shapes alone lead no further."""


class TooSlow(BaseException):
    """A pass takes too long. No exception of the kind that programs catch."""


class FollowInputs(TorchFunctionMode):
    """Notes on each result which inputs it was made of, the shape of the last one with more than two axes, and the first
    input that is cut to nothing. After ``patience`` seconds the pass ends with ``TooSlow``; with ``whole`` it ends where
    samples are not kept apart."""

    def __init__(self, patience: float = math.inf, whole: bool = False) -> None:
        super().__init__()
        self._until = time.monotonic() + patience
        self._whole = whole
        self.unflattened: tuple[int, ...] = ()
        self.emptied: Emptied | None = None
        self.unsqueezed: tuple[int, int] | None = None
        self.refused: list[Any] = []

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """The call as it is; its results are marked."""
        kwargs = kwargs or {}
        if time.monotonic() > self._until:
            raise TooSlow
        try:
            result = func(*args, **kwargs)
        except Exception:
            self.refused = list(tensors_in((*args, *kwargs.values())))
            raise
        given = [origin for value in tensors_in((*args, *kwargs.values())) if (origin := origin_of(value)) is not None]
        if given:
            origin = Origin(frozenset().union(*(one.names for one in given)), all(one.direct for one in given))
            for value in tensors_in(result):
                value.headlint_origin = origin
                if value.dim() > 2:
                    self.unflattened = tuple(value.shape)
            if self._whole and getattr(func, "__name__", "") in ("view", "reshape"):
                refuse_parts_of_samples(args[0], result, args[1:])
            if getattr(func, "__name__", "") == "squeeze":
                self.unsqueezed = unsqueezed(*args, **kwargs)
            if getattr(func, "__name__", "") in CUTTING and origin.direct and self.emptied is None:
                self.emptied = emptied(args[0], result, origin)
        return result


class PartsOfSamples(RuntimeError):
    """Samples are no whole number of the rows that the program makes of them, or the rows are no parts that lie on an axis:
    ``view(-1, 400)`` of what has 16 times 10 times 10 values for each sample. PyTorch does as it is asked; the program
    means an input of another size."""


def refuse_parts_of_samples(values: Any, rows: Any, sizes: tuple[Any, ...]) -> None:
    """Ends a pass in the words that PyTorch has where no number of rows fits.

    Raises:
        PartsOfSamples: the rows are of a size that the program writes down, and neither whole samples nor places on their axes.
    """
    if rows.dim() != 2 or values.dim() < 3 or rows.shape[0] == values.shape[0]:
        return
    width = rows.shape[1]
    sizes = tuple(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)) else sizes
    parts = itertools.accumulate(reversed(values.shape), operator.mul)
    if len(sizes) == 2 and sizes[1] == width and width not in parts:
        raise PartsOfSamples(f"shape '[-1, {width}]' is invalid for input of size {values.numel()}")


def unsqueezed(values: Any, axis: Any = None, dim: Any = None) -> tuple[int, int] | None:
    """The axis that stays although it is to be taken away, and its size; None where it goes."""
    wanted = dim if axis is None else axis
    if not isinstance(wanted, int) or values.shape[wanted] == 1:
        return None
    return wanted % values.dim(), values.shape[wanted]


def emptied(whole: Any, parts: Any, origin: Origin) -> Emptied | None:
    """The axis on which nothing is left in one of the parts of an input; None where something is left in all."""
    for part in tensors_in(parts):
        if part.dim() == whole.dim() and whole.numel() and not part.numel():
            axis = next(axis for axis, size in enumerate(part.shape) if not size)
            return Emptied(min(origin.names), axis, whole.shape[axis])
    return None


def tensors_in(value: Any) -> Iterator[Any]:
    """The tensors in a value, a little way into containers."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for part in value:
            if isinstance(part, (torch.Tensor, tuple, list)):
                yield from tensors_in(part)
    elif isinstance(value, dict):
        yield from tensors_in(list(value.values()))
    elif isinstance(value, Bundle):
        yield from tensors_in(list(vars(value).values()))


@contextmanager
def following(stack: list[tuple[nn.Module, Any]], done: list[int]) -> Iterator[None]:
    """Keeps on ``stack`` the modules that are running, and counts those that are done."""

    def before(module: nn.Module, arguments: Any, keywords: Any = None) -> None:
        stack.append((module, arguments))

    def after(module: nn.Module, arguments: Any, result: Any) -> None:
        while stack and stack.pop()[0] is not module:
            continue
        if is_leaf(module):
            done[0] += 1
        if any(one is not None for one in module._parameters.values()):
            for value in tensors_in(result):
                origin = origin_of(value)
                if origin is not None:
                    value.headlint_origin = Origin(origin.names, False)

    with around_calls(before, after):
        yield


def attempt(
    model: nn.Module, inputs: Inputs, device: str, patience: float = math.inf, whole: bool = True
) -> Failure | Emptied | None:
    """One forward pass without gradients; None when it succeeds and nothing of the inputs is cut to nothing, nor with
    ``whole`` a sample into rows that are no parts of it."""
    stack: list[tuple[nn.Module, Any]] = []
    done = [0]
    followed = FollowInputs(patience, whole)
    try:
        by_place, by_name = fresh_values(inputs, device)
        mark(inputs, by_place, by_name)
        with torch.no_grad(), following(stack, done), followed:
            result = model(*by_place, **by_name)
    except Exception as error:  # whatever the user's code raises
        layer, arguments = stack[-1] if stack else (None, ())
        running = [module for module, _ in stack]
        got = list(tensors_in(arguments))
        return Failure(
            error, layer, got, done[0], running, followed.unflattened, device, followed.emptied,
            unsqueezed=followed.unsqueezed, operands=followed.refused,
        )  # fmt: skip
    replaced = find_stand_in(result)
    if replaced is not None:
        return Failure(Unmeasurable("missing-dependency", missing_package(repr(replaced)) or ""), None, [], done[0])
    if result is None:
        return Failure(Unmeasurable("output", "forward gives nothing"), None, [], done[0])
    return followed.emptied


def mark(inputs: Inputs, by_place: list[Any], by_name: dict[str, Any]) -> None:
    """Writes on each drawn tensor which input, or which part of one, it is."""
    places = iter(by_place)
    for name, spec in inputs.specs:
        value = by_name[name] if name in by_name else next(places)
        leaves = [leaf for leaf, kind in leaves_of(name, spec) if isinstance(kind, TensorSpec)]
        for leaf, tensor in zip(leaves, tensors_in(value), strict=False):
            tensor.headlint_origin = Origin(frozenset({leaf}), True)


def sources(failure: Failure, inputs: Inputs) -> list[str]:
    """The inputs that the failing layer's values came from, else all."""
    origins = [origin for value in failure.got if (origin := origin_of(value)) is not None]
    named = [name for origin in origins for name in sorted(origin.names)]
    return list(dict.fromkeys(named)) or [name for name, _ in inputs.leaves()]


def is_direct(failure: Failure) -> bool:
    """Whether the failing layer was given an input as it is, reshaped at most."""
    origins = [origin for value in failure.got[:1] if (origin := origin_of(value)) is not None]
    return bool(origins) and all(origin.direct for origin in origins)


def search(
    fresh: Callable[[], nn.Module],
    first: list[Inputs],
    repairs: Callable[[Failure, Inputs, nn.Module], Iterator[Inputs]],
    device: str,
    seconds: float,
    patience: float = math.inf,
) -> Inputs:
    """Inputs that the model takes: always goes on from the try that came deepest into the model.

    Raises:
        Unmeasurable: none was found; the error is that of the deepest try.
        TooSlow: one pass takes more seconds than ``patience``.
    """
    model = fresh()
    renewed = any(nn.parameter.is_lazy(parameter) for parameter in model.parameters())
    order = itertools.count()
    waiting: list[tuple[int, int, Inputs]] = [
        (-FIRST, next(order), inputs) for inputs in dict.fromkeys(one.lighter() for one in first)
    ]
    seen = set(first)
    deepest: Failure | None = None
    deepest_inputs = first[0]
    good_enough: Inputs | None = None
    furthest: list[tuple[str, int]] = []
    steps = 0
    ended: Counter[tuple[tuple[str, int], ...]] = Counter()
    until = time.monotonic() + seconds
    tries = MOST_TRIES
    for tried in range(MOST_TRIES):
        if not waiting or tried >= tries or (tried and time.monotonic() > until):
            break
        _, _, inputs = heapq.heappop(waiting)
        failure = attempt(model, inputs, device, patience)
        if failure is None:
            return inputs
        if isinstance(failure, Emptied):
            good_enough = good_enough or inputs
            waiting = [(0, next(order), wider) for wider in widened(inputs, failure) if wider not in seen]
            seen.update(wider for _, _, wider in waiting)
            continue
        if good_enough is None and isinstance(failure.error, PartsOfSamples):
            if attempt(model, inputs, device, patience, whole=False) is None:
                good_enough, tries = inputs, min(tries, tried + MORE_TRIES)
        lines = lines_of(failure.error)
        if is_further(lines, furthest):
            furthest, steps = lines, steps + 1
        step = failure.step = steps if lines == furthest else 0
        failure.visits = ended[tuple(lines)]
        ended[tuple(lines)] += 1
        if deepest is None or failure.rank > deepest.rank:
            deepest, deepest_inputs = failure, inputs
        if NEEDS_VALUES.search(failure.message):
            deepest, deepest_inputs = failure, inputs
            break
        for successor in (one.lighter() for one in itertools.islice(repairs(failure, inputs, model), 40)):
            if successor not in seen and all(0 not in spec.shape for _, spec in successor.tensors()):
                seen.add(successor)
                came = 0 if is_pinned(inputs, successor, failure.pinned) else failure.depth * MOST_TRIES + step
                heapq.heappush(waiting, (-came, next(order), successor))
        if failure.unmoved and step:
            tries = min(tries, tried + MORE_TRIES)
        if renewed:
            model = fresh()
    if good_enough is not None:
        return good_enough
    assert deepest is not None
    raise failed(deepest, deepest_inputs) from deepest.error


def is_pinned(inputs: Inputs, successor: Inputs, pinned: set[tuple[str, int]]) -> bool:
    """Whether other inputs differ in the sizes of pinned axes alone; those that differ in several inputs do so together."""
    if not pinned:
        return False
    others = dict(successor.tensors())
    if sum(others.get(name) != spec for name, spec in inputs.tensors()) > 1:
        return False
    for name, spec in inputs.tensors():
        other = others.get(name)
        if other is None or len(other.shape) != len(spec.shape) or other.dtype != spec.dtype:
            return False
        changed = [axis for axis, size in enumerate(spec.shape) if other.shape[axis] != size]
        if any((name, axis) not in pinned for axis in changed):
            return False
    return len(others) == len(list(inputs.tensors()))


def widened(inputs: Inputs, cut: Emptied) -> Iterator[Inputs]:
    """The inputs with more places on the axis on which nothing was left of one."""
    spec = inputs[cut.name]
    if isinstance(spec, TensorSpec) and cut.axis < len(spec.shape) and not spec.fixed:
        if cut.axis and spec.shape[cut.axis] == cut.size:
            shape = list(spec.shape)
            for size in (2 * cut.size, 4 * cut.size, 16 * cut.size):
                shape[cut.axis] = size
                yield inputs.with_spec(cut.name, replace(spec, shape=tuple(shape)))


def failed(failure: Failure, inputs: Inputs) -> Unmeasurable:
    """The end of a search, with the error of its deepest try and the inputs of that."""
    if isinstance(failure.error, Unmeasurable):
        return failure.error
    where = f" in {type(failure.layer).__name__}" if failure.layer is not None else ""
    text = describe(failure.error)
    if (missing := missing_package(text)) is not None:
        return Unmeasurable("missing-dependency", missing)
    return NoInputs("inputs", text + where, inputs)
