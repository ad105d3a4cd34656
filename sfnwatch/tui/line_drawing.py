"""A line of the lanes in rows of the screen: life-lines, words, time, calls.

What does not fit beside something else takes a second row. What leads from a state to
its call, or from an event to its state, is drawn through to it.
"""

from collections.abc import Mapping, Sequence
from itertools import zip_longest

from msgspec import Struct, field

from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.times import duration
from sfnwatch.tui.lanes_layout import GUTTER, WHOLE_TIME_CELLS, LaneColumn, LaneLayout
from sfnwatch.tui.life_line_cells import BLANK, own_cells, passing_cells
from sfnwatch.tui.line_words import LineWords, words_of_line
from sfnwatch.tui.line_wrapping import concluded, first_whole, in_rows, whole_rows
from sfnwatch.tui.paint import Looks, Span, SpanRow, Spans, cut, pad, width_of
from sfnwatch.view.life_lines import Rail
from sfnwatch.view.line import Lane, Line
from sfnwatch.view.outline_items import Fold, FoldKind

GAP = 60.0
"""Seconds without a line from which on they are told in a row of their own."""
LATE = 60.0
"""Seconds from which on a call that has just come is said to be late."""
Passing = Mapping[str, Sequence[Rail]]
"""What passes a row, by the executions whose it is."""


