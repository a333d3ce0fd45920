"""What a program writes down as its settings, read without running it."""

from __future__ import annotations

from pathlib import Path

import pytest

from headlint.runtime.worker.program.guessing import GuessedConfiguration
from headlint.runtime.worker.program.settings import Current, Settings, of_yaml

MODEL = """
class Net:
    def __init__(self, config):
        self.size = config.hidden_size + config.encoder.depth
        self.lost = config.unheard_of
"""

PARSER = """
parser.add_argument("--hidden-size", default=48, type=int)
parser.add_argument("--windows", default="[4, 4, 2]", type=str)
parser.add_argument("--use_gate", action="store_true")
parser.add_argument("--device", default="cuda")
"""

CLASS = """
class TrainConfig:
    width = 4 * 16
    def __init__(self, steps=9):
        self.rate = 0.25
"""

YAML = """
# the encoder
encoder:
  depth: 3   # layers
  name: small
sizes:
  - 8
  - 16
flag: no
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The settings of a program of four files."""
    files = {"net.py": MODEL, "main.py": PARSER, "config.py": CLASS, "small.yaml": YAML}
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return Settings(tmp_path, tmp_path / "net.py")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("hidden_size", 48),
        ("windows", [4, 4, 2]),
        ("use_gate", False),
        ("width", 64),
        ("steps", 9),
        ("rate", 0.25),
        ("encoder.depth", 3),
        ("depth", 3),
        ("sizes", [8, 16]),
        ("flag", False),
        ("device", None),
        ("unheard_of", None),
    ],
)
def test_a_setting_is_found_where_the_program_writes_it(settings: Settings, key: str, value: object) -> None:
    assert settings.find(tuple(key.split("."))) == value


def test_the_file_of_which_the_model_mentions_the_most_decides(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(MODEL, encoding="utf-8")
    (tmp_path / "a.yaml").write_text("hidden_size: 5\n", encoding="utf-8")
    (tmp_path / "b.yaml").write_text("hidden_size: 6\nencoder:\n  depth: 2\n", encoding="utf-8")
    assert Settings(tmp_path, tmp_path / "net.py").find(("hidden_size",)) == 6


def test_a_guessed_configuration_asks_the_settings_first(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Current, "settings", settings)
    options = GuessedConfiguration()
    assert (options.hidden_size, options.encoder.depth, options["sizes"]) == (48, 3, [8, 16])
    assert options.num_classes == 7  # a guess by its name


def test_yaml_that_is_more_than_mappings_is_left_out() -> None:
    assert of_yaml("a: 1\n- {b: 2}\nc: [1, 2]\nd: 'x'\n") == {"a": 1, "c": [1, 2], "d": "x"}
