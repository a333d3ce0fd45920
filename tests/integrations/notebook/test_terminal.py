"""The extension in IPython as people use it in a terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_findings_are_plain_text(tmp_path: Path) -> None:
    cells = [
        "%load_ext headlint",
        "import torch",
        "loss = torch.nn.CrossEntropyLoss()",
        "last = torch.nn.Linear(20, 10)",
        "value = loss(torch.softmax(last(torch.randn(4, 20)), dim=1), torch.tensor([0, 1, 2, 3]))",
        "%headlint explain HL101",
    ]
    command = [
        sys.executable,
        "-m",
        "IPython",
        "--simple-prompt",
        "--no-banner",
        "--no-confirm-exit",
        "--colors=nocolor",
    ]
    outcome = subprocess.run(
        command, input="\n".join(cells) + "\n", capture_output=True, text=True, cwd=tmp_path, timeout=120,
        env={**os.environ, "IPYTHONDIR": str(tmp_path / "ipython")},
    )  # fmt: skip
    assert outcome.stdout.count("error HL101") == 1
    assert "notebook:cell 5:1:" in outcome.stdout
    assert "<details" not in outcome.stdout
    assert "## Why is this bad" in outcome.stdout
