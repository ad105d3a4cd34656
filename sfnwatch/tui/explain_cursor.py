"""Where the cursor goes among lines of which several may be one thing.

Pure. A sentence may be longer than the view: whoever goes on line by line must see all
of it, and what stands between it and the next, before the cursor leaves it.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Literal

from msgspec import Struct

from sfnwatch.tui.explain_lines import Line, Target

Way = Literal[-1, 1]


class Stop(Struct, frozen=True):
    """What the cursor can be on, and the lines it takes."""

    target: Target
    first: int
    last: int


class View(Struct, frozen=True):
    """Which lines are in view, and how many there are."""

    top: int
    height: int
    lines: int

    @property
    def bottom(self) -> int:
        return self.top + self.height - 1

    @property
    def most(self) -> int:
        """The furthest that the view can be moved down."""
        return max(0, self.lines - self.height)

    @property
    def page(self) -> int:
        """The lines of a page: one of the page before stays, if there is room."""
        return max(1, self.height - 1)

    def to(self, top: int) -> int:
        return max(0, min(top, self.most))


def stops_of(lines: Sequence[Line]) -> Iterator[Stop]:
    """Find what the cursor can be on, in the order of the lines."""
    for target, run in groupby(enumerate(lines), lambda pair: pair[1].target):
        places = [place for place, _ in run]
        if target is not None:
            yield Stop(target, places[0], places[-1])


def found_in(stops: Sequence[Stop], held: Stop | None, otherwise: int) -> int:
    """Find what the cursor was on among other stops, or else one near it."""
    places = {stop.target.key: place for place, stop in enumerate(stops)}
    known = places.get(held.target.key) if held else None
    return max(0, min(otherwise, len(stops) - 1)) if known is None else known


def revealed(stops: Sequence[Stop], place: int, view: View) -> int:
    """Say where the top must be for a stop to be in view, with what leads to it.

    Of what is longer than the view it is the beginning.
    """
    stop = stops[place]
    begin = stops[place - 1].last + 1 if place else 0
    end = view.lines - 1 if place == len(stops) - 1 else stop.last
    if end - begin >= view.height:
        begin, end = stop.first, stop.last
    if begin < view.top:
        return view.to(begin)
    if end > view.bottom:
        return view.to(min(end - view.height + 1, stop.first))
    return view.top


def stepped(stops: Sequence[Stop], place: int, view: View, way: Way) -> tuple[int, int]:
    """Go on by one: give the stop, and the top. No line is passed unseen."""
    after = place + way
    if not _read(stops, place, view):
        after = max(0, min(after, len(stops) - 1))
        return after, revealed(stops, after, view)
    ahead = stops[after] if 0 <= after < len(stops) else None
    return (
        _down(stops, place, view, ahead) if way > 0 else _up(place, view, ahead, stops)
    )


def _read(stops: Sequence[Stop], place: int, view: View) -> bool:
    """True if a stop, or what lies between it and its neighbours, is in view."""
    first = stops[place - 1].last if place else 0
    last = stops[place + 1].first if place + 1 < len(stops) else view.lines
    return first <= view.bottom and last >= view.top


def _down(
    stops: Sequence[Stop], place: int, view: View, ahead: Stop | None
) -> tuple[int, int]:
    stop = stops[place]
    if stop.last > view.bottom:
        return place, view.to(view.top + min(stop.last - view.bottom, view.page))
    if ahead is None:
        return place, view.to(view.top + view.page)
    if ahead.first > view.bottom + 1:
        top = view.top + min(ahead.first - view.bottom, view.page)
        return place + (ahead.first < top + view.height), view.to(top)
    if ahead.last <= view.bottom:
        return place + 1, view.top
    return place + 1, view.to(min(ahead.last - view.height + 1, ahead.first))


def _up(
    place: int, view: View, ahead: Stop | None, stops: Sequence[Stop]
) -> tuple[int, int]:
    stop = stops[place]
    if stop.first < view.top:
        return place, view.to(view.top - min(view.top - stop.first, view.page))
    if ahead is None:
        return place, view.to(view.top - view.page)
    if ahead.last < view.top - 1:
        top = view.top - min(view.top - ahead.last, view.page)
        return place - (ahead.last >= top), view.to(top)
    begin = stops[place - 2].last + 1 if place > 1 else 0
    if begin >= view.top:
        return place - 1, view.top
    return place - 1, view.to(max(begin, ahead.last - view.height + 1))


def paged(stops: Sequence[Stop], place: int, view: View, way: Way) -> tuple[int, int]:
    """Go on by a page: give the stop that is there, and the top."""
    top = view.to(view.top + way * view.page)
    if top == view.top:
        return (len(stops) - 1 if way > 0 else 0), top
    begun = [n for n, stop in enumerate(stops) if stop.first <= top + view.height - 1]
    fresh = [n for n in begun if stops[n].first >= top]
    found = fresh[0] if fresh else begun[-1] if begun else place
    return found, top
