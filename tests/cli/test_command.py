"""The real command, as a process of its own, on small programs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from headlint.reporting import FORMATS

REPOSITORY = Path(__file__).parents[2]
SCHEMA = json.loads((REPOSITORY / "headlint/reporting/findings.schema.json").read_text())

GOOD = """import torch.nn as nn

net = nn.Linear(8, 3)
criterion = nn.CrossEntropyLoss()


def step(x, y):
    return criterion(net(x), y)
"""
BAD = GOOD.replace("nn.Linear(8, 3)", "nn.Sequential(nn.Linear(8, 3), nn.Softmax(dim=1))")


def headlint(folder: Path, *arguments: str, text: str | None = None, **variables: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "COLUMNS": "100", **variables}
    return subprocess.run(
        [sys.executable, "-m", "headlint", *arguments],
        cwd=folder,
        env=environment,
        input=text,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bad.py").write_text(BAD)
    (tmp_path / "good.py").write_text(GOOD)
    return tmp_path


def test_status_tells_clean_from_findings_from_failure(folder: Path) -> None:
    assert headlint(folder, "check", "good.py").returncode == 0
    assert headlint(folder, "check", "bad.py").returncode == 1
    assert headlint(folder, "check", "missing.py").returncode == 2
    assert headlint(folder, "check", "--exit-zero", "bad.py").returncode == 0


def test_a_syntax_error_does_not_hide_the_findings_of_other_files(folder: Path) -> None:
    (folder / "broken.py").write_text("import torch\nmodel = torch.nn.Linear(3,\n")
    run = headlint(folder, "check", "--output-format", "concise", ".")
    assert run.returncode == 2
    assert "HL101" in run.stdout
    assert "HL900" in run.stdout
    assert "Traceback" not in run.stderr


def test_text_shows_both_ends(folder: Path) -> None:
    run = headlint(folder, "check", "bad.py")
    lines = run.stdout.splitlines()
    assert lines[0] == "bad.py:8:12  error HL101 softmax-before-cross-entropy"
    source = "   8 |     return criterion(net(x), y)".strip()
    used = next(number for number, line in enumerate(lines) if line.strip() == source)
    assert lines[used + 1].index("^") == lines[used].index("criterion")
    assert lines[used + 1].count("^") == len("criterion(net(x), y)")
    mark = "-" * len("nn.Softmax(dim=1)")
    (made,) = (line for line in lines if "nn.Softmax(dim=1)" in line)
    marked = next(line for line in lines if line.endswith(f" {mark}"))
    assert marked.index("-") == made.index("nn.Softmax(dim=1)")
    assert "  more: headlint explain HL101" in lines
    assert "Found 1 error in 1 of 1 file." in run.stdout
    assert "\033" not in run.stdout


@pytest.mark.parametrize("columns", [70, 80, 100, 140])
def test_text_keeps_to_the_width_of_the_terminal(folder: Path, columns: int) -> None:
    lines = headlint(folder, "check", "bad.py", COLUMNS=str(columns)).stdout.splitlines()
    source = BAD.splitlines()
    assert "probabilities that sum to 1" in "".join(lines)
    assert [line for line in lines if len(line) > columns and line.partition("| ")[2] not in source] == []


def test_json_holds_to_its_schema(folder: Path) -> None:
    (folder / "broken.py").write_text("import torch\nmodel = torch.nn.Linear(3,\n")
    run = headlint(folder, "check", "--statistics", "--output-format", "json", ".")
    content = json.loads(run.stdout)
    jsonschema.validate(content, SCHEMA)
    assert [(finding["code"], finding["path"], finding["line"]) for finding in content["findings"]] == [
        ("HL101", "bad.py", 8)
    ]
    assert [error["path"] for error in content["errors"]] == ["broken.py"]


def test_further_reports_come_from_the_same_run(folder: Path) -> None:
    reports = ("--report", "sarif=one.sarif", "--report", "text=two.txt")
    run = headlint(folder, "check", "--output-format", "github", "--color", "always", *reports, ".")
    assert run.returncode == 1
    assert run.stdout.startswith("::error file=bad.py,line=8")
    (result,) = json.loads((folder / "one.sarif").read_text())["runs"][0]["results"]
    assert result["ruleId"] == "HL101"
    assert (folder / "two.txt").read_text().startswith("bad.py:8:12  error HL101 softmax-before-cross-entropy\n")


def test_a_report_without_format_or_file_is_one_line(folder: Path) -> None:
    for wrong in ("sarif", "sarif=", "pdf=out.pdf"):
        run = headlint(folder, "check", "--report", wrong, "bad.py")
        assert run.returncode == 2
        assert run.stderr.count("\n") == 1
    run = headlint(folder, "check", "--report", "sarif=nowhere/at/all.sarif", "bad.py")
    assert (run.returncode, run.stderr) == (
        2,
        f"headlint: cannot write {Path('nowhere/at/all.sarif')}: No such file or directory\n",
    )


@pytest.mark.skipif(sys.platform != "linux", reason="file names are text here")
@pytest.mark.parametrize("form", FORMATS)
def test_names_that_are_no_text(tmp_path: Path, form: str) -> None:
    (tmp_path / os.fsdecode(b"net \xff.py")).write_text(BAD)
    run = headlint(tmp_path, "check", "--output-format", form, "--report", f"{form}=out", ".")
    assert (run.returncode, run.stderr) == (1, "")
    assert (tmp_path / "out").stat().st_size > 0


def test_standard_input_goes_by_the_name_it_is_given(folder: Path) -> None:
    options = ("check", "-", "--stdin-filename", "new.py", "--output-format", "concise")
    run = headlint(folder, *options, text=BAD)
    assert run.returncode == 1
    assert run.stdout.startswith("new.py:8:12: HL101 [error] ")
    assert headlint(folder, *options, text=GOOD).returncode == 0


def test_rules_are_chosen_by_code_prefix_and_name(folder: Path) -> None:
    for chosen in ("HL101", "HL1", "softmax-before-cross-entropy"):
        assert headlint(folder, "check", "--select", chosen, "bad.py").returncode == 1
        assert headlint(folder, "check", "--ignore", chosen, "bad.py").returncode == 0
    assert headlint(folder, "check", "--select", "HL2", "bad.py").returncode == 0


def test_an_unknown_rule_is_one_line_with_the_nearest(folder: Path) -> None:
    run = headlint(folder, "check", "--select", "softmax-before-crossentropy", "bad.py")
    assert run.returncode == 2
    assert run.stderr.count("\n") == 1
    assert "softmax-before-cross-entropy" in run.stderr
    run = headlint(folder, "explain", "softmax-before-crossentropy")
    assert run.returncode == 2
    assert "softmax-before-cross-entropy" in run.stderr


def test_a_path_without_a_command_is_answered_with_the_command(folder: Path) -> None:
    run = headlint(folder, "bad.py")
    assert run.returncode == 2
    assert "did you mean `headlint check bad.py`?" in run.stderr


def test_colour_is_asked_for_or_refused(folder: Path) -> None:
    assert "\033" in headlint(folder, "check", "--color", "always", "bad.py").stdout
    assert "\033" in headlint(folder, "check", "bad.py", FORCE_COLOR="1").stdout
    assert "\033" not in headlint(folder, "check", "bad.py", FORCE_COLOR="1", NO_COLOR="1").stdout


def test_heads_are_drawn_on_a_terminal_that_knows_only_ascii(folder: Path) -> None:
    run = headlint(folder, "heads", "bad.py", PYTHONIOENCODING="ascii")
    assert run.returncode == 0
    assert "CrossEntropyLoss" in run.stdout
    assert "Traceback" not in run.stderr


def test_diff_changes_nothing(folder: Path) -> None:
    headlint(folder, "check", "--unsafe-fixes", "--diff", ".")
    assert (folder / "bad.py").read_text() == BAD


def test_explain_and_rules_know_the_same_rules(folder: Path) -> None:
    pages = json.loads(headlint(folder, "explain", "--all", "--output-format", "json").stdout)
    table = json.loads(headlint(folder, "rules", "--output-format", "json").stdout)
    assert pages == table
    assert "HL101" in {rule["code"] for rule in table}
    assert "Why is this bad?" in headlint(folder, "explain", "HL101").stdout


def test_import_stays_light() -> None:
    program = (
        "import sys, headlint, headlint.cli.main; print([n for n in ('libcst', 'rich', 'jinja2') if n in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", program], cwd=REPOSITORY, encoding="utf-8").strip() == "[]"


def test_rules_are_readable_in_a_narrow_terminal(folder: Path) -> None:
    lines = headlint(folder, "rules", COLUMNS="80").stdout.splitlines()
    assert max(len(line) for line in lines) <= 80
    assert "HL104  probabilities-before-bce-with-logits" in lines


def test_what_is_skipped_is_named(folder: Path) -> None:
    (folder / ".gitignore").write_text("data/\n")
    (folder / "headlint.toml").write_text('exclude = ["old_*.py"]\n')
    for name in ("data/one.py", "build/two.py", ".venv/three.py", "old_model.py", "old_loss.py", "old.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(BAD)
    done = headlint(folder, "check", "--exit-zero", "--output-format", "concise")
    assert done.stdout.count("HL101") == 1
    assert done.stderr == (
        "Skipped: build (never checked unless named), data (.gitignore), old_loss.py (exclude),"
        " and 1 more (-v names them).\n"
    )
    assert headlint(folder, "check", "--exit-zero", "-v").stderr.count("Skipped: ") == 4
    assert headlint(folder, "check", "old_model.py").stderr == "Skipped: old_model.py (exclude).\n"
    assert headlint(folder, "check", "--exit-zero", "build").stderr == ""
    (folder / "bad.py").write_text(f"# headlint: skip-file\n{BAD}")
    assert headlint(folder, "check", "bad.py").stderr == "Skipped: bad.py (skip-file).\n"
