"""The cache on disk: what was worked out once about a text is kept under the hash of everything it depended on.

Whatever happens to it (two runs at once, a full disk, a process killed while it writes) a reader gets what was kept, or
nothing. It stays below a number of bytes, and what nobody asked for in a month goes.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import time
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from headlint.version import __version__

MOST_BYTES = 512 * 1024 * 1024
"""Bytes that the cache may hold; when there are more, those used longest ago go until three quarters are left."""

OLDEST = 30 * 24 * 3600.0
"""Seconds after which an entry goes that nobody asked for."""

BETWEEN_CLEANINGS = 3600.0
"""Seconds for which the cache may grow before somebody looks at its size again."""

_ABANDONED = 3600.0
"""Seconds after which what a process was writing can only be left from one that was killed."""

_A_DAY = 24 * 3600.0
_CLEANED = "cleaned"
_PARTIAL = ".partial"


def file_for(kind: str, *parts: str | bytes) -> Path:
    """Where something of a kind is kept that depends on the parts, and on headlint itself."""
    digest = hashlib.sha256(f"{__version__}\0{_stamp()}".encode())
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        digest.update(b"%d:%b" % (len(data), data))
    key = digest.hexdigest()
    return _folder() / kind / key[:2] / key


def read(file: Path) -> object:
    """What is kept there; None where nothing is, or nothing that was written to its end."""
    try:
        with open(file, "rb") as stream:
            data = stream.read()
            used = os.fstat(stream.fileno()).st_mtime
    except OSError:
        return None
    checksum, content = data[:4], data[4:]
    if checksum != _checksum(content):
        return None
    _note_use(file, used)
    try:
        return pickle.loads(content)
    except (pickle.PickleError, EOFError, AttributeError, ImportError, ValueError, TypeError, IndexError, KeyError):
        return None


def _note_use(file: Path, before: float) -> None:
    """An entry's time is that of its last use, give or take a day."""
    if time.time() - before > _A_DAY:
        try:
            os.utime(file)
        except OSError:
            return


def write(file: Path, content: object) -> None:
    """Keep something; a cache that cannot be written is no error."""
    temporary = file.with_name(f"{file.name}.{os.getpid()}{_PARTIAL}")
    try:
        data = pickle.dumps(content, pickle.HIGHEST_PROTOCOL)
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(_checksum(data) + data)
        temporary.replace(file)
    except RecursionError:
        return
    except OSError:
        _remove(temporary)


def _checksum(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(4, "big")


def clean() -> None:
    """Remove what is too old or too much, unless somebody has looked lately."""
    mark = _folder() / _CLEANED
    try:
        if time.time() - mark.stat().st_mtime < BETWEEN_CLEANINGS:
            return
    except OSError:
        pass
    try:
        mark.touch()  # before the work, so that another run does not begin it too
    except OSError:
        return
    _clean(time.time())


def _clean(now: float) -> None:
    entries = sorted(_entries(now))
    held = sum(size for _, size, _ in entries)
    most = MOST_BYTES if held <= MOST_BYTES else MOST_BYTES * 3 // 4
    for used, size, path in entries:
        if held <= most and now - used <= OLDEST:
            return
        _remove(Path(path))
        held -= size


def _entries(now: float) -> Iterator[tuple[float, int, str]]:
    """The time of each entry's last use, its size and its path. What killed processes were writing goes at once."""
    for folder, _, names in os.walk(_folder()):
        for name in names:
            path = os.path.join(folder, name)
            try:
                status = os.stat(path)
            except OSError:
                continue
            if not name.endswith(_PARTIAL):
                yield status.st_mtime, status.st_size, path
            elif now - status.st_mtime > _ABANDONED:
                _remove(Path(path))


def _remove(file: Path) -> None:
    try:
        file.unlink(missing_ok=True)
    except OSError:
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
