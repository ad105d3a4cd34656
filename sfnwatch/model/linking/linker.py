"""Matches calls to attempts, and keeps the matches true as records come in any order.

A call goes through four steps, and each has a mark for what it must do again:

1. `IdMatcher` looks for an attempt with an id of the call (`Linker._stale`).
2. `Candidates` finds which attempts fit any other call (`CallGroup.stale`).
3. `Decisions` decides which of these calls are matched (`CallGroup.open`, and
   `RoleCalls.changed` for all in a stretch of time).
4. `ProposedLinks` settles all links of an attempt together (`unsettled`).

Whatever comes in sets the marks of the first step that it changes, and `Linker.settle`
goes through the steps. What is marked is done again as a whole, from all that is known
by then. So the links do not depend on the order in which records come.
"""

from collections.abc import Collection, Container, Mapping
from heapq import nsmallest

from sfnwatch.model.api_call import ApiCall, by_time, ids_in
from sfnwatch.model.arns import last_segment
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.linking.call_reader import CallReader
from sfnwatch.model.linking.caller import Caller
from sfnwatch.model.linking.calls_by_id import CallsById
from sfnwatch.model.linking.candidates import Candidates
from sfnwatch.model.linking.decisions import Decisions
from sfnwatch.model.linking.evidence import PairEvidence, failed_session, pair_evidence
from sfnwatch.model.linking.id_matching import IdMatcher
from sfnwatch.model.linking.link import AttemptKey, Link, answered_attempt
from sfnwatch.model.linking.proposed_links import LinkChanges, ProposedLinks
from sfnwatch.model.records import Record
from sfnwatch.model.visits import Attempt

_MOST_CONSIDERED = 20
"""At most this many attempts that make such calls are considered for one call."""


