"""What the real git says about a work tree: which files differ from a revision, and what they held there."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath

from msgspec import Struct

OF_ANOTHER_CALL = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
"""What git tells its hooks by the environment, and what would keep it from looking where it is asked to."""

_SUBMODULE = b"160000"


class GitError(Exception):
    """Git cannot say what it is asked for; the message says why, in one line."""


class Revision(Struct, frozen=True, dict=True):
    """A revision, seen from the work tree that is compared with it."""

    top: Path
    commit: str

    @classmethod
    def of(cls, name: str, paths: Sequence[Path]) -> Revision:
        """The revision of that name in the repository of the first of the paths (one or more) that lies in one.

        ``name...`` is, as in git, the commit where the current branch left ``name``.

        Raises:
            GitError: there is no git, no repository, or no such revision.
        """
        top = _top(paths)
        start = name.removesuffix("...")
        commit = _commit(top, start)
        if commit is None:
            raise GitError(f"git knows no revision {start!r} in {top}; a shallow clone may have to fetch it first")
        return cls(top, _line(top, "merge-base", commit, "HEAD") if name.endswith("...") else commit)

    def before(self, file: Path) -> bytes | None:
        """What a file held at the revision, under the name that it had then; None where git did not have it.

        Submodules are left alone: their files count as they are.

        Raises:
            GitError: the content cannot be had.
        """
        name = self._name(file)
        if name is None:
            return None
        if name in self._former:
            blob = self._former[name]
            return _git(self.top, "cat-file", "blob", blob) if blob else None
        return file.read_bytes() if self._is_tracked(name) and file.is_file() else None

    def _is_tracked(self, name: str) -> bool:
        return name in self._tracked or any(str(parent) in self._submodules for parent in PurePosixPath(name).parents)

    def _name(self, file: Path) -> str | None:
        real = Path(os.path.realpath(file))
        return real.relative_to(self.top).as_posix() if real.is_relative_to(self.top) else None

    @cached_property
    def _former(self) -> dict[str, str]:
        """The files that are not as they were, and the blob that each was; nothing for one that is new."""
        compared = ("diff", "--raw", "-z", "--find-renames", "--no-abbrev", "--no-ext-diff", "--ignore-submodules=all")
        fields = iter(_git(self.top, *compared, self.commit, "--").split(b"\0"))
        former: dict[str, str] = {}
        for description in fields:
            if not description:
                break
            _, _, blob, _, status = description.decode("ascii").split()
            name = os.fsdecode(next(fields))
            if status[0] in "RC":
                name = os.fsdecode(next(fields))
            # A file that a merge left in conflict is listed twice, once without its content.
            if status[0] != "U" or name not in former:
                former[name] = blob.strip("0") and blob
        return former

    @cached_property
    def _tracked(self) -> frozenset[str]:
        return frozenset(name for mode, name in self._index if mode != _SUBMODULE)

    @cached_property
    def _submodules(self) -> frozenset[str]:
        return frozenset(name for mode, name in self._index if mode == _SUBMODULE)

    @cached_property
    def _index(self) -> tuple[tuple[bytes, str], ...]:
        return tuple(_entries(_git(self.top, "ls-files", "--stage", "-z")))


def _entries(listing: bytes) -> Iterator[tuple[bytes, str]]:
    """Mode and name of what the index holds."""
    for entry in listing.split(b"\0"):
        if entry:
            description, _, name = entry.partition(b"\t")
            yield description.split(b" ", 1)[0], os.fsdecode(name)


def _top(paths: Sequence[Path]) -> Path:
    """The top folder of the first repository that one of the paths lies in."""
    errors: list[GitError] = []
    for folder in dict.fromkeys(_folder(path) for path in paths):
        try:
            return Path(os.path.realpath(_line(folder, "rev-parse", "--show-toplevel")))
        except GitError as error:
            errors.append(error)
    raise errors[0]


def _folder(path: Path) -> Path:
    """The folder to ask git in: the path itself, or the nearest that is there above it."""
    absolute = Path(os.path.abspath(path))
    return next((folder for folder in (absolute, *absolute.parents) if folder.is_dir()), absolute)


def _commit(top: Path, name: str) -> str | None:
    if name.startswith("-"):  # git would take it for an option
        return None
    try:
        return _line(top, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    except GitError:
        return None


def _line(folder: Path, *arguments: str) -> str:
    return os.fsdecode(_git(folder, *arguments)).removesuffix("\n")


def _git(folder: Path, *arguments: str) -> bytes:
    """What git writes.

    Raises:
        GitError: it fails, or cannot be run.
    """
    inherited = {name: value for name, value in os.environ.items() if name not in OF_ANOTHER_CALL}
    environment = {**inherited, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    try:
        outcome = subprocess.run(
            ["git", *arguments], cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    except OSError as error:
        raise GitError(f"git cannot be run: {error.strerror or error}") from None
    if outcome.returncode != 0:
        said = outcome.stderr.decode("utf-8", "replace").strip().split("\n")[0].removeprefix("fatal: ")
        raise GitError(f"git: {said or f'{arguments[0]} failed'} ({folder})")
    return outcome.stdout
