"""Which document is checked when: the one typed in last first, when the typist pauses, and never an outdated one."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from headlint.integrations.language_server.documents import Documents, OpenDocument
from headlint.integrations.language_server.preferences import Preferences
from headlint.integrations.language_server.process import AnalystProcess
from headlint.integrations.language_server.requests import Check, Checked

PAUSE = 0.1
"""Seconds without a keystroke after which a document is checked."""

LATER = 0.3
"""Seconds after which the documents that depend on it are."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was found in a document as it was.

    ``settled`` says whether it was opened or saved like this: a text that is being typed often is no Python for a moment.
    """

    document: OpenDocument
    checked: Checked
    settled: bool

    @property
    def unreadable(self) -> bool:
        """Whether it could not be analysed at all. Of a notebook the cells that can be are."""
        return self.document.cells is None and any(problem.code == "HL900" for problem in self.checked.report.problems)


@dataclass(slots=True, eq=False)
class _Track:
    """What is known of one open document."""

    asked: int = 0
    """How often it was to be checked, and below for which of these times the answer is known."""
    answered: int = 0
    due: float | None = None
    typed: bool = False
    readable: bool = False
    outcome: Outcome | None = None
    """The last one of a text that could be analysed."""
    waiting: list[asyncio.Future[None]] = field(default_factory=list)

    def mark(self, delay: float) -> None:
        """Have it checked; what is being found out about it now is outdated."""
        self.asked += 1
        self.due = time.monotonic() + delay

    def answer(self, outcome: Outcome | None) -> None:
        """What was found out, if it could be, about the last change."""
        self.answered = self.asked
        self.readable = outcome is not None and not outcome.unreadable
        if self.readable:
            self.outcome = outcome
        self.wake()

    def wake(self) -> None:
        """Let those go on who wait for something to be known."""
        for future in self.waiting:
            if not future.done():
                future.set_result(None)
        self.waiting.clear()


class Checker:
    """Checks documents one after the other; ``publish`` is told of each outcome, ``complain`` of what went wrong."""

    def __init__(
        self,
        documents: Documents,
        preferences: Preferences,
        analyst: AnalystProcess,
        publish: Callable[[Outcome], None],
        complain: Callable[[str], None],
    ) -> None:
        self._documents = documents
        self._preferences = preferences
        self._analyst = analyst
        self._publish = publish
        self._complain = complain
        self._tracks: dict[str, _Track] = {}
        self._foremost = ""
        self._relist = True
        self._woken = asyncio.Event()

    def opened(self, document: OpenDocument) -> None:
        """A document was opened."""
        self._foremost = document.uri
        self._track(document.uri).mark(0)
        self._recheck_dependents(document.uri, document.path)

    def typed(self, document: OpenDocument) -> None:
        """A document has another text than before."""
        self._foremost = document.uri
        track = self._track(document.uri)
        track.typed = True
        track.mark(PAUSE)
        self._recheck_dependents(document.uri, document.path)

    def saved(self, document: OpenDocument) -> None:
        """A document was written to its file."""
        self._foremost = document.uri
        self._track(document.uri).typed = False
        self.recheck()

    def closed(self, uri: str, path: Path) -> None:
        """A document is not open any more: for the others its file counts again."""
        if (track := self._tracks.pop(uri, None)) is not None:
            track.wake()
        self._recheck_dependents(uri, path)

    def recheck(self) -> None:
        """Files or settings may have changed: look at every open document."""
        self._relist = True
        for document in self._documents:
            self._track(document.uri).mark(0)
        self._woken.set()

    def _recheck_dependents(self, uri: str, path: Path) -> None:
        for other, track in self._tracks.items():
            if other != uri and track.outcome is not None and path in track.outcome.checked.read:
                track.mark(LATER)
        self._woken.set()

    def last(self, uri: str) -> Outcome | None:
        """The last outcome of a document that could be analysed."""
        track = self._tracks.get(uri)
        return track.outcome if track is not None else None

    async def current(self, uri: str) -> Outcome | None:
        """The outcome of a document as it is now; None when it cannot be analysed, or is closed meanwhile."""
        while (track := self._tracks.get(uri)) is not None:
            if track.answered == track.asked:
                return track.outcome if track.readable else None
            if track.due is not None:
                track.due = 0
            self._woken.set()
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            track.waiting.append(future)
            await future
        return None

    async def run(self) -> None:
        """Check what is due, for ever."""
        while True:
            uri = self._most_urgent()
            if uri is None:
                await self._until_next()
                continue
            try:
                await self._check(uri)
            except Exception as error:  # the server lives on
                self._complain(f"internal error: {type(error).__name__}: {error}; please report it")

    def _track(self, uri: str) -> _Track:
        return self._tracks.setdefault(uri, _Track())

    def _most_urgent(self) -> str | None:
        now = time.monotonic()
        due = [(uri, track.due) for uri, track in self._tracks.items() if track.due is not None and track.due <= now]
        return min(due, key=lambda one: (one[0] != self._foremost, one[1]))[0] if due else None

    async def _until_next(self) -> None:
        due = [track.due for track in self._tracks.values() if track.due is not None]
        delay = max(0.0, min(due) - time.monotonic()) if due else None
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._woken.wait(), delay)
        self._woken.clear()

    async def _check(self, uri: str) -> None:
        track = self._tracks[uri]
        document = self._documents.get(uri)
        asked, track.due = track.asked, None
        if document is None:
            return
        settings = self._preferences.settings_for(document.path, self._documents.folder_of(uri))
        relist, self._relist = self._relist, False
        answer = await self._analyst.ask(Check(document.path, settings, self._documents.texts(), relist))
        if self._tracks.get(uri) is not track or track.asked != asked:
            return
        if not isinstance(answer, Checked):
            track.answer(None)
            self._complain(f"{document.path}: {answer}")
            return
        outcome = Outcome(document, answer, settled=not track.typed)
        track.answer(outcome)
        self._publish(outcome)
