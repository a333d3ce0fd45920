"""The loss of a Keras program as it is written and as it would be when fixed, on targets drawn to fit."""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy
from keras import ops

from ..measuring.losses import (
    IN_WORDS,
    SQUASHING,
    UNIT_INTERVAL,
    LossRecord,
    NoLoss,
    binary_floor,
    cross_entropy_floor,
    loss_expression,
    raw_scores,
)
from ..measuring.outputs import Output, Pass
from ..reasons import describe
from ..request import LossWanted
from .outputs import class_axis, head_gradient, numbers

CROSS_ENTROPIES = ("cross_entropy", "sparse_cross_entropy")
CLASSES = {
    "cross_entropy": "CategoricalCrossentropy",
    "sparse_cross_entropy": "SparseCategoricalCrossentropy",
    "binary_cross_entropy": "BinaryCrossentropy",
    "regression": "MeanSquaredError",
}
"""The loss that a family is measured with where the program's own cannot be made here."""

RECOVERED = "Keras on TensorFlow uses the scores that entered the last function instead, which hides the mistake"
"""``_get_logits`` in keras/src/backend/tensorflow/nn.py: it reads ``_keras_logits`` off the output and ignores
``from_logits``."""


@dataclass(frozen=True)
class Loss:
    """A loss that can be called with targets and what the model gives. ``family`` and ``expects`` are those of the
    analysis; ``plain`` says that it has no weights, smoothing or other options."""

    name: str
    family: str
    expects: str
    call: Callable[[Any, Any], Any]
    plain: bool = True


@dataclass(frozen=True)
class Correction:
    """What to give which loss instead."""

    told: str
    loss: Loss
    prepared: Callable[[Output], Any]


def find_loss(wanted: LossWanted, namespace: dict[str, Any]) -> Loss:
    """The loss that the request names.

    Raises:
        NoLoss: nothing of that name can be made or called.
    """
    if wanted.written:
        return loss_written(wanted, namespace)
    name = wanted.name.rpartition(".")[2]
    if wanted.name.startswith("tensorflow.") or (wanted.family in CLASSES and not hasattr(keras.losses, name)):
        if wanted.family not in CLASSES:
            raise NoLoss(f"{wanted.name} is no loss of Keras")
        return replace(of_family(wanted.family, wanted.expects, own_scores=True), name=name)
    try:
        made = keras.losses.get(name) if not hasattr(keras.losses, name) else getattr(keras.losses, name)
        options = {"from_logits": wanted.from_logits} if wanted.from_logits is not None else {}
        call = made(**options) if isinstance(made, type) else with_options(made, options)
    except (ValueError, TypeError) as error:
        raise NoLoss(describe(error)) from error
    return Loss(name, wanted.family, wanted.expects, call)


def with_options(function: Callable[..., Any], options: dict[str, Any]) -> Callable[[Any, Any], Any]:
    """A loss function with those of the options that it takes."""
    taken = {key: value for key, value in options.items() if key in inspect.signature(function).parameters}
    return lambda true, given: function(true, given, **taken)


def of_family(family: str, expects: str, own_scores: bool = False) -> Loss:
    """The plain loss of a family. With ``own_scores`` it takes the values as they are, as ``tf.nn`` does."""
    name = CLASSES[family]
    cls = getattr(keras.losses, name)
    made = cls() if family == "regression" else cls(from_logits=expects == "logits")
    call = (lambda true, given: made(true, plain_copy(given))) if own_scores else made
    return Loss(name, family, expects, call)


def plain_copy(tensor: Any) -> Any:
    """The same values without what Keras notes on the tensor about its origin."""
    return ops.multiply(tensor, ops.ones((), dtype=tensor.dtype))


def loss_written(wanted: LossWanted, namespace: dict[str, Any]) -> Loss:
    """The loss that an expression gives, with the program's names and those of Keras.

    Raises:
        NoLoss: the expression raises, or gives nothing that can be called.
    """
    scope = {**vars(keras.losses), "keras": keras, "losses": keras.losses, "tf": sys.modules.get("tensorflow")}
    value = loss_expression(wanted.written, namespace, scope)
    try:
        call = keras.losses.get(value) if isinstance(value, str) else value
    except ValueError as error:
        raise NoLoss(describe(error)) from error
    plain = not getattr(call, "label_smoothing", 0)
    return Loss(wanted.written, wanted.family, wanted.expects, call, plain)


