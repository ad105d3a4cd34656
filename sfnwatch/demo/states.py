"""Step Functions' read operations."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from sfnwatch.demo.account import Account
from sfnwatch.demo.paging import BadTokenError
from sfnwatch.demo.plans import Scenario
from sfnwatch.demo.progress import Progress
from sfnwatch.demo.runs import Run, machine_arn, role_arn
from sfnwatch.demo.times import after, epoch_seconds
from sfnwatch.demo.wire import AwsError, in_range, invalid, parse, required

_STATUSES = (
    "SUCCEEDED",
    "TIMED_OUT",
    "PENDING_REDRIVE",
    "ABORTED",
    "FAILED",
    "RUNNING",
)
_MADE_EARLIER = 40 * 86400.0
_ARN_PARTS = 7
_MOST, _USUAL = 1000, 100

Included = Literal["ALL_DATA", "METADATA_ONLY"]


class ForExecution(msgspec.Struct, rename="camel"):
    execution_arn: str | None = None
    included_data: Included = "ALL_DATA"


class ForMachine(msgspec.Struct, rename="camel"):
    state_machine_arn: str | None = None
    included_data: Included = "ALL_DATA"


class Page(msgspec.Struct, rename="camel"):
    max_results: int = 0
    next_token: str | None = None


class HistoryPage(Page, rename="camel"):
    execution_arn: str | None = None
    reverse_order: bool = False
    include_execution_data: bool = True


class ExecutionsPage(Page, rename="camel"):
    state_machine_arn: str | None = None
    status_filter: str | None = None
    map_run_arn: str | None = None


def describe_execution(account: Account, body: bytes) -> dict[str, Any]:
    """Answer DescribeExecution."""
    asked = parse(body, ForExecution)
    run = run_of(account, asked.execution_arn)
    included = asked.included_data == "ALL_DATA"
    described = _summary(account, run) | _redrive(account, run) | _map_run(run)
    end = run.end(account.now())
    ending = end.details if end else {}
    described["inputDetails"] = {"included": included}
    if "error" in ending:
        described |= {"error": ending["error"], "cause": ending["cause"]}
    if "output" in ending:
        described["outputDetails"] = {"included": included}
    if included:
        output = {"output": ending["output"]} if "output" in ending else {}
        described |= {"input": run.input} | output
    return described


def describe_state_machine_for_execution(
    account: Account, body: bytes
) -> dict[str, Any]:
    """Answer DescribeStateMachineForExecution."""
    asked = parse(body, ForExecution)
    run = run_of(account, asked.execution_arn)
    described = _machine(run.scenario, asked.included_data) | _map_run(run)
    if run.map_run_arn:
        described["label"] = run.scenario.machine.rpartition("/")[2]
    return described | {"updateDate": _made_at(account)}


def describe_state_machine(account: Account, body: bytes) -> dict[str, Any]:
    """Answer DescribeStateMachine."""
    asked = parse(body, ForMachine)
    plan = _plan(account, asked.state_machine_arn)
    described = _machine(plan, asked.included_data) | _listed_machine(account, plan)
    return described | {"status": "ACTIVE"}


def list_state_machines(account: Account, body: bytes) -> dict[str, Any]:
    """Answer ListStateMachines."""
    asked = parse(body, Page)
    plans = {plan.machine: plan for plan in account.machines()}
    names, token = page(account, asked, "ListStateMachines", list(plans))
    listed = [_listed_machine(account, plans[name]) for name in names]
    return {"stateMachines": listed} | token


def list_executions(account: Account, body: bytes) -> dict[str, Any]:
    """Answer ListExecutions: what runs stands at its start, the rest at its end.

    So it is documented; that the two kinds are merged is inferred.
    """
    asked = parse(body, ExecutionsPage)
    found = _asked_for(account, asked, _status_filter(asked))
    given = (asked.state_machine_arn, asked.map_run_arn, asked.status_filter)
    request = f"ListExecutions {' '.join(map(str, given))}"
    arns, token = page(account, asked, request, found)
    runs = [run for arn in arns if (run := account.run(arn))]
    return {"executions": [_listed(account, run) for run in runs]} | token


def _asked_for(
    account: Account, asked: ExecutionsPage, status: str | None
) -> list[str]:
    """Return a state machine's executions, or a Map Run's; the words are inferred."""
    now = account.now()
    if asked.map_run_arn and asked.state_machine_arn:
        raise invalid("'stateMachineArn' and 'mapRunArn' must not both be given")
    if asked.map_run_arn:
        return map_run_of(account, asked.map_run_arn).listed(now, status)
    plan = _plan(account, asked.state_machine_arn)
    runs = [
        run
        for run in account.runs()
        if run.scenario == plan and status in {None, run.status(now)}
    ]
    runs.sort(key=lambda run: _place(run, now), reverse=True)
    return [run.arn for run in runs]


def map_run_of(account: Account, arn: str) -> Progress:
    """Return a Map Run that has been started, or refuse."""
    check_arn(arn, "mapRun")
    found = account.map_run(arn)
    if found is None:
        raise AwsError("ResourceNotFound", f"Resource not found: '{arn}'")
    return found


def _place(run: Run, now: datetime) -> datetime:
    end = run.end(now)
    return end.at if end else run.started_at


def get_execution_history(account: Account, body: bytes) -> dict[str, Any]:
    """Answer GetExecutionHistory."""
    asked = parse(body, HistoryPage)
    run = run_of(account, asked.execution_arn)
    events = {str(event.event_id): event for event in run.seen(account.now())}
    keys = list(events)[::-1] if asked.reverse_order else list(events)
    request = f"GetExecutionHistory {run.arn} {asked.reverse_order}"
    ids, token = page(account, asked, request, keys)
    data = asked.include_execution_data
    return {"events": [events[key].wire(data=data) for key in ids]} | token


def page(
    account: Account, asked: Page, request: str, keys: Sequence[str]
) -> tuple[Sequence[str], dict[str, str]]:
    """Return the keys of a page, and the token of the next if there is one."""
    in_range(asked.max_results, "maxResults", 0, _MOST)
    start = _start(account, asked, request, keys)
    end = start + (asked.max_results or _USUAL)
    if end >= len(keys):
        return keys[start:], {}
    token = account.tokens.issue(request, keys[end - 1], account.now())
    return keys[start:end], {"nextToken": token}


def _start(account: Account, asked: Page, request: str, keys: Sequence[str]) -> int:
    if asked.next_token is None:
        return 0
    try:
        cursor = account.tokens.cursor(asked.next_token, request, account.now())
        return keys.index(cursor) + 1
    except (BadTokenError, ValueError) as error:
        raise AwsError("InvalidToken", "Invalid Token: 'Invalid token'") from error


def run_of(account: Account, given: str | None) -> Run:
    """Return an execution that has been started, or refuse."""
    arn = required(given, "executionArn")
    check_arn(arn, "execution")
    run = account.run(arn)
    if run is None:
        raise AwsError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
    return run


def _plan(account: Account, given: str | None) -> Scenario:
    arn = required(given, "stateMachineArn")
    check_arn(arn, "stateMachine")
    for plan in account.machines():
        if machine_arn(plan) == arn:
            return plan
    raise AwsError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")


def check_arn(arn: str, kind: str) -> None:
    """Refuse what is no ARN of this kind."""
    parts = arn.split(":")
    if parts[0] != "arn":
        raise AwsError("InvalidArn", f"Invalid Arn: 'Invalid ARN prefix: {arn}'")
    if len(parts) < _ARN_PARTS or parts[2] != "states":
        raise AwsError("InvalidArn", f"Invalid Arn: 'Invalid ARN: {arn}'")
    if parts[5] != kind:
        problem = f"Resource type not valid in this context: {parts[5]}"
        raise AwsError("InvalidArn", f"Invalid Arn: '{problem}'")


def _status_filter(asked: ExecutionsPage) -> str | None:
    given = asked.status_filter
    if given == "PENDING_REDRIVE" and not asked.map_run_arn:
        raise invalid("'statusFilter' may be PENDING_REDRIVE with 'mapRunArn' only")
    if given is None or given in _STATUSES:
        return given
    raise invalid(
        f"Value '{given}' at 'statusFilter' failed to satisfy constraint:"
        f" Member must satisfy enum value set: [{', '.join(_STATUSES)}]"
    )


def _summary(account: Account, run: Run) -> dict[str, Any]:
    now = account.now()
    end, redrives = run.end(now), run.redrives(now)
    last = {"redriveDate": epoch_seconds(redrives[-1].at)} if redrives else {}
    stopped = {"stopDate": epoch_seconds(end.at)} if end else {}
    known = {
        "executionArn": run.arn,
        "stateMachineArn": machine_arn(run.scenario),
        "name": run.name,
        "status": run.status(now),
        "startDate": epoch_seconds(run.started_at),
        "redriveCount": len(redrives),
    }
    return known | last | stopped


def _listed(account: Account, run: Run) -> dict[str, Any]:
    """Return an item of ListExecutions; a Map Run's children name it, and their items.

    That a child has one item is the demo's own: it knows no batches.
    """
    more = {"itemCount": 1} if run.map_run_arn else {}
    return _summary(account, run) | _map_run(run) | more


def _map_run(run: Run) -> dict[str, Any]:
    return {"mapRunArn": run.map_run_arn} if run.map_run_arn else {}


def _redrive(account: Account, run: Run) -> dict[str, str]:
    """Return whether it can be redriven; of a Map Run's child, inferred.

    Its word is one of DescribeExecution's; where AWS says it is not told.
    """
    status = run.status(account.now())
    if status not in {"RUNNING", "SUCCEEDED"}:
        by_map_run = "_BY_MAP_RUN" if run.map_run_arn else ""
        return {"redriveStatus": f"REDRIVABLE{by_map_run}"}
    reason = f"Execution is {status} and cannot be redriven"
    return {"redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": reason}


def _machine(plan: Scenario, included: Included) -> dict[str, Any]:
    whole = included == "ALL_DATA"
    return {
        "stateMachineArn": machine_arn(plan),
        "name": plan.machine,
        # The member is required: without data it is an empty object, not absent.
        "definition": plan.definition if whole else "{}",
        "roleArn": role_arn(plan),
        "loggingConfiguration": {"level": "OFF", "includeExecutionData": False},
        "tracingConfiguration": {"enabled": True},
    }


def _listed_machine(account: Account, plan: Scenario) -> dict[str, Any]:
    return {
        "stateMachineArn": machine_arn(plan),
        "name": plan.machine,
        "type": "STANDARD",
        "creationDate": _made_at(account),
    }


def _made_at(account: Account) -> float:
    return epoch_seconds(after(account.epoch, -_MADE_EARLIER))
