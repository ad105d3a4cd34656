"""Whole worlds at random, recordings of real watches, and what of them had come when.

Synthetic: machines run as in `machines.py`, each of their tasks is an ECS task with the
calls that Step Functions makes for it, and all of that comes late, twice, in no order.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import strategies as st

from sfnwatch.model.records import (
    CALL_KINDS,
    EVENT_KINDS,
    Received,
    RecordKind,
    receive,
)
from sfnwatch.model.rows import Clock
from sfnwatch.model.values import int_of, iso, maybe_time, parse_time
from sfnwatch.recording.format import RecordedFile
from tests import builders as aws
from tests.golden import inputs
from tests.model.machines import MACHINES, Run, States, dice_of

_END = 120
"""About how many seconds a world lasts."""
_LAGS = (0.5, 1, 1, 2, 30, 200)


class _Telling:
    """One execution of a machine, as it is told of in AWS's words."""

    def __init__(self, arn: str, run: Run, dice: Random) -> None:
        self.arn, self.run, self.dice = arn, run, dice
        self.pace = dice.choice([0.1, 0.4, 3.0])
        """Seconds from one event to the next."""

    def records(self) -> Iterator[Received]:
        dice = self.dice
        yield self._definition()
        for _ in range(dice.randrange(3)):
            yield self._description()
        task = 0
        for number, told in enumerate(self.run.events, 1):
            task = number if told.kind == "TaskScheduled" else task
            yield self._event(number, task)
            if told.kind == "TaskScheduled":
                yield from self._job(number)

    def _definition(self) -> Received:
        states = {
            name: {"Type": "Parallel", "Branches": [{"StartAt": s} for s in starts]}
            for name, starts in self.run.branches.items()
        }
        return aws.definition(states, arn=self.arn, seen=-1)

    def _description(self) -> Received:
        dice = self.dice
        status = dice.choice(["RUNNING", "SUCCEEDED", "FAILED", "PENDING_REDRIVE"])
        stopped = dice.uniform(1, _END)
        more = {"redriveCount": dice.randrange(3)} if dice.random() < 0.5 else {}
        seen = stopped + dice.choice(_LAGS)
        return aws.describe(status, arn=self.arn, seen=seen, stopped=stopped, **more)

    def _event(self, number: int, task: int) -> Received:
        kind, previous, details = self.run.events[number - 1]
        if kind == "ExecutionStarted":
            details = {"roleArn": aws.ROLE}
        elif kind.startswith("Task") and "State" not in kind:
            details = {**aws.SYNC, **self._payload(kind, number, task)}
        elif kind.endswith("Failed"):
            details = {**details, "error": self.dice.choice(["Bad", "Worse"])}
        seconds = number * self.pace
        seen = seconds + self.dice.choice(_LAGS)
        record = aws.event(
            number, kind, seconds, previous=previous, arn=self.arn, seen=seen, **details
        )
        return aws.logged(record) if self.arn == aws.EXPRESS_ARN else record

    def _payload(self, kind: str, number: int, task: int) -> dict[str, Any]:
        if kind == "TaskStarted":
            return {}
        if kind == "TaskFailed" and self.dice.random() < 0.3:
            return {"error": "Bad", "cause": "in words"}
        if kind == "TaskScheduled":
            return {"parameters": "{}", "region": aws.REGION}
        job: dict[str, Any] = {"TaskArn": self._task(task)}
        if self.dice.random() < 0.7:
            stopped = aws.at((number - 0.9) * self.pace)
            job["StoppedAt"] = round(stopped.timestamp() * 1000)
        key = "output" if kind == "TaskSucceeded" else "cause"
        return {"error": "States.TaskFailed", key: json.dumps(job)}

    def _task(self, number: int) -> str:
        name = f"{self.arn[-4:]}{number:028x}"
        return f"arn:aws:ecs:{aws.REGION}:{aws.ACCOUNT}:task/my-cluster/{name}"

    def _job(self, number: int) -> Iterator[Received]:
        dice, task = self.dice, self._task(number)
        seconds: float = number * self.pace
        name, told = f"{self.arn[-4:]}-{number}", {"tasks": [task]}
        response = {"tasks": [{"taskArn": task}]}
        late: float = dice.choice([2, 130, 600])
        run = f"run-{name}"
        yield aws.call("RunTask", seconds, key=run, response=response, lag=late)
        for poll in range(dice.randrange(4)):
            seconds += dice.choice([0, 1, self.pace, 30])
            denied = dice.random() < 0.2
            yield aws.call(
                "DescribeTasks",
                seconds,
                key=f"poll-{name}-{poll}",
                parameters=None if denied else told,
                error=aws.DENIED if denied else None,
                lag=dice.choice([2, 130, 600]),
            )
        if dice.random() < 0.5:
            for version in range(1, dice.randint(2, 4)):
                status = dice.choice(["RUNNING", "STOPPED"])
                seconds += dice.uniform(0, 3)
                late = dice.choice(_LAGS)
                yield aws.task_state(version, status, seconds, task=task, lag=late)


