"""CloudTrail: its records, how late they come, and the calls of everybody else."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import msgspec

from sfnwatch.demo.execution import Call, DemoExecution, role_arn
from sfnwatch.demo.formats import (
    ACCOUNT_ID,
    REGION,
    Dice,
    Json,
    after,
    arn,
    camel,
    epoch_seconds,
    in_words,
    iso,
)
from sfnwatch.demo.services import CLUSTER_ARN, STARTED_BY, EcsTask

LONGEST_LAG = 420.0
"""No record is delivered later than this, in seconds."""

_STATES = "states.amazonaws.com"
_LATE = 362.0


class CallerIdentity(msgspec.Struct, frozen=True):
    """Who made a call, and from where, as a record tells it."""

    identity: Json
    address: str
    user_agent: str

    @property
    def name(self) -> str:
        """Return the user's name, or a role's session; nothing for a service."""
        whole: str = self.identity.get("arn", "")
        return whole.rpartition("/")[2]


class TrailEvent(msgspec.Struct, dict=True):
    """A call as CloudTrail noted it."""

    at: datetime
    action: str
    """As `ecs:RunTask`."""
    caller: CallerIdentity
    request_id: str
    event_id: str
    request: Json | None = None
    response: Json | None = None
    error_code: str = ""
    error_message: str = ""
    read_only: bool = True
    delivered_at: datetime = datetime.max.replace(tzinfo=UTC)

    @cached_property
    def event_time(self) -> datetime:
        """Return when it happened in whole seconds, as CloudTrail keeps it."""
        return self.at.replace(microsecond=0)

    @property
    def place(self) -> tuple[float, str]:
        """Where it stands in the order of time; the id settles ties."""
        return self.event_time.timestamp(), self.event_id

    @cached_property
    def attributes(self) -> Json:
        """Return what LookupEvents can find it by."""
        service, _, name = self.action.partition(":")
        return {
            "EventId": self.event_id,
            "EventName": name,
            "ReadOnly": "true" if self.read_only else "false",
            "EventSource": f"{service}.amazonaws.com",
            "AccessKeyId": self.caller.identity.get("accessKeyId"),
            "Username": self.caller.name,
        }

    @property
    def record(self) -> Json:
        """Return the record, whole."""
        error = {"errorCode": self.error_code, "errorMessage": self.error_message}
        return {
            "eventVersion": "1.09",
            "userIdentity": self.caller.identity,
            "eventTime": iso(self.at),
            "eventSource": self.attributes["EventSource"],
            "eventName": self.attributes["EventName"],
            "awsRegion": REGION,
            "sourceIPAddress": self.caller.address,
            "userAgent": self.caller.user_agent,
            **(error if self.error_code else {}),
            "requestParameters": self.request,
            "responseElements": self.response,
            "requestID": self.request_id,
            "eventID": self.event_id,
            "readOnly": self.read_only,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": ACCOUNT_ID,
            "eventCategory": "Management",
        }

    @property
    def envelope(self) -> Json:
        """Return the record as LookupEvents wraps it."""
        return {key: value for key, value in self.attributes.items() if value} | {
            "EventTime": epoch_seconds(self.event_time),
            "Resources": [],
            "CloudTrailEvent": json.dumps(self.record, separators=(",", ":")),
        }


def deliver(event: TrailEvent, lag: float) -> TrailEvent:
    """Let LookupEvents show the event from `lag` seconds after it happened."""
    event.delivered_at = after(event.at, lag)
    return event


def user(
    name: str, key_id: str, address: str = "203.0.113.24", agent: str = "AWS Internal"
) -> CallerIdentity:
    """Return an IAM user with an access key of their own; by default in the console."""
    identity = {
        "type": "IAMUser",
        "principalId": "AIDASAMPLEUSERIDSAMPL",
        "arn": arn("iam", f"user/{name}"),
        "accountId": ACCOUNT_ID,
        "accessKeyId": key_id,
        "userName": name,
    }
    return CallerIdentity(identity, address, agent)


def in_role(role: str, session: str, since: datetime, key_id: str) -> Json:
    """Return the identity of somebody who has assumed the role of this ARN."""
    name = role.rpartition("/")[2]
    principal = Dice(role).role_id()
    issuer = {
        "type": "Role",
        "principalId": principal,
        "arn": role,
        "accountId": ACCOUNT_ID,
        "userName": name,
    }
    attributes = {"creationDate": iso(since), "mfaAuthenticated": "false"}
    return {
        "type": "AssumedRole",
        "principalId": f"{principal}:{session}",
        # The role's path is in the issuer's ARN only.
        "arn": arn("sts", f"assumed-role/{name}/{session}"),
        "accountId": ACCOUNT_ID,
        "accessKeyId": key_id,
        "sessionContext": {"sessionIssuer": issuer, "attributes": attributes},
    }


def by_step_functions(role: str, at: datetime, dice: Dice) -> CallerIdentity:
    """Return Step Functions in a role: a new session for every single call."""
    identity = in_role(role, dice.session(), at, dice.key_id())
    return CallerIdentity(identity | {"invokedBy": _STATES}, _STATES, _STATES)


def _denied(caller: CallerIdentity, action: str, resource: str = "") -> dict[str, str]:
    """Return the error fields of a call that was denied, in AWS's words."""
    on_resource = f" on resource: {resource}" if resource else ""
    message = (
        f"User: {caller.identity['arn']} is not authorized to perform: {action}"
        f"{on_resource} because no identity-based policy allows the {action} action"
    )
    return {"error_code": "AccessDenied", "error_message": message}


