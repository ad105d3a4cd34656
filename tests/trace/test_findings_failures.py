"""What went wrong on the way: tries, calls, and jobs that nobody waited for."""

import json
from typing import Any

import pytest

from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.events import Received
from sfnwatch.trace.finding_failures import is_throttled
from sfnwatch.trace.findings import all_findings
from tests.builders import ARN, ROLE, START, call, event
from tests.trace.finding import (
    LAMBDA,
    begun,
    by_kind,
    every,
    run_task,
    task_arn,
    trace_of,
)

PLAIN: dict[str, Any] = {"resourceType": "ecs", "resource": "runTask"}


def tried(times: int, *, succeeds: bool, first: int = 2) -> list[Received]:
    """Build a state that is tried so often, each try 2 s, with 3 s between."""
    records = [event(first, "TaskStateEntered", 0, name="Work")]
    for number in range(times):
        scheduled, at = first + 1 + number * 2, number * 5.0
        last = number == times - 1
        records.append(event(scheduled, "TaskScheduled", at, **LAMBDA))
        if last and succeeds:
            records.append(event(scheduled + 1, "TaskSucceeded", at + 2, **LAMBDA))
        else:
            error = f"Error{number % 2}"
            records.append(
                event(scheduled + 1, "TaskFailed", at + 2, **LAMBDA, error=error)
            )
    end = first + 1 + times * 2
    if succeeds:
        records.append(event(end, "TaskStateExited", times * 5, name="Work"))
    return records


def test_tries_are_counted_with_what_they_cost() -> None:
    (found,) = every(begun(), *tried(3, succeeds=True))["retries"]
    assert found.text == (
        "Work took 3 tries to succeed: 2 tries failed (1 with Error0 and 1 with"
        " Error1). Those took 4 s, and backing off 6 s more."
    )
    assert found.evidence == ("#4", "#6")
    assert found.data == {
        "visit": 2,
        "visits": 1,
        "tries": 3,
        "failed": 2,
        "errors": {"Error0": 1, "Error1": 1},
        "failed_seconds": 4.0,
        "backing_off_seconds": 6.0,
        "storm": False,
    }


def test_one_try_is_no_retry() -> None:
    assert "retries" not in every(begun(), *tried(1, succeeds=True))


def test_very_many_tries_are_a_storm() -> None:
    ended = event(99, "ExecutionFailed", 60, error="Error1")
    (found,) = every(begun(), *tried(9, succeeds=False), ended)["retries"]
    assert found.text.startswith("A retry storm: Work was tried 9 times")
    assert "failed for good" in found.text
    assert found.data["storm"] is True


def test_the_retries_of_very_many_visits_are_told_of_together() -> None:
    records = [begun()]
    for number in range(5):
        records += tried(2, succeeds=True, first=2 + number * 6)
    (found,) = every(*records)["retries"]
    assert found.text.startswith("Work took 10 tries in 5 visits to succeed: 5 tries")
    assert found.data["failed"] == 5


def test_which_iteration_was_tried_again_is_told() -> None:
    records = [
        begun(),
        event(2, "MapStateEntered", 0, name="Each"),
        event(3, "MapStateStarted", 0, length=2),
    ]
    for index in range(2):
        first = 4 + index * 10
        begins = event(
            first, "MapIterationStarted", 0, previous=3, name="Each", index=index
        )
        records.append(begins)
        records += tried(index + 1, succeeds=True, first=first + 1)
    (found,) = every(*records)["retries"]
    assert found.text.startswith(
        "Each[1] / Work took 2 tries to succeed: 1 try failed with Error0."
    )
    assert (found.data["visit"], found.data["visits"]) == (15, 1)


# -- calls -----------------------------------------------------------------------


def test_an_action_that_was_refused_is_told_with_aws_s_own_words() -> None:
    records = [
        begun(),
        event(2, "TaskStateEntered", 0.5, name="Work"),
        event(3, "TaskScheduled", 0.5, **PLAIN),
        event(4, "TaskFailed", 1.5, **PLAIN, error="ECS.AccessDenied", cause="x"),
    ]
    refused = call("RunTask", 1, key="run", error=("AccessDenied", "not \x1b you"))
    (found,) = every(*records, refused)["failed-calls"]
    assert found.text == ('RunTask of Work failed once with AccessDenied: "not ␛ you".')
    assert found.evidence == ("run",)


