"""Traces that exports are tried on: ordinary ones, and what nobody hopes for."""

from collections.abc import Iterator, Mapping
from typing import Any

from sfnwatch.trace.events import From, Received
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.values import replace
from tests.builders import (
    ARN,
    ROLE,
    TASK_ARN,
    call,
    describe,
    event,
    in_order,
    sync_calls,
    sync_definition,
    sync_history,
    sync_run,
)

EVIL = (
    "end;#%%{init}%% </script><b>\"'`\\ $$x$$ =1+1\t\r\n"
    "\x00\x1b[31m\x7f\x9b\u202e\u200b\ud800\u2028 ✘é漢字 &amp; [link=x] end"
)
"""Something that each format, viewer or terminal could take for its own."""
TASK: dict[str, Any] = {"resourceType": "lambda", "resource": "invoke"}


def failing() -> list[Received]:
    """Build a run whose task fails twice, with a back-off between."""
    task: dict[str, Any] = {"resourceType": "ecs", "resource": "runTask.sync"}
    why: dict[str, Any] = {
        "error": "States.TaskFailed",
        "cause": '{"StoppedReason":"Out of memory"}',
    }
    return [
        event(1, "ExecutionStarted", 0, input="{}", roleArn=ROLE),
        event(2, "TaskStateEntered", 0.1, name="Work", input="{}"),
        event(3, "TaskScheduled", 0.1, **task),
        event(4, "TaskStarted", 0.2, **task),
        event(5, "TaskFailed", 10, **task, **why),
        event(6, "TaskScheduled", 12, **task),
        event(7, "TaskStarted", 12.1, **task),
        event(8, "TaskFailed", 20, **task, **why),
        event(9, "ExecutionFailed", 20.1, **why),
    ]


def many_items(items: int, at_once: int, *, arn: str = ARN) -> list[Received]:
    """Build a run of a Map: `at_once` iterations at a time, each of a second."""
    told: list[tuple[float, str, tuple[int, str], tuple[int, str], dict[str, Any]]]
    told = [
        (0, "ExecutionStarted", (-1, "s"), (-1, ""), {"roleArn": ROLE}),
        (0.1, "MapStateEntered", (-1, "e"), (-1, ""), {"name": "Each"}),
        (0.2, "MapStateStarted", (-1, "m"), (-1, "e"), {"length": items}),
    ]
    for item in range(items):
        at = 1 + item // at_once + (item % at_once) * 0.0001
        named = {"name": "Each", "index": item}
        steps: list[tuple[float, str, dict[str, Any]]] = [
            (0, "MapIterationStarted", named),
            (0.1, "TaskStateEntered", {"name": "Work"}),
            (0.1, "TaskScheduled", dict(TASK)),
            (0.2, "TaskStarted", dict(TASK)),
            (0.7, "TaskSucceeded", dict(TASK)),
            (0.8, "TaskStateExited", {"name": "Work"}),
            (0.8, "MapIterationSucceeded", named),
        ]
        before = (-1, "m")
        for number, (after, kind, details) in enumerate(steps):
            own = (item, str(number))
            told.append((at + after, kind, own, before, details))
            before = own
    end = 3.0 + items / at_once
    last = (items - 1, "5")
    told += [
        (end, "MapStateSucceeded", (items, "a"), last, {}),
        (end, "MapStateExited", (items, "b"), last, {"name": "Each"}),
        (end, "ExecutionSucceeded", (items, "c"), (items, "b"), {}),
    ]
    told.sort(key=lambda one: one[0])
    ids = {own: number for number, (_, _, own, _, _) in enumerate(told, start=1)}
    return [
        event(ids[own], kind, at, previous=ids.get(before, 0), arn=arn, **details)
        for at, kind, own, before, details in told
    ]


