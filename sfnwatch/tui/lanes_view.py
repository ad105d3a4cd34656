"""The lanes: states, times and calls, a line for each, live or at any moment."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

from textual.cache import LRUCache
from textual.message import Message
from textual.timer import Timer

from sfnwatch.model.trace import Changed
from sfnwatch.tui.actions import Command
from sfnwatch.tui.cursor_list import CursorList
from sfnwatch.tui.lanes_heads import execution_heads, lane_heads
from sfnwatch.tui.lanes_layout import (
    GUTTER,
    LaneLayout,
    LineWidths,
    columns_layout,
    have_columns,
    lanes_layout,
    steady_widths,
)
from sfnwatch.tui.line_drawing import LATE_SECONDS, LineDrawing
from sfnwatch.tui.line_words import line_widths, line_widths_in_column
from sfnwatch.tui.looks import Looks
from sfnwatch.tui.rows import Rows
from sfnwatch.tui.screen_state import ScreenState
from sfnwatch.tui.spans import Span, mark_found, width_of
from sfnwatch.view.line import Line
from sfnwatch.view.line_maker import lateness
from sfnwatch.view.outline_items import Fold, Item

_KEPT = 1024
"""Lines that are kept once made."""
FLASH = 1.2
"""Seconds for which a new event is highlighted."""
LINGER = 4.0
"""Seconds for which a new call is highlighted: it may say how late it is."""
FADE = 0.2
"""Least seconds between two steps of fading."""
SLIDE = 0.35
"""Seconds in which a late call slides into its place."""
_FRAME_SECONDS = 1 / 24
"""Seconds of one frame of sliding."""
_FLASHED = 100
"""Most lines that are highlighted at once; more would be restless."""
_FOLDS = "▸▾⋯"
_LIFE_LINES = frozenset("╎┃┋┊│▖▘╵╹╷╻ ")


_LineKey = tuple[int, int]
"""The version of what is shown, and a line's place in it."""


class _Fresh(NamedTuple):
    """Until when a new line is highlighted, and until when it slides in."""

    until: float
    slides_until: float = 0.0

    def away(self, now: float) -> float:
        """Return how far it is from its place, from 1 to 0: fast, then slow."""
        return max(0.0, (self.slides_until - now) / SLIDE) ** 2


