"""What became of an execution, what went wrong on the way, and what it left behind.

How it ended and which state decided that; failed attempts and calls, caught errors,
redrives; Map Runs, child executions, jobs. A state without `.sync` completes as soon as
its call was answered. What became of its job stands elsewhere, if anywhere: in a later
state that asked for it, in a call that stopped it, in the history of the execution it
is, in what ECS told of the task.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from sfnwatch.analysis.case import AttemptCase, Case, StateUse, Survey, Work
from sfnwatch.analysis.finding import Finding, Steps, finding
from sfnwatch.analysis.phases import MatchedCalls
from sfnwatch.analysis.wording import (
    counted,
    ended_words,
    grouped,
    named,
    plural,
    ranked,
    some,
    spoken,
    status_words,
    times,
    together,
    visit_name,
    why,
)
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.arns import role_name, short_id
from sfnwatch.model.ecs_task import BAD_STOPS
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.execution_list import UNKNOWN, UNSUCCESSFUL
from sfnwatch.model.history_event import TERMINAL, HistoryEvent
from sfnwatch.model.integrations import Pattern
from sfnwatch.model.map_runs import MapRun, map_run_name
from sfnwatch.model.moment import Moment
from sfnwatch.model.started_executions import Parent
from sfnwatch.model.texts import clean
from sfnwatch.model.values import list_of, mapping_of, parse_json, text_of
from sfnwatch.model.visits import FAILED, StateVisit, Stretch

_BECAME = ("failed", "timed_out", "aborted", "succeeded", "running", "pending")
"""What became of a Map Run's executions, failures first."""
_STORM = 8
"""So many failed attempts of one state are a retry storm."""
_THROTTLED = re.compile(
    r"(Request)?(Throttl(ing|ed)(Exception)?|EC2ThrottledException)"
    r"|TooManyRequests(Exception)?|(Request|Bandwidth)LimitExceeded|SlowDown"
    r"|ProvisionedThroughputExceededException|PriorRequestNotComplete"
)
"""The codes that botocore takes for throttling and tries again after."""
_MESSAGE = 160
_REASON = 200
_CAUSE = 160
_FAILURE_CAUSE = 600
_ENDED_FROM_OUTSIDE = frozenset({"TIMED_OUT", "ABORTED"})
"""No state's error is that of such an end: what it failed with before was over."""
_PLAIN = frozenset({Pattern.REQUEST_RESPONSE, Pattern.AWS_SDK})
_ECS = "ecs.amazonaws.com"


# -- the verdict ----------------------------------------------------------------------


class ExecutionVerdict:
    """How an execution stands, and which state decided that."""

    def __init__(self, survey: Survey, execution: ExecutionAsOf) -> None:
        visit = _decisive(execution)
        known = survey.known_to(execution)
        begun = execution.started_at
        running = execution.running
        self.status = execution.status
        """AWS's word: RUNNING, SUCCEEDED, FAILED, …"""
        seconds = (known - begun).total_seconds() if begun and known else None
        self.seconds = None if seconds is None else round(seconds, 3)
        """How long it took, or has taken so far."""
        self.visit = visit.id if visit else None
        """The visit that failed, or that is under way."""
        self.path = visit.path if visit else None
        """That visit's path, as AWS's names have it."""
        self.redrives = len(execution.redrives)
        """How often it was taken up again after it had ended."""
        failed = not running and execution.status != "SUCCEEDED"
        told = [ended_with(survey.moment, execution)] if failed else []
        if failed and visit and execution.status not in _ENDED_FROM_OUTSIDE:
            told += ((each.error, each.cause) for each in visit.attempts[-1:])
            told.append((visit.error, visit.cause))
        self.error = next((error for error, _ in told if error), None)
        """Of the ending, or else of the state that failed; so with the cause."""
        self.cause = next((cause for _, cause in told if cause), None)
        self.text = self._text(execution, visit, known)
        """The line for people."""

    def _text(
        self, execution: ExecutionAsOf, visit: StateVisit | None, known: datetime | None
    ) -> str:
        """Say how each leg ended: `FAILED after 3 s, redriven …, SUCCEEDED after …`."""
        legs: list[str] = []
        begun = execution.started_at
        running = execution.running
        for redrive in execution.redrives:
            if redrive.ended is not None:
                lasted = _lasted(begun, redrive.ended.at, "after", legs)
                legs.append(f"{TERMINAL[redrive.ended.type]}{lasted}")
            gap = redrive.seconds
            legs.append(f"redriven{'' if gap is None else f' {spoken(gap)} later'}")
            begun = redrive.event.at
        is_unknown = execution.status == UNKNOWN
        goes_on = running and not is_unknown
        lasted = _lasted(begun, known, "for" if goes_on else "after", legs)
        where = f" in {named(visit.name)}" if visit else ""
        if goes_on:
            where = f"{lasted and ' so far'}{where and f',{where}'}"
        elif is_unknown and lasted:
            lasted = f": its history stops{lasted}"
        reason = why(self.error, self.cause, _REASON)
        last = f"{clean(self.status)}{lasted}{where}{reason and f': {reason}'}"
        return f"{', '.join([*legs, last]).rstrip('.')}."