def hostile() -> list[Received]:
    """Build a run in which every string is one that could act on somebody."""
    arn = f"{ARN}-{EVIL}"
    why: dict[str, Any] = {"error": EVIL, "cause": EVIL}
    resource: dict[str, Any] = {"resourceType": EVIL, "resource": EVIL}
    return [
        event(1, "ExecutionStarted", 0, arn=arn, roleArn=f"{ROLE}"),
        event(2, "TaskStateEntered", 0.1, arn=arn, name=EVIL),
        event(3, "TaskScheduled", 0.2, arn=arn, **resource),
        event(4, "TaskStarted", 0.3, arn=arn, **resource),
        event(5, "TaskFailed", 5, arn=arn, **resource, **why),
        event(6, f"Strange{EVIL}", 5, arn=arn, **why),
        event(7, "ExecutionFailed", 6, arn=arn, **why),
        call(EVIL, 1, key=EVIL, source=f"{EVIL}.amazonaws.com", error=(EVIL, EVIL)),
        call("RunTask", 2, key="run", request_id=EVIL),
    ]


def odd_times() -> list[Received]:
    """Build a run whose times no calendar of AWS's has, and one call likewise."""
    records = [*sync_history(), *sync_calls()]
    first, last = records[1], records[6]
    return [
        *records,
        replace(first, data={**first.data, "timestamp": "0001-01-01T00:00:00Z"}),
        replace(last, data={**last.data, "timestamp": "9999-12-31T23:59:59Z"}),
    ]


def in_no_time() -> list[Received]:
    """Build a run of states that take less than a millisecond, and one that doesn't."""
    told = [event(1, "ExecutionStarted", 0, input="{}")]
    for number, name in enumerate(("One", "Two", "Three")):
        first = 2 + 2 * number
        told.append(event(first, "PassStateEntered", 1, name=name, previous=first - 1))
        told.append(event(first + 1, "PassStateExited", 1, name=name, previous=first))
    told.append(event(8, "WaitStateEntered", 1, name="Wait", previous=7))
    told.append(event(9, "WaitStateExited", 3, name="Wait", previous=8))
    told.append(event(10, "PassStateEntered", 3, name="Last", previous=9))
    told.append(event(11, "PassStateExited", 3, name="Last", previous=10))
    return [*told, event(12, "ExecutionSucceeded", 4, previous=11)]


def overlapping() -> list[Received]:
    """Build what is left of a history whose containers are missing."""
    return [
        event(10, "TaskStateEntered", 1, name="One", previous=4),
        event(11, "TaskStateEntered", 2, name="Two", previous=5),
        event(12, "PassStateEntered", 2, name="Three", previous=6),
        event(13, "PassStateExited", 2, name="Three", previous=12),
    ]


def in_one_second(count: int) -> list[Received]:
    """Build a run polled so many times in one second as no service is."""
    asked = {"cluster": "c", "tasks": [TASK_ARN]}
    polls = [
        call("DescribeTasks", 100, key=f"at-once-{number}", parameters=asked)
        for number in range(count)
    ]
    return [*sync_run(), *polls]


def _all() -> Iterator[tuple[str, list[Received]]]:
    other = f"{ARN}-2"
    ambiguous = call("RunTask", 1, key="run", request_id="unknown")
    yield "empty", []
    yield "sync", sync_run()
    yield "denied", sync_run(denied=True)
    yield "history only", sync_history()
    yield "calls only", sync_calls()
    yield "described only", [describe("RUNNING")]
    yield "running", [*sync_history()[:5], *sync_calls()[:3], sync_definition()]
    yield "just begun", sync_history()[:1]
    yield "failing", [*failing(), describe("FAILED")]
    yield "two", [*sync_run(), *sync_history(other)]
    yield "ambiguous", [*sync_history(), *sync_history(other), ambiguous]
    yield "items", many_items(500, 40)
    yield "hostile", hostile()
    yield "hostile answer", [*sync_history()[:3], describe(EVIL)]
    yield "odd times", odd_times()
    yield "overlapping", overlapping()
    yield "no time", in_no_time()
    yield "one second", in_one_second(600)
    undated = [replace(record, at=None) for record in sync_run()]
    yield "undated", [r for r in undated if r.source != From.HEALTH]


RECORDS: Mapping[str, list[Received]] = dict(_all())
TRACES: Mapping[str, Trace] = {
    name: extend(Trace(), in_order(records)) for name, records in RECORDS.items()
}
