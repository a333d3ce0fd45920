"""What a program calls its own model with: ``net([torch.rand(2, 3, 8, 8), mask])``, evaluated where it stands. No framework.

Only what numbers, plain containers and the functions of libraries give is evaluated: nothing of the program's own runs for
it, no file is read and no model is called.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .arguments import CallSite, Scope, evaluate, scope_of
from .loading import Slice
from .slicing import Namespace, last_part
from .sources import parse
from .standins import find_stand_in

MAKERS = frozenset(
    {"torch", "numpy", "random", "math", "string", "itertools", "collections", "copy", "torch_geometric", "dgl"}
    | {"networkx", "scipy"}
)  # fmt: skip
"""Libraries whose functions make values out of nothing."""

READERS = frozenset(
    {"load", "open", "input", "exec", "eval", "loadtxt", "genfromtxt", "fromfile", "memmap", "hub", "compile"}
)
"""What of them, and of Python itself, reads files or runs what it is given."""

FRESH = frozenset({"cuda", "to", "eval", "train", "cpu", "double", "float", "half", "DataParallel", "compile"})
"""Calls that give the model that they are given."""

MOST_CALLS = 4


@dataclass(frozen=True)
class Written:
    """The values of one call, by place and by name."""

    by_place: tuple[Any, ...]
    by_name: dict[str, Any]


def written_calls(module: Slice, makers: frozenset[str]) -> Iterator[Written]:
    """What the calls of a model are given that one of the makers, its class or a function, makes: in the order of the source,
    as far as it is made on the spot."""
    found = 0
    for site in calls_of_models(module, makers):
        scope = scope_of(site)
        given = [*site.call.args, *(word.value for word in site.call.keywords)]
        starred = any(isinstance(one, ast.Starred) for one in given) or None in [
            word.arg for word in site.call.keywords
        ]
        if starred or not given or not all(made_on_the_spot(one, scope) for one in given):
            continue
        try:
            values = [evaluate(one, scope) for one in given]
        except Exception:  # whatever the user's expression raises
            continue
        if find_stand_in(values) is not None:
            continue
        places = len(site.call.args)
        names = [word.arg or "" for word in site.call.keywords]
        yield Written(tuple(values[:places]), dict(zip(names, values[places:], strict=True)))
        found += 1
        if found == MOST_CALLS:
            return


def calls_of_models(module: Slice, makers: frozenset[str]) -> Iterator[CallSite]:
    """The calls of what a maker made: of the variable that holds it, or directly, as in ``Net()(x)``."""
    tree = parse(Path(module.namespace.filename))
    yield from calls_below(tree, (), frozenset(), makers, module)


def calls_below(
    node: ast.AST,
    inside: tuple[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, ...],
    known: frozenset[str],
    makers: frozenset[str],
    module: Slice,
) -> Iterator[CallSite]:
    """The calls below a node, in whose functions the ``known`` variables hold such a model."""
    if isinstance(node, (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef)):
        own = list(own_nodes(node))
        rebound = {one.id for one in own if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
        known = (known - rebound) | {name for one in own for name in holding(one, makers)}
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call) and calls_model(child.func, known, makers):
            yield CallSite(child, inside, module)
        within = inside
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            if child.name in makers:
                continue
            within = (*inside, child)
        yield from calls_below(child, within, known, makers, module)


def own_nodes(owner: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a module or function without those of the functions and classes in it."""
    for child in ast.iter_child_nodes(owner):
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield child
            yield from own_nodes(child)


def holding(node: ast.AST, makers: frozenset[str]) -> Iterator[str]:
    """The variable to which a statement gives what a maker makes."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if is_made(value, makers):
            yield name


def is_made(value: ast.expr, makers: frozenset[str]) -> bool:
    """Whether an expression is what a maker makes, perhaps moved to a device."""
    match value:
        case ast.Call(func=func) if last_part(func) in makers:
            return True
        case ast.Call(func=ast.Attribute(value=inner, attr=method)) if method in FRESH and is_made(inner, makers):
            return True
        case ast.Call(func=func, args=[inner, *_]) if last_part(func) in FRESH:
            return is_made(inner, makers)
    return False


def calls_model(func: ast.expr, known: frozenset[str], makers: frozenset[str]) -> bool:
    """Whether what is called is such a model."""
    match func:
        case ast.Name(id=name):
            return name in known
        case ast.Attribute(value=ast.Name(id=name), attr="forward"):
            return name in known
    return is_made(func, makers)


def made_on_the_spot(expression: ast.expr, scope: Namespace, depth: int = 8) -> bool:
    """Whether an expression, and what its names stand for, is made of constants and of what libraries make."""
    nodes = list(ast.walk(expression))
    bound = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    for node in nodes:
        match node:
            case ast.Attribute(attr=name) if name in READERS:
                return False
            case ast.Name(id=name) if name not in bound and not name_is_made(name, scope, depth):
                return False
            case ast.Lambda() | ast.Await() | ast.Yield() | ast.YieldFrom():
                return False
    return True


def name_is_made(name: str, scope: Namespace, depth: int) -> bool:
    """Whether a name stands for what was made on the spot, or for a library that makes it."""
    owner: Any = scope
    while isinstance(owner, Namespace):
        if isinstance(owner, Scope) and name in owner.parameters:
            return False
        units = [unit for unit in owner.units if name in unit.binds]
        if units:
            return depth > 0 and all(binds_what_is_made(unit.node, owner, depth) for unit in units)
        owner = owner.parent
    return hasattr(builtins, name) and name not in READERS


def binds_what_is_made(statement: ast.stmt, scope: Namespace, depth: int) -> bool:
    """Whether a statement gives its names what is made on the spot, or imports a library that makes it."""
    match statement:
        case ast.Import(names=aliases):
            return all(alias.name.partition(".")[0] in MAKERS for alias in aliases)
        case ast.ImportFrom(module=str(module), names=aliases, level=0):
            return module.partition(".")[0] in MAKERS and not READERS & {alias.name for alias in aliases}
        case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value):
            return made_on_the_spot(value, scope, depth - 1)
    return False
