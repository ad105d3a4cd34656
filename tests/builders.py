"""Records as AWS would send them, for the tests of every room.

Synthetic, in the shapes of recorded ones; names and times are those of the experiment
that the tool grew out of. Everywhere seconds are counted from `START`.

- `received` makes a record of any JSON value, `later` and `undated` make another of
  it that came later, or is from a file.
- `History` writes an execution's history state by state, as AWS orders its events;
  `history` writes one down line by line, where a test is about that order.
- `api_call` is one CloudTrail record; `lookup`, `trail` and `athena` hand it over in
  the three forms that records come in; `call` does the first two steps at once.
- `describe`, `definition`, `health`, `request`, `task_state`, `counted` (a Map Run),
  `listing` (its executions) and `machine_executions` are the other kinds.
- `sync_run`, `redriven_run`, `nested_run`, `photos` … are whole runs.

    run = History().start().task("Import", SYNC, submitted=TASKS).end()
    trace.add([*run.records, call("RunTask", 1, key="run")])
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from msgspec.structs import replace

from sfnwatch.model.records import Received, RecordKind, receive
from sfnwatch.model.times import iso

START = datetime(2023, 11, 15, 0, 28, 24, 102000, tzinfo=UTC)
ACCOUNT = "123456789012"
REGION = "ap-northeast-1"
HEAD = f"arn:aws:states:{REGION}:{ACCOUNT}"
MACHINE_ARN = f"{HEAD}:stateMachine:nightly-report"
ARN = f"{HEAD}:execution:nightly-report:run-7f3a"
OTHER_ARN = f"{HEAD}:execution:nightly-report:run-0002"
"""Another execution of the same machine, and so of the same role."""
CHILD_ARN = f"{HEAD}:execution:archive:run-7f3a-child"
EXPRESS_ARN = f"{HEAD}:express:nightly-report:run-7f3a:4135929f-8d60-4ea5-b3c3-b243bec4"
MAP_RUN_ARN = f"{HEAD}:mapRun:nightly-report/Each:276e5993-0000-4000-8000-000000000000"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/StepFunctions-sync-role"
SESSION = "BmhovYkXBawuygrHoBxDrrpmDaQlMwtW"
"""Step Functions names each role session by 32 random letters."""
TASK_ID = "9f018ef6137048da851150c5c6670355"
TASK_ARN = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/my-cluster/{TASK_ID}"
POLLS = (55, 114, 177, 232, 293)
"""Seconds from RunTask to each DescribeTasks of the experiment."""

Which = Mapping[str, Any]
"""What a Task calls, in the words of its TaskScheduled event."""
SYNC: Which = {"resourceType": "ecs", "resource": "runTask.sync"}
REQUEST_RESPONSE: Which = {"resourceType": "ecs", "resource": "runTask"}
SDK: Which = {"resourceType": "aws-sdk:ecs", "resource": "runTask"}
DESCRIBE_SDK: Which = {"resourceType": "aws-sdk:ecs", "resource": "describeTasks"}
NESTED: Which = {"resourceType": "states", "resource": "startExecution.sync:2"}
LAMBDA: Which = {"resource": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"}
ACTIVITY: Which = {"resource": f"{HEAD}:activity:approve"}


def at(seconds: float) -> datetime:
    """Give the moment so many seconds after `START`."""
    return START + timedelta(seconds=seconds)


def milliseconds(seconds: float) -> int:
    """Give that moment as ECS's outputs have it."""
    return round(at(seconds).timestamp() * 1000)


# -- records ----------------------------------------------------------------------


def received(
    kind: str, record: Any, seen: float | None = None, arn: str | None = None
) -> Received:
    """Make a record that came `seen` seconds after the start; None: of a file."""
    return receive(None if seen is None else at(seen), kind, arn, record)


def later(record: Received, seconds: float) -> Received:
    """Make the same record, seen again later."""
    assert record.at is not None
    return replace(record, at=record.at + timedelta(seconds=seconds))


