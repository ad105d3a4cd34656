"""What CloudTrail makes of the calls that came in, and LookupEvents of that."""

import random
import string
import threading
from typing import Any
from uuid import uuid4

from msgspec import Struct, field

from tests.builders import ACCOUNT, START, api_call, denial, lookup
from tests.sources.loopback import page_of

BLIND = "blind"
"""The name of a role that may not poll."""
_PEOPLE = f"arn:aws:iam::{ACCOUNT}:role/people"
_MOST, _RATE = 50, 2
"""Events on a page at most, and requests a second; more are throttled [documented]."""


class AwsError(Exception):
    """A request that is answered with an error: its code and message."""


class Call(Struct, frozen=True):
    """A call as it came in over HTTP, and what it was answered."""

    at: float
    service: str
    name: str
    user_agent: str
    maker: dict[str, Any] | None
    """The task that made it: execution, role, state, attempt; None for people."""
    request: dict[str, Any]
    response: dict[str, Any] = field(default_factory=dict)
    status: int = 0
    request_id: str = ""
    event_id: str = field(default_factory=lambda: str(uuid4()))

    @property
    def role_name(self) -> str:
        return str(self.maker["role"]).rpartition("/")[2] if self.maker else ""

    @property
    def error(self) -> tuple[str, str] | None:
        if self.status < 300:
            return None
        code = str(self.response.get("__type", self.status)).rpartition("#")[2]
        return code, str(self.response.get("message"))

    def denial(self, resource: str) -> AwsError:
        """Deny it, in the words that a record of ECS has [recorded]."""
        who = self.record()["userIdentity"]["arn"]
        return AwsError(*denial(who, f"{self.service}:{self.name}", resource))

    def truth(self) -> dict[str, Any]:
        """Tell what a test compares with."""
        told = ("event_id", "request_id", "name", "maker")
        return {key: getattr(self, key) for key in told}

    def record(self) -> dict[str, Any]:
        """Write CloudTrail's record; a session has another name for each call."""
        dice = random.Random(self.event_id)  # noqa: S311 - an id, not a secret
        # What a denied one asked for is not told [recorded].
        is_read = self.name.startswith(("Describe", "Get", "List", "Lookup"))
        is_denied = self.error is not None and "AccessDenied" in self.error[0]
        return api_call(
            self.name,
            int(self.at) - START.timestamp(),
            key=self.event_id,
            source=f"{self.service}.amazonaws.com",
            request_id=self.request_id,
            parameters=None if is_denied else _hidden(self.request),
            response=None if self.error or is_read else self.response,
            error=self.error,
            role=self.maker["role"] if self.maker else _PEOPLE,
            session="".join(dice.choices(string.ascii_letters, k=32)),
            invoked_by="states.amazonaws.com" if self.maker else None,
            user_agent=None if self.maker else self.user_agent,
        )

    def event(self) -> dict[str, Any]:
        """Put the record as LookupEvents does, with its time as JSON has it."""
        return {**lookup(self.record()).record, "EventTime": int(self.at)}


def _hidden(request: dict[str, Any]) -> dict[str, Any]:
    hidden = dict.fromkeys(("input", "definition"), "HIDDEN_DUE_TO_SECURITY_REASONS")
    return {**request, **{key: hidden[key] for key in hidden if key in request}}


class Trail:
    """Notes calls, and tells of each after a while."""

    def __init__(self, delay: tuple[float, float], rate: int = _RATE) -> None:
        self._delay, self._rate = delay, rate
        self._lock = threading.Lock()
        self._calls: list[Call] = []
        self._events: list[tuple[float, dict[str, Any]]] = []
        """What LookupEvents tells, and from when on."""
        self._asked: list[float] = []

    def note(self, call: Call) -> None:
        late = random.uniform(*self._delay)  # noqa: S311 - a delay, not a secret
        event = call.event()
        with self._lock:
            self._calls.append(call)
            self._events.append((call.at + late, event))

    def truth(self) -> list[dict[str, Any]]:
        """Tell all that was called, delivered or not."""
        with self._lock:
            return [call.truth() for call in self._calls]

    def lookup(self, asked: dict[str, Any], now: float) -> dict[str, Any]:
        """Answer LookupEvents; raises AwsError."""
        with self._lock:
            self._asked = [at for at in self._asked if now - at < 1]
            if len(self._asked) >= self._rate:
                raise AwsError("ThrottlingException", "Rate exceeded")
            self._asked.append(now)
            there = [event for due, event in self._events if due <= now]
        return _page(there, asked)


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
    fitting.sort(key=lambda event: (event["EventTime"], event["EventId"]), reverse=True)
    return page_of(fitting, asked, "Events", most, "NextToken")
