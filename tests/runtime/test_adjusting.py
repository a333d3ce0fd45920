"""Other arguments for a function that raised. No framework."""

from __future__ import annotations

import ast
import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

from headlint.runtime.worker.program.absent import Absent
from headlint.runtime.worker.program.adjusting import adjusted
from headlint.runtime.worker.program.arguments import Arguments, guess_written
from headlint.runtime.worker.program.conditions import sizes_compared
from headlint.runtime.worker.program.guessing import VOCABULARY, guess
from headlint.runtime.worker.program.loading import Program, Slice
from headlint.runtime.worker.program.locating import definition
from headlint.runtime.worker.program.old_libraries import accept_old_yaml
from headlint.runtime.worker.program.old_python import Older
from headlint.runtime.worker.program.owners import class_makers
from headlint.runtime.worker.program.parameters import block_class
from headlint.runtime.worker.program.sources import parse
from headlint.runtime.worker.program.standins import GUESSED
from headlint.runtime.worker.program.uses import is_called, is_table, reads_last, word_compared, words_compared

PROGRAM = """
import collections

class Module: pass

class ThinBlock(Module):
    def forward(self, x): ...

class WideBlock(Module):
    def forward(self, x): ...

def from_options(**options):
    return options["hidden_dim"]

def by_default(**options):
    return int(options.get("steps", 2)) + int(options.get("hidden_dim"))

def of_wide(block):
    if block is not WideBlock:
        raise TypeError("too thin")

def paired(names, sizes):
    if len(names) != len(sizes):
        raise ValueError("names and sizes must have the same length")

def side_by_side(sizes, counts):
    return [size * count for size, count in zip(sizes, counts)]

def last_two(states, both_ways=False, deep=True):
    return states[-2]

def halves(width):
    half = width / 2
    half /= 2
    return half

def embedded(vocab):
    return len(vocab), vocab["word"], vocab.vectors

def windowed(shape):
    raise ValueError("Computed output size would be zero or negative")

def vocabulary():
    with open("words.txt") as lines:
        return {line.strip(): number for number, line in enumerate(lines)}

def opened(name):
    return open(name).read()

def fitting(rows, width):
    assert rows[0] == width and len(rows) == 2, "too wide"

def searched():
    return [{{choice([256, 512])}}, {{uniform(0, 1)}}, {1, 2}]

most = []
vocab_size = int(float("nan"))
longest = max(most)

def chosen(kind, options):
    if "deep" in kind.lower():
        return 2
    return 1 if "wide" in options.mode else options.shape[-1]

class Speaker:
    def __init__(self, voice, hidden):
        self.voice = voice
        self.hidden = hidden * 2

    def forward(self, x):
        return self.hidden(self.voice(x))

    @classmethod
    def from_name(cls, name):
        return cls(name, 3)

    @classmethod
    def known(cls):
        return ["small"]

def old(table):
    return [key for key, _ in table.iteritems()] + [one for one in xrange(2)] + list(unicode("z"))
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Slice:
    """A program, loaded."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    path = tmp_path / "program.py"
    path.write_text(PROGRAM, encoding="utf-8")
    return Program(tmp_path, path).load()


def others(module: Slice, name: str, arguments: Arguments, parameters: list[str], **switches: bool) -> list[Arguments]:
    """What is tried after the call has raised."""
    function = module.namespace[name]
    with pytest.raises(Exception) as raised:  # noqa: PT011 whatever the program raises
        function(*arguments.positional, **arguments.keywords)
    return [one for one, _ in adjusted(arguments, parameters, raised.value, usual=False, switches=switches)]


