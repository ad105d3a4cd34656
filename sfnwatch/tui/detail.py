"""The detail pane: the selected line in full, a list of lines with a cursor."""

from dataclasses import dataclass
from datetime import tzinfo
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from sfnwatch.trace.console import url_for
from sfnwatch.trace.lanes import Row
from sfnwatch.trace.requests import Request
from sfnwatch.trace.timeline import Trace
from sfnwatch.trace.words import Tone
from sfnwatch.tui.actions import of_pane
from sfnwatch.tui.json_draw import Ink
from sfnwatch.tui.json_tree import Folds, Mask, TreeLine
from sfnwatch.tui.record_copy import copied
from sfnwatch.tui.record_lines import Line, Shape, Spot, record_lines, spot_pieces
from sfnwatch.tui.record_links import Said, Tie
from sfnwatch.tui.record_sections import (
    Grove,
    Section,
    Topic,
    request_sections,
    sections,
)
from sfnwatch.tui.record_spots import find, holder, key_of
from sfnwatch.tui.resizing import Resizing
from sfnwatch.tui.toned import TONE_CLASSES

INK_CLASSES = frozenset(f"json--{ink}" for ink in Ink)
_NOTHING: Line = (Spot(Said(""), pieces=(("Nothing is selected.", Tone.DIM),)),)


