"""The rule pages: the only home of what is known about a rule beside its check.

A page is ``rules/HL101-softmax-before-cross-entropy.md``: simple ``key: value`` lines between two ``---``, then
Markdown with the sections of ``SECTIONS``. The file's name alone tells code and name, so that asking for one rule
reads one page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from headlint.findings.finding import Severity, rule_url
from headlint.settings import Settings

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

SECTIONS = ("What it does", "Why is this bad?", "Bad", "Good", "Fix safety", "References")

FAMILIES = {
    "HL1": "What the loss receives",
    "HL2": "How many outputs",
    "HL3": "Which axis",
    "HL4": "Bias",
    "HL5": "Gradient flow",
    "HL6": "Labels, metrics, predictions",
    "HL7": "Removed API",
    "HL8": "Found at run time",
    "HL9": "The tool itself",
}
"""The first digit of a code, and what the rules that share it are about."""

FRAMEWORKS = ("torch", "keras", "tensorflow")
FIXES = ("safe", "unsafe", "none")

_HEADER = """\
| Code | Name | What it finds | Severity | Frameworks | Fix |
| ---- | ---- | ------------- | -------- | ---------- | --- |"""

ALL = "ALL"
"""The selector that stands for every rule, also those that are off by default."""

_KEYS = ("code", "name", "severity", "default", "since", "frameworks", "fix", "summary")
_FILE_NAME = re.compile(r"(?P<code>HL\d{3})-(?P<name>[a-z0-9]+(?:-[a-z0-9]+)*)\.md")
_CODE_OR_PREFIX = re.compile(r"HL\d{0,3}")
_EXPECTATION = re.compile(r"#\s*expect:\s*(?P<codes>HL\d{3}(?:\s*,\s*HL\d{3})*)")


class RulebookError(Exception):
    """A rule page does not keep to the form of a rule page."""


class Rule(Struct, frozen=True):
    """A rule as its page describes it. ``text`` is the page's Markdown without the front matter."""

    code: str
    name: str
    severity: Severity
    default: bool
    """Whether the rule is on when nothing is configured."""
    since: str
    frameworks: tuple[str, ...]
    fix: str
    """``safe``, ``unsafe`` or ``none``."""
    summary: str
    sections: Mapping[str, str]
    text: str

    @property
    def file_name(self) -> str:
        """The page's name in the folder of the rules."""
        return f"{self.code}-{self.name}.md"

    @property
    def url(self) -> str:
        """Where the page is published."""
        return rule_url(self.code, self.name)


class Example(Struct, frozen=True):
    """A program of a rule page, and what must be found in it: line (from 1) and code."""

    text: str
    expected: tuple[tuple[int, str], ...]


def load_rules() -> tuple[Rule, ...]:
    """Every rule in the order of the codes.

    Raises RulebookError when a page does not keep to the form.
    """
    return tuple(_load(code) for code in sorted(_pages()))


def find_rule(text: str) -> Rule | None:
    """The rule of that code (in any case) or name, or None. Reads one page at most."""
    code = _code_of(text)
    return _load(code) if code in _pages() else None


def nearest_rule(text: str) -> str:
    """The code or name that is spelt most like the text, to say what may have been meant."""
    from difflib import SequenceMatcher

    wanted = text.strip()
    as_code = re.fullmatch(r"[A-Za-z]{0,3}\d+", wanted)
    matcher = SequenceMatcher(b=wanted.upper() if as_code else wanted.lower())

    def likeness(candidate: str) -> float:
        matcher.set_seq1(candidate)
        return matcher.ratio()

    return max(sorted(_pages() if as_code else _codes_by_name()), key=likeness)


def known_selectors() -> frozenset[str]:
    """What may be selected: codes, their prefixes from ``HL`` on, names and ``ALL``."""
    prefixes = {code[:length] for code in _pages() for length in range(2, 6)}
    return frozenset({ALL, *prefixes, *_codes_by_name()})


def selected(code: str, settings: Settings, path: str = "") -> bool:
    """Whether findings of a rule are reported, in that file if one is given.

    The most specific selector decides, and where two are equally specific the one that ignores. A rule that is off by
    default needs a selector. ``per_file_ignores`` are gitignore patterns relative to ``settings.root``.
    """
    chosen = max(
        _specificity(settings.select, code),
        _specificity(settings.extend_select, code),
        _UNLESS_CONFIGURED if not settings.select and _on_by_default(code) else _NOT_COVERED,
    )
    if chosen == _NOT_COVERED or _specificity(settings.ignore, code) >= chosen:
        return False
    return not (path and _ignored_in_file(code, settings, path))


