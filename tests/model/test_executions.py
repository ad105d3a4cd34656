"""One execution: its status, its redrives, and what AWS says of it, history or log."""

import json
from typing import Any

import pytest

from sfnwatch.model.records import Received
from sfnwatch.model.time_axis import TimeAxis
from sfnwatch.model.trace import Trace
from tests import builders as aws
from tests.model.answers import answers, execution_of, trace_of

BEGUN = "ExecutionStarted@0"
FAILED = aws.describe("FAILED", stopped=9)
LATER = aws.describe("RUNNING", seen=900)


# -- its status ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("records", "status", "running", "stopped"),
    [
        ([aws.definition({})], "UNKNOWN", True, None),
        (aws.history(BEGUN), "RUNNING", True, None),
        (aws.history(BEGUN, "ExecutionSucceeded"), "SUCCEEDED", False, 1),
        (aws.history(BEGUN, "ExecutionFailed"), "FAILED", False, 1),
        (aws.history(BEGUN, "ExecutionTimedOut"), "TIMED_OUT", False, 1),
        (aws.history(BEGUN, "ExecutionAborted@0"), "ABORTED", False, 1),
        ([aws.describe("RUNNING")], "RUNNING", True, None),
        ([FAILED], "FAILED", False, 9),
        ([FAILED, aws.describe("RUNNING")], "FAILED", False, 9),
        # The history is the better witness: a description is eventually consistent.
        ([*aws.sync_history(), LATER], "SUCCEEDED", False, 309.05),
        # And where it ends early, the description tells.
        ([*aws.sync_history()[:4], aws.describe(stopped=400)], "SUCCEEDED", False, 400),
        ([aws.describe("OF_A_LATER_DAY", stopped=9)], "OF_A_LATER_DAY", False, 9),
    ],
)
def test_the_status_is_of_its_last_event_or_else_as_described(
    records: list[Received], status: str, *, running: bool, stopped: float | None
) -> None:
    execution = execution_of(*records)
    assert (execution.status, execution.running) == (status, running)
    assert execution.stopped_at == (None if stopped is None else aws.at(stopped))


def test_of_a_file_that_ends_early_nobody_knows_whether_it_still_runs() -> None:
    records = list(map(aws.undated, aws.sync_history()[:4]))
    trace = trace_of(*records)
    (last,) = trace.as_of().executions.values()
    assert (last.status, last.running) == ("UNKNOWN", True)
    (before,) = trace.as_of(aws.at(0.05), TimeAxis.EVENT).executions.values()
    assert before.event_count < len(records)
    assert before.status == "RUNNING", "more of it follows"
    told = [*records, aws.describe("RUNNING")]
    assert execution_of(*told).status == "RUNNING"


@pytest.mark.parametrize(
    ("arn", "level", "status"),
    [
        (aws.EXPRESS_ARN, "ERROR", "UNKNOWN"),
        (aws.EXPRESS_ARN, "FATAL", "UNKNOWN"),
        (aws.EXPRESS_ARN, "ALL", "RUNNING"),
        (aws.EXPRESS_ARN, ["ERROR"], "RUNNING"),
        # A history has every event, whatever is logged beside it.
        (aws.ARN, "ERROR", "RUNNING"),
    ],
)
def test_a_log_of_failures_alone_does_not_tell_whether_it_still_runs(
    arn: str, level: Any, status: str
) -> None:
    logging = {"level": level}
    definition = aws.definition({}, arn=arn, loggingConfiguration=logging)
    event = aws.event(3, "TaskFailed", 1, previous=2, error="E")
    if arn == aws.EXPRESS_ARN:
        event = aws.logged(event)
    (execution,) = trace_of(definition, event).as_of().executions.values()
    assert execution.status == status


@pytest.mark.parametrize(
    ("status", "more", "shown"),
    [
        ("FAILED", {"redriveCount": 0}, "FAILED"),
        ("PENDING_REDRIVE", {"redriveCount": 0}, "PENDING_REDRIVE"),
        ("PENDING_REDRIVE", {}, "PENDING_REDRIVE"),
        ("RUNNING", {"redriveCount": 0}, "FAILED"),
        ("RUNNING", {"redriveCount": "1"}, "FAILED"),
        ("RUNNING", {"redriveCount": 1}, "RUNNING"),
    ],
)
def test_a_description_may_be_ahead_of_the_history_by_a_redrive(
    status: str, more: dict[str, Any], shown: str
) -> None:
    """DescribeExecution is eventually consistent: only a count proves it is ahead."""
    records = aws.failed_history().records
    execution = execution_of(*records, aws.describe(status, seen=900, **more))
    assert (execution.status, execution.running) == (shown, shown != "FAILED")
    assert (execution.ending is None) == (shown != "FAILED")
    over = aws.describe(status, seen=900, **({"redriveCount": 0} | more))
    assert execution_of(*aws.redriven_history().records, over).status == "SUCCEEDED"


