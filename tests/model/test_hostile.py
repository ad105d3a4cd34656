"""Whoever may start an execution or call an API writes these records: none does harm.

Whatever any of them holds, it is read or counted as unread, and the trace goes on.

AWS writes no history whose events lead anywhere, a file may: an event follows itself,
one that comes later, or another in a circle; its id may be 0, which stands for none.
All that reads them must come to its end, and to the same in any order.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from typing import Any, NamedTuple

from hypothesis import example, given
from hypothesis import strategies as st

from sfnwatch.export.text import dump
from sfnwatch.model.coverage import Coverage
from sfnwatch.model.records import Received, RecordKind
from sfnwatch.model.time_axis import TimeAxis
from sfnwatch.model.trace import Trace
from tests import builders as aws
from tests import examples
from tests.model.answers import answers
from tests.model.laws import is_the_same_in_any_order
from tests.model.machines import dice_of

Path = tuple[str | int, ...]
KINDS = [*RecordKind, "of a later version", ""]
STRINGS = [
    "",
    "\x1b]8;;evil\x07 [b]x[/b]\u202e\ud800",
    "[" * 5000,
    aws.ARN,
    aws.TASK_ARN,
    "1e999",
    "9999-12-31T23:59:59.999Z",
    "0001-01-01T00:00:00Z",
    '{"TaskArn": ["x"], "StoppedAt": 1e300}',
]
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.sampled_from([10**400, -(10**30), 2**63, 1e300, -0.0, 1700008411202])
    | st.sampled_from(STRINGS)
    | st.text(max_size=4)
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3) | st.sampled_from(STRINGS), inner)
    ),
    max_leaves=6,
)


def usual() -> list[Received]:
    """Give records of all kinds, and of all details."""
    writer = aws.History().start().task("A", retried=["E"], error="E", caught=True)
    writer.parallel("P", lambda run: run.state("B", "Wait"))
    writer.map("M", lambda run: run.state("C")).map_run("D", "arn:run")
    writer.write('EvaluationFailed@0 {"state": "A", "error": "E", "cause": "c"}')
    record = aws.api_call("RunTask", 1, key="r", error=("Denied", "no"))
    return [
        *aws.sync_run(),
        *aws.redriven_run(),
        *aws.photos(),
        *aws.task_life(),
        *writer.records,
        *map(aws.logged, aws.sync_history()),
        aws.trail(record),
        aws.athena(record),
        aws.athena(record, "eventtime", "eventsource", "eventname"),
        aws.request(3),
    ]


USUAL = usual()


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield where there is anything in a JSON value, the value itself first."""
    yield path
    inside = value.items() if isinstance(value, dict) else ()
    for key, each in enumerate(value) if isinstance(value, list) else inside:
        yield from paths(each, (*path, key))


def spoiled(value: Any, path: Path, put: Any) -> Any:
    """Put something in at a path."""
    if not path:
        return put
    key, *rest = path
    copy = value.copy()
    copy[key] = spoiled(value[key], tuple(rest), put)
    return copy


@st.composite
def strange(draw: st.DrawFn) -> Received:
    """Take a record as it ought to be and spoil it in a few places."""
    record = draw(st.sampled_from(USUAL))
    data: Any = json.loads(record.data)
    inner = "CloudTrailEvent" in data and draw(st.booleans())
    told = json.loads(data["CloudTrailEvent"]) if inner else data
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(paths(told))))
        told = spoiled(told, path, draw(values))
    data = {**data, "CloudTrailEvent": json.dumps(told)} if inner else told
    return _changed(draw, record, json.dumps(data).encode())


def _changed(draw: st.DrawFn, record: Received, data: bytes) -> Received:
    kind = draw(st.sampled_from(KINDS)) if draw(st.integers(0, 4)) == 0 else record.kind
    arn = draw(st.sampled_from([record.execution_arn, aws.ARN, None, STRINGS[1], ""]))
    times = [record.at, record.at, None, datetime.max.replace(tzinfo=UTC), aws.START]
    return Received(draw(st.sampled_from(times)), kind, arn, data)


