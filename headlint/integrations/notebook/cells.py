"""The cells that were run, as one program."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from headlint.source.document import Document
from headlint.source.notebook import without_magics


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell as it was run last: ``number`` is that of its prompt, ``identifier`` is empty where the frontend has none."""

    identifier: str
    number: int
    text: str


class Cells:
    """The cells in the order in which they were first run; one that is run again takes the place that it had."""

    def __init__(self) -> None:
        self._cells: list[Cell] = []

    def ran(self, text: str, number: int, identifier: str = "") -> None:
        """Take note of a cell that was run."""
        cell = Cell(identifier, number, text)
        for index, known in enumerate(self._cells):
            same_text = known.text == text and not (known.identifier and identifier)
            if same_text or (identifier and known.identifier == identifier):
                self._cells[index] = cell
                return
        self._cells.append(cell)

    def document(self, path: Path) -> Document:
        """All of them one below the other."""
        lines: list[str] = []
        starts: list[tuple[int, int]] = []
        for cell in self._cells:
            starts.append((cell.number, len(lines) + 1))
            lines += without_magics(cell.text.replace("\r\n", "\n").replace("\r", "\n")).split("\n")
        return Document(str(path), "\n".join(lines) + "\n", tuple(starts), notebook=True)
