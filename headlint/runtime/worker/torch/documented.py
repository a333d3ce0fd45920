"""Inputs as the program describes them: ``x: (batch, time, features)`` in a docstring or in a comment of the pass, or by the
names that it gives their sizes."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from ..measuring.specs import BATCH, FEATURES, LENGTH, SIDE, Inputs, Spec, TensorSpec
from ..program.uses import nodes_of
from .inputs import first_inputs, first_layer, forward_parameters, spec_by_use, spec_of_layer, written_pass

SIZE = r"[\w*.-]+(?: ?[*/+-] ?\w+)*"
"""A word, a number, or what is computed of such."""

PHRASE = rf"{SIZE}(?: \w+)?"
SIZES = re.compile(rf"[(\[{{]\s*({PHRASE}(?:\s*[,x×]\s*{PHRASE})*)\s*,?\s*[)\]}}]")
"""Sizes in brackets; one that has a second word behind it is none."""

BATCHES = re.compile(
    r"^(b|n|bs|bsz|bz|nb|batch|n_?batch|num_?batch|batch_?(size|sz|num)|minibatch|batches|samples)$", re.I
)
"""What the size of the batch is called."""

STEPS = re.compile(r"seq|len|time|step|frame|word|token|^(t|l|s|ts)$|_(t|l|len)$", re.I)
SIDES = re.compile(r"height|width|^(h|w|d)\d?$|_[hw]$", re.I)
CHANNELS = re.compile(r"chan|^(c|ch|in_?c|c_?in)$", re.I)
"""What steps of time, sides of images and channels are called."""

SAMPLE = re.compile(
    r"(?:#|\"\"\")[^\n]*\binput[ _]?(?:shape|size|image|dims?)?\W{0,4}[(\[](\d+(?:\s*[,x×*]\s*\d+)+)[)\]]", re.I
)
"""What a comment says of the shape of one sample, in numbers."""

PLAINLY = ("input", "inputs", "Input", "Inputs", "Input shape")
"""What a description calls the first parameter, whatever its name is."""

MOST_LETTERS = 200
"""Letters between the name of a parameter and its sizes."""


@dataclass(frozen=True)
class Described:
    """What a program says of one parameter: the names of its sizes."""

    name: str
    sizes: tuple[str, ...]

    @property
    def batch_axis(self) -> int | None:
        """The axis on which the samples lie; None where none is called so."""
        return next((axis for axis, size in enumerate(self.sizes) if BATCHES.match(size)), None)


def documented_inputs(model: nn.Module) -> Iterator[Inputs]:
    """The first guess with the shapes that the program describes; none where it describes no parameter."""
    described = described_parameters(model)
    known: dict[str, int] = {}
    inputs = first_inputs(model, ())
    for one in described:
        if one.name in dict(inputs.specs):
            inputs = inputs.with_spec(one.name, spec_described(one, model, known))
    if described:
        yield inputs
    if (shape := shape_of_sample(model)) and inputs.specs and isinstance(spec := inputs.specs[0][1], TensorSpec):
        yield inputs.with_spec(inputs.specs[0][0], replace(spec, shape=(BATCH, *shape)))


def shape_of_sample(model: nn.Module) -> tuple[int, ...]:
    """The shape that a comment or docstring in a class gives its input, as in ``# input shape (3, 64, 64)``; nothing where
    none does."""
    try:
        found = SAMPLE.search(inspect.getsource(type(model)))
    except (OSError, TypeError):
        return ()
    return tuple(int(size) for size in re.findall(r"\d+", found[1])) if found else ()


def has_batch_elsewhere(model: nn.Module) -> bool:
    """Whether the program says that the samples lie on another axis than the first."""
    return any((axis := one.batch_axis) is not None and axis > 0 for one in described_parameters(model))


def described_parameters(model: nn.Module) -> list[Described]:
    """The parameters of the pass whose sizes the program describes."""
    names = [one.name for one in forward_parameters(model)]
    texts = list(descriptions(model, names))
    found = []
    for place, name in enumerate(names):
        others = [other for other in names if other != name]
        called = [name, *(one for one in PLAINLY if place == 0 and one not in others)]
        said = next((sizes for one in called for text in texts if (sizes := sizes_in(text, one, others))), ())
        sizes = said or sizes_unpacked(written_pass(model), name)
        if is_shape(sizes):
            found.append(Described(name, sizes))
    return found


def descriptions(model: nn.Module, names: list[str]) -> Iterator[str]:
    """Where a program describes the parameters of a pass: its docstring, that of the class, comments before they change."""
    method = written_pass(model)
    yield from (text for text in (method.__doc__, type(model).__dict__.get("__doc__")) if text)
    try:
        lines = inspect.getsource(method).splitlines()
    except (OSError, TypeError):
        return
    changed = re.compile(rf"^\s*({'|'.join(map(re.escape, names)) or '_'})\b[^=(#]*=[^=]")
    first = next((number for number, line in enumerate(lines) if changed.match(line)), len(lines))
    yield "\n".join(line.partition("#")[2] for line in lines[:first] if "#" in line)


def sizes_in(text: str, name: str, others: list[str]) -> tuple[str, ...]:
    """The sizes that a text gives behind a name and before another parameter's; nothing where it gives none."""
    for start in re.finditer(rf"(?<![\w.]){re.escape(name)}(?![\w.])", text):
        rest = text[start.end() : start.end() + MOST_LETTERS].partition("\n\n")[0]
        stop = re.search(rf"^\W*({'|'.join(map(re.escape, others))})\b", rest, re.M) if others else None
        for found in SIZES.finditer(rest[: stop.start() if stop else None]):
            sizes = tuple(re.split(r"\s*[,×]\s*|\s+x\s+", found[1].strip(" ,")))
            if is_shape(sizes):
                return sizes
    return ()


