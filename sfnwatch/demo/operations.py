"""The operations: Step Functions' read operations, LookupEvents, and those of SQS.

What is asked for wrongly is refused where a client may learn from it: an ARN of
nothing, a token that nobody gave out.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from sfnwatch.demo.account import Account
from sfnwatch.demo.execution import DemoExecution
from sfnwatch.demo.formats import ACCOUNT_ID, REGION, Json, after, arn, epoch_seconds
from sfnwatch.demo.map_run import DemoMapRun
from sfnwatch.demo.message_queue import QUEUE_PATH
from sfnwatch.demo.scenarios import Scenario

DemoItem = TypeVar("DemoItem")
Parameters = TypeVar("Parameters", bound=msgspec.Struct)

_MADE_EARLIER = 40 * 86400.0
_MISSING = {
    "executionArn": ("ExecutionDoesNotExist", "Execution Does Not Exist"),
    "stateMachineArn": ("StateMachineDoesNotExist", "State Machine Does Not Exist"),
    "mapRunArn": ("ResourceNotFound", "Resource not found"),
}


class AwsError(Exception):
    """A refusal with AWS's code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def parse(body: bytes, kind: type[Parameters]) -> Parameters:
    """Return the parameters, or refuse what is not of their types."""
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise AwsError("SerializationException", str(error)) from error


class StatesRequest(msgspec.Struct, rename="camel"):
    """The parameters of Step Functions' operations, whichever of them each has."""

    execution_arn: str | None = None
    state_machine_arn: str | None = None
    map_run_arn: str | None = None
    status_filter: str | None = None
    reverse_order: bool = False
    max_results: int = 0
    next_token: str | None = None


def describe_execution(account: Account, asked: StatesRequest) -> Json:
    execution = _execution(account, asked)
    described = _summary(account, execution)
    described |= _redrive_status(execution, described["status"])
    described["input"] = execution.input
    if end := execution.end(account.now()):
        described |= end.details
    for key in [key for key in ("input", "output") if key in described]:
        described[f"{key}Details"] = {"included": True}
    return described


def describe_state_machine_for_execution(
    account: Account, asked: StatesRequest
) -> Json:
    scenario = _execution(account, asked).scenario
    own = {"definition": scenario.definition, "roleArn": scenario.role_arn}
    return _machine(account, scenario, "updateDate") | own


def describe_map_run(account: Account, asked: StatesRequest) -> Json:
    map_run = _known("mapRunArn", asked.map_run_arn, account.map_run)
    now = account.now()
    state = map_run.state
    found = map_run.counts(now)
    ended = map_run.ends_at <= now
    kinds = ("succeeded", "failed", "aborted", "pending", "running")
    # One item a child: the demo has no batches, and no Map Run is redriven. A recorded
    # one without a ResultWriter still tells of as many results written as children
    # succeeded; that there are none before its end is inferred.
    counts = {kind: found[kind.upper()] for kind in kinds} | {
        "timedOut": 0,
        "total": len(map_run.children),
        "resultsWritten": found["SUCCEEDED"] if ended else 0,
        "failuresNotRedrivable": 0,
        "pendingRedrive": 0,
    }
    return _begun(map_run, now) | {
        "status": "SUCCEEDED" if ended else "RUNNING",
        "maxConcurrency": state["MaxConcurrency"],
        "toleratedFailurePercentage": float(state.get("ToleratedFailurePercentage", 0)),
        "toleratedFailureCount": state.get("ToleratedFailureCount", 0),
        "itemCounts": counts,
        "executionCounts": counts,
        "redriveCount": 0,
    }


def get_execution_history(account: Account, asked: StatesRequest) -> Json:
    seen = _execution(account, asked).seen(account.now())
    events = {str(event.event_id): event.wire() for event in seen}
    if asked.reverse_order:
        events = dict(reversed(events.items()))
    return _listed("events", asked, events)


