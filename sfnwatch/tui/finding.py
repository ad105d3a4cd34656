"""The line in which a filter or a search is typed, with completion and clear errors."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Label

from sfnwatch.trace.filters import Completion, FilterError, complete, parse_filter
from sfnwatch.trace.lanes import Lanes
from sfnwatch.trace.words import Piece, Tone
from sfnwatch.tui.cells import cells, cut
from sfnwatch.tui.toned import Toned

Kind = Literal["filter", "search"]
_MOST = 4096
"""Characters of a filter or a search; more were pasted by mistake."""


class Hint(Toned):
    """What could be typed next, or what is wrong with what was."""

    DEFAULT_CSS = "Hint { height: 1; }"
    _pieces: tuple[Piece, ...] = ()

    def show(self, pieces: tuple[Piece, ...]) -> None:
        self._pieces = pieces
        self.refresh()

    def render(self) -> Content:
        return self.toned(cut(self._pieces, self.size.width))


class FindBar(Vertical):
    """Asks for a filter or a search; what is typed takes effect at once."""

    DEFAULT_CSS = """
    FindBar {
        display: none;
        height: 2;
        padding: 0 1;
        background: $panel;

        Horizontal { height: 1; }
        Label { width: auto; padding-right: 1; text-style: bold; }
        Input {
            height: 1;
            border: none;
            padding: 0;
            background: $panel;
            &:focus { border: none; }
        }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab,down", "complete(1)", "Complete", show=False),
        Binding("shift+tab,up", "complete(-1)", "Complete", show=False),
        Binding("escape", "drop", "Drop", show=False),
    ]

    @dataclass
    class Changed(Message):
        """Other words stand there, and they can be read."""

        kind: Kind
        text: str

    @dataclass
    class Done(Message):
        """Typing is over; `text` is what shall stay."""

        kind: Kind
        text: str

    def __init__(self) -> None:
        super().__init__()
        self._kind: Kind = "filter"
        self._before = ""
        self._lanes: Callable[[], Lanes] = Lanes
        self._completions: tuple[Completion, ...] = ()
        self._chosen: int | None = None
        self._completing = False
        self._insisted = False
        """True once a text that can't be read was to be kept."""
        self._input = Input(max_length=_MOST, select_on_focus=False)
        self._label = Label("", markup=False)
        self._hint = Hint()

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield self._label
            yield self._input
        yield self._hint

    def on_mount(self) -> None:
        if self.display:
            # It was asked for before its parts were there.
            self.screen.set_focus(self._input)

    def ask(self, kind: Kind, text: str, lanes: Callable[[], Lanes]) -> None:
        """Begin typing; `lanes` gives the rows whose names are offered."""
        self._kind, self._before, self._lanes = kind, text, lanes
        self.display = True
        with self.prevent(Input.Changed):
            self._input.value = text
        self._input.cursor_position = len(text)
        # At once: what was typed in one go with the key that opened it is waiting.
        if self._input.is_attached:
            self.screen.set_focus(self._input)
        self._advise()

    def tell(self, words: str) -> None:
        """Say beside what is typed how much it finds."""
        self._label.update(f"{self._kind}  {words}" if words else self._kind)

    @property
    def kind(self) -> Kind:
        return self._kind

    @property
    def open(self) -> bool:
        return bool(self.display)

    @property
    def typing(self) -> bool:
        """True while the keys go to what is typed."""
        return self._input.has_focus

    # -- typing --------------------------------------------------------------------

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._insisted = False
        if not self._completing:
            self._advise()
        self._completing = False
        if self._error() is None:
            self.post_message(self.Changed(self._kind, self._input.value))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self._error() is None:
            self._close(self._input.value)
        else:
            self._insisted = True
            self._show_hint()
            self.app.bell()

    def action_drop(self) -> None:
        """Leave everything as it was."""
        self._close(self._before)

    def _close(self, text: str) -> None:
        self.display = False
        self.post_message(self.Done(self._kind, text))

    def _error(self) -> FilterError | None:
        if self._kind == "search":
            return None
        try:
            parse_filter(self._input.value)
        except FilterError as error:
            return error
        return None

    # -- completion ----------------------------------------------------------------

    def _advise(self) -> None:
        self._chosen = None
        self._completions = ()
        if self._kind == "filter":
            place = self._input.cursor_position
            self._completions = complete(self._input.value, place, self._lanes())
        self._show_hint()

    def action_complete(self, step: int) -> None:
        """Take the next of what is offered."""
        if not self._completions:
            return
        first = 0 if step > 0 else len(self._completions) - 1
        after = first if self._chosen is None else self._chosen + step
        self._chosen = after % len(self._completions)
        taken = self._completions[self._chosen]
        self._completing = self._input.value != taken.text
        self._input.value = taken.text
        self._input.cursor_position = taken.cursor
        self._show_hint()

    def _show_hint(self) -> None:
        error = self._error()
        if error is not None and (self._insisted or not self._completions):
            self._hint.show(_told(error))
            return
        if self._kind == "search":
            words = "in all rows; enter keeps it; capitals count where you type some"
            self._hint.show(((words, Tone.DIM),))
            return
        self._hint.show(_offered(self._completions, self._chosen, self.size.width))


def _told(error: FilterError) -> tuple[Piece, ...]:
    return (
        (f"✘ at {error.position + 1}: {error.message}", Tone.BAD),
        (f"  {error.hint}" if error.hint else "", Tone.PLAIN),
    )


def _offered(
    completions: tuple[Completion, ...], chosen: int | None, width: int
) -> tuple[Piece, ...]:
    """Line up what is offered, the chosen one always among it."""
    if not completions:
        return (("enter keeps it   escape drops it", Tone.DIM),)
    shown: list[Piece] = [("tab  ", Tone.DIM)]
    for place in range(max(0, (chosen or 0) - 3), len(completions)):
        offer = completions[place]
        tone = Tone.BUSY if place == chosen else Tone.ACTION
        shown.append((offer.label, tone))
        shown.append((f" {offer.words}   " if offer.words else "   ", Tone.DIM))
        if cells(shown) > width:
            break
    return tuple(shown)
