"""Requests to AWS, and what they lead to: a decoded answer or a failure.

Bodies are the bytes that AWS sent. The shape of a page holds lists of `msgspec.Raw`:
each item is passed on as it came and decoded where it is read.
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
"""A string that an answer must have and that must not be empty."""
_OPEN = ord("{")


class AwsRequest(Struct, Generic[T], frozen=True):
    """One request to AWS."""

    operation: str
    """The operation with its service's IAM prefix: `states:DescribeExecution`."""
    subject: str
    """What the request is about, for messages."""
    region: str
    shape: type[T]
    """The type of the decoded answer. It is `dict` for a stream: the answer is then
    what botocore made of it."""
    parameters: Mapping[str, Any]
    note: str = ""
    """The purpose of the request, for the request log."""


class AwsAnswer(Struct, Generic[T]):
    """An answer of AWS."""

    value: T
    """The decoded body. For a body that is not JSON: what botocore parsed of it,
    converted to the shape."""
    body: bytes
    """The JSON as it came; empty for an answer that is not JSON."""
    request_id: str
    endpoint: str = ""
    """The host and port that answered, if they are not AWS's; empty for AWS."""


class Page(Struct, kw_only=True, rename="camel"):
    """A shape that holds lists; the request log shows how many items came."""

    next_token: str | None = None
    """The token that asks for the next page; None on the last page."""

    def listed(self) -> list[Any]:
        """Return the items of all lists."""
        lists = (each for each in astuple(self) if isinstance(each, list))
        return list(chain.from_iterable(lists))

    def check(self) -> None:
        """Raise GarbledError for an item that was left raw and is not a JSON object."""
        for item in self.listed():
            if isinstance(item, Raw) and memoryview(item)[0] != _OPEN:
                raise GarbledError("an item of a list is no object")


class ExecutionsPage(Page):
    """A page of ListExecutions."""

    executions: list[Raw]


class CallsAws(Protocol):
    """Sends a request to AWS: the client, or a wrapper that waits for its turn."""

    async def call(self, request: AwsRequest[T]) -> AwsAnswer[T]: ...


class Failure(Exception):  # noqa: N818 - not a programming error
    """A request that failed, with a message in plain words."""

    def __init__(
        self, state: HealthState, message: str, *, code: str = "", at_least: float = 0.0
    ) -> None:
        super().__init__(message)
        self.state = state
        """REFUSED is final; in every other state another try may help."""
        self.message = message
        self.code = code
        """AWS's error code; empty for an error that AWS did not send."""
        self.status = 0
        """The HTTP status of the refusal; 0 if none came."""
        self.endpoint = ""
        """The host and port that were asked, if they are not AWS's; empty for AWS."""
        self.at_least = at_least
        """The number of seconds that must pass before another try makes sense."""
        self.unreachable = False
        """True if nothing could answer: the host name or the port does not exist."""
        self.signing_in = False
        """True if no credentials could be obtained."""


class Verdict(Struct, frozen=True):
    """What certain error codes mean when one service, or one request, returns them.

    The failure is final unless `state` says otherwise.
    """

    codes: str
    """A regular expression that matches the codes."""
    advice: str = ""
    state: HealthState = HealthState.REFUSED
    at_least: float = 0.0

    def apply(self, failure: Failure, **words: str) -> bool:
        """Judge a failure that has one of the codes; `words` fill in the advice.

        Return True if the failure has one of the codes.
        """
        if not re.fullmatch(self.codes, failure.code):
            return False
        failure.state = self.state
        failure.at_least = self.at_least
        failure.message = f"{failure.message} {self.advice.format(**words)}".rstrip()
        return True


class StalePageError(Exception):
    """A page's token is no longer valid; the pages read so far still are."""


class GarbledError(ValueError):
    """A body that AWS did not write: neither the expected answer nor an error."""


def decode_answer(body: bytes | dict[str, Any], shape: type[T]) -> T:
    """Decode a body, or what botocore parsed of a body that is not JSON.

    Raises GarbledError for a body that lacks what the shape requires. A network's
    log-in page, a proxy's own page and a truncated body can come with status 200 as
    well.
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
            # The parts left raw are not decoded here, but they must still be valid
            # text.
            body.decode()
        return msgspec.json.decode(body, type=shape)
    except ValidationError:
        raise
    except (ValueError, RecursionError):
        # Python's own parser accepts half of a surrogate pair.
        value = json.loads(body)
        if isinstance(value, dict):
            for key, member in value.items():
                if isinstance(member, list):
                    value[key] = [Raw(encode_json(item)) for item in member]
        return msgspec.convert(value, type=shape)


def json_bytes(text: str) -> bytes:
    """Return the bytes of a record that stands in a JSON string.

    They are unchanged unless the record has half of a surrogate pair: it is then
    encoded again.
    """
    try:
        return text.encode()
    except UnicodeEncodeError:
        return encode_json(parse_json(text))
