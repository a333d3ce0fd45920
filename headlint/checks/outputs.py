"""HL2: how many outputs, and layers that cannot be."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from headlint.checks.diagnostic import Diagnostic, DiagnosticStep
from headlint.checks.evidence import Evidence, is_proved
from headlint.checks.tensors import (
    CLASSIFYING,
    CROSS_ENTROPIES,
    ancestors,
    assumptions_of,
    comes_from_weights,
    constant,
    head_of,
    is_for_one_class,
    prediction,
    short,
    source_tensor,
    units,
)
from headlint.checks.trails import about_loss, loss_steps, trail_of
from headlint.flow.values.assumptions import Assumption
from headlint.flow.values.conditions import Guard
from headlint.flow.values.facts import Activation, Fact, LayerBuilt, LossUse
from headlint.flow.values.intervals import UNIT
from headlint.flow.values.library_values import Layer
from headlint.flow.values.python_values import Constant, TupleValue, Unknown
from headlint.flow.values.tensor_values import Domain, Labels, Tensor

SOFTMAXES = ("softmax", "log_softmax")


def softmax_axis(fact: Activation) -> int | None:
    """The axis of a softmax, where it is known; without ``dim`` torch takes 1 for a matrix."""
    if fact.output.axis is not None:
        return fact.output.axis
    rank = fact.input.shape.rank if isinstance(fact.input, Tensor) else None
    if rank is None or fact.axis_given:
        return None
    return 0 if rank in (0, 1, 3) else 1


def about_activation(
    code: str, fact: Activation, message: str, advice: str, **details: str | int | bool | None
) -> Diagnostic:
    """A finding about a softmax itself."""
    site = fact.output.origin.built_at or fact.site
    known = {"units": fact.output.shape.units, "rank": fact.output.shape.rank, "axis": fact.output.axis, **details}
    return Diagnostic(
        code,
        site,
        message,
        advice,
        is_proved(fact),
        trail_of(fact.output),
        details=tuple((key, value) for key, value in known.items() if value is not None),
        assumptions=assumptions_of(fact.output),
        subject=fact.output,
    )


def _asks_for_rank(guard: Guard, tensor: Tensor) -> bool:
    """Whether a condition asks how many axes a tensor has, which nobody knows."""
    subject = guard.condition.subject
    return isinstance(subject, Unknown) and subject.key == (tensor, "rank")


def _is_of_another_call(fact: Activation) -> bool:
    """Whether an argument that is given picks the softmax, and a default says the width: who gives one may give both."""
    head = head_of(fact.output)
    layer = head.origin.layer if head is not None else None
    picked = any(
        guard.outcome
        and guard.expected is None
        and guard.condition.operator == "=="
        and isinstance(getattr(guard.condition.subject, "key", None), Assumption)
        for guard in fact.guards
    )
    return picked and layer is not None and layer.rests_on_default(layer.kind.units)


def single_unit_softmax(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL201."""
    over_more = {fact.site for fact in evidence.of(Activation) if not _over_one(evidence, fact)}
    for fact in evidence.of(Activation):
        if fact.effect not in SOFTMAXES or not isinstance(fact.input, Tensor) or _is_constant(fact.input):
            continue
        if any(_asks_for_rank(guard, fact.input) for guard in fact.guards):
            continue  # which axis is meant is another where there are more
        if _is_of_another_call(fact) or _compares_places(fact.input):
            continue
        if fact.site in over_more and (_product(fact.input) is not None or not comes_from_weights(fact.input)):
            continue  # attention to one place only where it begins, or numbers of any width that nothing with weights gives
        if _over_one(evidence, fact):
            where, advice = _UNIT if _is_a_unit(fact.input) else _AXIS
            if where == _AXIS[0] and _is_room(fact):
                continue
            message = _always_the_same(short(fact.output.origin.name), where)
            yield _with_its_loss(evidence, about_activation("HL201", fact, message, advice), fact)
    applied = {id(fact.layer) for fact in evidence.applications()}
    for built in evidence.of(LayerBuilt):
        if id(built.layer) not in applied and not built.layer.removed:
            yield from _built_with_one_unit(built)


def _compares_places(scores: Tensor) -> bool:
    """Whether a layer's output is multiplied with that of another for other data: what is attended to may have one place."""
    product = _product(scores)
    if product is None:
        return False
    asking, asked = (list(ancestors(factor)) for factor in product.inputs)
    of_layers = all(any(part.origin.role == "layer" for part in parts) for parts in (asking, asked))
    given = {id(part) for part in asking}
    return of_layers and any(not part.inputs and id(part) not in given for part in asked)


