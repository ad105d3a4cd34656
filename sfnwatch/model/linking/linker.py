"""Matches calls to attempts, and keeps the matches true as records come in any order.

A call that an id matches is matched at once. All other calls of one name and one role
are compared with the attempts that may have made them: see `candidates.py`.

The request id in a history and CloudTrail's `requestID` are each documented. That the
two are equal is inferred: no public recording contains both sides of one call.
"""

from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Collection, Container, Mapping
from heapq import nsmallest

from sfnwatch.model.api_call import ApiCall, by_time, ids_in
from sfnwatch.model.arns import last_segment
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.linking.call_reader import CallReader
from sfnwatch.model.linking.caller import SECOND, Caller
from sfnwatch.model.linking.candidates import Candidates
from sfnwatch.model.linking.evidence import Weighed, other_caller, told_session, weigh
from sfnwatch.model.linking.groups import CallGroup
from sfnwatch.model.linking.job_calls import settle_job_calls
from sfnwatch.model.linking.link import (
    AttemptKey,
    Certainty,
    Link,
    LinkRule,
    ambiguous,
    answered_attempt,
    one_of,
)
from sfnwatch.model.linking.parameters import differ, leaves_of_record
from sfnwatch.model.records import Record
from sfnwatch.model.visits import Attempt

LinkChanges = Mapping[str, tuple[Link | None, Link | None]]
"""By a call's event id, its link before and its link now."""
_BY_ID = -SECOND, 2 * SECOND
"""How far CloudTrail's clock may be ahead (least, most) where an id matches a call."""
_WEIGHED = 20
"""At most this many attempts that make such calls are weighed for one call."""


