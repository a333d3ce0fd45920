"""Intervals: how far the numbers of an array reach."""

from __future__ import annotations

from math import ceil, floor, inf

from msgspec import Struct


class Interval(Struct, frozen=True):
    """Numbers of an array that lie near ``low`` and near ``high`` are there; others lie between them, or beyond.

    A bound may be infinite in the range of an activation, which numbers are held against.
    """

    low: float
    high: float

    def __contains__(self, other: Interval) -> bool:
        return self.low <= other.low and other.high <= self.high

    def __neg__(self) -> Interval:
        return Interval(-self.high, -self.low)

    def scaled(self, factor: float) -> Interval:
        """Every number times a factor."""
        return _between(self.low * factor, self.high * factor)

    def moved(self, distance: float) -> Interval:
        """A distance added to every number."""
        return Interval(self.low + distance, self.high + distance)

    def plus(self, other: Interval) -> Interval | None:
        """How far sums reach at least, however the numbers of the two arrays meet."""
        low = min(self.low + other.high, other.low + self.high)
        high = max(self.high + other.low, other.high + self.low)
        return Interval(low, high) if low <= high else None

    def cut_off(self) -> Interval | None:
        """How far the whole parts reach at least: what lies near 4 may be less."""
        if max(abs(self.low), abs(self.high)) == inf:
            return None
        low = floor(self.low) + 1 if self.low < 0 else floor(self.low)
        high = ceil(self.high) - 1 if self.high > 0 else ceil(self.high)
        return Interval(low, high) if low <= high else None

    def clipped(self, low: float, high: float) -> Interval:
        """The same numbers, those beyond the bounds moved to them."""
        return Interval(min(max(self.low, low), high), max(min(self.high, high), low))


def _between(one: float, two: float) -> Interval:
    return Interval(min(one, two), max(one, two))


def spanned(numbers: list[float]) -> Interval | None:
    """From the least of the numbers to the largest."""
    return Interval(min(numbers), max(numbers)) if numbers else None


UNIT = Interval(0, 1)
BOTH_SIGNS = Interval(-1, 1)
NOT_NEGATIVE = Interval(0, inf)
BELOW_ZERO = -1e-6
"""A bound for numbers of which is known only that some are negative."""
STANDARDISED = Interval(-1, 2)
"""Numbers of mean 0 and variance 1 have some below 0, and some beyond 1 in one direction."""
