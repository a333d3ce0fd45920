"""What definitions of functions and classes do, with their decorators."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from headlint.flow.python import cached_functions, names, settings_files
from headlint.flow.values.python_values import (
    BoundMethod,
    ClassValue,
    FrameworkName,
    FunctionValue,
    Scope,
    Value,
)
from headlint.frameworks import torch
from headlint.syntax import ir

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine


def define_function(machine: Machine, node: ir.FunctionDefinition) -> None:
    """``def name(…): …``."""
    defaults = tuple(
        (parameter.name, machine.evaluate(parameter.default)) for parameter in node.parameters if parameter.default
    )
    scope = machine.frame.scope
    function = FunctionValue(
        node,
        scope,
        node.name,
        (*defaults, *settings_files.of_program(machine, node)) if node.decorators else defaults,
        owner=machine.class_being_defined,
        kind=_kind_of(node),
        without_gradient=any(_switches_gradient_off(machine, decorator) for decorator in node.decorators),
        generator=node.generator,
        cached=cached_functions.is_cached(node),
    )
    machine.unit.functions.append(function)
    value: Value = function
    for decorator in reversed(node.decorators):
        value = _decorated(machine, decorator, value)
        if _names_it_to_keras(decorator):
            machine.custom_objects.slots[node.name] = function
    machine.state.write(names.home_of(machine, node.name), node.name, value)


def _kind_of(node: ir.FunctionDefinition) -> str:
    for decorator in node.decorators:
        match decorator:
            case ir.Name(name="staticmethod"):
                return "static"
            case ir.Name(name="classmethod"):
                return "class"
            case ir.Name(name="property" | "cached_property" | "lazy_property"):
                return "property"
            case ir.Attribute(name="cached_property"):
                return "property"
            case ir.Attribute(name="setter" | "deleter"):
                return "setter"
    return "function"


def _switches_gradient_off(machine: Machine, decorator: ir.Expression) -> bool:
    inner = decorator.function if isinstance(decorator, ir.Call) else decorator
    match machine.evaluate(inner):
        case FrameworkName(path):
            return path in torch.NO_GRADIENT
        case _:
            return False


def _decorated(machine: Machine, decorator: ir.Expression, function: Value) -> Value:
    """A decorator of the program that gives a function back is followed; any other keeps the function."""
    match machine.evaluate(decorator):
        case (FunctionValue() | BoundMethod()) as own if isinstance(function, FunctionValue) and function.owner is None:
            wrapped = machine.call_with(own, function)
            return wrapped if isinstance(wrapped, FunctionValue) else function
        case _:
            return function


def _names_it_to_keras(decorator: ir.Expression) -> bool:
    """Whether a decorator of a library makes a function known to Keras by its name."""
    match decorator.function if isinstance(decorator, ir.Call) else decorator:
        case ir.Name(name=name) | ir.Attribute(name=name):
            return "custom_object" in name
        case _:
            return False


def define_class(machine: Machine, node: ir.ClassDefinition) -> None:
    """``class name(…): …``."""
    bases = tuple(machine.evaluate(base) for base in node.bases)
    bases = tuple(base for base in bases if base != FrameworkName("builtins.object"))
    scope = Scope(machine.unit, "class", machine.frame.scope)
    cls = ClassValue(node, machine.unit, scope, bases)
    cls.dataclass = any(_is_dataclass(machine, decorator) for decorator in node.decorators) or any(
        isinstance(base, ir.Name | ir.Attribute) and base.name == "NamedTuple" for base in node.bases
    )
    machine.unit.classes.append(cls)
    machine.state.write(names.home_of(machine, node.name), node.name, cls)
    outer_scope, outer_class = machine.frame.scope, machine.class_being_defined
    machine.frame.scope, machine.class_being_defined = scope, cls
    try:
        machine.execute(node.body)
    finally:
        machine.frame.scope, machine.class_being_defined = outer_scope, outer_class
    for name in list(scope.slots):
        if (value := machine.read(scope, name)) is not None:
            machine.state.write(cls, name, names.settled(machine, value))
    for decorator in reversed(node.decorators):
        _show(machine, decorator, cls)


def _show(machine: Machine, decorator: ir.Expression, cls: ClassValue) -> None:
    """A decorator of the program that may put a class into a table is shown it; the class stays what it is."""
    match machine.evaluate(decorator):
        case (FunctionValue(definition=definition) | BoundMethod(function=FunctionValue(definition=definition))) as own:
            if _may_keep(definition):
                machine.call_with(own, cls)


def _may_keep(definition: ir.FunctionDefinition | ir.Lambda) -> bool:
    """Whether a function stores something that it is given, or hands it to something that is named so.

    Other decorators, which write documentation or check arguments, may take long to follow.
    """
    given = {parameter.name for parameter in definition.parameters}
    body = list(ir.walk(definition.body))
    given |= {one.name for node in body if isinstance(node, ir.FunctionDefinition) for one in node.parameters}
    for node in body:
        match node:
            case ir.Assign(targets=targets, value=ir.Name(name=name)) if name in given:
                if any(isinstance(target, ir.Subscript | ir.Attribute) for target in targets):
                    return True
            case ir.Call(function=ir.Name(name=called) | ir.Attribute(name=called), arguments=arguments):
                if ir.names_in(tuple(one.value for one in arguments)) & given and _KEEPING.search(called):
                    return True
    return False


_KEEPING = re.compile("regist|add|append|update|setdefault|setattr|insert", re.IGNORECASE)
"""What functions that keep what they are given are named."""


def _is_dataclass(machine: Machine, decorator: ir.Expression) -> bool:
    inner = decorator.function if isinstance(decorator, ir.Call) else decorator
    match machine.evaluate(inner):
        case FrameworkName(path):
            return path in ("dataclasses.dataclass", "flax.struct.dataclass")
        case _:
            return isinstance(inner, ir.Name) and inner.name == "dataclass"
