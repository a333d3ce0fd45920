"""What a model does in evaluation mode that it should not: two answers to one input."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from ..measuring.outputs import ROUNDING, largest
from ..measuring.places import calls_at, running_line
from ..measuring.suspects import Suspect
from .calls import Calls, calls_in
from .outputs import plain_values

TORCH = os.path.dirname(torch.__file__) + os.sep

DROPOUTS = frozenset(
    {"dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout", "feature_dropout"}
)

Run = Callable[[int], list[Any]]
"""One pass in evaluation mode over the same inputs, from the random numbers of a seed: the tensors that it gives."""


def unrepeatable(model: nn.Module, run: Run) -> tuple[Suspect, ...]:
    """The dropouts that stay on in evaluation mode and do change what the model gives."""
    with torch.no_grad(), calls_in(model) as calls, SeeDropouts(model, calls) as seen:
        first = run(0)
    if not seen.found:
        return ()
    with torch.no_grad():
        second = run(1)
    return tuple(dict.fromkeys(seen.found)) if differ(first, second) else ()


def differ(first: list[Any], second: list[Any]) -> bool:
    """Whether two passes give something else, beyond rounding."""
    return len(first) == len(second) and any(
        one.shape == other.shape
        and largest(plain_values(one) - plain_values(other)) > ROUNDING * largest(plain_values(one))
        for one, other in zip(first, second, strict=True)
    )


class SeeDropouts(TorchFunctionMode):
    """Notes the dropouts that are on although the model is in evaluation mode, and not by the user's word."""

    def __init__(self, model: nn.Module, calls: Calls) -> None:
        super().__init__()
        self.found: list[Suspect] = []
        self._calls = calls
        self._known = {id(module): name for name, module in model.named_modules()}

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """The call as it is."""
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if (name in DROPOUTS and is_on(args, kwargs)) or (
            name == "scaled_dot_product_attention" and kwargs.get("dropout_p", 0.0)
        ):
            self._note(name)
        return func(*args, **kwargs)

    def _note(self, name: str) -> None:
        module = self._calls.inside[-1] if self._calls.inside else None
        path, line = running_line(TORCH)
        if not path:
            return
        if isinstance(module, nn.modules.dropout._DropoutNd):
            if id(module) not in self._known:  # eval() does not reach it
                self.found.append(Suspect(self._caller(), type(module).__name__, "dropout", 0, path, line))
        elif name == "scaled_dot_product_attention" or not chosen_on(path, line, name):
            self.found.append(Suspect(self._caller(), name, "dropout", 0, path, line))

    def _caller(self) -> str:
        """The part of the model that is running."""
        names = (self._known[id(one)] for one in reversed(self._calls.inside) if id(one) in self._known)
        return next(names, "")


def is_on(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a dropout leaves anything out."""
    share = kwargs.get("p", args[1] if len(args) > 1 else 0.5)
    training = kwargs.get("training", kwargs.get("train", args[2] if len(args) > 2 else True))
    return bool(training) and bool(share)


def chosen_on(path: str, line: int, name: str) -> bool:
    """Whether the program itself says that the dropout is on, as for samples of a distribution; also where its call is
    not found."""
    calls = calls_at(path, line, name)
    return not calls or any(
        len(call.args) > 2 or any(word.arg in ("training", "train", None) for word in call.keywords) for call in calls
    )