raw = st.builds(
    Received,
    st.none() | st.just(aws.START),
    st.sampled_from(KINDS),
    st.sampled_from([None, aws.ARN, ""]),
    st.binary(max_size=6) | st.sampled_from([b"[" * 9000, b"{}", b"NaN", b"[1]"]),
)


def is_answered(trace: Trace) -> None:
    """Have everything asked, now and at either end of the calendar."""
    for clock in TimeAxis:
        for moment in (None, aws.START, datetime.max.replace(tzinfo=UTC)):
            now = trace.as_of(moment, clock)
            answers(now)
            coverage = Coverage(now)
            assert coverage.complete_to is None or coverage.complete_to.tzinfo is UTC
            for execution in now.executions.values():
                for visit, attempt in execution.attempts:
                    calls = now.calls_of((execution.arn, attempt.scheduled_id))
                    coverage.of(execution.arn, attempt, calls)
                    assert visit.paused >= 0
            for row in (*now.calls, *now.task_states.values()):
                assert row


@examples(120)
@given(records=st.lists(strange() | raw, min_size=1, max_size=6), after=st.booleans())
def test_any_record_is_read_or_counted_as_unread(
    *, records: list[Received], after: bool
) -> None:
    trace = Trace()
    if after:
        trace.add(aws.sync_run())
    for record in records:
        trace.add([record])
    is_answered(trace)
    trace.add(aws.sync_run())
    trace.add(records)
    is_answered(trace)


# -- events that lead anywhere ---------------------------------------------------------


_STATES = ("Task", "Parallel", "Map", "Pass", "Fail")
_KINDS = (
    *(f"{kind}StateEntered" for kind in _STATES),
    *(f"{kind}StateExited" for kind in _STATES if kind != "Fail"),
    *("TaskScheduled", "TaskStarted", "TaskFailed", "TaskStateAborted"),
    *("ParallelStateStarted", "ParallelStateFailed", "MapStateStarted"),
    *("MapIterationStarted", "MapIterationFailed", "EvaluationFailed"),
    *("ExecutionRedriven", "ExecutionSucceeded", "ExecutionFailed"),
)
_IDS = st.integers(0, 6)


class _Odd(NamedTuple):
    """An event, and the one it says it follows."""

    kind: str
    number: int
    previous: int
    name: str = "A"

    @property
    def record(self) -> Received:
        details: dict[str, Any] = {"name": self.name, "state": self.name, "index": 0}
        return aws.event(
            self.number, self.kind, self.number, previous=self.previous, **details
        )


_WITHOUT_ID = [
    *(_Odd("ParallelStateEntered", 0, 0), _Odd("ParallelStateStarted", 1, 0)),
    _Odd("TaskStateEntered", 0, 1, "B"),
]
_EVENTS = st.builds(_Odd, st.sampled_from(_KINDS), _IDS, _IDS, st.sampled_from("AB"))


@examples(80)
@given(
    st.lists(_EVENTS, min_size=1, max_size=8),
    st.sampled_from([None, "SUCCEEDED", "FAILED", "RUNNING"]),
    st.integers(0, 2**32),
)
@example([_Odd("TaskStateEntered", 0, 0)], "SUCCEEDED", 1)
@example(_WITHOUT_ID, "SUCCEEDED", 1)
def test_whatever_events_follow_on_each_other_all_is_told_and_alike_in_any_order(
    events: list[_Odd], status: str | None, seed: int
) -> None:
    records = [event.record for event in events]
    if status is not None:
        records.append(aws.describe(status, seen=20, stopped=10))
    is_the_same_in_any_order(records, dice_of(seed))
    trace = Trace()
    trace.add(records)
    assert trace.unread == {e.record.data for e in events if not e.number}
    dump(trace.as_of(), StringIO())
