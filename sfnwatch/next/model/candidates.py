"""Of the attempts that make calls of some name, those whose time a call falls into.

Worked out for many calls at once, in the order of their times: to go through every
attempt for every call takes minutes where thousands run together.
"""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from msgspec import Struct

from sfnwatch.next.model.api_call import CallName
from sfnwatch.next.model.integrations import CallRole
from sfnwatch.next.model.links import AttemptKey, role_in
from sfnwatch.next.model.visits import Attempt

LISTED = 100
"""Of those that fit one call no more are listed: nobody reads on, and thousands of
calls that each list thousands of attempts would fill the memory."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SECOND = 1_000_000
_POLL_SLACK = _SECOND
_ANSWER_SLACK = 2 * _SECOND
"""An answer is on its way for a moment: a call's second may end after its phase."""
_STOP_GRACE = 60 * _SECOND
"""A job is stopped after its state was aborted, in AWS's own time [inferred]."""


class Window(NamedTuple):
    """An attempt that makes calls of some name, and when it may have made one."""

    key: AttemptKey
    visit_id: int
    role: CallRole
    """What such a call would be to it."""
    first: int
    """The first microsecond a call may be dated: its second begins before it."""
    last: int | None
    """None while it may make more."""

    @property
    def claim(self) -> tuple[int, CallRole]:
        """What a link to it says of a call."""
        return self.visit_id, self.role

    def meets(self, begin: int, end: int) -> bool:
        return self.first <= end and (self.last is None or begin <= self.last)


class Candidates(Struct, frozen=True):
    """All the attempts that may have made one call."""

    count: int
    keys: tuple[AttemptKey, ...]
    """Their keys in order, of very many only the first."""
    role: CallRole
    """What the call would be to all of them, or else `other`."""
    execution_arn: str | None
    """The execution, if it is one and the same."""


def microseconds(at: datetime) -> int:
    # Whole numbers: a second past the year 9999 is no datetime.
    return (at - _EPOCH) // _MICROSECOND


def window_of(
    key: AttemptKey, attempt: Attempt, name: CallName, names: Collection[CallName]
) -> Window | None:
    """Say when an attempt may make calls of a name; None if it makes no such calls.

    `names` are those of all calls it may make.
    """
    role = role_in(attempt, name)
    begin, end, slack = attempt.scheduled_at, attempt.ended_at, _STOP_GRACE
    if role is CallRole.OTHER:
        if name not in names:
            return None
        slack = _ANSWER_SLACK
    elif role is CallRole.ACTION:
        end, slack = attempt.submitted_at or end, _ANSWER_SLACK
    elif role is CallRole.POLL:
        begin = attempt.submitted_at or attempt.started_at or begin
        slack = _POLL_SLACK
    last = None if end is None else microseconds(end) + slack
    return Window(key, attempt.visit_id, role, microseconds(begin) - _SECOND + 1, last)


def bystander_window(key: AttemptKey, attempt: Attempt) -> Window:
    """Give one that holds the job's id, but makes no such calls."""
    first = microseconds(attempt.scheduled_at) - _SECOND + 1
    return Window(key, attempt.visit_id, CallRole.OTHER, first, None)


def candidates_at(
    windows: Iterable[Window], moments: Iterable[int]
) -> dict[int, Candidates]:
    """Find who fits each moment; one that nobody fits is not in the answer."""
    active = _ActiveSet(windows)
    found: dict[int, Candidates] = {}
    for moment in sorted(set(moments)):
        candidates = active.at(moment)
        if candidates is not None:
            found[moment] = candidates
    return found


def all_candidates(windows: Iterable[Window]) -> Candidates:
    """Take them all, whatever their times."""
    ordered = sorted(windows, key=lambda window: window.key)
    roles = {window.role for window in ordered}
    arns = {window.key[0] for window in ordered}
    return _candidates(ordered, len(ordered), roles, arns)


class _ActiveSet:
    """Those that fit a moment that only moves on."""

    def __init__(self, windows: Iterable[Window]) -> None:
        self._all = sorted(windows, key=lambda window: window.key)
        arrivals: list[tuple[int, int]] = []
        departures: list[tuple[int, int]] = []
        for rank, window in enumerate(self._all):
            if window.last is not None and window.last < window.first:
                continue
            arrivals.append((window.first, rank))
            if window.last is not None:
                departures.append((window.last, rank))
        self._arrivals = sorted(arrivals, reverse=True)
        self._departures = sorted(departures, reverse=True)
        self._present: list[int] = []
        self._roles: Counter[CallRole] = Counter()
        self._executions: Counter[str] = Counter()
        self._found: Candidates | None = None

    def at(self, moment: int) -> Candidates | None:
        """Move on to a moment; where nobody comes or goes the answer is the same."""
        while self._arrivals and self._arrivals[-1][0] <= moment:
            self._enter(self._arrivals.pop()[1])
        while self._departures and self._departures[-1][0] < moment:
            self._leave(self._departures.pop()[1])
        if self._found is None and self._present:
            listed = [self._all[rank] for rank in self._present[:LISTED]]
            self._found = _candidates(
                listed, len(self._present), self._roles, self._executions
            )
        return self._found

    def _enter(self, rank: int) -> None:
        window = self._all[rank]
        insort(self._present, rank)
        self._roles[window.role] += 1
        self._executions[window.key[0]] += 1
        self._found = None

    def _leave(self, rank: int) -> None:
        window = self._all[rank]
        del self._present[bisect_left(self._present, rank)]
        _uncount(self._roles, window.role)
        _uncount(self._executions, window.key[0])
        self._found = None


def _uncount(counter: Counter[Any], value: Any) -> None:
    counter[value] -= 1
    if not counter[value]:
        del counter[value]


def _candidates(
    ordered: Sequence[Window],
    count: int,
    roles: Collection[CallRole],
    executions: Collection[str],
) -> Candidates:
    return Candidates(
        count=count,
        keys=tuple(window.key for window in ordered[:LISTED]),
        role=next(iter(roles)) if len(roles) == 1 else CallRole.OTHER,
        execution_arn=next(iter(executions)) if len(executions) == 1 else None,
    )
