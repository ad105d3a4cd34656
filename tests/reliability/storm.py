"""The simulated account in bad weather: what is asked of it, over HTTP, goes wrong.

What shall go wrong, and when, is a schedule of faults, drawn from a seed. What comes of
it is held against the watch without faults.
"""

import asyncio
import itertools
import json
import os
from collections import Counter
from collections.abc import Callable, Collection, Container, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from botocore.retries.standard import ExponentialBackoff
from msgspec import Struct, field

from sfnwatch.clock import ServerClock, SystemClock
from sfnwatch.demo.account import Bucket
from sfnwatch.demo.http_server import CREDENTIALS
from sfnwatch.export.json.trace import trace_json
from sfnwatch.model.arns import parse_execution_arn
from sfnwatch.model.records import RecordKind
from sfnwatch.model.source_health import HealthState
from sfnwatch.model.trace import Trace
from sfnwatch.sources.answers import Failure
from sfnwatch.sources.live import Live
from sfnwatch.sources.live_options import ChildOptions, LiveOptions
from sfnwatch.sources.polling import PollingSource
from tests.model.answers import differences
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
        response = self._response(request, asked, body)
        if fault and fault in _PAGED and response.status == 200:
            assert isinstance(response.body, bytes)
            response.body = self._changed(fault, operation, token, response.body)
        return response

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


# -- what comes of a schedule, held against the watch without faults -----------------

_OTHERWISE = {"lag", "unseen"}
"""Findings about when records came, which is another time in every weather."""
_QUOTA = {
    "LookupEvents": (1.0, 2),
    "DescribeExecution": (10.0, 250),
    "DescribeMapRun": (1.0, 200),
    "GetExecutionHistory": (20.0, 400),
    "ListExecutions": (2.0, 100),
}
"""Requests a second, and at once: what sfnwatch allows itself of LookupEvents, and
what the account's buckets have for the others."""
_STUCK = 900.0
"""Real seconds; the longest schedule takes a minute, where nothing else runs."""
_WELL = {
    *(HealthState.CONNECTING, HealthState.LIVE, HealthState.DRAINING),
    *(HealthState.WAITING, HealthState.ENDED),
}


Make = Callable[[Schedule, pytest.MonkeyPatch], Storm]
"""Makes the account that is watched."""


class Outcome(Struct):
    """What came of a schedule."""

    schedule: Schedule
    expected: int = 0
    seen: int = 0
    doubled: int = 0
    injected: Counter[Fault] = field(default_factory=Counter)
    requests: int = 0
    wrong: list[str] = field(default_factory=list)


def weathered(schedule: Schedule, make: Make = Storm) -> Outcome:
    """Watch in a schedule's weather, and say all that is not as it should be."""
    outcome = Outcome(schedule)
    with pytest.MonkeyPatch.context() as patch:
        storm, watched, crash = asyncio.run(_watch(make(schedule, patch)))
    outcome.injected = storm.injected
    outcome.requests = len(storm.reached)
    if crash is not None:
        outcome.wrong.append(f"crashed: {crash!r}")
        return outcome
    wanted = faultless(schedule.scenarios, make)
    outcome.wrong += _compared(storm, watched, outcome, wanted)
    outcome.wrong += _healths(storm, watched)
    outcome.wrong += _requests(storm, watched)
    return outcome


def each_weathered(
    seeds: range, jobs: int, folder: str
) -> Iterator[tuple[int, Outcome]]:
    """Run drawn schedules, in processes each with a loop and ports of its own."""
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), shut_out_aws, (folder,))
    try:
        yield from zip(seeds, pool.map(_of_seed, seeds), strict=True)
    finally:
        pool.shutdown(cancel_futures=True)


def _of_seed(seed: int) -> Outcome:
    return weathered(drawn(seed))


