"""Parameters that a module makes and does not register: in a plain collection, or moved as soon as they are made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from headlint.flow.python import iteration
from headlint.flow.torch_modules.parts import is_dummy, is_module
from headlint.flow.torch_modules.written import is_own, written
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

LEAF = "leaf"
"""What holds a tensor that asks for a gradient, as a parameter does, and is none."""

_TRAINED_OTHERWISE = frozenset({"grad", "autograd", "backward", "retain_grad", "jacobian"})
"""Names that say that a tensor of its own gets its gradient by hand, or is trained by hand."""

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
            if not holder or (holder == LEAF and (is_dummy(name) or not _is_meant_to_be_trained(instance, name))):
                continue
            if not (_is_given_away if holder == LEAF else _takes_care)(machine, instance, name):
                noted.add(site)
                machine.facts.append(ParameterLoose(site=site, module=instance.cls.name, attribute=name, holder=holder))


def _holder(machine: Machine, instance: Instance, value: Value | None) -> str:
    """What keeps a parameter from being one of its module: a list, a dict, or that it was moved."""
    match value:
        case Tensor(origin=origin, inputs=(made, *_)) if origin.note == MOVED:
            return MOVED if made not in _own(machine, instance) else ""
        case Tensor() if value in machine.parts.leaves and _is_made_up(value):
            return LEAF
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


def _is_made_up(tensor: Tensor) -> bool:
    """Whether a tensor is filled with noise or numbers that are written out, and holds no data."""
    made = tensor.inputs[0] if tensor.origin.note == "leaf" and tensor.inputs else tensor
    return made.origin.note in ("fresh", "array")


def _is_meant_to_be_trained(instance: Instance, name: str) -> bool:
    """Whether a module makes a tensor once and computes with it, and asks nobody for gradients itself."""
    cls = instance.cls
    places = list(written(cls, name))
    mentioned = ir.names_in(cls.definition.body) | ir.attributes_in(cls.definition.body)
    methods = (
        node for node in cls.definition.body if isinstance(node, ir.FunctionDefinition) and node.name != "__init__"
    )
    used = any(is_own(node, name) for method in methods for node in ir.walk(method.body))
    in_constructor = len(places) == 1 and places[0].method == "__init__"
    return in_constructor and used and not _TRAINED_OTHERWISE & mentioned


def _is_given_away(machine: Machine, instance: Instance, name: str) -> bool:
    """Whether the program registers a tensor, or lists it, as for an optimizer."""
    body, unit = instance.cls.definition.body, instance.cls.unit
    own = {node.name for node in body if isinstance(node, ir.FunctionDefinition)}
    if any(_lists_what_is_trained(node, name) for node in ir.walk(body)):
        return True
    if _REGISTERING & own or (_REGISTERING - _GIVING) & (ir.names_in(body) | ir.attributes_in(body)):
        return True
    if any(_is_of_another(item, name) for node in ir.walk(unit.body) for item in _listed(node)):
        return True
    if unit.file is None or name in ("weight", "bias"):
        return False  # every layer has these
    return machine.loader.is_listed_elsewhere(unit.file, name)


_GIVING = frozenset({"parameters", "named_parameters"})
"""Methods of a module that it may override to give more than it registers."""


def _lists_what_is_trained(node: object, name: str) -> bool:
    """``[self.code]``, ``{"params": self.code}``: a list of nothing else is for an optimizer, not one that is joined."""
    match node:
        case ir.DictDisplay():
            return any(is_own(one, name) for one in _listed(node))
        case ir.Display(items=items):
            own = all(isinstance(one, ir.Attribute) and is_own(one, one.name) for one in items)
            return own and any(is_own(one, name) for one in items)
        case _:
            return False


def _listed(node: object) -> Iterator[object]:
    match node:
        case ir.Display(items=items):
            yield from items
        case ir.DictDisplay(items=entries):
            yield from (value for _, value in entries)


def _is_of_another(node: object, name: str) -> bool:
    return isinstance(node, ir.Attribute) and node.name == name and not is_own(node, name)


def _takes_care(machine: Machine, instance: Instance, name: str) -> bool:
    """Whether the program registers, or may train, the parameters by hand."""
    body = instance.cls.definition.body
    mentioned = ir.names_in(body) | ir.attributes_in(body)
    file = instance.cls.unit.file
    return (
        bool(_REGISTERING & mentioned)
        or name in _names_of_others(instance)
        or (file is not None and machine.loader.is_mentioned_elsewhere(file, instance.cls.name, name))
    )


def _names_of_others(instance: Instance) -> set[str]:
    """The attributes that the file of a class asks of anything but ``self``."""
    return {
        node.name
        for node in ir.walk(instance.cls.unit.body)
        if isinstance(node, ir.Attribute) and not is_own(node, node.name)
    }
