"""Layers that a module builds and nothing ever applies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from headlint.flow.machine import importing
from headlint.flow.machine.parts import Replaced
from headlint.flow.python import attributes
from headlint.flow.torch_modules.parts import class_of, has_parameters, has_weights, held_in, is_dummy
from headlint.flow.torch_modules.written import written
from headlint.flow.values.facts import LayerUnused
from headlint.flow.values.library_values import MODULES, Container
from headlint.flow.values.modules import ModuleUnit
from headlint.flow.values.python_values import ClassValue, FunctionValue, HeapObject, Instance, Site
from headlint.syntax import ir

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

_PLAIN_BASES = {
    "torch.nn.Module": "forward",
    "pytorch_lightning.LightningModule": "forward",
    "keras.Model": "call",
    "keras.layers.Layer": "call",
}
"""Classes of libraries that apply no part of a module by themselves, and the method that they call."""

DYNAMIC = frozenset(
    {"getattr", "__getattr__", "__getattribute__", "__dict__", "_modules", "children", "named_children", "vars", "eval"}
    | {"exec", "get_submodule", "named_modules", "attrgetter", "get_layer", "_layers", "fx", "symbolic_trace"}
)
"""Names by which parts of a module can be reached without naming them."""


def note(machine: Machine, unit: ModuleUnit) -> None:
    """Note the layers of a file's modules that are built and never mentioned again."""
    candidates, replaced = _left_alone(machine, unit), list(_replaced(machine, unit))
    if machine.muted or not (candidates or replaced):
        return
    holders = _holders(machine)
    for site, one in {one.site: one for one in replaced}.items():
        if not holders[one.part] and not any(_is_touched(machine, part) for part in held_in(machine, one.part)):
            machine.facts.append(_fact(site, one.owner, one.name, one.part, replaced=True))
    elsewhere = _Mentions(unit.body, of_self=False)
    for site, (instance, name, thing) in candidates.items():
        if not _is_only_here(machine, thing, holders) or not _has_a_forward(machine, instance):
            continue
        if not elsewhere.reaches(name) and not _is_reached(machine, _family(machine, instance.cls), name):
            machine.facts.append(_fact(site, instance, name, thing))


def _fact(site: Site, instance: Instance, name: str, thing: HeapObject, replaced: bool = False) -> LayerUnused:
    return LayerUnused(
        site=site,
        module=instance.cls.name,
        attribute=name,
        layer=class_of(thing),
        method=_PLAIN_BASES[instance.cls.framework_base()],
        replaced=replaced,
    )


def _replaced(machine: Machine, unit: ModuleUnit) -> Iterator[Replaced]:
    """The parts with weights whose name the same constructor gives to another part, whatever its arguments are."""
    for one in machine.parts.replaced:
        cls = one.owner.cls
        if cls.unit is not unit or not one.owner.whole or cls.framework_base() not in _PLAIN_BASES:
            continue
        always = {
            Site(unit.path, each.at) for each in written(cls, one.name) if each.method == "__init__" and each.always
        }
        if one.site != one.by and {one.site, one.by} <= always and _has_something_to_train(machine, one.part):
            yield one


def _left_alone(machine: Machine, unit: ModuleUnit) -> dict[Site, tuple[Instance, str, HeapObject]]:
    """The parts with weights that modules of a file built themselves and that nothing was seen to apply or hand on."""
    found: dict[Site, tuple[Instance, str, HeapObject]] = {}
    for instance in machine.instances:
        cls = instance.cls
        if cls.unit is not unit or not instance.whole or cls.opaque or cls.framework_base() not in _PLAIN_BASES:
            continue
        for name, site in instance.sites.items():
            thing = machine.read(instance, name)
            if not isinstance(thing, MODULES) or thing.born < instance.born or is_dummy(name):
                continue
            if not _is_touched(machine, thing) and _has_something_to_train(machine, thing):
                found.setdefault(site, (instance, name, thing))
    return found


def _has_something_to_train(machine: Machine, thing: HeapObject) -> bool:
    return has_weights(machine, thing) or has_parameters(machine, thing)


