"""Matches calls to attempts, and keeps the matches true as records come in any order.

What an id says is matched at once. All other calls of one name and one role are settled
together with the attempts that may have made them, whenever one of either changes:
first who fits whom (nothing in `evidence` speaks against it), then who is matched. Both
sides must have but one partner; and if others work with the same role, as executions of
the same machine do, our own record may be missing while theirs is there.

That the request id in a history equals CloudTrail's `requestID` is documented on
each side and inferred as a join: no public recording holds both sides of one call.
"""

import math
from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping
from datetime import datetime
from heapq import nsmallest
from itertools import pairwise
from typing import TypeVar

from sfnwatch.model.api_call import ApiCall, ids_in
from sfnwatch.model.candidates import (
    NEAR,
    NO_NAME,
    POLLS,
    CallGroup,
    Candidates,
    any_between,
    member_of,
    spot_of,
)
from sfnwatch.model.evidence import (
    NAMED,
    SECOND,
    Caller,
    Pair,
    Spot,
    Weighed,
    Window,
    against,
    caller_of,
    is_retryable,
    life_of,
    other_caller,
    role_in,
    says_nothing,
    told_session,
    weigh,
    window_of,
)
from sfnwatch.model.history import Details
from sfnwatch.model.integrations import CallRole, usual_role
from sfnwatch.model.links import AttemptKey, Link, LinkRule
from sfnwatch.model.parameters import compare_leaves, differ, leaves_of_record
from sfnwatch.model.records import Record
from sfnwatch.model.values import from_microseconds
from sfnwatch.model.visits import Attempt

T = TypeVar("T")
Others = Callable[[str, datetime, datetime | None], int | None]
"""Counts the executions of an execution's machine that ran in a time and are not
watched; None where that is not known."""
LinkChanges = Mapping[str, tuple[Link | None, Link | None]]
"""By a call's event id, its link before and its link now."""


def role_of_call(call: ApiCall, link: Link | None) -> CallRole:
    """Tell what a call was for: from its attempt, or from its name alone."""
    if link is not None and link.rule is not LinkRule.ROLE_ONLY:
        return link.role
    if call.by_others:
        return CallRole.OTHER
    return usual_role(call.event_source, call.event_name)


_BY_ID = -SECOND, 2 * SECOND
"""How far the clocks may be apart where an id says whose a call is."""
_ALIKE = "nothing tells these attempts apart"
_WEIGHED = 20
"""So many attempts that make such calls are weighed for one call."""


