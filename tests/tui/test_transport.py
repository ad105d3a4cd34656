"""The player's state: where it is, and how it goes on."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sfnwatch.trace.chapters import Chapter, Mark, chapters
from sfnwatch.trace.course import Course
from sfnwatch.trace.lanes import build_lanes
from sfnwatch.trace.moments import Reading
from sfnwatch.trace.tape import Tape
from sfnwatch.trace.values import replace
from sfnwatch.tui.transport import LONGEST, REST, SPEEDS, Transport
from tests.builders import START, sync_run
from tests.tui.runs import branching_run


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def course_of(*seconds: float, growing: bool = False, end: float = 0) -> Course:
    """Build a course that begins at 0."""
    moments = tuple(at(s) for s in sorted(set(seconds)))
    last = max([*seconds, end])
    return Course(at(0), at(last), moments, (1,) * len(moments), growing)


_SECONDS = st.one_of(st.floats(0, 5), st.floats(0, 5_000)).map(lambda s: round(s, 3))
COURSES = st.builds(
    lambda seconds, end, growing: course_of(*seconds, end=end, growing=growing),
    st.lists(_SECONDS, max_size=12),
    _SECONDS,
    st.booleans(),
)
WHOLE = COURSES.map(lambda course: replace(course, growing=False))


def transports(course: Course) -> st.SearchStrategy[Transport]:
    return st.builds(
        Transport,
        position=st.none() | st.floats(0, max(course.seconds, 0)).map(at),
        playing=st.booleans(),
        speed=st.sampled_from(SPEEDS),
        squeeze=st.booleans(),
        loop=st.booleans(),
    )


def placed(course: Course, data: st.DataObject) -> Transport:
    return data.draw(transports(course))


ELAPSED = st.floats(0, 5) | st.just(0.05)


# -- playing -----------------------------------------------------------------------


@given(COURSES, st.data())
def test_playing_never_goes_back_nor_out(course: Course, data: st.DataObject) -> None:
    transport = replace(placed(course, data), loop=False)
    for elapsed in data.draw(st.lists(ELAPSED, max_size=8)):
        later = transport.played(elapsed, course)
        assert transport.at(course) <= later.at(course) <= course.end
        assert later.playing <= transport.playing
        transport = later


@given(WHOLE, st.data(), ELAPSED)
def test_squeezing_never_makes_it_slower(
    course: Course, data: st.DataObject, elapsed: float
) -> None:
    transport = replace(placed(course, data), loop=False)
    plain = replace(transport, squeeze=False).played(elapsed, course)
    quick = replace(transport, squeeze=True).played(elapsed, course)
    # Of a microsecond, which is how exact a time is, nobody need speak.
    assert quick.at(course) >= plain.at(course) - timedelta(microseconds=20)


@given(WHOLE, st.sampled_from(SPEEDS))
def test_squeezed_no_gap_takes_longer_than_it_may(course: Course, speed: float) -> None:
    stops = sorted({course.begin, *course.moments, course.end})
    for start, goal in pairwise(stops):
        transport = Transport(start, playing=True, speed=speed, squeeze=True)
        there = transport.played(LONGEST + 1e-3, course).at(course)
        assert there >= goal - timedelta(microseconds=20)


@given(WHOLE, st.data(), st.floats(0.01, 2), st.floats(0.01, 2))
def test_in_two_goes_it_comes_as_far_as_in_one(
    course: Course, data: st.DataObject, first: float, second: float
) -> None:
    transport = replace(placed(course, data), loop=False)
    one = transport.played(first + second, course)
    two = transport.played(first, course).played(second, course)
    apart = abs((one.at(course) - two.at(course)).total_seconds())
    assert apart <= 1e-3 * max(1.0, transport.speed, course.seconds)


def test_a_second_at_some_speed_is_so_many_seconds() -> None:
    course = course_of(0, 100)
    played = Transport(at(0), playing=True, speed=20).played(0.5, course)
    assert played.position == at(10)
    assert played.playing


def test_a_gap_is_said_to_be_cut_short_by_what_is_not_waited_out() -> None:
    course = course_of(0, 60, 61)
    transport = Transport(at(20), playing=True, speed=5, squeeze=True)
    assert transport.squeezed(course) == 55
    assert replace(transport, squeeze=False).squeezed(course) == 0
    assert replace(transport, speed=60.0).squeezed(course) == 0
    assert replace(transport, position=at(60.5)).squeezed(course) == 0
    assert transport.played(0.5, course).position == at(50)
    assert transport.played(1, course).position == at(61)


def test_a_recording_stops_at_its_end_and_plays_again_from_the_beginning() -> None:
    course = course_of(0, 10)
    done = Transport(at(9), playing=True).played(5, course)
    assert done.position == at(10)
    assert not done.playing
    assert done.ended(course)
    again = done.toggled(course)
    assert (again.position, again.playing) == (at(0), True)


def test_a_loop_rests_at_the_end_and_begins_again() -> None:
    course = course_of(0, 10)
    there = Transport(at(9), playing=True, loop=True).played(5, course)
    assert there.position == at(10)
    assert there.playing
    resting = there.played(REST - 0.1, course)
    assert resting.position == at(10)
    again = resting.played(0.2, course)
    assert again.position == at(0)
    assert again.playing
    assert again.rested == 0


def test_a_watch_that_has_been_caught_up_with_is_live() -> None:
    course = course_of(0, 10, growing=True)
    there = Transport(at(9), playing=True, speed=2).played(1, course)
    assert there.position is None
    assert not there.ended(course)
    assert there.played(5, course) == there


def test_stopping_a_live_watch_stays_where_it_is_while_more_comes() -> None:
    course = course_of(0, 10, growing=True)
    stopped = Transport().toggled(course)
    longer = course_of(0, 10, 20, growing=True)
    assert stopped.at(longer) == at(10)
    assert stopped.toggled(longer).playing
    assert stopped.live(longer).at(longer) == at(20)
    assert stopped.live(longer).position is None


def test_the_end_of_a_recording_is_a_position() -> None:
    course = course_of(0, 10)
    end = Transport(at(1), playing=True).live(course)
    assert (end.position, end.playing) == (at(10), False)
    assert Transport().ended(course)
    assert Transport().at(course) == at(10)


@given(WHOLE, st.data())
def test_toggling_twice_changes_nothing_but_at_the_end(
    course: Course, data: st.DataObject
) -> None:
    transport = placed(course, data)
    assume(not transport.ended(course))
    assert transport.toggled(course).toggled(course) == transport


# -- seeking -----------------------------------------------------------------------


@given(COURSES, st.data(), st.datetimes(), st.floats(-1e12, 1e12), st.integers(0, 10))
def test_no_seek_leaves_the_course(
    course: Course, data: st.DataObject, to: datetime, far: float, tenth: int
) -> None:
    transport = placed(course, data)
    for there in (
        transport.sought(to.replace(tzinfo=START.tzinfo), course),
        transport.skipped(far, course),
        transport.tenth(tenth, course),
        transport.stepped(1, course),
        transport.stepped(-1, course),
    ):
        assert there.position is None or course.begin <= there.position <= course.end
        assert course.growing or there.position is not None


def test_all_of_time_can_be_walked_through() -> None:
    first = datetime(1, 1, 1, tzinfo=UTC)
    last = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    course = Course(first, last, (first, at(0), last), (1, 1, 1))
    transport = Transport(at(0), playing=True, speed=600.0, squeeze=True)
    assert transport.skipped(1e15, course).position == last
    assert transport.skipped(-1e15, course).position == first
    assert transport.played(1e9, course).position == last
    assert transport.tenth(10, course).position == last
    assert transport.stepped(1, course).position == last


@given(WHOLE, st.data())
def test_a_step_on_and_a_step_back_show_the_same(
    course: Course, data: st.DataObject
) -> None:
    here = placed(course, data)
    assume(course.after(here.at(course)) is not None)
    back = here.stepped(1, course).stepped(-1, course)
    assert course.newest(back.at(course)) == course.newest(here.at(course))
    assert not back.playing
    if here.at(course) in course.moments:
        assert back.at(course) == here.at(course)


def test_a_step_back_takes_the_newest_thing_away() -> None:
    course = course_of(1, 4, 9, end=12)
    assert Transport().stepped(-1, course).position == at(4)
    assert Transport(at(6)).stepped(-1, course).position == at(1)
    assert Transport(at(4)).stepped(-1, course).position == at(1)
    assert Transport(at(1)).stepped(-1, course).position == at(0)
    assert Transport(at(0)).stepped(-1, course).position == at(0)
    assert Transport(at(10)).stepped(1, course).position == at(12)


def test_a_step_past_the_end_of_a_watch_is_live() -> None:
    course = course_of(1, 4, growing=True)
    assert Transport(at(4)).stepped(1, course).position is None
    assert Transport(at(2)).skipped(60, course).position is None
    assert Transport().skipped(-1, course).position == at(3)


def test_seconds_tenths_and_the_bar() -> None:
    course = course_of(0, 1, 2, 3, 200)
    assert Transport(at(2)).skipped(5, course).position == at(7)
    assert Transport(at(2)).skipped(-5, course).position == at(0)
    assert Transport().tenth(5, course).position == at(100)
    assert Transport().tenth(0, course).position == at(0)
    squeezed = Transport(squeeze=True).tenth(5, course)
    assert squeezed.at(course) == at(2)


def test_states_and_marks_are_stepped_through() -> None:
    tape = Tape()
    tape.take(tuple(branching_run()))
    course = tape.course(Reading.HAPPENED)
    assert course is not None
    found = chapters(tape.trace(), Reading.HAPPENED)
    states = frozenset({Mark.ENTERED})
    here = Transport(course.begin, playing=True, reading=Reading.HAPPENED)
    times = []
    for _ in range(4):
        here = here.stepped_chapter(1, course, found, states)
        times.append(here.position)
    assert times == [at(0.1), at(0.2), at(0.3), at(0.4)]
    assert not here.playing
    assert here.stepped_chapter(-1, course, found, states).position == at(0.3)
    failed = here.stepped_chapter(1, course, found, frozenset({Mark.FAILED}))
    assert failed.position == at(62)


def test_without_another_mark_one_stays_where_one_is() -> None:
    course = course_of(0, 10, 300)
    marks = (Chapter(at(10), Mark.ENTERED, "A entered", "k"),)
    here = Transport(at(10), playing=True)
    assert here.stepped_chapter(1, course, marks) is here
    assert here.stepped_chapter(-1, course, marks) is here
    assert Transport().stepped_chapter(1, course, marks) == Transport()
    assert Transport(at(200)).stepped_chapter(-1, course, marks).position == at(10)


# -- how ---------------------------------------------------------------------------


def test_speeds_go_from_a_quarter_to_six_hundred() -> None:
    transport = Transport()
    for _ in SPEEDS:
        transport = transport.slower()
    assert transport.speed == 0.25
    speeds = [transport.speed]
    for _ in SPEEDS[1:]:
        transport = transport.faster()
        speeds.append(transport.speed)
    assert tuple(speeds) == SPEEDS
    assert transport.faster().speed == 600
    assert replace(transport, speed=3.0).faster().speed == 5
    assert replace(transport, speed=3.0).slower().speed == 2
    assert replace(transport, speed=0.1).slower().speed == 0.25


@pytest.mark.parametrize("old", list(Reading))
@pytest.mark.parametrize("seconds", [0.5, 20, 170, 240, 310])
def test_by_the_other_clock_the_place_is_kept(old: Reading, seconds: float) -> None:
    tape = Tape()
    tape.take(tuple(sync_run()))
    course = tape.course(old)
    assert course is not None
    new = Reading.HAPPENED if old is Reading.SEEN else Reading.SEEN
    there = Transport(course.clamp(at(seconds)), reading=old).with_reading(new, tape)
    assert there.reading is new
    before = build_lanes(tape.trace(course.clamp(at(seconds)), old)).rows
    after = build_lanes(tape.trace(there.position, new)).positions
    assert not before or max(before, key=lambda row: row.at).key in after
    assert there.with_reading(new, tape) == there


def test_the_ends_stay_the_ends_by_either_clock() -> None:
    tape = Tape()
    tape.take(tuple(sync_run()))
    seen, happened = (tape.course(reading) for reading in Reading)
    assert seen is not None
    assert happened is not None
    end = Transport(seen.end).with_reading(Reading.HAPPENED, tape)
    assert end.position == happened.end
    assert end.with_reading(Reading.SEEN, tape).position == seen.end
    start = Transport(seen.begin).with_reading(Reading.HAPPENED, tape)
    assert start.position == happened.begin
    assert Transport().with_reading(Reading.HAPPENED, tape).position is None
    assert Transport().with_reading(Reading.HAPPENED, Tape()).position is None
