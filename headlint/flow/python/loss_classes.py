"""Tests of the class of a loss: ``isinstance(criterion, nn.BCELoss)``, ``type(criterion) == nn.BCELoss``."""

from __future__ import annotations

from headlint.flow.values.library_values import Loss
from headlint.flow.values.python_values import ClassValue, FrameworkName, Value
from headlint.frameworks import registry


def class_of(loss: Loss) -> FrameworkName:
    """The class that a loss object is of."""
    return FrameworkName(loss.kind.name)


def name_of(path: str) -> str | None:
    """The ``__name__`` of a class of losses; None for anything else."""
    return registry.LOSSES[path].short_name if _is_class(path) else None


def same(left: Value, right: Value) -> bool | None:
    """Whether two classes are one, where one of them at least is a library's class of losses."""
    match left, right:
        case FrameworkName(one), FrameworkName(other) if _is_class(one) and _is_class(other):
            return registry.LOSSES[one] is registry.LOSSES[other]
        case (FrameworkName(path), ClassValue()) | (ClassValue(), FrameworkName(path)) if _is_class(path):
            return False
        case _:
            return None


def is_instance(loss: Loss, kind: Value) -> bool | None:
    """Whether a loss object is an instance of a class.

    No class of losses in the tables is derived from another. A loss that only a type hint speaks of may be one of a derived
    class of the program.
    """
    match kind:
        case FrameworkName("torch.nn.Module"):
            return True if loss.kind.framework == "torch" else None
        case ClassValue():
            return None if kind.framework_base() == loss.kind.name else False
        case _:
            return same(class_of(loss), kind)


def _is_class(path: str) -> bool:
    return path in registry.LOSSES and registry.LOSSES[path].short_name[:1].isupper()
