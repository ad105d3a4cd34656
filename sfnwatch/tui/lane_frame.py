"""How a width is shared out between the lanes, and how names and times are written."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, tzinfo

from msgspec import Struct, field

from sfnwatch.trace.heads import labels
from sfnwatch.trace.lanes import TASKS
from sfnwatch.trace.text import clean, duration
from sfnwatch.trace.values import replace
from sfnwatch.trace.words import Piece
from sfnwatch.tui.lane_line import GUTTER
from sfnwatch.tui.lane_words import gap_words
from sfnwatch.tui.layout import Layout

FOLD = 99
"""Narrower than this, which is 100 columns less the scrollbar, there is one lane."""
LEAST, MOST, LAST = 30, 64, 46
"""A lane of calls narrower than the first could not say how a call is tied, beyond one
wider than the second the next is far away; what stands in the last lane has no lanes
beyond it to run on over."""
TASK_LANE = 26
"""The lane of tasks has short words, but for how a task stopped."""
MARGIN = 1
_WHOLE_TIME, _SECONDS = 12, 8
_LEFT_SHARE, _LEFT_LEAST, _LEFT_MOST = 0.34, 38, 64
_SERVICE = 18
_MINUTE = 60
COLUMN, BEFORE = 43, 10
"""An execution's column has at least so many cells; before the first stands the time.
"""
_MANY = 3
"""With room for so many columns the others are a step away."""
_TIGHT = 4
"""The gutter of such a column."""
_CELL_SHARE, _CELL_LEAST = 0.46, 21
_LABEL, _SHORT_LABEL, _ROOMY = 10, 6, 56
"""Cells of what tells executions apart, with two blanks after it."""


def _as_it_is(text: str) -> str:
    return text


class Look(Struct, frozen=True):
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


class Columns(Struct, frozen=True):
    """How many cells each part of a line has."""

    left: int
    time: int
    right: int
    folded: bool
    label: int = 0
    """For what tells executions apart, with the blanks after it."""


def columns(width: int, *, several: bool = False) -> Columns:
    """Share out a width; the time comes first where there is but one lane.

    Of several executions each line says behind the time which one it is of.
    """
    label = (_LABEL if width >= _ROOMY else _SHORT_LABEL) if several else 0
    room = width - MARGIN - label
    if is_folded(width, several=several):
        time = _WHOLE_TIME if width >= _ROOMY else _SECONDS if width >= 34 else 0  # noqa: PLR2004
        rest = room - time - (2 if time else 0)
        return Columns(max(0, rest), time, right=0, folded=True, label=label)
    left = min(max(round(width * _LEFT_SHARE), _LEFT_LEAST), _LEFT_MOST)
    rest = room - left - 1 - _WHOLE_TIME - len(GUTTER)
    return Columns(left, _WHOLE_TIME, right=rest, folded=False, label=label)


def is_folded(width: int, *, several: bool = False) -> bool:
    """True where the width is enough for one lane only."""
    return width - (_LABEL if several else 0) < FOLD


class Frame(Struct, frozen=True):
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
    origin: datetime | None = None
    """Where times are told from; None: they are times of day."""
    cells: tuple["Frame", ...] = ()
    """One for each execution in view, where they stand beside each other."""
    first: int = 0
    """Which execution the first of those is."""
    tight: bool = False
    """True for such a one: few words, and no time of its own."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """What tells executions apart where they share a lane, each by its ARN."""

    def column_at(self, x: int) -> int | None:
        """Say which execution's column has a cell of the line; None if none has."""
        at = BEFORE
        for column, cell in enumerate(self.cells, start=self.first):
            at += cell.width + 1
            if x < at:
                return column if x >= BEFORE else None
        return None

    def offset(self, service: str) -> int:
        return self.lanes.get(service, 0)


