"""What a first run costs beside flake8, ruff, pylint (one check) and TorchFix, on the same trees in one run.

    python benchmarks/beside_peers.py [--tree NAME=FOLDER …] [--transformers FOLDER] [--peers FOLDER] [--runs 5]

Each peer is installed into an environment of its own below ``--peers`` (a temporary folder without it; one that was filled
by an earlier run is used again), headlint from this repository into two more, alone and with flake8. Without ``--tree``
the trees are made here: a script, a folder of model files, code without a framework and headlint's own source.
``--transformers`` adds its rows: one and two processes, memory, one changed file. ``--many FOLDER`` checks the packages in
a folder one after the other in one process, and shows whether memory and seconds for a megabyte stay as they are.

All commands of a row run in turn, round after round, so that other load falls on all alike. A cell is the median of the
seconds on the clock, with that of the processors' seconds in brackets where ``--processors`` asks for it; the ratio beside
it is to flake8 in the same row. Each round also measures a fixed piece of work: how much that varies is the noise of the
machine, and no difference smaller than it means anything.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
FIXTURES = REPOSITORY / "fixtures"
PEERS = {
    "flake8": ("flake8",),
    "ruff": ("ruff",),
    "pylint": ("pylint",),
    "torchfix": ("torchfix", "flake8"),
    "headlint": (str(REPOSITORY),),
    "flake8-headlint": ("flake8", str(REPOSITORY)),
}
"""Each environment, and what is installed into it."""

GOALS = {
    "one script": 1.7,
    "one script, cache": 0.9,
    "model files": 0.9,
    "hardly a model": 0.4,
    "no framework": 0.6,
    "transformers": 0.5,
    "flake8 + headlint, model files": 1.9,
    "flake8 + headlint, no framework": 1.03,
}
"""What headlint means to cost, as a ratio to flake8."""


@dataclass
class Cost:
    """What running a command several times cost."""

    clock: list[float] = field(default_factory=list)
    processors: list[float] = field(default_factory=list)
    memory: float = 0.0
    """The most that one of its processes held, in MB."""

    @property
    def seconds(self) -> float:
        return statistics.median(self.clock)


@dataclass(frozen=True)
class Tools:
    """Where the peers are."""

    folder: Path
    renewed: set[str] = field(default_factory=set)
    """Environments that hold this repository as it is now."""

    def python(self, name: str) -> str:
        """The Python of a peer's environment, made if it is not there yet."""
        home = self.folder / name
        python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
        if not python.exists():
            print(f"installing {name}", file=sys.stderr)
            venv.create(home, with_pip=True)
            self._install(python, *PEERS[name])
        elif str(REPOSITORY) in PEERS[name] and name not in self.renewed:
            self._install(python, "--no-deps", "--force-reinstall", str(REPOSITORY))
        self.renewed.add(name)
        return str(python)

    @staticmethod
    def _install(python: Path, *what: str) -> None:
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *what], check=True)

    def command(self, tool: str, tree: Path) -> list[str]:
        """How a tool is run over a tree with nothing kept from earlier runs."""
        where = str(tree)
        match tool:
            case "flake8":
                return [self.python("flake8"), "-m", "flake8", "--isolated", "--exit-zero", where]
            case "flake8 + headlint":
                return [self.python("flake8-headlint"), "-m", "flake8", "--isolated", "--exit-zero", where]
            case "ruff":
                return [self.python("ruff"), "-m", "ruff", "check", "--isolated", "--no-cache", "--exit-zero", where]
            case "pylint":
                options = ["--rcfile=/dev/null", "--disable=all", "--enable=trailing-newlines", "--exit-zero", "-sn"]
                return [self.python("pylint"), "-m", "pylint", "--recursive=y", *options, where]
            case "torchfix":
                return [self.python("torchfix"), "-m", "torchfix", where]
            case "headlint":
                return self._headlint(where, "--no-cache")
            case "headlint, cache":
                return self._headlint(where)
            case _:
                return self._headlint(where, "--no-cache", "--jobs", tool.rsplit(" ", 1)[-1])

    def _headlint(self, *options: str) -> list[str]:
        return [self.python("headlint"), "-m", "headlint", "check", "--isolated", "--exit-zero", *options]


