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
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import count
from typing import Any, NamedTuple, TextIO

from msgspec.structs import replace

from sfnwatch.analysis.ending_error import ended_with
from sfnwatch.analysis.findings import find
from sfnwatch.analysis.grouping import grouped
from sfnwatch.analysis.integration_words import resource_words
from sfnwatch.analysis.last_moment import last_moment
from sfnwatch.analysis.phases import Segment, segments
from sfnwatch.export.call_window import BarSpan, call_window, micros
from sfnwatch.export.facts import (
    attempt_facts,
    call_facts,
    execution_facts,
    facts_of_task,
    visit_facts,
)
from sfnwatch.export.names import service_name, whole_name
from sfnwatch.export.perfetto.tracks import MICROSECOND, lay_tracks, take_lane, within
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.ecs_task import stretches
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.integrations import CallRole, usual_role
from sfnwatch.model.linking.link import AttemptKey, Link
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.texts import clean
from sfnwatch.model.times import iso
from sfnwatch.model.visits import ROOT, StateVisit
from sfnwatch.view import wording
from sfnwatch.view.line_maker import LineMaker
from sfnwatch.view.parts import plain_text

Event = dict[str, Any]
Args = dict[str, Any]
_NAME = 200
_LONGEST = 2_000
"""The most characters of an argument: a cause may be a whole job as JSON."""
_BarOwner = tuple[str, int | None]
"""An execution, or one visit of it."""
_POINTS = frozenset({"redriven", "task", str(CallRole.POLL), str(CallRole.OTHER)})
"""The kinds of things that are drawn as a point if they take no time."""
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
    hidden = sum(not snapshot.is_relevant(call) for call in snapshot.calls)
    other = {"tool": "sfnwatch", "calls_hidden": hidden}
    out.write('{"traceEvents":[\n')
    out.write(",\n".join(map(_to_json, drawing.events())))
    out.write(f'\n],"displayTimeUnit":"ms","otherData":{_to_json(other)}}}\n')


def _to_json(value: Event) -> str:
    r"""Return a value as JSON with its characters as they are.

    Perfetto would show `\u203a` as it is written. All strings are cleaned before.
    """
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


class Track(NamedTuple):
    """One row of bars, which only ever nest: a thread of a process."""

    pid: int
    tid: int


class _TrackBar(NamedTuple):
    """A bar on a track, where an arrow can begin. The bar's end is no part of it."""

    track: Track
    begin: int
    end: int


