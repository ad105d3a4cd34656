"""An execution laid out by state and attempt, for findings, tables and comparisons.

The ten thousand iterations of a Map run one state. They are one `StateUse` of it, and
are reported together. So many attempts take a while, so whoever builds a case may pause
after each step of the `Work`.
"""

from collections import Counter
from collections.abc import Generator, Hashable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from math import inf
from statistics import fmean
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from sfnwatch.analysis.grouping import grouped
from sfnwatch.analysis.integration_words import resource_words
from sfnwatch.analysis.lists import listed
from sfnwatch.analysis.names import named, visit_path
from sfnwatch.analysis.phases import AttemptCalls, MatchedCalls
from sfnwatch.analysis.quantities import cadence, decimal, time_of_day
from sfnwatch.model.api_call import ApiCall, CallName, session_name
from sfnwatch.model.arns import role_name
from sfnwatch.model.coverage import Coverage
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.integrations import Integration, Pattern, Unrecorded, jobs_of_call
from sfnwatch.model.linking.link import LinkRule
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.times import from_microseconds
from sfnwatch.model.values import text_of
from sfnwatch.model.visits import StateVisit

FIRST_POLL = timedelta(seconds=70)
"""The first poll has come by then: recorded first polls came after 55 to 60 s."""
CLOCKS_APART = timedelta(seconds=5)
"""How far two clocks may differ if no record measures it [inferred]."""
_KEPT_INTERVALS = 100
"""The most intervals between polls that a finding's data holds."""
_LISTED_INTERVALS = 6
"""The most intervals that a sentence lists; of more, it gives only the extremes."""
_XRAY = "xray.amazonaws.com"
_NEVER = datetime.min.replace(tzinfo=UTC)
T = TypeVar("T")
Work = Generator[None, None, T]
"""Work that yields wherever it may pause, and then returns its result."""


# -- attempts --------------------------------------------------------------------------


class Spacing(Struct, frozen=True):
    """The seconds between polls: how often Step Functions asked for a job."""

    seconds: Sequence[float]
    since: str | None = None
    """The action call from which the first interval counts; None if not known."""

    @property
    def data(self) -> dict[str, Any]:
        """The intervals with their mean, minimum and maximum, in seconds."""
        listed = {"intervals": self.seconds[:_KEPT_INTERVALS], "from": self.since}
        return {**spread(self.seconds), **listed}

    def words(self, *, several: bool = False) -> str:
        """Describe how often: `, about once a minute: at intervals of 55 and 59 s, …`.

        For several attempts, only the extremes are given. Empty without intervals.
        """
        gaps = self.seconds
        name = named(self.since) if self.since else ""
        if not gaps:
            return ""
        if len(gaps) == 1 and not several:
            return f", {decimal(gaps[0])} s {f'after {name}' if name else 'apart'}"
        often = cadence(fmean(gaps))
        average = decimal(fmean(gaps))
        since = f", counted from {name}" if name and not several else ""
        if several or len(gaps) > _LISTED_INTERVALS:
            least = decimal(min(gaps))
            most = decimal(max(gaps))
            extremes = f" ({least} to {most} s)" if least != most else ""
            return f", {often}{extremes}{since}"
        each = listed([decimal(gap) for gap in gaps])
        return f", {often}: at intervals of {each} s{since} (mean {average} s)"


def spacing(action: ApiCall | None, polls: Sequence[ApiCall]) -> Spacing:
    """Measure from poll to poll, and from the action call if it came before them."""
    if action is None or (polls and polls[0].event_time < action.event_time):
        return Spacing(gaps(polls))
    return Spacing(gaps([action, *polls]), action.event_name)


def gaps(calls: Sequence[ApiCall]) -> list[float]:
    """Return the seconds from each call to the next."""
    times = [call.event_time for call in calls]
    return [(after - before).total_seconds() for before, after in pairwise(times)]