def shut_out_aws(folder: str) -> None:
    """See to it that nothing of the developer's own is read."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ["AWS_CONFIG_FILE"] = str(Path(folder, "none"))
    os.environ["AWS_SHARED_CREDENTIALS_FILE"] = str(Path(folder, "none"))
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"


async def _watch(storm: Storm) -> tuple[Storm, Watched, BaseException | None]:
    async with storm.up():
        try:
            async with asyncio.timeout(_STUCK):
                return storm, await storm.watch_through(), None
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is reported
            return storm, Watched(), error


# -- what was seen ---------------------------------------------------------------------


class Seen(Struct, frozen=True):
    """What there is to be seen of some scenarios."""

    facts: dict[str, Any]
    ids: frozenset[str]


@cache
def faultless(scenarios: tuple[str, ...], make: Make = Storm) -> Seen:
    """Watch without faults."""
    with pytest.MonkeyPatch.context() as patch:
        calm = make(Schedule("calm", scenarios, ()), patch)
        storm, watched, crash = asyncio.run(_watch(calm))
    assert crash is None, crash
    ids = frozenset(_ids(watched, storm.own_ids))
    return Seen(facts(watched.trace, storm.own_ids), ids)


def facts(trace: Trace, there: Container[str]) -> dict[str, Any]:
    """Give the trace as JSON, by names, without when things were seen."""
    told = trace_json(trace.as_of())
    for holder in (told, *told["executions"]):
        holder["findings"] = [
            {"kind": each["kind"], "data": each["data"]}
            for each in holder["findings"]
            if each["kind"] not in _OTHERWISE
        ]
    return {
        "executions": {each["arn"]: each for each in told["executions"]},
        "findings": told["findings"],
        "map_runs": {each["arn"]: each for each in told["map_runs"]},
        "calls": {
            each["event_id"]: {**each, "seen_at": None}
            for each in told["calls"]
            if each["event_id"] in there
        },
    }


def _without(kind: str, told: dict[str, Any]) -> dict[str, Any]:
    """Leave one kind of findings out of what executions come to."""
    executions = {
        arn: {**each, "findings": [f for f in each["findings"] if f["kind"] != kind]}
        for arn, each in told["executions"].items()
    }
    return {**told, "executions": executions}


def _ids(watched: Watched, there: Container[str]) -> list[str]:
    """Name each event and call handed over, the watcher's own calls left out."""
    events = watched.of(RecordKind.HISTORY)
    calls = watched.told(RecordKind.LOOKUP, "EventId")
    named = [f"{each.execution_arn} {each.record['id']}" for each in events]
    return [*named, *(key for key in calls if key in there)]


def _compared(
    storm: Storm, watched: Watched, outcome: Outcome, wanted: Seen
) -> Iterator[str]:
    seen = Counter(_ids(watched, storm.own_ids))
    outcome.expected, outcome.seen = len(wanted.ids), len(wanted.ids & seen.keys())
    outcome.doubled = sum(count - 1 for count in seen.values())
    if missing := sorted(wanted.ids - seen.keys()):
        yield f"never seen: {missing[:3]} and so on, {len(missing)} in all"
    if more := sorted(seen.keys() - wanted.ids):
        yield f"seen, though not there: {more[:3]}"
    if outcome.doubled:
        yield f"{outcome.doubled} handed over more than once"
    if unread := watched.of(RecordKind.UNREAD):
        yield f"{len(unread)} records that could not be read"
    told, calm = facts(watched.trace, storm.own_ids), wanted.facts
    if watched.messages("others"):
        # It was said not to be known: no answer came while one was awaited.
        told, calm = (_without("other-executions", each) for each in (told, calm))
    yield from differences(told, calm)


# -- what was said ---------------------------------------------------------------------


def _healths(storm: Storm, watched: Watched) -> Iterator[str]:
    """Hold what the lanes said against what failed, and why."""
    for lane in ("history", "lookup"):
        states = watched.states(lane)
        if states[-1] is not HealthState.ENDED:
            yield f"{lane} ends {states[-1]}: {watched.messages(lane)[-1:]}"
    told = Counter(
        health.state
        for lane in ("history", "definition", "lookup", "children")
        for health in watched.healths(lane)
        if health.state not in _WELL
    )
    failed = Counter(step.failure.state for step in storm.failed)
    if told != failed:
        yield f"said {dict(told)}, and what failed was {dict(failed)}"
    expected = {SAID.get(fault) for fault in storm.injected}
    for step in storm.failed:
        if step.failure.state not in expected:
            yield f"{step.lane}, without a reason: {step.failure.state} {step.failure}"
        if not step.failure.message.startswith(
            ("LookupEvents", "Get", "Describe", "List")
        ):
            yield f"does not say what was tried: {step.failure}"
    if any(CREDENTIALS[1].encode() in each.data for each in watched.records):
        yield "a secret key is in the records"


# -- what was asked --------------------------------------------------------------------


def _requests(storm: Storm, watched: Watched) -> Iterator[str]:
    reached = Counter(operation for _, operation in storm.reached)
    if untold := reached - Counter(watched.told(RecordKind.REQUEST, "operation")):
        yield f"requests that are not told: {dict(untold)}"
    for operation, (rate, burst) in _QUOTA.items():
        # What rounding takes away is no request too many.
        bucket = Bucket(rate=rate, burst=burst + 1e-3)
        times = [at for at, asked in storm.reached if asked == operation]
        if excess := [at for at in times if not bucket.take(at)]:
            yield f"{operation}: more than {rate:g} a second at {excess[0]}"
