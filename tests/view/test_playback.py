"""The player: which moment is shown, and how time runs."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.model.records import Received
from sfnwatch.model.time_axis import TimeAxis
from sfnwatch.model.trace import Trace
from sfnwatch.view.markers import MarkerKind, Markers
from sfnwatch.view.playback import REST, Playback
from sfnwatch.view.playback_moments import PlaybackMoments
from sfnwatch.view.time_scale import PlaybackSpan, scale_of
from tests import builders, examples
from tests.model.answers import trace_of

RUNS = {
    "sync": builders.sync_run(),
    "denied": builders.sync_run(denied=True),
    "failed": builders.failed_history().records,
    "redriven": builders.redriven_run(),
    "nested": builders.nested_run(),
}


def playback_of(records: list[Received], *, replay: bool = True) -> Playback:
    trace = Trace()
    playback = Playback(trace, replay=replay)
    playback.update(records, trace.add(records))
    if replay:
        playback.close()
    return playback


def seconds(playback: Playback) -> float:
    assert playback.position is not None
    return (playback.position - builders.START).total_seconds()


# -- where -----------------------------------------------------------------------------


def test_a_watch_begins_at_its_live_edge() -> None:
    playback = playback_of(RUNS["sync"], replay=False)
    assert playback.live
    assert playback.snapshot().at is None
    playback.skip(-5)
    assert playback.snapshot().at is not None
    playback.seek(builders.at(100_000))
    assert playback.snapshot().at is None


def test_steps_go_from_moment_to_moment_and_back() -> None:
    playback = playback_of(RUNS["sync"])
    start = playback.position
    seen = []
    while not playback.ended:
        playback.step(1)
        seen.append(playback.position)
    assert seen == sorted(set(seen), key=lambda each: each or builders.START)
    for _ in range(len(seen) + 1):
        playback.step(-1)
    assert playback.position == start
    assert not playback.playing


def test_what_is_held_goes_on_where_it_is_live() -> None:
    playback = playback_of(RUNS["sync"], replay=False)
    playback.toggle()
    assert playback.held
    assert playback.snapshot().at is not None
    playback.toggle()
    assert playback.snapshot().at is None


def test_at_the_end_all_there_is_is_shown_and_playing_again_begins_anew() -> None:
    playback = playback_of(RUNS["sync"])
    playback.to_end()
    assert playback.ended
    assert playback.snapshot().at is None
    playback.toggle()
    assert playback.playing
    assert playback.span is not None
    assert playback.position == playback.span[0]


def test_the_other_clock_shows_the_same_newest_thing() -> None:
    playback = playback_of(RUNS["sync"])
    playback.skip(60)
    playback.switch_clock()
    assert playback.clock is TimeAxis.EVENT
    shown = playback.snapshot()
    newest = [each.events[-1].at for each in shown.executions.values()]
    assert max(newest) <= (playback.position or builders.START)
    playback.to_end()
    playback.switch_clock()
    assert playback.ended


# -- how time runs ---------------------------------------------------------------------


def test_time_goes_as_many_times_as_fast() -> None:
    playback = playback_of(RUNS["sync"])
    playback.squeeze, playback.speed = False, 10.0
    before = seconds(playback)
    assert playback.tick(2.0)
    assert seconds(playback) == before + 20


def test_squeezed_no_gap_takes_more_than_a_second() -> None:
    playback = playback_of(RUNS["sync"])
    ticks = 0
    while playback.playing:
        playback.tick(0.1)
        ticks += 1
    assert ticks * 0.1 < len(set(playback.moments.times)) + 2
    assert playback.ended


def test_a_recording_stops_at_its_end_and_loops_after_a_rest() -> None:
    playback = playback_of(RUNS["sync"])
    playback.speed, playback.squeeze = 600.0, False
    playback.tick(1000)
    assert not playback.playing
    playback.looping = True
    playback.toggle()
    playback.tick(1000)
    assert playback.ended
    playback.tick(REST / 2)
    assert playback.ended
    playback.tick(REST)
    assert not playback.ended


@pytest.mark.parametrize("watched", [None, (builders.at(0), builders.at(900))])
def test_of_what_is_being_read_no_more_is_played_than_is_here(
    watched: PlaybackSpan | None,
) -> None:
    trace, records = Trace(), RUNS["sync"]
    playback = Playback(trace, replay=True, watched=watched)
    playback.update(records[:3], trace.add(records[:3]))
    playback.squeeze = False
    playback.tick(500)
    assert playback.position is not None
    assert playback.position <= playback.moments.times[-1]
    assert playback.playing
    assert not playback.ended


def test_speeds_have_an_end_at_both_sides() -> None:
    playback = playback_of(RUNS["sync"])
    for _ in range(30):
        playback.faster()
    assert playback.speed == 600
    for _ in range(30):
        playback.slower()
    assert playback.speed == 0.25


# -- laws ------------------------------------------------------------------------------

_RUN = st.sampled_from(sorted(RUNS))


@given(_RUN, st.integers(1, 9), st.randoms(), st.sampled_from(list(TimeAxis)))
@examples(40)
def test_batch_by_batch_the_course_and_the_marks_are_those_of_all_at_once(
    name: str, size: int, random: object, clock: TimeAxis
) -> None:
    records = list(RUNS[name])
    random.shuffle(records)  # type: ignore[attr-defined]
    trace = Trace()
    moments, markers = PlaybackMoments(trace, clock), Markers(trace)
    for first in range(0, len(records), size):
        changed = trace.add(records[first : first + size])
        moments.update(changed)
        markers.update(changed)
    whole = PlaybackMoments(trace, clock)
    assert set(moments.times) == set(whole.times)
    assert moments.times == sorted(moments.times)
    assert list(markers.by(clock)) == list(Markers(trace).by(clock))


_TIMES = st.lists(st.integers(0, 10_000), min_size=1, max_size=40)


@given(_TIMES, st.sampled_from(["squeezed", "even"]), st.floats(0, 1))
@examples(100)
def test_a_place_on_the_bar_and_its_moment_are_each_others_inverse(
    offsets: list[int], how: str, place: float
) -> None:
    times = sorted(builders.at(each) for each in offsets)
    scale = scale_of((times[0], times[-1]), times, squeeze=how == "squeezed")
    for snapshot in times:
        near: datetime = scale.at(scale.place(snapshot))
        assert abs(near - snapshot) <= timedelta(milliseconds=1)
    assert 0 <= scale.place(scale.at(place)) <= 1


@given(_TIMES)
@examples(100)
def test_squeezed_no_gap_takes_more_than_its_share_of_the_bar(
    offsets: list[int],
) -> None:
    times = sorted({builders.at(each) for each in offsets})
    scale = scale_of((times[0], times[-1]), times, squeeze=True)
    places = [scale.place(snapshot) for snapshot in times]
    assert places == sorted(places)
    longest = max((b - a for a, b in pairwise(places)), default=0)
    assert longest <= max(1 / 20, 1 / max(1, len(times) - 1)) + 0.01


# -- marks -----------------------------------------------------------------------------


def marks_of(name: str, clock: TimeAxis = TimeAxis.EVENT) -> list[tuple[str, str]]:
    marks = Markers(trace_of(*RUNS[name])).by(clock)
    return [(str(each.kind), each.label) for each in marks]


def test_marks_tell_the_story_in_order() -> None:
    assert [kind for kind, _ in marks_of("sync")] == [
        MarkerKind.STARTED,
        MarkerKind.ENTERED,
        MarkerKind.FIRST_POLL,
        MarkerKind.LEARNED,
        MarkerKind.ENDED,
    ]


def test_denials_failures_and_redrives_are_marked() -> None:
    denied = [label for kind, label in marks_of("denied") if kind == MarkerKind.DENIED]
    assert denied[0].startswith("DescribeTasks AccessDenied")
    kinds = {kind for kind, _ in marks_of("redriven")}
    assert {MarkerKind.FAILED, MarkerKind.REDRIVEN, MarkerKind.ENDED} <= kinds


def test_by_arrival_marks_stand_when_their_records_came() -> None:
    kinds = [kind for kind, _ in marks_of("sync", TimeAxis.ARRIVAL)]
    assert kinds.index(MarkerKind.FIRST_POLL) > kinds.index(MarkerKind.ENTERED)


# -- while a recording is being read ---------------------------------------------------


def test_who_went_to_the_end_stays_there_while_more_is_read() -> None:
    records = RUNS["sync"]
    trace = Trace()
    playback = Playback(trace, replay=True)
    playback.update(records[:4], trace.add(records[:4]))
    playback.to_end()
    for record in records[4:]:
        playback.update([record], trace.add([record]))
        assert playback.span is not None
        assert playback.position == playback.span[1]
        assert not playback.playing
    playback.close()
    assert playback.ended


def test_who_goes_elsewhere_stays_there_while_more_is_read() -> None:
    records = RUNS["sync"]
    trace = Trace()
    playback = Playback(trace, replay=True)
    playback.update(records[:4], trace.add(records[:4]))
    playback.to_end()
    playback.step(-1)
    before = playback.position
    playback.update(records[4:], trace.add(records[4:]))
    assert playback.position == before
