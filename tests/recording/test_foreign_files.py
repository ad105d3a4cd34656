"""Files of others: recognized by what they say, and put together into one trace."""

import gzip
import json
import os
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from sfnwatch.analysis.ending_error import ended_with
from sfnwatch.model import json_stream
from sfnwatch.model.records import RecordKind
from sfnwatch.model.times import iso
from sfnwatch.recording import table_import
from sfnwatch.recording.reader import Recording, open_files
from tests import builders as aws
from tests.recording.files import (
    COLUMNS,
    as_csv,
    cli_v1,
    cli_v2,
    defined,
    described,
    eventbridge,
    events,
    lines,
    log_event,
    lookup_events,
    put,
    record,
    refused,
    rows,
    trace_of,
    trail_records,
)

OTHER = aws.ARN + "-other"
Opener = Callable[[Any], Recording]


@pytest.fixture(name="opened")
def _opened(tmp_path: Path) -> Opener:
    # The name says nothing, so that only the content can.
    return lambda content: open_files([put(tmp_path / "file.dat", content)])


def insights_rows(messages: Iterable[Any]) -> list[list[dict[str, str]]]:
    """Write messages as `aws logs get-query-results` does."""
    return [
        [
            {"field": "@timestamp", "value": "2024-07-03 15:04:27.995"},
            {"field": "@message", "value": json.dumps(message)},
        ]
        for message in messages
    ]


def kinds(recording: Recording) -> set[str]:
    return {each.kind for each in recording.records()}


# -- what each holds -------------------------------------------------------------------

HISTORIES = {
    "CLI v1": {"events": [cli_v1(e, "timestamp") for e in events()]},
    "CLI v2": {"events": [cli_v2(e, "timestamp") for e in events()]},
    "reversed": {"events": events()[::-1], "nextToken": "AAAA"},
    "console": events(),
    "lines": lines(events()),
    "pages": [{"events": events()[:3]}, {"events": events()[3:]}],
    "overlapping pages": lines([{"events": events()[:5]}, {"events": events()[3:]}]),
    "long": {"events": [{**e, "padding": "x" * 60_000} for e in events()]},
}


@pytest.mark.parametrize("content", HISTORIES.values(), ids=HISTORIES.keys())
def test_a_history_is_recognized(opened: Opener, content: Any) -> None:
    recording = opened(content)
    assert kinds(recording) == {RecordKind.HISTORY}
    assert {each.at for each in recording.records()} == {None}
    (execution,) = trace_of(recording).as_of().executions.values()
    assert (execution.status, execution.event_count) == ("SUCCEEDED", 8)
    assert [visit.status for visit in execution.visits] == ["succeeded"]
    assert execution.name == "file.dat"
    assert execution.started_at == aws.START


CALLS = {
    "lookup-events": {"Events": lookup_events(), "NextToken": "AAAA"},
    "Events": lookup_events(),
    "trail file": {"Records": trail_records()},
    "packed": gzip.compress(json.dumps({"Records": trail_records()}).encode()),
    "records": trail_records(),
    "records, a line each": lines(trail_records()),
    "EventBridge": [eventbridge(each) for each in trail_records()],
    "EventBridge, a line each": lines(map(eventbridge, trail_records())),
    "a trail's log": {
        "events": [log_event("hello"), *map(log_event, trail_records())],
    },
    "picked out of LookupEvents": [e["CloudTrailEvent"] for e in lookup_events()],
    "Insights' results": {"results": insights_rows(trail_records())},
    "a mixture": [
        {"Records": trail_records()[:2]},
        {"Events": lookup_events()[2:4]},
        *trail_records()[4:],
    ],
}


@pytest.mark.parametrize("content", CALLS.values(), ids=CALLS.keys())
def test_calls_are_recognized(opened: Opener, content: Any) -> None:
    recording = opened(content)
    assert recording.executions == ()
    calls = trace_of(recording).ordered_calls
    assert [call.event_id for call in calls] == [
        "run",
        *(f"poll-{n}" for n in range(5)),
    ]
    assert {call.seen_at for call in calls} == {None}


