"""For scripts: what files show, or executions that are watched to their ends.

```python
import sfnwatch

moment = sfnwatch.open_recording("nightly-report.sfnwatch.jsonl")
for execution in moment.executions.values():
    print(execution.name, execution.status)
for finding in sfnwatch.findings(moment):
    print(finding.certainty, finding.text, *finding.evidence)
```

Public is what `sfnwatch.__all__` names, and of the values it gives what is named here:

- `Moment`, all there is to ask: `executions` (by ARN; `roots` and `children` likewise),
  `calls`, `link(call)`, `running`;
- `ExecutionAsOf`, one execution: `arn`, `name`, `status`, `started_at`, `stopped_at`,
  `visits`, `events`;
- `Finding`: `kind`, `certainty`, `text`, `evidence`, `data`, `execution_arn`.

Everything else may change; the JSON that `sfnwatch export --to json` writes does not.
"""

from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from sfnwatch.analysis.finding import Finding
from sfnwatch.analysis.findings import find
from sfnwatch.errors import SfnwatchError, UsageError
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.moment import Moment
from sfnwatch.model.trace import Trace

if TYPE_CHECKING:
    from sfnwatch.model.records import Batch
    from sfnwatch.model.trace import Changed

__all__ = [
    "ExecutionAsOf",
    "Finding",
    "Moment",
    "SfnwatchError",
    "findings",
    "open_recording",
    "watch",
]

_DRAIN = 15 * 60.0


def open_recording(path: str | PathLike[str], *more: str | PathLike[str]) -> Moment:
    """Read a recording, or any files that `sfnwatch replay` takes, as one trace.

    Nothing is asked of AWS. Raises SfnwatchError for a file that can't be read.
    """
    from sfnwatch.recording.reader import open_files

    trace = Trace()
    for batch in open_files([Path(each) for each in (path, *more)]).batches():
        trace.add(batch)
    return trace.as_of()


def findings(moment: Moment) -> list[Finding]:
    """Say what a moment shows: of each execution in order, then of all together."""
    return find(moment)


async def watch(
    execution: str,
    *more: str,
    each: Callable[[Moment], None] | None = None,
    profile: str | None = None,
    region: str | None = None,
    endpoint_url: str | None = None,
    calls: bool = True,
    drain: float = _DRAIN,
) -> Moment:
    """Watch executions to their ends; give all that was seen.

    They are named as the command takes them: by an ARN, by a console URL, or by the
    state machine whose newest execution is meant.

    `each` is called with what was seen so far whenever something came. With `calls`
    false CloudTrail is not asked; else late records are awaited for `drain` seconds.
    Cancel it to stop. Raises SfnwatchError for what names no execution, and where AWS
    refuses to show one.
    """
    from sfnwatch import session
    from sfnwatch.cli.naming import named_executions
    from sfnwatch.clock import ServerClock
    from sfnwatch.sources.discovery import find as find_executions
    from sfnwatch.sources.permissions import endpoint_refusal
    from sfnwatch.sources.profiles import AwsSettings
    from sfnwatch.sources.targets import CallOptions

    if refused := endpoint_refusal(endpoint_url):
        raise UsageError(refused)
    settings = AwsSettings(region or "", profile, endpoint_url)
    named = named_executions((execution, *more))
    found = await find_executions(named, settings, ServerClock(), tell=lambda _: None)
    watched = session.live(
        found.arns,
        settings,
        CallOptions(lookup=calls),
        drain=drain,
        tries=session.TRIES,
        asked=found.asked,
    )

    def tell(_: "Batch", __: "Changed") -> None:
        if each is not None:
            each(watched.trace.as_of())

    watched.consumers.append(tell)
    await watched.run()
    session.raise_if_refused(watched.trace)
    return watched.trace.as_of()
