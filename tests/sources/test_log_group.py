"""A trail's log group: what is asked of it, how far back, and until when."""

import json
from collections.abc import AsyncIterator, Collection
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.demo import wire
from sfnwatch.demo.trail import Delivered
from sfnwatch.sources import log_group
from sfnwatch.sources.allowed import Feature
from sfnwatch.sources.drive import Patience
from sfnwatch.sources.feed import run
from sfnwatch.sources.history import History
from sfnwatch.sources.log_group import LogGroup, trail_pattern
from sfnwatch.sources.subjects import Subjects
from sfnwatch.trace.arns import parse_execution_arn
from sfnwatch.trace.events import Batch, From, HealthState
from sfnwatch.trace.log_groups import LogGroupName, parse_log_group
from tests.builders import call
from tests.sources.logs import AwsError, Logs, matches
from tests.sources.simulation import EPOCH, REGION, Simulation, Watched

GROUP = "trail/logs"
ROLE = "$.userIdentity.sessionContext.sessionIssuer.userName"


@pytest.fixture(name="logs")
async def _logs(sync: Simulation) -> AsyncIterator[Logs]:
    async with Logs(sync.clock) as logs:
        logs.groups[GROUP] = []
        yield logs


def record_of(delivered: Delivered) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(delivered.envelope["CloudTrailEvent"])
    return record


def put(logs: Logs, trail: Collection[Delivered], *, stamped: str = "event") -> None:
    """Have a trail write to its log group, each record when LookupEvents has it."""
    for each in trail:
        at = each.event_time if stamped == "event" else each.delivered_at
        late = (each.delivered_at - at).total_seconds()
        logs.put(GROUP, record_of(each), at, late=late)


class Watch:
    """The account's history, and the calls from a log group alone."""

    def __init__(self, simulation: Simulation, logs: Logs) -> None:
        self.simulation, self.logs = simulation, logs
        self.subjects = Subjects(
            [parse_execution_arn(arn) for arn in simulation.account.executions.values()]
        )
        self.group: LogGroup | None = None

    async def __call__(
        self, name: LogGroupName | None = None, also: Any = None, **more: Any
    ) -> Watched:
        watched, clock = Watched(), self.simulation.clock

        def consume(batch: Batch) -> None:
            watched(batch)
            if also is not None:
                also(batch)

        settings = self.simulation.settings()
        async with (
            self.simulation.aws_class(settings) as account,
            self.logs.aws(Feature.LOG_GROUP) as aws,
        ):
            group = name or LogGroupName(GROUP)
            self.group = LogGroup(aws, self.subjects, clock, group, **more)
            histories = [History(account, one, clock) for one in self.subjects.each]
            await run([*histories, self.group], [consume])
        return watched


@pytest.fixture(name="watch")
def _watch(sync: Simulation, logs: Logs) -> Watch:
    return Watch(sync, logs)


def event_ids(watched: Watched) -> list[str]:
    return [r.data["eventID"] for r in watched.records if r.source == From.TRAIL]


@pytest.mark.parametrize("stamped", ["event", "delivery"])
async def test_the_calls_are_those_that_lookup_events_brings(
    sync: Simulation, logs: Logs, watch: Watch, stamped: str
) -> None:
    put(logs, sync.account.world.trail, stamped=stamped)
    watched = await watch()
    assert watched.tied() == [
        ("RunTask", "request-id"),
        *[("DescribeTasks", "resource-id")] * 5,
    ]
    assert watched.states("lookup") == [
        HealthState.CONNECTING,
        HealthState.LIVE,
        HealthState.DRAINING,
        HealthState.ENDED,
    ]
    assert {h.source for h in watched.healths("lookup")} == {"log-group"}
    assert watched.messages("lookup") == []
    assert len(event_ids(watched)) == len(set(event_ids(watched)))
    sync.clock.advance(3600)
    again = await sync.watch()
    assert {c.event_id for c in watched.calls} == {c.event_id for c in again.calls}