def run(command: Sequence[str], cost: Cost, environment: dict[str, str]) -> None:
    """Run a command once, and add what it cost."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, cwd=environment["HOME"]
    )
    cost.memory = max(cost.memory, _watched(process))
    cost.clock.append(time.perf_counter() - begun)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cost.processors.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def _watched(process: subprocess.Popen[bytes]) -> float:
    """Wait for a process; the most MB that it or one of its children held, where the system tells."""
    if not Path("/proc/self/status").exists():
        process.wait()
        return 0.0
    most = 0.0
    while process.poll() is None:
        most = max([most, *map(_held, _family(process.pid))])
        time.sleep(0.02)
    return most


def _family(number: int) -> list[int]:
    try:
        listed = Path(f"/proc/{number}/task/{number}/children").read_text(encoding="ascii").split()
    except OSError:
        return [number]
    return [number, *map(int, listed)]


def _held(number: int) -> float:
    try:
        lines = Path(f"/proc/{number}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), 0.0)


def noise() -> float:
    """Seconds that a fixed piece of work takes now."""
    begun = time.perf_counter()
    digest = b""
    for number in range(200_000):
        digest = hashlib.sha256(digest + number.to_bytes(4, "big")).digest()
    return time.perf_counter() - begun


@dataclass
class Table:
    """Measures rows and prints them."""

    tools: Tools
    runs: int
    processors: bool
    work: Path
    fixed: list[float] = field(default_factory=list)
    goals: list[str] = field(default_factory=list)

    def row(self, title: str, tree: Path, tools: Sequence[str], runs: int | None = None) -> dict[str, Cost]:
        """Measure tools on a tree in turn; the first round only fills the system's caches."""
        costs = {tool: Cost() for tool in tools}
        commands = {tool: self.tools.command(tool, tree) for tool in tools}
        environment = {**os.environ, "HOME": str(self.work), "XDG_CACHE_HOME": str(self.work / "cache")}
        for tool, command in commands.items():
            run(command, Cost() if runs != 1 else costs[tool], environment)
        for _ in range(self.runs if runs is None else runs - 1):
            self.fixed.append(noise())
            for tool, command in commands.items():
                run(command, costs[tool], environment)
        self._print(title, costs)
        return costs

    def _print(self, title: str, costs: dict[str, Cost]) -> None:
        base = costs["flake8"].seconds if "flake8" in costs else 0.0
        for tool, cost in costs.items():
            cell = f"{cost.seconds:8.2f} s"
            if self.processors:
                cell += f" ({statistics.median(cost.processors):.2f})"
            ratio = f"{cost.seconds / base:6.2f} ×" if base else ""
            memory = f"{cost.memory:6.0f} MB" if cost.memory else ""
            print(f"{title:16} {tool:18} {cell} {ratio:9} {memory}", flush=True)

    def judge(self, goal: str, costs: dict[str, Cost], tool: str = "headlint") -> None:
        """Note whether a goal is met."""
        ratio = costs[tool].seconds / costs["flake8"].seconds
        self.goals.append(f"{goal:32} {ratio:6.2f} × flake8, goal {GOALS[goal]:.2f} {_verdict(ratio <= GOALS[goal])}")

    def finish(self) -> None:
        """Say which goals are met, and how much the machine itself varied."""
        print("\n" + "\n".join(self.goals))
        if self.fixed:
            middle = statistics.median(self.fixed)
            spread = (max(self.fixed) - min(self.fixed)) / middle
            load = (
                f", load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors" if hasattr(os, "getloadavg") else ""
            )
            print(f"noise of the machine: the same work took {middle:.2f} s, ± {spread / 2:.0%} around that{load}")


def _verdict(met: bool) -> str:
    return "met" if met else "missed"


# Trees


def script(folder: Path) -> Path:
    """A model script: fixtures one below the other, until there are 150 lines."""
    lines: list[str] = []
    for file in sorted(FIXTURES.glob("shapes_torch/*_good.py")):
        lines += file.read_text(encoding="utf-8").splitlines()
        if len(lines) >= 150:
            break
    path = folder / "script.py"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def model_files(folder: Path) -> Path:
    """A folder of a hundred model files, without those that are costly on purpose: one takes as long as all others together."""
    files = [file for file in sorted(FIXTURES.rglob("*.py")) if not file.name.startswith("costly_")]
    return copied(files[::3][:100], folder / "models")


def own_source(folder: Path) -> Path:
    """headlint itself: it names frameworks throughout, and holds hardly a model."""
    return Path(shutil.copytree(REPOSITORY / "headlint", folder / "own", ignore=shutil.ignore_patterns("__pycache__")))


def no_framework(folder: Path) -> Path:
    """A part of the standard library."""
    library = Path(sysconfig.get_path("stdlib"))
    return copied(
        [*sorted((library / "email").glob("*.py")), *sorted((library / "json").glob("*.py"))], folder / "plain"
    )


def copied(files: Iterable[Path], top: Path) -> Path:
    top.mkdir()
    for number, file in enumerate(files):
        shutil.copy(file, top / f"m{number}_{file.name}")
    return top


