"""``headlint baseline``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from headlint.cli.main import CLEAN, FAILED
from headlint.cli.options import DEFAULT_FILE, UsageError, add_configuration, add_rules, load, with_baseline
from headlint.cli.output import count, say_problems
from headlint.cli.progress import Progress
from headlint.cli.sources import Sources
from headlint.findings.finding import Finding, Report
from headlint.reporting.context import Context
from headlint.settings import ConfigurationError, Settings

if TYPE_CHECKING:
    from headlint.findings.finding import Entry
    from headlint.selection.baseline import Baseline


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``baseline``."""
    parser.add_argument(
        "action",
        choices=("write", "prune"),
        help="write: add what is found now, remove what is fixed; prune: remove what is fixed",
    )
    parser.add_argument("paths", nargs="*", default=["."], metavar="PATH", help="files and folders (.)")
    parser.add_argument(
        "--baseline",
        dest="file",
        default="",
        metavar="FILE",
        help=f"the baseline (the one of the settings, else {DEFAULT_FILE})",
    )
    add_rules(parser)
    add_configuration(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the baseline, and give the exit status."""
    try:
        return _run(arguments)
    except (UsageError, ConfigurationError) as error:
        sys.stderr.write(f"headlint: {error}\n")
        return FAILED


def _run(arguments: argparse.Namespace) -> int:
    from headlint.selection.baseline import Baseline, read_baseline

    start = Path(arguments.paths[0])
    configured = load(arguments, start)
    settings = with_baseline(configured, arguments.file, start)
    file = settings.root / settings.baseline
    is_new = arguments.action == "write" and not file.exists()
    baseline = Baseline(file) if is_new else read_baseline(file)
    report = _check(arguments, replace(settings, baseline="" if is_new else str(file)))
    context = _context()
    kept = baseline.without(entry.fingerprint for entry in report.stale)
    entries = _with_found(baseline, kept, report, context) if arguments.action == "write" else kept
    if is_new or set(entries) != set(baseline.entries):
        baseline.write(entries)
    added = f"{len(report.findings)} new, " if arguments.action == "write" else ""
    print(f"{context.shown(str(file))}: {count(len(entries), 'finding')} ({added}{len(report.stale)} taken out).")
    if is_new and not configured.baseline:
        print(f'Use it with `headlint check --baseline`, or for good with baseline = "{file.name}" in the settings.')
    say_problems(report.problems)
    return FAILED if report.problems else CLEAN


def accept(file: Path, findings: Iterable[Finding]) -> None:
    """Write a new baseline that holds these findings.

    Raises:
        ConfigurationError: the system refuses it.
    """
    from headlint.selection.baseline import Baseline

    baseline = Baseline(file)
    baseline.write(baseline.entries_of(sorted(findings, key=Finding.sort_key), _context().text_of))


def beside_the_baseline(report: Report) -> str:
    """What is said beside a report in every format: what the baseline hides, and what it need not hold any more."""
    said = ""
    if report.known:
        said += f"Known from the baseline and not shown: {len(report.known)}.\n"
    if report.stale:
        said += f"Stale in the baseline: {len(report.stale)}; `headlint baseline prune` removes what is fixed.\n"
    return said


def _check(arguments: argparse.Namespace, settings: Settings) -> Report:
    from headlint.run.session import check_paths

    with Progress() as progress:
        return check_paths([Path(path) for path in arguments.paths], settings, progress)


def _context() -> Context:
    sources = Sources()
    return Context(Path.cwd(), sources=sources.text, cell_sources=sources.cell)


def _with_found(baseline: Baseline, kept: tuple[Entry, ...], report: Report, context: Context) -> tuple[Entry, ...]:
    """The entries that are kept and those of all that is found, known or new."""
    findings = sorted((*report.findings, *report.known), key=Finding.sort_key)
    found = baseline.entries_of(findings, context.text_of)
    names = {entry.fingerprint for entry in found}
    return (*found, *(entry for entry in kept if entry.fingerprint not in names))
