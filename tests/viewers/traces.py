"""Traces that viewers are given: ordinary ones, and what nobody hopes for."""

from collections.abc import Mapping
from typing import Any

import pytest

from sfnwatch.model.records import Received, RecordKind, receive
from tests import builders as aws
from tests.export.traces import RECORDS
from tests.golden.inputs import ABSENT, FIXTURES
from tests.peers.test_recorded_files import events_of
from tests.tui.screens import recorded

EVIL = (
    "end;#%%{init}%% </script><b>\"'`\\ $$x$$ =1+1\t\r\n"
    "\x00\x1b[31m\x7f\x9b\u202e\u200b\ud800\u2028 ✘é漢字 &amp; [link=x] end"
)
"""Something that each format, viewer or terminal could take for its own."""


def hostile() -> list[Received]:
    """Build a run in which every string is one that could act on somebody."""
    why: dict[str, Any] = {"error": EVIL, "cause": EVIL}
    resource: dict[str, Any] = {"resourceType": EVIL, "resource": EVIL}
    run = aws.History(f"{aws.ARN}-{EVIL}", pace=1)
    run.add("ExecutionStarted", roleArn=aws.ROLE)
    run.add("TaskStateEntered", name=EVIL)
    run.add("TaskScheduled", **resource)
    run.add("TaskStarted", **resource)
    run.add("TaskFailed", **resource, **why)
    run.add(f"Strange{EVIL}", **why)
    run.add("ExecutionFailed", **why)
    return [
        *run.records,
        aws.call(EVIL, 1, key=EVIL, source=f"{EVIL}.amazonaws.com", error=(EVIL, EVIL)),
        aws.call("RunTask", 2, key="run", request_id=EVIL),
    ]


def odd_times() -> list[Received]:
    """Build a run whose times no calendar of AWS's has, and one call likewise."""
    records = [*aws.sync_history(), *aws.sync_calls()]
    first = aws.changed(records[1], timestamp="0001-01-01T00:00:00Z")
    last = aws.changed(records[6], timestamp="9999-12-31T23:59:59Z")
    return [*records, first, last]


def in_no_time() -> list[Received]:
    """Build a run of states that take less than a millisecond, and one that doesn't."""
    run = aws.History(pace=0).start()
    for name in ("One", "Two", "Three"):
        run.state(name)
    run.state("Wait", "Wait", wait=2).state("Last")
    run.pace = 1
    return run.end().records


def overlapping() -> list[Received]:
    """Build what is left of a history whose containers are missing."""
    return [
        aws.event(10, "TaskStateEntered", 1, name="One", previous=4),
        aws.event(11, "TaskStateEntered", 2, name="Two", previous=5),
        aws.event(12, "PassStateEntered", 2, name="Three", previous=6),
        aws.event(13, "PassStateExited", 2, name="Three", previous=12),
    ]


def in_one_second(count: int) -> list[Received]:
    """Build a run polled so many times in one second as no service is."""
    asked = {"cluster": "c", "tasks": [aws.TASK_ARN]}
    polls = [
        aws.call("DescribeTasks", 100, key=f"at-once-{number}", parameters=asked)
        for number in range(count)
    ]
    return [*aws.sync_run(), *polls]


def from_aws() -> list[Received]:
    """Read histories recorded on AWS where they lie, as executions of one trace.

    Those whose event ids were blanked before they were published are left out.
    """
    found = []
    for path in sorted(FIXTURES.glob("history-*/*.json")):
        try:
            events = events_of(path)
        except pytest.skip.Exception:
            continue
        arn = f"{aws.ARN}-{path.stem}"
        found += [receive(None, RecordKind.HISTORY, arn, event) for event in events]
    return found


OTHER = f"{aws.ARN}-2"
_KINDS = ("sync", "denied", "tasks", "shop", "redriven", "photos", "calls alone")
TRIED: Mapping[str, list[Received]] = {
    **{name: RECORDS[name] for name in _KINDS},
    "distributed": [*recorded("demo-distributed")],
    "three ways": [*recorded("demo-three-ways")],
    "described only": [aws.describe("RUNNING")],
    "ambiguous": [
        *(*aws.sync_history(), *aws.sync_history(OTHER)),
        aws.call("RunTask", 1, key="run", request_id="unknown"),
    ],
    "hostile": hostile(),
    "hostile answer": [*aws.sync_history()[:3], aws.describe(EVIL)],
    "odd times": odd_times(),
    "overlapping": overlapping(),
    "no time": in_no_time(),
    "one second": in_one_second(600),
    "from AWS": from_aws(),
}
_ABSENT = pytest.mark.skipif(not FIXTURES.is_dir(), reason=ABSENT)
NAMES = [
    pytest.param(name, marks=_ABSENT if name == "from AWS" else ()) for name in TRIED
]
