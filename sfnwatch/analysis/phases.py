"""Phases of a visit, calls of an attempt, and how Step Functions learned of its end.

AWS's own timeline shows a visit as one bar. Here it is divided: the time before
anything of the state's own ran, the time it worked, the time from its job's stop until
Step Functions learned of it, and the time until the next try.

Polls alone can't show how Step Functions learned of the stop. The answer of a `.sync`
task, or else ECS, gives the time of the stop; the history gives the time at which Step
Functions knew. With a poll between the two, a poll may have reported it. With none, it
was the managed EventBridge rule, which leaves no call behind.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import NamedTuple, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from sfnwatch.analysis.grouping import grouped
from sfnwatch.analysis.quantities import times
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.arns import role_name
from sfnwatch.model.coverage import Coverage
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.integrations import CallRole, Pattern
from sfnwatch.model.linking.link import AttemptKey, LinkRule
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.state_language import states_of
from sfnwatch.model.visits import FAILED, Attempt, StateVisit

K = TypeVar("K")


class Phase(StrEnum):
    """What a part of a visit was spent on; the value is the word for it."""

    WAITING = "waiting"
    """Scheduled but not begun, a Wait state, or time that Step Functions took."""
    WORKING = "working"
    COMPLETION_LAG = "completion lag"
    """The job had stopped by its own clock; Step Functions did not know yet."""
    BACKING_OFF = "backing off"
    CONTAINER = "container"
    """A Parallel or Map: the states inside do the work."""
    STOPPED = "stopped"
    """The execution had ended, and was not redriven yet."""


PHASE_KEYS = {
    Phase.WORKING: "working",
    Phase.WAITING: "waiting",
    Phase.BACKING_OFF: "backing_off",
    Phase.COMPLETION_LAG: "noticing",
    Phase.CONTAINER: "around",
    Phase.STOPPED: "stopped",
}
"""The keys of the phases in data, in the order in which they are reported."""


class Segment(Struct, frozen=True):
    """A part of a visit; the segments of a visit leave no gap and don't overlap."""

    phase: Phase
    begin: datetime
    end: datetime
    attempt: int | None = None
    """The number of its try, from 1; None outside of tries."""
    status: str = "running"
    """How the try ended; outside of tries, how the visit ended."""
    open: bool = False
    """True for the last segment of a visit that still runs: it grows."""

    @property
    def seconds(self) -> float:
        return (self.end - self.begin).total_seconds()

    @property
    def failed(self) -> bool:
        return self.status in FAILED


_PhaseStep = tuple[Phase, datetime | None, str, int | None]
"""A phase, its end (None while it lasts), a status, and the number of the try."""
_WITHOUT_ATTEMPTS = {
    "Task": Phase.WAITING,
    "Wait": Phase.WAITING,
    "Map": Phase.CONTAINER,
    "Parallel": Phase.CONTAINER,
}


def end_of(visit: StateVisit, now: datetime) -> datetime:
    """Return when a visit ended, or how far it has come."""
    if visit.ended_at is not None:
        return max(visit.entered_at, visit.ended_at)
    known = (t for a in visit.attempts for t in (a.scheduled_at, a.ended_at) if t)
    return max(visit.entered_at, now, *known)


def length_of(visit: StateVisit, now: datetime) -> float:
    """Return the seconds a visit took, without the time when the execution was over."""
    return (end_of(visit, now) - visit.entered_at).total_seconds() - visit.paused


@lru_cache(maxsize=256)
def _retrying_states(definition: str | None) -> frozenset[str]:
    """Return the names of states with a Retry; none if the definition is not known."""
    return frozenset(name for name, s in states_of(definition) if s.get("Retry"))


def segments(
    execution: ExecutionAsOf, visit: StateVisit, now: datetime
) -> tuple[Segment, ...]:
    """Divide a visit from entered to ended, or to `now` while it runs.

    Clocks may disagree: a job's StoppedAt comes from the job's own clock. A phase whose
    end lies before its beginning takes no time.
    """
    at = visit.entered_at
    end = end_of(visit, now)
    found: list[Segment] = []
    for phase, step_end, status, attempt in _steps(execution, visit):
        until = end if step_end is None else min(max(step_end, at), end)
        if until > at:
            grows = visit.running and step_end is None
            found.append(Segment(phase, at, until, attempt, status, grows))
            at = until
    return tuple(_without_pauses(found, visit)) if visit.pauses else tuple(found)