def _lasted(
    begun: datetime | None, end: datetime | None, word: str, before: Sequence[str]
) -> str:
    """Say how long a leg took: `after 3 s`, and of later ones `after 1m 20s more`."""
    if begun is None or end is None:
        return ""
    seconds = max(0.0, (end - begun).total_seconds())
    return f" {word} {spoken(seconds)}{' more' if before else ''}"


def _decisive(execution: ExecutionAsOf) -> StateVisit | None:
    """Find the state that failed, innermost and last; of a running one the newest."""
    if execution.running:
        running = [visit for visit in execution.visits if visit.running]
        return max(running, key=lambda visit: visit.id, default=None)
    if execution.ending is None or execution.status == "SUCCEEDED":
        return None
    bad = [v for v in execution.visits if v.status in FAILED and _counts(execution, v)]
    around = {visit.parent for visit in bad}
    inner = [visit for visit in bad if visit.id not in around]

    def order(visit: StateVisit) -> tuple[bool, datetime, int]:
        ended_at = visit.ended_at or visit.entered_at
        return _brought_down(execution, visit), ended_at, visit.id

    return max(inner, key=order, default=None)


def _brought_down(execution: ExecutionAsOf, visit: StateVisit | None) -> bool:
    """True for a visit whose own last event is what the event that ended it follows.

    What failed together with it was ended by that event, too.
    """
    end = execution.event(visit.ended_by) if visit else None
    return (
        visit is not None
        and end is not None
        and end.previous_event_id in visit.event_ids
    )


def _counts(execution: ExecutionAsOf, visit: StateVisit) -> bool:
    """False for what failed in a try that was followed by another, or was caught."""
    around = execution.visit(visit.parent)
    while around is not None:
        begun = max(around.starts, default=0)
        if around.status in {"caught", "succeeded"} or visit.id < begun:
            return False
        around = execution.visit(around.parent)
    return True


def ended_with(
    moment: Moment, execution: ExecutionAsOf
) -> tuple[str | None, str | None]:
    """Give the error and the cause that an execution ended with.

    Its history's end has them, and where that is missing DescribeExecution.
    """
    if execution.ending is not None:
        return error_of(moment, execution.ending)
    told = None if execution.running else execution.described
    return (told.error, told.cause) if told is not None else (None, None)


def error_of(moment: Moment, event: HistoryEvent) -> tuple[str | None, str | None]:
    """Give the error and the cause that an event tells of."""
    details = moment.trace.details(event)
    return text_of(details.get("error")), text_of(details.get("cause"))


def failed(case: Case) -> Iterator[Finding]:
    """Say what failed and why, as far as the error and its cause tell."""
    execution = case.execution
    verdict = ExecutionVerdict(case.survey, case.execution)
    ending = execution.ending
    visit = execution.visit(verdict.visit)
    reason = why(verdict.error, verdict.cause, _FAILURE_CAUSE)
    if execution.running or ending is None or not (reason or visit):
        return
    what = visit_name(visit, alone=visit.parent is None) if visit else "The execution"
    text = f"{what} {ended_words(verdict.status)}{f' with {reason}' if reason else ''}."
    ids = [*(visit.event_ids[-1:] if visit else ()), ending.id]
    # Where the event that the end follows is missing, which state failed is concluded.
    is_known = visit is None or verdict.status != "FAILED"
    is_known = is_known or _brought_down(execution, visit)
    data: dict[str, Any] = {"visit": verdict.visit, "status": verdict.status}
    data |= {"error": verdict.error, "cause": verdict.cause}
    yield finding("failed", text, (f"#{each}" for each in ids), fact=is_known, **data)


