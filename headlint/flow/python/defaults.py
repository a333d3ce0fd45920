"""What a number, a text or a flag is worth that others may replace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlint.flow.python import annotated
from headlint.flow.values.assumptions import Assumption
from headlint.flow.values.python_values import Constant, Value

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine


def replaceable(machine: Machine, default: Constant, assumption: Assumption, by_settings: bool) -> Value:
    """A value that holds while nobody gives another; ``by_settings`` where those who give it read it from settings."""
    symbol = machine.globals.child(assumption)
    if default.value is None:
        return symbol  # None stands for "not given", and says nothing of what is given
    if by_settings and annotated.is_number(default):
        return symbol  # a size or a rate, which settings give as a rule
    return Constant(default.value, default.assumptions | {assumption}, symbol)
