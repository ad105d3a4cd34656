"""The timeline: a bar for each state on one axis, live or at any moment."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter

from textual import on

from sfnwatch.model.api_call import CALL_KEY
from sfnwatch.model.texts import clean
from sfnwatch.tui.bar_cells import BarCells
from sfnwatch.tui.bar_signs import legend_of
from sfnwatch.tui.cursor_list import CursorList
from sfnwatch.tui.entry_list import EntryList
from sfnwatch.tui.screen_state import ScreenState
from sfnwatch.tui.spans import Span, SpanRow, fit, spans_of, width_of
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
_NAME_CHARACTERS = 60
_LEGEND_FROM = 10
"""From this height on, signs are explained below the bars."""
_OTHER_ROWS = 2
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


class TimelineView(HeadedView):
    """The axis, the bars, and what their signs mean."""

    keyed = True

    def __init__(self, screen_state: ScreenState) -> None:
        self.bars = BarList(self)
        super().__init__(screen_state, self.bars)
        snapshot = screen_state.snapshot
        now = screen_state.now
        self._chart = TimelineChart(snapshot, now)
        scale = timeline_scale(snapshot, now, self._shown_at)
        self._window = TimeWindow(scale)
        self._columns = TimelineColumns()
        self.axis: TimelineAxis | None = None
        """None while there is no room for it."""
        self._places: Mapping[str, int] = {}
        self._chosen: str | None = None
        """The key of the call that is pointed out; None for none."""
        self._cells: dict[str, SpanRow] = {}
        """The cells and signs that each bar was drawn with, by the bar's key."""
        self._names_calls = False
        """Whether each bar's calls are named below it, for which there is room."""
        self._squeeze = False
        """Whether idle time is squeezed."""
        self._folds: dict[str, bool] = {}
        self._most_rows: int | None = None
        """The rows that the view may take; None for all there are."""
        self._most_rows_with_calls = 0
        """The rows that it may take to name calls below their bars."""
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
        screen_state = self._screen_state
        self._chart = TimelineChart(
            screen_state.snapshot,
            screen_state.now,
            is_partial=screen_state.playback.is_partial,
        )
        self._update_scale()
        self._list()

    def limit(self, most: int | None, roomy: int = 0) -> None:
        """Take at most `most` rows, and no more than needed; None for all there are.

        Up to `roomy` rows may be taken to name calls below their bars.
        """
        self._most_rows = most
        self._most_rows_with_calls = roomy

    def _take_rows(self) -> None:
        most = self._most_rows
        if most is None:
            self.styles.height = "1fr"
            return
        count = self.bars.count
        rows_with_calls = 2 * count + _OTHER_ROWS
        if rows_with_calls <= min(most, self._most_rows_with_calls):
            self.styles.height = rows_with_calls
        else:
            self.styles.height = min(count + _OTHER_ROWS, most)

    def _update_scale(self) -> None:
        """Update the scale, as time has passed or idle time is squeezed."""
        screen_state = self._screen_state
        playback = screen_state.playback
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
        room = None
        if self._most_rows is not None:
            room = self._most_rows - _OTHER_ROWS
        kept = self._screen_state.kept_visits()
        bars = self._chart.lines(self._folds, kept, room)
        self.bars.entries = bars
        self._places = {bar.key: place for place, bar in enumerate(bars)}
        self._take_rows()
        self.lay_out()

    def lay_out(self) -> None:
        """Divide the width, lay time over the columns, and explain bars' signs."""
        if self.width:
            self._divide_width()
        self.bars.changed()
        if self.width and self.axis is not None:
            self.head.show(self._axis_spans(self.axis))
            self._explain()

    def _divide_width(self) -> None:
        names = 0
        notes = 0
        for bar in self.bars.nearby:
            names = max(names, width_of(self._label(bar)))
            notes = max(notes, width_of(spans_of(bar_notes(self._chart, bar))))
        columns = TimelineColumns(self.width, names, notes)
        self._columns = columns
        width = columns.chart - TimelineAxis.MARGIN
        self.axis = TimelineAxis(self._window, width, self._playhead)
        self._names_calls = 2 * self.bars.count <= self.bars.size.height
        self._cells.clear()

    @property
    def _playhead(self) -> datetime | None:
        playback = self._screen_state.playback
        if playback.live or playback.ended or self._is_aligned:
            return None
        return self._screen_state.now

    @property
    def _is_aligned(self) -> bool:
        return self._screen_state.outline.options.aligned and self._screen_state.several

    def _axis_spans(self, axis: TimelineAxis) -> SpanRow:
        window = axis.window
        columns = self._columns
        words = "since start" if self._is_aligned else "elapsed"
        title = [Span(f" {words}", "role--dim")]
        if not window.is_whole:
            factor = f"{window.closeness + 1e-6:,.1f}".removesuffix(".0")
            title.append(Span(f"  zoom ×{factor}", "role--call"))
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

    def _explain(self) -> None:
        """Show what the signs in view mean or, if a call is pointed out, that call."""
        if self._most_rows is None:
            if self.size.height < _LEGEND_FROM:
                self.foot.show()
                return
            words = self._chosen_words()
            if words:
                self.foot.show(words)
                return
        if self.bars.entries:
            signs: set[Span] = set()
            signs.update(*self._cells.values())
            self.foot.show(list(legend_of(signs, self.width)))
        else:
            self.foot.show([Span(self._nothing(), "role--dim")])

    def _nothing(self) -> str:
        """Return why there are no bars."""
        if self._screen_state.outline.options.keep is not None:
            return " the filter leaves no state"
        calls = len(self._screen_state.snapshot.calls)
        if not calls:
            return " no state transitions"
        return f" {counted(calls, 'call')}, but no states: a history is missing"

    def _chosen_words(self) -> SpanRow:
        """Return the name, time and match of the call that is pointed out, in words."""
        screen_state = self._screen_state
        snapshot = screen_state.snapshot
        event_id = (self._chosen or "").removeprefix(CALL_KEY)
        call = screen_state.trace.calls.get(event_id)
        link = snapshot.link(call) if call is not None else None
        if call is None or link is None:
            return []
        text = screen_state.maker.call_text(call, link)
        subject = list(text.subject)
        attempt = snapshot.attempt(link.key)
        integration = attempt.integration if attempt is not None else None
        is_relative = plain_text(subject).lstrip().startswith("+")
        if integration is not None and is_relative:
            subject.append(Part(f" after {integration.action_event}"))
        parts = [*text.name, *subject, *text.error, *text.rule]
        time = screen_state.looks.time(call.event_time, whole=True)
        lead = Span(f" {time}  ", "role--dim")
        return [lead, *spans_of(parts, screen_state.looks.mask)]

    def rows_of(self, bar: Bar, width: int) -> Sequence[SpanRow]:
        """Return a bar's rows: name, bar and notes; below them, its calls' names."""
        del width
        columns = self._columns
        if self.axis is None:
            return [[]]  # there is no style sheet yet
        row = [Span(" "), *fit(self._label(bar), columns.tree), Span(" ")]
        if not columns.chart:
            return [row]
        notes = spans_of(bar_notes(self._chart, bar), self.mask)
        drawn = BarCells(self._chart, bar, self.axis, self._screen_state)
        cells = drawn.cells(self._chosen)
        # Only a note may show how an end was learned of.
        signs = [Span(note.text.strip()[:1], note.look) for note in notes]
        self._cells[bar.key] = [*cells, *signs]
        length = Span(bar.length.rjust(columns.length))
        if columns.notes:
            row += _joined(cells)
            row += [length, Span("  "), *_fitting(notes, columns.notes - 2)]
        else:
            row += _joined(drawn.with_words(cells, notes))
            row.append(length)
        if not self._names_calls:
            return [row]
        below = [Span(" " * columns.left), *_joined(drawn.named_calls())]
        return [row, below]

    def _label(self, bar: Bar) -> SpanRow:
        """Return a bar's name, with its place in the tree."""
        sign = ""
        if bar.open is not None:
            sign = "▾ " if bar.open else "▸ "
        elif not bar.guides:
            sign = "  "
        spans = [Span(f"{bar.guides}{sign}", "look--faint")]
        if bar.kind in {BarKind.TASK, BarKind.UNREAD}:
            spans.append(Span(self.mask(bar.name), "role--dim"))
            return spans
        glyph = status_glyph(bar.status)
        spans.append(Span(f"{glyph.text} ", f"role--{glyph.role}"))
        spans.append(self._name_span(bar))
        spans.append(Span("  "))
        spans += spans_of(state_words(bar), self.mask)
        return spans

    def _name_span(self, bar: Bar) -> Span:
        """Return a bar's name; where roots have short names, theirs."""
        screen_state = self._screen_state
        chips = screen_state.chips()
        if bar.key in chips:
            return chips[bar.key]
        name = clean(bar.name, _NAME_CHARACTERS)
        if bar.key in screen_state.snapshot.roots:
            name = "Execution"
        is_execution = bar.kind is BarKind.EXECUTION
        return Span(self.mask(name), "role--name" if is_execution else "role--plain")

    def place_of(self, key: str) -> int | None:
        """Return the place of an event's or call's bar, or of the bar around it."""
        chart = self._chart
        bar = chart.bars.get(key)
        if bar is None:
            bar = chart.bar_of(*self._screen_state.visit_of(key))
        while bar is not None:
            if bar.key in self._places:
                return self._places[bar.key]
            bar = chart.around.get(bar.key)
        return None

    @property
    def selected_key(self) -> str | None:
        """The lanes' key of the call pointed out, or else of the bar's first line."""
        bar = self.bars.entry
        if self._chosen is not None or bar is None:
            return self._chosen
        return bar.line_key

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
            cell = x - self._columns.left
            nearest = None
            distance = 2
            for tick in drawn.ticks:
                away = abs(drawn.tick_cell(tick) - cell)
                if away < distance:
                    nearest = tick.call.key
                    distance = away
            self.choose(nearest)
            if twice:
                self.bars.post_message(CursorList.Opened())

    def choose(self, key: str | None) -> None:
        """Point out a call of the selected bar, by its key; None for no call."""
        if key != self._chosen:
            changed = {key, self._chosen}
            self._chosen = key
            places = [self.place_of(call) for call in changed if call is not None]
            self.bars.redraw(*(place for place in places if place is not None))
            self._explain()
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
        number = 0 if step > 0 else len(keys) - 1
        if self._chosen in keys:
            number = keys.index(self._chosen) + step
        if bar is None or not 0 <= number < len(keys):
            self.app.notify("no more calls are matched to this bar")
            return
        at = self._shown_at(ticks[number].at, bar.execution_arn)
        self._look(self._window.centered(at))
        self.choose(keys[number])

    def _shown_at(self, at: datetime, arn: str) -> datetime:
        return self._screen_state.outline.order.shown_at(at, arn)

    def _step_execution(self, step: int) -> None:
        bar = self.bars.entry
        if bar is not None:
            screen_state = self._screen_state
            root = screen_state.snapshot.lineage.root_of(bar.execution_arn)
            self.bars.select_key(screen_state.root_beside(root, step))

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
        is_any_open = any(bar.open for bar in self.bars.entries)
        containers = [bar.key for bar in self._chart.bars.values() if bar.inside]
        self._folds = dict.fromkeys(containers, is_any_open)
        self._list()

    def _look(self, window: TimeWindow) -> None:
        if window != self._window:
            self._window = window
            self.lay_out()

    def _fit_selected(self) -> None:
        bar = self.bars.entry
        if bar is not None:
            begin, end = self._bounds(bar)
            self._look(self._window.fitted_to(begin, end))

    def _bounds(self, bar: Bar) -> tuple[datetime, datetime]:
        arn = bar.execution_arn
        return self._shown_at(bar.begin, arn), self._shown_at(bar.end, arn)

    def zoom(self, factor: float) -> None:
        """Zoom by a factor; the selected call or bar stays where it is."""
        self._look(self._window.zoomed(factor, self._pivot()))

    def _pivot(self) -> datetime:
        """Return the time of the selected call, or the middle of the bar in view."""
        begin, end = self._window.shown
        bar = self.bars.entry
        if bar is not None:
            for tick in self._ticks:
                if tick.call.key == self._chosen:
                    return self._shown_at(tick.at, bar.execution_arn)
            bar_begin, bar_end = self._bounds(bar)
            if bar_begin <= end and bar_end >= begin:
                begin = max(begin, bar_begin)
                end = min(end, bar_end)
        return begin + (end - begin) / 2

    def pan(self, share: float) -> None:
        """Move by a share of the stretch that is shown."""
        self._look(self._window.panned(share))

    def _toggle_squeeze(self) -> None:
        self._squeeze = not self._squeeze
        self._update_scale()
        self.lay_out()
        if self._squeeze:
            self.app.notify("idle time is skipped")
        else:
            self.app.notify("all time is to scale")


def _fitting(notes: Sequence[Span], cells: int) -> SpanRow:
    """Keep the notes that fit as a whole, and the first one in any case."""
    fitting: SpanRow = []
    width = 0
    for note in notes:
        width += width_of([note])
        if fitting and width > cells:
            break
        fitting.append(note)
    return fit(fitting, cells)


def _joined(cells: Iterable[Span]) -> Iterator[Span]:
    """Join neighboring cells of one look: a bar becomes a few spans, not a hundred."""
    for look, run in groupby(cells, key=attrgetter("look")):
        yield Span("".join(cell.text for cell in run), look)
