"""The tape: the trace of any moment, by either clock, both ways."""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.trace import tape as tapes
from sfnwatch.trace.course import row_times
from sfnwatch.trace.events import From, Received
from sfnwatch.trace.lanes import build_lanes
from sfnwatch.trace.memory import Memory
from sfnwatch.trace.moments import Reading, when
from sfnwatch.trace.tape import Tape
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.times import iso
from sfnwatch.trace.values import replace
from tests.builders import (
    ARN,
    START,
    call,
    event,
    health,
    sync_calls,
    sync_definition,
    sync_history,
    sync_run,
)
from tests.trace.families import (
    FAMILIES,
    Starts,
    child_of_run,
    defined,
    described,
    execution,
    history,
    photos,
    run_arn,
)
from tests.trace.machines import Run, Sequence, machines
from tests.trace.test_extend import everything, recorded

BOTH = pytest.mark.parametrize("reading", list(Reading))


@pytest.fixture(autouse=True, scope="module")
def few_kept() -> Iterator[None]:
    """Keep traces so often that small tapes have some, and too many of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tapes, "_SPACING", 3)
        patch.setattr(tapes, "_KEPT", 4)
        yield


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def tape_of(*records: Received, growing: bool = False) -> Tape:
    tape = Tape(growing=growing)
    tape.take(records)
    return tape


def asked(seconds: float) -> Received:
    """Build the record of a request of our own."""
    data = {"service": "states", "operation": "DescribeExecution", "outcome": "ok"}
    data["sent_at"] = iso(at(seconds))
    return Received(at(seconds), From.REQUEST, None, data)


def expected(records: list[Received], to: datetime, reading: Reading) -> list[Received]:
    """Pick what has come, or happened, by a moment, in the plainest way."""
    timed = [
        (when(record, reading), record)
        for record in records
        if reading is Reading.SEEN or record.source not in {From.HEALTH, From.REQUEST}
    ]
    return [record for time, record in timed if time is None or time <= to]


# -- the law -----------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.data(), st.randoms(use_true_random=False))
def test_any_seek_after_any_batches_gives_what_had_come_by_then(
    data: st.DataObject, dice: random.Random
) -> None:
    records = [*everything(), asked(3), asked(400)]
    dice.shuffle(records)
    times = [time for r in Reading for x in records if (time := when(x, r))]
    seeks = st.sampled_from(times) | st.integers(-5, 700).map(at)
    tape, taken = Tape(), list[Received]()
    for _ in range(data.draw(st.integers(1, 6))):
        size = dice.randint(0, len(records) - len(taken))
        batch = records[len(taken) : len(taken) + size]
        tape.take(tuple(batch))
        taken += batch
        assert len(tape) == len(taken)
        assert tape.trace() == extend(Trace(), taken)
        for to in data.draw(st.lists(seeks, max_size=8)):
            reading = data.draw(st.sampled_from(Reading))
            wanted = expected(taken, to, reading)
            assert tape.count(to, reading) == len(wanted)
            assert tape.trace(to, reading) == extend(Trace(), wanted)


@settings(max_examples=30, deadline=None)
@given(machines(), st.integers(0, 2**32), st.data())
def test_runs_of_any_machine_can_be_played_both_ways(
    machine: Sequence, seed: int, data: st.DataObject
) -> None:
    records = recorded(Run(machine, seed, 0.3, alike=False))
    tape = tape_of(*records)
    for reading in Reading:
        for to in data.draw(st.lists(st.sampled_from(tape.moments(reading)))):
            wanted = extend(Trace(), expected(records, to, reading))
            assert tape.trace(to, reading) == wanted
            assert build_lanes(tape.trace(to, reading)).rows == build_lanes(wanted).rows


@given(st.randoms(use_true_random=False), st.sampled_from(Reading))
def test_every_moment_shows_something_new_and_none_is_left_out(
    dice: random.Random, reading: Reading
) -> None:
    records = [*sync_run(), call("Nothing", 20, key="a", role="r", invoked_by=None)]
    dice.shuffle(records)
    tape = tape_of(*records)
    rows = [
        len(build_lanes(tape.trace(to, reading), joined=False).rows)
        for to in tape.moments(reading)
    ]
    assert rows == sorted(set(rows))
    assert rows[0] > 0
    assert rows[-1] == len(build_lanes(tape.trace(), joined=False).rows)


# -- what it costs -----------------------------------------------------------------


def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the records of every fold from here on."""
    folds: list[int] = []

    def counting(trace: Trace, batch: list[Received], memory: Memory) -> Trace:
        folds.append(len(batch))
        return extend(trace, batch, memory)

    monkeypatch.setattr(tapes, "extend", counting)
    return folds


