"""``headlint check --add-suppressions``."""

from __future__ import annotations

import argparse
from pathlib import Path

from headlint.cli.options import UsageError
from headlint.fixes import suppressing
from headlint.fixes.suppressing import SuppressionOutcome
from headlint.settings import Settings


def add_suppressions(arguments: argparse.Namespace, settings: Settings) -> SuppressionOutcome:
    """Write the comments, or with ``--diff`` only find out what they would be.

    Raises:
        UsageError: this cannot be done.
    """
    if arguments.paths == ["-"]:
        raise UsageError("comments cannot be written into standard input; give a file")
    if arguments.fix or arguments.unsafe_fixes:
        raise UsageError("--fix and --add-suppressions are two steps: mend first, then suppress what is left")
    return suppressing.add_suppressions([Path(path) for path in arguments.paths], settings, arguments.diff)


def summary(outcome: SuppressionOutcome, diff: bool) -> str:
    """What was done, and what could not be."""
    suppressed, files = len(outcome.suppressed), len(outcome.files)
    findings = f"{suppressed} finding{'' if suppressed == 1 else 's'} {'would be ' if diff else ''}suppressed"
    lines = [f"{findings} in {files} file{'' if files == 1 else 's'}."]
    if outcome.report.findings:
        lines.append(f"Not suppressed, because no comment can: {len(outcome.report)}.")
    lines += [f"headlint: {problem.path}: {problem.message}" for problem in outcome.problems]
    return "".join(f"{line}\n" for line in lines)
