"""The rows of calls as they come in: only those that may be others are made."""

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime

from sfnwatch.trace.altered import altered
from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.changes import changes
from sfnwatch.trace.lane_calls import (
    CALL_KEY,
    Ground,
    Key,
    Tried,
    attempt_key,
    is_hidden,
    lone_row,
    tied_rows,
)
from sfnwatch.trace.lane_order import place_of_call
from sfnwatch.trace.lane_rows import Row
from sfnwatch.trace.lane_sheet import Edits, Placed
from sfnwatch.trace.links import Link
from sfnwatch.trace.reach import Reach, Where, newest_of, where_of
from sfnwatch.trace.timeline import Trace


class GrowingCalls:
    """The rows of a trace's calls, by the calls' ids."""

    def __init__(self) -> None:
        self._ordered: tuple[ApiCall, ...] = ()
        self._links: Mapping[str, Link] = {}
        self.by_attempt: dict[Key, list[ApiCall]] = defaultdict(list)
        self._lone: dict[str, set[str]] = defaultdict(set)
        """Of each execution the calls that none of its attempts made."""
        self.newest: dict[Where, datetime] = {}
        self._rows: dict[str, Row] = {}
        self._doubtful: dict[str, ApiCall | None] = {}
        """By their ids; None for those that have gone."""
        self._tries: set[Key] = set()
        """Those all of whose calls are doubtful."""

    @property
    def hidden(self) -> int:
        return len(self._ordered) - len(self._rows)

    # -- what may be another -----------------------------------------------------------

    def grow(self, trace: Trace) -> set[Key]:
        """Take the calls as they are now; give the tries that have others."""
        gone, came = changes(self._ordered, trace.ordered_calls)
        relinked = altered(self._links, trace.links)
        stayed = [
            trace.calls[event_id]
            for event_id in relinked - {call.event_id for call in (*gone, *came)}
            if event_id in trace.calls
        ]
        for call in (*gone, *stayed):
            self._untie(call, self._links.get(call.event_id))
        for call in (*came, *stayed):
            self._tie(call, trace.links.get(call.event_id))
        self._ordered, self._links = trace.ordered_calls, trace.links
        self._know_newest(gone, came)
        return set(self._tries)

    def doubt(self, tries: Iterable[Key]) -> None:
        self._tries.update(tries)

    def _untie(self, call: ApiCall, link: Link | None) -> None:
        key = attempt_key(link)
        self._doubtful[call.event_id] = None
        if key is not None:
            calls = self.by_attempt[key]
            del calls[bisect_left(calls, _order(call), key=_order)]
            self._tries.add(key)
            if not calls:
                del self.by_attempt[key]
        elif link is not None and link.execution_arn is not None:
            self._lone[link.execution_arn].discard(call.event_id)

    def _tie(self, call: ApiCall, link: Link | None) -> None:
        key = attempt_key(link)
        self._doubtful[call.event_id] = call
        if key is not None:
            calls = self.by_attempt[key]
            if calls and _order(calls[-1]) > _order(call):
                insort(calls, call, key=_order)
            else:
                calls.append(call)
            self._tries.add(key)
        elif link is not None and link.execution_arn is not None:
            self._lone[link.execution_arn].add(call.event_id)

    def _know_newest(self, gone: Iterable[ApiCall], came: Iterable[ApiCall]) -> None:
        known = self.newest
        if any(call.event_time == known[where_of(call)] for call in gone):
            self.newest = newest_of(self._ordered)
            return
        newer = newest_of(came)
        both = newer.keys() & known.keys()
        self.newest = {**known, **newer, **{w: max(known[w], newer[w]) for w in both}}

    def renest(self, arns: Collection[str], calls: Mapping[str, ApiCall]) -> None:
        """Doubt the calls that no try made of executions inside of other nests."""
        for arn in arns:
            for event_id in self._lone.get(arn, ()):
                self._doubtful[event_id] = calls[event_id]

    def settle(self, before: Reach, known: Reach) -> None:
        """Doubt those between which no other may come any more, or again may."""
        if (before.live, before.measured) == (known.live, known.measured):
            return
        first, last = 0, len(self._ordered)
        if before.live and known.live:
            marks = [m for m in (before.measured, known.measured) if m is not None]
            first = self._up_to(min(marks)) if len(marks) > 1 else 0
            last = self._up_to(max(marks))
        for call in self._ordered[first:last]:
            if before.is_settled(call) is not known.is_settled(call):
                key = attempt_key(self._links.get(call.event_id))
                if key is None:
                    self._doubtful[call.event_id] = call
                else:
                    self._tries.add(key)

    def _up_to(self, mark: datetime) -> int:
        return bisect_right(self._ordered, mark, key=_time)

    # -- rows --------------------------------------------------------------------------

    def rework(
        self,
        trace: Trace,
        ground: Ground,
        tried: Callable[[Key], Tried | None],
        edits: Edits,
    ) -> None:
        """Make the rows anew that may be others, and note which are."""
        for row_key, new in self._made(trace, ground, tried).items():
            old = self._rows.get(row_key)
            if old == new:
                continue
            if new is None:
                del self._rows[row_key]
            else:
                self._rows[row_key] = new
            edits.note(_placed(old), _placed(new))
        self._doubtful, self._tries = {}, set()

    def _made(
        self, trace: Trace, ground: Ground, tried: Callable[[Key], Tried | None]
    ) -> Mapping[str, Row | None]:
        """Make the rows by their keys; None where there is none."""
        made: dict[str, Row | None] = {}
        for key in self._tries:
            for row in tied_rows(ground, tried(key), self.by_attempt.get(key, ())):
                made[row.key] = row
        for event_id, call in self._doubtful.items():
            row_key = f"{CALL_KEY}{event_id}"
            if row_key in made:
                continue
            hidden = call is None or is_hidden(trace, call, ground.links.get(event_id))
            made[row_key] = lone_row(ground, call) if call and not hidden else None
        return made


def _placed(row: Row | None) -> Placed | None:
    return (place_of_call(row), row) if row is not None else None


def _order(call: ApiCall) -> tuple[datetime, str]:
    return call.event_time, call.event_id


def _time(call: ApiCall) -> datetime:
    return call.event_time
