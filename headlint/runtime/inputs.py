"""What the user writes on the command line: inputs, shapes, amounts of memory and numbers of parameters."""

from __future__ import annotations

import re

from msgspec import Struct

Shape = tuple[int | None, ...]
"""Sizes of the axes, the batch first; None stands for any."""

_INPUT = re.compile(r"(?:(?P<name>\w+)=)?(?P<shape>\d+(?:[,x]\d+)*)(?::(?P<dtype>\w+))?(?:<(?P<below>\d+))?")
_DEVICE = re.compile(r"auto|cpu|meta|mps|cuda(?::\d+)?")
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


class Input(Struct, frozen=True):
    """One input of a model: its shape with the batch first, its type, and the number that integers stay below."""

    shape: tuple[int, ...]
    name: str = ""
    dtype: str = ""
    below: int | None = None


def parse_input(text: str) -> Input:
    """``1,3,224,224``, ``tokens=2,16:int64`` or ``tokens=2,16:int64<5000``.

    Raises:
        ValueError: it is none of these.
    """
    match = _INPUT.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not an input; write a shape such as 1,3,224,224 or tokens=2,16:int64<5000")
    shape = tuple(int(size) for size in re.split("[,x]", match["shape"]))
    below = int(match["below"]) if match["below"] else None
    return Input(shape, match["name"] or "", match["dtype"] or ("int64" if below is not None else ""), below)


def parse_shape(text: str) -> Shape:
    """``N,10`` or ``1,10``; a letter, ``*`` or ``?`` stands for any size.

    Raises:
        ValueError: it is no shape.
    """
    parts = [part.strip() for part in text.strip().strip("()[]").split(",") if part.strip()]
    if not parts or not all(re.fullmatch(r"\d+|[A-Za-z]\w*|\*|\?", part) for part in parts):
        raise ValueError(f"{text!r} is not a shape; write sizes such as N,10")
    return tuple(int(part) if part.isdigit() else None for part in parts)


def parse_device(text: str) -> str:
    """``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps`` or ``meta``.

    Raises:
        ValueError: it is none of these.
    """
    if _DEVICE.fullmatch(text) is None:
        raise ValueError(f"{text!r} is not a device; choose from auto, cpu, cuda, cuda:1, mps, meta")
    return text


def parse_bytes(text: str) -> int:
    """``4G`` or ``500M``, in bytes (a thousand and twenty-four to the step).

    Raises:
        ValueError: it is no amount.
    """
    return _amount(text, 1024)


def parse_count(text: str) -> int:
    """``300M`` or ``1000``: a number, a thousand to the step.

    Raises:
        ValueError: it is no number.
    """
    return _amount(text, 1000)


def _amount(text: str, step: int) -> int:
    match = _AMOUNT.fullmatch(text.strip())
    if match is None or float(match[1]) == 0:
        raise ValueError(f"{text!r} is not an amount; write a number such as 4G or 300M")
    return int(float(match[1]) * step ** _POWERS[match[2].lower()])
