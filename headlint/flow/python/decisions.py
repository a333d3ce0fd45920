"""Comparisons, and what is known of the truth of a value."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from headlint.flow.python import iteration, objects, registrations, texts
from headlint.flow.values.conditions import Condition, Guard, Test, compared
from headlint.flow.values.library_values import Container
from headlint.flow.values.python_values import TRAINING, Constant, DictValue, ListValue, TupleValue, Unknown, Value
from headlint.flow.values.tensor_values import Tensor
from headlint.syntax import ir

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

Outcomes = list[tuple[tuple[Guard, ...], bool]]


_NEGATED = {"!=": "==", "is not": "is", "not in": "in"}


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "is": lambda one, two: one is two,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda one, two: one in two,
}


_MIRRORED = {"==": "==", "is": "is", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def compare(machine: Machine, symbol: str, left: Value, right: Value, at: int) -> Value:
    """``left symbol right`` for two single values."""
    positive = _NEGATED.get(symbol, symbol)
    outcome = positive == symbol
    if (
        isinstance(left, Tensor | Unknown)
        and isinstance(right, Tensor | Unknown | Constant)
        and positive not in ("is", "in")
    ):
        if isinstance(left, Tensor) or isinstance(right, Tensor):
            return machine.tensors.compare(machine, symbol, left, right, machine.site(at))
    if positive in ("is", "==") and (known := _is_none_test(machine, left, right)) is not None:
        return Constant(known is outcome)
    if (known := machine.counting.compare(positive, left, right)) is not None:
        return Constant(known is outcome)
    if positive in ("is", "==") and (known := objects.same(machine, left, right)) is not None:
        return Constant(known is outcome)
    if positive == "in":
        return _membership(machine, left, right, outcome)
    match left, right:
        case Constant(), Constant():
            try:
                held = bool(_COMPARISONS[positive](left.value, right.value))
            except TypeError:
                return Unknown()
            if left.symbol is None and right.symbol is None:
                return Constant(held is outcome)
            if left.symbol is not None and right.symbol is None:
                return Test(Condition(positive, left.symbol, right.value), outcome, held)
            if right.symbol is not None and left.symbol is None:
                return Test(Condition(_MIRRORED[positive], right.symbol, left.value), outcome, held)
            return Test(Condition("pair " + positive, (left.symbol, right.symbol)), outcome, held)
        case TupleValue(), TupleValue() if positive == "==":
            one, other = _constants(left), _constants(right)
            return Unknown() if one is None or other is None else Constant((one == other) is outcome)
        case (Unknown() as value, Constant(str() as text)) | (Constant(str() as text), Unknown() as value) if (
            positive == "==" and texts.is_another(value, text)
        ):
            return Constant(not outcome)
        case Unknown(), Constant():
            return Test(compared(positive, left, right.value), outcome)
        case Constant(), Unknown() if positive in _MIRRORED:
            return Test(compared(_MIRRORED[positive], right, left.value), outcome)
        case Unknown(), Unknown():
            return Test(Condition("pair " + positive, (left, right)), outcome)
        case _ if positive == "is" and left is right:
            return Constant(outcome)
        case _:
            return Unknown()


def _constants(value: TupleValue) -> tuple[object, ...] | None:
    """The items of a tuple, where all are known."""
    items = tuple(item.value for item in value.items if isinstance(item, Constant) and item.symbol is None)
    return items if len(items) == len(value.items) else None


def _is_none_test(machine: Machine, left: Value, right: Value) -> bool | None:
    """Whether a comparison with None holds, where it is known."""
    if isinstance(left, Constant) and left.value is None:
        left, right = right, left
    if not (isinstance(right, Constant) and right.value is None) or isinstance(left, Test | Constant):
        return None
    if isinstance(left, Unknown) and left not in machine.given and not left.is_converted and not _is_size_of_data(left):
        return None
    return False


def _is_size_of_data(value: Unknown) -> bool:
    """Whether a value is the length of an axis of an array; only those of symbolic tensors may be None."""
    match value:
        case Unknown(key=("item", int()), parent=Unknown(key=("shape", Tensor(labels=labels) as array))):
            return labels is not None and not array.symbolic
        case _:
            return False


def _membership(machine: Machine, left: Value, right: Value, outcome: bool) -> Value:
    if isinstance(right, DictValue):
        registrations.complete(machine, right)
    match right:
        case DictValue() if right.complete:
            members: list[Value] | None = [Constant(key) for key in right.slots if isinstance(key, str | int)]
        case Constant(str() as text) if isinstance(left, Constant) and isinstance(left.value, str) and not left.symbol:
            return Constant((left.value in text) is outcome)
        case TupleValue() | ListValue():
            members = iteration.known_items(machine, right)
        case Unknown() if isinstance(left, Constant):
            return Test(Condition("contains", right, left.value), outcome)
        case _:
            return Unknown()
    if members is None:
        return Unknown()
    known = [objects.same(machine, left, machine.state.narrow(member)) for member in members]
    if True in known or (members and None not in known):
        return Constant((True in known) is outcome)
    if not all(isinstance(member, Constant) for member in members):
        return Unknown()
    options = tuple(member.value for member in members if isinstance(member, Constant))
    match left:
        case Constant() if left.symbol is None:
            return Constant((left.value in options) is outcome)
        case Constant() if left.symbol is not None:
            return Test(Condition("in", left.symbol, options), outcome, left.value in options)
        case Unknown():
            return Test(Condition("in", left, options), outcome)
        case _:
            return Unknown()


def decide(machine: Machine, expression: ir.Expression) -> Outcomes:
    """The outcomes of a test, each with the conditions under which it has it; contradictions are left out."""
    match expression:
        case ir.Unary(operator="not"):
            return [(guards, not outcome) for guards, outcome in decide(machine, expression.operand)]
        case ir.Boolean():
            return _decide_boolean(machine, expression)
        case _:
            return decide_value(machine, machine.evaluate(expression))


def _decide_boolean(machine: Machine, node: ir.Boolean) -> Outcomes:
    outcomes: Outcomes = []
    stops_at = node.operator == "or"
    for guards, outcome in decide(machine, node.left):
        if outcome is stops_at:
            outcomes.append((guards, outcome))
            continue
        before = machine.state.path
        machine.state.path = (*before, *guards)
        outcomes += [((*guards, *more), result) for more, result in decide(machine, node.right)]
        machine.state.path = before
    return outcomes[:16]


def decide_value(machine: Machine, value: Value) -> Outcomes:
    """The truth of a value."""
    outcomes: Outcomes = []
    for option in machine.state.alternatives(value):
        for guards, outcome in truth(machine, option.value):
            both = (*option.guards, *guards)
            if machine.state.allows(both):
                outcomes.append((both, outcome))
    return outcomes


def truth(machine: Machine, value: Value) -> Outcomes:
    """The truth of a single value."""
    match value:
        case Constant(symbol=None):
            machine.frame.mode_tests += value is TRAINING
            return [((), bool(value.value))]
        case Constant():
            return _either(Condition("truth", value.symbol), True, bool(value.value))
        case Test():
            return _either(value.condition, value.outcome, value.expected)
        case Unknown() | Tensor():
            return _either(Condition("truth", value), True, None)
        case TupleValue():
            return [((), bool(value.items))]
        case ListValue() | Container():
            items = iteration.known_items(machine, value)
            return _either(Condition("truth", value), True, None) if items is None else [((), bool(items))]
        case DictValue():
            if value.complete:
                return [((), bool(value.slots))]
            return _either(Condition("truth", value), True, None)
        case _:
            return [((), True)]


def _either(condition: Condition, outcome: bool, expected: bool | None) -> Outcomes:
    """Both ways; the one that the defaults give comes first."""
    ways: Outcomes = [((Guard(condition, held, expected),), held is outcome) for held in (True, False)]
    return ways if expected is not False else ways[::-1]
