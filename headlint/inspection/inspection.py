"""The entry: ``headlint.inspect``."""

from __future__ import annotations

import sys
from typing import Any

from headlint.inspection.report import InspectionReport
from headlint.inspection.verdicts import verdicts


def inspect(
    model: Any,
    batch: Any,
    loss: Any = None,
    optimizer: Any = None,
    *,
    steps: int = 0,
) -> InspectionReport:
    """Measure a model in memory on one batch; afterwards everything is as before.

    Args:
        model: a torch module (a Lightning module too) or a Keras model.
        batch: tensors, ``(inputs, labels)``, a dict, a ``DataLoader`` or a ``tf.data.Dataset`` (its first batch).
        loss: what takes the model's output and the labels. Leave it out for a model that returns its own loss, a
            Lightning module, and a compiled Keras model.
        optimizer: the optimizer, to see whether it holds every parameter that is to be trained.
        steps: how many steps to fit this one batch, as it is and after the fix; 0 for none.

    Raises:
        TypeError: the model is neither of torch nor of Keras.
    """
    torch, keras = sys.modules.get("torch"), sys.modules.get("keras")
    if keras is not None and isinstance(model, getattr(keras, "Model", ())):
        from headlint.inspection.keras_inspection import measure
    elif torch is not None and isinstance(model, torch.nn.Module):
        from headlint.inspection.torch_inspection import measure
    else:
        raise TypeError(f"inspect takes a torch module or a Keras model, not {type(model).__name__}")
    facts = measure(model, batch, loss, optimizer, steps)
    return InspectionReport(verdicts(facts), facts)