class LineDrawing(Struct):
    """Draws a line on a layout."""

    line: Line
    layout: LaneLayout
    looks: Looks
    chips: Mapping[str, Span]
    """The executions' by their ARNs; empty for a single one."""
    late_look: str = ""
    """What it looks like how late a call has just come; empty where that is not said.
    """
    away: float = 0.0
    """How far a late call is from its place, into which it slides: a share of the room
    for it."""
    notice: str = ""
    """What stands in a row above: up to where CloudTrail is complete."""
    same_second: bool = False
    """True where the line above has the same time, but for its milliseconds."""
    others: dict[str, Sequence[Rail]] = field(default_factory=dict)
    """What passes in the columns of other executions, by their ARNs."""

    def rows(self) -> list[SpanRow]:
        """Draw it."""
        layout = self.layout
        line = self.line
        own = (c for c in layout.columns if c.root_arn == line.root_arn)
        column = next(own, layout.columns[0])
        room = layout.width - column.text - 1
        if layout.calls:
            rows = self._two_lanes(column, room)
        elif layout.roots:
            room = self._room_from(column, self.others) - 1
            rows = self._joined(column, self._in_one(room, room))
        else:
            first = layout.time - GUTTER - column.text if layout.time_cells else room
            rows = self._joined(column, self._in_one(first, room))
        return [*self._rows_before(), *rows]

    def _in_one(self, first: int, others: int) -> list[SpanRow]:
        """Say all of a line in one text: a first row, and those that it takes more."""
        line = self.line
        words = words_of_line(line, self.looks, owner=self._is_owned)
        if line.call is None and line.conclusion:
            return concluded(words, first, others)
        if line.call is None:
            right = words.right[0] if words.right else []
            return in_rows([*words.left, *right], first, others)
        lead = [*words.left, words.arrow] if words.left else []
        tries = [[*lead, *each] for each in words.right]
        rows = first_whole(self._with_late(tries, first), first, others)
        return rows if words.left else self._slid(rows, first)

    @property
    def _is_owned(self) -> bool:
        """True where it must be said which state of an execution a line is of."""
        line = self.line
        item = self.line.item
        # Where a state has ended its name is all that a line is about.
        is_exit = isinstance(item, HistoryEvent) and item.type.endswith("Exited")
        if not self.chips or is_exit:
            return True
        arn = line.execution_arn
        own = [r for r in line.rails if r.visit[0] == arn and not r.ends]
        return len(own) > 1 or arn != line.root_arn

    def _two_lanes(self, column: LaneColumn, whole: int) -> list[SpanRow]:
        layout = self.layout
        words = words_of_line(self.line, self.looks, owner=True, apart=True)
        room = layout.time - GUTTER - column.text
        lane = layout.width - layout.calls - 1
        right: list[SpanRow] = []
        if words.right and (self.line.call is not None or not self.line.conclusion):
            tries = self._with_late(words.right, lane)
            right = self._slid(first_whole(tries, lane, lane), lane)
        elif words.right:
            right = whole_rows(words.right[0], lane, lane)
        if words.right and not right:
            left = concluded(words, room, whole)
        else:
            left = in_rows(words.left, room, room if len(right) > 1 else whole)
        return self._joined(column, left, right, words)

    def _with_late(self, tries: Sequence[SpanRow], room: int) -> Sequence[SpanRow]:
        """Say how late a call is where its row has room: no other must move for it."""
        if not self.late_look or (self.line.late or 0) < LATE:
            return tries
        late = Span(f"  {duration(round(self.line.late or 0))} late", self.late_look)
        told = [[*each, late] for each in tries]
        return told if any(width_of(each) <= room for each in told[:2]) else tries

    def _slid(self, rows: list[SpanRow], room: int) -> list[SpanRow]:
        """Draw as much as has come into view of what slides in from the right."""
        before = Span(" " * round(self.away * room))
        return [cut([before, *row], room) for row in rows] if self.away else rows

    def _room_from(self, column: LaneColumn, passing: Passing) -> int:
        """Count the cells up to the next column in which something passes."""
        after = (c for c in self.layout.columns if c.left > column.left)
        busy = next((c for c in after if passing.get(c.root_arn)), None)
        end = busy.left - 1 if busy is not None else self.layout.width
        return end - column.text

    def _joined(
        self,
        column: LaneColumn,
        left: Sequence[SpanRow],
        right: Sequence[SpanRow] = (),
        words: LineWords | None = None,
    ) -> list[SpanRow]:
        """Put life-lines, words, the time and the calls of each row together."""
        layout = self.layout
        line = self.line
        pairs = list(zip_longest(left or [[]], right, fillvalue=SpanRow()))
        rows: list[SpanRow] = []
        for number, (said, own) in enumerate(pairs):
            rails = own_cells(line, column.rails, number, len(pairs))
            if layout.roots and not line.root_arn:
                rails = passing_cells(
                    self.others.get(column.root_arn, ()), column.rails
                )
            lead = self._lead(column, is_first=number == 0)
            row = self._across(lead, self.others, column, said, rails)
            if number == 0 and layout.time_cells and not layout.roots:
                row = self._with_time(row, words if own else None)
            if own:
                row = [*pad(row, layout.calls), *own]
            rows.append(row)
        return rows

    def _lead(self, column: LaneColumn, *, is_first: bool) -> SpanRow:
        """Begin a row: with its time, or with whose it is."""
        if self.layout.roots:
            time = self._time if is_first and not self.same_second else ""
            return [BLANK, Span(time.rjust(WHOLE_TIME_CELLS), "look--faint")]
        chip = self.chips.get(self.line.root_arn or "") if is_first else None
        if chip is None:
            return [BLANK]
        cells = column.left - GUTTER
        return [BLANK, *cut([Span(f"{chip.text:^{cells}}", chip.look)], cells)]

    def _with_time(self, row: SpanRow, words: LineWords | None) -> SpanRow:
        """Put in the time, with what leads past it from one lane to the other."""
        layout = self.layout
        time = Span(self._time, "look--faint")
        free = layout.time - 1 - width_of(row)
        if words is None or not words.leads:
            return [*pad(row, layout.time), time]
        if words.leads == "left":
            head = [Span(f" ◀{'━' * (free - 2)}", "role--dim")] if free > GUTTER else []
            tail = Span("━━━ " if head else "◀━━ ", "role--dim")
        else:
            text = words.arrow.text
            look = words.arrow.look
            fill = text[1] * (free - 1)
            head = [Span(f" {fill}", look)] if free > 1 else []
            tail = Span(text[1:], look)
        row = [*pad([*row, *head], layout.time), time]
        return [*row, Span(" " * (layout.time_cells - len(time.text))), tail]

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
        passing: Passing,
        at: LaneColumn,
        words: Spans,
        own: Spans = (),
    ) -> SpanRow:
        """Draw a row across all columns, with words in the one `at` which they are.

        `own` stands there for what passes.
        """
        row = list(lead)
        for each in self.layout.columns:
            # What runs on from the column before leaves no room for this one's.
            if width_of(row) > each.left:
                continue
            rails = passing_cells(passing.get(each.root_arn, ()), each.rails)
            row = [*pad(row, each.left), *(own if own and each is at else rails)]
            if each is at:
                row = [*pad(row, each.text), *words]
        return row

    def _rows_before(self) -> list[SpanRow]:
        """Tell of a new day, of a long time without anything, of what is complete."""
        line = self.line
        layout = self.layout
        told: SpanRow = []
        # A call that says itself how long after another it was needs no such row.
        is_counted = line.lane is Lane.CALLS and line.call is not None
        if line.new_day and self.looks.origin is None:
            told.append(Span(f"{self.looks.at(line.at):%Y-%m-%d}", "role--name"))
        elif line.gap is not None and line.gap >= GAP and not is_counted:
            told.append(Span(f"⋮ {duration(round(line.gap))}", "look--faint"))
        notice = [Span(self.notice, "role--exact")] if self.notice else []
        if not (told or notice):
            return []
        # What has not just begun passes it.
        old = [rail for rail in line.rails if not rail.begins]
        passing = {**self.others, line.root_arn or "": old}
        first = layout.columns[0]
        if layout.roots:
            at = max(layout.columns, key=lambda c: self._room_from(c, passing))
            lead = cut([BLANK, *told], first.left - 1)
            words = cut(notice, self._room_from(at, passing))
            return [self._across(lead, passing, at, words)]
        told += [Span("  "), *notice] if told else notice
        row = [*pad([BLANK], first.left), *passing_cells(old, first.rails)]
        time = layout.time if layout.time_cells else first.text
        if width_of(told) > layout.width - time:
            time = first.text
        return [[*pad(row, time), *cut(told, layout.width - time)]]
