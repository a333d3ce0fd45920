"""How commands show a report, and what they say beside it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from headlint.cli.options import UsageError, wants_colour
from headlint.cli.sources import Sources, drawer
from headlint.findings import Problem, Report
from headlint.reporting.context import Context
from headlint.settings import Settings


def context_of(arguments: argparse.Namespace, settings: Settings, standard_input: str | None = None) -> Context:
    """What the formats may know: the terminal, the texts, the fixes, the pictures of models."""
    import shutil

    name = str(Path(arguments.stdin_filename or "<stdin>"))
    sources = Sources({name: standard_input} if standard_input is not None else {})
    return Context(
        root=Path.cwd(),
        colour=arguments.output is None and wants_colour(arguments.color),
        width=shutil.get_terminal_size((120, 40)).columns,
        sources=sources.text,
        verbose=arguments.verbose,
        fix_for=sources.fix,
        cell_sources=sources.cell,
        draw=drawer(arguments.paths, settings) if standard_input is None else None,
    )


def write(file: Path | None, text: str) -> None:
    """Write to a file, or to standard output.

    Raises:
        UsageError: the file cannot be written.
    """
    if file is None:
        sys.stdout.write(text)
        return
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}") from None


def say_what_the_baseline_hides(report: Report) -> None:
    """How many findings the baseline knows, and whether it can be made smaller; beside the report, for every format."""
    if report.known:
        sys.stderr.write(f"{count(len(report.known), 'finding')} in the baseline not shown.\n")
    if report.stale:
        entries = (
            "1 entry of the baseline is"
            if len(report.stale) == 1
            else f"{len(report.stale)} entries of the baseline are"
        )
        sys.stderr.write(f"{entries} stale: `headlint baseline prune` removes what is mended.\n")


def say_problems(problems: Iterable[Problem]) -> None:
    """One line for each problem."""
    for problem in problems:
        sys.stderr.write(f"headlint: {problem.path}: {problem.message}\n")


def count(number: int, noun: str) -> str:
    """A number of things, in words."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
