"""What a file, or several together, hold."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from sfnwatch.trace.events import From, Received
from sfnwatch.trace.payload import text_of

_CALLS = frozenset({From.LOOKUP, From.TRAIL, From.ATHENA})


class Recording(Struct, frozen=True):
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
    """List the executions that records name, in the order they first appear.

    Not those that were followed because another one began them.
    """
    named = (r.execution_arn or _named_in(r) for r in records)
    followed = {r.execution_arn for r in records if _is_followed(r)}
    return tuple(dict.fromkeys(arn for arn in named if arn and arn not in followed))


def _named_in(received: Received) -> str | None:
    # Calls name none so, and there are many; packed ones would be opened.
    is_call = received.source in _CALLS
    return None if is_call else text_of(received.data.get("executionArn"))


def _is_followed(received: Received) -> bool:
    data = received.data
    own = received.source == From.HEALTH and "source" not in data
    return own and data.get("lane") == "children"
