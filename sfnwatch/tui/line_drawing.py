"""A line of the lanes in rows of the screen: life-lines, words, time, calls.

Words that do not fit beside others take a second row. An arrow from a state to its
call, or from an event to its state, is drawn all the way.
"""

from collections.abc import Mapping, Sequence
from itertools import zip_longest

from msgspec import Struct, field

from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.times import duration
from sfnwatch.tui.lanes_layout import GUTTER, WHOLE_TIME_CELLS, LaneColumn, LaneLayout
from sfnwatch.tui.life_line_cells import BLANK_CELL, own_cells, passing_cells
from sfnwatch.tui.line_words import LineWords, words_of_line
from sfnwatch.tui.line_wrapping import concluded, first_whole, in_rows, whole_rows
from sfnwatch.tui.looks import Looks
from sfnwatch.tui.spans import Span, SpanRow, Spans, cut, pad, width_of
from sfnwatch.view.life_lines import Rail
from sfnwatch.view.line import Lane, Line
from sfnwatch.view.outline_items import Fold, FoldKind

_GAP_SECONDS = 60.0
"""From this many seconds on a gap before a line is shown in a row of its own."""
LATE_SECONDS = 60.0
"""From a delay of this many seconds on, a new call is said to be late."""
_RailsByRoot = Mapping[str, Sequence[Rail]]
"""The life-lines that pass a row, by root execution."""


