"""The scenario with everything in it, as the account shows it and the core reads it."""

import json
from datetime import timedelta
from functools import cache
from itertools import pairwise
from typing import Any

import pytest

from sfnwatch.demo.account import Account
from sfnwatch.demo.runs import Run, role_arn
from sfnwatch.demo.server import DemoServer
from sfnwatch.demo.world import build
from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.events import From, Received
from sfnwatch.trace.timeline import Timeline, Trace, extend
from sfnwatch.trace.visits import StateVisit
from tests.demo.clients import EPOCH, Clients, Direct, ManualClock

MACHINES = "arn:aws:states:ap-northeast-1:123456789012:stateMachine:"
LABELS = [f"Main / Each parcel[{index}] / Label" for index in range(4)]
PATHS = [
    "Main / Big order?",
    "Main / Prepare",
    "Main / Prepare[0] / Render invoice",
    "Main / Prepare[1] / Build index",
    "Main / Each parcel",
    *LABELS,
    "Main / Charge card",
    "Main / Ask for another card",
    "Main / Ship",
    "Main / Done",
]


@pytest.fixture
def account(clock: ManualClock) -> Account:
    return Account(["pipeline"], clock=clock, seed=7)


def run_of(account: Account) -> tuple[Run, Run]:
    """Return the execution and the one that it starts."""
    (one,) = account.world.runs
    (child,) = one.nested
    return one, child


@cache
def world_trace(seed: int = 7) -> tuple[Trace, Timeline]:
    """Return what the core makes of all that the account ever shows of it."""
    world = build(["pipeline"], epoch=EPOCH, seed=seed)
    (one,) = world.runs
    history = [
        Received(event.at, From.HISTORY, one.arn, event.wire()) for event in one.events
    ]
    defined = {
        "definition": one.scenario.definition,
        "roleArn": role_arn(one.scenario),
    }
    calls = [
        Received(each.delivered_at, From.LOOKUP, None, each.envelope)
        for each in world.trail
        if each.event_time >= EPOCH - timedelta(minutes=1)
    ]
    definition = Received(EPOCH, From.DEFINITION, one.arn, defined)
    trace = extend(Trace(), [*history, definition, *calls])
    return trace, trace.timelines[one.arn]


def visit(path: str) -> StateVisit:
    (found,) = [each for each in world_trace()[1].visits if each.path == path]
    return found


def tried(path: str) -> Attempt:
    (attempt,) = visit(path).attempts
    return attempt


def test_every_state_is_where_it_belongs() -> None:
    assert sorted(each.path for each in world_trace()[1].visits) == sorted(PATHS)


def test_every_visit_succeeds_but_the_one_that_is_caught() -> None:
    _, timeline = world_trace()
    others = {v.path: v.status for v in timeline.visits if v.status != "succeeded"}
    assert others == {"Main / Charge card": "caught"}
    assert timeline.status == "SUCCEEDED"


def test_one_of_four_items_is_tried_again_after_eight_seconds() -> None:
    tries = [[each.status for each in visit(path).attempts] for path in LABELS]
    once = ["succeeded"]
    assert tries == [once, once, ["failed", "succeeded"], once]
    ((since, until),) = visit(LABELS[2]).backoffs
    assert (until - since).total_seconds() == 8


def test_errors_are_those_of_the_functions() -> None:
    failed = visit(LABELS[2]).attempts[0]
    declined = tried("Main / Charge card")
    assert (failed.error, declined.error) == ("OutOfPaper", "CardDeclined")
    for attempt in (failed, declined):
        cause = json.loads(attempt.cause or "")
        assert cause.keys() == {
            *("errorMessage", "errorType", "requestId", "stackTrace")
        }
        assert cause["errorType"] == attempt.error


