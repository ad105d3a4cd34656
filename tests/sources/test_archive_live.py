"""An archive that grows while an execution runs, and what is said of it."""

import asyncio
import json
import re
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from sfnwatch.export.json import trace_json
from sfnwatch.sources import drain
from sfnwatch.sources.archive_filter import Concerning
from sfnwatch.sources.archive_folder import Folder
from sfnwatch.sources.feed import run
from sfnwatch.sources.history import History
from sfnwatch.sources.subjects import Subjects
from sfnwatch.trace.arns import parse_execution_arn
from sfnwatch.trace.events import From, HealthState
from sfnwatch.trace.timeline import Trace
from sfnwatch.trace.times import parse_time
from tests.builders import (
    START,
    ManualClock,
    sync_calls,
)
from tests.sources.archive_files import (
    LAG,
    key_of,
    others,
    packed,
    put,
    record_of,
)
from tests.sources.archive_watch import (
    Counted,
    found,
    search,
    watch,
)
from tests.sources.simulation import EPOCH, Simulate, Simulation, Watched

OURS = [record_of(each) for each in sync_calls()]
IDS = sorted(record["eventID"] for record in OURS)


def _lay_out(simulation: Simulation, folder: Path) -> None:
    """Let the account's trail be delivered to a folder, as time goes by.

    That others call something goes on after the account's own story has ended.
    """
    trail = [
        (each.delivered_at, json.loads(each.envelope["CloudTrailEvent"]))
        for each in simulation.account.world.trail
    ]
    end = max(at for at, _ in trail)
    later = others(20, end, 3000)
    trail += [(parse_time(record["eventTime"]) + LAG, record) for record in later]
    for number, (at, record) in enumerate(trail):
        files = {key_of(at, number, region=record["awsRegion"]): packed([record])}
        simulation.clock.when(
            max(1.0, (at - EPOCH).total_seconds()), partial(put, folder, files)
        )


SCENARIOS = ["sync", "sync-denied", "async", "sdk", "pipeline", "failure"]


def _comparable(trace: Trace, only: set[str]) -> dict[str, Any]:
    """Give the trace as JSON, less what says when and how it came."""
    told = trace_json(trace)
    told["calls"] = [
        {**each, "seen_at": None}
        for each in told["calls"]
        # A trail has what was not looked up, as X-Ray's questions.
        if each["event_source"] in only
    ]
    for each in (*told["executions"], told):
        each["findings"] = [f for f in each["findings"] if f["kind"] != "lag"]
        for finding in each["findings"]:
            # How far the lane is complete is a matter of its source's health.
            finding["text"] = re.sub(", up to [0-9:]{8} UTC", "", finding["text"])
    return told


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_a_live_watch_sees_in_the_archive_what_it_sees_in_lookups(
    simulate: Simulate, tmp_path: Path, scenario: str
) -> None:
    first = await simulate(scenario)
    looked_up = await first.watch()
    second = await simulate(scenario)
    _lay_out(second, tmp_path)
    archived = await _live(second, tmp_path)
    assert archived.states("lookup")[-1] is HealthState.ENDED
    only = {asked.value for asked in first.asked("LookupEvents")}
    assert len(looked_up.calls) == len(archived.calls)
    assert _comparable(archived.trace, only) == _comparable(looked_up.trace, only)


async def _live(simulation: Simulation, folder: Path, *, drain: float = 900) -> Watched:
    put(folder, {"notes.txt": b""})
    async with simulation.aws_class(simulation.settings()) as aws:
        arns = simulation.account.executions.values()
        return await watch(aws, simulation.clock, folder, *arns, drain=drain)


