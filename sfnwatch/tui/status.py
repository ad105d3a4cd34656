"""The status line in words: who, how far, how each source is doing.

Pure: the time comes in as a value, so the same words come out of live and replay.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal

from sfnwatch.trace.events import HealthState, SourceHealth
from sfnwatch.trace.text import clean, clock
from sfnwatch.trace.timeline import Timeline, Trace
from sfnwatch.trace.words import STATUS_GLYPHS, Piece, Tone
from sfnwatch.tui.cells import cells, cut, pad
from sfnwatch.tui.zones import stamp

Mode = Literal["live", "replay", "demo"]

LANES = {"history": "history", "lookup": "CloudTrail"}
"""A lane's source to the name people know it by; others are named as they are."""

_STATES = {
    HealthState.CONNECTING: ("○", Tone.DIM),
    HealthState.LIVE: ("●", Tone.GOOD),
    HealthState.THROTTLED: ("▲", Tone.WARN),
    HealthState.RETRYING: ("▲", Tone.WARN),
    HealthState.DENIED: ("✘", Tone.BAD),
    HealthState.EXPIRED: ("✘", Tone.BAD),
    HealthState.REFUSED: ("✘", Tone.BAD),
    HealthState.DRAINING: ("▼", Tone.BUSY),
    HealthState.ENDED: ("■", Tone.DIM),
}
TROUBLE = frozenset(
    {
        HealthState.THROTTLED,
        HealthState.RETRYING,
        HealthState.DENIED,
        HealthState.EXPIRED,
        HealthState.REFUSED,
    }
)
"""States whose message is worth a line of its own."""
PASSING = frozenset({HealthState.THROTTLED, HealthState.RETRYING})
"""Trouble that goes by itself."""
_GAP: Piece = ("   ", Tone.PLAIN)
_NAME = 32
_FIRST = 9
"""The rank of what gives way first."""


@dataclass(frozen=True, slots=True)
class View:
    """What the screen itself has to say."""

    now: datetime
    mode: Mode = "live"
    title: str = ""
    recording: bool = False
    paused: bool = False
    ended: bool = False
    fresh: int = 0
    """How many records came in that are not in view."""
    past: bool = False
    """True while another moment than the last is shown."""
    happened: bool = False
    """True as it happened: how the sources did is no part of that."""
    zone: tzinfo = UTC
    """Where times are told."""
    mask: Callable[[str], str] = str
    """Puts aliases in the place of names."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some words, and how soon they give way: the highest number first, 0 never."""

    rank: int
    pieces: tuple[Piece, ...]
    shorter: tuple[Piece, ...] = ()
    """The same in fewer words."""
    shorter_rank: int = 0


def status_line(trace: Trace, view: View, width: int) -> tuple[Piece, ...]:
    """Say it all in one line of `width` cells; what matters least goes first."""
    parts = [part for part in _parts(trace, view) if part.pieces]
    for step in range(_FIRST, 0, -1):
        if _length(parts) <= width:
            break
        parts = [
            replace(part, pieces=part.shorter) if part.shorter_rank == step else part
            for part in parts
            if part.rank != step
        ]
    return pad(_joined(parts), width)


def _joined(parts: Iterable[Part]) -> Iterator[Piece]:
    yield (" ", Tone.PLAIN)
    for number, part in enumerate(parts):
        if number:
            yield _GAP
        yield from part.pieces


def _length(parts: list[Part]) -> int:
    return cells(_joined(parts))


def _parts(trace: Trace, view: View) -> Iterator[Part]:
    yield Part(_FIRST, (("sfnwatch", Tone.STRONG),))
    yield Part(1, _who(trace, view), _who(trace, view, short=True), shorter_rank=5)
    yield Part(0, _outcome(trace, view.now))
    yield Part(0, _badge(view))
    yield Part(3, _mode(view))
    for lane, rank in (("history", 7), ("lookup", 4)):
        health = trace.health.get(lane)
        if health is not None and not view.happened:
            at = trace.healths[lane].at
            words = health_pieces(health, at, view.now, view.zone)
            last = 2 if health.state in TROUBLE else rank
            yield Part(last, words, words[:3], shorter_rank=6)
    recording = (("●", Tone.BAD), (" rec", Tone.DIM)) if view.recording else ()
    yield Part(8, recording)
    yield from _counts(trace)


def _counts(trace: Trace) -> Iterator[Part]:
    """Say what can't be seen in the lanes: what was unreadable, and what was asked."""
    if trace.unread:
        yield Part(2, ((f"▲ {len(trace.unread)} unread", Tone.WARN),))
    requests = sum(health.requests for health in trace.health.values())
    if requests:
        yield Part(9, ((f"{requests} requests", Tone.DIM),))


def _who(trace: Trace, view: View, *, short: bool = False) -> tuple[Piece, ...]:
    if len(trace.timelines) > 1:
        return ((f"{len(trace.timelines)} executions", Tone.STRONG),)
    for timeline in trace.timelines.values():
        name = _named(view.mask(timeline.name), Tone.STRONG)
        machine = timeline.state_machine_name
        if short or machine is None:
            return name
        machine = view.mask(machine)
        return (*_named(machine, Tone.PLAIN), (" › ", Tone.DIM), *name)
    if not view.title:
        return ()
    return ((clean(view.mask(view.title), 2 * _NAME), Tone.STRONG),)


