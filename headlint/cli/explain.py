"""``headlint explain``."""

from __future__ import annotations

import argparse
import json
import sys

from headlint.cli.main import CLEAN, FAILED
from headlint.cli.options import add_colour, wants_colour
from headlint.findings.rulebook import Rule, find_rule, load_rules, nearest_rule


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``explain``."""
    parser.add_argument("rules", nargs="*", metavar="RULE", help="codes or names")
    parser.add_argument("--all", action="store_true", help="every rule")
    parser.add_argument("--output-format", choices=("text", "json"), default="text")
    add_colour(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the pages."""
    rules: list[Rule] = list(load_rules()) if arguments.all else []
    for text in arguments.rules:
        rule = find_rule(text)
        if rule is None:
            nearest = nearest_rule(text)
            hint = f"; did you mean {nearest}?" if nearest else ""
            sys.stderr.write(f"headlint: there is no rule {text}{hint}\n")
            return FAILED
        rules.append(rule)
    if not rules:
        sys.stderr.write("headlint: name a rule, for example `headlint explain HL101`, or use --all\n")
        return FAILED
    if arguments.output_format == "json":
        print(json.dumps([as_json(rule) for rule in rules], indent=2))
    else:
        for rule in rules:
            _print_page(rule, wants_colour(arguments.color))
    return CLEAN


def _print_page(rule: Rule, colour: bool) -> None:
    if not colour:
        print(rule.text.strip() + "\n")
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console(force_terminal=True).print(Markdown(rule.text.strip()))


def as_json(rule: Rule) -> dict[str, object]:
    """A rule as plain values."""
    return {
        "code": rule.code,
        "name": rule.name,
        "severity": rule.severity.value,
        "default": rule.default,
        "since": rule.since,
        "frameworks": list(rule.frameworks),
        "fix": rule.fix,
        "summary": rule.summary,
        "sections": dict(rule.sections),
    }
