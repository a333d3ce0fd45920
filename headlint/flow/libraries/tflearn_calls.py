"""``tflearn.regression``: the last layer meets its loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from headlint.flow.layers import losses
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.python_values import Constant, Unknown, Value
from headlint.frameworks import registry, tflearn

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine
    from headlint.flow.machine.semantics import Call


def _regression(machine: Machine, arguments: Arguments, at: int) -> Value:
    parameters = ("incoming", "placeholder", "optimizer", "loss")
    bound = arguments.bind(parameters)
    output = bound.get("incoming", Unknown())
    match bound.get("loss", Constant("categorical_crossentropy")):
        case Constant(str() as text):
            kind = registry.LOSSES.get(f"tflearn.objectives.{text}")
        case _:
            kind = None
    if kind is not None:
        site = arguments.sites_of(parameters).get("loss", machine.site(at))
        losses.take(machine, kind, output, None, site, {}, site)
    return output


CALLS: Mapping[str, Call] = dict.fromkeys(tflearn.REGRESSIONS, _regression)
