"""A framework that nobody uses, written to find out what headlint must be told of a new one."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence

Numbers = list[float]


class Module:
    """What models inherit from."""

    def __call__(self, numbers: Numbers) -> Numbers:
        return self.forward(numbers)

    def forward(self, numbers: Numbers) -> Numbers:
        raise NotImplementedError


class Affine(Module):
    """Weighted sums."""

    def __init__(self, inputs: int, outputs: int, offset: bool = True) -> None:
        self.inputs = inputs
        self.weights = [[random.gauss(0, 1) for _ in range(inputs)] for _ in range(outputs)]
        self.offset = offset

    def forward(self, numbers: Numbers) -> Numbers:
        return [sum(weight * number for weight, number in zip(row, numbers, strict=True)) for row in self.weights]


def softmax(numbers: Numbers) -> Numbers:
    total = sum(map(math.exp, numbers))
    return [math.exp(number) / total for number in numbers]


def rectified(numbers: Numbers) -> Numbers:
    return [max(number, 0.0) for number in numbers]


class CategoricalLoss:
    """Takes scores and the number of the class."""

    def __call__(self, scores: Numbers, wanted: int) -> float:
        return math.log(sum(map(math.exp, scores))) - scores[wanted]


class Trainer:
    """Joins a model and a loss."""

    def __init__(self, model: Module, loss: Callable[[Numbers, int], float]) -> None:
        self.model, self.loss = model, loss

    def run(self, data: Sequence[tuple[Numbers, int]]) -> Iterator[float]:
        for numbers, wanted in data:
            yield self.loss(self.model(numbers), wanted)


def double(model: Module) -> Module:
    """A model that is none of its own."""
    return model
