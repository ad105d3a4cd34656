"""The line above the lanes: what each of them holds, and by which key it goes."""

from collections.abc import Iterator

from sfnwatch.trace.words import Piece, Tone
from sfnwatch.tui.cells import cut, pad
from sfnwatch.tui.lane_frame import Frame, lane_name
from sfnwatch.tui.lane_line import GUTTER
from sfnwatch.tui.layout import Layout

_KEYS = 9
"""Services beyond these have no digit left."""


def draw_head(layout: Layout, frame: Frame) -> tuple[Piece, ...]:
    """Draw the names of the lanes, in the lanes' own columns."""
    share = frame.share
    states: list[Piece] = [("STEP FUNCTIONS", Tone.STRONG)]
    states.append(("  state transitions", Tone.DIM))
    begun = next((line.first.at for line in layout.lines if line.first), None)
    time = pad(((frame.look.zone_name(begun), Tone.DIM),), share.time)
    blank: Piece = (" ", Tone.PLAIN)
    if share.folded:
        lead = (*time, ("  ", Tone.PLAIN)) if share.time else ()
        both = (*states, ("   → ", Tone.DIM), *_names(layout))
        return pad((blank, *lead, *cut(both, share.left)), frame.width)
    left = pad(states, share.left)
    gutter = (GUTTER, Tone.PLAIN)
    right = _over_lanes(layout, frame) if frame.lanes else _names(layout)
    return pad(
        (blank, *left, blank, *time, gutter, *cut(right, share.right)), frame.width
    )


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


def _names(layout: Layout) -> Iterator[Piece]:
    if not layout.services:
        yield ("API CALLS", Tone.STRONG)
        yield ("  by states.amazonaws.com", Tone.DIM)
    for place, service in enumerate(layout.services):
        if place:
            yield ("   ", Tone.DIM)
        yield from _service(layout, service)
    if len(layout.services) == 1:
        yield ("  by states.amazonaws.com", Tone.DIM)
    yield from _others(layout)


def _service(layout: Layout, service: str) -> Iterator[Piece]:
    """Name a service, with the digit that hides it where there are several."""
    number = layout.services.index(service) + 1
    if len(layout.services) > 1 and number <= _KEYS:
        yield (f"{number} ", Tone.ACTION)
    count = layout.counts.get(service, 0)
    calls = f"{count:,} call" if count == 1 else f"{count:,} calls"
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
