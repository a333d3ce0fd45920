"""Code actions: what fixes a finding, what suppresses it, and all safe fixes at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from lsprotocol import types

from headlint.findings.finding import Finding
from headlint.integrations.language_server.diagnostics import Presenter
from headlint.integrations.language_server.requests import Change, FixAnswer, Remedy

QUICK_FIX = types.CodeActionKind.QuickFix.value
FIX_ALL = f"{types.CodeActionKind.SourceFixAll.value}.headlint"
KINDS = (QUICK_FIX, FIX_ALL)


def wanted(kind: str, only: Sequence[str] | None) -> bool:
    """Whether the client asks for actions of a kind: kinds are hierarchical, and no list means all."""
    return only is None or any(kind == asked or kind.startswith(f"{asked}.") for asked in only)


@dataclass(frozen=True, slots=True)
class ActionMaker:
    """Makes actions for a client. ``version_of`` gives the version of an open document by its URI, else None."""

    presenter: Presenter
    version_of: Callable[[str], int | None]
    versioned: bool
    """Whether the client takes edits that name the version they are made for."""

    def quick_fixes(self, fixed: FixAnswer) -> list[types.CodeAction]:
        """For each finding its fix and the comment that suppresses it."""
        fixes = [self._remedy(remedy) for remedy in fixed.remedies]
        return [*fixes, *(self._comment(finding, change) for finding, change in fixed.comments)]

    def fix_all(self, remedies: Sequence[Remedy]) -> list[types.CodeAction]:
        """One action that makes all of some fixes, if there is any."""
        if not remedies:
            return []
        changes = {change for remedy in remedies for change in remedy.changes}
        title = "headlint: apply all safe fixes"
        return [types.CodeAction(title, kind=FIX_ALL, edit=self._edit(changes))]

    def _remedy(self, remedy: Remedy) -> types.CodeAction:
        safety = "safe" if remedy.safe else "unsafe"
        return types.CodeAction(
            f"{remedy.title} ({safety}: {remedy.reason})",
            kind=types.CodeActionKind.QuickFix,
            diagnostics=[self.presenter.diagnostic(remedy.finding)],
            is_preferred=remedy.safe,
            edit=self._edit(remedy.changes),
        )

    def _comment(self, finding: Finding, change: Change) -> types.CodeAction:
        return types.CodeAction(
            f"Ignore {finding.name} ({finding.code}) here",
            kind=types.CodeActionKind.QuickFix,
            diagnostics=[self.presenter.diagnostic(finding)],
            edit=self._edit([change]),
        )

    def _edit(self, changes: Iterable[Change]) -> types.WorkspaceEdit:
        edits: dict[str, list[types.TextEdit]] = {}
        for change in sorted(
            changes, key=lambda change: (change.place.path, change.place.cell or 0, change.place.line)
        ):
            edit = types.TextEdit(self.presenter.range(change.place), change.text)
            edits.setdefault(self.presenter.uri_of(change.place), []).append(edit)
        if not self.versioned:
            return types.WorkspaceEdit(changes=edits)
        return types.WorkspaceEdit(
            document_changes=[
                types.TextDocumentEdit(
                    types.OptionalVersionedTextDocumentIdentifier(uri, self.version_of(uri)), list(own)
                )
                for uri, own in edits.items()
            ]
        )
