"""``headlint confirm``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from headlint.cli.main import CLEAN, FAILED, FINDINGS
from headlint.cli.options import SEVERITIES, UsageError, add_colour, add_configuration, load, wants_colour
from headlint.cli.sources import Sources, drawer
from headlint.findings import Finding, Problem
from headlint.reporting import CONFIRMATION_FORMATS, render_confirmations
from headlint.reporting.concise import problem_line
from headlint.reporting.context import Context
from headlint.runtime.confirm import Confirmation, Workers, confirm_path, give_notice, measured
from headlint.runtime.measurement import Failure
from headlint.runtime.options import add_building_options, add_target_options, wanted_of
from headlint.runtime.targets import split_target
from headlint.runtime.verdicts import Outcome
from headlint.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``confirm``."""
    parser.add_argument(
        "targets",
        nargs="+",
        metavar="PATH[::NAME]",
        help="files, or one model of a file: a class, function or variable",
    )
    add_target_options(parser)
    add_building_options(parser)
    parser.add_argument(
        "--output-format", choices=tuple(CONFIRMATION_FORMATS), default="text", help="how to write it (text)"
    )
    parser.add_argument(
        "--fail-on", choices=SEVERITIES, help="the least severity that makes the exit status 1 (warning)"
    )
    add_colour(parser)
    add_configuration(parser)


def run(arguments: argparse.Namespace) -> int:
    """Build, measure, and give the exit status."""
    try:
        settings = load(arguments, split_target(arguments.targets[0])[0])
    except UsageError as error:
        sys.stderr.write(f"headlint: {error}\n")
        return FAILED
    give_notice(settings.root)
    outcomes = list(_confirmed(arguments, settings))
    confirmations = [one for one in outcomes if isinstance(one, Confirmation)]
    problems = [one for one in outcomes if isinstance(one, Problem)]
    context = _context(arguments, settings, confirmations)
    sys.stdout.write(render_confirmations(arguments.output_format, confirmations, context))
    for problem in problems:
        sys.stderr.write(f"headlint: {problem_line(problem, context)}\n")
    if problems or any(one.target.named and isinstance(one.outcome, Failure) for one in confirmations):
        return FAILED
    return FINDINGS if _severe(confirmations, settings.fail_on) else CLEAN


def _context(arguments: argparse.Namespace, settings: Settings, confirmations: Sequence[Confirmation]) -> Context:
    sources = Sources()
    return Context(
        root=Path.cwd(),
        colour=wants_colour(arguments.color),
        sources=sources.text,
        verbose=arguments.verbose,
        fix_for=sources.fix,
        cell_sources=sources.cell,
        measured_for=measured(confirmations).get,
        draw=drawer({one.target.path for one in confirmations}, settings),
        confirmations=confirmations,
    )


def _confirmed(arguments: argparse.Namespace, settings: Settings) -> Iterable[Confirmation | Problem]:
    from headlint.heads import find_heads
    from headlint.session import check_paths

    wanted = wanted_of(arguments)
    with Workers(wanted) as workers:
        for text in arguments.targets:
            path = split_target(text)[0]
            if not path.is_file():
                yield Problem(
                    str(path), "is no file; confirm takes files, not folders" if path.is_dir() else "does not exist"
                )
                continue
            findings = check_paths([path], settings).findings
            heads, _ = find_heads([path], settings)
            yield from confirm_path(text, findings, heads, wanted, workers, settings.root)


def _severe(confirmations: Iterable[Confirmation], fail_on: str) -> bool:
    """Whether something severe enough was confirmed or found."""
    severe = SEVERITIES[: SEVERITIES.index(fail_on) + 1]
    told: list[Finding] = []
    for one in confirmations:
        told += one.found
        told += [finding for finding, verdict in one.verdicts if verdict.outcome is Outcome.CONFIRMED]
    return any(finding.severity.value in severe for finding in told)
