"""Constructor arguments: from call sites with their local constants, from defaults, from annotations, or guessed."""

from __future__ import annotations

import ast
import inspect
import itertools
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..reasons import Unmeasurable
from .discovery import MODEL_CALLS, model_classes, returns_model
from .guessing import (
    CONFIGURATIONS,
    HIDDEN,
    VOCABULARY,
    Unguessable,
    completed,
    guess,
    last_resort,
    layer_called,
    table,
)
from .loading import Program, Slice, module_name
from .parameters import DATA, body_of, guess_parameter
from .settings import path_of, setting
from .slicing import Namespace, last_part, units_of
from .sources import parse, read_source
from .standins import GUESSED, find_stand_in, missing_package, stand_in
from .uses import is_called, items_read

MAKER = re.compile(r"^(build|make|create|get|define|new|init)_|_?(model|network|net|fn)$")
"""What a factory's name has beside that of what it makes."""

MOST_FILES = 300
MOST_SITES = 12
MOST_WAYS = 1
CALL_DEPTH = 3
SMALL = 4
WIDE = 7

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Arguments:
    """What to call a constructor with, and where that was read."""

    positional: tuple[Any, ...]
    keywords: dict[str, Any]
    origin: str
    assumed: tuple[str, ...] = ()

    def text(self, name: str) -> str:
        """The call as a newcomer would write it."""
        parts = [shown(value) for value in self.positional] + [
            f"{key}={shown(value)}" for key, value in self.keywords.items()
        ]
        return f"{name}({', '.join(parts)})"


def shown(value: Any) -> str:
    """A short text of an argument."""
    text = getattr(value, "__name__", None) if isinstance(value, type) else repr(value)
    return text if text is not None and len(text) <= 80 and "\n" not in text else f"<{type(value).__name__}>"


@dataclass(frozen=True)
class CallSite:
    """A call of the target, the functions it stands in from the outside in, and its file."""

    call: ast.Call
    inside: tuple[Function | ast.ClassDef, ...]
    module: Slice

    @property
    def origin(self) -> str:
        """The file and line, for the report."""
        return f"call at {Path(self.module.namespace.filename).name}:{self.call.lineno}"


class Scope(Namespace):
    """A function's locals on demand, its parameters from their defaults or from a call of the function.

    With ``guessing`` a parameter that nothing tells is a guess, or a stand-in for the data that a caller would give.
    """

    def __init__(
        self, function: Function, module: Slice, parent: dict[str, Any], depth: int, guessing: bool = False
    ) -> None:
        super().__init__(units_of(function.body), module.namespace.filename, parent, module.namespace.failed)
        self.function = function
        self.module = module
        self.depth = depth
        self.guessing = guessing
        self.parameters = {parameter.arg for parameter in parameters_of(function)}
        self.unknown: set[str] = set()

    def __missing__(self, name: str) -> Any:
        if name in self.parameters and name not in self.unknown:
            self.unknown.add(name)
            self[name] = parameter_value(self, name)
            self.unknown.discard(name)
        return self[name] if name in self and name not in self.unknown else super().__missing__(name)


def parameters_of(function: Function) -> list[ast.arg]:
    """The plain parameters of a function."""
    return [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]


def parameter_value(scope: Scope, name: str) -> Any:
    """The value a parameter has at the first call of its function that tells, else its default.

    Raises:
        KeyError: neither is known.
    """
    function = scope.function
    if scope.depth < CALL_DEPTH:
        names = [parameter.arg for parameter in parameters_of(function)]
        for site in call_sites(scope.module, function.name):
            written = next((word.value for word in site.call.keywords if word.arg == name), None)
            position = names.index(name)
            if written is None and position < len(site.call.args):
                written = site.call.args[position]
            if written is not None:
                try:
                    return evaluate(written, scope_of(site, scope.depth + 1))
                except Exception:  # whatever the user's expression raises: the next call may tell
                    continue
    positional = [*function.args.posonlyargs, *function.args.args]
    defaults = dict(zip([parameter.arg for parameter in positional][::-1], function.args.defaults[::-1], strict=False))
    defaults |= {
        parameter.arg: value
        for parameter, value in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
        if value
    }
    if name in defaults:
        return evaluate(defaults[name], scope.module.namespace)
    if not scope.guessing:
        raise KeyError(name)
    return guess_given(name, items_read(function, name))


def guess_given(name: str, items: int = 0) -> Any:
    """A guess for what a caller would give, written down as one, or so many in a list; a stand-in for an object."""
    try:
        value = guess(name)
    except Unguessable:
        return stand_in(name, f"{name} is what a caller would give")
    if isinstance(value, int) and DATA.search(name):
        return stand_in(name, f"{name} is what a caller would give")
    if items and type(value) in (int, float):
        value = [value] * items
    GUESSED.append(f"{name}={shown(value)}")
    return value


