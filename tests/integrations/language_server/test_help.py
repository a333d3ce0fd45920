"""Hover and code actions."""

from __future__ import annotations

import pytest
from editor import BAD, MODEL, SAFE, SOFTMAX, TRAIN, Editor, Start, capabilities, position, range_of
from lsprotocol import types

pytestmark = pytest.mark.asyncio


def applied(text: str, action: types.CodeAction) -> str:
    """A text with the only document's edits of an action made."""
    changes = action.edit.document_changes or [
        types.TextDocumentEdit(None, edits) for edits in action.edit.changes.values()
    ]
    (change,) = changes
    lines = text.split("\n")

    def offset(at: types.Position) -> int:
        before = sum(len(line) + 1 for line in lines[: at.line])
        return before + len(lines[at.line].encode("utf-16-le")[: 2 * at.character].decode("utf-16-le"))

    for edit in sorted(change.edits, key=lambda edit: offset(edit.range.start), reverse=True):
        text = text[: offset(edit.range.start)] + edit.new_text + text[offset(edit.range.end) :]
    return text


async def test_hover_shows_the_way_and_the_page(start: Start) -> None:
    editor = await start()
    (editor.folder / "model.py").write_text(MODEL)
    editor.open("train.py", TRAIN)
    await editor.until_codes("train.py", ["HL101"])
    shown = await editor.hover("train.py", range_of(TRAIN, "net(x), y").start)
    assert "**HL101 softmax-before-cross-entropy** (error)" in shown
    assert f"[model.py, line 10]({editor.uri('model.py')}#L10)" in shown
    assert "### Why is this bad?" in shown
    assert "CrossEntropyLoss is chosen here" in await editor.hover(
        "train.py", range_of(TRAIN, "CrossEntropyLoss").start
    )
    assert await editor.hover("train.py", types.Position(0, 0)) is None


async def fixes(editor: Editor, name: str, part: str) -> dict[str, types.CodeAction]:
    actions = await editor.actions(name, range_of(editor.text(name), part))
    return {action.title: action for action in actions}


async def test_an_unsafe_fix_says_why_and_mends(start: Start) -> None:
    editor = await start()
    editor.open("net.py", BAD)
    offered = await fixes(editor, "net.py", "criterion(net(x), y)")
    (title,) = [title for title in offered if title.startswith("Remove the Softmax (unsafe: ")]
    assert offered[title].kind == types.CodeActionKind.QuickFix
    assert not offered[title].is_preferred
    assert [one.code for one in offered[title].diagnostics] == ["HL101"]
    (change,) = offered[title].edit.document_changes
    assert (change.text_document.uri, change.text_document.version) == (editor.uri("net.py"), 1)
    assert applied(BAD, offered[title]) == BAD.replace(SOFTMAX, "")


async def test_fixes_fit_the_buffer_and_not_the_file(start: Start) -> None:
    editor = await start()
    (editor.folder / "net.py").write_text("# something else\n" * 10)
    editor.open("net.py", BAD)
    editor.type("net.py", "net = nn", 'note = "😀 損"; net = nn')
    offered = await fixes(editor, "net.py", "criterion(net(x), y)")
    (title,) = [title for title in offered if title.startswith("Remove the Softmax")]
    assert applied(editor.text("net.py"), offered[title]) == editor.text("net.py").replace(SOFTMAX, "")


async def test_a_finding_can_be_ignored_where_it_stands(start: Start) -> None:
    editor = await start()
    editor.open("net.py", BAD)
    ignore = (await fixes(editor, "net.py", "criterion(net"))["Ignore softmax-before-cross-entropy (HL101) here"]
    text = applied(BAD, ignore)
    assert text.splitlines()[-1] == "    return criterion(net(x), y)  # headlint: ignore[softmax-before-cross-entropy]"
    editor.type("net.py", BAD, text)
    await editor.until_codes("net.py", [])


async def test_a_safe_fix_is_preferred_and_all_can_be_made_at_once(start: Start) -> None:
    editor = await start()
    text = SAFE + "\n\n" + SAFE[SAFE.index("def ") :].replace("confidence", "other")
    editor.open("net.py", text)
    await editor.until_codes("net.py", ["HL113", "HL113"])
    offered = await fixes(editor, "net.py", "torch.log")
    (title,) = [title for title in offered if " (safe: " in title]
    assert offered[title].is_preferred
    wrong, right = "torch.log(F.softmax(x, dim=1))", "F.log_softmax(x, dim=1)"
    assert applied(text, offered[title]) == text.replace(wrong, right, 1)
    everything = range_of(text, text)
    (all_at_once,) = await editor.actions("net.py", everything, only=["source.fixAll"])
    assert all_at_once.kind == "source.fixAll.headlint"
    assert applied(text, all_at_once) == text.replace(wrong, right)
    assert await editor.actions("net.py", everything, only=["refactor"]) == []


async def test_unsafe_fixes_are_not_made_all_at_once(start: Start) -> None:
    editor = await start()
    editor.open("net.py", BAD)
    assert await editor.actions("net.py", range_of(BAD, BAD), only=["source.fixAll.headlint"]) == []


async def test_no_actions_where_nothing_is_found(start: Start) -> None:
    editor = await start()
    editor.open("net.py", BAD)
    assert await editor.actions("net.py", range_of(BAD, "import torch")) == []
    assert await editor.actions("unknown.py", range_of(BAD, "import torch")) == []


async def test_clients_without_versions_get_plain_changes(start: Start) -> None:
    can = capabilities()
    can.workspace = types.WorkspaceClientCapabilities()
    editor = await start(can=can)
    editor.open("net.py", BAD)
    offered = await fixes(editor, "net.py", "criterion(net(x), y)")
    assert all(set(action.edit.changes) == {editor.uri("net.py")} for action in offered.values())


async def test_a_fix_may_be_in_another_file(start: Start) -> None:
    editor = await start()
    (editor.folder / "model.py").write_text(MODEL)
    editor.open("train.py", TRAIN)
    offered = await fixes(editor, "train.py", "criterion(net(x), y)")
    (title,) = [title for title in offered if title.startswith("Remove the softmax")]
    (change,) = offered[title].edit.document_changes
    assert (change.text_document.uri, change.text_document.version) == (editor.uri("model.py"), None)
    assert applied(MODEL, offered[title]) == MODEL.replace(".softmax(dim=1)", "")


async def test_positions_behind_the_end_are_no_error(start: Start) -> None:
    editor = await start()
    editor.open("net.py", BAD)
    await editor.until_codes("net.py", ["HL101"])
    assert await editor.hover("net.py", types.Position(900, 3)) is None
    assert position(BAD, len(BAD)).line == BAD.count("\n")
