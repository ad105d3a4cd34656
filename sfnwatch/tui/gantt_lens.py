"""What is shown of the whole time: all of it, or a window that zooms and pans.

Both work on time without its squeezed silences, so that a step is as wide as it looks.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise

from msgspec import Struct

from sfnwatch.trace.values import replace
from sfnwatch.tui.gantt_axis import CLOSEST, Window

_IDLE_LEAST, _IDLE_SHARE = 30.0, 0.08
"""A silence of these seconds, and of this share of the whole, is squeezed."""
_BESIDE = 0.1
"""What is shown beside something zoomed to, as a share of it."""


class Extent(Struct, frozen=True):
    """All there is to show, and the silences to squeeze in it."""

    begin: datetime
    end: datetime
    cuts: tuple[Window, ...] = ()

    @property
    def window(self) -> Window:
        return self.begin, self.end

    @property
    def length(self) -> float:
        """Its seconds, without those squeezed."""
        return self.flat(self.end)

    def flat(self, at: datetime) -> float:
        """Count the seconds to a moment, without those squeezed."""
        seconds = (at - self.begin).total_seconds()
        for first, last in self.cuts:
            if first >= at:
                break
            seconds -= (min(at, last) - first).total_seconds()
        return seconds

    def unflat(self, seconds: float, *, late: bool) -> datetime:
        """Turn such a count back; at a silence, its end if `late`, else its begin."""
        at = self.begin + timedelta(seconds=seconds)
        for first, last in self.cuts:
            if at < first or (at == first and not late):
                break
            at += last - first
        return at


class Lens(Struct, frozen=True):
    """The whole, and the window of it that is shown; None: the whole is."""

    extent: Extent
    window: Window | None = None

    @property
    def shown(self) -> Window:
        return self.window or self.extent.window

    @property
    def following(self) -> bool:
        """True while the right edge is the newest moment, and goes on with it."""
        return self.window is None or self.window[1] >= self.extent.end

    @property
    def closeness(self) -> float:
        """How many times closer than the whole it is."""
        begin, end = self._flat
        return self.extent.length / (end - begin) if end > begin else 1.0

    @property
    def _flat(self) -> tuple[float, float]:
        return self.extent.flat(self.shown[0]), self.extent.flat(self.shown[1])

    def grown(self, extent: Extent) -> "Lens":
        """Look at another whole: at its newest if that was in view, else as before."""
        lens = Lens(extent, self.window)
        if self.window is None:
            return lens
        begin, end = lens._flat
        return lens._at(
            extent.length - (end - begin) if self.following else begin, end - begin
        )

    def zoomed(self, factor: float, around: datetime) -> "Lens":
        """Show less, or with a factor below 1 more, with `around` where it stood."""
        begin, end = self._flat
        pivot = min(max(self.extent.flat(around), begin), end)
        length = max((end - begin) / factor, min(CLOSEST, self.extent.length))
        share = (pivot - begin) / (end - begin) if end > begin else 0.0
        return self._at(pivot - share * length, length)

    def panned(self, share: float) -> "Lens":
        """Move by a share of what is shown."""
        begin, end = self._flat
        return self._at(begin + share * (end - begin), end - begin)

    def centred(self, at: datetime) -> "Lens":
        begin, end = self._flat
        return self._at(self.extent.flat(at) - (end - begin) / 2, end - begin)

    def fitted(self) -> "Lens":
        return replace(self, window=None)

    def fitted_to(self, first: datetime, last: datetime) -> "Lens":
        """Show a stretch, and a little beside it."""
        begin, end = self.extent.flat(first), self.extent.flat(last)
        beside = max((end - begin) * _BESIDE, CLOSEST / 2)
        return self._at(begin - beside, end - begin + 2 * beside)

    def _at(self, begin: float, length: float) -> "Lens":
        extent = self.extent
        if length >= extent.length:
            return self.fitted()
        begin = min(max(begin, 0.0), extent.length - length)
        last = begin + length
        end = extent.end if last >= extent.length else extent.unflat(last, late=False)
        return replace(self, window=(extent.unflat(begin, late=begin > 0), end))


def idle(moments: Iterable[datetime]) -> tuple[Window, ...]:
    """Find the silences worth squeezing between moments that are in order.

    None where there is nothing else: something has to be to scale.
    """
    ordered = tuple(moments)
    if not ordered:
        return ()
    span = (ordered[-1] - ordered[0]).total_seconds()
    least = max(_IDLE_LEAST, _IDLE_SHARE * span)
    found = tuple(
        (before, after)
        for before, after in pairwise(ordered)
        if (after - before).total_seconds() >= least
    )
    return found if len(found) < len(set(ordered)) - 1 else ()
