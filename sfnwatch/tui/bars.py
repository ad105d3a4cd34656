"""The lines round the views, kept up to date: status, trouble, filter, player, keys."""

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace
from textual.app import App

from sfnwatch.analysis.finding import Finding
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.moment import Moment
from sfnwatch.tui.actions import FOOTER, Action, key_name
from sfnwatch.tui.find_bar import FindBar, Finder
from sfnwatch.tui.lanes_view import LaneHeads
from sfnwatch.tui.paint import Rows, Span, width_of
from sfnwatch.tui.player import Scrubber
from sfnwatch.tui.shown import Shown
from sfnwatch.tui.status import (
    Situation,
    headline,
    quiet_words,
    refusal_spans,
    status_rows,
    troubles,
)

_REST, _SHARE = 1.0, 10
"""Seconds between two times that all findings are worked out, at most; and how many
times as long as it takes."""
_AGED = 120.0
"""Seconds after which they are worked out though nothing has come but our requests."""
_WIDE, _TALL = 120, 16
"""From so many cells on the headline stands beside the name, else below it where
there are so many rows: one less hurts below that."""
Find = Callable[[Moment], Awaitable[Sequence[Finding]]]


class Bars:
    """Holds the lines round the views, and what there is to say in them."""

    def __init__(
        self,
        app: App[Any],
        shown: Shown,
        finder: Finder,
        *,
        find: Find,
        found: Callable[[], None],
        situation: Situation,
        keys: Mapping[str, tuple[str, ...]],
    ) -> None:
        """`find` works findings out, and `found` is called once they are others.

        `keys` are a user's, by the ids of actions.
        """
        self._app, self._shown, self._finder = app, shown, finder
        self._find, self._found, self._keys = find, found, keys
        self.situation = situation
        self.status = Rows(self._status_rows, id="status")
        self.banner, self.filter_line = Rows(most=3, id="banner"), Rows(id="filter")
        self.find_bar, self.scrubber = FindBar(shown, finder), Scrubber(shown)
        self.key_line = Rows(self._key_rows, id="keys")
        self._offered: Sequence[tuple[Action, str, str]] = ()
        """What can be done, by which key, and how it is called for now."""
        self._found_of: object = None
        """What the findings that are there were worked out of."""
        self._find_again_at, self._is_finding = 0.0, False
        self._seen = 0
        """How many lines there were when the view followed last."""
        self._ran = False

    def say(self, **news: Any) -> None:
        """Take in that some of the situation is otherwise."""
        self.situation = replace(self.situation, **news)

    def show(self, heads: LaneHeads, applies: Callable[[str], bool]) -> None:
        """Say how things stand, which time alone may change."""
        shown, situation = self._shown, self.situation
        self._look_for_findings()
        self.status.redraw()
        self.scrubber.redraw()
        refusals = map(refusal_spans, situation.refusals)
        told = [*refusals, *troubles(shown.moment, shown.looks.mask)]
        self.banner.show(*told)
        bad = any(span.look == "role--bad" for spans in told for span in spans)
        self.banner.set_class(bad, "-bad")
        # What is being typed stands in a line of its own.
        said = [] if self.find_bar.display else self._finder.spans()
        self.filter_line.show(*([said] if said else []))
        offered = [(a, *self._key_and_title(a)) for a in FOOTER if applies(a.id)]
        if offered != self._offered:
            self._offered = offered
            self.key_line.redraw()
        heads.count(shown.services(), quiet_words(shown, over=situation.over))

    def _status_rows(self, width: int) -> Sequence[Sequence[Span]]:
        below = width < _WIDE and self._app.size.height >= _TALL
        return status_rows(self._shown, self.situation, width, below=below)

    def count_unseen(self, *, following: bool) -> None:
        """Know how many lines came in that nobody looks at."""
        count = len(self._shown.outline.items)
        if following or self._shown.playback.replay:
            self._seen = count
        self.say(unseen=max(0, count - self._seen))

    def ended(self) -> ExecutionAsOf | None:
        """Give the last execution that ended, the first time that all have.

        One that was over before it was watched is no news, nor is one of a recording.
        """
        roots = self._shown.roots
        running = any(execution.running for execution in roots)
        ran, self._ran = self._ran, running and not self._shown.playback.replay
        if running or not ran:
            return None
        now = self._shown.now
        return max(roots, key=lambda each: each.stopped_at or now, default=None)

    # -- keys ----------------------------------------------------------------------

    def _key_and_title(self, action: Action) -> tuple[str, str]:
        """Name an action for the footer, by the key that it has here."""
        playback = self._shown.playback
        title = action.title
        if action.id == "player.toggle" and (playback.playing or playback.live):
            title = "Pause"
        keys = self._keys.get(action.id, action.keys)
        return key_name(keys[0]) if keys else "", title

    def _key_rows(self, width: int) -> Sequence[Sequence[Span]]:
        """Offer the keys that do something here and now, those that have room."""
        kept = list(self._offered)
        while width_of(_keys(kept)) > width:
            kept.remove(max(kept, key=lambda each: each[0].footer))
        return [[Span(" "), *_keys(kept)]]

    # -- the headline --------------------------------------------------------------

    @property
    def is_up_to_date(self) -> bool:
        """True once the headline tells of what is shown."""
        return self._found_of == self._told()

    def _told(self) -> object:
        """Give what they depend on; as time goes by they tell of more of it."""
        shown = self._shown
        where = shown.playback.position, shown.playback.clock
        age = time.monotonic() // _AGED
        return shown.news, shown.outline.options, *where, age

    def _look_for_findings(self) -> None:
        """Know what is worth a headline, as often as there is time for it."""
        due = time.monotonic() >= self._find_again_at
        if not self.is_up_to_date and due and not self._is_finding:
            self._is_finding = True
            work: Callable[[], Awaitable[None]] = self._work_out_findings
            self._app.run_worker(work, group="findings")

    async def _work_out_findings(self) -> None:
        told, begun = self._told(), time.monotonic()
        try:
            self._shown.findings = await self._find(self._shown.moment)
        finally:
            self._is_finding = False
        now = time.monotonic()
        rest = min(_REST, _SHARE * (now - begun))
        self._found_of, self._find_again_at = told, now + rest
        self.say(headline=headline(self._shown))
        self._found()
        if not self.is_up_to_date:
            self._app.set_timer(rest, self._look_for_findings)


def _keys(offered: Sequence[tuple[Action, str, str]]) -> Iterator[Span]:
    for action, key, title in offered:
        yield Span(key, "look--key", action.id)
        yield Span(f" {title}", "role--dim", action.id)
        yield Span("   ")
