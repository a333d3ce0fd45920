"""The cache on disk: what was worked out once about a text is kept under the hash of everything it depends on."""

from __future__ import annotations

import hashlib
import os
import pickle
from functools import cache
from pathlib import Path

from headlint.version import __version__


def file_for(kind: str, *parts: str | bytes) -> Path:
    """Where something of a kind is kept that depends on the parts, and on headlint itself."""
    digest = hashlib.sha256(f"{__version__}\0{_stamp()}".encode())
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        digest.update(b"%d:%b" % (len(data), data))
    key = digest.hexdigest()
    return _folder() / kind / key[:2] / key


def read(file: Path) -> object:
    """What is kept there; None where nothing is, or nothing that can be read."""
    try:
        return pickle.loads(file.read_bytes())
    except (
        OSError,
        pickle.PickleError,
        EOFError,
        AttributeError,
        ImportError,
        ValueError,
        TypeError,
        IndexError,
        KeyError,
    ):
        return None


def write(file: Path, content: object) -> None:
    """Keep something; a cache that cannot be written is no error."""
    temporary = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(pickle.dumps(content, pickle.HIGHEST_PROTOCOL))
        temporary.replace(file)
    except (OSError, RecursionError):
        return


@cache
def _folder() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("headlint")


@cache
def _stamp() -> str:
    """Changes whenever a file of headlint changes, as it does while somebody works on it."""
    stamps: list[str] = []
    for folder, _, names in os.walk(Path(__file__).parents[1]):
        for name in names:
            if name.endswith((".py", ".md")):
                status = os.stat(os.path.join(folder, name))
                stamps.append(f"{name}-{status.st_mtime_ns}-{status.st_size}")
    return " ".join(sorted(stamps))
