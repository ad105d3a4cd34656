"""What the executions watched begin: nested executions, and Map Runs with theirs.

A parent's history tells the ARN of each; from then on it is followed like any other,
at the pace of `paced.py` and only so deep and so many as was asked for. That no Map Run
is looked for by ListMapRuns is for the same reason: the history has named it before.
"""

from collections.abc import Sequence

from msgspec import Struct

from sfnwatch.clock import Clock
from sfnwatch.sources.drive import Patience
from sfnwatch.sources.feed import Joining
from sfnwatch.sources.history import Begun, History
from sfnwatch.sources.map_run import MapRunSource
from sfnwatch.sources.paced import Asks, Paced
from sfnwatch.sources.subjects import Subjects
from sfnwatch.sources.wanted import Following
from sfnwatch.trace.arns import ExecutionArn, maybe_execution_arn
from sfnwatch.trace.events import Batch, From, Received
from sfnwatch.trace.family import begun_by
from sfnwatch.trace.history import DecodeError, decode_history
from sfnwatch.trace.map_runs import ListedChild

MOST = 500
"""Executions followed at most: each keeps its history in memory, and asks."""


class _Run(Struct):
    """A Map Run that is followed."""

    level: int
    """Of its executions."""
    left: dict[bool, int]
    """How many more of those that failed, and of the others, are read."""


class Children:
    """Finds out what was begun, and has it followed."""

    def __init__(
        self,
        aws: Asks,
        subjects: Subjects,
        clock: Clock,
        join: Joining,
        following: Following,
        *,
        patience: Patience | None = None,
    ) -> None:
        self._aws, self._subjects, self._clock = Paced(aws, clock), subjects, clock
        self._join, self._following, self._patience = join, following, patience
        self._levels = {one.arn.arn: 0 for one in subjects.roots}
        """The executions followed, and how deep they are."""
        self._runs: dict[str, _Run] = {}
        self._listed: dict[str, ListedChild] = {}

    def heed(self, batch: Batch) -> None:
        """Look through what comes in for what was begun."""
        for received in batch:
            if received.source == From.HISTORY and received.execution_arn:
                level = self._levels.get(received.execution_arn)
                if level is not None and level < self._following.depth:
                    self._look(received, received.execution_arn, level + 1)

    def follow(self, execution_arn: str) -> bool:
        """Read an execution of a Map Run in full; True if it is, or will be.

        Once the watch is over nothing is read any more.
        """
        if execution_arn in self._levels:
            return True
        child = self._listed.get(execution_arn)
        run = self._runs.get(child.map_run_arn) if child else None
        if child is None or run is None:
            return False
        return self._follow(execution_arn, run.level, listed=True)

    def _look(self, received: Received, arn: str, level: int) -> None:
        try:
            event = decode_history(received.data, received.at)
        except DecodeError:
            return
        if event.type == "MapRunStarted":
            self._follow_run(event.detail("mapRunArn") or "", arn, level)
            return
        for child in begun_by(event):
            self._follow(child, level)

    def _follow(self, arn: str, level: int, *, listed: bool = False) -> bool:
        parsed = maybe_execution_arn(arn)
        if parsed is None or parsed.is_express or arn in self._levels:
            # AWS keeps no history of Express executions: their log may not be read.
            return arn in self._levels
        if len(self._levels) >= MOST or self._join.over:
            return False
        self._levels[arn] = level
        subject = self._subjects.add(parsed)
        history = History(
            self._aws,
            subject,
            self._clock,
            patience=self._patience,
            begun=Begun(self._wanted, listed=listed),
        )
        self._join(history)
        return True

    def _wanted(self) -> bool:
        return not self._subjects.roots_over

    def _follow_run(self, map_run_arn: str, execution_arn: str, level: int) -> None:
        parent = maybe_execution_arn(execution_arn)
        if not map_run_arn or map_run_arn in self._runs or parent is None:
            return
        most = self._following.children
        self._runs[map_run_arn] = _Run(level, {True: most, False: most})
        self._join(self._source(map_run_arn, parent))

    def _source(self, map_run_arn: str, parent: ExecutionArn) -> MapRunSource:
        return MapRunSource(
            self._aws,
            self._clock,
            map_run_arn,
            execution_arn=parent.arn,
            region=parent.region,
            listed=self._choose,
            wanted=self._wanted,
            patience=self._patience,
        )

    def _choose(self, children: Sequence[ListedChild]) -> None:
        """Follow the first few of what was listed: so many that failed, so many not."""
        for child in sorted(children, key=lambda child: child.order):
            self._listed[child.listed.arn] = child
            run = self._runs.get(child.map_run_arn)
            if run is None or not run.left[child.failed]:
                continue
            if child.listed.arn not in self._levels:
                run.left[child.failed] -= 1
                self._follow(child.listed.arn, run.level, listed=True)
