"""A page asked for ahead of its time."""

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from sfnwatch.clock import SystemClock
from sfnwatch.sources.ahead import Ahead
from sfnwatch.sources.history import History
from sfnwatch.sources.subject import Subject
from sfnwatch.trace.arns import parse_execution_arn
from sfnwatch.trace.events import From
from tests.builders import ARN, event


async def test_a_request_is_on_its_way_before_it_is_waited_for() -> None:
    sent: list[int] = []
    answer = asyncio.Event()

    async def request() -> dict[str, Any]:
        sent.append(1)
        await answer.wait()
        return {"events": sent}

    ahead = Ahead()
    assert await ahead.take() is None
    await ahead.begin(request())
    assert sent == [1]
    answer.set()
    assert await ahead.take() == {"events": [1]}
    assert await ahead.take() is None


async def test_what_fails_does_so_where_it_is_waited_for() -> None:
    async def request() -> dict[str, Any]:
        raise ZeroDivisionError

    ahead = Ahead()
    await ahead.begin(request())
    with pytest.raises(ZeroDivisionError):
        await ahead.take()
    assert await ahead.take() is None


async def test_what_nobody_waits_for_is_given_up() -> None:
    ended: list[str] = []

    async def request() -> dict[str, Any]:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("given up")
        return {}

    ahead = Ahead()
    await ahead.close()
    await ahead.begin(request())
    await ahead.close()
    assert ended == ["given up"]


class Pages:
    """A history of pages of one event, each asked for by the number before it."""

    def __init__(self) -> None:
        self.asked: list[str | None] = []

    async def call(self, operation: str, *_: Any, **asked: Any) -> dict[str, Any]:
        if operation != "states:GetExecutionHistory":
            return {"executionArn": ARN, "status": "RUNNING"}
        self.asked.append(asked.get("nextToken"))
        number = len(self.asked)
        if number > 2:
            await asyncio.Event().wait()
        page = event(number, "PassStateEntered", number - 1, name="A").data
        return {"events": [page], "nextToken": str(number)}


async def test_a_page_is_looked_at_while_the_next_is_on_its_way() -> None:
    pages = Pages()
    history = History(pages, Subject(parse_execution_arn(ARN)), SystemClock())
    seen: list[list[str | None]] = []
    async with aclosing(history.batches()) as batches:  # type: ignore[type-var]
        async for batch in batches:
            if any(received.source == From.HISTORY for received in batch):
                seen.append(list(pages.asked))
            if len(seen) == 2:
                break
    assert seen == [[None, "1"], [None, "1", "2"]]
    assert asyncio.all_tasks() == {asyncio.current_task()}
