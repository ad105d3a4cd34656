"""A recording as a source."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.clock import Clock, SpedClock
from sfnwatch.recording.recording import Recording
from sfnwatch.sources.feed import run
from sfnwatch.sources.replay import Replay, moment, span
from sfnwatch.trace.events import Batch, From, Received
from sfnwatch.trace.timeline import Trace, extend, extend_all
from tests.builders import (
    ARN,
    START,
    call,
    describe,
    event,
    health,
    sync_calls,
    sync_definition,
    sync_history,
    sync_run,
)


class StoodClock:
    """Stands still but for who sleeps by it, and remembers every sleep."""

    def __init__(self, origin: datetime = START) -> None:
        self._now = origin
        self.sleeps: list[float] = []

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self._now += timedelta(seconds=seconds)


async def play(
    records: list[Received], clock: Clock | None = None
) -> list[tuple[datetime | None, Batch]]:
    played: list[tuple[datetime | None, Batch]] = []

    def consume(batch: Batch) -> None:
        played.append((clock.now() if clock else None, batch))

    await run([Replay(Recording(tuple(records)), clock)], [consume])
    return played


def undated(record: Received) -> Received:
    return Received(None, record.source, record.execution_arn, record.data)


async def test_a_replay_gives_what_was_recorded() -> None:
    played = await play(sync_run())
    assert [record for _, batch in played for record in batch] == sync_run()
    assert extend_all(batch for _, batch in played) == extend(Trace(), sync_run())


@given(
    st.lists(
        st.builds(
            Received,
            st.none()
            | st.sampled_from([START + timedelta(seconds=n) for n in range(5)]),
            st.sampled_from(["queue", *From]),
            st.none() | st.just(ARN),
            st.dictionaries(st.sampled_from(["timestamp", "eventTime"]), st.text()),
        )
    )
)
async def test_a_replay_loses_nothing_and_keeps_the_order_of_moments(
    records: list[Received],
) -> None:
    played = await play(records, StoodClock())
    given_ = [record for _, batch in played for record in batch]
    assert sorted(given_, key=records.index) == sorted(records, key=records.index)
    moments = [moment(record) for record in given_ if moment(record)]
    assert moments == sorted(moments, key=lambda at: at or START)


async def test_each_record_comes_when_its_moment_has() -> None:
    played = await play(sync_run(), StoodClock())
    for at, batch in played:
        assert at is not None
        assert {abs((at - (r.at or at)).total_seconds()) < 1e-3 for r in batch} == {
            True
        }


async def test_records_of_one_moment_come_together() -> None:
    records = [
        event(1, "ExecutionStarted", 0, seen=1),
        event(2, "PassStateEntered", 0.1, seen=1, name="A"),
        event(3, "PassStateExited", 0.2, seen=2, name="A"),
    ]
    assert [len(batch) for _, batch in await play(records)] == [2, 1]
    assert [len(batch) for _, batch in await play(records, StoodClock())] == [2, 1]


async def test_records_without_a_moment_come_at_the_times_they_tell_of() -> None:
    records = [undated(r) for r in sync_run()]
    played = await play(records, StoodClock())
    known = [record for _, batch in played[1:] for record in batch]
    names = [
        record.data.get("type") or record.data.get("EventName") for record in known
    ]
    assert names[:7] == [
        None,
        "ExecutionStarted",
        "TaskStateEntered",
        "TaskScheduled",
        "TaskStarted",
        "RunTask",
        "TaskSubmitted",
    ]
    assert names[-1] == "ExecutionSucceeded"
    # What has no time of its own is there from the beginning.
    assert {r.source for r in played[0][1]} == {From.DEFINITION, From.HEALTH}


def test_every_kind_of_record_tells_its_own_time() -> None:
    at = datetime(2023, 11, 15, 0, 28, 25, tzinfo=UTC)
    (run_task, *_) = sync_calls()
    inside = {"CloudTrailEvent": run_task.data["CloudTrailEvent"]}
    row = {"eventtime": "2023-11-15 00:28:25.000 UTC"}
    assert moment(undated(run_task)) == at
    assert moment(Received(None, From.LOOKUP, None, inside)) == at
    record = {"eventTime": "2023-11-15T00:28:25Z"}
    assert moment(Received(None, From.TRAIL, None, record)) == at
    assert moment(Received(None, From.ATHENA, None, row)) == at
    assert moment(undated(describe("RUNNING"))) == START
    assert moment(undated(describe())) == START + timedelta(seconds=309)
    assert moment(undated(sync_definition())) is None
    assert moment(Received(None, From.LOOKUP, None, {})) is None
    assert moment(call("RunTask", 1, key="x", lag=3)) == at + timedelta(seconds=3)


def test_the_span_is_that_of_all_moments() -> None:
    last = START + timedelta(seconds=600)
    assert span(Recording(tuple(sync_run()))) == (START + timedelta(seconds=1), last)
    assert span(Recording(())) is None
    assert span(Recording((undated(health("lookup", "live", 3)),))) is None


async def test_a_long_gap_is_slept_in_short_naps() -> None:
    clock = StoodClock()
    await play([sync_history()[0], event(2, "WaitStateEntered", 90, seen=90)], clock)
    assert sum(clock.sleeps) == pytest.approx(90)
    assert max(clock.sleeps) <= 1


async def test_a_sped_clock_plays_a_whole_run_at_once() -> None:
    played = await play(sync_run(), SpedClock(100_000, START))
    assert [record for _, batch in played for record in batch] == sync_run()


async def test_what_is_past_by_the_clock_comes_at_once() -> None:
    clock = StoodClock(START + timedelta(days=1))
    assert len(await play(sync_run(), clock)) == len(await play(sync_run()))
    assert clock.sleeps == []


def test_a_replay_can_not_call_aws() -> None:
    code = (
        "import sys, sfnwatch.sources.replay, sfnwatch.recording.files\n"
        "bad = {'botocore', 'aiobotocore', 'boto3', 'textual', 'aiohttp'}\n"
        "sys.exit(', '.join(bad & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
