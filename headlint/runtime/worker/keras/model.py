"""Building and measuring a model of Keras 3, on TensorFlow or on torch."""

from __future__ import annotations

import itertools
import math
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

import keras

from ..measuring.devices import plan_device
from ..measuring.measurement import SEARCH_SHARE, Found, LossMeter, Measured, measured, outputs_or_failure
from ..measuring.outputs import MOST_OUTPUTS, Output, Pass, chosen, dtype_of, row_of
from ..measuring.specs import Inputs, leaves_of
from ..measuring.starts import Slopes, Step
from ..measuring.suspects import Suspect, Suspects
from ..program.building import Recipe, make
from ..program.loading import Program, Slice
from ..program.sources import read_source
from ..program.standins import GUESSED
from ..reasons import TooLarge, Unmeasurable
from ..request import LossWanted, Request
from .calls import in_place_of_call
from .effects import ignored
from .evaluation import mixed, unrepeatable, with_other_sample
from .gradients import Tape, new_tape
from .inputs import call_parameters, declared_batch, declared_inputs, fresh_values, given_inputs, guessed_inputs
from .learning import without_gradient
from .legacy import accept_old_names
from .losses import LossMeasurement, find_loss
from .operations import applied
from .outputs import outputs_of, projection, summary, trainable
from .search import call, search
from .standins import cut_off_downloads
from .tensorflow_functions import accept_tensorflow_functions
from .training import steps
from .watch import Trace, seeing, watch_backend

TOO_SMALL = re.compile(r"zero or negative|[Nn]egative dimension")
"""What Keras says of images whose sides it takes for channels."""


class KerasAdapter:
    """Keras as the worker sees it."""

    def __init__(self) -> None:
        self.device = "cpu"
        self.added: list[int] = []
        """The sizes of the weights of the model that was made last."""

    def plan(self, device: str) -> str:
        """The device in place of ``auto``.

        Raises:
            Unmeasurable: the device is not available.
        """
        return plan_device(device, count_devices)

    def prepare(self, request: Request, program: Program) -> None:
        """Cuts off downloads, makes the names of older versions known, and fixes what random numbers come."""
        keras.utils.set_random_seed(request.seed)
        self.device = request.device
        cut_off_downloads(program.stubs)
        accept_old_names()
        accept_tensorflow_functions()
        watch_backend()
        count_parameters(self.added, request.most_parameters, lambda: self.device == "meta")

    def versions(self) -> dict[str, str]:
        """The versions of Keras and of what it runs on."""
        backend = keras.backend.backend()
        return {"keras": str(keras.__version__), backend: str(sys.modules[backend].__version__)}

    def is_model(self, value: Any) -> bool:
        """Whether a value is a model, or a layer that stands for one."""
        return isinstance(value, keras.layers.Layer)

    def is_model_class(self, value: Any) -> bool:
        """Whether a value is a class of models or layers."""
        return isinstance(value, type) and issubclass(value, keras.layers.Layer)

    def optimizers(
        self, module: Slice, name: str, step: Callable[[Any, Any], Step | None], recipe: Recipe
    ) -> list[dict[str, Any]]:
        """None: an optimizer of Keras takes the variables when it is applied."""
        return []

    def placed(self) -> AbstractContextManager[Any]:
        """While it lasts, what the program makes lies on the device; its parameters are counted from here on."""
        self.added.clear()
        device: AbstractContextManager[Any] = keras.device(name_of_device(self.device))
        return device

    def measure(self, recipe: Recipe, module: Slice, request: Request) -> Measured:
        """Builds the model for each draw and measures it.

        Raises:
            Unmeasurable: it cannot be built, or no inputs were found.
        """
        try:
            with keras.device(name_of_device(self.device)):
                return self.in_either_layout(recipe, module, request)
        except TooLarge as error:
            if keras.backend.backend() != "torch":
                raise Unmeasurable("too-large", str(error)) from None
        self.device = "meta"
        with keras.device(name_of_device(self.device)):
            return self.in_either_layout(recipe, module, request)

    def in_either_layout(self, recipe: Recipe, module: Slice, request: Request) -> Measured:
        """With channels last, and where the program rests on a setting outside of it, with channels first, as Theano had
        them.

        Raises:
            Unmeasurable: neither helps; the error is the first one.
        """
        try:
            return measured(KerasBench(self, recipe, module, request), request)
        except Unmeasurable as error:
            if keras.config.image_data_format() != "channels_last" or not TOO_SMALL.search(error.detail):
                raise
            first = error
        keras.config.set_image_data_format("channels_first")
        try:
            found = measured(KerasBench(self, recipe, module, request), request)
        except Unmeasurable:
            raise first from first.__cause__
        finally:
            keras.config.set_image_data_format("channels_last")
        return replace(found, assumed=(*found.assumed, "channels come first"))


ADAPTER = KerasAdapter
"""What the worker asks for."""


