"""The payloads of the detail: an item's input and output, or a call's request."""

from collections.abc import Iterator

from sfnwatch.analysis.reasons import cause_words
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.values import mapping_of
from sfnwatch.tui.detail_entries import FACT_CHARACTERS
from sfnwatch.tui.item_detail import ItemDetail
from sfnwatch.tui.json_tree import JsonNode

_OF_CALLS = (("Request", "requestParameters"), ("Response", "responseElements"))
_RESULTS = ("TaskSucceeded", "FunctionSucceeded", "ActivitySucceeded", "TaskSubmitted")
_OF_EVENTS = (
    ("Parameters", "parameters", ("Scheduled",)),
    ("Input", "input", ("ExecutionStarted", "Scheduled", "StateEntered")),
    ("Result", "output", _RESULTS),
    ("Output", "output", ("ExecutionSucceeded", "StateExited")),
    ("Assigned variables", "assignedVariables", ("StateExited",)),
)
"""Payloads: title, field of the details, and what the types of their events end in."""


def item_payloads(detail: ItemDetail) -> Iterator[JsonNode]:
    """Yield a cause that is long or JSON, then the payloads; AWS may have cut them."""
    cause = detail.error_and_cause()[1] or ""
    is_json = cause_words(cause) != cause
    if is_json or len(cause) > FACT_CHARACTERS or "\n" in cause:
        yield JsonNode(f"cause/{detail.item.key}", "Cause", cause)
    if isinstance(detail.item, ApiCall):
        yield from _call_payloads(detail, detail.item)
    else:
        yield from _event_payloads(detail)


def _call_payloads(detail: ItemDetail, call: ApiCall) -> Iterator[JsonNode]:
    record = detail.trace.cloudtrail_record(call)
    for title, name in _OF_CALLS:
        yield JsonNode(f"{name}/{call.key}", title, record.get(name))


def _event_payloads(detail: ItemDetail) -> Iterator[JsonNode]:
    """Yield the payloads in events' details; of a kind, the last event's counts."""
    events = _payload_events(detail)
    for title, name, endings in _OF_EVENTS:
        of_kind = [event for event in events if event.type.endswith(endings)]
        if not of_kind:
            continue
        event = of_kind[-1]
        details = detail.trace.details(event)
        if name not in details:
            continue
        label = f"{title}  event {event.id}"
        about = mapping_of(details.get(f"{name}Details"))
        if about.get("truncated") is True:
            label += "  cut by AWS"
        yield JsonNode(f"{name}/{event.key}", label, details[name])


def _payload_events(detail: ItemDetail) -> list[HistoryEvent]:
    """Return the events of an attempt, of a visit, or of an execution's two ends.

    A visit's events are those that belong to none of its attempts.
    """
    execution = detail.execution
    if execution is None:
        return []
    owner = detail.attempt or detail.visit
    if owner is None:
        ends = (*execution.events[:1], *execution.events[-1:])
        return [event for event in ends if event.type.startswith("Execution")]
    events = []
    for event_id in owner.event_ids:
        event = execution.event(event_id)
        if event is None:
            continue
        if detail.attempt is not None or not event.attempt_id:
            events.append(event)
    return events
