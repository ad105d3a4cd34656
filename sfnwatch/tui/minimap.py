"""The minimap: all the time there is, in one row of cells."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import chain, pairwise
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
_MANY = 16
"""Things in a column that fill its bar, if no column has more."""
_FEW = 4
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
        times = playback.moments.times
        # Columns are far fewer than moments: search only for the begin of each column.
        starts = [bisect_left(times, c, key=self.column) for c in range(width + 1)]
        counts = [end - begin for begin, end in pairwise(starts)]
        most = max(_MANY, *counts)
        top = len(_BLOCKS) - 1
        # By the square root; otherwise one burst would flatten the rest.
        self._bars = [_BLOCKS[ceil(top * sqrt(count / most))] for count in counts]
        self.marks: dict[int, list[Marker]] = {}
        """Each column's marks; the first one is drawn."""
        for marker in markers:
            column = self.column(marker.when(self._clock))
            self.marks.setdefault(column, []).append(marker)
        for found in self.marks.values():
            found.sort(key=lambda marker: _RANKS[marker.kind])
        knots = scale.cuts if len(scale.cuts) <= _FEW else ()
        self._cuts = {*chain.from_iterable(map(self._middle_of, knots))}
        """The columns that show where idle time is shortened."""

    def _middle_of(self, knot: int) -> Sequence[int]:
        """Return a free column near the middle of a squeezed gap; empty if none."""
        first, last = map(self.column, self._scale.knots[knot : knot + 2])
        between = range(first + 1, last)
        free = [c for c in between if c not in self.marks and self._bars[c] == _IDLE]
        return free[len(free) // 2 :][:1]

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
        if marks and marks[0].kind in MARKER_SIGNS:
            sign = MARKER_SIGNS[marks[0].kind].text
            look = MARKER_SIGNS[marks[0].kind].look
            if marks[0].kind is MarkerKind.ENDED:
                glyph = status_glyph(marks[0].status)
                sign = glyph.text
                look = f"role--{glyph.role}"
            return Span(sign or bar, look)
        if column in self._cuts:
            return Span("╱", "look--faint")
        return Span(bar, "look--bar" if column < playhead else "look--faint")
