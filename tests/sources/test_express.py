"""Express executions: found in their log, read to their end, and what is said."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from sfnwatch.sources.allowed import Feature
from sfnwatch.sources.drive import Patience
from sfnwatch.sources.express import Express
from sfnwatch.sources.express_logging import holes
from sfnwatch.sources.feed import run
from sfnwatch.sources.log_events import log_bucket
from sfnwatch.sources.log_group import LogGroup
from sfnwatch.sources.subjects import Subjects
from sfnwatch.trace.arns import parse_execution_arn
from sfnwatch.trace.events import From, HealthState, Received
from sfnwatch.trace.log_groups import LogGroupName, parse_log_group
from sfnwatch.trace.times import parse_time
from tests.builders import ROLE, call, event
from tests.express import (
    EXPRESS,
    EXPRESS_ARN,
    GROUP,
    GROUP_ARN,
    MACHINE_ARN,
    express_log,
    machine,
)
from tests.sources.logs import AwsError, Logs
from tests.sources.simulation import EPOCH, REGION, SteppedClock, Watched

TASK: dict[str, Any] = {"resourceType": "dynamodb", "resource": "putItem"}
OTHER = f"{EXPRESS}:00000000-0000-4000-8000-000000000000"


def history() -> list[Received]:
    """Ten seconds, begun 50 ms after the clock's epoch."""
    begin = 0.2
    return [
        event(1, "ExecutionStarted", begin, input="{}", roleArn=ROLE),
        event(2, "TaskStateEntered", begin + 0.1, name="Put", input="{}"),
        event(3, "TaskScheduled", begin + 0.1, parameters="{}", region=REGION, **TASK),
        event(4, "TaskStarted", begin + 0.2, **TASK),
        event(5, "TaskSucceeded", begin + 8, output='{"RequestId": "x"}', **TASK),
        event(6, "TaskStateExited", begin + 8.1, name="Put", output="{}"),
        event(7, "ExecutionSucceeded", begin + 10, output="{}"),
    ]


@pytest.fixture(name="logs")
async def _logs() -> AsyncIterator[Logs]:
    async with Logs(SteppedClock(), machine=machine()) as logs:
        logs.groups[GROUP] = []
        yield logs


def put(
    logs: Logs,
    records: list[Received],
    *,
    late: float = 0.5,
    group: str = GROUP,
    shift: float = 0,
) -> None:
    for record in records:
        message = dict(record.data)
        at = parse_time(message["event_timestamp"]) + timedelta(seconds=shift)
        message["event_timestamp"] = str(round(at.timestamp() * 1000))
        logs.put(group, message, at, late=late)


async def watch(
    logs: Logs, arn: str = EXPRESS_ARN, **more: Any
) -> tuple[Watched, Subjects]:
    watched, subjects = Watched(), Subjects([parse_execution_arn(arn)])
    async with logs.aws(Feature.EXPRESS) as aws:
        source = Express(aws, subjects.each[0], logs.clock, **more)
        await run([source], [watched])
    return watched, subjects


def ids(watched: Watched) -> list[str]:
    return [r.data["id"] for r in watched.records if r.source == From.EXPRESS]


async def test_an_execution_is_followed_to_its_end(logs: Logs) -> None:
    put(logs, express_log(history()))
    watched, subjects = await watch(logs)
    assert ids(watched) == [*"1234567"]
    assert watched.status == "SUCCEEDED"
    (visit,) = watched.visits
    assert (visit.name, visit.status) == ("Put", "succeeded")
    assert [a.status for a in visit.attempts] == ["succeeded"]
    assert watched.states("history") == [
        HealthState.CONNECTING,
        HealthState.LIVE,
        HealthState.ENDED,
    ]
    assert watched.messages("history") == []
    assert {h.source for h in watched.healths("history")} == {"express"}
    assert logs.clock.now() - EPOCH < timedelta(seconds=20)
    # What the look-up needs to know.
    (subject,) = subjects.each
    assert subjects.ready
    assert subject.over
    assert subject.roles == {"StepFunctions-sync-role"}
    assert subject.started_at == parse_time(history()[0].data["timestamp"])
    assert subject.stopped_at == parse_time(history()[-1].data["timestamp"])


