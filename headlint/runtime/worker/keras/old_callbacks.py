"""What callbacks of older versions of Keras took."""

from __future__ import annotations

import functools
from typing import Any

import keras


def accept_old_callbacks() -> None:
    """Lets a checkpoint be called by any name: its file is never written."""
    original = keras.callbacks.ModelCheckpoint.__init__

    @functools.wraps(original)
    def __init__(self: Any, filepath: Any, *arguments: Any, **keywords: Any) -> None:
        weights = keywords.get("save_weights_only") or (len(arguments) > 3 and arguments[3])
        ending = ".weights.h5" if weights else ".keras"
        name = str(filepath)
        original(self, name if name.endswith(ending) else name + ending, *arguments, **without_period(keywords))

    keras.callbacks.ModelCheckpoint.__init__ = __init__


def without_period(keywords: dict[str, Any]) -> dict[str, Any]:
    """The arguments without the number of epochs between two checkpoints, which ``save_freq`` says now."""
    return {key: value for key, value in keywords.items() if key != "period"}
