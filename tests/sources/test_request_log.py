"""What the tool itself sends, noted: all of it, and nothing that is secret."""

import asyncio
from collections import Counter
from contextlib import suppress

import pytest

from sfnwatch.model.records import RecordKind
from sfnwatch.model.values import seconds_between
from sfnwatch.sources.answers import AwsRequest, Failure
from sfnwatch.sources.permissions import operations
from sfnwatch.sources.polling import RequestLog
from sfnwatch.sources.targets import ChildOptions
from tests.builders import REGION
from tests.sources.clocks import ManualClock
from tests.sources.conftest import Simulate
from tests.sources.loopback import client_at, host
from tests.sources.simulation import Simulation, Watched

FIELDS = ["operation", "service", "region", "sent_at", "seconds", "outcome", "status"]
FIELDS += ["request_id", "items", "note"]
LOOKUP = AwsRequest("cloudtrail:LookupEvents", "it", REGION, dict, {})
CANARY = ("AKIACANARYCANARYCANA", "canary/secret+canary/secret")


def assert_all_told(watched: Watched, simulation: Simulation) -> None:
    """As many are told as reached the account."""
    requests = watched.trace.requests
    assert len(watched.of(RecordKind.REQUEST)) == len(requests)
    assert len(requests) == len(simulation.requests)
    reached = Counter((r.operation, r.asked.region) for r in simulation.requests)
    assert Counter((r.operation, r.region) for r in requests) == reached


async def test_every_request_is_told_and_what_it_was_for_and_nothing_that_is_secret(
    sync: Simulation,
) -> None:
    canary = sync.settings(access_key_id=CANARY[0], secret_access_key=CANARY[1])
    watched = await sync.watch(settings=canary)
    assert_all_told(watched, sync)
    told = watched.of(RecordKind.REQUEST)
    assert all(list(each.record) == FIELDS for each in told)
    text = b"".join(each.data for each in told).decode()
    for secret in (*CANARY, "executionArn", "arn:aws", "nextToken", "127.0.0.1"):
        assert secret not in text
    requests = watched.trace.requests
    assert {(r.service, r.operation) for r in requests} == operations()
    assert all("sfnwatch/" in r.asked.user_agent for r in sync.requests)
    assert all(r.ok and r.status == 200 and r.request_id for r in requests)
    lanes = ("history", "lookup", "others")
    counted = sum(watched.healths(lane)[-1].requests for lane in lanes)
    assert counted == len(requests)
    reading = {"first reading", "newest events", "one more look after the end"}
    measured = "how late CloudTrail is, by sfnwatch's own calls"
    others = {"running executions", "newest executions"}
    more = {"the outcome", "calls to ecs", measured, *others}
    assert {r.note for r in requests} >= reading | more
    of = {r.operation: r for r in requests}
    assert of["GetExecutionHistory"].items == 8
    assert of["DescribeExecution"].items is None
    sent = {r.request_id: r.sent_at for r in requests}
    waits = [
        seconds_between(sent[each.record["request_id"]], each.at)
        for each in told
        if each.at
    ]
    assert max(waits) <= 11


@pytest.mark.parametrize(
    ("scenario", "seconds"),
    [("sync", 0.5), ("sync", 200), ("sync", 330), ("distributed", 21)],
)
async def test_of_a_watch_that_is_interrupted_all_are_told_too(
    simulate: Simulate, scenario: str, seconds: float
) -> None:
    simulation, watched = await simulate(scenario), Watched()
    live = simulation.live(children=ChildOptions())
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(live.watch(watched))
        await simulation.clock.sleep(seconds)
        watching.cancel()
    assert simulation.requests
    assert_all_told(watched, simulation)


# -- what goes wrong -------------------------------------------------------------------


async def test_those_that_failed_and_their_repetitions_are_told(
    sync: Simulation,
) -> None:
    sync.clock.when(100, lambda: setattr(sync.faults, "throttle_next", 8))
    watched = await sync.watch()
    assert_all_told(watched, sync)
    requests = watched.trace.requests
    failed = [(r.outcome, r.status) for r in requests if not r.ok]
    assert failed == [("ThrottlingException", 400)] * 8
    # So many that not all of them are LookupEvents, which botocore asks but once.
    assert any(r.note.endswith("try 2") for r in requests)


def test_of_a_request_nothing_was_heard_of_that_is_told() -> None:
    clock = ManualClock()
    log = RequestLog(clock)
    with log.asking() as call:
        call.sent("states", "DescribeExecution", REGION)
        clock.advance(2)
        call.sent("states", "DescribeExecution", REGION)
        clock.advance(1.25)
        call.answered("ok", 200, "abc")
        clock.advance(9)
    with suppress(asyncio.CancelledError), log.asking("newest events") as call:
        call.sent("states", "GetExecutionHistory", REGION)
        raise asyncio.CancelledError
    told = [received.record for received in log.take()]
    assert [(r["outcome"], r["note"], r["seconds"]) for r in told] == [
        ("unknown", "", 2),
        ("ok", "try 2", 1.25),
        ("CancelledError", "newest events", 0),
    ]
    assert log.take() == ()


# -- nothing that is secret ------------------------------------------------------------


async def test_what_is_asked_for_credentials_is_told_apart(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Botocore asks by itself, with clients that are none of ours."""
    log = RequestLog(ManualClock())
    async with host() as sts, host() as states:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/canary")
        monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", f"{tmp_path}/token")
        with open(f"{tmp_path}/token", "w") as file:  # noqa: ASYNC230, PTH123
            file.write("canary")
        keys = {"access_key_id": None, "secret_access_key": None}
        async with client_at(states.url, **keys) as aws:
            # This server speaks no XML.
            with pytest.raises(Failure), log.asking("x"):
                await aws.call(LOOKUP)
    (told,) = log.take()
    record = told.record
    assert (record["service"], record["operation"], record["note"]) == (
        *("sts", "AssumeRoleWithWebIdentity"),
        "for the credentials",
    )
    assert "canary" not in told.data.decode()
