"""The command that waits for executions, for scripts and pipelines.

It shows nothing; its exit code is the outcome. It reads histories alone. With --until
or --timeout it may end while an execution runs; the report is of that moment.
"""

import asyncio
import os
from collections.abc import Awaitable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import click

from sfnwatch.analysis.trace_analysis import TraceAnalysis
from sfnwatch.analysis.verdict import ExecutionVerdict
from sfnwatch.cli import options
from sfnwatch.cli.account import signed_in
from sfnwatch.cli.execution_names import named_executions
from sfnwatch.cli.narration import narrate
from sfnwatch.cli.output import output_to, write_report
from sfnwatch.cli.parameter_types import DURATION, FORMATS
from sfnwatch.cli.settable_option import flag, option
from sfnwatch.errors import Outcome, RefusedError, UsageError
from sfnwatch.export.plain_sentences import health_words
from sfnwatch.model.arns import Named
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.texts import clean
from sfnwatch.model.times import duration
from sfnwatch.model.trace import Trace
from sfnwatch.session import sessions, signals
from sfnwatch.session.outcome import outcome, raise_if_refused
from sfnwatch.session.session import Session
from sfnwatch.sources.live_options import CallOptions, LiveOptions

_NAME_LENGTH = 200
"""Most characters of a name."""
_SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"
_TROUBLE = frozenset({"denied", "expired", "retrying", "throttled"})
"""The states of a source's health that are narrated."""


@click.command()
@options.executions_argument(
    required=True,
    metavar="EXECUTION…",
    callback=lambda _, __, texts: texts and named_executions(texts),
)
@flag("--next", "Wait for a machine's next one.", dest="coming")
@option("--until STATE", "Only until this state is entered.")
@option("--timeout", "No longer than this: 90s, 15m, 1h.", type=DURATION)
@option(
    "--format",
    "Print a report at the end; without it nothing is printed.",
    dest="form",
    type=FORMATS,
)
@flag("--summary", "Append the report to the summary of a GitHub job's step.")
@options.account_options
def wait(executions: list[Named], *, coming: bool, summary: bool, **asked: Any) -> int:
    """Wait for executions to end; the exit code is the outcome.

    EXECUTION is what `sfnwatch EXECUTION` takes. Only histories are read: no call to
    CloudTrail is made, and nothing is recorded. With --until it ends as soon as the
    state is entered, or with 13 if an execution succeeds without; after --timeout it
    ends with 14, and with 3 where AWS refuses to tell the end.

    \b
    sfnwatch wait "$arn" --timeout 1h && deploy
    sfnwatch wait "$arn" --format markdown >> "$GITHUB_STEP_SUMMARY"
    """
    from sfnwatch.sources.search import Search

    summary_path = _summary_path() if summary else None
    settings = signed_in(**asked)
    waiting = _Waiting(asked["until"], asked["timeout"])

    async def begin() -> Session:
        arns = await Search(settings).find(executions, narrate, coming=coming)
        calls = CallOptions(lookup=False)
        live_options = LiveOptions(calls, drain=0.0, outlasts_throttling=True)
        return sessions.live(arns, settings, live_options, trace=waiting.trace)

    try:
        code = signals.run(lambda: waiting.run(begin()))
        if code is None:
            code = waiting.code()
    except RefusedError:
        if waiting.has_seen:
            _report(waiting.trace.as_of(), asked["form"], summary_path)
        raise
    if code < Outcome.INTERRUPTED:
        _report(waiting.trace.as_of(), asked["form"], summary_path)
    return code


