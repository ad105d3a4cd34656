"""A trace as lines while it comes in: for pipes, logs and screen readers.

Each event has one line that can be understood by itself: without life-lines, and with
the state's path. If there are several executions, the execution is in brackets. A call
is printed when it arrives, which is minutes late; the line begins with the call's time.

A line is never taken back. So only a sure match is printed at once. A likely match or a
guess is printed at the end, when no more can come. How Step Functions learned of a
job's end is printed there, too, if it was not known before.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TextIO

from sfnwatch.analysis.finding import CONCLUSION
from sfnwatch.analysis.quantities import plural
from sfnwatch.export.changes import changed_calls, changed_tasks
from sfnwatch.export.names import exported_path, not_shown, service_name
from sfnwatch.export.plain_sentences import finding_line, health_words
from sfnwatch.export.row_text import line_text
from sfnwatch.export.separate_rows import rows_apart
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.arns import short_id
from sfnwatch.model.ecs_task import TaskState
from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.linking.link import Link, LinkRule
from sfnwatch.model.map_runs import map_run_name
from sfnwatch.model.records import Batch
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.source_health import HealthState, SourceHealth
from sfnwatch.model.texts import clean
from sfnwatch.model.times import duration
from sfnwatch.model.trace import Changed, Trace
from sfnwatch.view.child_words import count_words
from sfnwatch.view.event_words import execution_parts, other_parts
from sfnwatch.view.execution_labels import LABEL, execution_labels
from sfnwatch.view.line_maker import LineMaker, seconds_until_seen
from sfnwatch.view.match_words import doubt_words
from sfnwatch.view.parts import plain_text
from sfnwatch.view.task_text import task_id, task_text

Narrate = Callable[[str], None]
"""Shows a text that is no data to the person at the terminal."""

_LANES = {
    "history": "Step Functions",
    "lookup": "CloudTrail",
    "children": "Child executions",
    "others": "Other executions",
    "definition": "The definition",
    "recording": "The recording",
    "otlp": "The collector",
}
_ARROW = "->"
_GOES_ON = ("ExecutionStarted", "MapRunStarted")
"""On the screen, the lines of these events show how a child stands. Lines here are
never written again, so they don't."""


