"""A trace for Perfetto, Chrome's about:tracing and other readers of their JSON.

An execution is a process. Its states are bars on tracks. Each bar is divided into its
attempts, and these into waiting, working, completion lag and backing off. Calls are on
a track of their service below. An arrow leads to a matched call from the phase that
made it. The task states from ECS have a track, too. Times are microseconds since 1970,
so that files can be joined; viewers begin at the first time.

A call's time is a whole second: its bar covers the part of that second in which it may
have been made. A poll is a point at the beginning of its second.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import NamedTuple, TextIO

from msgspec.structs import replace

from sfnwatch.analysis.ending_error import ended_with
from sfnwatch.analysis.findings import find
from sfnwatch.analysis.grouping import grouped
from sfnwatch.analysis.integration_words import resource_words
from sfnwatch.analysis.last_moment import last_moment
from sfnwatch.analysis.phases import Segment, segments
from sfnwatch.export.call_window import BarSpan, call_window
from sfnwatch.export.facts import (
    Facts,
    attempt_facts,
    call_facts,
    execution_facts,
    facts_of_task,
    visit_facts,
)
from sfnwatch.export.names import hidden_call_count, service_name, whole_name
from sfnwatch.export.perfetto.chrome_events import ChromeEvents, Track, TrackBar
from sfnwatch.export.perfetto.tracks import (
    MICROSECOND,
    lay_tracks,
    nearest_in,
    take_lane,
)
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.ecs_task import TaskState, stretches
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.integrations import CallRole, usual_role
from sfnwatch.model.linking.link import AttemptKey, Link
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.texts import clean
from sfnwatch.model.times import iso
from sfnwatch.model.visits import ROOT, Attempt, StateVisit
from sfnwatch.view.event_words import redrive_parts
from sfnwatch.view.line_maker import LineMaker
from sfnwatch.view.parts import plain_text
from sfnwatch.view.task_text import task_id, task_text

_STATUS_CHARACTERS = 200
_BarOwner = tuple[str, int | None]
"""An execution, or one visit of it."""
_NOBODYS = "calls of no one execution"


def dump(snapshot: Snapshot, out: TextIO) -> None:
    """Print the trace as one object, with an event a line.

    Equal traces give equal texts.
    """
    drawing = _Drawing(snapshot)
    for execution in snapshot.executions.values():
        drawing.add_execution(execution)
    drawing.add_calls()
    drawing.add_tasks()
    events = [_to_json(event) for event in drawing.events.in_order()]
    other = {"tool": "sfnwatch", "calls_hidden": hidden_call_count(snapshot)}
    out.write('{"traceEvents":[\n')
    out.write(",\n".join(events))
    out.write(f'\n],"displayTimeUnit":"ms","otherData":{_to_json(other)}}}\n')


def _to_json(value: Mapping[str, object]) -> str:
    r"""Return a value as JSON with its characters as they are.

    Perfetto would show `\u203a` as it is written. All strings are cleaned before.
    """
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


class _TimedCall(NamedTuple):
    """A call, and when it was made; for a poll, one moment."""

    span: BarSpan
    call: ApiCall


class _Drawing:
    """The bars, points and arrows of one trace."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._maker = LineMaker(snapshot)
        self._now = last_moment(snapshot)
        self._findings = _findings_by_owner(snapshot)
        self._pids: dict[str | None, int] = {}
        self.events = ChromeEvents(first_tid=len(snapshot.executions) + 2)
        self._tails: dict[AttemptKey, list[TrackBar]] = {}
        """Where arrows begin: the bars of an attempt's phases, or the attempt's if it
        took no time."""

    def _pid(self, arn: str | None) -> int:
        """Return the process number of an execution, or the one for no execution."""
        if arn not in self._pids:
            pid = len(self._pids) + 1
            self._pids[arn] = pid
            execution = self._snapshot.executions.get(arn or "")
            name = _NOBODYS
            if execution is not None:
                name = whole_name(execution)
            self.events.add_process(pid, name)
        return self._pids[arn]

    def add_execution(self, execution: ExecutionAsOf) -> None:
        """Draw an execution, and on its tracks its visits with their attempts."""
        visits = list(execution.visits)
        layout = lay_tracks(visits, self._now)
        pid = self._pid(execution.arn)
        names = layout.names or [ROOT]
        tracks = [self.events.add_track(pid, name) for name in names]
        self._draw_execution(execution, tracks[0], layout.span_of.values())
        for visit in visits:
            track = tracks[layout.track_of[visit.id]]
            self._draw_visit(execution, visit, track, layout.span_of[visit.id])

    def _draw_execution(
        self, execution: ExecutionAsOf, track: Track, spans: Iterable[BarSpan]
    ) -> None:
        """Draw a bar that covers everything that is known of an execution."""
        times = list(chain.from_iterable(spans))
        if execution.started_at is not None:
            times.append(execution.started_at)
        if not times:
            return
        stopped_at = execution.stopped_at or self._now
        bar_span = min(times), max(*times, stopped_at)
        args = execution_facts(self._snapshot, execution)
        args["error"], args["cause"] = ended_with(self._snapshot, execution)
        args["findings"] = self._findings[execution.arn, None]
        self.events.draw(track, bar_span, execution.name, "execution", args)
        for redrive in execution.redrives:
            name = plain_text(redrive_parts(redrive))
            moment = redrive.event.at, redrive.event.at
            self.events.draw(track, moment, name, "redriven", {})

    def _draw_visit(
        self,
        execution: ExecutionAsOf,
        visit: StateVisit,
        track: Track,
        span: BarSpan,
    ) -> None:
        """Draw a visit, and the phases of a Task's attempts.

        Other states have only one phase, which is the bar.
        """
        args = visit_facts(visit)
        del args["attempts"]  # they have bars of their own
        args["error"] = visit.error
        args["cause"] = visit.cause
        args["findings"] = self._findings[execution.arn, visit.id]
        self.events.draw(track, span, visit.name, "state", args)
        if visit.attempts:
            phases = segments(execution, visit, self._now)
            shown_phases = [_inside(phase, span) for phase in phases]
            self._draw_attempts(execution.arn, visit, track, span, shown_phases)

    def _draw_attempts(
        self,
        arn: str,
        visit: StateVisit,
        track: Track,
        span: BarSpan,
        phases: Sequence[Segment],
    ) -> None:
        phases_of = grouped(phases, lambda phase: phase.attempt)
        self._draw_phases(track, phases_of.get(None, []))
        for number, attempt in enumerate(visit.attempts, start=1):
            own_phases = phases_of.get(number, [])
            attempt_span = _span_of_attempt(attempt, own_phases, span)
            name = resource_words(attempt)
            if number > 1:
                name += f" · try {number}"
            args = attempt_facts(attempt)
            args["role_arn"] = attempt.role_arn
            args["region"] = attempt.region
            bar = self.events.draw(track, attempt_span, name, "try", args)
            phase_bars = self._draw_phases(track, own_phases)
            self._tails[arn, attempt.scheduled_id] = phase_bars or [bar]

    def _draw_phases(self, track: Track, phases: Iterable[Segment]) -> list[TrackBar]:
        """Draw phases, and return their bars."""
        bars = []
        for phase in phases:
            end = "still running" if phase.open else iso(phase.end)
            args = {"begin": iso(phase.begin), "end": end}
            name = str(phase.phase)
            span = phase.begin, phase.end
            bars.append(self.events.draw(track, span, name, name, args))
        return bars

    def add_tasks(self) -> None:
        """Draw the states of each ECS task on a track of its own."""
        snapshot = self._snapshot
        by_first_time = sorted(
            snapshot.task_states.values(), key=lambda states: states[0].at
        )
        for states in by_first_time:
            key = snapshot.task_starter(states[0].task_arn)
            visit = snapshot.visit_of(key)
            if key is None or visit is None:
                continue
            name = f"task · {task_id(states[0])}"
            track = self.events.add_track(self._pid(key[0]), name)
            self._draw_task(track, states, visit)

    def _draw_task(
        self, track: Track, states: Sequence[TaskState], visit: StateVisit
    ) -> None:
        facts_by_version: dict[int, Facts] = {}
        for facts in facts_of_task(self._snapshot, states[0].task_arn):
            facts_by_version[facts["version"]] = facts
        for state, end in stretches(states, self._now):
            status = clean(state.last_status, _STATUS_CHARACTERS)
            ending = plain_text(task_text(state).ending)
            args = {**facts_by_version[state.version], "state": visit.path}
            span = state.at, end
            self.events.draw(track, span, f"{status}{ending}", "task", args)

    def add_calls(self) -> None:
        """Draw calls on tracks of their services; a poll is a point."""
        snapshot = self._snapshot
        calls_of: dict[tuple[str | None, str], list[_TimedCall]] = defaultdict(list)
        for call in filter(snapshot.is_relevant, snapshot.calls):
            link = snapshot.link(call)
            arn = link.execution_arn if link is not None else None
            begin, end = call_window(snapshot, call)
            if link is not None and _is_poll(call, link):
                end = begin
            timed_call = _TimedCall((begin, end), call)
            calls_of[arn, service_name(call)].append(timed_call)
        for (arn, service), timed_calls in calls_of.items():
            self._draw_calls(arn, service, timed_calls)

    def _draw_calls(
        self, arn: str | None, service: str, timed_calls: Iterable[_TimedCall]
    ) -> None:
        """Draw an execution's calls of a service; calls at the same time lie apart."""
        lane_ends: list[datetime] = []
        tracks: list[Track] = []
        for span, call in _apart(timed_calls):
            lane = take_lane(lane_ends, *span)
            if lane == len(tracks):
                name = f"calls · {service}"
                if lane:
                    name += f" · {lane + 1}"
                tracks.append(self.events.add_track(self._pid(arn), name))
            self._draw_call(tracks[lane], span, call)

    def _draw_call(self, track: Track, span: BarSpan, call: ApiCall) -> None:
        """Draw a call, with an arrow from the phase that made it."""
        link = self._snapshot.link(call)
        call_text = self._maker.call_text(call, link)
        name = plain_text((*call_text.name, *call_text.error))
        role = CallRole.OTHER
        if link is not None and link.role is not None:
            role = link.role
        args = self._args_of_call(call, link)
        head = self.events.draw(track, span, name, str(role), args)
        if link is None or link.key not in self._tails:
            return
        tails = self._tails[link.key]
        arrow_args = {
            "rule": str(link.rule),
            "certainty": str(link.certainty),
            "call": clean(call.event_id),
        }
        tail = _last_begun(tails, head.begin)
        self.events.draw_arrow(tail, head, name, arrow_args)

    def _args_of_call(self, call: ApiCall, link: Link | None) -> dict[str, object]:
        visit = self._snapshot.visit_of(link.key) if link is not None else None
        earliest, latest = call_window(self._snapshot, call)
        return {
            **call_facts(call, link),
            "error_message": call.error_message,
            "time_resolution": "1 s: CloudTrail gives whole seconds",
            "made_between": [iso(earliest), iso(latest)],
            "state": visit.path if visit is not None else None,
        }