def _named(name: str, tone: Tone) -> tuple[Piece, ...]:
    """Give a name the room of most: one that was generated may have 80 characters."""
    return cut(((clean(name, 2 * _NAME), tone),), _NAME)


def _outcome(trace: Trace, now: datetime) -> tuple[Piece, ...]:
    timelines = list(trace.timelines.values())
    if not timelines:
        return ()
    counted = Counter(timeline.status for timeline in timelines)
    pieces: list[Piece] = []
    for status, count in counted.items():
        glyph, tone = STATUS_GLYPHS.get(status.lower(), ("○", Tone.DIM))
        number = f"{count} " if len(timelines) > 1 else ""
        space = "  " if pieces else ""
        pieces.append((f"{space}{glyph} {number}{clean(status, _NAME)}", tone))
    elapsed = _elapsed(timelines, now)
    if elapsed is not None:
        pieces.append((f" {clock(elapsed)}", Tone.STRONG))
    return tuple(pieces)


def _elapsed(timelines: Iterable[Timeline], now: datetime) -> float | None:
    """Count from the first start to the last end, or to now while one runs."""
    known = [(t.started_at, t.stopped_at) for t in timelines]
    starts = [start for start, _ in known if start is not None]
    if not starts:
        return None
    ends = [end or now for start, end in known if start is not None]
    return (max(ends) - min(starts)).total_seconds()


def _badge(view: View) -> tuple[Piece, ...]:
    if view.past and view.mode != "replay":
        return (("‖ in the past, l for live", Tone.WARN),)
    if view.paused:
        return ((f"‖ paused, {view.fresh} new", Tone.WARN),)
    if view.fresh:
        return ((f"↓ {view.fresh} new", Tone.WARN),)
    return (("ended, q to quit", Tone.DIM),) if view.ended else ()


def _mode(view: View) -> tuple[Piece, ...]:
    return () if view.mode == "live" else ((view.mode.upper(), Tone.WARN),)


# -- sources -----------------------------------------------------------------------


def health_pieces(
    health: SourceHealth,
    at: datetime | None,
    now: datetime,
    zone: tzinfo = UTC,
) -> tuple[Piece, ...]:
    """Say how a source is doing; `at` is when it said so itself."""
    glyph, tone = _STATES[health.state]
    name = LANES.get(health.lane, clean(health.lane, _NAME))
    words = _words(health, at, now)
    pieces = ((glyph, tone), (f" {name} ", Tone.DIM), (words, tone))
    if health.complete_to is None:
        return pieces
    complete = stamp(health.complete_to, zone, millis=False)
    return (*pieces, (f", complete to {complete}", Tone.DIM))


def _words(health: SourceHealth, at: datetime | None, now: datetime) -> str:
    match health.state:
        case HealthState.RETRYING | HealthState.THROTTLED:
            left = _left(health, at, now)
            return f"{health.state}, again in {left} s" if left else health.state.value
        case HealthState.DRAINING if health.until is not None:
            return f"draining, {clock((health.until - now).total_seconds())} left"
        case HealthState.LIVE if health.lag is not None:
            return f"{lag_words(health.lag)} behind"
        case HealthState.EXPIRED:
            return "credentials expired"
    return health.state.value


def _left(health: SourceHealth, at: datetime | None, now: datetime) -> int:
    """Count the seconds down to the next try, from when it was announced."""
    if health.retry_in is None:
        return 0
    again = (at or now) + timedelta(seconds=min(health.retry_in, 86_400))
    return max(0, round((again - now).total_seconds()))


def lag_words(seconds: float) -> str:
    """Write a lag as people say it: `45s`, `2m14s`."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    return f"{minutes}m{rest:02}s" if minutes else f"{rest}s"


def troubles(
    trace: Trace, mask: Callable[[str], str] = str
) -> Iterator[tuple[Piece, ...]]:
    """Yield the message of each source that is in trouble, for the banner."""
    in_trouble = [h for h in trace.health.values() if h.state in TROUBLE and h.message]
    for health in sorted(in_trouble, key=lambda h: (h.state in PASSING, h.lane)):
        glyph, tone = _STATES[health.state]
        name = LANES.get(health.lane, clean(health.lane, _NAME))
        yield (
            (f"{glyph} {name} {health.state}", tone),
            (f"  {clean(mask(health.message), 600)}", Tone.PLAIN),
        )


def quiet_words(trace: Trace, *, ended: bool = False) -> str:
    """Say why there are no calls to see, as well as can be known."""
    health = trace.health.get("lookup")
    if health is not None and health.state in TROUBLE:
        return f"no calls: CloudTrail {health.state}"
    if health is not None and health.message:
        return clean(health.message, 400)
    if ended or (health is not None and health.state is HealthState.ENDED):
        return "no calls were recorded"
    return "nothing yet: CloudTrail is usually some minutes behind"
