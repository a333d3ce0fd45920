"""The loss as the program writes it and as it would be when fixed, on targets drawn to fit."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from ..reasons import describe
from ..request import LossWanted
from .outputs import Output, class_axis, head_gradient
from .targets import TARGETS, arranged, targets
from .watch import Activation, Trace

FUNCTIONS = {
    "cross_entropy": "CrossEntropyLoss",
    "nll_loss": "NLLLoss",
    "binary_cross_entropy": "BCELoss",
    "binary_cross_entropy_with_logits": "BCEWithLogitsLoss",
    "multilabel_soft_margin_loss": "MultiLabelSoftMarginLoss",
    "multi_margin_loss": "MultiMarginLoss",
    "soft_margin_loss": "SoftMarginLoss",
    "hinge_embedding_loss": "HingeEmbeddingLoss",
    "kl_div": "KLDivLoss",
    "mse_loss": "MSELoss",
    "l1_loss": "L1Loss",
    "smooth_l1_loss": "SmoothL1Loss",
    "huber_loss": "HuberLoss",
    "poisson_nll_loss": "PoissonNLLLoss",
}
"""The class that does the same as a function of ``torch.nn.functional``."""

BY_FAMILY = {
    "cross_entropy": "CrossEntropyLoss",
    "sparse_cross_entropy": "CrossEntropyLoss",
    "nll": "NLLLoss",
    "kl_div": "KLDivLoss",
    "regression": "MSELoss",
}

SQUASHING = frozenset(
    {
        "relu",
        "tanh",
        "leaky_relu",
        "elu",
        "selu",
        "celu",
        "gelu",
        "silu",
        "relu6",
        "hardtanh",
        "softplus",
        "hardsigmoid",
    }
)


@dataclass(frozen=True)
class Loss:
    """A loss that can be called with what the model gives and targets. ``kind`` is the class of ``torch.nn`` it is,
    empty for a function of the program's own."""

    name: str
    kind: str
    call: Callable[[Any, Any], Any]
    plain: bool
    """Without weights, smoothing or other options."""


@dataclass(frozen=True)
class Correction:
    """What to give which loss instead. ``prepared`` makes it from the raw scores or the output."""

    told: str
    kind: str
    prepared: Callable[[Output], Any]


class NoLoss(Exception):
    """The loss cannot be called."""


def find_loss(wanted: LossWanted, namespace: dict[str, Any]) -> Loss:
    """The loss that the request names.

    Raises:
        NoLoss: nothing of that name can be made or called.
    """
    if wanted.written:
        return loss_written(wanted.written, namespace)
    name = wanted.name.rpartition(".")[2]
    kind = FUNCTIONS.get(name, name)
    if not hasattr(nn, kind):
        binary = "BCEWithLogitsLoss" if wanted.from_logits or wanted.expects == "logits" else "BCELoss"
        kind = binary if wanted.family == "binary_cross_entropy" else BY_FAMILY.get(wanted.family, "")
    if not kind:
        raise NoLoss(f"{wanted.name or wanted.family} is no loss of torch")
    return Loss(name or kind, kind, made(kind), plain=True)


def made(kind: str) -> Callable[[Any, Any], Any]:
    """A loss of ``torch.nn`` by its class; the divergence is averaged as its documentation advises."""
    if kind == "KLDivLoss":
        return nn.KLDivLoss(reduction="batchmean")
    found: Callable[[Any, Any], Any] = getattr(nn, kind)()
    return found


def loss_written(text: str, namespace: dict[str, Any]) -> Loss:
    """The loss that an expression gives, with the program's names and those of torch.

    Raises:
        NoLoss: the expression raises, or gives nothing that can be called.
    """
    scope = {"torch": torch, "nn": nn, "F": functional, **vars(functional)}
    try:
        code = compile(ast.parse(text, mode="eval"), "--loss", "eval")
        names = {name: namespace[name] for name in code.co_names if defines(namespace, name)}
        value = eval(code, {**scope, **names})
        value = value() if isinstance(value, type) else value
    except Exception as error:  # whatever the user's expression raises
        raise NoLoss(describe(error)) from error
    if not callable(value):
        raise NoLoss(f"{text} is no function")
    kind = type(value).__name__ if isinstance(value, nn.Module) else FUNCTIONS.get(getattr(value, "__name__", ""), "")
    known = kind.lower() in TARGETS
    return Loss(text, kind if known else "", value, plain=is_plain(value))


def defines(namespace: dict[str, Any], name: str) -> bool:
    """Whether the program binds a name."""
    return name in namespace or bool(getattr(namespace, "defines", lambda _: False)(name))