LOGGED = [dict(aws.logged(each).record) for each in aws.sync_history()]
LOG_EVENTS = list(map(log_event, LOGGED))
GREETING = log_event("Permissions are set correctly to allow it.")
INSIGHTS = {"@timestamp": "2024-07-03 15:04:27.995"}
LOGS = {
    "filter-log-events": {"events": [GREETING, *LOG_EVENTS], "searchedLogStreams": []},
    "log events": LOG_EVENTS,
    "log events, a line each": lines([GREETING, *LOG_EVENTS]),
    "messages": LOGGED,
    "messages, a line each": lines(LOGGED),
    "subscription": {"messageType": "DATA_MESSAGE", "logEvents": LOG_EVENTS},
    "Insights": [{**INSIGHTS, "@message": m} for m in LOGGED],
    "Insights, as text": [{**INSIGHTS, "@message": json.dumps(m)} for m in LOGGED],
    "Insights' results": {"results": insights_rows(LOGGED), "status": "Complete"},
}


@pytest.mark.parametrize("content", LOGS.values(), ids=LOGS.keys())
def test_the_log_of_an_execution_is_recognized(opened: Opener, content: Any) -> None:
    recording = opened(content)
    assert kinds(recording) == {RecordKind.EXPRESS}
    assert recording.executions == (aws.EXPRESS_ARN,)
    (execution,) = trace_of(recording).as_of().executions.values()
    assert (execution.status, execution.event_count) == ("SUCCEEDED", 8)


def test_how_an_execution_stands_is_recognized_in_eventbridges_events(
    opened: Opener,
) -> None:
    """Their detail is DescribeExecution's answer, with times in milliseconds."""
    begun = aws.START.timestamp() * 1000
    failed = {"stopDate": begun + 5000, "status": "FAILED", "error": "Oops"}
    told = [
        eventbridge(
            described(startDate=begun, **more),
            **{"detail-type": "Step Functions Execution Status Change"},
        )
        for more in (failed, {"stopDate": None, "status": "RUNNING"})
    ]
    recording = opened(lines(told))
    assert kinds(recording) == {RecordKind.DESCRIBE}
    snapshot = trace_of(recording).as_of()
    (execution,) = snapshot.executions.values()
    assert (execution.status, execution.started_at) == ("FAILED", aws.START)
    assert ended_with(snapshot, execution) == ("Oops", None)


def test_what_the_cli_wrote_of_a_map_run_is_put_together(tmp_path: Path) -> None:
    contents: dict[str, Any] = {}
    for number, each in enumerate(aws.photos()):
        if each.kind == RecordKind.HISTORY:
            contents.setdefault(str(each.execution_arn), []).append(each.record)
        else:
            contents[str(number)] = each.record
    for arn, told in contents.items():
        if isinstance(told, list):
            start = {"startDate": told[0]["timestamp"], "status": "SUCCEEDED"}
            contents[arn] = [{"events": told}, {**described(arn), **start}]
    paths = [
        put(tmp_path / f"{number}.json", content)
        for number, content in enumerate(contents.values())
    ]
    snapshot = trace_of(open_files(paths)).as_of()
    assert list(snapshot.roots) == [aws.ARN]
    assert snapshot.map_runs[aws.MAP_RUN_ARN].status == "SUCCEEDED", (
        "without times, too"
    )
    assert len(snapshot.listed) == 4
    assert snapshot.listed[aws.map_child(0)].listed.failed


def test_an_answer_without_records_is_no_error(opened: Opener) -> None:
    logs = [{"events": [log_event(m)]} for m in ("hello", "[1]", '{"a": 1}', "{")]
    for content in ({"Events": []}, {"events": []}, {"Records": []}, [], *logs):
        recording = opened(content)
        assert list(recording.records()) == []
        assert recording.notes[0].endswith("file.dat: holds no records")


# -- tables ----------------------------------------------------------------------------