class LineDrawing(Struct):
    """Draws a line on a layout."""

    line: Line
    layout: LaneLayout
    looks: Looks
    chips: Mapping[str, Span]
    """Executions' short names by their ARNs; empty for a single one."""
    late_look: str = ""
    """The look of a new call's delay; empty if the delay is not shown."""
    away: float = 0.0
    """How far a late call still is from its place, as a share of its room."""
    notice: str = ""
    """The words in a row above: up to when CloudTrail is complete."""
    same_second: bool = False
    """True if the line above has the same time, apart from milliseconds."""
    others: dict[str, Sequence[Rail]] = field(default_factory=dict)
    """The life-lines that pass in the columns of other executions, by ARN."""

    def rows(self) -> list[SpanRow]:
        """Return the rows, the one above for a date, a gap or a notice included."""
        layout = self.layout
        column = self._column
        room = layout.width - column.text - 1
        if layout.calls:
            rows = self._two_lanes(column, room)
        elif layout.roots:
            room = self._room_from(column, self.others) - 1
            rows = self._joined(column, self._one_text(room, room))
        else:
            first = room
            if layout.time_cells:
                first = layout.time - GUTTER - column.text
            rows = self._joined(column, self._one_text(first, room))
        return [*self._rows_above(), *rows]

    @property
    def _column(self) -> LaneColumn:
        columns = self.layout.columns
        for column in columns:
            if column.root_arn == self.line.root_arn:
                return column
        return columns[0]

    def _one_text(self, first: int, others: int) -> list[SpanRow]:
        """Return a line's words as one text: a first row, and more rows if needed."""
        line = self.line
        words = words_of_line(line, self.looks, owner=self._is_owned)
        if line.call is None and line.conclusion:
            return concluded(words, first, others)
        if line.call is None:
            right = words.right[0] if words.right else []
            return in_rows([*words.left, *right], first, others)
        lead = [*words.left, words.arrow] if words.left else []
        alternatives = [[*lead, *right] for right in words.right]
        rows = first_whole(self._with_delay(alternatives, first), first, others)
        return rows if words.left else self._slid(rows, first)

    @property
    def _is_owned(self) -> bool:
        """True if the line must name the state that it belongs to."""
        line = self.line
        item = line.item
        # A line about the end of a state consists of the state's name.
        is_exit = isinstance(item, HistoryEvent) and item.type.endswith("Exited")
        arn = line.execution_arn
        if not self.chips or is_exit or arn != line.root_arn:
            return True
        open_rails = [r for r in line.rails if r.visit[0] == arn and not r.ends]
        return len(open_rails) > 1

    def _two_lanes(self, column: LaneColumn, room: int) -> list[SpanRow]:
        layout = self.layout
        line = self.line
        words = words_of_line(line, self.looks, owner=True, apart=True)
        states_room = layout.time - GUTTER - column.text
        calls_room = layout.width - layout.calls - 1
        right: list[SpanRow] = []
        if words.right and (line.call is not None or not line.conclusion):
            alternatives = self._with_delay(words.right, calls_room)
            calls = first_whole(alternatives, calls_room, calls_room)
            right = self._slid(calls, calls_room)
        elif words.right:
            right = whole_rows(words.right[0], calls_room, calls_room)
        if words.right and not right:
            left = concluded(words, states_room, room)
        else:
            below = states_room if len(right) > 1 else room
            left = in_rows(words.left, states_room, below)
        return self._joined(column, left, right, words)

    def _with_delay(
        self, alternatives: Sequence[SpanRow], room: int
    ) -> Sequence[SpanRow]:
        """Add how late a call is, if its row has room: no other words move for it."""
        seconds = self.line.late or 0
        if not self.late_look or seconds < LATE_SECONDS:
            return alternatives
        delay = Span(f"  {duration(round(seconds))} late", self.late_look)
        delayed = [[*words, delay] for words in alternatives]
        has_room = any(width_of(words) <= room for words in delayed[:2])
        return delayed if has_room else alternatives

    def _slid(self, rows: list[SpanRow], room: int) -> list[SpanRow]:
        """Return as much of rows that slide in from the right as is in view."""
        if not self.away:
            return rows
        before = Span(" " * round(self.away * room))
        return [cut([before, *row], room) for row in rows]

    def _room_from(self, column: LaneColumn, passing: _RailsByRoot) -> int:
        """Return the cells up to the next column that a life-line passes."""
        for other in self.layout.columns:
            if other.left > column.left and passing.get(other.root_arn):
                return other.left - 1 - column.text
        return self.layout.width - column.text

    def _joined(
        self,
        column: LaneColumn,
        left: Sequence[SpanRow],
        right: Sequence[SpanRow] = (),
        words: LineWords | None = None,
    ) -> list[SpanRow]:
        """Join the life-lines, words, time and calls of each row."""
        layout = self.layout
        line = self.line
        is_of_none = bool(layout.roots) and not line.root_arn
        pairs = list(zip_longest(left or [[]], right, fillvalue=SpanRow()))
        rows: list[SpanRow] = []
        for number, (states, calls) in enumerate(pairs):
            if is_of_none:
                passing = self.others.get(column.root_arn, ())
                rails = passing_cells(passing, column.rails)
            else:
                rails = own_cells(line, column.rails, number, len(pairs))
            lead = self._lead(column, is_first=number == 0)
            row = self._across(lead, self.others, column, states, rails)
            if number == 0 and layout.time_cells and not layout.roots:
                row = self._with_time(row, words if calls else None)
            if calls:
                row = [*pad(row, layout.calls), *calls]
            rows.append(row)
        return rows

    def _lead(self, column: LaneColumn, *, is_first: bool) -> SpanRow:
        """Return the beginning of a row: its time, or its execution's short name."""
        if self.layout.roots:
            time = self._time if is_first and not self.same_second else ""
            return [BLANK_CELL, Span(time.rjust(WHOLE_TIME_CELLS), "look--faint")]
        chip = self.chips.get(self.line.root_arn or "") if is_first else None
        if chip is None:
            return [BLANK_CELL]
        cells = column.left - GUTTER
        name = Span(f"{chip.text:^{cells}}", chip.look)
        return [BLANK_CELL, *cut([name], cells)]

    def _with_time(self, row: SpanRow, words: LineWords | None) -> SpanRow:
        """Add the time, and the arrow that leads past it from lane to lane."""
        layout = self.layout
        time = Span(self._time, "look--faint")
        if words is None or not words.leads:
            return [*pad(row, layout.time), time]
        free = layout.time - 1 - width_of(row)
        if words.leads == "left":
            look = "role--dim"
            before_time = f" ◀{'━' * (free - 2)}" if free > GUTTER else ""
            after_time = "━━━ " if before_time else "◀━━ "
        else:
            look = words.arrow.look
            after_time = words.arrow.text[1:]
            before_time = f" {after_time[0] * (free - 1)}" if free > 1 else ""
        row = [*pad([*row, Span(before_time, look)], layout.time), time]
        blank = Span(" " * (layout.time_cells - len(time.text)))
        return [*row, blank, Span(after_time, look)]

    @property
    def _time(self) -> str:
        item = self.line.item
        if isinstance(item, Fold) and item.kind is FoldKind.POLLS:
            return "⋮"
        whole = self.line.whole_seconds or bool(self.layout.roots)
        return self.looks.time(self.line.at, whole=whole)

    def _across(
        self,
        lead: Spans,
        passing: _RailsByRoot,
        at: LaneColumn,
        words: Spans,
        own: Spans = (),
    ) -> SpanRow:
        """Return a row across all columns, with its words in the column `at`.

        In that column, `own` replaces the life-lines that pass.
        """
        row = list(lead)
        for column in self.layout.columns:
            # Words that run on from the column before leave no room for this column.
            if width_of(row) > column.left:
                continue
            row = pad(row, column.left)
            if own and column is at:
                row += own
            else:
                rails = passing.get(column.root_arn, ())
                row += passing_cells(rails, column.rails)
            if column is at:
                row = [*pad(row, column.text), *words]
        return row

    def _rows_above(self) -> list[SpanRow]:
        """Return a row for a new day, a long gap or CloudTrail's coverage, if any."""
        line = self.line
        layout = self.layout
        words = self._date_or_gap()
        notice = [Span(self.notice, "role--exact")] if self.notice else []
        if not words and not notice:
            return []
        # Only life-lines that do not begin in this line pass the row.
        old = [rail for rail in line.rails if not rail.begins]
        first = layout.columns[0]
        if layout.roots:
            passing = {**self.others, line.root_arn or "": old}
            rooms = [self._room_from(column, passing) for column in layout.columns]
            room = max(rooms)
            at = layout.columns[rooms.index(room)]
            lead = cut([BLANK_CELL, *words], first.left - 1)
            return [self._across(lead, passing, at, cut(notice, room))]
        if words:
            words.append(Span("  "))
        words += notice
        row = [*pad([BLANK_CELL], first.left), *passing_cells(old, first.rails)]
        left = layout.time if layout.time_cells else first.text
        if width_of(words) > layout.width - left:
            left = first.text
        return [[*pad(row, left), *cut(words, layout.width - left)]]

    def _date_or_gap(self) -> SpanRow:
        line = self.line
        if line.new_day and self.looks.origin is None:
            return [Span(f"{self.looks.at(line.at):%Y-%m-%d}", "role--name")]
        # A call's own words say how long after another it was: it needs no row for
        # that.
        is_call = line.lane is Lane.CALLS and line.call is not None
        if line.gap is None or line.gap < _GAP_SECONDS or is_call:
            return []
        return [Span(f"⋮ {duration(round(line.gap))}", "look--faint")]
