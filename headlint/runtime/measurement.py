"""What was measured on a built model: the worker's reply as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from headlint.runtime.worker.measuring.starts import OwnFunction, Slopes, Step
from headlint.runtime.worker.measuring.suspects import Suspect, Suspects
from headlint.runtime.worker.reasons import REASONS

GUARDS = ("memory", "processes", "files", "network", "signals")
"""What Linux can keep a model from, in the order of isolation.py: more memory or processes than it may have, writing
outside its private folder, the network, and signals to other processes. Time and output are limited everywhere."""

SUM_TOLERANCE = 1e-3
"""How far a sum of 32-bit probabilities may be from 1."""


@dataclass(frozen=True, slots=True)
class Summary:
    """One output over one batch, for one initialisation of the weights.

    ``row_sum_error`` is the largest distance of a sum over the class axis from 1, ``log_row_sum_error`` that of the
    logarithm of the summed exponentials from 0, ``batch_sum_error`` that of a sum over the batch from 1. ``gradient`` is
    the norm of the gradient where the last activation is entered, or at the head's weight where there is none.
    """

    minimum: float
    maximum: float
    finite: bool = True
    row_sum_error: float | None = None
    log_row_sum_error: float | None = None
    batch_sum_error: float | None = None
    constant: bool = False
    gradient: float | None = None
    zero_gradient: bool = False
    differentiable: bool = True

    @property
    def in_unit_interval(self) -> bool:
        """Whether every value lies in [0, 1]."""
        return self.finite and self.minimum >= -SUM_TOLERANCE and self.maximum <= 1 + SUM_TOLERANCE

    @property
    def rows_sum_to_one(self) -> bool:
        """Whether it could be what a softmax over the class axis gives."""
        return self.in_unit_interval and self.row_sum_error is not None and self.row_sum_error < SUM_TOLERANCE

    @property
    def batch_sums_to_one(self) -> bool:
        """Whether it could be what a softmax over the batch gives."""
        return self.in_unit_interval and self.batch_sum_error is not None and self.batch_sum_error < SUM_TOLERANCE

    @property
    def log_probabilities(self) -> bool:
        """Whether it could be what a log-softmax over the class axis gives."""
        error = self.log_row_sum_error
        return self.finite and error is not None and error < SUM_TOLERANCE and self.maximum <= SUM_TOLERANCE


@dataclass(frozen=True, slots=True)
class Output:
    """One tensor that the model gives; ``train`` and ``evaluation`` have a summary for each draw of the weights."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"
    train: tuple[Summary, ...] = ()
    evaluation: tuple[Summary, ...] = ()
    activation: str = ""
    axis: int | None = None


@dataclass(frozen=True, slots=True)
class LossValue:
    """A loss on one random batch and the norm of its gradient at the head."""

    value: float
    gradient: float | None = None
    constant: bool = False


@dataclass(frozen=True, slots=True)
class LossMeasured:
    """The loss as the program writes it and as it would be when fixed, on the same batches.

    ``floor`` is the value that the loss as written cannot go below, ``chance`` that of equal probabilities for all classes;
    ``note`` says what the framework does by itself.
    """

    name: str
    written: tuple[LossValue, ...] = ()
    fixed: tuple[LossValue, ...] = ()
    fixed_as: str = ""
    floor: float | None = None
    error: str = ""
    note: str = ""
    chance: float | None = None


@dataclass(frozen=True, slots=True)
class Training:
    """The loss after each step of fitting one small batch, as written and as fixed."""

    steps: int
    written: tuple[float, ...]
    fixed: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class LayerMeasured:
    """A layer in the order in which it was called."""

    name: str
    kind: str
    output: tuple[int, ...] | None
    parameters: int
    bias: bool | None = None


@dataclass(frozen=True, slots=True)
class OptimizerMeasured:
    """An optimizer that the program builds: the names of the model's parameters that it does not hold, of how many.

    ``whole`` says that it was given ``model.parameters()``, ``step`` what one step does.
    """

    line: int
    missing: tuple[str, ...]
    parameters: int
    whole: bool
    step: Step | None = None


@dataclass(frozen=True, slots=True)
class Basis:
    """What a measurement rests on."""

    name: str = ""
    init: str = ""
    origin: str = ""
    inputs: tuple[str, ...] = ()
    input_origin: str = ""
    draws: int = 0
    assumed: tuple[str, ...] = ()
    stubs: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    device: str = "cpu"
    versions: tuple[tuple[str, str], ...] = ()
    guards: tuple[str, ...] = ()

    @property
    def missing_guards(self) -> tuple[str, ...]:
        """What the system did not let the model's process deny itself."""
        return tuple(guard for guard in GUARDS if guard not in self.guards)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a model could not be measured; ``reason`` is one of the worker's closed list."""

    reason: str
    detail: str = ""
    printed: str = ""


