"""How many findings there are, in words."""

from __future__ import annotations

from headlint.findings.finding import Report, Severity

_NOUNS = {
    Severity.ERROR: ("error", "errors"),
    Severity.WARNING: ("warning", "warnings"),
    Severity.ADVICE: ("piece of advice", "pieces of advice"),
}


def summary(report: Report) -> str:
    """``Found 2 errors and 1 warning in 2 of 9 files.``"""
    if not report.findings:
        return f"No findings in {counted(report.files, 'file')}."
    numbers = by_severity(report)
    parts = [f"{number} {_NOUNS[severity][number != 1]}" for severity, number in numbers.items() if number]
    found = " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
    places = len({finding.place.path for finding in report})
    return f"Found {found} in {places} of {counted(report.files, 'file')}."


def by_severity(report: Report) -> dict[Severity, int]:
    """The number of findings of each severity, the worst first."""
    return {severity: sum(finding.severity is severity for finding in report) for severity in Severity}


def counted(number: int, noun: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
