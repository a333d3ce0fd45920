"""The search for inputs that a model takes: tries, what the layer that fails wants, and the next tries."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from ..measuring.specs import Inputs, TensorSpec, leaves_of
from ..program.standins import find_stand_in, missing_package
from ..reasons import Unmeasurable, describe
from .inputs import fresh_values
from .watch import around_calls, is_leaf

MOST_TRIES = 120
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

    @property
    def message(self) -> str:
        """The text of the error."""
        return str(self.error)


@dataclass(frozen=True)
class Origin:
    """The inputs that a value was made of; ``direct`` where no layer with weights stands between."""

    names: frozenset[str]
    direct: bool


def origin_of(value: Any) -> Origin | None:
    """Where a tensor of the pass came from."""
    return getattr(value, "headlint_origin", None)


class FollowInputs(TorchFunctionMode):
    """Notes on each result which inputs it was made of, and the shape of the last one with more than two axes."""

    def __init__(self) -> None:
        super().__init__()
        self.unflattened: tuple[int, ...] = ()

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """The call as it is; its results are marked."""
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        given = [origin for value in tensors_in((*args, *kwargs.values())) if (origin := origin_of(value)) is not None]
        if given:
            origin = Origin(frozenset().union(*(one.names for one in given)), all(one.direct for one in given))
            for value in tensors_in(result):
                value.headlint_origin = origin
                if value.dim() > 2:
                    self.unflattened = tuple(value.shape)
        return result


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
        if next(module.parameters(recurse=False), None) is not None:
            for value in tensors_in(result):
                origin = origin_of(value)
                if origin is not None:
                    value.headlint_origin = Origin(origin.names, False)

    with around_calls(before, after):
        yield


def attempt(model: nn.Module, inputs: Inputs, device: str) -> Failure | None:
    """One forward pass without gradients; None when it succeeds."""
    stack: list[tuple[nn.Module, Any]] = []
    done = [0]
    followed = FollowInputs()
    try:
        by_place, by_name = fresh_values(inputs, device)
        mark(inputs, by_place, by_name)
        with torch.no_grad(), following(stack, done), followed:
            result = model(*by_place, **by_name)
    except Exception as error:  # whatever the user's code raises
        layer, arguments = stack[-1] if stack else (None, ())
        running = [module for module, _ in stack]
        got = list(tensors_in(arguments))
        return Failure(error, layer, got, done[0], running, followed.unflattened, device)
    replaced = find_stand_in(result)
    if replaced is not None:
        return Failure(Unmeasurable("missing-dependency", missing_package(repr(replaced)) or ""), None, [], done[0])
    if result is None:
        return Failure(Unmeasurable("output", "forward gives nothing"), None, [], done[0])
    return None


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
) -> Inputs:
    """Inputs that the model takes: always goes on from the try that came deepest into the model.

    Raises:
        Unmeasurable: none was found; the error is that of the deepest try.
    """
    model = fresh()
    renewed = any(nn.parameter.is_lazy(parameter) for parameter in model.parameters())
    order = itertools.count()
    waiting: list[tuple[int, int, Inputs]] = [(-FIRST, next(order), inputs.lighter()) for inputs in first]
    seen = set(first)
    deepest: Failure | None = None
    until = time.monotonic() + seconds
    for tried in range(MOST_TRIES):
        if not waiting or (tried and time.monotonic() > until):
            break
        _, _, inputs = heapq.heappop(waiting)
        failure = attempt(model, inputs, device)
        if failure is None:
            return inputs
        if deepest is None or failure.depth > deepest.depth:
            deepest = failure
        for successor in (one.lighter() for one in itertools.islice(repairs(failure, inputs, model), 40)):
            if successor not in seen:
                seen.add(successor)
                heapq.heappush(waiting, (-failure.depth, next(order), successor))
        if renewed:
            model = fresh()
    assert deepest is not None
    raise failed(deepest)


def failed(failure: Failure) -> Unmeasurable:
    """The end of a search, with the error of its deepest try."""
    if isinstance(failure.error, Unmeasurable):
        return failure.error
    where = f" in {type(failure.layer).__name__}" if failure.layer is not None else ""
    text = describe(failure.error)
    if (missing := missing_package(text)) is not None:
        return Unmeasurable("missing-dependency", missing)
    return Unmeasurable("inputs", text + where)