def undated(record: Received) -> Received:
    """Make the same record out of a file, which does not say when it came."""
    return replace(record, at=None)


def changed(record: Received, **changes: Any) -> Received:
    """Make one with other values at the top of its object; `...` leaves one out."""
    data = {k: v for k, v in {**record.record, **changes}.items() if v is not ...}
    return receive(record.at, record.kind, record.execution_arn, data)


def in_order(records: Iterable[Received]) -> list[Received]:
    """Sort records by their arrival."""
    return sorted(records, key=lambda record: record.at or START)


# -- histories --------------------------------------------------------------------


def event(
    number: int,
    kind: str,
    seconds: float,
    *,
    previous: int | None = None,
    arn: str = ARN,
    seen: float | None = None,
    **details: Any,
) -> Received:
    """Build a history event; it follows the one before, and is seen a second later."""
    before = number - 1 if previous is None else previous
    data: dict[str, Any] = {
        "timestamp": iso(at(seconds)),
        "type": kind,
        "id": number,
        "previousEventId": 0 if number <= 2 and previous is None else before,
    }
    if details:
        data[_details_key(kind)] = details
    return received(
        RecordKind.HISTORY, data, seconds + 1 if seen is None else seen, arn
    )


def _details_key(kind: str) -> str:
    shared = next(
        (s for s in ("StateEntered", "StateExited") if kind.endswith(s)), kind
    )
    return f"{shared[0].lower()}{shared[1:]}EventDetails"