DENIED = {
    **rows()[1],
    "errorcode": "AccessDenied",
    "errormessage": 'is not authorized, "sorry",\nat all',
}
LONG = [{**row, "useragent": "states.amazonaws.com", "case": "sync"} for row in rows()]
TABLES = {
    "as it is": as_csv(rows()),
    "quoted": as_csv(rows(), quoting=1),
    "upper case": as_csv(rows()).replace(",".join(COLUMNS), ",".join(COLUMNS).upper()),
    "reordered": as_csv(rows(), reversed(COLUMNS)),
    "more columns": as_csv(LONG, [*COLUMNS, "useragent", "case"]),
    "BOM": b"\xef\xbb\xbf" + as_csv(rows()).encode(),
    "no CR": as_csv(rows(), lineterminator="\n"),
    "blank lines": as_csv(rows()).replace("\r\n", "\r\n\r\n"),
    "Athena's times": as_csv(
        {
            **row,
            "eventtime": row["eventtime"].replace("T", " ").replace("Z", ".000 UTC"),
        }
        for row in rows()
    ),
}


@pytest.mark.parametrize("content", TABLES.values(), ids=TABLES.keys())
def test_a_table_is_recognized_in_every_dress(opened: Opener, content: Any) -> None:
    calls = trace_of(opened(content)).ordered_calls
    assert [(c.event_time.isoformat()[11:19], c.event_name) for c in calls] == [
        ("00:28:25", "RunTask"),
        *((f"00:{at}", "DescribeTasks") for at in ("29:20", "30:19", "31:22")),
        *((f"00:{at}", "DescribeTasks") for at in ("32:17", "33:18")),
    ]
    assert {call.role for call in calls} == {"StepFunctions-sync-role"}


def test_columns_become_the_record_and_nulls_are_left_out(opened: Opener) -> None:
    table = [{**LONG[0], "errorcode": "null"}, DENIED]
    recording = opened(as_csv(table, [*COLUMNS, "case", "useragent"]))
    kept = {k: v for k, v in LONG[0].items() if v}
    assert [each.record for each in recording.records()] == [kept, DENIED]
    assert kinds(recording) == {RecordKind.ATHENA}


def test_rows_that_say_the_same_are_several_calls_and_files_that_do_are_not(
    tmp_path: Path,
) -> None:
    table = [*rows(), rows()[1], rows()[1]]
    path = put(tmp_path / "rows.csv", as_csv(table))
    reordered = put(tmp_path / "reordered.csv", as_csv(table[::-1]))
    once, twice = open_files([path]), open_files([path, reordered, path])
    numbers = [each.record.get("occurrence") for each in once.records()]
    assert numbers[-2:] == ["2", "3"]
    assert len(trace_of(once).calls) == len(trace_of(twice).calls) == 8
    named = as_csv([{**rows()[1], "eventid": "e-1"}] * 2, [*COLUMNS, "eventid"])
    assert len(trace_of(open_files([put(tmp_path / "a.csv", named)])).calls) == 1
    payload = {**rows()[0], "requestparameters": f'{{"x": "{"y" * 200_000}"}}'}
    long = put(tmp_path / "b.csv", as_csv([payload], [*payload]))
    assert len(trace_of(open_files([long])).calls) == 1


# -- what is wrong ---------------------------------------------------------------------

