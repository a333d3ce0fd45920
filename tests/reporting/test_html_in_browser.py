"""The page in a real browser: what it asks of the network, filter and search, links, colours, phones."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

import headlint
from headlint.cli.main import main
from headlint.cli.sources import Sources, drawer
from headlint.findings.finding import Report
from headlint.findings.measured import Measured
from headlint.reporting import render
from headlint.reporting.context import Context
from headlint.settings import Settings

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium drives the browser")
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

FIXTURES = Path(__file__).parents[2] / "fixtures"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
DESKTOP, PHONE = (1280, 900), (390, 844)
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class Browser:
    """A browser with one tab."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(self, page: Path, fragment: str = "", size: tuple[int, int] = DESKTOP, dark: bool = False) -> None:
        """A page, freshly loaded."""
        self.driver.get("about:blank")
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=size[0],
            height=size[1],
            deviceScaleFactor=1,
            mobile=size == PHONE,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.command("Emulation.setEmulatedMedia", features=[scheme])
        self.driver.get(f"{page.as_uri()}{fragment}")

    def command(self, name: str, **parameters: object) -> Any:
        return self.driver.execute_cdp_cmd(name, parameters)

    def run(self, script: str) -> Any:
        return self.driver.execute_script(script)

    def all(self, selector: str) -> list[Any]:
        return list(self.driver.find_elements(By.CSS_SELECTOR, selector))

    def one(self, selector: str) -> Any:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def wait(self, script: str) -> None:
        WebDriverWait(self.driver, 20).until(lambda driver: driver.execute_script(script))

    def shown(self) -> list[str]:
        """The rules of the findings that can be seen."""
        rules: list[str] = self.run(
            "return [...document.querySelectorAll('.finding')].filter(one => one.offsetParent).map(one => one.dataset.rule)"
        )
        return rules


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    control = shutil.which("chromedriver")
    if program is None or control is None:
        pytest.skip("needs Chromium and chromedriver (Debian: apt-get install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(control))
    yield Browser(driver)
    driver.quit()


def page_of(*paths: Path, file: Path, **changes: Any) -> tuple[Path, Report]:
    settings = Settings(root=FIXTURES, jobs=1, cache=False)
    report = headlint.check_paths(paths, settings)
    sources = Sources()
    context = Context(
        FIXTURES, sources=sources.text, cell_sources=sources.cell, fix_for=sources.fix, draw=drawer(paths, settings)
    )
    file.write_text(render("html", report, replace(context, **changes)), encoding="utf-8")
    return file, report


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    return page_of(FIXTURES / "questions", file=tmp_path_factory.mktemp("pages") / "questions.html")


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Several files, several cells, the curves of a built model, all on one page."""
    measured = Measured("confirmed", "Every row sums to 1.", (1.1, 1.0, 0.9), (1.1, 0.6, 0.2), 0.55)
    paths = [FIXTURES / "projects" / "three_imports_away_bad", FIXTURES / "notebooks"]
    file = tmp_path_factory.mktemp("pages") / "several.html"
    return page_of(*paths, file=file, measured_for=lambda finding: measured)[0]


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return page_of(
        FIXTURES / "projects" / "three_imports_away_good", file=tmp_path_factory.mktemp("pages") / "clean.html"
    )[0]


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program and a folder whose names and texts are made to break out of the page."""
    folder = tmp_path_factory.mktemp("attacked") / "<img src=x onerror=document.title='owned'>"
    folder.mkdir()
    attack = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    text = (FIXTURES / "questions" / "q1_softmax_in_the_model_bad.py").read_text(encoding="utf-8")
    file = folder / "\"'><script>document.title='owned'<!--.py"
    file.write_text(
        f"# {attack}\n{text}".replace("self.fc(x), dim=1)", f"self.fc(x), dim=1)  # {attack}"), encoding="utf-8"
    )
    return page_of(folder, file=folder.parent / "page.html")[0]


def logged(browser: Browser) -> tuple[list[str], list[str]]:
    """What was asked of the network since last time, and what the console complained of."""
    events = [json.loads(entry["message"])["message"] for entry in browser.driver.get_log("performance")]
    asked = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    return asked, [entry["message"] for entry in browser.driver.get_log("browser")]


@pytest.mark.parametrize("name", ["questions", "several", "clean", "attacked"])
def test_no_request_and_no_complaint(browser: Browser, name: str, request: pytest.FixtureRequest) -> None:
    given = request.getfixturevalue(name)
    page = given[0] if isinstance(given, tuple) else given
    logged(browser)
    browser.open(page)
    browser.run("document.querySelectorAll('details').forEach(one => one.open = true)")
    asked, complaints = logged(browser)
    assert [url for url in asked if not url.startswith(("data:", "about:"))] == [page.as_uri()]
    assert complaints == []


def test_what_the_program_says_is_not_obeyed(browser: Browser, attacked: Path) -> None:
    browser.open(attacked)
    assert browser.driver.title.startswith("headlint: ")
    assert len(browser.all("script")) == 1
    assert browser.all("img") == []
    assert "document.title='owned'" in browser.one(".finding").text


def test_the_policy_stops_what_would_get_through(
    browser: Browser, tmp_path: Path, questions: tuple[Path, Report]
) -> None:
    page = tmp_path / "page.html"
    injected = "<script>document.title='owned'</script><img src='https://example.org/x.png'>"
    page.write_text(
        questions[0].read_text(encoding="utf-8").replace("<footer>", f"{injected}<footer>"), encoding="utf-8"
    )
    browser.open(page)
    _, complaints = logged(browser)
    assert browser.driver.title.startswith("headlint: ")
    assert sum("Content Security Policy" in complaint for complaint in complaints) == 2


@pytest.mark.parametrize("size", [DESKTOP, PHONE, (320, 600)])
@pytest.mark.parametrize("name", ["questions", "several", "clean", "attacked"])
def test_the_page_is_never_wider_than_the_window(
    browser: Browser, name: str, size: tuple[int, int], request: pytest.FixtureRequest
) -> None:
    given = request.getfixturevalue(name)
    browser.open(given[0] if isinstance(given, tuple) else given, size=size)
    browser.run("document.querySelectorAll('details').forEach(one => one.open = true)")
    browser.run("document.querySelectorAll('.model, .finding').forEach(one => one.style.contentVisibility = 'visible')")
    assert browser.run("return document.documentElement.scrollWidth") <= size[0]


def test_filters(browser: Browser, questions: tuple[Path, Report]) -> None:
    page, report = questions
    every = sorted(finding.code for finding in report)
    browser.open(page)
    assert sorted(browser.shown()) == every
    browser.one("[name=severity][value=error]").click()
    rest = sorted(finding.code for finding in report if finding.severity.value != "error")
    assert sorted(browser.shown()) == rest
    assert browser.one("#count").text == f"{len(rest)} of {len(every)} findings"
    browser.one("[name=severity][value=error]").click()
    browser.one("#rule option[value=HL101]").click()
    assert set(browser.shown()) == {"HL101"}
    browser.one("#rule option[value='']").click()
    file = next(option for option in browser.all("#file option") if option.text.endswith("q5_two_probabilities_bad.py"))
    file.click()
    assert sorted(browser.shown()) == ["HL101", "HL203"]
    assert len([model for model in browser.all(".model") if model.is_displayed()]) == 1


def test_search_looks_at_everything_that_is_shown(browser: Browser, questions: tuple[Path, Report]) -> None:
    page, report = questions
    browser.open(page)
    browser.one("body").send_keys("/")
    assert browser.run("return document.activeElement.id") == "search"
    browser.one("#search").send_keys("ImageClassifier TWICE")
    browser.wait("return document.getElementById('count').textContent.startsWith('1 of')")
    assert browser.shown() == ["HL101"]
    browser.one("#search").send_keys(" nowhere at all")
    browser.wait("return !document.getElementById('nothing').hidden")
    assert browser.shown() == []
    browser.one("#reset").click()
    assert len(browser.shown()) == len(report.findings)


def test_a_link_leads_to_its_finding_even_when_it_is_filtered_away(
    browser: Browser, questions: tuple[Path, Report]
) -> None:
    page, report = questions
    browser.open(page)
    last = browser.all(".finding")[-1].get_attribute("id")
    browser.open(page, f"#{last}")
    inside = f"const box = document.getElementById('{last}').getBoundingClientRect(); return box.top >= 0 && box.top < innerHeight"
    browser.wait(inside)
    browser.open(page)
    browser.one("#search").send_keys("nowhere at all")
    browser.wait("return !document.getElementById('nothing').hidden")
    browser.run(f"location.hash = '{last}'")
    browser.wait(inside)
    assert len(browser.shown()) == len(report.findings)


def test_keys_go_from_finding_to_finding(browser: Browser, questions: tuple[Path, Report]) -> None:
    browser.open(questions[0])
    names = [finding.get_attribute("id") for finding in browser.all(".finding")]
    body = browser.one("body")
    body.send_keys("jjjk")
    assert browser.run("return location.hash") == f"#{names[1]}"


def test_a_rule_is_read_without_losing_the_place(browser: Browser, questions: tuple[Path, Report]) -> None:
    browser.open(questions[0])
    link = browser.one("a[href='#rule-HL101']")
    browser.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", link)
    before = browser.run("return scrollY")
    link.click()
    assert browser.one("#reader h2").text == "HL101 softmax-before-cross-entropy"
    assert "Why is this bad?" in browser.one("#reader-text").text
    browser.one("#reader").send_keys(Keys.ESCAPE)
    assert not browser.one("#reader").is_displayed()
    assert browser.run("return scrollY") == before


def test_light_and_dark(browser: Browser, questions: tuple[Path, Report]) -> None:
    ground = "return getComputedStyle(document.body).backgroundColor"
    browser.open(questions[0])
    light = browser.run(ground)
    browser.open(questions[0], dark=True)
    dark = browser.run(ground)
    assert light != dark
    browser.one("#theme").click()
    assert browser.run(ground) == light
    browser.driver.refresh()
    assert browser.run(ground) == light
    browser.run("localStorage.clear()")


CONTRASTS = """
const canvas = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
function channels(colour) {
  canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data];
}
function luminance(colour) {
  const [r, g, b] = channels(colour).slice(0, 3).map(one => one / 255)
    .map(one => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function ground(element) {
  for (let one = element; one; one = one.parentElement) {
    const colour = getComputedStyle(one).backgroundColor;
    if (channels(colour)[3] === 255) return colour;
  }
}
const found = {};
let texts = 0;
for (const element of document.querySelectorAll("body *:not(script, dialog, dialog *)")) {
  if (![...element.childNodes].some(node => node.nodeType === 3 && node.data.trim())) continue;
  texts += 1;
  const style = getComputedStyle(element);
  const [text, behind] = [style.color, ground(element)];
  const [dark, bright] = [luminance(text), luminance(behind)].sort((a, b) => a - b);
  const ratio = (bright + 0.05) / (dark + 0.05);
  if (ratio < 4.5) found[`${element.tagName} ${element.className}: ${text} on ${behind}`] = ratio;
}
return [texts, found];
"""
"""The number of texts, and those whose contrast is below 4.5, which WCAG 2.2 asks for on level AA (success criterion 1.4.3)."""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["questions", "several", "clean"])
def test_every_text_stands_out_from_its_ground(
    browser: Browser, name: str, dark: bool, request: pytest.FixtureRequest
) -> None:
    given = request.getfixturevalue(name)
    browser.open(given[0] if isinstance(given, tuple) else given, dark=dark)
    browser.run("document.querySelectorAll('details').forEach(one => one.open = true)")
    texts, faint = browser.run(CONTRASTS)
    assert texts > 5
    assert faint == {}


