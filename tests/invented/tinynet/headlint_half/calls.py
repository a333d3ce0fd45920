"""What calls of tinynet do beyond the tables."""

from __future__ import annotations

from headlint.flow.machine.machine import Machine
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.python_values import Unknown, Value


def _double(machine: Machine, arguments: Arguments, at: int) -> Value:
    return arguments.first("model") or Unknown()


CALLS = {"tinynet.double": _double}
