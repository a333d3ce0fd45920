"""Attributes: reading and writing what stands behind a dot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlint.flow.machine.parts import BY_HAND, Replaced
from headlint.flow.python import annotated, items, loss_classes, names, placeholders
from headlint.flow.values.conditions import Choice, Option
from headlint.flow.values.facts import Event
from headlint.flow.values.library_values import (
    Backbone,
    Container,
    Dataset,
    FieldBatch,
    Layer,
    Loss,
    Model,
    Parser,
    Part,
)
from headlint.flow.values.python_values import (
    BATCH,
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
    SuperValue,
    TupleValue,
    Unknown,
    Value,
)
from headlint.flow.values.tensor_values import Tensor
from headlint.flow.values.training_values import OneParameter, Optimizer, Parameters, Scaler, Scheduler
from headlint.frameworks import registry, torch
from headlint.frameworks.names import canonical

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

DICT_METHODS = frozenset({"items", "keys", "values", "get", "update", "pop", "setdefault", "copy", "popitem", "clear"})


def read(machine: Machine, owner: Value, name: str, at: int) -> Value:
    """``owner.name``."""
    if name == "grad" and isinstance(owner, Tensor | Unknown | OneParameter):
        machine.note_event(Event.READ, machine.site(at), owner)
    match owner:
        case Instance():
            return _of_instance(machine, owner, name)
        case Unknown():
            return machine.read(machine.extras, (owner, name)) or owner.child(name)
        case FrameworkName(path):
            return _of_library_name(machine, path, name)
        case Choice():
            return machine.state.distribute([owner], lambda one: read(machine, one, name, at))
        case OneParameter() | Parameters():
            return machine.globals.child((owner, name))
        case ModuleValue(unit):
            return owner if name == "__dict__" else names.member(machine, unit, name)
        case PackagePath():
            return names.below(machine, owner, name)
        case ClassValue():
            return _of_class(machine, owner, name)
        case SuperValue():
            return _behind(machine, owner, name)
        case Tensor():
            return machine.tensors.attribute(machine, owner, name, machine.site(at))
        case Container() | Backbone() if name == "module":
            return owner  # what ``nn.DataParallel`` gives is the module itself here
        case Backbone() | Part():
            return _of_ready_made(machine, owner, name)
        case DictValue() if name not in DICT_METHODS:
            return machine.branches.opened(machine.read(owner, name) or owner.rest.child(name))
        case Container() if name in owner.names:
            return items.named_member(machine, owner, name)
        case Container() if name == "items":
            return FrameworkMethod(owner, name)
        case FieldBatch():
            return machine.read(owner, name) or machine.globals.child((owner, name), BATCH)
        case Dataset():
            return _of_dataset(machine, owner, name)
        case Layer(kind=kind) if name == "__class__":
            return FrameworkName(kind.name)
        case Loss() if name == "__class__":
            return loss_classes.class_of(owner)
        case Optimizer() if name == "param_groups":
            return machine.globals.child((owner, name))
        case Layer() | Container() | Model() | Loss() | Parser() | Optimizer() | Scheduler() | Scaler():
            return machine.read(owner, name) or machine.library_attribute(owner, name)
        case Constant() if name == "value":
            return owner  # a member of an enumeration
        case ListValue() | TupleValue() | Constant() | DictValue():
            return FrameworkMethod(owner, name)
        case BoundMethod() | FunctionValue() if name == "__call__":
            return owner
        case FunctionValue() if name == "__name__":
            return Constant(owner.name)
        case _:
            return Unknown()


def _of_library_name(machine: Machine, path: str, name: str) -> Value:
    if name == "__name__":
        short = registry.LAYERS[path].short_name if path in registry.LAYERS else loss_classes.name_of(path)
        if short is not None:
            return Constant(short)
    extra = machine.read(machine.extras, (path, name))
    return extra if extra is not None else FrameworkName(canonical(f"{path}.{name}"))


def _of_instance(machine: Machine, instance: Instance, name: str) -> Value:
    value = machine.read(instance, name)
    if value is None or isinstance(value, Unknown):
        value = _declared(machine, instance, name) or value
    if value is not None:
        return placeholders.as_read(instance, name, value)
    found = find_in_class(machine, instance.cls, name)
    if name == "training" and not (found is not None and isinstance(found[0], FunctionValue)):
        return TRAINING if _is_read_in_a_module(machine) else machine.globals.child((instance, name))
    if name == "__class__":
        return instance.cls
    if found is not None:
        return placeholders.as_read(instance, name, _bound(machine, instance, *found))
    getter = find_in_class(machine, instance.cls, "__getattr__")
    if instance.cls.framework_base() and getter is None:
        return _library_attribute_of_instance(machine, instance, name)
    return machine.globals.child((instance, name))


def _is_read_in_a_module(machine: Machine) -> bool:
    """Whether the code that asks for a mode is that of a module, whose paths it tells apart.

    Elsewhere it asks what was done to the model before.
    """
    receiver = machine.frame.receiver
    return isinstance(receiver, Instance) and bool(receiver.cls.framework_base())


def _declared(machine: Machine, instance: Instance, name: str) -> Value | None:
    """What the class body says of an attribute that it gives no value."""
    for ancestor in instance.cls.ancestors():
        if isinstance(ancestor, ClassValue) and name in ancestor.declared:
            return annotated.meant(machine, ancestor.declared[name], ancestor.scope)
    return None


def _library_attribute_of_instance(machine: Machine, instance: Instance, name: str) -> Value:
    inner = machine.read(instance, items.CONTAINER_SLOT)
    if inner is not None:
        return read(machine, inner, name, 0)
    if name in BY_HAND and not machine.frames.sets_up(instance):
        machine.parts.by_hand.add(instance)
    if name == "module" and instance.cls.framework_base() in torch.MODULE_BASES:
        return instance
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


def _note_replaced(machine: Machine, owner: Instance, name: str, new: Value, by: Site) -> None:
    if not isinstance(new, Layer | Container | Instance | Choice):
        return
    before = machine.read(owner, name)
    machine.parts.put_in_place(new, before)
    if isinstance(before, Layer | Container | Instance) and not isinstance(new, Choice):
        machine.parts.replaced.append(Replaced(owner, name, before, owner.sites[name], by))


def write(machine: Machine, owner: Value, name: str, value: Value, site: Site | None = None) -> None:
    """``owner.name = value``."""
    match value:
        case Unknown(key=(Layer() as source, "weight")):
            machine.state.write(source, "weight", value)  # shared from now on
    match owner:
        case Choice(options):
            items.for_each(machine, options, lambda one: write(machine, one, name, value, site))
        case Instance():
            setter = _setter(machine, owner, name)
            if isinstance(value, Layer) and _says_what_is_tied(machine, owner):
                machine.state.write(value, "weight", Unknown("tied weights"))
            if setter is not None:
                machine.call_with(setter, value)
            else:
                if site is not None and name in owner.sites:
                    _note_replaced(machine, owner, name, value, site)
                machine.state.write(owner, name, value)
                if site is not None:
                    owner.sites[name] = site
                    if isinstance(value, ListValue | DictValue):
                        machine.parts.assigned[value] = site
        case ModuleValue(unit):
            machine.state.write(unit.scope, name, value)
        case FrameworkName(path):
            machine.state.write(machine.extras, (path, name), value)
        case Unknown() if _is_model_or_loss(value) and not owner.is_given_by_a_loop:
            machine.state.write(machine.extras, (owner, name), value)
        case Unknown():
            machine.state.erase(machine.extras, (owner, name))
        case Backbone():
            machine.state.write(owner, (name,), value)
        case Part(backbone, steps):
            machine.state.write(backbone, (*steps, name), value)
        case Dataset() if name in ("targets", "labels", "train_labels", "samples", "imgs"):
            owner.item = Unknown("an item whose labels were changed")
            machine.state.write(owner, name, value)
        case FieldBatch():
            machine.state.write(owner, name, Unknown("a field that is changed"))  # one batch stands for all
        case Container() if name in owner.names:
            items.replace_member(machine, owner, owner.names.index(name), value)
        case Model(kind="sequential") if name in ("outputs", "layers"):
            machine.state.write(owner, "items", Unknown("layers that were put together by hand"))
        case HeapObject() if not isinstance(owner, ListValue):
            machine.state.write(owner, name, value)
        case _:
            pass


def _is_model_or_loss(value: Value) -> bool:
    """Whether a value stays what it is wherever it is kept; numbers are settings, which others may give as well."""
    match value:
        case Choice(options):
            return all(_is_model_or_loss(option.value) for option in options)
        case Instance():
            return bool(value.cls.framework_base())
        case _:
            return isinstance(value, Layer | Container | Model | Backbone | Loss)


def _says_what_is_tied(machine: Machine, instance: Instance) -> bool:
    """Whether a class says, in the way of the transformers library, which of its weights are shared, or that none are."""
    return find_in_class(machine, instance.cls, "_tied_weights_keys") is not None


def _setter(machine: Machine, instance: Instance, name: str) -> Value | None:
    """The function behind ``@name.setter``, which takes the place of the property in the class."""
    found = find_in_class(machine, instance.cls, name)
    if found is not None and isinstance(found[0], FunctionValue) and found[0].kind == "setter":
        return BoundMethod(instance, found[0], found[1])
    return None
