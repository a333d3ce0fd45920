"""The files that are being mended: as they were read, as they would be, and writing them."""

from __future__ import annotations

import difflib
import io
import os
import shutil
import tempfile
import tokenize
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from headlint.findings import Problem
from headlint.fixes.edits import Edit, apply_edits
from headlint.source.document import UnreadableError, decode


@dataclass(frozen=True)
class Original:
    """A file as it was read: ``shown`` is the path as the report gives it."""

    shown: str
    data: bytes
    encoding: str
    text: str


class Workspace(Mapping[Path, str]):
    """The texts that were changed, by path however it is written; the originals they came from."""

    def __init__(self) -> None:
        self._originals: dict[Path, Original] = {}
        self._texts: dict[Path, str] = {}

    def __getitem__(self, path: Path) -> str:
        return self._texts[path.resolve()]

    def __iter__(self) -> Iterator[Path]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def source(self, path: str) -> str | None:
        """The text of a file as it now is (of a notebook its JSON); None when it is gone or in an odd encoding."""
        file = Path(path).resolve()
        if file not in self._originals:
            original = read_original(path)
            if original is None:
                return None
            self._originals[file] = original
        return self._texts.get(file, self._originals[file].text)

    def after(self, edits: Iterable[Edit]) -> Workspace:
        """A workspace in which some edits were made."""
        changed = Workspace()
        changed._originals, changed._texts = self._originals, dict(self._texts)
        ordered = sorted(set(edits), key=lambda edit: str(Path(edit.path).resolve()))
        for path, own in groupby(ordered, key=lambda edit: Path(edit.path).resolve()):
            text = self.source(str(path))
            if text is not None:
                changed._texts[path] = edited(path, text, list(own))
        return changed

    def diff(self, root: Path) -> str:
        """A unified diff of all changes, with paths relative to a folder; for a notebook one for each cell."""
        parts: list[str] = []
        for path, text in sorted(self._texts.items()):
            original = self._originals[path]
            shown = path.relative_to(root.resolve()) if path.is_relative_to(root.resolve()) else path
            for name, old, new in _compared(shown.as_posix(), original.text, text):
                parts += _unified(name, old, new)
        return "".join(parts)

    def changed(self) -> tuple[str, ...]:
        """The paths of the files that differ from what was read."""
        originals = ((self._originals[path], text) for path, text in sorted(self._texts.items()))
        return tuple(original.shown for original, text in originals if text != original.text)

    def write(self) -> tuple[tuple[str, ...], tuple[Problem, ...]]:
        """Write what was changed; the paths written, and the files that were left alone with the reason."""
        written: list[str] = []
        problems: list[Problem] = []
        for path, text in sorted(self._texts.items()):
            original = self._originals[path]
            if text == original.text:
                continue
            try:
                if path.read_bytes() != original.data:
                    problems.append(Problem(original.shown, "was changed meanwhile and is left alone"))
                    continue
                write_atomically(path, encoded(text, original))
                written.append(original.shown)
            except (OSError, UnicodeEncodeError) as error:
                problems.append(Problem(original.shown, f"cannot be written: {error}"))
        return tuple(written), tuple(problems)


def read_original(path: str) -> Original | None:
    """A file with its encoding; None when it cannot be read such that it could be written back byte for byte."""
    try:
        data = Path(path).read_bytes()
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding)
        if text.encode(encoding) != data or io.StringIO(text, newline=None).read() != decode(data):
            return None
    except (OSError, SyntaxError, UnicodeError, UnreadableError):
        return None
    return Original(path, data, encoding, text)


def encoded(text: str, original: Original) -> bytes:
    """A text in the encoding of the file that it came from.

    Raises:
        UnicodeEncodeError: the encoding has no such character.
    """
    return text.encode(original.encoding)


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file by one with other content and the same permissions, in one step.

    Raises:
        OSError: the system refuses it; the file is then as it was.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        shutil.copymode(path, temporary)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def edited(path: Path, text: str, edits: Sequence[Edit]) -> str:
    """The text of a file (of a notebook its JSON) with edits made."""
    if path.suffix != ".ipynb":
        return apply_edits(text, edits)
    from headlint.source.notebook import replace_code

    cells = cell_sources(text)
    changed = {
        number: apply_edits(cells[number], [edit for edit in edits if edit.cell == number])
        for number in {edit.cell for edit in edits}
        if number in cells
    }
    return replace_code(text, {number: text for number, text in changed.items() if number is not None})


def cell_sources(raw: str) -> dict[int | None, str]:
    """The texts of a notebook's code cells by their number, magics and all."""
    from headlint.source.notebook import load, source_of

    cells = [cell for cell in load(raw).get("cells", ()) if isinstance(cell, dict)]
    code = (cell for cell in cells if cell.get("cell_type") == "code")
    return {number: source_of(cell) for number, cell in enumerate(code, 1)}


def _compared(name: str, old: str, new: str) -> Iterator[tuple[str, str, str]]:
    if not name.endswith(".ipynb"):
        yield name, old, new
        return
    after = cell_sources(new)
    for number, cell in cell_sources(old).items():
        yield f"{name}:cell {number}", f"{cell}\n", f"{after[number]}\n"


def _unified(name: str, old: str, new: str) -> Iterator[str]:
    lines = difflib.unified_diff(old.splitlines(True), new.splitlines(True), f"a/{name}", f"b/{name}")
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
