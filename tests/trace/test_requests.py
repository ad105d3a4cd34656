"""What sfnwatch itself sent: read, summed up, and set against the quotas."""

import random
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.sources.allowed import ALLOWED
from sfnwatch.trace import requests
from sfnwatch.trace.budget import QUOTAS, Budget, budget
from sfnwatch.trace.events import From, Received
from sfnwatch.trace.history import DecodeError
from sfnwatch.trace.requests import THROTTLED, decode_request
from sfnwatch.trace.timeline import Trace, extend, extend_all
from sfnwatch.trace.times import iso
from tests.builders import ARN, REGION, START, sync_run

LOOKUP = ("cloudtrail", "LookupEvents")
HISTORY = ("states", "GetExecutionHistory")


def request(
    seconds: float = 0,
    operation: tuple[str, str] = HISTORY,
    outcome: str = "ok",
    *,
    told: float = 1,
    **more: Any,
) -> Received:
    """Build the record of a request, sent `seconds` after the start."""
    service, name = operation
    data = {
        "operation": name,
        "service": service,
        "region": REGION,
        "sent_at": iso(START + timedelta(seconds=seconds)),
        "seconds": 0.12,
        "outcome": outcome,
        "status": 200 if outcome == "ok" else 400,
        "request_id": f"request-{seconds}",
        "items": 5,
        "note": "newest events",
        **more,
    }
    at = START + timedelta(seconds=seconds + told)
    return Received(at, From.REQUEST, ARN, data)


def trace_of(*records: Received) -> Trace:
    return extend(Trace(), records)


def budgets(
    records: Iterable[Received], seconds: float
) -> dict[tuple[str, str], Budget]:
    trace = trace_of(*records)
    found = budget(trace, START + timedelta(seconds=seconds))
    return {(b.spent.service, b.spent.operation): b for b in found}


# -- one request -----------------------------------------------------------------------


def test_a_record_is_read_as_it_was_written() -> None:
    read = decode_request(request(3.25, LOOKUP, "ThrottlingException"))
    assert (read.service, read.operation) == LOOKUP
    assert read.sent_at == START + timedelta(seconds=3.25)
    assert (read.seconds, read.region, read.items) == (0.12, REGION, 5)
    assert (read.status, read.request_id) == (400, "request-3.25")
    assert (read.note, read.execution_arn) == ("newest events", ARN)
    assert read.throttled
    assert not read.ok


def test_an_error_is_neither_ok_nor_throttled() -> None:
    read = decode_request(request(outcome="AccessDeniedException"))
    assert not read.ok
    assert not read.throttled
    assert decode_request(request()).ok


values = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats()
    | st.text()
    | st.lists(st.integers(), max_size=2)
)


@given(
    st.dictionaries(st.sampled_from(sorted(request().data)), values),
    st.none() | st.just(START),
    st.sampled_from([*THROTTLED, "ok"]),
)
def test_whatever_a_file_says_is_read_or_counted_as_unread(
    nonsense: dict[str, Any], at: Any, outcome: str
) -> None:
    data = {**request(outcome=outcome).data, **nonsense}
    trace = trace_of(Received(at, From.REQUEST, None, data))
    assert len(trace.requests) + len(trace.unread) == 1
    for read in trace.ordered_requests:
        assert read.seconds >= 0
        assert read.operation
        assert budget(trace, read.sent_at)


def test_a_request_of_nothing_or_of_no_time_can_not_be_read() -> None:
    nameless = Received(START, From.REQUEST, None, {"sent_at": iso(START)})
    timeless = Received(None, From.REQUEST, None, {"operation": "LookupEvents"})
    for record in (nameless, timeless):
        with pytest.raises(DecodeError):
            decode_request(record)
        assert len(trace_of(record).unread) == 1


def test_a_request_that_says_no_time_was_sent_when_it_was_told() -> None:
    read = decode_request(Received(START, From.REQUEST, None, {"operation": "X"}))
    assert (read.sent_at, read.outcome, read.service) == (START, "unknown", "")


# -- many of them ----------------------------------------------------------------------

some = st.builds(
    request,
    st.floats(0, 200).map(lambda seconds: round(seconds, 1)),
    st.sampled_from([LOOKUP, HISTORY, ("sts", "AssumeRole")]),
    st.sampled_from(["ok", "ThrottlingException", "ConnectTimeoutError"]),
    region=st.sampled_from([REGION, "us-east-1", None]),
    request_id=st.none() | st.sampled_from("abc"),
)
many = st.lists(some, max_size=30)


@given(many, many, st.randoms(use_true_random=False))
def test_any_order_any_batches_and_any_repetition_give_the_same(
    once: list[Received], twice: list[Received], dice: random.Random
) -> None:
    records = [*sync_run(), *once, *twice]
    shuffled = [*records, *twice]
    dice.shuffle(shuffled)
    middle = dice.randint(0, len(shuffled))
    grown = extend_all([tuple(shuffled[:middle]), tuple(shuffled[middle:])])
    whole = trace_of(*records)
    assert grown == whole
    assert grown.ordered_requests == whole.ordered_requests
    assert grown.spent == whole.spent
    assert not grown.unread


