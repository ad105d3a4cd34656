"""A trace for Perfetto, Chrome's about:tracing and whatever else reads their JSON.

A process is an execution. Its states lie on tracks, each bar divided into its attempts
and those into waiting, working, completion lag and backing off. Calls lie on a track of
their service below, and arrows run to them from the phase that made them: only where
they are matched. What ECS told of a task has a track, too. Times are microseconds since
1970, so that files can be joined; viewers begin at the first.

A call's time is a whole second: its bar goes over all of the second in which it may
have been made. A poll is a point, at the beginning of its second.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count, pairwise
from typing import Any, TextIO

from msgspec import Struct, field
from msgspec.structs import replace

from sfnwatch.next.analysis.completion import Completion, completion_of
from sfnwatch.next.analysis.findings import find
from sfnwatch.next.analysis.phases import Phase, Segment, end_of, segments
from sfnwatch.next.export.facts import (
    Facts,
    call_facts,
    execution_facts,
    facts_of_task,
    visit_facts,
)
from sfnwatch.next.export.placing import Span, call_window, last_moment, micros
from sfnwatch.next.model.api_call import ApiCall
from sfnwatch.next.model.coverage import Coverage
from sfnwatch.next.model.ecs_task import stretches
from sfnwatch.next.model.execution import ExecutionAsOf
from sfnwatch.next.model.integrations import CallRole
from sfnwatch.next.model.json_text import text_of
from sfnwatch.next.model.links import AttemptKey, Link
from sfnwatch.next.model.moment import Moment
from sfnwatch.next.model.text import clean
from sfnwatch.next.model.times import iso
from sfnwatch.next.model.visits import ROOT, Attempt, StateVisit
from sfnwatch.next.view import wording
from sfnwatch.next.view.parts import plain_text

Event = dict[str, Any]
Args = dict[str, Any]
_NAME = 200
_LONGEST, _LISTED = 2_000, 100
"""Of an argument: a cause may be a whole job as JSON."""
_MICROSECOND = timedelta(microseconds=1)
_NOBODYS = "calls of no one execution"
_COLORS = {
    Phase.WAITING: "grey",
    Phase.WORKING: "thread_state_running",
    Phase.COMPLETION_LAG: "thread_state_iowait",
    Phase.BACKING_OFF: "yellow",
    Phase.STOPPED: "white",
}
"""Chrome's own names of colors; Perfetto chooses one for each name by itself."""
_FAILED_COLOR = "terrible"
_BAD = frozenset({"failed", "timed_out", "FAILED", "TIMED_OUT"})


def dump(moment: Moment, out: TextIO) -> None:
    """Print the trace as one object, an event a line; equal traces, equal texts."""
    drawing = _Drawing(moment)
    for execution in moment.executions.values():
        drawing.add_execution(execution)
    drawing.add_calls()
    drawing.add_tasks()
    hidden = sum(not moment.is_relevant(call) for call in moment.calls)
    other = {"tool": "sfnwatch", "calls_hidden": hidden}
    out.write('{"traceEvents":[\n')
    out.write(",\n".join(map(_to_json, drawing.events())))
    out.write(f'\n],"displayTimeUnit":"ms","otherData":{_to_json(other)}}}\n')


def _to_json(value: Event) -> str:
    r"""Write a value with its characters as they are: Perfetto shows `\u203a` as such.

    All strings are clean by here.
    """
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


# -- tracks ----------------------------------------------------------------------------


class _Bar(Struct, frozen=True):
    """A bar on a track: where an arrow can begin."""

    begin: int
    end: int

    def nearest(self, at: int) -> int:
        """Give the time on this bar nearest to `at`, and not after it.

        Its end is not on it any more. No arrow runs back in time.
        """
        return min(at, max(self.begin, min(at, self.end - 1)))


