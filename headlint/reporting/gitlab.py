"""GitLab's Code Quality report: findings beside the lines of a merge request.

Source: GitLab's documentation, "Code Quality", section "Code Quality report format".
"""

from __future__ import annotations

import json

from headlint.findings.finding import Finding, Problem, Report
from headlint.findings.fingerprint import fingerprints
from headlint.reporting.context import Context

_SEVERITIES = {"error": "critical", "warning": "major", "advice": "info"}


def render(report: Report, context: Context) -> str:
    """A list with an entry for each finding and each problem."""
    names = fingerprints(report.findings, context.shown, context.text_of)
    entries = [_finding(finding, name, context) for finding, name in zip(report.findings, names, strict=True)]
    entries += [_problem(problem, context) for problem in report.problems]
    return json.dumps(entries, indent=2, ensure_ascii=False) + "\n"


def _finding(finding: Finding, fingerprint: str, context: Context) -> dict[str, object]:
    place = finding.place
    where = f"cell {place.cell}, line {place.line}: " if place.cell is not None else ""
    return {
        "description": f"{finding.code} {finding.name}: {where}{finding.message}",
        "check_name": finding.code,
        "fingerprint": fingerprint,
        "severity": _SEVERITIES[finding.severity.value],
        "location": {
            "path": context.shown(place.path),
            "lines": {"begin": place.line if place.cell is None else 1},
        },
    }


def _problem(problem: Problem, context: Context) -> dict[str, object]:
    path = context.shown(problem.path)
    return {
        "description": f"{problem.code} {problem.message}".strip(),
        "check_name": problem.code or "headlint",
        "fingerprint": f"{problem.code}:{path}:{problem.line}:{problem.message}",
        "severity": "blocker",
        "location": {"path": path, "lines": {"begin": problem.line if problem.line and problem.cell is None else 1}},
    }
