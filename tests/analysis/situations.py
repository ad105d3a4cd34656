"""Situations, and the kinds of findings that they are told by."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sfnwatch.model.records import Received, RecordKind, receive
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.times import iso
from tests.analysis.finding_in import (
    LAMBDA_INVOKE,
    Doubted,
    describe_task,
    last_call,
    many_jobs,
    one_job,
    run_task,
    task_arn,
    trace_of,
)
from tests.builders import (
    ARN,
    CHILD_ARN,
    DESCRIBE_SDK,
    EXPRESS_ARN,
    MACHINE_ARN,
    MAP_RUN_ARN,
    NESTED,
    OTHER_ARN,
    REQUEST_RESPONSE,
    ROLE,
    SYNC,
    TASK_ARN,
    History,
    Which,
    answer,
    at,
    call,
    changed,
    counted,
    definition,
    describe,
    event,
    health,
    history,
    logged,
    nested_run,
    network_activity,
    photos,
    received,
    redriven_run,
    request,
    row,
    sync_calls,
    sync_history,
    sync_run,
    task_state,
    trail,
    undated,
)

Known = Sequence[Received] | Snapshot
Situations = dict[str, dict[str, Known]]
"""What is known in a situation, by the kinds of findings that it must have (with blanks
in between), and by the situation's name."""

COMPLETE = health("lookup", "ended", 999, complete_to=iso(at(1000)))
DENIED, THROTTLED = ("AccessDenied", "no"), ("ThrottlingException", "Rate exceeded")
FAILED = ("ServerException", "no")
ONE_JOB = [*one_job(), run_task(0, 1)]


# -- polls, and what told of a job's end -----------------------------------------------


def waiting(*polls: float) -> list[Received]:
    """Build a task that is still waited for."""
    asked = {"tasks": [TASK_ARN]}
    made = [call("DescribeTasks", n, key=f"p{n}", parameters=asked) for n in polls]
    return [*sync_history()[:5], sync_calls()[0], *made]


def behind(
    *polls: int, complete: float | None = None, over: bool = True
) -> list[Received]:
    """Give the polls that have come where CloudTrail is complete up to then."""
    run, *asked = sync_calls()
    known = {"complete_to": iso(at(complete))} if complete is not None else {}
    records = sync_history() if over else sync_history()[:5]
    reach = health("lookup", "live", 400, **known)
    return [*records, run, *(asked[number] for number in polls), reach]


def in_between(*errors: tuple[str, str] | None) -> list[Received]:
    """Build polls between a job's stop and its state's end."""
    polls = [describe_task(0, 93 + n, error=error) for n, error in enumerate(errors)]
    return [*one_job(lag=8), run_task(0, 1), *polls, COMPLETE]


def doubted(poll: Received, *, matched: bool, lag: float = 1) -> Doubted:
    trace = trace_of(*one_job(lag=lag), run_task(0, 1), poll, COMPLETE)
    polls = {event_id for event_id in trace.calls if event_id.startswith("poll")}
    return Doubted(trace, polls, matched=matched)


def of_another_account() -> list[Received]:
    role = "arn:aws:iam::999999999999:role/there"
    own = {**SYNC, "taskCredentials": {"roleArn": role}}
    records = [
        changed(r, taskScheduledEventDetails=own)
        if r.record["type"] == "TaskScheduled"
        else r
        for r in one_job()
    ]
    poll = describe_task(0, 60, error=DENIED, role=role)
    return [*records, run_task(0, 1, role=role), poll, last_call(200)]


def by_a_guess() -> list[Received]:
    """Build a run whose events don't name its task."""
    plain = [
        event(5, "TaskSubmitted", 1.2, **SYNC, output="{}"),
        event(6, "TaskSucceeded", 309, **SYNC, output="{}"),
    ]
    kept = [r for r in sync_history() if r.record["id"] not in {5, 6}]
    return [*kept, *plain, *sync_calls()]


def never_learned() -> list[Received]:
    timed_out = changed(
        sync_history()[5],
        type="TaskTimedOut",
        taskSucceededEventDetails=...,
        taskTimedOutEventDetails={**SYNC, "error": "States.Timeout"},
    )
    stopped = task_state(5, "STOPPED", 200)
    return [*sync_history()[:5], timed_out, *sync_calls(), stopped]


POLL, REFUSED_POLL = describe_task(0, 60), describe_task(0, 60, error=DENIED)


def at_a_wait(**fields: Any) -> list[Received]:
    run = History().start()
    run.add("WaitStateEntered", name="Cool down", input="{}")
    return [definition({"Cool down": {"Type": "Wait", **fields}}), *run.records]


def before_a_retry(retrier: Mapping[str, Any]) -> list[Received]:
    run = History().start()
    run.add("TaskStateEntered", name="Charge", input="{}")
    run.attempt(LAMBDA_INVOKE, error="Busy")
    retriers = [{"ErrorEquals": ["States.ALL"], **retrier}]
    machine = definition({"Charge": {"Type": "Task", "Retry": retriers}})
    return [machine, *run.records]


