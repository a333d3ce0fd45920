"""``HeadlintCallback`` for Keras: the model is inspected on the first batch of ``fit``."""

from __future__ import annotations

import random
import sys
from typing import Any

import keras
import numpy

from headlint.integrations.callbacks import checked, inspect_once


class HeadlintCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """Inspects the model on the first batch, then stays out of the way.

    A generator is not looked at: the batch that is taken from it would be missing in training.

    Args:
        on_error: ``"warn"`` says what was found, ``"raise"`` stops the training with an ``InspectionError``.
    """

    def __init__(self, on_error: str = "warn") -> None:
        super().__init__()
        self._on_error = checked(on_error)
        self._done = False

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Called by ``fit``."""
        if self._done:
            return
        self._done = True
        data = _first_batch()
        if data is not None:
            inspect_once(self.model, data, self.model.optimizer, self._on_error)


def _first_batch() -> Any:
    """The first batch of the running ``fit``, which gives its callbacks no data; None where it cannot be had."""
    frame = sys._getframe(1)
    while frame is not None and not (frame.f_code.co_name == "fit" and "epoch_iterator" in frame.f_locals):
        if frame.f_back is None:
            return None
        frame = frame.f_back
    adapter = frame.f_locals["epoch_iterator"].data_adapter
    match type(adapter).__name__:
        case "GeneratorDataAdapter":
            return None
        case "PyDatasetAdapter":
            return adapter.py_dataset[0]
    python, own = random.getstate(), numpy.random.get_state()
    try:
        return next(iter(adapter.get_numpy_iterator()), None)
    finally:
        random.setstate(python)
        numpy.random.set_state(own)
