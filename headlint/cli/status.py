"""The exit status that findings make."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from headlint.cli.main import CLEAN, FAILED, FINDINGS
from headlint.findings.finding import Finding, Report

SEVERITIES = ("error", "warning", "advice")


def add_fail_on(parser: argparse._ActionsContainer) -> None:
    """``--fail-on``."""
    parser.add_argument(
        "--fail-on", choices=SEVERITIES, help="the lowest severity that makes the exit status 1 (warning)"
    )


def is_severe(findings: Iterable[Finding], fail_on: str) -> bool:
    """Whether any finding is at least as severe as ``fail_on``."""
    severe = SEVERITIES[: SEVERITIES.index(fail_on) + 1]
    return any(finding.severity.value in severe for finding in findings)


def status_of(report: Report, fail_on: str, exit_zero: bool = False) -> int:
    """0 clean, 1 findings that are severe enough, 2 something failed."""
    if report.problems:
        return FAILED
    return FINDINGS if is_severe(report, fail_on) and not exit_zero else CLEAN
