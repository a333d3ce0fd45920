"""Which parts of a model are called with a parameter of its pass, read from the source. No framework."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from typing import Any


def uses_of(forward: Callable[..., Any], parameter: str) -> Iterator[list[str]]:
    """The attributes of ``self`` that are called with a parameter, or with what was made of it, in source order."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(forward)))
    except (OSError, TypeError, SyntaxError):
        return
    function = tree.body[0]
    if not isinstance(function, ast.FunctionDef) or not function.args.args:
        return
    own = function.args.args[0].arg
    aliases = {parameter}
    for statement in ast.walk(function):
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if mentions(value, aliases):
                if not list(calls_on(value, own, aliases)):
                    aliases.add(name)
    for _, path in sorted(calls_on(function, own, aliases), key=lambda found: found[0]):
        yield path


def mentions(node: ast.AST, names: set[str]) -> bool:
    """Whether one of the names is read below a node, as a variable or as a key."""
    for inner in ast.walk(node):
        match inner:
            case ast.Name(id=name) | ast.Subscript(slice=ast.Constant(value=str(name))) if name in names:
                return True
    return False


def calls_on(node: ast.AST, own: str, names: set[str]) -> Iterator[tuple[tuple[int, int], list[str]]]:
    """The calls of ``self.something`` below a node that take one of the names directly, with their places."""
    for call in ast.walk(node):
        if not isinstance(call, ast.Call) or not call.args:
            continue
        path: list[str] = []
        target: ast.expr = call.func
        while isinstance(target, (ast.Attribute, ast.Subscript)):
            if isinstance(target, ast.Attribute):
                path.insert(0, target.attr)
            target = target.value
        if not (isinstance(target, ast.Name) and target.id == own and path):
            continue
        taken = call.args[0]
        nested = any(True for _ in calls_on(taken, own, names)) if not isinstance(taken, ast.Name) else False
        if mentions(taken, names) and not nested:
            yield (call.end_lineno or call.lineno, call.col_offset), path


def unpacked(forward: Callable[..., Any], parameter: str) -> tuple[str, ...]:
    """The names that a parameter is unpacked into, as in ``text, image = inputs``; none where it is not."""
    for node in nodes_of(forward):
        match node:
            case ast.Assign(targets=[ast.Tuple(elts=parts)], value=ast.Name(id=name)) if name == parameter:
                names = tuple(part.id for part in parts if isinstance(part, ast.Name))
                return names if len(names) == len(parts) == len(set(names)) else ()
    return ()


def keys_read(forward: Callable[..., Any], parameter: str) -> tuple[str, ...]:
    """The keys that are read from a parameter, as in ``inputs["user"]``."""
    found = []
    for node in nodes_of(forward):
        match node:
            case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=str(key))) if name == parameter:
                found.append(key)
    return tuple(dict.fromkeys(found))


def nodes_of(forward: Callable[..., Any]) -> Iterator[ast.AST]:
    """The syntax of a function; nothing where its source is not known."""
    try:
        yield from ast.walk(ast.parse(textwrap.dedent(inspect.getsource(forward))))
    except (OSError, TypeError, SyntaxError):
        return
