"""A line of the lanes in rows of the screen: life-lines, words, time, calls.

What does not fit beside something else takes a second row; what leads from a state to
its call, or from an event to its state, is drawn through to it. Columns are as wide as
what is in view: the time stands right of the longest text, and an empty lane gives its
room away. They widen at once and narrow seldom, or scrolling would be restless.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, zip_longest
from typing import NamedTuple

from msgspec import Struct, field

from sfnwatch.analysis.phases import Phase
from sfnwatch.model.history_event import TERMINAL, HistoryEvent
from sfnwatch.model.times import duration
from sfnwatch.tui.paint import (
    PHASES,
    TIME_CELLS,
    Looks,
    Span,
    SpanRow,
    Spans,
    cut,
    flow,
    pad,
    spans_of,
    width_of,
)
from sfnwatch.view.lines import MOST, Lane, Line, Rail
from sfnwatch.view.outline import Fold, FoldKind
from sfnwatch.view.parts import Part, Role
from sfnwatch.view.wording import CallText

NARROW = 100
"""Below so many cells there is one lane."""
LEAST_COLUMN = 26
"""Cells that an execution beside others needs."""
_WHOLE_TIME = len("13:31:15")
_LEAST_BESIDE = 24
"""Those that it has where the last one needs more."""
GUTTER = 2
"""Blank cells between columns."""
ARROW = len("──▶ ")
"""Cells between the time and the calls, for what leads from one to the other."""
_SHARE = 0.48
"""The part that the calls have at least, where not all that is in view has room."""
_WIDER = 1.8
"""So many times as wide as the others the last column may be."""
_SHRINK = 12
"""Cells that must have become free before a column narrows."""
GAP = 60.0
"""Seconds without a line from which on they are told in a row of their own."""
LATE = 60.0
"""Seconds from which on a call that has just come is said to be late."""
_BLANK = Span(" ")
_RAILS = dict(zip(PHASES, "╎┃┃┋│┊", strict=True))
"""What a life-line is drawn with, by what time is spent on."""
_MARKS = "◆✔✘◷■⟲●"
"""What stands where the life-line of an execution would: how it begins and ends."""
_MOST_ROWS = 3
_RAGGED = 8
"""Cells that a row of wrapped words may lose at its end."""
_LONG = 60
"""A text of so many cells is wrapped in any case, where room is scarce."""
_SURE_ARROW = Span(" ──▶ ", "role--exact")
"""What leads to a call."""
_DOUBTFUL_ARROW = Span(" ┄┄▷ ", "role--guess")
"""What leads to a call that is a guess, or likely."""


Passing = Mapping[str, Sequence[Rail]]
"""What passes a row, by the executions whose it is."""


class LaneColumn(Struct, frozen=True):
    """Where lines stand, in cells from the left: all, or those of one execution."""

    root_arn: str
    left: int
    """Where its life-lines begin."""
    rails: int
    """Cells of them."""
    text: int
    """Where its text begins."""
    width: int = 0


class LaneLayout(Struct, frozen=True):
    """Where each thing stands, in cells from the left.

    States and calls stand below each other, in two lanes, or beside other executions.
    """

    width: int
    columns: tuple[LaneColumn, ...]
    """One for all lines, or one for each of several executions."""
    time: int
    time_cells: int = TIME_CELLS
    calls: int = 0
    """Where calls begin; 0 where they have no lane of their own."""

    @property
    def roots(self) -> Sequence[str]:
        """The executions that stand side by side; none where there is one list."""
        return [c.root_arn for c in self.columns] if len(self.columns) > 1 else ()


class Needs(NamedTuple):
    """What lines in view would take, in cells: in one row each, and at the least."""

    states: int = 0
    calls: int = 0
    least_states: int = 0
    least_calls: int = 0
    together: int = 0
    """In one lane, where a call follows on its state."""


def steadied(every: Iterable[Needs], before: Needs) -> Needs:
    """Give what does for all lines, and keep columns as they are where that may be.

    They widen at once, and narrow only where much room is gained.
    """
    most = map(max, zip(Needs(), *every, strict=True))
    pairs = zip(most, before, strict=True)
    return Needs(*(old if new <= old < new + _SHRINK else new for new, old in pairs))


def have_columns(width: int, executions: int) -> bool:
    """True where so many executions stand beside each other on so many cells."""
    room = width - _WHOLE_TIME - GUTTER - 1
    return executions > 1 and room >= executions * LEAST_COLUMN


def lanes_layout(width: int, rails: int, chips: int, needs: Needs) -> LaneLayout:
    """Lay out one list of lines; `chips` are the cells of executions' short names."""
    left = 1 + (chips + 1 if chips else 0)
    rails = min(max(1, rails), MOST)
    text = left + rails + GUTTER
    columns = (LaneColumn("", left, rails, text),)
    room = width - TIME_CELLS - 1 - GUTTER - text
    if room < TIME_CELLS:
        # With so little room the words come first.
        return LaneLayout(width, columns, time=width, time_cells=0)
    if width >= NARROW and needs.calls and not chips:
        time = text + _states_beside_calls(room - ARROW, needs) + GUTTER
        return LaneLayout(width, columns, time, calls=time + TIME_CELLS + ARROW)
    return LaneLayout(width, columns, text + min(needs.together, room) + GUTTER)


