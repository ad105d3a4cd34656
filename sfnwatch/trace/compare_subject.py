"""One of two executions that are compared, with what its trace knows of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from statistics import median

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.compare_calls import tally_calls
from sfnwatch.trace.compare_points import (
    CallTally,
    Kind,
    Which,
)
from sfnwatch.trace.compare_values import (
    Side,
)
from sfnwatch.trace.integrations import CallRole
from sfnwatch.trace.lanes import calls_by_attempt
from sfnwatch.trace.notice import Notice
from sfnwatch.trace.spans import Key, Part, length_of, notices, totals
from sfnwatch.trace.timeline import Timeline, Trace
from sfnwatch.trace.visits import StateVisit

_NEVER = datetime.min.replace(tzinfo=UTC)
_NO_PARTS: Mapping[Part, float] = {}


class Known:
    """What is worked out once of a trace, though both executions are of it."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace

    @cached_property
    def calls(self) -> Mapping[Key, list[ApiCall]]:
        return calls_by_attempt(self.trace)

    @cached_property
    def notices(self) -> Mapping[Key, Notice]:
        return notices(self.trace)


@dataclass(frozen=True)
class Subject:
    """One execution; `now` is how far time has come where it still runs."""

    which: Which
    known: Known
    timeline: Timeline
    now: datetime

    @property
    def trace(self) -> Trace:
        return self.known.trace

    @property
    def arn(self) -> str:
        return self.timeline.execution_arn

    @property
    def seconds(self) -> float | None:
        """How long it took; so far, while it runs."""
        begin = self.timeline.started_at
        if begin is None:
            return None
        end = self.timeline.stopped_at or self.now
        return max(0.0, (end - begin).total_seconds())

    @property
    def error(self) -> str | None:
        ending = self.timeline.ending
        return ending.detail("error") if ending is not None else None

    @property
    def input(self) -> str | None:
        """What it was given, as text; None where that is not known."""
        started = self.timeline.events.get(1)
        return started.detail("input") if started is not None else None

    # -- of its visits ---------------------------------------------------------------

    def length(self, visit: StateVisit | None) -> float | None:
        if visit is None:
            return None
        return length_of(visit, self.now)

    def parts(self, visit: StateVisit | None) -> Mapping[Part, float]:
        """What it was spent on; that it stood still, a bar has no part for."""
        found = totals(visit, self.now) if visit is not None else _NO_PARTS
        return {part: found[part] for part in found if part is not Part.STOPPED}

    # -- of its tries ----------------------------------------------------------------

    def tallies(self, attempt: Attempt | None) -> Mapping[Kind, CallTally]:
        if attempt is None:
            return {}
        calls = self.known.calls.get((self.arn, attempt.scheduled_id), [])
        return tally_calls(attempt, calls, self.trace.links) if calls else {}

    def notice(self, attempt: Attempt | None) -> Notice | None:
        if attempt is None or attempt.stopped_at is None:
            return None
        return self.known.notices.get((self.arn, attempt.scheduled_id))

    # -- of its calls ----------------------------------------------------------------

    @cached_property
    def calls(self) -> tuple[ApiCall, ...]:
        """Every call that is tied to one of its tries."""
        return tuple(self._calls())

    def _calls(self) -> Iterator[ApiCall]:
        for attempt in self.timeline.visits.attempts:
            yield from self.known.calls.get((self.arn, attempt.scheduled_id), ())

    @property
    def latency(self) -> float | None:
        """Seconds until CloudTrail told of a call: the median."""
        lags = [
            max(0.0, (call.seen_at - call.event_time).total_seconds())
            for call in self.calls
            if call.seen_at is not None
        ]
        return median(lags) if lags else None

    @cached_property
    def expects_calls(self) -> bool:
        """True if a try of it made a call that CloudTrail records."""
        return any(
            attempt.integration is not None and attempt.integration.recorded
            for attempt in self.timeline.visits.attempts
        )

    def side(self) -> Side:
        timeline = self.timeline
        visits = timeline.visits.by_id.values()
        counts = dict.fromkeys(CallRole, 0)
        for call in self.calls:
            counts[self.trace.links[call.event_id].role] += 1
        return Side(
            which=self.which,
            execution_arn=self.arn,
            name=timeline.name,
            state_machine_arn=timeline.state_machine_arn,
            state_machine_name=timeline.state_machine_name,
            status=timeline.status,
            error=self.error,
            started_at=timeline.started_at,
            stopped_at=timeline.stopped_at,
            running=timeline.running,
            role_arn=timeline.role_arn,
            events=len(timeline.events),
            visits=len(visits),
            tries=sum(len(visit.attempts) for visit in visits),
            calls=counts,
            failed_calls=sum(call.error_code is not None for call in self.calls),
            latency=self.latency,
            redrives=timeline.redrives,
        )


def subject(
    which: Which, known: Known, execution_arn: str, now: datetime | None
) -> Subject:
    """Raises KeyError for an execution that the trace does not have."""
    timeline = known.trace.histories[execution_arn]
    last = timeline.ordered[-1].timestamp if timeline.events else _NEVER
    return Subject(which, known, timeline, max(now, last) if now else last)
