"""The player: its keys, its words, and the minimap, to click and drag."""

import time
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, pairwise
from math import ceil, sqrt
from typing import TYPE_CHECKING

from textual import events
from textual.timer import Timer

from sfnwatch.model.time_axis import TimeAxis
from sfnwatch.model.times import duration
from sfnwatch.model.trace import Changed
from sfnwatch.tui.actions import Command
from sfnwatch.tui.pace import PATIENCE, Pace
from sfnwatch.tui.paint import Rows, Span, width_of
from sfnwatch.tui.screen_state import ScreenState, Seek
from sfnwatch.tui.status import Words, fitted, joined, said
from sfnwatch.view.line import Line
from sfnwatch.view.markers import Marker, MarkerKind
from sfnwatch.view.parts import status_glyph
from sfnwatch.view.playback import Playback
from sfnwatch.view.time_scale import PlaybackSpan, TimeScale

if TYPE_CHECKING:
    from sfnwatch.tui.app import SfnwatchApp

_BLOCKS = "▁▂▃▄▅▆▇█"
"""Bars from low to high, for few records and for many."""
_IDLE = "▁"
"""The lowest bar: nothing came."""
_MANY = 16
"""Things in a column that fill its bar, if no column has more."""
_LEAST = 24
"""Cells that a minimap needs to be useful."""
_PATIENCE_OF_MAP = 40
"""A map stays this many times as long as it took to make, before the next."""
FRAMES = 20
"""Frames in a second while a recording plays."""
GLIMPSE = 0.5
"""Seconds of playing. A recording that plays for less has only been opened, not
watched: as one that had ended when it was opened."""
_STEP = 5
_MINUTE = 60
_FEW = 4
"""Most cuts that are drawn; more would be all that one sees."""
_CLOCKS = {TimeAxis.ARRIVAL: "arrival time", TimeAxis.EVENT: "event time"}
_LOOKS: Mapping[MarkerKind, Span] = {
    MarkerKind.FAILED: Span("✘", "role--bad"),
    MarkerKind.DENIED: Span("", "role--bad"),
    MarkerKind.ENDED: Span("■", "role--name"),
    MarkerKind.REDRIVEN: Span("⟲", "role--warn"),
    MarkerKind.RETRIED: Span("", "role--warn"),
    MarkerKind.CAUGHT: Span("", "role--warn"),
    MarkerKind.FIRST_POLL: Span("", "role--poll"),
    MarkerKind.LEARNED: Span("", "role--event"),
}
"""How a column with such a mark looks: a sign, or the color of its bar."""
SIGNS: Sequence[tuple[str, str]] = (
    ("▁▃▅█", "how much came: nothing, little, much"),
    ("▼", "the moment that is shown"),
    ("✘", "a try, a state or a call failed; a red bar: a call was denied"),
    ("✔ ✘ ◷ ■", "the execution ended: succeeded, failed, timed out, aborted"),
    ("⟲", "the execution was redriven"),
    ("╱", "idle time, squeezed: no even scale"),
    ("● ▶ ‖ ■", "live, playing, paused, at the end"),
)
"""Each sign of the player, and what it means."""
_CROWD = 2_000
_RANKS = {kind: rank for rank, kind in enumerate(MarkerKind)}


