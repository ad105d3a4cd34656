"""A trace as a Mermaid sequence diagram, without a fence.

The participants are Step Functions, each state that calls something, and each service.
Each execution has a box. The polls of a wait are one loop.

GitHub, GitLab and others refuse a diagram of more than 50,000 characters or 500 edges.
So a long diagram is cut. A comment at the top and a note at the bottom give how much is
missing.
"""

from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import NamedTuple, TextIO

from sfnwatch.analysis.integration_words import resource_words
from sfnwatch.analysis.quantities import plural
from sfnwatch.analysis.state_analysis import StateAnalysis
from sfnwatch.analysis.trace_analysis import TraceAnalysis
from sfnwatch.export.mermaid.frame import TITLE_CHARACTERS, Frame
from sfnwatch.export.mermaid.grammar import MOST_UNITS, escape, units
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
_NOBODY = ("participant nobody as sfnwatch", "Note over nobody: nothing happened yet")
_SILENT = frozenset({"MapIterationStarted", "MapIterationSucceeded"})
_WORKFLOW = "Step Functions"


def dump(snapshot: Snapshot, out: TextIO) -> None:
    """Print the diagram's text; equal traces give equal texts."""
    writer = _SequenceWriter(snapshot)
    steps = list(writer.steps())
    drawn = (_drawn(writer, steps, most) for most in _MOST_STEPS)
    out.write(next(text for text in drawn if units(text) <= MOST_UNITS))


class _DiagramStep(NamedTuple):
    """A step of the diagram: a message, a note, or a loop of messages."""

    text: str
    who: frozenset[str]


def _drawn(writer: "_SequenceWriter", steps: Sequence[_DiagramStep], most: int) -> str:
    """Return the text of the diagram's first steps, at most `most`."""
    drawn = steps[:most]
    left_out = len(steps[most:])
    frames = [*writer.boxes.values(), writer.services]
    used = {own for step in drawn for own in step.who}
    lines = ["sequenceDiagram", *_comments(writer.snapshot, left_out)]
    lines += [line for frame in frames for line in frame.lines(used)]
    lines += [step.text for step in drawn]
    if left_out:
        beside = min(drawn[-1].who)
        lines.append(_note(beside, f"… {_missing(left_out)}").text)
    lines += () if steps else _NOBODY
    return "\n".join(lines) + "\n"


def _comments(snapshot: Snapshot, left_out: int) -> Iterator[str]:
    """Yield comments on what is drawn; all times in the diagram are UTC."""
    for execution in list(snapshot.roots.values())[:_MOST_COMMENTS]:
        started = maybe_iso(execution.started_at) or "an unknown time"
        title = escape(whole_name(execution), TITLE_CHARACTERS)
        status = escape(execution.status)
        yield f"%% {title}, started at {started}, {status}"
    if inside := sum(bool(child.event_count) for child in snapshot.children.values()):
        yield f"%% {plural(inside, 'child execution')} not drawn"
    if left_out:
        yield f"%% {_missing(left_out)}"


def _missing(count: int) -> str:
    return f"{plural(count, 'more step')} left out: Mermaid draws no diagram so large"