class _Track(Struct):
    """One line of bars, which only ever nest."""

    pid: int
    tid: int
    name: str
    events: list[Event]
    """Where they go; the order of those of one time tells where an arrow is tied."""

    def bar(self, span: Span, name: str, kind: str, args: Args) -> _Bar:
        begin, end = map(micros, span)
        event = self._event("X", begin, name, kind)
        event["dur"] = end - begin
        self._finish(event, args, _COLORS.get(Phase(kind)) if kind in _PHASES else None)
        return _Bar(begin, end)

    def point(self, span: Span, name: str, kind: str, args: Args) -> _Bar:
        begin = micros(span[0])
        self.mark(begin, name, args, kind)
        return _Bar(begin, begin)

    def mark(self, at: int, name: str, args: Args, kind: str = "made") -> None:
        """Draw a point; also where an arrow's tail is.

        Perfetto lets an arrow begin where its bar ends, so bars that last are no tails.
        """
        event = self._event("i", at, name, kind)
        event["s"] = "t"
        self._finish(event, args, None)

    def arrow(self, end: str, at: int, number: int) -> None:
        """Draw an end, `s` or `f`, of an arrow: at what was drawn last here."""
        event = self._event(end, at, "made", "link")
        event["id"] = number
        if end == "f":
            event["bp"] = "e"
        self.events.append(event)

    def _event(self, ph: str, ts: int, name: str, kind: str) -> Event:
        shared = {"pid": self.pid, "tid": self.tid, "ts": ts}
        return {"ph": ph, "name": name, "cat": kind, **shared}

    def _finish(self, event: Event, args: Args, color: str | None) -> None:
        if args.get("status") in _BAD or "error_code" in args:
            event["cname"] = _FAILED_COLOR
        elif color:
            event["cname"] = color
        self.events.append({**event, "args": args})


_PHASES = frozenset(map(str, Phase))


class _Process(Struct):
    """An execution, or what belongs to none."""

    pid: int
    name: str
    label: str = ""
    tracks: list[_Track] = field(default_factory=list)

    def names(self) -> Iterator[Event]:
        yield self._named("process_name", 0, name=self.name)
        yield self._named("process_sort_index", 0, sort_index=self.pid)
        if self.label:
            yield self._named("process_labels", 0, labels=self.label)
        for track in self.tracks:
            yield self._named("thread_name", track.tid, name=track.name)
            yield self._named("thread_sort_index", track.tid, sort_index=track.tid)

    def _named(self, what: str, tid: int, **args: object) -> Event:
        return {"ph": "M", "name": what, "pid": self.pid, "tid": tid, "args": args}


# -- the drawing -----------------------------------------------------------------------


