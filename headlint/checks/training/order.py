"""The events of a training loop in the order in which a program does them, round after round."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from msgspec import Struct

from headlint.flow.machine.state import consistent
from headlint.flow.values.assumptions import Assumption
from headlint.flow.values.conditions import Condition
from headlint.flow.values.facts import Event, TrainingEvent
from headlint.flow.values.python_values import Constant, Unknown
from headlint.flow.values.training_values import Loop, Round


class Neighbour(Struct, frozen=True):
    """An event seen from another: ``in_other_round`` tells that a round of the loop ends between the two."""

    event: TrainingEvent
    in_other_round: bool


class Run(Struct, frozen=True, eq=False, dict=True):
    """What happens when a module, or a function that nothing calls, is run.

    Not ``whole``: a part of it is not followed. The loops whose events it has are followed to their end, but for calls that
    are left out.
    """

    events: tuple[TrainingEvent, ...]
    whole: bool = True
    ended: bool = True
    """Whether it is followed to its end, whatever calls are left out on the way."""
    doubtful: tuple[TrainingEvent, ...] = ()
    """The calls that are left out, and what happens in loops that they do not follow to their end."""

    @cached_property
    def _positions(self) -> dict[int, int]:
        return {id(event): number for number, event in enumerate(self.events)}

    @cached_property
    def _by_round(self) -> dict[Round, list[TrainingEvent]]:
        found: dict[Round, list[TrainingEvent]] = {}
        for event in self.events:
            for one in event.rounds:
                found.setdefault(one, []).append(event)
        return found

    def place(self, event: TrainingEvent) -> int:
        """The position of an event in the order of all."""
        return self._positions[id(event)]

    def has(self, event: TrainingEvent) -> bool:
        """Whether an event is part of what is followed of the run."""
        return id(event) in self._positions

    def is_whole_for(self, event: TrainingEvent) -> bool:
        """Whether nothing is left out on the paths on which an event happens."""
        return self.whole or (self.ended and not any(together(one, event) for one in self.doubtful))

    def of(self, *kinds: Event) -> list[TrainingEvent]:
        """The events of some kinds."""
        return [event for event in self.events if event.event in kinds]

    def within(self, loop: Loop) -> list[TrainingEvent]:
        """Everything that happens in a loop, and in loops inside it."""
        return [event for event in self.events if any(one.loop is loop for one in event.rounds)]

    def round_of(self, event: TrainingEvent) -> list[TrainingEvent]:
        """What happens in the same round of the innermost loop; outside of loops everything does."""
        if not event.rounds:
            return list(self.events)
        return self._by_round[event.rounds[-1]]

    def chose_between(self, first: TrainingEvent, second: TrainingEvent, loop: Loop) -> bool:
        """Whether what was decided before a loop lets only one of two things happen in it."""
        decided = self.decided_before(loop)
        guards = (*first.guards, *second.guards)
        return not consistent(
            tuple(one for one in guards if one.condition in decided or is_settled(one.condition.subject))
        )

    def happens_in_each_round(self, event: TrainingEvent) -> bool:
        """Whether what happens in a round of its loop does so in all of them: no round changes its conditions."""
        decided = self.decided_before(event.rounds[-1].loop)
        return all(guard.condition in decided or is_settled(guard.condition.subject) for guard in event.guards)

    def decided_before(self, loop: Loop) -> set[Condition]:
        """The conditions under which something happens before a loop: no round of it changes them."""
        began = min((self.place(event) for event in self.within(loop)), default=0)
        return {guard.condition for event in self.events[:began] for guard in event.guards}

    def before(self, event: TrainingEvent) -> Iterator[Neighbour]:
        """What happens before an event, the nearest first; then, in a loop, what the round before it has done."""
        around = self.round_of(event)
        place = self.place(event)
        earlier = (other for other in reversed(around) if self.place(other) < place)
        yield from (Neighbour(other, False) for other in earlier if together(other, event))
        if event.rounds:
            yield from (Neighbour(other, True) for other in reversed(around) if other is not event)

    def after(self, event: TrainingEvent) -> Iterator[Neighbour]:
        """What happens after an event, the nearest first; then, in a loop, what the next round does."""
        around = self.round_of(event)
        place = self.place(event)
        later = (other for other in around if self.place(other) > place)
        yield from (Neighbour(other, False) for other in later if together(other, event))
        if event.rounds:
            yield from (Neighbour(other, True) for other in around if other is not event)


def runs_of(events: Iterable[TrainingEvent], broken_loops: bool = False) -> list[Run]:
    """The runs that events belong to; of those that are not followed to their end what comes before.

    That is without the loops that are not followed to their end, whose rounds may do anything else, or with them.
    """
    by_root: dict[int, list[TrainingEvent]] = {}
    for event in events:
        by_root.setdefault(event.root, []).append(event)
    return [_followed(tuple(some), broken_loops) for some in by_root.values()]


def _followed(events: tuple[TrainingEvent, ...], broken_loops: bool) -> Run:
    end = next((number for number, event in enumerate(events) if event.event is Event.CUT_SHORT), len(events))
    last = events[end : end + 1]
    broken = {loop for event in (*events[:end], *last) for loop in event.broken} if not broken_loops else set()
    whole: list[TrainingEvent] = []
    doubtful: list[TrainingEvent] = []
    for event in events[:end]:
        is_followed = broken.isdisjoint(other.loop for other in event.rounds)
        if is_followed:
            whole.append(event)
        if event.event is Event.LEFT_OUT or not is_followed:
            doubtful.append(event)
    left_out = any(event.event is Event.LEFT_OUT for event in whole)
    return Run(tuple(whole), not last and not left_out, ended=not last, doubtful=tuple(doubtful))


def together(first: TrainingEvent, second: TrainingEvent) -> bool:
    """Whether both can happen on one path."""
    return consistent((*first.guards, *second.guards))


def is_plain(backward: TrainingEvent) -> bool:
    """Whether a program calls ``backward()`` itself, and asks for no gradient of the gradients."""
    return backward.by is None and backward.given in ((), (Constant("retain_graph"),))


def always_with(first: TrainingEvent, second: TrainingEvent) -> bool:
    """Whether the first happens wherever the second does."""
    return set(first.guards) <= set(second.guards)


def is_of_command_line(value: object) -> bool:
    """Whether a value is an option of the command line, or an attribute of one."""
    match _owner_of_attributes(value):
        case Unknown(key=Assumption(function="")):
            return True
        case _:
            return False


def is_option(value: object) -> bool:
    """Whether a value is an option of the command line, or a parameter of the function that is run or an attribute of one."""
    owner = _owner_of_attributes(value)
    return is_of_command_line(owner) or (isinstance(owner, Unknown) and owner.is_parameter)


def _owner_of_attributes(value: object) -> object:
    """What a value is an attribute of, or an attribute of an attribute; itself where it is none."""
    while isinstance(value, Unknown) and isinstance(value.key, str) and value.parent is not None:
        value = value.parent
    return value


_OF_TEXTS = frozenset({"startswith", "endswith", "lower", "upper", "strip"})


def is_settled(value: object) -> bool:
    """Whether no round of a loop changes a value: an option, a parameter or its default, or what a text method makes of one."""
    match value:
        case Unknown(key=("call", _), parent=Unknown(key=str() as method, parent=Unknown() as text)):
            return method in _OF_TEXTS and is_settled(text)
        case Unknown(key=Assumption()):
            return True
        case Unknown(key="element"):
            return False  # each round has another
        case Unknown(key=str() | ("item", str()), parent=Unknown() as owner):
            return is_settled(owner)
        case _:
            return is_option(value)