def spread(seconds: Sequence[float]) -> dict[str, Any]:
    return {
        "interval_mean": round(fmean(seconds), 1) if seconds else None,
        "interval_min": min(seconds, default=None),
        "interval_max": max(seconds, default=None),
    }


class AttemptCase(AttemptCalls):
    """An attempt in one of a survey's executions, with the words for it."""

    def __init__(self, use: "StateUse", visit: StateVisit, number: int) -> None:
        """`number` is the attempt's number within its visit, from 1."""
        attempt = visit.attempts[number - 1]
        several = len(visit.attempts) > 1
        survey = use.survey
        key = (use.execution.arn, attempt.scheduled_id)
        super().__init__(survey.snapshot, survey.coverage, key, attempt)
        self.use = use
        self.visit = visit
        name = use.name if len(use.visits) == 1 else visit_path(visit)
        self.subject = f"{name} (try {number})" if several else name
        """The state, and which try if there are several: `Each[3] / Work (try 2)`."""
        self.running = attempt.status == "running"

    @property
    def seconds(self) -> float | None:
        """The seconds from scheduled to ended; None while the attempt runs."""
        begun = self.attempt.scheduled_at
        ended = self.attempt.ended_at
        return (ended - begun).total_seconds() if ended is not None else None

    def ran_at(self, at: datetime) -> bool:
        """True if the attempt ran at a call's time, or may have by another clock."""
        ended = self.attempt.ended_at
        begun = self.attempt.scheduled_at - CLOCKS_APART
        return begun <= at and (ended is None or at <= ended + CLOCKS_APART)

    @property
    def end_event(self) -> str:
        """The event that ended the attempt, or its last known event: `#7`."""
        return f"#{self.attempt.event_ids[-1]}"

    @property
    def action(self) -> ApiCall | None:
        """The call that started the job: the last one that AWS accepted, or None."""
        accepted = [call for call in self.actions.sure if call.error_code is None]
        return accepted[-1] if accepted else None

    @cached_property
    def spacing(self) -> Spacing:
        """The seconds between polls: only intervals that no later record can divide."""
        action = self.action
        coverage = self.coverage
        first = action is not None and coverage.is_settled(action)
        return spacing(action if first else None, self.known_polls)

    @cached_property
    def known_polls(self) -> Sequence[ApiCall]:
        """The polls between which no later record can fall."""
        return self.coverage.settled(self.polls.sure)

    @property
    def settled(self) -> bool:
        """True if later records can't change what is said about the polls.

        While the attempt waits, more polls are expected. Then it is enough that the
        records are complete up to the last poll.
        """
        if self.attempt.ended_at is not None:
            return self.coverage.has_all_polls(self.attempt)
        return len(self.known_polls) == len(self.polls.sure)

    @property
    def is_seen_whole(self) -> bool:
        """True if a poll would be in the records by now, had one been made."""
        ended = self.attempt.ended_at
        if ended is not None and self.attempt.pattern is not Pattern.SYNC:
            action = (self.actions.sure or self.actions.guessed)[-1]
            ended = max(ended, action.event_time + FIRST_POLL)
        return self.use.survey.covers(ended)

    @property
    def way(self) -> tuple[str, bool]:
        """What the attempt runs, and whether all its polls were denied."""
        polls = self.polls
        denied = polls.sure and len(polls.denied.every) == len(polls.every)
        return resource_words(self.attempt), bool(denied)

    @property
    def place(self) -> dict[str, Any]:
        """The attempt as data names it: by its visit's id and its own."""
        return {"visit": self.visit.id, "attempt": self.attempt.scheduled_id}

    @property
    def polls_that_may_be_its(self) -> list[ApiCall]:
        """Polls of the attempt's time that may be its own: guessed or unmatched."""
        ended = self.attempt.ended_at
        end = None if ended is None else ended + CLOCKS_APART
        begin = self.attempt.scheduled_at - CLOCKS_APART
        return list(self.unproven_polls(self.use.survey.unproven, begin, end))


