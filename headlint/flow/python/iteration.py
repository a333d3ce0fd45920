"""What it means to go through a value: lists, tuples, dicts, ranges, containers of layers, data sets."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from headlint.flow.python import carried
from headlint.flow.values.conditions import Choice, Guard, Option
from headlint.flow.values.facts import Event
from headlint.flow.values.library_values import Container, Dataset, Part
from headlint.flow.values.python_values import (
    ITEM_NUMBER,
    Constant,
    DictValue,
    HeapObject,
    Instance,
    ListValue,
    SliceValue,
    TupleValue,
    Unknown,
    Value,
)
from headlint.flow.values.tensor_values import Tensor
from headlint.flow.values.training_values import OneParameter, Parameters

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

LONGEST_LOOP = 64
"""Rounds of a loop that are followed one by one."""


def is_object(value: Value, inside: tuple[Value, ...] = ()) -> bool:
    """Whether what is done with a value depends on more than numbers: a layer, a function, a list of layers …

    ``inside`` are the lists and dicts around, any of which one may hold again.
    """
    match value:
        case TupleValue(items):
            return any(is_object(item, inside) for item in items)
        case ListValue() | DictValue() if value in inside:
            return False
        case ListValue():
            return any(is_object(item, (*inside, value)) for item in value.items)
        case DictValue():
            return any(is_object(entry, (*inside, value)) for entry in value.slots.values())
        case _:
            return not isinstance(value, Constant | Unknown | Tensor)


def slot_items(machine: Machine, heap_object: HeapObject) -> tuple[Value, ...] | None:
    """The slot ``items`` on the current path; None when branches disagree about it."""
    match machine.read(heap_object, "items"):
        case TupleValue(items):
            return items
        case _:
            return None


def alternatives_of_items(machine: Machine, value: Value) -> tuple[Option, ...]:
    """The items that a list or a container can have on the current path: tuples, each with its conditions.

    None where one of them depends on the round of a loop: what a round puts in is not what there is in the end.
    """
    held = machine.read(value, "items") if isinstance(value, ListValue | Container) else None
    options = machine.state.alternatives(held) if held is not None else ()
    if any(isinstance(option.value, Unknown) or any(map(_is_of_a_round, option.guards)) for option in options):
        return ()
    return options


def rows_in_part(machine: Machine, several: ListValue | Container) -> tuple[Option, ...]:
    """The items of a list of which too much is open to follow it; in the place of those that got lost stands one unknown."""
    several.approximate = True
    options = machine.state.alternatives(machine.read(several, "items") or Unknown())
    if isinstance(several, ListValue) and all(isinstance(option.value, TupleValue) for option in options):
        return (Option((), TupleValue(tuple(representatives(machine, several) or ()))),)
    lost = TupleValue((Unknown("items that got lost"),))
    return tuple(one if isinstance(one.value, TupleValue) else Option(one.guards, lost) for one in options)


def _is_of_a_round(guard: Guard) -> bool:
    """Whether a condition asks for the number of a round, or for what the loop goes through."""
    subject = guard.condition.subject
    return any(
        isinstance(one, Unknown) and one.is_given_by_a_loop
        for one in (subject if isinstance(subject, tuple) else (subject,))
    )


def known_items(machine: Machine, value: Value) -> list[Value] | None:
    """Every item that iterating gives, or None where that is not known."""
    match machine.state.narrow(value):
        case TupleValue(items):
            return list(items)
        case ListValue() as items_list:
            items_now = slot_items(machine, items_list)
            return None if items_list.approximate or items_now is None else list(items_now)
        case Container(kind="dict") as container:
            return None if container.approximate else [Constant(name) for name in container.names]
        case Container() as container:
            machine.applied.add(container)  # whoever goes through the members applies them in his own way
            members = slot_items(machine, container)
            return None if container.approximate or members is None else list(members)
        case DictValue(complete=True) as entries_of:
            return [Constant(key) for key in entries_of.slots if isinstance(key, str | int | float | bool | None)]
        case Constant(str() as text) if len(text) <= LONGEST_LOOP:
            return [Constant(character) for character in text]
        case Choice(options) if all(isinstance(option.value, TupleValue) for option in options):
            return _items_of_tuples(machine, value)
        case _:
            return None


def representatives(machine: Machine, value: Value) -> list[Value] | None:
    """What the items of something are like where their number is not known: each kind of item once, or None."""
    narrowed = machine.state.narrow(value)
    if not isinstance(narrowed, ListValue):
        return None
    found: list[Value] = []
    for option in machine.state.alternatives(narrowed.slots["items"]):
        if isinstance(option.value, TupleValue):
            found += [item for item in option.value.items if all(item is not known for known in found)]
    return [item for item in found if item != Constant(None)]  # what stands there until the loop comes to it


def _items_of_tuples(machine: Machine, value: Value) -> list[Value] | None:
    """The items of a choice of equally long tuples, each a choice itself."""
    from headlint.flow.machine.state import join

    alternatives = machine.state.alternatives(value)
    tuples = [(option.guards, option.value.items) for option in alternatives if isinstance(option.value, TupleValue)]
    if len({len(items) for _, items in tuples}) != 1:
        return None
    length = len(tuples[0][1])
    return [join((guards, items[index]) for guards, items in tuples) for index in range(length)]


def element(machine: Machine, value: Value) -> Value:
    """One item, whichever, of what iterating gives."""
    match machine.state.narrow(value):
        case Dataset() as dataset:
            return dataset.item
        case ListValue() as items_list:
            return alike(representatives(machine, items_list) or []) or Unknown()
        case Container() as container:
            members = slot_items(machine, container)
            return members[-1] if members else Unknown()
        case Tensor() as tensor:
            return machine.tensors.row(machine, tensor)
        case Unknown() as unknown:
            return unknown.child("element")
        case Part(backbone, steps):
            return Part(backbone, (*steps, "element"))
        case Parameters(named=named) as parameters:
            one = OneParameter(parameters)
            return TupleValue((Unknown("a parameter's name"), one)) if named else one
        case Choice(options) if options and all(isinstance(option.value, Parameters) for option in options):
            either = reduce(Parameters.joined_with, (one.value for one in options if isinstance(one.value, Parameters)))
            return element(machine, replace(either, partial=True))
        case Instance() as instance if (getter := machine.method(instance, "__getitem__")) is not None:
            return _sample(machine, getter)
        case _:
            return Unknown()


SHARE_OF_A_SAMPLE = 8
"""Which part of the steps that are left may be spent on a sample of a data set: the training behind it needs the others."""


def _sample(machine: Machine, getter: Value) -> Value:
    """What an object of the program gives at some number."""
    result: Value = Unknown()

    def run() -> None:
        nonlocal result
        result = machine.call_with(getter, Unknown(ITEM_NUMBER))

    machine.with_share(run, machine.steps_left // SHARE_OF_A_SAMPLE, Event.LEFT_OUT)
    return result


def alike(items: Sequence[Value]) -> Value | None:
    """One of several items, the last, where it may stand for all: tensors that mean different things are not mixed up.

    Of its shape that much is known as the others have too.
    """
    domains = {item.domain for item in items if isinstance(item, Tensor)}
    return carried.alike(items) if items and len(domains) <= 1 else None


def unpack(machine: Machine, value: Value, count: int) -> list[Value]:
    """The values that ``a, b, … = value`` binds."""
    items = known_items(machine, value)
    if items is not None:
        return items if len(items) == count else [Unknown() for _ in range(count)]
    match machine.state.narrow(value):
        case Unknown() as unknown:
            return [unknown.child(("item", index)) for index in range(count)]
        case Dataset() as dataset:
            return [dataset.item] * count
        case Tensor() as tensor:
            one = element(machine, tensor)
            return [one] * count
        case ListValue() as items_list:
            one = element(machine, items_list)
            return [
                Unknown() if isinstance(one, Constant) else one for _ in range(count)
            ]  # numbers differ by their place
        case Choice() as choice:
            return [
                machine.state.distribute(
                    [choice],
                    lambda one, index=index: unpack(machine, one, count)[index],
                )
                for index in range(count)
            ]
        case _:
            return [Unknown() for _ in range(count)]


def entries(machine: Machine, mapping: DictValue) -> list[tuple[Any, Value]]:
    """A dict's entries on the current path."""
    return [(key, value) for key in mapping.slots if (value := machine.read(mapping, key)) is not None]


