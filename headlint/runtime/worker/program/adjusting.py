"""Other guesses for the arguments of a constructor that raised: what the failing line wants in place of each."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from enum import Enum
from functools import partial
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import Any

from ..reasons import describe
from .arguments import Arguments, shown
from .discovery import model_classes
from .guessing import (
    CLASSES,
    HIDDEN,
    WORDS,
    CompletedMapping,
    GuessedConfiguration,
    GuessedVocabulary,
    Unguessable,
    guess,
    last_resort,
    layer_called,
    table,
)
from .knobs import Knob, exchanged, knobs_of, names_given
from .settings import setting
from .slicing import Namespace, last_part
from .sources import parse
from .trouble import Frame, Piece, Trouble, compared_in, looks_up_pairs, looks_up_words, nodes_in, own_frames

SIZES = (64, 1, 2, 3, 4, 8, 16, 128, 32, 12, 256, 512)
"""Numbers that are tried where a number does not do."""

MOST_WORDS = 8

MISSING = re.compile(r"missing \d+ required (?:positional|keyword-only) arguments?: (.*)")
"""What a base class says that was to be handed on to it."""

WANTS_SEVERAL = re.compile(
    r"'(int|float|bool)' object is not (iterable|subscriptable|reversible|an iterator)|argument must be a sequence"
    r"|with an iterable, but got (int|float)"
    r"|object of type '(int|float|bool)' has no len|must be an iterable, not (int|float)|concatenate list"
    r"|for \+: '(int|float)' and '(list|tuple)'|for \+: '(list|tuple)' and '(int|float)'|zip argument"
    r"|'(int|float)' object does not support item"
)
WANTS_TUPLE = re.compile(r"(?:must|should|has to) be (?:an? )?(?:tuple|list|sequence)", re.I)
WANTS_ONE = re.compile(
    r"'(list|tuple)' object cannot be interpreted|of type (list|tuple) at pos|for [-+*/%<>]+=?: '?(list|tuple)'?"
    r"|between instances of '(list|tuple)'|argument must be a .*number, not '(list|tuple)'|not (list|tuple)$"
    r"|and '(list|tuple)'$|unhashable type: 'list'|[Ii]nvalid dimension '[(\[]|but got (list|tuple)"
)
WANTS_SO_MANY = re.compile(r"values to unpack \(expected (\d+)")
WANTS_LENGTH_OF = re.compile(r"len\((\w+)\) (?:==|must be|should be|has to be) (\d+)")
WANTS_FUNCTION = re.compile(
    r"'(int|float|bool|str)' object is not callable|arg 1 must be a class|is not a Module subclass"
)
TOO_SMALL = re.compile(r"zero or negative|[Nn]egative dimension|[Oo]utput size is too small|smaller than")
"""What is said of images that have no place left for a window."""

OF_ANOTHER_RANK = re.compile(r"expected (?:min_)?ndim=(\d)|Kernel shape must have the same length as input")
"""What Keras says of a shape that has more or fewer axes than a layer takes."""

OF_OTHER_SIZE = re.compile(r"total size of the tensor must be unchanged")
"""What Keras says of a shape that has another number of values than the program takes it to have."""

USUAL_SHAPES = {2: (16,), 3: (24, 16), 4: (32, 32, 3), 5: (16, 32, 32, 3)}
"""Shapes of one sample, by the number of axes of a batch."""

WANTS_SAME_LENGTH = re.compile(r"(same|equal) (length|size|number)|length mismatch|len\(.*==\s*len\(", re.I)
WANTS_SHARE = re.compile(r"(between|in range|interval) [\[(]?0\.?0?,?( and)? 1|probability", re.I)
"""What is said of a probability that is none."""

WANTS_ARRAY = re.compile(r"expected np.ndarray \(got ")
WANTS_TENSOR = re.compile(
    r"torch Tensor or None required|must be Tensor, not (?:int|float)|expected Tensor as element \d+ .* but got (?:int|float)"
)
WANTS_WHOLE = re.compile(r"got:? float|'float' object cannot be interpreted|not (?:a )?float|received.*\bfloat\b")
WANTS_WORD = re.compile(r"expected str|must be (a )?str|expected string|can only concatenate str|'int' and 'str'")
WANTS_OPTIONS = re.compile(r"'(int|float|bool|str)' object has no attribute '(\w+)'")
OF_A_MODEL = frozenset(
    {
        "named_modules",
        "modules",
        "children",
        "parameters",
        "named_parameters",
        "state_dict",
        "to",
        "eval",
        "train",
        "apply",
        "input",
        "inputs",
        "output",
        "outputs",
    }
)
"""What the program asks of a model."""

OF_A_TENSOR = frozenset(
    {"T", "size", "shape", "dim", "unsqueeze", "clone", "detach", "float", "device", "numel", "t", "sum"}
)
"""What the program asks of a tensor."""

BY_ANY_KEY = re.compile(r"list indices must be integers or slices, not (?!str)|'int' object is not subscriptable")
"""What is said of numbers that are looked up by what is no place in a list."""

NAMES_NO_LAYER = re.compile(r"module 'torch\.nn(?:\.functional)?' has no attribute '(\w*)'")
"""What is said of a word that is to name a layer, as in ``getattr(nn, kind)``."""

LAYERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"rnn|cell|recurrent|gru|lstm", ("GRU", "LSTM")),
    (r"norm|bn", ("BatchNorm2d", "BatchNorm1d", "LayerNorm")),
    (r"pool", ("MaxPool2d", "AvgPool2d")),
    (r"conv", ("Conv2d", "Conv1d")),
    (r"loss|crit", ("MSELoss", "CrossEntropyLoss")),
    ("", ("ReLU", "relu", "GRU")),
)
"""Names of layers, by the name of the parameter that is to hold one."""

WANTS_OTHER = (SystemExit, KeyError, ValueError, NotImplementedError, AssertionError, NameError, AttributeError)
"""What a constructor raises that has no use for a value it was given, or no branch for it and so no variable."""

LARGEST = 5000
FEW = 4
"""Channels of an image at most."""


def adjusted(
    arguments: Arguments,
    parameters: list[str],
    error: BaseException,
    usual: bool,
    switches: Mapping[str, bool] = MappingProxyType({}),
) -> Iterator[tuple[Arguments, bool]]:
    """Other arguments that may do where these raised the error, the likeliest first: what the error asks for, or with
    ``usual`` other numbers, of what the failing line reads before anything else; and whether it reads, by its name, the one
    that is changed. ``switches`` are the parameters that are on or off where nobody gives them."""
    trouble = Trouble(error, describe(error), own_frames(error.__traceback__))
    if missing := MISSING.search(trouble.text):
        yield with_more(arguments, re.findall(r"'(\w+)'", missing[1])), True
    if key := key_left_out(trouble):
        yield with_more(arguments, [key]), True
    if not usual and (WANTS_SAME_LENGTH.search(trouble.text) or goes_through_several(arguments, parameters, trouble)):
        yield with_equal_lengths(arguments, parameters, trouble), True
    knobs = [*knobs_of(arguments, parameters), *knobs_left_out(arguments, parameters, trouble)]
    for knob in sorted(knobs, key=trouble.distance):
        for value in usual_for(knob, trouble) if usual else asked_for(knob, trouble):
            if type(value) is not type(knob.value) or (value is not knob.value and not is_equal(value, knob.value)):
                yield knob.turned(value), trouble.distance(knob) == 0
    if not usual and isinstance(error, (RuntimeError, IndexError)):
        given = names_given(arguments, parameters)
        for name, value in switches.items():
            if name not in given:
                yield exchanged(arguments, name, name, not value), False


PLAIN = (bool, int, float, str, list, tuple)
"""Kinds of values of which it is plain whether two are equal; a table of weights gives as many answers as it has numbers."""


def is_equal(one: Any, other: Any) -> bool:
    """Whether two values of one kind are equal, as far as that is plain."""
    return type(one) in PLAIN and bool(one == other)


def goes_through_several(arguments: Arguments, parameters: list[str], trouble: Trouble) -> bool:
    """Whether the failing line goes through several numbers at once, as ``zip(sizes, counts)`` does."""
    numbers = [knob for knob in knobs_of(arguments, parameters) if type(knob.value) in (int, float)]
    return bool(WANTS_SEVERAL.search(trouble.text)) and sum(trouble.distance(knob) == 0 for knob in numbers) > 1


def with_equal_lengths(arguments: Arguments, parameters: list[str], trouble: Trouble) -> Arguments:
    """The arguments with two items in place of each number and list that the error names, or that the failing line reads."""
    names = [knob.name for knob in knobs_of(arguments, parameters) if trouble.distance(knob) == 0]
    for name in names:
        knob = next(one for one in knobs_of(arguments, parameters) if one.name == name)
        match knob.value:
            case bool():
                continue
            case int() | float() | [int() | float(), *_]:
                one = knob.value[0] if isinstance(knob.value, list) else knob.value
                arguments = knob.turned([one, one])
    return arguments


def with_more(arguments: Arguments, names: list[str]) -> Arguments:
    """The arguments with guesses for further ones, which a constructor hands on."""
    more: dict[str, Any] = {}
    for name in names:
        try:
            more[name] = guess(name) if (written := setting((name,))) is None else written
        except Unguessable:
            more[name] = last_resort(name)
    assumed = tuple(f"{name}={shown(value)}" for name, value in more.items())
    return replace(arguments, keywords=arguments.keywords | more, assumed=(*arguments.assumed, *assumed))


def key_left_out(trouble: Trouble) -> str:
    """The key that a function looked up in its ``**kwargs`` and did not find; empty where it did no such thing."""
    match trouble.error, trouble.frames:
        case KeyError(args=(str(key),)), [(frame, _), *_]:
            taken = [value for name, value in frame.f_locals.items() if name in rest_names(frame)]
            return key if any(key not in given for given in taken) else ""
        case TypeError(), [(frame, piece), *_] if "NoneType" in trouble.text:
            return next(keys_asked_for(frame, piece), "")
    return ""


def keys_asked_for(frame: FrameType, piece: Piece) -> Iterator[str]:
    """The keys that a piece of source asks the ``**kwargs`` of its function for, which has them not and no default."""
    for name in rest_names(frame):
        for node in nodes_in(frame, piece):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id=owner), attr="get"),
                    args=[ast.Constant(value=str(key))],
                    keywords=[],
                ) if owner == name and key not in frame.f_locals.get(name, ()):
                    yield key


def rest_names(frame: FrameType) -> tuple[str, ...]:
    """The name of the ``**kwargs`` of the function that a frame runs; none where it takes none."""
    code = frame.f_code
    place = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & inspect.CO_VARARGS)
    return code.co_varnames[place : place + 1] if code.co_flags & inspect.CO_VARKEYWORDS else ()


def knobs_left_out(arguments: Arguments, parameters: list[str], trouble: Trouble) -> Iterator[Knob]:
    """The parameters that were left out and are ``None`` where the error arose: the program may need them after all."""
    given = names_given(arguments, parameters)
    for name in parameters:
        frame = next((frame for frame, _ in trouble.frames if name in frame.f_locals), None)
        if name not in given and frame is not None and frame.f_locals[name] is None:
            yield Knob(name, None, partial(exchanged, arguments, name, name))


def asked_for(knob: Knob, trouble: Trouble) -> Iterator[Any]:
    """What an error says that it wants in place of a guess."""
    value, text = knob.value, trouble.text
    if value is None:
        guesses = list(likely(knob.name))
        yield from guesses or ([last_resort(knob.name)] if "NoneType" in text else [])
        return
    if WORDS.search(knob.name) and (WANTS_SEVERAL.search(trouble.text) or WANTS_OPTIONS.search(trouble.text)):
        yield GuessedVocabulary()
    if TOO_SMALL.search(trouble.text) and isinstance(value, tuple):
        yield from (tuple(by * one if one > FEW else one for one in value if type(one) is int) for by in (2, 7, 16))
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    several = isinstance(value, (list, tuple)) and bool(value)
    if (found := WANTS_LENGTH_OF.search(text)) and found[1] == knob.name and (number or several):
        yield [value[0] if several else value] * int(found[2])
    if (found := OF_ANOTHER_RANK.search(trouble.text)) and isinstance(value, tuple):
        yield from [USUAL_SHAPES[int(found[1])]] if found[1] in ("2", "3", "4", "5") else USUAL_SHAPES.values()
    if OF_OTHER_SIZE.search(text) and isinstance(value, tuple):
        yield from ((HIDDEN,), (1, 1, HIDDEN))
    if (found := WANTS_SO_MANY.search(text)) and (number or several):
        yield [value[0] if several else value] * int(found[1])
    if WANTS_SEVERAL.search(text) and number:
        if "after *" in text:
            yield from ([value], (3, 96, 96), (96, 96, 3))
        if trouble.reads(knob) and any(looks_up_words(*one) for one in trouble.frames[:1]):
            yield CompletedMapping()
        yield from ([value] * 2, [value] * 4, [value] * 3, [[value] * 2] * 2)
    if WANTS_TUPLE.search(text) and (number or several):
        one = value[0] if several else value
        yield from ((one, one), [one, one], (one,) * 3, [(one, one)] * 2)
    if WANTS_ONE.search(text) and several:
        yield value[0]
    if WANTS_ARRAY.search(text) and trouble.reads(knob) and hasattr(table(), "numpy"):
        yield table().numpy()
    if WANTS_TENSOR.search(text) and trouble.reads(knob) and "torch" in sys.modules:
        yield from tensors_for(knob, trouble)
    if WANTS_SHARE.search(text) and (number or several):
        yield [0.1] * len(value) if several else 0.1
    if "must be a bool" in text and number and trouble.reads(knob):
        yield from (False, True)
    if WANTS_WHOLE.search(text) and isinstance(value, float):
        yield from (HIDDEN, 2)
    if WANTS_WHOLE.search(text) and several and any(isinstance(one, float) for one in value):
        yield from ([2] * len(value), [HIDDEN] * len(value))
    if WANTS_WORD.search(text) and not isinstance(value, str) and trouble.reads(knob):
        yield from (word for word in words_for(knob, trouble.frames) if isinstance(word, str))
        yield "none"
    if BY_ANY_KEY.search(text) and (number or several) and any(looks_up_pairs(*one) for one in trouble.frames[:1]):
        yield CompletedMapping()
    if NAMES_NO_LAYER.search(text) and trouble.reads(knob) and isinstance(value, (str, int)):
        yield from next(layers for pattern, layers in LAYERS if re.search(pattern, knob.name, re.I))
    if WANTS_FUNCTION.search(text) and trouble.reads(knob):
        yield from functions_for(knob.name)
    if (found := WANTS_OPTIONS.search(text)) and found[2] in OF_A_TENSOR and "torch" in sys.modules:
        yield from links(sys.modules["torch"]) if trouble.reads(knob) else ()
    elif found and trouble.reads(knob):
        yield last_resort("model") if found[2] in OF_A_MODEL else GuessedConfiguration()
    if isinstance(trouble.error, WANTS_OTHER) and (isinstance(value, (int, str, float)) or is_layer(value)):
        yield from words_for(knob, trouble.frames)
    if isinstance(value, type) and isinstance(trouble.error, (TypeError, *WANTS_OTHER)):
        yield from classes_beside(value)
    if isinstance(value, bool) and isinstance(trouble.error, WANTS_OTHER):
        yield not value
    elif several and isinstance(trouble.error, IndexError):
        yield [*value, *value]


def tensors_for(knob: Knob, trouble: Trouble) -> Iterator[Any]:
    """A tensor in place of a number: the links of a graph where it is multiplied with rows, else one number."""
    torch = sys.modules["torch"]
    if trouble.frames and any(last_part(one.func) in PRODUCTS for one in calls_in_piece(*trouble.frames[0])):
        yield from (torch.eye(CLASSES), torch.eye(HIDDEN))
    yield torch.ones(1)


PRODUCTS = frozenset({"mm", "spmm", "matmul", "bmm", "einsum", "addmm", "hspmm", "dot", "mv"})
"""Functions of products of matrices."""


def calls_in_piece(frame: FrameType, piece: Piece) -> Iterator[ast.Call]:
    """The calls in a piece of source."""
    yield from (node for node in nodes_in(frame, piece) if isinstance(node, ast.Call))


def links(torch: Any) -> Iterator[Any]:
    """Which nodes of a graph are linked: one matrix, and one for each of several kinds of links."""
    yield from (torch.eye(CLASSES), torch.eye(CLASSES).repeat(3, 1, 1))


def classes_beside(one: type) -> Iterator[type]:
    """The other models of the file that a class stands in, when it was guessed which of them is wanted."""
    module = sys.modules.get(one.__module__)
    namespace = getattr(module, "namespace", None)
    if not isinstance(namespace, Namespace):
        return
    for name in model_classes(parse(Path(namespace.filename))):
        other = namespace[name]
        if isinstance(other, type) and other is not one:
            yield other


def is_layer(value: Any) -> bool:
    """Whether a value is a layer of torch, which was given for an activation or a norm."""
    return (getattr(value, "__module__", "") or "").startswith("torch.nn")


def likely(name: str) -> Iterator[Any]:
    """A guess by name for what was left out."""
    try:
        yield guess(name)
    except Unguessable:
        return


def usual_for(knob: Knob, trouble: Trouble) -> Iterator[Any]:
    """Other numbers: what the error names, multiples, and usual ones."""
    value = knob.value
    if (
        type(value) in PLAIN and setting((knob.name,)) == value
    ):  # the program's own settings do not do: what a guess by the name alone gives
        yield from likely(knob.name)
    if isinstance(value, bool) or not isinstance(value, int):
        return
    named = [int(found) for found in re.findall(r"(?<![\w.])\d+(?![\w.])", trouble.text)]
    if value in named:
        yield from (one for one in dict.fromkeys(named) if 0 < one < LARGEST)
    yield from (2 * value, 4 * value, 16 * value)
    yield from SIZES


def functions_for(name: str) -> Iterator[Any]:
    """Layers of Keras, classes of layers of torch, where something to call is wanted."""
    keras, torch = sys.modules.get("keras"), sys.modules.get("torch")
    if keras is not None:
        yield layer_called(name)
    elif torch is not None:
        norms = (torch.nn.BatchNorm2d, torch.nn.LayerNorm)
        yield from norms if "norm" in name.lower() else (torch.nn.ReLU, torch.nn.Identity)
        yield torch.nn.functional.relu


def words_for(knob: Knob, frames: list[Frame]) -> Iterator[Any]:
    """The words and numbers that the running functions compare a guess with, and the keys of what is looked up with it."""
    found: dict[Any, None] = {}
    for frame, piece in frames[:3]:
        for node in nodes_in(frame, piece):
            if isinstance(node, ast.Subscript):
                found |= dict.fromkeys(keys_of(node.value, frame))
        found |= dict.fromkeys(
            one for one in compared_in(frame, knob.name, knob.value) if isinstance(one, (str, int, Enum))
        )
    yield from list(found)[:MOST_WORDS]


def keys_of(owner: ast.expr, frame: FrameType) -> list[Any]:
    """The keys of the dictionary that an expression gives."""
    try:
        value = eval(compile(ast.Expression(owner), "<lookup>", "eval"), frame.f_globals, frame.f_locals)
    except Exception:  # whatever the user's expression raises
        return []
    plain = isinstance(value, dict) and not isinstance(value, CompletedMapping)
    return [key for key in list(value)[:MOST_WORDS] if isinstance(key, (str, int))] if plain else []
