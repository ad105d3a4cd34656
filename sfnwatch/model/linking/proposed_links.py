"""The links of all calls, which are settled attempt by attempt."""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Mapping

from sfnwatch.model.api_call import ApiCall, by_time
from sfnwatch.model.linking.call_reader import CallReader
from sfnwatch.model.linking.callers import CallersByKey
from sfnwatch.model.linking.job_calls import settle_job_calls
from sfnwatch.model.linking.link import AttemptKey, Link

LinkChanges = Mapping[str, tuple[Link | None, Link | None]]
"""By a call's event id, its link before and its link now."""


class ProposedLinks:
    """Keeps the link proposed for each call by itself, and the links made of these.

    How sure a link is depends on the attempt's other links.
    """

    def __init__(self, reader: CallReader) -> None:
        self._reader = reader
        self.links: dict[str, Link] = {}
        """By the calls' event ids."""
        self.calls_of: dict[AttemptKey, list[ApiCall]] = {}
        """The calls that are matched to each attempt, in the order of their times."""
        self._proposed = defaultdict[AttemptKey, dict[str, Link]](dict)
        """The links proposed for each attempt, by the calls' event ids."""
        self._proposed_to: dict[str, AttemptKey] = {}
        """The attempt that each call's proposed link is for."""
        self.unsettled: set[AttemptKey] = set()
        """Attempts whose links must be settled again."""
        self._changes: dict[str, tuple[Link | None, Link | None]] = {}

    def propose(self, call: ApiCall, link: Link | None) -> None:
        """Propose the link that a call has by itself, whatever its attempt's others."""
        event_id = call.event_id
        before = self._proposed_to.pop(event_id, None)
        if before is not None:
            del self._proposed[before][event_id]
            self.unsettled.add(before)
        key = link.key if link is not None else None
        if link is None or key is None:
            self._put(call, link)
            return
        self._proposed_to[event_id] = key
        self._proposed[key][event_id] = link
        self.unsettled.add(key)

    def settle(self, callers: CallersByKey) -> LinkChanges:
        """Settle the links of the attempts that need it; return all that changed."""
        unsettled = self.unsettled
        self.unsettled = set()
        calls = self._reader.calls
        for key in unsettled:
            links = self._proposed.get(key)
            if not links:
                self._proposed.pop(key, None)
                continue
            caller = callers.get(key)
            linked = [(calls[event_id], link) for event_id, link in links.items()]
            linked.sort(key=lambda pair: by_time(pair[0]))
            if caller is not None:
                linked = settle_job_calls(caller, linked)
            for call, link in linked:
                self._put(call, link)
        changes = self._changes
        self._changes = {}
        return {key: pair for key, pair in changes.items() if pair[0] != pair[1]}

    def _put(self, call: ApiCall, link: Link | None) -> None:
        event_id = call.event_id
        old = self.links.get(event_id)
        if old == link:
            return
        before = self._changes.get(event_id, (old, None))[0]
        self._changes[event_id] = (before, link)
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
