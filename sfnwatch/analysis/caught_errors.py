"""The errors that a Catch took, each with the state that came next."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from sfnwatch.analysis.execution_analysis import ExecutionAnalysis
from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.values import mapping_of, parse_json, text_of
from sfnwatch.model.visits import StateVisit

_ERROR_OUTPUT = {"Error", "Cause"}
"""The keys of what a Catch writes at its ResultPath in the state's output."""


class CaughtError(Struct, frozen=True):
    """An error that a Catch took, and the state that came next."""

    visit: StateVisit
    error: str | None
    cause: str | None
    next_state: str | None
    """None where the next state has not been entered yet."""
    failing: StateVisit | None = None
    """The state that failed inside a Map or a Parallel, innermost; else None."""


def caught_errors(analysis: ExecutionAnalysis) -> list[CaughtError]:
    """Return the caught errors, each with the state that came next."""
    caught = [visit for visit in analysis.visits if visit.status == "caught"]
    if not caught:
        return []
    names_after: dict[int | None, str] = {}
    """The names of entered states, by the event that each follows."""
    for visit in analysis.visits:
        entered = analysis.execution.event(visit.id)
        if entered is not None:
            names_after[entered.previous_event_id] = visit.name
    errors = []
    for visit in caught:
        failing = _failing_inside(analysis, visit)
        error, cause = _error_of_visit(analysis, failing or visit, visit)
        next_state = _next_state(visit, names_after)
        errors.append(CaughtError(visit, error, cause, next_state, failing))
    return errors


def _next_state(visit: StateVisit, names_after: Mapping[int | None, str]) -> str | None:
    """Return the state that was entered after the last event of the failed state."""
    for event_id in reversed(visit.event_ids):
        # A state that follows the start of a Map or Parallel is inside it.
        if event_id in names_after and event_id not in visit.starts:
            return names_after[event_id]
    return None


def _last_event(
    analysis: ExecutionAnalysis, visit: StateVisit, ending: str
) -> HistoryEvent | None:
    """Return a visit's last event whose type has an ending; None without one."""
    for event_id in reversed(visit.event_ids):
        event = analysis.execution.event(event_id)
        if event is not None and event.type.endswith(ending):
            return event
    return None


def _failing_inside(
    analysis: ExecutionAnalysis, visit: StateVisit
) -> StateVisit | None:
    """Return the state that made a Map or Parallel fail; None for other states.

    The Failed event of the Map or Parallel follows an event of that state.
    """
    execution = analysis.execution
    failed = _last_event(analysis, visit, "StateFailed")
    before = execution.event(failed.previous_event_id) if failed else None
    failing = execution.visit(before.visit_id) if before else None
    if failing is None or failing.id == visit.id:
        return None
    return failing


def _error_of_visit(
    analysis: ExecutionAnalysis, failing: StateVisit, caught: StateVisit
) -> tuple[str | None, str | None]:
    """Return the error and cause of a failed state that `caught` caught.

    A failed evaluation is an error of the state itself, after its last attempt. The
    error of a Fail state is only in what the Catch passed on. None if not known.
    """
    if failing.error is not None:
        return failing.error, failing.cause
    if failing.attempts and failing.attempts[-1].error is not None:
        return failing.attempts[-1].error, failing.attempts[-1].cause
    output = _exit_output(analysis, caught)
    written = []
    for value in (output, *output.values()):
        fields = mapping_of(value)
        if fields.keys() == _ERROR_OUTPUT:
            written.append(fields)
    if len(written) != 1:
        return None, None
    return text_of(written[0]["Error"]), text_of(written[0]["Cause"])


def _exit_output(analysis: ExecutionAnalysis, visit: StateVisit) -> Mapping[str, Any]:
    exited = _last_event(analysis, visit, "StateExited")
    if exited is None:
        return {}
    output = analysis.snapshot.trace.details(exited).get("output")
    return mapping_of(parse_json(output))
