"""Which kinds of calls would show, if they were made: a trail may log data events too.

Event history never has a data event, and nothing tells what a trail is set to log but
what is in it: one Invoke that came says that it logs Invokes, if perhaps not of every
function.
"""

from sfnwatch.trace.integration_names import Unrecorded
from sfnwatch.trace.integrations import Integration, unversioned
from sfnwatch.trace.timeline import Trace

Names = frozenset[tuple[str, str]]
"""Event sources and names of calls that came."""


def names_in(trace: Trace) -> Names:
    """Name the kinds of calls that a trace has."""
    calls = trace.calls.values()
    return frozenset((c.event_source, unversioned(c.event_name)) for c in calls)


def is_hidden(row: Integration | None, trace: Trace) -> bool:
    """True if a trace can't show such a call, whether it was made or not."""
    # All calls are gone through for those alone that may be hidden.
    return row is not None and not row.recorded and not shows(row, names_in(trace))


def shows(row: Integration | None, there: Names) -> bool:
    """True if such a call shows: it is a management event, or others like it came.

    That of an HTTP task may come, and names nobody whose it is.
    """
    if row is None or row.recorded:
        return row is not None
    call = (row.event_source, row.action_event)
    return row.unrecorded is Unrecorded.DATA_EVENT and call in there
