"""What a model's source says about its parts: where they are made, and whether anything but the constructor names them."""

from __future__ import annotations

import ast
import linecache
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

INSTALLED = ("site-packages", "dist-packages")
"""Folders of packages that others wrote."""

WORKER = str(Path(__file__).parents[1])
"""The folder of headlint's own code here, which stands around constructors of the framework."""

ANY_PART = frozenset(
    {"children", "named_children", "modules", "named_modules", "_modules", "__dict__", "_layers", "layers", "vars"}
)
"""What reaches parts of a model without their names."""

MAKING = re.compile(r"__init__|init|reset|build|freeze|summary", re.I)
"""Methods that make parts or prepare them; that they name one does not mean that it is applied."""

MOST_FILES = 300


@lru_cache(maxsize=64)
def tree_of(path: str) -> ast.Module | None:
    """The syntax tree of a file or of a notebook's cell; None where it cannot be read."""
    try:
        return ast.parse("".join(linecache.getlines(path))) if linecache.getlines(path) else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def source_of(cls: type) -> str:
    """The file in which a class is written; empty for classes of installed packages, and where there is none."""
    for method in ("__init__", "forward", "call"):
        code = getattr(vars(cls).get(method), "__code__", None)
        path = getattr(code, "co_filename", "")
        if path and not path.startswith(WORKER) and not any(part in INSTALLED for part in Path(path).parts):
            return str(path)
    return ""


def written_at(model: Any, method: str) -> tuple[str, int]:
    """Where a method of a model is written; no file where that is an installed package's."""
    for cls in type(model).__mro__:
        code = getattr(vars(cls).get(method), "__code__", None)
        if code is not None:
            path = source_of(cls)
            return (path, code.co_firstlineno) if path else ("", 0)
    return "", 0


def classes_of(owner: Any) -> list[type]:
    """The classes of an object that the user wrote, its own first; empty where its own is another's."""
    own = [cls for cls in type(owner).__mro__ if source_of(cls)]
    return own if own and own[0] is type(owner) else []


def place_of(owner: Any, attribute: str) -> tuple[str, int]:
    """Where an attribute is bound for the first time: the file and the line; ("", 0) where that is not known."""
    for cls in classes_of(owner):
        path = source_of(cls)
        for node in definitions(path, cls.__name__):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Attribute) and inner.attr == attribute and isinstance(inner.ctx, ast.Store):
                    return path, inner.lineno
    return "", 0


def is_mentioned(owner: Any, attribute: str, root: Path | None = None) -> bool:
    """Whether anything may apply a part of the owner, by its name or by going through all parts.

    True where the owner's source cannot be read. Below ``root`` the project's other files are read too.
    """
    classes = classes_of(owner)
    if not classes:
        return True
    names = {cls.__name__ for cls in classes}
    files = {source_of(cls) for cls in classes}
    for path in files:
        tree = tree_of(path)
        if tree is None or any(_names(node, names, attribute) for node in tree.body):
            return True
    return root is not None and any(
        re.search(rf"(?<!self)\.\s*{re.escape(attribute)}\b|[\"']{re.escape(attribute)}[\"']", text)
        for text in _texts(root, files)
    )


def is_handed_in(owner: Any, attribute: str) -> bool:
    """Whether the constructor takes a part from its caller as it is: what trains it may stand elsewhere."""
    for function in functions_of(owner).get("__init__", ()):
        taken = {one.arg for one in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)}
        for node in ast.walk(function):
            match node:
                case ast.Assign(
                    targets=[ast.Attribute(value=ast.Name(id="self"), attr=name)], value=ast.Name(id=given)
                ) if name == attribute and given in taken:
                    return True
    return False


def is_used_apart(owner: Any, attribute: str, entry: str) -> bool:
    """Whether a method that ``entry`` does not lead to names a part: a loss may be computed from what that gives."""
    functions = functions_of(owner)
    waiting, led_to = [entry], set()
    while waiting:
        name = waiting.pop()
        if name in functions and name not in led_to:
            led_to.add(name)
            waiting += [
                node.attr for one in functions[name] for node in ast.walk(one) if isinstance(node, ast.Attribute)
            ]
    return any(
        _is_use(node, attribute, own=True)
        for name, written in functions.items()
        if name not in led_to and not MAKING.search(name)
        for function in written
        for node in ast.walk(function)
        if getattr(node, "attr", attribute) == attribute
    )


def functions_of(owner: Any) -> dict[str, list[ast.FunctionDef]]:
    """The methods of an object that the user wrote, by their names."""
    found: dict[str, list[ast.FunctionDef]] = {}
    for cls in classes_of(owner):
        for node in definitions(source_of(cls), cls.__name__):
            for part in node.body:
                if isinstance(part, ast.FunctionDef):
                    found.setdefault(part.name, []).append(part)
    return found


def _names(statement: ast.stmt, classes: set[str], attribute: str) -> bool:
    """Whether a statement of a file names the attribute: of ``self`` in the classes and those derived from them, of any
    other object anywhere."""
    if not isinstance(statement, ast.ClassDef):
        return any(_is_use(node, attribute, own=False) for node in ast.walk(statement))
    bases = {getattr(base, "id", getattr(base, "attr", "")) for base in statement.bases}
    own = statement.name in classes or bool(bases & classes)
    for part in statement.body:
        if own and isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef)) and MAKING.search(part.name):
            continue
        if any(_is_use(node, attribute, own) for node in ast.walk(part)):
            return True
    return False


def _is_use(node: ast.AST, attribute: str, own: bool) -> bool:
    match node:
        case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Load()):
            return own and name in (attribute, *ANY_PART)
        case ast.Attribute(attr=name, ctx=ast.Load()):
            return name == attribute
        case ast.Constant(value=str(text)):
            return text == attribute
        case ast.Call(func=ast.Name(id="getattr" | "vars" | "eval"), args=[ast.Name(id="self"), *rest]):
            return own and not (rest and isinstance(rest[0], ast.Constant))
    return False


def _texts(root: Path, known: set[str]) -> Iterator[str]:
    """The project's other programs."""
    paths = (path for path in root.rglob("*.py") if not any(part in INSTALLED for part in path.parts))
    for path, _ in zip(paths, range(MOST_FILES), strict=False):
        if str(path) not in known:
            try:
                yield path.read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue


def definitions(path: str, name: str) -> Iterator[ast.ClassDef]:
    """The classes of that name in a file."""
    tree = tree_of(path)
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.ClassDef) and node.name == name:
            yield node
