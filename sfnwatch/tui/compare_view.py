"""A comparison drawn line by line; what of it is shown is `CompareView`'s to say."""

from collections.abc import Callable
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.strip import Strip

from sfnwatch.trace.compare_points import Which
from sfnwatch.trace.compare_remarks import remarks
from sfnwatch.trace.compare_rows import CompareRow, CompareShape, compare_rows
from sfnwatch.trace.compare_values import Comparison
from sfnwatch.trace.compare_verdict import verdict
from sfnwatch.trace.words import Tone
from sfnwatch.tui.cells import pad
from sfnwatch.tui.compare_head import draw_foot, draw_head
from sfnwatch.tui.compare_lines import Drawing, Strokes, draw, make_drawing
from sfnwatch.tui.gantt_canvas import Ink
from sfnwatch.tui.resizing import Resizing
from sfnwatch.tui.toned import TONE_CLASSES

_ROOM_FOR_SIGNS = 14
_ALONE = (
    "There is nothing to compare yet: two executions are needed.",
    "Name two when you watch, or replay two recordings together.",
)


class CompareLines(Resizing):
    """Draws what a comparison's shape shows of it, with a cursor."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *TONE_CLASSES,
        *(f"ink--{ink}" for ink in Ink),
        "compare--cursor",
        "compare--head",
    }
    DEFAULT_CSS = """
    CompareLines {
        height: 1fr;
        background: $background;
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
        scrollbar-color: $thumb-color;

        .compare--cursor { background: $cursor-background; color: $cursor-color; }
        .compare--head { background: $surface; }

        .ink--waiting { color: $foreground 55%; }
        .ink--working { color: $success; }
        .ink--running { color: $tone-busy; }
        .ink--failed { color: $tone-bad; }
        .ink--aborted { color: $tone-warn; }
        .ink--backing-off { color: $foreground 40%; }
        .ink--noticing { color: $tone-guess; text-style: bold; }
        .ink--around { color: $foreground 45%; }

        &:ansi .compare--cursor { background: ansi_white; color: ansi_black; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self.comparison: Comparison | None = None
        """None while there are no two executions."""
        self.cursor = 0
        """The line the cursor is on."""
        self.side = Which.A
        """Of which execution `enter` shows a row."""
        self._mask: Callable[[str], str] = str
        self._shape = CompareShape()
        self._rows: tuple[CompareRow, ...] = ()
        self._drawing: Drawing | None = None
        self._head: tuple[Strokes, ...] = ()

    # -- layout --------------------------------------------------------------------

    @property
    def _selected(self) -> CompareRow | None:
        found = self._rows[self.cursor : self.cursor + 1]
        return found[0] if found else None

    @property
    def row_key(self) -> str | None:
        """The line's own key."""
        return self._selected.key if self._selected is not None else None

    def _lay_out(self) -> None:
        """Lay out the lines anew; the selected one stays where it is on the screen."""
        key, offset = self.row_key, self.cursor - self.scroll_offset.y
        told = self.comparison
        self._rows = compare_rows(told, self._shape) if told is not None else ()
        places = {row.key: place for place, row in enumerate(self._rows)}
        self.cursor = places.get(
            key or "", min(self.cursor, max(0, len(self._rows) - 1))
        )
        self._draw_around()
        lines = len(self._rows) + len(self._head) + self._foot
        self.virtual_size = Size(self.breadth, lines)
        if 0 <= offset < self._height:
            self._scroll(self.cursor - offset)
        self.refresh()

    def _draw_around(self) -> None:
        told, width = self.comparison, self.breadth
        room = max(1, self.size.height // 2)
        if told is None:
            lines = [((f" {line}", Tone.DIM),) for line in _ALONE]
            self._drawing = None
            self._head = tuple(pad(line, width) for line in lines[:room])
            return
        self._drawing = make_drawing(
            told, self._rows, width, mask=self._mask, side=self.side
        )
        said = (*verdict(told, self._mask), *remarks(told, self._mask))
        self._head = draw_head(self._drawing, said, min(room, 9))

    @property
    def breadth(self) -> int:
        """The cells of a line: the scrollbar's column is none of them."""
        return self.scrollable_content_region.width

    @property
    def _foot(self) -> int:
        return int(self.size.height >= _ROOM_FOR_SIGNS and self._drawing is not None)

    @property
    def _height(self) -> int:
        """The lines left for rows."""
        return max(1, self.size.height - len(self._head) - self._foot)

    def _scroll(self, y: int) -> None:
        # Without force the first overflow does not scroll: the bar is not there yet.
        self.scroll_to(y=y, animate=False, immediate=True, force=True)

    # -- drawing -------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        if y < len(self._head):
            return self._strip(self._head[y], "head")
        drawing = self._drawing
        if drawing is None:
            return self._strip((), "")
        if self._foot and y == self.size.height - 1:
            return self._strip(draw_foot(drawing), "head")
        place = self.scroll_offset.y + y - len(self._head)
        if place >= len(self._rows):
            return self._strip((), "")
        selected = place == self.cursor
        strokes = draw(self._rows[place], drawing, selected=selected)
        return self._strip(strokes, "cursor" if selected else "")

    def _strip(self, strokes: Strokes, part: str) -> Strip:
        over = self._over(part)
        segments = [
            Segment(text, self._style(ink) + over) for text, ink in strokes if text
        ]
        blank = self._style(Tone.PLAIN) + over
        return Strip(segments).adjust_cell_length(self.breadth, blank)

    def _over(self, part: str) -> Style:
        """Take the background only: every ink keeps its colour under the cursor.

        A palette of 16 colours has none that all others can be read on, nor faintly.
        """
        if not part:
            return Style()
        style = self.get_component_rich_style(f"compare--{part}")
        palette = part == "cursor" and self.app.current_theme.ansi
        color, dim = (style.color, False) if palette else (None, None)
        return Style(
            bgcolor=style.bgcolor, color=color, dim=dim, reverse=style.reverse or None
        )

    def _style(self, ink: Tone | Ink) -> Style:
        kind = "ink" if isinstance(ink, Ink) else "tone"
        return self.get_component_rich_style(f"{kind}--{ink}")
