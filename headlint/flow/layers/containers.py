"""PyTorch's containers of layers: ``Sequential``, ``ModuleList`` and ``ModuleDict``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from headlint.flow.machine.parts import BY_HAND
from headlint.flow.machine.state import join
from headlint.flow.python import carried, iteration
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.conditions import Choice, Guard, Option
from headlint.flow.values.library_values import Container
from headlint.flow.values.python_values import Constant, DictValue, ListValue, TupleValue, Unknown, Value
from headlint.flow.values.tensor_values import Tensor

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

Row = tuple[tuple[Guard, ...], tuple[Value, ...]]
"""The members that a container has on one path, behind the conditions of that path."""


def build(machine: Machine, kind: str, arguments: Arguments, at: int) -> Value:
    """A container from its constructor's arguments: one for each of the lists that it may be given."""
    match arguments.positional:
        case (Choice(options) as several,) if all(isinstance(one.value, ListValue | DictValue) for one in options):
            return machine.state.distribute(
                [several], lambda one: _build(machine, kind, replace(arguments, positional=(one,)), at)
            )
        case _:
            return _build(machine, kind, arguments, at)


def _build(machine: Machine, kind: str, arguments: Arguments, at: int) -> Container:
    names, members = [""] * len(arguments.positional), list(arguments.positional)
    approximate = not arguments.complete
    first = machine.state.narrow(members[0]) if len(members) == 1 else None
    if isinstance(first, DictValue):
        pairs = iteration.entries(machine, first) if first.complete else []
        names, members = [str(name) for name, _ in pairs], [value for _, value in pairs]
        approximate = approximate or not first.complete
    elif isinstance(first, ListValue | Container | TupleValue) and (
        kind != "sequential" or isinstance(first, ListValue)
    ):
        items = iteration.known_items(machine, first)
        if items is None and isinstance(first, ListValue | Container):
            items, approximate = list(iteration.slot_items(machine, first) or ()), True
        members = items or []
        names = [""] * len(members)
        pairs_given = [item.items for item in members if isinstance(item, TupleValue) and len(item.items) == 2]
        if members and len(pairs_given) == len(members):
            names = [str(key.value) if isinstance(key, Constant) else "" for key, _ in pairs_given]
            members = [value for _, value in pairs_given]
    elif first is not None and isinstance(first, Unknown) and kind != "sequential":
        members, names, approximate = [], [], True
    container = Container(kind, tuple(members), tuple(names), machine.site(at))
    container.approximate = approximate
    container.grown = first.grown if isinstance(first, ListValue | Container) else None
    _fill(machine, container, arguments, first)
    machine.note_made(container, at)
    if kind == "sequential":
        machine.sequences.append(container)
    return container


def _fill(machine: Machine, container: Container, arguments: Arguments, first: Value | None) -> None:
    """Put in what a list holds whose items depend on the branch taken, or whose number is not known."""
    alone = first is not None and (container.kind != "sequential" or isinstance(first, ListValue))
    source = machine.state.narrow(arguments.rest) if arguments.rest is not None else first if alone else None
    options = iteration.alternatives_of_items(machine, source) if source is not None else ()
    if not options or not isinstance(source, ListValue | Container) or container.kind == "dict":
        return
    if arguments.rest is None and len(options) == 1:
        return
    before = arguments.positional[: arguments.rest_at] if arguments.rest is not None else ()
    after = arguments.positional[arguments.rest_at :] if arguments.rest is not None else ()
    filled = [
        (one.guards, TupleValue((*before, *one.value.items, *after)))
        for one in options
        if isinstance(one.value, TupleValue)
    ]
    container.names = ("",) * max(len(items.items) for _, items in filled)
    container.approximate = source.approximate
    grown = source.grown
    container.grown = range(grown.start + len(before), grown.stop + len(before)) if grown is not None else None
    machine.state.write(container, "items", join(filled))


def apply(machine: Machine, container: Container, value: Value, at: int) -> Value:
    """Run a value through a ``Sequential``."""
    if container.kind != "sequential":
        return Unknown()
    machine.applied.add(container)
    options = iteration.alternatives_of_items(machine, container)
    if not options:
        return Unknown()

    def run(members: Value) -> Value:
        items = members.items if isinstance(members, TupleValue) else ()
        if container.approximate and not items:
            return Tensor()
        if container.approximate:
            return run_rounds(machine, items, value, at, container.grown)
        return run_through(machine, items, value, at)

    return machine.state.distribute([join((one.guards, one.value) for one in options)], run)


