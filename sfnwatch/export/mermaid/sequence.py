"""A trace as a Mermaid sequence diagram, without a fence.

The participants are Step Functions, each state that calls something, and each service.
Each execution has a box. The polls of a wait are one loop.

GitHub, GitLab and others refuse a diagram of more than 50,000 characters or 500 edges.
So a long diagram is cut. A comment at the top and a note at the bottom give how much is
missing.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from statistics import fmean
from typing import NamedTuple, TextIO

from sfnwatch.analysis.integration_words import resource_words
from sfnwatch.analysis.quantities import plural
from sfnwatch.analysis.state_analysis import StateAnalysis
from sfnwatch.analysis.trace_analysis import TraceAnalysis
from sfnwatch.export.mermaid.grammar import MOST_UNITS, escape, units
from sfnwatch.export.mermaid.participant_box import TITLE_CHARACTERS, ParticipantBox
from sfnwatch.export.names import service_name, whole_name
from sfnwatch.export.row_text import state_text
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.linking.link import AttemptKey, Link
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.times import maybe_iso
from sfnwatch.model.visits import StateVisit
from sfnwatch.view.line import Line
from sfnwatch.view.line_maker import LineMaker
from sfnwatch.view.outline import Outline
from sfnwatch.view.outline_options import OutlineOptions
from sfnwatch.view.parts import plain_text

_MOST_STEPS = (400, 200, 100, 50, 25, 12, 6, 3, 1)
"""The most steps drawn, to be tried in turn: the first is more than anybody reads, the
others are for diagrams with long words."""
_MOST_COMMENTS = 20
_EMPTY_DIAGRAM = (
    "participant nobody as sfnwatch",
    "Note over nobody: nothing happened yet",
)
_SILENT = frozenset({"MapIterationStarted", "MapIterationSucceeded"})
_WORKFLOW = "Step Functions"


def dump(snapshot: Snapshot, out: TextIO) -> None:
    """Print the diagram's text; equal traces give equal texts."""
    writer = _StepWriter(snapshot)
    steps = list(writer.steps())
    for most in _MOST_STEPS:
        text = _diagram(writer, steps, most)
        if units(text) <= MOST_UNITS:
            break
    out.write(text)


class _DiagramStep(NamedTuple):
    """A step of the diagram: a message, a note, or a loop of messages."""

    text: str
    participants: frozenset[str]


def _diagram(writer: "_StepWriter", steps: Sequence[_DiagramStep], most: int) -> str:
    """Return the text of the diagram's first steps, at most `most`."""
    drawn = steps[:most]
    left_out = len(steps[most:])
    lines = ["sequenceDiagram", *_comments(writer.snapshot, left_out)]
    used_ids: set[str] = set()
    for step in drawn:
        used_ids |= step.participants
    for box in (*writer.executions.values(), writer.services):
        lines += box.lines(used_ids)
    lines += [step.text for step in drawn]
    if left_out:
        column = min(drawn[-1].participants)
        lines.append(_note(column, f"… {_left_out_words(left_out)}").text)
    if not steps:
        lines += _EMPTY_DIAGRAM
    return "\n".join(lines) + "\n"


def _comments(snapshot: Snapshot, left_out: int) -> Iterator[str]:
    """Yield comments on what is drawn; all times in the diagram are UTC."""
    for execution in islice(snapshot.roots.values(), _MOST_COMMENTS):
        started = maybe_iso(execution.started_at) or "an unknown time"
        title = escape(whole_name(execution), TITLE_CHARACTERS)
        status = escape(execution.status)
        yield f"%% {title}, started at {started}, {status}"
    children = snapshot.children.values()
    read_children = [child for child in children if child.event_count]
    if read_children:
        yield f"%% {plural(len(read_children), 'child execution')} not drawn"
    if left_out:
        yield f"%% {_left_out_words(left_out)}"


def _left_out_words(count: int) -> str:
    return f"{plural(count, 'more step')} left out: Mermaid draws no diagram so large"


