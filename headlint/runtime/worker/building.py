"""From a name in the user's program to a function that makes a new model each time it is called."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from .arguments import arguments_for, shown
from .loading import Program, Slice, demand
from .reasons import Unmeasurable, describe
from .standins import find_stand_in


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


def recipes(program: Program, module: Slice, name: str, init: str, framework: Framework) -> Iterator[Recipe]:
    """The ways to make the model, the best-founded first.

    Raises:
        Unmeasurable: the name is not defined, cannot be loaded, or is no model.
    """
    if init:
        code = compile(ast.parse(init, mode="eval"), "--init", "eval")
        yield Recipe(lambda: eval(code, module.namespace), init, "--init")
        return
    try:
        value = demand(module, name)
    except Unmeasurable:
        raise
    except Exception as error:
        raise Unmeasurable(*load_failure(error)) from error
    if framework.is_model_class(value) or (
        callable(value) and not framework.is_model(value) and not isinstance(value, type)
    ):
        refuse_stand_in(value, program)
        for arguments in arguments_for(program, module, name, value):
            yield Recipe(
                partial(value, *arguments.positional, **arguments.keywords),
                arguments.text(name),
                arguments.origin,
                arguments.assumed,
            )
    elif framework.is_model(value):
        yield Recipe(lambda: demand(program.slice_of(module.__name__, program.path), name), name, "module level")
    else:
        refuse_stand_in(value, program)
        missing = [stub for stub in program.stubs if "not installed" in stub]
        if isinstance(value, type) and missing:
            raise Unmeasurable("missing-dependency", "; ".join(missing))
        raise Unmeasurable("not-a-model", f"{name} is {shown(value)}")


def refuse_stand_in(value: Any, program: Program) -> None:
    """Stops where the target itself was replaced.

    Raises:
        Unmeasurable: it was.
    """
    found = find_stand_in(value)
    if found is not None:
        raise Unmeasurable("missing-dependency", f"{found.__name__}; " + "; ".join(program.stubs[:3]))


def load_failure(error: BaseException) -> tuple[str, str]:
    """The reason and detail for an error while the program's statements ran."""
    text = describe(error)
    if "stand-in" in text or "StandIn" in text:
        return "missing-dependency", text
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
    parts = list(value.values()) if isinstance(value, dict) else value if isinstance(value, (tuple, list)) else []
    for part in parts:
        if framework.is_model(part):
            return part
    raise Unmeasurable("not-a-model", f"it gives {shown(value)}")