class Detail(Resizing, can_focus=True):
    """What is known of a line, what it is tied to, and AWS's own records behind it."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *TONE_CLASSES,
        *INK_CLASSES,
        "detail--cursor",
        "detail--resting",
    }
    DEFAULT_CSS = """
    Detail {
        overflow-x: hidden;
        overflow-y: scroll;

        .json--key { color: $tone-action; }
        .json--string { color: $tone-exact; }
        .json--number { color: $tone-guess; }
        .json--literal { color: $tone-strong; text-style: italic; }
        .detail--cursor { background: $cursor-background; color: $cursor-color; }
        .detail--resting { background: $panel; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = of_pane("detail")

    @dataclass
    class Jumped(Message):
        """Another row is wanted: one that this one is tied to."""

        key: str
        """The row's key in the lanes."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self.cursor = 0
        """The line the cursor is on."""
        self._column = 0
        self._rows: tuple[Row, ...] = ()
        self._way_out = ""
        self._trace = Trace()
        self._request: Request | None = None
        self._told_of = ""
        """The key of what is told of."""
        self._grove, self._folds = Grove(), Folds()
        self._folded: frozenset[Topic] = frozenset()
        self._sections: tuple[Section, ...] = ()
        self._lines: tuple[Line, ...] = (_NOTHING,)
        self._anew = True
        """True until the rows have been laid out for the first time."""
        self._mask: Mask = str
        self._zone: tzinfo | None = None

    # -- what is shown -------------------------------------------------------------

    def show(self, rows: tuple[Row, ...], trace: Trace) -> None:
        """Show rows; the same ones again, as each frame brings them, keep the place."""
        self._rows, self._trace, self._request = rows, trace, None
        self._tell(rows[0].key if rows else "")

    def show_request(self, request: Request) -> None:
        """Show a request of ours, which is in no lane."""
        self._rows, self._request = (), request
        self._tell(f"request#{request.key}")

    def _tell(self, key: str) -> None:
        other, self._told_of = key != self._told_of, key
        if other:
            self._grove, self._folds = Grove(), Folds()
        if self._request is None:
            found = sections(self._rows, self._trace, self._grove, self._zone)
        else:
            found = request_sections(self._request, self._grove, self._zone)
        told = tuple(found)
        if other or told != self._sections:
            self._sections = told
            self._anew = self._anew or other
            self._lay_out()

    @property
    def mask(self) -> Mask:
        """What hides names: all text that is shown, or copied, goes through it."""
        return self._mask

    @mask.setter
    def mask(self, mask: Mask) -> None:
        if mask != self._mask:
            self._mask = mask
            self._lay_out()

    @property
    def zone(self) -> tzinfo | None:
        """Where times are told for; None for UTC."""
        return self._zone

    @zone.setter
    def zone(self, zone: tzinfo | None) -> None:
        if zone != self._zone:
            self._zone = zone
            self._tell(self._told_of)
            self._lay_out()

    @property
    def rows(self) -> tuple[Row, ...]:
        return self._rows

    @property
    def url(self) -> str | None:
        """Where the AWS console shows this: the call, or else the execution."""
        urls = (url_for(row, self._trace) for row in reversed(self._rows))
        return next((url for url in urls if url is not None), None)

    def copy_text(self) -> str:
        """Give what the cursor is on as text that is safe to paste."""
        return copied(self.spot.target, self._mask)

    @property
    def spot(self) -> Spot:
        """What the cursor is on."""
        line = self._lines[min(self.cursor, len(self._lines) - 1)]
        return line[min(self._column, len(line) - 1)]

    # -- lines ---------------------------------------------------------------------

    @property
    def _shape(self) -> Shape:
        width = self.scrollable_content_region.width
        return Shape(
            max(1, width),
            self._folded,
            self._mask,
            self._zone,
            self._folds,
            way_out=self._way_out,
        )

    def _lay_out(self, *, to: object = None) -> None:
        """Make the lines anew; the cursor stays on what it is on, or goes `to` it."""
        if not self.scrollable_content_region.width:
            return
        self._way_out = key_of(self.screen, "view.close")
        held = to or self.spot.place
        still = self._in_view()
        before, offset = self._lines[still][0].place, still - self.scroll_offset.y
        self._lines = tuple(record_lines(self._sections, self._shape)) or (_NOTHING,)
        self.virtual_size = Size(self._shape.width, len(self._lines))
        if self._anew:
            self.cursor = self._column = 0
            self._scroll(0)
            self._anew = False
        else:
            self.cursor = find(self._lines, held, self.cursor)
            self._scroll(find(self._lines, before, still) - offset)
        self.refresh()

    def _in_view(self) -> int:
        """Choose the line that must not move: the cursor's, or the first in view."""
        top, height = self.scroll_offset.y, self.size.height
        place = self.cursor if top <= self.cursor < top + height else top
        return min(place, len(self._lines) - 1)

    def resized(self) -> None:
        self._lay_out()

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def _scroll(self, y: int) -> None:
        # Without force the first overflow does not scroll: the bar is not there yet.
        self.scroll_to(y=y, animate=False, immediate=True, force=True)

    # -- moving --------------------------------------------------------------------

    def select(self, place: int) -> None:
        """Put the cursor on a line and bring it into view."""
        old, self.cursor = self.cursor, max(0, min(place, len(self._lines) - 1))
        top, height = self.scroll_offset.y, max(1, self.size.height)
        if self.cursor < top:
            self._scroll(self.cursor)
        elif self.cursor >= top + height:
            self._scroll(self.cursor - height + 1)
        self.refresh_line(old)
        self.refresh_line(self.cursor)

    def action_move(self, lines: int) -> None:
        self.select(self.cursor + lines)

    def action_page(self, pages: int) -> None:
        self.select(self.cursor + pages * max(1, self.size.height - 1))

    def action_first(self) -> None:
        self.select(0)

    def action_last(self) -> None:
        self.select(len(self._lines) - 1)

    def on_click(self, event: events.Click) -> None:
        """Go to a line, and open or close it; a second click follows a link."""
        at = event.get_content_offset(self)
        place = self.scroll_offset.y + at.y if at is not None else -1
        if at is None or place >= len(self._lines):
            return
        self._column = int(len(self._lines[place]) > 1 and at.x > self._shape.column)
        self.select(place)
        if event.chain == 2 and isinstance(self.spot.target, Tie):  # noqa: PLR2004
            self.action_act()
        else:
            self.action_turn()

    # -- opening and closing -------------------------------------------------------

    def action_act(self) -> None:
        """Go where a link leads; open or close what opens and closes."""
        target = self.spot.target
        if isinstance(target, Tie):
            self.post_message(self.Jumped(target.key))
        else:
            self.action_turn()

    def action_turn(self) -> None:
        match self.spot.target:
            case Section() as section:
                self._folded = self._folded ^ {section.topic}
                self._lay_out()
            case TreeLine(rest=rest) as line if rest:
                self._folds.show_more(line.node)
                self._lay_out()
            case TreeLine(openable=True) as line:
                self._open(line, not line.opened)

    def _open(self, line: TreeLine, wanted: bool) -> None:  # noqa: FBT001
        self._folds.opened[line.node] = wanted
        self._lay_out(to=(line.node, 0))
        self.select(self.cursor)

    def action_unfold(self) -> None:
        """Open what is closed; what has nothing to open leads to its right."""
        target, line = self.spot.target, self._lines[self.cursor]
        closed = isinstance(target, Section) and target.topic in self._folded
        if isinstance(target, TreeLine) and target.openable:
            closed = not target.opened or bool(target.rest)
        if closed:
            self.action_turn()
        elif len(line) > 1 and not self._column:
            self._column = 1
            self.refresh_line(self.cursor)

    def action_fold(self) -> None:
        """Close what is open; what is closed leads to its left, or to what holds it."""
        target, line = self.spot.target, self._lines[self.cursor]
        if isinstance(target, Section):
            if target.topic not in self._folded:
                self.action_turn()
        elif isinstance(target, TreeLine) and target.opened:
            self._open(target, False)
        elif len(line) > 1 and self._column:
            self._column = 0
            self.refresh_line(self.cursor)
        else:
            self.select(holder(self._lines, self.cursor, self._column))

    # -- drawing -------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        place = self.scroll_offset.y + y
        width = self._shape.width
        if place >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        line = self._lines[place]
        selected = min(self._column, len(line) - 1) if place == self.cursor else -1
        if len(line) == 1:
            return Strip(self._segments(line[0], width, selected == 0), width)
        room = self._shape.column
        rest = width - 3 - room
        return Strip(
            [
                *self._segments(line[0], room, selected == 0),
                Segment(" │ ", self._style(Tone.DIM)),
                *self._segments(line[1], rest, selected == 1),
            ],
            width,
        )

    def _segments(self, spot: Spot, width: int, selected: bool) -> list[Segment]:  # noqa: FBT001
        over = self._over(selected)
        pieces = spot_pieces(spot, width, self._mask)
        segments = [Segment(text, self._style(tone) + over) for text, tone in pieces]
        missing = width - sum(segment.cell_length for segment in segments)
        return [*segments, Segment(" " * missing, self.rich_style + over)]

    def _style(self, tone: Tone | Ink) -> Style:
        kind = "json" if isinstance(tone, Ink) else "tone"
        return self.get_component_rich_style(f"{kind}--{tone}")

    def _over(self, selected: bool) -> Style:  # noqa: FBT001
        """Take the background only: every tone keeps its colour under the cursor.

        Not so where a palette has the colours: nobody knows which of them go together.
        """
        if not selected:
            return Style()
        if not self.has_focus:
            style = self.get_component_rich_style("detail--resting")
            return Style(bgcolor=style.bgcolor)
        style = self.get_component_rich_style("detail--cursor")
        color = style.color if self.app.current_theme.ansi else None
        return Style(color=color, bgcolor=style.bgcolor, reverse=style.reverse)
