"""What the simulated executions do, against what is recorded of real ones."""

import json
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.demo.runs import Run, role_arn, role_name
from sfnwatch.demo.scenarios import PLANS, SCENARIOS, THREE_WAYS, plans_of
from sfnwatch.demo.world import LONGEST_LAG, World, build

EPOCH = datetime.fromisoformat("2023-11-15T00:28:24.250+00:00")
WORLD = build(SCENARIOS, epoch=EPOCH, seed=7)
RUNS = {run.scenario.name: run for run in WORLD.runs}
ONE_TASK = [
    run
    for run in WORLD.runs
    if [state["Type"] for state in run.scenario.states.values()] == ["Task"]
]
NAMES = [run.scenario.name for run in ONE_TASK]


def details(run: Run, kind: str) -> dict[str, Any]:
    return next(event.details for event in run.events if event.kind == kind)


def records(run: Run, world: World = WORLD) -> list[dict[str, Any]]:
    """Return the records made under the run's role while it ran, oldest first."""
    found = [
        json.loads(each.envelope["CloudTrailEvent"])
        for each in sorted(world.trail, key=lambda each: each.place)
        if run.started_at - timedelta(seconds=1) <= each.event_time <= run.ends_at
    ]
    role = role_arn(run.scenario)
    return [each for each in found if _role(each) == role]


def ecs(run: Run) -> list[dict[str, Any]]:
    return [each for each in records(run) if each["eventSource"] == "ecs.amazonaws.com"]


def _role(record: dict[str, Any]) -> str | None:
    context = record["userIdentity"].get("sessionContext", {})
    arn: str | None = context.get("sessionIssuer", {}).get("arn")
    return arn


def test_there_is_a_plan_for_every_scenario() -> None:
    assert set(PLANS) == {*SCENARIOS, *plans_of(THREE_WAYS)}


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("sync", ["TaskSubmitted", "TaskSucceeded", "TaskStateExited"]),
        ("sync-denied", ["TaskSubmitted", "TaskSucceeded", "TaskStateExited"]),
        ("async", ["TaskSucceeded", "TaskStateExited"]),
        ("sdk", ["TaskSucceeded", "TaskStateExited"]),
    ],
)
def test_a_success_has_the_events_of_its_integration(
    name: str, kinds: list[str]
) -> None:
    started = ["ExecutionStarted", "TaskStateEntered", "TaskScheduled", "TaskStarted"]
    run = RUNS[name]
    expected = [*started, *kinds, "ExecutionSucceeded"]
    assert [event.kind for event in run.events] == expected


def test_a_failure_is_retried_and_leaves_its_state_unexited() -> None:
    run = RUNS["failure"]
    once = ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskFailed"]
    expected = ["ExecutionStarted", "TaskStateEntered", *once, *once, "ExecutionFailed"]
    assert [event.kind for event in run.events] == expected
    first, second = (e.at for e in run.events if e.kind == "TaskScheduled")
    failed = next(e.at for e in run.events if e.kind == "TaskFailed")
    assert (second - failed).total_seconds() == 20
    assert (run.ends_at - first).total_seconds() < 300


def test_a_failure_names_the_task_that_stopped() -> None:
    failed = details(RUNS["failure"], "TaskFailed")
    task = json.loads(failed["cause"])
    assert failed["error"] == "States.TaskFailed"
    assert task["StopCode"] == "EssentialContainerExited"
    assert task["Containers"][0]["ExitCode"] == 1
    ended = details(RUNS["failure"], "ExecutionFailed")
    assert ended.keys() == {"error", "cause"}


@pytest.mark.parametrize("run", ONE_TASK, ids=NAMES)
def test_ids_count_up_and_the_first_state_points_at_nothing(run: Run) -> None:
    assert [e.event_id for e in run.events] == list(range(1, len(run.events) + 1))
    assert [e.previous for e in run.events] == [0, 0, *range(2, len(run.events))]


@pytest.mark.parametrize("run", WORLD.every_run)
def test_events_never_go_back_in_time_and_have_whole_milliseconds(run: Run) -> None:
    times = [event.at for event in run.events]
    assert times == sorted(times)
    assert not any(at.microsecond % 1000 for at in times)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sync", [0, 55, 114, 177, 232, 293]),
        ("sync-denied", [0, 60, 116, 182, 237, 298]),
        ("async", [0]),
        ("sdk", [0]),
    ],
)
def test_calls_come_at_the_recorded_seconds(name: str, expected: list[int]) -> None:
    times = [datetime.fromisoformat(each["eventTime"]) for each in ecs(RUNS[name])]
    assert [(at - times[0]).total_seconds() for at in times] == expected


