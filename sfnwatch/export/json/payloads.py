"""The payloads of a trace as JSON values: what AWS's records hold beside the facts.

Payloads are AWS's texts, unaltered: an input is the JSON text that the history has.
"""

from sfnwatch.export.facts import Facts, fields_of
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.state_payloads import state_payloads
from sfnwatch.model.trace import Trace
from sfnwatch.model.visits import StateVisit

_EVENT = ("id", "type", "previous_event_id", "at")


def event_json(trace: Trace, event: HistoryEvent, *, payloads: bool) -> Facts:
    """Return an event with the visit and the attempt that it belongs to, if any."""
    facts = fields_of(event, *_EVENT)
    facts["visit"] = event.visit_id or None
    facts["attempt"] = event.attempt_id or None
    if payloads:
        facts["details"] = dict(trace.details(event))
    return facts


def visit_payloads(
    snapshot: Snapshot, execution: ExecutionAsOf, visit: StateVisit
) -> Facts:
    """Return the input and the output of a visit."""
    return fields_of(state_payloads(snapshot, execution, visit), "input", "output")


def call_payloads(trace: Trace, call: ApiCall) -> Facts:
    """Return the request and the answer in a CloudTrail record, and its error."""
    record = trace.cloudtrail_record(call)
    return {
        "error_message": record.get("errorMessage"),
        "request_parameters": record.get("requestParameters"),
        "response_elements": record.get("responseElements"),
    }


def without_causes(visit: Facts) -> None:
    """Remove the causes from a visit, since a cause may hold a job's whole answer."""
    visit["cause"] = None
    for attempt in visit["attempts"]:
        attempt["cause"] = None
