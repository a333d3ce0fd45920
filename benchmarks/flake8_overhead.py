"""What an installed headlint costs flake8 on code that has nothing to do with neural networks.

Run it with ``python benchmarks/flake8_overhead.py [FOLDER]``; without a folder it takes Python's standard library, its
tests left out. It makes two virtual environments with the same flake8, one of them with headlint too, and runs both by
turns over the same files. The ratio is that of the medians; 1.00 means that headlint costs nothing.
"""

from __future__ import annotations

import resource
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
RUNS = 5
LEFT_OUT = ("test", "tests", "site-packages", "__pycache__")


def environment(folder: Path, *packages: str) -> str:
    """A fresh virtual environment with some packages; gives its Python."""
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
    return python


def seconds(python: str, tree: Path) -> tuple[float, float]:
    """Seconds on the clock, and of processors, that flake8 takes for a tree with its default settings."""
    clock, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [python, "-I", "-m", "flake8", "--isolated", "--exit-zero", str(tree)]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - clock, after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime


def main() -> None:
    source = Path(sys.argv[1] if len(sys.argv) > 1 else sysconfig.get_path("stdlib"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tree = shutil.copytree(source, folder / "tree", ignore=shutil.ignore_patterns(*LEFT_OUT))
        files = list(tree.rglob("*.py"))
        print(f"{len(files)} files, {sum(file.stat().st_size for file in files) / 1e6:.1f} MB")
        pythons = {
            "flake8 alone": environment(folder / "alone", "flake8"),
            "with headlint": environment(folder / "with", "flake8", str(REPOSITORY)),
        }
        taken: dict[str, list[tuple[float, float]]] = {label: [] for label in pythons}
        for run in range(RUNS + 1):
            for label, python in pythons.items():
                measured = seconds(python, tree)
                if run:  # the first one fills the caches of the system and of Python
                    taken[label].append(measured)
        for number, what in enumerate(("seconds on the clock", "seconds of processors")):
            medians = []
            for label, pairs in taken.items():
                values = sorted(pair[number] for pair in pairs)
                medians.append(statistics.median(values))
                print(f"{what:22} {label:14} {values[0]:7.2f} min {medians[-1]:7.2f} median {values[-1]:7.2f} max")
            print(f"{what:22} ratio of medians {medians[1] / medians[0]:.3f}")


if __name__ == "__main__":
    main()
