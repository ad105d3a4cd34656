"""The player: what its keys do."""

import time
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from textual.timer import Timer

from sfnwatch.model.time_axis import TimeAxis
from sfnwatch.model.trace import Changed
from sfnwatch.tui.actions import Command
from sfnwatch.tui.pace import PATIENCE
from sfnwatch.tui.scrubber import CROWD
from sfnwatch.view.line import Line
from sfnwatch.view.markers import MarkerKind

if TYPE_CHECKING:
    from sfnwatch.tui.app import SfnwatchApp


FRAMES = 20
"""Frames in a second while a recording plays."""
GLIMPSE = 0.5
"""Seconds of playing. A recording that plays for less has only been opened, not
watched: as one that had ended when it was opened."""
_STEP = 5
_MINUTE = 60


class Player:
    """Does the commands of the playback, and shows the result."""

    def __init__(self, app: "SfnwatchApp") -> None:
        self._app = app
        self._screen_state = app.screen_state
        self._lanes = app.views.lanes
        self.playback = app.screen_state.playback
        self._last = 0.0
        """The time, in seconds of a monotonic clock, of the last frame."""
        self._timer: Timer | None = None
        """The timer of the frames; None unless it plays."""
        self._late: str | None = None
        """The key of the newest call; None if an event has come since."""
        self._watched = 0.0
        """Seconds for which it has played."""
        self.played_out = False
        """True once a recording has played to its end, for long enough to be
        watched."""
        playback = self.playback
        own: Mapping[str, Command] = {
            "player.toggle": playback.toggle,
            "player.event": lambda: playback.step(1),
            "player.event_back": lambda: playback.step(-1),
            "player.state": lambda: self._step(1, MarkerKind.ENTERED),
            "player.state_back": lambda: self._step(-1, MarkerKind.ENTERED),
            "player.chapter": lambda: self._step(1),
            "player.chapter_back": lambda: self._step(-1),
            "player.forward": lambda: playback.skip(_STEP),
            "player.back": lambda: playback.skip(-_STEP),
            "player.forward_more": lambda: playback.skip(_MINUTE),
            "player.back_more": lambda: playback.skip(-_MINUTE),
            "player.faster": playback.faster,
            "player.slower": playback.slower,
            "player.squeeze": self._squeeze,
            "player.clock": playback.switch_clock,
            "player.loop": self._loop,
            "player.live": playback.to_end,
        }
        self.commands = {name: self._then_show(do) for name, do in own.items()}

    def _then_show(self, do: Command) -> Command:
        def done() -> None:
            was_playing = self.playback.playing
            do()
            self._app.repaint()
            if self.playback.stays_at_end:
                self._lanes.action_last()
            elif was_playing and not self.playback.playing and self.leads:
                # After a pause the newest line is selected; at the end, the first one.
                newest = 0 if self.playback.ended else self._lanes.count - 1
                self._lanes.select(newest)

        return done

    def _step(self, direction: int, *kinds: MarkerKind) -> None:
        """Go to the next mark of some kinds, or notify that there is none."""
        clock = self.playback.clock
        markers = self._screen_state.markers.by(clock)
        wanted = (m for m in markers if not kinds or m.kind in kinds)
        if not self.playback.step_among((m.when(clock) for m in wanted), direction):
            what = "state" if kinds else "mark"
            self._app.notify(f"no {what} {'after' if direction > 0 else 'before'} this")

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
            self._last = time.monotonic()
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
        if not (self.playback.playing and self.leads and screen_state.items):
            return self._lanes.line
        late = screen_state.place_of(self._late) if self._late is not None else None
        return screen_state.line(len(screen_state.items) - 1 if late is None else late)

    def _frame(self) -> None:
        now = time.monotonic()
        elapsed = now - self._last
        self._last = now
        self._watched += elapsed
        was_playing = self.playback.playing
        before = self.playback.position
        if self.playback.tick(elapsed):
            self._tell_of_calls(before)
            self._app.pace.show(PATIENCE)
        if not self.playback.playing and self._timer is not None:
            has_ended = was_playing and self.playback.ended
            self.played_out |= has_ended and self._watched >= GLIMPSE
            self._timer.stop()
            self._timer = None
            self._app.repaint()
            if was_playing and self.leads:
                self._lanes.show_last()

    def _tell_of_calls(self, before: datetime | None) -> None:
        """Highlight the calls that came after `before`, with their delays then."""
        playback = self.playback
        calls = self._screen_state.trace.ordered_calls
        newest = playback.position and playback.moments.newest(playback.position)
        is_late = playback.clock is TimeAxis.ARRIVAL and len(calls) <= CROWD
        if is_late and before is not None and newest is not None and before < newest:
            new = [c for c in calls if c.seen_at and before < c.seen_at <= newest]
            self._late = new[-1].key if new else None
            self._lanes.flash(Changed(calls=[call.event_id for call in new]))
