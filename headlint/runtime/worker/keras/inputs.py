"""Inputs of a Keras model: those it declares, else a first guess from what its program says and its first layers."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy
from keras import ops

from ..measuring.specs import BATCH, FEATURES, LENGTH, SIDE, Given, Grouped, Inputs, Spec, TensorSpec
from ..program.sources import parse
from ..program.uses import keys_read, names_of_parts, uses_of
from ..reasons import Unmeasurable
from ..request import InputWanted

WORDS = ("a", "good", "film", "with", "no", "end")
"""What strings are drawn from."""

NOT_GIVEN = frozenset({"self", "training", "mask", "masks", "attention_mask"})

VOCABULARY = 101
FRAMES = 4
"""Images in a film whose sides the model declares and whose length it leaves open: each costs time and memory."""

SIZES_BY_RANK = {3: (LENGTH,), 4: (SIDE, SIDE), 5: (16, SIDE, SIDE)}
"""For an input of that many axes, the sizes of the axes between batch and channels, where the model leaves them open."""


def drawn(spec: Spec, generator: Any) -> Any:
    """A value like this, a tensor of the backend."""
    match spec:
        case Given(value):
            return value
        case Grouped(kind, keys, parts):
            values = [drawn(part, generator) for part in parts]
            return dict(zip(keys, values, strict=True)) if kind is dict else kind(values)
        case TensorSpec(shape, "string"):
            import tensorflow

            return tensorflow.constant(generator.choice(WORDS, shape))
        case TensorSpec(shape, dtype, below):
            if dtype == "bool":
                return ops.ones(shape, dtype="bool")
            if spec.is_integer:
                return ops.convert_to_tensor(generator.integers(0, max(below or 2, 1), shape).astype(dtype))
            return ops.convert_to_tensor(generator.standard_normal(shape).astype(dtype))


def fresh_values(inputs: Inputs, seed: int) -> tuple[list[Any], dict[str, Any]]:
    """Fresh values: by place and by name."""
    generator = numpy.random.default_rng(seed)
    values = {name: drawn(spec, generator) for name, spec in inputs.specs}
    by_place = [value for name, value in values.items() if name not in inputs.keywords]
    return by_place, {name: value for name, value in values.items() if name in inputs.keywords}


def declared_inputs(model: Any) -> Inputs | None:
    """The inputs of a functional or built sequential model; None where it declares none."""
    tensors = getattr(model, "inputs", None)
    if not tensors:
        return None
    specs = [spec_of_tensor(model, tensor) for tensor in tensors]
    names = [getattr(tensor, "name", f"input{index}") for index, tensor in enumerate(tensors)]
    if len(specs) == 1:
        return Inputs(((names[0], specs[0]),))
    return Inputs((("inputs", Grouped(list, tuple(names), tuple(specs))),))


def declared_batch(model: Any) -> int:
    """The number of samples that a model's own inputs are declared for; 0 where they leave it open."""
    sizes = {tensor.shape[0] for tensor in getattr(model, "inputs", None) or () if len(tensor.shape)}
    return sizes.pop() or 0 if len(sizes) == 1 else 0


def spec_of_tensor(model: Any, tensor: Any) -> TensorSpec:
    """What a declared input is like; indices where an embedding takes it."""
    shape = filled(tuple(tensor.shape))
    dtype = keras.backend.standardize_dtype(tensor.dtype)
    limits = [layer.input_dim for layer in takers(model, tensor) if isinstance(layer, keras.layers.Embedding)]
    if limits:
        return TensorSpec(shape, "int32", min(limits))
    if dtype.startswith(("int", "uint")):
        every = [layer.input_dim for layer in layers_of(model) if isinstance(layer, keras.layers.Embedding)]
        return TensorSpec(shape, dtype, min(every, default=2))
    return TensorSpec(shape, dtype)


def filled(shape: tuple[int | None, ...]) -> tuple[int, ...]:
    """A shape with sizes where the model leaves them open."""
    inner = SIZES_BY_RANK.get(len(shape), ())
    open_sizes = [BATCH, *inner] + [FEATURES] * len(shape)
    if len(shape) == 4 and shape[1] is not None and shape[1] <= 4 and shape[2] is None:
        open_sizes = [BATCH, 3, SIDE, SIDE]
    if len(shape) == 5 and shape[1] is None and None not in shape[2:]:
        open_sizes[1] = FRAMES
    if len(shape) == 2 and shape[1] is None:
        open_sizes = [BATCH, LENGTH]
    return tuple(
        BATCH if not axis else open_sizes[axis] if size is None else int(size) for axis, size in enumerate(shape)
    )