@pytest.mark.parametrize("seed", range(5))
def test_every_call_is_tied_by_an_id(seed: int) -> None:
    trace, timeline = world_trace(seed)
    by_role = [
        call
        for call in trace.ordered_calls
        if call.by_step_functions and call.role_arn == timeline.role_arn
    ]
    links = [(call.event_name, trace.links[call.event_id]) for call in by_role]
    assert all(link.attempt_id is not None for _, link in links)
    assert {(name, str(link.rule)) for name, link in links} == {
        ("RunTask", "request-id"),
        ("DescribeTasks", "resource-id"),
        ("StartExecution", "request-id"),
        ("DescribeExecution", "resource-id"),
    }
    expected = ["DescribeExecution", *["DescribeTasks"] * 3, *["RunTask"] * 2]
    assert sorted(name for name, _ in links) == [*expected, "StartExecution"]


def test_there_is_no_invoke_in_event_history(account: Account) -> None:
    names = {each.envelope["EventName"] for each in account.world.trail}
    assert "RunTask" in names
    assert not any(name.startswith("Invoke") for name in names)


def test_each_call_has_a_session_that_was_assumed_for_it(account: Account) -> None:
    records = [
        json.loads(each.envelope["CloudTrailEvent"])
        for each in account.world.trail
        if each.event_time >= EPOCH.replace(microsecond=0)
    ]
    assumed = {
        record["requestParameters"]["roleSessionName"]
        for record in records
        if record["eventName"] == "AssumeRole"
    }
    one, _ = run_of(account)
    used = {
        record["userIdentity"]["arn"].rpartition("/")[2]
        for record in records
        if record["requestID"] in {call.request_id for call in one.calls}
    }
    assert assumed == used
    assert len(used) == len(one.calls) == 7


def test_a_start_hides_its_input_and_names_what_it_started(account: Account) -> None:
    one, child = run_of(account)
    call = next(call for call in one.calls if call.name == "StartExecution")
    (record,) = [
        json.loads(each.envelope["CloudTrailEvent"])
        for each in account.world.trail
        if call.request_id in each.envelope["CloudTrailEvent"]
    ]
    assert record["eventSource"] == "states.amazonaws.com"
    assert record["readOnly"] is False
    assert record["requestParameters"]["input"] == "HIDDEN_DUE_TO_SECURITY_REASONS"
    assert record["responseElements"]["executionArn"] == child.arn
    assert child.events[-1].details["output"] not in json.dumps(record)


def test_the_answer_of_a_nested_execution_has_its_output_parsed(
    account: Account,
) -> None:
    one, child = run_of(account)
    succeeded = next(
        event.details["output"]
        for event in reversed(one.events)
        if event.kind == "TaskSucceeded"
    )
    output = json.loads(succeeded)
    assert output["ExecutionArn"] == child.arn
    assert output["Output"] == {"carrier": "Northbound", "order": "A-1042"}
    assert output["Input"]["AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"] == one.arn
    assert output["StopDate"] == round(child.ends_at.timestamp() * 1000)


def test_no_poll_lies_between_the_end_of_a_job_and_its_notice(account: Account) -> None:
    one, child = run_of(account)
    polls = [call for call in one.calls if call.name == "DescribeExecution"]
    assert all(child.started_at < poll.at < child.ends_at for poll in polls)
    for name in ("Prepare[0] / Render invoice", "Prepare[1] / Build index"):
        attempt = tried(f"Main / {name}")
        assert attempt.stopped_at
        ended = attempt.ended_at or attempt.stopped_at
        assert not [c for c in one.calls if attempt.stopped_at <= c.at <= ended]


def test_it_takes_three_to_four_minutes(account: Account) -> None:
    one, _ = run_of(account)
    assert 180 <= (one.ends_at - one.started_at).total_seconds() <= 240


