"""Pictures of heads: what stands between the input and the loss, and whether the two fit."""

from __future__ import annotations

from pathlib import Path

from headlint.run.heads import find_heads
from headlint.settings import Settings

FIXTURES = Path(__file__).parents[1] / "fixtures"


def test_a_loss_that_depends_on_the_branch_is_judged_with_its_own_head() -> None:
    pictures, problems = find_heads(
        [FIXTURES / "shapes_keras" / "correlated_branches_bad.py"], Settings(root=FIXTURES, cache=False)
    )
    assert problems == ()
    fits = {loss.name: loss.fits for picture in pictures for loss in picture.losses}
    assert fits["binary_crossentropy"] is True
    assert fits["sparse_categorical_crossentropy"] is False


def test_the_way_holds_functions_as_well_as_layers() -> None:
    (picture,), _ = find_heads(
        [FIXTURES / "questions" / "q1_softmax_in_the_model_bad.py"], Settings(root=FIXTURES, cache=False)
    )
    assert [(part.role, part.name, part.units) for part in picture.way] == [
        ("layer", "Conv2d", 8),
        ("activation", "relu", None),
        ("layer", "Linear", 3),
        ("activation", "softmax", 3),
    ]
    applied = [part.applied.line for part in picture.way if part.applied is not None]
    assert applied == [14, 14, 15, 15]
    assert [loss.expects for loss in picture.losses] == ["raw scores (logits)"]
