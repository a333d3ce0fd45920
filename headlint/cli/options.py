"""Options that several commands share, and the settings that they and the configuration make."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from headlint.settings import Settings
from headlint.source.discovery import SUFFIXES

DEFAULT_FILE = "headlint-baseline.json"
"""The baseline's name where neither the settings nor the command line give another."""


class UsageError(Exception):
    """What the user asked for cannot be done; the message says why in one line."""


def add_configuration(parser: argparse.ArgumentParser) -> None:
    """``--config`` and ``--isolated``."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="read the settings from this file")
    parser.add_argument("--isolated", action="store_true", help="read no settings from any file")
    parser.add_argument("-v", "--verbose", action="store_true", help="show more")


def add_rules(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """``--select``, ``--extend-select`` and ``--ignore``; gives the group that they stand in."""
    rules = parser.add_argument_group("rules")
    rules.add_argument(
        "--select", metavar="RULES", help="report only these: codes, prefixes or names, separated by commas"
    )
    rules.add_argument("--extend-select", metavar="RULES", help="report these as well")
    rules.add_argument("--ignore", metavar="RULES", help="do not report these")
    return rules


def add_adoption(parser: argparse.ArgumentParser) -> None:
    """``--baseline``, ``--no-baseline`` and ``--diff-base``."""
    adoption = parser.add_argument_group("only what is new")
    adoption.add_argument(
        "--baseline",
        nargs="?",
        const="",
        metavar="FILE",
        help=f"leave out what this baseline holds (the one of the settings, else {DEFAULT_FILE})",
    )
    adoption.add_argument(
        "--no-baseline", action="store_true", help="report all findings, even if the settings name a baseline"
    )
    adoption.add_argument(
        "--diff-base",
        metavar="REV",
        help="only findings with a step on lines changed since this revision (main...: since the branch point)",
    )


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
    from headlint.run.configuration import load_settings
    from headlint.settings import ConfigurationError

    try:
        settings = load_settings(start, arguments.config, arguments.isolated)
    except ConfigurationError as error:
        raise UsageError(str(error)) from None
    changes: dict[str, Any] = {}
    for option in ("select", "extend_select", "ignore"):
        if (given := getattr(arguments, option, None)) is not None:
            changes[option] = _selectors(given)
    for option in ("fail_on", "jobs", "diff_base"):
        if (given := getattr(arguments, option, None)) is not None:
            changes[option] = given
    settings = replace(settings, **changes)
    if getattr(arguments, "no_cache", False):
        settings = replace(settings, cache=False)
    if getattr(arguments, "no_baseline", False):
        return replace(settings, baseline="")
    if (baseline := getattr(arguments, "baseline", None)) is not None:
        return with_baseline(settings, baseline, start)
    return settings


def with_baseline(settings: Settings, given: str, start: Path) -> Settings:
    """The settings with the baseline that is given, or else theirs, or else the nearest above a path.

    Raises:
        UsageError: what is given is a program.
    """
    if is_program(given):
        raise UsageError(f"{given} is not a baseline")
    if given:
        return replace(settings, baseline=os.path.abspath(given))
    return settings if settings.baseline else replace(settings, baseline=_default_baseline(start))


def is_program(path: str) -> bool:
    """Whether a path names what can be checked, so that it is not a baseline."""
    return path.endswith(SUFFIXES) or os.path.isdir(path)


def _default_baseline(start: Path) -> str:
    """The file of the usual name above a path, within its repository; the project's where there is none yet."""
    folder = Path(os.path.abspath(start))
    for parent in (folder, *folder.parents):
        if (parent / DEFAULT_FILE).is_file():
            return str(parent / DEFAULT_FILE)
        if (parent / ".git").exists():
            break
    return DEFAULT_FILE


def _selectors(text: str) -> tuple[str, ...]:
    from headlint.findings.rulebook import known_selectors, nearest_rule

    selectors = tuple(part.strip() for part in text.split(",") if part.strip())
    known = known_selectors()
    for selector in selectors:
        if selector not in known and selector.upper() not in known:
            nearest = nearest_rule(selector)
            hint = f"; did you mean {nearest}?" if nearest else ""
            raise UsageError(f"there is no rule {selector}{hint}")
    return selectors
