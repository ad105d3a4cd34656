"""One run of the program: records come, are recorded, added to the trace, and told of.

A live watch, the demo and a replay differ only in where their records come from and by
which clock. What is costly to import, the SDKs and the demo's server, is imported when
it starts, in a thread: the first frame is on the screen by then.
"""

import asyncio
import logging
import signal
import sys
import time
from collections import Counter
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Sequence,
)
from contextlib import suppress
from datetime import UTC, datetime
from importlib import import_module
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct, field
from msgspec.structs import replace

from sfnwatch import __version__
from sfnwatch.clock import Clock, ServerClock, SpedClock, SystemClock
from sfnwatch.errors import Outcome, RefusedError, SfnwatchError, UsageError
from sfnwatch.model.arns import ExecutionArn, parse_execution_arn
from sfnwatch.model.execution_list import RUNNING
from sfnwatch.model.known_secrets import KNOWN_SECRETS
from sfnwatch.model.own_requests import Operation
from sfnwatch.model.records import Batch, Received, RecordKind, receive
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.source_health import HealthState, SourceHealth
from sfnwatch.model.texts import clean
from sfnwatch.model.times import seconds_between
from sfnwatch.model.trace import Changed, Consumer, Mode, Trace
from sfnwatch.sources.aws_settings import AwsSettings
from sfnwatch.sources.live_options import CallOptions, LiveOptions, features_of
from sfnwatch.sources.permissions import ALLOWED, Feature, operations
from sfnwatch.sources.polling import TakesBatches

if TYPE_CHECKING:
    from sfnwatch.analysis.finding import Finding
    from sfnwatch.recording.recorder import Recorder
    from sfnwatch.sources.live import Live

_LOG = logging.getLogger(__name__)
_NAP = 1.0
"""Seconds slept at once: whoever changes the speed shall not wait out a long gap."""
_NAME = 200
"""The most characters of an execution's name, or its ARN, in a sentence."""
_STILL_RUNNING = "{} is still running here: how it ends is not known."
_FIRST = datetime.min.replace(tzinfo=UTC)
_FINDINGS_SLICE_SECONDS = 0.008
"""Seconds of work on findings at once."""
_FINDINGS_REST_SECONDS = 3.0
"""Seconds from one beginning of that to the next."""
_CODES = {
    "FAILED": Outcome.FAILED,
    "TIMED_OUT": Outcome.TIMED_OUT,
    "ABORTED": Outcome.ABORTED,
}

Stream = Callable[[TakesBatches], Awaitable[None]]
"""Hands over batches until there are no more to come."""
Tell = Callable[[str], None]
"""Tells a person something that is no data."""


class Companion(Protocol):
    """A consumer with work of its own beside the watch, such as sending spans."""

    def __call__(self, batch: Batch, changed: Changed) -> None: ...

    async def run(self, take: TakesBatches) -> None:
        """Work, and hand over how that goes; ends some time after `close`."""

    def close(self) -> None:
        """Take in that no more will come."""


