"""What CloudTrail makes of the calls that came in, and LookupEvents of that.

Of its own make: it shares nothing with what it is there to test, nor with the demo.
"""

import json
import random
import string
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

ACCOUNT_ID = "123456789012"
BLIND = "blind"
"""The name of a role that may not poll."""
_STATES = "states.amazonaws.com"
_MOST, _RATE = 50, 2
"""Events on a page at most, and requests a second; more are throttled [documented]."""
_READS = ("Describe", "Get", "List", "Lookup", "Receive")
_DATA = {
    ("lambda", "Invoke"),
    *(("sqs", name) for name in ("SendMessage", "ReceiveMessage", "DeleteMessage")),
}
"""Data events: Event history never has them [documented]."""


class AwsError(Exception):
    """A request that is answered with an error: its code and message."""


@dataclass(frozen=True)
class Call:
    """A call as it came in over HTTP, and what it was answered."""

    at: float
    service: str
    name: str
    region: str
    user_agent: str
    key_id: str
    maker: dict[str, Any] | None
    """The task that made it: its execution, role, state and try; None for people."""
    request: dict[str, Any]
    response: dict[str, Any] = field(default_factory=dict)
    status: int = 0
    request_id: str = ""
    event_id: str = field(default_factory=lambda: str(uuid4()))

    @property
    def recorded(self) -> bool:
        """True for a management event."""
        return (self.service, self.name) not in _DATA

    @property
    def read_only(self) -> bool:
        return self.name.startswith(_READS)

    @property
    def error(self) -> tuple[str, str] | None:
        if self.status < 300:
            return None
        code = str(self.response.get("__type", self.status)).rpartition("#")[2]
        return code, str(self.response.get("message"))

    @property
    def seconds(self) -> float:
        """Its eventTime, which has whole seconds only [recorded]."""
        return float(int(self.at))

    @property
    def role_name(self) -> str:
        return str(self.maker["role"]).rpartition("/")[2] if self.maker else ""

    @property
    def session(self) -> str:
        """Of 32 letters, and new for each call [recorded]."""
        letters = random.Random(self.event_id)  # noqa: S311
        return "".join(letters.choices(string.ascii_letters, k=32))

    def denial(self, resource: str) -> AwsError:
        """Deny it, in the words a record of ECS's has [recorded]."""
        action = f"{self.service}:{self.name}"
        message = (
            f"User: {_in_role(self)['arn']} is not authorized to perform: {action} on"
            f" resource: {resource} because no identity-based policy allows the"
            f" {action} action"
        )
        return AwsError("AccessDenied", message)

    def truth(self) -> dict[str, Any]:
        """Tell what a test compares with."""
        told = ("event_id", "request_id", "name", "recorded", "maker")
        return {key: getattr(self, key) for key in told}

    def record(self) -> dict[str, Any]:
        """Write CloudTrail's record."""
        told = dict(zip(("errorCode", "errorMessage"), self.error or (), strict=False))
        silent = self.error or self.read_only
        # What a denied one asked for is not told [recorded].
        secret = self.error and "AccessDenied" in self.error[0]
        return {
            "eventVersion": "1.09",
            "userIdentity": _in_role(self) if self.maker else _user(self),
            "eventTime": _when(self.seconds),
            "eventSource": f"{self.service}.amazonaws.com",
            "eventName": self.name,
            "awsRegion": self.region,
            "sourceIPAddress": _STATES if self.maker else "203.0.113.7",
            "userAgent": _STATES if self.maker else self.user_agent,
            **told,
            "requestParameters": None if secret else _hidden(self.request) or None,
            "responseElements": None if silent else _spelt(self.response) or None,
            "requestID": self.request_id,
            "eventID": self.event_id,
            "readOnly": self.read_only,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": ACCOUNT_ID,
            "eventCategory": "Management",
        }

    def envelope(self) -> dict[str, Any]:
        """Put the record as LookupEvents does; of a role, Username is its session."""
        record = self.record()
        return {
            "EventId": self.event_id,
            "EventName": self.name,
            "ReadOnly": "true" if self.read_only else "false",
            "AccessKeyId": record["userIdentity"]["accessKeyId"],
            "EventTime": self.seconds,
            "EventSource": record["eventSource"],
            "Username": record["userIdentity"]["arn"].rpartition("/")[2],
            "Resources": [],
            "CloudTrailEvent": json.dumps(record),
        }


