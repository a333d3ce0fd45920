"""Models that do what they must not end as UNKNOWN with the reason, and the next one is measured as if nothing had been.

Each program in ``fixtures/runtime/hostile`` says in ``# ends: …`` how it must end: ``measured``, or a reason; several
where it depends on what the system lets a process deny to itself.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostility import HOSTILE, Traces, contents, eventually, needs_torch, project, traces

from headlint.runtime import client
from headlint.runtime.client import Client, Options
from headlint.runtime.confirm import Confirmation, Workers, confirm_path
from headlint.runtime.measurement import Failure, Measurement, outcome_of
from headlint.runtime.options import Wanted
from headlint.settings import Settings

pytestmark = [
    needs_torch,
    pytest.mark.skipif(sys.platform != "linux", reason="what a process may deny to itself is known for Linux"),
]

ENDS = re.compile(r"^# ends: (.+)$", re.MULTILINE)

HANGS = frozenset({"busy_loop", "sleeps", "hangs_in_c", "ignores_signals", "stops_parent"})

NEEDS = {
    "kills_all": "signals",
    "stops_parent": "signals",
    "deletes_folders": "files",
    "writes_outside": "files",
    "network": "network",
}
"""Guards without which a program would do harm, or what it does cannot be held back."""


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traces]:
    with pytest.MonkeyPatch.context() as patch, traces(tmp_path_factory.mktemp("traces") / "temporary", patch) as found:
        yield found


@pytest.fixture(scope="module")
def workers(left: Traces) -> Iterator[dict[bool, Client]]:
    """A worker with little time, for models that hang, and one with much."""
    common = {"python": Path(sys.executable), "framework": "torch", "memory": 600 * 1024**2}
    with Client(Options(time=2.0, **common)) as hasty, Client(Options(time=60.0, **common)) as patient:
        yield {True: hasty, False: patient}
    assert left.gone(), (left.processes(), left.folders())


def asked(worker: Client, program: Path) -> Measurement | Failure:
    return outcome_of(worker.measure({"path": str(program), "root": str(program.parent), "name": "Net", "draws": 3}))


@pytest.fixture(scope="module")
def undisturbed(workers: dict[bool, Client], tmp_path_factory: pytest.TempPathFactory) -> Measurement:
    """What is measured on the good model before anything has happened."""
    folder = project(tmp_path_factory.mktemp("first") / "project")
    measured = asked(workers[False], folder / "good.py")
    assert isinstance(measured, Measurement), measured
    return measured


def programs() -> list[Path]:
    return sorted(HOSTILE.glob("*.py"))


@pytest.mark.parametrize("program", programs(), ids=lambda program: program.stem)
def test_the_next_model_is_measured_as_if_nothing_had_been(
    program: Path, workers: dict[bool, Client], undisturbed: Measurement, left: Traces, tmp_path: Path
) -> None:
    guard = NEEDS.get(program.stem)
    if guard is not None and guard not in undisturbed.basis.guards:
        pytest.skip(f"this system lacks the guard that is tested: {guard}")
    worker = workers[program.stem in HANGS]
    folder = project(tmp_path / "project", program.name)
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(server.getsockname())
        for listener in (server, ear):
            listener.setblocking(False)
        (folder / "port.txt").write_text(str(server.getsockname()[1]), encoding="utf-8")
        before = contents(folder)
        outcome = asked(worker, folder / program.name)
        assert contents(folder) == before
        with pytest.raises(BlockingIOError):
            server.accept()
        with pytest.raises(BlockingIOError):
            ear.recv(10)
    wanted = ENDS.findall(program.read_text(encoding="utf-8"))[0].split(", ")
    assert (outcome.reason if isinstance(outcome, Failure) else "measured") in wanted, outcome
    after = asked(workers[False], folder / "good.py")
    assert isinstance(after, Measurement), after
    assert after.outputs == undisturbed.outputs
    assert after.layers == undisturbed.layers
    for name in ("headlint_hostile_was_here",):
        assert not [place for place in (Path.home(), Path("/tmp"), Path("/dev/shm")) if (place / name).exists()]


def test_every_way_to_end_is_tested() -> None:
    ways = {way for program in programs() for way in ENDS.findall(program.read_text(encoding="utf-8"))[0].split(", ")}
    assert ways >= {"measured", "time", "memory", "processes", "printed", "exit", "crash", "channel", "constructor"}


def test_what_was_printed_is_kept_for_the_report(workers: dict[bool, Client], tmp_path: Path) -> None:
    folder = project(tmp_path / "project", "prints_and_fails.py")
    outcome = asked(workers[False], folder / "prints_and_fails.py")
    assert isinstance(outcome, Failure)
    assert outcome.detail == "ValueError: no settings"
    assert set(outcome.printed.splitlines()) >= {
        "reading the settings", "the settings are empty", "straight to the descriptor"
    }  # fmt: skip


def test_a_model_that_hangs_says_how_long_it_was_waited_for(workers: dict[bool, Client], tmp_path: Path) -> None:
    folder = project(tmp_path / "project", "busy_loop.py")
    assert asked(workers[True], folder / "busy_loop.py") == Failure("time", "it ran longer than 2 s", "")


def test_a_worker_that_was_stopped_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = project(tmp_path / "project")
    with (
        traces(tmp_path / "temporary", monkeypatch) as left,
        Client(Options(Path(sys.executable), "torch", time=30.0)) as worker,
    ):
        assert isinstance(asked(worker, folder / "good.py"), Measurement)
        assert left.processes() == [worker.process_id]
        os.kill(worker.process_id, signal.SIGSTOP)
        with monkeypatch.context() as patch:
            patch.setattr(client, "ANSWER_SECONDS", -28.0)
            outcome = asked(worker, folder / "good.py")
        assert isinstance(outcome, Failure)
        assert outcome.reason == "crash"
        assert isinstance(asked(worker, folder / "good.py"), Measurement)


def test_a_model_that_uses_up_its_time_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = project(tmp_path / "project", "fork_bomb.py")
    before = contents(folder)
    wanted = Wanted(seconds=30.0)
    with traces(tmp_path / "temporary", monkeypatch) as left:
        with Workers(wanted) as started:
            (bomb,) = confirm_path(folder / "fork_bomb.py", "Net", Settings(root=folder), wanted, started)
            assert isinstance(bomb, Confirmation)
            assert bomb.failure is not None
            assert eventually(lambda: len(left.processes()) == 1), "the worker alone is left"
        assert left.gone(), (left.processes(), left.folders())
    assert contents(folder) == before