def sizes_unpacked(function: Callable[..., Any], name: str) -> tuple[str, ...]:
    """What a pass calls the sizes of a parameter, as in ``batch, steps, _ = x.shape``; nothing where it calls them nothing."""
    for node in nodes_of(function):
        match node:
            case ast.Assign(
                targets=[ast.Tuple(elts=parts)],
                value=ast.Attribute(value=ast.Name(id=owner), attr="shape")
                | ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr="size"), args=[]),
            ) if owner == name and all(isinstance(part, ast.Name) for part in parts):
                return tuple(part.id for part in parts if isinstance(part, ast.Name))
    return ()


def is_shape(sizes: tuple[str, ...]) -> bool:
    """Whether words in brackets are the sizes of a tensor, and not an aside."""
    named = [one for one in sizes if BATCHES.match(one)]
    return bool(named) and len(sizes) <= 5 and all(re.fullmatch(SIZE, one) for one in sizes)


def spec_described(described: Described, model: nn.Module, known: dict[str, int]) -> Spec:
    """A tensor of the sizes described. ``known`` holds the sizes of names that were met before."""
    layer = spec_of_layer(first_layer(model, described.name))
    used = spec_by_use(described.name, model)
    last = len(described.sizes) - 1
    sides = {axis for axis, size in enumerate(described.sizes) if last > 2 and SIDES.search(size)}
    width = next((axis for axis in range(1, last + 1) if axis not in sides), 0) if sides else last
    shape = []
    for axis, size in enumerate(described.sizes):
        taken = layer.shape[axis] if layer is not None and len(layer.shape) == last + 1 and axis else None
        if layer is not None and axis == width > 0 and not layer.is_integer and taken is None:
            taken = layer.shape[-1]
        if axis in sides:
            taken = SIDE
        shape.append(known.setdefault(size.lower(), size_named(size, axis, axis == last, model, taken)))
    if "mask" in described.name:
        return TensorSpec(tuple(shape), "bool")
    whole = isinstance(used, TensorSpec) and used.is_integer
    return TensorSpec(tuple(shape), used.dtype, used.below) if whole else TensorSpec(tuple(shape))  # type: ignore[union-attr]


def size_named(size: str, axis: int, is_last: bool, model: nn.Module, taken: int | None) -> int:
    """A size by its name: a number, that of the model's attribute of this name, what the layer takes, or a usual one."""
    if size.isdigit() and int(size) > 0:
        return int(size)
    if BATCHES.match(size) and (axis == 0 or "b" in size.lower()):
        return BATCH
    own = next((value for one in model.modules() if type(value := vars(one).get(size)) is int), 0)
    if own > 0:
        return own
    if taken is not None:
        return taken
    if STEPS.search(size):
        return LENGTH
    if CHANNELS.search(size):
        return 3
    return SIDE if SIDES.search(size) else FEATURES if is_last else LENGTH
