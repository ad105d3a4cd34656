"""The executions, the recordings below them, and which of the two the keys are for."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.message import Message

from sfnwatch.tui.looks import Looks
from sfnwatch.tui.picker_list import Choices, ExecutionList
from sfnwatch.tui.picker_parts import OneLine, Silence
from sfnwatch.tui.picker_rows import Gathered, Pieces, express_words
from sfnwatch.tui.picker_shelf import Read, ShelfPane

Chosen = tuple[str, ...] | tuple[Path, ...]
"""ARNs of executions to watch, or recordings to replay; nothing where one leaves."""


class Panes(Vertical):
    """Two lists: where there is room for one alone, it is that which keys are for."""

    DEFAULT_CSS = """
    Panes {
        height: 1fr;

        & > VerticalScroll.-some { height: auto; max-height: 50%; }
    }
    """

    class Turned(Message):
        """Keys are for the other list now."""

    def __init__(self, recordings: Read | None) -> None:
        super().__init__()
        self.list, self._silence = ExecutionList(), Silence()
        self._silent = VerticalScroll(self._silence, can_focus=False)
        self._aside = OneLine(classes="-aside")
        self.shelf = ShelfPane(recordings)
        self._preferred: Choices[Any] = self.list
        """The list that one went to, which keys are for unless it is empty."""
        self._waiting = True

    def compose(self) -> ComposeResult:
        yield self.list
        yield self._silent
        yield self._aside
        yield self.shelf

    # -- what is shown -------------------------------------------------------------

    def show(
        self,
        gathered: Gathered,
        words: str,
        looks: Looks,
        now: datetime,
        silence: Iterable[Pieces],
    ) -> None:
        """Show what has the words; `silence` is why there are no executions."""
        rows = gathered.rows(words, looks.mask)
        self.list.mask, self.list.zone = looks.mask, looks.zone
        self.list.tick(now)
        self.list.show(rows)
        self._silence.show(tuple(silence))
        aside = express_words(gathered.left_out)
        self._aside.show(tuple((looks.mask(text), tone) for text, tone in aside))
        self.shelf.show(words, looks, now)
        # Enter must not take a recording because executions are yet to come.
        self._waiting = gathered.asking and not words

    def lay_out(self, *, room: bool) -> None:
        """Show for which list keys are; without `room` for both, that one alone."""
        current, here, rows = self.current, self.watches, self.list.rows
        for each in (self.list, self.shelf.list):
            each.pointing = each is current
        self.list.display = bool(rows) and (here or room)
        self._silent.display = not rows and (here or room)
        self._aside.display = self._aside.display and room
        self.shelf.display = bool(self.shelf.recorded.found) and (room or not here)
        self.shelf.title.display = room
        self._silent.set_class(self.shelf.display, "-some")
        self.shelf.set_class(not rows or not room, "-most")

    # -- for which of them keys are ------------------------------------------------

    @property
    def current(self) -> Choices[Any]:
        """The list that keys are for: the other one, where that is empty."""
        first, second = self._preferred, self._other(self._preferred)
        if first.rows or not second.rows or (self._waiting and first is self.list):
            return first
        return second

    @property
    def watches(self) -> bool:
        """True where what is chosen is watched, False where it is replayed."""
        return self.current is self.list

    @property
    def can_turn(self) -> bool:
        return bool(self._other(self.current).rows)

    def _other(self, each: Choices[Any]) -> Choices[Any]:
        return self.shelf.list if each is self.list else self.list

    def turn(self) -> None:
        """Go to the other list, if there is anything in it."""
        self._go(self._other(self.current))

    def _go(self, to: Choices[Any]) -> None:
        if to.rows:
            self._preferred = to
            self.post_message(self.Turned())

    @on(Choices.Passed)
    def _passed(self, event: Choices.Passed) -> None:
        """Go on in the other list, if it lies that way."""
        event.stop()
        if (event.lines > 0) == self.watches:
            self.turn()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        if isinstance(event.widget, Choices) and event.widget is not self.current:
            self._go(event.widget)

    # -- what is chosen ------------------------------------------------------------

    def chosen(self, gathered: Gathered) -> Chosen:
        """Give what is marked, in view or not, or else what the cursor is on."""
        if not self.watches:
            return self.shelf.chosen
        marked, selected = self.list.marked, self.list.selected
        if marked:
            return tuple(row.arn for row in gathered.rows("") if row.arn in marked)
        return () if selected is None else (selected.arn,)

    @property
    def marked(self) -> int:
        """How many are marked of what keys are for."""
        return len(self.current.marked)

    def unmark(self) -> bool:
        """Unmark all of both lists; False where nothing was marked."""
        marks = (self.list.marked, self.shelf.list.marked)
        any_marked = any(marks)
        for each in marks:
            each.clear()
        return any_marked

    def to_top(self) -> None:
        """Begin at the top of both, as where other words are looked for."""
        self.list.to_top()
        self.shelf.list.to_top()
