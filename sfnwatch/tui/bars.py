"""The one-line parts round the lanes: status, trouble, names of the lanes."""

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from textual.content import Content
from textual.reactive import reactive
from textual.screen import Screen
from textual.widgets import Footer

from sfnwatch.trace.timeline import Trace
from sfnwatch.trace.words import Piece, Tone
from sfnwatch.tui.cells import cut
from sfnwatch.tui.lane_frame import Look, frame
from sfnwatch.tui.lane_head import draw_head
from sfnwatch.tui.lane_heads import Named, draw_heads
from sfnwatch.tui.layout import Layout
from sfnwatch.tui.status import View, status_line
from sfnwatch.tui.toned import RUN_CLASSES, Toned, run_class

Words = tuple[Piece, ...]


class StatusLine(Toned):
    """Who, how far, and how each source is doing; never more than one line."""

    ALLOW_SELECT = False
    _shown: tuple[Trace, View] | None = None

    def show(self, trace: Trace, view: View) -> None:
        self._shown = trace, view
        self.refresh()

    def render(self) -> Content:
        if self._shown is None:
            return Content()
        trace, view = self._shown
        return self.toned(status_line(trace, view, self.size.width))


class Banner(Toned):
    """What is wrong and what to do, a source a paragraph; absent while all is well."""

    messages: reactive[tuple[Words, ...]] = reactive((), layout=True, init=False)

    def watch_messages(self, messages: tuple[Words, ...]) -> None:
        self.display = bool(messages)
        bad = any(tone is Tone.BAD for pieces in messages for _, tone in pieces)
        self.set_class(bad, "-bad")

    def show(self, messages: Iterable[Words]) -> None:
        self.messages = tuple(messages)

    def render(self) -> Content:
        return Content("\n").join(self.toned(pieces) for pieces in self.messages)


class LaneNames(Toned):
    """The line above the lanes, in the lanes' own columns."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {*Toned.COMPONENT_CLASSES, *RUN_CLASSES}
    _layout_shown = Layout()
    _look = Look()
    _now: datetime | None = None

    def show(self, layout: Layout, look: Look | None = None) -> None:
        self._layout_shown, self._look = layout, look or self._look
        self.set_class(len(layout.heads) > 1, "-several")
        self.refresh()

    def tick(self, now: datetime) -> None:
        """Let the time go on that executions have taken."""
        self._now = now
        if len(self._layout_shown.heads) > 1:
            self.refresh()

    def render(self) -> Content:
        layout = self._layout_shown
        shown = frame(layout, self.size.width, self._look)
        if len(layout.heads) <= 1:
            return self.toned(draw_head(layout, shown))
        lines = draw_heads(layout, shown, self._now)
        return Content("\n").join(map(self._named, lines[-self.size.height :]))

    def _named(self, pieces: Iterable[Named]) -> Content:
        """Colour pieces, and names of executions each in its own colour."""
        return Content.assemble(
            *(
                self.toned([(words, tone)])
                if isinstance(tone, Tone)
                else (words, self.get_visual_style(run_class(tone)))
                for words, tone in pieces
                if words
            )
        )


class Keys(Footer):
    """The keys that matter, made anew only when they are others.

    Textual makes them anew, a widget a key, whenever some might be.
    """

    _told: tuple[tuple[object, ...], ...] = ()

    def bindings_changed(self, screen: Screen[object]) -> None:
        if not self.is_attached or screen is not self.screen or not self.app.app_focus:
            super().bindings_changed(screen)
            return
        told = tuple(
            (active.binding, active.enabled, active.tooltip)
            for active in screen.active_bindings.values()
            if active.binding.show
        )
        if told != self._told:
            self._told = told
            super().bindings_changed(screen)


class FilterLine(Toned):
    """What is filtered and searched for; absent while nothing is."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    FilterLine {
        display: none;
        height: 1;
        padding: 0 1;
        background: $panel;
    }
    """
    _pieces: Words = ()

    def show(self, pieces: Words) -> None:
        if pieces != self._pieces:
            self._pieces = pieces
            self.display = bool(pieces)
            self.refresh()

    def render(self) -> Content:
        return self.toned(cut(self._pieces, self.size.width))
