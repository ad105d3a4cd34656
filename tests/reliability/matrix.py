"""Every operation, answered with every odd answer there is, by servers on loopback."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from contextlib import aclosing

from aiohttp import web
from msgspec import Struct

from sfnwatch.model.records import HealthState
from sfnwatch.sources.answers import AwsRequest, Failure, StalePageError
from sfnwatch.sources.aws_client import AwsClient
from tests.builders import REGION
from tests.sources.loopback import client_at, json_response, served
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
