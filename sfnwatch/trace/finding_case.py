"""What the findings of one execution are made from, worked out once.

A Map's ten thousand iterations run one state: they are one `Use` of it, and told of
together. Three tries or fewer are told of one by one.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.finding_words import named
from sfnwatch.trace.lane_ranks import is_action
from sfnwatch.trace.lanes import calls_by_attempt, complete_to, polls_of
from sfnwatch.trace.links import Link
from sfnwatch.trace.timeline import Timeline, Trace
from sfnwatch.trace.visits import ROOT, StateVisit

FEW = 3
"""So many of a state's tries are told of one by one; more of them together."""
_LAST = datetime.max.replace(tzinfo=UTC)
CallsByAttempt = Mapping[tuple[str, int], list[ApiCall]]


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt, with the calls tied to it in the order of their times."""

    visit: StateVisit
    attempt: Attempt
    calls: tuple[ApiCall, ...]
    polls: tuple[ApiCall, ...]
    alone: bool = True
    """True if its state was visited only once."""

    @property
    def action(self) -> ApiCall | None:
        return action_of(self.attempt, self.calls)

    @property
    def actions(self) -> list[ApiCall]:
        return [call for call in self.calls if is_action(self.attempt, call)]

    @property
    def subject(self) -> str:
        """Name its state: among several visits by its path, of several tries by number.

        So `Work`, `Each[3] / Work`, `Work (try 2)`.
        """
        visit, tries = self.visit, self.visit.attempts
        name = visit.name if self.alone else visit.path.removeprefix(f"{ROOT} / ")
        if len(tries) == 1:
            return named(name)
        ids = [attempt.scheduled_id for attempt in tries]
        return f"{named(name)} (try {ids.index(self.attempt.scheduled_id) + 1})"

    @property
    def end_event(self) -> str:
        """The event that ended it, or the last that is known of it."""
        return f"#{self.attempt.event_ids[-1]}"


@dataclass(frozen=True, slots=True)
class Use:
    """The visits of one state that use one and the same resource."""

    visits: tuple[StateVisit, ...]
    tries: tuple[Try, ...]

    @property
    def name(self) -> str:
        return named(self.visits[0].name)

    @property
    def first(self) -> Attempt:
        return self.tries[0].attempt


@dataclass(frozen=True, slots=True)
class Case:
    """One execution of a trace, taken apart by what its states use."""

    trace: Trace
    timeline: Timeline
    uses: tuple[Use, ...]
    """In the order of their first visits."""
    complete: datetime | None
    """Up to when all calls are believed known; None where there is no saying."""

    @property
    def watched(self) -> bool:
        """True if CloudTrail was asked, or its records given."""
        return is_watched(self.trace)

    def links(self, tried: Try) -> Iterator[Link]:
        for call in tried.calls:
            yield self.trace.links[call.event_id]

    def covers(self, at: datetime | None) -> bool:
        """True if CloudTrail is believed complete to a moment."""
        return at is not None and self.complete is not None and self.complete >= at


def action_of(attempt: Attempt, calls: Iterable[ApiCall]) -> ApiCall | None:
    """Find the call that began the job: of those that AWS took, the last in time."""
    began = [c for c in calls if is_action(attempt, c) and c.error_code is None]
    return began[-1] if began else None


def later(at: datetime, by: timedelta) -> datetime:
    """Add up, but never past the end of the calendar: records may be of any time."""
    return at + min(by, _LAST - at)


def is_watched(trace: Trace) -> bool:
    return bool(trace.calls) or "lookup" in trace.health


def case_of(
    trace: Trace, timeline: Timeline, calls: CallsByAttempt | None = None
) -> Case:
    """Lay out one execution; `calls` where they are known from another of the trace."""
    by_attempt = calls_by_attempt(trace) if calls is None else calls
    groups: dict[tuple[object, ...], list[StateVisit]] = defaultdict(list)
    for visit in timeline.visits:
        if visit.attempts:
            first = visit.attempts[0]
            key = (visit.name, first.pattern, first.resource_type, first.resource)
            groups[key].append(visit)
    arn = timeline.execution_arn
    uses = tuple(_use(arn, visits, by_attempt) for visits in groups.values())
    return Case(trace, timeline, uses, complete_to(trace))


def _use(arn: str, visits: Sequence[StateVisit], calls: CallsByAttempt) -> Use:
    tries, alone = [], len(visits) == 1
    for visit in visits:
        for attempt in visit.attempts:
            own = calls.get((arn, attempt.scheduled_id), [])
            polls = tuple(polls_of(attempt, own))
            tries.append(Try(visit, attempt, tuple(own), polls, alone))
    return Use(tuple(visits), tuple(tries))


def known_to(trace: Trace, timeline: Timeline) -> datetime | None:
    """Give the last moment something is known of an execution: its end, if it ended."""
    if timeline.stopped_at is not None:
        return timeline.stopped_at
    moments = [event.timestamp for event in timeline.events.values()]
    heard = [timeline.described.at if timeline.described else None]
    heard.append(trace.told_at("history", timeline.execution_arn))
    moments.extend(at for at in heard if at is not None)
    return max(moments, default=timeline.started_at)