JOBS: Situations = {
    "next-poll": {
        "the next poll is expected after a minute": waiting(56),
        "and later after five": waiting(900),
    },
    "polling": {
        "polls matched by a guess are an inference": by_a_guess(),
        "a file may have been cut before its end": [*ONE_JOB, POLL],
        "or at its beginning": [*one_job(), POLL, last_call(200)],
        "or it is whole": [*ONE_JOB, POLL, last_call(200)],
        # The second of the three came last: 60, 177 and 55 s are nobody's intervals.
        "no interval is told that a late record may divide": behind(
            0, 2, 3, complete=100
        ),
        "nor how often beyond what is known": behind(0, 1, 2, 3, complete=180),
        "what is known to its end is a fact": behind(0, 2, 3, 4, complete=420),
        "nothing is known of how far CloudTrail is": behind(0, 1),
        "CloudTrail is known to its beginning": behind(0, 1, complete=0),
        "while it waits, up to the last poll is enough": behind(
            0, 1, complete=130, over=False
        ),
    },
    "polling denied-but-succeeded throttled-calls": {
        "a poll that failed otherwise is not denied": [
            *ONE_JOB,
            describe_task(0, 60, error=THROTTLED),
        ]
    },
    "calls": {
        "a poll that is not matched is not called unseen": doubted(POLL, matched=False)
    },
    "polling noticed": {
        "three attempts are told of one by one": many_jobs(3),
        "very many attempts are told of together": [*many_jobs(5), last_call(9999)],
    },
    "denied-but-succeeded": {
        "denied polls did not matter": [*ONE_JOB, REFUSED_POLL, last_call(200)],
        "one of them was answered": [
            *ONE_JOB,
            REFUSED_POLL,
            describe_task(0, 80),
            last_call(200),
        ],
        "denials so far prove nothing of polls that are missing": [
            *ONE_JOB,
            REFUSED_POLL,
            health("lookup", "live", 400, complete_to=iso(at(70))),
        ],
        "denied polls of another account's job name no rule": of_another_account(),
    },
    "denied-and-failed": {
        "the job failed as well": [
            *one_job(error="States.TaskFailed"),
            run_task(0, 1),
            REFUSED_POLL,
            last_call(200),
        ]
    },
    "denied-unknown": {
        "the state still waits after denied polls": [
            *one_job()[:5],
            run_task(0, 1),
            REFUSED_POLL,
        ]
    },
    "denied-but-succeeded polling noticed unseen": {
        "every poll of the experiment was denied": sync_run(denied=True)
    },
    "noticed": {
        "no CloudTrail data tells of a job's end": one_job(),
        "an event told of it, with no poll": [*one_job(), COMPLETE],
        "CloudTrail hasn't caught up": [*ONE_JOB, POLL],
        "a poll or an event told of it": [*ONE_JOB, describe_task(0, 99)],
        "one poll, perhaps in between, was denied": [
            *ONE_JOB,
            describe_task(0, 99, error=DENIED),
            COMPLETE,
        ],
        "the only poll in between was denied": in_between(DENIED),
        "all polls in between were denied": in_between(DENIED, DENIED),
        "all polls in between failed": in_between(DENIED, FAILED),
        "a poll in between was answered": in_between(None),
        "a poll in between is matched by a guess": doubted(
            describe_task(0, 95), matched=True, lag=8
        ),
        "a poll in between may be its own": doubted(
            describe_task(0, 95), matched=False, lag=8
        ),
        "no call is matched to the job": [
            *one_job(),
            run_task(7, 1, role=f"{ROLE}-other"),
        ],
        "a run of days has the date of its stop": one_job(lasts=172_900),
    },
    "unnoticed": {"nobody learned that a job had stopped": never_learned()},
}


# -- what went wrong -------------------------------------------------------------------


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


def tried_by_five() -> History:
    run = History().start()
    for _ in range(5):
        tried(run, "Error")
    return run


def caught(inner: History) -> None:
    inner.task("Work", LAMBDA_INVOKE, error="E", cause="No.", caught=True)
    inner.state("Rescue")


CAUSE = "no (Service: AmazonECS; Status Code: 400; Request ID: refused; Proxy: null)"


def refused(code: str, message: str = "no") -> list[Received]:
    """Build an action that was refused, with the ID of its request in the cause."""
    run = History().start()
    run.task("Work", REQUEST_RESPONSE, error=f"ECS.{code}", cause=CAUSE)
    error = code, message
    return [
        *run.records,
        call("RunTask", 0, key="r", request_id="refused", error=error),
    ]


def left_alone(*numbers: int) -> History:
    """Build states that started tasks and did not wait for them."""
    run = History().start()
    for number in numbers:
        output = answer("unknown", task_arn(number))
        run.task("Begin", REQUEST_RESPONSE, output=output)
    return run


def shown(code: int | None, stop_code: str) -> list[Received]:
    """Build a task that was left alone, and a call that shows how it ended."""
    containers = [{"exitCode": code}]
    task = {"taskArn": task_arn(7), "stopCode": stop_code, "containers": containers}
    stop = call("StopTask", 80, key="stop", response={"task": task})
    return [*left_alone(7).records, run_task(7, 1), stop]