def _states_beside_calls(room: int, needs: Needs) -> int:
    """Divide the room between states and calls: first the least, then as it comes."""
    if needs.states + needs.calls <= room:
        return max(needs.states, TIME_CELLS)
    share = int(room * _SHARE)
    calls = min(needs.least_calls, max(share, room - needs.least_states))
    return max(TIME_CELLS, min(needs.states, room - calls))


def columns_layout(
    width: int, roots: Sequence[str], rails: Sequence[int], last: int
) -> LaneLayout:
    """Lay out a column for each execution, beside each other.

    Words may run on over what is blank at their right; at the right of the last column
    there is nothing, so it has the `last` cells that its lines need, as far as it goes.
    """
    begin = 1 + _WHOLE_TIME + GUTTER
    room = width - begin
    others = len(roots) - 1
    share = room // len(roots)
    last = min(max(last, share), room - others * _LEAST_BESIDE, int(share * _WIDER))
    each, rest = divmod(room - last, others)
    widths = [*(each + (number < rest) for number in range(others)), last]
    lefts = accumulate(widths, initial=begin)
    columns = []
    for root, left, cells, own in zip(roots, lefts, widths, rails, strict=False):
        shown = min(max(1, own), MOST)
        columns.append(LaneColumn(root, left, shown, left + shown + 1, cells))
    return LaneLayout(width, tuple(columns), time=1, time_cells=_WHOLE_TIME)


# -- a line in rows -------------------------------------------------------------------


class _LineWords(NamedTuple):
    """What a line says at the left of its time, and at the right."""

    left: SpanRow
    right: list[SpanRow]
    """In alternatives, from long to short."""
    leads: str = ""
    """`right` or `left`: where the arrow between them points."""
    arrow: Span = _SURE_ARROW


def needs_of(line: Line, looks: Looks) -> Needs:
    """Say what a line would take at the left of its time and at the right."""
    words = _words(line, looks, owner=True, apart=True)
    states = width_of(words.left)
    least_states = width_of(_without_cause(words.left))
    if not words.right:
        least_states //= 4 if least_states > _LONG else 1
        return Needs(states, 0, least_states, together=states)
    calls = width_of(words.right[0])
    # How a job's end was learned of may take two rows.
    least = calls // 2 + _RAGGED
    together = states
    if line.call is not None or line.task is not None:
        least = calls
        together = states + calls + (len(_SURE_ARROW.text) if states else 0)
    return Needs(states, calls, least_states, least, together)


def column_needs(line: Line, looks: Looks) -> Needs:
    """Say what a line would take in a column of its own."""
    words = _words(line, looks, owner=False)
    if line.call is None or not words.right:
        return Needs(width_of(_without_cause(words.left)))
    beside = [*words.left, words.arrow] if words.left else []
    return Needs(width_of([*beside, *words.right[0]]))


def _without_cause(spans: Sequence[Span]) -> SpanRow:
    """Leave out the sentence behind an error, which may take another row."""
    bad = [n for n, span in enumerate(spans) if span.look == "role--bad"]
    rest = spans[bad[-1] + 1 :] if bad else ()
    if any(span.look != "role--dim" for span in rest):
        return list(spans)
    return list(spans[: len(spans) - len(rest)])


