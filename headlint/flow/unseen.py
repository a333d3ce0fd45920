"""Which functions and classes of a module have branches that only callers who were not seen would take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from headlint.flow.values.modules import ModuleUnit
from headlint.flow.values.python_values import ClassValue, FunctionValue
from headlint.frameworks import registry
from headlint.syntax import ir

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

Definition = ir.FunctionDefinition | ir.ClassDefinition


def public(machine: Machine, unit: ModuleUnit) -> tuple[list[FunctionValue], list[ClassValue]]:
    """The public functions and classes of a module with such a branch, in themselves or in what they use."""
    hiding = _hiding(machine, unit)
    functions = [function for function in unit.functions if function.name in hiding and function.scope is unit.scope]
    classes = [
        cls
        for cls in unit.classes
        if cls.scope.outer is unit.scope
        and not cls.name.startswith("_")
        and any(
            isinstance(ancestor, ClassValue) and ancestor.unit is unit and ancestor.name in hiding
            for ancestor in cls.ancestors()
        )
    ]
    return [function for function in functions if not function.name.startswith("_")], classes


def _hiding(machine: Machine, unit: ModuleUnit) -> set[str]:
    """The functions and classes of a module's top level that use something with such a branch, and a loss."""
    hidden = {
        id(definition)
        for node, test, definition in machine.branches.one_sided()
        if isinstance(definition, ir.FunctionDefinition)
        and (id(node) in machine.branches.ruled_out or _is_about(test, definition))
    }
    tops = {node.name: node for node in unit.body.body if isinstance(node, Definition)} if hidden else {}
    hiding = {name for name, top in tops.items() if any(id(node) in hidden for node in _functions_in(top))}
    if not hiding:
        return set()
    mentioned = {name: _names_in(top) for name, top in tops.items()}
    losses = _LOSSES | _imported_losses(unit)
    return {name for name in tops if (used := _reached(name, mentioned)) & hiding and used & losses}


def _reached(name: str, mentioned: dict[str, set[str]]) -> set[str]:
    """A definition's name and every name that it mentions, or that what it mentions does."""
    reached, stack = {name}, [name]
    while stack:
        new = mentioned.get(stack.pop(), set()) - reached
        reached |= new
        stack.extend(new)
    return reached


_LOSSES = frozenset({*(row.short_name for row in registry.LOSSES.values()), "compile"})


def _imported_losses(unit: ModuleUnit) -> set[str]:
    """What a module imports under a name that speaks of a loss."""
    imported = (
        alias or name for node in unit.body.body if isinstance(node, ir.ImportFrom) for name, alias in node.names
    )
    return {name for name in imported if name.lower().endswith("loss")}


def _functions_in(top: Definition) -> Iterator[ir.FunctionDefinition]:
    if isinstance(top, ir.FunctionDefinition):
        yield top
    else:
        yield from (node for node in top.body if isinstance(node, ir.FunctionDefinition))


def _names_in(top: Definition) -> set[str]:
    return {node.name for node in ir.walk(top.body) if isinstance(node, ir.Name | ir.Attribute)}


def _is_about(test: ir.Expression, definition: ir.FunctionDefinition) -> bool:
    """Whether a test asks for a parameter of the function, or for something that its object was built with."""
    parameters = {parameter.name for parameter in definition.parameters}
    receiver = definition.parameters[0].name if definition.parameters else ""
    for node in ir.walk(test):
        match node:
            case ir.Name(name=name) if name in parameters and name != receiver:
                return True
            case ir.Name(name=name) if name == receiver and receiver != "self":
                return True
            case ir.Attribute(name=name, owner=ir.Name(name="self")) if name != "training":
                return True
    return False
