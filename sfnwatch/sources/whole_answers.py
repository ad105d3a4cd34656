"""Answers that are none are told apart from answers that say nothing.

Botocore reads whatever comes with status 200: a body that is no JSON becomes an
answer without members, and one of other types ends in an AttributeError. But a
network's log-in page, a proxy's own words and half of a body do come with 200, and
none of them may look as if AWS had nothing new to tell, or end a watch.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec
from botocore.parsers import ResponseParserError

from sfnwatch.sources.answers import Answers

_JSON = "json"
_FIRST_REDIRECT = 300
_WHOLE: Mapping[str, tuple[str, ...]] = {
    "DescribeExecution": ("executionArn", "status"),
    "DescribeStateMachineForExecution": ("stateMachineArn", "definition"),
    "DescribeMapRun": ("mapRunArn",),
    "GetExecutionHistory": ("events",),
    "ListExecutions": ("executions",),
    "ListMapRuns": ("mapRuns",),
    "ListStateMachines": ("stateMachines",),
    "LookupEvents": (),
}
"""Operations of whose answers it is known what is always there, and needed here. Models
require more than is sent: SQS leaves out what it has none of, and emulators of Step
Functions what nobody reads."""
_ITEMS: Mapping[str, Mapping[str, Any]] = {
    "GetExecutionHistory": {"id": int, "type": str, "timestamp": str | datetime}
}
"""What each item of an answer's list has; all else may be missing, or of any type. A
time is what a session's own reader of times makes of it."""
_TYPES: Mapping[str, Any] = {
    "integer": int,
    "list": list,
    "string": str,
    "structure": Mapping,
}
_ADDED = {"ResponseMetadata"}
"""What the parser itself puts in."""
_WRONG = (
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,  # a number that is no time on this machine
    RuntimeError,  # of a time that botocore can't read, and of too deep a nesting
    TypeError,
    ValueError,
)


class _Object(msgspec.Struct):
    """A JSON object of any members: they are skipped, which is quick."""


class StrictParsers(Answers):
    """Makes a session's parsers."""

    def create_parser(self, protocol_name: str) -> Any:
        parser = super().create_parser(protocol_name)
        return _Strict(parser, is_json=protocol_name == _JSON)


class _Strict:
    """A parser that raises ResponseParserError for what AWS did not write."""

    def __init__(self, parser: Any, *, is_json: bool) -> None:
        self._parser, self._is_json = parser, is_json

    async def parse(self, response: Mapping[str, Any], shape: Any) -> Any:
        answered = response["status_code"] < _FIRST_REDIRECT and self._is_json
        # What is streamed has no body yet.
        whole = answered and shape is not None and not shape.event_stream_name
        if whole and not self._parser.is_object(response["body"]):
            _check_object(response["body"])
        try:
            parsed = await self._parser.parse(response, shape)
        except ResponseParserError:
            raise
        except _WRONG as error:
            what = f"{type(error).__name__}: {error}"
            raise ResponseParserError(what) from error
        if whole:
            _check_types(parsed, shape)
            asked = response.get("context", {}).get("operation_name")
            if asked in _WHOLE:
                _check_whole(parsed, asked)
        return parsed


def _check_object(body: bytes) -> None:
    try:
        msgspec.json.decode(body, type=_Object)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ResponseParserError(str(error)) from error


def _check_types(parsed: Mapping[str, Any], shape: Any) -> None:
    """Miss what is of another type than the model says, items of lists too."""
    for name, member in shape.members.items():
        if name in parsed and not _is_of(member, parsed[name]):
            msg = f"no {name} that can be read in the answer"
            raise ResponseParserError(msg)


def _is_of(shape: Any, value: Any) -> bool:
    if not isinstance(value, _TYPES.get(shape.type_name, object)):
        return False
    if shape.type_name != "list" or shape.member.type_name != "structure":
        return True
    return all(isinstance(item, dict) for item in value)


def _check_whole(parsed: Mapping[str, Any], operation: str) -> None:
    """Miss what is always there."""
    if missing := next(_missing(parsed, operation), None):
        msg = f"no {missing} in the answer"
        raise ResponseParserError(msg)
    headers = parsed.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    says = any(value for name, value in parsed.items() if name not in _ADDED)
    if not says and "x-amzn-requestid" not in headers:
        # LookupEvents requires no member: anybody's JSON would do.
        msg = "neither a member of the answer nor a request id"
        raise ResponseParserError(msg)


def _missing(parsed: Mapping[str, Any], operation: str) -> Iterator[str]:
    """Name the members that are missing, and of its items those that can't be read."""
    needed = _WHOLE[operation]
    yield from (name for name in needed if parsed.get(name) in (None, ""))
    for key, kind in _ITEMS.get(operation, {}).items():
        for item in parsed.get(needed[0], ()):
            if not isinstance(item.get(key), kind):
                yield key
                return