class _StepWriter:
    """Turns lines into statements; child executions are not drawn."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._outline = Outline(snapshot.trace, OutlineOptions(folds=False))
        self._maker = LineMaker(snapshot, self._outline)
        self._analysis = TraceAnalysis(snapshot)
        self._looped: set[AttemptKey] = set()
        """The attempts whose polls are drawn: the first poll brings all the others."""
        self.executions: dict[str, ParticipantBox] = {}
        for number, execution in enumerate(snapshot.roots.values(), start=1):
            box = ParticipantBox(f"e{number}s", whole_name(execution))
            box.take(_WORKFLOW)
            self.executions[execution.arn] = box
        self.services = ParticipantBox("a", "AWS")

    def steps(self) -> Iterator[_DiagramStep]:
        """Yield the steps to draw, in order of time."""
        for line in self._maker.lines(self._outline.at(self.snapshot)):
            if line.execution_arn in self.snapshot.lineage.parents:
                continue
            if isinstance(line.item, ApiCall):
                yield from self._call(line.item)
            elif isinstance(line.item, HistoryEvent):
                yield from self._event(line, line.item)
            else:
                yield from self._other(line)

    def _workflow_column(self, arn: str) -> str:
        return self.executions[arn].take(_WORKFLOW)

    def _state_column(self, arn: str, visit: StateVisit) -> str:
        # A state may have the name of the workflow's own column.
        name = f"{visit.name} " if visit.name == _WORKFLOW else visit.name
        return self.executions[arn].take(name)

    def _event(self, line: Line, event: HistoryEvent) -> Iterator[_DiagramStep]:
        """Yield a Task's messages, or a note on another state or the execution."""
        arn = event.execution_arn
        visit = line.about.visit
        if visit is not None and visit.attempts:
            yield from self._task_event(line, arn, visit)
            return
        words = state_text(line)
        # The line of an entered state has the state's name.
        if not _has_event(line, "StateEntered"):
            if event.type in _SILENT:
                return
            if visit is not None:
                words = f"{visit.name}  {words}"
        yield _note(self._workflow_column(arn), f"{line.at:%H:%M:%S} {words}")

    def _task_event(
        self, line: Line, arn: str, visit: StateVisit
    ) -> Iterator[_DiagramStep]:
        workflow = self._workflow_column(arn)
        state = self._state_column(arn, visit)
        iteration = _iteration_words(visit)
        begin = f"{line.at:%H:%M:%S} {iteration}"
        is_entered = _has_event(line, "StateEntered")
        if is_entered:
            resource = resource_words(visit.attempts[0])
            yield _message(workflow, "->>", state, f"{begin}enter  {resource}")
        words = f"{begin}{state_text(line)}"
        is_exited = _has_event(line, "StateExited")
        call = line.about.call
        if call is not None:
            yield from self._call(call)
            service = self.services.take(service_name(call))
            arrow = "--x" if call.error_code is not None else "-->>"
            yield _message(service, arrow, state, words)
            words = f"{iteration}exit"
        elif not is_entered and not is_exited:
            yield _note(state, words)
        if is_exited:
            yield _message(state, "-->>", workflow, words)

    def _other(self, line: Line) -> Iterator[_DiagramStep]:
        """Yield a note in the state's column: a task state from ECS, or a back-off."""
        visit = line.about.visit
        if visit is None or line.execution_arn is None:
            return
        state = self._state_column(line.execution_arn, visit)
        parts = line.task.parts if line.task else line.text
        words = f"{_iteration_words(visit)}{plain_text(parts)}"
        yield _note(state, f"{line.at:%H:%M:%S} {words}")

    def _call(self, call: ApiCall) -> Iterator[_DiagramStep]:
        """Yield the message of a call, or the loop of the polls that it belongs to."""
        link = self.snapshot.link(call)
        service = self.services.take(service_name(call))
        visit = self.snapshot.visit_of(link.key) if link is not None else None
        if link is None or link.key is None or visit is None:
            words = self._call_words(call, link)
            yield _note(service, f"{_clock(call)} {words}")
            return
        arn, _ = link.key
        state = self._state_column(arn, visit)
        if link.role is CallRole.POLL:
            if link.key in self._looped:
                return
            polls = self._polls(link.key)
            if len(polls) > 1:
                self._looped.add(link.key)
                yield self._poll_loop(state, service, polls, link.key, visit)
                return
        words = self._call_words(call, link)
        text = f"{_clock(call)} {_iteration_words(visit)}{words}"
        yield _message(state, _arrow(call), service, text)

    def _polls(self, key: AttemptKey) -> list[ApiCall]:
        links = self.snapshot.trace.links
        calls = self.snapshot.calls_of(key)
        return [call for call in calls if links[call.event_id].role is CallRole.POLL]

    def _poll_loop(
        self,
        state: str,
        service: str,
        polls: Sequence[ApiCall],
        key: AttemptKey,
        visit: StateVisit,
    ) -> _DiagramStep:
        """Return many polls as one; it is a denied one if all were denied."""
        answered = [call for call in polls if not call.error_code]
        shown = answered[0] if answered else polls[0]
        interval = self._interval_words(key, visit)
        label = f"{len(polls)} polls{interval}"
        denied_count = len(polls) - len(answered)
        if not answered:
            label += ", all denied"
        elif denied_count:
            label += f", {denied_count} denied"
        span = f"{_clock(polls[0])} – {_clock(polls[-1])}"
        words = self._call_words(shown, self.snapshot.link(shown))
        text = f"{span} {_iteration_words(visit)}{words}"
        poll = _message(state, _arrow(shown), service, text)
        loop = f"loop {escape(label)}\n{poll.text}\nend"
        return _DiagramStep(loop, poll.participants)

    def _interval_words(self, key: AttemptKey, visit: StateVisit) -> str:
        """Return how often an attempt was polled for, in the words of its finding."""
        arn, scheduled_id = key
        execution = self.snapshot.executions[arn]
        state = StateAnalysis(self._analysis, execution, [visit])
        for attempt_analysis in state.attempts:
            if attempt_analysis.attempt.scheduled_id == scheduled_id:
                gaps = attempt_analysis.intervals.seconds
                if any(gaps):
                    return f", about every {fmean(gaps):.0f} s"
        return ""

    def _call_words(self, call: ApiCall, link: Link | None) -> str:
        text = self._maker.call_text(call, link, numbered=False)
        is_poll = link is not None and link.role is CallRole.POLL
        subject = () if is_poll else text.subject
        return plain_text((*text.name, *subject, *text.error, *text.rule))


def _has_event(line: Line, ending: str) -> bool:
    """True if an event on a line is of a type with an ending, such as `StateExited`."""
    return any(event.type.endswith(ending) for event in line.about.events)


def _iteration_words(visit: StateVisit) -> str:
    if visit.index is None:
        return ""
    return f"[{visit.index}] "


def _message(sender: str, arrow: str, receiver: str, text: str) -> _DiagramStep:
    statement = f"{sender}{arrow}{receiver}: {escape(text)}"
    return _DiagramStep(statement, frozenset({sender, receiver}))


def _note(column: str, text: str) -> _DiagramStep:
    return _DiagramStep(f"Note over {column}: {escape(text)}", frozenset({column}))


def _arrow(call: ApiCall) -> str:
    """Return the arrow of a call; a call that failed has a cross."""
    return "-x" if call.error_code is not None else "->>"


def _clock(call: ApiCall) -> str:
    return f"{call.event_time:%H:%M:%S}"