class Linker:
    """Keeps the links of a trace."""

    def __init__(self, reader: CallReader) -> None:
        self._reader = reader
        self._candidates = Candidates(reader)
        self._attempt_reader = self._candidates.attempt_reader
        self._callers = self._candidates.callers
        self.known = self._candidates.known
        self._calls_by_id = CallsById()
        self._id_matcher = IdMatcher(
            reader, self._attempt_reader, self._callers, self._calls_by_id
        )
        self._stale: set[str] = set()
        """Calls to be matched by their ids again, if they are still there."""
        self._proposed = ProposedLinks(reader)
        self.links: Mapping[str, Link] = self._proposed.links
        """By the calls' event ids."""
        self.calls_of: Mapping[AttemptKey, list[ApiCall]] = self._proposed.calls_of
        """The calls that are matched to each attempt, in the order of their times."""

    def set_role(self, arn: str, old: str | None, new: str | None) -> None:
        """Set the name of the role an execution's calls are made with."""
        if new:
            self._candidates.count_role(new, arn, 1)
        if old:
            self._candidates.count_role(old, arn, -1)

    def set_attempt(self, arn: str, attempt: Attempt, role_arn: str | None) -> None:
        """Add or update an attempt; `role_arn` is the role of its execution."""
        new = Caller.of(arn, attempt, role_arn)
        old = self._callers.get(new.key)
        if old is not None and old.link_inputs == new.link_inputs:
            old.attempt = attempt
            return
        self._replace(old, new)

    def keep_attempts(self, arn: str, scheduled_ids: Container[int]) -> None:
        """Forget an execution's attempts but these, since it was folded again."""
        for caller in list(self._callers.values()):
            if caller.key[0] == arn and caller.key[1] not in scheduled_ids:
                self._replace(caller, None)

    def _replace(self, old: Caller | None, new: Caller | None) -> None:
        """Forget an attempt as it was, and add it as it is now."""
        if new is not None and not self._callers.actions[new.action]:
            # Until now, all such calls belonged to the job they name.
            for event_id in self._candidates.by_id:
                if self._reader.calls[event_id].name_and_role == new.action:
                    self._stale.add(event_id)
        self._candidates.replace(old, new)
        for caller in (old, new):
            if caller is not None:
                self._proposed.unsettled.add(caller.key)
                for named in caller.ids_in_events:
                    self._stale.update(self.calls_naming(named))

    def holders(self, job_id: str) -> dict[AttemptKey, Attempt]:
        """Return the attempts that have a job's id."""
        callers = self._callers.with_id(job_id).items()
        return {key: caller.attempt for key, caller in callers if job_id in caller.ids}

    def add_call(self, call: ApiCall, record: Record) -> None:
        """Add a call with its CloudTrail record."""
        self.known.note(call)
        ids = ids_in(record, call.error_message)
        self._match_by_ids(call, record, ids)
        if call.by_others:
            return
        # Ids with a slash are not kept: their last segment is in `ids` too.
        named = {each for each in ids if "/" not in each}
        named.update(filter(None, (call.request_id, failed_session(call, record))))
        self._calls_by_id.note(call.event_id, named)
        self._mark_sharers(named)

    def calls_naming(self, named: str) -> Collection[str]:
        """Return the event ids of calls with this request id, session or job's id.

        Some of these calls may have been dropped since.
        """
        return self._calls_by_id.naming(named)

    def calls_about(self, attempt: Attempt) -> set[str]:
        """Return the event ids of all calls that name an attempt's job.

        Others may have made some of these calls.
        """
        jobs = {*attempt.resource_ids, *map(last_segment, attempt.resource_ids)}
        return {event_id for job in jobs for event_id in self.calls_naming(job)}

    def _mark_sharers(self, ids: Collection[str]) -> None:
        """Have the calls matched again that name a resource others may use too.

        A new call about such a resource may show that others use it.
        """
        for named in self._callers.known_ids(ids):
            callers = self._callers.with_id(named).values()
            if not all(caller.owns for caller in callers):
                self._stale.update(self.calls_naming(named))

    def drop_call(self, call: ApiCall) -> None:
        """Forget a call that proved a duplicate, or sfnwatch's own."""
        record = self._reader.cloudtrail_record(call)
        self._mark_sharers(ids_in(record, call.error_message))
        self._candidates.forget(call)
        self._proposed.propose(call, None)

    def reopen_all(self) -> None:
        """Have all calls decided again, but those that only ids decide."""
        self._candidates.reopen_all()

    def evidence_of(self, call: ApiCall) -> list[PairEvidence]:
        """Return the evidence for each attempt that may have made a call, best first.

        These are the attempts whose events have an id of the call's record, and the
        attempts that make such calls. Of many of the latter only the nearest in time
        are considered.
        """
        record = self._reader.cloudtrail_record(call)
        skew = self._candidates.skew.bounds(call.event_source)
        callers = dict(self._nearest(call))
        ids = ids_in(record, call.error_message)
        for named in (call.request_id or "", failed_session(call, record) or "", *ids):
            callers.update(self._callers.with_id(named))
        considered = []
        for key, caller in callers.items():
            parameters = self._attempt_reader.parameters(key, call.name)
            pair = self._attempt_reader.pair(call, record, caller)
            considered.append(pair_evidence(pair, parameters, skew))
        return sorted(considered, key=_best_first)

    def _nearest(self, call: ApiCall) -> list[tuple[AttemptKey, Caller]]:
        """Return the attempts that make such calls and are nearest in time."""
        at = call.event_time

        def distance(pair: tuple[AttemptKey, Caller]) -> tuple[float, AttemptKey]:
            attempt = pair[1].attempt
            begin = attempt.scheduled_at
            end = attempt.ended_at or at
            early = (begin - at).total_seconds()
            late = (at - end).total_seconds()
            return max(early, late, 0.0), pair[0]

        alike = self._callers.making(call.name_and_role).items()
        return nsmallest(_MOST_CONSIDERED, alike, key=distance)

    def settle(self) -> LinkChanges:
        """Match again the calls whose match may have changed; return the changes."""
        stale = self._stale & self._reader.calls.keys()
        self._stale = set()
        # Records that came together are stored together: in the order of time each
        # block is unpacked only once.
        calls = [self._reader.calls[event_id] for event_id in stale]
        for call in sorted(calls, key=by_time):
            record = self._reader.cloudtrail_record(call)
            self._match_by_ids(call, record, ids_in(record, call.error_message))
        self._candidates.compare()
        for role, group in self._candidates.open_groups():
            decisions = Decisions(self._candidates, group)
            for component in group.take_open():
                for call, link in decisions.links(component):
                    self._proposed.propose(call, link or role.link())
        self._attempt_reader.forget()
        return self._proposed.settle(self._callers)

    def _match_by_ids(
        self, call: ApiCall, record: Record, ids: Collection[str]
    ) -> None:
        """Match a call by the ids in its record; else add it to the candidates.

        A call made without a role is matched only by ids.
        """
        link = self._id_matcher.link(call, record, ids)
        is_changed = self._candidates.set_link_by_id(call, link)
        if call.role is not None and self._may_be_anothers(call, link):
            self._candidates.join(call, again=is_changed)
        else:
            self._candidates.leave(call)
            self._proposed.propose(call, link)

    def _may_be_anothers(self, call: ApiCall, link: Link | None) -> bool:
        """True if an attempt may have made a call that has no id of this attempt.

        A call that names an attempt's job may still be the action of another attempt,
        which asks for that job.
        """
        if link is None or link.role is CallRole.OTHER:
            return True
        is_answered = answered_attempt(link) is not None
        return not is_answered and self._callers.actions[call.name_and_role] > 0


def _best_first(evidence: PairEvidence) -> tuple[int, int, AttemptKey]:
    """A sort key: fewest reasons against, then most shared ids."""
    return len(evidence.against), -len(evidence.same), evidence.key
