"""Who made each call of a world, and by what in the records that can be known."""

from collections import defaultdict
from collections.abc import Mapping
from itertools import pairwise
from operator import attrgetter

from msgspec import Struct

from tests.worlds.executions import Attempt, Call, Event
from tests.worlds.services import Json
from tests.worlds.world import SLACK, AttemptKey, World

STOPS_WITHIN = 300.0


class Truth(Struct, frozen=True):
    """Who made a call, and what in the records says so."""

    execution_arn: str | None
    """None for calls that no execution here made."""
    scheduled_id: int | None
    role: str
    """action, poll, stop, other or noise."""
    watched: bool
    key: str = ""
    """By what it can be known: exact, strong, order, or nothing.

    Less than strong is `early`, where the records do not show yet that no others come,
    or how far the clocks are apart; `shared`, where the same is asked for at another
    time; `retried`, where the SDK asked again, and so several calls are of one try.
    """
    alike: bool = False
    """True if the records give another attempt as its maker, and nothing else does."""

    @property
    def attempt(self) -> AttemptKey | None:
        if self.execution_arn is None or self.scheduled_id is None:
            return None
        return self.execution_arn, self.scheduled_id


def find_truths(world: World) -> Mapping[str, Truth]:
    """Tell the truth of each call that has come, by its event id."""
    return _Judgement(world).truths


# -- by what a call can be known -------------------------------------------------------

_Kind = tuple[str, str, str, str, str]
"""Account, role's name, Region, service and name: what has one could be mistaken."""