def _is_touched(machine: Machine, thing: HeapObject) -> bool:
    """Whether a part was applied, shared, handed on, or steered by hand."""
    parts = machine.parts
    seen = (parts.applied, parts.handed_on, parts.by_hand, parts.weights_touched, parts.registered, machine.applied)
    return any(thing in some for some in seen) or bool({"weight", "bias"} & thing.slots.keys())


def _is_only_here(machine: Machine, thing: HeapObject, holders: Counter[HeapObject]) -> bool:
    """Whether one attribute alone holds a part, and what is in it."""
    members = set(held_in(machine, thing)) if isinstance(thing, Container) else set()
    return holders[thing] == 1 and not any(_is_touched(machine, one) or holders[one] != 1 for one in members)


def _holders(machine: Machine) -> Counter[HeapObject]:
    """How many attributes hold each thing, itself or in a container or a collection."""
    return Counter(
        thing
        for holder in machine.instances
        for name in list(holder.slots)
        if (value := machine.read(holder, name)) is not None
        for thing in set(held_in(machine, value))
    )


def _has_a_forward(machine: Machine, instance: Instance) -> bool:
    """Whether the program itself says what a call of the module does."""
    found = attributes.find_in_class(machine, instance.cls, _PLAIN_BASES[instance.cls.framework_base()])
    if found is None or not isinstance(found[0], FunctionValue):
        return False
    definition = found[0].definition
    given = {parameter.name for parameter in definition.parameters}
    if not isinstance(definition.body, tuple) or not given & ir.names_in(definition.body):
        return False  # what answers the same whatever it is asked stands in for a model, and its layer for a model's weights
    return any(isinstance(node, ir.Call | ir.Binary) for node in ir.walk(definition.body))


def _family(machine: Machine, cls: ClassValue) -> list[ClassValue]:
    """A class, those that it inherits from, and those of the loaded modules that inherit from any of these."""
    units = [unit for unit in machine.units.values() if unit is not None]
    line = [one for one in cls.ancestors() if isinstance(one, ClassValue)]
    for unit in dict.fromkeys(one.unit for one in line):
        importing.define_all(machine, unit)
    others = [other for unit in units for other in unit.classes if other not in line]
    return [*line, *(other for other in others if any(one in other.ancestors() for one in line))]


def _is_reached(machine: Machine, family: list[ClassValue], name: str) -> bool:
    """Whether the classes of a family, or other files, mention an attribute, or reach parts without naming them."""
    for cls in family:
        mentions = _Mentions(cls.definition.body, of_self=True)
        of_keras = cls.framework_base().startswith("keras.") and mentions.reaches("layers")
        if mentions.dynamic or of_keras or mentions.reaches(name):
            return True
    for cls in family:
        file = cls.unit.file
        if file is not None and machine.loader.is_mentioned_elsewhere(file, cls.name, name):
            return True
    return False


_LIBRARIES = frozenset({"torch", "nn", "F", "np", "tf", "keras", "math"})


class _Mentions:
    """The attributes that a part of a program mentions, of ``self`` or of anything else."""

    def __init__(self, body: object, of_self: bool) -> None:
        self.names: set[str] = set()
        self.dynamic = False
        self._of_self = of_self
        self._written: set[int] = set()
        for node in ir.walk(body):
            self._take(node)

    def reaches(self, name: str) -> bool:
        """Whether an attribute is mentioned."""
        return name in self.names

    def _take(self, node: ir.Expression | ir.Statement) -> None:
        match node:
            case ir.Assign(targets=targets):
                self._written.update(id(one) for one in targets)
            case ir.Attribute(owner=owner, name=name):
                self.dynamic = self.dynamic or name in DYNAMIC
                of_self = isinstance(owner, ir.Name) and owner.name == "self"
                if isinstance(owner, ir.Name) and owner.name in _LIBRARIES:
                    return
                if of_self is self._of_self and not (of_self and id(node) in self._written):
                    self.names.add(name)
            case ir.Name(name=name):
                self.dynamic = self.dynamic or name in DYNAMIC
            case ir.Literal(value=str() as text):
                self.names.update(text.split("."))
            case _:
                pass