BAD = {
    "truncated": ('{"events": [\n  {"id": 1,', r":2: not JSON: Expecting"),
    "deep": ("[" * 10_000, r":1: nested too deep"),
    "a field without a name": (
        {"results": [[{"value": "1"}]]},
        r":1: not a file sfnwatch knows: results\[0\]: a JSON object \{\}",
    ),
    "a field whose name is a list": (
        {"results": [[{"field": ["@message"], "value": "1"}]]},
        r":1: not a file sfnwatch knows: results\[0\]: a JSON object \{\}",
    ),
    "number": ("[1, 2]", r": not a file sfnwatch knows: \[0\]: no JSON object"),
    "a key twice": ('{"events": 1, "events": [7]}', r"events\[0\]: no JSON object"),
    "not a list": ('{"Records": {"a": 1}}', r"Records: a JSON object \{a\}"),
    "nothing": ({}, r"sfnwatch knows: a JSON object \{\}"),
    "unknown": (dict.fromkeys("abcdefgh", 1), r"\{a, b, c, d, e, f, g, h\}"),
    "unknown, a line": (lines([events()[0], {"a": 1}]), r"dat:2: not a file sfnwatch"),
    "export": ({"sfnwatch_trace": 1}, "an exported trace; open the recording"),
    "event": ({"events": [*events(), {"id": 9}]}, r"events\[8\]: .* \{id\}"),
    "event, a line": (
        lines([*events(), {"id": 9, "type": "", "timestamp": 0}]),
        r"file\.dat:9: not a history event: .* ''",
    ),
    "log event": (
        {"events": [log_event(LOGGED[0] | {"id": ""})]},
        r"events\[0\]: not a history event",
    ),
    "two executions": (
        [{"events": events()}, {"events": [{**events()[2], "type": "TaskFailed"}]}],
        r"\[1\]\.events\[0\]: another event 3 than before",
    ),
    "record": (
        {"Records": [*trail_records(), {"eventName": "x", "eventTime": "y"}]},
        r"Records\[6\]: a CloudTrail record without 'eventID'",
    ),
    "Event": ({"Events": [{"EventId": "x", "EventTime": 1}]}, "without 'eventName'"),
    "another event": (
        eventbridge({"eventTime": 1}, **{"detail-type": "Batch Job State Change"}),
        "an EventBridge event of type Batch Job State Change",
    ),
    "task": (
        {"detail-type": "ECS Task State Change", "detail": {"taskArn": "x"}},
        "whose version is None",
    ),
    "description": (described() | {"executionArn": 5}, "executionArn is no text"),
    "executions": ({"executions": [{"executionArn": aws.ARN}]}, "but of no Map Run"),
    "Map Run": ({"mapRunArn": 7, "executionCounts": {}}, "a Map Run without an ARN"),
    "not UTF-8": (b'{"a":\n"\xe9"}', r"not UTF-8 text: byte 0xe9"),
    "NaN": ('{"events": [{"id": NaN}]}', "NaN is not a JSON number"),
    "infinity": ('{"events": [1e999]}', "the number 1e999 is too large"),
    "cut": (
        gzip.compress(json.dumps({"Records": trail_records()}).encode())[:-9],
        "the gzip stream is cut short",
    ),
    "no column": (
        as_csv(rows(), ["eventtime", "eventname"]),
        ":1: a CSV file without the column eventsource",
    ),
    "no time": (
        as_csv([rows()[0], {**rows()[1], "eventtime": ""}]),
        ":3: a CloudTrail record without 'eventtime'",
    ),
    "nonsense for a time": (
        as_csv([DENIED, {**rows()[1], "eventtime": "lunch"}]),
        ":4: not a CloudTrail record: .*lunch",
    ),
    "many cells": (as_csv(rows()) + "1,2,3,4,5,6,7\r\n", ":8: 7 cells in a row"),
    "few cells": (as_csv(rows()) + "2023-11-15\r\n", ":8: a CloudTrail record without"),
    "other columns": ("name,size\r\na,1\r\n", "not a file sfnwatch knows"),
    "table of bytes": (as_csv(rows()).encode() + b"\xff,", ":8: not UTF-8 text"),
    "text file": ("hello\nworld\n", "not a file sfnwatch knows"),
    "archive": (b"PK\x03\x04" + bytes(100_000), "not a file sfnwatch knows"),
    "saved by a browser": (
        {"log": {"version": "1.2", "entries": ["x" * 100_000]}},
        r"not a file sfnwatch knows: a JSON object \{log\}",
    ),
    "hostile keys": ({"\x1b]0;pwned\x07" * 90: 1, "\n": 2}, r"JSON object \{"),
}


@pytest.mark.parametrize(("content", "what"), BAD.values(), ids=BAD.keys())
def test_what_is_wrong_is_said_in_one_line_with_its_place(
    tmp_path: Path, content: Any, what: str
) -> None:
    error = refused(put(tmp_path / "file.dat", content))
    assert error.message.startswith(f"{tmp_path}/file.dat:")
    with pytest.raises(type(error), match=what):
        raise error
    known = "not a file sfnwatch knows" in error.message
    assert ("get-execution-history" in error.hint) == known
    assert len(error.hint) <= 160