class History:
    """Writes one execution's history; its methods give it back, to go on writing.

    An event comes `pace` seconds after the one before and is seen `lag` seconds later;
    it follows `last`, the id of the event before on the same line of states.
    """

    def __init__(
        self, arn: str = ARN, *, begin: float = 0, pace: float = 0.1, lag: float = 1
    ) -> None:
        self.arn, self.pace, self.lag = arn, pace, lag
        self.now = begin - pace
        """When the last event was, in seconds."""
        self.last = 0
        self.records: list[Received] = []

    def add(
        self,
        kind: str,
        *,
        after: int | None = None,
        wait: float | None = None,
        **more: Any,
    ) -> int:
        """Write an event and give its id; `more` are its details."""
        self.now += self.pace if wait is None else wait
        self.records.append(
            event(
                len(self.records) + 1,
                kind,
                self.now,
                previous=self.last if after is None else after,
                arn=self.arn,
                seen=self.now + self.lag,
                **more,
            )
        )
        self.last = len(self.records)
        return self.last

    def write(self, *lines: str) -> Self:
        """Write events line by line: `Type@previous+seconds details`, see `history`."""
        for line in lines:
            match = _LINE.fullmatch(line)
            assert match is not None, line
            wait = float(match["wait"]) if match["wait"] else None
            after = int(match["after"]) if match["after"] else None
            self.add(match["type"], after=after, wait=wait, **_details(match["rest"]))
        return self

    def start(self, role: str = ROLE) -> Self:
        """Begin the execution; the first state follows event 0, not this one."""
        self.add("ExecutionStarted", input="{}", roleArn=role)
        self.last = 0
        return self

    def state(
        self, name: str, kind: str = "Pass", *, wait: float | None = None
    ) -> Self:
        """Write a state that calls nothing; `wait` is how long it lasts."""
        self.add(f"{kind}StateEntered", name=name)
        self.add(f"{kind}StateExited", name=name, wait=wait)
        return self

    def task(
        self,
        name: str,
        which: Which = SYNC,
        *,
        retried: Iterable[str] = (),
        caught: bool = False,
        entered: int | None = None,
        **attempt: Any,
    ) -> Self:
        """Write a Task from entering to leaving it; for `attempt` see there.

        One that fails is not left, unless it is `caught`. `retried` are the errors of
        tries before. A redrive goes on with the state whose `entered` event is given.
        """
        if entered is None:
            self.add("TaskStateEntered", name=name, input="{}")
        else:
            self.last = entered
        for error in retried:
            self.attempt(which, error=error)
        self.attempt(which, **attempt)
        if caught or attempt.get("error") is None:
            self.add("TaskStateExited", name=name, output="{}")
        return self

    def attempt(
        self,
        which: Which,
        *,
        submitted: Any = None,
        output: Any = None,
        error: str | None = None,
        cause: str = "",
        lasts: float = 1,
        **scheduled: Any,
    ) -> Self:
        """Write one try of a Task, which fails if there is an `error`.

        `submitted` and `output` are what its call and its end answered.
        """
        family, named = _family(which)
        self.add(f"{family}Scheduled", **which, **scheduled)
        self.add(f"{family}Started", **named)
        if submitted is not None:
            self.add(f"{family}Submitted", output=json.dumps(submitted), **named)
        if error is None:
            text = json.dumps({} if output is None else output)
            self.add(f"{family}Succeeded", wait=lasts, output=text, **named)
        else:
            self.add(f"{family}Failed", wait=lasts, error=error, cause=cause, **named)
        return self

    def parallel(self, name: str, *branches: Callable[[Self], Any]) -> Self:
        """Write a Parallel state; each branch writes its states, one by one."""
        self.add("ParallelStateEntered", name=name)
        started = self.add("ParallelStateStarted")
        for branch in branches:
            self.last = started
            branch(self)
        last = self.last
        self.add("ParallelStateSucceeded")
        self.add("ParallelStateExited", after=last, name=name)
        return self

    def map(self, name: str, *iterations: Callable[[Self], Any]) -> Self:
        """Write an inline Map state likewise."""
        self.add("MapStateEntered", name=name)
        started = self.add("MapStateStarted", length=len(iterations))
        for index, iteration in enumerate(iterations):
            self.add("MapIterationStarted", after=started, name=name, index=index)
            iteration(self)
            last = self.last
            self.add("MapIterationSucceeded", name=name, index=index)
            self.last = last
        last = self.last
        self.add("MapStateSucceeded")
        self.add("MapStateExited", after=last, name=name)
        return self

    def map_run(self, name: str, *arns: str) -> Self:
        """Write a Distributed Map with a Map Run for each try; the last succeeds."""
        self.add("MapStateEntered", name=name)
        self.add("MapStateStarted", length=0)
        for number, arn in enumerate(arns, 1):
            self.add("MapRunStarted", mapRunArn=arn)
            if number < len(arns):
                self.add("MapRunFailed", error="States.ItemReaderFailed")
        self.add("MapRunSucceeded")
        self.add("MapStateExited", name=name)
        return self

    def end(self, how: str = "Succeeded", **details: Any) -> Self:
        """End it: Succeeded, Failed, TimedOut, or Aborted, which follows event 0."""
        self.add(f"Execution{how}", after=0 if how == "Aborted" else None, **details)
        return self

    def redrive(self, count: int = 1, wait: float = 720) -> Self:
        """Take it up again; that it follows event 0 is inferred."""
        self.add("ExecutionRedriven", after=0, wait=wait, redriveCount=count)
        return self


def history(*lines: str) -> list[Received]:
    """Write a history down, a line an event: `Type@previous+seconds details`.

    An event follows the line before it a second later, unless it says otherwise. Its
    details are a state's name, a Map's name and an index (`Each#3`), or a JSON object.
    """
    return History(pace=1).write(*lines).records


_LINE = re.compile(
    r"(?P<type>\w+)(@(?P<after>\d+))?(\+(?P<wait>[\d.]+))?( (?P<rest>.+))?"
)


def _details(rest: str | None) -> dict[str, Any]:
    if not rest:
        return {}
    if rest.startswith("{"):
        details: dict[str, Any] = json.loads(rest)
        return details
    name, _, index = rest.partition("#")
    return {"name": name, "index": int(index)} if index else {"name": name}


