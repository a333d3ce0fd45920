"""What is guessed for classes of models that many programs share: each guess is tried on a model of that class."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from headlint.runtime.worker.measuring.specs import Given, Inputs, TensorSpec
from headlint.runtime.worker.program.blocks import residual_block
from headlint.runtime.worker.program.guessing import HIDDEN, GuessedConfiguration, passing
from headlint.runtime.worker.program.loading import Program
from headlint.runtime.worker.program.owners import own
from headlint.runtime.worker.program.settings import groups_read
from headlint.runtime.worker.torch.examples import called_inputs
from headlint.runtime.worker.torch.inputs import first_inputs
from headlint.runtime.worker.torch.messages import repaired_message
from headlint.runtime.worker.torch.repairs import repairs, type_told
from headlint.runtime.worker.torch.search import Failure, attempt, search
from headlint.runtime.worker.torch.single_steps import single_steps
from headlint.runtime.worker.torch.sizes import halved_evenly
from headlint.runtime.worker.torch.standins import LightningModule

OPTIONS = """
width = config.MODEL.WIDTH + self.cfg["head"]["width"]
spec = config.MODEL.SPEC
depth = spec["DEPTH"]
kind = config.NAME.lower()
place = config.device.type
config.writer.flush()
"""


class StepDecoder(nn.Module):
    def __init__(self, width: int = 8, words: int = 12, max_length: int = 6) -> None:
        super().__init__()
        self.max_length = max_length
        self.words = nn.Embedding(words, width)
        self.weights = nn.Linear(2 * width, max_length)
        self.joined = nn.Linear(2 * width, width)
        self.gru = nn.GRU(width, width)
        self.out = nn.Linear(width, words)

    def forward(self, token: Any, hidden: Any, encoder_outputs: Any) -> Any:
        word = self.words(token).view(1, 1, -1)
        weights = functional.softmax(self.weights(torch.cat((word[0], hidden[0]), 1)), dim=1)
        seen = torch.bmm(weights.unsqueeze(0), encoder_outputs.unsqueeze(0))
        joined = self.joined(torch.cat((word[0], seen[0]), 1)).unsqueeze(0)
        answer, hidden = self.gru(joined.relu(), hidden)
        return self.out(answer[0]), hidden


class LineReader(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.lower = nn.MaxPool2d((4, 1))
        self.out = nn.Linear(8, 5)

    def forward(self, image: Any) -> Any:
        columns = self.lower(self.second(self.lower(self.first(image)))).squeeze(2)
        return self.out(columns.permute(0, 2, 1))


class Related(nn.Module):
    def __init__(self, before: int, width: int) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(before, width, 1), nn.Conv2d(width, 2 * width, 1)

    def forward(self, x: Any) -> Any:
        return self.second(self.first(x)) + x


class Pairs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 8)
        self.out = nn.Linear(4, 2)

    def forward(self, x: Any, y: Any) -> Any:
        both = self.first(torch.cat([x, y], -1))
        return self.out(both.view(both.size(0), both.size(1), 2, 4))


def found(model: nn.Module) -> Inputs:
    return search(lambda: model, [first_inputs(model, ())], repairs, "cpu", 30.0)


def test_settings_that_hold_others() -> None:
    assert set(groups_read(ast.parse(OPTIONS))) == {"MODEL", "SPEC", "head"}


def test_one_step_of_one_sample() -> None:
    model = StepDecoder()
    (inputs,) = single_steps(model, first_inputs(model, ()))
    assert attempt(model, inputs, "cpu") is None
    assert not list(single_steps(Pairs(), first_inputs(Pairs(), ())))


def test_an_image_as_low_as_its_last_axis_needs() -> None:
    image = found(LineReader())["image"]
    assert isinstance(image, TensorSpec)
    assert image.shape[2] in (16, 17)


def test_all_inputs_get_an_axis_together() -> None:
    assert all(len(spec.shape) == 3 for _, spec in found(Pairs()).tensors())


def test_widths_of_the_model_that_do_not_fit_are_no_fault_of_the_inputs() -> None:
    model = Related(4, 4)
    inputs = first_inputs(model, ())
    failure = attempt(model, inputs, "cpu")
    assert isinstance(failure, Failure)
    list(repairs(failure, inputs, model))
    assert failure.unmoved
    assert attempt(Related(8, 4), first_inputs(Related(8, 4), ()), "cpu") is None


def test_one_index_for_each_sample() -> None:
    indices = Inputs((("a", TensorSpec((5, 11), "int64", 9)), ("b", TensorSpec((5, 11), "int64", 9))))
    failure = Failure(RuntimeError("batch1 must be a 3D tensor"), None, [], 0)
    shapes = [[spec.shape for _, spec in one.tensors()] for one in repaired_message(failure, indices)]
    assert [(5,), (5,)] in shapes


def test_a_block_where_the_program_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    block = residual_block(3)
    assert block(4, 8, stride=2)(torch.randn(2, 4, 6, 6, 6)).shape == (2, 8, 3, 3, 3)


def test_private_methods_and_guessed_hyperparameters() -> None:
    class Owner:
        def __build(self) -> str:
            return "model"

    assert own(Owner(), "__build")() == "model"
    module, guessed = LightningModule(), GuessedConfiguration()
    module.hparams = guessed
    assert module.hparams["model.use_xyz"] is not None


def test_a_part_handed_in_says_how_wide_it_is() -> None:
    part = passing(torch)
    assert part(torch.ones(2)).tolist() == [1, 1]
    assert part.output_dim == part.in_channels == part.fc.in_features == part.feature_dim == HIDDEN
    assert part.config.hidden_size is not None
    assert not hasattr(part, "predict")
    assert not list(part.parameters())


class Levels(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 1), nn.Conv2d(6, 4, 1)

    def forward(self, levels: Any, scale: str = "small") -> Any:
        return self.first(levels[0]).mean() + self.second(levels[1]).mean()


def test_the_programs_own_calls_tell_the_inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    path = tmp_path / "levels.py"
    call = "net = Levels()\nnet([torch.rand(2, 3, 8, 8), torch.rand(2, 6, 4, 4)], scale='large')\n"
    path.write_text(f"import torch\n{call}", encoding="utf-8")
    first, second = called_inputs(Program(tmp_path, path).load(), frozenset({"Levels"}), Levels())
    assert first.texts() == ("levels: list(float32[5, 3, 8, 8], float32[5, 6, 4, 4])", "scale: 'large'")
    assert second.batch == 2
    assert attempt(Levels(), first, "cpu") is None


def repaired(text: str, inputs: Inputs) -> list[list[tuple[int, ...]]]:
    failure = Failure(RuntimeError(text), None, [], 0)
    return [[spec.shape for _, spec in one.tensors()] for one in repaired_message(failure, inputs)]


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("expected [B, T, D, G, G], got (5, 16)", 5),
        ("Expected an input of shape (batch, C, H, W) but it was torch.Size([5, 16])", 4),
        ("expected (N x C x L)", 3),
    ],
)
def test_axes_named_in_a_message_are_counted(text: str, shape: int) -> None:
    tried = repaired(text, Inputs((("x", TensorSpec((5, 16))),)))
    assert len(tried[0][0]) == shape


def test_offsets_are_one_more_than_the_samples() -> None:
    text = "The expanded size of the tensor (5) must match the existing size (4) at non-singleton dimension 0"
    assert [(5, 11), (6,)] in repaired(
        text, Inputs((("x", TensorSpec((5, 11))), ("offsets", TensorSpec((5,), "int64", 9))))
    )


def test_sides_that_were_rounded_are_made_even() -> None:
    text = "The size of tensor a (24) must match the size of tensor b (25) at non-singleton dimension 3"
    failure = Failure(RuntimeError(text), None, [], 0)
    tried = halved_evenly(failure, Inputs((("image", TensorSpec((5, 3, 181, 181))), ("t", TensorSpec((5,))))))
    assert [one.texts()[0] for one in tried] == ["image: float32[5, 3, 192, 192]"] * 2
    last = halved_evenly(failure, Inputs((("image", TensorSpec((5, 100, 100, 3))),)))
    assert [one.texts()[0] for one in last] == ["image: float32[5, 128, 128, 3]"] * 2
    far = Failure(RuntimeError(text.replace("25", "50")), None, [], 0)
    assert not list(halved_evenly(far, Inputs((("image", TensorSpec((5, 3, 181, 181))),))))


def test_types_that_a_message_or_an_annotation_asks_for() -> None:
    assert type_told("mask.dtype must be torch.bool, got torch.int64") == "bool"
    assert type_told("labels should be of dtype torch.long") == "int64"
    assert type_told("got torch.int64") is None

    class Marked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words = nn.Embedding(9, 4)

        def forward(self, x: torch.LongTensor, keep: torch.BoolTensor) -> Any:
            return self.words(x) * keep[..., None]

    inputs = first_inputs(Marked(), ())
    assert inputs.texts() == ("x: int64[5, 11] below 9", "keep: bool[5, 11]")
    assert attempt(Marked(), inputs, "cpu") is None


class Staged(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleDict({"0": nn.Linear(3, 2), "1": nn.Linear(3, 4)})

    def forward(self, x: Any, level: int) -> Any:
        return self.stages[str(level)](x)


def test_what_is_picked_by_a_number_has_a_first() -> None:
    assert dict(found(Staged()).specs)["level"] == Given(0)
