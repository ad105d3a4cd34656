"""Express executions: found in their log, read to their end, and what is said."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from sfnwatch.model.arns import parse_execution_arn
from sfnwatch.model.records import HealthState, Received, RecordKind
from sfnwatch.sources.express import Express
from sfnwatch.sources.log_group import LOG_RATES
from sfnwatch.sources.polling import RateLimitedAws, WatchContext
from sfnwatch.sources.targets import CallOptions, Targets
from tests.builders import (
    ACCOUNT,
    EXPRESS_ARN,
    MACHINE_ARN,
    REGION,
    ROLE,
    History,
    logged,
)
from tests.sources.clocks import EPOCH, SteppedClock
from tests.sources.logs import Logs
from tests.sources.loopback import Refusal, served
from tests.sources.simulation import Watched

GROUP = "/aws/vendedlogs/states/nightly-report-Logs"
GROUP_ARN = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{GROUP}"
PUT = {"resourceType": "dynamodb", "resource": "putItem"}
OTHER = f"{EXPRESS_ARN.rpartition(':')[0]}:00000000-0000-4000-8000-000000000000"
ALL = [*"1234567"]
LEVEL = (
    "Its log level is ERROR: only failures are logged, so that states which"
    " succeed are missing here, and so is the start."
)


def history(**end: Any) -> list[Received]:
    """Ten seconds, begun about when the clock's epoch is."""
    run = History(begin=0.2).start().task("Put", PUT, lasts=8, **end)
    if "error" in end:
        return run.end("Failed", error=end["error"]).records
    return run.end().records


def machine(
    *, level: str = "ALL", with_data: bool = True, group_arn: str | None = GROUP_ARN
) -> dict[str, Any]:
    """Write DescribeStateMachine's answer."""
    logs = {"cloudWatchLogsLogGroup": {"logGroupArn": f"{group_arn}:*"}}
    resource = "arn:aws:states:::ecs:runTask"
    states = {"Put": {"Type": "Task", "Resource": resource}}
    return {
        "stateMachineArn": MACHINE_ARN,
        "definition": json.dumps({"StartAt": "Put", "States": states}),
        "roleArn": ROLE,
        "type": "EXPRESS",
        "loggingConfiguration": {
            "level": level,
            "includeExecutionData": with_data,
            "destinations": [logs] if group_arn else [],
        },
    }


@pytest.fixture(name="logs")
async def _logs() -> AsyncIterator[Logs]:
    logs = Logs(SteppedClock(), {GROUP: []}, machine())
    async with served(logs.take) as logs.url:
        yield logs


def put(
    logs: Logs,
    records: Sequence[Received],
    *,
    arn: str = EXPRESS_ARN,
    late: float = 0.5,
    group: str = GROUP,
    shift: float = 0,
) -> None:
    for record in records:
        message = dict(logged(record, arn).record)
        assert record.at is not None
        at = record.at + timedelta(seconds=shift - 1)
        message["event_timestamp"] = str(round(at.timestamp() * 1000))
        logs.put(group, message, at, late)


async def watch(logs: Logs, **options: Any) -> tuple[Watched, Targets]:
    watched, targets = Watched(), Targets([parse_execution_arn(EXPRESS_ARN)])
    context, (target,) = WatchContext(targets, logs.clock), targets.each
    async with logs.client() as client:
        aws = RateLimitedAws(client, logs.clock, LOG_RATES)
        await Express(aws, context, target, CallOptions(**options)).run(watched)
    return watched, targets


def ids(watched: Watched) -> list[str]:
    return watched.told(RecordKind.EXPRESS, "id")


def seconds(logs: Logs) -> float:
    return (logs.clock.now() - EPOCH).total_seconds()


# -- reading -------------------------------------------------------------------------


async def test_an_execution_is_followed_to_its_end(logs: Logs) -> None:
    put(logs, history())
    watched, targets = await watch(logs)
    assert sorted(ids(watched)) == ALL
    assert watched.status == "SUCCEEDED"
    begin, live = HealthState.CONNECTING, HealthState.LIVE
    assert watched.states("history") == [begin, live, HealthState.ENDED]
    assert watched.messages("history") == []
    assert {h.source for h in watched.healths("history")} == {"express"}
    assert seconds(logs) < 20
    came = {received.at for received in watched.of(RecordKind.EXPRESS)}
    assert len(came) >= 2, "events are handed over as they come"
    (target,) = targets.each
    assert (target.ready, target.finished) == (True, True)
    assert target.roles == {ROLE.rpartition("/")[2]}
    assert targets.lookup_queries == ((REGION, "ecs.amazonaws.com"),)
    assert target.stopped_at
    requests = watched.trace.requests
    assert len(requests) == len(logs.asked)
    assert sum(r.items or 0 for r in requests) >= 7