def ecs_told(*numbers: int) -> list[Received]:
    return [
        task_state(5, "STOPPED", 90, task=task_arn(number), exit_code=2)
        for number in numbers
    ]


def left_to_a_child() -> list[Received]:
    start: Which = {"resourceType": "states", "resource": "startExecution"}
    run = History().start().task("Begin", start, output={"ExecutionArn": CHILD_ARN})
    child = History(CHILD_ARN, begin=2).start().end("Failed", error="E")
    return [*run.records, *child.records]


def asked_a_child() -> list[Received]:
    submitted = {"ExecutionArn": CHILD_ARN, **answer("req-start")}
    run = History().start().task("Ask", NESTED, submitted=submitted, error="E")
    child = History(CHILD_ARN, begin=1).start().end("Failed", error="Oops", cause="No.")
    return [*run.records, *child.records]


def redriven_twice() -> list[Received]:
    run = History().start().task("Work", error="E").end("Failed", error="E")
    run.redrive().task("Work", error="E", entered=2).end("Failed", error="E")
    return run.redrive(2, wait=60).task("Work", entered=2).end().records


def children(**counts: Any) -> list[Received]:
    run = History().start().map_run("Each", MAP_RUN_ARN)
    return [*run.records, counted(**counts)]


def started_thrice(end: str) -> list[Received]:
    """Build a Parallel that is tried again: started, and not entered anew."""
    return history(
        *("ExecutionStarted", "ParallelStateEntered@0 Fan", "ParallelStateStarted"),
        *("FailStateEntered A", "ParallelStateStarted", "FailStateEntered A"),
        *("ParallelStateStarted", f"ParallelState{end}"),
        *(["ParallelStateExited Fan"] if end == "Succeeded" else []),
        f"Execution{end}",
    )


def retried_child() -> list[Received]:
    child = History(CHILD_ARN).start().task("Archive", retried=["E"]).end()
    return [*(r for r in nested_run() if r.execution_arn == ARN), *child.records]


def failing_branch(passed_on: Any) -> list[Received]:
    """Build a Parallel whose Catch takes the error of a Fail state in it."""
    run = History().start()
    run.write(
        "ParallelStateEntered@0 Fan", "ParallelStateStarted", "FailStateEntered A"
    )
    run.add("ParallelStateFailed")
    run.add("ParallelStateExited", name="Fan", output=json.dumps(passed_on))
    return run.state("Rescue").end().records


def logged_failures() -> list[Received]:
    """Build an Express execution's log of level ERROR, in which a task has failed."""
    why = {"error": "Boom", "cause": "No paper."}
    details: dict[str, Any] = {**LAMBDA_INVOKE, **why}
    failed = event(4, "TaskFailed", 3, previous=3, **details)
    logging = {"level": "ERROR"}
    return [
        definition({}, arn=EXPRESS_ARN, loggingConfiguration=logging),
        logged(failed),
    ]


def backing_off(end: str) -> list[Received]:
    """Build a Task that waits to be tried again while the execution is ended."""
    run = History().start()
    run.add("TaskStateEntered", name="Read")
    run.attempt(SYNC, error="Ssm.ThrottlingException", cause="Rate exceeded")
    return run.end(end).records


