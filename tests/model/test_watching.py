"""How the watching went: sources' health, our own requests, how far calls are known."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sfnwatch.model.coverage import Coverage
from sfnwatch.model.own_requests import KEPT, QUOTAS, Budget, budget
from sfnwatch.model.records import Received, RecordKind
from sfnwatch.model.source_health import HealthState, SourceHealth, merge_healths
from sfnwatch.model.time_axis import TimeAxis
from sfnwatch.model.times import iso
from sfnwatch.model.trace import Trace
from tests import builders as aws
from tests.model.answers import trace_of

LOOKUP, HISTORY = "cloudtrail:LookupEvents", "states:GetExecutionHistory"


# -- health --------------------------------------------------------------------------


def test_a_health_is_read_back_as_it_was_recorded() -> None:
    told = SourceHealth(
        lane="lookup",
        state=HealthState.THROTTLED,
        message="slow",
        retry_in=2.0,
        coverage=aws.START,
        lag=131.0,
        until=aws.at(9),
        requests=7,
        source="queue",
    )
    trace = trace_of(aws.received(RecordKind.HEALTH, told.as_record(), 3))
    assert trace.as_of().health == {"lookup": replace(told, seen_at=aws.at(3))}
    bare = SourceHealth("history", HealthState.LIVE)
    assert bare.as_record() == {"lane": "history", "state": "live", "requests": 0}


def test_a_state_of_a_later_version_is_live_and_nonsense_is_nothing() -> None:
    odd = aws.health(
        "history", "of a later day", 3, retry_in="soon", requests="x", lag=[1]
    )
    told = trace_of(odd).as_of().health["history"]
    assert told == SourceHealth("history", HealthState.LIVE, seen_at=aws.at(3))


def test_the_newest_word_of_each_source_counts_now_or_at_a_moment() -> None:
    records = [
        aws.health("history", "live", 1, arn=aws.ARN),
        aws.health("history", "denied", 2, arn=aws.OTHER_ARN, message="no"),
        aws.health("history", "ended", 5, arn=aws.ARN),
        # Of a moment, as a sped-up clock has them, by the requests that were made.
        aws.health("lookup", "retrying", 3, requests=2),
        aws.health("lookup", "live", 3, requests=1),
    ]
    for order in (records, records[::-1]):
        trace = trace_of(*order)
        now = trace.as_of().health
        assert (now["history"].state, now["history"].message) == ("denied", "no")
        assert now["lookup"].state is HealthState.RETRYING
        for clock in TimeAxis:
            early = trace.as_of(aws.at(1.5), clock)
            assert [h.state for h in early.each_health] == ["live"]


def test_a_lane_is_as_well_as_the_worst_of_its_sources() -> None:
    live = SourceHealth("history", HealthState.LIVE, requests=3, lag=1.0)
    expired = replace(live, state=HealthState.EXPIRED, message="log in", lag=9.0)
    ended = replace(live, state=HealthState.ENDED, until=aws.START)
    merged = merge_healths("history", [ended, expired, live])
    assert (merged.state, merged.message, merged.requests) == ("expired", "log in", 9)
    assert (merged.lag, merged.until) == (9.0, aws.START)
    assert merge_healths("history", [ended, live]).state is HealthState.LIVE
    assert merge_healths("history", [ended, ended]).state is HealthState.ENDED


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        # Of sources that do the same, each for an execution, to where all are.
        ([("", aws.at(0)), ("", aws.at(60))], aws.at(0)),
        ([("", aws.at(0)), ("", None)], None),
        # Where the same records come in several ways, to where the furthest is.
        ([("", aws.at(0)), ("queue", None)], aws.at(0)),
        ([("", aws.at(0)), ("archive", aws.at(60))], aws.at(60)),
    ],
)
def test_a_lane_is_complete_to_where_it_is_for_all(sources: Any, expected: Any) -> None:
    live = SourceHealth("lookup", HealthState.LIVE)
    healths = [replace(live, source=name, coverage=at) for name, at in sources]
    assert merge_healths("lookup", healths).coverage == expected


# -- our own requests ----------------------------------------------------------------


def budgets(*records: Received, seconds: float) -> dict[str, Budget]:
    requests = trace_of(*records).as_of().requests
    found = budget(requests, aws.at(seconds))
    return {":".join(operation): each for operation, each in found.items()}


def test_a_request_is_read_as_it_was_recorded() -> None:
    (read,) = trace_of(aws.request(3.25, LOOKUP, "ThrottlingException")).requests
    assert (read.service, read.operation) == ("cloudtrail", "LookupEvents")
    assert (read.sent_at, read.seconds) == (aws.at(3.25), 0.12)
    assert (read.region, read.items, read.status) == (aws.REGION, 5, 400)
    assert (read.request_id, read.note) == ("request-3.25", "newest events")
    assert (read.execution_arn, read.throttled, read.ok) == (aws.ARN, True, False)
    (refused,) = trace_of(aws.request(outcome="AccessDeniedException")).requests
    assert (refused.throttled, refused.ok) == (False, False)
    (bare,) = trace_of(aws.received(RecordKind.REQUEST, {"operation": "X"}, 0)).requests
    assert (bare.sent_at, bare.outcome, bare.service) == (aws.START, "unknown", "")


def test_of_very_many_requests_the_newest_are_kept_in_whatever_order_they_came() -> (
    None
):
    line = '{{"operation": "X", "sent_at": {}}}'
    records = [
        Received(None, RecordKind.REQUEST, None, line.format(number).encode())
        for number in range(KEPT + 5)
    ]
    trace = Trace()
    trace.add(records[::-1])
    assert len(trace.requests) == KEPT
    assert trace.requests[0].sent_at.timestamp() == 5
    trace.add(records[:3])
    assert trace.requests[0].sent_at.timestamp() == 5


def test_each_operation_is_counted_by_what_came_of_it() -> None:
    found = budgets(
        *(aws.request(n, LOOKUP) for n in range(4)),
        *(aws.request(10 + n, LOOKUP, "ThrottlingException") for n in range(2)),
        aws.request(20, LOOKUP, "ConnectTimeoutError"),
        aws.request(30),
        aws.request(31, "sts:AssumeRole"),
        seconds=30,
    )
    assert list(found) == [LOOKUP, HISTORY, "sts:AssumeRole"]
    spent = found[LOOKUP]
    assert (spent.sent, spent.throttled, spent.failed) == (7, 2, 1)
    assert (found["sts:AssumeRole"].quota, found["sts:AssumeRole"].share) == (
        None,
        None,
    )


def test_our_share_is_of_what_the_account_can_keep_up() -> None:
    found = budgets(*(aws.request(n, LOOKUP) for n in range(60)), seconds=59)[LOOKUP]
    assert (found.rate, found.share) == (1, 0.5)
    assert found.quota == QUOTAS["cloudtrail", "LookupEvents"]


def test_each_region_has_a_quota_of_its_own_and_the_busier_one_is_told() -> None:
    here = [aws.request(n, LOOKUP) for n in range(30)]
    there = [aws.request(n + 0.5, LOOKUP, region="us-east-1") for n in range(60)]
    found = budgets(*here, *there, seconds=60)[LOOKUP]
    assert found.sent == 90
    assert found.rate == pytest.approx(1, abs=0.02)


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=40), st.integers(0, 90_000))
def test_the_rate_is_what_counting_by_hand_gives(moments: list[int], now: int) -> None:
    records = [
        aws.request(ms / 1000, LOOKUP, request_id=f"{n}")
        for n, ms in enumerate(moments)
    ]
    found = budgets(*records, seconds=now / 1000)[LOOKUP]
    recent = sum(now - 60_000 < ms <= now for ms in moments)
    assert found.rate == pytest.approx(recent / 60)


# -- how far calls are known ---------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "clock", "expected"),
    [
        (None, TimeAxis.EVENT, 250),
        (100, TimeAxis.EVENT, 100),
        (300, TimeAxis.EVENT, 250),
        (300, TimeAxis.ARRIVAL, 60),
        (100, TimeAxis.ARRIVAL, None),
    ],
)
def test_watching_measures_up_to_when_calls_are_known(
    moment: float | None, clock: TimeAxis, expected: float | None
) -> None:
    """In event time all that had happened is shown, as far as it is known today."""
    told = [
        aws.health("lookup", "live", seen, complete_to=iso(aws.at(complete)))
        for seen, complete in ((200, 60), (400, 250))
    ]
    trace = trace_of(*aws.sync_history(), *told)
    found = Coverage(trace.as_of(None if moment is None else aws.at(moment), clock))
    assert found.measured == (None if expected is None else aws.at(expected))
    assert found.live is (expected is not None)


def test_a_gap_before_a_call_is_real_only_where_no_record_can_come_any_more() -> None:
    told = aws.health("lookup", "live", 400, complete_to=iso(aws.at(120)))
    trace = trace_of(*aws.sync_history(), *aws.sync_calls(), told)
    found = Coverage(trace.as_of())
    calls = trace.ordered_calls
    assert [c.event_id for c in found.settled(calls)] == ["run", "poll-0", "poll-1"]
    assert found.is_settled(calls[0])
    assert not found.is_settled(calls[-1])
    ((_, attempt),) = trace.as_of().executions[aws.ARN].attempts
    assert not found.has_all_polls(attempt)
    whole = Coverage(trace_of(*aws.sync_run()).as_of())
    assert whole.has_all_polls(attempt)
    assert whole.of(aws.ARN, attempt, calls) == aws.at(420)


def test_a_file_claims_as_much_as_its_newest_call_of_the_same_account_and_region() -> (
    None
):
    elsewhere = aws.call("RunTask", 900, key="x", role="arn:aws:iam::1:role/other")
    records = list(
        map(aws.undated, [*aws.sync_history(), *aws.sync_calls(), elsewhere])
    )
    trace = trace_of(*records)
    found = Coverage(trace.as_of())
    ((_, attempt),) = trace.as_of().executions[aws.ARN].attempts
    newest = trace.calls["x"].event_time
    assert (found.live, found.measured) == (False, None)
    assert found.of(aws.ARN, attempt, trace.calls_of[aws.ARN, 3]) == newest
    assert found.of(aws.ARN, attempt, ()) is None
    assert found.complete_to == newest
    assert found.has_all_polls(attempt)
    assert found.settled(trace.ordered_calls) == trace.ordered_calls
    assert Coverage(trace_of(*aws.sync_history()).as_of()).complete_to is None


def test_a_first_call_that_comes_while_a_moment_is_looked_at_counts() -> None:
    trace = trace_of(*aws.sync_history())
    found = Coverage(trace.as_of())
    ((_, attempt),) = trace.as_of().executions[aws.ARN].attempts
    assert found.of(aws.ARN, attempt, ()) is None
    trace.add(aws.sync_calls())
    newest = trace.ordered_calls[-1].event_time
    assert found.of(aws.ARN, attempt, trace.calls_of[aws.ARN, 3]) == newest
