"""The activation that a layer is told to apply at its end, by name, by function or by class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlint.flow.tensors import operation
from headlint.flow.values.library_values import Layer
from headlint.flow.values.python_values import Constant, FrameworkName, Site, Unknown, Value
from headlint.flow.values.tensor_values import Domain, Tensor
from headlint.frameworks import keras, registry

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine


def with_own_activation(machine: Machine, layer: Layer, output: Tensor, site: Site) -> Value:
    """What Keras and TensorFlow layers do at their end when they are told an activation."""
    given = layer.arguments.get("activation", layer.arguments.get("activation_fn"))
    if layer.kind.framework == "torch" or layer.kind.effect.startswith(("recurrent", "bidirectional", "lambda")):
        return output
    if given is None:
        return output if not layer.kind.activation else _activated(machine, layer, output, layer.kind.activation, site)
    return machine.state.distribute([given], lambda one: activate_by_value(machine, layer, output, one, site))


def _activated(machine: Machine, layer: Layer, output: Tensor, effect: str, site: Site, written: str = "") -> Tensor:
    name = f"keras.activations.{written or effect}" if layer.kind.framework == "keras" else effect
    return operation.activate(machine, output, effect, site, name, -1, False, layer.site, layer)


def activate_by_value(machine: Machine, layer: Layer, output: Tensor, activation: Value, site: Site) -> Value:
    """Apply what stands at ``activation=``."""
    match activation:
        case Constant(None):
            return output
        case Constant(str() as text):
            effect = keras.ACTIVATIONS.get(text) or effect_of_class(text)
            if effect is None:
                return output.derive(domain=Domain.UNKNOWN, origin=layer.origin(site))
            activated = _activated(machine, layer, output, effect, site, text if effect == "nonlinear" else "")
            if activation.assumptions and activated is not output:
                activated = activated.derive(
                    assumptions=activated.assumptions | activation.assumptions, inputs=activated.inputs
                )
            return activated
        case FrameworkName(path) if (
            path in registry.OPERATIONS and registry.OPERATIONS[path].effect in registry.ACTIVATION_EFFECTS
        ):
            effect = registry.OPERATIONS[path].effect
            written = path.rsplit(".", 1)[-1] if effect == "nonlinear" else ""
            return _activated(machine, layer, output, effect, site, written)
        case FrameworkName(path) if path in registry.LAYERS and registry.LAYERS[path].effect == "activation":
            return _activated(machine, layer, output, registry.LAYERS[path].activation, site)
        case FrameworkName(path) if (
            registry.OPERATIONS.get(path) is not None and registry.OPERATIONS[path].effect == "identity"
        ):
            return output
        case Unknown() | FrameworkName():
            return output.derive(domain=Domain.UNKNOWN, origin=layer.origin(site))
        case _:
            return machine.call_with(activation, output)


def effect_of_class(name: str) -> str | None:
    """Keras 2 also takes the class names of its activation layers."""
    kind = registry.LAYERS.get(f"keras.layers.{name}")
    return kind.activation if kind is not None and kind.effect == "activation" else None
