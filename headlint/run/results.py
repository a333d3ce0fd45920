"""What the analysis of one file gives, and the defaults that a finding may rest on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from headlint.findings.finding import Finding, Problem
from headlint.flow.values.assumptions import Assumption

if TYPE_CHECKING:
    from headlint.loading.loader import Question


class ConditionalFinding(Struct, frozen=True):
    """A finding, and the defaults that it rests on."""

    finding: Finding
    assumptions: frozenset[Assumption] = frozenset()


class Basis(Struct, frozen=True):
    """What a result rests on besides the text that was analysed, and where the modules of the project are."""

    texts: frozenset[str] = frozenset()
    """The files whose texts gave an answer."""
    searches: tuple[tuple[Question, str], ...] = ()
    """What else was asked that texts which gave no answer may change."""

    @classmethod
    def of(cls, asked: Mapping[Question, str]) -> Basis:
        """What a result rests on, given what a loader was asked for it."""
        texts: set[str] = set()
        searches: list[tuple[Question, str]] = []
        for question, answer in asked.items():
            match question[0]:
                case "digest":
                    texts.add(question[1])
                case "mentioned" | "listed" if answer:
                    texts.add(answer)
                case "mentioned" | "listed" | "settings":
                    searches.append((question, answer))
        return cls(frozenset(texts), tuple(searches))


class FileResult(Struct, frozen=True):
    """What the analysis of one file gives."""

    path: str
    findings: tuple[ConditionalFinding, ...] = ()
    problems: tuple[Problem, ...] = ()
    overrides: frozenset[Assumption] = frozenset()
    open: bool = False
    """Whether functions of the file wait for values that only the files importing it pass."""
    basis: Basis = Basis()

    @property
    def failed(self) -> bool:
        """Whether the file was not analysed to its end, for a reason that may be gone the next time."""
        return any(problem.code in ("", "HL999") for problem in self.problems)
