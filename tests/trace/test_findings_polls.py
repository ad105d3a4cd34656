"""Polls: how often, until when, and whether it mattered that they were denied."""

from datetime import timedelta
from typing import Any

import pytest

from sfnwatch.trace.events import Received
from sfnwatch.trace.finding import Certainty, Finding
from sfnwatch.trace.report import report
from sfnwatch.trace.times import iso
from tests.builders import START, event, health, sync_calls, sync_history
from tests.trace.finding import (
    SYNC,
    begun,
    describe_task,
    done,
    every,
    iterations,
    run_task,
    submitted,
    trace_of,
)


def waiting(*polls: Received) -> list[Received]:
    """Build a task that was begun and is still waited for."""
    return [*sync_history()[:5], sync_calls()[0], *polls]


def test_the_next_poll_is_expected_a_minute_after_the_last() -> None:
    told = every(*waiting(*sync_calls()[1:3]))
    (next_,) = told["next-poll"]
    assert next_.certainty is Certainty.INFERENCE
    assert next_.data["expected_at"] == "2023-11-15T00:31:19.000Z"
    assert "00:31:19 UTC" in next_.text
    assert next_.evidence == ("poll-1",)


def test_after_ten_minutes_it_is_expected_after_five() -> None:
    late = sync_calls()[1]
    record = late.data["CloudTrailEvent"].replace("00:29:20", "00:38:30")
    moved = Received(
        late.at, late.source, None, {**late.data, "CloudTrailEvent": record}
    )
    (next_,) = every(*waiting(moved))["next-poll"]
    assert next_.data["expected_at"] == "2023-11-15T00:43:30.000Z"


def test_no_poll_is_expected_of_a_state_that_is_over() -> None:
    assert "next-poll" not in every(*sync_history(), *sync_calls())


def test_polls_tied_by_a_guess_are_an_inference() -> None:
    history = [r for r in sync_history() if r.data["id"] not in {5, 6}]
    plain = [
        event(5, "TaskSubmitted", 1.2, **SYNC, output="{}"),
        event(6, "TaskSucceeded", 309, **SYNC, output="{}"),
    ]
    (polling,) = every(*history, *plain, *sync_calls())["polling"]
    assert polling.certainty is Certainty.INFERENCE
    assert polling.text.endswith("as far as role, action and time tell.")
    assert polling.data["count"] == 5


def test_a_poll_that_failed_otherwise_is_not_denied() -> None:
    poll = describe_task(0, 60, error=("ThrottlingException", "Rate exceeded"))
    told = every(*_one_task(), run_task(0, 1), poll)
    assert told["polling"][0].data["denied"] == 0
    assert "denied-but-succeeded" not in told
    (throttled,) = told["throttled-calls"]
    assert throttled.data["count"] == 1
    assert "was throttled once with ThrottlingException" in throttled.text


# -- while CloudTrail is behind --------------------------------------------------


def _behind(*polls: int, complete: float | None, over: bool = True) -> Finding:
    """Tell of the polls that have come in where CloudTrail is complete to then."""
    history, (run, *asked) = sync_history(), sync_calls()
    at = START + timedelta(seconds=complete or 0)
    known = {"complete_to": iso(at)} if complete is not None else {}
    told = every(
        *(history if over else history[:5]),
        run,
        *(asked[number] for number in polls),
        health("lookup", "live", 400, **known),
    )
    return told["polling"][0]


def test_a_gap_that_a_late_poll_may_fill_is_not_told() -> None:
    """The second of the three came last: 60, 177 and 55 s are nobody's intervals."""
    early = _behind(0, 2, 3, complete=100)
    assert early.text == (
        "While ECS RunTask waited, Step Functions polled 3 times so far with"
        " DescribeTasks, the first 55 s after RunTask; later records may be missing."
    )
    assert early.certainty is Certainty.INFERENCE
    assert (early.data["intervals"], early.data["count"]) == ([55], 3)
    assert early.data["so_far"] is True
    whole = _behind(0, 1, 2, 3, complete=180)
    assert "at intervals of 55, 59 and 63 s" in whole.text
    assert "(mean 59 s), up to 00:31:24 UTC; later" in whole.text
    assert whole.certainty is Certainty.INFERENCE


def test_a_gap_below_the_watermark_is_real() -> None:
    told = _behind(0, 2, 3, 4, complete=420)
    assert told.data["intervals"] == [55, 122, 55, 61]
    assert told.certainty is Certainty.FACT
    assert "so far" not in told.text


@pytest.mark.parametrize("complete", [None, 0])
def test_without_a_watermark_there_is_no_cadence(complete: float | None) -> None:
    told = _behind(0, 1, complete=complete)
    assert told.text == (
        "While ECS RunTask waited, Step Functions polled twice so far with"
        " DescribeTasks; later records may be missing."
    )
    assert told.certainty is Certainty.INFERENCE
    assert told.data["interval_mean"] is None


def test_of_a_state_that_still_waits_the_polls_so_far_are_a_fact() -> None:
    told = _behind(0, 1, complete=130, over=False)
    assert "polled twice so far with DescribeTasks, about once a minute" in told.text
    assert "missing" not in told.text
    assert told.certainty is Certainty.FACT


def test_the_table_of_states_has_no_intervals_that_may_change_either() -> None:
    run, first, _, third, *_ = sync_calls()
    at = iso(START + timedelta(seconds=100))
    records = [*sync_history(), run, first, third]
    told = report(trace_of(*records, health("lookup", "live", 400, complete_to=at)))
    (row,) = told.executions[0].states
    assert (row.calls.poll_mean, row.calls.poll_max) == (55, 55)


