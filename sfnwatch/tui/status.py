"""The status line in words: who, how far, how each source is doing.

Pure: the time comes in as a value, so the same words come out of live and replay.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal

from msgspec import Struct

from sfnwatch.trace.events import HealthState, SourceHealth
from sfnwatch.trace.health import by_lane
from sfnwatch.trace.text import clean, clock, duration
from sfnwatch.trace.timeline import Timeline, Trace
from sfnwatch.trace.values import replace
from sfnwatch.trace.words import STATUS_GLYPHS, Piece, Tone
from sfnwatch.tui.cells import cells, cut, pad
from sfnwatch.tui.lane_words import gap_words
from sfnwatch.tui.zones import stamp

Mode = Literal["live", "replay", "demo"]

_INSIDE = "children"
LANES = {
    "history": "history",
    "lookup": "CloudTrail",
    _INSIDE: "executions inside",
}
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
    HealthState.WAITING: ("⟲", Tone.DIM),
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
_NAME, _SHORT_NAME = 32, 8
"""Cells of an execution's name where there is room, and where there is hardly any."""
_FIRST = 10
"""The rank of what gives way first."""
_OUTCOME = len("✔ SUCCEEDED 59m 59s")
"""Cells kept for how an execution stands, whatever its clock shows."""
_BESIDES = 2 * len("   ") + len("REPLAY") + len("   ▼ CloudTrail draining, 15:00 left")
"""Cells kept for what else must be said, before the machine is named."""
_TICKING = {
    HealthState.LIVE: len("59m 59s behind"),
    HealthState.RETRYING: len("retrying, again in 60 s"),
    HealthState.THROTTLED: len("throttled, again in 60 s"),
    HealthState.DRAINING: len("draining, 15:00 left"),
}
"""Cells kept for words that count, so that nothing comes and goes as they do."""


class View(Struct, frozen=True):
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
    masked: bool = False
    """True while it does."""


class Part(Struct, frozen=True):
    """Some words, and how soon they give way: the highest number first, 0 never."""

    rank: int
    pieces: tuple[Piece, ...]
    shorter: tuple[Piece, ...] = ()
    """The same in fewer words."""
    shorter_rank: int = 0
    spare: int = 0
    """Cells that the words may still grow by, as they count."""


def status_line(trace: Trace, view: View, width: int) -> tuple[Piece, ...]:
    """Say it all in one line of `width` cells; what matters least goes first."""
    parts = [part for part in _parts(trace, view, width) if part.pieces]
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
    return cells(_joined(parts)) + sum(part.spare for part in parts)


def _parts(trace: Trace, view: View, width: int) -> Iterator[Part]:
    yield Part(_FIRST, (("sfnwatch", Tone.STRONG),))
    yield Part(1, _who(trace, view, width))
    outcome = _outcome(trace, view.now)
    yield Part(0, outcome, spare=max(0, _OUTCOME - cells(outcome)) if outcome else 0)
    yield _badge(view)
    yield Part(3, _mode(view))
    yield Part(4, (("masked", Tone.STRONG),) if view.masked else ())
    for lane, rank in (("history", 8), ("lookup", 5)):
        if lane in trace.health and not view.happened:
            yield _source(trace, lane, rank, view)
    recording = (("●", Tone.BAD), (" rec", Tone.DIM)) if view.recording else ()
    yield Part(6, recording)
    yield from _counts(trace)


def _source(trace: Trace, lane: str, rank: int, view: View) -> Part:
    """Say how a source is doing; trouble stays when little else does."""
    health = trace.health[lane]
    words = health_pieces(health, trace.told_at(lane), view.now, view.zone)
    counts = health.lag is not None or health.state is not HealthState.LIVE
    kept = _TICKING.get(health.state, 0) if counts else 0
    return Part(
        2 if health.state in TROUBLE else rank,
        words,
        words[:3],
        shorter_rank=7,
        spare=max(0, kept - cells(words[2:3])),
    )