def _of_the_watch(dice: Random) -> Iterator[Received]:
    """Tell how the watching went, and of a Map Run and its executions."""
    for _ in range(dice.randrange(6)):
        seen, lane = dice.uniform(0, _END), dice.choice(["history", "lookup"])
        state = dice.choice(["live", "throttled", "live", "ended"])
        complete = {"complete_to": iso(aws.at(seen - 20))} if lane == "lookup" else {}
        yield aws.health(lane, state, seen, requests=round(seen), **complete)
    for _ in range(dice.randrange(4)):
        yield aws.request(dice.uniform(0, _END))
    children = [aws.map_child(number) for number in range(3)]
    statuses = ["RUNNING", "RUNNING", "SUCCEEDED", "FAILED"]
    for _ in range(dice.randrange(4)):
        status = dice.choice(["RUNNING", "RUNNING", "SUCCEEDED"])
        yield aws.counted(
            seen=dice.uniform(0, _END), status=status, running=dice.choice([1, 2])
        )
        told = [(arn, dice.choice(statuses)) for arn in children if dice.random() < 0.6]
        yield aws.listing(*told, seen=dice.uniform(0, _END), begin=dice.uniform(0, 60))


def _strangers() -> list[Received]:
    """Build calls by others and of X-Ray, and by the role for nobody here."""
    return [
        aws.call("RunTask", 5, key="o", role=f"arn:aws:iam::{aws.ACCOUNT}:role/other"),
        aws.call("GetSamplingRules", 5, key="x", source="xray.amazonaws.com"),
        aws.call("DescribeTasks", 5, key="people", invoked_by=None),
        aws.call("StopTask", 20, key="stray"),
        aws.call(
            "LookupEvents", 9, key="own", user_agent="sfnwatch/1", invoked_by=None
        ),
    ]


def rows() -> list[Received]:
    """Build rows of a table, some of which whole records say the same as."""
    own = aws.api_call("LookupEvents", 9, key="own", invoked_by=None)
    return [
        aws.row("RunTask", 1),
        aws.row("DescribeTasks", 60),
        aws.row("RunTask", 1, eventid="run"),
        aws.athena(own, "eventid", "eventtime", "eventsource", "eventname", lag=1),
    ]


@dataclass(frozen=True)
class World:
    """Records of up to three executions of one role, about in order of their times."""

    machines: Sequence[States]
    seed: int

    @property
    def records(self) -> list[Received]:
        return _world(self.machines, dice_of(self.seed))


def _world(machines: Sequence[States], dice: Random) -> list[Received]:
    records = [r for r in _strangers() if dice.random() < 0.5]
    for machine, arn in zip(
        machines, (aws.ARN, aws.OTHER_ARN, aws.EXPRESS_ARN), strict=False
    ):
        run = Run(machine, dice.randrange(2**32), 0.3, alike=dice.random() < 0.5)
        for _ in range(dice.randrange(3)):
            run.redrive()
        records += _Telling(arn, run, dice).records()
    records += _of_the_watch(dice)
    again = [r for r in records if r.kind != RecordKind.DEFINITION]
    for record in dice.sample(again, min(len(again), 12)):
        records.append(aws.later(record, dice.choice([1, 60])))
    return records


