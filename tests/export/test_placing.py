"""Where things go on a scale of time."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.export.placing import last_moment, micros, window
from sfnwatch.trace.events import From, Received
from sfnwatch.trace.lanes import Row, build_lanes
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.times import iso
from tests.builders import (
    START,
    call,
    describe,
    health,
    sync_calls,
    sync_history,
    sync_run,
)
from tests.viewers.traces import TRACES


def calls_of(trace: Trace) -> list[Row]:
    return [row for row in build_lanes(trace).rows if row.call is not None]


def seconds(row: Row) -> tuple[float, float]:
    begin, end = window(row)
    return (begin - START).total_seconds(), (end - START).total_seconds()


def test_an_action_was_made_before_its_answer_and_a_poll_in_its_second() -> None:
    run, poll, *_ = calls_of(TRACES["sync"])
    # The second is 00:28:25, and the answer was known at 25.302.
    assert seconds(run) == (0.898, 1.2)
    assert seconds(poll) == (55.898, 56.898)


def test_a_call_was_not_made_before_its_try_was_scheduled() -> None:
    early = call("RunTask", 0, key="run", request_id="req-run")
    (run,) = calls_of(extend(Trace(), [*sync_history(), early]))
    # The second is 00:28:24, the try was scheduled at 24.132.
    assert seconds(run) == (0.03, 0.898)


def test_of_a_call_that_is_not_tied_only_its_second_is_known() -> None:
    (run,) = calls_of(TRACES["ambiguous"])
    assert seconds(run) == (0.898, 1.898)


def test_an_answer_before_the_calls_second_says_nothing() -> None:
    late = call("RunTask", 2.5, key="run", request_id="req-run")
    (run,) = calls_of(extend(Trace(), [*sync_history(), late]))
    assert seconds(run) == (1.898, 2.898)


def test_the_last_moment_is_the_last_that_anything_was_heard() -> None:
    begun = sync_history()[:4]
    assert last_moment(Trace()) == datetime(1970, 1, 1, tzinfo=UTC)
    assert last_moment(extend(Trace(), begun)) == START + timedelta(seconds=1.3)
    heard = [*begun, *sync_calls()[:1]]
    assert last_moment(extend(Trace(), heard)) == START + timedelta(seconds=130.898)
    heard.append(health("history", "live", 500))
    assert last_moment(extend(Trace(), heard)) == START + timedelta(seconds=500)
    asked = {
        "operation": "GetExecutionHistory",
        "service": "states",
        "sent_at": iso(START + timedelta(seconds=501)),
        "seconds": 0.1,
        "outcome": "ok",
    }
    heard.append(Received(START, From.REQUEST, None, asked))
    assert last_moment(extend(Trace(), heard)) == START + timedelta(seconds=501)
    answered = extend(Trace(), [describe("RUNNING")])
    assert last_moment(answered) == START + timedelta(seconds=1)
    whole = extend(Trace(), sync_run())
    assert last_moment(whole) == START + timedelta(seconds=600)


@given(st.datetimes(timezones=st.just(UTC)))
def test_microseconds_are_exact_and_fit_what_viewers_count_with(at: datetime) -> None:
    number = micros(at)
    assert 0 < number * 1000 < 2**63
    if 1970 < at.year < 2255:
        assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=number) == at
