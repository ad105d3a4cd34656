"""The events of Chrome's trace JSON: named tracks, with bars, points and arrows."""

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any, NamedTuple

from sfnwatch.export.call_window import BarSpan, micros
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.texts import clean

ChromeEvent = dict[str, Any]
_NAME_CHARACTERS = 200
_ARG_CHARACTERS = 2_000
"""The most characters of an argument: a cause may be a whole job as JSON."""
_POINTS = frozenset({"redriven", "task", str(CallRole.POLL), str(CallRole.OTHER)})
"""The kinds of things that are drawn as a point if they take no time."""


class Track(NamedTuple):
    """One row of bars, which only ever nest: a thread of a process."""

    pid: int
    tid: int


class TrackBar(NamedTuple):
    """A bar on a track, where an arrow can begin. The bar's end is no part of it."""

    track: Track
    begin: int
    end: int


class ChromeEvents:
    """The events of one trace, collected track by track."""

    def __init__(self, first_tid: int) -> None:
        """`first_tid` is the number of the first track, above those of all processes.

        A track with the number of a process would be taken for its main thread.
        """
        self._tids = count(first_tid)
        self._arrow_ids = count(1)
        self._names: list[ChromeEvent] = []
        self._events: list[ChromeEvent] = []
        """Among events of one time, the order decides which bar an arrow is tied to."""

    def in_order(self) -> Iterator[ChromeEvent]:
        """Yield the events that name things, then all others in order of time."""
        yield from sorted(self._names, key=lambda event: (event["pid"], event["tid"]))
        yield from sorted(self._events, key=_drawing_order)

    def add_process(self, pid: int, name: str) -> None:
        process = Track(pid, tid=0)
        self._add_name(process, "process_name", name=name)
        self._add_name(process, "process_sort_index", sort_index=pid)

    def add_track(self, pid: int, name: str) -> Track:
        """Return a new track of a process, below the tracks that it has."""
        track = Track(pid, next(self._tids))
        self._add_name(track, "thread_name", name=clean(name, _NAME_CHARACTERS))
        self._add_name(track, "thread_sort_index", sort_index=track.tid)
        return track

    def _add_name(self, track: Track, what: str, **args: object) -> None:
        event = {
            "ph": "M",
            "name": what,
            "pid": track.pid,
            "tid": track.tid,
            "args": args,
        }
        self._names.append(event)

    def draw(
        self,
        track: Track,
        span: BarSpan,
        name: str,
        kind: str,
        args: Mapping[str, object],
    ) -> TrackBar:
        """Draw a bar, or a point at the beginning of its time."""
        begin = micros(span[0])
        end = micros(span[1])
        name = clean(name, _NAME_CHARACTERS)
        shown_args = _cleaned(args)
        if kind in _POINTS and begin == end:
            self._add(track, begin, name, kind, ph="i", s="t", args=shown_args)
        else:
            duration = end - begin
            self._add(track, begin, name, kind, ph="X", dur=duration, args=shown_args)
        return TrackBar(track, begin, end)

    def draw_arrow(
        self, tail: TrackBar, head: TrackBar, name: str, args: Mapping[str, object]
    ) -> None:
        """Draw an arrow from the end of a bar to the beginning of another."""
        arrow_id = next(self._arrow_ids)
        # No arrow leads back in time.
        at = min(head.begin, max(tail.begin, tail.end - 1))
        # In Perfetto an arrow begins at the end of its bar, so it can't begin at a bar
        # that lasts: a point is drawn as its tail.
        self._add(tail.track, at, f"→ {name}", "made", ph="i", s="t", args=args)
        # An arrow is tied to whatever was drawn last at its ends.
        self._add(tail.track, at, "made", "link", ph="s", id=arrow_id)
        self._add(head.track, head.begin, "made", "link", ph="f", id=arrow_id, bp="e")

    def _add(self, track: Track, at: int, name: str, kind: str, **more: object) -> None:
        event = {
            "name": name,
            "cat": kind,
            "pid": track.pid,
            "tid": track.tid,
            "ts": at,
            **more,
        }
        self._events.append(event)


def _drawing_order(event: ChromeEvent) -> tuple[int, bool, int]:
    """Order events by time; bars come before points and arrows, the longest first."""
    is_bar = event["ph"] == "X"
    return event["ts"], not is_bar, -event.get("dur", 0)


def _cleaned(value: Any) -> Any:
    """Return a value cleaned, and without fields that are null or empty."""
    if isinstance(value, str):
        return clean(value, _ARG_CHARACTERS)
    if isinstance(value, dict):
        fields: dict[str, Any] = {}
        for key, inner in value.items():
            if inner not in (None, "", []):
                fields[key] = _cleaned(inner)
        return fields
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    return value
