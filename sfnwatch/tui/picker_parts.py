"""What stands above and below the executions to choose from: words, and the search."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Label

from sfnwatch.tui.cells import cut
from sfnwatch.tui.picker_rows import Pieces
from sfnwatch.tui.toned import Toned

_MOST = 400
"""Characters of what is looked for; more were pasted by mistake."""


class OneLine(Toned):
    """Words that take one line, or as much of them as it can hold."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    OneLine {
        height: 1;
        background: $panel;

        &.-aside { background: $surface; }
    }
    """
    _pieces: Pieces = ()

    def show(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self.display = bool(pieces)
        self.refresh()

    def render(self) -> Content:
        return self.toned(cut(self._pieces, self.size.width))


class Silence(Toned):
    """Why there is nothing to choose from, in as many lines as it takes."""

    DEFAULT_CSS = "Silence { height: auto; padding: 0 1; }"
    _told: tuple[Pieces, ...] = ()

    def show(self, told: tuple[Pieces, ...]) -> None:
        if told != self._told:
            self._told = told
            self.refresh(layout=True)

    def render(self) -> Content:
        return Content("\n\n").join(self.toned(pieces) for pieces in self._told)


class SearchBar(Horizontal):
    """Where what is looked for is typed; it takes effect at once."""

    DEFAULT_CSS = """
    SearchBar {
        display: none;
        height: 1;
        padding: 0 1;
        background: $panel;

        Label { width: auto; }
        #searching { padding-right: 1; text-style: bold; }
        Input {
            width: 1fr;
            height: 1;
            border: none;
            padding: 0;
            background: $panel;
            &:focus { border: none; }
        }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "screen.back", "Drop"),
        Binding("tab", "screen.list", "To the list"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._input = Input(max_length=_MOST, select_on_focus=False)
        self._count = Label("", markup=False)

    def compose(self) -> ComposeResult:
        yield Label("search", id="searching", markup=False)
        yield self._input
        yield self._count

    @property
    def words(self) -> str:
        return self._input.value

    @property
    def typing(self) -> bool:
        return self.display and bool(self.screen.focused is self._input)

    def ask(self) -> None:
        self.display = True
        # At once: what was typed in one go with the key that opened it is waiting.
        self.screen.set_focus(self._input)

    def clear(self) -> None:
        self.display = False
        self._input.value = ""

    def tell(self, words: str) -> None:
        self._count.update(words)