class _Drawing:
    """The events of one trace, collected track by track."""

    def __init__(self, moment: Moment) -> None:
        self._moment, self._coverage = moment, Coverage(moment)
        self._now = last_moment(moment)
        self._said: dict[tuple[str, int | None], list[str]] = defaultdict(list)
        """What was found of each execution, and of each visit."""
        for finding in find(moment):
            arn, visit = finding.execution_arn or "", finding.data.get("visit")
            self._said[arn, None].append(f"{finding.certainty}: {finding.text}")
            if visit is not None:
                self._said[arn, visit].append(finding.text)
        self._events: list[Event] = []
        self._processes: dict[str | None, _Process] = {}
        # No track has a process's number: it would be taken for its main thread.
        self._tids = count(len(moment.executions) + 2)
        self._arrows = count(1)
        self._tails: dict[AttemptKey, list[tuple[_Track, _Bar]]] = {}
        """An attempt's phases or, where it took no time, the attempt itself."""

    def events(self) -> Iterator[Event]:
        """Yield what names things, then all else in the order of time."""
        for process in self._processes.values():
            yield from process.names()
        yield from sorted(
            self._events, key=lambda e: (e["ts"], e["ph"] != "X", -e.get("dur", 0))
        )

    def _process(self, arn: str | None) -> _Process:
        if arn not in self._processes:
            self._processes[arn] = _Process(len(self._processes) + 1, _NOBODYS)
        return self._processes[arn]

    def _track(self, process: _Process, name: str) -> _Track:
        track = _Track(process.pid, next(self._tids), clean(name, _NAME), self._events)
        process.tracks.append(track)
        return track

    # -- states ------------------------------------------------------------------------

    def add_execution(self, execution: ExecutionAsOf) -> None:
        process = self._process(execution.arn)
        machine, name = execution.state_machine_name, execution.name
        process.name = clean(f"{machine} › {name}" if machine else name, _NAME)
        process.label = clean(execution.status)
        visits = list(execution.visits)
        laid = _lay_tracks(visits, self._now)
        tracks = [self._track(process, name) for name in laid.names]
        self._add_whole(execution, process, laid)
        for visit in visits:
            track, span = tracks[laid.track_of[visit.id]], laid.spans[visit.id]
            said = self._said[execution.arn, visit.id]
            facts = visit_facts(visit)
            attempts = facts.pop("attempts")
            args = _known_args(
                **facts, error=visit.error, cause=visit.cause, findings=said
            )
            track.bar(span, clean(visit.name, _NAME), "state", args)
            self._add_attempts(execution.arn, visit, attempts, track, span)

    def _add_whole(
        self, execution: ExecutionAsOf, process: _Process, laid: "_Tracks"
    ) -> None:
        """Draw the execution itself around all that is known of it."""
        inner = [moment for span in laid.spans.values() for moment in span]
        begins = [at for at in (execution.started_at, *inner) if at is not None]
        if not begins:
            return
        whole = min(begins), max([*begins, execution.stopped_at or self._now])
        first = process.tracks[0] if process.tracks else self._track(process, ROOT)
        args = self._execution_args(execution)
        first.bar(whole, clean(execution.name, _NAME), "execution", args)
        for redrive in execution.redrives:
            words = plain_text(wording.redrive_parts(redrive))
            first.point((redrive.event.at, redrive.event.at), words, "redriven", {})

    def _execution_args(self, execution: ExecutionAsOf) -> Args:
        ending = execution.ending
        details = self._moment.trace.details(ending) if ending else {}
        return _known_args(
            **execution_facts(self._moment, execution),
            error=text_of(details.get("error")),
            cause=text_of(details.get("cause")),
            findings=self._said[execution.arn, None],
        )

    def _add_attempts(
        self,
        arn: str,
        visit: StateVisit,
        facts: Sequence[Facts],
        track: _Track,
        span: Span,
    ) -> None:
        """Draw the phases of a Task; other states have but one, which is all of it."""
        if not visit.attempts:
            return
        found: dict[int | None, list[Segment]] = defaultdict(list)
        for segment in segments(visit, self._now):
            begin, end = _inside((segment.begin, segment.end), span)
            found[segment.attempt].append(replace(segment, begin=begin, end=end))
        _add_phases(track, found.get(None, []))
        for number, attempt in enumerate(visit.attempts, start=1):
            own, at = found.get(number, []), attempt.scheduled_at
            around = (own[0].begin, own[-1].end) if own else _inside((at, at), span)
            words = wording.resource_words(attempt)
            name = f"{words} · try {number}" if number > 1 else words
            more = {"role_arn": attempt.role_arn, "region": attempt.region}
            args = _known_args(**facts[number - 1], **more)
            bar = track.bar(around, name, "try", args)
            key = arn, attempt.scheduled_id
            told = completion_of(self._moment, self._coverage, key, attempt)
            bars = _add_phases(track, own, told)
            self._tails[key] = [(track, each) for each in bars or [bar]]

    # -- tasks -------------------------------------------------------------------------

    def add_tasks(self) -> None:
        """Draw what ECS told of each task on a track of its own."""
        lives = self._moment.task_states.values()
        for states in sorted(lives, key=lambda states: states[0].at):
            key = self._moment.task_starter(states[0].task_arn)
            visit = self._moment.visit_of(key)
            if key is None or visit is None:
                continue
            name = f"task · {wording.task_id(states[0])}"
            track = self._track(self._process(key[0]), name)
            told = facts_of_task(self._moment, states[0].task_arn)
            facts = {each["version"]: each for each in told}
            for stretch in stretches(states, self._now):
                state, span = stretch.state, (stretch.begin, stretch.end)
                draw = track.bar if stretch.end > stretch.begin else track.point
                ending = plain_text(wording.task_text(state).ending)
                words = f"{clean(state.last_status, _NAME)}{ending}"
                args = _known_args(**facts[state.version], state=visit.path)
                draw(span, words, "task", args)

    # -- calls -------------------------------------------------------------------------

    def add_calls(self) -> None:
        moment = self._moment
        by_track: dict[tuple[str | None, str], list[_Called]] = defaultdict(list)
        numbers: Counter[tuple[AttemptKey | None, str]] = Counter()
        for call in filter(moment.is_relevant, moment.calls):
            link = moment.link(call)
            called = _Called(call, link, moment.attempt(link.key) if link else None)
            if called.is_poll:
                key = link.key if link else None, call.event_name
                numbers[key] += 1
                called.number = numbers[key]
            service = clean(call.event_source.removesuffix(".amazonaws.com"), 80)
            arn = link.execution_arn if link else None
            by_track[arn, service or "unknown"].append(called)
        for (arn, service), calls in by_track.items():
            self._add_service(self._process(arn), f"calls · {service}", calls)

    def _add_service(
        self, process: _Process, name: str, calls: Sequence["_Called"]
    ) -> None:
        spans = sorted(_apart((*called.drawn, n) for n, called in enumerate(calls)))
        free = _Lanes()
        lanes = [free.take(begin, end) for begin, end, _ in spans]
        tracks = [
            self._track(process, f"{name} · {lane + 1}" if lane else name)
            for lane in range(max(lanes, default=-1) + 1)
        ]
        for (begin, end, number), lane in zip(spans, lanes, strict=True):
            self._add_call(tracks[lane], (begin, end), calls[number])

    def _add_call(self, track: _Track, span: Span, called: "_Called") -> None:
        link, visit = called.link, None
        if link is not None:
            visit = self._moment.visit_of(link.key)
        draw = track.point if called.is_poll else track.bar
        kind = str(link.role) if link else "other"
        window = call_window(called.call, link, called.attempt)
        args = _known_args(
            **call_facts(called.call, link),
            error_message=called.call.error_message,
            time_resolution="1 s: CloudTrail gives whole seconds",
            made_between=[iso(at) for at in window],
            state=visit.path if visit else None,
        )
        head = draw(span, called.name, kind, args)
        tails = self._tails.get(link.key) if link and link.key else None
        if link is None or not tails:
            return
        begun = [tail for tail in tails if tail[1].begin <= head.begin]
        tail, bar = begun[-1] if begun else tails[0]
        number, at = next(self._arrows), bar.nearest(head.begin)
        args = {"rule": str(link.rule), "call": clean(called.call.event_id)}
        tail.mark(at, f"→ {called.name}", args)
        tail.arrow("s", at, number)
        track.arrow("f", head.begin, number)


