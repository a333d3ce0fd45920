"""What calls of Keras' names do beyond the tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from headlint.flow.keras import keras_models
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.python_values import Constant, DictValue, FrameworkName, Unknown, Value
from headlint.frameworks import keras, keras_losses

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine
    from headlint.flow.machine.semantics import Call


def _get_activation(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``keras.activations.get(name)`` and ``Activation`` objects by name."""
    match arguments.first("identifier"):
        case Constant(str() as text) if text in keras.ACTIVATIONS:
            return FrameworkName(f"keras.activations.{text}")
        case None:
            return Unknown()
        case other:
            return other


def _get_loss(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``keras.losses.get(name)``."""
    match arguments.first("identifier"):
        case Constant(str() as text) if text in keras_losses.LOSS_STRINGS:
            return FrameworkName(keras_losses.LOSS_STRINGS[text].name)
        case None:
            return Unknown()
        case other:
            return other


def _epsilon(machine: Machine, arguments: Arguments, at: int) -> Value:
    return Constant(1e-7)


def _custom_objects(machine: Machine, arguments: Arguments, at: int) -> Value:
    return machine.custom_objects


def _register_objects(machine: Machine, arguments: Arguments, at: int) -> Value:
    for value in arguments.positional:
        if isinstance(value, DictValue):
            machine.custom_objects.slots.update(value.slots)
    return Unknown()


CALLS: Mapping[str, Call] = {
    "keras.Sequential": keras_models.sequential,
    "keras.Model": keras_models.functional,
    "keras.Input": keras_models.input_tensor,
    "keras.models.load_model": keras_models.loaded,
    "keras.saving.load_model": keras_models.loaded,
    "keras.models.model_from_json": keras_models.loaded,
    "keras.models.model_from_yaml": keras_models.loaded,
    "keras.models.model_from_config": keras_models.loaded,
    "keras.activations.get": _get_activation,
    "keras.losses.get": _get_loss,
    "keras.backend.epsilon": _epsilon,
    "keras.config.epsilon": _epsilon,
    "keras.utils.get_custom_objects": _custom_objects,
    "keras.saving.get_custom_objects": _custom_objects,
    "keras.utils.custom_object_scope": _register_objects,
    "keras.utils.CustomObjectScope": _register_objects,
    "keras.saving.custom_object_scope": _register_objects,
}
