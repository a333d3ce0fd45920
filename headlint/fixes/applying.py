"""Repair files: fix, check again, and go on until nothing is left to fix.

Everything is tried in memory first. A fix is kept only if its finding is gone afterwards and no other has appeared.
Only the files that are checked are changed, not others that a finding's trail leads to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from headlint.findings.finding import Finding, Problem, Report
from headlint.fixes.edits import Edit, Fix
from headlint.fixes.planning import plan_fixes
from headlint.fixes.workspace import Workspace, encoded, original_of
from headlint.settings import Settings
from headlint.source.document import UnreadableError

MOST_ROUNDS = 10
"""Fixes that clash, or that become possible by others, are made one round after the other."""

Check = Callable[[Workspace, "Collection[Path] | None"], Report]
"""Gives the findings in all files, or in some of them, as they are in a workspace."""


@dataclass(frozen=True)
class FixOutcome:
    """What was fixed, and what is left.

    ``report`` is that of the fixed files. ``files`` were written (with ``diff`` asked for: would be). ``problems`` are
    files that were to be written and were left alone. ``diff`` is a unified diff of all changes; bytes that are no
    UTF-8 stand in it as surrogates, so that encoding it with ``surrogateescape`` gives a patch for the files.
    """

    report: Report
    fixes: tuple[Fix, ...] = ()
    files: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    diff: str = ""


def apply_fixes(
    paths: Iterable[Path | str],
    settings: Settings | None = None,
    unsafe: bool = False,
    diff: bool = False,
    root: Path | None = None,
) -> FixOutcome:
    """Check files and everything below folders, and fix what can be fixed.

    Without ``unsafe`` only safe fixes are made. With ``diff`` nothing is written. The paths in the diff are relative to
    ``root``, by default that of the settings.
    """
    from headlint.run.session import check_paths
    from headlint.source.discovery import discover

    given, wanted = list(paths), settings or Settings()

    def check(workspace: Workspace, concerned: Collection[Path] | None) -> Report:
        return check_paths(given if concerned is None else sorted(concerned), wanted, buffers=workspace)

    files = {file.resolve() for file in discover([Path(path) for path in given], wanted).files}
    repair = _Repair(check, files, unsafe, Workspace())
    repair.run()
    changes = repair.workspace.diff(root or wanted.root)
    if diff:
        return FixOutcome(repair.report, tuple(repair.fixes), repair.workspace.changed(), (), changes)
    written, problems = repair.workspace.write([_files_of(fix) for fix in repair.fixes])
    if not problems:
        return FixOutcome(repair.report, tuple(repair.fixes), written, (), changes)
    done = {Path(path).resolve() for path in written}
    made = tuple(fix for fix in repair.fixes if _files_of(fix) <= done)
    return FixOutcome(check(Workspace(), None), made, written, problems, changes)


def _files_of(fix: Fix) -> frozenset[Path]:
    return frozenset(Path(edit.path).resolve() for edit in fix.edits)


def apply_fixes_to_source(
    data: bytes, filename: str, settings: Settings | None = None, unsafe: bool = False, root: Path | None = None
) -> tuple[FixOutcome, bytes]:
    """FixRequest a program as if it stood in a file, which need not exist and is not written; the outcome and the new bytes.

    Raises:
        UnreadableError: the bytes are no text in the encoding that they declare.
    """
    from headlint.run.session import check_source

    original = original_of(filename, data)
    if original is None:
        raise UnreadableError("is not valid in the encoding that it declares")
    text, wanted, file = original.text, settings or Settings(), Path(filename).resolve()

    def check(workspace: Workspace, _: Collection[Path] | None) -> Report:
        return check_source(workspace.get(file, text), filename, wanted)

    repair = _Repair(check, {file}, unsafe, Workspace.of(original))
    repair.run()
    changes = repair.workspace.diff(root or wanted.root)
    outcome = FixOutcome(repair.report, tuple(repair.fixes), repair.workspace.changed(), (), changes)
    return outcome, encoded(repair.workspace.get(file, text), original)


def diff_of(fix: Fix, root: Path) -> str:
    """What one fix would change, as a unified diff with paths relative to a folder; empty where the file is gone."""
    return Workspace().after(fix.edits).diff(root)


class _Repair:
    """The files on their way to having no finding that can be fixed."""

    def __init__(self, check: Check, files: set[Path], unsafe: bool, workspace: Workspace) -> None:
        self._check = check
        self._files = files
        self._unsafe = unsafe
        self._refused: set[tuple[Edit, ...]] = set()
        self.fixes: list[Fix] = []
        self.workspace = workspace
        self.report = check(workspace, None)

    def run(self) -> None:
        """FixRequest in rounds, until a round neither makes a fix nor finds one that is of no use: another may be known."""
        for _ in range(MOST_ROUNDS):
            refused = len(self._refused)
            if not self._round() and len(self._refused) == refused:
                break
        if self.fixes:
            self.report = self._check(self.workspace, None)

    def _round(self) -> bool:
        """Make all fixes that go together; whether there was one."""
        planned = [fix for fix in plan_fixes(self.report, self.workspace.source, self._refused) if self._is_wanted(fix)]
        kept = self._kept((), _side_by_side(planned))
        if not kept:
            return False
        self.workspace, self.report = self._tried(kept)
        self.fixes += kept
        return True

    def _is_wanted(self, fix: Fix) -> bool:
        return (fix.safe or self._unsafe) and _files_of(fix) <= self._files

    def _kept(self, before: tuple[Fix, ...], fixes: tuple[Fix, ...]) -> tuple[Fix, ...]:
        """The fixes that remove their findings and cause no others, beside those that are known to."""
        if not fixes:
            return ()
        _, report = self._tried((*before, *fixes))
        if resolves((*before, *fixes), self.report, report):
            return fixes
        if len({fix.edits for fix in fixes}) == 1:
            self._refused.add(fixes[0].edits)
            return ()
        half = len(fixes) // 2
        first = self._kept(before, fixes[:half])
        return (*first, *self._kept((*before, *first), fixes[half:]))

    def _tried(self, fixes: Iterable[Fix]) -> tuple[Workspace, Report]:
        """The files with some fixes made, and the findings in those that have or had any."""
        workspace = self.workspace.after(edit for fix in fixes for edit in fix.edits)
        concerned = {str(finding.place.path) for finding in self.report} | set(workspace.changed())
        return workspace, self._check(workspace, {Path(path) for path in concerned})


def _side_by_side(fixes: Sequence[Fix]) -> tuple[Fix, ...]:
    """As many of the fixes as do not clash; the rest waits for the next round."""
    chosen: list[Fix] = []
    edits: list[Edit] = []
    for fix in fixes:
        if not fix.clashes_with(edits):
            chosen.append(fix)
            edits += fix.edits
    return tuple(chosen)


def resolves(fixes: Iterable[Fix], before: Report, after: Report) -> bool:
    """Whether the findings of the fixes are gone, no other has come, and no file became unreadable."""
    had, has = Counter(map(_key, before)), Counter(map(_key, after))
    fixed = Counter(_key(fix.finding) for fix in fixes)
    paths = {path for path, _ in had}
    broken = {str(Path(problem.path).resolve()) for problem in after.problems}
    known = {str(Path(problem.path).resolve()) for problem in before.problems}
    if broken - known & paths or any(count > had[key] for key, count in has.items()):
        return False
    return all(has[key] <= had[key] - count for key, count in fixed.items())


def _key(finding: Finding) -> tuple[str, str]:
    return str(Path(finding.place.path).resolve()), finding.code
