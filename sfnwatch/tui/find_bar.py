"""The line in which filters and searches are typed, and what they find."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Literal

from msgspec.structs import replace
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Label

from sfnwatch.model.texts import clean
from sfnwatch.tui.cursor_list import CursorList
from sfnwatch.tui.rows import Rows
from sfnwatch.tui.screen_state import ScreenState
from sfnwatch.tui.spans import Span
from sfnwatch.view.filter_error import FilterError
from sfnwatch.view.outline_items import Item, ItemFilter
from sfnwatch.view.parts import counted
from sfnwatch.view.row_order import RowOrder

if TYPE_CHECKING:
    from sfnwatch.view.filter_completion import Suggestion
    from sfnwatch.view.filter_language import Filter

Kind = Literal["filter", "search"]
_SLICE = 0.008
"""After this many seconds of searching, other tasks, such as keys, get their turn."""
_MOST = 4096
"""Most characters of a filter or a search; more were pasted by mistake."""


def _live(filter_: "Filter", screen_state: ScreenState) -> ItemFilter:
    """Return what decides by a filter or search, also while more comes in.

    What it has looked up is used until the trace changes; then it looks again.
    """

    @lru_cache(maxsize=1)
    def by_now(version: int, order: RowOrder) -> ItemFilter:
        del version, order
        return filter_.predicate(screen_state.trace.as_of(), screen_state.outline)

    def keeps(item: Item) -> bool:
        return by_now(screen_state.trace.version, screen_state.outline.order)(item)

    return keeps


class Finder:
    """Holds the filter and the search, and goes from hit to hit."""

    def __init__(self, screen_state: ScreenState, lanes: CursorList) -> None:
        self._screen_state = screen_state
        self._lanes = lanes
        self.filtered = ""
        """The filter as it was typed; empty for none."""

    @property
    def active(self) -> bool:
        return bool(self.filtered or self._screen_state.searched)

    def filter_by(self, text: str) -> None:
        """Show only the lines that a filter keeps; raises FilterError."""
        # Loaded when it is first needed: reading filters takes a parser.
        from sfnwatch.view.filter_language import parse_filter  # noqa: PLC0415

        text = text if text.strip() else ""
        keep = _live(parse_filter(text), self._screen_state) if text else None
        self.filtered = text
        options = self._screen_state.outline.options
        self._screen_state.set_options(replace(options, keep=keep))

    def search_for(self, words: str) -> None:
        """Begin a search; with empty words, end it."""
        from sfnwatch.view.filter_language import found  # noqa: PLC0415

        screen_state = self._screen_state
        screen_state.searched = words
        screen_state.found = _live(found(words), screen_state) if words else None

    async def step(self, direction: int) -> bool:
        """Go to the next hit, round the end if needed; direction 0 may stay on a hit.

        Return False if there is none. Other tasks run meanwhile, so lines may change.
        """
        screen_state = self._screen_state
        step = abs(direction)
        begun = time.monotonic()
        while (
            (items := screen_state.items) and screen_state.found and step <= len(items)
        ):
            place = (self._lanes.cursor + (direction or 1) * step) % len(items)
            if screen_state.found(items[place]):
                self._lanes.select(place)
                return True
            if time.monotonic() - begun > _SLICE:
                await screen_state.clock.sleep(0)
                begun = time.monotonic()
            step += 1
        return False

    def spans(self) -> list[Span]:
        """Return the filter and the search in words; empty if there are none."""
        lines = len(self._screen_state.items)
        out = self._screen_state.outline.filtered
        left = f"  {counted(lines, 'line')}, {out:,} left out"
        spans: list[Span] = []
        for what, words, said, keys in (
            ("filter ", self.filtered, left, "   ~ change"),
            ("search ", self._screen_state.searched, "", "   n next   N previous"),
        ):
            if words:
                before = Span(f"   {what}" if spans else what, "look--faint")
                name = Span(clean(words, 200), "role--name")
                spans += [before, name, Span(said), Span(keys, "look--faint")]
        return [*spans, Span("   escape clear", "look--faint")] if spans else []


class FindBar(Vertical):
    """Asks for a filter or a search; what is typed takes effect at once."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab,down", "complete(1)", "Complete", show=False),
        Binding("shift+tab,up", "complete(-1)", "Complete", show=False),
        Binding("escape", "drop", "Drop", show=False),
    ]

    @dataclass
    class Typed(Message):
        """The typed text has changed, and can be read."""

        kind: Kind
        text: str
        done: bool = False
        """True once typing is over and the text stays."""

    def __init__(self, screen_state: ScreenState, finder: Finder) -> None:
        super().__init__()
        self._screen_state = screen_state
        self._finder = finder
        self._kind: Kind = "filter"
        self._before = ""
        self._offers: Sequence[Suggestion] = ()
        self._chosen: int | None = None
        self._problem: FilterError | None = None
        self._input = Input(max_length=_MOST, select_on_focus=False)
        self._label = Label("", markup=False)
        self._hint = Rows(most=3)

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield self._label
            yield self._input
        yield self._hint

    def ask(self, kind: Kind) -> None:
        """Show the line, to type a filter or a search."""
        searched = self._screen_state.searched
        self._kind = kind
        self._before = self._finder.filtered if kind == "filter" else searched
        self.display = True
        self._label.update(kind)
        with self.prevent(Input.Changed):
            self._input.value = self._before
        self._input.cursor_position = len(self._before)
        # At once: keys typed in one go after the one that opened it are waiting.
        self.screen.set_focus(self._input)
        self._read()

    @property
    def typing(self) -> bool:
        """True while the keys go to the typed text."""
        return self._input.has_focus

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._read()
        self._tell()

    def _tell(self) -> None:
        if self._problem is None:
            self.post_message(self.Typed(self._kind, self._input.value))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self._problem is None:
            self._close(self._input.value)
        else:
            self._offers = ()  # the hint says what is wrong, and not what could follow
            self._show_hint()
            self.app.bell()

    def action_drop(self) -> None:
        """Restore the filter or search from before, and close the line."""
        self._close(self._before)

    def _close(self, text: str) -> None:
        self.display = False
        self.post_message(self.Typed(self._kind, text, done=True))

    def _read(self, *, offers: bool = True) -> None:
        """Read the filter: its mistake, if any, and what could be typed next."""
        from sfnwatch.view.filter_completion import complete  # noqa: PLC0415
        from sfnwatch.view.filter_language import parse_filter  # noqa: PLC0415

        text = self._input.value
        self._problem = None
        is_filter = self._kind == "filter"
        try:
            if is_filter and text.strip():
                parse_filter(text)
        except FilterError as problem:
            self._problem = problem
        if offers:
            place = self._input.cursor_position
            snapshot = self._screen_state.snapshot
            self._offers = complete(text, place, snapshot) if is_filter else ()
            self._chosen = None
        self._show_hint()

    def action_complete(self, step: int) -> None:
        """Take the next suggestion, or the one before."""
        if not self._offers:
            return
        first = 0 if step > 0 else len(self._offers) - 1
        after = first if self._chosen is None else self._chosen + step
        self._chosen = after % len(self._offers)
        taken = self._offers[self._chosen]
        with self.prevent(Input.Changed):
            self._input.value = taken.text
        self._input.cursor_position = taken.cursor
        self._read(offers=False)
        self._tell()

    def _show_hint(self) -> None:
        problem = self._problem
        if problem is not None and not self._offers:
            where = f"✘ at {problem.position + 1}: {problem.message}"
            self._hint.show([Span(where, "role--bad"), Span(f"  {problem.hint}")])
        elif self._kind == "search":
            words = "in all lines; enter keeps it; smart case"
            self._hint.show([Span(words, "look--faint")])
        else:
            self._hint.show(self._offered())

    def _offered(self) -> list[Span]:
        """Return the suggestions side by side; the chosen one is always among them."""
        if not self._offers:
            return [Span("enter keeps it   escape drops it", "look--faint")]
        spans = [Span("tab  ", "look--faint")]
        for place in range(max(0, (self._chosen or 0) - 3), len(self._offers)):
            offer = self._offers[place]
            look = "role--name" if place == self._chosen else "role--call"
            words = Span(f" {offer.words}   ", "look--faint")
            spans += [Span(offer.label, look), words]
        return spans
