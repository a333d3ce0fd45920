"""What building a model costs: in a child of a warm worker, and in a fresh interpreter, in one run.

    python benchmarks/runtime.py [--framework torch|keras] [--keras-backend torch|tensorflow] [--models 10]

It measures the same small model again and again, both ways in turn so that other load falls on both alike, and prints
seconds for each model (median, least, most) and the most memory that the worker and a model's process held.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headlint.runtime.client import Client, Options

PROGRAMS = {
    "torch": """import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.head = nn.Linear(16, 10)

    def forward(self, x):
        return self.head(self.body(x))
""",
    "keras": """import keras
from keras import layers


def Net():
    return keras.Sequential([
        keras.Input((32, 32, 3)), layers.Conv2D(16, 3, activation="relu"), layers.GlobalAveragePooling2D(), layers.Dense(10)
    ])
""",
}


@contextmanager
def client(arguments: argparse.Namespace) -> Iterator[Client]:
    options = Options(
        Path(sys.executable), arguments.framework, arguments.keras_backend or "", time=120.0, memory=8 * 1024**3
    )
    with Client(options) as started:
        yield started


def measure(worker: Client, program: Path) -> tuple[float, int]:
    """Seconds until the reply, and the bytes that the model's process held beside what it shares with the worker."""
    begun = time.perf_counter()
    reply = worker.measure({"path": str(program), "root": str(program.parent), "name": "Net", "draws": 3})
    seconds = time.perf_counter() - begun
    if not reply["ok"]:
        sys.exit(f"the model could not be measured: {reply['reason']}: {reply['detail']}")
    return seconds, reply["facts"]["peak_bytes"]


def held(worker: Client) -> int:
    """The most bytes that the worker itself has held, libraries included; 0 where the system does not tell."""
    try:
        lines = Path(f"/proc/{worker.process_id}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)


def reported(title: str, seconds: list[float]) -> str:
    middle, least, most = statistics.median(seconds), min(seconds), max(seconds)
    return f"{title:<32} {middle:6.2f} s  ({least:.2f} to {most:.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--framework", choices=tuple(PROGRAMS), default="torch")
    parser.add_argument("--keras-backend", choices=("tensorflow", "torch"))
    parser.add_argument("--models", type=int, default=10)
    arguments = parser.parse_args()
    warm: list[float] = []
    fresh: list[float] = []
    peak = 0
    with tempfile.TemporaryDirectory() as folder, client(arguments) as worker:
        program = Path(folder) / "net.py"
        program.write_text(PROGRAMS[arguments.framework], encoding="utf-8")
        first, _ = measure(worker, program)
        for _ in range(arguments.models):
            seconds, used = measure(worker, program)
            warm.append(seconds)
            peak = max(peak, used)
            with client(arguments) as cold:
                fresh.append(measure(cold, program)[0])
        print(f"{arguments.framework} {arguments.keras_backend or ''}, {arguments.models} models each way")
        print(f"{'first model, import included':<32} {first:6.2f} s  (import {worker.import_seconds:.2f} s)")
        print(reported("each further one, warm worker", warm))
        print(reported("each in a fresh interpreter", fresh))
        print(f"{'worker held at most':<32} {held(worker) / 2**20:6.0f} MiB")
        print(f"{'a model held beside that at most':<32} {peak / 2**20:6.0f} MiB")


if __name__ == "__main__":
    main()
