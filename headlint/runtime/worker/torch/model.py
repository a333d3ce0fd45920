"""PyTorch models: built on a device, run in training and evaluation mode, and measured."""

from __future__ import annotations

import copy
import inspect
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import nn

from ..measuring.devices import plan_device
from ..measuring.framework import Measured
from ..measuring.specs import Inputs
from ..program.building import Recipe, make
from ..program.loading import Program, Slice
from ..reasons import TooLarge, Unmeasurable, out_of_memory
from ..request import Request
from .devices import OnDevice, count_devices, limit_memory
from .examples import written_inputs
from .inputs import draw, first_inputs, inputs_of_example, required_parameters
from .losses import LossMeasurement, NoLoss, find_loss
from .operations import applied
from .outputs import Output, chosen, outputs_of, summary
from .repairs import repairs
from .search import search
from .standins import cut_off_downloads, without_cuda
from .training import training
from .watch import Trace, seeing

SMALL = 3_000_000
"""Parameters up to which inputs are searched with real values; above, shapes are searched without memory first."""

SEARCH_SHARE = 0.5
"""Part of the time left that the search for inputs may take."""


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
        """Limits the memory of the device and cuts off downloads."""
        self.device = request.device
        limit_memory(self.device, request.memory)
        if self.device == "meta":
            torch.set_default_device("meta")  # for models that are made while the program is loaded
        cut_off_downloads(program.stubs)
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

    def measure(self, recipe: Recipe, module: Slice, request: Request) -> Measured:
        """Builds the model for each draw and measures it.

        Raises:
            Unmeasurable: it cannot be built, or no inputs were found.
        """
        device = self.device
        try:
            return Measurement(self, recipe, module, request, device).measured()
        except TooLarge:
            return Measurement(self, recipe, module, request, "meta").measured()
        except Unmeasurable as failure:
            if device == "meta" or not out_of_memory(failure.detail):
                raise
            return Measurement(self, recipe, module, request, "meta").measured()


@contextmanager
def on_device(device: str) -> Iterator[None]:
    """Whatever is made or moved while it lasts is on the device."""
    with torch.device(device), OnDevice(device):
        yield


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


@dataclass
class Pass:
    """One forward pass: its outputs, what was seen, and the outputs of another batch when asked for."""

    outputs: list[Output]
    trace: Trace
    again: Callable[[], list[Output]]

    def other(self, index: int) -> Any:
        """The same output for another batch; None where the pass fails."""
        outputs = self.again()
        return outputs[index].tensor.detach() if index < len(outputs) else None


