"""The optimizers that a program builds over a model, with the model itself as the program has it at last."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .loading import Slice
from .locating import definition, scope_and_rest
from .slicing import last_part, root_name, walk_statements
from .sources import parse

PARAMETERS = ("parameters", "named_parameters")
MOVES = ("to", "cuda", "cpu", "float", "double", "half", "train")

MOST_OBJECTS = 3
"""Objects of one class whose optimizers are looked at."""


@dataclass(frozen=True)
class Built:
    """An optimizer and the model whose parameters it was given; ``whole`` where it was given all of them."""

    line: int
    optimizer: Any
    model: Any
    whole: bool


def optimizers_over(module: Slice, name: str) -> Iterator[Built]:
    """The optimizers over the model of a name, one of the module or a local of a function as in ``main.model``, or over
    what is made of a class or by a function of that name.

    Nothing of the program may have run before: each optimizer is built over the model as it is at that line.
    """
    tree = parse(Path(module.namespace.filename))
    if isinstance(definition(tree.body, name.partition(".")[0]), ast.ClassDef) or definition(tree.body, name):
        for one in itertools.islice(made_of(tree, name), MOST_OBJECTS):
            yield from _over_object(module, one)
    else:
        yield from _over_object(module, name)


CONFIGURE = "configure_optimizers"
"""The method in which a module of Lightning builds its optimizers."""


def configured_by(model: Any) -> Iterator[Built]:
    """The optimizers that a model builds itself, over its parameters or over those of its parts."""
    method = getattr(model, CONFIGURE, None)
    code = getattr(method, "__code__", None)
    if method is None or code is None:
        return
    tree = parse(Path(code.co_filename))
    written = next(
        (
            one
            for one in ast.walk(tree)
            if isinstance(one, ast.FunctionDef) and one.name == CONFIGURE and covers(one, code.co_firstlineno)
        ),
        None,
    )
    for optimizer in optimizers_in(method()):
        calls = [
            one
            for one in ast.walk(written or ast.Module([], []))
            if isinstance(one, ast.Call) and last_part(one.func) == type(optimizer).__name__ and one.args
        ]
        line = calls[0].lineno if calls else code.co_firstlineno
        yield Built(line, optimizer, model, len(calls) == 1 and takes_from(calls[0].args[0], "self"))


def covers(function: ast.FunctionDef, line: int) -> bool:
    """Whether a function begins at a line, its decorators included."""
    return function.lineno - len(function.decorator_list) <= line <= function.lineno


def optimizers_in(value: Any) -> Iterator[Any]:
    """The optimizers in what such a method returns: one, several, or dictionaries with the schedules beside them."""
    if hasattr(value, "param_groups"):
        yield value
    elif isinstance(value, dict):
        yield from optimizers_in(value.get("optimizer"))
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from optimizers_in(part)


def made_of(tree: ast.Module, name: str) -> Iterator[str]:
    """The variables of the module and of its functions that are given an object of a class."""
    functions = [one for one in tree.body if isinstance(one, ast.FunctionDef)]
    for outer, body in (("", tree.body), *((f"{one.name}.", one.body) for one in functions)):
        for node in walk_statements(body):
            match node:
                case ast.Assign(targets=[ast.Name(id=bound)], value=value) if _made_by(value) == name:
                    yield outer + bound


def _made_by(value: ast.expr) -> str:
    """What is called for a value, before it is moved to a device."""
    while isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr in MOVES:
        value = value.func.value
    return last_part(value.func) if isinstance(value, ast.Call) else ""


def _over_object(module: Slice, name: str) -> Iterator[Built]:
    """The optimizers over one object."""
    scope, (first, *attributes) = scope_and_rest(module, name)
    found: list[tuple[int, Any, bool]] = []
    for unit in scope.units if not attributes else ():
        match unit.node:
            case ast.Assign(targets=[ast.Name(id=bound)], value=ast.Call(args=[given, *_])):
                pass
            case _:
                continue
        if not any(takes_part_of(node, first) for node in ast.walk(given)):
            continue
        optimizer = scope[bound]
        if hasattr(optimizer, "param_groups"):
            found.append((unit.node.lineno, optimizer, takes_from(given, first)))
    for line, optimizer, whole in found:
        yield Built(line, optimizer, scope[first], whole)


def takes_part_of(node: ast.AST, name: str) -> bool:
    """Whether a node takes the parameters of a model or of a part of it."""
    match node:
        case ast.Call(func=ast.Attribute(value=value, attr=method)) if method in PARAMETERS:
            return root_name(value) == name
    return False


def takes_from(node: ast.AST, name: str) -> bool:
    """Whether a node is ``model.parameters()``; with a part of the model in between it takes only some of them."""
    match node:
        case ast.Call(func=ast.Attribute(value=value, attr=method)) if method in PARAMETERS:
            return isinstance(value, ast.Name) and root_name(value) == name
    return False
