"""Botocore's parsers, and GarbledError for every answer that they can't parse.

Whoever answers in AWS's place, a proxy or a network's log-in page, may send anything,
with any status. Botocore assumes that an error's body is an object and its code a
string; otherwise its parsers raise arbitrary errors. Every client of a session parses
its answers here, those that fetch credentials too: callers handle one error.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
from aiobotocore.parsers import AioResponseParserFactory
from botocore import exceptions as boto
from botocore.eventstream import ParserError as StreamParserError

from sfnwatch.sources.answers import GarbledError

_FIRST_ERROR_STATUS = 300
"""The lowest HTTP status at which botocore parses an answer as an error."""
_PASSED_ON = (
    boto.BotoCoreError,
    boto.ClientError,
    aiohttp.ClientError,
    StreamParserError,
    OSError,
    GarbledError,
)
"""Errors of the network and of AWS. Parsing a stream reads it, so it raises them too.
"""


class CheckedParsers(AioResponseParserFactory):
    """Makes parsers that raise GarbledError for every answer they can't parse."""

    def create_parser(self, protocol_name: str) -> Any:
        return _CheckedParser(super().create_parser(protocol_name))


class _CheckedParser:
    """Parses with one of botocore's parsers, and checks the error in its result."""

    def __init__(self, parser: Any) -> None:
        self._parser = parser

    async def parse(self, response: dict[str, Any], shape: Any) -> dict[str, Any]:
        try:
            with _garbled_if_it_fails():
                parsed: Any = await self._parser.parse(response, shape)
        except Exception:
            _close(response["body"])
            raise
        status = response["status_code"]
        if not isinstance(parsed, dict):
            raise GarbledError(f"status {status} with a body that is no object")
        is_of_error = shape is not None and shape.metadata.get("exception", False)
        if status >= _FIRST_ERROR_STATUS and not is_of_error:
            parsed["Error"] = _checked_error(parsed.get("Error"), status)
        return parsed


def _close(body: Any) -> None:
    """Close the connection that a stream is read from; other bodies are bytes."""
    if isinstance(body, aiohttp.ClientResponse):
        body.close()


def _checked_error(error: Any, status: int) -> dict[str, Any]:
    """Return an error with a code: the status if AWS named no code."""
    if error is None or error == "":
        error = {}
    if not isinstance(error, dict):
        raise GarbledError(f"status {status} with an error that is no object")
    code = error.get("Code") or str(status)
    if not isinstance(code, str):
        raise GarbledError(f"status {status} with a code that is no string")
    return {**error, "Code": code}


async def parsed_events(stream: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """Yield a stream's events; raises GarbledError for one that can't be parsed."""
    events = aiter(stream)
    while True:
        with _garbled_if_it_fails():
            try:
                event = await anext(events)
            except StopAsyncIteration:
                return
        yield event


@contextmanager
def _garbled_if_it_fails() -> Iterator[None]:
    """Raise GarbledError for any error of a parser except those in _PASSED_ON."""
    try:
        yield
    except _PASSED_ON:
        raise
    except Exception as error:
        raise GarbledError(f"{type(error).__name__}: {error}") from error
