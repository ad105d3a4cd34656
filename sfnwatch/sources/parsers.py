"""What botocore makes of an answer, or that it can make nothing of it.

Whoever answers in AWS's place, a proxy or a network's log-in page, may send anything,
with any status. Botocore's parsers take an error's body for an object and its code for
a text, and fail otherwise with whatever error that leads to. Every client of a session
has its answers parsed here, those that ask for credentials too: so one error stands for
all of these, and no caller has to know them.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
from aiobotocore.parsers import AioResponseParserFactory
from botocore import exceptions as boto
from botocore.eventstream import ParserError as StreamParserError

from sfnwatch.sources.answers import GarbledError

_FIRST_OTHER = 300
"""The first HTTP status with which botocore takes an answer for an error."""
_OF_THE_WAY = (
    boto.BotoCoreError,
    boto.ClientError,
    aiohttp.ClientError,
    StreamParserError,
    OSError,
    GarbledError,
)
"""Errors of the network, or that AWS sent: a stream is read while it is parsed."""


class CheckedParsers(AioResponseParserFactory):
    """Makes parsers that raise GarbledError for every answer they can't parse."""

    def create_parser(self, protocol_name: str) -> Any:
        return _CheckedParser(super().create_parser(protocol_name))


class _CheckedParser:
    """Parses by one of botocore's parsers, and checks what that makes of an error."""

    def __init__(self, parser: Any) -> None:
        self._parser = parser

    async def parse(self, response: dict[str, Any], shape: Any) -> dict[str, Any]:
        try:
            with _reading():
                parsed: Any = await self._parser.parse(response, shape)
        except Exception:
            _close(response["body"])
            raise
        status = response["status_code"]
        if not isinstance(parsed, dict):
            raise GarbledError(f"status {status} with a body that is no object")
        is_of_error = shape is not None and shape.metadata.get("exception", False)
        if status >= _FIRST_OTHER and not is_of_error:
            parsed["Error"] = _checked_error(parsed.get("Error"), status)
        return parsed


def _close(body: Any) -> None:
    """Let go of the connection that a stream is read from; other bodies are bytes."""
    if isinstance(body, aiohttp.ClientResponse):
        body.close()


def _checked_error(error: Any, status: int) -> dict[str, Any]:
    """Give an error with a code, which is the status where AWS named none."""
    if error is None or error == "":
        error = {}
    if not isinstance(error, dict):
        raise GarbledError(f"status {status} with an error that is no object")
    code = error.get("Code") or str(status)
    if not isinstance(code, str):
        raise GarbledError(f"status {status} with a code that is no text")
    return {**error, "Code": code}


async def parsed_events(stream: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """Yield a stream's events; raises GarbledError for one that can't be parsed."""
    events = aiter(stream)
    while True:
        with _reading():
            try:
                event = await anext(events)
            except StopAsyncIteration:
                return
        yield event


@contextmanager
def _reading() -> Iterator[None]:
    """Raise GarbledError for whatever parsing leads to."""
    try:
        yield
    except _OF_THE_WAY:
        raise
    except Exception as error:
        raise GarbledError(f"{type(error).__name__}: {error}") from error
