"""A long recording while it is being read: its end, and what is not read to its end."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from msgspec.structs import replace

from sfnwatch.model.records import Received
from sfnwatch.view.timeline_chart import TimelineChart
from tests import builders as aws
from tests.model.answers import trace_of
from tests.tui.screens import ScriptedSession, live

SIZES = [(140, 40), (80, 24)]


class Loading(ScriptedSession):
    """A recording that is read as far as a test says, and to its end at last."""

    def __init__(self) -> None:
        super().__init__()
        self.is_over = asyncio.Event()

    async def run(self) -> None:
        await self.is_over.wait()


def at_once(records: Sequence[Received]) -> list[Received]:
    """Give records as a watch receives them that began a day later: all in a page."""
    at = aws.START + timedelta(days=1)
    return [replace(record, at=at) for record in records]


@pytest.mark.parametrize("key", ["l", "end"])
@pytest.mark.parametrize("size", SIZES)
async def test_the_end_of_what_is_being_read_is_stayed_at(
    key: str, size: tuple[int, int]
) -> None:
    session, records = Loading(), aws.sync_history()
    async with live(session=session, mode="replay", size=size, speed=0.001) as (
        app,
        screen,
        _,
    ):
        session.push(*records[:5])
        await screen.press(key)
        for record in records[5:]:
            session.push(record)
            await screen.settle()
            lanes, playback = app.views.lanes, app.screen_state.playback
            assert lanes.cursor == lanes.count - 1
            assert playback.span is not None
            assert playback.position == playback.span[1]
        session.is_over.set()
        await screen.settle()
        assert app.screen_state.playback.ended
        assert app.screen_state.snapshot.at is None


def test_a_state_that_is_not_read_to_its_end_is_no_bar_to_the_end_of_time() -> None:
    records = at_once(aws.sync_history())[:5]
    snapshot = trace_of(*records).as_of()
    now = aws.START + timedelta(days=1)
    (execution,) = snapshot.executions.values()
    read_to = execution.events[-1].at
    for is_partial, end in ((True, read_to), (False, now)):
        chart = TimelineChart(snapshot, now, is_partial=is_partial)
        assert {bar.end for bar in chart.bars.values()} == {end}
        for bar in chart.bars.values():
            assert all(segment.end <= end for segment in chart.segments(bar))


async def test_the_screen_draws_bars_as_far_as_was_read_and_then_all_of_them() -> None:
    session = Loading()
    async with live(session=session, mode="replay", speed=0.001) as (app, screen, _):
        session.push(*at_once(aws.sync_history()[:5]))
        await screen.press("l")
        timeline = app.views.timeline
        assert timeline is not None
        lengths = {bar.length for bar in timeline.bars.entries}
        assert not any("h" in length for length in lengths)
        # It was a recording of a watch that saw no end.
        session.is_over.set()
        await screen.settle()
        lengths = {bar.length for bar in timeline.bars.entries}
        assert all("h" in length for length in lengths)