class Linker:
    """Keeps the links of a trace."""

    def __init__(self, reader: CallReader) -> None:
        self._reader = reader
        self.links: dict[str, Link] = {}
        """By the calls' event ids."""
        self.calls_of: dict[AttemptKey, list[ApiCall]] = {}
        """The calls that are matched to each attempt, in the order of their times."""
        self._telling: dict[str, dict[AttemptKey, Caller]] = {}
        """Attempts by the ids that their own events have."""
        self._calls_by_id: dict[str, str | list[str]] = {}
        """The event ids of calls by the ids they have: a request id, a session, or a
        job's bare id. Attempts may get such an id later. A single event id, the usual
        case, is kept without a list."""
        self._asked: set[str] = set()
        """Calls to be matched by their ids again, if they are still there."""
        self._roles: defaultdict[str, Counter[str]] = defaultdict(Counter)
        """By a role's name the ARNs of the executions that have it, and how often."""
        self._moved_roles: set[str] = set()
        """The roles whose calls are now matched to another execution, or to none."""
        self._candidates = Candidates(reader)
        self._attempt_reader = self._candidates.attempt_reader
        self._callers = self._candidates.callers
        self.known = self._candidates.known
        self._proposed: dict[AttemptKey, dict[str, Link]] = {}
        """The links proposed for each attempt, by the calls' event ids. How sure each
        is depends on the attempt's other links."""
        self._proposed_to: dict[str, AttemptKey] = {}
        """The attempt that each call's proposed link is for."""
        self._unsettled: set[AttemptKey] = set()
        """Attempts whose links must be settled again."""
        self._changes: dict[str, tuple[Link | None, Link | None]] = {}

    def set_role(self, arn: str, old: str | None, new: str | None) -> None:
        """Set the name of the role an execution's calls are made with."""
        self._count_role(old, arn, -1)
        self._count_role(new, arn, 1)

    def _count_role(self, role: str | None, arn: str, change: int) -> None:
        if role:
            counts = self._roles[role]
            before = len(counts)
            counts[arn] += change
            if not counts[arn]:
                del counts[arn]
            # A role that two or more executions have does not show the execution.
            if len(counts) != before and min(len(counts), before) < 2:  # noqa: PLR2004
                self._moved_roles.add(role)

    def _role_only(self, role: str) -> Link | None:
        """Return a link by the role alone; None where no execution has the role."""
        arns = self._roles.get(role)
        if not arns:
            return None
        return Link(
            LinkRule.ROLE_ONLY,
            CallRole.OTHER,
            execution_arn=one_of(arns),
            evidence=role,
        )

    def set_attempt(self, arn: str, attempt: Attempt, role_arn: str | None) -> None:
        """Add or update an attempt; `role_arn` is the role of its execution."""
        new = Caller.of(arn, attempt, role_arn)
        old = self._callers.get(new.key)
        if old is not None and old.facts == new.facts:
            old.attempt = attempt
            return
        self._replace(old, new)

    def keep_attempts(self, arn: str, scheduled_ids: Container[int]) -> None:
        """Forget an execution's attempts but these, since it was folded again."""
        for caller in list(self._callers.values()):
            if caller.key[0] == arn and caller.key[1] not in scheduled_ids:
                self._replace(caller, None)

    def _replace(self, old: Caller | None, new: Caller | None) -> None:
        for caller, change in ((old, -1), (new, 1)):
            if caller is None:
                continue
            self._unsettled.add(caller.key)
            groups = [self._candidates.group_of(spot) for spot in caller.spots]
            places = [self._callers, *(group.callers for group in groups)]
            for told in caller.told:
                self._asked.update(self.calls_naming(told))
                places.append(self._telling.setdefault(told, {}))
            for place in places:
                place.pop(caller.key, None)
                if caller is new:
                    place[caller.key] = caller
            for group in groups:
                group.moved_callers.add(caller.key)
                if caller.role_of(group.name) is CallRole.ACTION:
                    self._count_asking(group, change)
            self._count_role(caller.role, caller.key[0], change)

    def _count_asking(self, group: CallGroup, change: int) -> None:
        group.asking += change
        if change == group.asking == 1:
            # With no attempt to ask for others' jobs, such calls belonged to the job
            # they name. Now there is one.
            spot = (group.name, group.role)
            calls = self._reader.calls
            self._asked |= {e for e in self._candidates.by_id if calls[e].spot == spot}

    def holders(self, job_id: str) -> dict[AttemptKey, Attempt]:
        """Return the attempts that have a job's id."""
        telling = self._telling.get(job_id, {}).items()
        return {key: caller.attempt for key, caller in telling if job_id in caller.ids}

    def add_call(self, call: ApiCall, record: Record) -> None:
        """Add a call with its CloudTrail record."""
        self.known.note(call)
        ids = ids_in(record, call.error_message)
        self._match_by_ids(call, record, ids)
        if call.by_others:
            return
        # Ids with a slash are not kept: their last segment is in `ids` too.
        named = {each for each in ids if "/" not in each}
        named.update(filter(None, (call.request_id, told_session(call, record))))
        for each in named:
            known = self._calls_by_id.setdefault(each, call.event_id)
            if isinstance(known, list):
                known.append(call.event_id)
            elif known != call.event_id:
                self._calls_by_id[each] = [known, call.event_id]
        self._ask_sharers(named)

    def calls_naming(self, named: str) -> Collection[str]:
        """Return the event ids of calls with this request id, session or job's id.

        Some of these calls may have been dropped since.
        """
        events = self._calls_by_id.get(named, ())
        return (events,) if isinstance(events, str) else events

    def calls_about(self, attempt: Attempt) -> set[str]:
        """Return the event ids of all calls that name an attempt's job.

        Others may have made some of these calls.
        """
        jobs = {*attempt.resource_ids, *map(last_segment, attempt.resource_ids)}
        return {event_id for job in jobs for event_id in self.calls_naming(job)}

    def _ask_sharers(self, named: set[str]) -> None:
        """Ask to match the calls again that name a resource others may use too.

        A new call about such a resource may show that others use it.
        """
        for each in named & self._telling.keys():
            if not all(caller.owns for caller in self._telling[each].values()):
                self._asked.update(self.calls_naming(each))

    def drop_call(self, call: ApiCall) -> None:
        """Forget a call that proved a duplicate, or sfnwatch's own."""
        record = self._reader.cloudtrail_record(call)
        self._ask_sharers(ids_in(record, call.error_message))
        self._candidates.forget(call)
        self._propose(call, None)

    def ask_all(self) -> None:
        """Ask to match again all calls that no id matches."""
        self._candidates.ask_all()

    def weigh(self, call: ApiCall) -> list[Weighed]:
        """Weigh every attempt that may seem to have made a call; the best comes first.

        These are the attempts whose events have an id of the call's record, and the
        attempts that make such calls. Of many of the latter only the nearest in time
        are weighed.
        """
        record = self._reader.cloudtrail_record(call)
        skew = self._candidates.skew.bounds(call.event_source)
        callers = dict(self._nearest(call))
        ids = ids_in(record, call.error_message)
        for each in (call.request_id or "", told_session(call, record) or "", *ids):
            callers |= self._telling.get(each, {})
        weighed = []
        for key, caller in callers.items():
            wanted = self._attempt_reader.parameters(key, call.name)
            pair = self._attempt_reader.pair(call, record, caller)
            weighed.append(weigh(pair, wanted, skew))
        return sorted(weighed, key=lambda w: (len(w.against), -len(w.same), w.key))

    def _nearest(self, call: ApiCall) -> list[tuple[AttemptKey, Caller]]:
        """Return the `_WEIGHED` attempts nearest in time that make such calls."""
        group = self._candidates.groups.get(call.spot)
        at = call.event_time

        def distance(pair: tuple[AttemptKey, Caller]) -> tuple[float, AttemptKey]:
            attempt = pair[1].attempt
            begin = attempt.scheduled_at
            end = attempt.ended_at or at
            early = (begin - at).total_seconds()
            late = (at - end).total_seconds()
            return max(early, late, 0.0), pair[0]

        alike = group.callers.items() if group is not None else ()
        return nsmallest(_WEIGHED, alike, key=distance)

    def settle(self) -> LinkChanges:
        """Match again the calls whose match may have changed; return the changes."""
        calls = self._reader.calls
        asked = self._asked
        self._asked = set()
        # Records that came together are stored together: in the order of time each
        # block is unpacked only once.
        for call in sorted((calls[e] for e in asked & calls.keys()), key=by_time):
            record = self._reader.cloudtrail_record(call)
            self._match_by_ids(call, record, ids_in(record, call.error_message))
        moved = self._moved_roles
        self._moved_roles = set()
        for call, link in self._candidates.decide(moved):
            self._propose(call, link or self._role_only(call.role or ""))
        self._settle_attempts()
        changes = self._changes
        self._changes = {}
        return {key: pair for key, pair in changes.items() if pair[0] != pair[1]}

    def _match_by_ids(
        self, call: ApiCall, record: Record, ids: Collection[str]
    ) -> None:
        """Match a call by the ids in its record; else add it to the candidates.

        A call that a job's id matches may still be the action of an attempt that asks
        for others' jobs. A call made without a role is matched only by ids.
        """
        link = self._link_by_id(call, record, ids)
        is_new = self._candidates.set_link_by_id(call, link)
        is_open = link is None or link.role is CallRole.OTHER
        if not is_open and answered_attempt(link) is None:
            group = self._candidates.groups.get(call.spot)
            is_open = group is not None and group.asking > 0
        if call.role is not None and is_open:
            self._candidates.join(call, again=is_new)
        else:
            self._candidates.leave(call)
            self._propose(call, link)

    def _link_by_id(
        self, call: ApiCall, record: Record, ids: Collection[str]
    ) -> Link | None:
        if call.by_others or not self._callers:
            return None
        for told, rule in (
            (call.request_id, LinkRule.REQUEST_ID),
            (told_session(call, record), LinkRule.SESSION),
        ):
            if told is None or told not in self._telling:
                continue
            told_by = [c for c in self._telling[told].values() if told not in c.ids]
            # A service forwards the request id to the calls it makes for the request.
            mine = [
                caller
                for caller in told_by
                if call.name in caller.names and not other_caller(call, caller)
            ]
            if len(mine) == 1:
                return mine[0].link(call, rule, Certainty.EXACT, told)
        held = {each for each in ids if each in self._telling}
        return self._link_by_job(call, record, held) if held else None

    def _link_by_job(
        self, call: ApiCall, record: Record, held: Collection[str]
    ) -> Link | None:
        """Match a call by the job's id, within the life of the attempt with the job."""
        callers = {k: c for each in held for k, c in self._telling[each].items()}
        having = (c for c in callers.values() if not c.ids.isdisjoint(held))
        about = (c for c in having if self._is_about(call, record, c))
        mine = [c for c in about if c.owns or self._is_alone_with(c, held)]
        if not mine:
            return None
        if len(mine) > 1:
            roles = [each.role_of(call.name) for each in mine]
            keys = [each.key for each in mine]
            return ambiguous(keys, roles, "several attempts have this job")
        # The longest id that both have; between equally long ones the choice is fixed.
        both = max((i for i in held if i in mine[0].ids), key=lambda i: (len(i), i))
        return mine[0].link(call, LinkRule.RESOURCE_ID, Certainty.EXACT, both)

    def _is_alone_with(self, caller: Caller, held: Collection[str]) -> bool:
        """True if no call outside an attempt's life names its resource.

        `held` has the resource's ids.
        """
        life = caller.life
        calls = self._reader.calls
        naming = {event_id for each in held for event_id in self.calls_naming(each)}
        return all(life.has(calls[e].microseconds) for e in naming & calls.keys())

    def _is_about(self, call: ApiCall, record: Record, caller: Caller) -> bool:
        """True if a call that names an attempt's job was made for the attempt."""
        row = caller.attempt.integration
        if row is None or row.event_source != call.event_source:
            return False
        role = caller.role_of(call.name)
        is_failed = role is CallRole.ACTION and call.error_code is not None
        if is_failed or (role is not CallRole.POLL and not row.starts_job):
            # An attempt that asks for a job, or fails to start one, may name a job of
            # another attempt.
            return False
        is_other = role is CallRole.OTHER
        window = caller.life if is_other else caller.window(call.name, _BY_ID)
        pair = self._attempt_reader.pair(call, record, caller)
        if window is None or not window.has(call.microseconds) or any(pair.against()):
            return False
        if not row.id_word.endswith("name"):
            return True
        # Many jobs may have the same name, one after another.
        wanted = self._attempt_reader.parameters(caller.key, call.name)
        return not differ(wanted, leaves_of_record(record))

    def _propose(self, call: ApiCall, link: Link | None) -> None:
        """Propose the link that a call has by itself, whatever its attempt's others."""
        event_id = call.event_id
        before = self._proposed_to.pop(event_id, None)
        if before is not None:
            del self._proposed[before][event_id]
            self._unsettled.add(before)
        key = link.key if link is not None else None
        if link is None or key is None:
            self._put(call, link)
            return
        self._proposed_to[event_id] = key
        self._proposed.setdefault(key, {})[event_id] = link
        self._unsettled.add(key)

    def _settle_attempts(self) -> None:
        """Set how sure the links of the changed attempts are."""
        unsettled = self._unsettled
        self._unsettled = set()
        calls = self._reader.calls
        for key in unsettled:
            links = self._proposed.get(key)
            if not links:
                self._proposed.pop(key, None)
                continue
            caller = self._callers.get(key)
            linked = [(calls[event_id], link) for event_id, link in links.items()]
            linked.sort(key=lambda pair: by_time(pair[0]))
            settled = settle_job_calls(caller, linked) if caller else linked
            for call, link in settled:
                self._put(call, link)

    def _put(self, call: ApiCall, link: Link | None) -> None:
        event_id = call.event_id
        old = self.links.get(event_id)
        if old == link:
            return
        self._changes[event_id] = self._changes.get(event_id, (old, None))[0], link
        if old is not None and old.key is not None:
            calls = self.calls_of[old.key]
            del calls[bisect_left(calls, by_time(call), key=by_time)]
            if not calls:
                del self.calls_of[old.key]
        if link is None:
            del self.links[event_id]
            return
        self.links[event_id] = link
        if link.key is not None:
            insort(self.calls_of.setdefault(link.key, []), call, key=by_time)