class Attempts:
    """Attempts that are reported together; mostly there is only one."""

    def __init__(self, cases: Sequence[AttemptCase]) -> None:
        self.cases = cases
        self.several = len(cases) > 1
        self.calls = MatchedCalls.joined(each.calls for each in cases)
        self.actions = MatchedCalls.joined(each.actions for each in cases)
        self.polls = MatchedCalls.joined(each.polls for each in cases)
        self.denied = self.polls.denied
        self.gaps = [gap for each in cases for gap in each.spacing.seconds]
        self.statuses = {each.attempt.status for each in cases}
        self.complete = all(each.complete for each in cases)
        self.so_far = "" if self.complete else " so far"

    @property
    def first(self) -> AttemptCase:
        return self.cases[0]

    @property
    def place(self) -> dict[str, Any]:
        """The attempts as data names them: the first one, and how many there are."""
        more = {"tries": len(self.cases)} if self.several else {}
        return {**self.first.place, **more}


# -- what is known around them ---------------------------------------------------------


class Survey:
    """What a snapshot shows beyond each execution: how far it reaches, open calls."""

    def __init__(self, snapshot: Snapshot, now: datetime | None = None) -> None:
        self.snapshot = snapshot
        self.coverage = Coverage(snapshot)
        self.watched = self.coverage.live or bool(snapshot.trace.calls)
        """True if CloudTrail was asked, or if there are records of it."""
        self._given_now = now
        self.unexplained: list[ApiCall] = []
        """The calls by Step Functions that no attempt explains, in order of time."""
        self.unmatched: dict[tuple[str | None, LinkRule], list[ApiCall]] = {}
        """Calls by an execution's role that are ambiguous, or that concern no job. The
        key is the execution's ARN (None if it may be one of several) and the rule."""
        self.unproven: list[ApiCall] = []
        """Calls by a role of these executions, in order of time, whose attempt nothing
        proves: matched by a guess, ambiguous, or matched to no attempt."""
        self.doubtful_names: Counter[CallName] = Counter()
        """The number of calls of each name whose match is in doubt: another attempt may
        have made them than the matched one, or one though none is matched."""
        self._call_names: set[CallName] = set()

    @cached_property
    def roots(self) -> Mapping[str, ExecutionAsOf]:
        """The executions to report, without those that a replay has not reached."""
        all_known = self.snapshot.at is None
        roots = self.snapshot.roots.items()
        return {arn: each for arn, each in roots if all_known or each.known}

    @cached_property
    def started(self) -> Mapping[str, Sequence[ExecutionAsOf]]:
        """Child executions by the ARN that started them: a Map Run or an execution."""
        parents = self.snapshot.lineage.parents.items()
        origin = {arn: each.map_run_arn or each.execution_arn for arn, each in parents}
        return grouped(self.snapshot.children.values(), lambda child: origin[child.arn])

    @cached_property
    def unproven_by_name(self) -> Mapping[CallName, Sequence[ApiCall]]:
        """The calls in `unproven`, by name."""
        return grouped(self.unproven, lambda call: call.name)

    @property
    def known_words(self) -> str:
        """The words for how far it is known that nothing came: ` up to 12:00:00`."""
        known = self.coverage.complete_to
        return f" up to {time_of_day(known)}" if known is not None else " so far"

    def look(self) -> Work[None]:
        """Go through all calls once, and sort out those without a proven match."""
        for call in self.snapshot.calls:
            yield
            self._call_names.add(call.name)
            link = self.snapshot.link(call)
            if link is not None and not link.is_sure:
                self.unproven.append(call)
                self.doubtful_names[call.name] += 1
            if link is not None and link.key is not None:
                continue
            # X-Ray's sampling calls have the same role, but show nothing of the states.
            noise = call.event_source == _XRAY
            ambiguous = link is not None and link.rule is LinkRule.AMBIGUOUS
            if link is None and _by_step_functions(self.snapshot, call):
                self.doubtful_names[call.name] += 1
            if not ambiguous and not noise and _by_step_functions(self.snapshot, call):
                self.unexplained.append(call)
            # Calls of jobs are reported in groups, by `calls_alone`.
            if link is not None and (ambiguous or not (noise or is_of_job(call))):
                key = link.execution_arn, link.rule
                self.unmatched.setdefault(key, []).append(call)

    def covers(self, at: datetime | None) -> bool:
        """True if CloudTrail is believed complete up to a time; False for None."""
        known = self.coverage.complete_to
        return at is not None and known is not None and known >= at

    def shows(self, row: Integration | None) -> bool:
        """True if an integration's call can show in the records.

        A management event shows. The Event history never has a data event. Only a
        trail's records show what the trail logs: one Invoke shows that it logs Invokes,
        though perhaps not those of every function. The call of an HTTP task may be
        recorded, but it names no caller.
        """
        if row is None or row.recorded:
            return row is not None
        name = (row.event_source, row.action_event)
        return row.unrecorded is Unrecorded.DATA_EVENT and name in self._call_names

    def known_to(self, execution: ExecutionAsOf) -> datetime | None:
        """Return the last time of which something is known: the end, if it ended.

        A watched execution is known up to the newest record of any kind, since its
        history has no new event while a state waits. None if no time is known.
        """
        if execution.stopped_at is not None:
            return execution.stopped_at
        last = execution.events[-1].at if execution.events else execution.started_at
        if not execution.was_watched:
            return last
        return max(last or self._now, self._now)

    @cached_property
    def _now(self) -> datetime:
        return self._given_now or last_moment(self.snapshot)


