"""CloudTrail's records, and the envelope LookupEvents puts them into."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sfnwatch.demo.ids import ACCOUNT_ID, REGION, Dice, arn
from sfnwatch.demo.times import after, epoch_seconds, iso, whole

STATES = "states.amazonaws.com"

_SINGLE = ("AccessKeyId", "EventId", "EventName", "EventSource", "ReadOnly", "Username")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who made a call, and from where, as a record tells it."""

    identity: dict[str, Any]
    address: str
    user_agent: str
    name: str | None = None
    """LookupEvents' Username: of a role, its session."""


@dataclass(frozen=True, slots=True)
class Event:
    """A call as CloudTrail noted it."""

    at: datetime
    source: str
    name: str
    caller: Caller
    request_id: str
    event_id: str
    request: dict[str, Any] | None = None
    response: dict[str, Any] | None = None
    error: tuple[str, str] | None = None
    """Code and message."""
    read_only: bool = True
    resources: tuple[tuple[str, str], ...] = ()
    """Type and ARN of each."""

    def record(self) -> dict[str, Any]:
        """Return the record, whole."""
        caller = self.caller
        return {
            "eventVersion": "1.09",
            "userIdentity": caller.identity,
            "eventTime": iso(self.at),
            "eventSource": self.source,
            "eventName": self.name,
            "awsRegion": REGION,
            "sourceIPAddress": caller.address,
            "userAgent": caller.user_agent,
            **self._error(),
            "requestParameters": self.request,
            "responseElements": self.response,
            "requestID": self.request_id,
            "eventID": self.event_id,
            "readOnly": self.read_only,
            **self._resources(),
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": ACCOUNT_ID,
            "eventCategory": "Management",
        }

    def _error(self) -> dict[str, str]:
        if not self.error:
            return {}
        code, message = self.error
        return {"errorCode": code, "errorMessage": message}

    def _resources(self) -> dict[str, Any]:
        resources = [
            {"accountId": ACCOUNT_ID, "type": kind, "ARN": name}
            for kind, name in self.resources
        ]
        return {"resources": resources} if resources else {}


@dataclass(frozen=True, slots=True)
class Delivered:
    """An event as LookupEvents shows it, from `delivered_at` on."""

    event_time: datetime
    delivered_at: datetime
    event_id: str
    attributes: dict[str, tuple[str, ...]]
    """What LookupEvents can find it by."""
    envelope: dict[str, Any] = field(repr=False)

    @property
    def place(self) -> tuple[float, str]:
        """Where it stands in the order of time; the id settles ties."""
        return self.event_time.timestamp(), self.event_id


def deliver(event: Event, lag: float) -> Delivered:
    """Return the event as it will be shown `lag` seconds after it happened."""
    envelope = _envelope(event)
    return Delivered(
        event_time=whole(event.at),
        delivered_at=after(event.at, lag),
        event_id=event.event_id,
        attributes=_attributes(envelope),
        envelope=envelope,
    )


def _envelope(event: Event) -> dict[str, Any]:
    caller = event.caller
    optional = {
        "AccessKeyId": caller.identity.get("accessKeyId"),
        "Username": caller.name,
    }
    return {
        "EventId": event.event_id,
        "EventName": event.name,
        "ReadOnly": "true" if event.read_only else "false",
        "EventTime": epoch_seconds(whole(event.at)),
        "EventSource": event.source,
        "Resources": [
            {"ResourceType": kind, "ResourceName": name}
            for kind, name in event.resources
        ],
        "CloudTrailEvent": json.dumps(event.record(), separators=(",", ":")),
    } | {key: value for key, value in optional.items() if value}


def _attributes(envelope: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    single = {key: (envelope[key],) for key in _SINGLE if key in envelope}
    of_resources = {
        key: tuple(each[key] for each in envelope["Resources"])
        for key in ("ResourceName", "ResourceType")
    }
    return single | of_resources


def user(name: str, key_id: str, *, address: str, user_agent: str) -> Caller:
    """Return an IAM user with a key of his own."""
    identity = {
        "type": "IAMUser",
        "principalId": "AIDASAMPLEUSERIDSAMPL",
        "arn": arn("iam", f"user/{name}"),
        "accountId": ACCOUNT_ID,
        "accessKeyId": key_id,
        "userName": name,
    }
    return Caller(identity, address, user_agent, name)


def service(name: str) -> Caller:
    """Return an AWS service acting for itself."""
    return Caller({"type": "AWSService", "invokedBy": name}, name, name)


def by_states(role_arn: str, at: datetime, dice: Dice) -> Caller:
    """Return Step Functions in a role: a new session for every single call."""
    caller = in_role(role_arn, dice.session(), at, dice)
    identity = caller.identity | {"invokedBy": STATES}
    return Caller(identity, STATES, STATES, caller.name)


def in_role(
    role_arn: str,
    session: str,
    since: datetime,
    dice: Dice,
    *,
    address: str = "203.0.113.40",
    user_agent: str = "aws-sdk-go/1.55.0 (linux; amd64)",
) -> Caller:
    """Return somebody who has assumed a role."""
    name = role_arn.rpartition("/")[2]
    principal = Dice(role_arn).role_id()
    identity = {
        "type": "AssumedRole",
        "principalId": f"{principal}:{session}",
        # The role's path is in the issuer's ARN only.
        "arn": arn("sts", f"assumed-role/{name}/{session}"),
        "accountId": ACCOUNT_ID,
        "accessKeyId": dice.key_id(),
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": principal,
                "arn": role_arn,
                "accountId": ACCOUNT_ID,
                "userName": name,
            },
            "attributes": {"creationDate": iso(since), "mfaAuthenticated": "false"},
        },
    }
    return Caller(identity, address, user_agent, session)
