"""Attributes that a program sets on parameters and modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlint.flow.values.facts import Event
from headlint.flow.values.python_values import Site, Unknown, Value
from headlint.flow.values.tensor_values import Tensor
from headlint.flow.values.training_values import OneParameter

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine


def note(machine: Machine, owner: Value, name: str, value: Value, site: Site) -> None:
    """``owner.name = value`` was done."""
    match owner, name:
        case ((Tensor() | Unknown() | OneParameter()), "grad"):
            machine.note_event(Event.WRITTEN, site, owner)
        case _:
            pass
