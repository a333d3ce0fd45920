"""Which outcomes of a program's tests were followed, and which are open to callers that were not seen.

A function is run with what its callers give it, or, where nobody calls it, with its defaults. Both may rule branches out
that others will take. Such a function is run once more with its parameters forgotten; what is found then counts where one
thing, and no more, is other than what was seen: options that nobody combined are not held against each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct, field

from headlint.flow.machine.state import holds
from headlint.flow.values.assumptions import Assumption
from headlint.flow.values.conditions import Condition, Guard
from headlint.flow.values.python_values import Constant, DictValue, Unknown, Value
from headlint.syntax import ir

MOST_SEEN = 8
"""Values of one parameter that are remembered."""

Path = tuple[Guard, ...]
Tested = ir.If | ir.Assert | ir.Conditional | ir.Case
Callable = ir.FunctionDefinition | ir.Lambda | None
"""What a test stands in; None is the top level of a module."""


class Branches(Struct):
    """What is known of the branches of one run."""

    ruled_out: set[int] = field(default_factory=set)
    """Identities of the tests of which defaults rule an outcome out."""
    settled: set[Unknown] = field(default_factory=set)
    """Options of which only the default was followed somewhere: of others nobody knows what they do there."""
    again: bool = False
    """Whether functions are run once more, for the calls that were not seen."""
    _met: dict[int, tuple[Tested, ir.Expression, Callable]] = field(default_factory=dict)
    _followed: dict[int, set[bool]] = field(default_factory=dict)
    _seen: dict[tuple[int, str], list[object]] = field(default_factory=dict)
    _options: dict[tuple[int, str], DictValue] = field(default_factory=dict)
    _forgotten: dict[Unknown, tuple[object, ...]] = field(default_factory=dict)

    def follow(self, node: Tested, test: ir.Expression, outcome: bool, definition: Callable, path: Path) -> None:
        """A test in a function has an outcome on a path; one that defaults rule out was not followed."""
        if self.again:
            return
        if contradicts_defaults(path):
            self.ruled_out.add(id(node))
        else:
            self._met[id(node)] = node, test, definition
            self._followed.setdefault(id(node), set()).add(outcome)

    def one_sided(self) -> list[tuple[Tested, ir.Expression, Callable]]:
        """What was met and followed with one outcome only: the node, what it asks for, and the function around it."""
        return [self._met[number] for number, outcomes in self._followed.items() if len(outcomes) == 1]

    def note_given(self, definition: object, name: str, value: Value) -> None:
        """A call gives a parameter a value."""
        if isinstance(value, DictValue) and any(map(_is_of_option, value.slots.values())):
            self._options[id(definition), name] = value
        if isinstance(value, Constant) and value.symbol is None:
            known = self._seen.setdefault((id(definition), name), [])
            if value.value not in known and len(known) < MOST_SEEN:
                known.append(value.value)

    def options_given(self, definition: object, name: str) -> DictValue | None:
        """The options of the command line, where a parameter was given them: no caller brings others."""
        return self._options.get((id(definition), name))

    def forget(self, symbol: Unknown, definition: object, name: str, *defaults: object) -> None:
        """From here on a parameter may be anything; what it was seen to be is remembered apart."""
        values = (*defaults, *self._seen.get((id(definition), name), ()))
        if values:
            self._forgotten[symbol] = values

    def opened(self, value: Value) -> Value:
        """A value that may be another for callers who were not seen, as they see it: a default may be anything."""
        if self.again and isinstance(value, Constant) and value.symbol is not None:
            self._forgotten[value.symbol] = (value.value,)
            return value.symbol
        return value

    def is_unseen(self, path: Path, outside: Path | None = None) -> bool | None:
        """Whether only callers, or users of a command line, who were not seen take a path; None where nobody may.

        ``outside`` are the conditions of the path without those that chose a model, where it is about one.
        """
        if contradicts_defaults(path):
            if not self.settled.isdisjoint(_chosen_otherwise(path)):
                return None
            chosen = _but_for_the_mode(path)
            followed = (
                not contradicts_defaults(chosen)
                or _needs_one_option(chosen)
                or needs_one_flag(path)
                or _chooses_a_model_only(chosen, None if outside is None else _but_for_the_mode(outside))
            )
            return True if followed and not self.again else None
        if self.again and (
            len(_options_of(path)) > 1 or not self.one_thing_differs(path) or any(map(self._takes_away, path))
        ):
            return None
        return self.again

    def _takes_away(self, guard: Guard) -> bool:
        """Whether a way is taken by those only who give 0 or None for an amount, of which the program knows better ones."""
        subject = guard.condition.subject
        if guard.condition.operator != "truth" or guard.outcome or not isinstance(subject, Unknown):
            return False
        values = self._forgotten.get(subject, ())
        return bool(values) and all(map(_is_amount, values))

    def one_thing_differs(self, path: Path) -> bool:
        """Whether exactly one parameter is other than all that was seen of it.

        One whose default is refused, or is None, which stands for "not given", counts only where there is no other.
        """
        by_choice: set[Unknown] = set()
        by_need: set[Unknown] = set()
        for guard in path:
            for symbol in symbols_of(guard.condition):
                values = self._forgotten.get(symbol)
                if values is not None and not _is_usual(guard, symbol, values):
                    (by_need if guard.required or values == (None,) else by_choice).add(symbol)
        by_choice -= by_need
        return len(by_choice) == 1 or (not by_choice and bool(by_need))


def _is_amount(value: object) -> bool:
    """Whether a value is a number that is no switch: 1 may stand for "yes"."""
    return (isinstance(value, float) and value != 0) or (isinstance(value, int) and value not in (0, 1))


def contradicts_defaults(path: Path) -> bool:
    """Whether a path is taken only by those who give something else than the defaults."""
    return any(guard.departs for guard in path)


def _options_of(path: Path) -> set[Unknown]:
    """The options of the command line that a path depends on, beside what everybody has to give."""
    chosen = (guard for guard in path if not guard.required)
    return {symbol for guard in chosen for symbol in symbols_of(guard.condition) if is_option(symbol)}


def _chosen_otherwise(path: Path) -> Iterator[Unknown]:
    """The options that are not left at their defaults on a path."""
    for guard in path:
        if guard.departs:
            yield from symbols_of(guard.condition)


def _but_for_the_mode(path: Path) -> Path:
    """A path without what is asked of options that say what a program is to do, and on what: they choose no model or loss."""
    return tuple(guard for guard in path if not _asks_for_the_mode(guard))


def _asks_for_the_mode(guard: Guard) -> bool:
    keys = [symbol.key for symbol in symbols_of(guard.condition) if isinstance(symbol.key, Assumption)]
    return bool(keys) and all(
        not key.function and _MODES.search(key.parameter) and not _CHOOSING.search(key.parameter) for key in keys
    )


_MODES = re.compile(
    r"(?:^|[-_./])(?:(?:is|do|only|no)[-_]?)?"
    r"(?:mode|phase|action|command|stage|train|fit|test|eval|valid|infer|predict|demo|resume|export|visual|distrib|cuda|gpu|device)",
    re.IGNORECASE,
)
_CHOOSING = re.compile(r"loss|criter|model|net|arch|head|activ|backbone|class|task", re.IGNORECASE)
"""How options are named that say what a program is to do, and those that choose what is trained, and for what."""


def _needs_one_option(path: Path) -> bool:
    """Whether a path is taken by those who give one option of the command line, on which alone it depends.

    Options that only go together (another activation with another loss) are not held against each other.
    """
    asked = _options_of(path)
    return len(asked) == 1 and not contradicts_defaults(
        tuple(guard for guard in path if asked.isdisjoint(symbols_of(guard.condition)))
    )


def _chooses_a_model_only(path: Path, outside: Path | None) -> bool:
    """Whether several options together choose a model, and none of them anything else: the loss is the same for all."""
    if outside is None or contradicts_defaults(outside):
        return False
    unusual = [guard for guard in path if guard.departs]
    compared = [guard for guard in outside if guard.condition.operator != "truth"]
    return all(any(map(is_option, symbols_of(guard.condition))) for guard in unusual) and not any(
        is_option(symbol) for guard in compared for symbol in symbols_of(guard.condition)
    )


def needs_one_flag(path: Path) -> bool:
    """Whether a path is taken by those who give a single flag, ``--do-train``, and leave every other option alone."""
    unusual = [guard.condition for guard in path if guard.departs]
    flag = unusual[0].subject if unusual else None
    return (
        isinstance(flag, Unknown)
        and is_option(flag)
        and all(condition.operator == "truth" and condition.subject is flag for condition in unusual)
    )


def is_option(symbol: Unknown) -> bool:
    """Whether something stands for what is given to an option of the command line."""
    return isinstance(symbol.key, Assumption) and not symbol.key.function


def _is_of_option(value: Value) -> bool:
    return isinstance(value, Constant) and value.symbol is not None and is_option(value.symbol)


def symbols_of(condition: Condition) -> Iterator[Unknown]:
    """What a condition is about, without what was asked of it or done to it."""
    for subject in condition.subject if isinstance(condition.subject, tuple) else (condition.subject,):
        if isinstance(subject, Unknown):
            yield subject
            while subject.parent is not None:
                subject = subject.parent
                yield subject


def _is_usual(guard: Guard, symbol: Unknown, values: tuple[object, ...]) -> bool:
    """Whether something that was seen of a parameter leads this way too."""
    condition = guard.condition
    if condition.operator == "isinstance":
        return True
    return condition.subject is symbol and any(holds(condition, value) is guard.outcome for value in values)
