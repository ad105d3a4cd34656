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
        # In another account a log group is identified only by its ARN.
        abroad = group.arn is not None and group.account != home.account
        key = "logGroupIdentifier" if abroad else "logGroupName"
        self._which = {key: group.arn if abroad else group.name}
        self._seen: dict[str, None] = {}

    async def pages(
        self, span: TimeSpan, pattern: str, note: str
    ) -> AsyncGenerator[list[LogEvent], None]:
        """Yield the events of each page that were not seen before."""
        asked: dict[str, Any] = {**self._which, "filterPattern": pattern}
        for key, at in (("startTime", span.first), ("endTime", span.last)):
            if at is not None:
                # In milliseconds; CloudWatch Logs accepts no time before 1970.
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