async def test_what_is_asked_for(sync: Simulation, logs: Logs, watch: Watch) -> None:
    put(logs, sync.account.world.trail)
    await watch()
    assert {each.region for each in logs.requests} == {REGION}
    first, *_, last = logs.asked()
    assert first.parameters["logGroupName"] == GROUP
    (role,) = watch.subjects.roles
    pattern = f'{{ ($.eventName = "InvokeHTTPEndpoint") || ({ROLE} = "{role}") }}'
    assert {each.parameters["filterPattern"] for each in logs.asked()} == {pattern}
    begin = sync.account.world.runs[0].started_at.timestamp() * 1000 - 5000
    assert {each.parameters["startTime"] >= int(begin) for each in logs.asked()} == {
        True
    }
    assert last.parameters["startTime"] == int(begin)
    assert not any("endTime" in each.parameters for each in logs.asked())


async def test_a_group_s_arn_says_where_it_is(logs: Logs, watch: Watch) -> None:
    arn = f"arn:aws:logs:us-west-2:999999999999:log-group:{GROUP}"
    logs.groups[arn] = []
    await watch(parse_log_group(f"{arn}:*"), drain=0)
    assert {each.region for each in logs.requests} == {"us-west-2"}
    assert logs.asked()[0].parameters["logGroupIdentifier"] == arn


async def test_an_execution_long_over_is_read_once_from_its_start(
    sync: Simulation, logs: Logs, watch: Watch
) -> None:
    put(logs, sync.account.world.trail)
    sync.clock.advance(5 * 3600)
    watched = await watch()
    assert len(watched.tied()) == 6
    begin = sync.account.world.runs[0].started_at - timedelta(seconds=5)
    assert [each.parameters["startTime"] for each in logs.asked()] == [
        int(begin.timestamp() * 1000)
    ]


async def test_each_cycle_reads_a_while_back_and_some_read_far_back(
    sync: Simulation, logs: Logs, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_group, "_OVERLAP", timedelta(seconds=30))
    monkeypatch.setattr(log_group, "_FAR", timedelta(seconds=120))
    put(logs, sync.account.world.trail)
    await watch()
    begin = EPOCH.timestamp() - 5
    back = [
        round(each.at.timestamp() - each.parameters["startTime"] / 1000)
        for each in logs.asked()
        if each.at.timestamp() - begin > 125
    ]
    assert set(back) == {30, 120}
    assert back[-1] == 120
    assert back.count(30) >= 4 * back.count(120)


async def test_a_straggler_is_found(sync: Simulation, logs: Logs, watch: Watch) -> None:
    (run,) = sync.account.world.runs
    (run_task,) = [
        each
        for each in sync.account.world.trail
        if record_of(each)["requestID"] == run.calls[0].request_id
    ]
    late = (sync.stopped_at - run_task.event_time).total_seconds() + 14 * 60
    logs.put(GROUP, record_of(run_task), run_task.event_time, late=late)
    watched = await watch()
    assert [c.event_name for c in watched.calls] == ["RunTask"]
    (call,) = watched.calls
    assert call.seen_at
    assert call.seen_at > run_task.event_time + timedelta(minutes=15)


async def test_pages_are_read_to_the_end_and_nothing_comes_twice(
    sync: Simulation, logs: Logs, watch: Watch
) -> None:
    logs.page, logs.empty_pages = 2, 1
    put(logs, sync.account.world.trail)
    watched = await watch()
    assert len(watched.tied()) == 6
    assert len(event_ids(watched)) == len(set(event_ids(watched)))
    times = [each.at for each in logs.asked()]
    assert len(times) <= (times[-1] - times[0]).total_seconds() + 3


async def test_a_role_that_becomes_known_later_is_looked_for_from_the_start(
    sync: Simulation, logs: Logs, watch: Watch
) -> None:
    # Made with the role, but not by Step Functions: only by its role is it known.
    other = call("GetObject", 1, key="late", role="arn:aws:iam::1:role/other")
    record = json.loads(other.data["CloudTrailEvent"])
    del record["userIdentity"]["invokedBy"]
    record["sourceIPAddress"] = "198.51.100.7"
    record["userIdentity"]["sessionContext"]["sessionIssuer"]["userName"] = "other"
    logs.put(GROUP, record, EPOCH + timedelta(seconds=2), late=1)
    subject = watch.subjects.each[0]
    sync.clock.when(200, lambda: subject.roles.add("other"))
    watched = await watch()
    assert "late" in event_ids(watched)
    (received,) = [r for r in watched.records if r.data.get("eventID") == "late"]
    assert received.at
    assert received.at > EPOCH + timedelta(seconds=200)
    patterns = [each.parameters["filterPattern"] for each in logs.asked()]
    assert len(set(patterns)) == 2


