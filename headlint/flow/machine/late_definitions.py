"""Which definitions of an imported module wait until something asks for them.

Most of what a large module defines is never needed by those that import it. A function or class waits unless its decorators
may put it into a table, where whoever reads the table would not find it; what a call gives waits until a statement that is
run may change something that the call mentions.
"""

from __future__ import annotations

import re
from functools import lru_cache

from headlint.flow.values.modules import ModuleUnit
from headlint.flow.values.python_values import LateDefinition
from headlint.syntax import ir

_KEEP_NOTHING = re.compile(
    r"dataclass|property$|(static|class)method$|abstract|total_ordering|cache$|contextmanager$|wraps$|no_grad$|"
    r"inference_mode$|enable_grad$|script|compile$|overload|final$|runtime_checkable|deprecat|docstring|document|"
    r"require|unittest|skip|parametrize|fixture$|jit$|tf\.function$"
)
"""How decorators are named that give a definition another behaviour or documentation, and keep it nowhere."""


MOST_DECORATORS = 128
"""Decorators of which is kept what they do."""

_LOOKS_ONLY = frozenset(
    {"setattr", "getattr", "hasattr", "isinstance", "callable", "wraps", "update_wrapper", "signature"}
)
"""What a decorator may call with a function that it gets: none of these keeps it."""


def late_definition(unit: ModuleUnit, statement: ir.Statement) -> LateDefinition | None:
    """What stands for the name that a statement defines until something asks for it; None where it cannot wait."""
    match statement:
        case ir.FunctionDefinition(name=name) | ir.ClassDefinition(name=name):
            if all(_keeps_nothing(unit, decorator) for decorator in statement.decorators):
                return LateDefinition(unit, name, statement)
        case ir.Assign(targets=(ir.Name(name=name),), value=ir.Call()):
            return LateDefinition(unit, name, statement, ir.names_in(statement.value))
    return None


def names_that_change(statement: ir.Statement) -> frozenset[str]:
    """The names whose values a statement of a module's top level may change."""
    match statement:
        case ir.Import() | ir.ImportFrom():
            return frozenset()
        case ir.FunctionDefinition() | ir.ClassDefinition():
            return ir.names_in(statement.decorators) | {statement.name}
        case ir.Assign(targets=targets, value=ir.Literal() | ir.Display() | ir.DictDisplay() | ir.Name()):
            return ir.names_in(targets)
        case _:
            return ir.names_in(statement)


def _keeps_nothing(unit: ModuleUnit, decorator: ir.Expression) -> bool:
    match decorator:
        case ir.Call(function=function):
            return _keeps_nothing(unit, function)
        case ir.Name(name=name):
            return _KEEP_NOTHING.search(name) is not None or (
                (own := unit.function(name)) is not None and _only_changes(own)
            )
        case ir.Attribute(owner=ir.Name(name=owner), name=name):
            return _KEEP_NOTHING.search(f"{owner}.{name}") is not None
        case ir.Attribute(name=name):
            return _KEEP_NOTHING.search(name) is not None
        case _:
            return False


@lru_cache(MOST_DECORATORS)
def _only_changes(decorator: ir.FunctionDefinition) -> bool:
    """Whether a decorator of the module gives what it gets to nothing that may keep it, and changes nothing else."""
    nodes = list(ir.walk(decorator.body))
    definitions = (decorator, *(node for node in nodes if isinstance(node, ir.FunctionDefinition)))
    got = {parameter.name for definition in definitions for parameter in definition.parameters}
    for node in nodes:
        match node:
            case ir.Call(function=ir.Name(name=called) | ir.Attribute(name=called), arguments=arguments):
                given = ir.names_in(tuple(argument.value for argument in arguments))
                if not given.isdisjoint(got) and called not in got and called not in _LOOKS_ONLY:
                    return False
            case ir.Assign(targets=targets):
                if not all(_belongs_to(target, got) for target in targets):
                    return False
            case ir.Call() | ir.AugmentedAssign() | ir.Outer() | ir.Delete() | ir.Yield():
                return False
    return True


def _belongs_to(target: ir.Expression, got: set[str]) -> bool:
    """Whether what is assigned to is a variable of the function, or an attribute of what it got."""
    match target:
        case ir.Name():
            return True
        case ir.Attribute(owner=ir.Name(name=name)):
            return name in got
        case _:
            return False