class _Judgement:
    """Works out the truth of each call, and by what in the records it can be known."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.told = {a: _texts(world.own_events(a)) for a in world.attempts}
        self.attempts: defaultdict[_Kind, list[Attempt]] = defaultdict(list)
        for attempt in world.attempts:
            for name in set(attempt.service.calls.split()):
                self.attempts[self._kind_of(attempt, name)].append(attempt)
        self.calls: defaultdict[_Kind, list[Call]] = defaultdict(list)
        for call in world.calls:
            if call.by == "states" and call.role is not None:
                self.calls[self._kind(call)].append(call)
        self.keys: dict[str, str] = {}
        self.alike: set[str] = set()
        # How far the clocks are apart is known from calls that a request id matches.
        self.in_step = not world.skew or any(map(self._is_told, world.calls))
        self._find_exact()
        self._find_strong()
        self._find_order()
        self.truths = {call.event_id: self._truth(call) for call in world.calls}

    @staticmethod
    def _kind(call: Call) -> _Kind:
        name = call.role.name if call.role else ""
        return call.account, name, call.region, call.source, call.name

    @staticmethod
    def _kind_of(attempt: Attempt, name: str) -> _Kind:
        service, role = attempt.service, attempt.role
        region = "us-east-1" if service.source == "iam" else attempt.region
        return role.account, role.name, region, service.source, name

    def _truth(self, call: Call) -> Truth:
        attempt = call.attempt
        if attempt is None:
            return Truth(None, None, call.kind, watched=False)
        arn, scheduled = attempt.key
        told = attempt in self.told
        return Truth(
            execution_arn=arn,
            scheduled_id=scheduled,
            role=call.kind,
            watched=attempt.run.watched and told,
            key=self.keys.get(call.event_id, ""),
            alike=call.event_id in self.alike,
        )

    def may_be_of(self, call: Call, attempt: Attempt, slack: float = 0.0) -> bool:
        """True if an attempt may have made a call, by its name and time."""
        span, at = self.world.spans[attempt.key], call.at
        slack += SLACK + abs(self.world.skew)
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

    # -- by an id ----------------------------------------------------------------------

    def _find_exact(self) -> None:
        for kind, calls in self.calls.items():
            for call in calls:
                own = call.attempt
                if self._is_told(call):
                    self.keys[call.event_id] = "exact"
                    continue
                holders = [
                    a for a in self.attempts[kind] if self._names_its_job(call, a)
                ]
                if holders == [own]:
                    self.keys[call.event_id] = "exact" if self.in_step else "early"
                elif holders and own not in holders:
                    self.alike.add(call.event_id)

    def _is_told(self, call: Call) -> bool:
        """True if the request's id, or the session's name, is in its maker's events."""
        text = self.told.get(call.attempt, "") if call.attempt else ""
        is_ours = call.by == "states"
        return is_ours and (call.request_id in text or call.session in text)

    def _names_its_job(self, call: Call, attempt: Attempt) -> bool:
        """True if a call names the job that an attempt is known to hold, in its life.

        One that names others, too, is not about that job alone.
        """
        if call.name == attempt.service.call and call.error is not None:
            # It did not begin what it names.
            return False
        told = self.told[attempt]
        jobs = {job for job in (attempt.job, *attempt.about) if job and job in told}
        if not jobs or not self.may_be_of(call, attempt):
            return False
        named = {job for job in jobs if job in call.ids}
        return bool(named) and call.about <= {attempt.job, *attempt.about}

    # -- by parameters -----------------------------------------------------------------

    def _find_strong(self) -> None:
        for kind, calls in self.calls.items():
            for call in calls:
                own = call.attempt
                if own not in self.told or call.event_id in self.keys:
                    continue
                if call.kind in {"action", "poll", "other"} and self._is_strong(
                    call, own, kind
                ):
                    self.keys[call.event_id] = self._strength(call, own)

    def _is_strong(self, call: Call, own: Attempt, kind: _Kind) -> bool:
        if not any(own.words.get(word) == call.shown[word] for word in call.shown):
            return False
        for other in self.attempts[kind]:
            alike = other is not own and not _differ(other.words, call.shown)
            if (
                alike
                and self.may_be_of(call, other)
                and not self._has_exact(other, kind)
            ):
                return False
        rivals = (c for c in self.calls[kind] if c.attempt is not own)
        return not any(
            c.event_id not in self.keys
            and not _differ(own.words, c.shown)
            and self.may_be_of(c, own)
            for c in rivals
        )

    def _strength(self, call: Call, own: Attempt) -> str:
        """Say how sure it is: if nobody else ever asks for the same, very."""
        if call.kind == "action" and call is not _last_action(own):
            return "retried"
        same = (
            other
            for run in self.world.executions
            for other in run.attempts
            if other is not own and other.service.source == own.service.source
        )
        names = {own.service.call, own.service.poll}
        if any(
            other.service.call in names and not _differ(other.words, own.words)
            for other in same
        ):
            return "shared"
        shown = self.in_step and self.world.shows_covered(own, call.kind)
        return "strong" if shown else "early"

    def _has_exact(self, attempt: Attempt, kind: _Kind) -> bool:
        """True if the action call of an attempt is known by an id, and succeeded."""
        return any(
            call.attempt is attempt
            and call.kind == "action"
            and call.error is None
            and self.keys.get(call.event_id) == "exact"
            for call in self.calls[kind]
        )

    # -- by their order ----------------------------------------------------------------

    def _find_order(self) -> None:
        """Find runs of tries, one after another, with as many calls, one in each."""
        if self.world.skew or len(self.world.executions) > len(self.world.watched):
            return
        for kind, attempts in self.attempts.items():
            rest = sorted(attempts, key=lambda attempt: attempt.begin)
            calls = sorted(self.calls[kind], key=attrgetter("at"))
            alike = {(each.run, each.service.call) for each in rest}
            if len(rest) < 2 or len(calls) != len(rest) or len(alike) > 1:
                continue
            polled = rest[0].service.call != kind[4]
            if polled or any(self.keys.get(c.event_id) == "exact" for c in calls):
                continue
            if self._one_each(rest, calls):
                less = {"", "early", "shared"}
                for each in (call.event_id for call in calls):
                    if self.keys.get(each, "") in less:
                        self.keys[each] = "order"

    def _one_each(self, attempts: list[Attempt], calls: list[Call]) -> bool:
        spans = [self.world.spans[attempt.key] for attempt in attempts]
        apart = all(
            before.end is not None and before.end <= after.begin
            for before, after in pairwise(spans)
        )
        seconds = [int(call.at) for call in calls]
        whole = all(self.world.shows_covered(a, "action") for a in attempts)
        each = all(
            call.attempt is attempt
            for call, attempt in zip(calls, attempts, strict=True)
        )
        return apart and whole and each and len(set(seconds)) == len(seconds)


def _last_action(attempt: Attempt) -> Call:
    return [call for call in attempt.calls if call.kind == "action"][-1]


def _differ(mine: Json, shown: Json) -> bool:
    """True if two sets of words speak against each other."""
    return any(word in mine and mine[word] != shown[word] for word in shown)


def _within(begin: float, at: float, end: float | None, slack: float) -> bool:
    return begin - slack <= at and (end is None or at <= end + slack)


def _texts(events: list[Event]) -> str:
    """Join what an attempt's own events tell, where ids may stand."""
    words = (
        event.details.get(key, "") for event in events for key in ("output", "cause")
    )
    return "\n".join(words)
