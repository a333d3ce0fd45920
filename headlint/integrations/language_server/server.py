"""The server: one session with one client, and what is said to it."""

from __future__ import annotations

import asyncio
from urllib.parse import unquote

from lsprotocol import types
from pygls.capabilities import get_capability
from pygls.lsp.server import LanguageServer

from headlint.findings.finding import Finding, Place
from headlint.integrations.language_server.actions import ActionMaker
from headlint.integrations.language_server.checking import Checker, Outcome
from headlint.integrations.language_server.diagnostics import Presenter, place_of
from headlint.integrations.language_server.documents import Documents
from headlint.integrations.language_server.preferences import Preferences
from headlint.integrations.language_server.process import AnalystProcess
from headlint.integrations.language_server.ranges import touches
from headlint.integrations.language_server.requests import FixAnswer, FixRequest, Lines
from headlint.run.configuration import FILES
from headlint.version import __version__

SECTION = "headlint"
"""Where clients keep the server's settings."""

_WATCHED = (*(f"**/{name}" for name in FILES), "**/*.py", "**/*.ipynb")
_PYTHON_CELLS = types.NotebookDocumentFilterWithCells(cells=[types.NotebookCellLanguage("python")])


class HeadlintServer(LanguageServer):
    """One session with one client."""

    def __init__(self) -> None:
        cells = types.NotebookDocumentSyncOptions([_PYTHON_CELLS], save=True)
        super().__init__("headlint", __version__, notebook_document_sync=cells)
        self.documents = Documents(lambda: self.workspace)
        self.preferences = Preferences(self._show)
        self.analyst = AnalystProcess()
        self.checker = Checker(self.documents, self.preferences, self.analyst, self._publish, self._log)
        self.ended = False
        """Whether the client said that it needs the server no more."""
        self._published: dict[str, tuple[str, ...]] = {}
        """The parts of each document that something was said about."""
        self._fixed_in: Outcome | None = None
        self._fixed: dict[tuple[tuple[Finding, ...], bool], FixAnswer] = {}
        self._running: asyncio.Task[None] | None = None

    def start_checking(self) -> None:
        """Begin to check documents."""
        self._starting = asyncio.ensure_future(self.analyst.start())
        self._running = asyncio.ensure_future(self.checker.run())

    async def stop_checking(self) -> None:
        """Check nothing more, and leave no process behind."""
        if self._running is not None:
            self._running.cancel()
        await self.analyst.close()

    def forget(self, uri: str) -> None:
        """Take back what was said about a document that was closed."""
        for part in self._published.pop(uri, ()):
            self._say(part, [])
        self.checker.closed(uri, self.documents.path_of(uri))

    def presenter(self, lines: Lines) -> Presenter:
        """Shows findings to this client."""
        related = bool(self._can("text_document.publish_diagnostics.related_information"))
        return Presenter(lines, self.workspace.position_codec, self.documents.addressing(), related)

    def action_maker(self, lines: Lines) -> ActionMaker:
        """Makes code actions for this client."""
        versioned = bool(self._can("workspace.workspace_edit.document_changes"))
        return ActionMaker(self.presenter(lines), self._version_of, versioned)

    async def ask_for_settings(self) -> None:
        """Read the client's settings, those of each folder of the workspace where it has folders."""
        if not self._can("workspace.configuration"):
            return
        folders = [None, *(folder.uri for folder in self.workspace.folders.values())]
        items = [types.ConfigurationItem(scope_uri=uri, section=SECTION) for uri in folders]
        answers = await self.workspace_configuration_async(types.ConfigurationParams(items))
        for uri, options in zip(folders, answers, strict=False):
            if options:
                self.preferences.set_by_editor(options, self.documents.path_of(uri) if uri is not None else None)

    def watch_files(self) -> None:
        """Have the client tell of files that change outside of it."""
        if not self._can("workspace.did_change_watched_files.dynamic_registration"):
            return
        watchers = [types.FileSystemWatcher(glob_pattern=pattern) for pattern in _WATCHED]
        method = types.WORKSPACE_DID_CHANGE_WATCHED_FILES
        options = types.DidChangeWatchedFilesRegistrationOptions(watchers)
        self.client_register_capability(
            types.RegistrationParams([types.Registration("headlint-files", method, options)])
        )

    def findings_at(self, outcome: Outcome, part: str, range_: types.Range) -> tuple[Finding, ...]:
        """The findings of a document, or a notebook's cell, that a range touches."""
        presenter = self.presenter(outcome.checked.lines)
        return tuple(
            finding
            for finding in outcome.checked.report
            if outcome.document.part_of(finding.place) == part and touches(presenter.range(finding.place), range_)
        )

    def findings_through(self, outcome: Outcome, part: str, range_: types.Range) -> tuple[Finding, ...]:
        """The findings whose trail leads through a range."""
        presenter = self.presenter(outcome.checked.lines)

        def passes(place: Place) -> bool:
            return presenter.uri_of(place) == part and touches(presenter.range(place), range_)

        return tuple(finding for finding in outcome.checked.report if any(passes(step.place) for step in finding.trail))

    async def fixed(self, outcome: Outcome, findings: tuple[Finding, ...], together: bool = False) -> FixAnswer:
        """How findings of a document can be fixed. Editors ask again at every move of the cursor: it is remembered."""
        if self._fixed_in is not outcome:
            self._fixed_in, self._fixed = outcome, {}
        known, key = self._fixed, (findings, together)
        if key not in known:
            path = outcome.document.path
            settings = self.preferences.settings_for(path, self.documents.folder_of(outcome.document.uri))
            answer = await self.analyst.ask(FixRequest(path, settings, self.documents.texts(), findings, together))
            if not isinstance(answer, FixAnswer):
                self._log(f"{path}: {answer}")
                return FixAnswer()
            known[key] = answer
        return known[key]

    def _can(self, capability: str) -> object:
        return get_capability(self.client_capabilities, capability)

    def _publish(self, outcome: Outcome) -> None:
        document, report = outcome.document, outcome.checked.report
        for gone in set(self._published.get(document.uri, ())) - set(document.parts):
            self._say(gone, [])
        self._published[document.uri] = document.parts
        presenter = self.presenter(outcome.checked.lines)
        said: dict[str, list[types.Diagnostic]] = {part: [] for part in document.parts}
        broken: set[str] = set()
        for finding in report:
            said.setdefault(document.part_of(finding.place), []).append(presenter.diagnostic(finding))
        for problem in report.problems:
            part = document.part_of(place_of(problem))
            said.setdefault(part, []).append(presenter.problem(problem))
            if problem.code == "HL900":
                broken.add(part)
        for part, diagnostics in said.items():
            if outcome.settled or part not in broken:
                self._say(part, diagnostics)

    def _say(self, part: str, diagnostics: list[types.Diagnostic]) -> None:
        self.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(part, diagnostics, version=self._version_of(part))
        )

    def _version_of(self, part: str) -> int | None:
        document = self.workspace.text_documents.get(unquote(part))
        return document.version if document is not None else None

    def _show(self, message: str) -> None:
        self.window_show_message(types.ShowMessageParams(types.MessageType.Error, f"headlint: {message}"))

    def _log(self, message: str) -> None:
        self.window_log_message(types.LogMessageParams(types.MessageType.Error, f"headlint: {message}"))
