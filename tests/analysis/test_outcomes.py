"""What went wrong on the way, and what became of what was started."""

import json
from typing import Any

import pytest

from sfnwatch.analysis.finding import Certainty, Finding
from sfnwatch.analysis.findings import find
from sfnwatch.analysis.phases import retrying_states, segments
from sfnwatch.model.records import Received
from tests.analysis.finding_in import (
    LAMBDA_INVOKE,
    Doubted,
    by_kind,
    explained,
    found,
    reasons,
    run_task,
    task_arn,
    trace_of,
)
from tests.builders import (
    ARN,
    CHILD_ARN,
    DESCRIBE_SDK,
    MAP_RUN_ARN,
    NESTED,
    OTHER_ARN,
    REQUEST_RESPONSE,
    History,
    Which,
    answer,
    at,
    call,
    counted,
    definition,
    health,
    map_child,
    nested_run,
    photos,
    redriven_run,
    sync_history,
    sync_run,
    task_state,
)


def tried(run: History, *errors: str, succeeds: bool = True) -> History:
    """Write a state that fails so often, each attempt 2 s, with 3 s between."""
    run.add("TaskStateEntered", name="Work")
    for number, error in enumerate(errors):
        run.add("TaskScheduled", wait=3 if number else 0, **LAMBDA_INVOKE)
        run.add("TaskFailed", wait=2, error=error, **LAMBDA_INVOKE)
    if succeeds:
        run.add("TaskScheduled", wait=3, **LAMBDA_INVOKE)
        run.add("TaskSucceeded", wait=1, output="{}", **LAMBDA_INVOKE)
        run.add("TaskStateExited", name="Work")
    return run


def test_attempts_are_counted_with_what_they_cost() -> None:
    run = tried(History().start(), "Error0", "Error1")
    (retries,) = found(*run.records)["retries"]
    assert retries.text == (
        "Work took 3 attempts to succeed; 2 attempts failed (1 with Error0 and 1 with"
        " Error1). The failed attempts took 4 s, plus 6 s of retry back-off."
    )
    assert retries.evidence == ("#4", "#6")
    assert retries.data == {
        "visit": 2,
        "visits": 1,
        "tries": 3,
        "failed": 2,
        "errors": {"Error0": 1, "Error1": 1},
        "failed_seconds": 4.0,
        "backing_off_seconds": 6.0,
        "storm": False,
    }


def test_very_many_attempts_are_a_storm() -> None:
    run = tried(History().start(), *["Error"] * 9, succeeds=False)
    (retries,) = found(*run.end("Failed", error="Error").records)["retries"]
    assert retries.text.startswith(
        "Retry storm: Work was tried 9 times and failed for good; 9 attempts failed"
    )
    assert retries.data["storm"] is True


def test_the_retries_of_very_many_visits_are_told_of_together() -> None:
    run = History().start()
    for _ in range(5):
        tried(run, "Error")
    (retries,) = found(*run.records)["retries"]
    assert retries.text.startswith("Work took 10 attempts in 5 visits to succeed; 5 ")


def test_which_iteration_was_retried_is_told() -> None:
    run = History().start()
    run.map("Each", tried, lambda it: tried(it, "Boom"))
    (retries,) = found(*run.records)["retries"]
    assert retries.text.startswith("Each[1] / Work took 2 attempts to succeed")


# -- caught ----------------------------------------------------------------------------


def test_what_was_caught_is_told_with_the_state_that_came_next() -> None:
    run = History().start()
    run.task("Charge", LAMBDA_INVOKE, error="Declined", cause="No.", caught=True)
    text = explained(*run.state("Ask again").end().records)
    assert "Charge failed with Declined: No (caught, and Ask again came next)." in text


# -- calls -----------------------------------------------------------------------------


def test_very_many_errors_that_were_caught_alike_are_told_together() -> None:
    def work(inner: History) -> None:
        inner.task("Work", LAMBDA_INVOKE, error="E", cause="x", caught=True)
        inner.state("Rescue")

    (told,) = found(*History().start().map("Each", *[work] * 9).records)["caught"]
    assert told.text == "Work failed 9 times with E (caught, and Rescue came next)."
    assert (told.data["count"], told.data["next_state"]) == (9, "Rescue")
    assert len(told.evidence) == 9


