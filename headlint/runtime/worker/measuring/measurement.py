"""The measurement of one model, the same for every framework: what a framework must answer is the ``Bench``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..reasons import Unmeasurable
from ..request import LossWanted, Request
from .fitting import fitted_both_ways
from .losses import LossRecord, NoLoss
from .outputs import Output, Pass, chosen, row_of
from .specs import Inputs
from .starts import Slopes, Step
from .suspects import Suspects, agreed

SEARCH_SHARE = 0.5
"""Part of the time left that the search for inputs may take."""

MODES = ("train", "eval")


@dataclass(frozen=True)
class Measured:
    """What was found out about one model. ``layers``, ``outputs``, ``loss`` and ``training`` are parts of the reply as
    the protocol has them; ``seconds`` holds ``build`` and ``forward``."""

    inputs: tuple[str, ...]
    input_origin: str
    outputs: list[dict[str, Any]]
    layers: list[dict[str, Any]] = field(default_factory=list)
    parameters: int = 0
    modes: tuple[str, ...] = MODES
    draws: int = 0
    assumed: tuple[str, ...] = ()
    device: str = "cpu"
    loss: dict[str, Any] | None = None
    training: dict[str, Any] | None = None
    suspects: Suspects | None = None
    slopes: Slopes | None = None
    step: Callable[[Any, Any], Step | None] = lambda model, optimizer: None
    """Takes a step of an optimizer of the program over a model of its own."""
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """A built model and inputs that it takes, how they were found, and the modes in which it takes them."""

    model: Any
    inputs: Inputs
    origin: str
    modes: tuple[str, ...] = MODES


class LossMeter(Protocol):
    """The loss of the program: called on what the model gives, and on what it would be given after the fix."""

    record: LossRecord

    def add(self, output: Output, seen: Pass, index: int) -> None:
        """Measures one draw. What the loss raises is noted, not raised."""

    def reply(self) -> dict[str, Any]:
        """The part of the facts."""


class Bench(Protocol):
    """One recipe on one device: everything that a framework must answer to be measured."""

    @property
    def device(self) -> str:
        """Where it is built and run."""

    @property
    def symbolic(self) -> bool:
        """Whether only shapes are computed there."""

    def find(self) -> Found:
        """Builds the model and finds inputs for it.

        Raises:
            Unmeasurable: it cannot be built, or there are none.
        """

    def build(self, draw: int) -> Any:
        """A new model, its weights drawn anew.

        Raises:
            Unmeasurable: it cannot be built.
        """

    def run(self, model: Any, inputs: Inputs, train: bool, draw: int) -> Pass:
        """One pass that can be differentiated; the chosen output is what the program makes of it.

        Raises:
            Unmeasurable: the model raises, or gives no tensor.
        """

    def summary(self, seen: Pass, index: int) -> dict[str, Any]:
        """What is to be said about the values of one output and the gradient through it."""

    def meter(self, wanted: LossWanted) -> LossMeter:
        """The loss that is to be measured.

        Raises:
            NoLoss: nothing of that name can be made or called.
        """

    def observe(self, model: Any, inputs: Inputs, draw: int) -> Suspects:
        """What the parts of the model do in training mode and in evaluation mode; nothing where that cannot be seen."""

    def slopes(self, model: Any, inputs: Inputs, loss: LossMeter | None) -> Slopes | None:
        """The gradient that training starts with; None where it is not measured."""

    def step(self, model: Any, optimizer: Any, inputs: Inputs, loss: LossMeter | None) -> Step | None:
        """One step of an optimizer over a model; None where none can be taken."""

    def fit(self, model: Any, inputs: Inputs, loss: LossMeter, fix: bool) -> Iterator[float]:
        """Endless steps on one batch from the same weights at each call."""

    def count(self, model: Any) -> int:
        """How many parameters it has."""

    def seconds(self) -> dict[str, float]:
        """What building and running took."""


def measured(bench: Bench, request: Request) -> Measured:
    """Everything about a model. What is known before the end is told to ``request.early``, should the time run out.

    Raises:
        Unmeasurable: it cannot be built, or no inputs were found.
    """
    found = bench.find()
    model = found.model
    rows: list[dict[str, Any]] = []
    layers: list[dict[str, Any]] = []
    loss = _meter(bench, request)
    meter = None if isinstance(loss, str) else loss
    observed: list[Suspects] = []
    slopes: Slopes | None = None
    draws, longest = 0, 0.0

    def so_far(outputs: list[dict[str, Any]], training: dict[str, Any] | None = None) -> Measured:
        return Measured(
            inputs=found.inputs.texts(),
            input_origin=found.origin,
            outputs=outputs,
            layers=layers,
            parameters=bench.count(model),
            modes=found.modes,
            draws=draws,
            device=bench.device,
            loss=_loss_reply(loss, request) if draws else None,
            training=training,
            suspects=agreed(observed),
            slopes=slopes,
            step=lambda model, optimizer: bench.step(model, optimizer, found.inputs, meter),
            seconds=bench.seconds(),
        )

    for number in range(1 if bench.symbolic else request.draws):
        if number and longest * 1.3 > request.seconds_left:
            break
        begun = time.perf_counter()
        model = bench.build(number) if number else model
        for mode in found.modes:
            seen = bench.run(model, found.inputs, mode == "train", number)
            layers = layers or seen.trace.layers
            if not number and mode == found.modes[0]:
                request.early(so_far([row_of(output) for output in seen.outputs]))
            _summarize(bench, rows, seen, mode)
            if mode == found.modes[0] and meter is not None and not bench.symbolic:
                index = chosen(seen.outputs, request.output)
                meter.add(seen.outputs[index], seen, index)
        if not bench.symbolic and not number and found.modes == MODES and _has_time(bench, request, draws + 1):
            slopes = bench.slopes(model, found.inputs, meter)
        if not bench.symbolic and found.modes == MODES and _has_time(bench, request, draws + 1):
            observed.append(bench.observe(model, found.inputs, number))
        draws += 1
        longest = max(longest, time.perf_counter() - begun)
        request.early(so_far(rows))
    return so_far(rows, _training(bench, loss, found.inputs, request))


OBSERVING = 10
"""How many passes ``observe`` takes, about."""


def _has_time(bench: Bench, request: Request, draws: int) -> bool:
    """Whether there is time to observe the parts of the model beside what is measured anyway."""
    a_pass = bench.seconds().get("forward", 0.0) / (len(MODES) * draws)
    return OBSERVING * a_pass < request.seconds_left / 3


def _summarize(bench: Bench, rows: list[dict[str, Any]], seen: Pass, mode: str) -> None:
    """Adds the summaries of a pass to the rows of the outputs."""
    for index, output in enumerate(seen.outputs):
        if index == len(rows):
            rows.append(row_of(output))
        if not bench.symbolic:
            rows[index][mode].append(bench.summary(seen, index))


def _meter(bench: Bench, request: Request) -> LossMeter | str | None:
    """The loss to be measured, or why it cannot be."""
    try:
        return bench.meter(request.loss) if request.loss is not None else None
    except NoLoss as error:
        return str(error)


def _loss_reply(loss: LossMeter | str | None, request: Request) -> dict[str, Any] | None:
    match loss:
        case None:
            return None
        case str() if request.loss is not None:
            return LossRecord(error=loss).reply(request.loss.written or request.loss.name, None)
        case str():
            return None
    return loss.reply()


def _training(bench: Bench, loss: LossMeter | str | None, inputs: Inputs, request: Request) -> dict[str, Any] | None:
    """The curves of fitting one batch."""
    if not request.train_steps or loss is None or isinstance(loss, str) or bench.symbolic:
        return None
    model = bench.build(0)
    bench.run(model, inputs, True, 7)  # layers that are made at their first call have their weights from here on

    def fit(fix: bool) -> Iterator[float]:
        return bench.fit(model, inputs, loss, fix)

    return fitted_both_ways(fit, bool(loss.record.fixed), request.train_steps, request.seconds_left)


def outputs_or_failure(found: Iterator[Output], most: int) -> list[Output]:
    """The outputs of a pass.

    Raises:
        Unmeasurable: there is no tensor among them.
    """
    outputs = [one for one, _ in zip(found, range(most), strict=False)]
    if not outputs:
        raise Unmeasurable("output")
    return outputs
