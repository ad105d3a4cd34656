"""Matches calls to attempts by the ids that both have.

The request id in a history and CloudTrail's `requestID` are each documented. That the
two are equal is inferred: no public recording contains both sides of one call.
"""

from collections.abc import Collection

from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.linking.attempt_reader import AttemptReader
from sfnwatch.model.linking.call_reader import CallReader
from sfnwatch.model.linking.caller import SECOND, Caller
from sfnwatch.model.linking.callers import Callers
from sfnwatch.model.linking.calls_by_id import CallsById
from sfnwatch.model.linking.evidence import failed_session, other_caller
from sfnwatch.model.linking.leaf_comparison import differ
from sfnwatch.model.linking.leaves import leaves_of_record
from sfnwatch.model.linking.link import AttemptKey, Certainty, Link, LinkRule, ambiguous
from sfnwatch.model.records import Record

_BY_ID = -SECOND, 2 * SECOND
"""How far CloudTrail's clock may be ahead (least, most) where an id matches a call."""


class IdMatcher:
    """Matches single calls by their ids."""

    def __init__(
        self,
        reader: CallReader,
        attempt_reader: AttemptReader,
        callers: Callers,
        calls_by_id: CallsById,
    ) -> None:
        self._reader = reader
        self._attempt_reader = attempt_reader
        self._callers = callers
        self._calls_by_id = calls_by_id

    def link(self, call: ApiCall, record: Record, ids: Collection[str]) -> Link | None:
        """Return the link of a call by `ids`, which its record has; None if none fits.

        How sure the link is depends on the attempt's other calls, too.
        """
        if call.by_others or not self._callers:
            return None
        for text, rule in (
            (call.request_id, LinkRule.REQUEST_ID),
            (failed_session(call, record), LinkRule.SESSION),
        ):
            if text is None:
                continue
            # A service forwards the request id to the calls it makes for the request.
            callers = []
            for caller in self._callers.with_id(text).values():
                makes_such = text not in caller.ids and call.name in caller.names
                if makes_such and not other_caller(call, caller):
                    callers.append(caller)
            if len(callers) == 1:
                return callers[0].link(call, rule, Certainty.EXACT, text)
        known_ids = self._callers.known_ids(ids)
        return self._link_by_job(call, record, known_ids) if known_ids else None

    def _link_by_job(self, call: ApiCall, record: Record, ids: set[str]) -> Link | None:
        """Match a call by the job's id, within the life of the attempt with the job."""
        callers: dict[AttemptKey, Caller] = {}
        for named in ids:
            callers.update(self._callers.with_id(named))
        having = []
        for caller in callers.values():
            if caller.ids.isdisjoint(ids) or not self._is_about(call, record, caller):
                continue
            if caller.owns or self._is_alone_with(caller, ids):
                having.append(caller)
        if not having:
            return None
        if len(having) > 1:
            roles = [caller.role_of(call.name) for caller in having]
            keys = [caller.key for caller in having]
            return ambiguous(keys, roles, "several attempts have this job")
        caller = having[0]
        # The longest id that both have; between equally long ones the choice is fixed.
        both = max(caller.ids & ids, key=lambda text: (len(text), text))
        return caller.link(call, LinkRule.RESOURCE_ID, Certainty.EXACT, both)

    def _is_alone_with(self, caller: Caller, ids: Collection[str]) -> bool:
        """True if no call outside an attempt's life names its resource.

        `ids` are the resource's.
        """
        life = caller.life
        calls = self._reader.calls
        for named in ids:
            for event_id in self._calls_by_id.naming(named):
                call = calls.get(event_id)
                if call is not None and not life.has(call.microseconds):
                    return False
        return True

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
        parameters = self._attempt_reader.parameters(caller.key, call.name)
        return not differ(parameters, leaves_of_record(record))
