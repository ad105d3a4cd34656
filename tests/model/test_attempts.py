"""One try of a Task: which ids are its own, how it ended, and when its job had."""

import json
from datetime import timedelta
from typing import Any

import pytest

from sfnwatch.model.integrations import Pattern
from sfnwatch.model.visits import Attempt
from tests import builders as aws
from tests.model.answers import attempt_of, execution_of, trace_of

STOPPED = aws.milliseconds(307.1)
STAGES = ("", "Schedule", "Start", "Submit")


def tried(*phases: tuple[str, aws.Which]) -> Attempt:
    """Read the one attempt of a Task that went through these phases, from event 3."""
    run = aws.History(pace=1).start()
    given = json.dumps({"TaskArn": "of an earlier state"})
    run.add("TaskStateEntered", name="A", input=given)
    for kind, details in phases:
        run.add(kind, **details)
    return attempt_of(*run.records)


def told(key: str, value: Any, which: aws.Which = aws.SYNC) -> aws.Which:
    return {**which, key: value if isinstance(value, str) else json.dumps(value)}


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("output", {"SdkResponseMetadata": {"RequestId": "r-1"}}),
        ("output", {"SdkHttpMetadata": {"HttpHeaders": {"x-amzn-RequestId": "r-1"}}}),
        ("output", {"SdkHttpMetadata": {"HttpHeaders": {"X-Amzn-Requestid": "r-1"}}}),
        ("cause", "Gone (Service: Db; Status Code: 404; Request ID: r-1; Proxy: null)"),
        ("cause", "Not found (Service: S3, Status Code: 404, Request ID: r-1)"),
        ("cause", "Gone (Request ID: r-1, Extended Request ID: long/er=)"),
    ],
)
@pytest.mark.parametrize("kind", ["TaskSubmitted", "TaskFailed", "TaskSubmitFailed"])
def test_a_request_id_is_in_an_answers_metadata_or_in_the_cause_of_a_failure(
    kind: str, key: str, text: Any
) -> None:
    attempt = tried(("TaskScheduled", aws.SYNC), (kind, told(key, text)))
    assert list(attempt.request_ids) == ["r-1"]


def test_ids_are_taken_from_the_attempt_s_own_events_alone() -> None:
    """A state is given the ids of earlier states, and passes them on."""
    attempt = tried(
        ("TaskScheduled", told("parameters", {"TaskArn": "scheduled"})),
        ("TaskSucceeded", told("output", {})),
        ("TaskStateExited", {"name": "A", "output": '{"TaskArn": "out"}'}),
    )
    assert attempt.resource_ids == ()
    tasks = {"Tasks": [{"TaskArn": "t-1"}, {"TaskArn": "t-2"}]}
    sdk = tried(
        ("TaskScheduled", aws.SDK), ("TaskSucceeded", told("output", tasks, aws.SDK))
    )
    assert list(sdk.resource_ids) == ["t-1", "t-2"]


@pytest.mark.parametrize("key", ["output", "cause"])
@pytest.mark.parametrize(
    ("which", "job", "stopped"),
    [
        (aws.SYNC, f'{{"TaskArn": "t", "StoppedAt": {STOPPED}}}', True),
        (aws.NESTED, f'{{"ExecutionArn": "t", "StopDate": {STOPPED}}}', True),
        (aws.SYNC, '{"StoppedAt": "yesterday"}', False),
        (aws.SYNC, '{"StoppedAt": 1e300}', False),
        (aws.REQUEST_RESPONSE, f'{{"StoppedAt": {STOPPED}}}', False),
        ({**aws.SYNC, "resourceType": "batch"}, f'{{"StoppedAt": {STOPPED}}}', False),
        (aws.NESTED, '{"StopDate": true}', False),
        (aws.NESTED, f'{{"StopDate": "{STOPPED}"}}', False),
        (aws.NESTED, '["StopDate"]', False),
    ],
)
def test_a_job_that_was_waited_for_says_when_it_stopped_however_it_ended(
    which: aws.Which, key: str, job: str, *, stopped: bool
) -> None:
    kind = "TaskSucceeded" if key == "output" else "TaskFailed"
    attempt = tried(("TaskScheduled", which), (kind, told(key, job, which)))
    assert attempt.stopped_at == (aws.at(307.1) if stopped else None)