def evaluate(expression: ast.expr, scope: dict[str, Any]) -> Any:
    """The value of an expression of the user's in a scope."""
    return eval(compile(ast.fix_missing_locations(ast.Expression(expression)), "<argument>", "eval"), scope)


def scope_of(site: CallSite, depth: int = 0, guessing: bool = False) -> Namespace:
    """The names that are known at a call."""
    scope: Namespace = site.module.namespace
    for owner in site.inside:
        if not isinstance(owner, ast.ClassDef):
            scope = Scope(owner, site.module, scope, depth, guessing)
    return scope


def call_sites(module: Slice, name: str) -> Iterator[CallSite]:
    """Every call of ``name`` in a module's file."""
    yield from calls_in(parse(Path(module.namespace.filename)), name, (), module)


def calls_in(
    node: ast.AST, name: str, inside: tuple[Function | ast.ClassDef, ...], module: Slice
) -> Iterator[CallSite]:
    """The calls of ``name`` below a node, with the functions and classes around them."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call) and last_part(child.func) == name:
            yield CallSite(child, inside, module)
        within = (
            (*inside, child) if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) else inside
        )
        yield from calls_in(child, name, within, module)


def project_sites(program: Program, name: str) -> Iterator[CallSite]:
    """Calls of ``name`` in the other files of the project; of a method, in those that also name its class."""
    *_, last = parts = name.split(".")
    paths = [
        path
        for path in sorted(program.root.rglob("*.py"))[: MOST_FILES * 4]
        if path != program.path and "site-packages" not in path.parts
    ]
    paths.sort(key=lambda path: (path.parent != program.path.parent, len(path.parts)))
    for path in paths[:MOST_FILES]:
        try:
            text = read_source(path)
            if not all(part in text for part in parts):
                continue
            module = program.slices.get(module_name(path)) or program.slice_of(module_name(path), path)
            yield from call_sites(module, last)
        except Unmeasurable:
            continue


def arguments_for(program: Program, module: Slice, name: str, target: Callable[..., Any]) -> Iterator[Arguments]:
    """What the target may be called with, the best-founded first."""
    parameters = required_and_optional(target)
    incomplete = []
    own = list(call_sites(module, name.rpartition(".")[2]))
    sites = own or list(project_sites(program, name))
    partial = []
    for site in [site for site in sites if not stands_in(site, name)][:MOST_SITES]:
        found = from_call(site, parameters, target)
        if found is None:
            continue
        incomplete += [better] if (better := with_completed_options(found)) is not None else []
        if found.assumed:
            partial.append(found)
        else:
            yield found
    required = [parameter for parameter in parameters if parameter.default is parameter.empty]
    if not required:
        yield Arguments((), {}, "defaults")
        yield from without_empty_options(parameters, module, target)
    yield from partial
    yield from incomplete
    if required:
        guessed = guessed_arguments(required, program, module, target)
        written = with_settings(guessed, required)
        for one in (written, guessed, smaller(guessed), uniform(guessed)):
            if one is not None:
                yield with_fitted_tables(one, required)


def without_empty_options(
    parameters: list[inspect.Parameter], module: Slice, target: Callable[..., Any]
) -> Iterator[Arguments]:
    """Guessed options in place of a default that is ``None`` or an empty dictionary."""
    empty = [one for one in parameters if CONFIGURATIONS.match(one.name) and is_empty(one.default)]
    if empty:
        options = {one.name: guess_parameter(one, module, target) for one in empty}
        yield Arguments((), options, "defaults", tuple(f"{name}={shown(value)}" for name, value in options.items()))


def is_empty(default: Any) -> bool:
    """Whether a default says nothing."""
    return default is None or (isinstance(default, (dict, list, tuple)) and not default)


def with_completed_options(found: Arguments) -> Arguments | None:
    """The arguments with guesses for what only the script would have put into its options; None where there are none."""
    positional = tuple(value if (full := completed(value)) is None else full for value in found.positional)
    keywords = {key: value if (full := completed(value)) is None else full for key, value in found.keywords.items()}
    changed = any(new is not old for new, old in zip(positional, found.positional, strict=True))
    if not changed and all(keywords[key] is found.keywords[key] for key in keywords):
        return None
    return Arguments(positional, keywords, found.origin, (*found.assumed, "options that only the script sets"))


def stands_in(site: CallSite, name: str) -> bool:
    """Whether a call stands inside the definition of the thing it calls."""
    return any(owner.name == name for owner in site.inside)


def required_and_optional(target: Callable[..., Any]) -> list[inspect.Parameter]:
    """The parameters that a caller gives; empty when the signature is not known."""
    try:
        signature = inspect.signature(body_of(target))
    except (TypeError, ValueError):
        return []
    plain = [p for p in signature.parameters.values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    return plain[1:] if isinstance(target, type) else plain


def from_call(site: CallSite, parameters: list[inspect.Parameter], target: Callable[..., Any]) -> Arguments | None:
    """The arguments that a call site gives; what cannot be evaluated there is guessed by its parameter's name."""
    scope = scope_of(site)
    names = [parameter.name for parameter in parameters]
    positional: list[Any] = []
    keywords: dict[str, Any] = {}
    assumed: list[str] = []
    for position, written in enumerate(site.call.args):
        known = names[position] if position < len(names) else ""
        try:
            if isinstance(written, ast.Starred):
                positional.extend(usable(evaluate(written.value, scope)))
            else:
                positional.append(usable(evaluate(written, scope)))
        except Exception:  # whatever the user's expression raises
            try:
                made = part_made_for(written, site)
                positional.append(guess_written(written, known) if made is None else made)
                assumed.append(f"{known}={shown(positional[-1])}")
            except Unguessable:
                return None
    for word in site.call.keywords:
        try:
            value = usable(evaluate(word.value, scope))
            keywords.update(value if word.arg is None else {word.arg: value})
        except Exception:  # whatever the user's expression raises
            try:
                if word.arg is None:
                    return None
                made = part_made_for(word.value, site)
                keywords[word.arg] = guess_written(word.value, word.arg) if made is None else made
                assumed.append(f"{word.arg}={shown(keywords[word.arg])}")
            except Unguessable:
                return None
    for parameter in parameters[len(positional) :]:
        if parameter.default is parameter.empty and parameter.name not in keywords:
            try:
                keywords[parameter.name] = guess_parameter(parameter, site.module, target)
                assumed.append(f"{parameter.name}={shown(keywords[parameter.name])}")
            except Unguessable:
                return None
    return Arguments(tuple(positional), keywords, site.origin, tuple(assumed))


