"""In which order TensorFlow takes labels and scores by position, which depends on its version.

Before 1.0 the scores came first, and since 2.0 the labels do. What lies between takes neither: it asks for names
(``_ensure_xent_args`` in ``tensorflow/python/ops/nn_ops.py``, 1.15).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlint.flow.values.arguments import Arguments
from headlint.flow.values.python_values import Value
from headlint.flow.values.tensor_values import Domain, Tensor
from headlint.frameworks.kinds import LossKind
from headlint.syntax import ir

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

_OF_GRAPHS = frozenset(
    {"placeholder", "get_variable", "variable_scope", "Session", "InteractiveSession", "contrib", "ConfigProto"}
    | {"to_int32", "to_int64", "to_float", "add_to_collection", "get_collection", "get_default_graph"}
    | {"initialize_all_variables", "global_variables_initializer", "truncated_normal", "random_normal"}
)
"""Names of TensorFlow that are gone since 2.0."""


def as_meant(machine: Machine, kind: LossKind, arguments: Arguments) -> Arguments:
    """The arguments by name, where a program for TensorFlow 0.x passes scores and labels by position."""
    if not kind.name.startswith("tensorflow.nn.") or len(arguments.positional) != 2:
        return arguments
    first, second = (machine.state.narrow(value) for value in arguments.positional)
    if _are_labels(first) or not (_is_fed(second) or _builds_a_graph(machine)):
        return arguments
    named = dict(zip((kind.prediction, kind.target), arguments.positional, strict=True))
    return Arguments((), {**arguments.named, **named}, arguments.sites)


def _are_labels(value: Value) -> bool:
    return _is_fed(value) or (isinstance(value, Tensor) and value.domain in (Domain.TARGET, Domain.ONE_HOT))


def _is_fed(value: Value) -> bool:
    """Whether a value is a placeholder, or what one operation after the other makes of it alone."""
    while isinstance(value, Tensor) and value.origin.role == "operation" and len(value.inputs) == 1:
        value = value.inputs[0]
    return isinstance(value, Tensor) and value.origin.role == "input" and value.origin.name.endswith("placeholder")


def _builds_a_graph(machine: Machine) -> bool:
    """Whether the module that is interpreted is written for a TensorFlow with sessions."""
    return any(isinstance(node, ir.Attribute) and node.name in _OF_GRAPHS for node in ir.walk(machine.unit.body.body))
