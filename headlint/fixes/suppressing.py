"""Writing comments that switch findings off, for those who want to fix them another day.

A comment is kept only if it helps: everything is checked again in memory before anything is written.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from msgspec import structs

from headlint.findings.finding import Finding, Problem, Report
from headlint.fixes.case import Sources
from headlint.fixes.edits import Edit
from headlint.fixes.workspace import Workspace
from headlint.settings import Settings
from headlint.source.notebook import indentation_of, sources_as_written, without_magics
from headlint.source.suppressions import Rewriting, suppressing


@dataclass(frozen=True)
class SuppressionOutcome:
    """What was suppressed, and what is left.

    ``report`` tells what no comment can suppress. ``files`` were written (with ``diff`` asked for: would be).
    ``problems`` are files that were to be written and were left alone. ``diff`` is a unified diff of all changes.
    """

    report: Report
    suppressed: tuple[Finding, ...] = ()
    files: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    diff: str = ""


def add_suppressions(
    paths: Iterable[Path | str], settings: Settings | None = None, diff: bool = False
) -> SuppressionOutcome:
    """Check files and everything below folders, and write a comment for each finding; with ``diff`` write nothing.

    A file that cannot be parsed is left alone: nobody knows where its statements end.

    Raises:
        ConfigurationError: the settings name a baseline or a revision that cannot be had.
    """
    from headlint.run.session import check_paths

    settings = settings or Settings()
    report = check_paths(paths, settings)
    originals = Workspace()
    broken = {problem.path for problem in report.problems}
    wanted = [finding for finding in report if finding.place.path not in broken]
    everything = originals.after(suppression_edits(wanted, originals.source))
    helped = _silenced(wanted, everything, settings)
    workspace = originals.after(suppression_edits(helped, originals.source))
    left = tuple(finding for finding in report if finding not in helped)
    files, problems = (workspace.changed(), ()) if diff else workspace.write()
    suppressed = tuple(finding for finding in report if finding in helped)
    return SuppressionOutcome(
        structs.replace(report, findings=left), suppressed, files, problems, workspace.diff(settings.root)
    )


def _silenced(findings: Sequence[Finding], workspace: Workspace, settings: Settings) -> frozenset[Finding]:
    """The findings that are not told of the files as they would be."""
    from headlint.run.session import check_paths

    loud = {_key(finding) for finding in check_paths(workspace.changed(), settings, buffers=workspace)}
    changed = {Path(path).resolve() for path in workspace.changed()}
    return frozenset(one for one in findings if _key(one) not in loud and Path(one.place.path).resolve() in changed)


def _key(finding: Finding) -> tuple[str, int, int, int, str]:
    """What a finding is known by before and after; a comment at the end of a line moves no beginning of anything."""
    return (str(Path(finding.place.path).resolve()), *finding.sort_key()[1:])


def suppression_edits(findings: Iterable[Finding], sources: Sources) -> Iterator[Edit]:
    """The edits that write a comment for each finding into the files' texts (of a notebook the JSON)."""
    ordered = sorted(findings, key=Finding.sort_key)
    for (path, cell), own in groupby(ordered, key=lambda finding: (finding.place.path, finding.place.cell)):
        source = sources(path)
        if source is None:
            continue
        stored = source if cell is None else sources_as_written(source)[cell]
        written = io.StringIO(stored, newline=None).read()
        text = without_magics(written) if cell is not None else written
        wanted = [(finding.name, finding.place.line, finding.place.end_line) for finding in own]
        for rewriting in suppressing(text, wanted):
            yield _edit(rewriting, path, cell, text.split("\n"), _unindented(written, cell))


def _unindented(written: str, cell: int | None) -> list[str]:
    """The lines as they are written, without what a whole cell is indented by."""
    indentation = indentation_of(written) if cell is not None else ""
    return [line.removeprefix(indentation) for line in written.split("\n")]


def _edit(rewriting: Rewriting, path: str, cell: int | None, lines: Sequence[str], written: Sequence[str]) -> Edit:
    """The edit of a line, which in a notebook may begin with a magic such as ``%time`` that is not in the text."""
    line = rewriting.line
    magic = len(written[line - 1]) - len(lines[line - 1])
    return Edit(path, line, rewriting.column + magic, line, rewriting.end_column + magic, rewriting.text, cell)
