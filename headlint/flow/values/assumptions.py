"""What a finding rests on beside the text of its own file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from headlint.flow.values.python_values import FunctionValue


class Assumption(Struct, frozen=True):
    """A default that holds only while nobody passes something else: a function's parameter or a command-line option."""

    path: str
    function: str
    parameter: str


def of_default(function: FunctionValue, parameter: str) -> Assumption:
    """What is taken for granted where nobody is seen to give a parameter that has a default."""
    return Assumption(function.scope.unit.path, f"{function.name}:{function.definition.at}", parameter)
