"""How long one run takes from a cold start, beside flake8 and pylint on the same files.

Run it with ``python benchmarks/cold_start.py`` in an environment that has all three. Each command runs in a process of its
own, with headlint's cache switched off, then with it filled. The table shows the median and the fastest of several runs.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FIXTURES = Path(__file__).parents[1] / "fixtures"
RUNS = 5
LINES = 200
FILES = 100

COMMANDS = {
    "headlint, no cache": ["headlint", "check", "--isolated", "--exit-zero", "--no-cache"],
    "headlint, cache filled": ["headlint", "check", "--isolated", "--exit-zero"],
    "flake8": ["flake8", "--isolated", "--exit-zero", "--extend-ignore=HL"],
    "pylint": ["pylint", "--rcfile=/dev/null", "--exit-zero", "--score=n"],
}


def script(folder: Path) -> Path:
    """A script of about 200 lines: fixtures put one below the other."""
    lines: list[str] = []
    for file in sorted(FIXTURES.glob("shapes_torch/*_good.py")):
        lines += file.read_text().splitlines()
        if len(lines) >= LINES:
            break
    path = folder / "script.py"
    path.write_text("\n".join(lines) + "\n")
    return path


def repository(folder: Path) -> Path:
    """A folder of a hundred files."""
    top = folder / "repository"
    top.mkdir()
    for number, file in enumerate(sorted(FIXTURES.glob("shapes_*/*.py"))[:FILES]):
        shutil.copy(file, top / f"m{number}_{file.name}")
    return top


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return time.perf_counter() - start


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for target in (script(folder), repository(folder)):
            print(f"{target.name}:")
            for label, command in COMMANDS.items():
                seconds([*command, str(target)])
                taken = [seconds([*command, str(target)]) for _ in range(RUNS)]
                print(f"  {label:24} median {statistics.median(taken):6.2f} s   fastest {min(taken):6.2f} s")


if __name__ == "__main__":
    main()
