"""What executions began, in every format: said once, and said the same."""

import csv
import json
from collections import Counter
from collections.abc import Callable
from io import StringIO
from typing import Any, TextIO

import pytest

from sfnwatch.export import csv as csv_export
from sfnwatch.export import html, mermaid, otlp, perfetto, svg
from sfnwatch.export import json as json_export
from sfnwatch.export import text as text_export
from sfnwatch.export.lines import PlainLines
from sfnwatch.export.stream import JsonLines
from sfnwatch.trace.events import From, Received
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import START
from tests.recording.redacting import scenario
from tests.trace.families import child_of_run, execution, three_levels
from tests.tui.begun import COUNT, FAILING, NESTED, PARENT, READ, RUN, a_map_run, child
from tests.tui.runs import HOSTILE

RECORDS: dict[str, Callable[[], list[Received]]] = {
    "map run": a_map_run,
    "three levels": three_levels,
    "pipeline": lambda: list(scenario("pipeline").records),
}
DUMPS: dict[str, Callable[[Trace, TextIO], None]] = {
    "json": json_export.dump,
    "csv": csv_export.dump,
    "text": text_export.dump,
    "perfetto": perfetto.dump,
    "otlp": otlp.dump,
    "html": html.dump,
    "svg": svg.dump,
    "gantt": svg.dump_gantt,
    "mermaid": mermaid.dump,
}


def trace_of(records: list[Received]) -> Trace:
    return extend(Trace(), records)


def dumped(dump: Callable[[Trace, TextIO], None], records: list[Received]) -> str:
    out = StringIO(newline="")
    dump(trace_of(records), out)
    return out.getvalue()


def events_in(trace: Trace) -> Counter[tuple[str, int]]:
    return Counter((arn, id_) for arn, t in trace.histories.items() for id_ in t.events)


BOTH_WAYS = pytest.mark.parametrize("name", RECORDS)


@BOTH_WAYS
@pytest.mark.parametrize("format_", DUMPS)
def test_equal_traces_give_equal_texts_in_any_order(name: str, format_: str) -> None:
    records = RECORDS[name]()
    told = dumped(DUMPS[format_], records)
    assert told
    assert dumped(DUMPS[format_], [*reversed(records), *records]) == told


@BOTH_WAYS
def test_a_spreadsheet_has_every_event_and_every_call_once(name: str) -> None:
    trace = trace_of(RECORDS[name]())
    rows = list(csv.DictReader(StringIO(dumped(csv_export.dump, RECORDS[name]()))))
    told = Counter(
        (row["execution"], int(row["history_id"])) for row in rows if row["history_id"]
    )
    assert told == events_in(trace)
    calls = Counter(row["call_id"] for row in rows if row["call_id"])
    assert max(calls.values(), default=1) == 1
    assert calls.keys() <= trace.calls.keys()


@BOTH_WAYS
def test_json_has_every_execution_once_and_says_what_began_it(name: str) -> None:
    trace = trace_of(RECORDS[name]())
    told = json.loads(dumped(json_export.dump, RECORDS[name]()))
    arns = [execution["arn"] for execution in told["executions"]]
    assert sorted(arns) == sorted(trace.histories)
    for one in told["executions"]:
        assert (one["parent"] is None) == (one["arn"] in trace.timelines)
        assert one["event_count"] == len(trace.histories[one["arn"]].events)
        if one["parent"]:
            assert one["parent"]["execution"] in arns
    assert len(told["calls"]) == len(trace.ordered_calls)


