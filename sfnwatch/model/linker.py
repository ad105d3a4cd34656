"""Matches calls to attempts, and keeps the matches true as records come in any order.

Two passes: an attempt whose action call is known exactly has no room for a guess, so
the guesses wait until every exact link is made. A call that names another's job, as
DescribeTasks of a later state does, belongs to the attempt that made it, if there is
one. Only what may be matched otherwise is looked at again.

Of the attempts that make calls of some name, those whose time a call falls into are
worked out for many calls at once, in the order of their times: to go through every
attempt for every call takes minutes where thousands run together.

That the request id in a history equals CloudTrail's `requestID` is documented on
each side and inferred as a join: no public recording holds both sides of one call.
"""

from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import (
    Callable,
    Collection,
    Container,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from msgspec import Struct, field

from sfnwatch.model.api_call import ApiCall, CallName
from sfnwatch.model.arns import last_segment, role_name
from sfnwatch.model.integrations import CallRole, Integration, Pattern, usual_role
from sfnwatch.model.links import AttemptKey, Link, LinkRule
from sfnwatch.model.visits import Attempt


def role_in(attempt: Attempt, name: CallName) -> CallRole:
    """Tell what a call of that name is to an attempt; only `.sync` polls and stops."""
    row = attempt.integration
    if row is None or row.event_source != name[0]:
        return CallRole.OTHER
    role = row.role_of(name[1])
    if role in {CallRole.POLL, CallRole.STOP} and attempt.pattern is not Pattern.SYNC:
        return CallRole.OTHER
    return role


def role_of_call(call: ApiCall, link: Link | None) -> CallRole:
    """Tell what a call was for: from its attempt, or from its name alone."""
    if link is not None and link.attempt_id is not None:
        return link.role
    if link is not None and link.rule is LinkRule.AMBIGUOUS:
        return link.role
    if call.by_others:
        return CallRole.OTHER
    return usual_role(call.event_source, call.event_name)


# -- the linker ------------------------------------------------------------------------

_OF_ALL_RUNS = {"GetJobRuns", "ListJobRuns"}
"""Polls that name what the job is a run of, and not the run."""
_NO_NAME: CallName = ("", "")
"""In place of the name of a call by others: no attempt makes such calls."""
LinkChanges = Mapping[str, tuple[Link | None, Link | None]]
"""By a call's event id, its link before and its link now."""
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


# -- whose time a call falls into ------------------------------------------------------


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


# -- keeping the links -----------------------------------------------------------------


class _Caller(Struct, eq=False):
    """An attempt as the linker took it in."""

    key: AttemptKey
    attempt: Attempt
    role: str | None
    """The name of the role its calls are made with; None where history is cut."""
    names: frozenset[CallName]
    """The calls it may make, and those that go with its action."""
    request_ids: tuple[str, ...]
    ids: frozenset[str]
    """Its job's ids, each also as the bare id at its end."""
    facts: tuple[object, ...]
    """What of the attempt its links depend on."""
    links: dict[tuple[CallName, LinkRule, str], Link] = field(default_factory=dict)
    """Those that were made: polls of one job share theirs."""

    @property
    def spots(self) -> list[tuple[CallName, str | None]]:
        """Which calls it may have made, under which role."""
        return [(name, self.role) for name in self.names]

    def link(self, name: CallName, rule: LinkRule, evidence: str) -> Link:
        key = name, rule, evidence
        if key not in self.links:
            self.links[key] = self._make_link(*key)
        return self.links[key]

    def _make_link(self, name: CallName, rule: LinkRule, evidence: str) -> Link:
        return Link(
            rule=rule,
            role=role_in(self.attempt, name),
            execution_arn=self.key[0],
            visit_id=self.attempt.visit_id,
            attempt_id=self.key[1],
            evidence=evidence,
        )


class _Kind(Struct, frozen=True):
    """All of a call that says whose it may be, but for its time."""

    name: CallName
    role: str
    failed: bool = False
    names_job: bool = False
    """True if its request names the job; a denied one has no request."""
    answered: bool = False
    """True if it has an answer, which names the job that an action started."""

    def may_be_of(self, caller: _Caller, role: CallRole, *, settled: bool) -> bool:
        """Tell whether an attempt, to which it would be of `role`, may have made it.

        One action an attempt; only a failed call may have been tried again inside. And
        if both sides name a job, it is not the same, or the call would be matched by
        it: then it is another's, of an execution in the same role, not watched.
        """
        if settled and role is CallRole.ACTION and not self.failed:
            return False
        asks = self.names_job and role in {CallRole.POLL, CallRole.STOP}
        answers = self.answered and role is CallRole.ACTION
        return not ((asks or answers) and caller.attempt.resource_ids)


class _CandidateGroup(Struct, eq=False):
    """The calls of one kind that no id matches, and who may have made them."""

    kind: _Kind
    windows: dict[AttemptKey, Window] = field(default_factory=dict)
    members: list[tuple[int, str]] = field(default_factory=list)
    """The calls, by their moments in microseconds and their event ids, sorted."""
    touched: set[tuple[int, str]] = field(default_factory=set)
    """Those to be looked at again."""

    def add(self, member: tuple[int, str], *, again: bool) -> None:
        """Take a call in, or look at one that is there `again`."""
        place = bisect_left(self.members, member)
        if self.members[place : place + 1] != [member]:
            self.members.insert(place, member)
            again = True
        if again:
            self.touched.add(member)

    def remove(self, member: tuple[int, str]) -> None:
        place = bisect_left(self.members, member)
        if self.members[place : place + 1] == [member]:
            del self.members[place]
            self.touched.discard(member)

    def set_window(self, key: AttemptKey, window: Window | None) -> None:
        """Note when an attempt may have made such calls; None: it made none."""
        old = self.windows.pop(key, None)
        if window is not None:
            self.windows[key] = window
        if not self.members or old == window:
            return
        if old and window and old.claim == window.claim:
            begins = sorted((old.first, window.first))
            self._touch_between(begins[0], begins[1])
            ends = [w.last for w in (old, window) if w.last is not None]
            if old.last != window.last:
                self._touch_between(min(ends), max(ends) if len(ends) > 1 else None)
            return
        for each in (old, window):
            if each is not None:
                self._touch_between(each.first, each.last)

    def _touch_between(self, begin: int, end: int | None) -> None:
        """Touch what is dated from a microsecond on to another, that one too."""
        first, after = bisect_left(self.members, (begin, "")), len(self.members)
        if end is not None:
            after = bisect_left(self.members, (end + 1, ""))
        self.touched.update(self.members[first:after])

    def settle(self) -> Iterator[tuple[str, Candidates | None]]:
        """Yield the calls that were touched, with those who may have made each."""
        if not self.touched:
            return
        touched, self.touched = self.touched, set()
        begin, end = min(touched)[0], max(touched)[0]
        those = [w for w in self.windows.values() if w.meets(begin, end)]
        found = candidates_at(those, (moment for moment, _ in touched))
        for moment, event_id in touched:
            yield event_id, found.get(moment)


class Linker:
    """Keeps the links of a trace."""

    def __init__(
        self, calls: Mapping[str, ApiCall], ids_of: Callable[[ApiCall], set[str]]
    ) -> None:
        """Begin without any; `calls` are those of the trace, by their event ids.

        `ids_of` gives every id that a call names, out of its record.
        """
        self._calls, self._ids_of = calls, ids_of
        self.links: dict[str, Link] = {}
        """By the calls' event ids."""
        self.calls_of: dict[AttemptKey, list[ApiCall]] = {}
        """The calls that are matched to each attempt, in the order of their times."""
        self._callers: dict[AttemptKey, _Caller] = {}
        self._by_request: dict[str, dict[AttemptKey, _Caller]] = {}
        self._by_id: dict[str, dict[AttemptKey, _Caller]] = {}
        self._by_name: dict[tuple[CallName, str | None], dict[AttemptKey, _Caller]] = {}
        self._calls_by_id: dict[str, str | list[str]] = {}
        """The calls that have a request id, or name a job's bare id, by their event
        ids: attempts may hold it later. Mostly it is one call, and no list."""
        self._roles: defaultdict[str, Counter[str]] = defaultdict(Counter)
        """A role's name to the executions that have it, and how often."""
        self._groups: dict[_Kind, _CandidateGroup] = {}
        self._groups_named: dict[
            tuple[CallName, str | None], list[_CandidateGroup]
        ] = {}
        self._beside: dict[str, Link] = {}
        """Exact links that a guess may be better than: the job is another's."""
        self._settled: Counter[AttemptKey] = Counter()
        """Attempts whose action call is known exactly, and by how many calls."""
        self._asked: dict[str, Collection[str] | None] = {}
        """Calls to be matched by their ids again, with those ids while they are new."""
        self._dropped: set[str] = set()
        """Calls that were taken in once, and are not to be matched any more."""
        self._moved: dict[AttemptKey, set[tuple[CallName, str | None]]] = {}
        """Attempts that calls may be guessed of otherwise, and which calls."""
        self._roles_before: dict[str, str | bool | None] = {}
        self._changes: dict[str, tuple[Link | None, Link | None]] = {}

    # -- what comes and goes -----------------------------------------------------

    def set_role(self, arn: str, old: str | None, new: str | None) -> None:
        """Note the name of the role an execution's calls are made with."""
        self._count_role(old, arn, -1)
        self._count_role(new, arn, 1)

    def set_attempt(self, arn: str, attempt: Attempt, role: str | None) -> None:
        """Take an attempt in, or what is new of it; `role` is its execution's."""
        key = arn, attempt.scheduled_id
        old = self._callers.get(key)
        role = role_name(attempt.role_arn) or role
        facts = _facts(attempt, role)
        if old is not None and old.facts == facts:
            old.attempt = attempt
            return
        jobs = attempt.resource_ids
        ids = frozenset((*jobs, *map(last_segment, jobs)))
        names = _names(attempt.integration, attempt.pattern)
        requests = tuple(attempt.request_ids)
        self._replace(old, _Caller(key, attempt, role, names, requests, ids, facts))

    def keep_attempts(self, arn: str, scheduled_ids: Container[int]) -> None:
        """Forget all other attempts of an execution: it was folded anew."""
        keys = [key for key in self._callers if key[0] == arn]
        for key in keys:
            if key[1] not in scheduled_ids:
                self._replace(self._callers[key], None)

    def holders(self, job_id: str) -> list[tuple[str, Attempt]]:
        """Give the attempts that hold a job's id, with their executions' ARNs."""
        held = self._by_id.get(job_id, {})
        return [(key[0], caller.attempt) for key, caller in held.items()]

    def add_call(self, call: ApiCall, ids: Collection[str]) -> None:
        """Take a call in; `ids` are all that its record names."""
        event_id = call.event_id
        self._dropped.discard(event_id)
        self._asked[event_id] = ids
        if call.request_id is not None:
            self._note_call(call.request_id, event_id)
        # The bare id at the end of a path is among them.
        for each in ids if not call.by_others else ():
            if "/" not in each and each != call.request_id:
                self._note_call(each, event_id)

    def drop_call(self, event_id: str) -> None:
        """Forget a call that was said to be another's."""
        call = self._calls[event_id]
        self._dropped.add(event_id)
        self._asked.pop(event_id, None)
        self._leave(call)
        self._set_exact(event_id, None)
        self._put(call, None)

    def _note_call(self, named: str, event_id: str) -> None:
        known = self._calls_by_id.setdefault(named, event_id)
        if isinstance(known, list):
            known.append(event_id)
        elif known != event_id:
            self._calls_by_id[named] = [known, event_id]

    def _replace(self, old: _Caller | None, new: _Caller | None) -> None:
        for caller in filter(None, (old, new)):
            self._moved.setdefault(caller.key, set()).update(caller.spots)
            for index, held in self._places_of(caller):
                for each in held:
                    at = index.setdefault(each, {})
                    if caller is old:
                        at.pop(caller.key, None)
                    else:
                        at[caller.key] = caller
            self._ask_again(caller)
            self._count_role(caller.role, caller.key[0], -1 if caller is old else 1)
            if caller is old:
                del self._callers[caller.key]
            else:
                self._callers[caller.key] = caller

    def _places_of(
        self, caller: _Caller
    ) -> Iterator[tuple[dict[object, dict[AttemptKey, _Caller]], Iterable[object]]]:
        yield self._by_request, caller.request_ids  # type: ignore[misc]
        yield self._by_id, caller.ids  # type: ignore[misc]
        yield self._by_name, caller.spots  # type: ignore[misc]

    def _ask_again(self, caller: _Caller) -> None:
        for each in (*caller.request_ids, *caller.ids):
            named = self._calls_by_id.get(each, ())
            for event_id in (named,) if isinstance(named, str) else named:
                self._asked.setdefault(event_id, None)

    def _count_role(self, role: str | None, arn: str, change: int) -> None:
        if role:
            self._roles_before.setdefault(role, self._one_with(role))
            self._roles[role][arn] += change
            if not self._roles[role][arn]:
                del self._roles[role][arn]

    def _one_with(self, role: str) -> str | bool | None:
        """Name the one execution that has a role; True for several, None for none."""
        those = self._roles.get(role)
        if not those:
            return None
        return next(iter(those)) if len(those) == 1 else True

    # -- matching ------------------------------------------------------------------

    def settle(self) -> LinkChanges:
        """Match what may be matched otherwise by now, and give what changed."""
        self._match_by_ids()
        self._guess()
        changes, self._changes = self._changes, {}
        return {key: pair for key, pair in changes.items() if pair[0] != pair[1]}

    def _match_by_ids(self) -> None:
        asked, self._asked = self._asked, {}
        for event_id, ids in asked.items():
            if event_id in self._dropped:
                continue
            call = self._calls[event_id]
            link = self._exact_link(call, ids)
            moved = self._set_exact(event_id, link)
            if link is None or link.role is CallRole.OTHER:
                self._join(call, link, again=moved)
                continue
            if ids is None:
                self._leave(call)
            self._put(call, link)

    def _exact_link(self, call: ApiCall, ids: Collection[str] | None) -> Link | None:
        asked = self._by_request.get(call.request_id or "", {})
        if len(asked) == 1:
            (caller,) = asked.values()
            request_id = call.request_id or ""
            return caller.link(call.name, LinkRule.REQUEST_ID, request_id)
        if call.by_others or not self._by_id:
            return None
        ids = self._ids_of(call) if ids is None else ids
        held = [each for each in ids if each in self._by_id]
        return self._link_by_job(call, held) if held else None

    def _link_by_job(self, call: ApiCall, held: list[str]) -> Link | None:
        """Match by the job's id; of several attempts that hold it, who made the call.

        A state that describes another's task has that task's id in its own events too.
        Best is the one that makes such calls and was under way, then one that makes
        such calls, then any.
        """
        callers = {
            key: caller
            for each in held
            for key, caller in self._by_id[each].items()
            if caller.role is None or call.role is None or caller.role == call.role
        }
        if not callers:
            return None
        keys = tuple(callers)
        if len(callers) > 1:
            found = _best(callers, call)
            if found.count > 1:
                return _ambiguous(found)
            keys = found.keys
        caller = callers[keys[0]]
        # By the longest id that both hold; of two as long always by the same.
        both = max((i for i in held if i in caller.ids), key=lambda i: (len(i), i))
        return caller.link(call.name, LinkRule.RESOURCE_ID, both)

    def _set_exact(self, event_id: str, link: Link | None) -> bool:
        """Note the exact link of a call, or that it has none; True if that is new."""
        old = self._beside.get(event_id)
        if old is None:
            given = self.links.get(event_id)
            old = given if given is not None and given.rule.exact else None
        if old == link:
            return False
        for each, change in ((old, -1), (link, 1)):
            if each is not None and each.key and each.role is CallRole.ACTION:
                self._settled[each.key] += change
                caller = self._callers.get(each.key)
                if caller is not None:
                    self._moved.setdefault(each.key, set()).update(caller.spots)
        if link is not None and link.role is CallRole.OTHER:
            self._beside[event_id] = link
        else:
            self._beside.pop(event_id, None)
        return True

    # -- guesses ---------------------------------------------------------------------

    def _join(self, call: ApiCall, exact: Link | None, *, again: bool) -> None:
        """Put a call among those to be guessed, where it may have been before."""
        kind = _kind_of(call)
        if kind is None:
            self._put(call, exact)
            return
        group = self._groups.get(kind)
        if group is None:
            group = self._groups[kind] = _CandidateGroup(kind)
            self._groups_named.setdefault((kind.name, kind.role), []).append(group)
            for key in self._by_name.get((kind.name, kind.role), ()):
                group.set_window(key, self._window(key, kind))
        group.add(_member(call), again=again)

    def _leave(self, call: ApiCall) -> None:
        kind = _kind_of(call)
        if kind in self._groups:
            self._groups[kind].remove(_member(call))

    def _window(self, key: AttemptKey, kind: _Kind) -> Window | None:
        caller = self._callers.get(key)
        if caller is None or caller.role != kind.role or kind.name not in caller.names:
            return None
        window = window_of(key, caller.attempt, kind.name, caller.names)
        settled = self._settled[key] > 0
        if window is None or not kind.may_be_of(caller, window.role, settled=settled):
            return None
        return window

    def _guess(self) -> None:
        moved, self._moved = self._moved, {}
        for key, spots in moved.items():
            for spot in spots:
                for group in self._groups_named.get(spot, ()):
                    group.set_window(key, self._window(key, group.kind))
        before, self._roles_before = self._roles_before, {}
        changed = {role for role, was in before.items() if self._one_with(role) != was}
        for group in self._groups.values():
            if group.kind.role in changed:
                group.touched.update(group.members)
            made: dict[int, Link | None] = {}
            for event_id, found in group.settle():
                if id(found) not in made:
                    made[id(found)] = self._guessed_link(group.kind, found)
                guess, exact = made[id(found)], self._beside.get(event_id)
                sure = guess is not None and guess.rule is LinkRule.UNIQUE_CANDIDATE
                link = guess if exact is None or sure else exact
                self._put(self._calls[event_id], link)

    def _guessed_link(self, kind: _Kind, found: Candidates | None) -> Link | None:
        """Match by role, action and time, if there is but one way to."""
        if found is not None and found.count > 1:
            return _ambiguous(found)
        if found is not None:
            caller = self._callers[found.keys[0]]
            return caller.link(kind.name, LinkRule.UNIQUE_CANDIDATE, kind.role)
        one = self._one_with(kind.role)
        if one is None:
            return None
        return Link(
            rule=LinkRule.ROLE_ONLY,
            role=CallRole.OTHER,
            execution_arn=one if isinstance(one, str) else None,
            evidence=kind.role,
        )

    def _put(self, call: ApiCall, link: Link | None) -> None:
        event_id = call.event_id
        old = self.links.get(event_id)
        if old == link:
            return
        self._changes[event_id] = self._changes.get(event_id, (old, None))[0], link
        if old is not None and old.key is not None:
            calls = self.calls_of[old.key]
            del calls[bisect_left(calls, _member(call), key=_member)]
            if not calls:
                del self.calls_of[old.key]
        if link is None:
            del self.links[event_id]
            return
        self.links[event_id] = link
        if link.key is not None:
            insort(self.calls_of.setdefault(link.key, []), call, key=_member)


def _best(callers: Mapping[AttemptKey, _Caller], call: ApiCall) -> Candidates:
    found = (
        window_of(key, caller.attempt, call.name, caller.names)
        for key, caller in callers.items()
    )
    makers = [window for window in found if window is not None]
    moment = microseconds(call.event_time)
    fitting = candidates_at(makers, [moment]).get(moment)
    others = (bystander_window(key, c.attempt) for key, c in callers.items())
    return fitting or all_candidates(makers or others)


def _ambiguous(found: Candidates) -> Link:
    return Link(
        rule=LinkRule.AMBIGUOUS,
        role=found.role,
        execution_arn=found.execution_arn,
        candidates=found.keys,
        unlisted=found.count - len(found.keys),
    )


def _member(call: ApiCall) -> tuple[int, str]:
    return microseconds(call.event_time), call.event_id


def _facts(attempt: Attempt, role: str | None) -> tuple[object, ...]:
    return (
        *(role, attempt.visit_id, attempt.pattern, attempt.integration),
        *(attempt.scheduled_at, attempt.started_at),
        *(attempt.submitted_at, attempt.ended_at),
        *(len(attempt.request_ids), len(attempt.resource_ids)),
    )


@lru_cache(maxsize=256)
def _names(row: Integration | None, pattern: Pattern) -> frozenset[CallName]:
    """Name the calls of all attempts of a kind, which share them."""
    if row is None:
        return frozenset()
    names = {row.action_event}
    if pattern is Pattern.SYNC:
        names.update(row.poll_events, row.stop_events)
    return frozenset({*((row.event_source, name) for name in names), *row.beside})


def _kind_of(call: ApiCall) -> _Kind | None:
    """Give a call's kind; None for one without a role, which is nobody's."""
    role = call.role
    if role is None:
        return None
    if call.by_others:
        return _Kind(_NO_NAME, role)
    return _Kind(
        name=call.name,
        role=role,
        failed=call.error_code is not None,
        names_job=call.has_request and call.event_name not in _OF_ALL_RUNS,
        answered=call.has_answer,
    )
