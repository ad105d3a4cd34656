"""A world: an account's executions, what a watcher has of them, and who made each call.

All comes from one seed. Of the executions some are watched; of the others there are the
calls alone. What a watcher has is late, cut, in no order, as the wish says.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from itertools import pairwise
from operator import attrgetter
from random import Random
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from sfnwatch.model.records import Received
from sfnwatch.model.values import iso
from tests import builders as aws
from tests.worlds.account import START, Wish, noise, populate
from tests.worlds.executions import Attempt, Call, Event, Execution, Role
from tests.worlds.services import Json

AttemptKey = tuple[str, int]
ORIGIN = (START - aws.START).total_seconds()
"""What is counted from the start of worlds is told as counted from the builders'."""
STOPS_WITHIN = 300.0
SLACK = 2.0
"""Seconds by which a call may seem outside of the attempt that made it."""


class Span(NamedTuple):
    """When an attempt ran, as far as its history tells, in seconds."""

    begin: float
    answered: float | None
    end: float | None


# -- records -------------------------------------------------------------------------


def _identity(call: Call) -> tuple[Json, str, str]:
    """Give who made a call, from where, and with what."""
    states, outside = "states.amazonaws.com", "198.51.100.7"
    if call.by in {"lambda", "sts"}:
        # Lambda's own, after an asynchronous Invoke, with that one's request id, and
        # what gives Step Functions a session [documented].
        service = "lambda.amazonaws.com" if call.by == "lambda" else states
        return {"type": "AWSService", "invokedBy": service}, service, service
    if call.by == "http":
        return {"accountId": call.account, "invokedBy": states}, states, states
    if call.by in {"people", "own", "kms"}:
        user = {
            "type": "IAMUser",
            "arn": f"arn:aws:iam::{call.account}:user/ann",
            "accountId": call.account,
        }
        if call.by == "kms":
            # KMS for a machine's own key, in its starter's name [documented].
            return {**user, "invokedBy": states}, states, states
        return user, outside, "sfnwatch/2" if call.by == "own" else "aws-cli/2"
    role = call.role or Role(call.account, "none")
    if call.by == "agent":
        role = Role(call.account, "ecsInstanceRole")
    identity: dict[str, Any] = {
        "type": "AssumedRole",
        "arn": f"arn:aws:sts::{role.account}:assumed-role/{role.name}/{call.session}",
        "accountId": role.account,
        "sessionContext": {"sessionIssuer": {"type": "Role", "arn": role.arn}},
    }
    if call.by == "states":
        return {**identity, "invokedBy": states}, states, states
    return identity, outside, "aws-sdk-go/1"


def cloudtrail_record(call: Call, skew: float) -> dict[str, Any]:
    """Write CloudTrail's record of a call; times are whole seconds."""
    identity, address, agent = _identity(call)
    told = aws.api_call(
        call.name,
        call.at + skew + ORIGIN,
        key=call.event_id,
        source=f"{call.source}.amazonaws.com",
        parameters=call.request,
        error=call.error,
    )
    # CloudTrail keeps no answer of what only reads [documented].
    is_told = not (call.error or told["readOnly"])
    return {
        **told,
        "userIdentity": identity,
        "awsRegion": call.region,
        "sourceIPAddress": address,
        "userAgent": agent,
        "responseElements": call.answer if is_told else None,
        "requestID": call.request_id,
        "eventType": "AwsApiCall",
        "managementEvent": not call.data,
        "recipientAccountId": call.account,
        "eventCategory": "Data" if call.data else "Management",
        **call.more,
    }


# -- the world -------------------------------------------------------------------------


