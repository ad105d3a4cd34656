"""The explain view: what a trace shows, in sentences, each with what it rests on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from sfnwatch.trace.lanes import Lanes
from sfnwatch.trace.timeline import Trace
from sfnwatch.trace.words import Tone, plain
from sfnwatch.tui.actions import of_pane
from sfnwatch.tui.cells import pad
from sfnwatch.tui.explain_cursor import (
    Stop,
    View,
    Way,
    found_in,
    paged,
    revealed,
    stepped,
    stops_of,
)
from sfnwatch.tui.explain_head import Mask
from sfnwatch.tui.explain_lines import Line, Shape, Target, explain_lines
from sfnwatch.tui.explain_page import Explained, Proof, Telling, Told, explained
from sfnwatch.tui.resizing import Resizing
from sfnwatch.tui.toned import TONE_CLASSES

_ROOMY = 16
"""Lines from which some may be left blank."""
_MARGIN = 1
"""Cells before a line, for the mark of what is selected."""


class ExplainView(Resizing, can_focus=True):
    """Findings, execution by execution; each unfolds to the rows it rests on."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {*TONE_CLASSES, "explain--cursor"}
    DEFAULT_CSS = """
    ExplainView {
        height: 1fr;
        background: $background;
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
        scrollbar-color: $thumb-color;

        .explain--cursor { background: $cursor-background; color: $cursor-color; }

        &:nocolor .explain--cursor { text-style: reverse; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = of_pane("explain")

    class Moved(Message):
        """The cursor is on something else."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, ExplainView.Moved)

    @dataclass
    class Jumped(Message):
        """A row is wanted: one that a finding rests on."""

        key: str
        """The row's key in the lanes."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self.cursor = 0
        """Which of the stops the cursor is on."""
        self._page = Explained()
        self._now = self._page.now
        self._mask: Mask = str
        self._zone: tzinfo | None = None
        self._folded: frozenset[str] = frozenset()
        self._unfolded: frozenset[str] = frozenset()
        self._lines: tuple[Line, ...] = ()
        self._stops: tuple[Stop, ...] = ()

    # -- what is shown -------------------------------------------------------------

    def show(
        self,
        trace: Trace,
        now: datetime,
        mask: Mask | None = None,
        *,
        lanes: Lanes | None = None,
    ) -> None:
        """Show a trace as it stands at `now`; nothing is found anew unless it moved.

        `lanes` are the trace's, if they are made already. For a long history
        `explained` may be called elsewhere, and `show_page` here.
        """
        page = self._page
        if not page.tells_of(trace):
            page = explained(trace, now, lanes)
        self.show_page(page, mask, now)

    def show_page(
        self, page: Explained, mask: Mask | None = None, now: datetime | None = None
    ) -> None:
        """Show what was found; what is selected, unfolded and in view stays."""
        mask, now = mask or self._mask, now or page.now
        ticks = page.running and now != self._now
        if page is not self._page or mask != self._mask or ticks:
            self._page, self._mask, self._now = page, mask, now
            self._lay_out()

    @property
    def page(self) -> Explained:
        return self._page

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
        """Where the times of rows are told for; None for UTC."""
        return self._zone

    @zone.setter
    def zone(self, zone: tzinfo | None) -> None:
        if zone != self._zone:
            self._zone = zone
            self._lay_out()

    @property
    def selected(self) -> Target | None:
        """The execution, the finding or the piece of evidence under the cursor."""
        stop = self._stop
        return stop.target if stop else None

    @property
    def selected_key(self) -> str | None:
        """The lanes' key of the evidence under the cursor, if they have its row."""
        target = self.selected
        if isinstance(target, Proof) and target.row is not None and target.there:
            return target.row.key
        return None

    def select_key(self, key: str) -> bool:
        """Put the cursor on the evidence of a row; False if none of it is unfolded."""
        for place, stop in enumerate(self._stops):
            target = stop.target
            if isinstance(target, Proof) and target.row and target.row.key == key:
                self.select(place)
                return True
        return False

    def copy_text(self) -> str:
        """Give what the cursor is on as text that is safe to paste, not wrapped."""
        match self.selected:
            case Told() as told:
                finding = told.finding
                return self._mask(f"{finding.certainty}: {finding.text}")
            case None:
                return ""
        return "\n".join(plain(line.pieces).strip() for line in self._own_lines())

    def _own_lines(self) -> Sequence[Line]:
        stop = self._stop
        return self._lines[stop.first : stop.last + 1] if stop else ()

    @property
    def _stop(self) -> Stop | None:
        found = self._stops[self.cursor : self.cursor + 1]
        return found[0] if found else None

    # -- lines ---------------------------------------------------------------------

    @property
    def breadth(self) -> int:
        """The cells of a line: the scrollbar's column is none of them."""
        return self.scrollable_content_region.width

    def _lay_out(self) -> None:
        """Make the lines anew; the cursor stays on what it is on, and where it is."""
        if self.breadth <= 0:
            return
        held, offset = self._stop, self._offset
        shape = Shape(
            width=max(1, self.breadth - _MARGIN),
            now=self._now,
            closed=self._folded,
            opened=self._unfolded,
            mask=self._mask,
            zone=self._zone,
            roomy=self.size.height >= _ROOMY,
        )
        self._lines = tuple(explain_lines(self._page, shape))
        self._stops = tuple(stops_of(self._lines))
        self.virtual_size = Size(self.breadth, len(self._lines))
        self.cursor = found_in(self._stops, held, self.cursor)
        stop = self._stop
        if held is None or stop is None:
            self._scroll(0)
        elif offset is not None:
            self._scroll(stop.first - offset)
        self.refresh()

    @property
    def _offset(self) -> int | None:
        """How far below the top of the view the cursor is; None if it is not in it."""
        stop, top = self._stop, self.scroll_offset.y
        if stop is None or not top - 1 <= stop.last < top + self.size.height:
            return None
        return stop.first - top

    def resized(self) -> None:
        self._lay_out()
        self.select(self.cursor)

    def _scroll(self, y: int) -> None:
        # Without force the first overflow does not scroll: the bar is not there yet.
        self.scroll_to(y=y, animate=False, immediate=True, force=True)

    # -- moving --------------------------------------------------------------------

    @property
    def _view(self) -> View:
        return View(
            self.scroll_offset.y, max(1, self.size.height), max(1, len(self._lines))
        )

    def select(self, place: int) -> None:
        """Put the cursor on a stop and bring all of it into view."""
        if self._stops:
            wanted = max(0, min(place, len(self._stops) - 1))
            self._go(wanted, revealed(self._stops, wanted, self._view))

    def _go(self, place: int, top: int) -> None:
        before, self.cursor = self.cursor, place
        # Out of sight it has no height to bring anything into; on_resize will do so.
        if top != self.scroll_offset.y and self.size.height:
            self._scroll(top)
        self.refresh()
        if place != before:
            self.post_message(self.Moved())

    def action_move(self, lines: int) -> None:
        """Go to the next stop, but first through what of this one is out of view."""
        if self._stops:
            way: Way = 1 if lines > 0 else -1
            self._go(*stepped(self._stops, self.cursor, self._view, way))

    def action_page(self, pages: int) -> None:
        if self._stops:
            way: Way = 1 if pages > 0 else -1
            self._go(*paged(self._stops, self.cursor, self._view, way))

    def action_first(self) -> None:
        self._go(0, 0)

    def action_last(self) -> None:
        self._go(max(0, len(self._stops) - 1), self._view.most)

    def on_click(self, event: events.Click) -> None:
        """Do what enter does there; a second click in a row does not undo it."""
        at = event.get_content_offset(self)
        line = self.scroll_offset.y + at.y if at is not None else -1
        for place, stop in enumerate(self._stops):
            if event.chain == 1 and stop.first <= line <= stop.last:
                self.select(place)
                self.action_act()
                return

    # -- unfolding -----------------------------------------------------------------

    def action_act(self) -> None:
        """Go to the row of a piece of evidence; unfold or fold anything else."""
        key = self.selected_key
        if key is not None:
            self.post_message(self.Jumped(key))
        elif not isinstance(self.selected, Proof):
            self.toggle_fold()

    def toggle_fold(self) -> None:
        """Unfold or fold what the cursor is on; with evidence, its finding."""
        target = self.selected
        if isinstance(target, Proof):
            self.select(self._holder())
            target = self.selected
        if isinstance(target, Telling):
            self._refold(self._folded ^ {target.key}, self._unfolded)
        elif isinstance(target, Told) and target.proofs:
            self._refold(self._folded, self._unfolded ^ {target.key})

    def toggle_folds(self) -> None:
        """Unfold all the evidence there is or, if any is unfolded, fold all of it."""
        told = [each.key for telling in self._page.tellings for each in telling.told]
        opened = frozenset() if self._unfolded.intersection(told) else frozenset(told)
        if not opened and isinstance(self.selected, Proof):
            self.select(self._holder())
        self._refold(frozenset(), opened)

    def _holder(self) -> int:
        """Find the stop of the finding that a piece of evidence belongs to."""
        above = range(self.cursor, -1, -1)
        return next(n for n in above if isinstance(self._stops[n].target, Told))

    def _refold(self, closed: frozenset[str], opened: frozenset[str]) -> None:
        self._folded, self._unfolded = closed, opened
        self._lay_out()
        self.select(self.cursor)
        self.post_message(self.Moved())

    # -- drawing -------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        place, width = self.scroll_offset.y + y, self.breadth
        if place >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        line, stop = self._lines[place], self._stop
        selected = stop is not None and stop.first <= place <= stop.last
        over = self._over() if selected else Style()
        pieces = (("▌" if selected else " ", Tone.ACTION), *line.pieces)
        segments = [
            Segment(text, self.get_component_rich_style(f"tone--{tone}") + over)
            for text, tone in pad(pieces, width)
            if text
        ]
        return Strip(segments, width)

    def _over(self) -> Style:
        """Take the background only: every tone keeps its colour under the cursor.

        Not so where a palette has the colours: nobody knows which of them go together.
        """
        style = self.get_component_rich_style("explain--cursor")
        color = style.color if self.app.current_theme.ansi else None
        return Style(color=color, bgcolor=style.bgcolor, reverse=style.reverse)
