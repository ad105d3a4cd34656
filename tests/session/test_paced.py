"""The moments of records, and a replay that keeps to them."""

import json
from datetime import UTC, datetime

import pytest

from sfnwatch.clock import Clock
from sfnwatch.model.records import Batch, Received, RecordKind
from sfnwatch.recording.reader import moment
from sfnwatch.session import paced
from tests.builders import (
    START,
    TASK_ARN,
    describe,
    event,
    received,
    sync_calls,
    sync_definition,
    sync_history,
    sync_run,
    undated,
)
from tests.sources.clocks import ManualClock


async def play(records: list[Received], clock: Clock) -> list[tuple[datetime, Batch]]:
    return [(clock.now(), batch) async for batch in paced(records, clock)]


async def test_each_record_comes_when_its_moment_has() -> None:
    played = await play(sync_run(), ManualClock(START))
    assert [record for _, batch in played for record in batch] == sync_run()
    for at, batch in played:
        late = {abs((at - (r.at or at)).total_seconds()) < 1e-3 for r in batch}
        assert late == {True}


async def test_records_without_a_moment_come_at_the_times_they_tell_of() -> None:
    played = await play([undated(r) for r in sync_run()], ManualClock(START))
    known = [record.record for _, batch in played[1:] for record in batch]
    names = [each.get("type") or each.get("EventName") for each in known]
    started = ["ExecutionStarted", "TaskStateEntered", "TaskScheduled", "TaskStarted"]
    assert names[:7] == [None, *started, "RunTask", "TaskSubmitted"]
    assert "ExecutionSucceeded" in names[-2:]
    # What has no time of its own is there from the beginning.
    kinds = {record.kind for record in played[0][1]}
    assert kinds == {RecordKind.DEFINITION, RecordKind.HEALTH}


def test_every_kind_of_record_tells_its_own_time() -> None:
    at = datetime(2023, 11, 15, 0, 28, 25, tzinfo=UTC)
    run_task = undated(sync_calls()[0])
    record = json.loads(run_task.record["CloudTrailEvent"])
    names = ("eventTime", "eventSource", "eventName")
    row_of = {name.lower(): record[name] for name in names}
    listed = {"executions": [{"startDate": at.timestamp()}, {}, 7]}
    detail = {"taskArn": TASK_ARN, "version": 1, "lastStatus": "RUNNING"}
    state = {
        "time": "2023-11-15T00:28:26Z",
        "detail": {**detail, "updatedAt": at.isoformat()},
    }
    for told in (
        run_task,
        received(RecordKind.TRAIL, record),
        received(RecordKind.ATHENA, row_of),
        received(RecordKind.CHILDREN, listed),
        received(RecordKind.TASK_STATE, state),
    ):
        assert moment(told) == at, told.kind
    assert moment(undated(describe("RUNNING"))) == START
    assert moment(undated(sync_definition())) is None
    assert moment(received(RecordKind.LOOKUP, {})) is None


async def test_a_long_gap_is_slept_in_short_naps() -> None:
    clock = ManualClock(START)
    await play([sync_history()[0], event(2, "WaitStateEntered", 90, seen=90)], clock)
    assert sum(clock.slept) == pytest.approx(90)
    assert max(clock.slept) <= 1
