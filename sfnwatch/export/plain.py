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

_SOURCE_NAMES = {
    "history": "Step Functions",
    "lookup": "CloudTrail",
    "children": "Child executions",
    "others": "Other executions",
    "definition": "The definition",
    "recording": "The recording",
    "otlp": "The collector",
}
_COME_AND_GO = frozenset({"children", "definition", "others"})
"""The sources that come and go: the records that they bring show it."""
_ARROW = "->"
_STARTS_OF_CHILDREN = ("ExecutionStarted", "MapRunStarted")
"""On the screen, the lines of these events show the status of a child. A line here is
never printed again, so it doesn't."""


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
        self._progress: dict[str, object] = {}
        """The status and the counts that were last printed for each Map Run."""
        self._healths: dict[str, tuple[HealthState, str]] = {}
        """The state and the message that were last shown for each source."""

    def __call__(self, batch: Batch, changed: Changed) -> None:
        del batch
        snapshot = self._trace.as_of()
        self._update_labels(snapshot)
        if changed.healths:
            for source, health in snapshot.health.items():
                self._show_health(source, health)
        maker = LineMaker(snapshot)
        items = self._changed_items(snapshot, changed)
        for item in rows_apart(maker, items):
            if isinstance(item, ApiCall):
                self._print_call(maker, item)
            elif isinstance(item, TaskState):
                self._print_task(maker, item)
            else:
                self._print_event(maker, item)
        for arn in sorted(changed.map_runs):
            self._print_map_run(snapshot, arn)
        self._out.flush()

    def _update_labels(self, snapshot: Snapshot) -> None:
        """Make new labels if the executions are no longer the same."""
        known_arns = dict.fromkeys((*self._labels, *snapshot.roots))
        parents = snapshot.lineage.parents
        roots = [arn for arn in known_arns if arn not in parents]
        if self._labels.keys() != set(roots):
            self._labels = execution_labels(roots)

    def _changed_items(
        self, snapshot: Snapshot, changed: Changed
    ) -> Iterator[HistoryEvent | ApiCall | TaskState]:
        """Yield what has no line yet, and calls whose link may have changed."""
        for events in changed.events.values():
            for event in events:
                if event.key not in self._printed:
                    yield event
        for call in changed_calls(self._trace, changed):
            if call.event_id in self._links or snapshot.is_relevant(call):
                yield call
        for task_arn in changed_tasks(snapshot, changed):
            if snapshot.task_starter(task_arn) is None:
                continue
            for state in self._trace.task_states[task_arn]:
                if state.key not in self._printed:
                    yield state

    def _put(self, at: str, kind: str, label: str, words: str) -> None:
        self._out.write(f"{at:<12}  {kind:<5}  {label}{words}\n")

    def _label(self, execution_arn: str | None) -> str:
        arn = execution_arn or ""
        label = self._labels.get(arn, "")
        if arn in self._trace.lineage.parents:
            # There may be many children; only its own name identifies each.
            child = self._trace.executions[arn].as_of(None)
            machine = child.state_machine_name or ""
            name = f"{machine} {short_id(child.name)}"
            label = clean(name.strip(), LABEL)
        return f"[{label}] " if label else ""

    def _print_event(self, maker: LineMaker, event: HistoryEvent) -> None:
        self._printed.add(event.key)
        label = self._label(event.execution_arn)
        words = _event_words(maker, event)
        self._put(_milliseconds(event.at), "state", label, words)

    def _print_map_run(self, snapshot: Snapshot, arn: str) -> None:
        """Print the progress of a Map Run if it has changed."""
        start = snapshot.lineage.map_runs.get(arn)
        map_run = snapshot.map_runs.get(arn)
        if start is None or map_run is None or map_run.seen_at is None:
            return
        progress = map_run.status, map_run.executions
        if self._progress.get(arn) == progress:
            return
        self._progress[arn] = progress
        name = clean(map_run_name(arn))
        words = f"{name}: {count_words(map_run.executions)}"
        execution = snapshot.executions[start.execution_arn]
        visit = execution.visit(start.visit_id)
        if visit is not None:
            words = f"{exported_path(visit)}  {words}"
        label = self._label(start.execution_arn)
        self._put(_milliseconds(map_run.seen_at), "count", label, words)

    def _print_task(self, maker: LineMaker, state: TaskState) -> None:
        self._printed.add(state.key)
        words = plain_text(task_text(state).parts)
        link = maker.snapshot.task_link(state.task_arn)
        target = self._target_words(maker.snapshot, link)
        delay = _delay_words(state.at, state.seen_at)
        line = f"{task_id(state)}  {words}  [ecs]{target}{delay}"
        self._put(_milliseconds(state.at), "task", "", line)

    def _print_call(self, maker: LineMaker, call: ApiCall) -> None:
        """Print a call when it comes, and again when its sure match changes."""
        sure_link = maker.snapshot.link(call)
        if sure_link is not None and not sure_link.is_sure:
            sure_link = None
        if call.event_id not in self._links:
            delay = _delay_words(call.event_time, call.seen_at)
            self._put_call(maker, call, sure_link, delay)
        elif _match(sure_link) != _match(self._links[call.event_id]):
            change = "  (now matched)" if sure_link else "  (no longer matched)"
            self._put_call(maker, call, sure_link, change)
        self._links[call.event_id] = sure_link

    def _put_call(
        self, maker: LineMaker, call: ApiCall, link: Link | None, note: str
    ) -> None:
        # Without a number among like calls: an earlier call may yet come in.
        text = maker.call_text(call, link, numbered=False)
        words = plain_text(text.parts)
        target = self._target_words(maker.snapshot, link)
        line = f"{words}  [{service_name(call)}]{target}{note}"
        self._put(f"{call.event_time:%H:%M:%S}", "call", "", line)

    def _target_words(self, snapshot: Snapshot, link: Link | None) -> str:
        """Return the words for the execution and the state that a link leads to."""
        if link is None:
            return ""
        visit = snapshot.visit_of(link.key)
        if visit is None:
            return ""
        label = self._label(link.execution_arn)
        return f"  {_ARROW} {label}{exported_path(visit)}"

    def _show_health(self, source: str, health: SourceHealth) -> None:
        """Show how a source is doing if that has changed and is of interest."""
        previous = self._healths.get(source)
        current = health.state, health.message
        if previous == current:
            return
        if source in _COME_AND_GO and not health.message:
            return
        self._healths[source] = current
        if health.state is HealthState.REFUSED and not self._trace.executions:
            return  # there is no watch: the command's own error is printed
        is_new = previous is None or previous[0] is HealthState.CONNECTING
        is_draining = health.state is HealthState.DRAINING
        if is_new and not is_draining and not health.message:
            return
        name = _SOURCE_NAMES.get(source, clean(source))
        self._narrate(f"{name}: {health_words(health)}")

    def finish(self) -> None:
        """Print the calls without a sure match, and the findings."""
        # Loaded here so that the first lines need not wait for it.
        from sfnwatch.analysis.findings import find  # noqa: PLC0415

        snapshot = self._trace.as_of()
        self._print_doubtful_calls(snapshot)
        # Conclusions from several executions come last on the terminal.
        findings = sorted(find(snapshot), key=lambda found: found.kind == CONCLUSION)
        for finding in findings:
            arn = finding.execution_arn
            if arn is None or arn in snapshot.roots:
                self._out.write(f"{finding_line(finding, self._label(arn))}\n")
        for note in self._notes(snapshot):
            self._narrate(note)
        self._out.flush()

    def _print_doubtful_calls(self, snapshot: Snapshot) -> None:
        maker = LineMaker(snapshot)
        for call in snapshot.calls:
            link = snapshot.link(call)
            if link is None or link.is_sure or link.rule is LinkRule.ROLE_ONLY:
                continue
            doubt = doubt_words(link) or "ambiguous"
            self._put_call(maker, call, link, f"  ({doubt})")

    def _notes(self, snapshot: Snapshot) -> Iterator[str]:
        yield from not_shown(snapshot)
        unread_count = len(self._trace.unread)
        if unread_count:
            yield f"{plural(unread_count, 'record')} could not be read."