@pytest.mark.parametrize("name", ["sync", "sync-denied"])
def test_completion_is_by_event(name: str) -> None:
    """No poll lies between the stop of the task and the end of its state."""
    run = RUNS[name]
    task = json.loads(details(run, "TaskSucceeded")["output"])
    stopped = datetime.fromtimestamp(task["StoppedAt"] / 1000, EPOCH.tzinfo)
    succeeded = next(e.at for e in run.events if e.kind == "TaskSucceeded")
    assert 1 <= (succeeded - stopped).total_seconds() <= 2
    assert not [call for call in run.calls if stopped <= call.at]
    order = ("CreatedAt", "PullStartedAt", "StartedAt", "ExecutionStoppedAt")
    times = [task[key] for key in (*order, "StoppingAt", "StoppedAt")]
    assert times == sorted(times)


@pytest.mark.parametrize("run", WORLD.runs, ids=SCENARIOS)
def test_run_task_comes_just_after_it_was_scheduled(run: Run) -> None:
    scheduled = [
        event.at
        for event in run.events
        if event.details.get("resource", "").startswith("runTask")
        and event.kind == "TaskScheduled"
    ]
    called = [call.at for call in run.calls if call.name == "RunTask"]
    gaps = [
        (at - since).total_seconds()
        for at, since in zip(called, scheduled, strict=True)
    ]
    assert all(0.3 <= gap <= 1 for gap in gaps)


def test_one_request_id_stands_on_both_sides() -> None:
    submitted = json.loads(details(RUNS["sync"], "TaskSubmitted")["output"])
    answered = json.loads(details(RUNS["async"], "TaskSucceeded")["output"])
    for output, name in ((submitted, "sync"), (answered, "async")):
        run_task = ecs(RUNS[name])[0]
        headers = output["SdkHttpMetadata"]["HttpHeaders"]
        assert output["SdkResponseMetadata"]["RequestId"] == run_task["requestID"]
        assert headers["x-amzn-RequestId"] == run_task["requestID"]


def test_an_sdk_answer_has_the_task_but_no_request_id() -> None:
    output = details(RUNS["sdk"], "TaskSucceeded")["output"]
    run_task = ecs(RUNS["sdk"])[0]
    assert json.loads(output).keys() == {"Failures", "Tasks"}
    assert run_task["requestID"] not in output
    task = run_task["responseElements"]["tasks"][0]
    assert json.loads(output)["Tasks"][0]["TaskArn"] == task["taskArn"]


def test_only_waiting_for_the_task_sets_who_started_it() -> None:
    for name, expected in (
        ("sync", "AWS Step Functions"),
        ("async", None),
        ("sdk", None),
    ):
        parameters = json.loads(details(RUNS[name], "TaskScheduled")["parameters"])
        request = ecs(RUNS[name])[0]["requestParameters"]
        assert parameters.get("StartedBy") == request.get("startedBy") == expected


def test_a_refused_poll_says_so_in_the_recorded_words() -> None:
    run = RUNS["sync-denied"]
    polls = [each for each in ecs(run) if each["eventName"] == "DescribeTasks"]
    form = (
        r"User: arn:aws:sts::123456789012:assumed-role/[\w-]+/[A-Za-z]{32} is not"
        r" authorized to perform: ecs:DescribeTasks on resource: (\S+)"
        r" because no identity-based policy allows the ecs:DescribeTasks action"
    )
    for poll in polls:
        assert poll["errorCode"] == "AccessDenied"
        assert poll["requestParameters"] is poll["responseElements"] is None
        match = re.fullmatch(form, poll["errorMessage"])
        assert match
        assert match[1] == run.calls[0].job_arn
    assert run.events[-1].kind == "ExecutionSucceeded"


def test_every_call_of_step_functions_has_a_session_of_its_own() -> None:
    calls = [each for run in WORLD.runs for each in ecs(run)]
    sessions = [each["userIdentity"]["arn"].rpartition("/")[2] for each in calls]
    assert len(set(sessions)) == len(calls)
    assert all(re.fullmatch("[A-Za-z]{32}", session) for session in sessions)


def test_a_record_tells_the_role_without_its_path_and_the_issuer_with_it() -> None:
    run = RUNS["sync"]
    identity = ecs(run)[0]["userIdentity"]
    assert f":assumed-role/{role_name(run.scenario)}/" in identity["arn"]
    issuer = identity["sessionContext"]["sessionIssuer"]
    assert issuer["arn"] == details(run, "ExecutionStarted")["roleArn"]
    assert "/service-role/" in issuer["arn"]
    assert identity["invokedBy"] == "states.amazonaws.com"
    created = identity["sessionContext"]["attributes"]["creationDate"]
    assert created == ecs(run)[0]["eventTime"]


