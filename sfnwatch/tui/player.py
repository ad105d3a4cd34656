"""The player: what its keys do."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from textual.app import App
from textual.timer import Timer

from sfnwatch.model.time_axis import TimeAxis
from sfnwatch.model.trace import Changed
from sfnwatch.tui.actions import Command
from sfnwatch.tui.lanes_view import LanesView
from sfnwatch.tui.pace import PATIENCE, Pace
from sfnwatch.tui.screen_state import ScreenState
from sfnwatch.view.line import Line
from sfnwatch.view.markers import MarkerKind

FRAMES = 20
"""Frames in a second while a recording plays."""
GLIMPSE = 0.5
"""Seconds of playing. A recording that plays for less has only been opened, not
watched: as one that had ended when it was opened."""
_SKIP_SECONDS = 5
_LONG_SKIP_SECONDS = 60
_MOST_CALLS = 2_000
"""With more calls than these, late ones are not looked for at each frame."""


class Player:
    """Does the commands of the playback, and shows the result."""

    def __init__(
        self,
        app: App[Any],
        screen_state: ScreenState,
        lanes: LanesView,
        repaint: Callable[[], None],
        pace: Pace,
    ) -> None:
        """`repaint` paints the screen at once, `pace` as often as painting allows."""
        self._app = app
        self._screen_state = screen_state
        self._lanes = lanes
        self._repaint = repaint
        self._pace = pace
        self.playback = screen_state.playback
        self._last_frame_at = 0.0
        """The time, in seconds of a monotonic clock, of the last frame."""
        self._timer: Timer | None = None
        """The timer of the frames; None unless it plays."""
        self._late_key: str | None = None
        """The key of the newest late call; None if an event has come since."""
        self._watched_seconds = 0.0
        """Seconds for which it has played."""
        self.played_out = False
        """True once a recording has played to its end, for long enough to be
        watched."""
        playback = self.playback
        commands: Mapping[str, Command] = {
            "player.toggle": playback.toggle,
            "player.event": lambda: playback.step(1),
            "player.event_back": lambda: playback.step(-1),
            "player.state": lambda: self._step_to_state(1),
            "player.state_back": lambda: self._step_to_state(-1),
            "player.chapter": lambda: self._step_to_marker(1),
            "player.chapter_back": lambda: self._step_to_marker(-1),
            "player.forward": lambda: playback.skip(_SKIP_SECONDS),
            "player.back": lambda: playback.skip(-_SKIP_SECONDS),
            "player.forward_more": lambda: playback.skip(_LONG_SKIP_SECONDS),
            "player.back_more": lambda: playback.skip(-_LONG_SKIP_SECONDS),
            "player.faster": playback.faster,
            "player.slower": playback.slower,
            "player.squeeze": self._squeeze,
            "player.clock": playback.switch_clock,
            "player.loop": self._loop,
            "player.live": playback.to_end,
        }
        self.commands = {name: self._then_show(do) for name, do in commands.items()}

    def _then_show(self, do: Command) -> Command:
        def do_and_show() -> None:
            was_playing = self.playback.playing
            do()
            self._repaint()
            if self.playback.stays_at_end:
                self._lanes.action_last()
            elif was_playing and not self.playback.playing and self.leads:
                # After a pause the newest line is selected; at the end, the first one.
                newest = 0 if self.playback.ended else self._lanes.count - 1
                self._lanes.select(newest)

        return do_and_show

    def _step_to_state(self, direction: int) -> None:
        clock = self.playback.clock
        times = [
            marker.when(clock)
            for marker in self._screen_state.markers.by(clock)
            if marker.kind is MarkerKind.ENTERED
        ]
        if not self.playback.step_among(times, direction):
            self._notify_of_none("state", direction)

    def _step_to_marker(self, direction: int) -> None:
        clock = self.playback.clock
        markers = self._screen_state.markers.by(clock)
        times = [marker.when(clock) for marker in markers]
        if not self.playback.step_among(times, direction):
            self._notify_of_none("mark", direction)

    def _notify_of_none(self, what: str, direction: int) -> None:
        where = "after" if direction > 0 else "before"
        self._app.notify(f"no {what} {where} this")

    def _squeeze(self) -> None:
        self.playback.squeeze = not self.playback.squeeze
        how = "squeezed" if self.playback.squeeze else "at full length"
        self._app.notify(f"idle time is {how}")

    def _loop(self) -> None:
        self.playback.looping = not self.playback.looping
        self._app.notify("loop" if self.playback.looping else "no loop")

    def go_on(self) -> None:
        """Begin to play, if it should, and keep the newest lines in view."""
        if not self.playback.playing:
            return
        if self._timer is None:
            self._last_frame_at = time.monotonic()
            self._timer = self._app.set_interval(1 / FRAMES, self._frame)
        if self.leads:
            self._lanes.show_last()

    @property
    def leads(self) -> bool:
        """True in a replay until the cursor moves: captions are of the newest line."""
        return self.playback.replay and self._lanes.cursor == 0

    @property
    def line(self) -> Line | None:
        """The caption's line: the newest while it plays, else the selected one."""
        screen_state = self._screen_state
        shows_newest = self.playback.playing and self.leads
        if not (shows_newest and screen_state.items):
            return self._lanes.line
        place = len(screen_state.items) - 1
        if self._late_key is not None:
            late_place = screen_state.place_of(self._late_key)
            place = place if late_place is None else late_place
        return screen_state.line(place)

    def _frame(self) -> None:
        now = time.monotonic()
        elapsed = now - self._last_frame_at
        self._last_frame_at = now
        self._watched_seconds += elapsed
        was_playing = self.playback.playing
        before = self.playback.position
        if self.playback.tick(elapsed):
            self._flash_late_calls(before)
            self._pace.show(PATIENCE)
        if not self.playback.playing and self._timer is not None:
            self._timer.stop()
            self._timer = None
            self._stop(was_playing=was_playing)

    def _stop(self, *, was_playing: bool) -> None:
        """Show the last frame."""
        if was_playing and self.playback.ended and self._watched_seconds >= GLIMPSE:
            self.played_out = True
        self._repaint()
        if was_playing and self.leads:
            self._lanes.show_last()

    def _flash_late_calls(self, before: datetime | None) -> None:
        """Highlight the calls that arrived after `before`, with their delays."""
        playback = self.playback
        if before is None or playback.position is None:
            return
        newest = playback.moments.newest(playback.position)
        calls = self._screen_state.trace.ordered_calls
        is_by_arrival = playback.clock is TimeAxis.ARRIVAL
        if newest is None or not is_by_arrival or len(calls) > _MOST_CALLS:
            return
        if before < newest:
            new_calls = [
                call
                for call in calls
                if call.seen_at and before < call.seen_at <= newest
            ]
            self._late_key = new_calls[-1].key if new_calls else None
            self._lanes.flash(Changed(calls=[call.event_id for call in new_calls]))