@BOTH
def test_going_on_folds_only_what_is_new(
    monkeypatch: pytest.MonkeyPatch, reading: Reading
) -> None:
    records = [event(n, "PassStateEntered", n, name="x") for n in range(1, 60)]
    tape = tape_of(*records)
    tape.trace()
    folds = decoded(monkeypatch)
    for seconds in range(58):
        tape.trace(at(seconds), reading)
    assert sum(folds) <= 58


@BOTH
def test_going_back_begins_at_a_trace_that_was_kept(
    monkeypatch: pytest.MonkeyPatch, reading: Reading
) -> None:
    monkeypatch.setattr(tapes, "_SPACING", 100)
    records = [event(n, "PassStateEntered", n, name="x") for n in range(1, 351)]
    tape = tape_of(*records)
    tape.trace(at(340), reading)
    folds = decoded(monkeypatch)
    tape.trace(at(339), reading)
    assert 0 < sum(folds) < 100
    folds.clear()
    tape.trace(at(301.5), reading)
    assert sum(folds) < 10


def test_the_traces_kept_are_few_however_long_it_gets() -> None:
    records = [event(n, "PassStateEntered", n, name="x") for n in range(1, 400)]
    tape = tape_of(*records)
    for seconds in (398, 20, 300, 1, 398):
        tape.trace(at(seconds))
    kept = tape._tracks[Reading.SEEN]._kept
    assert 2 <= len(kept) <= 4
    assert kept[-1][0] > 150


def test_where_nothing_has_come_the_trace_is_the_same_one() -> None:
    """Whatever was worked out from it need not be worked out again."""
    tape = tape_of(*sync_run())
    assert tape.trace(at(100)) is tape.trace(at(101))
    assert tape.trace() is tape.trace()
    assert tape.trace(at(700)) is tape.trace()
    assert tape.course() is tape.course()


# -- by either clock ---------------------------------------------------------------


def test_a_call_is_seen_late_but_happened_in_time() -> None:
    tape = tape_of(*sync_run())
    poll = at(1 + 55 + 1)
    assert "poll-0" not in tape.trace(poll, Reading.SEEN).calls
    assert "poll-0" in tape.trace(poll, Reading.HAPPENED).calls


def test_how_the_watching_went_is_no_part_of_what_happened() -> None:
    records = [*sync_run(), asked(5)]
    tape = tape_of(*records)
    assert tape.trace(at(700), Reading.SEEN).health
    assert tape.trace(at(700), Reading.SEEN).requests
    assert not tape.trace(at(700), Reading.HAPPENED).health
    assert not tape.trace(at(700), Reading.HAPPENED).requests
    assert tape.trace(None, Reading.HAPPENED) == extend(Trace(), records)


def test_what_has_no_time_is_there_from_the_beginning() -> None:
    definition = replace(sync_definition(), at=None)
    tape = tape_of(*sync_history(), *sync_calls(), definition)
    for reading in Reading:
        assert tape.trace(at(-1000), reading).timelines[ARN].defined == definition
    early = Tape()
    early.take((*sync_history(),))
    before = early.trace(at(0.05), Reading.HAPPENED)
    early.take((definition,))
    after = early.trace(at(0.05), Reading.HAPPENED)
    assert before.timelines[ARN].defined is None
    assert after.timelines[ARN].defined == definition


def test_a_watch_lasts_as_long_as_it_did_and_a_story_as_long_as_it_took() -> None:
    tape = tape_of(*sync_run())
    assert tape.span(Reading.SEEN) == (at(1), at(600))
    assert tape.span(Reading.HAPPENED) == (at(0), at(309.05))


def test_what_a_trail_holds_of_others_makes_no_story_longer() -> None:
    other = call("RunTask", 90_000, key="other", role="r", invoked_by=None)
    tape = tape_of(*sync_run(), replace(other, at=None))
    assert tape.span(Reading.HAPPENED) == (at(0), at(309.05))
    assert tape.span(Reading.SEEN) == (at(1), at(600))


