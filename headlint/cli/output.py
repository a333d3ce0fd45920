"""How ``check`` shows a report: where it goes, in which formats, and what is said beside it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from headlint.cli.options import UsageError, wants_colour
from headlint.cli.sources import Sources, drawer
from headlint.findings.finding import Problem, Report
from headlint.reporting import FORMATS, render
from headlint.reporting.concise import problem_line
from headlint.reporting.context import Context
from headlint.settings import Settings

FOR_PEOPLE = ("text", "concise")
"""Formats that other words may follow; what programs read must not be broken by them."""


def add_output(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """``--output-format``, ``--output``, ``--report`` and ``--statistics``; gives the group that they stand in."""
    output = parser.add_argument_group("output")
    output.add_argument("--output-format", choices=tuple(FORMATS), default="text", help="how to write findings (text)")
    output.add_argument("-o", "--output", type=Path, metavar="FILE", help="write them to a file")
    output.add_argument(
        "--report", action="append", default=[], type=_report, metavar="FORMAT=FILE", dest="reports",
        help="write them to a file in another format as well; may be given several times",
    )  # fmt: skip
    output.add_argument("--statistics", action="store_true", help="count the findings of each rule")
    return output


def _report(text: str) -> tuple[str, Path]:
    """A format and the file that it goes to.

    Raises:
        ArgumentTypeError: no such format, or no file.
    """
    name, _, file = text.partition("=")
    if name not in FORMATS or not file:
        raise argparse.ArgumentTypeError(f"{text!r} is not FORMAT=FILE with a format of {', '.join(FORMATS)}")
    return name, Path(file)


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


def show(arguments: argparse.Namespace, report: Report, context: Context, further: str = "") -> None:
    """Write a report in the formats that were asked for to where they were asked for; ``further`` is for people to read.

    Raises:
        UsageError: it cannot be written there.
    """
    write(arguments.output, rendered(arguments, report, context, further))
    for name, file in arguments.reports:
        write(file, render(name, report, replace(context, colour=False)))


def rendered(arguments: argparse.Namespace, report: Report, context: Context, further: str = "") -> str:
    """The report in the format that was asked for; what would break it goes to standard error."""
    text = render(arguments.output_format, report, context)
    if arguments.output_format == "text":
        text += further
    if arguments.statistics and arguments.output_format in FOR_PEOPLE:
        text += _statistics(report)
    elif arguments.statistics:
        sys.stderr.write(_statistics(report))
    return text


def write(file: Path | None, text: str) -> None:
    """Write to a file, or to standard output.

    Raises:
        UsageError: the file cannot be written.
    """
    if file is None:
        sys.stdout.write(text)
        return
    try:
        file.write_text(text, encoding="utf-8", errors="replace")  # names of files may be no text
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}") from None


def write_bytes(data: bytes) -> None:
    """Write to standard output what may be no text."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)


def say_problems(problems: Iterable[Problem]) -> None:
    """One line for each file that something went wrong with."""
    context = Context(Path.cwd())
    for problem in problems:
        sys.stderr.write(f"headlint: {problem_line(problem, context)}\n")


NAMED = 3
"""Skipped files and folders that are named without being asked for."""


def skipped(report: Report, context: Context) -> str:
    """What was left out, in words: a few by name, all of them where more is asked for."""
    names = [f"{context.shown(one.path)} ({one.reason})" for one in report.skipped]
    if context.verbose:
        return "".join(f"Skipped: {name}\n" for name in names)
    more = f", and {len(names) - NAMED} more (-v names them)" if len(names) > NAMED else ""
    return f"Skipped: {', '.join(names[:NAMED])}{more}.\n" if names else ""


def count(number: int, noun: str) -> str:
    """A number of things, in words."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _statistics(report: Report) -> str:
    counts: dict[tuple[str, str], int] = {}
    for finding in report:
        counts[finding.code, finding.name] = counts.get((finding.code, finding.name), 0) + 1
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return "".join(f"{number:6}  {code}  {name}\n" for (code, name), number in ordered)
