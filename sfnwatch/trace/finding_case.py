"""What the findings of one execution are made from, worked out once.

A Map's ten thousand iterations run one state: they are one `Use` of it, and told of
together. Three tries or fewer are told of one by one.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import inf

from msgspec import Struct, field

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.finding_words import named
from sfnwatch.trace.lane_ranks import is_action
from sfnwatch.trace.lanes import calls_by_attempt, complete_to, polls_of
from sfnwatch.trace.links import Link
from sfnwatch.trace.reach import Reach, reach, was_watched
from sfnwatch.trace.timeline import Timeline, Trace
from sfnwatch.trace.values import replace
from sfnwatch.trace.visits import ROOT, StateVisit

FEW = 3
"""So many of a state's tries are told of one by one; more of them together."""
_LAST = datetime.max.replace(tzinfo=UTC)
CallsByAttempt = Mapping[tuple[str, int], list[ApiCall]]


class Try(Struct, frozen=True):
    """One attempt, with the calls tied to it in the order of their times."""

    visit: StateVisit
    attempt: Attempt
    calls: tuple[ApiCall, ...]
    polls: tuple[ApiCall, ...]
    alone: bool = True
    """True if its state was visited only once."""
    whole: bool = True
    """False while more polls may be made, or come to light."""

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


class Use(Struct, frozen=True):
    """The visits of one state that use one and the same resource."""

    visits: tuple[StateVisit, ...]
    tries: tuple[Try, ...]

    @property
    def name(self) -> str:
        return named(self.visits[0].name)

    @property
    def first(self) -> Attempt:
        return self.tries[0].attempt


class Case(Struct, frozen=True):
    """One execution of a trace, taken apart by what its states use."""

    trace: Trace
    timeline: Timeline
    uses: tuple[Use, ...]
    """In the order of their first visits."""
    complete: datetime | None
    """Up to when all calls are believed known; None where there is no saying."""
    reach: Reach = field(default_factory=Reach)
    """The same for each try: what is missing of its polls, and what is not."""
    now: datetime | None = None
    """The screen's, where it goes on while nothing comes in."""

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
    trace: Trace,
    timeline: Timeline,
    calls: CallsByAttempt | None = None,
    *,
    now: datetime | None = None,
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
    known = reach(trace)
    uses = tuple(_use(arn, visits, by_attempt, known) for visits in groups.values())
    return Case(trace, timeline, uses, complete_to(trace), known, now)


def _use(
    arn: str, visits: Sequence[StateVisit], calls: CallsByAttempt, known: Reach
) -> Use:
    tries, alone = [], len(visits) == 1
    for visit in visits:
        for attempt in visit.attempts:
            own = calls.get((arn, attempt.scheduled_id), [])
            polls = tuple(polls_of(attempt, own))
            whole = known.whole(attempt)
            tries.append(Try(visit, attempt, tuple(own), polls, alone, whole))
    return Use(tuple(visits), tuple(tries))


def known_to(
    trace: Trace, timeline: Timeline, now: datetime | None = None
) -> datetime | None:
    """Give the last moment something is known of an execution: its end, if it ended.

    One that was watched goes on until the last that came in, of whatever kind: a
    history says nothing while a state waits. `now` is the screen's, where there is one.
    """
    if timeline.stopped_at is not None:
        return timeline.stopped_at
    moments = [event.timestamp for event in timeline.events.values()]
    if was_watched(timeline):
        moments += [*_heard(trace), *([now] if now else [])]
    return max(moments, default=timeline.started_at)


def _heard(trace: Trace) -> Iterator[datetime]:
    """Give the moments at which anything came in."""
    for request in trace.requests.values():
        yield request.sent_at
    told: list[datetime | None] = [call.seen_at for call in trace.calls.values()]
    told += [received.at for received in trace.healths.values()]
    for timeline in trace.histories.values():
        told += [event.seen_at for event in timeline.events.values()]
        told.append(timeline.described.at if timeline.described else None)
    yield from (at for at in told if at is not None)


def is_cut(timeline: Timeline) -> bool:
    """True where it is over, and the events that tell how are not here."""
    return not timeline.running and timeline.ending is None


def lost_to(timeline: Timeline) -> float:
    """Give the last id that is missing of an execution that is over; 0 if none is.

    Of a history that was cut nobody knows how many events it had.
    """
    if is_cut(timeline):
        return inf
    number = 0 if timeline.running else max(timeline.events, default=0)
    while number in timeline.events:
        number -= 1
    return max(0, number)


def is_end_lost(visit: StateVisit, lost: float) -> bool:
    """True if the event that ended a visit may be one of those that are missing."""
    return visit.exited_at is None and max(visit.event_ids, default=visit.id) < lost


def as_known(timeline: Timeline, visit: StateVisit, lost: float) -> StateVisit:
    """Give a visit as far as it is known: without its end, to its last event.

    Else it would be told to have lasted until the execution was over.
    """
    if not is_end_lost(visit, lost):
        return visit
    own = [
        timeline.events[n].timestamp for n in visit.event_ids if n in timeline.events
    ]
    return replace(visit, ended_at=max(own, default=visit.entered_at))
