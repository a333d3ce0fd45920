"""The processes that share the files of a run: they start with everything imported, and take the costly files first."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from headlint.run.collecting import ALLOCATIONS, collecting_rarely
from headlint.run.results import FileResult

if TYPE_CHECKING:
    from multiprocessing.context import BaseContext

    from headlint.loading.loader import ProjectLoader

FILES_WORTH_A_PROCESS = 4
BYTES_WORTH_A_PROCESS = 25_000
"""From which on a process saves more than it costs to start it."""

FILES_OF_A_PROCESS = 250
"""After so many a process makes room for a fresh one: what it has kept of the project would go on growing."""

Result = TypeVar("Result")
Analyze = Callable[[Path, "ProjectLoader"], FileResult]


def worthwhile(files: Sequence[Path]) -> int:
    """How many processes so many files are worth."""
    size = sum(map(size_of, files))
    return max(1, min(processors(), len(files) // FILES_WORTH_A_PROCESS, size // BYTES_WORTH_A_PROCESS))


def is_many(files: Sequence[Path]) -> bool:
    """Whether one process should not do them all."""
    return len(files) > FILES_OF_A_PROCESS


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
        if not self._loader.buffers and (is_many(files) or (processes > 1 and len(files) > 1)):
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
        at_once = processes * FILES_OF_A_PROCESS
        try:
            with started_alike(self._analyze, self._loader) as context:
                for first in range(0, len(files), at_once):
                    executor = ProcessPoolExecutor(processes, mp_context=context, initializer=_start, initargs=start)
                    with executor:
                        waiting = [executor.submit(_work, file) for file in costly_first[first : first + at_once]]
                        for future in as_completed(waiting):
                            yield future.result()
        except (BrokenProcessPool, OSError):  # a process died, or none can be started: the caller goes on alone
            return


def apart(work: Callable[[], Result]) -> Result:
    """What some work gives, done in a process of its own where that can be a copy of this one: its memory goes with it."""
    global _apart
    if not sys.platform.startswith("linux"):
        return work()
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    _apart = work
    try:
        with ProcessPoolExecutor(1, get_context("fork"), initializer=_end_with_the_first) as executor:
            result: Result = executor.submit(_work_apart).result()
            return result
    except (BrokenProcessPool, OSError):  # the process died, or none can be started
        return work()
    finally:
        _apart = None


_apart: Callable[[], object] | None = None


def _work_apart() -> Any:
    assert _apart is not None
    return _apart()


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
    _end_with_the_first()
    _shared = _shared or (analyze, make_loader())
    gc.set_threshold(*ALLOCATIONS)


def _end_with_the_first() -> None:
    """End this process when the one that started it is no more: killed, it cannot say that nothing will follow."""
    from multiprocessing import parent_process
    from multiprocessing.connection import wait
    from threading import Thread

    def watch() -> None:
        first = parent_process()
        if first is not None and wait([first.sentinel]):
            os._exit(1)

    Thread(target=watch, name="watching", daemon=True).start()


def _work(file: Path) -> FileResult:
    assert _shared is not None
    analyze, loader = _shared
    return analyze(file, loader)
