"""Bad weather before moto's Step Functions: of what it has run, all is there.

Whoever watches comes when the executions are over. So a watch takes no time, and two of
them see the same.
"""

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from aiohttp import web
from msgspec.structs import replace

from sfnwatch.demo.formats import http_date
from tests.builders import REGION
from tests.moto.account import MotoAccount, serving
from tests.moto.machines import STARTS
from tests.program.terminals import eventually
from tests.reliability.storm import Fault, Schedule, Storm
from tests.sources.clocks import EPOCH
from tests.sources.loopback import AskedOf

_RATE = 1_000_000
"""LookupEvents a second: the watch's own clock says how many it may ask."""
_HEADERS = ("Content-Type", "x-amzn-RequestId")
_SPELL = 30.0
"""Seconds that a spell may begin late: what moto runs is soon over."""


class Twin:
    """Executions that moto has run, and what is to be seen of them."""

    def __init__(self, url: str) -> None:
        self.url = url
        # All is over, so the same is said each time.
        self.ask = cache(self._ask)
        account = MotoAccount(url)
        self.arns = tuple(start(account) for start in STARTS)
        for arn in self.arns:
            account.finish(arn)
        told = [account.states.describe_execution(executionArn=a) for a in self.arns]
        self.ended: datetime = max(each["stopDate"] for each in told).astimezone(UTC)
        self.ids = set(account.made(*self.arns))
        pages = account.clients["cloudtrail"].get_paginator("lookup_events")

        def delivered() -> bool:
            events = [e for page in pages.paginate() for e in page["Events"]]
            return {each["EventId"] for each in events} >= self.ids

        eventually(delivered, "all records")
        account.close()

    def _ask(self, target: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Give what moto says: status, headers and body."""
        service = "cloudtrail" if target.endswith("LookupEvents") else "states"
        credential = f"A/20231115/{REGION}/{service}/aws4_request"
        headers = {
            "X-Amz-Target": target,
            "Content-Type": "application/x-amz-json-1.0",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={credential}",
        }
        try:
            answer = urlopen(Request(self.url, body, headers))  # noqa: S310
        except HTTPError as error:
            answer = error
        with answer:
            kept = {name: answer.headers[name] for name in _HEADERS}
            return answer.status, kept, answer.read()

    def __call__(self, schedule: Schedule, patch: pytest.MonkeyPatch) -> Storm:
        return TwinStorm(self, schedule, patch)


class TwinStorm(Storm):
    """Has moto answer; the watch begins once all is over."""

    least_drain = 1000.0
    """Longer than what has come within a quarter of an hour is believed complete."""

    def __init__(
        self, twin: Twin, schedule: Schedule, patch: pytest.MonkeyPatch
    ) -> None:
        self._twin = twin
        super().__init__(schedule, patch)
        self.own_ids = twin.ids
        self.clock.advance((twin.ended - EPOCH).total_seconds() + 1)

    @property
    def arns(self) -> Collection[str]:
        return self._twin.arns

    @property
    def stopped_at(self) -> datetime:
        return self._twin.ended

    def seconds(self, at: datetime) -> float:
        return (at - self._twin.ended).total_seconds()

    def _response(
        self, request: web.Request, asked: AskedOf, body: bytes
    ) -> web.Response:
        over = self.stopped_at.timestamp()
        if asked.operation == "LookupEvents":
            # What was asked since then, by the machine's own clock, was another watch.
            # The body, of which a storm may have asked for less.
            given = {"EndTime": over, **json.loads(body)}
            times = {key: min(given[key], over) for key in given if "Time" in key}
            body = json.dumps({**given, **times}).encode()
        status, headers, told = self._twin.ask(request.headers["X-Amz-Target"], body)
        dated = {**headers, "Date": http_date(self.account.now())}
        return web.Response(status=status, body=told, headers=dated)


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
