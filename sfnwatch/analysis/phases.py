"""Where the time went: the phases of a visit, completion lag, the critical path.

What AWS's own timeline shows as one bar is told apart here: time in which nothing of
the state's own ran yet, time it worked, time from its job's stop until Step Functions
learned of it, time until the next try.

How it learned of that, polling alone can't answer. A `.sync` task's own answer says
when it stopped, or else what ECS told of it, and the history when Step Functions knew.
With a poll between the two, a poll may have told; with none, it was the managed
EventBridge rule, which leaves no call behind.

A Parallel lasts as long as its slowest branch. So each second is counted once, along
the critical path: the states of the top level, and for a Parallel or a Map those of the
branch or iteration that its end waited for.
"""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from sfnwatch.analysis.finding import Finding, Steps, finding
from sfnwatch.analysis.wording import listed, plural, spoken, visit_name
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.arns import role_name
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.integrations import CallRole, Pattern, states_of
from sfnwatch.model.links import AttemptKey, LinkRule
from sfnwatch.model.moment import Coverage, Moment
from sfnwatch.model.visits import Attempt, StateVisit

if TYPE_CHECKING:
    from sfnwatch.analysis.case import Case


class Phase(StrEnum):
    """What a stretch of a visit was spent on; the value is the word for it."""

    WAITING = "waiting"
    """Scheduled but not begun, a Wait state, and what Step Functions took itself."""
    WORKING = "working"
    COMPLETION_LAG = "completion lag"
    """The job had stopped by its own clock; Step Functions did not know yet."""
    BACKING_OFF = "backing off"
    CONTAINER = "container"
    """A Parallel or Map: the work is that of the states inside."""
    STOPPED = "stopped"
    """The execution itself was over, until it was redriven."""


class Segment(Struct, frozen=True):
    """A stretch of a visit; the segments of a visit leave no gap and don't overlap."""

    phase: Phase
    begin: datetime
    end: datetime
    attempt: int | None = None
    """Which try it belongs to, from 1; None for what lies outside of tries."""
    status: str = "running"
    """How that try, or else the visit, ended."""
    open: bool = False
    """True for the last segment of a visit that still runs: it grows."""

    @property
    def seconds(self) -> float:
        return (self.end - self.begin).total_seconds()

    @property
    def failed(self) -> bool:
        return self.status in {"failed", "timed_out"}


_Step = tuple[Phase, datetime | None, str, int | None]
"""A phase, and until when it lasts, or None while it does; a status, and which try."""
_WITHOUT_ATTEMPTS = {
    "Task": Phase.WAITING,
    "Wait": Phase.WAITING,
    "Map": Phase.CONTAINER,
    "Parallel": Phase.CONTAINER,
}


def end_of(visit: StateVisit, now: datetime) -> datetime:
    """Give when a visit was over, or how far it has come."""
    if visit.ended_at is not None:
        return max(visit.entered_at, visit.ended_at)
    known = (t for a in visit.attempts for t in (a.scheduled_at, a.ended_at) if t)
    return max(visit.entered_at, now, *known)


def length_of(visit: StateVisit, now: datetime) -> float:
    """Give the seconds a visit took, without those in which it stood still."""
    return (end_of(visit, now) - visit.entered_at).total_seconds() - visit.paused


def retrying_states(execution: ExecutionAsOf) -> Collection[str]:
    """Name the states whose definition has a Retry; none where it is not known."""
    return _retrying(execution.definition_text)


@lru_cache(maxsize=256)
def _retrying(definition: str | None) -> frozenset[str]:
    return frozenset(name for name, s in states_of(definition) if s.get("Retry"))


def segments(
    visit: StateVisit, now: datetime, retrying: Collection[str] = ()
) -> tuple[Segment, ...]:
    """Divide a visit from entered to ended, or to `now` while it runs.

    Clocks may disagree (a job's StoppedAt is its own clock's): a point before the
    one before it takes no time. `retrying` are the states that are tried again, as
    their definition has it: what follows a last failure is back-off only there.
    """
    at, end = visit.entered_at, end_of(visit, now)
    found: list[Segment] = []
    for phase, step_end, status, attempt in _steps(visit, retrying):
        until = end if step_end is None else min(max(step_end, at), end)
        if until > at:
            grows = visit.running and step_end is None
            found.append(Segment(phase, at, until, attempt, status, grows))
            at = until
    return tuple(_without_pauses(found, visit)) if visit.pauses else tuple(found)