def _family(which: Which) -> tuple[str, Which]:
    """Give what its events' types begin with, and what all of them name."""
    if "resourceType" in which:
        return "Task", which
    family = "Activity" if ":activity:" in which["resource"] else "LambdaFunction"
    return family, {}


def logged(record: Received, arn: str = EXPRESS_ARN) -> Received:
    """Write an event of a history as the log of its execution has it."""
    data = record.record
    at_ms = datetime.fromisoformat(data["timestamp"]).timestamp() * 1000
    found = (v for k, v in data.items() if k.endswith("EventDetails"))
    details: Mapping[str, Any] = next(found, {})
    told = {
        "id": str(data["id"]),
        "type": data["type"],
        "details": details,
        "previous_event_id": str(data["previousEventId"]),
        "event_timestamp": str(round(at_ms)),
        "execution_arn": arn,
        "redrive_count": "0",
    }
    return receive(record.at, RecordKind.EXPRESS, arn, told)


# -- calls ------------------------------------------------------------------------


def api_call(
    name: str,
    seconds: float,
    *,
    key: str,
    source: str = "ecs.amazonaws.com",
    request_id: str | None = None,
    parameters: Any = None,
    response: Any = None,
    error: tuple[str, str] | None = None,
    role: str = ROLE,
    session: str = SESSION,
    invoked_by: str | None = "states.amazonaws.com",
    user_agent: str | None = None,
) -> dict[str, Any]:
    """Build a CloudTrail record; `key` is its event id, `error` code and message."""
    role_name = role.rsplit("/", 1)[-1]
    identity: dict[str, Any] = {
        "type": "AssumedRole",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role_name}/{session}",
        "accountId": ACCOUNT,
        "sessionContext": {"sessionIssuer": {"type": "Role", "arn": role}},
    }
    if invoked_by:
        identity["invokedBy"] = invoked_by
    record: dict[str, Any] = {
        "eventVersion": "1.09",
        "userIdentity": identity,
        "eventTime": at(seconds).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": source,
        "eventName": name,
        "awsRegion": REGION,
        "sourceIPAddress": invoked_by or "198.51.100.7",
        "userAgent": user_agent or invoked_by or "aws-cli/2",
        "requestParameters": parameters,
        "responseElements": response,
        "requestID": request_id or f"request-{key}",
        "eventID": key,
        "readOnly": name.startswith(("Describe", "Get", "List", "Lookup")),
        "recipientAccountId": ACCOUNT,
    }
    if error:
        record["errorCode"], record["errorMessage"] = error
    return record


def denial(who: str, action: str, resource: str) -> tuple[str, str]:
    """Give code and message of a call that was denied [recorded]; `who` is an ARN."""
    return "AccessDenied", (
        f"User: {who} is not authorized to perform: {action} on resource: {resource}"
        f" because no identity-based policy allows the {action} action"
    )


def network_activity(
    name: str, seconds: float, *, key: str, denied: bool = False, **more: Any
) -> dict[str, Any]:
    """Build a network activity event; it has no request and no answer [documented]."""
    denial = ("VpceAccessDenied", "The request was denied due to a VPC endpoint policy")
    error = denial if denied else None
    record = api_call(name, seconds, key=key, error=error, invoked_by=None, **more)
    for absent in ("requestParameters", "responseElements", "readOnly", "userAgent"):
        del record[absent]
    return record | {
        "eventType": "AwsVpceEvent",
        "eventCategory": "NetworkActivity",
        "vpcEndpointId": "vpce-0a1b2c3d",
        "vpcEndpointAccountId": ACCOUNT,
        "sharedEventID": f"shared-{key}",
    }


def lookup(record: Mapping[str, Any], lag: float | None = 130) -> Received:
    """Hand a record over as an Event of LookupEvents, seen `lag` seconds later."""
    event = {
        "EventId": record["eventID"],
        "EventName": record["eventName"],
        "ReadOnly": str(record["readOnly"]).lower(),
        "EventTime": record["eventTime"],
        "EventSource": record["eventSource"],
        "Username": record["userIdentity"].get("arn", "").rpartition("/")[2],
        "Resources": [],
        "CloudTrailEvent": json.dumps(record),
    }
    return receive(_seen(record, lag), RecordKind.LOOKUP, None, event)


