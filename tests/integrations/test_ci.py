"""GitHub's action and GitLab's template: valid by their schemas, and their steps run as a runner runs them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
ACTION = REPOSITORY / "action.yml"
TEMPLATE = REPOSITORY / "templates" / "headlint.gitlab-ci.yml"

SHELLS = {"bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"], "python": [sys.executable]}
"""How GitHub's runner starts a step's script."""

GOOD = """import torch.nn as nn

model = nn.Linear(4, 3)
criterion = nn.CrossEntropyLoss()


def step(x, y):
    return criterion(model(x), y)
"""
WRONG = GOOD.replace("nn.Linear(4, 3)", "nn.Sequential(nn.Linear(4, 3), nn.Softmax(dim=1))")

Process = subprocess.CompletedProcess


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "checked out"
    folder.mkdir()
    (folder / "good.py").write_text(GOOD)
    (folder / "bad net.py").write_text(WRONG)
    return folder


@pytest.fixture
def broken(project: Path) -> Path:
    (project / "broken.py").write_text("import torch\nmodel = torch.nn.Linear(3,\n")
    return project


def validate(schema: str, file: Path, *options: str) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *options, str(file)]
    outcome = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


# GitHub


@dataclass(frozen=True)
class Runner:
    """Runs the action's own steps in a checked out project; ``temp`` is the folder that runners call so."""

    action: dict[str, Any]
    temp: Path

    def step(self, name: str, folder: Path, **inputs: str) -> Process[str]:
        """Run the step of that name; ``_`` in an input's name stands for a hyphen."""
        (step,) = (step for step in self.action["runs"]["steps"] if step["name"] == name)
        values = {f"inputs.{key}": value["default"] for key, value in self.action["inputs"].items()}
        values |= {f"inputs.{key.replace('_', '-')}": value for key, value in inputs.items()}
        values["runner.temp"] = str(self.temp)

        def filled(text: str) -> str:
            return re.sub(r"\$\{\{ ([\w.-]+) \}\}", lambda match: values[match[1]], text)

        script = self.temp / f"script.{step['shell']}"
        script.write_text(step["run"])
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        environment |= {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "GITHUB_ACTION_PATH": str(REPOSITORY),
            "GITHUB_OUTPUT": str(self.temp / "outputs"),
            "RUNNER_TEMP": str(self.temp),
            **{key: filled(value) for key, value in step.get("env", {}).items()},
        }
        return subprocess.run(
            [*SHELLS[step["shell"]], str(script)],
            cwd=filled(step.get("working-directory", str(folder))),
            env=environment,
            capture_output=True,
            encoding="utf-8",
            timeout=300,
        )

    def output(self) -> str:
        """The file that the action's output named last."""
        lines = (self.temp / "outputs").read_text(encoding="utf-8").splitlines()
        return lines[-1].removeprefix("sarif=")


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """A runner on which the action has installed headlint."""
    made = Runner(yaml.safe_load(ACTION.read_text()), tmp_path_factory.mktemp("runner temp"))
    outcome = made.step("Install headlint", made.temp)
    assert outcome.returncode == 0, outcome.stderr
    return made


def test_action_keeps_to_the_schema() -> None:
    validate("vendor.github-actions", ACTION)


def test_nothing_from_outside_is_pasted_into_a_script() -> None:
    steps = yaml.safe_load(ACTION.read_text())["runs"]["steps"]
    assert [step["name"] for step in steps if "${{" in step.get("run", "")] == []