def _without_pauses(found: Iterable[Segment], visit: StateVisit) -> Iterator[Segment]:
    """Take out of each segment the time in which nothing of the execution ran."""
    for segment in found:
        begin = segment.begin
        for pause in visit.pauses:
            first, last = max(pause[0], begin), min(pause[1], segment.end)
            if first >= last:
                continue
            if first > begin:
                yield replace(segment, begin=begin, end=first, open=False)
            yield Segment(Phase.STOPPED, first, last, None, visit.status)
            begin = last
        if begin < segment.end:
            yield replace(segment, begin=begin)


def _steps(visit: StateVisit, retrying: Collection[str]) -> Iterator[_Step]:
    """Yield the phases of a visit in order; the last one is never over by itself."""
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
    # A failure may not be the end of its state yet.
    failed = attempt.status in {"failed", "timed_out"}
    retries = failed and status in {"running", "aborted"} and visit.name in retrying
    yield Phase.BACKING_OFF if retries else Phase.WAITING, None, status, None


def _attempt_steps(attempt: Attempt, number: int) -> Iterator[_Step]:
    begun, ended, status = _begun(attempt), attempt.ended_at, attempt.status
    yield Phase.WAITING, begun or ended, status, number
    if begun is not None and attempt.stopped_at is not None:
        stopped = min(attempt.stopped_at, ended or attempt.stopped_at)
        yield Phase.WORKING, stopped, status, number
        yield Phase.COMPLETION_LAG, ended, status, number
    elif begun is not None:
        yield Phase.WORKING, ended, status, number


def _begun(attempt: Attempt) -> datetime | None:
    """Tell when an attempt began to work: a job, once its service had taken it on."""
    if attempt.pattern not in {Pattern.SYNC, Pattern.TASK_TOKEN}:
        return attempt.started_at
    ended = attempt.started_at if attempt.ended_at is not None else None
    return attempt.submitted_at or ended


def seconds_by_phase(
    visit: StateVisit, now: datetime, retrying: Collection[str] = ()
) -> Mapping[Phase, float]:
    """Sum up a visit's seconds by phase; phases of none are left out."""
    found: dict[Phase, float] = {}
    for segment in segments(visit, now, retrying):
        found[segment.phase] = found.get(segment.phase, 0.0) + segment.seconds
    return found


# -- how Step Functions learned of the end ---------------------------------------------

_DENIED = re.compile(
    r"AccessDenied|Unauthorized|NotAuthorized|Forbidden", re.IGNORECASE
)
ENDED_OTHERWISE = frozenset({"timed_out", "aborted"})
"""How attempts end for another reason than that of their job's end."""
_SECOND = timedelta(seconds=1)
_LATE_POLL = timedelta(seconds=60)
"""A poll under way at the end; those much later are none of that wait."""


class ToldBy(StrEnum):
    """What told Step Functions that a job had stopped."""

    EVENT = "event"
    POLL = "poll"
    UNKNOWN = "unknown"


class Completion(Struct, frozen=True):
    """The completion lag of an attempt, and what ended it."""

    stopped_at: datetime
    learned_at: datetime
    by: ToldBy
    certain: bool
    """False while CloudTrail may still deliver a poll in between, and when a poll's
    whole-second time can't be told from the stop's."""
    job: str = "job"
    """What stopped, as people call it: a task, an execution."""
    poll_name: str = ""
    """The call that polls for it: `DescribeTasks`."""
    failed_polls: Sequence[ApiCall] = ()
    """Polls in between that were denied or failed: they tell Step Functions nothing."""
    all_denied: bool = True
    """False where one of those failed otherwise."""
    surely_between: bool = True
    """False where one may as well lie outside, within the same second."""
    possible_polls: Sequence[ApiCall] = ()
    """Polls in between that were answered and may be its own, which nothing proves."""

    @property
    def lag(self) -> float:
        """Seconds from the job's stop until its state learned of it."""
        return (self.learned_at - self.stopped_at).total_seconds()

    @property
    def between(self) -> str:
        """Say what lies between where no poll that was answered does."""
        count, poll = len(self.failed_polls), f"{self.poll_name} call"
        if self.possible_polls:
            return f"with a {poll} in between that may be its own"
        if not count:
            return f"with no {poll} in between"
        denied = "was denied" if count == 1 else "were denied"
        how = denied if self.all_denied else "failed"
        if not self.surely_between:
            return f"with no {poll} in between but {count} that {how}"
        which = f"the only {poll}" if count == 1 else f"all {count} {poll}s"
        return f"{which} in between {how}"