def part_made_for(written: ast.expr, site: CallSite) -> Any:
    """What the function around a call makes for it of parameters that nothing gives, as ``encoder = build(width)`` for
    ``Net(encoder)``, with guesses for these; None for what is no part of a model."""
    if not any(isinstance(owner, Function) for owner in site.inside):
        return None
    try:
        value = usable(evaluate(written, scope_of(site, guessing=True)))
    except Exception:  # whatever the user's statements raise
        return None
    return (
        value
        if callable(value) and hasattr(value, "trainable_weights" if "keras" in sys.modules else "parameters")
        else None
    )


def guess_written(written: ast.expr, parameter: str) -> Any:
    """What an argument that cannot be evaluated probably is: what the program's settings say of ``config["depth"]`` or
    ``depth``, else a guess by the name of the parameter.

    Raises:
        Unguessable: neither says anything.
    """
    root, *names = path_of(written)
    path = tuple(names) or (root,)
    value = setting(path) if all(path) and root != "self" else None
    return guess(parameter) if value is None else value


def usable(value: Any) -> Any:
    """The value, unless a stand-in has a part in it.

    Raises:
        Unmeasurable: it has.
    """
    found = find_stand_in(value)
    if found is not None:
        raise Unmeasurable("missing-dependency", missing_package(repr(found)) or found.__name__)
    return value


def guessed_arguments(
    required: list[inspect.Parameter], program: Program, module: Slice, target: Callable[..., Any]
) -> Arguments:
    """A guess for every required parameter."""
    values: dict[str, Any] = {}
    for parameter in required:
        repeated = re.search(r"block|layer|cell", parameter.name, re.I)  # the class is wanted, to make several
        made = None if repeated else part_of_file(parameter.name, program, module, target, exact=True)
        if made is None:
            try:
                made = guess_parameter(parameter, module, target)
            except Unguessable:
                made = part_of_file(parameter.name, program, module, target, exact=False)
        if made is None and isinstance(target, type) and is_called(target, parameter.name):
            made = layer_called(parameter.name)
        values[parameter.name] = last_resort(parameter.name) if made is None else made
    positional = tuple(values[parameter.name] for parameter in required if parameter.kind is not parameter.KEYWORD_ONLY)
    keywords = {
        parameter.name: values[parameter.name] for parameter in required if parameter.kind is parameter.KEYWORD_ONLY
    }
    return Arguments(positional, keywords, "guess", tuple(f"{key}={shown(value)}" for key, value in values.items()))