async def test_own_calls_are_not_asked_for(
    sync: Simulation, logs: Logs, watch: Watch
) -> None:
    put(logs, sync.account.world.trail)
    own = call(
        "LookupEvents",
        1,
        key="own",
        invoked_by=None,
        user_agent="aiobotocore sfnwatch/1",
        role="arn:aws:iam::1:role/somebody",
    )
    logs.put(GROUP, json.loads(own.data["CloudTrailEvent"]), EPOCH)
    watched = await watch()
    assert "own" not in event_ids(watched)
    assert watched.trace.own_calls == frozenset()


async def test_a_group_that_is_no_trail_s_is_asked_about(
    logs: Logs, watch: Watch
) -> None:
    logs.put(GROUP, "hello", EPOCH)
    watched = await watch(drain=0)
    (message,) = watched.messages("lookup")
    assert message.startswith(f"{GROUP} ({REGION}) has no call by Step Functions")
    assert message.endswith("Is it the log group of a trail?")
    assert watched.states("lookup")[-1] is HealthState.ENDED


async def test_without_an_execution_to_speak_of_nothing_is_asked_about(
    sync: Simulation, logs: Logs, watch: Watch
) -> None:
    def unknown(*_: Any) -> Any:
        raise wire.AwsError("ExecutionDoesNotExist", "Execution Does Not Exist")

    sync.operation("DescribeExecution", unknown)
    watched = await watch(drain=0)
    assert watched.states("history")[-1] is HealthState.REFUSED
    assert watched.states("lookup")[-1] is HealthState.ENDED
    assert watched.messages("lookup") == []


