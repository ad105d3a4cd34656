"""Polls, denied ones and what told of a job's end; the experiment's recorded rows."""

import pytest

from sfnwatch.analysis.finding import Certainty, Finding
from sfnwatch.analysis.findings import find
from sfnwatch.model.records import Received
from sfnwatch.model.values import iso
from tests.analysis.finding_in import (
    Doubted,
    by_kind,
    describe_task,
    explained,
    found,
    last_call,
    many_jobs,
    one_job,
    run_task,
    trace_of,
)
from tests.builders import (
    SYNC,
    TASK_ARN,
    at,
    call,
    changed,
    event,
    health,
    sync_calls,
    sync_history,
    sync_run,
    task_state,
)

DENIED = ("AccessDenied", "not authorized")


def waiting(*polls: Received) -> list[Received]:
    """Build a task that was started and is still waited for."""
    return [*sync_history()[:5], sync_calls()[0], *polls]


@pytest.mark.parametrize(
    ("polled", "expected"), [(56, "00:30:20"), (900, "00:48:24"), (9, "00:29:33")]
)
def test_the_next_poll_is_expected_after_a_minute_and_later_after_five(
    polled: int, expected: str
) -> None:
    poll = call("DescribeTasks", polled, key="poll", parameters={"tasks": [TASK_ARN]})
    told = found(*waiting(poll))
    (next_,) = told["next-poll"]
    assert next_.certainty is Certainty.INFERENCE
    assert f"is expected about {expected}" in next_.text


def test_polls_matched_by_a_guess_are_an_inference() -> None:
    history = [r for r in sync_history() if r.record["id"] not in {5, 6}]
    plain = [
        event(5, "TaskSubmitted", 1.2, **SYNC, output="{}"),
        event(6, "TaskSucceeded", 309, **SYNC, output="{}"),
    ]
    (polling,) = found(*history, *plain, *sync_calls())["polling"]
    assert polling.certainty is Certainty.INFERENCE
    assert polling.text == (
        "While ECS RunTask waited, Step Functions polled up to 5 times so far with"
        " DescribeTasks; matched by role, action and time."
    )
    assert (polling.data["count"], polling.data["up_to"]) == (0, 5)


def test_a_poll_that_failed_otherwise_is_not_denied() -> None:
    poll = describe_task(0, 60, error=("ThrottlingException", "Rate exceeded"))
    told = found(*one_job(), run_task(0, 1), poll)
    assert told["polling"][0].data["denied"] == 0
    assert "denied-but-succeeded" not in told
    (throttled,) = told["throttled-calls"]
    assert throttled.text == (
        "DescribeTasks called by Work was throttled once with ThrottlingException."
    )


def test_polls_of_a_file_are_told_so_far_where_it_may_have_been_cut() -> None:
    poll, run = describe_task(0, 60), run_task(0, 1)
    for cut in ([run, poll], [poll, last_call(200)]):
        (polling,) = found(*one_job(), *cut)["polling"]
        assert "polled once so far" in polling.text
        assert polling.data["so_far"]
    (whole,) = found(*one_job(), run, poll, last_call(200))["polling"]
    assert "so_far" not in whole.data


def test_a_poll_that_is_not_matched_is_not_called_unseen() -> None:
    trace = trace_of(*one_job(), run_task(0, 1), describe_task(0, 60), COMPLETE)
    unmatched = Doubted(trace, {"poll-0-60"}, matched=False)
    (calls,) = by_kind(find(unmatched))["calls"]
    assert calls.text == (
        "Work (ecs:runTask.sync) called RunTask once; no other call matched up to"
        " 00:43:24; not matched, but of that time: 1 DescribeTasks."
    )
    assert calls.certainty is Certainty.INFERENCE


# -- while CloudTrail is behind --------------------------------------------------------


def behind(*polls: int, complete: float | None, over: bool = True) -> Finding:
    """Tell of the polls that have come where CloudTrail is complete up to then."""
    history, (run, *asked) = sync_history(), sync_calls()
    known = {"complete_to": iso(at(complete))} if complete is not None else {}
    told = found(
        *(history if over else history[:5]),
        run,
        *(asked[number] for number in polls),
        health("lookup", "live", 400, **known),
    )
    return told["polling"][0]


MAY_CHANGE = "; later records may change this"


@pytest.mark.parametrize(
    ("told", "words", "intervals", "certainty"),
    [
        # The second of the three came last: 60, 177 and 55 s are nobody's intervals.
        (
            behind(0, 2, 3, complete=100),
            f"so far with DescribeTasks, the first 55 s after RunTask{MAY_CHANGE}",
            [55],
            Certainty.INFERENCE,
        ),
        (
            behind(0, 1, 2, 3, complete=180),
            f"63 s, counted from RunTask (mean 59 s), up to 00:31:24{MAY_CHANGE}",
            [55, 59, 63],
            Certainty.INFERENCE,
        ),
        (
            behind(0, 2, 3, 4, complete=420),
            "polled 4 times with",
            [55, 122, 55, 61],
            Certainty.FACT,
        ),
        (behind(0, 1, complete=None), "twice so far", [], Certainty.INFERENCE),
        (behind(0, 1, complete=0), "twice so far", [], Certainty.INFERENCE),
        # While it waits more will come: up to the last is enough.
        (
            behind(0, 1, complete=130, over=False),
            "polled twice so far",
            [55, 59],
            Certainty.FACT,
        ),
    ],
)
def test_no_interval_is_told_that_a_late_record_may_divide(
    told: Finding, words: str, intervals: list[float], certainty: Certainty
) -> None:
    assert words in told.text
    assert told.data["intervals"] == intervals
    assert told.data.get("so_far", False) == ("so far" in told.text)
    assert told.certainty is certainty


