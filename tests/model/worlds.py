"""Whole worlds at random, recordings of real watches, and what of them had come when.

Synthetic: machines run as in `machines.py`, each of their tasks is an ECS task with the
calls that Step Functions makes for it, and all of that comes late, twice, in no order.
"""

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
from sfnwatch.model.time_axis import TimeAxis
from sfnwatch.model.times import iso, maybe_time, parse_time
from sfnwatch.model.values import int_of
from sfnwatch.recording.recorded_file import RecordedFile
from tests import builders as aws
from tests.golden import inputs
from tests.model.machines import MACHINES, Run, States, dice_of

_END = 120
"""About how many seconds a world lasts."""
_LAGS = (0.5, 1, 1, 2, 30, 200)


def _told(run: Run, dice: Random) -> Iterator[Received]:
    """Tell of one execution, with the calls that are made for it; all of it late."""
    arn = run.history.arn
    yield aws.definition(run.definition, arn=arn, seen=-1)
    for _ in range(dice.randrange(3)):
        yield _description(arn, dice)
    for event in run.history.records:
        late = aws.later(event, dice.choice(_LAGS))
        yield aws.logged(late) if arn == aws.EXPRESS_ARN else late
        if event.record["type"] == "TaskScheduled":
            yield from _job(run, event.record["id"], dice)


def _description(arn: str, dice: Random) -> Received:
    status = dice.choice(["RUNNING", "SUCCEEDED", "FAILED", "PENDING_REDRIVE"])
    stopped = dice.uniform(1, _END)
    more = {"redriveCount": dice.randrange(3)} if dice.random() < 0.5 else {}
    seen = stopped + dice.choice(_LAGS)
    return aws.describe(status, arn=arn, seen=seen, stopped=stopped, **more)


def _job(run: Run, number: int, dice: Random) -> Iterator[Received]:
    task, pace = run.task_of(number), run.history.pace
    seconds, name = number * pace, f"{run.history.arn[-4:]}-{number}"
    lags = [2, 130, 600]
    response = {"tasks": [{"taskArn": task}]}
    late = dice.choice(lags)
    yield aws.call("RunTask", seconds, key=f"run-{name}", response=response, lag=late)
    for poll in range(dice.randrange(4)):
        seconds += dice.choice([0, 1, pace, 30])
        denied = dice.random() < 0.2
        yield aws.call(
            "DescribeTasks",
            seconds,
            key=f"poll-{name}-{poll}",
            parameters=None if denied else {"tasks": [task]},
            error=aws.DENIED if denied else None,
            lag=dice.choice(lags),
        )
    if dice.random() < 0.5:
        for version in range(1, dice.randint(2, 4)):
            status = dice.choice(["RUNNING", "STOPPED"])
            seconds += dice.uniform(0, 3)
            lag = dice.choice(_LAGS)
            yield aws.task_state(version, status, seconds, task=task, lag=lag)


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
        dice = dice_of(self.seed)
        records = [r for r in _strangers() if dice.random() < 0.5]
        arns = (aws.ARN, aws.OTHER_ARN, aws.EXPRESS_ARN)
        for machine, arn in zip(self.machines, arns, strict=False):
            alike, pace = dice.random() < 0.5, dice.choice([0.1, 0.4, 3.0])
            seed = dice.randrange(2**32)
            run = Run(machine, seed, 0.3, alike=alike, arn=arn, pace=pace)
            for _ in range(dice.randrange(3)):
                run.redrive()
            records += _told(run, dice)
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


def moment_of(record: Received, clock: TimeAxis) -> datetime | None:
    """Say when a record is from, by a clock; None for one that holds always."""
    kind, data = record.kind, record.record
    if kind == RecordKind.REQUEST:
        return maybe_time(data["sent_at"])
    if clock is TimeAxis.ARRIVAL and record.at is not None:
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
    records: Sequence[Received], moment: datetime, clock: TimeAxis
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