async def test_events_are_handed_over_as_they_come(logs: Logs) -> None:
    put(logs, express_log(history()))
    watched, _ = await watch(logs)
    lags = [
        (r.at - parse_time(r.data["event_timestamp"])).total_seconds()
        for r in watched.records
        if r.source == From.EXPRESS and r.at
    ]
    assert max(lags) < 6
    assert len({r.at for r in watched.records if r.source == From.EXPRESS}) > 2


async def test_what_is_asked_for(logs: Logs) -> None:
    put(logs, express_log(history()))
    await watch(logs)
    (described,) = logs.asked("DescribeStateMachine")
    assert described.parameters == {"stateMachineArn": MACHINE_ARN}
    first, *_, last = logs.asked()
    assert {each.region for each in logs.requests} == {REGION}
    pattern = f'{{ $.execution_arn = "{EXPRESS_ARN}" }}'
    assert {each.parameters["filterPattern"] for each in logs.asked()} == {pattern}
    assert {each.parameters["logGroupName"] for each in logs.asked()} == {GROUP}
    epoch = EPOCH.timestamp() * 1000
    assert first.parameters["startTime"] == epoch - 15 * 60_000
    assert "endTime" not in first.parameters
    # Once it is found, no more is read than it can have lasted.
    assert last.parameters["startTime"] > epoch - 60_000
    assert last.parameters["endTime"] < epoch + 7 * 60_000


async def test_a_request_a_second_at_most(logs: Logs) -> None:
    logs.page = 1
    put(logs, express_log(history()))
    await watch(logs)
    times = [each.at for each in logs.asked()]
    assert len(times) <= (times[-1] - times[0]).total_seconds() + 3


@pytest.mark.parametrize("page", [1, 2, 3])
async def test_pages_are_read_to_the_end(logs: Logs, page: int) -> None:
    logs.page, logs.empty_pages = page, 2
    put(logs, express_log(history()))
    watched, _ = await watch(logs)
    assert sorted(ids(watched)) == [*"1234567"]
    assert watched.status == "SUCCEEDED"


@pytest.mark.parametrize("hours", [0.2, 0.5, 3, 20])
async def test_one_that_is_long_over_is_looked_for_backwards(
    logs: Logs, hours: float
) -> None:
    put(logs, express_log(history()), shift=-3600 * hours)
    watched, subjects = await watch(logs)
    assert ids(watched) == [*"1234567"]
    assert watched.status == "SUCCEEDED"
    assert watched.states("history")[-1] is HealthState.ENDED
    assert logs.clock.now() - EPOCH < timedelta(seconds=30)
    assert subjects.stopped_at


async def test_one_that_begins_while_it_is_looked_for_is_found_at_once(
    logs: Logs,
) -> None:
    logs.empty_pages = 40
    logs.page = 3
    put(logs, express_log(history()), shift=3)
    watched, _ = await watch(logs)
    assert ids(watched) == [*"1234567"]


async def test_one_that_is_nowhere_is_given_up(logs: Logs) -> None:
    put(logs, express_log(history(), OTHER))
    watched, subjects = await watch(logs, look_back=3600.0)
    assert ids(watched) == []
    assert watched.states("history")[-1] is HealthState.ENDED
    waiting, message = watched.messages("history")
    assert waiting == "Nothing of this execution is in the log yet."
    assert message.startswith("Nothing of this execution is in the log of the 1 hours")
    assert "may be older, or have been logged elsewhere" in message
    assert timedelta(minutes=9) < logs.clock.now() - EPOCH < timedelta(minutes=11)
    assert subjects.over
    assert subjects.stopped_at is None
    since = min(each.parameters["startTime"] for each in logs.asked())
    assert since == EPOCH.timestamp() * 1000 - 3600_000


async def test_what_others_log_is_not_taken(logs: Logs) -> None:
    logs.put(GROUP, "Permissions are set correctly.", EPOCH)
    put(logs, express_log(history(), OTHER))
    put(logs, express_log(history()))
    watched, _ = await watch(logs)
    assert ids(watched) == [*"1234567"]
    assert watched.trace.timelines.keys() == {EXPRESS_ARN}


async def test_events_that_come_late_are_awaited(logs: Logs) -> None:
    log = express_log(history())
    put(logs, [*log[:3], *log[4:]])
    put(logs, log[3:4], late=20)
    watched, _ = await watch(logs)
    assert ids(watched)[-1] == "4"
    assert sorted(ids(watched)) == [*"1234567"]
    assert watched.messages("history") == []


