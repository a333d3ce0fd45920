"""Measuring a torch module, its loss and its optimizer, in place."""

from __future__ import annotations

import copy
import inspect
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from headlint.findings.finding import Place
from headlint.inspection.batches import Batch, split
from headlint.inspection.facts import Facts
from headlint.inspection.places import line_place, running_place
from headlint.inspection.torch_state import preserved
from headlint.inspection.torch_watch import Watch, values_of
from headlint.runtime.worker.measuring.outputs import MOST_OUTPUTS, largest
from headlint.runtime.worker.measuring.suspects import Suspect, Suspects
from headlint.runtime.worker.torch.effects import ignored
from headlint.runtime.worker.torch.evaluation import unrepeatable
from headlint.runtime.worker.torch.gradient_values import not_numbers
from headlint.runtime.worker.torch.gradients import passes_of, without_gradient
from headlint.runtime.worker.torch.mixing import mixed, relates_samples, with_other_sample
from headlint.runtime.worker.torch.outputs import outputs_of

LEARNING_RATE = 1e-3
"""Of Adam, for fitting one batch: large models are not thrown off by it."""

SLOW = 2.0
"""Seconds of a pass above which it is not repeated for what only several passes show."""

SCORES = ("logits", "out", "scores", "prediction")
"""What a model calls the output that a loss of torch takes."""


def measure(model: nn.Module, given: Any, loss: Callable[..., Any] | None, optimizer: Any, steps: int) -> Facts:
    """Everything about the model; afterwards it is as before.

    Raises whatever the model itself raises on the batch.
    """
    begun = time.perf_counter()
    if any(nn.parameter.is_lazy(one) for one in (*model.parameters(), *model.buffers())):
        model = copy.deepcopy(model)  # its first call gives the weights their shape, which cannot be undone
    place = _definition(model) or running_place()
    with preserved(model, optimizer), torch.enable_grad():
        batch = _moved(split(given, model.forward, loss is not None), _device(model))
        return _Inspection(model, batch, loss, optimizer, steps, place, begun).facts()