def failed_out_of_sight(case: Case) -> Iterator[Finding]:
    """Tell of failures in states that the history does not name.

    A log of level ERROR has no event but those that tell of a failure.
    """
    for event in case.execution.events:
        is_failure = event.type.endswith(("Failed", "TimedOut"))
        if not is_failure or event.visit_id or event.type in TERMINAL:
            continue
        moment = case.survey.moment
        error, cause = error_of(moment, event)
        details = moment.trace.details(event)
        names = (text_of(details.get(key)) for key in ("resourceType", "resource"))
        resource = ":".join(name for name in names if name)
        whose = f" ({named(resource)})" if resource else ""
        reason = why(error, cause, _FAILURE_CAUSE)
        text = f"{named(event.type)}{whose} in a state that is not named here"
        text += f": {reason}." if reason else "."
        data: dict[str, Any] = {"visit": None, "status": None}
        data |= {"error": error, "cause": cause}
        yield finding("failed", text, [f"#{event.id}"], **data)


# -- attempts --------------------------------------------------------------------------


def retries(use: StateUse) -> Iterator[Finding]:
    """Tell of visits that took several attempts; of very many together."""
    for visits in together([visit for visit in use.visits if _is_retried(visit)]):
        yield _retries(use, visits)


def _is_retried(visit: StateVisit) -> bool:
    """True for more attempts than a redrive accounts for."""
    numbers = range(2, len(visit.attempts) + 1)
    return any(not visit.is_redriven(number) for number in numbers)


def _retries(use: StateUse, visits: Sequence[StateVisit]) -> Finding:
    tries = [attempt for visit in visits for attempt in visit.attempts]
    bad = [attempt for attempt in tries if attempt.status in FAILED]
    errors = ranked(attempt.error or attempt.status for attempt in bad)
    lost = _seconds((a.scheduled_at, a.ended_at or a.scheduled_at) for a in bad)
    backing_off = _seconds(wait for visit in visits for wait in visit.backoffs)
    alone = len(visits) > 1 or len(use.visits) == 1
    attempts = "attempt" if len(bad) == 1 else "attempts"
    cost = f"The failed {attempts} took {spoken(lost)}, plus " if bad else "There were "
    how = f" with {some(map(named, errors))}" if errors else ""
    statuses = {visit.status for visit in visits}
    where = f" in {len(visits)} visits" if len(visits) > 1 else ""
    end = f" and {ended_words(*statuses)}" if len(statuses) == 1 else ""
    storm = len(bad) >= _STORM
    text = f"{visit_name(visits[0], alone=alone)} was tried {times(len(tries))}"
    text += f"{where}{end}; {len(bad)} {attempts} failed{how}. {cost}"
    text += f"{spoken(backing_off)} of retry back-off."
    data: dict[str, Any] = {"visit": visits[0].id, "visits": len(visits)}
    data |= {"tries": len(tries), "failed": len(bad), "errors": errors, "storm": storm}
    data["failed_seconds"] = round(lost, 3)
    data["backing_off_seconds"] = round(backing_off, 3)
    proofs = (f"#{attempt.event_ids[-1]}" for attempt in bad)
    return finding("retries", text, proofs, **data)


def container_retries(case: Case) -> Iterator[Finding]:
    """Tell of Parallels and Maps that were tried again, with all that is in them."""
    for visit in case.visits:
        again = visit.starts[1:]
        tries = len(visit.starts)
        if not again:
            continue
        became = f"was tried {times(tries)} and {ended_words(visit.status)}"
        name = visit_name(visit, alone=visit.parent is None)
        data: dict[str, Any] = {"visit": visit.id, "visits": 1, "tries": tries}
        failed = len(again) + (visit.status in FAILED)
        data |= {"failed": failed, "errors": {}, "storm": False}
        proofs = (f"#{event_id}" for event_id in again)
        text = f"{name}, with all that is in it, {became}."
        yield finding("retries", text, proofs, **data)


def _seconds(spans: Iterable[Stretch]) -> float:
    return sum(max(0.0, (end - begin).total_seconds()) for begin, end in spans)


# -- calls -----------------------------------------------------------------------------


