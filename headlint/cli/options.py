"""Options that several commands share, and the settings that they and the configuration make."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from headlint.settings import Settings

SEVERITIES = ("error", "warning", "advice")


class UsageError(Exception):
    """What the user asked for cannot be done; the message says why in one line."""


def add_configuration(parser: argparse.ArgumentParser) -> None:
    """``--config`` and ``--isolated``."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="read the settings from this file")
    parser.add_argument("--isolated", action="store_true", help="read no settings from any file")
    parser.add_argument("-v", "--verbose", action="store_true", help="tell more")


def add_colour(parser: argparse.ArgumentParser) -> None:
    """``--color``."""
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="colours (auto)")


def wants_colour(choice: str) -> bool:
    """Whether to print in colours: as asked, else NO_COLOR and FORCE_COLOR, else on a terminal."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or sys.stdout.isatty()


def load(arguments: argparse.Namespace, start: Path) -> Settings:
    """The settings from files and from the command line.

    Raises:
        UsageError: they cannot be read, or make no sense.
    """
    from headlint.configuration import ConfigurationError, load_settings

    try:
        settings = load_settings(start, arguments.config, arguments.isolated)
    except ConfigurationError as error:
        raise UsageError(str(error)) from None
    changes: dict[str, Any] = {}
    for option in ("select", "extend_select", "ignore"):
        if (given := getattr(arguments, option, None)) is not None:
            changes[option] = _selectors(given)
    for option in ("fail_on", "jobs"):
        if (given := getattr(arguments, option, None)) is not None:
            changes[option] = given
    settings = replace(settings, **changes)
    if getattr(arguments, "no_cache", False):
        settings = replace(settings, cache=False)
    return settings


def _selectors(text: str) -> tuple[str, ...]:
    from headlint.rulebook import known_selectors, nearest_rule

    selectors = tuple(part.strip() for part in text.split(",") if part.strip())
    known = known_selectors()
    for selector in selectors:
        if selector not in known and selector.upper() not in known:
            nearest = nearest_rule(selector)
            hint = f"; did you mean {nearest}?" if nearest else ""
            raise UsageError(f"there is no rule {selector}{hint}")
    return selectors
