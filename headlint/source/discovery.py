"""Finding the files to look at: folders are walked, ignored files are left out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from headlint.findings.finding import Problem, Skipped
from headlint.settings import Settings

if TYPE_CHECKING:
    from pathspec import PathSpec

SUFFIXES = (".py", ".ipynb", ".pyw")

NEVER_ENTERED = frozenset(
    {".git", ".hg", ".svn", ".venv", "venv", "node_modules", "__pycache__", "build", "dist", ".tox", ".nox", ".eggs"}
    | {"site-packages", ".ipynb_checkpoints", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".direnv"}
)
"""Folders that hold no code of the project; one that is named on the command line is entered all the same."""

INSTALLED = frozenset({"site-packages", "dist-packages"})


class Discovery(Struct, frozen=True):
    """The files in a stable order, each once, what could not be looked into, and what was left out."""

    files: tuple[Path, ...] = ()
    problems: tuple[Problem, ...] = ()
    skipped: tuple[Skipped, ...] = ()


def discover(paths: Sequence[Path], settings: Settings) -> Discovery:
    """The files that the paths name or contain.

    A file that is named itself is taken whatever its suffix; only the settings' ``exclude`` holds for it too, because
    hooks name every file themselves.
    """
    walk = _Walk(settings)
    folders: dict[str, str] = {}
    found: dict[str, Path] = {}
    for path in paths:
        for file in walk.below(path):
            found.setdefault(_identity(file, folders), file)
    return Discovery(tuple(sorted(found.values(), key=str)), tuple(walk.problems), tuple(walk.skipped))


def is_passed_by(file: Path, settings: Settings) -> bool:
    """Whether a run over the project would not look at a file: it is excluded, or belongs to an installed library."""
    absolute = Path(os.path.abspath(file))
    root = Path(os.path.abspath(settings.root))
    folders = absolute.relative_to(root).parts[:-1] if absolute.is_relative_to(root) else ()
    return (
        not NEVER_ENTERED.isdisjoint(folders)
        or not INSTALLED.isdisjoint(absolute.parts)
        or _Walk(settings).is_excluded(file)
    )


def _identity(file: Path, folders: dict[str, str]) -> str:
    """The path of a file without links; ``folders`` holds those of the folders that were asked for."""
    if file.is_symlink():
        return os.path.realpath(file)
    folder = os.path.dirname(file)
    if folder not in folders:
        folders[folder] = os.path.realpath(folder)
    return os.path.join(folders[folder], file.name)


class _Walk:
    def __init__(self, settings: Settings) -> None:
        self._root = settings.root.absolute()
        self._excluded = _patterns(settings.exclude) if settings.exclude else None
        self.problems: list[Problem] = []
        self.skipped: list[Skipped] = []
        self._entered: set[tuple[int, int]] = set()

    def below(self, path: Path) -> Iterator[Path]:
        """The files that a path names or contains."""
        if path.is_dir():
            yield from self._folder(path, self._ignored_above(path))
        elif path.exists():
            if self.is_excluded(path):
                self.skipped.append(Skipped(str(path), "exclude"))
            else:
                yield path
        else:
            what = "is a link to nothing" if path.is_symlink() else "does not exist"
            self.problems.append(Problem(str(path), what))

    def _folder(self, folder: Path, ignored: list[tuple[Path, PathSpec[Any]]]) -> Iterator[Path]:
        try:
            status = folder.stat()
            with os.scandir(folder) as iterator:
                entries = sorted(iterator, key=lambda entry: entry.name)
        except OSError as error:
            self.problems.append(Problem(str(folder), f"cannot be opened: {error.strerror or error}"))
            return
        if (status.st_dev, status.st_ino) in self._entered:
            return
        self._entered.add((status.st_dev, status.st_ino))
        if any(entry.name == ".gitignore" for entry in entries):
            ignored = [*ignored, *_gitignore(folder)]
        for entry in entries:
            path = folder / entry.name
            try:
                is_folder = entry.is_dir()
            except OSError:
                continue
            if not is_folder and not entry.name.endswith(SUFFIXES):
                continue
            if reason := self._reason_to_skip(path, ignored, is_folder):
                if not entry.name.startswith((".", "__")):
                    self.skipped.append(Skipped(str(path), reason))
            elif is_folder:
                yield from self._folder(path, ignored)
            elif not entry.is_file():
                self.problems.append(Problem(str(path), "is a link to nothing"))
            else:
                yield path

    def _reason_to_skip(self, path: Path, ignored: list[tuple[Path, PathSpec[Any]]], is_folder: bool) -> str:
        """What decides that a file or folder is not checked, or an empty text."""
        if self.is_excluded(path):
            return "exclude"
        if is_folder and path.name in NEVER_ENTERED:
            return "never checked unless named"
        return ".gitignore" if _is_ignored(path, ignored, is_folder) else ""

    def is_excluded(self, path: Path) -> bool:
        """Whether the settings leave a file or folder out."""
        if self._excluded is None:
            return False
        absolute = Path(os.path.abspath(path))
        if not absolute.is_relative_to(self._root):
            return False
        relative = absolute.relative_to(self._root).as_posix()
        return self._excluded.match_file(relative) or self._excluded.match_file(relative + "/")

    def _ignored_above(self, folder: Path) -> list[tuple[Path, PathSpec[Any]]]:
        """The ignore files that hold for a folder because they stand in its parents, up to the repository's top."""
        above: list[tuple[Path, PathSpec[Any]]] = []
        absolute = Path(os.path.abspath(folder))
        for parent in absolute.parents:
            above = [*_gitignore(parent), *above]
            if (parent / ".git").exists():
                break
            if parent == self._root.parent:
                break
        return [] if any(_is_ignored(absolute, [pair], is_folder=True) for pair in above) else above


def _patterns(lines: Sequence[str]) -> PathSpec[Any]:
    from pathspec import PathSpec

    try:
        return PathSpec.from_lines("gitignore", lines)
    except (KeyError, LookupError):  # pathspec before 0.12 knows git's patterns by another name
        return PathSpec.from_lines("gitwildmatch", lines)


def _gitignore(folder: Path) -> list[tuple[Path, PathSpec[Any]]]:
    found: list[tuple[Path, PathSpec[Any]]] = []
    for file in (folder / ".git" / "info" / "exclude", folder / ".gitignore"):
        try:
            lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
        found.append((folder, _patterns(lines)))
    return found


def _is_ignored(path: Path, ignored: list[tuple[Path, PathSpec[Any]]], is_folder: bool) -> bool:
    absolute = Path(os.path.abspath(path))
    verdict = False
    for folder, patterns in ignored:
        top = Path(os.path.abspath(folder))
        if absolute.is_relative_to(top):
            relative = absolute.relative_to(top).as_posix() + ("/" if is_folder else "")
            result = patterns.check_file(relative).include
            verdict = verdict if result is None else result
    return verdict
