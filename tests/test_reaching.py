"""What is not run because it reaches no library: nothing is found otherwise than when everything is run."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import headlint
from headlint.findings.finding import Report
from headlint.loading.loader import ProjectLoader
from headlint.loading.reaching import Reaching
from headlint.settings import Settings
from headlint.source.outline import Outline, code_of
from headlint.source.project import Project

FIXTURES = Path(__file__).parents[1] / "fixtures"
PACKAGES = ("skorch==1.4.0", "scikeras==0.13.0", "segmentation-models-pytorch==0.6.0")


def report_on(path: Path, root: Path) -> Report:
    return headlint.check_paths([path], Settings(root=root, cache=False, extend_select=("HL1", "HL4", "HL5")))


def both_ways(path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Report, Report]:
    short = report_on(path, root)
    with monkeypatch.context() as patched:
        patched.setattr(Reaching, "names_in", lambda self, file, text=None: None)
        return short, report_on(path, root)


@pytest.mark.parametrize("folder", sorted(path.name for path in FIXTURES.iterdir() if path.is_dir()))
def test_fixtures(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    short, whole = both_ways(FIXTURES / folder, FIXTURES / folder, monkeypatch)
    assert short.findings == whole.findings
    assert short.problems == whole.problems


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packages")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    subprocess.run([*command, "--dest", str(folder), *PACKAGES], check=True, timeout=600)
    for wheel in folder.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder, [name for name in archive.namelist() if name.endswith(".py")])
    return folder


def test_real_packages(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short, whole = both_ways(packages, packages, monkeypatch)
    assert short.findings == whole.findings
    assert short.problems == whole.problems


def names_in(tmp_path: Path, main: str, **texts: str) -> set[str]:
    """The names that reach a library in ``main``; other texts are those of modules beside it, or below ``package``."""
    (tmp_path / "package").mkdir(exist_ok=True)
    for name, text in {"main": main, **texts}.items():
        (tmp_path / f"{name.replace('package_', 'package/')}.py").write_text(text)
    found = Reaching(ProjectLoader(Project(tmp_path), cache=False)).names_in(tmp_path / "main.py")
    assert found is not None
    return set(found)


def test_through_calls_and_files(tmp_path: Path) -> None:
    main = (
        "import nets\nfrom text import shout\n\n\ndef build():\n    return nets.make(3)\n\n\n"
        "def hello():\n    return shout('torch')\n\n\n"
        "def main():\n    build()\n    hello()\n"
    )
    nets = "from torch import nn\n\n\ndef make(units):\n    return nn.Linear(units, units)\n"
    text = "import torch\n\n\ndef shout(word):\n    return word.upper()\n"
    assert names_in(tmp_path, main=main, nets=nets, text=text) == {"build", "main"}


def test_statements_that_bind_nothing(tmp_path: Path) -> None:
    nets = "from torch import nn\n\n\ndef make(units):\n    return nn.Linear(units, units)\n"
    assert names_in(tmp_path, main="from nets import make\n\nmake(3)\n", nets=nets) == {""}
    assert names_in(tmp_path, main="from nets import make\n\nprint(3)\n", nets=nets) == set()


def test_strings_and_comments_are_no_code(tmp_path: Path) -> None:
    main = 'import os\n\n\ndef main():\n    """import torch"""\n    return "torch.nn"  # softmax\n'
    assert names_in(tmp_path, main=main) == set()


def test_names_in_formatted_strings_are(tmp_path: Path) -> None:
    main = 'import torch\n\n\ndef main(x):\n    return f"scores: {torch.softmax(x, 1)}"\n'
    assert names_in(tmp_path, main=main) == {"main"}


def test_a_method_that_only_tensors_have(tmp_path: Path) -> None:
    main = "import os\n\n\ndef main(x):\n    return x.softmax(1)\n\n\ndef other(x):\n    return getattr(x, name)\n"
    assert names_in(tmp_path, main=main) == {"main"}


def test_what_has_a_tensor_s_name_and_takes_none(tmp_path: Path) -> None:
    main = (
        "import math\nfrom math import log\nfrom package.gradient import slope\n\n\n"
        "def entropy(shares):\n    return -sum(share * log(share) + math.exp(share) for share in shares)\n\n\n"
        "def tell(logger, text):\n    logger.log(1, text)\n\n\n"
        "def loss(shares):\n    return -shares.log()\n"
    )
    assert names_in(tmp_path, main=main, package_gradient="slope = 3\n") == {"loss"}


def test_a_registry_is_reached_by_all_that_mention_it(tmp_path: Path) -> None:
    main = (
        "from registry import MODELS, register\nimport torch\n\n\n@register\nclass Net(torch.nn.Module):\n    pass\n\n\n"
        "def build(name):\n    return MODELS[name]()\n\n\ndef names():\n    return sorted('ab')\n"
    )
    registry = "MODELS = {}\n\n\ndef register(cls):\n    MODELS[cls.__name__] = cls\n    return cls\n"
    assert names_in(tmp_path, main=main, registry=registry) >= {"Net", "build"}
    assert "names" not in names_in(tmp_path, main=main, registry=registry)


def test_an_import_inside_a_function(tmp_path: Path) -> None:
    main = "import os\n\n\ndef build():\n    from torch import nn\n\n    return nn.Linear(1, 1)\n\n\ndef other():\n    return os\n"
    assert names_in(tmp_path, main=main) == {"build"}


def test_names_that_come_with_a_star(tmp_path: Path) -> None:
    main = "from common import *\n\n\ndef build():\n    return nn.Linear(1, 1)\n\n\ndef other():\n    return os\n"
    assert names_in(tmp_path, main=main, common="import os\nfrom torch import nn\n") == {"build"}


def test_private_names_do_not_come_with_a_star(tmp_path: Path) -> None:
    main = "from common import *\n\n\ndef build():\n    return _make()\n\n\ndef other():\n    return make()\n"
    common = "import torch\n\n\ndef _make():\n    return torch.ones(1)\n\n\ndef make():\n    return _make()\n"
    assert names_in(tmp_path, main=main, common=common) == {"other"}


def test_a_package_that_hands_on_what_its_modules_define(tmp_path: Path) -> None:
    main = (
        "import sys\nfrom typing import TYPE_CHECKING\nfrom lazy import LazyModule\n\n"
        "if TYPE_CHECKING:\n    import torch\n    from nets import *\n"
        "else:\n    sys.modules[__name__] = LazyModule(__name__, spec=__spec__)\n"
    )
    nets = "import torch\n\nweights = torch.ones(1)\n"
    lazy = "class LazyModule:\n    pass\n"
    assert names_in(tmp_path, main=main, nets=nets, lazy=lazy) == set()
    assert names_in(tmp_path, main=f"{main}\n\ndef build():\n    return weights + 1\n", nets=nets, lazy=lazy) == {
        "build"
    }


def test_an_import_that_another_statement_uses(tmp_path: Path) -> None:
    main = "try:\n    import torch\nexcept ImportError:\n    torch = None\n\n\ndef build():\n    return torch\n"
    assert names_in(tmp_path, main=main) == {"torch", "build"}


def test_a_submodule_through_its_package(tmp_path: Path) -> None:
    main = (
        "import package\n\n\ndef build():\n    return package.nets.make()\n\n\ndef other():\n    return package.name\n"
    )
    files = {
        "package___init__": "name = 1\n",
        "package_nets": "import torch\n\n\ndef make():\n    return torch.nn.ReLU()\n",
    }
    assert names_in(tmp_path, main=main, **files) == {"build"}


def test_a_module_of_the_project_with_a_library_s_name(tmp_path: Path) -> None:
    main = "import lightning\n\n\ndef strike():\n    return lightning.flash()\n"
    assert names_in(tmp_path, main=main, lightning="def flash():\n    return 1\n") == set()
    assert names_in(tmp_path, main=main.replace("lightning", "timm")) == {"strike"}


def test_what_statements_bind() -> None:
    code = (
        "make(units=3, layers=[dict(kind=1)])\n(a, b) = [c, d] = make()\ne: int = f = 3\nself.g = 4\n"
        "if (h := make(x=1)):\n    i, *j = h\nwith open('x') as k:\n    pass\nl += 1\n"
    )
    assert {name for name in Outline.of(code).bound if len(name) == 1} == set("abcdefhijkl")
    assert not Outline.of(code).bound.keys() & {"units", "layers", "kind", "g", "x"}


def test_pieces_end_where_brackets_do() -> None:
    outline = Outline.of("x = [\n1,\n]\n\n\n@first\n@second(\n3)\ndef f(\na,\n):\n    pass\nelse_ = 2\n")
    assert [piece.name for piece in outline.pieces if piece.code.strip()] == ["", "f", ""]
    assert [set(piece.bound) for piece in outline.pieces if piece.code.strip()] == [{"x"}, {"f"}, {"else_"}]


@pytest.mark.parametrize(
    "text", ['"unfinished\nimport torch\n', "'''never ended\nimport torch\n", "x = 'a\nimport torch"]
)
def test_a_broken_string_hides_no_import(text: str) -> None:
    assert "import torch" in code_of(text)
