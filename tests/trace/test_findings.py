"""What a trace shows, in sentences: each with its figures and its evidence."""

import json
from datetime import timedelta
from typing import Any

import pytest

from sfnwatch.trace.events import Received
from sfnwatch.trace.findings import Certainty, Finding, findings
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.times import iso
from sfnwatch.trace.values import replace
from tests.builders import (
    ARN,
    REGION,
    START,
    TASK_ARN,
    call,
    event,
    health,
    sync_calls,
    sync_history,
    sync_run,
)
from tests.trace.calling import NAMES_TASK, RUN, started, state

SECOND = timedelta(seconds=1)
LAMBDA = "arn:aws:lambda:eu-west-1:1:function:mine"


def found(*records: Received) -> dict[str, Finding]:
    """Find, in a run of one task, the finding of each kind."""
    trace = extend(Trace(), records)
    return {f.kind: f for f in findings(trace, trace.timelines[ARN])}


def test_the_seed_s_run_is_explained() -> None:
    told = found(*sync_run())
    assert list(told) == ["pattern", "polling", "noticed", "time"]
    assert {finding.execution_arn for finding in told.values()} == {ARN}
    assert told["pattern"].text == (
        "ECS RunTask uses ecs:runTask.sync, an optimised integration with .sync:"
        " it runs a job and waits for its end."
    )
    assert told["pattern"].certainty is Certainty.FACT
    assert told["pattern"].evidence == ("#3",)
    assert told["pattern"].data == {"visit": 2, "pattern": "sync", "visits": 1}


def test_polling_is_counted_and_its_intervals_are_measured() -> None:
    polling = found(*sync_run())["polling"]
    assert polling.text == (
        "While ECS RunTask waited, Step Functions polled 5 times with DescribeTasks,"
        " about once a minute: at intervals of 55, 59, 63, 55 and 61 s, counted from"
        " RunTask (mean 58.6 s)."
    )
    assert polling.certainty is Certainty.FACT
    assert polling.evidence == tuple(f"poll-{n}" for n in range(5))
    assert polling.data == {
        "visit": 2,
        "attempt": 3,
        "call": "DescribeTasks",
        "count": 5,
        "denied": 0,
        "interval_mean": 58.6,
        "interval_min": 55,
        "interval_max": 63,
        "intervals": [55, 59, 63, 55, 61],
        "from": "RunTask",
    }


def test_who_asks_for_the_task_an_hour_later_does_not_poll() -> None:
    late = call("DescribeTasks", 3900, key="late", parameters=NAMES_TASK)
    told = found(*sync_run(), late)
    assert told["polling"].data["count"] == 5
    assert "late" not in told["noticed"].evidence


def test_one_poll_without_its_action_has_no_interval() -> None:
    polling = found(*sync_history(), sync_calls()[1])["polling"]
    assert "once" in polling.text
    assert " s after" not in polling.text
    figures = [polling.data[f"interval_{key}"] for key in ("mean", "min", "max")]
    assert (polling.data["count"], figures) == (1, [None, None, None])


def test_one_poll_is_told_with_how_long_after_its_action_it_came() -> None:
    polling = found(*sync_history(), *sync_calls()[:2])["polling"]
    assert polling.text.endswith("once with DescribeTasks, 55 s after RunTask.")


def test_it_was_noticed_by_an_event_when_no_poll_lies_in_between() -> None:
    noticed = found(*sync_run())["noticed"]
    assert noticed.text.startswith(
        "The task started by ECS RunTask stopped at 2023-11-15T00:33:31.202Z"
    )
    assert "1.9 s later" in noticed.text
    assert "by an event" in noticed.text
    assert "StepFunctionsGetEventsForECSTaskRule" in noticed.text
    assert noticed.certainty is Certainty.INFERENCE
    assert noticed.evidence[0] == "#6"
    assert noticed.data["seconds"] == 1.9
    assert noticed.data["by"] == "event"
    assert noticed.data["noticed_at"] == "2023-11-15T00:33:33.102Z"


def test_who_noticed_stays_open_while_cloudtrail_is_behind() -> None:
    behind = health("lookup", "live", 900, complete_to=iso(START))
    noticed = found(*sync_history(), *sync_calls(), behind)["noticed"]
    assert noticed.data["by"] == "unknown"
    assert noticed.certainty is Certainty.FACT
    assert "not complete" in noticed.text


def test_a_file_is_complete_to_its_newest_call() -> None:
    later = call("DescribeTasks", 900, key="x", role="arn:aws:iam::1:role/other")
    told = found(*sync_history(), *sync_calls())["noticed"]
    assert told.data["by"] == "unknown"
    told = found(*sync_history(), *sync_calls(), later)["noticed"]
    assert told.data["by"] == "event"


def files(*records: Received) -> list[Received]:
    """Give records as a file holds them: nobody saw them come."""
    return [replace(record, at=None) for record in records]


