"""The processes that share the files of a run: they start with everything imported, and take the costly files first."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from headlint.run.collecting import ALLOCATIONS, collecting_rarely
from headlint.run.results import FileResult

if TYPE_CHECKING:
    from multiprocessing.context import BaseContext

    from headlint.loading.loader import ProjectLoader

FILES_WORTH_A_PROCESS = 4
BYTES_WORTH_A_PROCESS = 25_000
"""From which on a process saves more than it costs to start it."""

Analyze = Callable[[Path, "ProjectLoader"], FileResult]


def worthwhile(files: Sequence[Path]) -> int:
    """How many processes so many files are worth."""
    size = sum(map(size_of, files))
    return max(1, min(processors(), len(files) // FILES_WORTH_A_PROCESS, size // BYTES_WORTH_A_PROCESS))


def processors() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def size_of(file: Path) -> int:
    """Bytes of a file; nothing where the system refuses to tell, which is reported when it is read."""
    try:
        return file.stat().st_size
    except OSError:
        return 0


class Pool:
    """Does something to files through a loader, in this process or in several."""

    def __init__(self, loader: ProjectLoader, analyze: Analyze) -> None:
        self._loader = loader
        self._analyze = analyze

    def map(self, files: Sequence[Path], processes: int) -> Iterator[FileResult]:
        """The results, as soon as there are any, in no particular order."""
        left = dict.fromkeys(files)
        if processes > 1 and len(files) > 1:
            for result in self._in_processes(files, min(processes, len(files))):
                del left[Path(result.path)]
                yield result
        with collecting_rarely():
            for file in left:
                yield self._analyze(file, self._loader)

    def _in_processes(self, files: Sequence[Path], processes: int) -> Iterator[FileResult]:
        """The results of those files that processes could be had for."""
        from concurrent.futures import ProcessPoolExecutor, as_completed
        from concurrent.futures.process import BrokenProcessPool

        costly_first = sorted(files, key=size_of, reverse=True)
        start = (self._analyze, self._loader.like_this)
        try:
            with started_alike(self._analyze, self._loader) as context:
                executor = ProcessPoolExecutor(processes, mp_context=context, initializer=_start, initargs=start)
                with executor:
                    for future in as_completed([executor.submit(_work, file) for file in costly_first]):
                        yield future.result()
        except (BrokenProcessPool, OSError):  # a process died, or none can be started: the caller goes on alone
            return


def import_analysis() -> None:
    """Import what checks models, before copies of this process are made that would each import it again."""
    import headlint.checks.run
    import headlint.run.analysis
    import headlint.run.session
    import headlint.selection.selection
    import headlint.syntax.lower  # noqa: F401


@contextmanager
def started_alike(analyze: Analyze, loader: ProjectLoader) -> Iterator[BaseContext | None]:
    """How to start processes: where they can be copies of this one, they share what it has imported and read."""
    import multiprocessing

    global _shared
    if not sys.platform.startswith("linux"):
        yield None
        return
    import_analysis()
    _shared = (analyze, loader)
    gc.collect()
    gc.freeze()  # or counting references would make copies of what is shared
    try:
        yield multiprocessing.get_context("fork")
    finally:
        gc.unfreeze()
        _shared = None


_shared: tuple[Analyze, ProjectLoader] | None = None
"""What a process does, and through which loader; a copy of this process has it from the beginning."""


def _start(analyze: Analyze, make_loader: Callable[[], ProjectLoader]) -> None:
    global _shared
    _shared = _shared or (analyze, make_loader())
    gc.set_threshold(*ALLOCATIONS)


def _work(file: Path) -> FileResult:
    assert _shared is not None
    analyze, loader = _shared
    return analyze(file, loader)
