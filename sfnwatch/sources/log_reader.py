"""A log group of CloudWatch Logs, page by page."""

from collections.abc import AsyncGenerator, Iterable, Iterator
from typing import Any

from msgspec import Raw

from sfnwatch.model.arns import ExecutionArn, LogGroupName
from sfnwatch.model.texts import clean
from sfnwatch.model.values import parse_object, text_of
from sfnwatch.sources.answers import AwsRequest, Page, Verdict
from sfnwatch.sources.polling import PollingSource
from sfnwatch.sources.targets import TimeSpan

LOG_VERDICTS = (
    Verdict(
        "InvalidParameterException|ResourceNotFoundException",
        "Check the log group's name and its Region.",
    ),
)
_MOST_SEEN = 200_000
"""Ids of log events that are remembered; beyond, the oldest are let go."""


class _LogPage(Page):
    events: list[Raw]


LogEvent = tuple[str, bytes]
"""What was logged, a JSON text for a trail or a state machine; and all of the event, as
it came: `{"eventId", "logStreamName", "timestamp", "message", …}`."""


class LogReader:
    """Reads one log group on behalf of a source, by FilterLogEvents.

    That gives what matches a pattern in all of a group's streams, oldest first; a page
    may be empty with more to come. What is written late lies before what was read: so
    whoever follows a log begins each reading a while back, and what came by before is
    known by its id.
    """

    def __init__(
        self, source: PollingSource, group: LogGroupName, home: ExecutionArn
    ) -> None:
        self._source = source
        self.region = group.region or home.region
        self.name = clean(group.arn or group.name, 200)
        # In another account it is known by its ARN alone.
        abroad = group.arn is not None and group.account != home.account
        key = "logGroupIdentifier" if abroad else "logGroupName"
        self._which = {key: group.arn if abroad else group.name}
        self._seen: dict[str, None] = {}

    async def pages(
        self, span: TimeSpan, pattern: str, note: str
    ) -> AsyncGenerator[list[LogEvent], None]:
        """Yield the events of each page that never came by."""
        asked: dict[str, Any] = {**self._which, "filterPattern": pattern}
        for key, at in (("startTime", span.first), ("endTime", span.last)):
            if at is not None:
                # In milliseconds; CloudWatch Logs knows no time before 1970.
                asked[key] = max(0, int(at.timestamp() * 1000))
        name = "logs:FilterLogEvents"
        request = AwsRequest(name, self.name, self.region, _LogPage, asked, note)
        async for page in self._source.pages(request):
            yield list(self._unseen(map(bytes, page.value.events)))

    def _unseen(self, events: Iterable[bytes]) -> Iterator[LogEvent]:
        for data in events:
            fields = parse_object(data)
            key = text_of(fields.get("eventId")) or data.decode()
            if key not in self._seen:
                self._seen[key] = None
                yield text_of(fields.get("message")) or "", data
        while len(self._seen) > _MOST_SEEN:
            del self._seen[next(iter(self._seen))]
