"""Values that depend on the branch taken, and the conditions under which they are what they are."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from msgspec import Struct

from headlint.flow.values.python_values import Unknown, Value


class Condition(Struct, frozen=True, cache_hash=True):
    """A test on an unknown value: ``operator`` is ``truth``, ``==``, ``<``, … or ``site`` for a test like no other.

    Conditions are compared very often, so the hash is computed once.
    """

    operator: str
    subject: Hashable
    operand: Hashable = None

    @property
    def asks_for_a_name(self) -> bool:
        """Whether something that is not known is compared with a given name."""
        return self.operator == "==" and isinstance(self.operand, str)


def compared(operator: str, subject: Unknown, operand: Hashable) -> Condition:
    """The test of an unknown value against a known one; that of ``n + 1`` against 3 is that of ``n`` against 2."""
    match subject, operand:
        case Unknown(key=("+" | "-" as sign, ("int", int() as step)), parent=Unknown() as number), int() | float():
            return Condition(operator, number, operand - step if sign == "+" else operand + step)
        case _:
            return Condition(operator, subject, operand)


class Guard:
    """A condition with the outcome it has on a path.

    ``expected`` tells the outcome that defaults give, ``required`` that the program goes on only with this one: it asserts
    it, or raises an error otherwise. ``unnamed``: it is the way past all names that a chain of tests asks for.
    """

    __slots__ = ("_hash", "condition", "expected", "outcome", "required", "unnamed")

    def __init__(
        self,
        condition: Condition,
        outcome: bool,
        expected: bool | None = None,
        required: bool = False,
        unnamed: bool = False,
    ) -> None:
        self.condition = condition
        self.outcome = outcome
        self.expected = expected
        self.required = required
        self.unnamed = unnamed
        self._hash = hash((condition, outcome))

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Guard) and self.outcome is other.outcome and self.condition == other.condition
        )

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"Guard({self.condition!r}, {self.outcome})"

    @property
    def departs(self) -> bool:
        """Whether only something else than the default leads to its outcome; one that the program refuses is no default."""
        return not self.required and self.expected is not None and self.outcome is not self.expected

    def as_required(self) -> Guard:
        """The same, where the program goes on only so."""
        return Guard(self.condition, self.outcome, self.expected, True, self.unnamed)

    def past_all_names(self) -> Guard:
        """The same, where it is the way past all names that a chain of tests asks for."""
        return Guard(self.condition, self.outcome, self.expected, self.required, True)

    @property
    def rules_out_a_name(self) -> bool:
        """Whether something that is not known has another name than a given one."""
        return not self.outcome and self.condition.asks_for_a_name


class Test(Value, Struct, frozen=True):
    """The outcome of a comparison that is not known, so that two equal tests are seen to be one condition."""

    condition: Condition
    outcome: bool = True
    expected: bool | None = None


class Option(Struct, frozen=True):
    """One of the values of a Choice and the conditions under which it is that."""

    guards: tuple[Guard, ...]
    value: Value


class Choice(Value, Struct, frozen=True):
    """A value that depends on the branch taken."""

    options: tuple[Option, ...]


def rule_out_apart(first: Iterable[Guard], second: Iterable[Guard]) -> bool:
    """Whether each of two paths only rules something out of one subject, and not the same: as ``n != 2`` and ``n <= 2``.

    Programs that ask in two ways mean two cases, not the third that neither of them names.
    """
    negative, other = _ruled_out(first), _ruled_out(second)
    return any(
        not conditions <= other[subject] and not other[subject] <= conditions
        for subject, conditions in negative.items()
        if conditions and other.get(subject)
    )


def _ruled_out(guards: Iterable[Guard]) -> dict[Hashable, set[Condition]]:
    """What a path rules out by comparing, of each subject that it confirms nothing of."""
    found: dict[Hashable, set[Condition]] = {}
    for guard in guards:
        if guard.condition.operator in _COMPARISONS:
            found.setdefault(guard.condition.subject, set()).add(guard.condition)
    for guard in guards:
        if guard.outcome:
            found.pop(guard.condition.subject, None)
    return found


_COMPARISONS = ("==", "<", "<=", ">", ">=", "in")