def failed_calls(use: StateUse) -> Iterator[Finding]:
    """Tell of a state's calls that failed; polls that were denied are told apart."""
    denied = {poll for each in use.attempts for poll in each.polls.denied.ids}
    every = MatchedCalls.joined(each.calls for each in use.attempts)
    failed = every.those(lambda c: bool(c.error_code) and c.event_id not in denied)
    groups = failed.grouped(lambda call: (call.event_name, call.error_code or ""))
    for kind in sorted(groups):
        calls = groups[kind]
        first = calls.every[0]
        is_whole = not use.unproven_calls(first.name, first.error_code)
        place = {"visit": use.visits[0].id}
        yield failed_call(use.name, calls, place, is_whole=is_whole)


def failed_call(
    caller: str,
    calls: MatchedCalls,
    place: Mapping[str, Any],
    *,
    is_whole: bool = True,
) -> Finding:
    """Tell of calls of one name that failed alike, in AWS's words if all say the same.

    `place` is what data says of whose they are. More of them may be its own unless
    `is_whole`.
    """
    name = calls.every[0].event_name
    code = calls.every[0].error_code or ""
    throttled = bool(_THROTTLED.fullmatch(code.rpartition(".")[2]))
    messages = {call.error_message for call in calls.every}
    message = messages.pop() if len(messages) == 1 else None
    how = "was throttled" if throttled else "failed"
    is_least = not is_whole and not calls.guessed
    often = f"at least {calls.often}" if is_least else calls.often
    text = f"{named(name)} called by {caller} {how} {often} with {named(code)}"
    if message and not throttled:
        text += f': "{clean(message, _MESSAGE).rstrip(".")}"'
    kind = "throttled-calls" if throttled else "failed-calls"
    data: dict[str, Any] = {**place, "call": name, "error_code": code, **calls.figures}
    fact = is_whole and not calls.guessed
    return finding(kind, f"{text}.", calls.ids, fact=fact, **data)


# -- caught errors ---------------------------------------------------------------------


class Caught(Struct, frozen=True):
    """An error that a Catch took, and which state went on."""

    visit: StateVisit
    error: str | None
    cause: str | None
    next_state: str | None
    """None where the next state has not been entered yet."""
    failing: StateVisit | None = None
    """What failed inside of it, innermost, where it is a Map or a Parallel."""


def caught(case: Case) -> Iterator[Finding]:
    """Tell of the errors that were caught; of very many alike together."""
    every = caught_errors(case)
    alike = grouped(every, lambda each: (each.visit.name, each.error, each.next_state))
    for those in alike.values():
        yield from map(_caught, together(those))


def _caught(told: Sequence[Caught]) -> Finding:
    first = told[0]
    several = len(told) > 1
    where = f" in {named(first.failing.name)}" if first.failing else ""
    visit = first.visit
    reason = why(first.error, None if several else first.cause)
    then = f", and {named(first.next_state)} came next" if first.next_state else ""
    text = visit_name(visit, alone=several or visit.parent is None)
    text += f" failed{where}{f' {times(len(told))}' if several else ''}"
    text += f"{f' with {reason}' if reason else ''} (caught{then})."
    proofs = (f"#{each.visit.troubled_by}" for each in told)
    data: dict[str, Any] = {"visit": visit.id, "next_state": first.next_state}
    data["failing"] = first.failing.id if first.failing else None
    data["cause"] = None if several else first.cause
    return finding("caught", text, proofs, **data, error=first.error, count=len(told))


def caught_errors(case: Case) -> list[Caught]:
    """Find what was caught; the state that went on follows the one that failed."""
    caught = [visit for visit in case.visits if visit.status == "caught"]
    if not caught:
        return []
    entered = ((v, case.execution.event(v.id)) for v in case.visits)
    after = {event.previous_event_id: v.name for v, event in entered if event}
    found = []
    for visit in caught:
        failing = _failing_inside(case, visit)
        error, cause = _error_of_visit(case, failing or visit, visit)
        # What follows the start of a Map or Parallel is inside it.
        own = (n for n in reversed(visit.event_ids) if n not in visit.starts)
        following = (after[n] for n in own if n in after)
        came_next = next(following, None)
        found.append(Caught(visit, error, cause, came_next, failing))
    return found


