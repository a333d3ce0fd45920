"""The rule pages are read as they stand, and rules are selected as the configuration says."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from headlint.findings import rulebook
from headlint.findings.finding import Severity
from headlint.findings.rulebook import (
    FAMILIES,
    RulebookError,
    examples,
    expectations,
    find_rule,
    index,
    known_selectors,
    load_rules,
    nearest_rule,
    parse_page,
    selected,
)
from headlint.settings import Settings

ROOT = Path(__file__).parent.parent

PAGE = """---
code: HL199
name: some-name
severity: warning
default: false
since: 0.1.0
frameworks: [torch, keras]
fix: none
summary: Something: with a colon.
---

# some-name (HL199)

## What it does

Finds it.

```text
## Not a section
```

## Why is this bad?

It is.

## Bad

First.

```python
import torch

x = 1  # expect: HL199, HL203
y = 2
z = 3  # expect: HL101
```

```text
no = program
```

## Good

```python
x = 2
```

```python
x = 3
```

## Fix safety

None.

## References

- Nothing
"""


# Pages


def test_every_rule_of_the_catalogue_so_far_has_its_page() -> None:
    codes = {rule.code for rule in load_rules()}
    assert {f"HL{number}" for number in (*range(101, 118), *range(201, 208))} <= codes


def test_rules_come_in_the_order_of_their_codes_and_once() -> None:
    codes = [rule.code for rule in load_rules()]
    assert codes == sorted(set(codes))


def test_names_are_as_unique_as_codes() -> None:
    names = [rule.name for rule in load_rules()]
    assert len(names) == len(set(names))


def test_each_code_belongs_to_a_family() -> None:
    assert {rule.code[:3] for rule in load_rules()} <= set(FAMILIES)


def test_links_between_pages_lead_to_pages() -> None:
    pages = {rule.file_name for rule in load_rules()}
    linked = {
        target.split(")")[0] for rule in load_rules() for target in rule.text.split("](") if target.startswith("HL")
    }
    assert linked <= pages


def test_a_summary_is_one_sentence_for_a_table() -> None:
    for rule in load_rules():
        assert rule.summary.endswith("."), rule.code
        assert "|" not in rule.summary, rule.code


def test_the_index_is_the_one_in_the_folder() -> None:
    written = (ROOT / "rules" / "README.md").read_text(encoding="utf-8")
    assert written == index(), "write headlint.findings.rulebook.index() to rules/README.md"


def test_the_index_names_every_rule() -> None:
    text = index()
    for rule in load_rules():
        assert f"| {rule.code} | [{rule.name}]({rule.file_name}) |" in text


def test_a_rule_can_be_sent_to_another_process() -> None:
    rule = find_rule("HL101")
    assert pickle.loads(pickle.dumps(rule)) == rule


def test_importing_the_rulebook_loads_nothing_heavy() -> None:
    program = (
        "import sys, headlint.findings.rulebook as r; r.load_rules();"
        "print(sorted({'libcst', 'rich', 'yaml', 'jinja2', 'pathspec'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# The form of a page


def test_a_page_is_read() -> None:
    rule = parse_page("HL199-some-name.md", PAGE)
    assert (rule.code, rule.name, rule.severity, rule.default) == ("HL199", "some-name", Severity.WARNING, False)
    assert (rule.since, rule.frameworks, rule.fix) == ("0.1.0", ("torch", "keras"), "none")
    assert rule.summary == "Something: with a colon."
    assert rule.sections["Why is this bad?"] == "It is."
    assert rule.sections["What it does"].endswith("## Not a section\n```")
    assert rule.text.startswith("# some-name (HL199)\n")


def test_programs_and_what_they_expect_are_read() -> None:
    rule = parse_page("HL199-some-name.md", PAGE)
    (bad,) = examples(rule, "Bad")
    assert bad.text.startswith("import torch\n")
    assert bad.expected == ((3, "HL199"), (3, "HL203"), (5, "HL101"))
    assert [example.text for example in examples(rule, "Good")] == ["x = 2\n", "x = 3\n"]


def test_expectations_count_lines_from_one() -> None:
    assert expectations("a = 1  # expect: HL101\nb = 2\nc = 3  #expect:HL202,HL203") == (
        (1, "HL101"),
        (3, "HL202"),
        (3, "HL203"),
    )


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (PAGE.replace("---\ncode", "code"), "front matter"),
        (PAGE.replace("severity: warning\n", ""), "severity"),
        (PAGE.replace("severity: warning", "severity: dire"), "dire"),
        (PAGE.replace("default: false", "default: no"), "default"),
        (PAGE.replace("fix: none", "fix: maybe"), "maybe"),
        (PAGE.replace("[torch, keras]", "torch"), "frameworks"),
        (PAGE.replace("[torch, keras]", "[caffe]"), "caffe"),
        (PAGE.replace("since: 0.1.0", "since 0.1.0"), "since 0.1.0"),
        (PAGE.replace("since: 0.1.0", "since: 0.1.0\ncolour: red"), "colour"),
        (PAGE.replace("code: HL199", "code: HL198"), "HL198"),
        (PAGE.replace("# some-name (HL199)", "# some name"), "title"),
        (PAGE.replace("## Fix safety", "## Safety"), "sections"),
        (PAGE.replace("## References\n\n- Nothing\n", ""), "sections"),
    ],
)
def test_a_broken_page_is_told_with_its_name(changed: str, told: str) -> None:
    with pytest.raises(RulebookError, match=r"rules/HL199-some-name\.md") as error:
        parse_page("HL199-some-name.md", changed)
    assert told in str(error.value)


# Finding a rule


@pytest.mark.parametrize(
    "text", ["HL101", "hl101", " HL101 ", "softmax-before-cross-entropy", "Softmax-Before-Cross-Entropy"]
)
def test_a_rule_is_found_by_code_or_name(text: str) -> None:
    rule = find_rule(text)
    assert rule is not None
    assert rule.code == "HL101"


@pytest.mark.parametrize("text", ["", "HL1", "HL100", "HL", "ALL", "softmax", "../HL101"])
def test_what_is_no_rule_is_not_found(text: str) -> None:
    assert find_rule(text) is None


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("HL1011", "HL101"),
        ("hl2001", "HL201"),
        ("softmax-before-crossentropy", "softmax-before-cross-entropy"),
        ("single-unit-softmx", "single-unit-softmax"),
    ],
)
def test_the_nearest_rule_is_named(text: str, nearest: str) -> None:
    assert nearest_rule(text) == nearest


def test_something_is_near_to_anything() -> None:
    names = {rule.name for rule in load_rules()} | {rule.code for rule in load_rules()}
    assert nearest_rule("") in names
    assert nearest_rule("ÄÖÜ 123 \n") in names


def test_known_selectors() -> None:
    known = known_selectors()
    assert {"ALL", "HL", "HL1", "HL2", "HL10", "HL101", "binary-softmax"} <= known
    assert known.isdisjoint({"", "H", "HL0", "HL19", "HL199", "softmax"})


# Selecting


def choice(**settings: object) -> Settings:
    return Settings(root=ROOT, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "settings", "on"),
    [
        ("HL101", {}, True),
        ("HL117", {}, False),
        ("HL101", {"select": ("HL1",)}, True),
        ("HL201", {"select": ("HL1",)}, False),
        ("HL201", {"select": ("HL1",), "extend_select": ("HL201",)}, True),
        ("HL101", {"extend_select": ("HL2",)}, True),
        ("HL101", {"ignore": ("HL101",)}, False),
        ("HL101", {"ignore": ("HL",)}, False),
        ("HL101", {"ignore": ("ALL",)}, False),
        ("HL101", {"ignore": ("HL10",)}, False),
        ("HL111", {"ignore": ("HL10",)}, True),
        ("HL101", {"ignore": ("softmax-before-cross-entropy",)}, False),
        ("HL101", {"select": ("softmax-before-cross-entropy",)}, True),
        ("HL102", {"select": ("softmax-before-cross-entropy",)}, False),
        ("HL101", {"select": ("HL101",), "ignore": ("HL1",)}, True),
        ("HL102", {"select": ("HL101",), "ignore": ("HL1",)}, False),
        ("HL101", {"select": ("HL1",), "ignore": ("HL101",)}, False),
        ("HL101", {"select": ("HL101",), "ignore": ("HL101",)}, False),
        ("HL101", {"select": ("HL101",), "ignore": ("softmax-before-cross-entropy",)}, False),
        ("HL101", {"extend_select": ("HL101",), "ignore": ("HL1",)}, True),
        ("HL101", {"select": ("ALL",), "ignore": ("HL",)}, False),
        ("HL117", {"select": ("HL117",)}, True),
        ("HL117", {"extend_select": ("separate-sigmoid-and-bce",)}, True),
        ("HL117", {"select": ("HL1",)}, True),
        ("HL117", {"select": ("ALL",)}, True),
        ("HL117", {"select": ("HL2",)}, False),
        ("HL117", {"extend_select": ("HL1",), "ignore": ("HL117",)}, False),
        ("HL101", {"select": ("hl101",)}, True),
        ("HL101", {"ignore": ("",)}, True),
        ("HL101", {"ignore": ("H", "X", "HL1011")}, True),
    ],
)
def test_the_most_specific_selector_decides(code: str, settings: dict[str, tuple[str, ...]], on: bool) -> None:
    assert selected(code, choice(**settings)) is on


@pytest.mark.parametrize(
    ("path", "on"),
    [
        ("tests/test_x.py", False),
        (str(ROOT / "tests" / "deep" / "test_x.py"), False),
        ("src/tests.py", True),
        ("scripts/old.py", True),
        ("", True),
    ],
)
def test_files_may_have_rules_ignored(path: str, on: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    settings = choice(per_file_ignores=(("tests/", ("HL1",)), ("scripts/*.py", ("HL2", "binary-softmax"))))
    assert selected("HL101", settings, path) is on


def test_patterns_are_those_of_gitignore(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    settings = choice(per_file_ignores=(("*_old.py", ("ALL",)), ("!keep_old.py", ("ALL",)), ("/lib", ("HL2",))))
    assert not selected("HL101", settings, "deep/down/net_old.py")
    assert selected("HL101", settings, "deep/keep_old.py")
    assert not selected("HL201", settings, "lib/a.py")
    assert selected("HL201", settings, "src/lib/a.py")
    assert selected("HL101", settings, "lib/a.py")


def test_patterns_are_relative_to_the_root_and_not_to_the_working_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "project" / "tests").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    settings = Settings(root=tmp_path / "project", per_file_ignores=(("/tests", ("HL1",)),))
    assert not selected("HL101", settings, "project/tests/a.py")
    assert selected("HL101", settings, "tests/a.py")


def test_asking_for_one_rule_reads_one_page(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    original = Path.read_text

    def remember(self: Path, *arguments: object, **options: object) -> str:
        read.append(self.name)
        return original(self, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "read_text", remember)
    rulebook._load.cache_clear()
    try:
        assert selected("HL101", choice(select=("HL1",), ignore=("binary-softmax",)))
        assert read == []
        assert not selected("HL117", choice())
        assert read == ["HL117-separate-sigmoid-and-bce.md"]
    finally:
        rulebook._load.cache_clear()