def test_a_description_of_before_the_redrive_says_nothing_of_what_came_after() -> None:
    run = aws.redriven_history().records
    failed = aws.describe("FAILED", stopped=3.1, redriveCount=0)
    execution = execution_of(*run[:8], failed)
    assert (execution.status, execution.running) == ("RUNNING", True)
    assert [visit.status for visit in execution.visits] == ["running"]
    trace = trace_of(*run, failed)
    for seconds, status in ((5, "FAILED"), (730, "RUNNING"), (900, "SUCCEEDED")):
        assert trace.as_of(aws.at(seconds)).executions[aws.ARN].status == status


@pytest.mark.parametrize("told", [{"redriveDate": aws.at(723).timestamp()}, {}])
def test_a_description_of_a_redrive_says_nothing_of_what_was_before(
    told: dict[str, Any],
) -> None:
    """Without its date it held when it was seen."""
    again = aws.describe("RUNNING", seen=723, redriveCount=1, **told)
    trace = trace_of(*aws.failed_history().records, again)
    for seconds, status in ((2, "RUNNING"), (5, "FAILED"), (724, "RUNNING")):
        assert trace.as_of(aws.at(seconds)).executions[aws.ARN].status == status


def test_redrives_are_counted_by_aws_or_else_as_they_come() -> None:
    run = aws.failed_history()
    for count in (1, 0, 5):
        run.redrive(count=count).task("Import", entered=2, error="E").end("Failed")
    redrives = execution_of(*run.records).redrives
    assert [redrive.number for redrive in redrives] == [1, 2, 5]
    assert [redrive.seconds for redrive in redrives] == [pytest.approx(720)] * 3
    assert [redrive.ended and redrive.ended.id for redrive in redrives] == [6, 11, 16]
    lost = [record for record in run.records if record.record["id"] != 6]
    first = execution_of(*lost).redrives[0]
    assert (first.ended, first.seconds) == (None, None)


@pytest.mark.parametrize("count", [None, "2", True, -1, 1.5])
def test_a_count_of_redrives_that_is_none_is_made_up_for(count: Any) -> None:
    redriven = aws.event(7, "ExecutionRedriven", 9, previous=0, redriveCount=count)
    assert execution_of(redriven).redrives[0].number == 1


# -- what is said of it --------------------------------------------------------------


def test_names_are_read_off_the_arn_until_something_says_more() -> None:
    begun = execution_of(*aws.sync_history()[:1])
    assert (begun.name, begun.state_machine_arn) == ("run-7f3a", aws.MACHINE_ARN)
    assert begun.state_machine_name == "nightly-report"
    version = f"{aws.MACHINE_ARN}:3"
    told = execution_of(aws.definition({}, stateMachineArn=version))
    assert told.state_machine_arn == version
    assert told.state_machine_name == "nightly-report:3"
    file = "file:of-sorts"
    odd = execution_of(aws.event(1, "ExecutionStarted", 0, arn=file), arn=file)
    assert (odd.name, odd.state_machine_arn) == ("of-sorts", None)


def test_the_role_is_that_of_the_start_or_else_of_the_definition() -> None:
    defined, role = aws.definition({}), "arn:aws:iam::1:role/started"
    started = aws.event(1, "ExecutionStarted", 0, roleArn=role)
    assert execution_of(defined).role_arn == aws.ROLE
    assert execution_of(started, defined).role_arn == role
    later_event = aws.event(2, "ExecutionStarted", 0, roleArn=role, previous=0)
    assert execution_of(later_event).role_arn is None


def test_it_was_watched_where_anything_says_when_it_came() -> None:
    file = list(map(aws.undated, [*aws.sync_history(), aws.describe()]))
    assert execution_of(*aws.sync_history()).was_watched
    assert execution_of(*file, aws.describe()).was_watched
    assert not execution_of(*file).was_watched


# -- records -------------------------------------------------------------------------


