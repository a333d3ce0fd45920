"""``eval`` of a text that is known: names, attributes, and calls of them with literals."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from headlint.flow.python import names
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.python_values import Constant, Unknown, Value

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

LONGEST_TEXT = 200


def value_of(machine: Machine, text: str, at: int) -> Value:
    """What Python gives for a text."""
    if len(text) > LONGEST_TEXT:
        return Unknown()
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError):
        return Unknown()
    return _evaluated(machine, tree.body, at)


def _evaluated(machine: Machine, node: ast.expr, at: int) -> Value:
    match node:
        case ast.Constant(value=str() | int() | float() | bool() | None as value):
            return Constant(value)
        case ast.Name(id=name):
            return names.look_up(machine, name)
        case ast.Attribute(value=owner, attr=name):
            return machine.attribute(_evaluated(machine, owner, at), name, at)
        case ast.Call(func=function, args=given, keywords=named) if all(keyword.arg for keyword in named):
            arguments = Arguments(
                tuple(_evaluated(machine, one, at) for one in given),
                {keyword.arg: _evaluated(machine, keyword.value, at) for keyword in named if keyword.arg},
            )
            return machine.call(_evaluated(machine, function, at), arguments, at)
        case _:
            return Unknown()
