"""What speaks against an attempt having made a call, and what must speak for it.

Each table is of one contradiction: the records of an attempt, a call that might be its
own, and what is said against that; or nothing. Without it the two are matched.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from sfnwatch.model.integrations import CallRole
from sfnwatch.model.linking.candidates import LISTED
from sfnwatch.model.linking.link import Link, LinkRule, role_of_call
from sfnwatch.model.records import Received
from sfnwatch.model.times import iso
from sfnwatch.model.trace import Trace
from tests import builders as aws
from tests.analysis.finding_in import explained, found
from tests.builders import call, health
from tests.model.answers import trace_of

Row = tuple[list[Received], Received, str]
UNIQUE, BY_ID, SAME = "unique-candidate", "resource-id", "parameters"
LAMBDA, GLUE = "lambda.amazonaws.com", "glue.amazonaws.com"
EMR, SAGEMAKER = "elasticmapreduce.amazonaws.com", "sagemaker.amazonaws.com"
OWN = {"userAgent": "sfnwatch/1.0"}
OTHER_TASK = aws.TASK_ARN[:-1] + "6"
OTHER_SESSION = "pUBglYSipXQwtRmKzVbNhJdLfGcWaEoT"
ELSEWHERE = aws.ROLE.replace(aws.ACCOUNT, "210987654321")
THROTTLED = ("ThrottlingException", "Rate exceeded")
LAST = call("ListClusters", 9000, key="last", role="r/people", invoked_by=None)
"""By somebody else: up to it a file has all calls."""


def which(service: str, action: str) -> aws.Which:
    return {"resourceType": service, "resource": action}


INVOKE = which("lambda", "invoke")


def ran(
    named: aws.Which = aws.REQUEST_RESPONSE,
    *,
    arn: str = aws.ARN,
    begin: float = 0,
    asked: Any = None,
    **attempt: Any,
) -> list[Received]:
    """Build a Task: scheduled at 0.2, submitted at 0.4, and over a second later."""
    if asked is not None:
        attempt["parameters"] = json.dumps(asked)
    run = aws.History(arn, begin=begin).start().task("Work", named, **attempt)
    return run.end("Failed" if "error" in attempt else "Succeeded").records


def cut(records: list[Received], ended: str, seconds: float) -> list[Received]:
    """Build the same, ended before its Task was: `ExecutionAborted`, `TaskTimedOut`."""
    after = ("Succeeded", "Exited")
    until = [r for r in records if not r.record["type"].endswith(after)]
    previous = 0 if ended == "ExecutionAborted" else None
    return [*until, aws.event(len(until) + 1, ended, seconds, previous=previous)]


def others(*names: str) -> Received:
    """Build ListExecutions' answer: these run all the time, and nobody else did."""
    head = f"{aws.HEAD}:execution:nightly-report:"
    running = [aws.listed(head + name, -9) for name in names]
    return aws.machine_executions(4000, running=running)


def made(name: str = "RunTask", seconds: float = 0, **more: Any) -> Received:
    return call(name, seconds, **{"key": "c", **more})


def refused(resource: str) -> tuple[str, str]:
    who = f"arn:aws:sts::{aws.ACCOUNT}:assumed-role/R/{aws.SESSION}"
    return aws.denial(who, "ecs:DescribeTasks", resource)


def judged(*records: Received) -> tuple[str, str]:
    """Give the rule by which a call is matched to an attempt, or why it is not."""
    link = trace_of(*records).links.get("c")
    return (str(link.rule) if link.key else "", link.reason) if link else ("", "")


def rule_of(*records: Received) -> str:
    return judged(*records)[0]


def against(*records: Received) -> str:
    """Say what speaks against the one attempt, which is not matched then."""
    trace = trace_of(*records)
    (evidence,) = trace.linker.evidence_of(trace.calls["c"])
    assert not evidence.against or rule_of(*records) == ""
    return "; ".join(evidence.against)


# -- against ---------------------------------------------------------------------------

CALLERS: list[tuple[Mapping[str, Any], Mapping[str, Any], str]] = [
    ({"invoked_by": None}, {}, "Step Functions did not make it"),
    ({"role": f"{aws.ROLE}-2"}, {}, "another role made it: StepFunctions-sync-role-2"),
    ({"role": ELSEWHERE}, {}, "another account's role made it: 210987654321"),
    ({}, {"awsRegion": "us-east-1"}, "it was made in another Region: us-east-1"),
    (
        # What Lambda does of an asynchronous Invoke has the request id of that.
        {"invoked_by": LAMBDA},
        {"eventName": "InvokeExecution", "userIdentity": {"type": "AWSService"}},
        "Step Functions did not make it",
    ),
]