def with_settings(guessed: Arguments, required: list[inspect.Parameter]) -> Arguments | None:
    """The same with what the program's settings say in place of guessed numbers and words; None where they say nothing."""
    found = {one.name: value for one in required if (value := setting((one.name,))) is not None}
    names = [one.name for one in required if one.kind is not one.KEYWORD_ONLY]
    values = dict(zip(names, guessed.positional, strict=True)) | guessed.keywords
    found = {name: value for name, value in found.items() if type(values[name]) in (int, float, str, list, tuple, bool)}
    if not any(values[name] != value for name, value in found.items()):
        return None
    values |= found
    assumed = tuple(f"{name}={shown(value)}" for name, value in values.items())
    return Arguments(
        tuple(values[name] for name in names),
        {name: values[name] for name in guessed.keywords},
        guessed.origin,
        assumed,
    )


def part_of_file(parameter: str, program: Program, module: Slice, target: Callable[..., Any], exact: bool) -> Any:
    """A model of the file that is called like a parameter, as in ``Seq2Seq(encoder, decoder)``, or has its name at the end;
    None where none can be made."""
    word = parameter.strip("_").replace("_", "").lower()
    tree = parse(Path(module.namespace.filename))
    own = getattr(target, "__name__", "")
    fits = str.__eq__ if exact else str.endswith
    names = [name for name in model_classes(tree) if fits(name.lower(), word) and name != own]
    names += [name for name in factories_for(parameter, tree) if name != own]
    for name in names if len(word) > 2 else ():
        if name in program.making:
            continue
        program.making.add(name)
        try:
            owner = module.namespace[name]
            for arguments in itertools.islice(arguments_for(program, module, name, owner), MOST_WAYS):
                return owner(*arguments.positional, **arguments.keywords)
        except Exception:  # whatever the user's constructor raises
            continue
        finally:
            program.making.discard(name)
    return None


def factories_for(parameter: str, tree: ast.Module) -> Iterator[str]:
    """The functions of a file that return a model and are called like a parameter: ``build_generator`` for ``generator``."""
    word = MAKER.sub("", parameter.lower()).strip("_")
    for node in tree.body if word else ():
        if isinstance(node, ast.FunctionDef) and returns_model(node, MODEL_CALLS):
            if MAKER.sub("", node.name.lower()).strip("_") == word:
                yield node.name


ROWS_WANTED = re.compile(
    r"vocab|voc_size|n_?words|n_?tokens|num_?emb|input_dim|dict_?size|size_?(of_?)?(dict|vocab)", re.I
)
WIDTH_WANTED = re.compile(
    r"(emb|word|vec|glove|w2v).*(dim|size|width|len)|(dim|size|width)_?(of_?)?(emb|word)|^d_?model$", re.I
)
"""Parameters that tell how many rows a table of weights has, and how wide they are."""


def with_fitted_tables(guessed: Arguments, required: list[inspect.Parameter]) -> Arguments:
    """The same with tables of weights as long and as wide as the other arguments say."""
    names = [one.name for one in required if one.kind is not one.KEYWORD_ONLY]
    values = dict(zip(names, guessed.positional, strict=False)) | guessed.keywords
    numbers = {name: value for name, value in values.items() if type(value) is int and value > 1}
    rows = next((value for name, value in numbers.items() if ROWS_WANTED.search(name)), VOCABULARY)
    width = next((value for name, value in numbers.items() if WIDTH_WANTED.search(name)), HIDDEN)
    for name, value in values.items():
        if getattr(value, "shape", None) == (VOCABULARY, HIDDEN):
            values[name] = table(rows, width)
    return replace(
        guessed,
        positional=tuple(values[name] for name in names[: len(guessed.positional)]),
        keywords={name: values[name] for name in guessed.keywords},
    )


def smaller(guessed: Arguments) -> Arguments:
    """The same with every guessed number above ``SMALL`` replaced by it: what was taken for a width may be a depth."""
    return with_numbers(guessed, lambda value: SMALL if value > SMALL else value)


def uniform(guessed: Arguments) -> Arguments:
    """The same with one width for all: what is called differently may be added up."""
    return with_numbers(guessed, lambda value: HIDDEN if value > WIDE else value)


def with_numbers(guessed: Arguments, change: Callable[[int], int]) -> Arguments:
    """The same with other numbers by place."""
    positional = tuple(change(value) if type(value) is int else value for value in guessed.positional)
    names = [text.partition("=")[0] for text in guessed.assumed]
    assumed = tuple(f"{name}={shown(value)}" for name, value in zip(names, positional, strict=False))
    return Arguments(positional, guessed.keywords, guessed.origin, (*assumed, *guessed.assumed[len(assumed) :]))
