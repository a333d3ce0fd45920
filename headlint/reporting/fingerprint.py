"""Names for findings that stay the same while lines move: made of what is found and the text that it is found in."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

from headlint.findings import Finding, Place
from headlint.reporting.context import Context


def fingerprints(findings: Sequence[Finding], context: Context) -> list[str]:
    """A name for each finding, unique among them.

    It changes with the rule, the file's path, the model's name or the text of the lines (spaces aside), and with nothing
    else. Equal ones are told apart by their order in the file.
    """
    names = [_content(finding, context) for finding in findings]
    order = sorted(range(len(findings)), key=lambda index: findings[index].sort_key())
    seen: Counter[str] = Counter()
    unique = list(names)
    for index in order:
        seen[names[index]] += 1
        unique[index] = _hash(names[index], str(seen[names[index]]))
    return unique


def _content(finding: Finding, context: Context) -> str:
    place = finding.place
    return _hash(finding.code, context.shown(place.path), finding.model, " ".join(source_of(place, context).split()))


def source_of(place: Place, context: Context) -> str:
    """The whole lines that a place stands in; empty when the text is gone."""
    text = context.text_of(place)
    return "\n".join(text.split("\n")[place.line - 1 : place.end_line]) if text is not None else ""


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
