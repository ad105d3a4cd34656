"""What the simulated executions do, against what is recorded of real ones."""

import json
import re
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from sfnwatch.demo.scenarios import PLANS, SCENARIOS, THREE_WAYS, plans_of
from tests.demo.conftest import Serve
from tests.demo.serving import Served, refusal
from tests.demo.test_cloudtrail import role_of
from tests.sources.clocks import EPOCH

Events = list[dict[str, Any]]
ONE_TASK = ("sync", "sync-denied", "async", "sdk", "failure")


async def whole(demo: Served, scenario: str) -> Events:
    """Return the whole history of a scenario, with all records delivered."""
    demo.clock.advance(1500)
    return await demo.history(scenario)


def details(events: Events, kind: str, number: int = 0) -> Any:
    """Return the details of an event of a kind."""
    event = [event for event in events if event["type"] == kind][number]
    (found,) = (value for value in event.values() if isinstance(value, dict))
    return found


def parsed(events: Events, kind: str, number: int = 0) -> Any:
    return json.loads(details(events, kind, number)["output"])


async def calls(demo: Served, scenario: str) -> Events:
    """Return the records of the calls made for a scenario, oldest first."""
    (execution,) = [e for e in demo.account.watched if e.scenario.name == scenario]
    ours = {call.request_id for call in execution.calls}
    records = [*await demo.records(), *await demo.records("states")]
    return [each for each in records if each["requestID"] in ours]


def kinds(events: Events) -> list[str]:
    return [event["type"] for event in events]


@pytest.mark.parametrize("name", ONE_TASK)
async def test_one_task_has_the_events_of_its_integration(
    demo: Served, name: str
) -> None:
    events = await whole(demo, name)
    attempt = ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"]
    ending = [*attempt, "TaskStateExited", "ExecutionSucceeded"]
    if name in {"async", "sdk"}:
        ending.remove("TaskSubmitted")
    if name == "failure":
        ending = [*([*attempt[:-1], "TaskFailed"] * 2), "ExecutionFailed"]
    assert kinds(events) == ["ExecutionStarted", "TaskStateEntered", *ending]
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    previous = [event["previousEventId"] for event in events]
    assert previous == [0, 0, *range(2, len(events))]
    scheduled, machine = details(events, "TaskScheduled"), PLANS[name].definition
    (state,) = json.loads(machine)["States"].values()
    resource = f"{scheduled['resourceType']}:{scheduled['resource']}"
    assert state["Resource"] == f"arn:aws:states:::{resource}"
    assert state["Parameters"].items() <= json.loads(scheduled["parameters"]).items()


async def test_a_failure_names_its_task_and_is_retried_after_the_interval(
    demo: Served,
) -> None:
    events = await whole(demo, "failure")
    gap = events[6]["timestamp"] - events[5]["timestamp"]
    assert gap.total_seconds() == 20
    failed = details(events, "TaskFailed")
    task = json.loads(failed["cause"])
    told = [failed["error"], task["StopCode"], task["Containers"][0]["ExitCode"]]
    assert told == ["States.TaskFailed", "EssentialContainerExited", 1]


async def test_events_never_go_back_in_time_and_have_whole_milliseconds(
    serve: Serve,
) -> None:
    demo = await serve(*SCENARIOS)
    for name in SCENARIOS:
        times = [event["timestamp"] for event in await whole(demo, name)]
        assert times == sorted(times)
        assert not any(at.microsecond % 1000 for at in times)
    starts = [each.started_at for each in demo.account.watched]
    assert starts == sorted(starts)
    assert starts[-1] == EPOCH, "all exist then"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sync", [0, 55, 114, 177, 232, 293]),
        ("sync-denied", [0, 60, 116, 182, 237, 298]),
        ("async", [0]),
        ("sdk", [0]),
    ],
)
async def test_calls_come_at_the_recorded_seconds(
    demo: Served, name: str, expected: list[int]
) -> None:
    await whole(demo, name)
    records = await calls(demo, name)
    times = [datetime.fromisoformat(each["eventTime"]) for each in records]
    assert [(at - times[0]).total_seconds() for at in times] == expected