@dataclass
class Measurement:
    """One recipe on one device."""

    adapter: TorchAdapter
    recipe: Recipe
    module: Slice
    request: Request
    device: str
    seconds: Seconds = field(default_factory=Seconds)

    def measured(self) -> Measured:
        """Everything about the model."""
        first = self.built(0)
        inputs, origin, mode = self.found_inputs(first)
        modes = ("train", "eval") if mode else ("eval",)
        rows: list[dict[str, Any]] = []
        layers: list[dict[str, Any]] = []
        loss = self.loss()
        draws, longest = 0, 0.0
        model = first
        for number in range(self.request.draws if self.device != "meta" else 1):
            if number and longest * 1.3 > self.request.seconds_left:
                break
            begun = time.perf_counter()
            model = self.built(number) if number or self.is_worn(first) else first
            for name in modes:
                seen = self.run(model, inputs, name == "train", number)
                layers = layers or seen.trace.layers
                self.summarize(rows, seen, name)
                if name == modes[0] and isinstance(loss, LossMeasurement) and self.device != "meta":
                    self.add_loss(loss, seen)
            draws += 1
            longest = max(longest, time.perf_counter() - begun)
        return Measured(
            inputs=inputs.texts(),
            input_origin=origin,
            outputs=rows,
            layers=layers,
            parameters=sum(one.numel() for one in model.parameters() if not nn.parameter.is_lazy(one)),
            modes=modes,
            draws=draws,
            device=self.device,
            loss=self.loss_reply(loss),
            training=self.training(loss, inputs),
            seconds={"build": round(self.seconds.build, 3), "forward": round(self.seconds.forward, 3)},
        )

    def is_worn(self, model: nn.Module) -> bool:
        """Whether the search has left its traces in the model: it keeps state, so that a new one is better."""
        return any(True for _ in model.buffers()) or self.request.draws == 1

    def built(self, draw: int) -> nn.Module:
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
        model = model.to(self.device) if self.device != "meta" else on_meta(model)
        if not any(parameter.requires_grad for parameter in model.parameters()):
            model.requires_grad_(True)
        self.seconds.build += time.perf_counter() - begun
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
                [*written_inputs(self.module, required_parameters(model)), first_inputs(model, ())],
                "search",
            )
        size = sum(one.numel() for one in model.parameters() if not nn.parameter.is_lazy(one))
        if size > SMALL and self.device != "meta":
            try:
                shapes = copy.deepcopy(model).to("meta")
                first = [self.searched(lambda: shapes, first, "meta", True), *first]
            except Exception:  # shapes alone may not do; the search with values tells
                pass
        try:
            found, train = self.searched(self.fresh_for_search(model), first, self.device, True), True
        except Unmeasurable:
            found, train = self.searched(self.fresh_for_search(model), first, self.device, False), False
        return found, origin if found in first[-2:] or origin != "example_input_array" else "search", train

    def fresh_for_search(self, model: nn.Module) -> Callable[[], nn.Module]:
        """The model that is there, then new ones."""
        waiting = [model]
        return lambda: waiting.pop() if waiting else self.built(0)

    def searched(self, fresh: Callable[[], nn.Module], first: list[Inputs], device: str, train: bool) -> Inputs:
        """The search in one mode."""
        with on_device(device):
            seconds = max(self.request.seconds_left, 0.0) * SEARCH_SHARE
            return search(lambda: fresh().train(train), first, repairs, device, seconds)

    def run(self, model: nn.Module, inputs: Inputs, train: bool, draw: int) -> Pass:
        """One pass with gradients, and what the program does to the output after it.

        Raises:
            Unmeasurable: the model raises, or gives no tensor.
        """
        model.train(train)
        sow(self.request.seed + 101 * (draw + 1) + train)
        begun = time.perf_counter()
        seen = self.forward(model, inputs)
        self.seconds.forward += time.perf_counter() - begun

        def again() -> list[Output]:
            sow(self.request.seed + 1009 * (draw + 1) + train)
            with torch.no_grad():
                return self.forward(model, inputs)[0]

        return Pass(seen[0], seen[1], once(again))

    def forward(self, model: nn.Module, inputs: Inputs) -> tuple[list[Output], Trace]:
        """The outputs of one pass over fresh inputs."""
        try:
            with on_device(self.device):
                by_place, by_name = draw(inputs, self.device)
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
            found = list(outputs_of(model(*by_place, **by_name)))[:MOST_OUTPUTS]
            if not found:
                raise Unmeasurable("output")
            index = chosen(found, self.request.output)
            found[index] = replace(found[index], tensor=applied(self.request.after, found[index], trace))
        return found, trace

    def summarize(self, rows: list[dict[str, Any]], seen: Pass, mode: str) -> None:
        """Adds the summaries of a pass to the rows of the outputs."""
        for index, output in enumerate(seen.outputs):
            if index == len(rows):
                activation = output.activation
                rows.append(
                    {
                        "name": output.name,
                        "shape": list(output.tensor.shape),
                        "dtype": str(output.tensor.dtype).removeprefix("torch."),
                        "train": [],
                        "eval": [],
                        "activation": activation and {"kind": activation.kind, "axis": activation.axis},
                    }
                )
            if self.device != "meta":
                again = partial_other(seen, index)
                rows[index][mode].append(summary(output, seen.trace, again, retain=True))

    def loss(self) -> LossMeasurement | str | None:
        """The loss to be measured, or why it cannot be."""
        if self.request.loss is None:
            return None
        try:
            return LossMeasurement(find_loss(self.request.loss, self.module.namespace))
        except NoLoss as error:
            return str(error)

    def add_loss(self, loss: LossMeasurement, seen: Pass) -> None:
        """Measures the loss on one pass."""
        index = chosen(seen.outputs, self.request.output)
        with on_device(self.device):
            loss.add(seen.outputs[index], seen.trace, partial_other(seen, index))

    def loss_reply(self, loss: LossMeasurement | str | None) -> dict[str, Any] | None:
        """The part of the facts about the loss."""
        if isinstance(loss, str) and self.request.loss is not None:
            name = self.request.loss.written or self.request.loss.name
            return {
                "name": name, "output": "", "written": [], "fixed": None, "fixed_as": "", "floor": None, "error": loss
            }  # fmt: skip
        return loss.reply() if isinstance(loss, LossMeasurement) else None

    def training(self, loss: LossMeasurement | str | None, inputs: Inputs) -> dict[str, Any] | None:
        """The curves of fitting one batch."""
        if not self.request.train_steps or not isinstance(loss, LossMeasurement) or self.device == "meta":
            return None
        model = self.built(0).train()
        sow(self.request.seed + 7)
        with on_device(self.device):
            by_place, by_name = draw(inputs, self.device)

        def forward(one: nn.Module) -> tuple[Output, Trace]:
            outputs, trace = self.outputs(one, inputs.batch, by_place, by_name)
            return outputs[chosen(outputs, self.request.output)], trace

        with on_device(self.device):
            return training(model, forward, loss, self.request.train_steps, self.request.seconds_left)


MOST_OUTPUTS = 12


def partial_other(seen: Pass, index: int) -> Callable[[], Any]:
    """Asks a pass for one output of another batch."""
    return lambda: seen.other(index)


def once(function: Callable[[], list[Output]]) -> Callable[[], list[Output]]:
    """The function, called at most once; nothing where it raises."""
    kept: list[list[Output]] = []

    def call() -> list[Output]:
        if not kept:
            try:
                kept.append(function())
            except Unmeasurable:
                kept.append([])
        return kept[0]

    return call


def on_meta(model: nn.Module) -> nn.Module:
    """The model without values."""
    return model.to("meta")


def sow(seed: int) -> None:
    """The same random numbers from here on, whatever the program did."""
    random.seed(seed)
    torch.manual_seed(seed)
    numpy = __import__("sys").modules.get("numpy")
    if numpy is not None and inspect.ismodule(numpy):
        numpy.random.seed(seed)
