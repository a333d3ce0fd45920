"""HL4: bias."""

from __future__ import annotations

from collections.abc import Iterator

from headlint.checks.diagnostic import Diagnostic, DiagnosticStep
from headlint.checks.evidence import Evidence, is_proved
from headlint.checks.tensors import (
    CLASSIFYING,
    CROSS_ENTROPIES,
    ancestors,
    constant,
    head_of,
    prediction,
    short,
    source_tensor,
)
from headlint.checks.trails import trail_of
from headlint.flow.values.facts import LayerBuilt, LossUse
from headlint.flow.values.library_values import Layer
from headlint.flow.values.tensor_values import COMPUTED, Domain, Tensor

SMALL_MODEL = 6
"""Layers with weights up to which a model counts as small."""

_WEIGHTED = ("dense", "convolution")


def _layers(tensor: Tensor) -> list[Tensor]:
    """The outputs of the layers with weights that a tensor comes from."""
    return [
        part
        for part in ancestors(tensor)
        if part.origin.role == "layer" and part.origin.layer is not None and part.origin.layer.kind.effect in _WEIGHTED
    ]


def without_bias(layer: Layer) -> bool:
    """Whether a layer was built without a bias and is given none afterwards."""
    return (
        bool(layer.kind.bias)
        and constant(layer, layer.kind.bias) is False
        and not ({"bias", "weight"} & set(layer.slots))
    )


def _large_by_design(tensor: Tensor) -> bool:
    """Whether embeddings, attention or norms show a model whose author chose where biases are."""
    return any(
        part.origin.layer is not None
        and part.origin.layer.kind.effect
        in ("embedding", "embedding_bag", "attention", "layer_norm", "hidden_same_shape")
        for part in ancestors(tensor)
    )


def _is_linear(tensor: Tensor) -> bool:
    """Whether no activation stands between the layers: a factorised table of weights, as in word2vec, needs no bias."""
    head = head_of(tensor)
    return head is not None and not any(
        part.origin.role == "activation" for source in head.inputs for part in ancestors(source)
    )


def _is_of_dense_layers(tensor: Tensor) -> bool:
    """Whether no other layers than dense ones stand on the way."""
    return all(part.origin.layer is None or part.origin.layer.kind.effect == "dense" for part in ancestors(tensor))


def _rests_on_the_unknown(head: Tensor) -> bool:
    """Whether layers that are not seen may stand before: they may have no bias either, by design, or be many."""
    return any(part.origin.role == "input" and part.origin.note == COMPUTED for part in ancestors(head))


def _plain_way(tensor: Tensor, head: Tensor) -> bool:
    """Whether nothing is added to or multiplied with the scores behind the head, nor a softmax taken over positions."""
    source = source_tensor(tensor)
    if source.domain in (Domain.SOFTMAX, Domain.LOG_SOFTMAX) and source.shape.units != head.shape.units:
        return False
    while tensor is not head and tensor.inputs:
        if tensor.origin.note in ("add", "multiply", "divide", "number", "norm", "subtract", "concatenate"):
            return False
        tensor = tensor.inputs[0]
    return True


def _compares_positions(use: LossUse, tensor: Tensor, head: Tensor) -> bool:
    """Whether a cross entropy compares one score of each position with those of the others: a bias adds the same to all."""
    if use.loss.family not in (*CROSS_ENTROPIES, "nll"):
        return False
    if head.shape.units == 1:
        return True
    while tensor is not head and tensor.inputs:
        if tensor.origin.note == "index" or short(tensor.origin.name) in ("chunk", "split", "unbind", "select"):
            return True
        tensor = tensor.inputs[0]
    return False


def _scores_words(evidence: Evidence, layer: Layer) -> bool:
    """Whether a head has as many units as an embedding has words: models of language choose where biases are."""
    words = layer.arguments.get(layer.kind.units)
    embeddings = (
        fact.layer for fact in evidence.of(LayerBuilt) if fact.layer.kind.effect in ("embedding", "embedding_bag")
    )
    return words is not None and any(one.arguments.get(one.kind.parameters[0]) == words for one in embeddings)


