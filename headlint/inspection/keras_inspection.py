"""Measuring a Keras model, its loss and its optimizer, in place."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy
from keras import ops

from headlint.findings.finding import Place
from headlint.frameworks.registry import LOSSES
from headlint.inspection.batches import first_batch
from headlint.inspection.facts import Facts, Labels, LossTaken, Values
from headlint.inspection.keras_state import preserved
from headlint.inspection.places import running_place
from headlint.runtime.worker.keras.effects import ignored, leaves
from headlint.runtime.worker.keras.evaluation import mixed, unrepeatable, with_other_sample
from headlint.runtime.worker.keras.gradients import Tape, new_tape
from headlint.runtime.worker.keras.learning import without_gradient
from headlint.runtime.worker.keras.losses import Loss, correction
from headlint.runtime.worker.keras.outputs import class_axis, log_sum_of_exponentials, numbers, outputs_of
from headlint.runtime.worker.keras.watch import Trace, seeing, watch_backend
from headlint.runtime.worker.measuring.outputs import MOST_OUTPUTS, Output, largest
from headlint.runtime.worker.measuring.suspects import Suspect, Suspects

LEARNING_RATE = 1e-3
"""Of Adam, for fitting one batch: large models are not thrown off by it."""

SLOW = 2.0
"""Seconds of a pass above which it is not repeated for what only several passes show."""

_TOLERANCE = 1e-3


def measure(model: Any, given: Any, loss: Any, optimizer: Any, steps: int) -> Facts:
    """Everything about the model; afterwards it is as before.

    Raises whatever the model itself raises on the batch.
    """
    place = running_place()
    restore = watch_backend()
    optimizer = optimizer if optimizer is not None else getattr(model, "optimizer", None)
    try:
        with preserved(model, optimizer):
            return _Inspection(model, given, loss, optimizer, steps, place).facts()
    finally:
        restore()


class _Inspection:
    """One inspection, within which the model may be changed."""

    def __init__(self, model: Any, given: Any, loss: Any, optimizer: Any, steps: int, place: Place) -> None:
        self._begun = time.perf_counter()
        self._model, self._optimizer, self._steps, self._place = model, optimizer, steps, place
        loss = loss if loss is not None else getattr(model, "loss", None)
        self._inputs, self._labels = _split(first_batch(given), loss is not None)
        self._losses = _losses(loss, getattr(model, "output_names", None) or [])

    def facts(self) -> Facts:
        """Everything about the model."""
        model = self._model
        begun = time.perf_counter()
        outputs, trace, tape, scalar, error = self._run()
        a_pass = time.perf_counter() - begun
        variables = model.trainable_variables
        missing: tuple[str, ...] = ()
        differentiable, zero = False, False
        if scalar is not None:
            gradients = tape.gradients(scalar, [one.value for one in variables])
            known = [numbers(one) for one in gradients if one is not None]
            missing = tuple(one.path for one, found in zip(variables, gradients, strict=True) if found is None)
            differentiable = bool(known)
            zero = bool(known) and float(numbers(scalar)) != 0 and all(largest(one) == 0 for one in known)
        written, fixed = self._fitted() if self._steps and differentiable else ((), ())
        return Facts(
            framework="keras",
            model=type(model).__name__ if type(model).__module__.split(".")[0] != "keras" else model.name,
            place=self._place,
            outputs=tuple(values_of(one, trace) for one in outputs),
            losses=tuple(self._taken(outputs, trace)),
            loss=float(numbers(scalar)) if scalar is not None else None,
            loss_differentiable=differentiable,
            error=error,
            zero_gradient=zero,
            without_gradient=missing,
            suspects=self._suspects(a_pass) if differentiable else Suspects(),
            not_in_optimizer=self._not_in_optimizer(variables),
            trainable=len(variables),
            written=written,
            fixed=fixed,
            seconds=time.perf_counter() - self._begun,
        )

    def _suspects(self, seconds: float) -> Suspects:
        """What the parts of the model do; of a model whose pass takes long only whether they get a gradient."""

        def run() -> tuple[Any, Tape, Trace, bool]:
            _, trace, tape, scalar, _ = self._run()
            return scalar, tape, trace, True

        silent = without_gradient(self._model, run)
        if seconds > SLOW:
            return Suspects(silent)
        batch = _samples(self._inputs)
        try:
            together = mixed(lambda changed: self._evaluated(0, batch if changed else 0), batch)
            return Suspects(silent, together, unrepeatable(self._evaluated), self._ignored())
        except Exception:  # a model may refuse the batch in evaluation mode
            return Suspects(silent)

    def _ignored(self) -> tuple[Suspect, ...]:
        """The inputs that have no effect."""

        def run(given: Any, train: bool) -> list[Output]:
            keras.utils.set_random_seed(0)
            with seeing(self._model, 0):
                return list(outputs_of(self._model(given, training=train)))

        parts = self._inputs.keys() if isinstance(self._inputs, Mapping) else range(len(list(leaves(self._inputs))))
        return ignored(self._model, [str(one) for one in parts], self._inputs, run)

    def _evaluated(self, seed: int, changed: int = 0) -> list[Output]:
        """What the model gives in evaluation mode, from the random numbers of a seed; with ``changed``, the size of the
        batch, for another sample among the others."""
        keras.utils.set_random_seed(seed)
        inputs = with_other_sample(self._inputs, changed) if changed else self._inputs
        with seeing(self._model, 0):
            return list(outputs_of(self._model(inputs, training=False)))

    def _run(self, fixing: bool = False) -> tuple[list[Output], Trace, Tape, Any, str]:
        """One pass in training mode: outputs, layers, tape, loss, and what the loss raised."""
        tape = new_tape()
        with tape.recording(), seeing(self._model, 0) as trace:
            outputs = list(outputs_of(self._model(self._inputs, training=True)))[:MOST_OUTPUTS]
        try:
            with tape.recording():
                values = [
                    self._value(loss, outputs[index], labels, fixing) for index, loss, labels in self._pairs(outputs)
                ]
                scalar = sum(values[1:], values[0]) if values else None
        except Exception as error:  # what a loss raises about what it was given is a result
            return outputs, trace, tape, None, f"{type(error).__name__}: {str(error).splitlines()[0]}"
        return outputs, trace, tape, scalar, ""

    def _value(self, loss: Loss, output: Output, labels: Any, fixing: bool) -> Any:
        better = correction(loss, output, output.shape[class_axis(output)] if len(output.shape) > 1 else 1)
        if fixing and better is not None and better.loss.family == loss.family:
            return ops.mean(better.loss.call(labels, better.prepared(output)))
        return ops.mean(loss.call(labels, output.tensor))

    def _pairs(self, outputs: list[Output]) -> list[tuple[int, Loss, Any]]:
        """Each loss with the output and the labels that belong to it."""
        if not self._losses or self._labels is None:
            return []
        labels = self._labels
        names = [one.name for one in outputs]
        pairs = []
        for index, (name, loss) in enumerate(self._losses):
            place = names.index(name) if name in names else index
            if isinstance(labels, Mapping):
                own = labels[name]
            else:
                own = labels[index] if len(self._losses) > 1 and isinstance(labels, (tuple, list)) else labels
            tensor = ops.convert_to_tensor(own)
            shape = outputs[place].shape
            if shape[-1:] == (1,) and len(tensor.shape) == len(shape) - 1:
                tensor = ops.expand_dims(tensor, -1)  # as fit does
            pairs.append((place, loss, tensor))
        return pairs

    def _taken(self, outputs: list[Output], trace: Trace) -> list[LossTaken]:
        return [
            LossTaken(
                loss.name, loss.family, loss.expects, values_of(outputs[index], trace), _labels_of(labels), self._place
            )
            for index, loss, labels in self._pairs(outputs)
            if loss.family
        ]

    def _not_in_optimizer(self, variables: list[Any]) -> tuple[str, ...]:
        if self._optimizer is None or not getattr(self._optimizer, "built", False):
            return ()
        held = {id(one) for one in self._optimizer._trainable_variables}
        return tuple(one.path for one in variables if id(one) not in held)

    def _fitted(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """The losses of fitting this batch, as written and after the fix."""
        outputs, *_ = self._run()
        wrong = any(
            correction(loss, outputs[index], outputs[index].shape[-1]) is not None
            for index, loss, _ in self._pairs(outputs)
            if loss.family
        )
        return self._fit(fixing=False), self._fit(fixing=True) if wrong else ()

    def _fit(self, fixing: bool) -> tuple[float, ...]:
        losses: list[float] = []
        with preserved(self._model):
            adam = keras.optimizers.Adam(LEARNING_RATE)
            for _ in range(self._steps + 1):
                _, _, tape, scalar, _ = self._run(fixing)
                losses.append(float(numbers(scalar)))
                variables = self._model.trainable_variables
                found = tape.gradients(scalar, [one.value for one in variables])
                pairs = [(one, variable) for one, variable in zip(found, variables, strict=True) if one is not None]
                adam.apply_gradients(pairs)
        return tuple(losses)


def _samples(inputs: Any) -> int:
    """How many samples the inputs have."""
    parts = list(inputs.values()) if isinstance(inputs, Mapping) else inputs
    first = parts[0] if isinstance(parts, (list, tuple)) and parts else parts
    shape = tuple(getattr(first, "shape", ()))
    return int(shape[0]) if shape else 0


def values_of(output: Output, trace: Trace) -> Values:
    """The facts about one output."""
    values = numbers(output.tensor)
    seen = output.activation
    axis = class_axis(output)
    several = values.ndim > 1 and values.size > 0
    minimum, maximum = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    last = trace.layers[-1] if trace.layers else None
    softmax = seen is not None and seen.kind in ("softmax", "log_softmax") and seen.axis is not None
    return Values(
        shape=output.shape,
        minimum=minimum,
        maximum=maximum,
        finite=bool(numpy.isfinite(values).all()),
        classes=output.shape[-1] if output.shape else 1,
        sums_to_one=bool(several and minimum >= 0 and largest(values.sum(axis=axis) - 1) < _TOLERANCE),
        log_probabilities=bool(several and largest(log_sum_of_exponentials(values, axis)) < _TOLERANCE),
        activation=seen.kind if seen is not None else "",
        axis=seen.axis if seen is not None else None,
        single=bool(softmax and seen and int(seen.entering[0].shape[seen.axis]) == 1),
        layer=last["name"] if last is not None and last["output"] == list(output.shape) else "",
    )


def _labels_of(labels: Any) -> Labels | None:
    values = numbers(labels)
    if not values.size:
        return None
    integer = bool((values == numpy.round(values)).all())
    return Labels(tuple(values.shape), integer, float(values.min()), float(values.max()))


def _split(whole: Any, with_labels: bool) -> tuple[Any, Any]:
    """The inputs and the labels of a batch."""
    if with_labels and isinstance(whole, (tuple, list)) and len(whole) > 1:
        return whole[0], whole[1]
    return (whole[0] if isinstance(whole, (tuple, list)) and len(whole) == 1 else whole), None


def _losses(given: Any, names: list[str]) -> list[tuple[str, Loss]]:
    """The loss of each output."""
    match given:
        case None:
            return []
        case Mapping():
            return [(name, _loss(one)) for name, one in given.items() if one is not None]
        case list() | tuple():
            return [(names[index] if index < len(names) else "", _loss(one)) for index, one in enumerate(given)]
    return [("", _loss(given))]


def _loss(given: Any) -> Loss:
    """A loss with what the rules know about it."""
    call: Callable[[Any, Any], Any] = keras.losses.get(given) if isinstance(given, str) else given
    call = call() if isinstance(call, type) else call
    name = getattr(call, "__name__", None) or type(call).__name__
    own = (getattr(call, "__module__", None) or type(call).__module__).split(".")[0] == "keras"
    kind = LOSSES.get(f"keras.losses.{name}") if own else None
    if kind is None:
        return Loss(name, "", "", call)
    scores = bool(getattr(call, "_fn_kwargs", {}).get("from_logits", False))
    expects = ("logits" if scores else "probabilities") if kind.expects == "from_logits" else kind.expects
    return Loss(name, kind.family, expects, call)
