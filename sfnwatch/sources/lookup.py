"""The calls around the executions watched, from CloudTrail's LookupEvents.

LookupEvents takes two requests a second for the whole account and Region. A request has
one attribute and returns 50 records a page, newest first. Records are minutes late,
without a bound. So the source asks one query after the other, one for each service that
the definition can call. Each cycle reads from before the time that is believed
complete, stops at records read before, and keeps those that concern the executions. All
executions share the queries, to save the quota. The runs before a redrive are read
beside that, some pages a cycle; until all of them are read, nothing is called complete.

It never asks by ReadOnly=false, which would hide DescribeTasks. It never asks by
Username, because Step Functions uses a new session name for every call.
"""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Raw, Struct

from sfnwatch.model.api_call import cloudtrail_record
from sfnwatch.model.records import Received, RecordKind
from sfnwatch.model.source_health import HealthState
from sfnwatch.model.texts import clean
from sfnwatch.model.times import maybe_time
from sfnwatch.model.values import text_of
from sfnwatch.sources.answers import AwsAnswer, AwsRequest, CallsAws, Failure, Page
from sfnwatch.sources.call_source import OVERLAP, CallSource
from sfnwatch.sources.polling import WatchContext
from sfnwatch.sources.rate_limits import Interval
from sfnwatch.sources.relevance import Relevance
from sfnwatch.sources.targets import BEFORE_START, Query, TimeSpan

LOOKUP = "cloudtrail:LookupEvents"
_PAGE_RECORDS = 50
"""The most records that a page has."""
_THOROUGH_CYCLE = 6
"""In every sixth cycle the whole window is read again, even what was read before."""
_REQUESTS_PER_MEASURE = 10
"""After ten requests one asks for our own calls, to measure coverage."""
_MEASURE_PAGES = 3
_SHORTEST_PAUSE_SECONDS = 5.0
"""Seconds between cycles while calls come. CloudTrail is minutes late: more cycles
would find no more."""
_LONGEST_PAUSE_SECONDS = 10.0
"""The most seconds between cycles."""
_EARLIER_PAGES = 5
"""The pages of earlier runs to read in each cycle: half of what its pause would
allow."""
_LOST = timedelta(minutes=15)
"""An own call that has not come for this long no longer holds back the coverage. One
record was seen to come between 25 and 85 minutes late, which says nothing of the
rest."""
_NOTHING = (
    "Nothing to look up: no state of it makes a call that CloudTrail records as a"
    " management event."
)
_UNSUPPORTED = (
    "LookupEvents is not supported by {endpoint}, which is not AWS: no API calls can be"
    " shown. It answered {code}."
)
_UNSUPPORTED_CODES = frozenset(
    {
        "InvalidAction",
        "NotImplemented",
        "UnknownOperationException",
        "UnsupportedOperation",
    }
)
"""The error codes of emulators for an operation that they don't have."""
_UNSUPPORTED_STATUSES = frozenset({404, 405, 501})
_INTERNAL_ERROR = 500
"""The status that moto answers to an operation that it doesn't have, with a page of
HTML."""
_INTERNAL_ERRORS = 2
"""After this many internal errors in a row, the operation counts as unsupported."""
_UNRECORDED = (
    "LookupEvents is answered by {endpoint}, which is not AWS, but it has recorded no"
    " call at all."
)
_READS_EARLIER = (
    "Reading the calls from {} as well; until that is done, nothing counts as complete."
)


class _LookupPage(Page, kw_only=True, rename="pascal"):
    events: list[Raw]
    next_token: str | None = None


