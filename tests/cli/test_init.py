"""``headlint init`` in repositories as they are found: it adds what is missing, and changes nothing that is there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from headlint.cli.main import main

BAD = """import torch.nn as nn

net = nn.Sequential(nn.Linear(8, 3), nn.Softmax(dim=1))
criterion = nn.CrossEntropyLoss()


def step(x, y):
    return criterion(net(x), y)
"""
WORKFLOW = ".github/workflows/headlint.yml"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "model.py").write_text(BAD)
    (tmp_path / "package").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert main(["init", *arguments]) == 0
    return capsys.readouterr().out.splitlines()


def hooks(repository: Path) -> list[str]:
    loaded = yaml.safe_load((repository / ".pre-commit-config.yaml").read_text())
    return [hook["id"] for repo in loaded["repos"] for hook in repo["hooks"]]


def test_an_empty_repository_gets_everything(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys)
    assert [line.partition(":")[0] for line in lines[:-1]] == [
        ".pre-commit-config.yaml",
        WORKFLOW,
        "headlint-baseline.json",
        "headlint.toml",
    ]
    assert "1 finding of today" in lines[2]
    assert hooks(repository) == ["headlint"]
    assert main(["check"]) == 0
    (repository / "new.py").write_text(BAD)
    assert main(["check"]) == 1


@pytest.mark.parametrize("ci", ["github", "gitlab", "none"])
def test_a_second_run_changes_nothing(repository: Path, capsys: pytest.CaptureFixture[str], ci: str) -> None:
    said(capsys, "--ci", ci)
    before = contents(repository)
    lines = said(capsys, "--ci", ci)
    assert contents(repository) == before
    assert all(line.endswith("already") for line in lines[:-1])


def test_it_is_the_repository_that_is_set_up(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "package")
    assert (repository / WORKFLOW).exists()
    assert list((repository / "package").iterdir()) == []


@pytest.mark.parametrize(
    "existing",
    [
        "repos:\n- repo: local\n  hooks:\n  - id: other\n    name: other\n",
        "# ours\nfail_fast: true\nrepos: # all\n    - repo: local\n      hooks:\n          - id: other",
        "repos:\r\n  - repo: local\r\n    hooks:\r\n      - id: other\r\n",
    ],
)
def test_a_hook_is_added_to_those_that_are_there(
    repository: Path, capsys: pytest.CaptureFixture[str], existing: str
) -> None:
    file = repository / ".pre-commit-config.yaml"
    file.write_bytes(existing.encode())
    said(capsys)
    assert file.read_bytes().startswith(existing.encode())
    assert hooks(repository) == ["other", "headlint"]
    assert (b"\r" in file.read_bytes()) == ("\r" in existing)


@pytest.mark.parametrize(
    ("name", "existing"),
    [
        (".pre-commit-config.yaml", "repos:\n  - repo: local\n    hooks: []\nfail_fast: true\n"),
        (".pre-commit-config.yaml", "repos: [{repo: local, hooks: []}]\n"),
        (".pre-commit-config.yaml", "repos: []\n"),
        (".gitlab-ci.yml", "include:\n  - local: other.yml\n"),
        (".gitlab-ci.yml", "stages: [build]\n"),
        ("pyproject.toml", '[tool.headlint]\nignore = ["HL4"]\n'),
        ("headlint.toml", 'ignore = ["HL4"]\n'),
    ],
)
def test_what_cannot_be_added_is_shown(
    repository: Path, capsys: pytest.CaptureFixture[str], name: str, existing: str
) -> None:
    (repository / name).write_text(existing)
    lines = said(capsys)
    assert (repository / name).read_text() == existing
    place = next(number for number, line in enumerate(lines) if line.startswith(f"{name}: left as it is"))
    assert lines[place + 2].startswith("    ")


def test_settings_of_the_project_name_the_baseline(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / "pyproject.toml").write_text('[project]\nname = "a"')
    said(capsys)
    assert (repository / "pyproject.toml").read_text() == (
        '[project]\nname = "a"\n\n[tool.headlint]\nbaseline = "headlint-baseline.json"\n'
    )
    assert main(["check"]) == 0


def test_a_clean_repository_needs_no_baseline(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / "model.py").write_text("import torch.nn as nn\n\nnet = nn.Linear(8, 3)\n")
    assert "headlint-baseline.json: not needed: there are no findings" in said(capsys)
    assert not (repository / "headlint-baseline.json").exists()
    assert not (repository / "headlint.toml").exists()


def test_ci_is_where_the_repository_shows_it(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / ".git" / "config").write_text('[remote "origin"]\n\turl = git@gitlab.example.org:a/b.git\n')
    said(capsys)
    assert not (repository / WORKFLOW).exists()
    assert yaml.safe_load((repository / ".gitlab-ci.yml").read_text())["include"]


def test_a_workflow_that_runs_headlint_is_enough(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = repository / ".github" / "workflows" / "lint.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("on: push\njobs:\n  lint:\n    steps:\n      - run: headlint check\n")
    assert ".github/workflows/lint.yaml: has headlint already" in said(capsys)
    assert not (repository / WORKFLOW).exists()


@pytest.mark.parametrize(
    ("schema", "file", "ci"),
    [
        ("vendor.github-workflows", WORKFLOW, "github"),
        ("vendor.gitlab-ci", ".gitlab-ci.yml", "gitlab"),
    ],
)
def test_what_is_written_is_valid(
    repository: Path, capsys: pytest.CaptureFixture[str], schema: str, file: str, ci: str
) -> None:
    said(capsys, "--ci", ci)
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, file]
    outcome = subprocess.run(command, cwd=repository, capture_output=True, text=True, timeout=60)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_what_cannot_be_done_is_one_line(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "missing"]) == 2
    (repository / ".github").write_text("a file, no folder")
    assert main(["init"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("headlint: ") for line in lines)
