"""Of many attempts that may have made a call, those whose window its second lies in.

Worked out for all calls of one kind at once, in the order of their times: to go
through every attempt for every call takes minutes where thousands run together.
"""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from sfnwatch.trace.integrations import CallRole
from sfnwatch.trace.link_index import Key, uncount

LISTED = 100
"""Of those that fit one call no more are listed: nobody reads on, and thousands of
calls that each list thousands of attempts would fill the memory."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SECOND = 1_000_000


class Contender(Struct, frozen=True):
    """An attempt that makes calls of some kind, and when it may have made one."""

    key: Key
    role: CallRole
    """What such a call would be to it."""
    begin: datetime
    end: datetime | None
    """None while it may make more."""
    slack: timedelta

    @property
    def first(self) -> int:
        """The first microsecond a call may be dated: its second begins before it."""
        return microseconds(self.begin) - _SECOND + 1

    @property
    def last(self) -> int | None:
        if self.end is None:
            return None
        return microseconds(self.end) + self.slack // _MICROSECOND


class Fit(Struct, frozen=True):
    """All that may have made one call."""

    count: int
    keys: tuple[Key, ...]
    """Their keys in order, of very many only the first."""
    role: CallRole
    """What the call would be to all of them, or else `other`."""
    execution_arn: str | None
    """The execution, if it is one and the same."""


def fits(
    contenders: Iterable[Contender], moments: Iterable[datetime]
) -> dict[datetime, Fit]:
    """Find who fits each moment; one that nobody fits has no place in the answer."""
    crowd = _Crowd(contenders)
    found: dict[datetime, Fit] = {}
    for moment in sorted(set(moments)):
        fit = crowd.at(microseconds(moment))
        if fit is not None:
            found[moment] = fit
    return found


def all_of(contenders: Iterable[Contender]) -> Fit:
    """Take them all, whatever their windows."""
    ordered = sorted(contenders, key=_key)
    return _fit(
        ordered,
        len(ordered),
        {contender.role for contender in ordered},
        {contender.key[0] for contender in ordered},
    )


class _Crowd:
    """Those that fit a moment that only moves on."""

    def __init__(self, contenders: Iterable[Contender]) -> None:
        self._all = sorted(contenders, key=_key)
        arrivals: list[tuple[int, int]] = []
        departures: list[tuple[int, int]] = []
        for rank, contender in enumerate(self._all):
            first, last = contender.first, contender.last
            if last is not None and last < first:
                continue
            arrivals.append((first, rank))
            if last is not None:
                departures.append((last, rank))
        self._arrivals = sorted(arrivals, reverse=True)
        self._departures = sorted(departures, reverse=True)
        self._present: list[int] = []
        self._roles: Counter[CallRole] = Counter()
        self._executions: Counter[str] = Counter()
        self._fit: Fit | None = None

    def at(self, moment: int) -> Fit | None:
        """Move on to a moment; where nobody comes or goes the answer is the same."""
        while self._arrivals and self._arrivals[-1][0] <= moment:
            self._enter(self._arrivals.pop()[1])
        while self._departures and self._departures[-1][0] < moment:
            self._leave(self._departures.pop()[1])
        if self._fit is None and self._present:
            listed = [self._all[rank] for rank in self._present[:LISTED]]
            self._fit = _fit(listed, len(self._present), self._roles, self._executions)
        return self._fit

    def _enter(self, rank: int) -> None:
        contender = self._all[rank]
        insort(self._present, rank)
        self._roles[contender.role] += 1
        self._executions[contender.key[0]] += 1
        self._fit = None

    def _leave(self, rank: int) -> None:
        contender = self._all[rank]
        del self._present[bisect_left(self._present, rank)]
        uncount(self._roles, contender.role)
        uncount(self._executions, contender.key[0])
        self._fit = None


def _fit(
    ordered: Sequence[Contender],
    count: int,
    roles: Collection[CallRole],
    executions: Collection[str],
) -> Fit:
    return Fit(
        count=count,
        keys=tuple(contender.key for contender in ordered[:LISTED]),
        role=next(iter(roles)) if len(roles) == 1 else CallRole.OTHER,
        execution_arn=next(iter(executions)) if len(executions) == 1 else None,
    )


def _key(contender: Contender) -> Key:
    return contender.key


def microseconds(at: datetime) -> int:
    # Whole numbers: a second past the year 9999 is no datetime.
    return (at - _EPOCH) // _MICROSECOND
