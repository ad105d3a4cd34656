"""The command palette's marks: every entered state, failure, end and so on."""

from functools import partial
from typing import Protocol, cast

from textual.command import Hit, Hits, Provider
from textual.content import Content

from sfnwatch.tui.screen_state import ScreenState
from sfnwatch.view.markers import Marker

_MOST_HITS = 50
_SCORE_FACTOR = 0.5
"""Marks stand below actions that fit as well."""


class AppWithMarkers(Protocol):
    """What the palette needs of the app."""

    screen_state: ScreenState

    def jump(self, marker: Marker) -> None:
        """Go to a mark's line."""


class MarkerProvider(Provider):
    """Offers every entered state, and every other mark, once something is typed."""

    async def search(self, query: str) -> Hits:
        app = cast("AppWithMarkers", self.app)
        matcher = self.matcher(query)
        count = 0
        looks = app.screen_state.looks
        clock = app.screen_state.playback.clock
        for marker in app.screen_state.markers.by(clock):
            label = looks.mask(marker.label)
            score = matcher.match(label)
            if score > 0 and count < _MOST_HITS:
                count += 1
                when = f"{marker.kind}, {looks.time(marker.at, whole=True)}"
                # The matcher's highlighting reads markup, and data may contain some.
                words = Content(f"Go to: {label}")
                jump = partial(app.jump, marker)
                yield Hit(score * _SCORE_FACTOR, words, jump, text=label, help=when)
