"""Whether a file can matter at all, told from its bytes in a fraction of the time a parse takes."""

from __future__ import annotations

import re
from functools import cache

from headlint.frameworks.names import WORDS

_SHORT_NAMES = (
    r"\bnn\.(?:[A-Z]|functional)|\bF\.(?:log_)?softmax|\bF\.cross_entropy|\btf\.(?:nn|layers)\b"
    r"|\blayers\.Dense\(|\bDense\("
)
"""What programs say with the usual short names when their imports are somewhere else."""

_TRAINING = re.compile(rb"backward\s*\(|\.train\s*\(|softmax|(?i:loss)|criterion")


def names_framework(data: bytes) -> bool:
    """Whether the bytes hold the name of a framework, or speak to headlint."""
    return _any_of(frozenset(WORDS)).search(narrow(data)) is not None


@cache
def _any_of(words: frozenset[str]) -> re.Pattern[bytes]:
    return re.compile("|".join((*map(re.escape, sorted(words)), _SHORT_NAMES)).encode())


def may_train(data: bytes) -> bool:
    """Whether the bytes hold a word of training. Without a framework's name such a file can only matter to those of
    its project that have one and hand their models and losses to it."""
    return _TRAINING.search(narrow(data)) is not None


def may_matter(data: bytes) -> bool:
    """Whether the bytes hold any word that headlint could have something to say about."""
    return names_framework(data) or may_train(data)


def narrow(data: bytes) -> bytes:
    """The bytes with one for each ASCII character: UTF-16 with a byte order mark has two."""
    return data.replace(b"\0", b"") if data.startswith((b"\xff\xfe", b"\xfe\xff")) else data