@pytest.mark.parametrize("name", ["sync", "sync-denied"])
async def test_completion_is_by_event(demo: Served, name: str) -> None:
    """No poll falls between the stop of the task and the end of its state."""
    events = await whole(demo, name)
    task = parsed(events, "TaskSucceeded")
    stopped = datetime.fromtimestamp(task["StoppedAt"] / 1000, UTC)
    assert 1 <= (events[-3]["timestamp"] - stopped).total_seconds() <= 2
    last = (await calls(demo, name))[-1]
    assert datetime.fromisoformat(last["eventTime"]) < stopped
    order = ("CreatedAt", "PullStartedAt", "StartedAt", "ExecutionStoppedAt")
    times = [task[key] for key in (*order, "StoppingAt", "StoppedAt")]
    assert times == sorted(times)


async def test_request_ids_are_in_the_history_where_aws_puts_them(demo: Served) -> None:
    for name, kind in (("sync", "TaskSubmitted"), ("async", "TaskSucceeded")):
        output = parsed(await whole(demo, name), kind)
        request_id = (await calls(demo, name))[0]["requestID"]
        assert output["SdkResponseMetadata"]["RequestId"] == request_id
        headers = output["SdkHttpMetadata"]["HttpHeaders"]
        assert headers["x-amzn-RequestId"] == request_id
    output = parsed(await whole(demo, "sdk"), "TaskSucceeded")
    (run_task,) = await calls(demo, "sdk")
    assert output.keys() == {"Failures", "Tasks"}
    task = run_task["responseElements"]["tasks"][0]
    assert output["Tasks"][0]["TaskArn"] == task["taskArn"]


async def test_a_denied_poll_says_so_in_the_recorded_words(demo: Served) -> None:
    events = await whole(demo, "sync-denied")
    run_task, *polls = await calls(demo, "sync-denied")
    task = run_task["responseElements"]["tasks"][0]["taskArn"]
    form = (
        r"User: arn:aws:sts::123456789012:assumed-role/[\w-]+/[A-Za-z]{32} is not"
        rf" authorized to perform: ecs:DescribeTasks on resource: {task}"
        r" because no identity-based policy allows the ecs:DescribeTasks action"
    )
    for poll in polls:
        assert poll["errorCode"] == "AccessDenied"
        assert poll["requestParameters"] is poll["responseElements"] is None
        assert re.fullmatch(form, poll["errorMessage"])
    assert len(polls) == 5
    assert kinds(events)[-1] == "ExecutionSucceeded"


async def test_every_call_of_step_functions_has_a_session_assumed_for_it(
    serve: Serve,
) -> None:
    demo = await serve("pipeline")
    events = await whole(demo, "pipeline")
    records, used = await calls(demo, "pipeline"), set()
    for record in records:
        identity, role = record["userIdentity"], role_of(record)
        assert role == details(events, "ExecutionStarted")["roleArn"]
        assert role
        assert "/service-role/" in role
        head, _, session = identity["arn"].rpartition("/")
        assert head.endswith(f":assumed-role/{role.rpartition('/')[2]}")
        assert re.fullmatch("[A-Za-z]{32}", session)
        used.add(session)
        assert identity["invokedBy"] == "states.amazonaws.com"
        attributes = identity["sessionContext"]["attributes"]
        assert attributes["creationDate"] == record["eventTime"]
    assert len(used) == len(records) == 7
    assumed = await demo.records("sts", StartTime=EPOCH.replace(microsecond=0))
    assert {each["requestParameters"]["roleSessionName"] for each in assumed} == used


async def test_what_had_succeeded_is_not_run_again_by_a_redrive(demo: Served) -> None:
    events = await whole(demo, "redrive")
    seam = kinds(events).index("ExecutionRedriven")
    around = ["ExecutionFailed", "ExecutionRedriven", "TaskScheduled"]
    assert kinds(events)[seam - 1 : seam + 2] == around
    entered = next(e["id"] for e in events if e["type"] == "TaskStateEntered")
    assert events[seam + 1]["previousEventId"] == entered
    counts = Counter(kinds(events))
    assert (counts["TaskStateEntered"], counts["PassStateEntered"]) == (1, 2)
    redrives = await demo.events("EventName", "RedriveExecution")
    records = [json.loads(each["CloudTrailEvent"]) for each in redrives]
    arns = [record["requestParameters"]["executionArn"] for record in records]
    assert demo.arn("redrive") in arns
    assert {record["userIdentity"]["userName"] for record in records} == {"alice"}


