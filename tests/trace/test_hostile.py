"""Whoever may start an execution or call an API writes these strings: none gets out.

Every string of every record is replaced by one that could act on a terminal; the
words of rows and of findings are clean all the same.
"""

import json
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.trace.events import From, Received
from sfnwatch.trace.findings import findings
from sfnwatch.trace.lanes import build_lanes
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.words import plain, row_pieces
from tests.builders import ARN, call, event, sync_run
from tests.trace.calling import row, started
from tests.trace.test_text import HOSTILE

hostile = st.text(st.characters(), max_size=6).map(lambda text: f"x{text}") | (
    st.sampled_from(HOSTILE).map(lambda text: f"a{text}b")
)
KEPT = {"timestamp", "eventTime", "EventTime", "eventtime"}
"""Without a time a record is none."""


def safe(text: str) -> bool:
    return all(c.isprintable() or unicodedata.category(c) == "Zs" for c in text)


def shown(trace: Trace) -> Iterator[str]:
    for joined in (True, False):
        for each in build_lanes(trace, joined=joined).rows:
            yield plain(row_pieces(each))
    for timeline in trace.timelines.values():
        yield from (finding.text for finding in findings(trace, timeline))


def spoiled(value: Any, text: str, *, key: str = "") -> Any:
    """Put `text` in, at the end of every string of a JSON value."""
    if key in KEPT:
        return value
    if key == "CloudTrailEvent":
        return json.dumps(spoiled(json.loads(value), text))
    if isinstance(value, dict):
        return {k: spoiled(v, text, key=k) for k, v in value.items()}
    if isinstance(value, list):
        return [spoiled(v, text) for v in value]
    return value + text if isinstance(value, str) else value


def spoil(record: Received, text: str) -> Received:
    data = spoiled(dict(record.data), text)
    return Received(record.at, record.source, record.execution_arn, data)


def everything() -> list[Received]:
    refused = ("AccessDenied", "no")
    return [
        *sync_run(denied=True),
        event(20, "TaskStateEntered", 1, name="T"),
        event(21, "LambdaFunctionScheduled", 1, resource="arn:aws:lambda:r:1:f:n"),
        event(22, "LambdaFunctionFailed", 2, error="E", cause='{"Cause": "c"}'),
        event(23, "MapIterationStarted", 2, name="M", index=1),
        event(24, "MapRunStarted", 2, mapRunArn="arn:x/y"),
        event(25, "EvaluationFailed", 2, state="T", error="E", cause="c"),
        row("RunTask", 1, errorcode="E", errormessage="m"),
        call("RunTask", 1, key="again", error=refused),
    ]


@settings(max_examples=60, deadline=None)
@given(hostile)
def test_no_field_of_any_record_gets_out_as_it_is(text: str) -> None:
    trace = extend(Trace(), [spoil(record, text) for record in everything()])
    assert all(safe(line) for line in shown(trace))


@settings(max_examples=60, deadline=None)
@given(hostile)
def test_details_alone_may_be_hostile_and_the_records_fit_together(text: str) -> None:
    """Here the types stay as they are, so all of a row's words are made."""
    records = []
    for record in everything():
        data = dict(record.data)
        if record.source == From.HISTORY:
            data = {
                k: spoiled(v, text) if "Details" in k else v for k, v in data.items()
            }
        records.append(Received(record.at, record.source, record.execution_arn, data))
    trace = extend(Trace(), records)
    lines = list(shown(trace))
    assert all(safe(line) for line in lines)
    assert any("ECS RunTask" in line for line in lines)


@given(
    st.sampled_from(
        ["Execution", "Task", "MapIteration", "MapState", "LambdaFunction", ""]
    ),
    hostile,
    st.sampled_from(["", "StateEntered", "StateExited", "Scheduled", "Failed"]),
)
def test_types_of_the_future_may_be_any_text(head: str, text: str, tail: str) -> None:
    entered = event(2, "TaskStateEntered", 1, name="A")
    opened = event(3, "TaskScheduled", 1, resourceType="ecs", resource="runTask")
    data = {**opened.data, "id": 4, "previousEventId": 3, "type": head + text + tail}
    data["taskScheduledEventDetails"] = {"name": text, "index": 1, "error": text}
    strange = Received(None, From.HISTORY, ARN, data)
    trace = extend(Trace(), [*started(), entered, opened, strange])
    assert not trace.unread
    assert all(safe(line) for line in shown(trace))


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_times_at_either_end_of_the_calendar_are_shown(
    one: datetime, other: datetime
) -> None:
    times = [
        one,
        other,
        datetime.max.replace(tzinfo=UTC),
        datetime.min.replace(tzinfo=UTC),
    ]
    records = []
    for number, record in enumerate(everything()):
        data = dict(record.data)
        at = times[number % 4].isoformat()
        for key in KEPT & set(data):
            data[key] = at
        if "CloudTrailEvent" in data:
            inner = json.loads(data["CloudTrailEvent"])
            data["CloudTrailEvent"] = json.dumps({**inner, "eventTime": at})
        records.append(Received(record.at, record.source, record.execution_arn, data))
    assert all(safe(line) for line in shown(extend(Trace(), records)))
