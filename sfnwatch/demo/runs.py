"""One execution from start to end: its history, and the calls it makes."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2s
from typing import Any

from sfnwatch.demo.history import History, HistoryEvent, with_input, with_output
from sfnwatch.demo.ids import REGION, Dice, arn
from sfnwatch.demo.scenarios import Scenario, Try
from sfnwatch.demo.tasks import Task, camel
from sfnwatch.demo.times import after, http_date, in_words, iso_ms

STARTED_BY = "AWS Step Functions"
_FAILED = "States.TaskFailed"


@dataclass(frozen=True, slots=True)
class Call:
    """A call Step Functions makes to ECS for an execution."""

    at: datetime
    name: str
    task_arn: str
    request_id: str
    request: dict[str, Any]
    response: dict[str, Any] | None = None
    denied: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """An execution. What of it can be seen depends on the time alone."""

    scenario: Scenario
    name: str
    input: str
    events: tuple[HistoryEvent, ...]
    calls: tuple[Call, ...]

    @property
    def arn(self) -> str:
        return arn("states", f"execution:{self.scenario.machine}:{self.name}")

    @property
    def started_at(self) -> datetime:
        return self.events[0].at

    @property
    def ends_at(self) -> datetime:
        return self.events[-1].at

    def seen(self, now: datetime) -> tuple[HistoryEvent, ...]:
        """Return the events that have happened by `now`."""
        return tuple(event for event in self.events if event.at <= now)

    def end(self, now: datetime) -> HistoryEvent | None:
        """Return the event that ended it, if it has ended by `now`."""
        return self.events[-1] if self.ends_at <= now else None

    def status(self, now: datetime) -> str:
        """Return DescribeExecution's word for how it stands."""
        end = self.end(now)
        return end.kind.removeprefix("Execution").upper() if end else "RUNNING"


def role_arn(scenario: Scenario) -> str:
    """Return the role of its machine, on the path where the console puts it."""
    return arn("iam", f"role/service-role/{role_name(scenario)}")


def role_name(scenario: Scenario) -> str:
    """Return the role's name, which is all that CloudTrail's ARN keeps of it."""
    suffix = blake2s(scenario.machine.encode(), digest_size=4).hexdigest()
    return f"StepFunctions-{scenario.machine}-role-{suffix}"


def machine_arn(scenario: Scenario) -> str:
    """Return the ARN of the scenario's state machine."""
    return arn("states", f"stateMachine:{scenario.machine}")


