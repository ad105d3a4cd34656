"""The scenarios: state machines, and what each attempt of their Tasks comes to.

Plain data, cheap to import: the command line names the scenarios in its help.

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

from sfnwatch.demo.formats import SUBNET, Json, arn


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


def _task(resource: str, parameters: Json, **fields: Any) -> Json:
    whole = f"arn:aws:states:::{resource}"
    return {"Type": "Task", "Resource": whole, "Parameters": parameters} | fields


def _run_task(family: str, way: str = "ecs:runTask.sync", **fields: Any) -> Any:
    network = {"Subnets": [SUBNET], "SecurityGroups": ["sg-0123456789abcdef0"]}
    parameters = {
        "Cluster": "demo-cluster",
        "TaskDefinition": family,
        "LaunchType": "FARGATE",
        "PlatformVersion": "1.4.0",
        "NetworkConfiguration": {"AwsvpcConfiguration": network},
    }
    return _task(way, parameters, **fields)


def _invoke(function: str, payload: Json, **fields: Any) -> Json:
    name = {"FunctionName": arn("lambda", f"function:{function}:$LATEST")}
    return _task("lambda:invoke", name | payload, **fields)


def _start_execution(nested: Scenario, data: Json, **fields: Any) -> Any:
    # What AWS recommends, so that its console can show the two executions together.
    started_by = {"AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID.$": "$$.Execution.Id"}
    parameters = {"StateMachineArn": nested.arn, "Input": data | started_by}
    return _task("states:startExecution.sync:2", parameters, **fields)


def _choice(
    variable: str, test: Mapping[str, object], following: str, default: str
) -> Json:
    rule = {"Variable": variable, **test, "Next": following}
    return {"Type": "Choice", "Choices": [rule], "Default": default}


def _processor(states: Json, **config: str) -> Json:
    start_at = next(iter(states))
    return {"ProcessorConfig": config, "StartAt": start_at, "States": states}


def _retry(error: str, seconds: int, attempts: int) -> list[Json]:
    pace = {"IntervalSeconds": seconds, "MaxAttempts": attempts, "BackoffRate": 2}
    return [{"ErrorEquals": [error]} | pace]


def _result(path: str, following: str, **selected: str) -> Json:
    """Return the fields that select a result, put it somewhere, and go on."""
    selector = {f"{name}.$": where for name, where in selected.items()}
    return {"ResultSelector": selector, "ResultPath": path, "Next": following}


# `pipeline`: an order on its way through a shop, with everything in it.
_SHIP_PARCEL = Scenario(
    name="ship-parcel",
    machine="ship-parcel",
    states={
        "Pick a carrier": {
            "Type": "Pass",
            "Parameters": {"order.$": "$.order", "carrier": "Northbound"},
            "Next": "On the road",
        },
        "On the road": {"Type": "Wait", "Seconds": 62, "Next": "Delivered"},
        "Delivered": {"Type": "Succeed"},
    },
)
_DOCUMENTS = {"Render invoice": "render-invoice", "Build index": "build-index"}
_PREPARE = {
    "Type": "Parallel",
    "Branches": [
        {"StartAt": name, "States": {name: _run_task(family, End=True)}}
        for name, family in _DOCUMENTS.items()
    ],
    **_result(
        "$.documents", "Each parcel", invoice="$[0].TaskArn", index="$[1].TaskArn"
    ),
}
_LABEL = _invoke(
    "print-label",
    {"Payload.$": "$"},
    OutputPath="$.Payload",
    Retry=_retry("OutOfPaper", 8, 2),
    End=True,
)
_EACH_PARCEL = {
    "Type": "Map",
    "ItemsPath": "$.parcels",
    "ItemProcessor": _processor({"Label": _LABEL}, Mode="INLINE"),
    "ResultPath": "$.labels",
    "Next": "Charge card",
}
_DECLINED = {
    "ErrorEquals": ["CardDeclined"],
    "ResultPath": "$.declined",
    "Next": "Ask for another card",
}
_CHARGED = _result("$.payment", "Ship", receipt="$.Payload.receipt")
_ORDER_STATES = {
    "Big order?": _choice(
        "$.order.total", {"NumericGreaterThan": 1000}, "Prepare", "Each parcel"
    ),
    "Prepare": _PREPARE,
    "Each parcel": _EACH_PARCEL,
    "Charge card": _invoke(
        "charge-card",
        {"Payload": {"order.$": "$.order.id", "amount.$": "$.order.total"}},
        Catch=[_DECLINED],
        **_CHARGED,
    ),
    "Ask for another card": _invoke(
        "ask-for-another-card",
        {"Payload": {"order.$": "$.order.id", "reason.$": "$.declined.Error"}},
        **_CHARGED,
    ),
    "Ship": _start_execution(
        _SHIP_PARCEL,
        {"order.$": "$.order.id", "labels.$": "$.labels"},
        **_result("$.shipment", "Done", carrier="$.Output.carrier"),
    ),
    "Done": {"Type": "Succeed"},
}


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
_PIPELINE = Scenario(
    name="pipeline",
    machine="order-pipeline",
    states=_ORDER_STATES,
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

_CHECK_RIGHTS = Scenario(
    name="check-rights",
    machine="check-rights",
    states={
        "Ask the agency": {"Type": "Wait", "Seconds": 24, "Next": "Granted"},
        "Granted": {"Type": "Succeed"},
    },
)
_PHOTO_STATES = {
    "Big?": _choice(
        "$.megapixels", {"NumericGreaterThan": 60}, "Resize on Fargate", "Resize"
    ),
    "Resize": _invoke(
        "resize-photo",
        {"Payload.$": "$"},
        Retry=_retry("UnreadableImage", 6, 1),
        **_result("$.small", "Cover?", by="$.Payload.by"),
    ),
    "Resize on Fargate": _run_task(
        "resize-photo", **_result("$.small", "Cover?", by="$.TaskArn")
    ),
    "Cover?": _choice("$.cover", {"BooleanEquals": True}, "Check rights", "Resized"),
    "Check rights": _start_execution(
        _CHECK_RIGHTS,
        {"photo.$": "$.id"},
        **_result("$.rights", "Resized", status="$.Status"),
    ),
    "Resized": {"Type": "Succeed"},
}
_DISTRIBUTED_MODE = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
_EACH_PHOTO = {
    "Type": "Map",
    "Label": "EachPhoto",
    "ItemsPath": "$.photos",
    "ItemProcessor": _processor(_PHOTO_STATES, **_DISTRIBUTED_MODE),
    "End": True,
    "MaxConcurrency": 8,
    "ToleratedFailurePercentage": 10,
    "ResultPath": "$.resized",
}


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
        resize = (*[unreadable] * _UNREADABLE.get(index, 0), done)[:_TRIES]
        found: dict[str, tuple[Attempt, ...]] = {"Resize": resize}
        found["Check rights"] = (NestedExecution(_CHECK_RIGHTS, 1.3),)
        found["Resize on Fargate"] = (_BIG[index],) if index in _BIG else ()
        yield found


_DISTRIBUTED = Scenario(
    name="distributed",
    machine="resize-photos",
    states={"Each photo": _EACH_PHOTO},
    input={"photos": list(_photos())},
    child_attempts=tuple(_photo_attempts()),
)

_FAILS = TaskRun(74.3, 1.4, polls=(57,), exit_code=1)
_SUCCEEDS = TaskRun(131.8, 1.7, polls=(58, 117))
_FAILS_AGAIN = TaskRun(131.8, 1.7, polls=(58, 117), exit_code=1)
_WRITE_INVOICES = _run_task("monthly-invoices", ResultPath="$.task", Next="Sent")
_REDRIVE = Scenario(
    name="redrive",
    machine="monthly-invoices",
    states={
        "Prepare": {"Type": "Pass", "Next": "Write invoices"},
        "Write invoices": _WRITE_INVOICES,
        "Sent": {"Type": "Pass", "End": True},
    },
    attempts={"Write invoices": (_FAILS, _SUCCEEDS)},
    redriven_after=(368.0,),
)


def _one_task(
    name: str,
    machine: str,
    way: str,
    *attempts: TaskRun,
    state: str = "ECS RunTask",
    more: Mapping[str, Any] = {},
    **fields: Any,
) -> Scenario:
    """Return a machine with one ECS state, whose definition has `more`."""
    return Scenario(
        name=name,
        machine=machine,
        states={state: _run_task(machine, way, **more, End=True)},
        attempts={state: attempts or (TaskRun(),)},
        **fields,
    )


_SYNC, _ASYNC, _SDK = "ecs:runTask.sync", "ecs:runTask", "aws-sdk:ecs:runTask"
_POLLED = TaskRun(306.4, 1.9, polls=(55, 114, 177, 232, 293))
_DENIED = TaskRun(309.1, 1.6, polls=(60, 116, 182, 237, 298))
_ALL = (
    _one_task("sync", "nightly-report", _SYNC, _POLLED),
    _one_task(
        "sync-denied", "nightly-report-unpolled", _SYNC, _DENIED, polls_denied=True
    ),
    _one_task("async", "send-newsletter", _ASYNC),
    _one_task("sdk", "warm-cache", _SDK, state="RunTask"),
    _one_task("three-ways-sync", "run-task-sync", _SYNC, _POLLED, role="run-task"),
    _one_task("three-ways-async", "run-task-async", _ASYNC, role="run-task"),
    _one_task("three-ways-sdk", "run-task-sdk", _SDK, role="run-task"),
    _one_task(
        "three-ways-denied", "run-task-denied", _SYNC, _DENIED, polls_denied=True
    ),
    _PIPELINE,
    _DISTRIBUTED,
    _REDRIVE,
    _one_task(
        "failure",
        "import-orders",
        _SYNC,
        _FAILS,
        _FAILS_AGAIN,
        state="Import",
        more={"Retry": _retry("States.TaskFailed", 20, 1)},
    ),
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


def chosen(scenarios: Sequence[str | Scenario]) -> list[Scenario]:
    """Return the plans that are named or given, each once; raises ValueError."""
    names = [each for each in scenarios if isinstance(each, str)]
    unknown = [name for name in names if name not in PLANS]
    if unknown or not scenarios:
        found = ", ".join(unknown) or "none"
        raise ValueError(f"unknown scenario {found}: choose from {', '.join(PLANS)}")
    plans = [PLANS[each] if isinstance(each, str) else each for each in scenarios]
    return list({plan.name: plan for plan in plans}.values())
