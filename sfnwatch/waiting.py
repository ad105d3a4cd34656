"""Waiting for executions in a script: nothing is shown, and the exit code tells.

Only histories are read. A job that waits for a state, or for a time at most, ends
while the execution goes on: what it was by then is in the report.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from sfnwatch.errors import Outcome
from sfnwatch.export.lines import health_words
from sfnwatch.narration import narrate
from sfnwatch.running import Play, run_lines
from sfnwatch.sources.feed import Consumer
from sfnwatch.trace.arns import parse_execution_arn
from sfnwatch.trace.events import Batch, HealthState
from sfnwatch.trace.report_verdict import judge
from sfnwatch.trace.text import clean, duration
from sfnwatch.trace.timeline import Timeline, Trace, extend
from sfnwatch.trace.values import replace

_TROUBLE = frozenset({HealthState.DENIED, HealthState.EXPIRED, HealthState.RETRYING})
_SHOWN = 100


@dataclass
class Waited:
    """A consumer that keeps what comes, and knows when that is enough."""

    executions: Sequence[str]
    until: str | None = None
    """The name of a state: enough when each execution has entered it, or has ended."""
    trace: Trace = field(default_factory=Trace)
    late: bool = False
    """True when the time was over first."""
    limit: asyncio.Timeout | None = None
    _told: dict[str, object] = field(default_factory=dict)

    def __call__(self, batch: Batch) -> None:
        self.trace = extend(self.trace, batch)
        self._tell_trouble()
        if self.until is not None and self.enough and self.limit is not None:
            self.limit.reschedule(asyncio.get_running_loop().time())

    def finish(self) -> None:
        """Say nothing: the exit code tells."""

    @property
    def enough(self) -> bool:
        """True when nothing more can come that is waited for."""
        return all(self._settled(arn) for arn in self.executions)

    def entered(self, arn: str) -> bool:
        timeline = self.trace.timelines.get(arn)
        return timeline is not None and self.until in _names(timeline)

    def _settled(self, arn: str) -> bool:
        timeline = self.trace.timelines.get(arn)
        ended = timeline is not None and timeline.ending is not None
        return ended or self.entered(arn)

    def _tell_trouble(self) -> None:
        """Say what keeps it from reading: nobody would know why nothing happens."""
        for lane, health in self.trace.health.items():
            told = (health.state, health.message)
            if health.state in _TROUBLE and self._told.get(lane) != told:
                narrate(health_words(health))
            self._told[lane] = told


def wait(play: Play, waited: Waited, seconds: float | None, spent: float = 0.0) -> int:
    """Wait for a play's end, or for what is enough; give the exit code.

    Of the seconds, some may be `spent`: to find what is waited for is a part of the
    waiting. Raises RefusedError where AWS shows nothing of it.
    """
    left = None if seconds is None else max(0.0, seconds - spent)

    async def bounded(consume: Consumer) -> None:
        try:
            async with asyncio.timeout(left) as waited.limit:
                await play.watch(consume)
        except TimeoutError:
            waited.late = waited.until is None or not waited.enough

    code = run_lines(replace(play, watch=bounded), waited, None)
    if code >= Outcome.INTERRUPTED:
        return code
    if waited.late:
        for words in _standing(waited, duration(seconds or 0.0)):
            narrate(words)
        return Outcome.LATE
    return code if waited.until is None else _until_code(waited, code)


def _until_code(waited: Waited, code: int) -> int:
    """Tell of executions that ended without the state."""
    without = [arn for arn in waited.executions if not waited.entered(arn)]
    if not without:
        return Outcome.SUCCEEDED
    for arn in without:
        timeline = waited.trace.timelines[arn]
        near = get_close_matches(waited.until or "", _names(timeline), 1)
        meant = f" Did you mean {clean(near[0], _SHOWN)!r}?" if near else ""
        name, state = clean(timeline.name, _SHOWN), clean(waited.until or "", _SHOWN)
        narrate(f"{name} ended without entering {state!r}.{meant}")
    return code or Outcome.WITHOUT


def _names(timeline: Timeline) -> set[str]:
    return {visit.name for visit in timeline.visits}


def _standing(waited: Waited, limit: str) -> Iterator[str]:
    """Say of each execution that is not over how it stands."""
    for arn in waited.executions:
        timeline = waited.trace.timelines.get(arn)
        if timeline is None:
            name = clean(parse_execution_arn(arn).name, _SHOWN)
            yield f"{name}: AWS has told nothing of it within {limit}."
        elif timeline.running:
            verdict = judge(waited.trace, timeline).text
            name = clean(timeline.name, _SHOWN)
            yield f"{name}: {verdict} It is not over after {limit}."
