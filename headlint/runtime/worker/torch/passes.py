"""What is called in place of ``forward`` where a model says that it has none: the method that does its work. Also a model in
one of its modes."""

from __future__ import annotations

import inspect
from typing import Any

from torch import nn

from ..program.discovery import is_missing
from ..program.uses import function_of, uses_of


def in_mode(model: nn.Module, train: bool) -> nn.Module:
    """The model in training mode or not: the program's own ``train`` may give nothing."""
    model.train(train)
    return model


def in_place_of_forward(model: nn.Module) -> str:
    """The method that hands an argument to a part of the model first, where ``forward`` only raises; empty otherwise."""
    own: Any = type(model).forward
    body = getattr(function_of(own), "body", [])
    if own is not nn.Module.forward and not (body and all(is_missing(statement) for statement in body)):
        return ""
    for name, method in vars(type(model)).items():
        if inspect.isfunction(method) and not name.startswith("_") and name != "forward":
            parameters = list(inspect.signature(method).parameters)[1:]
            if parameters and any(True for _ in uses_of(method, parameters[0])):
                return name
    return ""