def is_plain(value: Any) -> bool:
    """Whether a loss is as it is without options."""
    options = [
        getattr(value, "label_smoothing", 0.0),
        getattr(value, "weight", None),
        getattr(value, "pos_weight", None),
    ]
    return not any(isinstance(one, torch.Tensor) or one for one in options) and (
        getattr(value, "reduction", "mean") == "mean"
    )


def raw(output: Output) -> Any:
    """What entered the last activation, in the shape of the output."""
    seen = output.activation
    if seen is None or seen.in_place or len(seen.entering) != 1:
        return None
    entering = seen.entering[0]
    if entering.numel() != output.tensor.numel():
        return None
    return entering if entering.shape == output.tensor.shape else entering.reshape(output.tensor.shape)


def correction(loss: Loss, output: Output, classes: int) -> Correction | None:
    """What is to be given to which loss instead; None where nothing is wrong or nothing is known."""
    seen = output.activation
    kind = seen.kind if seen is not None else ""
    scores = raw(output)
    made_by = {"log_softmax": "log-softmax", "log_sigmoid": "log-sigmoid"}.get(kind, kind)
    without = f"the raw scores, without {made_by}"
    match loss.kind:
        case "CrossEntropyLoss" if classes == 1:
            return Correction(
                "binary cross entropy with logits on the single score", "BCEWithLogitsLoss", score_or_output
            )
        case "CrossEntropyLoss" if scores is not None and (kind in ("softmax", "log_softmax", "sigmoid", *SQUASHING)):
            return Correction(without, "CrossEntropyLoss", raw)
        case "BCEWithLogitsLoss" if scores is not None and kind in ("softmax", "sigmoid", "log_sigmoid", *SQUASHING):
            return Correction(without, "BCEWithLogitsLoss", raw)
        case "MultiLabelSoftMarginLoss" if scores is not None and kind in ("softmax", "sigmoid"):
            return Correction(without, "MultiLabelSoftMarginLoss", raw)
        case "BCELoss" if kind == "softmax" and scores is not None and classes > 1:
            return Correction("cross entropy on the raw scores, without softmax", "CrossEntropyLoss", raw)
        case "BCELoss" if kind == "softmax" and scores is not None:
            return Correction("binary cross entropy with logits on the single score", "BCEWithLogitsLoss", raw)
        case "BCELoss" if kind not in ("sigmoid", "softmax"):
            return Correction("a sigmoid first", "BCELoss", lambda one: torch.sigmoid(score_or_output(one)))
        case "NLLLoss" if kind != "log_softmax":
            return Correction("a log-softmax first", "NLLLoss", log_softmax_first)
        case "KLDivLoss" if kind not in ("log_softmax", "log_sigmoid"):
            return Correction("a log-softmax first", "KLDivLoss", log_softmax_first)
        case "MSELoss" | "L1Loss" | "SmoothL1Loss" | "HuberLoss" if kind == "softmax" and scores is not None:
            if classes > 1:
                return Correction("cross entropy on the raw scores, without softmax", "CrossEntropyLoss", raw)
    return None


def score_or_output(output: Output) -> Any:
    """The raw scores where they are known, else the output itself."""
    scores = raw(output)
    return output.tensor if scores is None else scores


def log_softmax_first(output: Output) -> Any:
    """The log-softmax of the raw scores, or of the output."""
    axis = class_axis(output, None)
    softmax = output.activation is not None and output.activation.kind == "softmax"
    return torch.log_softmax(score_or_output(output) if softmax else output.tensor, dim=axis)


def floor(loss: Loss, activation: Activation | None, classes: int, ones: float) -> float | None:
    """The value that the loss as written cannot go below; None where it can fall to zero or it is not known.

    Scores that lie in [0, 1] differ by one at most: the probability of the right class among n is then at most
    e / (e + n - 1), so cross entropy stays above log(1 + (n - 1) / e). A label 1 costs a score of at most 1 at least
    log(1 + 1 / e), a label 0 a score of at least 0 log 2; ``ones`` is the share of labels that are 1. A probability
    given to the negative log-likelihood counts as itself: its least value is -1.
    """
    if not loss.plain:
        return None
    kind = activation.kind if activation is not None else ""
    match loss.kind:
        case "CrossEntropyLoss" if classes == 1:
            return 0.0
        case "CrossEntropyLoss" if kind in ("softmax", "sigmoid", "hardsigmoid"):
            return math.log(1 + (classes - 1) / math.e)
        case "CrossEntropyLoss" if kind == "tanh":
            return math.log(1 + (classes - 1) / math.e**2)
        case "CrossEntropyLoss" if kind == "log_softmax":
            return 0.0
        case "BCEWithLogitsLoss" if kind in ("softmax", "sigmoid", "hardsigmoid"):
            return ones * math.log(1 + 1 / math.e) + (1 - ones) * math.log(2)
        case "NLLLoss" if kind in ("softmax", "sigmoid", "hardsigmoid"):
            return -1.0
    return None


