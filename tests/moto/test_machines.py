"""Machines that are stopped, that fail, that are yet to start: watched live."""

import asyncio
import threading
from typing import Any

from sfnwatch.clock import SystemClock
from tests.builders import REGION
from tests.cli.programs import KEYS, Program
from tests.moto import machines as asl
from tests.moto.account import Account
from tests.moto.watching import watch
from tests.program.terminals import eventually
from tests.sources.simulation import Watched

FAIL = {"Type": "Fail", "Error": "Custom", "Cause": "for the test"}


def start(account: Account, name: str, **states: Any) -> str:
    return account.start(account.machine(name, states, f"role-{name}"))


async def test_an_execution_that_is_stopped_ends_the_watch(account: Account) -> None:
    arn, watched = start(account, "stop", Rest=asl.rest(60)), Watched()

    async def stop() -> None:
        clock = SystemClock()
        while 2 not in watched.event_ids():
            await clock.sleep(0.05)
        account.states.stop_execution(executionArn=arn, error="Enough", cause="test")

    async with asyncio.TaskGroup() as group:
        group.create_task(stop())
        group.create_task(watch(account, arn, watched=watched))
    assert watched.status == "ABORTED"
    (execution,) = watched.trace.as_of().executions.values()
    (visit,) = execution.visits
    assert (visit.name, visit.status) == ("Rest", "aborted")


def test_the_program_follows_a_machine_to_its_end(
    account: Account, program: Program
) -> None:
    arn = start(account, "fails", Rest=asl.rest(1, Next="End"), End=FAIL)
    ended = program("watch", arn, "--endpoint-url", account.url, "--plain", **KEYS)
    assert ended.code == 10
    for words in ("Rest", "entered", "Wait", "Custom", "for the test"):
        assert words in ended.out
    again = program("replay", str(ended.recording), "--plain")
    assert (again.code, again.out) == (ended.code, ended.out)


def test_the_program_waits_for_the_next_execution_of_a_machine(
    account: Account, program: Program
) -> None:
    before = start(account, "coming", Rest=asl.rest(1))
    account.finish(before)
    machine = before.replace(":execution:", ":stateMachine:").removesuffix(":run")

    def looks() -> int:
        return sum(call["name"] == "ListExecutions" for call in account.truth)

    def start_next() -> None:
        eventually(lambda: looks() > looked, "that it is looked for")
        account.start_alone(machine, "next")

    looked = looks()
    starting = threading.Thread(target=start_next)
    starting.start()
    where = ("--region", REGION, "--endpoint-url", account.url)
    ended = program("watch", "coming", "--next", *where, "--plain", **KEYS)
    starting.join()
    assert ended.code == 0
    assert "waiting for an execution of coming to start" in ended.err
    assert "started: coming › next" in ended.err
    assert "Rest" in ended.out
    assert ":coming:next" in ended.recording.read_text()
