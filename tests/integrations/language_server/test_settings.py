"""Settings: from files, from the editor, changed while the server runs, and broken."""

from __future__ import annotations

from pathlib import Path

import pytest
from editor import BAD, Start, capabilities
from lsprotocol import types

from headlint.run.session import check_paths
from headlint.selection.baseline import Baseline
from headlint.settings import Settings

pytestmark = pytest.mark.asyncio


def changed(editor, path: Path) -> None:
    event = types.FileEvent(path.as_uri(), types.FileChangeType.Changed)
    editor.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([event]))


async def test_a_changed_file_is_read_again(start: Start) -> None:
    watching = types.DidChangeWatchedFilesClientCapabilities(dynamic_registration=True)
    editor = await start(can=capabilities(did_change_watched_files=watching))
    editor.open("net.py", BAD)
    await editor.until_codes("net.py", ["HL101"])
    (registration,) = editor.registered
    assert registration.method == types.WORKSPACE_DID_CHANGE_WATCHED_FILES
    config = editor.folder / "pyproject.toml"
    config.write_text('[tool.headlint]\nignore = ["HL101"]\n')
    changed(editor, config)
    await editor.until_codes("net.py", [])
    config.unlink()
    changed(editor, config)
    await editor.until_codes("net.py", ["HL101"])


async def test_saving_reads_settings_again(start: Start) -> None:
    editor = await start()
    editor.open("net.py", BAD)
    await editor.until_codes("net.py", ["HL101"])
    (editor.folder / "headlint.toml").write_text('ignore = ["softmax-before-cross-entropy"]\n')
    editor.save("net.py")
    await editor.until_codes("net.py", [])


async def test_a_broken_file_is_told_once_and_the_settings_before_it_hold(start: Start) -> None:
    editor = await start()
    config = editor.folder / "headlint.toml"
    config.write_text('ignore = ["HL101"]\n')
    editor.open("net.py", BAD)
    await editor.until_codes("net.py", [])
    config.write_text('ignore = ["HL101"]\nselct = []\n')
    changed(editor, config)
    editor.type("net.py", "nn.Linear(8, 3)", "nn.Linear(8, 3), nn.Sigmoid()")
    await editor.until(lambda: editor.messages)
    changed(editor, config)
    config.write_text("")
    editor.save("net.py")
    await editor.until_codes("net.py", ["HL101"])
    assert editor.messages == [f"headlint: {config}: unknown key 'selct'; did you mean 'select'?"]


async def test_options_of_the_editor(start: Start) -> None:
    editor = await start(options={"select": ["HL2"]})
    editor.open("net.py", BAD)
    assert await editor.codes("net.py") == []
    parameters = types.DidChangeConfigurationParams({"headlint": {"ignore": ["HL103"]}})
    editor.client.workspace_did_change_configuration(parameters)
    await editor.until_codes("net.py", ["HL101"])


async def test_options_name_a_file(start: Start) -> None:
    editor = await start(options={"headlint": {"config": "lint/settings.toml"}})
    (editor.folder / "lint").mkdir()
    (editor.folder / "lint" / "settings.toml").write_text('ignore = ["HL101"]\n')
    editor.open("net.py", BAD)
    assert await editor.codes("net.py") == []


async def test_wrong_options_are_told(start: Start) -> None:
    editor = await start(options={"select": ["HL1", "softmax-befor-cross-entropy"]})
    editor.open("net.py", BAD)
    assert await editor.codes("net.py") == ["HL101"]
    (message,) = editor.messages
    assert "there is no rule 'softmax-befor-cross-entropy'; did you mean 'softmax-before-cross-entropy'?" in message


async def test_each_folder_of_the_workspace_has_its_own(start: Start, tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        (folder / "headlint.toml").write_text("")
    configuration = {folders[0].as_uri(): {"headlint": {"ignore": ["HL101"]}}}
    editor = await start(can=capabilities(configuration=True), folders=folders, configuration=configuration)
    editor.open("one/net.py", BAD)
    editor.open("two/net.py", BAD)
    await editor.until_codes("one/net.py", [])
    await editor.until_codes("two/net.py", ["HL101"])


async def test_what_the_baseline_knows_is_not_told(start: Start) -> None:
    editor = await start()
    (editor.folder / "headlint.toml").write_text("")
    (editor.folder / "net.py").write_text(BAD)
    baseline = editor.folder / "headlint-baseline.json"
    baseline.write_text('{"version": 1, "findings": []}')
    known = check_paths([editor.folder / "net.py"], Settings(root=editor.folder, baseline=baseline.name)).findings
    Baseline(baseline).write(Baseline(baseline).entries_of(known, lambda place: BAD))
    (editor.folder / "headlint.toml").write_text(f'baseline = "{baseline.name}"\n')
    editor.open("net.py", BAD)
    assert await editor.codes("net.py") == []
    baseline.write_text("[]")
    editor.save("net.py")
    await editor.until(lambda: editor.messages)
    assert editor.messages == [f"headlint: {baseline}: is not a baseline: it has no list of findings"]
