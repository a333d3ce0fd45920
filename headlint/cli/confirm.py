"""``headlint confirm``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from headlint.cli.main import CLEAN, FAILED, FINDINGS
from headlint.cli.options import UsageError, add_colour, add_configuration, load, wants_colour
from headlint.cli.output import say_problems, write
from headlint.cli.sources import Sources, drawer
from headlint.cli.status import add_fail_on, is_severe
from headlint.findings.finding import Finding, Problem
from headlint.reporting import CONFIRMATION_FORMATS, render_confirmations
from headlint.reporting.context import Context
from headlint.runtime.confirm import Confirmation, Workers, confirm_path, give_notice, measured
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
    parser.add_argument(
        "--output-format", choices=tuple(CONFIRMATION_FORMATS), default="text", help="how to write it (text)"
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write it to a file")
    add_fail_on(parser)
    add_colour(parser)
    add_configuration(parser)


def run(arguments: argparse.Namespace) -> int:
    """Build, measure, and give the exit status."""
    try:
        return _run(arguments)
    except UsageError as error:
        sys.stderr.write(f"headlint: {error}\n")
        return FAILED


def _run(arguments: argparse.Namespace) -> int:
    targets = [split_target(text) for text in arguments.targets]
    settings = replace(load(arguments, targets[0][0]), baseline="")
    _refuse_several(arguments, targets)
    give_notice(settings.root)
    outcomes = list(_confirmed(targets, wanted_of(arguments), settings))
    confirmations = [one for one in outcomes if isinstance(one, Confirmation)]
    problems = [one for one in outcomes if isinstance(one, Problem)]
    context = _context(arguments, settings, confirmations)
    write(arguments.output, render_confirmations(arguments.output_format, confirmations, context))
    say_problems(problems)
    if problems or any(one.target.named and one.failure is not None for one in confirmations):
        return FAILED
    if not confirmations:
        sys.stderr.write("headlint: nothing to confirm: no findings in folders, and no models in files\n")
    return FINDINGS if is_severe(_told(confirmations), settings.fail_on) else CLEAN


def _context(arguments: argparse.Namespace, settings: Settings, confirmations: Sequence[Confirmation]) -> Context:
    sources = Sources()
    return Context(
        root=Path.cwd(),
        colour=arguments.output is None and wants_colour(arguments.color),
        sources=sources.text,
        verbose=arguments.verbose,
        fix_for=sources.fix,
        cell_sources=sources.cell,
        measured_for=measured(confirmations).get,
        draw=drawer({one.target.path for one in confirmations}, settings),
        confirmations=confirmations,
    )


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


def _told(confirmations: Iterable[Confirmation]) -> Iterator[Finding]:
    """What was confirmed, and what only the built models show."""
    for one in confirmations:
        yield from one.found
        yield from (finding for finding, verdict in one.verdicts if verdict.outcome is Outcome.CONFIRMED)
