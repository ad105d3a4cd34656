"""CloudWatch Logs on loopback: log groups that fill as their clock goes on.

It knows as much of filter patterns as is asked for here, and says of anything else
that it is not valid, as the service does.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web
from msgspec import Struct, field

from sfnwatch.sources.aws_client import AwsClient
from tests.sources.clocks import SteppedClock
from tests.sources.loopback import (
    EVERYTHING,
    AskedOf,
    Refusal,
    asked_of,
    json_response,
    page_of,
    settings_at,
)
from tests.sources.simulation import held_by

_TERM = re.compile(r'\(?\$\.(?P<path>[\w.]+) = "(?P<value>[^"]*)"\)?')


def matches(pattern: str, message: str) -> bool:
    """Tell if a message matches a pattern; a `*` at the end matches any rest.

    What is not JSON matches no pattern of this kind.
    """
    assert len(pattern) <= 1024
    assert pattern[:2] + pattern[-2:] == "{  }", pattern
    terms = [_TERM.fullmatch(term) for term in pattern[2:-2].split(" || ")]
    assert all(terms), pattern
    try:
        record = json.loads(message)
    except ValueError:
        return False
    return any(_fits(_at(record, t["path"]), t["value"]) for t in terms if t)


def _at(record: Any, path: str) -> Any:
    for key in path.split("."):
        record = record.get(key) if isinstance(record, Mapping) else None
    return record


def _fits(found: Any, value: str) -> bool:
    if not isinstance(found, str):
        return False
    return found.startswith(value[:-1]) if value.endswith("*") else found == value


class LogLine(Struct, frozen=True):
    """A log event, and when it can be read."""

    event: Mapping[str, Any]
    since: datetime


class Logs(Struct):
    """A service with its log groups, by one clock."""

    clock: SteppedClock
    groups: dict[str, list[LogLine]] = field(default_factory=dict)
    """By name, or by ARN where they are another account's."""
    machine: Mapping[str, Any] | Refusal = field(default_factory=dict)
    """What DescribeStateMachine answers."""
    asked: list[tuple[AskedOf, datetime]] = field(default_factory=list)
    page: int = 10_000
    lax: bool = False
    """True for a service that knows no patterns."""
    fail: Callable[[AskedOf], None] = lambda _: None
    """Raises Refusal for what is to fail."""
    url: str = ""

    def client(self) -> AwsClient:
        """Give a client that may send everything, and holds the clock while it asks."""
        return held_by(self.clock)(settings_at(self.url), features=EVERYTHING)

    def put(self, group: str, message: Any, at: datetime, late: float = 0.5) -> None:
        """Have a line logged `at` a time, and delivered so many seconds later."""
        stamp = round(at.timestamp() * 1000)
        event = {
            "logStreamName": "states/0",
            "timestamp": stamp,
            "message": message if isinstance(message, str) else json.dumps(message),
            "ingestionTime": stamp + 900,
            "eventId": f"{sum(map(len, self.groups.values())):056d}",
        }
        line = LogLine(event, at + timedelta(seconds=late))
        self.groups.setdefault(group, []).append(line)

    def of(self, operation: str = "FilterLogEvents") -> list[Mapping[str, Any]]:
        """Give the parameters of what was asked."""
        return [a.parameters for a, _ in self.asked if a.operation == operation]

    async def take(self, request: web.Request) -> web.StreamResponse:
        asked = asked_of(request, await request.read())
        self.asked.append((asked, self.clock.now()))
        try:
            self.fail(asked)
            if asked.operation == "FilterLogEvents":
                return json_response(self._filter(asked.parameters))
            assert asked.operation == "DescribeStateMachine"
            if isinstance(self.machine, Refusal):
                raise self.machine
            return json_response(self.machine)
        except Refusal as refusal:
            return refusal.response()

    def _filter(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        known = {"startTime", "endTime", "filterPattern", "nextToken"}
        (which,) = asked.keys() - known
        name = asked[which]
        assert which == "logGroup" + ("Identifier" if ":" in name else "Name")
        if name not in self.groups:
            raise Refusal("ResourceNotFoundException", "The log group does not exist.")
        return page_of(self._found(name, asked), asked, "events", self.page)

    def _found(self, name: str, asked: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        until = asked.get("endTime", 1 << 60)
        found = [
            line.event
            for line in self.groups[name]
            if line.since <= self.clock.now()
            and asked["startTime"] <= line.event["timestamp"] <= until
            and (self.lax or matches(asked["filterPattern"], line.event["message"]))
        ]
        return sorted(found, key=lambda event: event["timestamp"])
