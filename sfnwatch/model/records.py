"""What a source may say.

Sources, recordings, imported files and tests all speak in `Received` records:
AWS's own record as JSON, unaltered, with the moment it reached us. The model
decodes them itself, so that a later version can read more out of an old recording,
and so that live and replay take the same path.
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
    """A record that lacks what its kind must have; the text says what and where."""


class RecordKind(StrEnum):
    """What a record is, and so which shape its data has."""

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
    """One event of an execution's log in CloudWatch Logs."""
    TASK_STATE = "task-state"
    """One EventBridge event `ECS Task State Change`."""
    MAP_RUN = "map-run"
    """The answer of DescribeMapRun."""
    CHILDREN = "children"
    """A page of ListExecutions for a Map Run."""
    MACHINE_EXECUTIONS = "machine-executions"
    """What ListExecutions told of a state machine: see `children.py`."""
    UNREAD = "unread"
    """A record that a live source could not decode: kept, for a later version."""
    HEALTH = "health"
    """What a source says of itself: see `SourceHealth`."""
    REQUEST = "request"
    """One request that this tool sent to AWS itself: see `Request`."""


CALL_KINDS = frozenset({RecordKind.LOOKUP, RecordKind.TRAIL, RecordKind.ATHENA})
"""The kinds of record that are API calls."""
EVENT_KINDS = frozenset({RecordKind.HISTORY, RecordKind.EXPRESS})
"""The kinds of record that are events of an execution."""

D = TypeVar("D")


class Received(Struct, frozen=True, dict=True):
    """One record, as a source handed it over."""

    at: datetime | None
    """When it reached us, aware UTC; None for files that don't say."""
    kind: str
    """A `RecordKind` value; others pass through unread."""
    execution_arn: str | None
    """The execution it belongs to, where the source knows; calls don't."""
    data: bytes
    """AWS's record, as JSON."""

    @cached_property
    def record(self) -> Record:
        """The record; empty for what is no JSON object.

        It is decoded once, and kept as long as this is; a copy begins without.
        """
        try:
            return decode_object(self.data)
        except ValueError:
            return {}

    def once(self, decode: "Callable[[Received], D]") -> D:
        """Decode it with a function, but once, however many ask for it.

        A file is checked, and a page searched for what concerns the executions, before
        the trace takes its records in: each time a call took 30 µs.
        """
        known = self.__dict__
        if decode.__name__ not in known:
            known[decode.__name__] = decode(self)
        found: D = known[decode.__name__]
        return found


Batch = Sequence[Received]
"""What a source hands over at once: one page, or one step of a replay."""


def receive(
    at: datetime | None, kind: str, execution_arn: str | None, record: Any
) -> Received:
    """Make a record of a JSON value; raises ValueError for what JSON can't hold."""
    return Received(at, kind, execution_arn, encode_json(record))
