"""How a server starts, fails, and ends."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from editor import BAD, PATIENCE, SOFTMAX, Start, range_of
from lsprotocol import types
from pygls.exceptions import JsonRpcRequestCancelled

from headlint.integrations.language_server import process
from headlint.integrations.language_server.analyst import Analyst
from headlint.integrations.language_server.process import AnalystProcess
from headlint.integrations.language_server.requests import Check, Checked, Failed
from headlint.settings import Settings

REPOSITORY = Path(__file__).parents[3]


def children_of(process: int) -> set[int]:
    """The processes that a process has started."""
    listed = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [line.split() for line in listed.splitlines()]
    return {int(pid) for pid, parent in pairs if int(parent) == process}


def is_gone(process: int) -> bool:
    """Whether a process ends within some time."""
    for _ in range(int(PATIENCE * 10)):
        try:
            os.kill(process, 0)
            status = Path(f"/proc/{process}/stat")
            if status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.1)
    return False


@pytest.mark.asyncio
async def test_shutdown_and_exit_leave_no_process(start: Start) -> None:
    editor = await start()
    editor.open("net.py", BAD)
    await editor.codes("net.py")
    analysts = children_of(editor.process.pid)
    assert analysts
    await editor.client.shutdown_async(None)
    editor.client.exit(None)
    assert await asyncio.wait_for(editor.process.wait(), PATIENCE) == 0
    assert all(is_gone(analyst) for analyst in analysts)


@pytest.mark.asyncio
@pytest.mark.parametrize("end", ["input closed", "killed"])
async def test_a_client_that_goes_leaves_no_process(start: Start, end: str) -> None:
    editor = await start()
    editor.open("net.py", BAD)
    await editor.codes("net.py")
    analysts = children_of(editor.process.pid)
    if end == "killed":
        editor.process.kill()
    else:
        editor.process.stdin.close()
    assert await asyncio.wait_for(editor.process.wait(), PATIENCE) != 0
    assert all(is_gone(analyst) for analyst in analysts)


@pytest.mark.asyncio
async def test_the_server_survives_its_analyst(start: Start) -> None:
    editor = await start()
    editor.open("net.py", BAD)
    await editor.codes("net.py")
    for analyst in children_of(editor.process.pid):
        os.kill(analyst, 9)
    editor.type("net.py", SOFTMAX, "")
    version = editor.type("net.py", "3)", "3) ")
    await asyncio.sleep(0.5)
    version = editor.type("net.py", "3) ", "3)  ")
    assert await editor.codes("net.py", version) == []


def test_help() -> None:
    outcome = subprocess.run(
        [sys.executable, "-m", "headlint", "server", "--help"], capture_output=True, text=True, cwd=REPOSITORY
    )
    assert outcome.returncode == 0
    assert "--stdio" in outcome.stdout


def test_without_pygls_one_line_says_what_to_install(tmp_path: Path) -> None:
    program = "import sys; sys.modules['pygls'] = None; from headlint.cli.main import main; sys.exit(main(['server']))"
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    outcome = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, env=environment, check=False
    )
    assert outcome.returncode == 2
    assert outcome.stderr == "headlint: the server needs pygls: install it with `pip install 'headlint[lsp]'`\n"


@pytest.mark.asyncio
async def test_a_request_that_is_called_off_leaves_the_server_in_order(start: Start) -> None:
    editor = await start()
    editor.open("net.py", BAD)
    document = types.TextDocumentIdentifier(editor.uri("net.py"))
    parameters = types.CodeActionParams(document, range_of(BAD, BAD), types.CodeActionContext(diagnostics=[]))
    called_off = 0
    for number in range(5):
        asked = editor.client.protocol.send_request_async(
            types.TEXT_DOCUMENT_CODE_ACTION, parameters, f"asked {number}"
        )
        answer = asyncio.ensure_future(asked)
        await asyncio.sleep(0)
        editor.client.protocol.notify(types.CANCEL_REQUEST, types.CancelParams(f"asked {number}"))
        try:
            await asyncio.wait_for(answer, PATIENCE)
        except JsonRpcRequestCancelled:
            called_off += 1
    assert called_off
    assert await editor.actions("net.py", range_of(BAD, "criterion(net"))
    version = editor.type("net.py", SOFTMAX, "")
    assert await editor.codes("net.py", version) == []


@pytest.mark.asyncio
async def test_a_check_that_takes_too_long_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    analyst = AnalystProcess()
    request = Check(tmp_path / "net.py", Settings(root=tmp_path, jobs=1), {tmp_path / "net.py": BAD})
    with monkeypatch.context() as patch:
        patch.setattr(process, "LONGEST", 0.01)
        answer = await analyst.ask(request)
        assert isinstance(answer, Failed)
        assert "given up" in str(answer)
    answer = await analyst.ask(request)
    assert isinstance(answer, Checked)
    assert [finding.code for finding in answer.report] == ["HL101"]
    await analyst.close()


def test_an_error_of_headlint_itself_is_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "net.py"
    request = Check(path, Settings(root=tmp_path, jobs=1), {path: BAD})
    analyst = Analyst()
    with monkeypatch.context() as patch:
        patch.setattr("headlint.integrations.language_server.analyst.check_edited", lambda *_: 1 / 0)
        answer = analyst.answer(request)
    assert isinstance(answer, Failed)
    assert str(answer).startswith("internal error: ZeroDivisionError")
    assert isinstance(analyst.answer(request), Checked)
