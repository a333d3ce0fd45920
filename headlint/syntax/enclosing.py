"""Which definition of a module a number stands in: the class, function or variable that people know a model by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from headlint.syntax import ir

MAKERS = frozenset({"Model", "Functional", "Sequential", "DataParallel"})
"""What a call that gives a finished model is named, when its layers were made in statements before it."""


def owner_name(module: ir.Module, at: int) -> str:
    """The name of the definition around a number: ``Net``, ``build_model``, ``model``, ``main.model``, or nothing.

    A function that returns what it builds is the model's maker; one that keeps it in a variable only holds it.
    """
    return _in_block(list(_flat(module.body)), at)


def _in_block(block: Sequence[ir.Statement], at: int) -> str:
    found = max((index for index, statement in enumerate(block) if statement.at <= at), default=None)
    if found is None:
        return ""
    match block[found]:
        case ir.ClassDefinition(name=name):
            return name
        case ir.FunctionDefinition(name=name, body=body):
            inner = list(_flat(body))
            variable = _in_block(inner, at)
            kept = any(isinstance(one, ir.Return) and one.value is not None for one in inner)
            return name if kept or not variable else f"{name}.{variable}"
        case statement:
            return _made_later(block[found + 1 :], statement) or _bound(statement)


def _made_later(later: Iterable[ir.Statement], statement: ir.Statement) -> str:
    """The variable of the model that a layer's variable goes into further down, as ``Model(inputs, outputs)`` takes it."""
    names = {_bound(statement)} - {""}
    for one in later:
        if isinstance(one, ir.Assign) and not names.isdisjoint(ir.names_in(one)):
            if _called(one.value) in MAKERS:
                return _bound(one)
            names.add(_bound(one))
    return ""


def _bound(statement: ir.Statement) -> str:
    match statement:
        case ir.Assign(targets=[target, *_]) | ir.AugmentedAssign(target=target):
            return _root(target)
        case ir.Evaluate(value=value):
            return _root(value)
    return ""


def _root(expression: ir.Expression) -> str:
    match expression:
        case ir.Name(name=name):
            return name
        case ir.Attribute(owner=owner) | ir.Subscript(owner=owner) | ir.Call(function=owner):
            return _root(owner)
    return ""


def _called(expression: ir.Expression) -> str:
    match expression:
        case ir.Call(function=ir.Name(name=name) | ir.Attribute(name=name)):
            return name
    return ""


def _flat(body: Iterable[ir.Statement]) -> Iterator[ir.Statement]:
    """The statements of a block and of the blocks in it, but not those of functions and classes."""
    for statement in body:
        yield statement
        match statement:
            case ir.If(body=inner, otherwise=otherwise) | ir.For(body=inner, otherwise=otherwise):
                yield from _flat((*inner, *otherwise))
            case ir.While(body=inner, otherwise=otherwise):
                yield from _flat((*inner, *otherwise))
            case ir.With(body=inner):
                yield from _flat(inner)
            case ir.Try(body=inner, handlers=handlers, otherwise=otherwise, final=final):
                yield from _flat((*inner, *(one for _, block in handlers for one in block), *otherwise, *final))
            case ir.Match(cases=cases):
                yield from _flat([one for case in cases for one in case.body])
