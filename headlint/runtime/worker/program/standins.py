"""Inert objects in place of packages that are not installed, and the list of what was replaced.

A stand-in that has a part in a result taints it, so every one that is made is written down.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from ..measuring.specs import FEATURES
from .guessing import CLASSES, VOCABULARY

REPLACEMENTS: dict[tuple[str, str], Any] = {}
"""What stands for a name of a missing package and works, by the package and the name."""


GUESSED: list[str] = []
"""Sizes that were guessed because only data tells them, as ``name=16``."""

SAMPLES = 512
REASONS: dict[str, str] = {}
"""Why a package has a stand-in, by its name."""


OF_DATA = re.compile(r"^(num|n|nb)_?(classes|labels|class)$|^vocab_?size$")
"""Counts that only data tells."""


class StandIn(ModuleType):
    """Takes any attribute and any call and does nothing. Look-ups of special names fail, so that it is never
    mistaken for a number, a sequence or a tensor. Each has a class of its own: Python's errors then tell its name."""

    def __new__(cls, name: str, reason: str = "") -> StandIn:
        """An object of a class that is called ``stand-in for timm.layers``."""
        return super().__new__(type(f"stand-in for {name}", (cls,), {}))

    def __init__(self, name: str, reason: str = "") -> None:
        super().__init__(name)
        self.__dict__["__path__"] = []
        self.__dict__["_reason"] = reason or f"{name.partition('.')[0]} is not installed"
        REASONS[name.partition(".")[0]] = self.__dict__["_reason"]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        replacement = REPLACEMENTS.get((self.__name__.partition(".")[0], name))
        if replacement is not None:
            return replacement
        child: Any = StandIn(f"{self.__name__}.{name}", self.__dict__["_reason"])
        if self.__name__.endswith("space") and name in ("shape", "n"):
            child = space(f"{self.__name__}.{name}", name)
        elif OF_DATA.search(name):
            return guessed_size(f"{self.__name__}.{name}", VOCABULARY if "vocab" in name else CLASSES)
        elif name == "shape":
            child = GuessedShape(child)
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


def stand_in(dotted: str, reason: str) -> Any:
    """What stands for a name that could not be imported: what works in its place, if there is such a thing."""
    top, last = dotted.partition(".")[0], dotted.rpartition(".")[2]
    return REPLACEMENTS.get((top, last)) or StandIn(dotted, reason)


class GuessedShape:
    """The shape of data that was not loaded: every size that is asked for is a guess."""

    def __init__(self, data: StandIn) -> None:
        self.data = data

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, int):
            return guessed_size(f"{self.data.__name__}[{index}]", SAMPLES if index == 0 else FEATURES)
        return tuple(self)[index]

    def __iter__(self) -> Iterator[int]:
        yield self[0]
        yield self[1]


def guessed_size(what: str, size: int) -> int:
    """A size that only data would tell, written down as a guess."""
    GUESSED.append(f"{what}={size}")
    return size


def space(what: str, name: str) -> Any:
    """The shape of what an environment shows, or how many actions it has."""
    size = guessed_size(what, CLASSES if "action" in what else FEATURES)
    return (size,) if name == "shape" else size


def length(value: Any) -> int:
    """``len``, which gives a guess for what was not loaded."""
    if not isinstance(value, StandIn):
        return len(value)
    words = re.search(r"word|vocab|token|char|dict", value.__name__, re.I)
    return guessed_size(f"len({value.__name__})", VOCABULARY if words else CLASSES)


def missing_package(text: str) -> str | None:
    """What is missing, where an error was caused by a stand-in; None where none is named."""
    found = re.search(r"(?:stand-in for |standins\.)(\w+)", text)
    return f"{REASONS[found[1]]} ({text})" if found and found[1] in REASONS else None


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
