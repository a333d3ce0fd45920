"""The optimizers that a program builds over a model, with the model itself as the program has it at last."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .loading import Slice
from .locating import scope_and_rest
from .slicing import root_name

PARAMETERS = ("parameters", "named_parameters")


@dataclass(frozen=True)
class Built:
    """An optimizer and the model whose parameters it was given; ``whole`` where it was given all of them."""

    line: int
    optimizer: Any
    model: Any
    whole: bool


def optimizers_over(module: Slice, name: str) -> Iterator[Built]:
    """The optimizers over the model of a name, one of the module or a local of a function as in ``main.model``.

    Nothing of the program may have run before: each optimizer is built over the model as it is at that line.
    """
    scope, (first, *attributes) = scope_and_rest(module, name)
    found: list[tuple[int, Any, bool]] = []
    for unit in scope.units if not attributes else ():
        match unit.node:
            case ast.Assign(targets=[ast.Name(id=bound)], value=ast.Call(args=[given, *_])):
                pass
            case _:
                continue
        if not any(takes_from(node, first) for node in ast.walk(given)):
            continue
        optimizer = scope[bound]
        if hasattr(optimizer, "param_groups"):
            found.append((unit.node.lineno, optimizer, takes_from(given, first)))
    for line, optimizer, whole in found:
        yield Built(line, optimizer, scope[first], whole)


def takes_from(node: ast.AST, name: str) -> bool:
    """Whether a node is ``model.parameters()``; with a part of the model in between it takes only some of them."""
    match node:
        case ast.Call(func=ast.Attribute(value=value, attr=method)) if method in PARAMETERS:
            return isinstance(value, ast.Name) and root_name(value) == name
    return False
