"""A world: an account's executions, what a watcher has of them, and who made each call.

All comes from one seed. Of the executions some are watched; of the others there are the
calls alone. What a watcher has is late, cut, in no order, as the wish says.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from operator import attrgetter
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import strategies as st
from msgspec.structs import replace

from sfnwatch.model.records import Received, RecordKind, receive
from tests import builders as aws
from tests.worlds.account import START, Wish, noise, populate, wishes
from tests.worlds.executions import Attempt, Call, Event, Execution, Role
from tests.worlds.services import Json

if TYPE_CHECKING:
    from tests.worlds.truth import Truth

AttemptKey = tuple[str, int]
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


def _time(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def _iso(seconds: float) -> str:
    return _time(seconds).isoformat(timespec="milliseconds")[:-6] + "Z"


def cloudtrail_record(call: Call, skew: float) -> dict[str, Any]:
    """Write CloudTrail's record of a call; times are whole seconds."""
    identity, address, agent = _identity(call)
    record: dict[str, Any] = {
        "eventVersion": "1.09",
        "userIdentity": identity,
        "eventTime": _time(call.at + skew).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": f"{call.source}.amazonaws.com",
        "eventName": call.name,
        "awsRegion": call.region,
        "sourceIPAddress": address,
        "userAgent": agent,
        "requestParameters": call.request,
        "responseElements": None if call.error else call.answer,
        "requestID": call.request_id,
        "eventID": call.event_id,
        "readOnly": call.name.startswith(("Describe", "Get", "List", "Lookup")),
        "eventType": "AwsApiCall",
        "managementEvent": not call.data,
        "recipientAccountId": call.account,
        "eventCategory": "Data" if call.data else "Management",
        **call.more,
    }
    if record["readOnly"]:
        # CloudTrail keeps no answer of what only reads [documented].
        record["responseElements"] = None
    if call.error:
        record["errorCode"], record["errorMessage"] = call.error
    return record


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
            records += [_later(each, dice.choice((0, 1, 60))) for each in again]
            records += self._trail("trail") if dice.random() < 0.3 else ()
            dice.shuffle(records)
        yield from records

    def _seen(self, seconds: float) -> datetime | None:
        return _time(seconds) if self.wish.live else None

    def _histories(self) -> Iterator[Received]:
        for arn, events in self.events.items():
            for event in events:
                kind = event.type
                shared = ("StateEntered", "StateExited")
                key = next((s for s in shared if kind.endswith(s)), kind)
                data: dict[str, Any] = {
                    "timestamp": _iso(event.at),
                    "type": kind,
                    "id": event.id,
                    "previousEventId": event.previous.id if event.previous else 0,
                }
                if event.details:
                    data[f"{key[0].lower()}{key[1:]}EventDetails"] = event.details
                at = self._seen(event.at + 1.0)
                yield receive(at, RecordKind.HISTORY, arn, data)

    def _trail(self, kind: str) -> Iterator[Received]:
        forms: Mapping[str, Callable[..., Received]] = {
            "trail": aws.trail,
            "lookup": aws.lookup,
            "athena": aws.athena,
        }
        for call in self.calls:
            told = forms[kind](cloudtrail_record(call, self.skew), lag=None)
            yield replace(told, at=self._seen(self._arrivals[call.event_id]))

    def _health(self) -> Iterator[Received]:
        if not self.wish.live:
            return
        ended = "ended" if not self.wish.early else "live"
        data: dict[str, Any] = {"lane": "lookup", "state": ended}
        if self.told_to is not None:
            data["complete_to"] = _iso(self.told_to)
        yield receive(_time(self.now), RecordKind.HEALTH, None, data)
        for arn in self.watched:
            told = {"lane": "history", "state": ended}
            yield receive(_time(self.now), RecordKind.HEALTH, arn, told)

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
            data = {
                "machine_arn": machine,
                "asked_at": _iso(self.now),
                "running": [self._item(run) for run in running],
                "running_complete": True,
                "newest": [self._item(run) for run in (ended if whole else ended[:1])],
                "newest_complete": whole,
            }
            yield receive(_time(self.now), "machine-executions", None, data)

    def _item(self, run: Execution) -> Json:
        over = run.end <= self.now
        item = {
            "executionArn": run.arn,
            "stateMachineArn": run.machine.arn,
            "name": run.name,
            "status": run.status if over else "RUNNING",
            "startDate": _iso(run.begin),
        }
        return item | ({"stopDate": _iso(run.end)} if over else {})

    # -- what is true ------------------------------------------------------------------

    @cached_property
    def truth(self) -> "Mapping[str, Truth]":
        from tests.worlds.truth import find_truths

        return find_truths(self)

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


def _later(record: Received, seconds: int) -> Received:
    """Make the same record, come again."""
    at = record.at + timedelta(seconds=seconds) if record.at else None
    return replace(record, at=at)


WORLDS = st.builds(World, wishes())
"""Worlds that Hypothesis can make smaller."""
