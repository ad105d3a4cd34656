"""Runs schedules and holds what came of each against the faultless watch."""

import asyncio
import re
from collections import Counter, deque
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import pytest

from sfnwatch.demo.wire import CREDENTIALS
from sfnwatch.export.json import trace_json
from sfnwatch.trace.events import HealthState
from sfnwatch.trace.timeline import Trace
from tests.reliability.storm import Storm
from tests.reliability.weather import SAID, Kind, Schedule, Spell
from tests.sources.simulation import Watched

_LATER = {"lag"}
"""Findings about when records came: another time in every weather."""
_UP_TO = re.compile(r",? up to \d\d:\d\d:\d\d[^.]*")
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
    HealthState.WAITING,
}


@dataclass
class Outcome:
    """What came of a schedule."""

    schedule: Schedule
    expected: int = 0
    seen: int = 0
    doubled: int = 0
    injected: Counter[Kind] = field(default_factory=Counter)
    requests: int = 0
    peak: int = 0
    """LookupEvents within a second, at most."""
    wrong: list[str] = field(default_factory=list)


Make = Callable[[Schedule, pytest.MonkeyPatch], Storm]
"""Makes the account that is watched."""


def weathered(schedule: Schedule, make: Make = Storm) -> Outcome:
    """Watch in a schedule's weather, and say all that is not as it should be."""
    outcome = Outcome(schedule)
    with pytest.MonkeyPatch.context() as patch:
        storm, watched, crash = asyncio.run(_watch(make(schedule, patch)))
    outcome.injected.update(one.kind for one in storm.log.injected)
    outcome.requests = len(storm.reached)
    if crash is not None:
        outcome.wrong.append(f"crashed: {crash!r}")
        return outcome
    wanted = faultless(schedule.scenarios, make)
    outcome.wrong += _compared(storm, watched, outcome, wanted)
    outcome.wrong += _health(storm, watched)
    outcome.wrong += _rates(storm, outcome)
    return outcome


async def _watch(storm: Storm) -> tuple[Storm, Watched, BaseException | None]:
    await storm.start()
    watched, crash = Watched(), None
    try:
        async with asyncio.TaskGroup() as group:
            outages = [
                group.create_task(_outage(storm, spell))
                for spell in _outages(storm.schedule)
            ]
            async with asyncio.timeout(_STUCK):
                watched = await group.create_task(storm.watch())
            for outage in outages:
                outage.cancel()
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is reported
        crash = error
    await storm.stop()
    return storm, watched, crash


def _outages(schedule: Schedule) -> Iterable[Spell]:
    return [spell for spell in schedule.spells if spell.kind is Kind.OUTAGE]


async def _outage(storm: Storm, spell: Spell) -> None:
    """Have nobody answer for a while, at all."""
    await storm.clock.sleep(spell.start)
    storm._inject(Kind.OUTAGE, "")
    # To stop takes the machine's time; the account's is not to fly meanwhile, or it
    # were out for longer than anybody waits.
    with storm.clock.request():
        await storm.stop()
    await storm.clock.sleep(spell.end - spell.start)
    await storm.start()


# -- what was seen -----------------------------------------------------------


_Seen = tuple[dict[str, Any], frozenset[str]]


@cache
def faultless(scenarios: tuple[str, ...], make: Make = Storm) -> _Seen:
    """Watch without faults: the trace, and the ids of all there is to be seen."""
    calm = Schedule("calm", scenarios, ())
    with pytest.MonkeyPatch.context() as patch:
        storm, watched, crash = asyncio.run(_watch(make(calm, patch)))
    assert crash is None, crash
    there = storm.there
    return essence(watched.trace, there), frozenset(_ids(watched, there))


def essence(trace: Trace, there: Container[str]) -> dict[str, Any]:
    """Give the trace as JSON, but for when things were seen, and our own calls."""
    told = trace_json(trace)
    told["calls"] = [
        {key: value for key, value in call.items() if key != "seen_at"}
        for call in told["calls"]
        if call["event_id"] in there
    ]
    # What is begun at once is found in any order.
    told["executions"].sort(key=lambda each: str(each["arn"]))
    for holder in (told, *told["executions"]):
        found = [one for one in holder["findings"] if one["kind"] not in _LATER]
        holder["findings"] = [_timeless(one) for one in found]
    return told


