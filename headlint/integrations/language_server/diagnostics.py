"""From findings to the protocol's diagnostics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lsprotocol import types
from pygls.workspace import PositionCodec

from headlint.findings.finding import Confidence, Finding, Place, Problem, Severity, rule_url
from headlint.findings.rulebook import find_rule
from headlint.integrations.language_server.ranges import range_of
from headlint.integrations.language_server.requests import Lines

SOURCE = "headlint"

_SEVERITIES = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.ADVICE: types.DiagnosticSeverity.Information,
}


@dataclass(frozen=True, slots=True)
class Presenter:
    """Shows findings to a client: where places are for it, and whether it knows related places."""

    lines: Lines
    codec: PositionCodec
    uri_of: Callable[[Place], str]
    related: bool = True

    def range(self, place: Place) -> types.Range:
        """The range of a place."""
        return range_of(place, self.lines, self.codec)

    def diagnostic(self, finding: Finding) -> types.Diagnostic:
        """A finding, with its trail as related places."""
        likely = " (likely)" if finding.confidence is Confidence.LIKELY else ""
        return types.Diagnostic(
            range=self.range(finding.place),
            severity=_SEVERITIES[finding.severity],
            code=finding.code,
            code_description=types.CodeDescription(href=finding.url),
            source=SOURCE,
            message=f"{finding.message}{likely}\n{finding.advice}",
            related_information=self._trail(finding) if self.related else None,
            data={"name": finding.name, "confidence": finding.confidence.value},
        )

    def _trail(self, finding: Finding) -> list[types.DiagnosticRelatedInformation]:
        return [
            types.DiagnosticRelatedInformation(
                types.Location(self.uri_of(step.place), self.range(step.place)), step.note
            )
            for step in finding.trail
        ]

    def problem(self, problem: Problem) -> types.Diagnostic:
        """A text that could not be analysed: said softly, since the editor's Python support says loudly what is wrong."""
        rule = find_rule(problem.code)
        before = problem.source_line[: (problem.column or 1) - 1]
        start = types.Position((problem.line or 1) - 1, self.codec.client_num_units(before))
        return types.Diagnostic(
            range=types.Range(start, types.Position(start.line, start.character + 1)),
            severity=types.DiagnosticSeverity.Information,
            code=problem.code,
            code_description=types.CodeDescription(rule_url(rule.code, rule.name)) if rule is not None else None,
            source=SOURCE,
            message=f"Not analysed: {problem.message}",
        )


def place_of(problem: Problem) -> Place:
    """The place of a problem; the beginning of its file where nothing is known."""
    line, column = problem.line or 1, problem.column or 1
    return Place(problem.path, line, column, line, column, problem.cell)