def test_an_empty_tape_has_no_way_to_go() -> None:
    for tape in (Tape(), tape_of(replace(sync_definition(), at=None))):
        for reading in Reading:
            assert tape.course(reading) is None
            assert tape.span(reading) is None
            assert tape.moments(reading) == ()
            assert tape.next_after(START, reading) is None
            assert tape.last_before(START, reading) is None
            assert tape.carried(START, reading, reading) is None
    assert Tape().trace(START) == Trace()


def test_where_nothing_has_a_row_the_records_give_the_span() -> None:
    tape = tape_of(health("history", "live", 3), health("history", "live", 9))
    assert tape.span() == (at(3), at(9))
    assert tape.span(Reading.HAPPENED) is None


def test_a_course_grows_with_its_tape_and_knows_when_that_is_over() -> None:
    tape = tape_of(*sync_history(), growing=True)
    course = tape.course()
    assert course is not None
    assert course.growing
    tape.take(tuple(sync_calls()))
    tape.growing = False
    grown = tape.course()
    assert grown is not None
    assert not grown.growing
    assert grown.end > course.end
    assert sum(grown.counts) == len(sync_history()) + len(sync_calls())


@BOTH
def test_moments_follow_each_other(reading: Reading) -> None:
    tape = tape_of(*sync_run())
    moments = tape.moments(reading)
    assert list(moments) == sorted(set(moments))
    for one, two in pairwise(moments):
        assert tape.next_after(one, reading) == two
        assert tape.last_before(two, reading) == one
    assert tape.next_after(moments[-1], reading) is None
    assert tape.last_before(moments[0], reading) is None


@given(st.integers(-5, 700).map(at), st.sampled_from(Reading))
def test_the_newest_thing_shown_stays_shown_by_the_other_clock(
    to: datetime, old: Reading
) -> None:
    new = Reading.HAPPENED if old is Reading.SEEN else Reading.SEEN
    tape = tape_of(*sync_run())
    there = tape.carried(to, old, new)
    before = build_lanes(tape.trace(to, old), joined=False).rows
    if not before:
        assert there is None
        return
    assert there is not None
    newest = max(before, key=lambda row: row.at)
    after = build_lanes(tape.trace(there, new), joined=False)
    assert newest.key in after.positions
    if new is Reading.HAPPENED:
        assert {row.key for row in before} <= after.positions.keys()


# -- who began whom ----------------------------------------------------------------


def nested() -> list[Received]:
    """Build a child that begins before its parent's history tells of it."""
    return [
        *history(execution(0), None, Starts(execution(1)), None),
        *history(execution(1), None, begin=0.45),
        described(execution(0)),
        described(execution(1)),
        defined(execution(0)),
        defined(execution(1)),
    ]


@BOTH
def test_a_child_is_never_an_execution_of_its_own_for_a_moment(
    reading: Reading,
) -> None:
    for records in (nested(), [replace(record, at=None) for record in nested()]):
        tape = tape_of(*records)
        moments = tape.moments(reading)
        begins = when(records[-4], reading) or moments[0]
        for moment in (moments[0] - timedelta(seconds=9), *moments):
            trace = tape.trace(moment, reading)
            assert trace.timelines.keys() <= {execution(0)}, moment - START
            if moment >= begins and reading is Reading.HAPPENED:
                assert execution(0) in trace.timelines


def test_looking_back_there_is_no_child_before_it_began() -> None:
    records = [r for r in nested() if r.data != described(execution(1)).data]
    tape = tape_of(*records)
    early = tape.trace(at(0.3), Reading.HAPPENED)
    assert list(early.histories) == [execution(0)]
    assert not build_lanes(early).nests
    begun = tape.trace(at(0.6), Reading.HAPPENED)
    assert execution(1) in begun.children
    visits = begun.histories[execution(0)].visits
    assert not visits.by_id[begun.family.parents[execution(1)].visit_id].exited_at


def test_the_executions_of_a_map_run_are_inside_it_before_they_were_listed() -> None:
    tape = tape_of(*photos())
    for moment in tape.moments(Reading.HAPPENED):
        trace = tape.trace(moment, Reading.HAPPENED)
        assert list(trace.timelines) == [execution(0)]
        for child in trace.children.values():
            begun = trace.family.parents[child.execution_arn]
            assert begun.map_run_arn == run_arn(0)


