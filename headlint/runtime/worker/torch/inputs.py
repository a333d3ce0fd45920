"""Inputs of a model: what they are like, the values drawn for them, and the first guess from names and layers."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable
from dataclasses import replace
from types import MethodType
from typing import Any

import torch
from torch import nn

from ..measuring.specs import (
    BATCH,
    FEATURES,
    LENGTH,
    NUMBER_OF_SAMPLES,
    SIDE,
    Bundle,
    Given,
    Grouped,
    Inputs,
    Spec,
    TensorSpec,
)
from ..program.guessing import CLASSES, VOCABULARY, guess_by_name
from ..program.uses import attributes_read, calls_parameter, keys_read, parts_unpacked, uses_of, word_compared
from ..request import InputWanted


def fresh_values(inputs: Inputs, device: str) -> tuple[list[Any], dict[str, Any]]:
    """Fresh values: by place and by name."""
    values = {name: drawn(spec, device) for name, spec in inputs.specs}
    by_place = [value for name, value in values.items() if name not in inputs.keywords]
    return by_place, {name: value for name, value in values.items() if name in inputs.keywords}


def drawn(spec: Spec, device: str) -> Any:
    """A value like this."""
    match spec:
        case Given(value):
            return value
        case Grouped(kind, keys, parts):
            values = [drawn(part, device) for part in parts]
            named = dict(zip(keys, values, strict=True))
            return named if kind is dict else Bundle(**named) if kind is Bundle else kind(values)
        case TensorSpec(shape, dtype, below):
            kind = getattr(torch, dtype)
            if spec.constant is not None:
                return torch.full(shape, spec.constant, dtype=kind, device="cpu")  # packing wants lengths there
            if dtype == "bool":
                return torch.ones(shape, dtype=kind, device=device)
            if spec.is_integer:
                return torch.randint(0, max(below or 2, 1), shape, device=device).to(kind)
            return (torch.rand if spec.shares else torch.randn)(shape, device=device).to(kind)


def specs_of_example(example: Any) -> Spec:
    """What ``example_input_array`` is like."""
    if isinstance(example, torch.Tensor):
        whole = not example.is_floating_point() and example.numel() and example.device.type != "meta"
        below = int(example.max()) + 1 if whole else None
        return TensorSpec(tuple(example.shape), str(example.dtype).removeprefix("torch."), below, fixed=True)
    if isinstance(example, dict):
        return Grouped(dict, tuple(example), tuple(specs_of_example(part) for part in example.values()))
    if isinstance(example, (tuple, list)):
        keys = tuple(str(index) for index in range(len(example)))
        return Grouped(type(example), keys, tuple(specs_of_example(part) for part in example))
    return Given(example)


def inputs_of_example(model: nn.Module, example: Any) -> Inputs:
    """The inputs that ``example_input_array`` holds: a tuple's parts go by place, a dictionary's by name."""
    names = [parameter.name for parameter in forward_parameters(model)]
    if isinstance(example, dict):
        return Inputs(tuple((key, specs_of_example(part)) for key, part in example.items()), frozenset(example))
    parts = list(example) if isinstance(example, (tuple, list)) else [example]
    names += [f"input{index}" for index in range(len(names), len(parts))]
    return Inputs(tuple((name, specs_of_example(part)) for name, part in zip(names, parts, strict=False)))


def written_pass(model: nn.Module) -> Callable[..., Any]:
    """``forward`` as the program writes it: what a decorator has taken that gives no more than ``*args, **kwargs``."""
    given = model.forward
    try:
        kinds = {parameter.kind for parameter in inspect.signature(given).parameters.values()}
    except (TypeError, ValueError):
        return given
    function = getattr(given, "__func__", None)
    if kinds and kinds <= {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}:
        for cell in getattr(function, "__closure__", None) or ():
            inner = cell.cell_contents
            if inspect.isfunction(inner) and next(iter(inspect.signature(inner).parameters), "") == "self":
                return MethodType(inner, model)
    return given


def forward_parameters(model: nn.Module) -> list[inspect.Parameter]:
    """The parameters of ``forward`` that a caller gives; ``*inputs`` counts as one."""
    try:
        parameters = list(inspect.signature(written_pass(model)).parameters.values())
    except (TypeError, ValueError):
        return [inspect.Parameter("x", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
    plain = [one for one in parameters if one.kind not in (one.VAR_KEYWORD, one.VAR_POSITIONAL)]
    rest = [inspect.Parameter(one.name, one.POSITIONAL_ONLY) for one in parameters if one.kind is one.VAR_POSITIONAL]
    return plain or rest


def first_inputs(model: nn.Module, wanted: tuple[InputWanted, ...]) -> Inputs:
    """The first guess: what the user gave, and for the other required parameters what name and first layer say."""
    parameters = forward_parameters(model)
    named = {one.name: one for one in wanted if one.name}
    unnamed = [one for one in wanted if not one.name]
    specs: list[tuple[str, Spec]] = []
    keywords: set[str] = set()
    for parameter in parameters:
        given = named.pop(parameter.name, None) or (unnamed.pop(0) if unnamed else None)
        if given is not None:
            specs.append((parameter.name, spec_of_wanted(given, model, parameter.name)))
        elif parameter.default is parameter.empty:
            specs.append((parameter.name, spec_of_parameter(parameter, model)))
        else:
            continue
        skipped = len(specs) - 1 < parameters.index(parameter)
        if parameter.kind is parameter.KEYWORD_ONLY or skipped:
            keywords.add(parameter.name)
    for one in [*named.values(), *unnamed]:
        specs.append((one.name or f"input{len(specs)}", spec_of_wanted(one, model, one.name)))
        if one.name:
            keywords.add(one.name)
    if not specs and parameters:
        specs.append((parameters[0].name, spec_of_parameter(parameters[0], model)))
    return of_type(float_type(model), Inputs(tuple(specs), frozenset(keywords)))


def float_type(model: nn.Module) -> str:
    """The type of the numbers that a model computes with."""
    kinds = (parameter.dtype for parameter in model.parameters() if parameter.is_floating_point())
    return str(next(kinds, torch.float32)).removeprefix("torch.")


def of_type(dtype: str, inputs: Inputs) -> Inputs:
    """The inputs with that type in place of 32-bit numbers."""
    for name, spec in inputs.tensors():
        if spec.dtype == "float32" and not spec.fixed:
            inputs = inputs.with_spec(name, replace(spec, dtype=dtype))
    return inputs


def required_parameters(model: nn.Module) -> list[str]:
    """The parameters of ``forward`` that must be given."""
    return [one.name for one in forward_parameters(model) if one.default is one.empty]


def spec_of_wanted(wanted: InputWanted, model: nn.Module, name: str) -> TensorSpec:
    """What the user asked for; without a type that of the layer that takes it."""
    if wanted.dtype:
        below = wanted.below or (VOCABULARY if wanted.dtype.startswith("int") else None)
        return TensorSpec(wanted.shape, wanted.dtype, below, fixed=True)
    guessed = spec_of_layer(first_layer(model, name))
    if guessed is not None and guessed.is_integer:
        return TensorSpec(wanted.shape, guessed.dtype, wanted.below or guessed.below, fixed=True)
    return TensorSpec(wanted.shape, "int64" if wanted.below else "float32", wanted.below, fixed=True)


LENGTHS = re.compile(r"len(gth)?s?$")
"""Names of how many steps the sequences have."""

BY_NAME: tuple[tuple[str, Spec], ...] = (
    (r"teacher|ratio|rate|temperature|alpha|lam|drop|keep_prob", Given(0.5)),
    (r"^(is_|use_|return_|with_|do_)|train|verbose|debug|flag|inference", Given(False)),
    (r"mask|^(memory|hx|cache|past|prev|state|states|hidden|hiddens?_?state|init_state|h|h0|h_0|hc|h_c)$", Given(None)),
    (NUMBER_OF_SAMPLES.pattern, Given(BATCH)),
    (LENGTHS.pattern, TensorSpec((BATCH,), "int64", LENGTH)),
    (r"^(t|time|times|timesteps?|step|steps)$", TensorSpec((BATCH,), "int64", LENGTH)),
    (r"^(edge_index|edges)$", TensorSpec((2, 17), "int64", BATCH)),
    (r"^(adj|adjacency|a_hat|graph)$", TensorSpec((BATCH, BATCH))),
    (r"^(y|labels?|targets?|class_labels?)$", TensorSpec((BATCH,), "int64", CLASSES)),
    (
        r"input_ids|tokens?|text|sentences?|words?|ids$|^(src|tgt|trg|source|target_seq|seq|sequence|idx|captions?)$",
        TensorSpec((BATCH, LENGTH), "int64", VOCABULARY),
    ),
    (r"im(a)?ge?s?$|^(pixel_values|frame|picture)s?$", TensorSpec((BATCH, 3, SIDE, SIDE))),
)
"""What a parameter of ``forward`` is by its name, where no layer says it."""

BY_ANNOTATION = {"bool": Given(False), "int": Given(2), "float": Given(0.5), "str": Given("")}


TYPED = {"LongTensor": "int64", "IntTensor": "int32", "BoolTensor": "bool"}
"""Annotations of whole numbers and of truth values."""


def indices_like(spec: TensorSpec, kind: str) -> TensorSpec:
    """Indices or truth values, one for each place of a sequence, or for each sample where there is one number for each."""
    below = None if kind == "bool" else VOCABULARY
    return TensorSpec(spec.shape if len(spec.shape) == 1 else (BATCH, LENGTH), kind, below)


def spec_of_parameter(parameter: inspect.Parameter, model: nn.Module) -> Spec:
    """The first guess for one parameter."""
    annotation = parameter.annotation
    written = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    if written in BY_ANNOTATION:
        number = guess_by_name(parameter.name)
        return Given(number) if isinstance(number, int) and written == "int" else BY_ANNOTATION[written]
    if kind := TYPED.get(written.rpartition(".")[2]):
        used = spec_by_use(parameter.name, model)
        if not isinstance(used, TensorSpec) or (used.is_integer and kind != "bool"):
            return used
        return indices_like(used, kind)
    if word := word_compared(written_pass(model), parameter.name):
        return Given(word)
    if calls_parameter(written_pass(model), parameter.name):
        return Given(torch.relu)
    target = parts_unpacked(written_pass(model), parameter.name)
    if target is not None and (group := group_of(target, model)) is not None:
        return group
    if keys := keys_read(written_pass(model), parameter.name):
        return Grouped(dict, keys, tuple(spec_by_use(key, model) for key in keys))
    if keys := attributes_read(written_pass(model), parameter.name, TENSOR):
        return Grouped(Bundle, keys, tuple(spec_of_attribute(key, model) for key in keys))
    return spec_by_use(parameter.name, model)


TENSOR = frozenset(dir(torch.Tensor))
"""What a tensor can be asked for: a parameter that is asked for anything else is none."""

OF_GRAPHS: tuple[tuple[str, Spec], ...] = (
    (r"^(num|n)_(nodes|graphs|edges)$|^batch_size$", Given(BATCH)),
    (r"^batch(_(index|idx))?$", TensorSpec((BATCH,), "int64", 1)),
    (r"^edge_(weights?|type)$", TensorSpec((17,))),
    (r"^edge_(attr|features?|feats?)$", TensorSpec((17, FEATURES))),
    (r"^(pos|coords?|positions?)$", TensorSpec((BATCH, 3))),
)
"""What an object that holds a graph is asked for beside its nodes and edges."""


def spec_of_attribute(name: str, model: nn.Module) -> Spec:
    """The first guess for what an object of the pass is asked for."""
    known = next((spec for pattern, spec in OF_GRAPHS if re.search(pattern, name)), None)
    return spec_by_use(name, model) if known is None else known


def group_of(target: ast.Tuple | ast.List, model: nn.Module) -> Grouped | None:
    """What can be unpacked into a target, as ``image, (hx, cx)``; None where it is more than names."""
    parts: list[tuple[str, Spec]] = []
    for number, part in enumerate(target.elts):
        match part:
            case ast.Name(id=name) if (again := parts_unpacked(written_pass(model), name, behind=target)) is not None:
                group = group_of(again, model)
                if group is None:
                    return None
                parts.append((name, group))
            case ast.Name(id=name):
                parts.append((name, spec_by_use(name, model)))
            case ast.Tuple() | ast.List():
                group = group_of(part, model)
                if group is None:
                    return None
                parts.append((str(number), group))
            case _:
                return None
    keys, specs = zip(*parts, strict=True)
    return Grouped(tuple, keys, specs) if len(set(keys)) == len(keys) else None


def spec_by_use(name: str, model: nn.Module) -> Spec:
    """The first guess for a value of ``forward`` by its name and by the layer that takes it first."""
    layer = first_layer(model, name)
    by_name = next((spec for pattern, spec in BY_NAME if re.search(pattern, name.lower())), None)
    used = spec_of_layer(layer)
    if by_name is not None and (used is None or not isinstance(by_name, TensorSpec)):
        return by_name
    if used is not None and used.is_integer and isinstance(by_name, TensorSpec) and len(by_name.shape) == 1:
        return replace(used, shape=by_name.shape)
    if isinstance(by_name, TensorSpec) and LENGTHS.search(name):
        return by_name
    if used is not None:
        return used
    fallback = by_name if isinstance(by_name, TensorSpec) else None
    return fallback or spec_of_layer(first_leaf(model)) or TensorSpec((BATCH, FEATURES))


def spec_of_layer(layer: nn.Module | None) -> TensorSpec | None:
    """What a layer takes; None where that is not known, or it was built with a list in place of a size."""
    found = written_spec(layer)
    return found if found is not None and all(isinstance(size, int) for size in found.shape) else None


def written_spec(layer: nn.Module | None) -> TensorSpec | None:
    """What a layer takes by its kind."""
    match layer:
        case nn.Embedding() | nn.EmbeddingBag():
            return TensorSpec((BATCH, LENGTH), "int64", layer.num_embeddings)
        case nn.LazyConv2d() | nn.LazyConvTranspose2d():
            return TensorSpec((BATCH, 3, SIDE, SIDE))
        case nn.LazyConv1d():
            return TensorSpec((BATCH, 3, SIDE))
        case nn.LazyLinear():
            return TensorSpec((BATCH, FEATURES))
        case nn.Conv1d() | nn.ConvTranspose1d():
            return TensorSpec((BATCH, layer.in_channels, 2 * SIDE))
        case nn.Conv2d() | nn.ConvTranspose2d():
            return TensorSpec((BATCH, layer.in_channels, SIDE, SIDE))
        case nn.Conv3d() | nn.ConvTranspose3d():
            return TensorSpec((BATCH, layer.in_channels, 16, SIDE, SIDE))
        case nn.BatchNorm3d() | nn.InstanceNorm3d():
            return TensorSpec((BATCH, layer.num_features, 16, SIDE, SIDE))
        case nn.BatchNorm2d() | nn.InstanceNorm2d():
            return TensorSpec((BATCH, layer.num_features, SIDE, SIDE))
        case nn.BatchNorm1d() | nn.InstanceNorm1d():
            return TensorSpec((BATCH, layer.num_features))
        case nn.Linear() | nn.Bilinear():
            return TensorSpec((BATCH, getattr(layer, "in_features", FEATURES)))
        case nn.RNNBase():
            return TensorSpec((BATCH, LENGTH, layer.input_size))
        case nn.RNNCellBase():
            return TensorSpec((BATCH, layer.input_size))
        case nn.MultiheadAttention():
            return TensorSpec((BATCH, LENGTH, layer.embed_dim))
        case nn.LayerNorm():
            return TensorSpec((BATCH, LENGTH, *layer.normalized_shape))
        case nn.GroupNorm():
            return TensorSpec((BATCH, layer.num_channels, SIDE, SIDE))
        case nn.MaxPool3d() | nn.AvgPool3d() | nn.Dropout3d():
            return TensorSpec((BATCH, 3, 16, SIDE, SIDE))
        case nn.MaxPool2d() | nn.AvgPool2d() | nn.Upsample() | nn.Dropout2d():
            return TensorSpec((BATCH, 3, SIDE, SIDE))
    return None


def first_layer(model: nn.Module, parameter: str, depth: int = 6) -> nn.Module | None:
    """The layer that takes a parameter of ``forward`` first, as the code is written; None where it shows none."""
    if spec_of_layer(model) is not None:
        return model
    if depth == 0:
        return None
    if isinstance(model, (nn.Sequential, nn.ModuleList)):
        parts = (first_layer(part, "", depth - 1) for part in model if part is not None)
        return next((layer for layer in parts if layer is not None), None)
    if isinstance(model, (nn.TransformerEncoderLayer, nn.TransformerDecoderLayer)):
        return model.self_attn
    return first_layer_in(model, written_pass(model), parameter, depth)


def first_layer_in(model: nn.Module, method: Callable[..., Any], parameter: str, depth: int) -> nn.Module | None:
    """The layer that takes a parameter of a method first."""
    names = list(inspect.signature(method).parameters)
    for path in uses_of(method, parameter or (names[0] if names else "")):
        part = reached(model, path)
        if inspect.ismethod(part) and part.__self__ is model and part.__name__ != method.__name__:
            layer = first_layer_in(model, part, "", depth - 1) if depth else None
        else:
            layer = first_layer(part, "", depth - 1) if isinstance(part, nn.Module) else None
        if layer is not None:
            return layer
    return None


def first_leaf(model: nn.Module) -> nn.Module | None:
    """The first layer in the order in which they were made that tells what it takes."""
    return next((module for module in model.modules() if spec_of_layer(module) is not None), None)


def reached(model: nn.Module, path: list[str]) -> Any:
    """What is at ``self.a.b``."""
    value: Any = model
    for name in path:
        value = getattr(value, name, None)
    return value
