"""The facts of a run, in the order in which rules ask for them, and ways to walk from a value to what made it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

from headlint.checks.diagnostic import Diagnostic, DiagnosticStep
from headlint.checks.training.order import Run, runs_of
from headlint.flow.values.assumptions import Assumption
from headlint.flow.values.facts import (
    Activation,
    Backward,
    Event,
    Fact,
    Fed,
    Head,
    LabelsUse,
    LayerApplied,
    LossUse,
    Returned,
    TrainingEvent,
)
from headlint.flow.values.library_values import Compiled, Layer
from headlint.flow.values.python_values import Constant, HeapObject, Site, TupleValue, Unknown, Value
from headlint.flow.values.tensor_values import Domain, Labels, Origin, Tensor
from headlint.settings import Settings

SomeFact = TypeVar("SomeFact", bound=Fact)

CROSS_ENTROPIES = ("cross_entropy", "sparse_cross_entropy")
PROBABILITIES = (Domain.SOFTMAX, Domain.SIGMOID)
SCORES = (Domain.LINEAR, Domain.RECTIFIED, Domain.TANH)
CLASSIFYING = (*CROSS_ENTROPIES, "nll", "binary_cross_entropy")
AMOUNTS = ("regression", "count")
"""Losses for values, and those for counts and rates."""


@dataclass(frozen=True)
class Aim:
    """A loss and the targets that it holds its prediction against."""

    use: LossUse
    target: Tensor
    proved: bool
    fed_at: Site | None = None
    """Where ``feed_dict`` brings the targets."""

    @property
    def site(self) -> Site:
        """Where targets and loss meet."""
        return self.fed_at or self.use.site

    @property
    def labels(self) -> Labels:
        """What is known of the targets."""
        return self.target.labels or Labels()

    @property
    def columns(self) -> int | None:
        """How many numbers a sample has, of targets with one row or one number for each."""
        if self.target.shape.rank == 1:
            return 1
        return self.target.shape.units if self.target.shape.rank == 2 else None

    @property
    def may_number_classes(self) -> bool:
        """Whether amounts may as well be class numbers: one whole number a sample, and the head has a unit for each."""
        interval, width = self.labels.interval, units(self.use)
        if self.labels.encoding != "values" or self.columns != 1 or interval is None or width is None:
            return False
        return 0 <= interval.low <= interval.high < width > 1 and interval.low % 1 == interval.high % 1 == 0


@dataclass
class Evidence:
    """All facts of a run."""

    facts: Sequence[Fact]
    settings: Settings

    def of(self, kind: type[SomeFact]) -> list[SomeFact]:
        """The facts of one kind."""
        return [fact for fact in self.facts if isinstance(fact, kind)]

    @cached_property
    def uses_by_result(self) -> dict[int, list[LossUse]]:
        """The uses of losses by the identity of the tensor that they give; one for each prediction that it may take."""
        found: dict[int, list[LossUse]] = {}
        for use in self.of(LossUse):
            if use.result is not None:
                found.setdefault(id(use.result), []).append(use)
        return found

    @cached_property
    def unreadable_calls(self) -> dict[tuple[int, Site], list[TrainingEvent]]:
        """The calls of what cannot be read, by the identity of what is called and the place."""
        found: dict[tuple[int, Site], list[TrainingEvent]] = {}
        for event in self.events:
            if event.event is Event.HANDED_OVER:
                found.setdefault((id(event.subject), event.site), []).append(event)
        return found

    @cached_property
    def events(self) -> list[TrainingEvent]:
        """What happens in training loops."""
        return self.of(TrainingEvent)

    @cached_property
    def runs(self) -> list[Run]:
        """The same by the runs of the module and of its functions."""
        return runs_of(self.events)

    @cached_property
    def uses(self) -> list[LossUse]:
        """The losses that take a tensor, but for those that only let a model with saved weights predict."""
        idle = self._compiled_to_predict
        uses = [use for use in self.of(LossUse) if isinstance(use.prediction, Tensor)]
        return [use for use in uses if not (use.compiled and use.site in idle)]

    @cached_property
    def _compiled_to_predict(self) -> set[Site]:
        """Where the losses stand of models that get saved weights and predict, and that nothing is seen to train."""
        models: dict[Event, dict[int, Value]] = {}
        for event in self.events:
            models.setdefault(event.event, {})[id(event.subject)] = event.subject
        restored, predicted, fitted = (models.get(one, {}) for one in (Event.RESTORED, Event.PREDICTED, Event.FITTED))
        idle = [model for key, model in restored.items() if key in predicted and key not in fitted]
        compiled = [model.slots.get("compiled") for model in idle if isinstance(model, HeapObject)]
        return {loss.site for one in compiled if isinstance(one, Compiled) for loss in one.losses}

    def is_part_of_another(self, use: LossUse) -> bool:
        """Whether the model of a loss is the first half of another one that is compiled too, as the maker in a GAN."""
        head = head_of(prediction(use))
        layer = head.origin.layer if head is not None else None
        if layer is None or not use.compiled:
            return False
        others = (prediction(other) for other in self.uses if other.compiled and other is not use)
        return any(
            any(part.origin.layer is layer for part in ancestors(other))
            and (last := head_of(other)) is not None
            and last.origin.layer is not layer
            for other in others
        )

    @cached_property
    def predictions(self) -> set[int]:
        """Identities of the tensors that losses take, and of those they are only another view of."""
        found: set[int] = set()
        for use in self.uses:
            found.update(id(tensor) for tensor in views(prediction(use)))
        return found

    @cached_property
    def labels(self) -> list[LabelsUse]:
        """Labels that reach a compiled loss whose prediction is a tensor."""
        return [use for use in self.of(LabelsUse) if isinstance(use.prediction, Tensor)]

    @cached_property
    def aims(self) -> list[Aim]:
        """Each loss with the targets that it gets, itself or through ``fit``."""
        compiled = {(id(use.prediction), use.site): use for use in self.uses if use.compiled}
        direct = [Aim(use, use.target, is_proved(use)) for use in self.uses if isinstance(use.target, Tensor)]
        fitted = [
            Aim(use, fact.target, is_proved(use) and is_proved(fact))
            for fact in self.labels
            if (use := compiled.get((id(fact.prediction), fact.site))) is not None
        ]
        return [*direct, *fitted, *self._fed_aims()]

    def _fed_aims(self) -> Iterator[Aim]:
        """Losses whose labels are a placeholder, with what ``feed_dict`` brings."""
        fed: dict[int, list[Fed]] = {}
        for fact in self.of(Fed):
            fed.setdefault(id(fact.placeholder), []).append(fact)
        for use in self.uses if fed else ():
            if isinstance(use.target, Tensor):
                for fact in fed.get(id(_unchanged(use.target)), ()):
                    yield Aim(use, fact.value, is_proved(use) and is_proved(fact), fact.site)

    @cached_property
    def differentiated(self) -> set[int]:
        """Identities of every tensor that a loss which is differentiated was computed from."""
        found: set[int] = set()
        stack = [fact.loss for fact in self.of(Backward)]
        while stack:
            tensor = stack.pop()
            if id(tensor) not in found:
                found.add(id(tensor))
                stack.extend(tensor.inputs)
        return found

    def reaches_loss(self, activation: Activation) -> bool:
        """Whether a loss takes what an activation gives, as its prediction."""
        return id(activation.output) in self.predictions

    @cached_property
    def answers(self) -> set[int]:
        """Identities of the tensors that modules give back, and of those they are only another view of."""
        outputs = [*(fact.output for fact in self.of(Head)), *(fact.output for fact in self.of(Returned))]
        firsts = [output.items[0] if isinstance(output, TupleValue) and output.items else output for output in outputs]
        return {id(tensor) for output in firsts if isinstance(output, Tensor) for tensor in views(output)}

    def other_uses(self, use: LossUse) -> tuple[Site, ...]:
        """The calls that give what the activation behind a prediction makes to others than a loss.

        Of the calls that lead to an application which no loss sees, it is the innermost that no loss is reached by.
        """
        where = activation_site(source_tensor(prediction(use)).origin)
        taken = {id(source_tensor(prediction(other))) for other in self.uses}
        applied = [fact for fact in self.of(Activation) if activation_site(fact.output.origin) == where]
        ways = [((*fact.calls, fact.output.origin.site), id(fact.output) in taken) for fact in applied]
        to_losses = {site for trail_of, is_taken in ways for site in trail_of if is_taken}
        leaving = (
            next((site for site in reversed(trail_of) if site not in to_losses), None)
            for trail_of, is_taken in ways
            if not is_taken
        )
        return tuple(dict.fromkeys(site for site in leaving if site is not None))

    def labels_of(self, use: LossUse) -> Labels | None:
        """What is known of the labels that a loss gets, itself or through ``fit``."""
        target = self._target_of(use)
        return target.labels if target is not None else None

    def encoding_of(self, use: LossUse) -> str | None:
        """How the labels of a loss are written; several zeros and ones for a sample are ``multi_hot``."""
        target = self._target_of(use)
        if target is None or target.labels is None:
            return None
        several = target.shape.rank == 2 and (target.shape.units or 1) > 1
        return "multi_hot" if several and target.labels.encoding in ("index", "binary") else target.labels.encoding

    def _target_of(self, use: LossUse) -> Tensor | None:
        fitted = (one.target for one in self.labels if one.prediction is use.prediction)
        return use.target if isinstance(use.target, Tensor) else next(fitted, None)

    def applications(self) -> list[LayerApplied]:
        """Each application of a layer."""
        return self.of(LayerApplied)


def _unchanged(tensor: Tensor) -> Tensor:
    """What a tensor was before its type was changed."""
    while short(tensor.origin.name) in ("cast", "to_int32", "to_int64", "to_float", "identity") and tensor.inputs:
        tensor = tensor.inputs[0]
    return tensor


def prediction(use: LossUse | LabelsUse) -> Tensor:
    """The tensor that a loss takes."""
    assert isinstance(use.prediction, Tensor)
    return use.prediction


def views(tensor: Tensor) -> Iterator[Tensor]:
    """The tensor and those it came from without its numbers changing their meaning."""
    while True:
        yield tensor
        if (
            not tensor.inputs
            or tensor.origin.role not in ("operation", "call")
            or tensor.inputs[0].domain is not tensor.domain
        ):
            return
        tensor = tensor.inputs[0]


def source_tensor(tensor: Tensor) -> Tensor:
    """The tensor whose maker gave the numbers the meaning they have: behind reshapes, dropout and the like."""
    for _ in range(64):
        passes_on = tensor.origin.role in ("operation", "call") or tensor.origin.note in (
            "dropout",
            "norm",
            "flatten",
            "pool",
        )
        if not (passes_on and tensor.inputs and tensor.inputs[0].domain is tensor.domain):
            break
        tensor = tensor.inputs[0]
    return tensor


def comes_from_weights(tensor: Tensor) -> bool:
    """Whether a layer or an activation made a tensor, or a product with a variable that is trained."""
    made = source_tensor(tensor).origin
    return made.role in ("layer", "activation") or made.note == "matmul with variable"


def head_of(tensor: Tensor) -> Tensor | None:
    """The output of the last layer with weights that a tensor comes from, through activations and reshapes only."""
    for _ in range(64):
        layer = tensor.origin.layer
        if (
            tensor.origin.role == "layer"
            and layer is not None
            and layer.kind.effect in ("dense", "convolution", "bilinear")
        ):
            return tensor
        if len(tensor.inputs) != 1:
            return None
        tensor = tensor.inputs[0]
    return None


def is_judge(evidence: Evidence, tensor: Tensor) -> bool:
    """Whether another model learns through the same head: real or made up are classes then, whatever the loss."""
    head = head_of(tensor)
    if head is None:
        return False
    others = ((use, head_of(prediction(use))) for use in evidence.uses)
    same = [(use, other) for use, other in others if other is not None and other.origin.layer is head.origin.layer]
    compiled = {use.site for use, other in same if use.compiled and other is head}
    return len({id(other) for _, other in same}) > 1 or len(compiled) > 1


def ancestors(tensor: Tensor) -> Iterator[Tensor]:
    """The tensor and everything it was computed from, each once."""
    seen: set[int] = set()
    stack = [tensor]
    while stack:
        current = stack.pop()
        if id(current) not in seen:
            seen.add(id(current))
            yield current
            stack.extend(current.inputs)


def units(use: LossUse | LabelsUse) -> int | None:
    """How many classes a prediction has room for."""
    tensor = prediction(use)
    if use.loss.framework == "torch" and tensor.shape.rank is not None and tensor.shape.rank > 2:
        return tensor.shape.size(1)
    return tensor.shape.units


def wants_logits(use: LossUse) -> bool:
    """Whether a loss applies the softmax or sigmoid itself."""
    return use.loss.expects == "logits" or (use.loss.expects == "from_logits" and use.from_logits is True)


def wants_probabilities(use: LossUse) -> bool:
    """Whether a loss takes probabilities."""
    return use.loss.expects == "probabilities" or (use.loss.expects == "from_logits" and use.from_logits is False)


def is_proved(fact: Fact) -> bool:
    """Whether every path is known and shows it."""
    assumed = any(tensor.assumptions for tensor in _tensors_of(fact))
    return fact.certain and not fact.guards and not assumed and getattr(fact, "in_training", True)


def _tensors_of(fact: Fact) -> list[Tensor]:
    found = [getattr(fact, name, None) for name in ("prediction", "input", "output", "tensor")]
    return [tensor for tensor in found if isinstance(tensor, Tensor)]


def counted(fact: Fact) -> bool:
    """Whether a fact holds for one number of a loop of unknown length: rounds that nobody followed come before it."""
    subjects = (guard.condition.subject for guard in fact.guards)
    return any(isinstance(subject, Unknown) and subject.is_range_number for subject in subjects)


def assumptions_of(tensor: Tensor) -> frozenset[Assumption]:
    """The defaults that a tensor's meaning or width rests on."""
    found: frozenset[Assumption] = frozenset()
    for part in (tensor, source_tensor(tensor), head_of(tensor)):
        if part is not None:
            found |= part.assumptions
    return found