async def test_holes_are_told(logs: Logs) -> None:
    log = express_log(history())
    put(logs, [log[0], log[2], *log[5:]])
    watched, _ = await watch(logs)
    assert watched.status == "SUCCEEDED"
    (message,) = watched.messages("history")
    assert message == (
        "The log lacks 3 events (2, 4–5); delivery to it is best effort."
    )
    assert logs.clock.now() - EPOCH < timedelta(seconds=60)


async def test_what_is_missing_of_one_long_over_is_not_awaited(logs: Logs) -> None:
    put(logs, express_log(history())[3:], shift=-3600)
    watched, _ = await watch(logs)
    assert watched.messages("history")[0].startswith("The log lacks 3 events (1–3);")
    assert logs.clock.now() - EPOCH < timedelta(seconds=10)


async def test_an_end_that_is_not_logged_is_not_awaited_for_ever(logs: Logs) -> None:
    put(logs, express_log(history())[:6])
    watched, subjects = await watch(logs)
    assert watched.status == "RUNNING"
    assert watched.states("history")[-1] is HealthState.ENDED
    assert watched.messages("history") == [
        "No end of it was logged; delivery to a log is best effort."
    ]
    assert timedelta(minutes=9) < logs.clock.now() - EPOCH < timedelta(minutes=11)
    # So that the calls it made are awaited, and not for ever.
    assert subjects.stopped_at == parse_time(history()[5].data["timestamp"])


# -- what is logged ------------------------------------------------------------------


NEVER = {**machine(level="OFF", group_arn=None)}
del NEVER["loggingConfiguration"]
LOGS_NOTHING = {
    "off": machine(level="OFF", group_arn=None),
    "off by now": machine(level="OFF"),
    "never on": NEVER,
    "nowhere": machine(group_arn=None),
    "odd": machine(group_arn="a b"),
}


@pytest.mark.parametrize("answer", LOGS_NOTHING.values(), ids=LOGS_NOTHING.keys())
async def test_what_logs_nothing_is_refused_with_what_to_do(
    logs: Logs, answer: dict[str, Any]
) -> None:
    logs.machine = answer
    watched, subjects = await watch(logs)
    assert watched.states("history")[-1] is HealthState.REFUSED
    (message,) = watched.messages("history")
    assert message.startswith(f"{MACHINE_ARN} logs nothing, and AWS keeps no other")
    assert "aws stepfunctions update-state-machine" in message
    assert logs.asked() == []
    assert subjects.ready
    assert subjects.over


async def test_of_failures_alone_it_is_said_that_they_are_all(logs: Logs) -> None:
    logs.machine = machine(level="ERROR")
    failed = [
        *history()[:4],
        event(5, "TaskFailed", 8, error="Broken", **TASK),
        event(6, "ExecutionFailed", 8.1, error="Broken"),
    ]
    put(logs, express_log(failed, level="ERROR"))
    watched, subjects = await watch(logs)
    assert ids(watched) == ["5", "6"]
    assert watched.status == "FAILED"
    level = (
        "Its log level is ERROR: only failures are logged, so that states which"
        " succeed are missing here, and so is the start."
    )
    waiting = f"Nothing of this execution is in the log yet. {level}"
    assert watched.messages("history") == [level, waiting, level, level]
    # That the ids before are missing is no loss.
    assert subjects.stopped_at == parse_time(failed[-1].data["timestamp"])


async def test_of_failures_alone_a_success_leaves_nothing(logs: Logs) -> None:
    logs.machine = machine(level="ERROR")
    put(logs, express_log(history(), level="ERROR"))
    watched, subjects = await watch(logs)
    last = watched.messages("history")[-1]
    assert "One that succeeds leaves nothing there." in last
    assert "Its log level is ERROR" in last
    # It may have run: its calls are awaited.
    assert subjects.stopped_at == EPOCH


async def test_without_execution_data_it_is_said_what_that_costs(logs: Logs) -> None:
    logs.machine = machine(with_data=False)
    put(logs, express_log(history(), with_data=False))
    watched, _ = await watch(logs)
    assert watched.status == "SUCCEEDED"
    (message,) = {*watched.messages("history")}
    assert message == (
        "Its log has no execution data. Without request ids and task ARNs, calls are"
        " tied by role, action and time only."
    )