@pytest.mark.parametrize(("by", "changes", "why"), CALLERS)
def test_who_made_a_call_is_asked_before_any_id(
    by: Mapping[str, Any], changes: Mapping[str, Any], why: str
) -> None:
    one: dict[str, Any] = {"key": "c", "source": LAMBDA, "request_id": "r-1"}
    ours = aws.trail(aws.api_call("Invoke", 0, **one))
    theirs = aws.changed(aws.trail(aws.api_call("Invoke", 0, **one, **by)), **changes)
    exact, guess = ran(INVOKE, output=aws.answer("r-1")), ran(INVOKE)
    assert (rule_of(*exact, ours), rule_of(*guess, ours)) == ("request-id", UNIQUE)
    assert against(*exact, theirs).startswith(why)
    assert rule_of(*guess, theirs) == ""


def test_lambdas_own_call_is_nobodys_in_a_row_that_names_no_caller_either() -> None:
    record = aws.api_call("InvokeExecution", 0, key="c", source=LAMBDA, request_id="r")
    row = aws.athena(record, "eventtime", "eventsource", "eventname", "requestid")
    assert not trace_of(*ran(INVOKE, output=aws.answer("r")), row).links


def test_a_global_services_calls_are_recorded_in_its_home_region_too() -> None:
    record = aws.api_call("CreateRole", 0, key="c", source="iam.amazonaws.com")
    for region, rule in (
        ("us-east-1", UNIQUE),
        (aws.REGION, UNIQUE),
        ("eu-west-1", ""),
    ):
        told = aws.changed(aws.trail(record), awsRegion=region)
        assert rule_of(*ran(which("aws-sdk:iam", "createRole")), told) == rule


TASKS = {"tasks": [aws.TASK_ARN]}
JOB = ran(aws.SYNC, submitted=aws.answer("r-1", aws.TASK_ARN), lasts=100)
ABORTED = cut(JOB, "ExecutionAborted", 100.4)
TIMED_OUT = cut(JOB, "TaskTimedOut", 100.4)


@pytest.mark.parametrize(
    ("records", "name", "role", "times"),
    [
        # Scheduled at 24.3 of the minute, and a hundred seconds later over at 124.5.
        # Where an id says whose a call is, the two clocks may be two seconds apart.
        (JOB, "DescribeTasks", "poll", {-3: "", 60: BY_ID, 103: ""}),
        # One that breaks the rhythm of polls is about the job, and no poll of its own.
        (JOB, "DescribeTasks", "other", {0: BY_ID, 20: BY_ID, 102: BY_ID}),
        (ABORTED, "DescribeTasks", "other", {102: BY_ID, 103: ""}),
        (JOB, "StopTask", "", {50: "", 100: "", 102: "", 200: ""}),
        (ABORTED, "StopTask", "stop", {97: "", 100: BY_ID, 400: BY_ID, 401: ""}),
        (TIMED_OUT, "StopTask", "stop", {97: "", 100: BY_ID, 400: BY_ID, 401: ""}),
        (JOB, "TagResource", "other", {-1: "", 0: BY_ID, 102: BY_ID, 103: ""}),
    ],
)
def test_a_call_that_names_the_job_is_of_the_time_in_which_such_calls_are_made(
    records: list[Received], name: str, role: str, times: Mapping[int, str]
) -> None:
    for seconds, rule in times.items():
        one = made(name, seconds, parameters=TASKS)
        assert rule_of(*records, others(), one) == rule, seconds
        link = trace_of(*records, others(), one).links["c"]
        assert not rule or link.role == role


NOT_FOUND, DENIED = "ECS.ClusterNotFoundException", "AccessDenied"
FAILED = ran(error=NOT_FOUND)
HAD = {"tasks": [{"taskArn": aws.TASK_ARN}], "failures": []}
PARTLY = {"tasks": [], "failures": [{"reason": "RESOURCE:CPU"}]}
OTHERS = {"tasks": [{"taskArn": OTHER_TASK}]}
NO_JOB = "it succeeded, and the attempt failed without having a job"
SUBMITTED = ran(aws.SYNC, submitted={"Tasks": [{"TaskArn": aws.TASK_ARN}]})
TOLD = ran(output=aws.answer("r-1", aws.TASK_ARN))

ANSWERS: list[Row] = [
    (FAILED, made(response=HAD), NO_JOB),
    (FAILED, made(response=PARTLY), ""),
    (ran(error="States.Timeout"), made(response=HAD), ""),
    # A function that fails was called all the same.
    (ran(INVOKE, error="ValueError"), made("Invoke", source=LAMBDA), ""),
    (SUBMITTED, made(response=HAD), ""),
    (SUBMITTED, made(response=OTHERS), "its answer names another job"),
    (SUBMITTED, made(), ""),
]
REQUESTS: list[Row] = [
    (TOLD, made(request_id="r-1"), ""),
    (TOLD, made(), "the attempt's own events tell another request ID"),
    # The last call's is told: the ones before it were refused.
    (TOLD, made(error=THROTTLED), ""),
]