def _words(line: Line, looks: Looks, *, owner: bool, apart: bool = False) -> _LineWords:
    """Divide what a line says between its two sides.

    With `owner` it says whose it is: of a call before its name or, where calls stand
    `apart`, among the states, with what leads to it.
    """
    left: SpanRow = []
    if line.fold is not None and line.call is None:
        left += spans_of([line.fold, Part(" ")])
    own = [Part(part.text, Role.PLAIN) for part in line.owner] if owner else []
    if line.text:
        text = line.text
        if execution_mark(line) is not None:
            # It stands where the life-line would be.
            text = (Part(text[0].text[2:], text[0].role), *text[1:])
        left += spans_of([*own, *text], looks.mask)
    if isinstance(line.item, Fold) and line.item.kind is FoldKind.MAP_RUN:
        left += spans_of([Part("  C: list", Role.DIM)])
    told = spans_of(line.conclusion, looks.mask)
    if line.call is not None:
        if told:
            left += [Span("  "), *told]
        if apart and not left:
            left = spans_of(own[:1], looks.mask)
        return _call_words(line, line.call, left, own, looks)
    if line.task is not None:
        whole = spans_of([*line.task.parts, Part("  "), *own], looks.mask)
        brief = spans_of([line.task.status, *line.task.brief], looks.mask)
        return _LineWords(left, [whole, brief])
    if told and told[0].text.startswith("◀"):
        return _LineWords(left, [told[1:]], "left")
    return _LineWords(left, [told] if told else [])


def _call_words(
    line: Line, call: CallText, left: SpanRow, own: Sequence[Part], looks: Looks
) -> _LineWords:
    # On the line of a state that is named at its left nobody needs to name it again.
    before = () if left else own
    sign = () if line.fold is None else (line.fold, Part(" "))
    # Only what has a sign can be as short as that.
    signed = [part for part in call.rule if part.text[2:3] in "=≈~?"]
    brief = [Part(part.text[:3], part.role) for part in signed] or call.rule
    head = (*before, *sign, *call.name)
    alternatives = (
        (*head, *call.subject, *call.error, *call.rule),
        (*head, *call.subject, *call.error, *brief),
        (*head, *call.error, *brief),
        (*head, *call.error),
    )
    right = [spans_of(each, looks.mask) for each in alternatives]
    is_sure = not call.rule or call.rule[0].role is Role.EXACT
    arrow = _SURE_ARROW if is_sure else _DOUBTFUL_ARROW
    return _LineWords(left, right, "right" if left else "", arrow)


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
        words = _words(line, self.looks, owner=self._is_owned)
        if line.call is None and line.conclusion:
            return _concluded(words, first, others)
        if line.call is None:
            right = words.right[0] if words.right else []
            return _in_rows([*words.left, *right], first, others)
        lead = [*words.left, words.arrow] if words.left else []
        tries = [[*lead, *each] for each in words.right]
        rows = _first_whole(self._with_late(tries, first), first, others)
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
        words = _words(self.line, self.looks, owner=True, apart=True)
        room = layout.time - GUTTER - column.text
        lane = layout.width - layout.calls - 1
        right: list[SpanRow] = []
        if words.right and (self.line.call is not None or not self.line.conclusion):
            tries = self._with_late(words.right, lane)
            right = self._slid(_first_whole(tries, lane, lane), lane)
        elif words.right:
            right = _whole(words.right[0], lane, lane)
        if words.right and not right:
            left = _concluded(words, room, whole)
        else:
            left = _in_rows(words.left, room, room if len(right) > 1 else whole)
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
        words: _LineWords | None = None,
    ) -> list[SpanRow]:
        """Put life-lines, words, the time and the calls of each row together."""
        layout = self.layout
        line = self.line
        pairs = list(zip_longest(left or [[]], right, fillvalue=SpanRow()))
        rows: list[SpanRow] = []
        for number, (said, own) in enumerate(pairs):
            rails = _own_rails(line, column.rails, number, len(pairs))
            if layout.roots and not line.root_arn:
                rails = _passing(self.others.get(column.root_arn, ()), column.rails)
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
            return [_BLANK, Span(time.rjust(_WHOLE_TIME), "look--faint")]
        chip = self.chips.get(self.line.root_arn or "") if is_first else None
        if chip is None:
            return [_BLANK]
        cells = column.left - GUTTER
        return [_BLANK, *cut([Span(f"{chip.text:^{cells}}", chip.look)], cells)]

    def _with_time(self, row: SpanRow, words: _LineWords | None) -> SpanRow:
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
            rails = _passing(passing.get(each.root_arn, ()), each.rails)
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
            lead = cut([_BLANK, *told], first.left - 1)
            words = cut(notice, self._room_from(at, passing))
            return [self._across(lead, passing, at, words)]
        told += [Span("  "), *notice] if told else notice
        row = [*pad([_BLANK], first.left), *_passing(old, first.rails)]
        time = layout.time if layout.time_cells else first.text
        if width_of(told) > layout.width - time:
            time = first.text
        return [[*pad(row, time), *cut(told, layout.width - time)]]


