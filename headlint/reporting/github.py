"""Workflow commands of GitHub Actions: each finding becomes an annotation on the changed line.

Source: GitHub's documentation, "Workflow commands for GitHub Actions", for the commands and their escapes.
"""

from __future__ import annotations

from headlint.findings.finding import Finding, Problem, Report
from headlint.reporting.context import Context

_COMMANDS = {"error": "error", "warning": "warning", "advice": "notice"}


def render(report: Report, context: Context) -> str:
    """One command a finding and a problem."""
    lines = [_finding(finding, context) for finding in report]
    lines += [_problem(problem, context) for problem in report.problems]
    return "".join(f"{line}\n" for line in lines)


def _finding(finding: Finding, context: Context) -> str:
    place = finding.place
    text = f"{finding.message} {finding.advice}"
    if place.cell is not None:
        # Lines of a notebook's cell are no lines of the file: the annotation stands at its top and tells the cell.
        properties = {"file": context.shown(place.path), "title": f"{finding.code} {finding.name}"}
        text = f"cell {place.cell}, line {place.line}: {text}"
    else:
        properties = {"file": context.shown(place.path), "line": str(place.line), "endLine": str(place.end_line)}
        if place.line == place.end_line:  # GitHub knows columns of one line only
            properties |= {"col": str(place.column), "endColumn": str(place.end_column)}
        properties["title"] = f"{finding.code} {finding.name}"
    return _command(_COMMANDS[finding.severity.value], properties, text)


def _problem(problem: Problem, context: Context) -> str:
    properties = {"file": context.shown(problem.path), "title": problem.code or "headlint"}
    if problem.line is not None and problem.cell is None:
        properties["line"] = str(problem.line)
    return _command("error", properties, problem.message)


def _command(name: str, properties: dict[str, str], text: str) -> str:
    listed = ",".join(f"{key}={_escaped(value, ':,')}" for key, value in properties.items())
    return f"::{name} {listed}::{_escaped(text, '')}"


def _escaped(text: str, also: str) -> str:
    for character in "%\r\n" + also:
        text = text.replace(character, f"%{ord(character):02X}")
    return text
