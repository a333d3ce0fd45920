"""``headlint check``."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from headlint.cli.main import CLEAN, FAILED, FINDINGS
from headlint.cli.options import SEVERITIES, UsageError, add_colour, add_configuration, load, wants_colour
from headlint.cli.sources import Sources, drawer
from headlint.findings import Report
from headlint.reporting import FORMATS, render
from headlint.reporting.context import Context
from headlint.runtime.options import add_building_options, wanted_of
from headlint.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``check``."""
    parser.add_argument(
        "paths", nargs="*", default=["."], metavar="PATH", help="files and folders (.), - for standard input"
    )
    parser.add_argument("--stdin-filename", metavar="NAME", help="the name that standard input goes by")
    rules = parser.add_argument_group("rules")
    rules.add_argument("--select", metavar="RULES", help="only these: codes, prefixes or names, with commas")
    rules.add_argument("--extend-select", metavar="RULES", help="these as well")
    rules.add_argument("--ignore", metavar="RULES", help="all but these")
    rules.add_argument(
        "--fail-on", choices=SEVERITIES, help="the least severity that makes the exit status 1 (warning)"
    )
    rules.add_argument("--exit-zero", action="store_true", help="exit with 0 even when there are findings")
    output = parser.add_argument_group("output")
    output.add_argument("--output-format", choices=tuple(FORMATS), default="text", help="how to write findings (text)")
    output.add_argument("-o", "--output", type=Path, metavar="FILE", help="write them to a file")
    output.add_argument("--statistics", action="store_true", help="count the findings of each rule")
    output.add_argument("--show-files", action="store_true", help="list the files that would be checked, and stop")
    add_colour(parser)
    fixing = parser.add_argument_group("fixing")
    fixing.add_argument("--fix", action="store_true", help="mend what can be mended safely")
    fixing.add_argument(
        "--unsafe-fixes", action="store_true", help="with --fix: also where the program's output changes"
    )
    fixing.add_argument("--diff", action="store_true", help="show what --fix would change, and change nothing")
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
    except UsageError as error:
        sys.stderr.write(f"headlint: {error}\n")
        return FAILED


def _run(arguments: argparse.Namespace) -> int:
    start = Path(arguments.stdin_filename or ".") if arguments.paths == ["-"] else Path(arguments.paths[0])
    settings = load(arguments, start)
    if arguments.show_files:
        return _show_files(arguments, settings)
    if arguments.fix or arguments.unsafe_fixes or arguments.diff:
        return _fix(arguments, settings)
    report, standard_input = _check(arguments, settings)
    context = _context(arguments, settings, standard_input)
    refuted = ""
    if arguments.confirm:
        report, context, refuted = _confirm(arguments, settings, report, context)
    text = render(arguments.output_format, report, context)
    if arguments.output_format == "text":
        text += refuted
    if arguments.statistics and arguments.output_format == "json":
        sys.stderr.write(_statistics(report))
    elif arguments.statistics:
        text += _statistics(report)
    _write(arguments.output, text)
    return status_of(report, settings.fail_on, arguments.exit_zero)


def _check(arguments: argparse.Namespace, settings: Settings) -> tuple[Report, str | None]:
    from headlint.session import check_paths, check_source

    if arguments.paths == ["-"]:
        text = sys.stdin.buffer.read().decode("utf-8", "replace")
        return check_source(text, arguments.stdin_filename or "<stdin>", settings), text
    with _Progress() as progress:
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
    for problem in discovery.problems:
        sys.stderr.write(f"headlint: {problem.path}: {problem.message}\n")
    return FAILED if discovery.problems else CLEAN


def _fix(arguments: argparse.Namespace, settings: Settings) -> int:
    from headlint.fixes import apply_fixes

    if arguments.paths == ["-"]:
        raise UsageError("standard input cannot be mended; give a file")
    outcome = apply_fixes([Path(path) for path in arguments.paths], settings, arguments.unsafe_fixes, arguments.diff)
    if arguments.diff:
        sys.stdout.write(outcome.diff)
    else:
        _write(arguments.output, render(arguments.output_format, outcome.report, _context(arguments, settings, None)))
    done = "would be mended" if arguments.diff else "mended"
    files = f"{len(outcome.files)} file{'' if len(outcome.files) == 1 else 's'}"
    sys.stderr.write(f"{len(outcome.fixes)} finding{'' if len(outcome.fixes) == 1 else 's'} {done} in {files}.\n")
    for problem in outcome.problems:
        sys.stderr.write(f"headlint: {problem.path}: {problem.message}\n")
    return FAILED if outcome.problems else status_of(outcome.report, settings.fail_on, arguments.exit_zero)


def _context(arguments: argparse.Namespace, settings: Settings, standard_input: str | None) -> Context:
    import shutil

    sources = Sources({arguments.stdin_filename or "<stdin>": standard_input} if standard_input is not None else {})
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


def _write(file: Path | None, text: str) -> None:
    if file is None:
        sys.stdout.write(text)
        return
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}") from None


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


class _Progress:
    """A bar on a terminal, for runs that take longer than a second."""

    def __enter__(self) -> Callable[[int, int], None] | None:
        self._started = time.monotonic()
        self._bar: object = None
        return self._advance if sys.stderr.isatty() else None

    def _advance(self, done: int, total: int) -> None:
        from rich.progress import Progress

        if self._bar is None and time.monotonic() - self._started > 1:
            from rich.console import Console

            self._bar = Progress(console=Console(stderr=True), transient=True)
            self._bar.start()
            self._task = self._bar.add_task("checking", total=total)
        if isinstance(self._bar, Progress):
            self._bar.update(self._task, completed=done, total=total)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()  # type: ignore[attr-defined]
