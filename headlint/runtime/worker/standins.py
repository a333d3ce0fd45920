"""Inert objects in place of packages that are not installed, and the list of what was replaced.

A stand-in that has a part in a result taints it, so every one that is made is written down.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

REPLACEMENTS: dict[tuple[str, str], Any] = {}
"""What stands for a name of a missing package and works, by the package and the name."""


class StandIn(ModuleType):
    """Takes any attribute and any call and does nothing. Look-ups of special names fail, so that it is never
    mistaken for a number, a sequence or a tensor."""

    def __init__(self, name: str, reason: str = "") -> None:
        super().__init__(name)
        self.__dict__["__path__"] = []
        self.__dict__["_reason"] = reason or f"{name} is not installed"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        replacement = REPLACEMENTS.get((self.__name__.partition(".")[0], name))
        if replacement is not None:
            return replacement
        child = StandIn(f"{self.__name__}.{name}", self.__dict__["_reason"])
        self.__dict__[name] = child
        return child

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """Another stand-in; a decorator gives back what it decorates."""
        if len(arguments) == 1 and not keywords and (isinstance(arguments[0], type) or callable(arguments[0])):
            return arguments[0]
        return StandIn(f"{self.__name__}()", self.__dict__["_reason"])

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        return ()

    def __enter__(self) -> StandIn:
        return self

    def __exit__(self, *details: object) -> None:
        return None

    def __repr__(self) -> str:
        return f"<stand-in for {self.__name__}>"


def find_stand_in(value: Any, depth: int = 2) -> StandIn | None:
    """The stand-in that a value is or holds, looking a little way into containers."""
    if isinstance(value, StandIn):
        return value
    if depth and isinstance(value, (list, tuple, set)):
        return next((found for part in list(value)[:64] if (found := find_stand_in(part, depth - 1))), None)
    if depth and isinstance(value, dict):
        return find_stand_in(list(value.values()), depth)
    return None


class MissingData(dict[Any, Any]):
    """What a file of weights would have held. Empty, and gives itself for whatever is looked up in it."""

    def __missing__(self, key: Any) -> MissingData:
        return self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *arguments: Any, **keywords: Any) -> MissingData:
        """Itself: what a method of the data would give."""
        return self

    def __repr__(self) -> str:
        return "<data that was not loaded>"
