"""What ``headlint check`` writes into the files: fixes, and comments that suppress."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from headlint.cli.options import UsageError
from headlint.cli.output import context_of, count, say_problems, say_what_the_baseline_hides, write
from headlint.findings import Problem, Report
from headlint.reporting import render
from headlint.settings import Settings

if TYPE_CHECKING:
    from headlint.fixes import FixOutcome
    from headlint.fixes.suppressing import SuppressionOutcome


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options for those who want their files changed."""
    changing = parser.add_argument_group("changing files")
    changing.add_argument("--fix", action="store_true", help="mend what can be mended safely")
    changing.add_argument(
        "--unsafe-fixes", action="store_true", help="with --fix: also where the program's output changes"
    )
    changing.add_argument(
        "--add-suppressions", action="store_true", help="write a comment that suppresses it beside each finding"
    )
    changing.add_argument("--diff", action="store_true", help="show what would be changed, and change nothing")


def wants_change(arguments: argparse.Namespace) -> bool:
    """Whether files are to be changed, or the changes to be shown."""
    return bool(arguments.fix or arguments.unsafe_fixes or arguments.add_suppressions or arguments.diff)


def change(arguments: argparse.Namespace, settings: Settings) -> tuple[Report, tuple[Problem, ...]]:
    """Change the files, and show what is left; the report of that, and the files that could not be changed.

    Raises:
        UsageError: this cannot be done.
    """
    if arguments.paths == ["-"]:
        raise UsageError("standard input cannot be changed; give a file")
    if arguments.add_suppressions and (arguments.fix or arguments.unsafe_fixes):
        raise UsageError("--fix and --add-suppressions are two steps: mend first, then suppress what is left")
    outcome, done = _suppressed(arguments, settings) if arguments.add_suppressions else _fixed(arguments, settings)
    if arguments.diff:
        sys.stdout.write(outcome.diff)
    else:
        write(arguments.output, render(arguments.output_format, outcome.report, context_of(arguments, settings)))
    sys.stderr.write(f"{done} in {count(len(outcome.files), 'file')}.\n")
    say_what_the_baseline_hides(outcome.report)
    say_problems(outcome.problems)
    return outcome.report, outcome.problems


def _fixed(arguments: argparse.Namespace, settings: Settings) -> tuple[FixOutcome, str]:
    from headlint.fixes import apply_fixes

    outcome = apply_fixes([Path(path) for path in arguments.paths], settings, arguments.unsafe_fixes, arguments.diff)
    return outcome, f"{count(len(outcome.fixes), 'finding')} {'would be mended' if arguments.diff else 'mended'}"


def _suppressed(arguments: argparse.Namespace, settings: Settings) -> tuple[SuppressionOutcome, str]:
    from headlint.fixes.suppressing import add_suppressions

    outcome = add_suppressions([Path(path) for path in arguments.paths], settings, arguments.diff)
    done = f"{count(len(outcome.suppressed), 'finding')} {'would be suppressed' if arguments.diff else 'suppressed'}"
    left = len(outcome.report)
    return outcome, f"{count(left, 'finding')} cannot be suppressed by a comment, {done}" if left else done
