"""One line a finding, as editors and scripts like it."""

from __future__ import annotations

from headlint.findings.finding import Place, Problem, Report
from headlint.reporting.context import Context


def render(report: Report, context: Context) -> str:
    """The report, one line for each finding and each problem."""
    lines = [
        f"{position(finding.place, context)}: {finding.code} [{finding.severity.value}] {finding.message}"
        for finding in report
    ]
    lines += [problem_line(problem, context) for problem in report.problems]
    return "".join(f"{line}\n" for line in lines)


def position(place: Place, context: Context) -> str:
    """``path:line:column``, in notebooks ``path:cell 3:line:column``."""
    cell = f"cell {place.cell}:" if place.cell is not None else ""
    return f"{context.shown(place.path)}:{cell}{place.line}:{place.column}"


def problem_line(problem: Problem, context: Context) -> str:
    """A problem in one line."""
    where = context.shown(problem.path)
    if problem.cell is not None:
        where += f":cell {problem.cell}"
    if problem.line is not None:
        where += f":{problem.line}:{problem.column or 1}"
    return f"{where}: {problem.code + ' ' if problem.code else ''}{problem.message}"
