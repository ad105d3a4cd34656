"""The simulated account in bad weather: what is asked of it, over HTTP, goes wrong.

What shall go wrong, and when, is a schedule of faults, drawn from a seed.
"""

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random

import aiohttp
import pytest
from aiohttp import web
from botocore.retries.standard import ExponentialBackoff
from msgspec import Struct

from sfnwatch.clock import ServerClock, SystemClock
from sfnwatch.demo.formats import http_date
from sfnwatch.demo.http_server import DemoRequest, Reply, answer
from sfnwatch.model.integrations import parse_execution_arn
from sfnwatch.model.records import HealthState
from sfnwatch.sources.answers import Failure
from sfnwatch.sources.live import Live
from sfnwatch.sources.polling import PollingSource
from sfnwatch.sources.targets import ChildOptions, LiveOptions
from tests.sources.loopback import Refusal, asked_of
from tests.sources.simulation import WHOLE_DRAIN, Simulation, Watched

# -- what shall go wrong ---------------------------------------------------------------


class Fault(StrEnum):
    """A way in which AWS, or the way there, may let a watcher down."""

    THROTTLE = "throttled"
    FAIL = "500 or 503"
    RESET = "reset"
    TRUNCATE = "body truncated"
    HALF_CLOSE = "half-closed"
    GARBAGE = "wrong JSON"
    DRIP = "slow drip"
    STALL = "stalled"
    EXPIRED = "token expired"
    DENIED = "permission lost"
    STALE = "nextToken expired"
    SHRINK = "page shrunk"
    REPEAT = "page repeated"
    DUPLICATE = "records doubled"
    SHUFFLE = "records out of order"
    OUTAGE = "Region out"


_RETRYING = HealthState.RETRYING
SAID = {
    Fault.THROTTLE: HealthState.THROTTLED,
    Fault.FAIL: _RETRYING,
    Fault.RESET: _RETRYING,
    Fault.TRUNCATE: _RETRYING,
    Fault.HALF_CLOSE: _RETRYING,
    Fault.GARBAGE: _RETRYING,
    Fault.STALL: _RETRYING,
    Fault.EXPIRED: HealthState.EXPIRED,
    Fault.DENIED: HealthState.DENIED,
    Fault.OUTAGE: _RETRYING,
}
"""What a lane is to say of itself; what is not here must not be noticed at all."""
OPERATIONS = ("DescribeExecution", "GetExecutionHistory", "LookupEvents")
OUTAGE = 600.0
"""Seconds that a Region is out."""
LATEST = 5400.0
"""Seconds that a record may be late."""
FOR_GOOD = 1e9
_SKEW = 600.0
_SCENARIOS = ("sync", "sync-denied", "async", "sdk", "failure", "pipeline", "redrive")
_SHORT = {"async", "sdk", "redrive"}
"""Those that are over before a permission may be back."""


class Spell(Struct, frozen=True):
    """One kind of fault, for a while; times count from the account's epoch."""

    fault: Fault
    start: float
    end: float
    chance: float = 1.0
    """Of each request."""
    operation: str = ""
    """The one it befalls; empty: any."""

    def befalls(self, operation: str, at: float) -> bool:
        return self.start <= at < self.end and self.operation in {"", operation}


class Schedule(Struct, frozen=True):
    """All that goes wrong with one watch."""

    seed: str
    scenarios: tuple[str, ...]
    spells: tuple[Spell, ...]
    skew: float = 0.0
    """Seconds that the watcher's own clock is off."""
    latest: float = 0.0
    """Seconds that some records are late; 0: as late as they are anyway."""

    def has(self, fault: Fault) -> bool:
        return any(spell.fault is fault for spell in self.spells)


def drawn(seed: int) -> Schedule:
    """Draw a schedule: one to five spells, now and then late records or a skew."""
    dice = Random(f"weather {seed}")  # noqa: S311 - a seed, not a secret
    scenarios: tuple[str, ...] = (dice.choice(_SCENARIOS),)
    if dice.random() < 0.1:
        scenarios = ("sync", "async", "sdk")
    elif dice.random() < 0.02:
        scenarios = ("distributed",)  # of forty executions, and as slow
    faults = [dice.choice(list(Fault)) for _ in range(dice.randint(1, 5))]
    spells = [s for fault in dict.fromkeys(faults) for s in _spells(fault, dice)]
    if set(scenarios) & _SHORT:
        # Once all is over, a permission that is missing is not waited for.
        spells = [each for each in spells if each.fault is not Fault.DENIED]
    return Schedule(
        seed=str(seed),
        scenarios=scenarios,
        spells=tuple(spells),
        skew=dice.choice([0.0, 0.0, _SKEW, -_SKEW]),
        latest=LATEST if dice.random() < 0.04 else 0.0,
    )


