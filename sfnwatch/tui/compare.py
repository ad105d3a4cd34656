"""Two executions beside each other on the screen: a line a state, a bar for each side.

It compares the first execution with the second until `next_pair` chooses others, and
draws as `CompareLines` does.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import combinations
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message

from sfnwatch.trace.compare import compare
from sfnwatch.trace.compare_points import Which
from sfnwatch.trace.compare_rows import CompareRow, CompareShape, RowSort
from sfnwatch.trace.compare_values import Comparison
from sfnwatch.trace.timeline import Trace
from sfnwatch.tui.actions import of_pane
from sfnwatch.tui.compare_view import CompareLines


class CompareView(CompareLines, can_focus=True):
    """What two executions have in common, and what not, with a cursor."""

    BINDINGS: ClassVar[list[BindingType]] = of_pane("compare")

    class Moved(Message):
        """The cursor is on another line."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, CompareView.Moved)

    class Jumped(Message):
        """A row of the lanes is wanted, by its key."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._trace: Trace | None = None
        self._now: datetime | None = None
        self._chosen: tuple[str, str] | None = None

    @property
    def mask(self) -> Callable[[str], str]:
        """What hides names: all text that is shown goes through it."""
        return self._mask

    @mask.setter
    def mask(self, mask: Callable[[str], str]) -> None:
        if mask != self._mask:
            self._mask = mask
            self._lay_out()

    # -- what is shown -------------------------------------------------------------

    def show(
        self,
        trace: Trace,
        now: datetime,
        mask: Callable[[str], str] = str,
        comparison: Comparison | None = None,
    ) -> None:
        """Show two executions as they stand at `now`; what is selected stays.

        A long one's `comparison` may be made elsewhere, with `compare`; it must be of
        the executions that `pair` names.
        """
        same = self.tells_of(trace, now)
        kept = comparison is None or comparison is self.comparison
        if same and kept and mask == self._mask:
            return
        self._trace, self._now, self._mask = trace, now, mask
        if comparison is not None:
            self.comparison = comparison
        elif not same:
            self._compare()
        self._lay_out()

    def tells_of(self, trace: Trace, now: datetime) -> bool:
        """True if nothing that is compared is other than it was."""
        old, told = self._trace, self.comparison
        if old is None:
            return False
        moves = told is not None and (told.a.running or told.b.running)
        return trace.tells_as(old) and (now == self._now or not moves)

    @property
    def pair(self) -> tuple[str, str] | None:
        """The ARNs of the two that are compared; None while there are no two."""
        return self.pair_of(self._trace) if self._trace is not None else None

    def pair_of(self, trace: Trace) -> tuple[str, str] | None:
        """The ARNs of the two of a trace that would be compared."""
        arns = tuple(trace.timelines)
        if self._chosen is not None and set(self._chosen) <= set(arns):
            return self._chosen
        return (arns[0], arns[1]) if len(arns) > 1 else None

    def next_pair(self, step: int = 1) -> None:
        """Compare two others, in the order in which executions began."""
        arns = tuple(self._trace.timelines) if self._trace is not None else ()
        pairs = list(combinations(arns, 2))
        if len(pairs) > 1 and self.pair is not None:
            own = [{*pair} for pair in pairs].index({*self.pair})
            self.choose(*pairs[(own + step) % len(pairs)])

    def swap(self) -> None:
        """Compare the other way round."""
        if self.pair is not None:
            a, b = self.pair
            self.choose(b, a)

    def choose(self, a: str, b: str) -> None:
        """Compare two executions of the trace, by their ARNs."""
        self._chosen = (a, b)
        self._compare()
        self._lay_out()
        self.post_message(self.Moved())

    def other_side(self) -> None:
        """Point to the other execution: its rows are what `enter` shows."""
        self.side = Which.B if self.side is Which.A else Which.A
        self._lay_out()

    def _compare(self) -> None:
        pair = self.pair
        self.comparison = None
        if pair is not None and self._trace is not None:
            self.comparison = compare(self._trace, *pair, self._now)

    def resized(self) -> None:
        self._lay_out()
        self._bring_into_view()

    # -- folding -------------------------------------------------------------------

    def toggle_fold(self) -> None:
        """Fold or unfold what the selected line is the head of, or is in."""
        head = next((row for row in self._heads() if row.open is not None), None)
        if head is not None:
            self._reshape(head.key)

    def _heads(self) -> list[CompareRow]:
        """Give the selected line, then those it is in, the innermost first."""
        found = list(self._rows[self.cursor : self.cursor + 1])
        for row in reversed(self._rows[: self.cursor]):
            if row.depth < found[-1].depth and row.sort is RowSort.PAIR:
                found.append(row)
        return found

    def _reshape(self, key: str) -> None:
        shape = self._shape
        self._shape = CompareShape(shape.toggled ^ {key}, shape.alike_folded)
        places = {row.key: place for place, row in enumerate(self._rows)}
        self.cursor = places.get(key, self.cursor)
        self._lay_out()
        self._bring_into_view()
        self.post_message(self.Moved())

    def toggle_folds(self) -> None:
        """Show all states, or fold those that are alike."""
        folded = any(row.sort is RowSort.ALIKE for row in self._rows)
        self._shape = CompareShape(self._shape.toggled, not folded)
        self._lay_out()
        self._bring_into_view()
        self.post_message(self.Moved())

    # -- selection -----------------------------------------------------------------

    @property
    def selected_key(self) -> str | None:
        """The lanes' key of what is selected, on the side pointed to if it is there."""
        keys = self._keys(self._selected) if self._selected is not None else ()
        return next(iter(keys), None)

    def select_key(self, key: str) -> bool:
        """Put the cursor on what the lanes know by a key; False if it is not there."""
        for place, row in enumerate(self._rows):
            if key in self._keys(row):
                self.select(place)
                return True
        return False

    def _keys(self, row: CompareRow) -> Sequence[str]:
        """Give the lanes' keys of a line, that of the side pointed to first."""
        told = self.comparison
        if told is None:
            return ()
        pair = told.pairs[row.place]
        keys = [
            f"{told.a.execution_arn}#{pair.a.id}" if pair.a is not None else None,
            f"{told.b.execution_arn}#{pair.b.id}" if pair.b is not None else None,
        ]
        if row.detail is not None and (row.detail.key_a or row.detail.key_b):
            keys = [row.detail.key_a, row.detail.key_b]
        if self.side is Which.B:
            keys.reverse()
        return [key for key in keys if key is not None]

    def select(self, place: int) -> None:
        """Put the cursor on a line and bring it into view."""
        self.cursor = max(0, min(place, len(self._rows) - 1))
        self._bring_into_view()
        self.refresh()
        self.post_message(self.Moved())

    def _bring_into_view(self) -> None:
        top = self.scroll_offset.y
        if self.cursor < top:
            self._scroll(self.cursor)
        elif self.cursor >= top + self._height:
            self._scroll(self.cursor - self._height + 1)

    def action_move(self, lines: int) -> None:
        self.select(self.cursor + lines)

    def action_page(self, pages: int) -> None:
        self.select(self.cursor + pages * max(1, self._height - 1))

    def action_first(self) -> None:
        self.select(0)

    def action_last(self) -> None:
        self.select(len(self._rows) - 1)

    def action_pair(self, step: int) -> None:
        self.next_pair(step)

    def action_swap(self) -> None:
        self.swap()

    def action_jump(self) -> None:
        key = self.selected_key
        if key is not None:
            self.post_message(self.Jumped(key))

    def on_click(self, event: events.Click) -> None:
        place = self.scroll_offset.y + event.y - len(self._head)
        shown = len(self._head) <= event.y < self.size.height - self._foot
        if not shown or place >= len(self._rows) or self._drawing is None:
            return
        self.select(place)
        row, share = self._rows[place], self._drawing.share
        begin = 2 + 2 * row.depth
        if row.open is not None and begin <= event.x <= begin + 1:
            self._reshape(row.key)
            return
        in_b = event.x >= share.begin_b
        if in_b != (self.side is Which.B) and event.x >= share.begin_b - share.side:
            self.other_side()
        if event.chain == 2:  # noqa: PLR2004 - a double click
            self.action_jump()