def raw(output: Output) -> Any:
    """What entered the last activation, in the shape of the output."""
    return raw_scores(output, ops.reshape)


def score_or_output(output: Output) -> Any:
    """The raw scores where they are known, else the output itself."""
    scores = raw(output)
    return output.tensor if scores is None else scores


def as_given(output: Output) -> Any:
    """The output without what Keras notes on it."""
    return plain_copy(output.tensor)


def correction(loss: Loss, output: Output, classes: int) -> Correction | None:
    """What is to be given to which loss instead; None where nothing is wrong or nothing is known."""
    kind = output.kind
    scores = raw(output) is not None
    made_by = IN_WORDS.get(kind, kind)
    squashed = kind in ("softmax", "sigmoid", "log_softmax", "log_sigmoid") or kind in SQUASHING
    binary = of_family("binary_cross_entropy", "logits")
    match loss.family, loss.expects:
        case (("cross_entropy" | "sparse_cross_entropy" as family), _) if classes == 1:
            return Correction("binary cross entropy on the single score", binary, score_or_output)
        case (("cross_entropy" | "sparse_cross_entropy" | "binary_cross_entropy" as family), "logits") if (
            squashed and scores and (family != "binary_cross_entropy" or kind != "softmax")
        ):
            return Correction(f"the raw scores, without {made_by}", of_family(family, "logits"), score_or_output)
        case (("cross_entropy" | "sparse_cross_entropy" as family), "probabilities") if kind != "softmax":
            told = f"a softmax in place of the {made_by}" if squashed else "from_logits=True"
            return Correction(told, of_family(family, "logits"), score_or_output if squashed else as_given)
        case "binary_cross_entropy", _ if kind == "softmax" and scores and classes > 1:
            return Correction("categorical cross entropy", of_family("cross_entropy", "logits"), score_or_output)
        case "binary_cross_entropy", _ if kind == "softmax" and scores:
            return Correction("a sigmoid in place of the softmax", binary, score_or_output)
        case "binary_cross_entropy", "probabilities" if kind != "sigmoid":
            return Correction("from_logits=True", binary, score_or_output)
        case "regression", _ if kind == "softmax" and scores and classes > 1:
            return Correction("cross entropy on the raw scores", of_family("cross_entropy", "logits"), score_or_output)
    return None


def floor(loss: Loss, kind: str, classes: int, ones: float) -> float | None:
    """The value that the loss as written cannot go below; None where it can fall to zero or it is not known."""
    if not loss.plain:
        return None
    if loss.family in CROSS_ENTROPIES and classes == 1:
        return 0.0
    if loss.expects != "logits" or kind not in UNIT_INTERVAL:
        return None
    if loss.family in CROSS_ENTROPIES:
        return cross_entropy_floor(kind, classes)
    return binary_floor(kind, ones) if loss.family == "binary_cross_entropy" else None


def chance(loss: Loss, classes: int) -> float | None:
    """The loss of a classifier that gives every class the same probability; None for other losses."""
    if not loss.plain:
        return None
    if loss.family in CROSS_ENTROPIES and classes > 1:
        return math.log(classes)
    return math.log(2) if loss.family == "binary_cross_entropy" else None