def trail(record: Mapping[str, Any], lag: float | None = None) -> Received:
    """Hand a record over bare, as a trail's file has it; with a lag, as a queue."""
    return receive(_seen(record, lag), RecordKind.TRAIL, None, record)


def athena(
    record: Mapping[str, Any], *columns: str, lag: float | None = None, **more: Any
) -> Received:
    """Hand a record over as a row of a table: of these columns, or of all there are."""
    identity = record["userIdentity"]
    issuer = identity.get("sessionContext", {}).get("sessionIssuer", {})
    row: dict[str, Any] = {
        key.lower(): record.get(key)
        for key in (
            *("eventID", "eventTime", "eventSource", "eventName", "errorCode"),
            *("errorMessage", "requestID", "sourceIPAddress", "userAgent"),
            *("awsRegion", "recipientAccountId"),
        )
    }
    row |= {
        "readonly": str(record["readOnly"]).lower(),
        "arn": identity.get("arn"),
        "issuerarn": issuer.get("arn"),
        "accountid": identity.get("accountId"),
        "invokedby": identity.get("invokedBy"),
        "requestparameters": json.dumps(record["requestParameters"]),
        "responseelements": json.dumps(record["responseElements"]),
    }
    chosen = {name: row[name] for name in columns or row}
    return receive(_seen(record, lag), RecordKind.ATHENA, None, chosen | more)


SEED_COLUMNS = ("eventtime", "eventsource", "eventname", "arn")
"""The columns of the experiment's table that every row fills."""


def _seen(record: Mapping[str, Any], lag: float | None) -> datetime | None:
    happened = datetime.fromisoformat(record["eventTime"])
    return None if lag is None else happened + timedelta(seconds=lag)


def call(
    name: str, seconds: float, *, key: str, lag: float = 130, **more: Any
) -> Received:
    """Build a call as LookupEvents gives it: `lookup(api_call(...))`."""
    return lookup(api_call(name, seconds, key=key, **more), lag)


def row(name: str, seconds: float, **more: Any) -> Received:
    """Build a row of the experiment's few columns, which have no event id."""
    return athena(api_call(name, seconds, key="row"), *SEED_COLUMNS, lag=130, **more)


# -- what else AWS and the sources say ----------------------------------------------


def describe(
    status: str = "SUCCEEDED",
    *,
    arn: str = ARN,
    seen: float | None = None,
    stopped: float = 309.05,
    **more: Any,
) -> Received:
    """Build DescribeExecution's answer; one that has ended tells when it `stopped`."""
    over = status not in {"RUNNING", "PENDING_REDRIVE"}
    data: dict[str, Any] = {
        "executionArn": arn,
        "stateMachineArn": MACHINE_ARN,
        "name": arn.rsplit(":", 1)[-1],
        "status": status,
        "startDate": iso(START),
        "input": "{}",
    }
    if over:
        data["stopDate"] = iso(at(stopped))
    usual = stopped + 3 if over else 1
    return received(
        RecordKind.DESCRIBE, data | more, usual if seen is None else seen, arn
    )


def definition(
    states: Mapping[str, Any], *, arn: str = ARN, seen: float = 1, **more: Any
) -> Received:
    """Build DescribeStateMachineForExecution's answer; it starts at the first state."""
    data = {
        "stateMachineArn": MACHINE_ARN,
        "name": "nightly-report",
        "definition": json.dumps({"StartAt": next(iter(states), ""), "States": states}),
        "roleArn": ROLE,
        "updateDate": iso(START - timedelta(days=3)),
        **more,
    }
    return received(RecordKind.DEFINITION, data, seen, arn)