def poll(*tasks: str, **more: Any) -> Received:
    return made("DescribeTasks", 50, parameters={"tasks": [*tasks]}, **more)


def denied(resource: str) -> Received:
    return made("DescribeTasks", 50, error=refused(resource))


def about(source: str, name: str, /, **parameters: str) -> Received:
    return made(name, 1, source=source, parameters=parameters)


RUN_JOB = which("glue", "startJobRun.sync")
LOAD = ran(RUN_JOB, submitted={"JobRunId": "jr_1"}, asked={"JobName": "load"})
NO_SUCH = "it makes no such calls"
NOT_THERE = f"{NO_SUCH}, or made none then; the attempt was never submitted"
JOBS: list[Row] = [
    (JOB, poll(aws.TASK_ID), ""),
    (JOB, poll(f"{aws.TASK_ARN.partition('/')[0]}/{aws.TASK_ID}"), ""),
    (JOB, made("DescribeTasks", 50, parameters={"task": aws.TASK_ARN}), ""),
    (JOB, poll(OTHER_TASK), "it names another job"),
    (JOB, poll(aws.TASK_ARN, OTHER_TASK), "it names other jobs too"),
    # A substring is no id.
    (JOB, poll(aws.TASK_ARN + "0"), "it names another job"),
    (JOB, denied(aws.TASK_ARN), ""),
    (JOB, denied(OTHER_TASK), "the error names another job"),
    # A denied DescribeJobs of Batch names no job.
    (JOB, denied("*"), ""),
    (JOB[:4], poll(aws.TASK_ARN), NOT_THERE),
    (LOAD, about(GLUE, "GetJobRuns", jobName="load"), ""),
    (LOAD, about(GLUE, "GetJobRuns", jobName="other"), "other parameters: JobName"),
    # Only a job that is waited for is polled, and stopped.
    (TOLD, made("DescribeTasks", 1, parameters=TASKS), NO_SUCH),
    (TOLD, made("StopTask", 1, parameters=TASKS), NO_SUCH),
]
TRAINING_ARN = f"arn:aws:sagemaker:{aws.REGION}:{aws.ACCOUNT}:training-job/nightly"
TRAIN = which("sagemaker", "createTrainingJob.sync")
TRAINING = ran(TRAIN, submitted={"TrainingJobArn": TRAINING_ARN})
CREATE = which("elasticmapreduce", "createCluster.sync")
CLUSTER = ran(CREATE, submitted={"ClusterId": "j-1"})
NO_ID = "a name is no id but among jobs of one kind"
NAMES: list[Row] = [
    (TRAINING, about(SAGEMAKER, "DescribeTrainingJob", trainingJobName="nightly"), ""),
    (TRAINING, about(SAGEMAKER, "UpdateTrainingJob", trainingJobName="nightly"), ""),
    (TRAINING, about(SAGEMAKER, "ListTags", resourceArn=TRAINING_ARN), ""),
    (TRAINING, about(SAGEMAKER, "CreateModel", modelName="nightly"), NO_ID),
    (TRAINING, about(SAGEMAKER, "DescribeTransformJob", name="nightly"), NO_SUCH),
    # Who made a cluster does not own what others do to it.
    (CLUSTER, about(EMR, "DescribeCluster", clusterId="j-1"), ""),
    (CLUSTER, about(EMR, "ListInstances", clusterId="j-1"), ""),
    (CLUSTER, about(EMR, "AddJobFlowSteps", jobFlowId="j-1"), NO_SUCH),
]
HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
ASKED = ran(asked={"Cluster": "a"})
PARAMETERS: list[Row] = [
    (ASKED, made(parameters={"cluster": "a", "count": 2}), ""),
    (ASKED, made(parameters={"cluster": "b"}), "other parameters: Cluster"),
    (ASKED, made(parameters={"cluster": HIDDEN, "startedBy": "x"}), ""),
    (ASKED, made(), ""),
]


