"""A real editor path of the flake8 plugin: python-lsp-server runs flake8, and its client sees what headlint found."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from pylsp_jsonrpc.endpoint import Endpoint
from pylsp_jsonrpc.streams import JsonRpcStreamReader, JsonRpcStreamWriter

REPOSITORY = Path(__file__).parents[2]
TEXT = """import torch.nn as nn

model = nn.Sequential(nn.Linear(4, 3), nn.Softmax(dim=1))
criterion = nn.CrossEntropyLoss()


def step(x, y):
    return criterion(model(x), y)
"""
SETTINGS = {"pylsp": {"plugins": {"flake8": {"enabled": True}, "pycodestyle": {"enabled": False}}}}


def test_python_lsp_server_shows_a_finding(tmp_path: Path) -> None:
    found: Future[dict[str, Any]] = Future()

    def published(parameters: dict[str, Any]) -> None:
        ours = [one for one in parameters["diagnostics"] if str(one.get("code", "")).startswith("HL")]
        if ours and not found.done():
            found.set_result(ours[0])

    # pylsp starts flake8 as a program of its own, which must be the one beside this interpreter.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen(
        [sys.executable, "-m", "pylsp"], env=environment, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as server:
        client = Endpoint(
            {"textDocument/publishDiagnostics": published}, JsonRpcStreamWriter(server.stdin).write, max_workers=1
        )
        reader = JsonRpcStreamReader(server.stdout)
        threading.Thread(target=reader.listen, args=(client.consume,), daemon=True).start()
        (tmp_path / "net.py").write_text(TEXT)
        document = {"uri": (tmp_path / "net.py").as_uri(), "languageId": "python", "version": 1, "text": TEXT}
        folder = {"processId": os.getpid(), "rootUri": tmp_path.as_uri(), "capabilities": {}}
        client.request("initialize", folder).result(timeout=120)
        client.notify("initialized", {})
        client.notify("workspace/didChangeConfiguration", {"settings": SETTINGS})
        client.notify("textDocument/didOpen", {"textDocument": document})
        diagnostic = found.result(timeout=120)
        client.request("shutdown").result(timeout=120)
        client.notify("exit")
        client.shutdown()
    assert diagnostic["code"] == "HL101"
    assert diagnostic["source"] == "flake8"
    assert diagnostic["range"]["start"] == {"line": 7, "character": 11}
    assert diagnostic["message"].startswith("HL101 softmax-before-cross-entropy: CrossEntropyLoss applies softmax")
