"""Tests of what a value is an instance of: ``isinstance``, ``inspect.isclass``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlint.flow.python import loss_classes
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.conditions import Condition, Test
from headlint.flow.values.library_values import Container, Layer, Loss
from headlint.flow.values.python_values import (
    ClassValue,
    Constant,
    DictValue,
    FrameworkName,
    FunctionValue,
    Instance,
    ListValue,
    TupleValue,
    Unknown,
    Value,
)
from headlint.flow.values.tensor_values import Tensor
from headlint.frameworks import registry

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

_BASES_OF_LAYERS = frozenset({"torch.nn.Module", "keras.layers.Layer"})
_TYPE = FrameworkName("builtins.type")
_BUILTINS = {"int": int, "str": str, "float": float, "bool": bool}


def is_instance(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``isinstance(value, kind)``; of several kinds one is enough."""
    match arguments.positional:
        case (Unknown() as unknown, kind):
            return Test(Condition("isinstance", unknown, kind))
        case (value, TupleValue(kinds)):
            return _answer(_any([_is_a(value, kind) for kind in kinds]))
        case (value, kind):
            return _answer(_is_a(value, kind))
        case _:
            return Unknown()


def is_class(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``inspect.isclass(value)``."""
    return is_instance(machine, Arguments((*arguments.positional[:1], _TYPE)), at)


def _answer(known: bool | None) -> Value:
    return Unknown() if known is None else Constant(known)


def _any(answers: list[bool | None]) -> bool | None:
    if True in answers:
        return True
    return None if None in answers else False


def _is_a(value: Value, kind: Value) -> bool | None:
    """Whether a value is of a class, or of one derived from it; None where that is not known."""
    match value, kind:
        case Layer(), FrameworkName(path):
            return value.kind.name == path or path in _BASES_OF_LAYERS
        case Container(), FrameworkName("torch.nn.Module"):
            return True
        case Container(), FrameworkName(path) if path in registry.CONTAINERS or path in registry.LAYERS:
            return registry.CONTAINERS.get(path) == value.kind
        case Loss(), _:
            return loss_classes.is_instance(value, kind)
        case Instance(), ClassValue():
            return any(ancestor is kind for ancestor in value.cls.ancestors())
        case Instance(), FrameworkName() if not value.cls.opaque:
            return kind in value.cls.ancestors()
        case Tensor(), FrameworkName("torch.Tensor" | "torch.FloatTensor"):
            return True
        case ((ClassValue() | FrameworkName() | FunctionValue()), FrameworkName(path)):
            return _is_class_a(value, path)
        case Constant(), FrameworkName(path) if path.startswith("builtins."):
            known = _BUILTINS.get(path.removeprefix("builtins."))
            return isinstance(value.value, known) if known else False
        case Constant(), (ClassValue() | FrameworkName()):
            return False
        case Tensor(), FrameworkName(path) if path.startswith("builtins."):
            return False
        case Tensor(attached=True), FrameworkName("numpy.ndarray") if value.origin.role in ("loss", "layer"):
            return False
        case (TupleValue(), FrameworkName("builtins.tuple")) | (ListValue(), FrameworkName("builtins.list")):
            return True
        case DictValue(), FrameworkName("builtins.dict"):
            return True
        case _:
            return None


def _is_class_a(value: Value, path: str) -> bool | None:
    """The same of what may be a class or function itself: a class is no layer and no text."""
    if path == _TYPE.path:
        return isinstance(value, ClassValue) or (
            _names_a_class(value) or None if isinstance(value, FrameworkName) else False
        )
    if path in _BASES_OF_LAYERS or path == "builtins.str":
        return None if isinstance(value, FrameworkName) and not _names_a_class(value) else False
    return None


def _names_a_class(value: Value) -> bool:
    """Whether a name of a library is that of a layer or a loss that is a class."""
    match value:
        case FrameworkName(path) if path in registry.LAYERS or path in registry.CONTAINERS:
            return True
        case FrameworkName(path):
            return loss_classes.name_of(path) is not None
        case _:
            return False
