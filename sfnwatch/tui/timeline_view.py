"""The timeline: a bar for each state on one axis, live or at any moment."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import accumulate, groupby
from operator import attrgetter, itemgetter

from textual import on

from sfnwatch.model.api_call import CALL_KEY
from sfnwatch.model.texts import clean
from sfnwatch.tui.bar_cells import BarCells, legend_of
from sfnwatch.tui.cursor_list import CursorList
from sfnwatch.tui.entry_list import EntryList
from sfnwatch.tui.screen_state import ScreenState
from sfnwatch.tui.spans import Span, fit, spans_of, width_of
from sfnwatch.tui.time_window import TimeWindow, timeline_scale
from sfnwatch.tui.timeline_axis import TimelineAxis
from sfnwatch.tui.timeline_columns import TimelineColumns
from sfnwatch.tui.views import HeadedView
from sfnwatch.view.bar_notes import bar_notes, state_words
from sfnwatch.view.parts import Part, counted, plain_text, status_glyph
from sfnwatch.view.timeline_bars import Bar, BarKind, Tick
from sfnwatch.view.timeline_chart import TimelineChart

_ZOOM = 1.5
"""The factor by which a key zooms."""
_PAN = 0.1
"""The share of the view by which a key moves it."""
_NAME = 60
_ROOM_FOR_LEGEND = 10
_AROUND = 2
"""Rows above and below the bars: the axis, and what the signs mean."""


class BarList(EntryList[Bar]):
    """The bars, with a cursor on one of them."""

    def __init__(self, view: "TimelineView") -> None:
        super().__init__(view.rows_of, clicked=view.clicked)
        self._view = view

    def place_of(self, key: str) -> int | None:
        return self._view.place_of(key)

    @property
    def nearby(self) -> Sequence[Bar]:
        """The bars that are in view, and some around them."""
        top = max(0, self._top - 50)
        return self.entries[top : top + 200]

    def on_resize(self) -> None:
        super().on_resize()
        self._view.lay_out()

    def on_focus(self) -> None:
        # The user is about to move the cursor here.
        self.marked = True

    def watch_marked(self) -> None:
        self._repaint()


def _fitting(notes: Sequence[Span], cells: int) -> list[Span]:
    """Keep the notes that fit as a whole, and the first one in any case."""
    widths = list(accumulate(width_of([note]) for note in notes))
    count = sum(width <= cells for width in widths)
    return fit(notes[: max(1, count)], cells)


def _joined(cells: Iterable[Span]) -> Iterator[Span]:
    """Join neighboring cells of one look: a bar becomes a few spans, not a hundred."""
    for look, run in groupby(cells, key=attrgetter("look")):
        yield Span("".join(cell.text for cell in run), look)


class TimelineView(HeadedView):
    """The axis, the bars, and what their signs mean."""

    keyed = True

    def __init__(self, screen_state: ScreenState) -> None:
        self.bars = BarList(self)
        super().__init__(screen_state, self.bars)
        self._chart = TimelineChart(screen_state.snapshot, screen_state.now)
        self._window = TimeWindow(
            timeline_scale(screen_state.snapshot, screen_state.now, self._shown_at)
        )
        self._columns = TimelineColumns()
        self.axis: TimelineAxis | None = None
        """None while there is no room for it."""
        self._places: Mapping[str, int] = {}
        self._chosen: str | None = None
        """The key of the call that is pointed out; None for none."""
        self._cells: dict[str, list[Span]] = {}
        """The cells and signs that each bar was drawn with, by the bar's key."""
        self._names_calls = self._squeeze = False
        """Whether each bar's calls are named below it, for which there is room; whether
        idle time is squeezed."""
        self._folds: dict[str, bool] = {}
        self._most: int | None = None
        self._roomy = 0
        self.commands = {
            "timeline.zoom_in": lambda: self.zoom(_ZOOM),
            "timeline.zoom_out": lambda: self.zoom(1 / _ZOOM),
            "timeline.whole": lambda: self._look(TimeWindow(self._window.scale)),
            "timeline.selected": self._fit_selected,
            "timeline.call": lambda: self._step_call(1),
            "timeline.call_back": lambda: self._step_call(-1),
            "timeline.pan_left": lambda: self.pan(-_PAN),
            "timeline.pan_right": lambda: self.pan(_PAN),
            "lanes.fold": self._fold,
            "lanes.fold_all": self._fold_all,
            "lanes.execution": lambda: self._step_execution(1),
            "lanes.execution_back": lambda: self._step_execution(-1),
            "player.squeeze": self._toggle_squeeze,
        }

    def show(self) -> None:
        """Show the current moment."""
        is_partial = self._screen_state.playback.is_partial
        snapshot = self._screen_state.snapshot
        now = self._screen_state.now
        self._chart = TimelineChart(snapshot, now, is_partial=is_partial)
        self._scale_anew()
        self._list()

    def limit(self, most: int | None, roomy: int = 0) -> None:
        """Take at most `most` rows, and no more than needed; None for all there are.

        Up to `roomy` rows may be taken to name calls below their bars.
        """
        self._most = most
        self._roomy = roomy

    def _take_rows(self) -> None:
        count = self.bars.count
        if self._most is None:
            self.styles.height = "1fr"
        elif 2 * count + _AROUND <= min(self._most, self._roomy):
            self.styles.height = 2 * count + _AROUND
        else:
            self.styles.height = min(count + _AROUND, self._most)

    def _scale_anew(self) -> None:
        """Update the scale, as time has passed or idle time is squeezed."""
        screen_state = self._screen_state
        playback = self._screen_state.playback
        whole = screen_state.snapshot
        newest = screen_state.now
        if playback.replay and playback.span is not None:
            # A recording's whole time is known from the start: bars grow along one
            # axis.
            whole = screen_state.trace.as_of()
            newest = playback.span[1]
        scale = timeline_scale(whole, newest, self._shown_at, squeeze=self._squeeze)
        self._window = self._window.over(scale)

    def _list(self) -> None:
        """List the bars that are neither folded away nor filtered out."""
        room = None if self._most is None else self._most - _AROUND
        bars = self._chart.lines(self._folds, self._screen_state.kept_visits(), room)
        self.bars.entries = bars
        self._places = {bar.key: n for n, bar in enumerate(bars)}
        self._take_rows()
        self.lay_out()

    def lay_out(self) -> None:
        """Divide the width, lay time over the columns, and explain bars' signs."""
        width = self.width
        nearby = self.bars.nearby
        if width:
            names = max((width_of(self._label(bar)) for bar in nearby), default=0)
            told = (spans_of(bar_notes(self._chart, bar)) for bar in nearby)
            notes = max(map(width_of, told), default=0)
            columns = self._columns = TimelineColumns(width, names, notes)
            self.axis = TimelineAxis(
                self._window, columns.chart - TimelineAxis.MARGIN, self._playhead
            )
            self._names_calls = 2 * self.bars.count <= self.bars.size.height
            self._cells.clear()
        self.bars.changed()
        if width and self.axis is not None:
            self.head.show(self._axis_spans(self.axis))
            self._say()

    @property
    def _playhead(self) -> datetime | None:
        playback = self._screen_state.playback
        still = playback.live or playback.ended or self._is_aligned
        return None if still else self._screen_state.now

    @property
    def _is_aligned(self) -> bool:
        return self._screen_state.outline.options.aligned and self._screen_state.several

    def _axis_spans(self, axis: TimelineAxis) -> list[Span]:
        window = axis.window
        columns = self._columns
        said = "since start" if self._is_aligned else "elapsed"
        close = f"{window.closeness + 1e-6:,.1f}".removesuffix(".0")
        title = [Span(f" {said}", "role--dim")]
        title += [Span(f"  zoom ×{close}", "role--call")] if not window.is_whole else []
        if not columns.chart:
            return title
        labels = axis.labels()
        if window.first > 0:
            labels[0] = Span("‹", "role--call")
        if window.last < 1:
            labels[-1] = Span("›", "role--call")
        if axis.playhead is not None:
            labels[axis.playhead] = Span("▼", "look--playhead")
        return [*fit(title, columns.left), *labels]

    def _say(self) -> None:
        """Show what the signs in view mean or, if a call is pointed out, that call."""
        whole = self._most is None
        if whole and self.size.height < _ROOM_FOR_LEGEND:
            self.foot.show()
        elif whole and (chosen := self._chosen_words()):
            self.foot.show(chosen)
        elif not self.bars.entries:
            self.foot.show([Span(self._nothing(), "role--dim")])
        else:
            signs = {cell for cells in self._cells.values() for cell in cells}
            self.foot.show(list(legend_of(signs, self.width)))

    def _nothing(self) -> str:
        """Return why there are no bars."""
        if self._screen_state.outline.options.keep is not None:
            return " the filter leaves no state"
        calls = len(self._screen_state.snapshot.calls)
        missing = f" {counted(calls, 'call')}, but no states: a history is missing"
        return missing if calls else " no state transitions"

    def _chosen_words(self) -> list[Span]:
        """Return the name, time and match of the call that is pointed out, in words."""
        screen_state = self._screen_state
        event_id = (self._chosen or "").removeprefix(CALL_KEY)
        call = screen_state.trace.calls.get(event_id)
        link = screen_state.snapshot.link(call) if call is not None else None
        if call is None or link is None:
            return []
        text = screen_state.maker.call_text(call, link)
        attempt = screen_state.snapshot.attempt(link.key)
        row = attempt.integration if attempt is not None else None
        subject = list(text.subject)
        if row is not None and plain_text(subject).lstrip().startswith("+"):
            subject.append(Part(f" after {row.action_event}"))
        parts = [*text.name, *subject, *text.error, *text.rule]
        at = screen_state.looks.time(call.event_time, whole=True)
        return [
            Span(f" {at}  ", "role--dim"),
            *spans_of(parts, screen_state.looks.mask),
        ]

    def rows_of(self, bar: Bar, width: int) -> Sequence[Sequence[Span]]:
        """Return a bar's rows: name, bar and notes; below them, its calls' names."""
        del width
        columns = self._columns
        axis = self.axis
        if axis is None:
            return [[]]  # there is no style sheet yet
        row = [Span(" "), *fit(self._label(bar), columns.tree), Span(" ")]
        if not columns.chart:
            return [row]
        notes = spans_of(bar_notes(self._chart, bar), self._screen_state.looks.mask)
        drawn = BarCells(self._chart, bar, axis, self._screen_state)
        cells = drawn.cells(self._chosen)
        # Only a note may show how an end was learned of.
        signs = (Span(note.text.strip()[:1], note.look) for note in notes)
        self._cells[bar.key] = [*cells, *signs]
        row += _joined(cells if columns.notes else drawn.with_words(cells, notes))
        row.append(Span(bar.length.rjust(columns.length)))
        if columns.notes:
            row += [Span("  "), *_fitting(notes, columns.notes - 2)]
        if not self._names_calls:
            return [row]
        return [row, [Span(" " * columns.left), *_joined(drawn.named_calls())]]

    def _label(self, bar: Bar) -> list[Span]:
        """Return a bar's name, with its place in the tree."""
        looks = self._screen_state.looks
        sign = {True: "▾ ", False: "▸ ", None: "" if bar.guides else "  "}
        spans = [Span(f"{bar.guides}{sign[bar.open]}", "look--faint")]
        if bar.kind in {BarKind.TASK, BarKind.UNREAD}:
            return [*spans, Span(looks.mask(bar.name), "role--dim")]
        glyph = status_glyph(bar.status)
        spans.append(Span(f"{glyph.text} ", f"role--{glyph.role}"))
        own = self._screen_state.chips().get(bar.key)
        if own is not None:
            spans.append(own)
        else:
            look = "role--name" if bar.kind is BarKind.EXECUTION else "role--plain"
            is_root = bar.key in self._screen_state.snapshot.roots
            name = "Execution" if is_root else clean(bar.name, _NAME)
            spans.append(Span(looks.mask(name), look))
        return [*spans, Span("  "), *spans_of(state_words(bar), looks.mask)]

    def place_of(self, key: str) -> int | None:
        """Return the place of an event's or call's bar, or of the bar around it."""
        chart = self._chart
        bar = chart.bars.get(key) or chart.bar_of(*self._screen_state.visit_of(key))
        while bar is not None and bar.key not in self._places:
            bar = chart.around.get(bar.key)
        return self._places[bar.key] if bar is not None else None

    @property
    def selected_key(self) -> str | None:
        """The lanes' key of the call pointed out, or else of the bar's first line."""
        bar = self.bars.entry
        return self._chosen or (bar.line_key if bar is not None else None)

    def select_key(self, key: str) -> bool:
        """Select the bar of an event or call; False if neither has one."""
        found = self.bars.select_key(key)
        self.choose(key if found and key.startswith(CALL_KEY) else None)
        return found

    def clicked(self, bar: Bar, x: int, twice: bool) -> None:  # noqa: FBT001
        """Fold or open a bar, or point out the call at the click or next to it."""
        sign = 1 + len(bar.guides)
        if bar.open is not None and sign <= x <= sign + 1:
            self.toggle(bar)
        elif self.axis is not None:
            drawn = BarCells(self._chart, bar, self.axis, self._screen_state)
            at = x - self._columns.left
            cells = ((abs(drawn.tick_cell(t) - at), t.call.key) for t in drawn.ticks)
            away, key = min(cells, default=(2, ""), key=itemgetter(0))
            self.choose(key if away <= 1 else None)
            if twice:
                self.bars.post_message(CursorList.Opened())

    def choose(self, key: str | None) -> None:
        """Point out a call of the selected bar, by its key; None for no call."""
        if key != self._chosen:
            keys = (key, self._chosen)
            self._chosen = key
            places = {self.place_of(each) for each in keys if each is not None}
            self.bars.redraw(*(place for place in places if place is not None))
            self._say()
            self.bars.post_message(CursorList.Moved())

    @on(CursorList.Moved)
    def _moved(self) -> None:
        """Stop pointing out a call that belongs to another bar."""
        if self._chosen and self.place_of(self._chosen) != self.bars.cursor:
            self.choose(None)

    @property
    def _ticks(self) -> Sequence[Tick]:
        bar = self.bars.entry
        return self._chart.ticks(bar) if bar is not None else ()

    def _step_call(self, step: int) -> None:
        """Point out the bar's next call, or the one before."""
        self.screen.set_focus(self.entries)  # it is this cursor that moves
        ticks = self._ticks
        bar = self.bars.entry
        keys = [tick.call.key for tick in ticks]
        at = 0 if step > 0 else len(keys) - 1
        at = keys.index(self._chosen) + step if self._chosen in keys else at
        if bar is None or not 0 <= at < len(keys):
            self.app.notify("no more calls are matched to this bar")
            return
        when = self._shown_at(ticks[at].at, bar.execution_arn)
        self._look(self._window.centered(when))
        self.choose(keys[at])

    def _shown_at(self, at: datetime, arn: str) -> datetime:
        return self._screen_state.outline.order.shown_at(at, arn)

    def _step_execution(self, step: int) -> None:
        if self.bars.entry is not None:
            arn = self.bars.entry.execution_arn
            own = self._screen_state.snapshot.lineage.root_of(arn)
            self.bars.select_key(self._screen_state.root_beside(own, step))

    def toggle(self, bar: Bar) -> None:
        """Fold an open bar, or open a folded one."""
        self._folds[bar.key] = bool(bar.open)
        self._list()
        self.bars.select_key(bar.key)

    def _fold(self) -> None:
        """Fold or unfold the selected bar, or else the bar that it is inside of."""
        bar = self.bars.entry
        if bar is not None and bar.open is None:
            bar = self._chart.around.get(bar.key)
        if bar is not None and bar.key in self._places:
            self.toggle(bar)
        else:
            self.app.notify("nothing to fold here")

    def _fold_all(self) -> None:
        """Fold all bars that hold others or, if none is open, unfold them."""
        any_open = any(bar.open for bar in self.bars.entries)
        inner = (key for key, bar in self._chart.bars.items() if bar.inside)
        self._folds = dict.fromkeys(inner, any_open)
        self._list()

    def _look(self, window: TimeWindow) -> None:
        if window != self._window:
            self._window = window
            self.lay_out()

    def _fit_selected(self) -> None:
        bar = self.bars.entry
        if bar is not None:
            self._look(self._window.fitted_to(*self._bounds(bar)))

    def _bounds(self, bar: Bar) -> tuple[datetime, datetime]:
        arn = bar.execution_arn
        return self._shown_at(bar.begin, arn), self._shown_at(bar.end, arn)

    def zoom(self, factor: float) -> None:
        """Zoom by a factor; the selected call or bar stays where it is."""
        self._look(self._window.zoomed(factor, self._pivot()))

    def _pivot(self) -> datetime:
        begin, end = self._window.shown
        bar = self.bars.entry
        if bar is not None:
            for tick in self._ticks:
                if tick.call.key == self._chosen:
                    return self._shown_at(tick.at, bar.execution_arn)
            first, last = self._bounds(bar)
            if first <= end and last >= begin:
                begin = max(begin, first)
                end = min(end, last)
        return begin + (end - begin) / 2

    def pan(self, share: float) -> None:
        """Move by a share of the stretch that is shown."""
        self._look(self._window.panned(share))

    def _toggle_squeeze(self) -> None:
        self._squeeze = not self._squeeze
        self._scale_anew()
        self.lay_out()
        words = "idle time is cut short" if self._squeeze else "all time is to scale"
        self.app.notify(words)
