"""A ``forward`` or ``call`` that computes something, keeps it nowhere and gives nothing back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from headlint.flow.machine import importing
from headlint.flow.python import attributes
from headlint.flow.values.facts import NothingReturned
from headlint.flow.values.library_values import Backbone, Container, Layer, Model
from headlint.flow.values.python_values import (
    BoundMethod,
    ClassValue,
    FrameworkName,
    FunctionValue,
    Instance,
    Site,
    TupleValue,
    Unknown,
    Value,
)
from headlint.flow.values.tensor_values import Tensor, comes_from_layer
from headlint.frameworks import registry
from headlint.syntax import ir

if TYPE_CHECKING:
    from headlint.flow.machine.frames import Frame
    from headlint.flow.machine.machine import Machine

_MODULES = ("torch.nn.", "keras.", "pytorch_lightning.")
_TELLING = ("print", "assert")


def note(machine: Machine, frame: Frame) -> None:
    """Note a method of a module whose end was reached without anything having been given back."""
    definition, owner, receiver = frame.definition, frame.owner, frame.receiver
    if not isinstance(definition, ir.FunctionDefinition) or definition.name not in ("forward", "call"):
        return
    if owner is None or not isinstance(receiver, Instance) or not owner.framework_base().startswith(_MODULES):
        return
    if _is_replaced(machine, definition, owner, receiver) or definition.generator or definition.decorators:
        return
    computed = _named_in_vain(machine, frame, definition)
    if computed is None and not _gives_or_keeps(machine, definition):
        computed = _computed(machine, frame, definition)
    if computed is not None:
        site = Site(frame.unit.path, definition.at)
        machine.emit(NothingReturned, site, method=definition.name, owner=owner.name, computed=computed)


def _is_replaced(machine: Machine, definition: ir.FunctionDefinition, owner: ClassValue, receiver: Instance) -> bool:
    """Whether the class of the object, or another that inherits, has a method of its own in this one's place."""
    importing.define_all(machine, owner.unit)
    for cls in (receiver.cls, *owner.unit.classes):
        if owner in cls.ancestors():
            found = attributes.find_in_class(machine, cls, definition.name)
            if found is None or not isinstance(found[0], FunctionValue) or found[0].definition is not definition:
                return True
    return False


def _gives_or_keeps(machine: Machine, definition: ir.FunctionDefinition) -> bool:
    """Whether a method returns something on some path, or leaves what it computes where others may find it."""
    return any(_leaves(machine, node) for node in _own_nodes(definition))


def _own_nodes(definition: ir.FunctionDefinition) -> Iterator[ir.Expression | ir.Statement]:
    """What a function consists of, but for the functions that it defines."""
    nested = [node for node in ir.walk(definition.body) if isinstance(node, ir.FunctionDefinition | ir.Lambda)]
    elsewhere = {id(inner) for node in nested for inner in ir.walk(node.body)}
    return (node for node in ir.walk(definition.body) if id(node) not in elsewhere)


def _named_in_vain(machine: Machine, frame: Frame, definition: ir.FunctionDefinition) -> Tensor | None:
    """What a last line names or computes of local variables without calling anything: only ``return`` is missing there."""
    match definition.body:
        case (_, *_, ir.Evaluate(value=value)) if not isinstance(
            value, ir.Call | ir.Yield | ir.Boolean | ir.Conditional
        ):
            gives = any(
                (isinstance(node, ir.Return) and node.value is not None) or isinstance(node, ir.Yield)
                for node in _own_nodes(definition)
            )
            if gives or not any(name in frame.scope.slots for name in ir.names_in(value)):
                return None
            found = machine.state.narrow(machine.evaluate(value))
            if isinstance(found, TupleValue) and found.items:
                found = machine.state.narrow(found.items[0])
            return found if isinstance(found, Tensor) else machine.tensor_of(Unknown())
        case _:
            return None


