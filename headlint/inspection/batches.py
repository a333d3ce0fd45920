"""The first batch of whatever holds batches, and what of it the model and the loss take."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LABELS = ("labels", "label", "targets", "target", "y")
"""What labels are called in a batch that is a dict."""


@dataclass(frozen=True)
class Batch:
    """What the model is called with, and the labels; ``whole`` is the batch as it came."""

    whole: Any
    positional: tuple[Any, ...]
    keywords: dict[str, Any]
    labels: Any = None
    has_labels: bool = False


def first_batch(given: Any) -> Any:
    """The batch itself, or the first of a DataLoader, a data set or an iterator."""
    if hasattr(given, "shape") or isinstance(given, (Mapping, Sequence)):
        return given
    if hasattr(given, "data") and isinstance(given.data, Mapping):  # a tokenizer's batch
        return given.data
    return next(iter(given)) if isinstance(given, Iterable) else given


def split(given: Any, call: Callable[..., Any], with_labels: bool) -> Batch:
    """What the model is called with; ``with_labels`` says that a loss waits for labels."""
    whole = first_batch(given)
    if isinstance(whole, Mapping):
        return _split_mapping(whole, call, with_labels)
    if not isinstance(whole, (tuple, list)):
        return Batch(whole, (whole,), {})
    if with_labels and len(whole) > 1:
        inputs, labels = whole[:-1], whole[-1]
        batch = _inputs(tuple(inputs), call)
        return Batch(whole, batch.positional, batch.keywords, labels, True)
    least, most = _parameters(call)
    batch = _inputs(tuple(whole) if len(whole) <= most else tuple(whole[:least]), call)
    return Batch(whole, batch.positional, batch.keywords)


def _split_mapping(whole: Mapping[str, Any], call: Callable[..., Any], with_labels: bool) -> Batch:
    names, any_name = _names(call)
    known = {key: value for key, value in whole.items() if key in names or any_name}
    label = next((key for key in LABELS if key in whole), None) if with_labels else None
    labels = whole[label] if label is not None else None
    if not any(key in names for key in whole) and not any_name:
        rest = {key: value for key, value in whole.items() if key != label}
        whole_input = next(iter(rest.values())) if len(rest) == 1 else rest
        return Batch(whole, (whole_input,), {}, labels, label is not None)
    keywords = {key: value for key, value in known.items() if key != label}
    return Batch(whole, (), keywords, labels, label is not None)


def _inputs(inputs: tuple[Any, ...], call: Callable[..., Any]) -> Batch:
    """Inputs as they are, a single dict or tuple spread over the parameters where the model takes several."""
    if len(inputs) == 1 and isinstance(inputs[0], Mapping):
        return _split_mapping(inputs[0], call, with_labels=False)
    if len(inputs) == 1 and isinstance(inputs[0], (tuple, list)) and _parameters(call)[0] > 1:
        return Batch(inputs, tuple(inputs[0]), {})
    return Batch(inputs, inputs, {})


def _parameters(call: Callable[..., Any]) -> tuple[int, int]:
    """How many positional arguments a call must and may have."""
    try:
        parameters = inspect.signature(call).parameters.values()
    except (TypeError, ValueError):
        return 1, 1
    positional = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    if any(one.kind is one.VAR_POSITIONAL for one in parameters):
        return max(1, len(positional)), 1_000
    required = [one for one in positional if one.default is one.empty]
    return max(1, len(required)), len(positional)


def _names(call: Callable[..., Any]) -> tuple[set[str], bool]:
    """The names of the parameters, and whether any other name is taken too."""
    try:
        parameters = inspect.signature(call).parameters.values()
    except (TypeError, ValueError):
        return set(), True
    names = {one.name for one in parameters if one.kind in (one.KEYWORD_ONLY, one.POSITIONAL_OR_KEYWORD)}
    return names, any(one.kind is one.VAR_KEYWORD for one in parameters)
