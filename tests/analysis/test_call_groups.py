"""What calls alone look like: what is counted is fact, the rest is inference."""

from collections.abc import Sequence

import pytest

from sfnwatch.analysis.finding import Certainty, Finding
from sfnwatch.model.records import Received
from tests.analysis.finding_in import describe_task, found, run_task
from tests.builders import ROLE, call, health, row, sync_history


def alone(*records: Received) -> dict[str, list[Finding]]:
    return found(*records, arn=None)


def polls(*seconds: float, **more: str) -> list[Received]:
    return [row("DescribeTasks", at, **more) for at in seconds]


def test_polling_looks_like_run_a_job() -> None:
    told = alone(row("RunTask", 1), *polls(56, 115))
    (pattern,), (polling,) = told["pattern"], told["polling"]
    assert pattern.certainty is Certainty.INFERENCE
    assert "looks like ecs:runTask.sync (optimized integration, Run a Job)" in (
        pattern.text
    )
    assert pattern.data["pattern"] == "sync"
    assert polling.certainty is Certainty.FACT
    assert polling.text == (
        "After RunTask at 00:28:25, StepFunctions-sync-role polled twice with"
        " DescribeTasks, about once a minute: at intervals of 55 and 59 s, counted from"
        " RunTask (mean 57 s)."
    )


@pytest.mark.parametrize(
    ("action", "candidates"),
    [
        # Whoever starts a task may write there what they like.
        (run_task(1, 1, parameters={"startedBy": "AWS Step Functions"}), ["sync"]),
        (run_task(1, 1, parameters={"cluster": "c"}), ["request-response", "aws-sdk"]),
        (row("RunTask", 1), ["request-response", "aws-sdk", "sync"]),
    ],
)
def test_an_action_alone_may_be_of_several_patterns(
    action: Received, candidates: Sequence[str]
) -> None:
    told = alone(action)
    (pattern,), (calls,) = told["pattern"], told["calls"]
    assert pattern.certainty is Certainty.INFERENCE
    assert pattern.data["candidates"] == candidates
    assert calls.text == (
        "StepFunctions-sync-role called RunTask at 00:28:25; no poll after it is"
        " matched."
    )
    assert (calls.certainty, calls.data["polls"]) == (Certainty.FACT, 0)


def test_denied_polls_say_nothing_of_the_outcome() -> None:
    told = alone(row("RunTask", 1), *polls(60, 120, errorcode="AccessDenied"))
    (denied,) = told["denied-unknown"]
    assert denied.text == (
        "All 2 polls were denied (AccessDenied); whether that mattered is not known,"
        " because calls alone don't show how an execution ended."
    )
    assert denied.certainty is Certainty.FACT
    assert (denied.data["count"], denied.data["polls"]) == (2, 2)


def test_polls_that_suit_several_actions_are_only_counted() -> None:
    told = alone(row("RunTask", 1), row("RunTask", 30), *polls(85, 144))
    (pattern,), (polling,) = told["pattern"], told["polling"]
    assert pattern.text.startswith("At least one of 2 RunTask from 00:28:25 to")
    assert polling.certainty is Certainty.FACT
    assert "but nothing shows which polls are whose" in polling.text
    assert (polling.data["mixed"], polling.data["interval_mean"]) == (True, None)
    assert "calls" not in told


def test_a_poll_that_names_no_job_is_not_counted_to_one_that_is_asked_for() -> None:
    begun = [run_task(number, 1 + number) for number in range(2)]
    asked = [describe_task(number, 60 + number) for number in range(2)]
    throttled = call("DescribeTasks", 70, key="x", error=("ThrottlingException", "no"))
    told = alone(*begun, *asked, throttled)
    assert [polling.data["actions"] for polling in told["polling"]] == [1, 1, 0]
    sure = [polling.certainty is Certainty.FACT for polling in told["polling"]]
    assert not any(sure), "it may be any of theirs"


def test_a_poll_belongs_to_the_job_that_it_names() -> None:
    told = alone(
        *(run_task(number, 1 + 9 * number) for number in range(2)),
        *(describe_task(1, 70 + 60 * number) for number in range(2)),
        describe_task(0, 61),
    )
    counts = [polling.data["count"] for polling in told["polling"]]
    assert counts == [1, 2]
    assert all(polling.certainty is Certainty.FACT for polling in told["polling"])


def test_after_a_long_silence_a_job_is_over() -> None:
    told = alone(row("RunTask", 1), *polls(600))
    assert told["polling"][0].data["from"] is None
    assert len(told["calls"]) == 1


def test_very_many_jobs_are_told_of_together() -> None:
    begun = [run_task(number, 1 + number) for number in range(40)]
    (calls,), (pattern,) = alone(*begun)["calls"], alone(*begun)["pattern"]
    assert calls.data["count"] == 40
    assert "called RunTask 40 times: each looks like" in pattern.text
    error = ("AccessDenied", "no")
    asked = [describe_task(number, 60 + number, error=error) for number in range(40)]
    told = alone(*begun, *asked)
    (polling,), (denied,) = told["polling"], told["denied-unknown"]
    assert (polling.data["count"], polling.data["interval_mean"]) == (40, 59)
    assert polling.text.endswith("about once a minute; all 40 polls were denied.")
    assert denied.data["count"] == 40


def test_refused_and_other_calls_are_counted() -> None:
    told = alone(
        row("RunTask", 1, errorcode="AccessDenied"),
        row("RunTask", 2, errorcode="ThrottlingException"),
        call("GetObject", 3, key="a", source="s3.amazonaws.com"),
        call("GetObject", 4, key="b", source="s3.amazonaws.com"),
    )
    assert told["failed-calls"][0].data["error_code"] == "AccessDenied"
    assert told["throttled-calls"][0].data["count"] == 1
    assert told["calls"][0].text == (
        "StepFunctions-sync-role made 2 other calls: 2 s3:GetObject."
    )


@pytest.mark.parametrize(
    "stranger",
    [run_task(9, 900, role=f"{ROLE}-other"), run_task(9, 90_000, key="next-day")],
)
def test_calls_of_no_execution_here_are_counted_and_no_more(stranger: Received) -> None:
    records = [*sync_history(), stranger]
    told = alone(*records)
    assert told["other-calls"][0].text == (
        "1 call by Step Functions, made by 1 other role or at other times, belongs to"
        " no execution loaded."
    )
    assert not {"pattern", "calls"} & told.keys()
    live = alone(*records, health("lookup", "ended", 990))
    assert "other-calls" not in live, "CloudTrail asked live shows the whole account"


def test_a_job_of_the_same_role_that_no_state_started_is_told_of() -> None:
    told = alone(*sync_history(), run_task(9, 900, key="late"))
    assert told["pattern"][0].evidence == ("late",)
    assert "unseen" not in told
