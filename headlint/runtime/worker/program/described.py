"""Objects of a class that were not initialised, and still have the attributes that their methods read."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from .arguments import evaluate, shown
from .guessing import guess_option
from .slicing import Namespace
from .standins import GUESSED


def described(owner: type, node: ast.ClassDef, namespace: Namespace) -> Any:
    """An object of the class, without its constructor: an attribute is what the constructor writes there, where that is a
    number, a word or another plain expression or the default of a parameter, else a guess by its name."""
    written = dict(attributes_written(node))

    def attribute(self: Any, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            value = evaluate(written[name], namespace)
        except Exception:  # whatever the user's expression raises, and where nothing is written
            value = guess_option(name)
            GUESSED.append(f"{name}={shown(value)}")
        vars(self)[name] = value
        return value

    return object.__new__(type(owner.__name__, (owner,), {"__getattr__": attribute}))


def attributes_written(node: ast.ClassDef) -> Iterator[tuple[str, ast.expr]]:
    """What a constructor gives the attributes of ``self``: of a parameter its default."""
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and item.name == "__init__":
            defaults = dict(defaults_of(item))
            for inner in ast.walk(item):
                match inner:
                    case ast.Assign(targets=[ast.Attribute(value=ast.Name(id="self"), attr=name)], value=value):
                        yield name, defaults.get(value.id, value) if isinstance(value, ast.Name) else value


def defaults_of(function: ast.FunctionDef) -> Iterator[tuple[str, ast.expr]]:
    """The defaults of a function's parameters."""
    arguments = function.args
    by_place = [*arguments.posonlyargs, *arguments.args]
    for parameter, default in zip(by_place[::-1], arguments.defaults[::-1], strict=False):
        yield parameter.arg, default
    for parameter, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if value is not None:
            yield parameter.arg, value