class Session(Struct, eq=False):
    """Something to watch or to replay; what it receives is all in its trace."""

    mode: Mode
    stream: Stream
    clock: Clock
    executions: tuple[str, ...]
    """Their ARNs, as far as they are known beforehand."""
    title: str = ""
    created: datetime | None = None
    """When what is replayed was recorded, or began."""
    span: tuple[datetime, datetime] | None = None
    """From when to when a recording goes, where that is known before it is read."""
    notes: Callable[[], Sequence[str]] = tuple
    """Gives what there is to tell at the end."""
    allowed: Collection[Operation] = ALLOWED
    """All that it can send to AWS."""
    trace: Trace = field(default_factory=Trace)
    consumers: list[Consumer] = []
    companions: list[Companion] = []
    recorder: "Recorder | None" = None
    _told_trouble: bool = False
    _live: "Live | None" = None
    _drain_ended: bool = False
    _is_over: bool = False
    """True once all has come: nobody left before."""
    _found: "tuple[object, Sequence[Finding]]" = (None, ())

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
        working = [group.create_task(c.run(self.take)) for c in self.companions]
        try:
            await self.stream(self.take)
            self._is_over = True
        finally:
            # What came before somebody left is worth having, too.
            for companion in self.companions:
                companion.close()
            if working:
                await asyncio.wait(working)

    async def snapshots(self) -> AsyncGenerator[Snapshot, None]:
        """Run to the end; yield what was seen so far as it grows, the whole at last.

        Whoever is slow gets the newest next. Leaving the loop before its end, within
        `contextlib.aclosing`, stops the watch. Raises what `run` does, and RefusedError
        at the end where AWS does not tell how an execution ended.
        """
        news = asyncio.Event()
        shown = self.trace.version
        self.consumers.append(lambda _, __: news.set())
        # A TaskGroup would end whoever iterates, in the middle of work of his own.
        running = asyncio.create_task(self.run())  # noqa: TID251
        running.add_done_callback(lambda _: news.set())
        try:
            is_over = False
            while not is_over:
                await news.wait()
                news.clear()
                if is_over := running.done():
                    await running
                if self.trace.version != shown:
                    shown = self.trace.version
                    yield self.trace.as_of()
            raise_if_refused(self.trace)
        finally:
            running.cancel()
            await asyncio.wait([running])

    def take(self, batch: Batch) -> None:
        """Record a batch, add it to the trace, and tell of it, in this order.

        So what was seen on a screen is in the file.
        """
        batch = tuple(map(_without_secrets, batch))
        if self.recorder is not None:
            self.recorder(batch)
            batch = (*batch, *self._recorder_in_trouble(self.recorder))
        changed = self.trace.add(batch)
        if _LOG.isEnabledFor(logging.DEBUG):
            kinds = dict(Counter(str(received.kind) for received in batch))
            _LOG.debug("received %s, matched anew: %d", kinds, len(changed.links))
        for consumer in self.consumers:
            consumer(batch, changed)

    def _recorder_in_trouble(self, recorder: "Recorder") -> Batch:
        """Say so once, as a source would: it is shown wherever those are."""
        if not recorder.trouble or self._told_trouble:
            return ()
        self._told_trouble = True
        health = SourceHealth("recording", HealthState.REFUSED, recorder.trouble)
        at = self.clock.now()
        record = health.as_record()
        return (receive(at, RecordKind.HEALTH, None, record),)

    def start_recording(self, path: Path | None, tell: Tell) -> None:
        """Record to a new file, or to one in the usual folder; raises UsageError.

        Where that folder can't be had the watch goes on without a recording.
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
        """Tell what there is to know at the end, and where it was recorded to."""
        for note in self.notes():
            tell(note)
        if self.recorder is not None:
            self.recorder.close()
            loss = self.recorder.loss()
            if self.mode != "replay" and self._saw_nothing():
                # A watch that failed: there is nothing in it to be looked at again.
                with suppress(OSError):
                    if not loss:
                        self.recorder.path.unlink()
                tell("nothing was received, so no recording is kept")
                return
            if self.recorder.trouble:
                tell(f"the recording is not complete: {self.recorder.trouble}")
            if loss:
                tell(f"the recording is not at {self.recorder.path}: {loss}")
            else:
                tell(f"recorded to {self.recorder.path}")

    def conclude(self, tell: Tell) -> int:
        """Give the exit code of the outcome, and tell of what still runs.

        Raises RefusedError where AWS does not tell how an execution ended. A replay
        that was left before its files were read says nothing of what they show later.
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
        """Say of each execution whose end was not seen that it is not known.

        Files may show calls alone: then nothing is known of an execution at all.
        """
        for execution in snapshot.roots.values():
            name = clean(execution.name, _NAME)
            if execution.status in RUNNING:
                yield _STILL_RUNNING.format(name)
            elif execution.running and (self.mode != "replay" or execution.known):
                yield f"The end of {name} is not here: it may still be running."
        if self.mode != "replay":
            for arn in self.executions:
                if arn not in snapshot.executions:
                    yield _STILL_RUNNING.format(clean(arn, _NAME))

    def _saw_nothing(self) -> bool:
        """True where nothing came but our own requests and how they went."""
        trace = self.trace
        seen = any(execution.events for execution in trace.executions.values())
        return not (seen or trace.calls or trace.task_states)

    async def watch(self, live: "Live", take: TakesBatches) -> None:
        """Watch to the end; it begins later than the keys are there."""
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
        """Have an execution of a Map Run read; False if it can't be, or not yet."""
        return self._live is not None and self._live.follow(execution_arn)

    async def findings(self, snapshot: Snapshot) -> "Sequence[Finding]":
        """Find what a moment shows, in slices between which the loop does other work.

        Where records come meanwhile it begins again, once in three seconds at most.
        """
        from sfnwatch.analysis.finding import Finding
        from sfnwatch.analysis.findings import find_in_steps

        at = snapshot.at
        clock = snapshot.clock
        while True:
            key = (self.trace.version, clock, at)
            found = list[Finding]()
            if self._found[0] == key:
                return self._found[1]
            begun = rested = time.monotonic()
            for step in find_in_steps(snapshot):
                found += [step] if step else []
                if time.monotonic() - rested > _FINDINGS_SLICE_SECONDS:
                    await SystemClock().sleep(0)
                    rested = time.monotonic()
                    if self.trace.version != key[0]:
                        break
            else:
                self._found = key, found
                return found
            await SystemClock().sleep(
                max(0.0, begun + _FINDINGS_REST_SECONDS - time.monotonic())
            )
            snapshot = self.trace.as_of(at, clock)


