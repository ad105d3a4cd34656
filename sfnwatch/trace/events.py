"""What a source may say.

Sources, recordings, imported files and tests all speak in `Received` records:
AWS's own record, unaltered and JSON-ready, with the moment it reached us. The
core decodes them itself, so that a later version can read more out of an old
recording, and so that live and replay take the same path.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct

Record = Mapping[str, Any]
"""A JSON object as AWS sent it; times are ISO 8601 strings or epoch numbers."""


class From(StrEnum):
    """Which source a record came from, and so which shape its data has."""

    HISTORY = "history"
    """One HistoryEvent of GetExecutionHistory."""
    DESCRIBE = "describe"
    """The answer of DescribeExecution."""
    DEFINITION = "definition"
    """The answer of DescribeStateMachineForExecution (or DescribeStateMachine)."""
    LOOKUP = "lookup"
    """One Event of LookupEvents, its record a JSON string in CloudTrailEvent."""
    TRAIL = "trail"
    """One CloudTrail record: from a trail's files, or an EventBridge event's detail."""
    ATHENA = "athena"
    """One row of a result of Athena's, DuckDB's or Lake's: columns in lower case."""
    EXPRESS = "express"
    """One event of an execution's log in CloudWatch Logs: see `express.py`."""
    TASK_STATE = "task-state"
    """One EventBridge event `ECS Task State Change`: see `task_states.py`."""
    MAP_RUN = "map-run"
    """The answer of DescribeMapRun."""
    CHILDREN = "children"
    """A page of ListExecutions for a Map Run."""
    UNREAD = "unread"
    """A record that a live source could not decode: kept, for a later version."""
    HEALTH = "health"
    """What a source says of itself: see `SourceHealth`."""
    REQUEST = "request"
    """One request that this tool sent to AWS itself: see `requests.py`."""


class Received(Struct, frozen=True):
    """One record, as a source handed it over."""

    at: datetime | None
    """When it reached us, aware UTC; None for files that don't say."""
    source: str
    """A `From` value; others pass through unread."""
    execution_arn: str | None
    """The execution it belongs to, where the source knows; calls don't."""
    data: Record
    """AWS's record."""


Batch = tuple[Received, ...]
"""What a source hands over at once: one page, or one step of a replay."""


class HealthState(StrEnum):
    """How a source is doing, in one word."""

    CONNECTING = "connecting"
    LIVE = "live"
    THROTTLED = "throttled"
    RETRYING = "retrying"
    DENIED = "denied"
    EXPIRED = "expired"
    REFUSED = "refused"
    """Gone for good: AWS will not answer this, however often it is asked."""
    DRAINING = "draining"
    """The execution is over; late records are still awaited."""
    WAITING = "waiting"
    """The execution is over, and all is in; a redrive may yet come."""
    ENDED = "ended"


class SourceHealth(Struct, frozen=True):
    """How one lane's source is doing; trouble is an event like any other.

    As `Received.data` it is the JSON object `{"lane", "state", "message",
    "retry_in", "complete_to", "lag", "until", "requests", "source"}`, nulls left out.
    """

    lane: str
    """`history`, `lookup`, or `children` for what executions began."""
    state: HealthState
    message: str = ""
    """What was tried, what AWS said, what to do; empty while all is well."""
    retry_in: float | None = None
    """Seconds until the next try."""
    complete_to: datetime | None = None
    """The watermark: all calls up to here are believed to have been delivered."""
    lag: float | None = None
    """Seconds by which the lane is behind."""
    until: datetime | None = None
    """When draining ends."""
    requests: int = 0
    """Requests this source has made so far."""
    source: str = ""
    """Which it is of several that fill the lane: `queue`, `archive`; LookupEvents, and
    the history, go without."""
