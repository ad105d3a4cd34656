"""The command that waits for executions, for scripts and pipelines.

Nothing is shown, and the exit code tells. Only histories are read. A job that waits for
a state, or for a time at most, ends while the execution goes on: what it was by then is
in the report.
"""

import asyncio
import os
from collections.abc import Awaitable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from sfnwatch import session
from sfnwatch.analysis.case import Survey
from sfnwatch.analysis.outcomes import ExecutionVerdict
from sfnwatch.cli import options
from sfnwatch.cli.account import choose_account, named_executions, sign_in
from sfnwatch.cli.narration import narrate, stdout
from sfnwatch.cli.reports import write_report
from sfnwatch.clock import ServerClock
from sfnwatch.errors import Outcome, SfnwatchError, UsageError
from sfnwatch.export.plain import health_words
from sfnwatch.model.arns import Named
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.moment import Moment
from sfnwatch.model.records import Batch
from sfnwatch.model.trace import Changed, Trace
from sfnwatch.model.values import clean, duration
from sfnwatch.sources.targets import CallOptions

_VARIABLE = "GITHUB_STEP_SUMMARY"
_TROUBLE = frozenset({"denied", "expired", "retrying"})
_SHOWN = 100


@click.command()
@options.executions_argument(
    required=True,
    metavar="EXECUTION…",
    callback=lambda _, __, texts: texts and named_executions(texts),
)
@options.flag("--next", "Wait for a machine's next one.", dest="coming")
@options.option("--until", "Only until this state is entered.", metavar="STATE")
@options.option(
    "--timeout", "No longer than this: 90s, 15m, 1h.", type=options.DURATION
)
@options.option(
    "--format",
    "Print a report at the end; without it nothing is printed.",
    dest="form",
    type=options.FORMATS,
)
@options.flag("--summary", "Append the report to the summary of a GitHub job's step.")
@options.account_options
def wait(
    executions: list[Named],
    timeout: float | None,
    until: str | None,
    form: str | None,
    *,
    coming: bool,
    summary: bool,
    **account: Any,
) -> int:
    """Wait for executions to end; the exit code is the outcome.

    EXECUTION is what `sfnwatch EXECUTION` takes. Only histories are read: no call to
    CloudTrail is made, and nothing is recorded. With --until it ends as soon as the
    state is entered, with 13 if it never is; after --timeout with 14.

    \b
    sfnwatch wait "$arn" --timeout 1h && deploy
    sfnwatch wait "$arn" --format markdown >> "$GITHUB_STEP_SUMMARY"
    """
    from sfnwatch.sources.discovery import find

    path = _summary_path() if summary else None
    settings, waiting = sign_in(choose_account(**account)), _Waiting(Trace(), until)

    async def begin() -> session.Session:
        clock = ServerClock()
        found = await find(executions, settings, clock, coming=coming, tell=narrate)
        return session.live(
            found.arns,
            settings,
            CallOptions(lookup=False),
            drain=0.0,
            tries=session.TRIES,
            trace=waiting.trace,
        )

    signalled = session.run(lambda: waiting.run(begin(), timeout))
    code = waiting.code(duration(timeout or 0.0)) if signalled is None else signalled
    if code < Outcome.INTERRUPTED:
        _report(waiting.trace.as_of(), form, path)
    return code


class _Waiting:
    """A consumer that knows when what has come is enough."""

    def __init__(self, trace: Trace, until: str | None) -> None:
        self.trace, self.until = trace, until
        """The name of a state: enough when each execution entered it, or ended."""
        self.executions: Sequence[str] = ()
        """Their ARNs, once they are found."""
        self.late = False
        """True when the time was over first."""
        self._limit: asyncio.Timeout | None = None
        self._told: dict[str, object] = {}

    async def run(
        self, begin: Awaitable[session.Session], seconds: float | None
    ) -> None:
        """Find executions and wait for their ends, or for what is enough."""
        try:
            async with asyncio.timeout(seconds) as self._limit:
                watched = await begin
                self.executions = watched.executions
                watched.consumers.append(self)
                await watched.run()
        except TimeoutError:
            self.late = self.until is None or not self._is_enough()

    def code(self, limit: str) -> int:
        """Give the exit code; raises RefusedError where AWS shows nothing of it.

        `limit` is how the whole time is written.
        """
        session.raise_if_refused(self.trace)
        if self.late:
            for words in self._situations(limit):
                narrate(words)
            return Outcome.LATE
        code = session.outcome(self.trace.as_of())
        return code if self.until is None else self._until_code(code)

    def __call__(self, batch: Batch, changed: Changed) -> None:
        del batch
        if changed.healths:
            self._tell_trouble()
        limit = self._limit
        if self.until is None or limit is None or limit.expired():
            return
        if self._is_enough():
            # In the past: the watch ends where it waits next.
            limit.reschedule(0)

    def _executions(self) -> Iterator[ExecutionAsOf | None]:
        known = self.trace.as_of().executions
        return (known.get(arn) for arn in self.executions)

    def _is_enough(self) -> bool:
        """True when nothing more can come that is waited for."""
        return bool(self.executions) and all(
            each is not None and (each.ending is not None or self._entered(each))
            for each in self._executions()
        )

    def _entered(self, execution: ExecutionAsOf) -> bool:
        return any(visit.name == self.until for visit in execution.visits)

    def _tell_trouble(self) -> None:
        """Say what keeps it from reading: nobody would know why nothing happens."""
        for lane, health in self.trace.as_of().health.items():
            told = (health.state, health.message)
            if health.state in _TROUBLE and self._told.get(lane) != told:
                narrate(health_words(health))
            self._told[lane] = told

    def _until_code(self, code: int) -> int:
        """Tell of executions that ended without the state."""
        without = [e for e in self._executions() if e and not self._entered(e)]
        state = clean(self.until or "", _SHOWN)
        for each in without:
            names = {visit.name for visit in each.visits}
            near = get_close_matches(self.until or "", names, 1)
            meant = f" Did you mean {clean(near[0], _SHOWN)!r}?" if near else ""
            name = clean(each.name, _SHOWN)
            narrate(f"{name} ended without entering {state!r}.{meant}")
        return (code or Outcome.WITHOUT) if without else Outcome.SUCCEEDED

    def _situations(self, limit: str) -> Iterator[str]:
        """Say of each execution that is not over where it is."""
        if not self.executions:
            yield f"No execution was found within {limit}."
        survey = Survey(self.trace.as_of())
        for arn, each in zip(self.executions, self._executions(), strict=True):
            name = clean(each.name if each else arn.rpartition(":")[2], _SHOWN)
            if each is None:
                yield f"{name}: AWS has told nothing of it within {limit}."
            elif each.running:
                verdict = ExecutionVerdict(survey, each).text
                yield f"{name}: {verdict} It is not over after {limit}."


def _summary_path() -> Path:
    path = os.environ.get(_VARIABLE)
    if not path:
        msg = (
            f"--summary appends to the file that {_VARIABLE} names, and it is not set."
        )
        hint = "Leave it out where no GitHub job runs, or give --format markdown."
        raise UsageError(msg, hint=hint)
    return Path(path)


def _report(moment: Moment, form: str | None, path: Path | None) -> None:
    """Print what is asked for, and append it to a step's summary."""
    if path is not None:
        try:
            with path.open("a", encoding="utf-8") as out:
                write_report(moment, "markdown", out)
        except OSError as error:
            msg = f"Can't write {clean(str(path))}: {error.strerror or error}."
            raise SfnwatchError(msg) from error
    if form is not None:
        with stdout() as out:
            write_report(moment, form, out)
