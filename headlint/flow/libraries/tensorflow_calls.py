"""What TensorFlow reads of records, and the heads of its estimators: losses that are called by another name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from headlint.flow.data import records
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.library_values import Loss
from headlint.flow.values.python_values import Value
from headlint.frameworks import tensorflow
from headlint.frameworks.kinds import LossKind

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine
    from headlint.flow.machine.semantics import Call

METHODS = frozenset({"create_estimator_spec", "create_loss", "loss"})
"""The methods of a head that take labels and raw scores."""


def _head(kind: LossKind, machine: Machine, arguments: Arguments, at: int) -> Value:
    return Loss(kind, {}, machine.site(at))


def call_head(machine: Machine, head: Loss, arguments: Arguments, at: int) -> Value:
    """``head.create_estimator_spec(features, mode, logits=…, labels=…)``."""
    bound = arguments.bind(("features", "mode", "logits", "labels"))
    given: dict[str, Value] = {name: value for name, value in bound.items() if name in ("logits", "labels")}
    return machine.call(head, Arguments((), given), at)


CALLS: Mapping[str, Call] = {
    **{name: partial(_head, kind) for name, kind in tensorflow.HEADS.items()},
    **records.CALLS,
}
