"""Step Functions' read operations on the simulated account.

A wrong request is refused where a client may learn from the refusal: an ARN of nothing,
a token that no answer has given.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeVar

import msgspec

from sfnwatch.demo.account import Account
from sfnwatch.demo.aws_error import AwsError
from sfnwatch.demo.execution import DemoExecution, DemoMapRun
from sfnwatch.demo.formats import ACCOUNT_ID, REGION, Json, after, arn, epoch_seconds
from sfnwatch.demo.paging import page_of
from sfnwatch.demo.scenarios import Scenario

Described = TypeVar("Described")

_PAGE_SIZE = 100
_MACHINE_AGE_SECONDS = 40 * 86400.0
_MISSING = {
    "executionArn": ("ExecutionDoesNotExist", "Execution Does Not Exist"),
    "stateMachineArn": ("StateMachineDoesNotExist", "State Machine Does Not Exist"),
    "mapRunArn": ("ResourceNotFound", "Resource not found"),
}
"""The code and the words for what an ARN of this parameter does not find."""


class StatesRequest(msgspec.Struct, rename="camel"):
    """The parameters of all operations of Step Functions."""

    execution_arn: str | None = None
    state_machine_arn: str | None = None
    map_run_arn: str | None = None
    status_filter: str | None = None
    reverse_order: bool = False
    include_execution_data: bool = True
    max_results: int = 0
    next_token: str | None = None


def describe_execution(account: Account, request: StatesRequest) -> Json:
    execution = _requested_execution(account, request)
    answer = _summary(account, execution)
    answer |= _redrive_status(execution, answer["status"])
    answer["input"] = execution.input
    answer["inputDetails"] = {"included": True}
    end = execution.end(account.now())
    if end is not None:
        answer |= end.details
    if "output" in answer:
        answer["outputDetails"] = {"included": True}
    return answer


def describe_state_machine_for_execution(
    account: Account, request: StatesRequest
) -> Json:
    scenario = _requested_execution(account, request).scenario
    answer = _machine(account, scenario, "updateDate")
    answer["definition"] = scenario.definition
    answer["roleArn"] = scenario.role_arn
    return answer


def describe_map_run(account: Account, request: StatesRequest) -> Json:
    map_run = _requested("mapRunArn", request.map_run_arn, account.map_run)
    now = account.now()
    state = map_run.state
    has_ended = map_run.ends_at <= now
    by_status = map_run.counts(now)
    # One item a child: the demo has no batches, and no Map Run is redriven. A recorded
    # one without a ResultWriter still counts as many results written as children
    # succeeded; that there are none before its end is inferred.
    counts = {
        "succeeded": by_status["SUCCEEDED"],
        "failed": by_status["FAILED"],
        "aborted": by_status["ABORTED"],
        "pending": by_status["PENDING"],
        "running": by_status["RUNNING"],
        "timedOut": 0,
        "total": len(map_run.children),
        "resultsWritten": by_status["SUCCEEDED"] if has_ended else 0,
        "failuresNotRedrivable": 0,
        "pendingRedrive": 0,
    }
    return _map_run_item(map_run, now) | {
        "status": "SUCCEEDED" if has_ended else "RUNNING",
        "maxConcurrency": state["MaxConcurrency"],
        "toleratedFailurePercentage": float(state.get("ToleratedFailurePercentage", 0)),
        "toleratedFailureCount": state.get("ToleratedFailureCount", 0),
        "itemCounts": counts,
        "executionCounts": counts,
        "redriveCount": 0,
    }


def get_execution_history(account: Account, request: StatesRequest) -> Json:
    events = _requested_execution(account, request).seen(account.now())
    if request.reverse_order:
        events.reverse()
    with_data = request.include_execution_data
    wires = {str(event.event_id): event.wire(with_data=with_data) for event in events}
    return _list_answer("events", request, wires)


def list_executions(account: Account, request: StatesRequest) -> Json:
    now = account.now()
    if request.map_run_arn:
        candidates = _requested("mapRunArn", request.map_run_arn, account.map_run)
        executions = candidates.children
    else:
        executions = _executions_of_machine(account, request.state_machine_arn)
    listed = []
    for execution in executions:
        has_started = execution.started_at <= now
        if has_started and request.status_filter in {None, execution.status(now)}:
            listed.append(execution)
    listed.sort(key=lambda item: (item.listed_at(now), item.arn), reverse=True)
    items = {}
    for execution in listed:
        item = _summary(account, execution)
        if request.map_run_arn:
            # That a child has one item is the demo's own: it has no batches.
            item["itemCount"] = 1
        items[execution.arn] = item
    return _list_answer("executions", request, items)


def _executions_of_machine(
    account: Account, machine_arn: str | None
) -> list[DemoExecution]:
    scenarios = {scenario.arn: scenario for scenario in account.machines.values()}
    machine = _requested("stateMachineArn", machine_arn, scenarios.get)
    return [e for e in account.all_executions if e.scenario.arn == machine.arn]


def list_map_runs(account: Account, request: StatesRequest) -> Json:
    """Answer ListMapRuns; that the newest comes first is inferred."""
    now = account.now()
    items = {}
    for map_run in reversed(_requested_execution(account, request).map_runs):
        if map_run.started_at <= now:
            item = _map_run_item(map_run, now)
            machine = f"stateMachine:{map_run.machine}"
            item["stateMachineArn"] = arn("states", machine)
            items[map_run.arn] = item
    return _list_answer("mapRuns", request, items)


def list_state_machines(account: Account, request: StatesRequest) -> Json:
    items = {}
    for name, scenario in account.machines.items():
        items[name] = _machine(account, scenario, "creationDate") | {"type": "STANDARD"}
    return _list_answer("stateMachines", request, items)


def _list_answer(name: str, request: StatesRequest, items: Mapping[str, Json]) -> Json:
    """Return a page of a list, and the token of the next if there is one."""
    bad_token = AwsError("InvalidToken", "Invalid Token: 'Invalid token'")
    size = request.max_results or _PAGE_SIZE
    page, next_token = page_of(items, request.next_token, size, bad_token)
    answer: Json = {name: page}
    if next_token:
        answer["nextToken"] = next_token
    return answer


def _requested_execution(account: Account, request: StatesRequest) -> DemoExecution:
    return _requested("executionArn", request.execution_arn, account.execution)


def _requested(
    parameter: str, given: str | None, look_up: Callable[[str], Described | None]
) -> Described:
    """Return what a parameter's ARN names, or refuse it."""
    resource_type = parameter.removesuffix("Arn")
    if given is None or f":states:{REGION}:{ACCOUNT_ID}:{resource_type}:" not in given:
        raise AwsError("InvalidArn", f"Invalid Arn: 'Invalid ARN: {given}'")
    described = look_up(given)
    if described is None:
        code, words = _MISSING[parameter]
        raise AwsError(code, f"{words}: '{given}'")
    return described


