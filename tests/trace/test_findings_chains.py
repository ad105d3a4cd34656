"""What calls alone look like: the counted is fact, the rest is inference."""

import pytest

from sfnwatch.trace.events import Received
from sfnwatch.trace.finding import Certainty, Finding
from tests.builders import ROLE, call, event, health, sync_history
from tests.trace.finding import describe_task, of_trace, row, run_task


def one(kind: str, told: dict[str, list[Finding]]) -> Finding:
    (found,) = told[kind]
    return found


def test_polling_looks_like_sync() -> None:
    told = of_trace(
        row("RunTask", 1), row("DescribeTasks", 56), row("DescribeTasks", 115)
    )
    pattern = one("pattern", told)
    assert pattern.certainty is Certainty.INFERENCE
    assert "looks like an optimised integration with .sync (ecs:runTask.sync)" in (
        pattern.text
    )
    assert pattern.data["pattern"] == "sync"
    polling = one("polling", told)
    assert polling.certainty is Certainty.FACT
    assert polling.data["intervals"] == [55, 59]
    assert (
        "at intervals of 55 and 59 s, counted from RunTask (mean 57 s)" in polling.text
    )
    assert "calls alone show what was called" in one("unseen", told).text


def test_a_task_that_says_who_started_it_looks_like_sync() -> None:
    """Whoever starts a task may write there what they like."""
    marked = run_task(1, 1, parameters={"startedBy": "AWS Step Functions"})
    pattern = one("pattern", of_trace(marked))
    assert pattern.certainty is Certainty.INFERENCE
    assert pattern.data["pattern"] == "sync"
    assert pattern.data["candidates"] == ["sync"]


def test_an_action_alone_may_be_one_of_two() -> None:
    told = of_trace(row("RunTask", 1))
    pattern = one("pattern", told)
    assert pattern.data["pattern"] is None
    assert pattern.data["candidates"] == ["request-response", "aws-sdk", "sync"]
    assert "which calls alone can't tell apart" in pattern.text
    alone = one("calls", told)
    assert (alone.certainty, alone.data["polls"]) == (Certainty.FACT, 0)
    whole = one("pattern", of_trace(run_task(1, 1, parameters={"cluster": "c"})))
    assert whole.data["candidates"] == ["request-response", "aws-sdk"]


def test_denied_polls_say_nothing_of_the_outcome() -> None:
    polls = [row("DescribeTasks", at, errorcode="AccessDenied") for at in (60, 120)]
    told = of_trace(row("RunTask", 1), *polls)
    assert "2 of 2 polls were denied" in one("polling", told).text
    denied = one("denied-unknown", told)
    assert denied.certainty is Certainty.FACT
    assert "the outcome is not in these records" in denied.text
    assert (denied.data["count"], denied.data["polls"]) == (2, 2)


def test_overlapping_actions_are_said_to_be_told_apart_by_nothing() -> None:
    polls = [row("DescribeTasks", at) for at in (60, 66, 120, 126)]
    told = of_trace(row("RunTask", 1), row("RunTask", 9), *polls)
    assert one("pattern", told).text.startswith("At least one of 2 RunTask from")
    polling = one("polling", told)
    assert "nothing in these records tells which polls are whose" in polling.text
    assert polling.data["mixed"] is True
    assert polling.data["interval_mean"] is None


def test_very_many_chains_are_told_of_together() -> None:
    begun = [run_task(n, 1 + n) for n in range(40)]
    alone = of_trace(*begun)
    assert one("calls", alone).data["count"] == 40
    assert "RunTask 40 times: each looks like" in one("pattern", alone).text
    polls = [describe_task(n, 60 + n) for n in range(40)]
    polled = of_trace(*begun, *polls)
    polling = one("polling", polled)
    assert (polling.data["count"], polling.data["interval_mean"]) == (40, 59)


def test_denials_of_very_many_are_counted_together() -> None:
    error = ("AccessDenied", "no")
    begun = [run_task(n, 1 + n) for n in range(10)]
    polls = [describe_task(n, 60 + n, error=error) for n in range(10)]
    told = of_trace(*begun, *polls)
    assert one("denied-unknown", told).data["count"] == 10


def test_refused_and_other_calls_are_counted() -> None:
    told = of_trace(
        row("RunTask", 1, errorcode="AccessDenied"),
        row("RunTask", 2, errorcode="ThrottlingException"),
        call("GetObject", 3, key="a", source="s3.amazonaws.com"),
        call("GetObject", 4, key="b", source="s3.amazonaws.com"),
    )
    assert one("failed-calls", told).data["error_code"] == "AccessDenied"
    assert one("throttled-calls", told).data["count"] == 1
    assert "2 other calls: 2 s3:GetObject" in one("calls", told).text


@pytest.mark.parametrize(
    "stranger",
    [run_task(9, 900, role=f"{ROLE}-other"), run_task(9, 90_000, key="next-day")],
)
def test_calls_of_no_execution_here_are_counted_and_no_more(stranger: Received) -> None:
    records = [*sync_history(), stranger]
    told = of_trace(*records)
    assert one("other-calls", told).text == (
        "1 call by Step Functions, made by 1 other role, or at other times, is of no"
        " execution in these records."
    )
    live = of_trace(*records, health("lookup", "ended", 990))
    assert "other-calls" not in live, "CloudTrail asked live shows the whole account"
    assert not {"pattern", "calls"} & {
        kind for kind, found in told.items() if found[0].execution_arn is None
    }


def test_polls_that_rhythm_alone_gives_to_an_action_are_an_inference() -> None:
    begun = [row("RunTask", 1), row("RunTask", 30)]
    told = of_trace(*begun, row("DescribeTasks", 85), row("DescribeTasks", 144))
    assert one("polling", told).certainty is Certainty.INFERENCE
    alone = next(f for f in told["calls"] if "alone, no polling" in f.text)
    assert alone.certainty is Certainty.INFERENCE
    assert "come as if they were another's" in alone.text


def test_of_actions_that_polls_suit_alike_only_numbers_are_told() -> None:
    begun = [row("RunTask", 1), row("RunTask", 9)]
    told = of_trace(*begun, row("DescribeTasks", 56), row("DescribeTasks", 115))
    polling = one("polling", told)
    assert polling.certainty is Certainty.FACT
    assert "nothing in these records tells which polls are whose" in polling.text
    assert not any("alone" in found.text for found in told.get("calls", []))


def test_a_job_of_the_same_role_that_no_state_began_is_told_of() -> None:
    told = of_trace(*sync_history(), run_task(9, 900, key="late"))
    assert one("pattern", told).evidence == ("late",)
    assert "unseen" not in told


def test_hostile_names_are_clean() -> None:
    told = of_trace(
        row(
            "RunTask",
            1,
            errorcode="Bad\x1b[31m",
            arn="arn:aws:sts::1:assumed-role/\x1b/s",
        ),
        event(1, "ExecutionStarted", 0),
    )
    assert all("\x1b" not in f.text for found in told.values() for f in found)
