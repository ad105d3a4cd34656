"""The scenarios: state machines, and what each attempt of their Tasks comes to.

Plain data, cheap to import: the command line names the scenarios in its help. The
larger machines are in `templates/machines`, in Amazon States Language. They give a
nested execution its parent's id as AWS recommends, so that its console can show the two
together.

`three-ways` is a published experiment: the three forms of `ecs:runTask` at once on one
role, and beside them `.sync` again on a role that may not poll. Its poll times are
seconds after RunTask, as recorded: `.sync` polled at +55, +114, +177, +232 and +293 s,
without permission at +60, +116, +182, +237 and +298 s. When the task stopped is not in
that record; it is set so that no poll falls between the stop and the end of the state,
which is how a completion by event looks.

`pipeline` and `distributed` are made up. They poll at the recorded cadence; that
DescribeExecution is called as often as DescribeTasks is inferred. So is how the history
of `redrive` looks: the state that failed is scheduled again without being entered
again, what had succeeded is left alone, and the counts of the Retry field start over.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2s
from itertools import cycle, islice
from typing import Any, TypeAlias

import msgspec
from msgspec.structs import replace

from sfnwatch.demo.formats import Json, arn
from sfnwatch.templates import read_template


class TaskRun(msgspec.Struct, frozen=True):
    """A run of an ECS task. Seconds count from the RunTask call."""

    stops_after: float = 0.0
    completion_lag: float = 0.0
    """Seconds from the stop to TaskSucceeded or TaskFailed."""
    polls: tuple[int, ...] = ()
    exit_code: int = 0


class Invocation(msgspec.Struct, frozen=True):
    """A run of a Lambda function."""

    seconds: float
    payload: Mapping[str, Any] = {}
    """What it returns."""
    error: tuple[str, str] | None = None
    """Type and message of what it raises instead."""


class NestedExecution(msgspec.Struct, frozen=True):
    """An execution of another machine, which succeeds."""

    scenario: "Scenario"
    completion_lag: float
    polls: tuple[int, ...] = ()
    """Seconds after the StartExecution call."""


Attempt: TypeAlias = TaskRun | Invocation | NestedExecution
Attempts: TypeAlias = Mapping[str, tuple[Attempt, ...]]
"""By the Task's name; the iterations of a Map use them up one after the other."""


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """A state machine, and what happens to an execution of it."""

    name: str
    machine: str
    """The state machine's name."""
    states: Mapping[str, Any]
    """In Amazon States Language; it starts at the first one."""
    attempts: Attempts = {}
    input: Mapping[str, Any] | None = None
    """Without one, what a schedule would give."""
    polls_denied: bool = False
    redriven_after: tuple[float, ...] = ()
    """Seconds after each failure at which somebody redrives the execution."""
    role: str = ""
    """What its role is named after; by default each machine has a role of its own."""
    child_attempts: Sequence[Attempts] = ()
    """For each child execution of its Map Run, in the order of the items."""
    days_before: tuple[int, ...] = (1, 2)
    """How many days ago the machine's earlier executions were."""

    @property
    def arn(self) -> str:
        """Return the state machine's ARN."""
        return arn("states", f"stateMachine:{self.machine}")

    @property
    def role_arn(self) -> str:
        """Return the role of the machine, on the path where the console puts it.

        CloudTrail keeps only its name in the ARN of a session.
        """
        owner = self.role or self.machine
        suffix = blake2s(owner.encode(), digest_size=4).hexdigest()
        return arn("iam", f"role/service-role/StepFunctions-{owner}-role-{suffix}")

    @property
    def start_at(self) -> str:
        return next(iter(self.states))

    @property
    def definition(self) -> str:
        """Return the machine in Amazon States Language."""
        machine = {
            "Comment": "Synthetic: a machine of the sfnwatch demo",
            "StartAt": self.start_at,
            "States": self.states,
        }
        return json.dumps(machine, indent=2)


def _scenario(name: str, machine: str, **happens: Any) -> Scenario:
    """Return a scenario whose machine has a file of its own."""
    whole = json.loads(read_template(f"machines/{machine}.asl.json"))
    return Scenario(name=name, machine=machine, states=whole["States"], **happens)


# `pipeline`: an order on its way through a shop, with everything in it.
_SHIP_PARCEL = _scenario("ship-parcel", "ship-parcel")


def _label(parcel: str, seconds: float) -> Invocation:
    return Invocation(seconds, {"parcel": parcel, "label": f"labels/{parcel}.pdf"})


_ORDER_ATTEMPTS: Attempts = {
    "Render invoice": (TaskRun(68.7, 1.6, polls=(56,)),),
    "Build index": (TaskRun(121.2, 1.3, polls=(54, 113)),),
    "Label": (
        _label("P-1", 2.1),
        _label("P-2", 3.4),
        Invocation(1.9, error=("OutOfPaper", "Printer 2 is out of paper")),
        _label("P-3", 2.4),
        _label("P-4", 2.8),
    ),
    "Charge card": (
        Invocation(1.6, error=("CardDeclined", "The bank declined the card")),
    ),
    "Ask for another card": (Invocation(14.8, {"receipt": "R-20711"}),),
    "Ship": (NestedExecution(_SHIP_PARCEL, 1.4, polls=(57,)),),
}
_CITIES = {"P-1": "Oslo", "P-2": "Lima", "P-3": "Kyoto", "P-4": "Accra"}
_PIPELINE = _scenario(
    "pipeline",
    "order-pipeline",
    attempts=_ORDER_ATTEMPTS,
    input={
        "order": {"id": "A-1042", "total": 1843, "currency": "EUR"},
        "parcels": [{"id": parcel, "to": city} for parcel, city in _CITIES.items()],
    },
)