def test_previous_events_are_those_of_recorded_histories(account: Account) -> None:
    one, _ = run_of(account)
    kinds = {event.event_id: event.kind for event in one.events} | {0: "nothing"}
    pairs = {
        (kinds[event.previous], event.kind)
        for event in one.events
        if not event.kind.startswith("Task")
    }
    entered = {(before, kind) for before, kind in pairs if kind.endswith("Entered")}
    assert entered == {
        ("nothing", "ChoiceStateEntered"),
        ("ChoiceStateExited", "ParallelStateEntered"),
        ("ParallelStateExited", "MapStateEntered"),
        ("TaskStateExited", "SucceedStateEntered"),
    }
    assert {
        ("MapStateStarted", "MapIterationStarted"),
        ("TaskStateExited", "MapIterationSucceeded"),
        ("MapIterationSucceeded", "MapStateSucceeded"),
        ("MapIterationSucceeded", "MapStateExited"),
        ("TaskStateExited", "ParallelStateExited"),
    } <= pairs


def test_the_machine_has_every_state_that_was_entered(account: Account) -> None:
    for one in run_of(account):
        named = set(_names(json.loads(one.scenario.definition)))
        entered = {e.details["name"] for e in one.events if "Entered" in e.kind}
        assert entered == named


def _names(machine: dict[str, Any]) -> list[str]:
    names: list[str] = []
    for name, state in machine["States"].items():
        inner = [*state.get("Branches", ()), state.get("ItemProcessor")]
        names += [name, *(each for one in inner if one for each in _names(one))]
    return names


def test_the_child_exists_from_when_it_is_started(
    account: Account, clock: ManualClock
) -> None:
    ask = Direct(account, clock)
    _, child = run_of(account)
    code, _ = ask.refusal("DescribeExecution", executionArn=child.arn)
    assert code == "ExecutionDoesNotExist"
    clock.advance((child.started_at - EPOCH).total_seconds())
    described = ask("DescribeExecution", executionArn=child.arn)
    assert described["status"] == "RUNNING"
    assert described["stateMachineArn"] == MACHINES + "ship-parcel"
    clock.advance(70)
    history = ask("GetExecutionHistory", executionArn=child.arn)["events"]
    assert [event["type"] for event in history] == [
        "ExecutionStarted",
        *("PassStateEntered", "PassStateExited"),
        *("WaitStateEntered", "WaitStateExited"),
        *("SucceedStateEntered", "SucceedStateExited"),
        "ExecutionSucceeded",
    ]


def test_only_what_was_asked_for_is_to_be_watched(account: Account) -> None:
    one, child = run_of(account)
    assert dict(account.executions) == {"pipeline": one.arn}
    assert child.arn not in account.executions.values()


def test_both_machines_and_their_executions_are_listed(
    account: Account, clock: ManualClock
) -> None:
    ask = Direct(account, clock)
    clock.advance(300)
    machines = ask("ListStateMachines")["stateMachines"]
    assert [each["name"] for each in machines] == ["order-pipeline", "ship-parcel"]
    for machine, one in zip(machines, run_of(account), strict=True):
        arn = machine["stateMachineArn"]
        listed = ask("ListExecutions", stateMachineArn=arn)["executions"]
        assert len(listed) == 3
        assert listed[0]["executionArn"] == one.arn
        described = ask("DescribeStateMachine", stateMachineArn=arn)
        same = ask("DescribeStateMachineForExecution", executionArn=one.arn)
        assert described["definition"] == same["definition"]
        assert described["roleArn"] == same["roleArn"] == role_arn(one.scenario)


async def test_boto3_reads_the_whole_of_it(
    clients: Clients, server: DemoServer, account: Account, clock: ManualClock
) -> None:
    clock.advance(300)
    one, child = run_of(account)
    for each in (one, child):
        answer = await clients.call(
            "stepfunctions", "get_execution_history", executionArn=each.arn
        )
        assert len(answer["events"]) == len(each.events)
        kinds = [event["type"] for event in answer["events"]]
        assert kinds == [event.kind for event in each.events]
        times = [event["timestamp"] for event in answer["events"]]
        assert all(earlier <= later for earlier, later in pairwise(times))
    clock.advance(600)
    attribute = {"AttributeKey": "EventName", "AttributeValue": "StartExecution"}
    page = await clients.call(
        "cloudtrail", "lookup_events", LookupAttributes=[attribute], StartTime=EPOCH
    )
    (event,) = page["Events"]
    assert child.arn in event["CloudTrailEvent"]
