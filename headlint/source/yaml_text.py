"""Reads files of settings that are written in YAML."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

Settings = Mapping[str, "Settings"] | Sequence["Settings"] | str | int | float | bool | None

MOST_CHARACTERS = 100_000
"""Characters of a file of settings that is read."""

MOST_VALUES = 20_000
"""Values in it, where aliases repeat some."""

DEEPEST_SETTING = 40
"""Mappings and sequences within one another; an alias may make one contain itself."""

_POWER_OF_TEN = re.compile(r"[-+]?\d[\d_]*(?:\.\d*)?[eE][-+]?\d+")
"""A number to Hydra and to people, and a text to YAML 1.1 (https://omegaconf.readthedocs.io)."""


class UnreadableSettings(ValueError):
    """The text is no YAML, or too long or deep."""


def read_yaml(text: str) -> Settings:
    """What a file of settings says; tags that make objects of Python are not followed.

    Raises:
        UnreadableSettings: it is no YAML, holds several documents, or is too long or deep.
    """
    import yaml

    if len(text) > MOST_CHARACTERS:
        raise UnreadableSettings("too long")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        said = yaml.load(text, Loader=loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UnreadableSettings(str(error)) from error
    return {} if said is None else _Reader().settings(said)


class _Reader:
    """Turns what a loader gives into settings."""

    def __init__(self) -> None:
        self._values = 0

    def settings(self, said: object, depth: int = 0) -> Settings:
        self._values += 1
        if self._values > MOST_VALUES or depth > DEEPEST_SETTING:
            raise UnreadableSettings("too many values, or too deep")
        match said:
            case dict():
                return {str(key): self.settings(value, depth + 1) for key, value in said.items()}
            case list():
                return [self.settings(value, depth + 1) for value in said]
            case str() if _POWER_OF_TEN.fullmatch(said):
                return float(said.replace("_", ""))
            case str() | bool() | int() | float() | None:
                return said
            case _:
                return str(said)
