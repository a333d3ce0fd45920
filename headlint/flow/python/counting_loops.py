"""``while`` loops that count, as the ``for`` loops over a range that they might as well be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from headlint.flow.python import builtin_calls
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.python_values import COUNTED, Constant, Unknown, Value
from headlint.syntax import ir

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine


class Counted(Struct, frozen=True):
    """A loop over numbers, and the number behind its end."""

    loop: ir.For
    numbers: Value
    end: Value


def as_for(machine: Machine, node: ir.While) -> Counted | None:
    """``while number < stop: …; number += step``, where nothing else changes the number and no round leaves that out."""
    match node.test:
        case ir.Compare(left=ir.Name() as number, operators=("<" | "<=" as symbol,), comparators=(limit,)):
            step = _step(node.body[-1], number.name) if node.body else None
            start = machine.state.narrow(machine.evaluate(number))
        case _:
            return None
    body = node.body[:-1]
    if step is None or not isinstance(start, Constant) or not isinstance(start.value, int) or start.symbol is not None:
        return None
    names = {number.name, *ir.names_in(limit)}
    if any(_changes(body, name) for name in names):
        return None
    stop = _behind(machine.state.narrow(machine.evaluate(limit)), symbol)
    if stop is None:
        return None
    steps = () if step == 1 else (Constant(step),)
    numbers = builtin_calls.range_of(Arguments((start, stop, *steps)))
    loop = ir.For(node.at, number, limit, body, node.otherwise)
    return Counted(loop, numbers, Unknown() if _may_break(body) else _end(start, stop, step))


def _step(last: ir.Statement, name: str) -> int | None:
    """By how much the last statement of a round counts on."""
    match last:
        case ir.AugmentedAssign(target=ir.Name(name=target), operator="+", value=ir.Literal(value=int() as step)):
            counts = target == name
        case ir.Assign(
            targets=(ir.Name(name=target),),
            value=ir.Binary(operator="+", left=ir.Name(name=left), right=ir.Literal(value=int() as step)),
        ):
            counts = target == left == name
        case _:
            return None
    return step if counts and step > 0 else None


def _changes(body: tuple[ir.Statement, ...], name: str) -> bool:
    """Whether statements bind a name, or leave a round before its end."""
    for part in ir.walk(body):
        match part:
            case ir.Leave(kind="continue"):
                return True
            case ir.Assign(targets=targets) if any(_binds(target, name) for target in targets):
                return True
            case ir.AugmentedAssign(target=target) | ir.For(target=target) if _binds(target, name):
                return True
            case ir.Outer(names=names) if name in names:
                return True
            case _:
                pass
    return False


def _may_break(body: tuple[ir.Statement, ...]) -> bool:
    return any(isinstance(part, ir.Leave) and part.kind == "break" for part in ir.walk(body))


def _binds(target: ir.Expression, name: str) -> bool:
    match target:
        case ir.Name(name=bound):
            return bound == name
        case ir.Display(items=targets):
            return any(_binds(one, name) for one in targets)
        case ir.Starred(value=inner):
            return _binds(inner, name)
        case _:
            return False


def _behind(limit: Value, symbol: str) -> Value | None:
    """The first number for which the test does not hold."""
    match limit:
        case Constant(int() as number, symbol=None):
            return Constant(number if symbol == "<" else number + 1)
        case Unknown():
            return limit if symbol == "<" else limit.child(("+", ("int", 1)))
        case _:
            return None


def _end(start: Constant, stop: Value, step: int) -> Value:
    match start, stop:
        case Constant(int() as first), Constant(int() as behind):
            return Constant(max(first, first + -(-(behind - first) // step) * step))
        case _:
            return Unknown(COUNTED)
