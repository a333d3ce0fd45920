"""What a program writes down as its settings: defaults of its command line and of its configurations, yaml and json files.

Where a guess would have to be made for ``config.hidden_size``, the number that stands in the program's own ``train.yaml`` or
behind its ``--hidden_size`` is the better one. It remains a guess: which of several files a run would take is not known.
"""

from __future__ import annotations

import ast
import json
import os
import re
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from ..reasons import Unmeasurable
from .sources import parse, read_source

Key = tuple[str, ...]
"""The names that lead to a setting, from the outside in: ``("model", "depth")``."""

HOLDER = re.compile(
    r"^_*c$|(^|_)(args?|config|configs|cfg|conf|opts?|options|hparams|params|flags|defaults|settings|hp)$|hyper_?param",
    re.I,
)
"""Variables that hold settings."""

CLASS = re.compile(r"(Config|Configuration|Args|Arguments|Options?|Opts?|HParams|Params|Parameters|Settings|Defaults)$")
"""Classes of settings."""

MENTIONS = re.compile(r"add_argument|DEFINE_\w+\(|\.option\(|config|params|options|settings|dataclass|\bcfg\b", re.I)
"""What the text of a file with settings has in it."""

ELSEWHERE = re.compile(
    r"device|cuda|gpu|path|dir$|dir_|file|root|pretrain|ckpt|checkpoint|resume|restore|load|log|url|workers|batch|seed",
    re.I,
)
"""Settings that are about the machine, the files on it or the run, and not about the model."""

MOST_FILES = 250
MOST_BYTES = 150_000
MOST_LEAVES = 600
MOST_SECONDS = 1.0
SUFFIXES = (".py", ".yaml", ".yml", ".json")
CHECKED = frozenset({"site-packages", ".git", "node_modules", "tests", "test", "docs"})


class Settings:
    """The settings of the program around a file; nothing is read before something is asked for."""

    def __init__(self, root: Path | None = None, path: Path | None = None) -> None:
        self.root = root
        self.path = path

    @cached_property
    def sources(self) -> list[dict[Key, Any]]:
        """The settings of each file, those first of which the model's file mentions the most."""
        if self.root is None or self.path is None:
            return []
        found = []
        until = time.monotonic() + MOST_SECONDS
        for path in self.files():
            if time.monotonic() > until:
                break
            values = {normal(key): value for key, value in settings_of(path) if not ELSEWHERE.search(key[-1])}
            if values:
                found.append(values)
        mentioned = names_in(self.path)
        return sorted(found, key=lambda values: -len({key[-1] for key in values} & mentioned))

    def files(self) -> list[Path]:
        """The files that may hold settings, the nearest first."""
        assert self.root is not None
        assert self.path is not None
        found: list[Path] = []
        for folder, folders, names in os.walk(self.root):
            folders[:] = [name for name in folders if name not in CHECKED and not name.startswith(".")]
            found += [Path(folder, name) for name in names if name.endswith(SUFFIXES)]
        near = self.path.parent.parts
        return sorted(found, key=lambda path: (len(near) - shared(near, path.parts), len(path.parts)))[:MOST_FILES]

    def find(self, key: Key) -> Any:
        """The value of a setting: that of the file whose keys agree with most of the names. None where none has it."""
        wanted = normal(key)
        for length in range(len(wanted), 0, -1):
            for values in self.sources:
                for one, value in values.items():
                    if one[-length:] == wanted[-length:]:
                        return value
        return None

    @cached_property
    def groups(self) -> frozenset[str]:
        """The settings of which the model's file reads settings."""
        try:
            return frozenset(groups_read(parse(self.path))) if self.path is not None else frozenset()
        except Unmeasurable:
            return frozenset()

    def has_below(self, name: str) -> bool:
        """Whether there are settings below a name."""
        (wanted,) = normal((name,))
        return name in self.groups or any(wanted in one[:-1] for values in self.sources for one in values)


class Current:
    """The settings of the program that is being loaded."""

    settings = Settings()


def setting(key: Key) -> Any:
    """The value that the program has for a setting; None where it has none, or a new object each time."""
    if ELSEWHERE.search(key[-1]):
        return None
    value = Current.settings.find(key)
    return list(value) if isinstance(value, list) else value


def is_group(name: str) -> bool:
    """Whether the program has settings below a name, as ``model.depth`` is below ``model``."""
    return Current.settings.has_below(name)


def is_read_as_group(name: str) -> bool:
    """Whether the model's own file reads settings below a name."""
    return name in Current.settings.groups


OF_PLAIN = frozenset(name for kind in (str, list, dict, int, float) for name in dir(kind)) | {"size", "shape", "device"}
"""What plain values have: asking for it makes no group of them."""


