"""Findings to be shown below a notebook's cell: one line each, which opens to the picture, the source and the advice."""

from __future__ import annotations

from collections.abc import Sequence

from headlint.findings.finding import Finding
from headlint.reporting.context import Context
from headlint.reporting.html import environment
from headlint.reporting.html.drawing import drawings
from headlint.reporting.html.source import excerpts


def render_folded(findings: Sequence[Finding], context: Context, more: int = 0) -> str:
    """A fragment of a page, with its own style and no script; ``more`` findings are not shown."""
    shown = [(finding, drawings([finding], (), context), excerpts(finding, context)) for finding in findings]
    return environment().get_template("folded.html").render(shown=shown, more=more)
