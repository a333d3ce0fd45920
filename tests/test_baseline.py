"""The baseline: what it recognises, what is new to it, what is stale; through every face."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

import headlint
from headlint.findings.finding import Finding, Report
from headlint.fixes import apply_fixes
from headlint.reporting.context import Context
from headlint.selection.baseline import Baseline, read_baseline
from headlint.settings import ConfigurationError, Settings
from headlint.source.document import read_document

NET = """import torch.nn as nn

model = nn.Sequential(nn.Linear(8, 3), nn.Softmax(dim=1))
criterion = nn.CrossEntropyLoss()


def step(x, y):
    return criterion(model(x), y)
"""
OTHER = NET.replace("step", "other_step").replace("Linear(8, 3)", "Linear(9, 4)")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "package").mkdir()
    (tmp_path / "headlint.toml").write_text('baseline = "known.json"\n')
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "package" / "other.py").write_text(OTHER)
    know(tmp_path)
    return tmp_path


def settings(root: Path) -> Settings:
    return Settings(root=root, baseline="known.json", cache=False, jobs=1)


def text_of(root: Path) -> Context:
    def text(path: str) -> str:
        return read_document(Path(path)).text

    def cell(path: str, number: int) -> str:
        return read_document(Path(path)).cell_text(number)

    return Context(root, sources=text, cell_sources=cell)


def know(root: Path) -> None:
    """Put everything that is found into the baseline."""
    baseline = Baseline(root / "known.json")
    report = headlint.check_paths([root], replace(settings(root), baseline=""))
    baseline.write(baseline.entries_of(report.findings, text_of(root).text_of))


def check(root: Path, *names: str) -> Report:
    return headlint.check_paths([root / name for name in names or (".",)], settings(root))


def told(report: Report) -> list[tuple[str, int, str]]:
    return [(Path(one.place.path).name, one.place.line, one.code) for one in report]


def test_what_is_known_is_not_told(project: Path) -> None:
    report = check(project)
    assert told(report) == []
    assert [finding.code for finding in report.known] == ["HL101", "HL101"]
    assert report.stale == ()


@pytest.mark.parametrize(
    "edited",
    [
        NET.replace("criterion =", "\n\n# moved\ncriterion ="),
        NET.replace("def step", "def renamed"),
        NET.replace("Linear(8, 3)", "Linear(8, 5)"),
        NET.replace("    return criterion", "    x = 2 * x\n    return criterion"),
        NET.replace("    return criterion(model(x), y)", "    if x:\n        return  criterion(model(x), y)"),
        NET.replace("\n", "\r\n"),
        NET + "\n\ndef fine(x, y):\n    return nn.MSELoss()(nn.Linear(8, 1)(x), y)\n",
    ],
)
def test_edits_elsewhere_change_nothing(project: Path, edited: str) -> None:
    (project / "net.py").write_text(edited, newline="")
    report = check(project)
    assert told(report) == []
    assert len(report.known) == 2


def test_a_second_equal_mistake_is_new(project: Path) -> None:
    (project / "net.py").write_text(NET + "\n\ndef again(x, y):\n    return criterion(model(x), y)\n")
    report = check(project)
    assert told(report) == [("net.py", 12, "HL101")]
    assert len(report.known) == 2


def test_another_mistake_and_another_file_are_new(project: Path) -> None:
    (project / "net.py").write_text(NET.replace("dim=1", ""))
    (project / "copy.py").write_text(NET)
    assert told(check(project)) == [("copy.py", 8, "HL101"), ("net.py", 3, "HL301")]


def test_what_is_mended_or_gone_is_stale(project: Path) -> None:
    (project / "net.py").write_text(NET.replace(", nn.Softmax(dim=1)", ""))
    (project / "package" / "other.py").unlink()
    assert [entry.path for entry in check(project).stale] == ["net.py", "package/other.py"]


def test_only_what_was_looked_at_is_judged(project: Path) -> None:
    (project / "package" / "other.py").write_text("import torch\n")
    assert check(project, "net.py").stale == ()
    assert [entry.path for entry in check(project, "package").stale] == ["package/other.py"]
    (project / "package" / "other.py").write_text("import torch\nmodel = torch.nn.Linear(\n")
    assert [entry.path for entry in check(project).stale] == []
    chosen = replace(settings(project), select=("HL2",))
    (project / "package" / "other.py").write_text("import torch\n")
    assert headlint.check_paths([project / "package"], chosen).stale == ()


def test_an_entry_of_a_rule_that_is_no_more_is_stale(project: Path) -> None:
    baseline = read_baseline(project / "known.json")
    old = structs.replace(baseline.entries[0], code="HL099", name="gone", fingerprint="0" * 32)
    baseline.write((*baseline.entries, old))
    assert check(project).stale == (old,)


def test_any_slice_and_any_folder_say_the_same(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("net.py", "package/other.py", "package"):
        assert told(check(project, name)) == []
        assert len(check(project, name).known) == 1
    monkeypatch.chdir(project / "package")
    report = headlint.check_paths(["other.py", "../net.py"], settings(project))
    assert (told(report), len(report.known)) == ([], 2)


def test_a_link_to_the_project_is_the_project(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    link = tmp_path_factory.mktemp("elsewhere") / "link"
    link.symlink_to(project)
    assert len(headlint.check_paths([link], settings(link)).known) == 2


def test_notebooks(project: Path) -> None:
    def notebook(*sources: str) -> str:
        cells = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": source} for source in sources]
        return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})

    head, use = NET.split("\n\n\n")
    (project / "cells.ipynb").write_text(notebook(head, use))
    know(project)
    (project / "cells.ipynb").write_text(notebook("%load_ext x", head, "print()", f"\n\n{use}"))
    assert told(check(project)) == []
    (project / "cells.ipynb").write_text(notebook(head, use, use))
    assert told(check(project)) == [("cells.ipynb", 2, "HL101")]


def test_the_file_is_sorted_with_a_line_for_each_finding(project: Path) -> None:
    text = (project / "known.json").read_text()
    content = json.loads(text)
    assert content["version"] == 1
    entry = content["findings"][0]
    assert list(entry) == ["path", "code", "name", "model", "text", "fingerprint"]
    assert entry["path"] == "net.py"
    assert entry["text"] == "return criterion(model(x), y)"
    lines = [line.strip().rstrip(",") for line in text.splitlines() if "fingerprint" in line]
    assert [json.loads(line) for line in lines] == content["findings"]
    baseline = read_baseline(project / "known.json")
    baseline.write((*reversed(baseline.entries), *baseline.entries))
    assert (project / "known.json").read_text() == text


def test_names_of_files_that_are_no_text(tmp_path: Path) -> None:
    try:
        (tmp_path / os.fsdecode(b"n\xfct.py")).write_text(NET)
    except OSError:
        pytest.skip("the file system wants names to be text")
    know(tmp_path)
    assert len(check(tmp_path).known) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "does not exist"),
        ("", "known.json:1:1: is not a baseline"),
        ('{"version": 1, "findings": [\n<<<<<<< HEAD\n', "known.json:2:1: is not a baseline"),
        ("[" * 100_000, "is not a baseline"),
        ("[]", "it has no list of findings"),
        ('{"version": 2, "findings": []}', "another version"),
        ('{"version": 1, "findings": [{"path": "x.py"}]}', "finding 1 must have path, code"),
        (b"\xff\xfe", "is not JSON"),
    ],
)
def test_a_broken_baseline_is_one_line(project: Path, content: str | bytes | None, said: str) -> None:
    file = project / "known.json"
    file.unlink() if content is None else file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigurationError) as caught:
        check(project)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(file) in str(caught.value)


def test_what_is_known_is_not_fixed(project: Path) -> None:
    (project / "new.py").write_text(NET)
    outcome = apply_fixes([project], settings(project), unsafe=True)
    assert [Path(name).name for name in outcome.files] == ["new.py"]
    assert told(outcome.report) == []
    assert (project / "net.py").read_text() == NET


def test_flake8_knows_it_too(project: Path) -> None:
    (project / "new.py").write_text(NET)
    command = [sys.executable, "-m", "flake8", "--select", "HL", "."]
    outcome = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=120, check=False)
    assert [line.split(": ")[0] for line in outcome.stdout.splitlines()] == ["./new.py:8:12"]
    (project / "known.json").unlink()
    outcome = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=120, check=False)
    assert len(outcome.stdout.splitlines()) == 3
    assert all(": HL999 " in line and "does not exist" in line for line in outcome.stdout.splitlines())


def test_a_text_that_is_handed_over_is_known_by_its_name(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    for name in ("net.py", "./net.py", str(project / "net.py")):
        report = headlint.check_source(f"# moved\n{NET}", name, settings(project))
        assert (len(report), len(report.known)) == (0, 1)
    assert [finding.code for finding in headlint.check_source(NET, "./copy.py", settings(project))] == ["HL101"]


def test_a_comment_comes_before_the_baseline(project: Path) -> None:
    (project / "net.py").write_text(NET.replace("y)\n", "y)  # headlint: ignore\n"))
    report = check(project)
    assert [finding.place.path for finding in report.known] == [str(project / "package" / "other.py")]
    assert [entry.path for entry in report.stale] == ["net.py"]


def test_equal_findings_have_fingerprints_of_their_own(project: Path) -> None:
    twice = NET.replace(
        "    return criterion(model(x), y)\n", "    print(criterion(model(x), y), criterion(model(x), y))\n" * 2
    )
    (project / "net.py").write_text(twice)
    know(project)
    entries = read_baseline(project / "known.json").entries
    found: list[Finding] = list(headlint.check_paths([project], replace(settings(project), baseline="")))
    assert len({entry.fingerprint for entry in entries}) == len(found) == 5