def test_calls_of_another_place_or_time_do_not_show_that_nobody_polled() -> None:
    later = call("DescribeTasks", 900, key="x", role="arn:aws:iam::1:role/other")
    noticed = found(*files(*sync_history(), later))["noticed"]
    assert noticed.data["by"] == "unknown"
    assert noticed.text.endswith(
        "but no call of its own is seen here, so whether it was polled for, and what"
        " told of it, is open."
    )
    record = later.data["CloudTrailEvent"].replace(REGION, "eu-west-1")
    elsewhere = replace(later, data={**later.data, "CloudTrailEvent": record})
    far = found(*files(*sync_history(), *sync_calls(), elsewhere))["noticed"]
    assert far.data["by"] == "unknown", "its own Region's calls end before its end"
    near = found(*files(*sync_history(), *sync_calls(), later))["noticed"]
    assert near.data["by"] == "event"


def test_a_file_added_to_a_recording_is_not_covered_by_what_was_measured() -> None:
    known = health("lookup", "ended", 900, complete_to=iso(START + 900 * SECOND))
    noticed = found(*files(*sync_history()), known)["noticed"]
    assert noticed.data["by"] == "unknown"
    noticed = found(*sync_history(), known)["noticed"]
    assert noticed.data["by"] == "event"


def test_that_the_only_poll_in_between_was_denied_is_told() -> None:
    denial = ("AccessDenied", f"no ecs:DescribeTasks on {TASK_ARN}")
    denied = call("DescribeTasks", 307.95, key="p", error=denial)
    late = [
        replace(r, data={**r.data, "timestamp": iso(START + 312 * SECOND)})
        if r.data["id"] == 6
        else r
        for r in sync_history()[:6]
    ]
    known = health("lookup", "ended", 900, complete_to=iso(START + 900 * SECOND))
    noticed = found(*late, sync_calls()[0], denied, known)["noticed"]
    assert noticed.text.endswith(
        "StepFunctionsGetEventsForECSTaskRule: the only poll in between was denied."
    )
    assert noticed.data["failed_polls"] == 1


def test_a_poll_in_between_noticed() -> None:
    poll = call("DescribeTasks", 308, key="p", parameters=NAMES_TASK)
    noticed = found(*sync_run(), poll)["noticed"]
    assert noticed.data["by"] == "poll"
    assert "by a poll" in noticed.text
    assert "p" in noticed.evidence


def test_a_poll_within_the_second_of_the_end_may_have_noticed() -> None:
    poll = call("DescribeTasks", 307, key="p", parameters=NAMES_TASK)
    ended = event(6, "TaskSucceeded", 307.8, **_ended())
    noticed = found(*sync_history()[:5], ended, *sync_calls(), poll)["noticed"]
    assert "by a poll or by an event" in noticed.text


def _ended() -> dict[str, Any]:
    details: dict[str, Any] = sync_history()[5].data["taskSucceededEventDetails"]
    return details


def test_one_denied_poll_is_counted_as_one() -> None:
    told = found(*sync_history(), sync_calls(denied=True)[1])
    assert told["denied-but-succeeded"].text.startswith("1 poll was denied")
    many = found(*sync_run(denied=True))["denied-but-succeeded"]
    assert many.text.startswith("5 polls were denied")


def test_denied_polls_did_not_matter_where_the_state_succeeded() -> None:
    told = found(*sync_run(denied=True))
    assert "5 of 5 polls were denied" in told["polling"].text
    assert told["polling"].data["denied"] == 5
    denied = told["denied-but-succeeded"]
    assert denied.certainty is Certainty.INFERENCE
    assert (denied.data["count"], denied.data["error_code"]) == (5, "AccessDenied")
    assert denied.evidence == (*(f"poll-{n}" for n in range(5)), "#6")
    assert "the denials did not decide the outcome" in denied.text
    assert told["noticed"].data["by"] == "event"


def test_denied_polls_of_a_failed_state_are_not_said_not_to_matter() -> None:
    failed = event(6, "TaskFailed", 309, resourceType="ecs", error="E")
    told = found(*sync_history()[:5], failed, *sync_calls(denied=True))
    assert "denied-but-succeeded" not in told


@pytest.mark.parametrize(
    ("task", "says", "pattern"),
    [
        (RUN, "does not wait for a job", "request-response"),
        (
            {"resourceType": "aws-sdk:ecs", "resource": "runTask"},
            "uses aws-sdk:ecs:runTask, an AWS SDK integration",
            "aws-sdk",
        ),
        (
            {"resourceType": "aws-sdk:glue", "resource": "startJobRun"},
            "does not wait for a job",
            "aws-sdk",
        ),
        (
            {"resourceType": "eks", "resource": "runJob"},
            "does not wait for a job",
            "request-response",
        ),
        (
            {"resourceType": "aws-sdk:ecs", "resource": "describeTasks"},
            "makes its call and goes on with the answer",
            "aws-sdk",
        ),
        (
            {"resourceType": "lambda", "resource": "invoke"},
            "makes its call and goes on with the answer",
            "request-response",
        ),
        (
            {"resourceType": "dynamodb", "resource": "putItem"},
            "makes its call and goes on with the answer",
            "request-response",
        ),
        (
            {"resourceType": "sqs", "resource": "sendMessage.waitForTaskToken"},
            "waits until the task token comes back",
            "waitForTaskToken",
        ),
    ],
)
def test_each_pattern_is_told_with_what_it_means(
    task: dict[str, Any], says: str, pattern: str
) -> None:
    told = found(*started(), *state(2, 1, task))["pattern"]
    assert says in told.text
    assert told.data["pattern"] == pattern