def test_json_tells_of_a_map_run_its_counts_and_its_executions() -> None:
    told = json.loads(dumped(json_export.dump, a_map_run()))
    (run,) = told["map_runs"]
    assert (run["arn"], run["execution"], run["status"]) == (RUN, PARENT, "SUCCEEDED")
    assert run["executions"]["failed"] == FAILING
    assert len(run["children"]) == COUNT
    statuses = [each["status"] for each in run["children"]]
    assert statuses == ["FAILED"] * FAILING + ["SUCCEEDED"] * (COUNT - FAILING)
    parents = {each["arn"]: each["parent"] for each in told["executions"]}
    assert parents[child(0)] == {
        "execution": PARENT,
        "visit": 4,
        "attempt": None,
        "map_run": RUN,
    }
    assert parents[NESTED]["map_run"] is None
    assert parents[NESTED]["attempt"]
    found = [f for each in told["executions"] for f in each["findings"]]
    (about,) = [finding for finding in found if finding["kind"] == "children"]
    assert about["data"]["errors"] == {"BadPhoto": FAILING}
    assert about["data"]["histories"] == READ


def test_a_map_run_that_only_a_history_names_is_there_with_nothing_told() -> None:
    records = [r for r in a_map_run() if r.source == From.HISTORY]
    told = json.loads(dumped(json_export.dump, records))
    (run,) = told["map_runs"]
    assert (run["arn"], run["status"], run["executions"]) == (RUN, None, None)
    assert run["children"] == []


@BOTH_WAYS
def test_json_lines_have_each_fact_once_and_an_end_for_each(name: str) -> None:
    records = RECORDS[name]()
    trace, out = trace_of(records), StringIO()
    lines = JsonLines(out)
    for number in range(0, len(records), 7):
        lines(tuple(records[number : number + 7]))
        lines(tuple(records[: number + 7]))
    lines.finish()
    objects = [json.loads(line) for line in out.getvalue().splitlines()]
    events = Counter((o["execution"], o["id"]) for o in objects if o["kind"] == "event")
    assert events == events_in(trace)
    ends = Counter(o["arn"] for o in objects if o["kind"] == "end")
    assert ends == Counter(list(trace.histories))
    children = {o["arn"]: o for o in objects if o["kind"] == "child"}
    assert children.keys() == trace.listed.keys()
    runs = [o for o in objects if o["kind"] == "map-run"]
    assert ([runs[-1]["arn"]] if runs else []) == list(trace.map_runs)
    assert all("children" not in run for run in runs)


def test_json_lines_tell_of_a_child_again_when_it_has_changed() -> None:
    out = StringIO()
    lines = JsonLines(out)
    lines(tuple(a_map_run(ended=False)))
    lines(tuple(a_map_run()))
    lines(tuple(a_map_run()))
    told = [json.loads(line) for line in out.getvalue().splitlines()]
    statuses = [
        o["status"] for o in told if o["kind"] == "child" and o["arn"] == child(39)
    ]
    assert statuses == ["RUNNING", "SUCCEEDED"]
    counts = [o["executions"]["running"] for o in told if o["kind"] == "map-run"]
    assert counts == [8, 0]


def plain_lines(*batches: list[Received]) -> list[str]:
    out = StringIO()
    lines = PlainLines(out, lambda _: None, [PARENT])
    for batch in batches:
        lines(tuple(batch))
    lines.finish()
    return out.getvalue().splitlines()


def test_plain_lines_say_whose_each_is_and_count_a_map_run() -> None:
    lines = plain_lines(a_map_run(ended=False), a_map_run(), a_map_run())
    states = [line for line in lines if line[12:20] == "  state "]
    assert len(states) == events_in(trace_of(a_map_run())).total()
    own = [line for line in states if "[" not in line]
    assert len(own) == len(trace_of(a_map_run()).histories[PARENT].events)
    nested = [line for line in states if "[photos1 job1] " in line]
    assert len(nested) == len(trace_of(a_map_run()).histories[NESTED].events)
    each = [line for line in states if "[photos0/Each 00000002] " in line]
    assert each[-1].endswith("✘ Execution failed  BadPhoto  It did not work.")
    counts = [line for line in lines if "  count  " in line]
    assert [line.partition("  count  ")[2] for line in counts] == [
        "S1  Each 276e5993: 23 of 40 executions done, 3 failed, 8 running, 9 pending",
        "S1  Each 276e5993: 40 of 40 executions done, 3 failed",
    ]
    assert sum("3 failed and 37 succeeded (3 BadPhoto)" in line for line in lines) == 1


