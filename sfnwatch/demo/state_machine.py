"""A small interpreter of Amazon States Language, which writes an execution's history.

Every branch is run to its end with a clock of its own; the events of all branches get
their ids afterwards, in the order of time. What follows what was read off recorded
histories; that a Parallel's Succeeded follows its last branch's last event, as a Map's
does, is inferred. A branch or a Map Run that fails for good is not supported: no
scenario has one.
"""

import json
import operator
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from heapq import heapreplace
from typing import Any, Self

import msgspec

from sfnwatch.demo.ecs_task import CLUSTER_ARN, STARTED_BY, EcsTask
from sfnwatch.demo.execution import REDRIVEN, DemoEvent, DemoExecution, DemoMapRun
from sfnwatch.demo.formats import (
    REGION,
    Json,
    after,
    arn,
    camel,
    compact,
    epoch_ms,
    in_words,
    iso_ms,
)
from sfnwatch.demo.scenarios import (
    Attempt,
    Invocation,
    NestedExecution,
    Scenario,
    TaskRun,
)
from sfnwatch.demo.seeded_random import SeededRandom
from sfnwatch.demo.trail_event import CallerIdentity, TrailEvent

_RESOURCE = re.compile(r"arn:aws:states:::((?:aws-sdk:)?[^:]+):(.+)")
_PATH_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
_COMPARISONS = {"BooleanEquals": operator.eq, "NumericGreaterThan": operator.gt}
_CALLER_NOT_YET_KNOWN = CallerIdentity({}, "", "")
_HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
# Enough for branches to be entered in their order.
_BRANCHES_APART_SECONDS = 0.03

State = Mapping[str, Any]


