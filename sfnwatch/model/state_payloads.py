"""What a state was given and what it left: its input, output and variables.

AWS writes them into the StateEntered and StateExited events of a history. A variable
may be assigned by every type of state but Fail, so the StateExited event has the ones
that the state assigned.
"""

from collections.abc import Mapping

from msgspec import Struct

from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.values import canonical, mapping_of, text_of
from sfnwatch.model.visits import StateVisit


class StatePayloads(Struct, frozen=True):
    """The payloads of one visit, as AWS's JSON texts."""

    input: str | None = None
    """None if its StateEntered event has none, as in a log without payloads."""
    output: str | None = None
    """None while it runs, after a failure that nothing caught, and in a log without
    payloads."""
    is_cut: bool = False
    """True if AWS has cut one of the two, and says so in its event."""


class Assignment(Struct, frozen=True):
    """The variables that one visit assigned."""

    event_id: int = 0
    """The id of its StateExited event; 0 without one."""
    values: Mapping[str, str] = {}
    """The JSON text of each variable's value, by the variable's name."""


def state_payloads(
    snapshot: Snapshot, execution: ExecutionAsOf, visit: StateVisit
) -> StatePayloads:
    """Return the input in a visit's first event, and the output in its last."""
    trace = snapshot.trace
    entered = execution.event(visit.id)
    given = trace.details(entered) if entered is not None else {}
    exited = _exit_of(execution, visit)
    left = trace.details(exited) if exited is not None else {}
    is_cut = _is_cut(given, "input") or _is_cut(left, "output")
    input_text = text_of(given.get("input"))
    return StatePayloads(input_text, text_of(left.get("output")), is_cut)


def assignment(
    snapshot: Snapshot, execution: ExecutionAsOf, visit: StateVisit
) -> Assignment:
    """Return the variables that a visit assigned, from its StateExited event."""
    exited = _exit_of(execution, visit)
    if exited is None:
        return Assignment()
    # Most events assign nothing, and a search is faster than decoding the record.
    if b"assignedVariables" not in snapshot.trace.raw_json(exited):
        return Assignment(exited.id)
    details = snapshot.trace.details(exited)
    return Assignment(exited.id, _variables(details.get("assignedVariables")))


def failed_evaluation(
    snapshot: Snapshot, execution: ExecutionAsOf, visit: StateVisit
) -> str | None:
    """Return the field whose expression could not be evaluated, such as `Arguments`.

    It is the `location` of the visit's EvaluationFailed event; None without one.
    """
    if visit.error is None:
        return None
    for event_id in reversed(visit.event_ids):
        event = execution.event(event_id)
        if event is not None and event.type == "EvaluationFailed":
            return text_of(snapshot.trace.details(event).get("location"))
    return None


def _exit_of(execution: ExecutionAsOf, visit: StateVisit) -> HistoryEvent | None:
    if visit.exited_at is None:
        return None
    for event_id in reversed(visit.event_ids):
        event = execution.event(event_id)
        if event is not None and event.type.endswith("StateExited"):
            return event
    return None


def _is_cut(details: Mapping[str, object], name: str) -> bool:
    return mapping_of(details.get(f"{name}Details")).get("truncated") is True


def _variables(value: object) -> dict[str, str]:
    """Return an event's variables; a value that is no text becomes a JSON text."""
    variables = {}
    for name, text in mapping_of(value).items():
        variables[name] = text if isinstance(text, str) else canonical(text)
    return variables