def takers(model: Any, tensor: Any) -> Iterator[Any]:
    """The layers that take a declared input directly, or through a part of the model that hands it on."""
    for layer in layers_of(model):
        for node in getattr(layer, "_inbound_nodes", ()):
            if any(given is tensor for given in getattr(node, "input_tensors", ())):
                yield layer
                if isinstance(layer, keras.Model) and getattr(layer, "inputs", None):
                    yield from takers(layer, layer.inputs[0])


def layers_of(model: Any, depth: int = 4) -> Iterator[Any]:
    """The layers of a model in the order in which they were made, those of its parts included."""
    for layer in getattr(model, "_layers", ()):
        yield layer
        if depth:
            yield from layers_of(layer, depth - 1)


def guessed_inputs(model: Any, wanted: tuple[InputWanted, ...], path: Path) -> list[Inputs]:
    """First guesses for a model that declares no inputs, the best-founded first."""
    parameters = call_parameters(model)
    if wanted:
        return [given_inputs(model, wanted, parameters)]
    built = built_shape(model)
    if built is not None:
        return [Inputs(((parameters[0], built),))]
    if len(parameters) > 1:
        return [Inputs(tuple((name, spec_by_use(model, name)) for name in parameters))]
    name = parameters[0] if parameters else "inputs"
    keys = keys_read(model.call, name)
    if keys:
        parts = tuple(spec_by_use(model, key) for key in keys)
        return [Inputs(((name, Grouped(dict, keys, parts)),))]
    named = names_of_parts(model.call, name)
    listed: list[Spec] = [Grouped(list, named, tuple(spec_by_use(model, part) for part in named))] if named else []
    written = [TensorSpec(filled(shape), fixed=True) for shape in shapes_written(path)]
    by_use = spec_by_use(model, name)
    fitting = [spec for spec in written if len(spec.shape) == len(by_use.shape) and not by_use.is_integer]
    others = [] if by_use.is_integer else [spec for spec in written if spec not in fitting]
    return [Inputs(((name, spec),)) for spec in dict.fromkeys([*listed, *fitting, by_use, *others, *FALLBACKS])]


FALLBACKS = (
    TensorSpec((BATCH, SIDE, SIDE, 3)),
    TensorSpec((BATCH, 28, 28, 1)),
    TensorSpec((BATCH, 28, 28)),
    TensorSpec((BATCH, FEATURES)),
    TensorSpec((BATCH, LENGTH, FEATURES)),
    TensorSpec((BATCH, LENGTH), "int32", VOCABULARY),
    TensorSpec((BATCH, 224, 224, 3)),
)


def given_inputs(model: Any, wanted: tuple[InputWanted, ...], parameters: list[str]) -> Inputs:
    """What the user gave, in the order of the parameters; several for one parameter go in a list."""
    specs = []
    for index, one in enumerate(wanted):
        name = one.name or (parameters[index] if index < len(parameters) else f"input{index}")
        integers = [layer.input_dim for layer in layers_of(model) if isinstance(layer, keras.layers.Embedding)]
        dtype = one.dtype or ("int32" if one.below else "float32")
        below = one.below or (min(integers, default=VOCABULARY) if dtype.startswith("int") else None)
        specs.append((name, TensorSpec(one.shape, dtype, below, fixed=True)))
    if len(specs) > 1 and len(parameters) == 1:
        names, parts = zip(*specs, strict=True)
        return Inputs(((parameters[0], Grouped(list, names, parts)),))
    named = frozenset(one.name for one in wanted if one.name) & frozenset(parameters[1:])
    return Inputs(tuple(specs), named)


def call_parameters(model: Any) -> list[str]:
    """The parameters of ``call`` that a caller must give; the first one always."""
    parameters = list(inspect.signature(model.call).parameters.values())
    plain = [one for one in parameters if one.kind not in (one.VAR_KEYWORD, one.VAR_POSITIONAL)]
    wanted = [one.name for one in plain if one.default is one.empty and one.name not in NOT_GIVEN]
    return wanted or [one.name for one in plain[:1] if one.name not in NOT_GIVEN] or ["inputs"]


