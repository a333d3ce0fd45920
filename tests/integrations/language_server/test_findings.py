"""What is said about a document: where, how severe, and what it has to do with other places."""

from __future__ import annotations

import pytest
from editor import BAD, MODEL, TRAIN, Start, capabilities, range_of
from lsprotocol import types

pytestmark = pytest.mark.asyncio


async def test_a_finding_has_its_place_severity_and_page(start: Start) -> None:
    editor = await start()
    editor.open("net.py", BAD)
    (diagnostic,) = await editor.diagnostics("net.py")
    assert diagnostic.code == "HL101"
    assert diagnostic.source == "headlint"
    assert diagnostic.severity == types.DiagnosticSeverity.Error
    assert diagnostic.code_description.href.endswith("rules/HL101-softmax-before-cross-entropy.md")
    assert diagnostic.range == range_of(BAD, "criterion(net(x), y)")
    assert diagnostic.message.startswith("CrossEntropyLoss applies softmax itself")


async def test_the_trail_leads_through_other_files(start: Start) -> None:
    editor = await start()
    (editor.folder / "model.py").write_text(MODEL)
    editor.open("train.py", TRAIN)
    (diagnostic,) = await editor.diagnostics("train.py")
    places = [(one.location.uri, one.location.range) for one in diagnostic.related_information]
    assert (editor.uri("model.py"), range_of(MODEL, "nn.Linear(8, 3)")) in places
    assert (editor.uri("model.py"), range_of(MODEL, "self.out(x).softmax(dim=1)")) in places
    assert (editor.uri("train.py"), range_of(TRAIN, "nn.CrossEntropyLoss()")) in places


async def test_columns_count_utf_16_units(start: Start) -> None:
    editor = await start()
    text = BAD.replace("    return criterion", '    label = "😀 損失 é"; return criterion')
    editor.open("net.py", text)
    (diagnostic,) = await editor.diagnostics("net.py")
    assert diagnostic.range == range_of(text, "criterion(net(x), y)")
    assert diagnostic.range.start.character == len('    label = "😀 損失 é"; return ') + 1


async def test_a_client_that_knows_no_related_places_gets_none(start: Start) -> None:
    can = capabilities()
    can.text_document = types.TextDocumentClientCapabilities()
    editor = await start(can=can)
    editor.open("net.py", BAD)
    (diagnostic,) = await editor.diagnostics("net.py")
    assert diagnostic.related_information is None


async def test_columns_count_as_agreed_upon(start: Start) -> None:
    can = capabilities()
    can.general = types.GeneralClientCapabilities(position_encodings=[types.PositionEncodingKind.Utf8])
    editor = await start(can=can)
    text = BAD.replace("    return criterion", '    label = "é損😀"; return criterion')
    editor.open("net.py", text)
    (diagnostic,) = await editor.diagnostics("net.py")
    assert diagnostic.range.start.character == len('    label = "é損😀"; return '.encode())


async def test_lines_end_as_they_do_on_windows(start: Start) -> None:
    editor = await start()
    editor.open("net.py", BAD.replace("\n", "\r\n"))
    (diagnostic,) = await editor.diagnostics("net.py")
    assert diagnostic.range == range_of(BAD, "criterion(net(x), y)")


async def test_documents_that_are_no_files_yet(start: Start) -> None:
    editor = await start()
    (editor.folder / "model.py").write_text(MODEL)
    editor.open("untitled:Untitled-1", TRAIN)
    assert await editor.codes("untitled:Untitled-1") == ["HL101"]
    editor.open("new.py", BAD)
    assert await editor.codes("new.py") == ["HL101"]


async def test_what_the_command_passes_by_is_passed_by(start: Start) -> None:
    editor = await start()
    (editor.folder / "headlint.toml").write_text('exclude = ["old/"]\nper-file-ignores = { "demo/*" = ["HL101"] }\n')
    suppressed = BAD.replace("(x), y)", "(x), y)  # headlint: ignore[softmax-before-cross-entropy]")
    texts = {"old/net.py": BAD, "demo/net.py": BAD, ".venv/lib/net.py": BAD, "net.py": BAD, "quiet.py": suppressed}
    found = {}
    for name, text in texts.items():
        (editor.folder / name).parent.mkdir(parents=True, exist_ok=True)
        editor.open(name, text)
        found[name] = await editor.codes(name)
    assert found == {"old/net.py": [], "demo/net.py": [], ".venv/lib/net.py": [], "net.py": ["HL101"], "quiet.py": []}


async def test_other_languages_are_left_alone(start: Start) -> None:
    editor = await start()
    editor.open("notes.md", BAD, language="markdown")
    editor.open("net.ipynb", "{}", language="json")
    editor.open("net.py", BAD)
    assert await editor.codes("net.py") == ["HL101"]
    assert {one.uri for one in editor.published} == {editor.uri("net.py")}


async def test_a_closed_document_has_no_diagnostics(start: Start) -> None:
    editor = await start()
    editor.open("net.py", BAD)
    await editor.until_codes("net.py", ["HL101"])
    editor.close("net.py")
    await editor.until_codes("net.py", [])
