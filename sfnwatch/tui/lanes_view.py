"""The lanes: states, times and calls, a line for each, live or at any moment."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import chain
from typing import NamedTuple

from textual.cache import LRUCache
from textual.message import Message
from textual.timer import Timer

from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.trace import Changed
from sfnwatch.tui.actions import Command
from sfnwatch.tui.cursor_list import CursorList
from sfnwatch.tui.highlights import FRAME_SECONDS, Highlights
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
from sfnwatch.view.line_maker import seconds_until_seen
from sfnwatch.view.outline_items import Fold, Item

_KEPT_LINES = 1024
"""Lines that are kept once made."""
_MOST_HIGHLIGHTS = 100
"""Most lines that are highlighted at once; more would be restless."""
_FOLD_SIGNS = frozenset("▸▾⋯")
_LIFE_LINES = frozenset("╎┃┋┊│▖▘╵╹╷╻ ")


class _DrawingStyle(NamedTuple):
    """What all lines are drawn with."""

    layout: LaneLayout
    looks: Looks
    chips: Mapping[str, Span]
    """Executions' short names, by ARN."""


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
        self._drawing_style: _DrawingStyle | None = None
        """None before the lines are laid out."""
        self._widths = LineWidths()
        self._lines: LRUCache[tuple[int, int], tuple[Line, LineWidths]] = LRUCache(
            _KEPT_LINES
        )
        """Lines and the cells that they need, by the version of what is shown and the
        line's place."""
        self._highlights = Highlights()
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
        screen_state = self.screen_state
        key = screen_state.version, place
        kept = self._lines.get(key)
        if kept is not None:
            return kept
        line = screen_state.line(place)
        if screen_state.apart:
            widths = line_widths_in_column(line, screen_state.looks)
        else:
            widths = line_widths(line, screen_state.looks)
        self._lines[key] = line, widths
        return line, widths

    def draw(self, place: int, width: int) -> Sequence[Sequence[Span]]:
        del width
        if self._drawing_style is None:
            return [[]]
        screen_state = self.screen_state
        line, _ = self._line(place)
        rows = self._drawing(place, line, self._drawing_style).rows()
        if screen_state.found is not None and screen_state.found(line.item):
            rows = [list(mark_found(row, screen_state.searched)) for row in rows]
        is_lit = line.key in self.lit or line.root_arn in self.lit
        if self.lit and not is_lit:
            rows = [list(map(_dimmed, row)) for row in rows]
        return rows

    def _drawing(self, place: int, line: Line, style: _DrawingStyle) -> LineDrawing:
        screen_state = self.screen_state
        order = screen_state.outline.order
        drawing = LineDrawing(line, style.layout, style.looks, style.chips)
        for root in style.layout.roots:
            if root != line.root_arn:
                drawing.others[root] = screen_state.lifelines.rails(
                    screen_state.snapshot, order.unshifted(line.at, root), root
                )
        if place:
            before = order.place(screen_state.items[place - 1])[0]
            drawing.notice = self._notice(before, line)
            second = style.looks.time(line.at, whole=True)
            drawing.same_second = style.looks.time(before, whole=True) == second
        highlight = self._highlights.of(line)
        if highlight is not None:
            now = self.seconds()
            is_fading = highlight.is_fading(now)
            drawing.late_look = "look--faint" if is_fading else "role--name"
            drawing.away = highlight.away(now)
        return drawing

    def is_fresh(self, place: int) -> bool:
        if not self._highlights:
            return False
        return self._highlights.of(self._line(place)[0]) is not None

    def _notice(self, before: datetime, line: Line) -> str:
        """Return CloudTrail's coverage for the first line after it; else nothing."""
        screen_state = self.screen_state
        covered = screen_state.coverage.measured
        looks = screen_state.looks
        if not screen_state.playback.live or covered is None or looks.origin:
            return ""
        if not before <= covered < line.at:
            return ""
        until = looks.time(covered, whole=True)
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
        is_open = "▾" in line.fold.text
        return {"view.detail": "Fold" if is_open else "Unfold"}

    def _heads(self, width: int) -> Sequence[Sequence[Span]]:
        del width
        if self._drawing_style is None:
            return [[]]
        layout = self._drawing_style.layout
        if layout.roots:
            return [execution_heads(self.screen_state, layout)]
        return [lane_heads(self.screen_state, layout)]

    def lay_out(self) -> None:
        """Lay out the lines, to fit those in view."""
        width = self.size.width
        if width < 1:
            return
        screen_state = self.screen_state
        executions = len(screen_state.snapshot.roots)
        screen_state.set_apart(apart=have_columns(width, executions))
        chips = screen_state.chips()
        style = _DrawingStyle(self._layout_for(width, chips), screen_state.looks, chips)
        if style != self._drawing_style:
            self._drawing_style = style
            self.redraw()
            self.heads.redraw()

    def _layout_for(self, width: int, chips: Mapping[str, Span]) -> LaneLayout:
        lifelines = self.screen_state.lifelines
        in_view = self._in_view()
        if not self.screen_state.apart:
            self._widths = steady_widths((cells for _, cells in in_view), self._widths)
            chip_cells = max((width_of([chip]) for chip in chips.values()), default=0)
            return lanes_layout(width, lifelines.width(), chip_cells, self._widths)
        roots = list(self.screen_state.snapshot.roots)
        last = roots[-1]
        in_last = [cells for line, cells in in_view if line.root_arn == last]
        self._widths = steady_widths(in_last, self._widths)
        rails = [lifelines.width(root) for root in roots]
        last_cells = self._widths.states + rails[-1] + GUTTER
        return columns_layout(width, roots, rails, last_cells)

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
        level = self.app.animation_level
        events = list(chain.from_iterable(changed.events.values()))
        new = len(events) + len(changed.calls)
        if not new or level == "none":
            return
        if new + len(self._highlights) > _MOST_HIGHLIGHTS:
            return
        known_calls = self.screen_state.trace.calls
        calls = [known_calls[key] for key in changed.calls if key in known_calls]
        late = {call.key for call in calls if _is_late(call)}
        if level != "full" or self.app.no_color or len(late) > self.size.height:
            late.clear()  # they do not slide
        now = self.seconds()
        for event in events:
            self._highlights.add_event(event, now)
        for call in calls:
            self._highlights.add_call(call, now, slides=call.key in late)
        if self._fading is not None:
            self._fading.stop()
        self._fading = self.set_timer(FRAME_SECONDS, self.fade)

    def fade(self) -> None:
        """End the highlighting of lines that have had it for long enough."""
        now = self.seconds()
        places = {row.place for row in self._frame if row.fresh}
        self._highlights.end(now)
        self._fading = None
        if self._highlights:
            step_seconds = self._highlights.step_seconds(now)
            self._fading = self.set_timer(step_seconds, self.fade)
        if places:
            self.redraw(*places)

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
        line = self.line
        root = line.root_arn if line is not None else None
        next_root = self.screen_state.root_beside(root, step)
        places = []
        for place, item in enumerate(self.screen_state.items):
            if self._root_of(item) == next_root:
                places.append(place)
        cursor = self.cursor
        nearest = min(places, key=lambda place: abs(place - cursor), default=cursor)
        self.select(nearest)

    def _root_of(self, item: Item) -> str | None:
        arn = self.screen_state.outline.containers.spot_of(item)[0]
        return self.screen_state.snapshot.lineage.root_of(arn) if arn else None

    def clicked(self, place: int, x: int, *, twice: bool) -> None:
        clicked = self._rows_of(place)[0].crop(x, x + 1).text
        is_fold = isinstance(self.screen_state.items[place], Fold)
        folds = clicked in _FOLD_SIGNS or (twice and is_fold)
        if not folds or not self.fold_here(around=False):
            super().clicked(place, x, twice=twice)


def _is_late(call: ApiCall) -> bool:
    seconds = seconds_until_seen(call.seen_at, call.event_time)
    return seconds is not None and seconds >= LATE_SECONDS


def _dimmed(span: Span) -> Span:
    """Return a dimmed span; a life-line belongs to many lines, and keeps its color."""
    return span if _LIFE_LINES.issuperset(span.text) else Span(span.text, "look--faint")
