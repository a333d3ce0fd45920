"""PyTorch models: built on a device, run in training and evaluation mode, and measured."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
from torch import nn

from ..measuring.devices import plan_device
from ..measuring.measurement import (
    MODES,
    SEARCH_SHARE,
    Found,
    LossMeter,
    Measured,
    measured,
    outputs_or_failure,
)
from ..measuring.outputs import MOST_OUTPUTS, Output, Pass, chosen
from ..measuring.specs import Inputs
from ..measuring.starts import Slopes, Step
from ..measuring.suspects import Suspects
from ..program.building import Recipe, make
from ..program.loading import Program, Slice
from ..program.optimizers import Built, configured_by, optimizers_over
from ..program.precision import is_doubled
from ..program.sources import parse
from ..program.standins import GUESSED
from ..reasons import TooLarge, Unmeasurable, out_of_memory
from ..request import LossWanted, Request
from .devices import count_devices, limit_memory, on_device, sow
from .documented import documented_inputs
from .examples import called_inputs, written_inputs
from .inputs import first_inputs, fresh_values, inputs_of_example, required_parameters
from .lists import chosen_otherwise
from .losses import LossMeasurement, find_loss
from .observing import Observation
from .old_functions import accept_old_functions
from .operations import applied
from .outputs import class_axis, outputs_of, projection, summary
from .passes import in_mode, in_place_of_forward
from .repairs import repairs
from .search import Failure, NoInputs, TooSlow, attempt, search
from .single_steps import single_steps
from .standins import accept_old_layers, cut_off_downloads, without_cuda
from .starts import Run, slopes, step_of
from .targets import targets
from .training import steps
from .watch import Trace, seeing

SMALL = 3_000_000
"""Parameters up to which inputs are searched with real values; above, shapes are searched without memory first."""


PATIENCE = 2.0
"""Seconds of a pass above which inputs are searched by shapes first."""

PASSES = 12
"""About how many passes the measurement of one draw takes."""


@dataclass
class Seconds:
    """What building and running took."""

    build: float = 0.0
    forward: float = 0.0


class TorchAdapter:
    """PyTorch as the worker sees it."""

    def __init__(self) -> None:
        self.device = "cpu"

    def plan(self, device: str) -> str:
        """The device in place of ``auto``.

        Raises:
            Unmeasurable: the device is not available.
        """
        return plan_device(device, count_devices)

    def prepare(self, request: Request, program: Program) -> None:
        """Limits the memory of the device, cuts off downloads, and fixes what random numbers come."""
        sow(request.seed)
        self.device = request.device
        limit_memory(self.device, request.memory)
        if self.device == "meta":
            torch.set_default_device("meta")  # for models that are made while the program is loaded
        cut_off_downloads(program.stubs)
        accept_old_layers()
        accept_old_functions()
        if not self.device.startswith("cuda"):
            without_cuda()

    def versions(self) -> dict[str, str]:
        """The version of torch."""
        return {"torch": str(torch.__version__)}

    def is_model(self, value: Any) -> bool:
        """Whether a value is a module; a loss is none."""
        return isinstance(value, nn.Module)

    def is_model_class(self, value: Any) -> bool:
        """Whether a value is a class of modules."""
        return isinstance(value, type) and issubclass(value, nn.Module)

    def optimizers(
        self, module: Slice, name: str, step: Callable[[Any, Any], Step | None], recipe: Recipe
    ) -> list[dict[str, Any]]:
        """What the optimizers of the program hold of the model, and what one step of them does."""
        found: list[dict[str, Any]] = []
        try:
            for built in optimizers_over(module, name):
                found.append(held_by(built, step))
            if not found and not recipe.assumed:  # of a guessed learning rate a step says nothing
                with self.placed():
                    found += [held_by(built, step) for built in configured_by(make(recipe, self))]
        except Exception:  # whatever the user's statements raise: an optimizer that is not built shows nothing
            return found
        return found

    def placed(self) -> AbstractContextManager[Any]:
        """While it lasts, what the program makes lies on the device."""
        return on_device(self.device)

    def measure(self, recipe: Recipe, module: Slice, request: Request) -> Measured:
        """Builds the model for each draw and measures it.

        Raises:
            Unmeasurable: it cannot be built, or no inputs were found.
        """
        device = self.device
        try:
            return measured(TorchBench(self, recipe, module, request, device), request)
        except TooLarge:
            return measured(TorchBench(self, recipe, module, request, "meta"), request)
        except Unmeasurable as failure:
            if device == "meta" or not out_of_memory(failure.detail):
                raise
            return measured(TorchBench(self, recipe, module, request, "meta"), request)


def held_by(built: Built, step: Callable[[Any, Any], Step | None]) -> dict[str, Any]:
    """What an optimizer holds of its model, and what one step of it does."""
    held = {id(one) for group in built.optimizer.param_groups for one in group["params"]}
    trained = [(key, one) for key, one in built.model.named_parameters() if one.requires_grad]
    taken = step(built.model, built.optimizer)
    return {
        "line": built.line,
        "missing": [key for key, one in trained if id(one) not in held],
        "parameters": len(trained),
        "whole": built.whole,
        "step": asdict(taken) if taken is not None else None,
    }


ADAPTER = TorchAdapter
"""What the worker asks for."""


def guessed_inputs(model: nn.Module) -> list[Inputs]:
    """The first guesses where the program writes nothing down."""
    inputs = first_inputs(model, ())
    return [*single_steps(model, inputs), *documented_inputs(model), inputs]


@contextmanager
def no_more_than(most: int) -> Iterator[None]:
    """Counts the parameters that are registered while it lasts.

    Raises:
        TooLarge: there are more than ``most``.
    """
    seen: dict[int, int] = {}

    def count(module: nn.Module, name: str, parameter: Any) -> None:
        if parameter is not None and not nn.parameter.is_lazy(parameter):
            seen[id(parameter)] = parameter.numel()
            if sum(seen.values()) > most:
                raise TooLarge(f"more than {most} parameters")

    handle = nn.modules.module.register_module_parameter_registration_hook(count)
    try:
        yield
    finally:
        handle.remove()


def moved(model: nn.Module, device: str) -> nn.Module:
    """The model on a device; by the ordinary method where its own ``to`` raises."""
    try:
        own = model.to(device)
    except Exception:  # whatever the user's method raises
        return nn.Module.to(model, device)
    return own if isinstance(own, nn.Module) else model


@dataclass
class TorchBench:
    """One recipe on one device."""

    adapter: TorchAdapter
    recipe: Recipe
    module: Slice
    request: Request
    device: str
    spent: Seconds = field(default_factory=Seconds)

    @cached_property
    def doubled(self) -> bool:
        """Whether the program lets the model compute with 64-bit numbers."""
        return is_doubled(parse(self.request.path), self.request.name)

    @property
    def symbolic(self) -> bool:
        """Whether only shapes are computed there."""
        return self.device == "meta"

    def find(self) -> Found:
        """The model and inputs that it takes.

        Raises:
            Unmeasurable: it cannot be built, or there are none.
        """
        model = self.build(0)
        inputs, origin, trains = self.found_inputs(model)
        model = self.build(0) if self.is_worn(model) else model
        return Found(model, inputs, origin, MODES if trains else ("eval",))

    def is_worn(self, model: nn.Module) -> bool:
        """Whether the search has left its traces in the model: it keeps state, so that a new one is better."""
        return any(True for _ in model.buffers()) or self.request.draws == 1

    def build(self, draw: int) -> nn.Module:
        """A new model, its weights drawn anew.

        Raises:
            Unmeasurable: it cannot be built.
            TooLarge: it has too many parameters.
        """
        begun = time.perf_counter()
        sow(self.request.seed + draw)
        most = self.request.most_parameters if self.device != "meta" else 10**15
        with torch.enable_grad(), on_device(self.device), no_more_than(most):
            model: nn.Module = make(self.recipe, self.adapter)
        if "_modules" not in vars(model):
            raise Unmeasurable("constructor", f"{type(model).__name__} does not call super().__init__()")
        model = model.double() if self.doubled else model
        model = moved(model, self.device) if self.device != "meta" else on_meta(model)
        if name := in_place_of_forward(model):
            vars(model)["forward"] = getattr(model, name)
            if (told := f"{name} in place of forward") not in GUESSED:
                GUESSED.append(told)
        if not any(parameter.requires_grad for parameter in model.parameters()):
            model.requires_grad_(True)
        self.spent.build += time.perf_counter() - begun
        return model

    def found_inputs(self, model: nn.Module) -> tuple[Inputs, str, bool]:
        """Inputs that the model takes, how they were found, and whether it takes them in training mode.

        Raises:
            Unmeasurable: none were found.
        """
        example = getattr(model, "example_input_array", None)
        if self.request.inputs:
            first, origin = [first_inputs(model, self.request.inputs)], "--input"
        elif example is not None:
            first, origin = [inputs_of_example(model, example), first_inputs(model, ())], "example_input_array"
        else:
            first, origin = (
                [
                    *called_inputs(self.module, self.makers(model), model),
                    *written_inputs(self.module, required_parameters(model)),
                    *guessed_inputs(model),
                ],
                "search",
            )
        found, train = self.patiently_found(model, first)
        GUESSED.extend(chosen_otherwise(found, model))
        return found, origin if found in first or origin != "example_input_array" else "search", train

    def makers(self, model: nn.Module) -> frozenset[str]:
        """The names by which the program makes the model: its class, and the function that was asked for."""
        return frozenset({type(model).__name__, self.request.name.rpartition(".")[2]}) - {""}

    def patiently_found(self, model: nn.Module, first: list[Inputs]) -> tuple[Inputs, bool]:
        """Inputs that the model takes, and whether it does so in training mode: by shapes first where it is large or slow.

        Raises:
            Unmeasurable: none were found.
            TooLarge: a pass takes so long that there is no time for the values of any.
        """
        if self.device == "meta":
            return self.found_in_either_mode(model, first, math.inf)
        small = self.count(model) <= SMALL
        try:
            return self.found_in_either_mode(model, first if small else self.with_shapes(model, first), PATIENCE)
        except TooSlow:
            first = self.with_shapes(model, first)
        try:
            return self.found_in_either_mode(model, first, max(self.request.seconds_left / PASSES, PATIENCE / 2))
        except TooSlow:
            raise TooLarge("a pass takes too long") from None

    def with_shapes(self, model: nn.Module, first: list[Inputs]) -> list[Inputs]:
        """The first guesses, before them what a search by shapes alone finds, which costs little time and memory, or what came
        deepest in it."""
        try:
            shapes = copy.deepcopy(model).to("meta")
            return [self.searched(lambda: shapes, first, "meta", True), *first]
        except NoInputs as failure:
            return [failure.deepest, *first]
        except Exception:  # shapes alone may not do; the search with values tells
            return first

    def found_in_either_mode(self, model: nn.Module, first: list[Inputs], patience: float) -> tuple[Inputs, bool]:
        """Inputs that the model takes in training mode, else in evaluation mode.

        Raises:
            Unmeasurable: none were found.
            TooSlow: a pass takes more seconds than that.
        """
        try:
            found = self.searched(self.fresh_for_search(model), first, self.device, True, patience)
        except Unmeasurable:
            return self.searched(self.fresh_for_search(model), first, self.device, False, patience), False
        if self.takes(model, found, train=False):
            return found, True
        try:
            other = self.searched(self.fresh_for_search(model), [found, *first], self.device, False, patience)
        except Unmeasurable:
            return found, True
        return other, self.takes(model, other, train=True)

    def takes(self, model: nn.Module, inputs: Inputs, train: bool) -> bool:
        """Whether a model takes inputs in a mode."""
        with on_device(self.device):
            return not isinstance(attempt(in_mode(model, train), inputs, self.device, whole=False), Failure)

    def fresh_for_search(self, model: nn.Module) -> Callable[[], nn.Module]:
        """The model that is there, then new ones."""
        waiting = [model]
        return lambda: waiting.pop() if waiting else self.build(0)

    def searched(
        self,
        fresh: Callable[[], nn.Module],
        first: list[Inputs],
        device: str,
        train: bool,
        patience: float = math.inf,
    ) -> Inputs:
        """The search in one mode."""
        with on_device(device):
            seconds = max(self.request.seconds_left, 0.0) * SEARCH_SHARE
            return search(lambda: in_mode(fresh(), train), first, repairs, device, seconds, patience)

    def run(self, model: nn.Module, inputs: Inputs, train: bool, draw: int) -> Pass:
        """One pass with gradients, and what the program does to the output after it.

        Raises:
            Unmeasurable: the model raises, or gives no tensor.
        """
        model.train(train)
        sow(self.request.seed + 101 * (draw + 1) + train)
        begun = time.perf_counter()
        seen = self.forward(model, inputs)
        self.spent.forward += time.perf_counter() - begun

        def again() -> list[Output]:
            sow(self.request.seed + 1009 * (draw + 1) + train)
            with torch.no_grad():
                return self.forward(model, inputs)[0]

        return Pass(seen[0], seen[1], again)

    def forward(self, model: nn.Module, inputs: Inputs) -> tuple[list[Output], Trace]:
        """The outputs of one pass over fresh inputs."""
        try:
            with on_device(self.device):
                by_place, by_name = fresh_values(inputs, self.device)
                return self.outputs(model, inputs.batch, by_place, by_name)
        except Unmeasurable:
            raise
        except Exception as error:  # whatever the user's code raises
            raise Unmeasurable("inputs", f"{type(error).__name__}: {error}") from error

    def outputs(
        self, model: nn.Module, batch: int, by_place: list[Any], by_name: dict[str, Any]
    ) -> tuple[list[Output], Trace]:
        """The outputs for given values, the chosen one after what the program does to it.

        Raises:
            Unmeasurable: there is no tensor among them.
        """
        with seeing(model, batch) as trace:
            found = outputs_or_failure(outputs_of(model(*by_place, **by_name)), MOST_OUTPUTS)
            index = chosen(found, self.request.output)
            found[index] = replace(found[index], tensor=applied(self.request.after, found[index], trace))
        return found, trace

    def summary(self, seen: Pass, index: int) -> dict[str, Any]:
        """What is to be said about one output."""
        return summary(seen, index)

    def meter(self, wanted: LossWanted) -> LossMeter:
        """The loss that is to be measured.

        Raises:
            NoLoss: nothing of that name can be made or called.
        """
        return OnBench(find_loss(wanted, self.module.namespace), device=self.device)

    def fit(self, model: nn.Module, inputs: Inputs, loss: LossMeter, fix: bool) -> Iterator[float]:
        """Endless steps on one batch."""
        assert isinstance(loss, LossMeasurement)
        sow(self.request.seed + 7)
        with on_device(self.device):
            by_place, by_name = fresh_values(inputs, self.device)

        def forward() -> tuple[Output, Trace]:
            outputs, trace = self.outputs(in_mode(model, True), inputs.batch, by_place, by_name)
            return outputs[chosen(outputs, self.request.output)], trace

        with on_device(self.device):
            yield from steps(model, forward, loss, fix)

    def observe(self, model: nn.Module, inputs: Inputs, draw: int) -> Suspects:
        """What the parts of the model do."""
        sow(self.request.seed + 503 * (draw + 1))
        return Observation(model, inputs, self.request, self.device).suspects()

    def slopes(self, model: nn.Module, inputs: Inputs, loss: LossMeter | None) -> Slopes | None:
        """The gradient that training starts with."""
        try:
            return slopes(model, self.one_batch(model, inputs, loss), loss_name(loss))
        except Exception:  # whatever the user's code raises: what could not be seen is not reported
            return None

    def step(self, model: nn.Module, optimizer: Any, inputs: Inputs, loss: LossMeter | None) -> Step | None:
        """One step of an optimizer over a model of the program."""
        try:
            return step_of(model, optimizer, self.one_batch(model, inputs, loss), loss_name(loss))
        except Exception:  # some optimizers take a function, and the model may take other inputs
            return None

    def one_batch(self, model: nn.Module, inputs: Inputs, loss: LossMeter | None) -> Run:
        """Passes over one batch with the same targets: the loss, or a random sum of what the model gives where there is none."""
        sow(self.request.seed + 11)
        with on_device(self.device):
            by_place, by_name = fresh_values(inputs, self.device)
        goal: Any = None

        def run() -> tuple[Any, list[Any]]:
            nonlocal goal
            with on_device(self.device):
                outputs, trace = self.outputs(in_mode(model, True), inputs.batch, by_place, by_name)
                output = outputs[chosen(outputs, self.request.output)]
                tensors = [one.tensor for one in outputs]
                if not isinstance(loss, LossMeasurement) or loss.record.error:
                    return sum(projection(one) for one in tensors if one.requires_grad), tensors
                axis = class_axis(output, trace.weighted)
                if goal is None and loss.loss.kind:
                    goal = targets(loss.loss.kind, output, axis)
                value, goal = loss.evaluated(output, goal, axis)
                return value, tensors

        return run

    def count(self, model: nn.Module) -> int:
        """How many parameters it has."""
        return sum(one.numel() for one in model.parameters() if not nn.parameter.is_lazy(one))

    def seconds(self) -> dict[str, float]:
        """What building and running took."""
        return {"build": round(self.spent.build, 3), "forward": round(self.spent.forward, 3)}


def loss_name(loss: LossMeter | None) -> str:
    """The name of a loss that could be called; empty where there is none."""
    return loss.loss.name.rpartition(".")[2] if isinstance(loss, LossMeasurement) and not loss.record.error else ""


@dataclass
class OnBench(LossMeasurement):
    """The loss, on the device of the model."""

    device: str = "cpu"

    def add(self, output: Output, seen: Pass, index: int) -> None:
        """Measures one draw."""
        with on_device(self.device):
            super().add(output, seen, index)


def on_meta(model: nn.Module) -> nn.Module:
    """The model without values."""
    return model.to("meta")
