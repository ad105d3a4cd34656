"""The bars around the views, kept up to date: status, trouble, filter, player, keys."""

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.tui.actions import BY_ID, FOOTER, key_name
from sfnwatch.tui.find_bar import FindBar
from sfnwatch.tui.headline import headline
from sfnwatch.tui.ranked_words import Words, fitted, joined
from sfnwatch.tui.rows import Rows
from sfnwatch.tui.scrubber import Scrubber
from sfnwatch.tui.source_words import troubles
from sfnwatch.tui.spans import Span, width_of
from sfnwatch.tui.status_rows import status_rows

if TYPE_CHECKING:
    from sfnwatch.tui.app import SfnwatchApp


_FINDINGS_REST_SECONDS = 5.0
"""Longest rest in seconds between two computations of all findings."""
_FINDINGS_REST_FACTOR = 20
"""The rest is this many times as long as the last computation took."""
_AGED = 120.0
"""Seconds after which findings are computed again, though nothing has come but
sfnwatch's own requests."""
_KEYS_APART = 3
"""Cells between two keys."""
_KEYS_CLOSE = 2
"""Cells between two keys where there is little room."""
_UNKNOWN = datetime.min.replace(tzinfo=UTC)
_SAME_END = timedelta(seconds=1)


class Bars:
    """Holds the rows around the views, and fills them."""

    def __init__(self, app: "SfnwatchApp") -> None:
        self._app = app
        self._screen_state = app.screen_state
        self._finder = app.finder
        self.status = Rows(
            lambda width: status_rows(self._screen_state, width, app.size.height),
            id="status",
        )
        self.banner = Rows(most=3, id="banner")
        self.filter_line = Rows(id="filter")
        self.find_bar = FindBar(self._screen_state, self._finder)
        self.scrubber = Scrubber(self._screen_state)
        self.key_line = Rows(self._key_rows, id="keys")
        self._found_of: object = None
        """The state from which the current findings were computed."""
        self._find_again_at = 0.0
        self._is_finding = False
        self._seen = 0
        """The number of lines when the lanes last followed the newest line."""
        self._over_since: datetime | None = datetime.max.replace(tzinfo=UTC)
        """When the last execution ended; None while one runs. It begins as the latest
        possible time: an end from before the watch then counts as old news."""

    def show(self) -> None:
        """Update the bars; their words may change with time alone."""
        screen_state = self._screen_state
        lanes = self._app.views.lanes
        playback = self._screen_state.playback
        count = len(screen_state.outline.items)
        if playback.replay or (playback.live and lanes.follow):
            self._seen = count
        screen_state.unseen = max(0, count - self._seen)
        self._look_for_findings()
        self.status.redraw()
        self.scrubber.redraw()
        told = [*troubles(screen_state)]
        is_live = screen_state.session.mode == "live"
        if told and screen_state.over and is_live and not screen_state.items:
            demo = "Without AWS: sfnwatch demo watches a simulated account."
            told.append([Span(demo)])
        self.banner.show(*told)
        bad = any(span.look == "role--bad" for spans in told for span in spans)
        self.banner.set_class(bad, "-bad")
        # A filter or search that is being typed stands in a line of its own.
        said = [] if self.find_bar.display else self._finder.spans()
        self.filter_line.show(*([said] if said else []))
        lanes.heads.redraw()

    def ended(self) -> ExecutionAsOf | None:
        """Return the execution that ended last, once each time that all have ended.

        Otherwise None: also in a recording, and for an end from before the watch. A
        redriven execution ends once more, and may do so between two calls of this.
        """
        roots = self._screen_state.roots
        if not roots or self._screen_state.playback.replay:
            return None
        last = max(roots, key=lambda each: each.stopped_at or _UNKNOWN)
        running = any(execution.running for execution in roots)
        over_since = None if running else last.stopped_at or _UNKNOWN
        before = self._over_since
        self._over_since = over_since
        if over_since is None:
            return None
        # DescribeExecution and the history give slightly different times for one end.
        anew = before is None or over_since - before > _SAME_END
        return last if anew else None

    def _offers(self) -> Iterator[Words]:
        """Yield the actions that apply here and now, with their keys and titles."""
        playback = self._screen_state.playback
        titles = dict(self._app.views.titles)
        if playback.playing or playback.live:
            titles.setdefault("player.toggle", "Pause")
        if self._screen_state.snapshot.running:
            titles["view.end"] = ""  # nothing has ended yet
        if self._finder.active:
            titles["view.close"] = ""  # it clears the filter, which says so itself
        for name, rank in FOOTER.items():
            action = BY_ID[name]
            title = titles.get(action.id, action.title)
            keys = self._app.settings.keys.get(action.id, action.keys)
            if title and self._app.applies(action.id):
                key = Span(key_name(keys[0]) if keys else "", "look--key", action.id)
                words = Span(f" {title}", "role--dim", action.id)
                # An action with another title here stays longest.
                yield Words(1 + rank * (title == action.title), [key, words])

    def _key_rows(self, width: int) -> Sequence[Sequence[Span]]:
        """Return the row of keys, as many as have room."""
        offers = list(self._offers())
        # Keys close together are better than fewer keys.
        gap = _KEYS_CLOSE if width_of(joined(offers)) >= width else _KEYS_APART
        return [[Span(" "), *joined(fitted(offers, width - 1, gap), gap)]]

    @property
    def is_up_to_date(self) -> bool:
        """True once the headline is about the state that is shown."""
        return self._found_of == self._told()

    def _told(self) -> object:
        """Return the state that findings depend on; with time they cover more."""
        screen_state = self._screen_state
        where = screen_state.playback.position, screen_state.playback.clock
        age = time.monotonic() // _AGED
        return screen_state.news, screen_state.outline.options, *where, age

    def _look_for_findings(self) -> None:
        """Compute the headline's findings if they are outdated and time allows."""
        due = time.monotonic() >= self._find_again_at
        if not self.is_up_to_date and due and not self._is_finding:
            self._is_finding = True
            work: Callable[[], Awaitable[None]] = self._work_out_findings
            self._app.run_worker(work, group="findings")

    async def _work_out_findings(self) -> None:
        told = self._told()
        begun = time.monotonic()
        try:
            found = await self._app.session.findings(self._screen_state.snapshot)
            self._screen_state.findings = found
        finally:
            self._is_finding = False
        now = time.monotonic()
        rest = min(_FINDINGS_REST_SECONDS, _FINDINGS_REST_FACTOR * (now - begun))
        self._found_of = told
        self._find_again_at = now + rest
        self._screen_state.headline = headline(self._screen_state)
        self._app.repaint(time_has_passed=True)
        if not self.is_up_to_date:
            self._app.set_timer(rest, self._look_for_findings)
