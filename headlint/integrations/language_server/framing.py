"""How values travel through the pipes between the server and its analyst: a length, then a pickle."""

from __future__ import annotations

import pickle
import struct

LENGTH = struct.Struct(">Q")


def framed(value: object) -> bytes:
    """The bytes that stand for a value."""
    content = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    return LENGTH.pack(len(content)) + content
