"""Looking up the calls: what is asked for, how often, how far, and until when."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from sfnwatch.demo.account import Account
from sfnwatch.demo.paging import Tokens
from sfnwatch.demo.trail import Delivered, Event, deliver, user
from sfnwatch.sources import drain, lookup
from sfnwatch.sources.aws import Aws
from sfnwatch.sources.pacing import TokenBucket
from sfnwatch.sources.subjects import Subjects
from sfnwatch.sources.ways import _BURST, _RATE
from sfnwatch.trace.arns import parse_execution_arn
from sfnwatch.trace.calls import decode_call
from sfnwatch.trace.events import Batch, From, HealthState, Received
from sfnwatch.trace.values import replace
from tests.sources.simulation import EPOCH, REGION, Request, Simulate, Simulation

LOOKUP = "LookupEvents"
ECS = "ecs.amazonaws.com"
DEFINITION = "DescribeStateMachineForExecution"


def defined(simulation: Simulation, *resources: str) -> None:
    """Have the state machine defined with these resources, one a state."""
    usual = simulation.usual(DEFINITION)
    states = {
        f"Step {number}": {"Type": "Task", "Resource": resource}
        for number, resource in enumerate(resources)
    }
    text = json.dumps({"StartAt": "Step 0", "States": states})

    def answer(account: Account, body: bytes) -> dict[str, Any]:
        return {**usual(account, body), "definition": text}

    simulation.operation(DEFINITION, answer)


def tasks_changed(simulation: Simulation, **details: str) -> None:
    """Have the details of every task event of the history changed."""
    usual = simulation.usual("GetExecutionHistory")

    def answer(account: Account, body: bytes) -> dict[str, Any]:
        given = usual(account, body)
        for event in given["events"]:
            for key, value in event.items():
                if key.startswith("task") and "resource" in value:
                    kept = {name: details[name] for name in details if name in value}
                    value.update(kept)
        return given

    simulation.operation("GetExecutionHistory", answer)


def crowd(
    simulation: Simulation, count: int, *, within: float, lag: float = 20
) -> None:
    """Have other people make ECS calls, evenly in the first seconds."""
    alice = user("alice", "AKIAI44QH8DHBEXAMPLE", address="::1", user_agent="cli")
    delivered = [
        deliver(
            Event(
                at=EPOCH + timedelta(seconds=within * number / count),
                source=ECS,
                name="ListTasks",
                caller=alice,
                request_id=f"request-{number}",
                event_id=f"event-{number:04}",
            ),
            lag,
        )
        for number in range(count)
    ]
    add(simulation, delivered)


def add(simulation: Simulation, more: Iterable[Delivered]) -> None:
    world = simulation.account.world
    simulation.account.world = replace(world, trail=(*world.trail, *more))


def run_task(simulation: Simulation) -> Delivered:
    """Find the record of the execution's own RunTask."""
    (run,) = simulation.account.world.runs
    request_id = run.calls[0].request_id
    return next(
        each
        for each in simulation.account.world.trail
        if request_id in each.envelope["CloudTrailEvent"]
    )


def run_task_delivered(simulation: Simulation, *, after: float) -> None:
    """Have that record delivered so many seconds after the epoch, and no sooner."""
    early = run_task(simulation)
    late = replace(early, delivered_at=EPOCH + timedelta(seconds=after))
    world = simulation.account.world
    trail = tuple(late if each is early else each for each in world.trail)
    simulation.account.world = replace(world, trail=trail)


def cycles(requests: Sequence[Request]) -> list[int]:
    """How many pages each cycle of one query read."""
    pages: list[int] = []
    for request in requests:
        if "NextToken" in request.parameters:
            pages[-1] += 1
        else:
            pages.append(1)
    return pages


def of_source(simulation: Simulation, source: str = ECS) -> list[Request]:
    return [request for request in simulation.asked(LOOKUP) if request.value == source]


# -- what is asked for ---------------------------------------------------------------


async def test_a_machine_of_lambdas_asks_cloudtrail_nothing(sync: Simulation) -> None:
    defined(sync, "arn:aws:lambda:ap-northeast-1:123456789012:function:work")
    tasks_changed(sync, resourceType="lambda", resource="invoke")
    watched = await sync.watch()
    assert sync.asked(LOOKUP) == []
    assert watched.states("lookup")[-1] is HealthState.ENDED
    assert "Nothing to look up" in watched.messages("lookup")[-1]