def test_every_row_gives_the_record_it_was_read_from() -> None:
    """They are packed into blocks, and one is unpacked for each look."""
    records = [aws.event(n, "PassStateEntered", n, name="x" * n) for n in range(1, 150)]
    calls, described = aws.sync_calls(), aws.describe()
    trace = trace_of(*records, *calls, described)
    execution = trace.as_of().executions[aws.ARN]
    for number in (149, 1, 48, 49, 96, 2):
        row, record = execution.events[number - 1], records[number - 1].record
        assert trace.raw(row) == json.loads(trace.raw_json(row)) == record
        assert trace.details(row) == {"name": "x" * number}
    for told, call in zip(calls, trace.ordered_calls, strict=True):
        assert trace.raw(call) == told.record
        inner = json.loads(told.record["CloudTrailEvent"])
        assert trace.cloudtrail_record(call) == inner
    assert execution.described is not None
    assert trace.raw(execution.described) == described.record


def test_what_was_seen_twice_keeps_the_time_it_was_first_seen() -> None:
    first, poll = aws.sync_history()[0], aws.sync_calls()[1]
    several = [aws.later(first, 9), first, aws.undated(first), aws.later(poll, 9), poll]
    for order in (several, several[::-1]):
        trace = trace_of(*order)
        assert trace.executions[aws.ARN].events[1].seen_at == first.at
        assert trace.calls["poll-0"].seen_at == poll.at


STARTED = aws.sync_history()[0].record
BROKEN = [
    aws.received("history", {"id": "x"}, 0, aws.ARN),
    aws.received("history", {**STARTED, "timestamp": "soon"}, 0, aws.ARN),
    aws.received("history", {**STARTED, "type": 7}, 0, aws.ARN),
    aws.received("history", STARTED, 0),
    aws.received("lookup", {"EventId": "no time"}, 0),
    aws.received("athena", {"eventtime": "soon"}, 0),
    aws.received("definition", {"definition": "{}"}, 0),
    aws.received("map-run", {"status": "RUNNING"}, 0, aws.ARN),
    aws.received("children", {"executions": "none"}, 0, aws.ARN),
    aws.received("task-state", {"detail": None}, 0),
    aws.received("request", {"service": "states"}, 0),
    aws.received("express", {"message": "x"}, 0, aws.EXPRESS_ARN),
    aws.received("unread", {"of": "an earlier version"}, 0, aws.ARN),
    aws.received("queue", {"of": "a later version"}, 0, aws.ARN),
    Received(aws.START, "trail", None, b"no JSON"),
]


def test_what_cannot_be_read_is_counted_once_however_often_it_comes() -> None:
    trace = Trace()
    trace.add(BROKEN)
    trace.add(BROKEN)
    assert len(trace.unread) == len(BROKEN)
    assert not trace.calls
    assert not trace.executions
    trace.add(aws.sync_history())
    assert trace.as_of().executions[aws.ARN].status == "SUCCEEDED"


# -- moments -------------------------------------------------------------------------


def test_a_link_is_drawn_once_both_its_ends_are_visible() -> None:
    late = [aws.later(record, 500) for record in aws.sync_history()]
    trace = trace_of(*late, *aws.sync_calls())
    before, after = (trace.as_of(aws.at(s), TimeAxis.ARRIVAL) for s in (200, 900))
    assert (before.link(trace.calls["run"]), list(before.linked_calls())) == (None, [])
    assert len(list(after.linked_calls())) == 6
    assert [c.event_id for c in before.calls_of((aws.ARN, 3))] == ["run", "poll-0"]


# -- logs in CloudWatch Logs ---------------------------------------------------------


def test_the_log_of_an_execution_says_what_its_history_says() -> None:
    log = [*map(aws.logged, aws.sync_history()), *aws.sync_calls()]
    plain = [*aws.sync_history(aws.EXPRESS_ARN), *aws.sync_calls()]
    assert answers(trace_of(*log).as_of()) == answers(trace_of(*plain).as_of())
    trace = trace_of(*log)
    event_5 = trace.executions[aws.EXPRESS_ARN].events[5]
    assert trace.details(event_5)["resource"] == "runTask.sync"
    assert trace.raw(event_5)["previous_event_id"] == "4"


@pytest.mark.parametrize(
    ("key", "value", "read_as"),
    [
        ("index", "12", 12),
        ("timeoutInSeconds", "1.5", "1.5"),
        ("redriveCount", "-1", "-1"),
        ("length", "9" * 40, "9" * 40),
        ("output", {"b": [1], "a": None}, '{"a":null,"b":[1]}'),
    ],
)
def test_counts_and_payloads_of_a_log_are_written_as_a_history_has_them(
    key: str, value: Any, read_as: Any
) -> None:
    details: dict[str, Any] = {"name": "Each", key: value}
    trace = trace_of(aws.logged(aws.event(1, "MapIterationStarted", 1, **details)))
    row = trace.executions[aws.EXPRESS_ARN].events[1]
    assert trace.details(row) == {"name": "Each", key: read_as}
