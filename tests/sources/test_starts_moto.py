"""Finding executions of machines that moto runs: another's idea of the same API."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from sfnwatch.clock import SystemClock
from sfnwatch.errors import RefusedError
from sfnwatch.sources.allowed import Feature
from sfnwatch.sources.aws import Aws, AwsSettings
from sfnwatch.sources.starts import Starts
from sfnwatch.trace.listed import Listed
from tests.program.programs import KEYS
from tests.program.test_moto import (  # noqa: F401 - fixtures
    REGION,
    Machines,
    machines,
    moto,
)

REST = {"Rest": {"Type": "Wait", "Seconds": 30, "End": True}}
PASS = {"Pass": {"Type": "Pass", "End": True}}


@asynccontextmanager
async def asking(url: str) -> AsyncIterator[Starts]:
    settings = AwsSettings(
        REGION,
        endpoint_url=url,
        access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
        secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
    )
    async with Aws(settings, features=[Feature.START]) as aws:
        yield Starts(aws, SystemClock(), REGION)


def machine_of(execution_arn: str) -> str:
    return execution_arn.replace(":execution:", ":stateMachine:").rpartition(":")[0]


async def test_a_machine_and_its_newest_execution_are_found_by_name(
    machines: Machines,  # noqa: F811
) -> None:
    arn = machines.start("found-by-name", REST)
    async with asking(machines.url) as starts:
        machine = await starts.machine_named("found-by-name")
        found = await starts.latest(machine.arn)
        with pytest.raises(RefusedError, match="Did you mean found-by-name"):
            await starts.machine_named("found-by-nmae")
    assert (found.arn, found.status) == (arn, "RUNNING")
    machines.client.stop_execution(executionArn=arn)


async def test_all_that_runs_is_listed(machines: Machines) -> None:  # noqa: F811
    arns = {machines.start(f"listed-{number}", PASS) for number in range(3)}
    found: list[Listed] = []
    async with asking(machines.url) as starts:
        async for listing in starts.recent():
            found += listing.executions
            assert not listing.left_out
    assert arns <= {each.arn for each in found}
    assert all(each.started_at for each in found)


async def test_the_next_execution_is_taken_up_as_it_starts(
    machines: Machines,  # noqa: F811
) -> None:
    first = machines.start("next-one", PASS)
    # Moto's times have no more than seconds in some answers.
    await SystemClock().sleep(1.1)
    clock = SystemClock()

    def start() -> str:
        started = machines.client.start_execution(
            stateMachineArn=machine_of(first), name="second", input="{}"
        )
        return str(started["executionArn"])

    async def later() -> str:
        await clock.sleep(0.5)
        return await asyncio.to_thread(start)

    async with asking(machines.url) as starts, asyncio.TaskGroup() as group:
        waiting = group.create_task(starts.next_start(machine_of(first)))
        second = group.create_task(later())
    assert waiting.result().arn == second.result()
    assert waiting.result().arn != first
