"""Attributes and items: reading and writing what stands behind a dot or in brackets."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from headlint.flow.machine.parts import BY_HAND
from headlint.flow.machine.state import join
from headlint.flow.python import annotated, iteration, loss_classes, names, placeholders, table_items
from headlint.flow.values.conditions import Choice, Condition, Guard, Option, compared
from headlint.flow.values.facts import Event
from headlint.flow.values.library_values import Backbone, Container, Dataset, Layer, Loss, Model, Parser, Part, Table
from headlint.flow.values.python_values import (
    TRAINING,
    BoundMethod,
    ClassValue,
    Constant,
    DictValue,
    FrameworkMethod,
    FrameworkName,
    FunctionValue,
    HeapObject,
    Instance,
    ListValue,
    ModuleValue,
    PackagePath,
    Site,
    SliceValue,
    SuperValue,
    TupleValue,
    Unknown,
    Value,
)
from headlint.flow.values.tensor_values import Tensor
from headlint.flow.values.training_values import OneParameter, Optimizer, Parameters, Scaler, Scheduler
from headlint.frameworks.names import canonical

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

DICT_METHODS = frozenset({"items", "keys", "values", "get", "update", "pop", "setdefault", "copy", "popitem", "clear"})
CONTAINER_SLOT = "container of the instance"
"""Where an instance of a subclass of ``nn.Sequential`` or ``nn.ModuleList`` keeps what it holds."""


def read(machine: Machine, owner: Value, name: str, at: int) -> Value:
    """``owner.name``."""
    if name == "grad" and isinstance(owner, Tensor | Unknown | OneParameter):
        machine.note_event(Event.READ, machine.site(at), owner)
    match owner:
        case Choice():
            return machine.state.distribute([owner], lambda one: read(machine, one, name, at))
        case OneParameter() | Parameters():
            return machine.globals.child((owner, name))
        case FrameworkName(path) if name == "__name__" and (short := loss_classes.name_of(path)) is not None:
            return Constant(short)
        case FrameworkName(path):
            extra = machine.read(machine.extras, (path, name))
            return extra if extra is not None else FrameworkName(canonical(f"{path}.{name}"))
        case Instance():
            return _of_instance(machine, owner, name)
        case Unknown():
            return owner.child(name)
        case ModuleValue(unit):
            return names.member(machine, unit, name)
        case PackagePath():
            return names.below(machine, owner, name)
        case ClassValue():
            return _of_class(machine, owner, name)
        case SuperValue():
            return _behind(machine, owner, name)
        case Tensor():
            return machine.tensors.attribute(machine, owner, name, machine.site(at))
        case Backbone() | Part():
            return _of_ready_made(machine, owner, name)
        case DictValue() if name not in DICT_METHODS:
            return machine.branches.opened(machine.read(owner, name) or owner.rest.child(name))
        case Container() if name in owner.names:
            return _named_member(machine, owner, name)
        case Dataset():
            return _of_dataset(machine, owner, name)
        case Loss() if name == "__class__":
            return loss_classes.class_of(owner)
        case Layer() | Container() | Model() | Loss() | Parser() | Optimizer() | Scheduler() | Scaler():
            return machine.read(owner, name) or machine.library_attribute(owner, name)
        case ListValue() | TupleValue() | Constant() | DictValue():
            return FrameworkMethod(owner, name)
        case BoundMethod() | FunctionValue() if name == "__call__":
            return owner
        case _:
            return Unknown()


def _of_instance(machine: Machine, instance: Instance, name: str) -> Value:
    value = machine.read(instance, name)
    if value is None or isinstance(value, Unknown):
        value = _declared(machine, instance, name) or value
    if value is not None:
        return placeholders.as_read(instance, name, value)
    if name == "training":
        return TRAINING
    if name == "__class__":
        return instance.cls
    found = find_in_class(machine, instance.cls, name)
    if found is not None:
        return placeholders.as_read(instance, name, _bound(machine, instance, *found))
    getter = find_in_class(machine, instance.cls, "__getattr__")
    if instance.cls.framework_base() and getter is None:
        return _library_attribute_of_instance(machine, instance, name)
    return machine.globals.child((instance, name))


def _declared(machine: Machine, instance: Instance, name: str) -> Value | None:
    """What the class body says of an attribute that it gives no value."""
    for ancestor in instance.cls.ancestors():
        if isinstance(ancestor, ClassValue) and name in ancestor.declared:
            return annotated.meant(machine, ancestor.declared[name], ancestor.scope)
    return None


def _library_attribute_of_instance(machine: Machine, instance: Instance, name: str) -> Value:
    inner = machine.read(instance, CONTAINER_SLOT)
    if inner is not None:
        return read(machine, inner, name, 0)
    if name in BY_HAND:
        machine.parts.by_hand.add(instance)
    if machine.is_library_method(instance, name):
        return FrameworkMethod(instance, name)
    return machine.globals.child((instance, name))


def find_in_class(
    machine: Machine, cls: ClassValue, name: str, behind: ClassValue | None = None
) -> tuple[Value, ClassValue] | None:
    """A class attribute and the class that has it, looked up in the ancestors (those behind ``behind``, if given)."""
    ancestors = cls.ancestors()
    if behind is not None:
        position = next((index for index, ancestor in enumerate(ancestors) if ancestor is behind), -1)
        ancestors = ancestors[position + 1 :]
    for ancestor in ancestors:
        if isinstance(ancestor, ClassValue) and (value := machine.read(ancestor, name)) is not None:
            return value, ancestor
    return None


def _bound(machine: Machine, receiver: Value, value: Value, owner: ClassValue) -> Value:
    match value:
        case FunctionValue(kind="property"):
            return machine.call(BoundMethod(receiver, value, owner))
        case FunctionValue(kind="class"):
            return BoundMethod(receiver.cls if isinstance(receiver, Instance) else receiver, value, owner)
        case FunctionValue(kind="function", definition=_):
            return BoundMethod(receiver, value, owner)
        case Choice(options):
            return Choice(tuple(Option(o.guards, _bound(machine, receiver, o.value, owner)) for o in options))
        case _:
            return value


def _of_class(machine: Machine, cls: ClassValue, name: str) -> Value:
    if name == "__name__":
        return Constant(cls.name)
    found = find_in_class(machine, cls, name)
    if found is None:
        return FrameworkMethod(cls, name) if cls.framework_base() else machine.globals.child((cls, name))
    value, owner = found
    return BoundMethod(cls, value, owner) if isinstance(value, FunctionValue) and value.kind == "class" else value


def _behind(machine: Machine, upper: SuperValue, name: str) -> Value:
    receiver = upper.receiver
    cls = receiver.cls if isinstance(receiver, Instance) else receiver
    if not isinstance(cls, ClassValue):
        return Unknown()
    found = find_in_class(machine, cls, name, behind=upper.owner)
    if found is not None:
        return _bound(machine, receiver, *found)
    return FrameworkMethod(receiver, name)


def method(machine: Machine, instance: Instance, name: str) -> Value | None:
    """The bound method that the program itself gives a class, or None."""
    found = find_in_class(machine, instance.cls, name)
    if found is None:
        return None
    bound = _bound(machine, instance, *found)
    return bound if isinstance(bound, BoundMethod) else None


def _of_ready_made(machine: Machine, owner: Backbone | Part, name: str) -> Value:
    backbone, steps = (owner, ()) if isinstance(owner, Backbone) else (owner.backbone, owner.steps)
    written = machine.read(backbone, (*steps, name))
    if written is not None:
        return written
    if (not steps and machine.is_library_method(backbone, name)) or name in ("parameters", "named_parameters"):
        return FrameworkMethod(owner, name)
    return Part(backbone, (*steps, name))


def _of_dataset(machine: Machine, dataset: Dataset, name: str) -> Value:
    value = machine.read(dataset, name)
    if value is not None:
        return value
    return machine.library_attribute(dataset, name)


def write(machine: Machine, owner: Value, name: str, value: Value, site: Site | None = None) -> None:
    """``owner.name = value``."""
    match value:
        case Unknown(key=(Layer() as source, "weight")):
            machine.state.write(source, "weight", value)  # shared from now on
    match owner:
        case Choice(options):
            _for_each(machine, options, lambda one: write(machine, one, name, value, site))
        case Instance():
            setter = _setter(machine, owner, name)
            if isinstance(value, Layer) and _says_what_is_tied(machine, owner):
                machine.state.write(value, "weight", Unknown("tied weights"))
            if setter is not None:
                machine.call_with(setter, value)
            else:
                machine.state.write(owner, name, value)
                if site is not None:
                    owner.sites[name] = site
        case ModuleValue(unit):
            machine.state.write(unit.scope, name, value)
        case FrameworkName(path):
            machine.state.write(machine.extras, (path, name), value)
        case Backbone():
            machine.state.write(owner, (name,), value)
        case Part(backbone, steps):
            machine.state.write(backbone, (*steps, name), value)
        case Dataset() if name in ("targets", "labels", "train_labels", "samples", "imgs"):
            owner.item = Unknown("an item whose labels were changed")
            machine.state.write(owner, name, value)
        case Container() if name in owner.names:
            _replace_member(machine, owner, owner.names.index(name), value)
        case Model(kind="sequential") if name in ("outputs", "layers"):
            machine.state.write(owner, "items", Unknown("layers that were put together by hand"))
        case HeapObject() if not isinstance(owner, ListValue):
            machine.state.write(owner, name, value)
        case _:
            pass


def _says_what_is_tied(machine: Machine, instance: Instance) -> bool:
    """Whether a class says, in the way of the transformers library, which of its weights are shared, or that none are."""
    return find_in_class(machine, instance.cls, "_tied_weights_keys") is not None


def _setter(machine: Machine, instance: Instance, name: str) -> Value | None:
    """The function behind ``@name.setter``, which takes the place of the property in the class."""
    found = find_in_class(machine, instance.cls, name)
    if found is not None and isinstance(found[0], FunctionValue) and found[0].kind == "setter":
        return BoundMethod(instance, found[0], found[1])
    return None


def _for_each(machine: Machine, options: tuple[Option, ...], change: Callable[[Value], None]) -> None:
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
            return _picked(items, index, TupleValue)
        case ListValue():
            items_now = iteration.slot_items(machine, owner)
            if isinstance(index, SliceValue) and (owner.approximate or items_now is None):
                return ListValue(tuple(iteration.representatives(machine, owner) or ()), approximate=True)
            if items_now is None or owner.approximate:
                return iteration.element(machine, owner)
            picked = _picked(items_now, index, ListValue)
            machine.growth += iteration.is_object(picked) or isinstance(picked, Tensor)
            return picked
        case Container():
            machine.growth += 1
            return _of_container(machine, owner, index, machine.site(at))
        case DictValue():
            return _entry(machine, owner, index)
        case Tensor():
            return machine.tensors.item(machine, owner, index, machine.site(at))
        case Unknown():
            return owner.child(("item", _index_key(index)))
        case Backbone():
            return Part(owner, (_index_key(index),))
        case Part(backbone, steps):
            written = machine.read(backbone, (*steps, _index_key(index)))
            return written if written is not None else Part(backbone, (*steps, _index_key(index)))
        case Table():
            return table_items.read(machine, owner, index)
        case Dataset():
            return owner.item
        case Instance():
            return _of_indexed_instance(machine, owner, index, at)
        case FrameworkName() | ClassValue():
            return owner
        case _:
            return Unknown()


def _index_key(index: Value) -> object:
    return index.value if isinstance(index, Constant) else index


def _picked(items: tuple[Value, ...], index: Value, kind: Callable[[tuple[Value, ...]], Value]) -> Value:
    match iteration.pick(items, index):
        case None:
            return _at(items, index) if isinstance(index, Unknown) else Unknown()
        case tuple() as several:
            return kind(several)
        case value:
            return value


def _at(items: tuple[Value, ...], number: Unknown) -> Value:
    """The item with a number that is not known: what the program finds out about the number, it says of the item too."""
    distinct = {value.site if isinstance(value, Layer | Container) else value for value in items}
    if len(distinct) < len(items) or not all(isinstance(value, Layer) for value in items):
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
            return _named_member(machine, container, name)
        case Constant(str()):
            return Unknown()
    if container.approximate and not isinstance(index, Constant):
        return any_of(members)
    return _picked(members, index, lambda some: Container(container.kind, some, ("",) * len(some), site))


def _named_member(machine: Machine, container: Container, name: str) -> Value:
    """A member by its name; names that another branch gave have none here."""
    members, position = iteration.slot_items(machine, container) or (), container.names.index(name)
    return members[position] if position < len(members) else Unknown()


def _entry(machine: Machine, mapping: DictValue, index: Value) -> Value:
    match index:
        case Constant(value):
            return machine.branches.opened(machine.read(mapping, value) or mapping.rest.child(value))
        case Unknown() if mapping.complete and mapping.slots:
            return join(
                ((Guard(Condition("==", index, key), True),), value)
                for key, value in iteration.entries(machine, mapping)
            )
        case Unknown() if not mapping.slots and (alike := iteration.alike(mapping.others)) is not None:
            return alike
        case _:
            return mapping.rest.child(index)


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
            _for_each(machine, options, lambda one: write_item(machine, one, index, value, site))
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
            _replace_member(machine, owner, number, value)
        case ListValue(), _:
            owner.approximate = True
            machine.extend(owner, [value])
        case Backbone(), _:
            machine.state.write(owner, (_index_key(index),), value)
        case Part(backbone, steps), _:
            machine.state.write(backbone, (*steps, _index_key(index)), value)
        case Container(), Constant(str() as name):
            machine.add_member(owner, name, value)
        case Instance(), _:
            inner = machine.read(owner, CONTAINER_SLOT)
            setter = machine.method(owner, "__setitem__")
            if inner is not None:
                write_item(machine, inner, index, value, site)
            elif setter is not None:
                machine.call_with(setter, index, value)
        case _:
            pass


def _replace_member(machine: Machine, owner: ListValue | Container, number: int, value: Value) -> None:
    members = iteration.slot_items(machine, owner)
    if members is not None and -len(members) <= number < len(members):
        number %= len(members)
        machine.state.write(owner, "items", TupleValue((*members[:number], value, *members[number + 1 :])))


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
