"""Foreign JSON, recognised by what it says."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sfnwatch.errors import BadFileError
from sfnwatch.recording.files import open_files
from sfnwatch.recording.recording import Recording
from sfnwatch.trace.events import From
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import sync_history
from tests.express import EXPRESS_ARN, express_log, log_event
from tests.recording.foreign import (
    cli_v1,
    cli_v2,
    data_of,
    defined,
    described,
    eventbridge,
    history,
    lookup_events,
    put,
    trail_records,
)

Opener = Callable[[Any], Recording]


@pytest.fixture(name="opened")
def _opened(tmp_path: Path) -> Opener:
    # The name says nothing, so that only the content can.
    return lambda content: open_files([put(tmp_path / "file.dat", content)])


def lines(values: list[Any]) -> str:
    return "".join(f"{json.dumps(value)}\n" for value in values)


HISTORIES = {
    "CLI v1": {"events": [cli_v1(e, "timestamp") for e in history()]},
    "CLI v2": {"events": [cli_v2(e, "timestamp") for e in history()]},
    "reversed": {"events": history()[::-1], "nextToken": "AAAA"},
    "console": history(),
    "lines": lines(history()),
    "pages": [{"events": history()[:3]}, {"events": history()[3:]}],
    "overlapping pages": lines([{"events": history()[:5]}, {"events": history()[3:]}]),
}


@pytest.mark.parametrize("content", HISTORIES.values(), ids=HISTORIES.keys())
def test_a_history_is_recognised(opened: Opener, content: Any) -> None:
    recording = opened(content)
    assert [r.source for r in recording.records] == [From.HISTORY] * 8
    assert {r.at for r in recording.records} == {None}
    (timeline,) = extend(Trace(), recording.records).timelines.values()
    assert timeline.status == "SUCCEEDED"
    assert [v.status for v in timeline.visits] == ["succeeded"]
    assert timeline.name == "file.dat"
    assert str(timeline.started_at) == "2023-11-15 00:28:24.102000+00:00"


CALLS = {
    "lookup-events": {"Events": lookup_events(), "NextToken": "AAAA"},
    "Events": lookup_events(),
    "trail file": {"Records": trail_records()},
    "trail file, packed": gzip.compress(
        json.dumps({"Records": trail_records()}).encode()
    ),
    "records": trail_records(),
    "records, a line each": lines(trail_records()),
    "EventBridge": [eventbridge(record) for record in trail_records()],
    "EventBridge, a line each": lines([eventbridge(r) for r in trail_records()]),
    "a mixture": [
        {"Records": trail_records()[:2]},
        {"Events": lookup_events()[2:4]},
        *trail_records()[4:],
    ],
}


@pytest.mark.parametrize("content", CALLS.values(), ids=CALLS.keys())
def test_calls_are_recognised(opened: Opener, content: Any) -> None:
    recording = opened(content)
    assert recording.executions == ()
    calls = extend(Trace(), recording.records).ordered_calls
    assert [c.event_id for c in calls] == ["run", *(f"poll-{n}" for n in range(5))]
    assert {c.seen_at for c in calls} == {None}


def test_one_record_alone_is_recognised(opened: Opener) -> None:
    record = trail_records()[0]
    assert data_of(opened(record).records) == [record]
    assert data_of(opened(eventbridge(record)).records) == [record]
    event = lookup_events()[0]
    assert data_of(opened(event).records) == [event]


def test_a_description_is_recognised(opened: Opener) -> None:
    content = cli_v2(described(), "startDate", "stopDate")
    recording = opened(content)
    (received,) = recording.records
    assert (received.source, received.data) == (From.DESCRIBE, content)
    assert recording.executions == (described()["executionArn"],)


@pytest.mark.parametrize(
    "content",
    [
        lines([described(), defined()]),
        # `describe-state-machine` has status, type and creationDate instead.
        lines([described(), defined(status="ACTIVE", type="STANDARD")]),
    ],
)
def test_a_definition_is_recognised(opened: Opener, content: Any) -> None:
    (timeline,) = extend(Trace(), opened(content).records).timelines.values()
    assert [task.name for task in timeline.definition.tasks] == ["ECS RunTask"]


LOGGED = [dict(received.data) for received in express_log(sync_history())]
LOG_EVENTS = [log_event(m, number=n, at=n) for n, m in enumerate(LOGGED)]
GREETING = log_event("Permissions are set correctly to allow it.", number=99, at=1)
INSIGHTS = {"@timestamp": "2024-07-03 15:04:27.995"}
LOGS = {
    "filter-log-events": {"events": [GREETING, *LOG_EVENTS], "searchedLogStreams": []},
    "log events": LOG_EVENTS,
    "log events, a line each": lines([GREETING, *LOG_EVENTS]),
    "messages": LOGGED,
    "messages, a line each": lines(LOGGED),
    "subscription": {
        "messageType": "DATA_MESSAGE",
        "logEvents": [
            {"id": "3", "timestamp": 1, "message": json.dumps(m)} for m in LOGGED
        ],
    },
    "Insights": [{**INSIGHTS, "@message": m} for m in LOGGED],
    "Insights, as text": [{**INSIGHTS, "@message": json.dumps(m)} for m in LOGGED],
}


@pytest.mark.parametrize("content", LOGS.values(), ids=LOGS.keys())
def test_the_log_of_an_execution_is_recognised(opened: Opener, content: Any) -> None:
    recording = opened(content)
    assert [r.source for r in recording.records] == [From.EXPRESS] * 8
    assert recording.executions == (EXPRESS_ARN,)
    (timeline,) = extend(Trace(), recording.records).timelines.values()
    assert timeline.status == "SUCCEEDED"
    assert timeline.visits == _history_visits()


def _history_visits() -> Any:
    return extend(Trace(), sync_history(EXPRESS_ARN)).timelines[EXPRESS_ARN].visits


def test_logs_of_several_executions_are_told_apart(opened: Opener) -> None:
    other = EXPRESS_ARN[:-1] + "0"
    more = [dict(received.data) for received in express_log(sync_history(), other)]
    recording = opened(lines([*LOGGED, *more]))
    assert {*recording.executions} == {EXPRESS_ARN, other}


def test_a_trail_s_log_is_recognised(opened: Opener) -> None:
    records = trail_records()
    events = [log_event(r, number=n, at=n) for n, r in enumerate(records)]
    recording = opened({"events": [GREETING, *events]})
    assert {r.source for r in recording.records} == {From.TRAIL}
    assert data_of(recording.records) == records


def test_what_a_synchronous_start_answered_is_of_its_log(opened: Opener) -> None:
    answer = described(EXPRESS_ARN, billingDetails={"billedMemoryUsedInMB": 64})
    recording = opened(lines([answer, *LOGGED]))
    (timeline,) = extend(Trace(), recording.records).timelines.values()
    assert timeline.described
    assert timeline.described.data == answer
    assert len(timeline.events) == 8


def test_a_log_with_nothing_of_ours_holds_no_records(opened: Opener) -> None:
    for message in ("hello", "[1]", '{"a": 1}', "{"):
        recording = opened({"events": [log_event(message, number=1, at=1)]})
        assert recording.records == ()
        assert recording.notes[0].endswith("file.dat: holds no records")


def test_an_answer_without_records_is_no_error(opened: Opener) -> None:
    empty: list[Any] = [{"Events": []}, {"events": []}, {"Records": []}, []]
    for content in empty:
        recording = opened(content)
        assert recording.records == ()
        assert recording.notes[0].endswith("file.dat: holds no records")


BAD = {
    "truncated": ('{"events": [\n  {"id": 1,', r":2: not JSON: Expecting"),
    "deep": ("[" * 10_000, r":1: nested too deep"),
    "number": ("[1, 2]", r": not a file sfnwatch knows: \[0\]: a JSON number"),
    "text": ('["x"]', r"\[0\]: a JSON string"),
    "an array inside": ('{"events": [[]]}', r"events\[0\]: no object but a JSON array"),
    "not a list": (
        '{"Records": {"a": 1}}',
        "Records: a JSON object with the key a\\. ",
    ),
    "nothing": ({}, "sfnwatch knows: a JSON object with no keys\\. "),
    "unknown": (
        dict.fromkeys("abcdefgh", 1),
        "sfnwatch knows: a JSON object with the keys a, b, c, d, e, f, …",
    ),
    "export": ({"sfnwatch_trace": 1}, "an exported trace; open the recording"),
    "bad event": (
        {"events": [*history(), {"id": 9}]},
        r"file\.dat:\d+: events\[8\]: a history event without 'type'",
    ),
    "bad event on a line": (
        lines([*history(), {"id": 9, "type": "", "timestamp": 0}]),
        r"file\.dat:9: not a history event: not an event type: ''",
    ),
    "bad log event": (
        {"events": [{"timestamp": 1, "message": json.dumps(LOGGED[0] | {"id": ""})}]},
        r"events\[0\]: not a history event",
    ),
    "log of nobody": (LOGGED[0] | {"execution_arn": 5}, "execution_arn is no text"),
    "two executions": (
        [{"events": history()}, {"events": [{**history()[2], "type": "TaskFailed"}]}],
        r"\[1\]\.events\[0\]: another event 3 than before",
    ),
    "bad record": (
        {"Records": [*trail_records(), {"eventName": "x", "eventTime": "y"}]},
        r"Records\[6\]: a CloudTrail record without 'eventID'",
    ),
    "bad Event": (
        {"Events": [{"EventId": "x", "EventTime": 1}]},
        r"Events\[0\]: a CloudTrail record without 'eventName'",
    ),
    "another event": (
        eventbridge(
            {"eventTime": "2023-11-15"}, **{"detail-type": "Batch Job State Change"}
        ),
        "an EventBridge event of type Batch Job State Change",
    ),
    "description": (described() | {"executionArn": 5}, "executionArn is no text"),
    "definition": (defined(definition={}), "definition is no text"),
}


@pytest.mark.parametrize(("content", "what"), BAD.values(), ids=BAD.keys())
def test_what_is_wrong_is_said_in_one_line_with_its_place(
    opened: Opener, content: Any, what: str
) -> None:
    with pytest.raises(BadFileError, match=what) as caught:
        opened(content)
    assert "file.dat" in caught.value.message
    assert caught.value.message.isprintable()


def test_an_unknown_file_is_told_what_is_known(opened: Opener) -> None:
    for content in ("{}", "hello\nworld\n", "%PDF-1.4\n"):
        with pytest.raises(BadFileError, match="not a file sfnwatch knows") as caught:
            opened(content)
        assert "get-execution-history" in caught.value.hint
        assert "lookup-events" in caught.value.hint


def test_a_packed_file_that_is_cut_short_is_not_half_a_trail(opened: Opener) -> None:
    packed = gzip.compress(json.dumps({"Records": trail_records()}).encode())
    with pytest.raises(BadFileError, match="gzip stream is cut short") as caught:
        opened(packed[:-9])
    assert "again" in caught.value.hint


def test_hostile_keys_do_not_reach_the_message(opened: Opener) -> None:
    with pytest.raises(BadFileError) as caught:
        opened({"\x1b]0;pwned\x07" * 90: 1, "\n": 2})
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 200


def test_an_unknown_file_is_told_in_as_few_words_as_fit_two_lines(
    opened: Opener,
) -> None:
    for content in ({}, {f"key {n}" * 40: n for n in range(40)}):
        with pytest.raises(BadFileError) as caught:
            opened(content)
        assert len(caught.value.hint) <= 160
        assert "sfnwatch replay --help" in caught.value.hint
