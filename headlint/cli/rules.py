"""``headlint rules``."""

from __future__ import annotations

import argparse
import json
import shutil
import textwrap
from collections.abc import Iterator

from headlint.cli.explain import as_json
from headlint.cli.main import CLEAN
from headlint.cli.options import add_colour, wants_colour
from headlint.findings.rulebook import FAMILIES, Rule, load_rules

_BOLD, _DIM, _RESET = "\033[1m", "\033[2m", "\033[0m"
_INDENT = " " * len("HL101  ")
WIDEST = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``rules``."""
    parser.add_argument("--output-format", choices=("text", "json"), default="text")
    add_colour(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print all rules."""
    rules = load_rules()
    if arguments.output_format == "json":
        print(json.dumps([as_json(rule) for rule in rules], indent=2))
        return CLEAN
    colour = wants_colour(arguments.color)
    width = min(shutil.get_terminal_size((80, 24)).columns, WIDEST)
    for family, title in FAMILIES.items():
        members = [rule for rule in rules if rule.code.startswith(family)]
        if members:
            print(_painted(f"{family}: {title}", _BOLD, colour) + "\n")
            for rule in members:
                print("\n".join(_entry(rule, width, colour)) + "\n")
    return CLEAN


def _entry(rule: Rule, width: int, colour: bool) -> Iterator[str]:
    """A rule in a few lines: names are never broken, so that they can be copied."""
    yield f"{_painted(rule.code, _BOLD, colour)}  {_painted(rule.name, _BOLD, colour)}"
    yield from textwrap.wrap(
        rule.summary, width, initial_indent=_INDENT, subsequent_indent=_INDENT, break_on_hyphens=False
    )
    default = "" if rule.default else ", off by default"
    fix = "no fix" if rule.fix == "none" else f"{rule.fix} fix"
    about = f"{rule.severity.value}{default}; {', '.join(rule.frameworks) or 'any framework'}; {fix}"
    yield _painted(_INDENT + about, _DIM, colour)


def _painted(text: str, style: str, colour: bool) -> str:
    return f"{style}{text}{_RESET}" if colour else text