class _Drawing:
    """The events of one trace, collected track by track."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._maker = LineMaker(snapshot)
        self._now = last_moment(snapshot)
        self._said: dict[_BarOwner, list[str]] = defaultdict(list)
        """What was found of each execution, and of each visit."""
        for finding in find(snapshot):
            arn = finding.execution_arn or ""
            visit = finding.data.get("visit")
            self._said[arn, None].append(f"{finding.certainty}: {finding.text}")
            if visit is not None:
                self._said[arn, visit].append(finding.text)
        self._names: list[Event] = []
        self._events: list[Event] = []
        """Among events of one time, the order decides which bar an arrow is tied to."""
        self._pids: dict[str | None, int] = {}
        # No track has the number of a process: it would be taken for the main thread.
        self._tids = count(len(snapshot.executions) + 2)
        self._arrows = count(1)
        self._tails: dict[AttemptKey, list[_TrackBar]] = {}
        """The bars of an attempt's phases, or the attempt's if it took no time."""

    def events(self) -> Iterator[Event]:
        """Yield the events that name things, then all others in order of time."""
        yield from sorted(self._names, key=lambda e: (e["pid"], e["tid"]))
        yield from sorted(
            self._events, key=lambda e: (e["ts"], e["ph"] != "X", -e.get("dur", 0))
        )

    def _name(self, track: Track, what: str, **args: object) -> None:
        self._names.append({"ph": "M", "name": what, **track._asdict(), "args": args})

    def _pid(self, arn: str | None) -> int:
        """Return the process number of an execution, or the one for no execution."""
        if arn not in self._pids:
            pid = self._pids[arn] = len(self._pids) + 1
            execution = self._snapshot.executions.get(arn or "")
            name = whole_name(execution) if execution else _NOBODYS
            self._name(Track(pid, 0), "process_name", name=name)
            self._name(Track(pid, 0), "process_sort_index", sort_index=pid)
        return self._pids[arn]

    def _track(self, arn: str | None, name: str) -> Track:
        track = Track(self._pid(arn), next(self._tids))
        self._name(track, "thread_name", name=clean(name, _NAME))
        self._name(track, "thread_sort_index", sort_index=track.tid)
        return track

    def _draw(
        self, track: Track, span: BarSpan, name: str, kind: str, args: Args
    ) -> _TrackBar:
        """Draw a bar, or a point at the beginning of its time."""
        begin, end = map(micros, span)
        shape: Event = {"ph": "X", "dur": end - begin}
        if kind in _POINTS and begin == end:
            shape = {"ph": "i", "s": "t"}
        self._put(
            track,
            begin,
            clean(name, _NAME),
            kind,
            **shape,
            args=_cleaned(args),
        )
        return _TrackBar(track, begin, end)

    def _put(self, track: Track, at: int, name: str, kind: str, **more: object) -> None:
        event = {"name": name, "cat": kind, **track._asdict(), "ts": at}
        self._events.append({**event, **more})

    def add_execution(self, execution: ExecutionAsOf) -> None:
        arn = execution.arn
        visits = list(execution.visits)
        names, track_of, spans = lay_tracks(visits, self._now)
        tracks = [self._track(arn, name) for name in names or [ROOT]]
        known = [at for span in spans.values() for at in span]
        known += [execution.started_at] if execution.started_at else []
        if known:
            # The bar of the execution covers everything that is known of it.
            whole = min(known), max([*known, execution.stopped_at or self._now])
            error, cause = ended_with(self._snapshot, execution)
            args = execution_facts(self._snapshot, execution)
            args |= {"error": error, "cause": cause, "findings": self._said[arn, None]}
            self._draw(tracks[0], whole, execution.name, "execution", args)
            for redrive in execution.redrives:
                name = plain_text(wording.redrive_parts(redrive))
                at = redrive.event.at
                self._draw(tracks[0], (at, at), name, "redriven", {})
        for visit in visits:
            track = track_of[visit.id]
            span = spans[visit.id]
            args = {**visit_facts(visit), "error": visit.error, "cause": visit.cause}
            del args["attempts"]  # they have bars of their own
            args["findings"] = self._said[arn, visit.id]
            self._draw(tracks[track], span, visit.name, "state", args)
            self._add_attempts(arn, visit, tracks[track], span)

    def _add_attempts(
        self, arn: str, visit: StateVisit, track: Track, span: BarSpan
    ) -> None:
        """Draw the phases of a Task; other states have only one, which is the bar."""
        if not visit.attempts:
            return
        whole = segments(self._snapshot.executions[arn], visit, self._now)
        inside = [_inside(segment, span) for segment in whole]
        found = grouped(inside, lambda segment: segment.attempt)
        self._add_phases(track, found.get(None, []))
        for number, attempt in enumerate(visit.attempts, start=1):
            own = found.get(number, [])
            at = attempt.scheduled_at
            around = (own[0].begin, own[-1].end) if own else (within(at, span),) * 2
            words = resource_words(attempt)
            name = f"{words} · try {number}" if number > 1 else words
            more = {"role_arn": attempt.role_arn, "region": attempt.region}
            args = {**attempt_facts(attempt), **more}
            bar = self._draw(track, around, name, "try", args)
            key = arn, attempt.scheduled_id
            self._tails[key] = self._add_phases(track, own) or [bar]

    def _add_phases(self, track: Track, phases: Iterable[Segment]) -> list[_TrackBar]:
        """Draw phases, and return their bars."""
        bars = []
        for each in phases:
            end = "still running" if each.open else iso(each.end)
            args = {"begin": iso(each.begin), "end": end}
            name = str(each.phase)
            span = (each.begin, each.end)
            bars.append(self._draw(track, span, name, name, args))
        return bars

    def add_tasks(self) -> None:
        """Draw the states of each ECS task on a track of its own."""
        lives = self._snapshot.task_states.values()
        for states in sorted(lives, key=lambda states: states[0].at):
            key = self._snapshot.task_starter(states[0].task_arn)
            visit = self._snapshot.visit_of(key)
            if key is None or visit is None:
                continue
            track = self._track(key[0], f"task · {wording.task_id(states[0])}")
            told = facts_of_task(self._snapshot, states[0].task_arn)
            by_version = {each["version"]: each for each in told}
            for state, end in stretches(states, self._now):
                span = state.at, end
                ending = plain_text(wording.task_text(state).ending)
                words = f"{clean(state.last_status, _NAME)}{ending}"
                args = {**by_version[state.version], "state": visit.path}
                self._draw(track, span, words, "task", args)

    def add_calls(self) -> None:
        """Draw calls on tracks of their services; a poll is a point."""
        snapshot = self._snapshot
        by_track: dict[tuple[str | None, str], list[_Called]] = defaultdict(list)
        for call in filter(snapshot.is_relevant, snapshot.calls):
            link = snapshot.link(call)
            begin, end = call_window(snapshot, call)
            if link is not None and _is_poll(call, link):
                end = begin
            arn = link.execution_arn if link is not None else None
            called = (begin, end), call
            by_track[arn, service_name(call)].append(called)
        for (arn, service), calls in by_track.items():
            lanes = list[datetime]()
            tracks = list[Track]()
            for span, call in _apart(calls):
                lane = take_lane(lanes, *span)
                if lane == len(tracks):
                    name = f"calls · {service}{f' · {lane + 1}' if lane else ''}"
                    tracks.append(self._track(arn, name))
                self._add_call(tracks[lane], span, call)

    def _add_call(self, track: Track, span: BarSpan, call: ApiCall) -> None:
        link = self._snapshot.link(call)
        key = link.key if link is not None else None
        visit = self._snapshot.visit_of(key)
        args = {
            **call_facts(call, link),
            "error_message": call.error_message,
            "time_resolution": "1 s: CloudTrail gives whole seconds",
            "made_between": [iso(at) for at in call_window(self._snapshot, call)],
            "state": visit.path if visit else None,
        }
        told = self._maker.call_text(call, link)
        name = plain_text((*told.name, *told.error))
        role = link.role if link else None
        head = self._draw(track, span, name, str(role or "other"), args)
        tails = self._tails.get(key) if key else None
        if link is None or not tails:
            return
        tail = next((t for t in reversed(tails) if t.begin <= head.begin), tails[0])
        number = next(self._arrows)
        # No arrow leads back in time.
        at = min(head.begin, max(tail.begin, tail.end - 1))
        args = {
            "rule": str(link.rule),
            "certainty": str(link.certainty),
            "call": clean(call.event_id),
        }
        # In Perfetto an arrow begins at the end of its bar, so it can't begin at a bar
        # that lasts: a point is drawn as its tail.
        self._put(tail.track, at, f"→ {name}", "made", ph="i", s="t", args=args)
        # An arrow is tied to whatever was drawn last at its ends.
        self._put(tail.track, at, "made", "link", ph="s", id=number)
        self._put(track, head.begin, "made", "link", ph="f", id=number, bp="e")


_Called = tuple[BarSpan, ApiCall]


def _is_poll(call: ApiCall, link: Link) -> bool:
    """True for a poll of a job, even if someone else than Step Functions made it."""
    if link.role is CallRole.OTHER:
        return usual_role(call.event_source, call.event_name) is CallRole.POLL
    return link.role is CallRole.POLL


def _apart(calls: Iterable[_Called]) -> Iterator[_Called]:
    """Move the points of one second a microsecond apart, or else they would nest.

    The time of a poll within its second is not known.
    """
    last: datetime | None = None
    for (begin, end), call in sorted(calls, key=lambda called: called[0]):
        if begin < end:
            yield (begin, end), call
            continue
        last = begin if last is None else max(begin, last + MICROSECOND)
        yield (last, last), call


def _cleaned(value: Any) -> Any:
    """Return a value cleaned, and without fields that are null or empty."""
    if isinstance(value, str):
        return clean(value, _LONGEST)
    if isinstance(value, dict):
        return {k: _cleaned(v) for k, v in value.items() if v not in (None, "", [])}
    if isinstance(value, list):
        return list(map(_cleaned, value))
    return value


def _inside(segment: Segment, span: BarSpan) -> Segment:
    """Return the part of a segment that lies within a span of time."""
    begin, end = (within(at, span) for at in (segment.begin, segment.end))
    return replace(segment, begin=begin, end=end)