async def test_the_definition_is_of_the_execution(logs: Logs) -> None:
    text = '{"StartAt": "Put", "States": {"Put": {"Type": "Task", "Resource": "%s"}}}'
    resource = "arn:aws:states:::ecs:runTask"
    logs.machine = machine(definition=text % resource)
    put(logs, express_log(history()))
    watched, subjects = await watch(logs)
    (timeline,) = watched.trace.timelines.values()
    assert [task.name for task in timeline.definition.tasks] == ["Put"]
    assert timeline.state_machine_arn == MACHINE_ARN
    assert subjects.plan == ((REGION, "ecs.amazonaws.com"),)


@pytest.mark.parametrize(
    "name",
    [
        LogGroupName("mine"),
        parse_log_group(f"arn:aws:logs:{REGION}:111111111111:log-group:mine:*"),
    ],
)
async def test_a_log_group_that_is_given_is_read_instead(
    logs: Logs, name: LogGroupName
) -> None:
    said = "no permission"
    logs.machine = AwsError("AccessDeniedException", said)
    # That of another account is known by its ARN.
    put(logs, express_log(history()), group=name.arn or name.name)
    watched, _ = await watch(logs, group=name)
    assert watched.status == "SUCCEEDED"
    assert said in watched.messages("history")[-1]
    assert logs.asked()


async def test_a_log_group_that_is_given_is_read_though_logging_is_off_by_now(
    logs: Logs,
) -> None:
    logs.machine = machine(level="OFF", group_arn=None)
    put(logs, express_log(history()))
    watched, _ = await watch(logs, group=LogGroupName(GROUP))
    assert watched.status == "SUCCEEDED"
    assert watched.messages("history")[-1] == "Its state machine logs nothing by now."


# -- trouble -------------------------------------------------------------------------


async def test_a_state_machine_that_is_gone_is_named(logs: Logs) -> None:
    logs.machine = AwsError("StateMachineDoesNotExist", "It does not exist")
    watched, _ = await watch(logs)
    assert watched.states("history")[-1] is HealthState.REFUSED
    (message,) = watched.messages("history")
    assert message.startswith(f"DescribeStateMachine on {MACHINE_ARN}: StateMachine")


async def test_a_log_group_that_is_gone_is_named(logs: Logs) -> None:
    logs.groups.clear()
    watched, _ = await watch(logs)
    assert watched.states("history")[-1] is HealthState.REFUSED
    (message,) = watched.messages("history")
    assert message.startswith(f"FilterLogEvents on {GROUP_ARN}: ResourceNotFound")
    assert message.endswith("Check the log group's name and its Region.")


@pytest.mark.parametrize("operation", ["DescribeStateMachine", "FilterLogEvents"])
async def test_without_permission_and_a_screen_it_is_given_up(
    logs: Logs, operation: str
) -> None:
    def fail(asked: Any) -> None:
        if asked.operation == operation:
            raise AwsError("AccessDeniedException", "Not you.")

    logs.fail = fail
    watched, _ = await watch(logs, patience=Patience(3))
    assert watched.states("history")[-1] is HealthState.REFUSED
    (message,) = {*watched.messages("history")}
    prefix = "states" if operation == "DescribeStateMachine" else "logs"
    assert f"Allow {prefix}:{operation} (see sfnwatch iam-policy --with" in message


async def test_throttling_is_waited_out(logs: Logs) -> None:
    put(logs, express_log(history()))
    refused: list[Any] = []

    def fail(asked: Any) -> None:
        if asked.operation == "FilterLogEvents" and len(refused) < 6:
            refused.append(asked)
            raise AwsError("ThrottlingException", "Rate exceeded")

    logs.fail = fail
    watched, _ = await watch(logs)
    assert HealthState.THROTTLED in watched.states("history")
    assert ids(watched) == [*"1234567"]
    assert watched.states("history")[-2:] == [HealthState.LIVE, HealthState.ENDED]


async def test_a_token_that_is_not_taken_begins_the_reading_again(logs: Logs) -> None:
    put(logs, express_log(history()))
    logs.page = 2
    refused: list[Any] = []

    def fail(asked: Any) -> None:
        if "nextToken" in asked.parameters and not refused:
            refused.append(asked)
            raise AwsError("InvalidParameterException", "The specified nextToken is…")

    logs.fail = fail
    watched, _ = await watch(logs)
    assert refused
    assert sorted(ids(watched)) == [*"1234567"]
    assert HealthState.RETRYING not in watched.states("history")


