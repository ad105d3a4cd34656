"""Who made each call of a world, and by what in the records that can be proved.

A match is provable if the records alone prove it, as exact or as strong. Only this
attempt has a request id, a session that its cause names, a task token, or the answer
that its output tells. A job's id says about which job a call was: that Step Functions
asked is proved by the rhythm of all calls about the job, that it stopped it by how near
the end that was. What only looks alike is proved where the calls are complete, all
others of the role are proved, and nobody else ran.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import pairwise

from msgspec import Struct

from tests.worlds.executions import EASED, Attempt, Call, Event
from tests.worlds.services import Json
from tests.worlds.world import SLACK, STOPS_WITHIN, AttemptKey, World

PROVABLE = ("exact", "strong")
_BEAT = (53.0, 68.0)
_LATER_BEAT = (290.0, 310.0)
"""Seconds between polls, as whole seconds have them."""
_INTERVALS = 3
"""A gap between two polls may span so many intervals, and yet it is a rhythm."""
AT_ONCE = 2.0
"""Seconds after the end within which Step Functions stops a job by itself."""
_THERE_BEFORE = ("$flow", "$made")
"""Jobs that their calls did not make, but end."""
_AROUND = 300.0
_MARGIN = 5.0
"""Seconds by which calls must be known beyond an attempt's end."""
_Kind = tuple[str, str, str, str, str]
"""Account, role's name, Region, service and name: what has one could be mistaken."""


class Truth(Struct, frozen=True):
    """Who made a call, and what in the records says so."""

    execution_arn: str | None
    """None for calls that no execution here made."""
    scheduled_id: int | None
    role: str
    """action, poll, stop, other or noise."""
    watched: bool
    key: str = ""
    """How sure its match can be: exact, strong, likely; empty where nothing speaks."""
    alike: bool = False
    """True if the records give another attempt as its maker, and nothing else does."""

    @property
    def attempt(self) -> AttemptKey | None:
        if self.execution_arn is None or self.scheduled_id is None:
            return None
        return self.execution_arn, self.scheduled_id

    @property
    def provable(self) -> bool:
        return self.watched and self.key in PROVABLE


def truths(world: World) -> Mapping[str, Truth]:
    """Work out the truth of each call, by its event id."""
    return _Judgement(world).truths