TREES: dict[str, Callable[[Path], Path]] = {
    "one script": script,
    "model files": model_files,
    "hardly a model": own_source,
    "no framework": no_framework,
}
FILES_CHANGED = 5
"""Files of the large tree that are changed one after the other: how many others rest on a file differs widely."""

ALL = ("flake8", "ruff", "pylint", "torchfix", "headlint", "headlint, cache")


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        table = Table(Tools(arguments.peers or work / "peers"), arguments.runs, arguments.processors, work)
        given = dict(pair.split("=", 1) for pair in arguments.tree)
        rows = arguments.rows or [*TREES, *(["transformers"] if arguments.transformers else [])]
        for title, make in TREES.items():
            if title in rows:
                standard_row(table, title, Path(given[title]).resolve() if title in given else make(work))
        if "transformers" in rows and arguments.transformers:
            transformers_rows(table, arguments.transformers.resolve())
        if arguments.many:
            many_packages(table, arguments.many.resolve())
        table.finish()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tree", action="append", default=[], metavar="NAME=FOLDER", help=f"one of {', '.join(TREES)}")
    parser.add_argument("--rows", action="append", metavar="NAME", help="only these")
    parser.add_argument("--transformers", type=Path, metavar="FOLDER", help="the unpacked source of transformers")
    parser.add_argument("--many", type=Path, metavar="FOLDER", help="packages to check one after the other")
    parser.add_argument("--peers", type=Path, metavar="FOLDER", help="where the environments of the peers are kept")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--processors", action="store_true", help="show the processors' seconds too")
    return parser.parse_args()


def standard_row(table: Table, title: str, tree: Path) -> None:
    """A tree under every tool, and under flake8 with headlint installed where that has a goal."""
    plugin = title in ("model files", "no framework")
    costs = table.row(title, tree, (*ALL, "flake8 + headlint") if plugin else ALL)
    table.judge(title, costs)
    if title == "one script":
        table.judge("one script, cache", costs, "headlint, cache")
    if plugin:
        table.judge(f"flake8 + headlint, {title}", costs, "flake8 + headlint")


def transformers_rows(table: Table, tree: Path) -> None:
    """The large tree: once each, with one and two processes, and after a run that filled the cache with single files changed."""
    costs = table.row("transformers", tree, ("flake8", "ruff", "headlint 1", "headlint 2"), runs=1)
    table.judge("transformers", costs, "headlint 2")
    one, two = costs["headlint 1"], costs["headlint 2"]
    faster = one.seconds / two.seconds
    table.goals.append(f"{'two processes beside one':32} {faster:6.2f} × as fast, goal 1.70 {_verdict(faster >= 1.7)}")
    held = max(one.memory, two.memory)
    table.goals.append(f"{'memory of a process':32} {held:6.0f} MB, goal 400 {_verdict(held <= 400)}")
    copy = Path(shutil.copytree(tree, table.work / "changed", ignore=shutil.ignore_patterns("__pycache__")))
    table.row("filling the cache", copy, ("headlint, cache",), runs=1)
    table.row("nothing changed", copy, ("headlint, cache",), runs=1)
    models = sorted(copy.rglob("modeling_*.py"))
    seconds: list[float] = []
    for changed in models[:: max(1, len(models) // FILES_CHANGED)][:FILES_CHANGED]:
        changed.write_text(changed.read_text(encoding="utf-8") + "\nCHANGED = True\n", encoding="utf-8")
        seconds.append(table.row(changed.stem, copy, ("headlint, cache",), runs=1)["headlint, cache"].seconds)
    middle, most = statistics.median(seconds), max(seconds)
    verdict = _verdict(middle <= 1)
    table.goals.append(f"{'one file changed':32} {middle:6.2f} s, {most:.2f} s at most, goal 1.00 {verdict}")


MANY = """
import resource, sys, time
from pathlib import Path
import headlint
from headlint.settings import Settings
for folder in sorted(Path(sys.argv[1]).iterdir()):
    if folder.is_dir():
        size = sum(file.stat().st_size for file in folder.rglob("*.py")) / 1e6
        begun = time.process_time()
        report = headlint.check_paths([folder], Settings(root=folder, cache=False, jobs=1))
        taken = time.process_time() - begun
        now = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmRSS:"))
        speed, held = taken / max(size, 0.1), int(now) / 1024
        print(f"{folder.name:30} {size:7.1f} MB {taken:7.1f} s {speed:6.2f} s/MB {held:6.0f} MB held", flush=True)
"""


def many_packages(table: Table, folder: Path) -> None:
    """Packages one after the other in one process: neither memory nor the time for a megabyte may grow."""
    subprocess.run([table.tools.python("headlint"), "-c", MANY, str(folder)], check=True)


if __name__ == "__main__":
    main()
