"""``headlint check`` with ``--fix`` or ``--add-suppressions``: the files are changed, and what is left is reported."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from headlint.cli.baseline import beside_the_baseline
from headlint.cli.main import FAILED, FINDINGS
from headlint.cli.options import UsageError
from headlint.cli.output import context_of, count, rendered, say_problems, show, write, write_bytes
from headlint.cli.status import status_of
from headlint.settings import Settings

if TYPE_CHECKING:
    from headlint.fixes import FixOutcome


def add_changing(parser: argparse.ArgumentParser) -> None:
    """``--fix``, ``--unsafe-fixes``, ``--add-suppressions`` and ``--diff``."""
    changing = parser.add_argument_group("changing the files")
    changing.add_argument("--fix", action="store_true", help="apply the safe fixes")
    changing.add_argument(
        "--unsafe-fixes", action="store_true", help="with --fix: also those that change what the program gives"
    )
    changing.add_argument(
        "--add-suppressions", action="store_true", help="instead: write comments that suppress the findings"
    )
    changing.add_argument("--diff", action="store_true", help="show the changes, and change nothing")


def wants_change(arguments: argparse.Namespace) -> bool:
    """Whether files are to be changed, or it is to be shown how."""
    return bool(arguments.fix or arguments.unsafe_fixes or arguments.add_suppressions or arguments.diff)


def change(arguments: argparse.Namespace, settings: Settings) -> int:
    """Change the files, report what is left, and give the exit status.

    Raises:
        UsageError: this cannot be done.
    """
    if arguments.confirm:
        raise UsageError("--confirm measures what is found; run it without --fix, --add-suppressions and --diff")
    if arguments.add_suppressions:
        return _add_suppressions(arguments, settings)
    if arguments.paths == ["-"]:
        return _fix_standard_input(arguments, settings)
    from headlint.fixes import apply_fixes

    paths = [Path(path) for path in arguments.paths]
    outcome = apply_fixes(paths, settings, arguments.unsafe_fixes, arguments.diff, Path.cwd())
    if arguments.diff:
        _show_diff(outcome.diff)
    else:
        show(arguments, outcome.report, context_of(arguments, settings))
    return _after_fixing(arguments, settings, outcome)


def _fix_standard_input(arguments: argparse.Namespace, settings: Settings) -> int:
    """Give the fixed text on standard output, so what is left to say goes to standard error."""
    from headlint.fixes import apply_fixes_to_source
    from headlint.source.document import UnreadableError, decode

    given, name = sys.stdin.buffer.read(), arguments.stdin_filename or "<stdin>"
    try:
        outcome, fixed = apply_fixes_to_source(given, name, settings, arguments.unsafe_fixes, Path.cwd())
    except UnreadableError as error:
        raise UsageError(f"{name}: {error}") from None
    if arguments.diff:
        _show_diff(outcome.diff)
    else:
        write_bytes(fixed)
    left = rendered(arguments, outcome.report, context_of(arguments, settings, decode(fixed)))
    if arguments.output is not None:
        write(arguments.output, left)
    elif not arguments.diff and (outcome.report.findings or outcome.report.problems):
        sys.stderr.write(left)
    return _after_fixing(arguments, settings, outcome)


def _after_fixing(arguments: argparse.Namespace, settings: Settings, outcome: FixOutcome) -> int:
    """Say what was done; a diff that is not empty counts as a finding."""
    say_problems(outcome.problems)
    done = "would be fixed" if arguments.diff else "fixed"
    sys.stderr.write(f"{count(len(outcome.fixes), 'finding')} {done} in {count(len(outcome.files), 'file')}.\n")
    sys.stderr.write(beside_the_baseline(outcome.report))
    status = FAILED if outcome.problems else status_of(outcome.report, settings.fail_on, arguments.exit_zero)
    if arguments.diff and outcome.diff and not arguments.exit_zero:
        return max(status, FINDINGS)
    return status


def _add_suppressions(arguments: argparse.Namespace, settings: Settings) -> int:
    """Write the comments, or show what they would be."""
    if arguments.paths == ["-"]:
        raise UsageError("comments cannot be written into standard input; give a file")
    if arguments.fix or arguments.unsafe_fixes:
        raise UsageError("--fix and --add-suppressions are two steps: fix first, then suppress what is left")
    from headlint.fixes.suppressing import add_suppressions

    outcome = add_suppressions([Path(path) for path in arguments.paths], settings, arguments.diff)
    if arguments.diff:
        _show_diff(outcome.diff)
    else:
        show(arguments, outcome.report, context_of(arguments, settings))
    say_problems(outcome.problems)
    done = "would be suppressed" if arguments.diff else "suppressed"
    sys.stderr.write(f"{count(len(outcome.suppressed), 'finding')} {done} in {count(len(outcome.files), 'file')}.\n")
    if outcome.report.findings:
        sys.stderr.write(f"Not suppressed, because no comment can: {len(outcome.report)}.\n")
    sys.stderr.write(beside_the_baseline(outcome.report))
    return FAILED if outcome.problems else status_of(outcome.report, settings.fail_on, arguments.exit_zero)


def _show_diff(diff: str) -> None:
    write_bytes(diff.encode("utf-8", "surrogateescape"))
