"""Executions with their starts put together: times move, and nothing else."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.trace.aligned import aligned, origin, shifts
from sfnwatch.trace.events import Received
from sfnwatch.trace.lanes import Lanes, Row, build_lanes
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import START, call, event, sync_run
from tests.tui.several import ASYNC, SDK, SYNC, THREE, three_runs

SECONDS = st.integers(0, 100).map(float)


def lanes_of(*records: Received) -> Lanes:
    return build_lanes(extend(Trace(), records))


def keys(rows: tuple[Row, ...], arn: str) -> list[str]:
    return [row.key for row in rows if row.execution_arn == arn]


def test_all_begin_with_the_first() -> None:
    lanes = aligned(lanes_of(*three_runs()))
    first = {
        arn: min(r.at for r in lanes.rows if r.execution_arn == arn) for arn in THREE
    }
    assert set(first.values()) == {START} == {origin(lanes.heads)}


def test_each_is_moved_by_how_much_later_it_began() -> None:
    lanes = lanes_of(*three_runs())
    moved = {arn: by.total_seconds() for arn, by in shifts(lanes.heads).items()}
    assert moved == {SYNC: 0, ASYNC: 2, SDK: 62}
    ends = {row.key: row.at for row in aligned(lanes).rows}
    assert ends[f"{ASYNC}#7"] == ends[f"{SDK}#7"] == START + timedelta(seconds=0.75)


def test_no_executions_rows_change_their_order() -> None:
    lanes = lanes_of(*three_runs())
    moved = aligned(lanes)
    for arn in THREE:
        assert keys(moved.rows, arn) == keys(lanes.rows, arn)
    assert sorted(r.key for r in moved.rows) == sorted(r.key for r in lanes.rows)
    assert all(moved.rows[at].key == key for key, at in moved.positions.items())


def test_what_is_of_no_one_execution_keeps_its_time() -> None:
    lanes = lanes_of(*three_runs())
    (before,) = (row for row in lanes.rows if row.execution_arn is None)
    (after,) = (row for row in aligned(lanes).rows if row.execution_arn is None)
    assert before == after
    assert before.call is not None
    assert before.call.event_name == "AssumeRole"


def test_a_call_in_the_second_of_the_start_is_not_before_it() -> None:
    lanes = aligned(lanes_of(*three_runs(), call("RunTask", 62, key="early")))
    own = [row.at for row in lanes.rows if row.execution_arn == SDK]
    assert min(own) == START


def test_one_execution_alone_stays_where_it_is() -> None:
    lanes = lanes_of(*sync_run())
    assert aligned(lanes) == lanes


def test_without_a_start_nothing_moves() -> None:
    lanes = lanes_of(event(5, "PassStateEntered", 3, name="x"))
    assert aligned(lanes) is lanes
    assert aligned(Lanes()) == Lanes()


@given(st.lists(SECONDS, min_size=2, max_size=5), st.lists(SECONDS, max_size=6))
def test_rows_come_in_the_order_of_their_times(
    begins: list[float], calls: list[float]
) -> None:
    records = [
        event(1, "ExecutionStarted", begin, arn=f"{SYNC}-{place}")
        for place, begin in enumerate(begins)
    ]
    records += [call("X", at, key=f"call-{n}") for n, at in enumerate(calls)]
    times = [row.at for row in aligned(lanes_of(*records)).rows]
    assert times == sorted(times)
