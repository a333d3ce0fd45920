"""The cache on disk stays small, and survives whatever else uses it, a full disk and processes that are killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from headlint.loading import cache

DAY = 24 * 3600


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    cache._folder.cache_clear()
    yield cache._folder()
    cache._folder.cache_clear()


def keep(name: str, size: int = 1000, days: float = 0) -> Path:
    """Keep something of that many bytes, last used so long ago."""
    file = cache.file_for("test", name)
    cache.write(file, b"x" * size)
    used = time.time() - days * DAY
    os.utime(file, (used, used))
    return file


def test_what_was_written_is_read(folder: Path) -> None:
    file = keep("a", 10)
    assert cache.read(file) == b"x" * 10
    assert cache.read(cache.file_for("test", "b")) is None


def test_the_oldest_go_when_there_is_too_much(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MOST_BYTES", 8_500)
    files = [keep(str(number), days=10 - number) for number in range(10)]
    cache.clean()
    assert [file.exists() for file in files] == [False] * 4 + [True] * 6


def test_what_fits_stays(folder: Path) -> None:
    files = [keep(str(number), days=number) for number in range(10)]
    cache.clean()
    assert all(file.exists() for file in files)


def test_what_nobody_asks_for_goes(folder: Path) -> None:
    old, used, new = keep("old", days=31), keep("used", days=31), keep("new", days=29)
    assert cache.read(used) is not None
    cache.clean()
    assert [file.exists() for file in (old, used, new)] == [False, True, True]


def test_it_is_looked_through_once_an_hour(folder: Path) -> None:
    keep("new")
    cache.clean()
    old = keep("old", days=31)
    cache.clean()
    assert old.exists()
    os.utime(folder / "cleaned", (time.time() - 3700,) * 2)
    cache.clean()
    assert not old.exists()


@pytest.mark.parametrize("cut", [0, 3, 10, -1])
def test_half_an_entry_is_none(folder: Path, cut: int) -> None:
    file = keep("a")
    file.write_bytes(file.read_bytes()[:cut])
    assert cache.read(file) is None


def test_a_damaged_entry_is_none(folder: Path) -> None:
    file = keep("a")
    file.write_bytes(file.read_bytes().replace(b"xx", b"xy"))
    assert cache.read(file) is None


def test_what_a_killed_process_was_writing_goes(folder: Path) -> None:
    file = keep("a")
    abandoned, recent = (file.with_name(f"{file.name}.{number}.partial") for number in (1, 2))
    for partial in (abandoned, recent):
        partial.write_bytes(b"half")
    os.utime(abandoned, (time.time() - 2 * 3600,) * 2)
    cache.clean()
    assert [path.exists() for path in (file, abandoned, recent)] == [True, False, True]


def test_a_full_disk_leaves_nothing_behind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = cache.file_for("test", "a")

    def full(path: Path, data: bytes) -> int:
        with open(path, "wb") as stream:
            stream.write(data[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    cache.write(file, b"x" * 1000)
    assert list(file.parent.iterdir()) == []
    assert cache.read(file) is None


def test_a_folder_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr(cache, "_folder", lambda: tmp_path / "file")
    file = cache.file_for("test", "a")
    cache.write(file, 1)
    cache.clean()
    assert cache.read(file) is None


WRITER = """
import sys
from headlint.loading import cache
file = cache.file_for("test", "shared")
for number in range(300):
    cache.write(file, [sys.argv[1]] * 20_000)
    found = cache.read(file)
    assert found is None or found in (["a"] * 20_000, ["b"] * 20_000), "torn"
    (cache._folder() / "cleaned").unlink(missing_ok=True)
    cache.clean()
"""


def test_two_runs_at_once(folder: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, name]) for name in "ab"]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0]
    assert cache.read(cache.file_for("test", "shared")) in (["a"] * 20_000, ["b"] * 20_000)


def test_a_process_killed_while_it_writes(folder: Path) -> None:
    file = cache.file_for("test", "shared")
    writer = subprocess.Popen([sys.executable, "-c", WRITER.replace("300", "1000000"), "a"])
    deadline = time.monotonic() + 60
    while not file.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    writer.kill()
    writer.wait()
    assert cache.read(file) == ["a"] * 20_000
