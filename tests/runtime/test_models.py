"""Programs of every kind are built without help and give what is written beside them; findings get their verdicts.

A program says in comments what must come out: ``# built Net: N, 4`` (N is the batch, L a length), ``# unknown Net:
reason``, ``# verdict HL101: confirmed`` for each finding that it has, and ``# finds HL804`` on each line where only
the built model shows something.
"""

from __future__ import annotations

import importlib.util
import re
from dataclasses import replace
from pathlib import Path

import pytest

from headlint.findings.finding import Problem
from headlint.run.heads import find_heads
from headlint.run.session import check_paths
from headlint.runtime.confirm import Confirmation, Workers, confirm_file, confirm_path
from headlint.runtime.discoveries import discoveries
from headlint.runtime.measurement import Failure, Measurement
from headlint.runtime.options import Wanted
from headlint.settings import Settings

FINDS = re.compile(r"# finds (HL\d{3})")
PROGRAMS = Path(__file__).parent.parent.parent / "fixtures" / "runtime"
COMMENT = re.compile(r"# (built|unknown|verdict) (\w+): ([\w, -]+?)(?=\\n|\n|\"|$)")


def programs(framework: str) -> list[Path]:
    files = [*(PROGRAMS / framework).rglob("*.py"), *(PROGRAMS / framework).rglob("*.ipynb")]
    texts = {file: file.read_text(encoding="utf-8") for file in files}
    return sorted(file for file, text in texts.items() if COMMENT.search(text) or FINDS.search(text))


def expected(program: Path, kind: str) -> dict[str, str]:
    found = COMMENT.findall(program.read_text(encoding="utf-8"))
    return {name: value for word, name, value in found if word == kind}


class Looked:
    """A program, what is found in it without running anything, and what its built models show: each is built once."""

    def __init__(self, program: Path, workers: Workers) -> None:
        self.program, self.workers = program, workers
        settings = Settings(root=PROGRAMS)
        self.findings = check_paths([program], settings).findings
        self.heads, _ = find_heads([program], settings)
        self.all = self.confirmed("")

    def confirmed(self, name: str) -> list[Confirmation]:
        """What comes of one model, or of all."""
        found = confirm_file(self.program, name, self.findings, self.heads, Wanted(), self.workers, self.program.parent)
        told = list(found)
        assert all(isinstance(one, Confirmation) for one in told), told
        return [one for one in told if isinstance(one, Confirmation)]

    def of(self, name: str) -> list[Confirmation]:
        """What came of one model, which is built for it where the file does not name it as one of its models."""
        return [one for one in self.all if one.target.name == name] or self.confirmed(name)


def check(program: Path, workers: Workers) -> None:
    looked = Looked(program, workers)
    for name, shape in expected(program, "built").items():
        found = looked.of(name)
        assert found
        for one in found:
            assert isinstance(one.outcome, Measurement), f"{name}: {one.outcome}"
            assert fits(one.outcome.outputs[0].shape, shape), one.outcome.outputs[0].shape
            wrong = [finding.message for finding in discoveries(replace(one.target, named=True), one.outcome)]
            assert not wrong
    for name, reason in expected(program, "unknown").items():
        (one,) = looked.of(name)
        assert isinstance(one.outcome, Failure)
        assert one.outcome.reason == reason, one.outcome
    lines = program.read_text(encoding="utf-8").splitlines()
    finds = [(number, one[1]) for number, line in enumerate(lines, 1) for one in FINDS.finditer(line)]
    assert [(found.place.line, found.code) for one in looked.all for found in one.found] == finds
    verdicts = {
        finding.code: verdict
        for one in looked.all
        for finding, verdict in one.verdicts
        if finding.severity.value != "advice" or finding.code in expected(program, "verdict")
    }
    outcomes = {code: verdict.outcome.value for code, verdict in verdicts.items()}
    assert outcomes == expected(program, "verdict"), verdicts


def fits(shape: tuple[int, ...], wanted: str) -> bool:
    sizes = wanted.split(", ")
    return len(sizes) == len(shape) and all(
        size in ("N", "L") or int(size) == found for size, found in zip(sizes, shape, strict=True)
    )


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
@pytest.mark.parametrize("program", programs("torch"), ids=lambda program: program.stem)
def test_torch(program: Path, workers: Workers) -> None:
    check(program, workers)


@pytest.mark.skipif(importlib.util.find_spec("keras") is None, reason="keras is not installed")
@pytest.mark.parametrize("program", programs("keras"), ids=lambda program: program.stem)
def test_keras(program: Path, workers: Workers) -> None:
    check(program, workers)


def test_there_are_programs_of_every_kind() -> None:
    built = [
        name
        for framework in ("torch", "keras")
        for program in programs(framework)
        for name in expected(program, "built")
    ]
    assert len(built) >= 40


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
def test_a_file_that_does_not_parse_is_told_once(tmp_path: Path, workers: Workers) -> None:
    program = tmp_path / "old.py"
    program.write_text("import torch\nfrom torch import nn\nprint 'for Python 2'\n", encoding="utf-8")
    (from_worker,) = confirm_file(program, "", (), (), Wanted(), workers, tmp_path)
    assert isinstance(from_worker, Problem)
    assert "parentheses in call to 'print'" in from_worker.message
    (from_analysis,) = confirm_path(program, "", Settings(root=tmp_path), Wanted(), workers)
    assert isinstance(from_analysis, Problem)
    assert from_analysis.line == 3
