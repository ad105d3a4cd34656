"""The report: one file that opens with names and pictures, and loads nothing."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from sfnwatch.export.html import records, rows
from sfnwatch.export.html.report import STATIC
from tests import builders as aws
from tests.export.traces import RECORDS, export, printed


class _Page(HTMLParser):
    """Takes a page apart: its elements, its text by element, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self._inside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._inside and self._inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        self.texts.append((self._inside[-1] if self._inside else "", data))

    def ids(self) -> list[str]:
        return [each["id"] or "" for _, each in self.tags if "id" in each]

    def said(self, *tags: str) -> str:
        return " ".join(text for tag, text in self.texts if not tags or tag in tags)


def data_of(text: str) -> Any:
    found = re.search(r'id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_it_opens_with_names_and_a_picture_and_tells_arns_last() -> None:
    text = export("html", "denied")
    page = _Page(text)
    assert page.said("h1") == "nightly-report › run-7f3a"
    assert "was denied (5 of 5), yet it still succeeded" in page.said("p")
    first_picture, first_arn = text.index("<svg"), text.index("arn:aws:")
    assert text.index("</header>") < first_picture < first_arn
    order = [each for each in page.ids() if re.fullmatch(r"[a-z]+", each)]
    assert order == [
        *("time", "lanes", "graph", "findings", "events", "static"),
        *("executions", "data"),
    ]


@pytest.mark.parametrize("name", RECORDS)
def test_nothing_is_loaded_and_no_id_is_there_twice(name: str) -> None:
    text = export("html", name)
    page = _Page(text)
    assert text.isascii()
    loading = {"src", "srcset", "action", "data", "poster", "background"}
    for tag, attributes in page.tags:
        assert not loading & attributes.keys(), tag
        assert not any(key.startswith("on") for key in attributes), tag
        link = attributes.get("href") or "#"
        assert link.startswith("#") or link == "data:,"
    ids = page.ids()
    assert len(set(ids)) == len(ids)
    targets = {(a.get("href") or "#")[1:] for t, a in page.tags if t == "a"} - {""}
    assert targets <= set(ids)


def test_its_policy_admits_its_own_style_and_script_and_nothing_else() -> None:
    text = export("html", "sync")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy is not None
    told = policy[1].replace("&#39;", "'")
    assert told.startswith("default-src 'none'; ")
    for tag in ("style", "script"):
        body = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)[0]
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in told


def test_of_several_executions_each_has_a_card() -> None:
    page = _Page(export("html", "several"))
    assert page.said("h1") == "3 executions: sync, async and sdk"
    cards = [a["class"] for t, a in page.tags if t == "article"]
    assert cards == ["card good"] * 3
    assert {"sync", "async", "sdk"} <= set(page.said("h2").split())


def test_a_failure_says_why_before_all_else() -> None:
    text = export("html", "failing")
    why = text.index('class="why"')
    assert why < text.index("<main>")
    assert "States.TaskFailed" in text[why : why + 200]
    first = _Page(text).said("h4").split("Where")[0]
    assert first.startswith("What failed")


def test_the_table_holds_every_event_and_call_with_its_record() -> None:
    data = data_of(export("html", "tasks"))
    rows = data["rows"]
    assert len(rows) == len(data["records"]) == 8 + 6 + 5
    kinds = [data["words"][row[2]] for row in rows]
    assert kinds.count("ecs") == 6
    assert kinds.count("ECS Task State Change") == 5
    place = kinds.index("TaskSubmitted")
    assert data["records"][place]["type"] == "TaskSubmitted"


def test_evidence_leads_to_the_table_and_without_a_script_to_the_picture() -> None:
    page = _Page(export("html", "denied"))
    chips = [a for t, a in page.tags if t == "a" and "data-ref" in a]
    assert chips
    refs = {f"e{r[1]}-{r[6]}" for r in data_of(export("html", "denied"))["rows"]}
    assert all(a["data-ref"] in refs or a["data-ref"][0] == "c" for a in chips)  # type: ignore[index]
    assert any((a["href"] or "").startswith("#l-c") for a in chips)


def test_without_a_script_the_first_rows_are_there() -> None:
    run = aws.History(pace=0.01).start()
    for number in range(80):
        run.state(f"State {number}")
    text = printed("html", run.end().records)
    page = _Page(text)
    assert "62 more rows are in this file" in page.said("p")
    assert len(
        re.findall(r"<tr", text.split('id="static"')[1].split("</table>")[0])
    ) == (1 + STATIC)


def test_records_are_cut_until_the_report_can_be_mailed_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(records, "BUDGET", 1 << 19)
    run = aws.History(pace=0.01).start()
    for number in range(40):
        run.add("PassStateEntered", name=f"S{number}", input="x" * 100_000)
        run.add("PassStateExited", name=f"S{number}", output="{}")
    text = printed("html", run.end().records)
    assert len(text) < records.BUDGET + (1 << 18)
    data = data_of(text)
    assert data["cut"] is not None
    assert any("… " in str(record) for record in data["records"])


def test_where_even_short_records_are_too_many_failures_keep_theirs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(records, "BUDGET", 900)
    data = data_of(printed("html", RECORDS["failing"]))
    kept = [r for r, row in zip(data["records"], data["rows"], strict=True) if r]
    bad = [r for r, row in zip(data["records"], data["rows"], strict=True) if row[5]]
    assert 0 < len(kept) < len(data["rows"])
    assert all(bad)


def test_every_row_is_explained_in_a_sentence_unless_there_are_very_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = data_of(export("html", "denied"))
    assert len(data["sentences"]) == len(data["rows"])
    assert data["sentences"][0].startswith("Execution run-7f3a of nightly-report")
    monkeypatch.setattr(rows, "EXPLAINED", len(data["rows"]) - 1)
    assert data_of(printed("html", RECORDS["denied"]))["sentences"] == []
