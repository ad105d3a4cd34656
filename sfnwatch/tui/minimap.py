"""The minimap: all the time there is, in one row of cells."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from math import ceil, sqrt

from sfnwatch.tui.spans import Span
from sfnwatch.view.markers import Marker, MarkerKind
from sfnwatch.view.parts import status_glyph
from sfnwatch.view.playback import Playback
from sfnwatch.view.time_scale import TimeScale

_BLOCKS = "▁▂▃▄▅▆▇█"
"""Bars from low to high, for few records and for many."""
_IDLE = "▁"
"""The lowest bar: nothing came."""
_FULL_BAR = 16
"""Things in a column that fill its bar, if no column has more."""
_MOST_CUTS = 4
"""Most cuts that are drawn; more would be all that one sees."""
MARKER_SIGNS: Mapping[MarkerKind, Span] = {
    MarkerKind.FAILED: Span("✘", "role--bad"),
    MarkerKind.DENIED: Span("", "role--bad"),
    MarkerKind.ENDED: Span("■", "role--name"),
    MarkerKind.REDRIVEN: Span("⟲", "role--warn"),
    MarkerKind.RETRIED: Span("", "role--warn"),
    MarkerKind.CAUGHT: Span("", "role--warn"),
    MarkerKind.FIRST_POLL: Span("", "role--poll"),
    MarkerKind.LEARNED: Span("", "role--event"),
}
"""How a column with such a mark looks: a sign, or the color of its bar."""
SIGNS: Sequence[tuple[str, str]] = (
    ("▁▃▅█", "how much came: nothing, little, much"),
    ("▼", "the moment that is shown"),
    ("✘", "a try, a state or a call failed; a red bar: a call was denied"),
    ("✔ ✘ ◷ ■", "the execution ended: succeeded, failed, timed out, aborted"),
    ("⟲", "the execution was redriven"),
    ("╱", "idle time, squeezed: no even scale"),
    ("● ▶ ‖ ■", "live, playing, paused, at the end"),
)
"""Each sign of the player, and what it means."""
_RANKS = {kind: rank for rank, kind in enumerate(MarkerKind)}


class Minimap:
    """All the time there is, cut into columns; the player's place is drawn later."""

    def __init__(
        self,
        playback: Playback,
        scale: TimeScale,
        markers: Sequence[Marker],
        width: int,
    ) -> None:
        self._scale = scale
        self.width = width
        self._clock = playback.clock
        self._bars = self._new_bars(playback.moments.times)
        """Each column's bar: how much came."""
        self.marks = self._marks_by_column(markers)
        """Each column's marks; the first one is drawn."""
        self._cuts = self._columns_of_cuts()
        """The columns that show where idle time is shortened."""

    def _new_bars(self, times: Sequence[datetime]) -> list[str]:
        # Columns are far fewer than moments: search only for the begin of each column.
        starts = [
            bisect_left(times, column, key=self.column)
            for column in range(self.width + 1)
        ]
        counts = [end - begin for begin, end in pairwise(starts)]
        most = max(_FULL_BAR, *counts)
        top = len(_BLOCKS) - 1
        # By the square root; otherwise one burst would flatten the rest.
        return [_BLOCKS[ceil(top * sqrt(count / most))] for count in counts]

    def _marks_by_column(
        self, markers: Iterable[Marker]
    ) -> Mapping[int, Sequence[Marker]]:
        by_column: dict[int, list[Marker]] = {}
        for marker in markers:
            column = self.column(marker.when(self._clock))
            by_column.setdefault(column, []).append(marker)
        for marks in by_column.values():
            marks.sort(key=lambda marker: _RANKS[marker.kind])
        return by_column

    def _columns_of_cuts(self) -> set[int]:
        """Return a free column near the middle of each squeezed gap that has one."""
        columns: set[int] = set()
        if len(self._scale.cuts) > _MOST_CUTS:
            return columns
        for cut in self._scale.cuts:
            first, last = map(self.column, self._scale.knots[cut : cut + 2])
            free = [
                column
                for column in range(first + 1, last)
                if column not in self.marks and self._bars[column] == _IDLE
            ]
            if free:
                columns.add(free[len(free) // 2])
        return columns

    def column(self, at: datetime) -> int:
        """Return the column of a moment."""
        return round(self._scale.place(at) * (self.width - 1))

    def at(self, column: int) -> datetime:
        """Return the moment that a column stands for: of its first mark, if any."""
        marks = self.marks.get(column)
        last = self.width - 1
        if marks and 0 < column < last:
            return marks[0].when(self._clock)
        return self._scale.at(column / max(1, last))

    def cell(self, column: int, playhead: int) -> Span:
        """Return a column as a span; what has been played stands out."""
        if column == playhead:
            return Span("▼", "look--playhead")
        bar = self._bars[column]
        marks = self.marks.get(column)
        if marks and marks[0].kind is MarkerKind.ENDED:
            glyph = status_glyph(marks[0].status)
            return Span(glyph.text or bar, f"role--{glyph.role}")
        if marks and marks[0].kind in MARKER_SIGNS:
            sign = MARKER_SIGNS[marks[0].kind]
            return Span(sign.text or bar, sign.look)
        if column in self._cuts:
            return Span("╱", "look--faint")
        return Span(bar, "look--bar" if column < playhead else "look--faint")
