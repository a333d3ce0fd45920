"""What a generator gives: the values of its ``yield``s, one for the rounds of a loop that give the same kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlint.flow.machine.state import join, same
from headlint.flow.values.library_values import Dataset
from headlint.flow.values.python_values import TupleValue, Unknown, Value
from headlint.flow.values.tensor_values import Tensor

if TYPE_CHECKING:
    from headlint.flow.machine.frames import Frame

MOST_KINDS = 12
"""Values with which another one is compared."""


def note(frame: Frame, value: Value) -> None:
    """``yield value``."""
    if not any(_is_the_same_kind(known, value) for known in frame.yields[-MOST_KINDS:]):
        frame.yields.append(value)


def made(frame: Frame) -> Dataset:
    """What the call of a generator gives."""
    return Dataset("generator", join(((), value) for value in frame.yields))


def _is_the_same_kind(left: Value, right: Value) -> bool:
    match left, right:
        case TupleValue(first), TupleValue(second):
            return len(first) == len(second) and all(map(_is_the_same_kind, first, second))
        case Unknown(), Unknown():
            return True
        case Tensor(), Tensor():
            return (left.domain, left.shape, left.labels, left.origin) == (
                *(right.domain, right.shape, right.labels, right.origin),
            )
        case _:
            return same(left, right)