class _Called(Struct):
    """A call, with what it is matched to."""

    call: ApiCall
    link: Link | None
    attempt: Attempt | None
    number: int | None = None
    """Which poll of its attempt it is, from 1."""

    @property
    def is_poll(self) -> bool:
        return self.link is not None and self.link.role is CallRole.POLL

    @property
    def drawn(self) -> Span:
        """The time that it takes on its track: a poll is a point."""
        begin, end = call_window(self.call, self.link, self.attempt)
        return (begin, begin) if self.is_poll else (begin, end)

    @property
    def name(self) -> str:
        told = wording.call_text(self.call, self.link, number=self.number)
        return plain_text((*told.name, *told.error))


def _add_phases(
    track: _Track, phases: Iterable[Segment], told: Completion | None = None
) -> list[_Bar]:
    """Draw stretches of time; a completion lag says what told of the end."""
    bars = []
    for each in phases:
        lags = told is not None and each.phase is Phase.COMPLETION_LAG
        words = wording.completion_parts(told)[0] if told and lags else ()
        args = _known_args(
            begin=iso(each.begin),
            end="still running" if each.open else iso(each.end),
            learned=plain_text(words),
        )
        name = str(each.phase)
        bars.append(track.bar((each.begin, each.end), name, name, args))
    return bars


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


# -- what a bar says when it is clicked ------------------------------------------------


def _known_args(**args: Any) -> Args:
    """Say what is known: as facts, cleaned, and without what is null or empty."""
    known = {k: v for k, v in args.items() if v is not None and v not in ("", [])}
    return {key: _cleaned(value) for key, value in known.items()}


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value, _LONGEST)
    if isinstance(value, dict):
        return _known_args(**value)
    if isinstance(value, list):
        rest = len(value) - _LISTED
        more = [f"… {rest} more"] if rest > 0 else []
        return [*map(_cleaned, value[:_LISTED]), *more]
    return value


# -- which bar lies on which track -----------------------------------------------------


class _Tracks(Struct, frozen=True):
    """The tracks of one execution's states, from top to bottom.

    States that follow each other share a track, and lie on that of the Parallel or Map
    around them. Branches and iterations that run at once get tracks of their own, and
    hand them on when they end: 10,000 iterations, 40 at a time, take 40 tracks.
    """

    names: Sequence[str]
    track_of: Mapping[int, int]
    """A visit's id to the place of its track."""
    spans: Mapping[int, Span]
    """A visit's id to its time, never beyond that of the bar it lies in."""


class _Strand(Struct, frozen=True):
    """States that follow each other in one branch or iteration."""

    visits: Sequence[StateVisit]
    begin: datetime
    end: datetime