def _summary(account: Account, execution: DemoExecution) -> Json:
    """Return what DescribeExecution and ListExecutions both say of an execution."""
    now = account.now()
    end = execution.end(now)
    redrives = execution.redrives(now)
    summary = {
        "executionArn": execution.arn,
        "stateMachineArn": execution.scenario.arn,
        "name": execution.name,
        "status": execution.status(now),
        "startDate": epoch_seconds(execution.started_at),
        "redriveCount": len(redrives),
    }
    if redrives:
        summary["redriveDate"] = epoch_seconds(redrives[-1].at)
    if end:
        summary["stopDate"] = epoch_seconds(end.at)
    if execution.map_run_arn:
        summary["mapRunArn"] = execution.map_run_arn
    return summary


def _redrive_status(execution: DemoExecution, status: str) -> dict[str, str]:
    """Return whether it can be redriven; for a Map Run's child this is inferred.

    DescribeExecution documents the word; when AWS gives it is not documented.
    """
    if status in {"RUNNING", "SUCCEEDED"}:
        reason = f"Execution is {status} and cannot be redriven"
        return {"redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": reason}
    if execution.map_run_arn:
        return {"redriveStatus": "REDRIVABLE_BY_MAP_RUN"}
    return {"redriveStatus": "REDRIVABLE"}


def _machine(account: Account, scenario: Scenario, date_key: str) -> Json:
    made_at = after(account.epoch, -_MACHINE_AGE_SECONDS)
    return {
        "stateMachineArn": scenario.arn,
        "name": scenario.machine,
        date_key: epoch_seconds(made_at),
    }


def _map_run_item(map_run: DemoMapRun, now: datetime) -> Json:
    item = {
        "mapRunArn": map_run.arn,
        "executionArn": map_run.execution_arn,
        "startDate": epoch_seconds(map_run.started_at),
    }
    if map_run.ends_at <= now:
        item["stopDate"] = epoch_seconds(map_run.ends_at)
    return item
