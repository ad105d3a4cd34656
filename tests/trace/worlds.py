"""Whole worlds at random: executions, their calls, tasks and how the watching went.

Synthetic: machines run as in `machines`, and each of their tasks is an ECS task with
the calls that Step Functions makes for it, some of them denied.
"""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from sfnwatch.trace.events import From, Received
from sfnwatch.trace.history import HistoryEvent
from sfnwatch.trace.times import iso
from tests.builders import ACCOUNT, ARN, REGION, START, call, describe, health, sync_run
from tests.ecs import task_life, task_state
from tests.redriven import redriven_run
from tests.trace.calling import OTHER_ARN, row, started
from tests.trace.families import FAMILIES, photos, three_levels
from tests.trace.machines import Run, machines
from tests.trace.machines import Sequence as States

_SYNC = {"resourceType": "ecs", "resource": "runTask.sync"}
_DENIED = ("AccessDenied", "not authorized to perform: ecs:DescribeTasks")
_END = 400


@dataclass(frozen=True)
class _Told:
    """One machine's run, as it is told of in AWS's words."""

    arn: str
    events: Sequence[HistoryEvent]
    pace: float
    """Seconds from one event to the next."""
    dice: random.Random

    def records(self) -> Iterator[Received]:
        if self.dice.random() < 0.5:
            yield describe("RUNNING", arn=self.arn)
        yield from started(self.arn)
        task = 0
        for event in self.events[1:]:
            task = event.id if event.type == "TaskScheduled" else task
            yield self._event(event, task)
            if event.type == "TaskScheduled":
                yield from self._job(event.id)
        if self.dice.random() < 0.5:
            yield describe(self.dice.choice(["SUCCEEDED", "ABORTED"]), arn=self.arn)

    def _event(self, event: HistoryEvent, task: int) -> Received:
        details = dict(event.details)
        if event.type.startswith("Task") and "State" not in event.type:
            details |= _SYNC
        if event.type in {"TaskSucceeded", "TaskFailed"}:
            stopped = START + timedelta(seconds=(event.id - 0.9) * self.pace)
            job: dict[str, Any] = {"TaskArn": self._task(task)}
            if self.dice.random() < 0.7:
                job["StoppedAt"] = round(stopped.timestamp() * 1000)
            key = "output" if event.type == "TaskSucceeded" else "cause"
            details[key] = json.dumps(job)
        if event.type.endswith("Failed"):
            details["error"] = self.dice.choice(["Bad", "Worse"])
        data: dict[str, Any] = {
            "id": event.id,
            "type": event.type,
            "previousEventId": event.previous_event_id,
            "timestamp": iso(START + timedelta(seconds=event.id * self.pace)),
            "anyEventDetails": details,
        }
        seen = START + timedelta(seconds=event.id * self.pace + 1)
        return Received(seen, From.HISTORY, self.arn, data)

    def _task(self, number: int) -> str:
        run = self.arn.rsplit("-", 1)[-1]
        return f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/my-cluster/{run}{number:028x}"

    def _job(self, number: int) -> Iterator[Received]:
        dice, task, at = self.dice, self._task(number), number * self.pace
        name = f"{self.arn[-4:]}-{number}"
        answer = {"tasks": [{"taskArn": task}]}
        yield call("RunTask", at, key=f"run-{name}", response=answer)
        for poll in range(dice.randint(0, 4)):
            at += dice.choice([0, 1, self.pace, 61])
            denied = dice.random() < 0.2
            yield call(
                "DescribeTasks",
                at,
                key=f"poll-{name}-{poll}",
                parameters=None if denied else {"tasks": [task]},
                error=_DENIED if denied else None,
            )
        if dice.random() < 0.3:
            yield task_state(1, "RUNNING", at, task=task)
            yield task_state(2, "STOPPED", at + self.pace, task=task)


def _run(
    machine: States, seed: int, pace: float, arn: str, *, alike: bool
) -> list[Received]:
    events = Run(machine, seed, 0.3, alike=alike).events
    return list(_Told(arn, events, pace, random.Random(seed)).records())  # noqa: S311


def _around() -> list[Received]:
    """Build calls by others, of X-Ray, by sfnwatch itself, and rows of a table."""
    return [
        call("RunTask", 5, key="o", role=f"arn:aws:iam::{ACCOUNT}:role/other"),
        call("GetSamplingRules", 5, key="x", source="xray.amazonaws.com"),
        call("AssumeRole", 5, key="a", source="sts.amazonaws.com"),
        call("LookupEvents", 9, key="own", user_agent="sfnwatch/1", invoked_by=None),
        row("RunTask", 1),
        row("DescribeTasks", 60),
        row("LookupEvents", 9, eventid="own"),
    ]


def _mark(seconds: int, at: int, state: str) -> Received:
    """Say up to when calls are known; 0: it is not known."""
    more = {"complete_to": iso(START + timedelta(seconds=seconds))} if seconds else {}
    return health("lookup", state, at, **more)


_RUN = st.builds(
    _run,
    machines(),
    st.integers(0, 2**16),
    st.sampled_from([0.1, 0.4, 7.0]),
    st.sampled_from([ARN, OTHER_ARN]),
    alike=st.booleans(),
)
_WHOLE = st.sampled_from(
    [
        [*sync_run(), *task_life()],
        sync_run(denied=True),
        redriven_run(),
        photos(),
        three_levels(),
    ]
)
_MARKS = st.lists(
    st.builds(
        _mark,
        st.integers(0, _END),
        st.integers(0, _END),
        st.sampled_from(["live", "throttled", "ended"]),
    ),
    max_size=5,
)

WORLDS: st.SearchStrategy[list[Received]] = st.builds(
    lambda *parts: [record for part in parts for record in part],
    _RUN | _WHOLE | FAMILIES,
    st.just([]) | _RUN | _WHOLE,
    st.lists(st.sampled_from(_around()), max_size=7),
    _MARKS,
)
"""Records in the order in which they came to be, more or less."""
