"""The line in which filters and searches are typed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Label

from sfnwatch.tui.finder import Finder
from sfnwatch.tui.rows import Rows
from sfnwatch.tui.screen_state import ScreenState
from sfnwatch.tui.spans import Span
from sfnwatch.view.filter_error import FilterError

if TYPE_CHECKING:
    from sfnwatch.view.filter_completion import Suggestion

Kind = Literal["filter", "search"]
_TYPED_LENGTH = 4096
"""Most characters of a filter or a search; more were pasted by mistake."""
_MOST_ROWS = 3
_OFFERS_BEFORE = 3
"""Suggestions that are shown before the chosen one."""


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
        self._input = Input(max_length=_TYPED_LENGTH, select_on_focus=False)
        self._label = Label("", markup=False)
        self._hint = Rows(most=_MOST_ROWS)

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield self._label
            yield self._input
        yield self._hint

    def ask(self, kind: Kind) -> None:
        """Show the line, to type a filter or a search."""
        self._kind = kind
        if kind == "filter":
            self._before = self._finder.filtered
        else:
            self._before = self._screen_state.searched
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
        if is_filter and text.strip():
            try:
                parse_filter(text)
            except FilterError as problem:
                self._problem = problem
        if offers:
            self._chosen = None
            self._offers = ()
            if is_filter:
                place = self._input.cursor_position
                self._offers = complete(text, place, self._screen_state.snapshot)
        self._show_hint()

    def action_complete(self, step: int) -> None:
        """Take the next suggestion, or the one before."""
        if not self._offers:
            return
        if self._chosen is None:
            self._chosen = 0 if step > 0 else len(self._offers) - 1
        else:
            self._chosen = (self._chosen + step) % len(self._offers)
        offer = self._offers[self._chosen]
        with self.prevent(Input.Changed):
            self._input.value = offer.text
        self._input.cursor_position = offer.cursor
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
        first = max(0, (self._chosen or 0) - _OFFERS_BEFORE)
        for place in range(first, len(self._offers)):
            offer = self._offers[place]
            look = "role--name" if place == self._chosen else "role--call"
            spans.append(Span(offer.label, look))
            spans.append(Span(f" {offer.words}   ", "look--faint"))
        return spans