class _Inspection:
    """One inspection, within which the model may be changed."""

    def __init__(
        self, model: nn.Module, batch: Batch, loss: Any, optimizer: Any, steps: int, place: Place, begun: float
    ) -> None:
        self._model, self._batch, self._loss = model, batch, loss
        self._optimizer, self._steps, self._place, self._begun = optimizer, steps, place, begun

    def facts(self) -> Facts:
        """Everything about the model."""
        model = self._model
        trainable = [(name, one) for name, one in model.named_parameters() if one.requires_grad]
        begun = time.perf_counter()
        output, value, error, watch = self._passed()
        a_pass = time.perf_counter() - begun
        found = list(outputs_of(output))[:MOST_OUTPUTS]
        outputs = tuple(values_of(one.tensor, max(one.tensor.dim() - 1, 0)) for one in found)
        differentiable = isinstance(value, torch.Tensor) and value.requires_grad
        missing: tuple[str, ...] = ()
        zero = False
        if differentiable:
            gradients = torch.autograd.grad(value, [one for _, one in trainable], allow_unused=True)
            missing = tuple(name for (name, _), one in zip(trainable, gradients, strict=True) if one is None)
            known = [one for one in gradients if one is not None]
            zero = bool(known) and float(value.detach()) != 0 and all(largest(one.detach()) == 0 for one in known)
        suspects = self._suspects(a_pass) if differentiable else Suspects()
        written, fixed = self._fitted(trainable, differentiable)
        return Facts(
            framework="torch",
            model=type(model).__name__,
            place=self._place,
            outputs=outputs,
            losses=tuple(watch.taken),
            loss=float(value.detach()) if isinstance(value, torch.Tensor) else None,
            loss_differentiable=differentiable,
            error=error,
            constant=self._constant(found),
            zero_gradient=zero,
            without_gradient=missing,
            suspects=suspects,
            not_in_optimizer=self._not_in_optimizer(trainable),
            trainable=len(trainable),
            written=written,
            fixed=fixed,
            seconds=time.perf_counter() - self._begun,
        )

    def _suspects(self, seconds: float) -> Suspects:
        """What the parts of the model do; of a model whose pass takes long only whether they get a gradient."""
        slow = seconds > SLOW
        seen = passes_of(self._model, self._loss_of_a_pass, 1 if slow else 2)
        silent = without_gradient(self._model, seen) + not_numbers(self._model, seen, self._loss_of_a_pass)
        has_own_step = self._loss is None and callable(getattr(self._model, "training_step", None))
        if slow or has_own_step:
            return Suspects(silent)
        self._model.eval()
        try:
            twice = unrepeatable(self._model, self._evaluated)
            return Suspects(silent, self._mixed(), twice, self._ignored())
        except Exception:  # a model may refuse the batch in evaluation mode, or without its labels
            return Suspects(silent)

    def _loss_of_a_pass(self) -> list[Any]:
        """The loss of one pass, from which training starts."""
        return [self._passed()[1]]

    def _ignored(self) -> tuple[Suspect, ...]:
        """The inputs and the columns of tables that have no effect."""
        count, model = len(self._batch.positional), self._model
        values = {**{str(place): one for place, one in enumerate(self._batch.positional)}, **self._batch.keywords}
        names = dict(zip(map(str, range(count)), list(inspect.signature(model.forward).parameters), strict=False))

        def run(given: Mapping[str, Any], train: bool) -> list[Any]:
            torch.manual_seed(0)
            model.train(train)
            positional = [given[names.get(str(place), str(place))] for place in range(count)]
            found = outputs_of(model(*positional, **{name: given[name] for name in self._batch.keywords}))
            return [one.tensor for one in found]

        return ignored(model, {names.get(name, name): one for name, one in values.items()}, run, False, True)

    def _mixed(self) -> tuple[Suspect, ...]:
        """What mixes the samples of the batch, where the labels say how many there are."""
        labels, given = self._batch.labels, (self._batch.positional, self._batch.keywords)
        if (
            not isinstance(labels, torch.Tensor)
            or labels.dim() not in (1, 2)
            or relates_samples(list(given), len(labels))
        ):
            return ()
        return mixed(self._model, self._prepared, len(labels), self._is_first(len(labels), labels))

    def _is_first(self, batch: int, labels: Any) -> bool:
        """Whether the first axis of the inputs is surely the batch: there is one label for each, and no other axis is as
        long."""
        inputs = [
            one for one in (*self._batch.positional, *self._batch.keywords.values()) if isinstance(one, torch.Tensor)
        ]
        whole = labels.dim() == 1 or labels.shape[1] == 1
        return whole and all(len(one) == batch and batch not in one.shape[1:] for one in inputs if one.dim())

    def _evaluated(self, seed: int) -> list[Any]:
        """What the model gives in evaluation mode, from the random numbers of a seed."""
        return self._prepared(False, seed)()

    def _prepared(self, changed: bool, seed: int = 0) -> Callable[[], list[Any]]:
        """A pass in evaluation mode, on request with one sample changed."""
        torch.manual_seed(seed)
        given = (self._batch.positional, self._batch.keywords)
        positional, keywords = with_other_sample(given, len(self._batch.labels)) if changed else given

        def run() -> list[Any]:
            torch.manual_seed(seed)
            found = outputs_of(self._model(*positional, **keywords))
            return [one.tensor for one in found if one.tensor.is_floating_point()]

        return run

    def _passed(self) -> tuple[Any, Any, str, Watch]:
        """One pass in training mode; in evaluation mode where the batch is too small for the other."""
        self._model.train()
        try:
            return self._run()
        except ValueError as error:
            if "more than 1 value per channel" not in str(error):
                raise
        self._model.eval()
        return self._run()

    def _run(self, fixing: bool = False) -> tuple[Any, Any, str, Watch]:
        """What the model gives, the loss, what the loss raised, and what was seen."""
        watch = Watch(self._model, fixing)
        step = getattr(self._model, "training_step", None)
        with watch, watch.layers():
            if self._loss is None and callable(step):
                for name in ("log", "log_dict"):
                    vars(self._model)[name] = _log_nothing
                returned = _training_step(step, self._batch.whole)
                return None, _own_loss(returned), "", watch
            output = self._model(*self._batch.positional, **self._batch.keywords)
            if self._loss is None:
                return output, _own_loss(output), "", watch
            try:
                value = self._called(output)
            except Exception as error:  # what a loss raises about what it was given is a result
                return output, None, f"{type(error).__name__}: {error}", watch
        return output, value.mean() if isinstance(value, torch.Tensor) and value.dim() else value, "", watch

    def _called(self, output: Any) -> Any:
        assert self._loss is not None
        plain = isinstance(self._loss, nn.Module) or getattr(self._loss, "__module__", "") == "torch.nn.functional"
        given = _scores(output) if plain else output
        return self._loss(given, self._batch.labels) if self._batch.has_labels else self._loss(given)

    def _constant(self, found: list[Any]) -> bool:
        """Whether all samples give exactly the same although they differ, and not because the last weights are zero."""
        if len(found) != 1 or not found[0].tensor.is_floating_point():
            return False
        values = found[0].tensor.detach()
        inputs = [one for one in (*self._batch.positional, *self._batch.keywords.values()) if _is_batch(one, values)]
        if values.dim() < 2 or len(values) < 2 or not inputs:
            return False
        differ = all(bool((one != one[:1]).flatten(1).any(dim=1)[1:].all()) for one in inputs)
        same = not bool((values != values[:1]).any())
        weights = [one for one in self._model.parameters() if one.dim() > 1]
        return differ and same and bool(weights) and all(bool(one.detach().any()) for one in weights)

    def _not_in_optimizer(self, trainable: list[tuple[str, Any]]) -> tuple[str, ...]:
        if self._optimizer is None:
            return ()
        held = {id(one) for group in self._optimizer.param_groups for one in group["params"]}
        return tuple(name for name, one in trainable if id(one) not in held)

    def _fitted(
        self, trainable: list[tuple[str, Any]], differentiable: bool
    ) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """The losses of fitting this batch, as written and after the fix."""
        if not self._steps or not differentiable:
            return (), ()
        written, _ = self._fit(trainable, fixing=False)
        fixed, changed = self._fit(trainable, fixing=True)
        return written, fixed if changed else ()

    def _fit(self, trainable: list[tuple[str, Any]], fixing: bool) -> tuple[tuple[float, ...], bool]:
        losses: list[float] = []
        changed = False
        with preserved(self._model, self._optimizer):
            torch.manual_seed(0)
            adam = torch.optim.Adam([one for _, one in trainable], lr=LEARNING_RATE)
            for _ in range(self._steps + 1):
                _, value, _, watch = self._run(fixing)
                if (fixing and not watch.fixed) or not (isinstance(value, torch.Tensor) and value.requires_grad):
                    break
                changed = True
                losses.append(float(value.detach()))
                adam.zero_grad()
                value.backward()
                adam.step()
        return tuple(losses), changed