def test_controls_have_names(browser: Browser, questions: tuple[Path, Report]) -> None:
    browser.open(questions[0])
    for role in ("button", "searchbox", "combobox", "checkbox", "link"):
        nodes = browser.command("Accessibility.getFullAXTree")["nodes"]
        named = [node.get("name", {}).get("value", "") for node in nodes if node.get("role", {}).get("value") == role]
        assert named, role
        assert all(name.strip() for name in named), role
    landmarks = {node.get("role", {}).get("value") for node in nodes}
    assert {"main", "banner", "search", "contentinfo", "article", "heading"} <= landmarks


def test_without_scripts_everything_can_be_read(browser: Browser, questions: tuple[Path, Report]) -> None:
    page, report = questions
    browser.command("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(page)
        assert not browser.one("#filters").is_displayed()
        assert not browser.one("#theme").is_displayed()
        text = browser.one("main").text
        assert all(finding.message in text for finding in report)
        browser.one("a[href='#rule-HL501']").click()
        assert browser.driver.current_url.endswith("#rule-HL501")
        browser.one("#rule-HL501 summary").click()
        assert "Why is this bad?" in browser.one("#rule-HL501").text
    finally:
        browser.command("Emulation.setScriptExecutionDisabled", value=False)


def test_the_broken_joint_leads_to_its_finding(browser: Browser, several: Path) -> None:
    browser.open(several)
    joint = browser.one(".drawing .loss.broken .joint a")
    assert joint.text.startswith("HL")
    target = joint.get_attribute("href").partition("#")[2]
    browser.run("document.querySelector('.drawing .loss.broken .joint a').click()")
    assert browser.run("return document.querySelector('.finding:target')?.id") == target


def test_the_curves_are_drawn(browser: Browser, several: Path) -> None:
    browser.open(several)
    box = browser.run(
        "const chart = document.querySelector('.chart'); chart.scrollIntoView();"
        "return [...chart.querySelectorAll('polyline')].map(one => one.getBoundingClientRect().height)"
    )
    written, fixed = box
    assert 0 < written < fixed


def test_thousands_of_findings_stay_usable(browser: Browser, tmp_path: Path, questions: tuple[Path, Report]) -> None:
    _, report = questions
    text = Sources()
    many = tuple(
        structs.replace(finding, message=f"{finding.message} ({number})", model=f"{finding.model}{number}")
        for number in range(2000 // len(report.findings) + 1)
        for finding in report.findings
    )
    page = tmp_path / "many.html"
    context = Context(FIXTURES, sources=text.text, cell_sources=text.cell)
    page.write_text(render("html", Report(many, (), 2000), context), encoding="utf-8")
    assert page.stat().st_size < 10_000_000
    browser.open(page)
    assert browser.one("#count").text == f"{len(many)} findings"
    browser.one("#search").send_keys("(42)")
    browser.wait(f"return document.getElementById('count').textContent.startsWith('{len(report.findings)} of')")
    name = browser.run("return findings[1500].id")
    browser.open(page, f"#{name}")
    browser.wait(
        f"const top = document.getElementById('{name}').getBoundingClientRect().top; return top >= 0 && top < innerHeight"
    )


def test_confirmed_by_the_built_model(browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch", reason="builds a model of PyTorch")
    monkeypatch.chdir(FIXTURES / "questions")
    page = tmp_path / "confirmed.html"
    arguments = ["--confirm", "--train-steps", "30", "--timeout", "120", "--output-format", "html", "-o", str(page)]
    assert main(["check", "--no-cache", *arguments, "q1_softmax_in_the_model_bad.py"]) == 1
    browser.open(page)
    assert "Built model: confirmed" in browser.one(".measured").text
    assert len(browser.all(".measured polyline")) == 2
    browser.one(".built summary").click()
    assert [cell.text for cell in browser.all(".built tbody td:nth-child(2)")] == ["Conv2d", "Linear"]
