"""Texts of which only the beginning and the end are known: ``"generator_" + name``, ``f"{kind}_head"``."""

from __future__ import annotations

import re

from headlint.flow.values.arguments import Arguments
from headlint.flow.values.python_values import Constant, Unknown, Value

_PLACE = re.compile(r"%[-+ #0]*[\d*]*(?:\.[\d*]+)?[a-zA-Z%]")
_BRACES = re.compile(r"\{[^{}]*\}")
_SIMPLE = re.compile(r"(?:[^{}]|\{\w*(?::0?\d{0,2}(?:\.\d{1,2})?[a-z]?)?\})*")
"""A pattern that asks for no attributes, and for no width of more than two digits."""


def partly_known(parts: tuple[Value, ...]) -> Unknown:
    """What is written together of parts of which one at least is not known."""
    return Unknown(key=("text", _written(parts[0]), _written(parts[-1])))


def _written(part: Value) -> str:
    match part:
        case Constant(str() | int() | float() as known):
            return str(known)
        case _:
            return ""


def formatted(pattern: str, arguments: Arguments) -> Value:
    """``pattern.format(…)``: the text where all that is put into it is known, else how it begins and ends."""
    given = [*arguments.positional, *arguments.named.values()]
    known = [value for value in given if isinstance(value, Constant) and value.symbol is None]
    if arguments.complete and len(known) == len(given) and _SIMPLE.fullmatch(pattern):
        values = {name: value.value for name, value in arguments.named.items() if isinstance(value, Constant)}
        try:
            text = pattern.format(
                *(value.value for value in arguments.positional if isinstance(value, Constant)), **values
            )
        except (IndexError, KeyError, ValueError, TypeError):
            return Unknown()
        return Constant(text, frozenset().union(*(value.assumptions for value in known)))
    beginning, *rest = _BRACES.split(pattern)
    return Unknown(key=("text", beginning, rest[-1] if rest else ""))


def is_another(value: Unknown, text: str) -> bool:
    """Whether a value cannot be this text, as it begins or ends with other letters."""
    beginning, end = ends_of(value)
    return not (text.startswith(beginning) and text.endswith(end))


def ends_of(value: Unknown) -> tuple[str, str]:
    """How a text begins and how it ends, as far as that is known."""
    match value.key:
        case ("text", str() as beginning, str() as end):
            return beginning, end
        case ("%", "reversed", ("str", str() as pattern)):
            beginning, *rest = _PLACE.split(pattern)
            return beginning, rest[-1] if rest else ""
        case ("+", "reversed", ("str", str() as beginning)):
            return beginning, ends_of(value.parent)[1] if value.parent is not None else ""
        case ("+", ("str", str() as end)):
            return ends_of(value.parent)[0] if value.parent is not None else "", end
        case _:
            return "", ""