class Minimap:
    """All the time there is, cut into columns; the player's place is drawn later."""

    def __init__(
        self,
        playback: Playback,
        scale: TimeScale,
        markers: Sequence[Marker],
        width: int,
    ) -> None:
        self._scale = scale
        self.width = width
        self._clock = playback.clock
        times = playback.moments.times
        # Columns are far fewer than moments: search only for the begin of each column.
        starts = [bisect_left(times, c, key=self.column) for c in range(width + 1)]
        counts = [end - begin for begin, end in pairwise(starts)]
        most = max(_MANY, *counts)
        top = len(_BLOCKS) - 1
        # By the square root; otherwise one burst would flatten the rest.
        self._bars = [_BLOCKS[ceil(top * sqrt(count / most))] for count in counts]
        self.marks: dict[int, list[Marker]] = {}
        """Each column's marks; the first one is drawn."""
        for marker in markers:
            column = self.column(marker.when(self._clock))
            self.marks.setdefault(column, []).append(marker)
        for found in self.marks.values():
            found.sort(key=lambda marker: _RANKS[marker.kind])
        knots = scale.cuts if len(scale.cuts) <= _FEW else ()
        self._cuts = {*chain.from_iterable(map(self._middle_of, knots))}
        """The columns that show where idle time is shortened."""

    def _middle_of(self, knot: int) -> Sequence[int]:
        """Return a free column near the middle of a squeezed gap; empty if none."""
        first, last = map(self.column, self._scale.knots[knot : knot + 2])
        between = range(first + 1, last)
        free = [c for c in between if c not in self.marks and self._bars[c] == _IDLE]
        return free[len(free) // 2 :][:1]

    def column(self, at: datetime) -> int:
        """Return the column of a moment."""
        return round(self._scale.place(at) * (self.width - 1))

    def at(self, column: int) -> datetime:
        """Return the moment that a column stands for: of its first mark, if any."""
        marks = self.marks.get(column)
        last = self.width - 1
        if marks and 0 < column < last:
            return marks[0].when(self._clock)
        return self._scale.at(column / max(1, last))

    def cell(self, column: int, playhead: int) -> Span:
        """Return a column as a span; what has been played stands out."""
        if column == playhead:
            return Span("▼", "look--playhead")
        bar = self._bars[column]
        marks = self.marks.get(column)
        if marks and marks[0].kind in _LOOKS:
            sign = _LOOKS[marks[0].kind].text
            look = _LOOKS[marks[0].kind].look
            if marks[0].kind is MarkerKind.ENDED:
                glyph = status_glyph(marks[0].status)
                sign = glyph.text
                look = f"role--{glyph.role}"
            return Span(sign or bar, look)
        if column in self._cuts:
            return Span("╱", "look--faint")
        return Span(bar, "look--bar" if column < playhead else "look--faint")


# -- the player's words ----------------------------------------------------------------


def player_words(screen_state: ScreenState) -> Iterator[Words]:
    """Yield how it plays, where it is, and by which clock, in words."""
    playback = screen_state.playback
    span = playback.span
    if span is None:
        yield said(0, "nothing to play yet", "look--faint")
        return
    sign, word, look = _sign(playback)
    yield Words(5, [Span(sign, look), Span(f" {word:<7}", look)], [Span(sign, look)])
    if not playback.live:
        yield said(3, f"{f'{playback.speed:g}×'.removeprefix('0'):<4}", "role--name")
    now = screen_state.now
    yield said(0, screen_state.looks.time_of_day(now, whole=True), "role--name")
    yield _lengths(screen_state, now, span)
    if not (playback.replay or playback.live) and playback.growing:
        behind = duration(max(0.0, (screen_state.clock.now() - now).total_seconds()))
        yield said(2, f"{behind} behind live", "role--warn")
    yield said(7, _CLOCKS[playback.clock], "look--faint")
    if playback.squeeze:
        yield said(8, "idle squeezed", "look--faint")
    if playback.looping:
        yield said(9, "∞ loop", "look--faint")


def _sign(playback: Playback) -> tuple[str, str, str]:
    """Return how it plays: a sign, a word, and their look."""
    if playback.live and playback.growing:
        return "●", "live", "role--busy"
    if playback.playing:
        return "▶", "playing", "role--busy"
    if playback.ended:
        return "■", "end", "look--faint"
    return "‖", "paused", "role--warn"


def _lengths(screen_state: ScreenState, now: datetime, span: PlaybackSpan) -> Words:
    """Return the time since the start and, if not live, the whole length."""
    origin = screen_state.begun or span[0]
    seconds = (now - origin).total_seconds()
    sign = "−" if seconds < 0 else "+"
    elapsed = [Span(f"{sign}{duration(abs(seconds))}".rjust(8))]
    if screen_state.playback.live:
        return Words(6, elapsed, elapsed)
    whole = duration((span[1] - origin).total_seconds())
    return Words(6, [*elapsed, Span(f" / {whole}", "look--faint")], elapsed)


class Scrubber(Rows, can_focus=True):
    """Draws the minimap and the player's words; posts where the user wants to go."""

    def __init__(self, screen_state: ScreenState) -> None:
        super().__init__(self._row)
        self._screen_state = screen_state
        self._map: Minimap | None = None
        self._how = 0, TimeAxis.ARRIVAL, False, False
        """The width of the map, and how time runs along it."""
        self._made_of: object = None
        self.pace = Pace(self, self._make_map)
        self._wanted: datetime | None = None
        """The moment that a drag has reached; None while there is no drag."""

    def _row(self, width: int) -> Sequence[Sequence[Span]]:
        words = joined(fitted(player_words(self._screen_state), width - _LEAST - 2), 2)
        room = width - width_of(words) - 2
        minimap = self._minimap(room) if room >= _LEAST // 2 else None
        if minimap is None:
            return [words]
        at = self._screen_state.playback.position
        playhead = minimap.width - 1 if at is None else minimap.column(at)
        drawn = [minimap.cell(each, playhead) for each in range(minimap.width)]
        return [[*drawn, Span("  "), *words]]

    def _minimap(self, width: int) -> Minimap | None:
        """Return the map; while very much comes in, it may be slightly outdated."""
        playback = self._screen_state.playback
        how = width, playback.clock, playback.squeeze, playback.growing
        if how != self._how:
            self._how = how
            self.pace.hurry()
        if self._made_of != (how, *self._versions):
            self.pace.show(_PATIENCE_OF_MAP)
        return self._map

    @property
    def _versions(self) -> tuple[int, int]:
        return (
            self._screen_state.playback.moments.version,
            self._screen_state.markers.version,
        )

    def _make_map(self) -> None:
        playback = self._screen_state.playback
        scale = self._screen_state.playback.scale()
        width, clock, *_ = self._how
        self._made_of = self._how, *self._versions
        markers = self._of_roots(self._screen_state.markers.by(clock))
        self._map = Minimap(playback, scale, markers, width) if scale else None
        # This draws nothing new, unless the map came after its row was drawn.
        self.call_later(self.redraw)

    def _of_roots(self, markers: Sequence[Marker]) -> list[Marker]:
        """Leave out children that ended well and, of many marks, those without sign."""
        roots = self._screen_state.snapshot.roots
        if len(markers) > _CROWD:
            markers = [marker for marker in markers if marker.kind in _LOOKS]
        return [
            marker
            for marker in markers
            if marker.status != "succeeded" or marker.key.rpartition("#")[0] in roots
        ]

    def on_mouse_down(self, event: events.MouseDown) -> None:
        column = self._column(event.x)
        if event.button == 1 and column is not None:
            event.stop()
            self.capture_mouse()
            self._want(column)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._wanted is not None:
            self._want(self._column(event.x, anywhere=True) or 0)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        if self._wanted is not None:
            event.stop()
            self.release_mouse()
            self._wanted = None

    def _column(self, x: int, *, anywhere: bool = False) -> int | None:
        """Return the column at a cell or, with `anywhere`, the nearest; else None."""
        if self._map is None:
            return None
        column = x - self.gutter.left
        nearest = min(max(column, 0), self._map.width - 1)
        return nearest if anywhere or nearest == column else None

    def _want(self, column: int) -> None:
        at = self._map.at(column) if self._map else None
        if at is not None and at != self._wanted:
            self._wanted = at
            self.post_message(Seek(at))


# -- the keys -------------------------------------------------------------------------


class Player:
    """Does the commands of the playback, and shows the result."""

    def __init__(self, app: "SfnwatchApp") -> None:
        self._app = app
        self._screen_state = app.screen_state
        self._lanes = app.views.lanes
        self.playback = app.screen_state.playback
        self._last = 0.0
        """The time, in seconds of a monotonic clock, of the last frame."""
        self._timer: Timer | None = None
        """The timer of the frames; None unless it plays."""
        self._late: str | None = None
        """The key of the newest call; None if an event has come since."""
        self._watched = 0.0
        """Seconds for which it has played."""
        self.played_out = False
        """True once a recording has played to its end, for long enough to be
        watched."""
        playback = self.playback
        own: Mapping[str, Command] = {
            "player.toggle": playback.toggle,
            "player.event": lambda: playback.step(1),
            "player.event_back": lambda: playback.step(-1),
            "player.state": lambda: self._step(1, MarkerKind.ENTERED),
            "player.state_back": lambda: self._step(-1, MarkerKind.ENTERED),
            "player.chapter": lambda: self._step(1),
            "player.chapter_back": lambda: self._step(-1),
            "player.forward": lambda: playback.skip(_STEP),
            "player.back": lambda: playback.skip(-_STEP),
            "player.forward_more": lambda: playback.skip(_MINUTE),
            "player.back_more": lambda: playback.skip(-_MINUTE),
            "player.faster": playback.faster,
            "player.slower": playback.slower,
            "player.squeeze": self._squeeze,
            "player.clock": playback.switch_clock,
            "player.loop": self._loop,
            "player.live": playback.to_end,
        }
        self.commands = {name: self._then_show(do) for name, do in own.items()}

    def _then_show(self, do: Command) -> Command:
        def done() -> None:
            was_playing = self.playback.playing
            do()
            self._app.repaint()
            if self.playback.stays_at_end:
                self._lanes.action_last()
            elif was_playing and not self.playback.playing and self.leads:
                # After a pause the newest line is selected; at the end, the first one.
                newest = 0 if self.playback.ended else self._lanes.count - 1
                self._lanes.select(newest)

        return done

    def _step(self, direction: int, *kinds: MarkerKind) -> None:
        """Go to the next mark of some kinds, or notify that there is none."""
        clock = self.playback.clock
        markers = self._screen_state.markers.by(clock)
        wanted = (m for m in markers if not kinds or m.kind in kinds)
        if not self.playback.step_among((m.when(clock) for m in wanted), direction):
            what = "state" if kinds else "mark"
            self._app.notify(f"no {what} {'after' if direction > 0 else 'before'} this")

    def _squeeze(self) -> None:
        self.playback.squeeze = not self.playback.squeeze
        how = "squeezed" if self.playback.squeeze else "at full length"
        self._app.notify(f"idle time is {how}")

    def _loop(self) -> None:
        self.playback.looping = not self.playback.looping
        self._app.notify("loop" if self.playback.looping else "no loop")

    def go_on(self) -> None:
        """Begin to play, if it should, and keep the newest lines in view."""
        if not self.playback.playing:
            return
        if self._timer is None:
            self._last = time.monotonic()
            self._timer = self._app.set_interval(1 / FRAMES, self._frame)
        if self.leads:
            self._lanes.show_last()

    @property
    def leads(self) -> bool:
        """True in a replay until the cursor moves: captions are of the newest line."""
        return self.playback.replay and self._lanes.cursor == 0

    @property
    def line(self) -> Line | None:
        """The caption's line: the newest while it plays, else the selected one."""
        screen_state = self._screen_state
        if not (self.playback.playing and self.leads and screen_state.items):
            return self._lanes.line
        late = screen_state.place_of(self._late) if self._late is not None else None
        return screen_state.line(len(screen_state.items) - 1 if late is None else late)

    def _frame(self) -> None:
        now = time.monotonic()
        elapsed = now - self._last
        self._last = now
        self._watched += elapsed
        was_playing = self.playback.playing
        before = self.playback.position
        if self.playback.tick(elapsed):
            self._tell_of_calls(before)
            self._app.pace.show(PATIENCE)
        if not self.playback.playing and self._timer is not None:
            has_ended = was_playing and self.playback.ended
            self.played_out |= has_ended and self._watched >= GLIMPSE
            self._timer.stop()
            self._timer = None
            self._app.repaint()
            if was_playing and self.leads:
                self._lanes.show_last()

    def _tell_of_calls(self, before: datetime | None) -> None:
        """Highlight the calls that came after `before`, with their delays then."""
        playback = self.playback
        calls = self._screen_state.trace.ordered_calls
        newest = playback.position and playback.moments.newest(playback.position)
        is_late = playback.clock is TimeAxis.ARRIVAL and len(calls) <= _CROWD
        if is_late and before is not None and newest is not None and before < newest:
            new = [c for c in calls if c.seen_at and before < c.seen_at <= newest]
            self._late = new[-1].key if new else None
            self._lanes.flash(Changed(calls=[call.event_id for call in new]))
