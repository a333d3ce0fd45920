"""Where a class gives its objects an attribute, as its text says."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from headlint.flow.values.python_values import ClassValue
from headlint.syntax import ir


class Written(Struct, frozen=True):
    """An assignment to ``self.attribute``."""

    method: str
    at: int
    """The place of what is assigned to."""
    always: bool
    """Whether no test and no loop of the method decides about it."""


def written(cls: ClassValue, attribute: str) -> Iterator[Written]:
    """The assignments to an attribute in the methods of a class itself."""
    for method in cls.definition.body:
        if not isinstance(method, ir.FunctionDefinition):
            continue
        own = {id(statement) for statement in method.body}
        for node in ir.walk(method.body):
            if isinstance(node, ir.Assign):
                for target in node.targets:
                    if is_own(target, attribute):
                        yield Written(method.name, target.at, id(node) in own)


def is_own(node: object, attribute: str) -> bool:
    """Whether an expression is an attribute of ``self``."""
    match node:
        case ir.Attribute(owner=ir.Name(name="self"), name=name):
            return name == attribute
        case _:
            return False
