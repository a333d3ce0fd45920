"""Inputs, and features of them, that change nothing in what a model gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from ..measuring.mentions import written_at
from ..measuring.suspects import Suspect

ABOUT_SHAPE = frozenset(
    {
        "__get__", "size", "dim", "numel", "ndimension", "__len__", "type", "is_floating_point", "stride", "get_device",
        "zeros_like", "ones_like", "empty_like", "full_like", "rand_like", "randn_like", "new_zeros", "new_ones",
        "new_empty", "new_full", "new_tensor", "type_as",
    }
)  # fmt: skip
"""Functions that ask for the shape, type or place of a tensor and not for its values."""

Values = Mapping[str, Any]
Run = Callable[[Values, bool], list[Any]]
"""One pass over given inputs, in training mode or not, always from the same random numbers: the tensors that it gives."""


def ignored(
    model: nn.Module, values: Values, run: Run, used: bool = True, features: bool = False
) -> tuple[Suspect, ...]:
    """The inputs that have no effect while another one has.

    With ``used`` an input counts only where the program does something with its values. With ``features`` the columns
    of a table are looked at too: their number is that of the user's data.
    """
    tensors = {
        name: one for name, one in values.items() if isinstance(one, torch.Tensor) and one.dim() and len(one) > 2
    }
    floats = [name for name, one in tensors.items() if one.is_floating_point() and _varies(one)]
    with torch.no_grad(), Consuming(tensors) as consuming:
        plain = [run(values, train) for train in (True, False)]
    if not any(one.is_floating_point() for one in plain[0]):
        return ()
    without = [name for name in floats if not _matters(values, name, tensors[name].roll(1, 0), plain, run)]
    place = written_at(model, "forward")
    found = [Suspect(name, "input", "input", 0, *place) for name in without if not used or name in consuming.names]
    if len(without) == len(tensors) or len(values) < 2:
        found = []  # nothing at all has an effect: that is another finding
    for name in floats if features else ():
        if name not in without and tensors[name].dim() == 2:
            columns = _columns(values, name, plain, run)
            found += [Suspect(name, _listed(columns), "features", len(columns), *place)] if columns else []
    return tuple(found)


def _varies(one: Any) -> bool:
    return bool((one != one.roll(1, 0)).any())


def _matters(values: Values, name: str, changed: Any, plain: list[list[Any]], run: Run) -> bool:
    """Whether anything that the model gives changes with one input."""
    with torch.no_grad():
        others = [run({**values, name: changed}, train) for train in (True, False)]
    return any(not _same(one, other) for one, other in zip(plain, others, strict=True))


def _same(one: list[Any], other: list[Any]) -> bool:
    return len(one) == len(other) and all(
        first.shape == second.shape and torch.equal(first.nan_to_num(), second.nan_to_num())
        for first, second in zip(one, other, strict=True)
    )


def _columns(values: Values, name: str, plain: list[list[Any]], run: Run) -> list[int]:
    """The columns of a table that have no gradient, and whose values can be exchanged without an effect."""
    table = values[name].detach().clone().requires_grad_(True)
    with torch.enable_grad():
        outputs = run({**values, name: table}, False)
        scalars = [one.float().sum() for one in outputs if one.requires_grad]
    if not scalars:
        return []
    (gradient,) = torch.autograd.grad(sum(scalars), [table], allow_unused=True)
    if gradient is None:
        return []
    still = [
        column
        for column in range(table.shape[1])
        if not bool(gradient[:, column].any()) and _varies(values[name][:, column])
    ]
    if not still or len(still) == table.shape[1]:
        return []
    changed = values[name].clone()
    changed[:, still] = changed[:, still].roll(1, 0)
    return [] if _matters(values, name, changed, plain, run) else still


def _listed(columns: list[int]) -> str:
    """``3, 5 to 8``"""
    runs: list[list[int]] = []
    for column in columns:
        if runs and runs[-1][-1] == column - 1:
            runs[-1].append(column)
        else:
            runs.append([column])
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


class Consuming(TorchFunctionMode):
    """Notes which of some tensors are given to a function that looks at their values."""

    def __init__(self, tensors: Mapping[str, Any]) -> None:
        super().__init__()
        self.names: set[str] = set()
        self._tensors = tensors

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """The call as it is."""
        kwargs = kwargs or {}
        if getattr(func, "__name__", "") not in ABOUT_SHAPE:
            given = list(_flat((*args, *kwargs.values())))
            self.names |= {name for name, one in self._tensors.items() if any(one is part for part in given)}
        return func(*args, **kwargs)


def _flat(values: tuple[Any, ...]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, (tuple, list)):
            yield from _flat(tuple(value))
        else:
            yield value
