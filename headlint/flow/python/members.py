"""Loops of unknown length that go through modules, one after the other: which of them come in which round."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from headlint.flow.python import iteration
from headlint.flow.values.conditions import Choice
from headlint.flow.values.library_values import MODULES, Backbone, Container, Dataset, Part
from headlint.flow.values.python_values import (
    COUNTER,
    Constant,
    DictValue,
    ListValue,
    TupleValue,
    Unknown,
    Value,
)
from headlint.syntax import ir

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

MOST_MEMBERS = 16
"""Modules that are gone through one by one."""


class Walk(Struct, frozen=True):
    """The rounds of a loop that goes through modules.

    ``length`` is what the loop counts up to, and ``number`` what that is then. ``complete``: the loop ends behind the
    last of the modules, and nowhere else. ``grown`` are the rounds that may come any number of times.
    """

    items: tuple[Value, ...]
    length: Unknown | None
    number: int
    complete: bool
    grown: tuple[range, ...]


class _Members(Struct, frozen=True):
    """What a collection holds, in order, and which of it a loop put there that may have had more rounds."""

    items: tuple[Value, ...]
    grown: tuple[range, ...] = ()


class _Pick(Struct, frozen=True):
    """``owner[index]``: modules that are picked by a number."""

    index: ir.Expression
    owner: Value
    members: _Members


def walk(machine: Machine, node: ir.For, iterable: Value) -> Walk | None:
    """The rounds of a loop whose length is not known, where it goes through modules; else None."""
    match machine.state.narrow(iterable):
        case Dataset(name="range", slots={"between": TupleValue((Constant(int() as start), Unknown() as stop))}):
            return _by_number(machine, node, start, stop)
        case Dataset(name="enumerate", item=TupleValue((Unknown(key=key, parent=stop), _))) as several:
            return _through(machine, several, stop if key == COUNTER else None)
        case several:
            return _through(machine, several, None)


def _through(machine: Machine, several: Value, length: Unknown | None) -> Walk | None:
    found = _members(machine, several)
    if found is None or len(found.items) > MOST_MEMBERS or not any(map(_is_module, found.items)):
        return None
    return Walk(found.items, length, len(found.items), True, found.grown)


def _members(machine: Machine, several: Value) -> _Members | None:
    """What going through something of unknown length gives."""
    match machine.state.narrow(several):
        case ListValue() | Container(kind="sequential" | "list") as collection if collection.approximate:
            items = iteration.slot_items(machine, collection)
            return _Members(items, _grown(collection.grown, len(items))) if items else None
        case Dataset(name="enumerate", slots={"of": of}) if (members := _members(machine, of)) is not None:
            numbered = (TupleValue((Constant(number), item)) for number, item in enumerate(members.items))
            return replace(members, items=tuple(numbered))
        case Dataset(name="zip", slots={"of": TupleValue(columns)}):
            return _rows(machine, columns)
        case _:
            return None


def _grown(known: range | None, length: int) -> tuple[range, ...]:
    """The places that stand for any number of members: each one may, where it is not known which."""
    return (known,) if known is not None else tuple(range(place, place + 1) for place in range(length))


def _rows(machine: Machine, columns: Sequence[Value]) -> _Members | None:
    """What goes side by side; something unknown goes along with the rest, and is as long as that."""
    several = [_members(machine, column) or _written(machine, column) for column in columns]
    known = [column for column in several if column is not None]
    if len({len(column.items) for column in known}) != 1:
        return None
    unknown = [column for column, found in zip(columns, several, strict=True) if found is None]
    if not all(isinstance(machine.state.narrow(column), Unknown | Choice) for column in unknown):
        return None
    length = len(known[0].items)
    rows = zip(
        *(
            found.items if found is not None else (iteration.element(machine, column),) * length
            for column, found in zip(columns, several, strict=True)
        ),
        strict=True,
    )
    grown = dict.fromkeys(one for column in known for one in column.grown)
    return _Members(tuple(TupleValue(row) for row in rows), tuple(grown))


def side_by_side(machine: Machine, columns: Sequence[Value]) -> tuple[Value, ...]:
    """One item of each of several columns, whichever; of modules those that stand at the same place.

    Of a column that was left early less is known than of one that is known to its end.
    """
    several = [_members(machine, column) or _written(machine, column) for column in columns]
    shortest = min((len(found.items) for found in several if found is not None), default=0)
    return tuple(
        found.items[shortest - 1]
        if found is not None and len(found.items) > shortest and any(map(_is_module, found.items))
        else iteration.element(machine, column)
        for column, found in zip(columns, several, strict=True)
    )


def _written(machine: Machine, column: Value) -> _Members | None:
    """The items of a list whose length is known."""
    items = iteration.known_items(machine, column)
    return _Members(tuple(items), ()) if items else None


def _is_module(value: Value) -> bool:
    match value:
        case TupleValue(items):
            return any(map(_is_module, items))
        case Choice(options):
            return all(_is_module(option.value) for option in options)
        case _:
            return isinstance(value, (*MODULES, Backbone, Part))


def _by_number(machine: Machine, node: ir.For, start: int, stop: Unknown) -> Walk | None:
    """The rounds of ``for number in range(start, stop)`` whose body picks modules by the number."""
    picks = list(_picks(machine, node))
    if not picks:
        return None
    length, less = _shortened(stop)
    numbers = _numbers_in_range(machine, node, start, picks)
    if numbers is None or len(numbers) <= less:
        return None
    numbers = numbers[: len(numbers) - less]
    grown = dict.fromkeys(
        range(max(0, one.start - start), one.stop - start) for pick in picks for one in pick.members.grown
    )
    complete = any(stop.key == ("len", pick.owner, len(pick.members.items)) for pick in picks)
    end = start + len(numbers) + less
    return Walk(tuple(map(Constant, numbers)), length, end, complete, tuple(grown))


def _shortened(stop: Unknown) -> tuple[Unknown, int]:
    """``length - less`` taken apart."""
    match stop:
        case Unknown(key=("-", ("int", int() as less)), parent=Unknown() as length) if less > 0:
            return length, less
        case _:
            return stop, 0


def _numbers_in_range(machine: Machine, node: ir.For, start: int, picks: list[_Pick]) -> list[int] | None:
    """The numbers for which there are modules; None where it is not known what is picked."""
    numbers: list[int] = []
    for number in range(start, start + MOST_MEMBERS):
        machine.assign(node.target, Constant(number))
        indices = [machine.evaluate(pick.index) for pick in picks]
        if not all(isinstance(index, Constant) for index in indices):
            return None
        if any(iteration.pick(pick.members.items, index) is None for pick, index in zip(picks, indices, strict=True)):
            break
        numbers.append(number)
    return numbers


def _picks(machine: Machine, node: ir.For) -> Iterator[_Pick]:
    """Where the body of a loop picks modules by its number."""
    if not isinstance(node.target, ir.Name):
        return
    for part in ir.walk(node.body):
        if isinstance(part, ir.Subscript) and _speaks_of(part.index, node.target.name):
            with machine.silent():
                owner = machine.state.narrow(machine.evaluate(part.owner))
            members = _numbered_members(machine, owner)
            if members is not None and any(map(_is_module, members.items)):
                yield _Pick(part.index, owner, members)


def _numbered_members(machine: Machine, owner: Value) -> _Members | None:
    """The members that have a number which is known."""
    if (items := iteration.known_items(machine, owner)) is not None and not isinstance(owner, DictValue):
        return _Members(tuple(items))
    match owner:
        case ListValue(grown=range() as grown):
            return _Members((iteration.slot_items(machine, owner) or ())[: grown.stop], (grown,))
        case Container():
            return _members(machine, owner)
        case _:
            return None


def _speaks_of(expression: ir.Expression, name: str) -> bool:
    return name in ir.names_in(expression)
