"""The links of a trace that grows: only what may be tied otherwise is tied anew.

Two passes: an attempt whose action call is known exactly has no room for a guess, so
the guesses wait until every exact link is made. A call that names another's job, as
DescribeTasks of a later state does, belongs to the attempt that made it, if there is
one.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from threading import Lock

from msgspec import Struct, field

from sfnwatch.trace.arns import role_name
from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.changes import changes
from sfnwatch.trace.integrations import CallRole
from sfnwatch.trace.link_exact import exact_links
from sfnwatch.trace.link_guesses import Group, Kind, kind_of
from sfnwatch.trace.link_index import Index, Key, Spot, Suspect, suspect_of, uncount
from sfnwatch.trace.links import Link, Rule
from sfnwatch.trace.mentions import Mentions
from sfnwatch.trace.visits import Visits


class Linking:
    """Ties on from where it was; what is as it was keeps its very link.

    Mutable, and shared by all values of one trace: each asks for its own, and one that
    was grown another way is told by what it lacks and has. A screen asks from a thread.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._begin()

    def _begin(self) -> None:
        self._executions: dict[str, _Execution] = {}
        self._ordered: Sequence[ApiCall] = ()
        self._gone: dict[str, ApiCall] = {}
        """Calls that were there once, and are not any more, by their event ids."""
        self._index, self._named = Index(), _Named()
        self._beside: dict[str, Link] = {}
        """The exact links that a guess may be better than."""
        self._settled: Counter[Key] = Counter()
        """Attempts whose action call is known, and by how many calls."""
        self._groups: dict[Kind, Group] = {}
        self._at: dict[Spot, list[Group]] = defaultdict(list)
        self._group_of: dict[str, Group] = {}
        """Of the calls that are, or may be, tied by a guess."""
        self._links: Mapping[str, Link] = {}

    def links(
        self,
        visits: Mapping[str, Visits],
        roles: Mapping[str, str | None],
        ordered: Sequence[ApiCall],
        calls: Mapping[str, ApiCall] | None = None,
    ) -> Mapping[str, Link]:
        """Tie calls to the attempts of executions, whose role ARNs are `roles`.

        A call no execution has to do with gets no link. Where nothing is tied otherwise
        it gives the same mapping as before. `calls` has those in order, and maybe more,
        by their event ids.
        """
        with self._lock:
            if not ordered and not self._ordered:
                # What calls could be tied to is not looked for before there are some.
                return self._links
            if calls is None:
                calls = {call.event_id: call for call in ordered}
            work = _Work(calls)
            gone, come = changes(self._ordered, ordered)
            if 2 * len(gone) > len(self._ordered):
                self._begin()
                gone, come = [], list(ordered)
            self._take_executions(visits, roles, work)
            self._take_calls(gone, come, work)
            self._ordered = ordered
            self._tie_exactly(work)
            self._guess(work)
            if work.links:
                self._links = _with(self._links, work.links)
            return self._links

    # -- what is new -----------------------------------------------------------------

    def _take_executions(
        self,
        visits: Mapping[str, Visits],
        roles: Mapping[str, str | None],
        work: "_Work",
    ) -> None:
        for arn in [arn for arn in self._executions if arn not in visits]:
            self._take_execution(arn, _Execution(), work)
            del self._executions[arn]
        for arn, now in visits.items():
            role = role_name(roles.get(arn))
            known = self._executions.get(arn)
            if known is None or known.visits is not now or known.role != role:
                tries = {each.scheduled_id: each for each in now.attempts}
                self._take_execution(arn, _Execution(now, role, tries), work)

    def _take_execution(self, arn: str, now: "_Execution", work: "_Work") -> None:
        before = self._executions.get(arn, _NONE)
        self._executions[arn] = now
        if before.role != now.role:
            for role in (before.role, now.role):
                work.note_role(role, self._index)
            self._index.drop_role(before.role, arn)
            self._index.add_role(now.role, arn)
        for number in before.tries.keys() - now.tries.keys():
            self._replace(self._index.suspects[arn, number], None, work)
        same = before.role == now.role
        for number, attempt in now.tries.items():
            old = before.tries.get(number)
            if old is attempt and same:
                continue
            new = suspect_of(arn, attempt, now.role)
            self._replace(self._index.suspects.get(new.key), new, work)

    def _replace(self, old: Suspect | None, new: Suspect | None, work: "_Work") -> None:
        if old is not None and new is not None and old.tells_as(new):
            return
        for each in (old, new):
            if each is None:
                continue
            work.moved[each.key] |= each.spots
            work.asked |= dict.fromkeys(self._named.by(each))
            work.note_role(each.role, self._index)
        if old is not None:
            self._index.drop(old)
        if new is not None:
            self._index.add(new)

    def _take_calls(
        self, gone: Sequence[ApiCall], come: Sequence[ApiCall], work: "_Work"
    ) -> None:
        for call in gone:
            self._leave(call)
            self._gone[call.event_id] = call
            work.lost.add(call.event_id)
        for call in come:
            name = call.event_id
            if self._gone.pop(name, None) is not call:
                self._named.add(call)
            work.asked[name] = None
            work.lost.discard(name)

    # -- exact links -----------------------------------------------------------------

    def _tie_exactly(self, work: "_Work") -> None:
        for name in work.lost:
            self._tie(name, None, work)
            self._put(name, None, work)
        gone = self._gone
        calls = [work.calls[name] for name in work.asked if name not in gone]
        found = exact_links(self._index, calls)
        for call in calls:
            link = found.get(call.event_id)
            moved = self._tie(call.event_id, link, work)
            if link is not None and link.role is not CallRole.OTHER:
                self._leave(call)
                self._put(call.event_id, link, work)
            elif call.event_id not in self._group_of:
                self._join(call, link, work)
            elif moved:
                self._group_of[call.event_id].touch(call)

    def _tie(self, name: str, link: Link | None, work: "_Work") -> bool:
        """Tie a call exactly, or no more; tell whether that is new."""
        old = self._beside.get(name)
        if old is None:
            given = self._links.get(name)
            old = given if given is not None and given.rule.exact else None
        if old == link:
            return False
        for each, change in ((old, -1), (link, 1)):
            key = _settled_by(each)
            if key is None:
                continue
            if change > 0:
                self._settled[key] += 1
            else:
                uncount(self._settled, key)
            suspect = self._index.suspects.get(key)
            if suspect is not None:
                work.moved[key] |= suspect.spots
        if link is not None and link.role is CallRole.OTHER:
            self._beside[name] = link
        else:
            self._beside.pop(name, None)
        return True

    def _join(self, call: ApiCall, exact: Link | None, work: "_Work") -> None:
        kind = kind_of(call)
        if kind is None:
            self._put(call.event_id, exact, work)
            return
        group = self._groups.get(kind)
        if group is None:
            group = self._groups[kind] = Group(kind, self._index, self._settled)
            self._at[kind.spot].append(group)
        group.join(call)
        self._group_of[call.event_id] = group

    def _leave(self, call: ApiCall) -> None:
        group = self._group_of.pop(call.event_id, None)
        if group is not None:
            group.leave(call)

    # -- guesses ---------------------------------------------------------------------

    def _guess(self, work: "_Work") -> None:
        for key, spots in work.moved.items():
            full = key in self._settled
            for spot in spots:
                for group in self._at.get(spot, ()):
                    group.stand(key, full=full)
        changed = work.changed_roles(self._index)
        for group in self._groups.values():
            if group.kind.role in changed:
                group.touch_all()
            for name, guess in group.settle(work.calls):
                exact = self._beside.get(name)
                sure = guess is not None and guess.rule is Rule.UNIQUE_CANDIDATE
                self._put(name, guess if exact is None or sure else exact, work)

    def _put(self, name: str, link: Link | None, work: "_Work") -> None:
        if self._links.get(name) != link or name in work.links:
            work.links[name] = link


