"""LookupEvents: what it finds, how late, how often; and the clients' own calls."""

import json
from datetime import timedelta

import pytest

from sfnwatch.demo.account import LONGEST_LAG, Account
from sfnwatch.demo.scenarios import SCENARIOS
from tests.demo.conftest import Served, refusal
from tests.sources.clocks import EPOCH, ManualClock

START = EPOCH.timestamp()
EVER = EPOCH - timedelta(days=30), EPOCH + timedelta(days=30)


async def test_events_come_newest_first_in_whole_seconds_and_agree_with_their_records(
    demo: Served,
) -> None:
    demo.clock.advance(900)
    events = (await demo.trail.lookup_events())["Events"]
    times = [each["EventTime"] for each in events]
    assert len(times) == 50
    assert times == sorted(times, reverse=True)
    for each in events:
        record = json.loads(each["CloudTrailEvent"])
        assert record["eventID"] == each["EventId"]
        assert record["eventTime"] == f"{each['EventTime']:%Y-%m-%dT%H:%M:%SZ}"


async def test_the_bounds_are_inclusive(demo: Served) -> None:
    demo.clock.advance(900)
    one = (await demo.events())[-1]
    at, before = one["EventTime"], one["EventTime"] - timedelta(seconds=1)
    after = at + timedelta(seconds=1)
    asked = ("EventId", one["EventId"])
    assert await demo.events(*asked, StartTime=at, EndTime=at) == [one]
    assert await demo.events(*asked, StartTime=after) == []
    assert await demo.events(*asked, EndTime=before) == []


@pytest.mark.parametrize(
    "key",
    ["AccessKeyId", "EventId", "EventName", "EventSource", "ReadOnly", "Username"],
)
async def test_each_attribute_finds_what_has_it_and_nothing_else(
    demo: Served, key: str
) -> None:
    demo.clock.advance(900)
    one = (await demo.events("EventName", "RunTask", StartTime=START - 60))[0]
    found = await demo.events(key, one[key])
    assert one["EventId"] in {each["EventId"] for each in found}
    assert {each[key] for each in found} == {one[key]}
    assert await demo.events(key, "nothing") == []


async def test_pages_hold_everything_once(demo: Served) -> None:
    demo.clock.advance(900)
    asked = {"StartTime": START - 60, "EndTime": START + 100}
    whole = await demo.events("EventSource", "ecs.amazonaws.com", **asked)
    assert len({each["EventId"] for each in whole}) == len(whole) > 10
    for size in (1, 7):
        paged = {**asked, "MaxResults": size}
        assert await demo.events("EventSource", "ecs.amazonaws.com", **paged) == whole


async def test_two_lookups_a_second_are_answered_and_no_more(demo: Served) -> None:
    async def asked() -> str | None:
        _, headers, _ = await demo.post("x.LookupEvents", User_Agent="test-agent/1")
        return headers.get("x-amzn-ErrorType")

    throttled = "ThrottlingException"
    assert [await asked() for _ in range(3)] == [None, None, throttled]
    demo.clock.advance(0.5)
    assert [await asked() for _ in range(2)] == [None, throttled]
    demo.clock.advance(60)
    assert [await asked() for _ in range(3)] == [None, None, throttled]
    refused = await refusal(demo.trail.lookup_events())
    assert refused == (throttled, "Rate exceeded")
    demo.clock.advance(LONGEST_LAG)
    assert len(await demo.own_records("cloudtrail")) == 5, "throttled ones are not kept"


async def test_a_clients_own_calls_are_recorded_and_late_too(demo: Served) -> None:
    answered = await demo.describe("sync")
    assert await demo.own_records() == []
    demo.clock.advance(LONGEST_LAG)
    (record,) = await demo.own_records()
    assert record["requestID"] == answered["ResponseMetadata"]["RequestId"]
    assert record["requestParameters"] == {"executionArn": demo.arn("sync")}
    assert record["readOnly"] is True
    assert record["userIdentity"]["userName"] == "demo"


def test_deliveries_are_late_out_of_order_and_one_is_very_late(
    clock: ManualClock,
) -> None:
    trail = Account(SCENARIOS, clock=clock, seed=7).trail
    lags = [(each.delivered_at - each.event_time).total_seconds() for each in trail]
    assert min(lags) >= 45
    assert 350 < max(lags) <= LONGEST_LAG
    seen = [each.place for each in sorted(trail, key=lambda each: each.delivered_at)]
    assert seen != sorted(seen)
    assert len({each.event_id for each in trail}) == len(trail)


def test_the_same_seed_and_epoch_show_the_same_and_others_do_not() -> None:
    clock = ManualClock()
    one, same, other = (Account(SCENARIOS, clock=clock, seed=n) for n in (7, 7, 8))
    later = Account(SCENARIOS, clock=clock, epoch=EPOCH + timedelta(1), seed=7)
    for new in (other, later):
        assert not {*new.executions.values()} & {*one.executions.values()}
    for seconds in (0, 100, 300, 600):
        clock.advance(seconds)
        shown = [each.envelope for each in one.delivered(*EVER)]
        assert shown == [each.envelope for each in same.delivered(*EVER)]
