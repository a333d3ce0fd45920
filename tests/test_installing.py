"""What is published: a wheel and an sdist that install in fresh environments, by the usual ways, on each Python at hand."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BAD = """import torch.nn as nn

net = nn.Sequential(nn.Linear(8, 3), nn.Softmax(dim=1))
criterion = nn.CrossEntropyLoss()


def step(x, y):
    return criterion(net(x), y)
"""
TYPED = """import headlint

report = headlint.check_source("", filename="model.py")
lines: list[int] = [finding.place.line for finding in report]
"""


def pythons() -> Iterator[object]:
    """The supported interpreters of this machine, one of each version."""
    managed = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for minor in range(10, 16):
        candidates = [*managed.glob(f"3.{minor}.*/bin/python"), shutil.which(f"python3.{minor}")]
        if sys.version_info[:2] == (3, minor):
            candidates.insert(0, sys.executable)
        for candidate in candidates:
            if candidate and run(candidate, "-c", "", check=False).returncode == 0:
                yield pytest.param(str(candidate), id=f"3.{minor}")
                break


def run(*command: object, check: bool = True, **options: object) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=120, check=False, **options
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The wheel and the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "--directory", folder, cwd=ROOT)
    return {"wheel": next(folder.glob("*.whl")), "sdist": next(folder.glob("*.tar.gz"))}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Nothing of this checkout, and every tool's folders for itself."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return {
        **kept,
        "UV_TOOL_DIR": str(tmp_path / "tools"),
        "UV_TOOL_BIN_DIR": str(tmp_path / "bin"),
        "UV_PYTHON_DOWNLOADS": "never",
        "PIPX_HOME": str(tmp_path / "pipx"),
        "PIPX_BIN_DIR": str(tmp_path / "pipx-bin"),
    }


def works(command: list[object], folder: Path, environment: dict[str, str]) -> None:
    """The command finds a mistake, and knows its rules."""
    (folder / "model.py").write_text(BAD)
    check = [*command, "check", "--no-cache", "--output-format", "concise", "model.py"]
    done = run(*check, cwd=folder, env=environment, check=False)
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("model.py:8:12: HL101")
    assert "softmax-before-cross-entropy" in run(*command, "explain", "HL101", cwd=folder, env=environment).stdout


def test_they_are_fit_to_be_published(built: dict[str, Path]) -> None:
    run(sys.executable, "-m", "twine", "check", "--strict", *built.values())


def test_the_wheel_holds_the_package_and_nothing_else(built: dict[str, Path]) -> None:
    tracked = run("git", "ls-files", "--cached", "--others", "--exclude-standard", "headlint", "rules", cwd=ROOT)
    wanted = {f"headlint/{name}" if name.startswith("rules/") else name for name in tracked.stdout.splitlines()}
    held = {name for name in zipfile.ZipFile(built["wheel"]).namelist() if ".dist-info/" not in name}
    assert held == {name for name in wanted if (ROOT / name.replace("headlint/rules/", "rules/")).exists()}


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
@pytest.mark.parametrize("python", list(pythons()))
def test_uv_tool_install(
    built: dict[str, Path], environment: dict[str, str], tmp_path: Path, python: str, kind: str
) -> None:
    run(sys.executable, "-m", "uv", "tool", "install", "--python", python, built[kind], env=environment)
    works([tmp_path / "bin" / "headlint"], tmp_path, environment)


def test_pipx_run(built: dict[str, Path], environment: dict[str, str], tmp_path: Path) -> None:
    works([sys.executable, "-m", "pipx", "run", "--spec", built["wheel"], "headlint"], tmp_path, environment)


def test_pip_install_and_types_from_outside(
    built: dict[str, Path], environment: dict[str, str], tmp_path: Path
) -> None:
    run(sys.executable, "-m", "venv", tmp_path / "fresh")
    python = tmp_path / "fresh" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", built["sdist"], env=environment)
    works([python, "-m", "headlint"], tmp_path, environment)
    (tmp_path / "typed.py").write_text(TYPED)
    (tmp_path / "wrong.py").write_text(TYPED.replace("list[int]", "list[str]"))
    mypy = [sys.executable, "-m", "mypy", "--strict", "--python-executable", python, "--cache-dir", tmp_path / "mypy"]
    checked = run(*mypy, "typed.py", "wrong.py", cwd=tmp_path, env=environment, check=False).stdout.splitlines()
    assert [line.partition(" ")[0] for line in checked[:-1]] == ["wrong.py:4:"]
