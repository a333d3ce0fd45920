"""The analysis of one file: from its text to findings with places."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from headlint.checks.diagnostic import Diagnostic
from headlint.findings.finding import Confidence, Finding, Place, Problem, Severity, Step
from headlint.flow.interpreter import interpreter
from headlint.flow.machine.budget import BudgetSpent
from headlint.flow.machine.frames import Declarations
from headlint.flow.machine.machine import Machine
from headlint.flow.values.facts import Fact
from headlint.flow.values.modules import ModuleUnit
from headlint.flow.values.python_values import Site
from headlint.loading.loader import ProjectLoader
from headlint.run.results import ConditionalFinding, FileResult
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
        return FileResult(str(path), problems=(Problem(str(path), "calls are nested too deeply to follow", "HL999"),))
    except MemoryError:
        return FileResult(str(path), problems=(Problem(str(path), "needs more memory than is available", "HL999"),))
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
    diagnostics = _diagnostics(machine, settings)
    result = FileResult(
        str(path),
        tuple(place_diagnostics(_enabled(diagnostics, settings), loader)),
        problems,
        frozenset(machine.overrides),
        machine.open or any(diagnostic.assumptions for diagnostic in diagnostics),
    )
    machine.release()
    return result


def _interpret(
    document: Document, path: Path, loader: ProjectLoader, settings: Settings
) -> tuple[Machine, tuple[Problem, ...]]:
    from headlint.flow import roots

    document, body, broken = loader.parsed(document)
    problems = tuple(_syntax_problem(document, path, problem) for problem in broken)
    unit = ModuleUnit(str(path), path, body)
    unit.main = True
    loader.documents[str(path)] = document
    machine = interpreter(loader, Declarations(dict(settings.losses), dict(settings.layers)))
    machine.units[path] = unit
    if not loader.buffers:
        machine.worth_running = loader.reaching(settings.declared).names_in(path, document.text)
    try:
        roots.run(machine, unit)
    except BudgetSpent:
        spent = Problem(str(path), "too large to follow: the rest of this file was not analysed", "HL999")
        return machine, (*problems, spent)
    return machine, problems


def _diagnostics(machine: Machine, settings: Settings) -> list[Diagnostic]:
    from headlint.checks.run import run

    return run(machine.facts, settings)


def _enabled(diagnostics: Iterable[Diagnostic], settings: Settings) -> list[Diagnostic]:
    """Those of rules that are on: looking up places costs more than finding the others.

    Where unused suppressions are reported, the others count too: a comment may be there for them.
    """
    from headlint.findings.rulebook import selected

    everything = selected("HL901", settings)
    return [
        diagnostic
        for diagnostic in diagnostics
        if everything or selected(diagnostic.code, settings, diagnostic.site.path)
    ]


def diagnostics_and_facts(
    path: Path, loader: ProjectLoader, settings: Settings
) -> tuple[list[Fact], list[Diagnostic], tuple[Problem, ...]]:
    """Everything that was established about one file, for those who show more than findings."""

    def work() -> tuple[list[Fact], list[Diagnostic], tuple[Problem, ...]]:
        machine, problems = _interpret(loader.read(path), path, loader, settings)
        return machine.facts, _diagnostics(machine, settings), problems

    try:
        return with_deep_stack(work)
    except SyntaxProblem as problem:
        return [], [], (_syntax_problem(loader.documents[str(path)], path, problem),)
    except UnreadableError as error:
        return [], [], (_unreadable(path, error),)
    except Exception as error:  # an error of headlint on one file must not end the run
        return [], [], (_internal_error(path, error),)


def place_diagnostics(diagnostics: Iterable[Diagnostic], loader: ProjectLoader) -> list[ConditionalFinding]:
    """Turn drafts into findings: look up where things stand, and merge those that say the same."""
    merged: dict[tuple[str, Site], Diagnostic] = {}
    for diagnostic in diagnostics:
        key = (diagnostic.code, diagnostic.site)
        known = merged.get(key)
        if known is None or (diagnostic.proved, not diagnostic.assumptions) > (known.proved, not known.assumptions):
            merged[key] = diagnostic
    places = site_places([site for diagnostic in merged.values() for site in _sites(diagnostic)], loader)
    return [
        ConditionalFinding(_finding(diagnostic, places, _model_of(diagnostic, loader)), diagnostic.assumptions)
        for diagnostic in merged.values()
        if diagnostic.site in places
    ]


def _model_of(diagnostic: Diagnostic, loader: ProjectLoader) -> str:
    """The definition that the head of a finding stands in; nothing where the trail shows no layer."""
    layers = [step.site for step in diagnostic.trail if step.role == "layer"]
    made = layers or [step.site for step in diagnostic.trail if step.role == "activation"]
    return model_around(made[-1], loader) if made else ""


def model_around(site: Site, loader: ProjectLoader) -> str:
    """The name of the class, function or variable that a model's layer stands in, as ``owner_name`` gives it."""
    from headlint.syntax.enclosing import owner_name

    document = loader.documents.get(site.path)
    return owner_name(loader.body(document), site.at) if document is not None else ""


def _sites(diagnostic: Diagnostic) -> list[Site]:
    return [diagnostic.site, *(step.site for step in diagnostic.trail), *diagnostic.other_uses]


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


def _finding(diagnostic: Diagnostic, places: dict[Site, Place], model: str) -> Finding:
    from headlint.findings.rulebook import find_rule

    rule = find_rule(diagnostic.code)
    assert rule is not None, diagnostic.code
    steps = [
        Step(places[step.site], step.note, step.role, step.name) for step in diagnostic.trail if step.site in places
    ]
    confidence = Confidence.PROVED if diagnostic.proved and not diagnostic.assumptions else Confidence.LIKELY
    return Finding(
        diagnostic.code,
        rule.name,
        Severity.ADVICE if diagnostic.advice_only else rule.severity,
        confidence,
        diagnostic.message,
        diagnostic.advice,
        places[diagnostic.site],
        tuple(steps),
        model,
        diagnostic.details,
        tuple(sorted(places[site] for site in diagnostic.other_uses if site in places)),
    )
