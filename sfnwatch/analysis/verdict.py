"""The verdict on an execution: its status, and the state that decided it."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sfnwatch.analysis.ending_error import ended_with
from sfnwatch.analysis.names import named
from sfnwatch.analysis.quantities import spoken
from sfnwatch.analysis.reasons import error_words
from sfnwatch.analysis.trace_analysis import TraceAnalysis
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.execution_list import UNKNOWN
from sfnwatch.model.history_event import STATUS_BY_END
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.texts import clean
from sfnwatch.model.visits import FAILED, StateVisit

_REASON_LETTERS = 200
"""The most letters of a reason in the verdict."""
_ENDED_FROM_OUTSIDE = frozenset({"TIMED_OUT", "ABORTED"})
"""Statuses of an end that is no state's error: earlier errors were over by then."""


class ExecutionVerdict:
    """The status of an execution, its error, and the state that decided it."""

    def __init__(self, analysis: TraceAnalysis, execution: ExecutionAsOf) -> None:
        visit = _decisive(execution)
        known_to = analysis.known_to(execution)
        self.status = execution.status
        """AWS's word: RUNNING, SUCCEEDED, FAILED, …"""
        self.seconds: float | None = None
        """The seconds it took, or has taken so far; None if not known."""
        if execution.started_at is not None and known_to is not None:
            seconds = (known_to - execution.started_at).total_seconds()
            self.seconds = round(seconds, 3)
        self.visit = visit.id if visit else None
        """The id of the visit that failed, or that is under way; None without one."""
        self.path = visit.path if visit else None
        """That visit's path, in AWS's names."""
        self.redrives = len(execution.redrives)
        """The number of redrives after it had ended."""
        self.error: str | None = None
        """The error of the ending, or else of the state that failed; likewise the
        cause."""
        self.cause: str | None = None
        for error, cause in _errors(analysis.snapshot, execution, visit):
            self.error = self.error or error or None
            self.cause = self.cause or cause or None
        self.text = self._text(execution, visit, known_to)
        """The verdict as a line for people."""

    def _text(
        self,
        execution: ExecutionAsOf,
        visit: StateVisit | None,
        known_to: datetime | None,
    ) -> str:
        """Describe each leg: `FAILED after 3 s, redriven …, SUCCEEDED after …`."""
        legs: list[str] = []
        begun = execution.started_at
        for redrive in execution.redrives:
            if redrive.ended is not None:
                status = STATUS_BY_END[redrive.ended.type]
                lasted = _lasted("after", begun, redrive.ended.at, legs)
                legs.append(f"{status}{lasted}")
            gap = redrive.seconds
            later = "" if gap is None else f" {spoken(gap)} later"
            legs.append(f"redriven{later}")
            begun = redrive.event.at
        where = f" in {named(visit.name)}" if visit else ""
        if execution.running and execution.status != UNKNOWN:
            lasted = _lasted("for", begun, known_to, legs)
            if lasted:
                lasted = f"{lasted} so far"
            if where:
                where = f",{where}"
        else:
            lasted = _lasted("after", begun, known_to, legs)
            if lasted and execution.status == UNKNOWN:
                lasted = f": its history stops{lasted}"
        reason = error_words(self.error, self.cause, _REASON_LETTERS)
        if reason:
            reason = f": {reason}"
        legs.append(f"{clean(self.status)}{lasted}{where}{reason}")
        sentence = ", ".join(legs)
        return f"{sentence.rstrip('.')}."


def _lasted(
    preposition: str,
    begun: datetime | None,
    end: datetime | None,
    earlier_legs: Sequence[str],
) -> str:
    """Describe a leg's length: `after 3 s`, and of later legs `after 1m 20s more`."""
    if begun is None or end is None:
        return ""
    seconds = max(0.0, (end - begun).total_seconds())
    more = " more" if earlier_legs else ""
    return f" {preposition} {spoken(seconds)}{more}"


def _errors(
    snapshot: Snapshot, execution: ExecutionAsOf, visit: StateVisit | None
) -> Iterator[tuple[str | None, str | None]]:
    """Yield the errors and causes of a failure: of its ending, then of its state."""
    if execution.running or execution.status == "SUCCEEDED":
        return
    yield ended_with(snapshot, execution)
    if visit is not None and execution.status not in _ENDED_FROM_OUTSIDE:
        if visit.attempts:
            yield visit.attempts[-1].error, visit.attempts[-1].cause
        yield visit.error, visit.cause


def _decisive(execution: ExecutionAsOf) -> StateVisit | None:
    """Return the visit that decided how an execution stands; None if there is none.

    It is the last and innermost failed visit; of a running execution, it is the newest
    running visit.
    """
    if execution.running:
        running = [visit for visit in execution.visits if visit.running]
        return max(running, key=lambda visit: visit.id, default=None)
    if execution.ending is None or execution.status == "SUCCEEDED":
        return None
    failed = [visit for visit in execution.visits if _failed_for_good(execution, visit)]
    parents = {visit.parent for visit in failed}
    innermost = [visit for visit in failed if visit.id not in parents]

    def order(visit: StateVisit) -> tuple[bool, datetime, int]:
        ended_at = visit.ended_at or visit.entered_at
        return brought_down(execution, visit), ended_at, visit.id

    return max(innermost, key=order, default=None)


def brought_down(execution: ExecutionAsOf, visit: StateVisit) -> bool:
    """True if the event that ended a visit follows an event of the visit's own.

    Visits that failed together with it were ended by the same event, but it follows
    none of their events.
    """
    end = execution.event(visit.ended_by)
    return end is not None and end.previous_event_id in visit.event_ids


def _failed_for_good(execution: ExecutionAsOf, visit: StateVisit) -> bool:
    """True for a failed visit that no Map or Parallel around it caught or retried."""
    if visit.status not in FAILED:
        return False
    around = execution.visit(visit.parent)
    while around is not None:
        last_try_begun = max(around.starts, default=0)
        if around.status in {"caught", "succeeded"} or visit.id < last_try_begun:
            return False
        around = execution.visit(around.parent)
    return True
