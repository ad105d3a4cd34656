"""The row with the minimap, to click and drag, and the player's words."""

from collections.abc import Sequence
from datetime import datetime

from textual import events

from sfnwatch.tui.last_inputs import LastInputs
from sfnwatch.tui.minimap import MARKER_SIGNS, Minimap
from sfnwatch.tui.pace import Pace
from sfnwatch.tui.player_words import player_words
from sfnwatch.tui.ranked_words import fitted, joined
from sfnwatch.tui.rows import Rows
from sfnwatch.tui.screen_state import ScreenState, Seek
from sfnwatch.tui.spans import Span, width_of
from sfnwatch.view.markers import Marker

_MAP_CELLS = 24
"""Cells that words leave to the minimap."""
_LEAST_MAP_CELLS = 12
"""With fewer cells there is no minimap."""
_GAP_CELLS = 2
"""Cells between the minimap and the words."""
_MAP_PATIENCE = 40
"""A map stays this many times as long as it took to make, before the next."""
_MOST_MARKERS = 2_000
"""With more marks than these, the map leaves out those without a sign."""


class Scrubber(Rows, can_focus=True):
    """Draws the minimap and the player's words; posts where the user wants to go."""

    def __init__(self, screen_state: ScreenState) -> None:
        super().__init__(self._row)
        self._screen_state = screen_state
        self._map: Minimap | None = None
        self._map_cells = 0
        self._layout = LastInputs()
        """The width of the map, and how time runs along it."""
        self._map_inputs = LastInputs()
        """What the map was last made from."""
        self.pace = Pace(self, self._make_map)
        self._wanted: datetime | None = None
        """The moment that a drag has reached; None while there is no drag."""

    def _row(self, width: int) -> Sequence[Sequence[Span]]:
        all_words = player_words(self._screen_state)
        kept_words = fitted(all_words, width - _MAP_CELLS - _GAP_CELLS)
        words = joined(kept_words, _GAP_CELLS)
        room = width - width_of(words) - _GAP_CELLS
        minimap = self._minimap(room) if room >= _LEAST_MAP_CELLS else None
        if minimap is None:
            return [words]
        at = self._screen_state.playback.position
        playhead = minimap.width - 1 if at is None else minimap.column(at)
        cells = [minimap.cell(column, playhead) for column in range(minimap.width)]
        return [[*cells, Span(" " * _GAP_CELLS), *words]]

    def _minimap(self, width: int) -> Minimap | None:
        """Return the map; while very much comes in, it may be slightly outdated."""
        playback = self._screen_state.playback
        self._map_cells = width
        if self._layout.renew(
            width, playback.clock, playback.squeeze, playback.growing
        ):
            self.pace.hurry()
        if self._map_inputs.differ(*self._current_inputs()):
            self.pace.show(_MAP_PATIENCE)
        return self._map

    def _current_inputs(self) -> tuple[object, ...]:
        playback = self._screen_state.playback
        return (
            self._map_cells,
            playback.clock,
            playback.squeeze,
            playback.growing,
            playback.moments.version,
            self._screen_state.markers.version,
        )

    def _make_map(self) -> None:
        playback = self._screen_state.playback
        self._map_inputs.note(*self._current_inputs())
        scale = playback.scale()
        self._map = None
        if scale is not None:
            markers = self._to_draw(self._screen_state.markers.by(playback.clock))
            self._map = Minimap(playback, scale, markers, self._map_cells)
        # This draws nothing new, unless the map came after its row was drawn.
        self.call_later(self.redraw)

    def _to_draw(self, markers: Sequence[Marker]) -> list[Marker]:
        """Leave out children that ended well and, of many marks, those without sign."""
        roots = self._screen_state.snapshot.roots
        if len(markers) > _MOST_MARKERS:
            markers = [marker for marker in markers if marker.kind in MARKER_SIGNS]
        return [
            marker
            for marker in markers
            if marker.status != "succeeded" or marker.key.rpartition("#")[0] in roots
        ]

    def on_mouse_down(self, event: events.MouseDown) -> None:
        column = self._column(event.x)
        if event.button == 1 and column is not None:
            event.stop()
            self.capture_mouse()
            self._want(column)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._wanted is not None:
            self._want(self._column(event.x, anywhere=True) or 0)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        if self._wanted is not None:
            event.stop()
            self.release_mouse()
            self._wanted = None

    def _column(self, x: int, *, anywhere: bool = False) -> int | None:
        """Return the column at a cell or, with `anywhere`, the nearest; else None."""
        if self._map is None:
            return None
        column = x - self.gutter.left
        nearest = min(max(column, 0), self._map.width - 1)
        return nearest if anywhere or nearest == column else None

    def _want(self, column: int) -> None:
        at = self._map.at(column) if self._map else None
        if at is not None and at != self._wanted:
            self._wanted = at
            self.post_message(Seek(at))
