"""PyTorch models: built on a device, run in training and evaluation mode, and measured."""

from __future__ import annotations

import copy
import inspect
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
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
from ..measuring.mentions import written_at
from ..measuring.outputs import MOST_OUTPUTS, Output, Pass, chosen
from ..measuring.pass_source import batch_is_written_first, unread_masks
from ..measuring.specs import Inputs
from ..measuring.suspects import Suspect, Suspects
from ..program.building import Recipe, make
from ..program.loading import Program, Slice
from ..program.optimizers import optimizers_over
from ..reasons import TooLarge, Unmeasurable, out_of_memory
from ..request import LossWanted, Request
from .devices import OnDevice, count_devices, limit_memory
from .effects import ignored, pads
from .evaluation import unrepeatable
from .examples import written_inputs
from .gradient_values import dead, not_numbers
from .gradients import without_gradient
from .inputs import first_inputs, fresh_values, inputs_of_example, required_parameters
from .losses import LossMeasurement, find_loss
from .mixing import mixed, relates_samples, with_other_sample
from .operations import applied
from .outputs import outputs_of, summary
from .repairs import repairs
from .search import search
from .standins import cut_off_downloads, without_cuda
from .training import steps
from .watch import Trace, seeing

SMALL = 3_000_000
"""Parameters up to which inputs are searched with real values; above, shapes are searched without memory first."""


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

    def optimizers(self, module: Slice, name: str) -> list[dict[str, Any]]:
        """What the optimizers of the program hold of the model."""
        found = []
        try:
            for built in optimizers_over(module, name):
                held = {id(one) for group in built.optimizer.param_groups for one in group["params"]}
                trained = [(key, one) for key, one in built.model.named_parameters() if one.requires_grad]
                missing = [key for key, one in trained if id(one) not in held]
                found.append({"line": built.line, "missing": missing, "parameters": len(trained), "whole": built.whole})
        except Exception:  # whatever the user's statements raise: an optimizer that is not built shows nothing
            return found
        return found

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


ADAPTER = TorchAdapter
"""What the worker asks for."""


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
class TorchBench:
    """One recipe on one device."""

    adapter: TorchAdapter
    recipe: Recipe
    module: Slice
    request: Request
    device: str
    spent: Seconds = field(default_factory=Seconds)

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
        model = model.to(self.device) if self.device != "meta" else on_meta(model)
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
                [*written_inputs(self.module, required_parameters(model)), first_inputs(model, ())],
                "search",
            )
        if self.count(model) > SMALL and self.device != "meta":
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
        return lambda: waiting.pop() if waiting else self.build(0)

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
            outputs, trace = self.outputs(model.train(), inputs.batch, by_place, by_name)
            return outputs[chosen(outputs, self.request.output)], trace

        with on_device(self.device):
            yield from steps(model, forward, loss, fix)

    def observe(self, model: nn.Module, inputs: Inputs, draw: int) -> Suspects:
        """What the parts of the model do."""

        def run() -> list[Any]:
            with on_device(self.device):
                by_place, by_name = fresh_values(inputs, self.device)
                return [one.tensor for one in outputs_of(model(*by_place, **by_name))]

        def prepared(changed: bool, seed: int = 0) -> Callable[[], list[Any]]:
            sow(self.request.seed + 701)
            with on_device(self.device):
                values = fresh_values(inputs, self.device)
                by_place, by_name = with_other_sample(values, inputs.batch) if changed else values

            def again() -> list[Any]:
                sow(self.request.seed + 809 + seed)
                with on_device(self.device):
                    return [one.tensor for one in outputs_of(model(*by_place, **by_name))]

            return again

        sow(self.request.seed + 503 * (draw + 1))
        try:
            silent = without_gradient(model.train(), run, root=self.request.root)
            silent += not_numbers(model, run) or dead(model, run, given=bool(self.request.inputs))
            graph = relates_samples(list(fresh_values(inputs, self.device)), inputs.batch)
            model.eval()
            first = batch_is_written_first(model.forward)
            together = () if graph else mixed(model, prepared, inputs.batch, first)
            twice = unrepeatable(model, lambda seed: prepared(False, seed)())
            return Suspects(silent, together, twice, self.ignored(model, inputs))
        except Exception:  # whatever the user's code raises: what could not be seen is not reported
            return Suspects()

    def ignored(self, model: nn.Module, inputs: Inputs) -> tuple[Suspect, ...]:
        """The inputs that have no effect; columns of them only where the user said how many there are."""
        with on_device(self.device):
            by_place, by_name = fresh_values(inputs, self.device)
        names = [name for name, _ in inputs.specs if name not in inputs.keywords]
        values = {**dict(zip(names, by_place, strict=True)), **by_name}

        def run(given: Mapping[str, Any], train: bool) -> list[Any]:
            sow(self.request.seed + 907)
            model.train(train)
            with on_device(self.device):
                outputs = model(*(given[name] for name in names), **{name: given[name] for name in by_name})
                return [one.tensor for one in outputs_of(outputs)]

        unread = () if self.request.root is None else unread_masks(model.forward, self.request.root)
        place = written_at(model, "forward")
        found = ignored(model, values, run, features=bool(self.request.inputs))
        return (*found, *(Suspect(name, "input", "input", 0, *place) for name in unread if pads(model)))

    def count(self, model: nn.Module) -> int:
        """How many parameters it has."""
        return sum(one.numel() for one in model.parameters() if not nn.parameter.is_lazy(one))

    def seconds(self) -> dict[str, float]:
        """What building and running took."""
        return {"build": round(self.spent.build, 3), "forward": round(self.spent.forward, 3)}


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


def sow(seed: int) -> None:
    """The same random numbers from here on, whatever the program did."""
    random.seed(seed)
    torch.manual_seed(seed)
    numpy = __import__("sys").modules.get("numpy")
    if numpy is not None and inspect.ismodule(numpy):
        numpy.random.seed(seed)