@pytest.mark.parametrize(
    ("family", "says"),
    [("LambdaFunction", "lambda:mine"), ("Activity", "it calls nothing")],
)
def test_functions_and_activities_are_patterns_too(family: str, says: str) -> None:
    entered = event(2, "TaskStateEntered", 1, name="A")
    scheduled = event(3, f"{family}Scheduled", 1, resource=LAMBDA)
    assert says in found(*started(), entered, scheduled)["pattern"].text


def test_a_retried_task_is_explained_once() -> None:
    tries = [event(2, "TaskStateEntered", 1, name="A")]
    for number in range(3, 9, 2):
        tries.append(event(number, "TaskScheduled", number, **RUN))
        tries.append(event(number + 1, "TaskFailed", number + 1, **RUN))
    trace = extend(Trace(), [*started(), *tries])
    kinds = [f.kind for f in findings(trace, trace.timelines[ARN])]
    assert kinds.count("pattern") == 1


def _patterns(*states: list[Received]) -> list[Finding]:
    trace = extend(Trace(), [*started(), *(r for state in states for r in state)])
    told = findings(trace, trace.timelines[ARN])
    return [finding for finding in told if finding.kind == "pattern"]


def _visit(first: int, name: str, task: dict[str, Any] = RUN) -> list[Received]:
    entered = event(first, "TaskStateEntered", first, name=name)
    return [entered, event(first + 1, "TaskScheduled", first, **task)]


def test_a_state_that_is_visited_often_is_explained_once() -> None:
    told = _patterns(*(_visit(number, "A") for number in range(2, 16, 2)))
    (only,) = told
    assert only.evidence == ("#3", "#5", "#7", "#9", "#11")
    assert only.data == {"visit": 2, "pattern": "request-response", "visits": 7}


def test_another_state_or_another_resource_is_explained_too() -> None:
    invoke = {"resourceType": "lambda", "resource": "invoke"}
    told = _patterns(
        _visit(2, "A"), _visit(4, "B"), _visit(6, "A", invoke), _visit(8, "B")
    )
    assert [(f.data["visit"], f.data["visits"]) for f in told] == [
        (2, 1),
        (4, 2),
        (6, 1),
    ]


def _nested(seconds: float, **more: Any) -> list[Received]:
    """Build a state that waits for a nested execution, which stops at 10.5 s."""
    task: dict[str, Any] = {"resourceType": "states", "resource": "startExecution.sync"}
    stopped = int((START.timestamp() + 10.5) * 1000)
    text = json.dumps({"ExecutionArn": f"{ARN}-child", "StopDate": stopped})
    return [
        event(2, "TaskStateEntered", 1, name="Ship"),
        event(3, "TaskScheduled", 1, **task, **more),
        event(4, "TaskSubmitted", 2, output=text, **task),
        event(5, "TaskSucceeded", seconds, output=text, **task),
    ]


def test_who_noticed_the_end_of_a_nested_execution_is_told() -> None:
    later = health("lookup", "live", 900, complete_to=iso(START + 900 * SECOND))
    noticed = found(*started(), *_nested(12), later)["noticed"]
    assert noticed.text.startswith("The execution started by Ship stopped at")
    assert "StepFunctionsGetEventsForStepFunctionsExecutionRule" in noticed.text
    assert (noticed.data["seconds"], noticed.data["by"]) == (1.5, "event")


def test_what_another_account_s_cloudtrail_may_hold_stays_open() -> None:
    later = health("lookup", "live", 900, complete_to=iso(START + 900 * SECOND))
    own = {"taskCredentials": {"roleArn": "arn:aws:iam::999999999999:role/there"}}
    noticed = found(*started(), *_nested(12, **own), later)["noticed"]
    assert noticed.data["by"] == "unknown"
    assert "another account" in noticed.text


def test_nothing_is_said_of_a_machine_without_tasks() -> None:
    assert found(*started(), event(2, "PassStateEntered", 1, name="A")) == {}


def test_a_task_without_details_is_said_to_be_unknown() -> None:
    entered = event(2, "TaskStateEntered", 1, name="A")
    told = found(*started(), entered, event(3, "TaskScheduled", 1))["pattern"]
    assert "A uses unknown" in told.text
    assert "None" not in told.text
