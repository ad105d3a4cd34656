"""The loop: records are recorded, added, told of; its three kinds; their moments."""

import asyncio
import os
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

import pytest

from sfnwatch.analysis.findings import find
from sfnwatch.clock import Clock, SpedClock, SystemClock
from sfnwatch.errors import Outcome, RefusedError
from sfnwatch.model.arns import parse_execution_arn
from sfnwatch.model.records import Batch, Received, RecordKind
from sfnwatch.model.trace import Changed, Trace
from sfnwatch.recording.reader import open_files, record_time
from sfnwatch.session import sessions
from sfnwatch.session.outcome import outcome, raise_if_refused
from sfnwatch.session.session import Session
from sfnwatch.session.sessions import paced
from sfnwatch.sources.aws_settings import AwsSettings
from sfnwatch.sources.live_options import LiveOptions
from sfnwatch.sources.polling import TakesBatches
from tests.builders import (
    ARN,
    OTHER_ARN,
    START,
    SYNC,
    History,
    api_call,
    at,
    athena,
    describe,
    event,
    health,
    in_order,
    lookup,
    received,
    sync_definition,
    sync_history,
    sync_run,
    task_state,
    trail,
    undated,
)
from tests.sources.clocks import ManualClock

GOLDEN = Path(__file__).parents[1] / "golden" / "recordings"
WAYS = GOLDEN / "demo-three-ways.sfnwatch.jsonl.gz"


def scripted(*batches: Batch) -> Session:
    """A watch in which these batches come."""

    async def stream(take: TakesBatches) -> None:
        for batch in batches:
            take(batch)
            await SystemClock().sleep(0)

    return Session("live", stream, clock=SystemClock(), executions=(ARN,))


async def told_of(watched: Session) -> list[Batch]:
    """Run a session; give the batches that it tells of."""
    seen: list[Batch] = []
    watched.consumers.append(lambda batch, _: seen.append(batch))
    await watched.run()
    return seen


# -- the loop --------------------------------------------------------------------------


async def test_a_batch_is_recorded_then_added_then_told_of(tmp_path: Path) -> None:
    watched = scripted(sync_run()[:3], sync_run()[3:])
    path = tmp_path / "run.jsonl"
    watched.start_recording(path, print)
    seen: list[tuple[int, int, int]] = []

    def consume(batch: Batch, changed: Changed) -> None:
        lines = len(path.read_text().splitlines()) - 1
        seen.append((lines, watched.trace.version, len(batch)))
        assert changed.executions

    watched.consumers.append(consume)
    await watched.run()
    assert seen == [(3, 1, 3), (len(sync_run()), 2, len(sync_run()) - 3)]
    told: list[str] = []
    watched.close(told.append)
    assert told == [f"recorded to {path}"]


async def test_a_recorder_in_trouble_says_so_once_as_a_lane_does(
    tmp_path: Path,
) -> None:
    watched = scripted(sync_run()[:3], sync_run()[3:5], sync_run()[5:])
    path = tmp_path / "run.jsonl"
    watched.start_recording(path, print)
    seen: list[Batch] = []
    watched.consumers.append(lambda batch, _: seen.append(batch))
    path.unlink()
    await watched.run()
    assert [len(batch) for batch in seen] == [4, 2, len(sync_run()) - 5]
    lane = watched.trace.as_of().health["recording"]
    assert "the file was deleted" in lane.message
    told: list[str] = []
    watched.close(told.append)
    assert told[0].startswith("the recording is not complete: Recording to ")


def _replace(path: Path) -> None:
    path.rename(path.with_name("kept"))
    path.write_text("another's")


