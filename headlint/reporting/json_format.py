"""JSON, versioned; ``findings.schema.json`` beside this file describes it."""

from __future__ import annotations

import json

from msgspec import structs

from headlint.findings.finding import Finding, Place, Problem, Report
from headlint.reporting.context import Context

VERSION = 1
"""Changes when a field changes its meaning or goes; new fields may come at any time."""


def render(report: Report, context: Context) -> str:
    """The report as JSON."""
    content = {
        "version": VERSION,
        "findings": [_finding(finding, context) for finding in report],
        "errors": [_problem(problem, context) for problem in report.problems],
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _finding(finding: Finding, context: Context) -> dict[str, object]:
    fix, measured = context.fix(finding), context.measured(finding)
    return {
        "code": finding.code,
        "name": finding.name,
        "severity": finding.severity.value,
        "confidence": finding.confidence.value,
        "message": finding.message,
        "advice": finding.advice,
        **_place(finding.place, context),
        "model": finding.model,
        "trail": [
            {**_place(step.place, context), "role": step.role, "name": step.name, "note": step.note}
            for step in finding.trail
        ],
        "fix": {"title": fix.title, "safe": fix.safe, "reason": fix.reason} if fix is not None else None,
        "measured": structs.asdict(measured) if measured is not None else None,
        "url": finding.url,
    }


def _place(place: Place, context: Context) -> dict[str, object]:
    return {
        "path": context.shown(place.path),
        "cell": place.cell,
        "line": place.line,
        "column": place.column,
        "end_line": place.end_line,
        "end_column": place.end_column,
    }


def _problem(problem: Problem, context: Context) -> dict[str, object]:
    return {
        "path": context.shown(problem.path),
        "code": problem.code,
        "message": problem.message,
        "line": problem.line,
        "column": problem.column,
        "cell": problem.cell,
    }
