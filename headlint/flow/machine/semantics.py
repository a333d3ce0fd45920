"""What a machine is given: the meaning of Python, of tensors, and of what libraries bring.

The machine knows the state, the calls and the facts. What an expression, a tensor or a name of a library means stands in
packages that import the machine, so it reaches them through these tables alone; ``interpreter`` fills them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from headlint.flow.values.arguments import Arguments
from headlint.flow.values.conditions import Guard
from headlint.flow.values.library_values import Container
from headlint.flow.values.modules import ModuleUnit
from headlint.flow.values.python_values import (
    ClassValue,
    FunctionValue,
    HeapObject,
    Instance,
    ListValue,
    Site,
    Unknown,
    Value,
)
from headlint.flow.values.tensor_values import Tensor
from headlint.syntax import ir

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine


Call = Callable[["Machine", Arguments, int], Value]
"""What calling a name does: the machine, the arguments, and the number of the call in its module."""


class PythonSemantics(Struct, frozen=True):
    """What expressions, statements and calls of Python do."""

    evaluate: Callable[[Machine, ir.Expression], Value]
    decide: Callable[[Machine, ir.Expression], list[tuple[tuple[Guard, ...], bool]]]
    """The outcomes that a test can have, each with its conditions."""
    execute: Callable[[Machine, Iterable[ir.Statement]], bool]
    """Run statements; False when the end is not reached."""
    assign: Callable[[Machine, ir.Expression, Value], None]
    call: Callable[[Machine, Value, Arguments, int], Value]
    method: Callable[[Machine, Instance, str], Value | None]
    """The bound method that the program itself gives a class, or None."""
    read_attribute: Callable[[Machine, Value, str, int], Value]
    write_attribute: Callable[[Machine, Value, str, Value, Site | None], None]
    read_item: Callable[[Machine, Value, Value, int], Value]
    write_item: Callable[[Machine, Value, Value, Value, Site], None]
    delete_item: Callable[[Machine, Value, Value], None]
    extend: Callable[[Machine, ListValue, list[Value]], None]


class TensorSemantics(Struct, frozen=True):
    """What Python's operators, attributes and indices do to tensors."""

    attribute: Callable[[Machine, Tensor, str, Site], Value]
    item: Callable[[Machine, Tensor, Value, Site], Value]
    row: Callable[[Machine, Tensor], Tensor]
    """One item of a tensor along its first axis."""
    filled: Callable[[Tensor, Value, Value, Site, Value | None], Tensor]
    """A tensor into which something is put: ``tensor[…] = value``."""
    calculate: Callable[[Machine, str, Value, Value, Site], Value]
    compare: Callable[[Machine, str, Value, Value, Site], Value]
    negate: Callable[[Machine, Tensor, Site], Value]
    rounded: Callable[[Machine, Tensor, Site], Value]


class LibrarySemantics(Struct, frozen=True):
    """What names of libraries do, and the objects that they give."""

    calls: Mapping[str, Call]
    """What calls of some names do beyond the tables, by dotted name."""
    call_name: Callable[[Machine, str, Arguments, int], Value]
    """Call a function or class of a library by its dotted name."""
    call_method: Callable[[Machine, Value, str, Arguments, int], Value]
    call_object: Callable[[Machine, Value, Arguments, int], Value]
    """Call a layer, a container of layers, a library's model or a loss."""
    call_inherited: Callable[[Machine, Instance, Arguments, int], Value]
    """Call an object of a class of the program that leaves being called to its library's base."""
    call_unknown: Callable[[Machine, Unknown, Arguments, int], Value]
    call_declared: Callable[[Machine, str, Arguments, int], Value]
    """Call what the user's settings declare under a dotted name."""
    declared_name: Callable[[Machine, ClassValue | FunctionValue], str]
    """The name under which the settings declare something of the program, or an empty text."""
    derived: Callable[[Machine, ClassValue, Arguments, int], Value | None]
    """An object of a class of the program that is followed as one of the library's class it is derived from, if any."""
    attribute: Callable[[Machine, HeapObject, str], Value]
    is_method: Callable[[Value, str], bool]
    """Whether a name is a method that a library gives to objects like this one."""
    add_member: Callable[[Machine, Container, str, Value], None]
    finish: Callable[[Machine, ModuleUnit], None]
    """A file was read to its end: what only a library would bring together is brought together."""
    assigning: Callable[[Machine, Value, str, Value, Site], None]
    """The program is about to set an attribute, which may mean something to a library."""