async def test_what_is_cut_is_told_and_kept(
    sync: Simulation, logs: Logs, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As of an endpoint that knows no patterns: the service lets no such thing by.
    monkeypatch.setattr("tests.sources.logs.matches", lambda *_: True)
    put(logs, sync.account.world.trail)
    whole = json.dumps(record_of(sync.account.world.trail[0]))
    logs.put(GROUP, whole[:-40], EPOCH + timedelta(seconds=1))
    logs.put(GROUP, "[1, 2]", EPOCH + timedelta(seconds=1))
    logs.put(GROUP, '{"level": "info"', EPOCH + timedelta(seconds=1))
    watched = await watch()
    unread = [r.data for r in watched.records if r.source == From.UNREAD]
    assert [event["message"] for event in unread] == [whole[:-40]]
    assert {*watched.messages("lookup")} == {
        "1 record is cut in the log group, and can't be read."
    }
    assert len(watched.tied()) == 6


async def test_the_drain_can_be_ended(sync: Simulation, logs: Logs) -> None:
    put(logs, sync.account.world.trail)
    watch = Watch(sync, logs)

    def end(_: Batch) -> None:
        if sync.clock.now() > sync.stopped_at + timedelta(seconds=30) and watch.group:
            watch.group.end_drain()

    await watch(also=end)
    assert sync.clock.now() < sync.stopped_at + timedelta(seconds=60)


# -- trouble -------------------------------------------------------------------------


async def test_a_group_that_is_not_there_is_named(logs: Logs, watch: Watch) -> None:
    watched = await watch(LogGroupName("nowhere"))
    assert watched.states("lookup")[-1] is HealthState.REFUSED
    assert watched.messages("lookup")[-1] == (
        "FilterLogEvents on nowhere: ResourceNotFoundException. The specified log group"
        " does not exist. Check the log group's name and its Region."
    )
    assert watched.status == "SUCCEEDED"
    assert len(logs.requests) == 1


async def test_without_permission_it_is_told_and_ends_with_the_states(
    sync: Simulation, logs: Logs, watch: Watch
) -> None:
    def fail(_: Any) -> None:
        raise AwsError("AccessDeniedException", "Not you.")

    logs.fail = fail
    watched = await watch()
    assert watched.states("lookup")[1:] == [HealthState.DENIED, HealthState.REFUSED]
    message = watched.messages("lookup")[-1]
    assert "Allow logs:FilterLogEvents (see sfnwatch iam-policy --with log" in message
    # The end of the states ends the wait for a permission.
    assert sync.clock.now() < sync.stopped_at + timedelta(seconds=10)


async def test_throttling_is_waited_out(
    sync: Simulation, logs: Logs, watch: Watch
) -> None:
    put(logs, sync.account.world.trail)
    refused: list[Any] = []

    def fail(asked: Any) -> None:
        if len(refused) < 5:
            refused.append(asked)
            raise AwsError("ThrottlingException", "Rate exceeded")

    logs.fail = fail
    watched = await watch()
    assert HealthState.THROTTLED in watched.states("lookup")
    assert len(watched.tied()) == 6
    assert watched.states("lookup")[-1] is HealthState.ENDED


async def test_what_never_answers_ends_after_the_drain(
    sync: Simulation, logs: Logs, watch: Watch
) -> None:
    def fail(_: Any) -> None:
        raise AwsError("ServiceUnavailableException", "Later.", 503)

    logs.fail = fail
    watched = await watch(drain=60, patience=Patience(3))
    assert watched.states("lookup")[-1] is HealthState.REFUSED
    assert watched.status == "SUCCEEDED"


async def test_what_answers_no_more_ends_after_the_drain(
    sync: Simulation, logs: Logs, watch: Watch
) -> None:
    put(logs, sync.account.world.trail)

    def fail(asked: Any) -> None:
        if asked.at > EPOCH + timedelta(seconds=250):
            raise AwsError("ServiceUnavailableException", "Later.", 503)

    logs.fail = fail
    watched = await watch(drain=60)
    assert watched.states("lookup")[-1] is HealthState.REFUSED
    assert watched.tied()
    end = sync.stopped_at + timedelta(seconds=60)
    assert end < sync.clock.now() < end + timedelta(minutes=5)


# -- the pattern -----------------------------------------------------------------------


def record(role: str | None, invoked_by: str | None, name: str = "RunTask") -> str:
    record = json.loads(call(name, 1, key="a").data["CloudTrailEvent"])
    issuer = record["userIdentity"]["sessionContext"]["sessionIssuer"]
    issuer["userName"] = role
    record["userIdentity"]["invokedBy"] = record["sourceIPAddress"] = invoked_by
    return json.dumps(record)


@pytest.mark.parametrize("by", ["states.amazonaws.com", "states.amazonaws.com.cn"])
def test_while_no_role_is_known_all_that_step_functions_calls_is_found(by: str) -> None:
    pattern = trail_pattern(())
    assert matches(pattern, record("any", by))
    assert not matches(pattern, record("any", "ecs.amazonaws.com"))
    assert not matches(pattern, record("any", None))


def test_with_a_role_only_its_calls_are_found_whoever_made_them() -> None:
    pattern = trail_pattern({"mine", "other"})
    for invoked_by in ("states.amazonaws.com", None):
        assert matches(pattern, record("mine", invoked_by))
        assert matches(pattern, record("other", invoked_by))
        assert not matches(pattern, record("theirs", invoked_by))
    # An HTTP task's record names no role.
    by = "states.amazonaws.com"
    assert matches(pattern, record(None, by, "InvokeHTTPEndpoint"))


@given(st.sets(st.text(min_size=1, max_size=80), max_size=40))
def test_the_pattern_is_never_too_long_nor_broken(roles: set[str]) -> None:
    pattern = trail_pattern(roles)
    assert len(pattern) <= 1024
    assert not matches(pattern, "{}")
    names = pattern.split(f"({ROLE} = ")[1:]
    assert {name.split('"')[1] for name in names} <= roles


def test_with_more_roles_than_fit_all_that_step_functions_calls_is_found() -> None:
    roles = {f"role-{number:02}" for number in range(40)}
    assert trail_pattern(roles) == trail_pattern(())
    few = trail_pattern({"one", 'x" || $.a = "', "two"})
    assert few.count(ROLE) == 2
