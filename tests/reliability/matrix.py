"""Every operation, answered with every odd answer there is, by servers on loopback."""

import asyncio
import itertools
from collections.abc import Iterable, Iterator, Mapping
from contextlib import aclosing

from aiohttp import web
from msgspec import Struct

from sfnwatch.model.source_health import HealthState
from sfnwatch.sources.answers import AwsRequest, Failure, StalePageError
from sfnwatch.sources.aws_client import AwsClient
from tests.builders import REGION
from tests.sources.loopback import client_at, json_response, served
from tests.sources.simulation import Simulation, Watched
from tests.sources.test_aws_client import EVERY, STREAMS, least

STATUSES = (200, 400, 403, 429, 500, 503)
BODIES: Mapping[str, bytes] = {
    "{}": b"{}",
    "[]": b"[]",
    "null": b"null",
    "text": b'"words"',
    "number": b"7",
    "HTML": b"<html><body>Please log in to the airport's network</body></html>",
    "XML": b"<Error><Code><A/><B/></Code><Message><C/></Message></Error>",
    "plain": b"no upstream",
    "empty": b"",
    "no text": b"\xff\xfe\x00",
    "half an object": b'{"__type": "Acc',
    "__type a list": b'{"__type": ["AccessDeniedException"]}',
    "__type an object": b'{"__type": {"AccessDeniedException": 1}}',
    "__type null": b'{"__type": null}',
    "__type a number": b'{"__type": 7}',
    "__type empty": b'{"__type": ""}',
    "__type half a pair": b'{"__type": "\\ud800", "message": "\\ud800"}',
    "message a list": b'{"__type": "NewInAws", "message": ["a"]}',
    "nested deep": b"[" * 100_000,
}
CUT, CLOSED = "cut", "closed"
"""Half of what its length says; and nothing, though the request was read."""
ANSWERS = (*BODIES, CUT, CLOSED)
_LISTENED = {("logs", "StartLiveTail"): "responseStream"}
"""Operations whose answer goes on and on, and where it stands."""


class Cell(Struct, frozen=True):
    """One place of the matrix."""

    service: str
    operation: str
    status: int
    answer: str

    def __str__(self) -> str:
        return f"{self.service}:{self.operation}, {self.status}, {self.answer}"


def all_cells() -> Iterator[Cell]:
    """Give every place of the matrix."""
    for (service, operation), status in itertools.product(EVERY, STATUSES):
        for answer in ANSWERS:
            yield Cell(service, operation, status, answer)


def some_cells(step: int) -> list[Cell]:
    """Give every so many of them; each operation, status and answer is among those."""
    return list(itertools.islice(all_cells(), 0, None, step))


async def asked_wrongly(cells: Iterable[Cell]) -> list[str]:
    """Ask each; say what was neither an answer nor a failure in one line."""
    wrong = []
    now: Cell | None = None

    async def answer(request: web.Request) -> web.StreamResponse:
        await request.read()
        assert now is not None
        return await respond(request, now.status, now.answer)

    async with served(answer) as url, client_at(url) as aws:
        for now in cells:
            said = await _asked(aws, now)
            if said:
                wrong.append(f"{now}: {said}")
    return wrong


async def respond(request: web.Request, status: int, answer: str) -> web.StreamResponse:
    """Answer a request as a place of the matrix has it."""
    if answer in BODIES:
        return json_response(BODIES[answer], status)
    assert request.transport is not None
    if answer == CLOSED:
        request.transport.abort()
        return web.Response()
    response = web.StreamResponse(status=status)
    response.content_length = 100
    await response.prepare(request)
    await response.write(b'{"events": [')
    request.transport.close()
    return response


async def _asked(aws: AwsClient, cell: Cell) -> str:
    """Ask for it once; gives what is wrong with what came of that, if anything."""
    key = (cell.service, cell.operation)
    name = ":".join(key)
    request = AwsRequest(name, "it", REGION, dict, least(*key))
    try:
        if cell.status < 300 and key in _LISTENED:
            async with aclosing(aws.stream(request, _LISTENED[key])) as events:
                async for _ in events:
                    pass
        elif cell.status >= 300 or key not in STREAMS:
            await aws.call(request)
    except StalePageError:
        return "taken for a page's token that is too old"
    except Failure as failure:
        return _wrong_with(failure, cell)
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        return f"{type(error).__name__}: {error}"
    return "" if cell.status < 300 else "taken for an answer"


