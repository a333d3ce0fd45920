"""From a report to what people and machines read. Each format is a function ``render(report, context) -> str``."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import cast

from headlint.findings import Report
from headlint.reporting.context import Context

FORMATS = {
    "text": "headlint.reporting.text:render",
    "concise": "headlint.reporting.concise:render",
    "json": "headlint.reporting.json_format:render",
    "github": "headlint.reporting.github:render",
    "gitlab": "headlint.reporting.gitlab:render",
    "junit": "headlint.reporting.junit:render",
    "sarif": "headlint.reporting.sarif:render",
}
"""Every output format and the function that makes it."""


def render(name: str, report: Report, context: Context) -> str:
    """The report in the format of that name (a key of ``FORMATS``), ending with a line break unless it is empty."""
    module, _, function = FORMATS[name].partition(":")
    renderer = cast("Callable[[Report, Context], str]", getattr(import_module(module), function))
    return renderer(report, context)
