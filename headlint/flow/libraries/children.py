"""The children of a module that is followed, in the order in which its constructor made them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlint.flow.python import items, iteration
from headlint.flow.training import modules
from headlint.flow.values.conditions import Choice
from headlint.flow.values.library_values import Loss
from headlint.flow.values.python_values import Instance, Unknown, Value

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine


def of_module(machine: Machine, module: Instance) -> tuple[Value, ...] | None:
    """What ``module.children()`` gives; None where an attribute may be a child or none, or branches differ in them."""
    if not module.whole or module.cls.opaque or machine.read(module, items.CONTAINER_SLOT) is not None:
        return None
    values = [value for _, value in iteration.entries_of_object(machine, module)]
    if any(isinstance(value, Unknown | Choice) for value in values):
        return None
    parts = {id(value): value for value in values if modules.is_module(value) or isinstance(value, Loss)}
    return tuple(part for part in parts.values() if not isinstance(part, Instance) or part.cls.framework_base())
