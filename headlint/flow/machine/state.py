"""The changing part of an interpretation: slots that are written, and the conditions of the path that is being followed.

Branches are run one after the other from the same state. What each one wrote is taken back, and where they meet again the
slots that differ hold a ``Choice`` whose options remember their conditions. Two values that belong to contradicting
conditions therefore never meet.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from headlint.flow.values.conditions import Choice, Condition, Guard, Option
from headlint.flow.values.library_values import Backbone, Part
from headlint.flow.values.python_values import (
    Constant,
    DictValue,
    HeapObject,
    ListValue,
    TupleValue,
    Unknown,
    Value,
    births,
)
from headlint.flow.values.tensor_values import Tensor

MOST_OPTIONS = 8
"""A value with more alternatives than this is no longer followed."""

MOST_OF_ONE_QUESTION = 24
"""So many alternatives are followed where one question decides between all of them, such as the name of a model."""

MOST_COMPARED = 4 * MOST_OPTIONS
"""Alternatives that are compared with each other, as some may turn out to be one: a table may have hundreds."""

MOST_USUAL = 2
"""So many alternatives that the defaults lead to are followed where there are too many others."""

MOST_GUARDS = 8
"""An alternative under more conditions than this is no longer followed."""

MOST_INDEXED = 64
"""Paths of which is kept what was worked out."""

TOO_MANY = "too many alternatives"
"""The note of a value that is no longer followed."""

Cell = tuple[HeapObject, Hashable]


class State:
    """Slots, their undo journals, and the current path."""

    def __init__(self) -> None:
        self.path: tuple[Guard, ...] = ()
        self.work = 0
        """Combinations of alternatives that were gone through so far."""
        self._journals: list[tuple[int, dict[Cell, Value | None]]] = []
        """For each branch that is being tried out: when it began, and what its writes replaced."""
        self._indexes: dict[int, _Index] = {}
        """What was worked out for the paths that were followed last, by their identity: programs come back to a path."""
        self._current = _Index(self.path)
        """That of the path that was asked about last: mostly it is the same one."""

    def read(self, heap_object: HeapObject, key: Hashable) -> Value | None:
        """The slot's value on the current path, or None where it was never written."""
        value = heap_object.slots.get(key)
        return self.narrow(value) if isinstance(value, Choice) else value

    def write(self, heap_object: HeapObject, key: Hashable, value: Value) -> None:
        """Set a slot."""
        self._remember(heap_object, key)
        heap_object.slots[key] = value

    def erase(self, heap_object: HeapObject, key: Hashable) -> None:
        """Remove a slot."""
        if key in heap_object.slots:
            self._remember(heap_object, key)
            del heap_object.slots[key]

    def _remember(self, heap_object: HeapObject, key: Hashable) -> None:
        """Note the slot's value before a change, unless nobody outside of the branch can know the thing."""
        if self._journals:
            start, journal = self._journals[-1]
            if heap_object.born < start:
                journal.setdefault((heap_object, key), heap_object.slots.get(key))

    def narrow(self, value: Value) -> Value:
        """The value as it is on the current path."""
        return self._index().narrow(value) if isinstance(value, Choice) else value

    def allows(self, guards: tuple[Guard, ...]) -> bool:
        """Whether further conditions can hold on the current path."""
        return not guards or self._index().allows(guards)

    def _index(self) -> _Index:
        path = self.path
        if self._current.path is path:
            return self._current
        index = self._indexes.get(id(path))
        if index is None:
            if len(self._indexes) >= MOST_INDEXED:
                self._indexes.clear()
            index = self._indexes[id(path)] = _Index(path)
        self._current = index
        return index

    def alternatives(self, value: Value) -> tuple[Option, ...]:
        """The values it may have on the current path, each with its conditions."""
        value = self.narrow(value)
        return value.options if isinstance(value, Choice) else (Option((), value),)

    def distribute(self, values: Sequence[Value], operation: Callable[..., Value], most: int = MOST_OPTIONS) -> Value:
        """The operation's results over every combination of alternatives that can occur together."""
        choices = [value for value in values if isinstance(value, Choice)]
        if not choices:
            return operation(*values)
        if most == MOST_OPTIONS and (len(choices) == 1 or _are_of_one_question(choices)):
            most = MOST_OF_ONE_QUESTION
        combinations: list[tuple[tuple[Guard, ...], tuple[Value, ...]]] = [((), ())]
        left_out = False
        for value in values:
            combinations = [
                ((*guards, *option.guards), (*chosen, option.value))
                for guards, chosen in combinations
                for option in self.alternatives(value)
                if self.allows((*guards, *option.guards))
            ]
            left_out = left_out or len(combinations) > most
            del combinations[most:]
        results: list[tuple[tuple[Guard, ...], Value]] = []
        before = self.path
        self.work += len(combinations) if len(combinations) > 1 else 0
        for guards, chosen in combinations:
            self.path = (*before, *guards)
            results.append((guards, operation(*chosen)))
        self.path = before
        return _or_another(join(results)) if left_out else join(results)

    def branch(self, branches: Sequence[tuple[tuple[Guard, ...], Callable[[], bool | None]]]) -> bool:
        """Run each branch under its conditions and join what they wrote.

        A branch gives True when it runs to its end, False when it leaves (returns, raises, breaks), and None when it was not
        followed so far, and nothing is known of it. Gives True when any branch goes on; when exactly one does, its conditions
        hold from here on. What a leaving branch wrote is kept only where every branch leaves.
        """
        before = self.path
        going_on: list[tuple[tuple[Guard, ...], dict[Cell, Value | None]]] = []
        leaving: list[tuple[tuple[Guard, ...], dict[Cell, Value | None]]] = []
        for guards, run in branches:
            self.path = before
            if not self.allows(guards):
                continue
            self.path = (*before, *guards)
            changes, finished = self._try_out(run)
            if finished is not None:
                (going_on if finished else leaving).append((guards, changes))
        self.path = before
        if len(going_on) == 1:
            guards, changes = going_on[0]
            self._apply(changes)
            self.path = (*before, *guards)
        else:
            self._merge(going_on or leaving)
        return bool(going_on)

    def noting(self, run: Callable[[], object]) -> dict[Cell, Value | None]:
        """Run something, and tell what its writes replaced."""
        journal: dict[Cell, Value | None] = {}
        self._journals.append((next(births), journal))
        try:
            run()
        finally:
            self._journals.pop()
            if self._journals:
                start, outer = self._journals[-1]
                for (heap_object, key), old in journal.items():
                    if heap_object.born < start:
                        outer.setdefault((heap_object, key), old)
        return journal

    def isolated(self, run: Callable[[], bool]) -> dict[Cell, Value | None]:
        """Run something, take back what it wrote, and tell what that was."""
        before = self.path
        changes, _ = self._try_out(run)
        self.path = before
        return changes

    def fill_in(self, changes: dict[Cell, Value | None]) -> None:
        """Apply those of the changes whose slots are empty now."""
        self._apply({cell: value for cell, value in changes.items() if cell[1] not in cell[0].slots})

    @contextmanager
    def outside(self) -> Iterator[None]:
        """Make writes that hold on every path: those of a module that is imported in the middle of a branch."""
        before, journals = self.path, self._journals
        self.path, self._journals = (), []
        try:
            yield
        finally:
            self.path, self._journals = before, journals

    def _try_out(self, run: Callable[[], bool | None]) -> tuple[dict[Cell, Value | None], bool | None]:
        journal: dict[Cell, Value | None] = {}
        self._journals.append((next(births), journal))
        try:
            finished = run()
        finally:
            self._journals.pop()
            changes = {(heap_object, key): heap_object.slots.get(key) for heap_object, key in journal}
            for (heap_object, key), old in journal.items():
                _put(heap_object, key, old)
        return changes, finished

    def _apply(self, changes: dict[Cell, Value | None]) -> None:
        for (heap_object, key), value in changes.items():
            if value is None:
                self.erase(heap_object, key)
            else:
                self.write(heap_object, key, value)

    def _merge(self, branches: list[tuple[tuple[Guard, ...], dict[Cell, Value | None]]]) -> None:
        cells = dict.fromkeys(cell for _, changes in branches for cell in changes)
        for heap_object, key in cells:
            options: list[tuple[tuple[Guard, ...], Value]] = []
            for guards, changes in branches:
                value = changes.get((heap_object, key), heap_object.slots.get(key))
                if value is None and isinstance(heap_object, Backbone) and isinstance(key, tuple):
                    value = Part(heap_object, key)
                if value is not None:
                    options.append((guards, value))
            if isinstance(heap_object, DictValue) and len(options) < len(branches):
                heap_object.complete = False  # which keys it has, and in which order, depends on the branch
            if options:
                self.write(heap_object, key, join(options))
            else:
                self.erase(heap_object, key)