def health(
    lane: str, state: str, seconds: float, *, arn: str | None = None, **more: Any
) -> Received:
    """Build what a source says of itself; its coverage is `complete_to=iso(…)`."""
    data = {"lane": lane, "state": state, **more}
    return received(RecordKind.HEALTH, data, seconds, arn)


def request(
    seconds: float = 0,
    operation: str = "states:GetExecutionHistory",
    outcome: str = "ok",
    **more: Any,
) -> Received:
    """Build the record of a request that the tool itself sent to AWS."""
    service, _, name = operation.partition(":")
    data = {
        "operation": name,
        "service": service,
        "region": REGION,
        "sent_at": iso(at(seconds)),
        "seconds": 0.12,
        "outcome": outcome,
        "status": 200 if outcome == "ok" else 400,
        "request_id": f"request-{seconds}",
        "items": 5,
        "note": "newest events",
        **more,
    }
    return received(RecordKind.REQUEST, data, seconds + 1, ARN)


LIFE = {
    "PROVISIONING": 1.3,
    "PENDING": 8.0,
    "RUNNING": 31.0,
    "DEPROVISIONING": 307.0,
    "STOPPED": 307.1,
}
"""A task's life: its statuses in order, and when each came."""


def task_state(
    version: int,
    status: str,
    seconds: float,
    *,
    task: str = TASK_ARN,
    exit_code: int | None = None,
    lag: float = 2,
    **detail: Any,
) -> Received:
    """Build what ECS tells of a task: the EventBridge event `ECS Task State Change`."""
    told = iso(at(seconds))
    container: dict[str, Any] = {"name": "app", "lastStatus": status, "taskArn": task}
    if exit_code is not None:
        container["exitCode"] = exit_code
    stopped = {"stoppedAt": told, "stopCode": "EssentialContainerExited"}
    data = {
        "version": "0",
        "id": f"event-{version}",
        "detail-type": "ECS Task State Change",
        "source": "aws.ecs",
        "account": ACCOUNT,
        "time": f"{told[:19]}Z",
        "region": REGION,
        "resources": [task],
        "detail": {
            "taskArn": task,
            "clusterArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/my-cluster",
            "group": "family:report",
            "startedBy": "AWS Step Functions",
            "lastStatus": status,
            "desiredStatus": "RUNNING" if version <= 3 else "STOPPED",
            "containers": [container],
            "version": version,
            "updatedAt": told,
            **(stopped if status == "STOPPED" else {}),
            **detail,
        },
    }
    return received(RecordKind.TASK_STATE, data, seconds + lag)


def task_life(task: str = TASK_ARN, *, exit_code: int = 0) -> list[Received]:
    """Build a task's whole life: stopped when the experiment's state was told so."""
    return [
        task_state(
            number,
            status,
            seconds,
            task=task,
            exit_code=exit_code if status == "STOPPED" else None,
        )
        for number, (status, seconds) in enumerate(LIFE.items(), 1)
    ]


def counted(
    run: str = MAP_RUN_ARN,
    *,
    seen: float = 60,
    status: str = "RUNNING",
    parent: str = ARN,
    more: Mapping[str, Any] | None = None,
    **counts: int,
) -> Received:
    """Build DescribeMapRun's answer; `counts` are those of its executions."""
    keys = ("pending", "running", "succeeded", "failed", "timedOut", "aborted")
    told = {key: counts.get(key, 0) for key in keys}
    told["total"] = counts.get("total", sum(told.values()))
    data: dict[str, Any] = {
        "mapRunArn": run,
        "executionArn": parent,
        "status": status,
        "startDate": iso(at(0.5)),
        "maxConcurrency": 40,
        "toleratedFailurePercentage": 5.0,
        "toleratedFailureCount": 0,
        "itemCounts": told,
        "executionCounts": told,
        "redriveCount": 0,
    }
    if status != "RUNNING":
        data["stopDate"] = iso(at(seen))
    return received(RecordKind.MAP_RUN, {**data, **(more or {})}, seen, parent)


