"""For scripts: a trace of files, or of executions watched to their ends.

```python
import sfnwatch

trace = sfnwatch.open_recording("nightly-report.sfnwatch.jsonl")
for execution in trace.timelines.values():
    print(execution.name, execution.status)
for finding in sfnwatch.findings(trace):
    print(finding.certainty, finding.text, *finding.evidence)
```

Public is what `sfnwatch.__all__` names, and of the values it gives what is named here:

- `Trace`: `timelines` (by ARN), `ordered_calls`, `links` (by event id), `running`;
- `Timeline`, one execution: `execution_arn`, `name`, `status`, `started_at`,
  `stopped_at`, `visits`, `ordered` (its events);
- `Finding`: `kind`, `certainty`, `text`, `evidence`, `data`, `execution_arn`.

Everything else may change; the JSON that `sfnwatch export --to json` writes does not.
"""

from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from sfnwatch.errors import SfnwatchError, UsageError
from sfnwatch.trace.finding import Finding
from sfnwatch.trace.findings import all_findings
from sfnwatch.trace.timeline import Timeline, Trace, extend

if TYPE_CHECKING:
    from sfnwatch.trace.events import Batch

__all__ = [
    "Finding",
    "SfnwatchError",
    "Timeline",
    "Trace",
    "findings",
    "open_recording",
    "watch",
]

_DRAIN = 15 * 60.0


def open_recording(path: str | PathLike[str], *more: str | PathLike[str]) -> Trace:
    """Read a recording, or any files that `sfnwatch replay` takes, as one trace.

    Nothing is asked of AWS. Raises SfnwatchError for a file that can't be read.
    """
    from sfnwatch.recording.files import open_files

    recording = open_files([Path(each) for each in (path, *more)])
    return extend(Trace(), recording.records)


def findings(trace: Trace) -> tuple[Finding, ...]:
    """Say what a trace shows: of each execution in order, then of all together."""
    return all_findings(trace)


async def watch(
    execution: str,
    *more: str,
    each: Callable[[Trace], None] | None = None,
    profile: str | None = None,
    region: str | None = None,
    endpoint_url: str | None = None,
    calls: bool = True,
    drain: float = _DRAIN,
) -> Trace:
    """Watch executions to their ends; give the whole trace.

    They are named as the command takes them: by an ARN, a console URL, or that of the
    state machine whose newest execution it is.

    `each` is called with the trace so far whenever something came. With `calls` false
    CloudTrail is not asked; else late records are awaited for `drain` seconds. Cancel
    it to stop. Raises SfnwatchError for what names no execution, and where AWS
    refuses to show one.
    """
    from sfnwatch import plays, starting
    from sfnwatch.clock import ServerClock
    from sfnwatch.naming_executions import HINT, named
    from sfnwatch.options import checked_url
    from sfnwatch.running import raise_if_refused
    from sfnwatch.settings import AwsOptions
    from sfnwatch.sources.wanted import TrailOptions

    trail = TrailOptions(lookup=calls)
    options = AwsOptions(profile, region, checked_url(endpoint_url), trail)
    read = [each for each in map(named, (execution, *more)) if each is not None]
    if not read:
        msg = "No execution is named."
        raise UsageError(msg, hint=HINT)
    found = await starting.find(
        read, options, ServerClock(), coming=False, tell=lambda _: None
    )
    play = plays.live(found.arns, options, drain=drain, tries=_TRIES, asked=found.asked)
    trace = Trace()

    def consume(batch: "Batch") -> None:
        nonlocal trace
        trace = extend(trace, batch)
        if each is not None:
            each(trace)

    await play.watch(consume)
    raise_if_refused(trace)
    return trace


_TRIES = 5
"""Tries to reach AWS at all, as for every watch without a screen."""
