"""headlint has nothing to say about well-kept packages, but for what is listed here with the reason why it is right."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import headlint
from headlint.settings import Settings

PACKAGES = {
    "skorch==1.4.0": ("skorch",),
    "scikeras==0.13.0": ("scikeras",),
    "segmentation-models-pytorch==0.6.0": ("segmentation_models_pytorch",),
    "pytorch-lightning==2.6.6": ("pytorch_lightning",),
    "timm==1.0.31": ("timm/loss", "timm/layers", "timm/optim", "timm/data", "timm/task"),
    "transformers==5.23.0": (
        *("transformers/loss", "transformers/integrations"),
        *(f"transformers/models/{name}" for name in ("bert", "gpt2", "llama", "vit", "t5", "clip", "detr", "wav2vec2")),
    ),
}
"""Packages with the folders that are looked at: whole, or a part where the whole is thousands of like files."""

RIGHT = {
    (
        "segmentation_models_pytorch/base/modules.py",
        "HL301",
    ): 'whoever asks for "softmax" gets nn.Softmax() without dim',
    (
        "segmentation_models_pytorch/encoders/mix_transformer.py",
        "HL516",
    ): "freeze_patch_emb sets requires_grad of a module, which nobody reads",
    (
        "transformers/loss/loss_lw_detr.py",
        "HL113",
    ): "a binary cross entropy from sigmoid().log(), without a guard for log(0)",
}


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packages")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    subprocess.run([*command, "--dest", str(folder), *PACKAGES], check=True, timeout=600)
    for wheel in folder.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder, [name for name in archive.namelist() if name.endswith(".py")])
    return folder


def test_nothing_is_said_but_what_is_right(sources: Path) -> None:
    paths = [sources / part for parts in PACKAGES.values() for part in parts]
    report = headlint.check_paths(paths, Settings(root=sources, cache=False))
    assert report.problems == ()
    assert report.files > 400
    said = {(Path(finding.place.path).relative_to(sources).as_posix(), finding.code) for finding in report}
    assert said == set(RIGHT)