NO_ITEMS = {"error": "States.ItemReaderFailed", "cause": "No such file."}
NO_SUCH_FIELD = {
    "state": "A",
    "error": "States.QueryEvaluationError",
    "cause": "No field x.",
}
ANSWERED = {"Tasks": [{"TaskArn": task_arn(7), "Containers": [{"ExitCode": 1}]}]}
OUTCOMES: Situations = {
    "retries": {
        "attempts are counted with what they cost": tried(
            History().start(), "Error0", "Error1"
        ).records,
        "very many attempts are a storm": tried(
            History().start(), *["Error"] * 9, succeeds=False
        )
        .end("Failed")
        .records,
        "the retries of very many visits are told of together": tried_by_five().records,
        "one of several iterations was retried": History()
        .start()
        .map("Each", tried, lambda it: tried(it, "Boom"))
        .records,
        "what child executions did is found too": retried_child(),
        "a Parallel is tried again with all that is in it": started_thrice("Failed"),
        "and succeeds in the end": started_thrice("Succeeded"),
        "the last try still runs": started_thrice("Failed")[:-2],
    },
    "caught": {
        "what was caught has the state that came next": History()
        .start()
        .map("Each", caught)
        .records,
        "what is inside of a Parallel does not come next": history(
            *("ExecutionStarted", "ParallelStateEntered@0 Fan", "ParallelStateStarted"),
            *("FailStateEntered A", "ParallelStateFailed", "ParallelStateExited Fan"),
        ),
        "a Fail state in a branch has what its Catch passed on": failing_branch(
            {"Error": "Torn", "Cause": "The page is torn."}
        ),
        "that may be at a ResultPath": failing_branch(
            {"page": 7, "why": {"Error": "Torn", "Cause": "The page is torn."}}
        ),
        "but which of two it is nobody knows": failing_branch(
            {"old": {"Error": "A", "Cause": ""}, "new": {"Error": "B", "Cause": ""}}
        ),
        "a Task in a branch has its own error": history(
            *("ExecutionStarted", "ParallelStateEntered@0 Fan", "ParallelStateStarted"),
            *("TaskStateEntered A", f"TaskScheduled {json.dumps(SYNC)}"),
            f"TaskFailed {json.dumps({**SYNC, 'error': 'E', 'cause': 'No.'})}",
            *("ParallelStateFailed", "ParallelStateExited Fan"),
        ),
        "a failed evaluation is not what the attempt before it ended with": history(
            *("ExecutionStarted", "TaskStateEntered@0 A"),
            *(f"TaskScheduled {json.dumps(SYNC)}", f"TaskSucceeded {json.dumps(SYNC)}"),
            f"EvaluationFailed {json.dumps(NO_SUCH_FIELD)}",
            *("TaskStateExited A", "PassStateEntered Rescue"),
        ),
        "very many errors caught alike are told of together": History()
        .start()
        .map("Each", *[caught] * 9)
        .records,
    },
    "failed": {
        "an expression could not be evaluated": history(
            *("ExecutionStarted", "PassStateEntered@0 A"),
            'EvaluationFailed@0 {"state": "A", "location": "Output/total",'
            ' "error": "States.QueryEvaluationError", "cause": "No such field."}',
            'ExecutionFailed {"error": "States.QueryEvaluationError",'
            ' "cause": "No such field."}',
        ),
        "what failed is told with its error": tried(
            History().start(), "Error", succeeds=False
        )
        .end("Failed", error="Error", cause="No.")
        .records,
        "a time-out of the whole has no error of a try before": backing_off("TimedOut"),
        "nor has an abort": backing_off("Aborted"),
        "which state failed is concluded where the event before is missing": [
            *history(
                *("ExecutionStarted", "ParallelStateEntered@0 Fan"),
                *("ParallelStateStarted", "TaskStateEntered@3 A"),
                *("WaitStateEntered@3 B", "TaskScheduled@4", "TaskFailed"),
                'ExecutionFailed@77 {"error": "E"}',
            )
        ],
    },
    "failed unseen": {"failures alone are told of all the same": logged_failures()},
    "map-run-failed caught failed": {
        "an ItemReader that failed is told of, though another run succeeded": History()
        .start()
        .map_run("Each", f"{MAP_RUN_ARN}1", f"{MAP_RUN_ARN}2")
        .end()
        .records,
        "where its state failed with it that is told once": history(
            *("ExecutionStarted", "MapStateEntered@0 Each", "MapStateStarted"),
            f'MapRunStarted {{"mapRunArn": "{MAP_RUN_ARN}"}}',
            f"MapRunFailed {json.dumps(NO_ITEMS)}",
            *("MapStateFailed", f"ExecutionFailed {json.dumps(NO_ITEMS)}"),
        ),
    },
    "failed-calls throttled-calls": {
        "a refused action is told in AWS's own words": refused(
            "AccessDenied", "not \x1b you."
        ),
        "a refused action may be its own": Doubted(
            trace_of(*refused("AccessDenied")), {"r"}, matched=True
        ),
        "Throttling is throttling": refused("Throttling"),
        "Client.RequestLimitExceeded is throttling": refused(
            "Client.RequestLimitExceeded"
        ),
        "LimitExceededException is none": refused("LimitExceededException"),
    },
    "job-failed-later": {
        "a call shows that a job failed later": shown(3, "EssentialContainerExited"),
        "a call shows that a job never began": shown(None, "TaskFailedToStart"),
        "a job did not fail": shown(0, "EssentialContainerExited"),
        "a job was stopped by somebody": shown(None, "UserInitiated"),
        "a later state shows that a job failed": left_alone(7)
        .task("Look", DESCRIBE_SDK, output=ANSWERED)
        .records,
        "ECS told that a job failed": [*left_alone(7).records, *ecs_told(7)],
        "very many jobs that failed are told of together": [
            *left_alone(*range(5)).records,
            *ecs_told(*range(5)),
        ],
        "an execution that nobody waited for failed": left_to_a_child(),
    },
    "redriven retries time": {"a redrive has what it continued with": redriven_run()},
    "redriven": {"several redrives have how long nothing ran": redriven_twice()},
    "children": {
        "a Map Run has its failures first": photos(),
        "all children succeeded": children(succeeded=3),
        "the only child succeeded": children(succeeded=1),
        "children still run": children(running=2, pending=1),
        "children ended otherwise": children(timedOut=1, aborted=2),
        "no child has run yet": children(),
    },
    "unseen": {
        "calls may be those of children that were not read": [*photos(), run_task(7, 3)]
    },
    "child-failed": {"a child execution failed": asked_a_child()},
}


# -- several executions ----------------------------------------------------------------


