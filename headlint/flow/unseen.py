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


def functions(machine: Machine, unit: ModuleUnit) -> list[FunctionValue]:
    """The public functions of a module with such a branch, in themselves or in what they use."""
    hiding = _hiding(machine, unit)
    return [
        function
        for function in unit.functions
        if isinstance(function.definition, ir.FunctionDefinition)
        and function.scope is unit.scope
        and not function.name.startswith("_")
        and function.definition.parameters
        and _uses(function.definition, hiding)
    ]


def classes(machine: Machine, unit: ModuleUnit) -> list[ClassValue]:
    """The public classes of a module with such a branch, in their methods, those they inherit, or in what they use."""
    hiding = _hiding(machine, unit)
    return [
        cls
        for cls in unit.classes
        if cls.scope.outer is unit.scope
        and not cls.name.startswith("_")
        and any(
            isinstance(ancestor, ClassValue) and ancestor.unit is unit and _uses(ancestor.definition, hiding)
            for ancestor in cls.ancestors()
        )
    ]


def _hiding(machine: Machine, unit: ModuleUnit) -> dict[str, set[int]]:
    """The names of the module's functions and classes, each with the identities of the definitions it uses that hide something."""
    hidden = {
        id(definition)
        for node, definition in machine.branches.one_sided()
        if isinstance(definition, ir.FunctionDefinition) and _is_about(node.test, definition)
    }
    if not hidden:
        return {}
    tops = {node.name: node for node in unit.body.body if isinstance(node, Definition)}
    inside = {name: {id(node) for node in _functions_in(top)} & hidden for name, top in tops.items()}
    mentioned = {name: _names_in(top) & tops.keys() for name, top in tops.items()}
    found: dict[str, set[int]] = {}
    for name in tops:
        reached, stack = {name}, [name]
        while stack:
            new = mentioned[stack.pop()] - reached
            reached |= new
            stack.extend(new)
        if any(_speaks_of_a_loss(tops[other]) for other in reached):
            found[name] = set().union(*(inside[other] for other in reached))
    return found


def _speaks_of_a_loss(top: Definition) -> bool:
    """Whether a name in it is that of a loss, or looks like one: without a loss there is nothing to be found."""
    for node in ir.walk(top.body):
        match node:
            case ir.Name(name=name) | ir.Attribute(name=name) if name in _LOSSES or name.lower().endswith("loss"):
                return True
    return False


_LOSSES = frozenset({*(row.short_name for row in registry.LOSSES.values()), "compile"})


def _uses(definition: Definition, hiding: dict[str, set[int]]) -> bool:
    return bool(hiding.get(definition.name))


def _functions_in(top: Definition) -> Iterator[ir.FunctionDefinition]:
    if isinstance(top, ir.FunctionDefinition):
        yield top
    else:
        yield from (node for node in top.body if isinstance(node, ir.FunctionDefinition))


def _names_in(top: Definition) -> set[str]:
    return {node.name for node in ir.walk(top.body) if isinstance(node, ir.Name)}


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