class Linker:
    """Keeps the links of a trace."""

    def __init__(
        self,
        calls: Mapping[str, ApiCall],
        record_of: Callable[[ApiCall], Record],
        details_of: Callable[[AttemptKey], Details],
        others: Others,
    ) -> None:
        """Begin without any; `calls` are those of the trace, by their event ids.

        `record_of` gives a call's CloudTrail record, `details_of` those of an
        attempt's …Scheduled event.
        """
        self._calls, self._record_of = calls, record_of
        self.links: dict[str, Link] = {}
        """By the calls' event ids."""
        self.calls_of: dict[AttemptKey, list[ApiCall]] = {}
        """The calls that are matched to each attempt, in the order of their times."""
        self._callers: dict[AttemptKey, Caller] = {}
        self._telling: dict[str, dict[AttemptKey, Caller]] = {}
        """Attempts by the ids that their own events tell."""
        self._calls_by_id: dict[str, str | list[str]] = {}
        """The calls that have a request id or a session, or name a job's bare id, by
        their event ids: attempts may hold it later. Mostly it is one, and no list."""
        self._asking: Counter[Spot] = Counter()
        """Whose action a call of a name and a role may be: so many attempts'."""
        self._asked: set[str] = set()
        """Calls to be matched by their ids again, if they are still there."""
        self._roles: defaultdict[str, Counter[str]] = defaultdict(Counter)
        """A role's name to the executions that have it, and how often."""
        self._moved_roles: set[str] = set()
        """Those whose calls are said to be another's than before."""
        self._candidates = Candidates(calls, self._callers, record_of, details_of)
        self._verdicts = Verdicts(self._candidates, others)
        self._changes: dict[str, tuple[Link | None, Link | None]] = {}

    # -- what comes and goes -----------------------------------------------------------

    def set_role(self, arn: str, old: str | None, new: str | None) -> None:
        """Note the name of the role an execution's calls are made with."""
        self._count_role(old, arn, -1)
        self._count_role(new, arn, 1)

    def _count_role(self, role: str | None, arn: str, change: int) -> None:
        if role:
            before, counts = self._role_only(role), self._roles[role]
            counts[arn] += change
            if not counts[arn]:
                del counts[arn]
            if self._role_only(role) != before:
                self._moved_roles.add(role)

    def _role_only(self, role: str) -> Link | None:
        """Say that a call was made with a role, and no more; None for one unknown."""
        arns = self._roles.get(role)
        if not arns:
            return None
        one = next(iter(arns)) if len(arns) == 1 else None
        return Link(LinkRule.ROLE_ONLY, CallRole.OTHER, one, evidence=role)

    def set_attempt(self, arn: str, attempt: Attempt, role_arn: str | None) -> None:
        """Take an attempt in, or what is new of it; `role_arn` is its execution's."""
        new = caller_of(arn, attempt, role_arn)
        old = self._callers.get(new.key)
        if old is not None and old.facts == new.facts:
            old.attempt = attempt
            return
        self._replace(old, new)

    def keep_attempts(self, arn: str, scheduled_ids: Container[int]) -> None:
        """Forget all other attempts of an execution: it was folded anew."""
        own = [each for each in self._callers.values() if each.key[0] == arn]
        for caller in own:
            if caller.key[1] not in scheduled_ids:
                self._replace(caller, None)

    def _replace(self, old: Caller | None, new: Caller | None) -> None:
        for caller, change in ((old, -1), (new, 1)):
            if caller is None:
                continue
            self._candidates.moved[caller.key].update(caller.spots)
            by_name = self._candidates.by_name
            places = [by_name.setdefault(spot, {}) for spot in caller.spots]
            for told in caller.told:
                self._asked.update(self._calls_naming(told))
                places.append(self._telling.setdefault(told, {}))
            for place in (*places, self._callers):
                place.pop(caller.key, None)
                if caller is new:
                    place[caller.key] = caller
            self._count_role(caller.role, caller.key[0], change)
            self._count_asking(caller, change)

    def _count_asking(self, caller: Caller, change: int) -> None:
        row = caller.attempt.integration
        name = (row.event_source, row.action_event) if row is not None else NO_NAME
        spot = name, caller.role
        self._asking[spot] += change
        if change == self._asking[spot] == 1:
            # Polls were taken for those of the job they name, there being no other.
            alike = (
                e for e in self._candidates.by_id if spot_of(self._calls[e]) == spot
            )
            self._asked.update(alike)

    def holders(self, job_id: str) -> list[tuple[str, Attempt]]:
        """Give the attempts that hold a job's id, with their executions' ARNs."""
        telling = self._telling.get(job_id, {}).items()
        return [(k[0], c.attempt) for k, c in telling if job_id in c.ids]

    def add_call(self, call: ApiCall, ids: Collection[str], record: Record) -> None:
        """Take a call in; `ids` are all that its record names."""
        self._candidates.known.note(call)
        self._match_by_ids(call, record, ids)
        if call.by_others:
            return
        # The bare id at the end of a path is among them.
        named = {each for each in ids if "/" not in each}
        named.update(filter(None, (call.request_id, told_session(call, record))))
        for each in named:
            self._note_call(each, call.event_id)

    def _note_call(self, named: str, event_id: str) -> None:
        known = self._calls_by_id.setdefault(named, event_id)
        if isinstance(known, list):
            known.append(event_id)
        elif known != event_id:
            self._calls_by_id[named] = [known, event_id]
        self._ask_sharers(named)

    def _calls_naming(self, named: str) -> Collection[str]:
        events = self._calls_by_id.get(named, ())
        return (events,) if isinstance(events, str) else events

    def _ask_sharers(self, named: str) -> None:
        """Match anew what names a thing that is everybody's: others may be seen so."""
        if not all(each.owns for each in self._telling.get(named, {}).values()):
            self._asked.update(self._calls_naming(named))

    def drop_call(self, event_id: str) -> None:
        """Forget a call that was said to be another's."""
        call = self._calls[event_id]
        for named in ids_in(self._record_of(call), call.error_message):
            self._ask_sharers(named)
        self._candidates.leave(call)
        self._set_link_by_id(call, None)
        self._put(call, None)

    def know(self, measured: datetime | None) -> None:
        """Note up to when LookupEvents, which was asked, is believed to have told all.

        None while it is not believed of any time.
        """
        if self._candidates.known.measure(measured):
            self.ask_all()

    def ask_all(self) -> None:
        """Match again whatever no id matches: others are known of otherwise."""
        self._candidates.ask_all()

    # -- to be looked at ---------------------------------------------------------------

    def weigh(self, call: ApiCall) -> list[Weighed]:
        """Weigh every attempt that may be thought to have made a call, best first.

        That is, whose events tell an id that the call's record has, or who makes such
        calls; of very many of these the nearest in time.
        """
        record, name = self._record_of(call), call.name
        ids, called = ids_in(record, call.error_message), leaves_of_record(record)
        callers = dict(self._nearest(call))
        for each in (call.request_id or "", told_session(call, record) or "", *ids):
            callers |= self._telling.get(each, {})
        weighed = []
        for key, caller in callers.items():
            pair = Pair(call, record, caller, role_in(caller.attempt, name))
            compared = compare_leaves(self._candidates.wanted(key, name), called)
            window = window_of(caller, name, self._candidates.skew.bounds)
            weighed.append(weigh(pair, compared, window, ids))
        weighed.sort(key=lambda w: (len(w.against), -len(w.same), w.key))
        return weighed

    def _nearest(self, call: ApiCall) -> list[tuple[AttemptKey, Caller]]:
        """Give the attempts that make such calls, of very many the nearest in time."""
        alike = self._candidates.by_name.get(spot_of(call), {})
        at = call.event_time

        def distance(pair: tuple[AttemptKey, Caller]) -> tuple[float, AttemptKey]:
            attempt = pair[1].attempt
            begin, end = attempt.scheduled_at, attempt.ended_at or at
            early, late = (begin - at).total_seconds(), (at - end).total_seconds()
            return max(early, late, 0.0), pair[0]

        return nsmallest(_WEIGHED, alike.items(), key=distance)

    # -- by ids ------------------------------------------------------------------------

    def settle(self) -> LinkChanges:
        """Match what may be matched otherwise by now, and give what changed."""
        asked, self._asked = self._asked, set()
        for event_id in asked & self._calls.keys():
            call = self._calls[event_id]
            record = self._record_of(call)
            self._match_by_ids(call, record, ids_in(record, call.error_message))
        self._candidates.find()
        moved, self._moved_roles = self._moved_roles, set()
        for group in self._candidates.groups.values():
            if group.role in moved:
                group.open.update(event_id for _, event_id in group.members)
        for group, calls, keys in self._candidates.to_decide():
            for call, link in self._verdicts.of(group, calls, keys):
                self._put(call, link or self._role_only(group.role))
        changes, self._changes = self._changes, {}
        return {key: pair for key, pair in changes.items() if pair[0] != pair[1]}

    def _match_by_ids(
        self, call: ApiCall, record: Record, ids: Collection[str]
    ) -> None:
        """Match a call by what its record names; what no id matches joins the others.

        One that a job's id matches may yet have been made by an attempt that asks for
        others' jobs. What was made with no role is nobody's, unless an id says so.
        """
        link = self._link_by_id(call, record, ids)
        is_new = self._set_link_by_id(call, link)
        if call.role is not None and self._is_open(call, link):
            self._candidates.join(call, again=is_new)
        else:
            self._candidates.leave(call)
            self._put(call, link)

    def _is_open(self, call: ApiCall, link: Link | None) -> bool:
        """Tell whether others may have made a call than who has an id that it names."""
        if link is None or link.role is CallRole.OTHER:
            return True
        return _answered(link) is None and self._asking[spot_of(call)] > 0

    def _link_by_id(
        self, call: ApiCall, record: Record, ids: Collection[str]
    ) -> Link | None:
        if call.by_others or not self._callers:
            return None
        for told, rule in (
            (call.request_id, LinkRule.REQUEST_ID),
            (told_session(call, record), LinkRule.SESSION),
        ):
            callers = self._telling.get(told or "", {}).values()
            told_by = (each for each in callers if told not in each.ids)
            mine = [each for each in told_by if not other_caller(call, each)]
            if told is not None and len(mine) == 1:
                return make_link(call, mine[0], rule, told)
        held = {each for each in ids if each in self._telling}
        return self._link_by_job(call, record, held) if held else None

    def _link_by_job(
        self, call: ApiCall, record: Record, held: Collection[str]
    ) -> Link | None:
        """Match by the job's id, inside the life of the attempt that has the job."""
        callers = {k: c for each in held for k, c in self._telling[each].items()}
        mine = [
            caller
            for caller in callers.values()
            if not caller.ids.isdisjoint(held)
            and self._is_about(call, record, caller)
            and (caller.owns or self._is_alone_with(caller, held))
        ]
        if not mine:
            return None
        if len(mine) > 1:
            roles = [role_in(each.attempt, call.name) for each in mine]
            keys = [each.key for each in mine]
            return ambiguous(keys, roles, "several attempts have this job")
        # By the longest id that both hold; of two as long always by the same.
        both = max((i for i in held if i in mine[0].ids), key=lambda i: (len(i), i))
        return make_link(call, mine[0], LinkRule.RESOURCE_ID, both)

    def _is_alone_with(self, caller: Caller, held: Collection[str]) -> bool:
        """Tell whether nobody else is seen with a thing that an attempt was given."""
        life = life_of(caller)
        naming = {event_id for each in held for event_id in self._calls_naming(each)}
        known = (self._calls[e].moment for e in naming & self._calls.keys())
        return all(life.meets(at, at) for at in known)

    def _is_about(self, call: ApiCall, record: Record, caller: Caller) -> bool:
        """Tell whether a call that names an attempt's job was made for it."""
        row = caller.attempt.integration
        if row is None or row.event_source != call.event_source:
            return False
        role, at = role_in(caller.attempt, call.name), call.moment
        is_failed = role is CallRole.ACTION and call.error_code is not None
        if is_failed or (role is not CallRole.POLL and not row.starts_job):
            # Whoever asks for a job, or fails to start it, may name another's.
            return False
        is_other = role is CallRole.OTHER
        window = life_of(caller) if is_other else window_of(caller, call.name, _BY_ID)
        if window is None or not window.meets(at, at):
            return False
        if against(Pair(call, record, caller, role)):
            return False
        if not row.id_word.endswith("name"):
            return True
        # A name is that of many jobs, one after another.
        wanted = self._candidates.wanted(caller.key, call.name)
        return not differ(wanted, leaves_of_record(record))

    def _set_link_by_id(self, call: ApiCall, link: Link | None) -> bool:
        """Note what ids say of a call; True if that is new."""
        event_id, by_id = call.event_id, self._candidates.by_id
        old = by_id.pop(event_id, None)
        if link is not None:
            by_id[event_id] = link
        was, own = _answered(old), _answered(link)
        self._candidates.skew.note(call, self._callers.get(own) if own else None)
        if old == link:
            return False
        if was is not None:
            self._candidates.note_answer(was, call, is_one=False)
        if own is not None:
            self._candidates.note_answer(own, call, is_one=True)
        return True

    def _put(self, call: ApiCall, link: Link | None) -> None:
        event_id = call.event_id
        old = self.links.get(event_id)
        if old == link:
            return
        self._changes[event_id] = self._changes.get(event_id, (old, None))[0], link
        if old is not None and old.key is not None:
            calls = self.calls_of[old.key]
            del calls[bisect_left(calls, member_of(call), key=member_of)]
            if not calls:
                del self.calls_of[old.key]
        if link is None:
            del self.links[event_id]
            return
        self.links[event_id] = link
        if link.key is not None:
            insort(self.calls_of.setdefault(link.key, []), call, key=member_of)


