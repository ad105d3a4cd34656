"""The lanes: states, times and calls, a line each, live or at any moment."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import NamedTuple

from textual.cache import LRUCache
from textual.strip import Strip
from textual.timer import Timer

from sfnwatch.model.api_call import CALL_KEY
from sfnwatch.model.trace import Changed
from sfnwatch.model.values import clean
from sfnwatch.tui.actions import Command
from sfnwatch.tui.cursor_list import CursorList
from sfnwatch.tui.lanes_draw import (
    GUTTER,
    LATE,
    LaneLayout,
    LineDrawing,
    LineExtras,
    Needs,
    column_need,
    columns_layout,
    have_columns,
    lanes_layout,
    needs_of,
    steadied,
)
from sfnwatch.tui.paint import Rows, Span, cut, mark_found, pad, width_of
from sfnwatch.tui.shown import Shown
from sfnwatch.tui.status import length_words, quiet_words
from sfnwatch.view.lines import Line, Rail, lateness
from sfnwatch.view.order import Fold, Item
from sfnwatch.view.outline import TASKS
from sfnwatch.view.wording import counted, status_glyph

_KEPT = 1024
"""Lines that are kept, of one version of what is shown."""
FLASH, LINGER = 1.2, 4.0
"""Seconds for which an event that has just come stands out, and a call: it may say
how late it is."""
FADE = 0.2
"""Seconds between two times that lines fade, at least."""
SLIDE, _FRAME = 0.35, 1 / 24
"""Seconds that a late call takes to slide into its place, and those of a frame."""
_FLASHED = 100
"""More lines than these at a time would be restless."""
_FOLDS = "▸▾⋯"
_LIFE_LINES = frozenset("╎┃┋┊│▖▘╵╹╷╻ ")
_COUNTED = ("API call", "change"), ("call", "change"), ("", "")
"""What calls, and changes of a task's state, are called: from long to short."""
_KEYS = 9
"""Services beyond these have no digit left."""


class _Fresh(NamedTuple):
    """Until when something that has just come stands out, and slides in."""

    until: float
    slides_until: float = 0.0

    def away(self, now: float) -> float:
        """Say how far it is from its place yet: it goes fast at first, then slow."""
        return max(0.0, (self.slides_until - now) / SLIDE) ** 2