def test_action_annotates_and_writes_sarif(runner: Runner, project: Path) -> None:
    outcome = runner.step("Check", project)
    assert outcome.returncode == 1, outcome.stderr
    (annotation,) = outcome.stdout.splitlines()
    assert annotation.startswith("::error file=bad net.py,line=8,endLine=8,col=12,endColumn=")
    (run,) = json.loads(Path(runner.output()).read_text(encoding="utf-8"))["runs"]
    (result,) = run["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "bad%20net.py"


@pytest.mark.parametrize(
    ("inputs", "status"),
    [
        ({"paths": "good.py"}, 0),
        ({"paths": "bad net.py"}, 1),
        ({"paths": "good.py\nbad net.py"}, 1),
        ({"arguments": "--exit-zero"}, 0),
        ({"arguments": "--ignore softmax-before-cross-entropy"}, 0),
        ({"arguments": "--config 'my settings.toml'"}, 0),
        ({"paths": "missing.py"}, 2),
        ({"arguments": "--select nothing-like-it"}, 2),
        ({"arguments": "--no-such-option"}, 2),
    ],
    ids=str,
)
def test_action_ends_as_the_command_does(runner: Runner, project: Path, inputs: dict[str, str], status: int) -> None:
    (project / "my settings.toml").write_text('ignore = ["HL101"]\n')
    outcome = runner.step("Check", project, **inputs)
    assert outcome.returncode == status, outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_what_could_not_be_read_is_annotated_beside_the_findings(runner: Runner, broken: Path) -> None:
    outcome = runner.step("Check", broken)
    assert outcome.returncode == 2
    assert sorted(line.partition(",")[0] for line in outcome.stdout.splitlines()) == [
        "::error file=bad net.py",
        "::error file=broken.py",
    ]


def test_inputs_are_data_and_no_program(runner: Runner, project: Path) -> None:
    (project / "headlint").mkdir()
    (project / "headlint" / "__init__.py").write_text("open('executed', 'w')")
    (project / "rich.py").write_text("open('executed', 'w')")
    evil = "'; touch executed #`touch executed` $(touch executed) \"; import os; os.mkdir('executed') #"
    assert runner.step("Check", project, paths=evil).returncode == 2
    runner.step("Check", project, arguments="; touch executed; $(touch executed)")
    runner.step("Check", project, arguments="--output-format text")
    assert not (project / "executed").exists()


def test_upload_waits_for_its_switch_and_comes_after_a_failure() -> None:
    action = yaml.safe_load(ACTION.read_text())
    upload = action["runs"]["steps"][-1]
    assert upload["uses"].startswith("github/codeql-action/upload-sarif@")
    assert upload["if"] == "always() && inputs.upload-sarif == 'true' && steps.check.outputs.sarif != ''"
    assert upload["with"] == {
        "sarif_file": "${{ steps.check.outputs.sarif }}",
        "category": "${{ inputs.category }}",
    }
    assert action["inputs"]["upload-sarif"]["default"] == "false"


# GitLab


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a Python of its own, as a container has it; the template has installed headlint."""
    folder = tmp_path_factory.mktemp("image")
    venv.create(folder, with_pip=True)
    install, _ = yaml.safe_load(TEMPLATE.read_text())["headlint"]["script"]
    outcome = gitlab(install, folder, folder / "bin", HEADLINT_VERSION=str(REPOSITORY))
    assert outcome.returncode == 0, outcome.stderr
    return folder / "bin"


def gitlab(script: str, folder: Path, programs: Path, **variables: str) -> Process[str]:
    """Run a line of the job's script as GitLab's runner does, with the template's variables and some others."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    defaults = yaml.safe_load(TEMPLATE.read_text())["variables"]
    environment = {**kept, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", **defaults, **variables}
    return subprocess.run(
        [*SHELLS["bash"], "-c", script], cwd=folder, env=environment, capture_output=True, encoding="utf-8", timeout=300
    )


def test_template_keeps_to_the_schema() -> None:
    validate("vendor.gitlab-ci", TEMPLATE, "--data-transform", "gitlab-ci")


def test_template_writes_the_reports_that_it_announces(image: Path, broken: Path) -> None:
    job = yaml.safe_load(TEMPLATE.read_text())["headlint"]
    outcome = gitlab(job["script"][-1], broken, image)
    assert outcome.returncode == 2, outcome.stderr
    assert "HL101 softmax-before-cross-entropy" in outcome.stdout
    reports = job["artifacts"]["reports"]
    entries = json.loads((broken / reports["codequality"]).read_text(encoding="utf-8"))
    assert [(entry["location"]["path"], entry["check_name"]) for entry in entries] == [
        ("bad net.py", "HL101"),
        ("broken.py", "HL900"),
    ]
    assert "<failure" in (broken / reports["junit"]).read_text(encoding="utf-8")


def test_variables_of_the_template(image: Path, project: Path) -> None:
    check = yaml.safe_load(TEMPLATE.read_text())["headlint"]["script"][-1]
    assert gitlab(check, project, image).returncode == 1
    assert gitlab(check, project, image, HEADLINT_PATHS="good.py").returncode == 0
    assert gitlab(check, project, image, HEADLINT_ARGUMENTS="--ignore HL1 --fail-on error").returncode == 0
    assert gitlab(check, project, image, HEADLINT_PATHS="$(touch executed) `touch executed`").returncode == 2
    assert not (project / "executed").exists()