def _failing_inside(case: Case, visit: StateVisit) -> StateVisit | None:
    """Find the state that failed a Map or Parallel: its Failed follows that's event."""
    execution = case.execution
    for number in reversed(visit.event_ids):
        event = execution.event(number)
        if event is None or not event.type.endswith("StateFailed"):
            continue
        before = execution.event(event.previous_event_id)
        failing = execution.visit(before.visit_id) if before else None
        return failing if failing and failing.id != visit.id else None
    return None


def _error_of_visit(
    case: Case, failing: StateVisit, caught: StateVisit
) -> tuple[str | None, str | None]:
    """Give the error and cause of a state that failed, and that `caught` caught.

    A failed evaluation is the state's own, after its last attempt; a Fail state's are
    only in what its Catch passed on.
    """
    if failing.error is not None:
        return failing.error, failing.cause
    if failing.attempts and failing.attempts[-1].error is not None:
        return failing.attempts[-1].error, failing.attempts[-1].cause
    passed_on = _exit_output(case, caught)
    inside = [mapping_of(value) for value in passed_on.values()]
    written = [each for each in (passed_on, *inside) if each.keys() == _ERROR_OUTPUT]
    if len(written) != 1:
        return None, None
    return text_of(written[0]["Error"]), text_of(written[0]["Cause"])


_ERROR_OUTPUT = {"Error", "Cause"}
"""The keys of what a Catch writes, at its ResultPath, into the state's output."""


def _exit_output(case: Case, visit: StateVisit) -> Mapping[str, Any]:
    for number in reversed(visit.event_ids):
        event = case.execution.event(number)
        if event is not None and event.type.endswith("StateExited"):
            output = case.moment.trace.details(event).get("output")
            return mapping_of(parse_json(output))
    return {}


def map_runs_failed(case: Case) -> Iterator[Finding]:
    """Tell of the Map Runs that failed, as where an ItemReader does.

    That of a state that failed, or was caught, with it is told of there.
    """
    turns = case.execution.map_run_turns
    for number, (event, _) in enumerate(turns):
        visit = case.execution.visit(event.visit_id)
        if event.type != "MapRunFailed" or visit is None:
            continue
        later = [e for e, _ in turns[number + 1 :] if e.visit_id == visit.id]
        if not later and visit.status not in {"running", "succeeded"}:
            continue
        error, cause = error_of(case.moment, event)
        reason = why(error, cause, _CAUSE)
        text = f"A Map Run of {visit_name(visit, alone=visit.parent is None)} failed"
        text += f"{f' with {reason}' if reason else ''}"
        text += "; another was started." if later else "."
        data: dict[str, Any] = {"visit": visit.id, "error": error, "cause": cause}
        yield finding("map-run-failed", text, [f"#{event.id}"], **data)


# -- redrives --------------------------------------------------------------------------


def redriven(case: Case) -> Iterator[Finding]:
    """Tell of an execution's redrives, and which states they went on with."""
    execution = case.execution
    redrives = case.execution.redrives
    if not redrives:
        return
    again = [visit for visit in case.visits if visit.pauses]
    # What is inside a Map or Parallel was gone on with, not that itself.
    around = {visit.parent for visit in again}
    names = dict.fromkeys(named(v.name) for v in again if v.id not in around)
    events = [event for each in redrives for event in (each.ended, each.event)]
    events.append(execution.ending)
    text = f"The execution was redriven {times(len(redrives))}, having been stopped for"
    text += f" {spoken(execution.stopped_seconds)}"
    text += f"{f'; it continued with {some(names)}' if names else ''}."
    data: dict[str, Any] = {"redrives": len(redrives), "count": redrives[-1].number}
    data |= {"seconds": round(execution.stopped_seconds, 3), "status": execution.status}
    proofs = (f"#{event.id}" for event in events if event is not None)
    yield finding("redriven", text, proofs, **data, visits=[each.id for each in again])


# -- child executions ------------------------------------------------------------------


def children(case: Case) -> Steps:
    """Tell of the Map Runs of an execution, and of child executions that failed."""
    lineage = case.moment.lineage
    arn = case.execution.arn
    started = case.survey.started
    for told in case.moment.map_runs.values():
        parent = lineage.map_runs.get(told.arn)
        if parent is not None and parent.execution_arn == arn:
            yield from _map_run(case, told, parent)
    for child in started.get(arn, ()):
        if child.status in UNSUCCESSFUL:
            yield _child_failed(case, child, lineage.parents[child.arn])