async def test_the_services_asked_for_are_those_of_the_definition(
    sync: Simulation,
) -> None:
    sdk = "arn:aws:states:::aws-sdk"
    defined(sync, "arn:aws:states:::ecs:runTask.sync", f"{sdk}:ec2:describeInstances")
    await sync.watch()
    values = {request.value for request in sync.asked(LOOKUP)}
    assert values == {ECS, "ec2.amazonaws.com", LOOKUP}, "and its own, to measure"


async def test_one_attribute_is_asked_for_and_never_what_hides_describe_tasks(
    sync: Simulation,
) -> None:
    await sync.watch()
    for request in sync.asked(LOOKUP):
        (attribute,) = request.parameters["LookupAttributes"]
        assert attribute["AttributeKey"] in {"EventSource", "EventName"}
        assert request.parameters["MaxResults"] == 50


async def test_a_task_of_another_region_is_looked_up_there(sync: Simulation) -> None:
    tasks_changed(sync, region="us-west-2")
    await sync.watch()
    regions = {request.region for request in of_source(sync)}
    assert regions == {"ap-northeast-1", "us-west-2"}, "the definition tells no Region"


async def test_a_global_service_is_looked_up_where_its_records_are(
    sync: Simulation,
) -> None:
    defined(sync, "arn:aws:states:::aws-sdk:iam:getRole")
    await sync.watch()
    regions = {request.region for request in of_source(sync, "iam.amazonaws.com")}
    assert regions == {"us-east-1"}


# -- how often -----------------------------------------------------------------------


async def test_it_never_asks_faster_than_its_share_of_the_quota(
    simulate: Simulate,
) -> None:
    simulation = await simulate("sync", "async", "failure")
    crowd(simulation, 120, within=60)
    defined(
        simulation,
        *(f"arn:aws:states:::aws-sdk:{name}:list" for name in ("ecs", "ec2", "sns")),
    )
    await simulation.watch(drain=60)
    moments = [request.at for request in simulation.asked(LOOKUP)]
    for window in (1, 5, 30, 120):
        most = max(count_within(moments, window))
        assert most <= _BURST + _RATE * window, f"in {window} s"
    assert {request.status for request in simulation.asked(LOOKUP)} == {200}


def count_within(moments: Sequence[Any], seconds: float) -> list[int]:
    span = timedelta(seconds=seconds)
    return [sum(begin <= at < begin + span for at in moments) for begin in moments]


async def test_cycles_follow_each_other_in_seconds_not_at_once(
    sync: Simulation,
) -> None:
    await sync.watch()
    moments = [request.at for request in of_source(sync)]
    pauses = [(b - a).total_seconds() for a, b in pairwise(moments)]
    assert min(pauses[:-1]) >= 5
    assert max(pauses) <= 12


# -- what is found -------------------------------------------------------------------


async def test_a_record_shown_twice_is_handed_over_once(sync: Simulation) -> None:
    sync.account.faults.duplicate = True
    watched = await sync.watch()
    assert sorted(Counter(watched.call_ids()).values()) == [1] * 6


async def test_records_that_come_late_and_out_of_order_all_arrive(
    sync: Simulation,
) -> None:
    watched = await sync.watch()
    calls = watched.trace.ordered_calls
    arrivals = [call.seen_at for call in calls if call.seen_at]
    assert len(arrivals) == 6
    assert arrivals != sorted(arrivals)
    lags = [(c.seen_at - c.event_time).total_seconds() for c in calls if c.seen_at]
    assert min(lags) > 45
    assert max(lags) > 350


async def test_calls_of_other_people_are_left_out_of_the_records(
    sync: Simulation,
) -> None:
    crowd(sync, 400, within=60)
    watched = await sync.watch()
    assert len(watched.call_ids()) == 6
    assert {call.by_step_functions for call in watched.trace.ordered_calls} == {True}


async def test_a_busy_account_is_read_page_by_page_to_the_execution_s_start(
    sync: Simulation,
) -> None:
    crowd(sync, 400, within=60)
    sync.clock.advance(120)
    watched = await sync.watch()
    assert cycles(of_source(sync))[0] >= 8
    assert ("RunTask", "request-id") in watched.tied()


