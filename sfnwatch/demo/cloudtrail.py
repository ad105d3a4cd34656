"""LookupEvents of the simulated account."""

from datetime import UTC, datetime

import msgspec

from sfnwatch.demo.account import Account
from sfnwatch.demo.aws_error import AwsError
from sfnwatch.demo.formats import Json
from sfnwatch.demo.paging import page_of
from sfnwatch.demo.trail_event import TrailEvent

_MOST_EVENTS = 50
_FAR_FUTURE = 1e11


class LookupAttribute(msgspec.Struct, rename="pascal"):
    attribute_key: str = ""
    attribute_value: str = ""


class LookupRequest(msgspec.Struct, rename="pascal"):
    lookup_attributes: list[LookupAttribute] = []
    start_time: float | None = None
    end_time: float | None = None
    max_results: int = _MOST_EVENTS
    next_token: str | None = None

    def includes(self, event: TrailEvent) -> bool:
        for attribute in self.lookup_attributes:
            value = event.attributes.get(attribute.attribute_key)
            if value != attribute.attribute_value:
                return False
        return True


def lookup_events(account: Account, request: LookupRequest) -> Json:
    """Answer LookupEvents: newest first, what has been delivered by now."""
    if not account.lookups.take(account.now()):
        raise AwsError("ThrottlingException", "Rate exceeded")
    since = datetime.fromtimestamp(request.start_time or 0.0, UTC)
    until = datetime.fromtimestamp(request.end_time or _FAR_FUTURE, UTC)
    events = {}
    for event in account.delivered(since, until):
        if request.includes(event):
            events[event.event_id] = event
    size = min(request.max_results, _MOST_EVENTS)
    bad_token = AwsError("InvalidNextTokenException", "Invalid NextToken")
    page, next_token = page_of(events, request.next_token, size, bad_token)
    answer: Json = {"Events": [event.envelope for event in page]}
    if next_token:
        answer["NextToken"] = next_token
    return answer