def _without_secrets(received: Received) -> Received:
    """Give a record without the secrets in use: whoever answers may repeat them."""
    data = KNOWN_SECRETS.hide_in_json(received.data)
    if data is received.data:
        return received
    return Received(received.at, received.kind, received.execution_arn, data)


# -- the three kinds -------------------------------------------------------------------


def live(
    arns: Sequence[ExecutionArn],
    settings: AwsSettings,
    options: LiveOptions,
    *,
    asked: Batch = (),
    trace: Trace | None = None,
) -> Session:
    """Watch executions of a real account, or of whatever the endpoint URL names.

    `asked` are the requests that it took to find them.
    """
    clock = ServerClock()
    settings = replace(settings, region=settings.region or arns[0].region)

    async def stream(take: TakesBatches) -> None:
        if asked:
            take(asked)
        await _load("sfnwatch.sources.live")
        from sfnwatch.sources.live import Live

        live = Live(arns, settings, clock, options, heed=clock.heed)
        await session.watch(live, take)

    features = features_of(arns, options)
    session = _of_executions("live", stream, clock, arns)
    if trace is not None:
        session.trace = trace
    session.allowed = operations([*features, *([Feature.START] if asked else [])])
    return session


def demo(
    scenarios: Sequence[str], *, speed: float, drain: float, queue: bool = False
) -> Session:
    """Watch the simulated account through the real client, over HTTP on loopback.

    With its `queue` there is what ECS tells of the tasks, too.
    """
    from sfnwatch.demo.account import Account
    from sfnwatch.demo.scenarios import PLANS

    clock = SpedClock(speed)
    account = Account(scenarios, clock=clock)
    arns = [parse_execution_arn(arn) for arn in account.executions.values()]

    async def stream(take: TakesBatches) -> None:
        await _load("sfnwatch.demo.http_server", "sfnwatch.sources.live")
        from sfnwatch.demo.http_server import CREDENTIALS, DemoServer
        from sfnwatch.demo.message_queue import QUEUE_PATH
        from sfnwatch.sources.live import Live

        # The account has stood still while its server and the SDKs were imported.
        clock.restart()
        async with DemoServer(account) as server:
            url = server.endpoint_url
            options = LiveOptions(
                CallOptions(queue=f"{url}{QUEUE_PATH}" if queue else None),
                drain=drain,
                tries=None,
                # Nobody redrives the others: a watch of them would last 14 days.
                follow_redrive=any(PLANS[name].redriven_after for name in scenarios),
            )
            settings = AwsSettings(arns[0].region, None, url, *CREDENTIALS)
            await session.watch(Live(arns, settings, clock, options), take)

    session = _of_executions("demo", stream, clock, arns)
    return session


def _of_executions(
    mode: Mode, stream: Stream, clock: Clock, arns: Sequence[ExecutionArn]
) -> Session:
    title = ", ".join(f"{arn.state_machine_name} › {arn.name}" for arn in arns)
    return Session(mode, stream, clock, tuple(arn.arn for arn in arns), title)


