"""What is shown over a finding: what happens, the way of the value, and the rule's page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from headlint.findings.finding import Confidence, Finding, Place
from headlint.findings.rulebook import find_rule


def hover_text(findings: Iterable[Finding], uri_of: Callable[[Place], str]) -> str:
    """Markdown about some findings."""
    return "\n\n---\n\n".join(_about(finding, uri_of) for finding in findings)


def _about(finding: Finding, uri_of: Callable[[Place], str]) -> str:
    sure = "likely " if finding.confidence is Confidence.LIKELY else ""
    parts = [
        f"**{finding.code} {finding.name}** ({sure}{finding.severity.value})",
        finding.message,
        f"**Help:** {finding.advice}",
        "\n".join(
            f"{number}. {_link(step.place, uri_of)}: {step.note}" for number, step in enumerate(finding.trail, 1)
        ),
    ]
    rule = find_rule(finding.code)
    if rule is not None:
        parts += ["---", *(f"### {title}\n\n{text}" for title, text in rule.sections.items())]
    return "\n\n".join(part for part in parts if part)


def _link(place: Place, uri_of: Callable[[Place], str]) -> str:
    cell = f", cell {place.cell}" if place.cell is not None else ""
    return f"[{Path(place.path).name}{cell}, line {place.line}]({uri_of(place)}#L{place.line})"
