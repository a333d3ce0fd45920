"""Keras Tuner: models that a tuner builds by a function of the program, and trains on what its search is given.

Source: ``keras_tuner/engine/tuner.py`` and ``base_tuner.py`` (1.4): ``search`` hands its arguments on to ``fit`` of each model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from headlint.flow.keras import keras_models
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.library_values import Model
from headlint.flow.values.python_values import (
    BoundMethod,
    Constant,
    FunctionValue,
    Instance,
    Partial,
    TupleValue,
    Unknown,
    Value,
)

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine
    from headlint.flow.machine.semantics import Call


def _tuner(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``Hyperband(build, …)``: a tuner, of which only the function that builds its models is known."""
    given = machine.state.narrow(arguments.first("hypermodel") or Unknown())
    build = machine.method(given, "build") if isinstance(given, Instance) else given
    tuner = machine.globals.child(("tuner", machine.site(at)))
    if isinstance(build, FunctionValue | BoundMethod | Partial):
        machine.set_up.tuned[tuner] = build
    return tuner


def call_method(machine: Machine, function: Unknown, arguments: Arguments, at: int) -> Value | None:
    """A method of a tuner, or of what it builds its models with; None of anything else."""
    match function.key, function.parent:
        case "search", Unknown() as tuner if tuner in machine.set_up.tuned:
            model = _built(machine, tuner, at)
            if isinstance(model, Model | Instance):
                keras_models.call_method(machine, model, "fit", arguments, at)
            return Constant(None)
        case "get_best_models", Unknown() as tuner if tuner in machine.set_up.tuned:
            return TupleValue((_built(machine, tuner, at),))
        case "build", Unknown(key="hypermodel", parent=Unknown() as tuner) if tuner in machine.set_up.tuned:
            return _built(machine, tuner, at)
        case _:
            return None


def _built(machine: Machine, tuner: Unknown, at: int) -> Value:
    """One of the models of a tuner, with sizes that nobody knows."""
    return machine.state.narrow(machine.call(machine.set_up.tuned[tuner], Arguments((tuner.child("tried"),)), at))


_TUNERS = ("RandomSearch", "Hyperband", "BayesianOptimization", "GridSearch")

CALLS: Mapping[str, Call] = {
    f"{package}.{name}": _tuner
    for package in ("keras_tuner", "keras_tuner.tuners", "kerastuner", "kerastuner.tuners")
    for name in _TUNERS
}
