"""Finished executions and their histories: over HTTP, within the account's quotas."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from sfnwatch.errors import RefusedError, UsageError
from sfnwatch.model.arns import parse_execution_arn
from sfnwatch.model.execution_list import ListFilter
from sfnwatch.model.history_event import decode_event
from sfnwatch.sources.past_executions import PastExecutions, refuse_express
from sfnwatch.sources.permissions import Feature
from sfnwatch.sources.rate_limits import RATES
from tests.sources.loopback import AskedOf, Refusal
from tests.sources.simulation import REGION, Simulation
from tests.sources.test_discovery import HEAD, REPORT, answered, listed

HISTORY = "GetExecutionHistory"


@asynccontextmanager
async def reading(
    simulation: Simulation, only: ListFilter | None = None
) -> AsyncIterator[tuple[PastExecutions, list[str]]]:
    told: list[str] = []
    settings = simulation.settings()
    async with simulation.client(settings, features=[Feature.START]) as aws:
        only = only or ListFilter()
        yield PastExecutions(aws, simulation.clock, REGION, only, told.append), told


async def test_the_last_to_end_are_found_among_those_that_run(sync: Simulation) -> None:
    ended = [listed(f"e{n}", -9000 + n, -10 - n) for n in range(250)]
    running = [listed(f"r{n}", -7000 - n) for n in range(120)]
    answered(sync, *running, *ended)
    async with reading(sync) as (past, _):
        names = [each.name for each in await past.finished(REPORT, 50)]
        assert names == [f"e{n}" for n in range(50)]
        assert len(sync.asked("ListExecutions")) == 2, "no page more than it takes"
        every = await past.finished(REPORT, 1000)
        assert len(every) == 250


async def test_only_those_since_a_time_count(sync: Simulation) -> None:
    answered(sync, listed("new", -500, -400), listed("old", -9000, -450))
    only = ListFilter(since=timedelta(seconds=1000))
    async with reading(sync, only) as (past, _):
        assert [each.name for each in await past.finished(REPORT, 50)] == ["new"]


async def test_a_history_is_whole_and_has_no_payloads(sync: Simulation) -> None:
    (arn,) = sync.account.executions.values()
    sync.clock.advance(900)
    async with reading(sync) as (past, _):
        events = await past.history(arn)
    decoded = [decode_event(event)[0] for event in events]
    ids = [event.id for event in decoded]
    assert ids == list(range(1, len(ids) + 1))
    assert decoded[-1].type == "ExecutionSucceeded"
    assert not any(b'"output"' in event.data for event in events)
    assert all(event.at is None for event in events)
    (asked,) = sync.asked(HISTORY)
    assert asked.parameters["includeExecutionData"] is False


async def test_many_histories_keep_to_their_rate(sync: Simulation) -> None:
    (arn,) = sync.account.executions.values()
    async with reading(sync) as (past, _):
        for _ in range(60):
            await past.history(arn)
    rate, burst = RATES[f"states:{HISTORY}"]
    times = [each.at for each in sync.asked(HISTORY)][round(burst) :]
    assert len(times) == 20
    for before, after in pairwise(times):
        assert (after - before).total_seconds() >= 0.9 / rate


async def test_throttling_is_waited_out_and_told(sync: Simulation) -> None:
    (arn,) = sync.account.executions.values()
    refusals = iter(range(8))

    def throttled(_: AskedOf, usual: dict[str, Any]) -> Any:
        if next(refusals, None) is not None:
            raise Refusal("ThrottlingException", "Rate exceeded")
        return usual

    sync.changes[HISTORY] = throttled
    async with reading(sync) as (past, told):
        assert await past.history(arn)
    assert told
    assert "Rate exceeded" in told[0]


async def test_a_refusal_is_final(sync: Simulation) -> None:
    sync.faults.deny.add(HISTORY)
    (arn,) = sync.account.executions.values()
    async with reading(sync) as (past, _):
        with pytest.raises(RefusedError, match="GetExecutionHistory"):
            await past.history(arn)


async def test_a_history_that_is_gone_or_has_no_end_is_empty(sync: Simulation) -> None:
    (arn,) = sync.account.executions.values()
    sync.clock.advance(900)
    async with reading(sync) as (past, _):
        assert await past.history(f"{arn}-gone") == []
        # Events without an id are left out.
        sync.changes[HISTORY] = lambda _, usual: {
            "events": [{"type": "A"}, {"id": "x"}, *usual["events"]]
        }
        whole = await past.history(arn)
        assert decode_event(whole[0])[0].id == 1
        # A page of the same events again and again is no end.
        sync.alone.add(HISTORY)
        sync.changes[HISTORY] = lambda *_: {
            "events": [{"id": 1, "type": "A", "timestamp": 1.5}],
            "nextToken": "again",
        }
        assert await past.history(arn) == []


async def test_a_child_of_a_map_run_does_not_name_its_map_run(sync: Simulation) -> None:
    child = parse_execution_arn(f"{HEAD}:execution:m/Each:id")
    async with reading(sync) as (past, _):
        with pytest.raises(UsageError, match="is a child of a Map Run"):
            await past.machine_of(child)
        plain = parse_execution_arn(f"{HEAD}:execution:nightly-report:run")
        assert await past.machine_of(plain) == REPORT


def test_an_express_execution_is_refused_in_words() -> None:
    arn = f"{HEAD}:express:web:name:id"
    with pytest.raises(RefusedError, match="web is an Express state machine: AWS"):
        refuse_express(parse_execution_arn(arn))