def _concluded(words: _LineWords, first: int, whole: int) -> list[SpanRow]:
    """Say how a job's end was learned of: beside what ended, or in the next row."""
    arrow = [Span("◀━━ ", "role--dim")] if words.leads else []
    full = [*arrow, *words.right[0]]
    beside = [*words.left, Span("  "), *full]
    if width_of(beside) <= first:
        return [beside]
    rows = _in_rows(words.left, first, whole)
    # It is what people look for: it is told in full, in as many rows as it takes.
    return [*rows, *flow(full, whole, whole, 4)]


def _in_rows(spans: Sequence[Span], first: int, others: int) -> list[SpanRow]:
    """Wrap what a line says; what says more of an error begins a row of its own."""
    head = _without_cause(spans)
    rest = list(spans[len(head) :])
    if not rest or width_of(spans) <= first or width_of(head) > first:
        return flow(spans, first, others, _MOST_ROWS)
    rest[0] = Span(rest[0].text.lstrip(), rest[0].look)
    return [head, *flow(rest, others, others, _MOST_ROWS - 1)]


def _first_whole(tries: Sequence[SpanRow], first: int, others: int) -> list[SpanRow]:
    """Take the longest of some words that fits, in one row, or else in two, or more.

    The second may stand for the first in one row: a rule in words, and its sign.
    """
    ways = [*((words, 1) for words in tries[:2]), (tries[0], 2)]
    ways += [*((words, 1) for words in tries[2:]), *((t, _MOST_ROWS) for t in tries)]
    found = (_whole(words, first, others, most) for words, most in ways)
    return next(filter(None, found), [cut(tries[-1], first)])


def _whole(spans: Spans, first: int, others: int, most: int = 2) -> list[SpanRow]:
    """Wrap words into so many rows; none where they do not fit."""
    rows = flow(spans, first, others, most)
    told = "".join(span.text for row in rows for span in row)
    wanted = "".join(span.text for span in spans)
    # Where they are parted blanks are lost.
    return rows if told.replace(" ", "") == wanted.replace(" ", "") else []


# -- life-lines ------------------------------------------------------------------------


def _rails_of(line: Line) -> Iterable[Rail]:
    """Give what passes a line; where an execution has ended nothing of it does."""
    item = line.item
    if isinstance(item, HistoryEvent) and item.type in TERMINAL:
        return [rail for rail in line.rails if rail.visit[0] != line.execution_arn]
    return line.rails


def _rails(rails: Iterable[Rail], width: int, number: int, count: int) -> SpanRow:
    """Draw the life-lines of a row: they begin in a line's first, end in its last."""
    cells = [_BLANK] * width
    for rail in rails:
        column = min(rail.column, width - 1)
        begins = rail.begins and number == 0
        ends = rail.ends and number == count - 1
        if rail.begins and rail.ends and number > 0:
            continue
        cells[column] = _rail(rail, begins=begins, ends=ends)
    return cells


def _rail(rail: Rail, *, begins: bool, ends: bool) -> Span:
    glyph = _RAILS[rail.phase]
    look = PHASES[rail.phase].look
    if rail.failed and rail.phase is not Phase.BACKING_OFF:
        look = "role--bad"
    if rail.begins and rail.ends:
        return Span("●", look)
    if begins and rail.phase is Phase.CONTAINER:
        glyph = "╷"
    elif ends:
        glyph = "╵" if rail.phase in {Phase.CONTAINER, Phase.WAITING} else "╹"
    return Span(glyph, look)


def _passing(rails: Iterable[Rail], width: int) -> SpanRow:
    """Draw the life-lines that neither begin nor end in a row."""
    return _rails(rails, width, 1, 3)


def _own_rails(line: Line, width: int, number: int, count: int) -> SpanRow:
    """Draw a line's life-lines; how an execution begins or ends stands for its own."""
    rails = _rails(_rails_of(line), width, number, count)
    mark = execution_mark(line)
    return rails if mark is None or number > 0 else [mark, *rails[1:]]


def execution_mark(line: Line) -> Span | None:
    """Give the sign of how an execution that nothing started begins or ends."""
    item = line.item
    own = isinstance(item, HistoryEvent) and item.type.startswith("Execution")
    if not own or line.execution_arn != line.root_arn or not line.text:
        return None
    if any(rail.column == 0 for rail in _rails_of(line)):
        return None
    sign = line.text[0].text[:1]
    role = line.text[0].role
    return Span(sign, f"role--{role}") if sign in _MARKS else None