def _answered(link: Link | None) -> AttemptKey | None:
    """Give the attempt that is about a call, if an id says so."""
    is_exact = link is not None and link.rule.exact and link.role is CallRole.ACTION
    return link.key if link is not None and is_exact else None


# -- which of those that may have made a call did --------------------------------------


class Verdicts:
    """Decides on the calls of a group that hang together."""

    def __init__(self, candidates: Candidates, others: Others) -> None:
        self._all, self._others = candidates, others

    def of(
        self, group: CallGroup, calls: Collection[str], keys: Collection[AttemptKey]
    ) -> Iterator[tuple[ApiCall, Link | None]]:
        """Give the links of calls that hang together; None where nobody fits."""
        in_order = self._in_order(group, calls, keys)
        for event_id in calls:
            call = self._all.calls[event_id]
            at, fits = call.moment, group.fits.get(event_id, {})
            is_inside = any(group.windows[key].meets(at, at) for key in fits)
            by_id = self._all.by_id.get(event_id)
            if event_id in group.crowded:
                count, keys = group.crowded[event_id]
                more = count - len(keys)
                yield call, ambiguous(keys, group.roles_of(keys), _ALIKE, more)
            elif not is_inside:
                yield call, self._about_a_job(call, by_id) if by_id else None
            elif event_id in in_order:
                caller = self._all.callers[in_order[event_id]]
                yield call, make_link(call, caller, LinkRule.ORDER, group.role)
            else:
                yield call, self._judged(group, call, by_id)

    def _in_order(
        self, group: CallGroup, calls: Collection[str], keys: Collection[AttemptKey]
    ) -> dict[str, AttemptKey]:
        """Match n calls to n attempts, one after another, if they can be told apart."""
        if len(keys) == 1 or len(calls) != len(keys):
            return {}
        ranked = sorted(keys, key=lambda key: (group.windows[key].first, key))
        made = sorted((self._all.calls[each] for each in calls), key=member_of)
        for before, after in pairwise(self._all.callers[key].attempt for key in ranked):
            if before.ended_at is None or before.ended_at > after.scheduled_at:
                return {}
        if any(b.moment - a.moment < SECOND for a, b in pairwise(made)):
            return {}
        for call, key in zip(made, ranked, strict=True):
            window, equal = group.windows[key], group.fits[call.event_id].get(key)
            is_one = window.role is CallRole.ACTION and not is_retryable(call)
            if (
                equal is None
                or not is_one
                or not window.meets(call.moment, call.moment)
            ):
                return {}
            if self._doubt(group, call, key, strong=bool(equal)):
                return {}
        return {call.event_id: key for call, key in zip(made, ranked, strict=True)}

    def _judged(self, group: CallGroup, call: ApiCall, by_id: Link | None) -> Link:
        """Match a call to the one attempt that fits, or say why not."""
        fits = group.fits[call.event_id]
        roles = group.roles_of(fits)
        if len(fits) > 1:
            return ambiguous(fits, roles, _ALIKE)
        (key,) = fits
        rivals = self._rivals(group, call, key)
        if rivals:
            why = f"{rivals + 1} calls fit this attempt, which made one"
            return ambiguous(fits, roles, why)
        if by_id is not None and by_id.role is not CallRole.OTHER:
            both = [key, by_id.key] if by_id.key else [key]
            why = "it may be a poll of the one, or the action of the other"
            return ambiguous(both, {*roles, by_id.role}, why)
        is_strong = bool(fits[key]) and group.windows[key].role not in POLLS
        doubt = self._doubt(group, call, key, strong=is_strong)
        if doubt and is_strong and not self._doubt(group, call, key, strong=False):
            is_strong, doubt = False, ""
        if doubt and by_id is not None:
            return self._about_a_job(call, by_id)
        if doubt:
            return ambiguous(fits, roles, doubt)
        caller = self._all.callers[key]
        if is_strong:
            why = ", ".join(sorted(fits[key])[:NAMED])
            return make_link(call, caller, LinkRule.PARAMETERS, why)
        return make_link(call, caller, LinkRule.UNIQUE_CANDIDATE, group.role)

    def _about_a_job(self, call: ApiCall, link: Link) -> Link:
        """Match a call that names an attempt's job, though it need not have made it."""
        if link.role is not CallRole.OTHER or link.key is None:
            return link
        life = life_of(self._all.callers[link.key])
        unexplained = self._all.has_unexplained(call.role or "", life)
        if self._count_others(link.key, life) == 0 and not unexplained:
            return link
        why = "it names this attempt's job, which others may ask for too"
        return ambiguous([link.key], [link.role], why)

    def _count_others(self, key: AttemptKey, window: Window) -> int | None:
        """Count other executions of the machine in a time, as both clocks have it."""
        first, last = from_microseconds(window.first - NEAR), None
        if window.last < math.inf:
            last = from_microseconds(int(window.last) + NEAR)
        return self._others(key[0], first, last)

    def _rivals(self, group: CallGroup, call: ApiCall, key: AttemptKey) -> int:
        """Count the other calls that may be the one that an attempt made."""
        window, near = group.windows[key], self._all.skew.near
        if window.role in POLLS:
            return 0
        others = (self._all.calls[e] for e in group.calls_of[key] - {call.event_id})
        rivals = sum(not is_retryable(other) for other in others)
        # One that was refused may have been tried again, by the SDK itself.
        rivals -= rivals > 0 and is_retryable(call)
        return rivals + any_between(
            group.crowd, window.first - near, window.last + near
        )

    def _doubt(
        self, group: CallGroup, call: ApiCall, key: AttemptKey, *, strong: bool
    ) -> str:
        """Say why a call may be another's though but one attempt fits; or nothing.

        Others who work with the role make the same calls: ours is the one only if it
        must be there by now, or if nobody else was about.
        """
        window = group.windows[key]
        others = self._count_others(key, window)
        unexplained = self._all.has_unexplained(group.role, window)
        if others == 0 and not unexplained:
            return ""
        known, is_poll = self._all.known, window.role in POLLS
        complete = is_poll or known.is_complete(window.last, call)
        if is_retryable(call) and not self._is_counted(group, key):
            return "others may have been refused alike"
        if strong:
            return self._doubt_of_same(group, call, key, complete=complete)
        if not complete and known.live:
            return "calls are not known up to its end yet"
        if others:
            ran = "1 other execution" if others == 1 else f"{others} other executions"
            return f"{ran} of this machine ran then"
        if unexplained:
            return "the role made calls then that fit no attempt here"
        return ""

    def _doubt_of_same(
        self, group: CallGroup, call: ApiCall, key: AttemptKey, *, complete: bool
    ) -> str:
        """Say why a call with the same parameters may be another's; or nothing.

        It is not if those of others about are seen to be different.
        """
        attempt, role = self._all.callers[key].attempt, group.windows[key].role
        answered = attempt.submitted_at is not None or attempt.status == "succeeded"
        if not is_retryable(call):
            if call.error_code is None and not answered:
                return "the attempt's own call need not have come through"
            made = (self._all.calls[each] for each in group.calls_of[key])
            # Its error does not say whether it was this one, or one that was refused.
            is_open = says_nothing(attempt.error) and any(map(is_retryable, made))
            is_failed = attempt.status == "failed" and role is not CallRole.OTHER
            if call.error_code is not None and (is_open or not is_failed):
                return "the attempt's own call need not have failed"
        if not complete:
            return "calls are not known up to its end yet"
        if not self._all.known.live and self._all.is_alike_about(group, key):
            return "others made calls with the same parameters around then"
        return ""

    def _is_counted(self, group: CallGroup, key: AttemptKey) -> bool:
        """Tell whether an attempt's cause counts just the calls that are about."""
        made = len(group.calls_of[key]) + len(self._all.answers.get(key, ()))
        return self._all.callers[key].tries == made


def make_link(call: ApiCall, caller: Caller, rule: LinkRule, why: str) -> Link:
    """Make a link, once of those that are alike: a job's polls share theirs."""
    key = call.name, rule, why
    if key not in caller.links:
        caller.links[key] = Link(
            rule=rule,
            role=role_in(caller.attempt, call.name),
            execution_arn=caller.key[0],
            visit_id=caller.attempt.visit_id,
            attempt_id=caller.key[1],
            evidence=why,
        )
    return caller.links[key]


def ambiguous(
    keys: Collection[AttemptKey], roles: Iterable[CallRole], why: str, unlisted: int = 0
) -> Link:
    """Say that a call may be of any of these, and what it would be to them."""
    arns = {arn for arn, _ in keys}
    return Link(
        rule=LinkRule.AMBIGUOUS,
        role=_one_of(roles) or CallRole.OTHER,
        execution_arn=_one_of(arns),
        candidates=tuple(sorted({*keys})),
        unlisted=unlisted,
        reason=why,
    )


def _one_of(values: Iterable[T]) -> T | None:
    """Give the one there is; None if there are several."""
    first, *more = {*values}
    return None if more else first
