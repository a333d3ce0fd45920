"""``headlint heads``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from headlint.cli.main import CLEAN, FAILED
from headlint.cli.options import UsageError, add_configuration, load
from headlint.reporting.concise import problem_line
from headlint.reporting.context import Context
from headlint.reporting.heads import render_json, render_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``heads``."""
    parser.add_argument("paths", nargs="*", default=["."], metavar="PATH", help="files and folders (.)")
    parser.add_argument("--output-format", choices=("text", "json"), default="text")
    add_configuration(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the pictures."""
    from headlint.run.heads import find_heads

    try:
        settings = load(arguments, Path(arguments.paths[0]))
    except UsageError as error:
        sys.stderr.write(f"headlint: {error}\n")
        return FAILED
    pictures, problems = find_heads(arguments.paths, settings)
    context = Context(root=Path.cwd())
    render = render_json if arguments.output_format == "json" else render_text
    sys.stdout.write(render(pictures, context))
    for problem in problems:
        sys.stderr.write(f"{problem_line(problem, context)}\n")
    return FAILED if problems else CLEAN
