"""Loops: which of their rounds are followed, and what is known behind them."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING

from headlint.flow.machine.state import Cell, same
from headlint.flow.python import carried, counting_loops, iteration, members
from headlint.flow.python.members import Walk
from headlint.flow.values.conditions import Choice, Condition, Guard, Option
from headlint.flow.values.facts import CarriedOver
from headlint.flow.values.library_values import Container, Model
from headlint.flow.values.python_values import (
    COUNTED,
    Constant,
    DictValue,
    ListValue,
    Scope,
    TupleValue,
    Unknown,
    Value,
)
from headlint.flow.values.tensor_values import Tensor
from headlint.flow.values.training_values import Loop
from headlint.syntax import ir

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

STEPS_OF_A_CHEAP_LOOP = 600
"""A loop that costs less than this is followed to its end, whatever it does."""

STEPS_OF_A_COSTLY_LOOP = 4_000
"""One that costs more than this repeats an experiment: it is left early unless it collects more than what its rounds measure."""

MOST_STEPS_OF_A_LOOP = 20_000
"""One that costs more than this, or than most of what there is, is left early, whatever it does."""


MOST_LOOPS = 512
"""Loops of which is kept what their rounds count."""

MOST_LISTS = 4
"""Lists of which a loop may go through one or the other, each of which is followed."""


def run_for(machine: Machine, node: ir.For) -> bool:
    """``for target in iterable: …``; False when the end is not reached."""
    iterable = machine.evaluate(node.iterable)
    lists = _lists(machine, machine.state.narrow(iterable))
    if 1 < len(lists) <= MOST_LISTS:
        return machine.state.branch([(one.guards, partial(_go_through, machine, node, iterable)) for one in lists])
    return _go_through(machine, node, iterable)


def _lists(machine: Machine, iterable: Value) -> tuple[Option, ...]:
    """What a loop may go through; of lists whose length is not known only those that differ in single items."""
    options = iteration.alternatives_of_items(machine, iterable)
    lengths = {len(option.value.items) for option in options if isinstance(option.value, TupleValue)}
    approximate = isinstance(iterable, ListValue | Container) and iterable.approximate
    return () if approximate and len(lengths) > 1 else options


def _go_through(machine: Machine, node: ir.For, iterable: Value) -> bool:
    items = iteration.known_items(machine, iterable)
    if items is not None and len(items) <= iteration.LONGEST_LOOP:
        match _follow_rounds(machine, node, items, Loop(machine.site(node), iterable)):
            case "break":
                return True
            case "leave":
                return False
    else:
        with machine.frame.repeatedly():
            if (walk := members.walk(machine, node, iterable)) is not None:
                _follow_members(machine, node, walk, Loop(machine.site(node), iterable))
            else:
                _follow_two_rounds(machine, node, iterable)
    return machine.execute(node.otherwise)


def _follow_members(machine: Machine, node: ir.For, walk: Walk, loop: Loop) -> None:
    """Run a round for each module that a loop of unknown length goes through.

    A round that may come any number of times leaves nothing but what it found and left alike.
    """
    before, steps_before = machine.state.path, machine.steps_left
    most_steps = _most_steps(machine)
    changed: dict[Cell, Value | None] = {}
    left: list[dict[Cell, Value | None]] = []
    cut_short = False
    with machine.counting.as_if(walk.length, walk.number):
        for number, item in enumerate(walk.items):
            machine.assign(node.target, item)
            with machine.in_round(loop, number):
                replaced = machine.state.noting(lambda: _round(machine, node.body))
            changed = {**replaced, **changed}
            left.append({cell: machine.read(*cell) for cell in changed})
            for grown in walk.grown:
                if grown and number == grown[-1]:
                    if grown[0]:
                        carried.agree(machine, (left[grown[0] - 1], left[-1]))
                    else:
                        carried.agree_with_none(machine, changed, left[-1])
            cut_short = steps_before - machine.steps_left > most_steps
            if cut_short:
                break
            machine.state.path = (*before, Guard(Condition("last round", machine.site(node)), True))
    machine.state.path = before
    if not walk.complete:
        carried.agree(machine, left)
    _blur(machine, changed, tensors_too=cut_short)


def _forget_counters(machine: Machine, body: tuple[ir.Statement, ...]) -> None:
    """Forget the numbers that the rounds of a loop of unknown length count up: whichever round is run, it is any of them."""
    for target in _counters(body):
        if isinstance(machine.evaluate(target), Constant):
            machine.assign(target, Unknown(COUNTED))


@lru_cache(MOST_LOOPS)
def _counters(body: tuple[ir.Statement, ...]) -> tuple[ir.Expression, ...]:
    """What the rounds of a loop add a number to, and do not begin anew."""
    nodes = list(ir.walk(body))
    begun = {_place(target) for node in nodes if isinstance(node, ir.Assign) for target in node.targets}
    return tuple(
        node.target
        for node in nodes
        if isinstance(node, ir.AugmentedAssign)
        and node.operator in ("+", "-")
        and _place(node.target) not in {"", *begun}
        and isinstance(node.value, ir.Literal)
        and isinstance(node.value.value, int)
    )


def _place(target: ir.Expression) -> str:
    """The variable, or the attribute of a variable, that a number is kept in; empty for anything else."""
    match target:
        case ir.Name(name=name):
            return name
        case ir.Attribute(owner=ir.Name(name=owner), name=name):
            return f"{owner}.{name}"
        case _:
            return ""


def _follow_two_rounds(machine: Machine, node: ir.For, iterable: Value) -> None:
    """Run a round of a loop of unknown length, and another as the last one where that is another."""
    _forget_counters(machine, node.body)
    loop, asked = Loop(machine.site(node), iterable), machine.counting.asked
    item = iteration.element(machine, iterable)
    before = machine.state.path
    for number in (0, 1):
        if number and machine.counting.asked == asked:
            break
        machine.assign(node.target, item)
        with machine.in_round(loop, number), machine.counting.round_of(item, last=bool(number)):
            _blur(machine, machine.state.noting(lambda: _round(machine, node.body)), any_round=True)
        machine.state.path = (*before, Guard(Condition("last round", machine.site(node)), True))
    machine.state.path = before


def _follow_rounds(machine: Machine, node: ir.For, items: list[Value], loop: Loop) -> str:
    """Run the rounds of a loop one by one; one that only repeats what it does is left early.

    Gives ``break`` or ``leave`` where a round certainly leaves the loop, or the function around it, and else nothing.
    """
    counting = not any(iteration.is_object(item) for item in items)
    leaves: frozenset[str] = frozenset()
    steps_before, most_steps = machine.steps_left, _most_steps(machine)

    def one_round() -> None:
        nonlocal leaves
        leaves = _round(machine, node.body)

    for number, item in enumerate(items):
        growth = machine.growth
        machine.assign(node.target, item)
        with machine.in_round(loop, number):
            replaced = machine.state.noting(one_round)
        if leaves == {"break"}:
            return "break"
        if leaves and leaves <= {"return", "raise"}:
            return "leave"
        if leaves and _leaves_at_once(node.body):
            return ""
        spent = steps_before - machine.steps_left
        if number == 0 or spent < STEPS_OF_A_CHEAP_LOOP:
            continue
        repeats = counting and (
            machine.growth == growth or (spent > STEPS_OF_A_COSTLY_LOOP and not _collects(replaced))
        )
        if repeats or spent > most_steps:
            machine.assign(node.target, items[-1])
            _blur(machine, replaced, machine.growth != growth or not counting)
            _leave_open(machine, replaced)
            return ""
    return ""


def _most_steps(machine: Machine) -> int:
    """How many steps the rounds of a loop may take, so that what comes behind it is followed too."""
    return min(MOST_STEPS_OF_A_LOOP, machine.steps_left * 3 // 4)


def _collects(replaced: dict[Cell, Value | None]) -> bool:
    """Whether a round put something beside what the rounds before it made, as a loop does that builds a model."""
    return any(
        _is_more(old, heap_object.slots.get(key))
        if key == "items"
        else old is None and not isinstance(heap_object, Scope)
        for (heap_object, key), old in replaced.items()
    )


def _is_more(before: Value | None, now: Value | None) -> bool:
    """Whether a list got anything else than what a round measures, single numbers that nothing is built from."""
    match before, now:
        case TupleValue(old), TupleValue(items) if len(items) > len(old):
            return not all(isinstance(one, Unknown) or _is_single_number(one) for one in items[len(old) :])
        case _:
            return True


def _is_single_number(value: Value) -> bool:
    return isinstance(value, Tensor) and value.shape.rank == 0


def _blur(
    machine: Machine, replaced: dict[Cell, Value | None], tensors_too: bool = False, any_round: bool = False
) -> None:
    """What a round changed, further rounds that are not followed change further: nobody knows to what."""
    for (heap_object, key), old in replaced.items():
        new = heap_object.slots.get(key)
        if new is not None and new is not old:
            last = new if isinstance(new, Tensor) else None
            for option in machine.state.alternatives(old) if old is not None else ():
                if isinstance(option.value, Tensor):
                    machine.emit(CarriedOver, machine.site(0), first=option.value, any_round=any_round, last=last)
        match heap_object, new:
            case _ if old is not None and new is not None and same(old, new):
                continue
            case ((ListValue() | Container() | Model()), _):
                heap_object.approximate = True
                _note_grown(heap_object, old, new)
            case DictValue(), _ if old is None:
                heap_object.complete = False
            case _, Constant() if old is not None:
                machine.state.write(heap_object, key, Unknown(COUNTED))
            case _, Tensor() | Choice() if old is not None and tensors_too:
                tensors = [
                    option.value for option in machine.state.alternatives(new) if isinstance(option.value, Tensor)
                ]
                machine.parts.spend(*tensors)
                if tensors:
                    machine.state.write(heap_object, key, Unknown("computed in a loop"))


def _note_grown(collection: ListValue | Container | Model, old: Value | None, new: Value | None) -> None:
    """A round put members behind those that were there: these stand where they did."""
    match collection, old, new:
        case ListValue() | Container(), TupleValue(before), TupleValue(now) if collection.grown is None:
            if len(now) > len(before) and all(map(same, before, now)):
                collection.grown = range(len(before), len(now))


def _leave_open(machine: Machine, replaced: dict[Cell, Value | None]) -> None:
    """Behind what was put into a list or a container stands something unknown: what further rounds would have put there."""
    for heap_object, key in replaced:
        if isinstance(heap_object, ListValue | Container) and key == "items":
            longer = machine.state.distribute([heap_object.slots[key]], _with_more)
            machine.state.write(heap_object, key, longer)


def _with_more(items: Value) -> Value:
    return (
        TupleValue((*items.items, Unknown("rounds that were not followed"))) if isinstance(items, TupleValue) else items
    )


def _leaves_at_once(body: tuple[ir.Statement, ...]) -> bool:
    return any(isinstance(statement, ir.Leave) and statement.kind == "break" for statement in body)


def _round(machine: Machine, body: tuple[ir.Statement, ...]) -> frozenset[str]:
    """One round of a loop: what was known on a path that left it does not hold behind it.

    Gives the ways in which its paths leave it (``break``, ``continue``, ``return``, ``raise``) where every path does.
    """
    before, outer, machine.frame.leaves = machine.state.path, machine.frame.leaves, set()
    finished = machine.execute(body)
    leaves = frozenset() if finished else frozenset(machine.frame.leaves)
    machine.state.path, machine.frame.leaves = before, outer | (leaves & {"return", "raise"})
    return leaves


def run_while(machine: Machine, node: ir.While) -> bool:
    """``while test: …``; False when the end is not reached."""
    counted = counting_loops.as_for(machine, node)
    if counted is not None:
        goes_on = _go_through(machine, counted.loop, counted.numbers)
        machine.assign(counted.loop.target, counted.end)
        return goes_on
    machine.evaluate(node.test)
    _forget_counters(machine, node.body)
    with machine.frame.repeatedly(), machine.in_round(Loop(machine.site(node))):
        _blur(machine, machine.state.noting(lambda: _round(machine, node.body)))
    return machine.execute(node.otherwise)