def test_a_word_that_is_looked_for_in_a_guess_is_what_it_holds(module: Slice) -> None:
    chosen = module.namespace["chosen"]
    assert word_compared(chosen, "kind") == "deep"
    assert words_compared(chosen) == {"mode": "wide"}
    assert reads_last(module.namespace["last_two"], "width") is False


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Parameter(torch.FloatTensor(rows, width))", False),
        ("Parameter(torch.FloatTensor(rows))", True),
        ("Parameter(torch.tensor(rows, torch.float32), False)", True),
    ],
)
def test_sizes_of_weights_are_no_weights(value: str, expected: bool) -> None:
    assert is_table(ast.parse(f"self.weight = {value}"), "rows") is expected


def test_a_key_that_a_function_looks_up_in_its_rest_is_guessed(module: Slice) -> None:
    tried = others(module, "from_options", Arguments((), {}, "guess"), [])
    assert [one.keywords for one in tried] == [{"hidden_dim": 32}]
    tried = others(module, "by_default", Arguments((), {}, "guess"), [])
    assert [one.keywords for one in tried] == [{"hidden_dim": 32}]


def test_another_class_of_the_file_takes_the_place_of_a_guessed_one(module: Slice) -> None:
    namespace = module.namespace
    thin = namespace["ThinBlock"]
    tried = others(module, "of_wide", Arguments((thin,), {}, "guess", ("block=ThinBlock",)), ["block"])
    assert [one.positional[0].__name__ for one in tried] == ["WideBlock"]


def test_a_class_that_is_called_a_block_is_one(module: Slice) -> None:
    assert block_class(module).__name__ == "ThinBlock"


def test_what_must_be_of_one_length_is_changed_together(module: Slice) -> None:
    guessed = Arguments(([8, 8, 8], [32]), {}, "guess", ("names=[8, 8, 8]", "sizes=[32]"))
    assert others(module, "paired", guessed, ["names", "sizes"])[0].positional == ([8, 8], [32, 32])


def test_numbers_that_are_gone_through_side_by_side_become_lists_together(module: Slice) -> None:
    guessed = Arguments((32, 7), {}, "guess", ("sizes=32", "counts=7"))
    assert others(module, "side_by_side", guessed, ["sizes", "counts"])[0].positional == ([32, 32], [7, 7])


def test_an_argument_that_cannot_be_evaluated_is_what_the_settings_say_of_it(module: Slice) -> None:
    (Path(module.namespace.filename).parent / "train.yaml").write_text("encoder:\n  sizes: [2, 3]\n", encoding="utf-8")
    written = [ast.parse(text, mode="eval").body for text in ('options["encoder"]["sizes"]', "sizes", "self.sizes")]
    assert [guess_written(one, "width") for one in written] == [[2, 3], [2, 3], 32]


def test_a_switch_that_nobody_turned_is_turned_where_an_index_is_out_of_range(module: Slice) -> None:
    tried = others(module, "last_two", Arguments(([1],), {}, "defaults"), ["states"], both_ways=False, deep=True)
    assert [one.keywords for one in tried] == [{"both_ways": True}, {"deep": False}]
    assert tried[0].assumed == ("both_ways=True",)


def test_quotients_of_python_2_are_whole(module: Slice, monkeypatch: pytest.MonkeyPatch) -> None:
    assert module.namespace["halves"](7) == 1.75
    monkeypatch.setattr(Older, "divides_whole", True)
    path = Path(module.namespace.filename)
    again = Program(path.parent, path).load()
    assert again.namespace["halves"](7) == 1
    assert again.namespace["halves"](7.0) == 1.75


def test_a_file_that_is_not_there_has_no_lines_where_that_is_allowed(
    module: Slice, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FileNotFoundError):
        module.namespace["vocabulary"]()
    monkeypatch.setattr(Absent, "read_as_empty", True)
    before = len(GUESSED)
    assert module.namespace["vocabulary"]() == {}
    assert GUESSED[before:] == ["no lines in words.txt"]
    del GUESSED[before:]


def test_a_number_that_stands_for_the_name_of_a_file_is_no_open_one(module: Slice) -> None:
    with pytest.raises(FileNotFoundError):
        module.namespace["opened"](0)


