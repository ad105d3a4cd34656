"""Findings on attempts, and on Parallels and Maps, that were retried."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sfnwatch.analysis.execution_analysis import ExecutionAnalysis
from sfnwatch.analysis.finding import Finding, finding
from sfnwatch.analysis.grouping import ranked, report_groups
from sfnwatch.analysis.lists import some
from sfnwatch.analysis.names import named, visit_path
from sfnwatch.analysis.quantities import spoken, times
from sfnwatch.analysis.state_analysis import StateAnalysis
from sfnwatch.analysis.statuses import ended_words
from sfnwatch.model.visits import FAILED, StateVisit, Stretch

_STORM = 8
"""From this number on, failed attempts of one state are a retry storm."""


def retries(use: StateAnalysis) -> Iterator[Finding]:
    """Yield the visits with several attempts; very many visits make one finding."""
    for visits in report_groups([visit for visit in use.visits if _is_retried(visit)]):
        yield _retries(use, visits)


def _is_retried(visit: StateVisit) -> bool:
    """True for a visit with more attempts than its redrives account for."""
    numbers = range(2, len(visit.attempts) + 1)
    return any(not visit.is_redriven(number) for number in numbers)


def _retries(use: StateAnalysis, visits: Sequence[StateVisit]) -> Finding:
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
    name = use.name if alone else visit_path(visits[0])
    text = f"{name} was tried {times(len(tries))}"
    text += f"{where}{end}; {len(bad)} {attempts} failed{how}. {cost}"
    text += f"{spoken(backing_off)} of retry back-off."
    data: dict[str, Any] = {"visit": visits[0].id, "visits": len(visits)}
    data |= {"tries": len(tries), "failed": len(bad), "errors": errors, "storm": storm}
    data["failed_seconds"] = round(lost, 3)
    data["backing_off_seconds"] = round(backing_off, 3)
    proofs = (f"#{attempt.event_ids[-1]}" for attempt in bad)
    return finding("retries", text, proofs, **data)


def container_retries(case: ExecutionAnalysis) -> Iterator[Finding]:
    """Yield the Parallels and Maps that were retried, with all states inside."""
    for visit in case.visits:
        again = visit.starts[1:]
        tries = len(visit.starts)
        if not again:
            continue
        became = f"was tried {times(tries)} and {ended_words(visit.status)}"
        name = visit_path(visit)
        data: dict[str, Any] = {"visit": visit.id, "visits": 1, "tries": tries}
        failed = len(again) + (visit.status in FAILED)
        data |= {"failed": failed, "errors": {}, "storm": False}
        proofs = (f"#{event_id}" for event_id in again)
        text = f"{name}, with all that is in it, {became}."
        yield finding("retries", text, proofs, **data)


def _seconds(spans: Iterable[Stretch]) -> float:
    return sum(max(0.0, (end - begin).total_seconds()) for begin, end in spans)
