"""A guess for one parameter of the user's constructor or factory: by what its code does with it, its annotation, its name."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .blocks import residual_block
from .discovery import model_classes
from .guessing import (
    CONFIGURATIONS,
    WORLD,
    CompletedMapping,
    GuessedConfiguration,
    Unguessable,
    completed,
    guess,
    guess_by_name,
    last_resort,
    part,
    rows_of_data,
    spread,
    table,
)
from .loading import Slice
from .records import is_record, made_record
from .slicing import last_part
from .sources import parse, read_source
from .standins import stand_in
from .uses import (
    is_called,
    is_data,
    is_options,
    is_table,
    items_read,
    keys_read,
    parts_unpacked,
    reads_last,
    word_compared,
    words_compared,
)

DATA = re.compile(
    r"^(x|y|data|df|frame|images?|samples|train|test)$|(^|_)[xy](_|$)|_(train|test|data|df)$|^(train|test|valid)_", re.I
)
"""Parameters that are rows of data."""


LEARNT_FROM = re.compile(r"^[xy]_?(train|test|val)", re.I)
"""Parameters that are data to learn from whatever is done with them."""

OF_SAMPLE = re.compile(r"shape$|^(in|input|obs|observation|state|image|img|data|frame)_?dims?$", re.I)
"""Parameters that are the shape of a sample."""

IMAGE = (32, 32, 3)
"""The shape of an image with channels last."""

BLOCKS = ("block", "Block", "block_type", "block_fn")
"""Parameters that ask for the class of the blocks."""

BLOCK = re.compile(r"(Block|Bottleneck|Unit|Cell)$", re.I)
"""Names of classes of which a model makes several."""


def guess_parameter(parameter: inspect.Parameter, module: Slice, target: Callable[..., Any]) -> Any:
    """The first word that the target compares it with, else a value by annotation or name; as many as are read where the
    target reads items of it."""
    if word := word_compared(body_of(target), parameter.name):
        return word
    if parameter.name in BLOCKS and isinstance(target, type) and (block := block_for(module)) is not None:
        return block
    if is_table(body_of(target), parameter.name) and (rows := table()) is not None:
        return rows
    if not isinstance(target, type) and is_data(target, parameter.name):
        return stand_in(parameter.name, f"{parameter.name} is what a caller would give")
    if (
        isinstance(target, type)
        and holds_rows(target, parameter.name)
        and (rows := rows_of_data(parameter.name)) is not None
    ):
        return rows
    plain = parameter.annotation is parameter.empty
    if (
        isinstance(target, type)
        and plain
        and not WORLD.search(parameter.name)
        and is_options(body_of(target), parameter.name)
    ):
        return options_in(module, parameter.name) or GuessedConfiguration(words=words_compared(target))
    if plain and (parts := parts_unpacked(body_of(target), parameter.name)) is not None:
        each = guess_by_name(parameter.name)
        return (each,) * len(parts.elts) if type(each) is int else unpackable(parts)
    if parameter.annotation is parameter.empty and keys_read(body_of(target), parameter.name):
        return CompletedMapping()
    if plain and isinstance(target, type) and is_called(target, parameter.name):
        if (made := part(parameter.name)) is not None:
            return made
        raise Unguessable(parameter.name)
    single = guess_one(parameter, module, target)
    items = items_read(target, parameter.name) if type(single) in (int, float) else 0
    if items and OF_SAMPLE.search(parameter.name) and reads_last(target, parameter.name):
        return list(IMAGE)
    if items:
        return [single] * items
    return single


def holds_rows(target: type, parameter: str) -> bool:
    """Whether a constructor learns from a parameter: it is called like data to learn from, or it is data by its use."""
    return LEARNT_FROM.search(parameter) is not None or (
        DATA.search(parameter) is not None and is_data(body_of(target), parameter)
    )


def unpackable(target: ast.expr) -> Any:
    """A guess that can be unpacked into the names of a target."""
    match target:
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return tuple(unpackable(part) for part in parts if not isinstance(part, ast.Starred))
        case ast.Name(id=name) | ast.Attribute(attr=name) if DATA.search(name):
            return stand_in(name, f"{name} is what a caller would give")
    name = last_part(target)
    try:
        return guess(name)
    except Unguessable:
        return last_resort(name)


def body_of(target: Callable[..., Any]) -> Callable[..., Any]:
    """The function that takes the arguments."""
    return target.__init__ if isinstance(target, type) else target  # type: ignore[misc]


def guess_one(parameter: inspect.Parameter, module: Slice, target: Callable[..., Any] | None = None) -> Any:
    """A value by annotation (a configuration class that can be made without arguments) or name."""
    annotation = parameter.annotation
    if isinstance(annotation, str):
        annotation = module.namespace.get(annotation, annotation)
        if isinstance(annotation, str) and module.namespace.defines(annotation):
            annotation = module.namespace[annotation]
    if is_record(annotation):
        return made_record(annotation)
    if parameter.name in BLOCKS:
        return block_class(module)
    if parameter.name in ("layers", "num_blocks", "num_layers", "blocks", "depths") and any_block(module):
        return [1, 1, 1, 1]
    if CONFIGURATIONS.match(parameter.name) and (options := options_in(module, parameter.name)) is not None:
        return options
    guessed = guess(parameter.name, annotation)
    if isinstance(guessed, GuessedConfiguration) and target is not None:
        guessed.words = words_compared(target)
    return guessed


def options_in(module: Slice, parameter: str) -> Any:
    """The options that a file defines, completed: those named like the parameter first."""
    names = [name for unit in module.namespace.units for name in unit.binds if CONFIGURATIONS.match(spread(name))]
    for name in sorted(dict.fromkeys(names), key=lambda name: parameter.lower() not in spread(name)):
        try:
            value = module.namespace[name]
            made = value() if isinstance(value, type) and dataclasses.is_dataclass(value) else value
        except Exception:  # whatever the user's statements raise: the next ones may do
            continue
        if (options := completed(made)) is not None:
            return options
    return None


def any_block(module: Slice) -> bool:
    """Whether the file defines a residual block with an ``expansion``."""
    return bool(block_names(module))


def block_names(module: Slice) -> list[str]:
    """The model classes of the file that have an attribute ``expansion``."""
    classes = model_classes(parse(Path(module.namespace.filename)))
    return [
        name
        for name, node in classes.items()
        for item in node.body
        if isinstance(item, ast.Assign) and any(last_part(target) == "expansion" for target in item.targets)
    ]


def block_for(module: Slice) -> Any:
    """The block of the file, else one as the first networks with such blocks had it; None without torch."""
    try:
        return block_class(module)
    except Unguessable:
        return residual_block(3 if "Conv3d" in read_source(Path(module.namespace.filename)) else 2)


def block_class(module: Slice) -> Any:
    """The first residual block of the file, else the first class that is called one.

    Raises:
        Unguessable: the file has none.
    """
    called = [name for name in model_classes(parse(Path(module.namespace.filename))) if BLOCK.search(name)]
    for name in [*block_names(module), *called]:
        return module.namespace[name]
    raise Unguessable("block")
