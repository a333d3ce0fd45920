"""The extension for VS Code: its types hold, its client finds and talks to the real server, and it can be packaged."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from headlint.run import configuration
from headlint.version import __version__

REPOSITORY = Path(__file__).parents[2]
EXTENSION = REPOSITORY / "editors" / "vscode"
MANIFEST = json.loads((EXTENSION / "package.json").read_text())
OWN = {"path", "config", "trace.server"}
"""Settings that are the extension's or the server's, and no keys of headlint's settings."""


@pytest.fixture(scope="module")
def extension(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the extension with all that it is built from."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("needs Node.js and npm")
    folder = tmp_path_factory.mktemp("vscode")
    ignored = shutil.ignore_patterns("node_modules", "dist", "*.vsix")
    shutil.copytree(EXTENSION, folder, dirs_exist_ok=True, ignore=ignored)
    done = npm(folder, "ci", "--no-audit", "--no-fund", "--prefer-offline")
    if done.returncode:
        pytest.skip(f"the packages that it is built from cannot be had: {done.stderr[-300:]}")
    return folder


def npm(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HEADLINT_PYTHON": sys.executable, "NO_UPDATE_NOTIFIER": "1"}
    environment.pop("PYTHONPATH", None)
    return subprocess.run(
        ["npm", *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=240, check=False
    )


def test_its_client_talks_to_the_real_server(extension: Path) -> None:
    done = npm(extension, "test")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# fail 0" in done.stdout


def test_it_is_checked_bundled_and_packaged(extension: Path) -> None:
    done = npm(extension, "run", "package")
    assert done.returncode == 0, done.stdout + done.stderr
    held = zipfile.ZipFile(extension / "headlint.vsix").namelist()
    assert "extension/dist/extension.js" in held
    assert not [name for name in held if "node_modules" in name or name.endswith(".ts")]


def test_its_settings_are_settings() -> None:
    named = {name.removeprefix("headlint.") for name in MANIFEST["contributes"]["configuration"]["properties"]}
    assert named - OWN <= set(configuration._KEYS)


def test_it_has_the_version_of_the_package() -> None:
    assert MANIFEST["version"] == __version__