def _findings_by_owner(snapshot: Snapshot) -> defaultdict[_BarOwner, list[str]]:
    """Return the findings on each execution, and on each visit."""
    findings: defaultdict[_BarOwner, list[str]] = defaultdict(list)
    for finding in find(snapshot):
        arn = finding.execution_arn or ""
        sentence = f"{finding.certainty}: {finding.text}"
        findings[arn, None].append(sentence)
        visit_id = finding.data.get("visit")
        if visit_id is not None:
            findings[arn, visit_id].append(finding.text)
    return findings


def _span_of_attempt(
    attempt: Attempt, phases: Sequence[Segment], visit_span: BarSpan
) -> BarSpan:
    """Return the span of an attempt's phases; without any, the time of its schedule."""
    if phases:
        return phases[0].begin, phases[-1].end
    at = nearest_in(attempt.scheduled_at, visit_span)
    return at, at


def _is_poll(call: ApiCall, link: Link) -> bool:
    """True for a poll of a job, even if someone else than Step Functions made it."""
    if link.role is CallRole.OTHER:
        return usual_role(call.event_source, call.event_name) is CallRole.POLL
    return link.role is CallRole.POLL


def _apart(timed_calls: Iterable[_TimedCall]) -> Iterator[_TimedCall]:
    """Move the points of one second a microsecond apart, or else they would nest.

    The time of a poll within its second is not known.
    """
    earliest: datetime | None = None
    for timed_call in sorted(timed_calls, key=lambda timed_call: timed_call.span):
        begin, end = timed_call.span
        if begin < end:
            yield timed_call
            continue
        at = begin
        if earliest is not None:
            at = max(at, earliest)
        earliest = at + MICROSECOND
        yield _TimedCall((at, at), timed_call.call)


def _last_begun(bars: Sequence[TrackBar], at: int) -> TrackBar:
    """Return the last bar that has begun at a time; the first bar if none has."""
    for bar in reversed(bars):
        if bar.begin <= at:
            return bar
    return bars[0]


def _inside(segment: Segment, span: BarSpan) -> Segment:
    """Return the part of a segment that lies within a span of time."""
    begin = nearest_in(segment.begin, span)
    end = nearest_in(segment.end, span)
    return replace(segment, begin=begin, end=end)
