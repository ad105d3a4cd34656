"""Histories, calls and recordings of any length, in the shapes of recorded ones.

Synthetic: a loop of a `.sync` task and a Choice. A task's calls are matched by request
id and task ARN, as AWS's are; 25,000 events come to 21 MB. Times and bytes depend on
the length alone, so that both editions are measured on the same.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sfnwatch.model.records import Received, RecordKind, receive
from sfnwatch.model.values import iso
from sfnwatch.recording.format import new_header
from sfnwatch.recording.writer import save_recording
from tests.builders import (
    ACCOUNT,
    ARN,
    MACHINE_ARN,
    REGION,
    ROLE,
    SESSION,
    START,
    api_call,
)

STATE, LAST = "Work", "Verylast"
"""The state that is entered again and again, and the one that comes at the end."""
PERIOD = 60
"""Seconds of one time round."""
_LOOP = 8
"""Events of one time round."""
_TASK = {"resourceType": "ecs", "resource": "runTask.sync"}
_CALLS_PAGE, _EVENTS_PAGE = 50, 1000
_PAYLOAD = json.dumps({"part": "0123456789abcdef" * 8, "of": ["x" * 90] * 6})
"""About 700 bytes, as what a state is given."""
_TIMES = ("timestamp", "startDate", "stopDate", "updateDate", "EventTime")

Data = dict[str, Any]


def begin_of(events: int, now: datetime | None = None) -> datetime:
    """Give a start after which so many events are just over by now."""
    at = now or datetime(2026, 1, 31, tzinfo=UTC)
    return (at - timedelta(seconds=loops(events) * PERIOD)).replace(microsecond=0)


def loops(events: int) -> int:
    return max(1, (events - 4) // _LOOP)


def _task_arn(number: int) -> str:
    return f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/my-cluster/{number:032x}"


def _request_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012x}"


# -- the history -------------------------------------------------------------------


def history(count: int, *, start: datetime, ended: bool) -> Iterator[Data]:
    """Yield so many events; the last is that of the end, or a wait's beginning."""
    for number, (kind, key, details, seconds) in enumerate(_kinds(count, ended), 1):
        yield {
            "timestamp": (start + timedelta(seconds=seconds)).timestamp(),
            "type": kind,
            "id": number,
            "previousEventId": 0 if number <= 2 else number - 1,
            key: details,
        }


_Kind = tuple[str, str, Data, float]


def _kinds(count: int, ended: bool) -> Iterator[_Kind]:  # noqa: FBT001 - as above
    started = {"input": _PAYLOAD, "roleArn": ROLE}
    yield "ExecutionStarted", "executionStartedEventDetails", started, 0.0
    rounds, at = loops(count), 0.0
    for number in range(rounds):
        at = number * PERIOD + 0.1
        yield from _round(number, at)
    left = count - 1 - rounds * _LOOP - (3 if ended else 1)
    for number in range(left):
        yield _state("Pass", "Entered" if number % 2 == 0 else "Exited", "Pad", at + 57)
    yield _state("Pass" if ended else "Wait", "Entered", LAST, at + 58)
    if ended:
        yield _state("Pass", "Exited", LAST, at + 58)
        done = {"output": _PAYLOAD}
        yield "ExecutionSucceeded", "executionSucceededEventDetails", done, at + 58.1


def _round(number: int, at: float) -> Iterator[_Kind]:
    task = {"TaskArn": _task_arn(number), "LastStatus": "STOPPED", "Text": _PAYLOAD}
    ids = {"RequestId": _request_id(number)}
    meta = {"SdkHttpMetadata": {"HttpHeaders": {"x-amzn-RequestId": ids["RequestId"]}}}
    output = json.dumps({"Tasks": [task], "SdkResponseMetadata": ids, **meta})
    scheduled = {**_TASK, "region": REGION, "parameters": _PAYLOAD}
    submitted, done = {**_TASK, "output": output}, {**_TASK, "output": json.dumps(task)}
    yield _state("Task", "Entered", STATE, at)
    yield "TaskScheduled", "taskScheduledEventDetails", scheduled, at
    yield "TaskStarted", "taskStartedEventDetails", dict(_TASK), at + 0.2
    yield "TaskSubmitted", "taskSubmittedEventDetails", submitted, at + 1.4
    yield "TaskSucceeded", "taskSucceededEventDetails", done, at + 56
    yield _state("Task", "Exited", STATE, at + 56.02)
    yield _state("Choice", "Entered", "Again", at + 56.02)
    yield _state("Choice", "Exited", "Again", at + 56.03)


def _state(kind: str, way: str, name: str, at: float) -> _Kind:
    payload = "input" if way == "Entered" else "output"
    key = f"state{way}EventDetails"
    return f"{kind}State{way}", key, {"name": name, payload: _PAYLOAD}, at


# -- what it is --------------------------------------------------------------------


def described(start: datetime, *, ended: datetime | None = None) -> Data:
    stop = {"stopDate": ended.timestamp()} if ended else {}
    return {
        "executionArn": ARN,
        "stateMachineArn": MACHINE_ARN,
        "name": ARN.rsplit(":", 1)[-1],
        "status": "SUCCEEDED" if ended else "RUNNING",
        "startDate": start.timestamp(),
        "input": "{}",
        **stop,
    }