def test_what_follows_a_failure_is_back_off_only_if_the_definition_retries() -> None:
    run = History().start()
    run.add("TaskStateEntered", name="Work")
    run.add("TaskScheduled", **LAMBDA_INVOKE)
    run.add("TaskFailed", error="E", **LAMBDA_INVOKE)
    for retries, phase in (([], "waiting"), ([{"ErrorEquals": ["E"]}], "backing off")):
        known = definition({"Work": {"Type": "Task", "Retry": retries}})
        execution = trace_of(*run.records, known).as_of().executions[ARN]
        (visit,) = execution.visits
        found_ = segments(visit, at(60), retrying_states(execution))
        assert found_[-1].phase == phase


CAUSE = "no (Service: AmazonECS; Status Code: 400; Request ID: refused; Proxy: null)"


def test_an_action_that_was_refused_is_told_in_aws_s_own_words() -> None:
    run = History().start()
    run.task("Work", REQUEST_RESPONSE, error="ECS.AccessDenied", cause=CAUSE)
    error = ("AccessDenied", "not \x1b you.")
    refused = call("RunTask", 0, key="run", request_id="refused", error=error)
    (failed,) = found(*run.records, refused)["failed-calls"]
    assert failed.text == (
        'RunTask called by Work failed once with AccessDenied: "not ␛ you".'
    )
    assert failed.certainty is Certainty.FACT
    moment = Doubted(trace_of(*run.records, refused), {"run"}, matched=True)
    (maybe,) = by_kind(find(moment))["failed-calls"]
    assert "called by Work failed at most once with AccessDenied" in maybe.text
    assert maybe.certainty is Certainty.INFERENCE
    assert (maybe.data["count"], maybe.data["up_to"]) == (0, 1)
    assert failed.evidence == ("run",)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ThrottlingException", "throttled-calls"),
        ("Throttling", "throttled-calls"),
        ("Client.RequestLimitExceeded", "throttled-calls"),
        ("TooManyRequestsException", "throttled-calls"),
        ("ProvisionedThroughputExceededException", "throttled-calls"),
        ("InvalidParameterException", "failed-calls"),
        ("LimitExceededException", "failed-calls"),
    ],
)
def test_throttling_is_known_by_its_codes(code: str, kind: str) -> None:
    run = History().start()
    run.task("Work", REQUEST_RESPONSE, error=f"ECS.{code}", cause=CAUSE)
    refused = call("RunTask", 0, key="run", request_id="refused", error=(code, "no"))
    assert found(*run.records, refused)[kind][0].data["error_code"] == code


# -- jobs nobody waited for ------------------------------------------------------------


def left_alone() -> History:
    """Build a state that started task 7 and did not wait for it."""
    output = answer("unknown", task_arn(7))
    return History().start().task("Begin", REQUEST_RESPONSE, output=output)


def stopped(code: int | None, stop_code: str) -> dict[str, Any]:
    containers = [{"exitCode": code}]
    return {"taskArn": task_arn(7), "stopCode": stop_code, "containers": containers}


@pytest.mark.parametrize(
    ("code", "stop_code", "words"),
    [
        (3, "EssentialContainerExited", "ended with exit code 3"),
        (None, "TaskFailedToStart", "stopped with TaskFailedToStart"),
    ],
)
def test_a_call_that_shows_the_failed_job_is_evidence(
    code: int | None, stop_code: str, words: str
) -> None:
    seen = call("StopTask", 80, key="stop", response={"task": stopped(code, stop_code)})
    told = found(*left_alone().records, run_task(7, 1), seen)
    (failed,) = told["job-failed-later"]
    assert failed.text == (
        f"Begin succeeded without waiting, but the task it started (00000000) {words}."
    )
    assert failed.evidence == ("#5", "stop")
    assert failed.certainty is Certainty.FACT
    assert (failed.data["exit_code"], failed.data["stop_code"]) == (code, stop_code)


def test_a_later_state_that_describes_the_job_is_evidence_too() -> None:
    task = {"TaskArn": task_arn(7), "Containers": [{"ExitCode": 1}]}
    run = left_alone().task("Look", DESCRIBE_SDK, output={"Tasks": [task]})
    (failed,) = found(*run.records)["job-failed-later"]
    assert failed.evidence == ("#5", "#10")


