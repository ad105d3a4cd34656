"""What lanes were laid out from the last time: what is as it was is kept.

A page is made again and again for a few new records, and lines of 125,000 rows are not
to be worked out each time.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from threading import Lock

from msgspec import Struct

from sfnwatch.trace.lanes import Lanes
from sfnwatch.trace.shape import Shape, Shaped
from sfnwatch.trace.shaping import cut_back
from sfnwatch.tui.lane_line import Line
from sfnwatch.tui.lane_services import Counted, Services
from sfnwatch.tui.stacking import Stacking


class Positions(Mapping[str, int]):
    """On which line a key is, or what stands for it.

    Most calls are behind a fold: to put them into one map with the others takes ten
    times as long as to copy that.
    """

    def __init__(self, own: Mapping[str, int], stands: Mapping[str, str]) -> None:
        self._own, self._stands = own, stands

    def __getitem__(self, key: str) -> int:
        place = self._own.get(key)
        return self._own[self._stands[key]] if place is None else place

    def __contains__(self, key: object) -> bool:
        return key in self._own or key in self._stands

    def __iter__(self) -> Iterator[str]:
        yield from self._stands
        yield from (key for key in self._own if key not in self._stands)

    def __len__(self) -> int:
        return len(self._own.keys() | self._stands.keys())


class Places:
    """On which line a key is, as lines come and go."""

    def __init__(self) -> None:
        self._own: dict[str, int] = {}
        self._counts: list[int] = []
        """How many keys the lines before each have."""
        self._replaced: list[tuple[int, str, int]] = []
        """On which line a key was found that had a line before, and which."""

    def grow(self, stacking: Stacking) -> None:
        self._own = self._own.copy()  # what was given away stays as it is
        self._forget(stacking.same)
        self._find(stacking.lines, stacking.same)

    def positions(self, stands: Mapping[str, str]) -> Positions:
        """Give them all; neither of the two maps is changed any more."""
        return Positions(self._own, stands)

    def _forget(self, first: int) -> None:
        while self._replaced and self._replaced[-1][0] >= first:
            _, key, place = self._replaced.pop()
            self._own[key] = place
        if first < len(self._counts):
            cut_back(self._own, self._counts[first])
            del self._counts[first:]

    def _find(self, lines: Sequence[Line], first: int) -> None:
        own = self._own
        for place in range(first, len(lines)):
            self._counts.append(len(own))
            line = lines[place]
            for key in (line.head, *line.keys) if line.head else line.keys:
                if key in own:
                    self._replaced.append((place, key, own[key]))
                own[key] = place


class Laid(Struct, frozen=True):
    """Lanes as lines, and where everything is on them."""

    lines: tuple[Line, ...]
    positions: Mapping[str, int]
    shaped: Shaped
    counted: Counted


class Laying:
    """Lays lanes out that grow; it begins anew for another shape.

    Mutable, and carried on from page to page by whoever makes them. A screen makes
    them in a thread, too.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._begin(Shape(), folded=False)

    def _begin(self, wanted: Shape, *, folded: bool) -> None:
        self._wanted, self._folded = wanted, folded
        self._stacking = Stacking(wanted, folded=folded)
        self._places = Places()
        self._services = Services()

    def lay(
        self,
        lanes: Lanes,
        wanted: Shape,
        *,
        folded: bool = False,
        complete_to: datetime | None = None,
    ) -> Laid:
        """Lay lanes out; nothing but time is lost if they are quite others."""
        with self._lock:
            if (wanted, folded) != (self._wanted, self._folded):
                self._begin(wanted, folded=folded)
            try:
                return self._laid(lanes, complete_to)
            except BaseException:
                # What is known is of half of them.
                self._begin(wanted, folded=folded)
                raise

    def _laid(self, lanes: Lanes, complete_to: datetime | None) -> Laid:
        shaped = self._stacking.stack(lanes, complete_to)
        self._places.grow(self._stacking)
        return Laid(
            lines=tuple(self._stacking.lines),
            positions=self._places.positions(shaped.stands),
            shaped=shaped,
            counted=self._services.grow(lanes.rows, self._stacking.shaping.same_rows),
        )
