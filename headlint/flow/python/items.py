"""Items: reading and writing what stands in brackets."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

from headlint.flow.machine.branches import is_option
from headlint.flow.machine.state import join
from headlint.flow.python import computed_names, iteration, registrations, table_items
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.conditions import Choice, Condition, Guard, Option, compared
from headlint.flow.values.library_values import Backbone, Container, Dataset, Layer, Part, Rows, Table
from headlint.flow.values.python_values import (
    ClassValue,
    Constant,
    DictValue,
    FrameworkName,
    FunctionValue,
    Instance,
    ListValue,
    ModuleValue,
    Site,
    SliceValue,
    TupleValue,
    Unknown,
    Value,
)
from headlint.flow.values.tensor_values import Tensor
from headlint.flow.values.training_values import Optimizer

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine


CONTAINER_SLOT = "container of the instance"
"""Where an instance of a subclass of ``nn.Sequential`` or ``nn.ModuleList`` keeps what it holds."""


def for_each(machine: Machine, options: tuple[Option, ...], change: Callable[[Value], None]) -> None:
    """Change each of several things, any of which may be the one, on the path on which it is that."""

    def branch(value: Value) -> Callable[[], bool]:
        def run() -> bool:
            change(value)
            return True

        return run

    machine.state.branch([(option.guards, branch(option.value)) for option in options])


def item(machine: Machine, owner: Value, index: Value, at: int) -> Value:
    """``owner[index]`` for two single values."""
    match owner:
        case TupleValue(items):
            return _picked(machine, items, index, TupleValue)
        case ListValue():
            items_now = iteration.slot_items(machine, owner)
            if isinstance(index, SliceValue) and (owner.approximate or items_now is None):
                return _some_of_list(machine, owner, index)
            if items_now is None or (owner.approximate and not _stands(owner, index, len(items_now))):
                return iteration.element(machine, owner)
            picked = _picked(machine, items_now, index, ListValue)
            machine.growth += iteration.is_object(picked) or isinstance(picked, Tensor)
            return picked
        case Container():
            machine.growth += 1
            return _of_container(machine, owner, index, machine.site(at))
        case DictValue():
            return _entry(machine, owner, index)
        case Tensor():
            return machine.tensors.item(machine, owner, index, machine.site(at))
        case Unknown(is_stacked=True) if isinstance(index, TupleValue):
            return machine.tensors.item(machine, machine.tensor_of(owner), index, machine.site(at))
        case Unknown():
            if index == Constant("params"):
                _note_opened(owner)
            written = machine.read(machine.extras, (owner, index.value)) if isinstance(index, Constant) else None
            return written if written is not None else owner.child(("item", _index_key(index)))
        case Backbone():
            return Part(owner, (_index_key(index),))
        case Part(backbone, steps):
            written = machine.read(backbone, (*steps, _index_key(index)))
            return written if written is not None else Part(backbone, (*steps, _index_key(index)))
        case Table():
            return table_items.read(machine, owner, index)
        case Rows(part=Rows() as part):
            return part
        case Rows() if isinstance(index, Constant) and isinstance(index.value, str):
            return machine.read(owner, index.value) or Unknown()
        case Dataset():
            return owner.item
        case Instance():
            return _of_indexed_instance(machine, owner, index, at)
        case ModuleValue():  # as its ``__dict__``
            arguments = Arguments((owner, index))
            return machine.call(FrameworkName("builtins.getattr"), arguments, at)
        case FrameworkName(path) if path.endswith(".__dict__"):
            module = FrameworkName(path.removesuffix(".__dict__"))
            return machine.call(FrameworkName("builtins.getattr"), Arguments((module, index)), at)
        case FrameworkName() | ClassValue():
            return owner
        case _:
            return Unknown()


def _note_opened(group: Unknown) -> None:
    """``group["params"]`` of one of an optimizer's groups: what the program puts there is not followed."""
    for part in group.outwards():
        match part.key:
            case (Optimizer() as optimizer, "param_groups"):
                optimizer.opened = True


def _some_of_list(machine: Machine, several: ListValue, index: SliceValue) -> ListValue:
    """A slice of a list that a loop filled; where it is not known what that leaves out, each kind of item may be in it."""
    bounds, items = iteration.slice_bounds(index), iteration.slot_items(machine, several)
    if bounds is None or items is None or several.grown is None:
        return ListValue(tuple(iteration.representatives(machine, several) or ()), approximate=True)
    some = ListValue(items[bounds], approximate=True)
    some.grown = _grown_in(several.grown, bounds, len(items))
    return some


def _grown_in(grown: range | None, bounds: slice, length: int) -> range | None:
    """Where in a slice those members stand that a loop put there."""
    first, behind, step = bounds.indices(length)
    if grown is None or step != 1:
        return None
    return range(max(grown.start - first, 0), max(min(grown.stop, behind) - first, 0))


