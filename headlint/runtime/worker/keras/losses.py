"""The loss of a Keras program as it is written and as it would be when fixed, on targets drawn to fit."""

from __future__ import annotations

import ast
import inspect
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy
from keras import ops

from ..reasons import describe
from ..request import LossWanted
from .gradients import Tape
from .outputs import Output, class_axis, head_gradient, numbers
from .watch import Trace

CROSS_ENTROPIES = ("cross_entropy", "sparse_cross_entropy")
SQUASHING = frozenset(
    {
        "relu",
        "relu6",
        "tanh",
        "leaky_relu",
        "elu",
        "selu",
        "celu",
        "gelu",
        "silu",
        "softplus",
        "hardsigmoid",
        "hardtanh",
    }
)
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


class NoLoss(Exception):
    """The loss cannot be called."""


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
    text = wanted.written
    scope = {**vars(keras.losses), "keras": keras, "losses": keras.losses, "tf": sys.modules.get("tensorflow")}
    try:
        code = compile(ast.parse(text, mode="eval"), "--loss", "eval")
        names = {name: namespace[name] for name in code.co_names if name in namespace or defines(namespace, name)}
        value = eval(code, {**scope, **names})
        value = keras.losses.get(value) if isinstance(value, str) else value
        value = value() if isinstance(value, type) else value
    except Exception as error:  # whatever the user's expression raises
        raise NoLoss(describe(error)) from error
    if not callable(value):
        raise NoLoss(f"{text} is no function")
    return Loss(text, wanted.family, wanted.expects, value, plain=not getattr(value, "label_smoothing", 0))


def defines(namespace: dict[str, Any], name: str) -> bool:
    """Whether the program binds a name."""
    return bool(getattr(namespace, "defines", lambda _: False)(name))


def raw(output: Output) -> Any:
    """What entered the last activation, in the shape of the output."""
    seen = output.activation
    if seen is None or len(seen.entering) != 1:
        return None
    entering = seen.entering[0]
    if math.prod(entering.shape) != math.prod(output.shape):
        return None
    return entering if tuple(entering.shape) == output.shape else ops.reshape(entering, output.shape)


def score_or_output(output: Output) -> Any:
    """The raw scores where they are known, else the output itself."""
    scores = raw(output)
    return output.tensor if scores is None else scores


def as_given(output: Output) -> Any:
    """The output without what Keras notes on it."""
    return plain_copy(output.tensor)


def correction(loss: Loss, output: Output, classes: int) -> Correction | None:
    """What is to be given to which loss instead; None where nothing is wrong or nothing is known."""
    kind = output.activation.kind if output.activation is not None else ""
    scores = raw(output) is not None
    made_by = {"log_softmax": "log-softmax", "log_sigmoid": "log-sigmoid"}.get(kind, kind)
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
    """The value that the loss as written cannot go below; None where it can fall to zero or it is not known.

    The reasons are those of torch; they hold only for a loss that takes its values as scores.
    """
    if not loss.plain:
        return None
    if loss.family in CROSS_ENTROPIES and classes == 1:
        return 0.0
    if loss.expects != "logits" or kind not in ("softmax", "sigmoid", "hardsigmoid"):
        return None
    if loss.family in CROSS_ENTROPIES:
        return math.log(1 + (classes - 1) / math.e)
    if loss.family == "binary_cross_entropy":
        return ones * math.log(1 + 1 / math.e) + (1 - ones) * math.log(2)
    return None


def targets(loss: Loss, output: Output, seed: int = 0) -> Any:
    """Targets that fit a loss and an output, spread evenly over the classes so that chance makes none the same."""
    shape, axis = output.shape, class_axis(output)
    order = numpy.random.default_rng(seed)
    classes = shape[axis] if len(shape) > 1 else 1
    softmax = output.activation is not None and output.activation.kind == "softmax"
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
    written: list[dict[str, Any]] = field(default_factory=list)
    fixed: list[dict[str, Any]] = field(default_factory=list)
    ones: list[float] = field(default_factory=list)
    told: str = ""
    error: str = ""
    kind: str = ""
    classes: int = 0
    output: str = ""
    recovered: bool = False

    def add(self, output: Output, trace: Trace, tape: Tape, other: Callable[[], Any]) -> None:
        """Measures one draw."""
        self.kind = output.activation.kind if output.activation is not None else ""
        self.output = output.name
        self.classes = output.shape[class_axis(output)] if len(output.shape) > 1 else 1
        goal = targets(self.loss, output)
        self.ones.append(float((numbers(goal) == 1).mean()))
        try:
            self.written.append(self.row(self.loss, output.tensor, goal, output, trace, tape, other))
            self.recovered = self.recovered or self.takes_scores_back(output, goal)
        except Exception as error:  # what a loss raises about what it was given is a result
            self.error = describe(error)
        fix = correction(self.loss, output, self.classes)
        if fix is not None:
            self.add_fixed(fix, goal, output, trace, tape)

    def row(
        self, loss: Loss, value: Any, goal: Any, output: Output, trace: Trace, tape: Tape, other: Callable[[], Any]
    ) -> dict[str, Any]:
        """A loss as the protocol has it. It is constant where the other samples' outputs give the very same."""
        with tape.recording():
            scalar = ops.mean(loss.call(goal, value))
        constant = False
        if loss is self.loss:
            values = numbers(value).astype("float32")
            changed = numpy.roll(values, 1, 0) if values.ndim and len(values) > 1 else other()
            if changed is not None and tuple(changed.shape) == values.shape:
                again = numbers(ops.mean(loss.call(goal, ops.convert_to_tensor(changed))))
                kept = numbers(ops.mean(loss.call(goal, ops.convert_to_tensor(values))))
                constant = float(again) == float(kept)
        gradient = head_gradient(output, trace, tape, scalar)
        return {"value": float(numbers(scalar)), "gradient": gradient, "constant": constant}

    def takes_scores_back(self, output: Output, goal: Any) -> bool:
        """Whether Keras computes the loss from the scores and not from what it is given."""
        if not hasattr(output.tensor, "_keras_logits"):
            return False
        apart = float(numbers(ops.mean(self.loss.call(goal, plain_copy(output.tensor)))))
        return not math.isclose(apart, self.written[-1]["value"], rel_tol=1e-3, abs_tol=1e-5)

    def add_fixed(self, fix: Correction, goal: Any, output: Output, trace: Trace, tape: Tape) -> None:
        """Measures the loss as it would be when fixed, with the same targets or others of its own kind."""
        try:
            with tape.recording():
                prepared = fix.prepared(output)
            if fix.loss.family != self.loss.family:
                goal = targets(fix.loss, output)
            self.fixed.append(self.row(fix.loss, prepared, goal, output, trace, tape, lambda: None))
            self.told = fix.told
        except Exception as error:  # what a loss raises about what it was given
            self.error = self.error or describe(error)

    def reply(self) -> dict[str, Any]:
        """The part of the facts."""
        ones = sum(self.ones) / len(self.ones) if self.ones else 0.5
        return {
            "name": self.loss.name,
            "output": self.output,
            "written": self.written,
            "fixed": self.fixed or None,
            "fixed_as": self.told,
            "floor": None if self.recovered else floor(self.loss, self.kind, self.classes, ones),
            "error": self.error,
            "note": RECOVERED if self.recovered else "",
        }
