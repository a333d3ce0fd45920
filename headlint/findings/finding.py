"""What headlint has to say: findings, the places they name, and the files that could not be read.

These are plain frozen values. They can be pickled, compared and sorted, and they know nothing of how they were found.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from msgspec import Struct


class Severity(str, Enum):
    """How bad a finding is."""

    ERROR = "error"
    """Training is mathematically broken or the result is constant."""
    WARNING = "warning"
    """Very likely not what was meant."""
    ADVICE = "advice"
    """Correct, but there is a better habit."""


class Confidence(str, Enum):
    """How sure the analysis is."""

    PROVED = "proved"
    """Every training path is known and shows it."""
    LIKELY = "likely"
    """One known path of several, or a default that no call site overrides."""


class Place(Struct, frozen=True, order=True):
    """A stretch of source text.

    Lines and columns are 1-based and count characters; ``end_column`` is the column after the last character.
    In a notebook ``cell`` is the 1-based number of the code cell as the user sees it and lines count within that cell.
    """

    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    cell: int | None = None


class Step(Struct, frozen=True):
    """One step on the way of a value from the layer that makes it to the loss that takes it.

    ``role`` says what stands there: ``layer``, ``activation``, ``operation``, ``call``, ``return``, ``label``,
    ``metric``, ``prediction`` or ``loss``. ``name`` is the framework's dotted name where there is one, for example
    ``torch.nn.functional.softmax``.
    """

    place: Place
    note: str
    role: str
    name: str = ""


def rule_url(code: str, name: str) -> str:
    """Where the page of a rule is published."""
    return f"https://github.com/headlint/headlint/blob/main/rules/{code}-{name}.md"


class Finding(Struct, frozen=True):
    """One place where a model's head and its loss do not fit.

    ``trail`` leads from the place where the value was made to the place where it is used; its last step is usually
    ``place`` itself. ``details`` are the facts the rule decided on (for example ``units``), for fixes and the runtime.
    """

    code: str
    name: str
    severity: Severity
    confidence: Confidence
    message: str
    advice: str
    place: Place
    trail: tuple[Step, ...] = ()
    model: str = ""
    details: tuple[tuple[str, str | int | bool], ...] = ()
    other_uses: tuple[Place, ...] = ()
    """The calls that give what the activation makes to others than the loss, which a fix may want to leave as it is."""

    @property
    def url(self) -> str:
        """Where the rule's page is published."""
        return rule_url(self.code, self.name)

    def detail(self, key: str) -> str | int | bool | None:
        """The fact of that name that the rule decided on, or None."""
        return dict(self.details).get(key)

    def sort_key(self) -> tuple[str, int, int, int, str]:
        """Orders findings by file, cell, line, column and code."""
        return (self.place.path, self.place.cell or 0, self.place.line, self.place.column, self.code)


class Problem(Struct, frozen=True):
    """A file, or a part of it, that could not be analysed: HL900 for its syntax, HL999 for an error of headlint itself.

    ``code`` is empty for what the system refused (missing file, no permission). ``source_line`` is the line with the
    error where it is known, for the caret.
    """

    path: str
    message: str
    code: str = ""
    line: int | None = None
    column: int | None = None
    cell: int | None = None
    source_line: str = ""


class Skipped(Struct, frozen=True):
    """A file or folder below the given paths that was not checked, and what decided so (``.gitignore``, ``exclude``)."""

    path: str
    reason: str


class Entry(Struct, frozen=True, order=True):
    """A finding as a baseline holds it. ``path`` is relative to the baseline's folder, with forward slashes."""

    path: str
    code: str
    name: str
    model: str
    text: str
    fingerprint: str


class Report(Struct, frozen=True):
    """The outcome of a run: findings in a stable order, problems, and the number of files that were checked.

    ``known`` are findings that are in the baseline and therefore not reported; ``stale`` are entries of the baseline
    that nothing in the checked files stands for; ``skipped`` is what the given paths hold and was not checked.
    """

    findings: tuple[Finding, ...] = ()
    problems: tuple[Problem, ...] = ()
    files: int = 0
    known: tuple[Finding, ...] = ()
    stale: tuple[Entry, ...] = ()
    skipped: tuple[Skipped, ...] = ()

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)
