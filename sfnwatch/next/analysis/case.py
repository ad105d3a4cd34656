"""What the findings of one execution are made from, worked out once.

A Map's ten thousand iterations run one state: they are one `StateUse` of it, and are
told of together. So many attempts take a while: whoever makes a case may pause.
"""

from collections import defaultdict
from collections.abc import Generator, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from math import inf
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from sfnwatch.next.analysis.completion import (
    Completion,
    completion_of,
    is_denied,
    polls_of,
)
from sfnwatch.next.analysis.intervals import Intervals, settled_intervals
from sfnwatch.next.analysis.wording import named, visit_name
from sfnwatch.next.model.api_call import ApiCall, CallName, session_name
from sfnwatch.next.model.coverage import Coverage
from sfnwatch.next.model.execution import ExecutionAsOf
from sfnwatch.next.model.integrations import CallRole, Integration, jobs_of_call
from sfnwatch.next.model.json_text import text_of
from sfnwatch.next.model.links import Link, LinkRule
from sfnwatch.next.model.moment import Moment
from sfnwatch.next.model.unrecorded import Unrecorded
from sfnwatch.next.model.visits import Attempt, StateVisit

FEW = 3
"""So many attempts of a state are told of one by one; more of them together."""
_PAUSE = 50
"""After so many visits, or twenty times as many calls, the work may pause."""
_XRAY = "xray.amazonaws.com"
_LAST = datetime.max.replace(tzinfo=UTC)
T = TypeVar("T")
Work = Generator[None, None, T]
"""Work that yields where it may pause, and returns what it made."""


class AttemptCase(Struct, frozen=True):
    """One attempt, with the calls matched to it in the order of their times."""

    visit: StateVisit
    attempt: Attempt
    calls: Sequence[ApiCall]
    polls: Sequence[ApiCall]
    actions: Sequence[ApiCall]
    action: ApiCall | None
    """The call that started the job: of those AWS accepted, the last in time."""
    intervals: Intervals
    """Those that no later record can divide."""
    completion: Completion | None
    """How Step Functions learned of the end of its job."""
    alone: bool
    """True if its state was visited only once."""
    complete: bool
    """False while more polls may be made, or come to light."""

    @property
    def running(self) -> bool:
        return self.attempt.status == "running"

    @property
    def denied(self) -> list[ApiCall]:
        return [poll for poll in self.polls if is_denied(poll)]

    @property
    def subject(self) -> str:
        """Name its state, and of several attempts which: `Each[3] / Work (try 2)`."""
        name, tries = visit_name(self.visit, alone=self.alone), self.visit.attempts
        if len(tries) == 1:
            return name
        ids = [attempt.scheduled_id for attempt in tries]
        return f"{name} (try {ids.index(self.attempt.scheduled_id) + 1})"

    @property
    def end_event(self) -> str:
        """The event that ended it, or the last that is known of it."""
        return f"#{self.attempt.event_ids[-1]}"

    @property
    def place(self) -> dict[str, Any]:
        """What data says of which attempt it is about."""
        return {"visit": self.visit.id, "attempt": self.attempt.scheduled_id}


class StateUse(Struct, frozen=True):
    """The visits of one state that use one and the same resource."""

    visits: Sequence[StateVisit]
    attempts: Sequence[AttemptCase]

    @property
    def name(self) -> str:
        return named(self.visits[0].name)

    @property
    def first(self) -> Attempt:
        return self.attempts[0].attempt

    @property
    def row(self) -> Integration | None:
        return self.first.integration


