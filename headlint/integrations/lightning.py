"""``HeadlintCallback`` for Lightning: the model is inspected on the first batch of ``fit``."""

from __future__ import annotations

import sys
from typing import Any

from headlint.integrations.callbacks import checked, inspect_once

if "lightning" not in sys.modules and "pytorch_lightning" in sys.modules:
    from pytorch_lightning import Callback
else:
    from lightning.pytorch import Callback


class HeadlintCallback(Callback):  # type: ignore[misc]
    """Inspects the module on the first batch, then stays out of the way.

    Args:
        on_error: ``"warn"`` says what was found, ``"raise"`` stops the training with an ``InspectionError``.
    """

    def __init__(self, on_error: str = "warn") -> None:
        self._on_error = checked(on_error)
        self._done = False

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        """Called by the trainer."""
        if self._done:
            return
        self._done = True
        optimizers = trainer.optimizers
        inspect_once(pl_module, batch, optimizers[0] if len(optimizers) == 1 else None, self._on_error)
