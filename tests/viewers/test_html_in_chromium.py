"""The report in a browser: from a file, with every part at work, and nothing let in."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sfnwatch.model.records import Received
from tests.builders import History, call, event, sync_run
from tests.export.test_hostile import spoiled
from tests.export.traces import RECORDS, printed
from tests.viewers.browser import Page, browser
from tests.viewers.readers import needs_browser

pytestmark = [
    needs_browser,
    # One browser is enough: its tests run one after the other, in one worker.
    pytest.mark.xdist_group("chromium-report"),
]

_WATCH = """
window.trouble = [];
addEventListener("error", e => trouble.push("error " + e.message));
document.addEventListener("securitypolicyviolation",
  e => trouble.push("policy " + e.violatedDirective + " " + e.blockedURI));
for (const level of ["error", "warn"]) console[level] = (...all) => trouble.push(all);
"""
EVIL = "</script><img src=x onerror=window.pwned=1>\u202e\x1b[31m\ud800\u2028'\"&"


class Report:
    """A report that is open in the browser."""

    def __init__(self, page: Page, folder: Path) -> None:
        self.page, self._folder = page, folder

    def open(
        self, records: list[Received], *, scripts: bool = True, target: str = "html"
    ) -> None:
        path = self._folder / f"report.{target}"
        path.write_text(printed(target, records), encoding="utf-8")
        self.page.command("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.page.open(path.as_uri())

    def see(self, script: str) -> Any:
        return self.page.run(f"return {script}")

    def do(self, script: str) -> None:
        self.page.run(script)

    def search(self, words: str) -> list[str]:
        """Search, and give what the rows say that are shown."""
        self.page.run(
            "const field = document.querySelector('input[type=search]');"
            "field.value = args[0]; field.dispatchEvent(new Event('input'));",
            words,
        )
        return self.lines()

    def lines(self) -> list[str]:
        found: list[str] = self.see(
            "[...document.querySelectorAll('.line')].map(line => line.textContent)"
        )
        return found

    def press(self, key: str, where: str = ".body") -> None:
        self.page.run(
            "document.querySelector(args[1]).dispatchEvent("
            "new KeyboardEvent('keydown', {key: args[0], bubbles: true}))",
            key,
            where,
        )

    @property
    def detail(self) -> str | None:
        shown: str | None = self.see(
            "document.getElementById('detail').hidden ? null"
            " : document.getElementById('detail').textContent"
        )
        return shown

    @property
    def chosen(self) -> str:
        told: str = self.see(
            "document.querySelector('.line[aria-selected=true]').textContent"
        )
        return told


@pytest.fixture(name="window", scope="module")
def _window() -> Iterator[Page]:
    with browser(1400, 900) as page:
        yield page


@pytest.fixture(name="report")
def _report(window: Page, tmp_path: Path) -> Iterator[Report]:
    report = Report(window, tmp_path)
    # What goes wrong while a page loads must be heard as well.
    report.page.command("Page.enable")
    report.page.command("Page.addScriptToEvaluateOnNewDocument", source=_WATCH)
    yield report
    report.page.command("Emulation.setScriptExecutionDisabled", value=False)
    report.page.command("Emulation.setEmulatedMedia", media="", features=[])


def test_it_opens_from_a_file_without_trouble_and_asks_for_nothing(
    report: Report,
) -> None:
    report.open(RECORDS["denied"])
    assert report.see("window.trouble") == []
    assert report.see("performance.getEntriesByType('resource').length") == 0
    assert report.see("getComputedStyle(document.querySelector('nav')).position") == (
        "sticky"
    )
    assert len(report.lines()) == 14


def test_what_it_would_load_is_refused_by_its_own_policy(report: Report) -> None:
    """A test of the test: what must not happen would be seen."""
    report.open(RECORDS["sync"])
    report.do(
        "const image = new Image(); image.src = 'http://127.0.0.1:9/x.png';"
        "document.body.append(image);"
        "const script = document.createElement('script');"
        "script.textContent = 'window.pwned = 1'; document.body.append(script);"
        "await new Promise(done => setTimeout(done, 200));"
    )
    told = report.see("window.trouble.join(' ')")
    assert "policy img-src" in told
    assert "policy script-src" in told
    assert report.see("window.pwned === undefined")


def test_the_search_finds_by_words_and_leaves_out(report: Report) -> None:
    report.open(RECORDS["denied"])
    assert len(report.search("describetasks accessdenied")) == 5
    assert "#3" not in "".join(report.search("describetasks accessdenied -#3"))
    (only,) = report.search("#5")
    assert "submitted" in only
    assert report.see("document.querySelector('.count').textContent") == "1 of 14 rows"
    assert report.search("nothing is called this") == []


def test_filters_and_columns_work_together(report: Report) -> None:
    report.open(RECORDS["denied"])
    report.do("document.querySelectorAll('.tools button')[3].click()")
    assert len(report.lines()) == 5
    report.do("document.querySelectorAll('.tools button')[0].click()")
    head = "document.querySelectorAll('.heads button')[0]"
    report.do(f"{head}.click()")
    assert "Execution succeeded" in report.lines()[0]
    sort = report.see(f"{head}.parentElement.getAttribute('aria-sort')")
    assert sort == "descending"


def test_a_findings_evidence_leads_to_its_row_in_table_and_picture(
    report: Report,
) -> None:
    report.open(RECORDS["denied"])
    report.search("nothing is called this")
    report.do("document.querySelector('a.chip[data-ref^=c]').click()")
    assert "DescribeTasks" in report.chosen
    assert "AccessDenied" in (report.detail or "")
    assert report.see("document.querySelectorAll('.row.on').length") == 1


def test_a_mark_in_the_picture_leads_to_its_row(report: Report) -> None:
    report.open(RECORDS["sync"])
    report.do(
        "document.getElementById('l-c0').dispatchEvent("
        "new MouseEvent('click', {bubbles: true}))"
    )
    assert "RunTask" in report.chosen
    assert '"eventName": "RunTask"' in (report.detail or "")


def test_all_can_be_done_by_keyboard(report: Report) -> None:
    report.open(RECORDS["sync"])
    report.press("End")
    assert "Execution succeeded" in report.chosen
    report.press("ArrowUp")
    report.press("Enter")
    assert "TaskStateExited" in (report.detail or "")
    report.press("Escape", "#detail")
    assert report.detail is None
    report.press("/", "body")
    assert report.see("document.activeElement.type") == "search"


def test_payloads_are_opened_and_what_can_not_be_seen_is_written_out(
    report: Report,
) -> None:
    hidden = event(1, "ExecutionStarted", 0, input='{"a": "x\\u202ey"}')
    report.open([hidden])
    report.press("ArrowDown")
    report.press("Enter")
    assert '"a": "x\\u202ey"' in (report.detail or "")


@pytest.mark.parametrize("name", ["shop", "several", "tasks"])
def test_hostile_strings_in_every_field_do_nothing(report: Report, name: str) -> None:
    report.open(spoiled(name, EVIL))
    count = len(report.lines())
    assert count > 10
    report.press("Home")
    for _ in range(count):
        report.press("Enter")
        report.press("ArrowDown")
    assert report.see("window.pwned === undefined")
    assert report.see("document.images.length") == 0
    assert report.see("window.trouble") == []
    for unseen in ("\u202e", "\x1b", "\u2028"):
        shown = report.see("document.body.innerText")
        assert unseen not in shown


def test_without_a_script_the_content_stays(report: Report) -> None:
    report.open(RECORDS["denied"], scripts=False)
    report.page.command("Emulation.setScriptExecutionDisabled", value=False)
    assert report.see("document.querySelectorAll('#static tbody tr').length") == 14
    assert report.see("document.querySelectorAll('svg').length") == 3
    assert report.see("document.querySelector('.tools')") is None
    link = "document.querySelector('a.chip').getAttribute('href')"
    assert report.see(f"document.querySelector({link}) !== null")


def test_it_is_dark_by_night_light_by_day_and_can_be_told(report: Report) -> None:
    report.open(RECORDS["sync"])
    ground = "getComputedStyle(document.body).backgroundColor"
    for scheme, colour in (
        ("dark", "rgb(15, 20, 25)"),
        ("light", "rgb(252, 253, 254)"),
    ):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        report.page.command("Emulation.setEmulatedMedia", features=features)
        assert report.see(ground) == colour
    report.do("const b = document.querySelector('nav button'); b.click(); b.click()")
    assert report.see(ground) == "rgb(15, 20, 25)"


def test_it_is_printed_by_day_without_what_can_only_be_clicked(report: Report) -> None:
    report.open(RECORDS["sync"])
    dark = [{"name": "prefers-color-scheme", "value": "dark"}]
    report.page.command("Emulation.setEmulatedMedia", media="print", features=dark)
    assert (
        report.see("getComputedStyle(document.querySelector('nav')).display") == "none"
    )
    ground = report.see("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(252, 253, 254)"
    width = "document.querySelector('.picture svg').getBoundingClientRect().width"
    assert report.see(f"{width} <= innerWidth")


@pytest.mark.parametrize("width", [420, 1400])
def test_a_page_is_as_wide_as_its_window(report: Report, width: int) -> None:
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    report.page.command("Emulation.setDeviceMetricsOverride", **size)
    report.open(RECORDS["several"])
    assert report.see("document.documentElement.scrollWidth") == width
    report.page.command("Emulation.clearDeviceMetricsOverride")


def test_of_very_many_rows_only_those_in_sight_are_made(report: Report) -> None:
    run = History().start()
    for number in range(3500):
        run.state(f"State {number}")
    report.open(run.end("Failed", error="Oops").records)
    assert "rows" in report.see("document.querySelector('.count').textContent")
    assert len(report.lines()) < 60
    assert "Oops" in report.search("oops")[0]
    report.search("")
    report.press("End")
    assert "Execution failed" in report.chosen
    assert len(report.lines()) < 60


def test_texts_of_a_picture_stay_in_it(report: Report) -> None:
    long = "W" * 80
    records = [
        *sync_run(denied=True),
        call("RunTask", 4, key="other", error=(long, "")),
        event(20, "TaskStateEntered", 320, name=long),
    ]
    report.open(records, target="svg")
    assert report.see("document.documentElement.tagName") == "svg"
    over = report.see(
        "[...document.querySelectorAll('text')].filter(text => {"
        " const box = text.getBBox(), all = document.documentElement.viewBox.baseVal;"
        " return box.x < all.x || box.x + box.width > all.x + all.width;"
        "}).map(text => text.textContent)"
    )
    assert over == []