class Survey:
    """What is known around all executions of a moment: how far, and what of."""

    def __init__(self, moment: Moment, now: datetime | None = None) -> None:
        self.moment = moment
        self.coverage = Coverage(moment)
        self.watched = self.coverage.live or bool(moment.trace.calls)
        """True if CloudTrail was asked, or its records given."""
        self._now = now
        self.unexplained: list[ApiCall] = []
        """The calls by Step Functions that no attempt explains, in order."""
        self.unmatched: dict[tuple[str | None, LinkRule], list[ApiCall]] = {}
        """Calls of no job by the role of an execution, and those that fit several: by
        the execution, None for one of several, and by how they are matched."""
        self._call_names: set[CallName] = set()

    @cached_property
    def roots(self) -> Mapping[str, ExecutionAsOf]:
        """The executions to tell of, but for those that a replay has not come to."""
        all_known = self.moment.at is None
        roots = self.moment.roots.items()
        return {arn: each for arn, each in roots if all_known or each.known}

    @cached_property
    def complete_to(self) -> datetime | None:
        """Up to when all calls are believed known; None where there is no saying."""
        return self.coverage.complete_to

    def look(self) -> Work[None]:
        """Go through all calls once, and sort those that are matched to none."""
        for number, call in enumerate(self.moment.calls):
            if not number % (20 * _PAUSE):
                yield
            self._call_names.add(call.name)
            link = self.moment.link(call)
            if link is not None and link.attempt_id is not None:
                continue
            self._sort(call, link)

    def _sort(self, call: ApiCall, link: Link | None) -> None:
        # X-Ray's sampling calls run under the same role, and say nothing.
        noise = call.event_source == _XRAY
        ambiguous = link is not None and link.rule is LinkRule.AMBIGUOUS
        if not ambiguous and not noise and _by_step_functions(self.moment, call):
            self.unexplained.append(call)
        # Jobs are told of in groups.
        if link is not None and (ambiguous or not (noise or is_of_job(call))):
            key = link.execution_arn, link.rule
            self.unmatched.setdefault(key, []).append(call)

    def covers(self, at: datetime | None) -> bool:
        """True if CloudTrail is believed complete to a moment."""
        known = self.complete_to
        return at is not None and known is not None and known >= at

    def shows(self, row: Integration | None) -> bool:
        """True if such a call shows: it is a management event, or others like it came.

        Event history never has a data event. Nothing tells what a trail is set to log
        but what is in it: one Invoke says that it logs Invokes, if perhaps not of every
        function. That of an HTTP task may come, and names nobody whose it is.
        """
        if row is None or row.recorded:
            return row is not None
        name = (row.event_source, row.action_event)
        return row.unrecorded is Unrecorded.DATA_EVENT and name in self._call_names

    def is_exact(self, calls: Sequence[ApiCall]) -> bool:
        """True if what matches each of them to its attempt proves it."""
        links = self.moment.trace.links
        return all(links[call.event_id].rule.exact for call in calls)

    def known_to(self, execution: ExecutionAsOf) -> datetime | None:
        """Give the last moment something is known of: an execution's end, if it ended.

        One that was watched goes on until the last that came in, of whatever kind: a
        history says nothing while a state waits.
        """
        if execution.stopped_at is not None:
            return execution.stopped_at
        last = execution.events[-1].at if execution.events else execution.started_at
        if not execution.was_watched:
            return last
        now = self._now or self.moment.at or self._last_heard
        return max((at for at in (last, now) if at is not None), default=None)

    @cached_property
    def _last_heard(self) -> datetime | None:
        """When anything last came in."""
        moment, trace = self.moment, self.moment.trace
        told = [moment.requests[-1].sent_at] if moment.requests else []
        heard = [call.seen_at for call in trace.ordered_calls]
        heard += [reports[-1].seen_at for reports in trace.healths.values()]
        for execution in moment.executions.values():
            described = execution.described
            heard += [event.seen_at for event in execution.events]
            heard.append(described.seen_at if described else None)
        return max([*told, *(at for at in heard if at is not None)], default=None)


class Case(Struct, frozen=True):
    """One execution, taken apart by what its states use."""

    survey: Survey
    execution: ExecutionAsOf
    visits: Sequence[StateVisit]
    """In the order they were entered."""
    uses: Sequence[StateUse]
    """In the order of their first visits."""

    @property
    def moment(self) -> Moment:
        return self.survey.moment

    def visit(self, visit_id: int | None) -> StateVisit | None:
        return self.execution.visit(visit_id) if visit_id else None


