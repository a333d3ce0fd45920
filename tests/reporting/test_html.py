"""The page that people look at: what stands in it. How it behaves is tested in a browser, next door."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from msgspec import structs

import headlint
from headlint.cli.main import main
from headlint.cli.sources import Sources, drawer
from headlint.findings.finding import Problem, Report
from headlint.findings.measured import Measured
from headlint.reporting import render
from headlint.reporting.context import Context, FixSummary
from headlint.reporting.html.chart import chart
from headlint.reporting.html.drawing import MOST_STATIONS, drawings
from headlint.reporting.html.page import page_of
from headlint.reporting.html.source import excerpts
from headlint.settings import Settings

FIXTURES = Path(__file__).parents[2] / "fixtures"
QUESTION = FIXTURES / "questions" / "q1_softmax_in_the_model_bad.py"
VOID = {"meta", "link", "br", "input", "hr", "img", "wbr", "path", "circle", "line", "polyline"}


def report_of(*paths: Path) -> tuple[Report, Context]:
    settings = Settings(root=FIXTURES, jobs=1, cache=False)
    sources = Sources()
    context = Context(
        FIXTURES, sources=sources.text, cell_sources=sources.cell, fix_for=sources.fix, draw=drawer(paths, settings)
    )
    return headlint.check_paths(paths, settings), context


class Outline(HTMLParser):
    """Reads a page strictly: every element is closed, in the right order, and no two have one id."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.labelled: list[str] = []
        self.text: list[str] = []
        self.tags: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        known = dict(attributes)
        self.ids += [known["id"] or ""] if "id" in known else []
        self.links += [known["href"] or ""] if tag == "a" else []
        self.labelled += (known.get("aria-labelledby") or "").split()
        assert "style" not in known
        assert not [name for name in known if name.startswith("on")]

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag, (tag, self.getpos())

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.mark.parametrize("folder", ["questions", "projects", "notebooks", "modules"])
def test_pages_are_well_formed(folder: str) -> None:
    report, context = report_of(FIXTURES / folder)
    assert report.findings
    outline = Outline(render("html", report, context))
    assert len(set(outline.ids)) == len(outline.ids)
    assert set(outline.labelled) <= set(outline.ids)
    fragments = {link[1:] for link in outline.links if link.startswith("#")}
    assert fragments <= set(outline.ids)
    assert sum(bool(re.fullmatch("finding-[0-9a-f]{32}", name)) for name in outline.ids) == len(report.findings)
    assert "{{" not in "".join(outline.text)


def test_the_page_is_the_same_every_time_and_names_no_folder_of_this_machine() -> None:
    first, second = (render("html", *report_of(FIXTURES / "questions")) for _ in range(2))
    assert first == second
    assert str(FIXTURES) not in first


def test_nothing_is_loaded_and_the_policy_says_so() -> None:
    text = unescape(render("html", *report_of(QUESTION)))
    assert "default-src 'none'; style-src 'sha256-" in text
    assert re.findall(r"""(?:src|href)=["'](?!#|data:)([^"']+)""", text.partition('class="rules"')[0]) == []
    assert text.count("<script>") == 1
    assert "@import" not in text
    assert "url(" not in text


def test_what_comes_from_the_program_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    attack = "</script><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7 * 7 }}"
    program = QUESTION.read_text().replace(
        "criterion(model(images), labels)", f"criterion(model(images), labels), {attack!r}"
    )
    report, context = report_of(QUESTION)
    (finding,) = report.findings
    problem = Problem(f"{attack}.py", attack, "HL900", 1, 1, source_line=attack)
    report = Report(
        (structs.replace(finding, message=attack, advice=attack, name=attack, model=attack),), (problem,), 1
    )
    context = replace(
        context,
        sources=lambda path: program,
        measured_for=lambda finding: Measured("confirmed", attack),
        fix_for=lambda finding: FixSummary(attack, False, attack, f"+{attack}"),
    )
    outline = Outline(render("html", report, context))
    assert outline.tags.count("script") == 1
    assert "img" not in outline.tags
    assert "".join(outline.text).count(attack) >= 9


def test_a_model_is_drawn_from_the_input_to_the_loss() -> None:
    report, context = report_of(QUESTION)
    (section,) = page_of(report, context).sections
    (drawing,) = section.drawings
    drawn = [(station.kind, station.name, station.detail) for station in drawing.stations]
    assert drawn == [
        ("input", "input", ""),
        ("layer", "Conv2d", "gives 8"),
        ("activation", "relu", ""),
        ("layer", "Linear", "gives 3"),
        ("activation", "softmax", "probabilities that sum to 1"),
        ("loss", "CrossEntropyLoss", "expects raw scores (logits)"),
    ]
    assert [[finding.code for finding in station.broken] for station in drawing.stations] == [[]] * 5 + [["HL101"]]


