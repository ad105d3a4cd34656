"""A watch that is left alone: it grows by nothing, and leaves nothing behind."""

import os
import signal
from pathlib import Path

import pytest

from sfnwatch.trace.events import HealthState
from tests.program.programs import Program
from tests.program.stages import assert_restored
from tests.program.terminals import eventually
from tests.reliability.endurance import endured
from tests.sources.simulation import EPOCH, Simulation

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="needs Linux's /proc"
)


def test_nothing_is_lost_or_left_open_after_a_while(tmp_path: Path) -> None:
    watched = endured(0.25, tmp_path)
    assert watched.status == "SUCCEEDED"
    assert watched.events == watched.expected_events > 60
    assert watched.calls == watched.expected_calls > 12
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
    assert len(watched.calls) == 6
    assert watched.states("history")[-1] is HealthState.ENDED
    woken = [(request.at - EPOCH).total_seconds() for request in sync.requests]
    assert min(each for each in woken if each >= at + 3600) < at + 3610


def test_a_watch_that_is_stopped_and_continued_goes_on(tmp_path: Path) -> None:
    program = Program(tmp_path)
    terminal = program.terminal("demo", "sync", "--speed", "30")
    terminal.until("submitted")
    os.kill(terminal.child.pid, signal.SIGTSTP)
    eventually(lambda: terminal.read() and _is_stopped(terminal.child.pid), "stopped")
    assert terminal.raw.rfind(b"\x1b[?1049l") > terminal.raw.rfind(b"\x1b[?1049h")
    os.kill(terminal.child.pid, signal.SIGCONT)
    terminal.until("SUCCEEDED")
    assert terminal.raw.rfind(b"\x1b[?1049h") > terminal.raw.rfind(b"\x1b[?1049l")
    terminal.press("q")
    assert terminal.wait() == 0
    assert_restored(terminal)
    assert len(program.recordings) == 1


def _is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
