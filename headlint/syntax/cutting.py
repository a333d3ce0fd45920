"""Cutting a text where its top-level statements begin: most of what is done to a text needs only a part of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

_TOKEN = re.compile(
    r"""
    (?P<skipped> \#[^\n]* | \\\n
      | \"{3}(?:\\.|[^\\])*?\"{3} | '{3}(?:\\.|[^\\])*?'{3} | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*' )
    | (?P<opening> [\[({] ) | (?P<closing> [\])}] )
    | (?P<decorator> ^@ )
    | (?P<definition> ^(?:async[ \t]+def|def|class)\b )
    | (?P<statement> ^(?!(?:else|elif|except|finally)\b)(?=[^\s\#]) )
    """,
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)
"""What tells where a statement begins: strings and brackets to pass over, and what stands in the first column."""


def parts_of(text: str) -> list[str]:
    """The text cut where statements begin in the first column."""
    cuts = [0, *_beginnings(text), len(text)]
    return [text[start:end] for start, end in pairwise(cuts) if start < end]


def _beginnings(text: str) -> Iterator[int]:
    depth = 0
    decorated = False
    for match in _TOKEN.finditer(text):
        match match.lastgroup:
            case "opening":
                depth += 1
            case "closing":
                depth -= 1
            case "decorator" | "definition" | "statement" as kind if depth == 0:
                if not decorated:
                    yield match.start()
                decorated = kind == "decorator" or (decorated and kind == "statement")
