"""What CloudTrail records of an execution, under which identity, and how late."""

from collections.abc import Iterator
from datetime import datetime

from sfnwatch.demo.execution import DemoExecution
from sfnwatch.demo.formats import ACCOUNT_ID, Json, SeededRandom, after, arn, iso
from sfnwatch.demo.trail_event import CallerIdentity, TrailEvent

_STATES = "states.amazonaws.com"
_LATE = 362.0


def deliver(event: TrailEvent, lag: float) -> TrailEvent:
    """Let LookupEvents show the event from `lag` seconds after it happened."""
    event.delivered_at = after(event.at, lag)
    return event


def user(name: str, key_id: str, address: str, agent: str) -> CallerIdentity:
    """Return an IAM user with an access key of their own."""
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
    principal = SeededRandom(role).role_id()
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


def by_step_functions(role: str, at: datetime, random: SeededRandom) -> CallerIdentity:
    """Return Step Functions in a role: a new session for every single call."""
    identity = in_role(role, random.session(), at, random.key_id())
    return CallerIdentity(identity | {"invokedBy": _STATES}, _STATES, _STATES)


def records_of(execution: DemoExecution, key: str) -> Iterator[TrailEvent]:
    """Yield what is recorded of an execution; the second poll's record is very late."""
    random = SeededRandom(key, execution.name, "trail")
    scenario = execution.scenario
    is_child = execution.map_run_arn is not None
    polls = [call for call in execution.calls if call.read_only]
    late = [] if is_child else polls[:2][-1:]
    for event in execution.calls:
        event.caller = by_step_functions(scenario.role_arn, event.at, random)
        event.event_id = random.uuid()
        if event.read_only and scenario.polls_denied:
            event.deny()
        yield deliver(event, _LATE if event in late else random.lag())
    if is_child:
        return
    for seconds in (2.0, 14.0):
        at = after(execution.started_at, seconds)
        yield deliver(_sampling_rules(execution, at, random), random.lag())


def _sampling_rules(
    execution: DemoExecution, at: datetime, random: SeededRandom
) -> TrailEvent:
    """Return X-Ray's request under a machine's role, which the role may not make."""
    xray = "xray-daemon"
    session = f"{xray}-{random.digits(19)}"
    key_id = random.key_id()
    identity = in_role(execution.scenario.role_arn, session, at, key_id)
    caller = CallerIdentity(identity, "198.51.100.7", xray)
    ids = random.uuid(), random.uuid()
    event = TrailEvent(at, "xray:GetSamplingRules", caller, *ids)
    event.deny()
    return event
