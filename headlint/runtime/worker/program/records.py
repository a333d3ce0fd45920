"""What stands for the base class of a program's settings where the package that has it is not installed."""

from __future__ import annotations

import dataclasses
from typing import Any

from .guessing import Unguessable, guess, guess_option
from .settings import setting
from .standins import GUESSED, REPLACEMENTS


class Record:
    """Stands for pydantic's ``BaseModel``: keeps the fields that it is given; one that is not given and has no default is
    what the program's own settings say, else a guess by its name and type."""

    def __init__(self, **given: Any) -> None:
        vars(self).update(given)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        vars(self)[name] = field_guessed(name, type(self).__annotations__.get(name, ""))
        return vars(self)[name]

    def model_dump(self) -> dict[str, Any]:
        """The fields that were given or asked for."""
        return vars(self).copy()


def field_guessed(name: str, annotation: Any) -> Any:
    """What a field probably holds, written down as a guess."""
    value = setting((name,))
    if value is None:
        try:
            value = guess(name, annotation)
        except Unguessable:
            value = guess_option(name)
    GUESSED.append(f"{name}={value!r}")
    return value


def made_record(kind: type) -> Any:
    """An object of a class of settings: a dataclass, or one that stands for pydantic's. Required fields are guessed.

    Raises:
        Unguessable: it cannot be made.
    """
    fields = dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else ()
    empty = dataclasses.MISSING
    needed = [one for one in fields if one.init and one.default is empty and one.default_factory is empty]
    try:
        return kind(**{one.name: field_guessed(one.name, one.type) for one in needed})
    except Exception as error:  # whatever the user's class raises
        raise Unguessable(str(error)) from error


def is_record(kind: Any) -> bool:
    """Whether a class is one of settings."""
    return isinstance(kind, type) and (dataclasses.is_dataclass(kind) or issubclass(kind, Record))


def field(default: Any = None, *, default_factory: Any = None, **options: Any) -> Any:
    """The default of a field."""
    made = default if default_factory is None else default_factory()
    return None if made is ... else made


REPLACEMENTS["pydantic", "BaseModel"] = Record
REPLACEMENTS["pydantic", "Field"] = field