class _Execution(Struct, frozen=True):
    """What was taken of an execution."""

    visits: Visits | None = None
    role: str | None = None
    tries: Mapping[int, Attempt] = field(default_factory=dict)


_NONE = _Execution()


class _Work(Struct):
    """What has to be looked at again, at one time."""

    calls: Mapping[str, ApiCall]
    asked: dict[str, None] = field(default_factory=dict)
    """Calls that may be tied exactly, in an order."""
    lost: set[str] = field(default_factory=set)
    """Calls that are there no more."""
    moved: dict[Key, set[Spot]] = field(default_factory=lambda: defaultdict(set))
    """Attempts that may be guessed otherwise, and for what calls."""
    roles: dict[str, tuple[bool, str | None]] = field(default_factory=dict)
    """Whose those roles were before that may be others' now."""
    links: dict[str, Link | None] = field(default_factory=dict)
    """The links that are others; None for those that are no more."""

    def note_role(self, role: str | None, index: Index) -> None:
        if role is not None and role not in self.roles:
            self.roles[role] = index.one_of(role)

    def changed_roles(self, index: Index) -> set[str]:
        return {role for role, was in self.roles.items() if index.one_of(role) != was}


class _Named:
    """Calls by what they name, for attempts that come to hold it later.

    Of an execution that is over none does: so nothing is sorted before it is asked for.
    Those that are there no more are not forgotten.
    """

    def __init__(self) -> None:
        self._unsorted: list[ApiCall] = []
        self._mentions = Mentions()
        self._numbered: list[str] = []

    def add(self, call: ApiCall) -> None:
        self._unsorted.append(call)

    def _sort(self) -> None:
        calls, self._unsorted = self._unsorted, []
        for call in calls:
            number = len(self._numbered)
            self._numbered.append(call.event_id)
            if call.request_id is not None:
                self._mentions.note(number, hash(call.request_id))
            if not call.stranger:
                self._mentions.add(number, call.marks)

    def by(self, suspect: Suspect) -> set[str]:
        """Give the event ids of calls that name what an attempt holds, and maybe more.

        What a call asked about may be another's request.
        """
        self._sort()
        held = {*suspect.attempt.request_ids, *suspect.ids}
        numbers = self._mentions.of(map(hash, held)) if held else ()
        return {self._numbered[number] for number in numbers}


def _with(
    links: Mapping[str, Link], others: Mapping[str, Link | None]
) -> Mapping[str, Link]:
    """Give links of which some are others, or no more."""
    lost = [name for name, link in others.items() if link is None]
    given = {**links, **{name: link for name, link in others.items() if link}}
    for name in lost:
        given.pop(name, None)
    return given


def _settled_by(link: Link | None) -> Key | None:
    """Give the attempt whose action call an exact link makes known."""
    if link is None or link.role is not CallRole.ACTION:
        return None
    if not link.execution_arn or not link.attempt_id:
        return None
    return link.execution_arn, link.attempt_id
