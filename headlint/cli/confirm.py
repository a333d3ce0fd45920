"""``headlint confirm``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from headlint.cli.main import CLEAN, FAILED, FINDINGS
from headlint.cli.options import SEVERITIES, UsageError, add_colour, add_configuration, load, wants_colour
from headlint.findings import Finding, Problem
from headlint.reporting.concise import problem_line
from headlint.reporting.confirmation import render_json, render_text
from headlint.reporting.context import Context
from headlint.runtime.confirm import Confirmation, Workers, confirm_path, give_notice
from headlint.runtime.options import Wanted, add_building_options, add_target_options, wanted_of
from headlint.runtime.targets import split_target
from headlint.runtime.verdicts import Outcome
from headlint.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``confirm``."""
    parser.add_argument(
        "targets",
        nargs="*",
        default=["."],
        metavar="PATH[::NAME]",
        help="files (all of their models), one model of a file (a class, function or variable), or folders (the models "
        "behind their findings); the current folder if none is given",
    )
    add_target_options(parser)
    add_building_options(parser)
    parser.add_argument("--output-format", choices=("text", "json"), default="text", help="how to write it (text)")
    parser.add_argument(
        "--fail-on", choices=SEVERITIES, help="the least severity that makes the exit status 1 (warning)"
    )
    add_colour(parser)
    add_configuration(parser)


def run(arguments: argparse.Namespace) -> int:
    """Build, measure, and give the exit status."""
    targets = [split_target(text) for text in arguments.targets]
    try:
        settings = load(arguments, targets[0][0])
        _refuse_several(arguments, targets)
    except UsageError as error:
        sys.stderr.write(f"headlint: {error}\n")
        return FAILED
    give_notice(settings.root)
    outcomes = list(_confirmed(targets, wanted_of(arguments), settings))
    context = Context(root=Path.cwd(), colour=wants_colour(arguments.color), verbose=arguments.verbose)
    confirmations = [one for one in outcomes if isinstance(one, Confirmation)]
    problems = [one for one in outcomes if isinstance(one, Problem)]
    render = render_json if arguments.output_format == "json" else render_text
    sys.stdout.write(render(confirmations, context))
    for problem in problems:
        sys.stderr.write(f"headlint: {problem_line(problem, context)}\n")
    if problems or any(one.target.named and one.failure is not None for one in confirmations):
        return FAILED
    if not confirmations:
        sys.stderr.write("headlint: nothing to confirm: no findings in folders, and no models in files\n")
    return FINDINGS if _severe(confirmations, settings.fail_on) else CLEAN


def _refuse_several(arguments: argparse.Namespace, targets: list[tuple[Path, str]]) -> None:
    """Stop where options that are about one model would be taken for several.

    Raises:
        UsageError: so it is.
    """
    about_one = {
        "--init": arguments.init,
        "--input": arguments.inputs,
        "--output-shape": arguments.output_shape,
        "--loss": arguments.loss,
    }
    given = [option for option, value in about_one.items() if value]
    if given and (len(targets) > 1 or targets[0][0].is_dir()):
        raise UsageError(f"{given[0]} is about one model; name it: PATH::NAME")


def _confirmed(targets: list[tuple[Path, str]], wanted: Wanted, settings: Settings) -> Iterator[Confirmation | Problem]:
    with Workers(wanted) as workers:
        for path, name in targets:
            if not path.exists():
                yield Problem(str(path), "does not exist")
            elif path.is_dir() and name:
                yield Problem(str(path), f"is a folder; name the file that holds {name}")
            else:
                yield from confirm_path(path, name, settings, wanted, workers)
        yield from workers.problems


def _severe(confirmations: Iterable[Confirmation], fail_on: str) -> bool:
    """Whether something severe enough was confirmed or found."""
    severe = SEVERITIES[: SEVERITIES.index(fail_on) + 1]
    told: list[Finding] = []
    for one in confirmations:
        told += one.found
        told += [finding for finding, verdict in one.verdicts if verdict.outcome is Outcome.CONFIRMED]
    return any(finding.severity.value in severe for finding in told)
