"""Starts the worker under the user's interpreter, asks it, and starts another one when it dies."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from headlint.runtime.worker.protocol import BrokenFrame, Message, receive, send

START = Path(__file__).parent / "worker" / "start.py"
MARK = "HEADLINT_RUN"
"""The variable by which every process of a run is known, should it outlive its worker."""

INSTALL = {
    "torch": "install it there, or with `pip install 'headlint[torch]'`",
    "keras": "install it there, or with `pip install 'headlint[tensorflow]'`",
}


@dataclass(frozen=True, slots=True)
class Options:
    """How models are built: under which interpreter and framework, where, and what each may use.

    ``time`` counts seconds, ``memory`` and ``printed`` bytes. ``device`` is ``auto``, ``cpu``, ``cuda``, ``cuda:1``,
    ``mps`` or ``meta``.
    """

    python: Path
    framework: str
    keras_backend: str = ""
    device: str = "auto"
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

    @property
    def on_accelerator(self) -> bool:
        """Whether a GPU may be used: a process that has touched one must not fork, so each child starts it itself."""
        return self.device not in ("cpu", "meta", "auto")


class Client:
    """One worker, started when it is first asked. Use it as a context manager: nothing it started is left behind."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self._requests: BinaryIO | None = None
        self._replies: BinaryIO | None = None
        self._mark = secrets.token_hex(16)
        self._asked = 0
        self._refused = ""
        self.import_seconds = 0.0
        """What importing the framework took; 0 before the first request."""

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def measure(self, request: dict[str, Any]) -> Message:
        """The worker's reply. A worker that dies, or that cannot be started, gives a reply with the reason."""
        self._asked += 1
        message = {**request, "id": self._asked, "limits": self._options.limits, "device": self._device()}
        try:
            if self._process is None:
                self._start()
            if self._refused:
                return {"id": self._asked, "ok": False, "reason": "framework", "detail": self._refused}
            assert self._requests is not None
            assert self._replies is not None
            send(self._requests, message)
            reply = receive(self._replies)
        except (OSError, BrokenFrame):
            reply = None
        if reply is None or reply.get("id") != self._asked:
            self.close()
            return {"id": self._asked, "ok": False, "reason": "crash", "detail": "it ended the worker itself"}
        return reply

    def _device(self) -> str:
        return "cpu" if self._options.device == "auto" else self._options.device

    def _start(self) -> None:
        """Start the worker and wait until it has imported the framework."""
        to_worker, from_here = os.pipe()
        to_here, from_worker = os.pipe()
        command = [str(self._options.python), "-B", str(START), "--framework", self._options.framework]
        command += ["--read", str(to_worker), "--write", str(from_worker)]
        if self._options.on_accelerator:
            command.append("--late")
        try:
            self._process = subprocess.Popen(
                command,
                pass_fds=(to_worker, from_worker),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=self._environment(),
                start_new_session=True,
            )
        except OSError as error:
            self._refused = f"{self._options.python} cannot be started: {error.strerror}"
            os.close(from_here)
            os.close(to_here)
            return
        finally:
            os.close(to_worker)
            os.close(from_worker)
        self._requests, self._replies = os.fdopen(from_here, "wb"), os.fdopen(to_here, "rb")
        ready = receive(self._replies)
        if ready is None:
            assert self._process.stderr is not None
            last = self._process.stderr.read().decode("utf-8", "replace").strip().splitlines()[-1:]
            self._refused = f"{self._options.python}: the worker did not start: {''.join(last)}"
        elif not ready["ready"]:
            framework = self._options.framework
            self._refused = f"{self._options.python} has no {framework} ({ready['detail']}): {INSTALL[framework]}"
        else:
            self.import_seconds = ready["seconds"]

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
        if not self._options.device.startswith("cuda"):
            changed["CUDA_VISIBLE_DEVICES"] = ""
        return {**os.environ, **changed}

    def close(self) -> None:
        """End the worker and everything that it started."""
        for stream in (self._requests, self._replies):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        self._requests = self._replies = None
        process, self._process = self._process, None
        if process is None:
            return
        try:
            process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stderr is not None:
            process.stderr.close()
        end_marked(self._mark)


def end_marked(mark: str) -> None:
    """Kill every process that still carries the mark of a run: children of a worker that was killed before it could."""
    if sys.platform != "linux":
        return
    wanted = f"{MARK}={mark}".encode()
    for entry in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            if entry.isdigit() and wanted in Path(f"/proc/{entry}/environ").read_bytes().split(b"\0"):
                os.kill(int(entry), signal.SIGKILL)