def _event_words(maker: LineMaker, event: HistoryEvent) -> str:
    """Return the path of an event's state, and what happened."""
    execution = maker.snapshot.executions[event.execution_arn]
    visit = execution.visit(event.visit_id)
    if visit is None:
        return _words_without_path(maker, event)
    path = exported_path(visit)
    if event.type.endswith("StateEntered"):
        return f"{path}  entered  {clean(visit.type)}"
    words = _words_without_path(maker, event)
    if event.type.endswith("StateExited"):
        return f"{path}  exited  {words}"
    return f"{path}  {words}"


def _words_without_path(maker: LineMaker, event: HistoryEvent) -> str:
    if event.type not in _STARTS_OF_CHILDREN:
        return line_text(maker.line(event))
    details = maker.snapshot.trace.details(event)
    if event.type == "ExecutionStarted":
        parts = execution_parts(event, details)
    else:
        parts = other_parts(event, details)
    return plain_text(parts)


def _match(link: Link | None) -> object:
    """Return what a call is matched to and how; None for a call without a match."""
    if link is None:
        return None
    return link.rule, link.certainty, link.key


def _milliseconds(at: datetime) -> str:
    return at.time().isoformat("milliseconds")


def _delay_words(at: datetime, seen_at: datetime | None) -> str:
    delay = seconds_until_seen(seen_at, at)
    if delay is None:
        return ""
    return f"  (seen {duration(delay)} later)"
