"""The line above the lanes: what each of them holds, and by which key it goes."""

from collections.abc import Iterator

from sfnwatch.trace.lanes import TASKS
from sfnwatch.trace.words import Piece, Tone
from sfnwatch.tui.cells import cells, cut, pad
from sfnwatch.tui.lane_frame import Frame, lane_name
from sfnwatch.tui.lane_line import GUTTER
from sfnwatch.tui.layout import Layout

_STATES: Piece = ("STEP FUNCTIONS", Tone.STRONG)
_TRANSITIONS: Piece = ("  state transitions", Tone.DIM)
_KEYS = 9
"""Services beyond these have no digit left."""


def draw_head(layout: Layout, frame: Frame) -> tuple[Piece, ...]:
    """Draw the names of the lanes, in the lanes' own columns."""
    share = frame.share
    blank: Piece = (" ", Tone.PLAIN)
    if share.folded:
        time = _when(layout, frame, share.time + 3) if share.time else ()
        lead = pad(time, max(share.time + 2, cells(time) + 1)) if time else ()
        room = frame.width - 1 - cells(lead)
        return pad((blank, *lead, *_one_lane(layout, room)), frame.width)
    left = pad((_STATES, _TRANSITIONS), share.left)
    gutter = share.time + len(GUTTER)
    time = pad(_when(layout, frame, gutter - 1), gutter)
    right = _over_lanes(layout, frame) if frame.lanes else _names(layout)
    return pad((blank, *left, blank, *time, *cut(right, share.right)), frame.width)


def _when(layout: Layout, frame: Frame, room: int) -> tuple[Piece, ...]:
    """Name the zone of the times and, if it is one for all of them, their date."""
    if layout.origin is not None:
        return (("from start", Tone.DIM),)
    begun = next((line.first.at for line in layout.lines if line.first), None)
    ended = next((row.at for line in reversed(layout.lines) for row in line.rows), None)
    zone: Piece = (frame.look.zone_name(begun), Tone.DIM)
    if begun is None or ended is None:
        return (zone,)
    first, last = frame.look.local(begun).date(), frame.look.local(ended).date()
    date: Piece = (f" {first:%Y-%m-%d}", Tone.DIM)
    return (zone, date) if first == last and cells((zone, date)) <= room else (zone,)


def _one_lane(layout: Layout, room: int) -> tuple[Piece, ...]:
    """Name both lanes in one; what only explains them goes first."""
    arrow: Piece = ("   → ", Tone.DIM)
    short = (_STATES, arrow, *_names(layout, whose=False))
    for whole in (
        (_STATES, _TRANSITIONS, arrow, *_names(layout)),
        (_STATES, _TRANSITIONS, arrow, *_names(layout, whose=False)),
    ):
        if cells(whole) <= room:
            return whole
    return cut(short, room)


def _over_lanes(layout: Layout, frame: Frame) -> Iterator[Piece]:
    """Name each lane where it begins; what has none comes after the last."""
    for service in layout.primary[:-1]:
        yield from pad(_service(layout, service), frame.lane)
    last = layout.primary[-1]
    yield from _service(layout, last)
    for service in layout.services:
        if service not in frame.lanes:
            yield ("   ", Tone.DIM)
            yield from _service(layout, service)
    yield from _others(layout)


def _names(layout: Layout, *, whose: bool = True) -> Iterator[Piece]:
    if not layout.services:
        yield ("API CALLS", Tone.STRONG)
    for place, service in enumerate(layout.services):
        if place:
            yield ("   ", Tone.DIM)
        yield from _service(layout, service)
    if whose and layout.invoked and len(layout.services) == 1:
        yield ("  by states.amazonaws.com", Tone.DIM)
    yield from _others(layout)


def _service(layout: Layout, service: str) -> Iterator[Piece]:
    yield from service_pieces(layout, service, layout.counts.get(service, 0))


def service_pieces(layout: Layout, service: str, count: int) -> Iterator[Piece]:
    """Name a service, with the digit that hides it where there are several."""
    number = layout.services.index(service) + 1
    if len(layout.services) > 1 and number <= _KEYS:
        yield (f"{number} ", Tone.ACTION)
    word = "call" if service != TASKS else "change"
    calls = f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"
    if service in layout.shape.hidden_services:
        yield (f"{lane_name(service)}  {calls} hidden", Tone.DIM)
        return
    own = service in layout.primary
    yield (lane_name(service), Tone.STRONG if own else Tone.DIM)
    yield (f"  {calls}", Tone.DIM)


def _others(layout: Layout) -> Iterator[Piece]:
    if layout.shaped.filtered:
        yield (f"   {layout.shaped.filtered:,} filtered", Tone.WARN)
    if layout.hidden:
        yield (f"   {layout.hidden:,} others hidden", Tone.DIM)