def learned_by(completions: Iterable[Completion]) -> str:
    """Say what told of the ends, where it was the same each time and is known."""
    told = list(completions)
    ways = {completion.by for completion in told}
    if ways == {ToldBy.EVENT}:
        return "by event"
    if ways == {ToldBy.POLL}:
        return "by a poll" if all(c.certain for c in told) else "by a poll or an event"
    return ""


def is_sure(moment: Moment, call: ApiCall) -> bool:
    """True for a call that is matched by more than a guess."""
    link = moment.link(call)
    return link is not None and link.rule.sure


def sure_calls(moment: Moment, key: AttemptKey) -> list[ApiCall]:
    """Give the calls of an attempt, but for those that are matched by a guess."""
    return [call for call in moment.calls_of(key) if is_sure(moment, call)]


def polls_of(attempt: Attempt, calls: Iterable[ApiCall]) -> list[ApiCall]:
    """Pick the polls of an attempt's wait: who asks hours later does not wait."""
    row, end = attempt.integration, attempt.ended_at
    if row is None:
        return []
    polls = [call for call in calls if row.role_of(call.event_name) is CallRole.POLL]
    return [c for c in polls if end is None or c.event_time - end < _LATE_POLL]


def is_denied(call: ApiCall) -> bool:
    """True for a call that IAM refused."""
    return call.error_code is not None and is_denial(call.error_code)


@lru_cache(maxsize=256)
def is_denial(code: str) -> bool:
    """True for the error code of a call that IAM refused."""
    return bool(_DENIED.search(code))


def is_action(attempt: Attempt, call: ApiCall) -> bool:
    """True for a call that does an attempt's work, as its name tells."""
    row = attempt.integration
    return row is not None and row.role_of(call.event_name) is CallRole.ACTION


def knows_all_polls(
    moment: Moment, coverage: Coverage, key: AttemptKey, attempt: Attempt
) -> bool:
    """True if the records reach past an attempt's end.

    False while more polls may be made, or come to light: a file may have been cut, and
    a page of LookupEvents, the newest first, at its beginning too.
    """
    # A guess will do: it is asked how far the records reach, not whose they are.
    calls = moment.calls_of(key)
    end, reach = attempt.ended_at, coverage.of(key[0], attempt, calls)
    if end is None or reach is None or reach < end:
        return False
    begun = coverage.live or moment.calls[0].event_time <= attempt.scheduled_at
    return begun or any(is_action(attempt, call) for call in calls)


def completion_of(
    moment: Moment, coverage: Coverage, key: AttemptKey, attempt: Attempt
) -> Completion | None:
    """Say how Step Functions learned of the end of an attempt's job.

    None unless the job's own answer, or ECS, says when it stopped, and that before its
    end was known: two clocks that disagree measure nothing. A denied poll tells Step
    Functions nothing, so it can't be what told; nor did an attempt that timed out, or
    was aborted, end because somebody learned of its job's end. While a poll in between
    may be its own and nothing proves it, what told is not known.
    """
    stopped, learned = attempt.stopped_at, attempt.ended_at
    otherwise = attempt.status in ENDED_OTHERWISE
    if stopped is None or learned is None or stopped > learned or otherwise:
        return None
    calls = sure_calls(moment, key)
    polls = polls_of(attempt, calls)
    # A call's time is a whole second: it may lie in between, or surely does.
    between = [c for c in polls if stopped - c.event_time < _SECOND]
    between = [call for call in between if call.event_time <= learned]
    sure = {
        call.event_id
        for call in between
        if stopped <= call.event_time and learned - call.event_time > _SECOND
    }
    failed = [call for call in between if call.error_code is not None]
    answered = {call.event_id for call in between if call.error_code is None}
    # Another account's CloudTrail may have them all, and events are not used there.
    elsewhere = attempt.role_arn is not None and not polls
    span = stopped, learned
    unproven = unproven_polls(moment, key[0], attempt, span, moment.calls)
    possible = [c for c in unproven if c.error_code is None and not answered]
    known = knows_all_polls(moment, coverage, key, attempt)
    known = known and not elsewhere and not possible
    unseen, row = ToldBy.EVENT if known else ToldBy.UNKNOWN, attempt.integration
    return Completion(
        stopped_at=stopped,
        learned_at=learned,
        by=ToldBy.POLL if answered else unseen,
        certain=bool(answered & sure) if answered else known,
        job=row.job_word if row else "job",
        poll_name=row.poll_events[0] if row and row.poll_events else "poll",
        failed_polls=failed,
        all_denied=all(map(is_denied, failed)),
        surely_between=all(call.event_id in sure for call in failed),
        possible_polls=possible,
    )