async def test_what_is_asked_for_and_how_often(logs: Logs) -> None:
    logs.page = 1
    put(logs, history())
    await watch(logs)
    assert logs.of("DescribeStateMachine") == [{"stateMachineArn": MACHINE_ARN}]
    first, *_, last = asked = logs.of()
    pattern = f'{{ $.execution_arn = "{EXPRESS_ARN}" }}'
    assert {each["filterPattern"] for each in asked} == {pattern}
    assert {each["logGroupName"] for each in asked} == {GROUP}
    epoch = EPOCH.timestamp() * 1000
    assert first["startTime"] == pytest.approx(epoch - 15 * 60_000, abs=1)
    assert "endTime" not in first
    # Once it is found, no more is read than it can have lasted.
    assert last["startTime"] > epoch - 70_000
    assert last["endTime"] < epoch + 7 * 60_000
    times = [at for each, at in logs.asked if each.operation == "FilterLogEvents"]
    assert len(times) <= (times[-1] - times[0]).total_seconds() + 3


@pytest.mark.parametrize("hours", [0.2, 3, 20])
async def test_one_that_is_long_over_is_looked_for_backwards(
    logs: Logs, hours: float
) -> None:
    put(logs, history(), shift=-3600 * hours)
    watched, _ = await watch(logs)
    assert (ids(watched), watched.status) == (ALL, "SUCCEEDED")
    assert seconds(logs) < 30


async def test_one_that_is_nowhere_is_given_up(logs: Logs) -> None:
    put(logs, history(), arn=OTHER)
    logs.put(GROUP, "Permissions are set correctly.", EPOCH)
    watched, targets = await watch(logs, look_back=3600.0)
    assert ids(watched) == []
    waiting, message = watched.messages("history")
    assert waiting == "Nothing of this execution is in the log yet."
    assert message.startswith("Nothing of this execution is in the log of the 1 hours")
    assert "may be older, or have been logged elsewhere" in message
    assert 540 < seconds(logs) < 660
    assert (targets.finished, targets.stopped_at) == (True, None)
    since = min(each["startTime"] for each in logs.of())
    assert since == pytest.approx(EPOCH.timestamp() * 1000 - 3600_000, abs=1)


async def test_holes_are_told(logs: Logs) -> None:
    run = history()
    put(logs, [run[0], run[2], *run[5:]])
    watched, _ = await watch(logs)
    assert watched.status == "SUCCEEDED"
    assert watched.messages("history") == [
        "The log lacks 3 events (2, 4, 5); delivery to it is best effort."
    ]
    assert seconds(logs) < 60


async def test_an_end_that_is_not_logged_is_not_awaited_for_ever(logs: Logs) -> None:
    put(logs, history()[:6])
    watched, targets = await watch(logs)
    assert watched.status == "RUNNING"
    assert watched.messages("history") == [
        "No end of it was logged; delivery to a log is best effort."
    ]
    assert 540 < seconds(logs) < 660
    assert targets.stopped_at, "so that the calls it made are awaited"


# -- what is logged ------------------------------------------------------------------

LOGS_NOTHING: Mapping[str, dict[str, Any]] = {
    "off": machine(level="OFF", group_arn=None),
    "off by now": machine(level="OFF"),
    "never on": {**machine(), "loggingConfiguration": None},
    "nowhere": machine(group_arn=None),
    "odd": machine(group_arn="a b"),
}


@pytest.mark.parametrize("answer", LOGS_NOTHING.values(), ids=LOGS_NOTHING.keys())
async def test_what_logs_nothing_is_refused_with_what_to_do(
    logs: Logs, answer: dict[str, Any]
) -> None:
    logs.machine = answer
    watched, targets = await watch(logs)
    assert watched.states("history")[-1] is HealthState.REFUSED
    (message,) = watched.messages("history")
    assert message.startswith(f"{MACHINE_ARN} logs nothing, and AWS keeps no other")
    assert "aws stepfunctions update-state-machine" in message
    assert logs.of() == []
    assert targets.finished


async def test_of_failures_alone_it_is_said_that_they_are_all(logs: Logs) -> None:
    logs.machine = machine(level="ERROR")
    put(logs, history(error="Broken")[-2:])
    watched, targets = await watch(logs)
    assert len(ids(watched)) == 2
    assert watched.status == "FAILED"
    assert watched.messages("history")[-1] == LEVEL, "that ids are missing is no loss"
    assert targets.stopped_at


@pytest.mark.parametrize(
    "name",
    ["mine", f"arn:aws:logs:{REGION}:111111111111:log-group:mine"],
)
async def test_a_log_group_that_is_given_is_read_instead(logs: Logs, name: str) -> None:
    logs.machine = Refusal("AccessDeniedException", "no permission")
    # That of another account is known by its ARN.
    put(logs, history(), group=name)
    watched, _ = await watch(logs, express_log_group=name)
    assert watched.status == "SUCCEEDED"
    assert "no permission" in watched.messages("history")[-1]


# -- trouble -------------------------------------------------------------------------


async def test_what_is_cut_or_cannot_be_read_is_kept_as_such(logs: Logs) -> None:
    run = history()
    put(logs, run)
    odd = {**logged(run[2]).record, "event_timestamp": "soon"}
    logs.put(GROUP, odd, EPOCH)
    watched, _ = await watch(logs)
    assert [r.record for r in watched.of(RecordKind.UNREAD)] == [odd]
    assert watched.status == "SUCCEEDED"