def _without_pauses(found: Iterable[Segment], visit: StateVisit) -> Iterator[Segment]:
    """Make the time in which the execution was over a segment of its own."""
    for segment in found:
        begin = segment.begin
        for pause in visit.pauses:
            first = max(pause[0], begin)
            last = min(pause[1], segment.end)
            if first >= last:
                continue
            if first > begin:
                yield replace(segment, begin=begin, end=first, open=False)
            yield Segment(Phase.STOPPED, first, last, None, visit.status)
            begin = last
        if begin < segment.end:
            yield replace(segment, begin=begin)


def _steps(execution: ExecutionAsOf, visit: StateVisit) -> Iterator[_PhaseStep]:
    """Yield the phases of a visit in order; the last one has no end of its own."""
    status = visit.status
    if not visit.attempts:
        phase = _WITHOUT_ATTEMPTS.get(visit.type, Phase.WORKING)
        yield phase, None, status, None
        return
    for number, attempt in enumerate(visit.attempts, start=1):
        retried = number > 1 and not visit.is_redriven(number)
        phase = Phase.BACKING_OFF if retried else Phase.WAITING
        yield phase, attempt.scheduled_at, status, None
        yield from _attempt_steps(attempt, number)
    # A failure need not be the end of its state: the definition may have it retried.
    retries = attempt.status in FAILED and status in {"running", "aborted"}
    retries = retries and visit.name in _retrying_states(execution.definition_text)
    yield Phase.BACKING_OFF if retries else Phase.WAITING, None, status, None


def _attempt_steps(attempt: Attempt, number: int) -> Iterator[_PhaseStep]:
    begun = _begun(attempt)
    ended = attempt.ended_at
    status = attempt.status
    yield Phase.WAITING, begun or ended, status, number
    if begun is not None and attempt.stopped_at is not None:
        stopped = min(attempt.stopped_at, ended or attempt.stopped_at)
        yield Phase.WORKING, stopped, status, number
        yield Phase.COMPLETION_LAG, ended, status, number
    elif begun is not None:
        yield Phase.WORKING, ended, status, number


def _begun(attempt: Attempt) -> datetime | None:
    """Return when an attempt began to work; None if that is not known.

    A job begins to work once its service has accepted it.
    """
    if attempt.pattern not in {Pattern.SYNC, Pattern.TASK_TOKEN}:
        return attempt.started_at
    ended = attempt.started_at if attempt.ended_at is not None else None
    return attempt.submitted_at or ended


def seconds_by_phase(
    execution: ExecutionAsOf, visit: StateVisit, now: datetime
) -> Mapping[Phase, float]:
    """Return a visit's seconds by phase; phases that took no time are left out."""
    found: dict[Phase, float] = {}
    for segment in segments(execution, visit, now):
        found[segment.phase] = found.get(segment.phase, 0.0) + segment.seconds
    return found


# -- the calls of an attempt -----------------------------------------------------------

_DENIED = re.compile(r"(?i)AccessDenied|Unauthorized|NotAuthorized|Forbidden")
ENDED_OTHERWISE = frozenset({"timed_out", "aborted"})
"""The statuses of attempts that ended for another reason than their job's end."""
_SECOND = timedelta(seconds=1)
_LATE_POLL = timedelta(seconds=60)
"""A poll may be under way at the attempt's end; a later poll is of another wait."""


def is_denied(call: ApiCall) -> bool:
    """True for a call that IAM refused."""
    return call.error_code is not None and is_denial(call.error_code)


@lru_cache(maxsize=256)
def is_denial(code: str) -> bool:
    """True for the error code of a call that IAM refused."""
    return bool(_DENIED.search(code))


def sure_calls(snapshot: Snapshot, key: AttemptKey) -> Iterator[ApiCall]:
    """Yield the calls of an attempt, without those that are matched by a guess."""
    links = ((call, snapshot.link(call)) for call in snapshot.calls_of(key))
    return (call for call, link in links if link is not None and link.is_sure)


# -- how Step Functions learned of the end of a job ------------------------------------


class ToldBy(StrEnum):
    """What reported to Step Functions that a job had stopped."""

    EVENT = "event"
    POLL = "poll"
    UNKNOWN = "unknown"


