"""Builds and measures models of tinynet, in the worker: nothing of headlint is imported here but the worker itself."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from headlint_worker.measuring.measurement import Measured
from headlint_worker.measuring.starts import Step
from headlint_worker.program.building import Recipe, make
from headlint_worker.program.loading import Program, Slice
from headlint_worker.request import Request

import tinynet


class Adapter:
    """tinynet as the worker sees it."""

    def plan(self, device: str) -> str:
        return "cpu"

    def prepare(self, request: Request, program: Program) -> None:
        random.seed(request.seed)

    def versions(self) -> dict[str, str]:
        return {"tinynet": "1"}

    def is_model(self, value: Any) -> bool:
        return isinstance(value, tinynet.Module)

    def is_model_class(self, value: Any) -> bool:
        return isinstance(value, type) and issubclass(value, tinynet.Module)

    def optimizers(
        self, module: Slice, name: str, step: Callable[[Any, Any], Step | None], recipe: Recipe
    ) -> list[dict[str, Any]]:
        return []

    def placed(self) -> AbstractContextManager[Any]:
        return nullcontext()

    def measure(self, recipe: Recipe, module: Slice, request: Request) -> Measured:
        model = make(recipe, self)
        layers = [part for part in vars(model).values() if isinstance(part, tinynet.Affine)]
        given = model([0.5] * layers[0].inputs)
        output = {"name": "", "train": [], "eval": [], "shape": [1, len(given)]}
        return Measured((f"[{layers[0].inputs}]",), "the first layer", [output], parameters=len(layers))


ADAPTER = Adapter
