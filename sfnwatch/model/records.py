"""The records that sources hand over.

Sources, recordings, imported files and tests all hand over `Received` records: AWS's
own record as JSON, unaltered, with the time it reached us. The model decodes them
itself. So a later version can read more out of an old recording, and live watching and
replay run the same code.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any, TypeVar

from msgspec import Struct

from sfnwatch.model.strict_json import decode_object
from sfnwatch.model.values import encode_json

Record = Mapping[str, Any]
"""A JSON object as AWS sent it; times are ISO 8601 strings or epoch numbers."""


class DecodeError(ValueError):
    """A record that lacks something its kind must have; the text says what."""


class RecordKind(StrEnum):
    """What a record is, which determines the shape of its data."""

    HISTORY = "history"
    """One HistoryEvent of GetExecutionHistory."""
    DESCRIBE = "describe"
    """The answer of DescribeExecution."""
    DEFINITION = "definition"
    """The answer of DescribeStateMachineForExecution (or DescribeStateMachine)."""
    LOOKUP = "lookup"
    """One Event of LookupEvents; its CloudTrailEvent is the record as a JSON string."""
    TRAIL = "trail"
    """One CloudTrail record: from a trail's files, or an EventBridge event's detail."""
    ATHENA = "athena"
    """One row of a result of Athena, DuckDB or Lake, with columns in lower case."""
    EXPRESS = "express"
    """One event of an execution's log in CloudWatch Logs."""
    TASK_STATE = "task-state"
    """One EventBridge event `ECS Task State Change`."""
    MAP_RUN = "map-run"
    """The answer of DescribeMapRun."""
    CHILDREN = "children"
    """A page of ListExecutions for a Map Run."""
    MACHINE_EXECUTIONS = "machine-executions"
    """Answers of ListExecutions for a state machine: see `other_executions.py`."""
    UNREAD = "unread"
    """A record that a live source could not decode, kept for a later version."""
    HEALTH = "health"
    """A source's report of its own state: see `SourceHealth`."""
    REQUEST = "request"
    """One request that sfnwatch itself sent to AWS: see `Request`."""


CALL_KINDS = frozenset({RecordKind.LOOKUP, RecordKind.TRAIL, RecordKind.ATHENA})
"""The kinds of record that are API calls."""
EVENT_KINDS = frozenset({RecordKind.HISTORY, RecordKind.EXPRESS})
"""The kinds of record that are events of an execution."""

D = TypeVar("D")


class Received(Struct, frozen=True, dict=True):
    """One record, as a source handed it over."""

    at: datetime | None
    """When it reached us, in aware UTC; None for files without this time."""
    kind: str
    """A value of `RecordKind`; records of other kinds are not read."""
    execution_arn: str | None
    """The execution it belongs to; None where the source does not know it, or for a
    call."""
    data: bytes
    """AWS's record, as JSON."""

    @cached_property
    def record(self) -> Record:
        """The decoded JSON object; empty if the data is none.

        It is decoded once and kept. A copy of this record begins without it.
        """
        try:
            return decode_object(self.data)
        except ValueError:
            return {}

    def once(self, decode: "Callable[[Received], D]") -> D:
        """Return the result of a decoder, which runs only once for this record.

        A record is decoded more than once before the trace takes it: a file is checked,
        and a page is searched for records of the executions. Decoding a call took 30 µs
        each time.
        """
        known = self.__dict__
        if decode.__name__ not in known:
            known[decode.__name__] = decode(self)
        found: D = known[decode.__name__]
        return found


Batch = Sequence[Received]
"""The records that a source hands over at once: one page, or one step of a replay."""


def receive(
    at: datetime | None, kind: str, execution_arn: str | None, record: Any
) -> Received:
    """Return a record of a JSON value; raises ValueError for what JSON can't hold."""
    return Received(at, kind, execution_arn, encode_json(record))