@pytest.mark.parametrize(
    ("code", "throttled"),
    [
        ("ThrottlingException", True),
        ("Throttling", True),
        ("Client.RequestLimitExceeded", True),
        ("TooManyRequestsException", True),
        ("ProvisionedThroughputExceededException", True),
        ("AccessDenied", False),
        ("LimitExceededException", False),
        (None, False),
    ],
)
def test_throttling_is_known_by_its_codes(code: str | None, *, throttled: bool) -> None:
    assert is_throttled(ApiCall("x", START, "s", "N", error_code=code)) is throttled


# -- jobs nobody waited for ------------------------------------------------------


def left_alone(arn: str = ARN) -> list[Received]:
    """Build a request-response state that began task 7."""
    output = json.dumps({"Tasks": [{"TaskArn": task_arn(7)}], "Failures": []})
    return [
        begun(arn=arn),
        event(2, "TaskStateEntered", 0.5, name="Begin", arn=arn),
        event(3, "TaskScheduled", 0.5, arn=arn, **PLAIN),
        event(4, "TaskSucceeded", 1.5, arn=arn, output=output, **PLAIN),
        event(5, "TaskStateExited", 1.5, name="Begin", arn=arn),
    ]


def stopped(code: int | None, stop_code: str) -> dict[str, Any]:
    return {
        "taskArn": task_arn(7),
        "stopCode": stop_code,
        "containers": [{"exitCode": code}],
    }


@pytest.mark.parametrize(
    ("code", "stop_code", "says"),
    [
        (3, "EssentialContainerExited", "ended with exit code 3"),
        (None, "TaskFailedToStart", "stopped with TaskFailedToStart"),
    ],
)
def test_a_call_that_shows_the_failed_job_is_evidence(
    code: int | None, stop_code: str, says: str
) -> None:
    seen = call("StopTask", 80, key="stop", response={"task": stopped(code, stop_code)})
    (found,) = every(*left_alone(), run_task(7, 1), seen)["job-failed-later"]
    assert found.text.startswith("Begin succeeded, for it did not wait, but the task")
    assert says in found.text
    assert found.evidence == ("#4", "stop")
    assert (found.data["exit_code"], found.data["stop_code"]) == (code, stop_code)


def test_a_later_state_that_describes_the_job_is_evidence_too() -> None:
    describe: dict[str, Any] = {
        "resourceType": "aws-sdk:ecs",
        "resource": "describeTasks",
    }
    task = {k[:1].upper() + k[1:]: v for k, v in stopped(1, "x").items()}
    task["Containers"] = [{"ExitCode": 1}]
    later = [
        event(6, "TaskStateEntered", 90, name="Look"),
        event(7, "TaskScheduled", 90, **describe),
        event(8, "TaskSucceeded", 91, output=json.dumps({"Tasks": [task]}), **describe),
    ]
    (found,) = every(*left_alone(), *later)["job-failed-later"]
    assert found.evidence == ("#4", "#8")


@pytest.mark.parametrize(
    "task", [stopped(0, "EssentialContainerExited"), stopped(None, "UserInitiated")]
)
def test_a_job_that_did_not_fail_is_no_evidence(task: dict[str, Any]) -> None:
    seen = call("StopTask", 80, key="stop", response={"task": task})
    assert "job-failed-later" not in every(*left_alone(), run_task(7, 1), seen)


def test_a_nested_execution_that_failed_is_found_among_those_watched() -> None:
    start: dict[str, Any] = {"resourceType": "states", "resource": "startExecution"}
    child = f"{ARN}-child"
    parent = [
        begun(),
        event(2, "TaskStateEntered", 0.5, name="Begin"),
        event(3, "TaskScheduled", 0.5, **start),
        event(
            4, "TaskSucceeded", 1.5, **start, output=json.dumps({"ExecutionArn": child})
        ),
    ]
    failed = [
        event(1, "ExecutionStarted", 2, arn=child, roleArn=ROLE),
        event(2, "ExecutionFailed", 9, arn=child, error="E"),
    ]
    (found,) = every(*parent, *failed)["job-failed-later"]
    assert "the execution it began" in found.text
    assert "ended as FAILED" in found.text


def test_the_findings_of_all_are_those_of_each_and_of_the_whole() -> None:
    records = [*left_alone(), *left_alone(f"{ARN}-2"), run_task(7, 1)]
    told = all_findings(trace_of(*records))
    owners = [found.execution_arn for found in told]
    assert sorted(owners, key=[ARN, f"{ARN}-2", None].index) == owners
    assert set(owners) == {ARN, f"{ARN}-2", None}
    (mixed,) = by_kind(told)["ambiguous"]
    assert "several executions" in mixed.text
