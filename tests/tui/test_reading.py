"""A recording on the screen while it is still being read."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.screen import Screen

from sfnwatch import plays
from sfnwatch.errors import BadFileError
from sfnwatch.recording import beginning
from sfnwatch.recording.files import open_files
from sfnwatch.recording.writer import Recorder
from sfnwatch.running import Play
from sfnwatch.sources.feed import Consumer
from sfnwatch.trace.events import Batch
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.values import replace
from sfnwatch.tui.playing import Playing
from tests.builders import ARN, START, sync_run
from tests.tui.conftest import Script, StoppedClock, lanes_of, make_app, settled, until

RUN = sorted(sync_run(), key=lambda received: received.at or START)
TIMES = [received.at for received in RUN if received.at is not None]
SPAN = TIMES[0], TIMES[-1]
HALF = next(n for n, at in enumerate(TIMES) if at > TIMES[len(TIMES) // 2])
"""So many are all that came up to some moment."""


class Seconds:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def playing_half() -> tuple[Playing, Seconds]:
    passed = Seconds()
    playing = Playing(
        StoppedClock(0), replay=True, span=SPAN, speed=600, monotonic=passed
    )
    playing.take(tuple(RUN[:HALF]))
    playing.tick()
    return playing, passed


def test_it_stands_at_its_beginning_before_anything_is_here() -> None:
    playing = Playing(StoppedClock(0), replay=True, span=SPAN)
    assert (playing.position, playing.ended) == (SPAN[0], False)
    playing.tick()
    assert playing.position == SPAN[0]


def test_it_plays_as_far_as_it_is_read_and_then_goes_on() -> None:
    playing, passed = playing_half()
    for _ in range(50):
        passed.now += 1
        playing.tick()
    assert playing.position == max(TIMES[:HALF])
    assert playing.running
    playing.take(tuple(RUN[HALF:]))
    playing.close()
    for _ in range(50):
        passed.now += 1
        playing.tick()
    assert (playing.position, playing.running) == (SPAN[1], False)


@given(st.integers(1, len(RUN)))
def test_all_of_it_is_the_same_whether_it_came_at_once_or_not(count: int) -> None:
    playing = Playing(StoppedClock(0), replay=True, span=SPAN)
    playing.take(tuple(RUN[:count]))
    playing.tick()
    playing.trace()
    playing.take(tuple(RUN[count:]))
    playing.close()
    at_once = Playing(StoppedClock(0), replay=True)
    at_once.take(tuple(RUN))
    assert playing.whole == at_once.whole
    assert playing.course == at_once.course


def test_whoever_went_to_its_end_stays_there() -> None:
    playing, _ = playing_half()
    playing.seek(SPAN[1])
    later = SPAN[1] + timedelta(seconds=1)
    playing.take((*RUN[HALF:-1], replace(RUN[-1], at=later)))
    assert playing.position == later


def test_it_plays_from_when_its_beginning_is_here() -> None:
    passed = Seconds()
    playing = Playing(StoppedClock(0), replay=True, span=SPAN, monotonic=passed)
    playing.take(tuple(RUN[:HALF]))
    passed.now = 0.25
    playing.tick()
    assert playing.position == SPAN[0] + timedelta(seconds=0.25)


async def test_its_beginning_is_in_the_first_picture() -> None:
    app = make_app(Script(), first=tuple(RUN), mode="replay", span=SPAN, speed=600)
    pictures: list[str] = []

    def paint(screen: Screen[Any], update: object) -> None:
        del screen, update
        pictures.append(app.export_screenshot())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "_display", paint)
        async with app.run_test(size=(140, 40)) as pilot:
            await until(pilot, lambda: pictures != [])
    assert "RunTask" in pictures[0]


async def test_the_screen_shows_the_beginning_and_then_all() -> None:
    script = Script(RUN[:HALF])
    app = make_app(script, mode="replay", span=SPAN, speed=600)
    async with app.run_test(size=(140, 40)) as pilot:
        await until(pilot, lambda: lanes_of(app).line.rows != ())
        assert app.playing.running
        script.push(*RUN[HALF:])
        await pilot.press("9")
        await settled(app, pilot)
        assert app.trace == extend(Trace(), RUN)


# -- from a file -----------------------------------------------------------------------


@pytest.fixture
def long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a recording that counts as long."""
    monkeypatch.setattr(beginning, "LONG", 1)
    monkeypatch.setattr(beginning, "_HEAD", 4000)
    monkeypatch.setattr(beginning, "_TAIL", 4000)
    recorder = Recorder.create(tmp_path / "run.jsonl", [ARN], START, "sfnwatch 0")
    recorder(tuple(RUN))
    recorder.close()
    return recorder.path


def handed_over(play: Play) -> list[Batch]:
    parts: list[Batch] = []
    asyncio.run(watched(play, parts))
    return parts


async def watched(play: Play, parts: list[Batch]) -> None:
    await play.watch(parts.append)


def test_a_long_file_is_handed_over_in_two_parts_that_are_the_whole(
    long: Path,
) -> None:
    play = plays.played([long], speed=1)
    parts = handed_over(play)
    assert play.first
    assert len(parts) == 1
    assert (*play.first, *parts[0]) == open_files([long]).records
    assert play.span is not None
    assert not play.later


def test_a_torn_end_is_told_of_later(long: Path) -> None:
    long.write_bytes(long.read_bytes()[:-5])
    play = plays.played([long], speed=1)
    assert not play.notes
    handed_over(play)
    assert len(play.later) == 1
    assert "the last line is cut short" in play.later[0]


def test_a_bad_line_further_on_ends_it(long: Path) -> None:
    lines = long.read_text().split("\n")
    long.write_text("\n".join([*lines[:-2], "{}", *lines[-2:]]))
    play = plays.played([long], speed=1)
    with pytest.raises(BadFileError, match=rf"run\.jsonl:{len(lines) - 1}: "):
        handed_over(play)


async def test_what_ends_it_is_not_put_on_a_screen_that_is_gone() -> None:
    async def watch(consume: Consumer) -> None:
        consume(tuple(RUN[:HALF]))
        app.exit()
        raise BadFileError("run.jsonl:3: not JSON.")

    app = make_app(watch, mode="replay", span=SPAN)
    async with app.run_test(size=(140, 40)) as pilot:
        await until(pilot, lambda: not app.is_running)
    assert [str(refused) for refused in app.refusals] == ["run.jsonl:3: not JSON."]