def test_looking_back_nothing_is_told_of_a_map_run_that_came_later() -> None:
    tape = tape_of(*photos(2, failing=1, read=0))
    assert child_of_run(0, 0) in tape.trace().listed
    counts = []
    for seconds in (0.3, 30, 55, 62):
        told = tape.trace(at(seconds), Reading.HAPPENED).map_runs.get(run_arn(0))
        counts.append(told and told.executions.done)
    assert counts == [None, None, 0, 2]
    early = tape.trace(at(1.0), Reading.HAPPENED)
    assert not early.listed
    assert not tape.trace(at(3.9), Reading.HAPPENED).listed[child_of_run(0, 1)].failed
    assert tape.trace(at(4.1), Reading.HAPPENED).listed[child_of_run(0, 0)].failed


@settings(max_examples=40, deadline=None)
@given(FAMILIES, st.sampled_from(Reading), st.integers(-1, 45), st.booleans())
def test_at_any_moment_a_root_is_a_root_of_the_whole_or_its_parent_is_not_there(
    records: list[Received],
    reading: Reading,
    seconds: int,
    dated: bool,  # noqa: FBT001
) -> None:
    if not dated:
        records = [replace(record, at=None) for record in records]
    tape = tape_of(*records)
    whole, trace = tape.trace(), tape.trace(at(seconds), reading)
    for arn in trace.timelines:
        begun = whole.family.parents.get(arn)
        assert begun is None or begun.execution_arn not in trace.histories
    for arn in trace.children:
        assert trace.family.parents[arn] == whole.family.parents[arn]
    assert len(build_lanes(trace).heads) == len(trace.timelines)
    assert tape.trace(at(seconds), reading) is trace, "given once and kept"


@pytest.mark.parametrize("reading", Reading)
def test_how_the_watching_goes_lays_no_course_anew(reading: Reading) -> None:
    tape = Tape(growing=True)
    tape.take(tuple(sync_history()))
    before = tape.course(reading)
    tape.take((health("history", "live", 900),))
    after = tape.course(reading)
    fresh = Tape(growing=True)
    fresh.take((*sync_history(), health("history", "live", 900)))
    assert before is not None
    assert after is not None
    assert after == fresh.course(reading)
    assert after.moments is before.moments


@settings(deadline=None)
@given(machines(), st.integers(0, 2**16), st.data())
def test_what_is_the_same_at_two_moments_of_a_recording_is_the_very_same(
    machine: Sequence, seed: int, data: st.DataObject
) -> None:
    tape = Tape()
    tape.take((*recorded(Run(machine, seed, 0.3, alike=False)), *sync_calls()))
    known: dict[object, list[object]] = {}
    reading = data.draw(st.sampled_from(Reading))
    moments = st.sampled_from(tape.moments(reading))
    for to in data.draw(st.lists(moments, max_size=5)):
        trace = tape.trace(to, reading)
        made: list[tuple[object, object]] = [*trace.calls.items()]
        for timeline in trace.histories.values():
            made += timeline.events.items()
            made += ((visit.id, visit) for visit in timeline.visits)
        for key, one in made:
            others = known.setdefault((key, type(one)), [])
            assert all((other == one) == (other is one) for other in others)
            others.append(one)


@settings(deadline=None)
@given(machines(), st.integers(0, 2**16), st.integers(0, 60))
def test_a_course_counts_what_has_a_row_whoever_lays_it(
    machine: Sequence, seed: int, first: int
) -> None:
    records = [*recorded(Run(machine, seed, 0.3, alike=False)), *sync_calls()]
    tape = Tape(growing=True)
    for part in (records[:first], records[first:]):
        tape.take(tuple(part))
        for reading in Reading:
            rows = Counter(times.by(reading) for times in row_times(tape.trace()))
            tape.lay(tape.trace(), reading)
            known = tape.known_course(reading)
            course = tape.course(reading)
            counted = course and dict(zip(course.moments, course.counts, strict=True))
            assert (counted or {}) == rows
            assert known == course or not rows


def test_a_course_may_be_of_fewer_rows_than_have_come() -> None:
    tape = Tape(growing=True)
    assert tape.known_course(Reading.SEEN) is None
    tape.take(tuple(sync_history()[:3]))
    before = tape.course(Reading.SEEN)
    tape.take(tuple(sync_history()[3:]))
    known = tape.known_course(Reading.SEEN)
    assert before is not None
    assert known is not None
    assert known.moments == before.moments
    assert known.end == tape.trace().timelines[ARN].ordered[-1].seen_at
    assert tape.course(Reading.SEEN) != known