def list_executions(account: Account, asked: StatesRequest) -> Json:
    status = asked.status_filter
    now = account.now()
    if asked.map_run_arn:
        every = _known("mapRunArn", asked.map_run_arn, account.map_run).children
    else:
        machines = {each.arn: each for each in account.machines.values()}
        machine = _known("stateMachineArn", asked.state_machine_arn, machines.get)
        every = [e for e in account.all_executions if e.scenario.arn == machine.arn]
    begun = (each for each in every if each.started_at <= now)
    found = [each for each in begun if status in {None, each.status(now)}]
    found.sort(key=lambda each: (each.listed_at(now), each.arn), reverse=True)
    # That a child has one item is the demo's own: it has no batches.
    count = {"itemCount": 1} if asked.map_run_arn else {}
    told = {each.arn: _summary(account, each) | count for each in found}
    return _listed("executions", asked, told)


def list_map_runs(account: Account, asked: StatesRequest) -> Json:
    """Answer ListMapRuns; that the newest comes first is inferred."""
    map_runs = _execution(account, asked).map_runs[::-1]
    now = account.now()
    told = {
        each.arn: _begun(each, now)
        | {"stateMachineArn": arn("states", f"stateMachine:{each.machine}")}
        for each in map_runs
        if each.started_at <= now
    }
    return _listed("mapRuns", asked, told)


def list_state_machines(account: Account, asked: StatesRequest) -> Json:
    told = {
        name: _machine(account, scenario, "creationDate") | {"type": "STANDARD"}
        for name, scenario in account.machines.items()
    }
    return _listed("stateMachines", asked, told)


def _page(
    token: str | None, items: Mapping[str, DemoItem], size: int, refused: AwsError
) -> tuple[list[DemoItem], str]:
    """Return what follows a token, and the next token; refuse one that is not ours.

    A token is the key of the last item.
    """
    keys = list(items)
    start = 0
    if token is not None:
        if token not in items:
            raise refused
        start = keys.index(token) + 1
    page = keys[start : start + size]
    following = page[-1] if start + size < len(keys) else ""
    return [items[key] for key in page], following


def _listed(name: str, asked: StatesRequest, items: Mapping[str, Json]) -> Json:
    """Return a page of a list, and the token of the next if there is one."""
    refused = AwsError("InvalidToken", "Invalid Token: 'Invalid token'")
    page, token = _page(asked.next_token, items, asked.max_results or 100, refused)
    return {name: page} | ({"nextToken": token} if token else {})


def _known(
    name: str, given: str | None, look_up: Callable[[str], DemoItem | None]
) -> DemoItem:
    """Return what a parameter's ARN names, or refuse it."""
    kind = f":states:{REGION}:{ACCOUNT_ID}:{name.removesuffix('Arn')}:"
    if given is None or kind not in given:
        raise AwsError("InvalidArn", f"Invalid Arn: 'Invalid ARN: {given}'")
    if (found := look_up(given)) is None:
        code, words = _MISSING[name]
        raise AwsError(code, f"{words}: '{given}'")
    return found


def _execution(account: Account, asked: StatesRequest) -> DemoExecution:
    return _known("executionArn", asked.execution_arn, account.execution)


def _summary(account: Account, execution: DemoExecution) -> Json:
    """Return what an execution's description and its item of a list have in common."""
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
    """Return whether it can be redriven; of a Map Run's child, inferred.

    Its word is one of DescribeExecution's; when AWS gives it is not documented.
    """
    if status not in {"RUNNING", "SUCCEEDED"}:
        by_map_run = "_BY_MAP_RUN" if execution.map_run_arn else ""
        return {"redriveStatus": f"REDRIVABLE{by_map_run}"}
    reason = f"Execution is {status} and cannot be redriven"
    return {"redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": reason}


def _machine(account: Account, scenario: Scenario, made: str) -> Json:
    return {
        "stateMachineArn": scenario.arn,
        "name": scenario.machine,
        made: epoch_seconds(after(account.epoch, -_MADE_EARLIER)),
    }


