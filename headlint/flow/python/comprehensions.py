"""Comprehensions: each item in turn where these are known, one of them where they are not."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

from headlint.flow.python import carried, iteration
from headlint.flow.values.library_values import MODULES, Dataset
from headlint.flow.values.python_values import (
    Constant,
    DictValue,
    ListValue,
    Scope,
    TupleValue,
    Unknown,
    Value,
)
from headlint.syntax import ir

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

MOST_NUMBERS = 256
"""Rounds that are followed one by one where each only computes a number."""


def comprehension(machine: Machine, node: ir.Comprehension) -> Value:
    """The list, set or dict that a comprehension makes."""
    scope = Scope(machine.unit, "comprehension", machine.frame.scope)
    outer = machine.frame.scope
    results: list[tuple[Value, Value]] = []
    machine.frame.scope = scope
    machine.comprehending += 1
    rounds_before, machine.rounds_of_comprehension = machine.rounds_of_comprehension, machine.rounds
    try:
        exact = _run_clauses(machine, node, 0, results)
    finally:
        machine.comprehending -= 1
        machine.rounds_of_comprehension = rounds_before
        machine.frame.scope = outer
    if node.kind == "dict":
        entries: dict[Hashable, Value] = {key.value: value for key, value in results if isinstance(key, Constant)}
        result = DictValue(entries, exact and len(entries) == len(results))
        result.others += [value for key, value in results if not isinstance(key, Constant)]
        return result
    return ListValue(tuple(element for element, _ in results), not exact)


def _run_clauses(machine: Machine, node: ir.Comprehension, index: int, results: list[tuple[Value, Value]]) -> bool:
    """Run the clauses from ``index`` on; False when the number of elements is not known."""
    if index == len(node.clauses):
        element = machine.evaluate(node.element)
        results.append((element, machine.evaluate(node.value) if node.value else element))
        return True
    clause = node.clauses[index]
    iterable = machine.evaluate(clause.iterable)
    items = iteration.known_items(machine, iterable)
    longest = (
        MOST_NUMBERS if index == len(node.clauses) - 1 and _is_arithmetic(node.element) else iteration.LONGEST_LOOP
    )
    if items is None:
        items = _numbers_of_range(machine, iterable, longest)
    if items is not None and len(items) > longest:
        items = None
    if items is None:
        before = len(results)
        _run_any_round(machine, node, index, results, iteration.element(machine, iterable))
        if _goes_through_modules(machine, iterable):
            results[before:] = [(_of_any_shape(element), _of_any_shape(value)) for element, value in results[before:]]
        return False
    exact, cost = True, 0
    for number, item in enumerate(items):
        if number > 1 and cost * (len(items) - number) > machine.steps_left // 2:
            return False  # the rest is like these, and would leave nothing for what comes behind
        left = machine.steps_left
        machine.assign(clause.target, item)
        verdicts = [outcome for condition in clause.conditions for _, outcome in machine.decide(condition)]
        if clause.conditions and not any(verdicts):
            continue
        exact = exact and all(verdicts)
        exact = _run_clauses(machine, node, index + 1, results) and exact
        cost = left - machine.steps_left
    return exact


def _goes_through_modules(machine: Machine, iterable: Value) -> bool:
    """Whether several modules stand beside something unknown: the shape that one of them gives is not that of all."""
    match machine.state.narrow(iterable):
        case Dataset(name="zip", slots={"of": TupleValue(columns)}):
            known = [iteration.known_items(machine, column) or [] for column in columns]
            return any(len(column) > 1 and all(isinstance(one, MODULES) for one in column) for column in known)
        case _:
            return False


def _of_any_shape(value: Value) -> Value:
    return carried.alike((Unknown(), value))


def _run_any_round(
    machine: Machine, node: ir.Comprehension, index: int, results: list[tuple[Value, Value]], item: Value
) -> None:
    """Make the element of a round, whichever, and that of the last one where a counter tells the two apart."""
    asked = machine.counting.asked
    for last in (False, True):
        if last and machine.counting.asked == asked:
            return
        with machine.counting.round_of(item, last):
            machine.assign(node.clauses[index].target, item)
            conditions = node.clauses[index].conditions
            verdicts = [outcome for condition in conditions for _, outcome in machine.decide(condition)]
            if any(verdicts) or not conditions:
                _run_clauses(machine, node, index + 1, results)


def _numbers_of_range(machine: Machine, iterable: Value, most: int) -> list[Value] | None:
    """The numbers of a range that is too long for a loop."""
    match machine.state.narrow(iterable):
        case Dataset(name="range", slots={"bounds": TupleValue(bounds)}):
            numbers = range(*[bound.value for bound in bounds if isinstance(bound, Constant)])  # type: ignore[arg-type]
            return [Constant(number) for number in numbers] if len(numbers) <= most else None
        case _:
            return None


def _is_arithmetic(expression: ir.Expression) -> bool:
    """Whether an expression only computes numbers of names and literals."""
    match expression:
        case ir.Name() | ir.Literal():
            return True
        case ir.Unary(operand=operand):
            return _is_arithmetic(operand)
        case ir.Binary(left=left, right=right):
            return _is_arithmetic(left) and _is_arithmetic(right)
        case ir.Display(items=items):
            return all(map(_is_arithmetic, items))
        case ir.Call(function=ir.Name(name="float" | "int"), arguments=arguments):
            return all(_is_arithmetic(argument.value) for argument in arguments)
        case _:
            return False