async def test_a_cycle_stops_at_ground_already_covered(sync: Simulation) -> None:
    crowd(sync, 400, within=60)
    sync.clock.advance(120)
    await sync.watch()
    pages = cycles(of_source(sync))
    assert pages[1:5] == [1] * 4
    assert pages[5] >= 8, "now and then it reads on all the same"
    assert pages[-1] >= 8, "and in the end"


async def test_a_straggler_below_covered_ground_is_found_while_it_runs(
    sync: Simulation,
) -> None:
    crowd(sync, 400, within=60)
    run_task_delivered(sync, after=200)
    watched = await sync.watch()
    (call,) = (c for c in watched.calls if c.event_name == "RunTask")
    assert call.seen_at
    assert 200 <= (call.seen_at - EPOCH).total_seconds() < 280


async def test_a_page_token_too_old_begins_the_query_again(sync: Simulation) -> None:
    crowd(sync, 400, within=60)
    sync.clock.advance(120)
    usual = sync.usual(LOOKUP)
    spoiled: list[str] = []

    def spoil(account: Account, body: bytes) -> dict[str, Any]:
        given = usual(account, body)
        if "NextToken" in given and len(spoiled) < 2:
            spoiled.append(given["NextToken"])
            account.tokens = Tokens(f"another {len(spoiled)}")
        return given

    sync.operation(LOOKUP, spoil)
    watched = await sync.watch()
    refused = [r for r in sync.asked(LOOKUP) if r.status == 400]
    assert [r.parameters["NextToken"] for r in refused] == spoiled
    assert len(spoiled) == 2
    after = sync.asked(LOOKUP)[sync.asked(LOOKUP).index(refused[0]) + 1]
    assert "NextToken" not in after.parameters
    assert after.parameters["EndTime"] > after.parameters["StartTime"], "goes on below"
    assert len(watched.calls) == 6
    assert HealthState.RETRYING not in watched.states("lookup")


async def test_its_own_calls_are_counted_and_not_shown(sync: Simulation) -> None:
    nested = "arn:aws:states:::states:startExecution.sync:2"
    defined(sync, "arn:aws:states:::ecs:runTask.sync", nested)
    watched = await sync.watch()
    assert len(watched.trace.own_calls) > 50
    assert not watched.trace.own_calls & set(watched.trace.calls)
    told = sum(watched.healths(lane)[-1].requests for lane in ("history", "lookup"))
    assert told == len(sync.requests)


async def test_a_record_that_can_not_be_read_is_kept_unread(sync: Simulation) -> None:
    call = run_task(sync)
    broken = {**call.envelope, "EventId": "broken", "CloudTrailEvent": "{"}
    del broken["EventName"]
    add(sync, [replace(call, event_id="broken", envelope=broken)])
    watched = await sync.watch()
    unread = [r.data["EventId"] for r in watched.records if r.source == From.UNREAD]
    assert unread == ["broken"]
    assert len(watched.trace.unread) == 1
    assert len(watched.calls) == 6


# -- until when ----------------------------------------------------------------------


def seconds_after_the_end(simulation: Simulation) -> float:
    last = simulation.requests[-1].at
    return (last - simulation.stopped_at).total_seconds()


async def test_the_drain_ends_at_its_deadline(sync: Simulation) -> None:
    sync.operation(LOOKUP, lambda _, __: {"Events": []})
    watched = await sync.watch(drain=120)
    assert 120 <= seconds_after_the_end(sync) < 125
    draining = [h for h in watched.healths("lookup") if h.state is HealthState.DRAINING]
    assert draining[0].until == sync.stopped_at + timedelta(seconds=120)


async def test_the_drain_ends_sooner_when_the_account_is_known_to_be_quick(
    sync: Simulation,
) -> None:
    watched = await sync.watch()
    assert 90 < seconds_after_the_end(sync) < 900
    end = watched.healths("lookup")[-1]
    assert end.complete_to
    assert end.complete_to >= sync.stopped_at + timedelta(seconds=90)


async def test_a_drain_longer_than_usual_is_never_cut_short(sync: Simulation) -> None:
    """Stragglers of 85 minutes are recorded: the watermark tells nothing of them."""
    await sync.watch(drain=3600)
    assert 3600 <= seconds_after_the_end(sync) < 3620


async def test_botocore_makes_no_second_request_that_nobody_counts(
    sync: Simulation,
) -> None:
    sync.clock.when(30, lambda: sync.account.faults.status_next.extend([500] * 40))
    await sync.watch()
    times = [request.at for request in sync.asked("LookupEvents")]
    assert all(
        (c - a).total_seconds() >= 0.999 for a, c in zip(times, times[2:], strict=False)
    )