async def test_three_ways_runs_on_one_role_and_the_denied_run_on_another(
    serve: Serve,
) -> None:
    assert set(PLANS) == {*SCENARIOS, *plans_of(THREE_WAYS)}
    demo = await serve(*plans_of(THREE_WAYS))
    resources, roles, polls = [], [], []
    for name in plans_of(THREE_WAYS):
        events = await whole(demo, name)
        scheduled = details(events, "TaskScheduled")
        resources.append(f"{scheduled['resourceType']}:{scheduled['resource']}")
        roles.append(details(events, "ExecutionStarted")["roleArn"])
        polls.append([each.get("errorCode") for each in (await calls(demo, name))[1:]])
    forms = ["ecs:runTask.sync", "ecs:runTask", "aws-sdk:ecs:runTask"]
    assert resources == [*forms, "ecs:runTask.sync"]
    assert len(set(roles[:3])) == 1
    assert roles[3] not in roles[:3]
    assert polls == [[None] * 5, [], [], ["AccessDenied"] * 5]


async def test_the_pipeline_retries_a_label_and_catches_a_declined_card(
    serve: Serve,
) -> None:
    events = await whole(await serve("pipeline"), "pipeline")
    entered = [event for event in events if "Entered" in event["type"]]
    counts = Counter(e["stateEnteredEventDetails"]["name"] for e in entered)
    assert counts == {"Label": 4} | {name: 1 for name in counts if name != "Label"}
    assert counts.keys() > PLANS["pipeline"].states.keys()
    assert kinds(events)[-1] == "ExecutionSucceeded"
    length = events[-1]["timestamp"] - events[0]["timestamp"]
    assert 180 <= length.total_seconds() <= 240
    failed = [event for event in events if event["type"] == "TaskFailed"]
    causes = [json.loads(e["taskFailedEventDetails"]["cause"]) for e in failed]
    assert [cause["errorType"] for cause in causes] == ["OutOfPaper", "CardDeclined"]
    by_previous = {event["previousEventId"]: event for event in events}
    again, caught = (by_previous[event["id"]] for event in failed)
    assert (again["timestamp"] - failed[0]["timestamp"]).total_seconds() == 8
    assert [again["type"], caught["type"]] == ["TaskScheduled", "TaskStateExited"]


async def test_a_nested_execution_is_one_like_any_other(serve: Serve) -> None:
    demo = await serve("pipeline")
    (child,) = demo.account.watched[0].nested
    assert (await refusal(demo.describe(child.arn)))[0] == "ExecutionDoesNotExist"
    demo.clock.advance((child.started_at - EPOCH).total_seconds())
    described = await demo.describe(child.arn)
    assert described["status"] == "RUNNING"
    assert described["stateMachineArn"].endswith(":stateMachine:ship-parcel")
    demo.clock.advance(70)
    entered = [kind for kind in await demo.kinds(child.arn) if "Entered" in kind]
    assert entered == ["PassStateEntered", "WaitStateEntered", "SucceedStateEntered"]
    listed = await demo.executions("ship-parcel")
    assert len(listed) == 3, "with those of the days before"


async def test_a_start_hides_its_input_and_gives_its_parsed_output(
    serve: Serve,
) -> None:
    demo = await serve("pipeline")
    output = parsed(await whole(demo, "pipeline"), "TaskSucceeded", -1)
    (event,) = await demo.events("EventName", "StartExecution", StartTime=EPOCH)
    record = json.loads(event["CloudTrailEvent"])
    assert record["readOnly"] is False
    assert record["requestParameters"]["input"] == "HIDDEN_DUE_TO_SECURITY_REASONS"
    assert record["responseElements"]["executionArn"] == output["ExecutionArn"]
    assert output["Output"] == {"carrier": "Northbound", "order": "A-1042"}
    started_by = output["Input"]["AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"]
    assert started_by == demo.arn("pipeline")
    stopped = (await demo.describe(output["ExecutionArn"]))["stopDate"]
    assert output["StopDate"] == round(stopped.timestamp() * 1000)
