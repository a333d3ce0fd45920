"""Mending files: fix, check again, and go on until nothing is left to mend.

Everything is tried in memory first. A fix is kept only if its finding is gone afterwards and no other has appeared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from headlint.findings import Finding, Problem, Report
from headlint.fixes.edits import Edit, Fix
from headlint.fixes.planning import plan_fixes
from headlint.fixes.workspace import Workspace
from headlint.settings import Settings

MOST_ROUNDS = 10
"""Fixes that clash, or that become possible by others, are made one round after the other."""


@dataclass(frozen=True)
class FixOutcome:
    """What was mended, and what is left.

    ``report`` is that of the mended files. ``files`` were written (with ``diff`` asked for: would be). ``problems`` are
    files that were to be written and were left alone. ``diff`` is a unified diff of all changes.
    """

    report: Report
    fixes: tuple[Fix, ...] = ()
    files: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    diff: str = ""


def apply_fixes(
    paths: Iterable[Path | str], settings: Settings | None = None, unsafe: bool = False, diff: bool = False
) -> FixOutcome:
    """Check files and everything below folders, and mend what can be mended.

    Without ``unsafe`` only safe fixes are made. With ``diff`` nothing is written.
    """
    given = list(paths)
    repair = _Repair(given, settings or Settings(), unsafe)
    for _ in range(MOST_ROUNDS):
        refused = repair.refusals
        if not repair.round() and repair.refusals == refused:
            break
    if repair.fixes:
        repair.check_all()
    workspace, root = repair.workspace, repair.root
    if diff:
        return FixOutcome(repair.report, tuple(repair.fixes), workspace.changed(), (), workspace.diff(root))
    written, problems = workspace.write()
    return FixOutcome(repair.report, tuple(repair.fixes), written, problems, workspace.diff(root))


class _Repair:
    """The files on their way to having no finding that can be mended."""

    def __init__(self, paths: Sequence[Path | str], settings: Settings, unsafe: bool) -> None:
        from headlint.session import check_paths

        self._paths = paths
        self._settings = settings
        self._unsafe = unsafe
        self._refused: set[tuple[Edit, ...]] = set()
        self.fixes: list[Fix] = []
        self.workspace = Workspace()
        self.root = settings.root
        self.report = check_paths(paths, settings)

    @property
    def refusals(self) -> int:
        """How many fixes were tried and not kept: another one may be known."""
        return len(self._refused)

    def check_all(self) -> None:
        """Look at everything again as it is now."""
        from headlint.session import check_paths

        self.report = check_paths(self._paths, self._settings, buffers=self.workspace)

    def round(self) -> bool:
        """Make all fixes that go together; whether there was one."""
        planned = [
            fix for fix in plan_fixes(self.report, self.workspace.source, self._refused) if fix.safe or self._unsafe
        ]
        kept = self._kept((), _side_by_side(planned))
        if not kept:
            return False
        self.workspace, self.report = self._tried(kept)
        self.fixes += kept
        return True

    def _kept(self, before: tuple[Fix, ...], fixes: tuple[Fix, ...]) -> tuple[Fix, ...]:
        """Those of the fixes that mend their findings and bring no other, beside those that are known to."""
        if not fixes:
            return ()
        _, report = self._tried((*before, *fixes))
        if mends((*before, *fixes), self.report, report):
            return fixes
        if len({fix.edits for fix in fixes}) == 1:
            self._refused.add(fixes[0].edits)
            return ()
        half = len(fixes) // 2
        first = self._kept(before, fixes[:half])
        return (*first, *self._kept((*before, *first), fixes[half:]))

    def _tried(self, fixes: Iterable[Fix]) -> tuple[Workspace, Report]:
        """The files with some fixes made, and the findings in those that have or had any."""
        from headlint.session import check_paths

        workspace = self.workspace.after(edit for fix in fixes for edit in fix.edits)
        concerned = {finding.place.path for finding in self.report} | {Path(path) for path in workspace.changed()}
        paths = {str(path): path for path in concerned}
        return workspace, check_paths([paths[name] for name in sorted(paths)], self._settings, buffers=workspace)


def _side_by_side(fixes: Sequence[Fix]) -> tuple[Fix, ...]:
    """As many of the fixes as do not clash; the rest waits for the next round."""
    chosen: list[Fix] = []
    edits: list[Edit] = []
    for fix in fixes:
        if not fix.clashes_with(edits):
            chosen.append(fix)
            edits += fix.edits
    return tuple(chosen)


def mends(fixes: Iterable[Fix], before: Report, after: Report) -> bool:
    """Whether the findings of the fixes are gone, no other has come, and no file became unreadable."""
    had, has = Counter(map(_key, before)), Counter(map(_key, after))
    mended = Counter(_key(fix.finding) for fix in fixes)
    paths = {path for path, _ in had}
    broken = {str(Path(problem.path).resolve()) for problem in after.problems}
    known = {str(Path(problem.path).resolve()) for problem in before.problems}
    if broken - known & paths or any(count > had[key] for key, count in has.items()):
        return False
    return all(has[key] <= had[key] - count for key, count in mended.items())


def _key(finding: Finding) -> tuple[str, str]:
    return str(Path(finding.place.path).resolve()), finding.code
