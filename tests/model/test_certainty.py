"""How sure a match is: by what only the attempt has, and by what others may share."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from sfnwatch.model.integrations import CallRole
from sfnwatch.model.linking.link import Certainty, Link
from sfnwatch.model.records import Received
from tests import builders as aws
from tests.builders import MAP_RUN_ARN, History, call
from tests.model.answers import trace_of

EXACT, STRONG, LIKELY, GUESS = Certainty
MINUTES = 600.0
OTHER_SESSION = "pUBglYSipXQwtRmKzVbNhJdLfGcWaEoT"
TASKS = [aws.TASK_ARN, aws.TASK_ARN[:-1] + "6", aws.TASK_ARN[:-1] + "7"]
TOKEN = "AQCEAAAAKgAAAAMAAAAAAAAAAf3b5J8lX0qk1uQ2v7w9yZ4a6c8e"
EC2 = "ec2.amazonaws.com"
CREATE_VOLUME = {"resourceType": "aws-sdk:ec2", "resource": "createVolume"}
START = {"resourceType": "states", "resource": "startExecution.sync:2"}


def link_in(*records: Received, key: str = "c") -> Link:
    return trace_of(*records).links[key]


def waited(*tasks: str, seconds: float = MINUTES, **more: Any) -> list[Received]:
    """Build a state that waits for a job, submitted at 0.4."""
    answer = aws.answer("r-1", *(tasks or (aws.TASK_ARN,)))
    run = History().start()
    run.task("Work", aws.SYNC, submitted=answer, lasts=seconds, **more)
    return run.end("Failed" if "error" in more else "Succeeded").records


def polls(*seconds: float, tasks: list[str] | None = None) -> list[Received]:
    named = {"cluster": "c", "tasks": tasks or [aws.TASK_ARN]}
    return [
        call("DescribeTasks", second, key=f"p{number}", parameters=named)
        for number, second in enumerate(seconds)
    ]


def certainties(records: list[Received], keys: str = "p") -> list[Certainty | None]:
    links = trace_of(*records).links
    named = sorted(key for key in links if key.startswith(keys))
    return [links[key].certainty for key in named]


# A job's id says which job a call is about; who asked is told by the rhythm.


@pytest.mark.parametrize(
    "seconds",
    [
        (55, 114, 177, 232, 293),  # as recorded
        (60, 116, 182, 237, 298),  # as recorded, denied
        (60, 180, 240),  # one in between is missing
        (60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 900, 1200),
    ],
)
def test_polls_at_step_functions_own_rhythm_are_exact(seconds: tuple[int, ...]) -> None:
    records = [*waited(seconds=1300), *polls(*seconds)]
    assert {*certainties(records)} == {EXACT}


def test_a_poll_that_breaks_the_rhythm_is_about_the_job_and_not_counted() -> None:
    links = trace_of(*waited(), *polls(20, 60, 77, 120)).links
    roles = [links[f"p{number}"].role for number in range(4)]
    assert roles == [CallRole.OTHER, CallRole.POLL, CallRole.OTHER, CallRole.POLL]
    # Which of them Step Functions made nothing proves then.
    assert {links[f"p{number}"].certainty for number in range(4)} == {LIKELY}


def test_polls_every_few_seconds_are_not_counted_though_nobody_else_is_known() -> None:
    every = polls(*range(6, 120, 6))
    links = trace_of(*waited(), *every).links
    own = [key for key, link in links.items() if link.role is CallRole.POLL]
    assert {links[key].certainty for key in own} == {LIKELY}
    assert not any(
        link.is_sure for link in links.values() if link.rule == "resource-id"
    )


def test_a_poll_that_names_all_tasks_of_an_attempt_is_its_own() -> None:
    own = [*waited(*TASKS), *polls(60, 120, tasks=TASKS)]
    assert certainties(own) == [EXACT, EXACT]
    others = [*waited(*TASKS[:2]), *polls(60, tasks=TASKS[1:])]
    assert link_in(*others, key="p0").key is None


@pytest.mark.parametrize(
    ("seconds", "certainty"),
    [(600, EXACT), (602, EXACT), (604, GUESS), (640, GUESS), (780, GUESS)],
)
def test_a_stop_is_exact_only_close_to_the_end(
    seconds: int, certainty: Certainty
) -> None:
    run = [
        r for r in waited() if not r.record["type"].endswith(("Succeeded", "Exited"))
    ]
    run.append(aws.event(len(run) + 1, "ExecutionAborted", MINUTES, previous=0))
    stop = call("StopTask", seconds, key="c", parameters={"task": aws.TASK_ARN})
    assert link_in(*run, stop).certainty is certainty
    again = call("StopTask", seconds + 1, key="d", parameters={"task": aws.TASK_ARN})
    link = link_in(*run, stop, again)
    assert link.key is None
    assert link.reason.startswith("2 calls stopped the job, and at most one a job")


# What only one attempt has makes a match strong; what others may share does not.


def volume(
    *, answered: str = "vol-0123456789abcdef0", told: str = "vol-0123456789abcdef0"
) -> list[Received]:
    asked = {"Size": 8, "AvailabilityZone": "eu-west-1a"}
    run = History().start()
    run.task(
        "Work", CREATE_VOLUME, parameters=json.dumps(asked), output={"VolumeId": told}
    )
    made = call(
        "CreateVolume",
        0,
        key="c",
        source=EC2,
        parameters={"size": "8", "zone": "eu-west-1a"},
        response={"volumeId": answered},
    )
    return [*run.end().records, made]


def test_an_answer_that_the_output_tells_is_proof() -> None:
    link = link_in(*volume())
    assert (link.certainty, link.evidence) == (STRONG, "vol-0123456789abcdef0")


def test_another_answer_than_the_output_tells_is_a_contradiction() -> None:
    trace = trace_of(*volume(answered="vol-0fedcba9876543210"))
    (evidence,) = trace.linker.evidence_of(trace.calls["c"])
    assert any("its answer has another" in sentence for sentence in evidence.against)
    assert trace.links["c"].key is None


def token_task(token: str, **more: Any) -> list[Received]:
    waits = {"resourceType": "aws-sdk:ssm", "resource": "putParameter.waitForTaskToken"}
    asked = json.dumps({"Name": "n", "Description": token})
    run = History().start().task("Work", waits, parameters=asked, submitted={}, **more)
    return run.end().records


@pytest.mark.parametrize(("token", "certainty"), [(TOKEN, STRONG), ("none", LIKELY)])
def test_a_task_token_is_proof_and_other_equal_parameters_are_not(
    token: str, certainty: Certainty
) -> None:
    made = call(
        "PutParameter",
        0,
        key="c",
        source="ssm.amazonaws.com",
        parameters={"name": "n", "description": token},
    )
    # The file has all calls up to this one.
    last = call("ListClusters", 9000, key="last", role="r/people", invoked_by=None)
    assert link_in(*token_task(token, lasts=9), made, last).certainty is certainty


def test_two_callers_of_an_idempotent_start_are_both_answered_with_one_arn() -> None:
    child = f"{aws.HEAD}:execution:child:nightly"
    run = History().start()
    run.task("Work", START, submitted={"ExecutionArn": child}, lasts=90)

    def start(key: str, second: float) -> Received:
        return call(
            "StartExecution",
            second,
            key=key,
            source="states.amazonaws.com",
            response={"executionArn": child},
        )

    assert link_in(*run.end().records, start("c", 0)).certainty is LIKELY
    link = link_in(*run.records, start("c", 0), start("d", 0))
    assert link.key is None
    assert "the attempt made one" in link.reason


# A cause may quote the request ids and sessions of others.


def failed(
    cause: str, which: Mapping[str, str] = aws.SYNC, **more: Any
) -> list[Received]:
    run = History().start()
    run.task("Work", which, error="States.TaskFailed", cause=cause, **more)
    return run.end("Failed").records


def test_a_cause_that_quotes_a_child_gives_its_calls_to_nobody_else() -> None:
    who = f"arn:aws:sts::{aws.ACCOUNT}:assumed-role/R/{OTHER_SESSION}"
    words = (
        f"User: {who} is not authorized (Service: Ecs; Request ID: r-9; Proxy: null)"
    )
    child = {"ExecutionArn": f"{aws.HEAD}:execution:child:1", "Cause": words}
    quoting = failed(json.dumps(child), START, submitted={"ExecutionArn": "x"})
    denied = call("StartExecution", 0, key="c", request_id="r-9", session=OTHER_SESSION)
    assert link_in(*quoting, denied).certainty not in {EXACT, STRONG}
    attempt = next(trace_of(*quoting).as_of().executions[aws.ARN].attempts)[1]
    assert attempt.request_ids == ()


def test_a_request_id_at_the_top_of_a_cause_is_the_attempts_own() -> None:
    cause = json.dumps({"SdkResponseMetadata": {"RequestId": "r-9"}, "Failures": []})
    own = call("RunTask", 0, key="c", request_id="r-9")
    assert link_in(*failed(cause), own).certainty is EXACT


def test_what_the_holder_of_a_token_sends_is_no_message_of_the_call() -> None:
    waits = {"resourceType": "ecs", "resource": "runTask.waitForTaskToken"}
    quoting = failed(
        "No. (Service: X; Request ID: r-9; Proxy: null)", waits, submitted={}
    )
    attempt = next(trace_of(*quoting).as_of().executions[aws.ARN].attempts)[1]
    assert attempt.request_ids == ()


def test_a_request_that_never_arrived_owns_no_call_that_succeeded() -> None:
    cause = "Unable to execute HTTP request: connect timed out (SDK Attempt Count: 1)"
    run = History().start()
    run.task("Work", aws.SDK, error="Ecs.EcsException", cause=cause)
    records = [*run.end("Failed").records, call("RunTask", 0, key="c")]
    trace = trace_of(*records)
    assert trace.links["c"].key is None
    (evidence,) = trace.linker.evidence_of(trace.calls["c"])
    assert "it succeeded, and the attempt's request never arrived" in evidence.against


# One call is one call, however it is delivered.


def test_a_call_that_two_trails_deliver_is_one() -> None:
    first, second = (
        call("RunTask", 0, key=key, request_id="r-1", parameters={"cluster": "c"})
        for key in ("a", "b")
    )
    run = waited()
    for records in ([*run, first, second], [*run, second, first]):
        assert len(trace_of(*records).calls) == 1
    # A service forwards the request id: another name, or another request, is another.
    other = call("RunTask", 0, key="b", request_id="r-1", parameters={"cluster": "d"})
    decrypt = call("Decrypt", 0, key="k", request_id="r-1", source="kms.amazonaws.com")
    trace = trace_of(*run, first, other, decrypt)
    assert len(trace.calls) == 3
    assert trace.links["k"].key is None


@pytest.mark.parametrize(
    ("session", "is_own"),
    [(aws.SESSION, True), ("xxxxxxxxxxxxxxxx", True), ("alice", False)],
)
def test_in_a_row_of_few_columns_a_session_with_a_name_is_a_persons(
    session: str, *, is_own: bool
) -> None:
    record = aws.api_call("RunTask", 0, key="row", session=session)
    row = aws.athena(record, *aws.SEED_COLUMNS)
    run = History().start().task("Work", aws.SDK).end().records
    (told,) = trace_of(*run, row).calls.values()
    assert told.by_others is not is_own


def test_polls_of_a_time_with_more_actions_than_attempts_are_nobodys_for_sure() -> None:
    """Rows of few columns name no job: two RunTask compete for the one attempt."""
    row = aws.row("DescribeTasks", 61)
    submitted = History().start()
    submitted.task("Work", aws.SYNC, submitted={}, lasts=MINUTES)
    records = [*submitted.end().records, row, aws.row("ListTasks", 9000)]
    alone = trace_of(*records, aws.row("RunTask", 0))
    assert [link.certainty for link in alone.links.values()].count(GUESS) == 2
    both = trace_of(*records, aws.row("RunTask", 0), aws.row("RunTask", 1))
    assert all(link.key is None for link in both.links.values())


def sole_records() -> list[Received]:
    """Return an SDK call where all is known of its role."""
    asked = json.dumps({"Name": "n"})
    reads = {"resourceType": "aws-sdk:ssm", "resource": "getParameter"}
    run = History().start().task("Work", reads, parameters=asked).end().records
    ssm = "ssm.amazonaws.com"
    made = call("GetParameter", 0, key="c", source=ssm, parameters={"name": "n"})
    known = aws.health("lookup", "ended", 5000, complete_to="2023-11-15T01:00:00Z")
    alone = aws.machine_executions(4000, running=[aws.listed(aws.ARN, -9)])
    return [*run, made, known, alone]


def sole(*more: Received) -> Link:
    """Return the link of the call where more came, in place of who else ran."""
    return link_in(*sole_records()[:-1], *more)


def test_what_is_left_of_a_role_is_strong_where_nobody_else_ran() -> None:
    alone = aws.machine_executions(4000, running=[aws.listed(aws.ARN, -9)])
    other = aws.listed(f"{aws.HEAD}:execution:nightly-report:other", -9)
    with_other = aws.machine_executions(4000, running=[aws.listed(aws.ARN, -9), other])
    list_tasks = call("ListTasks", 30, key="more")
    assert sole(alone).certainty is STRONG
    # Ignorance is no proof.
    assert sole().certainty is not STRONG
    assert sole(with_other).certainty is not STRONG
    assert sole(alone, list_tasks).certainty is not STRONG


def test_a_map_run_that_starts_later_takes_the_certainty_back() -> None:
    """Whoever asked who started whom before the batch has not fixed the answer."""
    other = History(arn=f"{aws.HEAD}:execution:other:1").start()
    map_run = other.map_run("Each", MAP_RUN_ARN).end().records
    trace = trace_of(*sole_records())
    (link,) = trace.links.values()
    assert link.certainty is STRONG
    assert not trace.lineage.map_runs
    trace.add(map_run)
    (link,) = trace.links.values()
    assert link.certainty is not STRONG
