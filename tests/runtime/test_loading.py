"""Where a file of a program stands among its packages, and how far a try came. No framework."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import pytest

from headlint.runtime.targets import framework_of
from headlint.runtime.worker.measuring.places import is_further
from headlint.runtime.worker.program.commandline import without_command_line
from headlint.runtime.worker.program.guessing import GuessedConfiguration
from headlint.runtime.worker.program.loading import Program, module_name, package_root
from headlint.runtime.worker.program.records import Record, made_record
from headlint.runtime.worker.program.registrations import Current
from headlint.runtime.worker.program.standins import GUESSED


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("import torch\n", "net"),
        ("from .base import Base\n", "models.net"),
        ("from ..tools import scale\nfrom .base import Base\n", "code.models.net"),
    ],
)
def test_folders_that_relative_imports_go_up_are_packages(tmp_path: Path, text: str, name: str) -> None:
    path = written(tmp_path, "code/models/net.py", text)
    assert module_name(path) == name
    assert (package_root(path).parent / Path(*name.split("."))).with_suffix(".py") == path or name == "net"


def test_a_package_is_one_as_far_as_its_files_say(tmp_path: Path) -> None:
    written(tmp_path, "code/__init__.py", "")
    written(tmp_path, "code/models/__init__.py", "")
    assert module_name(written(tmp_path, "code/models/net.py", "from .base import Base\n")) == "code.models.net"


def test_a_package_is_found_although_the_file_is_called_like_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    written(tmp_path, "parts/__init__.py", "")
    written(tmp_path, "parts/small/__init__.py", "")
    path = written(tmp_path, "parts/small/parts.py", "WIDTH = 3\n")
    try:
        module = Program(tmp_path, path).load()
        assert (module.__name__, module.WIDTH) == ("parts.small.parts", 3)
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "parts"]:
            del sys.modules[name]


REGISTRY = """
parts = {}

def register(name=""):
    def enter(kind):
        parts[name or kind.__name__] = kind
        return kind
    return enter

def build(name):
    if name not in parts:
        raise KeyError(f"{name} is not in the registry of parts")
    return parts[name]()
"""
PARTS = """
from registry import register

@register()
class Head: pass

@register("deep")
class Tail: pass

class Body: pass
"""


@pytest.mark.parametrize("name", ["Head", "deep", "Body"])
def test_what_a_registry_lacks_is_entered_where_the_program_registers_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    written(tmp_path, "registry.py", REGISTRY)
    written(tmp_path, "nets/parts.py", PARTS)
    path = written(tmp_path, "net.py", f"from registry import build\ndef net(): return build({name!r})\n")
    try:
        program = Program(tmp_path, path)
        net = program.load().net
        with pytest.raises(KeyError) as raised:
            net()
        entered = Current.registrations.enter(raised.value)
        assert entered == (name != "Body")
        assert not entered or type(net()).__name__ in ("Head", "Tail")
        assert not Current.registrations.enter(raised.value)
    finally:
        for module in [
            module for module in sys.modules if module in ("registry", "net", "nets.parts", "nets", "parts")
        ]:
            del sys.modules[module]


def test_a_guessed_file_of_options_holds_guesses(tmp_path: Path) -> None:
    with without_command_line(tmp_path / "train.py"):
        assert json.load(GuessedConfiguration())["hidden_size"] == 32  # type: ignore[arg-type]


def test_a_folder_whose_name_is_none_of_python_is_no_package(tmp_path: Path) -> None:
    written(tmp_path, "mlp-vs.cnn/__init__.py", "")
    written(tmp_path, "mlp-vs.cnn/models/__init__.py", "")
    assert module_name(written(tmp_path, "mlp-vs.cnn/net.py", "")) == "net"
    assert module_name(written(tmp_path, "mlp-vs.cnn/models/net.py", "")) == "models.net"


@pytest.mark.parametrize(
    ("lines", "than", "further"),
    [
        ([("a", 3)], [], True),
        ([("a", 4)], [("a", 3)], True),
        ([("a", 2)], [("a", 3)], False),
        ([("a", 3), ("b", 9)], [("a", 3)], True),
        ([("a", 3)], [("a", 3)], False),
        ([("a", 4)], [("a", 3), ("b", 9)], True),
        ([("c", 9)], [("a", 3)], False),
    ],
)
def test_an_error_further_down_the_same_functions(
    lines: list[tuple[str, int]], than: list[tuple[str, int]], further: bool
) -> None:
    assert is_further(lines, than) is further


def test_what_a_command_line_must_give_is_guessed(tmp_path: Path) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--hidden-size", type=int, required=True)
    parser.add_argument("--cell", choices=["lstm", "gru"], required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--epochs", type=int, default=3)
    before = list(GUESSED)
    try:
        with without_command_line(tmp_path / "train.py"):
            options = parser.parse_args()
        assert (options.hidden_size, options.cell, options.data, options.epochs) == (32, "lstm", None, 3)
        assert GUESSED[len(before) :] == ["hidden_size=32", "cell=lstm"]
    finally:
        GUESSED[:] = before


def test_the_framework_of_a_program_that_gets_it_from_elsewhere() -> None:
    assert framework_of("from tools import *\nclass Net(nn.Module): ...\n") == "torch"
    assert framework_of("from tools import *\nmodel = tf.keras.Sequential()\n") == "keras"
    assert framework_of("from tools import *\nclass Net(Module): ...\n") == ""


def test_a_class_that_is_called_like_its_file_is_not_taken_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    monkeypatch.setattr(sys, "modules", {**sys.modules})
    written(tmp_path, "towers/__init__.py", "from towers.Tower import Tower\n")
    written(tmp_path, "towers/Tower.py", "class Tower: pass\n")
    written(tmp_path, "parts/__init__.py", "from . import wheel\nfrom .wheel import *\n")
    written(tmp_path, "parts/wheel.py", "spokes = 9\n")
    written(tmp_path, "elsewhere/high_up.py", "height = 7\n")
    path = written(
        tmp_path,
        "net.py",
        "from towers import Tower\nfrom high_up import height\nmade = Tower()\nfrom parts import spokes\n",
    )
    namespace = Program(tmp_path, path).load().namespace
    assert type(namespace["made"]).__name__ == "Tower"
    assert (namespace["height"], namespace["spokes"]) == (7, 9)


def test_required_fields_of_settings_are_guessed() -> None:
    before = len(GUESSED)

    class Sizes(Record):
        hidden_dim: int
        classes: int = 3

    made = made_record(Sizes)
    assert (made.classes, made.hidden_dim, Sizes(hidden_dim=5).hidden_dim) == (3, 32, 5)
    assert GUESSED[before:] == ["hidden_dim=32"]
    del GUESSED[before:]
