"""Parameters that a module makes and does not register: in a plain collection, or moved as soon as they are made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from headlint.flow.python import iteration
from headlint.flow.torch_modules.parts import is_module
from headlint.flow.values.facts import ParameterLoose
from headlint.flow.values.modules import ModuleUnit
from headlint.flow.values.python_values import DictValue, Instance, ListValue, Site, Value
from headlint.flow.values.tensor_values import Tensor
from headlint.frameworks.torch import PARAMETER
from headlint.syntax import ir

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

MOVED = "moved"
"""The note of a parameter that was moved or converted, which makes another tensor of it."""

_REGISTERING = frozenset(
    {
        "register_parameter",
        "ParameterList",
        "ParameterDict",
        "setattr",
        "parameters",
        "named_parameters",
        "add_param_group",
    }
)


def note(machine: Machine, unit: ModuleUnit) -> None:
    """Note the parameters of a file's modules that are not in ``parameters()``."""
    noted: set[Site] = set()
    for instance in machine.instances:
        if machine.muted or not is_module(instance) or not instance.whole or instance.cls.opaque:
            continue
        for name, site in instance.sites.items():
            if site.path != unit.path or site in noted or name.startswith("__"):
                continue
            holder = _holder(machine, instance, machine.read(instance, name))
            if holder and not _takes_care(machine, instance, name):
                noted.add(site)
                machine.facts.append(ParameterLoose(site=site, module=instance.cls.name, attribute=name, holder=holder))


def _holder(machine: Machine, instance: Instance, value: Value | None) -> str:
    """What keeps a parameter from being one of its module: a list, a dict, or that it was moved."""
    match value:
        case Tensor(origin=origin, inputs=(made, *_)) if origin.note == MOVED:
            return MOVED if made not in _own(machine, instance) else ""
        case ListValue():
            kind, items = "list", iteration.slot_items(machine, value) or ()
        case DictValue():
            kind, items = "dict", tuple(entry for _, entry in iteration.entries(machine, value))
        case _:
            return ""
    if not items or not all(isinstance(item, Tensor) and item.origin.name == PARAMETER for item in items):
        return ""
    own = _own(machine, instance)
    return kind if any(item not in own for item in items) else ""


def _own(machine: Machine, instance: Instance) -> list[Value | None]:
    """What a module holds under a name of its own."""
    return [machine.read(instance, name) for name in instance.slots]


def _takes_care(machine: Machine, instance: Instance, name: str) -> bool:
    """Whether the program registers, or may train, the parameters by hand."""
    mentioned = set(_names(instance.cls.definition.body))
    file = instance.cls.unit.file
    return (
        bool(_REGISTERING & mentioned)
        or name in _names_of_others(instance)
        or (file is not None and machine.loader.is_mentioned_elsewhere(file, instance.cls.name, name))
    )


def _names(body: object) -> Iterator[str]:
    for node in ir.walk(body):
        match node:
            case ir.Name(name=name) | ir.Attribute(name=name):
                yield name


def _names_of_others(instance: Instance) -> set[str]:
    """The attributes that the file of a class asks of anything but ``self``."""
    return {
        node.name
        for node in ir.walk(instance.cls.unit.body)
        if isinstance(node, ir.Attribute) and not (isinstance(node.owner, ir.Name) and node.owner.name == "self")
    }
