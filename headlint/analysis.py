"""The analysis of one file: from its text to findings with places."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from headlint.checks.draft import Draft
from headlint.findings import Confidence, Finding, Place, Problem, Step
from headlint.flow.facts import Fact
from headlint.flow.machine import BudgetSpent, Declarations, Machine
from headlint.flow.modules import ModuleUnit
from headlint.flow.values import Site
from headlint.loading import ProjectLoader
from headlint.results import Evidenced, FileResult
from headlint.settings import Settings
from headlint.source.document import Document, UnreadableError
from headlint.syntax.parse import Span, SyntaxProblem

Result = TypeVar("Result")

STACK_BYTES = 256 * 1024 * 1024
DEEPEST_PYTHON = 20_000


def with_deep_stack(work: Callable[[], Result]) -> Result:
    """Do something that may recurse deeply, in a thread with a large stack."""
    outcome: list[Result] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(work())
        except BaseException as error:  # handed on to the caller's thread below
            failure.append(error)

    stack, limit = threading.stack_size(STACK_BYTES), sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(max(limit, DEEPEST_PYTHON))
        thread = threading.Thread(target=run, name="headlint")
        thread.start()
    finally:
        threading.stack_size(stack)
    thread.join()
    sys.setrecursionlimit(limit)
    if failure:
        raise failure[0]
    return outcome[0]


def analyze_file(path: Path, loader: ProjectLoader, settings: Settings) -> FileResult:
    """Analyse one file of a project."""
    try:
        document = loader.read(path)
    except OSError as error:
        return FileResult(str(path), problems=(Problem(str(path), f"cannot be read: {error.strerror or error}"),))
    except UnreadableError as error:
        return FileResult(str(path), problems=(_unreadable(path, error),))
    return analyze_document(document, path, loader, settings)


def _unreadable(path: Path, error: UnreadableError) -> Problem:
    return Problem(str(path), str(error), "HL900", getattr(error, "line", None), getattr(error, "column", None))


def analyze_document(document: Document, path: Path, loader: ProjectLoader, settings: Settings) -> FileResult:
    """Analyse a text that was read; an error of headlint itself becomes a problem of that file."""
    try:
        return with_deep_stack(lambda: _analyze(document, path, loader, settings))
    except SyntaxProblem as problem:
        return FileResult(str(path), problems=(_syntax_problem(document, path, problem),))
    except RecursionError:
        return FileResult(str(path), problems=(Problem(str(path), "calls too deeply to be followed", "HL999"),))
    except MemoryError:
        return FileResult(str(path), problems=(Problem(str(path), "needs more memory than there is", "HL999"),))
    except Exception as error:  # an error of headlint on one file must not end the run
        return FileResult(str(path), problems=(_internal_error(path, error),))


def _internal_error(path: Path, error: Exception) -> Problem:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace is not None else "?"
    return Problem(str(path), f"internal error: {type(error).__name__}: {error} ({where}); please report it", "HL999")


def _syntax_problem(document: Document, path: Path, problem: SyntaxProblem) -> Problem:
    lines = document.text.splitlines()
    source = lines[problem.line - 1] if 0 < problem.line <= len(lines) else ""
    cell, line = document.locate(problem.line)
    return Problem(str(path), problem.message, "HL900", line, problem.column, cell, source)


def _analyze(document: Document, path: Path, loader: ProjectLoader, settings: Settings) -> FileResult:
    machine, problems = _interpret(document, path, loader, settings)
    drafts = _drafts(machine, settings)
    return FileResult(
        str(path),
        tuple(place_drafts(_worth_telling(drafts, settings), loader)),
        problems,
        frozenset(machine.overrides),
        machine.open or any(draft.assumptions for draft in drafts),
    )


def _interpret(
    document: Document, path: Path, loader: ProjectLoader, settings: Settings
) -> tuple[Machine, tuple[Problem, ...]]:
    from headlint.flow import roots

    document, body, broken = loader.parsed(document)
    problems = tuple(_syntax_problem(document, path, problem) for problem in broken)
    unit = ModuleUnit(str(path), path, body)
    unit.main = True
    loader.documents[str(path)] = document
    machine = Machine(loader, Declarations(dict(settings.losses), dict(settings.layers)))
    machine.units[path] = unit
    try:
        roots.run(machine, unit)
    except BudgetSpent:
        spent = Problem(str(path), "too much to follow: the rest of this file was not analysed", "HL999")
        return machine, (*problems, spent)
    return machine, problems


def _drafts(machine: Machine, settings: Settings) -> list[Draft]:
    from headlint.checks.run import run

    return run(machine.facts, settings)


def _worth_telling(drafts: Iterable[Draft], settings: Settings) -> list[Draft]:
    """Those of rules that are on: looking up places costs more than finding the others.

    Where unused suppressions are told, the others count too: a comment may be there for them.
    """
    from headlint.rulebook import selected

    everything = selected("HL901", settings)
    return [draft for draft in drafts if everything or selected(draft.code, settings, draft.site.path)]


def drafts_and_facts(
    path: Path, loader: ProjectLoader, settings: Settings
) -> tuple[list[Fact], list[Draft], tuple[Problem, ...]]:
    """Everything that was established about one file, for those who show more than findings."""

    def work() -> tuple[list[Fact], list[Draft], tuple[Problem, ...]]:
        machine, problems = _interpret(loader.read(path), path, loader, settings)
        return machine.facts, _drafts(machine, settings), problems

    try:
        return with_deep_stack(work)
    except SyntaxProblem as problem:
        return [], [], (_syntax_problem(loader.documents[str(path)], path, problem),)
    except UnreadableError as error:
        return [], [], (_unreadable(path, error),)
    except Exception as error:  # an error of headlint on one file must not end the run
        return [], [], (_internal_error(path, error),)


def place_drafts(drafts: Iterable[Draft], loader: ProjectLoader) -> list[Evidenced]:
    """Turn drafts into findings: look up where things stand, and merge those that say the same."""
    merged: dict[tuple[str, Site], Draft] = {}
    for draft in drafts:
        key = (draft.code, draft.site)
        known = merged.get(key)
        if known is None or (draft.proved, not draft.assumptions) > (known.proved, not known.assumptions):
            merged[key] = draft
    places = site_places([site for draft in merged.values() for site in _sites(draft)], loader)
    return [
        Evidenced(_finding(draft, places, _model_of(draft, loader)), draft.assumptions)
        for draft in merged.values()
        if draft.site in places
    ]


def _model_of(draft: Draft, loader: ProjectLoader) -> str:
    """The definition that the head of a finding stands in; nothing where the trail shows no layer."""
    layers = [step.site for step in draft.trail if step.role == "layer"]
    made = layers or [step.site for step in draft.trail if step.role == "activation"]
    return model_around(made[-1], loader) if made else ""


def model_around(site: Site, loader: ProjectLoader) -> str:
    """The name of the class, function or variable that a model's layer stands in, as ``owner_name`` gives it."""
    from headlint.syntax.enclosing import owner_name

    document = loader.documents.get(site.path)
    return owner_name(loader.body(document), site.at) if document is not None else ""


