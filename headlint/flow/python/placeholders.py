"""Numbers that a constructor or a class body writes into an attribute until a method writes the real one."""

from __future__ import annotations

from functools import lru_cache

from msgspec.structs import replace

from headlint.flow.values.assumptions import Assumption
from headlint.flow.values.python_values import ClassValue, Constant, Instance, Value
from headlint.syntax import ir

_PLACEHOLDERS = (0, -1)


def as_read(instance: Instance, name: str, value: Value) -> Value:
    """An attribute's value; 0 and -1 are only assumed where another method than the constructor writes the attribute."""
    match value:
        case Constant(int() as number) if not isinstance(number, bool) and number in _PLACEHOLDERS:
            cls = instance.cls
            classes = (one for one in cls.ancestors() if isinstance(one, ClassValue))
            if any(_is_set_by_a_method(one.definition, name) for one in classes):
                assumed = Assumption(cls.unit.path, cls.name, name)
                return replace(value, assumptions=value.assumptions | {assumed})
    return value


@lru_cache(maxsize=64)
def _is_set_by_a_method(definition: ir.ClassDefinition, name: str) -> bool:
    methods = (part for part in definition.body if isinstance(part, ir.FunctionDefinition))
    return any(_sets(method, name) for method in methods if method.name != "__init__")


def _sets(method: ir.FunctionDefinition, name: str) -> bool:
    itself = method.parameters[0].name if method.parameters else ""
    for statement in ir.walk(method.body):
        match statement:
            case ir.Assign(targets=targets):
                written: tuple[ir.Expression, ...] = targets
            case ir.AugmentedAssign(target=target):
                written = (target,)
            case _:
                continue
        for part in ir.walk(written):
            match part:
                case ir.Attribute(owner=ir.Name(name=owner), name=attribute) if (owner, attribute) == (itself, name):
                    return True
    return False
