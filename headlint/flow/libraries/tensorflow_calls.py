"""What TensorFlow reads of records, networks of tensornets, and the heads of its estimators: losses that are called by another name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from headlint.flow.data import records
from headlint.flow.tensors.operation import activate
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.library_values import Loss, width_of
from headlint.flow.values.python_values import Constant, Unknown, Value
from headlint.flow.values.tensor_values import Domain, Origin, Shape, Tensor
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


def _classifier(path: str, machine: Machine, arguments: Arguments, at: int) -> Value:
    """A network of tensornets: probabilities of its classes, or features where only its stem is asked for."""
    bound, site = arguments.bind(("x", "is_training", "classes", "stem")), machine.site(at)
    if bound.get("stem", Constant(False)) != Constant(False):
        return Unknown("features")
    width = width_of(bound.get("classes", Constant(1000)))
    scores = Tensor(Domain.LINEAR, Shape((None, width)), Origin("layer", path, site, site), symbolic=True)
    return activate(machine, scores, "softmax", site, "softmax", axis=-1, axis_given=True)


CALLS: Mapping[str, Call] = {
    **{f"tensornets.{name}": partial(_classifier, f"tensornets.{name}") for name in tensorflow.TENSORNETS},
    **{name: partial(_head, kind) for name, kind in tensorflow.HEADS.items()},
    **records.CALLS,
}
