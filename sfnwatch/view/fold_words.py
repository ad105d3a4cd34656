"""A fold in words: enough to decide whether to open it."""

from collections.abc import Iterator

from sfnwatch.analysis.phases import seconds_taken
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.texts import clean
from sfnwatch.model.times import duration, seconds_between
from sfnwatch.model.visits import FAILED, ROOT, Attempt, StateVisit
from sfnwatch.view.child import child_execution, child_map_run
from sfnwatch.view.child_words import child_parts, map_run_parts
from sfnwatch.view.event_words import LINE_CHARACTERS
from sfnwatch.view.outline_items import Fold, FoldKind
from sfnwatch.view.parts import Part, Role, counted, status_part

_MOST_NAMES = 2
"""A folded branch with at most this many states lists their names."""
_BRANCHES = ("branch", "branches")
_ITERATIONS = ("iteration", "iterations")


def fold_parts(
    snapshot: Snapshot, fold: Fold, visit: StateVisit | None
) -> tuple[Part, ...]:
    """Return a fold's name, its status and a summary of its contents."""
    if fold.kind is FoldKind.MAP_RUN:
        run = child_map_run(snapshot, fold.child_arn)
        if run is None:
            return ()
        return (*child_parts(run), Part("  "), *map_run_parts(run))
    contents = _FoldContents(snapshot, fold)
    if fold.kind is FoldKind.CHILD:
        child = child_execution(snapshot, fold.child_arn)
        head = child_parts(child) if child is not None else ()
        summary = contents.states
    elif visit is not None:
        head = contents.head(visit)
        summary = contents.summary(visit)
    else:
        return ()
    return *head, Part(f"  {summary}", Role.DIM), *contents.tally()


class _FoldContents:
    """The contents of a fold: of a child execution, a visit, a branch or iteration."""

    def __init__(self, snapshot: Snapshot, fold: Fold) -> None:
        self._snapshot = snapshot
        self._fold = fold
        self._events: list[HistoryEvent] = []
        """The events of the fold's own execution that have happened."""
        self._visits: list[StateVisit] = []
        self._attempts: list[tuple[str, Attempt]] = []
        """The attempts in the fold, each with the ARN of its execution."""
        execution = snapshot.executions.get(fold.execution_arn)
        # The folded visit itself, or the visit whose branch is folded, is no content.
        seen: set[tuple[str, int | None]] = {(fold.execution_arn, fold.visit_id)}
        for event in fold.members:
            if not isinstance(event, HistoryEvent):
                continue
            if execution is not None and execution.event(event.id) is not None:
                self._events.append(event)
            key = (event.execution_arn, event.visit_id)
            if event.visit_id and key not in seen:
                seen.add(key)
                self._add_visit(event.execution_arn, event.visit_id)
        self._direct = [v for v in self._visits if v.parent == fold.visit_id]
        """The visits directly in the folded visit, not in a Map or Parallel in it."""

    def _add_visit(self, execution_arn: str, visit_id: int) -> None:
        visit = self._snapshot.visit_of((execution_arn, visit_id))
        if visit is not None:
            self._visits.append(visit)
            for attempt in visit.attempts:
                self._attempts.append((execution_arn, attempt))

    @property
    def states(self) -> str:
        return counted(len(self._visits), "state")

    def head(self, visit: StateVisit) -> Iterator[Part]:
        """Yield the path, `Each[1] / Inner[0]`, the status and the duration."""
        path = visit.path.removeprefix(f"{ROOT} / ")
        status = visit.status
        seconds = None
        if self._fold.index is not None:
            path = f"{path}[{self._fold.index}]"
            status, seconds = self._outcome()
        elif visit.ended_at is not None:
            seconds = seconds_taken(visit, visit.ended_at)
        yield Part(clean(path, LINE_CHARACTERS), Role.NAME)
        yield Part("  ")
        yield status_part(status)
        if seconds is not None:
            yield Part(f" {duration(max(0.0, seconds))}", Role.DIM)

    def _outcome(self) -> tuple[str, float | None]:
        """Return a branch's status, and its duration in seconds; None if it runs."""
        events = self._events
        status = self._iteration_end() or self._status_of_states()
        if not events or status == "running":
            return status, None
        # The branch's last event may stand on another's line, and not in the fold.
        ends = [visit.ended_at for visit in self._direct if visit.ended_at is not None]
        return status, seconds_between(events[0].at, max([events[-1].at, *ends]))

    def _iteration_end(self) -> str | None:
        """Return how the iteration ended; None if it runs, or is a branch."""
        for event in reversed(self._events):
            if event.type.startswith("MapIteration"):
                return event.iteration_end
        return None

    def _status_of_states(self) -> str:
        """Return the status of a branch, or of an iteration that runs by its events.

        The latter may run again, after a retry of the Map.
        """
        statuses = [visit.status for visit in self._direct]
        if not statuses or "running" in statuses:
            return "running"
        return statuses[-1]

    def summary(self, visit: StateVisit) -> str:
        """Return the states' names of a short branch, else counts of the contents."""
        if self._fold.index is None:
            numbers = {inner.index for inner in self._direct} - {None}
            words = _ITERATIONS if visit.type == "Map" else _BRANCHES
            return f"{counted(len(numbers), *words)}, {self.states}"
        if 0 < len(self._direct) <= _MOST_NAMES:
            return clean(
                ", ".join(inner.name for inner in self._direct), LINE_CHARACTERS
            )
        return self.states

    def tally(self) -> Iterator[Part]:
        """Yield the numbers of failed tries, retries, calls and failed calls."""
        failed = sum(attempt.status in FAILED for _, attempt in self._attempts)
        if failed:
            yield Part(f"  ✘ {counted(failed, 'failed try', 'failed tries')}", Role.BAD)
        retries = self._retries()
        if retries:
            yield Part(f"  ⟳ {counted(retries, 'retry', 'retries')}", Role.WARN)
        calls = self._shown_calls()
        if calls:
            yield Part(f"  {counted(len(calls), 'call')}", Role.DIM)
        errors = sum(call.error_code is not None for call in calls)
        if errors:
            yield Part(f"  ✘ {errors:,} denied or failed", Role.BAD)

    def _retries(self) -> int:
        """Return the number of tries after a first one, but for redriven ones."""
        retries = 0
        for visit in self._visits:
            for number in range(2, len(visit.attempts) + 1):
                if not visit.is_redriven(number):
                    retries += 1
        return retries

    def _shown_calls(self) -> list[ApiCall]:
        snapshot = self._snapshot
        calls: dict[str, ApiCall] = {}
        for member in self._fold.members:
            if isinstance(member, ApiCall):
                calls[member.event_id] = member
        # An action call on a state's line is no member of the fold.
        for execution_arn, attempt in self._attempts:
            for call in snapshot.calls_of((execution_arn, attempt.scheduled_id)):
                calls[call.event_id] = call
        return [call for call in calls.values() if snapshot.shows_call(call)]
