"""``headlint check``."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from headlint.cli.baseline import beside_the_baseline
from headlint.cli.changing import add_changing, change, wants_change
from headlint.cli.main import CLEAN, FAILED
from headlint.cli.options import UsageError, add_adoption, add_colour, add_configuration, add_rules, is_program, load
from headlint.cli.output import add_output, context_of, say_problems, show, skipped
from headlint.cli.progress import Progress
from headlint.cli.status import add_fail_on, status_of
from headlint.findings.finding import Report
from headlint.reporting.context import Context
from headlint.runtime.options import add_building_options, wanted_of
from headlint.settings import ConfigurationError, Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``check``."""
    parser.add_argument(
        "paths", nargs="*", default=[], metavar="PATH", help="files and folders (.), - for standard input"
    )
    parser.add_argument("--stdin-filename", metavar="NAME", help="the file name of standard input")
    rules = add_rules(parser)
    add_fail_on(rules)
    rules.add_argument("--exit-zero", action="store_true", help="exit with 0 even if there are findings")
    add_adoption(parser)
    output = add_output(parser)
    output.add_argument("--show-files", action="store_true", help="list the files that would be checked, and stop")
    add_colour(parser)
    add_changing(parser)
    parser.add_argument(
        "--confirm", action="store_true", help="build the models behind the findings and measure them (executes code)"
    )
    add_building_options(parser, "with --confirm")
    add_configuration(parser)
    parser.add_argument(
        "-j", "--jobs", type=int, metavar="N", help="number of processes (chosen by the amount of work)"
    )
    parser.add_argument("--no-cache", action="store_true", help="neither read nor write the cache")


def run(arguments: argparse.Namespace) -> int:
    """Check, and give the exit status."""
    try:
        return _run(arguments)
    except (UsageError, ConfigurationError) as error:
        sys.stderr.write(f"headlint: {error}\n")
        return FAILED


def _run(arguments: argparse.Namespace) -> int:
    _separate(arguments)
    start = Path(arguments.stdin_filename or ".") if arguments.paths == ["-"] else Path(arguments.paths[0])
    settings = load(arguments, start)
    if arguments.show_files:
        return _show_files(arguments, settings)
    if wants_change(arguments):
        return change(arguments, settings)
    report, standard_input = _check(arguments, settings)
    context = context_of(arguments, settings, standard_input)
    refuted = ""
    if arguments.confirm:
        report, context, refuted = _confirm(arguments, settings, report, context)
    show(arguments, report, context, refuted)
    sys.stderr.write(beside_the_baseline(report) + skipped(report, context))
    return status_of(report, settings.fail_on, arguments.exit_zero)


def _separate(arguments: argparse.Namespace) -> None:
    """Give back to the paths what the option before them took: in ``--baseline model.py`` that is not a baseline."""
    given = arguments.baseline
    if given and is_program(given):
        arguments.baseline, arguments.paths = "", [given, *arguments.paths]
    arguments.paths = arguments.paths or ["."]


def _check(arguments: argparse.Namespace, settings: Settings) -> tuple[Report, str | None]:
    from headlint.run.session import check_paths, check_source

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
    context = replace(context, measured_for=measured(confirmations).get, confirmations=confirmations)
    return report, context, refutations(confirmations, context)


def _show_files(arguments: argparse.Namespace, settings: Settings) -> int:
    from headlint.source.discovery import discover

    discovery = discover([Path(path) for path in arguments.paths], settings)
    for file in discovery.files:
        print(file)
    say_problems(discovery.problems)
    return FAILED if discovery.problems else CLEAN
