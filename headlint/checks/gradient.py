"""HL5: the way of the gradient."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from headlint.checks.bias import without_bias
from headlint.checks.diagnostic import Diagnostic, DiagnosticStep
from headlint.checks.evidence import Evidence, is_proved
from headlint.checks.tensors import (
    CLASSIFYING,
    PROBABILITIES,
    ancestors,
    comes_from_weights,
    constant,
    prediction,
    source_tensor,
)
from headlint.checks.trails import about_loss, trail_of
from headlint.checks.training.switching import mode_of
from headlint.flow.tensors.operation import comes_from
from headlint.flow.values.facts import Backward, Event, LayerApplied, LayerBuilt, LossConstructorCall, LossUse, MixedIn
from headlint.flow.values.library_values import Layer
from headlint.flow.values.python_values import Site, Unknown
from headlint.flow.values.tensor_values import COMPUTED, Domain, Tensor
from headlint.frameworks.kinds import LossKind

MODEL_OUTPUTS = (
    Domain.LINEAR,
    Domain.SOFTMAX,
    Domain.LOG_SOFTMAX,
    Domain.SIGMOID,
    Domain.LOG_SIGMOID,
    Domain.RECTIFIED,
    Domain.TANH,
)


def argmax_before_loss(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL501."""
    for use in evidence.uses:
        tensor = prediction(use)
        if (
            tensor.domain is Domain.HARD
            and use.in_training
            and use.loss.family != "other"
            and comes_from_a_model(tensor)
            and not _is_of_an_evaluation(evidence, use)
        ):
            message = (
                f"{use.loss.short_name} is given decisions ({_decision(tensor)}): the gradient of a step is 0, "
                "so the network learns nothing."
            )
            yield about_loss("HL501", use, message, "Give the loss the raw scores; decide only in evaluation.")


def _is_of_an_evaluation(evidence: Evidence, use: LossUse) -> bool:
    """Whether a loss only counts mistakes: behind a switch to evaluation mode, where nothing is differentiated."""
    here = [event for event in evidence.events if event.calls == use.calls and event.site.path == use.site.path]
    switched = any(
        event.event is Event.MODE_SET and mode_of(event) is False and event.site.at < use.site.at for event in here
    )
    later = (event for event in here if event.event is Event.DIFFERENTIATED and event.site.at > use.site.at)
    return switched and id(use.result) not in evidence.differentiated and not any(later)


def _decision(tensor: Tensor) -> str:
    return source_tensor(tensor).origin.name.rsplit(".", 1)[-1]


def comes_from_a_model(tensor: Tensor) -> bool:
    """Whether a model gave what a tensor is computed from."""
    return any(part.domain in MODEL_OUTPUTS or part.origin.layer is not None for part in ancestors(tensor))


