"""For scripts: what files show, or executions that are watched to their ends.

```python
import sfnwatch

snapshot = sfnwatch.open_recording("nightly-report.sfnwatch.jsonl")
for execution in snapshot.executions.values():
    print(execution.name, execution.status)
for finding in sfnwatch.findings(snapshot):
    print(finding.certainty, finding.text, *finding.evidence)
```

`await watch(…)` gives what was seen by the end, `watch_sync(…)` does the same where no
event loop runs, and `async for snapshot in snapshots(…)` has all there is so far, each
time that something has come. `to_json(snapshot)` is what `sfnwatch export --to json`
writes.

Public is what `sfnwatch.__all__` names, and of the values it gives what is named here:

- `Snapshot`, all there is to ask: `executions` (by ARN; `roots` and `children`
  likewise), `calls`, `link(call)`, `calls_of(key)`, `running`;
- `ExecutionAsOf`, one execution: `arn`, `name`, `status`, `started_at`, `stopped_at`,
  `visits`, `events`;
- `StateVisit`: `id`, `name`, `entered_at`, `exited_at`, `attempts`; `Attempt`:
  `scheduled_id`, `status`, `error`;
- `HistoryEvent`: `id`, `type`, `at`; `ApiCall`: `event_id`, `event_source`,
  `event_name`, `event_time`, `error_code`; `Link`: `rule`, `evidence`;
- `Finding`: `kind`, `certainty`, `text`, `evidence`, `data`, `execution_arn`;
- `SfnwatchError`, of which are `UsageError`, `RefusedError` and `BadFileError`:
  `message`, `hint`, `exit_code`.

Everything else may change; the JSON that `sfnwatch export --to json` writes does not.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

from sfnwatch.analysis.finding import Finding
from sfnwatch.analysis.findings import find
from sfnwatch.errors import BadFileError, RefusedError, SfnwatchError, UsageError
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.linking.link import Link
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.trace import Trace
from sfnwatch.model.visits import Attempt, StateVisit

if TYPE_CHECKING:
    from sfnwatch.session.session import Session

__all__ = [
    "ApiCall",
    "Attempt",
    "BadFileError",
    "ExecutionAsOf",
    "Finding",
    "HistoryEvent",
    "Link",
    "RefusedError",
    "SfnwatchError",
    "Snapshot",
    "StateVisit",
    "UsageError",
    "findings",
    "open_recording",
    "snapshots",
    "to_json",
    "watch",
    "watch_sync",
]


def open_recording(path: str | PathLike[str], *more: str | PathLike[str]) -> Snapshot:
    """Read a recording, or any files that `sfnwatch replay` takes, as one trace.

    Nothing is asked of AWS. Raises SfnwatchError for a file that can't be read.
    """
    from sfnwatch.recording.reader import open_files

    trace = Trace()
    for batch in open_files([Path(each) for each in (path, *more)]).batches():
        trace.add(batch)
    return trace.as_of()


def findings(snapshot: Snapshot) -> list[Finding]:
    """Say what a moment shows: of each execution in order, then of all together."""
    return find(snapshot)


def to_json(snapshot: Snapshot) -> str:
    """Write a moment as the JSON object whose schema `sfnwatch schema` prints."""
    from io import StringIO

    from sfnwatch.export import TARGETS

    out = StringIO()
    TARGETS["json"].dump(snapshot, out)
    return out.getvalue()


class WatchOptions(TypedDict, total=False):
    """How a watch is made: all of it can be left out."""

    profile: str | None
    region: str | None
    endpoint_url: str | None
    calls: bool
    """False where CloudTrail is not to be asked."""
    drain: float
    """Seconds for which late records are awaited after the end: 15 minutes."""


async def watch(
    execution: str,
    *more: str,
    each: Callable[[Snapshot], None] | None = None,
    **options: Unpack[WatchOptions],
) -> Snapshot:
    """Watch executions to their ends; give all that was seen.

    They are named as the command takes them: by an ARN, by a console URL, or by the
    state machine whose newest execution is meant.

    `each` is called with what was seen so far whenever something came. Cancel it to
    stop. Raises SfnwatchError for what names no execution, and where AWS refuses to
    show one.
    """
    snapshot = Trace().as_of()
    async with aclosing(snapshots(execution, *more, **options)) as watching:
        async for snapshot in watching:
            if each is not None:
                each(snapshot)
    return snapshot


def watch_sync(
    execution: str,
    *more: str,
    each: Callable[[Snapshot], None] | None = None,
    **options: Unpack[WatchOptions],
) -> Snapshot:
    """Watch executions as `watch` does, where no event loop runs: it makes its own."""
    return asyncio.run(watch(execution, *more, each=each, **options))


async def snapshots(
    execution: str, *more: str, **options: Unpack[WatchOptions]
) -> AsyncGenerator[Snapshot, None]:
    """Watch executions as `watch` does; yield what was seen so far as it grows.

    The last one is the whole. Whoever is slow gets the newest next. Leaving the loop
    before its end, within `contextlib.aclosing`, stops the watch.
    """
    watched = await _session((execution, *more), options)
    async with aclosing(watched.snapshots()) as seen:
        async for snapshot in seen:
            yield snapshot


async def _session(named: tuple[str, ...], options: WatchOptions) -> "Session":
    """Find executions, and make the watch of them; raises SfnwatchError."""
    from sfnwatch.cli.options import choose_account, named_executions
    from sfnwatch.session import sessions
    from sfnwatch.sources.discovery import Search
    from sfnwatch.sources.live_options import CallOptions, LiveOptions

    settings = choose_account(**options)
    search = Search(settings)
    arns = await search.find(named_executions(named), lambda _: None)
    calls = CallOptions(lookup=options.get("calls", True))
    watch = LiveOptions(calls, drain=options.get("drain", LiveOptions().drain))
    return sessions.live(arns, settings, watch, asked=tuple(search.asked))
