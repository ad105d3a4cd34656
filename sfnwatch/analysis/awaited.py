"""Findings on what running states wait for: the end of a Wait, the next try."""

from collections.abc import Iterator
from datetime import datetime

from sfnwatch.analysis.execution_analysis import ExecutionAnalysis
from sfnwatch.analysis.finding import Finding, finding
from sfnwatch.analysis.names import cleaned_path
from sfnwatch.analysis.next_try import NextTry, next_try
from sfnwatch.analysis.quantities import agreeing, plural, time_of_day
from sfnwatch.model.times import iso, maybe_iso
from sfnwatch.model.visits import StateVisit
from sfnwatch.model.wait_states import wait_end

_MOST = 5
"""At most this many states of a kind have a finding each; the others are counted."""


def awaited(analysis: ExecutionAnalysis) -> Iterator[Finding]:
    """Yield a finding for each Wait whose end is known, and for each running retry."""
    running = [visit for visit in analysis.visits if visit.running]
    yield from _waits(analysis, running)
    retried = 0
    for visit in running:
        following = next_try(analysis.execution, visit)
        if following is None:
            continue
        retried += 1
        if retried > _MOST:
            continue
        yield finding(
            "next-try",
            f"By the definition, {cleaned_path(visit)}: {_when(visit, following)}.",
            [f"#{visit.attempts[-1].scheduled_id}"],
            fact=False,
            visit=visit.id,
            path=visit.path,
            attempt=following.number,
            at_most=following.at_most,
            expected_at=maybe_iso(following.due_at),
            is_bound=following.is_bound,
        )
    if retried > _MOST:
        left_out = retried - _MOST
        are = agreeing(left_out, "is", "are")
        text = f"{plural(left_out, 'more state')} {are} at a retry."
        yield finding("next-try", text, count=left_out)


def _when(visit: StateVisit, following: NextTry) -> str:
    """Return which try comes next, and when: `…, next by 12:00:00`."""
    if following.due_at is None:
        return following.which
    preposition = "by" if following.is_bound else "at"
    due_at = time_of_day(following.due_at, visit.entered_at)
    return f"{following.which}, next {preposition} {due_at}"


def _waits(analysis: ExecutionAnalysis, running: list[StateVisit]) -> Iterator[Finding]:
    """Yield the Waits whose ends are known, the first to end first."""
    ends: list[tuple[datetime, int, StateVisit]] = []
    for visit in running:
        ends_at = wait_end(analysis.snapshot, analysis.execution, visit)
        if ends_at is not None:
            ends.append((ends_at, visit.id, visit))
    ends.sort(key=lambda end: end[:2])
    for ends_at, _, visit in ends[:_MOST]:
        at = time_of_day(ends_at, visit.entered_at)
        yield finding(
            "wait-ends",
            f"By the definition, {cleaned_path(visit)}, a Wait state, ends at {at}.",
            [f"#{visit.id}"],
            fact=False,
            visit=visit.id,
            path=visit.path,
            expected_at=iso(ends_at),
        )
    left_out = len(ends) - _MOST
    if left_out > 0:
        end = agreeing(left_out, "ends", "end")
        text = f"{plural(left_out, 'more Wait state')} {end} then or later."
        yield finding("wait-ends", text, count=left_out)