class LanesView(CursorList):
    """Draws the lines of what is shown, only those that are in view."""

    def __init__(self, shown: Shown) -> None:
        super().__init__()
        self.shown = shown
        self.heads = LaneHeads(shown)
        self.set_reactive(CursorList.follow, not shown.playback.replay)
        self.commands: Mapping[str, Command] = {}
        self.found: Callable[[Item], bool] | None = None
        """What is searched for; None for nothing."""
        self._searched = ""
        """The words that are marked in what is found."""
        self._lit: Collection[str] = ()
        """The keys of the lines, or the executions, that are not dimmed; empty: all."""
        self._drawing: LineDrawing | None = None
        self._laid_for: object = None
        """What lines are drawn by."""
        self._needs = Needs()
        self._lines: LRUCache[tuple[int, int], tuple[Line, Needs]] = LRUCache(_KEPT)
        self._fresh: dict[str, _Fresh] = {}
        """The keys of what has just come."""
        self.seconds: Callable[[], float] = time.monotonic
        """Tells the time by which that stands out, whatever clock records go by."""
        self._fading: Timer | None = None

    # -- entries -------------------------------------------------------------------

    @property
    def count(self) -> int:
        return len(self.shown.items)

    def key_of(self, place: int) -> str | None:
        return self.shown.items[place].key if place < self.count else None

    def place_of(self, key: str) -> int | None:
        return self.shown.place_of(key)

    @property
    def line(self) -> Line | None:
        """The line that the cursor is on."""
        return self._line(self.cursor)[0] if self.cursor < self.count else None

    def _line(self, place: int) -> tuple[Line, Needs]:
        """Give a line, and the cells that it would take."""
        key = self.shown.version, place
        known = self._lines.get(key)
        if known is None:
            line = self.shown.line(place)
            known = self._lines[key] = line, needs_of(line, self.shown.looks)
        return known

    def draw(self, place: int, width: int) -> Sequence[Strip]:
        if self._drawing is None:
            return self.spans([], width=width)
        line, _ = self._line(place)
        fresh, now = self._news_of(line), self.seconds()
        extras = LineExtras(
            fresh=fresh is not None,
            fading=fresh is not None and fresh.until - now < LINGER / 2,
            away=fresh.away(now) if fresh is not None else 0.0,
            notice=self._notice(place, line),
            same_second=self._is_of_same_second(place, line),
            others=self._others(line),
        )
        is_dim = bool(self._lit) and not {line.key, line.root_arn} & {*self._lit}
        rows = self._drawing.rows(line, extras)
        if self._searched and self.found and self.found(line.item):
            rows = [list(mark_found(row, self._searched)) for row in rows]
        if is_dim:
            rows = [list(map(_dimmed, row)) for row in rows]
        return self.spans(*rows, width=width)

    def is_fresh(self, place: int) -> bool:
        return bool(self._fresh) and self._news_of(self._line(place)[0]) is not None

    def _news_of(self, line: Line) -> _Fresh | None:
        return self._fresh.get(line.call_key) or self._fresh.get(line.key)

    def _is_of_same_second(self, place: int, line: Line) -> bool:
        """True where the time of a line stands on the one above already."""
        if not place or not self._columns:
            return False
        looks, order = self.shown.looks, self.shown.outline.order
        before = order.place(self.shown.items[place - 1])[0]
        return looks.time(before, whole=True) == looks.time(line.at, whole=True)

    def _notice(self, place: int, line: Line) -> str:
        """Say, above the first line after that, up to when CloudTrail is complete."""
        shown = self.shown
        mark = shown.coverage.measured
        if not shown.playback.live or mark is None or not place or shown.looks.origin:
            return ""
        before = shown.outline.order.place(shown.items[place - 1])[0]
        if not before <= mark < line.at:
            return ""
        until = shown.looks.time(mark, whole=True)
        return f"┄┄ CloudTrail complete up to {until} (estimate) ┄┄"

    def _others(self, line: Line) -> Mapping[str, Sequence[Rail]]:
        """Give the life-lines that pass in the columns of other executions."""
        shown, order = self.shown, self.shown.outline.order
        found = {}
        for root in {*self._columns} - {line.root_arn}:
            at = order.unshifted(line.at, root)
            found[root] = shown.lifelines.rails(shown.moment, at, root)
        return found

    @property
    def _columns(self) -> Sequence[str]:
        """The executions that stand side by side; none where there is one list."""
        layout = self._drawing.layout if self._drawing is not None else None
        return [column.root_arn for column in layout.columns] if layout else ()

    # -- layout --------------------------------------------------------------------

    def changed(self) -> None:
        self.lay_out()
        super().changed()

    def search_for(self, words: str) -> None:
        """Mark some words where they are found."""
        self._searched = words
        self.redraw()

    def copy_text(self) -> str:
        """Give none: it is records that are copied."""
        return ""

    def lay_out(self) -> None:
        """Lay lines out for what is in view."""
        width, shown = self.size.width, self.shown
        if width < 1:
            return
        shown.set_apart(apart=have_columns(width, len(shown.moment.roots)))
        layout, chips = self._laid_out(width), shown.chips()
        if (layout, shown.looks, chips) != self._laid_for:
            self._laid_for = layout, shown.looks, chips
            self._drawing = LineDrawing(layout, shown.looks, chips)
            self.redraw()
            self.heads.lay_out(layout)

    def _laid_out(self, width: int) -> LaneLayout:
        shown, roots = self.shown, list(self.shown.moment.roots)
        if have_columns(width, len(roots)):
            rails = [shown.lifelines.width(root) for root in roots]
            last = self._need_of_last(roots[-1]) + rails[-1] + GUTTER
            return columns_layout(width, roots, rails, last)
        needs = (needs for _, needs in self._in_view())
        self._needs = steadied(reduce(or_, needs, Needs()), self._needs)
        cells = max((width_of([each]) for each in shown.chips().values()), default=0)
        return lanes_layout(width, shown.lifelines.width(), cells, self._needs)

    def _in_view(self) -> Iterator[tuple[Line, Needs]]:
        height = self.size.height
        first = self.count - height if self.follow else self._top
        for place in range(max(0, first), min(self.count, first + height)):
            yield self._line(place)

    def rows_of_all(self, most: int) -> int:
        """Count the rows that all lines take, as far as they matter."""
        if self.count >= most:
            return most
        return sum(len(self._rows_of(place)) for place in range(self.count))

    def _need_of_last(self, root: str) -> int:
        own = (line for line, _ in self._in_view() if line.root_arn == root)
        need = max((column_need(line, self.shown.looks) for line in own), default=0)
        self._needs = steadied(Needs(need), self._needs)
        return self._needs.states

    def on_resize(self) -> None:
        self.lay_out()
        super().on_resize()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self.lay_out()

    # -- what has just come --------------------------------------------------------

    def flash(self, changed: Changed) -> None:
        """Have what is new stand out for a moment, unless much does by then."""
        events = [e.key for those in changed.events.values() for e in those]
        calls = [f"{CALL_KEY}{event_id}" for event_id in changed.calls]
        new = len(events) + len(calls)
        is_much = new + len(self._fresh) > _FLASHED
        if not new or is_much or self.app.animation_level == "none":
            return
        now = self.seconds()
        self._fresh |= dict.fromkeys(events, _Fresh(now + FLASH))
        self._fresh |= dict.fromkeys(calls, _Fresh(now + LINGER))
        late = list(filter(self._is_late, changed.calls))
        moving = self.app.animation_level == "full" and not self.app.no_color
        if moving and len(late) <= self.size.height:
            slid = _Fresh(now + LINGER, now + SLIDE)
            self._fresh |= dict.fromkeys((f"{CALL_KEY}{each}" for each in late), slid)
        if self._fading is not None:
            self._fading.stop()
        self._fading = self.set_timer(_FRAME, self.fade)

    def _is_late(self, event_id: str) -> bool:
        call = self.shown.trace.calls.get(event_id)
        late = lateness(call.seen_at, call.event_time) if call is not None else None
        return late is not None and late >= LATE

    def fade(self) -> None:
        """Let what has stood out for long enough be a line like all others."""
        now, others = self.seconds(), {row.place for row in self._frame if row.fresh}
        self._fresh = {k: each for k, each in self._fresh.items() if each.until > now}
        sliding = any(each.slides_until > now for each in self._fresh.values())
        wait = _FRAME if sliding else FADE
        self._fading = self.set_timer(wait, self.fade) if self._fresh else None
        if others:
            self.redraw(*others)

    def show_last(self) -> None:
        """Have the last lines in view, wherever the cursor is."""
        self._measure(whole=True)
        self._scroll(self.count)

    def light(self, lit: Collection[str]) -> None:
        """Dim all lines but those with some keys, or of some executions."""
        self._lit = lit
        self.redraw()

    # -- folding and going ---------------------------------------------------------

    def fold_here(self, *, around: bool) -> bool:
        """Fold or open what the line at the cursor is the head or fold of.

        With `around` it may as well be what the line is in. False if it is nothing.
        """
        line = self.line
        if line is None or not (around or line.fold):
            return False
        key = self.shown.outline.foldable(line.item)
        if key is None:
            return False
        self.shown.toggle(key)
        self.follow = False  # else the cursor would be off to the last line
        self.changed()
        self.select_key(key)
        return True

    def step_execution(self, step: int) -> bool:
        """Go to the nearest line of the next execution, or of the one before."""
        if not self.shown.several or self.line is None:
            return False
        wanted = self.shown.root_beside(self.line.root_arn, step)
        items = enumerate(self.shown.items)
        places = (place for place, item in items if self._root_of(item) == wanted)
        place = min(places, key=lambda place: abs(place - self.cursor), default=None)
        if place is not None:
            self.select(place)
        return place is not None

    def _root_of(self, item: Item) -> str | None:
        arn = self.shown.outline.containers.spot_of(item)[0]
        return self.shown.moment.lineage.root_of(arn) if arn else None

    def clicked(self, place: int, x: int, *, twice: bool) -> None:
        rows = self._rows_of(place)
        on_fold = any(row.crop(x, x + 1).text in {*_FOLDS} for row in rows[:1])
        fold = twice and isinstance(self.shown.items[place], Fold)
        if (on_fold or fold) and self.fold_here(around=False):
            return
        super().clicked(place, x, twice=twice)


