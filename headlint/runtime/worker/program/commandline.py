"""Programs that read their command line are given an empty one, and every option its default; no folder is made for them."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest import mock

from ..measuring.pass_source import mentions_word
from .guessing import CompletedMapping, GuessedConfiguration, guess_option
from .settings import setting
from .standins import GUESSED


def guessed_option(action: argparse.Action) -> Any:
    """A guess for a number or word that the command line must give; None for anything else."""
    if action.choices:
        value = next(iter(action.choices))
    elif action.type in (int, float) and action.nargs is None:
        value = guess_option(action.dest)
    else:
        return None
    GUESSED.append(f"{action.dest}={value}")
    return value


@contextmanager
def flags_by_default(path: Path) -> Iterator[None]:
    """While it lasts the flags of absl have their defaults, although no command line was read; one that nothing has defined
    is what the program's settings say, else a guess."""
    if "absl.flags" not in sys.modules and not mentions_word(str(path), "absl"):
        yield
        return
    try:
        from absl import flags  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError:
        yield
        return

    def value_of(values: Any, name: str) -> Any:
        if (flag := values._flags().get(name)) is not None:
            return flag.value
        if name.startswith("_"):
            raise AttributeError(name)
        written = setting((name,))
        value = guess_option(name) if written is None else written
        GUESSED.append(f"{name}={value!r}")
        return value

    with mock.patch.object(flags.FlagValues, "__getattr__", value_of):
        yield


@contextmanager
def without_command_line(path: Path) -> Iterator[None]:
    """While it lasts ``sys.argv`` holds the program alone, and ``argparse`` asks for nothing; a file of options that is a guess
    holds guesses."""
    ordinary = argparse.ArgumentParser.parse_known_args
    loaded = json.load

    def load_options(file: Any, **keywords: Any) -> Any:
        return CompletedMapping() if isinstance(file, GuessedConfiguration) else loaded(file, **keywords)

    def parse_nothing(parser: argparse.ArgumentParser, args: Any = None, namespace: Any = None) -> Any:
        for action in parser._actions:
            if action.required and action.default is None:
                action.default = guessed_option(action)
            action.required = False
        for group in parser._mutually_exclusive_groups:
            group.required = False
        return ordinary(parser, [], namespace)

    def try_to(make: Callable[..., None]) -> Callable[..., None]:
        def made(*arguments: Any, **keywords: Any) -> None:
            with suppress(OSError):
                make(*arguments, **keywords)

        return made

    with (
        flags_by_default(path),
        mock.patch.object(json, "load", load_options),
        mock.patch.object(os, "mkdir", try_to(os.mkdir)),
        mock.patch.object(os, "makedirs", try_to(os.makedirs)),
        mock.patch.object(sys, "argv", [str(path)]),
        mock.patch.object(argparse.ArgumentParser, "parse_known_args", parse_nothing),
    ):
        yield
