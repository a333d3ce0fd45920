"""The files that are being fixed: as they were read, as they would be, and writing them."""

from __future__ import annotations

import difflib
import io
import tokenize
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from headlint.findings.finding import Problem
from headlint.fixes.edits import Edit, apply_edits
from headlint.source.document import UnreadableError, decode
from headlint.source.writing import write_atomically


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

    @classmethod
    def of(cls, original: Original) -> Workspace:
        """A workspace in which a file is as it is given, whatever is on disk."""
        workspace = cls()
        workspace._originals[Path(original.shown).resolve()] = original
        return workspace

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
        """A unified diff of all changes, with paths relative to a folder, that ``git apply`` and ``patch -p1`` take.

        It compares bytes: those that are no UTF-8 stand in it as surrogates.
        """
        parts: list[str] = []
        for path, text in sorted(self._texts.items()):
            original = self._originals[path]
            shown = path.relative_to(root.resolve()) if path.is_relative_to(root.resolve()) else path
            parts += _unified(shown.as_posix(), original.data, encoded(text, original))
        return "".join(parts)

    def changed(self) -> tuple[str, ...]:
        """The paths of the files that differ from what was read."""
        return tuple(self._originals[path].shown for path in sorted(self._texts) if self._differs(path))

    def write(self, together: Iterable[frozenset[Path]] = ()) -> tuple[tuple[str, ...], tuple[Problem, ...]]:
        """Write what was changed; the paths written, and the files that were left alone with the reason.

        Of the files that one fix changes, as ``together`` names them, none is written where one cannot be.
        """
        changed = {path: self._originals[path] for path in self._texts if self._differs(path)}
        left = {path: reason for path, one in changed.items() if (reason := _refusal(path, one))}
        groups = [group for group in together if len(group) > 1]
        while more := {
            path for group in groups if group & left.keys() for path in group & changed.keys() - left.keys()
        }:
            left |= dict.fromkeys(more, "belongs together with a file that is left alone")
        written: list[str] = []
        for path in sorted(changed.keys() - left.keys()):
            try:
                write_atomically(path, encoded(self._texts[path], changed[path]))
                written.append(changed[path].shown)
            except (OSError, UnicodeEncodeError) as error:
                left[path] = _cannot_be_written(error)
        problems = (Problem(changed[path].shown, reason) for path, reason in sorted(left.items()))
        return tuple(written), tuple(problems)

    def _differs(self, path: Path) -> bool:
        return self._texts[path] != self._originals[path].text


def _refusal(path: Path, original: Original) -> str:
    """Why a file is not to be written; empty where nothing speaks against it."""
    try:
        if path.read_bytes() != original.data:
            return "was changed meanwhile and is left alone"
        return "is read-only and is left alone" if not path.stat().st_mode & 0o222 else ""
    except OSError as error:
        return _cannot_be_written(error)


def _cannot_be_written(error: OSError | UnicodeEncodeError) -> str:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"cannot be written: {reason}"


def read_original(path: str) -> Original | None:
    """A file with its encoding; None when it cannot be read such that it could be written back byte for byte."""
    try:
        return original_of(path, Path(path).read_bytes())
    except OSError:
        return None


def original_of(path: str, data: bytes) -> Original | None:
    """As ``read_original``, of the bytes of a file."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding)
        if text.encode(encoding) != data or io.StringIO(text, newline=None).read() != decode(data):
            return None
    except (SyntaxError, UnicodeError, UnreadableError):
        return None
    return Original(path, data, encoding, text)


def encoded(text: str, original: Original) -> bytes:
    """A text in the encoding of the file that it came from.

    Raises:
        UnicodeEncodeError: the encoding has no such character.
    """
    return text.encode(original.encoding)


def edited(path: Path, text: str, edits: Sequence[Edit]) -> str:
    """The text of a file (of a notebook its JSON) with edits made."""
    if path.suffix != ".ipynb":
        return apply_edits(text, edits)
    from headlint.source.notebook import replace_code, sources_as_written

    cells = sources_as_written(text)
    own = {number: [edit for edit in edits if edit.cell == number] for number in cells}
    return replace_code(
        text,
        {number: apply_edits(cells[number], _indented(some, cells[number])) for number, some in own.items() if some},
    )


def _indented(edits: Sequence[Edit], cell: str) -> list[Edit]:
    """Edits of a cell where they stand in it as it is written, which may be indented as a whole."""
    from headlint.source.notebook import indentation_of

    indentation, lines = indentation_of(cell), cell.splitlines()
    moved = {number: len(indentation) for number, line in enumerate(lines, 1) if line.startswith(indentation)}
    return [
        replace(
            edit,
            start_column=edit.start_column + moved.get(edit.start_line, 0),
            end_column=edit.end_column + moved.get(edit.end_line, 0),
        )
        for edit in edits
    ]


def _unified(name: str, old: bytes, new: bytes) -> Iterator[str]:
    before, after = (data.decode("utf-8", "surrogateescape").split("\n") for data in (old, new))
    end = "\t" if " " in name else ""  # without it patch takes the name to end at the first space
    lines = difflib.unified_diff(_ended(before), _ended(after), f"a/{name}{end}", f"b/{name}{end}")
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _ended(lines: list[str]) -> list[str]:
    """Lines with the newlines that they were split at."""
    return [f"{line}\n" for line in lines[:-1]] + [line for line in lines[-1:] if line]