def examples(rule: Rule, section: str) -> tuple[Example, ...]:
    """The programs in the section ``Bad`` or ``Good`` of a rule's page."""
    return tuple(Example(text, expectations(text)) for text in _programs(rule.sections[section]))


def expectations(program: str) -> tuple[tuple[int, str], ...]:
    """The lines (from 1) that carry ``# expect: HL101, HL203``, once for each code."""
    return tuple(
        (number, code.strip())
        for number, line in enumerate(program.splitlines(), start=1)
        for match in _EXPECTATION.finditer(line)
        for code in match["codes"].split(",")
    )


def index() -> str:
    """The Markdown of ``rules/README.md``: every rule in a table, one for each family."""
    parts = [
        "# The rules\n",
        "A rule is called by its code or by its name, wherever rules are named. "
        "`headlint explain HL101` shows a page in the terminal.\n",
    ]
    for family, title in FAMILIES.items():
        rows = [_row(rule) for rule in load_rules() if rule.code.startswith(family)]
        if rows:
            parts.append("\n".join([f"## {family}: {title}\n", _HEADER, *rows, ""]))
    return "\n".join(parts)


def _row(rule: Rule) -> str:
    severity = rule.severity.value if rule.default else f"{rule.severity.value}, off by default"
    page = f"[{rule.name}]({rule.file_name})"
    cells = (rule.code, page, rule.summary, severity, ", ".join(rule.frameworks), rule.fix)
    return f"| {' | '.join(cells)} |"


# Where the pages are


def _folder() -> Path:
    """The folder of the rules: inside the installed package, else beside the package in the repository."""
    package = Path(__file__).parents[1]
    inside = package / "rules"
    return inside if inside.is_dir() else package.parent / "rules"


@cache
def _pages() -> Mapping[str, Path]:
    """The page of each code."""
    pages: dict[str, Path] = {}
    for page in sorted(_folder().glob("HL*.md")):
        match = _FILE_NAME.fullmatch(page.name)
        if match is None:
            raise RulebookError(f"rules/{page.name}: the file's name should look like HL101-some-name.md")
        if match["code"] in pages:
            raise RulebookError(f"rules/{page.name}: {match['code']} has a page already, {pages[match['code']].name}")
        pages[match["code"]] = page
    if not pages:
        raise RulebookError(f"no rule pages in {_folder()}")
    return pages


@cache
def _codes_by_name() -> Mapping[str, str]:
    return {page.stem.partition("-")[2]: code for code, page in _pages().items()}


def _code_of(text: str) -> str:
    wanted = text.strip()
    return _codes_by_name().get(wanted.lower(), wanted.upper())


# What a page says


@cache
def _load(code: str) -> Rule:
    page = _pages()[code]
    return parse_page(page.name, page.read_text(encoding="utf-8"))


def parse_page(file_name: str, text: str) -> Rule:
    """Read one rule page.

    Raises RulebookError, with the file's name and what is wrong, when it does not keep to the form.
    """
    try:
        return _parse(file_name, text)
    except ValueError as error:
        raise RulebookError(f"rules/{file_name}: {error}") from None


def _parse(file_name: str, text: str) -> Rule:
    front, body = _split_front_matter(text)
    values = dict(_key_and_value(line) for line in front.splitlines() if line.strip())
    missing = [key for key in _KEYS if key not in values]
    unknown = [key for key in values if key not in _KEYS]
    if missing or unknown:
        raise ValueError(f"the front matter lacks {missing} and has the unknown keys {unknown}")
    sections = dict(_sections(body))
    if tuple(sections) != SECTIONS:
        raise ValueError(f"the sections should be {list(SECTIONS)}, but are {list(sections)}")
    rule = Rule(
        code=values["code"],
        name=values["name"],
        severity=Severity(_one_of("severity", values["severity"], [severity.value for severity in Severity])),
        default=_one_of("default", values["default"], ["true", "false"]) == "true",
        since=values["since"],
        frameworks=_frameworks(values["frameworks"]),
        fix=_one_of("fix", values["fix"], FIXES),
        summary=values["summary"],
        sections=sections,
        text=body,
    )
    if rule.file_name != file_name:
        raise ValueError(f"the front matter says {rule.code} and {rule.name}, which is another file name")
    if not body.startswith(f"# {rule.name} ({rule.code})\n"):
        raise ValueError(f"the title should be '# {rule.name} ({rule.code})'")
    return rule