def test_plain_lines_clean_what_is_hostile() -> None:
    page = next(r for r in a_map_run() if r.source == From.CHILDREN)
    item = {**page.data["executions"][0], "executionArn": execution(7) + HOSTILE}
    bad = Received(START, From.CHILDREN, None, {"executions": [item]})
    run = next(r for r in a_map_run() if r.source == From.MAP_RUN)
    odd = Received(START, From.MAP_RUN, None, {**run.data, "status": HOSTILE})
    for line in plain_lines([*a_map_run(), bad, odd]):
        assert line.isprintable()


def test_text_has_the_rows_of_children_inside_their_parents() -> None:
    lines = dumped(text_export.dump, a_map_run()).splitlines()
    assert sum("Execution failed  BadPhoto" in line for line in lines) == FAILING
    assert sum("Execution succeeded" in line for line in lines) == 3
    (run,) = [line for line in lines if "Map Run Each 276e5993  " in line]
    assert run.startswith("│ ┌ ")
    (nested,) = [line for line in lines if "photos1 › job1" in line]
    assert nested.startswith("│ ┌ ")
    head = lines[0]
    assert "job0" in head
    assert "00000000" not in head, "a child is no execution of its own"


def spans_of(records: list[Received]) -> list[dict[str, Any]]:
    told = json.loads(dumped(otlp.dump, records))
    return [
        span
        for resource in told["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]


def test_spans_have_every_state_of_every_execution_once() -> None:
    trace = trace_of(a_map_run())
    visits = sum(len(list(t.visits)) for t in trace.histories.values())
    spans = spans_of(a_map_run())
    ids = [span["spanId"] for span in spans]
    assert len(ids) == len(set(ids))
    names = Counter(span["name"] for span in spans)
    assert sum(n for name, n in names.items() if name in {"S0", "S1", "S2"}) == visits
    assert names["photos0/Each"] == READ


def test_the_span_of_a_child_is_linked_to_what_began_it() -> None:
    spans = {span["spanId"]: span for span in spans_of(a_map_run())}
    linked = {
        (span["name"], spans[link["spanId"]]["name"])
        for span in spans.values()
        for link in span.get("links", ())
    }
    assert linked == {
        ("photos1", "states:startExecution.sync:2"),
        ("photos0/Each", "S1"),
    }
    for span in spans.values():
        for link in span.get("links", ()):
            assert spans[link["spanId"]]["traceId"] == link["traceId"]


def test_perfetto_has_every_state_of_every_execution() -> None:
    trace = trace_of(a_map_run())
    visits = sum(len(list(t.visits)) for t in trace.histories.values())
    events = json.loads(dumped(perfetto.dump, a_map_run()))["traceEvents"]
    assert sum(e.get("cat") == "state" for e in events) == visits
    assert sum(e.get("cat") == "execution" for e in events) == len(trace.histories)


@pytest.mark.parametrize("format_", ["svg", "html", "mermaid"])
def test_what_a_picture_leaves_out_is_counted(format_: str) -> None:
    """Rails of forty children side by side would be no picture."""
    told = dumped(DUMPS[format_], a_map_run())
    assert f"{READ + 1} executions that these began" in told
    assert "1 execution that these began" in dumped(
        DUMPS[format_], [r for r in three_levels() if r.execution_arn != execution(2)]
    )
    alone = [r for r in three_levels() if r.execution_arn == execution(0)]
    assert "these began" not in dumped(DUMPS[format_], alone)


def test_an_old_recording_without_children_is_as_it_was() -> None:
    from tests.builders import sync_run

    told = json.loads(dumped(json_export.dump, sync_run()))
    assert told["map_runs"] == []
    assert [each["parent"] for each in told["executions"]] == [None]
    assert child_of_run(0, 0) not in json.dumps(told)
