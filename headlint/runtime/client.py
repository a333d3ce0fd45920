"""Starts the worker under the user's interpreter, asks it, and starts another one when it dies."""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from headlint.frameworks.registry import FRAMEWORKS
from headlint.runtime.worker.measuring.devices import WITHOUT_DRIVER
from headlint.runtime.worker.process.folders import PREFIX, remove
from headlint.runtime.worker.process.protocol import BrokenFrame, Message, receive, send
from headlint.runtime.worker.process.watching import LATE_SECONDS

START = Path(__file__).parent / "worker" / "start.py"
MARK = "HEADLINT_RUN"
"""The variable by which every process of a run is known, should it outlive its worker."""

START_SECONDS = 180.0
"""How long a worker may take to import its framework."""

ANSWER_SECONDS = LATE_SECONDS + 30.0
"""How long beyond the time limit of a model a worker may take to answer; after that something has stopped it."""


@dataclass(frozen=True, slots=True)
class Options:
    """How models are built: under which interpreter and framework, where, and what each may use.

    ``time`` counts seconds, ``memory`` and ``printed`` bytes. ``device`` is ``auto``, ``cpu``, ``cuda``, ``cuda:1``,
    ``mps`` or ``meta``.
    """

    python: Path
    framework: str
    keras_backend: str = ""
    device: str = "cpu"
    time: float = 20.0
    memory: int = 4 * 1024**3
    parameters: int = 300_000_000
    processes: int = 64
    printed: int = 1_000_000

    @property
    def limits(self) -> dict[str, float | int]:
        """What one model may use, as the worker is told it."""
        return {
            "time": self.time,
            "memory": self.memory,
            "parameters": self.parameters,
            "processes": self.processes,
            "printed": self.printed,
        }


class Client:
    """One worker, started when it is first asked. Use it as a context manager: nothing it started is left behind."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._device = options.device
        self._process: subprocess.Popen[bytes] | None = None
        self._requests: BinaryIO | None = None
        self._replies: BinaryIO | None = None
        self._folder: Path | None = None
        self._mark = secrets.token_hex(16)
        self._asked = 0
        self.refused: tuple[str, str] | None = None
        """Why there can be no worker: the reason, and what is missing in one line."""
        self.import_seconds = 0.0
        """What importing the framework took; 0 before the first request."""

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    @property
    def process_id(self) -> int:
        """The process of the worker; 0 where none runs."""
        return self._process.pid if self._process is not None else 0

    def measure(self, request: dict[str, Any]) -> Message:
        """The worker's reply. A worker that dies, or that cannot be started, gives a reply with the reason."""
        if self._process is None and self.refused is None:
            self._start()
        if self.refused is not None:
            reason, detail = self.refused
            return {"ok": False, "reason": reason, "detail": detail}
        return self._ask(request)

    def _ask(self, request: dict[str, Any]) -> Message:
        self._asked += 1
        message = {**request, "id": self._asked, "limits": self._options.limits, "device": self._device}
        try:
            assert self._requests is not None
            send(self._requests, message)
            reply = self._receive(self._options.time + ANSWER_SECONDS)
        except (OSError, BrokenFrame):
            reply = None
        if reply is None or reply.get("id") != self._asked:
            self.close()
            return {"ok": False, "reason": "crash", "detail": "it ended or stopped the process that watches it"}
        return reply

    def _receive(self, seconds: float) -> Message | None:
        """The next message of the worker; None at its end, or when none comes in time."""
        assert self._replies is not None
        waiting, _, _ = select.select([self._replies], [], [], seconds)
        return receive(self._replies) if waiting else None

    def _start(self) -> None:
        """Start the worker, wait until it has imported the framework, and find the device.

        With an accelerator each child imports the framework by itself, since a process that has started a driver must
        not fork. Whether ``auto`` is one, a child of the first worker finds out.
        """
        self._launch(late=self._device not in (*WITHOUT_DRIVER, "auto"))
        if self.refused is not None or self._device in WITHOUT_DRIVER:
            return
        late = self._device != "auto"
        reply = self._ask({"plan": True})
        if not reply["ok"]:
            self._refuse(reply["reason"], f"--device {self._device}: {reply['detail']}")
            return
        self._device = reply["device"]
        if self._device not in WITHOUT_DRIVER and not late:
            self.close()
            self._launch(late=True)

    def _launch(self, late: bool) -> None:
        if not hasattr(os, "fork"):
            self._refuse("framework", "models are built on Linux and macOS only; on Windows use WSL")
            return
        self._folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        to_worker, from_here = os.pipe()
        to_here, from_worker = os.pipe()
        self._requests, self._replies = os.fdopen(from_here, "wb"), os.fdopen(to_here, "rb")
        command = [str(self._options.python), "-B", str(START), "--framework", self._options.framework]
        command += ["--adapter", FRAMEWORKS[self._options.framework].adapter]
        command += ["--read", str(to_worker), "--write", str(from_worker), "--folder", str(self._folder)]
        log = self._folder / "log"
        try:
            with log.open("wb") as errors:
                self._process = subprocess.Popen(
                    [*command, "--late"] if late else command,
                    pass_fds=(to_worker, from_worker),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    env=self._environment(),
                    start_new_session=True,
                )
        except OSError as error:
            self._refuse("framework", f"cannot be started: {error.strerror}")
            return
        finally:
            os.close(to_worker)
            os.close(from_worker)
        try:
            ready = self._receive(START_SECONDS)
        except BrokenFrame:
            ready = None
        if ready is None:
            said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() if log.exists() else []
            self._refuse("framework", f"the worker did not start{''.join(f': {line}' for line in said[-1:])}")
        elif not ready["ready"]:
            framework = self._options.framework
            self._refuse(
                "framework", f"{framework} cannot be imported ({ready['detail']}): {FRAMEWORKS[framework].install}"
            )
        else:
            self.import_seconds = ready["seconds"]

    def _refuse(self, reason: str, detail: str) -> None:
        self.refused = reason, detail
        self.close()

    def _environment(self) -> dict[str, str]:
        """The variables of the worker: one thread, no GPU unless asked for, nothing random, nothing on a screen."""
        changed = {
            MARK: self._mark,
            "OMP_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
            "PYTHONHASHSEED": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
            "MPLBACKEND": "Agg",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "TF_ENABLE_ONEDNN_OPTS": "0",
            "PYTORCH_NVML_BASED_CUDA_CHECK": "1",
            "WANDB_MODE": "disabled",
            "HF_HUB_OFFLINE": "1",
            "TQDM_DISABLE": "1",
        }
        if self._options.keras_backend:
            changed["KERAS_BACKEND"] = self._options.keras_backend
        if not self._device.startswith(("cuda", "auto")):
            changed["CUDA_VISIBLE_DEVICES"] = ""
        return {**os.environ, **changed}

    def close(self) -> None:
        """End the worker and everything that it started, and remove the folders of the models."""
        for stream in (self._requests, self._replies):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        self._requests = self._replies = None
        process, self._process = self._process, None
        if process is not None:
            try:
                process.wait(timeout=5)  # it ends by itself when nobody asks any more
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            end_marked(self._mark)
        folder, self._folder = self._folder, None
        if folder is not None:
            remove(folder)


def end_marked(mark: str) -> None:
    """Kill every process that still carries the mark of a run: children of a worker that was killed before it could."""
    if sys.platform != "linux":
        return
    wanted = f"{MARK}={mark}".encode()
    for entry in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            if entry.isdigit() and wanted in Path(f"/proc/{entry}/environ").read_bytes().split(b"\0"):
                os.kill(int(entry), signal.SIGKILL)
