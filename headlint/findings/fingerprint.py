"""Names for findings that stay the same while lines move: made of what is found and the text that it is found in."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence

from headlint.findings.finding import Finding, Place

Shown = Callable[[str], str]
"""The path of a file as it counts for a name."""

TextOf = Callable[[Place], str | None]
"""The text that the lines of a place count in: its file, or its cell of a notebook; None when it is gone."""


def fingerprints(findings: Sequence[Finding], shown: Shown, text_of: TextOf) -> list[str]:
    """A name for each finding, unique among them.

    It changes with the rule, the file's path, the model's name or the text of the lines (spaces aside), and with nothing
    else. Equal ones are told apart by their order in the file.
    """
    names = [_content(finding, shown, text_of) for finding in findings]
    order = sorted(range(len(findings)), key=lambda index: findings[index].sort_key())
    seen: Counter[str] = Counter()
    unique = list(names)
    for index in order:
        seen[names[index]] += 1
        unique[index] = _hash(names[index], str(seen[names[index]]))
    return unique


def _content(finding: Finding, shown: Shown, text_of: TextOf) -> str:
    place = finding.place
    return _hash(finding.code, shown(place.path), finding.model, " ".join(source_of(place, text_of).split()))


def source_of(place: Place, text_of: TextOf) -> str:
    """The whole lines that a place stands in; empty when the text is gone."""
    text = text_of(place)
    return "\n".join(text.split("\n")[place.line - 1 : place.end_line]) if text is not None else ""


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
