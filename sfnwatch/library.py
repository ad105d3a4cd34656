"""The library for scripts: read files, or watch executions to their ends.

```python
import sfnwatch

snapshot = sfnwatch.open_recording("nightly-report.sfnwatch.jsonl")
for execution in snapshot.executions.values():
    print(execution.name, execution.status)
for finding in sfnwatch.findings(snapshot):
    print(finding.certainty, finding.text, *finding.evidence)
```

`await watch(…)` returns the last snapshot, and `watch_sync(…)` does the same where no
event loop runs. `async for snapshot in snapshots(…)` yields a snapshot of everything so
far whenever something has come. `to_json(snapshot)` returns the text that
`sfnwatch export --to json` writes.

The names in `sfnwatch.__all__` are public, and of their values the attributes and
methods that are listed here:

- `Snapshot`, a trace as of a time: `executions` (by ARN; `roots` and `children`
  likewise), `calls`, `link(call)`, `calls_of(key)`, `running`;
- `ExecutionAsOf`, one execution: `arn`, `name`, `status`, `started_at`, `stopped_at`,
  `visits`, `events`;
- `StateVisit`: `id`, `name`, `entered_at`, `exited_at`, `attempts`; `Attempt`:
  `scheduled_id`, `status`, `error`;
- `HistoryEvent`: `id`, `type`, `at`; `ApiCall`: `event_id`, `event_source`,
  `event_name`, `event_time`, `error_code`; `Link`: `rule`, `evidence`;
- `Finding`: `kind`, `certainty`, `text`, `evidence`, `data`, `execution_arn`;
- `SfnwatchError`, with the subclasses `UsageError`, `RefusedError` and `BadFileError`:
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

    AWS is not asked. Raises SfnwatchError for a file that can't be read.
    """
    from sfnwatch.recording.reader import open_files

    trace = Trace()
    for batch in open_files([Path(each) for each in (path, *more)]).batches():
        trace.add(batch)
    return trace.as_of()


def findings(snapshot: Snapshot) -> list[Finding]:
    """Return a snapshot's findings: of each execution, then of all together."""
    return find(snapshot)


def to_json(snapshot: Snapshot) -> str:
    """Return a snapshot as the JSON object whose schema `sfnwatch schema` prints."""
    from io import StringIO

    from sfnwatch.export import TARGETS

    out = StringIO()
    TARGETS["json"].dump(snapshot, out)
    return out.getvalue()


class WatchOptions(TypedDict, total=False):
    """The options of a watch; all of them may be left out."""

    profile: str | None
    region: str | None
    endpoint_url: str | None
    calls: bool
    """False if CloudTrail is not to be asked; True by default."""
    drain: float
    """Seconds to wait for late records after the end; 15 minutes by default."""


async def watch(
    execution: str,
    *more: str,
    each: Callable[[Snapshot], None] | None = None,
    **options: Unpack[WatchOptions],
) -> Snapshot:
    """Watch executions to their ends; return the last snapshot.

    Executions are named as for the command: by an ARN, by a console URL, or by a state
    machine, for its newest execution.

    `each` is called with a snapshot of everything so far whenever something came.
    Cancel `watch` to stop it. Raises SfnwatchError if a text names no execution, or if
    AWS refuses to show one.
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
    """Watch executions as `watch` does, in an event loop of its own."""
    return asyncio.run(watch(execution, *more, each=each, **options))


async def snapshots(
    execution: str, *more: str, **options: Unpack[WatchOptions]
) -> AsyncGenerator[Snapshot, None]:
    """Watch executions as `watch` does; yield a snapshot whenever something came.

    The last snapshot has everything. A slow caller gets the newest one next, and misses
    some in between. Leaving the loop before its end, within `contextlib.aclosing`,
    stops the watch.
    """
    watched = await _session((execution, *more), options)
    async with aclosing(watched.snapshots()) as seen:
        async for snapshot in seen:
            yield snapshot


async def _session(named: tuple[str, ...], options: WatchOptions) -> "Session":
    """Find executions, and return a session that watches them.

    Raises SfnwatchError.
    """
    from sfnwatch.cli.account import choose_account
    from sfnwatch.cli.execution_names import named_executions
    from sfnwatch.session import sessions
    from sfnwatch.sources.live_options import CallOptions, LiveOptions
    from sfnwatch.sources.search import Search

    settings = choose_account(**options)
    search = Search(settings)
    arns = await search.find(named_executions(named), lambda _: None)
    calls = CallOptions(lookup=options.get("calls", True))
    watch = LiveOptions(calls, drain=options.get("drain", LiveOptions().drain))
    return sessions.live(arns, settings, watch, asked=tuple(search.asked))