def _stands(several: ListValue, index: Value, length: int) -> bool:
    """Whether an item of a list that a loop filled stands in front of what further rounds may have put there, or behind."""
    match index:
        case Constant(int() as number) if several.grown is not None:
            return 0 <= number < several.grown.stop or several.grown.stop <= length + number < length
        case _:
            return False


def _index_key(index: Value) -> object:
    return index.value if isinstance(index, Constant) else index


def _picked(
    machine: Machine, items: tuple[Value, ...], index: Value, kind: Callable[[tuple[Value, ...]], Value]
) -> Value:
    match iteration.pick(items, index):
        case None:
            return _at(machine, items, index) if isinstance(index, Unknown) else Unknown()
        case tuple() as several:
            return kind(several)
        case value:
            return value


def _at(machine: Machine, items: tuple[Value, ...], number: Unknown) -> Value:
    """The item with a number that is not known: what the program finds out about the number, it says of the item too.

    Nothing is known where a loop counts the number: what the items before it left is not known either.
    """
    distinct = {value.site if isinstance(value, Layer | Container) else value for value in items}
    if len(distinct) < len(items) or not all(isinstance(value, Layer | Container) for value in items):
        return any_of(items)
    if number.is_range_number and not machine.comprehending:
        return Unknown()
    if not all(isinstance(value, Layer) for value in items):
        return any_of(items)
    return join(((Guard(compared("==", number, place), True),), value) for place, value in enumerate(items))


def any_of(items: tuple[Value, ...]) -> Value:
    """One of the items, nobody knows which; layers built by the same line count once."""
    representatives: dict[object, Value] = {}
    for value in items:
        representatives.setdefault(value.site if isinstance(value, Layer | Container) else value, value)
    return join(((), value) for value in representatives.values()) if representatives else Unknown()


def _of_container(machine: Machine, container: Container, index: Value, site: Site) -> Value:
    members = iteration.slot_items(machine, container)
    machine.applied.add(container)
    if members is None:
        return Unknown()
    match index:
        case Constant(str() as name) if name in container.names:
            return named_member(machine, container, name)
        case Constant(str()):
            return Unknown()
    if container.kind == "dict" and isinstance(index, Unknown) and index.is_computed:
        return Unknown()  # a name that is put together is that of one member, not of any
    if container.approximate and not isinstance(index, Constant | SliceValue):
        one = any_of(members)
        counted = isinstance(index, Unknown) and index.is_range_number and not machine.comprehending
        return Unknown() if counted and isinstance(one, Choice) else one
    picked = _picked(machine, members, index, lambda some: Container(container.kind, some, ("",) * len(some), site))
    match picked, index:
        case Container() as some, SliceValue() if container.approximate and (bounds := iteration.slice_bounds(index)):
            some.approximate, some.grown = True, _grown_in(container.grown, bounds, len(members))
    return picked


def named_member(machine: Machine, container: Container, name: str) -> Value:
    """A member by its name; names that another branch gave have none here."""
    machine.applied.add(container)  # whoever takes its members one by one applies them in his own way
    members, position = iteration.slot_items(machine, container) or (), container.names.index(name)
    return members[position] if position < len(members) else Unknown()


def _entry(machine: Machine, mapping: DictValue, index: Value) -> Value:
    registrations.complete(machine, mapping)
    match index:
        case Constant(value, symbol=Unknown() as option) if is_option(option):
            return _entry_of_option(machine, mapping, option, value)
        case Constant(value):
            return machine.branches.opened(machine.read(mapping, value) or mapping.rest.child(value))
        case Unknown() if mapping.complete and mapping.slots:
            others = [
                ((Guard(Condition("==", index, key), True),), value)
                for key, value in iteration.entries(machine, mapping)
                if not _is_being_made(machine, value)
            ]
            return join(others) if others else mapping.rest.child(index)
        case Tensor(symbolic=False) if mapping.complete and mapping.slots:
            return any_of(tuple(value for _, value in iteration.entries(machine, mapping)))
        case Unknown() if not mapping.slots and (alike := iteration.alike(mapping.others)) is not None:
            return mapping.rest.child(index) if _is_being_made(machine, alike) else alike
        case _:
            return mapping.rest.child(index)


def _is_being_made(machine: Machine, value: Value) -> bool:
    """Whether a class is the one whose constructor asks a table for a part: a model is none of its own parts."""
    return isinstance(value, ClassValue) and any(
        isinstance(frame.receiver, Instance)
        and frame.receiver.cls is value
        and getattr(frame.definition, "name", "") == "__init__"
        for frame in machine.frames
    )


