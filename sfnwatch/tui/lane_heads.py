"""The lines above the lanes of several executions: who each is, and how it stands."""

from collections.abc import Iterator
from datetime import datetime

from sfnwatch.trace.heads import Head
from sfnwatch.trace.text import clean, clock, duration
from sfnwatch.trace.words import STATUS_GLYPHS, Piece, Tone, resource_words
from sfnwatch.tui.cells import cells, cut, pad
from sfnwatch.tui.draw_beside import WALL
from sfnwatch.tui.lane_frame import BEFORE, Frame
from sfnwatch.tui.lane_head import draw_head, service_pieces
from sfnwatch.tui.layout import Layout

Named = tuple[str, Tone | int]
"""Some text and its tone or, for an execution's name, the place of the execution."""
_LIMIT = 160
_GAP = 2


def draw_heads(
    layout: Layout, frame: Frame, now: datetime | None
) -> tuple[tuple[Named, ...], tuple[Named, ...]]:
    """Draw both lines; `now` is how far those have come that still run.

    Where there is room for one line only, it is the second.
    """
    if not layout.beside:
        return _legend(layout, frame, now), draw_head(layout, frame)
    who: list[Named] = [*_corner(_day(layout, frame))]
    beyond = _beyond(len(layout.heads), frame)
    what: list[Named] = [*_corner(f"{_zone(layout, frame)}{beyond}")]
    for place, own in enumerate(frame.cells, start=frame.first):
        head = layout.heads[place]
        wall: Piece = (f"{' ' if place == frame.first else WALL} ", Tone.DIM)
        who += [wall, *_who(head, place, frame, own.width - 2, now)]
        who.append((" ", Tone.PLAIN))
        what += [wall, *_what(layout, head, own)]
    return tuple(who), tuple(what)


def _corner(words: str) -> tuple[Piece, ...]:
    return pad(((f" {words}", Tone.DIM),), BEFORE)


def _beyond(executions: int, frame: Frame) -> str:
    """Say how many executions are out of view, to the left and to the right."""
    after = executions - frame.first - len(frame.cells)
    left = f" ‹{frame.first}" if frame.first else ""
    return f"{left} {after}›" if after > 0 else left


def _day(layout: Layout, frame: Frame) -> str:
    """Say which day it is, if it is one for all."""
    if layout.origin is not None:
        return "from"
    times = [h.started_at for h in layout.heads if h.started_at is not None]
    times += [h.stopped_at for h in layout.heads if h.stopped_at is not None]
    days = {frame.look.local(at).date() for at in times}
    return f"{days.pop():%d %b}" if len(days) == 1 else ""


def _zone(layout: Layout, frame: Frame) -> str:
    if layout.origin is not None:
        return "start"
    starts = (h.started_at for h in layout.heads if h.started_at is not None)
    return frame.look.zone_name(next(starts, None))


def _who(
    head: Head, place: int, frame: Frame, room: int, now: datetime | None
) -> Iterator[Named]:
    """Name an execution at the left, and say at the right how it stands."""
    told = state_pieces(head, now)
    spare = room - cells(told) - _GAP
    if spare < _LEAST:
        told = told[:1]
        spare = room - cells(told) - _GAP
    name = _name(head, frame, max(0, spare))
    yield (name, place)
    yield (" " * (room - len_of(name) - cells(told)), Tone.PLAIN)
    yield from told


_LEAST = 10
"""A name in fewer cells would say nothing; how it stands is said by its sign then."""


def len_of(words: str) -> int:
    return cells(((words, Tone.PLAIN),))


def _name(head: Head, frame: Frame, room: int) -> str:
    """Name machine and execution if there is room for both, else the execution."""
    for words in (head.whole_name, head.name):
        told = clean(frame.look.mask(words), _LIMIT)
        if len_of(told) <= room:
            return told
    return "".join(text for text, _ in cut(((told, Tone.PLAIN),), room))


def state_pieces(head: Head, now: datetime | None) -> tuple[Piece, ...]:
    """Say by sign and word how an execution stands, and for how long."""
    status = clean(head.status.lower().replace("_", " "), 20)
    glyph, tone = STATUS_GLYPHS.get(head.status.lower(), ("○", Tone.DIM))
    end = head.stopped_at or now
    told: Piece = (f"{glyph} {status}", tone)
    if head.started_at is None or end is None:
        return (told,)
    seconds = max(0.0, (end - head.started_at).total_seconds())
    words = duration(seconds) if head.stopped_at else clock(seconds)
    return (told, (f" {words}", Tone.STRONG))


def _what(layout: Layout, head: Head, own: Frame) -> Iterator[Piece]:
    """Say what an execution runs, above its states, and who was called, above those."""
    runs = " · ".join(resource_words(attempt) for attempt in head.runs)
    share = own.share
    left = ((own.look.mask(runs) or "STEP FUNCTIONS", Tone.ACTION),)
    room = own.width - 1 - share.right
    yield from pad(cut(left, room - 1), room)
    yield from pad(_services(layout, head), share.right)


def _services(layout: Layout, head: Head) -> Iterator[Piece]:
    counts = layout.calls.get(head.execution_arn, {})
    for place, service in enumerate(s for s in layout.services if s in counts):
        yield ("  " if place else "", Tone.DIM)
        yield from service_pieces(layout, service, counts[service])
    if not counts:
        yield ("no calls", Tone.DIM)


def _legend(layout: Layout, frame: Frame, now: datetime | None) -> tuple[Named, ...]:
    """Say by its label which execution is which, where all share a lane.

    The words of how each stands go where there is no room for those of all.
    """
    told = [_of_legend(head, frame, now) for head in layout.heads]
    room = frame.width - 1
    size = sum(len_of(label) + 1 + cells(state) for label, state in told)
    if size + 3 * (len(told) - 1) > room:
        told = [(label, _by_sign(state)) for label, state in told]
    said: list[Named] = [(" ", Tone.PLAIN)]
    for place, (label, state) in enumerate(told):
        size = len_of(label) + 1 + cells(state) + (3 if place else 0)
        if size > room:
            said.append(("  …", Tone.DIM))
            break
        room -= size
        said += [("   " if place else "", Tone.DIM), (label, place), (" ", Tone.DIM)]
        said += state
    return tuple(said)


def _of_legend(
    head: Head, frame: Frame, now: datetime | None
) -> tuple[str, tuple[Piece, ...]]:
    return frame.labels.get(head.execution_arn, ""), state_pieces(head, now)


def _by_sign(state: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """Leave of how an execution stands its sign, and how long it took."""
    (words, tone), *rest = state
    return ((words[:1], tone), *rest)