def groups_read(tree: ast.Module) -> Iterator[str]:
    """The settings that hold others, as ``model`` in ``config.model.depth``, or in ``spec = config.model; spec["depth"]``."""
    nodes = list(ast.walk(tree))
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    aliases: dict[str, str] = {}
    for node in nodes:
        match node:
            case ast.Assign(targets=[ast.Name(id=alias)], value=value) if path := below_holder(value):
                aliases[alias] = path[-1]
    for node in nodes:
        if not isinstance(node, (ast.Attribute, ast.Subscript)) or id(node) in called:
            continue
        root, *names = path_of(node)
        path = below_holder(node) or ([aliases[root], *names] if root in aliases else [])
        if len(path) > 1 and path[-1] not in OF_PLAIN and not ELSEWHERE.search(path[-2]):
            yield path[-2]


def below_holder(node: ast.expr) -> list[str]:
    """``["model", "depth"]`` for ``config.model.depth`` and ``self.config.model.depth``; nothing for anything else."""
    root, *names = path_of(node)
    if root == "self" and names:
        root, *names = names
    return names if HOLDER.search(root) else []


def normal(key: Key) -> Key:
    """The names in small letters."""
    return tuple(name.strip("_").lower().replace("-", "_") for name in key)


def shared(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    """How many parts two paths begin with alike."""
    return next((place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))


def names_in(path: Path) -> set[str]:
    """The attributes and words that a file mentions, in small letters."""
    try:
        tree = parse(path)
    except Unmeasurable:
        return set()
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name) | ast.Constant(value=str(name)) | ast.arg(arg=name):
                found.add(name.strip("_").lower())
    return found


def settings_of(path: Path) -> Iterator[tuple[Key, Any]]:
    """The settings that a file writes down."""
    try:
        if path.stat().st_size > MOST_BYTES:
            return
        text = read_source(path) if path.suffix == ".py" else path.read_text(encoding="utf-8")
        if path.suffix == ".py":
            found = list(settings_in(parse(path))) if MENTIONS.search(text) else []
        else:
            found = list(flattened((), json.loads(text) if path.suffix == ".json" else of_yaml(text)))
    except (OSError, ValueError, Unmeasurable):
        return
    if len(found) <= MOST_LEAVES:
        yield from found


def flattened(key: Key, value: Any) -> Iterator[tuple[Key, Any]]:
    """The plain values in nested dictionaries."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(name, str):
                yield from flattened((*key, name), inner)
    elif key and value is not None and is_plain(value):
        yield key, value


def is_plain(value: Any) -> bool:
    """Whether a value is a number, a word, or a list of such."""
    if isinstance(value, (list, tuple)):
        return bool(value) and all(is_plain(part) for part in value)
    return isinstance(value, (bool, int, float, str))


def settings_in(tree: ast.Module) -> Iterator[tuple[Key, Any]]:
    """The settings that a program writes down."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="add_argument" | "option"), args=[*flags], keywords=words):
                yield from of_flag(flags, {word.arg or "": word.value for word in words})
            case ast.Call(func=ast.Attribute(attr=maker), args=[ast.Constant(value=str(name)), default, *_]) if (
                maker.startswith("DEFINE_")
            ):
                yield from of_value((name,), default)
            case ast.Call(func=ast.Attribute(attr="set_defaults"), keywords=words):
                yield from of_keywords((), words)
            case ast.ClassDef(name=name) if CLASS.search(name) or any(
                "dataclass" in ast.dump(one) for one in node.decorator_list
            ):
                yield from of_class(node)
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if HOLDER.search(name):
                yield from of_value((), value)
            case ast.Assign(targets=[ast.Attribute() | ast.Subscript() as target], value=value):
                root, *names = path_of(target)
                if HOLDER.search(root) and names:
                    yield from of_value(tuple(names), value)


def path_of(node: ast.expr) -> list[str]:
    """``["cfg", "model", "depth"]`` for ``cfg.model["depth"]``; what is no such path begins with an empty name."""
    match node:
        case ast.Name(id=name):
            return [name]
        case ast.Attribute(value=owner, attr=name) | ast.Subscript(value=owner, slice=ast.Constant(value=str(name))):
            return [*path_of(owner), name]
    return [""]


def of_flag(flags: list[ast.expr], words: dict[str, ast.expr]) -> Iterator[tuple[Key, Any]]:
    """The default of a flag of the command line."""
    names = [flag.value for flag in flags if isinstance(flag, ast.Constant) and isinstance(flag.value, str)]
    long = next((name for name in names if name.startswith("--")), names[0] if names else "")
    destination = literal(words["dest"]) if "dest" in words else long.lstrip("-")
    if not isinstance(destination, str) or not destination:
        return
    action = literal(words["action"]) if "action" in words else None
    if "default" in words:
        yield from of_value((destination,), words["default"])
    elif action in ("store_true", "store_false"):
        yield (destination,), action == "store_false"


