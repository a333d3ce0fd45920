"""Which findings of a run are reported: by the settings, by the comments in the code, and by what is new."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from headlint.findings.finding import Confidence, Finding, Place, Skipped
from headlint.findings.rulebook import find_rule, selected
from headlint.settings import Settings
from headlint.source.suppressions import Suppressions

if TYPE_CHECKING:
    from headlint.findings.finding import Entry
    from headlint.loading.loader import ProjectLoader
    from headlint.selection.baseline import Baseline
    from headlint.selection.changes import Changes

UNUSED_SUPPRESSION = "HL901"


class Reported(Struct, frozen=True):
    """The findings that are reported, those that only the baseline knows, its entries that nothing stands for, and the
    files with findings whose own comment takes them out."""

    findings: tuple[Finding, ...]
    known: tuple[Finding, ...] = ()
    stale: tuple[Entry, ...] = ()
    skipped: tuple[Skipped, ...] = ()


class Selection:
    """What a run's findings must pass to be reported: rules, comments, the baseline, changed lines; in this order."""

    def __init__(self, settings: Settings, files: Sequence[Path]) -> None:
        """Read what the settings name, before any work on the files is done.

        Raises:
            ConfigurationError: the baseline cannot be read, or git knows nothing of the revision.
        """
        self._settings = settings
        self._baseline: Baseline | None = None
        self._changes: Changes | None = None
        if settings.baseline:
            from headlint.selection.baseline import read_baseline

            self._baseline = read_baseline(settings.root / settings.baseline)
        if settings.diff_base:
            from headlint.selection.changes import Changes

            self._changes = Changes(settings.diff_base, [settings.root, *files])

    def reported(
        self, findings: Iterable[Finding], given: set[str], failed: set[str], loader: ProjectLoader
    ) -> Reported:
        """The findings that are reported, in order.

        ``given`` are the files that the run is about, ``failed`` those of which not everything could be analysed.

        Raises:
            ConfigurationError: git does not give out what a file held.
        """
        wanted, skipped = _wanted(findings, given, loader, self._settings)
        reported = replace(self._parted(wanted, given - failed, loader), skipped=skipped)
        if self._changes is None:
            return reported
        changes = self._changes
        on_changed_lines = tuple(finding for finding in reported.findings if changes.touch(finding, loader))
        return replace(reported, findings=on_changed_lines)

    def _parted(self, findings: Sequence[Finding], judged: set[str], loader: ProjectLoader) -> Reported:
        """The findings parted by what the baseline knows."""
        baseline = self._baseline
        if baseline is None:
            return Reported(tuple(findings))
        names = baseline.fingerprints_of(findings, loader.text_of)
        named = list(zip(names, findings, strict=True))
        files = {os.path.realpath(path) for path in judged}
        return Reported(
            tuple(finding for name, finding in named if name not in baseline.fingerprints),
            tuple(finding for name, finding in named if name in baseline.fingerprints),
            tuple(entry for entry in baseline.without(names) if self._is_stale(entry, baseline.path_of(entry), files)),
        )

    def _is_stale(self, entry: Entry, file: Path, judged: set[str]) -> bool:
        """Whether an entry that was not found stands for nothing any more, as far as this run can tell."""
        if not file.exists():
            return True
        if os.path.realpath(file) not in judged:
            return False
        return find_rule(entry.code) is None or selected(entry.code, self._settings, str(file))


def _wanted(
    findings: Iterable[Finding], given: set[str], loader: ProjectLoader, settings: Settings
) -> tuple[list[Finding], tuple[Skipped, ...]]:
    """Leave out what the settings or comments in the text suppress; add unused comments where asked for.

    Beside these the files that are skipped by a comment of their own although something is found in them.
    """
    suppressions: dict[str, Suppressions] = {}
    reported: list[Finding] = []
    for finding in findings:
        path = finding.place.path
        if path not in suppressions:
            suppressions[path] = _suppressions(path, loader)
        lines = loader.lines_of(finding.place)
        covered = suppressions[path].covers(finding.code, finding.name, *lines, noqa=settings.noqa)
        if not covered and selected(finding.code, settings, path):
            reported.append(finding)
    reported += _unused_suppressions(suppressions, given, loader, settings)
    skipped = [Skipped(path, "skip-file") for path, comments in suppressions.items() if comments.skip_file]
    return sorted(reported, key=Finding.sort_key), tuple(sorted(skipped, key=lambda one: one.path))


def _suppressions(path: str, loader: ProjectLoader) -> Suppressions:
    document = loader.document(path)
    return Suppressions.of(document) if document is not None else Suppressions()


def _unused_suppressions(
    suppressions: Mapping[str, Suppressions], given: set[str], loader: ProjectLoader, settings: Settings
) -> list[Finding]:
    rule = find_rule(UNUSED_SUPPRESSION)
    if rule is None:
        return []
    found: list[Finding] = []
    for path in sorted(given):
        if not selected(rule.code, settings, path) or (document := loader.document(path)) is None:
            continue
        comments = suppressions[path] if path in suppressions else Suppressions.of(document)
        for unused in comments.unused(lambda code, path=path: selected(code, settings, path)):  # type: ignore[misc]
            cell, line = document.locate(unused.line)
            place = Place(path, line, unused.column, line, unused.end_column, cell)
            codes = ", ".join(unused.codes)
            message = f"This comment suppresses nothing{f' ({codes})' if codes else ''}."
            advice = "Remove the comment."
            found.append(Finding(rule.code, rule.name, rule.severity, Confidence.PROVED, message, advice, place))
    return found
