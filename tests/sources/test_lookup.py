"""Looking up the calls: what is asked for, how often, how far, and until when."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sfnwatch.demo.callers import user
from sfnwatch.demo.scenarios import PLANS
from sfnwatch.demo.trail import deliver
from sfnwatch.demo.trail_event import TrailEvent
from sfnwatch.model.arns import parse_execution_arn
from sfnwatch.model.records import Batch, RecordKind
from sfnwatch.model.source_health import HealthState
from sfnwatch.sources.answers import AwsAnswer, AwsRequest, decode_answer
from sfnwatch.sources.live_options import CallOptions, LiveOptions
from sfnwatch.sources.lookup import Lookup, MeasuredCoverage
from sfnwatch.sources.polling import WatchContext
from sfnwatch.sources.targets import Target, Targets
from tests.builders import ARN, REGION
from tests.sources.clocks import EPOCH, ManualClock
from tests.sources.conftest import Simulate
from tests.sources.loopback import AskedOf, Refusal
from tests.sources.simulation import Arrival, Simulation

HISTORY, LOOKUP, ECS = "GetExecutionHistory", "LookupEvents", "ecs.amazonaws.com"
DEFINITION = "DescribeStateMachineForExecution"
RUN = ("RunTask", "request-id")


def crowd(simulation: Simulation, count: int, *, within: float) -> None:
    """Have other people make ECS calls, evenly in the first seconds."""
    alice = user("alice", "AKIAOTHERPERSONXXXXX", "203.0.113.24", "AWS Internal")
    for number in range(count):
        at, key = after(within * number / count), f"event-{number:04}"
        call = TrailEvent(at, "ecs:ListTasks", alice, f"of-{key}", key)
        simulation.account.add(deliver(call, 20))


def after(seconds: float) -> datetime:
    return EPOCH + timedelta(seconds=seconds)


def defined(simulation: Simulation, *resources: str) -> None:
    """Have the state machine defined with these resources, one a state."""
    states = {
        f"Step {number}": {"Type": "Task", "Resource": resource}
        for number, resource in enumerate(resources)
    }
    text = json.dumps({"StartAt": "Step 0", "States": states})
    simulation.changes[DEFINITION] = lambda _, given: {**given, "definition": text}


def tasks_changed(simulation: Simulation, **details: Any) -> None:
    """Have the details of every task event of the history changed."""

    def change(_: AskedOf, given: dict[str, Any]) -> Any:
        for event in given["events"]:
            for key, value in event.items():
                if key.startswith("task") and "resource" in value:
                    changed = {k: v for k, v in details.items() if k in value}
                    value.update(changed)
        return given

    simulation.changes["GetExecutionHistory"] = change


def of_source(simulation: Simulation, source: str = ECS) -> list[Arrival]:
    return [each for each in simulation.asked(LOOKUP) if each.asked.value == source]


def cycles(requests: Sequence[Arrival]) -> list[int]:
    """How many pages each cycle of one query read."""
    pages: list[int] = []
    for request in requests:
        if "NextToken" in request.parameters:
            pages[-1] += 1
        else:
            pages.append(1)
    return pages


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
    ec2, iam = f"{sdk}:ec2:describeInstances", f"{sdk}:iam:getRole"
    defined(sync, "arn:aws:states:::ecs:runTask.sync", ec2, iam)
    await sync.watch(drain=0)
    asked = {(each.asked.value, each.asked.region) for each in sync.asked(LOOKUP)}
    home = "ap-northeast-1"
    assert asked == {
        (ECS, home),
        ("ec2.amazonaws.com", home),
        ("iam.amazonaws.com", "us-east-1"),
        (LOOKUP, home),  # its own calls, to measure
    }
    for request in sync.asked(LOOKUP):
        (attribute,) = request.parameters["LookupAttributes"]
        assert attribute["AttributeKey"] in {"EventSource", "EventName"}, (
            "never what hides DescribeTasks"
        )
        assert request.parameters["MaxResults"] == 50


@pytest.mark.parametrize("region", [["us-west-2"], 7, "-x-", "odd text", "half \ud800"])
async def test_a_task_with_an_odd_region_stops_no_look_for_calls(
    sync: Simulation, region: object
) -> None:
    """Nobody can be asked there: it is asked where the execution is."""

    def move(_: AskedOf, given: dict[str, Any]) -> Any:
        for event in given["events"]:
            if "taskScheduledEventDetails" in event:
                event["taskScheduledEventDetails"]["region"] = region
        return given

    sync.changes[HISTORY] = move
    watched = await sync.watch()
    assert watched.states("lookup")[-1] is HealthState.ENDED
    assert watched.messages("lookup") == []
    assert {each.asked.region for each in sync.asked(LOOKUP)} == {REGION}
    assert watched.of(RecordKind.LOOKUP)


# -- from when on ----------------------------------------------------------------------


async def test_a_history_that_can_not_be_read_for_now_is_not_waited_for(
    sync: Simulation,
) -> None:
    def grant(_: Batch) -> None:
        late = sync.seconds(sync.clock.now()) > 600
        if late or sync.asked(LOOKUP):
            sync.faults.deny.clear()

    sync.faults.deny.add(HISTORY)
    watched = await sync.watch(also=grant)
    begun, *_ = sync.asked(LOOKUP)
    read = [each for each in sync.asked(HISTORY) if each.at > begun.at]
    assert sync.seconds(begun.at) < 60
    assert 1 <= len(sync.asked(HISTORY)) - len(read) <= 2, "it was refused before that"
    assert len(watched.matched_calls) == 6


# -- what is found -------------------------------------------------------------------


async def test_calls_of_other_people_are_left_out_and_read_through(
    sync: Simulation,
) -> None:
    crowd(sync, 400, within=60)
    sync.clock.advance(120)
    watched = await sync.watch()
    assert {call.by_step_functions for call in watched.trace.ordered_calls} == {True}
    assert RUN in watched.matched()
    pages = cycles(of_source(sync))
    assert pages[0] >= 8, "page by page, to the execution's start"
    assert max(pages[1:5]) <= 2, "a cycle stops at ground already covered"
    assert pages[5] >= 8, "now and then it reads on all the same"
    assert pages[-1] >= 8, "and in the end"


async def test_a_straggler_below_covered_ground_is_found_while_it_runs(
    sync: Simulation,
) -> None:
    crowd(sync, 400, within=60)
    run = next(e for e in sync.account.trail if e.action == "ecs:RunTask")
    run.delivered_at = after(200)
    watched = await sync.watch(drain=0)
    (call,) = (c for c in watched.matched_calls if c.event_name == "RunTask")
    assert call.seen_at
    assert 200 <= sync.seconds(call.seen_at) < 280


async def test_calls_of_a_role_that_becomes_known_later_are_not_passed_over(
    sync: Simulation,
) -> None:
    other, roles = "arn:aws:iam::123456789012:role/other", list[str]()

    def of_another_role(_: AskedOf, given: dict[str, Any]) -> Any:
        roles.append(given["roleArn"])
        return {**given, "roleArn": other}

    def late(_: AskedOf, given: dict[str, Any]) -> Any:
        events = {event["id"]: event for event in given["events"]}
        for event in events.values():
            if event["type"] == "ExecutionStarted":
                event["executionStartedEventDetails"]["roleArn"] = other
            if event["type"] == "TaskScheduled":
                details = event["taskScheduledEventDetails"]
                details["taskCredentials"] = {"roleArn": roles[0]}
        hidden = sync.seconds(sync.clock.now()) < 250
        return {"events": [e for e in events.values() if e["id"] < 3 or not hidden]}

    sync.changes[DEFINITION] = of_another_role
    sync.changes["GetExecutionHistory"] = late
    watched = await sync.watch()
    first = min(r.at for r in watched.of(RecordKind.LOOKUP) if r.at)
    assert sync.seconds(first) > 250
    assert len(watched.of(RecordKind.LOOKUP)) >= 6


async def test_a_child_that_outlives_its_parent_has_its_calls_looked_up() -> None:
    """What ran before is read once; then it is found to have run on for longer."""
    asked: list[datetime] = []
    first, second = (parse_execution_arn(f"{ARN}{n}") for n in (1, 2))
    targets = Targets([first, second])

    class Aws:
        async def call(self, request: AwsRequest[Any]) -> AwsAnswer[Any]:
            if "EndTime" in request.parameters:
                asked.append(request.parameters["EndTime"])
            if len(asked) == 1 and len(targets.watched) == 2:
                child = targets.add(parse_execution_arn(f"{ARN}3"), 1)
                ran(child, 50, 2700)
                for each in targets.watched:
                    each.finish()
            return AwsAnswer(decode_answer(b'{"Events": []}', request.shape), b"", "i")

    def ran(target: Target, begin: float, end: float) -> None:
        target.started_at, target.stopped_at = after(begin), after(end)
        targets.roles, targets.lookup_queries = {"r"}, {(REGION, ECS): None}

    for target, begin in zip(targets.watched, (0, 36_000), strict=True):
        ran(target, begin, begin + 60)
    targets.known.set()
    context = WatchContext(targets, ManualClock(after(86_400)), LiveOptions(drain=0))
    await Lookup(Aws(), context).run(lambda _: None)
    assert max(end for end in asked if end < after(36_000)) >= after(2700)


async def test_other_accounts_are_asked_by_their_profiles(
    sync: Simulation, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = "aws_access_key_id = AKIAOTHERACCOUNTXXXX\naws_secret_access_key = none\n"
    (tmp_path / "credentials").write_text(f"[other]\n{keys}")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    options = CallOptions(lookup=False, profiles=("other",))
    watched = await sync.watch(calls=options)
    assert {health.source for health in watched.healths("lookup")} == {"account-1"}
    assert len(watched.matched()) == 6


# -- what ran before a redrive -------------------------------------------------------

LATER = 86400.0
BEFORE = "2023-11-15 00:28 to 2023-11-15 00:44 UTC"
"""When it ran before that, and its calls could be made."""


@pytest.fixture
async def redriven(simulate: Simulate) -> Simulation:
    """One that is redriven after a day, just now, where others call ECS as well."""
    late = replace(PLANS["redrive"], redriven_after=(LATER,))
    simulation = await simulate(late)
    crowd(simulation, 1000, within=600)
    simulation.clock.advance(simulation.seconds_of("ExecutionRedriven") + 1)
    return simulation


def times_asked(simulation: Simulation) -> list[tuple[float, float]]:
    """Say from when to when ECS calls were asked for, each page."""
    asked = [each.parameters for each in of_source(simulation)]
    since = EPOCH.timestamp()
    return [(p["StartTime"] - since, p.get("EndTime", 9e9) - since) for p in asked]


async def test_what_ran_before_a_redrive_is_read_before_anything_is_complete(
    redriven: Simulation,
) -> None:
    watched = await redriven.watch()
    runs = [name for name, _ in watched.matched() if name == "RunTask"]
    assert len(runs) == 2, "the first was made a day ago"
    told = watched.healths("lookup")
    reads = [each for each in told if each.message]
    words = f"Reading the calls from {BEFORE} as well"
    assert {each.message for each in reads} == {
        f"{words}; until that is done, nothing counts as complete."
    }
    assert all(each.coverage is None for each in told[: told.index(reads[-1]) + 1])
    assert told[-1].coverage is not None
    back = redriven.seconds_of("ExecutionRedriven")
    first, last = redriven.seconds_of("ExecutionFailed") + 901, back - 6
    asked = times_asked(redriven)
    assert all(a > last or b < first for a, b in asked), "not the day between"


async def test_what_ran_before_is_read_some_pages_at_a_time(
    redriven: Simulation,
) -> None:
    await redriven.watch()
    asked = of_source(redriven)
    back = redriven.seconds_of("ExecutionRedriven")
    kinds = [a < back - 6 for a, _ in times_asked(redriven)]
    runs = [len(list(group)) for is_old, group in groupby(kinds) if is_old]
    assert len(runs) > 3
    assert max(runs) == 5
    snapshots = [redriven.seconds(each.at) for each in asked]
    assert all(b - a > 5 for a, b in zip(snapshots, snapshots[10:], strict=False))


async def test_who_has_had_enough_is_told_what_was_not_read(
    redriven: Simulation,
) -> None:
    def impatient(batch: Batch) -> None:
        if any("as well" in str(r.record.get("message")) for r in batch):
            assert redriven.watching
            redriven.watching.end_drain()

    end = redriven.seconds(redriven.stopped_at)
    redriven.clock.advance(end - redriven.seconds(redriven.clock.now()) + 1)
    watched = await redriven.watch(also=impatient, drain=3600)
    last = watched.healths("lookup")[-1]
    assert (last.state, last.coverage) == (HealthState.ENDED, None)
    assert last.message == f"Not all of the calls from {BEFORE} were read."


# -- until when ----------------------------------------------------------------------


async def test_of_one_long_over_what_was_called_since_is_not_asked_for(
    sync: Simulation,
) -> None:
    crowd(sync, 500, within=400_000)
    sync.clock.advance(500_000)
    watched = await sync.watch(drain=900)
    assert len(watched.matched()) == 6
    last = (sync.stopped_at + timedelta(minutes=15)).timestamp()
    (asked,) = [each.parameters for each in of_source(sync)]
    assert asked["EndTime"] == pytest.approx(last, abs=1e-3)
    own = [each.parameters for each in of_source(sync, LOOKUP)]
    assert own
    assert all("EndTime" not in p for p in own), "how far CloudTrail is, is of today"


# -- how far it is complete ----------------------------------------------------------


@pytest.mark.parametrize(
    ("refusal", "requests"),
    [
        (Refusal("UnknownOperationException", status=404).response, 1),
        (Refusal("NotImplemented", status=501).response, 1),
        (lambda: web.Response(status=405), 1),
        (lambda: web.Response(status=500, text="<!doctype html>"), 2),
    ],
)
async def test_an_emulator_without_lookup_events_is_asked_no_more(
    sync: Simulation, refusal: Callable[[], web.Response], requests: int
) -> None:
    """Moto answers an internal error, in HTML; an internal error of AWS's passes."""
    sync.alone.add(LOOKUP)
    sync.changes[LOOKUP] = lambda *_: refusal()
    watched = await sync.watch(settings=sync.settings(simulated=False))
    assert watched.status == "SUCCEEDED"
    health = watched.healths("lookup")[-1]
    host = sync.url.removeprefix("http://")
    assert (health.state, health.endpoint) == (HealthState.UNSUPPORTED, host)
    assert health.message.startswith(f"LookupEvents is not supported by {host}, which")
    assert health.coverage is None
    assert len(sync.asked(LOOKUP)) == requests


