"""CloudWatch Logs on loopback: log groups that fill as their clock goes on.

It knows as much of filter patterns as is asked for here, and says of anything else
that it is not valid, as the service does.
"""

import json
import re
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

from aiohttp import web

from sfnwatch.demo.server import CREDENTIALS
from sfnwatch.sources.allowed import Feature
from sfnwatch.sources.aws import Aws, AwsSettings
from tests.builders import REGION
from tests.express import log_event
from tests.sources.loopback import served
from tests.sources.simulation import SteppedClock

_TERM = re.compile(r'\(?\$\.(?P<path>[\w.]+) = "(?P<value>[^"]*)"\)?')


def matches(pattern: str, message: str) -> bool:
    """Tell if a message matches a pattern; a `*` at the end matches any rest.

    What is not JSON matches no pattern of this kind.
    """
    assert len(pattern) <= 1024
    terms = [_TERM.fullmatch(term) for term in pattern[2:-2].split(" || ")]
    assert pattern[:2] + pattern[-2:] == "{  }", pattern
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


@dataclass(frozen=True)
class Put:
    """A log event, and when it can be read."""

    event: dict[str, Any]
    since: datetime


@dataclass(frozen=True)
class Asked:
    """What reached the service."""

    operation: str
    at: datetime
    parameters: dict[str, Any]
    region: str


class AwsError(Exception):
    """What the service says no with."""

    def __init__(self, code: str, message: str = "", status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


@dataclass
class Logs:
    """A service with its log groups, by one clock."""

    clock: SteppedClock
    groups: dict[str, list[Put]] = field(default_factory=dict)
    """By name, or by ARN where they are another account's."""
    machine: dict[str, Any] | AwsError = field(default_factory=dict)
    """What DescribeStateMachine answers."""
    requests: list[Asked] = field(default_factory=list)
    page: int = 10_000
    empty_pages: int = 0
    """How many pages are empty before any that is not."""
    fail: Callable[[Asked], None] = lambda _: None
    """Raises AwsError for what is to fail."""
    endpoint_url: str = ""
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def __aenter__(self) -> Self:
        self.endpoint_url = await self._stack.enter_async_context(served(self._answer))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def put(
        self,
        group: str,
        message: Any,
        at: datetime,
        *,
        late: float = 0.5,
        stream: str = "states/0",
    ) -> None:
        """Have a line logged `at` a time, and delivered so many seconds later."""
        lines = self.groups.setdefault(group, [])
        stamp = round(at.timestamp() * 1000)
        number = sum(map(len, self.groups.values()))
        event = log_event(message, number=number, at=stamp, stream=stream)
        lines.append(Put(event, at + timedelta(seconds=late)))

    def asked(self, operation: str = "FilterLogEvents") -> list[Asked]:
        return [each for each in self.requests if each.operation == operation]

    async def _answer(self, request: web.Request) -> web.Response:
        asked = Asked(
            request.headers["X-Amz-Target"].rpartition(".")[2],
            self.clock.now(),
            json.loads(await request.read()),
            request.headers["Authorization"].split("/")[2],
        )
        self.requests.append(asked)
        try:
            self.fail(asked)
            body: Any = self._operations()[asked.operation](asked.parameters)
            status = 200
        except AwsError as error:
            body = {"__type": error.code, "message": error.message}
            status = error.status
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "x-amzn-RequestId": f"{len(self.requests):08}",
        }
        return web.Response(body=json.dumps(body), status=status, headers=headers)

    def _operations(self) -> dict[str, Callable[[dict[str, Any]], Any]]:
        return {
            "FilterLogEvents": self._filter,
            "DescribeStateMachine": self._describe,
        }

    def _describe(self, parameters: dict[str, Any]) -> dict[str, Any]:
        if isinstance(self.machine, AwsError):
            raise self.machine
        assert parameters == {"stateMachineArn": self.machine["stateMachineArn"]}
        return self.machine

    def _filter(self, asked: dict[str, Any]) -> dict[str, Any]:
        known = {"startTime", "endTime", "filterPattern", "nextToken"}
        (which,) = asked.keys() - known
        name = asked[which]
        assert which == "logGroup" + ("Identifier" if ":" in name else "Name")
        if name not in self.groups:
            said = "The specified log group does not exist."
            raise AwsError("ResourceNotFoundException", said)
        found = self._found(name, asked)
        place = int(asked.get("nextToken", -self.empty_pages))
        events = found[place : place + self.page] if place >= 0 else []
        after = place + (len(events) if place >= 0 else 1)
        more = place < 0 or after < len(found)
        return {"events": events, "searchedLogStreams": []} | (
            {"nextToken": str(after)} if more else {}
        )

    def _found(self, name: str, asked: dict[str, Any]) -> list[dict[str, Any]]:
        until = asked.get("endTime", 1 << 60)
        found = [
            put.event
            for put in self.groups[name]
            if put.since <= self.clock.now()
            and asked["startTime"] <= put.event["timestamp"] <= until
            and matches(asked["filterPattern"], put.event["message"])
        ]
        return sorted(found, key=lambda event: event["timestamp"])

    def aws(self, *features: Feature) -> Aws:
        """Give a client that holds the clock while it asks."""
        clock = self.clock

        class Counted(Aws):
            async def call(self, *names: str, **kwargs: Any) -> Any:
                with clock.request():
                    return await super().call(*names, **kwargs)

        key, secret = CREDENTIALS
        settings = AwsSettings(
            REGION,
            endpoint_url=self.endpoint_url,
            access_key_id=key,
            secret_access_key=secret,
        )
        return Counted(settings, features=features)
