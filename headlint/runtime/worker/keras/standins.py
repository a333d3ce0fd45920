"""What keeps a Keras program from downloading, and data of the shape of the well-known sets in their place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy
from keras.src.applications import imagenet_utils
from keras.src.utils import file_utils

from ..program.standins import REPLACEMENTS, MissingData
from ..reasons import Unmeasurable, describe
from .legacy import namespaces

for name in ("obtain_input_shape", "_obtain_input_shape"):
    REPLACEMENTS["keras_applications", name] = imagenet_utils.obtain_input_shape

WEIGHTS_LEFT_OUT = "pretrained weights were not loaded"
SAMPLES = 512

IMAGES: dict[str, tuple[tuple[int, ...], int]] = {
    "mnist": ((28, 28), 10),
    "fashion_mnist": ((28, 28), 10),
    "cifar10": ((32, 32, 3), 10),
    "cifar100": ((32, 32, 3), 100),
}
"""The shape of a sample and the number of classes."""

TEXTS = {"imdb": 2, "reuters": 46}
FEATURES = {"boston_housing": 13, "california_housing": 8}
TEXT_LENGTH = 40
VOCABULARY = 5000


def cut_off_downloads(stubs: list[str]) -> None:
    """Replaces what reads weights and data from the network, and what reads weights from files that are not there."""

    def note(text: str) -> None:
        if text not in stubs:
            stubs.append(text)

    def no_file(*arguments: Any, **keywords: Any) -> str:
        note(WEIGHTS_LEFT_OUT)
        return "not-downloaded"

    load_weights = keras.Model.load_weights

    def load_weights_that_exist(self: Any, filepath: Any, *arguments: Any, **keywords: Any) -> None:
        if Path(str(filepath)).is_file():
            load_weights(self, filepath, *arguments, **keywords)
        else:
            note(WEIGHTS_LEFT_OUT)

    load_model = keras.models.load_model

    def load_model_that_exists(filepath: Any, *arguments: Any, **keywords: Any) -> Any:
        if not Path(str(filepath)).exists():
            raise Unmeasurable("data", f"the model itself is read from a file: {filepath}")
        return load_model(filepath, *arguments, **keywords)

    compile_model = keras.Model.compile

    def compile_if_possible(self: Any, *arguments: Any, **keywords: Any) -> None:
        try:
            compile_model(self, *arguments, **keywords)
        except Exception as error:  # whatever a missing optimizer or metric raises: the model is the same without
            note(f"compile was left out ({describe(error)})")

    def no_training(*arguments: Any, **keywords: Any) -> Any:
        note("training was left out")
        return SimpleNamespace(history=MissingData(), epoch=[])

    keras.Model.compile = compile_if_possible
    keras.Model.fit = keras.Model.fit_generator = no_training
    keras.Model.save = keras.Model.save_weights = lambda *arguments, **keywords: None
    file_utils.get_file = no_file
    keras.Model.load_weights = load_weights_that_exist
    for place, name, value in (
        ("utils", "get_file", no_file),
        ("utils", "plot_model", lambda *arguments, **keywords: None),
        ("models", "load_model", load_model_that_exists),
        ("saving", "load_model", load_model_that_exists),
    ):
        for module in namespaces(place):
            setattr(module, name, value)
    for name, (shape, classes) in IMAGES.items():
        replace_data(name, lambda shape=shape, classes=classes: images(shape, classes), note)  # type: ignore[misc]
    for name, classes in TEXTS.items():
        replace_data(name, lambda classes=classes: texts(classes), note)  # type: ignore[misc]
    for name, features in FEATURES.items():
        replace_data(name, lambda features=features: rows(features), note)  # type: ignore[misc]


def replace_data(name: str, make: Callable[[], Any], note: Callable[[str], None]) -> None:
    """Lets ``load_data`` of a data set give random data."""

    def load_data(*arguments: Any, **keywords: Any) -> Any:
        note(f"random data of its shape instead of {name}")
        return make(), make()

    for module in namespaces(f"datasets.{name}"):
        module.load_data = load_data  # type: ignore[attr-defined]


def images(shape: tuple[int, ...], classes: int) -> tuple[Any, Any]:
    """Images and labels, every class among them."""
    random = numpy.random.default_rng(0)
    pixels = random.integers(0, 256, (SAMPLES, *shape)).astype("uint8")
    labels: Any = (numpy.arange(SAMPLES) % classes).astype("uint8")
    return pixels, labels[:, None] if len(shape) == 3 else labels


def texts(classes: int) -> tuple[Any, Any]:
    """Lists of word numbers, and labels."""
    random = numpy.random.default_rng(0)
    sentences: Any = numpy.empty(SAMPLES, dtype=object)
    for index in range(SAMPLES):
        sentences[index] = random.integers(1, VOCABULARY, TEXT_LENGTH).tolist()
    return sentences, numpy.arange(SAMPLES) % classes


def rows(features: int) -> tuple[Any, Any]:
    """Rows of numbers, and a number for each."""
    random = numpy.random.default_rng(0)
    return random.standard_normal((SAMPLES, features)), random.standard_normal(SAMPLES)
