"""Messages between headlint and the worker: a JSON object a frame, its length before it.

They travel on descriptors of their own, so that nothing a model prints can be taken for a message.
"""

from __future__ import annotations

import json
import struct
from typing import Any, BinaryIO

LENGTH = struct.Struct(">I")
LARGEST = 64 * 1024 * 1024
"""Bytes of the largest frame that is believed."""

Message = dict[str, Any]

_encode = json.JSONEncoder().encode
"""Bound before any program runs: a program may put something else in the place of ``json.dumps``."""


class BrokenFrame(Exception):
    """What was read is not a whole frame."""


def encode(message: Message) -> bytes:
    """The frame of a message."""
    body = _encode(message).encode()
    return LENGTH.pack(len(body)) + body


def send(stream: BinaryIO, message: Message) -> None:
    """Writes one frame and flushes it."""
    stream.write(encode(message))
    stream.flush()


def receive(stream: BinaryIO) -> Message | None:
    """Reads one frame; None at the end of the stream.

    Raises:
        BrokenFrame: the stream ended inside a frame, or holds something else.
    """
    head = stream.read(LENGTH.size)
    if not head:
        return None
    if len(head) < LENGTH.size:
        raise BrokenFrame("the stream ended inside a length")
    (length,) = LENGTH.unpack(head)
    if length > LARGEST:
        raise BrokenFrame(f"a frame of {length} bytes")
    body = stream.read(length)
    if len(body) < length:
        raise BrokenFrame("the stream ended inside a message")
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BrokenFrame(str(error)) from error
    if not isinstance(message, dict):
        raise BrokenFrame("a message that is not an object")
    return message
