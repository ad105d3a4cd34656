"""What the screen needs from a session."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Protocol

from sfnwatch.analysis.finding import Finding
from sfnwatch.clock import Clock
from sfnwatch.model.own_requests import Operation
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.trace import Consumer, Mode, Trace
from sfnwatch.view.time_scale import PlaybackSpan

if TYPE_CHECKING:
    from sfnwatch.recording.recorder import Recorder


class WatchedSession(Protocol):
    """What the screen needs from a session: a live one, a demo's, or a recording's."""

    mode: Mode
    title: str
    """What is watched, in words, for the time before any record has come."""
    clock: Clock
    span: PlaybackSpan | None
    """When a recording begins and ends; None for other sessions."""
    allowed: Collection[Operation]
    """The operations that sfnwatch can send to AWS in this session."""
    recorder: "Recorder | None"
    trace: Trace
    """The trace; only the session adds to it."""
    consumers: list[Consumer]
    """Each is called with a batch, once the batch is part of the trace."""

    async def run(self) -> None:
        """Run all sources to their ends; raises SfnwatchError."""

    async def findings(self, snapshot: Snapshot) -> Sequence[Finding]:
        """Return a snapshot's findings; work in slices, so that other tasks can run."""

    def end_drain(self) -> None:
        """Stop waiting for late records."""

    def follow(self, execution_arn: str) -> bool:
        """Begin to read a child execution's history; False if it can't be read."""