def replay(
    paths: Sequence[Path], *, speed: float | None = None, whole: bool = False
) -> Session:
    """Read files again: some records at a time, in the order in which they lie there.

    With a `speed` they come at the moments at which they were received, so many times
    as fast; as a `whole` they come in one batch. Raises BadFileError.
    """
    from sfnwatch.recording.format import STDIN
    from sfnwatch.recording.reader import open_files

    recording = open_files(paths)
    if speed or whole:
        recording.load()
    span = recording.span()
    clock: Clock = SystemClock()
    if span is not None:
        clock = SpedClock(speed or 1.0, span[0 if speed else 1])

    async def stream(take: TakesBatches) -> None:
        if speed:
            async for batch in paced(recording.records(), clock):
                take(batch)
            return
        batches = recording.batches(sys.maxsize) if whole else recording.batches()
        for batch in batches:
            take(batch)
            await clock.sleep(0)

    title = ", ".join("stdin" if path == STDIN else path.name for path in paths)
    created = recording.created or (span[0] if span else None)
    return Session(
        "replay",
        stream,
        clock,
        recording.executions,
        title=title,
        created=created,
        span=span,
        notes=lambda: recording.notes,
    )


async def paced(
    records: Iterable[Received], clock: Clock
) -> AsyncGenerator[Batch, None]:
    """Yield the records of each moment together, as the clock comes to it.

    Those of files that don't say when they came come at the moments they are about;
    what has no time at all comes first.
    """
    from sfnwatch.recording.reader import record_time

    timed = [(record_time(record) or _FIRST, record) for record in records]
    # Sorting is stable: what came at the same moment stays in its order.
    timed.sort(key=itemgetter(0))
    for at, group in groupby(timed, key=itemgetter(0)):
        while (wait := seconds_between(clock.now(), at)) > 0:
            await clock.sleep(min(wait, _NAP))
        yield tuple(record for _, record in group)


async def _load(*modules: str) -> None:
    """Import modules off the loop: the SDKs take 200 ms, and a screen must not wait."""
    for module in modules:
        await asyncio.to_thread(import_module, module)


# -- running one, and what came of it --------------------------------------------------


StartWork = Callable[[], Awaitable[object]]
Leave = Callable[[], object]


def run(work: StartWork, leave: Leave | None = None) -> int | None:
    """Do work on an event loop; give the exit code of the signal that ended it.

    What there is no way to `leave` is cancelled.
    """
    return asyncio.run(_until_signalled(work, leave))


async def _until_signalled(work: StartWork, leave: Leave | None) -> int | None:
    code: list[int] = []
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()

    def end(signalled: int) -> None:
        code.append(signalled)
        if leave is not None:
            leave()
        elif task is not None:
            task.cancel()

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        # Not everywhere, and not outside the main thread.
        with suppress(AttributeError, NotImplementedError, RuntimeError, ValueError):
            number = getattr(signal, name)
            loop.add_signal_handler(number, end, 128 + number)
    try:
        await work()
    except asyncio.CancelledError:
        if not code:
            raise
    return code[0] if code else None


def _first(group: BaseExceptionGroup[Exception]) -> Exception:
    """Give one of several errors, by itself."""
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


def raise_if_refused(trace: Trace) -> None:
    """Raise RefusedError where AWS does not tell how an execution ended.

    Of several, the others have been shown by then.
    """
    reasons = dict.fromkeys(_unknown_ends(trace))
    if reasons:
        raise RefusedError("; ".join(reasons))


def _unknown_ends(trace: Trace) -> Iterator[str]:
    """Say of each execution whose end is not known why AWS will not tell it."""
    executions = trace.as_of().executions
    for (lane, _, arn), reports in trace.healths.items():
        last = reports[-1]
        execution = executions.get(arn)
        is_open = execution is None or execution.running or not execution.event_count
        if lane != "history" or not is_open:
            continue
        if last.state is HealthState.REFUSED:
            yield last.message
        elif last.state is HealthState.ENDED and execution is not None:
            name = clean(execution.name, _NAME)
            yield f"How {name} ended is not known. {last.message}".rstrip()


def outcome(snapshot: Snapshot) -> int:
    """Give the exit code for how it ended.

    Of several it is that of the first that failed, else that of one still running.
    """
    statuses = [execution.status for execution in snapshot.roots.values()]
    for status in statuses:
        if status in _CODES:
            return _CODES[status]
    is_running = any(status in RUNNING for status in statuses)
    return Outcome.RUNNING if is_running else Outcome.SUCCEEDED