def short(name: str) -> str:
    """The last part of a dotted name."""
    return name.rsplit(".", 1)[-1]


_ACTIVATION_NOTES = {
    Domain.SOFTMAX: "turns the scores into probabilities that sum to 1",
    Domain.LOG_SOFTMAX: "turns the scores into log-probabilities",
    Domain.SIGMOID: "maps each score to a probability between 0 and 1",
    Domain.LOG_SIGMOID: "gives the logarithm of a sigmoid",
    Domain.RECTIFIED: "sets everything below 0 to 0",
    Domain.TANH: "maps the values to (-1, 1)",
}


def activation_site(origin: Origin) -> Site | None:
    """Where an activation is written: its keyword, its constructor, or its call."""
    if origin.layer is not None and origin.layer.kind.effect != "activation":
        return origin.layer.sites.get("activation", origin.layer.sites.get("activation_fn", origin.built_at))
    return origin.built_at or origin.site


def layer_step(tensor: Tensor) -> DiagnosticStep | None:
    """The step that tells of a layer with weights."""
    layer = tensor.origin.layer
    if layer is None:
        return None
    width = (
        tensor.shape.size(1)
        if layer.kind.effect == "convolution" and layer.kind.framework == "torch"
        else tensor.shape.units
    )
    what = f"{width} raw score{'s' if width != 1 else ''}" if width is not None else "raw scores"
    return DiagnosticStep(layer.site, f"{layer.kind.short_name} gives {what}", "layer", layer.kind.name)


