"""A new framework is one folder and one registration: nothing else of headlint knows its name."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from headlint.frameworks import names, registry
from headlint.run.session import check_paths
from headlint.runtime.confirm import Wanted, Workers, confirm_path
from headlint.runtime.measurement import Measurement
from headlint.settings import Settings

HERE = Path(__file__).parent

MODEL = """
import tinynet as tn


class Net(tn.Module):
    def __init__(self):
        self.hidden = tn.Affine(8, 6)
        self.head = tn.Affine(6, 3)

    def forward(self, numbers):
        return {given}


"""
SCORES = "self.head(tn.rectified(self.hidden(numbers)))"
PROBABILITIES = f"tn.softmax({SCORES})"


TABLES = (
    *(registry.FRAMEWORKS, registry.LAYERS, registry.FUNCTION_LAYERS, registry.LOSSES, registry.OPERATIONS),
    *(registry.TRAINERS, registry.CONTAINERS, registry.NAMES, names.PACKAGES, names.WORDS),
)


@pytest.fixture
def tinynet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """tinynet is known while a test runs."""
    before = [table.copy() for table in TABLES]
    monkeypatch.syspath_prepend(str(HERE))
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    from tinynet.headlint_half.tables import FRAMEWORK

    registry.register(FRAMEWORK)
    yield
    for table, kept in zip(TABLES, before, strict=True):
        table.clear()
        table.update(kept)  # type: ignore[arg-type]


def found(tmp_path: Path, given: str, rest: str) -> list[str]:
    """The codes of what is found in a program."""
    file = tmp_path / "program.py"
    file.write_text(MODEL.format(given=given) + rest)
    report = check_paths([file], Settings(root=tmp_path, cache=False))
    assert not report.problems
    return [finding.code for finding in report.findings]


@pytest.mark.parametrize(
    "rest",
    [
        "loss = tn.CategoricalLoss()(Net()(numbers), 1)\n",
        "for one in tn.Trainer(Net(), tn.CategoricalLoss()).run(data):\n    print(one)\n",
        "loss = tn.CategoricalLoss()\nmodel = tn.double(Net())\nprint(loss(model(numbers), 2))\n",
    ],
)
@pytest.mark.usefixtures("tinynet")
def test_its_programs_are_followed(tmp_path: Path, rest: str) -> None:
    assert found(tmp_path, PROBABILITIES, rest) == ["HL101"]
    assert found(tmp_path, SCORES, rest) == []


@pytest.mark.usefixtures("tinynet")
def test_its_widths_are_compared(tmp_path: Path) -> None:
    assert found(tmp_path, "self.hidden(self.head(numbers))", "Net()(numbers)\n") == ["HL205"]


@pytest.mark.usefixtures("tinynet")
def test_its_models_are_built(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(MODEL.format(given=SCORES))
    with Workers(Wanted(python=Path(sys.executable))) as workers:
        (one,) = confirm_path(file, "Net", Settings(root=tmp_path), Wanted(python=Path(sys.executable)), workers)
    assert isinstance(one.outcome, Measurement), one
    assert dict(one.outcome.basis.versions)["tinynet"] == "1"
    assert one.outcome.parameters == 2


def test_without_it_nothing_is_known(tmp_path: Path) -> None:
    assert found(tmp_path, PROBABILITIES, "loss = tn.CategoricalLoss()(Net()(numbers), 1)\n") == []
