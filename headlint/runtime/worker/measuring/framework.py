"""What the worker asks of a framework, and the choice between frameworks."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from ..program.building import Framework, Recipe
from ..program.loading import Program, Slice
from ..reasons import Unmeasurable, describe
from ..request import Request
from .measurement import Measured
from .starts import Step


class Adapter(Framework, Protocol):
    """A framework as the worker sees it."""

    def plan(self, device: str) -> str:
        """The device in place of ``auto``; any other as it is.

        Raises:
            Unmeasurable: the device is not available.
        """

    def prepare(self, request: Request, program: Program) -> None:
        """Before any of the program runs: cuts off downloads and pretrained weights, and seeds the random numbers.

        What is replaced is written to ``program.stubs`` when it has a part in the model.
        """

    def versions(self) -> dict[str, str]:
        """The versions of the framework's packages."""

    def optimizers(
        self, module: Slice, name: str, step: Callable[[Any, Any], Step | None], recipe: Recipe
    ) -> list[dict[str, Any]]:
        """What the optimizers that the program builds over the model, or that the model builds itself, hold of it, and what
        one step of them does; those that cannot be built are left out."""

    def placed(self) -> AbstractContextManager[Any]:
        """While it lasts, what the program makes lies on the device on which models are built, whatever it asks for."""

    def measure(self, recipe: Recipe, module: Slice, request: Request) -> Measured:
        """Makes the model as often as it needs to and measures it.

        Raises:
            Unmeasurable: the recipe gives no model, or no input was found that it takes.
        """


WORKER = __name__.rpartition(".measuring")[0]
"""The worker's package: of a name of its own in a process of its own, a part of headlint for ``headlint.inspect``."""


def adapter_for(framework: str, module: str = "") -> Adapter:
    """The adapter of a framework; with no name, of the one that is loaded already.

    ``module`` holds it as ``ADAPTER``; with a leading dot it is one of the worker's own, as it is for each framework
    that has a folder here.

    Raises:
        Unmeasurable: it is not installed.
    """
    name = framework or ("keras" if "keras" in sys.modules else "torch")
    try:
        made: Adapter = importlib.import_module(module or f".{name}.model", WORKER).ADAPTER()
    except ImportError as error:
        raise Unmeasurable("framework", describe(error)) from error
    return made