def run_rounds(
    machine: Machine, members: tuple[Value, ...], value: Value, at: int, grown: range | None = None
) -> Value:
    """Apply members some of which may be there any number of times: known is what one more of them leaves as it is."""
    places = grown or range(len(members))
    repeated = members[places.start : places.stop]
    once = run_through(machine, repeated, run_through(machine, members[: places.start], value, at), at)
    with machine.silent():
        again = run_through(machine, repeated, once, at)
    return run_through(machine, members[places.stop :], carried.alike((again, once)), at)


def run_through(machine: Machine, members: tuple[Value, ...], value: Value, at: int) -> Value:
    """Apply one thing after the other."""
    for member in members:
        before, machine.in_container = machine.in_container, True
        value = machine.call(member, Arguments((value,)), at)
        machine.in_container = before
    return value


def add_member(machine: Machine, container: Container, name: str, value: Value) -> None:
    """``add_module``, ``append`` or ``container[name] = …``, whichever members there are on the path before."""
    options = iteration.alternatives_of_items(machine, container)
    machine.growth += 1
    if not options:
        options, container.names = iteration.rows_in_part(machine, container), ("",)
    if machine.frames.repeats(container):
        container.approximate = True
    place = container.names.index(name) if name and name in container.names else None
    if place is None:
        container.names = (*container.names, name)
    longer = ((guards, _with_member(members, place, value)) for guards, members in _rows(options))
    _write_rows(machine, container, longer)


def _rows(options: tuple[Option, ...]) -> list[Row]:
    return [(one.guards, one.value.items) for one in options if isinstance(one.value, TupleValue)]


def _write_rows(machine: Machine, container: Container, rows: Iterable[Row]) -> None:
    machine.state.write(container, "items", join((guards, TupleValue(members)) for guards, members in rows))


def _with_member(members: tuple[Value, ...], place: int | None, value: Value) -> tuple[Value, ...]:
    if place is None or place >= len(members):
        return (*members, value)
    return (*members[:place], value, *members[place + 1 :])


def _added(machine: Machine, container: Container, given: Value) -> list[Value]:
    """What ``extend`` adds; of something whose length is not known what its items are like."""
    known = iteration.known_items(machine, given)
    if known is not None:
        return known
    container.approximate = True
    return iteration.representatives(machine, given) or [iteration.element(machine, given)]


def _insert(machine: Machine, container: Container, place: Value | None, value: Value) -> None:
    match place:
        case Constant(int() as index):
            rows = _rows(iteration.alternatives_of_items(machine, container))
            container.names = (*container.names[:index], "", *container.names[index:])
            longer = ((guards, (*members[:index], value, *members[index:])) for guards, members in rows)
            _write_rows(machine, container, longer)
        case _:
            container.approximate = True
            add_member(machine, container, "", value)


def _pop(machine: Machine, container: Container) -> Value:
    """``container.pop()``, of each row of members that there may be."""
    rows = _rows(iteration.alternatives_of_items(machine, container))
    last = join((guards, members[-1]) for guards, members in rows if members)
    _write_rows(machine, container, ((guards, members[:-1]) for guards, members in rows))
    return last


def call_method(machine: Machine, container: Container, name: str, arguments: Arguments, at: int) -> Value:
    """A method of a container."""
    if name in ("children", "named_children", "modules", "items", "values"):
        machine.applied.add(container)
    if name in BY_HAND:
        machine.parts.by_hand.add(container)
    match name:
        case "append" | "add_module" | "register_module":
            label = arguments.positional[0] if len(arguments.positional) == 2 else arguments.get("name")
            value = arguments.positional[-1] if arguments.positional else arguments.get("module")
            if value is not None:
                add_member(machine, container, str(label.value) if isinstance(label, Constant) else "", value)
            return container
        case "extend":
            for value in _added(machine, container, arguments.first("modules") or Unknown()):
                add_member(machine, container, "", value)
            return container
        case "insert":
            bound = arguments.bind(("index", "module"))
            _insert(machine, container, bound.get("index"), bound.get("module") or Unknown())
            return container
        case "forward":
            return machine.call(container, arguments, at)
        case "children" | "modules" | "values":
            several = ListValue((), container.approximate)
            machine.state.write(several, "items", machine.read(container, "items") or TupleValue(()))
            return several
        case "named_children" | "items":
            members = iteration.slot_items(machine, container) or ()
            names = dict(enumerate(container.names))
            pairs = (TupleValue((Constant(names.get(i) or str(i)), member)) for i, member in enumerate(members))
            return ListValue(tuple(pairs), container.approximate)
        case "keys":
            return ListValue(tuple(Constant(key) for key in container.names), container.approximate)
        case "pop":
            return _pop(machine, container)
        case "parameters" | "state_dict" | "named_parameters":
            return Unknown()
        case _:
            return container
