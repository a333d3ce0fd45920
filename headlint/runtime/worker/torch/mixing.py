"""Operations that mix the samples of a batch: one sample is changed, and what changes in the others is followed."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from ..measuring.mentions import place_of
from ..measuring.places import running_line
from ..measuring.suspects import Suspect
from .calls import Calls, calls_in
from .outputs import plain_values
from .watch import OVER_AN_AXIS, softmax_axis

TORCH = os.path.dirname(torch.__file__) + os.sep

SAMPLE = 1
"""The sample that is changed."""

LAYOUTS = frozenset({"view", "reshape", "view_as", "reshape_as", "flatten", "unflatten"})
BATCH_FIRST = frozenset(
    {
        "conv1d", "conv2d", "conv3d", "batch_norm", "max_pool1d", "max_pool2d", "max_pool3d", "avg_pool1d", "avg_pool2d",
        "avg_pool3d", "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d",
    }
)  # fmt: skip
"""Functions for which the first axis is the batch whatever the program thinks."""

SEQUENCES = (nn.RNNBase, nn.MultiheadAttention)
TOLERANCE = 1e-5
MOST_NUMBERS = 30_000_000
"""Numbers that are kept of one pass; what comes later is not followed."""

Prepared = Callable[[bool], Callable[[], list[Any]]]
"""One pass in evaluation mode over the same inputs, on request with one sample changed, and all is ready but the pass
itself, which gives tensors."""


def mixed(model: nn.Module, prepared: Prepared, batch: int, batch_is_first: bool = False) -> tuple[Suspect, ...]:
    """What mixes the samples of a batch that lie on the first axis of the inputs and the outputs.

    ``batch_is_first`` says that this is known; else an operation must show it before a sequence layer is accused.
    """
    if batch <= SAMPLE + 1:
        return ()
    run, run_again = prepared(False), prepared(True)
    with torch.no_grad(), calls_in(model) as calls, Following(calls) as plain:
        outputs = run()
    with torch.no_grad(), calls_in(model) as calls, Following(calls) as changed:
        others = run_again()
    if not any(rows_change(one, other, batch) for one, other in zip(outputs, others, strict=False)):
        return ()
    if [one.name for one in plain.events] != [one.name for one in changed.events]:
        return ()
    return tuple(dict.fromkeys(_suspects(model, plain.events, changed.events, batch, batch_is_first)))


def rows_change(one: Any, other: Any, batch: int) -> bool:
    """Whether an output of the other samples changes."""
    if one.dim() == 0 or len(one) != batch or one.shape != other.shape or tuple(one.shape) == (batch, batch):
        return False
    rows = changes(one, other).flatten(1).any(1) if one.dim() > 1 else changes(one, other)
    rows[SAMPLE] = False
    return bool(rows.any())


def changes(one: Any, other: Any) -> Any:
    """Where two tensors differ beyond rounding."""
    first, second = plain_values(one), plain_values(other)
    scale = float(first.abs().max()) if first.numel() else 0.0
    return (first - second).abs() > TOLERANCE * max(scale, 1e-12)


def place_of_sample(one: Any, other: Any, batch: int, whole: bool = False) -> int | None:
    """The axis on which only a share of one sample differs; -1 where nothing differs, None where all is mixed.

    With ``whole`` each sample must have as many entries of the axis as any other.
    """
    if one.shape != other.shape:
        return None
    different = changes(one, other)
    if not bool(different.any()):
        return -1
    for axis, size in enumerate(different.shape):
        rest = [number for number in range(different.dim()) if number != axis]
        touched = int((different.any(dim=rest) if rest else different).sum())
        if size > 1 and touched <= math.ceil(size / batch) and not (whole and size % batch):
            return axis
    return None


@dataclass
class Event:
    """One operation: its result, the events that made its arguments, and what was running."""

    name: str
    result: Any
    kept: Any
    made_by: tuple[int, ...]
    module: nn.Module | None
    axis: int | None
    place: tuple[str, int]


@dataclass
class Following(TorchFunctionMode):
    """Keeps the results of all operations, in their order."""

    calls: Calls
    events: list[Event] = field(default_factory=list)
    numbers: int = 0

    def __post_init__(self) -> None:
        super().__init__()
        self._made: dict[int, int] = {}

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """The call as it is."""
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        first = result[0] if isinstance(result, tuple) and result else result
        if isinstance(first, torch.Tensor) and not isinstance(first, nn.Parameter) and self.numbers < MOST_NUMBERS:
            self._keep(getattr(func, "__name__", ""), first, args, kwargs)
        return result

    def _keep(self, name: str, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        given = list(_tensors((*args, *kwargs.values())))
        made_by = tuple(self._made[id(one)] for one in given if id(one) in self._made)
        axis = softmax_axis(name, given[0].dim(), args, kwargs) if name in OVER_AN_AXIS and given else None
        inside = self.calls.inside[-1] if self.calls.inside else None
        place = running_line(TORCH) if name in OVER_AN_AXIS or name in LAYOUTS else ("", 0)
        self._made[id(result)] = len(self.events)
        self.numbers += result.numel()
        self.events.append(Event(name, result, result.detach().clone(), made_by, inside, axis, place))


def _tensors(values: tuple[Any, ...]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, (tuple, list)):
            yield from _tensors(tuple(value))


def _suspects(
    model: nn.Module, plain: list[Event], changed: list[Event], batch: int, batch_is_first: bool
) -> Iterator[Suspect]:
    axes: list[int | None] = []
    shown = batch_is_first
    for one, other in zip(plain, changed, strict=True):
        axis = place_of_sample(one.kept, other.kept, batch, whole=one.name in LAYOUTS)
        axes.append(axis)
        shown = shown or (one.name in BATCH_FIRST and axis == 0)
        if axis is not None or any(axes[number] is None for number in one.made_by):
            continue
        yield from _accused(model, one, shown)


def _accused(model: nn.Module, event: Event, batch_is_first: bool) -> Iterator[Suspect]:
    """What is to be said about an operation that mixes samples which were apart until then."""
    if event.axis == 0 and event.result.dim() > 1 and event.place[0]:
        yield Suspect("", event.name, "softmax", 0, *event.place)
    elif event.name in LAYOUTS and event.place[0]:
        yield Suspect("", event.name, "layout", 0, *event.place)
    elif isinstance(event.module, SEQUENCES) and not event.module.batch_first:
        path = next((name for name, one in model.named_modules() if one is event.module), "")
        owner, _, attribute = path.rpartition(".")
        place = place_of(model.get_submodule(owner), attribute) if attribute else ("", 0)
        cause = "sequence" if batch_is_first else "sequence?"
        yield Suspect(path, type(event.module).__name__, cause, 0, *place)


def with_other_sample(values: Any, batch: int) -> Any:
    """The same values, one sample of the tensors that have so many replaced by another."""
    match values:
        case torch.Tensor() if values.dim() and len(values) == batch:
            return _changed(values)
        case dict():
            return {key: with_other_sample(one, batch) for key, one in values.items()}
        case tuple() if hasattr(values, "_fields"):
            return type(values)(*(with_other_sample(one, batch) for one in values))
        case list() | tuple():
            return type(values)(with_other_sample(one, batch) for one in values)
    return values


def _changed(tensor: Any) -> Any:
    changed = tensor.clone()
    if tensor.is_floating_point():
        spread = tensor.float().std().clamp(min=1e-3).to(tensor.dtype)
        changed[SAMPLE] = tensor[SAMPLE] + spread * torch.randn_like(tensor[SAMPLE])
    else:
        different = [number for number in range(len(tensor)) if bool((tensor[number] != tensor[SAMPLE]).any())]
        changed[SAMPLE] = tensor[different[0]] if different else tensor[SAMPLE]
    return changed


def relates_samples(values: Any, batch: int) -> bool:
    """Whether a tensor has the samples on both of its first axes: a graph, or similarities."""
    match values:
        case torch.Tensor():
            return values.dim() > 1 and tuple(values.shape[:2]) == (batch, batch)
        case dict():
            return any(relates_samples(one, batch) for one in values.values())
        case list() | tuple():
            return any(relates_samples(one, batch) for one in values)
    return False
