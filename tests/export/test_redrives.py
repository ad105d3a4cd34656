"""A redrive in every way out: where rows are listed it is one of them."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from sfnwatch.export import (
    csv,
    html,
    mermaid,
    otlp,
    perfetto,
    text,
)
from sfnwatch.export import (
    json as as_json,
)
from sfnwatch.export.lines import PlainLines
from sfnwatch.export.report_markdown import write_markdown
from sfnwatch.export.report_text import write_text
from sfnwatch.export.svg_gantt import gantt_svg
from sfnwatch.export.svg_lanes import lanes_svg
from sfnwatch.trace.report import report
from sfnwatch.trace.timeline import Trace, extend
from tests.redriven import redriven_run

TRACE = extend(Trace(), redriven_run())
SEAM = "⟲ Redriven (1st time), 12m 00s after it failed"


def dumped(dump: Callable[..., Any]) -> str:
    out = io.StringIO()
    dump(TRACE, out)
    return out.getvalue()


@pytest.mark.parametrize("module", [text, csv, mermaid, perfetto])
def test_the_seam_is_in_its_words(module: Any) -> None:
    assert SEAM in dumped(module.dump).replace("#colon;", ":").replace("#44;", ",")


def test_a_text_draws_it_across_both_lanes() -> None:
    (line,) = [line for line in dumped(text.dump).splitlines() if SEAM in line]
    left, time, right = line.partition("00:40:27.122")
    assert time, line
    assert "━━━" in left
    assert "━━━━━━━━" in right


def test_plain_lines_have_it_as_a_line_of_its_own() -> None:
    out = io.StringIO()
    lines = PlainLines(out, lambda _: None)
    lines(tuple(redriven_run()))
    (line,) = [line for line in out.getvalue().splitlines() if SEAM in line]
    assert line.startswith("00:40:27.122  state  ⟲")


def test_json_tells_of_it_and_visits_keep_their_tries() -> None:
    (execution,) = json.loads(dumped(as_json.dump))["executions"]
    assert execution["status"] == "SUCCEEDED"
    assert execution["redrives"] == [
        {
            "event": 7,
            "number": 1,
            "at": "2023-11-15T00:40:27.122Z",
            "ended_event": 6,
            "ended_as": "FAILED",
            "stopped_seconds": 720.0,
        }
    ]
    (visit,) = execution["visits"]
    assert visit["status"] == "succeeded"
    assert [tried["status"] for tried in visit["attempts"]] == ["failed", "succeeded"]
    assert "redriven" in {finding["kind"] for finding in execution["findings"]}


def test_otlp_has_the_end_that_was_none_and_the_redrive_on_the_execution() -> None:
    told = json.loads(dumped(otlp.dump))
    spans = [
        span
        for resource in told["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]
    (execution,) = [span for span in spans if not span.get("parentSpanId")][:1]
    names = [event["name"] for event in execution["events"]]
    assert names[:3] == ["ended", "exception", "redriven"]
    times = [int(event["timeUnixNano"]) for event in execution["events"]]
    assert times == sorted(times)


def test_perfetto_shows_the_stop_as_a_phase_and_the_redrive_as_a_point() -> None:
    events = json.loads(dumped(perfetto.dump))["traceEvents"]
    stopped = [e for e in events if e.get("cat") == "stopped"]
    assert [event["dur"] for event in stopped] == [720_000_000]
    (point,) = [e for e in events if e.get("cat") == "redriven"]
    assert (point["ph"], point["name"]) == ("i", SEAM)


def test_the_pictures_have_a_line_for_it() -> None:
    assert "⟲ Redriven (1st time)" in lanes_svg(TRACE)
    assert "⟲ redriven 00:40:27" in gantt_svg(TRACE)


def test_a_page_says_how_it_went() -> None:
    page = dumped(html.dump)
    assert "FAILED after 3 s, redriven 12 min later, SUCCEEDED after" in page


@pytest.mark.parametrize("write", [write_text, write_markdown])
def test_a_report_says_how_it_went(write: Callable[..., None]) -> None:
    out = io.StringIO()
    write(report(TRACE), out)
    told = " ".join(out.getvalue().split())
    assert (
        "FAILED after 3 s, redriven 12 min later, SUCCEEDED after 1 min 20 s more."
        in told
    )
