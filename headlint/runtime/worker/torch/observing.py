"""What the parts of a built model do: whether they learn, mix samples, stay random, and look at what they are given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from ..measuring.mentions import written_at
from ..measuring.pass_source import batch_is_written_first, unread_masks
from ..measuring.specs import Inputs
from ..measuring.suspects import Suspect, Suspects
from ..request import Request
from .devices import on_device, sow
from .documented import has_batch_elsewhere
from .effects import ignored, pads
from .evaluation import unrepeatable
from .gradient_values import dead, not_numbers
from .gradients import passes_of, without_gradient
from .inputs import fresh_values, written_pass
from .mixing import mixed, relates_samples, with_other_sample
from .outputs import outputs_of
from .passes import in_mode


@dataclass(frozen=True)
class Observation:
    """One model, the inputs that it takes, and where it is."""

    model: nn.Module
    inputs: Inputs
    request: Request
    device: str

    def suspects(self) -> Suspects:
        """The parts that do not do what they are there for; none where the program raises."""
        model, inputs = self.model, self.inputs
        try:
            seen = passes_of(in_mode(model, True), self.passed)
            silent = without_gradient(model, seen, self.request.root)
            silent += not_numbers(model, seen, self.passed) or dead(model, seen, self.passed, bool(self.request.inputs))
            graph = relates_samples(list(fresh_values(inputs, self.device)), inputs.batch)
            model.eval()
            first = batch_is_written_first(written_pass(model))
            apart = graph or has_batch_elsewhere(model)
            together = () if apart else mixed(model, self.prepared, inputs.batch, first)
            twice = unrepeatable(model, lambda seed: self.prepared(False, seed)())
            # A softmax over one value hides what it is given, and that an input has only one may be a guess.
            narrow = any(1 in spec.shape[1:] for _, spec in inputs.tensors() if not spec.fixed)
            hidden = narrow and any(one.singles for one in seen)
            return Suspects(silent, together, twice, () if hidden else self.ignored())
        except Exception:  # whatever the user's code raises: what could not be seen is not reported
            return Suspects()

    def passed(self) -> list[Any]:
        """One pass over fresh inputs."""
        with on_device(self.device):
            return self.given(*fresh_values(self.inputs, self.device))

    def given(self, by_place: list[Any], by_name: dict[str, Any]) -> list[Any]:
        """The tensors that the model gives for some values."""
        return [one.tensor for one in outputs_of(self.model(*by_place, **by_name))]

    def prepared(self, changed: bool, seed: int = 0) -> Callable[[], list[Any]]:
        """One pass over always the same inputs, on request with one sample changed, and all is ready but the pass."""
        sow(self.request.seed + 701)
        with on_device(self.device):
            values = fresh_values(self.inputs, self.device)
            by_place, by_name = with_other_sample(values, self.inputs.batch) if changed else values

        def again() -> list[Any]:
            sow(self.request.seed + 809 + seed)
            with on_device(self.device):
                return self.given(by_place, by_name)

        return again

    def ignored(self) -> tuple[Suspect, ...]:
        """The inputs that have no effect; columns of them only where the user said how many there are."""
        with on_device(self.device):
            by_place, by_name = fresh_values(self.inputs, self.device)
        names = [name for name, _ in self.inputs.specs if name not in self.inputs.keywords]
        values = {**dict(zip(names, by_place, strict=True)), **by_name}

        def run(given: Mapping[str, Any], train: bool) -> list[Any]:
            sow(self.request.seed + 907)
            self.model.train(train)
            with on_device(self.device):
                return self.given([given[name] for name in names], {name: given[name] for name in by_name})

        unread = unread_masks(written_pass(self.model), self.request.root) if pads(self.model) else ()
        place = written_at(self.model, "forward")
        found = ignored(self.model, values, run, features=bool(self.request.inputs))
        return (*found, *(Suspect(name, "input", "input", 0, *place) for name in unread))
