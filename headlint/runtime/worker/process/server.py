"""The warm parent: it has imported the framework once, computes nothing itself, and forks a child for each request.

Source of the rules it keeps: a process that has run a torch operation with two threads, or any TensorFlow operation,
makes its forked children hang (measured; see also torch's notes on multiprocessing).
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from .. import child
from ..reasons import REASONS, describe
from . import folders, isolation
from .protocol import LENGTH, Message, encode, receive, send
from .watching import LATE_SECONDS, Limits, Watched, watch

BACKENDS = ("tensorflow", "torch")
"""What Keras may run on, the preferred first."""

EARLY = "early"
"""Marks a reply that holds only if no other one follows before the time is over."""

UNANSWERED = 112
"""Exit status of a child that could not answer at all: the program has closed or changed what it needs for that."""

PRIVATE = (
    "HOME",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "TMPDIR",
    "KERAS_HOME",
    "TORCH_HOME",
    "HF_HOME",
)
"""Variables that name folders to write to; all of them point into the private folder."""


def main(arguments: Sequence[str]) -> int:
    """Serve requests until the other side closes its end."""
    parser = argparse.ArgumentParser(prog="headlint-worker")
    parser.add_argument("--framework", required=True)
    parser.add_argument(
        "--adapter", required=True, help="the module that builds its models; with a dot in front one of the worker"
    )
    parser.add_argument("--read", type=int, required=True)
    parser.add_argument("--write", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="where private folders are made; removed at the end")
    parser.add_argument("--late", action="store_true", help="let each child import the framework")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    isolation.adopt_orphans()
    isolation.die_with_parent()
    ready = _ready(options.framework, options.late)
    # From here on the end of the requests tells that the parent is gone, and there is something to clear away.
    isolation.die_with_parent(False)
    try:
        with os.fdopen(options.read, "rb") as requests, os.fdopen(options.write, "wb") as replies:
            send(replies, ready)
            while (request := receive(requests)) is not None:
                request["framework"], request["adapter"] = options.framework, options.adapter
                send(replies, serve(request, options.late, (requests.fileno(), replies.fileno()), options.folder))
    except BrokenPipeError:  # whoever asked has gone
        return 1
    finally:
        folders.remove(options.folder)
    return 0


def _ready(framework: str, late: bool) -> Message:
    """Import the framework; says whether that worked and how long it took."""
    start = time.monotonic()
    if framework == "keras":
        _choose_backend()
    os.environ["PYTORCH_JIT"] = "0"  # what is compiled sees no name that is only looked up when it is asked for
    if not late:
        try:
            importlib.import_module(framework)
        except Exception as error:  # a broken installation may raise anything
            return {"ready": False, "detail": describe(error)}
    return {"ready": True, "seconds": time.monotonic() - start}


def _choose_backend() -> None:
    """TensorFlow where it is installed, else torch. Keras writes its settings to a folder when it is imported, but not
    where there can be none."""
    os.environ["KERAS_HOME"] = os.devnull
    if os.environ.get("KERAS_BACKEND") not in BACKENDS:
        installed = [name for name in BACKENDS if importlib.util.find_spec(name) is not None]
        os.environ["KERAS_BACKEND"] = installed[0] if installed else BACKENDS[0]


def serve(request: Message, late: bool, channel: tuple[int, int], folder: Path) -> Message:
    """Answer one request by a child of its own; ``channel`` has the descriptors of requests and replies."""
    given = request["limits"]
    limits = Limits(
        given["time"] + (LATE_SECONDS if late else 0.0), given["memory"], given["processes"], given["printed"]
    )
    private = Path(tempfile.mkdtemp(prefix=folders.PREFIX, dir=folder))
    reply_read, reply_write = os.pipe()
    output_read, output_write = os.pipe()
    try:
        process = os.fork()
        if process == 0:
            for descriptor in (*channel, reply_read, output_read):
                os.close(descriptor)
            _run(request, late, private, reply_write, output_write)
        os.close(reply_write)
        os.close(output_write)
        seen = watch(process, reply_read, output_read, channel[0], limits)
        return _reply(request, seen)
    finally:
        os.close(reply_read)
        os.close(output_read)
        folders.remove(private)


def _run(request: Message, late: bool, folder: Path, reply: int, output: int) -> NoReturn:
    """The child: close the doors, do the work, write the reply, and end without anything that the program registered."""
    status = UNANSWERED
    end = os._exit
    try:
        os.setsid()
        isolation.die_with_parent()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        null = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((null, 0), (output, 1), (output, 2)):
            os.dup2(source, target)
        os.close(null)
        os.close(output)
        sys.stdin = os.fdopen(0, encoding="utf-8")
        os.environ.update(dict.fromkeys(PRIVATE, str(folder)))
        tempfile.tempdir = str(folder)
        guards = isolation.enter(folder, _home(request, folder), request["limits"]["memory"], late)
        if late:
            with contextlib.suppress(Exception):  # told by the adapter, which needs it
                importlib.import_module(request["framework"])
        frame = encode(
            child.handle({**request, "guards": guards}, lambda one: _write(reply, encode({**one, EARLY: True})))
        )
        with contextlib.suppress(Exception):  # the program may have put anything in its place
            sys.stdout.flush()
        _write(reply, frame)
        status = 0
    except BaseException as error:
        _write(reply, encode({"ok": False, "reason": "internal", "detail": describe(error)}))
    finally:
        end(status)


def _home(request: Message, folder: Path) -> Path:
    """Where the program's own files lie."""
    return Path(request["path"]).parent if "path" in request else folder


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _reply(request: Message, seen: Watched) -> Message:
    """The child's own reply where it is whole, else why there is none."""
    message = _decoded(seen.reply)
    early = message is not None and message.pop(EARLY, False)
    holds = seen.stopped == "time" if early else not seen.stopped
    if message is None or not holds:
        reason = seen.stopped or _reason_of_end(seen, early)
        message = {"ok": False, "reason": reason, "detail": _detail(reason, seen, request)}
    message["id"] = request["id"]
    message["printed"] = seen.tail
    if message.get("ok") and "facts" in message:
        message["facts"]["peak_bytes"] = seen.peak_bytes
    return message


