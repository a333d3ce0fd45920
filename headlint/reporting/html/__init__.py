"""One page that people look at: findings by model, each model drawn, the source with the way of the value.

The page holds all it needs: it asks the network for nothing, and its policy forbids it to. Without scripts it can be
read as a whole; they only filter, search and switch the colours. Whatever comes from the checked program is escaped.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from headlint.findings.finding import Report
from headlint.reporting.concise import position, problem_line
from headlint.reporting.context import Context
from headlint.reporting.html.page import page_of
from headlint.reporting.summary import by_severity, counted, summary

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

    from headlint.runtime.confirm import Confirmation

_BREAKS = re.compile(r"(?<=[/_])|(?<=[a-z])(?=[A-Z])")


def render(report: Report, context: Context) -> str:
    """The report as a page."""
    page = page_of(report, context)
    template = environment().get_template("page.html")
    return template.render(
        page=page,
        report=report,
        context=context,
        numbers=by_severity(report),
        summary=summary(report),
        position=lambda place: position(place, context),
        problem_line=lambda problem: problem_line(problem, context),
    )


def render_confirmations(confirmations: Sequence[Confirmation], context: Context) -> str:
    """What came of building models, as a page; ``context`` holds the same confirmations."""
    findings = [
        finding for one in confirmations for finding, verdict in one.verdicts if verdict.outcome.value != "refuted"
    ]
    findings += [finding for one in confirmations for finding in one.found]
    files = {one.target.path for one in confirmations}
    return render(
        Report(tuple(sorted(dict.fromkeys(findings), key=lambda one: one.sort_key())), files=len(files)), context
    )


@cache
def environment() -> Environment:
    """Our templates, and what all of them may use."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(__name__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["markdown"] = _markdown
    environment.filters["breakable"] = _breakable
    environment.filters["indented"] = _indented
    environment.globals.update(
        counted=counted,
        style=_file(environment, "page.css"),
        folded_style=_file(environment, "folded.css"),
        script=_file(environment, "page.js"),
        digest=_digest,
    )
    return environment


def _file(environment: Environment, name: str) -> Markup:
    """One of our own files, as it stands."""
    from markupsafe import Markup

    assert environment.loader is not None
    return Markup(environment.loader.get_source(environment, name)[0])


def _digest(text: str) -> str:
    """What a content security policy calls the one script or style that it allows.

    Source: W3C, Content Security Policy Level 3, section "hash-source".
    """
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _markdown(text: str) -> Markup:
    """A rule page's Markdown as HTML; tags within it are shown as text."""
    from markdown_it import MarkdownIt
    from markupsafe import Markup

    return Markup(MarkdownIt("commonmark", {"html": False}).render(text))


def _indented(code: Markup) -> Markup:
    """A line of code whose indentation outlives programs that strip the white space before tags, as nbconvert does."""
    from markupsafe import Markup

    stripped = code.lstrip(" ")
    return Markup("&nbsp;") * (len(code) - len(stripped)) + stripped


def _breakable(text: str) -> Markup:
    """A path or a name that may go on in another line behind slashes and underscores and before capitals."""
    from markupsafe import Markup, escape

    return Markup("<wbr>").join(escape(part) for part in _BREAKS.split(text))
