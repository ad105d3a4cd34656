"""Findings on attempts, and on Parallels and Maps, that were retried."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sfnwatch.analysis.execution_analysis import ExecutionAnalysis
from sfnwatch.analysis.finding import Finding, finding
from sfnwatch.analysis.grouping import ranked, report_groups
from sfnwatch.analysis.lists import some
from sfnwatch.analysis.names import cleaned_path, named
from sfnwatch.analysis.quantities import agreeing, spoken, times
from sfnwatch.analysis.state_analysis import StateAnalysis
from sfnwatch.analysis.statuses import ended_words
from sfnwatch.model.visits import FAILED, Attempt, StateVisit, Stretch

_STORM_ATTEMPTS = 8
"""From this number on, failed attempts of one state are a retry storm."""
_RETRIED = (
    "{state} was tried {often}{visits}{end}; {failed} {attempts} failed{errors}."
    " {cost} {back_off} of retry back-off."
)
_CONTAINER_RETRIED = "{state}, with all that is in it, was tried {often} and {ended}."


def retries(state: StateAnalysis) -> Iterator[Finding]:
    """Yield the visits with several attempts; very many visits make one finding."""
    retried = [visit for visit in state.visits if _is_retried(visit)]
    for visits in report_groups(retried):
        yield _retries(state, visits)


def _is_retried(visit: StateVisit) -> bool:
    """True for a visit with more attempts than its redrives account for."""
    numbers = range(2, len(visit.attempts) + 1)
    return not all(map(visit.is_redriven, numbers))


def _retries(state: StateAnalysis, visits: Sequence[StateVisit]) -> Finding:
    first = visits[0]
    attempts: list[Attempt] = []
    back_offs: list[Stretch] = []
    for visit in visits:
        attempts += visit.attempts
        back_offs += visit.backoffs
    failed = [attempt for attempt in attempts if attempt.status in FAILED]
    errors = ranked(attempt.error or attempt.status for attempt in failed)
    failed_seconds = _seconds(map(_stretch, failed))
    back_off_seconds = _seconds(back_offs)
    name = state.name
    visit_words = ""
    if len(visits) > 1:
        visit_words = f" in {len(visits)} visits"
    elif len(state.visits) > 1:
        name = cleaned_path(first)
    noun = agreeing(len(failed), "attempt", "attempts")
    cost = "There were"
    if failed:
        cost = f"The failed {noun} took {spoken(failed_seconds)}, plus"
    text = _RETRIED.format(
        state=name,
        often=times(len(attempts)),
        visits=visit_words,
        end=_common_end(visits),
        failed=len(failed),
        attempts=noun,
        errors=f" with {some(map(named, errors))}" if errors else "",
        cost=cost,
        back_off=spoken(back_off_seconds),
    )
    data: dict[str, Any] = {
        "visit": first.id,
        "visits": len(visits),
        "tries": len(attempts),
        "failed": len(failed),
        "errors": errors,
        "storm": len(failed) >= _STORM_ATTEMPTS,
        "failed_seconds": round(failed_seconds, 3),
        "backing_off_seconds": round(back_off_seconds, 3),
    }
    proofs = [f"#{attempt.event_ids[-1]}" for attempt in failed]
    return finding("retries", text, proofs, **data)


def _common_end(visits: Sequence[StateVisit]) -> str:
    """Describe how the visits ended; empty if they did not all end alike."""
    statuses = {visit.status for visit in visits}
    status = statuses.pop()
    return "" if statuses else f" and {ended_words(status)}"


def _stretch(attempt: Attempt) -> Stretch:
    return attempt.scheduled_at, attempt.ended_at or attempt.scheduled_at


def _seconds(stretches: Iterable[Stretch]) -> float:
    """Add up lengths; a stretch that ends before its beginning has none."""
    return sum(max(0.0, (end - begin).total_seconds()) for begin, end in stretches)


def container_retries(analysis: ExecutionAnalysis) -> Iterator[Finding]:
    """Yield the Parallels and Maps that were retried, with all states inside."""
    for visit in analysis.visits:
        tries = len(visit.starts)
        if tries < 2:  # noqa: PLR2004 - it was started once, or is no container
            continue
        text = _CONTAINER_RETRIED.format(
            state=cleaned_path(visit),
            often=times(tries),
            ended=ended_words(visit.status),
        )
        failed = tries if visit.status in FAILED else tries - 1
        data: dict[str, Any] = {
            "visit": visit.id,
            "visits": 1,
            "tries": tries,
            "failed": failed,
            "errors": {},
            "storm": False,
        }
        proofs = [f"#{event_id}" for event_id in visit.starts[1:]]
        yield finding("retries", text, proofs, **data)
