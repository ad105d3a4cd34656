"""The simulated account in bad weather: what is asked of it, over HTTP, goes wrong."""

import asyncio
import json
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from aiobotocore.config import AioConfig
from aiohttp import TCPConnector, web
from aiohttp.client_exceptions import ClientConnectorDNSError
from botocore.retries.standard import ExponentialBackoff

from sfnwatch import clock
from sfnwatch.demo import api, lookup
from sfnwatch.demo import server as demo_server
from sfnwatch.demo.server import DemoServer
from sfnwatch.demo.times import http_date
from sfnwatch.demo.wire import AwsError, Reply, common_error, json_refusal, operation_of
from sfnwatch.sources import aws as aws_module
from sfnwatch.sources import drain as drain_module
from sfnwatch.sources.drive import Driver, Failure
from sfnwatch.sources.live import Live
from sfnwatch.sources.wanted import Following
from sfnwatch.trace.arns import parse_execution_arn
from sfnwatch.trace.events import SourceHealth
from sfnwatch.trace.values import replace
from tests.reliability.weather import SAID, Kind, Schedule, Spell
from tests.sources.simulation import EPOCH, Simulation

GARBAGE = (
    b"<html><body>Please log in to the airport's network</body></html>",
    b"",
    b"[]",
    b"null",
    b'"events"',
    b"{}",
    b'{"error": "no upstream"}',
    b'{"events": "x", "Events": "x"}',
    b'{"events": [1, null, "x"], "Events": [1, null, "x"]}',
    b'{"events": {"id": 1}, "Events": {"EventId": "x"}}',
    b'{"events": [{"id": "x", "type": [], "timestamp": {}}], "Events": [[]]}',
    b'{"events": [{"id": 1, "type": "TaskScheduled", "timestamp": "yesterday"}]}',
    b'{"events": [{"id": 1, "type": "TaskScheduled", "timestamp": 1e300}]}',
    b'{"events": [{"timestamp": 1}], "Events": [{"EventTime": 1e300}]}',
    b'{"Events": [{"EventId": "x", "EventTime": "yesterday"}]}',
    b'{"events": null, "Events": null, "nextToken": 7, "NextToken": {}}',
    b'{"events": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    b'{"events": [], "Events": [',
    b'{"events": [{"id": NaN}]}',
    b"\xff\xfe{\x00}\x00",
)
"""Bodies that come with status 200, and are no answer of AWS's."""
_HTML = b"<html><body>503 Service Temporarily Unavailable</body></html>"
_READ_TIMEOUT = 0.4
"""Real seconds; what stalls is noticed by the machine's own clock."""
_DRIP = 0.001
_DAY = 86400.0
_CHILDREN = 100
"""All of a Map Run's: which of many are read is by what is there when it is asked."""
_AFTER = 200.0
"""What is left of the drain when the last trouble is over."""


@dataclass
class Injected:
    """A fault that befell a request."""

    kind: Kind
    operation: str
    at: datetime


@dataclass
class Failed:
    """A step that failed as a source sees it, and by which fault."""

    lane: str
    kinds: tuple[Kind, ...]
    failure: Failure
    after: int
    """How many faults there had been."""


@dataclass
class Log:
    """What was done, and what came of it."""

    injected: list[Injected] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    shared: set[str] = field(default_factory=lambda: {"children"})
    """Lanes with several sources at once: any fault may have been any one's."""

    def since(self, lane: str) -> tuple[Kind, ...]:
        """Name the faults that befell a lane since it last failed, or the last one."""
        failed = (one.after for one in self.failed if one.lane == lane)
        begin = 0 if lane in self.shared else max(failed, default=0)
        mine = [
            (number, one.kind)
            for number, one in enumerate(self.injected, 1)
            if one.kind in SAID and one.operation in {"", *_OPERATIONS[lane]}
        ]
        fresh = [kind for number, kind in mine if number > begin]
        return tuple(fresh or [kind for _, kind in mine[-1:]])


_OF_AN_EXECUTION = (
    "DescribeExecution",
    "DescribeStateMachineForExecution",
    "GetExecutionHistory",
)
_OPERATIONS = {
    "lookup": ("LookupEvents",),
    "history": _OF_AN_EXECUTION,
    "children": (*_OF_AN_EXECUTION, "DescribeMapRun", "ListExecutions"),
}


class Storm(Simulation):
    """An account that a schedule makes trouble for."""

    least_drain = 901.0
    """What is older than a quarter of an hour is believed complete; nothing is cut
    short, since how quick the account seems is luck."""

    def __init__(self, schedule: Schedule, patch: pytest.MonkeyPatch) -> None:
        super().__init__(schedule.scenarios, patch)
        self.schedule = schedule
        self.began = EPOCH
        """From when the times of the schedule count."""
        self.log = Log()
        if len(schedule.scenarios) > 1:
            self.log.shared.add("history")
        self._asked: Counter[str] = Counter()
        self._repeated: set[str] = set()
        self.reached: list[tuple[datetime, str]] = []
        """When each request came, whatever became of it, and which."""
        self.chunked = "7" in schedule.seed
        """Whether a body that is cut has told its length, or comes in chunks."""
        self.there = {
            each.event_id
            for each in self.account.world.trail
            if each.event_time <= self.stopped_at
        }
        """The ids of all calls but the watcher's own, and others' after the end."""
        if schedule.latest:
            self._delay(schedule.latest)
        self._count_failures()
        if any(spell.kind is Kind.STALL for spell in schedule.spells):
            hasty = AioConfig(read_timeout=_READ_TIMEOUT)
            patch.setattr(aws_module, "_CONFIG", aws_module._CONFIG.merge(hasty))
        patch.setattr(drain_module, "_QUIET", timedelta(days=1))
        patch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0.0)
        patch.setattr(demo_server, "answer", self._answer)
        if any(spell.kind is Kind.DNS for spell in schedule.spells):
            patch.setattr(TCPConnector, "_resolve_host", self._resolved())
        # The size of a page is not the watcher's choice alone.
        same = lookup._request
        patch.setattr(
            lookup,
            "_request",
            lambda asked: same(_sized(asked)),
        )

    def _delay(self, latest: float) -> None:
        """Let every third record come late, some by as much as `latest`."""
        dice = Random(f"late {self.schedule.seed}")  # noqa: S311
        trail = tuple(
            replace(
                each,
                delivered_at=each.event_time
                + timedelta(seconds=dice.uniform(0, latest)),
            )
            if dice.random() < 0.3
            else each
            for each in self.account.world.trail
        )
        self.account.world = replace(self.account.world, trail=trail)

    # -- what the sources are told ---------------------------------------------------

    def _count_failures(self) -> None:
        log, usual = self.log, Driver._failed

        def failed(driver: Driver, failure: Failure) -> SourceHealth:
            lane = driver.health.lane
            known = log.since(lane), failure, len(log.injected)
            log.failed.append(Failed(lane, *known))
            return usual(driver, failure)

        self.patch.setattr(Driver, "_failed", failed)

    def live(self, *_: str, **__: Any) -> Live:
        """Watch by the program's own clock, which heeds what the answers say."""
        own = self._skewed_clock()
        stop = (self.stopped_at - self.began).total_seconds()
        ends = [spell.end for spell in self.schedule.spells if spell.end < _DAY]
        least = max((end - stop + _AFTER for end in ends), default=0.0)
        drain = max(self.least_drain + self.schedule.latest, least)
        return Live(
            [parse_execution_arn(arn) for arn in self.arns],
            self.settings(),
            own,
            drain=drain,
            heed=own.heed,
            following=Following(children=_CHILDREN),
            follow_redrive="redrive" in self.schedule.scenarios,
        )

    @property
    def arns(self) -> Collection[str]:
        """What is watched."""
        return self.account.executions.values()

    def _skewed_clock(self) -> clock.ServerClock:
        """Make a clock as the program's, on a machine whose time is off."""
        base, off = self.clock, timedelta(seconds=self.schedule.skew)

        async def sleep(_: object, seconds: float) -> None:
            await base.sleep(seconds)

        self.patch.setattr(clock.SystemClock, "now", lambda _: base.now() + off)
        self.patch.setattr(clock.SystemClock, "sleep", sleep)
        return clock.ServerClock()

    # -- whether a request is befallen -----------------------------------------------

    @property
    def seconds(self) -> float:
        return (self.clock.now() - self.began).total_seconds()

    def _spell(self, operation: str, kinds: set[Kind]) -> Spell | None:
        """Roll the dice for each spell that is on; the same for the same request."""
        self._asked[operation] += 1
        for number, spell in enumerate(self.schedule.spells):
            if spell.kind in kinds and spell.befalls(operation, self.seconds):
                roll = f"{self.schedule.seed}/{number}/{operation}"
                dice = Random(f"{roll}/{self._asked[operation]}")  # noqa: S311
                if dice.random() < spell.chance:
                    return spell
        return None

    def _inject(self, kind: Kind, operation: str) -> None:
        self.log.injected.append(Injected(kind, operation, self.clock.now()))

    def _dice(self, operation: str) -> Random:
        return Random(f"{self.schedule.seed}/{operation}/{self._asked[operation]}")  # noqa: S311

    # -- the transport ---------------------------------------------------------------

    async def start(self) -> None:
        port = int(self.endpoint_url.rpartition(":")[2] or 0)
        self.server = _Server(self, port)
        await self.server.__aenter__()
        self.endpoint_url = self.server.endpoint_url

    def _resolved(self) -> Any:
        """Fail to find hosts, as aiohttp says it where a name can't be resolved."""
        storm, usual = self, TCPConnector._resolve_host

        async def resolve(connector: Any, host: str, port: int, **more: Any) -> Any:
            if storm._spell("", {Kind.DNS}):
                storm._inject(Kind.DNS, "")
                error = OSError(-3, "Temporary failure in name resolution")
                key: Any = type("Key", (), {"host": host, "port": port, "ssl": True})
                raise ClientConnectorDNSError(key, error)
            return await usual(connector, host, port, **more)

        return resolve

    # -- answers -----------------------------------------------------------------------

    def _answer(self, account: Any, asked: Any) -> Reply:
        operation = operation_of(asked)
        shrunk = self._spell(operation, {Kind.SHRINK})
        spell = self._spell(operation, {*_REFUSED, *_PAGED})
        kind = spell.kind if spell else None
        if kind in _REFUSED:
            self._inject(kind, operation)
            service = api._service(operation)
            return self._refusal(kind, service, operation)
        body = json.loads(asked.body or b"{}")
        token = body.get("nextToken") or body.get("NextToken")
        size = "MaxResults" if operation == "LookupEvents" else "maxResults"
        if kind is Kind.STALE and token:
            self._inject(kind, operation)
            return json_refusal(api._service(operation), _stale(operation), "r")
        if shrunk and size in body:
            self._inject(Kind.SHRINK, operation)
            body[size] = self._size(operation)
            asked = replace(asked, body=json.dumps(body).encode())
        reply = super()._answer(account, asked)
        if kind in {Kind.REPEAT, Kind.DUPLICATE, Kind.SHUFFLE} and reply.status == 200:
            return self._changed(kind, operation, token, reply)
        return reply

    def _size(self, operation: str) -> int:
        """Say how many items a page may have that is to be short."""
        return self._dice(operation).choice((1, 4, 12))

    def _refusal(self, kind: Kind, service: str, operation: str) -> Reply:
        if kind is Kind.FAIL:
            status = self._dice(operation).choice([500, 503])
            if status == 503:
                return Reply(503, "text/html", _HTML, "")
            return json_refusal(service, common_error("InternalFailure", "", 500), "r")
        code, words = _REFUSED[kind]
        return json_refusal(service, common_error(code, words), "r")

    def _changed(
        self, kind: Kind, operation: str, token: str | None, reply: Reply
    ) -> Reply:
        answer = json.loads(reply.body)
        key = "Events" if operation == "LookupEvents" else "events"
        events = answer.get(key)
        if not events:
            return reply
        if kind is Kind.SHUFFLE and operation == "LookupEvents":
            self._dice(operation).shuffle(events)
        elif kind is Kind.DUPLICATE:
            answer[key] = [event for event in events for _ in range(2)]
        elif kind is Kind.REPEAT and token and token not in self._repeated:
            self._repeated.add(token)
            answer["NextToken" if key == "Events" else "nextToken"] = token
        else:
            return reply
        self._inject(kind, operation)
        return replace(reply, body=json.dumps(answer).encode())


_REFUSED = {
    Kind.THROTTLE: ("ThrottlingException", "Rate exceeded"),
    Kind.FAIL: ("", ""),
    Kind.EXPIRED: (
        "ExpiredTokenException",
        "The security token included in the request is expired",
    ),
    Kind.DENIED: (
        "AccessDeniedException",
        "User: arn:aws:iam::123456789012:user/demo is not authorized to perform it",
    ),
}
_PAGED = (Kind.STALE, Kind.REPEAT, Kind.DUPLICATE, Kind.SHUFFLE)
_BROKEN = {
    *(Kind.RESET, Kind.TRUNCATE, Kind.HALF_CLOSE, Kind.GARBAGE),
    *(Kind.DRIP, Kind.STALL),
}


def _stale(operation: str) -> AwsError:
    if operation == "LookupEvents":
        return AwsError("InvalidNextTokenException", "Invalid NextToken: too old")
    return AwsError("InvalidToken", "Invalid Token: 'Invalid token'")


def _sized(asked: Any) -> Any:
    import msgspec

    return msgspec.structs.replace(asked, max_results=1)


class _Server(DemoServer):
    """Serves the account, and breaks what it serves."""

    def __init__(self, storm: Storm, port: int) -> None:
        super().__init__(storm.account, port=port)
        self._storm = storm

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        storm = self._storm
        operation = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
        storm.reached.append((storm.clock.now(), operation))
        spell = storm._spell(operation, _BROKEN)
        if spell is None:
            response = await super()._answer(request)
            self._date(response)
            return response
        storm._inject(spell.kind, operation)
        if spell.kind is Kind.RESET:
            return demo_server._reset(request)
        if spell.kind is Kind.GARBAGE:
            body = storm._dice(operation).choice(GARBAGE)
            return web.Response(body=body, content_type="application/x-amz-json-1.0")
        whole = await super()._answer(request)
        assert isinstance(whole, web.Response)
        assert isinstance(whole.body, bytes)
        return await self._broken(spell.kind, request, whole, whole.body)

    def _date(self, response: web.StreamResponse) -> None:
        if any(spell.kind is Kind.DNS for spell in self._storm.schedule.spells):
            response.force_close()
        response.headers["Date"] = http_date(self._account.now())

    async def _broken(
        self, kind: Kind, request: web.Request, whole: web.Response, body: bytes
    ) -> web.StreamResponse:
        """Send a part of an answer, or the whole of it in crumbs."""
        response = web.StreamResponse(status=whole.status, headers=whole.headers)
        response.headers.popall("Content-Length", None)
        if kind is Kind.HALF_CLOSE:
            # As a proxy does that knows no length: the end is the end of the line.
            response.force_close()
            response._length_check = False
        elif kind is not Kind.TRUNCATE or self._storm.chunked:
            response.content_length = len(body)
        await response.prepare(request)
        if kind is Kind.DRIP:
            for at in range(0, len(body), 200):
                await response.write(body[at : at + 200])
                await _pause(_DRIP)
            return response
        await response.write(body[: len(body) // 2])
        if kind is Kind.STALL:
            await _pause(_READ_TIMEOUT * 2)
        if request.transport:
            request.transport.close()
        return response


async def _pause(seconds: float) -> None:
    """Wait by the machine's own clock: so does whoever reads."""
    await asyncio.sleep(seconds)  # noqa: TID251
