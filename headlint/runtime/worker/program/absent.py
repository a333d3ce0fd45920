"""Files of data that are not there: what a program is given in place of what they hold."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .guessing import CLASSES, CONFIGURATIONS, ROWS_OF_WORDS, CompletedMapping, GuessedVocabulary, rows_of_data, table
from .standins import GUESSED

LINKS = re.compile(r"adj|graph|dist|laplac|relation", re.I)
"""Names of files that hold which nodes of a graph are linked."""


class Absent:
    """A file of data that is not there: it has no lines, and its whole content cannot be read."""

    read_as_empty = False
    """Whether files that are not there are opened so."""

    def __init__(self, error: OSError) -> None:
        self.error = error
        self.name = str(error.filename or "")

    def __enter__(self) -> Absent:
        return self

    def __exit__(self, *details: object) -> None:
        return None

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def readline(self) -> str:
        """Nothing."""
        return ""

    def readlines(self) -> list[str]:
        """Nothing."""
        return []

    def read(self, size: int = -1) -> str:
        """Raises what opening it raised.

        Raises:
            OSError: always.
        """
        raise self.error

    def close(self) -> None:
        """Nothing."""


class Archive:
    """A file of several arrays that is not there: rows of data by every name."""

    def __getitem__(self, name: Any) -> Any:
        return rows_of_data(str(name))

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *details: object) -> None:
        return None

    def keys(self) -> list[str]:
        """None that are known."""
        return []

    def close(self) -> None:
        """Nothing."""


def array_in(file: Path) -> Any:
    """What a file of numbers may hold, by its name: weights of an embedding, links of a graph, rows of data."""
    numpy = sys.modules["numpy"]
    if file.suffix == ".npz":
        return Archive()
    if LINKS.search(file.stem):
        return numpy.eye(CLASSES, dtype="float32")
    return numpy.asarray(table()) if ROWS_OF_WORDS.search(file.stem) else rows_of_data(file.stem)


def record_in(file: Path) -> Any:
    """What a file of names and values may hold, by its name: options, else words with their numbers."""
    return CompletedMapping() if CONFIGURATIONS.match(file.stem) else GuessedVocabulary()


READERS: tuple[tuple[str, tuple[str, ...], Callable[[Path], Any]], ...] = (
    ("numpy", ("load", "loadtxt", "genfromtxt"), array_in),
    ("json", ("load",), record_in),
    ("pickle", ("load",), record_in),
    ("h5py", ("File",), lambda file: Archive()),
)
"""Packages that read files of data, their functions, and what stands in place of what these read."""


def read_without_files() -> None:
    """From here on files of data that are not there are opened as empty ones, and read as guesses."""
    Absent.read_as_empty = True
    for package, names, guess_in in READERS:
        module = sys.modules.get(package)
        for name in names if module is not None else ():
            setattr(module, name, or_guess(getattr(module, name), guess_in))


def or_guess(read: Callable[..., Any], guess_in: Callable[[Path], Any]) -> Callable[..., Any]:
    """A function that reads a file, and gives a guess in place of one that is not there."""

    @functools.wraps(read)
    def reading(file: Any, *arguments: Any, **keywords: Any) -> Any:
        try:
            if not isinstance(file, Absent):
                return read(file, *arguments, **keywords)
        except OSError:
            if not isinstance(file, (str, Path)):
                raise
        missing = Path(file.name if isinstance(file, Absent) else file)
        GUESSED.append(f"guesses in place of {missing.name}")
        return guess_in(missing)

    return reading