def _timeless(finding: dict[str, Any]) -> dict[str, Any]:
    """Leave out up to when the calls are believed complete: it is an estimate."""
    text = _UP_TO.sub("", finding["text"])
    certainty = "" if text != finding["text"] else finding["certainty"]
    return {**finding, "text": text, "certainty": certainty}


def _ids(watched: Watched, there: Container[str]) -> list[str]:
    """Name each event and call handed over, our own calls left out."""
    events = [
        f"{r.execution_arn} {r.data['id']}"
        for r in watched.records
        if r.source == "history"
    ]
    return [*events, *(key for key in watched.call_ids() if key in there)]


def _compared(
    storm: Storm, watched: Watched, outcome: Outcome, known: _Seen
) -> Iterator[str]:
    wanted, ids = known
    seen = Counter(_ids(watched, storm.there))
    outcome.expected, outcome.seen = len(ids), len(ids & seen.keys())
    outcome.doubled = sum(count - 1 for count in seen.values())
    if missing := sorted(ids - seen.keys()):
        yield f"never seen: {missing[:3]} and so on, {len(missing)} in all"
    if more := sorted(seen.keys() - ids):
        yield f"seen, though not there: {more[:3]}"
    if outcome.doubled:
        yield f"{outcome.doubled} handed over more than once"
    unread = [r for r in watched.records if r.source == "unread"]
    if unread:
        yield f"{len(unread)} records that could not be read"
    yield from _differences(wanted, essence(watched.trace, storm.there))


def _differences(wanted: Any, got: Any, place: str = "") -> Iterator[str]:
    if isinstance(wanted, dict) and isinstance(got, dict):
        for key in sorted({*wanted, *got}):
            yield from _differences(wanted.get(key), got.get(key), f"{place}.{key}")
    elif isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
        for number, (one, other) in enumerate(zip(wanted, got, strict=True)):
            yield from _differences(one, other, f"{place}[{number}]")
    elif wanted != got:
        yield f"trace{place}: {str(wanted)[:200]} became {str(got)[:200]}"


# -- what was said -----------------------------------------------------------


def _health(storm: Storm, watched: Watched) -> Iterator[str]:
    """Hold what the lanes said against what failed, and why."""
    for lane in ("history", "lookup"):
        states = watched.states(lane)
        if states[-1] is not HealthState.ENDED:
            yield f"{lane} ends {states[-1]}: {watched.messages(lane)[-1:]}"
    told = Counter(
        health.state
        for lane in ("history", "lookup", "children")
        for health in watched.healths(lane)
        if health.state not in {*_WELL, HealthState.ENDED}
    )
    failed = Counter(one.failure.state for one in storm.log.failed)
    if told != failed:
        yield f"said {dict(told)}, and what failed was {dict(failed)}"
    for one in storm.log.failed:
        if one.failure.state not in {SAID[kind] for kind in one.kinds}:
            what = f"{one.failure.state}: {one.failure}"
            yield f"{one.lane} after {', '.join(one.kinds)}: {what}"
        if not one.failure.message.startswith(
            ("LookupEvents", "Get", "Describe", "List")
        ):
            yield f"does not say what was tried: {one.failure}"
    secret = [r for r in watched.records if CREDENTIALS[1] in str(r.data)]
    if secret:
        yield "a secret key is in the records"


# -- what was asked -----------------------------------------------------------


def _rates(storm: Storm, outcome: Outcome) -> Iterator[str]:
    for operation, (rate, burst) in _QUOTA.items():
        times = [at for at, asked in storm.reached if asked == operation]
        if excess := _excess(times, rate, burst):
            yield f"{operation}: {excess}"
    lookups = [at for at, asked in storm.reached if asked == "LookupEvents"]
    outcome.peak = _peak(lookups)


def _excess(times: list[datetime], rate: float, burst: int) -> str:
    """Replay requests on a bucket; say when one would have found it empty."""
    left, before = float(burst), None
    for at in times:
        passed = (at - before).total_seconds() if before else 0.0
        left, before = min(float(burst), left + passed * rate), at
        left -= 1
        if left < -1e-3:
            return f"more than {rate:g} a second at {at}"
    return ""


def _peak(times: list[datetime]) -> int:
    window: deque[datetime] = deque()
    most = 0
    for at in times:
        window.append(at)
        while at - window[0] >= timedelta(seconds=1):
            window.popleft()
        most = max(most, len(window))
    return most