def _sites(draft: Draft) -> list[Site]:
    return [draft.site, *(step.site for step in draft.trail), *draft.elsewhere]


def site_places(sites: Iterable[Site], loader: ProjectLoader) -> dict[Site, Place]:
    """Where sites stand; those in texts that were never read are left out."""
    by_path: dict[str, set[int]] = {}
    for site in sites:
        by_path.setdefault(site.path, set()).add(site.at)
    found: dict[Site, Place] = {}
    for path, numbers in by_path.items():
        document = loader.documents.get(path)
        if document is None:
            continue
        for at, span in loader.spans(document, numbers).items():
            found[Site(path, at)] = _place(document, path, span)
    return found


def _place(document: Document, path: str, span: Span) -> Place:
    cell, line = document.locate(span.line)
    _, end_line = document.locate(span.end_line)
    return Place(path, line, span.column, end_line, span.end_column, cell)


def _finding(draft: Draft, places: dict[Site, Place], model: str) -> Finding:
    from headlint.rulebook import find_rule

    rule = find_rule(draft.code)
    assert rule is not None, draft.code
    steps = [Step(places[step.site], step.note, step.role, step.name) for step in draft.trail if step.site in places]
    confidence = Confidence.PROVED if draft.proved and not draft.assumptions else Confidence.LIKELY
    return Finding(
        draft.code,
        rule.name,
        rule.severity,
        confidence,
        draft.message,
        draft.advice,
        places[draft.site],
        tuple(steps),
        model,
        draft.details,
        tuple(sorted(places[site] for site in draft.elsewhere if site in places)),
    )
