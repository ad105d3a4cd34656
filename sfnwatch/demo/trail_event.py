"""A call as CloudTrail notes it, and who made it."""

import json
from datetime import UTC, datetime
from functools import cached_property

import msgspec

from sfnwatch.demo.formats import (
    ACCOUNT_ID,
    REGION,
    Json,
    epoch_seconds,
    iso,
)

_READ_ONLY = ("Assume", "Describe", "Get", "List", "Lookup")


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


class TrailEvent(msgspec.Struct, eq=False, dict=True):
    """A call as CloudTrail notes it."""

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
    job_arn: str = ""
    """The task or execution that it starts or asks about."""
    delivered_at: datetime = datetime.max.replace(tzinfo=UTC)

    @property
    def event_time(self) -> datetime:
        """Return when it happened in whole seconds, as CloudTrail keeps it."""
        return self.at.replace(microsecond=0)

    @property
    def place(self) -> tuple[datetime, str]:
        """Where it stands in the order of time; the id settles ties."""
        return self.event_time, self.event_id

    @property
    def read_only(self) -> bool:
        return self.action.partition(":")[2].startswith(_READ_ONLY)

    @cached_property
    def attributes(self) -> Json:
        """Return what LookupEvents can find it by; not before all is known of it."""
        service, _, name = self.action.partition(":")
        return {
            "EventId": self.event_id,
            "EventName": name,
            "ReadOnly": "true" if self.read_only else "false",
            "EventSource": f"{service}.amazonaws.com",
            "AccessKeyId": self.caller.identity.get("accessKeyId"),
            "Username": self.caller.name,
        }

    def deny(self) -> None:
        """Have it denied, in AWS's words; such a record has no request and response."""
        on_resource = f" on resource: {self.job_arn}" if self.job_arn else ""
        self.error_code = "AccessDenied"
        self.request = None
        self.response = None
        self.error_message = (
            f"User: {self.caller.identity['arn']} is not authorized to perform:"
            f" {self.action}{on_resource} because no identity-based policy allows the"
            f" {self.action} action"
        )

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
