"""Cutting a text where its top-level statements begin: most of what is done to a text needs only a part of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

_BEGINNING = re.compile(
    r"""
    (?: [^\#"'()\[\]{}\\\n]+ | \#[^\n]* | \\\n | \n(?![^\s\#]) | \n(?=(?:else|elif|except|finally)\b)
      | \"{3}[^\\"]*(?:(?:\\.|"(?!""))[^\\"]*)*\"{3} | '{3}[^\\']*(?:(?:\\.|'(?!''))[^\\']*)*'{3}
      | "[^"\\\n]*(?:\\.[^"\\\n]*)*" | '[^'\\\n]*(?:\\.[^'\\\n]*)*' | ["'\\] )*
    (?: (?P<opening> [\[({] ) | (?P<closing> [\])}] ) | \n(?P<statement> (?=[^\s\#]) ) | \Z )
    """,
    re.DOTALL | re.VERBOSE,
)
"""What tells where a statement begins: strings and brackets to pass over, and what stands in the first column.

It matches wherever it is tried: each character begins one of the things that are passed over, or ends them. Where it did
not, Python would go back over all that was passed.
"""

_DEFINITION = re.compile(r"(?:async[ \t]+def|def|class)\b")


def parts_of(text: str) -> list[str]:
    """The text cut where statements begin in the first column; decorators stay with what they decorate."""
    starts = dict.fromkeys((0, *_beginnings(text), len(text)))
    return [text[start:end] for start, end in pairwise(starts)]


def _beginnings(text: str) -> Iterator[int]:
    depth = 0
    decorated = False
    for match in _BEGINNING.finditer(f"\n{text}"):
        match match.lastgroup:
            case "opening":
                depth += 1
            case "closing":
                depth -= 1
            case "statement" if depth == 0:
                start = match.end() - 1
                if not decorated:
                    yield start
                decorates = text.startswith("@", start)
                decorated = decorates or (decorated and _DEFINITION.match(text, start) is None)
