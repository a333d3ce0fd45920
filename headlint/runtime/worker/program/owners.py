"""Models that an ordinary class of the program makes: in a method that returns one, or as an attribute of its objects."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from ..reasons import Unmeasurable, describe
from .arguments import Arguments, arguments_for
from .described import described
from .discovery import MODEL_CALLS, makes_model
from .loading import Program, Slice
from .locating import definition
from .slicing import last_part, root_name
from .sources import parse

MOST_ARGUMENTS = 3
"""Ways to call one method or constructor that are tried."""

Way = tuple[Callable[[Arguments], Any], str, Arguments, Callable[..., Any]]
"""What makes from arguments an object that is or holds the model, the name of what it calls, the arguments, and what is
called."""


def owned_models(
    program: Program, module: Slice, name: str, owner: type, is_model: Callable[[Any], bool]
) -> Iterator[Way]:
    """The ways to get at the model of a class: its methods on an object that was not initialised, then on one that was,
    then on one that has what its constructor would have written."""
    node = definition(parse(Path(module.namespace.filename)).body, name)
    assert isinstance(node, ast.ClassDef)
    methods = [one for one in node.body if isinstance(one, ast.FunctionDef) and one.name != "__init__"]
    makers = [one.name for one in methods if makes_model(one, MODEL_CALLS) or adds_layers(one)]

    def found(value: Any, instance: Any) -> Any:
        if value is None or (isinstance(value, owner) and not is_model(value)):
            return model_held(instance if value is None else value, is_model)
        return value

    def on_blank(method: str, arguments: Arguments) -> Any:
        blank: Any = object.__new__(owner)
        try:
            return found(getattr(blank, method)(*arguments.positional, **arguments.keywords), blank)
        except Unmeasurable:
            raise
        except AttributeError as error:
            raise Unmeasurable("arguments", f"{method} needs an object that was initialised ({error})") from None
        except Exception as error:  # whatever the user's method raises: other arguments are tried on a described object
            raise Unmeasurable("constructor", describe(error)) from None

    def on_described(method: str, arguments: Arguments) -> Any:
        instance = described(owner, node, module.namespace)
        return found(own(instance, method)(*arguments.positional, **arguments.keywords), instance)

    def on_initialised(arguments: Arguments) -> Any:
        instance = owner(*arguments.positional, **arguments.keywords)
        if any(is_model(value) and not is_empty(value) for value in vars(instance).values()) or not makers:
            return model_held(instance, is_model)
        method = own(instance, makers[-1])
        first = next(arguments_for(program, module, f"{name}.{makers[-1]}", method), Arguments((), {}, ""))
        return found(method(*first.positional, **first.keywords), instance)

    for method in reversed(makers):
        dotted = f"{name}.{method}"
        target = own(object.__new__(owner), method)
        for arguments in itertools.islice(arguments_for(program, module, dotted, target), MOST_ARGUMENTS):
            yield partial(on_blank, method), dotted, arguments, target
    for arguments in itertools.islice(arguments_for(program, module, name, owner), MOST_ARGUMENTS):
        yield on_initialised, name, arguments, owner
    for method in reversed(makers):
        target = own(object.__new__(owner), method)
        for arguments in itertools.islice(arguments_for(program, module, f"{name}.{method}", target), MOST_ARGUMENTS):
            yield partial(on_described, method), f"{name}.{method}", arguments, target


def adds_layers(node: ast.AST) -> bool:
    """Whether a method adds layers to a model that its object holds."""
    return any(
        isinstance(inner, ast.Call)
        and isinstance(inner.func, ast.Attribute)
        and inner.func.attr == "add"
        and root_name(inner.func.value) == "self"
        for inner in ast.walk(node)
    )


def is_empty(model: Any) -> bool:
    """Whether a model has no layers yet."""
    return not getattr(model, "layers", True)


def only_owns(node: ast.AST) -> bool:
    """Whether a class of models has no pass of its own, but a method that makes a model."""
    if not isinstance(node, ast.ClassDef) or not {last_part(base) for base in node.bases} <= {"Model", "Module"}:
        return False
    methods = [one for one in node.body if isinstance(one, ast.FunctionDef) and one.name != "__init__"]
    passes = any(one.name in ("call", "forward") for one in methods)
    return not passes and any(makes_model(one, MODEL_CALLS) for one in methods)


def class_makers(node: ast.AST) -> list[str]:
    """The class methods of a class that make an object of it, as ``from_name`` does."""
    if not isinstance(node, ast.ClassDef):
        return []
    found = []
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and any(last_part(one) == "classmethod" for one in item.decorator_list):
            own = {item.args.args[0].arg, node.name} if item.args.args else set()
            if makes_model(item, frozenset(own)):
                found.append(item.name)
    return found


def model_held(instance: Any, is_model: Callable[[Any], bool]) -> Any:
    """The last model among the attributes of an object.

    Raises:
        Unmeasurable: it has none.
    """
    models = [value for value in vars(instance).values() if is_model(value)]
    if not models:
        raise Unmeasurable("not-a-model", f"an object of {type(instance).__name__} holds no model")
    return models[-1]


def own(instance: Any, method: str) -> Any:
    """A method by the name that its class writes: Python keeps ``__build`` as ``_Class__build``."""
    private = method.startswith("__") and not method.endswith("__")
    names = [f"_{one.__name__.lstrip('_')}{method}" for one in type(instance).__mro__] if private else []
    return getattr(instance, next((name for name in names if hasattr(type(instance), name)), method))