def _wrong_with(failure: Failure, cell: Cell) -> str:
    if failure.state is HealthState.REFUSED:
        return f"refused for good: {failure}"
    if not failure.message.startswith(f"{cell.operation} on it: "):
        return f"does not say what was tried: {failure}"
    said = failure.message.partition(" on it: ")[2]
    if len(said) < 3 or not failure.message.isprintable():
        return f"not said in one line: {failure!r}"
    return ""


# -- a whole watch ---------------------------------------------------------------------

_DESCRIBE, _HISTORY = "DescribeExecution", "GetExecutionHistory"
REQUIRED = (_DESCRIBE, _HISTORY)
AUXILIARY = {
    "DescribeStateMachineForExecution": "definition",
    "ListExecutions": "others",
}
"""What a watch can do without, and who asks for it: it ends in time whatever comes of
that."""
WATCHED = (*REQUIRED, *AUXILIARY, "LookupEvents")
_SCENARIO = "failure"
DRAIN = 30.0
LATEST = 2.0
"""Seconds by which what a watch can do without delays its end at most."""
SLOW, SILENT = "slow", "none"
_SLOW = 15.0
"""Virtual seconds until an answer comes."""
_SILENT = 20.0
"""Virtual seconds until nobody waits for an answer any more."""
_TRIES = 5
_OUTAGE = 300.0
"""Virtual seconds after which a history is there again: it is tried for ever, once AWS
has described the execution."""
_STUCK = 60.0
"""Real seconds; a watch takes less than one."""


def watched_cells() -> Iterator[Cell]:
    """Give every place of the matrix of what a watch asks."""
    answers = (*ANSWERS, SLOW, SILENT)
    for operation, status in itertools.product(WATCHED, STATUSES):
        service = "cloudtrail" if operation == "LookupEvents" else "states"
        for answer in answers:
            yield Cell(service, operation, status, answer)


class OddAccount(Simulation):
    """An account that answers one operation as a place of the matrix has it."""

    def __init__(self, cell: Cell | None) -> None:
        super().__init__([_SCENARIO])
        self._cell = cell

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        cell = self._cell
        operation = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
        is_over = self.seconds(self.clock.now()) > _OUTAGE
        is_back = cell is not None and cell.operation == _HISTORY and is_over
        if cell is None or operation != cell.operation or is_back:
            return await super()._answer(request)
        if cell.answer == SILENT:
            await self._wait(_SILENT)
            return await respond(request, cell.status, CLOSED)
        if cell.answer == SLOW:
            await self._wait(_SLOW)
            if cell.status < 300:
                return await super()._answer(request)
            return json_response({}, cell.status)
        await request.read()
        return await respond(request, cell.status, cell.answer)

    async def _wait(self, seconds: float) -> None:
        with self.clock.released():
            await self.clock.sleep(seconds)


async def watched_wrongly(cell: Cell, drain: float = DRAIN) -> str:
    """Watch with one operation answered oddly; gives what is wrong with the outcome."""
    account = OddAccount(cell)
    async with account.up():
        try:
            async with asyncio.timeout(_STUCK):
                watched = await account.watch(drain=drain, tries=_TRIES)
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            return f"{cell}: {type(error).__name__}: {error}"
        needed_until = max(map(watched.ended_at, ("history", "lookup")))
        late = (account.clock.now() - needed_until).total_seconds()
        words = _wrong_with_watch(watched, cell, late)
        return f"{cell}: {words}" if words else ""


def _wrong_with_watch(watched: Watched, cell: Cell, late: float) -> str:
    is_answered = cell.status < 300 and cell.answer == SLOW
    if cell.operation in REQUIRED:
        return "" if is_answered else _wrong_with_outage(watched, cell.operation)
    if watched.statuses != ["FAILED"]:
        return f"the execution is said to be {watched.statuses}"
    if watched.states("history")[-1] is not HealthState.ENDED:
        return f"its history is {watched.states('history')[-1]}"
    if cell.operation in AUXILIARY:
        if late > LATEST:
            return f"it ended {late:.1f} s after all that is needed"
        said = watched.messages(AUXILIARY[cell.operation])
        if not is_answered and not said:
            return "it is not said what is not known"
    return ""


def _wrong_with_outage(watched: Watched, operation: str) -> str:
    """Say what is otherwise than in an outage of what is needed."""
    states = watched.states("history")
    if HealthState.RETRYING not in states:
        return f"the history was {', '.join(states)}"
    if not watched.messages("history")[-1].startswith(operation):
        return f"it was said: {watched.messages('history')[-1]}"
    if operation == _HISTORY and watched.statuses != ["FAILED"]:
        return f"once it was back the execution was {watched.statuses}"
    if operation == _DESCRIBE and states[-1] is not HealthState.REFUSED:
        return f"it ended {states[-1]}"
    return ""
