"""What a file, or several together, hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sfnwatch.trace.events import Received
from sfnwatch.trace.payload import text_of


@dataclass(frozen=True, slots=True)
class Recording:
    """Everything received, as it was received."""

    records: tuple[Received, ...]
    created: datetime | None = None
    """When watching began; None where only files without that are open."""
    executions: tuple[str, ...] = ()
    """The ARNs it is about; `file:NAME` where a file does not say."""
    notes: tuple[str, ...] = ()
    """What a reader should know: a torn end, a file without an execution."""
    paths: tuple[Path, ...] = ()


def executions_of(records: Sequence[Received]) -> tuple[str, ...]:
    """List the executions that records name, in the order they first appear."""
    named = (r.execution_arn or text_of(r.data.get("executionArn")) for r in records)
    return tuple(dict.fromkeys(arn for arn in named if arn))
