"""What the losses of all frameworks share: how they are found, what they cannot go below, and what is noted of them."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..reasons import describe
from .outputs import Output

SQUASHING = frozenset(
    {
        "relu", "relu6", "tanh", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "softplus", "hardsigmoid",
        "hardtanh",
    }
)  # fmt: skip
"""Activations that have no place between the last layer and a loss that takes raw scores."""

UNIT_INTERVAL = ("softmax", "sigmoid", "hardsigmoid")
"""Activations whose results lie in [0, 1]."""

IN_WORDS = {"log_softmax": "log-softmax", "log_sigmoid": "log-sigmoid"}


class NoLoss(Exception):
    """The loss cannot be called."""


def loss_expression(text: str, namespace: dict[str, Any], scope: dict[str, Any]) -> Any:
    """The value of an expression for a loss, with the program's names and those of the framework in ``scope``.

    Raises:
        NoLoss: the expression raises, or gives nothing that can be called.
    """
    try:
        code = compile(ast.parse(text, mode="eval"), "--loss", "eval")
        names = {name: namespace[name] for name in code.co_names if defines(namespace, name)}
        value = eval(code, {**scope, **names})
        value = value() if isinstance(value, type) else value
    except Exception as error:  # whatever the user's expression raises
        raise NoLoss(describe(error)) from error
    if not callable(value) and not isinstance(value, str):
        raise NoLoss(f"{text} is no function")
    return value


def defines(namespace: dict[str, Any], name: str) -> bool:
    """Whether the program binds a name."""
    return name in namespace or bool(getattr(namespace, "defines", lambda _: False)(name))


def raw_scores(output: Output, reshape: Callable[[Any, tuple[int, ...]], Any]) -> Any:
    """What entered the last activation, in the shape of the output; None where it is not known or gone."""
    seen = output.activation
    if seen is None or seen.in_place or len(seen.entering) != 1:
        return None
    entering = seen.entering[0]
    if math.prod(entering.shape) != math.prod(output.shape):
        return None
    return entering if tuple(entering.shape) == output.shape else reshape(entering, output.shape)


def cross_entropy_floor(kind: str, classes: int) -> float | None:
    """The value that a cross entropy which takes scores cannot go below, given the result of an activation.

    Scores that lie in [0, 1] differ by one at most: the probability of the right class among n is then at most
    e / (e + n - 1), so cross entropy stays above log(1 + (n - 1) / e).
    """
    if classes == 1:
        return 0.0
    if kind in UNIT_INTERVAL:
        return math.log(1 + (classes - 1) / math.e)
    return math.log(1 + (classes - 1) / math.e**2) if kind == "tanh" else None


def binary_floor(kind: str, ones: float) -> float | None:
    """The same for a binary cross entropy that takes scores; ``ones`` is the share of labels that are 1.

    A label 1 costs a score of at most 1 at least log(1 + 1 / e), a label 0 a score of at least 0 log 2.
    """
    return ones * math.log(1 + 1 / math.e) + (1 - ones) * math.log(2) if kind in UNIT_INTERVAL else None


@dataclass
class LossRecord:
    """The loss over the draws, as it is filled in: as the program writes it, and as it would be when fixed."""

    written: list[dict[str, Any]] = field(default_factory=list)
    fixed: list[dict[str, Any]] = field(default_factory=list)
    ones: list[float] = field(default_factory=list)
    fixed_as: str = ""
    error: str = ""
    kind: str = ""
    classes: int = 0
    chance: float | None = None
    """The loss of a classifier that gives every class the same probability."""
    output: str = ""

    def share_of_ones(self) -> float:
        """The share of labels that are 1."""
        return sum(self.ones) / len(self.ones) if self.ones else 0.5

    def failed(self, error: Exception) -> None:
        """Notes what a loss raised about what it was given: that is a result too."""
        self.error = self.error or describe(error)

    def reply(self, name: str, floor: float | None, note: str = "") -> dict[str, Any]:
        """The part of the facts."""
        return {
            "name": name,
            "output": self.output,
            "written": self.written,
            "fixed": self.fixed or None,
            "fixed_as": self.fixed_as,
            "floor": floor,
            "chance": self.chance,
            "error": self.error,
            "note": note,
        }