class Completion:
    """The completion lag of an attempt, and what reported the job's stop."""

    def __init__(
        self, calls: "AttemptCalls", stopped_at: datetime, learned_at: datetime
    ) -> None:
        self.stopped_at = stopped_at
        self.learned_at = learned_at
        self.lag = (learned_at - stopped_at).total_seconds()
        """The seconds from the job's stop until Step Functions learned of it."""
        attempt = calls.attempt
        row = calls.attempt.integration
        self.job = row.job_word if row else "job"
        """The word for what stopped: a task, an execution."""
        self.poll_name = row.poll_events[0] if row and row.poll_events else "poll"
        """The name of the call that polls for it: `DescribeTasks`."""
        # A call's time is a whole second: a poll may lie in between, or surely does.
        own = calls.polls.sure
        polls = [call for call in own if stopped_at - call.event_time < _SECOND]
        between = [call for call in polls if call.event_time <= learned_at]
        answered = [call for call in between if call.error_code is None]
        self.failed_polls = [call for call in between if call.error_code is not None]
        """Polls in between that were denied or failed: they reported nothing."""
        self.surely_between = all(map(self._is_surely_between, self.failed_polls))
        """False if a failed poll may as well lie outside, within the same second."""
        unproven = calls.unproven_polls(calls.snapshot.calls, stopped_at, learned_at)
        open_ = (c for c in unproven if c.error_code is None and not answered)
        self.possible_polls = list(open_)
        """Answered polls in between that may be the attempt's own, without proof; none
        if an answered poll in between is surely its own."""
        # With a role of the attempt's own, all its polls may be in another account's
        # CloudTrail; and for another account, Step Functions uses no events.
        elsewhere = attempt.role_arn is not None and not own
        known = calls.complete and not elsewhere and not self.possible_polls
        unseen = ToldBy.EVENT if known else ToldBy.UNKNOWN
        self.by = ToldBy.POLL if answered else unseen
        surely = map(self._is_surely_between, answered)
        self.certain = any(surely) if answered else known
        """False while CloudTrail may still deliver a poll in between, or if a poll is
        in the same second as the stop or as Step Functions' learning of it."""

    def _is_surely_between(self, call: ApiCall) -> bool:
        at = call.event_time
        return self.stopped_at <= at and self.learned_at - at > _SECOND

    @property
    def between(self) -> str:
        """The words for what lies in between, if no answered poll does."""
        count = len(self.failed_polls)
        poll = f"{self.poll_name} call"
        if self.possible_polls:
            return f"with a {poll} in between that may be its own"
        if not count:
            return f"with no {poll} in between"
        denied = "was denied" if count == 1 else "were denied"
        how = denied if all(map(is_denied, self.failed_polls)) else "failed"
        if not self.surely_between:
            return f"with no {poll} in between but {count} that {how}"
        which = f"the only {poll}" if count == 1 else f"all {count} {poll}s"
        return f"{which} in between {how}"


def learned_by(completions: Iterable[Completion]) -> str:
    """Describe what reported the ends; empty if it differs or is not known."""
    told = list(completions)
    ways = {completion.by for completion in told}
    if ways == {ToldBy.EVENT}:
        return "by event"
    if ways == {ToldBy.POLL}:
        return "by a poll" if all(c.certain for c in told) else "by a poll or an event"
    return ""


class MatchedCalls(NamedTuple):
    """Calls that are matched to something, in order of time.

    Calls that are matched by a guess are kept apart. No figure counts them; a sentence
    only gives how many there may be.
    """

    sure: Sequence[ApiCall]
    guessed: Sequence[ApiCall] = ()

    @classmethod
    def joined(cls, parts: Iterable["MatchedCalls"]) -> "MatchedCalls":
        every = list(parts)
        guessed = [call for part in every for call in part.guessed]
        return cls([call for part in every for call in part.sure], guessed)

    @property
    def every(self) -> list[ApiCall]:
        return [*self.sure, *self.guessed]

    @property
    def ids(self) -> list[str]:
        return [call.event_id for call in self.every]

    @property
    def often(self) -> str:
        """How often the calls were made: `5 times`, `up to 5 times`."""
        count = len(self.every)
        if not self.guessed:
            return times(count)
        return "at most once" if count == 1 else f"up to {count} times"

    @property
    def figures(self) -> dict[str, int]:
        """The number of calls, for data; `up_to` only if some are guesses."""
        most = {"up_to": len(self.every)} if self.guessed else {}
        return {"count": len(self.sure), **most}

    @property
    def denied(self) -> "MatchedCalls":
        return self.those(is_denied)

    def those(self, test: Callable[[ApiCall], bool]) -> "MatchedCalls":
        """Return the calls that pass a test."""
        return MatchedCalls(*(list(filter(test, calls)) for calls in self))

    def grouped(self, key: Callable[[ApiCall], K]) -> dict[K, "MatchedCalls"]:
        """Group the calls by a key."""
        sure, guessed = (grouped(calls, key) for calls in self)
        kinds = {**sure, **guessed}
        return {k: MatchedCalls(sure.get(k, ()), guessed.get(k, ())) for k in kinds}


