"""Runs of like polls: what an attempt's wait looks like, told in three lines."""

from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import (
    Collection,
    Container,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from functools import partial
from itertools import groupby
from operator import attrgetter

from msgspec import Struct

from sfnwatch.trace.integrations import CallRole
from sfnwatch.trace.lanes import Row

_Attempt = tuple[str, int]
"""The ARN of an execution, and the `scheduled_id` of an attempt in it."""
_Places = defaultdict[_Attempt, "array[int]"]
LEAST = 3
"""Fewer polls than these, between the first and the last, are shown."""


class Run(Struct, frozen=True):
    """Polls of one attempt with one outcome, none of another outcome between them."""

    key: str
    all: tuple[Row, ...]

    @property
    def between(self) -> tuple[Row, ...]:
        """Those between the first and the last, which are hidden."""
        return self.all[1:-1]

    @property
    def whole(self) -> bool:
        """False where more of them may still come in, between those that are here."""
        return self.all[-1].sure

    @property
    def seconds(self) -> float | None:
        """How far apart they are, on average: as far as none can be missing."""
        known = [row for row in self.all if row.sure]
        if len(known) <= 1:
            return None
        return (known[-1].at - known[0].at).total_seconds() / (len(known) - 1)


class Stands(Mapping[str, str]):
    """What stands for rows and events: of a poll that is hidden, its run says it."""

    def __init__(
        self,
        others: Mapping[str, str],
        hidden: Mapping[str, Run],
        opened: Container[str],
    ) -> None:
        self._others, self._hidden, self._opened = others, hidden, opened

    def __getitem__(self, key: str) -> str:
        run = self._hidden.get(key)
        if run is None or run.key in self._opened:
            return self._others[key]
        return run.key

    def __iter__(self) -> Iterator[str]:
        yield from self._others
        for key, run in self._hidden.items():
            if run.key not in self._opened:
                yield key

    def __len__(self) -> int:
        return sum(1 for _ in self)


def poll_runs(rows: Sequence[Row]) -> Iterator[Run]:
    """Find the runs that are long enough to be folded.

    Attempts poll at the same time, so a run is of one attempt, whatever else lies
    between. A run is known by its number among the attempt's: its first poll may
    come in last.
    """
    by_attempt = _no_places()
    sort_polls(by_attempt, enumerate(rows))
    for attempt, places in by_attempt.items():
        yield from _runs_of(attempt, [rows[place] for place in places])


def _no_places() -> _Places:
    return defaultdict(partial(array, "Q"))


def sort_polls(
    by_attempt: _Places, rows: Iterable[tuple[int, Row]]
) -> Collection[_Attempt]:
    """Give each attempt the places of its polls; say which attempts got any."""
    found: dict[_Attempt, None] = {}
    for place, row in rows:
        link = row.link
        if (
            link is not None
            and link.role is CallRole.POLL
            and link.attempt_id is not None
        ):
            attempt = (link.execution_arn or "", link.attempt_id)
            by_attempt[attempt].append(place)
            found[attempt] = None
    return found.keys()


def _runs_of(attempt: _Attempt, polls: Sequence[Row]) -> Iterator[Run]:
    if len(polls) < LEAST + 2:
        return
    calls = all(row.call is not None for row in polls)
    alike_by = _OF_CALL if calls else _outcome
    for number, (_, alike) in enumerate(groupby(polls, alike_by)):
        run = tuple(alike)
        if len(run) >= LEAST + 2:
            yield Run(f"{attempt[0]}#{attempt[1]}~polls{number}", run)


_OF_CALL = attrgetter("call.event_name", "call.error_code", "link.rule")


def _outcome(row: Row) -> object:
    return _OF_CALL(row) if row.call and row.link else (row.key,)


class Runs:
    """The runs that are folded, as rows come and go at the end."""

    def __init__(self) -> None:
        self._polls = _no_places()
        self._unsettled: set[_Attempt] = set()
        self.ends: dict[str, Run] = {}
        """The run that a row is the first or the last of, by its key."""
        self.hidden: dict[str, Run] = {}
        """The same, for those between."""
        self.changed: list[Run] = []
        """Those of the attempts that rows came to, or went from."""

    def keep_given(self) -> None:
        """Leave what was given away as it is, from here on."""
        self.hidden = self.hidden.copy()

    def add(self, rows: Iterable[tuple[int, Row]]) -> None:
        """Take rows at the end, each with its place."""
        self._unsettled.update(sort_polls(self._polls, rows))

    def remove(self, rows: Sequence[Row], first: int) -> None:
        """Take rows away, which are those from a place on."""
        for attempt in sort_polls(_no_places(), enumerate(rows)):
            polls = self._polls[attempt]
            del polls[bisect_left(polls, first) :]
            self._unsettled.add(attempt)
        for row in rows:
            self.ends.pop(row.key, None)
            self.hidden.pop(row.key, None)

    def settle(self, rows: Sequence[Row], first: int) -> int:
        """Find the runs anew; say from which place on rows are in others.

        Those from the `first` on are others in any case.
        """
        self.changed = []
        for attempt in self._unsettled:
            places = self._polls[attempt]
            known = places[: bisect_left(places, first)]
            before = [self._forget(rows[place]) for place in known]
            for run in _runs_of(attempt, [rows[place] for place in places]):
                self.changed.append(run)
                self.ends[run.all[0].key] = self.ends[run.all[-1].key] = run
                self.hidden.update(dict.fromkeys([r.key for r in run.between], run))
            for place, was in zip(known, before, strict=True):
                if self._told(rows[place]) != was:
                    first = min(first, place)
                    break
        self._unsettled.clear()
        return first

    def _told(self, row: Row) -> tuple[str | None, str | None]:
        """Say which run a row is an end of, or hidden in."""
        end, hidden = self.ends.get(row.key), self.hidden.get(row.key)
        return (end.key if end else None, hidden.key if hidden else None)

    def _forget(self, row: Row) -> tuple[str | None, str | None]:
        told = self._told(row)
        self.ends.pop(row.key, None)
        self.hidden.pop(row.key, None)
        return told
