"""From what Step Functions learned that a job had stopped, and how much later."""

import pytest

from sfnwatch.next.analysis.finding import Certainty
from sfnwatch.next.model.records import Received
from sfnwatch.next.model.times import iso
from tests.next.analysis.finding_in import (
    describe_task,
    explained,
    found,
    one_job,
    run_task,
)
from tests.next.builders import (
    SYNC,
    TASK_ARN,
    at,
    changed,
    health,
    sync_calls,
    sync_history,
    task_state,
)

DENIED = ("AccessDenied", "no")
FAILED = ("ServerException", "no")
RULE = "from the EventBridge managed rule StepFunctionsGetEventsForECSTaskRule"
COMPLETE = health("lookup", "ended", 999, complete_to=iso(at(900)))
UNKNOWN = "so it's not known whether a poll or an event reported it"


@pytest.mark.parametrize(
    ("calls", "words", "by", "certainty"),
    [
        ([], f"but no CloudTrail data is loaded, {UNKNOWN}", "unknown", "fact"),
        ([COMPLETE], f"{RULE}, with no DescribeTasks call in between", "event", None),
        (
            [run_task(0, 1), describe_task(0, 60)],
            f"but CloudTrail hasn't caught up to that point yet, {UNKNOWN}",
            "unknown",
            "fact",
        ),
        (
            [run_task(0, 1), describe_task(0, 99)],
            "from a poll or from an event: both fall within the same second",
            "poll",
            None,
        ),
        (
            [run_task(0, 1), describe_task(0, 99, error=DENIED), COMPLETE],
            f"{RULE}, with no DescribeTasks call in between but 1 that was denied",
            "event",
            None,
        ),
    ],
)
def test_what_told_of_the_stop_is_said_as_far_as_it_is_known(
    calls: list[Received], words: str, by: str, certainty: str | None
) -> None:
    (told,) = found(*one_job(), *calls)["noticed"]
    assert told.text == (
        "The task started by Work stopped at 00:30:02; Step Functions learned of it"
        f" 1 s later, {words}."
    )
    assert told.data["by"] == by
    assert told.certainty == (certainty or "inference")


@pytest.mark.parametrize(
    ("errors", "words"),
    [
        ([DENIED], "and the only DescribeTasks call in between was denied"),
        ([DENIED, DENIED], "and all 2 polls in between were denied"),
        ([DENIED, FAILED], "and all 2 polls in between failed"),
        ([None], "with a DescribeTasks call in between"),
    ],
)
def test_polls_in_between_are_told_with_what_came_of_them(
    errors: list[tuple[str, str] | None], words: str
) -> None:
    polls = [
        describe_task(0, 93 + number, error=error)
        for number, error in enumerate(errors)
    ]
    records = [*one_job(lag=8), run_task(0, 1), *polls, COMPLETE]
    (told,) = found(*records)["noticed"]
    assert words in told.text
    failed = sum(error is not None for error in errors)
    assert told.data.get("failed_polls", 0) == failed


def test_where_no_call_is_matched_nothing_is_concluded_from_that() -> None:
    other = run_task(7, 1, role="arn:aws:iam::123456789012:role/other")
    (told,) = found(*one_job(), other)["noticed"]
    assert f"but no call is matched to it, {UNKNOWN}" in told.text


def test_the_length_of_a_run_of_days_is_told_with_the_date_of_its_stop() -> None:
    (told,) = found(*one_job(lasts=172_900))["noticed"]
    assert "stopped at 2023-11-17 00:30:03" in told.text


def test_a_stop_that_was_never_learned_of_is_told() -> None:
    succeeded = sync_history()[5]
    timed_out = changed(
        succeeded,
        type="TaskTimedOut",
        taskSucceededEventDetails=...,
        taskTimedOutEventDetails={**SYNC, "error": "States.Timeout"},
    )
    stopped = task_state(5, "STOPPED", 200)
    records = [*sync_history()[:5], timed_out, *sync_calls(), stopped]
    (told,) = found(*records)["unnoticed"]
    assert told.certainty is Certainty.INFERENCE
    assert told.text == (
        "The task started by ECS RunTask had stopped at 00:31:44, and Step Functions"
        " had not learned of it when the state timed out 1m 49s later."
    )
    assert told.evidence == ("#6", f"task#{TASK_ARN}#5")
    assert "[#6, task 9f018ef6]" in explained(*records)
