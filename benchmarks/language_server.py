"""How long a keystroke takes to be answered: from ``textDocument/didChange`` to ``textDocument/publishDiagnostics``.

Run it with ``python benchmarks/language_server.py`` in an environment with ``headlint[lsp]``. A client of its own starts
``headlint server``, opens programs of several lengths (models with their training and evaluation, one after the other,
the last with a mistake) and types a name in their middle, letter by letter, as someone does who waits for each answer.
The pause that the server makes before it looks is part of the time. Meanwhile it asks for a hover, which must not wait.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

from lsprotocol import types
from pygls.lsp.client import LanguageClient

LINES = (200, 1000, 2000, 5000)
KEYSTROKES = 30

HEADER = """import torch
import torch.nn.functional as F
from torch import nn
"""
MODEL = '''

class Encoder{number}(nn.Module):
    """Gives scores for the {classes} classes of task {number}."""

    def __init__(self, channels=16, width=64, classes={classes}):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, channels, 3, padding=1),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.AdaptiveAvgPool2d(1),
        )
        self.hidden = nn.Linear(channels, width)
        self.out = nn.Linear(width, classes)

    def forward(self, x):
        x = self.features(x).flatten(1)
        x = F.relu(self.hidden(x))
        return {given}


def train{number}(model, loader, optimizer, device="cpu"):
    criterion = nn.CrossEntropyLoss()
    total = 0.0
    for step, (x, y) in enumerate(loader):
        x, y = x.to(device), y.to(device)
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item()
        if step % 100 == 0:
            print(f"step {{step}}: {{total / (step + 1):.4f}}")
    return total


def evaluate{number}(loader):
    model = Encoder{number}()
    train{number}(model, loader, torch.optim.Adam(model.parameters()))
    model.eval()
    correct = 0
    with torch.no_grad():
        for x, y in loader:
            scores = model(x)
            correct += (scores.argmax(1) == y).sum().item()
    return correct
'''
TYPED_BEHIND = "    total"


def program(lines: int) -> str:
    """A program of about that many lines, whose last model gives probabilities to a cross entropy."""
    count = max(1, round((lines - HEADER.count("\n")) / MODEL.count("\n")))
    models = [MODEL.format(number=number, classes=number % 7 + 3, given="self.out(x)") for number in range(count)]
    models[-1] = models[-1].replace("return self.out(x)", "return F.softmax(self.out(x), dim=1)")
    return HEADER + "".join(models)


class Typist:
    """A client with one document."""

    def __init__(self) -> None:
        self.client = LanguageClient("benchmark", "1")
        self._answered: dict[tuple[str, int], asyncio.Future[int]] = {}

        @self.client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def published(parameters: types.PublishDiagnosticsParams) -> None:
            answer = self._answered.get((parameters.uri, parameters.version or 0))
            if answer is not None and not answer.done():
                answer.set_result(len(parameters.diagnostics))

    async def start(self, folder: Path) -> None:
        await self.client.start_io(sys.executable, "-m", "headlint", "server")
        folders = [types.WorkspaceFolder(folder.as_uri(), folder.name)]
        parameters = types.InitializeParams(types.ClientCapabilities(), workspace_folders=folders)
        await self.client.initialize_async(parameters)
        self.client.initialized(types.InitializedParams())

    async def stop(self) -> None:
        await self.client.shutdown_async(None)
        self.client.exit(None)
        await self.client.stop()

    def _answer(self, uri: str, version: int) -> asyncio.Future[int]:
        self._answered[uri, version] = asyncio.get_running_loop().create_future()
        return self._answered[uri, version]

    async def open(self, uri: str, text: str) -> float:
        """Open a document; seconds until it is answered."""
        answer, start = self._answer(uri, 1), time.perf_counter()
        item = types.TextDocumentItem(uri, "python", 1, text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        assert await answer == 1, "the mistake in the program should have been found"
        return time.perf_counter() - start

    async def type(self, uri: str, version: int, at: types.Position, letter: str) -> tuple[float, float]:
        """Type a letter; seconds until the findings and until a hover are there."""
        answer, start = self._answer(uri, version), time.perf_counter()
        change = types.TextDocumentContentChangePartial(types.Range(at, at), letter)
        identifier = types.VersionedTextDocumentIdentifier(version, uri)
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(identifier, [change]))
        await asyncio.sleep(0.15)
        asked = time.perf_counter()
        await self.client.text_document_hover_async(types.HoverParams(types.TextDocumentIdentifier(uri), at))
        hovered = time.perf_counter() - asked
        assert await answer == 1
        return time.perf_counter() - start, hovered


async def measure() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        typist = Typist()
        await typist.start(folder)
        print(" lines   opened   keystroke: median   slowest   hover meanwhile: median   slowest")
        for lines in LINES:
            text = program(lines)
            uri = (folder / f"of_{lines}_lines.py").as_uri()
            opened = await typist.open(uri, text)
            offset = text.index(TYPED_BEHIND, len(text) // 2)
            line = text.count("\n", 0, offset)
            taken = [
                await typist.type(uri, 2 + count, types.Position(line, len(TYPED_BEHIND)), "r")
                for count in range(KEYSTROKES)
            ]
            answers, hovers = zip(*taken, strict=True)
            print(
                f"{text.count(chr(10)):6} {opened:7.2f}s {statistics.median(answers):17.3f}s {max(answers):8.3f}s"
                f" {statistics.median(hovers):23.3f}s {max(hovers):8.3f}s"
            )
            typist.client.text_document_did_close(types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri)))
        await typist.stop()


if __name__ == "__main__":
    asyncio.run(measure())
