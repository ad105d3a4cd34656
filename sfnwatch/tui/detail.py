"""The detail pane: the selected line in full."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from rich.console import Group, RenderableType
from rich.table import Table
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content

from sfnwatch.trace.lanes import Row
from sfnwatch.trace.timeline import Trace
from sfnwatch.trace.words import Tone
from sfnwatch.tui.facts import (
    Document,
    Fact,
    cut_words,
    documents,
    facts,
    heading,
)
from sfnwatch.tui.toned import Toned


class Detail(VerticalScroll, can_focus=True):
    """What is known of a line, and AWS's own records behind it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", show=False),
        Binding("k", "scroll_up", "Up", show=False),
    ]
    _keys: tuple[str, ...] = ()

    def compose(self) -> ComposeResult:
        yield Facts()
        yield Records()

    def show(self, rows: tuple[Row, ...], trace: Trace) -> None:
        """Show rows; the same ones again, as each frame brings them, keep the place."""
        keys = tuple(row.key for row in rows)
        if keys != self._keys:
            self.scroll_home(animate=False)
        self._keys = keys
        self.query_one(Facts).show(tuple(_told(rows, trace)))
        self.query_one(Records).show(tuple(d for row in rows for d in documents(row)))


@dataclass(frozen=True, slots=True)
class Told:
    """One row's heading and facts."""

    heading: str
    facts: tuple[Fact, ...]


def _told(rows: tuple[Row, ...], trace: Trace) -> Iterator[Told]:
    """Tell each row's facts; a call on its state's line repeats none of them."""
    known: set[Fact] = set()
    for row in rows:
        new = tuple(fact for fact in facts(row, trace) if fact not in known)
        known.update(new)
        yield Told(heading(row), new)


class Facts(Toned):
    """What is known, a fact a line, wrapped beside its label."""

    _told: tuple[Told, ...] = ()

    def show(self, told: tuple[Told, ...]) -> None:
        if told != self._told:
            self._told = told
            self.refresh(layout=True)

    def render(self) -> RenderableType:
        if not self._told:
            return self.text("Nothing is selected.", Tone.DIM)
        parts: list[RenderableType] = []
        for told in self._told:
            table = Table.grid(padding=(0, 2))
            table.add_column(no_wrap=True)
            table.add_column(overflow="fold")
            for fact in told.facts:
                label = self.text(fact.label, Tone.DIM)
                table.add_row(label, self.text(fact.words, fact.tone))
            parts += [self.text(told.heading, Tone.STRONG), table, ""]
        return Group(*parts[:-1])


class Records(Toned):
    """The records as JSON."""

    _documents: tuple[Document, ...] = ()
    _text: Content | None = None
    """The records, coloured; made anew when the theme changes."""

    def show(self, papers: tuple[Document, ...]) -> None:
        if papers != self._documents:
            self._documents, self._text = papers, None
            self.refresh(layout=True)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._text = None

    def render(self) -> Content:
        if self._text is None:
            self._text = Content("\n").join(map(self._record, self._documents))
        return self._text

    def _record(self, document: Document) -> Content:
        lines = [self.toned([(f"\n{document.title}", Tone.DIM)])]
        lines.append(_coloured(document.text))
        if document.rest:
            lines.append(self.toned([(cut_words(document), Tone.WARN)]))
        return Content("\n").join(lines)


def _coloured(text: str) -> Content:
    # Pygments is wanted by nobody before the first record is opened.
    from textual.highlight import highlight  # noqa: PLC0415

    return highlight(text, language="json").rstrip()