class World:
    """What happened, what a watcher has of it, and the truth of each call."""

    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        self._dice = dice = Random(wish.seed)  # noqa: S311 - a world is no secret
        self.population = populate(wish, dice)
        self.executions = self.population.executions
        made = [c for run in self.executions for a in run.attempts for c in a.calls]
        made += noise(self.population, wish, dice)
        self._has_data = wish.data_events
        self._made = [c for c in made if self._has_data or not c.data]
        for run in self.executions:
            run.number()
        self.watched = {run.arn: run for run in self.executions if run.watched}
        self.skew = dice.choice((-1.5, -0.8, 0.7, 1.5)) if wish.skewed else 0.0
        self.last = max(
            [run.end for run in self.executions] + [call.at for call in self._made]
        )
        self._arrive()
        early = dice.uniform(self.covered_to - 60, self.covered_to)
        told = dice.choice((*(self.covered_to,) * 5, early, None))
        self.told_to = told if wish.live else None
        """Up to when the records say that calls are complete."""
        self.records: list[Received] = list(self._tell())

    # -- what has come -----------------------------------------------------------------

    def _arrive(self) -> None:
        """Decide what has come to a watcher, and up to when calls are complete."""
        wish, dice = self.wish, self._dice
        self.now = self.last + 1500.0
        if wish.early:
            self.now = dice.uniform(min(30.0, self.last), self.last + 200.0)
        self._arrivals = {call.event_id: self._arrival(call) for call in self._made}
        limit = self.now
        if wish.early and not wish.live:
            # The two files were not saved at one moment.
            limit = dice.uniform(self.now - 60, self.now)
        late = [c.at for c in self._made if self._arrivals[c.event_id] > limit]
        self.covered_to = min([limit, *late]) - 1.0
        self.calls = [c for c in self._made if self._arrivals[c.event_id] <= limit]
        self.calls.sort(key=attrgetter("at"))
        self.stragglers: list[Call] = []
        if wish.straggler and self.calls:
            self.stragglers = [dice.choice(self.calls)]
            self.calls.remove(self.stragglers[0])
        self.events = {
            arn: [event for event in run.events if event.at + 1.0 <= self.now]
            for arn, run in self.watched.items()
        }

    def _arrival(self, call: Call) -> float:
        """Say when a record comes; in a file it is there at once."""
        lags = self._dice.uniform(3, 90), self._dice.uniform(60, 400)
        return call.at + self._dice.choice(lags) * self.wish.live

    def _tell(self) -> Iterator[Received]:
        """Yield the records that have come."""
        dice = self._dice
        kinds = ["trail", "lookup"] if self.wish.live else ["trail", "athena", "lookup"]
        # Event history never has data events.
        kind = dice.choice([k for k in kinds if k != "lookup" or not self._has_data])
        records = [*self._histories(), *self._trail(kind), *self._health()]
        records += self._listings()
        if self.wish.untidy:
            again = dice.sample(records, len(records) // 5)
            for each in again:
                seconds = dice.choice((0, 1, 60))
                records.append(aws.later(each, seconds) if each.at else each)
            records += self._trail("trail") if dice.random() < 0.3 else ()
            dice.shuffle(records)
        yield from records

    def _histories(self) -> Iterator[Received]:
        for arn, events in self.events.items():
            for event in events:
                told = aws.event(
                    event.id,
                    event.type,
                    event.at + ORIGIN,
                    previous=event.previous.id if event.previous else 0,
                    arn=arn,
                    **event.details,
                )
                yield told if self.wish.live else aws.undated(told)

    def _trail(self, kind: str) -> Iterator[Received]:
        forms: Mapping[str, Callable[..., Received]] = {
            "trail": aws.trail,
            "lookup": aws.lookup,
            "athena": aws.athena,
        }
        for call in self.calls:
            told = forms[kind](cloudtrail_record(call, self.skew), lag=None)
            seen = aws.at(self._arrivals[call.event_id] + ORIGIN)
            yield replace(told, at=seen if self.wish.live else None)

    def _health(self) -> Iterator[Received]:
        if not self.wish.live:
            return
        ended, now = "live" if self.wish.early else "ended", self.now + ORIGIN
        complete: dict[str, Any] = {}
        if self.told_to is not None:
            complete["complete_to"] = iso(aws.at(self.told_to + ORIGIN))
        yield aws.health("lookup", ended, now, **complete)
        for arn in self.watched:
            yield aws.health("history", ended, now, arn=arn)

    def _listings(self) -> Iterator[Received]:
        """Yield what ListExecutions answers of the machines that are watched."""
        if not (self.wish.listed and self.wish.live):
            return
        whole = self.wish.listed == 2
        machines = {run.machine.arn for run in self.watched.values()}
        for machine in sorted(m for m in machines if not m.endswith("/Each")):
            runs = [r for r in self.executions if r.machine.arn == machine]
            running = [r for r in runs if r.begin <= self.now < r.end]
            running.sort(key=attrgetter("begin"), reverse=True)
            ended = [r for r in runs if r.end <= self.now]
            ended.sort(key=attrgetter("end"), reverse=True)
            told = aws.machine_executions(
                self.now + ORIGIN,
                machine_arn=machine,
                running=[self._item(run) for run in running],
                newest=[self._item(run) for run in (ended if whole else ended[:1])],
                newest_complete=whole,
            )
            yield replace(told, at=aws.at(self.now + ORIGIN))

    def _item(self, run: Execution) -> Json:
        over, begin = run.end <= self.now, run.begin + ORIGIN
        told = {"stateMachineArn": run.machine.arn}
        told |= {"status": run.status} if over else {}
        return aws.listed(run.arn, begin, run.end + ORIGIN if over else None, **told)

    # -- what is true ------------------------------------------------------------------

    @cached_property
    def truth(self) -> "Mapping[str, Truth]":
        """Who made each call that has come, by its event id."""
        return _Judgement(self).truths

    @cached_property
    def _by_id(self) -> Mapping[str, Call]:
        return {call.event_id: call for call in self.calls}

    def call(self, event_id: str) -> Call:
        return self._by_id[event_id]

    @cached_property
    def spans(self) -> Mapping[AttemptKey, Span]:
        """When each watched attempt ran, as far as the history tells that has come."""
        found: dict[AttemptKey, Span] = {}
        for attempt in self.attempts:
            last = self.events[attempt.run.arn][-1].at
            ended = attempt.end is not None and attempt.end <= last
            is_answered = attempt.answered is not None and attempt.answered <= last
            found[attempt.key] = Span(
                attempt.begin,
                attempt.answered if is_answered else None,
                attempt.end if ended else None,
            )
        return found

    @cached_property
    def attempts(self) -> list[Attempt]:
        """The watched attempts that the history tells of."""
        told = {arn: len(events) for arn, events in self.events.items()}
        return [
            attempt
            for arn, run in self.watched.items()
            for attempt in run.attempts
            if attempt.scheduled is not None and attempt.scheduled.id <= told[arn]
        ]

    def own_events(self, attempt: Attempt) -> list[Event]:
        """Give the events of an attempt that have come."""
        return [e for e in self.events[attempt.run.arn] if e.attempt is attempt]

    def knows_strangers(self, key: AttemptKey) -> bool:
        """True if a list tells of all that ran on the machine beside an attempt."""
        end = self.spans[key].end
        told = self.wish.live and self.wish.listed == 2
        # Map Runs have lists of their own; what is newest may not be in a list yet.
        by_itself = not self.watched[key[0]].machine.name.endswith("/Each")
        return told and by_itself and end is not None and end + 8.0 <= self.now

    def _until(self, key: AttemptKey, role: str) -> float:
        """Say up to when an attempt may make calls of a kind."""
        span = self.spans[key]
        until = span.answered if role == "action" else span.end
        return float("inf") if until is None else until + SLACK + abs(self.skew)

    def is_late(self, key: AttemptKey) -> bool:
        """True if a call of an attempt is missing that was said to be there."""
        return any(c.attempt and c.attempt.key == key for c in self.stragglers)

    def is_covered(self, key: AttemptKey, role: str) -> bool:
        """True if all calls of that kind that an attempt made are known to be there."""
        return self._until(key, role) <= self.covered_to and not self.is_late(key)

    def shows_covered(self, attempt: Attempt, role: str) -> bool:
        """True if the records show that all such calls of an attempt are there.

        Of files it is the newest call of the account and Region that shows it.
        """
        newest = self.told_to or 0.0
        if not self.wish.live:
            place = attempt.role.account, attempt.region
            newest = self._newest.get(place, 0.0)
        until = self._until(attempt.key, role)
        return until <= newest and self.is_covered(attempt.key, role)

    @cached_property
    def _newest(self) -> Mapping[tuple[str, str], float]:
        return {(call.account, call.region): call.at for call in self.calls}


# -- who made a call ------------------------------------------------------------------


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

    def may_be_of(self, call: Call, attempt: Attempt) -> bool:
        """True if an attempt may have made a call, by its name and time."""
        span, at = self.world.spans[attempt.key], call.at
        slack = SLACK + abs(self.world.skew)
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