def listing(
    *children: tuple[str, str],
    run: str = MAP_RUN_ARN,
    seen: float = 60,
    begin: float = 1,
) -> Received:
    """Build a page of ListExecutions of a Map Run: of each its ARN and its status."""
    items = []
    for number, (arn, status) in enumerate(children):
        begun = begin + number / 10
        end = None if status == "RUNNING" else begun + 3
        told = {"stateMachineArn": f"{MACHINE_ARN}/Each", "status": status}
        items.append(listed(arn, begun, end, mapRunArn=run, itemCount=1, **told))
    return received(RecordKind.CHILDREN, {"executions": items}, seen, ARN)


def listed(
    arn: str, begin: float, end: float | None = None, **more: Any
) -> dict[str, Any]:
    """Build an item of ListExecutions; without an end it runs."""
    return {
        "executionArn": arn,
        "stateMachineArn": MACHINE_ARN,
        "name": arn.rpartition(":")[2],
        "status": "RUNNING" if end is None else "SUCCEEDED",
        "startDate": iso(at(begin)),
        **({} if end is None else {"stopDate": iso(at(end))}),
        **more,
    }


def machine_executions(asked: float, **more: Any) -> Received:
    """Build what was read of both lists of a machine's executions: all, and none."""
    data = {
        "machine_arn": MACHINE_ARN,
        "asked_at": iso(at(asked)),
        "running": [],
        "running_complete": True,
        "newest": [],
        "newest_complete": True,
        **more,
    }
    return received(RecordKind.MACHINE_EXECUTIONS, data, asked + 1)


def map_child(number: int) -> str:
    """Give the ARN of one of a Map Run's executions, whose name is a random id."""
    name = f"{number:08}-0000-4000-8000-00000000abcd"
    return f"{HEAD}:execution:nightly-report/Each:{name}"


# -- whole runs -------------------------------------------------------------------


def answer(request_id: str, *tasks: str, **more: Any) -> dict[str, Any]:
    """Build what an optimized ecs:runTask answers: the tasks, and its request's id."""
    return {
        "Tasks": [{"TaskArn": task} for task in tasks],
        "Failures": [],
        "SdkHttpMetadata": {"HttpHeaders": {"x-amzn-RequestId": request_id}},
        "SdkResponseMetadata": {"RequestId": request_id},
        **more,
    }


def sync_history(arn: str = ARN) -> list[Received]:
    """Build the history of the experiment's `ecs:runTask.sync` run: eight events."""
    done = {"TaskArn": TASK_ARN, "StoppedAt": milliseconds(307.1)}
    run = History(arn).start()
    run.add("TaskStateEntered", wait=0.03, name="ECS RunTask", input="{}")
    run.add("TaskScheduled", wait=0, region=REGION, parameters="{}", **SYNC)
    run.add("TaskStarted", wait=0.27, **SYNC)
    submitted = json.dumps(answer("req-run", TASK_ARN))
    run.add("TaskSubmitted", wait=0.9, output=submitted, **SYNC)
    run.add("TaskSucceeded", wait=307.8, output=json.dumps(done), **SYNC)
    run.add("TaskStateExited", wait=0.02, name="ECS RunTask", output="{}")
    run.add("ExecutionSucceeded", wait=0.03, output="{}")
    return run.records


DENIED = denial(
    f"arn:aws:sts::{ACCOUNT}:assumed-role/{ROLE.rpartition('/')[2]}/{SESSION}",
    "ecs:DescribeTasks",
    TASK_ARN,
)
"""A denied poll's code and message; only the latter names the task."""