class MeasuredCoverage(Struct, eq=False):
    """How far CloudTrail has come: the time up to which our own calls are delivered.

    Each of our LookupEvents calls becomes a CloudTrail record with a known time,
    recognized by its request id. While one of them is missing, CloudTrail is not
    complete beyond it. This is an estimate: each service is delivered on its own.
    """

    _missing: dict[str, datetime] = {}
    _newest: datetime | None = None

    def made(self, request_id: str, at: datetime) -> None:
        """Note an answered call of ours."""
        self._missing[request_id] = at

    def delivered(self, request_id: str | None) -> None:
        """Note a call that CloudTrail has delivered, ours or not."""
        at = self._missing.pop(request_id or "", None)
        if at is not None:
            self._newest = max(self._newest or at, at)

    def complete_to(self, now: datetime) -> datetime | None:
        """Return the coverage; None until the first own call has been delivered."""
        if self._newest is None:
            return None
        for request_id, at in list(self._missing.items()):
            if now - at < _LOST:
                return min(at, self._newest)
            del self._missing[request_id]
        return self._newest

    @property
    def oldest_missing(self) -> datetime | None:
        """The time from which to look for own calls; None if none is missing."""
        return next(iter(self._missing.values()), None)


class _Earlier(Struct):
    """The part of an earlier run that is still to be read by one query."""

    span: TimeSpan
    query: Query
    parameters: dict[str, Any]
    """The request's parameters with its time span, which is read from its end
    backwards."""

    @classmethod
    def of(cls, span: TimeSpan, query: Query) -> "_Earlier":
        return cls(span, query, {"StartTime": span.first, "EndTime": span.last})