class StatesError(Exception):
    """An error of Amazon States Language, which an attempt or a state ended with."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(error, cause)
        self.error = error
        self.cause = cause

    @property
    def details(self) -> dict[str, str]:
        """Return the details that a history event has of it."""
        return {"error": self.error, "cause": self.cause}

    def is_among(self, errors: list[str]) -> bool:
        """True if a Retry or Catch for these errors applies."""
        names = {"States.ALL", "States.TaskFailed", self.error}
        return not names.isdisjoint(errors)


def run_execution(
    scenario: Scenario,
    started_at: datetime,
    key: str,
    given_input: Any = None,
    map_run_arn: str | None = None,
) -> DemoExecution:
    """Run an execution to its end; one that another execution starts has its input."""
    dice = SeededRandom(key, scenario.name, iso_ms(started_at))
    if given_input is not None:
        # AWS names it.
        name = dice.uuid()
        data = given_input
    else:
        name = f"{scenario.name}-{started_at:%Y%m%dT%H%M%S}-{dice.hex(6)}"
        by_schedule = {"date": f"{started_at:%Y-%m-%d}", "trigger": "schedule"}
        data = by_schedule if scenario.input is None else scenario.input
    execution = DemoExecution(scenario, name, compact(data), map_run_arn)
    attempts = {state: iter(tries) for state, tries in scenario.attempts.items()}
    _Branch(_Run(execution, key, dice, attempts), started_at).run_all(data)
    # Stable, so that nothing comes before what it follows.
    execution.events.sort(key=lambda event: event.at)
    for event_id, event in enumerate(execution.events, 1):
        event.event_id = event_id
    execution.calls.sort(key=lambda call: call.at)
    return execution


class _Run(msgspec.Struct):
    """What the branches of an execution share."""

    execution: DemoExecution
    key: str
    dice: SeededRandom
    attempts: Mapping[str, Iterator[Attempt]]
    """What is left of the scenario's, by the Task's name."""
    entered: tuple[str, Any, DemoEvent | None] = ("", None, None)
    """The state entered last, its input, and its event."""


class _Branch(msgspec.Struct):
    """Runs one branch, from where its clock stands and after its last event."""

    run: _Run
    at: datetime
    last: DemoEvent | None = None
    name: str = ""
    """The state that it is in."""
    task: Json = {}
    """What all events of the Task that is tried have."""

    def run_all(self, data: Any) -> None:
        """Run the whole execution, as often as it is redriven."""
        scenario = self.run.execution.scenario
        role = {"roleArn": scenario.role_arn}
        self.event(self.at, "ExecutionStarted", _data("input", data) | role)
        # The first state points at 0, not at ExecutionStarted.
        self.last = None
        machine = {"StartAt": scenario.start_at, "States": scenario.states}
        for redrives, pause in enumerate((0.0, *scenario.redriven_after)):
            if redrives:
                # That this follows nothing, as an abort does, is inferred.
                self.last = None
                at = after(self.at, pause)
                self.event(at, REDRIVEN, {"redriveCount": redrives})
                machine["StartAt"], data, self.last = self.run.entered
            try:
                data = self.machine(machine, data, redriven=redrives > 0)
            except StatesError as error:
                self.soon("ExecutionFailed", error.details)
            else:
                self.soon("ExecutionSucceeded", _data("output", data))
                break

    def event(self, at: datetime, kind: str, details: Json) -> None:
        """Write down what happens next."""
        self.at = at
        self.last = DemoEvent(at, kind, details, self.last)
        self.run.execution.events.append(self.last)

    def soon(self, kind: str, details: Json) -> None:
        """Write down what happens at once, as far as Step Functions does."""
        self.event(self.later(0.01, 0.04), kind, details)

    def tell(self, at: datetime, kind: str, details: Json) -> None:
        """Write down what becomes of the Task."""
        self.event(at, kind, self.task | details)

    def succeed(self, at: datetime, output: Any) -> Any:
        """Write down that the Task succeeds; return its output."""
        self.tell(at, "TaskSucceeded", _data("output", output))
        return output

    def fail(self, at: datetime, error: StatesError) -> StatesError:
        """Write down that the Task fails; return its error."""
        self.tell(at, "TaskFailed", error.details)
        return error

    def later(self, low: float, high: float) -> datetime:
        """Return a time between `low` and `high` seconds from now."""
        return after(self.at, self.run.dice.uniform(low, high))

    def fork(self, count: int) -> list[Self]:
        """Return `count` branches that begin here."""
        branches = []
        for number in range(count):
            at = after(self.at, number * _BRANCHES_APART_SECONDS)
            branches.append(type(self)(self.run, at, self.last))
        return branches

    def join(self, kind: str, branches: Sequence[Self]) -> None:
        """Continue after the branch that ends last; the last one, if several do."""
        last = max(reversed(branches), key=lambda branch: branch.at, default=self)
        self.at = last.at
        self.last = last.last
        self.succeeded(kind)

    def succeeded(self, kind: str) -> None:
        """Write down that a Parallel or Map succeeds; no event follows that one."""
        last = self.last
        self.soon(f"{kind}StateSucceeded", {})
        self.last = last

    def machine(self, machine: State, data: Any, *, redriven: bool = False) -> Any:
        """Run the machine, or a branch of it, and return its output."""
        name: str | None = machine["StartAt"]
        while name:
            state = machine["States"][name]
            if not redriven:
                entered = _data("input", data) | {"name": name}
                self.soon(f"{state['Type']}StateEntered", entered)
            redriven = False
            self.name = name
            self.run.entered = name, data, self.last
            data, following = self.state(state, data)
            exited = _data("output", data) | {"name": name}
            self.soon(f"{state['Type']}StateExited", exited)
            name = following
        return data

    def state(self, state: State, data: Any) -> tuple[Any, str | None]:
        """Run a state that was entered; return its output and the next state's name."""
        try:
            result = self.result_of(state, data)
        except StatesError as error:
            return _caught(state, data, error)
        following = state.get("Next")
        if state["Type"] == "Choice":
            following = self.choose(state, data)
        return self.output_of(state, data, result), following

    def result_of(self, state: State, data: Any) -> Any:
        match state["Type"]:
            case "Task":
                return self.retried(state, data)
            case "Parallel":
                return self.parallel(state, data)
            case "Map":
                return self.map(state, data)
            case "Wait":
                self.at = after(self.at, state["Seconds"])
        return self.input_of(state, data)

    def parallel(self, state: State, data: Any) -> list[Any]:
        self.soon("ParallelStateStarted", {})
        branches = self.fork(len(state["Branches"]))
        outputs = []
        for branch, machine in zip(branches, state["Branches"], strict=True):
            outputs.append(branch.machine(machine, data))
        self.join("Parallel", branches)
        return outputs

    def map(self, state: State, data: Any) -> Any:
        """Run a Map, all iterations of an inline one at the same time."""
        items = self.value(state["ItemsPath"], data)
        processor = state["ItemProcessor"]
        self.soon("MapStateStarted", {"length": len(items)})
        if processor.get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED":
            return self.map_run(state, items)
        branches = self.fork(len(items))
        outputs = []
        for index, (branch, item) in enumerate(zip(branches, items, strict=True)):
            iteration = {"name": self.name, "index": index}
            branch.event(branch.at, "MapIterationStarted", iteration)
            outputs.append(branch.machine(processor, item))
            branch.soon("MapIterationSucceeded", iteration)
        self.join("Map", branches)
        return outputs

    def map_run(self, state: State, items: Sequence[Any]) -> Any:
        """Run a Map Run, and return its result."""
        run = self.run
        parent = self.run.execution
        machine = f"{parent.scenario.machine}/{state['Label']}"
        map_run_arn = arn("states", f"mapRun:{machine}:{run.dice.uuid()}")
        self.soon("MapRunStarted", {"mapRunArn": map_run_arn})
        began = self.at
        map_run = DemoMapRun(map_run_arn, parent.arn, machine, state, began, began)
        free_at = [began] * min(state["MaxConcurrency"], len(items))
        for index, item in enumerate(items):
            at = after(free_at[0], run.dice.uniform(0.1, 0.3))
            child = _child(parent.scenario, state, machine, index)
            ran = run_execution(child, at, run.key, item, map_run_arn)
            map_run.children.append(ran)
            heapreplace(free_at, ran.ends_at)
        parent.map_runs.append(map_run)
        self.at = max([began, *(child.ends_at for child in map_run.children)])
        self.soon("MapRunSucceeded", {})
        map_run.ends_at = self.at
        self.succeeded("Map")
        return [child.result for child in map_run.children]

    def retried(self, state: State, data: Any) -> Any:
        """Try until it succeeds, or no retrier is left for its error."""
        used = [0] * len(state.get("Retry", ()))
        self.at = self.later(0.02, 0.05)
        while True:
            try:
                return self.attempt(state, data)
            except StatesError as error:
                self.at = after(self.at, _back_off(state, error, used))

    def attempt(self, state: State, data: Any) -> Any:
        """Try once, and return the output."""
        ((resource_type, resource),) = _RESOURCE.findall(state["Resource"])
        parameters = self.input_of(state, data)
        if resource == "runTask.sync":
            parameters = parameters | {"StartedBy": STARTED_BY}
        self.task = {"resourceType": resource_type, "resource": resource}
        scheduled = {"region": REGION, "parameters": compact(parameters)}
        self.tell(self.at, "TaskScheduled", scheduled)
        called_at = self.later(0.35, 0.8)
        self.tell(self.later(0.08, 0.13), "TaskStarted", {})
        match next(self.run.attempts[self.name]):
            case TaskRun() as run:
                return self.run_task(run, called_at, parameters)
            case Invocation() as run:
                return self.invoke(run, called_at)
            case NestedExecution() as run:
                return self.start_execution(run, called_at, parameters["Input"])

    def call(
        self, at: datetime, action: str, job_arn: str, request: Json
    ) -> TrailEvent:
        """Make a call; its record tells later who made it."""
        call = TrailEvent(
            at, action, _CALLER_NOT_YET_KNOWN, self.run.dice.uuid(), "", request
        )
        call.job_arn = job_arn
        self.run.execution.calls.append(call)
        return call

    def run_task(self, run: TaskRun, at: datetime, parameters: Json) -> Any:
        dice = self.run.dice
        answered_at = after(at, dice.uniform(0.25, 0.45))
        family = parameters["TaskDefinition"]
        started_by = parameters.get("StartedBy")
        task = EcsTask(dice, family, after(at, 0.187), started_by)
        call = self.call(at, "ecs:RunTask", task.arn, camel(parameters))
        call.response = camel(task.answer(in_words))
        if self.task["resourceType"] == "aws-sdk:ecs":
            return self.succeed(answered_at, task.answer(iso_ms))
        answer = _with_metadata(task.answer(), call.request_id)
        if not started_by:
            return self.succeed(answered_at, answer)
        self.tell(answered_at, "TaskSubmitted", _data("output", answer))
        poll = {"cluster": CLUSTER_ARN, "tasks": [task.arn]}
        for seconds in run.polls:
            self.call(after(at, seconds), "ecs:DescribeTasks", task.arn, poll)
        self.run.execution.tasks.append(task)
        task.stopped_at = after(at, run.stops_after)
        task.exit_code = run.exit_code
        ended_at = after(task.stopped_at, run.completion_lag)
        output = task.stopped()
        if run.exit_code:
            failure = StatesError("States.TaskFailed", compact(output))
            raise self.fail(ended_at, failure)
        return self.succeed(ended_at, output)

    # Lambda's Invoke is a data event, which Event history never has: it makes no call.
    def invoke(self, invocation: Invocation, at: datetime) -> Any:
        ended_at = after(at, invocation.seconds)
        request_id = self.run.dice.uuid()
        if invocation.error:
            raise self.fail(ended_at, _raised(*invocation.error, request_id))
        payload = dict(invocation.payload)
        answer = {"ExecutedVersion": "$LATEST", "Payload": payload, "StatusCode": 200}
        return self.succeed(ended_at, _with_metadata(answer, request_id))

    def start_execution(self, nested: NestedExecution, at: datetime, data: Any) -> Any:
        run = self.run
        answered_at = after(at, self.run.dice.uniform(0.09, 0.18))
        child = run_execution(nested.scenario, after(at, 0.041), run.key, data)
        run.execution.nested.append(child)
        started_at = child.started_at
        request = {"stateMachineArn": child.scenario.arn, "input": _HIDDEN}
        call = self.call(at, "states:StartExecution", child.arn, request)
        call.response = {"executionArn": child.arn, "startDate": in_words(started_at)}
        answer = {"ExecutionArn": child.arn, "StartDate": epoch_ms(started_at)}
        submitted = _data("output", _with_metadata(answer, call.request_id))
        self.tell(answered_at, "TaskSubmitted", submitted)
        poll = {"executionArn": child.arn}
        for seconds in nested.polls:
            self.call(after(at, seconds), "states:DescribeExecution", child.arn, poll)
        ended_at = after(child.ends_at, nested.completion_lag)
        return self.succeed(ended_at, _passed_on(child))

    def value(self, path: str, data: Any) -> Any:
        """Return what a path names: in the context object after `$$`, else in data."""
        execution = self.run.execution
        value = data
        if path.startswith("$$"):
            value = {"Execution": {"Id": execution.arn, "Name": execution.name}}
        for name, index in _PATH_STEP.findall(path):
            value = value[name] if name else value[int(index)]
        return value

    def filled(self, template: Any, data: Any) -> Any:
        """Return a template with the values of its paths, under keys ending in `.$`.

        Lists are taken as they are: no scenario has a path in one.
        """
        if not isinstance(template, dict):
            return template
        filled = {}
        for key, value in template.items():
            give = self.value if key.endswith(".$") else self.filled
            filled[key.removesuffix(".$")] = give(value, data)
        return filled

    def input_of(self, state: State, data: Any) -> Any:
        """Return what a state works with."""
        template = state.get("Parameters")
        if template is None:
            return data
        return self.filled(template, data)

    def output_of(self, state: State, data: Any, result: Any) -> Any:
        """Return a state's output: its result selected, and put where it belongs."""
        if "ResultSelector" in state:
            result = self.filled(state["ResultSelector"], result)
        whole = _placed(data, result, state.get("ResultPath", "$"))
        return self.value(state.get("OutputPath", "$"), whole)

    def choose(self, state: State, data: Any) -> str:
        """Return the state that a Choice continues with."""
        for rule in state["Choices"]:
            value = self.value(rule["Variable"], data)
            tests = rule.keys() & _COMPARISONS
            if all(_COMPARISONS[test](value, rule[test]) for test in tests):
                return str(rule["Next"])
        return str(state["Default"])