def _map_run(case: Case, told: MapRun, parent: Parent) -> Steps:
    """Tell of a Map Run, if an event says that it was started."""
    turns = case.execution.map_run_turns
    starts = [f"#{turn.event.id}" for turn in turns if turn.arn == told.arn]
    if not starts:
        return
    read = case.survey.started.get(told.arn, ())
    ends = list[str]()
    for child in read:
        if child.status in UNSUCCESSFUL:
            error, _ = ended_with(case.moment, child)
            ends.append(error or child.status)
            yield None
    counts = told.executions
    errors = ranked(ends)
    reasons = f" ({counted(errors)})" if errors else ""
    became = [f"{n:,} {status_words(k)}" for k in _BECAME if (n := getattr(counts, k))]
    verb = "was" if len(read) == 1 else "were"
    histories = f"{len(read):,} of the {counts.total:,} child histories {verb} read"
    if len(read) >= counts.total:
        histories = "All child histories were read" if read else "No child has run yet"
    text = f"{case.state_name(parent.visit_id)} ran"
    text += f" {plural(told.items.total, 'item')} as"
    text += f" {plural(counts.total, 'child execution')}:"
    text += f" {some(became, 6) or 'none has started'}{reasons}. {histories}."
    data: dict[str, Any] = {"map_run": told.arn, "visit": parent.visit_id or None}
    data |= {"status": told.status, **asdict(counts)}
    yield finding("children", text, starts, **data, histories=len(read), errors=errors)


def _child_failed(case: Case, child: ExecutionAsOf, parent: Parent) -> Finding:
    error, cause = ended_with(case.moment, child)
    name = named(f"{child.state_machine_name} › {short_id(child.name)}")
    attempt = parent.attempt_id
    reason = why(error, cause, _CAUSE)
    text = f"The child execution started by {case.state_name(parent.visit_id)}, {name},"
    text += f" ended as {child.status}{f' with {reason}' if reason else ''}."
    data: dict[str, Any] = {"execution": child.arn, "visit": parent.visit_id or None}
    data |= {"attempt": attempt, "status": child.status, "error": error or child.status}
    return finding("child-failed", text, [f"#{attempt}"] if attempt else [], **data)


def unread_children(
    survey: Survey, calls: Sequence[ApiCall]
) -> tuple[list[Finding], Sequence[ApiCall]]:
    """Tell of executions of Map Runs that were not read, and of calls by their role.

    What they called can't be told from calls of strangers with that role: those are
    taken out of `calls`, and the rest is given back.
    """
    moment = survey.moment
    unread = list[tuple[MapRun, int]]()
    roles: set[str | None] = set()
    for told in moment.map_runs.values():
        parent = moment.lineage.map_runs.get(told.arn)
        owner = moment.executions.get(parent.execution_arn) if parent else None
        count = told.executions.total - len(survey.started.get(told.arn, ()))
        if owner is not None and count > 0:
            unread.append((told, count))
            roles.add(role_name(owner.role_arn))
    roles.discard(None)
    theirs = [call for call in calls if call.role in roles]
    rest = [call for call in calls if call.role not in roles]
    return [_unread(told, count, theirs) for told, count in unread], rest


def _unread(told: MapRun, count: int, calls: Sequence[ApiCall]) -> Finding:
    text = f"{count:,} of the {plural(told.executions.total, 'child execution')} of Map"
    text += f" Run {clean(map_run_name(told.arn))} {'was' if count == 1 else 'were'}"
    text += " counted but not read"
    if calls:
        names = counted(ranked(call.event_name for call in calls))
        text += f"; {plural(len(calls), 'call')} by that role may belong to them"
        text += f" ({names})"
    what: dict[str, Any] = {"reason": "children-unread", "map_run": told.arn}
    return finding("unseen", f"{text}.", calls, **what, count=count, calls=len(calls))


# -- jobs that failed after their state had succeeded ----------------------------------


class JobFailure(Struct, frozen=True):
    """How a job is known to have failed."""

    words: str
    witness: str
    """The event, the call or the task's state that says so; empty where none does."""
    exit_code: int | None = None
    stop_code: str | None = None


JobFailures = Mapping[str, JobFailure]
"""By the job's id."""


def job_failures(moment: Moment, cases: Sequence[Case]) -> Work[JobFailures]:
    """Find the jobs that are known to have failed, if a state left any behind."""
    found: dict[str, JobFailure] = {}
    if any(_leaves_job(use) for case in cases for use in case.uses):
        for job, failure in _witnesses(moment, cases):
            yield
            if failure is not None:
                found.setdefault(job, failure)
    return found