async def test_an_internal_error_of_aws_passes(sync: Simulation) -> None:
    errors = [web.Response(status=500, text="<html>") for _ in range(3)]
    sync.changes[LOOKUP] = lambda _, usual: errors.pop() if errors else usual
    watched = await sync.watch()
    assert watched.states("lookup")[-1] is HealthState.ENDED
    assert watched.matched_calls


async def test_an_emulator_that_fails_for_another_reason_is_not_called_unsupported(
    sync: Simulation,
) -> None:
    sync.faults.deny.add(LOOKUP)
    watched = await sync.watch(settings=sync.settings(simulated=False), tries=2)
    assert watched.states("lookup")[-1] is HealthState.REFUSED
    assert "AccessDenied" in watched.messages("lookup")[-1]


@pytest.mark.parametrize("is_aws", [False, True])
async def test_an_emulator_that_records_no_call_is_complete_up_to_no_time(
    sync: Simulation, *, is_aws: bool
) -> None:
    """AWS records every management event, so it is not asked whether it does."""
    sync.alone.add(LOOKUP)
    sync.changes[LOOKUP] = lambda *_: {"Events": []}
    watched = await sync.watch(settings=sync.settings(simulated=is_aws))
    health = watched.healths("lookup")[-1]
    unfiltered = [
        each for each in sync.asked(LOOKUP) if "LookupAttributes" not in each.parameters
    ]
    if is_aws:
        assert health.state is HealthState.ENDED
        assert unfiltered == []
    else:
        assert health.state is HealthState.UNRECORDED
        assert health.message.endswith("it has recorded no call at all.")
        assert health.coverage is None
        assert [each.parameters for each in unfiltered] == [{"MaxResults": 1}]


