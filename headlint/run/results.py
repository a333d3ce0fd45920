"""What the analysis of one file gives, and the defaults that a finding may rest on."""

from __future__ import annotations

from msgspec import Struct

from headlint.findings.finding import Finding, Problem
from headlint.flow.values.assumptions import Assumption


class ConditionalFinding(Struct, frozen=True):
    """A finding, and the defaults that it rests on."""

    finding: Finding
    assumptions: frozenset[Assumption] = frozenset()


class FileResult(Struct, frozen=True):
    """What the analysis of one file gives."""

    path: str
    findings: tuple[ConditionalFinding, ...] = ()
    problems: tuple[Problem, ...] = ()
    overrides: frozenset[Assumption] = frozenset()
    open: bool = False
    """Whether functions of the file wait for values that only the files importing it pass."""
