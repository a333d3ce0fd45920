"""Modes of models: which models they matter to, what switches them, and what may."""

from __future__ import annotations

import re

from headlint.checks.evidence import Evidence
from headlint.checks.training.holding import DEEPEST_MODULE, called
from headlint.flow.values.conditions import Choice
from headlint.flow.values.facts import Event, TrainingEvent
from headlint.flow.values.library_values import Backbone, Container, Layer, Part
from headlint.flow.values.python_values import ClassValue, Constant, HeapObject, Instance, TupleValue, Unknown, Value

_DROPPING_BY_DEFAULT = ("TransformerEncoderLayer", "TransformerDecoderLayer", "Transformer")
"""Layers that drop values unless an argument says otherwise."""

_READING = frozenset(
    {"state_dict", "parameters", "named_parameters", "buffers", "children", "modules", "named_modules", "summary"}
    | {"watch", "add_graph", "patch_replication_callback", "save", "print", "len", "count_parameters"}
    | {"load_state_dict", "info", "debug", "warning", "error", "log", "format", "str", "repr", "type", "hasattr"}
    | {"isinstance", "id"}
)
"""Methods of a model, and functions that are given one, that leave its mode as it is."""

_READING_FIRST = ("save", "log_", "print", "plot", "count", "summar", "profile", "flop", "get_model_complexity")
"""What the names of others begin with."""


def depends_on_mode(evidence: Evidence, model: Value, as_built: bool = False, depth: int = DEEPEST_MODULE) -> bool:
    """Whether a model has layers that do something else in evaluation mode; of what is unknown that is likely.

    ``as_built``: whether it does so in the mode in which it was made, which for models of transformers is evaluation.
    """
    match model:
        case Layer():
            return _layer_depends(model)
        case Backbone(name=name) | Part(backbone=Backbone(name=name)):
            return not (as_built and name.startswith("transformers."))
        case Unknown():
            return True
        case Instance() if model in evidence.dropping_by_mode or _leaves_its_layers_open(model):
            return True
        case Container() | Instance() if depth > 0:
            return any(_may_depend(evidence, part, as_built, depth - 1) for part in model.slots.values())
        case _:
            return False


def _leaves_its_layers_open(model: Instance) -> bool:
    """Whether subclasses give a module its layers, and the ``forward`` that it calls itself."""
    classes = [ancestor for ancestor in model.cls.ancestors() if isinstance(ancestor, ClassValue)]
    return not model.cls.opaque and not any({"forward", "__call__"} & cls.slots.keys() for cls in classes)


def _layer_depends(layer: Layer) -> bool:
    name = layer.kind.name
    if "BatchNorm" in name:
        return layer.arguments.get("track_running_stats") != Constant(False)
    if "Dropout" in name:
        return layer.constant("p") not in (0, 0.0)
    dropped = layer.arguments.get("dropout")
    if dropped is None:
        return layer.kind.short_name in _DROPPING_BY_DEFAULT
    rate = dropped.value if isinstance(dropped, Constant) else None
    return isinstance(rate, float) and rate > 0 and (layer.kind.effect != "recurrent" or _has_several_layers(layer))


def _has_several_layers(layer: Layer) -> bool:
    several = layer.constant("num_layers", 1)
    return isinstance(several, int) and several > 1


def _may_depend(evidence: Evidence, part: Value, as_built: bool, depth: int) -> bool:
    match part:
        case Choice(options):
            return any(_may_depend(evidence, option.value, as_built, depth) for option in options)
        case TupleValue(items):
            return any(_may_depend(evidence, item, as_built, depth) for item in items)
        case Unknown():
            whole = taken_from(part)
            if whole is None:
                return not as_built and _is_ready_made(part)
            return depends_on_mode(evidence, whole, as_built)
        case _:
            return depends_on_mode(evidence, part, as_built, depth)


def _is_ready_made(part: Unknown) -> bool:
    """Whether something is a model of transformers, whose layers drop values but in evaluation mode, in which it is made."""
    match part.key:
        case (str() as path, _):
            return _OF_TRANSFORMERS.match(path) is not None
        case _:
            return False


def given_by_ready_made(value: Value | None) -> bool:
    """Whether a model of transformers that is not followed gave a value, or it is a part of what one gave."""
    match value:
        case Unknown(key=("call", _), parent=Unknown() as model) if _is_ready_made(model):
            return True
        case Unknown(parent=Unknown() as around):
            return given_by_ready_made(around)
        case _:
            return False


_OF_TRANSFORMERS = re.compile(r"transformers\.\w*(Model|For[A-Z])\w*\.from_pretrained$")


def taken_from(part: Value | None) -> Backbone | None:
    """The ready-made model of whose children something is one: ``nn.Sequential(*list(resnet.children())[:-1])``."""
    match part:
        case Unknown(key=(Backbone() as whole, "children" | "named_children" | "modules", *_)):
            return whole
        case Unknown(parent=Unknown() as around):
            return taken_from(around)
        case _:
            return None


def mode_of(event: TrainingEvent) -> bool | None:
    """Whether a switch is to training mode; None where that is not known."""
    match event.given:
        case (Constant(bool() as mode, symbol=None),):
            return mode
        case _:
            return None


def may_be_switched_by(event: TrainingEvent, model: Value) -> bool:
    """Whether something that cannot be read gets a model, or an object that has it, and does more than to read it."""
    if event.event is Event.LEFT_OUT:
        return True
    if event.event is not Event.HANDED_OVER:
        return False
    if isinstance(event.subject, Unknown) and _only_reads(called(event.subject)):
        return False
    return any(value is model or (isinstance(value, HeapObject) and _contains(value, model)) for value in event.given)


def _only_reads(name: str) -> bool:
    return name in _READING or name.startswith(_READING_FIRST)


def _contains(owner: HeapObject, model: Value) -> bool:
    return any(value is model for value in owner.slots.values())


_APPLYING = frozenset({"generate", "predict", "forward", "decode", "encode", "sample", "infer", "inference"})
"""Methods that apply a model, whatever else they do; none of them switches its mode."""


def applies(event: TrainingEvent, model: Unknown) -> bool:
    """Whether a call is that of a model, or of a method of it that applies it."""
    function = event.subject
    return function is model or (
        isinstance(function, Unknown) and function.parent is model and function.key in _APPLYING
    )


def leaves_its_mode(event: TrainingEvent, model: Unknown) -> bool:
    """Whether a call applies a model or a part of it, rather than a method that may switch its mode."""
    function = event.subject
    if applies(event, model):
        return True
    if not isinstance(function, Unknown) or function.parent is not model or model in event.given[:-1]:
        return False
    return isinstance(function.key, str) and not _SWITCHING.search(called(function))


_SWITCHING = re.compile(r"train|eval|mode|test|infer|freeze", re.I)