def test_very_many_tries_are_told_so_far_too() -> None:
    at = iso(START + timedelta(seconds=10))
    records = [*_polled(5), health("lookup", "live", 400, complete_to=at)]
    (polling,) = every(*records)["polling"]
    assert polling.text == (
        "While Work waited in 5 tries, Step Functions polled 5 times so far with"
        " DescribeTasks, 1 a try; later records may be missing."
    )
    assert polling.certainty is Certainty.INFERENCE


def test_denials_so_far_prove_nothing_of_the_polls_still_missing() -> None:
    poll = describe_task(0, 60, error=("AccessDenied", _message()), parameters=None)
    at = iso(START + timedelta(seconds=70))
    known = health("lookup", "live", 400, complete_to=at)
    found = denied("denied-but-succeeded", *_one_task(), run_task(0, 1), poll, known)
    assert found.text == (
        "1 poll so far was denied, and Work succeeded all the same: the denials did"
        " not decide the outcome."
    )


def _one_task(*, ends: str = "TaskSucceeded", **ended: Any) -> list[Received]:
    end = {"output": done(0, 99), **ended} if ends == "TaskSucceeded" else ended
    return [
        begun(),
        event(2, "TaskStateEntered", 0.1, name="Work"),
        event(3, "TaskScheduled", 0.1, **SYNC),
        event(4, "TaskStarted", 0.2, **SYNC),
        event(5, "TaskSubmitted", 1.1, **SYNC, output=submitted(0)),
        event(6, ends, 100, **SYNC, **end),
    ]


# -- many tries ------------------------------------------------------------------


def _polled(count: int) -> list[Received]:
    calls = [run_task(n, 1) for n in range(count)]
    calls += [describe_task(n, 55 + n % 5) for n in range(count)]
    return [*iterations(count), *calls]


def test_three_tries_are_told_of_one_by_one() -> None:
    told = every(*_polled(3))
    subjects = [found.text.split(" waited")[0] for found in told["polling"]]
    assert subjects == [f"While Each[{n}] / Work" for n in range(3)]
    assert len(told["noticed"]) == 3


def test_very_many_tries_are_told_of_together() -> None:
    told = every(*_polled(200))
    (polling,) = told["polling"]
    assert polling.text == (
        "While Work waited in 200 tries, Step Functions polled 200 times with"
        " DescribeTasks, 1 a try, about once a minute (54 to 58 s)."
    )
    assert len(polling.evidence) == 50
    assert (polling.data["tries"], polling.data["count"]) == (200, 200)
    (noticed,) = told["noticed"]
    assert noticed.text == (
        "The ends of 200 jobs started by Work were known 0.8 s after they stopped:"
        " 200 open by what."
    )
    assert noticed.data["tries"] == 200
    assert sum(noticed.data["by"].values()) == 200
    assert {kind: len(found) for kind, found in told.items()} == {
        "pattern": 1,
        "polling": 1,
        "noticed": 1,
        "time": 1,
    }


# -- denied ----------------------------------------------------------------------


def denied(kind: str, *records: Received) -> Finding:
    (found,) = every(*records)[kind]
    return found


def test_all_polls_denied_and_a_success_show_that_there_is_another_way() -> None:
    poll = describe_task(0, 60, error=("AccessDenied", _message()), parameters=None)
    found = denied("denied-but-succeeded", *_one_task(), run_task(0, 1), poll)
    assert "did not decide the outcome, so polling is not the only way" in found.text
    assert "StepFunctionsGetEventsForECSTaskRule" in found.text
    assert found.evidence[-1] == "#6"


def _message() -> str:
    return f"not authorized to perform: ecs:DescribeTasks on resource: {'0' * 32}"


def test_some_polls_denied_show_no_such_thing() -> None:
    told = every(
        *_one_task(),
        run_task(0, 1),
        describe_task(0, 60),
        describe_task(0, 90, error=("AccessDenied", _message()), parameters=None),
    )
    (found,) = told["denied-but-succeeded"]
    assert found.text.endswith("the denials did not decide the outcome.")
    assert "1 of 2 polls was denied" in told["polling"][0].text
    assert (found.data["count"], found.data["polls"]) == (1, 2)


@pytest.mark.parametrize(
    ("cause", "says"),
    [
        (done(0, 99), "failed by its job's own end"),
        ("who knows", "whether the denials mattered is open"),
    ],
)
def test_denied_polls_of_a_failure(cause: str, says: str) -> None:
    records = _one_task(ends="TaskFailed", error="States.TaskFailed", cause=cause)
    poll = describe_task(0, 60, error=("AccessDenied", _message()), parameters=None)
    found = denied("denied-and-failed", *records, run_task(0, 1), poll)
    assert says in found.text
    assert found.certainty is Certainty.INFERENCE


def test_denied_polls_of_a_state_that_still_waits_are_open() -> None:
    found = denied("denied-unknown", *waiting(sync_calls(denied=True)[1]))
    assert found.text == (
        "1 poll was denied, and ECS RunTask still waits: whether that matters is open."
    )
    assert found.certainty is Certainty.FACT
    assert found.evidence == ("poll-0",)


def test_another_account_s_job_has_no_rule_to_name() -> None:
    records = _one_task()
    own: dict[str, Any] = {
        "taskCredentials": {"roleArn": "arn:aws:iam::999999999999:role/there"}
    }
    records[2] = event(3, "TaskScheduled", 0.1, **SYNC, **own)
    there = "arn:aws:iam::999999999999:role/there"
    poll = describe_task(
        0, 60, error=("AccessDenied", _message()), parameters=None, role=there
    )
    found = denied("denied-but-succeeded", *records, run_task(0, 1, role=there), poll)
    assert "StepFunctionsGetEvents" not in found.text
