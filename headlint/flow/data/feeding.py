"""TensorFlow 1: a placeholder has the labels that ``feed_dict`` brings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlint.flow.tensors import literals
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.facts import Fed
from headlint.flow.values.python_values import DictValue, ListValue, Site, TupleValue, Value
from headlint.flow.values.tensor_values import Origin, Tensor

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

METHODS = frozenset({"run", "eval"})
"""The methods of a session, an operation or a tensor that take a ``feed_dict``."""


def note(machine: Machine, arguments: Arguments, site: Site) -> None:
    """Note what each placeholder is fed with."""
    given = arguments.get("feed_dict") or next(
        (one for one in arguments.positional if isinstance(one, DictValue)), None
    )
    match machine.state.narrow(given) if given is not None else None:
        case DictValue() as fed:
            for key in fed.slots:
                value = machine.read(fed, key)
                if isinstance(key, Tensor) and value is not None:
                    _note_one(machine, key, value, site)


def _note_one(machine: Machine, placeholder: Tensor, value: Value, site: Site) -> None:
    options = machine.state.alternatives(value)
    for option in options:
        match option.value:
            case Tensor() as tensor:
                known: Value = tensor
            case ListValue() | TupleValue() as items:
                known = literals.array(machine, items, None, Origin("operation", "feed_dict", site, note="array"))
            case _:
                continue
        if isinstance(known, Tensor):
            machine.on_path(
                option.guards,
                lambda known=known: machine.emit(Fed, site, len(options) == 1, placeholder=placeholder, value=known),  # type: ignore[misc]
            )