# -- several together ------------------------------------------------------------------


def later(seconds: float, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Move a history in time: another run of the same machine."""
    return [{**e, "timestamp": _moved(e["timestamp"], seconds)} for e in found]


def _moved(text: str, seconds: float) -> str:
    return iso(datetime.fromisoformat(text) + timedelta(seconds=seconds))


def described_later(seconds: float, arn: str) -> dict[str, Any]:
    first = described(arn)
    return first | {k: _moved(first[k], seconds) for k in ("startDate", "stopDate")}


def open_all(folder: Path, **contents: Any) -> Recording:
    return open_files(
        [put(folder / f"{name}.json", value) for name, value in contents.items()]
    )


def ids(recording: Recording) -> dict[str | None, list[int]]:
    found: dict[str | None, list[int]] = {}
    for each in recording.records():
        if each.kind == RecordKind.HISTORY:
            found.setdefault(each.execution_arn, []).append(each.record["id"])
    return found


ALL = list(range(1, 9))
NO_DATES = {k: v for k, v in described().items() if k not in {"startDate", "stopDate"}}
ENDS = {"startDate": "0001-01-01T00:00:00Z", "stopDate": "9999-12-31T23:59:59Z"}
PAGES = {"c": events()[:3], "a": events()[3:6], "b": events()[6:][::-1]}
MORE = {**events()[2], "id": 9, "timestamp": events()[7]["timestamp"]}
MATCHES: dict[str, tuple[dict[str, Any], dict[str, list[int]]]] = {
    "alone": ({"nightly": {"events": events()}}, {"file:nightly": ALL}),
    **{
        f"started {apart} s apart": (
            {
                "history": {"events": events()},
                "one": described_later(apart, aws.ARN),
                "other": described_later(60, OTHER),
            },
            {aws.ARN: ALL},
        )
        for apart in (0, -1.9, 1.9)
    },
    "started at another time": (
        {"history": {"events": events()}, "one": described_later(60, aws.ARN)},
        {"file:history": ALL},
    ),
    "the nearer of two": (
        {
            "a": {"events": events()},
            "b": {"events": later(0.4, events())},
            "one": described(),
            "other": described_later(0.4, OTHER),
        },
        {aws.ARN: ALL, OTHER: ALL},
    ),
    "of two at once none": (
        {"h": {"events": events()}, "one": described(), "other": described(OTHER)},
        {"file:h": ALL},
    ),
    "never two of one": (
        {
            "far": {"events": later(1.5, events())},
            "near": {"events": later(0.5, events())},
            "one": described(),
        },
        {aws.ARN: ALL, "file:far": ALL},
    ),
    "without a date": ({"h": events(), "one": NO_DATES}, {aws.ARN: ALL}),
    "at all times": (
        {"h": events()[2:], "one": described() | ENDS},
        {aws.ARN: ALL[2:]},
    ),
    "never": (
        {"h": events()[2:], "one": described() | {"startDate": ENDS["stopDate"]}},
        {"file:h": ALL[2:]},
    ),
    "an earlier and a later fetch": (
        {"early": {"events": events()[:5]}, "late": {"events": events()}},
        {"file:late": ALL},
    ),
    "a gap, described": (
        {"a": events()[:2], "b": events()[5:], "one": described()},
        {aws.ARN: [1, 2, 6, 7, 8]},
    ),
    "a gap": (
        {"a": events()[:2], "b": events()[5:]},
        {"file:a": [1, 2], "file:b": [6, 7, 8]},
    ),
    "after the end": ({"a": events(), "b": [MORE]}, {"file:a": ALL, "file:b": [9]}),
    "after a redrive": (
        {"a": events(), "b": [{**MORE, "type": "ExecutionRedriven"}]},
        {"file:a": [*ALL, 9]},
    ),
    "from before": (
        {"a": events()[:5], "b": later(-3600, events()[5:])},
        {"file:a": ALL[:5], "file:b": ALL[5:]},
    ),
    "fitting two": (
        {"a": events()[:3], "b": later(0.01, events()[:3]), "c": events()[3:]},
        {"file:a": [1, 2, 3], "file:b": [1, 2, 3], "file:c": ALL[3:]},
    ),
}


@pytest.mark.parametrize(("contents", "found"), MATCHES.values(), ids=MATCHES.keys())
def test_a_history_is_that_of_the_execution_that_started_then(
    tmp_path: Path, contents: dict[str, Any], found: dict[str, list[int]]
) -> None:
    recording = open_all(tmp_path, **contents)
    assert ids(recording) == found
    unknown = [arn for arn in found if arn.startswith("file:")]
    described_ = any("executionArn" in each for each in contents.values())
    told = [n for n in recording.notes if "none of the executions" in n]
    assert len(told) == (len(unknown) if described_ else 0)


@pytest.mark.parametrize("order", list(permutations("abc")))
def test_the_pages_of_one_history_become_one(tmp_path: Path, order: Any) -> None:
    pages = {name: {"events": PAGES[name]} for name in order}
    assert ids(open_all(tmp_path, **pages)) == {"file:c": ALL}
    assert ids(open_all(tmp_path, **pages, one=described())) == {aws.ARN: ALL}


def test_histories_of_files_of_one_name_stay_apart(tmp_path: Path) -> None:
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
    paths = [
        put(tmp_path / "x" / "history.json", {"events": events()}),
        put(tmp_path / "y" / "history.json.gz", {"events": later(9, events())}),
    ]
    assert ids(open_files(paths)) == {"file:history": ALL, "file:history-2": ALL}


def test_a_recording_names_the_history_opened_with_it(tmp_path: Path) -> None:
    part = record(tmp_path / "run.jsonl", aws.sync_history()[:2])
    path = put(tmp_path / "history.json", {"events": events()})
    recording = open_files([path, part])
    assert recording.executions == (aws.ARN,)
    assert recording.created == aws.START
    assert trace_of(recording).as_of().executions[aws.ARN].event_count == 8


def test_a_recording_that_can_be_read_but_once_names_a_history_too(
    tmp_path: Path,
) -> None:
    whole = record(tmp_path / "run.jsonl")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(pipe.write_bytes, whole.read_bytes())
        recording = open_files([pipe, put(tmp_path / "h.json", {"events": events()})])
    trace = trace_of(recording)
    assert list(trace.executions) == [aws.ARN]
    assert len(trace.calls) == len(trail_records())


def test_a_definition_belongs_to_every_execution_of_its_machine(tmp_path: Path) -> None:
    foreign = aws.ARN.replace("nightly-report", "another")
    recording = open_all(
        tmp_path,
        definition=defined(status="ACTIVE", type="STANDARD"),
        one=described(),
        other=described_later(60, OTHER),
        another=described(
            foreign, stateMachineArn=aws.MACHINE_ARN.replace("nightly", "x")
        ),
    )
    given_ = {r.execution_arn for r in recording.records() if r.kind == "definition"}
    assert given_ == {aws.ARN, OTHER}
    (only,) = (
        trace_of(open_all(tmp_path, definition=defined(), nightly=events()))
        .as_of()
        .executions.values()
    )
    assert only.arn == "file:nightly"
    assert '"ECS RunTask"' in (only.definition_text or "")
    (note,) = open_files([tmp_path / "definition.json"]).notes
    assert "definition.json: a definition, but of none" in note


@pytest.mark.parametrize("machine", [None, 7, ["x"], {}])
def test_a_definition_without_a_machine_belongs_to_the_only_execution(
    tmp_path: Path, machine: Any
) -> None:
    definition = defined(stateMachineArn=machine)
    recording = open_all(tmp_path, definition=definition, one=described())
    assert not recording.notes
    arns = {r.execution_arn for r in recording.records() if r.kind == "definition"}
    assert arns == {aws.ARN}
    both = {"one": described(), "other": described_later(60, OTHER)}
    (note,) = open_all(tmp_path, definition=definition, **both).notes
    assert "a definition, but of none of the executions" in note


def test_a_page_whose_next_is_not_here_is_told(tmp_path: Path) -> None:
    first = put(tmp_path / "one.json", {"events": events()[:4], "nextToken": "A"})
    second = put(tmp_path / "two.json", {"events": events()[4:]})
    calls = put(tmp_path / "calls.json", {"Events": lookup_events(), "NextToken": "B"})
    told = f"{first}: one page of several, and the next is not here"
    assert told in open_files([first]).notes
    assert told not in open_files([first, second]).notes
    assert any("one page of several" in note for note in open_files([calls]).notes)


def test_the_order_of_the_files_does_not_matter(tmp_path: Path) -> None:
    contents = {
        "h1": {"events": events()[:4]},
        "h2": {"events": events()[4:]},
        "other": {"events": later(60, events())},
        "d1": described(),
        "d2": described_later(60, OTHER),
        "machine": defined(),
        "calls": as_csv(rows()),
    }
    names, found = list(contents), []
    for turn in range(len(names)):
        names = [*names[turn:], *reversed(names[:turn])]
        trace = trace_of(open_all(tmp_path, **{name: contents[name] for name in names}))
        found.append((trace.links, sorted(trace.executions)))
    assert all(each == found[0] for each in found)
    assert found[0][1] == [aws.ARN, OTHER]


# -- files longer than what is held ----------------------------------------------------


@pytest.fixture(name="short_lines")
def _short_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a line, and what is held of a file, be 1 MiB and not 16."""
    for module in (json_stream, table_import):
        monkeypatch.setattr(module, "MAX_LINE", 1 << 20)


def long_events(count: int) -> list[dict[str, Any]]:
    """Write events of 10 kB each, the last of them `count`."""
    first = events()[0] | {"padding": "x" * 10_000}
    more = {"type": "WaitStateEntered", "timestamp": first["timestamp"]}
    return [first, *({**first, **more, "id": n} for n in range(2, count + 1))]


@pytest.mark.usefixtures("short_lines")
@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize(
    "wrap",
    [
        lambda found: {"events": found, "nextToken": "A"},
        lambda found: {"nextToken": "A", "events": found},
        lambda found: [{"events": found[:90]}, {"events": found[90:], "nextToken": 1}],
        lambda found: [*found, {"events": [], "nextToken": "A"}],
    ],
    ids=["token last", "token first", "pages", "a list"],
)
def test_an_answer_longer_than_one_line_may_be_is_read_item_by_item(
    opened: Opener, wrap: Any, indent: int | None
) -> None:
    recording = opened(json.dumps(wrap(long_events(180)), indent=indent))
    found = [each.record["id"] for each in recording.records()]
    assert found == list(range(1, 181))
    assert "one page of several" in recording.notes[0]


@pytest.mark.usefixtures("short_lines")
def test_what_is_wrong_in_a_long_one_is_named_with_its_place(tmp_path: Path) -> None:
    found = [*long_events(170), {"id": 171}, *long_events(5)]
    bad = lines([{"events": found[:100]}, {"x": 1, "events": found[100:]}])
    text = json.dumps({"events": found}, indent=1)
    line = text.count("\n", 0, text.index('"id": 171'))
    told = refused(put(tmp_path / "file.dat", text)).message
    assert re.search(rf":{line}: .*: events\[170\]: .* \{{id\}}", told)
    path = put(
        tmp_path / "file.dat", f"[{bad.strip().replace(chr(10), ',' + chr(10))}]"
    )
    assert re.search(r":2: .*: \[1\].events\[70\]: ", refused(path).message)
    text = json.dumps({"events": long_events(170)})
    long = "a value longer than 1 MiB"
    bad = f'"x": "{"y" * (2 << 20)}"'
    for end, words in (("]", "Expecting"), (f'"x": {text}', long), (bad, long)):
        path = put(tmp_path / "file.dat", f"{text[:-2]}, {{{end}")
        assert words in refused(path).message