def test_a_model_breaks_where_its_layer_is_wrong() -> None:
    report, context = report_of(FIXTURES / "questions" / "q3_torch_bias_bad.py")
    (section,) = page_of(report, context).sections
    (broken,) = (station for drawing in section.drawings for station in drawing.stations if station.broken)
    assert (broken.kind, broken.name, broken.detail) == (
        "layer",
        "Linear",
        "gives 3 · no bias · raw scores (logits) or plain values",
    )


def test_of_two_ways_only_the_wrong_one_is_broken() -> None:
    report, context = report_of(FIXTURES / "shapes_keras" / "correlated_branches_bad.py")
    section = next(one for one in page_of(report, context).sections if one.told[0].finding.code == "HL106")
    broken = [station.name for drawing in section.drawings for station in drawing.stations if station.broken]
    assert broken == ["sparse_categorical_crossentropy"]


def test_an_operation_behind_the_model_is_drawn_where_it_is_what_is_wrong() -> None:
    report, context = report_of(FIXTURES / "shapes_torch" / "log_of_softmax_bad.py")
    finding = next(one for one in report.findings if one.code == "HL113")
    drawn = next(
        [station.name for station in drawing.stations]
        for section in page_of(report, context).sections
        for drawing in section.drawings
        if any(finding in station.broken for station in drawing.stations)
    )
    assert drawn == ["input", "Linear", "ReLU", "Linear", "softmax", "log"]


def test_without_pictures_the_trail_is_drawn() -> None:
    report, context = report_of(QUESTION)
    (drawing,) = drawings(report.findings, (), context)
    assert [station.name for station in drawing.stations] == ["Linear", "softmax", "CrossEntropyLoss"]
    assert drawing.stations[-1].broken == report.findings


def test_the_middle_of_a_long_model_is_folded(tmp_path: Path) -> None:
    layers = "".join("nn.Linear(8, 8), nn.ReLU(),\n    " for _ in range(MOST_STATIONS))
    file = tmp_path / "deep.py"
    file.write_text(
        f"import torch.nn as nn\nmodel = nn.Sequential(\n    {layers}nn.Linear(8, 4), nn.Softmax(1))\n"
        "criterion = nn.CrossEntropyLoss()\n\ndef step(x, y):\n    return criterion(model(x), y)\n"
    )
    (section,) = page_of(*report_of(file)).sections
    (drawing,) = section.drawings
    assert len(drawing.stations) == 2 * MOST_STATIONS + 4
    assert len(drawing.folded) == len(drawing.stations) - 10
    assert drawing.last[-1].broken


def marked(report: Report, context: Context) -> list[list[str]]:
    """The marked stretches of each excerpt of a report's only finding; the finding's own place in brackets."""
    (finding,) = report.findings
    found: list[list[str]] = []
    for excerpt in excerpts(finding, context):
        lines = [line for stretch in excerpt.stretches for line in stretch.lines if line.marked]
        html = "".join(str(line.code) for line in lines)
        stretches = re.findall(r'<mark( class="here")?>(.*?)</mark>', html)
        plain = [(bool(here), re.sub(r"<[^>]*>", "", text)) for here, text in stretches]
        found.append([f"[{text}]" if here else text for here, text in plain])
    return found


def test_both_ends_are_marked() -> None:
    assert marked(*report_of(QUESTION)) == [
        [
            "nn.Linear(8, 3)",
            "torch.softmax(self.fc(x), dim=1)",
            "nn.CrossEntropyLoss()",
            "[criterion(model(images), labels)]",
        ]
    ]


def test_a_trail_through_several_files_shows_each() -> None:
    report, context = report_of(FIXTURES / "projects" / "three_imports_away_bad")
    (finding,) = report.findings
    shown = excerpts(finding, context)
    assert [excerpt.path.rpartition("/")[2] for excerpt in shown] == ["large.py", "objective.py"]
    notes = [
        note.number
        for excerpt in shown
        for stretch in excerpt.stretches
        for line in stretch.lines
        for note in line.notes
    ]
    assert sorted(notes) == list(range(1, len(finding.trail) + 1))


def test_cells_of_a_notebook_come_in_their_order() -> None:
    report, context = report_of(FIXTURES / "notebooks" / "keras_cells_bad.ipynb")
    finding = next(one for one in report.findings if one.code == "HL601")
    assert [excerpt.cell for excerpt in excerpts(finding, context)] == [1, 2, 3]