def of_class(node: ast.ClassDef) -> Iterator[tuple[Key, Any]]:
    """The fields of a class of settings, and what its constructor sets or takes."""
    for item in node.body:
        match item:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield from of_value((name,), value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield from of_value((name,), value)
            case ast.FunctionDef(name="__init__", args=arguments):
                taken = [one.arg for one in (*arguments.posonlyargs, *arguments.args)]
                for name, default in zip(taken[::-1], arguments.defaults[::-1], strict=False):
                    yield from of_value((name,), default)
                for inner in ast.walk(item):
                    match inner:
                        case ast.Assign(targets=[ast.Attribute(value=ast.Name(id="self"), attr=name)], value=value):
                            yield from of_value((name,), value)


def of_keywords(key: Key, words: list[ast.keyword]) -> Iterator[tuple[Key, Any]]:
    """The keyword arguments of a call as settings."""
    for word in words:
        if word.arg is not None:
            yield from of_value((*key, word.arg), word.value)


def of_value(key: Key, value: ast.expr) -> Iterator[tuple[Key, Any]]:
    """What an expression says: a plain value, or a dictionary of settings, perhaps in a call such as ``EasyDict(...)``."""
    match value:
        case ast.Dict(keys=names, values=values):
            for name, inner in zip(names, values, strict=True):
                if isinstance(name, ast.Constant) and isinstance(name.value, str):
                    yield from of_value((*key, name.value), inner)
        case ast.Call(func=ast.Attribute(attr="field" | "ib" | "attrib") | ast.Name(id="field"), keywords=words):
            yield from (pair for word in words if word.arg == "default" for pair in of_value(key, word.value))
        case ast.Call(args=[ast.Dict() as inner]):
            yield from of_value(key, inner)
        case ast.Call(args=[], keywords=words):
            yield from of_keywords(key, words)
        case _ if key and (plain := literal(value)) is not None and is_plain(plain):
            yield key, plain


ARITHMETIC = (
    ast.Constant, ast.UnaryOp, ast.USub, ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Tuple, ast.List,
    ast.Load, ast.Expression,
)  # fmt: skip


def literal(node: ast.expr) -> Any:
    """A number, word or list, products and sums of numbers included; None for anything else. A word that writes down a list,
    as ``"[2, 2, 2]"``, is that list."""
    if not all(isinstance(inner, ARITHMETIC) for inner in ast.walk(node)):
        return None
    try:
        value = eval(compile(ast.Expression(node), "<setting>", "eval"), {"__builtins__": {}})
    except Exception:  # whatever the arithmetic raises
        return None
    return listed(value)


def listed(value: Any) -> Any:
    """The list that a word writes down; any other value as it is."""
    if isinstance(value, str) and re.fullmatch(r"[\[(][\d\s.,\-\[\]()]*[\])]", value.strip()):
        try:
            return ast.literal_eval(value.strip())
        except (ValueError, SyntaxError):
            return value
    return value


LINE = re.compile(r"^(?P<indent> *)(?P<name>[\w.-]+)\s*:(?:\s+(?P<value>[^#]*?))?\s*(?:#.*)?$")
ITEM = re.compile(r"^ *- +(?P<value>[^#:]+?)\s*(?:#.*)?$")


def of_yaml(text: str) -> dict[str, Any]:
    """The mappings of a yaml file, with plain values and lists of such; what is more than that is left out."""
    whole: dict[str, Any] = {}
    around: list[tuple[int, dict[str, Any]]] = [(-1, whole)]
    last: tuple[dict[str, Any], str] | None = None
    for line in text.splitlines():
        if (item := ITEM.match(line)) and last is not None:
            owner, name = last
            if not isinstance(owner.get(name), list):
                owner[name] = []
            owner[name].append(scalar(item["value"]))
            continue
        found = LINE.match(line)
        if not found:
            continue
        indent = len(found["indent"])
        while around[-1][0] >= indent:
            around.pop()
        owner = around[-1][1]
        if found["value"]:
            owner[found["name"]] = scalar(found["value"])
            last = None
        else:
            inner: dict[str, Any] = {}
            owner[found["name"]] = inner
            around.append((indent, inner))
            last = owner, found["name"]
    return whole


def scalar(text: str) -> Any:
    """A value of yaml."""
    plain = text.strip()
    if plain.lower() in ("true", "yes", "on"):
        return True
    if plain.lower() in ("false", "no", "off"):
        return False
    if plain.lower() in ("null", "none", "~", ""):
        return None
    try:
        return ast.literal_eval(plain)
    except (ValueError, SyntaxError):
        pass
    try:
        return float(plain)
    except ValueError:
        return plain.strip("'\"")