def _begun(map_run: DemoMapRun, now: datetime) -> Json:
    ended = map_run.ends_at <= now
    return {
        "mapRunArn": map_run.arn,
        "executionArn": map_run.execution_arn,
        "startDate": epoch_seconds(map_run.started_at),
    } | ({"stopDate": epoch_seconds(map_run.ends_at)} if ended else {})


_MOST_EVENTS = 50
_FAR_FUTURE = 1e11


class LookupAttribute(msgspec.Struct, rename="pascal"):
    attribute_key: str = ""
    attribute_value: str = ""


class LookupRequest(msgspec.Struct, rename="pascal"):
    lookup_attributes: list[LookupAttribute] = []
    start_time: float | None = None
    end_time: float | None = None
    max_results: int = _MOST_EVENTS
    next_token: str | None = None


def lookup_events(account: Account, asked: LookupRequest) -> Json:
    """Answer LookupEvents: newest first, what has been delivered by now."""
    now = account.now()
    if not account.lookups.take(now):
        raise AwsError("ThrottlingException", "Rate exceeded")
    start = asked.start_time or 0.0
    end = asked.end_time or _FAR_FUTURE
    since, until = (datetime.fromtimestamp(each, UTC) for each in (start, end))
    wanted = [(e.attribute_key, e.attribute_value) for e in asked.lookup_attributes]
    by_id = {
        each.event_id: each
        for each in account.delivered(since, until)
        if all(each.attributes.get(key) == value for key, value in wanted)
    }
    size = min(asked.max_results, _MOST_EVENTS)
    refused = AwsError("InvalidNextTokenException", "Invalid NextToken")
    page, token = _page(asked.next_token, by_id, size, refused)
    following = {"NextToken": token} if token else {}
    return {"Events": [each.envelope for each in page]} | following


_HIDDEN = 30


class QueueEntry(msgspec.Struct, rename="pascal"):
    id: str
    receipt_handle: str


class QueueRequest(msgspec.Struct, rename="pascal"):
    """The parameters of the queue's operations, whichever of them each has."""

    queue_url: str = ""
    max_number_of_messages: int = 1
    visibility_timeout: int = _HIDDEN
    entries: list[QueueEntry] = []


def get_queue_attributes(account: Account, asked: QueueRequest) -> Json:
    _check_queue(asked)
    count = len(account.visible())
    return {"Attributes": {"ApproximateNumberOfMessages": str(count)}}


def receive_message(account: Account, asked: QueueRequest) -> Json:
    """Answer ReceiveMessage, at once: the account's time is not the client's."""
    _check_queue(asked)
    found = account.visible()[: asked.max_number_of_messages]
    until = after(account.now(), asked.visibility_timeout)
    for message in found:
        message.visible_at = until
    # Without messages the key is left out, not empty.
    return {"Messages": [message.wire() for message in found]} if found else {}


def delete_message_batch(account: Account, asked: QueueRequest) -> Json:
    _check_queue(asked)
    handles = {entry.receipt_handle for entry in asked.entries}
    account.queue = [m for m in account.queue if m.message_id not in handles]
    return {"Successful": [{"Id": entry.id} for entry in asked.entries], "Failed": []}


def _check_queue(asked: QueueRequest) -> None:
    if not asked.queue_url.endswith(QUEUE_PATH):
        raise AwsError("QueueDoesNotExist", "The specified queue does not exist.")


DemoOperation = tuple[str, type[msgspec.Struct], Callable[[Account, Any], Json]]
_STATES = (
    describe_execution,
    describe_map_run,
    describe_state_machine_for_execution,
    get_execution_history,
    list_executions,
    list_map_runs,
    list_state_machines,
)
_QUEUE = (get_queue_attributes, receive_message, delete_message_batch)
OPERATIONS: dict[str, DemoOperation] = {
    "".join(map(str.capitalize, answers.__name__.split("_"))): (service, asked, answers)
    for service, asked, every in (
        ("states", StatesRequest, _STATES),
        ("cloudtrail", LookupRequest, (lookup_events,)),
        ("sqs", QueueRequest, _QUEUE),
    )
    for answers in every
}
"""By name: the service that it belongs to, its parameters, and what answers it."""
