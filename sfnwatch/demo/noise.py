"""What else goes on in the account: the calls that a watcher has to leave out."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sfnwatch.demo.ids import Dice, arn
from sfnwatch.demo.runs import Run
from sfnwatch.demo.tasks import CLUSTER_ARN, Task, camel
from sfnwatch.demo.times import after, in_words
from sfnwatch.demo.trail import (
    Caller,
    Delivered,
    Event,
    by_states,
    deliver,
    in_role,
    user,
)

_ECS = "ecs.amazonaws.com"
_BEFORE = timedelta(minutes=12)
_AFTER = timedelta(minutes=6)
_AGENT_ROLE = arn("iam", "role/ecsInstanceRole")
_OTHER_MACHINE = "hourly-import"
_OTHER_ROLE = arn("iam", "role/service-role/StepFunctions-hourly-import-role-5d1c7f20")


def around(runs: Sequence[Run], epoch: datetime, dice: Dice) -> list[Delivered]:
    """Return other principals' calls from before the first run to after the last."""
    until = max([epoch, *(run.ends_at for run in runs)]) + _AFTER
    events = [
        *_agent(epoch - _BEFORE, until, dice),
        *_console(epoch - _BEFORE, until, dice),
        *_other_machine(epoch - _BEFORE, until, dice),
        *_onlookers(runs, dice),
    ]
    return [deliver(event, dice.lag()) for event in events]


def sampling_rules(role_arn: str, at: datetime, dice: Dice) -> Event:
    """Return X-Ray's question under a machine's role, which the role may not ask."""
    session = f"xray-daemon-{dice.digits(19)}"
    caller = in_role(
        role_arn, session, at, dice, address="198.51.100.7", user_agent="xray-daemon"
    )
    user_arn = caller.identity["arn"]
    action = "xray:GetSamplingRules"
    message = (
        f"User: {user_arn} is not authorized to perform: {action}"
        f" because no identity-based policy allows the {action} action"
    )
    return Event(
        at=at,
        source="xray.amazonaws.com",
        name="GetSamplingRules",
        caller=caller,
        request_id=dice.uuid(),
        event_id=dice.uuid(),
        error=("AccessDenied", message),
    )


def _every(
    low: float, high: float, start: datetime, until: datetime, dice: Dice
) -> Iterator[datetime]:
    at = after(start, dice.seconds(0, high))
    while at < until:
        yield at
        at = after(at, dice.seconds(low, high))


def _ecs(
    at: datetime,
    name: str,
    caller: Caller,
    dice: Dice,
    *,
    tasks: Sequence[str] = (),
) -> Event:
    named = {"tasks": list(tasks)} if tasks else {}
    return Event(
        at=at,
        source=_ECS,
        name=name,
        caller=caller,
        request_id=dice.uuid(),
        event_id=dice.uuid(),
        request={"cluster": CLUSTER_ARN} | named,
        read_only=name.startswith(("Describe", "List")),
    )


def _agent(start: datetime, until: datetime, dice: Dice) -> Iterator[Event]:
    """Yield an EC2 container instance telling ECS what its tasks do."""
    instance = f"i-0{dice.hex(16)}"
    for at in _every(35, 95, start, until, dice):
        caller = in_role(
            _AGENT_ROLE,
            instance,
            start,
            dice,
            user_agent="Amazon ECS Agent - v1.88.0 (linux) (+http://aws.amazon.com/ecs)",
        )
        name = dice.choice("SubmitTaskStateChange", "SubmitContainerStateChange")
        yield _ecs(at, name, caller, dice)


def _console(start: datetime, until: datetime, dice: Dice) -> Iterator[Event]:
    """Yield a person with the ECS console open."""
    caller = person(dice)
    for at in _every(50, 140, start, until, dice):
        name = dice.choice("DescribeClusters", "ListTasks", "DescribeServices")
        yield _ecs(at, name, caller, dice)


def person(dice: Dice) -> Caller:
    """Return that person, with a key of their own."""
    key_id = dice.key_id()
    return user("alice", key_id, address="203.0.113.24", user_agent="AWS Internal")


def _onlookers(runs: Sequence[Run], dice: Dice) -> Iterator[Event]:
    """Yield that person looking at the runs' own tasks: same task, other user."""
    for one in runs:
        call = next((call for call in one.calls if call.name == "RunTask"), None)
        if call is None:
            continue
        at = after(call.at, dice.seconds(21, 44))
        tasks = [call.job_arn]
        yield _ecs(at, "DescribeTasks", person(dice), dice, tasks=tasks)


def _other_machine(start: datetime, until: datetime, dice: Dice) -> Iterator[Event]:
    """Yield another state machine's tasks, made by Step Functions too."""
    for at in _every(240, 420, start, until, dice):
        task = Task.drawn(
            dice,
            family=_OTHER_MACHINE,
            created_at=at,
            started_by="AWS Step Functions",
        )
        yield _other_run(at, task, dice)
        for seconds in (56, 117):
            when = after(at, seconds)
            caller = by_states(_OTHER_ROLE, when, dice)
            yield _ecs(when, "DescribeTasks", caller, dice, tasks=[task.arn])


def _other_run(at: datetime, task: Task, dice: Dice) -> Event:
    request = {
        "cluster": "demo-cluster",
        "taskDefinition": _OTHER_MACHINE,
        "startedBy": task.started_by,
    }
    return Event(
        at=at,
        source=_ECS,
        name="RunTask",
        caller=by_states(_OTHER_ROLE, at, dice),
        request_id=dice.uuid(),
        event_id=dice.uuid(),
        request=request,
        response=camel({"Tasks": [task.provisioning(in_words)], "Failures": []}),
        read_only=False,
    )