def sync_calls(*, denied: bool = False) -> list[Received]:
    """Build the calls of that run: RunTask and five polls, if need be denied."""
    run = call(
        "RunTask",
        1,
        key="run",
        request_id="req-run",
        parameters={"cluster": "my-cluster", "startedBy": "AWS Step Functions"},
        response={"tasks": [{"taskArn": TASK_ARN}], "failures": []},
    )
    polls = [
        call(
            "DescribeTasks",
            1 + seconds,
            key=f"poll-{number}",
            lag=100 + 37 * number % 90,
            error=DENIED if denied else None,
            parameters=None if denied else {"cluster": "c", "tasks": [TASK_ARN]},
        )
        for number, seconds in enumerate(POLLS)
    ]
    return [run, *polls]


def sync_definition() -> Received:
    task = {"Type": "Task", "Resource": "arn:aws:states:::ecs:runTask.sync"}
    return definition({"ECS RunTask": {**task, "End": True}})


def sync_run(*, denied: bool = False) -> list[Received]:
    """Build the whole of it as it would be received, in order of arrival."""
    coverage: dict[str, Any] = {"complete_to": iso(at(420)), "lag": 131.0}
    return in_order(
        [
            describe("RUNNING"),
            sync_definition(),
            *sync_history(),
            *sync_calls(denied=denied),
            describe(),
            health("lookup", "ended", 600, **coverage),
            health("history", "ended", 312),
        ]
    )


REFUSED = "11111111-2222-3333-4444-555555555555"
"""The request id of the call that the redriven run failed with."""


def failed_history() -> History:
    """Write a run whose RunTask was refused; to be gone on with."""
    cause = f"No cluster. (Service: AmazonECS; Request ID: {REFUSED}; Proxy: null)"
    error = "ECS.ClusterNotFoundException"
    run = History().start().task("Import", error=error, cause=cause, lasts=2.8)
    return run.end("Failed", error=error, cause=cause)


def redriven_history() -> History:
    """Write the same with a redrive, after which it succeeds.

    No recording has one: that the new TaskScheduled follows the old StateEntered is
    inferred, as is that ExecutionRedriven follows nothing.
    """
    run = failed_history().redrive()
    done = {"TaskArn": TASK_ARN, "StoppedAt": milliseconds(801)}
    run.task(
        "Import", submitted=answer("again", TASK_ARN), output=done, lasts=79, entered=2
    )
    return run.end()


def redriven_run() -> list[Received]:
    """Build that history with the calls of both tries."""
    missing = ("ClusterNotFoundException", "Cluster not found.")
    told = {"tasks": [{"taskArn": TASK_ARN}]}
    return [
        *redriven_history().records,
        call("RunTask", 1, key="run-1", request_id=REFUSED, error=missing),
        call("RunTask", 723, key="run-2", response=told),
        call("DescribeTasks", 780, key="poll-1", parameters={"tasks": [TASK_ARN]}),
    ]


def nested_run() -> list[Received]:
    """Build an execution that starts another and waits for it, and that other one."""
    told = {"ExecutionArn": CHILD_ARN, **answer("req-start")}
    done = {"ExecutionArn": CHILD_ARN, "StopDate": milliseconds(3)}
    parent = History().start().task("Ask", NESTED, submitted=told, output=done, lasts=5)
    child = History(CHILD_ARN, begin=1).start().state("Archive", "Wait", wait=1.5).end()
    return [*parent.end().records, *child.records]


def photos(count: int = 4, *, failing: int = 1, read: int = 2) -> list[Received]:
    """Build an execution with a Map Run, of whose executions some have been read."""
    arns = [map_child(number) for number in range(count)]
    ended = [
        (arn, "FAILED" if number < failing else "SUCCEEDED")
        for number, arn in enumerate(arns)
    ]
    records = [
        *History().start().map_run("Each", MAP_RUN_ARN).end().records,
        counted(seen=50, running=count),
        listing(*((arn, "RUNNING") for arn in arns), seen=51),
        counted(seen=61, status="SUCCEEDED", succeeded=count - failing, failed=failing),
        listing(*ended, seen=62),
    ]
    for number, arn in enumerate(arns[:read]):
        run = History(arn, begin=1 + number / 10).start().state("Resize")
        records += run.end("Failed" if number < failing else "Succeeded").records
    return records