async def test_the_drain_ends_when_the_watcher_has_had_enough(
    sync: Simulation,
) -> None:
    def impatient(batch: Batch) -> None:
        for received in batch:
            if received.data.get("state") == HealthState.DRAINING and sync.watching:
                sync.watching.end_drain()

    watched = await sync.watch(drain=3600, also=impatient)
    assert seconds_after_the_end(sync) < 15
    assert watched.states("lookup")[-1] is HealthState.ENDED


async def test_without_a_drain_it_still_looks_once_more_at_the_whole_window(
    sync: Simulation,
) -> None:
    await sync.watch(drain=0)
    assert seconds_after_the_end(sync) < 10
    last = of_source(sync)[-1].parameters
    start = EPOCH - timedelta(seconds=5)
    assert last["StartTime"] == pytest.approx(start.timestamp(), abs=1)


async def test_the_last_look_reaches_back_to_the_start_however_long_ago(
    sync: Simulation,
) -> None:
    run_task_delivered(sync, after=1500)
    sync.patch.setattr(drain, "_QUIET", timedelta(hours=1))
    watched = await sync.watch(drain=1800)
    (call,) = (c for c in watched.calls if c.event_name == "RunTask")
    assert call.seen_at
    assert call.seen_at >= sync.stopped_at + timedelta(seconds=1800)


async def test_of_one_long_over_what_was_called_since_is_not_asked_for(
    sync: Simulation,
) -> None:
    crowd(sync, 500, within=400_000)
    sync.clock.advance(500_000)
    watched = await sync.watch()
    assert len(watched.call_ids()) == 6
    last = sync.stopped_at + timedelta(minutes=15)
    (asked,) = [r.parameters for r in sync.asked(LOOKUP) if r.value == ECS]
    assert asked["EndTime"] == pytest.approx(last.timestamp(), abs=1e-3)
    own = [r.parameters for r in sync.asked(LOOKUP) if r.value == LOOKUP]
    assert own
    assert all("EndTime" not in p for p in own), "how far CloudTrail is, is of today"


async def test_a_long_drain_goes_on_asking_for_the_time_of_the_execution(
    sync: Simulation,
) -> None:
    sync.operation(LOOKUP, lambda _, __: {"Events": []})
    await sync.watch(drain=2700)
    asked = [r.parameters for r in sync.asked(LOOKUP) if r.value == ECS]
    assert any("EndTime" in p for p in asked)
    assert any("EndTime" not in p for p in asked)
    assert all(p["StartTime"] <= p.get("EndTime", 9e9) for p in asked), (
        "or it's refused"
    )


async def test_the_lane_says_how_far_behind_cloudtrail_is(sync: Simulation) -> None:
    watched = await sync.watch()
    told = [health for health in watched.healths("lookup") if health.complete_to]
    assert len(told) > 3
    lags = [health.lag for health in told if health.lag is not None]
    assert min(lags) > 45
    assert max(lags) < 500
    received = {
        r.at for r in watched.records if r.source == From.HEALTH and r.data.get("lag")
    }
    assert len(received) == len(told), "it says so when there is news, not each second"


async def test_calls_of_a_role_that_becomes_known_later_are_not_passed_over(
    sync: Simulation,
) -> None:
    sync.clock.advance(1200)
    arn = parse_execution_arn(sync.account.executions["sync"])
    subjects = Subjects([arn])
    (subject,) = subjects.each
    subject.started_at = EPOCH
    subject.plan[REGION, ECS] = None
    subject.roles.add("another")
    async with Aws(sync.settings()) as aws:
        bucket = TokenBucket(1, 1, sync.clock)
        source = lookup.Lookup(aws, subjects, sync.clock, bucket)

        async def cycle() -> list[str]:
            steps = [await source._step()]
            while source._cursors:
                steps.append(await source._step())
            named = (r.data["EventName"] for step in steps for r in step.records)
            return sorted(named)

        assert await cycle() == []
        own = decode_call(Received(None, From.LOOKUP, None, run_task(sync).envelope))
        assert own.role
        subject.roles.add(own.role)
        found = await cycle()
        assert found.count("DescribeTasks") == 5
        assert "RunTask" in found
        assert await cycle() == []
