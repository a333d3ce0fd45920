"""What the source of a model's pass says about its inputs: which axis is the batch, and a mask that nothing reads."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from .mentions import INSTALLED, tree_of

BATCH_NAME = re.compile(r"^(b|bs|bsz|n?_?batch|batch_?sizes?|n_?samples)$", re.I)
MASK_NAME = re.compile(r"mask$|^masks$|^(seq_?|sequence_)?(lengths?|lens?)$|_(lengths?|lens)$", re.I)
"""Parameters that say which places of the others hold nothing."""

PASSES = ("forward", "call")


def batch_is_written_first(method: Callable[..., Any]) -> bool:
    """Whether the code calls the first size of an input the batch, or a comment gives its axes with the batch first."""
    source = source_of(method)
    function = parsed(source)
    if function is None:
        return False
    parameters = {one.arg for one in function.args.args[1:]}
    bound = first_bound(function)
    if any(
        is_batch_of(node, {one for one in parameters if bound.get(one, node.lineno) >= node.lineno})
        for node in ast.walk(function)
        if isinstance(node, ast.Assign)
    ):
        return True
    names = "|".join(map(re.escape, parameters))
    return (
        bool(names)
        and re.search(rf"(?m)[#\"'\s]({names})\W{{1,4}}[\[(]\s*(batch\w*|bsz?|B)\s*[,x]", source) is not None
    )


def first_bound(function: ast.FunctionDef) -> dict[str, int]:
    """The line at which each name of a function is bound first: a parameter may have other axes from there on."""
    found: dict[str, int] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found[node.id] = min(found.get(node.id, node.lineno), node.lineno)
    return found


def is_batch_of(node: ast.AST, parameters: set[str]) -> bool:
    """Whether an assignment gives the first size of a parameter to a name that means the batch."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return BATCH_NAME.match(name) is not None and is_size(value, parameters, first=True)
        case ast.Assign(targets=[ast.Tuple(elts=[ast.Name(id=name), *_])], value=value):
            return BATCH_NAME.match(name) is not None and is_size(value, parameters, first=False)
    return False


def is_size(value: ast.expr, parameters: set[str], first: bool) -> bool:
    """Whether an expression is the first size of a parameter, or all of its sizes."""
    match value:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr="size"), args=[ast.Constant(value=0)]):
            return first and owner in parameters
        case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr="size"), args=[]):
            return not first and owner in parameters
        case ast.Subscript(value=ast.Attribute(value=ast.Name(id=owner), attr="shape"), slice=ast.Constant(value=0)):
            return first and owner in parameters
        case ast.Attribute(value=ast.Name(id=owner), attr="shape"):
            return not first and owner in parameters
        case ast.Call(func=ast.Name(id="len"), args=[ast.Name(id=owner)]):
            return first and owner in parameters
    return False


def unread_masks(method: Callable[..., Any], root: Path) -> tuple[str, ...]:
    """The masks and lengths that a pass asks for and never reads, where no other pass of the project takes them."""
    function = parsed(source_of(method))
    if function is None or function.args.vararg is not None:
        return ()
    given = function.args.args[1 : len(function.args.args) - len(function.args.defaults)]
    read = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
    unread = [one.arg for one in given if MASK_NAME.search(one.arg) and one.arg not in read]
    if "locals" in read or not unread or len(given) < 2:
        return ()
    own = inspect.getsourcefile(method) or ""
    return tuple(name for name in unread if passes_with(name, own, root) < 2)


def passes_with(name: str, own: str, root: Path) -> int:
    """How many passes of the project have a parameter of that name: one that others have too may be there for them."""
    files = {own, *(str(path) for path in root.rglob("*.py") if not any(part in INSTALLED for part in path.parts))}
    count = 0
    for path in sorted(files)[:MOST_FILES]:
        tree = tree_of(path) if mentions_word(path, name) else None
        count += sum(
            isinstance(node, ast.FunctionDef) and node.name in PASSES and name in {one.arg for one in node.args.args}
            for node in (ast.walk(tree) if tree is not None else ())
        )
    return count


MOST_FILES = 300


def mentions_word(path: str, name: str) -> bool:
    """Whether a file holds a word."""
    try:
        return name in Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def source_of(method: Callable[..., Any]) -> str:
    """The text of a method; empty where it is not known."""
    try:
        return textwrap.dedent(inspect.getsource(method))
    except (OSError, TypeError):
        return ""


@cache
def parsed(source: str) -> ast.FunctionDef | None:
    """The function that a text defines."""
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return None
    return body[0] if body and isinstance(body[0], ast.FunctionDef) and body[0].args.args else None
