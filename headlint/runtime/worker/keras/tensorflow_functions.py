"""TensorFlow's own functions on the symbolic tensors of a functional model, which Keras 2 took and Keras 3 refuses."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import keras
from keras.src.backend import compute_output_spec


class TensorflowFunction(keras.Operation):
    """A function of TensorFlow as a node of a functional model."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def call(self, *arguments: Any, **keywords: Any) -> Any:
        """The function on values."""
        return self.function(*arguments, **keywords)

    def compute_output_spec(self, *arguments: Any, **keywords: Any) -> Any:
        """The shapes and types that the function gives."""
        return compute_output_spec(self.function, *arguments, **keywords)


def accept_tensorflow_functions() -> None:
    """For the rest of the process: ``tf.concat([a, b], -1)`` and the like make nodes where they are given symbolic tensors."""
    if keras.backend.backend() != "tensorflow":
        return
    dispatch = sys.modules["tensorflow"].__internal__.dispatch

    class Dispatcher(dispatch.GlobalOpDispatcher):  # type: ignore[name-defined]
        """Takes over the calls that hold a symbolic tensor."""

        def handle(self, function: Callable[..., Any], arguments: Any, keywords: Any) -> Any:
            """The node's outputs."""
            if any(map(keras.backend.is_keras_tensor, keras.tree.flatten((arguments, keywords)))):
                return TensorflowFunction(function)(*arguments, **keywords)
            return self.NOT_SUPPORTED

    Dispatcher().register()