LOSSES: Mapping[str, Callable[[Path], object]] = {
    "the file was cut short": lambda path: os.truncate(path, 10),
    "another file is in its place": _replace,
    "the file was moved or deleted": Path.unlink,
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("is_late", [False, True])
async def test_a_recording_that_is_not_there_is_not_called_recorded(
    tmp_path: Path, loss: str, *, is_late: bool
) -> None:
    watched = scripted(sync_run()[:3], sync_run()[3:])
    path = tmp_path / "run.jsonl"
    watched.start_recording(path, print)
    if not is_late:
        LOSSES[loss](path)
    await watched.run()
    if is_late:
        LOSSES[loss](path)
    told: list[str] = []
    watched.close(told.append)
    assert told[-1] == f"the recording is not at {path}: {loss}"
    assert not any("recorded to" in each for each in told)


async def test_another_file_is_not_removed_with_a_recording_of_nothing(
    tmp_path: Path,
) -> None:
    watched = scripted()
    path = tmp_path / "run.jsonl"
    watched.start_recording(path, print)
    _replace(path)
    await watched.run()
    watched.close(print)
    assert path.read_text() == "another's"


async def test_a_folder_that_can_not_be_had_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")
    watched, told = scripted(sync_run()), list[str]()
    watched.start_recording(None, told.append)
    await watched.run()
    assert told[0].startswith("not recording: Can't record to ")
    assert watched.recorder is None
    assert watched.trace.executions


class Counting:
    """A companion that counts what it was told, and says so once it is closed."""

    def __init__(self) -> None:
        self.told = 0
        self._closed = asyncio.Event()

    def __call__(self, batch: Batch, changed: Changed) -> None:
        del batch, changed
        self.told += 1

    async def run(self, take: TakesBatches) -> None:
        await self._closed.wait()
        take((health("otlp", "live", 9, message=f"{self.told} told"),))

    def close(self) -> None:
        self._closed.set()


@pytest.mark.parametrize("hold", [False, True])
async def test_a_companion_has_the_last_word_however_it_ends(*, hold: bool) -> None:
    begun = asyncio.Event()

    async def stream(take: TakesBatches) -> None:
        take(sync_run())
        begun.set()
        if hold:
            await asyncio.Event().wait()

    watched = Session("live", stream, clock=SystemClock(), executions=(ARN,))
    watched.companions.append(Counting())
    async with asyncio.TaskGroup() as group:
        running = group.create_task(watched.run())
        await begun.wait()
        if hold:
            running.cancel()
    assert watched.trace.as_of().health["otlp"].message == "1 told"


async def test_what_ends_it_is_raised_by_itself() -> None:
    async def stream(take: TakesBatches) -> None:
        take(sync_run())
        async with asyncio.TaskGroup() as group:
            group.create_task(refuse())

    async def refuse() -> None:
        raise RefusedError("No such profile.")

    watched = Session("live", stream, clock=SystemClock(), executions=(ARN,))
    with pytest.raises(RefusedError, match="No such profile"):
        await watched.run()


# -- what came of it -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("endings", "code"),
    [
        (["Succeeded"], Outcome.SUCCEEDED),
        (["Failed"], Outcome.FAILED),
        (["TimedOut"], Outcome.TIMED_OUT),
        (["Aborted"], Outcome.ABORTED),
        (["Succeeded", "Aborted"], Outcome.ABORTED),
        ([None, "Failed"], Outcome.FAILED),
        (["Failed", None], Outcome.FAILED),
        (["Succeeded", None], Outcome.RUNNING),
        ([None], Outcome.RUNNING),
    ],
)
def test_the_first_that_did_not_succeed_is_the_outcome(
    endings: list[str | None], code: int
) -> None:
    trace = Trace()
    for arn, ending in zip((ARN, OTHER_ARN), endings, strict=False):
        run = History(arn).start()
        trace.add(run.end(ending).records if ending else run.records)
    assert outcome(trace.as_of()) == code
    assert outcome(trace.as_of(START)) == Outcome.RUNNING


def test_an_execution_that_aws_will_not_show_is_refused() -> None:
    refused = health("history", "refused", 1, arn=ARN, message="No such execution.")
    trace = Trace()
    trace.add([refused])
    with pytest.raises(RefusedError, match=r"^No such execution\.$"):
        raise_if_refused(trace)
    trace.add(sync_run())
    raise_if_refused(trace)


def test_one_that_is_refused_while_it_runs_has_no_outcome() -> None:
    refused = health("history", "refused", 200, arn=ARN, message="Keys revoked.")
    trace = Trace()
    trace.add([*History(ARN).start().records, refused])
    with pytest.raises(RefusedError, match=r"^Keys revoked\.$"):
        raise_if_refused(trace)


def test_one_whose_history_ended_without_its_end_has_no_outcome() -> None:
    ended = health("history", "ended", 200, arn=ARN, message="No more is logged.")
    trace = Trace()
    trace.add([*History(ARN).start().records, ended])
    said = r"^How run-7f3a ended is not known\. No more is logged\.$"
    with pytest.raises(RefusedError, match=said):
        raise_if_refused(trace)


def test_what_still_runs_when_a_watch_is_left_is_said_and_no_success() -> None:
    watched, said = scripted(), list[str]()
    watched.take(History(ARN).start().records)
    assert watched.conclude(said.append) == Outcome.RUNNING
    assert said == ["run-7f3a is still running here: how it ends is not known."]
    unseen = scripted()
    assert unseen.conclude(said.append) == Outcome.RUNNING
    assert said[1].startswith(f"{ARN} is still running here")


