"""Runs schedules and holds what came of each against the watch without faults."""

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Container, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct, field

from sfnwatch.demo.account import Bucket
from sfnwatch.demo.http_server import CREDENTIALS
from sfnwatch.export.json import trace_json
from sfnwatch.model.records import HealthState, RecordKind
from sfnwatch.model.trace import Trace
from tests.model.answers import differences
from tests.reliability.storm import SAID, Fault, Schedule, Storm, drawn
from tests.sources.simulation import Watched

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
        for lane in ("history", "lookup", "children")
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
