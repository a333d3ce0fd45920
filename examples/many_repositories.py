"""Check many repositories at once, on one machine or on a cluster, with Ray.

    pip install headlint ray
    python examples/many_repositories.py repositories.txt results/ [--address auto] [--processors 2] [--minutes 30]

``repositories.txt`` names a folder or a git URL on each line; ``#`` begins a comment. For each the results folder gets one
JSON file: the findings as ``headlint check --output-format json`` writes them, or what went wrong. A repository whose result
is there is not checked again, so a run that was broken off goes on where it stopped; remove a file to have its repository
checked anew, and give ``--retry`` for those that failed.

A repository is checked in one process, which takes one processor. Its time is limited, and whatever happens to it, to its
worker or to its machine, the others go on. At the end the failures are listed, and the exit status is 1 if there are any.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import ray

MOST_TRIES = 2
"""How often Ray starts a check whose process died."""


@dataclass(frozen=True)
class Repository:
    """A line of the list: a folder, or what git can clone."""

    source: str

    @property
    def result_name(self) -> str:
        """The file name of its result: readable, and different from that of every other source."""
        readable = "".join(letter if letter.isalnum() else "-" for letter in self.source.rstrip("/").split("/")[-1])
        return f"{readable}-{sha256(self.source.encode()).hexdigest()[:10]}.json"

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """Where its files are while it is checked."""
        if Path(self.source).is_dir():
            yield Path(self.source).absolute()
            return
        if "://" not in self.source and not self.source.startswith("git@"):
            raise FileNotFoundError(f"{self.source}: no such folder")
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary) / "repository"
            command = ["git", "clone", "--quiet", "--depth", "1", "--", self.source, str(folder)]
            outcome = subprocess.run(command, capture_output=True, text=True, check=False)
            if outcome.returncode:
                raise OSError(f"git clone: {outcome.stderr.strip() or outcome.returncode}")
            yield folder


def check(source: str) -> dict[str, Any]:
    """What headlint finds in a repository; whatever goes wrong becomes a result too."""
    try:
        with Repository(source).folder() as folder:
            return {"status": "checked", **checked(folder)}
    except Exception as error:
        return {"status": "failed", "error": f"{type(error).__name__}: {error}"}


def checked(folder: Path) -> dict[str, Any]:
    """The report on a folder, as ``--output-format json`` writes it."""
    import headlint
    from headlint.reporting import render
    from headlint.reporting.context import Context

    report = headlint.check_paths([folder], headlint.Settings(root=folder, jobs=1, cache=False))
    return {"files": report.files, "report": json.loads(render("json", report, Context(root=folder)))}


@dataclass
class Run:
    """A run over repositories: as many are checked at a time as there are processors."""

    results: Path
    minutes: float = 30.0
    waiting: deque[Repository] = field(default_factory=deque)
    running: dict[Any, tuple[Repository, float]] = field(default_factory=dict)
    """For each check that was started the repository, and when that was."""

    def check(self, repositories: Sequence[Repository], retry: bool = False) -> list[str]:
        """Check those that have no result yet; a line for each that failed, now or earlier."""
        self.results.mkdir(parents=True, exist_ok=True)
        self.waiting.extend(one for one in repositories if not _is_done(self._file(one), retry))
        remote = ray.remote(num_cpus=1, max_retries=MOST_TRIES - 1)(check)
        at_once = max(1, int(ray.cluster_resources().get("CPU", 1)))
        while self.waiting or self.running:
            while self.waiting and len(self.running) < at_once:
                repository = self.waiting.popleft()
                self.running[remote.remote(repository.source)] = (repository, time.monotonic())
            for reference in ray.wait(list(self.running), timeout=1.0)[0]:
                self._keep(reference, _result_of(reference))
            self._give_up_on_the_late()
        every = [(one.source, json.loads(self._file(one).read_text(encoding="utf-8"))) for one in repositories]
        return [f"{source}: {result['error']}" for source, result in every if result["status"] == "failed"]

    def _give_up_on_the_late(self) -> None:
        for reference, (_, begun) in list(self.running.items()):
            if time.monotonic() - begun > self.minutes * 60:
                ray.cancel(reference, force=True)
                self._keep(reference, {"status": "failed", "error": f"took longer than {self.minutes:g} minutes"})

    def _keep(self, reference: Any, result: dict[str, Any]) -> None:
        """Write a result as a whole or not at all: a run may be broken off at any moment."""
        repository, begun = self.running.pop(reference)
        result = {"repository": repository.source, "seconds": round(time.monotonic() - begun, 3), **result}
        file = self._file(repository)
        temporary = file.with_suffix(".partial")
        temporary.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        os.replace(temporary, file)
        print(f"{repository.source}: {result['status']} ({result['seconds']} s)", flush=True)

    def _file(self, repository: Repository) -> Path:
        return self.results / repository.result_name


def _result_of(reference: Any) -> dict[str, Any]:
    try:
        result: dict[str, Any] = ray.get(reference)
    except ray.exceptions.RayError as error:  # the worker or its machine is gone
        return {"status": "failed", "error": f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"}
    return result


def _is_done(file: Path, retry: bool) -> bool:
    try:
        status = json.loads(file.read_text(encoding="utf-8"))["status"]
    except (OSError, ValueError, KeyError):
        return False
    return status == "checked" or not retry


def read_list(file: Path) -> list[Repository]:
    """The repositories that a list names, each once."""
    lines = (line.split("#", 1)[0].strip() for line in file.read_text(encoding="utf-8").splitlines())
    return list(dict.fromkeys(Repository(line) for line in lines if line))


def main() -> int:
    """Check the repositories of a list; 1 if any of them failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("list", type=Path, help="a file with a folder or a git URL on each line")
    parser.add_argument("results", type=Path, help="the folder that the results go to")
    parser.add_argument("--address", help="of a cluster that runs; without it Ray is started on this machine")
    parser.add_argument("--processors", type=int, help="on this machine (all)")
    parser.add_argument("--minutes", type=float, default=30.0, help="after which a repository is given up (30)")
    parser.add_argument("--retry", action="store_true", help="check those again that failed")
    arguments = parser.parse_args()
    ray.init(
        address=arguments.address,
        num_cpus=None if arguments.address else arguments.processors,
        include_dashboard=False,
        log_to_driver=False,
    )
    failures = Run(arguments.results, arguments.minutes).check(read_list(arguments.list), arguments.retry)
    ray.shutdown()
    for failure in failures:
        print(f"failed: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