@pytest.mark.parametrize(
    ("kind", "which", "pattern"),
    [
        ("Task", aws.SYNC, Pattern.SYNC),
        ("Task", {**aws.SYNC, "resource": "runTask.sync:2"}, Pattern.SYNC),
        ("Task", aws.REQUEST_RESPONSE, Pattern.REQUEST_RESPONSE),
        ("Task", {**aws.SYNC, "resource": "x.waitForTaskToken"}, "waitForTaskToken"),
        ("Task", aws.SDK, Pattern.AWS_SDK),
        ("LambdaFunction", aws.LAMBDA, Pattern.LAMBDA),
        ("Activity", aws.ACTIVITY, Pattern.ACTIVITY),
    ],
)
def test_the_pattern_shows_in_what_was_scheduled(
    kind: str, which: aws.Which, pattern: str
) -> None:
    role = "arn:aws:iam::111111111111:role/elsewhere"
    scheduled = {**which, "taskCredentials": {"roleArn": role}}
    attempt = tried((f"{kind}Scheduled", scheduled))
    assert (attempt.pattern, attempt.resource) == (pattern, which["resource"])
    assert (attempt.integration is None) is (pattern == Pattern.ACTIVITY)
    assert attempt.role_arn == role
    assert tried((f"{kind}Scheduled", {})).resource is None


@pytest.mark.parametrize("family", ["Task", "LambdaFunction", "Activity"])
@pytest.mark.parametrize(
    "phase", [*(f"{stage}Failed" for stage in STAGES), "TimedOut", "Succeeded"]
)
def test_functions_and_activities_are_tried_like_tasks(family: str, phase: str) -> None:
    status = {"TimedOut": "timed_out", "Succeeded": "succeeded"}.get(phase, "failed")
    attempt = tried(
        (f"{family}Scheduled", aws.LAMBDA),
        (f"{family}Started", {}),
        (family + phase, {"error": "E", "cause": "C"}),
    )
    assert (attempt.status, attempt.error, attempt.cause) == (status, "E", "C")
    assert (attempt.started_at, attempt.ended_at) == (aws.at(3), aws.at(4))


def test_a_try_begins_with_what_is_heard_first_of_it_and_no_other_after_its_end() -> (
    None
):
    """That a …ScheduleFailed may stand alone is inferred: no recording has one."""
    failure = ("LambdaFunctionScheduleFailed", {"error": "E"})
    assert (tried(failure).status, tried(failure).event_ids) == ("failed", [3])
    with pytest.raises(ValueError, match="too many values"):
        tried(failure, failure)
    assert tried(("TaskStarted", aws.SYNC)).pattern is Pattern.SYNC
    late = tried(("TaskScheduled", aws.SYNC), ("TaskFailed", {}), ("TaskPondered", {}))
    assert (late.event_ids, late.status) == ([3, 4, 5], "failed")


def test_back_off_is_the_gap_between_a_failure_and_the_next_try() -> None:
    run = aws.History().start().task("A", retried=["E", "E"])
    run.records[5] = aws.changed(run.records[5], timestamp=aws.at(40).isoformat())
    (visit,) = execution_of(*run.records).visits
    assert [a.status for a in visit.attempts] == ["failed", "failed", "succeeded"]
    gaps = [(end - begin) / timedelta(seconds=1) for begin, end in visit.backoffs]
    assert gaps == [pytest.approx(38.7), pytest.approx(0.1)]
    lost = [record for record in run.records if record.record["id"] != 5]
    (visit,) = execution_of(*lost).visits
    assert visit.backoff_before(2) is None


@pytest.mark.parametrize("before", [0, 2, 5, 6, 7])
def test_a_redriven_try_is_no_retry_whatever_it_follows(before: int) -> None:
    """No recording says what it follows; the state stood still until then."""
    records = aws.redriven_history().records
    records[7] = aws.changed(records[7], previousEventId=before)
    (visit,) = execution_of(*records).visits
    assert [attempt.status for attempt in visit.attempts] == ["failed", "succeeded"]
    assert [visit.is_redriven(number) for number in (1, 2)] == [False, True]
    assert visit.backoffs == ()
    assert visit.paused == pytest.approx(720)
    assert visit.attempts[1].stopped_at == aws.at(801)


def test_the_end_of_a_try_that_was_given_up_may_be_heard_later() -> None:
    """Until then it stands as aborted, also when one looks back."""
    run = aws.History(pace=1).start().write("ParallelStateEntered@0 P")
    started = run.add("ParallelStateStarted")
    own = [run.add("TaskStateEntered", after=started, name=name) for name in "AB"]
    tries = [run.add("TaskScheduled", after=entered, **aws.SYNC) for entered in own]
    failed = run.add("TaskFailed", after=tries[0], error="E")
    run.add("ParallelStateFailed", after=failed)
    run.add("TaskSucceeded", after=tries[1], **aws.SYNC)
    trace = trace_of(*run.records)
    for seconds, status in ((7.5, "running"), (8.5, "aborted"), (9.5, "succeeded")):
        attempt = trace.as_of(aws.at(seconds)).attempt((aws.ARN, tries[1]))
        assert attempt is not None
        assert attempt.status == status