def two_ways(*, denied: bool = False) -> list[Received]:
    """Build two ways of the experiment: a `.sync` run, and one that left its task."""
    other = History(OTHER_ARN).start()
    other.task(
        "ECS RunTask", REQUEST_RESPONSE, output=answer("other", task_arn(0))
    ).end()
    made = call("RunTask", 0, key="other", request_id="other")
    return [*sync_run(denied=denied), *other.records, made]


def two_that_run() -> list[Received]:
    """Build the same, of which one still runs, and CloudTrail has not told all."""
    ends = {"TaskSucceeded", "TaskStateExited", "ExecutionSucceeded"}
    known = [
        record
        for record in two_ways(denied=True)
        if record.kind not in {"health", "describe"}
        and (record.execution_arn != ARN or record.record.get("type") not in ends)
    ]
    return [*known, health("lookup", "live", 400, complete_to="2023-11-15T00:28:30Z")]


SEVERAL: Situations = {
    "conclusion": {
        "each way to call a service is told in one sentence": two_ways(),
        "denied polls did not matter in one way": two_ways(denied=True),
        "one way still runs": two_that_run(),
        "one execution concludes nothing": sync_run(),
        "one way concludes nothing": [*sync_run(), *sync_history(OTHER_ARN)],
    }
}


# -- what is not visible ---------------------------------------------------------------

INVOKE = call("Invoke", 0, key="invoke", source="lambda.amazonaws.com")
HTTP: Which = {"resourceType": "http", "resource": "invoke"}
THERE = {"taskCredentials": {"roleArn": "arn:aws:iam::999999999999:role/there"}}
NOISE = call("GetSamplingRules", 9, key="x", source="xray.amazonaws.com")
SECRET = call("GetSecretValue", 9, key="s", source="secretsmanager.amazonaws.com")


def states(*whiches: Which, **more: Any) -> list[Received]:
    """Build states A, B, … that run one after the other, half a minute each."""
    run = History().start()
    for name, which in zip("ABC", whiches, strict=False):
        run.task(name, which, lasts=30, **more)
    return run.records


def of_service(resource_type: str, resource: str) -> list[Received]:
    return states({"resourceType": resource_type, "resource": resource})


def alike_at_once(*records: Received) -> list[Received]:
    run = History().start()
    run.parallel("Fan", *[lambda it: it.task("Work", REQUEST_RESPONSE)] * 2)
    return [*run.records, *records]


def alike_in_two(*records: Received) -> list[Received]:
    runs = [
        History(arn).start().task("Work", REQUEST_RESPONSE).records
        for arn in (ARN, OTHER_ARN)
    ]
    return [*runs[0], *runs[1], *records]


def machine_list() -> Received:
    def item(name: str, stopped: float) -> dict[str, Any]:
        arn = ARN.replace("run-7f3a", name)
        times = {"startDate": iso(at(0)), "stopDate": iso(at(stopped))}
        machine = {"stateMachineArn": MACHINE_ARN, "name": name}
        return {"executionArn": arn, "status": "FAILED", **machine, **times}

    lists = {
        "machine_arn": MACHINE_ARN,
        "asked_at": iso(at(400)),
        "running": [],
        "running_complete": True,
        "newest": [item("one", 200), item("run-7f3a", 309), item("two", 100)],
        "newest_complete": True,
    }
    return received(RecordKind.MACHINE_EXECUTIONS, lists, 401)


def with_lookup(state: str, **more: Any) -> list[Received]:
    return [*sync_history(), *sync_calls(), health("lookup", state, 99, **more)]


LATE = [call("X", n, key=f"k{n}", lag=60 + n) for n in range(1, 11)]


def unnamed_branches() -> list[Received]:
    """Build a run as ministack writes it: without the states inside the Parallel."""
    run = History().start()
    run.add("ParallelStateEntered", name="Fan")
    arn = "arn:aws:states:::aws-sdk:sqs:getQueueUrl"
    for phase in ("Scheduled", "Scheduled", "Succeeded", "Failed"):
        error: dict[str, Any] = {}
        if phase == "Failed":
            error = {"error": "E", "cause": "C"}
        run.add(f"Task{phase}", after=0, resourceType="states", resource=arn, **error)
    run.add("TaskScheduled", after=0)
    run.add("ParallelStateExited", name="Fan")
    return run.end().records


MOTO_BEGAN = datetime(2020, 1, 1, tzinfo=UTC)


def of_moto(*kinds: str, began: datetime = MOTO_BEGAN) -> list[Received]:
    """Build a history of states called A State that begins at that time."""
    run = History(begin=(began - at(0)).total_seconds()).start()
    return run.write(*(f"{kind} A State" for kind in kinds)).records


MOTO_SUCCESS = ("PassStateEntered", "PassStateExited", "ExecutionSucceeded")
MOTO_FAILURE = ("FailStateEntered", "ExecutionFailed")
EMULATOR = "127.0.0.1:4566"