def _decoded(data: bytes | bytearray) -> dict[str, Any] | None:
    """The last whole frame that a child wrote, all before it early ones; None when what it wrote is anything else."""
    frames = []
    rest = bytes(data)
    while len(rest) >= LENGTH.size:
        end = LENGTH.size + LENGTH.unpack(rest[: LENGTH.size])[0]
        if end > len(rest):
            break
        frames.append(rest[LENGTH.size : end])
        rest = rest[end:]
    try:
        messages = [json.loads(frame) for frame in frames]
    except (ValueError, RecursionError):
        return None
    if not messages or not all(isinstance(one, dict) and isinstance(one.get("ok"), bool) for one in messages):
        return None
    *before, last = messages
    return last if all(EARLY in one for one in before) and (not rest or EARLY in last) else None


def _reason_of_end(seen: Watched, early: bool) -> str:
    """Why a child ended that did not answer, or only ``early``."""
    if (seen.reply and not early) or seen.status == UNANSWERED:
        return "channel"
    return "crash" if seen.status is not None and seen.status < 0 else "exit"


def _detail(reason: str, seen: Watched, request: Message) -> str:
    limits = request["limits"]
    match reason:
        case "time":
            return f"it ran longer than {limits['time']:g} s"
        case "memory":
            return f"it used more than {limits['memory'] / 2**20:.0f} MiB"
        case "processes":
            return f"it started more than {limits['processes']} processes"
        case "printed":
            return f"it printed more than {limits['printed'] / 1e6:g} MB"
        case "exit":
            return f"it ended the process with status {seen.status}"
        case "crash" if seen.status == -signal.SIGKILL:
            return "the process was killed (SIGKILL), by itself or by a system that ran out of memory"
        case "crash" if seen.status is not None:
            return f"it crashed the process ({signal.Signals(-seen.status).name})"
        case _:
            return REASONS[reason]
