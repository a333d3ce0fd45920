"""Losses and layers that the user's settings declare by dotted name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlint.flow.values.arguments import Arguments
from headlint.flow.values.python_values import ClassValue, FunctionValue, Value
from headlint.frameworks.kinds import LayerKind, LossKind

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

_LOSSES = {
    "logits": ("cross_entropy", "logits"),
    "probabilities": ("cross_entropy", "probabilities"),
    "log-probabilities": ("nll", "log_probabilities"),
    "binary-logits": ("binary_cross_entropy", "logits"),
    "binary-probabilities": ("binary_cross_entropy", "probabilities"),
    "values": ("regression", "values"),
}
_LAYERS = {
    "logits": ("dense", ""),
    "softmax": ("activation", "softmax"),
    "sigmoid": ("activation", "sigmoid"),
    "log-softmax": ("activation", "log_softmax"),
    "same": ("identity", ""),
    "unknown": ("unknown_shape", ""),
}


def is_declared(machine: Machine, path: str) -> bool:
    """Whether the settings speak of a dotted name."""
    return path in machine.declarations.losses or path in machine.declarations.layers


def call(machine: Machine, path: str, arguments: Arguments, at: int) -> Value:
    """Build or use what a dotted name is declared to be."""
    from headlint.flow.layers import losses
    from headlint.flow.libraries import layers
    from headlint.flow.values.library_values import Layer

    name = path.rsplit(".", 1)[-1]
    if path in machine.declarations.losses:
        family, expects = _LOSSES[machine.declarations.losses[path]]
        kind = LossKind(path, "torch", family, expects)
        if name[:1].isupper():
            return losses.build(machine, kind, Arguments(), at)
        return losses.use_function(machine, kind, arguments, machine.site(at))
    effect, activation = _LAYERS[machine.declarations.layers[path]]
    layer = Layer(LayerKind(path, "torch", effect, ("dim",), activation=activation), {}, machine.site(at), {})
    return layer if name[:1].isupper() else layers.apply_callable(machine, layer, arguments, at)


def name_of(machine: Machine, value: ClassValue | FunctionValue) -> str:
    """The declared name that a class or function of the project goes by, or an empty text."""
    unit = value.unit if isinstance(value, ClassValue) else value.scope.unit
    if not (machine.declarations.losses or machine.declarations.layers) or unit.file is None:
        return ""
    parts = [*unit.file.with_suffix("").parts, value.name]
    if parts[-2] == "__init__":
        del parts[-2]
    for path in (*machine.declarations.losses, *machine.declarations.layers):
        wanted = path.split(".")
        if parts[-len(wanted) :] == wanted:
            return path
    return ""
