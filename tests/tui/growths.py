"""Runs of machines as a watch is told of them, with calls among them, in any order."""

import json
import random
from datetime import timedelta

from hypothesis import strategies as st

from sfnwatch.trace.events import From, Received
from sfnwatch.trace.history import HistoryEvent
from sfnwatch.trace.times import iso
from tests.builders import ACCOUNT, ARN, ROLE, START, call
from tests.trace.machines import Leaf, Map, Parallel, Run, Sequence, Task, machines

_DETAILS = {
    "StateEntered": "stateEnteredEventDetails",
    "StateExited": "stateExitedEventDetails",
}
_TASK = {"resourceType": "ecs", "resource": "runTask.sync"}
_BRANCHES = ((Task(0, catch=False),), (Task(2, catch=True), Leaf("Pass")))

CROWDS: st.SearchStrategy[Sequence] = st.builds(
    lambda items, limit: (
        Leaf("Pass"),
        Map((Task(1, catch=True), Leaf("Pass")), items, limit, catch=True),
        Parallel(_BRANCHES, 0, catch=True),
    ),
    items=st.integers(8, 14),
    limit=st.integers(0, 4),
)
"""Machines with a Map that may have so many iterations that they begin folded."""
MACHINES = machines() | CROWDS


def _task_arn(number: int) -> str:
    return f"arn:aws:ecs:us-east-1:{ACCOUNT}:task/c/{number:032x}"


def history_of(run: Run, pace: float, arn: str = ARN) -> list[Received]:
    """Tell a run's history, its seconds so many times as long."""
    return [_event(event, pace, arn) for event in run.events]


def _event(event: HistoryEvent, pace: float, arn: str) -> Received:
    at = START + (event.timestamp - START) * pace
    kind = "State" + event.type.rpartition("State")[2]
    key = f"{event.type[0].lower()}{event.type[1:]}EventDetails"
    details = dict(event.details)
    if event.type == "ExecutionStarted":
        details = {"roleArn": ROLE}
    if "resourceType" in details:
        details = dict(_TASK)
    if event.type in {"TaskSubmitted", "TaskSucceeded"}:
        task = {"TaskArn": _task_arn(event.previous_event_id)}
        ids = {"RequestId": f"request-{event.id}"}
        output = {"Tasks": [task], "SdkResponseMetadata": ids}
        details = {**_TASK, "output": json.dumps(output)}
    data = {
        "timestamp": iso(at),
        "type": event.type,
        "id": event.id,
        "previousEventId": event.previous_event_id,
        _DETAILS.get(kind, key): details,
    }
    return Received(at + timedelta(seconds=1), From.HISTORY, arn, data)


def calls_of(run: Run, pace: float, count: int, dice: random.Random) -> list[Received]:
    """Make up calls of a run's tasks, mostly polls, and some that nothing ties."""
    told = [e for e in run.events if e.type in {"TaskSubmitted", "TaskSucceeded"}]
    return [_call(number, told, pace, dice) for number in range(count)]


def _call(
    number: int, told: list[HistoryEvent], pace: float, dice: random.Random
) -> Received:
    key = f"call-{number}"
    if not told or dice.random() < 0.2:
        source = dice.choice(["ecs.amazonaws.com", "dynamodb.amazonaws.com"])
        return call("ListThings", dice.uniform(-3, 9 * pace), key=key, source=source)
    event = dice.choice(told)
    task, at = _task_arn(event.previous_event_id), event.timestamp - START
    seconds = at.total_seconds() * pace
    if dice.random() < 0.3:
        return call(
            "RunTask",
            seconds - dice.choice([0, 0.5, 1, 2]),
            key=key,
            request_id=f"request-{event.id}",
            response={"tasks": [{"taskArn": task}]},
        )
    denied = ("AccessDenied", f"not authorized: {task}")
    return call(
        "DescribeTasks",
        seconds + dice.uniform(0, 30 * pace),
        key=key,
        parameters={"tasks": [task]},
        error=denied if dice.random() < 0.1 else None,
    )
