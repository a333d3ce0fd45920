"""The value behind a name: one of the module, or a local of a function as in ``main.model``."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from ..reasons import Unmeasurable
from .arguments import Function, Scope, shown
from .loading import Slice
from .slicing import Namespace, headline, walk_statements
from .sources import parse


def written_value(module: Slice, name: str) -> tuple[Any, str]:
    """The value of a dotted name, and the expression that the program gives it.

    Raises:
        Unmeasurable: nothing of that name is defined.
    """
    scope, rest = scope_and_rest(module, name)
    first, *attributes = rest
    if not scope.defines(first):
        raise Unmeasurable("not-found", f"{Path(scope.filename).name} defines no {first}")
    try:
        value = scope[first]
        for attribute in attributes:
            value = getattr(value, attribute)
    except KeyError as error:
        if error.args != (first,):
            raise
        raise Unmeasurable("not-found", f"{first} was not bound by the statements that define it") from None
    return value, expression_of(scope, first) or shown(value)


def scope_and_rest(module: Slice, name: str) -> tuple[Namespace, list[str]]:
    """The innermost function that the dotted name goes into, as a scope, and the parts of the name that are left."""
    body = parse(Path(module.namespace.filename)).body
    scope: Namespace = module.namespace
    rest = name.split(".")
    while len(rest) > 1:
        owner = definition(body, rest[0])
        if owner is None or (isinstance(owner, ast.ClassDef) and definition(owner.body, rest[1]) is None):
            break
        if not isinstance(owner, ast.ClassDef):
            scope = Scope(owner, module, scope, 0, guessing=True)
        body, rest = owner.body, rest[1:]
    return scope, rest


def definition(body: list[ast.stmt], name: str) -> Function | ast.ClassDef | None:
    """The last function or class of that name among the statements of a block."""
    found = [
        node
        for node in walk_statements(body)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and node.name == name
    ]
    return found[-1] if found else None


def expression_of(scope: Namespace, name: str) -> str:
    """What the last assignment to a name gives it, on one line; empty where no assignment does."""
    values = [unit.node.value for unit in scope.units if name in unit.binds and isinstance(unit.node, ast.Assign)]
    return headline(ast.Expr(values[-1])) if values else ""