@dataclass
class LossMeasurement:
    """The loss over the draws, as it is filled in."""

    loss: Loss
    written: list[dict[str, Any]] = field(default_factory=list)
    fixed: list[dict[str, Any]] = field(default_factory=list)
    ones: list[float] = field(default_factory=list)
    told: str = ""
    error: str = ""
    activation: Activation | None = None
    classes: int = 0
    output: str = ""

    def add(self, output: Output, trace: Trace, other: Callable[[], Any]) -> None:
        """Measures one draw."""
        axis = class_axis(output, trace.weighted)
        self.activation, self.output = output.activation, output.name
        self.classes = output.tensor.shape[axis] if output.tensor.dim() > 1 else 1
        if output.tensor.dim() == 1 and len(output.tensor) != trace.batch:
            self.classes = len(output.tensor)
        goal = targets(self.loss.kind, output, axis) if self.loss.kind else None
        if goal is not None and goal.is_floating_point():
            self.ones.append(float((goal == 1).float().mean()))
        try:
            value, goal = self.evaluated(self.loss, output.tensor, goal, output, axis)
            self.written.append(self.row(value, output, trace, other, goal, axis))
        except Exception as error:  # what a loss raises about what it was given is a result
            self.error = describe(error)
        fix = correction(self.loss, output, self.classes)
        if fix is not None:
            same = goal if fix.kind == self.loss.kind else None
            self.add_fixed(fix, same, output, trace, axis)

    def evaluated(self, loss: Loss, value: Any, goal: Any, output: Output, axis: int) -> tuple[Any, Any]:
        """The loss and the targets that it took: of a function of the program's own the first that it takes."""
        if goal is not None:
            return scalar(loss.call(arranged(value, axis, loss.kind), goal)), goal
        errors: list[Exception] = []
        for kind in ("CrossEntropyLoss", "BCELoss", "MSELoss"):
            goal = targets(kind, output, axis)
            try:
                return scalar(loss.call(arranged(value, axis, kind), goal)), goal
            except Exception as error:  # the program's own loss may take other targets
                errors.append(error)
        raise errors[0]

    def row(
        self, value: Any, output: Output, trace: Trace, other: Callable[[], Any], goal: Any, axis: int
    ) -> dict[str, Any]:
        """A loss as the protocol has it."""
        tensor = output.tensor.detach()
        changed = tensor.roll(1, 0) if tensor.dim() and len(tensor) > 1 else other()
        constant = False
        if isinstance(changed, torch.Tensor) and changed.shape == tensor.shape:
            again = scalar(self.loss.call(arranged(changed, axis, self.loss.kind), goal))
            constant = float(again) == float(value.detach())
        return {
            "value": float(value.detach()),
            "gradient": head_gradient(output, trace, value, True),
            "constant": constant,
        }

    def add_fixed(self, fix: Correction, goal: Any, output: Output, trace: Trace, axis: int) -> None:
        """Measures the loss as it would be when fixed, with the same targets or others of its own kind."""
        try:
            prepared = fix.prepared(output)
            call = self.loss.call if fix.kind == self.loss.kind else made(fix.kind)
            goal = targets(fix.kind, Output(output.name, prepared), axis) if goal is None else goal
            value = scalar(call(arranged(prepared, axis, fix.kind), goal))
        except Exception as error:  # what a loss raises about what it was given
            self.error = self.error or describe(error)
            return
        self.told = fix.told
        self.fixed.append(
            {"value": float(value.detach()), "gradient": head_gradient(output, trace, value, True), "constant": False}
        )

    def reply(self) -> dict[str, Any]:
        """The part of the facts."""
        ones = sum(self.ones) / len(self.ones) if self.ones else 0.5
        return {
            "name": self.loss.name,
            "output": self.output,
            "written": self.written,
            "fixed": self.fixed or None,
            "fixed_as": self.told,
            "floor": floor(self.loss, self.activation, self.classes, ones),
            "error": self.error,
        }


def scalar(value: Any) -> Any:
    """The mean of a loss that is not reduced."""
    return value if value.dim() == 0 else value.float().mean()