def _leaves(machine: Machine, node: ir.Expression | ir.Statement) -> bool:
    match node:
        case ir.Return(value=value):
            return value is not None
        case ir.Leave(kind="raise") | ir.Outer() | ir.Yield() | ir.Delete():
            return True
        case ir.Assign(targets=targets):
            return any(_is_elsewhere(target) for target in targets)
        case ir.AugmentedAssign(target=target) | ir.For(target=target):
            return _is_elsewhere(target)
        case ir.Evaluate(value=ir.Call() as call):
            return not _only_computes(machine, call)
        case ir.Call(function=function):
            return isinstance(_named(machine, function), BoundMethod | FunctionValue) or _in_place(function)
        case _:
            return False


def _is_elsewhere(target: ir.Expression) -> bool:
    return any(isinstance(part, ir.Attribute | ir.Subscript) for part in ir.walk(target))


def _in_place(function: ir.Expression) -> bool:
    """Whether a method changes what it is called on (``x.add_(1)``)."""
    return isinstance(function, ir.Attribute) and function.name.endswith("_") and not function.name.startswith("_")


def _only_computes(machine: Machine, call: ir.Call) -> bool:
    """Whether a call on a line of its own has no other effect than its result."""
    match call.function:
        case ir.Name(name=name) if name in _TELLING:
            return True
        case function:
            return _is_computation(machine, _named(machine, function))


def _is_computation(machine: Machine, function: Value | None) -> bool:
    match function:
        case Layer() | Container() | Backbone() | Model():
            return True
        case FrameworkName(path):
            return path in registry.OPERATIONS
        case Instance() if function.cls.framework_base().startswith(_MODULES):
            return _only_gives(machine, function)
        case _:
            return False


def _only_gives(machine: Machine, module: Instance) -> bool:
    """Whether what a module of the program does with its input is to give something back."""
    match attributes.find_in_class(machine, module.cls, "forward"):
        case (FunctionValue(definition=ir.FunctionDefinition() as definition), _):
            nodes = list(_own_nodes(definition))
            return not definition.generator and not any(_changes_something(node) for node in nodes)
        case _:
            return False


def _changes_something(node: ir.Expression | ir.Statement) -> bool:
    match node:
        case ir.Assign(targets=targets):
            return any(_is_elsewhere(target) for target in targets)
        case ir.AugmentedAssign(target=target) | ir.For(target=target):
            return _is_elsewhere(target)
        case ir.Call(function=function):
            return _in_place(function)
        case ir.Evaluate(value=value):
            return not isinstance(value, ir.Literal)
        case _:
            return isinstance(node, ir.Outer | ir.Delete)


def _named(machine: Machine, function: ir.Expression) -> Value | None:
    """What a name or a chain of attributes stands for; None for anything else, which is not evaluated twice."""
    inner = function
    while isinstance(inner, ir.Attribute):
        inner = inner.owner
    return machine.state.narrow(machine.evaluate(function)) if isinstance(inner, ir.Name) else None


def _computed(machine: Machine, frame: Frame, definition: ir.FunctionDefinition) -> Tensor | None:
    """The last thing that a layer of the model gave and a local variable holds."""
    parameters = {parameter.name for parameter in definition.parameters}
    found: Tensor | None = None
    for name in list(frame.scope.slots):
        value = machine.read(frame.scope, name)
        if isinstance(value, Tensor) and (name not in parameters or value.inputs) and comes_from_layer(value):
            found = value
    return found or _on_the_last_line(machine, definition)


def _on_the_last_line(machine: Machine, definition: ir.FunctionDefinition) -> Tensor | None:
    """What the last line computes: a call on its own, or what a part of the module that cannot be read gives."""
    last = next((node for node in reversed(definition.body) if not isinstance(node, ir.Return)), None)
    match last:
        case ir.Evaluate(value=ir.Call() as call):
            value = machine.evaluate(call)
            return value if isinstance(value, Tensor) and comes_from_layer(value) else None
        case ir.Assign(targets=(ir.Name(name=name),), value=ir.Call(function=ir.Attribute(owner=ir.Name(name="self")))):
            value = machine.read(machine.frame.scope, name) or Unknown()
            return machine.tensor_of(value) if isinstance(value, Unknown) and not name.startswith("_") else None
        case _:
            return None
