"""Training loops that are not followed to their end, because what comes before them or the models in them cost too much."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from headlint.flow.values.facts import Event, TrainingEvent
from headlint.flow.values.modules import ModuleUnit
from headlint.flow.values.python_values import FunctionValue
from headlint.syntax import ir

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

MOST_STEPS = 6_000
"""What following such a loop apart may take: no model is followed into, so that a loop which takes more is none alone."""


def functions(machine: Machine, unit: ModuleUnit) -> Iterator[FunctionValue]:
    """The functions and methods of a module that compute gradients and use or clear them, where no run has come to their end."""
    events = [fact for fact in machine.facts if isinstance(fact, TrainingEvent)]
    broken = {event.root for event in events if event.event in (Event.CUT_SHORT, Event.LEFT_OUT)}
    if not broken:
        return
    followed = {event.site for event in events if event.event is Event.DIFFERENTIATED and event.root not in broken}
    for function in unit.functions:
        definition = function.definition
        if isinstance(definition, ir.FunctionDefinition) and not definition.generator:
            losses = [node.at for node in _calls(definition, "backward")]
            done = any(True for method in ("step", "zero_grad") for _ in _calls(definition, method))
            if losses and done and followed.isdisjoint({machine.site(at) for at in losses}):
                yield function


def _calls(definition: ir.FunctionDefinition, method: str) -> Iterator[ir.Call]:
    """The calls of a method in a function of one's own, or one within it."""
    for node in ir.walk(definition.body):
        match node:
            case ir.Call(function=ir.Attribute(name=name)) if name == method:
                yield node