def missing_bias_head(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL401."""
    for use in evidence.uses:
        tensor = prediction(use)
        head = head_of(tensor)
        layer = head.origin.layer if head is not None else None
        if head is None or layer is None or layer.kind.effect != "dense" or not without_bias(layer):
            continue
        if (
            use.loss.family not in (*CLASSIFYING, "regression")
            or _large_by_design(tensor)
            or not _plain_way(tensor, head)
        ):
            continue
        if _compares_positions(use, tensor, head) or _scores_words(evidence, layer):
            continue
        if head.inputs and "normalize" in head.inputs[0].origin.name.lower():
            continue
        weighted = _layers(tensor)
        bias_free = all(part.origin.layer is None or without_bias(part.origin.layer) for part in weighted)
        if bias_free and (len(weighted) > SMALL_MODEL or (len(weighted) > 1 and _is_linear(tensor))):
            continue
        if not bias_free and _is_linear(tensor) and _is_of_dense_layers(tensor):
            continue  # an earlier layer's bias comes through
        if len(weighted) == 1 and _rests_on_the_unknown(head):
            continue
        yield _finding("HL401", use, head, layer, _HEAD, "Leave the bias on in the last layer.")


_HEAD = (
    "The last layer has no bias: it cannot learn how frequent each class is (or the mean of a value), "
    "and for an input of zeros its output is always 0."
)
_HIDDEN = (
    "A hidden layer of a small model has no bias and no normalisation after it: its units cannot shift their threshold."
)


def _finding(code: str, use: LossUse, output: Tensor, layer: Layer, message: str, advice: str) -> Diagnostic:
    steps = (
        *trail_of(output),
        DiagnosticStep(use.site, f"{use.loss.short_name} takes what comes of it", "loss", use.loss.name),
    )
    return Diagnostic(
        code,
        layer.site,
        message,
        advice,
        is_proved(use),
        steps,
        (("parameter", layer.kind.bias),),
        subject=layer,
    )


def missing_bias_small_model(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL402."""
    for use in evidence.uses:
        tensor = prediction(use)
        weighted = _layers(tensor)
        head = head_of(tensor)
        if head is None or len(weighted) > SMALL_MODEL or _large_by_design(tensor):
            continue
        parts = list(ancestors(tensor))
        if _is_linear(tensor) or _rests_on_the_unknown(tensor):
            continue
        if any(len(part.inputs) > 1 or part.origin.note in ("matmul", "index") or _normalises(part) for part in parts):
            continue
        for part in weighted:
            layer = part.origin.layer
            if part is not head and layer is not None and layer is not head.origin.layer and without_bias(layer):
                yield _finding("HL402", use, part, layer, _HIDDEN, "Leave the bias on in small models.")


def _normalises(part: Tensor) -> bool:
    """Whether a layer or a function normalises: ``nn.BatchNorm1d``, ``F.batch_norm``."""
    return part.origin.note == "norm" or (part.origin.role == "operation" and short(part.origin.name).endswith("_norm"))


def redundant_bias_before_norm(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL403."""
    for fact in evidence.applications():
        layer = fact.input.origin.layer
        if fact.layer.kind.effect != "norm" or "BatchNorm" not in fact.layer.kind.short_name or layer is None:
            continue
        if layer.kind.effect in _WEIGHTED and layer.kind.bias and fact.input.origin.role == "layer":
            if constant(layer, layer.kind.bias) is True or not layer.given(layer.kind.bias):
                message = f"{fact.layer.kind.short_name} subtracts the mean, so the bias of the layer before it has no effect."
                step = DiagnosticStep(
                    fact.layer.site, f"{fact.layer.kind.short_name} removes the bias", "layer", fact.layer.kind.name
                )
                advice = f"Write {layer.kind.bias}=False."
                yield Diagnostic(
                    "HL403", layer.site, message, advice, is_proved(fact), (*trail_of(fact.input), step), subject=layer
                )


RULES = (missing_bias_head, missing_bias_small_model, redundant_bias_before_norm)
