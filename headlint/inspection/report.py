"""What ``headlint.inspect`` gives: findings and the figures that they rest on."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

from headlint.findings.finding import Finding, Severity
from headlint.inspection.facts import Facts
from headlint.inspection.places import source_text
from headlint.reporting.context import Context

MOST_NAMES = 5
"""Parameters that are named in one line."""


class InspectionError(Exception):
    """A model in which something was found, where that was to stop the training."""

    def __init__(self, report: InspectionReport) -> None:
        super().__init__(str(report))
        self.report = report


@dataclass(frozen=True, slots=True)
class InspectionReport:
    """The findings about a live model, the worst first, and what was measured on it."""

    findings: tuple[Finding, ...]
    facts: Facts

    @property
    def ok(self) -> bool:
        """Whether the loss could be computed, there is no error and no warning, and the optimizer holds every
        parameter that is to be trained. Advice leaves it true."""
        sound = not self.facts.error and not self.facts.not_in_optimizer
        return sound and all(finding.severity is Severity.ADVICE for finding in self.findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __bool__(self) -> bool:
        """A report is true, also one without findings: ask ``ok``."""
        return True

    def without(self, codes: Collection[str]) -> InspectionReport:
        """The same report without the findings of some rules."""
        return replace(self, findings=tuple(one for one in self.findings if one.code not in codes))

    def __str__(self) -> str:
        from headlint.reporting.text import block

        parts = [*self.figures(), *("\n" + block(finding, _context()) for finding in self.findings)]
        return "\n".join(parts)

    def __repr__(self) -> str:
        """The report itself, so that a failing ``assert report.ok`` shows it."""
        return f"<headlint report>\n{self}"

    def _repr_html_(self) -> str:
        from headlint.reporting.html.folded import render_folded

        first, *others = self.figures()
        rows = "".join(f"<div>{escape(line)}</div>" for line in others)
        figures = f"<div><b>{escape(first)}</b></div><div style='opacity:.75;margin:.2em 0 .4em'>{rows}</div>"
        return figures + (render_folded(self.findings, _context()) if self.findings else "")

    def figures(self) -> list[str]:
        """What was measured, a line each."""
        facts = self.facts
        found = f"{len(self.findings)} finding{'s' if len(self.findings) != 1 else ''}"
        lines = [f"{facts.model}: {found if self.findings else 'nothing found'} ({facts.seconds:.2f} s)"]
        for output in facts.outputs:
            made = f", made by {output.activation}" if output.activation else ""
            shape = ", ".join(map(str, output.shape))
            lines.append(f"  output ({shape}) {output.extent}{made}")
        if facts.loss is not None:
            lines.append(f"  loss at the start {facts.loss:.4g}{_chance(facts)}")
        if facts.error:
            lines.append(f"  the loss could not be computed: {facts.error}")
        for said, names in (
            ("the loss gives no gradient to", facts.without_gradient if facts.loss_differentiable else ()),
            ("the optimizer does not hold", facts.not_in_optimizer),
        ):
            if names:
                more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
                lines.append(f"  {said} {', '.join(names[:MOST_NAMES])}{more}")
        for name, losses in (("", facts.written), (" after the fix", facts.fixed)):
            if len(losses) > 1:
                lines.append(
                    f"  loss of one batch in {len(losses) - 1} steps{name}: {losses[0]:.4g} to {losses[-1]:.4g}"
                )
        return lines


def _chance(facts: Facts) -> str:
    """What an untrained classifier has, beside one loss that is a cross entropy."""
    if len(facts.losses) != 1:
        return ""
    taken = facts.losses[0]
    match taken.family:
        case "cross_entropy" | "sparse_cross_entropy" | "nll" if taken.prediction.classes > 1:
            classes = taken.prediction.classes
            return f"; an untrained classifier of {classes} classes has log {classes} = {math.log(classes):.4g}"
        case "binary_cross_entropy":
            return f"; an untrained classifier of two classes has log 2 = {math.log(2):.4g}"
    return ""


def _context() -> Context:
    return Context(root=Path.cwd(), width=100, sources=source_text)
