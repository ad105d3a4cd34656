"""The command that says how long a state machine's executions usually take."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from sfnwatch.analysis.trend import ExecutionLengths, Trend
from sfnwatch.analysis.trend_document import trend_document
from sfnwatch.cli import options
from sfnwatch.cli.account import signed_in
from sfnwatch.cli.narration import narrate, progress_bar
from sfnwatch.cli.output import output_to, write_document, write_json
from sfnwatch.cli.parameter_types import SINCE
from sfnwatch.cli.settable_option import option
from sfnwatch.errors import Outcome, RefusedError, UsageError
from sfnwatch.export.json.trend import trend_json
from sfnwatch.model.arns import ExecutionArn, Named
from sfnwatch.model.execution_list import ListedExecution, ListFilter
from sfnwatch.model.records import Received
from sfnwatch.model.texts import clean
from sfnwatch.model.trace import Trace
from sfnwatch.recording.history_cache import HistoryCache, cache_dir, is_whole
from sfnwatch.recording.usual_lengths import UsualLength, save_usual_length
from sfnwatch.session import signals

if TYPE_CHECKING:
    from sfnwatch.sources.past_executions import PastExecutions
    from sfnwatch.sources.search import Search

_MOST_EXECUTIONS = 1000
_LEAST_SUCCEEDED = 3
"""Fewer executions than these make no usual length that is worth keeping."""
_NAME_LENGTH = 60
"""Most characters of a name beside the bar."""


@click.command()
@options.name_argument(metavar="MACHINE|EXECUTION")
@option(
    "--last N",
    "Read at most this many finished executions, the last to end.",
    type=click.IntRange(1, _MOST_EXECUTIONS),
    default=50,
)
@option(
    "--since",
    "Only executions that were started since: so long ago (90m, 24h, 7d), or a day"
    " (2026-11-01).",
    type=SINCE,
)
@options.format_option
@options.output_option
@options.account_options
def trend(name: Named | None, *, last: int, since: Any, **asked: Any) -> int:
    """Say how long executions and their states usually take, and how often they fail.

    It reads the histories of the last finished Standard executions, within rates that
    leave most of the account's quotas to others; AWS lists no Express executions. An
    EXECUTION is compared with the others of its machine: how many times its usual
    length did each state take? Histories are kept in the user's cache, without the
    input and output of states, so that only new ones are read. Once measured, the
    usual length stands beside an execution's own while it is watched.

    \b
    sfnwatch trend nightly-report
    sfnwatch trend nightly-report --since 7d --last 200 --format json
    sfnwatch trend "$execution_arn"
    """
    from sfnwatch.sources.search import Search

    if name is None:
        msg = "No state machine is named."
        raise UsageError(msg, hint="Give its name or its ARN, or an execution's ARN.")
    reading = _Reading(Search(signed_in(**asked)), name, last, ListFilter(since=since))
    code = signals.run(reading.run)
    if code is not None:
        if reading.kept:
            kept = f"{reading.kept} of {reading.wanted} histories are read and kept"
            narrate(f"{kept}: the next run goes on from there.")
        return code
    form: str = asked["form"]
    with output_to(asked["output"]) as out:
        if form == "json":
            write_json(trend_json(reading.trend), out)
        else:
            document = trend_document(reading.trend, reading.since)
            write_document(form, out, document)
    return Outcome.SUCCEEDED


def _no_history(arn: str) -> RefusedError:
    name = clean(arn.rpartition(":")[2], _NAME_LENGTH)
    msg = f"AWS has no history of {name}; it keeps one for 90 days after the end."
    return RefusedError(msg)


class _Reading:
    """Reads histories, from the cache or from AWS, and measures them one by one."""

    def __init__(
        self, search: "Search", named: Named, last: int, only: ListFilter
    ) -> None:
        self._search = search
        self._named = named
        self._last = last
        self._only = only
        self._cache = HistoryCache(cache_dir())
        self.kept = 0
        """How many histories are read and kept."""
        self.wanted = 0
        """How many histories there are to read."""
        self.trend = Trend("", ())

    @property
    def since(self) -> datetime | None:
        """The earliest start that counts; None for any."""
        return self._only.begin(self._search.clock.now())

    async def run(self) -> None:
        """Read everything, and set `trend`; raises SfnwatchError."""
        from sfnwatch.sources.past_executions import refuse_express

        given_arn = ""
        if isinstance(self._named, ExecutionArn):
            refuse_express(self._named)
            given_arn = self._named.arn
        async with self._search.past_executions(
            self._named, self._only, narrate
        ) as past:
            machine_arn = await past.machine_of(self._named)
            # One more, in case the given one is among them.
            most = self._last + 1 if given_arn else self._last
            finished = await past.finished(machine_arn, most)
            others = [each for each in finished if each.arn != given_arn][: self._last]
            self.wanted = len(others)
            lengths = await self._measure_all(past, others)
            given = None
            if given_arn:
                given = self._measured(given_arn, await past.history(given_arn))
                if given is None:
                    raise _no_history(given_arn)
        self._cache.prune()
        unread = len(others) - len(lengths)
        self.trend = Trend(machine_arn, lengths, given, unread)
        self._save_usual()

    async def _measure_all(
        self, past: "PastExecutions", executions: Sequence[ListedExecution]
    ) -> list[ExecutionLengths]:
        lengths: list[ExecutionLengths] = []
        with progress_bar(len(executions)) as bar:
            for execution in executions:
                bar.begin(clean(execution.name, _NAME_LENGTH))
                measured = self._measured(
                    execution.arn, await self._history(past, execution)
                )
                if measured is not None:
                    lengths.append(measured)
                bar.advance()
        return lengths

    async def _history(
        self, past: "PastExecutions", execution: ListedExecution
    ) -> Sequence[Received]:
        """Return a history from the cache, or else from AWS; empty unless whole."""
        cached = self._cache.load(execution)
        if cached is not None:
            self.kept += 1
            return cached
        events = tuple(await past.history(execution.arn))
        if not is_whole(events):
            return ()
        self.kept += self._cache.save(execution, events)
        return events

    def _measured(
        self, arn: str, events: Sequence[Received]
    ) -> ExecutionLengths | None:
        """Measure one execution; what is running has come as far as AWS's clock.

        None if nothing of it can be read.
        """
        trace = Trace()
        trace.add(tuple(events))
        execution = trace.as_of().executions.get(arn)
        if execution is None:
            return None
        return ExecutionLengths.of(execution, self._search.clock.now())

    def _save_usual(self) -> None:
        """Keep the usual length, for later watches of this machine's executions.

        Those of a Map Run, of an alias or a version are no usual length of its machine.
        """
        machine_arn = self.trend.state_machine_arn
        _, is_machine, name = machine_arn.partition(":stateMachine:")
        usual = self.trend.usual
        if not is_machine or ":" in name or usual.p50 is None or usual.p95 is None:
            return
        now = self._search.clock.now()
        count = len(self.trend.succeeded)
        if count >= _LEAST_SUCCEEDED:
            measured = UsualLength(machine_arn, count, usual.p50, usual.p95, now)
            save_usual_length(cache_dir(), measured)