_OPERATION_NOTES = {
    "detach": "cuts it off from the gradient",
    "new tensor": "copies the values, without their gradient",
    "concatenate": "joins several outputs",
    "compare": "makes a decision",
}
"""What an operation on the trail does, in words."""


def trail_of(tensor: Tensor) -> tuple[DiagnosticStep, ...]:
    """The steps from the last layer with weights to a tensor."""
    steps: list[DiagnosticStep] = []
    for _ in range(32):
        origin = tensor.origin
        if origin.role == "mixture" and origin.site is not None:
            steps.append(DiagnosticStep(origin.site, "mixes several probabilities", "operation", origin.name))
            break  # nothing can take the activation of one of them away
        if origin.role == "activation" and (site := activation_site(origin)) is not None:
            note = _ACTIVATION_NOTES.get(tensor.domain, "is applied")
            steps.append(DiagnosticStep(site, f"{short(origin.name)} {note}", "activation", origin.name))
        elif origin.role == "layer":
            step = layer_step(tensor)
            if step is not None:
                steps.append(step)
            if origin.layer is None or origin.layer.kind.effect in (
                "dense",
                "convolution",
                "bilinear",
                "recurrent",
                "embedding",
            ):
                break
        elif origin.role == "operation" and origin.site is not None and origin.note in _OPERATION_NOTES:
            note = _OPERATION_NOTES[origin.note]
            steps.append(DiagnosticStep(origin.site, f"{short(origin.name)} {note}", "operation", origin.name))
        elif origin.role == "operation" and origin.site is not None and tensor.domain is Domain.HARD:
            steps.append(
                DiagnosticStep(origin.site, f"{short(origin.name)} makes a decision", "operation", origin.name)
            )
        elif origin.role in ("labels", "input"):
            if origin.role == "labels" and origin.site is not None:
                steps.append(DiagnosticStep(origin.site, f"{origin.name} gives the labels", "label", origin.name))
            break
        if not tensor.inputs:
            break
        tensor = tensor.inputs[0]
    return tuple(_once(steps[::-1]))


