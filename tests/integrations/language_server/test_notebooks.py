"""Notebooks: findings land in cells."""

from __future__ import annotations

import asyncio

import pytest
from editor import Editor, Start, range_of
from lsprotocol import types

pytestmark = pytest.mark.asyncio

IMPORTS = "%matplotlib inline\nimport torch.nn as nn"
NET = 'note = "😀"; net = nn.Sequential(nn.Linear(8, 3), nn.Softmax(dim=1))'
LOSS = "criterion = nn.CrossEntropyLoss()\nfor x, y in loader:\n    loss = criterion(net(x), y)\n    loss.backward()"
SOURCES = (IMPORTS, "# A title", NET, LOSS)


class Notebook:
    """A notebook that is open in an editor: a heading between code cells."""

    def __init__(self, editor: Editor) -> None:
        self.editor = editor
        self.uri = editor.uri("study.ipynb")
        self.version = 1
        self.cells = [f"{self.uri.replace('file:', 'vscode-notebook-cell:')}#W{number}" for number in range(4)]
        kinds = [types.NotebookCellKind.Code if text[:2] != "# " else types.NotebookCellKind.Markup for text in SOURCES]
        cells = [types.NotebookCell(kind, uri) for kind, uri in zip(kinds, self.cells, strict=True)]
        document = types.NotebookDocument(self.uri, "jupyter-notebook", 1, cells)
        texts = [types.TextDocumentItem(uri, "python", 1, text) for uri, text in zip(self.cells, SOURCES, strict=True)]
        editor.client.notebook_document_did_open(types.DidOpenNotebookDocumentParams(document, texts))

    def change(self, cells: types.NotebookDocumentCellChanges) -> None:
        self.version += 1
        identifier = types.VersionedNotebookDocumentIdentifier(self.version, self.uri)
        change = types.NotebookDocumentChangeEvent(cells=cells)
        self.editor.client.notebook_document_did_change(types.DidChangeNotebookDocumentParams(identifier, change))

    def write(self, number: int, text: str) -> None:
        """Give a cell another text."""
        identifier = types.VersionedTextDocumentIdentifier(self.version + 1, self.cells[number])
        change = types.TextDocumentContentChangeWholeDocument(text)
        content = types.NotebookDocumentCellContentChanges(identifier, [change])
        self.change(types.NotebookDocumentCellChanges(text_content=[content]))

    def remove(self, number: int) -> None:
        """Delete a cell."""
        array = types.NotebookCellArrayChange(number, 1, [])
        structure = types.NotebookDocumentCellChangeStructure(
            array, did_close=[types.TextDocumentIdentifier(self.cells[number])]
        )
        self.change(types.NotebookDocumentCellChanges(structure=structure))


async def test_findings_land_on_cells(start: Start) -> None:
    editor = await start()
    notebook = Notebook(editor)
    (diagnostic,) = await editor.diagnostics(notebook.cells[3])
    assert diagnostic.code == "HL101"
    assert diagnostic.range == range_of(LOSS, "criterion(net(x), y)")
    places = [(one.location.uri, one.location.range) for one in diagnostic.related_information]
    assert (notebook.cells[2], range_of(NET, "nn.Softmax(dim=1)")) in places
    assert "Linear gives 3 raw scores" in await editor.hover(notebook.cells[3], range_of(LOSS, "(net").start)


async def test_cells_change_and_go(start: Start) -> None:
    editor = await start()
    notebook = Notebook(editor)
    await editor.until_codes(notebook.cells[3], ["HL101"])
    notebook.write(2, NET.replace(", nn.Softmax(dim=1)", ""))
    await editor.until_codes(notebook.cells[3], [])
    notebook.write(2, NET)
    await editor.until_codes(notebook.cells[3], ["HL101"])
    notebook.remove(3)
    await editor.until_codes(notebook.cells[3], [])


async def test_an_unfinished_cell_leaves_the_others(start: Start) -> None:
    editor = await start()
    notebook = Notebook(editor)
    await editor.until_codes(notebook.cells[3], ["HL101"])
    notebook.write(0, IMPORTS + "\nx = (")
    await asyncio.sleep(1)
    await editor.until_codes(notebook.cells[0], [])
    await editor.until_codes(notebook.cells[3], ["HL101"])
    editor.client.notebook_document_did_save(
        types.DidSaveNotebookDocumentParams(types.NotebookDocumentIdentifier(notebook.uri))
    )
    await editor.until_codes(notebook.cells[0], ["HL900"])


async def test_fixes_change_cells(start: Start) -> None:
    editor = await start()
    notebook = Notebook(editor)
    actions = await editor.actions(notebook.cells[3], range_of(LOSS, "criterion(net(x), y)"))
    (fix,) = [action for action in actions if action.title.startswith("Remove the Softmax")]
    (change,) = fix.edit.document_changes
    assert change.text_document.uri == notebook.cells[2]
    assert [(edit.range, edit.new_text) for edit in change.edits] == [(range_of(NET, ", nn.Softmax(dim=1)"), "")]


async def test_a_closed_notebook_has_no_diagnostics(start: Start) -> None:
    editor = await start()
    notebook = Notebook(editor)
    await editor.until_codes(notebook.cells[3], ["HL101"])
    identifiers = [types.TextDocumentIdentifier(uri) for uri in notebook.cells]
    editor.client.notebook_document_did_close(
        types.DidCloseNotebookDocumentParams(types.NotebookDocumentIdentifier(notebook.uri), identifiers)
    )
    await editor.until_codes(notebook.cells[3], [])