def _put(heap_object: HeapObject, key: Hashable, value: Value | None) -> None:
    if value is None:
        heap_object.slots.pop(key, None)
    else:
        heap_object.slots[key] = value


def same(left: Value, right: Value) -> bool:
    """Whether two values are certainly one."""
    if left is right:
        return True
    if type(left) is not type(right):
        return False
    match left, right:
        case Constant(), Constant():
            return type(left.value) is type(right.value) and left.value == right.value
        case TupleValue(first), TupleValue(second):
            return len(first) == len(second) and all(map(same, first, second))
        case (HeapObject(), _) | (Unknown(), _) | (Choice(), _):
            return False
        case _:
            return left == right


def join(options: Iterable[tuple[tuple[Guard, ...], Value]]) -> Value:
    """One value for several, each under its conditions."""
    options = tuple(options)
    if options and not isinstance(first := options[0][1], Choice):
        if all(same(first, value) for _, value in options):
            return first
    merged: list[Option] = []
    alike = True
    for guards, value in options:
        inner = value.options if isinstance(value, Choice) else (Option((), value),)
        for option in inner:
            both = _union(guards, option.guards)
            if guards and option.guards and not consistent(both):
                continue
            alike = alike and (not merged or same(merged[0].value, option.value))
            if len(merged) < MOST_COMPARED:
                _add(merged, Option(both, option.value))
            elif not alike:
                return Unknown(TOO_MANY)
    if not merged:
        return Unknown()
    if alike:
        return merged[0].value
    merged = [option if len(option.guards) <= MOST_GUARDS else _condensed(option) for option in merged]
    followed = [option for option in merged if len(option.guards) <= MOST_GUARDS]
    if len(followed) == len(merged):
        if len(followed) <= _most(followed):
            return Choice(tuple(followed))
        if not any(map(_is_computed, followed)) and len(folded := _folded(followed)) <= _most(folded):
            return Choice(tuple(folded))
    usual = [option for option in followed if _is_usual(option)]
    rest = Unknown(TOO_MANY)
    if len(followed) > MOST_OF_ONE_QUESTION and len(_subjects(followed)) == 1 and all(map(_is_made, followed)):
        ordered = (*usual[:1], *(option for option in followed if option not in usual[:1]))
        return Choice((*ordered[:MOST_OF_ONE_QUESTION], Option((), rest)))
    return Choice((*usual, Option((), rest))) if 0 < len(usual) <= MOST_USUAL else rest


