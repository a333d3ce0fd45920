"""What the machine is doing: the calls that are being interpreted, and what the user's settings say of names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from headlint.flow.values.conditions import Guard
from headlint.flow.values.modules import ModuleUnit
from headlint.flow.values.python_values import ClassValue, Scope, Site, Value
from headlint.syntax import ir


@dataclass(slots=True)
class Frame:
    """A call (or a module's body) that is being interpreted."""

    scope: Scope
    unit: ModuleUnit
    call_site: Site | None = None
    definition: ir.FunctionDefinition | ir.Lambda | None = None
    owner: ClassValue | None = None
    receiver: Value | None = None
    path_length: int = 0
    returns: list[tuple[tuple[Guard, ...], Value]] = field(default_factory=list)
    yields: list[Value] = field(default_factory=list)
    repeating: int = 0
    """How many loops of unknown length enclose what is being interpreted."""
    conditional: int = 0
    """How many tests decide whether what is being interpreted happens."""
    by_mode: int = 0
    """How many of them ask whether the module is in training mode."""
    mode_tests: int = 0
    """How often the mode was asked for so far."""
    chosen_by_mode: list[Value] = field(default_factory=list)
    """What was given another value in another mode."""
    leaves: set[str] = field(default_factory=set)
    """The ways in which paths left the round of a loop that is being interpreted: ``break``, ``return`` …."""


@dataclass(frozen=True)
class Declarations:
    """What the user's settings say of his own losses and layers, by dotted name."""

    losses: Mapping[str, str] = field(default_factory=dict)
    layers: Mapping[str, str] = field(default_factory=dict)
