"""Loops of unknown length that count: what is known of the number in the rounds before the last, and in the last."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from headlint.flow.values.python_values import COUNTER, TupleValue, Unknown, Value

_IN_THE_LAST_ROUND = {"<": False, ">=": True, "==": True}
"""What holds of the counter and its last number; before the last round it is the other way round."""

_MIRRORED = {">": "<", "<=": ">=", "==": "=="}


@dataclass(slots=True)
class Counting:
    """The counters of the loops that are being followed."""

    asked: int = 0
    """How often a program compared a counter with its last number."""
    _in_last_round: dict[Unknown, bool] = field(default_factory=dict)

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

    def compare(self, symbol: str, left: Value, right: Value) -> bool | None:
        """Whether a comparison with the last number of a counter holds, where one is made."""
        for operator, one, other in ((symbol, left, right), (_MIRRORED.get(symbol), right, left)):
            counter = _at_its_end(one, other)
            if counter in self._in_last_round and operator in _IN_THE_LAST_ROUND:
                self.asked += 1
                return _IN_THE_LAST_ROUND[operator] is self._in_last_round[counter]
        return None


def _at_its_end(one: Value, other: Value) -> Unknown | None:
    """The counter, where ``one`` and ``other`` are the two sides of ``counter == stop - 1`` or ``counter + 1 == stop``."""
    match one, other:
        case Unknown(key="counter"), Unknown(key=("-", ("int", 1))) if other.parent is one.parent:
            return one
        case Unknown(key=("+", ("int", 1)), parent=Unknown(key="counter") as counter), Unknown():
            return counter if counter.parent is other else None
        case _:
            return None
