"""Layers and attributes of Keras 1 and 2 that Keras 3 no longer has."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partialmethod
from typing import Any

import keras
from keras import ops

from ..program.standins import stand_in

GONE = frozenset(
    {"KerasClassifier", "KerasRegressor", "Tokenizer", "text_to_word_sequence", "one_hot", "hashing_trick"}
)
"""What wraps models or reads texts: it is no part of a model."""


def is_gone(name: str) -> bool:
    """Whether Keras had a name that no model needs."""
    return name in GONE


def gone(name: str) -> Any:
    """What stands for it."""
    return stand_in(name, f"Keras has no {name} any more")


class MaxoutDense(keras.layers.Layer):
    """The largest of several dense layers, value by value."""

    def __init__(self, output_dim: int, nb_feature: int = 4, **keywords: Any) -> None:
        super().__init__(
            **{key: value for key, value in keywords.items() if key in ("name", "input_shape", "input_dim")}
        )
        self.output_dim, self.nb_feature = output_dim, nb_feature
        self.inner = keras.layers.Dense(output_dim * nb_feature)

    def call(self, inputs: Any) -> Any:
        """The largest values."""
        return ops.max(ops.reshape(self.inner(inputs), (-1, self.nb_feature, self.output_dim)), axis=1)


class Highway(keras.layers.Layer):
    """A dense layer and its input, mixed by a gate."""

    def __init__(self, activation: Any = None, **keywords: Any) -> None:
        super().__init__(
            **{key: value for key, value in keywords.items() if key in ("name", "input_shape", "input_dim")}
        )
        self.activation = activation

    def build(self, input_shape: Any) -> None:
        """Makes the two layers, as wide as the input."""
        self.carried = keras.layers.Dense(input_shape[-1], activation=self.activation)
        self.gate = keras.layers.Dense(input_shape[-1], activation="sigmoid")

    def call(self, inputs: Any) -> Any:
        """The mixture."""
        share = self.gate(inputs)
        return share * self.carried(inputs) + (1 - share) * inputs


def by_sizes(layer: type, rank: int) -> Callable[..., Any]:
    """``Convolution2D(nb_filter, nb_row, nb_col)`` and its like; with a tuple the constructor of Keras 2."""

    def make(filters: Any = None, *sizes: Any, **keywords: Any) -> Any:
        numbers = [size for size in sizes[:rank] if isinstance(size, int)]
        kernel = {"kernel_size": tuple(numbers)} if len(numbers) == rank else {}
        rest = sizes[rank:] if kernel else sizes
        given = () if filters is None else (filters,)
        return layer(*given, *rest, **{**kernel, **keywords})

    return make


LAYERS = {
    "Convolution2D": by_sizes(keras.layers.Conv2D, 2),
    "Convolution3D": by_sizes(keras.layers.Conv3D, 3),
    "Deconvolution2D": by_sizes(keras.layers.Conv2DTranspose, 2),
    "Deconvolution3D": by_sizes(keras.layers.Conv3DTranspose, 3),
    "AtrousConvolution2D": by_sizes(keras.layers.Conv2D, 2),
    "SeparableConvolution2D": by_sizes(keras.layers.SeparableConv2D, 2),
    "LocallyConnected1D": keras.layers.Conv1D,
    "LocallyConnected2D": keras.layers.Conv2D,
    "SyncBatchNormalization": keras.layers.BatchNormalization,
    "MaxoutDense": MaxoutDense,
    "Highway": Highway,
}


class ShapeOf:
    """``layer.output_shape``: the shape of its symbolic output. A layer may have an attribute of that name of its own."""

    def __init__(self, side: str) -> None:
        self.side = side

    def __get__(self, layer: Any, owner: type) -> Any:
        if layer is None:
            return self
        try:
            found = getattr(layer, self.side)
        except (AttributeError, ValueError):
            raise AttributeError(f"{self.side}_shape") from None
        shapes = keras.tree.map_structure(lambda one: tuple(one.shape), found)
        return shapes


class OldShape(tuple[Any, ...]):
    """``tensor.get_shape()`` of TensorFlow 1."""

    def as_list(self) -> list[Any]:
        """The sizes."""
        return list(self)


def accept_old_attributes() -> None:
    """Lets layers and symbolic tensors tell their shapes, and layers take lists of weights, which they keep themselves
    now."""
    tensorflow = sys.modules.get("tensorflow")
    for kind in (keras.KerasTensor, *([tensorflow.Tensor] if tensorflow is not None else [])):
        for name in ("_keras_shape", "_shape_val"):
            setattr(kind, name, property(lambda self: tuple(self.shape)))
    keras.KerasTensor.get_shape = lambda self: OldShape(self.shape)
    let_be_compared_with_none(keras.KerasTensor)
    layer: Any = keras.layers.Layer
    for side in ("output", "input"):
        if not hasattr(layer, f"{side}_shape"):
            setattr(layer, f"{side}_shape", ShapeOf(side))
        if not hasattr(layer, f"get_{side}_shape_at"):
            setattr(layer, f"get_{side}_shape_at", partialmethod(shape_at, side))
    if not hasattr(layer, "submodules"):
        layer.submodules = property(lambda self: tuple(self._flatten_layers(include_self=False)))
    for name in ("trainable_weights", "non_trainable_weights", "losses"):
        current = vars(layer).get(name)
        if isinstance(current, property) and current.fset is None:
            setattr(layer, name, current.setter(lambda self, value: None))


def shape_at(layer: Any, side: str, call: int) -> Any:
    """What Keras 2 said of the shape in one of a layer's calls, of which most layers have one."""
    return getattr(layer, f"{side}_shape")


def let_be_compared_with_none(kind: Any) -> None:
    """Lets a program ask ``if x != None`` of a symbolic tensor, which is an operation in Keras 3."""
    equal, unequal = kind.__eq__, kind.__ne__
    kind.__eq__ = lambda self, other: False if other is None else equal(self, other)
    kind.__ne__ = lambda self, other: True if other is None else unequal(self, other)


def with_layer_shape(layer: Any, keywords: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a layer of Keras 1 without those that have no counterpart, and with the shape of a sequence."""
    kept = {key: value for key, value in keywords.items() if key != "weights"}
    if isinstance(layer, keras.layers.RNN) or type(layer).__name__ in ("Conv1D", "Convolution1D"):
        if "input_dim" in kept:
            kept["input_shape"] = (kept.pop("input_length", None), kept.pop("input_dim"))
    if isinstance(layer, keras.layers.Embedding):
        kept.pop("dropout", None)
    if isinstance(layer, (keras.layers.Conv2DTranspose, keras.layers.Conv3DTranspose)):
        kept.pop("output_shape", None)
    return kept