async def test_a_token_that_is_never_taken_is_told(logs: Logs) -> None:
    put(logs, express_log(history()), shift=-60)
    logs.page = 2

    def fail(asked: Any) -> None:
        if "nextToken" in asked.parameters:
            raise AwsError("InvalidParameterException", "The specified nextToken is…")

    logs.fail = fail
    watched, _ = await watch(logs)
    assert watched.states("history")[-1] is HealthState.REFUSED
    assert "nextToken" in watched.messages("history")[-1]


async def test_what_is_cut_or_cannot_be_read_is_kept_as_such(logs: Logs) -> None:
    good = express_log(history())
    put(logs, good)
    odd = {**good[2].data, "event_timestamp": "soon"}
    logs.put(GROUP, odd, EPOCH)
    watched, _ = await watch(logs)
    assert [r.data for r in watched.records if r.source == From.UNREAD] == [odd]
    assert watched.status == "SUCCEEDED"
    assert len(watched.trace.unread) == 1


async def test_several_share_one_bucket(logs: Logs) -> None:
    arns = [EXPRESS_ARN, OTHER]
    for arn in arns:
        put(logs, express_log(history(), arn))
    subjects = Subjects([parse_execution_arn(arn) for arn in arns])
    watched = Watched()
    async with logs.aws(Feature.EXPRESS) as aws:
        bucket = log_bucket(logs.clock)
        sources = [
            Express(aws, one, logs.clock, bucket=bucket) for one in subjects.each
        ]
        await run(sources, [watched])
    assert [t.status for t in watched.trace.timelines.values()] == ["SUCCEEDED"] * 2
    times = [each.at for each in logs.asked()]
    assert len(times) <= (times[-1] - times[0]).total_seconds() + 3
    healths = watched.trace.healths
    assert {f"history/express {arn}" for arn in arns} == {*healths}


async def test_what_was_asked_is_told(logs: Logs) -> None:
    put(logs, express_log(history()))
    watched, _ = await watch(logs)
    requests = watched.trace.ordered_requests
    assert len(requests) == len(logs.requests)
    assert {r.operation for r in requests} == {
        "DescribeStateMachine",
        "FilterLogEvents",
    }
    assert sum(r.items or 0 for r in requests) >= 7


async def test_its_calls_come_from_a_trail_s_log_as_for_a_standard_one(
    logs: Logs,
) -> None:
    answer = {"SdkResponseMetadata": {"RequestId": "req-put"}}
    events = history()
    events[4] = event(5, "TaskSucceeded", 8.2, output=json.dumps(answer), **TASK)
    put(logs, express_log(events))
    dynamodb = "dynamodb.amazonaws.com"
    made = call("PutItem", 0.4, key="put", request_id="req-put", source=dynamodb)
    record = json.loads(made.data["CloudTrailEvent"])
    issuer = record["userIdentity"]["sessionContext"]["sessionIssuer"]
    issuer["userName"] = "StepFunctions-sync-role"
    logs.put("trail", record, parse_time(record["eventTime"]), late=240)
    subjects, watched = Subjects([parse_execution_arn(EXPRESS_ARN)]), Watched()
    bucket = log_bucket(logs.clock)
    async with logs.aws(Feature.EXPRESS, Feature.LOG_GROUP) as aws:
        (subject,) = subjects.each
        group = LogGroupName("trail")
        calls = LogGroup(aws, subjects, logs.clock, group, bucket=bucket)
        source = Express(aws, subject, logs.clock, bucket=bucket)
        await run([source, calls], [watched])
    assert watched.status == "SUCCEEDED"
    assert watched.tied() == [("PutItem", "request-id")]
    assert watched.states("lookup")[-1] is HealthState.ENDED
    # The calls were awaited for as long as after a Standard execution.
    assert timedelta(minutes=15) < logs.clock.now() - EPOCH < timedelta(minutes=16)


def test_gaps_are_written_as_ranges() -> None:
    assert holes([2]).startswith("The log lacks 1 event (2);")
    assert holes([1, 2, 3, 7]).startswith("The log lacks 4 events (1–3, 7);")
    many = holes([*range(1, 40, 2)])
    assert many.startswith("The log lacks 20 events (1, 3, 5, 7, 9, …);")
