"""A run: which files are looked at, and in which processes.

The outcome does not depend on the number of processes, the order of the paths, or which slice of a project's files is
passed: a file whose functions wait for values is looked at together with the files that import it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import structs

from headlint.findings.finding import Finding, Place, Problem, Report
from headlint.loading import cache
from headlint.loading.surveys import survey
from headlint.run import pool
from headlint.run.importers import Importers
from headlint.run.record import Record
from headlint.run.results import Basis, FileResult
from headlint.settings import Settings
from headlint.source.document import UnreadableError, document_of

if TYPE_CHECKING:
    from headlint.loading.loader import ProjectLoader, Question
    from headlint.selection.selection import Selection
    from headlint.source.project import Project

MOST_IMPORTERS = 60
"""Files beside the given ones that are looked at because they import one of them."""

MODULES_BESIDE_EACH = 3
"""Modules beside each analysed file that are looked at to tell what reaches a library: few where few have changed."""

Progress = Callable[[int, int], None]


def check_source(text: str, filename: str = "x.py", settings: Settings | None = None) -> Report:
    """Check a text as if it stood in a file.

    The file need not exist; imports of other files of its project are followed when its folder does. Where it exists,
    it is one of its project's files, and the others know it by this text.

    Raises:
        ConfigurationError: the settings name a baseline or a revision that cannot be had.
    """
    from headlint.loading.loader import ProjectLoader
    from headlint.run.analysis import analyze_document
    from headlint.selection.selection import Selection

    settings = settings or Settings()
    path = Path(filename)
    if path.is_file():
        return check_paths([path], settings, buffers={path: text})
    selection = Selection(settings, [path])
    try:
        document = document_of(path, text)
    except UnreadableError as error:
        return Report(problems=(Problem(filename, str(error), "HL900"),), files=1)
    loader = ProjectLoader(_project(settings) if path.parent.is_dir() else None, settings.cache)
    loader.documents[str(path)] = document
    result = analyze_document(document, path, loader, settings)
    return _report([result], (path,), loader, selection)


def check_paths(
    paths: Iterable[Path | str],
    settings: Settings | None = None,
    progress: Progress | None = None,
    buffers: Mapping[Path, str] | None = None,
) -> Report:
    """Check files and everything below folders; ``progress`` hears how many files of how many are done.

    ``buffers`` holds texts that count instead of what is on disk (an editor's unsaved files).

    Raises:
        ConfigurationError: the settings name a baseline or a revision that cannot be had.
    """
    from headlint.loading.loader import ProjectLoader
    from headlint.source.discovery import discover

    settings = settings or Settings()
    discovery = discover([absolute(path) for path in paths], settings)
    texts = {absolute(path): text for path, text in (buffers or {}).items()}
    loader = ProjectLoader(_project(settings), settings.cache, texts)
    report = check_files(discovery.files, loader, settings, progress, discovery.problems)
    return structs.replace(report, skipped=(*discovery.skipped, *report.skipped))


def check_files(
    files: Sequence[Path],
    loader: ProjectLoader,
    settings: Settings,
    progress: Progress | None = None,
    problems: tuple[Problem, ...] = (),
) -> Report:
    """Check files, given by absolute paths, through a loader, which afterwards knows all texts that were read for it.

    ``problems`` are those that the caller knows already.

    Raises:
        ConfigurationError: the settings name a baseline or a revision that cannot be had.
    """
    from headlint.selection.selection import Selection

    selection = Selection(settings, files)
    record = Record.of(files, loader, repr(_decisive(settings)), settings.declared)
    known = [file for file in files if record.result(file) is not None]
    unknown = [file for file in files if record.result(file) is None and not record.is_of_no_concern(file)]
    relevant, refused = relevant_files(unknown, loader)
    relevant += known
    results = _analyze_all(relevant, loader, settings, record, progress, files)
    if loader.cache:
        cache.clean()
    importers = record.importers(files, results)
    if importers is not None:
        more = _analyze_all(importers, loader, settings, record)
    else:
        open_files = [Path(result.path) for result in results if result.open]
        more = _analyze_importers(open_files, set(relevant), loader, settings, record)
    record.keep(files, results, more)
    results += [structs.replace(one, problems=()) for one in more]
    return _report(results, files, loader, selection, (*problems, *refused))


def absolute(path: Path | str) -> Path:
    """Imports lead to absolute paths: a file has to be known by the same one when it is given."""
    return Path(os.path.abspath(path))


def _project(settings: Settings) -> Project:
    from headlint.source.project import Project

    return Project(settings.root)


def relevant_files(files: Sequence[Path], loader: ProjectLoader) -> tuple[list[Path], list[Problem]]:
    """The files that can matter at all, and those that the system refuses."""
    from headlint.source.prefilter import may_matter

    matters = loader.project.may_matter if loader.project is not None else may_matter
    wanted: list[Path] = []
    problems: list[Problem] = []
    for file in files:
        try:
            data = loader.data(file)
        except OSError as error:
            problems.append(Problem(str(file), f"cannot be read: {error.strerror or error}"))
            continue
        if matters(data):
            wanted.append(file)
    return wanted, problems


def reaches_library(file: Path, loader: ProjectLoader, settings: Settings) -> bool:
    """Whether any code of a file can reach a library of models, or cannot be read to be told."""
    from headlint.syntax.parse import is_program

    if loader.buffers or loader.reaching(settings.declared).names_in(file) != frozenset():
        return True
    return not is_program(loader.read(file).text)


def _analyze_all(
    files: Sequence[Path],
    loader: ProjectLoader,
    settings: Settings,
    record: Record,
    progress: Progress | None = None,
    given: Sequence[Path] = (),
) -> list[FileResult]:
    """Analyse files; of all that were ``given`` it is worked out what reaches a library where that is worth a process."""
    known = ((record.result(file) or _kept_result(file, loader, settings)) for file in files)
    results = [result for result in known if result is not None]
    known_paths = {result.path for result in results}
    files = [file for file in files if str(file) not in known_paths]
    processes = 1 if loader.buffers else settings.jobs or pool.worthwhile(files)
    reaching = loader.reaching(settings.declared)
    surveyed = given if record.lacks(given) else files
    reaching.modules_beside = max(reaching.modules_beside, MODULES_BESIDE_EACH * len(surveyed))
    if pool.is_many(surveyed) and not loader.buffers:
        found = pool.apart(lambda: {str(file): survey(reaching, file) for file in dict.fromkeys((*files, *given))})
        record.settle(found, settings.declared)
    finder = pool.Pool(loader, partial(_analyze, settings=settings))
    for result in finder.map(files, processes):
        results.append(result)
        if progress is not None:
            progress(len(results) - len(known_paths), len(files))
    return results


def _kept_result(file: Path, loader: ProjectLoader, settings: Settings) -> FileResult | None:
    """What is kept of an earlier analysis, if everything is as it was then."""
    if not loader.cache or loader.buffers:
        return None
    try:
        match cache.read(_result_file(file, loader, settings)):
            case (dict() as asked, FileResult() as result) if loader.answers_alike(asked):
                return structs.replace(result, basis=Basis.of(asked))
    except OSError:
        pass
    return None


def _analyze(file: Path, loader: ProjectLoader, settings: Settings) -> FileResult:
    """Analyse a file, and keep what comes out; where none of its code can reach a library, only those who import it matter."""
    from headlint.run.analysis import analyze_file

    if not reaches_library(file, loader, settings):
        return FileResult(str(file), open=True)
    loader.forget_what_is_too_much()
    loader.asked = {}
    result = analyze_file(file, loader, settings)
    if loader.cache and not loader.buffers and not result.failed:
        kept: tuple[dict[Question, str], FileResult] = (loader.asked, result)
        cache.write(_result_file(file, loader, settings), kept)
    return structs.replace(result, basis=Basis.of(loader.asked))


def _result_file(file: Path, loader: ProjectLoader, settings: Settings) -> Path:
    return cache.file_for("results", str(file), os.path.abspath(file), repr(_decisive(settings)), loader.data(file))


def _decisive(settings: Settings) -> Settings:
    """What of the settings counts: not how the work is done, nor which of the findings are reported afterwards."""
    return replace(settings, fail_on="", jobs=0, noqa=True, baseline="", diff_base="", cache=True)


def _analyze_importers(
    open_files: Sequence[Path], known: set[Path], loader: ProjectLoader, settings: Settings, record: Record
) -> list[FileResult]:
    """Look at the files that import one whose functions wait for values, and at those that import these."""
    more: list[FileResult] = []
    waiting = dict.fromkeys(open_files)
    if not waiting or loader.project is None:
        return more
    if all(file in known or record.shows_nothing(file) for file in loader.project.files):
        return more
    loader.project.graph.expect_searches(len(waiting))
    importers = Importers(loader, loader.project)
    handing_on: set[Path] = set()
    while waiting and len(more) < MOST_IMPORTERS:
        wanted: list[Path] = []
        while waiting:
            # The first one first: a package then hands on what all of its modules offer, and not what each does.
            del waiting[file := next(iter(waiting))]
            for importer in importers.of(file, known, handing_on):
                if importer.name == "__init__.py":
                    handing_on.add(importer)
                if importer not in known:
                    known.add(importer)
                    if reaches_library(importer, loader, settings):
                        wanted.append(importer)
                    else:
                        handing_on.add(importer)
                if importer in handing_on and importers.hand_on(file, importer):
                    waiting[importer] = None
        results = _analyze_all(wanted[: MOST_IMPORTERS - len(more)], loader, settings, record)
        more += results
        waiting = dict.fromkeys(sorted(Path(result.path) for result in results if result.open))
    return more


def _report(
    results: Sequence[FileResult],
    files: Sequence[Path],
    loader: ProjectLoader,
    selection: Selection,
    problems: Sequence[Problem] = (),
) -> Report:
    given = {str(file) for file in files}
    overridden = {assumption for result in results for assumption in result.overrides}
    best: dict[tuple[str, Place], Finding] = {}
    for conditional in (one for result in results for one in result.findings):
        finding = conditional.finding
        if finding.place.path in given and not conditional.assumptions & overridden:
            key = (finding.code, finding.place)
            if key not in best or _rank(finding) < _rank(best[key]):
                best[key] = finding
    all_problems = (*problems, *(problem for result in results for problem in result.problems))
    ordered = tuple(sorted(all_problems, key=lambda problem: (problem.path, problem.line or 0, problem.message)))
    reported = selection.reported(best.values(), given, {problem.path for problem in ordered}, loader)
    return Report(reported.findings, ordered, len(files), reported.known, reported.stale, reported.skipped)


def _rank(finding: Finding) -> tuple[bool, str, int, str]:
    """Of two findings at one place the surer stands, or the one that knows more other uses of the value.

    The rest of the order only has to be the same every time.
    """
    return (
        finding.confidence.value != "proved",
        finding.message,
        -len(finding.other_uses),
        repr((finding.trail, finding.other_uses)),
    )