def assigning(*, defined: bool) -> list[Received]:
    """Build a run in which A sets two variables, and B one of them again."""
    run = History().start()
    for name, values in (("A", {"total": "42", "list": "[1]"}), ("B", {"total": "43"})):
        run.add("PassStateEntered", name=name)
        run.add("PassStateExited", name=name, assignedVariables=values)
    records = run.end().records
    if not defined:
        return records
    states = {
        "A": {
            "Type": "Pass",
            "Assign": {"total": 42, "list": "{% [1] %}"},
            "Next": "B",
        },
        "B": {"Type": "Pass", "Assign": {"total": "{% $total + 1 %}"}, "Next": "C"},
        "C": {"Type": "Succeed", "Output": "{% {'total': $total} %}"},
    }
    return [*records, definition(states)]


def assigning_many(count: int) -> list[Received]:
    run = History().start()
    run.add("PassStateEntered", name="A")
    values = {f"v{number}": "1" for number in range(count)}
    run.add("PassStateExited", name="A", assignedVariables=values)
    return run.end().records


VARIABLES: Situations = {
    "variable": {
        "two states set two variables": assigning(defined=True),
        "which states refer to them is not known": assigning(defined=False),
        "very many variables are counted": assigning_many(21),
    },
}

AWAITED: Situations = {
    "wait-ends": {
        "a Wait ends when its definition says": at_a_wait(Seconds=180),
        "unless the definition does not say": at_a_wait(Seconds="{% $later %}"),
    },
    "next-try": {
        "a state backs off for its next try": before_a_retry({"IntervalSeconds": 30}),
        "with jitter for at most so long": before_a_retry({"JitterStrategy": "FULL"}),
        "unless no try is left": before_a_retry({"MaxAttempts": 0}),
    },
}

NOT_VISIBLE: Situations = {
    "sample-history": {
        "moto's sample of a success": of_moto(*MOTO_SUCCESS),
        "moto's sample of a failure": of_moto(*MOTO_FAILURE),
        "the same states, executed": of_moto(*MOTO_SUCCESS, began=at(0)),
        "more than the sample": of_moto("PassStateEntered", *MOTO_SUCCESS),
    },
    "endpoint": {
        "what answered is not AWS": with_lookup("live", endpoint=EMULATOR),
        "nothing was answered": [health("lookup", "live", 99, endpoint=EMULATOR)],
    },
    "network-activity": {
        "an endpoint let calls pass, and denied others": [
            *sync_run(),
            *(
                trail(network_activity("GetSecretValue", 40 + n, key=f"n{n}"))
                for n in range(3)
            ),
            trail(network_activity("GetSecretValue", 50, key="d", denied=True)),
        ],
        "events alone are no calls of a job": [
            trail(network_activity("DescribeTasks", 50, key="d", denied=True))
        ],
    },
    "unnamed-states": {
        "tasks in branches that an emulator does not name": unnamed_branches(),
    },
    "unseen": {
        "all is seen of the experiment's run": sync_run(),
        "data events are not recorded": states(LAMBDA_INVOKE, LAMBDA_INVOKE),
        "HTTP tasks are not recorded": states(HTTP),
        "calls of Kubernetes are not recorded": of_service("eks", "call"),
        "API Gateway is not recorded": of_service("apigateway", "invoke"),
        "a data event is there": [*states(LAMBDA_INVOKE), INVOKE, COMPLETE],
        "others could have been seen then": [
            *states(LAMBDA_INVOKE, LAMBDA_INVOKE),
            INVOKE,
            COMPLETE,
        ],
        "and may yet come": [*states(LAMBDA_INVOKE, LAMBDA_INVOKE), INVOKE],
        "the call of an HTTP task is nobody's": [
            *states(HTTP),
            call("InvokeHTTPEndpoint", 0, key="i", source="states.amazonaws.com"),
            COMPLETE,
        ],
        "a call should be there and is not": [*states(REQUEST_RESPONSE), COMPLETE],
        "a call of that name that is here is not said to be elsewhere": [
            *states(REQUEST_RESPONSE),
            call("RunTask", 300, key="late"),
            COMPLETE,
        ],
        "a call is another account's": [*states(REQUEST_RESPONSE, **THERE), COMPLETE],
        "nothing is missed before CloudTrail has come so far": states(REQUEST_RESPONSE),
        "CloudTrail is complete up to a time before the end": with_lookup(
            "live", complete_to=iso(at(36))
        ),
        "calls of a file end before the end": [*sync_history(), *sync_calls()],
        "how far CloudTrail is complete is unknown": [
            *sync_history(),
            health("lookup", "live", 99),
        ],
        "CloudTrail could not be read": with_lookup(
            "denied", message="Can't look up: AccessDenied\x1b."
        ),
        "LookupEvents is not supported": with_lookup(
            "unsupported", message="LookupEvents is not supported by it.\x1b"
        ),
        "LookupEvents has no record at all": with_lookup(
            "unrecorded", message="It has recorded no call at all."
        ),
        "X-Ray's calls are nobody's": [*sync_run(), NOISE],
        "calls of the role match no attempt": [*sync_run(), SECRET],
        "calls of the role of two executions match none": [
            *sync_history(),
            *sync_history(OTHER_ARN),
            SECRET,
        ],
        "events are missing": [
            r for r in sync_history() if r.record["id"] not in {4, 5}
        ],
        "a history stops before the end": [*sync_history()[:5], describe()],
        "and it may not have ended": [*sync_history()[:5], describe("RUNNING")],
        "a file ends before the end": [undated(each) for each in sync_history()[:5]],
        "nothing but failures is logged": logged_failures(),
        "an execution is known by name only": [describe()],
        "nothing is known of a Map Run": History()
        .start()
        .map_run("Each", MAP_RUN_ARN)
        .records,
        "there are no calls": sync_history(),
        "there are calls alone": sync_calls(),
        "there is nothing": [],
        "a record can't be read": [
            receive(None, RecordKind.TRAIL, None, {"eventName": "X"})
        ],
    },
    "ambiguous": {
        "a call fits two attempts": alike_at_once(row("RunTask", 1)),
        "a call fits two executions": alike_in_two(row("RunTask", 0)),
    },
    "other-executions": {
        "others of the machine ran meanwhile": [*sync_history(), machine_list()]
    },
    "lag": {
        "CloudTrail is late": [
            *sync_history(),
            *LATE,
            call("X", -50, key="old", lag=500),
        ],
        "one call has a lag too": [*sync_history(), run_task(1, 1, lag=42)],
        "files have none": [*sync_history(ARN), *map(undated, sync_calls())],
    },
}


