"""``headlint rules``."""

from __future__ import annotations

import argparse
import json

from headlint.cli.explain import as_json
from headlint.cli.main import CLEAN
from headlint.cli.options import add_colour, wants_colour
from headlint.findings.rulebook import load_rules


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``rules``."""
    parser.add_argument("--output-format", choices=("text", "json"), default="text")
    add_colour(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the table of all rules."""
    rules = load_rules()
    if arguments.output_format == "json":
        print(json.dumps([as_json(rule) for rule in rules], indent=2))
        return CLEAN
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("code", "name", "severity", "on", "frameworks", "fix", "what it finds"):
        table.add_column(heading, overflow="fold")
    for rule in rules:
        default = "yes" if rule.default else "no"
        table.add_row(
            rule.code, rule.name, rule.severity.value, default, " ".join(rule.frameworks), rule.fix, rule.summary
        )
    colour = wants_colour(arguments.color)
    Console(force_terminal=colour or None, no_color=not colour, highlight=False).print(table)
    return CLEAN