def combine_lists(machine: Machine, symbol: str, left: ListValue, right: Value) -> Value:
    """``list + list`` and ``list * n``."""
    first = slot_items(machine, left)
    if first is None:
        return Unknown()
    match right:
        case ListValue() if symbol == "+":
            second = slot_items(machine, right)
            return Unknown() if second is None else ListValue((*first, *second), left.approximate or right.approximate)
        case Constant(int() as count) if symbol == "*" and 0 <= count * len(first) <= LONGEST_LOOP:
            return ListValue(first * count, left.approximate)
        case _ if symbol == "*":
            return ListValue(first, approximate=True)
        case _:
            return Unknown()


def slice_bounds(index: SliceValue) -> slice | None:
    """The slice that ``lower:upper:step`` is, or None where a bound is not known."""
    bounds: list[int | None] = []
    for part in (index.lower, index.upper, index.step):
        match part:
            case Constant((int() | None) as bound):
                bounds.append(bound)
            case _:
                return None
    return slice(*bounds) if bounds[2] != 0 else None


def pick(items: tuple[Value, ...], index: Value) -> Value | tuple[Value, ...] | None:
    """An item, or the items of a slice, or None where the index is not known or out of range."""
    match index:
        case Constant(int() as number) if -len(items) <= number < len(items):
            return items[number]
        case SliceValue():
            bounds = slice_bounds(index)
            return items[bounds] if bounds is not None else None
        case _:
            return None


def entries_of_object(machine: Machine, heap_object: HeapObject) -> list[tuple[Any, Value]]:
    """Any thing's slots on the current path."""
    return [(key, value) for key in heap_object.slots if (value := machine.read(heap_object, key)) is not None]