def compact(value: object) -> str:
    """Return JSON as Step Functions puts it into outputs: keys in order, no spaces."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def run(scenario: Scenario, *, started_at: datetime, key: str) -> Run:
    """Play an execution to its end."""
    dice = Dice(key, scenario.name, iso_ms(started_at))
    name = f"{scenario.name}-{started_at:%Y%m%dT%H%M%S}-{dice.hex(6)}"
    given = compact({"date": f"{started_at:%Y-%m-%d}", "trigger": "schedule"})
    script = _Script(scenario, dice)
    script.play(started_at, given)
    return Run(scenario, name, given, tuple(script.history.events), tuple(script.calls))


class _Script:
    """Writes an execution down, event by event and call by call."""

    def __init__(self, scenario: Scenario, dice: Dice) -> None:
        self.history = History()
        self.calls: list[Call] = []
        self._scenario = scenario
        self._dice = dice
        self._resource = {
            "resourceType": scenario.resource_type,
            "resource": scenario.resource,
        }

    def play(self, started_at: datetime, given: str) -> None:
        """Write everything down."""
        self._start(started_at, given)
        at = after(started_at, self._dice.seconds(0.05, 0.08))
        for number, one_try in enumerate(self._scenario.tries):
            pause = self._scenario.retry_after * 2 ** (number - 1) if number else 0
            at, output, error = self._attempt(after(at, pause), one_try)
        if error:
            cause = {"error": error, "cause": output}
            self.history.add(self._soon(at), "ExecutionFailed", cause)
        else:
            self._succeed(at, output)

    def _start(self, at: datetime, given: str) -> None:
        details = with_input(given) | {"roleArn": role_arn(self._scenario)}
        self.history.add(at, "ExecutionStarted", details)
        entered = with_input(given) | {"name": self._scenario.state}
        # The first state points at 0, not at ExecutionStarted.
        self.history.add(self._soon(at), "TaskStateEntered", entered, previous=0)

    def _succeed(self, at: datetime, output: str) -> None:
        at = self._soon(at)
        exited = with_output(output) | {"name": self._scenario.state}
        self.history.add(at, "TaskStateExited", exited)
        self.history.add(self._soon(at), "ExecutionSucceeded", with_output(output))

    def _attempt(self, at: datetime, one_try: Try) -> tuple[datetime, str, str | None]:
        """Return when it was over, what it gave, and its error."""
        self._schedule(at)
        called_at = after(at, self._dice.seconds(0.35, 0.8))
        answered_at = after(called_at, self._dice.seconds(0.25, 0.45))
        task, answer = self._run_task(called_at, answered_at)
        if not self._scenario.waits:
            self._event(answered_at, "TaskSucceeded", with_output(answer))
            return answered_at, answer, None
        self._event(answered_at, "TaskSubmitted", with_output(answer))
        self.calls.extend(self._polls(task, called_at, one_try))
        return self._stop(task, after(called_at, one_try.stops_after), one_try)

    def _schedule(self, at: datetime) -> None:
        details = {"region": REGION, "parameters": json.dumps(self._parameters())}
        self._event(at, "TaskScheduled", details)
        self._event(after(at, self._dice.seconds(0.08, 0.13)), "TaskStarted", {})

    def _run_task(self, at: datetime, answered_at: datetime) -> tuple[Task, str]:
        started_by = self._parameters().get("StartedBy")
        task = Task.drawn(
            self._dice,
            family=self._scenario.machine,
            created_at=after(at, 0.187),
            started_by=started_by,
        )
        recorded = camel({"Tasks": [task.provisioning(in_words)], "Failures": []})
        request_id = self._dice.uuid()
        request = camel(self._parameters())
        call = Call(at, "RunTask", task.arn, request_id, request, recorded)
        self.calls.append(call)
        return task, self._answer(task, request_id, answered_at)

    def _answer(self, task: Task, request_id: str, at: datetime) -> str:
        if self._scenario.resource_type.startswith("aws-sdk:"):
            return compact({"Failures": [], "Tasks": [task.provisioning(iso_ms)]})
        tasks = [task.provisioning()]
        length = len(compact(camel({"Failures": [], "Tasks": tasks})))
        metadata = _http_metadata(request_id, at, length)
        return compact({"Failures": [], "Tasks": tasks} | metadata)

    def _polls(self, task: Task, called_at: datetime, one_try: Try) -> Iterator[Call]:
        request = {
            "cluster": task.provisioning()["ClusterArn"],
            "tasks": [task.arn],
        }
        for seconds in one_try.polls:
            yield Call(
                after(called_at, seconds),
                "DescribeTasks",
                task.arn,
                self._dice.uuid(),
                request,
                denied=self._scenario.polls_denied,
            )

    def _stop(
        self, task: Task, at: datetime, one_try: Try
    ) -> tuple[datetime, str, str | None]:
        output = compact(task.stopped(at, one_try.exit_code))
        noticed_at = after(at, one_try.noticed_after)
        if one_try.exit_code:
            failure = {"error": _FAILED, "cause": output}
            self._event(noticed_at, "TaskFailed", failure)
            return noticed_at, output, _FAILED
        self._event(noticed_at, "TaskSucceeded", with_output(output))
        return noticed_at, output, None

    def _parameters(self) -> dict[str, Any]:
        started_by = {"StartedBy": STARTED_BY} if self._scenario.waits else {}
        return self._scenario.parameters | started_by

    def _event(self, at: datetime, kind: str, details: dict[str, Any]) -> None:
        self.history.add(at, kind, self._resource | details)

    def _soon(self, at: datetime) -> datetime:
        return after(at, self._dice.seconds(0.01, 0.04))


def _http_metadata(request_id: str, at: datetime, length: int) -> dict[str, Any]:
    headers = {
        "Content-Length": str(length),
        "Content-Type": "application/x-amz-json-1.1",
        "Date": http_date(at),
        "x-amzn-RequestId": request_id,
    }
    return {
        "SdkHttpMetadata": {
            "AllHttpHeaders": {name: [value] for name, value in headers.items()},
            "HttpHeaders": headers,
            "HttpStatusCode": 200,
        },
        "SdkResponseMetadata": {"RequestId": request_id},
    }