def _product(scores: Tensor) -> Tensor | None:
    """The product of two tensors that scores are, scaled or in other axes, as those of attention."""
    while len(scores.inputs) == 1 and scores.origin.role == "operation" and scores.origin.note != "matmul":
        scores = scores.inputs[0]
    return scores if scores.origin.note == "matmul" and len(scores.inputs) == 2 else None


def _is_room(fact: Activation) -> bool:
    """Whether an axis is as long as room that is kept free, or is 1 where the program asks for that: others are put there.

    So it is where an option leads to the softmax: who gives it says how many there are, too.
    """
    assert isinstance(fact.input, Tensor)
    asked = any(
        guard.outcome and guard.condition.operator == "==" and guard.condition.operand == 1 for guard in fact.guards
    )
    chosen = any(guard.departs or (guard.outcome and guard.condition.operator == "truth") for guard in fact.guards)
    return asked or chosen or any(_is_constant(part) for part in ancestors(fact.input))


def _is_constant(tensor: Tensor) -> bool:
    """Whether it is filled with one number, as equal shares are made of zeros."""
    return tensor.labels is not None and tensor.labels.encoding == "constant"


def single_unit_softmax_for_others(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL201, of layers that only callers who were not seen would build, with one unit whatever they pass."""
    for built in evidence.of(LayerBuilt):
        if built.unseen:
            yield from _built_with_one_unit(built)


def _built_with_one_unit(built: LayerBuilt) -> Iterator[Diagnostic]:
    layer = built.layer
    if (name := _own_softmax(layer)) and constant(layer, layer.kind.units) == 1:
        where, advice = _UNIT
        step = DiagnosticStep(layer.site, f"{layer.kind.short_name} gives 1 raw score", "layer", layer.kind.name)
        yield Diagnostic(
            "HL201", layer.site, _always_the_same(name, where), advice, is_proved(built), (step,), subject=layer
        )


def _own_softmax(layer: Layer) -> str:
    """The softmax that a dense layer of Keras applies to its units, wherever it will stand."""
    given = constant(layer, "activation")
    own = layer.kind.framework == "keras" and layer.kind.effect == "dense" and given in SOFTMAXES
    return (
        str(given)
        if own and not layer.rests_on_default(layer.kind.units) and not layer.rests_on_default("activation")
        else ""
    )


def _always_the_same(name: str, where: str) -> str:
    answer = "0" if name.startswith("log") else "1"
    return (
        f"{name} over {where}: exp(x) / exp(x) is always 1, "
        f"so this gives {answer} whatever the input is and nothing is learned."
    )


_UNIT = (
    "a single unit",
    "Use a sigmoid for yes or no, no activation for a value, or one unit for each class.",
)
_AXIS = ("an axis of length 1", "Take it over the axis of what is to be compared.")


def _is_a_unit(tensor: Tensor) -> bool:
    """Whether the axis of length one is what a layer gives, and not one that was put in or left over."""
    head = head_of(tensor)
    width = None if head is None else head.shape.size(1) if _is_convolution(head) else head.shape.units
    if width is None and _is_of_keys(tensor):
        return False
    return head is None or width in (None, 1)


def _is_of_keys(tensor: Tensor) -> bool:
    """Whether it has the axes of attention: samples, heads, queries, and the keys that they are held against."""
    return (tensor.shape.rank or 0) > 3


def _is_convolution(tensor: Tensor) -> bool:
    layer = tensor.origin.layer
    return layer is not None and layer.kind.effect == "convolution" and layer.kind.framework == "torch"


def _with_its_loss(evidence: Evidence, diagnostic: Diagnostic, fact: Activation) -> Diagnostic:
    """The finding with the way on to the loss that takes the activation's output, if there is one."""
    use = next((use for use in evidence.uses if source_tensor(prediction(use)) is fact.output), None)
    if use is None:
        return diagnostic
    labels = evidence.labels_of(use) or Labels()
    beyond = labels.interval is not None and labels.interval not in UNIT
    known = {
        "framework": use.loss.framework,
        "family": use.loss.family,
        "classes": labels.classes,
        "beyond": beyond or None,
    }
    details = tuple((key, value) for key, value in known.items() if value is not None)
    return replace(diagnostic, trail=(*diagnostic.trail, *loss_steps(use)), details=(*diagnostic.details, *details))


def _over_one(evidence: Evidence, fact: Activation) -> bool:
    shape = fact.input.shape if isinstance(fact.input, Tensor) else None
    if shape is None:
        return False
    axis = softmax_axis(fact)
    if axis is not None and shape.rank is not None:
        return shape.size(axis) == 1
    if axis == -1:
        return shape.last == 1
    if shape.rank is None and shape.last == 1 and (axis == 1 or not fact.axis_given):
        return evidence.reaches_loss(fact)
    return False


def single_unit_cross_entropy(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL202."""
    for use in evidence.uses:
        tensor = prediction(use)
        if use.loss.family not in (*CROSS_ENTROPIES, "nll") or units(use) != 1:
            continue
        if tensor.domain in (Domain.SOFTMAX, Domain.LOG_SOFTMAX, Domain.HARD, Domain.TARGET, Domain.ONE_HOT):
            continue
        if not _is_of_a_head(tensor) or is_for_one_class(use) or _counts_one_class(use):
            continue
        message = (
            f"{use.loss.short_name} compares classes with each other, but there is only one output: "
            "the loss is the same for every input, so the network learns nothing."
        )
        if use.loss.framework == "torch":
            advice = "Give the last layer one unit for each class, or use BCEWithLogitsLoss for yes or no."
        else:
            advice = (
                "Give the last layer one unit for each class, or use binary_crossentropy with a sigmoid for yes or no."
            )
        labels = evidence.labels_of(use)
        yield about_loss("HL202", use, message, advice, classes=labels.classes if labels is not None else None)


def _is_of_a_head(tensor: Tensor) -> bool:
    """Whether it is what a dense layer, a product with weights or the head of a ready-made model gives."""
    ready_made = tensor.origin.role == "layer" and tensor.origin.layer is None and tensor.domain is Domain.LINEAR
    return ready_made or head_of(tensor) is not None or _is_product_with_weights(tensor)


def _is_product_with_weights(tensor: Tensor) -> bool:
    """Whether it is a product with a variable that is trained, or an activation of one."""
    made = source_tensor(tensor)
    if made.origin.role == "activation" and made.inputs:
        made = source_tensor(made.inputs[0])
    return made.origin.note == "matmul with variable"


def _counts_one_class(use: LossUse) -> bool:
    """Whether there is one output where some number, that of the classes, is one: nobody who counts several comes here."""
    return any(
        guard.outcome and guard.condition.operator == "==" and guard.condition.operand == 1 for guard in use.guards
    )


def binary_softmax(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL203."""
    for use in evidence.uses:
        tensor = prediction(use)
        if use.loss.family not in (*CROSS_ENTROPIES, "nll") or tensor.domain not in (
            Domain.SOFTMAX,
            Domain.LOG_SOFTMAX,
        ):
            continue
        source = source_tensor(tensor)
        rank = source.shape.rank
        site = source.origin.built_at or source.origin.site
        head = head_of(source)
        dense = head is not None and head.origin.layer is not None and head.origin.layer.kind.effect == "dense"
        if (
            source.origin.role == "activation"
            and source.shape.units == 2
            and rank in (None, 2)
            and site is not None
            and dense
        ):
            message = "A softmax over two units is a sigmoid of their difference: one unit does the same with half the parameters."
            advice = "For two classes one output with a sigmoid and a binary cross entropy is enough."
            yield Diagnostic(
                "HL203", site, message, advice, is_proved(use), trail_of(source),
                (("units", 2), ("framework", use.loss.framework)), assumptions_of(source), use,
            )  # fmt: skip


def impossible_layer(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL206."""
    for fact in evidence.of(LayerBuilt):
        problem = _impossible(fact.layer)
        if problem and not _rests_on_a_default(fact.layer) and not (fact.guards and problem.endswith(_NO_SIZES)):
            message = f"{fact.layer.kind.short_name} is built with invalid arguments: {problem}."
            yield Diagnostic("HL206", fact.site, message, "Correct the argument.", is_proved(fact), subject=fact.layer)


_NO_SIZES = ("=0 is no size", "=-1 is no size")
"""In a table of options a 0 or -1 stands for a layer that is not there: who picks it builds none."""


def _rests_on_a_default(layer: Layer) -> bool:
    """Whether a size is a constructor's default that no call was seen to leave: 0 may well stand for "not given"."""
    return any(layer.rests_on_default(parameter) for parameter in layer.arguments)


def _impossible(layer: Layer) -> str:
    for parameter in (
        layer.kind.units,
        layer.kind.features,
        "kernel_size",
        "stride",
        "strides",
        "num_heads",
        "num_groups",
        "groups",
    ):
        value = constant(layer, parameter) if parameter in layer.kind.parameters else None
        if value == -1 and layer.kind.framework == "keras" and parameter == "groups":
            continue  # GroupNormalization(groups=-1): every channel is a group
        if value == 0 and parameter == "embedding_dim":
            continue  # rows without numbers, which PyTorch makes where there is nothing to embed
        if isinstance(value, int) and not isinstance(value, bool) and value <= 0:
            return f"{parameter}={value} is no size"
    if layer.kind.effect == "dropout":
        rate = constant(layer, "p", "rate")
        if isinstance(rate, int | float) and not isinstance(rate, bool) and not 0 <= rate <= 1:
            return f"a dropout rate of {rate} is outside [0, 1]"
    for divisor, *sizes in (
        ("groups", "in_channels", "out_channels", "filters"),
        ("num_groups", "num_channels"),
        ("num_heads", "embed_dim"),
        ("nhead", "d_model"),
    ):
        count = constant(layer, divisor)
        for parameter in sizes:
            size = constant(layer, parameter)
            if isinstance(count, int) and isinstance(size, int) and count > 0 and size % count:
                return f"{divisor}={count} does not divide {parameter}={size}"
    return ""


def missing_flatten(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL207."""
    for use in evidence.labels:
        rank, last = use.target.shape.rank, use.target.shape.units
        one_a_sample = rank == 1 or (rank == 2 and (last == 1 or use.labels.encoding == "one_hot"))
        if one_a_sample and use.labels.encoding in ("one_hot", "index", "binary"):
            yield from _unflattened(use, prediction(use))
    for loss in evidence.uses:
        target = loss.target
        if isinstance(target, Tensor) and target.labels is not None and target.labels.encoding in ("index", "binary"):
            if target.shape.rank == 1 or target.labels.column:
                yield from _unflattened(loss, prediction(loss))
        elif loss.loss.framework == "keras" and loss.loss.family in CLASSIFYING and target is None:
            if not any(use.prediction is loss.prediction for use in evidence.labels) and _cropped(prediction(loss)):
                yield from _unflattened(loss, prediction(loss), _NO_SUCH_LABELS)


def _cropped(tensor: Tensor) -> bool:
    """Whether convolutions without padding and then pooling made the grid on which a head gives its answers.

    Labels for each place of a picture or sequence lie on a grid that is the input's, or a part of it by a whole number.
    """
    layers = [part.origin.layer for part in ancestors(tensor) if part.origin.layer is not None]
    effects = {layer.kind.effect for layer in layers}
    crops = [layer for layer in layers if layer.kind.effect == "convolution" and _crops(layer)]
    return bool(crops) and "pool" in effects and effects <= _ON_A_GRID


_ON_A_GRID = frozenset({"dense", "convolution", "pool", "activation", "norm", "layer_norm", "dropout", "dropout_noise"})


def _crops(layer: Layer) -> bool:
    sizes = layer.arguments.get("kernel_size")
    numbers = [sizes] if isinstance(sizes, Constant) else list(sizes.items) if isinstance(sizes, TupleValue) else []
    large = any(isinstance(one, Constant) and isinstance(one.value, int) and one.value > 1 for one in numbers)
    padding = layer.arguments.get("padding", layer.arguments.get("border_mode"))
    return large and not layer.kind.short_name.endswith("Transpose") and padding in (None, Constant("valid"))


_ONE_LABEL_EACH = "there is one label for each sample."
_NO_SUCH_LABELS = "convolutions without padding and pooling leave a grid that labels hardly lie on."


def _unflattened(use: Fact, tensor: Tensor, contradiction: str = _ONE_LABEL_EACH) -> Iterator[Diagnostic]:
    head = head_of(tensor)
    if head is None or head.origin.layer is None or head.origin.layer.kind.effect != "dense" or not head.inputs:
        return
    rank = head.inputs[0].shape.rank
    if rank is None or rank < 3 or tensor.shape.rank != rank:
        return
    what = "a feature map" if rank >= 4 else "a sequence"
    message = f"The last layer is applied to {what} with {rank} axes, but {contradiction}"
    advice = "Flatten or pool before the last layer (Flatten, GlobalAveragePooling, or return_sequences=False)."
    yield Diagnostic(
        "HL207",
        head.origin.layer.site,
        message,
        advice,
        is_proved(use) and contradiction is _ONE_LABEL_EACH,
        trail_of(tensor),
        details=(("rank", rank),),
        subject=use,
    )


RULES = (
    single_unit_softmax,
    single_unit_softmax_for_others,
    single_unit_cross_entropy,
    binary_softmax,
    impossible_layer,
    missing_flatten,
)
