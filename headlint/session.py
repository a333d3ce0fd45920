"""A run: which files are looked at, in which processes, and which of the findings are told.

The outcome does not depend on the number of processes, the order of the paths, or which slice of a project's files is
passed: a file whose functions wait for values is looked at together with the files that import it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from headlint.findings import Finding, Place, Problem, Report
from headlint.settings import Settings
from headlint.source.document import Document, UnreadableError, document_of

if TYPE_CHECKING:
    from headlint.analysis import FileResult
    from headlint.loading import ProjectLoader
    from headlint.source.project import Project

FILES_WORTH_A_PROCESS = 24
"""Files that matter, from which on starting processes costs less than it saves."""

MOST_IMPORTERS = 60
"""Files beside the given ones that are looked at because they import one of them."""

Progress = Callable[[int, int], None]


def check_source(text: str, filename: str = "x.py", settings: Settings | None = None) -> Report:
    """Check a text as if it stood in a file.

    The file need not exist; imports of other files of its project are followed when its folder does. Where it exists,
    it is one of its project's files, and the others know it by this text.
    """
    from headlint.analysis import analyze_document
    from headlint.loading import ProjectLoader

    settings = settings or Settings()
    path = Path(filename)
    if path.is_file():
        return check_paths([path], settings, buffers={path: text})
    try:
        document = document_of(path, text)
    except UnreadableError as error:
        return Report(problems=(Problem(filename, str(error), "HL900"),), files=1)
    loader = ProjectLoader(_project(settings) if path.parent.is_dir() else None, settings.cache)
    result = analyze_document(document, path, loader, settings)
    return _report([result], {filename}, loader, settings, 1, ())


def check_paths(
    paths: Iterable[Path | str],
    settings: Settings | None = None,
    progress: Progress | None = None,
    buffers: Mapping[Path, str] | None = None,
) -> Report:
    """Check files and everything below folders; ``progress`` hears how many files of how many are done.

    ``buffers`` holds texts that count instead of what is on disk (an editor's unsaved files).
    """
    from headlint.loading import ProjectLoader
    from headlint.source.discovery import discover

    settings = settings or Settings()
    discovery = discover([_absolute(path) for path in paths], settings)
    texts = {_absolute(path): text for path, text in (buffers or {}).items()}
    loader = ProjectLoader(_project(settings), settings.cache, texts)
    return check_files(discovery.files, loader, settings, progress, discovery.problems)


def check_files(
    files: Sequence[Path],
    loader: ProjectLoader,
    settings: Settings,
    progress: Progress | None = None,
    problems: tuple[Problem, ...] = (),
) -> Report:
    """Check files, given by absolute paths, through a loader, which afterwards knows all texts that were read for it.

    ``problems`` are those that the caller knows already.
    """
    wanted, refused = worth_analysing(files, loader)
    results = _analyze_all(wanted, loader, settings, progress)
    results += _analyze_importers(results, {Path(result.path) for result in results}, loader, settings)
    return _report(results, {str(file) for file in files}, loader, settings, len(files), (*problems, *refused))


def _absolute(path: Path | str) -> Path:
    """Imports lead to absolute paths: a file has to be known by the same one when it is given."""
    return Path(os.path.abspath(path))


def _project(settings: Settings) -> Project:
    from headlint.source.project import Project

    return Project(settings.root)


def worth_analysing(files: Sequence[Path], loader: ProjectLoader) -> tuple[list[Path], list[Problem]]:
    """The files that can matter at all, and those that the system refuses."""
    from headlint.source.prefilter import may_matter

    matters = loader.project.may_matter if loader.project is not None else may_matter
    wanted: list[Path] = []
    problems: list[Problem] = []
    for file in files:
        try:
            data = (
                loader.buffers[file].encode("utf-8", "surrogatepass") if file in loader.buffers else file.read_bytes()
            )
        except OSError as error:
            problems.append(Problem(str(file), f"cannot be read: {error.strerror or error}"))
            continue
        if matters(data):
            wanted.append(file)
    return wanted, problems


def _analyze_all(
    files: Sequence[Path], loader: ProjectLoader, settings: Settings, progress: Progress | None
) -> list[FileResult]:
    processes = settings.jobs or min(os.cpu_count() or 1, len(files) // (FILES_WORTH_A_PROCESS // 2))
    if processes > 1 and len(files) >= FILES_WORTH_A_PROCESS and not loader.buffers:
        return _in_processes(files, processes, settings, progress)
    results: list[FileResult] = []
    if files:
        from headlint.analysis import analyze_file
    for done, file in enumerate(files, 1):
        results.append(analyze_file(file, loader, settings))
        if progress is not None:
            progress(done, len(files))
    return results


_worker: ProjectLoader | None = None
_worker_settings: Settings | None = None


def _start_worker(settings: Settings) -> None:
    from headlint.loading import ProjectLoader

    global _worker, _worker_settings
    _worker, _worker_settings = ProjectLoader(_project(settings), settings.cache), settings


def _work(file: Path) -> FileResult:
    from headlint.analysis import analyze_file

    assert _worker is not None
    assert _worker_settings is not None
    return analyze_file(file, _worker, _worker_settings)


def _in_processes(
    files: Sequence[Path], processes: int, settings: Settings, progress: Progress | None
) -> list[FileResult]:
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    from headlint.analysis import analyze_file
    from headlint.loading import ProjectLoader

    results: list[FileResult] = []
    try:
        with ProcessPoolExecutor(processes, initializer=_start_worker, initargs=(settings,)) as pool:
            for result in pool.map(_work, files, chunksize=4):
                results.append(result)
                if progress is not None:
                    progress(len(results), len(files))
    except (BrokenProcessPool, OSError):  # a process died, or none can be started: go on alone, from where it stopped
        loader = ProjectLoader(_project(settings), settings.cache)
        results += [analyze_file(file, loader, settings) for file in files[len(results) :]]
    return results


def _analyze_importers(
    results: Sequence[FileResult], known: set[Path], loader: ProjectLoader, settings: Settings
) -> list[FileResult]:
    """Look at the files that import one whose functions wait for values, and at those that import these."""
    from headlint.analysis import FileResult, analyze_file

    more: list[FileResult] = []
    waiting = [Path(result.path) for result in results if result.open]
    while waiting and loader.project is not None and len(more) < MOST_IMPORTERS:
        for importer in loader.project.importers(waiting.pop()):
            if importer not in known and len(more) < MOST_IMPORTERS:
                known.add(importer)
                result = analyze_file(importer, loader, settings)
                more.append(FileResult(result.path, result.findings, (), result.overrides, result.open))
                if result.open:
                    waiting.append(importer)
    return more


def _report(
    results: Sequence[FileResult],
    given: set[str],
    loader: ProjectLoader,
    settings: Settings,
    files: int,
    problems: tuple[Problem, ...],
) -> Report:
    overridden = {assumption for result in results for assumption in result.overrides}
    best: dict[tuple[str, Place], Finding] = {}
    for evidenced in (one for result in results for one in result.findings):
        finding = evidenced.finding
        if finding.place.path in given and not evidenced.assumptions & overridden:
            key = (finding.code, finding.place)
            if key not in best or _rank(finding) < _rank(best[key]):
                best[key] = finding
    told = _selected(sorted(best.values(), key=Finding.sort_key), given, loader, settings)
    all_problems = (*problems, *(problem for result in results for problem in result.problems))
    ordered = sorted(all_problems, key=lambda problem: (problem.path, problem.line or 0, problem.message))
    return Report(tuple(told), tuple(ordered), files)


def _rank(finding: Finding) -> tuple[bool, str, str]:
    """Of two findings at one place the surer stands; the rest of the order only has to be the same every time."""
    return (finding.confidence.value != "proved", finding.message, repr(finding.trail))


def _selected(findings: list[Finding], given: set[str], loader: ProjectLoader, settings: Settings) -> list[Finding]:
    """Leave out what the settings or comments in the text do not want to hear; add unused comments where asked for."""
    from headlint.rulebook import selected
    from headlint.source.suppressions import Suppressions

    suppressions: dict[str, Suppressions] = {}
    told: list[Finding] = []
    for finding in findings:
        path = finding.place.path
        if path not in suppressions:
            document = _document(path, loader)
            suppressions[path] = Suppressions.of(document.text if document is not None else "")
        line, end_line = _text_lines(finding.place, loader)
        covered = settings.suppressions and suppressions[path].covers(finding.code, finding.name, line, end_line)
        if not covered and selected(finding.code, settings, path):
            told.append(finding)
    told += _unused_suppressions(suppressions, given, loader, settings)
    return sorted(told, key=Finding.sort_key)


def _document(path: str, loader: ProjectLoader) -> Document | None:
    if path not in loader.documents:
        try:
            return loader.read(Path(path))
        except (OSError, UnreadableError):
            return None
    return loader.documents[path]


def _text_lines(place: Place, loader: ProjectLoader) -> tuple[int, int]:
    """The lines of a place in the whole text; those of a notebook count within their cell."""
    document = loader.documents.get(place.path)
    if place.cell is None or document is None:
        return place.line, place.end_line
    first = document.first_line(place.cell)
    return first + place.line - 1, first + place.end_line - 1


def _unused_suppressions(
    suppressions: Mapping[str, object], given: set[str], loader: ProjectLoader, settings: Settings
) -> list[Finding]:
    from headlint.findings import Confidence
    from headlint.rulebook import find_rule, selected
    from headlint.source.suppressions import Suppressions

    rule = find_rule("HL901")
    if rule is None:
        return []
    found: list[Finding] = []
    for path in sorted(given):
        if not selected("HL901", settings, path):
            continue
        document = _document(path, loader)
        if document is None:
            continue
        known = suppressions.get(path)
        comments = known if isinstance(known, Suppressions) else Suppressions.of(document.text)
        for unused in comments.unused(lambda code, path=path: selected(code, settings, path)):  # type: ignore[misc]
            cell, line = document.locate(unused.line)
            place = Place(path, line, unused.column, line, unused.end_column, cell)
            codes = ", ".join(unused.codes)
            message = f"This comment suppresses nothing{f' ({codes})' if codes else ''}."
            found.append(
                Finding("HL901", rule.name, rule.severity, Confidence.PROVED, message, "Remove the comment.", place)
            )
    return found
