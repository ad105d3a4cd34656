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

from msgspec.structs import replace

from sfnwatch.model.records import Received, RecordKind
from sfnwatch.model.times import iso
from sfnwatch.recording.format import new_header
from sfnwatch.recording.recorder import write_recording
from tests import builders as aws

STATE, LAST = "Work", "Verylast"
"""The state that is entered again and again, and the one that comes at the end."""
PERIOD = 60
"""Seconds of one time round."""
_LOOP = 8
"""Events of one time round."""
_CALLS_PAGE, _EVENTS_PAGE = 50, 1000
_PAYLOAD = json.dumps({"part": "0123456789abcdef" * 8, "of": ["x" * 90] * 6})
"""About 700 bytes, as what a state is given."""


def begin_of(events: int, now: datetime | None = None) -> datetime:
    """Give a start after which so many events are just over by now."""
    at = now or datetime(2026, 1, 31, tzinfo=UTC)
    return (at - timedelta(seconds=loops(events) * PERIOD)).replace(microsecond=0)


def loops(events: int) -> int:
    return max(1, (events - 4) // _LOOP)


def _task_arn(number: int) -> str:
    return f"arn:aws:ecs:{aws.REGION}:{aws.ACCOUNT}:task/my-cluster/{number:032x}"


def _request_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012x}"


# -- the history -------------------------------------------------------------------


def history(count: int, *, start: datetime, ended: bool) -> list[Received]:
    """Make so many events; the last is that of the end, or a wait's beginning."""
    begin, rounds = (start - aws.START).total_seconds(), loops(count)
    run = aws.History(begin=begin).start()
    for number in range(rounds):
        run.now = begin + number * PERIOD
        _add_round(run, number)
    for number in range(count - 1 - rounds * _LOOP - (3 if ended else 1)):
        _add_state(run, "PassStateExited" if number % 2 else "PassStateEntered", "Pad")
    if not ended:
        _add_state(run, "WaitStateEntered", LAST)
        return run.records
    _add_state(run, "PassStateEntered", LAST)
    _add_state(run, "PassStateExited", LAST)
    return run.end(output=_PAYLOAD).records


def _add_round(run: aws.History, number: int) -> None:
    task = {"TaskArn": _task_arn(number), "LastStatus": "STOPPED", "Text": _PAYLOAD}
    ids = {"RequestId": _request_id(number)}
    meta = {"SdkHttpMetadata": {"HttpHeaders": {"x-amzn-RequestId": ids["RequestId"]}}}
    _add_state(run, "TaskStateEntered", STATE)
    run.attempt(
        aws.SYNC,
        submitted={"Tasks": [task], "SdkResponseMetadata": ids, **meta},
        output=task,
        lasts=55,
        region=aws.REGION,
        parameters=_PAYLOAD,
    )
    _add_state(run, "TaskStateExited", STATE)
    _add_state(run, "ChoiceStateEntered", "Again")
    _add_state(run, "ChoiceStateExited", "Again")


def _add_state(run: aws.History, kind: str, name: str) -> None:
    payload = "input" if kind.endswith("Entered") else "output"
    details: dict[str, Any] = {"name": name, payload: _PAYLOAD}
    run.add(kind, **details)


# -- what it is --------------------------------------------------------------------


def described(start: datetime, *, ended: datetime | None = None) -> Received:
    stop: dict[str, Any] = {"stopDate": iso(ended)} if ended else {}
    status = "SUCCEEDED" if ended else "RUNNING"
    return aws.describe(status, startDate=iso(start), **stop)


def defined(start: datetime) -> Received:
    task = "arn:aws:states:::ecs:runTask.sync"
    choices = [{"Variable": "$.of", "IsPresent": True, "Next": STATE}]
    states = {
        STATE: {"Type": "Task", "Resource": task, "Next": "Again"},
        "Again": {"Type": "Choice", "Choices": choices, "Default": LAST},
        "Pad": {"Type": "Pass", "Next": LAST},
        LAST: {"Type": "Wait", "Seconds": 9, "End": True},
    }
    return aws.definition(states, updateDate=iso(start - timedelta(days=3)))


# -- the calls ---------------------------------------------------------------------


def calls(count: int, *, events: int, start: datetime) -> Iterator[Received]:
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


def _call(number: int, place: int, nth: int, at: datetime) -> Received:
    name = "RunTask" if nth == 0 else "DescribeTasks"
    asked: dict[str, Any] = {"cluster": "my-cluster", "tasks": [_task_arn(place)]}
    answer: dict[str, Any] | None = None
    if nth == 0:
        asked = {"cluster": "my-cluster", "startedBy": "AWS Step Functions"}
        answer = {"tasks": [{"taskArn": _task_arn(place), "text": _PAYLOAD}]}
    elif number % 20 == 7:
        name, asked = "ListClusters", {"maxResults": 10}
    asked["include"] = ["x" * 400]
    return aws.lookup(
        aws.api_call(
            name,
            (at - aws.START).total_seconds(),
            key=f"{number:08x}-0000-4000-8000-000000000000",
            request_id=None if nth else _request_id(place),
            parameters=asked,
            response=answer,
        )
    )


# -- as records ----------------------------------------------------------------------


def records(
    events: int, call_count: int, *, ended: bool = True, start: datetime | None = None
) -> Iterator[Received]:
    """Yield what a watch hands over that begins when all has happened.

    Histories come a page in 50 ms, calls a page in a second, as LookupEvents lets it.
    """
    begin = start or begin_of(events)
    over = begin + timedelta(seconds=loops(events) * PERIOD)
    stopped = over if ended else None
    yield replace(described(begin, ended=stopped), at=over)
    yield replace(defined(begin), at=over)
    for number, event in enumerate(history(events, start=begin, ended=ended)):
        at = over + timedelta(seconds=0.05 * (1 + number // _EVENTS_PAGE))
        yield replace(event, at=at)
    for number, call in enumerate(calls(call_count, events=events, start=begin)):
        yield replace(call, at=over + timedelta(seconds=1 + number // _CALLS_PAGE))


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
        header = new_header(begin_of(events), "benchmark", (aws.ARN,))
        part = path.with_suffix(".part")
        with part.open("w") as out:
            write_recording(out, header, records(events, call_count))
        part.rename(path)
    return path
