"""A watch that is left alone: it grows by nothing, and leaves nothing behind."""

from pathlib import Path

import pytest

from sfnwatch.model.records import HealthState
from tests.reliability.endurance import endured
from tests.sources.conftest import hasty_botocore, simulate, sync
from tests.sources.simulation import Simulation

__all__ = ["hasty_botocore", "simulate", "sync"]
pytestmark = pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="needs Linux's /proc"
)


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
