"""The loss as the program writes it and as it would be when fixed, on targets drawn to fit."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn import functional

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
from ..request import LossWanted
from .outputs import class_axis, head_gradient
from .targets import TARGETS, arranged, targets
from .watch import Trace

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
    value = loss_expression(text, namespace, {"torch": torch, "nn": nn, "F": functional, **vars(functional)})
    kind = type(value).__name__ if isinstance(value, nn.Module) else FUNCTIONS.get(getattr(value, "__name__", ""), "")
    known = kind.lower() in TARGETS
    return Loss(text, kind if known else "", value, plain=is_plain(value))


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
    return raw_scores(output, torch.reshape)


def correction(loss: Loss, output: Output, classes: int) -> Correction | None:
    """What is to be given to which loss instead; None where nothing is wrong or nothing is known."""
    kind = output.kind
    scores = raw(output)
    without = f"the raw scores, without {IN_WORDS.get(kind, kind)}"
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
    return torch.log_softmax(score_or_output(output) if output.kind == "softmax" else output.tensor, dim=axis)


def floor(loss: Loss, kind: str, classes: int, ones: float) -> float | None:
    """The value that the loss as written cannot go below, given the result of an activation; None where it can fall to
    zero or it is not known. A probability given to the negative log-likelihood counts as itself: its least value is -1.
    """
    if not loss.plain:
        return None
    match loss.kind:
        case "CrossEntropyLoss":
            return 0.0 if kind == "log_softmax" else cross_entropy_floor(kind, classes)
        case "BCEWithLogitsLoss":
            return binary_floor(kind, ones)
        case "NLLLoss" if kind in UNIT_INTERVAL:
            return -1.0
    return None


def chance(loss: Loss, classes: int) -> float | None:
    """The loss of a classifier that gives every class the same probability; None for other losses."""
    match loss.kind:
        case "CrossEntropyLoss" | "NLLLoss" if loss.plain and classes > 1:
            return math.log(classes)
        case "BCELoss" | "BCEWithLogitsLoss" if loss.plain:
            return math.log(2)
    return None


@dataclass
class LossMeasurement:
    """The loss over the draws, as it is filled in."""

    loss: Loss
    record: LossRecord = field(default_factory=LossRecord)

    def add(self, output: Output, seen: Pass, index: int) -> None:
        """Measures one draw."""
        record, trace = self.record, seen.trace
        axis = class_axis(output, trace.weighted)
        record.kind, record.output = output.kind, output.name
        record.classes = output.tensor.shape[axis] if output.tensor.dim() > 1 else 1
        if output.tensor.dim() == 1 and len(output.tensor) != trace.batch:
            record.classes = len(output.tensor)
        record.chance = chance(self.loss, record.classes)
        goal = targets(self.loss.kind, output, axis) if self.loss.kind else None
        if goal is not None and goal.is_floating_point():
            record.ones.append(float((goal == 1).float().mean()))
        try:
            value, goal = self.evaluated(output, goal, axis)
            record.written.append(self.row(value, output, seen, index, goal, axis))
        except Exception as error:  # what a loss raises about what it was given is a result
            record.failed(error)
        fix = correction(self.loss, output, record.classes)
        if fix is not None:
            same = goal if fix.kind == self.loss.kind else None
            self.add_fixed(fix, same, output, trace, axis)

    def evaluated(self, output: Output, goal: Any, axis: int) -> tuple[Any, Any]:
        """The loss and the targets that it took: of a function of the program's own the first that it takes."""
        loss, value = self.loss, output.tensor
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

    def row(self, value: Any, output: Output, seen: Pass, index: int, goal: Any, axis: int) -> dict[str, Any]:
        """A loss as the protocol has it."""
        tensor = output.tensor.detach()
        changed = tensor.roll(1, 0) if tensor.dim() and len(tensor) > 1 else seen.other(index)
        constant = False
        if isinstance(changed, torch.Tensor) and changed.shape == tensor.shape:
            again = scalar(self.loss.call(arranged(changed, axis, self.loss.kind), goal))
            constant = float(again) == float(value.detach())
        return loss_row(value, output, seen.trace, constant)

    def add_fixed(self, fix: Correction, goal: Any, output: Output, trace: Trace, axis: int) -> None:
        """Measures the loss as it would be when fixed, with the same targets or others of its own kind."""
        try:
            prepared = fix.prepared(output)
            call = self.loss.call if fix.kind == self.loss.kind else made(fix.kind)
            goal = targets(fix.kind, Output(output.name, prepared), axis) if goal is None else goal
            value = scalar(call(arranged(prepared, axis, fix.kind), goal))
        except Exception as error:  # what a loss raises about what it was given
            self.record.failed(error)
            return
        self.record.fixed_as = fix.told
        self.record.fixed.append(loss_row(value, output, trace, constant=False))

    def reply(self) -> dict[str, Any]:
        """The part of the facts."""
        record = self.record
        return record.reply(self.loss.name, floor(self.loss, record.kind, record.classes, record.share_of_ones()))


def loss_row(value: Any, output: Output, trace: Trace, constant: bool) -> dict[str, Any]:
    """One value of a loss as the protocol has it."""
    return {"value": float(value.detach()), "gradient": head_gradient(output, trace, value), "constant": constant}


def scalar(value: Any) -> Any:
    """The mean of a loss that is not reduced."""
    return value if value.dim() == 0 else value.float().mean()
