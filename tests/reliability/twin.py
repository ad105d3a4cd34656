"""Bad weather before moto's Step Functions: what it has run is told as if it ran now.

The executions are over, and all records are there; whoever watches sees of them what
there was by his own clock. So a watch takes no time, and two of them see the same.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from random import Random
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from msgspec.structs import replace

from sfnwatch.demo.http_server import Reply
from tests.builders import REGION
from tests.moto.account import Account, serving
from tests.moto.watching import STARTS
from tests.program.terminals import eventually
from tests.reliability.storm import Storm
from tests.reliability.weather import Fault, Schedule
from tests.sources.clocks import EPOCH

_RATE = 1_000_000
"""LookupEvents a second: the watch's own clock says how many it may ask."""
_LATE = (20.0, 400.0)
"""Seconds after which a record can be seen."""
_AT_ONCE = ("looked", "map", "breaks", "blind")
_ENDS = {"stopDate", "output", "outputDetails", "error", "cause"}
_SPELL = 30.0
"""Seconds that a spell may begin late: what moto runs is soon over."""


class Twin:
    """Executions that moto has run, and what is to be seen of them."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._replies: dict[tuple[str, bytes], Reply] = {}
        account = Account(url)
        self.arns = tuple(STARTS[name](account) for name in _AT_ONCE)
        for arn in self.arns:
            account.finish(arn)
        told = [account.states.describe_execution(executionArn=a) for a in self.arns]
        self.began: datetime = min(each["startDate"] for each in told).astimezone(UTC)
        self.ended: datetime = max(each["stopDate"] for each in told).astimezone(UTC)
        self.ids = set(account.made(*self.arns))
        pages = account.clients["cloudtrail"].get_paginator("lookup_events")

        def delivered() -> bool:
            events = [e for page in pages.paginate() for e in page["Events"]]
            return {each["EventId"] for each in events} >= self.ids

        eventually(delivered, "all records")
        account.close()

    def ask(self, target: str, body: bytes) -> Reply:
        """Give what moto says; all is over, so it says the same each time."""
        asked = target, body
        if asked not in self._replies:
            self._replies[asked] = self._handed_on(target, body)
        return self._replies[asked]

    def _handed_on(self, target: str, body: bytes) -> Reply:
        service = "cloudtrail" if target.endswith("LookupEvents") else "states"
        credential = f"A/20231115/{REGION}/{service}/aws4_request"
        headers = {
            "X-Amz-Target": target,
            "Content-Type": "application/x-amz-json-1.0",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={credential}",
        }
        try:
            with urlopen(Request(self.url, body, headers)) as answer:  # noqa: S310
                status, read, told = 200, answer.read(), answer.headers
        except HTTPError as error:
            status, read, told = error.code, error.read(), error.headers
        return Reply(status, told["Content-Type"], read, told["x-amzn-RequestId"])

    def __call__(self, schedule: Schedule, patch: pytest.MonkeyPatch) -> Storm:
        return TwinStorm(self, schedule, patch)


class TwinStorm(Storm):
    """Has moto answer, and hides what is not to be known yet."""

    least_drain = 1000.0
    """Longer than what has come within a quarter of an hour is believed complete."""

    def __init__(
        self, twin: Twin, schedule: Schedule, patch: pytest.MonkeyPatch
    ) -> None:
        self._twin = twin
        super().__init__(schedule, patch)
        self.own_ids = twin.ids
        self.clock.advance((twin.began - EPOCH).total_seconds())

    @property
    def arns(self) -> Collection[str]:
        return self._twin.arns

    @property
    def stopped_at(self) -> datetime:
        return self._twin.ended

    def seconds(self, at: datetime) -> float:
        return (at - self._twin.began).total_seconds()

    def usual(self, headers: Mapping[str, str], body: bytes) -> Reply:
        target = headers["X-Amz-Target"]
        reply = self._twin.ask(target, body)
        if reply.status != 200:
            return reply
        told = json.loads(reply.body)
        if "stopDate" in told and not self._is_past(told["stopDate"]):
            told = {key: told[key] for key in told.keys() - _ENDS}
            told["status"] = "RUNNING"
        elif target.endswith("GetExecutionHistory"):
            events = told["events"]
            told["events"] = [e for e in events if self._is_past(e["timestamp"])]
            if not json.loads(body).get("reverseOrder") and told["events"] != events:
                # What is not there yet is on no later page either.
                told.pop("nextToken", None)
        elif target.endswith("LookupEvents"):
            told["Events"] = list(self._delivered(told["Events"]))
        return replace(reply, body=json.dumps(told).encode())

    def _is_past(self, seconds: float) -> bool:
        return seconds <= self.clock.now().timestamp()

    def _delivered(self, events: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Give those that have come by now; each is as late every time.

        What asked for them before, by the machine's own clock, was another watch.
        """
        for event in events:
            dice = Random(event["EventId"])  # noqa: S311 - so that it is the same
            due = event["EventTime"] + dice.uniform(*_LATE)
            if self._is_past(due) and "sfnwatch/" not in event["CloudTrailEvent"]:
                yield event


def soon(schedule: Schedule) -> Schedule:
    """Make a drawn schedule one for executions that last some seconds.

    Once all is over, a permission that is missing is not waited for.
    """
    spells = []
    for spell in [s for s in schedule.spells if s.fault is not Fault.DENIED]:
        start = spell.start % _SPELL
        end = start + spell.end - spell.start
        spells.append(replace(spell, start=start, end=end))
    return replace(schedule, scenarios=("sync",), spells=tuple(spells), latest=0.0)


@contextmanager
def twin() -> Iterator[Twin]:
    """Run the executions, and serve them while this is open."""
    with serving(_RATE) as url:
        yield Twin(url)
