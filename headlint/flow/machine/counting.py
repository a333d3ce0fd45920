"""Loops of unknown length that count: what is known of the number in the rounds before the last, and in the last."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from msgspec import Struct, field

from headlint.flow.values.conditions import Guard
from headlint.flow.values.python_values import COUNTER, Constant, TupleValue, Unknown, Value

_IN_THE_LAST_ROUND = {"<": False, ">=": True, "==": True}
"""What holds of the counter and its last number; before the last round it is the other way round."""

_MIRRORED = {">": "<", "<=": ">=", "==": "=="}

_OF_NUMBERS: dict[str, Callable[[int, int], bool]] = {
    "==": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Counting(Struct):
    """The counters of the loops that are being followed."""

    asked: int = 0
    """How often a program compared a counter with its last number."""
    _in_last_round: dict[Unknown, bool] = field(default_factory=dict)
    _lengths: dict[Unknown, int] = field(default_factory=dict)
    """What is counted up to, as far as a loop is followed as if that were a certain number."""

    @property
    def in_a_last_round(self) -> bool:
        """Whether the round that is being followed is run as the last one of its loop."""
        return any(self._in_last_round.values())

    @contextmanager
    def round_of(self, item: Value, last: bool) -> Iterator[None]:
        """Interpret a round of a loop that goes through such items."""
        parts = item.items if isinstance(item, TupleValue) else (item,)
        counters = [part for part in parts if isinstance(part, Unknown) and part.key == COUNTER]
        before = self._in_last_round
        self._in_last_round = {**before, **dict.fromkeys(counters, last)}
        try:
            yield
        finally:
            self._in_last_round = before

    def is_over(self, path: tuple[Guard, ...]) -> bool:
        """Whether a path asks which round of a loop it is, and that loop is over: nobody knows what came of its rounds."""
        return any(
            isinstance(part, Unknown) and part.key == COUNTER and part not in self._in_last_round
            for guard in path
            for subject in _subjects(guard)
            for part in (subject, apart(subject)[0])
        )

    @contextmanager
    def as_if(self, length: Unknown | None, number: int) -> Iterator[None]:
        """Interpret a loop as if what it counts up to were a certain number."""
        before = self._lengths
        self._lengths = before if length is None else {**before, length: number}
        try:
            yield
        finally:
            self._lengths = before

    def compare(self, symbol: str, left: Value, right: Value) -> bool | None:
        """Whether a comparison with the last number of a counter holds, where one is made."""
        first, second = self._number(left), self._number(right)
        if first is not None and second is not None and symbol in _OF_NUMBERS:
            if not (isinstance(left, Constant) and isinstance(right, Constant)):
                return _OF_NUMBERS[symbol](first, second)
        for asked, one, other in ((symbol, left, right), (_MIRRORED.get(symbol), right, left)):
            counter = _at_its_end(one, other)
            if counter in self._in_last_round and asked in _IN_THE_LAST_ROUND:
                self.asked += 1
                return _IN_THE_LAST_ROUND[asked] is self._in_last_round[counter]
        return None

    def _number(self, value: Value) -> int | None:
        """A number, or what a length is taken to be."""
        match value:
            case Constant(int() as number, symbol=None):
                return number
            case Unknown() if value in self._lengths:
                return self._lengths[value]
            case Unknown(key=("+" | "-" as sign, ("int", int() as step)), parent=Unknown() as other):
                known = self._lengths.get(other)
                return None if known is None else known + step if sign == "+" else known - step
            case _:
                return None


def _subjects(guard: Guard) -> tuple[Value, ...]:
    subject = guard.condition.subject
    several = subject if isinstance(subject, tuple) else (subject,)
    return tuple(one for one in several if isinstance(one, Unknown))


def _at_its_end(one: Value, other: Value) -> Unknown | None:
    """The counter, where ``one`` and ``other`` are the two sides of ``counter == stop - 1`` or ``counter + 1 == stop``."""
    counter, ahead = apart(one)
    if not isinstance(counter, Unknown) or counter.key != COUNTER:
        return None
    stop, beyond = apart(counter.parent)
    limit, above = apart(other)
    return counter if limit is stop and above == beyond - 1 + ahead else None


def apart(value: Value | None) -> tuple[Value | None, int]:
    """``something + number``, or ``something - number``, taken apart."""
    number = 0
    while True:
        match value:
            case Unknown(key=("+" | "-" as sign, ("int", int() as step)), parent=Unknown() as rest):
                value, number = rest, number + (step if sign == "+" else -step)
            case _:
                return value, number