def _lay_tracks(visits: Sequence[StateVisit], now: datetime) -> _Tracks:
    """Give each visit a track; those around others come before them."""
    by_id = {visit.id: visit for visit in visits}
    spans = {visit.id: (visit.entered_at, end_of(visit, now)) for visit in visits}
    pools: dict[str, list[_Strand]] = defaultdict(list)
    for parent, strands in _strands(visits, spans):
        if parent is None or not _follow(strands):
            pools[_state_of(by_id, parent)].extend(strands)
    names: list[str] = []
    track_of: dict[int, int] = {}
    for strands in pools.values():
        for number, lane in enumerate(_share(strands)):
            track_of.update((v.id, len(names)) for s in lane for v in s.visits)
            names.append(_track_name(by_id, lane, number))
    for visit in visits:
        if visit.id not in track_of and visit.parent is not None:
            track_of[visit.id] = track_of[visit.parent]
            spans[visit.id] = _inside(spans[visit.id], spans[visit.parent])
    return _Tracks(names, track_of, spans)


def _strands(
    visits: Iterable[StateVisit], spans: dict[int, Span]
) -> Iterator[tuple[int | None, list[_Strand]]]:
    """Yield each Parallel's and Map's strands; those of none first."""
    inside: dict[int | None, dict[int | None, list[StateVisit]]] = {None: {}}
    for visit in visits:
        scope = inside.setdefault(visit.parent, {})
        scope.setdefault(visit.index, []).append(visit)
    for parent, scopes in inside.items():
        yield parent, [s for scope in scopes.values() for s in _cut(scope, spans)]


def _cut(visits: list[StateVisit], spans: dict[int, Span]) -> Iterator[_Strand]:
    """Cut where states overlap: what a history lacks makes them seem to."""
    strand: list[StateVisit] = []
    for visit in sorted(visits, key=lambda v: (spans[v.id][0], v.id)):
        if strand:
            spans[visit.id] = _behind(spans[visit.id], spans[strand[-1].id])
        if strand and spans[visit.id][0] < spans[strand[-1].id][1]:
            yield _Strand(strand, spans[strand[0].id][0], spans[strand[-1].id][1])
            strand = []
        strand.append(visit)
    if strand:
        yield _Strand(strand, spans[strand[0].id][0], spans[strand[-1].id][1])


def _behind(span: Span, before: Span) -> Span:
    """Put a bar behind one that takes no time and begins with it: not around it."""
    if before[0] < before[1] or span[0] > before[0]:
        return span
    begin = before[0] + _MICROSECOND
    return begin, max(begin, span[1])


def _order(strand: _Strand) -> tuple[datetime, int]:
    return strand.begin, strand.visits[0].id


def _follow(strands: Iterable[_Strand]) -> bool:
    """True if one only begins when the one before is over."""
    ordered = sorted(strands, key=_order)
    return all(before.end <= after.begin for before, after in pairwise(ordered))


def _state_of(by_id: Mapping[int, StateVisit], number: int | None) -> str:
    """Name what is one state of the definition, in whichever iteration it runs."""
    names: list[str] = []
    visit = by_id.get(number or 0)
    while visit is not None:
        names.append(visit.name)
        visit = by_id.get(visit.parent or 0)
    return "\0".join(names)


def _share(strands: Iterable[_Strand]) -> list[list[_Strand]]:
    free, found = _Lanes(), defaultdict[int, list[_Strand]](list)
    for strand in sorted(strands, key=_order):
        found[free.take(strand.begin, strand.end)].append(strand)
    return [found[number] for number in sorted(found)]


class _Lanes:
    """Lanes, taken for a while: the first that is free."""

    def __init__(self) -> None:
        self._busy: list[tuple[datetime, int]] = []
        self._free: list[int] = []

    def take(self, begin: datetime, end: datetime) -> int:
        """Take a lane; calls come in the order of their beginnings."""
        while self._busy and self._busy[0][0] <= begin:
            heappush(self._free, heappop(self._busy)[1])
        lane = heappop(self._free) if self._free else len(self._busy)
        heappush(self._busy, (end, lane))
        return lane


def _track_name(
    by_id: Mapping[int, StateVisit], lane: Sequence[_Strand], number: int
) -> str:
    """Name a track after its branch, if it has but one; the main one is `Main`."""
    parent = by_id.get(lane[0].visits[0].parent or 0)
    if parent is None:
        return f"{ROOT} · {number + 1}" if number else ROOT
    indexes = {strand.visits[0].index for strand in lane}
    if len(indexes) == 1 and None not in indexes:
        word = "item" if parent.type == "Map" else "branch"
        return f"{parent.name} · {word} {indexes.pop()}"
    return f"{parent.name} · lane {number + 1}"


def _inside(span: Span, around: Span) -> Span:
    """Cut a time to what lies within another."""
    begin = min(max(span[0], around[0]), around[1])
    return begin, min(max(span[1], begin), around[1])
