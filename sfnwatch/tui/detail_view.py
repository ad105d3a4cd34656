"""The detail: the selected line in full, and what is done with its records."""

import contextlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import ClassVar, NamedTuple

from textual.app import App
from textual.binding import BindingType

from sfnwatch.model.texts import clean, clean_lines
from sfnwatch.recording.recorder import private
from sfnwatch.tui import json_view
from sfnwatch.tui.actions import bindings
from sfnwatch.tui.cursor_list import EntryList
from sfnwatch.tui.detail_facts import Fact, ItemDetail, Section, request_section
from sfnwatch.tui.json_tree import JsonFolds, JsonLine, JsonNode
from sfnwatch.tui.paint import Span, flow, margined, ruled, spans_of
from sfnwatch.tui.screen_state import GoTo, ScreenState
from sfnwatch.view.parts import plain_text

_LABEL = 14
"""Cells of a label."""


class DetailEntry(NamedTuple):
    """One line of the pane, and what it is of."""

    key: str
    target: Section | Fact | JsonLine
    depth: int = 0
    """How deep it is inside of others: a section in nothing."""
    open: bool | None = None
    """None for what can't be opened."""


class DetailView(EntryList[DetailEntry]):
    """What is known of a line, what it is linked to, and AWS's records behind it."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("detail")

    def __init__(self, screen_state: ScreenState) -> None:
        super().__init__(self._rows, "Nothing is selected.", id="detail")
        self._screen_state = screen_state
        self._told: tuple[str | None, object] = None, None
        """Of what it tells, by its key, and as of when."""
        self._sections: Sequence[Section] = ()
        self._folded: set[str] = set()
        self._folds = JsonFolds()

    def show_key(self, key: str | None) -> None:
        """Show what a line's key is of, or a request's; the same keeps the place."""
        screen_state = self._screen_state
        told = key, (screen_state.version, screen_state.looks, self.size.width)
        if told == self._told:
            return
        other = key != self._told[0]
        self._told = told
        item = screen_state.outline.item_of(key) if key else None
        request = next(
            (r for r in screen_state.snapshot.requests if r.key == key), None
        )
        if item is not None:
            self._sections = list(ItemDetail(screen_state, item).sections())
        else:
            self._sections = [request_section(request)] if request else []
        if other:
            self._folds = JsonFolds()
        self._lay_out(anew=other)

    def _lay_out(self, *, anew: bool = False) -> None:
        self.entries = list(self._all_entries())
        if anew:
            self.cursor = 0
            self.select(0)
        self.changed()

    def _all_entries(self) -> Iterator[DetailEntry]:
        width = self._width - 1
        mask = self._screen_state.looks.mask
        for section in self._sections:
            is_open = section.name not in self._folded
            yield DetailEntry(section.name, section, 0, is_open)
            for number, entry in enumerate(section.entries if is_open else ()):
                if isinstance(entry, Fact):
                    key = f"{section.name}~{entry.label}~{number}"
                    yield DetailEntry(key, entry, 1)
                    continue
                for line in self._folds.lines(entry, width, mask):
                    depth = 1 + line.node.depth + bool(line.part)
                    key = f"{line.node.path}~{line.part}"
                    yield DetailEntry(key, line, depth, line.open)

    @property
    def _target(self) -> Section | Fact | JsonLine | None:
        return self.entry.target if self.entry is not None else None

    def on_resize(self) -> None:
        self._lay_out()
        super().on_resize()

    def _rows(self, entry: DetailEntry, width: int) -> Sequence[Sequence[Span]]:
        mask = self._screen_state.looks.mask
        match entry.target:
            case Section() as section:
                sign = "▾" if entry.open else "▸"
                title = clean(mask(section.title))
                spans = [Span(f" {sign} "), Span(f"{title} ", "role--name")]
                return [ruled(spans, width)]
            case JsonLine() as line:
                return [json_view.line_spans(line, width, mask)]
            case Fact() as fact:
                return self._fact(fact, width)

    def _fact(self, fact: Fact, width: int) -> list[list[Span]]:
        mark = Span("  → " if fact.key else "    ", "role--call")
        head = [mark, Span(fact.label, "role--dim")]
        margin = min(_LABEL + 4, width // 3)
        words = spans_of(fact.parts, self._screen_state.looks.mask)
        rows = flow(words, width - margin, width - margin, fact.rows)
        return margined(rows, margin, head)

    def action_act(self) -> None:
        """Go where a link leads; open or close what opens and closes."""
        target = self._target
        if isinstance(target, Fact) and target.key:
            self.post_message(GoTo(target.key))
        else:
            self.action_turn()

    def action_turn(self) -> None:
        """Open what is closed, or close it; show more of what is cut."""
        match self._target:
            case Section(name=name):
                self._folded ^= {name}
            case JsonLine(node=node, part=-1):
                self._folds.show_more(node)
            case JsonLine(node=node, open=bool(is_open)):
                self._folds.opened[node.path] = not is_open
            case _:
                return
        self._lay_out()

    @property
    def titles(self) -> Mapping[str, str]:
        """What enter is called where the cursor is; space folds here, too."""
        match self._target:
            case Fact(key=key):
                enter = "Go there" if key else ""
            case None:
                enter = ""
            case _:
                enter = "Fold or unfold"
        return {"view.detail": enter, "player.toggle": ""}

    def action_unfold(self) -> None:
        """Open what is closed."""
        if self.entry is not None and self.entry.open is False:
            self.action_turn()

    def action_fold(self) -> None:
        """Close what is open; what is closed leads to what holds it."""
        entry = self.entry
        if entry is None or entry.open:
            self.action_turn()
            return
        above = range(self.cursor - 1, -1, -1)
        depth = max(1, entry.depth)
        places = (n for n in above if self.entries[n].depth < depth)
        self.select(next(places, self.cursor))

    def clicked(self, place: int, x: int, *, twice: bool) -> None:
        del place, x
        # It takes two to follow a link, and one to open or close.
        if twice is isinstance(self._target, Fact):
            self.action_act()

    def copy_text(self) -> str:
        """Give what the cursor is on as text that is safe to paste."""
        match self._target:
            case Section() as section:
                text = "\n".join(map(_copied, section.entries))
            case JsonLine() as line:
                text = _copied(line.node)
            case Fact() as fact:
                text = fact.copied or plain_text(fact.parts).strip()
            case _:
                text = ""
        return self._screen_state.looks.mask(text)


def _copied(entry: Fact | JsonNode) -> str:
    if isinstance(entry, Fact):
        return f"{entry.label}: {plain_text(entry.parts)}"
    if isinstance(entry.inner, str):
        return "\n".join(clean_lines(entry.inner))
    return json_view.json_text(entry.inner)


# -- the records behind it -------------------------------------------------------------


class RecordActions:
    """Copies, saves and opens what the cursor is on, whatever view that is in."""

    def __init__(
        self, app: App[object], screen_state: ScreenState, key: str | None
    ) -> None:
        """`key` is of a line of the lanes."""
        self._app = app
        self._screen_state = screen_state
        item = screen_state.outline.item_of(key) if key else None
        self._detail = ItemDetail(screen_state, item) if item is not None else None

    def copy(self, text: str) -> None:
        """Copy a text or, where there is none, the records."""
        if not text and self._detail is not None:
            text = self._screen_state.looks.mask(self._detail.records_text)
        if text:
            self._app.copy_to_clipboard(text)
        told = f"copied, {len(text):,} characters"
        self._app.notify(told if text else "there is nothing to copy here")

    def save(self, folder: Path) -> None:
        """Write the records to a new file in a folder, unaltered.

        Nothing in it is masked: while names are, where one may expect so, its name says
        that.
        """
        detail = self._detail
        masked = self._screen_state.looks.masked
        if detail is None or not detail.records:
            words = "There is no record to save. Select a line of the lanes first."
            self._app.notify(words, severity="warning")
            return
        stem = f"sfnwatch-{detail.file_name}{'-unmasked' if masked else ''}"
        try:
            path = _written(folder, stem, f"{detail.records_text}\n")
        except OSError as error:
            words = f"Can't save to {clean(str(folder))}: {error.strerror or error}."
            words += " Start sfnwatch in a folder that you may write to."
            self._app.notify(words, severity="warning")
            return
        words = f"saved as {clean(str(path))}"
        if masked:
            # The file's name is made of the execution's, which is masked.
            words = "saved to a new file, with names unmasked"
        self._app.notify(words)

    def console(self, environ: Mapping[str, str]) -> None:
        """Open the AWS console's page, where there is a browser."""
        url = self._detail.url if self._detail is not None else None
        if url is None:
            self._app.notify("the AWS console has no page for this")
        elif can_browse(environ):
            self._app.open_url(url)
        elif self._screen_state.looks.masked:
            self._app.notify("no browser here; masked, its address is not copied")
        else:
            self._app.copy_to_clipboard(url)
            self._app.notify("no browser here: its address was copied")


def can_browse(environ: Mapping[str, str]) -> bool:
    """True where a browser has a window of its own, and not over a line.

    Without one, what opens may be a browser for terminals: in ours.
    """
    is_remote = bool(environ.keys() & {"SSH_CONNECTION", "SSH_TTY"})
    has_display = bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))
    return not is_remote and (has_display or sys.platform in {"darwin", "win32"})


def _written(folder: Path, stem: str, text: str) -> Path:
    """Write a file that only its owner may read; none is ever overwritten."""
    for number in count(1):
        path = folder / f"{stem}{f'-{number}' if number > 1 else ''}.json"
        with contextlib.suppress(FileExistsError):
            with open(path, "x", encoding="utf-8", opener=private) as file:
                file.write(text)
            return path
    raise AssertionError  # pragma: no cover - count() has no end
