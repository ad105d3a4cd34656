"""Calls that no id ties: whose they may be by role, action and time.

Calls of one kind stand together with the attempts that may have made them. Where one
such attempt comes, goes or changes, only the calls in between are looked at again.
"""

from bisect import bisect_left, insort
from collections.abc import Container, Iterator, Mapping

from msgspec import Struct

from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.integrations import CallRole
from sfnwatch.trace.link_contenders import (
    ambiguous,
    contenders,
    name_of,
    tie,
)
from sfnwatch.trace.link_index import Index, Key, Name, Spot, Suspect
from sfnwatch.trace.link_windows import Contender, Fit, fits, microseconds
from sfnwatch.trace.links import Link, Rule

_OF_ALL_RUNS = {"GetJobRuns", "ListJobRuns"}
"""Polls that name what the job is a run of, and not the run."""
_NOBODY_S: Name = "", ""
"""In place of a stranger's call's name: no attempt makes such calls."""


class Kind(Struct, frozen=True):
    """All of a call that says whose it may be, but for its time."""

    name: Name
    role: str
    failed: bool = False
    asks: bool = False
    """True if its request names the job; a denied one has no request."""
    answers: bool = False
    """True if it has an answer, which names the job that an action began."""

    @property
    def spot(self) -> Spot:
        return self.name, self.role

    def takes(self, contender: Contender, suspect: Suspect, full: bool) -> bool:  # noqa: FBT001 - the third of three
        """Tell whether an attempt may have made such calls; `full` if it is settled.

        One action an attempt; only a failed call may have been tried again inside. And
        if both sides name a job, it is not the same, or the call would be tied by it:
        then it is another's, of an execution in the same role, not watched.
        """
        if full and contender.role is CallRole.ACTION and not self.failed:
            return False
        return not (self._names_job(contender.role) and suspect.attempt.resource_ids)

    def _names_job(self, role: CallRole) -> bool:
        if role is CallRole.ACTION:
            return self.answers
        return self.asks and role in {CallRole.POLL, CallRole.STOP}


def kind_of(call: ApiCall) -> Kind | None:
    """Give a call's kind; None for one without a role, which is nobody's."""
    role = call.role
    if role is None:
        return None
    if call.stranger:
        return Kind(_NOBODY_S, role)
    return Kind(
        name=name_of(call),
        role=role,
        failed=call.error_code is not None,
        asks=call.asks and call.event_name not in _OF_ALL_RUNS,
        answers=call.answers,
    )


class _Standing(Struct, frozen=True):
    """An attempt among those that may have made the calls."""

    contender: Contender
    visit_id: int
    first: int
    last: int | None

    def may_fit(self, begin: int, end: int) -> bool:
        return self.first <= end and (self.last is None or begin <= self.last)


class Group:
    """The calls of one kind, and the attempts that may have made them."""

    def __init__(self, kind: Kind, index: Index, settled: Container[Key]) -> None:
        self.kind = kind
        self._index = index
        self._standing: dict[Key, _Standing] = {}
        self._members: list[tuple[int, str]] = []
        """The calls, by their moments in microseconds and their event ids."""
        self._touched: set[tuple[int, str]] = set()
        for key in index.by_spot.get(kind.spot, ()):
            self.stand(key, full=key in settled)

    def join(self, call: ApiCall) -> None:
        member = _member(call)
        insort(self._members, member)
        self._touched.add(member)

    def leave(self, call: ApiCall) -> None:
        member = _member(call)
        del self._members[bisect_left(self._members, member)]
        self._touched.discard(member)

    def touch(self, call: ApiCall) -> None:
        """Have a call looked at again."""
        self._touched.add(_member(call))

    def touch_all(self) -> None:
        self._touched.update(self._members)

    def stand(self, key: Key, *, full: bool) -> None:
        """See to how an attempt stands now; `full` if its action call is known."""
        old, new = self._standing.get(key), self._stands(key, full=full)
        if new is None:
            self._standing.pop(key, None)
        else:
            self._standing[key] = new
        if not self._members or old == new:
            return
        if old and new and _alike(old, new):
            self._touch_between(min(old.first, new.first), max(old.first, new.first))
            if old.last != new.last:
                ends = [end for end in (old.last, new.last) if end is not None]
                self._touch_between(min(ends), None if len(ends) == 1 else max(ends))
            return
        for each in (old, new):
            if each is not None:
                self._touch_between(each.first, each.last)

    def _stands(self, key: Key, *, full: bool) -> _Standing | None:
        suspect = self._index.by_spot.get(self.kind.spot, {}).get(key)
        if suspect is None:
            return None
        for each in contenders((suspect,), self.kind.name):
            if self.kind.takes(each, suspect, full):
                visit_id = suspect.attempt.visit_id
                return _Standing(each, visit_id, each.first, each.last)
        return None

    def _touch_between(self, begin: int, end: int | None) -> None:
        """Touch what is dated from a microsecond on to another, that one too."""
        first, after = bisect_left(self._members, (begin, "")), len(self._members)
        if end is not None:
            after = bisect_left(self._members, (end + 1, ""))
        self._touched.update(self._members[first:after])

    def settle(self, calls: Mapping[str, ApiCall]) -> Iterator[tuple[str, Link | None]]:
        """Yield the calls that were touched, with what is guessed of them now."""
        if not self._touched:
            return
        touched, self._touched = self._touched, set()
        begin, end = min(touched)[0], max(touched)[0]
        those = [s.contender for s in self._standing.values() if s.may_fit(begin, end)]
        names = [event_id for _, event_id in touched]
        fitting = fits(those, (calls[name].event_time for name in names))
        nobody = self._role_only()
        made: dict[int, Link] = {}
        for name in names:
            fit = fitting.get(calls[name].event_time)
            if fit is None:
                yield name, nobody
                continue
            if id(fit) not in made:
                made[id(fit)] = self._guess(fit)
            yield name, made[id(fit)]

    def _guess(self, fit: Fit) -> Link:
        """Tie by role, action and time, if there is but one way to."""
        if fit.count > 1:
            return ambiguous(fit)
        suspect = self._index.suspects[fit.keys[0]]
        return tie(suspect, self.kind.name, Rule.UNIQUE_CANDIDATE, self.kind.role)

    def _role_only(self) -> Link | None:
        known, execution_arn = self._index.one_of(self.kind.role)
        if not known:
            return None
        return Link(
            rule=Rule.ROLE_ONLY,
            role=CallRole.OTHER,
            execution_arn=execution_arn,
            evidence=self.kind.role,
        )


def _alike(one: _Standing, other: _Standing) -> bool:
    """True if the two differ in their times alone."""
    return (one.contender.role, one.visit_id) == (other.contender.role, other.visit_id)


def _member(call: ApiCall) -> tuple[int, str]:
    return microseconds(call.event_time), call.event_id
