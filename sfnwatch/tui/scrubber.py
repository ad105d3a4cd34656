"""The scrubber: a minimap of the whole, to click and drag, over the player's line."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import ClassVar

from textual import events
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive

from sfnwatch.trace.chapters import Chapter
from sfnwatch.trace.course import Course
from sfnwatch.trace.values import replace
from sfnwatch.trace.words import Piece
from sfnwatch.tui.cells import cells, pad
from sfnwatch.tui.scrubber_map import Minimap, labels_at, map_pieces, minimap
from sfnwatch.tui.scrubber_words import (
    NOTHING,
    Look,
    ScrubberView,
    hover_pieces,
    player_line,
    short_line,
)
from sfnwatch.tui.toned import Toned

__all__ = ["Scrubber", "ScrubberView"]


class Scrubber(Toned, can_focus=True):
    """Draws a view of the player, and says where one wants to go."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"scrubber--playhead"}
    DEFAULT_CSS = """
    Scrubber {
        height: 2;
        padding: 0 1;
        background: $panel;

        &:focus { background: $cursor-background; }
        &.-one { height: 1; }
        .scrubber--playhead { color: $accent; text-style: bold; }
        &:light .scrubber--playhead { color: $accent-darken-3; }
    }
    """

    look: reactive[Look] = reactive(Look())
    """How names and times are shown."""

    @dataclass
    class Sought(Message):
        """A moment is wanted; `final` once the mouse has let go."""

        at: datetime
        final: bool

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, Scrubber.Sought) and not message.final

    @dataclass
    class Hovered(Message):
        """The mouse is over a moment; None when it has left."""

        at: datetime | None

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, Scrubber.Hovered)

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._view = ScrubberView()
        self._map: Minimap | None = None
        self._chapters: tuple[Chapter, ...] = ()
        self._wanted: datetime | None = None
        """Where a drag is; None while there is none."""
        self._hovered: int | None = None
        """The column the mouse is over."""

    def show(self, view: ScrubberView) -> None:
        """Show another moment, or other records."""
        if view != self._view:
            self._view = view
            self.refresh()

    @property
    def mask(self) -> Callable[[str], str]:
        """What names are shown through."""
        return self.look.mask

    @mask.setter
    def mask(self, mask: Callable[[str], str]) -> None:
        self.look = replace(self.look, mask=mask)

    @property
    def zone(self) -> tzinfo | None:
        """Where the clock is; None for UTC."""
        return self.look.zone

    @zone.setter
    def zone(self, zone: tzinfo | None) -> None:
        self.look = replace(self.look, zone=zone)

    # -- drawing -------------------------------------------------------------------

    def render(self) -> Content:
        course, width = self._view.course, self.size.width
        if course is None or width < 1:
            return self.toned(pad(NOTHING, width))
        head = self._head(course)
        shown = self._minimap(course, width - cells(head))
        playhead = self._playhead(shown)
        drawn = map_pieces(shown, playhead, self._view.watermark)
        place = cells(head) + playhead
        style = self.get_visual_style("scrubber--playhead")
        line = self.toned((*head, *drawn)).stylize(style, place, place + 1)
        if self.size.height == 1:
            return line
        words = player_line(self._view, width, self.look, self._under_mouse(shown))
        return Content("\n").join([line, self.toned(words)])

    def _head(self, course: Course) -> tuple[Piece, ...]:
        """What stands left of the minimap, where one line is all there is."""
        if self.size.height > 1:
            return ()
        whole = short_line(self._view, course)
        forms = (whole, whole[:-1], whole[:1])
        fitting = (form for form in forms if cells(form) <= self.size.width // 2)
        return next(fitting, whole[:1])

    def _minimap(self, course: Course, width: int) -> Minimap:
        chapters, squeeze = self._view.chapters, self._view.transport.squeeze
        known = self._map
        if (
            known is None
            or known.course is not course
            or (known.width, known.squeeze) != (max(1, width), squeeze)
            or self._chapters is not chapters
        ):
            known = minimap(course, chapters, width, squeeze=squeeze)
            self._map, self._chapters = known, chapters
        return known

    def _playhead(self, shown: Minimap) -> int:
        if self._view.transport.position is None:
            return shown.width - 1
        return shown.column(self._view.transport.position)

    def _under_mouse(self, shown: Minimap) -> tuple[Piece, ...]:
        if self._hovered is None:
            return ()
        labels = tuple(labels_at(shown, self._hovered))
        return hover_pieces(shown.at(self._hovered), labels, self.look)

    # -- mouse ---------------------------------------------------------------------

    def on_mouse_down(self, event: events.MouseDown) -> None:
        column = self._column(event)
        if event.button == 1 and column is not None:
            event.stop()
            self.capture_mouse()
            self._want(column)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._wanted is not None:
            self._want(self._column(event, anywhere=True) or 0)
        self._hover(self._column(event, anywhere=self._wanted is not None))

    def on_mouse_up(self, event: events.MouseUp) -> None:
        if self._wanted is None:
            return
        event.stop()
        self.release_mouse()
        self.post_message(self.Sought(self._wanted, final=True))
        self._wanted = None

    def on_leave(self, event: events.Leave) -> None:
        if event.node is self:
            self._hover(None)

    def _column(
        self, event: events.MouseEvent, *, anywhere: bool = False
    ) -> int | None:
        """Say over which column the mouse is; `anywhere` takes the nearest."""
        if self._map is None or self._view.course is None:
            return None
        column = event.x - self.gutter.left - (self.size.width - self._map.width)
        inside = event.y == 0 and 0 <= column < self._map.width
        return min(max(column, 0), self._map.width - 1) if inside or anywhere else None

    def _want(self, column: int) -> None:
        if self._map is None:
            return
        at = self._map.at(column)
        if at != self._wanted:
            self._wanted = at
            self.post_message(self.Sought(at, final=False))

    def _hover(self, column: int | None) -> None:
        if column == self._hovered:
            return
        self._hovered = column
        at = None if column is None or self._map is None else self._map.at(column)
        self.post_message(self.Hovered(at))
        self.tooltip = self._tip()
        self.refresh()

    def _tip(self) -> Content | None:
        """Say what is under the mouse; as content, since data could write markup."""
        if self._map is None or self._hovered is None:
            return None
        return self.toned(self._under_mouse(self._map))
