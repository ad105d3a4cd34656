"""A trace for Perfetto, Chrome's about:tracing and whatever else reads their JSON.

A process is an execution. Its states lie on tracks, each bar divided into its tries
and those into waiting, working, noticing and backing off. Calls lie on a track of
their service below, and arrows run to them from the phase that made them: only where
they are tied. What ECS told of a task has a track, too. Times are microseconds since
1970, so that files can be joined; viewers begin at the first.

A call's time is a whole second: its bar goes over all of the second in which it may
have been made. A poll is a point, at the beginning of its second.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import count
from typing import TextIO

from sfnwatch.export.perfetto_args import (
    call_args,
    call_name,
    execution_args,
    phase_args,
    service,
    task_args,
    try_args,
    try_name,
    visit_args,
)
from sfnwatch.export.perfetto_events import Event, Place, Process, Track, to_json
from sfnwatch.export.perfetto_tracks import Span, inside, lay_tracks, pack
from sfnwatch.export.placing import last_moment, window
from sfnwatch.trace.findings import findings
from sfnwatch.trace.integrations import CallRole
from sfnwatch.trace.lanes import Row, build_lanes
from sfnwatch.trace.notice import Notice
from sfnwatch.trace.spans import Key, Part, Segment, end_of, notices, segments
from sfnwatch.trace.task_lives import Life, task_lives
from sfnwatch.trace.task_words import task_id, task_words
from sfnwatch.trace.text import clean
from sfnwatch.trace.timeline import Timeline, Trace
from sfnwatch.trace.values import replace
from sfnwatch.trace.visits import ROOT, StateVisit
from sfnwatch.trace.words import plain, redrive_pieces

_LIMIT = 200
_MICROSECOND = timedelta(microseconds=1)
_NOBODYS = "calls of no one execution"


def dump(trace: Trace, out: TextIO) -> None:
    """Print the trace as one object, an event a line; equal traces, equal texts."""
    lanes = build_lanes(trace)
    drawing = _Drawing(trace)
    for timeline in trace.histories.values():
        drawing.add_execution(timeline)
    drawing.add_calls(row for row in lanes.rows if row.call is not None)
    for life in task_lives(trace):
        drawing.add_task(life)
    other = {"tool": "sfnwatch", "calls_hidden": lanes.hidden}
    out.write('{"traceEvents":[\n')
    out.write(",\n".join(map(to_json, drawing.events())))
    out.write(f'\n],"displayTimeUnit":"ms","otherData":{to_json(other)}}}\n')


class _Drawing:
    """The events of one trace, collected track by track."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._now = last_moment(trace)
        self._notices = notices(trace)
        self._events: list[Event] = []
        self._processes: dict[str | None, Process] = {}
        # No track has a process's number: it would be taken for its main thread.
        self._tids = count(len(trace.histories) + 2)
        self._arrows = count(1)
        self._tails: dict[Key, list[tuple[Track, Place]]] = defaultdict(list)
        """An attempt's phases or, where it took no time, the try itself."""

    def events(self) -> Iterator[Event]:
        """Yield what names things, then all else in the order of time."""
        for process in self._processes.values():
            yield from process.names()
        yield from sorted(
            self._events, key=lambda e: (e["ts"], e["ph"] != "X", -e.get("dur", 0))
        )

    def _process(self, arn: str | None) -> Process:
        if arn not in self._processes:
            self._processes[arn] = Process(len(self._processes) + 1, _NOBODYS)
        return self._processes[arn]

    def _track(self, process: Process, name: str) -> Track:
        track = Track(process.pid, next(self._tids), clean(name, _LIMIT), self._events)
        process.tracks.append(track)
        return track

    # -- states ------------------------------------------------------------------

    def add_execution(self, timeline: Timeline) -> None:
        process = self._process(timeline.execution_arn)
        machine = timeline.state_machine_name
        name = f"{machine} › {timeline.name}" if machine else timeline.name
        process.name, process.label = clean(name, _LIMIT), clean(timeline.status)
        visits = list(timeline.visits)
        laid = lay_tracks(visits, lambda visit: end_of(visit, self._now), ROOT)
        tracks = [self._track(process, name) for name in laid.names]
        told = findings(self._trace, timeline)
        whole = _whole(timeline, laid.spans.values(), self._now)
        if whole is not None:
            args = execution_args(timeline, told)
            first = tracks[0] if tracks else self._track(process, ROOT)
            first.bar(whole, clean(timeline.name, _LIMIT), "execution", args)
            for redrive in timeline.redrives:
                words = plain(tuple(redrive_pieces(redrive)))
                first.point((redrive.at, redrive.at), words, "redriven", {})
        sayings: dict[object, list[str]] = defaultdict(list)
        for finding in told:
            sayings[finding.data.get("visit")].append(finding.text)
        for visit in visits:
            track, span = tracks[laid.of_visit[visit.id]], laid.spans[visit.id]
            args = visit_args(visit, sayings.get(visit.id, []))
            track.bar(span, clean(visit.name, _LIMIT), "state", args)
            self._add_tries(timeline.execution_arn, visit, track, span)

    def _add_tries(self, arn: str, visit: StateVisit, track: Track, span: Span) -> None:
        """Draw the parts of a Task; other states have but one, which is all of them."""
        if not visit.attempts:
            return
        parts: dict[int | None, list[Segment]] = defaultdict(list)
        for segment in segments(visit, self._now):
            begin, end = inside((segment.begin, segment.end), span)
            parts[segment.attempt].append(replace(segment, begin=begin, end=end))
        _add_phases(track, parts.get(None, []))
        for number, attempt in enumerate(visit.attempts, start=1):
            own, at = parts.get(number, []), attempt.scheduled_at
            around = (own[0].begin, own[-1].end) if own else inside((at, at), span)
            bar = track.bar(around, try_name(attempt, number), "try", try_args(attempt))
            key = arn, attempt.scheduled_id
            phases = _add_phases(track, own, self._notices.get(key))
            self._tails[key] = [(track, place) for place in phases or [bar]]

    # -- tasks -------------------------------------------------------------------

    def add_task(self, life: Life) -> None:
        """Draw what ECS told of a task on a track of its own."""
        name = f"task · {task_id(life.states[0])}"
        track = self._track(self._process(life.execution_arn), name)
        for stretch in life.stretches(self._now):
            span, state = (stretch.begin, stretch.end), stretch.state
            draw = track.bar if stretch.end > stretch.begin else track.point
            words = (
                f"{clean(state.last_status, _LIMIT)}{plain(task_words(state).ending)}"
            )
            draw(span, words, "task", task_args(life, state))

    # -- calls -------------------------------------------------------------------

    def add_calls(self, rows: Iterable[Row]) -> None:
        by_track: dict[tuple[str | None, str], list[Row]] = defaultdict(list)
        for row in rows:
            if row.call is not None:
                by_track[row.execution_arn, service(row.call)].append(row)
        for (arn, name), calls in by_track.items():
            self._add_service(self._process(arn), f"calls · {name}", calls)

    def _add_service(self, process: Process, name: str, rows: list[Row]) -> None:
        spans = sorted(_apart((*_drawn(r), n) for n, r in enumerate(rows)))
        lanes = pack((begin, end) for begin, end, _ in spans)
        tracks = [
            self._track(process, f"{name} · {lane + 1}" if lane else name)
            for lane in range(max(lanes, default=-1) + 1)
        ]
        for (begin, end, number), lane in zip(spans, lanes, strict=True):
            self._add_call(tracks[lane], (begin, end), rows[number])

    def _add_call(self, track: Track, span: Span, row: Row) -> None:
        if row.call is None:
            return
        draw = track.point if _is_poll(row) else track.bar
        kind = str(row.link.role) if row.link else "other"
        head = draw(span, call_name(row), kind, call_args(row, row.call))
        tails = self._tails.get(_attempt_key(row))
        if tails and row.link:
            tail, place = _tail(tails, head.begin)
            number, at = next(self._arrows), place.nearest(head.begin)
            args = {"rule": str(row.link.rule), "call": clean(row.call.event_id)}
            tail.tick(at, f"→ {call_name(row)}", args)
            tail.arrow("s", at, number)
            track.arrow("f", head.begin, number)