def _spells(fault: Fault, dice: Random) -> list[Spell]:
    """Draw one or two spells of a kind, at times at which they can do harm."""
    start = dice.choice([0.0, dice.uniform(0, 30), dice.uniform(0, 320)])
    operation = dice.choice(["", *OPERATIONS])
    match fault:
        case Fault.THROTTLE:
            return [Spell(fault, 0.0, FOR_GOOD, 0.3)]
        case Fault.OUTAGE:
            return [Spell(fault, start, start + OUTAGE)]
        case Fault.DENIED:
            start = dice.choice([0.0, dice.uniform(0, 20)])
            return [Spell(fault, start, start + dice.uniform(1, 40), 1.0, operation)]
        case Fault.EXPIRED:
            return [Spell(fault, start, start + dice.uniform(1, 200))]
        case Fault.SHRINK | Fault.DUPLICATE | Fault.SHUFFLE:
            chance = 1.0 if fault is Fault.SHRINK else dice.uniform(0.1, 0.6)
            return [Spell(fault, 0.0, FOR_GOOD, chance)]
        case Fault.REPEAT | Fault.STALE:
            # There are no later pages where all fits on one.
            small = Spell(Fault.SHRINK, 0.0, FOR_GOOD)
            return [small, Spell(fault, 0.0, FOR_GOOD, dice.uniform(0.1, 0.4))]
        case Fault.STALL | Fault.DRIP:
            return [Spell(fault, start, start + 60, 0.1, operation)]
        case _:
            length, chance = dice.uniform(1, 200), dice.uniform(0.2, 1.0)
            return [Spell(fault, start, start + length, chance, operation)]


def alone(fault: Fault) -> Schedule:
    """Make the schedule of one kind alone, as bad as it gets."""
    chance = {Fault.THROTTLE: 0.3, Fault.STALL: 0.1, Fault.DRIP: 0.2}.get(fault, 0.6)
    ends = {Fault.DENIED: 60.0, Fault.OUTAGE: 20 + OUTAGE, Fault.STALL: 60.0}
    is_whole = fault in {Fault.EXPIRED, Fault.DENIED, Fault.OUTAGE}
    start = 20.0 if is_whole else 0.0
    spell = Spell(fault, start, ends.get(fault, 250.0), 1.0 if is_whole else chance)
    small: tuple[Spell, ...] = ()
    if fault in {Fault.STALE, Fault.REPEAT, Fault.SHRINK}:
        small = (Spell(Fault.SHRINK, 0.0, FOR_GOOD),)
        spell = Spell(fault, 0.0, FOR_GOOD, chance)
    return Schedule(f"{fault} alone", ("sync",), (*small, spell))


# -- how it does -----------------------------------------------------------------------

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
    b'{"events": [], "Events": [',
    b"\xff\xfe{\x00}\x00",
)
"""Bodies that come with status 200, and are no answer of AWS's."""
_HTML = "<html><body>503 Service Temporarily Unavailable</body></html>"
_READ_TIMEOUT = 0.4
"""Real seconds; what stalls is noticed by the machine's own clock."""
_DRIP = 0.001
_DAY = 86400.0
_CHILDREN = 100
"""All of a Map Run's: which of many are read is by what is there when it is asked."""
_AFTER = 200.0
"""What is left of the drain when the last trouble is over."""
_DENIED = "User: arn:aws:iam::123456789012:user/demo is not authorized to perform it"
_REFUSED = {
    Fault.THROTTLE: ("ThrottlingException", "Rate exceeded"),
    Fault.EXPIRED: ("ExpiredTokenException", "The security token has expired"),
    Fault.DENIED: ("AccessDeniedException", _DENIED),
    Fault.FAIL: ("InternalFailure", ""),
}
_PAGED = {Fault.STALE, Fault.REPEAT, Fault.DUPLICATE, Fault.SHUFFLE}
_BROKEN = {
    *(Fault.RESET, Fault.TRUNCATE, Fault.HALF_CLOSE, Fault.GARBAGE),
    *(Fault.DRIP, Fault.STALL),
}


class FailedStep(Struct, frozen=True):
    """A request that failed, as a source sees it."""

    lane: str
    failure: Failure