class PlainLines:
    """A consumer: prints each event and call once, and what is learned later of it."""

    def __init__(
        self, trace: Trace, out: TextIO, narrate: Narrate, executions: Sequence[str]
    ) -> None:
        """`executions` are known before any record of them has come."""
        self._trace = trace
        self._out = out
        self._narrate = narrate
        self._labels = execution_labels(executions)
        self._printed: set[str] = set()
        """The keys of the events and task states that were printed."""
        self._links: dict[str, Link | None] = {}
        """The link that was last printed for each call."""
        self._counts: dict[str, object] = {}
        self._told: dict[str, tuple[HealthState, str]] = {}

    def __call__(self, batch: Batch, changed: Changed) -> None:
        del batch
        snapshot = self._trace.as_of()
        named = dict.fromkeys((*self._labels, *snapshot.roots))
        roots = [arn for arn in named if arn not in snapshot.lineage.parents]
        if self._labels.keys() != set(roots):
            self._labels = execution_labels(roots)
        if changed.healths:
            for lane, health in snapshot.health.items():
                self._tell(lane, health)
        maker = LineMaker(snapshot)
        for item in rows_apart(maker, self._new(snapshot, changed)):
            if isinstance(item, ApiCall):
                self._print_call(maker, item)
            elif isinstance(item, TaskState):
                self._print_task(maker, item)
            else:
                self._print_event(maker, item)
        for arn in sorted(changed.map_runs):
            self._print_map_run(snapshot, arn)
        self._out.flush()

    def _new(
        self, snapshot: Snapshot, changed: Changed
    ) -> Iterator[HistoryEvent | ApiCall | TaskState]:
        """Yield what has no line yet, and calls whose link may have changed."""
        for events in changed.events.values():
            yield from (event for event in events if event.key not in self._printed)
        for call in changed_calls(self._trace, changed):
            if call.event_id in self._links or snapshot.is_relevant(call):
                yield call
        for task_arn in changed_tasks(snapshot, changed):
            if snapshot.task_starter(task_arn) is not None:
                states = self._trace.task_states[task_arn]
                yield from (s for s in states if s.key not in self._printed)

    def _put(self, at: str, what: str, label: str, words: str) -> None:
        self._out.write(f"{at:<12}  {what:<5}  {label}{words}\n")

    def _label(self, execution_arn: str | None) -> str:
        arn = execution_arn or ""
        label = self._labels.get(arn, "")
        if arn in self._trace.lineage.parents:
            # There may be many children; only its own name identifies each.
            child = self._trace.executions[arn].as_of(None)
            machine = child.state_machine_name or ""
            label = clean(f"{machine} {short_id(child.name)}".strip(), LABEL)
        return f"[{label}] " if label else ""

    def _print_event(self, maker: LineMaker, event: HistoryEvent) -> None:
        self._printed.add(event.key)
        label = self._label(event.execution_arn)
        self._put(_millis(event.at), "state", label, _event_words(maker, event))

    def _print_map_run(self, snapshot: Snapshot, arn: str) -> None:
        """Print the progress of a Map Run if it has changed."""
        started = snapshot.lineage.map_runs.get(arn)
        told = snapshot.map_runs.get(arn)
        if started is None or told is None or told.seen_at is None:
            return
        counted = told.status, told.executions
        if self._counts.get(arn) == counted:
            return
        self._counts[arn] = counted
        visit = snapshot.executions[started.execution_arn].visit(started.visit_id)
        path = f"{exported_path(visit)}  " if visit else ""
        words = f"{clean(map_run_name(arn))}: {count_words(told.executions)}"
        label = self._label(started.execution_arn)
        self._put(_millis(told.seen_at), "count", label, f"{path}{words}")

    def _print_task(self, maker: LineMaker, state: TaskState) -> None:
        self._printed.add(state.key)
        words = plain_text(task_text(state).parts)
        where = self._where(maker.snapshot, maker.snapshot.task_link(state.task_arn))
        more = f"{where}{_late(state.at, state.seen_at)}"
        said = f"{task_id(state)}  {words}  [ecs]{more}"
        self._put(_millis(state.at), "task", "", said)

    def _print_call(self, maker: LineMaker, call: ApiCall) -> None:
        """Print a call when it comes, and again when its sure match changes."""
        link = maker.snapshot.link(call)
        sure = link if link is not None and link.is_sure else None
        if call.event_id not in self._links:
            self._put_call(maker, call, sure, _late(call.event_time, call.seen_at))
        elif _match(sure) != _match(self._links[call.event_id]):
            said = "  (now matched)" if sure else "  (no longer matched)"
            self._put_call(maker, call, sure, said)
        self._links[call.event_id] = sure

    def _put_call(
        self, maker: LineMaker, call: ApiCall, link: Link | None, more: str
    ) -> None:
        # Without a number among like calls: an earlier call may yet come in.
        told = maker.call_text(call, link, numbered=False)
        where = self._where(maker.snapshot, link)
        words = f"{plain_text(told.parts)}  [{service_name(call)}]{where}{more}"
        self._put(f"{call.event_time:%H:%M:%S}", "call", "", words)

    def _where(self, snapshot: Snapshot, link: Link | None) -> str:
        """Return the words for the execution and the state of a call."""
        visit = snapshot.visit_of(link.key) if link is not None else None
        if link is None or visit is None:
            return ""
        return f"  {_ARROW} {self._label(link.execution_arn)}{exported_path(visit)}"

    def _tell(self, lane: str, health: SourceHealth) -> None:
        told = (health.state, health.message)
        before = self._told.get(lane)
        if before == told:
            return
        if lane in {"children", "definition", "others"} and not health.message:
            return  # these sources come and go: the records they bring show it
        self._told[lane] = told
        if health.state is HealthState.REFUSED and not self._trace.executions:
            return  # there is no watch: the command's own error is printed
        quiet = before is None or before[0] is HealthState.CONNECTING
        if quiet and not health.message and health.state is not HealthState.DRAINING:
            return
        self._narrate(f"{_LANES.get(lane, clean(lane))}: {health_words(health)}")

    def finish(self) -> None:
        """Print the calls without a sure match, and the findings."""
        # Loaded here so that the first lines need not wait for it.
        from sfnwatch.analysis.findings import find  # noqa: PLC0415

        snapshot = self._trace.as_of()
        maker = LineMaker(snapshot)
        for call in snapshot.calls:
            link = snapshot.link(call)
            if link and not (link.is_sure or link.rule is LinkRule.ROLE_ONLY):
                doubt = doubt_words(link) or "ambiguous"
                self._put_call(maker, call, link, f"  ({doubt})")
        # Conclusions from several executions come last on the terminal.
        for finding in sorted(find(snapshot), key=lambda each: each.kind == CONCLUSION):
            arn = finding.execution_arn
            if arn is None or arn in snapshot.roots:
                self._out.write(f"{finding_line(finding, self._label(arn))}\n")
        for note in self._notes(snapshot):
            self._narrate(note)
        self._out.flush()

    def _notes(self, snapshot: Snapshot) -> Iterator[str]:
        yield from not_shown(snapshot)
        if self._trace.unread:
            yield f"{plural(len(self._trace.unread), 'record')} could not be read."


def _event_words(maker: LineMaker, event: HistoryEvent) -> str:
    snapshot = maker.snapshot
    kind = event.type
    visit = snapshot.executions[event.execution_arn].visit(event.visit_id)
    if visit is not None and kind.endswith("StateEntered"):
        return f"{exported_path(visit)}  entered  {clean(visit.type)}"
    if kind in _GOES_ON:
        details = snapshot.trace.details(event)
        begins = kind == _GOES_ON[0]
        parts = execution_parts if begins else other_parts
        words = plain_text(parts(event, details))
    else:
        words = line_text(maker.line(event))
    if visit is not None and kind.endswith("StateExited"):
        words = f"exited  {words}"
    return f"{exported_path(visit)}  {words}" if visit is not None else words


def _match(link: Link | None) -> object:
    return (link.rule, link.certainty, link.key) if link else None


def _millis(at: datetime) -> str:
    return at.time().isoformat("milliseconds")


def _late(at: datetime, seen_at: datetime | None) -> str:
    late = seconds_until_seen(seen_at, at)
    return "" if late is None else f"  (seen {duration(late)} later)"
