"""Bad weather before moto's Step Functions: what it has run is told as if it ran now.

The executions are over, and all records are there; who watches sees of them what there
was by his own clock. So a watch takes no time, and two of them see the same.
"""

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from random import Random
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from sfnwatch.demo import api
from sfnwatch.demo.wire import Asked, Reply, operation_of
from sfnwatch.trace.values import replace
from tests.moto.account import REGION, Account, serving
from tests.moto.watching import STARTS
from tests.program.terminals import eventually
from tests.reliability.storm import Storm
from tests.reliability.weather import Kind, Schedule, Spell
from tests.sources.simulation import EPOCH

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
        account = Account(url)
        self.arns = tuple(STARTS[name](account) for name in _AT_ONCE)
        for arn in self.arns:
            account.finish(arn)
        told = [account.states.describe_execution(executionArn=a) for a in self.arns]
        self.began: datetime = min(each["startDate"] for each in told).astimezone(UTC)
        self.ended: datetime = max(each["stopDate"] for each in told).astimezone(UTC)
        self.there = set(account.made(*self.arns))
        eventually(lambda: self._delivered() >= self.there, "all records")
        account.close()

    def _delivered(self) -> set[str]:
        """Name what LookupEvents has to tell, of everybody's calls to ECS."""
        wanted = {"AttributeKey": "EventSource", "AttributeValue": "ecs.amazonaws.com"}
        asked: dict[str, Any] = {"LookupAttributes": [wanted]}
        found, token = set[str](), None
        while True:
            body = json.dumps({**asked, **({"NextToken": token} if token else {})})
            answer = json.loads(self.ask("LookupEvents", body.encode()).body)
            found |= {event["EventId"] for event in answer["Events"]}
            if not (token := answer.get("NextToken")):
                return found

    def ask(self, target: str, body: bytes) -> Reply:
        """Hand a request on, and give what moto says."""
        credential = f"A/20231115/{REGION}/{_service(target)}/aws4_request"
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
        request_id = told["x-amzn-RequestId"]
        return Reply(status, told["Content-Type"], read, request_id)

    def __call__(self, schedule: Schedule, patch: pytest.MonkeyPatch) -> Storm:
        return TwinStorm(self, schedule, patch)


def _service(target: str) -> str:
    return "cloudtrail" if target.endswith("LookupEvents") else "states"


class TwinStorm(Storm):
    """Has moto answer, and hides what is not to be known yet."""

    least_drain = 1000.0

    def __init__(
        self, twin: Twin, schedule: Schedule, patch: pytest.MonkeyPatch
    ) -> None:
        self._twin = twin
        super().__init__(schedule, patch)
        self.began, self.there = twin.began, twin.there
        self.clock.advance((twin.began - EPOCH).total_seconds())
        patch.setattr(api, "answer", lambda _, asked: self._by_moto(asked))

    @property
    def arns(self) -> Collection[str]:
        return self._twin.arns

    @property
    def stopped_at(self) -> datetime:
        return self._twin.ended

    def _size(self, _: str) -> int:
        # A token is good for the same request alone, and so for the same size.
        return Random(self.schedule.seed).randint(3, 9)  # noqa: S311

    def _by_moto(self, asked: Asked) -> Reply:
        reply = self._twin.ask(asked.headers["X-Amz-Target"], asked.body)
        if reply.status != 200:
            return reply
        answer = json.loads(reply.body)
        match operation_of(asked):
            case "DescribeExecution":
                answer = self._so_far(answer)
            case "GetExecutionHistory":
                answer["events"] = [
                    event
                    for event in answer["events"]
                    if self._is_past(event["timestamp"])
                ]
            case "LookupEvents":
                answer["Events"] = list(self._come(answer["Events"]))
        return replace(reply, body=json.dumps(answer).encode())

    def _is_past(self, seconds: float) -> bool:
        return seconds <= self.clock.now().timestamp()

    def _so_far(self, told: dict[str, Any]) -> dict[str, Any]:
        if self._is_past(told["stopDate"]):
            return told
        known = {key: told[key] for key in told.keys() - _ENDS}
        return {**known, "status": "RUNNING"}

    def _come(self, events: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
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

    All its pages are short if any is: a later page must be as large as the first.
    """
    spells = []
    for spell in schedule.spells:
        early = replace(spell, start=spell.start % _SPELL)
        length = min(spell.end - spell.start, 1e9)
        spells.append(replace(early, end=early.start + length))
    if any(spell.kind is Kind.SHRINK for spell in spells):
        others = [spell for spell in spells if spell.kind is not Kind.SHRINK]
        spells = [*others, Spell(Kind.SHRINK, 0.0, 1e9)]
    return replace(schedule, scenarios=("sync",), spells=tuple(spells), latest=0.0)


@contextmanager
def twin() -> Iterator[Twin]:
    """Run the executions, and serve them while this is open."""
    with serving(_RATE) as url:
        yield Twin(url)
