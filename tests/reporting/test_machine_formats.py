"""What other programs read: SARIF, GitLab's Code Quality, JUnit's XML."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from msgspec import structs

import headlint
from headlint.findings.finding import Problem, Report
from headlint.findings.fingerprint import fingerprints
from headlint.findings.rulebook import load_rules
from headlint.reporting import render
from headlint.reporting.context import Context
from headlint.settings import Settings
from headlint.source.document import read_document

BAD = """\
import torch.nn as nn
import torch.nn.functional as F

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(8, 3)

    def forward(self, x):
        return F.softmax(self.out(x), dim=1)

net, criterion = Net(), nn.CrossEntropyLoss()

def step(x, y):
    loss = criterion(net(x), y)
    loss.backward()

def other_step(x, y):
    loss = criterion(net(x), y)
    loss.backward()
"""

NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "metadata": {}, "source": ["# Losses\n"]},
        {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": [BAD]},
    ],
    "metadata": {},
    "nbformat": 4,
    "nbformat_minor": 5,
}


JENKINS = {
    "testsuites": {"name", "tests", "failures", "errors", "time"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname", "file"},
    "testcase": {"name", "classname", "time"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
}
"""The attributes that Jenkins' schema allows for each element."""


def context_of(folder: Path) -> Context:
    def text(path: str) -> str:
        return read_document(Path(path)).text

    def cell(path: str, number: int) -> str:
        return read_document(Path(path)).cell_text(number)

    return Context(folder, sources=text, cell_sources=cell)


def report_of(folder: Path, name: str = "my net.py", text: str = BAD) -> Report:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return headlint.check_paths([file], Settings(root=folder, jobs=1, cache=False))


@pytest.fixture
def report(tmp_path: Path) -> Report:
    found = report_of(tmp_path)
    assert [finding.code for finding in found] == ["HL101", "HL101"]
    problem = Problem(str(tmp_path / "broken.py"), "invalid syntax", "HL900", 3, 7)
    return structs.replace(found, problems=(problem,))


@pytest.fixture(scope="session")
def sarif_schema(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The official schema, from a package of the npm registry that ships it."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed, and the schema comes in a package of its registry")
    folder = tmp_path_factory.mktemp("schema")
    packed = subprocess.run(
        [npm, "pack", "@microsoft/jest-sarif@1.0.0-beta.0"], cwd=folder, capture_output=True, text=True, timeout=120
    )
    if packed.returncode != 0:
        pytest.skip("the npm registry cannot be reached")
    with tarfile.open(folder / packed.stdout.split()[-1]) as archive:
        file = archive.extractfile("package/lib/schemas/sarif-2.1.0-rtm.5.json")
        assert file is not None
        return json.load(file)


def sarif_of(report: Report, folder: Path) -> Any:
    return json.loads(render("sarif", report, context_of(folder)))


def test_sarif_keeps_to_the_official_schema(report: Report, tmp_path: Path, sarif_schema: Any) -> None:
    validator = jsonschema.validators.validator_for(sarif_schema)(
        sarif_schema, format_checker=jsonschema.FormatChecker()
    )
    notebook = report_of(tmp_path, "cells.ipynb", json.dumps(NOTEBOOK))
    assert notebook.findings
    for one in (report, Report(), notebook):
        assert list(validator.iter_errors(sarif_of(one, tmp_path))) == []
    assert list(validator.iter_errors({"version": "2.1.0", "runs": [{"results": []}]})) != []