@given(many, st.integers(1, 6), st.randoms(use_true_random=False))
def test_of_too_many_the_newest_are_kept_in_whatever_order_they_came(
    records: list[Received], most: int, dice: random.Random
) -> None:
    whole = trace_of(*records).ordered_requests
    shuffled = [*records, *records]
    dice.shuffle(shuffled)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(requests, "KEPT", most)
        kept = extend_all([(record,) for record in shuffled]).ordered_requests
    assert kept == whole[-most:]


def test_they_change_nothing_of_the_rest() -> None:
    with_them = trace_of(*sync_run(), *map(request, range(5)))
    without = trace_of(*sync_run())
    assert with_them.timelines == without.timelines
    assert with_them.calls == without.calls
    assert with_them.healths == without.healths
    assert not with_them.unread
    assert not without.requests


def test_they_are_in_the_order_in_which_they_were_sent() -> None:
    records = [request(seconds) for seconds in (9, 2, 5)]
    sent = [r.sent_at for r in trace_of(*records).ordered_requests]
    assert sent == [START + timedelta(seconds=n) for n in (2, 5, 9)]


# -- the budget ------------------------------------------------------------------------


def test_nothing_was_spent_where_nothing_was_asked() -> None:
    assert budgets(sync_run(), 600) == {}


def test_each_operation_is_counted_by_what_came_of_it() -> None:
    records = [
        *(request(n, LOOKUP) for n in range(4)),
        *(request(10 + n, LOOKUP, "ThrottlingException") for n in range(2)),
        request(20, LOOKUP, "ConnectTimeoutError"),
        request(30, HISTORY),
    ]
    found = budgets(records, 30)
    spent = found[LOOKUP].spent
    assert (spent.sent, spent.throttled, spent.failed) == (7, 2, 1)
    assert spent.last_at == START + timedelta(seconds=20)
    assert found[HISTORY].spent.sent == 1
    assert list(found) == [LOOKUP, HISTORY], "by service and name"


def test_our_share_is_of_what_the_account_can_keep_up() -> None:
    found = budgets([request(n, LOOKUP) for n in range(60)], 59)[LOOKUP]
    assert found.rate == 1
    assert found.share == 0.5
    assert found.quota is not None
    assert (found.quota.refill, found.quota.raisable) == (2, False)


def test_only_the_last_minute_counts_for_the_rate() -> None:
    records = [request(n) for n in (0, 1, 2, 70, 75)]
    assert budgets(records, 60)[HISTORY].rate == pytest.approx(2 / 60)
    assert budgets(records, 75)[HISTORY].rate == pytest.approx(2 / 60)
    assert budgets(records, 200)[HISTORY].rate == 0


def test_each_region_has_a_quota_of_its_own() -> None:
    """Of two the busier one is told."""
    here = [request(n, LOOKUP) for n in range(30)]
    there = [request(n + 0.5, LOOKUP, region="us-east-1") for n in range(60)]
    found = budgets([*here, *there], 60)[LOOKUP]
    assert found.spent.sent == 90
    assert found.rate == pytest.approx(1, abs=0.02)
    assert found.spent.peak == 1


def test_what_was_asked_for_credentials_has_no_known_quota() -> None:
    found = budgets([request(0, ("sts", "AssumeRole"))], 1)["sts", "AssumeRole"]
    assert found.quota is None
    assert found.share is None


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=40), st.integers(0, 90_000))
def test_peak_and_rate_are_what_counting_by_hand_gives(
    moments: list[int], now: int
) -> None:
    records = [
        request(ms / 1000, LOOKUP, request_id=f"{place}")
        for place, ms in enumerate(moments)
    ]
    found = budgets(records, now / 1000)[LOOKUP]
    windows = (
        sum(start <= other < start + 1000 for other in moments) for start in moments
    )
    assert found.spent.peak == max(windows)
    recent = sum(now - 60_000 < ms <= now for ms in moments)
    assert found.rate == pytest.approx(recent / 60)


def test_the_quota_of_every_operation_that_may_be_sent_is_known() -> None:
    assert set(QUOTAS) >= ALLOWED
    buckets = {name: (q.refill, q.burst) for (_, name), q in QUOTAS.items()}
    assert buckets == {
        "LookupEvents": (2, None),
        "GetExecutionHistory": (20, 400),
        "DescribeExecution": (10, 250),
        "DescribeStateMachineForExecution": (1, 200),
        "DescribeStateMachine": (20, 200),
        "ListExecutions": (2, 100),
        "ListMapRuns": (1, 100),
        "DescribeMapRun": (1, 200),
    }, "where they differ by Region, the smaller one"