def _whole(timeline: Timeline, spans: Iterable[Span], now: datetime) -> Span | None:
    """Give the time of an execution, and of all that is known of it."""
    inner = [moment for span in spans for moment in span]
    begins = [timeline.started_at, *inner]
    moments = [moment for moment in begins if moment is not None]
    if not moments:
        return None
    return min(moments), max([*moments, timeline.stopped_at or now])


def _add_phases(
    track: Track, phases: Iterable[Segment], told: Notice | None = None
) -> list[Place]:
    """Draw stretches of time; who noticed the end is said where that took some."""
    places = []
    for phase in phases:
        notice = told if phase.part is Part.NOTICING else None
        span, name = (phase.begin, phase.end), str(phase.part)
        places.append(track.bar(span, name, name, phase_args(phase, notice)))
    return places


def _is_poll(row: Row) -> bool:
    return row.link is not None and row.link.role is CallRole.POLL


def _drawn(row: Row) -> Span:
    """Give the time that a call takes on its track: a poll is a point."""
    begin, end = window(row)
    return (begin, begin) if _is_poll(row) else (begin, end)


def _apart(
    spans: Iterable[tuple[datetime, datetime, int]],
) -> Iterator[tuple[datetime, datetime, int]]:
    """Part the points of one second by a microsecond: on one another they would nest.

    Where in its second a poll was made nobody knows.
    """
    last: datetime | None = None
    for begin, end, number in sorted(spans):
        if begin < end:
            yield begin, end, number
            continue
        last = begin if last is None else max(begin, last + _MICROSECOND)
        yield last, last, number


def _attempt_key(row: Row) -> Key:
    """Name the attempt that an arrow comes from; nothing where the tie is open."""
    link = row.link
    if link is None or link.execution_arn is None or link.attempt_id is None:
        return "", 0
    return link.execution_arn, link.attempt_id


def _tail(tails: list[tuple[Track, Place]], at: int) -> tuple[Track, Place]:
    """Choose the phase that a call was made in: the last one begun by then."""
    begun = [tail for tail in tails if tail[1].begin <= at]
    return begun[-1] if begun else tails[0]
