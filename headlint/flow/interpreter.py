"""Puts an interpreter together: a machine, and the meaning of Python, tensors and libraries."""

from __future__ import annotations

from importlib import import_module

from headlint.flow.layers import containers
from headlint.flow.libraries import declarations, derived, joining, keras_wrappers, library, search_spaces
from headlint.flow.machine.frames import Declarations
from headlint.flow.machine.machine import Machine
from headlint.flow.machine.semantics import LibrarySemantics, PythonSemantics, TensorSemantics
from headlint.flow.python import (
    attributes,
    calls,
    collections_methods,
    decisions,
    expressions,
    items,
    settings_files,
    standard_library,
    statements,
)
from headlint.flow.tensors import arithmetic, tensors
from headlint.flow.training import assignments
from headlint.flow.values.modules import Loader, ModuleUnit
from headlint.frameworks import registry

PYTHON = PythonSemantics(
    evaluate=expressions.evaluate,
    decide=decisions.decide,
    execute=statements.execute,
    assign=statements.assign,
    call=calls.call,
    method=attributes.method,
    read_attribute=attributes.read,
    write_attribute=attributes.write,
    read_item=items.item,
    write_item=items.write_item,
    delete_item=items.delete_item,
    extend=collections_methods.extend,
)

TENSORS = TensorSemantics(
    attribute=tensors.attribute,
    item=tensors.item,
    row=tensors.row,
    filled=tensors.filled,
    calculate=arithmetic.calculate,
    compare=arithmetic.compare,
    negate=arithmetic.negate,
    rounded=tensors.rounded,
)


def _libraries() -> LibrarySemantics:
    calls = {**standard_library.NAMES, **settings_files.NAMES, **search_spaces.NAMES}
    for framework in registry.FRAMEWORKS.values():
        if framework.calls:
            calls.update(import_module(framework.calls).CALLS)
    return LibrarySemantics(
        calls=calls,
        call_name=library.call_name,
        call_method=library.call_method,
        call_object=library.call_object,
        call_inherited=library.call_inherited,
        call_unknown=library.call_unknown,
        call_declared=declarations.call,
        declared_name=declarations.name_of,
        derived=derived.build,
        attribute=library.attribute,
        is_method=library.is_method,
        add_member=containers.add_member,
        finish=_finish,
        assigning=assignments.note,
    )


def _finish(machine: Machine, unit: ModuleUnit) -> None:
    """What libraries do with what a module sets up."""
    keras_wrappers.finish(machine, unit)
    joining.finish(machine, unit)


def interpreter(loader: Loader, settings: Declarations | None = None) -> Machine:
    """A machine for one file, which finds other modules through a loader."""
    return Machine(PYTHON, TENSORS, _libraries(), loader, settings)