WORLDS = st.builds(
    World, st.lists(MACHINES, min_size=1, max_size=3), st.integers(0, 2**32)
)

WHOLE: dict[str, list[Received]] = {
    "sync": [*aws.sync_run(), *aws.task_life()],
    "denied": aws.sync_run(denied=True),
    "redriven": aws.redriven_run(),
    "nested": aws.nested_run(),
    "photos": aws.photos(),
}


# -- recordings ----------------------------------------------------------------------


def recorded(path: Path) -> list[Received]:
    """Read a recording, its records in the order of their arrival."""
    return list(RecordedFile(path).records())


RECORDINGS = {
    path.name.removesuffix(inputs.SUFFIX): path
    for path in sorted(inputs.RECORDINGS.glob(f"*{inputs.SUFFIX}"))
}


def watched(events: Sequence[dict[str, Any]], dice: Random) -> list[Received]:
    """Have a history of others watched: of what a lag, and some of it twice."""
    records = []
    for each in events:
        seen = parse_time(each["timestamp"]) + timedelta(seconds=dice.choice(_LAGS))
        data = {**each, "timestamp": iso(parse_time(each["timestamp"]))}
        records.append(receive(seen, RecordKind.HISTORY, aws.ARN, data))
    return [
        *records,
        *(aws.later(r, 9) for r in dice.sample(records, len(records) // 3)),
    ]


# -- what had come -------------------------------------------------------------------


def one_by_one(records: Sequence[Received]) -> Iterator[Received]:
    """Take lists of executions apart, whose items have times of their own."""
    for each in records:
        if each.kind == RecordKind.CHILDREN:
            for item in each.record["executions"]:
                data = {"executions": [item]}
                yield receive(each.at, each.kind, each.execution_arn, data)
        else:
            yield each


def moment_of(record: Received, clock: Clock) -> datetime | None:
    """Say when a record is from, by a clock; None for one that holds always."""
    kind, data = record.kind, record.record
    if kind == RecordKind.REQUEST:
        return maybe_time(data["sent_at"])
    if clock is Clock.ARRIVAL and record.at is not None:
        return record.at
    return _happened(record, data)


def _happened(record: Received, data: Any) -> datetime | None:
    kind, told = record.kind, data
    if kind in CALL_KINDS:
        second = data.get("EventTime") or data.get("eventTime") or data.get("eventtime")
        return parse_time(second) + timedelta(milliseconds=999)
    if kind in {RecordKind.HEALTH, RecordKind.DEFINITION}:
        return record.at if kind == RecordKind.HEALTH else None
    if kind == RecordKind.TASK_STATE:
        return maybe_time(data["detail"]["updatedAt"])
    if kind in EVENT_KINDS:
        return maybe_time(data.get("timestamp") or data.get("event_timestamp"))
    if kind == RecordKind.CHILDREN:
        told = data["executions"][0]
    stopped, started = maybe_time(told.get("stopDate")), maybe_time(told["startDate"])
    count = int_of(told.get("redriveCount")) or 0
    again = maybe_time(told.get("redriveDate")) or (record.at if count else None)
    asked = record.at if kind == RecordKind.MAP_RUN else again
    return stopped or asked or started


def had_come(
    records: Sequence[Received], moment: datetime, clock: Clock
) -> list[Received]:
    """Give what there was at a moment: an event counts once all lower ids have come."""
    first: dict[tuple[str, int], datetime] = {}
    for record in records:
        if record.kind in EVENT_KINDS:
            key = record.execution_arn or "", int(record.record["id"])
            told = moment_of(record, clock) or aws.START
            first[key] = min(first.get(key, told), told)
    missing: dict[str, int] = {}
    for arn, number in sorted(first):
        if first[arn, number] > moment:
            missing.setdefault(arn, number)

    def had(record: Received) -> bool:
        told = moment_of(record, clock)
        if told is not None and told > moment:
            return False
        if record.kind not in EVENT_KINDS:
            return True
        gap = missing.get(record.execution_arn or "")
        return gap is None or int(record.record["id"]) < gap

    return [record for record in records if had(record)]