class _Waiting:
    """Runs a session until its executions have ended, or until --until or --timeout."""

    def __init__(self, until: str | None, seconds: float | None) -> None:
        self.trace = Trace()
        self._until = until
        """The name of a state, or None: each execution is to enter it, or to end."""
        self._seconds = seconds
        self._arns: Sequence[str] = ()
        """Those of the executions, once they are found."""
        self._is_late = False
        """True if the time was over first."""
        self._health: dict[str, object] = {}
        """The last state and message of each source."""

    async def run(self, begin: Awaitable[Session]) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                session = await begin
                self._arns = session.executions
                async with aclosing(session.snapshots()) as snapshots:
                    async for snapshot in snapshots:
                        self._narrate_trouble(snapshot)
                        if self._until is not None and self._is_done():
                            return
        except TimeoutError:
            self._is_late = not self._is_done()

    @property
    def has_seen(self) -> bool:
        """True if there is something to report."""
        return any(execution.known for execution in self._executions())

    def code(self) -> int:
        """Return the exit code; raises RefusedError if AWS does not show the end."""
        if self._until is None or not self._is_done():
            raise_if_refused(self.trace)
        if self._is_late:
            self._narrate_situations(duration(self._seconds or 0.0))
            return Outcome.RUNNING
        code = outcome(self.trace.as_of())
        return code if self._until is None else self._until_code(code)

    def _executions(self) -> list[ExecutionAsOf]:
        """Return the executions that the trace has so far."""
        in_trace = self.trace.as_of().executions
        return [in_trace[arn] for arn in self._arns if arn in in_trace]

    def _is_done(self) -> bool:
        """True if each execution has ended, or has entered the state."""
        executions = self._executions()
        if not executions or len(executions) < len(self._arns):
            return False
        running = [execution for execution in executions if execution.ending is None]
        return all(map(self._has_entered, running))

    def _has_entered(self, execution: ExecutionAsOf) -> bool:
        return any(visit.name == self._until for visit in execution.visits)

    def _narrate_trouble(self, snapshot: Snapshot) -> None:
        """Say once what keeps a source from reading: otherwise the wait looks stuck."""
        for source, health in snapshot.health.items():
            is_over = source == "history" and health.state == "ended"
            is_trouble = health.state in _TROUBLE or (is_over and health.message)
            state = (health.state, health.message)
            if is_trouble and self._health.get(source) != state:
                narrate(health_words(health))
            self._health[source] = state

    def _until_code(self, code: int) -> int:
        """Return the exit code of --until; name the executions without the state."""
        state = clean(self._until or "", _NAME_LENGTH)
        has_entered = True
        for execution in self._executions():
            if not self._has_entered(execution):
                has_entered = False
                name = clean(execution.name, _NAME_LENGTH)
                narrate(f"{name} ended without entering {state!r}.")
        if has_entered:
            return Outcome.SUCCEEDED
        if code in {Outcome.SUCCEEDED, Outcome.RUNNING}:
            return Outcome.WITHOUT
        return code

    def _narrate_situations(self, limit: str) -> None:
        """Say where each execution is that has not ended within the limit."""
        running = [execution for execution in self._executions() if execution.running]
        analysis = TraceAnalysis(self.trace.as_of())
        for execution in running:
            verdict = ExecutionVerdict(analysis, execution).text
            name = clean(execution.name, _NAME_LENGTH)
            narrate(f"{name}: {verdict} It is not over after {limit}.")
        if not running:
            narrate(f"Not every execution was found within {limit}.")


def _summary_path() -> Path:
    path = os.environ.get(_SUMMARY_VARIABLE)
    if path:
        return Path(path)
    msg = f"--summary appends to the file that {_SUMMARY_VARIABLE} names,"
    hint = "Leave it out where no GitHub job runs, or give --format markdown."
    raise UsageError(f"{msg} and it is not set.", hint=hint)


def _report(snapshot: Snapshot, form: str | None, summary_path: Path | None) -> None:
    """Append the report to the summary of a step, and print it, if that is asked."""
    if summary_path is not None:
        with output_to(summary_path, append=True) as out:
            write_report(snapshot, "markdown", out)
    if form is not None:
        with output_to(None) as out:
            write_report(snapshot, form, out)