def unproven_polls(
    moment: Moment,
    arn: str,
    attempt: Attempt,
    span: tuple[datetime, datetime | None],
    calls: Sequence[ApiCall],
) -> Iterator[ApiCall]:
    """Yield the polls of a time, of calls in order, that may be an attempt's.

    They are matched to it by a guess, fit it among others, or name no job and were
    made by its role.
    """
    row, key, (begin, end) = attempt.integration, (arn, attempt.scheduled_id), span
    role = role_name(attempt.role_arn or moment.executions[arn].role_arn)
    names = {(row.event_source, name) for name in row.poll_events} if row else set()
    first = bisect_right(calls, begin - _SECOND, key=lambda call: call.event_time)
    for place in range(first, len(calls)):
        call = calls[place]
        if end is not None and call.event_time > end:
            return
        link = moment.link(call) if call.name in names else None
        if link is None or link.rule.sure:
            continue
        if link.key is not None or link.rule is LinkRule.AMBIGUOUS:
            may_be_its = key in {link.key, *link.candidates} or link.unlisted > 0
        else:
            may_be_its = call.role == role and not call.has_request
        if may_be_its:
            yield call


# -- where the time went ---------------------------------------------------------------

_TOP = 3
_STEPS = 20
_PAUSE = 100
_SHARE = 0.5
_LITTLE = 0.01
"""A share of the time that is not worth naming."""
_LASTS = frozenset({"Wait", "Map", "Parallel"})
"""Types that take their time without a task: of Maps, those whose history shows no
iterations, as a Distributed Map's does."""
_WORDS = {
    Phase.WORKING: "working",
    Phase.WAITING: "waiting",
    Phase.BACKING_OFF: "retry back-off",
    Phase.COMPLETION_LAG: "completion lag",
    Phase.CONTAINER: "inside Map/Parallel",
}
PHASE_KEYS = {
    Phase.WORKING: "working",
    Phase.WAITING: "waiting",
    Phase.BACKING_OFF: "backing_off",
    Phase.COMPLETION_LAG: "noticing",
    Phase.CONTAINER: "around",
    Phase.STOPPED: "stopped",
}
"""What the phases are called in data, in the order they are told."""


def critical_path(visits: Iterable[StateVisit], now: datetime) -> list[StateVisit]:
    """Give the chain of visits that decided an execution's length, innermost ones.

    They are followed back from the end; `now` ends those that still run.
    """
    inside: dict[int | None, list[StateVisit]] = defaultdict(list)
    for visit in visits:
        inside[visit.parent].append(visit)
    path: list[StateVisit] = []
    # A stack, since Parallels may be nested as deep as a definition likes.
    todo = _chain(inside[None], now)
    while todo:
        visit = todo.pop()
        if within := inside.get(visit.id):
            todo.extend(_chain(within, now))
        else:
            path.append(visit)
    return path[::-1]


def _chain(visits: Sequence[StateVisit], now: datetime) -> list[StateVisit]:
    """Give the visits of one level that followed on each other up to its end.

    Within a branch a state follows on the one before it. An iteration that had to
    wait for its turn follows on the one whose end let it begin.
    """
    ends = sorted((end_of(visit, now), -visit.id, visit) for visit in visits)
    before: dict[int, StateVisit | None] = {}
    last_of: dict[object, StateVisit] = {}
    for visit in visits:
        before[visit.id] = last_of.get(visit.index)
        last_of[visit.index] = visit
    chain: list[StateVisit] = []
    place = len(ends) - 1
    current = ends[-1][2] if ends else None
    while current is not None:
        chain.append(current)
        follows = before[current.id]
        while follows is None and place > 0:
            place -= 1
            end, _, other = ends[place]
            if end <= current.entered_at and other.id < current.id:
                follows = other
        current = follows
    return chain[::-1]


# -- findings --------------------------------------------------------------------------


