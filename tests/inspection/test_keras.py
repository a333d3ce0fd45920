"""``headlint.inspect`` on Keras models."""

from __future__ import annotations

import random
import sys
from typing import Any

import numpy
import pytest

pytest.importorskip("tensorflow")
import keras

import headlint
from headlint.inspection.report import InspectionError
from headlint.runtime.worker.keras.calls import in_place_of_call, with_names
from headlint.runtime.worker.keras.search import of_other_batch, with_larger_sides
from headlint.runtime.worker.measuring.specs import Inputs, TensorSpec

layers = keras.layers
X = numpy.random.default_rng(0).standard_normal((16, 8)).astype("float32")
CLASSES = numpy.arange(16) % 3
ONE_HOT = numpy.eye(3)[CLASSES]


def net(units: int, activation: str | None = None, *before: Any) -> Any:
    return keras.Sequential([keras.Input((8,)), *before, layers.Dense(units, activation)])


SCORES = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

WRONG = [
    (net(3), "sparse_categorical_crossentropy", CLASSES, "HL106"),
    (net(3, "softmax"), SCORES, CLASSES, "HL101"),
    (net(3, "sigmoid"), "categorical_crossentropy", ONE_HOT, "HL108"),
    (net(3, "softmax"), "binary_crossentropy", ONE_HOT, "HL107"),
    (net(1), "binary_crossentropy", CLASSES[:, None] % 2, "HL105"),
    (net(1, "softmax"), "binary_crossentropy", CLASSES[:, None] % 2, "HL201"),
    (net(3, "softmax"), "categorical_crossentropy", CLASSES, "HL601"),
    (net(3, "softmax"), "sparse_categorical_crossentropy", ONE_HOT, "HL601"),
    (net(3, "softmax"), "mse", ONE_HOT, "HL111"),
]
RIGHT = [
    (net(3, "softmax", layers.Dropout(0.5), layers.BatchNormalization()), "sparse_categorical_crossentropy", CLASSES),
    (net(3, "softmax"), "categorical_crossentropy", ONE_HOT),
    (net(3), SCORES, CLASSES),
    (net(1, "sigmoid"), "binary_crossentropy", CLASSES % 2),
    (net(1), "mse", CLASSES.astype("float32")),
]


@pytest.mark.parametrize(("model", "loss", "labels", "code"), WRONG)
def test_wrong(model: Any, loss: Any, labels: Any, code: str) -> None:
    report = headlint.inspect(model, (X, labels), loss=loss)
    assert [finding.code for finding in report] == [code]
    assert not report.ok


@pytest.mark.parametrize(("model", "loss", "labels"), RIGHT)
def test_right(model: Any, loss: Any, labels: Any) -> None:
    report = headlint.inspect(model, (X, labels), loss=loss, steps=2)
    assert list(report) == []
    assert report.ok


def test_compiled_model_and_a_data_set_leave_no_trace() -> None:
    import tensorflow as tf

    model = net(3, "softmax", layers.Dropout(0.5), layers.BatchNormalization())
    model.compile("adam", SCORES)
    model.fit(X, CLASSES, verbose=0)

    def state() -> list[Any]:
        variables = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
        return [numpy.array(keras.ops.convert_to_numpy(one.value)) for one in variables]

    call, softmax = layers.Layer.__call__, tf.nn.softmax
    random.seed(1)
    numpy.random.seed(1)
    before = state()
    report = headlint.inspect(model, tf.data.Dataset.from_tensor_slices((X, CLASSES)).batch(8), steps=3)
    drawn = random.random(), numpy.random.rand()
    assert [finding.code for finding in report] == ["HL101"]
    assert all((one == other).all() for one, other in zip(before, state(), strict=True))
    random.seed(1)
    numpy.random.seed(1)
    assert drawn == (random.random(), numpy.random.rand())
    assert layers.Layer.__call__ is call
    assert tf.nn.softmax is softmax


def test_several_outputs() -> None:
    given = keras.Input((8,))
    model = keras.Model(
        given, {"kind": layers.Dense(3, name="kind")(given), "size": layers.Dense(1, name="size")(given)}
    )
    report = headlint.inspect(
        model,
        (X, {"kind": CLASSES, "size": CLASSES[:, None]}),
        loss={"kind": "sparse_categorical_crossentropy", "size": "mse"},
    )
    assert [finding.code for finding in report] == ["HL106"]


def fitted(model: Any, on_error: str) -> None:
    from headlint.integrations.keras import HeadlintCallback

    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(X, CLASSES, epochs=2, batch_size=4, verbose=0, callbacks=[HeadlintCallback(on_error=on_error)])


def test_callback_warns_once() -> None:
    with pytest.warns(UserWarning, match="HL106") as caught:
        fitted(net(3), "warn")
    assert len([one for one in caught if "HL106" in str(one.message)]) == 1


def test_callback_stops_the_training() -> None:
    with pytest.raises(InspectionError, match="HL106"):
        fitted(net(3), "raise")


def test_callback_is_silent_about_what_is_right(recwarn: Any) -> None:
    fitted(net(3, "softmax"), "raise")
    assert not [one for one in recwarn if "headlint" in str(one.message)]


def test_importing_headlint_imports_no_framework() -> None:
    import subprocess

    program = "import sys, headlint; print([name for name in ('torch', 'keras', 'numpy') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"


class Flagged(layers.Layer):
    def call(self, inputs: Any, training: bool = False) -> Any:
        return inputs * 2 if training else inputs


class Coder(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = layers.Dense(2)

    def sample(self, count: int = 3) -> int:
        return count

    def encode(self, x: Any) -> Any:
        return self.encoder(x)


def test_flags_by_place_and_models_without_a_call() -> None:
    called = with_names(layers.Layer.__call__)
    assert float(keras.ops.sum(called(Flagged(), X, True))) == pytest.approx(2 * float(X.sum()), rel=1e-4)
    assert in_place_of_call(Coder()) == "encode"
    assert not in_place_of_call(net(3))


def test_other_numbers_of_samples_and_larger_images() -> None:
    inputs = Inputs((("image", TensorSpec((5, 28, 28, 1))), ("noise", TensorSpec((5, 2)))))
    (wanted,) = of_other_batch("Incompatible shapes: [5,2] vs. [100,2] [Op:Mul]", inputs)
    assert [spec.shape for _, spec in wanted.tensors()] == [(100, 28, 28, 1), (100, 2)]
    assert not list(of_other_batch("Incompatible shapes: [5,2] vs. [5,3]", inputs))
    assert with_larger_sides(TensorSpec((5, 32, 32, 3))).shape == (5, 64, 64, 3)
    assert with_larger_sides(TensorSpec((5, 3, 32, 32))).shape == (5, 3, 64, 64)
