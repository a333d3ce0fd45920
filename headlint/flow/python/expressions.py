"""What expressions mean."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from headlint.flow.machine.state import join
from headlint.flow.python import comprehensions, decisions, generators, iteration, names, texts
from headlint.flow.values import sizes
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.assumptions import Assumption
from headlint.flow.values.conditions import Guard
from headlint.flow.values.python_values import (
    TRAINING,
    Constant,
    DictValue,
    FunctionValue,
    ListValue,
    Site,
    SliceValue,
    TupleValue,
    Unknown,
    Value,
)
from headlint.flow.values.tensor_values import Tensor
from headlint.flow.values.training_values import Parameters
from headlint.syntax import ir

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine


DIVIDED = "divided"
"""The key of what a division by something unknown gives."""

LARGEST_NUMBER = 10**12
LONGEST_TEXT = 10_000

_PLAIN_FORMAT = re.compile(r"[^%]*%(0?\d)?[sdi][^%]*")
"""A text with one place for a number or another text, that does not make it much longer."""


def evaluate(machine: Machine, expression: ir.Expression) -> Value:
    """The value of an expression on the current path."""
    machine.step()
    return _MEANINGS[type(expression)](machine, expression)


def _opaque(machine: Machine, node: ir.Expression) -> Value:
    return Unknown()


def _literal(machine: Machine, node: ir.Literal) -> Value:
    return Constant(node.value)


def _name(machine: Machine, node: ir.Name) -> Value:
    return names.look_up(machine, node.name)


def _attribute(machine: Machine, node: ir.Attribute) -> Value:
    return machine.attribute(machine.evaluate(node.owner), node.name, node.at)


def _subscript(machine: Machine, node: ir.Subscript) -> Value:
    owner = machine.evaluate(node.owner)
    index = machine.evaluate(node.index)
    return machine.state.distribute([owner, index], lambda one, key: machine.item(one, key, node.at))


def _slice(machine: Machine, node: ir.Slice) -> Value:
    parts = [Constant(None) if part is None else machine.evaluate(part) for part in (node.lower, node.upper, node.step)]
    return SliceValue(*parts)


def evaluate_arguments(machine: Machine, arguments: tuple[ir.Argument, ...]) -> Arguments:
    """The arguments of a call, with stars unpacked where their contents are known."""
    positional: list[Value] = []
    named: dict[str, Value] = {}
    sites: dict[int | str, Site] = {}
    complete = True
    settings = False
    rest: Value | None = None
    rest_at = 0
    path = machine.unit.path
    for argument in arguments:
        value = machine.evaluate(argument.value)
        if argument.stars == 1:
            items = iteration.known_items(machine, value)
            if items is None:
                complete, rest, rest_at = False, value, len(positional)
                machine.parts.hand_on(value)
            positional.extend(items or ())
        elif argument.stars == 2:
            match machine.state.narrow(value):
                case DictValue() as entries:
                    named.update({str(key): entry for key, entry in iteration.entries(machine, entries)})
                    complete = complete and entries.complete
                case _:
                    complete, settings = False, True
        elif argument.name:
            named[argument.name] = value
            sites[argument.name] = Site(path, argument.value.at)
        else:
            sites[len(positional)] = Site(path, argument.value.at)
            positional.append(value)
    return Arguments(tuple(positional), named, sites, complete, rest, rest_at, settings)


def _call(machine: Machine, node: ir.Call) -> Value:
    function = machine.evaluate(node.function)
    if isinstance(node.function, ir.Name) and node.function.name == "super" and not node.arguments:
        return names.plain_super(machine)
    arguments = evaluate_arguments(machine, node.arguments)
    return machine.call(function, arguments, node.at)


def _binary(machine: Machine, node: ir.Binary) -> Value:
    left, right = machine.evaluate(node.left), machine.evaluate(node.right)
    return machine.state.distribute([left, right], lambda one, two: binary(machine, node.operator, one, two, node.at))


def binary(machine: Machine, symbol: str, left: Value, right: Value, at: int) -> Value:
    """``left symbol right`` for two single values."""
    match left, right:
        case Constant(), Constant() if TRAINING is left or TRAINING is right:
            return Unknown()  # nothing in the other mode
        case Constant(), Constant():
            return _constant_arithmetic(symbol, left, right)
        case (Tensor(), _) | (_, Tensor()):
            made = machine.tensors.calculate(machine, symbol, left, right, machine.site(at))
            machine.parts.spend(left, right, made=made)
            return made
        case TupleValue(first), TupleValue(second) if symbol == "+":
            return TupleValue((*first, *second))
        case ListValue(), _ if symbol in ("+", "*"):
            return iteration.combine_lists(machine, symbol, left, right)
        case Constant(), ListValue() if symbol == "*":
            return iteration.combine_lists(machine, symbol, right, left)
        case Unknown(), Unknown() if symbol == "*":
            return sizes.product(left, right)
        case Unknown(), Unknown() if symbol == "//" and sizes.is_one_number(left) and left is right:
            return Constant(1)
        case Unknown(), Unknown() if symbol in ("/", "//"):
            return sizes.quotient(left, right, symbol)
        case Unknown(), Unknown() if symbol == "%":
            return left.child((symbol, right))
        case Unknown(), Constant():
            return left.child((symbol, _key(right)))
        case Constant(), Unknown():
            return right.child((symbol, "reversed", _key(left)))
        case Unknown(), _ if symbol == "/":
            return Unknown(key=DIVIDED)
        case _:
            return Unknown()


def _key(constant: Constant) -> tuple[str, Any]:
    return (type(constant.value).__name__, constant.value)


_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
    "<<": operator.lshift,
    ">>": operator.rshift,
    "|": operator.or_,
    "&": operator.and_,
    "^": operator.xor,
}


def _constant_arithmetic(symbol: str, left: Constant, right: Constant) -> Value:
    if symbol not in _ARITHMETIC or _too_large(symbol, left.value, right.value):
        return Unknown()
    try:
        result = _ARITHMETIC[symbol](left.value, right.value)
    except (TypeError, ValueError, ArithmeticError):
        return Unknown()
    if isinstance(result, int | float) and abs(result) > LARGEST_NUMBER:
        return Unknown()
    stand_in = left.symbol or right.symbol
    if stand_in is not None:
        stand_in = stand_in.child((symbol, left.symbol is None, _key(left), _key(right)))
    return Constant(result, left.assumptions | right.assumptions, stand_in)


def _too_large(symbol: str, left: Any, right: Any) -> bool:
    if symbol == "*" and (isinstance(left, str | bytes) or isinstance(right, str | bytes)):
        return True
    if symbol in ("+", "%") and isinstance(left, str):
        return len(left) > LONGEST_TEXT or (symbol == "%" and not _PLAIN_FORMAT.fullmatch(left))
    if symbol not in ("**", "<<") or not isinstance(left, int | float) or not isinstance(right, int | float):
        return False
    return abs(right) > 64 or abs(left) > 10**6


def _unary(machine: Machine, node: ir.Unary) -> Value:
    if node.operator == "not":
        return join((guards, Constant(not outcome)) for guards, outcome in machine.decide(node.operand))
    operand = machine.evaluate(node.operand)
    return machine.state.distribute([operand], lambda value: _unary_of(machine, node, value))


def _unary_of(machine: Machine, node: ir.Unary, value: Value) -> Value:
    match value:
        case Constant(int() | float() as number) if node.operator == "-":
            return Constant(-number, value.assumptions, value.symbol.child("-") if value.symbol else None)
        case Tensor():
            return machine.tensors.negate(machine, value, machine.site(node))
        case Unknown():
            return value.child(("unary", node.operator))
        case _:
            return Unknown()


def _compare(machine: Machine, node: ir.Compare) -> Value:
    left = machine.evaluate(node.left)
    result: Value = Constant(True)
    for symbol, comparator in zip(node.operators, node.comparators, strict=True):
        right = machine.evaluate(comparator)
        one = machine.state.distribute(
            [left, right],
            lambda a, b, symbol=symbol: decisions.compare(machine, symbol, a, b, node.at),
        )
        result = one if len(node.operators) == 1 else _both(result, one)
        left = right
    return result


def _both(left: Value, right: Value) -> Value:
    match left, right:
        case Constant(False), _:
            return left
        case Constant(True), _:
            return right
        case _, Constant(False):
            return right
        case _:
            return Unknown()


def _boolean(machine: Machine, node: ir.Boolean) -> Value:
    results: list[tuple[tuple[Guard, ...], Value]] = []
    stops_at = node.operator == "or"
    left = machine.evaluate(node.left)
    for option in machine.state.alternatives(left):
        for guards, outcome in decisions.truth(machine, option.value):
            conditions = (*option.guards, *guards)
            if not machine.state.allows(conditions):
                continue
            if outcome is stops_at:
                results.append((conditions, option.value))
            else:
                results.append((conditions, machine.under(conditions, node.right)))
    return join(results)


def _conditional(machine: Machine, node: ir.Conditional) -> Value:
    frame, asked = machine.frame, machine.frame.mode_tests
    outcomes = machine.decide(node.test)
    by_mode = frame.mode_tests > asked
    for guards, outcome in outcomes:
        machine.follow(node, node.test, outcome, guards)
    with machine.frame.decided(by_mode):
        value = join(
            (guards, machine.under(guards, node.body if outcome else node.otherwise)) for guards, outcome in outcomes
        )
    if by_mode:
        frame.chosen_by_mode.append(value)
    return value


def _display(machine: Machine, node: ir.Display) -> Value:
    items: list[Value] = []
    approximate = False
    for item in node.items:
        if isinstance(item, ir.Starred):
            value = machine.evaluate(item.value)
            known = iteration.known_items(machine, value)
            approximate = approximate or known is None
            if isinstance(value, Parameters):
                known = [iteration.element(machine, value)]
            items.extend(known or ())
        else:
            items.append(machine.evaluate(item))
    if node.kind == "tuple":
        return Unknown() if approximate else TupleValue(tuple(items))
    sites = tuple(machine.site(item) for item in node.items) if len(items) == len(node.items) else ()
    return ListValue(tuple(items), approximate, sites)


def _starred(machine: Machine, node: ir.Starred) -> Value:
    machine.evaluate(node.value)
    return Unknown()


def _dict_display(machine: Machine, node: ir.DictDisplay) -> Value:
    result = DictValue()
    result.may_be_filled = not node.items
    for key, item in node.items:
        value = machine.evaluate(item)
        if key is None:
            match machine.state.narrow(value):
                case DictValue() as other:
                    result.slots.update(iteration.entries(machine, other))
                    result.complete = result.complete and other.complete
                case _:
                    result.complete = False
            continue
        match machine.evaluate(key):
            case Constant() as constant:
                result.slots[constant.value] = value
                result.sites[constant.value] = machine.site(item)
            case Tensor(symbolic=True) as placeholder:
                result.slots[placeholder] = value
                result.complete = False
            case _:
                result.complete = False
                result.others.append(value)
    return result


def _formatted(machine: Machine, node: ir.Formatted) -> Value:
    parts = [machine.evaluate(part) for part in node.parts]
    return machine.state.distribute(parts, _written_together) if parts and node.plain else Unknown()


def _written_together(*parts: Value) -> Value:
    """The text of an f-string whose parts are known."""
    written: list[str] = []
    assumptions: frozenset[Assumption] = frozenset()
    stand_in: Unknown | None = None
    for part in parts:
        if not isinstance(part, Constant) or isinstance(part.value, bytes | complex):
            return texts.partly_known(parts)
        written.append(str(part.value))
        assumptions |= part.assumptions
        stand_in = stand_in or part.symbol
    text = "".join(written)
    if len(text) > LONGEST_TEXT:
        return Unknown()
    return Constant(text, assumptions, stand_in.child(("text", text)) if stand_in is not None else None)


def _walrus(machine: Machine, node: ir.Walrus) -> Value:
    value = machine.evaluate(node.value)
    machine.assign(node.target, value)
    return value


def _yield(machine: Machine, node: ir.Yield) -> Value:
    if node.value is not None:
        generators.note(machine.frame, machine.evaluate(node.value))
    return Unknown()


def _lambda(machine: Machine, node: ir.Lambda) -> Value:
    defaults = tuple(
        (parameter.name, machine.evaluate(parameter.default)) for parameter in node.parameters if parameter.default
    )
    function = FunctionValue(node, machine.frame.scope, "lambda", defaults)
    machine.unit.functions.append(function)
    return function


_MEANINGS: dict[type, Callable[[Machine, Any], Value]] = {
    ir.Opaque: _opaque,
    ir.Literal: _literal,
    ir.Name: _name,
    ir.Attribute: _attribute,
    ir.Subscript: _subscript,
    ir.Slice: _slice,
    ir.Call: _call,
    ir.Binary: _binary,
    ir.Unary: _unary,
    ir.Compare: _compare,
    ir.Boolean: _boolean,
    ir.Conditional: _conditional,
    ir.Display: _display,
    ir.Starred: _starred,
    ir.DictDisplay: _dict_display,
    ir.Comprehension: comprehensions.comprehension,
    ir.Formatted: _formatted,
    ir.Walrus: _walrus,
    ir.Yield: _yield,
    ir.Lambda: _lambda,
}