def detached_before_loss(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL502."""
    for use in evidence.uses:
        tensor = prediction(use)
        if tensor.attached or not use.in_training or tensor.domain not in MODEL_OUTPUTS or use.result is None:
            continue
        if id(use.result) not in evidence.differentiated or _other_side_learns(use):
            continue
        if _is_read_by_hand(evidence, tensor):
            continue
        message = (
            "The model's output is detached from the model before the loss is computed and differentiated: "
            "no gradient reaches the weights."
        )
        yield about_loss(
            "HL502", use, message, "Remove the detach (.item(), .data, .numpy(), torch.tensor(…), no_grad)."
        )


def _is_read_by_hand(evidence: Evidence, tensor: Tensor) -> bool:
    """Whether the gradient of a detached tensor is read, as one does who hands it on to the part before by hand."""
    read = {event.subject for event in evidence.events_of(Event.READ)}
    return any(part in read for part in ancestors(tensor))


def _other_side_learns(use: LossUse) -> bool:
    """Whether a gradient passes the other side, or may where that was computed by something that is not followed."""
    match use.target:
        case Tensor(attached=True) as target:
            parts = [part.origin for part in ancestors(target)]
            unseen = any(part.role == "input" and part.note == COMPUTED for part in parts)
            return any(part.layer is not None for part in parts) or (unseen and use.loss.symmetric)
        case Unknown(is_computed=True):
            return use.loss.symmetric
        case _:
            return False


def loss_arguments_swapped(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL503."""
    in_torch = {id(fact.loss): fact.in_torch for fact in evidence.of(Backward) if fact.in_torch is not None}
    for use in evidence.of(LossUse):
        target, of_torch = use.target, use.loss.framework == "torch"
        if in_torch.get(id(use.result), of_torch) is not of_torch:
            continue  # code for one of several libraries: losses of another never come to this place
        if use.loss.symmetric or not isinstance(target, Tensor) or target.domain not in MODEL_OUTPUTS:
            continue
        message, advice = _SWAPPED.format(use.loss.short_name), _order(use.loss.call)
        match use.prediction:
            case Tensor() as tensor if tensor in ancestors(target) or _is_made_of_data(target):
                continue  # distributions that are compared with each other: an entropy, a divergence
            case Tensor() as tensor if _are_labels(tensor) or (_come_from_outside(tensor) and _is_output(use, target)):
                yield about_loss("HL503", use, message, advice)
            case Unknown() as unknown if _is_data(use, unknown) and _is_output(use, target):
                step = DiagnosticStep(use.site, "stands where the labels belong", "loss", use.loss.name)
                yield Diagnostic("HL503", use.site, message, advice, False, (*trail_of(target), step), subject=use)
            case _:
                pass


def _is_made_of_data(tensor: Tensor) -> bool:
    """Whether an activation was applied to numbers that nothing with weights made."""
    parts = list(ancestors(tensor))
    if any(part.origin.layer is not None or part.origin.role == "variable" for part in parts):
        return False
    fed = (part.origin.role == "input" and part.symbolic and part.origin.site is not None for part in parts)
    return any(fed) or any(part.labels is not None or part.origin.note == "fresh" for part in parts)


def _are_labels(tensor: Tensor) -> bool:
    return tensor.domain in (Domain.TARGET, Domain.ONE_HOT) or (
        tensor.labels is not None and tensor.origin.role == "labels"
    )


def _come_from_outside(tensor: Tensor) -> bool:
    """Whether nothing but random, constant or written numbers is in a tensor, or what is fed to a graph."""
    while tensor.origin.role == "operation" and len(tensor.inputs) == 1:
        tensor = tensor.inputs[0]
    fed = tensor.origin.role == "input" and tensor.symbolic and tensor.origin.site is not None
    return fed or tensor.origin.note in ("fresh", "array")


def _is_output(use: LossUse, target: Tensor) -> bool:
    """Whether a model that learns gives what stands where the labels belong."""
    return comes_from_weights(target) and target.attached and use.loss.family in CLASSIFYING


_SWAPPED = "{} is given the labels where it takes the model's output, and the output where it takes the labels."


def _order(call: tuple[str, ...]) -> str:
    return f"The order is ({call[0]}, {call[1]}, …)."


def _is_data(use: LossUse, value: Unknown) -> bool:
    """Whether something unknown is a part of a batch, or given to a training step beside what the model is given.

    A parameter, or what it is unpacked to, counts only where the labels come first, in Keras and ``tf.losses``.
    """
    given = value.parent if isinstance(value.key, tuple) and value.key[:1] == ("item",) and value.parent else value
    return _is_batch_item(value) or (given.is_parameter and _takes_labels_first(use.loss))


def _takes_labels_first(kind: LossKind) -> bool:
    """Whether a loss takes the labels first; the order of ``tf.nn`` was another in the first versions."""
    return kind.call[0] == kind.target and not kind.by_hand and not kind.name.startswith("tensorflow.nn.")


def _is_batch_item(value: Unknown) -> bool:
    """Whether something unknown is plainly a part of a batch: an item of what a loop goes through."""
    return (
        isinstance(value.key, tuple)
        and value.key[:1] == ("item",)
        and value.parent is not None
        and value.parent.key == "element"
    )


def dropout_after_head(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL504."""
    for use in evidence.uses:
        if use.loss.family not in (*CLASSIFYING, "regression"):
            continue
        tensor = prediction(use)
        for _ in range(12):
            if len(tensor.inputs) != 1:
                break  # what is compared, or put together, with something else is no score before that
            before = tensor.inputs[0]
            if (
                tensor.origin.note in ("dropout", "norm")
                and _is_head(before)
                and not _harmless(tensor)
                and not _is_switched_on(tensor, use)
            ):
                site = tensor.origin.built_at or tensor.origin.site
                if site is not None:
                    what = "Dropout" if tensor.origin.note == "dropout" else "Batch normalisation"
                    message = f"{what} on the final scores changes the answer itself, not a hidden feature."
                    yield Diagnostic(
                        "HL504",
                        site,
                        message,
                        "Move it before the last layer.",
                        is_proved(use),
                        trail_of(tensor),
                        subject=use,
                    )
                break
            if tensor.origin.role == "layer" and tensor.origin.note not in ("flatten", "reshape", "pool"):
                break
            tensor = before


def _is_switched_on(tensor: Tensor, use: LossUse) -> bool:
    """Whether a setting says how much is dropped, and the program asks that setting whether anything is to be dropped."""
    layer = tensor.origin.layer
    rate = layer.arguments.get("p", layer.arguments.get("rate")) if layer is not None else None
    return isinstance(rate, Unknown) and any(guard.condition.subject is rate for guard in use.guards)


def _is_head(tensor: Tensor) -> bool:
    """Whether a dense layer gives it, or the softmax or sigmoid on one."""
    if tensor.origin.role == "activation" and tensor.domain in PROBABILITIES and tensor.inputs:
        tensor = tensor.inputs[0]
    return (
        tensor.origin.role == "layer" and tensor.origin.layer is not None and tensor.origin.layer.kind.effect == "dense"
    )


def _harmless(tensor: Tensor) -> bool:
    layer = tensor.origin.layer
    if layer is None:
        return False
    if layer.kind.effect == "layer_norm":
        return True
    return constant(layer, "p", "rate") == 0


def stacked_linear_layers(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL505."""
    takers: dict[int, set[int]] = {}
    applied = [(_linear_before(fact), fact) for fact in evidence.applications()]
    for _, fact in applied:
        takers.setdefault(id(fact.input), set()).add(id(fact.layer))
    behind_others = {id(fact.layer) for first, fact in applied if first is None}
    elsewhere = _places_with_other_uses(evidence)
    ends_of_blocks = _ends_of_blocks(applied)
    built = Counter(fact.layer.site for fact in evidence.of(LayerBuilt))
    for first, fact in applied:
        if len(takers[id(fact.input)]) > 1:
            continue  # a projection that several layers share, such as the input of queries, keys and values
        if id(fact.layer) in behind_others or evidence.is_of_first_round_only(fact.input):
            continue  # behind something else it is a layer of its own, as in the later rounds of a loop
        if first is None or _place(fact) in elsewhere or _switchable(evidence, fact):
            continue
        if "weight" in first.slots or "weight" in fact.layer.slots:
            continue  # whoever writes the weights by hand, or shares them, knows what the two make together
        if without_bias(first) and not without_bias(fact.layer):
            continue  # whoever leaves the bias to the second knows that the two make one: a factorised table of weights
        if first.site.path != fact.layer.site.path:
            continue  # whoever wrote the one does not know what stands before or behind it
        if built[fact.layer.site] > 1 == built[first.site]:
            continue  # one of several blocks, each of which may take what was made once for all of them
        if (first.site, fact.layer.site) in ends_of_blocks or id(fact.output) in evidence.halved_by_gates:
            continue  # a gated unit is written as a block of its own, with a dense layer that feeds both of its halves
        if not _bottleneck(first, fact.layer):
            message = (
                "Two linear layers without an activation between them are equivalent to one: "
                "the product of two matrices is a matrix."
            )
            name = fact.layer.kind.short_name
            steps = [DiagnosticStep(fact.layer.site, f"{name} follows at once", "layer", fact.layer.kind.name)]
            if fact.site.path != fact.layer.site.path:
                steps.append(DiagnosticStep(fact.site, f"{name} is applied here", "layer", fact.layer.kind.name))
            advice = "Put an activation such as ReLU between them, or remove one."
            yield Diagnostic(
                "HL505",
                fact.layer.site,
                message,
                advice,
                is_proved(fact),
                (*trail_of(fact.input), *steps),
                subject=fact.layer,
            )


def _ends_of_blocks(applied: list[tuple[Layer | None, LayerApplied]]) -> set[tuple[Site, Site]]:
    """The places of the last and the first layer of blocks of which one may stand before another, or before anything else.

    Such a block of several layers is written once: it does not know that a second one, as a predictor, stands behind it.
    """
    dense = [(first, fact.layer) for first, fact in applied if fact.layer.kind.effect == "dense"]
    stacked = [(first, second) for first, second in dense if first is not None]
    before_others = {first for first, _ in stacked}
    last = {layer.site for _, layer in dense if layer not in before_others}
    begin = {layer.site for first, layer in dense if first is None}
    return {
        (first.site, second.site)
        for first, second in stacked
        if first.site in last and second.site in begin and second.site.at < first.site.at
    }


Place = tuple[Site, Site, tuple[Site, ...]]


def _place(fact: LayerApplied) -> Place:
    """Where a layer is applied and built: the rounds of a loop that go through a list of layers have one between them."""
    return fact.site, fact.layer.site, fact.calls


def _places_with_other_uses(evidence: Evidence) -> set[Place]:
    """The places where what the first of two layers gives is also used for something else, in any round."""
    stacked = (fact for fact in evidence.applications() if _linear_before(fact) is not None)
    return {_place(fact) for fact in stacked if _is_used_elsewhere(evidence, fact)}


def _is_used_elsewhere(evidence: Evidence, fact: LayerApplied) -> bool:
    """Whether what the first of the two layers gives is also used for something else, as by a gate or the next round."""
    tensor, taker = fact.input, fact.output
    if id(tensor) in evidence.left_to_later_rounds:
        return True
    while not evidence.is_taken_by_others(tensor, taker) and id(tensor) not in evidence.side_outputs:
        if tensor.origin.note not in ("dropout", "flatten"):
            return False
        tensor, taker = tensor.inputs[0], tensor
    return True


def _switchable(evidence: Evidence, fact: LayerApplied) -> bool:
    """Whether the layer may also get its input with an activation, or without the first layer: an option says which."""
    before = fact.input
    while before.origin.role != "layer" or before.origin.note == "dropout":
        before = before.inputs[0]
    return bool(fact.guards) and any(
        other.layer is fact.layer and comes_from(other.input, before.inputs[0]) and _linear_before(other) is None
        for other in evidence.applications()
    )


def _linear_before(fact: LayerApplied) -> Layer | None:
    if fact.layer.kind.effect != "dense":
        return None
    tensor = fact.input
    for _ in range(8):
        layer = tensor.origin.layer
        if tensor.origin.role == "layer" and layer is not None and layer.kind.effect == "dense":
            return layer if layer is not fact.layer and tensor.domain is Domain.LINEAR else None
        if tensor.origin.note not in ("dropout", "flatten") or len(tensor.inputs) != 1:
            return None
        tensor = tensor.inputs[0]
    return None


def _bottleneck(first: Layer, second: Layer) -> bool:
    """Whether the width between may be smaller than those around it, as in an autoencoder, or the first is not trained."""
    if constant(first, "trainable") is False:
        return True
    given = first.arguments.get(first.kind.features) if first.kind.features else None
    if given is not None and given is second.arguments.get(second.kind.units):
        return True  # from a width to itself through another one: a factorised table, as in word2vec
    wide = constant(first, first.kind.features) if first.kind.features else None
    narrow, out = constant(first, first.kind.units), constant(second, second.kind.units)
    if not isinstance(narrow, int):
        return True
    narrower_than_given = not isinstance(wide, int) or narrow < wide
    return narrower_than_given and (not isinstance(out, int) or narrow < out)


def softmax_in_hidden_layer(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL506."""
    mixed_in = {id(fact.output) for fact in evidence.of(MixedIn)}
    for fact in evidence.applications():
        given = _before_pools(fact.input)
        source = source_tensor(given)
        site = source.origin.built_at or source.origin.site
        if given.domain is not Domain.SOFTMAX or source.origin.role != "activation" or site is None:
            continue
        if id(fact.output) in mixed_in or id(source) in evidence.side_outputs or not _is_hidden(evidence, fact, source):
            continue  # the probabilities condition something else, as an intermediate head does
        if any(id(scores) in evidence.whole_answers for scores in source.inputs):
            continue  # one model judges what another one says
        if _one_of_several(evidence, fact) or _is_sampled(given, source):
            continue
        message = (
            "Softmax between hidden layers: its outputs sum to 1, so the next layer gets "
            "values close to 0, and hardly any gradient flows back."
        )
        step = DiagnosticStep(
            fact.layer.site, f"{fact.layer.kind.short_name} takes it as features", "layer", fact.layer.kind.name
        )
        advice = "Use ReLU (or another hidden activation) here."
        trail = (*trail_of(given), step)
        yield Diagnostic("HL506", site, message, advice, is_proved(fact), trail, subject=source)


def _is_sampled(tensor: Tensor, source: Tensor) -> bool:
    """Whether what a layer takes was drawn by the probabilities: a category that something is generated from."""
    for _ in range(16):
        if tensor is source or not tensor.inputs:
            return False
        if tensor.origin.note == "gumbel":
            return True
        tensor = tensor.inputs[0]
    return False


def _before_pools(tensor: Tensor) -> Tensor:
    while tensor.inputs and tensor.origin.layer is not None and tensor.origin.layer.kind.effect in _THINNING:
        tensor = tensor.inputs[0]
    return tensor


_THINNING = frozenset({"pool", "adaptive_pool", "dropout", "flatten"})


def _is_hidden(evidence: Evidence, fact: LayerApplied, softmax: Tensor) -> bool:
    """Whether a softmax of one layer's units is the input of another; not attention, which runs over another axis."""
    before = softmax.inputs[0] if softmax.inputs else None
    layer = before.origin.layer if before is not None and before.origin.role == "layer" else None
    effects = ("dense", "convolution")
    if before is None or layer is None or {layer.kind.effect, fact.layer.kind.effect} - set(effects):
        return False
    if layer.kind.effect == "convolution":
        own = layer.kind.framework == "keras" or fact.in_container
        shown = id(softmax) in evidence.predictions or id(softmax) in evidence.answers
        return own and not shown and _runs_over(softmax, 1 if layer.kind.framework == "torch" else -1)
    return fact.layer.kind.effect == "dense" and _runs_over(softmax, -1)


def _runs_over(softmax: Tensor, units: int) -> bool:
    """Whether a softmax compares the units of a layer, as far as is known."""
    rank, axis = softmax.shape.rank, softmax.axis
    if rank is None or axis is None:
        return True
    return axis % rank == units % rank


def _one_of_several(evidence: Evidence, fact: LayerApplied) -> bool:
    """Whether an option picks the softmax among other activations: that somebody picks it is not seen."""
    return bool(fact.guards) and any(
        other.layer is fact.layer and other.guards and other.input.domain is not Domain.SOFTMAX
        for other in evidence.applications()
    )


def loss_constructor_given_tensors(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL507."""
    for fact in evidence.of(LossConstructorCall):
        name = fact.loss.short_name
        message = f"{name}(…) builds a loss and takes options (weight, …); the tensors passed here are never compared."
        step = DiagnosticStep(fact.site, f"{name} is built with tensors", "loss", fact.loss.name)
        yield Diagnostic(
            "HL507", fact.site, message, f"Write {name}()(output, target).", is_proved(fact), (step,), subject=fact
        )


RULES = (
    argmax_before_loss,
    detached_before_loss,
    loss_arguments_swapped,
    dropout_after_head,
    stacked_linear_layers,
    softmax_in_hidden_layer,
    loss_constructor_given_tensors,
)
