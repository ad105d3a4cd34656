"""What ECS told of a task, in each of the exports that has a place for it."""

import io
import json
import re
from types import ModuleType
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from sfnwatch.export import csv, html, mermaid, otlp, perfetto, svg, text
from sfnwatch.export.html_refs import refs_of
from sfnwatch.export.json import trace_json
from sfnwatch.export.lines import PlainLines
from sfnwatch.export.stream import JsonLines
from sfnwatch.trace.events import Received
from sfnwatch.trace.lanes import build_lanes
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import ARN, START, TASK_ARN, call, sync_calls, sync_history
from tests.ecs import LIFE, task_life, task_state
from tests.trace.finding import task_arn
from tests.trace.test_findings_failures import left_alone

WHOLE = [*sync_history(), *sync_calls(), *task_life()]
KEYS = [f"task#{TASK_ARN}#{version}" for version in range(1, 6)]


def dumped(form: ModuleType, *records: Received) -> str:
    out = io.StringIO()
    form.dump(extend(Trace(), records or WHOLE), out)
    return out.getvalue()


@pytest.mark.parametrize("form", [csv, html, mermaid, otlp, perfetto, svg, text])
def test_without_task_states_no_export_speaks_of_them(form: ModuleType) -> None:
    bare = dumped(form, *sync_history(), *sync_calls())
    assert "PROVISIONING" not in bare
    assert "ECS task<" not in bare


def test_a_spreadsheet_has_events_and_calls_only() -> None:
    assert dumped(csv) == dumped(csv, *sync_history(), *sync_calls())


def test_the_text_has_them_among_the_calls_with_their_time() -> None:
    lines = dumped(text).splitlines()
    (line,) = [each for each in lines if "RUNNING" in each]
    assert line.startswith("│")
    assert "00:28:55.102" in line
    assert line.endswith("task 9f018ef6  ● RUNNING")


def test_a_mermaid_diagram_notes_them_at_their_state() -> None:
    lines = dumped(mermaid).splitlines()
    notes = [line for line in lines if "task 9f018ef6 ·" in line and "Note" in line]
    assert len(notes) == len(LIFE)
    assert notes[2] == "Note over e1s2: 00:28:55 task 9f018ef6 · ● RUNNING"


def test_perfetto_has_a_track_for_each_task() -> None:
    events = json.loads(dumped(perfetto))["traceEvents"]
    (track,) = [
        e["tid"]
        for e in events
        if e["name"] == "thread_name" and e["args"]["name"] == "task · 9f018ef6"
    ]
    told = [e for e in events if e["tid"] == track and e["ph"] in {"X", "i"}]
    assert [e["name"].split("  ")[0] for e in told] == list(LIFE)
    ends = [e["ts"] + e.get("dur", 0) for e in told]
    assert ends[:-1] == [e["ts"] for e in told[1:]]
    assert told[-1]["args"]["exit_codes"] == ["0"]
    assert told[-1]["ph"] == "i"


def test_otlp_has_them_as_events_of_the_try() -> None:
    spans = [
        span
        for resource in json.loads(dumped(otlp))["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]
    holding = [
        span
        for span in spans
        if any(e["name"] == "task RUNNING" for e in span.get("events", []))
    ]
    assert [span["name"] for span in holding] == ["ecs:runTask.sync"]
    names = [e["name"] for e in holding[0]["events"] if e["name"].startswith("task ")]
    assert [name for name in names if name != "task stopped"] == [
        f"task {status}" for status in LIFE
    ]


def test_the_picture_has_a_lane_of_the_task() -> None:
    drawn = dumped(svg)
    ET.fromstring(drawn)  # noqa: S314 - our own
    assert ">ECS task<" in drawn
    assert "exit 0" in drawn
    assert drawn.index("RunTask") < drawn.index("RUNNING")


def test_the_picture_of_several_services_keeps_each_in_its_lane() -> None:
    others = [
        call("X", 5 + n, key=f"x{n}", source=f"{name}.amazonaws.com", request_id=None)
        for n, name in enumerate(("sqs", "sns", "s3", "glue"))
    ]
    drawn = dumped(svg, *WHOLE, *others)
    assert ">ECS task<" in drawn
    assert drawn.count("PROVISIONING") == dumped(svg).count("PROVISIONING")


def test_the_bars_have_a_strip_for_the_task() -> None:
    out = io.StringIO()
    svg.dump_gantt(extend(Trace(), WHOLE), out)
    drawn = out.getvalue()
    assert drawn.count('class="tasks"') == 1
    assert "RUNNING  4m 36s" in drawn
    assert "The thin strip above a bar" in drawn


def test_the_report_lists_them_and_its_findings_lead_to_them() -> None:
    records = [*left_alone(), *task_life(task_arn(7), exit_code=3)]
    page = dumped(html, *records)
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page)
    assert found is not None
    data = json.loads(found[1])
    refs = [row[6] for row in data["rows"] if isinstance(row[6], str)]
    assert refs == ["t0", "t1", "t2", "t3", "t4"]
    assert [row[5] for row in data["rows"] if isinstance(row[6], str)][-1] == 1
    assert 'data-ref="t4">task 00000000<' in page
    told = [r for r in data["records"] if r.get("detail-type")]
    assert len(told) == len(LIFE)


def test_every_row_has_a_reference_of_its_own() -> None:
    trace = extend(Trace(), WHOLE)
    refs = refs_of(trace)
    known = [refs.of_row(row) for row in build_lanes(trace).rows]
    assert len(set(known)) == len(known)
    assert refs.of_evidence(KEYS[2], ARN) == "t2"


def test_the_json_says_by_what_each_is_tied() -> None:
    told = trace_json(extend(Trace(), WHOLE))["task_states"]
    assert [state["event_id"] for state in told] == [f"event-{n}" for n in range(1, 6)]
    tie = {"execution": ARN, "visit": 2, "attempt": 3, "rule": "resource-id"}
    assert all(state["link"].items() >= tie.items() for state in told)


def lines_of(consumer: Any, out: io.StringIO, *batches: list[Received]) -> list[str]:
    for batch in batches:
        consumer(batch)
    return out.getvalue().splitlines()


def test_plain_lines_tell_each_state_once_as_it_comes() -> None:
    out, told = io.StringIO(), list[str]()
    life = task_life()
    lines = lines_of(
        PlainLines(out, told.append), out, life[:1], sync_history(), life, life
    )
    tasks = [line for line in lines if "  task   " in line]
    assert tasks[2] == (
        "00:28:55.102  task   9f018ef6  ● RUNNING  [ecs]  -> ECS RunTask"
        "  (seen 2.00 s later)"
    )
    assert len(tasks) == len(LIFE)


def test_json_lines_have_a_kind_for_them() -> None:
    out = io.StringIO()
    late = task_state(2, "PENDING", 8.0)
    lines = lines_of(JsonLines(out), out, WHOLE, [late], task_life())
    records = [json.loads(line) for line in lines]
    told = [each for each in records if each["kind"] == "task-state"]
    assert [each["last_status"] for each in told] == list(LIFE)
    assert told[0]["link"]["execution"] == ARN
    assert told[0]["at"] > START.isoformat()[:19]