def _or_another(value: Value) -> Value:
    """What is one of the alternatives of a value, or something that was not followed."""
    options = value.options if isinstance(value, Choice) else (Option((), value),)
    return value if isinstance(value, Unknown) else Choice((*options, Option((), Unknown(TOO_MANY))))


def _is_made(option: Option) -> bool:
    """Whether a value is a model, a class, what a model gives, or something else that was made, and nothing that is computed."""
    return not _is_computed(option) and not isinstance(option.value, Constant | TupleValue | DictValue | ListValue)


def _condensed(option: Option) -> Option:
    """The same with fewer conditions: what is none of several names, behind a long chain of ``elif``, needs one for all."""
    excluded: dict[Hashable, list[Guard]] = {}
    for guard in option.guards:
        if not guard.outcome and guard.condition.operator in ("==", "in"):
            excluded.setdefault(guard.condition.subject, []).append(guard)
    several = {subject: guards for subject, guards in excluded.items() if len(guards) > 1}
    together = {guard for guards in several.values() for guard in guards}
    kept = [guard for guard in option.guards if guard not in together]
    return Option((*kept, *(_none_of(subject, guards) for subject, guards in several.items())), option.value)


def _none_of(subject: Hashable, guards: list[Guard]) -> Guard:
    names: list[Hashable] = []
    for guard in guards:
        operand = guard.condition.operand
        names += operand if guard.condition.operator == "in" and isinstance(operand, tuple) else (operand,)
    expected = {guard.expected for guard in guards}
    usual = True if True in expected else None if None in expected else False
    required, unnamed = all(guard.required for guard in guards), any(guard.unnamed for guard in guards)
    return Guard(Condition("in", subject, tuple(dict.fromkeys(names))), False, usual, required, unnamed)


