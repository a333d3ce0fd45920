"""Methods of lists, dicts, tuples and texts."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from headlint.flow.machine.state import join
from headlint.flow.python import iteration, registrations, texts
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.conditions import Condition, Guard, Test
from headlint.flow.values.facts import Event
from headlint.flow.values.python_values import CLASS_NUMBER, Constant, DictValue, ListValue, TupleValue, Unknown, Value
from headlint.flow.values.tensor_values import Tensor

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine


def call(machine: Machine, receiver: Value, name: str, arguments: Arguments, at: int) -> Value:
    """Call a method of a collection or a constant."""
    match receiver:
        case ListValue():
            return _of_list(machine, receiver, name, arguments, at)
        case DictValue():
            return _of_dict(machine, receiver, name, arguments)
        case Constant(str()) if name in ("startswith", "endswith"):
            return _is_so(receiver, name, arguments)
        case Constant(str() as text) if name in ("split", "rsplit"):
            return _split(receiver, text, name, arguments)
        case Constant(str() as text):
            return _of_text(text, name, arguments)
        case _:
            return Unknown()


def extend(machine: Machine, target: ListValue, more: list[Value]) -> None:
    """Put values at the end of a list."""
    options = iteration.alternatives_of_items(machine, target) or iteration.rows_in_part(machine, target)
    if machine.frames.repeats(target):
        target.approximate = True
    longer = (
        (one.guards, TupleValue((*one.value.items, *more))) for one in options if isinstance(one.value, TupleValue)
    )
    machine.state.write(target, "items", join(longer))


def _note_kept(machine: Machine, target: ListValue, value: Value, at: int) -> None:
    """A list that was there before the round of a loop gets a value of it."""
    if machine.rounds and target.born < machine.rounds[-1].began:
        for option in machine.state.alternatives(value):
            if isinstance(option.value, Tensor | Unknown):
                note = partial(machine.note_event, Event.KEPT, machine.site(at), option.value)
                machine.on_path(option.guards, note)


def _of_list(machine: Machine, target: ListValue, name: str, arguments: Arguments, at: int) -> Value:
    items = iteration.slot_items(machine, target)
    first = arguments.positional[0] if arguments.positional else None
    match name:
        case "append" | "add" if first is not None:
            _note_kept(machine, target, first, at)
            extend(machine, target, [first])
            return Constant(None)
        case "extend" | "update" if first is not None:
            _note_kept(machine, target, first, at)
            more = iteration.known_items(machine, first)
            if more is None:
                target.approximate = True
                more = [iteration.element(machine, first)]
                begin = target.grown.start if target.grown is not None else len(items or ())
                target.grown = range(begin, len(items or ()) + 1)
            extend(machine, target, more)
            return Constant(None)
        case "insert" if len(arguments.positional) == 2 and items is not None:
            match first:
                case Constant(int() as position):
                    place = max(0, min(len(items), position if position >= 0 else len(items) + position))
                    machine.state.write(
                        target, "items", TupleValue((*items[:place], arguments.positional[1], *items[place:]))
                    )
                case _:
                    target.approximate = True
                    extend(machine, target, [arguments.positional[1]])
            return Constant(None)
        case "pop" if items:
            picked = iteration.pick(items, first) if first is not None else items[-1]
            if first is None:
                machine.state.write(target, "items", TupleValue(items[:-1]))
            else:
                target.approximate = True
            return picked if isinstance(picked, Value) else Unknown()
        case "copy" if items is not None:
            return ListValue(items, target.approximate)
        case "reverse" if items is not None:
            machine.state.write(target, "items", TupleValue(items[::-1]))
            return Constant(None)
        case "clear":
            machine.state.write(target, "items", TupleValue(()))
            return Constant(None)
        case "remove" | "sort":
            target.approximate = True
            return Constant(None)
        case "index":
            return Unknown(CLASS_NUMBER)
        case _:
            return Unknown()


def _of_dict(machine: Machine, target: DictValue, name: str, arguments: Arguments) -> Value:
    registrations.complete(machine, target)
    entries = iteration.entries(machine, target)
    first = arguments.positional[0] if arguments.positional else None
    match name:
        case "get" | "pop" | "setdefault" if first is not None:
            default = arguments.positional[1] if len(arguments.positional) > 1 else Constant(None)
            match first:
                case Constant(key):
                    if machine.read(target, key) is not None:
                        return machine.item(target, first, 0)
                    return default if target.complete else target.rest.child(key)
                case Unknown() if target.complete and target.slots and name == "get":
                    absent = Guard(Condition("in", first, tuple(target.slots)), False)
                    found = machine.item(target, first, 0)
                    present = Guard(absent.condition, True)
                    return join([((present,), found), ((absent,), default)])
                case _:
                    return machine.item(target, first, 0)
        case "items":
            pairs = [TupleValue((Constant(key), value)) for key, value in entries]
            pairs += [TupleValue((Unknown(), value)) for value in target.others]
            return ListValue(tuple(pairs), not target.complete)
        case "keys":
            return ListValue(tuple(Constant(key) for key, _ in entries), not target.complete)
        case "values":
            return ListValue((*(value for _, value in entries), *target.others), not target.complete)
        case "copy":
            return DictValue(dict(entries), target.complete)
        case "update":
            given = machine.state.narrow(first) if first is not None else None
            if isinstance(given, DictValue):
                for key, value in iteration.entries(machine, given):
                    machine.state.write(target, key, value)
                target.others += given.others
            if given is not None and not (isinstance(given, DictValue) and given.complete):
                target.complete = False
            for key, value in arguments.named.items():
                machine.state.write(target, key, value)
            return Constant(None)
        case _:
            return Unknown()


def _is_so(text: Constant, asked: str, arguments: Arguments) -> Value:
    """``text.startswith("beginning")``; of an option both answers are possible, and the default's is expected."""
    match text, arguments.positional:
        case Constant(str() as known, symbol=symbol), (Constant(str() as part),):
            held = known.startswith(part) if asked == "startswith" else known.endswith(part)
            return Constant(held) if symbol is None else Test(Condition(asked, symbol, part), True, held)
        case _:
            return Unknown()


def _split(whole: Constant, text: str, name: str, arguments: Arguments) -> Value:
    """``"package.module.Name".rsplit(".", 1)``."""
    given = [value.value for value in arguments.positional if isinstance(value, Constant)]
    if len(given) < len(arguments.positional) or arguments.named:
        return Unknown()
    match given:
        case [] | [str()] | [str(), int()] if "" not in given:
            parts = getattr(text, name)(*given)
            return ListValue(tuple(Constant(part, whole.assumptions) for part in parts))
        case _:
            return Unknown()


def _of_text(text: str, name: str, arguments: Arguments) -> Value:
    match name:
        case "lower":
            return Constant(text.lower())
        case "upper":
            return Constant(text.upper())
        case "strip":
            return Constant(text.strip())
        case "format":
            return texts.formatted(text, arguments)
        case _:
            return Unknown()