def frame(layout: Layout, width: int, look: Look | None = None) -> Frame:
    """Give each service a lane if the width allows, or else name it on each row."""
    look = look or Look()
    told = _labels(layout, look)
    shown = frozenset(layout.services) - layout.shape.hidden_services
    others = shown - set(layout.primary)
    count = len(layout.primary)
    tasks = TASKS in layout.primary
    # Of one service the calls need not be told from each other, but from its tasks.
    apart = shown if count - tasks > 1 else others | (shown & {TASKS})
    share = columns(width, several=len(layout.heads) > 1)
    whole = Frame(width, share, look=look, origin=layout.origin, labels=told)
    if layout.beside:
        return _beside(layout, replace(whole, named=apart))
    if count <= 1 or share.right < LEAST * (count - tasks) + TASK_LANE * tasks:
        return replace(whole, named=apart)
    last = TASK_LANE if tasks else LAST
    room = min(share.right // count, (share.right - last) // (count - 1), MOST)
    lane = max(LEAST, room)
    lanes = {name: place * lane for place, name in enumerate(layout.primary)}
    return replace(whole, lanes=lanes, lane=lane, named=others)


def _labels(layout: Layout, look: Look) -> Mapping[str, str]:
    """Tell executions apart by names that are masked first, if they are to be."""
    names = [
        (look.mask(head.name), look.mask(head.machine or "")) for head in layout.heads
    ]
    told = labels(names, _LABEL - 2) if len(names) > 1 else ()
    heads = zip(layout.heads, told, strict=False)
    return {head.execution_arn: label for head, label in heads}


def room_beside(width: int, executions: int) -> bool:
    """True if the width is enough for all executions beside each other, or three."""
    fit = (width - BEFORE) // COLUMN
    return executions > 1 and fit >= min(executions, _MANY)


def _beside(layout: Layout, whole: Frame) -> Frame:
    """Share out a width between the executions; what is over goes to the first."""
    room = max(0, whole.width - BEFORE)
    executions = max(1, len(layout.heads))
    count = min(executions, max(1, room // COLUMN))
    each, over = divmod(room, count)
    cells = (_cell(each + (place < over) - 1, whole) for place in range(count))
    share = Columns(left=room, time=_SECONDS, right=0, folded=True)
    first = max(0, min(layout.first, executions - count))
    return replace(whole, share=share, cells=tuple(cells), first=first)


def _cell(width: int, like: Frame) -> Frame:
    inner = max(0, width - MARGIN - _TIGHT)
    left = min(max(round(inner * _CELL_SHARE), _CELL_LEAST), _LEFT_MOST, inner)
    share = Columns(left=left, time=0, right=inner - left, folded=False)
    return replace(like, width=width, share=share, tight=True)


def service_name(event_source: str) -> str:
    """Name a service as people do: `ecs` of `ecs.amazonaws.com`."""
    return clean(event_source.split(".", 1)[0], _SERVICE) or "?"


def lane_name(event_source: str) -> str:
    """Name a lane; Step Functions' own API is called beside its transitions."""
    name = service_name(event_source).upper()
    return "STATES API" if name == "STATES" else name


def when(at: datetime, frame: Frame, *, calls: bool = True) -> str:
    """Write a time as a page tells them: of the day, or since the start."""
    if frame.origin is not None:
        return offset_words((at - frame.origin).total_seconds(), whole=calls)
    return clock_words(frame.look.local(at), calls=calls)


def offset_words(seconds: float, *, whole: bool = False) -> str:
    """Write a time since a start; whole seconds are all that CloudTrail has."""
    sign = "-" if seconds < 0 else "+"
    if whole or abs(seconds) >= _MINUTE:
        return f"{sign}{gap_words(abs(round(seconds)))}"
    return f"{sign}{duration(abs(seconds))}"


def clock_words(at: datetime, *, calls: bool) -> str:
    """Write a time; whole seconds are all that CloudTrail has."""
    words = f"{at:%H:%M:%S}"
    return words if calls else f"{words}.{at.microsecond // 1000:03}"