def time_findings(case: "Case") -> Steps:
    """Tell where most of the time went, and what it was spent on."""
    execution = case.execution
    begun, now = execution.started_at, _until(case)
    if begun is None or now is None or not execution.events:
        return
    if not case.is_cut and any(map(case.is_end_lost, case.visits)):
        return  # how long those states took is missing with their last events
    yield None
    total = (now - begun).total_seconds()
    path = critical_path(map(case.as_known, case.visits), now)
    yield None
    if total <= 0 or not any(v.attempts or v.type in _LASTS for v in path):
        return
    spent: dict[Phase, float] = defaultdict(float)
    for number, visit in enumerate(path, 1):
        by_phase = seconds_by_phase(visit, now, case.retrying)
        for phase, seconds in by_phase.items():
            spent[phase] += seconds
        if not number % _PAUSE:
            yield None
    told = _time(case, path, spent, total)
    if len(path) > 1 and not case.is_cut:
        yield from _slowest(path, now, total - execution.stopped_seconds)
    if told is not None:
        yield told


def _until(case: "Case") -> datetime | None:
    """Say to when the states are known: where events are missing, to the last one."""
    execution = case.execution
    if case.is_cut and execution.events:
        return execution.events[-1].at
    return case.survey.known_to(execution)


def _time(
    case: "Case", path: Sequence[StateVisit], spent: Mapping[Phase, float], total: float
) -> Finding | None:
    """Tell what it was spent on; None where it took no time to speak of."""
    execution = case.execution
    # What lies between an end and a redrive is of no state, or of the one gone on with.
    stopped = execution.stopped_seconds
    known = {phase: spent.get(phase, 0.0) for phase in _WORDS}
    between = max(0.0, total - stopped - sum(known.values()))
    parts = [(seconds, _WORDS[phase]) for phase, seconds in known.items()]
    parts += [(stopped, "stopped until it was redriven")]
    if not any(_worth(seconds) for seconds, _ in parts):
        return None
    parts.insert(len(known), (between, "between states"))
    told = [f"{spoken(seconds)} {words}" for seconds, words in parts if _worth(seconds)]
    so_far = " so far" if execution.running else ""
    if case.is_cut:
        so_far = f" up to #{execution.events[-1].id}, the last event loaded"
    branched = any(visit.parent is not None for visit in path)
    once = " (parallel time counted once)" if branched else ""
    ending = execution.ending or execution.events[-1]
    figures: dict[str, Any] = {"seconds": round(total, 3)}
    figures |= {PHASE_KEYS[phase]: round(known[phase], 3) for phase in known}
    figures["between"] = round(between, 3)
    if stopped:
        figures["stopped"] = round(stopped, 3)
    text = f"Critical path, {spoken(total)}{so_far}{once}: {listed(told)}."
    proofs = [f"#{execution.events[0].id}", f"#{ending.id}"]
    return finding("time", text, proofs, **figures, counted="slowest path")


def says_nothing(data: Mapping[str, Any]) -> bool:
    """True for a `time` finding that has no time of any state's own in it."""
    told = ("working", "waiting", "backing_off", "noticing", "stopped")
    return not any(_worth(data.get(key) or 0.0) for key in told)


def _worth(seconds: float) -> bool:
    return round(seconds, 2) > 0


def _slowest(
    path: Sequence[StateVisit], now: datetime, total: float
) -> Iterator[Finding]:
    """Name those that took most; of many alike none decided anything."""
    lengths = [(length_of(visit, now), visit) for visit in path]
    ranked = sorted(lengths, key=lambda item: (-item[0], item[1].id))
    top = ranked[:_TOP]
    longest, visit = ranked[0]
    if total <= 0 or not _worth(longest):
        return
    if sum(seconds for seconds, _ in top) / total < _SHARE:
        return
    names = [
        f"{visit_name(v, alone=v.parent is None)} ({spoken(seconds)})"
        for seconds, v in top
        if seconds / total >= _LITTLE
    ]
    rest = len(ranked) - len(names)
    others = f", and {plural(rest, 'shorter visit')}" if rest else ""
    text = f"The critical path was {', '.join(names)}{others}."
    if longest / total >= _SHARE:
        then = f", then {listed(names[1:])}" if names[1:] else ""
        text = f"{names[0]} took most of the time{then}."
    steps = [
        {"visit": v.id, "path": v.path, "seconds": round(seconds, 3)}
        for seconds, v in lengths[:_STEPS]
    ]
    data: dict[str, Any] = {"seconds": round(total, 3), "steps": steps}
    data |= {"count": len(lengths), "longest": visit.id}
    yield finding("slowest-path", text, (f"#{v.id}" for _, v in top), **data)
