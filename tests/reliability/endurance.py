"""Hours of watching, in virtual time: what grows, and what is left open."""

import asyncio
import gc
import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from botocore.retries.standard import ExponentialBackoff

from sfnwatch.demo.history import HistoryEvent
from sfnwatch.demo.runs import Run, role_name
from sfnwatch.demo.trail import Delivered
from sfnwatch.recording.reader import read_recording
from sfnwatch.recording.writer import Recorder
from sfnwatch.trace.events import Batch
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.values import replace
from tests.sources.simulation import EPOCH, Simulation

_LOOK = 300.0
"""Virtual seconds between looks at the memory."""
_WARM = 3
"""Looks that do not count: caches fill, and the allocator finds its size."""
_OWN_CALLS = 500
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Endured:
    """What a long watch came to."""

    hours: float
    requests: int
    events: int
    calls: int
    expected_events: int
    expected_calls: int
    slope: float
    """KiB an hour that the process grew by, after it was warm."""
    tasks: int
    """Tasks left over."""
    files: int
    """Files and sockets left open."""
    status: str


def endured(hours: float, folder: Path) -> Endured:
    """Watch an execution that lasts so long, with a live tail, and record it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0.0)
        return asyncio.run(_endure(hours, folder, patch))


async def _endure(hours: float, folder: Path, patch: pytest.MonkeyPatch) -> Endured:
    simulation = Simulation(["sync"], patch)
    run, trail = _long(simulation, timedelta(hours=hours))
    world = simulation.account.world
    simulation.account.world = replace(world, runs=(run,), trail=trail, earlier=())
    # The account's memory of who asked is not the watcher's.
    simulation.account._own = deque(maxlen=_OWN_CALLS)
    recorder = Recorder.create(folder / "long.jsonl", [run.arn], EPOCH, "test")
    looks: list[int] = []
    count = 0

    def consume(batch: Batch) -> None:
        nonlocal count
        recorder(batch)
        if (simulation.clock.now() - EPOCH).total_seconds() >= len(looks) * _LOOK:
            count += len(simulation.requests)
            simulation.requests.clear()
            gc.collect()
            looks.append(_resident())

    files, tasks = _open_files(), len(asyncio.all_tasks())
    await simulation.start()
    await simulation.live(run.arn).watch(consume)
    await simulation.stop()
    await asyncio.sleep(0.1)  # noqa: TID251 - transports close a turn later
    recorder.close()
    left = _open_files() - files, len(asyncio.all_tasks()) - tasks
    trace = extend(Trace(), read_recording(recorder.path).records)
    (timeline,) = trace.timelines.values()
    return Endured(
        hours=hours,
        requests=count + len(simulation.requests),
        events=len(timeline.events),
        calls=len(trace.links),
        expected_events=len(run.events),
        expected_calls=len(trail),
        slope=_slope(looks[_WARM:]),
        files=left[0],
        tasks=left[1],
        status=timeline.status,
    )


def _long(simulation: Simulation, more: timedelta) -> tuple[Run, tuple[Delivered, ...]]:
    """Make the run last longer: a wait every 30 s before its end, a poll a minute."""
    (run,) = simulation.account.world.runs
    end = next(n for n, e in enumerate(run.events) if e.kind == "TaskSucceeded")
    waits = list(_waits(run.events[end - 1], more))
    last = [
        replace(
            event,
            at=event.at + more,
            event_id=event.event_id + len(waits),
            previous=event.previous + (len(waits) if event.previous >= end + 1 else 0),
        )
        for event in run.events[end:]
    ]
    role = [each for each in simulation.account.world.trail if _is_of(run, each)]
    poll = next(e for e in role if e.envelope["EventName"] == "DescribeTasks")
    polls = (
        _again(poll, minute) for minute in range(6, int(more.total_seconds() / 60))
    )
    events = (*run.events[:end], *waits, *last)
    return replace(run, events=events), (*role, *polls)


def _is_of(run: Run, each: Delivered) -> bool:
    return (
        each.envelope["EventSource"] == "ecs.amazonaws.com"
        and each.event_time >= run.started_at.replace(microsecond=0)
        and f"/{role_name(run.scenario)}/" in each.envelope["CloudTrailEvent"]
    )


def _waits(before: HistoryEvent, more: timedelta) -> Iterator[HistoryEvent]:
    for number in range(int(more.total_seconds() / 30)):
        at = before.at + timedelta(seconds=30 * number)
        first = before.event_id + 1 + 2 * number
        entered = {"name": f"Wait {number % 7}", "input": "{}"}
        yield HistoryEvent(at, first, "WaitStateEntered", 0, entered)
        exited = {"name": f"Wait {number % 7}", "output": "{}"}
        yield HistoryEvent(at, first + 1, "WaitStateExited", first, exited)


def _again(poll: Delivered, minute: int) -> Delivered:
    """Copy a poll to another minute, with ids of its own."""
    more = timedelta(minutes=minute)
    event_id = f"{minute:08}-0000-4000-8000-000000000000"
    old, at = poll.envelope, poll.event_time + more
    inner = (
        old["CloudTrailEvent"]
        .replace(poll.event_id, event_id)
        .replace(f"{poll.event_time:%Y-%m-%dT%H:%M:%S}", f"{at:%Y-%m-%dT%H:%M:%S}")
    )
    envelope = {
        **old,
        "EventId": event_id,
        "EventTime": at.timestamp(),
        "CloudTrailEvent": inner,
    }
    return replace(
        poll,
        event_time=at,
        delivered_at=poll.delivered_at + more,
        event_id=event_id,
        envelope=envelope,
    )


def _resident() -> int:
    """Give the bytes of memory this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def _slope(looks: list[int]) -> float:
    """Fit a line through what was seen; KiB an hour."""
    if len(looks) < 2:
        return 0.0
    middle, mean = (len(looks) - 1) / 2, sum(looks) / len(looks)
    over = sum((n - middle) * (size - mean) for n, size in enumerate(looks))
    under = sum((n - middle) ** 2 for n in range(len(looks)))
    return over / under / 1024 * (3600 / _LOOK)
