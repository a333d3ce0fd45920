"""What PyTorch says of sizes on meta, in the words that it has for the same on the CPU."""

from __future__ import annotations

import re

BROADCAST = re.compile(
    r"broadcast a dimension of length (\d+) at (-\d+)!.* broadcastable to (?:torch\.Size\()?\[([\d, ]+)\]"
)

PRODUCT = r"a and b must have same reduction dim, but got \[(\d+), (\d+)\] X \[(\d+), (\d+)\]"

SAID = (
    (PRODUCT, r"mat1 and mat2 shapes cannot be multiplied (\1x\2 and \3x\4)"),
    (
        r"Expected (\d+) in dimension \d+ but got (\d+) for tensor number",
        r"Expected size \1 but got size \2 for tensor number",
    ),
    (
        r"Number of dimensions of tensors must match\. +Expected (\d)-D tensors, but got (\d)-D",
        r"Tensors must have same number of dimensions: got \1 and \2",
    ),
)
"""Messages of meta, and those of the CPU. Source: ``torch/_meta_registrations.py``, ``torch/_refs``."""


def in_usual_words(text: str) -> str:
    """The message, as the CPU has it."""
    for pattern, usual in SAID:
        text = re.sub(pattern, usual, text)
    found = BROADCAST.search(text)
    if found is None:
        return text
    length, axis, shape = int(found[1]), int(found[2]), [int(size) for size in found[3].split(",")]
    if len(shape) < -axis:
        return text
    place = len(shape) + axis
    return f"The size of tensor a ({shape[axis]}) must match the size of tensor b ({length}) at non-singleton dimension {place}"
