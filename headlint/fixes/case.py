"""What a fixer works on: a finding, and the programs that it speaks of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import libcst as cst

from headlint.findings.finding import Finding, Place, Step
from headlint.fixes.edits import Edit
from headlint.fixes.program import CannotFix, Program

Sources = Callable[[str], "str | None"]
"""Gives a file's text by its path (of a notebook the JSON as it is on disk), or None when it is gone."""


@dataclass(frozen=True)
class Repair:
    """What a fixer proposes."""

    title: str
    reason: str
    edits: tuple[Edit, ...]
    safe: bool = False


class Programs:
    """The files that findings speak of, each parsed once."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._known: dict[str, Program | None] = {}

    def __getitem__(self, path: str) -> Program:
        if path not in self._known:
            self._known[path] = None
            self._known[path] = self._read(path)
        program = self._known[path]
        if program is None:
            raise CannotFix("it cannot be read")
        return program

    def _read(self, path: str) -> Program:
        from headlint.source.document import UnreadableError
        from headlint.source.notebook import code_of

        text = self._sources(path)
        if text is None:
            raise CannotFix("it is gone")
        cells: tuple[tuple[int, int], ...] = ()
        if path.endswith(".ipynb"):
            try:
                text, cells = code_of(text)
            except UnreadableError as error:
                raise CannotFix(str(error)) from error
        return Program(path, text.replace("\r\n", "\n").replace("\r", "\n"), cells)


@dataclass(frozen=True)
class Case:
    """One finding that is to be fixed."""

    finding: Finding
    programs: Programs = field(repr=False)

    def node(self, place: Place) -> tuple[Program, cst.BaseExpression]:
        """The expression at a place and the program that it stands in."""
        program = self.programs[place.path]
        return program, program.at(place)

    def call(self, place: Place) -> tuple[Program, cst.Call]:
        """The call at a place."""
        program, node = self.node(place)
        if not isinstance(node, cst.Call):
            raise CannotFix("there is no call at the place")
        return program, node

    def steps(self, role: str) -> list[Step]:
        """The steps of the trail that play a part."""
        return [step for step in self.finding.trail if step.role == role]

    def step(self, role: str, *endings: str) -> Step:
        """The last step of a part, of those whose name ends so."""
        for step in reversed(self.steps(role)):
            if not endings or step.name.rpartition(".")[2].lower().replace("_", "") in endings:
                return step
        raise CannotFix(f"the trail has no such {role}")

    def detail(self, key: str) -> str | int | bool | None:
        """A fact that the rule decided on."""
        return self.finding.detail(key)