def test_what_ecs_told_of_the_task_is_evidence_too() -> None:
    told = task_state(5, "STOPPED", 90, task=task_arn(7), exit_code=2)
    (failed,) = found(*left_alone().records, told)["job-failed-later"]
    assert failed.evidence == ("#5", f"task#{task_arn(7)}#5")


@pytest.mark.parametrize(
    "task", [stopped(0, "EssentialContainerExited"), stopped(None, "UserInitiated")]
)
def test_a_job_that_did_not_fail_is_no_evidence(task: dict[str, Any]) -> None:
    seen = call("StopTask", 80, key="stop", response={"task": task})
    records = [*left_alone().records, run_task(7, 1), seen]
    assert "job-failed-later" not in found(*records)


def test_a_nested_execution_that_nobody_waited_for_is_found_among_the_others() -> None:
    start: Which = {"resourceType": "states", "resource": "startExecution"}
    child = f"{ARN}-child"
    run = History().start().task("Begin", start, output={"ExecutionArn": child})
    failed = History(child, begin=2).start().end("Failed", error="E")
    (later,) = found(*run.records, *failed.records)["job-failed-later"]
    assert "the execution it started" in later.text
    assert "ended as FAILED" in later.text


def test_very_many_jobs_that_failed_are_told_of_together() -> None:
    run = History().start()
    for number in range(5):
        output = answer("unknown", task_arn(number))
        run.task("Begin", REQUEST_RESPONSE, output=output)
    told = [
        task_state(5, "STOPPED", 90, task=task_arn(number), exit_code=1)
        for number in range(5)
    ]
    (failed,) = found(*run.records, *told)["job-failed-later"]
    assert "5 tasks it started ended with exit code 1 or failed otherwise" in (
        failed.text
    )


# -- redrives --------------------------------------------------------------------------


def test_a_redrive_is_told_with_what_it_continued_with() -> None:
    (redriven,) = found(*redriven_run())["redriven"]
    assert redriven.text == (
        "The execution was redriven once, 12m 00s after it failed; it continued with"
        " Import."
    )
    assert redriven.evidence == ("#6", "#7", "#13")
    assert json.loads(json.dumps(redriven.data)) == {
        "redrives": 1,
        "count": 1,
        "seconds": 720.0,
        "status": "SUCCEEDED",
        "visits": [2],
    }
    assert "retries" not in found(*redriven_run())


def test_several_redrives_are_told_with_how_long_nothing_ran() -> None:
    run = History().start().task("Work", error="E").end("Failed", error="E")
    run.redrive().task("Work", error="E", entered=2).end("Failed", error="E")
    run.redrive(2, wait=60).task("Work", entered=2)
    (redriven,) = found(*run.end().records)["redriven"]
    assert "was redriven twice, having been stopped for 13m 00s in all" in (
        redriven.text
    )


# -- Map Runs --------------------------------------------------------------------------


def test_a_map_run_is_told_with_its_failures_first() -> None:
    (told,) = found(*photos())["children"]
    assert told.text == (
        "Each ran 4 items as 4 child executions: 1 failed and 3 succeeded (1 FAILED)."
        " 2 of the 4 child histories were read."
    )
    assert told.certainty is Certainty.FACT
    assert told.evidence == ("#4",)
    assert (told.data["failed"], told.data["errors"]) == (1, {"FAILED": 1})


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({"succeeded": 3}, "3 child executions: all of them succeeded."),
        ({"succeeded": 1}, "1 child execution: it succeeded."),
        ({"running": 2, "pending": 1}, "child executions: 2 running and 1 pending."),
        ({"timedOut": 1, "aborted": 2}, "1 timed out and 2 were aborted."),
        ({}, "0 child executions: none has started. No child has run yet."),
    ],
)
def test_what_became_of_child_executions_is_counted(
    counts: dict[str, Any], words: str
) -> None:
    run = History().start().map_run("Each", MAP_RUN_ARN)
    assert words in found(*run.records, counted(**counts))["children"][0].text


def test_children_that_were_not_read_are_told_with_calls_that_may_be_theirs() -> None:
    told = reasons(found(*photos(), run_task(7, 3), arn=None))["children-unread"]
    assert told.text == (
        "2 of the 4 child executions of Map Run Each 276e5993 were counted but not"
        " read; 1 call by that role may belong to them (1 RunTask)."
    )
    assert told.evidence == ("run-7-3",)
    assert told.data["map_run"] == MAP_RUN_ARN


