"""Answers requests: finds the operation, refuses or performs it, tells CloudTrail."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sfnwatch.demo import lookup, map_runs, queue, states, trail
from sfnwatch.demo.account import Account
from sfnwatch.demo.ids import ACCOUNT_ID, Dice, arn
from sfnwatch.demo.tasks import camel
from sfnwatch.demo.times import in_words
from sfnwatch.demo.wire import (
    Asked,
    AwsError,
    Reply,
    Signer,
    authenticate,
    common_error,
    json_refusal,
    json_reply,
    operation_of,
    sts_refusal,
    sts_reply,
)

Answer = Callable[[Account, bytes], dict[str, Any]]

OPERATIONS: Mapping[str, tuple[str, Answer]] = {
    "DescribeExecution": ("states", states.describe_execution),
    "DescribeMapRun": ("states", map_runs.describe_map_run),
    "DescribeStateMachine": ("states", states.describe_state_machine),
    "DescribeStateMachineForExecution": (
        "states",
        states.describe_state_machine_for_execution,
    ),
    "GetExecutionHistory": ("states", states.get_execution_history),
    "ListExecutions": ("states", states.list_executions),
    "ListMapRuns": ("states", map_runs.list_map_runs),
    "ListStateMachines": ("states", states.list_state_machines),
    "LookupEvents": ("cloudtrail", lookup.lookup_events),
    "GetQueueAttributes": ("sqs", queue.get_queue_attributes),
    "ReceiveMessage": ("sqs", queue.receive_message),
    "DeleteMessageBatch": ("sqs", queue.delete_message_batch),
}
_IDENTITY = "GetCallerIdentity"
_DATA_EVENTS = frozenset({"ReceiveMessage", "DeleteMessageBatch"})
"""What a trail records only where it is told to."""
_BROKEN = {503: "ServiceUnavailable"}


@dataclass(frozen=True, slots=True)
class _Request:
    """What is known of a request once its operation is."""

    account: Account
    asked: Asked
    service: str
    operation: str
    request_id: str


def answer(account: Account, asked: Asked) -> Reply:
    """Answer one request."""
    operation = operation_of(asked)
    service = "sts" if operation == _IDENTITY else _service(operation)
    request = _Request(account, asked, service, operation, account.new_id())
    try:
        result = _perform(request)
    except AwsError as error:
        return _refusal(service, error, request.request_id)
    if service == "sts":
        return sts_reply(result, request.request_id)
    return json_reply(service, result, request.request_id)


def _service(operation: str) -> str:
    return OPERATIONS[operation][0] if operation in OPERATIONS else "states"


def _refusal(service: str, error: AwsError, request_id: str) -> Reply:
    if service == "sts":
        return sts_refusal(error, request_id)
    return json_refusal(service, error, request_id)


def _perform(request: _Request) -> dict[str, Any]:
    faults = request.account.faults
    if faults.status_next:
        status = faults.status_next.pop(0)
        code = _BROKEN.get(status, "InternalFailure")
        raise common_error(code, "The demo was told to fail", status)
    signer = authenticate(request.asked, faults)
    if faults.throttles():
        raise common_error("ThrottlingException", "Rate exceeded")
    try:
        result = _result(request, signer)
    except AwsError as error:
        _note(request, signer, error)
        raise
    _note(request, signer, None)
    return result


def _result(request: _Request, signer: Signer) -> dict[str, Any]:
    operation = request.operation
    if operation in request.account.faults.deny:
        raise common_error("AccessDeniedException", _denial(request, signer))
    if operation == _IDENTITY:
        caller = _caller(signer, request.account)
        identity = caller.identity
        return {
            "Arn": identity["arn"],
            "UserId": identity["principalId"],
            "Account": ACCOUNT_ID,
        }
    if operation not in OPERATIONS:
        raise common_error("UnknownOperationException", f"Not here: {operation}")
    return OPERATIONS[operation][1](request.account, request.asked.body)


def _denial(request: _Request, signer: Signer) -> str:
    user = _caller(signer, request.account).identity["arn"]
    action = f"{request.service}:{request.operation}"
    return (
        f"User: {user} is not authorized to perform: {action}"
        f" because no identity-based policy allows the {action} action"
    )


def _caller(signer: Signer, account: Account) -> trail.Caller:
    """Return the one user of the demo; with a session token, the same in a role."""
    place = {"address": signer.address, "user_agent": signer.user_agent}
    if signer.session_token is None:
        return trail.user("demo", signer.key_id, **place)
    role = arn("iam", "role/demo")
    caller = trail.in_role(role, "demo", account.epoch, Dice(signer.key_id), **place)
    identity = caller.identity | {"accessKeyId": signer.key_id}
    return trail.Caller(identity, caller.address, caller.user_agent, caller.name)


def _note(request: _Request, signer: Signer, error: AwsError | None) -> None:
    """Record the call, unless it got no further than the throttle."""
    code = error.code if error else None
    if code in {"ThrottlingException", "UnknownOperationException"}:
        return
    if request.operation in _DATA_EVENTS:
        return
    denied = code == "AccessDeniedException"
    event = trail.Event(
        at=request.account.now(),
        source=f"{request.service}.amazonaws.com",
        name=request.operation,
        caller=_caller(signer, request.account),
        request_id=request.request_id,
        event_id=request.account.new_id(),
        request=None if denied else _recorded(request),
        error=("AccessDenied" if denied else error.code, error.message)
        if error
        else None,
    )
    request.account.note(event)


def _recorded(request: _Request) -> dict[str, Any] | None:
    """Return the request as a record has it: keys in lower case, times in words."""
    if request.service == "sts":
        return None
    try:
        given = json.loads(request.asked.body or b"{}")
    except ValueError:
        return None
    if not isinstance(given, dict):
        return None
    for key in given.keys() & {"StartTime", "EndTime"}:
        given[key] = _in_words(given[key])
    recorded: dict[str, Any] = camel(given)
    return recorded


def _in_words(given: Any) -> Any:
    try:
        return in_words(datetime.fromtimestamp(given, UTC))
    except (TypeError, ValueError, OverflowError, OSError):
        return given
