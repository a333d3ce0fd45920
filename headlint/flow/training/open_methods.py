"""Methods that stand for a part of a step only: others call them, and may clear the gradients around the call."""

from __future__ import annotations

from collections.abc import Iterator

from headlint.flow.values.python_values import ClassValue, FunctionValue
from headlint.syntax import ir


def is_private(name: str) -> bool:
    """Whether a name says that only its own class or file uses it."""
    return name.startswith("_") and not name.startswith("__")


def is_abstract(cls: ClassValue) -> bool:
    """Whether a class leaves methods to its subclasses: ``@abstractmethod``, or a body that only raises."""
    return any(map(_is_left_to_subclasses, _methods(cls)))


def _methods(cls: ClassValue) -> Iterator[FunctionValue]:
    """The methods of a class, each as the nearest ancestor defines it."""
    seen: set[object] = set()
    for ancestor in cls.ancestors():
        for name, value in ancestor.slots.items() if isinstance(ancestor, ClassValue) else ():
            if name not in seen and isinstance(value, FunctionValue):
                yield value
            seen.add(name)


def _is_left_to_subclasses(method: FunctionValue) -> bool:
    match method.definition:
        case ir.FunctionDefinition(decorators=decorators, body=body):
            names = ir.names_in(decorators) | ir.attributes_in(decorators)
            return "abstractmethod" in names or _only_raises(body)
        case _:
            return False


def _only_raises(body: tuple[ir.Statement, ...]) -> bool:
    match body[-1:]:
        case (ir.Leave(kind="raise"),):
            return len(body) == 1 or (len(body) == 2 and isinstance(body[0], ir.Evaluate))
        case _:
            return False