class AttemptCalls:
    """The calls matched to an attempt, and what they show; worked out on demand."""

    def __init__(
        self, snapshot: Snapshot, coverage: Coverage, key: AttemptKey, attempt: Attempt
    ) -> None:
        self.snapshot = snapshot
        self.coverage = coverage
        self.key = key
        self.attempt = attempt

    @cached_property
    def calls(self) -> MatchedCalls:
        sure = list(sure_calls(self.snapshot, self.key))
        ids = {call.event_id for call in sure}
        every = self.snapshot.calls_of(self.key)
        return MatchedCalls(sure, [call for call in every if call.event_id not in ids])

    def _of_role(self, role: CallRole) -> MatchedCalls:
        """Return the calls that have a role in the attempt's work, by their names."""
        row = self.attempt.integration
        if row is None:
            return MatchedCalls(())
        return self.calls.those(lambda call: row.role_of(call.event_name) is role)

    @cached_property
    def actions(self) -> MatchedCalls:
        return self._of_role(CallRole.ACTION)

    @cached_property
    def polls(self) -> MatchedCalls:
        """The polls made while the attempt waited; a poll hours later is another's."""
        polls = self._of_role(CallRole.POLL)
        end = self.attempt.ended_at
        if end is None:
            return polls
        return polls.those(lambda call: call.event_time - end < _LATE_POLL)

    @cached_property
    def complete(self) -> bool:
        """True if the records reach past the attempt's end.

        False while more polls may be made or found. A file may be cut at its end. A
        page of LookupEvents begins with the newest call, so it may also lack the
        oldest ones.
        """
        # Guesses count, too: what matters is how far the records reach, not whose
        # calls they are.
        end = self.attempt.ended_at
        calls = self.calls.every
        reach = self.coverage.of(self.key[0], self.attempt, calls)
        if end is None or reach is None or reach < end:
            return False
        if self.coverage.live or self.actions.every:
            return True
        return self.snapshot.calls[0].event_time <= self.attempt.scheduled_at

    @cached_property
    def completion(self) -> Completion | None:
        """How Step Functions learned of the end of the attempt's job.

        None unless the job's own answer, or ECS, gives the time of the stop. None also
        if that time is after Step Functions knew of the end: two clocks that disagree
        measure nothing. None also for an attempt that timed out or was aborted, which
        did not end because of its job.

        A denied poll reports nothing, so it is never what reported the end. While an
        answered poll in between may be the attempt's own without proof, what reported
        the end is not known.
        """
        attempt = self.attempt
        stopped = attempt.stopped_at
        learned = attempt.ended_at
        otherwise = attempt.status in ENDED_OTHERWISE
        if stopped is None or learned is None or stopped > learned or otherwise:
            return None
        return Completion(self, stopped, learned)

    def unproven_polls(
        self, calls: Sequence[ApiCall], begin: datetime, end: datetime | None
    ) -> Iterator[ApiCall]:
        """Yield the polls between two times that may be the attempt's own.

        `calls` are in order of time. Such a poll is matched to the attempt by a guess,
        or is ambiguous and fits it, or names its job. Or the attempt's role made it,
        and its record has no request parameters.
        """
        row = self.attempt.integration
        arn = self.key[0]
        execution = self.snapshot.executions[arn]
        role = role_name(self.attempt.role_arn or execution.role_arn)
        names = {(row.event_source, name) for name in row.poll_events} if row else set()
        first = bisect_right(calls, begin - _SECOND, key=lambda call: call.event_time)
        for call in map(calls.__getitem__, range(first, len(calls))):
            if end is not None and call.event_time > end:
                return
            link = self.snapshot.link(call) if call.name in names else None
            if link is None or link.is_sure:
                continue
            may_be_its = call.role == role and not call.has_request
            if call.has_request:
                naming = self.snapshot.trace.linker.calls_about(self.attempt)
                may_be_its = call.event_id in naming
            if link.key is not None or link.rule is LinkRule.AMBIGUOUS:
                fitting = {link.key, *link.candidates}
                may_be_its = self.key in fitting or link.unlisted > 0
            if may_be_its:
                yield call