def _training_step(step: Callable[..., Any], batch: Any) -> Any:
    """A Lightning module's own step."""
    names = list(inspect.signature(step).parameters)
    return step(batch, 0) if len(names) > 1 else step(batch)


def _log_nothing(*arguments: Any, **keywords: Any) -> None:
    """In place of a Lightning module's log: no trainer waits for what it gives."""


def _own_loss(output: Any) -> Any:
    """The loss that a model returns itself; None where it returns none."""
    found = output.get("loss") if isinstance(output, Mapping) else getattr(output, "loss", None)
    if isinstance(found, torch.Tensor) and found.is_floating_point():
        return found.mean()
    if isinstance(output, torch.Tensor):
        return output if output.dim() == 0 else None
    parts = list(output.values()) if isinstance(output, Mapping) else []
    if parts and all(isinstance(one, torch.Tensor) and one.dim() == 0 for one in parts):
        return torch.stack(parts).sum()  # the losses of a detector
    first = output[0] if isinstance(output, (tuple, list)) and output else None
    return first if isinstance(first, torch.Tensor) and first.dim() == 0 and first.requires_grad else None


def _scores(output: Any) -> Any:
    """The tensor that a loss of torch takes, of what the model gives."""
    if isinstance(output, torch.Tensor):
        return output
    for name in SCORES:
        part = output.get(name) if isinstance(output, Mapping) else getattr(output, name, None)
        if isinstance(part, torch.Tensor):
            return part
    return next((one.tensor for one in outputs_of(output) if one.tensor.is_floating_point()), output)


def _is_batch(value: Any, output: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.dim() > 1 and len(value) == len(output)


def _device(model: nn.Module) -> Any:
    one = next(model.parameters(), None)
    return one.device if one is not None else None


def _moved(batch: Batch, device: Any) -> Batch:
    """The batch where the model is."""

    def moved(value: Any) -> Any:
        match value:
            case torch.Tensor():
                return value.to(device) if device is not None else value
            case dict():
                return {key: moved(one) for key, one in value.items()}
            case tuple() if hasattr(value, "_fields"):
                return type(value)(*map(moved, value))
            case list() | tuple():
                return type(value)(map(moved, value))
        return value

    return Batch(
        moved(batch.whole), moved(batch.positional), moved(batch.keywords), moved(batch.labels), batch.has_labels
    )


def _definition(model: nn.Module) -> Place | None:
    """Where the model's class is written; None where that is torch itself."""
    cls = type(model)
    if cls.__module__.partition(".")[0] == "torch":
        return None
    try:
        path = inspect.getsourcefile(cls)
        _, line = inspect.getsourcelines(cls)
    except (OSError, TypeError):
        return None
    return line_place(path, line) if path else None