DENIED_CALL = made(error=(DENIED, "no"))
LOST = ran(error="ECS.AccessDeniedException", cause=refused("*")[1])
ANOTHER = "another session made it than the attempt's cause names"
OF_MANY = ["Ssm.SsmException", "ECS.AmazonECSException", "Lambda.AWSLambdaException"]
OF_MANY += ["AmazonECS.Unknown", "States.TaskFailed"]
"""Errors that stand for any."""
ERRORS: list[Row] = [
    (FAILED, made(error=("ClusterNotFoundException", "no")), ""),
    (FAILED, made(error=("ClusterNotFound", "no")), ""),
    (FAILED, DENIED_CALL, f"it failed with {DENIED}, the attempt with {NOT_FOUND}"),
    (ran(), DENIED_CALL, "it failed, and the attempt had its answer"),
    # The SDK may have tried again.
    (FAILED, made(error=THROTTLED), ""),
    (ran(), made(error=THROTTLED), ""),
    *((ran(error=error), DENIED_CALL, "") for error in OF_MANY),
    (LOST, DENIED_CALL, ""),
    (LOST, made(error=(DENIED, "no"), session=OTHER_SESSION), ANOTHER),
]


@pytest.mark.parametrize(
    ("records", "one", "why"),
    [*ANSWERS, *REQUESTS, *JOBS, *NAMES, *PARAMETERS, *ERRORS],
)
def test_one_contradiction_is_enough_whatever_else_agrees(
    records: list[Received], one: Received, why: str
) -> None:
    assert against(*records, others(), one) == why
    assert bool(rule_of(*records, others(), one)) is not bool(why)


# -- for -------------------------------------------------------------------------------


def covered(until: float, seen: float = 500) -> Received:
    complete: dict[str, Any] = {"complete_to": iso(aws.at(until)), "lag": 131.0}
    return health("lookup", "live", seen, **complete)


A: dict[str, Any] = {"parameters": {"cluster": "a"}}
ONE, ONE_DENIED, ONE_REFUSED = (
    made(**A, error=error) for error in (None, (DENIED, "no"), THROTTLED)
)
RUN, ALONE, STRAY = ran(), others(), made("CreateCluster", 100, key="stray")
TWICE = ran(error="E.ThrottlingException", cause="(SDK Attempt Count: 2)")
TWO_RUNS = [*RUN, *ran(arn=aws.OTHER_ARN)]
STOPPED = cut(ASKED, "ExecutionAborted", 3)
LEFT = ran(asked={"Cluster": "a"}, error="States.TaskFailed")
AGAIN = made(seconds=1, key="d", error=THROTTLED)
ALIKE = made(seconds=60, key="d", **A)
DIFFERENT = made(seconds=60, key="d", parameters={"cluster": "b"})
UNKNOWN = "calls are not known up to its end yet"
STRAYS = "the role made calls then that fit no attempt here"
OTHERS_RAN = "2 other executions of this machine ran then"
REFUSED = "others may have been refused alike"
APART = "all that can be compared is alike"
MADE_ONE = "2 calls fit this attempt, which made one"
SAME_AROUND = "others made calls with the same parameters around then"
NOT_THROUGH = "the attempt's own call need not have come through"
NOT_FAILED = "the attempt's own call need not have failed"
MAY_ASK = "it names this attempt's job, which others may ask for too"
POLL_OR_ACTION = "it may be a poll of the one, or the action of the other"
SEVERAL = "several attempts have this job"
ASKS = ran(aws.DESCRIBE_SDK, arn=aws.OTHER_ARN, begin=50, asked=TASKS)
SHARES = ran(aws.SYNC, submitted=aws.answer("r-2", aws.TASK_ARN), arn=aws.OTHER_ARN)


