"""A log group of CloudWatch Logs, page by page."""

from collections.abc import AsyncGenerator, Iterable, Iterator
from datetime import datetime
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
"""The number of log event ids to remember; beyond it the oldest are dropped."""


class _LogPage(Page):
    events: list[Raw]


LogEvent = tuple[str, bytes]
"""The logged text, which is JSON for a trail or a state machine, and the whole event as
it came: `{"eventId", "logStreamName", "timestamp", "message", …}`."""


class LogReader:
    """Reads one log group on behalf of a source, by FilterLogEvents.

    FilterLogEvents returns the events of all streams that match a pattern, oldest
    first. A page may be empty with more pages to come. An event written late is placed
    before events already read. So to follow a log, begin each reading a while back; the
    reader recognizes events it has seen by their ids.
    """

    def __init__(
        self, source: PollingSource, group: LogGroupName, home: ExecutionArn
    ) -> None:
        self._source = source
        self.region = group.region or home.region
        self.name = clean(group.arn or group.name, 200)
        self._group = {"logGroupName": group.name}
        """The parameter that identifies the log group."""
        if group.arn is not None and group.account != home.account:
            # In another account a log group is identified only by its ARN.
            self._group = {"logGroupIdentifier": group.arn}
        self._seen: dict[str, None] = {}
        """The ids of the events that were read, the oldest first."""

    async def pages(
        self, span: TimeSpan, pattern: str, note: str
    ) -> AsyncGenerator[list[LogEvent], None]:
        """Yield the events of each page that were not seen before."""
        parameters: dict[str, Any] = {**self._group, "filterPattern": pattern}
        if span.first is not None:
            parameters["startTime"] = _milliseconds(span.first)
        if span.last is not None:
            parameters["endTime"] = _milliseconds(span.last)
        name = "logs:FilterLogEvents"
        request = AwsRequest(name, self.name, self.region, _LogPage, parameters, note)
        async for page in self._source.pages(request):
            yield list(self._unseen(page.value.events))

    def _unseen(self, events: Iterable[Raw]) -> Iterator[LogEvent]:
        for event in events:
            data = bytes(event)
            fields = parse_object(data)
            event_id = text_of(fields.get("eventId")) or data.decode()
            if event_id not in self._seen:
                self._seen[event_id] = None
                yield text_of(fields.get("message")) or "", data
        while len(self._seen) > _MOST_SEEN:
            del self._seen[next(iter(self._seen))]


def _milliseconds(at: datetime) -> int:
    """Return a time as CloudWatch Logs takes it: no time before 1970 is accepted."""
    return max(0, int(at.timestamp() * 1000))