def _is_computed(option: Option) -> bool:
    """Whether an operation gives a tensor, and no layer: where many such differ, a program computes more than can be followed."""
    return isinstance(option.value, Tensor) and option.value.origin.role == "operation"


def _folded(options: list[Option]) -> list[Option]:
    """Fewer alternatives: what a layer gives is one, whatever was done to its input under a condition."""
    folded: list[Option] = []
    for option in options:
        _add(folded, option, _means_the_same)
    return folded


def _means_the_same(left: Value, right: Value) -> bool:
    if isinstance(left, Tensor) and isinstance(right, Tensor):
        return all(getattr(left, name) == getattr(right, name) for name in _MEANING)
    return same(left, right)


_MEANING = ("domain", "axis", "attached", "shape", "origin")


def _most(options: list[Option]) -> int:
    """How many alternatives are followed: many take no longer where they are not combined with others."""
    if len(options) <= MOST_OPTIONS:
        return MOST_OPTIONS
    return MOST_OF_ONE_QUESTION if len(_subjects(options)) == 1 else MOST_OPTIONS


def _are_of_one_question(choices: Sequence[Choice]) -> bool:
    """Whether one question decides between the alternatives of all: then no more of them can occur together than of one."""
    return len(_subjects(option for choice in choices for option in choice.options)) == 1


def _subjects(options: Iterable[Option]) -> set[Hashable]:
    """What the conditions of alternatives ask about."""
    return {guard.condition.subject for option in options for guard in option.guards}


def _is_usual(option: Option) -> bool:
    """Whether the defaults lead to the value, whatever else must hold: then it is followed, however many others there are."""
    expected = [guard.expected is guard.outcome for guard in option.guards if guard.expected is not None]
    return bool(expected) and all(expected)


def _union(first: tuple[Guard, ...], second: tuple[Guard, ...]) -> tuple[Guard, ...]:
    if not first or not second:
        return first or second
    both = (*first, *(guard for guard in second if guard not in first))
    equal = {guard.condition.subject for guard in both if guard.outcome and guard.condition.operator == "=="}
    if not equal:
        return both
    # What equals one value is known not to equal the others: long chains of elif would carry them all along.
    return tuple(
        guard
        for guard in both
        if guard.outcome or guard.condition.operator != "==" or guard.condition.subject not in equal
    )


def _add(options: list[Option], new: Option, alike: Callable[[Value, Value], bool] = same) -> None:
    """Add an option; two that differ in the outcome of one condition only are one without it."""
    kind = type(new.value)
    for index, old in enumerate(options):
        if type(old.value) is not kind or not alike(old.value, new.value):
            continue
        if set(old.guards) <= set(new.guards):
            return
        difference = set(old.guards) ^ set(new.guards)
        if len(difference) == 2 and len({guard.condition for guard in difference}) == 1:
            options[index] = Option(tuple(guard for guard in old.guards if guard not in difference), old.value)
            return
    options.append(new)


def consistent(guards: tuple[Guard, ...]) -> bool:
    """Whether conditions can hold together; when in doubt they can."""
    return len(guards) < 2 or _Index(()).allows(guards)