def _when(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _in_role(call: Call) -> dict[str, Any]:
    """Give Step Functions' identity; the role's path is in the issuer's ARN only."""
    name = call.role_name
    issuer = {"type": "Role", "accountId": ACCOUNT_ID, "userName": name}
    since = {"creationDate": _when(call.seconds), "mfaAuthenticated": "false"}
    return {
        "type": "AssumedRole",
        "principalId": f"AROASAMPLEROLEIDSAMPL:{call.session}",
        "arn": f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{name}/{call.session}",
        "accountId": ACCOUNT_ID,
        "accessKeyId": f"ASIA{call.session[:16].upper()}",
        "sessionContext": {
            "sessionIssuer": {**issuer, "arn": (call.maker or {})["role"]},
            "attributes": since,
        },
        "invokedBy": _STATES,
    }


def _user(call: Call) -> dict[str, Any]:
    arn = f"arn:aws:iam::{ACCOUNT_ID}:user/tester"
    known = {"accountId": ACCOUNT_ID, "accessKeyId": call.key_id}
    return {"type": "IAMUser", "arn": arn, **known, "userName": "tester"}


def _hidden(request: dict[str, Any]) -> dict[str, Any]:
    hidden = dict.fromkeys(("input", "definition"), "HIDDEN_DUE_TO_SECURITY_REASONS")
    return {**request, **{key: hidden[key] for key in hidden if key in request}}


def _spelt(value: Any, key: str = "") -> Any:
    """Put times into a record's words, `Oct 28, 2016 1:17:56 AM` [documented]."""
    if isinstance(value, dict):
        return {name: _spelt(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_spelt(item) for item in value]
    if isinstance(value, float) and key.endswith(("At", "Date")):
        at = datetime.fromtimestamp(value, UTC)
        return f"{at:%b} {at.day}, {at.year} {at.hour % 12 or 12}{at:%M:%S %p}"
    return value


class Trail:
    """Notes calls, and tells of each after a while."""

    def __init__(self, delay: tuple[float, float], rate: int = _RATE) -> None:
        self._delay, self._rate = delay, rate
        self._lock = threading.Lock()
        self._calls: list[tuple[float, Call]] = []
        self._asked: list[float] = []

    def note(self, call: Call) -> None:
        late = random.uniform(*self._delay)  # noqa: S311
        with self._lock:
            self._calls.append((call.at + late, call))

    def truth(self) -> list[dict[str, Any]]:
        """Tell all that was called, delivered or not, recorded or not."""
        with self._lock:
            return [call.truth() for _, call in self._calls]

    def lookup(self, asked: dict[str, Any], now: float) -> dict[str, Any]:
        """Answer LookupEvents; raises AwsError."""
        with self._lock:
            self._asked = [at for at in self._asked if now - at < 1]
            if len(self._asked) >= self._rate:
                raise AwsError("ThrottlingException", "Rate exceeded")
            self._asked.append(now)
            there = [call for due, call in self._calls if due <= now and call.recorded]
        return _page([call.envelope() for call in there], asked)


def _page(there: list[dict[str, Any]], asked: dict[str, Any]) -> dict[str, Any]:
    """Give a page of what fits, newest first: one attribute, times inclusive."""
    begin, end = asked.get("StartTime", 0), asked.get("EndTime", float("inf"))
    most, wanted = asked.get("MaxResults", _MOST), asked.get("LookupAttributes", [])
    if not 1 <= most <= _MOST or len(wanted) > 1:
        raise AwsError("InvalidMaxResultsException", f"{most} of {wanted}")
    fitting = [
        event
        for event in there
        if begin <= event["EventTime"] <= end
        and all(event[w["AttributeKey"]] == w["AttributeValue"] for w in wanted)
    ]
    fitting.sort(key=_place, reverse=True)
    # A token goes on after an event, and is good for the same request only.
    same = {key: asked[key] for key in sorted(asked) if key != "NextToken"}
    token = json.loads(asked.get("NextToken", "null"))
    if token:
        if token["same"] != same:
            raise AwsError("InvalidNextTokenException", "Not of this request")
        fitting = [event for event in fitting if _place(event) < token["last"]]
    last = {"same": same, "last": _place(fitting[most - 1])} if fitting[most:] else None
    more = {"NextToken": json.dumps(last)} if last else {}
    return {"Events": fitting[:most], **more}


def _place(event: dict[str, Any]) -> list[Any]:
    return [event["EventTime"], event["EventId"]]
