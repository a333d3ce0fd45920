"""Functions under ``functools.cache`` and ``lru_cache``: Python runs them once for the same arguments, and so does the machine."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

from headlint.flow.values.arguments import Arguments
from headlint.flow.values.python_values import Constant, FunctionValue, Value
from headlint.syntax import ir

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

DECORATORS = frozenset({"cache", "lru_cache"})
"""Those of ``functools`` (https://docs.python.org/3/library/functools.html#functools.cache)."""


def is_cached(definition: ir.FunctionDefinition) -> bool:
    """Whether Python remembers what a function gave."""
    return any(_name_of(decorator) in DECORATORS for decorator in definition.decorators)


def _name_of(decorator: ir.Expression) -> str:
    match decorator:
        case ir.Call(function=function):
            return _name_of(function)
        case ir.Name(name=name) | ir.Attribute(name=name):
            return name
        case _:
            return ""


def once(machine: Machine, function: FunctionValue, arguments: Arguments, run: Callable[[], Value]) -> Value:
    """What a call gives: what it gave before, if it passes the same constants to a cached function."""
    key = _key(function, arguments)
    if key is None:
        return run()
    if key not in machine.remembered:
        followed_before, is_unconditional = machine.cut_short, not machine.state.path
        result = run()
        if not is_unconditional or machine.cut_short != followed_before:
            return result
        machine.remembered[key] = result
    return machine.state.narrow(machine.remembered[key])


def _key(function: FunctionValue, arguments: Arguments) -> Hashable | None:
    """What a call is known by; None where it may give something else each time."""
    given = (*enumerate(arguments.positional), *arguments.named.items())
    if function.owner is not None or not arguments.complete:
        return None
    constants = [(name, type(value.value), value.value) for name, value in given if isinstance(value, Constant)]
    return (function, frozenset(constants)) if len(constants) == len(given) else None