def test_settings_that_a_module_takes_from_a_file_are_those_of_the_program(
    module: Slice, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(module.namespace.filename).parent
    (folder / "config.py").write_text("depth = 2\n\ndef fill(found):\n    globals().update(found)\n", encoding="utf-8")
    (folder / "usual.yml").write_text("width: 48\n", encoding="utf-8")
    monkeypatch.delitem(sys.modules, "config", raising=False)
    before = len(GUESSED)
    config = importlib.import_module("config")
    assert (config.depth, config.width) == (2, 48)
    assert GUESSED[before:] == ["width=48"]
    del GUESSED[before:]
    monkeypatch.delitem(sys.modules, "config")


def test_the_numbers_that_an_assertion_compares_are_read(module: Slice) -> None:
    fitting = module.namespace["fitting"]
    with pytest.raises(AssertionError) as raised:
        fitting((4, 5), 7)
    assert list(sizes_compared(raised.value)) == [(4, 7)]


def test_a_search_template_gives_its_first_choice(module: Slice) -> None:
    assert module.namespace["searched"]() == [256, 0, {1, 2}]


def test_a_count_of_what_was_not_loaded_is_guessed(module: Slice) -> None:
    before = len(GUESSED)
    assert module.namespace["vocab_size"] == VOCABULARY
    assert GUESSED[before:] == [f"vocab_size={VOCABULARY}"]
    del GUESSED[before:]
    with pytest.raises(ValueError, match="empty"):
        module.namespace["longest"]


def test_what_a_class_keeps_and_calls_is_a_layer(module: Slice) -> None:
    speaker = module.namespace["Speaker"]
    assert is_called(speaker, "voice")
    assert not is_called(speaker, "hidden")


def test_the_class_methods_that_make_a_model_are_found(module: Slice) -> None:
    speaker = definition(parse(Path(module.namespace.filename)).body, "Speaker")
    assert speaker is not None
    assert class_makers(speaker) == ["from_name"]


def test_names_of_python_2_do_their_work(module: Slice) -> None:
    assert module.namespace["old"]({"a": 1}) == ["a", 0, 1, "z"]


def test_words_with_their_numbers_are_given_where_a_number_is_asked_for_its_length(module: Slice) -> None:
    tried = others(module, "embedded", Arguments((101,), {}, "guess", ("vocab=101",)), ["vocab"])
    assert module.namespace["embedded"](tried[0].positional[0]) == (101, 1, None)


def test_an_image_that_is_too_small_is_made_larger(module: Slice) -> None:
    tried = others(module, "windowed", Arguments(((32, 32, 3),), {}, "guess", ("shape=(32, 32, 3)",)), ["shape"])
    assert [one.positional[0] for one in tried] == [(64, 64, 3), (224, 224, 3), (512, 512, 3)]


def test_yaml_is_read_without_a_loader_as_it_once_was(monkeypatch: pytest.MonkeyPatch) -> None:
    yaml = ModuleType("yaml")
    vars(yaml).update(FullLoader="full", load=lambda stream, Loader: (stream, Loader), load_all=list)
    monkeypatch.setitem(sys.modules, "yaml", yaml)
    accept_old_yaml()
    assert yaml.load("text") == ("text", "full")
    assert yaml.load("text", Loader="safe") == ("text", "safe")


def test_a_search_over_hyperparameters_gives_the_first_of_each_choice() -> None:
    hp, trial = guess("hp"), guess("trial")
    assert (hp.Int("units", 16, 64, step=16), hp.Int("units", min_value=8, max_value=9)) == (16, 8)
    assert (hp.Choice("act", ["relu", "tanh"]), hp.Choice("act", values=["tanh"])) == ("relu", "tanh")
    assert (trial.suggest_categorical("width", [32, 64]), trial.suggest_float("rate", 0.1, 0.5, log=True)) == (32, 0.1)
    assert (hp.Boolean("deep"), hp.Boolean("deep", default=True)) == (False, True)
