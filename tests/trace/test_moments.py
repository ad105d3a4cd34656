"""The two clocks: when a record came, and when what it tells of happened."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.trace.events import From, Received
from sfnwatch.trace.moments import Reading, happened, moment, span, when
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.values import replace
from tests.builders import (
    START,
    call,
    describe,
    event,
    health,
    sync_calls,
    sync_definition,
    sync_run,
)
from tests.trace.families import counted, listing, run_arn
from tests.trace.test_extend import everything

SECOND_OVER = timedelta(milliseconds=999)


def undated(record: Received) -> Received:
    return replace(record, at=None)


def test_an_event_happened_when_it_says_whenever_it_was_seen() -> None:
    record = event(1, "ExecutionStarted", 3, seen=500)
    assert happened(record) == START + timedelta(seconds=3)
    assert moment(record) == START + timedelta(seconds=500)
    assert moment(undated(record)) == happened(record)


def test_a_call_had_surely_happened_by_the_end_of_its_second() -> None:
    second = datetime(2023, 11, 15, 0, 28, 25, tzinfo=UTC)
    run_task = call("RunTask", 1, key="x", lag=300)
    inside = {"CloudTrailEvent": run_task.data["CloudTrailEvent"]}
    trail = {"eventTime": "2023-11-15T00:28:25Z"}
    odd = {"eventtime": "2023-11-15 00:28:25.730 UTC"}
    for record in (
        run_task,
        Received(None, From.LOOKUP, None, inside),
        Received(START, From.TRAIL, None, trail),
        Received(START, From.ATHENA, None, odd),
    ):
        assert happened(record) == second + SECOND_OVER
        assert moment(undated(record)) == second


def test_the_call_of_a_state_does_not_happen_before_the_state_is_scheduled() -> None:
    times = {
        record.data.get("type") or record.data.get("EventName"): happened(record)
        for record in sync_run()
    }
    scheduled, run_task = times["TaskScheduled"], times["RunTask"]
    assert scheduled is not None
    assert run_task is not None
    assert run_task > scheduled


def test_an_answer_tells_of_the_stop_or_else_of_the_start() -> None:
    assert happened(describe("RUNNING")) == START
    assert happened(describe()) == START + timedelta(seconds=309)


def test_the_counts_of_a_map_run_are_of_when_they_were_asked_for_or_of_its_end() -> (
    None
):
    asked = START + timedelta(seconds=60)
    goes_on, over = counted(run_arn(0)), counted(run_arn(0), status="FAILED")
    assert happened(goes_on) == asked
    assert happened(replace(over, at=START + timedelta(days=3))) == asked, "its end"
    assert happened(undated(goes_on)) == START + timedelta(seconds=0.5), "its start"
    assert happened(Received(None, From.MAP_RUN, None, {})) is None


def test_a_list_of_executions_tells_of_the_last_that_happened_to_one() -> None:
    page = listing(run_arn(0), ("a", "RUNNING"), ("b", "FAILED"), ("c", "RUNNING"))
    assert happened(page) == START + timedelta(seconds=4.1), "the end of the second"
    running = listing(run_arn(0), ("a", "RUNNING"), ("c", "RUNNING"))
    assert happened(running) == START + timedelta(seconds=1.1)
    for items in ([], None, "x", [None, {"stopDate": "soon"}]):
        assert happened(replace(page, data={"executions": items})) is None


def test_what_was_so_all_along_did_not_happen_at_a_moment() -> None:
    assert happened(sync_definition()) is None
    assert happened(Received(START, From.UNREAD, None, {})) is None
    assert happened(Received(START, "of a later version", None, {})) is None


def test_a_source_says_how_it_is_when_it_says_so() -> None:
    assert happened(health("lookup", "live", 7)) == START + timedelta(seconds=7)


def test_the_span_is_that_of_all_moments() -> None:
    seconds = [timedelta(seconds=n) for n in (1, 600)]
    assert span(sync_run()) == (START + seconds[0], START + seconds[1])
    assert span([sync_definition(), undated(sync_definition())]) is not None
    assert span([undated(sync_definition())]) is None
    assert span([]) is None


@given(st.sampled_from([*everything(), *sync_calls()]), st.sampled_from(Reading))
def test_a_decoded_record_and_its_moment_agree(
    record: Received, reading: Reading
) -> None:
    """The marks are made of what is decoded, the tape of the records."""
    trace = extend(Trace(), [record])
    at = when(record, reading)
    for timeline in trace.timelines.values():
        for told in timeline.events.values():
            seen = told.seen_at or told.timestamp
            assert at == (seen if reading is Reading.SEEN else told.timestamp)
    for made in trace.calls.values():
        seen = made.seen_at or made.event_time
        over = made.event_time + SECOND_OVER
        assert at == (seen if reading is Reading.SEEN else over)