def defined(start: datetime) -> Data:
    task = "arn:aws:states:::ecs:runTask.sync"
    choices = [{"Variable": "$.of", "IsPresent": True, "Next": STATE}]
    states = {
        STATE: {"Type": "Task", "Resource": task, "Next": "Again"},
        "Again": {"Type": "Choice", "Choices": choices, "Default": LAST},
        "Pad": {"Type": "Pass", "Next": LAST},
        LAST: {"Type": "Wait", "Seconds": 9, "End": True},
    }
    return {
        "stateMachineArn": MACHINE_ARN,
        "name": "nightly-report",
        "definition": json.dumps({"StartAt": STATE, "States": states}),
        "roleArn": ROLE,
        "updateDate": (start - timedelta(days=3)).timestamp(),
    }


# -- the calls ---------------------------------------------------------------------


def calls(count: int, *, events: int, start: datetime) -> Iterator[Data]:
    """Yield so many Events of LookupEvents, oldest first, spread over the rounds.

    Of each round one RunTask, then polls; one in twenty is of the role alone.
    """
    rounds = loops(events)
    made = [0] * rounds
    for number in range(count):
        place = number * rounds // count
        nth, made[place] = made[place], made[place] + 1
        share = max(1, -(-count // rounds))
        second = 1 + nth * (PERIOD - 6) // share
        at = start + timedelta(seconds=place * PERIOD + second)
        yield _call(number, place, nth, at)


def _call(number: int, place: int, nth: int, at: datetime) -> Data:
    name = "RunTask" if nth == 0 else "DescribeTasks"
    asked: Data = {"cluster": "my-cluster", "tasks": [_task_arn(place)]}
    answer: Data | None = None
    if nth == 0:
        asked = {"cluster": "my-cluster", "startedBy": "AWS Step Functions"}
        answer = {"tasks": [{"taskArn": _task_arn(place), "text": _PAYLOAD}]}
    elif number % 20 == 7:
        name, asked = "ListClusters", {"maxResults": 10}
    asked["include"] = ["x" * 400]
    inner = api_call(
        name,
        (at - START).total_seconds(),
        key=f"{number:08x}-0000-4000-8000-000000000000",
        request_id=None if nth else _request_id(place),
        parameters=asked,
        response=answer,
    )
    return {
        "EventId": inner["eventID"],
        "EventName": name,
        "ReadOnly": str(inner["readOnly"]).lower(),
        "EventTime": at.timestamp(),
        "EventSource": "ecs.amazonaws.com",
        "Username": SESSION,
        "Resources": [],
        "CloudTrailEvent": json.dumps(inner),
    }


# -- as records ----------------------------------------------------------------------


def _received(at: datetime, kind: str, arn: str | None, data: Data) -> Received:
    """Make a record that both editions read: the first one wants times in words."""
    words = {
        key: iso(datetime.fromtimestamp(data[key], UTC))
        for key in _TIMES
        if key in data
    }
    return receive(at, kind, arn, {**data, **words})


def records(
    events: int, call_count: int, *, ended: bool = True, start: datetime | None = None
) -> Iterator[Received]:
    """Yield what a watch hands over that begins when all has happened.

    Histories come a page in 50 ms, calls a page in a second, as LookupEvents lets it.
    """
    begin = start or begin_of(events)
    over = begin + timedelta(seconds=loops(events) * PERIOD)
    stopped = over if ended else None
    yield _received(over, RecordKind.DESCRIBE, ARN, described(begin, ended=stopped))
    yield _received(over, RecordKind.DEFINITION, ARN, defined(begin))
    for number, event in enumerate(history(events, start=begin, ended=ended)):
        at = over + timedelta(seconds=0.05 * (1 + number // _EVENTS_PAGE))
        yield _received(at, RecordKind.HISTORY, ARN, event)
    for number, call in enumerate(calls(call_count, events=events, start=begin)):
        at = over + timedelta(seconds=1 + number // _CALLS_PAGE)
        yield _received(at, RecordKind.LOOKUP, None, call)


def growing(
    events: int, call_count: int, more: int
) -> tuple[Iterator[Received], list[Received]]:
    """Give what is known of a running execution, and the events that come next.

    What is known is made while it is read, as a watch hands it over.
    """
    begin, head = begin_of(events), 2 + events

    def known() -> Iterator[Received]:
        whole = records(events + more, 0, ended=False, start=begin)
        yield from (each for n, each in enumerate(whole) if n < head)
        around = records(events, call_count, start=begin)
        yield from (each for each in around if each.kind == RecordKind.LOOKUP)

    return known(), [*records(events + more, 0, ended=False, start=begin)][head:]


def record(path: Path, events: int, call_count: int = 0) -> Path:
    """Write a recording, once; lines come to events and calls and three."""
    if not path.exists():
        header = new_header(begin_of(events), "benchmark", (ARN,))
        part = path.with_suffix(".part")
        part.unlink(missing_ok=True)
        batches = ([each] for each in records(events, call_count))
        save_recording(part, header, batches)
        part.rename(path)
    return path
