"""A real client: what an editor does over the standard input and output of ``headlint server``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.protocol import default_converter
from pytest_lsp import LanguageClient
from pytest_lsp.client import DEFAULT_CLIENT_FEATURES, register_lsp_features

FROM_LIBRARY = (types.WORKSPACE_CONFIGURATION, types.WINDOW_LOG_MESSAGE)

PATIENCE = 60.0
"""Seconds that a test waits for what must come; a machine may be busy."""


class Editor:
    """What an editor does: opens documents, types, saves, and shows what the server says."""

    def __init__(self, folder: Path, configuration: dict[str, Any] | None = None) -> None:
        self.client = client = LanguageClient(converter_factory=default_converter, configuration=configuration)
        register_lsp_features(client, {method: DEFAULT_CLIENT_FEATURES[method] for method in FROM_LIBRARY})
        self.folder = folder
        self.published: list[types.PublishDiagnosticsParams] = []
        self.messages: list[str] = []
        self.registered: list[types.Registration] = []
        self._versions: dict[str, int] = {}
        self._texts: dict[str, str] = {}
        self._news = asyncio.Condition()

        @client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        async def published(parameters: types.PublishDiagnosticsParams) -> None:
            self.published.append(parameters)
            async with self._news:
                self._news.notify_all()

        @client.feature(types.WINDOW_SHOW_MESSAGE)
        async def shown(parameters: types.ShowMessageParams) -> None:
            self.messages.append(parameters.message)
            async with self._news:
                self._news.notify_all()

        @client.feature(types.CLIENT_REGISTER_CAPABILITY)
        def register(parameters: types.RegistrationParams) -> None:
            self.registered += parameters.registrations

    @property
    def process(self) -> asyncio.subprocess.Process:
        """The server."""
        return self.client._server

    def uri(self, name: str) -> str:
        """The URI of a file in the folder."""
        return name if ":" in name else (self.folder / name).as_uri()

    def open(self, name: str, text: str | None = None, language: str = "python") -> str:
        """Open a file, or a text that is none yet."""
        uri = self.uri(name)
        if text is None:
            text = (self.folder / name).read_text()
        self._versions[uri], self._texts[uri] = 1, text
        item = types.TextDocumentItem(uri, language, 1, text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        return uri

    def type(self, name: str, old: str, new: str) -> int:
        """Replace some text as if it were typed; the new version."""
        uri = self.uri(name)
        text = self._texts[uri]
        start = text.index(old)
        edit = types.TextDocumentContentChangePartial(
            range=types.Range(position(text, start), position(text, start + len(old))), text=new
        )
        self._texts[uri] = text[:start] + new + text[start + len(old) :]
        self._versions[uri] += 1
        identifier = types.VersionedTextDocumentIdentifier(self._versions[uri], uri)
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(identifier, [edit]))
        return self._versions[uri]

    def save(self, name: str) -> None:
        """Write a document to its file and say so."""
        uri = self.uri(name)
        (self.folder / name).write_text(self._texts[uri])
        self.client.text_document_did_save(types.DidSaveTextDocumentParams(types.TextDocumentIdentifier(uri)))

    def close(self, name: str) -> None:
        """Close a document."""
        identifier = types.TextDocumentIdentifier(self.uri(name))
        self.client.text_document_did_close(types.DidCloseTextDocumentParams(identifier))

    def text(self, name: str) -> str:
        """What a document holds now."""
        return self._texts[self.uri(name)]

    async def until(self, holds: Callable[[], Any]) -> Any:
        """Wait until something that the server says makes a condition hold."""
        async with self._news:
            await asyncio.wait_for(self._news.wait_for(holds), PATIENCE)
        return holds()

    async def diagnostics(self, name: str, version: int = 1) -> list[types.Diagnostic]:
        """What is said about a version of a document, or a later one."""
        uri = self.uri(name)

        def said() -> types.PublishDiagnosticsParams | None:
            fitting = [one for one in self.published if one.uri == uri and (one.version or 0) >= version]
            return fitting[-1] if fitting else None

        return list((await self.until(said)).diagnostics)

    async def codes(self, name: str, version: int = 1) -> list[object]:
        """The codes of what is said."""
        return [diagnostic.code for diagnostic in await self.diagnostics(name, version)]

    async def until_codes(self, name: str, expected: list[str]) -> None:
        """Wait until the last that is said about a document has these codes."""
        uri = self.uri(name)

        def agrees() -> bool:
            about = [one for one in self.published if one.uri == uri]
            return bool(about) and [diagnostic.code for diagnostic in about[-1].diagnostics] == expected

        await self.until(agrees)

    async def actions(self, name: str, range_: types.Range, only: list[str] | None = None) -> list[types.CodeAction]:
        """The code actions that are offered."""
        identifier = types.TextDocumentIdentifier(self.uri(name))
        context = types.CodeActionContext(diagnostics=[], only=only)
        parameters = types.CodeActionParams(identifier, range_, context)
        answer = await asyncio.wait_for(self.client.text_document_code_action_async(parameters), PATIENCE)
        return [action for action in answer or () if isinstance(action, types.CodeAction)]

    async def hover(self, name: str, at: types.Position) -> str | None:
        """What is shown at a position."""
        parameters = types.HoverParams(types.TextDocumentIdentifier(self.uri(name)), at)
        answer = await asyncio.wait_for(self.client.text_document_hover_async(parameters), PATIENCE)
        return answer.contents.value if answer is not None else None


def position(text: str, offset: int) -> types.Position:
    """Where an offset is, in lines and UTF-16 units, as clients count."""
    before = text[:offset]
    line = before.rpartition("\n")[2]
    return types.Position(before.count("\n"), len(line.encode("utf-16-le")) // 2)


def range_of(text: str, part: str) -> types.Range:
    """Where a part of a text stands."""
    start = text.index(part)
    return types.Range(position(text, start), position(text, start + len(part)))


def capabilities(**changes: Any) -> types.ClientCapabilities:
    """What a usual client can do."""
    return types.ClientCapabilities(
        text_document=types.TextDocumentClientCapabilities(
            publish_diagnostics=types.PublishDiagnosticsClientCapabilities(related_information=True),
        ),
        workspace=types.WorkspaceClientCapabilities(
            workspace_edit=types.WorkspaceEditClientCapabilities(document_changes=True),
            workspace_folders=True,
            **changes,
        ),
        window=types.WindowClientCapabilities(),
    )


Start = Callable[..., Awaitable[Editor]]
"""Starts a server and gives the editor that talks to it."""


MODEL = """import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(8, 3)

    def forward(self, x):
        return self.out(x).softmax(dim=1)
"""
TRAIN = """import torch.nn as nn
from model import Net

net = Net()
criterion = nn.CrossEntropyLoss()


def step(x, y):
    return criterion(net(x), y)
"""
BAD = """import torch.nn as nn

net = nn.Sequential(nn.Linear(8, 3), nn.Softmax(dim=1))
criterion = nn.CrossEntropyLoss()


def step(x, y):
    return criterion(net(x), y)
"""
SOFTMAX = ", nn.Softmax(dim=1)"
SAFE = """import torch
import torch.nn.functional as F


def confidence(x):
    return torch.log(F.softmax(x, dim=1))
"""
