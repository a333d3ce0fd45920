"""Gradients of scalars, for the backend that Keras runs on."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import keras


class Tape(Protocol):
    """Remembers what is computed, so that gradients can be taken of it more than once."""

    def recording(self) -> AbstractContextManager[Any]:
        """What is computed while it lasts can be differentiated."""

    def gradients(self, scalar: Any, sources: Sequence[Any]) -> list[Any]:
        """The gradient with respect to each source; None where nothing connects them."""


class TensorflowTape:
    """TensorFlow's tape, kept for several gradients."""

    def __init__(self) -> None:
        import tensorflow

        self._tape = tensorflow.GradientTape(persistent=True)

    def recording(self) -> AbstractContextManager[Any]:
        """The tape itself: it may be entered again."""
        tape: AbstractContextManager[Any] = self._tape
        return tape

    def gradients(self, scalar: Any, sources: Sequence[Any]) -> list[Any]:
        """The gradient with respect to each source; None where nothing connects them."""
        try:
            found: list[Any] = self._tape.gradient(scalar, list(sources))
        except (ValueError, LookupError, TypeError):  # an operation of the program's that has no gradient
            return [None] * len(sources)
        return found


class TorchTape:
    """Torch remembers by itself."""

    def recording(self) -> AbstractContextManager[Any]:
        """Nothing to be done."""
        return nullcontext()

    def gradients(self, scalar: Any, sources: Sequence[Any]) -> list[Any]:
        """The gradient with respect to each source; None where nothing connects them."""
        import torch

        if not (isinstance(scalar, torch.Tensor) and scalar.requires_grad):
            return [None] * len(sources)
        wanted = [source for source in sources if isinstance(source, torch.Tensor) and source.requires_grad]
        found = iter(torch.autograd.grad(scalar, wanted, retain_graph=True, allow_unused=True) if wanted else ())
        return [
            next(found) if isinstance(source, torch.Tensor) and source.requires_grad else None for source in sources
        ]


def new_tape() -> Tape:
    """The tape of the backend that Keras runs on."""
    return TensorflowTape() if keras.backend.backend() == "tensorflow" else TorchTape()
