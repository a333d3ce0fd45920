"""What PyTorch says on meta, in the words of the CPU. No framework."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

import headlint.runtime.worker

FILE = Path(headlint.runtime.worker.__file__).parent / "torch" / "meta_messages.py"
SPEC = importlib.util.spec_from_file_location("meta_messages", FILE)
assert SPEC is not None
assert SPEC.loader is not None
MODULE = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(MODULE)


@pytest.mark.parametrize(
    ("on_meta", "on_cpu"),
    [
        (
            "a and b must have same reduction dim, but got [20, 7] X [10, 3].",
            "mat1 and mat2 shapes cannot be multiplied (20x7 and 10x3).",
        ),
        (
            "Attempting to broadcast a dimension of length 6 at -1! Mismatching argument at index 1 had torch.Size([5, 6]); "
            "but expected shape should be broadcastable to [5, 7]",
            "The size of tensor a (7) must match the size of tensor b (6) at non-singleton dimension 1",
        ),
        (
            "Sizes of tensors must match except in dimension 1. Expected 5 in dimension 0 but got 4 for tensor number 1 in the list",
            "Sizes of tensors must match except in dimension 1. Expected size 5 but got size 4 for tensor number 1 in the list",
        ),
        (
            "Number of dimensions of tensors must match.  Expected 2-D tensors, but got 3-D for tensor number 1 in the list",
            "Tensors must have same number of dimensions: got 2 and 3 for tensor number 1 in the list",
        ),
        ("shape '[-1, 9]' is invalid for input of size 35", "shape '[-1, 9]' is invalid for input of size 35"),
    ],
)
def test_a_message_of_meta_has_the_words_of_the_cpu(on_meta: str, on_cpu: str) -> None:
    assert MODULE.in_usual_words(on_meta) == on_cpu
