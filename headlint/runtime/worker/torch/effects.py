"""Inputs, and parts of them, that change nothing in what a model gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from ..measuring.mentions import written_at
from ..measuring.suspects import Suspect
from .gradient_values import moved

ABOUT_SHAPE = frozenset(
    {
        "__get__", "size", "dim", "numel", "ndimension", "__len__", "type", "is_floating_point", "stride", "get_device",
        "zeros_like", "ones_like", "empty_like", "full_like", "rand_like", "randn_like", "new_zeros", "new_ones",
        "new_empty", "new_full", "new_tensor", "type_as",
    }
)  # fmt: skip
"""Functions that ask for the shape, type or place of a tensor and not for its values."""

COMPARING = frozenset({"eq", "ne", "gt", "lt", "ge", "le", "isnan", "isfinite", "isinf", "__eq__", "__ne__", "__gt__"}) | {
    "__lt__", "__ge__", "__le__", "equal", "nonzero", "count_nonzero", "any", "all", "bool", "sign", "signbit",
}  # fmt: skip
"""Functions that may give the same for all values that are drawn: a value that stands for padding is not among them."""

Values = Mapping[str, Any]
Run = Callable[[Values, bool], list[Any]]
"""One pass over given inputs, in training mode or not, always from the same random numbers: the tensors that it gives."""


def ignored(
    model: nn.Module, values: Values, run: Run, used: bool = True, features: bool = False
) -> tuple[Suspect, ...]:
    """The inputs that have no effect while another one has, and the parts of an input that are cut out of it and have none.

    With ``used`` an input counts only where the program does something with its values. With ``features`` all columns
    of a table are looked at: their number is that of the user's data.
    """
    tensors = {
        name: one for name, one in values.items() if isinstance(one, torch.Tensor) and one.dim() and len(one) > 2
    }
    varied = [name for name, one in tensors.items() if _varies(one)]
    with torch.no_grad(), Consuming(tensors) as consuming:
        plain = [run(values, train) for train in (True, False)]
    if not any(one.is_floating_point() for one in plain[0]):
        return ()
    whole = {name for name in varied if not tensors[name].is_floating_point()}
    asked = [name for name in varied if name in consuming.names or not (used or name in whole)]
    without = [name for name in varied if not _has_effect(values, name, plain, run)]
    place = written_at(model, "forward")
    found = [Suspect(name, "input", "input", 0, *place) for name in without if name in asked]
    if len(without) == len(tensors) or len(values) < 2:
        found = []  # nothing at all has an effect: that is another finding
    for name in (name for name in varied if name not in whole and name not in without):
        cuts = consuming.cuts(name)
        table = features and tensors[name].dim() == 2
        for axis in dict.fromkeys([1, *cuts] if table else cuts):
            still = _still(values, name, axis, plain, run)
            if not table:
                still = sorted({one for cut in cuts[axis] if cut <= set(still) for one in cut})
            if still and _has_no_effect(values, name, axis, still, plain, run):
                found.append(Suspect(name, _places(still, axis, tensors[name].dim()), "features", len(still), *place))
    return _lasting(model, values, run, found)


def pads(model: nn.Module) -> bool:
    """Whether a table of the model has a row for places that hold nothing."""
    return any(isinstance(one, nn.Embedding) and one.padding_idx is not None for one in model.modules())


def _lasting(model: nn.Module, values: Values, run: Run, found: list[Suspect]) -> tuple[Suspect, ...]:
    """Those that have no effect after a few steps either: what starts at zero may hide an input."""
    if not found:
        return ()
    with moved(model, lambda: run(values, True)):
        with torch.no_grad():
            plain = [run(values, train) for train in (True, False)]
        return tuple(one for one in found if one.cause != "input" or not _has_effect(values, one.name, plain, run))


def _varies(one: Any) -> bool:
    return bool((one != one.roll(1, 0)).any())


def _has_effect(values: Values, name: str, plain: list[list[Any]], run: Run) -> bool:
    """Whether an input has an effect: exchanged between the samples, as all of them together may be what counts also moved,
    and for whole numbers and truth values, of which a model may want the largest only, made smaller or turned round."""
    value = values[name]
    changed = [value.roll(1, 0)]
    if value.dtype == torch.bool:
        changed.append(~value)
    elif value.is_floating_point():
        changed.append(2 * value + 1)
    else:
        changed += [value // 2, torch.ones_like(value)]
    return any(_matters(values, name, one, plain, run) for one in changed)


def _matters(values: Values, name: str, changed: Any, plain: list[list[Any]], run: Run) -> bool:
    """Whether anything that the model gives changes with one input; also where it refuses the changed one."""
    try:
        with torch.no_grad():
            others = [run({**values, name: changed}, train) for train in (True, False)]
    except Exception:  # whatever the user's code raises about lengths that are not sorted and the like
        return True
    return any(not _same(one, other) for one, other in zip(plain, others, strict=True))


def _same(one: list[Any], other: list[Any]) -> bool:
    return len(one) == len(other) and all(
        first.shape == second.shape and torch.equal(first.nan_to_num(), second.nan_to_num())
        for first, second in zip(one, other, strict=True)
    )


def _still(values: Values, name: str, axis: int, plain: list[list[Any]], run: Run) -> list[int]:
    """The places on an axis of an input to which no gradient leads; none where that is true of all."""
    table = values[name].detach().clone().requires_grad_(True)
    with torch.enable_grad():
        outputs = run({**values, name: table.clone()}, False)
        scalars = [one.float().sum() for one in outputs if one.requires_grad]
    if not scalars:
        return []
    (gradient,) = torch.autograd.grad(sum(scalars), [table], allow_unused=True)
    if gradient is None:
        return []
    rows, entries = (one.movedim(axis, 0).flatten(1) for one in (gradient, values[name]))
    still = [place for place, row in enumerate(rows) if not bool(row.any()) and bool((entries[place] != 0).any())]
    return still if len(still) < len(rows) else []


def _has_no_effect(values: Values, name: str, axis: int, still: list[int], plain: list[list[Any]], run: Run) -> bool:
    """Whether the values at these places can be exchanged between the samples, and moved, without an effect."""
    changed = values[name].clone()
    places = changed.movedim(axis, 0)
    places[still] = 2 * values[name].roll(1, 0).movedim(axis, 0)[still] + 1
    return _varies(changed) and not _matters(values, name, changed, plain, run)


def _places(still: list[int], axis: int, rank: int) -> str:
    """``columns 3, 5 to 8``, or ``places 0 to 3 of axis 2``."""
    word = "column" if (axis, rank) == (1, 2) else "place"
    of_axis = "" if word == "column" else f" of axis {axis}"
    return f"{word}{'' if len(still) == 1 else 's'} {_listed(still)}{of_axis}"


def _listed(columns: list[int]) -> str:
    """``3, 5 to 8``"""
    runs: list[list[int]] = []
    for column in columns:
        if runs and runs[-1][-1] == column - 1:
            runs[-1].append(column)
        else:
            runs.append([column])
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


@dataclass(frozen=True)
class Piece:
    """What is cut out of an input along an axis behind the batch."""

    tensor: Any
    name: str
    axis: int
    places: frozenset[int]


class Consuming(TorchFunctionMode):
    """Notes which of some tensors are given to a function that looks at their values, and what is cut out of them."""

    def __init__(self, tensors: Mapping[str, Any]) -> None:
        super().__init__()
        self.names: set[str] = set()
        self._tensors = tensors
        self._pieces: list[Piece] = []
        self._compared: set[int] = set()

    def cuts(self, name: str) -> dict[int, list[frozenset[int]]]:
        """The parts that are cut out of an input and not compared with anything, by their axis."""
        found: dict[int, list[frozenset[int]]] = {}
        for piece in self._pieces:
            if piece.name == name and id(piece.tensor) not in self._compared:
                found.setdefault(piece.axis, []).append(piece.places)
        return found

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """The call as it is."""
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        given = list(_flat((*args, *kwargs.values())))
        if name not in ABOUT_SHAPE | COMPARING:
            self.names |= {key for key, one in self._tensors.items() if any(one is part for part in given)}
        if name in COMPARING:
            self._compared |= {id(part) for part in given}
        result = func(*args, **kwargs)
        for key, one in self._tensors.items():
            if args and args[0] is one:
                self._pieces += [Piece(*piece) for piece in _pieces(name, args, one, key, result)]
        return result


def _pieces(
    name: str, args: tuple[Any, ...], tensor: Any, key: str, result: Any
) -> Iterator[tuple[Any, str, int, frozenset[int]]]:
    """What a call cuts out of a tensor."""
    if name == "__getitem__" and (cut := _cut(args[1], tensor)) is not None:
        yield result, key, *cut
    elif name in ("split", "chunk", "tensor_split", "split_with_sizes") and isinstance(result, (tuple, list)):
        axes = [axis for axis, size in enumerate(tensor.shape) if result and result[0].shape[axis] != size]
        begun = 0
        for part in result if axes and axes[0] else ():
            size = part.shape[axes[0]]
            yield part, key, axes[0], frozenset(range(begun, begun + size))
            begun += size


def _cut(index: Any, tensor: Any) -> tuple[int, frozenset[int]] | None:
    """The axis and the places that a subscript cuts out where it does so on one axis behind the batch; else None."""
    parts = index if isinstance(index, tuple) else (index,)
    if not all(part is Ellipsis or isinstance(part, (slice, int)) for part in parts) or parts.count(Ellipsis) > 1:
        return None
    if Ellipsis in parts:
        at = parts.index(Ellipsis)
        parts = (*parts[:at], *[slice(None)] * (tensor.dim() - len(parts) + 1), *parts[at + 1 :])
    cuts = [(axis, part) for axis, part in enumerate(parts) if part != slice(None)]
    if len(cuts) != 1 or cuts[0][0] == 0:
        return None
    axis, part = cuts[0]
    places = range(tensor.shape[axis])[part]
    chosen = frozenset(places if isinstance(places, range) else [places])
    return (axis, chosen) if 0 < len(chosen) < tensor.shape[axis] else None


def _flat(values: tuple[Any, ...]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, (tuple, list)):
            yield from _flat(tuple(value))
        else:
            yield value