def _dimmed(span: Span) -> Span:
    """Dim what stands on a line; a life-line passes many, and keeps its color."""
    return span if _LIFE_LINES.issuperset(span.text) else Span(span.text, "look--faint")


# -- the line above --------------------------------------------------------------------


def service_name(source: str) -> str:
    """Name a service by its event source: `ECS` of `ecs.amazonaws.com`."""
    name = clean(source.partition(".")[0], 20)
    if source == TASKS:
        return "ECS tasks"
    return {"states": "States"}.get(name, name.upper() if len(name) < 5 else name)  # noqa: PLR2004 - an abbreviation


class LaneHeads(Rows):
    """Names what is below: the lanes, their services, or the executions."""

    def __init__(self, shown: Shown) -> None:
        super().__init__(self._row)
        self._shown = shown
        self._layout: LaneLayout | None = None

    def lay_out(self, layout: LaneLayout) -> None:
        """Stand above what is laid out so."""
        self._layout = layout
        self.redraw()

    def _row(self, width: int) -> Sequence[Sequence[Span]]:
        del width
        layout = self._layout
        if layout is None:
            return [[]]
        return [self._executions(layout) if layout.columns else self._lanes(layout)]

    def _executions(self, layout: LaneLayout) -> list[Span]:
        shown = self._shown
        row = [Span(" "), Span(self._zone(), "look--faint")]
        chips = shown.chips()
        for column in layout.columns:
            execution = shown.moment.roots.get(column.root_arn)
            own = chips.get(column.root_arn)
            if execution is None or own is None:
                continue
            glyph = status_glyph(execution.status)
            words = f"  {glyph.text} {length_words(execution, shown.now)}"
            cells = [own, Span(words, f"role--{glyph.role}")]
            row = [*pad(cut(row, column.left - 1), column.left)]
            row += cut(cells, column.width - 1)
        return row

    def _lanes(self, layout: LaneLayout) -> list[Span]:
        states = [Span(" STEP FUNCTIONS", "role--name")]
        zone = Span(self._zone(), "look--faint")
        if layout.calls:
            row = [*pad(cut(states, layout.time - 1), layout.time), zone]
            calls = self._calls(layout.width - layout.calls)
            return [*pad(cut(row, layout.calls - 1), layout.calls), *calls]
        row = [*states, Span("   → ", "look--faint")]
        row += self._calls(layout.time - GUTTER - width_of(row))
        if not layout.time_cells or width_of(row) > layout.time - GUTTER:
            room = layout.width - len(zone.text) - GUTTER
            return [*pad(cut(row, room), room + 1), zone]
        return [*pad(row, layout.time), zone]

    def _calls(self, room: int) -> list[Span]:
        """Count the calls of each service, in fewer words where there is less room."""
        services = self._shown.services()
        if not services:
            why = f"  {quiet_words(self._shown)}"
            return [Span("API CALLS", "role--name"), Span(why, "look--faint")]
        tries = [self._counts(services, *words) for words in _COUNTED]
        return next((each for each in tries if width_of(each) <= room), tries[-1])

    def _counts(
        self, services: Mapping[str, int], call: str, change: str
    ) -> list[Span]:
        hidden = self._shown.outline.options.hidden_services
        spans: list[Span] = []
        for number, (source, count) in enumerate(services.items(), start=1):
            if spans:
                spans.append(Span("   "))
            if len(services) > 1 and number <= _KEYS:
                spans.append(Span(f"{number} ", "look--key", f"digit.{number}"))
            look = "look--faint" if source in hidden else "role--name"
            more = " hidden" if source in hidden else ""
            word = change if source == TASKS else call
            number_of = counted(count, word) if word else f"{count:,}"
            spans.append(Span(service_name(source), look))
            spans.append(Span(f" {number_of}{more}", "look--faint"))
        filtered = self._shown.outline.filtered
        if filtered:
            spans.append(Span(f"   {filtered:,} filtered out", "role--warn"))
        return spans

    def _zone(self) -> str:
        shown = self._shown
        if shown.looks.origin is not None:
            return "elapsed"
        begun = shown.roots[0].started_at if shown.roots else None
        zone = shown.looks.zone(begun)
        if begun is None or (self._layout is not None and self._layout.columns):
            return zone
        return f"{zone} {shown.looks.at(begun):%d %b}"