class _Index:
    """The conditions of a path by what they are about, so that others are quickly held against them."""

    __slots__ = ("_known", "_narrowed", "_outcomes", "_tests", "path")

    def __init__(self, path: tuple[Guard, ...]) -> None:
        self.path = path  # while it is kept no other path has its identity, and the same holds of what was narrowed
        self._narrowed: dict[int, tuple[Choice, Value]] = {}
        self._known: dict[tuple[Guard, ...], bool] = {}
        """What was asked before: the same alternatives are held against a path again and again."""
        self._outcomes: dict[Condition, bool] = {}
        self._tests: dict[Hashable, list[tuple[str, Hashable, bool]]] = {}
        for guard in path:
            self._outcomes[guard.condition] = guard.outcome
            if guard.condition.operator in _HOLDS:
                self._tests.setdefault(guard.condition.subject, []).append(_test_of(guard))

    def allows(self, guards: tuple[Guard, ...]) -> bool:
        """Whether further conditions can hold beside those of the path."""
        if not guards:
            return True
        if len(guards) == 1:
            return self._allows_one(guards[0])
        known = self._known.get(guards)
        if known is None:
            known = self._known[guards] = self._can_hold(guards)
        return known

    def _allows_one(self, guard: Guard) -> bool:
        condition = guard.condition
        known = self._outcomes.get(condition)
        if known is not None:
            return known is guard.outcome
        before = self._tests.get(condition.subject)
        return not before or condition.operator not in _HOLDS or _satisfiable([*before, _test_of(guard)])

    def narrow(self, value: Choice) -> Value:
        """The value as it is on the path."""
        known = self._narrowed.get(id(value))
        if known is None:
            possible = [(option.guards, option.value) for option in value.options if self.allows(option.guards)]
            narrowed = value if len(possible) == len(value.options) else join(possible)
            known = self._narrowed[id(value)] = (value, narrowed)
        return known[1]

    def _can_hold(self, guards: tuple[Guard, ...]) -> bool:
        new: dict[Condition, bool] = {}
        for guard in guards:
            condition = guard.condition
            known = self._outcomes.get(condition)
            if known is None:
                known = new.setdefault(condition, guard.outcome)
            if known is not guard.outcome:
                return False
        tests: dict[Hashable, list[tuple[str, Hashable, bool]]] = {}
        for condition, outcome in new.items():
            subject = condition.subject
            before = self._tests.get(subject)
            if (before or len(new) > 1) and condition.operator in _HOLDS:
                if subject not in tests:
                    tests[subject] = list(before or ())
                tests[subject].append((condition.operator, condition.operand, outcome))
        return all(len(about) < 2 or _satisfiable(about) for about in tests.values())


def _test_of(guard: Guard) -> tuple[str, Hashable, bool]:
    return (guard.condition.operator, guard.condition.operand, guard.outcome)


_HOLDS: dict[str, Callable[..., bool]] = {
    "truth": lambda value, _: bool(value),
    "==": lambda value, operand: bool(value == operand),
    "is": lambda value, operand: value is operand,
    "<": lambda value, operand: bool(value < operand),
    "<=": lambda value, operand: bool(value <= operand),
    ">": lambda value, operand: bool(value > operand),
    ">=": lambda value, operand: bool(value >= operand),
    "in": lambda value, operand: bool(value in operand),
    "startswith": lambda value, operand: isinstance(value, str) and value.startswith(operand),
    "endswith": lambda value, operand: isinstance(value, str) and value.endswith(operand),
}


def _satisfiable(tests: list[tuple[str, Hashable, bool]]) -> bool:
    if all(operator == "==" for operator, _, _ in tests):
        wanted = {operand for _, operand, outcome in tests if outcome}
        return len(wanted) < 2 and not any(operand in wanted for _, operand, outcome in tests if not outcome)
    candidates: list[object] = [None, True, False, 0, 1, "\0 no such text", ""]
    for _, operand, _ in tests:
        if isinstance(operand, int | float) and not isinstance(operand, bool):
            candidates += [operand - 1, operand, operand + 1]
        elif isinstance(operand, tuple):
            candidates += list(operand)
        else:
            candidates.append(operand)
    return any(all(_holds(test, candidate) for test in tests) for candidate in candidates)


def holds(condition: Condition, candidate: object) -> bool | None:
    """Whether a condition holds of a value; None where it cannot be asked."""
    if condition.operator not in _HOLDS:
        return None
    try:
        return _HOLDS[condition.operator](candidate, condition.operand)
    except TypeError:
        return None


def _holds(test: tuple[str, Hashable, bool], candidate: object) -> bool:
    operator, operand, outcome = test
    try:
        return _HOLDS[operator](candidate, operand) is outcome
    except TypeError:
        return False