def _split_front_matter(text: str) -> tuple[str, str]:
    match = re.match(r"---\n(?P<front>.*?)\n---\n", text, re.DOTALL)
    if match is None:
        raise ValueError("the page should begin with front matter between two lines '---'")
    return match["front"], text[match.end() :].strip() + "\n"


def _key_and_value(line: str) -> tuple[str, str]:
    key, colon, value = line.partition(":")
    if not colon or not value.strip():
        raise ValueError(f"the front matter's line {line!r} should be 'key: value'")
    return key.strip(), value.strip()


def _one_of(key: str, value: str, allowed: Sequence[str]) -> str:
    if value not in allowed:
        raise ValueError(f"{key} is {value!r}, but should be one of {', '.join(allowed)}")
    return value


def _frameworks(value: str) -> tuple[str, ...]:
    if not (value.startswith("[") and value.endswith("]")):
        raise ValueError(f"frameworks is {value!r}, but should look like [torch, keras]")
    names = [name.strip() for name in value[1:-1].split(",") if name.strip()]
    return tuple(_one_of("frameworks", name, FRAMEWORKS) for name in names)


def _sections(body: str) -> Iterator[tuple[str, str]]:
    title, lines = "", list[str]()
    for line, in_program in _lines(body):
        if line.startswith("## ") and not in_program:
            if title:
                yield title, "\n".join(lines).strip()
            title, lines = line[3:].strip(), []
        elif title:
            lines.append(line)
    if title:
        yield title, "\n".join(lines).strip()


def _programs(section: str) -> Iterator[str]:
    program: list[str] | None = None
    for line, in_program in _lines(section):
        if line == "```python" and in_program:
            program = []
        elif line == "```" and program is not None:
            yield "\n".join(program) + "\n"
            program = None
        elif program is not None:
            program.append(line)


def _lines(markdown: str) -> Iterator[tuple[str, bool]]:
    """Each line, and whether it belongs to a fenced block (the opening fence does, the closing one does not)."""
    fenced = False
    for line in markdown.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        yield line, fenced


# What is selected

_NOT_COVERED = -2
_UNLESS_CONFIGURED = -1


def _specificity(selectors: Sequence[str], code: str) -> int:
    """The length of the longest selector that covers a code; a name counts as the whole code, ``ALL`` as nothing."""
    prefixes = [_prefix(selector) for selector in selectors]
    return max((len(prefix) for prefix in prefixes if code.startswith(prefix)), default=_NOT_COVERED)


def _prefix(selector: str) -> str:
    """The beginning of the codes that a selector stands for; what is no selector stands for no code."""
    wanted = selector.strip().upper()
    if wanted == ALL:
        return ""
    return wanted if _CODE_OR_PREFIX.fullmatch(wanted) else _codes_by_name().get(wanted.lower(), "no code")


def _on_by_default(code: str) -> bool:
    rule = find_rule(code)
    return rule is None or rule.default


def _ignored_in_file(code: str, settings: Settings, path: str) -> bool:
    covering = [pattern for pattern, selectors in settings.per_file_ignores if _specificity(selectors, code) >= 0]
    return bool(covering) and _matches(tuple(covering), _relative(path, settings.root))


def _relative(path: str, root: Path) -> str:
    """A path as gitignore patterns see it: below the root where it is, with forward slashes."""
    absolute = Path(path).absolute()
    for start, below in ((root.absolute(), absolute), (root.resolve(), absolute.resolve())):
        if below.is_relative_to(start):
            return below.relative_to(start).as_posix()
    return absolute.as_posix().lstrip("/")


@lru_cache(maxsize=4096)
def _matches(patterns: tuple[str, ...], path: str) -> bool:
    return _spec(patterns).match_file(path)


@lru_cache(maxsize=256)
def _spec(patterns: tuple[str, ...]) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines(patterns)
