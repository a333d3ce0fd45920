"""What happens while somebody types: the newest text counts, and unfinished texts are no mistakes."""

from __future__ import annotations

import asyncio

import pytest
from editor import BAD, MODEL, SOFTMAX, TRAIN, Start

pytestmark = pytest.mark.asyncio

WAIT = 1.0
"""Seconds in which the server would have spoken, had it wanted to."""


async def test_findings_go_and_come_with_the_text(start: Start) -> None:
    editor = await start()
    editor.open("net.py", BAD)
    assert await editor.codes("net.py") == ["HL101"]
    version = editor.type("net.py", SOFTMAX, "")
    assert await editor.codes("net.py", version) == []
    version = editor.type("net.py", "nn.Linear(8, 3)", "nn.Linear(8, 3), nn.Sigmoid()")
    assert await editor.codes("net.py", version) == ["HL103"]


async def test_a_newer_version_is_never_followed_by_an_older_one(start: Start) -> None:
    editor = await start()
    editor.open("net.py", BAD)
    for number in range(40):
        editor.type("net.py", SOFTMAX, "") if number % 2 == 0 else editor.type("net.py", "3)", f"3){SOFTMAX}")
        version = editor.type("net.py", "def step", f"v{number} = 1\n\n\ndef step")
        await asyncio.sleep(0.02 * (number % 5))
    assert await editor.codes("net.py", version) == ["HL101"]
    versions = [one.version for one in editor.published]
    assert versions == sorted(versions)
    assert len(versions) < 81, "checks that were outdated should have been left out"


async def test_unsaved_changes_count_in_other_open_files(start: Start) -> None:
    editor = await start()
    (editor.folder / "model.py").write_text(MODEL)
    (editor.folder / "train.py").write_text(TRAIN)
    editor.open("model.py")
    editor.open("train.py")
    await editor.until_codes("train.py", ["HL101"])
    editor.type("model.py", ".softmax(dim=1)", "")
    await editor.until_codes("train.py", [])
    editor.type("model.py", "self.out(x)", "self.out(x).sigmoid()")
    await editor.until_codes("train.py", ["HL103"])
    editor.close("model.py")
    await editor.until_codes("train.py", ["HL101"])


async def test_what_a_file_does_not_import_is_not_checked_for_it(start: Start) -> None:
    editor = await start()
    editor.open("one.py", BAD)
    editor.open("other.py", BAD)
    await editor.codes("one.py")
    await editor.codes("other.py")
    before = len(editor.published)
    version = editor.type("one.py", SOFTMAX, "")
    await editor.diagnostics("one.py", version)
    await asyncio.sleep(WAIT)
    assert {one.uri for one in editor.published[before:]} == {editor.uri("one.py")}


async def test_an_unfinished_text_leaves_the_last_findings(start: Start) -> None:
    editor = await start()
    editor.open("net.py", BAD)
    assert await editor.codes("net.py") == ["HL101"]
    before = len(editor.published)
    editor.type("net.py", "def step(x, y):", "def step(x, y")
    await asyncio.sleep(WAIT)
    assert len(editor.published) == before
    version = editor.type("net.py", "def step(x, y", "def step(x, y, z):")
    assert await editor.codes("net.py", version) == ["HL101"]


async def test_a_text_saved_or_opened_unfinished_is_told_softly(start: Start) -> None:
    from lsprotocol.types import DiagnosticSeverity

    editor = await start()
    editor.open("net.py", BAD)
    version = editor.type("net.py", "def step(x, y):", 'a = "損😀"; def step(x, y):')
    editor.save("net.py")
    published = await editor.diagnostics("net.py", version)
    (said,) = (one for one in published if one.code == "HL900")
    assert said.severity == DiagnosticSeverity.Information
    assert [one.code for one in published if one is not said] == ["HL101"]  # the rest of the text is checked
    assert (said.range.start.line, said.range.start.character) == (6, len('a = "損😀"; ') + 1)
    editor.open("other.py", "import torch\nx = (\n")
    assert await editor.codes("other.py") == ["HL900"]


async def test_saving_reads_other_files_anew(start: Start) -> None:
    editor = await start()
    editor.open("train.py", TRAIN)
    assert await editor.codes("train.py") == []
    (editor.folder / "model.py").write_text(MODEL)
    editor.save("train.py")
    await editor.until_codes("train.py", ["HL101"])