def _counts(trace: Trace) -> Iterator[Part]:
    """Say what can't be seen in the lanes: what was unreadable, and what was asked."""
    if trace.unread:
        yield Part(2, ((f"▲ {len(trace.unread)} unread", Tone.WARN),))
    requests = sum(health.requests for health in trace.health.values())
    if requests:
        yield Part(_FIRST, ((f"{requests} requests", Tone.DIM),))


def _who(trace: Trace, view: View, width: int) -> tuple[Piece, ...]:
    """Name what is watched, in words that only the width decides on."""
    if len(trace.timelines) > 1:
        return ((f"{len(trace.timelines)} executions", Tone.STRONG),)
    for timeline in trace.timelines.values():
        name = _named(view.mask(timeline.name), Tone.STRONG, width)
        machine = view.mask(timeline.state_machine_name or "")
        whole = (*_named(machine, Tone.PLAIN, width), (" › ", Tone.DIM), *name)
        roomy = cells(whole) + _OUTCOME + _BESIDES < width
        return whole if machine and roomy else name
    title = ((clean(view.mask(view.title), 2 * _NAME), Tone.STRONG),)
    return title if view.title else ()


def _named(name: str, tone: Tone, width: int) -> tuple[Piece, ...]:
    """Give a name the room of most: one that was generated may have 80 characters."""
    room = min(_NAME, max(_SHORT_NAME, width * 2 // 5))
    return cut(((clean(name, 2 * _NAME), tone),), room)


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
    # Of several, no one length of time is that of any of them.
    if len(timelines) == 1:
        pieces += _elapsed(timelines[0], now)
    return tuple(pieces)


def _elapsed(timeline: Timeline, now: datetime) -> Iterator[Piece]:
    """Count up while it runs; then say how long it took, as everywhere else."""
    start, end = timeline.started_at, timeline.stopped_at
    if start is None:
        return
    seconds = ((end or now) - start).total_seconds()
    yield (f" {duration(seconds) if end else clock(seconds)}", Tone.STRONG)


def _badge(view: View) -> Part:
    new = f"{view.fresh} new"
    if view.past and view.mode != "replay":
        return _warned("‖ in the past, l for live", "‖ past")
    if view.paused:
        return _warned(f"‖ paused, {new}" if view.fresh else "‖ paused", "‖ paused")
    if view.fresh:
        return _warned(f"↓ {new}", f"↓ {view.fresh}")
    words: Piece = ("ended, q to quit", Tone.DIM)
    shorter: Piece = ("ended", Tone.DIM)
    return Part(7, (words,) if view.ended else (), (shorter,), shorter_rank=9)


def _warned(words: str, shorter: str) -> Part:
    """Say that what is shown is not all there is."""
    return Part(0, ((words, Tone.WARN),), ((shorter, Tone.WARN),), shorter_rank=7)


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
        case HealthState.WAITING:
            return "waiting for a redrive"
    return health.state.value


def _left(health: SourceHealth, at: datetime | None, now: datetime) -> int:
    """Count the seconds down to the next try, from when it was announced."""
    if health.retry_in is None:
        return 0
    again = (at or now) + timedelta(seconds=min(health.retry_in, 86_400))
    return max(0, round((again - now).total_seconds()))


def lag_words(seconds: float) -> str:
    """Write a lag in whole seconds: `45 s`, `2m 14s`."""
    return gap_words(max(0.0, seconds))


def troubles(
    trace: Trace, mask: Callable[[str], str] = str
) -> Iterator[tuple[Piece, ...]]:
    """Yield the message of each source that is in trouble, for the banner.

    Of many executions inside others, which mostly fail alike, one speaks for all.
    """
    in_trouble = [h for h in trace.each_health if h.state in TROUBLE and h.message]
    inside = [h for h in in_trouble if h.lane == _INSIDE]
    if len(inside) > 1:
        worst = by_lane(inside)[_INSIDE]
        told = replace(worst, message=f"{worst.message} And {len(inside) - 1} more.")
        in_trouble = [*(h for h in in_trouble if h.lane != _INSIDE), told]
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
    return "nothing yet: CloudTrail is minutes behind"
