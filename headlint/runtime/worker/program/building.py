"""From a name in the user's program to a function that makes a new model each time it is called."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from ..reasons import Unmeasurable, describe
from .adjusting import adjusted
from .arguments import Arguments, arguments_for, required_and_optional, shown
from .discovery import MODEL_CALLS, makes_model
from .loading import Program, Slice
from .locating import definition, written_value
from .owners import adds_layers, class_makers, model_held, only_owns, owned_models
from .registrations import Current
from .sources import parse
from .standins import MissingData, find_stand_in, missing_package

MOST_WAYS = 3
"""Ways to call a class method that makes the model."""


class Framework(Protocol):
    """What building asks of a framework."""

    def is_model(self, value: Any) -> bool:
        """Whether a value is a built model."""

    def is_model_class(self, value: Any) -> bool:
        """Whether a value is a class of models."""


@dataclass(frozen=True)
class Recipe:
    """How to make the model, in words and as a function."""

    make: Callable[[], Any]
    init: str
    origin: str
    assumed: tuple[str, ...] = ()
    otherwise: Callable[[BaseException, bool], Iterator[Recipe]] = field(
        default=lambda error, usual: iter(()), compare=False
    )
    """Recipes with other guesses, by what this one raised: what the error asks for, or usual numbers."""
    near: bool = False
    """Whether the failing line reads, by its name, the guess that is another here."""


def recipes(program: Program, module: Slice, name: str, init: str, framework: Framework) -> Iterator[Recipe]:
    """The ways to make the model, the best-founded first. ``name`` may be dotted: ``main.model`` is a local of ``main``.

    Raises:
        Unmeasurable: the name is not defined, cannot be loaded, or is no model.
    """
    if init:
        code = compile(ast.parse(init, mode="eval"), "--init", "eval")
        yield Recipe(lambda: eval(code, module.namespace), init, "--init")
        return
    try:
        value, text = written_value(module, name)
    except Unmeasurable:
        raise
    except Exception as error:  # whatever the user's statements raise
        reason, detail = load_failure(error)
        if reason != "constructor" or isinstance(definition_of(module, name), (ast.ClassDef, ast.FunctionDef)):
            raise Unmeasurable(reason, detail) from error
        yield Recipe(FirstThenFresh(None, program, module, name), name, "module level" if "." not in name else name)
        return
    refuse_stand_in(value)
    node = definition_of(module, name)
    if framework.is_model(value):
        yield Recipe(FirstThenFresh(value, program, module, name), text, "module level" if "." not in name else name)
    elif isinstance(value, type) and (
        only_owns(node) if framework.is_model_class(value) else makes_model(node, MODEL_CALLS) or adds_layers(node)
    ):
        for made, called, arguments, target in owned_models(program, module, name, value, framework.is_model):
            yield made_with(made, target, called, arguments)
    elif framework.is_model_class(value) or (callable(value) and not isinstance(value, type)):
        for arguments in arguments_for(program, module, name, value):
            yield called_with(value, name, arguments)
        for method in class_makers(node):
            maker = getattr(value, method)
            for arguments in itertools.islice(arguments_for(program, module, f"{name}.{method}", maker), MOST_WAYS):
                yield called_with(maker, f"{name}.{method}", arguments)
    elif not isinstance(value, type) and any(map(framework.is_model, getattr(value, "__dict__", {}).values())):
        whole = FirstThenFresh(value, program, module, name)
        yield Recipe(lambda: model_held(whole(), framework.is_model), text, "module level" if "." not in name else name)
    else:
        missing = [stub for stub in program.stubs if "not installed" in stub or "failed:" in stub]
        if isinstance(value, type) and missing:
            raise Unmeasurable("missing-dependency", "; ".join(missing))
        raise Unmeasurable("not-a-model", f"{name} is {shown(value)}")


def called_with(target: Callable[..., Any], name: str, arguments: Arguments, near: bool = False) -> Recipe:
    """The recipe that calls a class or function."""
    return made_with(lambda given: target(*given.positional, **given.keywords), target, name, arguments, near)


def made_with(
    made: Callable[[Arguments], Any], target: Callable[..., Any], name: str, arguments: Arguments, near: bool = False
) -> Recipe:
    """The recipe that makes something with the arguments of a class, function or method."""
    taken = required_and_optional(target)
    parameters = [one.name for one in taken]
    switches = {one.name: one.default for one in taken if isinstance(one.default, bool)}

    def otherwise(error: BaseException, usual: bool) -> Iterator[Recipe]:
        return (made_with(made, target, name, *one) for one in adjusted(arguments, parameters, error, usual, switches))

    return Recipe(partial(made, arguments), arguments.text(name), arguments.origin, arguments.assumed, otherwise, near)


def definition_of(module: Slice, name: str) -> ast.AST:
    """The class or function of that name; an empty module where there is none."""
    return definition(parse(Path(module.namespace.filename)).body, name) or ast.Module([], [])


class FirstThenFresh:
    """Gives the model that loading made, and after that a new one each time, from the program loaded anew."""

    def __init__(self, value: Any, program: Program, module: Slice, name: str) -> None:
        self.value = value
        self.program = program
        self.module = module
        self.name = name

    def __call__(self) -> Any:
        """The model."""
        if self.value is None:
            return written_value(self.program.reload(self.module), self.name)[0]
        value, self.value = self.value, None
        return value


def make(recipe: Recipe, framework: Framework) -> Any:
    """A new model.

    Raises:
        Unmeasurable: the recipe fails, or gives no model.
    """
    try:
        return model_in(recipe.make(), framework)
    except Unmeasurable:
        raise
    except SystemExit as error:
        raise Unmeasurable("exit", describe(error)) from error
    except Exception as error:  # whatever the user's constructor raises
        if Current.registrations.enter(error):
            return make(recipe, framework)
        raise Unmeasurable(*load_failure(error)) from error


def refuse_stand_in(value: Any) -> None:
    """Stops where the target itself was replaced.

    Raises:
        Unmeasurable: it was.
    """
    if isinstance(value, MissingData):
        raise Unmeasurable("data", "the model itself is read from a file")
    found = find_stand_in(value)
    if found is not None:
        raise Unmeasurable("missing-dependency", missing_package(repr(found)) or found.__name__)


def load_failure(error: BaseException) -> tuple[str, str]:
    """The reason and detail for an error while the program's statements ran."""
    text = describe(error)
    if (missing := missing_package(text)) is not None:
        return "missing-dependency", missing
    if isinstance(error, (FileNotFoundError, PermissionError)):
        return "data", text
    if isinstance(error, ImportError):
        return "import", text
    return "constructor", text


def model_in(value: Any, framework: Framework) -> Any:
    """The model that a factory returned: the value itself or the first model in a tuple, list or dictionary.

    Raises:
        Unmeasurable: there is none.
    """
    if framework.is_model(value):
        return value
    if isinstance(value, MissingData):
        raise Unmeasurable("data", "the model itself is read from a file")
    parts = list(value.values()) if isinstance(value, dict) else value if isinstance(value, (tuple, list)) else []
    for part in parts:
        if framework.is_model(part):
            return part
    raise Unmeasurable("not-a-model", f"it gives {shown(value)}")