class LanesView(CursorList):
    """Draws the lines that are shown, but only those in view."""

    class LaidOut(Message):
        """The room for lines has changed."""

    def __init__(self, screen_state: ScreenState) -> None:
        super().__init__()
        self.screen_state = screen_state
        self.heads = Rows(self._heads, id="heads")
        """The row above: the names of lanes and services, or of the executions."""
        self.set_reactive(CursorList.follow, not screen_state.playback.replay)
        self.commands: Mapping[str, Command] = {
            "lanes.fold": self._fold,
            "lanes.execution": partial(self._step_execution, 1),
            "lanes.execution_back": partial(self._step_execution, -1),
        }
        self.lit: Collection[str] = frozenset()
        """The keys of the lines, or ARNs of the executions, that are not dimmed; empty:
        none is dimmed."""
        self._drawn_by: tuple[LaneLayout, Looks, Mapping[str, Span]] | None = None
        """What lines are drawn with: the layout, the looks, executions' short names by
        ARN."""
        self._widths = LineWidths()
        self._lines: LRUCache[tuple[int, int], tuple[Line, LineWidths]] = LRUCache(
            _KEPT
        )
        self._fresh: dict[str, _Fresh] = {}
        """What has just come, by key."""
        self.seconds: Callable[[], float] = time.monotonic
        """Returns the time that highlights go by, in seconds, whatever clock records go
        by."""
        self._fading: Timer | None = None

    @property
    def count(self) -> int:
        return len(self.screen_state.items)

    def key_of(self, place: int) -> str | None:
        return self.screen_state.items[place].key if place < self.count else None

    def place_of(self, key: str) -> int | None:
        return self.screen_state.place_of(key)

    @property
    def line(self) -> Line | None:
        """The selected line; None if there is no line."""
        return self._line(self.cursor)[0] if self.cursor < self.count else None

    def _line(self, place: int) -> tuple[Line, LineWidths]:
        """Return a line, and the cells that it needs."""
        key = self.screen_state.version, place
        known = self._lines.get(key)
        if known is None:
            line = self.screen_state.line(place)
            looks = self.screen_state.looks
            needs = line_widths_in_column if self.screen_state.apart else line_widths
            known = self._lines[key] = line, needs(line, looks)
        return known

    def draw(self, place: int, width: int) -> Sequence[Sequence[Span]]:
        del width
        if self._drawn_by is None:
            return [[]]
        line, _ = self._line(place)
        screen_state = self.screen_state
        order = screen_state.outline.order
        layout, looks, chips = self._drawn_by
        drawing = LineDrawing(line, layout, looks, chips)
        for root in {*layout.roots} - {line.root_arn}:
            at = order.unshifted(line.at, root)
            drawing.others[root] = screen_state.lifelines.rails(
                screen_state.snapshot, at, root
            )
        if place:
            before = order.place(screen_state.items[place - 1])[0]
            times = (looks.time(at, whole=True) for at in (before, line.at))
            drawing.same_second = len({*times}) == 1
            drawing.notice = self._notice(before, line)
        fresh = self._news_of(line)
        now = self.seconds()
        if fresh is not None:
            is_fading = fresh.until - now < LINGER / 2
            drawing.late_look = "look--faint" if is_fading else "role--name"
            drawing.away = fresh.away(now)
        is_dim = bool(self.lit) and not {line.key, line.root_arn} & {*self.lit}
        rows = drawing.rows()
        screen_state = self.screen_state
        if screen_state.found is not None and screen_state.found(line.item):
            rows = [list(mark_found(row, screen_state.searched)) for row in rows]
        if is_dim:
            rows = [list(map(_dimmed, row)) for row in rows]
        return rows

    def is_fresh(self, place: int) -> bool:
        return bool(self._fresh) and self._news_of(self._line(place)[0]) is not None

    def _news_of(self, line: Line) -> _Fresh | None:
        return self._fresh.get(line.call_key) or self._fresh.get(line.key)

    def _notice(self, before: datetime, line: Line) -> str:
        """Return CloudTrail's coverage for the first line after it; else nothing."""
        screen_state = self.screen_state
        mark = screen_state.coverage.measured
        if not screen_state.playback.live or mark is None or screen_state.looks.origin:
            return ""
        if not before <= mark < line.at:
            return ""
        until = screen_state.looks.time(mark, whole=True)
        return f"┄┄ CloudTrail complete up to {until} (estimate) ┄┄"

    def changed(self) -> None:
        self.lay_out()
        super().changed()

    def copy_text(self) -> str:
        """Return no text: in the lanes, records are copied."""
        return ""

    @property
    def titles(self) -> Mapping[str, str]:
        """The title of enter for the selected line; empty if enter does nothing."""
        line = self.line
        if line is None:
            return {"view.detail": ""}
        if line.fold is None:
            return {}
        return {"view.detail": "Fold" if "▾" in line.fold.text else "Unfold"}

    def _heads(self, width: int) -> Sequence[Sequence[Span]]:
        del width
        if self._drawn_by is None:
            return [[]]
        layout = self._drawn_by[0]
        make = execution_heads if layout.roots else lane_heads
        return [make(self.screen_state, layout)]

    def lay_out(self) -> None:
        """Lay out the lines, to fit those in view."""
        width = self.size.width
        screen_state = self.screen_state
        if width < 1:
            return
        screen_state.set_apart(
            apart=have_columns(width, len(screen_state.snapshot.roots))
        )
        layout = self._laid_out(width)
        chips = screen_state.chips()
        if (layout, screen_state.looks, chips) != self._drawn_by:
            self._drawn_by = layout, screen_state.looks, chips
            self.redraw()
            self.heads.redraw()

    def _laid_out(self, width: int) -> LaneLayout:
        screen_state = self.screen_state
        roots = list(self.screen_state.snapshot.roots)
        last = roots[-1] if screen_state.apart else None
        own = (n for line, n in self._in_view() if last in {None, line.root_arn})
        self._widths = steady_widths(own, self._widths)
        if screen_state.apart:
            rails = [screen_state.lifelines.width(root) for root in roots]
            last_cells = self._widths.states + rails[-1] + GUTTER
            return columns_layout(width, roots, rails, last_cells)
        cells = max(
            (width_of([each]) for each in screen_state.chips().values()), default=0
        )
        return lanes_layout(width, screen_state.lifelines.width(), cells, self._widths)

    def _in_view(self) -> Iterator[tuple[Line, LineWidths]]:
        height = self.size.height
        first = self.count - height if self.follow else self._top
        for place in range(max(0, first), min(self.count, first + height)):
            yield self._line(place)

    def rows_of_all(self, most: int) -> int:
        """Return the rows that all lines take, but `most` if there are more."""
        if self.count >= most:
            return most
        return sum(len(self._rows_of(place)) for place in range(self.count))

    def on_resize(self) -> None:
        self.lay_out()
        super().on_resize()
        self.post_message(self.LaidOut())

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self.lay_out()

    def flash(self, changed: Changed) -> None:
        """Highlight what is new for a short time, unless too much is highlighted."""
        events = [each for those in changed.events.values() for each in those]
        new = len(events) + len(changed.calls)
        level = self.app.animation_level
        if not new or new + len(self._fresh) > _FLASHED or level == "none":
            return
        calls = [*filter(None, map(self.screen_state.trace.calls.get, changed.calls))]
        late = {
            c.key
            for c in calls
            if (lateness(c.seen_at, c.event_time) or 0) >= LATE_SECONDS
        }
        now = self.seconds()
        moving = level == "full" and not self.app.no_color
        sliding = late if moving and len(late) <= self.size.height else ()
        self._fresh |= {each.key: _Fresh(now + FLASH) for each in events}
        for call in calls:
            slides_until = now + SLIDE if call.key in sliding else 0.0
            self._fresh[call.key] = _Fresh(now + LINGER, slides_until)
        if self._fading is not None:
            self._fading.stop()
        self._fading = self.set_timer(_FRAME_SECONDS, self.fade)

    def fade(self) -> None:
        """End the highlighting of lines that have had it for long enough."""
        now = self.seconds()
        others = {row.place for row in self._frame if row.fresh}
        self._fresh = {k: each for k, each in self._fresh.items() if each.until > now}
        sliding = any(each.slides_until > now for each in self._fresh.values())
        wait = _FRAME_SECONDS if sliding else FADE
        self._fading = self.set_timer(wait, self.fade) if self._fresh else None
        if others:
            self.redraw(*others)

    def action_last(self) -> None:
        """Go to the last line; while a recording is read, to the end of all of it."""
        playback = self.screen_state.playback
        if playback.is_reading and not playback.stays_at_end:
            playback.to_end()
            self.screen_state.refresh()
            self.changed()
            # Everything else follows with the next batch or the next tick.
            self.screen_state.touch()
        super().action_last()

    def show_last(self) -> None:
        """Bring the last lines into view; the cursor stays."""
        self._measure(whole=True)
        self._scroll(self.count)

    def light(self, lit: Collection[str]) -> None:
        """Dim all lines but those with the given keys, or of the given executions."""
        if lit != self.lit:
            self.lit = lit
            self.redraw()

    def fold_here(self, *, around: bool) -> bool:
        """Fold or open the selected line, if it is a fold or the head of one.

        With `around`, the fold that the line is inside of counts as well. Return False
        if there is none.
        """
        line = self.line
        if line is None or not (around or line.fold):
            return False
        key = self.screen_state.outline.foldable(line.item)
        if key is None:
            return False
        self.screen_state.toggle(key)
        self.follow = False  # else the cursor would be off to the last line
        self.changed()
        self.select_key(key)
        return True

    def _fold(self) -> None:
        if not self.fold_here(around=True):
            self.app.notify("nothing to fold here")

    def _step_execution(self, step: int) -> None:
        """Go to the nearest line of the next execution, or of the one before."""
        own = self.line.root_arn if self.line is not None else None
        wanted = self.screen_state.root_beside(own, step)
        items = enumerate(self.screen_state.items)
        places = (place for place, item in items if self._root_of(item) == wanted)
        self.select(
            min(places, key=lambda n: abs(n - self.cursor), default=self.cursor)
        )

    def _root_of(self, item: Item) -> str | None:
        arn = self.screen_state.outline.containers.spot_of(item)[0]
        return self.screen_state.snapshot.lineage.root_of(arn) if arn else None

    def clicked(self, place: int, x: int, *, twice: bool) -> None:
        rows = self._rows_of(place)
        on_fold = any(row.crop(x, x + 1).text in {*_FOLDS} for row in rows[:1])
        fold = twice and isinstance(self.screen_state.items[place], Fold)
        if (on_fold or fold) and self.fold_here(around=False):
            return
        super().clicked(place, x, twice=twice)


def _dimmed(span: Span) -> Span:
    """Return a dimmed span; a life-line belongs to many lines, and keeps its color."""
    return span if _LIFE_LINES.issuperset(span.text) else Span(span.text, "look--faint")
