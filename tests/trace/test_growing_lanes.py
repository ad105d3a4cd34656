"""Lanes that grow are those of the trace made at once, and keep their rows."""

import random
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.trace.events import Received
from sfnwatch.trace.growing_lanes import GrowingLanes
from sfnwatch.trace.lanes import Lanes, Row, build_lanes
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import (
    ARN,
    call,
    event,
    health,
    sync_calls,
    sync_history,
    sync_run,
)
from tests.trace.worlds import WORLDS


def batches(
    records: Sequence[Received], dice: random.Random
) -> Iterator[Sequence[Received]]:
    most = dice.choice([1, 3, 20, 200])
    left = list(records)
    while left:
        size = dice.randint(1, most)
        yield left[:size]
        left = left[size:]


def check(growing: GrowingLanes, trace: Trace, before: Lanes) -> Lanes:
    """Look at a trace: what it shows is right, and the very same where it is equal."""
    lanes, wanted = growing.lanes(trace), build_lanes(trace)
    assert lanes.rows == wanted.rows
    assert lanes == wanted
    assert lanes.positions == wanted.positions
    assert list(lanes.nests) == list(wanted.nests)
    known = {row.key: row for row in before.rows}
    for row in lanes.rows:
        old = known.get(row.key)
        assert old is row or old != row
    return lanes


@settings(max_examples=80, deadline=None)
@given(WORLDS, st.randoms(use_true_random=False), st.booleans())
def test_any_growth_gives_what_all_at_once_gives(
    records: list[Received],
    dice: random.Random,
    shuffled: bool,  # noqa: FBT001
) -> None:
    if shuffled:
        dice.shuffle(records)
    growing, trace, lanes = GrowingLanes(), Trace(), Lanes()
    for batch in batches(records, dice):
        trace = extend(trace, batch)
        lanes = check(growing, trace, lanes)


@settings(max_examples=50, deadline=None)
@given(WORLDS, st.randoms(use_true_random=False))
def test_any_trace_may_follow_on_any_other(
    records: list[Received], dice: random.Random
) -> None:
    """As in a player: to and fro, and grown anew from the beginning."""
    dice.shuffle(records)
    traces = [Trace()]
    for batch in batches(records, dice):
        anew = dice.random() < 0.2
        before = Trace() if anew else dice.choice(traces)
        some = dice.sample(records, dice.randint(0, len(records))) if anew else batch
        traces.append(extend(before, some))
    growing, lanes = GrowingLanes(), Lanes()
    for trace in dice.choices(traces, k=min(12, 2 * len(traces))):
        lanes = check(growing, trace, lanes)


def test_what_is_new_leaves_the_other_rows_as_they_are() -> None:
    growing = GrowingLanes()
    records = sync_run()
    before = growing.lanes(extend(Trace(), records[:-6]))
    more = [event(9, "ExecutionRedriven", 400, arn=ARN, redriveCount=1)]
    rows = growing.lanes(extend(extend(Trace(), records[:-6]), more)).rows
    assert all(row is old for row, old in zip(rows, before.rows, strict=False))
    assert len(rows) == len(before.rows) + 1


def test_a_watermark_that_moves_on_makes_rows_anew_only_up_to_it() -> None:
    growing, trace = GrowingLanes(), extend(Trace(), sync_run()[:-3])
    calls = [call("DescribeTasks", 400, key="late", parameters={})]

    def rows(complete_to: str) -> dict[str, Row]:
        mark = health("lookup", "live", 700, complete_to=complete_to, requests=1)
        return {r.key: r for r in growing.lanes(extend(trace, [mark, *calls])).rows}

    early = rows("2023-11-15T00:30:00Z")
    late = rows("2023-11-15T00:31:00Z")
    others = {key for key, row in late.items() if early[key] is not row}
    assert others == {"call#poll-1"}
    assert late["call#poll-1"].sure
    assert not early["call#poll-1"].sure


def test_what_went_wrong_is_forgotten() -> None:
    growing = GrowingLanes()
    trace = extend(Trace(), sync_history())
    broken = extend(trace, sync_calls())
    vars(broken)["links"] = None
    with pytest.raises(TypeError):
        growing.lanes(broken)
    assert growing.lanes(trace) == build_lanes(trace)
