"""The facts of a run, in the order in which rules ask for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TypeVar, cast

from msgspec import Struct

from headlint.checks.tensors import (
    activation_site,
    ancestors,
    head_of,
    prediction,
    short,
    source_tensor,
    units,
    views,
)
from headlint.checks.training.order import Run, runs_of
from headlint.flow.machine.parts import tensors_of, things_of
from headlint.flow.values.facts import (
    Activation,
    Backward,
    CarriedOver,
    DropoutByMode,
    Event,
    Fact,
    Fed,
    ForwardDone,
    Head,
    LabelsUse,
    LayerApplied,
    LossUse,
    OpenMethod,
    Returned,
    SeveralOutputs,
    TrainingEvent,
)
from headlint.flow.values.library_values import Compiled
from headlint.flow.values.python_values import HeapObject, Instance, Site, TupleValue, Value
from headlint.flow.values.tensor_values import Labels, Tensor
from headlint.flow.values.training_values import Optimizer
from headlint.settings import Settings

SomeFact = TypeVar("SomeFact", bound=Fact)


class Aim(Struct, frozen=True):
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
        one_each = self.columns == 1 or self.use.loss.family == "sparse_cross_entropy"
        if self.labels.encoding != "values" or not one_each or interval is None or width is None:
            return False
        return 0 <= interval.low <= interval.high < width > 1 and interval.low % 1 == interval.high % 1 == 0


class Evidence(Struct, dict=True):
    """All facts of a run."""

    facts: Sequence[Fact]
    settings: Settings

    def of(self, kind: type[SomeFact]) -> list[SomeFact]:
        """The facts of one kind."""
        return list(cast("list[SomeFact]", self._by_kind.get(kind, ())))

    @cached_property
    def _by_kind(self) -> dict[type[Fact], list[Fact]]:
        found: dict[type[Fact], list[Fact]] = {}
        for fact in self.facts:
            found.setdefault(type(fact), []).append(fact)
        return found

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
    def dropping_by_mode(self) -> set[Instance]:
        """The modules that drop values by a function, in training mode."""
        return {fact.module for fact in self.of(DropoutByMode)}

    @cached_property
    def open_roots(self) -> set[int]:
        """The runs of methods whose callers, who are not seen, do the rest of a step."""
        return {fact.root for fact in self.of(OpenMethod)}

    @cached_property
    def used_by_hand(self) -> list[Value]:
        """The modules of which parts are used on their own."""
        return [event.subject for event in self.events if event.event is Event.USED_BY_HAND]

    @cached_property
    def comes_from(self) -> dict[tuple[int, bool], tuple[Value, set[int]]]:
        """What values were computed from, by their identities, as far as somebody asked; see ``reach.depends_on``."""
        return {}

    @cached_property
    def events(self) -> list[TrainingEvent]:
        """What happens in training loops."""
        return self.of(TrainingEvent)

    @cached_property
    def optimizers(self) -> list[Optimizer]:
        """The optimizers that anything happens with, each once."""
        return list(dict.fromkeys(one.subject for one in self.events if isinstance(one.subject, Optimizer)))

    def events_of(self, *kinds: Event) -> list[TrainingEvent]:
        """Those events that are of some kinds, in their order."""
        if kinds not in self._events_by_kinds:
            self._events_by_kinds[kinds] = [event for event in self.events if event.event in kinds]
        return self._events_by_kinds[kinds]

    @cached_property
    def _events_by_kinds(self) -> dict[tuple[Event, ...], list[TrainingEvent]]:
        return {}

    @cached_property
    def stepped(self) -> list[Value]:
        """What steps, optimizers and schedules, each once."""
        return list({id(one.subject): one.subject for one in self.events if one.event is Event.STEPPED}.values())

    @cached_property
    def runs(self) -> list[Run]:
        """The same by the runs of the module and of its functions."""
        return runs_of(self.events)

    @cached_property
    def beginnings(self) -> list[Run]:
        """The same with the first part of loops that are not followed to their end, for what only asks what comes before."""
        return runs_of(self.events, broken_loops=True)

    @cached_property
    def uses(self) -> list[LossUse]:
        """The losses that take a tensor, but for those that only let a model with saved weights predict."""
        idle = self._compiled_to_predict
        uses = [use for use in self.of(LossUse) if isinstance(use.prediction, Tensor) and not self._only_measures(use)]
        return [use for use in uses if not (use.compiled and use.site in idle)]

    def _only_measures(self, use: LossUse) -> bool:
        """Whether a squared error that the program writes out is a measure: nothing is seen to learn by it."""
        return use.loss.by_hand and use.loss.family == "regression" and id(use.result) not in self.differentiated

    @cached_property
    def _compiled_to_predict(self) -> set[Site]:
        """Where the losses stand of models that get saved weights and predict, and that nothing is seen to train."""
        models: dict[Event, dict[int, Value]] = {}
        for event in self.events:
            models.setdefault(event.event, {})[id(event.subject)] = event.subject
        restored, predicted, fitted = (models.get(one, {}) for one in (Event.RESTORED, Event.PREDICTED, Event.FITTED))
        idle = [model for key, model in predicted.items() if key not in fitted and _is_one_of(restored, model)]
        return _losses_of(idle) - _losses_of(fitted.values())

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

    @cached_property
    def agreed_aims(self) -> list[Aim]:
        """Those of which every way that the targets may take says the same: one-hot rows or amounts, not this or that."""
        ways: dict[int, set[str]] = {}
        for aim in self.aims:
            if not (aim.target.symbolic and aim.target.labels is None):  # what is fed to a placeholder counts
                ways.setdefault(id(aim.use), set()).add(aim.labels.encoding)
        return [aim for aim in self.aims if len(ways.get(id(aim.use), ())) == 1]

    @cached_property
    def taken_as_targets(self) -> set[tuple[Site, int]]:
        """The identities of targets, each with the place of the loss that takes it."""
        given = {(use.site, id(use.target)) for use in self.uses if use.target is not None}
        return given | {(aim.site, id(aim.target)) for aim in self.aims}

    def _fed_aims(self) -> Iterator[Aim]:
        """Losses whose labels are a placeholder, with what ``feed_dict`` brings."""
        fed: dict[int, list[Fed]] = {}
        for fact in self.of(Fed):
            fed.setdefault(id(fact.placeholder), []).append(fact)
        for use in self.uses if fed else ():
            if isinstance(use.target, Tensor):
                for fact in _each_kind_once(fed.get(id(_unchanged(use.target)), ())):
                    yield Aim(use, fact.value, is_proved(use) and is_proved(fact), fact.site)

    @cached_property
    def differentiated(self) -> set[int]:
        """Identities of every tensor that a loss which is differentiated was computed from."""
        return {id(tensor) for tensor in ancestors(*(fact.loss for fact in self.of(Backward)))}

    def reaches_loss(self, activation: Activation) -> bool:
        """Whether a loss takes what an activation gives, as its prediction."""
        return id(activation.output) in self.predictions

    @cached_property
    def answers(self) -> set[int]:
        """Identities of the tensors that modules give back, and of those they are only another view of."""
        outputs = [*(fact.output for fact in self.of(Head)), *(fact.output for fact in self.of(Returned))]
        firsts = [output.items[0] if isinstance(output, TupleValue) and output.items else output for output in outputs]
        return {id(tensor) for output in firsts if isinstance(output, Tensor) for tensor in views(output)}

    @cached_property
    def whole_answers(self) -> set[int]:
        """Identities of the tensors that models give which are part of no other."""
        return {id(fact.output) for fact in self.of(Head) if fact.is_whole}

    @cached_property
    def side_outputs(self) -> set[int]:
        """Identities of the tensors that a model gives beside others, and of those they are only another view of."""
        each = (tensor for fact in self.of(SeveralOutputs) for tensor in fact.outputs)
        return {id(one) for tensor in each for one in views(tensor)}

    @cached_property
    def _leading_somewhere(self) -> tuple[Tensor, ...]:
        """Each tensor that leads to something that is seen."""
        applied = (one for fact in self.applications() for one in (fact.input, fact.output))
        given = (fact.output for fact in self.of(ForwardDone))
        losses = (use.prediction for use in self.of(LossUse))
        return tuple(ancestors(*(one for value in (*applied, *given, *losses) for one in tensors_of(value))))

    @cached_property
    def _takers(self) -> dict[int, set[int]]:
        """For each tensor that leads to something that is seen, by its identity, what is computed from it."""
        found: dict[int, set[int]] = {}
        for tensor in self._leading_somewhere:
            for part in tensor.inputs:
                found.setdefault(id(part), set()).add(id(tensor))
        return found

    @cached_property
    def halved_by_gates(self) -> set[int]:
        """The identities of what gated linear units halve: a sigmoid of the one half scales the other."""
        gated = (one for one in self._leading_somewhere if short(one.origin.name).lower() == "glu")
        squashed = (part for fact in self.of(Activation) if fact.effect == "sigmoid" for part in tensors_of(fact.input))
        halves = (part for part in squashed if short(part.origin.name) in ("chunk", "split"))
        return {id(one.inputs[0]) for one in (*gated, *halves) if one.inputs}

    @cached_property
    def left_to_later_rounds(self) -> set[int]:
        """The identities of what a round of a loop leaves in a variable for the rounds behind it."""
        return {id(fact.last) for fact in self.of(CarriedOver) if fact.last is not None}

    @cached_property
    def _of_first_rounds(self) -> dict[int, bool]:
        """By identity what stood where a round of a loop puts something else for the next, and if it was any round."""
        return {id(fact.first): fact.any_round for fact in self.of(CarriedOver)}

    def is_of_first_round_only(self, tensor: Tensor) -> bool:
        """Whether a tensor is, or comes at once from, what only the first round of a loop reads."""
        return id(_before_round(tensor, self._of_first_rounds)) in self._of_first_rounds

    def is_of_another_round(self, tensor: Tensor) -> bool:
        """Whether a tensor is, or comes at once from, what the round that takes it may not be the one to read."""
        return self._of_first_rounds.get(id(_before_round(tensor, self._of_first_rounds)), False)

    def is_taken_by_others(self, tensor: Tensor, taker: Tensor) -> bool:
        """Whether a tensor is used for something beside what one other is computed for."""
        return bool(self._takers.get(id(tensor), set()) - {id(taker)})

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


def _before_round(tensor: Tensor, known: Mapping[int, object]) -> Tensor:
    while tensor.origin.role != "layer" and id(tensor) not in known and tensor.inputs:
        tensor = tensor.inputs[0]
    return tensor


def _losses_of(models: Iterable[Value]) -> set[Site]:
    """Where the losses stand that models were compiled with."""
    compiled = [model.slots.get("compiled") for model in models if isinstance(model, HeapObject)]
    return {loss.site for one in compiled if isinstance(one, Compiled) for loss in one.losses}


def _is_one_of(restored: Mapping[int, Value], model: Value) -> bool:
    """Whether a model, or one of the layers that it is made of, was given saved weights."""
    if id(model) in restored:
        return True
    values = model.slots.values() if isinstance(model, HeapObject) else ()
    return any(id(part) in restored for value in values for part in things_of(value))


def _each_kind_once(feeds: Iterable[Fed]) -> Iterator[Fed]:
    """The first of the feeds that bring the same kind of labels: in training, in testing, for a summary."""
    seen: set[object] = set()
    for fact in feeds:
        known = fact.value.labels or Labels()
        rank, units = fact.value.shape.rank, fact.value.shape.units
        kind = (known.encoding, known.dtype, known.column, known.classes, known.interval, rank, units)
        if kind not in seen:
            seen.add(kind)
            yield fact


def _unchanged(tensor: Tensor) -> Tensor:
    """What a tensor was before its type was changed."""
    while short(tensor.origin.name) in ("cast", "to_int32", "to_int64", "to_float", "identity") and tensor.inputs:
        tensor = tensor.inputs[0]
    return tensor


def is_judge(evidence: Evidence, tensor: Tensor) -> bool:
    """Whether another model learns through the same head: real or made up are classes then, whatever the loss."""
    head = head_of(tensor)
    if head is None:
        return False
    others = ((use, head_of(prediction(use))) for use in evidence.uses)
    same = [(use, other) for use, other in others if other is not None and other.origin.layer is head.origin.layer]
    compiled = {use.site for use, other in same if use.compiled and other is head}
    return len({id(other) for _, other in same}) > 1 < len({_data_of(other) for _, other in same}) or len(compiled) > 1


def _data_of(tensor: Tensor) -> frozenset[int]:
    """The identities of what a tensor was computed from first: each round of a loop applies a model to the same again."""
    return frozenset(id(part) for part in ancestors(tensor) if not part.inputs)


def is_proved(fact: Fact) -> bool:
    """Whether every path is known and shows it."""
    assumed = any(tensor.assumptions for tensor in _tensors_of(fact))
    return fact.certain and not fact.guards and not assumed and getattr(fact, "in_training", True)


def _tensors_of(fact: Fact) -> list[Tensor]:
    found = [getattr(fact, name, None) for name in ("prediction", "input", "output", "tensor")]
    return [tensor for tensor in found if isinstance(tensor, Tensor)]