# -- many attempts ---------------------------------------------------------------------


def test_three_attempts_are_told_of_one_by_one() -> None:
    told = found(*many_jobs(3))
    subjects = [each.text.split(" waited")[0] for each in told["polling"]]
    assert subjects == [f"While Each[{n}] / Work" for n in range(3)]
    assert len(told["noticed"]) == 3


def test_very_many_attempts_are_told_of_together() -> None:
    told = found(*many_jobs(60), last_call(9999))
    (polling,) = told["polling"]
    assert polling.text == (
        "While Work waited in 60 attempts, Step Functions polled 60 times with"
        " DescribeTasks, 1 per attempt, about once a minute (54 to 58 s)."
    )
    assert (len(polling.evidence), polling.data["tries"]) == (50, 60)
    (completion,) = told["noticed"]
    assert completion.text == (
        "Step Functions learned that the 60 tasks started by Work had stopped 0.79 s"
        " to 1.4 s (median 1.1 s) after they did: 50 by an event, 10 by a poll."
    )


# -- denied ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "denied", "kind", "words"),
    [
        (None, 1, "denied-but-succeeded", "so completion doesn't depend on polling"),
        (
            "States.TaskFailed",
            1,
            "denied-and-failed",
            "and it did not succeed: whether the denials mattered is not known",
        ),
        (
            None,
            0,
            "denied-but-succeeded",
            "1 of 2 polls for Work was denied, yet it still succeeded: the denials",
        ),
    ],
)
def test_what_came_of_denied_polls_is_told(
    error: str | None, denied: int, kind: str, words: str
) -> None:
    polls = [describe_task(0, 60, error=DENIED)]
    if not denied:
        polls.append(describe_task(0, 80))
    told = found(*one_job(error=error), run_task(0, 1), *polls, last_call(200))
    (finding,) = told[kind]
    assert words in finding.text
    assert finding.certainty is Certainty.INFERENCE
    assert (finding.data["count"], finding.data["error_code"]) == (1, "AccessDenied")


def test_while_the_state_waits_it_is_not_known_whether_denials_matter() -> None:
    poll = describe_task(0, 60, error=DENIED)
    (denied,) = found(*one_job()[:5], run_task(0, 1), poll)["denied-unknown"]
    assert denied.text == (
        "1 of 1 poll for Work was denied, and the state is still waiting: whether that"
        " matters is not known yet."
    )
    assert denied.certainty is Certainty.FACT


def test_denials_so_far_prove_nothing_of_polls_that_are_still_missing() -> None:
    known = health("lookup", "live", 400, complete_to=iso(at(70)))
    poll = describe_task(0, 60, error=DENIED)
    (denied,) = found(*one_job(), run_task(0, 1), poll, known)["denied-but-succeeded"]
    assert denied.text == (
        "1 of 1 poll for Work was denied so far, yet it still succeeded: the denials"
        " did not decide the outcome."
    )


def test_denied_polls_of_another_account_s_job_name_no_rule() -> None:
    own = {"roleArn": "arn:aws:iam::999999999999:role/there"}
    history = [
        changed(r, taskScheduledEventDetails={**SYNC, "taskCredentials": own})
        if r.record["type"] == "TaskScheduled"
        else r
        for r in one_job()
    ]
    role = own["roleArn"]
    poll = describe_task(0, 60, error=DENIED, role=role)
    told = found(*history, run_task(0, 1, role=role), poll, last_call(200))
    (denied,) = told["denied-but-succeeded"]
    assert denied.text.endswith("so completion doesn't depend on polling.")


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
        ([DENIED, DENIED], "and all 2 DescribeTasks calls in between were denied"),
        ([DENIED, FAILED], "and all 2 DescribeTasks calls in between failed"),
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


@pytest.mark.parametrize("matched", [True, False])
def test_what_told_is_open_while_a_poll_in_between_may_be_its_own(
    *, matched: bool
) -> None:
    trace = trace_of(*one_job(lag=8), run_task(0, 1), describe_task(0, 95), COMPLETE)
    moment = Doubted(trace, {"poll-0-95"}, matched=matched)
    (told,) = by_kind(find(moment))["noticed"]
    words = "with a DescribeTasks call in between that may be its own"
    assert told.text.endswith(f"{words}, {UNKNOWN}.")
    assert (told.data["by"], told.certainty) == ("unknown", Certainty.INFERENCE)


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


def test_a_whole_run_is_polled_for_and_learned_of_by_event() -> None:
    told = found(*sync_run())
    (polling,), (completion,) = told["polling"], told["noticed"]
    assert polling.data["intervals"] == [55, 59, 63, 55, 61]
    assert polling.certainty is Certainty.FACT
    assert completion.text == (
        "The task started by ECS RunTask stopped at 00:33:31; Step Functions learned"
        " of it 1.9 s later, from the EventBridge managed rule"
        " StepFunctionsGetEventsForECSTaskRule, with no DescribeTasks call in between."
    )
    assert completion.certainty is Certainty.INFERENCE
    assert (completion.data["seconds"], completion.data["by"]) == (1.9, "event")


def test_denied_polls_show_that_completion_does_not_depend_on_them() -> None:
    (denied,) = found(*sync_run(denied=True))["denied-but-succeeded"]
    assert denied.text == (
        "Every poll for ECS RunTask was denied (5 of 5), yet it still succeeded, so"
        " completion doesn't depend on polling: the EventBridge managed rule"
        " StepFunctionsGetEventsForECSTaskRule reports it too."
    )
    assert denied.certainty is Certainty.INFERENCE
