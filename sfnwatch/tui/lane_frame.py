"""How a width is shared out between the lanes, and how names and times are written."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from sfnwatch.trace.text import clean
from sfnwatch.trace.words import Piece
from sfnwatch.tui.lane_line import GUTTER
from sfnwatch.tui.layout import Layout

FOLD = 99
"""Narrower than this, which is 100 columns less the scrollbar, there is one lane."""
LEAST, MOST, LAST = 30, 64, 46
"""A lane of calls narrower than the first could not say how a call is tied, beyond one
wider than the second the next is far away; what stands in the last lane has no lanes
beyond it to run on over."""
MARGIN = 1
_WHOLE_TIME, _SECONDS = 12, 8
_LEFT_SHARE, _LEFT_LEAST, _LEFT_MOST = 0.34, 38, 64
_SERVICE = 18


def _as_it_is(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Look:
    """How times and names are shown: to whom, and where they are."""

    zone: tzinfo | None = None
    """None: UTC."""
    mask: Callable[[str], str] = _as_it_is

    def masked(self, pieces: Iterable[Piece]) -> Iterator[Piece]:
        for text, tone in pieces:
            yield (self.mask(text), tone)

    def local(self, at: datetime) -> datetime:
        return at.astimezone(self.zone or UTC)

    def zone_name(self, at: datetime | None) -> str:
        if self.zone is None:
            return "UTC"
        name = self.local(at).tzname() if at else self.zone.tzname(None)
        return clean(name or "local", _WHOLE_TIME)


@dataclass(frozen=True, slots=True)
class Columns:
    """How many cells each part of a line has."""

    left: int
    time: int
    right: int
    folded: bool


def columns(width: int) -> Columns:
    """Share out a width; the time comes first where there is but one lane."""
    if width < FOLD:
        time = _WHOLE_TIME if width >= 56 else _SECONDS if width >= 34 else 0  # noqa: PLR2004
        rest = width - MARGIN - time - (2 if time else 0)
        return Columns(left=max(0, rest), time=time, right=0, folded=True)
    left = min(max(round(width * _LEFT_SHARE), _LEFT_LEAST), _LEFT_MOST)
    rest = width - MARGIN - left - 1 - _WHOLE_TIME - len(GUTTER)
    return Columns(left=left, time=_WHOLE_TIME, right=rest, folded=False)


@dataclass(frozen=True, slots=True)
class Frame:
    """What all lines of a page are drawn into."""

    width: int
    share: Columns
    lanes: Mapping[str, int] = field(default_factory=dict)
    """The services that have a lane of their own, and how far right it begins."""
    lane: int = 0
    """How wide each of those is."""
    named: frozenset[str] = frozenset()
    """The services that are named on each row."""
    look: Look = field(default_factory=Look)

    def offset(self, service: str) -> int:
        return self.lanes.get(service, 0)


def frame(layout: Layout, width: int, look: Look | None = None) -> Frame:
    """Give each service a lane if the width allows, or else name it on each row."""
    share, look = columns(width), look or Look()
    hidden = layout.shape.hidden_services
    shown = frozenset(layout.services) - hidden
    count = len(layout.primary)
    if count > 1 and share.right // count < LEAST:
        return Frame(width, share, named=shown, look=look)
    others = shown - set(layout.primary)
    if count <= 1:
        return Frame(width, share, named=others, look=look)
    room = min(share.right // count, (share.right - LAST) // (count - 1), MOST)
    lane = max(LEAST, room)
    lanes = {name: place * lane for place, name in enumerate(layout.primary)}
    return Frame(width, share, lanes=lanes, lane=lane, named=others, look=look)


def service_name(event_source: str) -> str:
    """Name a service as people do: `ecs` of `ecs.amazonaws.com`."""
    return clean(event_source.split(".", 1)[0], _SERVICE) or "?"


def lane_name(event_source: str) -> str:
    """Name a lane; Step Functions' own API is called beside its transitions."""
    name = service_name(event_source).upper()
    return "STATES API" if name == "STATES" else name


def clock_words(at: datetime, *, calls: bool) -> str:
    """Write a time; whole seconds are all that CloudTrail has."""
    words = f"{at:%H:%M:%S}"
    return words if calls else f"{words}.{at.microsecond // 1000:03}"