def test_sarif_shows_the_way_from_the_layer_to_the_loss(report: Report, tmp_path: Path) -> None:
    (run,) = sarif_of(report, tmp_path)["runs"]
    result = run["results"][0]
    rule = run["tool"]["driver"]["rules"][result["ruleIndex"]]
    assert (result["ruleId"], rule["id"], rule["name"]) == ("HL101", "HL101", "softmax-before-cross-entropy")
    assert rule["helpUri"].endswith("/HL101-softmax-before-cross-entropy.md")
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "my%20net.py", "uriBaseId": "PROJECTROOT"}
    assert place["region"]["startLine"] == 15
    assert place["region"]["snippet"]["text"] == "    loss = criterion(net(x), y)"
    steps = result["codeFlows"][0]["threadFlows"][0]["locations"]
    lines = [step["location"]["physicalLocation"]["region"]["startLine"] for step in steps]
    assert lines == [7, 10, 12, 15]
    assert [step["kinds"] for step in steps] == [["layer"], ["activation"], ["loss"], ["loss"]]


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("ü ñ,a:b%.py", "%C3%BC%20%C3%B1%2Ca%3Ab%25.py"),
        pytest.param(
            os.fsdecode(b"net \xff.py"),
            "net%20%FF.py",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="file names are text here"),
        ),
    ],
)
def test_odd_names_are_written_as_addresses(tmp_path: Path, name: str, uri: str) -> None:
    (run,) = sarif_of(report_of(tmp_path, name), tmp_path)["runs"]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == uri


def test_sarif_tells_what_could_not_be_read(report: Report, tmp_path: Path) -> None:
    (run,) = sarif_of(report, tmp_path)["runs"]
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    (notification,) = invocation["toolExecutionNotifications"]
    assert notification["message"]["text"] == "HL900 invalid syntax"
    assert notification["locations"][0]["physicalLocation"]["region"] == {"startLine": 3, "startColumn": 7}


def test_every_rule_has_its_help_in_sarif(tmp_path: Path) -> None:
    (run,) = sarif_of(Report(), tmp_path)["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert len(rules) == len(load_rules())
    assert all(rule["help"]["markdown"] and rule["shortDescription"]["text"] for rule in rules)


def test_fingerprints_survive_moved_lines_and_tell_equal_ones_apart(tmp_path: Path) -> None:
    def names(text: str) -> list[str]:
        found = report_of(tmp_path, "net.py", text)
        context = context_of(tmp_path)
        return fingerprints(found.findings, context.shown, context.text_of)

    first = names(BAD)
    assert len(set(first)) == 2
    assert names("# moved\n" * 10 + BAD) == first
    assert names(BAD.replace("loss = criterion(net(x), y)", "loss =  criterion(net(x), y)")) == first
    edited = names(BAD.replace("    loss = criterion(net(x), y)", "    loss = 2 * criterion(net(x), y)", 1))
    assert edited[0] not in first
    assert edited[1] in first


def test_gitlab_reads_what_its_documentation_asks_for(report: Report, tmp_path: Path) -> None:
    entries = json.loads(render("gitlab", report, context_of(tmp_path)))
    assert len(entries) == 3
    for entry in entries:
        assert {"description", "check_name", "fingerprint", "severity", "location"} <= entry.keys()
        assert entry["severity"] in {"info", "minor", "major", "critical", "blocker"}
    assert entries[0]["location"] == {"path": "my net.py", "lines": {"begin": 15}}
    assert len({entry["fingerprint"] for entry in entries}) == 3
    assert entries[2]["check_name"] == "HL900"


def test_junit_counts_findings_as_failures_and_problems_as_errors(report: Report, tmp_path: Path) -> None:
    odd = structs.replace(report.findings[0], message="a\x00b\ud800 <&>")
    root = ElementTree.fromstring(
        render("junit", structs.replace(report, findings=(odd,)), context_of(tmp_path)).encode()
    )
    for element in root.iter():
        assert element.attrib.keys() <= JENKINS[element.tag], "unknown to Jenkins' schema, junit-10.xsd"
    assert sorted(case.get("name") for case in root.iter("testcase")) == [
        "HL101 softmax-before-cross-entropy at 15:12",
        "HL900",
    ]
    suites = {suite.get("name"): suite for suite in root.iter("testsuite")}
    assert suites["my net.py"].get("failures") == "1"
    assert suites["broken.py"].get("errors") == "1"
    (failure,) = suites["my net.py"].iter("failure")
    assert failure.get("message") == "a\ufffdb\ufffd <&>"
    assert "my net.py:7:20" in (failure.text or "")


def test_junit_without_findings_is_a_test_that_passed(tmp_path: Path) -> None:
    root = ElementTree.fromstring(render("junit", Report(files=4), context_of(tmp_path)).encode())
    assert [case.get("name") for case in root.iter("testcase")] == ["4 files"]
    assert list(root.iter("failure")) == []