def _entry_of_option(machine: Machine, mapping: DictValue, option: Unknown, default: Hashable) -> Value:
    """What an option of the command line picks: any of the models of a table, and otherwise what its default does."""
    if _chooses_a_model(machine, mapping, default):
        return _chosen_by_option(machine, mapping, option, default)
    if default not in mapping.slots and mapping.complete and mapping.slots:
        return _chosen_by_option(machine, mapping, option, default)  # who comes here gives another than the default
    value = machine.read(mapping, default) or mapping.rest.child(default)
    if not (isinstance(value, Constant) and isinstance(value.value, str)):
        machine.branches.settled.add(option)
    return machine.branches.opened(value)


def _chooses_a_model(machine: Machine, mapping: DictValue, default: Hashable) -> bool:
    """Whether all that a mapping holds are classes and functions of the program, of which an option picks one."""
    entries = mapping.slots.values() if mapping.complete and default in mapping.slots else ()
    ways = [option.value for entry in entries for option in machine.state.alternatives(entry)]
    return len(entries) > 1 and all(isinstance(value, ClassValue | FunctionValue) for value in ways)


def _chosen_by_option(machine: Machine, mapping: DictValue, option: Unknown, default: Hashable) -> Value:
    """What an option of the command line picks: what its default does comes first, and is expected."""
    entries = sorted(iteration.entries(machine, mapping), key=lambda entry: entry[0] != default)
    return join(((Guard(Condition("==", option, key), True, key == default),), value) for key, value in entries)


def _of_indexed_instance(machine: Machine, instance: Instance, index: Value, at: int) -> Value:
    inner = machine.read(instance, CONTAINER_SLOT)
    if inner is not None:
        return item(machine, inner, index, at)
    getter = machine.method(instance, "__getitem__")
    return machine.call_with(getter, index) if getter is not None else machine.globals.child((instance, index))


def write_item(machine: Machine, owner: Value, index: Value, value: Value, site: Site) -> None:
    """``owner[index] = value``."""
    match owner, index:
        case Choice(options), _:
            for_each(machine, options, lambda one: write_item(machine, one, index, value, site))
        case DictValue(), Constant(key):
            machine.state.write(owner, key, value)
        case DictValue(), Tensor(symbolic=True):
            machine.state.write(owner, index, value)
            owner.complete = False
        case Table(), _:
            table_items.write(machine, owner, index, value)
        case DictValue(), _:
            owner.complete = False
            owner.others.append(value)
        case ((ListValue() | Container()), Constant(int() as number)):
            replace_member(machine, owner, number, value)
        case ListValue(), _:
            owner.approximate = True
            machine.extend(owner, [value])
        case Backbone(), _:
            machine.state.write(owner, (_index_key(index),), value)
        case Part(backbone, steps), _:
            machine.state.write(backbone, (*steps, _index_key(index)), value)
        case Container(), Constant(str() as name):
            machine.add_member(owner, name, value)
        case Container(), _:
            machine.parts.register(value)
        case _ if (instance := computed_names.holder_of(owner)) is not None:
            computed_names.set_attribute(machine, instance, index, value, site.at)
        case Unknown(), Constant(str() as name) if isinstance(value, Tensor):
            machine.state.write(machine.extras, (owner, name), value)  # a batch gets an answer beside what it holds
        case Unknown(), Constant(str() as name):
            machine.state.erase(machine.extras, (owner, name))
        case Instance(), _:
            inner = machine.read(owner, CONTAINER_SLOT)
            setter = machine.method(owner, "__setitem__")
            if inner is not None:
                write_item(machine, inner, index, value, site)
            elif setter is not None:
                machine.call_with(setter, index, value)
        case _:
            pass


def replace_member(machine: Machine, owner: ListValue | Container, number: int, value: Value) -> None:
    """Put another member in the place of one."""
    members = iteration.slot_items(machine, owner)
    if members is not None and -len(members) <= number < len(members):
        number %= len(members)
        machine.parts.put_in_place(value, members[number])
        stands_for_others = isinstance(owner, ListValue) and owner.approximate and number == len(members) - 1
        kept = members[number if stands_for_others else number + 1 :]
        machine.state.write(owner, "items", TupleValue((*members[:number], value, *kept)))


def delete_item(machine: Machine, owner: Value, index: Value) -> None:
    """``del owner[index]``."""
    match owner, index:
        case DictValue(), Constant(key):
            machine.state.erase(owner, key)
        case ((ListValue() | Container()), Constant(int() as number)):
            members = iteration.slot_items(machine, owner)
            if members is not None and -len(members) <= number < len(members):
                number %= len(members)
                machine.state.write(owner, "items", TupleValue((*members[:number], *members[number + 1 :])))
                if isinstance(owner, Container):
                    owner.names = (*owner.names[:number], *owner.names[number + 1 :])
        case _:
            pass
