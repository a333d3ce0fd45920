"""Watches a child and everything it starts: how long, how much memory, how many processes, how much it prints."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

from .protocol import LARGEST

INTERVAL = 0.05
"""Seconds between two looks at memory and processes."""

LATE_SECONDS = 60.0
"""What a child may take longer that has to import the framework itself."""

KEPT = 2_000
"""Characters kept of the end of what was printed."""


@dataclass(frozen=True)
class Limits:
    """What one model may use: seconds, bytes of memory beyond what its parent holds, processes, and bytes printed."""

    time: float
    memory: int
    processes: int
    printed: int


@dataclass
class Watched:
    """What was seen: the bytes of the reply, the end of what was printed, and why the child was stopped, if it was."""

    reply: bytearray = field(default_factory=bytearray)
    printed: bytes = b""
    printed_bytes: int = 0
    stopped: str = ""
    status: int | None = None
    peak_bytes: int = 0
    _open: set[int] = field(default_factory=set)

    @property
    def tail(self) -> str:
        """The end of what was printed."""
        return self.printed.decode("utf-8", "replace")[-KEPT:]


def watch(child: int, reply: int, output: int, asker: int, limits: Limits) -> Watched:
    """Wait for a child until it has ended or used more than it may; afterwards nothing it started is left.

    ``asker`` is the descriptor of requests: none comes before the reply, so that it can be read only when whoever asked
    has gone.
    """
    seen = Watched(_open={reply, output})
    deadline = time.monotonic() + limits.time
    baseline = _resident(os.getpid())
    with selectors.DefaultSelector() as selector:
        for descriptor in (reply, output):
            os.set_blocking(descriptor, False)
            selector.register(descriptor, selectors.EVENT_READ)
        selector.register(asker, selectors.EVENT_READ)
        try:
            while seen.status is None and not seen.stopped:
                _read(selector, reply, seen, INTERVAL)
                seen.stopped = seen.stopped or _excess(seen, limits, deadline, baseline)
                seen.status = _ended(child)
        finally:
            end_tree(child, seen)
        selector.unregister(asker)
        _drain(selector, reply, seen)
    return seen


def _read(selector: selectors.DefaultSelector, reply: int, seen: Watched, seconds: float) -> bool:
    """Take over what the child has written, waiting at most some seconds for it. Whether there was something."""
    got = False
    for key, _ in selector.select(seconds):
        if key.fd not in seen._open:
            seen.stopped = "gone"
            continue
        try:
            data = os.read(key.fd, 1 << 16)
        except BlockingIOError:
            continue
        if not data:
            selector.unregister(key.fd)
            seen._open.discard(key.fd)
        elif key.fd == reply:
            seen.reply += data
            if len(seen.reply) > LARGEST:
                seen.stopped = "channel"
        else:
            seen.printed = (seen.printed + data)[-4 * KEPT :]
            seen.printed_bytes += len(data)
        got = got or bool(data)
    if not seen._open:
        time.sleep(seconds)
    return got


def _drain(selector: selectors.DefaultSelector, reply: int, seen: Watched) -> None:
    """What was still in the pipes when the child ended."""
    while seen._open and len(seen.reply) <= LARGEST and _read(selector, reply, seen, 0):
        pass


def _excess(seen: Watched, limits: Limits, deadline: float, baseline: int) -> str:
    """The reason to stop the child now, or nothing.

    What this process holds, ``baseline``, a forked child shares with it, so that only what is beyond that counts.
    """
    members = descendants(os.getpid())
    resident = sum(max(0, _resident(process) - baseline) for process in members)
    seen.peak_bytes = max(seen.peak_bytes, resident)
    if time.monotonic() > deadline:
        return "time"
    if resident > limits.memory:
        return "memory"
    if len(members) > limits.processes:
        return "processes"
    return "printed" if seen.printed_bytes > limits.printed else ""


def _ended(child: int) -> int | None:
    """The child's exit status as ``os.waitstatus_to_exitcode`` gives it; None while it runs."""
    try:
        process, status = os.waitpid(child, os.WNOHANG)
    except ChildProcessError:
        return 0
    return os.waitstatus_to_exitcode(status) if process else None


def end_tree(child: int, seen: Watched) -> None:
    """Kill the child, its group, and whatever else became a child of this process."""
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(child, signal.SIGKILL)
    if seen.status is None:
        seen.status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    while True:
        members = descendants(os.getpid())
        for process in members:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        try:
            process, _ = os.waitpid(-1, 0 if members else os.WNOHANG)
        except ChildProcessError:
            return
        if process == 0 and not members:
            return


def descendants(ancestor: int) -> list[int]:
    """Every process below another one, from ``/proc``; none where the system has no such folder."""
    parents: dict[int, int] = {}
    try:
        entries = os.listdir("/proc")
    except OSError:
        return []
    for entry in entries:
        if entry.isdigit():
            parent = _parent(entry)
            if parent is not None:
                parents[int(entry)] = parent
    below = {ancestor}
    found: list[int] = []
    for process in sorted(parents):
        chain = process
        seen = {process}
        while chain in parents and parents[chain] not in seen and chain not in below:
            chain = parents[chain]
            seen.add(chain)
        if chain in below and process != ancestor:
            below.add(process)
            found.append(process)
    return found


def _parent(process: str) -> int | None:
    """The parent of a process that still runs."""
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    # The name in parentheses may hold anything, so what is read stands behind the last one.
    fields = text.rpartition(")")[2].split()
    return None if fields[0] == "Z" else int(fields[1])


def _resident(process: int) -> int:
    """Bytes of memory that a process holds; pages of files (the framework's libraries) are not counted."""
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(("RssAnon:", "RssShmem:")))