class Storm(Simulation):
    """An account that a schedule makes trouble for."""

    least_drain = WHOLE_DRAIN

    def __init__(self, schedule: Schedule, patch: pytest.MonkeyPatch) -> None:
        super().__init__(schedule.scenarios)
        self.schedule, self._patch = schedule, patch
        self.injected: Counter[Fault] = Counter()
        self.failed: list[FailedStep] = []
        self.reached: list[tuple[datetime, str]] = []
        """When each request came, whatever became of it, and which."""
        self.own_ids: Collection[str] = {
            each.event_id
            for each in self.account.trail
            if each.event_time <= self.stopped_at
        }
        """The ids of all calls but the watcher's own, and others' after the end."""
        self._asked: Counter[str] = Counter()
        self._repeated: set[str] = set()
        self._garbage = itertools.cycle(GARBAGE)
        if schedule.latest:
            self._delay(schedule.latest)
        patch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0.0)
        if schedule.has(Fault.STALL):
            usual = aiohttp.ClientTimeout
            hasty = {"sock_read": _READ_TIMEOUT}
            patch.setattr(aiohttp, "ClientTimeout", lambda **o: usual(**o | hasty))
        self._note_failures()

    @property
    def arns(self) -> Collection[str]:
        """What is watched."""
        return self.account.executions.values()

    def _delay(self, latest: float) -> None:
        """Let every third record come late, some by as much as `latest`."""
        dice = Random(f"late {self.schedule.seed}")  # noqa: S311 - a seed
        for each in self.account.trail:
            if dice.random() < 0.3:
                late = timedelta(seconds=dice.uniform(0, latest))
                each.delivered_at = each.event_time + late

    def _note_failures(self) -> None:
        failed, usual = self.failed, PollingSource.wait_out

        async def wait_out(source: PollingSource, failure: Failure) -> None:
            failed.append(FailedStep(source.health.lane, failure))
            await usual(source, failure)

        self._patch.setattr(PollingSource, "wait_out", wait_out)

    async def watch_through(self) -> Watched:
        """Watch by the program's own clock, which heeds what the answers say."""
        clock, watched = self._skewed_clock(), Watched()
        ends = [spell.end for spell in self.schedule.spells if spell.end < _DAY]
        stop = self.seconds(self.stopped_at)
        least = max((end - stop + _AFTER for end in ends), default=0.0)
        options = LiveOptions(
            children=ChildOptions(children=_CHILDREN),
            drain=max(self.least_drain + self.schedule.latest, least),
            tries=None,
            follow_redrive="redrive" in self.schedule.scenarios,
        )
        named, settings = map(parse_execution_arn, self.arns), self.settings()
        heed, client = clock.heed, self.client
        live = Live([*named], settings, clock, options, heed=heed, client=client)
        async with asyncio.TaskGroup() as group:
            outages = [
                group.create_task(self._be_out(spell))
                for spell in self.schedule.spells
                if spell.fault is Fault.OUTAGE
            ]
            await live.watch(watched)
            for outage in outages:
                outage.cancel()
        return watched

    def _skewed_clock(self) -> ServerClock:
        """Make a clock as the program's, on a machine whose time is off."""
        base, off = self.clock, timedelta(seconds=self.schedule.skew)

        async def sleep(_: object, seconds: float) -> None:
            await base.sleep(seconds)

        self._patch.setattr(SystemClock, "now", lambda _: base.now() + off)
        self._patch.setattr(SystemClock, "sleep", sleep)
        return ServerClock()

    async def _be_out(self, spell: Spell) -> None:
        """Have nobody answer for a while, at all."""
        await self.clock.sleep(spell.start)
        self.injected[Fault.OUTAGE] += 1
        # To stop takes the machine's time; the account's is not to fly meanwhile, or it
        # were out for longer than anybody waits.
        with self.clock.held():
            await self.stop_serving()
        await self.clock.sleep(spell.end - spell.start)
        with self.clock.held():
            await self.serve()

    # -- whether a request is befallen -----------------------------------------------

    def _fault(self, operation: str, faults: set[Fault]) -> Fault | None:
        """Roll the dice for each spell that is on; the same for the same request."""
        self._asked[operation] += 1
        seconds = self.seconds(self.clock.now())
        for number, spell in enumerate(self.schedule.spells):
            is_on = spell.fault in faults and spell.befalls(operation, seconds)
            roll = self._dice(f"{number}/{operation}").random() if is_on else 1.0
            if roll < spell.chance:
                return spell.fault
        return None

    def _dice(self, what: str) -> Random:
        count = self._asked[what.rpartition("/")[2]]
        return Random(f"{self.schedule.seed}/{what}/{count}")  # noqa: S311 - a seed

    # -- what is answered ------------------------------------------------------------

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        operation = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
        self.reached.append((self.clock.now(), operation))
        fault = self._fault(operation, _BROKEN)
        if fault is None:
            return self._whole(request, await request.read())
        self.injected[fault] += 1
        if fault is Fault.GARBAGE:
            body = next(self._garbage)
            return web.Response(body=body, content_type="application/x-amz-json-1.0")
        whole = self._whole(request, await request.read())
        assert isinstance(whole.body, bytes)
        assert request.transport
        if fault is Fault.RESET:
            request.transport.abort()
            return whole
        if fault is Fault.HALF_CLOSE:
            # As a proxy does that knows no length: the end is the end of the line.
            head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
            request.transport.write(head + whole.body[: len(whole.body) // 2])
            request.transport.close()
            return whole
        return await _broken(fault, request, whole, self.injected[fault])

    def _whole(self, request: web.Request, body: bytes) -> web.Response:
        """Refuse, answer less than was asked for, or answer otherwise."""
        asked = asked_of(request, body)
        operation, parameters = asked.operation, dict(asked.parameters)
        fault = self._fault(operation, {*_REFUSED, *_PAGED})
        token = parameters.get("nextToken") or parameters.get("NextToken")
        if fault and (fault in _REFUSED or (fault is Fault.STALE and token)):
            return self._refused(fault, operation)
        key = "MaxResults" if operation == "LookupEvents" else "maxResults"
        if key in parameters and self._fault(operation, {Fault.SHRINK}):
            self.injected[Fault.SHRINK] += 1
            # A token is good for the same request alone, and so for the same size.
            dice = Random(self.schedule.seed)  # noqa: S311 - a seed
            parameters[key] = dice.randint(4, 12)
            body = json.dumps(parameters).encode()
        given = self.usual(request.headers, body)
        told = given.body
        if fault and fault in _PAGED and given.status == 200:
            told = self._changed(fault, operation, token, told)
        headers = {
            "Content-Type": given.content_type,
            "Date": http_date(self.account.now()),
            "x-amzn-RequestId": given.request_id,
        }
        return web.Response(status=given.status, body=told, headers=headers)

    def usual(self, headers: Mapping[str, str], body: bytes) -> Reply:
        """Give what the account says to a request."""
        return answer(self.account, DemoRequest(headers, body))

    def _refused(self, fault: Fault, operation: str) -> web.Response:
        self.injected[fault] += 1
        if fault is Fault.STALE:
            lookup = operation == "LookupEvents"
            code = "InvalidNextTokenException" if lookup else "InvalidToken"
            return Refusal(code, "Invalid Token: too old").response()
        if fault is Fault.FAIL and self._dice(operation).random() < 0.5:
            return web.Response(status=503, text=_HTML, content_type="text/html")
        code, words = _REFUSED[fault]
        status = 500 if fault is Fault.FAIL else 400
        return Refusal(code, words, status).response()

    def _changed(
        self, fault: Fault, operation: str, token: str | None, usual: bytes
    ) -> bytes:
        """Have a page's records double, out of order, or on the next page too."""
        told = json.loads(usual)
        lookup = operation == "LookupEvents"
        events = told.get("Events" if lookup else "events")
        if not events:
            return usual
        if fault is Fault.SHUFFLE and lookup:
            self._dice(operation).shuffle(events)
        elif fault is Fault.DUPLICATE:
            events[:] = [event for event in events for _ in range(2)]
        elif fault is Fault.REPEAT and token and token not in self._repeated:
            self._repeated.add(token)
            told["NextToken" if lookup else "nextToken"] = token
        else:
            return usual
        self.injected[fault] += 1
        return json.dumps(told).encode()


async def _broken(
    fault: Fault, request: web.Request, whole: web.Response, number: int
) -> web.StreamResponse:
    """Send a part of an answer, or the whole of it in crumbs."""
    body = whole.body
    assert isinstance(body, bytes)
    headers = {k: v for k, v in whole.headers.items() if k != "Content-Length"}
    response = web.StreamResponse(status=whole.status, headers=headers)
    # Whether a body that is cut has told its length, or comes in chunks.
    if fault is not Fault.TRUNCATE or number % 2:
        response.content_length = len(body)
    await response.prepare(request)
    if fault is Fault.DRIP:
        for at in range(0, len(body), 200):
            await response.write(body[at : at + 200])
            await _pause(_DRIP)
        return response
    await response.write(body[: len(body) // 2])
    if fault is Fault.STALL:
        await _pause(_READ_TIMEOUT * 2)
    if request.transport:
        request.transport.close()
    return response


async def _pause(seconds: float) -> None:
    """Wait by the machine's own clock: so does whoever reads."""
    await asyncio.sleep(seconds)  # noqa: TID251 - it is no wait of ours