def test_roles_differ_and_xray_asks_under_them() -> None:
    assert len({role_arn(run.scenario) for run in WORLD.runs}) == len(SCENARIOS)
    for run in WORLD.runs[:1]:
        found = [
            each for each in records(run) if each["eventName"] == "GetSamplingRules"
        ]
        assert found
        assert {each["errorCode"] for each in found} == {"AccessDenied"}


def test_others_use_the_service_and_even_look_at_the_same_task() -> None:
    roles = {role_arn(run.scenario) for run in WORLD.runs}
    every = [json.loads(each.envelope["CloudTrailEvent"]) for each in WORLD.trail]
    others = [
        each
        for each in every
        if each["eventSource"] == "ecs.amazonaws.com" and _role(each) not in roles
    ]
    names = {each["eventName"] for each in others}
    assert {"SubmitTaskStateChange", "DescribeClusters", "RunTask"} <= names
    assert any(each["userIdentity"].get("invokedBy") for each in others)
    task = RUNS["sync"].calls[0].job_arn
    assert any(task in json.dumps(each["requestParameters"]) for each in others)


def test_deliveries_are_late_out_of_order_and_one_is_very_late() -> None:
    seen = sorted(WORLD.trail, key=lambda each: each.delivered_at)
    lags = [(each.delivered_at - each.event_time).total_seconds() for each in seen]
    assert min(lags) >= 45
    assert 350 < max(lags) <= LONGEST_LAG
    assert [each.place for each in seen] != sorted(each.place for each in seen)


def test_ids_are_unique() -> None:
    ids = [each.event_id for each in WORLD.trail]
    assert len(set(ids)) == len(ids)


def test_the_same_key_makes_the_same_world_and_another_a_new_one() -> None:
    assert build(SCENARIOS, epoch=EPOCH, seed=7) == WORLD
    later = build(SCENARIOS, epoch=EPOCH + timedelta(seconds=1), seed=7)
    other = build(SCENARIOS, epoch=EPOCH, seed=8)
    for new in (later, other):
        assert not {run.arn for run in new.runs} & {run.arn for run in WORLD.runs}


def test_a_scenario_plays_the_same_number_of_events_whatever_the_seed() -> None:
    for seed in range(20):
        world = build(SCENARIOS, epoch=EPOCH, seed=seed)
        for run, known in zip(world.runs, WORLD.runs, strict=True):
            # In what order two branches take turns is up to the dice.
            kinds = [sorted(e.kind for e in each.events) for each in (run, known)]
            assert kinds[0] == kinds[1]


@given(st.floats(0, 1500), st.floats(0, 1500))
def test_time_only_adds(one: float, other: float) -> None:
    earlier, later = (
        EPOCH + timedelta(seconds=seconds) for seconds in sorted((one, other))
    )
    for run in WORLD.runs + WORLD.nested:
        seen = run.seen(earlier)
        assert run.seen(later)[: len(seen)] == seen


def test_all_executions_exist_at_the_epoch_and_the_last_one_starts_then() -> None:
    assert [bool(run.seen(EPOCH)) for run in WORLD.runs] == [True] * len(SCENARIOS)
    assert WORLD.runs[-1].started_at == EPOCH
    assert WORLD.runs[-1].status(EPOCH) == "RUNNING"


@pytest.mark.parametrize("run", ONE_TASK, ids=NAMES)
def test_the_definition_is_the_machine_that_ran(run: Run) -> None:
    definition = json.loads(run.scenario.definition)
    state = definition["States"][definition["StartAt"]]
    scheduled = details(run, "TaskScheduled")
    resource = f"{scheduled['resourceType']}:{scheduled['resource']}"
    assert state["Resource"] == f"arn:aws:states:::{resource}"
    assert details(run, "TaskStateEntered")["name"] == definition["StartAt"]
    assert state["Parameters"].items() <= json.loads(scheduled["parameters"]).items()


def test_three_ways_runs_the_three_forms_on_one_role_and_polls_denied_on_another() -> (
    None
):
    world = build(plans_of(THREE_WAYS), epoch=EPOCH, seed=7)
    resources = [
        run.scenario.states["ECS RunTask"]["Resource"].removeprefix("arn:aws:states:::")
        for run in world.runs
    ]
    forms = ["ecs:runTask.sync", "ecs:runTask", "aws-sdk:ecs:runTask"]
    assert resources == [*forms, "ecs:runTask.sync"]
    *ways, denied = [role_arn(run.scenario) for run in world.runs]
    assert len(set(ways)) == 1
    assert denied not in ways
    assert [sum(call.is_poll for call in run.calls) for run in world.runs] == [
        *(5, 0, 0, 5)
    ]
    assert [any(call.denied for call in run.calls) for run in world.runs] == [
        *(False, False, False, True)
    ]
