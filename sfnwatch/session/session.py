"""One run of the program: records are recorded, added to the trace and passed on."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Collection,
    Iterator,
    Sequence,
)
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct, field

from sfnwatch import __version__
from sfnwatch.clock import Clock, SystemClock
from sfnwatch.errors import Outcome, SfnwatchError, UsageError
from sfnwatch.model.execution_list import RUNNING
from sfnwatch.model.known_secrets import KNOWN_SECRETS
from sfnwatch.model.own_requests import Operation
from sfnwatch.model.records import Batch, Received, RecordKind, receive
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.source_health import HealthState, SourceHealth
from sfnwatch.model.texts import clean
from sfnwatch.model.trace import Changed, Consumer, Mode, Trace
from sfnwatch.session.outcome import MOST_OF_NAME, outcome, raise_if_refused
from sfnwatch.sources.permissions import ALLOWED
from sfnwatch.sources.polling import TakesBatches

if TYPE_CHECKING:
    from sfnwatch.analysis.finding import Finding
    from sfnwatch.recording.recorder import Recorder
    from sfnwatch.sources.live import Live


_LOG = logging.getLogger(__name__)
_STILL_RUNNING = "{} is still running here: how it ends is not known."
_FINDINGS_SLICE_SECONDS = 0.008
"""Work on findings that is done at once, without a pause for other work."""
_FINDINGS_REST_SECONDS = 3.0
"""From the beginning of work on findings to the next, if it begins again."""

Stream = Callable[[TakesBatches], Awaitable[None]]
"""Hands over batches until there are no more to come."""
Tell = Callable[[str], None]
"""Shows a person a message that is no data."""


class Companion(Protocol):
    """A consumer with work of its own beside the watch, such as sending spans."""

    def __call__(self, batch: Batch, changed: Changed) -> None: ...

    async def run(self, take: TakesBatches) -> None:
        """Work, and hand over its health; ends some time after `close`."""

    def close(self) -> None:
        """Learn that no more records come."""


class Session(Struct, eq=False):
    """One watch or replay; all that it receives is in its trace."""

    mode: Mode
    stream: Stream
    clock: Clock
    executions: tuple[str, ...]
    """The executions' ARNs, as far as they are known beforehand."""
    title: str = ""
    created: datetime | None = None
    """When the replayed recording was made, or began."""
    span: tuple[datetime, datetime] | None = None
    """The first and the last time of a recording, where they are known beforehand."""
    notes: Callable[[], Sequence[str]] = tuple
    """Returns the messages to show at the end."""
    allowed: Collection[Operation] = ALLOWED
    """All operations that it may send to AWS."""
    trace: Trace = field(default_factory=Trace)
    consumers: list[Consumer] = []
    companions: list[Companion] = []
    recorder: "Recorder | None" = None
    _has_reported_recorder: bool = False
    _live: "Live | None" = None
    _drain_ended: bool = False
    _is_over: bool = False
    """True once all has come, and nobody left before."""
    _newest_findings: "tuple[object, Sequence[Finding]]" = (None, ())
    """The version, clock and time that they are of, and the findings."""

    async def run(self) -> None:
        """Run to the end; raises SfnwatchError."""
        try:
            async with asyncio.TaskGroup() as group:
                await self._run(group)
        except* (SfnwatchError, OSError) as errors:
            error = _first(errors)
            raise error from error.__cause__

    async def _run(self, group: asyncio.TaskGroup) -> None:
        self.consumers += self.companions
        working = [
            group.create_task(companion.run(self.take)) for companion in self.companions
        ]
        try:
            await self.stream(self.take)
            self._is_over = True
        finally:
            # Companions also work on what came before somebody left.
            for companion in self.companions:
                companion.close()
            if working:
                await asyncio.wait(working)

    async def snapshots(self) -> AsyncGenerator[Snapshot, None]:
        """Run to the end; yield a snapshot whenever something came, the whole at last.

        A slow caller gets the newest next. Leaving the loop before its end, within
        `contextlib.aclosing`, stops the watch. Raises what `run` does, and RefusedError
        at the end where AWS does not tell how an execution ended.
        """
        news = asyncio.Event()
        yielded = self.trace.version
        self.consumers.append(lambda _, __: news.set())
        # A TaskGroup would cancel the caller in the middle of the caller's own work.
        running = asyncio.create_task(self.run())  # noqa: TID251
        running.add_done_callback(lambda _: news.set())
        try:
            is_over = False
            while not is_over:
                await news.wait()
                news.clear()
                is_over = running.done()
                if is_over:
                    await running
                if self.trace.version != yielded:
                    yielded = self.trace.version
                    yield self.trace.as_of()
            raise_if_refused(self.trace)
        finally:
            running.cancel()
            await asyncio.wait([running])

    def take(self, batch: Batch) -> None:
        """Record a batch, add it to the trace, and pass it on, in this order.

        So whatever a screen has shown is in the file.
        """
        batch = tuple(map(_without_secrets, batch))
        if self.recorder is not None:
            self.recorder(batch)
            batch = (*batch, *self._recorder_in_trouble(self.recorder))
        changed = self.trace.add(batch)
        if _LOG.isEnabledFor(logging.DEBUG):
            kinds = dict(Counter(str(received.kind) for received in batch))
            _LOG.debug("received %s, links changed: %d", kinds, len(changed.links))
        for consumer in self.consumers:
            consumer(batch, changed)

    def _recorder_in_trouble(self, recorder: "Recorder") -> Batch:
        """Return its trouble once, as a source's health, which every screen shows."""
        if not recorder.trouble or self._has_reported_recorder:
            return ()
        self._has_reported_recorder = True
        health = SourceHealth("recording", HealthState.REFUSED, recorder.trouble)
        record = health.as_record()
        return (receive(self.clock.now(), RecordKind.HEALTH, None, record),)

    def start_recording(self, path: Path | None, tell: Tell) -> None:
        """Record to a new file at `path`, or in the usual folder; raises UsageError.

        Where that folder can't be made, the watch goes on without a recording.
        """
        from sfnwatch.recording.format import new_header
        from sfnwatch.recording.library import recordings_dir
        from sfnwatch.recording.recorder import Recorder

        created = self.created or self.clock.now()
        header = new_header(created, f"sfnwatch {__version__}", self.executions)
        if path is not None:
            self.recorder = Recorder(path, header)
            return
        try:
            self.recorder = Recorder.create_in(recordings_dir(), header)
        except UsageError as error:
            tell(f"not recording: {error}")

    def close(self, tell: Tell) -> None:
        """Show the notes, and where the recording is."""
        for note in self.notes():
            tell(note)
        if self.recorder is not None:
            self.recorder.close()
            self._tell_recording(self.recorder, tell)

    def _tell_recording(self, recorder: "Recorder", tell: Tell) -> None:
        loss = recorder.loss()
        if self.mode != "replay" and self._saw_nothing():
            # A watch that failed has nothing to look at again.
            if not loss:
                with suppress(OSError):
                    recorder.path.unlink()
            tell("nothing was received, so no recording is kept")
            return
        if recorder.trouble:
            tell(f"the recording is not complete: {recorder.trouble}")
        if loss:
            tell(f"the recording is not at {recorder.path}: {loss}")
        else:
            tell(f"recorded to {recorder.path}")

    def conclude(self, tell: Tell) -> int:
        """Return the outcome's exit code, and say what still runs.

        Raises RefusedError where AWS does not tell how an execution ended. A replay
        that was left before its files were read says nothing about the rest of them.
        """
        raise_if_refused(self.trace)
        snapshot = self.trace.as_of()
        code = outcome(snapshot)
        open_ends = list(self._open_ends(snapshot))
        if self.mode == "replay" and not self._is_over:
            return Outcome.SUCCEEDED if code == Outcome.RUNNING else code
        for sentence in open_ends:
            tell(sentence)
        if open_ends and code == Outcome.SUCCEEDED:
            return Outcome.RUNNING
        return code

    def _open_ends(self, snapshot: Snapshot) -> Iterator[str]:
        """Yield a sentence for each execution whose end was not seen.

        Files may have calls alone: then nothing is known of an execution at all.
        """
        is_replay = self.mode == "replay"
        for execution in snapshot.roots.values():
            name = clean(execution.name, MOST_OF_NAME)
            if execution.status in RUNNING:
                yield _STILL_RUNNING.format(name)
            elif execution.running and (execution.known or not is_replay):
                yield f"The end of {name} is not here: it may still be running."
        if is_replay:
            return
        for arn in self.executions:
            if arn not in snapshot.executions:
                yield _STILL_RUNNING.format(clean(arn, MOST_OF_NAME))

    def _saw_nothing(self) -> bool:
        """True where nothing came but our own requests and the sources' health."""
        trace = self.trace
        if trace.calls or trace.task_states:
            return False
        return not any(execution.events for execution in trace.executions.values())

    async def watch(self, live: "Live", take: TakesBatches) -> None:
        """Watch to the end; keys may have been pressed before this begins."""
        self._live = live
        if self._drain_ended:
            live.end_drain()
        await live.watch(take)

    def end_drain(self) -> None:
        """Stop waiting for late records."""
        self._drain_ended = True
        if self._live is not None:
            self._live.end_drain()

    def follow(self, execution_arn: str) -> bool:
        """Begin to read a Map Run's execution; False if that can't be, or not yet."""
        return self._live is not None and self._live.follow(execution_arn)

    async def findings(self, snapshot: Snapshot) -> "Sequence[Finding]":
        """Work out a snapshot's findings, in slices between which the loop does others.

        It begins again where records come meanwhile, every three seconds at most.
        """
        at = snapshot.at
        clock = snapshot.clock
        while True:
            version = self.trace.version
            key = (version, clock, at)
            newest_key, newest_findings = self._newest_findings
            if newest_key == key:
                return newest_findings
            begun_at = time.monotonic()
            findings = await self._find_unless_changed(snapshot, version)
            if findings is not None:
                self._newest_findings = (key, findings)
                return findings
            next_at = begun_at + _FINDINGS_REST_SECONDS
            await SystemClock().sleep(max(0.0, next_at - time.monotonic()))
            snapshot = self.trace.as_of(at, clock)

    async def _find_unless_changed(
        self, snapshot: Snapshot, version: int
    ) -> "Sequence[Finding] | None":
        """Return the findings; None if the trace has another version meanwhile."""
        from sfnwatch.analysis.findings import find_in_steps

        findings: list[Finding] = []
        slice_begun_at = time.monotonic()
        for finding in find_in_steps(snapshot):
            if finding is not None:
                findings.append(finding)
            if time.monotonic() - slice_begun_at > _FINDINGS_SLICE_SECONDS:
                await SystemClock().sleep(0)
                slice_begun_at = time.monotonic()
                if self.trace.version != version:
                    return None
        return findings


def _without_secrets(received: Received) -> Received:
    """Return a record without the secrets in use: an answer may repeat them."""
    data = KNOWN_SECRETS.hide_in_json(received.data)
    if data is received.data:
        return received
    return Received(received.at, received.kind, received.execution_arn, data)


def _first(group: BaseExceptionGroup[Exception]) -> Exception:
    """Return the first of several errors."""
    error = group.exceptions[0]
    if isinstance(error, BaseExceptionGroup):
        return _first(error)
    return error