@dataclass(frozen=True, slots=True)
class Measurement:
    """Everything that was measured on one model."""

    framework: str
    basis: Basis = Basis()
    parameters: int = 0
    layers: tuple[LayerMeasured, ...] = ()
    outputs: tuple[Output, ...] = ()
    loss: LossMeasured | None = None
    training: Training | None = None
    suspects: Suspects | None = None
    slopes: Slopes | None = None
    optimizers: tuple[OptimizerMeasured, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    peak_bytes: int = 0


def outcome_of(reply: Mapping[str, Any]) -> Measurement | Failure:
    """The worker's reply as values. The program ran in the process that wrote it, so that it may be anything."""
    printed = reply.get("printed", "")
    if not reply.get("ok"):
        return Failure(reply.get("reason", "internal"), reply.get("detail", ""), printed)
    try:
        return _measurement(reply["facts"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return Failure("channel", REASONS["channel"], printed)


def _measurement(facts: Mapping[str, Any]) -> Measurement:
    loss, training = facts.get("loss"), facts.get("training")
    return Measurement(
        facts["framework"],
        _basis(facts["basis"]),
        facts.get("parameters", 0),
        tuple(_layer(layer) for layer in facts.get("layers", ())),
        tuple(_output(output) for output in facts.get("outputs", ())),
        _loss(loss) if loss else None,
        Training(training["steps"], tuple(training["written"]), tuple(training["fixed"] or ())) if training else None,
        _suspects(facts.get("suspects")),
        _slopes(facts.get("slopes")),
        tuple(_optimizer(one) for one in facts.get("optimizers", ())),
        facts.get("seconds", {}),
        facts.get("peak_bytes", 0),
    )


def _optimizer(found: Mapping[str, Any]) -> OptimizerMeasured:
    step = found.get("step")
    return OptimizerMeasured(
        found["line"],
        tuple(found["missing"]),
        found["parameters"],
        found["whole"],
        Step(**{**step, "unmoved": tuple(step["unmoved"]), "frozen_moved": tuple(step["frozen_moved"])})
        if step
        else None,
    )


def _slopes(found: Mapping[str, Any] | None) -> Slopes | None:
    if found is None:
        return None
    functions = tuple(OwnFunction(**one) for one in found["functions"])
    return Slopes(**{**found, "least": tuple(found["least"]), "most": tuple(found["most"]), "functions": functions})


def _suspects(found: Mapping[str, Any] | None) -> Suspects | None:
    if found is None:
        return None
    return Suspects(**{key: tuple(Suspect(**one) for one in listed) for key, listed in found.items()})


def _basis(basis: Mapping[str, Any]) -> Basis:
    return Basis(
        basis.get("name", ""),
        basis.get("init", ""),
        basis.get("origin", ""),
        tuple(basis.get("inputs", ())),
        basis.get("input_origin", ""),
        basis.get("draws", 0),
        tuple(basis.get("assumed", ())),
        tuple(basis.get("stubs", ())),
        tuple(basis.get("left_out", ())),
        basis.get("device", "cpu"),
        tuple(basis.get("versions", {}).items()),
        tuple(basis.get("guards", ())),
    )


def _layer(layer: Mapping[str, Any]) -> LayerMeasured:
    shape = layer.get("output")
    return LayerMeasured(
        layer["name"],
        layer["kind"],
        tuple(shape) if shape is not None else None,
        layer.get("parameters", 0),
        layer.get("bias"),
    )


def _output(output: Mapping[str, Any]) -> Output:
    activation = output.get("activation") or {}
    return Output(
        output.get("name", ""),
        tuple(output["shape"]),
        output.get("dtype", "float32"),
        tuple(Summary(**summary) for summary in output.get("train", ())),
        tuple(Summary(**summary) for summary in output.get("eval", ())),
        activation.get("kind", ""),
        activation.get("axis"),
    )


def _loss(loss: Mapping[str, Any]) -> LossMeasured:
    return LossMeasured(
        loss.get("name", ""),
        tuple(LossValue(**value) for value in loss.get("written") or ()),
        tuple(LossValue(**value) for value in loss.get("fixed") or ()),
        loss.get("fixed_as", ""),
        loss.get("floor"),
        loss.get("error", ""),
        loss.get("note", ""),
        loss.get("chance"),
    )