def _once(steps: list[DiagnosticStep]) -> list[DiagnosticStep]:
    return [step for index, step in enumerate(steps) if step not in steps[:index]]


def loss_steps(use: LossUse) -> tuple[DiagnosticStep, ...]:
    """The steps that tell of a loss: where it is built and where it takes its prediction."""
    name = use.loss.name
    taken = DiagnosticStep(use.site, f"{use.loss.short_name} takes it", "loss", name)
    if use.loss_site is None or use.loss_site == use.site:
        return (taken,)
    return (DiagnosticStep(use.loss_site, f"{use.loss.short_name} is chosen here", "loss", name), taken)


def about_loss(
    code: str,
    use: LossUse,
    message: str,
    advice: str,
    other_uses: tuple[Site, ...] = (),
    **details: str | int | bool | None,
) -> Diagnostic:
    """A finding about a value and the loss that takes it."""
    tensor = prediction(use)
    known = {
        "loss": use.loss.short_name,
        "framework": use.loss.framework,
        "units": units(use),
        "rank": tensor.shape.rank,
        "from_logits": use.from_logits,
        "head": tensor.domain.name.lower(),
        **details,
    }
    return Diagnostic(
        code,
        use.site,
        message,
        advice,
        is_proved(use),
        (*trail_of(tensor), *loss_steps(use)),
        tuple((key, value) for key, value in known.items() if value is not None),
        assumptions_of(tensor),
        use,
        other_uses,
    )


def about_aim(code: str, aim: Aim, message: str, advice: str) -> Diagnostic:
    """A finding about a prediction and the targets that a loss holds it against."""
    found = about_loss(code, aim.use, message, advice)
    *before, taken = found.trail
    site = aim.labels.site
    given = (DiagnosticStep(site, f"the targets: {aim.labels.source}", "label"),) if site is not None else ()
    return replace(found, proved=aim.proved, trail=(*before, *given, taken))


def constant(layer: Layer, *names: str) -> object:
    """A constant argument of a layer under any of the names, or None."""
    for name in names:
        match layer.arguments.get(name):
            case Constant(value):
                return value
    return None