@pytest.mark.parametrize(
    ("records", "rule", "reason"),
    [
        ([*TOLD, STRAY, made(request_id="r-1")], "request-id", ""),
        ([*LOST, STRAY, DENIED_CALL], "session", ""),
        ([*JOB, STRAY, poll(aws.TASK_ARN)], BY_ID, ""),
        ([*JOB, made("TagResource", parameters=TASKS)], "", MAY_ASK),
        ([*JOB, *ASKS, LAST, poll(aws.TASK_ARN)], "", POLL_OR_ACTION),
        ([*JOB, *SHARES, made("DescribeTasks", 1, parameters=TASKS)], "", SEVERAL),
        # By role, action and time: if nothing speaks of others, or there are none.
        ([*RUN, made()], UNIQUE, ""),
        ([*RUN, made(), STRAY], "", STRAYS),
        ([*RUN, made(), others("x", "y")], "", OTHERS_RAN),
        ([*RUN, made(), covered(1)], "", UNKNOWN),
        ([*RUN, made(), covered(1), covered(9, 600)], UNIQUE, ""),
        ([*RUN, made(), covered(1), ALONE], UNIQUE, ""),
        # Of both there must be one.
        ([*TWO_RUNS, made()], "", APART),
        ([*RUN, made(), made(seconds=1, key="d")], "", MADE_ONE),
        # What was refused may have been tried again, by anybody.
        ([*RUN, made(error=THROTTLED)], "", REFUSED),
        ([*RUN, made(error=THROTTLED), ALONE], UNIQUE, ""),
        ([*TWICE, made(error=THROTTLED)], "", REFUSED),
        ([*TWICE, made(error=THROTTLED), AGAIN], UNIQUE, ""),
        # Others are about: what they asked for is known, and otherwise.
        ([*ASKED, LAST, ONE, STRAY], SAME, ""),
        ([*ASKED, LAST, ONE, others("x", "y")], SAME, ""),
        ([*ASKED, LAST, ONE, DIFFERENT], SAME, ""),
        ([*ASKED, LAST, ONE, ALIKE], "", SAME_AROUND),
        ([*ASKED, covered(1), ONE], "", UNKNOWN),
        ([*ASKED, covered(9), ONE], SAME, ""),
        ([*STOPPED, LAST, ONE], UNIQUE, ""),
        ([*STOPPED, LAST, ONE, ALIKE], "", NOT_THROUGH),
        ([*STOPPED, LAST, ONE_DENIED, ALIKE], "", NOT_FAILED),
        ([*LEFT, LAST, ONE_DENIED], SAME, ""),
        # Its error does not say which of them was the last it made.
        ([*LEFT, LAST, STRAY, ONE_DENIED, AGAIN], "", NOT_FAILED),
        ([*LEFT, LAST, ONE_REFUSED], "", REFUSED),
    ],
)
def test_a_call_is_matched_if_it_can_be_nobody_elses_or_it_is_said_why_not(
    records: list[Received], rule: str, reason: str
) -> None:
    assert judged(*records) == (rule, reason)
    assert rule or trace_of(*records).links["c"].candidates


def test_a_failed_call_of_others_counts_alike_whether_it_comes_first_or_last() -> None:
    alike, trace = made(seconds=60, key="d", error=(DENIED, "no"), **A), Trace()
    for batch in ([*ASKED, LAST, ONE], [alike]):
        trace.add(batch)
    assert trace.links["c"].rule == UNIQUE
    assert trace.links == trace_of(alike, *ASKED, LAST, ONE).links


def serial(count: int, asked: str) -> tuple[list[Received], list[tuple[str, int]]]:
    """Build a Map of Tasks, one every second and a half, and their keys."""

    def work(number: int) -> Callable[[aws.History], Any]:
        parameters = json.dumps({"Cluster": asked.format(number)})
        return lambda run: run.task("Work", aws.SDK, parameters=parameters, lasts=0.9)

    run = aws.History().start().map("Each", *map(work, range(count))).end().records
    begun = [r.record["id"] for r in run if r.record["type"] == "TaskScheduled"]
    return run, [(aws.ARN, each) for each in begun]


def test_as_many_calls_as_serial_attempts_are_matched_in_order() -> None:
    run, keys = serial(4, "a")
    calls = [made(seconds=1.5 * n + 0.5, key=f"{n}", **A) for n in range(4)]
    links = trace_of(*run, LAST, *calls).links
    assert [links[f"{n}"].key for n in range(4)] == keys
    assert {str(links[f"{n}"].rule) for n in range(4)} == {"order"}
    # One is missing, or one too many, or two are of one second: there is no order.
    more, early = made(seconds=5, **A), made(seconds=0.5, key="1", **A)
    for some in ([calls[0], *calls[2:]], [*calls, more], [calls[0], early, *calls[2:]]):
        links = trace_of(*run, LAST, *some).links
        assert "order" not in {link.rule for link in links.values()}


def test_each_call_of_a_long_serial_map_is_matched_by_what_it_asked_for() -> None:
    run, keys = serial(1500, "c-{}")
    calls = [
        made(seconds=1.5 * n + 0.6, key=f"{n}", parameters={"cluster": f"c-{n}"})
        for n in range(len(keys))
    ]
    links = trace_of(*run, *calls, LAST).links
    assert [links[f"{n}"].key for n in range(len(keys))] == keys
    assert {str(link.rule) for link in links.values()} == {SAME}


