"""Which rows of lanes are shown, and which stand behind what fold, as more come in.

That depends on rows before and behind: a Map with an eleventh iteration begins folded,
and a fifth poll makes a run of those before. What is known of the rows before the first
that is new or another is kept, unless it is such a row that changes it.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from sfnwatch.trace.lanes import Lanes, Row
from sfnwatch.trace.nests import Nest
from sfnwatch.trace.same import first_change
from sfnwatch.trace.shape_homes import Home, Homes, is_container, spot
from sfnwatch.trace.shape_lines import Shape
from sfnwatch.trace.shape_polls import Run, Runs


def _is_told(before: Row, row: Row) -> bool:
    """True if only what is told of a state or a try is other than it was."""
    visit = row.visit
    return (
        row.key == before.key
        and (row.at, row.kind, row.lane) == (before.at, before.kind, before.lane)
        and row.execution_arn == before.execution_arn
        and (row.events, row.nest) == (before.events, before.nest)
        and (row.call, row.task, row.link) == (before.call, before.task, before.link)
        and spot(visit) == spot(before.visit)
        and (visit is None or not is_container(visit))
    )


def homes_for(wanted: Shape) -> Homes:
    # What a filter keeps is what somebody looks for: none of it begins folded.
    return Homes(wanted.folded, wanted.opened, crowds=wanted.keep is None)


class Sorting:
    """Sorts the rows of lanes that grow."""

    def __init__(self, wanted: Shape) -> None:
        self._wanted = wanted
        self._begin()

    def _begin(self) -> None:
        self.homes = homes_for(self._wanted)
        self._rows: Sequence[Row] = ()
        self._nests: Mapping[str, Nest] = {}
        self.same = 0
        """How many rows are as they were, or seen by nobody."""
        self.kept: list[Row] = []
        """The rows that are not left out."""
        self._places: list[int] = []
        """The place of each among all rows, where any may be left out."""
        self.unlisted: Counter[str] = Counter()
        """How many calls of hidden services are left out, by service."""
        self.inside: list[Home | None] = []
        """The outermost fold each kept row is behind."""
        self.behind: dict[str, list[Row]] = {}
        """The rows behind each fold, by its key."""
        self.touched: set[str] = set()
        """The keys of folds that rows came to, or went from."""
        self._runs = Runs()

    @property
    def filtered(self) -> int:
        """How many rows a filter leaves out."""
        return len(self._rows) - self.unlisted.total() - len(self.kept)

    @property
    def runs(self) -> Sequence[Run]:
        """The runs that polls came to, or went from."""
        return self._runs.changed

    def run_of(self, row: Row) -> Run | None:
        return self._runs.ends.get(row.key) or self._runs.hidden.get(row.key)

    @property
    def hidden(self) -> Mapping[str, Run]:
        """The run that a poll is between the first and the last of, by its key.

        With other lanes there is another mapping.
        """
        return self._runs.hidden

    def grow(self, lanes: Lanes) -> int:
        """Take other lanes; say from which kept row on they are others, or elsewhere.

        They are sorted from the beginning if they are quite others.
        """
        self.touched = set()
        self._runs.keep_given()
        rows = lanes.rows
        self.same = self._take_told(rows)
        moved = self.homes.grow(rows, self.same, lanes.nests)
        if self._rows and not self.homes.orderly:
            self._begin()
            moved = self.homes.grow(rows, 0, lanes.nests)
        place = self._keep(rows, self.same)
        if moved:
            place = self._first_moved(place)
        place = self._sort(place)
        # A Map Run may have no row of its own that tells of it.
        told = (n.key for arn, n in lanes.nests.items() if self._nests.get(arn) != n)
        self.touched.update(key for key in told if key in self.behind)
        self._nests = lanes.nests
        return place

    def _take_told(self, rows: Sequence[Row]) -> int:
        """Take rows that are told otherwise where nobody sees them: behind folds.

        While a Map runs with many iterations at once, what comes in is about states
        that were entered long before. Gives the place of the first other row.
        """
        before = self._rows
        told: dict[str, Row] = {}
        place = first_change(before, rows)
        while place < min(len(before), len(rows)):
            row = rows[place]
            if not (_is_told(before[place], row) and self._is_unseen(place, row)):
                break
            told[row.key] = row
            place = first_change(before, rows, place + 1)
        for row in told.values():
            self.homes.tell_anew(row)
        folds = self.touched
        for key in folds:
            self.behind[key] = [told.get(row.key, row) for row in self.behind[key]]
        return place

    def _is_unseen(self, place: int, row: Row) -> bool:
        """True for a row that is left out, or behind a fold, which is told anew."""
        if self._all:
            at = place
        else:
            at = bisect_left(self._places, place)
            left_out = at == len(self._places) or self._places[at] != place
            if left_out or not self._is_kept(row):
                return left_out and not self._is_kept(row)
        home = self.inside[at]
        if home is None:
            return False
        self.kept[at] = row
        self.touched.add(home.key)
        return True

    @property
    def _all(self) -> bool:
        """True where no row is left out."""
        return self._wanted.keep is None and not self._wanted.hidden_services

    def _is_kept(self, row: Row) -> bool:
        keep = self._wanted.keep
        listed = row.source not in self._wanted.hidden_services
        return listed and (keep is None or keep(row))

    def _keep(self, rows: Sequence[Row], first: int) -> int:
        hidden, before = self._wanted.hidden_services, self._rows
        self._rows = rows
        if self._all:
            self._forget(first)
            self.kept[first:] = rows[first:]
            return first
        gone = Counter(row.source for row in before[first:] if row.source in hidden)
        come = Counter(row.source for row in rows[first:] if row.source in hidden)
        self.unlisted = self.unlisted - gone + come
        place = bisect_left(self._places, first)
        self._forget(place)
        numbered = enumerate(rows[first:], first)
        kept = [(at, row) for at, row in numbered if self._is_kept(row)]
        self.kept[place:] = [row for _, row in kept]
        self._places[place:] = [at for at, _ in kept]
        return place

    def _first_moved(self, place: int) -> int:
        """Find the first row that is behind another fold by now."""
        homes = [self.homes.folded(row) for row in self.kept[:place]]
        for at, (home, before) in enumerate(
            zip(homes, self.inside[:place], strict=True)
        ):
            if (home and home.key) != (before and before.key):
                self._forget(at)
                self.inside[:at] = homes[:at]
                return at
        self.inside[:place] = homes
        return place

    def _sort(self, place: int) -> int:
        """Sort the rows from a place on; runs may begin before."""
        while True:
            self._sort_rest()
            begin = self._settled(place)
            if begin == place:
                return place
            place = begin
            self._forget(place)

    def _settled(self, place: int) -> int:
        if not self._wanted.polls_folded:
            return place
        return self._runs.settle(self.kept, place)

    def _sort_rest(self) -> None:
        begin = len(self.inside)
        rest = self.kept[begin:]
        numbered: Iterable[tuple[int, Row]] = enumerate(rest, begin)
        if not self.homes.closed:
            self.inside += [None] * len(rest)
        else:
            self.inside += map(self.homes.folded, rest)
            numbered = self._sort_folded(begin)
        if self._wanted.polls_folded:
            self._runs.add(numbered)

    def _sort_folded(self, begin: int) -> Sequence[tuple[int, Row]]:
        """Put rows behind their folds; give the others, with their places."""
        others: list[tuple[int, Row]] = []
        for place in range(begin, len(self.kept)):
            row, home = self.kept[place], self.inside[place]
            if home is None:
                others.append((place, row))
            else:
                self.behind.setdefault(home.key, []).append(row)
                self.touched.add(home.key)
        return others

    def _forget(self, place: int) -> None:
        """Forget where the rows from a place on belong."""
        gone = self.kept[place : len(self.inside)]
        for home in self.inside[place:]:
            if home is not None:
                rows = self.behind[home.key]
                rows.pop()
                self.touched.add(home.key)
                if not rows:
                    del self.behind[home.key]
        del self.inside[place:]
        if self._wanted.polls_folded:
            self._runs.remove(gone, place)
