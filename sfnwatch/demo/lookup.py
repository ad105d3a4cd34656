"""CloudTrail's LookupEvents."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from sfnwatch.demo.account import Account
from sfnwatch.demo.paging import BadTokenError
from sfnwatch.demo.trail import Delivered
from sfnwatch.demo.wire import AwsError, common_error, parse

_MOST = 50
_KEPT = timedelta(days=90)
_LONGEST_VALUE = 2000
_KEYS = {
    *("AccessKeyId", "EventId", "EventName", "EventSource"),
    *("ReadOnly", "ResourceName", "ResourceType", "Username"),
}


class Attribute(msgspec.Struct, rename="pascal"):
    attribute_key: str | None = None
    attribute_value: str | None = None


class Lookup(msgspec.Struct, rename="pascal"):
    lookup_attributes: list[Attribute] = []
    start_time: float | None = None
    end_time: float | None = None
    event_category: str | None = None
    max_results: int = _MOST
    next_token: str | None = None


def lookup_events(account: Account, body: bytes) -> dict[str, Any]:
    """Answer LookupEvents: newest first, what has been delivered by now."""
    if not account.lookups.take(account.now()):
        raise common_error("ThrottlingException", "Rate exceeded")
    asked = parse(body, Lookup)
    _check(asked, account.now())
    found = [] if asked.event_category else account.delivered(_fitting(asked))
    return _page(account, asked, found)


def _check(asked: Lookup, now: datetime) -> None:
    if not 1 <= asked.max_results <= _MOST:
        raise AwsError(
            "InvalidMaxResultsException",
            f"A max results value of {asked.max_results} is invalid."
            f" Specify max results between 1 and {_MOST}.",
        )
    if asked.event_category not in {None, "insight"}:
        raise AwsError(
            "InvalidEventCategoryException",
            f"Invalid event category: {asked.event_category}",
        )
    _check_attributes(asked.lookup_attributes)
    _check_range(asked, now)


def _check_attributes(attributes: list[Attribute]) -> None:
    code = "InvalidLookupAttributesException"
    if len(attributes) > 1:
        raise AwsError(code, "Only one lookup attribute can be specified.")
    for attribute in attributes:
        if attribute.attribute_key not in _KEYS:
            raise AwsError(code, f"Invalid attribute key: {attribute.attribute_key}")
        if not 1 <= len(attribute.attribute_value or "") <= _LONGEST_VALUE:
            raise AwsError(code, "The attribute value is empty or too long.")


def _check_range(asked: Lookup, now: datetime) -> None:
    start, end = _time(asked.start_time), _time(asked.end_time)
    code = "InvalidTimeRangeException"
    if start and end and start > end:
        raise AwsError(code, "The start time must not be after the end time.")
    if end and end < now - _KEPT:
        raise AwsError(code, "The time range lies before the events that are kept.")


def _time(seconds: float | None) -> datetime | None:
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError) as error:
        message = f"Not a time: {seconds}"
        raise AwsError("InvalidTimeRangeException", message) from error


def _fitting(asked: Lookup) -> Callable[[Delivered], bool]:
    start, end = _time(asked.start_time), _time(asked.end_time)
    wanted = [
        (w.attribute_key or "", w.attribute_value) for w in asked.lookup_attributes
    ]

    def fits(each: Delivered) -> bool:
        if (start and each.event_time < start) or (end and each.event_time > end):
            return False
        return all(value in each.attributes.get(key, ()) for key, value in wanted)

    return fits


def _page(account: Account, asked: Lookup, found: list[Delivered]) -> dict[str, Any]:
    found = _after_token(account, asked, found)
    page = found[: asked.max_results]
    times = 2 if account.faults.duplicate else 1
    events = [each.envelope for each in page for _ in range(times)]
    if len(found) <= len(page):
        return {"Events": events}
    cursor = msgspec.json.encode(page[-1].place).decode()
    token = account.tokens.issue(_request(asked), cursor, account.now())
    return {"Events": events, "NextToken": token}


def _after_token(
    account: Account, asked: Lookup, found: list[Delivered]
) -> list[Delivered]:
    if asked.next_token is None:
        return found
    now = account.now()
    try:
        cursor = account.tokens.cursor(asked.next_token, _request(asked), now)
    except BadTokenError as error:
        raise AwsError(
            "InvalidNextTokenException", f"Invalid NextToken: {error}"
        ) from error
    last = msgspec.json.decode(cursor, type=tuple[float, str])
    return [each for each in found if each.place < last]


def _request(asked: Lookup) -> str:
    """Return all that must be the same when a token is sent."""
    same = msgspec.structs.replace(asked, next_token=None)
    return msgspec.json.encode(same).decode()