def build_case(survey: Survey, execution: ExecutionAsOf) -> Work[Case]:
    """Lay out one execution."""
    groups: dict[tuple[object, ...], list[StateVisit]] = defaultdict(list)
    visits: list[StateVisit] = []
    for visit in execution.visits:
        visits.append(visit)
        if visit.attempts:
            first = visit.attempts[0]
            names = first.pattern, first.resource_type, first.resource
            groups[visit.name, *names].append(visit)
        if not len(visits) % _PAUSE:
            yield
    uses = []
    for those in groups.values():
        attempts: list[AttemptCase] = []
        for number, visit in enumerate(those):
            if not number % _PAUSE:
                yield
            attempts += _attempts(survey, execution.arn, visit, alone=len(those) == 1)
        uses.append(StateUse(those, attempts))
    return Case(survey, execution, visits, uses)


def _attempts(
    survey: Survey, arn: str, visit: StateVisit, *, alone: bool
) -> Iterator[AttemptCase]:
    coverage = survey.coverage
    for attempt in visit.attempts:
        key = arn, attempt.scheduled_id
        calls, row = survey.moment.calls_of(key), attempt.integration
        polls = polls_of(attempt, calls)
        actions = [
            call
            for call in calls
            if row and row.role_of(call.event_name) is CallRole.ACTION
        ]
        accepted = [call for call in actions if call.error_code is None]
        action = accepted[-1] if accepted else None
        yield AttemptCase(
            visit=visit,
            attempt=attempt,
            calls=calls,
            polls=polls,
            actions=actions,
            action=action,
            intervals=settled_intervals(coverage, action, polls),
            completion=completion_of(survey.moment, coverage, key, attempt),
            alone=alone,
            complete=coverage.has_all_polls(attempt),
        )


def is_of_job(call: ApiCall) -> bool:
    """True for a call that starts a job, asks for one, or stops it."""
    return bool(jobs_of_call(call.event_source, call.event_name))


def _by_step_functions(moment: Moment, call: ApiCall) -> bool:
    """True for its calls, and for rows that don't say whose they are."""
    if call.by_step_functions or call.whole:
        return call.by_step_functions
    row = moment.trace.cloudtrail_record(call)
    says = text_of(row.get("useragent")) or text_of(row.get("invokedby"))
    return session_name(row) is not None and not says


def later(at: datetime, by: timedelta) -> datetime:
    """Add up, but never past the end of the calendar: records may be of any time."""
    return at + min(by, _LAST - at)


def done(work: Work[T]) -> T:
    """Do work at one go."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            value: T = end.value
            return value


# -- what is missing of a history ------------------------------------------------------


def is_cut(execution: ExecutionAsOf) -> bool:
    """True where it is over, and the events that tell how are not here."""
    return not execution.running and execution.ending is None


def lost_to(execution: ExecutionAsOf) -> float:
    """Give the last id that is missing of an execution that is over; 0 if none is.

    Of a history that was cut nobody knows how many events it had.
    """
    if is_cut(execution):
        return inf
    events = execution.events
    if execution.running or not events or events[-1].id == len(events):
        return 0
    number = events[-1].id
    for event in reversed(events):
        if event.id != number:
            break
        number -= 1
    return max(0, number)


def is_end_lost(visit: StateVisit, lost: float) -> bool:
    """True if the event that ended a visit may be one of those that are missing."""
    return visit.exited_at is None and max(visit.event_ids, default=visit.id) < lost


def as_known(execution: ExecutionAsOf, visit: StateVisit, lost: float) -> StateVisit:
    """Give a visit as far as it is known: without its end, to its last event.

    Else it would be told to have lasted until the execution was over.
    """
    if not is_end_lost(visit, lost):
        return visit
    own = (execution.event(number) for number in visit.event_ids)
    last = max((event.at for event in own if event), default=visit.entered_at)
    return replace(visit, ended_at=last)
