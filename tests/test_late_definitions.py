"""What imported modules define waits until something asks for it: nothing is found otherwise than when nothing waits."""

from __future__ import annotations

from pathlib import Path

import pytest

import headlint
from headlint.findings.finding import Report
from headlint.flow import roots
from headlint.flow.interpreter import interpreter
from headlint.flow.machine import importing
from headlint.flow.machine.machine import Machine
from headlint.flow.values.facts import LayerApplied
from headlint.flow.values.python_values import Constant, Value
from headlint.loading.loader import ProjectLoader
from headlint.settings import Settings
from headlint.source.project import Project

FIXTURES = Path(__file__).parents[1] / "fixtures"
FOLDERS = sorted({path.parent for path in FIXTURES.rglob("__init__.py")} | {FIXTURES / "questions"})


def machine_after(folder: Path, main: str, **texts: str) -> Machine:
    """What the interpreter knows after ``main``; other texts are those of modules beside it."""
    for name, text in {"main": main, **texts}.items():
        (folder / f"{name}.py").write_text(text)
    loader = ProjectLoader(Project(folder), cache=False)
    machine = interpreter(loader)
    unit = loader.load(folder / "main.py")
    assert unit is not None
    unit.main = True
    machine.units[folder / "main.py"] = unit
    roots.run(machine, unit)
    return machine


def variable(machine: Machine, folder: Path, name: str) -> Value | None:
    unit = machine.units[folder / "main.py"]
    assert unit is not None
    return machine.read(unit.scope, name)


def defined_in(machine: Machine, file: Path) -> set[str]:
    """The names of a module's definitions that something asked for."""
    unit = machine.units[file]
    assert unit is not None
    return {late.name for late in unit.defined}


def test_only_what_is_asked_for_is_defined(tmp_path: Path) -> None:
    other = "def one(): return two()\ndef two(): return 2\nclass Three: pass\nfour = Three()\n"
    machine = machine_after(tmp_path, "from other import one\nx = one()\n", other=other)
    assert variable(machine, tmp_path, "x") == Constant(2)
    assert defined_in(machine, tmp_path / "other.py") == {"one", "two"}


def test_a_star_and_a_module_give_what_waits(tmp_path: Path) -> None:
    other = "def one(): return 1\ndef two(): return 2\n"
    machine = machine_after(tmp_path, "from other import *\nimport other\nx = one()\ny = other.two()\n", other=other)
    assert variable(machine, tmp_path, "x") == Constant(1)
    assert variable(machine, tmp_path, "y") == Constant(2)


def test_the_last_of_two_definitions_counts(tmp_path: Path) -> None:
    other = "def one(): return 1\nfirst = one()\ndef one(): return 2\nsecond = one()\none = lambda: 3\n"
    main = "from other import first, second, one\nx = first\ny = second\nz = one()\n"
    machine = machine_after(tmp_path, main, other=other)
    assert [variable(machine, tmp_path, name) for name in "xyz"] == [Constant(1), Constant(2), Constant(3)]


@pytest.mark.parametrize(
    ("change", "expected"),
    [("sizes[0] = 5", 1), ("sizes.append(7)", 1), ("sizes = [9]", 1), ("others[0] = 5", 1), ("", 1)],
)
def test_a_result_does_not_see_what_is_done_later(tmp_path: Path, change: str, expected: int) -> None:
    other = f"def first(items): return items[0]\nsizes = [1]\nothers = [2]\nsize = first(sizes)\n{change}\n"
    machine = machine_after(tmp_path, "from other import size\nx = size\n", other=other)
    assert variable(machine, tmp_path, "x") == Constant(expected)


def test_a_class_that_a_decorator_puts_into_a_table_is_found_there(tmp_path: Path) -> None:
    other = (
        "TABLE = {}\n"
        "def register(cls):\n    TABLE[cls.__name__] = cls\n    return cls\n"
        "@register\nclass One:\n    size = 1\n"
    )
    machine = machine_after(tmp_path, "from other import TABLE\nx = TABLE['One'].size\n", other=other)
    assert variable(machine, tmp_path, "x") == Constant(1)


@pytest.mark.parametrize(
    ("body", "waits"),
    [
        ("setattr(fn, 'marked', True)", True),
        ("fn.marked = True", True),
        ("TABLE['two'] = fn", False),
        ("TABLE.update({'two': fn})", False),
        ("keep(fn)", False),
    ],
)
def test_a_function_waits_unless_its_decorator_may_keep_it(tmp_path: Path, body: str, waits: bool) -> None:
    other = (
        "TABLE = {}\ndef keep(one): TABLE['two'] = one\n"
        f"def mark(fn):\n    {body}\n    return fn\n"
        "@mark\ndef two(): return 2\n"
    )
    main = "from other import TABLE\nx = TABLE['two']()\n"
    machine = machine_after(tmp_path, main, other=other)
    unit = machine.units[tmp_path / "other.py"]
    assert unit is not None
    assert ("two" in {late.name for late in unit.late}) is waits
    assert waits or variable(machine, tmp_path, "x") == Constant(2)


def test_a_cached_function_gives_the_same_thing_for_the_same_arguments(tmp_path: Path) -> None:
    main = (
        "from functools import lru_cache\nclass Thing: pass\n"
        "@lru_cache\ndef cached(name): return Thing()\n"
        "def fresh(name): return Thing()\n"
        "cached('a').size = 1\ncached('b').size = 2\nfresh('a').size = 3\n"
        "x = cached('a').size\ny = cached('b').size\nz = hasattr(fresh('a'), 'size')\n"
    )
    machine = machine_after(tmp_path, main)
    assert [variable(machine, tmp_path, name) for name in "xy"] == [Constant(1), Constant(2)]
    assert variable(machine, tmp_path, "z") != Constant(True)


def test_what_is_computed_when_it_is_asked_for_stands_in_no_block_of_those_who_ask(tmp_path: Path) -> None:
    other = "import torch\nlayer = torch.nn.Linear(3, 4)\ny = layer(torch.rand(2, 3))\n"
    main = "import torch\nimport other\nwith torch.no_grad():\n    for i in range(9):\n        x = other.y\n"
    machine = machine_after(tmp_path, main, other=other)
    applied = [fact for fact in machine.facts if isinstance(fact, LayerApplied)]
    assert [fact.without_gradient for fact in applied] == [False]
    assert machine.rounds == ()
    assert machine.without_gradient == 0


def test_modules_that_import_each_other(tmp_path: Path) -> None:
    one = "import two\nclass Base:\n    size = 1\ndef made(): return two.Derived()\n"
    two = "import one\nclass Derived(one.Base):\n    pass\n"
    machine = machine_after(tmp_path, "import one\nx = one.made().size\n", one=one, two=two)
    assert variable(machine, tmp_path, "x") == Constant(1)


def report_on(folder: Path) -> Report:
    return headlint.check_paths([folder], Settings(root=folder, cache=False))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: "-".join(path.parts[-2:]))
def test_nothing_is_found_otherwise(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    late = report_on(folder)
    monkeypatch.setattr(importing, "late_definition", lambda unit, statement: None)
    at_once = report_on(folder)
    assert late.findings == at_once.findings
    assert late.problems == at_once.problems
