"""Bars drawn line by line: the axis on top, the signs at the foot, rows between.

Only the lines in view are ever drawn; what is in view is `TimelineView`'s to say.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, tzinfo
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.geometry import Size
from textual.reactive import reactive
from textual.strip import Strip

from sfnwatch.trace.words import Piece, Tone
from sfnwatch.tui.cells import pad
from sfnwatch.tui.gantt import Frame, draw, draw_head, drawn_in, make_frame
from sfnwatch.tui.gantt_canvas import Ink, Stroke
from sfnwatch.tui.gantt_cursor import Cursor
from sfnwatch.tui.gantt_lens import Lens
from sfnwatch.tui.gantt_signs import legend
from sfnwatch.tui.resizing import Resizing
from sfnwatch.tui.toned import TONE_CLASSES

_STRIPS = 512
_ROOM_FOR_LABELS, _ROOM_FOR_AXIS, _ROOM_FOR_SIGNS = 4, 8, 12
"""Lines from which on the axis has labels, a line of its own, and its signs."""


def _nothing(calls: int) -> tuple[Piece, ...]:
    """Say why there are no bars."""
    if not calls:
        return (("  no state transitions", Tone.DIM),)
    count = f"{calls} calls" if calls > 1 else "1 call"
    return ((f"  {count}, but no states: a history is missing", Tone.WARN),)


class GanttView(Resizing):
    """Draws what a lens shows of the chart that a cursor is in."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *TONE_CLASSES,
        *(f"ink--{ink}" for ink in Ink),
        "timeline--cursor",
        "timeline--head",
    }
    DEFAULT_CSS = """
    GanttView {
        height: 1fr;
        background: $background;
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
        scrollbar-color: $thumb-color;

        .timeline--cursor { background: $cursor-background; color: $cursor-color; }
        .timeline--head { background: $surface; }

        .ink--waiting { color: $foreground 55%; }
        .ink--working { color: $success; }
        .ink--running { color: $tone-busy; }
        .ink--failed { color: $tone-bad; }
        .ink--aborted { color: $tone-warn; }
        .ink--backing-off { color: $foreground 40%; }
        .ink--noticing { color: $tone-guess; text-style: bold; }
        .ink--around { color: $foreground 45%; }
        .ink--grid { color: $foreground 18%; }
        .ink--cut { color: $foreground 35%; }
        .ink--playhead { color: $accent; text-style: bold; }
        .ink--chosen { color: $background; background: $accent; text-style: bold; }

        &:light .ink--playhead { color: $accent-darken-3; }

        &:ansi .timeline--cursor { background: ansi_white; color: ansi_black; }
        &:ansi .ink--grid { color: ansi_bright_black; }
        &:ansi .ink--cut { color: ansi_bright_black; }
        &:ansi .ink--chosen { color: ansi_white; background: ansi_blue; }
    }
    """
    clock = reactive(False, init=False, repaint=False)
    """True where the axis tells the time of day, not the time since the start."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self.cursor = Cursor()
        self.lens: Lens | None = None
        """None before anything is shown."""
        self._frame: Frame | None = None
        self._now: datetime | None = None
        self._playhead: datetime | None = None
        self._mask: Callable[[str], str] = str
        self._zone: tzinfo | None = None
        self._strips: LRUCache[tuple[object, ...], Strip] = LRUCache(_STRIPS)

    @property
    def breadth(self) -> int:
        """The cells of a line: the scrollbar's column is none of them."""
        return self.scrollable_content_region.width

    @property
    def mask(self) -> Callable[[str], str]:
        """What names go through before they are shown."""
        return self._mask

    @mask.setter
    def mask(self, mask: Callable[[str], str]) -> None:
        self._mask = mask
        self._redraw()

    @property
    def zone(self) -> tzinfo | None:
        """The zone of the times of day; None: UTC."""
        return self._zone

    @zone.setter
    def zone(self, zone: tzinfo | None) -> None:
        self._zone = zone
        self._redraw()

    def _resize(self) -> None:
        height = len(self.cursor.rows.lines) + self._head + self._foot
        self.virtual_size = Size(self.breadth, height)

    def _redraw(self) -> None:
        self._strips.clear()
        if self.lens is not None:
            self._frame = make_frame(
                self.cursor.chart,
                self.cursor.rows,
                self.breadth,
                self.lens,
                now=self._now,
                playhead=self._playhead,
                zone=self._zone,
                clock=self.clock,
                mask=self._mask,
            )
        self.refresh()

    def watch_clock(self) -> None:
        self._redraw()

    # -- drawing -------------------------------------------------------------------

    @property
    def _head(self) -> int:
        """The lines of the axis."""
        height = self.size.height
        return (height >= _ROOM_FOR_LABELS) + (height >= _ROOM_FOR_AXIS)

    @property
    def _foot(self) -> int:
        """The lines of the signs."""
        return int(self.size.height >= _ROOM_FOR_SIGNS)

    @property
    def _height(self) -> int:
        """The lines left for rows."""
        return max(1, self.size.height - self._head - self._foot)

    def _line_at(self, y: int) -> int | None:
        place = self.scroll_offset.y + y - self._head
        shown = self._head <= y < self._head + self._height
        return place if shown and place < len(self.cursor.rows.lines) else None

    def _time_at(self, x: int) -> datetime | None:
        """Give the moment under a column of the screen."""
        frame = self._frame
        if frame is None or not frame.share.chart:
            return None
        return frame.axis.time_at(x - frame.share.before + 0.5)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips.clear()

    def render_line(self, y: int) -> Strip:
        if self._frame is None:
            return Strip.blank(self.breadth, self.rich_style)
        if y < self._head:
            return self._cached(("head", y), lambda f: draw_head(f)[y], "head")
        if self._foot and y == self.size.height - 1:
            top = self.scroll_offset.y
            return self._cached(("foot", top, self._height), self._legend, "head")
        place = self._line_at(y)
        if y == self._head and not self.cursor.rows.lines:
            return self._cached(
                ("none",), lambda f: pad(_nothing(f.chart.calls), f.width), ""
            )
        if place is None:
            return Strip.blank(self.breadth, self.rich_style)
        line = self.cursor.rows.lines[place]
        selected = line.node is self.cursor.node
        chosen = self.cursor.call if selected else None
        return self._cached(
            (place, selected, chosen),
            lambda f: draw(line, f, selected=selected, chosen=chosen),
            "cursor" if selected else "",
        )

    def _legend(self, frame: Frame) -> Iterable[Stroke]:
        top = self.scroll_offset.y
        lines = self.cursor.rows.lines[top : top + self._height]
        return legend(frame.width, drawn_in(lines, frame))

    def _cached(
        self,
        key: tuple[object, ...],
        drawn: Callable[[Frame], Iterable[Stroke]],
        part: str,
    ) -> Strip:
        strip = self._strips.get(key)
        if strip is None and self._frame is not None:
            over = self._over(part)
            segments = [
                Segment(text, self._style(ink, over))
                for text, ink in drawn(self._frame)
                if text
            ]
            strip = Strip(segments, self.breadth)
            self._strips.set(key, strip)
        return strip or Strip.blank(self.breadth, self.rich_style)

    def _style(self, ink: Tone | Ink, over: Style) -> Style:
        kind = "ink" if isinstance(ink, Ink) else "tone"
        style = self.get_component_rich_style(f"{kind}--{ink}")
        return style if ink is Ink.CHOSEN else style + over

    def _over(self, part: str) -> Style:
        """Take the background only: every ink keeps its colour under the cursor.

        A palette of 16 colours has none that all others can be read on, nor faintly.
        """
        if not part:
            return Style()
        style = self.get_component_rich_style(f"timeline--{part}")
        palette = part == "cursor" and self.app.current_theme.ansi
        if palette:
            return Style(
                bgcolor=style.bgcolor,
                color=style.color,
                dim=False,
                reverse=style.reverse,
            )
        return Style(bgcolor=style.bgcolor)