def built_shape(model: Any) -> TensorSpec | None:
    """What the program built the model for; None where it did not."""
    shapes = getattr(model, "_build_shapes_dict", None) or {}
    shape = next(iter(shapes.values()), None)
    if not isinstance(shape, (tuple, list)) or not shape or any(isinstance(size, (tuple, list)) for size in shape):
        return None
    spec = spec_by_use(model, "")
    if spec.is_integer:
        return TensorSpec(filled(tuple(shape)), spec.dtype, spec.below, fixed=True)
    return TensorSpec(filled(tuple(shape)), fixed=True)


def spec_by_use(model: Any, parameter: str) -> TensorSpec:
    """What the first layer that takes a parameter wants; by the first layers made where the code shows none."""
    for path in uses_of(model.call, parameter) if parameter else ():
        part: Any = model
        for name in path:
            part = getattr(part, name, None)
        spec = spec_of_layer(part)
        if spec is not None:
            return spec
    specs = (spec_of_layer(layer) for layer in layers_of(model))
    return next((spec for spec in specs if spec is not None), TensorSpec((BATCH, FEATURES)))


def spec_of_layer(layer: Any) -> TensorSpec | None:
    """What a layer takes; None for one that takes anything."""
    known = keras.layers
    match layer:
        case known.Embedding():
            return TensorSpec((BATCH, LENGTH), "int32", layer.input_dim)
        case known.Conv1D() | known.MaxPooling1D() | known.SeparableConv1D():
            return TensorSpec((BATCH, 2 * SIDE, FEATURES))
        case known.Conv3D() | known.Conv3DTranspose() | known.MaxPooling3D():
            return TensorSpec((BATCH, 16, SIDE, SIDE, 3))
        case known.ConvLSTM2D():
            return TensorSpec((BATCH, LENGTH, SIDE, SIDE, 3))
        case (
            known.Conv2D() | known.Conv2DTranspose() | known.DepthwiseConv2D() | known.SeparableConv2D()
            | known.MaxPooling2D() | known.RandomFlip() | known.RandomRotation() | known.GlobalAveragePooling2D()
        ):  # fmt: skip
            if getattr(layer, "data_format", "") == "channels_first":
                return TensorSpec((BATCH, 3, SIDE, SIDE))
            return TensorSpec((BATCH, SIDE, SIDE, 3))
        case known.RNN() | known.Bidirectional() | known.TimeDistributed() | known.MultiHeadAttention():
            return TensorSpec((BATCH, LENGTH, FEATURES))
        case known.TextVectorization() | known.StringLookup():
            return TensorSpec((BATCH,), "string")
        case known.Flatten():
            return TensorSpec((BATCH, 28, 28))
        case known.Dense():
            return TensorSpec((BATCH, FEATURES))
        case keras.Sequential() | keras.Model():
            if getattr(layer, "inputs", None):
                return spec_of_tensor(layer, layer.inputs[0])
            inner = (spec_of_layer(one) for one in layers_of(layer))
            return next((spec for spec in inner if spec is not None), None)
    return None


def shapes_written(path: Path) -> Iterator[tuple[int | None, ...]]:
    """The shapes that the program writes down: in ``build``, ``Input``, ``input_shape``; with the batch first."""
    try:
        tree = parse(path)
    except Unmeasurable:
        return
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        match node.func:
            case ast.Attribute(attr="build") if node.args or node.keywords:
                shape = literal_shape(node.args[0] if node.args else node.keywords[0].value)
                if shape:
                    yield shape
            case ast.Name(id="Input") | ast.Attribute(attr="Input") if node.args:
                shape = literal_shape(node.args[0])
                if shape:
                    yield (None, *shape)
        for word in node.keywords:
            shape = literal_shape(word.value) if word.arg in ("input_shape", "shape") else None
            if shape and None not in shape[1:]:
                yield shape if shape[0] is None else (None, *shape)


def literal_shape(node: ast.expr) -> tuple[int | None, ...] | None:
    """A tuple or list of numbers and None."""
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError):
        return None
    if not isinstance(value, (tuple, list)) or not all(size is None or isinstance(size, int) for size in value):
        return None
    return tuple(value)
