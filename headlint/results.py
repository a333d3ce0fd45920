"""What the analysis of one file gives, and the defaults that a finding may rest on."""

from __future__ import annotations

from dataclasses import dataclass

from headlint.findings import Finding, Problem


@dataclass(frozen=True, slots=True)
class Assumption:
    """A default that holds only while nobody passes something else: a function's parameter or a command-line option."""

    path: str
    function: str
    parameter: str


@dataclass(frozen=True, slots=True)
class Evidenced:
    """A finding, and the defaults that it rests on."""

    finding: Finding
    assumptions: frozenset[Assumption] = frozenset()


@dataclass(frozen=True, slots=True)
class FileResult:
    """What the analysis of one file gives."""

    path: str
    findings: tuple[Evidenced, ...] = ()
    problems: tuple[Problem, ...] = ()
    overrides: frozenset[Assumption] = frozenset()
    open: bool = False
    """Whether functions of the file wait for values that only the files importing it pass."""
