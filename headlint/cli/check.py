"""``headlint check``."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from headlint.cli import changing
from headlint.cli.main import CLEAN, FAILED, FINDINGS
from headlint.cli.options import SEVERITIES, UsageError, add_colour, add_configuration, add_known, add_rules, load
from headlint.cli.output import context_of, say_problems, say_what_the_baseline_hides, write
from headlint.cli.progress import Progress
from headlint.configuration import ConfigurationError
from headlint.findings import Report
from headlint.reporting import FORMATS, render
from headlint.reporting.context import Context
from headlint.runtime.options import add_building_options, wanted_of
from headlint.settings import Settings

FOR_PEOPLE = ("text", "concise")
"""Formats that other words may follow; what programs read must not be broken by them."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``check``."""
    parser.add_argument(
        "paths", nargs="*", default=["."], metavar="PATH", help="files and folders (.), - for standard input"
    )
    parser.add_argument("--stdin-filename", metavar="NAME", help="the name that standard input goes by")
    add_rules(parser)
    add_known(parser)
    status = parser.add_argument_group("exit status")
    status.add_argument(
        "--fail-on", choices=SEVERITIES, help="the least severity that makes the exit status 1 (warning)"
    )
    status.add_argument("--exit-zero", action="store_true", help="exit with 0 even when there are findings")
    output = parser.add_argument_group("output")
    output.add_argument("--output-format", choices=tuple(FORMATS), default="text", help="how to write findings (text)")
    output.add_argument("-o", "--output", type=Path, metavar="FILE", help="write them to a file")
    output.add_argument("--statistics", action="store_true", help="count the findings of each rule")
    output.add_argument("--show-files", action="store_true", help="list the files that would be checked, and stop")
    add_colour(parser)
    changing.add_arguments(parser)
    parser.add_argument(
        "--confirm", action="store_true", help="build the models behind the findings and measure them (executes code)"
    )
    add_building_options(parser, "with --confirm")
    add_configuration(parser)
    parser.add_argument("-j", "--jobs", type=int, metavar="N", help="processes (as many as the work is worth)")
    parser.add_argument("--no-cache", action="store_true", help="neither read nor write the cache")


def run(arguments: argparse.Namespace) -> int:
    """Check, and give the exit status."""
    try:
        return _run(arguments)
    except (UsageError, ConfigurationError) as error:
        sys.stderr.write(f"headlint: {error}\n")
        return FAILED


def _run(arguments: argparse.Namespace) -> int:
    start = Path(arguments.stdin_filename or ".") if arguments.paths == ["-"] else Path(arguments.paths[0])
    settings = load(arguments, start)
    if arguments.show_files:
        return _show_files(arguments, settings)
    if changing.wants_change(arguments):
        report, failed = changing.change(arguments, settings)
        return FAILED if failed else status_of(report, settings.fail_on, arguments.exit_zero)
    report, standard_input = _check(arguments, settings)
    context = context_of(arguments, standard_input)
    refuted = ""
    if arguments.confirm:
        report, context, refuted = _confirm(arguments, settings, report, context)
    text = render(arguments.output_format, report, context)
    if arguments.output_format == "text":
        text += refuted
    if arguments.statistics and arguments.output_format in FOR_PEOPLE:
        text += _statistics(report)
    elif arguments.statistics:
        sys.stderr.write(_statistics(report))
    write(arguments.output, text)
    say_what_the_baseline_hides(report)
    return status_of(report, settings.fail_on, arguments.exit_zero)


def _check(arguments: argparse.Namespace, settings: Settings) -> tuple[Report, str | None]:
    from headlint.session import check_paths, check_source

    if arguments.paths == ["-"]:
        text = sys.stdin.buffer.read().decode("utf-8", "replace")
        return check_source(text, arguments.stdin_filename or "<stdin>", settings), text
    with Progress() as progress:
        return check_paths([Path(path) for path in arguments.paths], settings, progress), None


def _confirm(
    arguments: argparse.Namespace, settings: Settings, report: Report, context: Context
) -> tuple[Report, Context, str]:
    """The report and its context after the models were built, and what was refuted, in words."""
    if arguments.paths == ["-"]:
        raise UsageError("models on standard input cannot be built; give a file")
    from headlint.reporting.confirmation import refutations
    from headlint.runtime.confirm import confirm_report, measured

    report, confirmations = confirm_report(report, wanted_of(arguments), settings)
    return report, replace(context, measured_for=measured(confirmations).get), refutations(confirmations, context)


def _show_files(arguments: argparse.Namespace, settings: Settings) -> int:
    from headlint.source.discovery import discover

    discovery = discover([Path(path) for path in arguments.paths], settings)
    for file in discovery.files:
        print(file)
    say_problems(discovery.problems)
    return FAILED if discovery.problems else CLEAN


def _statistics(report: Report) -> str:
    counts: dict[tuple[str, str], int] = {}
    for finding in report:
        counts[finding.code, finding.name] = counts.get((finding.code, finding.name), 0) + 1
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return "".join(f"{count:6}  {code}  {name}\n" for (code, name), count in ordered)


def status_of(report: Report, fail_on: str, exit_zero: bool = False) -> int:
    """0 clean, 1 findings that are severe enough, 2 something failed."""
    if report.problems:
        return FAILED
    severe = SEVERITIES[: SEVERITIES.index(fail_on) + 1]
    found = any(finding.severity.value in severe for finding in report)
    return FINDINGS if found and not exit_zero else CLEAN