def test_what_child_executions_did_is_found_too() -> None:
    told = found(*photos(), arn=map_child(0))
    assert "unseen" not in told
    assert "time" not in told, "its one state takes no time of its own"
    retried = History(CHILD_ARN).start().task("Archive", retried=["E"]).end()
    records = [r for r in nested_run() if r.execution_arn == ARN]
    assert "retries" in found(*records, *retried.records, arn=CHILD_ARN)


def test_a_child_execution_that_failed_is_told_with_its_error() -> None:
    submitted = {"ExecutionArn": CHILD_ARN, **answer("req-start")}
    run = History().start().task("Ask", NESTED, submitted=submitted, error="E")
    child = History(CHILD_ARN, begin=1).start().end("Failed", error="Oops", cause="No.")
    (failed,) = found(*run.records, *child.records)["child-failed"]
    assert failed.text == (
        "The child execution started by Ask, archive › run-7f3a-child, ended as FAILED"
        " with Oops: No."
    )
    assert failed.evidence == ("#3",)
    assert failed.data["execution"] == CHILD_ARN


# -- several ways ----------------------------------------------------------------------


def three_ways(*, denied: bool = False) -> list[Received]:
    """Build two ways of the experiment: a `.sync` run, and one that left its task."""
    task = "arn:aws:ecs:ap-northeast-1:123456789012:task/my-cluster/" + "0" * 32
    output = answer("other", task)
    other = History(OTHER_ARN).start()
    other.task("ECS RunTask", REQUEST_RESPONSE, output=output).end()
    made = call("RunTask", 0, key="other", request_id="other")
    return [*sync_run(denied=denied), *other.records, made]


def conclusions(*records: Received) -> list[Finding]:
    """Conclude, first of `.sync`."""
    told = found(*records, arn=None).get("conclusion", [])
    return sorted(told, key=lambda finding: -len(finding.data["resource"]))


def test_each_way_to_call_a_service_is_told_in_one_sentence() -> None:
    sync, plain = conclusions(*three_ways())
    assert sync.text == (
        "ecs:runTask.sync (7f3a) calls RunTask, then DescribeTasks about once a"
        " minute (5 polls)."
    )
    assert plain.text == ("ecs:runTask (0002) calls RunTask, with no poll matched.")
    assert sync.certainty is plain.certainty is Certainty.FACT
    assert (sync.data["polls"], sync.data["interval_mean"]) == (5, 58.6)
    assert plain.data["executions"] == [OTHER_ARN]


def test_that_denied_polls_did_not_matter_is_concluded() -> None:
    sync, _ = conclusions(*three_ways(denied=True))
    assert sync.text.endswith(
        "(5 polls); every poll was denied, yet it still succeeded, so completion"
        " doesn't depend on polling."
    )
    assert sync.certainty is Certainty.INFERENCE


def test_of_what_still_runs_only_what_was_seen_is_told() -> None:
    later = {"health", "describe"}
    records = [r for r in three_ways(denied=True) if r.kind not in later]
    begun = [
        record
        for record in records
        if record.execution_arn != ARN or record.record.get("type") not in _ENDS
    ]
    behind = health("lookup", "live", 400, complete_to="2023-11-15T00:28:30Z")
    sync, plain = conclusions(*begun, behind)
    assert "(5 polls so far); every poll was denied so far, and it is still" in (
        sync.text
    )
    assert plain.text.endswith("with no poll matched up to 00:28:30.")
    assert sync.certainty is plain.certainty is Certainty.INFERENCE


_ENDS = {"TaskSucceeded", "TaskStateExited", "ExecutionSucceeded"}


def test_one_way_alone_concludes_nothing() -> None:
    assert conclusions(*sync_run()) == []
    assert conclusions(*sync_run(), *sync_history(OTHER_ARN)) == []


def test_findings_stand_by_execution_and_those_of_the_whole_come_last() -> None:
    owners = [f.execution_arn for f in find(trace_of(*three_ways()).as_of())]
    assert sorted(owners, key=[OTHER_ARN, ARN, None].index) == owners
    assert set(owners) == {ARN, OTHER_ARN, None}
