"""Switches that stand in the program, ``TRAIN = False``: it is written to be run with either value, as with a flag."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from headlint.flow.values.assumptions import Assumption
from headlint.flow.values.python_values import Constant, Value

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

_WORDS = frozenset(
    {
        "train",
        "retrain",
        "fit",
        "refit",
        "learn",
        "load",
        "restore",
        "resume",
        "pretrained",
        "predict",
        "test",
        "evaluate",
    }
)
"""What a switch turns on or off that says whether a model is trained or read from a file."""


def as_switch(machine: Machine, name: str, value: Value) -> Value:
    """The value of a variable of the module; True and False of a switch are only what it happens to be set to."""
    match value:
        case Constant(bool(), symbol=None) if not value.assumptions and _is_switch(name):
            return replace(value, symbol=machine.globals.child(Assumption(machine.unit.path, "", name)))
        case _:
            return value


def _is_switch(name: str) -> bool:
    words = [word for word in re.split(r"_|(?<=[a-z])(?=[A-Z])", name) if word]
    return not _WORDS.isdisjoint(word.lower() for word in words) and words[0].lower() != "is"