def _placed(data: Any, result: Any, path: str) -> Any:
    """Return the data with the result at the path, which is `$` or one member."""
    if path == "$":
        return result
    return data | {path.removeprefix("$."): result}


def _data(kind: str, value: Any) -> Json:
    """Return the two members of every event that has an input or output."""
    return {kind: compact(value), f"{kind}Details": {"truncated": False}}


def _child(parent: Scenario, state: State, machine: str, index: int) -> Scenario:
    """Return the scenario of a Map Run's child."""
    return Scenario(
        name=f"{parent.name}/{index}",
        machine=machine,
        states=state["ItemProcessor"]["States"],
        attempts=parent.child_attempts[index],
        role=parent.role or parent.machine,
    )


def _back_off(state: State, error: StatesError, used: list[int]) -> float:
    """Return the seconds until the next attempt; raise the error if there is none."""
    for number, retrier in enumerate(state.get("Retry", ())):
        if error.is_among(retrier["ErrorEquals"]):
            if used[number] == retrier["MaxAttempts"]:
                break
            used[number] += 1
            growth = float(retrier["BackoffRate"] ** (used[number] - 1))
            return growth * float(retrier["IntervalSeconds"])
    raise error


def _caught(state: State, data: Any, error: StatesError) -> tuple[Any, str]:
    """Return a Catch's output and next state; raise the error if none applies."""
    for catcher in state.get("Catch", ()):
        if error.is_among(catcher["ErrorEquals"]):
            result = {"Error": error.error, "Cause": error.cause}
            output = _placed(data, result, catcher.get("ResultPath", "$"))
            return output, catcher["Next"]
    raise error


def _raised(kind: str, message: str, request_id: str) -> StatesError:
    """Return an exception of a Python function, in the form of Lambda's runtime."""
    cause = {"errorMessage": message, "errorType": kind, "requestId": request_id}
    return StatesError(kind, compact(cause))


def _passed_on(child: DemoExecution) -> Json:
    """Return a nested execution as `.sync:2` passes it on: with its JSON parsed."""
    return {
        "ExecutionArn": child.arn,
        "Input": json.loads(child.input),
        "InputDetails": {"Included": True},
        "Name": child.name,
        "Output": child.result,
        "OutputDetails": {"Included": True},
        "StartDate": epoch_ms(child.started_at),
        "StateMachineArn": child.scenario.arn,
        "Status": child.last_status,
        "StopDate": epoch_ms(child.ends_at),
    }


def _with_metadata(answer: Json, request_id: str) -> Json:
    """Return an answer with the metadata that optimized integrations add to it."""
    headers = {"x-amzn-RequestId": request_id}
    return answer | {
        "SdkHttpMetadata": {"HttpHeaders": headers, "HttpStatusCode": 200},
        "SdkResponseMetadata": {"RequestId": request_id},
    }
