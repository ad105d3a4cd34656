"""The command palette: every action and every mark, by its name."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.app import SystemCommand
from textual.command import Hit, Hits, Provider
from textual.content import Content
from textual.markup import escape

from sfnwatch.tui.actions import ACTIONS, Command, key_name

if TYPE_CHECKING:
    from sfnwatch.tui.app import SfnwatchApp


_MOST = 50


class Marks(Provider):
    """Offers every entered state, and every other mark, once something is typed."""

    async def search(self, query: str) -> Hits:
        app = cast("SfnwatchApp", self.app)
        matcher = self.matcher(query)
        count = 0
        looks = app.screen_state.looks
        clock = app.screen_state.playback.clock
        for marker in app.screen_state.markers.by(clock):
            label = looks.mask(marker.label)
            score = matcher.match(label)
            if score > 0 and count < _MOST:
                count += 1
                when = f"{marker.kind}, {looks.time(marker.at, whole=True)}"
                # The matcher's highlighting reads markup, and data may contain some.
                words = Content(f"Go to: {label}")
                jump = partial(app.jump, marker)
                yield Hit(score * 0.5, words, jump, text=label, help=when)


def system_commands(app: "SfnwatchApp") -> Iterator[SystemCommand]:
    """Yield the palette's entries: the actions that apply now."""
    pane = app.focused or app.views.lanes
    for action in ACTIONS:
        do: Command = partial(app.action_do, action.id)
        if action.method:
            do = partial(app.call_later, app.run_action, action.method, pane)
            applies = action.pane in ("", app.views.current)
        else:
            applies = app.applies(action.id)
        if applies:
            keys = " ".join(map(key_name, action.keys))
            # Textual reads this as markup, and two of the keys are brackets.
            words = escape(f"{action.words}   {keys}")
            yield SystemCommand(action.title, words, do)
