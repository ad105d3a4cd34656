"""The report: whole without a script, harmless with any string, loading nothing."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from importlib.resources import files
from io import StringIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.export import html
from sfnwatch.export.html_records import in_script, records_of
from sfnwatch.export.html_refs import refs_of
from sfnwatch.trace.events import From, Received
from sfnwatch.trace.lanes import build_lanes
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import ARN, call, event, sync_calls, sync_history, sync_run
from tests.export.drawing import crowd, run
from tests.trace.test_hostile import everything, hostile, safe, spoil

_VOID = {"meta", "link", "input"}


class Page(HTMLParser):
    """A report, read as a browser would."""

    def __init__(self, trace: Trace) -> None:
        super().__init__()
        out = StringIO()
        html.dump(trace, out)
        self.source = out.getvalue()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.inside: dict[str, str] = {}
        self.said: list[str] = []
        self._open: list[tuple[str, str]] = []
        self.feed(self.source)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append((tag, given))
        if tag not in _VOID:
            self._open.append((tag, given.get("id", "")))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        tag, key = self._open[-1] if self._open else ("", "")
        if tag in {"style", "script"}:
            name = f"{tag} {key}".strip()
            self.inside[name] = self.inside.get(name, "") + data
        else:
            self.said.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.said).split())

    @property
    def ids(self) -> list[str]:
        return [given["id"] for _, given in self.tags if "id" in given]

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = json.loads(self.inside["script data"])
        return data

    def of(self, tag: str) -> list[dict[str, str]]:
        return [given for name, given in self.tags if name == tag]


def hashed(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_what_one_wants_to_know_is_there_without_a_script() -> None:
    text = Page(run(denied=True)).text
    assert "nightly-report › run-7f3a" in text
    assert "Succeeded 5m 09s" in text
    assert "5 of 5 polls were denied" in text
    assert "inference" in text
    assert "TaskSubmitted" in text
    assert "DescribeTasks #1" in text


def test_the_policy_forbids_everything_but_the_pages_own_style_and_script() -> None:
    page = Page(run())
    (policy,) = [m["content"] for m in page.of("meta") if "http-equiv" in m]
    rules = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert rules == {
        "default-src": "'none'",
        "style-src": f"'sha256-{hashed(page.inside['style'])}'",
        "script-src": f"'sha256-{hashed(page.inside['script'])}'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    # The policy comes before all that it has to judge.
    names = [tag for tag, _ in page.tags]
    assert names.index("meta") < names.index("style") < names.index("script")


def test_nothing_is_loaded_and_no_attribute_is_a_style_or_a_script() -> None:
    page = Page(extend(Trace(), everything()))
    for tag, has in page.tags:
        assert tag not in {"img", "iframe", "object", "embed", "base", "form"}
        assert not any(name == "style" or name.startswith("on") for name in has)
        assert "src" not in has
        for name in ("href", "xlink:href"):
            assert has.get(name, "#").startswith(("#", "data:,"))
    assert "@import" not in page.source
    assert "url(" not in page.source


def test_the_style_and_the_script_are_ascii_and_so_is_the_page() -> None:
    for name in ("report.css", "report.js"):
        assert files("sfnwatch.export").joinpath(name).read_bytes().isascii()
    assert Page(extend(Trace(), everything())).source.isascii()


def test_evidence_leads_to_a_row_of_the_picture_and_of_the_table() -> None:
    page = Page(run(denied=True))
    chips = [given for given in page.of("a") if "data-ref" in given]
    assert chips
    ids = set(page.ids)
    refs = {
        f"c{row[6]}" if len(row) > 7 else f"e{row[1]}-{row[6]}"
        for row in page.data["rows"]
    }
    for chip in chips:
        assert chip["href"].removeprefix("#") in ids
        assert chip["data-ref"] in refs
    assert any(chip["href"].startswith("#l-c") for chip in chips)


def test_no_id_is_there_twice_and_every_link_leads_somewhere() -> None:
    page = Page(extend(Trace(), [*sync_run(), *sync_history(ARN + "-2")]))
    assert len(page.ids) == len(set(page.ids))
    for link in page.of("a"):
        assert link["href"].removeprefix("#") in page.ids


def test_the_table_has_every_event_and_call_once_with_its_record() -> None:
    trace = run()
    data = Page(trace).data
    rows = build_lanes(trace, joined=False).rows
    assert len(data["rows"]) == len(rows) == len(data["records"]) == 14
    assert data["cut"] is None
    assert len(data["sentences"]) == 14
    kinds = {data["words"][row[2]] for row in data["rows"]}
    assert {"ecs", "TaskSubmitted", "ExecutionSucceeded"} <= kinds
    assert data["begin"] == "2023-11-15T00:28:24.102Z"
    assert [row[0] for row in data["rows"]][:3] == [0, 30, 30]
    assert data["records"] == [
        dict(row.call.raw if row.call else row.events[0].raw) for row in rows
    ]


def test_several_executions_have_a_card_and_a_heading_each() -> None:
    page = Page(extend(Trace(), [*sync_run(), *sync_history(ARN + "-2")]))
    assert page.text.count("Succeeded 5m 09s") == 2
    assert "2 executions" in page.text
    assert page.data["executions"] == ["run-7f3a", "run-7f3a-2"]
    assert sum(
        given.get("class", "").startswith("card ") for given in page.of("article")
    )


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([], "API calls"),
        (sync_history(), "There is no CloudTrail"),
        (sync_calls(), "DescribeTasks"),
        (sync_history()[:5], "Running"),
    ],
    ids=["nothing", "history", "calls", "running"],
)
def test_there_is_a_report_of_whatever_is_known(
    records: list[Received], words: str
) -> None:
    page = Page(extend(Trace(), records))
    assert words in page.text
    assert page.data["rows"] or not records
    assert all(link["href"].removeprefix("#") in page.ids for link in page.of("a"))


@settings(max_examples=15, deadline=None)
@given(st.permutations(sync_run(denied=True)))
def test_equal_traces_give_equal_reports(records: list[Received]) -> None:
    one, other = StringIO(), StringIO()
    html.dump(extend(Trace(), records), one)
    html.dump(run(denied=True), other)
    assert one.getvalue() == other.getvalue()


@settings(max_examples=40, deadline=None)
@given(hostile)
def test_no_string_of_any_record_becomes_markup(text: str) -> None:
    evil = f"</script></style><img src=x onerror=alert(1)><!--&'\"`{text}"
    fine = Page(extend(Trace(), everything()))
    page = Page(extend(Trace(), [spoil(record, evil) for record in everything()]))
    assert {tag for tag, _ in page.tags} <= {tag for tag, _ in fine.tags} | {"details"}
    assert len(page.of("script")) == 2
    assert page.inside["script"] == fine.inside["script"]
    assert "<" not in page.inside["script data"]
    assert all(safe(line) for each in page.said for line in each.split("\n"))
    assert page.data["rows"]


def test_a_report_of_very_much_stays_small_and_says_what_it_cut() -> None:
    payload = json.dumps({"key": "x" * 3000})
    records = [
        Received(r.at, r.source, r.execution_arn, {**r.data, "filler": payload})
        for r in crowd(1200)
    ]
    page = Page(extend(Trace(), records))
    assert len(page.source) < 8 << 20
    assert page.data["cut"] is not None
    assert page.data["sentences"] == []
    fillers = {r["filler"][-18:] for r in page.data["records"] if r}
    assert all(each.endswith("more") for each in fillers)
    static = page.source.partition('id="static"')[2].partition("</table>")[0]
    assert static.count("<tr") == 101
    assert "more rows are in this file" in page.text


def test_where_nothing_is_small_enough_failures_keep_their_records() -> None:
    rows = build_lanes(extend(Trace(), crowd(50)), joined=False).rows
    text, cut = records_of(rows, budget=6000)
    records = json.loads(text)
    assert cut == 40
    assert len(records) == len(rows)
    failed = [
        record
        for record, row in zip(records, rows, strict=True)
        if row.events[0].type == "LambdaFunctionFailed"
    ]
    assert len(failed) == 7
    assert all(failed)
    assert None in records


deep: Any = "end"
for _ in range(3000):
    deep = [deep]


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), deep, {"a": "b" * 200_000}, ["c" * 99] * 9999],
    ids=["nan", "infinity", "deep", "long", "many"],
)
def test_a_record_that_is_no_plain_json_spoils_no_other(value: Any) -> None:
    data = {**event(1, "ExecutionStarted", 0).data, "odd": value}
    odd = Received(None, From.HISTORY, ARN, data)
    fine = event(2, "ExecutionSucceeded", 1)
    records = Page(extend(Trace(), [odd, fine])).data["records"]
    assert records[1] == fine.data
    assert len(json.dumps(records[0])) < 200_000


@given(st.text(st.characters()))
def test_json_in_a_script_is_the_same_json(text: str) -> None:
    escaped = in_script(json.dumps(text))
    assert json.loads(escaped) == text
    assert not re.search("[<>&]", escaped)


def test_evidence_that_is_nowhere_leads_nowhere() -> None:
    refs = refs_of(run())
    assert refs.of_evidence("#5", ARN) == "e0-5"
    assert refs.of_evidence("run", ARN) == "c0"
    assert refs.of_evidence("#5", None) is None
    assert refs.of_evidence("#x", ARN) is None
    assert refs.of_evidence("never", ARN) is None


def test_calls_of_others_are_counted_at_the_end() -> None:
    stranger = call(
        "RunTask", 1, key="x", role="arn:aws:iam::1:role/o", invoked_by=None
    )
    text = Page(extend(Trace(), [*sync_run(), stranger])).text
    assert "1 call of others, or of X-Ray, not shown." in text
