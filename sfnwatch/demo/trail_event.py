"""An API call, as the demo's CloudTrail records it."""

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
    """Who makes a call, and from where, in a record's form."""

    identity: Json
    address: str
    user_agent: str

    @property
    def name(self) -> str:
        """Return the user's name or the role's session; "" for a service."""
        whole: str = self.identity.get("arn", "")
        return whole.rpartition("/")[2]


class TrailEvent(msgspec.Struct, eq=False, dict=True):
    """A call as CloudTrail records it."""

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
        """Its place in the order of time; the id settles ties."""
        return self.event_time, self.event_id

    @property
    def read_only(self) -> bool:
        return self.action.partition(":")[2].startswith(_READ_ONLY)

    @cached_property
    def attributes(self) -> Json:
        """Return what LookupEvents can find it by; to be read once it is complete."""
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
        """Deny it, in AWS's words: its record has no request and no response."""
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
        """Return the whole record."""
        record = {
            "eventVersion": "1.09",
            "userIdentity": self.caller.identity,
            "eventTime": iso(self.at),
            "eventSource": self.attributes["EventSource"],
            "eventName": self.attributes["EventName"],
            "awsRegion": REGION,
            "sourceIPAddress": self.caller.address,
            "userAgent": self.caller.user_agent,
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
        if self.error_code:
            record["errorCode"] = self.error_code
            record["errorMessage"] = self.error_message
        return record

    @property
    def envelope(self) -> Json:
        """Return the record as LookupEvents wraps it."""
        given = {key: value for key, value in self.attributes.items() if value}
        return given | {
            "EventTime": epoch_seconds(self.event_time),
            "Resources": [],
            "CloudTrailEvent": json.dumps(self.record, separators=(",", ":")),
        }