def _leaves_job(use: StateUse) -> bool:
    return use.first.pattern in _PLAIN and use.starts_job


_TaskFacts = Iterator[tuple[str, JobFailure | None]]
"""What a record says of a job, by its id."""


def _witnesses(moment: Moment, cases: Sequence[Case]) -> _TaskFacts:
    """Yield what any record says of jobs, the best witness first."""
    for arn, execution in moment.executions.items():
        if execution.status in UNSUCCESSFUL:
            by = f"#{execution.ending.id}" if execution.ending else ""
            yield arn, JobFailure(f"ended as {execution.status}", by)
    for case in cases:
        for use in case.uses:
            # A `.sync` answers with its own task, which says no more than its state.
            sync = use.first.pattern is Pattern.SYNC
            if use.row is not None and use.row.event_source == _ECS and not sync:
                yield from _described(case, use)
    for call in moment.calls:
        if call.event_source == _ECS and call.has_answer:
            record = moment.trace.cloudtrail_record(call)
            yield from _tasks(record.get("responseElements"), call.event_id)
    for job, states in moment.task_states.items():
        stopped = next((state for state in reversed(states) if state.stopped), None)
        if stopped is not None:
            codes = [container.exit_code for container in stopped.containers]
            yield job, _failure(codes, stopped.stop_code, stopped.key)


def _described(case: Case, use: StateUse) -> _TaskFacts:
    """Yield the tasks that a state asked for, or stopped, as its output has them."""
    for each in use.attempts:
        event = case.execution.event(each.attempt.ended_by)
        if event is not None and event.type == "TaskSucceeded":
            output = case.moment.trace.details(event).get("output")
            yield from _tasks(parse_json(output), each.end_event)


def _tasks(body: Any, witness: str) -> _TaskFacts:
    """Read ECS tasks; an output writes keys with a capital, CloudTrail without."""
    whole = _lowered(body)
    for task in map(_lowered, (whole.get("task"), *list_of(whole.get("tasks")))):
        codes = [_lowered(c).get("exitCode") for c in list_of(task.get("containers"))]
        if job := text_of(task.get("taskArn")):
            yield job, _failure(codes, text_of(task.get("stopCode")), witness)


def _failure(
    exit_codes: Sequence[Any], stop_code: str | None, witness: str
) -> JobFailure | None:
    bad = [code for code in exit_codes if isinstance(code, int) and code != 0]
    if bad:
        return JobFailure(f"ended with exit code {bad[0]}", witness, bad[0], stop_code)
    if stop_code in BAD_STOPS:
        return JobFailure(f"stopped with {stop_code}", witness, None, stop_code)
    return None


def _lowered(value: Any) -> Mapping[str, Any]:
    return {key[:1].lower() + key[1:]: v for key, v in mapping_of(value).items()}


def failed_later(case: Case, failed: JobFailures) -> Iterator[Finding]:
    """Tell of the states that succeeded and whose jobs did not."""
    for use in filter(_leaves_job, case.uses if failed else ()):
        well = [each for each in use.attempts if each.attempt.status == "succeeded"]
        jobs = ((each, job) for each in well for job in each.attempt.resource_ids)
        left = [(each, job) for each, job in jobs if job in failed]
        bad = [(own, job) for own, job in left if failed[job].witness != own.end_event]
        for those in together(bad):
            yield _failed_later(those, failed)


def _failed_later(
    bad: Sequence[tuple[AttemptCase, str]], failures: JobFailures
) -> Finding:
    each, job = bad[0]
    end = failures[job]
    row = each.attempt.integration
    thing = row.job_word if row else "job"
    what = f"the {thing} it started ({named(short_id(job))}) {end.words}"
    if len(bad) > 1:
        what = f"{plural(len(bad), thing)} it started {end.words} or failed otherwise"
    text = f"{named(each.visit.name)} succeeded without waiting, but {what}."
    proofs = [i for each, job in bad for i in (each.end_event, failures[job].witness)]
    data: dict[str, Any] = {**each.place, "job": job, "count": len(bad)}
    data |= {"exit_code": end.exit_code, "stop_code": end.stop_code}
    return finding("job-failed-later", text, filter(None, proofs), **data)
