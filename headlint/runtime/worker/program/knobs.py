"""The guessed arguments of a constructor, and the guessed options among them, each with a way to turn it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from .arguments import Arguments, shown
from .guessing import CompletedMapping, GuessedConfiguration
from .standins import GUESSED


@dataclass(frozen=True)
class Knob:
    """A guessed argument, or a guessed option of one, and the arguments with another value in its place."""

    name: str
    value: Any
    turned: Callable[[Any], Arguments]


def names_given(arguments: Arguments, parameters: list[str]) -> set[str]:
    """The parameters that get an argument."""
    return {*parameters[: len(arguments.positional)], *arguments.keywords}


def knobs_of(arguments: Arguments, parameters: list[str]) -> Iterator[Knob]:
    """The guessed arguments, and the guessed options among them; every number where something behind them was guessed."""
    guessed = {text.partition("=")[0] for text in arguments.assumed}
    rests_on_guesses = bool(guessed or GUESSED)
    places: list[tuple[str, int | str]] = [*zip(parameters, range(len(arguments.positional)), strict=False)]
    places += [(key, key) for key in arguments.keywords]
    for name, place in places:
        value = arguments.positional[place] if isinstance(place, int) else arguments.keywords[place]
        match value:
            case GuessedConfiguration():
                yield from options_of(arguments, place, value.given, value.with_given)
            case CompletedMapping():
                yield from options_of(arguments, place, value.guessed(), value.with_guessed)
            case _ if name in guessed or (rests_on_guesses and type(value) is int):
                yield Knob(name, value, partial(exchanged, arguments, place, name))


def options_of(
    arguments: Arguments, place: int | str, given: dict[str, Any], remade: Callable[[dict[str, Any]], Any]
) -> Iterator[Knob]:
    """The guessed options of an object or mapping, and those of the options among them."""
    for key, value in given.items():
        turned = partial(with_option, arguments, place, key, given, remade)
        yield Knob(key, value, turned)
        yield from nested_options(value, turned)


def nested_options(value: Any, turned: Callable[[Any], Arguments]) -> Iterator[Knob]:
    """The guessed options of options that are themselves an option."""
    match value:
        case GuessedConfiguration(given=given, with_given=remade):
            yield from inner_options(given, remade, turned)
        case CompletedMapping(with_guessed=remade):
            yield from inner_options(value.guessed(), remade, turned)


def inner_options(
    given: dict[str, Any], remade: Callable[[dict[str, Any]], Any], turned: Callable[[Any], Arguments]
) -> Iterator[Knob]:
    """The same for what was guessed of them."""
    for key, inner in given.items():
        deeper = partial(with_inner, turned, key, given, remade)
        yield Knob(key, inner, deeper)
        yield from nested_options(inner, deeper)


def with_inner(
    turned: Callable[[Any], Arguments],
    key: str,
    given: dict[str, Any],
    remade: Callable[[dict[str, Any]], Any],
    value: Any,
) -> Arguments:
    """The arguments with another guess for one option of an option."""
    return turned(remade({**given, key: value}))


def with_option(
    arguments: Arguments,
    place: int | str,
    key: str,
    given: dict[str, Any],
    remade: Callable[[dict[str, Any]], Any],
    value: Any,
) -> Arguments:
    """The arguments with another guess for one option of one of them."""
    return exchanged(arguments, place, key, remade({**given, key: value}))


def exchanged(arguments: Arguments, place: int | str, name: str, value: Any) -> Arguments:
    """The arguments with another value at one place."""
    assumed = (*(one for one in arguments.assumed if one.partition("=")[0] != name), f"{name}={shown(value)}")
    if isinstance(place, str):
        return replace(arguments, keywords={**arguments.keywords, place: value}, assumed=assumed)
    positional = (*arguments.positional[:place], value, *arguments.positional[place + 1 :])
    return replace(arguments, positional=positional, assumed=assumed)