def targets(loss: Loss, output: Output, seed: int = 0) -> Any:
    """Targets that fit a loss and an output, spread evenly over the classes so that chance makes none the same."""
    shape, axis = output.shape, class_axis(output)
    order = numpy.random.default_rng(seed)
    classes = shape[axis] if len(shape) > 1 else 1
    softmax = output.kind == "softmax"
    if loss.family == "sparse_cross_entropy":
        rest = tuple(size for index, size in enumerate(shape) if index != axis) if len(shape) > 1 else shape
        found: Any = (order.permutation(math.prod(rest)) % max(classes, 2 if len(shape) < 2 else 1)).reshape(rest)
        return ops.convert_to_tensor(found.astype("int32"))
    one_hot = softmax or loss.family == "cross_entropy" or (loss.family == "regression" and softmax)
    if one_hot and classes > 1:
        found = numpy.moveaxis(
            numpy.eye(classes)[order.permutation(math.prod(shape) // classes) % classes].reshape(
                (*(size for index, size in enumerate(shape) if index != axis), classes)
            ),
            -1,
            axis,
        )
    elif loss.family in ("binary_cross_entropy", *CROSS_ENTROPIES):
        found = (order.permutation(math.prod(shape)) % 2).reshape(shape)
    else:
        found = order.standard_normal(shape)
    return ops.convert_to_tensor(found.astype("float32"))


@dataclass
class LossMeasurement:
    """The loss over the draws, as it is filled in."""

    loss: Loss
    record: LossRecord = field(default_factory=LossRecord)
    recovered: bool = False

    def add(self, output: Output, seen: Pass, index: int) -> None:
        """Measures one draw."""
        record = self.record
        record.kind, record.output = output.kind, output.name
        record.classes = output.shape[class_axis(output)] if len(output.shape) > 1 else 1
        record.chance = chance(self.loss, record.classes)
        goal = targets(self.loss, output)
        record.ones.append(float((numbers(goal) == 1).mean()))
        try:
            row = self.row(self.loss, output.tensor, goal, output, seen)
            record.written.append(row | {"constant": self.is_constant(output.tensor, goal, seen, index)})
            self.recovered = self.recovered or self.takes_scores_back(output, goal)
        except Exception as error:  # what a loss raises about what it was given is a result
            record.failed(error)
        fix = correction(self.loss, output, record.classes)
        if fix is not None:
            self.add_fixed(fix, goal, output, seen)

    def row(self, loss: Loss, value: Any, goal: Any, output: Output, seen: Pass) -> dict[str, Any]:
        """A loss as the protocol has it."""
        with seen.tape.recording():
            scalar = ops.mean(loss.call(goal, value))
        gradient = head_gradient(output, seen.trace, seen.tape, scalar)
        return {"value": float(numbers(scalar)), "gradient": gradient, "constant": False}

    def is_constant(self, value: Any, goal: Any, seen: Pass, index: int) -> bool:
        """Whether the other samples' outputs give the very same."""
        values = numbers(value).astype("float32")
        changed = numpy.roll(values, 1, 0) if values.ndim and len(values) > 1 else seen.other(index)
        if changed is None or tuple(changed.shape) != values.shape:
            return False
        again = numbers(ops.mean(self.loss.call(goal, ops.convert_to_tensor(changed))))
        kept = numbers(ops.mean(self.loss.call(goal, ops.convert_to_tensor(values))))
        return float(again) == float(kept)

    def takes_scores_back(self, output: Output, goal: Any) -> bool:
        """Whether Keras computes the loss from the scores and not from what it is given."""
        if not hasattr(output.tensor, "_keras_logits"):
            return False
        apart = float(numbers(ops.mean(self.loss.call(goal, plain_copy(output.tensor)))))
        return not math.isclose(apart, self.record.written[-1]["value"], rel_tol=1e-3, abs_tol=1e-5)

    def add_fixed(self, fix: Correction, goal: Any, output: Output, seen: Pass) -> None:
        """Measures the loss as it would be when fixed, with the same targets or others of its own kind."""
        try:
            with seen.tape.recording():
                prepared = fix.prepared(output)
            if fix.loss.family != self.loss.family:
                goal = targets(fix.loss, output)
            self.record.fixed.append(self.row(fix.loss, prepared, goal, output, seen))
            self.record.fixed_as = fix.told
        except Exception as error:  # what a loss raises about what it was given
            self.record.failed(error)

    def reply(self) -> dict[str, Any]:
        """The part of the facts."""
        record = self.record
        least = floor(self.loss, record.kind, record.classes, record.share_of_ones())
        note = RECOVERED if self.recovered else ""
        return record.reply(self.loss.name, None if self.recovered else least, note)
