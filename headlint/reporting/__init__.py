"""From a report to what people and machines read. Each format is a function ``render(report, context) -> str``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, cast

from headlint.findings.finding import Report
from headlint.reporting.context import Context

if TYPE_CHECKING:
    from headlint.runtime.confirm import Confirmation

FORMATS = {
    "text": "headlint.reporting.text:render",
    "concise": "headlint.reporting.concise:render",
    "json": "headlint.reporting.json_format:render",
    "github": "headlint.reporting.github:render",
    "gitlab": "headlint.reporting.gitlab:render",
    "junit": "headlint.reporting.junit:render",
    "sarif": "headlint.reporting.sarif:render",
    "html": "headlint.reporting.html:render",
}
"""Every output format and the function that makes it."""

CONFIRMATION_FORMATS = {
    "text": "headlint.reporting.confirmation:render_text",
    "json": "headlint.reporting.confirmation:render_json",
    "html": "headlint.reporting.html:render_confirmations",
}
"""Every way to write what came of building models, and the function that makes it."""


def render(name: str, report: Report, context: Context) -> str:
    """The report in the format of that name (a key of ``FORMATS``), ending with a line break unless it is empty."""
    renderer = cast("Callable[[Report, Context], str]", _function(FORMATS[name]))
    return renderer(report, context)


def render_confirmations(name: str, confirmations: Sequence[Confirmation], context: Context) -> str:
    """What came of building models, in the format of that name (a key of ``CONFIRMATION_FORMATS``)."""
    renderer = cast("Callable[[Sequence[Confirmation], Context], str]", _function(CONFIRMATION_FORMATS[name]))
    return renderer(confirmations, context)


def _function(path: str) -> object:
    module, _, name = path.partition(":")
    function: object = getattr(import_module(module), name)
    return function
