"""What a torch loss is really given: the calls of losses, whoever makes them, and where activations were applied."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from headlint.findings.finding import Place
from headlint.frameworks.kinds import LossKind
from headlint.frameworks.registry import LOSSES
from headlint.inspection.facts import SQUASHING, Labels, LossTaken, Values
from headlint.inspection.places import running_place
from headlint.runtime.worker.measuring.outputs import Activation, activation_of, largest
from headlint.runtime.worker.torch.outputs import plain_values
from headlint.runtime.worker.torch.watch import SeeActivations, around_calls

_TORCH = os.path.dirname(torch.__file__) + os.sep
_FUNCTIONS = {
    row.short_name: row
    for row in LOSSES.values()
    if row.framework == "torch" and row.name.startswith("torch.nn.functional")
}
_TOLERANCE = 1e-3


class Watch(SeeActivations):
    """Notes what each loss is given. With ``fixing`` it is given what it takes instead, where that is known."""

    def __init__(self, model: nn.Module, fixing: bool = False) -> None:
        super().__init__()
        self.taken: list[LossTaken] = []
        self.fixed = 0
        self.inside: list[str] = []
        """The names of the layers that are running, the innermost last."""
        self._fixing = fixing
        self._names = {id(module): name for name, module in model.named_modules()}

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """The call as it is, or as it would be after the fix."""
        kwargs = kwargs or {}
        kind = _FUNCTIONS.get(getattr(func, "__name__", ""))
        if kind is not None:
            given = args[0] if args else kwargs.get("input")
            labels = args[1] if len(args) > 1 else kwargs.get("target")
            if isinstance(given, torch.Tensor):
                self._note(kind, given, labels, kwargs.get("ignore_index"))
                better = instead(kind, given) if self._fixing else None
                if better is not None:
                    self.fixed += 1
                    args, kwargs = (better, *args[1:]), {key: one for key, one in kwargs.items() if key != "input"}
        result = super().__torch_function__(func, types, args, kwargs)
        seen = activation_of(result) if isinstance(result, torch.Tensor) else None
        if seen is not None and any(activation_of(one) is seen for one in args if isinstance(one, torch.Tensor)):
            result.headlint_origin = next(
                getattr(one, "headlint_origin", None) for one in args if activation_of(one) is seen
            )
        elif isinstance(result, torch.Tensor) and seen is not None:
            carried = next((getattr(one, "headlint_origin", None) for one in args if activation_of(one)), None)
            result.headlint_origin = carried or (self.inside[-1] if self.inside else "", running_place(_TORCH))
        return result

    def _note(self, kind: LossKind, given: Any, labels: Any, ignored: Any) -> None:
        axis = 1 if given.dim() > 1 else 0
        if kind.family not in ("cross_entropy", "nll"):
            axis = max(given.dim() - 1, 0)
        place = running_place(_TORCH)
        self.taken.append(
            LossTaken(
                kind.short_name, kind.family, kind.expects, values_of(given, axis), labels_of(labels, ignored), place
            )
        )

    @contextmanager
    def layers(self) -> Iterator[None]:
        """Follow which layer is running."""

        def before(module: nn.Module, arguments: Any) -> None:
            if id(module) in self._names:
                self.inside.append(self._names[id(module)])

        def after(module: nn.Module, arguments: Any, result: Any) -> None:
            if id(module) in self._names and self.inside:
                self.inside.pop()

        with around_calls(before, after):
            yield


def values_of(tensor: Any, axis: int) -> Values:
    """The facts about a tensor whose classes lie on an axis."""
    values = plain_values(tensor)
    seen: Activation | None = activation_of(tensor)
    layer, place = getattr(tensor, "headlint_origin", None) or ("", None)
    softmax = seen is not None and seen.kind in ("softmax", "log_softmax")
    entering = seen.entering[0] if seen is not None and len(seen.entering) == 1 else None
    single = bool(softmax and seen and seen.axis is not None and entering is not None)
    minimum, maximum = (float(values.min()), float(values.max())) if values.numel() else (0.0, 0.0)
    several = values.dim() > 1 and values.numel() > 0
    return Values(
        shape=tuple(tensor.shape),
        minimum=minimum,
        maximum=maximum,
        finite=bool(torch.isfinite(values).all()),
        classes=tensor.shape[axis] if tensor.dim() else 1,
        sums_to_one=bool(several and minimum >= 0 and largest(values.sum(dim=axis) - 1) < _TOLERANCE),
        log_probabilities=bool(several and largest(values.logsumexp(dim=axis)) < _TOLERANCE),
        activation=seen.kind if seen is not None else "",
        axis=seen.axis if seen is not None else None,
        single=single and entering.shape[seen.axis] == 1,  # type: ignore[union-attr]
        layer=layer,
        place=place if isinstance(place, Place) else None,
        differentiable=bool(tensor.requires_grad),
    )


def labels_of(labels: Any, ignored: Any) -> Labels | None:
    """The facts about labels; those that the loss leaves out are not counted."""
    if not isinstance(labels, torch.Tensor) or labels.is_complex():
        return None
    counted = labels[labels != ignored] if isinstance(ignored, int) else labels
    if not counted.numel():
        return None
    integer = not labels.is_floating_point()
    return Labels(tuple(labels.shape), integer, float(counted.min()), float(counted.max()))


def instead(kind: LossKind, given: Any) -> Any:
    """What the loss takes, made from what it is given; None where nothing is wrong or nothing is known."""
    seen: Activation | None = activation_of(given)
    made = seen.kind if seen is not None else ""
    raw = _raw(seen, given)
    match kind.family, kind.expects:
        case "cross_entropy", "logits" if made in ("softmax", "sigmoid", *SQUASHING):
            return raw
        case "binary_cross_entropy", "logits" if made in ("softmax", "sigmoid"):
            return raw
        case "binary_cross_entropy", "probabilities" if not made:
            return _sigmoid_of(given)
        case "nll", _ if made == "softmax" and raw is not None:
            return torch.log_softmax(raw, dim=1 if raw.dim() > 1 else 0)
        case "nll", _ if not made:
            return torch.log_softmax(given, dim=1 if given.dim() > 1 else 0)
    return None


def _sigmoid_of(given: Any) -> Any:
    values = given.detach()
    return torch.sigmoid(given) if float(values.min()) < 0 or float(values.max()) > 1 else None


def _raw(seen: Activation | None, given: Any) -> Any:
    """What entered the last activation, in the shape of its result."""
    if seen is None or seen.in_place or len(seen.entering) != 1 or seen.entering[0].numel() != given.numel():
        return None
    return seen.entering[0].reshape(given.shape)
