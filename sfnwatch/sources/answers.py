"""What AWS is asked, and what comes of it: an answer of a shape, or a failure.

Bodies are AWS's own bytes. Of a page the shape has a list of `msgspec.Raw`: each item
is handed on as it came, and decoded where it is read.
"""

import json
import re
from collections.abc import Mapping
from itertools import chain
from typing import Annotated, Any, Generic, Protocol, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct, ValidationError
from msgspec.structs import astuple

from sfnwatch.model.source_health import HealthState
from sfnwatch.model.values import encode_json, parse_json

T = TypeVar("T")
Text = Annotated[str, Meta(min_length=1)]
"""A string that an answer must have, and not empty."""
_OPEN = ord("{")


class AwsRequest(Struct, Generic[T], frozen=True):
    """One thing to ask AWS."""

    operation: str
    """With its service's IAM prefix: `states:DescribeExecution`."""
    subject: str
    """What it is about, for messages."""
    region: str
    shape: type[T]
    """What the answer must have; `dict` for a stream, as botocore made it."""
    parameters: Mapping[str, Any]
    note: str = ""
    """What it is for, in the request log."""


class AwsAnswer(Struct, Generic[T]):
    """An answer of AWS's."""

    value: T
    """The body, decoded, or taken out of what botocore made of one that is no JSON."""
    body: bytes
    """The JSON as it came; empty for an answer that is none."""
    request_id: str


class Page(Struct, kw_only=True, rename="camel"):
    """A shape that holds lists; how many items came is told in the request log."""

    next_token: str | None = None
    """How the next one is asked for, if there is one."""

    def listed(self) -> list[Any]:
        """Give the items of all lists."""
        lists = (each for each in astuple(self) if isinstance(each, list))
        return list(chain.from_iterable(lists))

    def check(self) -> None:
        """Raise GarbledError for an item that was left raw and is no JSON object."""
        for item in self.listed():
            if isinstance(item, Raw) and memoryview(item)[0] != _OPEN:
                raise GarbledError("an item of a list is no object")


class ExecutionsPage(Page):
    """A page of ListExecutions."""

    executions: list[Raw]


class CallsAws(Protocol):
    """Sends a request to AWS: the client, or one that waits its turn before."""

    async def call(self, request: AwsRequest[T]) -> AwsAnswer[T]: ...


class Failure(Exception):  # noqa: N818 - it is not an error of ours
    """A request that failed, in plain words."""

    def __init__(
        self, state: HealthState, message: str, *, code: str = "", at_least: float = 0.0
    ) -> None:
        super().__init__(message)
        self.state = state
        """REFUSED is for good; all others are worth another try."""
        self.message = message
        self.code = code
        """AWS's error code; empty for an error that AWS did not send."""
        self.at_least = at_least
        """Seconds that must pass before another try makes sense."""
        self.unreachable = False
        """True where there was nobody to answer: a name or a port that is not there."""
        self.signing_in = False
        """True where it kept credentials from being had."""


class Verdict(Struct, frozen=True):
    """What some codes mean where they come from one service, or of one question.

    Unless it says otherwise that is final.
    """

    codes: str
    """A pattern of the codes."""
    advice: str = ""
    state: HealthState = HealthState.REFUSED
    at_least: float = 0.0

    def apply(self, failure: Failure, **words: str) -> bool:
        """Judge a failure if it has one of the codes; the advice may take words."""
        if not re.fullmatch(self.codes, failure.code):
            return False
        failure.state = self.state
        failure.at_least = self.at_least
        failure.message = f"{failure.message} {self.advice.format(**words)}".rstrip()
        return True


class StalePageError(Exception):
    """A page's token is no longer good; what was read so far still is."""


class GarbledError(ValueError):
    """An answer that AWS did not write: neither what was asked for nor an error."""


def decode_answer(body: bytes | dict[str, Any], shape: type[T]) -> T:
    """Decode a body, or what botocore has parsed of one that is no JSON.

    Raises GarbledError for one without what the shape must have. A network's log-in
    page, a proxy's own words and half of a body come with status 200 as well.
    """
    try:
        value = _decoded(body, shape)
    except (ValueError, RecursionError) as error:
        raise GarbledError(str(error)) from error
    if isinstance(value, Page):
        value.check()
    return value


def _decoded(body: bytes | dict[str, Any], shape: type[T]) -> T:
    if isinstance(body, dict):
        return msgspec.convert(body, shape)
    try:
        if not body.isascii():
            # What is left raw is not looked into; it must be text all the same.
            body.decode()
        return msgspec.json.decode(body, type=shape)
    except ValidationError:
        raise
    except (ValueError, RecursionError):
        # Python's own parser takes half of a surrogate pair.
        value = json.loads(body)
        for key, each in value.items() if isinstance(value, dict) else ():
            if isinstance(each, list):
                value[key] = [Raw(encode_json(item)) for item in each]
        return msgspec.convert(value, type=shape)


def json_bytes(text: str) -> bytes:
    """Take a record out of the JSON string it stands in: as it came, if that is text.

    What has half of a surrogate pair is written anew.
    """
    try:
        return text.encode()
    except UnicodeEncodeError:
        return encode_json(parse_json(text))
