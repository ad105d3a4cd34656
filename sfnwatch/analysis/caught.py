"""Findings on errors that a Catch took."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from sfnwatch.analysis.execution_analysis import ExecutionAnalysis
from sfnwatch.analysis.finding import Finding, finding
from sfnwatch.analysis.grouping import grouped, report_groups
from sfnwatch.analysis.names import named, visit_path
from sfnwatch.analysis.quantities import times
from sfnwatch.analysis.reasons import error_words
from sfnwatch.model.values import mapping_of, parse_json, text_of
from sfnwatch.model.visits import StateVisit


class Caught(Struct, frozen=True):
    """An error that a Catch took, and the state that came next."""

    visit: StateVisit
    error: str | None
    cause: str | None
    next_state: str | None
    """None where the next state has not been entered yet."""
    failing: StateVisit | None = None
    """The state that failed inside a Map or a Parallel, innermost; else None."""


def caught(case: ExecutionAnalysis) -> Iterator[Finding]:
    """Yield findings on caught errors; very many like errors make one finding."""
    every = caught_errors(case)
    alike = grouped(every, lambda each: (each.visit.name, each.error, each.next_state))
    for those in alike.values():
        yield from map(_caught, report_groups(those))


def _caught(told: Sequence[Caught]) -> Finding:
    first = told[0]
    several = len(told) > 1
    where = f" in {named(first.failing.name)}" if first.failing else ""
    visit = first.visit
    reason = error_words(first.error, None if several else first.cause)
    then = f", and {named(first.next_state)} came next" if first.next_state else ""
    text = named(visit.name) if several else visit_path(visit)
    text += f" failed{where}{f' {times(len(told))}' if several else ''}"
    text += f"{f' with {reason}' if reason else ''} (caught{then})."
    proofs = (f"#{each.visit.troubled_by}" for each in told)
    data: dict[str, Any] = {"visit": visit.id, "next_state": first.next_state}
    data["failing"] = first.failing.id if first.failing else None
    data["cause"] = None if several else first.cause
    return finding("caught", text, proofs, **data, error=first.error, count=len(told))


def caught_errors(case: ExecutionAnalysis) -> list[Caught]:
    """Return the caught errors, each with the state that came next.

    The event that enters the next state follows an event of the state that failed.
    """
    caught = [visit for visit in case.visits if visit.status == "caught"]
    if not caught:
        return []
    entered = ((v, case.execution.event(v.id)) for v in case.visits)
    after = {event.previous_event_id: v.name for v, event in entered if event}
    found = []
    for visit in caught:
        failing = _failing_inside(case, visit)
        error, cause = _error_of_visit(case, failing or visit, visit)
        # A state that follows the start of a Map or Parallel is inside it.
        own = (n for n in reversed(visit.event_ids) if n not in visit.starts)
        following = (after[n] for n in own if n in after)
        came_next = next(following, None)
        found.append(Caught(visit, error, cause, came_next, failing))
    return found


def _failing_inside(case: ExecutionAnalysis, visit: StateVisit) -> StateVisit | None:
    """Return the state that made a Map or Parallel fail; None for other states.

    The Failed event of the Map or Parallel follows an event of that state.
    """
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
    case: ExecutionAnalysis, failing: StateVisit, caught: StateVisit
) -> tuple[str | None, str | None]:
    """Return the error and cause of a failed state that `caught` caught.

    A failed evaluation is an error of the state itself, after its last attempt. The
    error of a Fail state is only in what the Catch passed on. None if not known.
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
"""The keys of what a Catch writes at its ResultPath in the state's output."""


def _exit_output(case: ExecutionAnalysis, visit: StateVisit) -> Mapping[str, Any]:
    for number in reversed(visit.event_ids):
        event = case.execution.event(number)
        if event is not None and event.type.endswith("StateExited"):
            output = case.snapshot.trace.details(event).get("output")
            return mapping_of(parse_json(output))
    return {}
