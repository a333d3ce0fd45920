"""The process that analyses: it keeps what it has read in memory and answers one request after the other."""

from __future__ import annotations

import gc
import os
import pickle
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from headlint.findings.finding import Finding, Place, Report
from headlint.findings.rulebook import selected
from headlint.fixes import Edit, Fix, edited, plan_fixes, resolves
from headlint.fixes.suppressing import suppression_edits
from headlint.integrations.language_server.framing import LENGTH, framed
from headlint.integrations.language_server.requests import (
    Answer,
    Change,
    Check,
    Checked,
    Failed,
    FixAnswer,
    FixRequest,
    LineKey,
    Lines,
    Remedy,
    Request,
)
from headlint.run.editing import Buffers, Memory, check_edited
from headlint.settings import ConfigurationError
from headlint.source.discovery import is_passed_by
from headlint.source.document import Document, document_of, read_document

IDLE = 1.0
"""Seconds without a request after which memory is cleared of what is not needed any more."""


class Analyst:
    """Answers requests."""

    def __init__(self) -> None:
        self._memory = Memory()

    def answer(self, request: Request) -> Answer:
        """Do what is asked for; an error of headlint becomes an answer too."""
        try:
            return self._check(request) if isinstance(request, Check) else self._fix(request)
        except ConfigurationError as error:
            return Failed(str(error))
        except Exception as error:  # the next request must find the analyst alive
            last = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(last.filename).name}:{last.lineno}"
            return Failed(f"internal error: {type(error).__name__}: {error} ({where}); please report it")

    def _check(self, request: Check) -> Checked:
        if request.relist:
            self._memory.projects.clear()
        if is_passed_by(request.path, request.settings):
            return Checked(Report())
        report, loader = check_edited([request.path], Buffers(request.buffers), request.settings, self._memory)
        places = {place for finding in report for place in (finding.place, *(step.place for step in finding.trail))}
        problems = tuple(one for one in report.problems if selected(one.code, request.settings, one.path))
        report = Report(report.findings, problems, report.files)
        return Checked(report, _lines(places, loader.documents.__getitem__), frozenset(map(Path, loader.documents)))

    def _fix(self, request: FixRequest) -> FixAnswer:
        attempt = _Attempt(request, self._memory)
        remedies = tuple(map(_remedy, attempt.safe_together() if request.together else attempt.one_by_one()))
        comments = () if request.together else tuple(attempt.comments())
        changes = (*(change for one in remedies for change in one.changes), *(change for _, change in comments))
        return FixAnswer(remedies, comments, _lines((change.place for change in changes), attempt.document))


class _Attempt:
    """Fixes of some findings, tried on copies of the open documents."""

    def __init__(self, request: FixRequest, memory: Memory) -> None:
        self._request = request
        self._memory = memory
        self._documents: dict[str, Document] = {}
        self._before: dict[frozenset[Path], Report] = {}

    def one_by_one(self) -> tuple[Fix, ...]:
        """For each finding the first fix that removes it."""
        return tuple(fix for finding in self._request.findings if (fix := self._fix(finding)) is not None)

    def safe_together(self) -> tuple[Fix, ...]:
        """Safe fixes that remove their findings, also when applied together."""
        chosen: list[Fix] = []
        for fix in self.one_by_one():
            taken = [edit for other in chosen for edit in other.edits]
            if fix.safe and not fix.clashes_with(taken) and self._fixes([*chosen, fix]):
                chosen.append(fix)
        return tuple(chosen)

    def _fix(self, finding: Finding) -> Fix | None:
        refused: set[tuple[Edit, ...]] = set()
        while planned := plan_fixes(Report((finding,)), self._source, refused):
            if self._fixes(planned):
                return planned[0]
            refused.add(planned[0].edits)
        return None

    def _fixes(self, fixes: Sequence[Fix]) -> bool:
        edits = sorted({edit for fix in fixes for edit in fix.edits})
        texts = dict(self._request.buffers)
        for name in {edit.path for edit in edits}:
            text = self._source(name)
            if text is None:
                return False
            texts[Path(name)] = edited(Path(name), text, [edit for edit in edits if edit.path == name])
        concerned = frozenset({self._request.path, *(Path(edit.path) for edit in edits)})
        if concerned not in self._before:
            self._before[concerned] = self._report(concerned, self._request.buffers)
        return resolves(fixes, self._before[concerned], self._report(concerned, texts))

    def _report(self, files: frozenset[Path], texts: Mapping[Path, str]) -> Report:
        return check_edited(sorted(files), Buffers(texts), self._request.settings, self._memory)[0]

    def _source(self, path: str) -> str | None:
        buffers = Buffers(self._request.buffers)
        if Path(path) in buffers:
            return buffers[Path(path)]
        try:
            return Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    def comments(self) -> Iterator[tuple[Finding, Change]]:
        """For each finding the comment that suppresses it, where one can stand."""
        for finding in self._request.findings:
            for edit in suppression_edits([finding], self._source):
                yield finding, Change(_place_of(edit), edit.text)

    def document(self, path: str) -> Document:
        """The text of a file as it is being edited."""
        if path not in self._documents:
            text = self._source(path)
            self._documents[path] = read_document(Path(path)) if text is None else document_of(Path(path), text)
        return self._documents[path]


def _remedy(fix: Fix) -> Remedy:
    changes = (Change(_place_of(edit), edit.text) for edit in fix.edits)
    return Remedy(fix.finding, fix.title, fix.safe, fix.reason, tuple(changes))


def _place_of(edit: Edit) -> Place:
    return Place(edit.path, edit.start_line, edit.start_column, edit.end_line, edit.end_column, edit.cell)


def _lines(places: Iterable[Place], document_of: Callable[[str], Document]) -> Lines:
    """The lines that places begin and end on."""
    found: dict[LineKey, str] = {}
    texts: dict[tuple[str, int | None], list[str]] = {}
    for place in places:
        where = (place.path, place.cell)
        if where not in texts:
            document = document_of(place.path)
            text = document.text if place.cell is None else document.cell_text(place.cell)
            texts[where] = text.split("\n")
        for line in (place.line, place.end_line):
            if 0 < line <= len(texts[where]):
                found[(place.path, place.cell, line)] = texts[where][line - 1]
    return found


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests until the other side is gone, at which moment the process ends whatever it is doing."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()  # the trees that are kept have no cycles; what has some is collected while nobody waits
    waiting: queue.SimpleQueue[Request] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(requests, waiting), daemon=True).start()
    analyst = Analyst()
    while True:
        answers.write(framed(analyst.answer(_next(waiting))))
        answers.flush()


def _receive(requests: BinaryIO, waiting: queue.SimpleQueue[Request]) -> None:
    while len(header := requests.read(LENGTH.size)) == LENGTH.size:
        waiting.put(pickle.loads(requests.read(LENGTH.unpack(header)[0])))
    os._exit(0)


def _next(waiting: queue.SimpleQueue[Request]) -> Request:
    try:
        return waiting.get(timeout=IDLE)
    except queue.Empty:
        gc.collect()
        gc.freeze()
        return waiting.get()


def main() -> None:
    """Serve on standard input and output; what anything prints goes to standard error."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    serve(requests, answers)
