"""When what is waited for is enough."""

import asyncio

import pytest

from sfnwatch.clock import SystemClock
from sfnwatch.errors import Outcome
from sfnwatch.running import Play
from sfnwatch.sources.feed import Consumer
from sfnwatch.trace.events import Batch
from sfnwatch.waiting import Waited, wait
from tests.builders import ARN, health, sync_history

OTHER = f"{ARN}-other"
HISTORY = sync_history()


def play(*batches: Batch, hold: bool = False) -> Play:
    async def watch(consume: Consumer) -> None:
        for batch in batches:
            consume(batch)
            await SystemClock().sleep(0)
        if hold:
            await asyncio.Event().wait()

    return Play(watch, SystemClock(), "live", (ARN,))


def test_the_end_of_all_is_enough() -> None:
    waited = Waited([ARN])
    assert wait(play(tuple(HISTORY)), waited, None) == Outcome.SUCCEEDED
    assert not waited.late


def test_a_state_is_enough_when_each_has_entered_it_or_has_ended() -> None:
    waited = Waited([ARN, OTHER], "ECS RunTask")
    one, two = tuple(HISTORY[:3]), tuple(sync_history(OTHER)[:3])
    assert wait(play(one, two, hold=True), waited, None) == Outcome.SUCCEEDED
    waited = Waited([ARN, OTHER], "ECS RunTask")
    assert wait(play(one, hold=True), waited, 0.05) == Outcome.LATE
    waited = Waited([ARN], "Nowhere")
    assert wait(play(tuple(HISTORY), hold=True), waited, None) == Outcome.WITHOUT


def test_the_time_over_is_late(capsys: pytest.CaptureFixture[str]) -> None:
    waited = Waited([ARN])
    assert wait(play(tuple(HISTORY[:4]), hold=True), waited, 0.05) == Outcome.LATE
    assert waited.late
    assert "RUNNING" in capsys.readouterr().err


def test_the_time_over_before_anything_was_told_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert wait(play(hold=True), Waited([ARN]), 0.05) == Outcome.LATE
    told = capsys.readouterr().err
    assert told.startswith("sfnwatch: ")
    assert told.endswith(": AWS has told nothing of it within 0.05 s.\n")


def test_what_it_took_to_find_an_execution_is_a_part_of_the_time() -> None:
    waited = Waited([ARN])
    assert wait(play(hold=True), waited, 3600, spent=3600) == Outcome.LATE


def test_trouble_is_told_once_and_the_rest_is_quiet(
    capsys: pytest.CaptureFixture[str],
) -> None:
    denied = health("history", "denied", 1, message="No permission.")
    live = health("history", "live", 2)
    again = health("history", "denied", 3, message="No permission.")
    batches = [(denied,), (denied,), (live,), tuple(HISTORY)]
    assert wait(play(*batches), Waited([ARN]), None) == Outcome.SUCCEEDED
    assert capsys.readouterr().err == "sfnwatch: denied. No permission.\n"
    wait(play(*batches, (again,)), Waited([ARN]), None)
    assert capsys.readouterr().err.count("No permission.") == 2
