"""The verdict on an execution: its status, and the state that decided it."""

from collections.abc import Sequence
from datetime import datetime

from sfnwatch.analysis.ending_error import ended_with
from sfnwatch.analysis.names import named
from sfnwatch.analysis.quantities import spoken
from sfnwatch.analysis.reasons import error_words
from sfnwatch.analysis.trace_analysis import TraceAnalysis
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.execution_list import UNKNOWN
from sfnwatch.model.history_event import TERMINAL
from sfnwatch.model.texts import clean
from sfnwatch.model.visits import FAILED, StateVisit

_REASON = 200
_ENDED_FROM_OUTSIDE = frozenset({"TIMED_OUT", "ABORTED"})
"""Statuses of an end that is no state's error: earlier errors were over by then."""


class ExecutionVerdict:
    """The status of an execution, its error, and the state that decided it."""

    def __init__(self, survey: TraceAnalysis, execution: ExecutionAsOf) -> None:
        visit = _decisive(execution)
        known = survey.known_to(execution)
        begun = execution.started_at
        running = execution.running
        self.status = execution.status
        """AWS's word: RUNNING, SUCCEEDED, FAILED, …"""
        seconds = (known - begun).total_seconds() if begun and known else None
        self.seconds = None if seconds is None else round(seconds, 3)
        """The seconds it took, or has taken so far; None if not known."""
        self.visit = visit.id if visit else None
        """The id of the visit that failed, or that is under way; None without one."""
        self.path = visit.path if visit else None
        """That visit's path, in AWS's names."""
        self.redrives = len(execution.redrives)
        """The number of redrives after it had ended."""
        failed = not running and execution.status != "SUCCEEDED"
        told = [ended_with(survey.snapshot, execution)] if failed else []
        if failed and visit and execution.status not in _ENDED_FROM_OUTSIDE:
            told += ((each.error, each.cause) for each in visit.attempts[-1:])
            told.append((visit.error, visit.cause))
        self.error = next((error for error, _ in told if error), None)
        """The error of the ending, or else of the state that failed; likewise the
        cause."""
        self.cause = next((cause for _, cause in told if cause), None)
        self.text = self._text(execution, visit, known)
        """The verdict as a line for people."""

    def _text(
        self, execution: ExecutionAsOf, visit: StateVisit | None, known: datetime | None
    ) -> str:
        """Describe each leg: `FAILED after 3 s, redriven …, SUCCEEDED after …`."""
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
        reason = error_words(self.error, self.cause, _REASON)
        last = f"{clean(self.status)}{lasted}{where}{reason and f': {reason}'}"
        return f"{', '.join([*legs, last]).rstrip('.')}."


def _lasted(
    begun: datetime | None, end: datetime | None, word: str, before: Sequence[str]
) -> str:
    """Describe a leg's length: `after 3 s`, and of later legs `after 1m 20s more`."""
    if begun is None or end is None:
        return ""
    seconds = max(0.0, (end - begun).total_seconds())
    return f" {word} {spoken(seconds)}{' more' if before else ''}"


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
    bad = [v for v in execution.visits if v.status in FAILED and _counts(execution, v)]
    around = {visit.parent for visit in bad}
    inner = [visit for visit in bad if visit.id not in around]

    def order(visit: StateVisit) -> tuple[bool, datetime, int]:
        ended_at = visit.ended_at or visit.entered_at
        return brought_down(execution, visit), ended_at, visit.id

    return max(inner, key=order, default=None)


def brought_down(execution: ExecutionAsOf, visit: StateVisit | None) -> bool:
    """True if the event that ended a visit follows an event of the visit's own.

    Visits that failed together with it were ended by the same event, but it follows
    none of their events.
    """
    end = execution.event(visit.ended_by) if visit else None
    return (
        visit is not None
        and end is not None
        and end.previous_event_id in visit.event_ids
    )


def _counts(execution: ExecutionAsOf, visit: StateVisit) -> bool:
    """False for a visit in a try that was followed by another, or that was caught."""
    around = execution.visit(visit.parent)
    while around is not None:
        begun = max(around.starts, default=0)
        if around.status in {"caught", "succeeded"} or visit.id < begun:
            return False
        around = execution.visit(around.parent)
    return True