class _SequenceWriter:
    """Turns lines into statements; child executions are not drawn."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._outline = Outline(snapshot.trace, OutlineOptions(folds=False))
        self._maker = LineMaker(snapshot, self._outline)
        self._survey = TraceAnalysis(snapshot)
        self._looped: set[AttemptKey] = set()
        """The attempts whose polls are drawn: the first poll brings all the others."""
        self.boxes: dict[str, Frame] = {}
        for number, execution in enumerate(snapshot.roots.values(), start=1):
            box = Frame(f"e{number}s", whole_name(execution))
            box.take(_WORKFLOW)
            self.boxes[execution.arn] = box
        self.services = Frame("a", "AWS")

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

    def _workflow(self, arn: str) -> str:
        return self.boxes[arn].take(_WORKFLOW)

    def _state(self, arn: str, visit: StateVisit) -> tuple[str, str]:
        """Return the column of a state, and the words for its iteration."""
        index = f"[{visit.index}] " if visit.index is not None else ""
        # A state may have the name of the workflow's own column.
        name = f"{visit.name} " if visit.name == _WORKFLOW else visit.name
        return self.boxes[arn].take(name), index

    def _event(self, line: Line, event: HistoryEvent) -> Iterator[_DiagramStep]:
        arn = event.execution_arn
        clock = f"{line.at:%H:%M:%S}"
        types = [e.type for e in line.about.events]
        visit = line.about.visit
        entered = any(each.endswith("StateEntered") for each in types)
        if visit is None or not visit.attempts:
            if entered or event.type not in _SILENT:
                name = f"{visit.name}  " if visit is not None and not entered else ""
                words = f"{clock} {name}{state_text(line)}"
                yield _note(self._workflow(arn), words)
            return
        workflow = self._workflow(arn)
        state, which = self._state(arn, visit)
        if entered:
            resource = resource_words(visit.attempts[0])
            words = f"{clock} {which}enter  {resource}"
            yield _message(workflow, "->>", state, words)
        exits = any(each.endswith("StateExited") for each in types)
        said = f"{clock} {which}{state_text(line)}"
        call = line.about.call
        if call is not None:
            yield from self._call(call)
            service = self.services.take(service_name(call))
            arrow = "--x" if call.error_code is not None else "-->>"
            yield _message(service, arrow, state, said)
            said = f"{which}exit"
        elif not entered and not exits:
            yield _note(state, said)
        if exits:
            yield _message(state, "-->>", workflow, said)

    def _other(self, line: Line) -> Iterator[_DiagramStep]:
        """Yield a note in the state's column: a task state from ECS, or a back-off."""
        visit = line.about.visit
        words = line.task.parts if line.task else line.text
        if visit is not None and line.execution_arn is not None:
            state, which = self._state(line.execution_arn, visit)
            yield _note(state, f"{line.at:%H:%M:%S} {which}{plain_text(words)}")

    def _call(self, call: ApiCall) -> Iterator[_DiagramStep]:
        link = self.snapshot.link(call)
        service = self.services.take(service_name(call))
        visit = self.snapshot.visit_of(link.key) if link else None
        if link is None or link.key is None or visit is None:
            words = self._call_words(call, link)
            yield _note(service, f"{_clock(call)} {words}")
            return
        state, which = self._state(link.key[0], visit)
        if link.role is CallRole.POLL:
            if link.key in self._looped:
                return
            calls = self.snapshot.calls_of(link.key)
            links = self.snapshot.trace.links
            polls = [c for c in calls if links[c.event_id].role is CallRole.POLL]
            if len(polls) > 1:
                self._looped.add(link.key)
                every = self._interval_words(link.key, visit)
                yield self._loop(state, service, polls, which, every)
                return
        words = f"{_clock(call)} {which}{self._call_words(call, link)}"
        yield _message(state, _arrow(call), service, words)

    def _loop(
        self,
        state: str,
        service: str,
        polls: Sequence[ApiCall],
        which: str,
        every: str,
    ) -> _DiagramStep:
        """Return many polls as one; it is a denied one if all were denied."""
        answered = [call for call in polls if not call.error_code]
        denied = len(polls) - len(answered)
        refused = f", {denied if answered else 'all'} denied" if denied else ""
        label = f"{len(polls)} polls{every}{refused}"
        shown = answered[0] if answered else polls[0]
        span = f"{_clock(polls[0])} – {_clock(polls[-1])}"
        link = self.snapshot.link(shown)
        words = f"{span} {which}{self._call_words(shown, link)}"
        inner = _message(state, _arrow(shown), service, words)
        return _DiagramStep(f"loop {escape(label)}\n{inner.text}\nend", inner.who)

    def _interval_words(self, key: AttemptKey, visit: StateVisit) -> str:
        """Return how often an attempt was polled for, in the words of its finding."""
        use = StateAnalysis(self._survey, self.snapshot.executions[key[0]], [visit])
        (case,) = (a for a in use.attempts if a.attempt.scheduled_id == key[1])
        gaps = case.intervals.seconds
        return f", about every {fmean(gaps):.0f} s" if any(gaps) else ""

    def _call_words(self, call: ApiCall, link: Link | None) -> str:
        poll = link is not None and link.role is CallRole.POLL
        told = self._maker.call_text(call, link, numbered=False)
        subject = () if poll else told.subject
        return plain_text((*told.name, *subject, *told.error, *told.rule))


def _message(who: str, arrow: str, whom: str, text: str) -> _DiagramStep:
    return _DiagramStep(f"{who}{arrow}{whom}: {escape(text)}", frozenset({who, whom}))


def _note(who: str, text: str) -> _DiagramStep:
    return _DiagramStep(f"Note over {who}: {escape(text)}", frozenset({who}))


def _arrow(call: ApiCall) -> str:
    """Return the arrow of a call; a call that failed has a cross."""
    return "-x" if call.error_code is not None else "->>"


def _clock(call: ApiCall) -> str:
    return f"{call.event_time:%H:%M:%S}"