# -- findings --------------------------------------------------------------------------


async def test_findings_are_kept_until_the_trace_has_changed() -> None:
    watched = scripted()
    watched.take(sync_run()[:6])
    first = await watched.findings(watched.trace.as_of())
    assert first == find(watched.trace.as_of())
    assert await watched.findings(watched.trace.as_of()) is first
    assert await watched.findings(watched.trace.as_of(START)) is not first
    watched.take(sync_run()[6:])
    assert await watched.findings(watched.trace.as_of()) == find(watched.trace.as_of())


async def test_findings_leave_room_on_the_loop_and_begin_again_after_a_change() -> None:
    run = History(OTHER_ARN).start()
    for number in range(500):
        run.task(f"State {number}", SYNC)
    watched = scripted()
    watched.take(run.end().records)

    async def interrupt() -> None:
        watched.take(sync_run())

    async with asyncio.TaskGroup() as group:
        found = group.create_task(watched.findings(watched.trace.as_of()))
        group.create_task(interrupt())
    assert {each.execution_arn for each in found.result()} >= {ARN, OTHER_ARN}


# -- live, demo, replay ----------------------------------------------------------------


def test_nothing_is_imported_for_a_watch_before_it_runs() -> None:
    arns = [parse_execution_arn(ARN)]
    watched = sessions.live(arns, AwsSettings(""), LiveOptions())
    assert (watched.mode, watched.executions) == ("live", (ARN,))
    assert watched.title == "nightly-report › run-7f3a"
    assert ("states", "GetExecutionHistory") in watched.allowed
    assert ("states", "ListStateMachines") not in watched.allowed


async def test_a_replay_gives_what_was_recorded_in_parts_or_as_a_whole() -> None:
    paths = [WAYS, GOLDEN / "demo-distributed.sfnwatch.jsonl.gz"]
    records = tuple(open_files(paths).records())
    for whole in (False, True):
        watched = sessions.replay(paths, whole=whole)
        seen = await told_of(watched)
        assert tuple(record for batch in seen for record in batch) == records
        assert (len(seen) == 1) is whole
    assert watched.mode == "replay"
    assert watched.title == ", ".join(path.name for path in paths)
    assert watched.created is not None
    assert isinstance(watched.clock, SpedClock)


async def test_a_paced_replay_gives_records_in_the_order_of_their_times(
    tmp_path: Path,
) -> None:
    recorded = scripted(tuple(reversed(in_order(sync_run()))))
    path = tmp_path / "run.jsonl"
    recorded.created = START
    recorded.start_recording(path, print)
    await recorded.run()
    recorded.close(print)
    watched = sessions.replay([path], speed=100_000)
    seen = await told_of(watched)
    times = [record.at for batch in seen for record in batch if record.at]
    assert times == sorted(times)
    assert watched.span == (min(times), max(times))


async def play(records: list[Received], clock: Clock) -> list[tuple[datetime, Batch]]:
    return [(clock.now(), batch) async for batch in paced(records, clock)]


async def test_each_record_comes_when_its_moment_has() -> None:
    played = await play(sync_run(), ManualClock(START))
    assert [record for _, batch in played for record in batch] == sync_run()
    for now, batch in played:
        late = {abs((now - (r.at or now)).total_seconds()) < 1e-3 for r in batch}
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
    record, second = api_call("RunTask", 1, key="run"), at(1).replace(microsecond=0)
    listed = {"executions": [{"startDate": second.timestamp()}, {}, 7]}
    for told, expected in (
        (lookup(record, lag=None), second),
        (trail(record), second),
        (athena(record, "eventtime", "eventsource", "eventname"), second),
        (received(RecordKind.CHILDREN, listed), second),
        # To the millisecond, unlike the time of the event around it.
        (undated(task_state(1, "RUNNING", 2)), at(2)),
        (undated(describe("RUNNING")), START),
        (undated(sync_definition()), None),
        (received(RecordKind.LOOKUP, {}), None),
    ):
        assert record_time(told) == expected, told.kind


async def test_a_long_gap_is_slept_in_short_naps() -> None:
    clock = ManualClock(START)
    await play([sync_history()[0], event(2, "WaitStateEntered", 90, seen=90)], clock)
    assert sum(clock.slept) == pytest.approx(90)
    assert max(clock.slept) <= 1
