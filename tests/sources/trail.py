"""CloudTrail's Event history of a simulated account, as late and as full as wanted."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web
from msgspec import Struct
from msgspec.structs import replace

from tests.builders import REGION
from tests.sources.clocks import EPOCH
from tests.sources.loopback import AskedOf, Refusal, page_of
from tests.sources.simulation import Simulation

LOOKUP = "LookupEvents"
ECS = "ecs.amazonaws.com"
_PAGE = 50


class Delivery(Struct, frozen=True):
    """An Event of LookupEvents, and when it can be read."""

    event: Mapping[str, Any]
    at: datetime

    @property
    def name(self) -> str:
        return str(self.event.get("EventName"))


def lookup_event(
    key: str, seconds: float, name: str, source: str = ECS, **record: Any
) -> dict[str, Any]:
    """Write an Event, so many seconds after the epoch, by some person."""
    at = EPOCH + timedelta(seconds=seconds)
    inner = {
        "eventID": key,
        "eventTime": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "eventSource": source,
        "eventName": name,
        "awsRegion": REGION,
        "userIdentity": {"type": "IAMUser", "userName": "alice"},
        **record,
    }
    return {
        "EventId": key,
        "EventName": name,
        "EventTime": int(at.timestamp()),
        "EventSource": source,
        "CloudTrailEvent": json.dumps(inner),
    }


class Trail:
    """Answers LookupEvents: of the account, of others, and of our own calls."""

    def __init__(self, simulation: Simulation) -> None:
        self.clock = simulation.clock
        self.deliveries = [Delivery(*each) for each in simulation.deliveries()]
        self.own_lag = 40.0
        """Seconds after which our own calls can be read."""
        self.stale: list[str] = []
        """Tokens that are too old."""
        self._numbers = 0

    def crowd(self, count: int, *, within: float, lag: float = 20) -> None:
        """Have other people make ECS calls, evenly in the first seconds."""
        for number in range(count):
            seconds = within * number / count
            event = lookup_event(f"event-{number:04}", seconds, "ListTasks")
            at = EPOCH + timedelta(seconds=seconds + lag)
            self.deliveries.append(Delivery(event, at))

    def change(self, name: str, **changes: Any) -> None:
        """Change when the first call of a name can be read, or what it says."""
        place = next(n for n, each in enumerate(self.deliveries) if each.name == name)
        self.deliveries[place] = replace(self.deliveries[place], **changes)

    def answer(self, asked: AskedOf, _: Mapping[str, Any]) -> web.Response:
        request_id = self._note_own()
        found = sorted(self._found(asked.parameters), key=_newest_first)
        token = asked.parameters.get("NextToken")
        if token in self.stale:
            raise Refusal("InvalidNextTokenException")
        body = page_of(found, asked.parameters, "Events", _PAGE, "NextToken")
        headers = {"x-amzn-RequestId": request_id}
        return web.json_response(body, headers=headers)

    def _note_own(self) -> str:
        self._numbers += 1
        now = self.clock.now()
        seconds = (now - EPOCH).total_seconds()
        request_id = f"own-{self._numbers}"
        agent = {"userAgent": "x sfnwatch/1", "requestID": request_id}
        source = "cloudtrail.amazonaws.com"
        event = lookup_event(request_id, seconds, LOOKUP, source, **agent)
        at = now + timedelta(seconds=self.own_lag)
        self.deliveries.append(Delivery(event, at))
        return request_id

    def _found(self, asked: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        (attribute,) = asked["LookupAttributes"]
        key, value = attribute["AttributeKey"], attribute["AttributeValue"]
        since, until = asked["StartTime"] - 1, asked.get("EndTime", 1e12)
        if since > until:
            raise Refusal("InvalidTimeRangeException")
        return [
            each.event
            for each in self.deliveries
            if each.at <= self.clock.now()
            and each.event.get(key) == value
            and since <= _seconds(each.event) <= until
        ]


def _seconds(event: Mapping[str, Any]) -> float:
    return float(event["EventTime"])


def _newest_first(event: Mapping[str, Any]) -> tuple[float, str]:
    return -_seconds(event), str(event.get("EventId"))
