"""The command that waits: for scripts and pipelines.

Nothing is shown, and the exit code tells. Only histories are read. A job that waits for
a state, or for a time at most, ends while the execution goes on: what it was by then is
in the report.
"""

import asyncio
import os
from collections.abc import Awaitable, Iterator, Sequence
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
_VARIABLE = "GITHUB_STEP_SUMMARY"
_TROUBLE = frozenset({"denied", "expired", "retrying", "throttled"})


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

    path = _summary_path() if summary else None
    settings = signed_in(**asked)
    waiting = _Waiting(asked["until"], asked["timeout"])

    async def begin() -> Session:
        arns = await Search(settings).find(executions, narrate, coming=coming)
        calls = CallOptions(lookup=False)
        how = LiveOptions(calls, drain=0.0, outlasts_throttling=True)
        return sessions.live(arns, settings, how, trace=waiting.trace)

    try:
        signalled = signals.run(lambda: waiting.run(begin()))
        code = waiting.code() if signalled is None else signalled
    except RefusedError:
        if waiting.has_seen:
            _report(waiting.trace.as_of(), asked["form"], path)
        raise
    if code < Outcome.INTERRUPTED:
        _report(waiting.trace.as_of(), asked["form"], path)
    return code


class _Waiting:
    """Knows when what has come is enough."""

    def __init__(self, until: str | None, seconds: float | None) -> None:
        self.trace, self.until, self.seconds = Trace(), until, seconds
        """`until` names a state: enough when each execution entered it, or ended."""
        self.executions: Sequence[str] = ()
        """Their ARNs, once they are found."""
        self.late = False
        """True when the time was over first."""
        self._told: dict[str, object] = {}

    async def run(self, begin: Awaitable[Session]) -> None:
        """Find executions and wait for their ends, or for what is enough."""
        try:
            async with asyncio.timeout(self.seconds):
                watched = await begin
                self.executions = watched.executions
                async with aclosing(watched.snapshots()) as snapshots:
                    async for snapshot in snapshots:
                        self._tell_trouble(snapshot)
                        if self.until is not None and self._is_enough():
                            return
        except TimeoutError:
            self.late = not self._is_enough()

    @property
    def has_seen(self) -> bool:
        """True where there is something to report."""
        return any(each is not None and each.known for each in self._executions())

    def code(self) -> int:
        """Give the exit code; raises RefusedError where AWS doesn't tell the end."""
        if self.until is None or not self._is_enough():
            raise_if_refused(self.trace)
        if self.late:
            for words in self._situations():
                narrate(words)
            return Outcome.RUNNING
        code = outcome(self.trace.as_of())
        return code if self.until is None else self._until_code(code)

    def _executions(self) -> Iterator[ExecutionAsOf | None]:
        known = self.trace.as_of().executions
        return (known.get(arn) for arn in self.executions)

    def _is_enough(self) -> bool:
        """True when each has ended, or entered the state that is waited for."""
        return bool(self.executions) and all(
            each is not None and (each.ending is not None or self._entered(each))
            for each in self._executions()
        )

    def _entered(self, execution: ExecutionAsOf) -> bool:
        return any(visit.name == self.until for visit in execution.visits)

    def _tell_trouble(self, snapshot: Snapshot) -> None:
        """Say what keeps it from reading: nobody would know why nothing happens."""
        for lane, health in snapshot.health.items():
            told = (health.state, health.message)
            is_doubt = lane == "history" and health.state == "ended" and health.message
            is_trouble = health.state in _TROUBLE or is_doubt
            if is_trouble and self._told.get(lane) != told:
                narrate(health_words(health))
            self._told[lane] = told

    def _until_code(self, code: int) -> int:
        """Tell of executions that ended without the state."""
        without = [e for e in self._executions() if e and not self._entered(e)]
        state = clean(self.until or "", _NAME_LENGTH)
        for each in without:
            narrate(
                f"{clean(each.name, _NAME_LENGTH)} ended without entering {state!r}."
            )
        if not without:
            return Outcome.SUCCEEDED
        has_failed = code not in {Outcome.SUCCEEDED, Outcome.RUNNING}
        return code if has_failed else Outcome.WITHOUT

    def _situations(self) -> Iterator[str]:
        """Say of each execution that is not over where it is."""
        limit = duration(self.seconds or 0.0)
        running = [e for e in self._executions() if e is not None and e.running]
        survey = TraceAnalysis(self.trace.as_of())
        for each in running:
            verdict = ExecutionVerdict(survey, each).text
            name = clean(each.name, _NAME_LENGTH)
            yield f"{name}: {verdict} It is not over after {limit}."
        if not running:
            yield f"Not every execution was found within {limit}."


def _summary_path() -> Path:
    if path := os.environ.get(_VARIABLE):
        return Path(path)
    msg = f"--summary appends to the file that {_VARIABLE} names, and it is not set."
    hint = "Leave it out where no GitHub job runs, or give --format markdown."
    raise UsageError(msg, hint=hint)


def _report(snapshot: Snapshot, form: str | None, path: Path | None) -> None:
    """Print what is asked for, and append it to a step's summary."""
    if path is not None:
        with output_to(path, append=True) as out:
            write_report(snapshot, "markdown", out)
    if form is not None:
        with output_to(None) as out:
            write_report(snapshot, form, out)