def test_lines_between_are_folded_and_lines_far_between_left_out(tmp_path: Path) -> None:
    text = QUESTION.read_text()
    for between, kind in ((10, "folded"), (100, "left out")):
        file = tmp_path / f"spread_{between}.py"
        file.write_text(
            text.replace("model = ImageClassifier()", "passed = 0\n" * between + "model = ImageClassifier()")
        )
        report, context = report_of(file)
        (excerpt,) = excerpts(report.findings[0], context)
        (stretch,) = (one for one in excerpt.stretches if one.kind != "shown")
        assert stretch.kind == kind
        assert (len(stretch.lines) == stretch.count) is (kind == "folded")


def test_a_source_that_is_gone_still_leaves_its_notes() -> None:
    report, context = report_of(QUESTION)
    (excerpt,) = excerpts(report.findings[0], replace(context, sources=lambda path: None))
    assert [note.text for note in excerpt.gone] == [step.note for step in report.findings[0].trail]


def test_long_lines_are_cut_around_their_mark(tmp_path: Path) -> None:
    file = tmp_path / "long.py"
    file.write_text(
        QUESTION.read_text().replace("    loss = criterion", f"    text = '{'x' * 5000}'; loss = criterion")
    )
    report, context = report_of(file)
    page = render("html", report, context)
    assert marked(report, context)[0][-1] == "[criterion(model(images), labels)]"
    assert "x" * 400 not in page


def test_curves_stand_on_one_scale_with_the_floor() -> None:
    drawn = chart((2.0, 1.6, 1.5), (2.0, 1.0, 0.0), 1.4612)
    assert drawn is not None
    written, fixed = drawn.curves
    assert (written.first, written.last, fixed.last) == (2.0, 1.5, 0.0)
    heights = [float(point.partition(",")[2]) for point in fixed.points.split()]
    zero, top = drawn.ticks[0][0], drawn.ticks[-1][0]
    assert [label for _, label in drawn.ticks] == ["0", "0.5", "1", "1.5", "2"]
    assert heights[0] == top
    assert heights[-1] == zero
    assert drawn.floor is not None
    assert top < drawn.floor < zero
    assert chart((), (), None) is None
    assert chart((float("nan"), 1.0), (), None) is None


def test_the_verdict_of_the_built_model_and_its_curves_are_shown() -> None:
    report, context = report_of(QUESTION)
    measured = Measured("confirmed", "Every row sums to 1.", (1.1, 0.9), (1.1, 0.2), 0.55)
    page = render("html", report, replace(context, measured_for=lambda finding: measured))
    text = "".join(Outline(page).text)
    assert "Built model: confirmed" in text
    assert "Every row sums to 1." in text
    assert page.count("<polyline") == 2
    assert "as written the loss goes from 1.1 to 0.9, fixed the loss goes from 1.1 to 0.2" in page


def test_a_fix_is_shown_with_its_reason_and_its_diff() -> None:
    text = "".join(Outline(render("html", *report_of(QUESTION))).text)
    assert "Remove the softmax" in text
    assert "headlint check --fix --unsafe-fixes questions/q1_softmax_in_the_model_bad.py" in text
    assert "-        return torch.softmax(self.fc(x), dim=1)" in text
    assert "+        return self.fc(x)" in text


def test_a_clean_run_is_friendly() -> None:
    report, context = report_of(QUESTION.with_name("q1_softmax_in_the_model_good.py"))
    text = "".join(Outline(render("html", report, context)).text)
    assert "No findings in 1 file." in text
    assert "Every head that could be followed fits its loss." in text


def test_files_that_could_not_be_read_come_first(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import torch\nmodel = torch.nn.Linear(3,\n")
    report, context = report_of(tmp_path)
    text = "".join(Outline(render("html", report, context)).text)
    assert "1 file could not be read as a whole" in text
    assert "HL900" in text
    assert "Every head" not in text


def test_the_command_writes_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FIXTURES)
    page = tmp_path / "report.html"
    assert (
        main(["check", "--no-cache", "--output-format", "html", "-o", str(page), str(QUESTION.relative_to(FIXTURES))])
        == 1
    )
    assert "questions/q1_softmax_in_the_model_bad.py" in page.read_text(encoding="utf-8")


def test_a_notebook_that_is_no_notebook(tmp_path: Path) -> None:
    (tmp_path / "odd.ipynb").write_text(json.dumps({"torch": 1}))
    report, context = report_of(tmp_path)
    assert "is not a notebook" in "".join(Outline(render("html", report, context)).text)
