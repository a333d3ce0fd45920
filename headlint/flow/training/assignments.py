"""Attributes that a program sets on parameters and modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlint.flow.training import modules, parameters
from headlint.flow.values.facts import Event, UnreadAttribute
from headlint.flow.values.library_values import Backbone, Container, Layer, Model, Part
from headlint.flow.values.python_values import ClassValue, Constant, HeapObject, Instance, Site, Unknown, Value
from headlint.flow.values.tensor_values import Tensor
from headlint.flow.values.training_values import OneParameter
from headlint.frameworks import training
from headlint.syntax import ir

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine


def note(machine: Machine, owner: Value, name: str, value: Value, site: Site) -> None:
    """``owner.name = value`` is about to be done."""
    match owner, name:
        case ((Tensor() | Unknown() | OneParameter()), "grad"):
            machine.note_event(Event.WRITTEN, site, owner, given=(SCALED,) if _is_of_a_gradient(value) else ())
        case OneParameter(of=several), "requires_grad":
            parameters.set_trainable(machine, several, value)
        case _, "trainable" if (frozen := _of_keras(owner)) is not None:
            machine.note_event(Event.TRAINABLE_SET, site, frozen, by=owner, given=(value,))
        case _:
            _note_unread(machine, owner, name, value, site)


SCALED = Constant("scaled")
"""What is done to a gradient in whose place comes one that is computed from it."""


def _is_of_a_gradient(value: Value, depth: int = 8) -> bool:
    """Whether a value is computed from a gradient, as in ``weight.grad = weight.grad / norm``."""
    if not isinstance(value, Unknown) or depth == 0:
        return False
    key = value.key if isinstance(value.key, tuple) else (value.key,)
    if "grad" in key:
        return True
    return any(_is_of_a_gradient(part, depth - 1) for part in (*key, value.parent) if isinstance(part, Unknown))


def _of_keras(owner: Value) -> Value | None:
    """The layer or model of Keras that a value is, or is some layers of."""
    match owner:
        case Layer() if owner.kind.framework == "keras":
            return owner
        case Backbone() if owner.name.startswith("keras."):
            return owner
        case Part(backbone, _) if backbone.name.startswith("keras."):
            return backbone
        case Model():
            return owner
        case Instance() if owner.cls.framework_base().startswith("keras."):
            return owner
        case Unknown(key=(HeapObject() as model, "layers")):
            return model
        case Unknown(parent=Unknown() as around):
            return _of_keras(around)
        case _:
            return None


def _note_unread(machine: Machine, owner: Value, name: str, value: Value, site: Site) -> None:
    """An attribute that is only nearly the one that the library reads."""
    match owner:
        case Layer() | Container() | Backbone() | Part() | Instance() if _is_a_mark(machine, name):
            pass
        case OneParameter() | Tensor() if name in training.MISSPELT_OF_PARAMETERS:
            harmless = value == Constant(False) and isinstance(owner, Tensor) and not _may_have_a_gradient(owner)
            machine.emit(UnreadAttribute, site, name=name, meant="requires_grad", harmless=harmless)
        case Layer() | Container() | Backbone() | Part() if modules.is_module(owner) and (
            name in training.MISSPELT_OF_MODULES
        ):
            machine.emit(UnreadAttribute, site, name=name, meant="requires_grad_")
        case Instance() if owner.cls.framework_base().startswith(("torch.nn.", "pytorch_lightning.")) and (
            name in training.MISSPELT_OF_MODULES and not _is_its_own(machine, owner, name)
        ):
            machine.emit(UnreadAttribute, site, name=name, meant="requires_grad_")
        case Unknown() if name == "requires_grad" and _is_of_ready_made_model(owner):
            machine.emit(UnreadAttribute, site, name=name, meant="requires_grad_")
        case Unknown() if name in training.MISSPELT_OF_PARAMETERS and _is_a_parameter(owner):
            machine.emit(UnreadAttribute, site, name=name, meant="requires_grad")
        case Layer() | Model() | Backbone() if name in training.MISSPELT_OF_KERAS:
            machine.emit(UnreadAttribute, site, name=name, meant="trainable")
        case Instance() if owner.cls.framework_base().startswith("keras.") and name in training.MISSPELT_OF_KERAS:
            machine.emit(UnreadAttribute, site, name=name, meant="trainable")
        case _:
            pass


def _may_have_a_gradient(tensor: Tensor) -> bool:
    """Whether a tensor is a parameter, or computed from anything but numbers that the program fills in itself."""
    if tensor.origin.role != "operation" or tensor.origin.note == "leaf":
        return True
    return any(_may_have_a_gradient(part) for part in tensor.inputs)


def _is_of_ready_made_model(value: Unknown) -> bool:
    """Whether something is a ready-made model, or one of its parts of which a name says that it is a module."""
    part: Unknown | None = value
    while part is not None and not (
        isinstance(part.key, tuple) and isinstance(part.key[0], str) and "." in part.key[0]
    ):
        if isinstance(part.key, str) and part.key != "element" and part.key not in _MODULES:
            return False
        part = part.parent
    return part is not None and isinstance(part.key, tuple) and _is_ready_made_model(str(part.key[0]))


_MODULES = frozenset(
    {"embeddings", "encoder", "decoder", "layer", "layers", "h", "transformer", "pooler", "base_model"}
)
"""Attributes of ready-made models that are modules, and no parameters."""


def _is_a_parameter(value: Unknown) -> bool:
    """Whether something unknown is one of what ``parameters()`` gives, or is named as a layer's parameters are."""
    if value.key in ("weight", "bias"):
        return True
    part: Unknown | None = value
    for _ in range(5):
        if part is None or part.key in ("parameters", "named_parameters"):
            break
        part = part.parent
    return part is not None and part.key in ("parameters", "named_parameters")


def _is_ready_made_model(path: str) -> bool:
    """Whether a function of a library gives a model, nothing more being known of it."""
    return path.startswith("transformers.") and path.endswith("Model.from_pretrained")


def _is_a_mark(machine: Machine, name: str) -> bool:
    """Whether the function that sets ``trainable`` freezes parameters too, and only notes on the module that it does."""
    definition = machine.frame.definition
    return name == "trainable" and any(
        isinstance(node, ir.Attribute) and node.name in ("requires_grad", "requires_grad_")
        for node in ir.walk(definition.body if definition is not None else ())
    )


def _is_its_own(machine: Machine, instance: Instance, name: str) -> bool:
    """Whether the object's own class has the attribute, or one of its methods is what sets it: it may be read again."""
    if any(frame.receiver is instance for frame in machine.frames) or machine.read(instance, name) is not None:
        return True
    return any(isinstance(ancestor, ClassValue) and name in ancestor.slots for ancestor in instance.cls.ancestors())