# -- calls alone -----------------------------------------------------------------------


def polls(*seconds: float, **more: str) -> list[Received]:
    return [row("DescribeTasks", second, **more) for second in seconds]


def asked(*numbers: int, **more: Any) -> list[Received]:
    return [describe_task(number, 60 + number, **more) for number in numbers]


def begun(*numbers: int) -> list[Received]:
    return [run_task(number, 1 + number) for number in numbers]


ALL = "pattern polling denied-unknown calls failed-calls throttled-calls other-calls"
CALLS_ALONE: Situations = {
    ALL: {
        "polling looks like Run a Job": [row("RunTask", 1), *polls(56, 115)],
        "an action that is not polled for may be of any form": [row("RunTask", 1)],
        "denied polls say nothing of the outcome": [
            row("RunTask", 1),
            *polls(60, 120, errorcode="AccessDenied"),
        ],
        "denied polls name the job of an action that names none": [
            row("RunTask", 1),
            *polls(60, 120, errorcode="AccessDenied", errormessage=f"no: {TASK_ARN}"),
        ],
        "polls that suit several actions are only counted": [
            row("RunTask", 1),
            row("RunTask", 30),
            *polls(85, 144),
        ],
        "a poll that names no job is not counted to those that are asked for": [
            *begun(0, 1),
            *asked(0, 1),
            call("DescribeTasks", 70, key="x", error=THROTTLED),
        ],
        "a poll belongs to the job that it names": [
            *begun(0, 1),
            describe_task(1, 70),
            describe_task(1, 130),
            describe_task(0, 61),
        ],
        "after a long silence a job is over": [row("RunTask", 1), *polls(600)],
        "refused and other calls are counted": [
            row("RunTask", 1, errorcode="AccessDenied"),
            row("RunTask", 2, errorcode="ThrottlingException"),
            call("GetObject", 3, key="a", source="s3.amazonaws.com"),
            call("GetObject", 4, key="b", source="s3.amazonaws.com"),
        ],
        "a stranger with another role": [
            *sync_history(),
            run_task(9, 900, role=f"{ROLE}-other"),
        ],
        "a stranger at another time": [
            *sync_history(),
            run_task(9, 90_000, key="next-day"),
        ],
        "strangers are not counted where CloudTrail was asked live": [
            *sync_history(),
            run_task(9, 90_000),
            health("lookup", "ended", 990),
        ],
        "a job of the same role that no state started": [
            *sync_history(),
            run_task(9, 900, key="late"),
        ],
    }
}


# -- where the time went ---------------------------------------------------------------


def one_by_one(*names: str, lasts: float = 10) -> list[Received]:
    run = History().start()
    for name in names:
        run.task(name, LAMBDA_INVOKE, lasts=lasts)
    return run.end().records


def one_page(*more: Received) -> list[Received]:
    """Build the first page of a run of 309 s: what came after 1.2 s is not here."""
    return [undated(record) for record in (*sync_history()[:5], *more)]