def last_moment(snapshot: Snapshot) -> datetime:
    """Return the newest time in a snapshot: what still runs has come that far.

    The time of a request or an answer counts, too: nothing had ended by then.
    """
    trace = snapshot.trace
    runs = snapshot.executions.values()
    dated: list[Any] = [event for run in runs for event in run.events]
    dated += (state for told in trace.task_states.values() for state in told)
    others: list[Any] = [told[-1] for told in trace.healths.values()]
    others += (each for run in runs for each in (run.described, run.defined) if each)
    known = [row.at for row in dated]
    known += [row.seen_at for row in (*dated, *others) if row.seen_at is not None]
    known += [call.event_time for call in trace.ordered_calls[-1:]]
    known += [request.sent_at for request in trace.requests[-1:]]
    return snapshot.at or max(known, default=from_microseconds(0))


def is_of_job(call: ApiCall) -> bool:
    """True for a call that starts a job, polls for it or stops it."""
    return bool(jobs_of_call(call.event_source, call.event_name))


def _by_step_functions(snapshot: Snapshot, call: ApiCall) -> bool:
    """True for calls by Step Functions, and for rows that don't name their caller."""
    if call.by_step_functions or call.whole:
        return call.by_step_functions
    row = snapshot.trace.cloudtrail_record(call)
    says = text_of(row.get("useragent")) or text_of(row.get("invokedby"))
    return session_name(row) is not None and not says


# -- one execution ---------------------------------------------------------------------


