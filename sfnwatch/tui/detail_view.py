"""The detail: the selected line in full."""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, NamedTuple

from textual.binding import BindingType

from sfnwatch.model.texts import clean, clean_lines
from sfnwatch.tui.actions import bindings
from sfnwatch.tui.detail_entries import Fact, Section
from sfnwatch.tui.detail_sections import item_sections, request_sections
from sfnwatch.tui.entry_list import EntryList
from sfnwatch.tui.json_lines import line_spans
from sfnwatch.tui.json_text import json_text
from sfnwatch.tui.json_tree import JsonFolds, JsonLine, JsonNode
from sfnwatch.tui.last_inputs import LastInputs
from sfnwatch.tui.screen_state import GoTo, ScreenState
from sfnwatch.tui.spans import Span, SpanRow, flow, margined, ruled, spans_of
from sfnwatch.view.parts import plain_text

_LABEL_CELLS = 14


class DetailEntry(NamedTuple):
    """One line of the pane, and what it shows."""

    key: str
    target: Section | Fact | JsonLine
    depth: int = 0
    """Its depth in the tree; a section's is 0."""
    open: bool | None = None
    """Whether it is open; None if it can't be opened."""


class DetailView(EntryList[DetailEntry]):
    """All that is known of a line, its links, and AWS's records behind it."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("detail")

    def __init__(self, screen_state: ScreenState) -> None:
        super().__init__(self._rows, "Nothing is selected.", id="detail")
        self._screen_state = screen_state
        self._key: str | None = None
        """The key of what is shown."""
        self._inputs = LastInputs()
        self._sections: Sequence[Section] = ()
        self._first = ""
        """The name of the section that stands above the others; usually empty."""
        self._folded: set[str] = set()
        self._folds = JsonFolds()

    def show_key(self, key: str | None) -> None:
        """Show the line or request with a key; the same key keeps the cursor."""
        screen_state = self._screen_state
        state = (screen_state.version, screen_state.looks, self.size.width)
        if not self._inputs.renew(key, *state):
            return
        is_other = key != self._key
        self._key = key
        self._sections = self._sections_of(key) if key else []
        if is_other:
            self._folds = JsonFolds()
        self._lay_out(from_top=is_other)

    def put_first(self, name: str) -> None:
        """Put the section of a name above the others, or none with an empty name."""
        self._first = name
        self._folded.discard(name)
        self._lay_out(from_top=True)

    def has_first(self, name: str) -> bool:
        """True if the section of a name stands above the others."""
        return bool(self._sections) and self._ordered_sections[0].name == name

    @property
    def _ordered_sections(self) -> Sequence[Section]:
        # Sorting keeps the order of those that are not asked for first.
        return sorted(self._sections, key=lambda section: section.name != self._first)

    def _sections_of(self, key: str) -> list[Section]:
        screen_state = self._screen_state
        item = screen_state.outline.item_of(key)
        if item is not None:
            return item_sections(screen_state, item)
        for request in screen_state.snapshot.requests:
            if request.key == key:
                return request_sections(request)
        return []

    def _lay_out(self, *, from_top: bool = False) -> None:
        self.entries = list(self._all_entries())
        if from_top:
            self.cursor = 0
            self.select(0)
        self.changed()

    def _all_entries(self) -> Iterator[DetailEntry]:
        for section in self._ordered_sections:
            is_open = section.name not in self._folded
            yield DetailEntry(section.name, section, 0, is_open)
            if is_open:
                yield from self._entries_of(section)

    def _entries_of(self, section: Section) -> Iterator[DetailEntry]:
        width = self._width - 1
        mask = self._screen_state.looks.mask
        for number, entry in enumerate(section.entries):
            if isinstance(entry, Fact):
                key = f"{section.name}~{entry.label}~{number}"
                yield DetailEntry(key, entry, 1)
                continue
            for line in self._folds.lines(entry, width, mask):
                key = f"{line.node.path}~{line.part}"
                depth = 1 + line.node.depth
                if line.part:
                    depth += 1
                yield DetailEntry(key, line, depth, line.open)

    @property
    def _target(self) -> Section | Fact | JsonLine | None:
        return self.entry.target if self.entry is not None else None

    def on_resize(self) -> None:
        self._lay_out()
        super().on_resize()

    def _rows(self, entry: DetailEntry, width: int) -> Sequence[SpanRow]:
        mask = self._screen_state.looks.mask
        match entry.target:
            case Section() as section:
                sign = "▾" if entry.open else "▸"
                title = clean(mask(section.title))
                spans = [Span(f" {sign} "), Span(f"{title} ", "role--name")]
                return [ruled(spans, width)]
            case JsonLine() as line:
                return [line_spans(line, width, mask)]
            case Fact() as fact:
                return self._fact(fact, width)

    def _fact(self, fact: Fact, width: int) -> list[SpanRow]:
        mark = Span("  → " if fact.key else "    ", "role--call")
        head = [mark, Span(fact.label, "role--dim")]
        margin = min(_LABEL_CELLS + 4, width // 3)
        words = spans_of(fact.parts, self._screen_state.looks.mask)
        room = width - margin
        rows = flow(words, room, room, fact.rows)
        return margined(rows, margin, head)

    def action_act(self) -> None:
        """Follow the selected link; open or close anything else that opens."""
        target = self._target
        if isinstance(target, Fact) and target.key:
            self.post_message(GoTo(target.key))
        else:
            self.action_turn()

    def action_turn(self) -> None:
        """Open or close the selected entry, or show more of what is cut."""
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
        """The titles of enter and space here; space folds, so it does not play."""
        match self._target:
            case Fact(key=key):
                enter = "Go there" if key else ""
            case None:
                enter = ""
            case _:
                enter = "Fold or unfold"
        return {"view.detail": enter, "player.toggle": ""}

    def action_unfold(self) -> None:
        """Open the selected entry, if it is closed."""
        if self.entry is not None and self.entry.open is False:
            self.action_turn()

    def action_fold(self) -> None:
        """Close the selected entry; from a closed one, go to the one that holds it."""
        entry = self.entry
        if entry is None or entry.open:
            self.action_turn()
            return
        depth = max(1, entry.depth)
        place = self.cursor - 1
        while place >= 0 and self.entries[place].depth >= depth:
            place -= 1
        self.select(place if place >= 0 else self.cursor)

    def clicked(self, place: int, x: int, *, twice: bool) -> None:
        del place, x
        # A link needs a double click; to open or close needs a single one.
        if twice is isinstance(self._target, Fact):
            self.action_act()

    def copy_text(self) -> str:
        """Return the selected entry as text that is safe to paste."""
        match self._target:
            case Section() as section:
                text = "\n".join(map(_copied, section.entries))
            case JsonLine() as line:
                text = _copied(line.node)
            case Fact() as fact:
                words = plain_text(fact.parts).strip()
                text = fact.copied or words
            case _:
                text = ""
        return self._screen_state.looks.mask(text)


def _copied(entry: Fact | JsonNode) -> str:
    if isinstance(entry, Fact):
        return f"{entry.label}: {plain_text(entry.parts)}"
    if isinstance(entry.inner, str):
        return "\n".join(clean_lines(entry.inner))
    return json_text(entry.inner)
