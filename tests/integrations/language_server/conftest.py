"""Starts ``headlint server`` as editors do."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from editor import Editor, Start, capabilities
from lsprotocol import types

REPOSITORY = Path(__file__).parents[3]


@pytest_asyncio.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts servers, and ends them after the test."""
    editors: list[Editor] = []

    async def started(
        options: object = None,
        can: types.ClientCapabilities | None = None,
        folders: list[Path] | None = None,
        configuration: dict[str, Any] | None = None,
    ) -> Editor:
        editor = Editor(tmp_path, configuration)
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        await editor.client.start_io(sys.executable, "-m", "headlint", "server", env=environment, cwd=tmp_path)
        editors.append(editor)
        roots = [types.WorkspaceFolder(folder.as_uri(), folder.name) for folder in folders or [tmp_path]]
        await editor.client.initialize_session(
            types.InitializeParams(
                can or capabilities(), workspace_folders=roots, initialization_options=options, root_uri=roots[0].uri
            )
        )
        return editor

    yield started
    for editor in editors:
        if editor.process.returncode is None:
            await editor.client.shutdown_session()
        await editor.client.stop()