class StateUse:
    """The visits of one state that use the same resource."""

    def __init__(
        self, survey: Survey, execution: ExecutionAsOf, visits: Sequence[StateVisit]
    ) -> None:
        self.survey = survey
        self.execution = execution
        self.visits = visits
        self.name = named(visits[0].name)
        self.first = visits[0].attempts[0]
        self.row = self.first.integration
        self.starts_job = self.row is not None and self.row.starts_job

    @cached_property
    def attempts(self) -> Sequence[AttemptCase]:
        numbered = ((v, n) for v in self.visits for n, _ in enumerate(v.attempts, 1))
        return [AttemptCase(self, visit, number) for visit, number in numbered]

    def unproven_calls(self, name: CallName, error_code: str | None) -> list[ApiCall]:
        """Return the calls of a name, and of an error, that its attempts may have made.

        A role of these attempts made them. One of the attempts ran at the time, or is a
        candidate. Nothing proves who made them: the SDK itself tries a call again.
        Calls that are matched to one of the attempts by a guess are left out.
        """
        keys = {attempt.key for attempt in self.attempts}
        roles = {
            role_name(attempt.attempt.role_arn or self.execution.role_arn)
            for attempt in self.attempts
        }
        found = []
        for call in self.survey.unproven_by_name.get(name, ()):
            link = self.survey.snapshot.link(call)
            is_alike = call.role in roles
            is_other_error = error_code is not None and call.error_code != error_code
            if not is_alike or is_other_error or link is None or link.key in keys:
                continue
            is_candidate = not keys.isdisjoint(link.candidates)
            ran = any(attempt.ran_at(call.event_time) for attempt in self.attempts)
            if is_candidate or ran:
                found.append(call)
        return found


class Case(Struct, frozen=True, dict=True):
    """One execution, divided by the resources that its states use."""

    survey: Survey
    execution: ExecutionAsOf
    visits: Sequence[StateVisit]
    """In the order in which they were entered."""
    uses: Sequence[StateUse]
    """In the order of their first visits."""

    @property
    def snapshot(self) -> Snapshot:
        return self.survey.snapshot

    @cached_property
    def known_to(self) -> datetime:
        """The last time of which something is known of the execution."""
        return self.survey.known_to(self.execution) or _NEVER

    @cached_property
    def attempts_of(self) -> Mapping[int, Sequence[AttemptCase]]:
        """The attempts of each visit that has any, by the visit's id."""
        every = (each for use in self.uses for each in use.attempts)
        return grouped(every, lambda each: each.visit.id)

    def state_name(self, visit_id: int | None) -> str:
        visit = self.execution.visit(visit_id) if visit_id else None
        return named(visit.name) if visit else "A Map state"

    @property
    def is_cut(self) -> bool:
        """True if the execution is over, but the event that ended it is missing."""
        return not self.execution.running and self.execution.ending is None

    @cached_property
    def lost_to(self) -> float:
        """The id of the last missing event of an execution that is over; 0 if none.

        Infinite for a history that was cut: its number of events is not known.
        """
        if self.is_cut:
            return inf
        ids = [0, *(event.id for event in self.execution.events)]
        gaps = (after - 1 for before, after in pairwise(ids) if after - before > 1)
        return 0 if self.execution.running else max(gaps, default=0)

    def is_end_lost(self, visit: StateVisit) -> bool:
        """True if the event that ended a visit may be among the missing events."""
        last = max(visit.event_ids, default=visit.id)
        return visit.exited_at is None and last < self.lost_to

    def as_known(self, visit: StateVisit) -> StateVisit:
        """Return a visit that ends with its last known event, if its end is missing.

        Otherwise it would seem to last until the execution was over.
        """
        if not self.is_end_lost(visit):
            return visit
        own = (self.execution.event(number) for number in visit.event_ids)
        last = max((event.at for event in own if event), default=visit.entered_at)
        return replace(visit, ended_at=last)


def build_case(survey: Survey, execution: ExecutionAsOf) -> Work[Case]:
    """Build the case of one execution."""
    visits: list[StateVisit] = []
    groups: dict[Hashable, list[StateVisit]] = {}
    # A copy: more visits may come in between two steps.
    for visit in list(execution.visits):
        yield
        visits.append(visit)
        if visit.attempts:
            first = visit.attempts[0]
            use = visit.name, first.pattern, first.resource_type, first.resource
            groups.setdefault(use, []).append(visit)
    uses = [StateUse(survey, execution, those) for those in groups.values()]
    return Case(survey, execution, visits, uses)


def done(work: Work[T]) -> T:
    """Run work to its end without a pause, and return its result."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            value: T = end.value
            return value
