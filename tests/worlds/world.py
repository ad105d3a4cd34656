"""A world: an account's executions, and what a watcher has of them.

All comes from one seed. Of the executions some are watched; of the others there are the
calls alone. What a watcher has is late, cut, in no order, as the wish says.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from functools import cached_property
from operator import attrgetter
from random import Random
from typing import Any, NamedTuple

from msgspec.structs import replace

from sfnwatch.model.api_call import decode_call
from sfnwatch.model.records import Received
from sfnwatch.model.times import iso
from tests import builders as aws
from tests.worlds.account import START, Wish, populate
from tests.worlds.company import noise
from tests.worlds.executions import (
    Attempt,
    Call,
    Event,
    Execution,
    Role,
    ids_in_text,
    uuid,
)
from tests.worlds.services import Json

AttemptKey = tuple[str, int]
ORIGIN = (START - aws.START).total_seconds()
"""What is counted from the start of worlds is told as counted from the builders'."""
STOPS_WITHIN = 300.0
SLACK = 2.0
"""Seconds by which a call may seem outside of the attempt that made it."""


def _columns(record: Mapping[str, Any]) -> Received:
    return aws.athena(record, *_SIX)


_SIX = (*aws.SEED_COLUMNS, "errorcode", "errormessage")
"""The columns of the experiment's table."""
_FORMS: Mapping[str, Callable[[Mapping[str, Any]], Received]] = {
    "trail": aws.trail,
    "lookup": lambda record: aws.lookup(record, lag=None),
    "athena": aws.athena,
    "columns": _columns,
}


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
    if call.by == "forwarded":
        # What a service calls in the name of who called it.
        address = f"{call.forwarder}.amazonaws.com"
        return {**identity, "invokedBy": address}, address, address
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
    answer = call.answer if is_told else None
    return {
        **told,
        "userIdentity": identity,
        "awsRegion": call.region,
        "sourceIPAddress": address,
        "userAgent": agent,
        "responseElements": answer,
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
        made = [c for c in made if self._has_data or not c.data]
        self.form = self._choose_form()
        self.made = [self._as_shown(call) for call in made]
        for run in self.executions:
            run.number()
        self.watched = {run.arn: run for run in self.executions if run.watched}
        self.skew = dice.choice((-1.5, -0.8, 0.7, 1.5)) if wish.skewed else 0.0
        self._skews: dict[str, float] = {}
        if wish.clocks:
            for source in sorted({call.source for call in self.made}):
                self._skews[source] = dice.choice((0.0, -3.0, -1.5, 1.5, 3.0))
        self.last = max(
            [run.end for run in self.executions] + [call.at for call in self.made]
        )
        self._arrive()
        early = dice.uniform(self.covered_to - 60, self.covered_to)
        told = dice.choice((*(self.covered_to,) * 5, early, None))
        self.told_to = told if wish.live else None
        """Up to when the records say that calls are complete."""
        self.ids: dict[str, list[str]] = {call.event_id: [] for call in self.calls}
        """The event ids that each call has in the records: mostly one."""
        self.records: list[Received] = list(self._tell())

    def skew_of(self, call: Call) -> float:
        """Say how far the clock of a call's record is ahead."""
        return self._skews.get(call.source, self.skew)

    def second_of(self, call: Call) -> int:
        """Give the second at which CloudTrail says a call was made."""
        return math.floor(call.at + self.skew_of(call))

    # -- in what form ------------------------------------------------------------------

    def _choose_form(self) -> str:
        kinds = ["trail", "lookup"] if self.wish.live else ["trail", "athena", "lookup"]
        if self.wish.few and not self.wish.live:
            return "columns"
        # Event history never has data events.
        kinds = [k for k in kinds if k != "lookup" or not self._has_data]
        return self._dice.choice(kinds)

    def _as_shown(self, call: Call) -> Call:
        """Give a call as its record shows it: rows of few columns show little."""
        if self.form != "columns":
            return call
        named = ids_in_text(call.error[1]) if call.error else frozenset()
        seen = copy(call)
        seen.request_id = ""
        seen.request = None
        seen.answer = None
        seen.shown = {}
        seen.ids = named
        return seen

    # -- what has come -----------------------------------------------------------------

    def _arrive(self) -> None:
        """Decide what has come to a watcher, and up to when calls are complete."""
        wish, dice = self.wish, self._dice
        self.now = self.last + 1500.0
        if wish.early:
            self.now = dice.uniform(min(30.0, self.last), self.last + 200.0)
        self._arrivals = {call.event_id: self._arrival(call) for call in self.made}
        limit = self.now
        if wish.early and not wish.live:
            # The two files were not saved at one moment.
            limit = dice.uniform(self.now - 60, self.now)
        late = [c.at for c in self.made if self._arrivals[c.event_id] > limit]
        self.covered_to = min([limit, *late]) - 1.0
        self.calls = [c for c in self.made if self._arrivals[c.event_id] <= limit]
        self.calls.sort(key=attrgetter("at"))
        self.begins = 0.0
        """Before that a file has no calls."""
        if wish.begins and not wish.live:
            self.begins = dice.uniform(10, 120)
            self.calls = [call for call in self.calls if call.at >= self.begins]
        self.missing: list[Call] = []
        """Calls that are not there, though others of their time are."""
        if wish.straggler and self.calls:
            self._lose(dice.choice(self.calls))
        if not wish.live:
            self._lose_own(wish.lost)
        self.events = {
            arn: [event for event in run.events if event.at + 1.0 <= self.now]
            for arn, run in self.watched.items()
        }

    def _lose(self, call: Call) -> None:
        self.missing.append(call)
        self.calls.remove(call)

    def _lose_own(self, count: int) -> None:
        """Lose calls of the watched, mostly where others' are that are much alike."""
        dice = self._dice
        for _ in range(count):
            own = [c for c in self.calls if c.attempt and c.attempt.run.watched]
            alike = [call for call in own if self._has_like(call)]
            if alike and dice.random() < 0.8:
                own = alike
            if own:
                self._lose(dice.choice(own))

    def _has_like(self, call: Call) -> bool:
        return any(
            other.name == call.name
            and other.attempt is not call.attempt
            and other.role == call.role
            and abs(other.at - call.at) < 60
            for other in self.calls
        )

    def _arrival(self, call: Call) -> float:
        """Say when a record comes; in a file it is there at once."""
        lags = self._dice.uniform(3, 90), self._dice.uniform(60, 400)
        return call.at + self._dice.choice(lags) * self.wish.live

    def _tell(self) -> Iterator[Received]:
        """Yield the records that have come."""
        dice = self._dice
        records = [*self._histories(), *self._trail(self.form), *self._health()]
        records += self._listings()
        if self.wish.untidy:
            again = dice.sample(records, len(records) // 5)
            for each in again:
                seconds = dice.choice((0, 1, 60))
                records.append(aws.later(each, seconds) if each.at else each)
            if dice.random() < 0.3 and self.form != "columns":
                records += self._trail("trail")
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
        for call in self.calls:
            yield self._told(call, cloudtrail_record(call, self.skew_of(call)), kind)
            if self._dice.random() < self.wish.doubled / 10:
                yield self._told_again(call, kind)

    def _told(self, call: Call, record: dict[str, Any], kind: str) -> Received:
        told = _FORMS[kind](record)
        event_id = decode_call(told)[0].event_id
        if event_id not in self.ids[call.event_id]:
            self.ids[call.event_id].append(event_id)
        seen = aws.at(self._arrivals[call.event_id] + ORIGIN)
        return replace(told, at=seen if self.wish.live else None)

    def _told_again(self, call: Call, kind: str) -> Received:
        """Deliver a call again: out of another trail, or under another event id."""
        record = cloudtrail_record(call, self.skew_of(call))
        if self._dice.random() < 0.5 and call.request_id:
            record["eventID"] = uuid(self._dice)
        else:
            record["tlsDetails"] = {"tlsVersion": "TLSv1.3"}
        return self._told(call, record, kind)

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
        return float("inf") if until is None else until + SLACK + self.most_skew

    @property
    def most_skew(self) -> float:
        return max(map(abs, [self.skew, *self._skews.values()]))

    def is_late(self, key: AttemptKey) -> bool:
        """True if a call of an attempt is missing among those of its time."""
        return any(c.attempt and c.attempt.key == key for c in self.missing)

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
