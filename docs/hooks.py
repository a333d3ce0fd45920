"""What the site takes from headlint itself while it is built: the rules' pages, and what is reported about a program."""

from __future__ import annotations

import posixpath
import re
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import headlint  # noqa: E402
from headlint.findings.rulebook import FAMILIES, Rule, index, load_rules  # noqa: E402
from headlint.reporting.context import Context  # noqa: E402
from headlint.reporting.html.folded import render_folded  # noqa: E402
from headlint.reporting.text import block  # noqa: E402
from headlint.settings import Settings  # noqa: E402

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>python|headlint)(?P<options>[^\n]*)\n(?P<body>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)
EXPECTATION = re.compile(r"# expect: ")
WIDTH = 76
"""Characters of code that fit beside the navigation."""


def on_config(config: MkDocsConfig) -> None:
    """Put the rules into the navigation, by family."""
    assert config.nav is not None
    families = [
        {f"{family}: {title}": [{f"{rule.code} {rule.name}": _address(rule)} for rule in members]}
        for family, title in FAMILIES.items()
        if (members := [rule for rule in load_rules() if rule.code.startswith(family)])
    ]
    config.nav.append({"Rules": ["rules/index.md", *families]})


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for each rule, and the table of all."""
    from mkdocs.structure.files import File

    pages = {"rules/index.md": index()} | {_address(rule): _page(rule) for rule in load_rules()}
    for address, text in pages.items():
        files.append(File.generated(config, address, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Show what headlint reports, and let ``[HL101]`` lead to the rule."""
    folder = posixpath.dirname(page.file.src_uri)
    links = [f"[{rule.code}]: {posixpath.relpath(_address(rule), folder or '.')}" for rule in load_rules()]
    return "\n".join([_with_reports(markdown), "", *links, ""])


def _address(rule: Rule) -> str:
    return f"rules/{rule.file_name}"


def _page(rule: Rule) -> str:
    """The rule's page with what its front matter says below the title."""
    title, _, rest = rule.text.partition("\n")
    default = "" if rule.default else ", off by default"
    facts = [
        f"**{rule.severity.value}**{default}",
        ", ".join(rule.frameworks) or "any framework",
        "no automatic fix" if rule.fix == "none" else f"automatic fix, {rule.fix}",
        f"since {rule.since}",
    ]
    return f"{title}\n\n{' · '.join(facts)}\n\n{rule.summary}\n{rest}"


def _with_reports(markdown: str) -> str:
    """Fill each block ``headlint`` with what is reported about the last wrong program before it.

    With the option ``picture`` it is what a notebook shows, with the path from the layer to the loss drawn.
    """
    program = ""

    def filled(match: re.Match[str]) -> str:
        nonlocal program
        if match["language"] == "python":
            if EXPECTATION.search(match[0]):
                program = EXPECTATION.sub("# ", textwrap.dedent(match["body"]))
            return EXPECTATION.sub("# ", match[0])
        text = _picture(program) if "picture" in match["options"] else f"```output\n{_report(program)}\n```"
        return textwrap.indent(text, match["indent"])

    return FENCE.sub(filled, markdown)


def _report(program: str) -> str:
    findings, context = _findings(program)
    return "\n\n".join(block(finding, context) for finding in findings)


def _picture(program: str) -> str:
    findings, context = _findings(program)
    html = render_folded(findings, context).replace("<details", "<details open").replace("%headlint", "headlint")
    # Markdown takes HTML as it is up to the first blank line.
    return "\n".join(line for line in html.splitlines() if line.strip())


def _findings(program: str) -> tuple[headlint.Report, Context]:
    settings = Settings(root=ROOT / "docs", cache=False, jobs=1)
    name = "train.py"
    report = headlint.check_source(program, name, settings)
    if not report.findings:
        raise ValueError(f"nothing is reported about\n{program}")
    return report, Context(Path.cwd(), width=WIDTH, sources=lambda path: program)
