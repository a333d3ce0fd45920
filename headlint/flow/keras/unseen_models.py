"""A Keras model that comes from where nobody can look: what the program adds to it, and how it is compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlint.flow.keras import keras_models
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.library_values import Layer, Model
from headlint.flow.values.python_values import Unknown, Value

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine


def call_method(machine: Machine, model: Unknown, name: str, arguments: Arguments, at: int) -> Value | None:
    """A method of an unknown object that layers of Keras are added to; None of anything else."""
    known = machine.read(machine.extras, (model, "model"))
    found = machine.state.narrow(known) if known is not None else None
    if not isinstance(found, Model) and name == "add" and _is_layer(machine, arguments.first("layer")):
        found = keras_models.unseen(machine.site(at))
        machine.state.write(machine.extras, (model, "model"), found)
    if isinstance(found, Model) and name in keras_models.METHODS:
        return keras_models.call_method(machine, found, name, arguments, at)
    return None


def _is_layer(machine: Machine, value: Value | None) -> bool:
    narrowed = machine.state.narrow(value) if value is not None else None
    return isinstance(narrowed, Layer) and narrowed.kind.framework == "keras"