def _event(
    dice: Dice, at: datetime, action: str, caller: CallerIdentity, **fields: Any
) -> TrailEvent:
    """Return a call with ids of its own."""
    return TrailEvent(at, action, caller, dice.uuid(), dice.uuid(), **fields)


def records_of(execution: DemoExecution, key: str) -> Iterator[TrailEvent]:
    """Yield what is recorded of an execution; the second poll's record is very late."""
    dice = Dice(key, execution.name, "trail")
    is_child = execution.map_run_arn is not None
    polls = [call for call in execution.calls if call.is_poll]
    late = [] if is_child else polls[:2][-1:]
    for call in execution.calls:
        event = _call(execution, call, dice)
        yield deliver(event, _LATE if call in late else dice.lag())
        yield deliver(_assume_role(execution, event, dice), dice.lag())
    if is_child:
        return
    for redriven in execution.redrives(execution.ends_at):
        yield deliver(_redrive(execution, redriven.at, dice), dice.lag())
    for seconds in (2.0, 14.0):
        at = after(execution.started_at, seconds)
        yield deliver(_sampling_rules(execution, at, dice), dice.lag())


def _call(execution: DemoExecution, call: Call, dice: Dice) -> TrailEvent:
    caller = by_step_functions(role_arn(execution.scenario), call.at, dice)
    told: Json = {"request": call.request, "response": call.response}
    if call.denied:
        # Its record names neither request nor response.
        told = _denied(caller, call.action, call.job_arn)
    ids = call.request_id, dice.uuid()
    return TrailEvent(
        call.at, call.action, caller, *ids, read_only=call.is_poll, **told
    )


def _assume_role(execution: DemoExecution, event: TrailEvent, dice: Dice) -> TrailEvent:
    """Return how Step Functions came by the session of a call."""
    service = CallerIdentity(
        {"type": "AWSService", "invokedBy": _STATES}, _STATES, _STATES
    )
    role, session = role_arn(execution.scenario), event.caller
    request = {"roleArn": role, "roleSessionName": session.name}
    response = {"assumedRoleUser": {"arn": session.identity["arn"]}}
    told = {"request": request, "response": response}
    return _event(dice, event.at, "sts:AssumeRole", service, **told)


def _redrive(execution: DemoExecution, at: datetime, dice: Dice) -> TrailEvent:
    """Return the call with which somebody redrove an execution."""
    caller = user("alice", dice.key_id())
    request, response = {"executionArn": execution.arn}, {"redriveDate": in_words(at)}
    told = {"request": request, "response": response, "read_only": False}
    return _event(dice, at, "states:RedriveExecution", caller, **told)