def test_exact_links_measure_how_far_the_two_clocks_are_apart() -> None:
    measured = []
    for number in range(3):
        answer = aws.answer(f"r-{number}", aws.TASK_ARN)
        arn = f"{aws.OTHER_ARN}-{number}"
        measured += ran(output=answer, begin=60, arn=arn)
        request_id = f"r-{number}"
        measured.append(made(seconds=66, key=request_id, request_id=request_id))
    ahead = [*measured, *RUN]
    # The attempt is over at 1.4: a call may be dated 3.4, or what is measured.
    assert rule_of(*RUN, made(seconds=5)) == ""
    assert rule_of(*ahead, made(seconds=5)) == UNIQUE
    assert rule_of(*ahead, made(seconds=0)) == ""
    # Two such calls may both be odd, and another service may keep another time.
    assert (
        rule_of(*ahead[: -len(RUN)][len(measured) // 3 :], *RUN, made(seconds=5)) == ""
    )
    secret = made("GetSecretValue", 5, source="secretsmanager.amazonaws.com")
    asks = ran(which("aws-sdk:secretsmanager", "getSecretValue"))
    assert rule_of(*measured, *asks, secret) == ""


def test_what_is_no_call_of_others_any_more_keeps_nothing_from_being_matched() -> None:
    job, asked = {"ClusterId": "j-ABCDEFGHIJKLM"}, {"clusterId": "j-ABCDEFGHIJKLM"}
    stops = which("elasticmapreduce", "terminateCluster.sync")
    run = ran(stops, submitted=job, output={"Cluster": {"Id": job["ClusterId"]}})
    poll = made("DescribeCluster", 1, source=EMR, parameters=asked)
    told: dict[str, Any] = {"key": "x", "source": EMR, "parameters": asked}
    late = aws.api_call("ListSteps", 900, **told)
    trace, rules = Trace(), []
    # The same event, told again as sfnwatch's own: it counts no more.
    for batch in ([*run, poll], [aws.lookup(late)], [aws.lookup(late | OWN)]):
        trace.add(batch)
        rules.append(str(trace.links["c"].rule))
    assert rules == [BY_ID, UNIQUE, BY_ID]


# -- the experiment, twice at once -----------------------------------------------------

RUNS = {
    aws.ARN: (aws.TASK_ARN, aws.POLLS, "55, 59, 63, 55 and 61 s"),
    aws.OTHER_ARN: (OTHER_TASK, (60, 116, 182, 237, 298), "60, 56, 66, 55 and 61 s"),
}
"""Each one's task, when it was polled as the experiment's two were, and how often."""


def denied_run(arn: str, *, named: bool) -> tuple[list[Received], list[Received]]:
    """Build a run whose polls are denied, and its calls; their errors name the task."""
    task, polls, _ = RUNS[arn]
    key, done = arn[-4:], {"TaskArn": task, "StoppedAt": aws.milliseconds(307.1)}
    run = aws.History(arn, pace=0.3).start()
    run.task("Run", submitted=aws.answer(key, task), output=done, lasts=307)
    answer = {"tasks": [{"taskArn": task}]}
    calls = [made(seconds=1, key=f"{key} run", request_id=key, response=answer)]
    error = refused(task if named else "*")
    for number, seconds in enumerate(polls):
        told: dict[str, Any] = {"key": f"{key} {number}", "error": error}
        calls.append(made("DescribeTasks", 1 + seconds, **told))
    return run.end().records, calls


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("named", [False, True])
def test_of_two_denied_runs_at_once_none_has_a_call_of_the_other(
    *, both: bool, named: bool
) -> None:
    records = [LAST]
    for arn in RUNS:
        events, calls = denied_run(arn, named=named)
        records += [*calls, *(events if both or arn == aws.ARN else [])]
    trace = trace_of(*records)
    for arn in trace.executions:
        own = [f"{arn[-4:]} {each}" for each in ("run", *range(5))]
        matched = [one.event_id for one in trace.calls_of[arn, 3]]
        assert matched == (own if named else own[:1])
        kinds = found(*records, arn=arn)
        assert ("polling" in kinds) is ("denied-but-succeeded" in kinds) is named
        assert not named or RUNS[arn][2] in kinds["polling"][0].text
    told = explained(*records)
    assert named or "polled" not in told
    # Nor is it said that the other's task was not polled: those polls may be its.
    assert "no poll of it is known" not in told


# -- which of all candidates -----------------------------------------------------------


NAMES_TASK = {"cluster": "c", "tasks": [aws.TASK_ARN]}
X_RAY = call("GetSamplingRules", 5, key="x", source="xray.amazonaws.com")
EXACT = {LinkRule.REQUEST_ID, LinkRule.RESOURCE_ID}


def links(*records: Received) -> dict[str, tuple[str, str, int | None]]:
    """Give of each call that is linked the rule, its role, and the visit."""
    found = trace_of(*records).links
    return {k: (str(v.rule), str(v.role), v.visit_id) for k, v in found.items()}


def states(
    *which: tuple[float, aws.Which, Any], arn: str = aws.ARN, **more: Any
) -> list[Received]:
    """Build Tasks of half a second that begin at given seconds and answer something.

    Their visits are 2, 7, 12 …, and their attempts 3, 8, 13 ….
    """
    run = aws.History(arn, pace=0.1).start()
    for begin, each, output in which:
        run.now = begin - run.pace
        run.task(f"at {begin}", each, output=output, lasts=0.3, **more)
    return run.records


def tasks(*arns: str) -> dict[str, Any]:
    return {"Tasks": [{"TaskArn": arn} for arn in arns]}


# -- by ids --------------------------------------------------------------------------


def test_a_bare_row_is_matched_by_its_error_message() -> None:
    told = f"denied on {aws.TASK_ARN} because"
    named = aws.row("DescribeTasks", 60, errormessage=told)
    assert [*links(*aws.sync_history(), named).values()] == [("resource-id", "poll", 2)]


def test_a_history_without_its_start_is_matched_by_ids_whatever_the_role() -> None:
    found = trace_of(*aws.sync_history()[1:], *aws.sync_calls()).links
    assert {link.rule for link in found.values()} == EXACT


def test_a_request_id_beats_the_id_of_a_job() -> None:
    both = states(
        (1, aws.REQUEST_RESPONSE, tasks(aws.TASK_ARN)),
        (20, aws.REQUEST_RESPONSE, aws.answer("r-2", aws.TASK_ARN)),
    )
    action = call("RunTask", 20, key="a", request_id="r-2", parameters=NAMES_TASK)
    assert links(*both, action)["a"] == ("request-id", "action", 7)


def test_a_request_id_that_two_attempts_tell_matches_to_neither() -> None:
    told = aws.answer("r-1")
    twice = states((1, aws.REQUEST_RESPONSE, told), (20, aws.REQUEST_RESPONSE, told))
    action = call("RunTask", 20, key="a", request_id="r-1")
    assert links(*twice, action)["a"] == (UNIQUE, "action", 7)


def test_an_action_that_failed_may_name_anothers_job() -> None:
    own = ran(output=tasks(aws.TASK_ARN))
    cases: list[tuple[dict[str, Any], str]] = [({}, BY_ID), ({"error": THROTTLED}, "")]
    for failed, rule in cases:
        assert rule_of(*own, made(parameters=NAMES_TASK, **failed)) == rule


def test_who_asks_for_a_task_may_ask_for_anothers_and_the_time_tells_alone() -> None:
    told = tasks(aws.TASK_ARN)
    asked = [
        call("DescribeTasks", s, key=f"d-{s}", parameters=NAMES_TASK) for s in (20, 40)
    ]
    run = states((1, aws.REQUEST_RESPONSE, told), (20, aws.DESCRIBE_SDK, told))
    assert links(*run, asked[0]) == {"d-20": (UNIQUE, "action", 7)}
    twice = states((20, aws.DESCRIBE_SDK, told), (40, aws.DESCRIBE_SDK, told))
    assert links(*twice, *asked) == {
        "d-20": (UNIQUE, "action", 2),
        "d-40": (UNIQUE, "action", 7),
    }


def test_a_call_about_another_s_job_is_of_the_attempt_that_made_it() -> None:
    tag = {"resourceType": "aws-sdk:ecs", "resource": "tagResource"}
    run = states((1, aws.REQUEST_RESPONSE, tasks(aws.TASK_ARN)), (20, tag, None))
    named = {"resourceArn": aws.TASK_ARN}
    made = call("TagResource", 20, key="made", parameters=named)
    assert links(*run, made) == {"made": (UNIQUE, "action", 7)}
    # Outside the life of the attempt whose job it is, others made it: they are about.
    stray = call("TagResource", 200, key="stray", parameters=named)
    assert links(*run, made, stray) == {
        "made": ("ambiguous", "action", None),
        "stray": ("role-only", "other", None),
    }


# -- by role, action and time --------------------------------------------------------


ACTION = states((10.4, aws.REQUEST_RESPONSE, None))
WATCHED = aws.sync_history()
RUNNING = [*aws.sync_history()[:5], aws.event(6, "ExecutionAborted", 100, previous=0)]


@pytest.mark.parametrize(
    ("records", "name", "fits"),
    [
        # Scheduled at second 34.5 of the minute, over at 34.9: a call's second may
        # begin before that, and its answer may be on its way for two seconds.
        (ACTION, "RunTask", {9: False, 10: True, 12: True, 13: True, 14: False}),
        # An action is answered by the time that it is submitted, at 25.3.
        (WATCHED, "RunTask", {-1: False, 0: True, 3: True, 4: False}),
        # Polls are made from submission to the end, at 309.1.
        (WATCHED, "DescribeTasks", {0: False, 1: True, 311: True, 312: False}),
        # A job is stopped within five minutes of its state's abort, and of no end else.
        (RUNNING, "StopTask", {99: False, 100: True, 399: True, 401: False}),
        (WATCHED, "StopTask", {200: False, 309: False, 320: False}),
        # Only a job that is waited for is polled.
        (ACTION, "DescribeTasks", {11: False}),
    ],
)
def test_a_guess_is_of_the_time_in_which_an_attempt_makes_such_calls(
    records: list[Received], name: str, fits: dict[int, bool]
) -> None:
    for second, expected in fits.items():
        (link,) = trace_of(*records, aws.row(name, second)).links.values()
        assert (link.rule is LinkRule.UNIQUE_CANDIDATE) is expected, second


def test_of_very_many_candidates_the_first_are_listed_and_all_are_counted() -> None:
    run = aws.History(pace=0.001).start()
    run.add("MapStateEntered", name="M")
    started = run.add("MapStateStarted")
    for index in range(LISTED + 50):
        run.add("MapIterationStarted", after=started, name="M", index=index)
        run.add("TaskStateEntered", name="A")
        run.add("TaskScheduled", **aws.SYNC)
        run.add("TaskSubmitted", output="{}", **aws.SYNC)
    trace = trace_of(*run.records, aws.row("DescribeTasks", 5))
    (link,) = trace.links.values()
    assert (len(link.candidates), link.unlisted) == (LISTED, 50)
    assert link.candidate_count == LISTED + 50


def test_an_attempt_whose_action_is_known_exactly_has_room_for_no_other() -> None:
    run = states((10, aws.REQUEST_RESPONSE, aws.answer("r-1")))
    exact = call("RunTask", 10, key="exact", request_id="r-1")
    stray = call("RunTask", 10, key="stray")
    again = call("RunTask", 10, key="again", error=THROTTLED)
    assert links(*run, exact, stray, again) == {
        "exact": ("request-id", "action", 2),
        "stray": ("role-only", "other", None),
        "again": ("ambiguous", "action", None),
    }
    other = states((10, aws.REQUEST_RESPONSE, None), arn=aws.OTHER_ARN)
    found = trace_of(*run, *other, exact, stray).links["stray"]
    assert (found.rule, found.key) == (LinkRule.UNIQUE_CANDIDATE, (aws.OTHER_ARN, 3))


def test_calls_of_the_role_that_fit_nothing_are_the_roles_alone() -> None:
    other = call("RunTask", 1, key="x", role="arn:aws:iam::1:role/other")
    both = [*aws.sync_history(), *aws.sync_history(aws.OTHER_ARN)]
    for records, one, rule, arn, relevant in (
        (aws.sync_history(), X_RAY, LinkRule.ROLE_ONLY, aws.ARN, False),
        (both, X_RAY, LinkRule.ROLE_ONLY, None, False),
        (aws.sync_history(), other, None, None, False),
        # Without an execution everything is of interest.
        ([], X_RAY, None, None, True),
    ):
        trace = trace_of(*records, one)
        link = trace.links.get("x")
        assert (link and link.rule, link and link.execution_arn) == (rule, arn)
        assert trace.as_of().is_relevant(trace.calls["x"]) is relevant


def test_a_task_with_credentials_of_its_own_makes_its_calls_with_those() -> None:
    own = f"arn:aws:iam::{aws.ACCOUNT}:role/elsewhere"
    credentials: dict[str, Any] = {"taskCredentials": {"roleArn": own}}
    run = states((10, aws.REQUEST_RESPONSE, None), **credentials)
    there = call("RunTask", 10, key="there", role=own)
    noise = call("AssumeRole", 400, key="noise", role=own)
    assert links(*run, there, noise, call("RunTask", 10, key="here")) == {
        "there": (UNIQUE, "action", 2),
        "noise": ("role-only", "other", None),
        "here": ("role-only", "other", None),
    }


# -- what a call was for -------------------------------------------------------------


def test_what_a_call_was_for_is_its_attempts_word_before_its_names() -> None:
    trace = trace_of(*aws.sync_run())
    roles = [role_of_call(one, link) for one, link in trace.as_of().linked_calls()]
    assert roles == [CallRole.ACTION, *[CallRole.POLL] * 5]
    poll, alone = trace.calls["poll-0"], Link(LinkRule.ROLE_ONLY, CallRole.OTHER)
    several = Link(LinkRule.AMBIGUOUS, CallRole.ACTION)
    assert role_of_call(poll, None) is role_of_call(poll, alone) is CallRole.POLL
    assert role_of_call(poll, several) is CallRole.ACTION
    people = trace_of(call("RunTask", 1, key="p", invoked_by=None)).calls["p"]
    assert role_of_call(people, None) is CallRole.OTHER