def name_of_device(device: str) -> str:
    """A device as Keras calls it: ``gpu:0``. Only torch has one for shapes alone; else the processor computes them."""
    kind, _, number = device.partition(":")
    if kind == "meta" and keras.backend.backend() == "torch":
        return "meta"
    return f"gpu:{number or 0}" if kind == "cuda" else "cpu"


def count_devices(kind: str) -> int:
    """How many accelerators of a kind Keras can use here; Metal is none of them."""
    if kind != "cuda":
        return 0
    if keras.backend.backend() == "tensorflow":
        return len(sys.modules["tensorflow"].config.list_physical_devices("GPU"))
    return int(sys.modules["torch"].cuda.device_count())


def count_parameters(added: list[int], most: int, unlimited: Callable[[], bool]) -> None:
    """From here on the sizes of weights are noted where they are made.

    Making more than ``most`` parameters raises TooLarge.
    """
    add_weight = keras.layers.Layer.add_weight

    def counting(self: Any, *arguments: Any, **keywords: Any) -> Any:
        shape = keywords.get("shape", arguments[0] if arguments else ()) or ()
        added.append(
            math.prod(int(length or 1) for length in (shape if isinstance(shape, (tuple, list)) else (shape,)))
        )
        if sum(added) > most and not unlimited():
            raise TooLarge(f"more than {most} parameters")
        return add_weight(self, *arguments, **keywords)

    keras.layers.Layer.add_weight = counting