class _Judgement:
    def __init__(self, world: World) -> None:
        self.world = world
        self.told = {a: _texts(world.own_events(a)) for a in world.attempts}
        self.attempts: defaultdict[_Kind, list[Attempt]] = defaultdict(list)
        for attempt in world.attempts:
            for name in set(attempt.service.calls.split()):
                self.attempts[_kind_of(attempt, name)].append(attempt)
        self.calls: defaultdict[_Kind, list[Call]] = defaultdict(list)
        self.by_role: defaultdict[tuple[str, str], list[Call]] = defaultdict(list)
        for call in world.calls:
            if call.by == "states" and call.role is not None:
                self.calls[_kind(call)].append(call)
                self.by_role[call.account, call.role.name].append(call)
        self.keys: dict[str, str] = {}
        self.alike: set[str] = set()
        for calls in self.calls.values():
            for call in calls:
                self._find_exact(call)
        for attempt in world.attempts:
            self._find_polls(attempt)
            self._find_stops(attempt)
        for kind, calls in self.calls.items():
            for call in calls:
                self._find_strong(call, kind)
        self.truths = {call.event_id: self._truth(call) for call in world.calls}

    def _truth(self, call: Call) -> Truth:
        attempt = call.attempt
        alike = call.event_id in self.alike
        if attempt is None:
            return Truth(None, None, call.kind, watched=False, alike=alike)
        arn, scheduled = attempt.key
        return Truth(
            execution_arn=arn,
            scheduled_id=scheduled,
            role=call.kind,
            watched=attempt.run.watched and attempt in self.told,
            key=self.keys.get(call.event_id, ""),
            alike=alike,
        )

    def may_be_of(self, call: Call, attempt: Attempt) -> bool:
        """True if an attempt may have made a call, by its name and time."""
        span = self.world.spans[attempt.key]
        at = call.at
        slack = SLACK + self.world.most_skew
        service = attempt.service
        if call.name == service.call:
            end = span.answered if span.answered is not None else span.end
            return _within(span.begin, at, end, slack)
        if call.name == service.poll and attempt.sync:
            answered = span.answered
            return answered is not None and _within(answered, at, span.end, slack)
        if call.name != service.stop or not attempt.sync or span.end is None:
            return False
        stopped = attempt.status in {"aborted", "timed_out"}
        return stopped and _within(span.end, at, span.end + STOPS_WITHIN, slack)

    # -- by what only this attempt has -------------------------------------------------

    def _find_exact(self, call: Call) -> None:
        own = call.attempt
        if own not in self.told or not self._is_in_life(call, own):
            return
        text = self.told[own]
        if (call.request_id and call.request_id in text) or call.session in text:
            self.keys[call.event_id] = "exact"
        elif call.kind != "action" or call.error is not None:
            return
        elif own.service.job and not own.job:
            return  # its answer was never heard, as if it had failed
        elif "token" in call.shown or self._is_answer(call, own, text):
            self.keys[call.event_id] = "strong"

    def _is_in_life(self, call: Call, own: Attempt) -> bool:
        """True unless the clocks are so far apart that its time speaks against it."""
        span = self.world.spans[own.key]
        end = span.answered if call.kind == "action" else span.end
        second = self.world.second_of(call)
        is_late = end is not None and second > end + SLACK
        return second + 1 > span.begin and (not is_late or call.kind == "stop")

    @staticmethod
    def _is_answer(call: Call, own: Attempt, text: str) -> bool:
        """True if its answer is told, and nobody else can have been answered so."""
        service = own.service
        is_named = service.needs_item or service.idempotent or not service.job
        return own.job in call.ids and own.job in text and not is_named

    # -- by its job --------------------------------------------------------------------

    def _about(self, attempt: Attempt, name: str) -> list[Call]:
        """Give all calls of a name that anybody made about an attempt's job."""
        kind = _kind_of(attempt, name)
        jobs = {job for job in attempt.jobs if job in self.told[attempt]}
        return [call for call in self.calls[kind] if jobs & call.ids]

    def _find_polls(self, attempt: Attempt) -> None:
        service = attempt.service
        span = self.world.spans[attempt.key]
        if not attempt.sync or span.answered is None or not service.poll:
            return
        if service.job in _THERE_BEFORE:
            return  # others may wait for the end of that, too
        found = self._about(attempt, service.poll)
        seconds = [(self.world.second_of(call), call) for call in found]
        end = math.inf if span.end is None else span.end
        lived = [pair for pair in seconds if span.answered - 1 < pair[0] <= end]
        lived.sort(key=lambda pair: pair[0])
        if not _is_rhythm(span.answered, [second for second, _ in lived]):
            return
        # It is a set if several: then not all that it names is the attempt's own.
        for _, call in lived:
            if call.about <= set(attempt.jobs):
                self._is_proved(call, attempt)

    def _find_stops(self, attempt: Attempt) -> None:
        span = self.world.spans[attempt.key]
        stopped = attempt.status in {"aborted", "timed_out"} and span.end is not None
        if not attempt.sync or not attempt.service.stop or not stopped:
            return
        assert span.end is not None
        found = self._about(attempt, attempt.service.stop)
        for job in attempt.jobs:
            these = [c for c in found if job in c.ids and c.error is None]
            if len(these) == 1 and len(found) <= len(attempt.jobs):
                (call,) = these
                after = self.world.second_of(call) - span.end
                if -1.0 <= after <= AT_ONCE:
                    self._is_proved(call, attempt)

    def _is_proved(self, call: Call, attempt: Attempt) -> None:
        """Note whom the records prove to have made a call; it may be another."""
        if call.attempt is attempt:
            self.keys[call.event_id] = "exact"
        else:
            self.alike.add(call.event_id)

    # -- by parameters, where nobody else was about ------------------------------------

    def _find_strong(self, call: Call, kind: _Kind) -> None:
        own = call.attempt
        if own not in self.told or call.event_id in self.keys:
            return
        equal = any(own.words.get(word) == call.shown[word] for word in call.shown)
        if not equal:
            return
        sole = call.kind == "action" and self._is_sole(call, own, kind)
        self.keys[call.event_id] = "strong" if sole else "likely"

    def _is_sole(self, call: Call, own: Attempt, kind: _Kind) -> bool:
        """True if all is known of the role then, and nothing but this is left over."""
        world = self.world
        told = world.told_to or 0.0
        span = world.spans[own.key]
        end = span.answered
        is_known = world.wish.live and world.knows_strangers(own.key)
        if end is None or world.most_skew or not is_known or call.error is not None:
            return False
        if told < end + SLACK + _MARGIN or not world.is_covered(own.key, call.kind):
            return False
        if self._is_accompanied(own, span.begin - _AROUND, end + _AROUND):
            return False
        others = (a for a in self.attempts[kind] if a is not own)
        return not any(self.may_be_of(call, other) for other in others)

    def _is_accompanied(self, own: Attempt, begin: float, end: float) -> bool:
        """True if anybody unproved worked with the role in a time, or may have."""
        role = own.role.account, own.role.name
        for run in self.world.executions:
            is_ours = run.watched and run.parent is None
            theirs = run.machine.role.account, run.machine.role.name
            meets = run.begin <= end and begin <= run.end
            if theirs == role and meets and not is_ours:
                return True
        about = (c for c in self.by_role[role] if begin <= c.at <= end)
        unproved = [c for c in about if self.keys.get(c.event_id) not in PROVABLE]
        return len(unproved) > 1


def _is_rhythm(begun: float, seconds: list[int]) -> bool:
    """True if polls at these seconds are all at Step Functions' own rhythm."""
    for before, after in pairwise([begun, *seconds]):
        gap = after - before
        beats = [_BEAT]
        if before - begun > EASED - 60:
            beats.append(_LATER_BEAT)
        counts = range(1, _INTERVALS + 1)
        if not any(n * low <= gap <= n * high for low, high in beats for n in counts):
            return False
    return True


def _kind(call: Call) -> _Kind:
    name = call.role.name if call.role else ""
    return call.account, name, call.region, call.source, call.name


def _kind_of(attempt: Attempt, name: str) -> _Kind:
    service = attempt.service
    role = attempt.role
    region = "us-east-1" if service.source == "iam" else attempt.region
    return role.account, role.name, region, service.source, name


def differ(mine: Json, shown: Json) -> bool:
    """True if two sets of words speak against each other."""
    return any(word in mine and mine[word] != shown[word] for word in shown)


def _within(begin: float, at: float, end: float | None, slack: float) -> bool:
    return begin - slack <= at and (end is None or at <= end + slack)


def _texts(events: list[Event]) -> str:
    """Join what an attempt's own events tell, where ids may stand."""
    return "\n".join(_words(events))


def _words(events: list[Event]) -> Iterator[str]:
    for event in events:
        for key in ("output", "cause"):
            yield event.details.get(key, "")