# `distributed`: photos made smaller, each by a child execution of a Map Run.
_PHOTOS = 40
_SECONDS = (31.0, 12.4, 55.8, 17.2, 40.6, 22.9, 28.3, 9.7, 36.5)
_BIG = {
    3: TaskRun(76.2, 1.4, polls=(56,)),
    11: TaskRun(118.9, 1.7, polls=(54, 113)),
    19: TaskRun(71.5, 1.2, polls=(55,)),
    24: TaskRun(97.3, 1.6, polls=(57,)),
    33: TaskRun(68.8, 1.5, polls=(55,)),
}
_TRIES = 2
_UNREADABLE = {7: 2, 13: 1, 20: 2, 34: 2}
"""At how many of their tries they can't be read."""
_COVERS = (5, 26)

_CHECK_RIGHTS = _scenario("check-rights", "check-rights")


def _photos() -> Iterator[Json]:
    for index in range(_PHOTOS):
        megapixels = 102 if index in _BIG else 24
        cover = index in _COVERS
        yield {"id": f"P-{101 + index}", "megapixels": megapixels, "cover": cover}


def _photo_attempts() -> Iterator[Attempts]:
    """Yield what happens to each photo."""
    unreadable = Invocation(3.1, error=("UnreadableImage", "Not a photo: no header"))
    for index, seconds in enumerate(islice(cycle(_SECONDS), _PHOTOS)):
        done = Invocation(seconds, {"by": "resize-photo"})
        yield {
            "Resize": (*[unreadable] * _UNREADABLE.get(index, 0), done)[:_TRIES],
            "Resize on Fargate": (_BIG[index],) if index in _BIG else (),
            "Check rights": (NestedExecution(_CHECK_RIGHTS, 1.3),),
        }


_DISTRIBUTED = _scenario(
    "distributed",
    "resize-photos",
    input={"photos": list(_photos())},
    child_attempts=tuple(_photo_attempts()),
)


_NOT_WAITED_FOR = TaskRun()


def _one_task(
    name: str,
    machine: str,
    way: str,
    attempt: TaskRun = _NOT_WAITED_FOR,
    *,
    state: str = "ECS RunTask",
    **fields: Any,
) -> Scenario:
    """Return a scenario of a machine with one ECS state."""
    subnets = ["subnet-0123456789abcdef0"]
    groups = ["sg-0123456789abcdef0"]
    network = {"Subnets": subnets, "SecurityGroups": groups}
    parameters = {
        "Cluster": "demo-cluster",
        "TaskDefinition": machine,
        "LaunchType": "FARGATE",
        "PlatformVersion": "1.4.0",
        "NetworkConfiguration": {"AwsvpcConfiguration": network},
    }
    task = {
        "Type": "Task",
        "Resource": f"arn:aws:states:::{way}",
        "Parameters": parameters,
        "End": True,
    }
    attempts = {state: (attempt,)}
    return Scenario(
        name=name, machine=machine, states={state: task}, attempts=attempts, **fields
    )


_SYNC = "ecs:runTask.sync"
_ASYNC = "ecs:runTask"
_SDK = "aws-sdk:ecs:runTask"
_POLLED = TaskRun(306.4, 1.9, polls=(55, 114, 177, 232, 293))
_UNPOLLED = TaskRun(309.1, 1.6, polls=(60, 116, 182, 237, 298))
_DENIED: Any = {"attempt": _UNPOLLED, "polls_denied": True}
_FAILS = TaskRun(74.3, 1.4, polls=(57,), exit_code=1)
_SUCCEEDS = TaskRun(131.8, 1.7, polls=(58, 117))
_FAILS_AGAIN = replace(_SUCCEEDS, exit_code=1)
_ALL = (
    _one_task("sync", "nightly-report", _SYNC, _POLLED),
    _one_task("sync-denied", "nightly-report-unpolled", _SYNC, **_DENIED),
    _one_task("async", "send-newsletter", _ASYNC),
    _one_task("sdk", "warm-cache", _SDK, state="RunTask"),
    _one_task("three-ways-sync", "run-task-sync", _SYNC, _POLLED, role="run-task"),
    _one_task("three-ways-async", "run-task-async", _ASYNC, role="run-task"),
    _one_task("three-ways-sdk", "run-task-sdk", _SDK, role="run-task"),
    _one_task("three-ways-denied", "run-task-denied", _SYNC, **_DENIED),
    _PIPELINE,
    _DISTRIBUTED,
    _scenario(
        "redrive",
        "monthly-invoices",
        attempts={"Write invoices": (_FAILS, _SUCCEEDS)},
        redriven_after=(368.0,),
    ),
    _scenario("failure", "import-orders", attempts={"Import": (_FAILS, _FAILS_AGAIN)}),
)

PLANS: Mapping[str, Scenario] = {scenario.name: scenario for scenario in _ALL}
"""By name: each of SCENARIOS, and all that TOGETHER has."""
THREE_WAYS = "three-ways"
TOGETHER = {THREE_WAYS: tuple(name for name in PLANS if name.startswith(THREE_WAYS))}
"""Those of several executions, to the names of their plans."""
SCENARIOS = tuple(name for name in PLANS if not name.startswith(THREE_WAYS))
"""Those of one execution each."""


def plans_of(scenario: str) -> tuple[str, ...]:
    """Return the names of the plans of a scenario's executions."""
    return TOGETHER.get(scenario, (scenario,))
