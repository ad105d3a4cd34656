"""A watch that is left alone: it grows by nothing, and leaves nothing behind."""

import asyncio
import gc
import os
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from statistics import linear_regression
from typing import Any

import pytest
from botocore.retries.standard import ExponentialBackoff
from msgspec import Struct

from sfnwatch.demo.scenarios import PLANS, Scenario, TaskRun
from sfnwatch.model.records import Batch, RecordKind
from sfnwatch.model.source_health import HealthState
from sfnwatch.model.trace import Trace
from sfnwatch.recording.format import new_header
from sfnwatch.recording.reader import open_files
from sfnwatch.recording.recorder import Recorder
from tests.sources.clocks import EPOCH
from tests.sources.conftest import hasty_botocore, simulate, sync
from tests.sources.simulation import Simulation

__all__ = ["hasty_botocore", "simulate", "sync"]
pytestmark = pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="needs Linux's /proc"
)
_OWN_CALLS = 500
_LOOK = 300.0
"""Virtual seconds between looks at the memory."""
_WARM = 3
"""Looks that do not count: caches fill, and the allocator finds its size."""
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Endured(Struct):
    """What a long watch came to."""

    status: str
    requests: int
    seen: tuple[int, int]
    """Events and calls."""
    expected: tuple[int, int]
    slope: float
    """KiB an hour that the process grew by, after it was warm."""
    tasks: int
    """Tasks left over."""
    files: int
    """Files and sockets left open."""


def endured(hours: float, folder: Path) -> Endured:
    """Watch an execution that lasts so long, with a live tail, and record it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0.0)
        return asyncio.run(_endure(hours, folder))


def _long(hours: float) -> Scenario:
    """A task that is polled each minute, and beside it a wait every half a minute."""
    seconds = round(hours * 3600)
    polled = TaskRun(seconds, 2.0, polls=tuple(range(60, seconds, 60)))
    (job,) = PLANS["sync"].states.values()
    count = max(1, seconds // 30)
    waits: Mapping[str, Any] = {
        f"Wait {n}": {
            "Type": "Wait",
            "Seconds": 30,
            **({"Next": f"Wait {n + 1}"} if n < count else {"End": True}),
        }
        for n in range(1, count + 1)
    }
    job_branch = {"StartAt": "Job", "States": {"Job": job}}
    branches = [job_branch, {"StartAt": "Wait 1", "States": waits}]
    states = {"Both": {"Type": "Parallel", "Branches": branches, "End": True}}
    attempts = {"Job": (polled,)}
    return Scenario(
        name="long", machine="long", states=states, attempts=attempts, days_before=()
    )


async def _endure(hours: float, folder: Path) -> Endured:
    simulation = Simulation([_long(hours)])
    # The account's memory of who asked is not the watcher's.
    simulation.account._own = deque(maxlen=_OWN_CALLS)
    recorder = Recorder(folder / "long.jsonl", new_header(EPOCH, "test", []))
    looks: list[int] = []
    requests = 0

    def consume(batch: Batch) -> None:
        nonlocal requests
        recorder(batch)
        requests += sum(each.kind == RecordKind.REQUEST for each in batch)
        if simulation.seconds(simulation.clock.now()) >= len(looks) * _LOOK:
            simulation.requests.clear()
            gc.collect()
            looks.append(_resident())

    files, tasks = _open_files(), len(asyncio.all_tasks())
    async with simulation.up():
        await simulation.live().watch(consume)
    for _ in range(1000):
        if _open_files() <= files:
            break
        await asyncio.sleep(0.02)  # noqa: TID251 - transports close some turns later
    recorder.close()
    tasks, files = len(asyncio.all_tasks()) - tasks, _open_files() - files
    trace = Trace()
    for batch in open_files([recorder.path]).batches():
        trace.add(batch)
    (run,) = simulation.account.watched
    (execution,) = trace.as_of().executions.values()
    matched = sum(link.key is not None for link in trace.links.values())
    return Endured(
        execution.status,
        requests,
        seen=(execution.event_count, matched),
        expected=(len(run.events), len(run.calls)),
        slope=_slope(looks[_WARM:]),
        tasks=tasks,
        files=files,
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
    fitted = linear_regression(range(len(looks)), looks)
    return fitted.slope / 1024 * (3600 / _LOOK)


# -- is held to ------------------------------------------------------------------------


def test_nothing_is_lost_or_left_open_after_a_while(tmp_path: Path) -> None:
    watched = endured(0.1, tmp_path)
    assert watched.status == "SUCCEEDED"
    assert watched.seen == watched.expected > (30, 5)
    assert watched.tasks == 0
    assert watched.files <= 0


@pytest.mark.parametrize("at", [20, 320])
async def test_a_clock_that_jumps_an_hour_is_caught_up_with_at_once(
    sync: Simulation, at: float
) -> None:
    sync.clock.when(at, lambda: sync.clock.advance(3600))
    watched = await sync.watch()
    assert watched.status == "SUCCEEDED"
    assert watched.event_ids() == list(range(1, 9))
    assert len(watched.matched_calls) == 6
    assert watched.states("history")[-1] is HealthState.ENDED
    woken = [sync.seconds(request.at) for request in sync.requests]
    assert min(each for each in woken if each >= at + 3600) < at + 3610