ITERATIONS = [lambda it: it.task("Work", LAMBDA_INVOKE, lasts=10)] * 3
TIME: Situations = {
    "time slowest-path": {
        "a run's time is divided": sync_run(),
        "of a Parallel the branch that ended last counts": history(
            *("ExecutionStarted", "ParallelStateEntered@0 Fan", "ParallelStateStarted"),
            *("WaitStateEntered@3+0 Quick", "WaitStateEntered@3+0 Slow"),
            *("WaitStateExited@4+3 Quick", "WaitStateExited@5+5 Slow"),
            *("ParallelStateExited Fan", "WaitStateEntered Nap"),
            "WaitStateExited+2 Nap",
        ),
        "very many took alike": one_by_one(*map(str, range(12))),
        "a history is cut": one_page(describe()),
    },
    "slowest-path": {
        "an iteration that waited for its turn follows the one before": History()
        .start()
        .map("Each", *ITERATIONS)
        .records,
        "several took alike": one_by_one(*"ABCD"),
        "of two that took just half neither took most": History(pace=0)
        .start()
        .state("A", "Wait", wait=10)
        .state("B", "Wait", wait=10)
        .end()
        .records,
    },
    "time": {
        "a Map Run takes its time": photos(),
        "the ends of states are missing": one_page(sync_history()[-1]),
        "a watched run goes on until the last that came in": [
            *sync_history()[:5],
            request(182),
        ],
    },
}
SITUATIONS: Mapping[str, tuple[str, Known]] = {
    name: (kinds, known)
    for part in (
        *(JOBS, OUTCOMES, SEVERAL, VARIABLES, AWAITED),
        *(NOT_VISIBLE, CALLS_ALONE, TIME),
    )
    for kinds, named in part.items()
    for name, known in named.items()
}


# -- what is explained -----------------------------------------------------------------


def failed_inside() -> list[Received]:
    run = History().start()
    run.add("ParallelStateEntered", name="Fan")
    run.add("ParallelStateStarted")
    cause = '{"errorMessage": "out of \\u001b paper."}'
    run.task("Work", LAMBDA_INVOKE, error="Oops", cause=cause, lasts=6)
    run.add("ParallelStateFailed")
    return run.end("Failed", error="Oops", cause=cause).records


def caught_and_failed() -> list[Received]:
    """Build a run in which one error is caught and the next is not."""
    run, cause = History().start(), "Out of paper."
    run.task("Charge", LAMBDA_INVOKE, error="Declined", cause="No.", caught=True)
    run.task("Print", LAMBDA_INVOKE, retried=["Jam"], error="Oops", cause=cause)
    return run.end("Failed", error="Oops", cause=cause).records


def branches_and_rounds() -> list[Received]:
    run = History().start()
    run.parallel("Fan", *[lambda branch: branch.state("Same")] * 2)
    return run.state("Again").state("Again").records


def retried_often() -> list[Received]:
    run = History().start()
    for number in range(20):
        run.task(f"S{number}", LAMBDA_INVOKE, retried=["E"])
    return run.end().records


OTHER = History(OTHER_ARN).start().end().records
EXPLAINED: Mapping[str, Sequence[Received]] = {
    "a state within another failed": failed_inside(),
    "what failed is told first": caught_and_failed(),
    "one runs": [
        *sync_history()[:5],
        describe("RUNNING"),
        health("history", "live", 92),
    ],
    "one was aborted": History().start().end("Aborted").records,
    "one was aborted in another state than failed and was caught": history(
        *("ExecutionStarted", "ParallelStateEntered@0 Fan", "ParallelStateStarted"),
        *("FailStateEntered A", "ParallelStateFailed", "ParallelStateExited Fan"),
        *("WaitStateEntered Nap", "ExecutionAborted@0"),
    ),
    "it failed in a Map of which no start is here": history(
        *("ExecutionStarted", "MapStateEntered@0 Each", "MapIterationStarted Each#0"),
        *("FailStateEntered A", "MapIterationFailed Each#0", "MapStateFailed@4"),
        "ExecutionFailed@4",
    ),
    "and in another try": history(
        *("ExecutionStarted", "ParallelStateEntered@0 Fan", "ParallelStateStarted"),
        *("FailStateEntered A", "ParallelStateStarted", "WaitStateEntered Nap"),
        "ExecutionAborted@0",
    ),
    "one is only described": [describe()],
    "so is one that failed": [describe("FAILED", error="Oops", cause="Out of paper.")],
    "one is only named": [
        receive(None, RecordKind.DESCRIBE, ARN, {"executionArn": ARN})
    ],
    "one was redriven": redriven_run(),
    "iterations are one row": many_jobs(20),
    "branches are rows of their own": branches_and_rounds(),
    "of very many findings alike the first are told": retried_often(),
    "a Map Run's time is not worth a sentence": photos(),
    "a history is not whole": one_page(describe()),
    "nor are the ends of its states known": one_page(sync_history()[-1]),
    "polls were denied": sync_run(denied=True),
    "several are told apart": [*sync_run(denied=True), *OTHER],
    "the items of a Map Run could not be read": History()
    .write(
        *("ExecutionStarted", "MapStateEntered@0 Each", "MapStateStarted"),
        f'MapRunStarted {{"mapRunArn": "{MAP_RUN_ARN}"}}',
        'MapRunFailed {"error": "States.ItemReaderFailed"}',
        "MapStateFailed",
        'ExecutionFailed {"error": "States.ItemReaderFailed"}',
    )
    .records,
    "there is no history": sync_calls(),
    "there is nothing at all": [],
}