def _sampling_rules(execution: DemoExecution, at: datetime, dice: Dice) -> TrailEvent:
    """Return X-Ray's request under a machine's role, which the role may not make."""
    action, xray = "xray:GetSamplingRules", "xray-daemon"
    session, key_id = f"{xray}-{dice.digits(19)}", dice.key_id()
    identity = in_role(role_arn(execution.scenario), session, at, key_id)
    caller = CallerIdentity(identity, "198.51.100.7", xray)
    return _event(dice, at, action, caller, **_denied(caller, action))


def bystanders(
    executions: Sequence[DemoExecution], epoch: datetime, dice: Dice
) -> list[TrailEvent]:
    """Return other principals' calls from before the executions to after the last."""
    since = epoch - timedelta(minutes=12)
    until = max([epoch, *(each.ends_at for each in executions)]) + timedelta(minutes=6)
    noise = (_container_instance, _console, _other_machine)
    events = [each for make in noise for each in make(since, until, dice)]
    events += _onlooker(executions, dice)
    return [deliver(event, dice.lag()) for event in events]


def _every(
    low: float, high: float, since: datetime, until: datetime, dice: Dice
) -> Iterator[datetime]:
    at = after(since, dice.seconds(0, high))
    while at < until:
        yield at
        at = after(at, dice.seconds(low, high))


def _ecs_call(
    dice: Dice, at: datetime, name: str, caller: CallerIdentity, *tasks: str
) -> TrailEvent:
    request = {"cluster": CLUSTER_ARN} | ({"tasks": list(tasks)} if tasks else {})
    read_only = name.startswith(("Describe", "List"))
    action = f"ecs:{name}"
    return _event(dice, at, action, caller, request=request, read_only=read_only)


def _container_instance(
    since: datetime, until: datetime, dice: Dice
) -> Iterator[TrailEvent]:
    """Yield an EC2 container instance telling ECS what its tasks do."""
    role, instance = arn("iam", "role/ecsInstanceRole"), f"i-0{dice.hex(16)}"
    agent = "Amazon ECS Agent - v1.88.0 (linux) (+http://aws.amazon.com/ecs)"
    for at in _every(35, 95, since, until, dice):
        identity = in_role(role, instance, since, dice.key_id())
        caller = CallerIdentity(identity, "203.0.113.40", agent)
        name = dice.choice("SubmitTaskStateChange", "SubmitContainerStateChange")
        yield _ecs_call(dice, at, name, caller)


def _console(since: datetime, until: datetime, dice: Dice) -> Iterator[TrailEvent]:
    """Yield a person with the ECS console open."""
    caller = user("alice", dice.key_id())
    for at in _every(50, 140, since, until, dice):
        name = dice.choice("DescribeClusters", "ListTasks", "DescribeServices")
        yield _ecs_call(dice, at, name, caller)


def _onlooker(executions: Sequence[DemoExecution], dice: Dice) -> Iterator[TrailEvent]:
    """Yield that person looking at the executions' own tasks: same task, other user."""
    for execution in executions:
        calls = [call for call in execution.calls if call.action == "ecs:RunTask"]
        for call in calls[:1]:
            at = after(call.at, dice.seconds(21, 44))
            yield _ecs_call(
                dice, at, "DescribeTasks", user("alice", dice.key_id()), call.job_arn
            )


def _other_machine(
    since: datetime, until: datetime, dice: Dice
) -> Iterator[TrailEvent]:
    """Yield another state machine's tasks, made by Step Functions too."""
    name = "hourly-import"
    role = arn("iam", f"role/service-role/StepFunctions-{name}-role-5d1c7f20")
    for at in _every(240, 420, since, until, dice):
        task = EcsTask(dice, name, at, STARTED_BY)
        run = {"cluster": "demo-cluster", "taskDefinition": name}
        caller = by_step_functions(role, at, dice)
        event = _event(dice, at, "ecs:RunTask", caller, read_only=False)
        event.request = run | {"startedBy": STARTED_BY}
        event.response = camel(task.answer(in_words))
        yield event
        for when in (after(at, 56), after(at, 117)):
            caller = by_step_functions(role, when, dice)
            yield _ecs_call(dice, when, "DescribeTasks", caller, task.arn)