async def test_new_files_are_read_as_they_come_and_each_once(
    sync: Simulation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _lay_out(sync, tmp_path / "trail")
    opened: list[str] = []
    chunks = Folder.chunks

    def counted(self: Any, file: Any, note: str) -> Any:
        opened.append(file.place)
        return chunks(self, file, note)

    monkeypatch.setattr(Folder, "chunks", counted)
    watched = await _live(sync, tmp_path / "trail")
    assert len(opened) == len(set(opened)) > 20
    # Half a minute passes between two looks, and CloudTrail itself takes its time.
    for received in watched.records:
        if received.source == From.TRAIL and received.at:
            (delivered_at,) = (
                each.delivered_at
                for each in sync.account.world.trail
                if each.event_id == received.data["eventID"]
            )
            assert 0 <= (received.at - delivered_at).total_seconds() <= 31


async def test_what_is_complete_is_inferred_from_the_newest_file(
    sync: Simulation, tmp_path: Path
) -> None:
    _lay_out(sync, tmp_path / "trail")
    # A longer drain than usual would be waited out in full.
    sync.patch.setattr(drain, "DRAIN", 3600.0)
    watched = await _live(sync, tmp_path / "trail", drain=3600)
    healths = [h for h in watched.healths("lookup") if h.complete_to]
    assert healths
    for health in healths:
        assert health.complete_to
        assert health.lag is not None
        # Its newest file's stamp has whole minutes.
        assert 600 <= health.lag <= 700 or health.state is HealthState.ENDED
    # So far past the end that an hour's drain is cut short.
    last = healths[-1]
    assert last.complete_to
    assert 360 <= (last.complete_to - sync.stopped_at).total_seconds() <= 500
    assert sync.clock.now() < sync.stopped_at + timedelta(seconds=1200)


async def test_without_new_files_it_ends_with_the_drain(
    sync: Simulation, tmp_path: Path
) -> None:
    watched = await _live(sync, tmp_path / "trail", drain=300)
    late = (sync.clock.now() - sync.stopped_at).total_seconds()
    assert 300 <= late <= 302
    assert watched.states("lookup")[-1] is HealthState.ENDED
    assert watched.messages("lookup")[-1].startswith("No file of a trail in ")
    until = [h.until for h in watched.healths("lookup") if h.until]
    assert abs((until[-1] - sync.stopped_at).total_seconds() - 300) < 1


async def test_the_drain_can_be_ended(sync: Simulation, tmp_path: Path) -> None:
    folder = tmp_path / "trail"
    put(folder, {"notes.txt": b""})
    async with sync.aws_class(sync.settings()) as aws:
        subjects = Subjects(
            [parse_execution_arn(arn) for arn in sync.account.executions.values()]
        )
        source = Counted(aws, subjects, sync.clock, str(folder))
        source.clock = sync.clock
        seconds = (sync.stopped_at - EPOCH).total_seconds() + 100
        sync.clock.when(seconds, source.end_drain)
        watched = Watched()
        history = History(aws, subjects.each[0], sync.clock)
        await run([history, source], [watched])
    assert 100 <= (sync.clock.now() - sync.stopped_at).total_seconds() <= 102


async def test_a_file_that_is_still_on_its_way_is_read_again_when_it_has_grown(
    sync: Simulation, tmp_path: Path
) -> None:
    folder = tmp_path / "trail"
    trail = sync.account.world.trail
    records = [json.loads(each.envelope["CloudTrailEvent"]) for each in trail]
    whole = packed(records)
    sync.clock.when(400, lambda: put(folder, {"x.json.gz": whole[:-50]}))
    sync.clock.when(600, lambda: put(folder, {"x.json.gz": whole}))
    watched = await _live(sync, folder)
    assert any("cut short" in message for message in watched.messages("lookup"))
    last = watched.healths("lookup")[-1]
    assert (last.state, last.message) == (HealthState.ENDED, "")
    assert len(watched.calls) == 6


async def test_a_file_that_vanishes_before_its_turn_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, {"a.json.gz": packed(OURS), "b.json.gz": packed(OURS)})
    files = Folder.files

    async def vanish(self: Any, *args: Any) -> Any:
        listed = await files(self, *args)
        (tmp_path / "a.json.gz").unlink()
        return listed

    monkeypatch.setattr(Folder, "files", vanish)
    watched = await search(tmp_path)
    assert sorted(found(watched)) == IDS
    (message,) = watched.messages("lookup")
    assert "1 of the trail's 2 files" in message
    assert "a.json.gz: No such file or directory" in message


async def test_how_far_the_reading_has_come_is_told_now_and_then(
    tmp_path: Path,
) -> None:
    class Slow(ManualClock):
        """Goes on by a fifth of a second at every look."""

        def now(self) -> Any:
            self.advance(0.2)
            return super().now()

    put(tmp_path, {f"{n:03}.json.gz": packed(OURS) for n in range(60)})
    watched = await search(tmp_path, clock=Slow(START + timedelta(hours=2)))
    told = watched.messages("lookup")
    assert 5 < len(told) < 60
    assert all(re.fullmatch(r"Reading the .*: \d+ of 60\.", words) for words in told)
    last = watched.healths("lookup")[-1]
    assert (last.state, last.message) == (HealthState.ENDED, "")


async def test_who_leaves_in_the_middle_of_a_file_does_not_wait_for_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread can't be ended: so each has only a piece of the file to do."""
    put(
        tmp_path,
        {"x.json": b"".join(json.dumps(OURS[0]).encode() for _ in range(4000))},
    )
    looked = 0

    def slow(self: Any, record: Any) -> bool:
        nonlocal looked
        looked += 1
        Event().wait(0.0005)
        return False

    monkeypatch.setattr(Concerning, "__call__", slow)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await search(tmp_path)
    seen = looked
    assert 0 < seen < 2000
    await asyncio.get_running_loop().shutdown_default_executor()
    assert looked < 2000
