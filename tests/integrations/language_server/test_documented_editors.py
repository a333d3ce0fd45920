"""The lines that the documentation has for editors: each starts the server, with the settings that it shows."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from editor import BAD, Start, capabilities

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PAGE = Path(__file__).parents[3] / "docs" / "editors.md"
BINARY = BAD.replace("nn.Linear(8, 3)", "nn.Linear(8, 2)")


def blocks() -> dict[str, list[tuple[str, str]]]:
    """Language and text of the blocks below each editor's heading."""
    sections = re.split(r"^## (.*)\n", PAGE.read_text(), flags=re.MULTILINE)[1:]
    fence = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
    return {
        title.split(" (")[0]: fence.findall(text) for title, text in zip(sections[::2], sections[1::2], strict=True)
    }


def values(language: str, text: str) -> Any:
    """What a block says, as plain values; of Lua and Lisp only strings in lists count."""
    match language:
        case "json":
            return json.loads(text)
        case "toml":
            return tomllib.loads(text)
        case "lua":
            return {key: re.findall(r"'([^']*)'", items) for key, items in re.findall(r"(\w+) = \{([^{}]*)\}", text)}
        case _:
            return [re.findall(r'"([^"]*)"', items) for items in re.findall(r"\(([^()]*)\)", text)]


def commands(value: Any) -> Iterator[list[str]]:
    """Whatever in there starts headlint."""
    match value:
        case {"command": str() as command, "args": list() as arguments} | {
            "path": str() as command,
            "arguments": list() as arguments,
        }:
            yield [command, *arguments]
        case dict():
            for one in value.values():
                yield from commands(one)
        case ["headlint", *_]:
            yield value
        case list():
            for one in value:
                yield from commands(one)


def ignored(value: Any) -> Iterator[list[str]]:
    """Whatever in there is a setting ``ignore``."""
    match value:
        case dict():
            for key, one in value.items():
                if key in ("ignore", "headlint.ignore"):
                    yield one
                else:
                    yield from ignored(one)


@pytest.mark.parametrize("editor", ["Neovim", "Helix", "Emacs", "Zed", "Sublime Text"])
def test_each_editor_starts_the_server(editor: str) -> None:
    found = [command for block in blocks()[editor] for command in commands(values(*block))]
    assert found
    assert all(command == ["headlint", "server"] for command in found)


@pytest.mark.parametrize("editor", ["Settings", "VS Code", "Neovim", "Helix", "Zed", "Sublime Text"])
def test_each_editor_shows_settings(editor: str) -> None:
    found = [setting for block in blocks()[editor] for setting in ignored(values(*block))]
    assert found == [["binary-softmax"]]


@pytest.mark.asyncio
@pytest.mark.parametrize("way", ["options", "configuration"])
async def test_the_settings_that_are_shown_hold(start: Start, way: str) -> None:
    shown = {"ignore": ["binary-softmax"]}
    plain = await start()
    plain.open("net.py", BINARY)
    assert sorted(await plain.codes("net.py")) == ["HL101", "HL203"]
    if way == "options":
        editor = await start(options=shown)
    else:
        editor = await start(can=capabilities(configuration=True), configuration={"": {"headlint": shown}})
    editor.open("net.py", BINARY)
    await editor.until_codes("net.py", ["HL101"])


def test_the_command_exists() -> None:
    """The command that editors start is the one that the package installs."""
    project = tomllib.loads((PAGE.parents[1] / "pyproject.toml").read_text())["project"]
    assert list(project["scripts"]) == ["headlint"]