@dataclass
class KerasBench:
    """One recipe."""

    adapter: KerasAdapter
    recipe: Recipe
    module: Slice
    request: Request
    build_seconds: float = 0.0
    forward_seconds: float = 0.0

    @property
    def device(self) -> str:
        """Where it is built."""
        return self.adapter.device

    @property
    def symbolic(self) -> bool:
        """Whether only shapes are computed there."""
        return self.device == "meta"

    def build(self, draw: int) -> Any:
        """A new model, its weights drawn anew.

        Raises:
            Unmeasurable: it cannot be built.
        """
        begun = time.perf_counter()
        keras.utils.set_random_seed(self.request.seed + draw)
        self.adapter.added.clear()
        model = make(self.recipe, self.adapter)
        if name := in_place_of_call(model):
            type(model).call = getattr(type(model), name)
            model = make(self.recipe, self.adapter)
            GUESSED.append(f"{name} in place of call")
        self.build_seconds += time.perf_counter() - begun
        return model

    def find(self) -> Found:
        """The model and inputs that it takes.

        Raises:
            Unmeasurable: it cannot be built, or there are none.
        """
        model = self.build(0)
        declared = declared_inputs(model)
        if self.request.inputs:
            guesses, origin = [given_inputs(model, self.request.inputs, call_parameters(model))], "--input"
        elif declared is not None:
            samples = declared_batch(model)
            guesses = [declared, *([declared.of_batch(samples)] if samples else [])]
            origin = "the model's own Input"
        else:
            guesses, origin = guessed_inputs(model, (), self.request.path), "search"
        if declared is not None and (known := self.as_declared(model, declared.lighter())) is not None:
            self.request.early(known)
        waiting = [model] if declared is not None or not model.built else []

        def fresh() -> Any:
            return waiting.pop() if waiting else self.build(0)

        seconds = max(self.request.seconds_left, 0.0) * SEARCH_SHARE
        try:
            model, inputs = search(fresh, guesses, True, seconds)
            return Found(model, inputs, origin)
        except Unmeasurable as error:
            try:
                model, inputs = search(fresh, guesses, False, seconds)
            except Unmeasurable:
                raise error from error.__cause__
            return Found(model, inputs, origin, ("eval",))

    def as_declared(self, model: Any, inputs: Inputs) -> Measured | None:
        """What a model says of itself without a pass, should one take too long; None where it leaves sizes open."""
        named = [(one.name, one.tensor) for one in outputs_of(getattr(model, "outputs", ()))]
        if not named or any(None in tensor.shape[1:] for _, tensor in named):
            return None
        symbols = [(name, keras.KerasTensor((inputs.batch, *one.shape[1:]), one.dtype)) for name, one in named]
        rows = [row_of(Output(name if len(symbols) > 1 else "", symbol)) for name, symbol in symbols]
        return Measured(
            inputs=inputs.texts(),
            input_origin="the model's own Input",
            outputs=rows,
            parameters=self.count(model),
            modes=(),
            device=self.device,
            seconds=self.seconds(),
        )

    def run(self, model: Any, inputs: Inputs, train: bool, draw: int) -> Pass:
        """One pass that can be differentiated.

        Raises:
            Unmeasurable: the model raises, or gives no tensor.
        """
        if self.symbolic:
            return self.shapes_only(model, inputs)
        tape = new_tape()
        seed = self.request.seed + 101 * (draw + 1) + train
        begun = time.perf_counter()
        with tape.recording():
            outputs, trace = self.forward(model, inputs, train, seed)
        self.forward_seconds += time.perf_counter() - begun
        return Pass(outputs, trace, lambda: self.forward(model, inputs, train, seed + 1009)[0], tape)

    def forward(self, model: Any, inputs: Inputs, train: bool, seed: int) -> tuple[list[Output], Trace]:
        """The outputs of one pass over fresh inputs, the chosen one after what the program does to it.

        Raises:
            Unmeasurable: the model raises, or there is no tensor among its outputs.
        """
        keras.utils.set_random_seed(seed)
        by_place, by_name = fresh_values(inputs, seed)
        try:
            with seeing(model, inputs.batch) as trace:
                found = outputs_or_failure(outputs_of(call(model, by_place, by_name, train)), MOST_OUTPUTS)
        except Unmeasurable:
            raise
        except Exception as error:  # whatever the user's code raises
            raise Unmeasurable("inputs", f"{type(error).__name__}: {error}") from error
        index = chosen(found, self.request.output)
        found[index] = replace(found[index], tensor=applied(self.request.after, found[index]))
        return found, trace

    def shapes_only(self, model: Any, inputs: Inputs) -> Pass:
        """What can be said without values: the shapes of a symbolic pass."""
        with seeing(model, inputs.batch) as trace:
            by_place, by_name = fresh_values(inputs, seed=0)
            symbols = keras.tree.map_structure(lambda one: keras.KerasTensor(one.shape, dtype_of(one)), by_place)
            found = outputs_or_failure(outputs_of(model(*symbols, **by_name)), MOST_OUTPUTS)
        return Pass(found, trace, list)

    def summary(self, seen: Pass, index: int) -> dict[str, Any]:
        """What is to be said about one output."""
        return summary(seen, index)

    def meter(self, wanted: LossWanted) -> LossMeter:
        """The loss that is to be measured.

        Raises:
            NoLoss: nothing of that name can be made or called.
        """
        return LossMeasurement(find_loss(wanted, self.module.namespace))

    def fit(self, model: Any, inputs: Inputs, loss: LossMeter, fix: bool) -> Iterator[float]:
        """Endless steps on one batch."""
        assert isinstance(loss, LossMeasurement)

        def forward() -> tuple[Output, Tape]:
            seen = self.run(model, inputs, True, 7)
            return seen.outputs[chosen(seen.outputs, self.request.output)], seen.tape

        return steps(model, forward, loss, fix)

    def slopes(self, model: Any, inputs: Inputs, loss: LossMeter | None) -> Slopes | None:
        """None: not measured."""

    def step(self, model: Any, optimizer: Any, inputs: Inputs, loss: LossMeter | None) -> Step | None:
        """None: an optimizer of Keras takes the variables when it is applied."""

    def observe(self, model: Any, inputs: Inputs, draw: int) -> Suspects:
        """What the parts of the model do."""
        seeds = itertools.count(self.request.seed + 503 * (draw + 1))

        def run() -> tuple[Any, Tape, Trace, bool]:
            tape = new_tape()
            with tape.recording():
                outputs, trace = self.forward(model, inputs, True, next(seeds))
                floating = [one.tensor for one in outputs if "float" in dtype_of(one.tensor)]
                scalars = [projection(one) for one in floating]
                whole = sum(scalars[1:], scalars[0])
            learns = [any(one is not None for one in tape.gradients(scalar, trainable(trace))) for scalar in scalars]
            return whole, tape, trace, all(learns)

        def again(seed: int = 0, changed: bool = False) -> list[Output]:
            values = fresh_values(inputs, self.request.seed + 701)
            by_place, by_name = with_other_sample(values, inputs.batch) if changed else values
            keras.utils.set_random_seed(self.request.seed + 809 + seed)
            with seeing(model, inputs.batch):
                return list(outputs_of(call(model, by_place, by_name, False)))

        try:
            together = mixed(lambda changed: again(changed=changed), inputs.batch)
            silent = without_gradient(model, run, self.request.root)
            return Suspects(silent, together, unrepeatable(again), self.ignored(model, inputs))
        except Exception:  # whatever the user's code raises: what could not be seen is not reported
            return Suspects()

    def ignored(self, model: Any, inputs: Inputs) -> tuple[Suspect, ...]:
        """The inputs that have no effect; none where a loss that the model adds may take what the output does not show."""
        if "add_loss" in read_source(self.request.path):
            return ()

        def run(given: Any, train: bool) -> list[Output]:
            by_place, by_name = given
            keras.utils.set_random_seed(self.request.seed + 907)
            with seeing(model, inputs.batch):
                return list(outputs_of(call(model, by_place, by_name, train)))

        values = list(fresh_values(inputs, self.request.seed + 701))
        ordered = sorted(inputs.specs, key=lambda one: one[0] in inputs.keywords)
        names = [name for one in ordered for name, _ in leaves_of(*one)]
        return ignored(model, names, values, run)

    def count(self, model: Any) -> int:
        """How many parameters it has."""
        return int(model.count_params()) if model.built else 0

    def seconds(self) -> dict[str, float]:
        """What building and running took."""
        return {"build": round(self.build_seconds, 3), "forward": round(self.forward_seconds, 3)}
