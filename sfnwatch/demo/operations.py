"""The operations: Step Functions' read operations, LookupEvents, and those of SQS."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec

from sfnwatch.demo.account import Account, BadTokenError
from sfnwatch.demo.cloudtrail import TrailEvent
from sfnwatch.demo.execution import DemoExecution, DemoMapRun, machine_arn, role_arn
from sfnwatch.demo.formats import ACCOUNT_ID, REGION, Json, after, arn, epoch_seconds
from sfnwatch.demo.scenarios import Scenario
from sfnwatch.demo.services import PATH

Item = TypeVar("Item")
Parameters = TypeVar("Parameters", bound=msgspec.Struct)

_STATUSES = "SUCCEEDED TIMED_OUT PENDING_REDRIVE ABORTED FAILED RUNNING"
_MADE_EARLIER = 40 * 86400.0
_MISSING = {
    "executionArn": ("ExecutionDoesNotExist", "Execution Does Not Exist"),
    "stateMachineArn": ("StateMachineDoesNotExist", "State Machine Does Not Exist"),
    "mapRunArn": ("ResourceNotFound", "Resource not found"),
}


class AwsError(Exception):
    """A refusal with AWS's code."""

    def __init__(
        self, code: str, message: str, status: int = 400, *, common: bool = False
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status
        self.common = common
        """Whether the code is of all services and not of one."""


def common_error(code: str, message: str, status: int = 400) -> AwsError:
    """Return an error that any service may give."""
    return AwsError(code, message, status, common=True)


def broken(name: str, value: object, rule: str) -> AwsError:
    """Return the refusal of a parameter that breaks a rule of its model."""
    shown = "null" if value is None else f"'{value}'"
    problem = f"Value {shown} at '{name}' failed to satisfy constraint"
    message = f"1 validation error detected: {problem}: Member must {rule}"
    return common_error("ValidationException", message)


def check_range(name: str, value: int, low: int, high: int) -> None:
    """Refuse a number outside AWS's bounds."""
    if value < low:
        raise broken(name, value, f"have value greater than or equal to {low}")
    if value > high:
        raise broken(name, value, f"have value less than or equal to {high}")


def parse(body: bytes, kind: type[Parameters]) -> Parameters:
    """Return the parameters, or refuse what is not of their types."""
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise common_error("SerializationException", str(error)) from error


class StatesRequest(msgspec.Struct, rename="camel"):
    """The parameters of Step Functions' operations, whichever of them each has."""

    execution_arn: str | None = None
    state_machine_arn: str | None = None
    map_run_arn: str | None = None
    status_filter: str | None = None
    include_execution_data: bool = True
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


def describe_state_machine(account: Account, asked: StatesRequest) -> Json:
    scenario = _scenario(account, asked)
    described = _machine(scenario) | _listed_machine(account, scenario)
    return described | {"status": "ACTIVE"}


def describe_state_machine_for_execution(
    account: Account, asked: StatesRequest
) -> Json:
    execution = _execution(account, asked)
    described = _machine(execution.scenario)
    if execution.map_run_arn:
        label = execution.scenario.machine.rpartition("/")[2]
        described |= {"mapRunArn": execution.map_run_arn, "label": label}
    return described | {"updateDate": _made_at(account)}


def describe_map_run(account: Account, asked: StatesRequest) -> Json:
    map_run = _known("mapRunArn", asked.map_run_arn, account.map_run)
    now, state = account.now(), map_run.state
    found, ended = map_run.counts(now), map_run.ends_at <= now
    kinds = ("succeeded", "failed", "aborted", "pending", "running")
    # One item a child: the demo has no batches, and no Map Run is redriven. A recorded
    # one without a ResultWriter still tells of as many results written as children
    # succeeded; that there are none before its end is inferred.
    counts = {kind: found[kind.upper()] for kind in kinds} | {
        "timedOut": 0,
        "total": map_run.total,
        "resultsWritten": found["SUCCEEDED"] if ended else 0,
        "failuresNotRedrivable": 0,
        "pendingRedrive": 0,
    }
    return _begun(map_run, now) | {
        "status": map_run.status(now),
        "maxConcurrency": state["MaxConcurrency"],
        "toleratedFailurePercentage": float(state.get("ToleratedFailurePercentage", 0)),
        "toleratedFailureCount": state.get("ToleratedFailureCount", 0),
        "itemCounts": counts,
        "executionCounts": counts,
        "redriveCount": 0,
    }


def get_execution_history(account: Account, asked: StatesRequest) -> Json:
    seen = _execution(account, asked).seen(account.now())
    events = {str(event.event_id): event for event in seen}
    if asked.reverse_order:
        events = dict(reversed(events.items()))
    page, token = _page(account, asked, events)
    data = asked.include_execution_data
    return {"events": [event.wire(data=data) for event in page]} | token


def list_executions(account: Account, asked: StatesRequest) -> Json:
    status, now = asked.status_filter, account.now()
    if status and status not in _STATUSES.split():
        enum = _STATUSES.replace(" ", ", ")
        raise broken("statusFilter", status, f"satisfy enum value set: [{enum}]")
    if asked.map_run_arn:
        found = _known("mapRunArn", asked.map_run_arn, account.map_run).begun(now)
    else:
        machine, started = _scenario(account, asked).machine, account.started()
        found = [each for each in started if each.scenario.machine == machine]
    found = [each for each in found if status in {None, each.status(now)}]
    found.sort(key=lambda each: (each.listed_at(now), each.arn), reverse=True)
    page, token = _page(account, asked, {each.arn: each for each in found})
    # That a child has one item is the demo's own: it has no batches.
    listed = [
        _summary(account, each) | ({"itemCount": 1} if each.map_run_arn else {})
        for each in page
    ]
    return {"executions": listed} | token


def list_map_runs(account: Account, asked: StatesRequest) -> Json:
    """Answer ListMapRuns; that the newest comes first is inferred."""
    map_runs, now = _execution(account, asked).map_runs[::-1], account.now()
    begun = {each.arn: each for each in map_runs if each.started_at <= now}
    page, token = _page(account, asked, begun)
    listed = []
    for map_run in page:
        machine = arn("states", f"stateMachine:{map_run.machine}")
        listed.append(_begun(map_run, now) | {"stateMachineArn": machine})
    return {"mapRuns": listed} | token


def list_state_machines(account: Account, asked: StatesRequest) -> Json:
    page, token = _page(account, asked, account.machines)
    return {"stateMachines": [_listed_machine(account, each) for each in page]} | token


def _page(
    account: Account, asked: StatesRequest, items: Mapping[str, Item]
) -> tuple[list[Item], dict[str, str]]:
    """Return a page of the items, and the token of the next if there is one."""
    check_range("maxResults", asked.max_results, 0, 1000)
    # Whoever sends a token must send all but the size as before.
    same = msgspec.structs.replace(asked, next_token=None, max_results=0)
    size = asked.max_results or 100
    try:
        page, token = _part(account, same, asked.next_token, items, size)
    except BadTokenError as error:
        raise AwsError("InvalidToken", "Invalid Token: 'Invalid token'") from error
    return page, {"nextToken": token} if token else {}


def _part(
    account: Account,
    same: msgspec.Struct,
    token: str | None,
    items: Mapping[Any, Item],
    size: int,
) -> tuple[list[Item], str]:
    """Return what follows a token, and where it goes on the next one.

    `same` is what must be asked each time. Raises BadTokenError.
    """
    request, keys, start = msgspec.json.encode(same).decode(), list(items), 0
    if token is not None:
        cursor = account.tokens.cursor(token, request, account.now())
        cursor = tuple(cursor) if isinstance(cursor, list) else cursor
        if cursor not in items:
            raise BadTokenError("not ours")
        start = keys.index(cursor) + 1
    page, following = keys[start : start + size], ""
    if start + size < len(keys):
        following = account.tokens.issue(request, page[-1], account.now())
    return [items[key] for key in page], following


def _known(name: str, given: str | None, look_up: Callable[[str], Item | None]) -> Item:
    """Return what a parameter's ARN names, or refuse it."""
    if given is None:
        raise broken(name, given, "not be null")
    if not given:
        raise broken(name, given, "have length greater than or equal to 1")
    if f":states:{REGION}:{ACCOUNT_ID}:{name.removesuffix('Arn')}:" not in given:
        raise AwsError("InvalidArn", f"Invalid Arn: 'Invalid ARN: {given}'")
    if (found := look_up(given)) is None:
        code, words = _MISSING[name]
        raise AwsError(code, f"{words}: '{given}'")
    return found


def _execution(account: Account, asked: StatesRequest) -> DemoExecution:
    return _known("executionArn", asked.execution_arn, account.execution)


def _scenario(account: Account, asked: StatesRequest) -> Scenario:
    machines = {machine_arn(each): each for each in account.machines.values()}
    return _known("stateMachineArn", asked.state_machine_arn, machines.get)


def _summary(account: Account, execution: DemoExecution) -> Json:
    """Return what an execution's description and its item of a list have in common."""
    now = account.now()
    end, redrives = execution.end(now), execution.redrives(now)
    summary = {
        "executionArn": execution.arn,
        "stateMachineArn": machine_arn(execution.scenario),
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


def _machine(scenario: Scenario) -> Json:
    return {
        "stateMachineArn": machine_arn(scenario),
        "name": scenario.machine,
        "definition": scenario.definition,
        "roleArn": role_arn(scenario),
        "loggingConfiguration": {"level": "OFF", "includeExecutionData": False},
        "tracingConfiguration": {"enabled": True},
    }


def _listed_machine(account: Account, scenario: Scenario) -> Json:
    return {
        "stateMachineArn": machine_arn(scenario),
        "name": scenario.machine,
        "type": "STANDARD",
        "creationDate": _made_at(account),
    }


def _made_at(account: Account) -> float:
    return epoch_seconds(after(account.epoch, -_MADE_EARLIER))


def _begun(map_run: DemoMapRun, now: datetime) -> Json:
    ended = map_run.ends_at <= now
    return {
        "mapRunArn": map_run.arn,
        "executionArn": map_run.execution_arn,
        "startDate": epoch_seconds(map_run.started_at),
    } | ({"stopDate": epoch_seconds(map_run.ends_at)} if ended else {})


_LOOKUP_KEYS = {
    *("AccessKeyId", "EventId", "EventName", "EventSource"),
    *("ReadOnly", "ResourceName", "ResourceType", "Username"),
}
_MOST_EVENTS = 50
_KEPT, _FAR_FUTURE = timedelta(days=90), 1e11


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
        raise common_error("ThrottlingException", "Rate exceeded")
    _check_lookup(asked)
    since, until = _time_range(asked, now)

    def fits(each: TrailEvent) -> bool:
        return since <= each.event_time <= until and all(
            each.has(wanted.attribute_key, wanted.attribute_value)
            for wanted in asked.lookup_attributes
        )

    found = account.delivered(fits)
    # Whoever sends a token must send all else as before.
    same, size = msgspec.structs.replace(asked, next_token=None), asked.max_results
    places = {each.place: each for each in found}
    try:
        page, token = _part(account, same, asked.next_token, places, size)
    except BadTokenError as error:
        message = f"Invalid NextToken: {error}"
        raise AwsError("InvalidNextTokenException", message) from error
    following = {"NextToken": token} if token else {}
    return {"Events": [each.envelope for each in page]} | following


def _check_lookup(asked: LookupRequest) -> None:
    size = asked.max_results
    if not 1 <= size <= _MOST_EVENTS:
        message = f"A max results value of {size} is invalid."
        message += f" Specify max results between 1 and {_MOST_EVENTS}."
        raise AwsError("InvalidMaxResultsException", message)
    keys = {attribute.attribute_key for attribute in asked.lookup_attributes}
    if len(asked.lookup_attributes) > 1 or not keys <= _LOOKUP_KEYS:
        message = "Only one lookup attribute can be specified, of those there are."
        raise AwsError("InvalidLookupAttributesException", message)


def _time_range(asked: LookupRequest, now: datetime) -> tuple[datetime, datetime]:
    start, end = asked.start_time or 0.0, asked.end_time or _FAR_FUTURE
    since, until = (datetime.fromtimestamp(each, UTC) for each in (start, end))
    if since > until or until < now - _KEPT:
        message = "The time range ends before it starts, or before what is kept."
        raise AwsError("InvalidTimeRangeException", message)
    return since, until


_HIDDEN = 30


class QueueEntry(msgspec.Struct, rename="pascal"):
    id: str
    receipt_handle: str


class QueueRequest(msgspec.Struct, rename="pascal"):
    """The parameters of the queue's operations, whichever of them each has."""

    queue_url: str = ""
    max_number_of_messages: int = 1
    visibility_timeout: int = _HIDDEN
    wait_time_seconds: int = 0
    entries: list[QueueEntry] = []


def get_queue_attributes(account: Account, asked: QueueRequest) -> Json:
    _check_queue(asked)
    attributes = {
        "ApproximateNumberOfMessages": len(account.queue.visible(account.now())),
        "VisibilityTimeout": _HIDDEN,
        "MessageRetentionPeriod": 345_600,
    }
    return {"Attributes": {name: str(value) for name, value in attributes.items()}}


def receive_message(account: Account, asked: QueueRequest) -> Json:
    """Answer ReceiveMessage, at once: the account's time is not the client's."""
    _check_queue(asked)
    most, hidden = asked.max_number_of_messages, asked.visibility_timeout
    check_range("MaxNumberOfMessages", most, 1, 10)
    check_range("WaitTimeSeconds", asked.wait_time_seconds, 0, 20)
    check_range("VisibilityTimeout", hidden, 0, 43_200)
    found = account.queue.receive(account.now(), most, hidden)
    # Without messages the key is left out, not empty.
    return {"Messages": [message.wire() for message in found]} if found else {}


def delete_message_batch(account: Account, asked: QueueRequest) -> Json:
    _check_queue(asked)
    for entry in asked.entries:
        account.queue.delete(entry.receipt_handle)
    return {"Successful": [{"Id": entry.id} for entry in asked.entries], "Failed": []}


def _check_queue(asked: QueueRequest) -> None:
    if not asked.queue_url.endswith(PATH):
        raise AwsError("QueueDoesNotExist", "The specified queue does not exist.")


Operation = tuple[str, type[msgspec.Struct], Callable[[Account, Any], Json]]
OPERATIONS: dict[str, Operation] = {
    "DescribeExecution": ("states", StatesRequest, describe_execution),
    "DescribeMapRun": ("states", StatesRequest, describe_map_run),
    "DescribeStateMachine": ("states", StatesRequest, describe_state_machine),
    "DescribeStateMachineForExecution": (
        "states",
        StatesRequest,
        describe_state_machine_for_execution,
    ),
    "GetExecutionHistory": ("states", StatesRequest, get_execution_history),
    "ListExecutions": ("states", StatesRequest, list_executions),
    "ListMapRuns": ("states", StatesRequest, list_map_runs),
    "ListStateMachines": ("states", StatesRequest, list_state_machines),
    "LookupEvents": ("cloudtrail", LookupRequest, lookup_events),
    "GetQueueAttributes": ("sqs", QueueRequest, get_queue_attributes),
    "ReceiveMessage": ("sqs", QueueRequest, receive_message),
    "DeleteMessageBatch": ("sqs", QueueRequest, delete_message_batch),
}
"""By name: the service that it belongs to, its parameters, and what answers it."""
