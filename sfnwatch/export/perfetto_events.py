"""Trace events as Perfetto's JSON has them: bars, points, arrows and names."""

import json
from collections.abc import Iterator
from typing import Any

from msgspec import Struct, field

from sfnwatch.export.perfetto_args import Args
from sfnwatch.export.perfetto_tracks import Span
from sfnwatch.export.placing import micros
from sfnwatch.trace.spans import Part

Event = dict[str, Any]
_COLOURS = {
    Part.WAITING: "grey",
    Part.WORKING: "thread_state_running",
    Part.NOTICING: "thread_state_iowait",
    Part.BACKING_OFF: "yellow",
    Part.STOPPED: "white",
}
"""Chrome's own names of colours; Perfetto chooses one for each name by itself."""
_FAILED = "terrible"
_BAD = frozenset({"failed", "timed_out", "FAILED", "TIMED_OUT"})


def to_json(value: Event) -> str:
    r"""Write a value with its characters as they are: Perfetto shows `\u203a` as such.

    All strings are clean by here.
    """
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


class Place(Struct, frozen=True):
    """A bar on a track: where an arrow can begin."""

    pid: int
    tid: int
    begin: int
    end: int

    def nearest(self, at: int) -> int:
        """Give the time on this bar nearest to `at`, and not after it.

        Its end is not on it any more. No arrow runs back in time.
        """
        return min(at, max(self.begin, min(at, self.end - 1)))


class Track(Struct):
    """One line of bars, which only ever nest."""

    pid: int
    tid: int
    name: str
    events: list[Event]
    """Where they go; the order of those of one time tells what an arrow is tied to."""

    def bar(self, span: Span, name: str, kind: str, args: Args) -> Place:
        begin, end = map(micros, span)
        event = self._event("X", begin, name, kind)
        event["dur"] = end - begin
        colour = _COLOURS.get(Part(kind)) if kind in list(Part) else None
        self._finish(event, args, colour)
        return Place(self.pid, self.tid, begin, end)

    def point(self, span: Span, name: str, kind: str, args: Args) -> Place:
        begin = micros(span[0])
        event = self._event("i", begin, name, kind)
        event["s"] = "t"
        self._finish(event, args, None)
        return Place(self.pid, self.tid, begin, begin)

    def tick(self, at: int, name: str, args: Args) -> None:
        """Draw where on this track a call was made: an arrow's tail.

        Perfetto lets an arrow begin where its bar ends, so bars that last are no tails.
        """
        event = self._event("i", at, name, "made")
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

    def _finish(self, event: Event, args: Args, colour: str | None) -> None:
        if args.get("status") in _BAD or "error_code" in args:
            event["cname"] = _FAILED
        elif colour:
            event["cname"] = colour
        self.events.append({**event, "args": args})


class Process(Struct):
    """An execution, or what belongs to none."""

    pid: int
    name: str
    label: str = ""
    tracks: list[Track] = field(default_factory=list)

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