class Lookup(CallSource):
    """A source: reads the calls until all executions have ended and are drained."""

    def __init__(
        self, aws: CallsAws, context: WatchContext, *, source: str = ""
    ) -> None:
        super().__init__(aws, context, source)
        self._measured = MeasuredCoverage()
        # Records that concern no known execution need not be held back: they are read
        # again.
        self.relevance = Relevance(self.targets, room=0)
        self._seen: set[str] = set()
        """The ids of all events read, whoever made the calls."""
        self._known: object = None
        """The roles, queries and times of the last requests; a change starts a full
        reading."""
        self._covered: dict[Query, datetime] = {}
        """The time up to which each query was read to its end."""
        self._endless: dict[Query, str] = {}
        """For each query whose pages had no end when last read, the reason."""
        self._earlier: list[_Earlier] = []
        """The parts of earlier runs still to be read, the newest first."""
        self._cycles = 0
        self._since_measured = 0
        """The number of requests since own calls were last asked for."""
        self._has_records = False
        """True once any record came, whoever made the call."""

    def judge(self, failure: Failure) -> None:
        """Give up if the endpoint is not AWS and does not have LookupEvents."""
        has_tried = self.failures >= _INTERNAL_ERRORS
        if not self._has_records and is_unsupported(failure, has_tried=has_tried):
            failure.state = HealthState.UNSUPPORTED
            failure.message = _UNSUPPORTED.format(
                endpoint=failure.endpoint, code=clean(failure.code)
            )
        else:
            super().judge(failure)

    async def read(self) -> str:
        interval = Interval(_SHORTEST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)
        self._known = None
        words = await self.idle(self.targets.lookup_queries, _NOTHING)
        if words is not None:
            return words
        while True:
            news = await self._cycle()
            now = self.clock.now()
            unread = self._unread_times()
            self.coverage = None
            if not unread and not self._endless:
                self.coverage = self._measured.complete_to(now)
            if self.last_round:
                if unread:
                    return f"Not all of the calls from {unread} were read."
                if self._endless:
                    return self._endless_words
                if await self._is_unrecorded():
                    self.final_state = HealthState.UNRECORDED
                    return _UNRECORDED.format(endpoint=self.endpoint)
                self.coverage = max(self.coverage or now - OVERLAP, now - OVERLAP)
                return ""
            self._say_unread()
            await self.rest(
                _SHORTEST_PAUSE_SECONDS if unread else interval.after(news=news)
            )

    async def _cycle(self) -> bool:
        """Ask each query once; True if any record came that is worth keeping."""
        self._cycles += 1
        self.last_round = self.is_over()
        since = self._floor()
        is_measured = self._since_measured >= _REQUESTS_PER_MEASURE or self.last_round
        news = False
        for query in tuple(self.targets.lookup_queries):
            if await self._query(query, since):
                news = True
        if await self._read_earlier():
            news = True
        if is_measured:
            await self._measure(since)
        return news

    async def _is_unrecorded(self) -> bool:
        """True if the endpoint is not AWS, and has no record of any call.

        AWS records every management event, so AWS is not asked.
        """
        if not self.endpoint or self._has_records:
            return False
        note = "whether any call is recorded"
        answer = await self.ask(
            AwsRequest(
                LOOKUP,
                self.endpoint,
                self.targets.region,
                _LookupPage,
                {"MaxResults": 1},
                note,
            )
        )
        return not answer.value.events

    @property
    def _latest(self) -> TimeSpan:
        """The span of the latest run of any execution."""
        spans = self.targets.spans or [TimeSpan()]
        return spans[-1]

    def _floor(self) -> datetime:
        """Return the time to read from: the start, if it was not read from there yet.

        A role named by a state's input is known only when its task is scheduled, and
        the calls of a long-ended execution may be read before that. Also, the earliest
        start of several executions is not known at first.
        """
        now = self.clock.now()
        targets = self.targets
        earlier = targets.spans[:-1]
        latest = self._latest.first
        begin = latest or targets.since(now)
        known = len(targets.roles), len(targets.lookup_queries), latest, earlier
        if known != self._known:
            self._known = known
            self._seen.clear()
            self._covered.clear()
            self._earlier.clear()
            for span in reversed(earlier):
                for query in targets.lookup_queries:
                    self._earlier.append(_Earlier.of(span, query))
            return begin
        if self.last_round:
            return begin
        complete_to = self._measured.complete_to(now) or begin
        return max(begin, min(now - OVERLAP, complete_to))

    def _unread_times(self) -> str:
        """Return the span of the earlier runs still to be read; empty if none."""
        if not self._earlier:
            return ""
        first = self._earlier[-1].span.first
        last = self._earlier[0].span.last
        return f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"

    def _say_unread(self) -> None:
        unread = self._unread_times()
        if not unread:
            self.say(self._endless_words)
            return
        self.coverage = None
        self.say(_READS_EARLIER.format(unread))

    @property
    def _endless_words(self) -> str:
        """Return why parts are unknown: the pages of some queries had no end."""
        return " ".join(self._endless.values())

    async def _read_earlier(self) -> bool:
        """Read on in the earlier runs: some pages, or in the last round all of them."""
        news = False
        pages = 0
        while self._earlier:
            self._say_unread()
            earlier = self._earlier[0]
            asked = earlier.parameters
            end = asked["EndTime"]
            async for events in self._backwards(earlier.query, asked):
                if self.select(self._unseen(events)):
                    news = True
                pages += 1
                # Requests have whole seconds, so a reading can't go on within one: a
                # second with more calls than that is read in one go.
                enough = pages >= _EARLIER_PAGES and asked["EndTime"] != end
                if self._cut_short or (enough and not self.last_round):
                    return news
            self._earlier.pop(0)
        return news

    async def _query(self, query: Query, since: datetime) -> bool:
        """Read a service's calls until known records; True if any are kept."""
        asked: dict[str, Any] = {"StartTime": since}
        until = self._latest.last
        if until is not None and until < self.clock.now():
            # If the executions ended long ago, leave out later calls.
            asked = {"StartTime": min(since, until), "EndTime": until}
        newest = None
        news = False
        async for events in self._backwards(query, asked):
            # The first page has the newest events.
            newest = newest or max(_times(events), default=None)
            fresh = self._unseen(events)
            if self.select(fresh):
                news = True
            if not fresh and self._is_covered(query, events):
                break
            if (self._latest.first or since) > asked.get("EndTime", since):
                break  # A redrive has become known: what ran before is read apart.
        if newest:
            covered = self._covered.get(query, newest)
            self._covered[query] = max(covered, newest)
        return news

    async def _backwards(
        self, query: Query, asked: dict[str, Any]
    ) -> AsyncGenerator[list[Received], None]:
        """Yield a service's calls page by page, the newest first.

        `asked` is updated on the way: with it, another reading goes on below the last
        page.
        """
        _, event_source = query
        note = f"calls to {event_source.removesuffix('.amazonaws.com')}"
        request = self._request("EventSource", query, note, asked)
        async for page in self.pages(request, next_key="NextToken", is_dense=True):
            events = self._events(page, query)
            oldest = min(_times(events), default=None)
            if oldest is not None:
                # The other events of this second are recognized by their ids.
                asked["EndTime"] = max(oldest, asked["StartTime"])
            yield events
        if self.unfinished:
            self._endless[query] = self.unfinished
        else:
            self._endless.pop(query, None)

    def _request(
        self, key: str, query: Query, note: str, asked: dict[str, Any]
    ) -> AwsRequest[_LookupPage]:
        region, value = query
        asked["LookupAttributes"] = [{"AttributeKey": key, "AttributeValue": value}]
        asked["MaxResults"] = _PAGE_RECORDS
        return AwsRequest(LOOKUP, value, region, _LookupPage, asked, note)

    def _events(self, page: AwsAnswer[_LookupPage], query: Query) -> list[Received]:
        now = self.clock.now()
        self._since_measured += 1
        self._has_records = self._has_records or bool(page.value.events)
        region, _ = query
        if region == self.targets.region:
            self._measured.made(page.request_id, now)
        kind = RecordKind.LOOKUP
        return [Received(now, kind, None, bytes(data)) for data in page.value.events]

    def _is_covered(self, query: Query, events: Sequence[Received]) -> bool:
        """True if a page is all known and older than what the last cycle covered.

        Every `_THOROUGH_CYCLE`th cycle reads on all the same: a late record may lie
        deeper.
        """
        if self.last_round or self._cycles % _THOROUGH_CYCLE == 0 or not events:
            return False
        covered = self._covered.get(query)
        oldest = _times(events[-1:])
        return covered is not None and oldest != [] and oldest[0] < covered

    def _unseen(self, events: Sequence[Received]) -> list[Received]:
        """Return the events not seen before, oldest first.

        A page may hold a record twice.
        """
        fresh: list[Received] = []
        for event in reversed(events):
            event_id = str(event.record.get("EventId"))
            if event_id not in self._seen:
                self._seen.add(event_id)
                fresh.append(event)
        return fresh

    async def _measure(self, since: datetime) -> None:
        """Look which of our own calls have been delivered, to measure coverage."""
        query = (self.targets.region, "LookupEvents")
        begin = self._measured.oldest_missing or since
        asked = {"StartTime": begin - BEFORE_START}
        note = "how late CloudTrail is, by sfnwatch's own calls"
        request = self._request("EventName", query, note, asked)
        pages = self.pages(request, next_key="NextToken", most=_MEASURE_PAGES)
        async for page in pages:
            for event in self._events(page, query):
                record = cloudtrail_record(RecordKind.LOOKUP, event.record)
                self._measured.delivered(text_of(record.get("requestID")))
        self._since_measured = 0


def is_unsupported(failure: Failure, *, has_tried: bool) -> bool:
    """True for the refusal of an endpoint that does not have the operation.

    AWS has every operation, so no refusal of AWS means that. An internal error may
    pass, so it means that only after another try.
    """
    if not failure.endpoint:
        return False
    if failure.code in _UNSUPPORTED_CODES or failure.status in _UNSUPPORTED_STATUSES:
        return True
    return has_tried and failure.status == _INTERNAL_ERROR


def _times(events: Sequence[Received]) -> list[datetime]:
    times = (maybe_time(event.record.get("EventTime")) for event in events)
    return [at for at in times if at]
