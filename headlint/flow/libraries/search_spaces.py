"""What a search picks from a list that stands in the program: keras-tuner's ``hp.Choice``, Optuna, Hyperopt, Hyperas.

Sources: ``keras_tuner/engine/hyperparameters``, ``optuna/trial/_trial.py``, ``hyperopt/pyll_utils.py``,
``hyperas/distributions.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from headlint.flow.machine.state import MOST_OPTIONS, join
from headlint.flow.python import iteration
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.conditions import Condition, Guard
from headlint.flow.values.python_values import Constant, Unknown, Value

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

_METHODS: dict[str, tuple[str, ...]] = {
    "Choice": ("name", "values"),
    "suggest_categorical": ("name", "choices"),
    "choice": ("label", "options"),
}
"""Methods of things that are not known, and their parameters."""


def picked(machine: Machine, function: Unknown, arguments: Arguments) -> Value | None:
    """One of the values that are listed, the same wherever the search asks for the name again; None for other calls."""
    parameters = _METHODS.get(function.key) if isinstance(function.key, str) else None
    if parameters is None:
        return None
    if len(arguments.positional) == 1 and not arguments.named:
        parameters = parameters[1:]
    bound = arguments.bind(parameters)
    listed, name = bound.get(parameters[-1]), bound.get(parameters[0])
    subject = function.child(("picked", name.value if isinstance(name, Constant) else listed))
    return _one_of(machine, listed, subject)


def _drawn(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``random.choice([…])``: each time another one."""
    subject = machine.globals.child(("drawn", machine.site(at)))
    found = _one_of(machine, arguments.first("seq"), subject)
    return found if found is not None else subject


def _one_of(machine: Machine, listed: Value | None, subject: Unknown) -> Value | None:
    values = iteration.known_items(machine, listed) if listed is not None else None
    if not values or len(values) > MOST_OPTIONS:
        return None
    return join(((Guard(Condition("==", subject, index), True),), value) for index, value in enumerate(values))


NAMES: dict[str, Callable[[Machine, Arguments, int], Value]] = {"random.choice": _drawn}
"""Functions of libraries by their dotted names."""
