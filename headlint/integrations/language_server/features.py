"""What the server does when its client tells or asks something."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from lsprotocol import types
from pygls.uris import to_fs_path

from headlint.integrations.language_server.actions import FIX_ALL, KINDS, QUICK_FIX, wanted
from headlint.integrations.language_server.hover import hover_text
from headlint.integrations.language_server.server import SECTION, HeadlintServer
from headlint.run.configuration import FILES


def serve() -> int:
    """Talk to a client over standard input and output until it ends the session; the exit status.

    The protocol wants 0 after ``shutdown`` and 1 when the client is gone without it.
    """
    server = HeadlintServer()
    for register in (_lifetime, _texts, _notebooks, _settings, _answers):
        register(server)
    server.start_io()
    return 0 if server.ended else 1


def _lifetime(server: HeadlintServer) -> None:
    @server.feature(types.INITIALIZE)
    def initialize(parameters: types.InitializeParams) -> None:
        options = parameters.initialization_options
        server.preferences.set_by_editor(options.get(SECTION, options) if isinstance(options, Mapping) else None)
        server.start_checking()

    @server.feature(types.INITIALIZED)
    async def initialized(_: types.InitializedParams) -> None:
        server.watch_files()
        await server.ask_for_settings()
        server.checker.recheck()

    @server.feature(types.SHUTDOWN)
    async def shutdown(_: None) -> None:
        server.ended = True
        await server.stop_checking()

    @server.feature(types.EXIT)
    def leave(_: None) -> None:
        os._exit(0 if server.ended else 1)  # a thread still waits for more input, and would have to be waited for


def _texts(server: HeadlintServer) -> None:
    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(parameters: types.DidOpenTextDocumentParams) -> None:
        if (document := server.documents.get(parameters.text_document.uri)) is not None:
            server.checker.opened(document)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(parameters: types.DidChangeTextDocumentParams) -> None:
        if (document := server.documents.get(parameters.text_document.uri)) is not None:
            server.checker.typed(document)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def saved(parameters: types.DidSaveTextDocumentParams) -> None:
        server.preferences.forget()
        if (document := server.documents.get(parameters.text_document.uri)) is not None:
            server.checker.saved(document)
        else:
            server.checker.recheck()

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(parameters: types.DidCloseTextDocumentParams) -> None:
        server.forget(parameters.text_document.uri)


def _notebooks(server: HeadlintServer) -> None:
    @server.feature(types.NOTEBOOK_DOCUMENT_DID_OPEN)
    def opened(parameters: types.DidOpenNotebookDocumentParams) -> None:
        if (document := server.documents.get(parameters.notebook_document.uri)) is not None:
            server.checker.opened(document)

    @server.feature(types.NOTEBOOK_DOCUMENT_DID_CHANGE)
    def changed(parameters: types.DidChangeNotebookDocumentParams) -> None:
        cells = parameters.change.cells
        document = server.documents.get(parameters.notebook_document.uri)
        if document is not None and cells is not None and (cells.structure or cells.text_content):
            server.checker.typed(document)

    @server.feature(types.NOTEBOOK_DOCUMENT_DID_SAVE)
    def saved(parameters: types.DidSaveNotebookDocumentParams) -> None:
        server.preferences.forget()
        if (document := server.documents.get(parameters.notebook_document.uri)) is not None:
            server.checker.saved(document)

    @server.feature(types.NOTEBOOK_DOCUMENT_DID_CLOSE)
    def closed(parameters: types.DidCloseNotebookDocumentParams) -> None:
        server.forget(parameters.notebook_document.uri)


def _settings(server: HeadlintServer) -> None:
    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def configured(parameters: types.DidChangeConfigurationParams) -> None:
        if isinstance(parameters.settings, Mapping) and SECTION in parameters.settings:
            server.preferences.set_by_editor(parameters.settings[SECTION])
        await server.ask_for_settings()
        server.checker.recheck()

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def files_changed(parameters: types.DidChangeWatchedFilesParams) -> None:
        if any(Path(to_fs_path(change.uri) or "").name in FILES for change in parameters.changes):
            server.preferences.forget()
        server.checker.recheck()

    @server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    async def folders_changed(_: types.DidChangeWorkspaceFoldersParams) -> None:
        await server.ask_for_settings()
        server.preferences.forget()
        server.checker.recheck()


def _answers(server: HeadlintServer) -> None:
    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def hover(parameters: types.HoverParams) -> types.Hover | None:
        part = parameters.text_document.uri
        document = server.documents.get(part)
        outcome = server.checker.last(document.uri) if document is not None else None
        if outcome is None:
            return None
        here = types.Range(parameters.position, parameters.position)
        findings = server.findings_at(outcome, part, here) or server.findings_through(outcome, part, here)
        if not findings:
            return None
        text = hover_text(findings, server.documents.addressing())
        return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, text))

    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions(code_action_kinds=KINDS))
    async def code_actions(parameters: types.CodeActionParams) -> list[types.CodeAction]:
        part, only = parameters.text_document.uri, parameters.context.only
        document = server.documents.get(part)
        outcome = await server.checker.current(document.uri) if document is not None else None
        if outcome is None:
            return []
        actions: list[types.CodeAction] = []
        here = server.findings_at(outcome, part, parameters.range)
        if here and wanted(QUICK_FIX, only):
            fixed = await server.fixed(outcome, here)
            actions += server.action_maker(fixed.lines).quick_fixes(fixed)
        if outcome.checked.report.findings and wanted(FIX_ALL, only):
            fixed = await server.fixed(outcome, outcome.checked.report.findings, together=True)
            actions += server.action_maker(fixed.lines).fix_all(fixed.remedies)
        return actions
