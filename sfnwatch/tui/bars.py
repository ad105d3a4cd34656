"""The bars around the views, kept up to date: status, trouble, filter, player."""

from sfnwatch.tui.find_bar import FindBar
from sfnwatch.tui.finder import Finder
from sfnwatch.tui.lanes_view import LanesView
from sfnwatch.tui.rows import Rows
from sfnwatch.tui.screen_state import ScreenState
from sfnwatch.tui.scrubber import Scrubber
from sfnwatch.tui.source_words import troubles
from sfnwatch.tui.spans import Span
from sfnwatch.tui.status_rows import status_rows

_MOST_ROWS_OF_TROUBLE = 3
_DEMO_HINT = "Without AWS: sfnwatch demo watches a simulated account."


class Bars:
    """Holds the rows around the views, and fills them."""

    def __init__(
        self, screen_state: ScreenState, finder: Finder, lanes: LanesView
    ) -> None:
        self._screen_state = screen_state
        self._finder = finder
        self._lanes = lanes
        self.status = Rows(self._status_rows, id="status")
        self.banner = Rows(most=_MOST_ROWS_OF_TROUBLE, id="banner")
        self.filter_line = Rows(id="filter")
        self.find_bar = FindBar(screen_state, finder)
        self.scrubber = Scrubber(screen_state)
        self._seen_lines = 0
        """The number of lines when the lanes last followed the newest line."""

    def _status_rows(self, width: int) -> list[list[Span]]:
        return status_rows(self._screen_state, width, self.status.app.size.height)

    def show(self) -> None:
        """Update the bars; their words may change with time alone."""
        self._count_unseen()
        self.status.redraw()
        self.scrubber.redraw()
        self._show_troubles()
        # A filter or search that is being typed stands in a line of its own.
        spans = [] if self.find_bar.display else self._finder.spans()
        self.filter_line.show(*([spans] if spans else []))
        self._lanes.heads.redraw()

    def _count_unseen(self) -> None:
        playback = self._screen_state.playback
        count = len(self._screen_state.outline.items)
        if playback.replay or (playback.live and self._lanes.follow):
            self._seen_lines = count
        self._screen_state.unseen = max(0, count - self._seen_lines)

    def _show_troubles(self) -> None:
        screen_state = self._screen_state
        texts = list(troubles(screen_state))
        is_bad = any(span.look == "role--bad" for spans in texts for span in spans)
        is_live = screen_state.session.mode == "live"
        if texts and screen_state.over and is_live and not screen_state.items:
            texts.append([Span(_DEMO_HINT)])
        self.banner.show(*texts)
        self.banner.set_class(is_bad, "-bad")