async def test_an_emulator_that_records_calls_is_read_to_the_end(
    sync: Simulation,
) -> None:
    watched = await sync.watch(settings=sync.settings(simulated=False))
    health = watched.healths("lookup")[-1]
    assert health.state is HealthState.ENDED
    assert health.endpoint == sync.url.removeprefix("http://")
    assert watched.matched_calls


async def test_the_lane_says_how_far_behind_cloudtrail_is(sync: Simulation) -> None:
    watched = await sync.watch()
    told = [health for health in watched.healths("lookup") if health.coverage]
    assert len(told) > 3
    lags = [health.lag for health in told if health.lag is not None]
    assert min(lags) > 45
    assert max(lags) < 900
    begin, live = HealthState.CONNECTING, HealthState.LIVE
    draining = [HealthState.DRAINING, HealthState.ENDED]
    assert watched.states("lookup") == [begin, live, *draining]


def made(count: int) -> MeasuredCoverage:
    """Make so many own calls, ten seconds apart."""
    coverage = MeasuredCoverage()
    for number in range(count):
        coverage.made(f"r-{number}", after(10 * number))
    return coverage


def test_a_missing_call_holds_it_back_for_a_quarter_of_an_hour() -> None:
    coverage = made(4)
    for key in ("r-0", "r-2", "r-3", "x"):
        coverage.delivered(key)
    assert coverage.complete_to(after(60)) == after(10)
    assert coverage.oldest_missing == after(10)
    assert coverage.complete_to(after(10 + 901)) == after(30)
    assert coverage.oldest_missing is None


@given(st.integers(1, 20), st.data())
def test_all_before_the_coverage_were_delivered(
    count: int, data: st.DataObject
) -> None:
    coverage, delivered, before = made(count), set[int](), EPOCH
    order = data.draw(st.permutations(range(count)))
    for number in order[: data.draw(st.integers(0, count))]:
        coverage.delivered(f"r-{number}")
        coverage.delivered(f"r-{number}")
        delivered.add(number)
        complete = coverage.complete_to(after(200))
        assert complete is not None
        assert all(n in delivered for n in range(count) if after(10 * n) < complete)
        assert before <= complete <= after(10 * max(delivered))
        before = complete
